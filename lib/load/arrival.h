/*
 * arrival: when operations of an open loop should begin, whatever the store does: evenly, or as of many users who know
 * nothing of each other (a Poisson process).
 */
#ifndef LOAD_ARRIVAL_H
#define LOAD_ARRIVAL_H

#include <stdbool.h>
#include <stdint.h>

/* Of the rate: a thousandth and ten millions a second. */
#define ARRIVAL_RATE_MIN UINT64_C(1000)
#define ARRIVAL_RATE_MAX UINT64_C(10000000000000)

struct arrival {
	uint64_t next_ns;               /* the next one */
	uint64_t start_ns, count;
	uint64_t rate;                  /* in millionths a second */
	bool poisson;
	uint64_t state;                 /* of workload_random */
};

void arrival_init(struct arrival *, uint64_t start_ns, uint64_t rate, bool poisson, uint64_t seed);

/* The one after the next is next. */
void arrival_advance(struct arrival *);

/* How many there are, the next included, before that time; where they are drawn, in the mean. */
uint64_t arrival_count(const struct arrival *, uint64_t before_ns);

#endif
