/*
 * SipHash-2-4 with 64-bit output, one key at a time or eight.
 *
 * Eight keys of the same number of words run in the lanes of one vector; the
 * same source is compiled for AVX-512 (which rotates in one instruction), for
 * AVX2 and for the baseline.  libsodium's crypto_shorthash is the oracle of the
 * tests; it hashes one key at a time, at four times the cost.
 */
#include "lib/ring/hash.h"
#include "lib/ring/load.h"

#include <string.h>

enum {
	LANES = 8,
	WORDS_MAX = 32,         /* whole words of a key that runs in lanes */
};

typedef uint64_t u64x8 __attribute__((vector_size(64)));

struct group {
	uint32_t at[LANES];
	uint32_t n;
};

/* The last word: the bytes after the whole words, and the length on top. */
static inline uint64_t last_word(const uint8_t *p, size_t len)
{
	size_t r = len & 7;
	uint64_t top = (uint64_t)len << 56;

	if (len >= 8)   /* two shifts: one by 64 is undefined */
		return top | load64(p + len - 8) >> 1 >> (63 - 8 * r);
	if (r >= 4)
		return top | load32(p) | (uint64_t)load32(p + r - 4) << (8 * (r - 4));
	if (r)
		return top | p[0] | (uint64_t)p[r >> 1] << (8 * (r >> 1)) | (uint64_t)p[r - 1] << (8 * (r - 1));
	return top;
}

#define ROTL(x, b) ((x) << (b) | (x) >> (64 - (b)))

#define SIPROUND do {                                                   \
	v0 += v1; v1 = ROTL(v1, 13); v1 ^= v0; v0 = ROTL(v0, 32);       \
	v2 += v3; v3 = ROTL(v3, 16); v3 ^= v2;                          \
	v0 += v3; v3 = ROTL(v3, 21); v3 ^= v0;                          \
	v2 += v1; v1 = ROTL(v1, 17); v1 ^= v2; v2 = ROTL(v2, 32);       \
} while (0)

#define SIP_COMPRESS(m) do {                                            \
	v3 ^= (m); SIPROUND; SIPROUND; v0 ^= (m);                       \
} while (0)

uint64_t siphash(const uint8_t key[16], const void *p, size_t len)
{
	uint64_t k0 = load64(key), k1 = load64(key + 8);
	uint64_t v0 = k0 ^ UINT64_C(0x736f6d6570736575), v1 = k1 ^ UINT64_C(0x646f72616e646f6d);
	uint64_t v2 = k0 ^ UINT64_C(0x6c7967656e657261), v3 = k1 ^ UINT64_C(0x7465646279746573);
	const uint8_t *at = p, *end = at + (len & ~(size_t)7);
	uint64_t last = last_word(p, len);

	for (; at < end; at += 8)
		SIP_COMPRESS(load64(at));
	SIP_COMPRESS(last);
	v2 ^= 0xff;
	SIPROUND; SIPROUND; SIPROUND; SIPROUND;
	return v0 ^ v1 ^ v2 ^ v3;
}

#define EIGHT(f) ((u64x8){ f(0), f(1), f(2), f(3), f(4), f(5), f(6), f(7) })

/* Eight keys of `words` whole words each. */
static inline __attribute__((always_inline))
void sip_lanes(const uint8_t key[16], const struct ring_key *keys, const uint32_t at[LANES], size_t words,
	       uint64_t *out)
{
	const u64x8 zero = { 0 };
	u64x8 k0 = zero + load64(key), k1 = zero + load64(key + 8);
	u64x8 v0 = k0 ^ UINT64_C(0x736f6d6570736575), v1 = k1 ^ UINT64_C(0x646f72616e646f6d);
	u64x8 v2 = k0 ^ UINT64_C(0x6c7967656e657261), v3 = k1 ^ UINT64_C(0x7465646279746573);
	uint64_t h[LANES];

	for (size_t w = 0; w < words; w++) {
#define WORD(i) load64(keys[at[i]].p + 8 * w)
		u64x8 m = EIGHT(WORD);
		SIP_COMPRESS(m);
	}
#define LAST(i) last_word(keys[at[i]].p, keys[at[i]].len)
	u64x8 m = EIGHT(LAST);
	SIP_COMPRESS(m);
	v2 ^= 0xff;
	SIPROUND; SIPROUND; SIPROUND; SIPROUND;
	v0 ^= v1 ^ v2 ^ v3;
	memcpy(h, &v0, sizeof h);
	for (size_t i = 0; i < LANES; i++)
		out[at[i]] = h[i];
}

static inline __attribute__((always_inline))
void sip_batch(const uint8_t key[16], const struct ring_key *keys, size_t n, uint64_t *out)
{
	struct group groups[WORDS_MAX + 1];

	for (size_t w = 0; w <= WORDS_MAX; w++)
		groups[w].n = 0;
	for (size_t i = 0; i < n; i++) {
		size_t words = keys[i].len >> 3;
		struct group *g = &groups[words <= WORDS_MAX ? words : 0];

		if (words > WORDS_MAX) {
			out[i] = siphash(key, keys[i].p, keys[i].len);
			continue;
		}
		g->at[g->n++] = (uint32_t)i;
		if (g->n < LANES)
			continue;
		sip_lanes(key, keys, g->at, words, out);
		g->n = 0;
	}
	for (size_t w = 0; w <= WORDS_MAX; w++) {
		struct group *g = &groups[w];

		if (g->n <= 2) {
			for (uint32_t i = 0; i < g->n; i++)
				out[g->at[i]] = siphash(key, keys[g->at[i]].p, keys[g->at[i]].len);
			continue;
		}
		for (uint32_t i = g->n; i < LANES; i++)
			g->at[i] = g->at[0];
		sip_lanes(key, keys, g->at, w, out);
	}
}

#ifdef __x86_64__
__attribute__((target("avx512f,avx512dq,avx512vl")))
static void sip_batch_avx512(const uint8_t key[16], const struct ring_key *keys, size_t n, uint64_t *out)
{
	sip_batch(key, keys, n, out);
}

__attribute__((target("avx2")))
static void sip_batch_avx2(const uint8_t key[16], const struct ring_key *keys, size_t n, uint64_t *out)
{
	sip_batch(key, keys, n, out);
}
#endif

void siphash_batch(const uint8_t key[16], const struct ring_key *keys, size_t n, uint64_t *out, unsigned cpu)
{
#ifdef __x86_64__
	if (cpu & RING_CPU_AVX512) {
		sip_batch_avx512(key, keys, n, out);
		return;
	}
	if (cpu & RING_CPU_AVX2) {
		sip_batch_avx2(key, keys, n, out);
		return;
	}
#endif
	(void)cpu;
	for (size_t i = 0; i < n; i++)
		out[i] = siphash(key, keys[i].p, keys[i].len);
}
