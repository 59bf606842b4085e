/*
 * compat_rig: the layouts of other programs, over nodes named and weighed in a line; their hash functions have their tests
 * in compat_hash.c.
 *
 * The expected values are not ours: they were published by the programs' authors in their tests and documents, or answered
 * by the programs themselves.  tests/unit/libmemcached.c and tests/peers/live.sh ask the programs again.
 */
#ifndef UNIT_COMPAT_RIG_H
#define UNIT_COMPAT_RIG_H

#include "lib/ring/hash.h"
#include "lib/ring/ketama.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { NODES_MAX = 20000 };

#define IN_UPPER_HALF(point) ((uint64_t)(point) << 32)

static char names[NODES_MAX][32];
static struct ring_node nodes[NODES_MAX];

static inline void set_node(uint32_t i, const char *name, size_t len, uint32_t weight)
{
	assert_true(i < NODES_MAX && len < sizeof names[i]);
	memcpy(names[i], name, len);
	names[i][len] = '\0';
	nodes[i] = (struct ring_node){ .name = names[i], .name_len = (uint16_t)len, .weight = weight };
}

/* A list "a,b=2,c"; returns how many. */
static inline uint32_t parse(const char *list)
{
	uint32_t n = 0;

	for (const char *p = list; *p; n++) {
		size_t len = strcspn(p, ",="), rest = strcspn(p, ",");

		set_node(n, p, len, p[len] == '=' ? (uint32_t)strtoul(p + len + 1, NULL, 10) : 1);
		p += rest + (p[rest] == ',');
	}
	return n;
}

static inline int try(struct ring **r, const char *algo, const char *list, uint32_t table)
{
	struct ring_conf conf = { .table = table };

	return ring_new(r, ring_algo_find(algo), &conf, nodes, parse(list));
}

static inline struct ring *made(const char *algo, const char *list)
{
	struct ring *r = NULL;

	assert_int_equal(try(&r, algo, list, 0), RING_OK);
	return r;
}

static inline uint64_t hash_of(const struct ring *r, const char *key)
{
	struct ring_key k = { (const uint8_t *)key, strlen(key) };
	uint64_t hash;

	ring_hash(r, &k, 1, &hash);
	return hash;
}

static inline const char *owner_at(const struct ring *r, uint64_t hash)
{
	uint32_t owner;
	struct ring_why why;

	ring_owner(r, &hash, 1, &owner);
	ring_explain(r, hash, &why);
	assert_int_equal(why.owner, owner);
	assert_non_null(why.text);
	return names[owner];
}

static inline const char *owner_of(const struct ring *r, const char *key)
{
	return owner_at(r, hash_of(r, key));
}

/* The hash and the point of a key as the program prints them. */
static inline void expect_point(const struct ring *r, uint64_t place, uint64_t hash, uint64_t point, const char *owner)
{
	struct ring_why why;

	ring_explain(r, place, &why);
	assert_true(why.has_point);
	assert_int_equal(why.hash, hash);
	assert_int_equal(why.point, point);
	assert_string_equal(owner_at(r, place), owner);
}

static inline void expect_counts(const struct ring *r, const uint32_t *expected, uint32_t n)
{
	uint32_t count[16];

	ring_count_points(r, count);
	for (uint32_t i = 0; i < n; i++)
		assert_int_equal(count[i], expected[i]);
}

#endif
