/* Unit tests of lib/trace's replay: the fates that a trace tells, as it was written and after somebody edited it. */
#include "tests/unit/trace_file.h"

#include "lib/plan/plan.h"

#define HEADER "{\"trace\":1,\"seed\":7}\n"
#define ABOUT(at, event) "{\"at\":" #at ",\"event\":\"" event "\",\"src\":\"n1\",\"dest\":\"n2\",\"seq\":1"
#define SEND(at) ABOUT(at, "send") ",\"message\":{}}\n"
#define DELIVER(at) ABOUT(at, "deliver") "}\n"
#define DELIVER_2(at) ABOUT(at, "deliver") ",\"copy\":2}\n"
#define DROP(at, why_text) ABOUT(at, "drop") ",\"why\":\"" why_text "\"}\n"
#define DROP_2(at, why_text) ABOUT(at, "drop") ",\"copy\":2,\"why\":\"" why_text "\"}\n"
#define OTHER(at) "{\"at\":" #at ",\"event\":\"start\",\"node\":\"n1\"}\n"
#define DUPLICATE(at) ABOUT(at, "duplicate") "}\n"
#define CORRUPT(at) ABOUT(at, "corrupt") ",\"text\":\"x\\\"\"}\n"
#define CORRUPT_2(at) ABOUT(at, "corrupt") ",\"copy\":2,\"text_base64\":\"\"}\n"

/* --- Helpers --- */

static struct trace_replay *replay_of(const char *text, char *why, size_t why_bytes)
{
	struct trace_replay *replay;
	struct file f;

	file_new(&f, text, strlen(text));
	errno = 0;
	replay = trace_replay_read(f.path, why, why_bytes);
	close(f.fd);
	return replay;
}

/* `lost WHY`, or copies as `DELAY[ WHY][ "TEXT"]`, parted by ` | `; `none`. */
static const char *fate_of(const struct trace_replay *replay, const char *src, const char *dest, uint64_t seq)
{
	static char out[300];
	struct trace_fate fate;
	size_t at = 0;

	if (!trace_replay_fate(replay, between(src, dest), seq, &fate))
		return "none";
	if (fate.why) {
		assert_int_equal(fate.copies, 1);
		snprintf(out, sizeof(out), "lost %s", fate.why);
		return out;
	}
	assert_in_range(fate.copies, 1, 2);
	for (unsigned i = 0; i < fate.copies; i++) {
		at += (size_t)snprintf(out + at, sizeof(out) - at, "%s%ju", i ? " | " : "", (uintmax_t)fate.copy[i].delay_ns);
		if (fate.copy[i].why)
			at += (size_t)snprintf(out + at, sizeof(out) - at, "%s%s", fate.copy[i].when_sent ? " at once " : " ",
					       fate.copy[i].why);
		if (fate.copy[i].text)
			at += (size_t)snprintf(out + at, sizeof(out) - at, " \"%.*s\"", (int)fate.copy[i].text_len,
					       fate.copy[i].text);
	}
	return out;
}

struct fate_case { const char *events, *is; };

/* The fate of message 1 from n1 to n2. */
static void check_fates(const struct fate_case *cases, size_t count)
{
	char text[2000], why[200];

	for (size_t i = 0; i < count; i++) {
		struct trace_replay *replay;
		const char *is = why;

		snprintf(text, sizeof(text), HEADER "%s", cases[i].events);
		replay = replay_of(text, why, sizeof(why));
		if (replay)
			is = fate_of(replay, "n1", "n2", 1);
		else
			assert_int_equal(errno, 0);
		if (strcmp(is, cases[i].is)) {
			print_error("%s  gives: %s\n   want: %s\n", cases[i].events, is, cases[i].is);
			fail();
		}
		trace_replay_free(replay);
	}
}

/* --- Fates --- */

static void each_fate_is_told_again(void **unused)
{
	static const struct fate_case cases[] = {
		{ SEND(10) DELIVER(10), "0" },
		{ SEND(10) DELIVER(25), "15" },
		{ SEND(10) DROP(10, "loss"), "lost loss" },
		{ SEND(10) DROP(10, "burst"), "lost burst" },
		{ SEND(10) DROP(10, "rate"), "lost rate" },
		{ SEND(10) DROP(10, "partition"), "lost partition" },
		{ SEND(10) OTHER(10) DROP(10, "partition"), "0 partition" },
		{ SEND(10) OTHER(10) DROP(10, "loss"), "lost loss" },
		{ SEND(10) DUPLICATE(10) DROP(10, "partition") DELIVER_2(10), "0 at once partition | 0" },
		{ SEND(10) DUPLICATE(10) CORRUPT_2(10) DROP(10, "partition") OTHER(10) DROP_2(10, "partition"),
		  "0 at once partition | 0 partition \"\"" },
		{ SEND(10) DUPLICATE(10) DELIVER(10) DROP_2(10, "partition"), "0 | 0 partition" },
		{ SEND(10) DROP(15, "partition"), "5 partition" },
		{ SEND(10) DROP(10, "down"), "0" },
		{ SEND(10) DROP(15, "down"), "5" },
		{ SEND(10) DROP(15, "queue"), "5" },
		{ SEND(10) DROP(15, "nobody"), "5" },
		{ SEND(10) DROP(15, "asleep"), "6" },
		{ SEND(10) DUPLICATE(10) DROP_2(15, "asleep") DROP(15, "asleep"), "7 | 6" },
		{ SEND(10) DUPLICATE(10) DELIVER(25) DELIVER_2(12), "15 | 2" },
		{ SEND(10) DUPLICATE(10) DELIVER_2(12) DROP(25, "partition"), "15 partition | 2" },
		{ SEND(10) CORRUPT(10) DELIVER(25), "15 \"x\"\"" },
		{ SEND(10) DUPLICATE(10) CORRUPT(10) CORRUPT_2(10) DELIVER(25) DROP_2(26, "down"), "15 \"x\"\" | 16 \"\"" },
	};

	(void)unused;
	check_fates(cases, COUNT(cases));
}

static void an_edited_trace_is_replayed_as_it_says(void **unused)
{
	static const struct fate_case cases[] = {
		{ "", "none" },
		{ SEND(10), "0" },
		{ SEND(10) DUPLICATE(10), "0 | 0" },
		{ SEND(10) DUPLICATE(10) DELIVER_2(30), "0 | 20" },
		{ SEND(10) DROP(25, "loss"), "15 loss" },
		{ SEND(10) DROP(25, "because"), "15 because" },
		{ SEND(10) DROP(10, "because"), "lost because" },
		{ SEND(10) OTHER(10) DROP(10, "because"), "0 because" },
		{ SEND(10) DUPLICATE(10) DROP(10, "loss") DELIVER_2(12), "0 at once loss | 2" },
		{ SEND(10) DUPLICATE(10) DELIVER_2(12) DROP(10, "loss"), "0 at once loss | 2" },
		{ SEND(10) CORRUPT(10), "0 \"x\"\"" },
		{ "{\"at\":99,\"event\":\"start\",\"node\":\"n1\"}\n" SEND(10) "{\"at\":5,\"event\":\"end\"}\n" DELIVER(25), "15" },
	};

	(void)unused;
	check_fates(cases, COUNT(cases));
}

static void what_contradicts_itself_is_told_with_its_line(void **unused)
{
#define MESSAGE "message 1 of 'n1' to 'n2'"
	static const struct fate_case cases[] = {
		{ DELIVER(10), "line 2: " MESSAGE " was not sent before this line" },
		{ DELIVER(10) SEND(10), "line 2: " MESSAGE " was not sent before this line" },
		{ SEND(10) SEND(10), "line 3: " MESSAGE " is sent for the second time" },
		{ SEND(10) DELIVER(9), "line 3: " MESSAGE " is delivered before it is sent" },
		{ SEND(10) DROP(9, "loss"), "line 3: " MESSAGE " is dropped before it is sent" },
		{ SEND(10) DELIVER(10) "\n" DELIVER(10), "line 5: " MESSAGE " is delivered or dropped for the second time" },
		{ SEND(10) DELIVER(10) DROP(10, "loss"), "line 4: " MESSAGE " is delivered or dropped for the second time" },
		{ SEND(10) DROP(10, "loss") DELIVER(10), "line 4: " MESSAGE " is delivered or dropped for the second time" },
		{ SEND(10) DELIVER_2(10), "line 3: " MESSAGE ", copy 2, was not duplicated before this line" },
		{ SEND(10) CORRUPT(10) CORRUPT_2(10), "line 4: " MESSAGE ", copy 2, was not duplicated before this line" },
		{ SEND(10) DUPLICATE(10) DUPLICATE(10), "line 4: " MESSAGE " is duplicated for the second time" },
		{ SEND(10) CORRUPT(10) CORRUPT(10), "line 4: " MESSAGE " is corrupted for the second time" },
		{ SEND(10) "{}\n", "line 3: no event" },
	};

	(void)unused;
	check_fates(cases, COUNT(cases));
}

static void a_fault_that_is_none_is_told_with_its_line(void **unused)
{
	static const char fault[] = "{\"type\":\"heel\"}";
	char text[300], why[300], is[300];
	struct plan_error error;
	struct fault_order order;

	(void)unused;
	assert_int_equal(plan_parse(&order, fault, sizeof(fault) - 1, true, &error), -1);
	snprintf(is, sizeof(is), "line 3: %s", error.why);
	snprintf(text, sizeof(text), HEADER "\n{\"at\":1,\"event\":\"fault\",\"fault\":%s}\n", fault);
	assert_null(replay_of(text, why, sizeof(why)));
	assert_int_equal(errno, 0);
	assert_string_equal(why, is);
}

static void a_file_that_cannot_be_read_is_errno(void **unused)
{
	char why[100];

	(void)unused;
	assert_null(trace_replay_read("/nowhere/at/all", why, sizeof(why)));
	assert_int_equal(errno, ENOENT);
	assert_string_equal(why, "No such file or directory");
	assert_null(trace_replay_read("/", why, sizeof(why)));
	assert_int_equal(errno, EISDIR);
	assert_string_equal(why, "Is a directory");
	trace_replay_free(NULL);
}

static void more_than_64_whys_are_refused(void **unused)
{
	char text[20000], why[100];
	size_t len = 0, all;
	struct trace_replay *replay;

	(void)unused;
#define OF_A(event) "{\"at\":2,\"event\":\"" event "\",\"src\":\"a\",\"dest\":\"b\",\"seq\":%d"
	len = (size_t)sprintf(text, HEADER);
	for (int i = 1; i <= 66; i++) {
		len += (size_t)sprintf(text + len, OF_A("send") ",\"text\":\"\"}\n", i);
		all = len;
		len += (size_t)sprintf(text + len, OF_A("drop") ",\"why\":\"%d\"}\n", i, i == 65 ? 64 : i);
	}
	assert_null(replay_of(text, why, sizeof(why)));
	assert_string_equal(why, "line 133: more than 64 different whys");
	text[all] = '\0';
	replay = replay_of(text, why, sizeof(why));
	assert_non_null(replay);
	assert_string_equal(fate_of(replay, "a", "b", 1), "lost 1");
	assert_string_equal(fate_of(replay, "a", "b", 65), "lost 64");
	trace_replay_free(replay);
}

/* --- Links and numbers --- */

static void links_and_numbers_are_told_apart_in_any_order(void **unused)
{
	enum { LINKS = 3000 };
	static const int seqs[] = { 5, 1, 1000000, 3, 4, 2 };
	size_t room = (size_t)LINKS * COUNT(seqs) * 200, len;
	char *text = malloc(room), why[100], src[20], is[20];
	struct trace_replay *replay;

	(void)unused;
	assert_non_null(text);
	len = (size_t)sprintf(text, HEADER);
	for (size_t i = 0; i < COUNT(seqs); i++)
		for (int j = 0; j < LINKS; j++)
			len += (size_t)snprintf(text + len, room - len,
				"{\"at\":0,\"event\":\"send\",\"src\":\"n%d\",\"dest\":\"n\",\"seq\":%d,\"text\":\"\"}\n"
				"{\"at\":%d,\"event\":\"deliver\",\"src\":\"n%d\",\"dest\":\"n\",\"seq\":%d}\n",
				j, seqs[i], j + seqs[i], j, seqs[i]);
	replay = replay_of(text, why, sizeof(why));
	assert_non_null(replay);
	for (int j = 0; j < LINKS; j++) {
		snprintf(src, sizeof(src), "n%d", j);
		for (size_t i = 0; i < COUNT(seqs); i++) {
			snprintf(is, sizeof(is), "%d", j + seqs[i]);
			assert_string_equal(fate_of(replay, src, "n", (uint64_t)seqs[i]), is);
		}
		assert_string_equal(fate_of(replay, src, "n", 0), "none");
		assert_string_equal(fate_of(replay, src, "n", 6), "none");
		assert_string_equal(fate_of(replay, src, "n", 1000001), "none");
		assert_string_equal(fate_of(replay, "n", src, 1), "none");
	}
	/* The same bytes, parted elsewhere. */
	assert_string_equal(fate_of(replay, "n1n", "", 1), "none");
	trace_replay_free(replay);
	free(text);
}

/* --- Faults --- */

static void orders_come_by_time_without_those_that_end_others(void **unused)
{
	char why[200];
	size_t count;
	const struct fault_order *orders;
	struct trace_replay *replay = replay_of(HEADER
		"{\"at\":30,\"event\":\"fault\",\"fault\":{\"type\":\"crash\",\"id\":3,\"node\":\"n1\",\"for\":\"1s\"}}\n"
		"{\"at\":30,\"event\":\"death\",\"node\":\"n1\",\"signal\":9,\"asked\":true}\n"
		"{\"at\":10,\"event\":\"fault\",\"fault\":{\"type\":\"pause\",\"node\":\"n2\"}}\n"
		"{\"at\":10,\"event\":\"fault\",\"fault\":{\"type\":\"resume\",\"node\":\"n2\"},\"ends\":false}\n"
		"{\"at\":5,\"event\":\"fault\",\"fault\":{\"type\":\"restart\",\"node\":\"n1\"},\"ends\":true}\n"
		"{\"at\":5,\"event\":\"fault\",\"fault\":{\"type\":\"partition\",\"groups\":[[\"n1\"],[\"n2\",\"n3\"]]}}\n",
		why, sizeof(why));

	(void)unused;
	assert_non_null(replay);
	assert_int_equal(trace_replay_seed(replay), 7);
	orders = trace_replay_orders(replay, &count);
	assert_int_equal(count, 4);
	assert_true(orders[0].kind == FAULT_ORDER_PARTITION && orders[0].at_ns == 5);
	assert_string_equal(orders[0].nodes, "n1|n2,n3");
	assert_true(orders[1].kind == FAULT_ORDER_PAUSE && orders[1].at_ns == 10);
	assert_true(orders[2].kind == FAULT_ORDER_RESUME && orders[2].at_ns == 10);
	assert_true(orders[3].kind == FAULT_ORDER_CRASH && orders[3].at_ns == 30 && orders[3].for_ns == 1000000000);
	trace_replay_free(replay);
}

/* --- There and back --- */

enum { MESSAGES = 5000, LINKS = 7 };

struct sent {
	uint64_t at, seq;
	unsigned link, copies;
	bool lost;
	uint64_t delay[2];
	const char *why[2];
	char text[2][8];
	size_t text_len[2];
	bool other[2];
};

static uint64_t state = 99;

static uint32_t draw(uint32_t below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(state >> 32) % below;
}

static void draw_message(struct sent *m, uint64_t at, uint64_t *seqs)
{
	*m = (struct sent){ .at = at, .link = draw(LINKS), .copies = 1 + !draw(4), .lost = !draw(6) };
	m->seq = ++seqs[m->link];
	if (m->lost)
		m->copies = 1;
	for (unsigned i = 0; i < m->copies && !m->lost; i++) {
		m->delay[i] = draw(3) ? draw(500) : 0;
		m->why[i] = draw(5) ? NULL : "partition";
		m->other[i] = !draw(5);
		m->text_len[i] = draw(sizeof(m->text[i]) + 1);
		for (size_t j = 0; j < m->text_len[i]; j++)
			m->text[i][j] = (char)draw(256);
	}
}

static struct trace_link link_of(const struct sent *m)
{
	static const char *const names[] = { "n1", "n2", "a", "", "\x80", "n1n2", "\"" };

	return between(names[m->link], names[(m->link + 1) % LINKS]);
}

static void write_sending(struct trace *t, const struct sent *m)
{
	trace_send(t, m->at, link_of(m), m->seq, "{\"a\":1}", 7);
	if (m->lost)
		trace_drop(t, m->at, link_of(m), m->seq, 1, "loss");
	if (m->copies > 1)
		trace_duplicate(t, m->at, link_of(m), m->seq);
	for (unsigned i = 0; i < m->copies; i++)
		if (m->other[i])
			trace_corrupt(t, m->at, link_of(m), m->seq, i + 1, m->text[i], m->text_len[i]);
}

static void write_endings(struct trace *t, const struct sent *m, uint64_t now)
{
	for (unsigned i = 0; i < m->copies && !m->lost; i++) {
		if (m->at + m->delay[i] != now)
			continue;
		if (m->why[i])
			trace_drop(t, now, link_of(m), m->seq, i + 1, m->why[i]);
		else
			trace_deliver(t, now, link_of(m), m->seq, i + 1);
	}
}

static void check_fate(const struct trace_replay *replay, const struct sent *m)
{
	struct trace_fate fate;

	assert_true(trace_replay_fate(replay, link_of(m), m->seq, &fate));
	assert_int_equal(fate.copies, m->copies);
	/* In this trace, what is dropped at once is dropped in the next line. */
	assert_true(!fate.why == !(m->lost || (m->copies == 1 && m->why[0] && !m->delay[0])));
	for (unsigned i = 0; i < m->copies && !m->lost; i++) {
		assert_int_equal(fate.copy[i].delay_ns, m->delay[i]);
		assert_true(fate.copy[i].why ? m->why[i] && !strcmp(fate.copy[i].why, m->why[i]) : !m->why[i]);
		assert_true(!fate.copy[i].text == !m->other[i]);
		if (m->other[i])
			assert_true(same((struct wire_text){ fate.copy[i].text, fate.copy[i].text_len },
					 (struct wire_text){ m->text[i], m->text_len[i] }));
	}
}

static void the_trace_of_a_run_gives_its_fates_again(void **unused)
{
	struct sent *m = calloc(MESSAGES, sizeof(*m));
	uint64_t seqs[LINKS] = { 0 }, now = 0;
	size_t sent = 0, oldest = 0;
	struct trace_replay *replay;
	struct file f;
	struct trace *t = trace_on(&f, &small);
	char why[200];

	(void)unused;
	assert_non_null(m);
	for (; oldest < MESSAGES; now++) {
		for (size_t i = oldest; i < sent; i++)
			write_endings(t, &m[i], now);
		for (; sent < MESSAGES && !draw(2); sent++) {
			draw_message(&m[sent], now, seqs);
			write_sending(t, &m[sent]);
			write_endings(t, &m[sent], now);
		}
		while (oldest < sent && m[oldest].at + 500 < now)
			oldest++;
	}
	assert_int_equal(trace_close(t), 0);
	replay = trace_replay_read(f.path, why, sizeof(why));
	if (!replay)
		print_error("%s\n", why);
	assert_non_null(replay);
	for (size_t i = 0; i < MESSAGES; i++)
		check_fate(replay, &m[i]);
	trace_replay_free(replay);
	free(m);
	close(f.fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_fate_is_told_again),
		cmocka_unit_test(an_edited_trace_is_replayed_as_it_says),
		cmocka_unit_test(what_contradicts_itself_is_told_with_its_line),
		cmocka_unit_test(a_fault_that_is_none_is_told_with_its_line),
		cmocka_unit_test(a_file_that_cannot_be_read_is_errno),
		cmocka_unit_test(more_than_64_whys_are_refused),
		cmocka_unit_test(links_and_numbers_are_told_apart_in_any_order),
		cmocka_unit_test(orders_come_by_time_without_those_that_end_others),
		cmocka_unit_test(the_trace_of_a_run_gives_its_fates_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
