/* lib/node/external: snapshots of a program: when they are asked for, what they hold, what the program is given back. */
#include "tests/unit/external_rig.h"

/* All lines of a snapshot, in slices of so many bytes; false: there is none. */
static bool snapshot(struct rig *r, size_t bytes, struct buf *lines)
{
	enum machine_more more;

	external_machine.snapshot_begin(r->m);
	for (;;) {
		more = external_machine.snapshot_next(r->m, bytes, lines);
		if (more == MACHINE_WAIT) {
			assert_false(r->lockstep);
			assert_false(external_machine.ready(r->m));
			go_on();
		} else if (more != MACHINE_MORE) {
			return more == MACHINE_END;
		}
	}
}

static void load_lines(struct rig *r, const struct buf *lines)
{
	const char *p = lines->at, *end = p + lines->len, *newline;

	external_machine.reset(r->m);
	for (; p < end; p = newline + 1) {
		newline = memchr(p, '\n', (size_t)(end - p));
		assert_non_null(newline);
		assert_true(external_machine.load(r->m, p, (size_t)(newline - p)));
	}
}

static void state_and_sessions(struct rig *r, bool lockstep)
{
	struct buf lines = { 0 };

	rig_open(r, SUM, lockstep);
	asked_in(r, 1, "b\\u00e9", 1, 5);
	for (int seq = 1; seq <= 20; seq++)
		asked_in(r, (uint64_t)(1 + seq), "a", seq, 1);
	asked_in(r, 22, "b\\u00e9", 2, 3);
	assert_true(snapshot(r, 1, &lines));
	buf_putc(&lines, '\0');
	assert_string_equal(lines.at,
			    "{\"state\":28}\n"
			    "{\"session\":\"a\",\"last\":21,\"seq\":20,\"answers\":[{\"result\":10},{\"result\":11},{\"result\":12},"
			    "{\"result\":13},{\"result\":14},{\"result\":15},{\"result\":16},{\"result\":17},{\"result\":18},"
			    "{\"result\":19},{\"result\":20},{\"result\":21},{\"result\":22},{\"result\":23},{\"result\":24},"
			    "{\"result\":25}]}\n"
			    "{\"session\":\"b\xc3\xa9\",\"last\":22,\"seq\":2,\"answers\":[{\"result\":5},{\"result\":28}]}\n");
	lines.len--;
	assert_string_equal(asked_in(r, 23, "a", 21, 100), RESULT("128"));
	load_lines(r, &lines);
	external_machine.loaded(r->m, 22);
	assert_string_equal(asked_in(r, 23, "a", 21, 1), RESULT("29"));
	assert_string_equal(asked_in(r, 24, "a", 6, 1), RESULT("11"));
	assert_string_equal(asked_in(r, 25, "b\xc3\xa9", 2, 3), RESULT("28"));
	assert_string_equal(asked_in(r, 26, "c", 1, 0), RESULT("29"));
	buf_release(&lines);
	rig_close(r);
}

static void a_snapshot_has_the_state_and_the_sessions(void **state)
{
	(void)state;
	in_both(state_and_sessions);
}

static void a_snapshot_is_of_the_last_command_given_and_commands_wait_for_it(void **state)
{
	struct buf lines = { 0 };
	struct rig r;

	(void)state;
	rig_open(&r, SUM, false);
	for (uint64_t i = 1; i <= 50; i++)
		give(&r, i, COMMAND("1"));
	assert_int_equal(r.node.heard, 0);
	assert_true(snapshot(&r, 1 << 16, &lines));
	assert_int_equal(r.node.heard, 50);
	buf_putc(&lines, '\0');
	assert_string_equal(lines.at, "{\"state\":50}\n");
	buf_release(&lines);
	rig_close(&r);
}

static void none(struct rig *r, bool lockstep)
{
	static const char *const answers[] = {
		"{\"snapshot\":false}", "{\"error\":\"what?\"}", "null", "7", "{}", "\"no\"", "[]",
	};
	struct buf lines = { 0 };

	for (size_t i = 0; i < sizeof(answers) / sizeof(*answers); i++) {
		char command[128];

		snprintf(command, sizeof(command), "while read -r line; do echo '%s'; done", answers[i]);
		rig_open(r, command, lockstep);
		assert_false(snapshot(r, 1 << 16, &lines));
		assert_int_equal(lines.len, 0);
		asked(r, 1, COMMAND("1"));
		rig_close(r);
	}
}

static void a_program_may_have_no_snapshots(void **state)
{
	(void)state;
	in_both(none);
}

static void any_state(struct rig *r, bool lockstep)
{
	static const char *const states[] = { "null", "true", "0", "\"\"", "{\"snapshot\":false}" };

	for (size_t i = 0; i < sizeof(states) / sizeof(*states); i++) {
		struct buf lines = { 0 };
		char command[192], expected[128];

		/* Says what it was restored from. */
		snprintf(command, sizeof(command), "read -r line; case $line in *restore*) was=$line; echo '{\"restored\":true}' ;; "
			 "*) echo '{\"snapshot\":%s}' ;; esac; read -r line; echo \"$was\"; cat >&2", states[i]);
		rig_open(r, command, lockstep);
		assert_true(snapshot(r, 1 << 16, &lines));
		load_lines(r, &lines);
		external_machine.loaded(r->m, 12);
		snprintf(expected, sizeof(expected), RESULT("{\"restore\":%s,\"index\":12}"), states[i]);
		assert_string_equal(asked(r, 13, COMMAND("1")), expected);
		buf_release(&lines);
		rig_close(r);
	}
}

static void a_state_is_any_json(void **state)
{
	(void)state;
	in_both(any_state);
}

static void a_large_state(struct rig *r, bool lockstep)
{
	struct buf lines = { 0 };
	size_t before;

	rig_open(r, "while read -r line; do case $line in *restore*) echo '{\"restored\":true}' ;; *) "
		 "printf '{\"snapshot\":\"'; head -c 300000 /dev/zero | tr '\\0' x; echo '\"}' ;; esac; done", lockstep);
	assert_true(snapshot(r, 1 << 16, &lines));
	assert_int_equal(lines.len, strlen("{\"state\":\"\"}\n") + 300000);
	load_lines(r, &lines);
	before = r->node.ready;
	external_machine.loaded(r->m, 1);
	buf_release(&lines);
	if (!lockstep)
		while (r->node.ready == before)
			go_on();
	rig_close(r);
}

static void a_state_larger_than_the_pipes_goes_both_ways(void **state)
{
	(void)state;
	in_both(a_large_state);
}

static void an_abandoned_snapshot_is_not_taken_for_the_next(void **state)
{
	struct buf lines = { 0 };
	struct rig r;

	(void)state;
	rig_open(&r, SUM, false);
	external_machine.snapshot_begin(r.m);
	external_machine.snapshot_abandon(r.m);
	external_machine.snapshot_begin(r.m);
	assert_int_equal(external_machine.snapshot_next(r.m, 1, &lines), MACHINE_WAIT);
	external_machine.snapshot_abandon(r.m);
	give(&r, 1, COMMAND("5"));
	assert_true(snapshot(&r, 1, &lines));
	buf_putc(&lines, '\0');
	assert_string_equal(lines.at, "{\"state\":5}\n");
	buf_release(&lines);
	rig_close(&r);
}

static void reset_starts_the_program_anew(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r, SUM, false);
	assert_string_equal(asked_in(&r, 1, "a", 1, 5), RESULT("5"));
	give(&r, 2, COMMAND("5"));
	external_machine.reset(r.m);
	assert_string_equal(asked_in(&r, 1, "a", 1, 6), RESULT("6"));
	rig_close(&r);
}

#define SESSION_LINE(id, last, seq, answers) \
	"{\"session\":" id ",\"last\":" last ",\"seq\":" seq ",\"answers\":" answers "}"

static void a_line_that_is_none_of_a_snapshot_is_refused(void **state)
{
	static const char *const lines[] = {
		"", "x", "[]", "{}", "{\"state\":}", "{\"state\":2}", "{\"session\":\"a\"}", "{\"key\":\"x\",\"value\":1}",
		SESSION_LINE("\"\"", "9", "1", "[{}]"), SESSION_LINE("7", "9", "1", "[{}]"),
		SESSION_LINE("\"z\"", "9", "1", "[{}]"), SESSION_LINE("\"a\"", "8", "1", "[{}]"),
		SESSION_LINE("\"a\"", "9", "0", "[]"), SESSION_LINE("\"a\"", "9", "2", "[{}]"),
		SESSION_LINE("\"a\"", "9", "1", "[{},{}]"), SESSION_LINE("\"a\"", "9", "1", "[1]"),
		SESSION_LINE("\"a\"", "9", "1", "{}"),
	};
	static const char good[] = SESSION_LINE("\"z\"", "8", "1", "[{}]");
	struct rig r;

	(void)state;
	rig_open(&r, SUM, true);
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		external_machine.reset(r.m);
		assert_true(external_machine.load(r.m, "{\"state\":1}", 11));
		assert_true(external_machine.load(r.m, good, sizeof(good) - 1));
		if (external_machine.load(r.m, lines[i], strlen(lines[i])))
			fail_msg("taken: %s", lines[i]);
	}
	external_machine.reset(r.m);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_snapshot_has_the_state_and_the_sessions),
		cmocka_unit_test(a_snapshot_is_of_the_last_command_given_and_commands_wait_for_it),
		cmocka_unit_test(a_program_may_have_no_snapshots),
		cmocka_unit_test(a_state_is_any_json),
		cmocka_unit_test(a_state_larger_than_the_pipes_goes_both_ways),
		cmocka_unit_test(an_abandoned_snapshot_is_not_taken_for_the_next),
		cmocka_unit_test(reset_starts_the_program_anew),
		cmocka_unit_test(a_line_that_is_none_of_a_snapshot_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
