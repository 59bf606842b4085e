/*
 * hash: the hash functions of the ring module, native and other programs'.
 *
 * Batches run 8 keys at once where the CPU can, and give what the plain
 * functions give.  No function reads beyond its input.
 */
#ifndef RING_HASH_H
#define RING_HASH_H

#include "lib/ring/ring.h"

/* SipHash-2-4 (Aumasson and Bernstein 2012), 64-bit output; as libsodium's crypto_shorthash. */
uint64_t siphash(const uint8_t key[16], const void *p, size_t len);
void siphash_batch(const uint8_t key[16], const struct ring_key *, size_t n, uint64_t *out, unsigned cpu);

/* A bijection of 64 bits (the finalizer of splitmix64). */
static inline uint64_t mix64(uint64_t x)
{
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

/* MD5 (RFC 1321); the four words are the digest read little-endian. */
void md5(const void *p, size_t len, uint32_t word[4]);
/* Word 0 of each key's digest, in the upper half of out: a ketama key's place. */
void md5_batch(const struct ring_key *, size_t n, uint64_t *out, unsigned cpu);

uint32_t crc32_ieee(uint32_t crc, const void *p, size_t len);   /* zlib's; start with 0 */
uint16_t crc16_xmodem(const void *p, size_t len);
uint32_t fnv1a_32(const void *p, size_t len);
/* twemproxy's and libhashkit's fnv1a_64: the 64-bit prime, kept in 32 bits throughout. */
uint32_t fnv1a_64_low(const void *p, size_t len);
uint32_t one_at_a_time(const void *p, size_t len);              /* Jenkins; libhashkit's */
uint32_t sdbm(const void *p, size_t len);
uint32_t avalanche32(uint32_t);                                  /* Jenkins' six steps; HAProxy's */
uint64_t xxh64(const void *p, size_t len, uint64_t seed);
uint64_t murmur64a(const void *p, size_t len, uint32_t seed);   /* mcrouter's is of 64 bits */
int64_t cassandra_token(const void *p, size_t len);              /* Murmur3Partitioner */

#endif
