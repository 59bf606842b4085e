/*
 * lib/plan: settings of links, and faults as words of a command line.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/plan/plan.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define MS UINT64_C(1000000)

/* The printed order, in a buffer of the test's until the next call. */
static const char *printed(const struct fault_order *o)
{
	static char text[4096];
	struct buf b = { 0 };

	plan_print(&b, o, false);
	assert_true(b.len < sizeof(text));
	memcpy(text, b.at, b.len);
	text[b.len] = '\0';
	buf_release(&b);
	return text;
}

/* --- Settings --- */

static int set(struct fault_settings *s, const char *name, const char *value, struct plan_error *e)
{
	size_t len = strlen(value);
	char *exact = malloc(len ? len : 1);
	int rc;

	memcpy(exact, value, len);
	rc = plan_setting(s, name, strlen(name), exact, len, e);
	free(exact);
	return rc;
}

static void settings_are_read_and_printed_in_one_form(void **unused)
{
	static const struct { const char *name, *value, *form; } t[] = {
		{ "loss", "0.05", NULL }, { "loss", "5%", "0.05" }, { "loss", "100%", "1" }, { "loss", ".5", "0.5" },
		{ "loss", "0.3%", "0.003" }, { "loss", "1.", "1" }, { "loss", "1e-3", "0.001" }, { "loss", "5%~50%", "0.05~0.5" },
		{ "loss", "0", NULL }, { "loss", "0%", "0" }, { "loss", "0~0.5", NULL },
		{ "loss", "gilbert:0.01,0.3", NULL }, { "loss", "gilbert:1%,30%,1,0", "gilbert:0.01,0.3" },
		{ "loss", "gilbert:0.01,0.3,0.5", NULL }, { "loss", "gilbert:0.01,0.3,1,0.001", NULL },
		{ "loss", "5%+gilbert:0.01,0.3", "0.05+gilbert:0.01,0.3" }, { "loss", "0+gilbert:0.01,0.3", NULL },
		{ "delay", "50ms", NULL }, { "delay", "1.5s", "1500ms" }, { "delay", "0", "0s" }, { "delay", "50ms~0.5", NULL },
		{ "delay", "uniform:10ms,50ms", NULL }, { "delay", "uniform:0,50ms", "uniform:0s,50ms" },
		{ "delay", "normal:20ms,5ms~25%", "normal:20ms,5ms~0.25" }, { "delay", "exponential:20ms", NULL },
		{ "delay", "pareto:5ms", "pareto:5ms,3" }, { "delay", "pareto:5ms,1.5", NULL },
		{ "delay", "pareto:5ms,1000", NULL }, { "delay", "constant:5ms", "5ms" }, { "delay", "24h", NULL },
		{ "duplicate", "1%", "0.01" }, { "corrupt", "0.001~0.25", NULL }, { "truncate", "0", NULL },
		{ "reorder", "0.1", "0.1,10ms" }, { "reorder", "10%~0.5,20ms", "0.1~0.5,20ms" }, { "reorder", "0", "0,0s" },
		{ "rate", "1mbit", "1mbit,256K" }, { "rate", "1.5mbit,64K", "1500kbit,64K" },
		{ "rate", "8kbps,1000", "64kbit,1000" },
		{ "rate", "9bit,1T", NULL }, { "rate", "2gbit,1m", "2gbit,1M" }, { "rate", "3mbps,0", "24mbit,0" },
		{ "rate", "125bps", "1kbit,256K" }, { "rate", "0", NULL },
	};

	(void)unused;
	for (size_t i = 0; i < COUNT(t); i++) {
		struct fault_order o = { .kind = FAULT_ORDER_LINK, .nodes = (char[]){ "a>b" } };
		struct plan_error e;
		char want[256];

		if (set(&o.settings, t[i].name, t[i].value, &e))
			fail_msg("%s %s: %s", t[i].name, t[i].value, e.why);
		snprintf(want, sizeof(want), "{\"type\":\"link\",\"link\":\"a>b\",\"%s\":\"%s\"}", t[i].name,
			 t[i].form ? t[i].form : t[i].value);
		assert_string_equal(printed(&o), want);
	}
}

static void a_wrong_setting_changes_nothing_and_says_what_would_be_right(void **unused)
{
	static const struct { const char *name, *value; } t[] = {
		{ "loss", "" }, { "loss", "1.1" }, { "loss", "101%" }, { "loss", "-0.1" }, { "loss", "x" }, { "loss", "0.1x" },
		{ "loss", "nan" }, { "loss", "inf" }, { "loss", "0x1" }, { "loss", "." }, { "loss", "%" }, { "loss", "1e" },
		{ "loss", "1e-3%" }, { "loss", "0.1~" }, { "loss", "0.1~2" }, { "loss", "0.1~0.1~0.1" }, { "loss", " 0.1" },
		{ "loss", "gilbert" }, { "loss", "gilbert:" }, { "loss", "gilbert:0.1" },
		{ "loss", "gilbert:0.1,0.1,0.1,0.1,0.1" },
		{ "loss", "gilbert:0.1,2" }, { "loss", "gilbert:0.1," }, { "loss", "0.1+" }, { "loss", "0.1+0.1" },
		{ "loss", "gilbert:0.1,0.1+0.1" }, { "loss", "0.1,0.2" },
		{ "loss", "0.11111111111111111111111111111111111111111111111111111111" },
		{ "delay", "" }, { "delay", "50" }, { "delay", "-50ms" }, { "delay", "50ms,10ms" }, { "delay", "uniform:50ms" },
		{ "delay", "uniform:50ms,10ms" }, { "delay", "normal:50ms" }, { "delay", "normal:50ms,10ms,1ms" },
		{ "delay", "exponential:1ms,1ms" }, { "delay", "pareto:5ms,1" }, { "delay", "pareto:5ms,1001" },
		{ "delay", "pareto:5ms,2ms" }, { "delay", "gauss:5ms,2ms" }, { "delay", "normal:" }, { "delay", "50ms~x" },
		{ "delay", "25h" }, { "delay", "normal:1ms,25h" },
		{ "duplicate", "2" }, { "duplicate", "0.1,1ms" }, { "corrupt", "yes" }, { "truncate", "" },
		{ "reorder", "0.1," }, { "reorder", "0.1,10" }, { "reorder", "0.1,10ms,1ms" }, { "reorder", "0.1,25h" },
		{ "rate", "" }, { "rate", "1" }, { "rate", "mbit" }, { "rate", "0bit" },
		{ "rate", "-1mbit" }, { "rate", "1mbit," },
		{ "rate", "1mbit,K" }, { "rate", "1mbit,64Q" }, { "rate", "1mbit,64K,1" }, { "rate", "1000001gbit" },
		{ "rate", "1mbit,2T" }, { "rate", "1Mbit" }, { "rate", "0,64K" },
	};
	static const struct fault_settings none = { 0 };

	(void)unused;
	for (size_t i = 0; i < COUNT(t); i++) {
		struct fault_settings s = none;
		struct plan_error e;
		char start[128];

		if (!set(&s, t[i].name, t[i].value, &e))
			fail_msg("taken: %s %s", t[i].name, t[i].value);
		assert_memory_equal(&s, &none, sizeof(s));
		snprintf(start, sizeof(start), "%s '%.40s': must be ", t[i].name, t[i].value);
		if (strncmp(e.why, start, strlen(start)) != 0)
			fail_msg("%s %s: %s", t[i].name, t[i].value, e.why);
		assert_true(strlen(e.why) + 1 < sizeof(e.why));
	}
}

static void an_unknown_setting_is_named_with_the_near_miss(void **unused)
{
	struct fault_settings s = { 0 };
	struct plan_error e;

	(void)unused;
	assert_int_equal(set(&s, "los", "0.1", &e), -1);
	assert_string_equal(e.why, "'los' is no setting: did you mean 'loss'?");
	assert_int_equal(set(&s, "jitter", "0.1", &e), -1);
	assert_string_equal(e.why, "'jitter' is no setting of a link");
}

static void no_loss_ends_bursts_too_and_loss_leaves_them(void **unused)
{
	struct fault_settings s = { 0 };
	struct plan_error e;

	(void)unused;
	assert_int_equal(set(&s, "loss", "gilbert:0.1,0.2", &e), 0);
	assert_int_equal(s.set, FAULT_SET_BURST);
	assert_int_equal(set(&s, "loss", "0.5", &e), 0);
	assert_int_equal(s.set, FAULT_SET_BURST | FAULT_SET_LOSS);
	assert_true(s.loss.p == 0.5 && s.burst.p == 0.1 && s.burst.r == 0.2 && s.burst.bad == 1 && s.burst.good == 0);
	assert_int_equal(set(&s, "loss", "0", &e), 0);
	assert_int_equal(s.set, FAULT_SET_BURST | FAULT_SET_LOSS);
	assert_true(s.loss.p == 0 && s.burst.p == 0 && s.burst.bad == 0);
}

/* --- Links --- */

static void an_option_of_a_link(void **unused)
{
	static const struct { const char *text, *form; } t[] = {
		{ "n1>n2:loss=0.3,delay=50ms", "\"link\":\"n1>n2\",\"loss\":\"0.3\",\"delay\":\"50ms\"" },
		{ "n1<>n2:delay=normal:50ms,10ms,loss=gilbert:0.1,0.2,0.3",
		  "\"link\":\"n1<>n2\",\"loss\":\"gilbert:0.1,0.2,0.3\","
		  "\"delay\":\"normal:50ms,10ms\"" },
		{ "10.0.0.1:7000>*:rate=1mbit,64K", "\"link\":\"10.0.0.1:7000>*\",\"rate\":\"1mbit,64K\"" },
		{ "client>n*:loss=1", "\"link\":\"client>n*\",\"loss\":\"1\"" },
	};

	(void)unused;
	for (size_t i = 0; i < COUNT(t); i++) {
		struct fault_order o;
		struct plan_error e;
		char want[256];

		if (plan_link(&o, t[i].text, &e))
			fail_msg("%s: %s", t[i].text, e.why);
		assert_true(o.permanent);
		snprintf(want, sizeof(want), "{\"type\":\"link\",%s}", t[i].form);
		assert_string_equal(printed(&o), want);
		fault_order_release(&o);
	}
}

static void a_wrong_option_of_a_link_is_named(void **unused)
{
	static const char *const form = "must be LINK:SETTING=VALUE,..., as n1>n2:loss=0.3,delay=50ms";
	static const struct { const char *text, *why; } t[] = {
		{ "", NULL }, { "n1>n2", NULL }, { "loss=0.3", NULL }, { "n1>n2 loss=0.3", NULL },
		{ "n1>n2:", "'': must be a setting and its value, as loss=0.3" },
		{ "n1>n2:loss", "'loss': must be a setting and its value, as loss=0.3" },
		{ "n1>n2:,loss=1", "'': must be a setting and its value, as loss=0.3" },
		{ "n1:loss=1", "link 'n1': must be FROM>TO or A<>B, as n1>n2 or client<>n*" },
		{ ":loss=1", "link '': must be FROM>TO or A<>B, as n1>n2 or client<>n*" },
		{ "n1>n2:loss=2", "loss '2': must be 0.05, 5%, 5%~0.5, gilbert:0.01,0.3, or 5%+gilbert:0.01,0.3" },
		{ "n1>n2:loss=1,", "loss '1,': must be 0.05, 5%, 5%~0.5, gilbert:0.01,0.3, or 5%+gilbert:0.01,0.3" },
		{ "n1>n2:lose=1", "'lose' is no setting: did you mean 'loss'?" },
		{ "n1>n\xff:loss=1", "link 'n1>n\xff': must be FROM>TO or A<>B, as n1>n2 or client<>n*" },
	};

	(void)unused;
	for (size_t i = 0; i < COUNT(t); i++) {
		struct fault_order o;
		struct plan_error e;

		if (!plan_link(&o, t[i].text, &e))
			fail_msg("taken: %s", t[i].text);
		assert_null(o.nodes);
		assert_string_equal(e.why, t[i].why ? t[i].why : form);
	}
}

/* --- Words --- */

enum { WORDS_MAX = 16 };

/* Words parted by spaces; none where the text is NULL. */
static int words(struct fault_order *o, const char *text, struct plan_error *e)
{
	char *copy = strdup(text ? text : ""), *rest = copy, *word[WORDS_MAX + 1] = { NULL };
	int n = 0, rc;

	while (text && n < WORDS_MAX && (word[n] = strsep(&rest, " ")))
		n++;
	rc = plan_words(o, n, word, e);
	free(copy);
	return rc;
}

static void words_are_orders(void **unused)
{
	static const struct { const char *text, *form; } t[] = {
		{ "partition n1,n2 | n3", "\"partition\",\"groups\":[[\"n1\",\"n2\"],[\"n3\"]]" },
		{ "partition n1,n2|n3", "\"partition\",\"groups\":[[\"n1\",\"n2\"],[\"n3\"]]" },
		{ "partition n1 n2 | n3 for 1.5s", "\"partition\",\"groups\":[[\"n1\",\"n2\"],[\"n3\"]],\"for\":\"1500ms\"" },
		{ "partition n1,n2 n3 n4", "\"partition\",\"groups\":[[\"n1\",\"n2\"],[\"n3\"],[\"n4\"]]" },
		{ "partition n1", "\"partition\",\"groups\":[[\"n1\"]]" },
		{ "partition ?2 *", "\"partition\",\"groups\":[[\"?2\"],[\"*\"]]" },
		{ "partition halves", "\"partition\",\"shape\":\"halves\"" },
		{ "partition minority-third for 2s", "\"partition\",\"shape\":\"minority-third\",\"for\":\"2s\"" },
		{ "partition one two", "\"partition\",\"groups\":[[\"one\"],[\"two\"]]" },
		{ "one-way n1 n2,n3", "\"partition\",\"groups\":[[\"n1\"],[\"n2\",\"n3\"]],\"one_way\":true" },
		{ "one-way ring", "\"partition\",\"shape\":\"ring\",\"one_way\":true" },
		{ "isolate n1", "\"isolate\",\"node\":\"n1\"" },
		{ "isolate n1 n2,n3 for 1m", "\"isolate\",\"node\":[\"n1\",\"n2\",\"n3\"],\"for\":\"1m\"" },
		{ "link n1>n2 loss=0.3 delay=50ms", "\"link\",\"link\":\"n1>n2\",\"loss\":\"0.3\",\"delay\":\"50ms\"" },
		{ "link n1<>* delay=normal:50ms,10ms,loss=1 for 2s",
		  "\"link\",\"link\":\"n1<>*\",\"loss\":\"1\",\"delay\":\"normal:50ms,10ms\",\"for\":\"2s\"" },
		{ "heal", "\"heal\"" }, { "heal 3", "\"heal\",\"id\":3" },
		{ "crash n1", "\"crash\",\"node\":\"n1\"" }, { "crash ?2 for 2s", "\"crash\",\"node\":\"?2\",\"for\":\"2s\"" },
		{ "restart *", "\"restart\",\"node\":\"*\"" }, { "pause ?", "\"pause\",\"node\":\"?\"" },
		{ "resume n1 n2", "\"resume\",\"node\":[\"n1\",\"n2\"]" },
		{ "skew n1 offset=50ms drift=1.01", "\"skew\",\"node\":\"n1\",\"offset\":\"50ms\",\"drift\":1.01" },
		{ "skew n1,n2 offset=-1s for 1s", "\"skew\",\"node\":[\"n1\",\"n2\"],\"offset\":\"-1s\",\"drift\":1,\"for\":\"1s\"" },
		{ "calm", "\"calm\"" },
	};

	(void)unused;
	for (size_t i = 0; i < COUNT(t); i++) {
		struct fault_order o;
		struct plan_error e;
		char want[256];

		if (words(&o, t[i].text, &e))
			fail_msg("%s: %s", t[i].text, e.why);
		snprintf(want, sizeof(want), "{\"type\":%s}", t[i].form);
		assert_string_equal(printed(&o), want);
		fault_order_release(&o);
	}
}

static void wrong_words_are_named(void **unused)
{
	static const struct { const char *text, *why; } t[] = {
		{ NULL, "there is no order" },
		{ "", "type '' is unknown" },
		{ "crsh n1", "type 'crsh' is unknown: did you mean 'crash'?" },
		{ "crash", "crash: which node?" },
		{ "crash for 2s", "crash: which node?" },
		{ "crash n1 for", "crash: 'for' how long?" },
		{ "crash n1 for 2", "for '2': must be a time, as 500ms or 2s" },
		{ "crash n1 for 0s", "for '0s': must be a time, as 500ms or 2s" },
		{ "crash n1,", "'' is no name of a node" },
		{ "crash n1|n2", "'n1|n2' is no name of a node" },
		{ "crash net", "'net' is no name of a node" },
		{ "restart n1 for 2s", "restart does not last: it takes no 'for'" },
		{ "heal for 2s", "heal does not last: it takes no 'for'" },
		{ "partition", "partition: which groups, or which shape?" },
		{ "partition for 2s", "partition: which groups, or which shape?" },
		{ "partition |", "'|': a group is empty" },
		{ "partition n1 |", "'n1 |': a group is empty" },
		{ "partition | n1", "'| n1': a group is empty" },
		{ "partition n1 | | n2", "'n1 | | n2': a group is empty" },
		{ "partition n1 n$", "'n$' is no name of a node" },
		{ "partition halfs", "shape 'halfs' is unknown: did you mean 'halves'?" },
		{ "link", "link: must be a link and settings, as 'n1>n2' loss=0.3 delay=50ms" },
		{ "link n1>n2", "link: must be a link and settings, as 'n1>n2' loss=0.3 delay=50ms" },
		{ "link n1 loss=1", "link 'n1': must be FROM>TO or A<>B, as n1>n2 or client<>n*" },
		{ "link n1>n2 loss", "'loss': must be a setting and its value, as loss=0.3" },
		{ "link n1>n2 lss=1", "'lss' is no setting: did you mean 'loss'?" },
		{ "heal n1", "heal 'n1': must be the number of a fault, or nothing" },
		{ "heal 0", "heal '0': must be the number of a fault, or nothing" },
		{ "heal -1", "heal '-1': must be the number of a fault, or nothing" },
		{ "heal 1 2", "heal takes no '2'" },
		{ "heal 99999999999999999999", "heal '99999999999999999999': must be the number of a fault, or nothing" },
		{ "skew n1", "a skew needs offset or drift, as offset=50ms drift=1.01" },
		{ "skew offset=1s", "skew: which node?" },
		{ "skew n1 ofset=1s", "'ofset=1s': must be offset=50ms, offset=-50ms or drift=1.01" },
		{ "skew n1 drift=0", "'drift=0': must be offset=50ms, offset=-50ms or drift=1.01" },
		{ "calm n1", "calm takes no 'n1'" },
		{ "links", "type 'links' is unknown: did you mean 'link'?" },
	};

	(void)unused;
	for (size_t i = 0; i < COUNT(t); i++) {
		struct fault_order o;
		struct plan_error e;

		if (!words(&o, t[i].text, &e))
			fail_msg("taken: %s", t[i].text);
		assert_null(o.nodes);
		assert_string_equal(e.why, t[i].why);
	}
}

/* --- Nemesis --- */

static void a_nemesis_is_words(void **unused)
{
	struct plan_error e;
	unsigned bits;

	(void)unused;
	assert_int_equal(plan_nemesis("partition", &bits, &e), 0);
	assert_int_equal(bits, FAULT_NEMESIS_PARTITION);
	assert_int_equal(plan_nemesis("crash,one-way,crash-all", &bits, &e), 0);
	assert_int_equal(bits, FAULT_NEMESIS_CRASH | FAULT_NEMESIS_ONE_WAY | FAULT_NEMESIS_CRASH_ALL);
	assert_int_equal(plan_nemesis("isolate,pause,skew,loss,slow,crash,partition,one-way,crash-all", &bits, &e), 0);
	assert_int_equal(bits, FAULT_NEMESIS_ALL);
	assert_int_equal(plan_nemesis("all", &bits, &e), 0);
	assert_int_equal(bits, FAULT_NEMESIS_ALL);
	assert_int_equal(plan_nemesis("crash,parition", &bits, &e), -1);
	assert_string_equal(e.why, "'parition' is no fault: did you mean 'partition'?");
	assert_int_equal(plan_nemesis("crash,", &bits, &e), -1);
	assert_string_equal(e.why, "'' is no fault: must be partition, isolate, one-way, crash, crash-all, pause, skew, loss, "
				   "slow or all");
	assert_int_equal(plan_nemesis("", &bits, &e), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(settings_are_read_and_printed_in_one_form),
		cmocka_unit_test(a_wrong_setting_changes_nothing_and_says_what_would_be_right),
		cmocka_unit_test(an_unknown_setting_is_named_with_the_near_miss),
		cmocka_unit_test(no_loss_ends_bursts_too_and_loss_leaves_them),
		cmocka_unit_test(an_option_of_a_link),
		cmocka_unit_test(a_wrong_option_of_a_link_is_named),
		cmocka_unit_test(words_are_orders),
		cmocka_unit_test(wrong_words_are_named),
		cmocka_unit_test(a_nemesis_is_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
