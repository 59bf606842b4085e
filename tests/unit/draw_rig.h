/*
 * draw_rig: fleets of nodes with their rings, their circle drawn, and what is read back of the file.
 */
#ifndef UNIT_DRAW_RIG_H
#define UNIT_DRAW_RIG_H

#include "lib/draw/circle.h"
#include "lib/draw/picture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { NODES_MAX = 1200, NAME_BYTES = 80, DEPTH_MAX = 32 };

struct made {
	struct ring_node node[NODES_MAX];
	char name[NODES_MAX][NAME_BYTES];
	struct ring_state state;
	struct ring *ring;
	uint32_t n;
};

static struct made one, two;
static uint32_t kept[NODES_MAX];

static inline void add(struct made *m, const char *name, uint32_t weight)
{
	assert_true(m->n < NODES_MAX && strlen(name) < NAME_BYTES);
	strcpy(m->name[m->n], name);
	m->node[m->n] = (struct ring_node){ .name = m->name[m->n], .weight = weight, .name_len = (uint16_t)strlen(name) };
	m->n++;
}

/* Nodes named by a prefix and a number. */
static inline void add_many(struct made *m, const char *prefix, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		char name[NAME_BYTES];

		snprintf(name, sizeof name, "%s%04u", prefix, i);
		add(m, name, 1);
	}
}

static inline int by_name(const void *a, const void *b)
{
	return ring_node_cmp(a, b);
}

/* points: or the size of the table. */
static inline void build(struct made *m, const char *algorithm, uint32_t points, const struct made *was)
{
	const struct ring_algo *algo = ring_algo_find(algorithm);
	struct ring_conf conf = { .points = points };

	assert_non_null(algo);
	if (ring_algo_traits(algo) & RING_TABLE)
		conf = (struct ring_conf){ .table = points };
	if (!(ring_algo_traits(algo) & (RING_NUMBERED | RING_LISTED)))
		qsort(m->node, m->n, sizeof *m->node, by_name);
	for (uint32_t i = 0; was && i < was->n; i++) {
		kept[i] = RING_NONE;
		for (uint32_t k = 0; k < m->n; k++)
			if (!ring_node_cmp(&was->node[i], &m->node[k]))
				kept[i] = k;
	}
	if (ring_algo_traits(algo) & RING_NUMBERED) {
		if (was)
			assert_int_equal(ring_state_change(&m->state, algo, &was->state, kept, was->n, m->node, m->n), RING_OK);
		else
			assert_int_equal(ring_state_init(&m->state, algo, m->node, m->n, conf.table), RING_OK);
		conf.state = &m->state;
	}
	assert_int_equal(ring_new(&m->ring, algo, &conf, m->node, m->n), RING_OK);
}

static inline void release(struct made *m)
{
	ring_free(m->ring);
	ring_state_release(&m->state);
	memset(m, 0, sizeof *m);
}

static inline struct draw_fleet fleet_of(const struct made *m)
{
	return (struct draw_fleet){ m->ring, m->node, m->n };
}

/* The picture as a string to free, of `two` or, with a plan, from `one` to `two`. */
static inline char *draw(bool plan, const char *caption)
{
	struct draw_fleet was = fleet_of(&one);
	struct draw_circle of = { .is = fleet_of(&two), .was = plan ? &was : NULL, .kept = kept, .caption = caption };
	static char *text;
	static size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_int_equal(draw_circle(out, &of), RING_OK);
	assert_int_equal(fclose(out), 0);
	assert_int_equal(strlen(text), size);
	return text;
}

static inline struct picture *picture(bool plan, struct draw_fleet *was, struct draw_circle *of)
{
	static struct picture p;

	*was = fleet_of(&one);
	*of = (struct draw_circle){ .is = fleet_of(&two), .was = plan ? was : NULL, .kept = kept, .caption = "" };
	assert_int_equal(picture_init(&p, of), RING_OK);
	return &p;
}

static inline size_t count(const char *s, const char *what)
{
	size_t n = 0;

	while ((s = strstr(s, what))) {
		n++;
		s += strlen(what);
	}
	return n;
}

#endif
