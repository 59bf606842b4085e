/* stats: how many records each node owns, against its weight; a table with bars or JSON lines. */
#ifndef SHARD_STATS_H
#define SHARD_STATS_H

#include <stdio.h>

#include "lib/shard/route.h"

struct stats {
	const struct route *route;
	const char *algorithm;
	uint64_t *count;                /* owners a node, all threads' together */
	uint64_t records;
};

void stats_init(struct stats *);
struct flow_sink stats_sink(struct stats *);
/* The report: JSON lines, or a table of `columns` columns where that is not 0. */
void stats_report(FILE *out, const struct stats *, unsigned columns);
void stats_release(struct stats *);

#endif
