/* lib/serial's order: topological while edges come and go, and a cycle is one. */
#include "lib/serial/inside.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { NODES = 80, EDGES = 300 };

struct rig {
	struct serial s;
	struct edge edge[EDGES];        /* those that are there; the first are the graph's own */
	uint32_t edges;
};

static uint32_t roll(uint64_t *dice, uint32_t sides)
{
	*dice = *dice * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(*dice >> 33) % sides;
}

static void rig_make(struct rig *r, uint64_t *dice, uint32_t own)
{
	memset(r, 0, sizeof(*r));
	r->s.memory = &r->s.own;
	r->s.graph.nodes = NODES;
	for (; r->edges < own; r->edges++) {
		uint32_t from = roll(dice, NODES - 1), to = from + 1 + roll(dice, NODES - 1 - from);

		r->edge[r->edges] = (struct edge){ from, to, 0 };
		assert_true(edge_add(&r->s, from, to, SERIAL_RT, 0));
	}
	assert_true(graph_make(&r->s) && !r->s.graph.cyclic && graph_order(&r->s));
	assert_true(solver_begin(&r->s));
}

static void rig_release(struct rig *r)
{
	serial_clear(&r->s);
	assert_int_equal(r->s.own.used, 0);
}

/* By all edges, the slow way. */
static bool leads(const struct rig *r, uint32_t from, uint32_t to)
{
	bool reached[NODES] = { false }, more = true;

	reached[from] = true;
	while (more) {
		more = false;
		for (uint32_t e = 0; e < r->edges; e++) {
			if (!reached[r->edge[e].from] || reached[r->edge[e].to])
				continue;
			reached[r->edge[e].to] = more = true;
		}
	}
	return reached[to];
}

static void assert_topological(const struct rig *r)
{
	const struct solver *v = &r->s.solver;
	uint32_t n = 0, last = NONE;

	for (uint32_t e = 0; e < r->edges; e++)
		assert_true(v->rank[r->edge[e].from] < v->rank[r->edge[e].to]);
	for (uint32_t i = v->after[NODES]; i != NODES; last = i, i = v->after[i], n++)
		assert_true(last == NONE || v->rank[last] < v->rank[i]);
	assert_int_equal(n, NODES);
}

/* The literals of the cycle are those of added edges that lead from the edge's head to its tail. */
static void assert_path(const struct rig *r, uint32_t from, uint32_t to, uint32_t own)
{
	uint32_t literal[EDGES], n = order_path(&r->s.solver, literal);
	struct rig path = *r;

	path.edges = own;
	for (uint32_t i = 0; i < n; i++)
		path.edge[path.edges++] = r->edge[literal[i]];
	assert_true(leads(&path, from, to));
	/* None of them for nothing. */
	for (uint32_t i = 0; i < n; i++) {
		struct rig less = path;

		less.edge[own + i] = less.edge[--less.edges];
		assert_true(own || !leads(&less, from, to));
	}
}

static void insert(struct rig *r, uint32_t from, uint32_t to, uint32_t own)
{
	struct edge edge = { from, to, 0 };
	bool cycle = leads(r, to, from);

	assert_int_equal(order_insert(&r->s, &edge, r->edges), cycle ? INSERT_CYCLE : INSERT_DONE);
	if (cycle)
		assert_path(r, to, from, own);
	else
		r->edge[r->edges++] = edge;
	assert_topological(r);
}

static void edges_come_and_go_and_the_order_is_topological(void **state)
{
	static struct rig r;

	(void)state;
	for (uint32_t round = 0; round < 60; round++) {
		uint64_t dice = round;
		uint32_t own = round % 3 * 20;

		rig_make(&r, &dice, own);
		while (r.edges < EDGES - 100) {
			uint32_t from = roll(&dice, NODES), to = roll(&dice, NODES);

			if (from != to)
				insert(&r, from, to, own);
			if (roll(&dice, 40) == 0) {
				r.edges = own + roll(&dice, r.edges - own + 1);
				order_take_back(&r.s.solver, r.edges - own);
			}
			if (roll(&dice, 150) == 0)
				break;
		}
		rig_release(&r);
	}
}

static void reaching_is_what_edges_say(void **state)
{
	static struct rig r;
	uint64_t dice = 7;

	(void)state;
	rig_make(&r, &dice, 40);
	for (uint32_t i = 0; i < 60; i++)
		insert(&r, roll(&dice, NODES / 2), NODES / 2 + roll(&dice, NODES / 2), 40);
	for (uint32_t i = 0; i < 2000; i++) {
		uint32_t from = roll(&dice, NODES), to = roll(&dice, NODES);
		bool reaches;

		if (from == to)
			continue;
		reaches = order_reaches(&r.s, from, to);
		assert_int_equal(reaches, leads(&r, from, to));
		if (reaches)
			assert_path(&r, from, to, 40);
	}
	rig_release(&r);
}

/* Each moves to behind the same node, so that the gap there is used up. */
static void where_there_is_no_room_left_it_is_made(void **state)
{
	static struct rig r;
	uint64_t dice = 0;

	(void)state;
	rig_make(&r, &dice, 0);
	for (uint32_t i = 0; i < NODES - 1; i++) {
		uint32_t place = r.s.graph.at[NODES - 1], first = r.s.solver.after[NODES];

		assert_int_not_equal(first, place);
		insert(&r, place, first, 0);
		assert_int_equal(r.s.solver.after[place], first);
	}
	/* More than a rank has bits. */
	assert_true(r.edges > 64);
	rig_release(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(edges_come_and_go_and_the_order_is_topological),
		cmocka_unit_test(reaching_is_what_edges_say),
		cmocka_unit_test(where_there_is_no_room_left_it_is_made),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
