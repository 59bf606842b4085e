/* lib/node/external: a program as the state machine, as the runtime drives it: requests, order, bounds. */
#include "tests/unit/external_rig.h"

/* --- Requests --- */

static void a_request_is_an_apply_with_a_command(void **state)
{
	static const struct { const char *body, *error; } cases[] = {
		{ COMMAND("null"), NULL },
		{ COMMAND("{},\"session\":\"a\",\"seq\":1"), NULL },
		{ "{\"type\":\"apply\"}", "'command' is missing" },
		{ COMMAND("1,\"seq\":1"), "a 'seq' without a 'session'" },
		{ COMMAND("1,\"session\":\"a\""), "a 'session' without a 'seq'" },
		{ COMMAND("1,\"session\":\"\",\"seq\":1"), "'session' is no string of 1 to 64 bytes" },
		{ COMMAND("1,\"session\":7,\"seq\":1"), "'session' is no string of 1 to 64 bytes" },
		{ COMMAND("1,\"session\":\"a\",\"seq\":0"), "'seq' is no whole number from 1 on" },
		{ COMMAND("1,\"session\":\"a\",\"seq\":1.5"), "'seq' is no whole number from 1 on" },
	};
	const char *error;
	struct rig r;

	(void)state;
	rig_open(&r, "cat", true);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct wire_text body = { cases[i].body, strlen(cases[i].body) };

		error = "unset";
		assert_int_equal(external_machine.classify(r.m, (struct wire_text){ "apply", 5 }, body, &error), MACHINE_WRITE);
		if (cases[i].error)
			assert_string_equal(error, cases[i].error);
		else
			assert_null(error);
	}
	for (size_t i = 0; i < 3; i++) {
		static const char *const others[] = { "write", "appl", "applyy" };
		struct wire_text type = { others[i], strlen(others[i]) };

		assert_int_equal(external_machine.classify(r.m, type, (struct wire_text){ "{}", 2 }, &error), MACHINE_UNKNOWN);
	}
	rig_close(&r);
}

/* --- Commands and answers --- */

static void answers_as_they_come(struct rig *r, bool lockstep)
{
	rig_open(r, "cat", lockstep);
	assert_string_equal(asked(r, 7, "{\"type\":\"apply\",\"command\":{ \"a\" : [1, \"\\u00e9\"]},\"msg_id\":3}"),
			    RESULT("{\"index\":7,\"command\":{ \"a\" : [1, \"\\u00e9\"]}}"));
	assert_string_equal(asked(r, 9, "{\"command\":null,\"type\":\"apply\"}"), RESULT("{\"index\":9,\"command\":null}"));
	rig_close(r);
}

static void a_command_goes_out_as_it_came_and_the_answer_comes_back_as_it_is(void **state)
{
	(void)state;
	in_both(answers_as_they_come);
}

static void any_value(struct rig *r, bool lockstep)
{
	static const char *const values[] = { "null", "true", "-1.5e3", "\"\"", "[]", "{}", "[[{\"a\":\"}}\"}]]" };

	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
		char command[128], expected[128];

		snprintf(command, sizeof(command), "while read -r line; do printf ' %%s\\t\\r\\n' '%s'; done", values[i]);
		snprintf(expected, sizeof(expected), RESULT("%s"), values[i]);
		rig_open(r, command, lockstep);
		assert_string_equal(asked(r, 1, COMMAND("0")), expected);
		rig_close(r);
	}
}

static void an_answer_is_any_json_value_with_white_space_around_it(void **state)
{
	(void)state;
	in_both(any_value);
}

static void commands_are_handed_on_before_the_answers_come(void **state)
{
	char body[64], expected[64];
	struct rig r;

	(void)state;
	/* Answers nothing before it has read a hundred. */
	rig_open(&r, "lines=; for i in $(seq 100); do read -r line; lines=\"$lines$line\n\"; done; "
		 "printf '%s' \"$lines\"; cat", false);
	for (uint64_t i = 1; i <= 100; i++) {
		snprintf(body, sizeof(body), COMMAND("%d"), (int)i);
		give(&r, i, body);
		assert_int_equal(r.node.heard, 0);
	}
	wait_for(&r, 100);
	for (uint64_t i = 1; i <= 100; i++) {
		snprintf(expected, sizeof(expected), RESULT("{\"index\":%d,\"command\":%d}"), (int)i, (int)i);
		assert_int_equal(r.node.index[i - 1], i);
		assert_string_equal(r.node.answer[i - 1], expected);
	}
	assert_true(r.node.ready > 0);
	rig_close(&r);
}

static void no_more_than_256_commands_and_a_mebibyte_wait(void **state)
{
	char *large = malloc(400001);
	struct rig r;
	size_t n;

	(void)state;
	rig_open(&r, "cat", false);
	for (n = 0; external_machine.ready(r.m); n++)
		give(&r, n + 1, COMMAND("1"));
	assert_int_equal(n, 256);
	wait_for(&r, 256);
	assert_true(r.node.ready > 0);
	assert_non_null(large);
	memset(large, 'x', 400000);
	memcpy(large, "{\"type\":\"apply\",\"command\":\"", 27);
	memcpy(large + 399997, "\"}", 3);
	for (n = 0; external_machine.ready(r.m); n++)
		give(&r, 257 + n, large);
	assert_int_equal(n, 3);
	wait_for(&r, 259);
	assert_true(external_machine.ready(r.m));
	free(large);
	rig_close(&r);
}

static void other_entries(struct rig *r, bool lockstep)
{
	rig_open(r, SUM, lockstep);
	assert_string_equal(asked(r, 1, "{\"type\":\"noop\"}"), NOT_SUPPORTED);
	assert_string_equal(asked(r, 2, COMMAND("5")), RESULT("5"));
	assert_string_equal(asked(r, 3, "{\"type\":\"config\",\"voters\":[\"n1\"],\"learners\":[]}"), NOT_SUPPORTED);
	assert_string_equal(asked(r, 4, "{\"type\":\"write\",\"key\":\"x\",\"value\":1,\"command\":4}"), NOT_SUPPORTED);
	assert_string_equal(asked(r, 5, "{\"type\":\"apply\"}"), ERROR(12, "'command' is missing"));
	assert_string_equal(asked(r, 6, COMMAND("1")), RESULT("6"));
	rig_close(r);
}

static void entries_that_are_no_commands_are_not_given_to_the_program(void **state)
{
	(void)state;
	in_both(other_entries);
}

static void an_entry_that_is_no_command_is_answered_in_its_turn(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r, SUM, false);
	give(&r, 1, "{\"type\":\"noop\"}");
	assert_int_equal(r.node.heard, 1);      /* at once: nothing waits before it */
	give(&r, 2, COMMAND("5"));
	give(&r, 3, "{\"type\":\"noop\"}");
	give(&r, 4, COMMAND("6"));
	give(&r, 5, "{\"type\":\"noop\"}");
	assert_int_equal(r.node.heard, 1);
	wait_for(&r, 5);
	for (uint64_t i = 0; i < 5; i++)
		assert_int_equal(r.node.index[i], i + 1);
	assert_string_equal(r.node.answer[3], RESULT("11"));
	assert_string_equal(r.node.answer[4], NOT_SUPPORTED);
	rig_close(&r);
}

static void a_large_command(struct rig *r, bool lockstep)
{
	size_t len = 3000000;
	char *body = malloc(len + 1);
	const char *answer;

	assert_non_null(body);
	memset(body, 'x', len);
	memcpy(body, "{\"type\":\"apply\",\"command\":\"", 27);
	memcpy(body + len - 2, "\"}", 3);
	rig_open(r, "cat", lockstep);
	answer = asked(r, 1, body);
	assert_int_equal(strlen(answer), strlen(RESULT("{\"index\":1,\"command\":\"\"}")) + len - 29);
	free(body);
	rig_close(r);
}

static void a_command_larger_than_the_pipes_goes_through(void **state)
{
	(void)state;
	in_both(a_large_command);
}

static void the_program_has_nothing_of_the_node_but_stderr(void **state)
{
	struct rig r;
	int fd = dup(1);

	(void)state;
	/* 0, 1, 2 and the directory that is read. */
	rig_open(&r, "while read -r line; do ls /proc/self/fd | wc -l; done", false);
	assert_string_equal(asked(&r, 1, COMMAND("0")), RESULT("4"));
	close(fd);
	rig_close(&r);
}

static void the_status_counts_commands_and_sessions(void **state)
{
	json_t *counters = json_object();
	struct rig r;

	(void)state;
	rig_open(&r, SUM, true);
	asked_in(&r, 1, "a", 1, 5);
	asked_in(&r, 2, "a", 1, 5);
	asked_in(&r, 3, "b", 1, 5);
	external_machine.status(r.m, counters);
	assert_int_equal(json_integer_value(json_object_get(counters, "machine_commands")), 2);
	assert_int_equal(json_integer_value(json_object_get(counters, "sessions")), 2);
	json_decref(counters);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_is_an_apply_with_a_command),
		cmocka_unit_test(a_command_goes_out_as_it_came_and_the_answer_comes_back_as_it_is),
		cmocka_unit_test(an_answer_is_any_json_value_with_white_space_around_it),
		cmocka_unit_test(commands_are_handed_on_before_the_answers_come),
		cmocka_unit_test(no_more_than_256_commands_and_a_mebibyte_wait),
		cmocka_unit_test(entries_that_are_no_commands_are_not_given_to_the_program),
		cmocka_unit_test(an_entry_that_is_no_command_is_answered_in_its_turn),
		cmocka_unit_test(a_command_larger_than_the_pipes_goes_through),
		cmocka_unit_test(the_program_has_nothing_of_the_node_but_stderr),
		cmocka_unit_test(the_status_counts_commands_and_sessions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
