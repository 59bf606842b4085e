/* lib/kv: a request of a session is applied once; which answers are kept, and when a session is forgotten. */
#include "tests/unit/kv_rig.h"

static const char *in_session(struct machine *m, const char *id, unsigned seq, const char *value)
{
	char body[256];

	return apply(m, form(body, sizeof(body), "{\"type\":\"write\",\"key\":\"k\",\"value\":%s,\"session\":\"%s\",\"seq\":%u}",
			     value, id, seq));
}

static void a_request_of_a_session_is_applied_once(void **state)
{
	static const struct step steps[] = {
		{ "{\"type\":\"cas\",\"key\":\"x\",\"from\":0,\"to\":1,\"create_if_not_exists\":true,\"session\":\"c1\",\"seq\":1}", CAS_OK },
		{ "{\"type\":\"cas\",\"key\":\"x\",\"from\":0,\"to\":1,\"create_if_not_exists\":true,\"session\":\"c1\",\"seq\":1}", CAS_OK },
		{ "{\"type\":\"cas\",\"key\":\"x\",\"from\":5,\"to\":6,\"session\":\"c1\",\"seq\":2}", ERROR(22, "expected 5, found 1") },
		{ "{\"type\":\"write\",\"key\":\"x\",\"value\":5}", WRITE_OK },
		{ "{\"type\":\"cas\",\"key\":\"x\",\"from\":5,\"to\":6,\"session\":\"c1\",\"seq\":2}", ERROR(22, "expected 5, found 1") },
		{ "{\"type\":\"delete\",\"key\":\"y\",\"session\":\"\\u00631\",\"seq\":3}", NO_KEY },
		{ "{\"type\":\"write\",\"key\":\"y\",\"value\":1}", WRITE_OK },
		{ "{\"type\":\"delete\",\"key\":\"y\",\"session\":\"c1\",\"seq\":3}", NO_KEY },
		{ "{\"type\":\"delete\",\"key\":\"y\",\"session\":\"c1\",\"seq\":4}", "\"type\":\"delete_ok\"" },
		{ "{\"type\":\"delete\",\"key\":\"y\",\"session\":\"c1\",\"seq\":4}", "\"type\":\"delete_ok\"" },
		{ "{\"type\":\"delete\",\"key\":\"y\",\"session\":\"c1\",\"seq\":5}", NO_KEY },
		{ "{\"type\":\"read\",\"key\":\"x\",\"session\":\"c1\",\"seq\":6}", "\"type\":\"read_ok\",\"value\":5" },
		{ "{\"type\":\"write\",\"key\":\"x\",\"value\":7}", WRITE_OK },
		{ "{\"type\":\"read\",\"key\":\"x\",\"session\":\"c1\",\"seq\":6}", "\"type\":\"read_ok\",\"value\":5" },
		{ "{\"type\":\"read\",\"key\":\"x\"}", "\"type\":\"read_ok\",\"value\":7" },
		{ "{\"type\":\"txn\",\"txn\":[[\"append\",\"l\",1]],\"session\":\"c1\",\"seq\":7}",
		  "\"type\":\"txn_ok\",\"txn\":[[\"append\",\"l\",1]]" },
		{ "{\"type\":\"txn\",\"txn\":[[\"append\",\"l\",1]],\"session\":\"c1\",\"seq\":7}",
		  "\"type\":\"txn_ok\",\"txn\":[[\"append\",\"l\",1]]" },
		{ "{\"type\":\"read\",\"key\":\"l\"}", "\"type\":\"read_ok\",\"value\":[1]" },
	};

	(void)state;
	PLAY(steps);
}

static void a_seq_out_of_turn_is_refused_and_may_come_in_its_turn(void **state)
{
	struct machine m;

	(void)state;
	machine_init(&m);
	assert_string_equal(in_session(&m, "a", 2, "2"), ERROR(13, "the session has expired, or never was"));
	assert_int_equal(kv_sessions(m.kv), 0);
	assert_string_equal(in_session(&m, "a", 1, "1"), WRITE_OK);
	assert_string_equal(in_session(&m, "a", 3, "3"), ERROR(14, "a request of the session before this one has not come yet"));
	assert_string_equal(ask(&m, "{\"type\":\"read\",\"key\":\"k\"}"), "\"type\":\"read_ok\",\"value\":1");
	assert_string_equal(in_session(&m, "a", 2, "2"), WRITE_OK);
	assert_string_equal(in_session(&m, "a", 3, "3"), WRITE_OK);
	assert_string_equal(ask(&m, "{\"type\":\"read\",\"key\":\"k\"}"), "\"type\":\"read_ok\",\"value\":3");
	assert_string_equal(apply(&m, "{\"type\":\"write\",\"key\":\"k\",\"session\":\"a\",\"seq\":4}"), ERROR(12, "'value' is missing"));
	assert_string_equal(in_session(&m, "a", 4, "4"), WRITE_OK);
	machine_release(&m);
}

static void the_last_sixteen_answers_are_kept(void **state)
{
	struct machine m;

	(void)state;
	machine_init(&m);
	for (unsigned seq = 1; seq <= 40; seq++)
		assert_string_equal(in_session(&m, "a", seq, "1"), WRITE_OK);
	for (unsigned seq = 1; seq <= 40; seq++)
		assert_string_equal(in_session(&m, "a", seq, "2"), seq > 40 - KV_ANSWERS_KEPT ? WRITE_OK :
				    ERROR(13, "a repeat of a request whose answer is not kept any more"));
	assert_string_equal(ask(&m, "{\"type\":\"read\",\"key\":\"k\"}"), "\"type\":\"read_ok\",\"value\":1");
	machine_release(&m);
}

static void the_session_longest_unused_goes_when_there_are_too_many(void **state)
{
	struct machine m;
	char id[16];

	(void)state;
	machine_init(&m);
	for (unsigned i = 0; i < KV_SESSIONS_MAX; i++)
		assert_string_equal(in_session(&m, form(id, sizeof(id), "s%u", i), 1, "1"), WRITE_OK);
	assert_string_equal(in_session(&m, "s0", 1, "1"), WRITE_OK);      /* a repeat is a use */
	assert_string_equal(in_session(&m, "new", 1, "1"), WRITE_OK);
	assert_int_equal(kv_sessions(m.kv), KV_SESSIONS_MAX);
	assert_string_equal(in_session(&m, "s0", 2, "1"), WRITE_OK);
	assert_string_equal(in_session(&m, "s1", 2, "1"), ERROR(13, "the session has expired, or never was"));
	assert_string_equal(in_session(&m, "s2", 2, "1"), WRITE_OK);
	machine_release(&m);
}

static void a_session_expires_by_the_log_alone(void **state)
{
	struct machine m;

	(void)state;
	machine_init(&m);
	assert_string_equal(in_session(&m, "a", 1, "1"), WRITE_OK);
	assert_string_equal(in_session(&m, "b", 1, "1"), WRITE_OK);
	apply_at(&m, 1 + KV_SESSION_ENTRIES, "{\"type\":\"noop\"}");
	assert_int_equal(kv_sessions(m.kv), 2);
	assert_string_equal(in_session(&m, "b", 2, "1"), WRITE_OK);
	assert_int_equal(kv_sessions(m.kv), 1);
	assert_string_equal(in_session(&m, "a", 2, "1"), ERROR(13, "the session has expired, or never was"));
	assert_string_equal(in_session(&m, "b", 3, "1"), WRITE_OK);
	apply_at(&m, m.index + 2 * KV_SESSION_ENTRIES, "{\"type\":\"noop\"}");
	assert_int_equal(kv_sessions(m.kv), 0);
	assert_string_equal(in_session(&m, "a", 1, "1"), WRITE_OK);
	machine_release(&m);
}

/* A read in a session, which keeps its long answer. */
static const char *long_read(struct machine *m, unsigned session, unsigned seq)
{
	char body[128];

	return apply(m, form(body, sizeof(body), "{\"type\":\"read\",\"key\":\"long\",\"session\":\"s%u\",\"seq\":%u}", session, seq));
}

static void kept_answers_are_bounded_together(void **state)
{
	struct buf body = { 0 };
	struct machine m;
	unsigned sessions = KV_ANSWERS_BYTES_MAX / KV_ANSWER_BYTES_MAX;

	(void)state;
	machine_init(&m);
	buf_printf(&body, "{\"type\":\"write\",\"key\":\"long\",\"value\":\"%0*u\"}", KV_ANSWER_BYTES_MAX - 100, 0);
	buf_putc(&body, '\0');
	assert_string_equal(apply(&m, body.at), WRITE_OK);
	for (unsigned i = 0; i <= sessions; i++)
		assert_int_equal(strlen(long_read(&m, i, 1)), KV_ANSWER_BYTES_MAX - 100 + 27);
	assert_int_equal(kv_sessions(m.kv), sessions);
	assert_string_equal(long_read(&m, 0, 2), ERROR(13, "the session has expired, or never was"));
	assert_int_equal(strlen(long_read(&m, 1, 1)), KV_ANSWER_BYTES_MAX - 100 + 27);

	body.len = 0;
	buf_printf(&body, "{\"type\":\"write\",\"key\":\"long\",\"value\":\"%0*u\"}", KV_ANSWER_BYTES_MAX, 0);
	buf_putc(&body, '\0');
	assert_string_equal(apply(&m, body.at), WRITE_OK);
	assert_int_equal(strlen(long_read(&m, 1, 2)), KV_ANSWER_BYTES_MAX + 27);
	assert_string_equal(long_read(&m, 1, 2), ERROR(13, "it was answered, too long for the answer to be kept"));
	buf_release(&body);
	machine_release(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_of_a_session_is_applied_once),
		cmocka_unit_test(a_seq_out_of_turn_is_refused_and_may_come_in_its_turn),
		cmocka_unit_test(the_last_sixteen_answers_are_kept),
		cmocka_unit_test(the_session_longest_unused_goes_when_there_are_too_many),
		cmocka_unit_test(a_session_expires_by_the_log_alone),
		cmocka_unit_test(kept_answers_are_bounded_together),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
