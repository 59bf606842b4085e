/*
 * zipf: ranks of which the k-th comes as often as 1 / k^s, exactly, in constant time and memory.
 *
 * Rejection-inversion (W. Hoermann and G. Derflinger, "Rejection-inversion to generate variates from monotone
 * discrete distributions", 1996): the area below a curve above the steps is inverted, and what falls between curve and
 * step is drawn again, one draw in some ten at the worst.
 */
#ifndef LOAD_ZIPF_H
#define LOAD_ZIPF_H

#include <stdint.h>

struct zipf {
	uint64_t n;
	double s;
	double first, last;             /* of the area: what is drawn from */
	double sure;                    /* this close below a rank there is nothing to reject */
};

/* Ranks 1 .. n, n at most 2^40; s above 0. */
void zipf_init(struct zipf *, uint64_t n, double s);

/* `state` is one of workload_random. */
uint64_t zipf_draw(const struct zipf *, uint64_t *state);

#endif
