/* lib/fault's links: which settings a link has now, whether anything happens at all; and the calm, which ends everything. */
#include "lib/fault/inside.h"
#include "tests/unit/fault_rig.h"

static void stars_stand_for_any_bytes(void **state)
{
	static const struct { const char *glob, *name; bool matches; } row[] = {
		{ "*", "", true }, { "*", "n1", true }, { "n*", "n1", true }, { "n*", "n", true }, { "n*", "m1", false }, { "*1", "n11", true },
		{ "*1", "n12", false }, { "a*b*c", "abc", true }, { "a*b*c", "aXbYbZc", true }, { "a*b*c", "aXbYb", false }, { "**", "x", true },
		{ "*ab", "aab", true }, { "*aab", "aaab", true }, { "n1", "n1", true }, { "n1", "n11", false }, { "", "", true }, { "", "x", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof row / sizeof *row; i++)
		assert_int_equal(fault_glob(row[i].glob, strlen(row[i].glob), row[i].name, strlen(row[i].name)), row[i].matches);
}

static double loss_of(const struct fault_net *net, const char *from, const char *to)
{
	struct fault_settings s;

	fault_net_settings(net, from, strlen(from), fault_net_node(net, from, strlen(from)), to, strlen(to),
			   fault_net_node(net, to, strlen(to)), &s);
	assert_true(s.set & FAULT_SET_LOSS || s.loss.p == 0);
	return s.loss.p;
}

/* The links among n1, n2, n10, the clients c1 and `client`, that are lossy: "n1>n2 ..." */
static void assert_lossy(const char *links, const char *lossy)
{
	static const char *const nodes[] = { "n1", "n2", "n10" }, *const all[] = { "n1", "n2", "n10", "c1", "client" };
	static const char *const clients[] = { "c1" };
	struct fault_options options = {
		.nodes = nodes, .node_count = 3, .calm_ns = FAULT_NEVER, .clients_known = clients, .clients_known_count = 1,
	};
	struct fault_net *net = rig_new(&options);
	struct fault_order o = rig_link(links, 1);
	char text[600] = "";
	size_t at = 0;

	rig_order(net, 0, &o);
	for (int from = 0; from < 5; from++)
		for (int to = 0; to < 5; to++)
			if (from != to && loss_of(net, all[from], all[to]) > 0)
				at += (size_t)snprintf(text + at, sizeof text - at, "%s%s>%s", at ? " " : "", all[from], all[to]);
	assert_string_equal(text, lossy);
	fault_net_free(net);
}

static void a_pattern_is_about_the_links_that_it_names(void **state)
{
	(void)state;
	assert_lossy("n1>n2", "n1>n2");
	assert_lossy("n1<>n2", "n1>n2 n2>n1");
	assert_lossy("n1>*", "n1>n2 n1>n10");
	assert_lossy("*>n1", "n2>n1 n10>n1");
	assert_lossy("n1*>n2", "n1>n2 n10>n2");
	assert_lossy("n1<>*", "n1>n2 n1>n10 n2>n1 n10>n1");
	assert_lossy("*>*", "n1>n2 n1>n10 n2>n1 n2>n10 n10>n1 n10>n2");
	assert_lossy("client>n1", "c1>n1 client>n1");
	assert_lossy("client<>*", "n1>c1 n1>client n2>c1 n2>client n10>c1 n10>client c1>n1 c1>n2 c1>n10 client>n1 client>n2 client>n10");
	assert_lossy("c1>n1", "c1>n1");
	assert_lossy("n1<>c1", "n1>c1 c1>n1");
	assert_lossy("client>client", "c1>client client>c1");
}

static void settings_of_all_links_are_those_between_nodes(void **state)
{
	struct fault_options options = rig_options(3);
	struct fault_net *net;

	(void)state;
	options.settings = rig_link("", 0.25).settings;
	net = rig_new(&options);
	assert_true(loss_of(net, "n1", "n2") == 0.25 && loss_of(net, "n1", "c") == 0 && loss_of(net, "c", "n1") == 0);
	assert_false(fault_net_quiet(net));
	fault_net_free(net);
	options.clients = true;
	net = rig_new(&options);
	assert_true(loss_of(net, "n1", "n2") == 0.25 && loss_of(net, "n1", "c") == 0.25 && loss_of(net, "c", "n1") == 0.25);
	fault_net_free(net);
}

static void a_later_order_takes_over_what_it_sets(void **state)
{
	struct fault_order plan[] = { rig_link("n1>*", 0.5), rig_link("n1>n2", 0.75) }, o = rig_link("*>n2", 0.9);
	struct fault_options options = rig_options(3);
	struct fault_net *net;
	struct fault_settings s;
	uint64_t version;

	(void)state;
	plan[0].permanent = plan[1].permanent = true;
	plan[1].settings.set |= FAULT_SET_DELAY;
	plan[1].settings.delay.a_ns = 7;
	options.settings = rig_link("", 0.25).settings;
	options.orders = plan;
	options.order_count = 2;
	net = rig_new(&options);
	/* The options' own are in force from the beginning, and told of to nobody. */
	assert_true(loss_of(net, "n2", "n1") == 0.25 && loss_of(net, "n1", "n3") == 0.5 && loss_of(net, "n1", "n2") == 0.75);
	assert_int_equal(fault_net_deadline(net), FAULT_NEVER);
	assert_int_equal(rig_advance(net, 0).count, 0);
	version = fault_net_version(net);
	o.for_ns = SECOND;
	rig_order(net, 0, &o);
	assert_true(fault_net_version(net) > version);
	assert_true(loss_of(net, "n1", "n2") == 0.9 && loss_of(net, "n1", "n3") == 0.5);
	fault_net_settings(net, "n1", 2, 0, "n2", 2, 1, &s);
	assert_int_equal(s.delay.a_ns, 7);
	version = fault_net_version(net);
	rig_advance(net, SECOND);
	assert_true(fault_net_version(net) > version);
	assert_true(loss_of(net, "n1", "n2") == 0.75);
	/* Heal leaves them. */
	o = rig_of(FAULT_ORDER_HEAL, NULL, 0, 0);
	rig_order(net, SECOND, &o);
	assert_true(loss_of(net, "n1", "n2") == 0.75);
	fault_net_free(net);
}

static void a_partition_changes_no_settings(void **state)
{
	struct fault_options options = rig_options(3);
	struct fault_net *net = rig_new(&options);
	struct fault_order o = rig_groups("n1");
	uint64_t version = fault_net_version(net);

	(void)state;
	o.for_ns = 1;
	rig_order(net, 0, &o);
	rig_advance(net, 1);
	assert_int_equal(fault_net_version(net), version);
	fault_net_free(net);
}

static void it_is_quiet_while_nothing_happens_to_any_message(void **state)
{
	struct fault_options options = rig_options(3);
	struct fault_net *net = rig_new(&options);
	struct fault_order nothing = rig_link("n1>n2", 0), something = rig_link("n1>n2", 0.1);
	struct fault_order crash = rig_of(FAULT_ORDER_CRASH, "n1", 0, 0), heal = rig_of(FAULT_ORDER_HEAL, NULL, 0, 0);

	(void)state;
	rig_order(net, 0, &nothing);
	rig_order(net, 0, &crash);
	assert_true(fault_net_quiet(net));
	something.for_ns = SECOND;
	rig_order(net, 0, &something);
	assert_false(fault_net_quiet(net));
	rig_advance(net, SECOND);
	assert_true(fault_net_quiet(net));
	something.for_ns = 0;
	rig_order(net, SECOND, &something);
	assert_false(fault_net_quiet(net));
	rig_order(net, SECOND, &heal);
	assert_true(fault_net_quiet(net));
	fault_net_free(net);
}

/* --- Calm --- */

static void the_calm_ends_everything(void **state)
{
	struct fault_order plan[] = {
		rig_groups("n1"), rig_of(FAULT_ORDER_CRASH, "n1,n3", 0, 0), rig_of(FAULT_ORDER_PAUSE, "n2", 0, 9 * SECOND),
		rig_of(FAULT_ORDER_SKEW, "n1", 0, 0), rig_link("n1>n2", 0.5), rig_of(FAULT_ORDER_CRASH, "n2", 2 * SECOND, 0),
		rig_of(FAULT_ORDER_CRASH, "n2", 3 * SECOND, 0),
	};
	struct fault_options options = rig_options(4);
	struct fault_net *net;
	struct fault_out out;
	uint64_t version;

	(void)state;
	plan[4].permanent = true;
	options.settings = rig_link("", 0.25).settings;
	options.orders = plan;
	options.order_count = 7;
	options.nemesis = FAULT_NEMESIS_ALL;
	options.every_ns = 5 * SECOND;
	options.calm_ns = 2 * SECOND;
	net = rig_new(&options);
	assert_int_equal(rig_advance(net, SECOND).count, 4);
	assert_false(fault_net_quiet(net));
	version = fault_net_version(net);
	/* What was planned for then and later is left out, the nemesis too. */
	out = rig_advance(net, 100 * SECOND);
	assert_told(out, "2.000 calm; 2.000 heal end; 2.000 resume n2 end; 2.000 restart n1,n3 end; 2.000 skew n1 end");
	assert_true(fault_net_quiet(net));
	assert_true(fault_net_version(net) > version);
	assert_true(loss_of(net, "n1", "n2") == 0 && loss_of(net, "n2", "n1") == 0);
	assert_int_equal(fault_net_deadline(net), FAULT_NEVER);
	fault_net_in_force(net, 100 * SECOND, &out);
	assert_int_equal(out.count, 0);
	/* What is asked for after it is done. */
	plan[0].for_ns = SECOND;
	rig_order(net, 100 * SECOND, &plan[0]);
	assert_false(fault_net_quiet(net));
	out = rig_advance(net, 200 * SECOND);
	assert_told(out, "101.000 heal #5 end");
	fault_net_free(net);
}

static void a_calm_that_is_asked_for_ends_the_nemesis_and_leaves_the_plan(void **state)
{
	struct fault_order plan = rig_of(FAULT_ORDER_CRASH, "n2", 900 * SECOND, SECOND), calm = rig_of(FAULT_ORDER_CALM, NULL, 0, 0);
	struct fault_options options = rig_options(4);
	struct fault_net *net;
	struct fault_out out;

	(void)state;
	options.orders = &plan;
	options.order_count = 1;
	options.nemesis = FAULT_NEMESIS_ALL;
	options.every_ns = 5 * SECOND;
	net = rig_new(&options);
	rig_advance(net, 30 * SECOND);
	out = rig_order(net, 30 * SECOND, &calm);
	assert_int_equal(out.orders[0].kind, FAULT_ORDER_CALM);
	assert_false(out.orders[0].ends);
	for (size_t i = 1; i < out.count; i++)
		assert_true(out.orders[i].ends);
	assert_true(fault_net_quiet(net));
	out = rig_advance(net, 2000 * SECOND);
	assert_int_equal(out.count, 2);
	out = rig_order(net, 2000 * SECOND, &calm);
	assert_told(out, "2000.000 calm");
	fault_net_free(net);
}

/* --- Settings --- */

static const struct fault_settings every = {
	.set = FAULT_SET_ALL, .loss = { 0.2, 0.5 }, .burst = { 0.1, 0.3, 0.9, 0.01 }, .duplicate = { 0.3, 0.2 },
	.delay = { FAULT_NORMAL, 20 * MS, 5 * MS, 0, 0.5 }, .reorder = { 0.2, 0.1 }, .reorder_ns = 3 * MS,
	.corrupt = { 0.2, 0.1 }, .truncate = { 0.2, 0.3 },
};

static void settings_take_over_what_is_set(void **state)
{
	struct fault_settings s = { 0 }, over = every;

	(void)state;
	for (unsigned bit = 1; bit <= FAULT_SET_ALL; bit *= 2) {
		struct fault_settings one = every;

		one.rate_bits = 5;
		one.queue_bytes = 7;
		one.set = bit;
		fault_settings_add(&s, &one);
	}
	over.set = FAULT_SET_ALL;
	over.rate_bits = 5;
	over.queue_bytes = 7;
	assert_memory_equal(&s, &over, sizeof s);
	over = (struct fault_settings){ .set = FAULT_SET_LOSS, .duplicate = { 1, 1 } };
	fault_settings_add(&s, &over);
	assert_true(s.loss.p == 0 && s.duplicate.p == every.duplicate.p);
	assert_int_equal(s.set, FAULT_SET_ALL);
}

static void settings_that_do_nothing_are_none(void **state)
{
	struct fault_settings none = { .set = FAULT_SET_ALL };

	(void)state;
	assert_true(fault_settings_none(&none));
	for (unsigned bit = 1; bit <= FAULT_SET_ALL; bit *= 2) {
		struct fault_settings one = every;

		one.rate_bits = 5;
		one.set = bit;
		assert_false(fault_settings_none(&one));
	}
	none.delay = (struct fault_delay){ .distribution = FAULT_UNIFORM, .b_ns = 1 };
	assert_false(fault_settings_none(&none));
	none.delay.distribution = FAULT_EXPONENTIAL;
	assert_true(fault_settings_none(&none));
	none.reorder.p = 1;
	assert_true(fault_settings_none(&none));
	none.burst.good = 0.1;
	assert_false(fault_settings_none(&none));
}

static void every_cause_has_its_word(void **state)
{
	(void)state;
	assert_null(fault_why_text(FAULT_PASSES));
	assert_string_equal(fault_why_text(FAULT_LOSS), "loss");
	assert_string_equal(fault_why_text(FAULT_BURST), "burst");
	assert_string_equal(fault_why_text(FAULT_RATE), "rate");
	assert_string_equal(fault_why_text(FAULT_CUT), "partition");
}

/* --- Orders and names --- */

static void an_order_is_copied_with_its_text(void **state)
{
	struct fault_order from = rig_link("n1>n2", 0.5), to;

	(void)state;
	assert_true(fault_order_copy(&to, &from));
	assert_string_equal(to.nodes, "n1>n2");
	assert_ptr_not_equal(to.nodes, from.nodes);
	assert_true(to.settings.loss.p == 0.5);
	fault_order_release(&to);
	assert_null(to.nodes);
	fault_order_release(&to);
	from.nodes = NULL;
	assert_true(fault_order_copy(&to, &from));
	assert_null(to.nodes);
}

static void every_name_is_found_by_its_length(void **state)
{
	struct fault_options options = rig_options(FAULT_NODES_MAX);
	struct fault_net *net = rig_new(&options);

	(void)state;
	for (int i = 0; i < FAULT_NODES_MAX; i++)
		assert_int_equal(fault_net_node(net, rig_names[i], strlen(rig_names[i])), i);
	assert_int_equal(fault_net_node(net, "n12", 2), 0);
	assert_int_equal(fault_net_node(net, "n0", 2), -1);
	assert_int_equal(fault_net_node(net, "n1\0", 3), -1);
	assert_int_equal(fault_net_node(net, "", 0), -1);
	assert_int_equal(fault_net_node(net, "n2049", 5), -1);
	fault_net_free(net);
	options.node_count = options.local_count = 0;
	net = rig_new(&options);
	assert_int_equal(fault_net_node(net, "n1", 2), -1);
	assert_true(fault_net_quiet(net));
	assert_int_equal(rig_advance(net, SECOND).count, 0);
	fault_net_free(net);
}

static void a_names_beginning_is_another_name(void **state)
{
	enum { NODES = 1000 };
	static char name[NODES][32];
	static const char *names[NODES];
	struct fault_options options = { .nodes = names, .node_count = NODES, .calm_ns = FAULT_NEVER };
	struct fault_net *net;

	(void)state;
	for (int i = 0; i < NODES; i++) {
		snprintf(name[i], sizeof name[i], "%d.a-long-name.example.org", i);
		names[i] = name[i];
	}
	net = rig_new(&options);
	for (int i = 0; i < NODES; i++)
		for (size_t len = 0; len <= strlen(name[i]); len++)
			assert_int_equal(fault_net_node(net, name[i], len), len < strlen(name[i]) ? -1 : i);
	fault_net_free(net);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stars_stand_for_any_bytes),
		cmocka_unit_test(a_pattern_is_about_the_links_that_it_names),
		cmocka_unit_test(settings_of_all_links_are_those_between_nodes),
		cmocka_unit_test(a_later_order_takes_over_what_it_sets),
		cmocka_unit_test(a_partition_changes_no_settings),
		cmocka_unit_test(it_is_quiet_while_nothing_happens_to_any_message),
		cmocka_unit_test(the_calm_ends_everything),
		cmocka_unit_test(a_calm_that_is_asked_for_ends_the_nemesis_and_leaves_the_plan),
		cmocka_unit_test(settings_take_over_what_is_set),
		cmocka_unit_test(settings_that_do_nothing_are_none),
		cmocka_unit_test(every_cause_has_its_word),
		cmocka_unit_test(an_order_is_copied_with_its_text),
		cmocka_unit_test(every_name_is_found_by_its_length),
		cmocka_unit_test(a_names_beginning_is_another_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
