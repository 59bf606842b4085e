/* lib/node/external: a command of a session is given to the program once; which answers are kept, and for how long. */
#include "lib/node/external_once.h"
#include "tests/unit/external_rig.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_command_of_a_session_is_applied_once),
		cmocka_unit_test(a_repeat_of_a_command_under_way_gets_its_answer),
		cmocka_unit_test(the_last_16_answers_of_a_session_are_kept),
		cmocka_unit_test(a_session_expires_by_the_index_of_entries),
		cmocka_unit_test(beyond_65536_sessions_the_one_longest_unused_goes),
		cmocka_unit_test(beyond_64_mebibytes_of_answers_the_session_longest_unused_goes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
