/* histogram: see histogram.h */
#include "lib/load/histogram.h"

#include <assert.h>
#include <stddef.h>

enum { MILLION = 1000000 };

/*
 * A value of up to 8 bits is its own bucket; a longer one is cut to its highest 8 bits, of which the
 * first is always set, so every further bit of length adds 128 buckets.
 */
static size_t bucket_of(uint64_t value)
{
	unsigned cut = 0;

	if (value >> (HISTOGRAM_BITS + 1))
		cut = 63 - HISTOGRAM_BITS - (unsigned)__builtin_clzll(value);
	return ((size_t)cut << HISTOGRAM_BITS) + (size_t)(value >> cut);
}

/* The highest value of a bucket. */
static uint64_t bucket_end(size_t bucket)
{
	size_t cut = bucket >> HISTOGRAM_BITS;

	if (cut < 2)
		return bucket;
	cut--;
	bucket -= cut << HISTOGRAM_BITS;
	return ((uint64_t)bucket << cut) + ((UINT64_C(1) << cut) - 1);
}

void histogram_add(struct histogram *h, uint64_t value)
{
	h->bucket[bucket_of(value)]++;
	h->count++;
	if (value > h->max)
		h->max = value;
}

void histogram_merge(struct histogram *h, const struct histogram *other)
{
	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
		h->bucket[i] += other->bucket[i];
	h->count += other->count;
	if (other->max > h->max)
		h->max = other->max;
}

uint64_t histogram_quantile(const struct histogram *h, uint32_t millionths)
{
	uint64_t wanted, seen = 0, end;
	size_t i = 0;

	assert(millionths <= MILLION);
	if (!h->count)
		return 0;
	/* count * millionths / 1e6, rounded up, without an overflow */
	wanted = h->count / MILLION * millionths + (h->count % MILLION * millionths + MILLION - 1) / MILLION;
	wanted += !wanted;
	while ((seen += h->bucket[i]) < wanted)
		i++;
	end = bucket_end(i);
	return end < h->max ? end : h->max;
}
