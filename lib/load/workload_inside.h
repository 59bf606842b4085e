/* What workload.c, which draws, and workload_text.c, which writes, share. */
#ifndef LOAD_WORKLOAD_INSIDE_H
#define LOAD_WORKLOAD_INSIDE_H

#include "lib/load/workload.h"
#include "lib/load/zipf.h"

struct workload {
	struct workload_options options;
	uint64_t state;
	uint32_t weights;               /* their sum */
	uint64_t value;                 /* the last number given to one */
	struct zipf zipf;
	uint64_t stride;                /* ranks to keys: next to each other in rank, far from each other as keys */
	uint64_t *acknowledged;         /* by key: the number of the last value known to be there; only for cas */
	uint32_t *appends;              /* by key: how many were drawn; only for append */
	char filler[];                  /* value_bytes */
};

#endif
