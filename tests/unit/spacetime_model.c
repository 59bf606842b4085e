/* lib/draw/spacetime: what a trace is taken for: who leads and how long, operations, heartbeats. */
#include "tests/unit/spacetime_rig.h"

#define HEADER "{\"trace\":1,\"version\":\"0\",\"seed\":1,\"lockstep\":true,\"nodes\":[\"n1\",\"n2\",\"n3\"]}\n"
#define MESSAGE(at, from, to, seq, body) \
	"{\"at\":" #at ",\"event\":\"send\",\"src\":\"" from "\",\"dest\":\"" to "\",\"seq\":" #seq ",\"message\":{\"src\":\"" from \
	"\",\"dest\":\"" to "\",\"body\":" body "}}\n"
#define ARRIVAL(at, from, to, seq) \
	"{\"at\":" #at ",\"event\":\"deliver\",\"src\":\"" from "\",\"dest\":\"" to "\",\"seq\":" #seq "}\n"

static const struct span *find_span(const struct spacetime *s, enum span_kind kind, size_t n)
{
	for (size_t i = 0; i < s->spans; i++)
		if (s->span[i].kind == kind && !n--)
			return &s->span[i];
	return NULL;
}

static struct spacetime *model_of(const char *lines)
{
	static const struct spacetime_options o = { .to_ns = UINT64_MAX };
	struct spacetime *s = spacetime_new(&o);

	write_lines(lines);
	each_event(take_event, s);
	return s;
}

static void two_lead_while_the_first_does_not_know_better(void **unused)
{
	struct spacetime *s = model_of(HEADER
		MESSAGE(100, "n1", "n2", 1, "{\"type\":\"append_entries\",\"term\":1,\"leader_id\":\"n1\",\"entries\":[]}")
		MESSAGE(200, "n2", "n3", 1, "{\"type\":\"append_entries\",\"term\":2,\"leader_id\":\"n2\",\"entries\":[]}")
		MESSAGE(300, "n2", "n1", 1, "{\"type\":\"request_vote\",\"term\":9,\"candidate_id\":\"n2\",\"pre_vote\":true}")
		ARRIVAL(350, "n2", "n1", 1)
		MESSAGE(400, "n2", "n1", 2, "{\"type\":\"append_entries\",\"term\":2,\"leader_id\":\"n2\",\"entries\":[]}")
		ARRIVAL(500, "n2", "n1", 2)
		"{\"at\":700,\"event\":\"death\",\"node\":\"n2\",\"signal\":9,\"asked\":true}\n");
	const struct span *first = find_span(s, SPAN_LEAD, 0), *second = find_span(s, SPAN_LEAD, 1);

	(void)unused;
	assert_string_equal(first->label, "term 1");
	assert_int_equal(first->from, 100);
	assert_int_equal(first->to, 500);
	assert_string_equal(second->label, "term 2");
	assert_int_equal(second->from, 200);
	assert_int_equal(second->to, 700);
	assert_null(find_span(s, SPAN_LEAD, 2));
	spacetime_free(s);
}

static void a_ballot_of_its_own_leads(void **unused)
{
	struct spacetime *s = model_of(HEADER
		MESSAGE(100, "n1", "n2", 1, "{\"type\":\"accept\",\"ballot\":[3,\"n1\"],\"slot\":1,\"values\":[1]}")
		MESSAGE(150, "n2", "n1", 1, "{\"type\":\"accepted\",\"ballot\":[3,\"n1\"],\"slot\":1,\"count\":1}")
		MESSAGE(200, "n1", "n3", 1, "{\"type\":\"promise\",\"ballot\":[4,\"n3\"],\"from\":1,\"accepted\":[]}")
		MESSAGE(300, "n3", "n1", 1, "{\"type\":\"chosen\",\"ballot\":[4,\"n3\"],\"upto\":1}"));
	const struct span *first = find_span(s, SPAN_LEAD, 0), *second = find_span(s, SPAN_LEAD, 1);

	(void)unused;
	assert_string_equal(first->label, "ballot 3.n1");
	assert_int_equal(first->to, 200);
	assert_string_equal(second->label, "ballot 4.n3");
	assert_int_equal(second->to, UINT64_MAX);
	spacetime_free(s);
}

static void a_request_and_its_answer_are_one_operation(void **unused)
{
	struct spacetime *s = model_of(HEADER
		MESSAGE(100, "c1", "n1", 1, "{\"type\":\"cas\",\"msg_id\":4,\"key\":\"x\",\"from\":1,\"to\":2}")
		MESSAGE(110, "c1", "n1", 2, "{\"type\":\"read\",\"msg_id\":5,\"key\":\"x\"}")
		ARRIVAL(150, "c1", "n1", 1)
		MESSAGE(200, "n1", "c1", 1, "{\"type\":\"error\",\"in_reply_to\":4,\"code\":22,\"text\":\"no\"}")
		ARRIVAL(250, "n1", "c1", 1)
		MESSAGE(260, "n1", "c1", 2, "{\"type\":\"read_ok\",\"in_reply_to\":5,\"value\":\"v\"}"));
	const struct span *cas = find_span(s, SPAN_OPERATION, 0), *read = find_span(s, SPAN_OPERATION, 1);

	(void)unused;
	assert_string_equal(cas->label, "cas x 1\xe2\x86\x92" "2 \xe2\x86\x92 error 22");
	assert_int_equal(cas->from, 100);
	assert_int_equal(cas->to, 250);
	assert_string_equal(read->label, "read x \xe2\x86\x92 ?");
	assert_int_equal(read->to, UINT64_MAX);
	spacetime_free(s);
}

static void heartbeats_are_told_from_what_matters(void **unused)
{
	struct spacetime *s = model_of(HEADER
		MESSAGE(100, "n1", "n2", 1, "{\"type\":\"append_entries\",\"term\":1,\"leader_id\":\"n1\"}")
		MESSAGE(110, "n2", "n1", 1, "{\"type\":\"append_entries_ok\",\"term\":1,\"success\":true}")
		MESSAGE(120, "n1", "n2", 2, "{\"type\":\"append_entries\",\"term\":1,\"leader_id\":\"n1\",\"entries\":[{\"term\":1}]}")
		MESSAGE(130, "n2", "n1", 2, "{\"type\":\"append_entries_ok\",\"term\":1,\"success\":true}")
		MESSAGE(140, "n1", "n2", 3, "{\"type\":\"append_entries\",\"term\":1,\"leader_id\":\"n1\",\"entries\":[]}")
		MESSAGE(150, "n2", "n1", 3, "{\"type\":\"append_entries_ok\",\"term\":1,\"success\":false}")
		"{\"at\":160,\"event\":\"drop\",\"src\":\"n1\",\"dest\":\"n2\",\"seq\":1,\"why\":\"loss\"}\n"
		"{\"at\":160,\"event\":\"drop\",\"src\":\"n1\",\"dest\":\"n2\",\"seq\":3,\"why\":\"partition\"}\n");
	static const bool heartbeat[] = { true, true, false, false, true, false };

	(void)unused;
	assert_int_equal(s->messages, 6);
	for (size_t i = 0; i < 6; i++)
		assert_int_equal(s->message[i]->heartbeat, heartbeat[i]);
	assert_true(s->message[0]->plain);
	assert_false(s->message[4]->plain);     /* the first that is cut off */
	spacetime_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_lead_while_the_first_does_not_know_better),
		cmocka_unit_test(a_ballot_of_its_own_leads),
		cmocka_unit_test(a_request_and_its_answer_are_one_operation),
		cmocka_unit_test(heartbeats_are_told_from_what_matters),
	};

	return cmocka_run_group_tests(tests, make_path, remove_path);
}
