/*
 * anchor: AnchorHash (Mendelson, Vargaftik, Barabash, Lorenz, Keslassy and
 * Orda, "AnchorHash: A Scalable Consistent Hash", 2020).
 *
 * Of `capacity` buckets some work and the others are removed, which is noted in
 * the order in which they went.  A key is drawn into [0, capacity).  If that
 * bucket b is removed, the key is drawn again among the buckets that worked just
 * after b went (there were A[b] of them; A[b] = 0 says that b works), and so on.
 * The set W_b of these is not kept: its h-th element is h itself unless h went
 * before b, and else is found by following K, the bucket that took h's place in
 * the list of working ones when h went (section 4, algorithm 3).
 *
 * So a removal moves only the removed bucket's keys, and calling back the bucket
 * that went last brings back exactly these: excess 0, for any order of removals.
 *
 * ring_state has the order of removals; W and L of the paper are needed only to
 * replay it.  A look-up reads the bucket's node first, for a bucket with a node
 * works, and A and K only for the keys that were drawn into a removed one.
 */
#include "lib/ring/hash.h"
#include "lib/ring/state.h"

#include <assert.h>
#include <stdlib.h>

enum { IN_FLIGHT = 64 };                /* keys whose cache misses overlap */

#define REDRAW UINT64_C(0xaf251af3b0f025b5)

/* REMOVEBUCKET of algorithm 3, but for R, which is ring_state's. */
static void anchor_remove(struct anchor *a, uint32_t *W, uint32_t *L, uint32_t b)
{
	uint32_t last = W[--a->working];

	a->A[b] = a->working;
	W[L[b]] = a->K[b] = last;
	L[last] = L[b];
}

static int anchor_build(struct ring *r)
{
	const struct ring_state *s = r->state;
	struct anchor *a = &r->anchor;
	size_t room = ((size_t)s->buckets + 1) * sizeof(uint32_t);
	uint32_t *W = malloc(room), *L = malloc(room);
	int rc = RING_ENOMEM;

	a->A = calloc(1, room);
	a->K = malloc(room);
	a->capacity = a->working = s->buckets;
	if (a->A && a->K && W && L) {
		for (uint32_t b = 0; b < a->capacity; b++)
			a->K[b] = W[b] = L[b] = b;
		for (uint32_t i = 0; i < s->removed_n; i++)
			anchor_remove(a, W, L, s->removed[i]);
		rc = a->working ? RING_OK : RING_EDRAINED;
	}
	free(W);
	free(L);
	return rc;
}

static void anchor_release(struct ring *r)
{
	free(r->anchor.A);
	free(r->anchor.K);
	r->anchor = (struct anchor){ 0 };
}

/* From the removed bucket b to the next draw: the inner loop of GETBUCKET. */
static inline uint32_t anchor_next(const struct anchor *a, uint64_t hash, uint32_t b)
{
	uint32_t h = hash_below(mix64(hash + (b + UINT64_C(1)) * REDRAW), a->A[b]);

	while (a->A[h] >= a->A[b])      /* h went before b did */
		h = a->K[h];
	return h;
}

/*
 * Buckets and owners of up to IN_FLIGHT hashes.  Each round asks for the memory
 * of all its keys before it reads any; keys in a removed bucket go on to the
 * next round, without a branch that could not be foretold.
 */
static void anchor_some(const struct ring *r, const uint64_t *hash, uint32_t n,
			uint32_t *bucket, uint32_t *owner)
{
	const struct anchor *a = &r->anchor;
	const uint32_t *node = r->state->bucket;
	uint32_t at[IN_FLIGHT], left = 0;

	for (uint32_t i = 0; i < n; i++) {
		bucket[i] = hash_below(hash[i], a->capacity);
		__builtin_prefetch(&node[bucket[i]], 0, 2);
	}
	for (uint32_t i = 0; i < n; i++) {
		owner[i] = node[bucket[i]];
		at[left] = i;
		left += owner[i] == RING_NONE;
	}
	while (left > 0) {
		n = left;
		for (uint32_t i = 0; i < n; i++)
			__builtin_prefetch(&a->A[bucket[at[i]]], 0, 2);
		for (uint32_t i = 0; i < n; i++) {
			bucket[at[i]] = anchor_next(a, hash[at[i]], bucket[at[i]]);
			__builtin_prefetch(&node[bucket[at[i]]], 0, 2);
		}
		left = 0;
		for (uint32_t i = 0; i < n; i++) {
			uint32_t who = at[i];

			owner[who] = node[bucket[who]];
			at[left] = who;
			left += owner[who] == RING_NONE;
		}
	}
}

static void anchor_owner(const struct ring *r, const uint64_t *hash, size_t n, uint32_t *owner)
{
	uint32_t bucket[IN_FLIGHT];

	for (size_t i = 0; i < n; i += IN_FLIGHT) {
		uint32_t some = n - i < IN_FLIGHT ? (uint32_t)(n - i) : IN_FLIGHT;

		anchor_some(r, hash + i, some, bucket, owner + i);
	}
}

static void anchor_explain(const struct ring *r, uint64_t hash, struct ring_why *why)
{
	why->hash_bits = 64;
	why->hash = hash;
	why->has_slot = true;
	why->slots = r->anchor.capacity;
	anchor_some(r, &hash, 1, &why->slot, &why->owner);
	why->text = why->slot == hash_below(hash, why->slots)
		? "the bucket at hash * buckets / 2^64, which works"
		: "the bucket drawn first is removed, so it was drawn again among those that were left then";
}

static size_t anchor_bytes(const struct ring *r)
{
	return (size_t)r->anchor.capacity * 3 * sizeof(uint32_t);       /* A, K and the numbering */
}

/*
 * Removed buckets are pushed from the highest down, so what is added takes the
 * lowest of them first: on a fresh state, 0, 1, 2, ... in the order of the list.
 */
int anchor_renumber(struct ring_state *s, const struct renumber *to)
{
	int32_t *need;

	if (state_wants(to) > s->buckets)
		return RING_EFULL;
	need = state_needs(s, to);
	if (!need)
		return RING_ENOMEM;
	for (uint32_t b = s->buckets; b-- > 0;) {
		if (s->bucket[b] == RING_NONE)
			continue;
		s->bucket[b] = state_heir(s, to, need, b);
		if (s->bucket[b] == RING_NONE)
			s->removed[s->removed_n++] = b;
	}
	for (uint32_t node = 0; node < to->n; node++) {
		for (int32_t i = 0; i < need[node]; i++) {
			assert(s->removed_n > 0);
			s->bucket[s->removed[--s->removed_n]] = node;
		}
	}
	free(need);
	return RING_OK;
}

const struct ring_algo ring_algo_anchor = {
	.name = "anchor",
	.summary = "AnchorHash over numbered buckets: any node may go, millions of nodes, constant time",
	.traits = RING_NUMBERED,
	.build = anchor_build,
	.release = anchor_release,
	.owner = anchor_owner,
	.explain = anchor_explain,
	.bytes = anchor_bytes,
};
