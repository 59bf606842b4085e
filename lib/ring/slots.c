/*
 * slots: a table of partitions, as Swift and Redis Cluster have, dealt and
 * evened out by exact fractions.
 *
 * slot = hash * slots / 2^64; the table says whose it is.  A slot is dealt to
 * the node with the least (have + 1) / weight, ties to the first (the divisor
 * method of D'Hondt and Jefferson).  The table is then even: for no two nodes i
 * and j is
 *
 *	(have_j + 1) / weight_j < have_i / weight_i,
 *
 * so between equal weights the difference is at most one slot.
 *
 * After a change the slots of nodes that went are dealt in the same way; then,
 * as long as some pair is uneven, the node with the least (have + 1) / weight
 * takes a slot from the one with the greatest have / weight.  Between two nodes
 * whose weights did not change nothing moves: they were even; dealing keeps the
 * receiver even with all others, because its fraction was the least; giving
 * keeps the giver so, because its fraction was the greatest; so only a pair with
 * a changed weight in it can be uneven.  Nor does a node both take and give: the
 * least fraction only rises and the greatest only falls, and what was taken was
 * below it.  So every move is needed, and there is no excess.
 */
#include "lib/ring/hash.h"
#include "lib/ring/state.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* A heap of nodes; on top who takes the next slot, or who gives it. */
struct queue {
	const struct ring_node *nodes;
	uint32_t *heap, n;
	uint32_t *have;                 /* slots by node, kept up for the top of this queue alone */
	bool giving;
};

static bool goes_first(const struct queue *q, uint32_t a, uint32_t b)
{
	uint64_t more = q->giving ? 0 : 1;
	uint64_t fraction_a = (q->have[a] + more) * q->nodes[b].weight;
	uint64_t fraction_b = (q->have[b] + more) * q->nodes[a].weight;

	if (fraction_a != fraction_b)
		return (fraction_a < fraction_b) != q->giving;
	return a < b;
}

static void sift_down(struct queue *q, uint32_t i)
{
	uint32_t node = q->heap[i];

	for (uint32_t child; (child = 2 * i + 1) < q->n; i = child) {
		if (child + 1 < q->n && goes_first(q, q->heap[child + 1], q->heap[child]))
			child++;
		if (!goes_first(q, q->heap[child], node))
			break;
		q->heap[i] = q->heap[child];
	}
	q->heap[i] = node;
}

static void queue_fill(struct queue *q, uint32_t n)
{
	q->n = 0;
	for (uint32_t i = 0; i < n; i++)
		if (q->nodes[i].weight > 0)
			q->heap[q->n++] = i;
	for (uint32_t i = q->n / 2; i-- > 0;)
		sift_down(q, i);
}

/* The slots that lost their node go, lowest first, to whoever has the least. */
static void deal(struct ring_state *s, struct queue *takers)
{
	for (uint32_t slot = 0; slot < s->buckets; slot++) {
		if (s->bucket[slot] != RING_NONE)
			continue;
		s->bucket[slot] = takers->heap[0];
		takers->have[takers->heap[0]]++;
		sift_down(takers, 0);
	}
}

/*
 * Lists of each node's slots, in the order in which it would part with them:
 * round the table from a place that differs from one table to the next.  With
 * any fixed order the same few slots would move at every change.
 */
static void list_slots(const struct ring_state *s, uint32_t *first, uint32_t *next)
{
	uint64_t digest = 0;
	uint32_t slot;

	for (slot = 0; slot < s->buckets; slot++)
		digest = mix64(digest + s->bucket[slot] + 1);
	slot = hash_below(digest, s->buckets);
	for (uint32_t i = 0; i < s->buckets; i++) {
		slot = slot > 0 ? slot - 1 : s->buckets - 1;
		next[slot] = first[s->bucket[slot]];
		first[s->bucket[slot]] = slot;
	}
}

static void even_out(struct ring_state *s, struct queue *takers, struct queue *givers,
		     uint32_t *first, const uint32_t *next)
{
	const struct ring_node *nodes = takers->nodes;

	for (;;) {
		uint32_t taker = takers->heap[0], giver = givers->heap[0], slot = first[giver];

		if (!slots_uneven(givers->have[giver], nodes[giver].weight,
				  takers->have[taker], nodes[taker].weight))
			return;
		assert(taker != giver && s->bucket[slot] == giver);
		first[giver] = next[slot];
		s->bucket[slot] = taker;
		takers->have[taker]++;
		givers->have[giver]--;
		sift_down(takers, 0);
		sift_down(givers, 0);
	}
}

int slots_renumber(struct ring_state *s, const struct renumber *to)
{
	size_t n = to->n;
	uint32_t live = 0, *room, *first, *next;
	struct queue takers = { .nodes = to->nodes }, givers = { .nodes = to->nodes, .giving = true };

	for (size_t i = 0; i < n; i++)
		live += to->nodes[i].weight > 0;
	if (live > s->buckets)
		return RING_ETOOBIG;
	room = calloc(5 * n + s->buckets, sizeof(*room));
	if (!room)
		return RING_ENOMEM;
	takers.heap = room;
	takers.have = room + n;
	givers.heap = room + 2 * n;
	givers.have = room + 3 * n;
	first = room + 4 * n;
	next = room + 5 * n;

	for (uint32_t slot = 0; slot < s->buckets; slot++) {
		uint32_t was = s->bucket[slot];
		uint32_t node = was == RING_NONE ? RING_NONE : to->kept[was];

		if (node != RING_NONE && to->nodes[node].weight == 0)
			node = RING_NONE;
		if (node != RING_NONE)
			takers.have[node]++;
		s->bucket[slot] = node;
	}
	if (live > 0) {
		queue_fill(&takers, to->n);
		deal(s, &takers);
		list_slots(s, first, next);
		memcpy(givers.have, takers.have, n * sizeof(*givers.have));
		queue_fill(&givers, to->n);
		even_out(s, &takers, &givers, first, next);
	}
	free(room);
	return RING_OK;
}

static int slots_build(struct ring *r)
{
	return r->state->bucket[0] == RING_NONE ? RING_EDRAINED : RING_OK;
}

static void slots_release(struct ring *r)
{
	(void)r;        /* the table is the caller's */
}

static void slots_owner(const struct ring *r, const uint64_t *hash, size_t n, uint32_t *owner)
{
	const uint32_t *node = r->state->bucket;
	uint32_t slots = r->state->buckets;

	for (size_t i = 0; i < n; i++)
		owner[i] = node[hash_below(hash[i], slots)];
}

static void slots_explain(const struct ring *r, uint64_t hash, struct ring_why *why)
{
	why->hash_bits = 64;
	why->hash = hash;
	why->has_slot = true;
	why->slots = r->state->buckets;
	why->slot = hash_below(hash, why->slots);
	why->owner = r->state->bucket[why->slot];
	why->text = "the slot at hash * slots / 2^64";
}

/* Slot i begins at the first hash that is not below i * 2^64 / slots. */
static uint64_t slot_begin(uint64_t i, uint64_t slots)
{
	uint64_t whole = UINT64_MAX / slots, rest = UINT64_MAX % slots + 1;

	return i * whole + (i * rest + slots - 1) / slots;
}

static bool slots_shares(const struct ring *r, uint64_t *share)
{
	const struct ring_state *s = r->state;

	for (uint32_t i = 0; i < s->buckets; i++)
		share[s->bucket[i]] += slot_begin(i + UINT64_C(1), s->buckets) - slot_begin(i, s->buckets);
	/* all of it is 2^64, and that in 64 bits is 0 */
	if (share[s->bucket[0]] == 0)
		share[s->bucket[0]] = UINT64_MAX;
	return true;
}

static size_t slots_bytes(const struct ring *r)
{
	return (size_t)r->state->buckets * sizeof(uint32_t);
}

const struct ring_algo ring_algo_slots = {
	.name = "slots",
	.summary = "a table of partitions: shares exact to one slot, and never a needless move",
	.traits = RING_NUMBERED | RING_TABLE,
	.build = slots_build,
	.release = slots_release,
	.owner = slots_owner,
	.explain = slots_explain,
	.shares = slots_shares,
	.bytes = slots_bytes,
};
