/*
 * The hash functions of other programs' layouts, bit for bit as those programs
 * compute them, their slips included (see signed_byte, cassandra_token).
 */
#include "lib/ring/hash.h"
#include "lib/ring/load.h"

#include <string.h>

static inline uint64_t rotl64(uint64_t x, unsigned s)
{
	return x << s | x >> (64 - s);
}

/*
 * A CRC is linear: the entry of a byte is the sum of the entries of its bits,
 * so eight constants make a table of 256.
 */
#define BIT(i, b, t) (((i) >> (b) & 1) * (t))
#define ENTRY(i, a, b, c, d, e, f, g, h) (BIT(i, 0, a) ^ BIT(i, 1, b) ^ BIT(i, 2, c) ^ BIT(i, 3, d) ^  \
					  BIT(i, 4, e) ^ BIT(i, 5, f) ^ BIT(i, 6, g) ^ BIT(i, 7, h))
#define ENTRIES4(i, ...) ENTRY((i), __VA_ARGS__), ENTRY((i) + 1, __VA_ARGS__),                          \
			 ENTRY((i) + 2, __VA_ARGS__), ENTRY((i) + 3, __VA_ARGS__)
#define ENTRIES16(i, ...) ENTRIES4((i), __VA_ARGS__), ENTRIES4((i) + 4, __VA_ARGS__),                   \
			  ENTRIES4((i) + 8, __VA_ARGS__), ENTRIES4((i) + 12, __VA_ARGS__)
#define ENTRIES64(i, ...) ENTRIES16((i), __VA_ARGS__), ENTRIES16((i) + 16, __VA_ARGS__),                \
			  ENTRIES16((i) + 32, __VA_ARGS__), ENTRIES16((i) + 48, __VA_ARGS__)
#define ENTRIES(...) { ENTRIES64(0, __VA_ARGS__), ENTRIES64(64, __VA_ARGS__),                           \
		       ENTRIES64(128, __VA_ARGS__), ENTRIES64(192, __VA_ARGS__) }

/* Slicing by eight (Kounavis and Berry 2005): row k is for a byte with k bytes after it. */
static const uint32_t crc32_table[8][256] = {
	ENTRIES(0x77073096, 0xee0e612c, 0x076dc419, 0x0edb8832, 0x1db71064, 0x3b6e20c8, 0x76dc4190, 0xedb88320),
	ENTRIES(0x191b3141, 0x32366282, 0x646cc504, 0xc8d98a08, 0x4ac21251, 0x958424a2, 0xf0794f05, 0x3b83984b),
	ENTRIES(0x01c26a37, 0x0384d46e, 0x0709a8dc, 0x0e1351b8, 0x1c26a370, 0x384d46e0, 0x709a8dc0, 0xe1351b80),
	ENTRIES(0xb8bc6765, 0xaa09c88b, 0x8f629757, 0xc5b428ef, 0x5019579f, 0xa032af3e, 0x9b14583d, 0xed59b63b),
	ENTRIES(0x3d6029b0, 0x7ac05360, 0xf580a6c0, 0x30704bc1, 0x60e09782, 0xc1c12f04, 0x58f35849, 0xb1e6b092),
	ENTRIES(0xcb5cd3a5, 0x4dc8a10b, 0x9b914216, 0xec53826d, 0x03d6029b, 0x07ac0536, 0x0f580a6c, 0x1eb014d8),
	ENTRIES(0xa6770bb4, 0x979f1129, 0xf44f2413, 0x33ef4e67, 0x67de9cce, 0xcfbd399c, 0x440b7579, 0x8816eaf2),
	ENTRIES(0xccaa009e, 0x4225077d, 0x844a0efa, 0xd3e51bb5, 0x7cbb312b, 0xf9766256, 0x299dc2ed, 0x533b85da),
};

static const uint16_t crc16_table[4][256] = {
	ENTRIES(0x1021, 0x2042, 0x4084, 0x8108, 0x1231, 0x2462, 0x48c4, 0x9188),
	ENTRIES(0x3331, 0x6662, 0xccc4, 0x89a9, 0x0373, 0x06e6, 0x0dcc, 0x1b98),
	ENTRIES(0x3730, 0x6e60, 0xdcc0, 0xa9a1, 0x4363, 0x86c6, 0x1dad, 0x3b5a),
	ENTRIES(0x76b4, 0xed68, 0xcaf1, 0x85c3, 0x1ba7, 0x374e, 0x6e9c, 0xdd38),
};

/* Four bytes, already added to the remainder, `after` bytes before the end of the slice. */
static inline uint32_t crc32_four(uint32_t x, unsigned after)
{
	return crc32_table[after + 3][x & 255] ^ crc32_table[after + 2][x >> 8 & 255] ^
	       crc32_table[after + 1][x >> 16 & 255] ^ crc32_table[after][x >> 24];
}

uint32_t crc32_ieee(uint32_t crc, const void *data, size_t len)
{
	const uint8_t *p = data;

	crc = ~crc;
	for (; len >= 8; len -= 8, p += 8)
		crc = crc32_four(crc ^ load32(p), 4) ^ crc32_four(load32(p + 4), 0);
	if (len >= 4) {
		crc = crc32_four(crc ^ load32(p), 0);
		len -= 4;
		p += 4;
	}
	for (; len; len--)
		crc = crc >> 8 ^ crc32_table[0][(crc ^ *p++) & 255];
	return ~crc;
}

/* Its bits come the highest first, so the first byte meets the upper half of the remainder. */
uint16_t crc16_xmodem(const void *data, size_t len)
{
	const uint8_t *p = data;
	uint32_t crc = 0;

	for (; len >= 4; len -= 4, p += 4)
		crc = crc16_table[3][p[0] ^ crc >> 8] ^ crc16_table[2][p[1] ^ (crc & 255)] ^ crc16_table[1][p[2]] ^
		      crc16_table[0][p[3]];
	for (; len; len--)
		crc = (crc << 8 & 0xffff) ^ crc16_table[0][*p++ ^ crc >> 8];
	return (uint16_t)crc;
}

/*
 * libhashkit and twemproxy take a key's bytes as plain `char`, which has a sign
 * on the machines they are used on: a byte from 0x80 on fills the upper 24 bits.
 */
static inline uint32_t signed_byte(uint8_t c)
{
	return c | (UINT32_C(0) - (c >> 7)) << 8;
}

static inline uint32_t fnv1a(const uint8_t *p, size_t len, uint32_t h, uint32_t prime)
{
	for (; len; len--)
		h = (h ^ signed_byte(*p++)) * prime;
	return h;
}

uint32_t fnv1a_32(const void *p, size_t len)
{
	return fnv1a(p, len, UINT32_C(2166136261), UINT32_C(16777619));
}

/* The 64-bit basis and prime, of which only the lower halves are left in 32 bits. */
uint32_t fnv1a_64_low(const void *p, size_t len)
{
	return fnv1a(p, len, UINT32_C(0x84222325), UINT32_C(0x1b3));
}

uint32_t one_at_a_time(const void *data, size_t len)
{
	const uint8_t *p = data;
	uint32_t h = 0;

	for (; len; len--) {
		h += signed_byte(*p++);
		h += h << 10;
		h ^= h >> 6;
	}
	h += h << 3;
	h ^= h >> 11;
	return h + (h << 15);
}

uint32_t sdbm(const void *data, size_t len)
{
	const uint8_t *p = data;
	uint32_t h = 0;

	for (; len; len--)
		h = *p++ + (h << 6) + (h << 16) - h;
	return h;
}

uint32_t avalanche32(uint32_t a)
{
	a = (a + UINT32_C(0x7ed55d16)) + (a << 12);
	a = (a ^ UINT32_C(0xc761c23c)) ^ (a >> 19);
	a = (a + UINT32_C(0x165667b1)) + (a << 5);
	a = (a + UINT32_C(0xd3a2646c)) ^ (a << 9);
	a = (a + UINT32_C(0xfd7046c5)) + (a << 3);
	return (a ^ UINT32_C(0xb55a4f09)) ^ (a >> 16);
}

/* xxHash, 64 bits (Collet; doc/xxhash_spec.md). */
#define XXH_1 UINT64_C(0x9e3779b185ebca87)
#define XXH_2 UINT64_C(0xc2b2ae3d27d4eb4f)
#define XXH_3 UINT64_C(0x165667b19e3779f9)
#define XXH_4 UINT64_C(0x85ebca77c2b2ae63)
#define XXH_5 UINT64_C(0x27d4eb2f165667c5)

static inline uint64_t xxh_round(uint64_t acc, uint64_t lane)
{
	return rotl64(acc + lane * XXH_2, 31) * XXH_1;
}

static inline uint64_t xxh_merge(uint64_t h, uint64_t acc)
{
	return (h ^ xxh_round(0, acc)) * XXH_1 + XXH_4;
}

/* The state after the whole stripes of 32 bytes. */
static uint64_t xxh_stripes(const uint8_t *p, const uint8_t *end, uint64_t seed)
{
	uint64_t a = seed + XXH_1 + XXH_2, b = seed + XXH_2, c = seed, d = seed - XXH_1, h;

	for (; end - p >= 32; p += 32) {
		a = xxh_round(a, load64(p));
		b = xxh_round(b, load64(p + 8));
		c = xxh_round(c, load64(p + 16));
		d = xxh_round(d, load64(p + 24));
	}
	h = rotl64(a, 1) + rotl64(b, 7) + rotl64(c, 12) + rotl64(d, 18);
	return xxh_merge(xxh_merge(xxh_merge(xxh_merge(h, a), b), c), d);
}

uint64_t xxh64(const void *data, size_t len, uint64_t seed)
{
	const uint8_t *p = data, *end = p + len;
	uint64_t h = seed + XXH_5;

	if (len >= 32) {
		h = xxh_stripes(p, end, seed);
		p += len & ~(size_t)31;
	}
	h += len;
	for (; end - p >= 8; p += 8)
		h = rotl64(h ^ xxh_round(0, load64(p)), 27) * XXH_1 + XXH_4;
	if (end - p >= 4) {
		h = rotl64(h ^ load32(p) * XXH_1, 23) * XXH_2 + XXH_3;
		p += 4;
	}
	for (; p < end; p++)
		h = rotl64(h ^ *p * XXH_5, 11) * XXH_1;
	h = (h ^ h >> 33) * XXH_2;
	h = (h ^ h >> 29) * XXH_3;
	return h ^ h >> 32;
}

/* MurmurHash64A (Appleby 2008). */
uint64_t murmur64a(const void *data, size_t len, uint32_t seed)
{
	const uint64_t m = UINT64_C(0xc6a4a7935bd1e995);
	const uint8_t *p = data, *end = p + (len & ~(size_t)7);
	uint64_t h = seed ^ len * m;

	for (; p < end; p += 8) {
		uint64_t k = load64(p) * m;

		h = (h ^ (k ^ k >> 47) * m) * m;
	}
	if (len & 7) {
		uint64_t k = 0;

		for (size_t i = 0; i < (len & 7); i++)
			k |= (uint64_t)p[i] << 8 * i;
		h = (h ^ k) * m;
	}
	h = (h ^ h >> 47) * m;
	return h ^ h >> 47;
}

#define MURMUR3_1 UINT64_C(0x87c37b91114253d5)
#define MURMUR3_2 UINT64_C(0x4cf5ad432745937f)

/* A byte of the tail in its place: Java's bytes have a sign, and it spreads upwards. */
static inline uint64_t java_byte(uint8_t c, unsigned shift)
{
	return (c | (UINT64_C(0) - (c >> 7)) << 8) << shift;
}

static inline uint64_t murmur3_mix(uint64_t k)
{
	k = (k ^ k >> 33) * UINT64_C(0xff51afd7ed558ccd);
	k = (k ^ k >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
	return k ^ k >> 33;
}

/*
 * MurmurHash3_x64_128 (Appleby 2011) with Cassandra's slip in the tail, the first
 * half of it.  The empty key has the minimum token, and that of all keys alone.
 */
int64_t cassandra_token(const void *data, size_t len)
{
	const uint8_t *p = data, *end = p + (len & ~(size_t)15);
	uint64_t h1 = 0, h2 = 0, k1 = 0, k2 = 0;
	size_t rest = len & 15;

	if (!len)
		return INT64_MIN;
	for (; p < end; p += 16) {
		h1 ^= rotl64(load64(p) * MURMUR3_1, 31) * MURMUR3_2;
		h1 = (rotl64(h1, 27) + h2) * 5 + 0x52dce729;
		h2 ^= rotl64(load64(p + 8) * MURMUR3_2, 33) * MURMUR3_1;
		h2 = (rotl64(h2, 31) + h1) * 5 + 0x38495ab5;
	}
	for (size_t i = 8; i < rest; i++)
		k2 ^= java_byte(p[i], 8 * (unsigned)(i - 8));
	for (size_t i = 0; i < (rest < 8 ? rest : 8); i++)
		k1 ^= java_byte(p[i], 8 * (unsigned)i);
	h2 ^= rotl64(k2 * MURMUR3_2, 33) * MURMUR3_1;
	h1 ^= rotl64(k1 * MURMUR3_1, 31) * MURMUR3_2;
	h1 ^= len;
	h2 ^= len;
	h1 += h2;
	h2 += h1;
	h1 = murmur3_mix(h1) + murmur3_mix(h2);
	return h1 == UINT64_C(1) << 63 ? INT64_MAX : (int64_t)h1;
}
