/* ring: the circle, rendezvous hashing and the choice of several owners. */
#include "tests/unit/ring_rig.h"

#include <math.h>

enum { NODES = 40, KEYS = 200000 };

/* n nodes node00, node01, ... in the order of their names */
static struct ring_node *make_nodes(uint32_t n, uint32_t weight)
{
	struct ring_node *nodes = calloc(n, sizeof *nodes);

	for (uint32_t i = 0; i < n; i++) {
		char *name = malloc(16);

		snprintf(name, 16, "node%05u", i);
		nodes[i] = (struct ring_node){ .name = name, .name_len = (uint16_t)strlen(name), .weight = weight };
	}
	return nodes;
}

static void free_nodes(struct ring_node *nodes, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		free((void *)(uintptr_t)nodes[i].name);
	free(nodes);
}

static struct ring *make_ring(const char *algo, const struct ring_node *nodes, uint32_t n, unsigned cpu)
{
	struct ring_conf conf = { .cpu = cpu, .points = !strcmp(algo, "ring") ? 128 : 0 };
	struct ring *r;

	assert_int_equal(ring_new(&r, ring_algo_find(algo), &conf, nodes, n), RING_OK);
	return r;
}

/* The rule itself: the first point at or after the hash, the first of all beyond the last. */
static uint32_t naive_owner(const struct points *p, uint64_t hash)
{
	for (uint32_t i = 0; i < p->n; i++)
		if (point_hash(&p->at[i]) >= hash)
			return p->at[i].node;
	return p->at[0].node;
}

static void a_circle_gives_the_first_point_at_or_after_the_hash(void **state)
{
	struct ring_node *nodes = make_nodes(NODES, 1);
	struct ring *r = make_ring("ring", nodes, NODES, 0);
	const struct points *p = &r->points;

	(void)state;
	assert_int_equal(p->n, NODES * 128);
	for (uint32_t i = 0; i < p->n; i++) {
		uint64_t at = point_hash(&p->at[i]), hash[4] = { at - 1, at, at + 1, next_random() };
		uint32_t owner[4];

		assert_true(!i || point_hash(&p->at[i - 1]) <= at);
		ring_owner(r, hash, 4, owner);
		for (size_t k = 0; k < 4; k++)
			assert_int_equal(owner[k], naive_owner(p, hash[k]));
	}
	for (uint64_t h = 0; h < 2; h++) {
		uint64_t edge = h ? UINT64_MAX : 0;
		uint32_t owner;

		ring_owner(r, &edge, 1, &owner);
		assert_int_equal(owner, naive_owner(p, edge));
	}
	ring_free(r);
	free_nodes(nodes, NODES);
}

static uint32_t equal_at;

/* Three nodes on the same four points. */
static int equal_points(const struct ring *r, struct points_sink *sink)
{
	for (uint32_t node = r->n; node-- > 0;)
		for (uint64_t i = 0; i < 4; i++)
			points_add(sink, i << 62 | 5, node);
	return RING_OK;
}

static void equal_points_go_to_the_first_node(void **state)
{
	struct ring_node *nodes = make_nodes(3, 1);
	struct ring *r = make_ring("ring", nodes, 3, 0);

	(void)state;
	for (unsigned unique = 0; unique < 2; unique++) {
		struct points p;

		assert_int_equal(points_build(&p, r, equal_points, 12, unique), RING_OK);
		assert_int_equal(p.n, unique ? 4 : 12);
		for (uint64_t i = 0; i < 64; i++) {
			uint64_t h = i << 58;

			points_owner(&p, &h, 1, &equal_at);
			assert_int_equal(equal_at, 0);
			assert_true(point_hash(&p.at[points_find(&p, h)]) >= h || h > ((uint64_t)3 << 62 | 5));
		}
		points_release(&p);
	}
	ring_free(r);
	free_nodes(nodes, 3);
}

/* 3000 points of which 1000 share their first 20 bits: far more than a line holds. */
static int crowded_points(const struct ring *r, struct points_sink *sink)
{
	for (uint64_t i = 0; i < 3000; i++) {
		uint64_t h = mix64(i + 1);

		points_add(sink, i % 3 ? h : h >> 20 | UINT64_C(0xabcde) << 44, (uint32_t)(i % r->n));
	}
	return RING_OK;
}

static void a_crowded_prefix_is_searched_to_the_last_bit(void **state)
{
	struct ring_node *nodes = make_nodes(NODES, 1);
	struct ring *r = make_ring("ring", nodes, NODES, 0);
	struct points p;

	(void)state;
	assert_int_equal(points_build(&p, r, crowded_points, 3000, false), RING_OK);
	for (uint32_t i = 0; i < p.n; i++) {
		uint64_t at = point_hash(&p.at[i]), hash[3] = { at - 1, at, at + 1 };
		uint32_t owner[3];

		points_owner(&p, hash, 3, owner);
		for (size_t k = 0; k < 3; k++)
			assert_int_equal(owner[k], naive_owner(&p, hash[k]));
	}
	points_release(&p);
	ring_free(r);
	free_nodes(nodes, NODES);
}

static void every_instruction_set_gives_the_same_owners(void **state)
{
	static const char *const algos[] = { "ring", "hrw", "maglev" };
	struct ring_node *nodes = make_nodes(NODES, 1);
	uint64_t hash[512];
	uint32_t want[512], got[512];

	(void)state;
	for (uint32_t i = 0; i < NODES; i++)
		nodes[i].weight = i % 4;
	for (size_t a = 0; a < 3; a++) {
		for (size_t c = 0; c < cpus_n; c++) {
			struct ring *r = make_ring(algos[a], nodes, NODES, cpus[c]);

			random_state = 7;
			for (size_t i = 0; i < 512; i++)
				hash[i] = next_random();
			ring_owner(r, hash, 512, c ? got : want);
			if (c)
				assert_memory_equal(got, want, sizeof want);
			ring_free(r);
		}
	}
	free_nodes(nodes, NODES);
}

static void the_best_draw_is_the_same_one_node_at_a_time(void **state)
{
	struct ring_node *nodes = make_nodes(NODES, 1);
	int32_t draw[NODES + 16];
	uint32_t owner;

	(void)state;
	for (unsigned round = 0; round < 200; round++) {
		struct ring *r;

		for (uint32_t i = 0; i < NODES; i++)
			nodes[i].weight = (uint32_t)(next_random() % (round % 2 ? 3 : RING_WEIGHT_MAX));
		nodes[0].weight = 1;
		r = make_ring("hrw", nodes, NODES, cpus[round % cpus_n]);
		for (unsigned i = 0; i < 100; i++) {
			uint64_t h = next_random();

			ring_owner(r, &h, 1, &owner);
			hrw_draws(&r->hrw, h, draw, cpus[i % cpus_n]);
			assert_int_equal(owner, r->hrw.node[hrw_best(&r->hrw, draw)]);
		}
		ring_free(r);
	}
	free_nodes(nodes, NODES);
}

/* Chi-square of n counts against shares, in standard deviations from its mean. */
static double chi_square(const uint32_t *count, const struct ring_node *nodes, uint32_t n, double keys)
{
	double weight = 0, sum = 0;
	uint32_t live = 0;

	for (uint32_t i = 0; i < n; i++)
		weight += nodes[i].weight;
	for (uint32_t i = 0; i < n; i++) {
		double want = keys * nodes[i].weight / weight;

		if (!nodes[i].weight) {
			assert_int_equal(count[i], 0);
			continue;
		}
		if (want < 5) {         /* too few for the statistic */
			assert_true(count[i] < 20);
			continue;
		}
		sum += (count[i] - want) * (count[i] - want) / want;
		live++;
	}
	return (sum - (live - 1)) / sqrt(2.0 * (live - 1));
}

static void rendezvous_shares_follow_the_weights_to_the_floor_of_chance(void **state)
{
	static const uint32_t mixes[][5] = { { 1, 1, 1, 1, 1 }, { 1, 2, 3, 4, 5 }, { 1, 10, 100, 1000, 0 },
					     { 999999, 1000000, 3, 500000, 1 }, { 7, 7, 7, 1, 1 } };
	struct ring_node *nodes = make_nodes(NODES, 1);

	(void)state;
	for (size_t m = 0; m < sizeof mixes / sizeof *mixes; m++) {
		uint32_t count[NODES] = { 0 }, owner;
		struct ring *r;

		for (uint32_t i = 0; i < NODES; i++)
			nodes[i].weight = mixes[m][i % 5];
		r = make_ring("hrw", nodes, NODES, cpus[cpus_n - 1]);
		for (unsigned i = 0; i < KEYS; i++) {
			uint64_t h = next_random();

			ring_owner(r, &h, 1, &owner);
			count[owner]++;
		}
		assert_true(fabs(chi_square(count, nodes, NODES, KEYS)) < 5);
		ring_free(r);
	}
	free_nodes(nodes, NODES);
}

static void a_grown_weight_draws_keys_to_that_node_alone(void **state)
{
	static const char *const algos[] = { "ring", "hrw" };
	struct ring_node *nodes = make_nodes(NODES, 3);

	(void)state;
	for (size_t a = 0; a < 2; a++) {
		struct ring *was, *is;
		uint32_t moved = 0;

		nodes[17].weight = 3;
		was = make_ring(algos[a], nodes, NODES, 0);
		nodes[17].weight = 5;
		is = make_ring(algos[a], nodes, NODES, 0);
		for (unsigned i = 0; i < 50000; i++) {
			uint64_t h = next_random();
			uint32_t old, new;

			ring_owner(was, &h, 1, &old);
			ring_owner(is, &h, 1, &new);
			assert_true(old == new || new == 17);
			moved += old != new;
		}
		assert_in_range(moved, 400, 1600);      /* 5/122 - 3/120 of 50000: 799 */
		ring_free(was);
		ring_free(is);
	}
	free_nodes(nodes, NODES);
}

static void replicas_are_distinct_and_from_distinct_zones_while_there_are_enough(void **state)
{
	static const char *const algos[] = { "ring", "hrw", "maglev", "libmemcached" };
	struct ring_node *nodes = make_nodes(NODES, 1);

	(void)state;
	for (uint32_t i = 0; i < NODES; i++)
		nodes[i].zone = i < 30 ? 1 : i < 39 ? 2 : 3;    /* the third zone has one node */
	for (size_t a = 0; a < 4; a++) {
		struct ring *r = make_ring(algos[a], nodes, NODES, 0);
		struct ring_picker *p;

		assert_int_equal(ring_picker_new(&p, r), RING_OK);
		for (unsigned i = 0; i < 500; i++) {
			uint64_t h = next_random();
			uint32_t owners[NODES], first;
			uint8_t seen[NODES] = { 0 }, zones[4] = { 0 };

			ring_owner(r, &h, 1, &first);
			assert_int_equal(ring_pick(p, h, first, NULL, owners, NODES), NODES);
			assert_int_equal(owners[0], first);
			for (uint32_t k = 0; k < NODES; k++) {
				assert_int_equal(seen[owners[k]]++, 0);
				zones[nodes[owners[k]].zone] += k < 3;
			}
			assert_true(zones[1] == 1 && zones[2] == 1 && zones[3] == 1);
		}
		ring_picker_free(p);
		ring_free(r);
	}
	free_nodes(nodes, NODES);
}

static void a_full_node_is_never_picked(void **state)
{
	struct ring_node *nodes = make_nodes(NODES, 1);
	struct ring *r = make_ring("ring", nodes, NODES, 0);
	struct ring_picker *p;
	uint8_t full[NODES];

	(void)state;
	assert_int_equal(ring_picker_new(&p, r), RING_OK);
	for (unsigned i = 0; i < 500; i++) {
		uint32_t owners[3], first, free_nodes_n = 0, got;
		uint64_t h = next_random();

		for (uint32_t n = 0; n < NODES; n++) {
			full[n] = next_random() % 16 != 0;
			free_nodes_n += !full[n];
		}
		ring_owner(r, &h, 1, &first);
		got = ring_pick(p, h, first, full, owners, 3);
		assert_int_equal(got, free_nodes_n < 3 ? free_nodes_n : 3);
		for (uint32_t k = 0; k < got; k++)
			assert_false(full[owners[k]]);
		if (!full[first])
			assert_int_equal(owners[0], first);
	}
	ring_picker_free(p);
	ring_free(r);
	free_nodes(nodes, NODES);
}

static void a_replica_set_changes_by_the_node_that_goes_alone(void **state)
{
	static const char *const algos[] = { "ring", "hrw" };
	struct ring_node *nodes = make_nodes(NODES, 1);

	(void)state;
	for (size_t a = 0; a < 2; a++) {
		struct ring *was = make_ring(algos[a], nodes, NODES, 0), *is;
		struct ring_picker *x, *y;

		nodes[9].weight = 0;
		is = make_ring(algos[a], nodes, NODES, 0);
		assert_int_equal(ring_picker_new(&x, was), RING_OK);
		assert_int_equal(ring_picker_new(&y, is), RING_OK);
		for (unsigned i = 0; i < 2000; i++) {
			uint32_t old[4], new[3], first, k = 0;
			uint64_t h = next_random();

			ring_owner(was, &h, 1, &first);
			ring_pick(x, h, first, NULL, old, 4);
			ring_owner(is, &h, 1, &first);
			ring_pick(y, h, first, NULL, new, 3);
			for (uint32_t j = 0; j < 4 && k < 3; j++)
				if (old[j] != 9)
					assert_int_equal(new[k++], old[j]);
		}
		ring_picker_free(x);
		ring_picker_free(y);
		ring_free(was);
		ring_free(is);
		nodes[9].weight = 1;
	}
	free_nodes(nodes, NODES);
}

static void shares_of_the_circle_add_up_to_all_of_it(void **state)
{
	struct ring_node *nodes = make_nodes(NODES, 1);
	uint64_t share[NODES], sum = 0;
	struct ring *r = make_ring("ring", nodes, NODES, 0);

	(void)state;
	assert_true(ring_shares(r, share));
	for (uint32_t i = 0; i < NODES; i++)
		sum += share[i];
	assert_true(sum == 0);          /* 2^64 */
	ring_free(r);
	r = make_ring("ring", nodes, 1, 0);
	assert_true(ring_shares(r, share) && share[0] == UINT64_MAX);
	ring_free(r);
	free_nodes(nodes, NODES);
}

static void a_ring_holds_at_most_sixteen_bytes_a_point_when_it_is_large(void **state)
{
	struct ring_node *nodes = make_nodes(3000, 10);
	struct ring_conf conf = { .points = 100 };
	struct ring *r;

	(void)state;
	assert_int_equal(ring_new(&r, ring_algo_find("ring"), &conf, nodes, 3000), RING_OK);
	assert_true(ring_bytes(r) <= 16 * ring_points(r) + 4096);
	for (unsigned i = 0; i < 50; i++) {     /* so large a ring is looked up without lines */
		uint64_t h = next_random();
		uint32_t owner;

		ring_owner(r, &h, 1, &owner);
		assert_int_equal(owner, naive_owner(&r->points, h));
	}
	ring_free(r);
	free_nodes(nodes, 3000);
}

static void too_many_points_and_no_weight_are_refused(void **state)
{
	struct ring_node *nodes = make_nodes(2, RING_WEIGHT_MAX);
	struct ring_conf conf = { .points = 1000 };
	struct ring *r = NULL;

	(void)state;
	assert_int_equal(ring_new(&r, ring_algo_find("ring"), &conf, nodes, 2), RING_ETOOBIG);
	nodes[0].weight = nodes[1].weight = 0;
	assert_int_equal(ring_new(&r, ring_algo_find("ring"), &conf, nodes, 2), RING_EDRAINED);
	assert_null(r);
	free_nodes(nodes, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_circle_gives_the_first_point_at_or_after_the_hash),
		cmocka_unit_test(equal_points_go_to_the_first_node),
		cmocka_unit_test(a_crowded_prefix_is_searched_to_the_last_bit),
		cmocka_unit_test(every_instruction_set_gives_the_same_owners),
		cmocka_unit_test(the_best_draw_is_the_same_one_node_at_a_time),
		cmocka_unit_test(rendezvous_shares_follow_the_weights_to_the_floor_of_chance),
		cmocka_unit_test(a_grown_weight_draws_keys_to_that_node_alone),
		cmocka_unit_test(replicas_are_distinct_and_from_distinct_zones_while_there_are_enough),
		cmocka_unit_test(a_full_node_is_never_picked),
		cmocka_unit_test(a_replica_set_changes_by_the_node_that_goes_alone),
		cmocka_unit_test(shares_of_the_circle_add_up_to_all_of_it),
		cmocka_unit_test(a_ring_holds_at_most_sixteen_bytes_a_point_when_it_is_large),
		cmocka_unit_test(too_many_points_and_no_weight_are_refused),
	};

	find_cpus();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
