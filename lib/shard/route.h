/*
 * route: from records to owners.  The work every output of hashring begins with.
 */
#ifndef SHARD_ROUTE_H
#define SHARD_ROUTE_H

#include "lib/shard/keys.h"
#include "lib/shard/nodes.h"

/*
 * Bounded loads (Mirrokni, Thorup, Zadimoghaddam 2016; here in the order of
 * rendezvous hashing): a node of weight w takes at most ceil(c * total * w / W)
 * owners; a record that finds its node full goes to the next in order.  The
 * counts follow the input, so the records must come through one thread.
 */
struct bound {
	uint64_t *load, *cap;           /* a node each */
	uint8_t *full;
	uint64_t fewer;                 /* records for which there were fewer owners than replicas */
};

struct route {
	struct ring *ring;
	const struct nodes *nodes;
	struct keys_conf keys;
	uint32_t replicas;
	struct bound *bound;            /* NULL: none */
};

/* A thread's. */
struct route_work {
	struct keys keys;
	uint64_t hash[FLOW_BATCH];
	uint32_t first[FLOW_BATCH];     /* ring_owner's answers, where there is a picker */
	uint32_t *owner;                /* record i's begin at i * replicas */
	uint32_t owners[FLOW_BATCH];    /* how many it has */
	struct ring_picker *picker;     /* where there are replicas or a bound */
};

/* millionths: the factor c.  Ends the process when memory is out. */
void bound_init(struct bound *, const struct nodes *, uint64_t millionths, uint64_t total);
void bound_release(struct bound *);

struct route_work *route_open(const struct route *);
void route_close(struct route_work *);

/* The owners of n records; returns how many records were done, as flow_sink's batch does. */
size_t route_batch(const struct route *, struct route_work *, struct flow_work *, const struct ring_key *record,
		   size_t n);

/* The last part of it: the owners of the n hashes in work->hash. */
size_t route_hashes(const struct route *, struct route_work *, struct flow_work *, size_t n);

#endif
