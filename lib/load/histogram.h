/*
 * histogram: how often each value came, to within one part in 128, in constant memory.
 *
 * Log-linear, as HdrHistogram: each power of two is cut into 128 equal buckets, so that a quantile is
 * never told more than 0.8 % too high, and never too low.
 */
#ifndef LOAD_HISTOGRAM_H
#define LOAD_HISTOGRAM_H

#include <stdint.h>

enum { HISTOGRAM_BITS = 7, HISTOGRAM_BUCKETS = (64 - HISTOGRAM_BITS + 1) << HISTOGRAM_BITS };

/* All zero is an empty one. */
struct histogram {
	uint64_t count, max;
	uint64_t bucket[HISTOGRAM_BUCKETS];
};

void histogram_add(struct histogram *, uint64_t value);

/* All of the other's too. */
void histogram_merge(struct histogram *, const struct histogram *other);

/* The least value that `millionths` of all do not exceed, rounded up to its bucket's end; 0: there are none. */
uint64_t histogram_quantile(const struct histogram *, uint32_t millionths);

#endif
