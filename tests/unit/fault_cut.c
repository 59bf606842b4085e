/* lib/fault's partitions: who hears whom, in every shape, one way and both, several at once. */
#include "tests/unit/fault_rig.h"

static struct fault_net *cut_by(size_t nodes, const struct fault_order *o)
{
	struct fault_options options = rig_options(nodes);
	struct fault_net *net = rig_new(&options);

	rig_order(net, 0, o);
	return net;
}

static void assert_cuts(size_t nodes, const char *groups, bool one_way, const char *cuts)
{
	struct fault_order o = rig_groups(groups);
	struct fault_net *net;

	o.one_way = one_way;
	net = cut_by(nodes, &o);
	assert_string_equal(rig_cuts(net, (int)nodes), cuts);
	fault_net_free(net);
}

static void groups_are_cut_off_from_each_other(void **state)
{
	(void)state;
	assert_cuts(3, "n1|n2,n3", false, "011 100 100");
	assert_cuts(3, "n1,n2|n3", false, "001 001 110");
	assert_cuts(3, "n1|n2|n3", false, "011 101 110");
	assert_cuts(5, "n1,n2|n3,n4,n5", false, "00111 00111 11000 11000 11000");
	/* A node in no group hears all. */
	assert_cuts(3, "n1|n2", false, "010 100 000");
	/* A single group is cut off from the rest; all of them are a group of no rest. */
	assert_cuts(3, "n1,n2", false, "001 001 110");
	assert_cuts(4, "n3", false, "0010 0010 1101 0010");
	assert_cuts(3, "n1,n2,n3", false, "000 000 000");
	assert_cuts(3, "*", false, "000 000 000");
	assert_cuts(3, "n2|*", false, "010 101 010");
	assert_cuts(4, "n2|*|n3", false, "0110 1011 1101 0110");
}

static void one_way_the_first_group_is_not_heard(void **state)
{
	(void)state;
	assert_cuts(3, "n1|n2,n3", true, "011 000 000");
	assert_cuts(3, "n1,n2", true, "001 001 000");
	assert_cuts(3, "n1|n2|n3", true, "011 000 000");
	assert_cuts(3, "n2|n3", true, "000 001 000");
}

static void isolated_nodes_hear_nobody_and_are_heard_by_nobody(void **state)
{
	struct fault_order o = rig_of(FAULT_ORDER_ISOLATE, "n1,n3", 0, 0);
	struct fault_net *net = cut_by(4, &o);

	(void)state;
	assert_string_equal(rig_cuts(net, 4), "0111 1010 1101 1010");
	fault_net_free(net);
	o.one_way = true;
	net = cut_by(4, &o);
	assert_string_equal(rig_cuts(net, 4), "0111 0000 1101 0000");
	fault_net_free(net);
	o.nodes = (char *)(uintptr_t)"*";
	o.one_way = false;
	net = cut_by(3, &o);
	assert_string_equal(rig_cuts(net, 3), "011 101 110");
	fault_net_free(net);
}

static void a_client_is_never_cut_off(void **state)
{
	struct fault_order o = rig_of(FAULT_ORDER_ISOLATE, "*", 0, 0);
	struct fault_net *net = cut_by(3, &o);

	(void)state;
	for (int i = -1; i < 3; i++) {
		assert_false(fault_net_cut(net, i, -1));
		assert_false(fault_net_cut(net, -1, i));
	}
	fault_net_free(net);
}

static void partitions_add_up_and_each_ends_by_itself(void **state)
{
	struct fault_options options = rig_options(3);
	struct fault_net *net = rig_new(&options);
	struct fault_order one = rig_groups("n1"), two = rig_groups("n2|n3"), three = rig_of(FAULT_ORDER_ISOLATE, "n2", 0, 5);

	(void)state;
	one.for_ns = 10;
	two.for_ns = 20;
	assert_true(fault_net_quiet(net));
	rig_order(net, 0, &one);
	rig_order(net, 0, &two);
	rig_order(net, 0, &three);
	assert_string_equal(rig_cuts(net, 3), "011 101 110");
	rig_advance(net, 5);
	assert_string_equal(rig_cuts(net, 3), "011 101 110");
	rig_advance(net, 10);
	assert_string_equal(rig_cuts(net, 3), "000 001 010");
	assert_false(fault_net_quiet(net));
	rig_advance(net, 20);
	assert_string_equal(rig_cuts(net, 3), "000 000 000");
	assert_true(fault_net_quiet(net));
	fault_net_free(net);
}

/* --- Shapes --- */

enum { MANY = 9, SEEDS = 200 };

/* Who a node hears, itself too, as bits. */
static unsigned hears(const struct fault_net *net, int nodes, int to)
{
	unsigned bits = 0;

	for (int from = 0; from < nodes; from++)
		bits |= (unsigned)!fault_net_cut(net, from, to) << from;
	return bits;
}

static struct fault_net *drawn(int nodes, enum fault_shape shape, bool one_way, uint64_t seed)
{
	struct fault_order o = { .kind = FAULT_ORDER_PARTITION, .shape = shape, .one_way = one_way };
	struct fault_options options = rig_options((size_t)nodes);
	struct fault_net *net;

	options.seed = seed;
	net = rig_new(&options);
	rig_order(net, 0, &o);
	return net;
}

/* The two sides of a clean cut: sizes, the smaller one first; 0 where it is none. */
static int smaller_side(const struct fault_net *net, int nodes)
{
	unsigned side = hears(net, nodes, 0), all = (1u << nodes) - 1;
	int count = __builtin_popcount(side);

	for (int i = 0; i < nodes; i++)
		assert_int_equal(hears(net, nodes, i), side >> i & 1 ? side : all & ~side);
	return count < nodes - count ? count : nodes - count;
}

static void shapes_of_two_sides_have_their_sizes(void **state)
{
	(void)state;
	for (int nodes = 2; nodes <= MANY; nodes++) {
		unsigned sizes = 0, firsts = 0, half = 0;

		for (uint64_t seed = 0; seed < SEEDS; seed++) {
			struct fault_net *net = drawn(nodes, FAULT_HALVES, false, seed);
			struct fault_out out;
			unsigned first = 0;

			fault_net_in_force(net, 0, &out);
			for (const char *at = out.orders[0].nodes; *at != '|'; at++)
				first += *at == 'n';
			half |= 1u << first;
			assert_int_equal(smaller_side(net, nodes), nodes / 2);
			firsts |= hears(net, nodes, 0);
			fault_net_free(net);
			net = drawn(nodes, FAULT_ONE, false, seed);
			assert_int_equal(smaller_side(net, nodes), 1);
			fault_net_free(net);
			net = drawn(nodes, FAULT_MINORITY_THIRD, false, seed);
			assert_int_equal(smaller_side(net, nodes), nodes > 3 ? (nodes - 1) / 3 : 1);
			fault_net_free(net);
			net = drawn(nodes, FAULT_MAJORITY, false, seed);
			assert_true(smaller_side(net, nodes) >= 1);
			sizes |= 1u << smaller_side(net, nodes);
			fault_net_free(net);
		}
		/* Of an odd number the larger half comes first at some time. */
		assert_int_equal(half, 1u << nodes / 2 | 1u << (nodes + 1) / 2);
		/* Every size of a majority comes about, and node 1 is with everybody at some time. */
		assert_int_equal(sizes, nodes == 2 ? 2 : ((1u << ((nodes - 1) / 2 + 1)) - 1) & ~1u);
		assert_int_equal(firsts, nodes == 2 ? 1 : (1u << nodes) - 1);
	}
}

static void in_a_ring_every_node_hears_a_majority_and_no_two_the_same(void **state)
{
	(void)state;
	for (int one_way = 0; one_way < 2; one_way++) {
		for (int nodes = 2; nodes <= MANY; nodes++) {
			for (uint64_t seed = 0; seed < SEEDS; seed++) {
				struct fault_net *net = drawn(nodes, FAULT_RING, one_way, seed);
				bool cuts = nodes > 3 || (one_way && nodes == 3);

				assert_int_equal(fault_net_quiet(net), !cuts);
				for (int i = 0; i < nodes; i++) {
					unsigned heard = hears(net, nodes, i);

					assert_true(heard >> i & 1);
					assert_true(2 * __builtin_popcount(heard) > nodes);
					assert_true(!one_way || __builtin_popcount(heard) == nodes / 2 + 1);
					for (int k = 0; k < i; k++) {
						assert_int_equal(hears(net, nodes, k) != heard, cuts);
						assert_true(one_way || fault_net_cut(net, i, k) == fault_net_cut(net, k, i));
					}
				}
				fault_net_free(net);
			}
		}
	}
}

static void over_a_bridge_one_node_sees_both_halves(void **state)
{
	(void)state;
	for (int nodes = 3; nodes <= MANY; nodes++) {
		unsigned bridges = 0;

		for (uint64_t seed = 0; seed < SEEDS; seed++) {
			struct fault_net *net = drawn(nodes, FAULT_BRIDGE, false, seed);
			unsigned all = (1u << nodes) - 1, bridge = 0;

			for (int i = 0; i < nodes; i++)
				if (hears(net, nodes, i) == all)
					bridge |= 1u << i;
			assert_int_equal(__builtin_popcount(bridge), 1);
			bridges |= bridge;
			for (int i = 0; i < nodes; i++) {
				int heard = __builtin_popcount(hears(net, nodes, i) & ~bridge);

				if (!(bridge >> i & 1))
					assert_true(heard == (nodes - 1) / 2 || heard == nodes / 2);
				for (int k = 0; k < nodes; k++)
					assert_int_equal(fault_net_cut(net, i, k), fault_net_cut(net, k, i));
			}
			fault_net_free(net);
		}
		assert_int_equal(bridges, (1u << nodes) - 1);
	}
}

/* What one way keeps is half of what the shape keeps, and what is told is the whole of it. */
static void what_is_told_of_a_shape_is_that_shape(void **state)
{
	(void)state;
	for (int round = 0; round < 2 * FAULT_SHAPES * MANY * 10; round++) {
		bool one_way = round & 1;
		enum fault_shape shape = (enum fault_shape)(round / 2 % FAULT_SHAPES);
		int nodes = 3 + round % 7;
		struct fault_order o = { .kind = FAULT_ORDER_PARTITION, .shape = shape, .one_way = one_way };
		struct fault_options options = rig_options((size_t)nodes);
		struct fault_net *net, *again, *both;
		struct fault_out out;

		if (shape == FAULT_GROUPS)
			continue;
		options.seed = (uint64_t)round;
		net = rig_new(&options);
		again = rig_new(&options);
		both = rig_new(&options);
		out = rig_order(net, 0, &o);
		assert_int_equal(out.count, 1);
		assert_int_equal(out.orders[0].shape, shape);
		rig_order(again, 0, &out.orders[0]);
		o.one_way = false;
		rig_order(both, 0, &o);
		for (int i = 0; i < nodes; i++) {
			for (int k = 0; k < nodes; k++) {
				assert_int_equal(fault_net_cut(net, i, k), fault_net_cut(again, i, k));
				assert_false(fault_net_cut(net, i, k) && !fault_net_cut(both, i, k) && shape != FAULT_RING);
				assert_false(one_way && fault_net_cut(net, i, k) && fault_net_cut(net, k, i) && shape != FAULT_RING);
			}
		}
		fault_net_free(net);
		fault_net_free(again);
		fault_net_free(both);
	}
}

static void shapes_are_known_for_ever(void **state)
{
	static const char *const told[FAULT_SHAPES] = {
		"", "n7,n6,n2|n3,n4,n1,n5", "n1,n5,n6,n4|n7,n2,n3", "n6,n5|n4,n1,n3,n2,n7",
		"n7|n1,n2,n4,n6,n3,n5", "n2,n1,n4,n3,n6,n5,n7", "n5,n6,n7|n4|n2,n3,n1",
	};
	struct fault_options options = rig_options(7);
	struct fault_net *net = rig_new(&options);

	(void)state;
	for (enum fault_shape shape = FAULT_HALVES; shape < FAULT_SHAPES; shape++) {
		struct fault_order o = { .kind = FAULT_ORDER_PARTITION, .shape = shape };

		assert_string_equal(rig_order(net, 0, &o).orders[0].nodes, told[shape]);
	}
	fault_net_free(net);
}

static void partitions_of_2048_nodes_are_right_too(void **state)
{
	enum { NODES = FAULT_NODES_MAX };
	struct fault_options options = rig_options(NODES);
	struct fault_net *net = rig_new(&options);
	struct fault_order halves = { .kind = FAULT_ORDER_PARTITION, .shape = FAULT_HALVES, .for_ns = 10 };
	struct fault_order ring = { .kind = FAULT_ORDER_PARTITION, .shape = FAULT_RING, .for_ns = 20 };
	size_t cut = 0;

	(void)state;
	rig_order(net, 0, &halves);
	for (int i = 0; i < NODES; i++)
		for (int k = 0; k < NODES; k++)
			cut += fault_net_cut(net, i, k);
	assert_int_equal(cut, NODES * NODES / 2);
	rig_order(net, 0, &ring);
	rig_advance(net, 10);
	for (int i = 0; i < NODES; i++) {
		int heard = 0;

		for (int k = 0; k < NODES; k++)
			heard += !fault_net_cut(net, k, i);
		assert_int_equal(heard, NODES / 2 + 1);
	}
	rig_advance(net, 20);
	assert_true(fault_net_quiet(net));
	fault_net_free(net);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(groups_are_cut_off_from_each_other),
		cmocka_unit_test(one_way_the_first_group_is_not_heard),
		cmocka_unit_test(isolated_nodes_hear_nobody_and_are_heard_by_nobody),
		cmocka_unit_test(a_client_is_never_cut_off),
		cmocka_unit_test(partitions_add_up_and_each_ends_by_itself),
		cmocka_unit_test(shapes_of_two_sides_have_their_sizes),
		cmocka_unit_test(in_a_ring_every_node_hears_a_majority_and_no_two_the_same),
		cmocka_unit_test(over_a_bridge_one_node_sees_both_halves),
		cmocka_unit_test(what_is_told_of_a_shape_is_that_shape),
		cmocka_unit_test(shapes_are_known_for_ever),
		cmocka_unit_test(partitions_of_2048_nodes_are_right_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
