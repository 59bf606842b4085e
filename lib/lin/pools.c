/*
 * pools: how many operations of unknown outcome a configuration has spent, and when one has left all that another has.
 *
 * Each pool has a field in the words of a configuration, with a bit over it that is always 0, so that all fields of a word are
 * compared at once.  A write stands in for a swap to the same value, which is but a write that needs more.  And an operation
 * that must happen is as good as one of the pool of those alike: the configuration that used it may have the other left.
 */
#include "lib/lin/inside.h"

#include <string.h>

static uint32_t stand_in(const struct lin_plan *p, const struct lin_pool *pool)
{
	struct lin_deed write = { .role = LIN_WRITES, .value = pool->value };

	return pool->role == LIN_SWAPS ? lin_plan_pool(p, &write) : LIN_NO_POOL;
}

static uint32_t lay_out_fields(struct lin_shape *s, const struct lin_plan *p)
{
	uint32_t bit = 64, words = 0;

	for (uint32_t k = 0; k < p->pools_count; k++) {
		uint32_t bits = 1;

		while (p->pools[k].count >> bits)
			bits++;
		if (bit + bits + 1 > 64) {
			words++;
			bit = 0;
		}
		s->fields[k] = (struct lin_field){ words - 1, bit, (UINT64_C(1) << bits) - 1, stand_in(p, &p->pools[k]) };
		bit += bits + 1;
	}
	return words;
}

bool lin_pools_lay_out(struct lin_shape *s, const struct lin_plan *p, struct lin_memory *memory)
{
	if (!p->pools_count)
		return true;
	s->fields = lin_memory_array(memory, NULL, 0, p->pools_count, sizeof(*s->fields));
	if (!s->fields)
		return false;
	s->pool_words = lay_out_fields(s, p);
	s->over = lin_memory_array(memory, NULL, 0, s->pool_words, sizeof(*s->over));
	s->strict = lin_memory_array(memory, NULL, 0, s->pool_words, sizeof(*s->strict));
	s->padded = lin_memory_array(memory, NULL, 0, s->pool_words, sizeof(*s->padded));
	s->pool_over = lin_memory_array(memory, NULL, 0, s->pool_words * (size_t)64, sizeof(*s->pool_over));
	if (!s->over || !s->strict || !s->padded || !s->pool_over)
		return false;
	memset(s->over, 0, s->pool_words * sizeof(*s->over));
	memset(s->strict, 0, s->pool_words * sizeof(*s->strict));
	for (uint32_t k = 0; k < p->pools_count; k++) {
		const struct lin_field *f = &s->fields[k];
		uint64_t over = (f->mask + 1) << f->shift;

		s->over[f->word] |= over;
		if (f->stand_in == LIN_NO_POOL)
			s->strict[f->word] |= over;
		s->pool_over[f->word * 64 + (uint32_t)__builtin_ctzll(over)] = k;
	}
	return true;
}

void lin_pools_release(struct lin_shape *s, const struct lin_plan *p, struct lin_memory *memory)
{
	lin_memory_free(memory, s->fields, p->pools_count, sizeof(*s->fields));
	lin_memory_free(memory, s->over, s->pool_words, sizeof(*s->over));
	lin_memory_free(memory, s->strict, s->pool_words, sizeof(*s->strict));
	lin_memory_free(memory, s->padded, s->pool_words, sizeof(*s->padded));
	lin_memory_free(memory, s->pool_over, s->pool_words * (size_t)64, sizeof(*s->pool_over));
}

static uint64_t spent(const struct lin_field *f, const uint64_t *pools)
{
	return pools[f->word] >> f->shift & f->mask;
}

/* The bits over the fields of which a spent more than b: there a field of b with its bit is too little. */
static uint64_t exceeding(const struct lin_shape *s, const uint64_t *a, const uint64_t *b, uint32_t w)
{
	return ~((b[w] | s->over[w]) - a[w]) & s->over[w];
}

/* What a used and b did not it takes from the pools, to be even with b. */
static bool pad(const struct lin_shape *s, const uint64_t *a, const uint64_t *b)
{
	for (uint32_t w = 0; w < s->words; w++)
		for (uint64_t more = a[1 + s->words + w] & ~b[1 + s->words + w]; more; more &= more - 1) {
			uint32_t k = s->pool_of[w * 64 + (uint32_t)__builtin_ctzll(more)];

			if (k == LIN_NO_POOL || spent(&s->fields[k], s->padded) == s->fields[k].mask)
				return false;
			s->padded[s->fields[k].word] += UINT64_C(1) << s->fields[k].shift;
		}
	return true;
}

/* Where a spent more than b, it takes what stands in. */
static bool replace(const struct lin_shape *s, const uint64_t *b, uint32_t w, uint64_t over)
{
	for (; over; over &= over - 1) {
		const struct lin_field *f = &s->fields[s->pool_over[w * 64 + (uint32_t)__builtin_ctzll(over)]];
		const struct lin_field *other = &s->fields[f->stand_in];
		uint64_t lacks = spent(f, s->padded) - spent(f, b);

		if (spent(other, s->padded) + lacks > spent(other, b))
			return false;
		s->padded[other->word] += lacks << other->shift;
	}
	return true;
}

bool lin_pools_cover(const struct lin_shape *s, const uint64_t *a, const uint64_t *b, bool more)
{
	const uint64_t *a_pools = a + 1 + 2 * s->words, *b_pools = b + 1 + 2 * s->words;
	uint64_t exceeds = 0;

	for (uint32_t w = 0; w < s->pool_words; w++) {
		uint64_t over = exceeding(s, a_pools, b_pools, w);

		if (over & s->strict[w])
			return false;
		exceeds |= over;
	}
	if (!exceeds && !more)
		return true;
	memcpy(s->padded, a_pools, s->pool_words * sizeof(*s->padded));
	if (more && !pad(s, a, b))
		return false;
	/* Padding may have gone too far in a strict one. */
	for (uint32_t w = 0; w < s->pool_words; w++) {
		uint64_t over = exceeding(s, s->padded, b_pools, w);

		if ((over & s->strict[w]) || (over && !replace(s, b_pools, w, over)))
			return false;
	}
	return true;
}
