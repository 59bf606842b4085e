/*
 * lib/plan: what is right is printed as the page says, what is wrong is named, and every order that is printed reads
 * back the same: 20,000 random ones.
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
#define S UINT64_C(1000000000)
#define MS UINT64_C(1000000)

/* --- Help --- */

/* Here a ` is the " of JSON, in what is read, printed and said. */
static void change(char *text, size_t len, char from, char to)
{
	for (size_t i = 0; i < len; i++)
		if (text[i] == from)
			text[i] = to;
}

/* The printed order, for the caller to free. */
static char *printed(const struct fault_order *o, bool with_at)
{
	struct buf b = { 0 };
	char *text;

	plan_print(&b, o, with_at);
	change(b.at, b.len, '"', '`');
	text = strndup(b.at, b.len);
	buf_release(&b);
	return text;
}

/* From memory of its exact size, so that a sanitizer sees a byte read too far. */
static int parse(struct fault_order *o, const char *text, bool body, struct plan_error *e)
{
	size_t len = strlen(text);
	char *exact = malloc(len ? len : 1);
	int rc;

	memcpy(exact, text, len);
	change(exact, len, '`', '"');
	memset(e, 0, sizeof(*e));
	rc = plan_parse(o, exact, len, body, e);
	change(e->why, strlen(e->why), '"', '`');
	free(exact);
	return rc;
}

static void assert_same_settings(const struct fault_settings *a, const struct fault_settings *b)
{
	assert_int_equal(a->set, b->set);
	assert_memory_equal(&a->loss, &b->loss, sizeof(a->loss));
	assert_memory_equal(&a->duplicate, &b->duplicate, sizeof(a->duplicate));
	assert_memory_equal(&a->reorder, &b->reorder, sizeof(a->reorder));
	assert_memory_equal(&a->corrupt, &b->corrupt, sizeof(a->corrupt));
	assert_memory_equal(&a->truncate, &b->truncate, sizeof(a->truncate));
	assert_memory_equal(&a->burst, &b->burst, sizeof(a->burst));
	assert_int_equal(a->delay.distribution, b->delay.distribution);
	assert_int_equal(a->delay.a_ns, b->delay.a_ns);
	assert_int_equal(a->delay.b_ns, b->delay.b_ns);
	assert_true(a->delay.shape == b->delay.shape && a->delay.correlation == b->delay.correlation);
	assert_int_equal(a->reorder_ns, b->reorder_ns);
	assert_int_equal(a->rate_bits, b->rate_bits);
	assert_int_equal(a->queue_bytes, b->queue_bytes);
}

static void assert_same(const struct fault_order *a, const struct fault_order *b)
{
	assert_int_equal(a->kind, b->kind);
	assert_int_equal(a->at_ns, b->at_ns);
	assert_int_equal(a->for_ns, b->for_ns);
	assert_int_equal(a->id, b->id);
	assert_true(!a->nodes == !b->nodes);
	if (a->nodes)
		assert_string_equal(a->nodes, b->nodes);
	assert_int_equal(a->shape, b->shape);
	assert_int_equal(a->one_way, b->one_way);
	assert_int_equal(a->ends, b->ends);
	assert_int_equal(a->permanent, b->permanent);
	assert_int_equal(a->offset_ns, b->offset_ns);
	assert_true(a->drift == b->drift);
	assert_same_settings(&a->settings, &b->settings);
}

/* --- Random orders --- */

static uint64_t state;

static uint64_t draw(uint64_t below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (state >> 11) % below;
}

/* Round ones, odd ones, the ends. */
static double draw_share(void)
{
	switch (draw(6)) {
	case 0: return 0;
	case 1: return 1;
	case 2: return (double)draw(101) / 100;
	case 3: return (double)draw(1000) / 7001;
	case 4: return (double)draw(UINT64_C(1) << 53) / 9007199254740992.0;
	default: return 1e-9 * (double)draw(100);
	}
}

static uint64_t draw_time(uint64_t max)
{
	static const uint64_t unit[] = { 1, 1000, MS, S, 60 * S, 3600 * S };
	uint64_t ns = draw(1000) * unit[draw(COUNT(unit))];

	return draw(8) == 0 ? draw(max + 1) : ns > max ? max : ns;
}

static struct fault_chance draw_chance(void)
{
	struct fault_chance c = { draw_share(), draw(2) ? draw_share() : 0 };

	return c;
}

static void draw_delay(struct fault_delay *d)
{
	*d = (struct fault_delay){ .distribution = (enum fault_distribution)draw(5) };
	d->a_ns = draw_time(FAULT_DELAY_NS_MAX);
	if (d->distribution == FAULT_NORMAL)
		d->b_ns = draw_time(FAULT_DELAY_NS_MAX);
	if (d->distribution == FAULT_UNIFORM)
		d->b_ns = d->a_ns + draw_time(FAULT_DELAY_NS_MAX - d->a_ns);
	if (d->distribution == FAULT_PARETO)
		d->shape = 1.0001 + (double)draw(1000000) / 777;
	if (d->shape > 1000)
		d->shape = 1000;
	d->correlation = draw(2) ? draw_share() : 0;
}

static void draw_settings(struct fault_settings *s)
{
	do
		s->set = (unsigned)draw(FAULT_SET_ALL + 1);
	while (!s->set);
	if (s->set & FAULT_SET_LOSS)
		s->loss = draw_chance();
	if (s->set & FAULT_SET_BURST)
		s->burst = (struct fault_burst){ .p = draw_share(), .r = draw_share(), .bad = draw(2) ? 1 : draw_share(),
						 .good = draw(2) ? 0 : draw_share() };
	/* Without any loss it is both that are nothing. */
	if ((s->set & FAULT_SET_LOSS) && s->loss.p == 0 && s->loss.correlation == 0)
		s->set |= FAULT_SET_BURST;
	if (s->set & FAULT_SET_DELAY)
		draw_delay(&s->delay);
	if (s->set & FAULT_SET_DUPLICATE)
		s->duplicate = draw_chance();
	if (s->set & FAULT_SET_REORDER) {
		s->reorder = draw_chance();
		s->reorder_ns = draw_time(FAULT_DELAY_NS_MAX);
	}
	if (s->set & FAULT_SET_CORRUPT)
		s->corrupt = draw_chance();
	if (s->set & FAULT_SET_TRUNCATE)
		s->truncate = draw_chance();
	if ((s->set & FAULT_SET_RATE) && draw(4)) {
		s->rate_bits = 1 + draw(draw(2) ? 5000 : UINT64_C(1000000000000000));
		s->queue_bytes = draw(5) ? draw(UINT64_C(1) << draw(41)) : 0;
	}
}

static void put_names(struct buf *b, unsigned *number)
{
	static const char *const before[] = { "n", "10.0.0.1:", "node-1@east_", "N" };

	for (uint64_t n = 1 + draw(3); n; n--) {
		buf_printf(b, "%s%u", draw(9) ? before[draw(COUNT(before))] : "?", ++*number);
		if (n > 1)
			buf_putc(b, ',');
	}
}

static char *draw_nodes(bool groups)
{
	struct buf b = { 0 };
	unsigned number = 0;
	char *text;

	if (!groups && draw(4) == 0)
		return strdup(draw(2) ? "*" : draw(2) ? "?" : "?12");
	put_names(&b, &number);
	for (uint64_t n = groups ? draw(4) : 0; n; n--) {
		buf_putc(&b, '|');
		put_names(&b, &number);
	}
	text = strndup(b.at, b.len);
	buf_release(&b);
	return text;
}

static void draw_order(struct fault_order *o)
{
	static const char *const links[] = { "n1>n2", "n1<>n2", "*>client", "client<>n*", "c1:7>n\"2\\", "\xc3\xbc>*" };

	*o = (struct fault_order){ .kind = (enum fault_kind)draw(FAULT_ORDERS), .at_ns = draw_time(8760 * 3600 * S) };
	o->id = draw(2) ? 0 : 1 + draw(INT64_MAX);
	switch (o->kind) {
	case FAULT_ORDER_LINK:
		o->nodes = strdup(links[draw(COUNT(links))]);
		draw_settings(&o->settings);
		break;
	case FAULT_ORDER_PARTITION:
		o->one_way = draw(2);
		o->shape = (enum fault_shape)draw(FAULT_SHAPES);
		o->nodes = o->shape && draw(2) ? NULL : draw_nodes(true);
		break;
	case FAULT_ORDER_HEAL: case FAULT_ORDER_CALM:
		return;
	case FAULT_ORDER_SKEW:
		o->offset_ns = (int64_t)draw_time(8760 * 3600 * S) * (draw(2) ? 1 : -1);
		o->drift = draw(2) ? 1 : 0.0001 + draw_share() * (double)(1 + draw(900));
		o->nodes = draw_nodes(false);
		break;
	default:
		o->one_way = o->kind == FAULT_ORDER_ISOLATE && draw(2);
		o->nodes = draw_nodes(false);
	}
	if (o->kind != FAULT_ORDER_RESTART && o->kind != FAULT_ORDER_RESUME && draw(2))
		o->for_ns = 1 + draw_time(8760 * 3600 * S - 1);
}

static void every_order_that_is_printed_reads_back_the_same(void **unused)
{
	(void)unused;
	state = 4711;
	for (int i = 0; i < 20000; i++) {
		struct fault_order o, back;
		struct plan_error e;
		bool body = draw(2);
		char *text, *again;

		draw_order(&o);
		if (body)
			o.at_ns = 0;
		text = printed(&o, !body);
		if (parse(&back, text, body, &e))
			fail_msg("order %d: %s: %s", i, text, e.why);
		assert_same(&back, &o);
		again = printed(&back, !body);
		assert_string_equal(again, text);
		fault_order_release(&o);
		fault_order_release(&back);
		free(text);
		free(again);
	}
}

/* --- JSON --- */

static void lines_are_read_and_printed_in_one_form(void **unused)
{
	static const struct { const char *line, *form; } t[] = {
		{ "{`at`:`2s`,`type`:`link`,`link`:`n1>n2`,`loss`:`0.3`,`delay`:`normal:50ms,10ms`,`for`:`5s`}", NULL },
		{ "{`at`:0,`type`:`heal`}", "{`at`:`0s`,`type`:`heal`}" },
		{ " { `type` : `heal` , `id` : 3 , `at` : 1500000000 } \r", "{`at`:`1500ms`,`type`:`heal`,`id`:3}" },
		{ "{`at`:`90s`,`type`:`partition`,`groups`:[[`n1`,`n2`],[`n3`]],`one_way`:true,`for`:`1.5s`}",
		  "{`at`:`90s`,`type`:`partition`,`groups`:[[`n1`,`n2`],[`n3`]],`one_way`:true,`for`:`1500ms`}" },
		{ "{`at`:`1m`,`type`:`partition`,`shape`:`minority-third`,`one_way`:false}",
		  "{`at`:`1m`,`type`:`partition`,`shape`:`minority-third`}" },
		{ "{`at`:`1h`,`type`:`partition`,`id`:1,`shape`:`ring`,`groups`:[[`n2`,`n1`,`n3`]]}", NULL },
		{ "{`at`:`1s`,`type`:`isolate`,`node`:[`n1`]}", "{`at`:`1s`,`type`:`isolate`,`node`:`n1`}" },
		{ "{`at`:`1s`,`type`:`isolate`,`node`:[`n1`,`?2`],`one_way`:true}", NULL },
		{ "{`at`:`1s`,`type`:`crash`,`node`:`?2`,`for`:1000}", "{`at`:`1s`,`type`:`crash`,`node`:`?2`,`for`:`1us`}" },
		{ "{`at`:`1s`,`type`:`restart`,`node`:`*`}", NULL },
		{ "{`at`:`1s`,`type`:`partition`,`groups`:[[`?`,`?`],[`?`],[`*`]]}", NULL },
		{ "{`at`:`1s`,`type`:`pause`,`node`:`?`}", NULL },
		{ "{`at`:`1s`,`type`:`resume`,`node`:`10.0.0.1:7000`}", NULL },
		{ "{`at`:`1s`,`type`:`skew`,`node`:`n1`,`offset`:`-50ms`,`drift`:1.001}", NULL },
		{ "{`at`:`1s`,`type`:`skew`,`node`:`n1`,`offset`:-2000000000}",
		  "{`at`:`1s`,`type`:`skew`,`node`:`n1`,`offset`:`-2s`,`drift`:1}" },
		{ "{`at`:`1s`,`type`:`skew`,`node`:`n1`,`drift`:2}",
		  "{`at`:`1s`,`type`:`skew`,`node`:`n1`,`offset`:`0s`,`drift`:2}" },
		{ "{`at`:`1s`,`type`:`calm`}", NULL },
		{ "{`at`:`1s`,`type`:`link`,`link`:`client<>n*`,`rate`:1000000,`delay`:50000000,`loss`:0.3,`reorder`:1,"
		  "`corrupt`:0}",
		  "{`at`:`1s`,`type`:`link`,`link`:`client<>n*`,`loss`:`0.3`,`delay`:`50ms`,`reorder`:`1,10ms`,"
		  "`corrupt`:`0`,`rate`:`1mbit,256K`}" },
		{ "{`at`:`1s`,`type`:`link`,`link`:`n1>n2`,`rate`:0,`delay`:0,`loss`:0}",
		  "{`at`:`1s`,`type`:`link`,`link`:`n1>n2`,`loss`:`0`,`delay`:`0s`,`rate`:`0`}" },
		{ "{`at`:`1s`,`type`:`\\u0068eal`}", "{`at`:`1s`,`type`:`heal`}" },
	};

	(void)unused;
	for (size_t i = 0; i < COUNT(t); i++) {
		struct fault_order o;
		struct plan_error e;
		char *text;

		if (parse(&o, t[i].line, false, &e))
			fail_msg("%s: %s", t[i].line, e.why);
		text = printed(&o, true);
		assert_string_equal(text, t[i].form ? t[i].form : t[i].line);
		fault_order_release(&o);
		free(text);
	}
}

#define AT "{`at`:`1s`,`type`:"
#define DRIFT_RIGHT "must be a number above 0 and up to 1000: at 2 the clock is twice as fast"
#define LINK AT "`link`,`link`:`n1>n2`,"

struct wrong { const char *line, *why; };       /* why NULL: no JSON */

static void are_told(const struct wrong *t, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct fault_order o;
		struct plan_error e;

		if (!parse(&o, t[i].line, false, &e))
			fail_msg("taken: %s", t[i].line);
		assert_null(o.nodes);
		if (t[i].why)
			assert_string_equal(e.why, t[i].why);
		else
			assert_memory_equal(e.why, "no JSON: ", 9);
	}
}

static void a_wrong_line_says_what_is_wrong(void **unused)
{
	static const struct wrong t[] = {
		{ "", NULL }, { "{", NULL }, { "{}x", NULL }, { AT "`heal`,`at`:`2s`}", NULL },
		{ "[]", "must be a JSON object" },
		{ "7", "must be a JSON object" },
		{ "{`at`:`1s`}", "type is missing" },
		{ AT "3}", "type '3': must be a string" },
		{ AT "`partitoin`}", "type 'partitoin' is unknown: did you mean 'partition'?" },
		{ AT "`flood`}", "type 'flood' is unknown" },
		{ AT "``}", "type '' is unknown" },
		{ "{`type`:`heal`}", "at is missing: the time since the run began, as `2s`" },
		{ "{`at`:`2`,`type`:`heal`}",
		  "at '2': must be a time up to 8760h, as `50ms` or `1.5s`, or a whole number of nanoseconds" },
		{ "{`at`:-1,`type`:`heal`}",
		  "at '-1': must be a time up to 8760h, as `50ms` or `1.5s`, or a whole number of nanoseconds" },
		{ "{`at`:1.5,`type`:`heal`}",
		  "at '1.5': must be a time up to 8760h, as `50ms` or `1.5s`, or a whole number of nanoseconds" },
		{ "{`at`:`8761h`,`type`:`heal`}",
		  "at '8761h': must be a time up to 8760h, as `50ms` or `1.5s`, or a whole number of nanoseconds" },
		{ "{`at`:``,`type`:`heal`}",
		  "at '': must be a time up to 8760h, as `50ms` or `1.5s`, or a whole number of nanoseconds" },
		{ AT "`heal`,`idd`:3}", "'idd' is no member of 'heal': did you mean 'id'?" },
		{ AT "`heal`,`node`:`n1`}", "'node' is no member of 'heal'" },
		{ AT "`heal`,`for`:`1s`}", "'for' is no member of 'heal'" },
		{ AT "`restart`,`node`:`n1`,`for`:`1s`}", "'for' is no member of 'restart'" },
		{ AT "`heal`,`id`:0}", "id '0': must be a whole number from 1 on" },
		{ AT "`heal`,`id`:`3`}", "id '3': must be a whole number from 1 on" },
		{ AT "`crash`}", "node is missing: must be a name, a list of names, `*`, `?` or `?2`" },
		{ AT "`crash`,`node`:7}", "node '7': must be a name, a list of names, `*`, `?` or `?2`" },
		{ AT "`crash`,`node`:`n1,n2`}", "node 'n1,n2': must be a name, a list of names, `*`, `?` or `?2`" },
		{ AT "`crash`,`node`:`net`}", "node 'net': must be a name, a list of names, `*`, `?` or `?2`" },
		{ AT "`crash`,`node`:`?0`}", "node '?0': must be a name, a list of names, `*`, `?` or `?2`" },
		{ AT "`crash`,`node`:`?2049`}", "node '?2049': must be a name, a list of names, `*`, `?` or `?2`" },
		{ AT "`crash`,`node`:[]}", "node '[]': there is no name in it" },
		{ AT "`crash`,`node`:[`n1`,7]}", "node '7': is no name of a node" },
		{ AT "`crash`,`node`:[`n1`,`n 2`]}", "node 'n 2': is no name of a node" },
		{ AT "`crash`,`node`:[`n1`,`n2`,`n1`]}", "node 'n1': is there twice" },
		{ AT "`crash`,`node`:[`*`,`*`]}", "node '*': is there twice" },
		{ AT "`crash`,`node`:`n1`,`for`:`0s`}", "for '0s': must be longer than that" },
		{ AT "`crash`,`node`:`n1`,`fro`:`1s`}", "'fro' is no member of 'crash': did you mean 'for'?" },
		{ AT "`crash`,`node`:`n1`,`one_way`:true}", "'one_way' is no member of 'crash'" },
		{ AT "`isolate`,`node`:`n1`,`one_way`:1}", "one_way '1': must be true or false" },
		{ AT "`isolate`,`node`:`n1`,`oneway`:true}", "'oneway' is no member of 'isolate': did you mean 'one_way'?" },
	};

	(void)unused;
	are_told(t, COUNT(t));
}

static void a_wrong_partition_link_or_skew_says_what_is_wrong(void **unused)
{
	static const struct wrong t[] = {
		{ AT "`partition`}", "groups or shape is missing" },
		{ AT "`partition`,`shape`:`halfs`}", "shape 'halfs' is unknown: did you mean 'halves'?" },
		{ AT "`partition`,`shape`:`groups`}", "shape 'groups' is unknown" },
		{ AT "`partition`,`shape`:7}", "shape '7': must be halves, majority, minority-third, one, ring or bridge" },
		{ AT "`partition`,`groups`:[]}", "groups '[]': must be lists of names, as [[`n1`,`n2`],[`n3`]]" },
		{ AT "`partition`,`groups`:[`n1`]}", "groups 'n1': must be a list of names" },
		{ AT "`partition`,`groups`:[[`n1`],[]]}", "groups '[]': there is no name in it" },
		{ AT "`partition`,`groups`:[[`n1`],[`n2`,`n1`]]}", "groups 'n1': is there twice" },
		{ AT "`link`,`loss`:1}", "link is missing: must be FROM>TO or A<>B, as `n1>n2`" },
		{ AT "`link`,`link`:`n1>n2`}", "a link needs loss, delay, duplicate, reorder, corrupt, truncate or rate" },
		{ AT "`link`,`link`:7}", "link '7': must be FROM>TO or A<>B, as `n1>n2`" },
		{ AT "`link`,`link`:`n1-n2`,`loss`:1}", "link 'n1-n2': must be FROM>TO or A<>B, as n1>n2 or client<>n*" },
		{ AT "`link`,`link`:`n1>n2>n3`,`loss`:1}", "link 'n1>n2>n3': must be FROM>TO or A<>B, as n1>n2 or client<>n*" },
		{ AT "`link`,`link`:`>n2`,`loss`:1}", "link '>n2': must be FROM>TO or A<>B, as n1>n2 or client<>n*" },
		{ AT "`link`,`link`:`<>n2`,`loss`:1}", "link '<>n2': must be FROM>TO or A<>B, as n1>n2 or client<>n*" },
		{ LINK "`loss`:`1.5`}", "loss '1.5': must be 0.05, 5%, 5%~0.5, gilbert:0.01,0.3, or 5%+gilbert:0.01,0.3" },
		{ LINK "`loss`:-0.1}", "loss '-0.1': must be 0.05, 5%, 5%~0.5, gilbert:0.01,0.3, or 5%+gilbert:0.01,0.3" },
		{ LINK "`loss`:true}", "loss 'true': must be a number or a string" },
		{ LINK "`delay`:`50`}",
		  "delay '50': must be 20ms, uniform:10ms,50ms, normal:20ms,5ms, exponential:20ms or pareto:5ms,3" },
		{ LINK "`delay`:0.5}",
		  "delay '0.5': must be 20ms, uniform:10ms,50ms, normal:20ms,5ms, exponential:20ms or pareto:5ms,3" },
		{ LINK "`dely`:`50ms`}", "'dely' is no member of 'link': did you mean 'delay'?" },
		{ LINK "`rate`:`fast`}", "rate 'fast': must be 64kbit, 1mbit or 125kbps, or with its queue 1mbit,64K" },
		{ AT "`skew`,`node`:`n1`}", "a skew needs offset or drift" },
		{ AT "`skew`,`node`:`n1`,`offset`:`50`}", "offset '50': must be a time up to 8760h, as `50ms` or `-50ms`" },
		{ AT "`skew`,`node`:`n1`,`offset`:`--5s`}", "offset '--5s': must be a time up to 8760h, as `50ms` or `-50ms`" },
		{ AT "`skew`,`node`:`n1`,`drift`:0}", "drift '0': " DRIFT_RIGHT },
		{ AT "`skew`,`node`:`n1`,`drift`:`1`}", "drift '1': " DRIFT_RIGHT },
	};

	(void)unused;
	are_told(t, COUNT(t));
}

static void a_body_may_have_more_members_but_no_time(void **unused)
{
	struct fault_order o;
	struct plan_error e;
	char *text;

	(void)unused;
	assert_int_equal(parse(&o, "{`type`:`crash`,`msg_id`:7,`node`:`n1`,`why`:{`loss`:2}}", true, &e), 0);
	text = printed(&o, false);
	assert_string_equal(text, "{`type`:`crash`,`node`:`n1`}");
	free(text);
	fault_order_release(&o);
	assert_int_equal(parse(&o, "{`type`:`crash`,`msg_id`:7,`node`:`n1`,`at`:`1s`}", true, &e), -1);
	assert_string_equal(e.why, "at is for a line of a plan: what 'net' is told is done at once");
	assert_int_equal(parse(&o, "{`type`:`heal`,`msg_id`:7,`node`:`n1`}", true, &e), -1);
	assert_string_equal(e.why, "'node' is no member of 'heal'");
}

/* A text is shown with its first 40 bytes at the most, and a message ends between characters. */
static void a_long_text_is_shown_in_part(void **unused)
{
	char line[4096] = AT "`skew`,`node`:`n1`,`offset`:`a";
	struct fault_order o;
	struct plan_error e;
	size_t length;

	(void)unused;
	for (int i = 0; i < 500; i++)
		strcat(line, "\xc3\xbc");
	strcat(line, "`}");
	assert_int_equal(parse(&o, line, false, &e), -1);
	length = strlen("offset 'a") + 2 * 19;
	assert_memory_equal(e.why + length, "': must be", 10);
}

static void types_are_those_that_parse(void **unused)
{
	static const char *const types[] = {
		"link", "partition", "isolate", "heal", "crash", "restart", "pause", "resume", "skew", "calm",
	};

	(void)unused;
	for (size_t i = 0; i < COUNT(types); i++) {
		assert_true(plan_type(types[i], strlen(types[i])));
		assert_false(plan_type(types[i], strlen(types[i]) - 1));
	}
	assert_false(plan_type("nodes", 5));
	assert_false(plan_type("links", 5));
	assert_false(plan_type("", 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_order_that_is_printed_reads_back_the_same),
		cmocka_unit_test(lines_are_read_and_printed_in_one_form),
		cmocka_unit_test(a_wrong_line_says_what_is_wrong),
		cmocka_unit_test(a_wrong_partition_link_or_skew_says_what_is_wrong),
		cmocka_unit_test(a_body_may_have_more_members_but_no_time),
		cmocka_unit_test(a_long_text_is_shown_in_part),
		cmocka_unit_test(types_are_those_that_parse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
