/*
 * lib/node/external: a program as the state machine, as the runtime drives it: order, bounds, sessions, snapshots.
 */
#include "lib/node/external_once.h"
#include "tests/unit/external_rig.h"

/* A program that adds the commands. */
#define SUM "sum=0; while read -r line; do case $line in " \
	"'{\"snapshot\"'*) echo \"{\\\"snapshot\\\":$sum}\" ;; " \
	"'{\"restore\"'*) sum=${line#*:}; sum=${sum%%,*}; echo '{\"restored\":true}' ;; " \
	"*) add=${line##*:}; sum=$((sum + ${add%\\}})); echo \"$sum\" ;; esac; done"

#define RESULT(json) "\"type\":\"apply_ok\",\"result\":" json
#define ERROR(code, text) "\"type\":\"error\",\"code\":" #code ",\"text\":\"" text "\""
#define NOT_SUPPORTED ERROR(10, "not supported")
#define FORGOTTEN ERROR(13, "the session has expired, or the answer is not kept any more")
#define EARLY ERROR(14, "a request of the session before this one has not come yet")

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

/* --- Sessions --- */

static void in_session(char body[128], const char *session, int seq, int command)
{
	snprintf(body, 128, "{\"type\":\"apply\",\"command\":%d,\"session\":\"%s\",\"seq\":%d}", command, session, seq);
}

static const char *asked_in(struct rig *r, uint64_t index, const char *session, int seq, int command)
{
	char body[128];

	in_session(body, session, seq, command);
	return asked(r, index, body);
}

static void repeats(struct rig *r, bool lockstep)
{
	rig_open(r, SUM, lockstep);
	assert_string_equal(asked_in(r, 1, "a", 1, 5), RESULT("5"));
	assert_string_equal(asked_in(r, 2, "a", 1, 5), RESULT("5"));
	assert_string_equal(asked_in(r, 3, "b", 1, 1), RESULT("6"));
	assert_string_equal(asked_in(r, 4, "a", 2, 1), RESULT("7"));
	assert_string_equal(asked_in(r, 5, "a", 1, 5), RESULT("5"));
	assert_string_equal(asked_in(r, 6, "a", 4, 1), EARLY);
	assert_string_equal(asked_in(r, 7, "a", 3, 1), RESULT("8"));
	assert_string_equal(asked_in(r, 8, "c", 2, 1), FORGOTTEN);
	assert_string_equal(asked(r, 9, COMMAND("0")), RESULT("8"));
	rig_close(r);
}

static void a_command_of_a_session_is_applied_once(void **state)
{
	(void)state;
	in_both(repeats);
}

static void a_repeat_of_a_command_under_way_gets_its_answer(void **state)
{
	char body[128];
	struct rig r;

	(void)state;
	rig_open(&r, SUM, false);
	for (int i = 0; i < 3; i++) {
		in_session(body, "a", 1, 5);
		give(&r, (uint64_t)(2 * i + 1), body);
		in_session(body, "b", i + 1, 1);
		give(&r, (uint64_t)(2 * i + 2), body);
	}
	assert_int_equal(r.node.heard, 0);
	wait_for(&r, 6);
	assert_string_equal(r.node.answer[0], RESULT("5"));
	assert_string_equal(r.node.answer[2], RESULT("5"));
	assert_string_equal(r.node.answer[4], RESULT("5"));
	assert_string_equal(r.node.answer[5], RESULT("8"));
	rig_close(&r);
}

static void the_last_16(struct rig *r, bool lockstep)
{
	char expected[64];

	rig_open(r, SUM, lockstep);
	for (int seq = 1; seq <= 20; seq++)
		asked_in(r, (uint64_t)seq, "a", seq, 1);
	for (int seq = 1; seq <= 20; seq++) {
		snprintf(expected, sizeof(expected), RESULT("%d"), seq);
		assert_string_equal(asked_in(r, (uint64_t)(20 + seq), "a", seq, 1), seq <= 4 ? FORGOTTEN : expected);
	}
	rig_close(r);
}

static void the_last_16_answers_of_a_session_are_kept(void **state)
{
	(void)state;
	in_both(the_last_16);
}

static void a_session_expires_by_the_index_of_entries(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r, SUM, true);
	asked_in(&r, 1, "a", 1, 5);
	assert_string_equal(asked_in(&r, 1 + KV_SESSION_ENTRIES, "a", 1, 5), RESULT("5"));
	assert_string_equal(asked_in(&r, 2 + 2 * (uint64_t)KV_SESSION_ENTRIES, "a", 2, 5), FORGOTTEN);
	rig_close(&r);
}

static void beyond_65536_sessions_the_one_longest_unused_goes(void **state)
{
	static struct once once;
	struct once_session *session;
	uint64_t index = 0;
	char id[16];

	(void)state;
	once_init(&once);
	for (int i = 0; i < KV_SESSIONS_MAX; i++) {
		int len = snprintf(id, sizeof(id), "s%d", i);

		assert_int_equal(once_enter(&once, ++index, (struct wire_text){ id, (size_t)len }, 1, &session), ONCE_APPLY);
		once_keep(&once, session, 1, (struct wire_text){ "7", 1 });
	}
	assert_int_equal(once_enter(&once, ++index, (struct wire_text){ "s0", 2 }, 1, &session), ONCE_REPEAT);
	assert_int_equal(once_enter(&once, ++index, (struct wire_text){ "new", 3 }, 1, &session), ONCE_APPLY);
	once_keep(&once, session, 1, (struct wire_text){ "7", 1 });
	assert_int_equal(once_enter(&once, ++index, (struct wire_text){ "s0", 2 }, 2, &session), ONCE_APPLY);
	assert_int_equal(once_enter(&once, ++index, (struct wire_text){ "s1", 2 }, 2, &session), ONCE_FORGOTTEN);
	assert_int_equal(once_enter(&once, ++index, (struct wire_text){ "s2", 2 }, 2, &session), ONCE_APPLY);
	assert_int_equal(once.count, KV_SESSIONS_MAX);
	once_release(&once);
}

static void beyond_64_mebibytes_of_answers_the_session_longest_unused_goes(void **state)
{
	static struct once once;
	struct once_session *session;
	char *large = malloc(KV_ANSWER_BYTES_MAX + 1);
	char id[16];
	uint64_t index = 0;

	(void)state;
	assert_non_null(large);
	memset(large, '1', KV_ANSWER_BYTES_MAX + 1);
	once_init(&once);
	for (int i = 0; i < 65; i++) {
		int len = snprintf(id, sizeof(id), "s%d", i);

		assert_true(once_room(&once, 0));
		once_enter(&once, ++index, (struct wire_text){ id, (size_t)len }, 1, &session);
		once_keep(&once, session, 1, (struct wire_text){ large, KV_ANSWER_BYTES_MAX });
	}
	assert_int_equal(once.count, 64);
	assert_int_equal(once.kept_bytes, KV_ANSWERS_BYTES_MAX);
	assert_false(once_room(&once, 1));      /* its answer could push out what the next one enters */
	assert_int_equal(once_enter(&once, ++index, (struct wire_text){ "s0", 2 }, 2, &session), ONCE_FORGOTTEN);
	assert_int_equal(once_enter(&once, ++index, (struct wire_text){ "s1", 2 }, 2, &session), ONCE_APPLY);
	once_keep(&once, session, 2, (struct wire_text){ large, KV_ANSWER_BYTES_MAX + 1 });
	assert_int_equal(once_enter(&once, ++index, (struct wire_text){ "s1", 2 }, 2, &session), ONCE_REPEAT);
	assert_null(once_answer(session, 2).p); /* too long to be kept */
	assert_non_null(once_answer(session, 1).p);
	free(large);
	once_release(&once);
}

/* --- Snapshots --- */

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
		cmocka_unit_test(a_command_of_a_session_is_applied_once),
		cmocka_unit_test(a_repeat_of_a_command_under_way_gets_its_answer),
		cmocka_unit_test(the_last_16_answers_of_a_session_are_kept),
		cmocka_unit_test(a_session_expires_by_the_index_of_entries),
		cmocka_unit_test(beyond_65536_sessions_the_one_longest_unused_goes),
		cmocka_unit_test(beyond_64_mebibytes_of_answers_the_session_longest_unused_goes),
		cmocka_unit_test(a_snapshot_has_the_state_and_the_sessions),
		cmocka_unit_test(a_snapshot_is_of_the_last_command_given_and_commands_wait_for_it),
		cmocka_unit_test(a_program_may_have_no_snapshots),
		cmocka_unit_test(a_state_is_any_json),
		cmocka_unit_test(a_state_larger_than_the_pipes_goes_both_ways),
		cmocka_unit_test(an_abandoned_snapshot_is_not_taken_for_the_next),
		cmocka_unit_test(reset_starts_the_program_anew),
		cmocka_unit_test(a_line_that_is_none_of_a_snapshot_is_refused),
		cmocka_unit_test(the_status_counts_commands_and_sessions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
