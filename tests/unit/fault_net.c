/* lib/fault's faults of the whole: orders checked, carried out, ended; what is told, what is in force, and when. */
#include "tests/unit/fault_rig.h"

/* --- What is wrong with an order --- */

static void assert_refused(const struct fault_order *o, const char *clause)
{
	static const char *const clients[] = { "c1", "gateway" };
	struct fault_options options = rig_options(4);
	struct fault_order two[] = { rig_groups("n1"), *o };
	struct fault_net *net;
	struct fault_out out;
	const char *why;
	size_t bad;

	options.local_count = 3;
	options.clients_known = clients;
	options.clients_known_count = 2;
	options.skew = o->offset_ns != 1;
	net = rig_new(&options);
	why = fault_net_order(net, 0, o, &out);
	assert_int_equal(out.count, 0);
	if (clause)
		assert_string_equal(why ? why : "NULL", clause);
	else
		assert_null(why);
	fault_net_free(net);
	options.orders = two;
	options.order_count = 2;
	net = fault_net_new(&options, &bad, &why);
	assert_null(net);
	assert_int_equal(bad, 1);
	assert_string_equal(why, clause);
}

static void an_order_that_names_no_node_is_refused_with_the_name(void **state)
{
	static const struct { enum fault_kind kind; const char *nodes, *clause; } bad[] = {
		{ FAULT_ORDER_PARTITION, "n1|n9", "there is no node 'n9'" },
		{ FAULT_ORDER_PARTITION, "n1,,n2", "a node's name is missing" },
		{ FAULT_ORDER_PARTITION, "n1|", "a node's name is missing" },
		{ FAULT_ORDER_PARTITION, "|n1", "a node's name is missing" },
		{ FAULT_ORDER_PARTITION, "n1,n2|n1", "the node 'n1' is named twice" },
		{ FAULT_ORDER_PARTITION, "", "it names no node" },
		{ FAULT_ORDER_PARTITION, NULL, "it names no node" },
		{ FAULT_ORDER_PARTITION, "n1,?4", "it draws more nodes than there are" },
		{ FAULT_ORDER_PARTITION, "?99999999999999999999999", "it draws more nodes than there are" },
		{ FAULT_ORDER_PARTITION, "?0", "there is no node '?0'" },
		{ FAULT_ORDER_PARTITION, "?x", "there is no node '?x'" },
		{ FAULT_ORDER_PARTITION, "*|*", "'*' stands twice" },
		{ FAULT_ORDER_PARTITION, "n1,n2,n3,n4|*", "no node is left for '*'" },
		{ FAULT_ORDER_PARTITION, "n1|?3|*", "no node is left for '*'" },
		{ FAULT_ORDER_ISOLATE, "n1|n2", "groups, parted by '|', are for partitions alone" },
		{ FAULT_ORDER_CRASH, "n4", "the node 'n4' runs elsewhere" },
		{ FAULT_ORDER_PAUSE, "n1,n4", "the node 'n4' runs elsewhere" },
		{ FAULT_ORDER_CRASH, "?4", "it draws more nodes than there are" },
		{ FAULT_ORDER_RESTART, "", "it names no node" },
		{ FAULT_ORDER_RESUME, "n5", "there is no node 'n5'" },
		{ FAULT_ORDER_SKEW, "N1", "there is no node 'N1'" },
		{ FAULT_ORDER_LINK, "n1", "'n1' is no link, as n1>n2 or n1<>n2" },
		{ FAULT_ORDER_LINK, "", "'' is no link, as n1>n2 or n1<>n2" },
		{ FAULT_ORDER_LINK, NULL, "'' is no link, as n1>n2 or n1<>n2" },
		{ FAULT_ORDER_LINK, ">n1", "'>n1' is no link, as n1>n2 or n1<>n2" },
		{ FAULT_ORDER_LINK, "<>n1", "'<>n1' is no link, as n1>n2 or n1<>n2" },
		{ FAULT_ORDER_LINK, "n1>", "'n1>' is no link, as n1>n2 or n1<>n2" },
		{ FAULT_ORDER_LINK, "n1>n2>n3", "'n1>n2>n3' is no link, as n1>n2 or n1<>n2" },
		{ FAULT_ORDER_LINK, "n1<n2", "'n1<n2' is no link, as n1>n2 or n1<>n2" },
		{ FAULT_ORDER_LINK, "n1>n9", "there is no node 'n9'" },
		{ FAULT_ORDER_LINK, "c2>n1", "there is no node 'c2'" },
		{ FAULT_ORDER_LINK, "m*<>n1", "no node matches 'm*'" },
		{ FAULT_ORDERS, "n1", "there is no such fault" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct fault_order o = rig_of(bad[i].kind, bad[i].nodes, 0, 0);

		assert_refused(&o, bad[i].clause);
	}
}

static void an_order_that_cannot_be_is_refused(void **state)
{
	struct fault_order o = rig_of(FAULT_ORDER_SKEW, "n1", 0, 0);
	char name[400];

	(void)state;
	o.offset_ns = 1;        /* see assert_refused */
	assert_refused(&o, "clocks can be skewed in virtual time alone");
	o.offset_ns = 2;
	o.drift = 0;
	assert_refused(&o, "a clock's drift is above 0");
	o.drift = NAN;
	assert_refused(&o, "a clock's drift is above 0");
	o = rig_groups("n1|n2");
	o.shape = FAULT_BRIDGE;
	assert_refused(&o, "a bridge has three groups, the one in the middle sees both others");
	o.shape = FAULT_RING;
	assert_refused(&o, "a ring is one group");
	o.shape = FAULT_SHAPES;
	assert_refused(&o, "there is no such shape");
	/* However long a name is, the clause is whole. */
	memset(name, 'x', sizeof name - 1);
	name[sizeof name - 1] = '\0';
	o = rig_of(FAULT_ORDER_CRASH, name, 0, 0);
	memcpy(name + 300, "", 1);
	{
		char clause[FAULT_WHY_BYTES];

		snprintf(clause, sizeof clause, "there is no node '%.*s'", FAULT_WHY_BYTES / 2, name);
		assert_refused(&o, clause);
	}
}

static void a_partition_needs_the_nodes_it_parts(void **state)
{
	struct fault_order halves = { .kind = FAULT_ORDER_PARTITION, .shape = FAULT_HALVES };
	struct fault_order bridge = { .kind = FAULT_ORDER_PARTITION, .shape = FAULT_BRIDGE };
	struct fault_options one = rig_options(1), two = rig_options(2);
	struct fault_net *a = rig_new(&one), *b = rig_new(&two);
	struct fault_out out;

	(void)state;
	assert_string_equal(fault_net_order(a, 0, &halves, &out), "a partition needs two nodes");
	assert_string_equal(fault_net_order(b, 0, &bridge, &out), "a bridge needs three nodes");
	assert_null(fault_net_order(b, 0, &halves, &out));
	fault_net_free(a);
	fault_net_free(b);
}

static void too_many_orders_are_refused(void **state)
{
	struct fault_order *many = calloc(FAULT_ORDERS_MAX + 1, sizeof *many), o = rig_groups("n1");
	struct fault_options options = rig_options(2);
	struct fault_net *net;
	struct fault_out out;
	const char *why;
	size_t bad;

	(void)state;
	for (size_t i = 0; i <= FAULT_ORDERS_MAX; i++)
		many[i] = rig_link("n1>n2", 0.5);
	options.orders = many;
	options.order_count = FAULT_ORDERS_MAX + 1;
	assert_null(fault_net_new(&options, &bad, &why));
	assert_int_equal(bad, FAULT_ORDERS_MAX);
	assert_string_equal(why, "more faults are planned than 65536");
	options.order_count = FAULT_ORDERS_MAX;
	net = rig_new(&options);
	assert_int_equal(rig_advance(net, 0).count, FAULT_ORDERS_MAX);
	assert_string_equal(fault_net_order(net, 1, &o, &out), "there are too many faults in force");
	o = rig_of(FAULT_ORDER_HEAL, NULL, 0, 0);
	o.id = 77;
	rig_order(net, 1, &o);
	o = rig_groups("n1");
	rig_order(net, 1, &o);
	fault_net_free(net);
	free(many);
}

/* --- Carrying out --- */

static void what_is_asked_for_is_done_and_told_with_all_that_was_drawn(void **state)
{
	struct fault_options options = rig_options(5);
	struct fault_net *net = rig_new(&options);
	struct fault_order o = rig_groups("n1|?2"), all = rig_of(FAULT_ORDER_PAUSE, "*", 99, SECOND);
	struct fault_out out = rig_order(net, SECOND, &o);
	unsigned drawn[5] = { 0 };

	(void)state;
	assert_int_equal(out.count, 1);
	assert_int_equal(strlen(out.orders[0].nodes), 8);
	assert_int_equal(out.orders[0].id, 1);
	assert_int_equal(out.orders[0].at_ns, SECOND);
	assert_false(out.orders[0].ends);
	out = rig_order(net, 2 * SECOND, &all);
	assert_told(out, "2.000 pause n1,n2,n3,n4,n5 #2 for 1.000");
	/* Each is drawn alike, and no one twice. */
	for (int i = 0; i < 1000; i++) {
		o = rig_of(FAULT_ORDER_CRASH, "?2,n3", 0, 0);
		out = rig_order(net, 2 * SECOND, &o);
		assert_int_equal(out.count, 1);
		assert_true(out.orders[0].nodes[1] != out.orders[0].nodes[4]);
		drawn[out.orders[0].nodes[1] - '1']++;
		drawn[out.orders[0].nodes[4] - '1']++;
		assert_string_equal(out.orders[0].nodes + 5, ",n3");
	}
	for (int i = 0; i < 5; i++)
		assert_true(i == 2 ? !drawn[i] : drawn[i] > 440 && drawn[i] < 560);
	fault_net_free(net);
}

static void processes_are_drawn_of_the_local_ones(void **state)
{
	struct fault_options options = rig_options(6);
	struct fault_order o = rig_of(FAULT_ORDER_CRASH, "*", 0, 0);
	struct fault_net *net;
	struct fault_out out;

	(void)state;
	options.local_count = 2;
	net = rig_new(&options);
	out = rig_order(net, 0, &o);
	assert_told(out, "0.000 crash n1,n2 #1");
	for (int i = 0; i < 50; i++) {
		o = rig_of(FAULT_ORDER_PAUSE, "?", 0, 0);
		out = rig_order(net, 0, &o);
		assert_true(out.orders[0].nodes[1] < '3');
	}
	fault_net_free(net);
}

static void a_plan_is_carried_out_in_time_and_each_fault_ends(void **state)
{
	struct fault_order plan[] = {
		rig_of(FAULT_ORDER_PAUSE, "n2", 3 * SECOND, SECOND), rig_of(FAULT_ORDER_CRASH, "n1", SECOND, 2 * SECOND),
		rig_of(FAULT_ORDER_SKEW, "n3", 3 * SECOND, SECOND), rig_groups("n1|n2"), rig_link("n1>n2", 0.5),
	};
	struct fault_options options = rig_options(3);
	struct fault_net *net;
	struct fault_out out;

	(void)state;
	plan[3].at_ns = 4 * SECOND;
	plan[4].at_ns = SECOND;
	plan[4].for_ns = SECOND;
	options.orders = plan;
	options.order_count = 5;
	net = rig_new(&options);
	assert_int_equal(fault_net_deadline(net), SECOND);
	assert_int_equal(rig_advance(net, SECOND - 1).count, 0);
	out = rig_advance(net, SECOND);
	assert_told(out, "1.000 crash n1 #1 for 2.000; 1.000 link n1>n2 #2 for 1.000");
	assert_int_equal(fault_net_deadline(net), 2 * SECOND);
	out = rig_advance(net, 2 * SECOND);
	assert_told(out, "2.000 heal #2 end");
	/* At one time ends come first, and then what is planned in its order. */
	out = rig_advance(net, 3 * SECOND);
	assert_told(out, "3.000 restart n1 #1 end; 3.000 pause n2 #3 for 1.000; 3.000 skew n3 #4 for 1.000");
	out = rig_advance(net, 4 * SECOND);
	assert_told(out, "4.000 resume n2 #3 end; 4.000 skew n3 #4 end; 4.000 partition n1|n2 #5");
	assert_true(out.orders[1].drift == 1 && out.orders[1].offset_ns == 0);
	assert_int_equal(fault_net_deadline(net), FAULT_NEVER);
	assert_int_equal(rig_advance(net, FAULT_NEVER).count, 0);
	fault_net_free(net);
}

static void who_comes_late_is_told_of_all_in_order(void **state)
{
	struct fault_order plan[] = { rig_of(FAULT_ORDER_CRASH, "n1", 2 * SECOND, SECOND), rig_groups("n1") }, o = rig_groups("n2|n3");
	struct fault_options options = rig_options(3);
	struct fault_net *net;
	struct fault_out out;

	(void)state;
	plan[1].at_ns = SECOND;
	plan[1].for_ns = SECOND;
	options.orders = plan;
	options.order_count = 2;
	net = rig_new(&options);
	out = rig_order(net, 9 * SECOND, &o);
	assert_told(out, "1.000 partition n1 #1 for 1.000; 2.000 heal #1 end; 2.000 crash n1 #2 for 1.000; 3.000 restart n1 #2 end; "
		    "9.000 partition n2|n3 #3");
	/* The time does not go back. */
	o.for_ns = SECOND;
	out = rig_order(net, SECOND, &o);
	assert_told(out, "9.000 partition n2|n3 #4 for 1.000");
	fault_net_free(net);
}

static void what_was_due_before_a_refused_order_is_told_next(void **state)
{
	struct fault_order plan = rig_of(FAULT_ORDER_CRASH, "n1", SECOND, SECOND), heal = rig_of(FAULT_ORDER_HEAL, NULL, 0, 0);
	struct fault_options options = rig_options(3);
	struct fault_net *net;
	struct fault_out out;

	(void)state;
	heal.id = 5;
	options.orders = &plan;
	options.order_count = 1;
	net = rig_new(&options);
	assert_string_equal(fault_net_order(net, 3 * SECOND, &heal, &out), "no fault in force has that id");
	assert_int_equal(out.count, 0);
	assert_int_equal(fault_net_deadline(net), 3 * SECOND);
	out = rig_advance(net, 3 * SECOND);
	assert_told(out, "1.000 crash n1 #1 for 1.000; 2.000 restart n1 #1 end");
	assert_int_equal(rig_advance(net, 3 * SECOND).count, 0);
	fault_net_free(net);
}

static void heal_after_ends_what_does_not_say_when(void **state)
{
	struct fault_order plan[] = {
		rig_groups("n1"), rig_of(FAULT_ORDER_ISOLATE, "n2", 0, SECOND), rig_of(FAULT_ORDER_CRASH, "n1", 0, 0),
		rig_of(FAULT_ORDER_PAUSE, "n2", 0, 0), rig_of(FAULT_ORDER_SKEW, "n3", 0, 0), rig_link("n1>n2", 1), rig_link("n2>n1", 1),
	};
	struct fault_options options = rig_options(3);
	struct fault_net *net;
	struct fault_out out;

	(void)state;
	plan[6].permanent = true;
	options.orders = plan;
	options.order_count = 7;
	options.heal_after_ns = 2 * SECOND;
	net = rig_new(&options);
	out = rig_advance(net, 0);
	assert_told(out, "0.000 partition n1 #1 for 2.000; 0.000 isolate n2 #2 for 1.000; 0.000 crash n1 #3 for 2.000; "
		    "0.000 pause n2 #4 for 2.000; 0.000 skew n3 #5 for 2.000; 0.000 link n1>n2 #6 for 2.000");
	assert_int_equal(rig_advance(net, SECOND).count, 1);
	out = rig_advance(net, 2 * SECOND);
	assert_told(out, "2.000 heal #1 end; 2.000 restart n1 #3 end; 2.000 resume n2 #4 end; 2.000 skew n3 #5 end; 2.000 heal #6 end");
	assert_false(fault_net_quiet(net));
	fault_net_free(net);
}

static void an_id_of_its_own_is_kept_where_it_is_free(void **state)
{
	struct fault_options options = rig_options(3);
	struct fault_net *net = rig_new(&options);
	struct fault_order o = rig_groups("n1");

	(void)state;
	o.id = 7;
	assert_int_equal(rig_order(net, 0, &o).orders[0].id, 7);
	assert_int_equal(rig_order(net, 0, &o).orders[0].id, 8);
	o.id = 3;
	assert_int_equal(rig_order(net, 0, &o).orders[0].id, 3);
	o.id = 0;
	assert_int_equal(rig_order(net, 0, &o).orders[0].id, 9);
	o.id = UINT64_MAX;
	assert_int_equal(rig_order(net, 0, &o).orders[0].id, 10);
	fault_net_free(net);
}

/* --- Ending --- */

static void heal_ends_networks_or_the_one_it_names(void **state)
{
	struct fault_options options = rig_options(3);
	struct fault_net *net = rig_new(&options);
	struct fault_order part = rig_groups("n1"), link = rig_link("n1>n2", 1), heal = rig_of(FAULT_ORDER_HEAL, NULL, 0, 0);
	struct fault_order crash = rig_of(FAULT_ORDER_CRASH, "n1,n2", 0, 5 * SECOND);
	struct fault_out out;

	(void)state;
	part.for_ns = SECOND;
	rig_order(net, 0, &part);
	rig_order(net, 0, &link);
	rig_order(net, 0, &crash);
	heal.id = 1;
	out = rig_order(net, 0, &heal);
	assert_told(out, "0.000 heal #1");
	assert_string_equal(rig_cuts(net, 3), "000 000 000");
	assert_int_equal(rig_advance(net, SECOND).count, 0);    /* its own end is gone with it */
	rig_order(net, SECOND, &part);
	heal.id = 0;
	out = rig_order(net, SECOND, &heal);
	assert_told(out, "1.000 heal");
	assert_true(fault_net_quiet(net));
	fault_net_in_force(net, SECOND, &out);
	assert_told(out, "0.000 crash n1,n2 #3 for 4.000");
	heal.id = 3;
	out = rig_order(net, 2 * SECOND, &heal);
	assert_told(out, "2.000 heal #3; 2.000 restart n1,n2 #3 end");
	assert_int_equal(fault_net_deadline(net), FAULT_NEVER);
	/* There is nothing to heal: it is told of all the same. */
	heal.id = 0;
	out = rig_order(net, 2 * SECOND, &heal);
	assert_told(out, "2.000 heal");
	fault_net_free(net);
}

static void the_newest_fault_of_a_process_ends_it(void **state)
{
	struct fault_options options = rig_options(3);
	struct fault_net *net = rig_new(&options);
	struct fault_order o = rig_of(FAULT_ORDER_CRASH, "n1,n2", 0, 5 * SECOND);
	struct fault_out out;

	(void)state;
	rig_order(net, 0, &o);
	o = rig_of(FAULT_ORDER_CRASH, "n2,n3", 0, 2 * SECOND);
	out = rig_order(net, SECOND, &o);
	assert_told(out, "1.000 crash n2,n3 #2 for 2.000");
	fault_net_in_force(net, SECOND, &out);
	assert_told(out, "0.000 crash n1 #1 for 4.000; 1.000 crash n2,n3 #2 for 2.000");
	o = rig_of(FAULT_ORDER_RESTART, "n3", 0, 0);
	out = rig_order(net, SECOND, &o);
	assert_told(out, "1.000 restart n3");
	out = rig_advance(net, 3 * SECOND);
	assert_told(out, "3.000 restart n2 #2 end");
	o = rig_of(FAULT_ORDER_CRASH, "n1", 0, 0);
	rig_order(net, 3 * SECOND, &o);
	assert_int_equal(rig_advance(net, 9 * SECOND).count, 0);
	o = rig_of(FAULT_ORDER_RESTART, "n1,n2", 0, 0);
	rig_order(net, 9 * SECOND, &o);
	fault_net_in_force(net, 9 * SECOND, &out);
	assert_int_equal(out.count, 0);
	fault_net_free(net);
}

static void a_node_that_is_down_is_not_paused(void **state)
{
	struct fault_options options = rig_options(3);
	struct fault_net *net = rig_new(&options);
	struct fault_order pause = rig_of(FAULT_ORDER_PAUSE, "n1,n2", 0, 5 * SECOND), crash = rig_of(FAULT_ORDER_CRASH, "n1", 0, SECOND);
	struct fault_out out;

	(void)state;
	rig_order(net, 0, &pause);
	rig_order(net, 0, &crash);
	fault_net_in_force(net, 0, &out);
	assert_told(out, "0.000 pause n2 #1 for 5.000; 0.000 crash n1 #2 for 1.000");
	/* Asked for, it is told; but it has no end. */
	pause = rig_of(FAULT_ORDER_PAUSE, "n1", 0, SECOND);
	out = rig_order(net, 0, &pause);
	assert_told(out, "0.000 pause n1 #3 for 1.000");
	out = rig_advance(net, 5 * SECOND);
	assert_told(out, "1.000 restart n1 #2 end; 5.000 resume n2 #1 end");
	fault_net_free(net);
}

static void a_clock_set_right_is_no_fault(void **state)
{
	struct fault_options options = rig_options(3);
	struct fault_net *net;
	struct fault_order o = rig_of(FAULT_ORDER_SKEW, "n1,n2", 0, 0);
	struct fault_out out;

	(void)state;
	options.heal_after_ns = 5 * SECOND;
	net = rig_new(&options);
	rig_order(net, 0, &o);
	o.drift = 1;
	o.nodes = (char *)(uintptr_t)"n2,n3";
	out = rig_order(net, SECOND, &o);
	assert_told(out, "1.000 skew n2,n3");
	fault_net_in_force(net, SECOND, &out);
	assert_told(out, "0.000 skew n1 #1 for 4.000");
	o.offset_ns = -1;
	rig_order(net, SECOND, &o);
	fault_net_in_force(net, SECOND, &out);
	assert_int_equal(out.count, 2);
	/* Who looks before all that is due was carried out sees no fault that is over. */
	fault_net_in_force(net, 5 * SECOND, &out);
	assert_told(out, "1.000 skew n2,n3 #2 for 1.000");
	fault_net_free(net);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_order_that_names_no_node_is_refused_with_the_name),
		cmocka_unit_test(an_order_that_cannot_be_is_refused),
		cmocka_unit_test(a_partition_needs_the_nodes_it_parts),
		cmocka_unit_test(too_many_orders_are_refused),
		cmocka_unit_test(what_is_asked_for_is_done_and_told_with_all_that_was_drawn),
		cmocka_unit_test(processes_are_drawn_of_the_local_ones),
		cmocka_unit_test(a_plan_is_carried_out_in_time_and_each_fault_ends),
		cmocka_unit_test(who_comes_late_is_told_of_all_in_order),
		cmocka_unit_test(what_was_due_before_a_refused_order_is_told_next),
		cmocka_unit_test(heal_after_ends_what_does_not_say_when),
		cmocka_unit_test(an_id_of_its_own_is_kept_where_it_is_free),
		cmocka_unit_test(heal_ends_networks_or_the_one_it_names),
		cmocka_unit_test(the_newest_fault_of_a_process_ends_it),
		cmocka_unit_test(a_node_that_is_down_is_not_paused),
		cmocka_unit_test(a_clock_set_right_is_no_fault),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
