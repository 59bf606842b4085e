/*
 * numbered_rig: lists of nodes that change, and states and rings of them, for the tests of the numbered algorithms (anchor,
 * jump, slots) and maglev.
 *
 * Hashes are handed to ring_owner as they are: what a key's bytes become is not the subject here.
 */
#ifndef UNIT_NUMBERED_RIG_H
#define UNIT_NUMBERED_RIG_H

#include "lib/ring/algo.h"
#include "lib/ring/hash.h"
#include "lib/ring/ring.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { IDS_MAX = 1 << 17, KEYS = 4096 };

static const char *const numbered[] = { "anchor", "jump", "slots" };

/* A list of nodes, each known by an id that outlives its position. */
struct list {
	uint32_t n;
	struct ring_node *node;
	uint32_t *id;
};

static char names[IDS_MAX][16];
static uint64_t random_state;

/* SEED of the environment; or 1. */
static inline void rig_seed(void)
{
	const char *seed = getenv("SEED");

	random_state = seed ? strtoull(seed, NULL, 0) : 1;
}

static inline uint64_t draw(void)
{
	random_state += UINT64_C(0x9e3779b97f4a7c15);
	return mix64(random_state);
}

static inline uint32_t draw_below(uint32_t n)
{
	return hash_below(draw(), n);
}

static inline void list_add(struct list *l, uint32_t id, uint32_t weight)
{
	assert_true(id < IDS_MAX);
	if ((l->n & (l->n - 1)) == 0) {         /* room for 2, 4, 8, ... */
		l->node = realloc(l->node, (2 * l->n + 2) * sizeof(*l->node));
		l->id = realloc(l->id, (2 * l->n + 2) * sizeof(*l->id));
	}
	snprintf(names[id], sizeof(names[id]), "n%06u", id);
	l->node[l->n] = (struct ring_node){ .name = names[id], .name_len = 7, .weight = weight };
	l->id[l->n++] = id;
}

static inline void list_remove(struct list *l, uint32_t i)
{
	memmove(l->node + i, l->node + i + 1, (l->n - i - 1) * sizeof(*l->node));
	memmove(l->id + i, l->id + i + 1, (l->n - i - 1) * sizeof(*l->id));
	l->n--;
}

static inline struct list list_of(uint32_t n)
{
	struct list l = { 0 };

	for (uint32_t id = 0; id < n; id++)
		list_add(&l, id, 1);
	return l;
}

static inline struct list list_copy(const struct list *l)
{
	struct list copy = { 0 };

	for (uint32_t i = 0; i < l->n; i++)
		list_add(&copy, l->id[i], l->node[i].weight);
	return copy;
}

static inline void list_free(struct list *l)
{
	free(l->node);
	free(l->id);
	*l = (struct list){ 0 };
}

static inline uint32_t list_weight(const struct list *l, uint32_t id)
{
	for (uint32_t i = 0; i < l->n; i++)
		if (l->id[i] == id)
			return l->node[i].weight;
	return 0;
}

/* ring_state_change by ids. */
static inline int change(struct ring_state *next, const struct ring_algo *algo, const struct ring_state *was,
		  const struct list *from, const struct list *to)
{
	static uint32_t place[IDS_MAX], kept[IDS_MAX];

	memset(place, 0xff, sizeof(place));
	for (uint32_t i = 0; i < to->n; i++)
		place[to->id[i]] = i;
	for (uint32_t i = 0; i < from->n; i++)
		kept[i] = place[from->id[i]];
	return ring_state_change(next, algo, was, kept, from->n, to->node, to->n);
}

static inline struct ring *ring_of(const struct ring_algo *algo, const struct ring_state *s, const struct list *l)
{
	struct ring_conf conf = { .state = s };
	struct ring *ring = NULL;

	assert_int_equal(ring_new(&ring, algo, &conf, l->node, l->n), RING_OK);
	return ring;
}

/* The owners of n hashes, as positions. */
static inline void owners(const struct ring_algo *algo, const struct ring_state *s, const struct list *l,
		   const uint64_t *hash, size_t n, uint32_t *owner)
{
	struct ring *ring = ring_of(algo, s, l);

	ring_owner(ring, hash, n, owner);
	ring_free(ring);
}

static inline struct ring_state fresh(const struct ring_algo *algo, const struct list *l, uint32_t capacity)
{
	struct ring_state s;

	assert_int_equal(ring_state_init(&s, algo, l->node, l->n, capacity), RING_OK);
	return s;
}

static inline struct ring *maglev_of(const struct list *l, uint32_t table, int *rc)
{
	struct ring_conf conf = { .table = table };
	struct ring *ring = NULL;

	*rc = ring_new(&ring, ring_algo_find("maglev"), &conf, l->node, l->n);
	return ring;
}

/* Removes the nodes of `order`, one a change, then calls them back, one a change. */
static inline void leave_and_return(const struct ring_algo *algo, struct ring_state *s, struct list *l,
			     const uint32_t *order, uint32_t n, bool back)
{
	for (uint32_t i = 0; i < n; i++) {
		struct list changed = list_copy(l);
		struct ring_state next;

		if (back)
			list_add(&changed, order[i], 1);
		for (uint32_t at = 0; !back && at < changed.n; at++)
			if (changed.id[at] == order[i])
				list_remove(&changed, at--);
		assert_int_equal(change(&next, algo, s, l, &changed), RING_OK);
		assert_null(ring_state_fault(&next, algo, changed.node, changed.n));
		ring_state_release(s);
		list_free(l);
		*s = next;
		*l = changed;
	}
}

static inline void shuffle(uint32_t *order, uint32_t n)
{
	for (uint32_t i = n; i > 1; i--) {
		uint32_t j = draw_below(i), swap = order[i - 1];

		order[i - 1] = order[j];
		order[j] = swap;
	}
}

/* A ring of 20 nodes with some history; maglev has none. */
static inline struct ring *seasoned(const char *name, struct ring_state *s, struct list *l)
{
	const struct ring_algo *algo = ring_algo_find(name);
	int rc;

	*l = list_of(23);
	*s = (struct ring_state){ 0 };
	if (!strcmp(name, "maglev"))
		return maglev_of(l, 0, &rc);
	*s = fresh(algo, l, 0);
	leave_and_return(algo, s, l, (const uint32_t[]){ 3, 22, 9, 20, 0 }, 5, false);
	leave_and_return(algo, s, l, (const uint32_t[]){ 30, 31 }, 2, true);
	return ring_of(algo, s, l);
}

#endif
