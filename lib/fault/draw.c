/*
 * draw: streams of draws, split from the seed by name.
 *
 * A stream is a key, and its draw n is a hash of key and n: nothing is kept from draw to draw, so one stream's draws
 * move no other's, and any of them can be looked up without those before it.
 *
 * The mixer is that of splitmix64 (Steele, Lea, Flood: "Fast Splittable Pseudorandom Number Generators", 2014, in
 * Vigna's form), a bijection; a stream is its sequence begun at the key.  These values are for ever: a seed that
 * somebody noted must mean the same faults in every version.
 */
#include "lib/fault/inside.h"

#include <assert.h>

#define GOLDEN UINT64_C(0x9e3779b97f4a7c15)

static uint64_t mix(uint64_t x)
{
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

/* Takes in the length and then words of eight bytes, the lower ones first, so that no two lists of names are alike. */
uint64_t fault_absorb(uint64_t hash, const char *text, size_t len)
{
	hash = mix(hash + GOLDEN + (uint64_t)len);
	while (len) {
		size_t n = len < 8 ? len : 8;
		uint64_t word = 0;

		for (size_t i = n; i-- > 0;)
			word = word << 8 | (unsigned char)text[i];
		hash = mix((hash ^ word) * GOLDEN + (hash >> 32));
		text += n;
		len -= n;
	}
	return hash;
}

/* The purpose comes last: fault_link_init takes the names in once for all purposes. */
struct fault_stream fault_stream(uint64_t seed, const char *purpose, const char *from, size_t from_len,
				 const char *to, size_t to_len)
{
	uint64_t link = fault_absorb(fault_absorb(mix(seed + GOLDEN), from, from_len), to, to_len);
	size_t len = 0;

	while (purpose[len])
		len++;
	return (struct fault_stream){ fault_absorb(link, purpose, len) };
}

uint64_t fault_bits(struct fault_stream s, uint64_t n)
{
	return mix(s.key + n * GOLDEN);
}

double fault_unit_of(uint64_t bits)
{
	return (double)(bits >> 11) * 0x1p-53;
}

double fault_unit(struct fault_stream s, uint64_t n)
{
	return fault_unit_of(fault_bits(s, n));
}

/* Lemire's multiplication, without his rejection: what it favours is below 2^-64 of bound. */
uint64_t fault_below_of(uint64_t bits, uint64_t bound)
{
	assert(bound > 0);
	return (uint64_t)((unsigned __int128)bits * bound >> 64);
}

uint64_t fault_below(struct fault_stream s, uint64_t n, uint64_t bound)
{
	return fault_below_of(fault_bits(s, n), bound);
}
