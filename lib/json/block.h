/*
 * block: inside the json and wire modules, text read a block at a time, not a byte.
 *
 * A block is 16 bytes (SSE2) or 8 (any word): its bits mark the bytes that end or
 * interrupt plain text, which is printable ASCII but quote and backslash.
 *
 * Invariant: no byte outside line .. end is read.  The last block of a line is loaded
 * so that it ends where the line does, and shifted; only lines shorter than a block
 * go byte by byte.
 */
#ifndef JSON_BLOCK_H
#define JSON_BLOCK_H

#include <endian.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

static inline uint64_t load64(const char *p)
{
	uint64_t x;

	memcpy(&x, p, sizeof(x));
	return le64toh(x);
}

static inline bool is_plain(char c)
{
	return (unsigned char)(c - 0x20) < 0x60 && c != '"' && c != '\\';
}

#ifdef __SSE2__

enum { BLOCK = 16, BLOCK_BITS = 1 };   /* bytes, and bits a byte in what interrupts() gives */

static inline uint64_t interrupts(const char *p)
{
	__m128i x = _mm_loadu_si128((const __m128i *)(const void *)p);
	__m128i quote = _mm_cmpeq_epi8(x, _mm_set1_epi8('"'));
	__m128i backslash = _mm_cmpeq_epi8(x, _mm_set1_epi8('\\'));
	/* Signed, so that bytes from 0x80 on are below too. */
	__m128i other = _mm_cmplt_epi8(x, _mm_set1_epi8(0x20));

	return (uint64_t)_mm_movemask_epi8(_mm_or_si128(_mm_or_si128(quote, backslash), other));
}

#else

enum { BLOCK = 8, BLOCK_BITS = 8 };

#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

/* 0x80 in each byte that is 0 and nothing elsewhere: no carry leaves its byte. */
static inline uint64_t zero_bytes(uint64_t x)
{
	return ~(((x & EACH(0x7f)) + EACH(0x7f)) | x) & EACH(0x80);
}

static inline uint64_t interrupts(const char *p)
{
	uint64_t x = load64(p);

	return zero_bytes(x ^ EACH('"')) | zero_bytes(x ^ EACH('\\')) |
	       zero_bytes(x & EACH(0xe0)) | (x & EACH(0x80));
}

#endif

/* The first byte from p on that is not plain, or end; p is in line .. end. */
static inline const char *plain_end(const char *p, const char *line, const char *end)
{
	uint64_t bits;

	while (LIKELY(end - p >= BLOCK)) {
		bits = interrupts(p);
		if (LIKELY(bits))
			return p + __builtin_ctzll(bits) / BLOCK_BITS;
		p += BLOCK;
	}
	if (LIKELY(end - line >= BLOCK)) {
		if (p == end)
			return end;
		bits = interrupts(end - BLOCK) >> (p - (end - BLOCK)) * BLOCK_BITS;
		return bits ? p + __builtin_ctzll(bits) / BLOCK_BITS : end;
	}
	while (p != end && is_plain(*p))
		p++;
	return p;
}

#endif
