/*
 * MD5 (RFC 1321), one message at a time or many.
 *
 * Keys of the same number of 64-byte blocks run in the lanes of one vector; the
 * same source is compiled for AVX-512 (which rotates in one instruction), for
 * AVX2 and, with one lane, for the plain function.  As a hash for placing keys
 * MD5 is slow and nothing else; here it is because other programs' rings are
 * made of it.
 */
#include "lib/ring/hash.h"
#include "lib/ring/load.h"

#include <string.h>

enum {
	BLOCK = 64,
	WORDS = 16,             /* of a block */
	BLOCKS_MAX = 4,         /* of a message that runs in lanes */
	LANES = 16,             /* two vectors of AVX2: one alone waits for its own results */
	LANES_WORTH = 3,        /* fewer messages are cheaper one by one */
};

typedef uint32_t u32x16 __attribute__((vector_size(64)));

static inline size_t block_count(size_t len)
{
	return (len + 8) / BLOCK + 1;
}

/* The bytes after the whole words of a message, and the bit that ends it. */
static inline uint32_t last_word(const uint8_t *p, size_t len)
{
	size_t r = len & 3;
	uint32_t v = UINT32_C(0x80) << 8 * r;

	if (len >= 4)   /* a 64-bit shift: r may be 0 */
		return v | (uint32_t)((uint64_t)load32(p + len - 4) >> (32 - 8 * r));
	for (size_t i = 0; i < r; i++)
		v |= (uint32_t)p[i] << 8 * i;
	return v;
}

/*
 * A block of the padded message, its words `stride` apart in m, which is zero
 * before.  The message: its bytes, 0x80, zeros, and its length in bits.
 */
static inline __attribute__((always_inline))
void block_words(uint32_t *m, size_t stride, const uint8_t *p, size_t len, size_t block)
{
	size_t from = block * BLOCK, words = len < from ? 0 : (len - from) / 4;

	if (words >= WORDS) {
		for (size_t w = 0; w < WORDS; w++)
			m[w * stride] = load32(p + from + 4 * w);
		return;
	}
	for (size_t w = 0; w < words; w++)
		m[w * stride] = load32(p + from + 4 * w);
	if (len >= from)
		m[words * stride] = last_word(p, len);
	if (block + 1 < block_count(len))
		return;
	m[14 * stride] = (uint32_t)len << 3;
	m[15 * stride] = (uint32_t)((uint64_t)len >> 29);
}

#define F(x, y, z) ((z) ^ ((x) & ((y) ^ (z))))
#define G(x, y, z) (((x) & (z)) + ((y) & ~(z)))
#define H(x, y, z) ((x) ^ (y) ^ (z))
#define I(x, y, z) ((y) ^ ((x) | ~(z)))

#define STEP(f, a, b, c, d, i, k, s) do {                               \
	a += f(b, c, d) + (m[i] + UINT32_C(k));                         \
	a = (a << (s) | a >> (32 - (s))) + b;                           \
} while (0)

/* Four steps; the words are i, i + by, ... mod 16. */
#define STEPS(f, i, by, k0, k1, k2, k3, s0, s1, s2, s3) do {            \
	STEP(f, a, b, c, d, (i) & 15, k0, s0);                          \
	STEP(f, d, a, b, c, ((i) + (by)) & 15, k1, s1);                 \
	STEP(f, c, d, a, b, ((i) + 2 * (by)) & 15, k2, s2);             \
	STEP(f, b, c, d, a, ((i) + 3 * (by)) & 15, k3, s3);             \
} while (0)

/* Adds a block m[16] to the state h[4]; T is a word, or a vector of words of as many messages. */
#define COMPRESS(T, h, m) do {                                                                          \
	T a = (h)[0], b = (h)[1], c = (h)[2], d = (h)[3];                                               \
	STEPS(F, 0, 1, 0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 7, 12, 17, 22);                  \
	STEPS(F, 4, 1, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501, 7, 12, 17, 22);                  \
	STEPS(F, 8, 1, 0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 7, 12, 17, 22);                  \
	STEPS(F, 12, 1, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821, 7, 12, 17, 22);                 \
	STEPS(G, 1, 5, 0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 5, 9, 14, 20);                   \
	STEPS(G, 5, 5, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8, 5, 9, 14, 20);                   \
	STEPS(G, 9, 5, 0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 5, 9, 14, 20);                   \
	STEPS(G, 13, 5, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a, 5, 9, 14, 20);                  \
	STEPS(H, 5, 3, 0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 4, 11, 16, 23);                  \
	STEPS(H, 1, 3, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70, 4, 11, 16, 23);                  \
	STEPS(H, 13, 3, 0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 4, 11, 16, 23);                 \
	STEPS(H, 9, 3, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665, 4, 11, 16, 23);                  \
	STEPS(I, 0, 7, 0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 6, 10, 15, 21);                  \
	STEPS(I, 12, 7, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1, 6, 10, 15, 21);                 \
	STEPS(I, 8, 7, 0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 6, 10, 15, 21);                  \
	STEPS(I, 4, 7, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391, 6, 10, 15, 21);                  \
	(h)[0] += a; (h)[1] += b; (h)[2] += c; (h)[3] += d;                                             \
} while (0)

static const uint32_t start[4] = { 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476 };

void md5(const void *p, size_t len, uint32_t word[4])
{
	size_t blocks = block_count(len);

	memcpy(word, start, sizeof start);
	for (size_t i = 0; i < blocks; i++) {
		uint32_t m[WORDS] = { 0 };

		block_words(m, 1, p, len, i);
		COMPRESS(uint32_t, word, m);
	}
}

static uint64_t md5_place(const struct ring_key *key)
{
	uint32_t word[4];

	md5(key->p, key->len, word);
	return (uint64_t)word[0] << 32;
}

/* Messages of one number of blocks that wait for company. */
struct group {
	uint32_t at[LANES];
	uint32_t n;
};
static inline __attribute__((always_inline))
void md5_lanes(const struct ring_key *keys, const struct group *g, size_t blocks, uint64_t *out)
{
	const u32x16 zero = { 0 };
	u32x16 h[4] = { zero + start[0], zero + start[1], zero + start[2], zero + start[3] };
	uint32_t place[LANES];

	for (size_t block = 0; block < blocks; block++) {
		union { u32x16 v[WORDS]; uint32_t w[WORDS * LANES]; } all;
		const u32x16 *m = all.v;

		memset(&all, 0, sizeof all);
		for (uint32_t i = 0; i < g->n; i++)
			block_words(all.w + i, LANES, keys[g->at[i]].p, keys[g->at[i]].len, block);
		COMPRESS(u32x16, h, m);
	}
	memcpy(place, &h[0], sizeof place);
	for (uint32_t i = 0; i < g->n; i++)
		out[g->at[i]] = (uint64_t)place[i] << 32;
}

static inline __attribute__((always_inline))
void md5_groups(const struct ring_key *keys, size_t n, uint64_t *out)
{
	struct group groups[BLOCKS_MAX + 1];

	for (size_t b = 1; b <= BLOCKS_MAX; b++)
		groups[b].n = 0;
	for (size_t i = 0; i < n; i++) {
		size_t blocks = block_count(keys[i].len);
		struct group *g;

		if (blocks > BLOCKS_MAX) {
			out[i] = md5_place(&keys[i]);
			continue;
		}
		g = &groups[blocks];
		g->at[g->n++] = (uint32_t)i;
		if (g->n < LANES)
			continue;
		md5_lanes(keys, g, blocks, out);
		g->n = 0;
	}
	for (size_t b = 1; b <= BLOCKS_MAX; b++) {
		struct group *g = &groups[b];

		if (g->n >= LANES_WORTH) {
			md5_lanes(keys, g, b, out);
			continue;
		}
		for (uint32_t i = 0; i < g->n; i++)
			out[g->at[i]] = md5_place(&keys[g->at[i]]);
	}
}

#ifdef __x86_64__
__attribute__((target("avx512f,avx512dq,avx512vl")))
static void md5_batch_avx512(const struct ring_key *keys, size_t n, uint64_t *out)
{
	md5_groups(keys, n, out);
}

__attribute__((target("avx2")))
static void md5_batch_avx2(const struct ring_key *keys, size_t n, uint64_t *out)
{
	md5_groups(keys, n, out);
}
#endif

void md5_batch(const struct ring_key *keys, size_t n, uint64_t *out, unsigned cpu)
{
#ifdef __x86_64__
	if (cpu & RING_CPU_AVX512) {
		md5_batch_avx512(keys, n, out);
		return;
	}
	if (cpu & RING_CPU_AVX2) {
		md5_batch_avx2(keys, n, out);
		return;
	}
#endif
	(void)cpu;
	for (size_t i = 0; i < n; i++)
		out[i] = md5_place(&keys[i]);
}
