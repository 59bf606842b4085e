/*
 * state: inside the ring module, how each numbered algorithm renumbers.
 *
 * A fresh numbering is a change from an empty one, so an algorithm has one
 * function for both: it turns `s`, in place, from the numbering of an old list
 * into that of a new one.  After an error `s` is the caller's to release and
 * says nothing.
 */
#ifndef RING_STATE_H
#define RING_STATE_H

#include "lib/ring/algo.h"

struct renumber {
	const uint32_t *kept;           /* old position -> new one, or RING_NONE */
	const struct ring_node *nodes;  /* the new list */
	uint32_t n;
};

/*
 * How many buckets each node of the new list is short of its weight (below 0:
 * has too many).  The caller frees it; NULL: no memory.
 */
int32_t *state_needs(const struct ring_state *, const struct renumber *);
/* Buckets that the new list wants: the sum of its weights. */
uint64_t state_wants(const struct renumber *);

/* The next owner of bucket b: RING_NONE if its node is gone or has too many (then one less). */
static inline uint32_t state_heir(const struct ring_state *s, const struct renumber *to,
				  int32_t *need, uint32_t b)
{
	uint32_t node = to->kept[s->bucket[b]];

	if (node == RING_NONE)
		return RING_NONE;
	if (need[node] >= 0)
		return node;
	need[node]++;
	return RING_NONE;
}

__attribute__((warn_unused_result))
int anchor_renumber(struct ring_state *s, const struct renumber *);
__attribute__((warn_unused_result))
int jump_renumber(struct ring_state *s, const struct renumber *);
__attribute__((warn_unused_result))
int slots_renumber(struct ring_state *s, const struct renumber *);

/* Does node i hold too much beside node j, so that a slot from i to j would even them? */
static inline bool slots_uneven(uint64_t have_i, uint32_t weight_i, uint64_t have_j, uint32_t weight_j)
{
	return (have_j + 1) * weight_i < have_i * weight_j;
}

#endif
