/* route: see route.h */
#include "lib/shard/route.h"

#include <stdlib.h>

void bound_init(struct bound *b, const struct nodes *nodes, uint64_t millionths, uint64_t total)
{
	uint64_t weight = 0;

	for (uint32_t i = 0; i < nodes->n; i++)
		weight += nodes->at[i].weight;
	b->fewer = 0;
	b->load = must_calloc(nodes->n, sizeof *b->load);
	b->cap = must_calloc(nodes->n, sizeof *b->cap);
	b->full = must_calloc(nodes->n, 1);
	for (uint32_t i = 0; i < nodes->n; i++) {
		unsigned __int128 part = (unsigned __int128)total * millionths * nodes->at[i].weight;
		unsigned __int128 whole = (unsigned __int128)weight * 1000000;

		b->cap[i] = (uint64_t)((part + whole - 1) / whole);
		b->full[i] = !b->cap[i];
	}
}

void bound_release(struct bound *b)
{
	free(b->load);
	free(b->cap);
	free(b->full);
}

struct route_work *route_open(const struct route *r)
{
	struct route_work *w = must_calloc(1, sizeof *w);

	w->owner = must_calloc((size_t)FLOW_BATCH * r->replicas, sizeof *w->owner);
	if ((r->replicas > 1 || r->bound) && ring_picker_new(&w->picker, r->ring))
		die(EXIT_SYSTEM, "cannot allocate the order of %u nodes", r->nodes->n);
	return w;
}

void route_close(struct route_work *w)
{
	ring_picker_free(w->picker);
	keys_release(&w->keys);
	free(w->owner);
	free(w);
}

static bool take_place(struct bound *b, const uint32_t *owner, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (++b->load[owner[i]] == b->cap[owner[i]])
			b->full[owner[i]] = 1;
	return n > 0;
}

size_t route_hashes(const struct route *r, struct route_work *w, struct flow_work *flow, size_t n)
{
	uint32_t *first = w->picker ? w->first : w->owner;

	ring_owner(r->ring, w->hash, n, first);
	if (!w->picker)
		return n;
	for (size_t i = 0; i < n; i++) {
		uint32_t *owner = w->owner + i * r->replicas;

		w->owners[i] = ring_pick(w->picker, w->hash[i], first[i], r->bound ? r->bound->full : NULL, owner,
					 r->replicas);
		if (r->bound && !take_place(r->bound, owner, w->owners[i])) {
			flow_fail(flow, EXIT_DATA, "every node is full: more keys than --total says");
			return i;
		}
		if (r->bound && w->owners[i] < r->replicas)
			r->bound->fewer++;
	}
	return n;
}

size_t route_batch(const struct route *r, struct route_work *w, struct flow_work *flow, const struct ring_key *record,
		   size_t n)
{
	size_t done = keys_take(&r->keys, &w->keys, flow, record, n);

	ring_hash(r->ring, w->keys.key, done, w->hash);
	return route_hashes(r, w, flow, done);
}
