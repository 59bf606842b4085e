/*
 * plan: what moves between two fleets for a real list of keys.
 *
 * A move has a cause when its new node is new or grew in weight, or its old
 * node is gone or shrank; a move without one is excess: the key went from a
 * node that stayed to another that stayed.
 */
#ifndef SHARD_PLAN_H
#define SHARD_PLAN_H

#include <stdio.h>

#include "lib/shard/fleet.h"
#include "lib/shard/route.h"

struct plan {
	const struct route *was, *is;   /* of one algorithm; keys are taken by is->keys */
	bool summary;                   /* count, and print no keys */
	bool json;                      /* print objects */
	char end;
	uint32_t *kept, *back;          /* plan.c's: old position -> new, and back */
	struct moves *moves;            /* all threads' together */
};

void plan_init(struct plan *);
struct flow_sink plan_sink(struct plan *);

/* The summary, JSON lines or (columns not 0) text.  Returns the keys moved in excess. */
uint64_t plan_report(FILE *out, const struct plan *, unsigned columns);
void plan_release(struct plan *);

#endif
