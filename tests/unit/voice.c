/* voice: the lines that `net` itself says, in real and in virtual time alike. */
#include "lib/net/voice.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#define SECOND UINT64_C(1000000000)

static const char *const names[] = { "n1", "n2", "n10" };

static const char *name_of(const void *whose, size_t i)
{
	(void)whose;
	return names[i];
}

/* Of n2 it is told that it is down. */
static bool is_up(const void *whose, size_t i)
{
	(void)whose;
	return i != 1;
}

static const struct voice_nodes nodes = { NULL, 3, name_of, is_up };

static void assert_says(struct buf *line, const char *expected)
{
	buf_putc(line, '\0');
	assert_string_equal(line->at, expected);
	buf_release(line);
	*line = (struct buf){ 0 };
}

static struct wire_line asked(const char *text)
{
	struct wire_line line;

	assert_int_equal(wire_parse(&line, text, strlen(text)), 0);
	return line;
}

/* --- To nodes --- */

static void init_lists_the_members_and_no_other(void **state)
{
	struct buf line = { 0 };

	(void)state;
	voice_init(&line, "n1", &(struct net_options){ .members = "n10,n1" }, &nodes);
	assert_says(&line, "{\"src\":\"net\",\"dest\":\"n1\",\"body\":"
			   "{\"type\":\"init\",\"msg_id\":1,\"node_id\":\"n1\",\"node_ids\":[\"n1\",\"n10\"]}}\n");
	voice_init(&line, "n2", &(struct net_options){ .members = NULL }, &nodes);
	assert_says(&line, "{\"src\":\"net\",\"dest\":\"n2\",\"body\":"
			   "{\"type\":\"init\",\"msg_id\":1,\"node_id\":\"n2\",\"node_ids\":[\"n1\",\"n2\",\"n10\"]}}\n");
}

static void a_node_hears_who_is_gone(void **state)
{
	struct buf line = { 0 };

	(void)state;
	voice_peer_down(&line, "n1", "n2");
	assert_says(&line, "{\"src\":\"net\",\"dest\":\"n1\",\"body\":{\"type\":\"peer_down\",\"node\":\"n2\"}}\n");
}

static void only_an_error_that_answers_init_is_one(void **state)
{
	static const char *const second[] = { "node", "text", NULL };
	static const struct { const char *line, *why; } cases[] = {
		{ "{\"src\":\"n1\",\"dest\":\"net\",\"body\":{\"type\":\"error\",\"in_reply_to\":1,\"code\":13,\"text\":\"no \\u00e9\"}}",
		  "no \xc3\xa9" },
		{ "{\"src\":\"n1\",\"dest\":\"net\",\"body\":{\"type\":\"error\",\"in_reply_to\":1}}", "it does not say which" },
		{ "{\"src\":\"n1\",\"dest\":\"net\",\"body\":{\"type\":\"error\",\"in_reply_to\":2,\"text\":\"x\"}}", NULL },
		{ "{\"src\":\"n1\",\"dest\":\"net\",\"body\":{\"type\":\"error\",\"text\":\"x\"}}", NULL },
		{ "{\"src\":\"n1\",\"dest\":\"net\",\"body\":{\"type\":\"init_ok\",\"in_reply_to\":1}}", NULL },
	};
	struct wire_names *wire = wire_names_new(second);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct wire_line line = asked(cases[i].line);
		char text[64];
		const char *why = voice_init_error(wire, &line, text, sizeof(text));

		assert_int_equal(!why, !cases[i].why);
		if (why)
			assert_string_equal(why, cases[i].why);
	}
	wire_names_free(wire);
}

/* --- To clients --- */

static void an_answer_has_the_number_of_a_fault_that_lasts_and_of_no_other(void **state)
{
	struct wire_line line = asked("{\"src\":\"c1\",\"dest\":\"net\",\"body\":{\"type\":\"heal\",\"msg_id\":7}}");
	struct buf out = { 0 };

	(void)state;
	voice_ok(&out, &line, 3);
	assert_says(&out, "{\"src\":\"net\",\"dest\":\"c1\",\"body\":{\"type\":\"heal_ok\",\"in_reply_to\":7,\"id\":3}}\n");
	voice_ok(&out, &line, 0);
	assert_says(&out, "{\"src\":\"net\",\"dest\":\"c1\",\"body\":{\"type\":\"heal_ok\",\"in_reply_to\":7}}\n");
}

static void the_nodes_are_told_in_the_order_of_init_and_which_are_down(void **state)
{
	struct wire_line line = asked("{\"src\":\"c1\",\"dest\":\"net\",\"body\":{\"type\":\"nodes\",\"msg_id\":7}}");
	struct buf out = { 0 };

	(void)state;
	voice_nodes(&out, &line, &nodes);
	assert_says(&out, "{\"src\":\"net\",\"dest\":\"c1\",\"body\":{\"type\":\"nodes_ok\",\"in_reply_to\":7,"
			  "\"nodes\":[\"n1\",\"n2\",\"n10\"],\"down\":[\"n2\"]}}\n");
}

static void assert_links(const struct net_options *options, const struct fault_net *net, const char *faults)
{
	struct wire_line line = asked("{\"src\":\"c1\",\"dest\":\"net\",\"body\":{\"type\":\"links\",\"msg_id\":7}}");
	struct buf out = { 0 };
	struct fault_out force;
	char expected[512];

	fault_net_in_force(net, SECOND, &force);
	voice_links(&out, &line, options, net, &force);
	snprintf(expected, sizeof(expected),
		 "{\"src\":\"net\",\"dest\":\"c1\",\"body\":{\"type\":\"links_ok\",\"in_reply_to\":7,\"faults\":[%s]}}\n", faults);
	assert_says(&out, expected);
}

static void what_the_options_say_of_every_link_is_in_force_until_all_is_calm(void **state)
{
	struct net_options options = {
		.fault = {
			.nodes = names, .node_count = 3, .local_count = 3, .calm_ns = FAULT_NEVER,
			.settings = { .set = FAULT_SET_LOSS, .loss = { 0.5, 0 } },
		},
	};
	struct fault_order pause = { .kind = FAULT_ORDER_PAUSE, .nodes = (char[]){ "n2" } }, calm = { .kind = FAULT_ORDER_CALM };
	const char *why;
	size_t bad;
	struct fault_net *net = fault_net_new(&options.fault, &bad, &why);
	struct fault_out out;

	(void)state;
	assert_non_null(net);
	assert_links(&options, net, "{\"type\":\"link\",\"link\":\"*>*\",\"loss\":\"0.5\"}");
	assert_null(fault_net_order(net, SECOND, &pause, &out));
	assert_links(&options, net, "{\"type\":\"link\",\"link\":\"*>*\",\"loss\":\"0.5\"},"
				    "{\"type\":\"pause\",\"id\":1,\"node\":\"n2\"}");
	/* A trace has its own. */
	options.replay = "trace";
	assert_links(&options, net, "{\"type\":\"pause\",\"id\":1,\"node\":\"n2\"}");
	options.replay = NULL;
	assert_null(fault_net_order(net, SECOND, &calm, &out));
	assert_links(&options, net, "");
	fault_net_free(net);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(init_lists_the_members_and_no_other),
		cmocka_unit_test(a_node_hears_who_is_gone),
		cmocka_unit_test(only_an_error_that_answers_init_is_one),
		cmocka_unit_test(an_answer_has_the_number_of_a_fault_that_lasts_and_of_no_other),
		cmocka_unit_test(the_nodes_are_told_in_the_order_of_init_and_which_are_down),
		cmocka_unit_test(what_the_options_say_of_every_link_is_in_force_until_all_is_calm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
