/* lib/traffic over whole runs: nothing is lost untold; what is traced; and its replay. */
#include "tests/unit/traffic_net.h"

/* --- Random runs --- */

static struct fault_settings all_settings(void)
{
	return (struct fault_settings){
		.set = FAULT_SET_ALL,
		.loss = { .p = 0.1, .correlation = 0.3 }, .duplicate = { .p = 0.2 }, .reorder = { .p = 0.1 },
		.corrupt = { .p = 0.1 }, .truncate = { .p = 0.05 },
		.burst = { .p = 0.01, .r = 0.2, .bad = 0.9, .good = 0.001 },
		.delay = { .distribution = FAULT_EXPONENTIAL, .a_ns = 3 * MS, .correlation = 0.2 },
		.reorder_ns = 10 * MS, .rate_bits = 400000, .queue_bytes = 500,
	};
}

/* What a run told: a hash of who got what when. */
struct run {
	struct traffic_counts counts;
	size_t under_way;               /* when all were sent */
	uint64_t hash;
};

static void add(struct run *r, const void *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		r->hash = (r->hash ^ ((const unsigned char *)p)[i]) * UINT64_C(0x100000001b3);
}

/* All that is due, in the order of its times. */
static void arrive(struct traffic *t, uint64_t now, struct run *r)
{
	struct traffic_message m;
	struct fault_out out;

	while (traffic_next(t) <= now || traffic_deadline(t) <= now) {
		uint64_t at = traffic_next(t);

		if (traffic_deadline(t) <= at) {
			traffic_advance(t, traffic_deadline(t), &out);
			continue;
		}
		while (traffic_take(t, at, &m)) {
			add(r, &at, sizeof(at));
			add(r, m.from.p, m.from.len);
			add(r, m.to.p, m.to.len);
			add(r, m.line, m.len + 1);
			if (memmem(m.line, m.len, "7,", 2))
				traffic_undelivered(t, at, m.link, "down");
		}
	}
}

static struct run random_run(const struct traffic_options *o, uint64_t seed, int messages)
{
	struct traffic *t = must_open(o);
	struct run r = { .hash = 1 };
	uint64_t now = 0;
	char text[128];

	state_of_draw = seed;
	for (int i = 0; i < messages; i++) {
		size_t from = draw(4), to = draw(4);
		int len = snprintf(text, sizeof(text), "{\"src\":\"%s\",\"dest\":\"%s\",\"body\":{\"i\":%d,%s}}", names[from], names[to],
				   i, draw(3) ? "" : ",\"more\":\"12345678901234567890\"");

		now += draw(MS / 10);
		arrive(t, now, &r);
		if (traffic_send(t, now, link_of(t, names[from], names[to]), text, (size_t)len)) {
			add(&r, &now, sizeof(now));
			add(&r, text, (size_t)len);
		}
	}
	r.under_way = traffic_under_way(t);
	arrive(t, now + 1000 * MS, &r);
	assert_int_equal(traffic_under_way(t), 0);
	traffic_counts(t, &r.counts);
	traffic_free(t);
	return r;
}

static void nothing_is_lost_untold_in_random_runs(void **state)
{
	uint64_t dropped[FAULT_WHYS] = { 0 };

	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct traffic_options o = { .fault = faults(seed), .cut_at_send = seed % 2, .bytes_max = seed % 3 ? 0 : 3000 };
		struct run r, again;
		uint64_t told;

		o.fault.settings = all_settings();
		o.fault.nemesis = FAULT_NEMESIS_PARTITION | FAULT_NEMESIS_LOSS | FAULT_NEMESIS_ISOLATE;
		o.fault.every_ns = 20 * MS;
		o.fault.heal_after_ns = 10 * MS;
		r = random_run(&o, seed, 3000);
		told = r.counts.delivered + r.counts.overflowed + r.counts.undelivered;
		for (int i = 0; i < FAULT_WHYS; i++) {
			told += r.counts.dropped[i];
			dropped[i] += r.counts.dropped[i];
		}
		assert_int_equal(r.counts.sent, 3000);
		assert_int_equal(told, r.counts.sent + r.counts.duplicated);
		assert_true(r.counts.duplicated && r.counts.corrupted && r.counts.delivered > 500 && r.under_way > 10);
		again = random_run(&o, seed, 3000);
		assert_memory_equal(&r, &again, sizeof(r));
	}
	for (int i = FAULT_PASSES + 1; i < FAULT_WHYS; i++)
		assert_true(dropped[i]);
}

/* --- The trace --- */

static char path[] = "/tmp/traffic-unit-XXXXXX";

static struct trace *must_trace(void)
{
	struct trace_header header = { .seed = 7, .nodes = names, .node_count = 4 };
	struct trace *trace;
	int fd;

	strcpy(path + sizeof(path) - 7, "XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	close(fd);
	trace = trace_open(path, &header);
	assert_non_null(trace);
	return trace;
}

/* The file's lines after the header. */
static void assert_traced(const char *lines)
{
	static char text[1 << 16];
	FILE *file = fopen(path, "r");
	size_t len;

	assert_non_null(file);
	assert_non_null(fgets(text, sizeof(text), file));
	len = fread(text, 1, sizeof(text) - 1, file);
	text[len] = '\0';
	fclose(file);
	unlink(path);
	assert_string_equal(text, lines);
}

static void a_delivery_is_told_once_it_cannot_be_taken_back_any_more(void **state)
{
	struct traffic_options o = { .fault = faults(1) };
	struct traffic *t;
	struct traffic_link *l;

	(void)state;
	o.trace = must_trace();
	t = must_open(&o);
	l = link_of(t, "n1", "n2");
	assert_false(traffic_idle(t));
	assert_true(traffic_send(t, 10, l, "{}", 2));
	assert_true(traffic_send(t, 20, l, "{}", 2));
	traffic_undelivered(t, 21, l, "down");
	traffic_tell(t, 30, link_of(t, "net", "n1"), "no JSON", 7);
	trace_start(traffic_trace(t), 40, "n1");
	order(t, 50, partition());
	assert_false(traffic_send(t, 60, l, "{}", 2));
	trace_end(traffic_trace(t), 70);
	assert_int_equal(trace_close(o.trace), 0);
	traffic_free(t);
	assert_traced("{\"at\":10,\"event\":\"send\",\"src\":\"n1\",\"dest\":\"n2\",\"seq\":1,\"message\":{}}\n"
		      "{\"at\":10,\"event\":\"deliver\",\"src\":\"n1\",\"dest\":\"n2\",\"seq\":1}\n"
		      "{\"at\":20,\"event\":\"send\",\"src\":\"n1\",\"dest\":\"n2\",\"seq\":2,\"message\":{}}\n"
		      "{\"at\":21,\"event\":\"drop\",\"src\":\"n1\",\"dest\":\"n2\",\"seq\":2,\"why\":\"down\"}\n"
		      "{\"at\":30,\"event\":\"send\",\"src\":\"net\",\"dest\":\"n1\",\"seq\":1,\"text\":\"no JSON\"}\n"
		      "{\"at\":30,\"event\":\"deliver\",\"src\":\"net\",\"dest\":\"n1\",\"seq\":1}\n"
		      "{\"at\":40,\"event\":\"start\",\"node\":\"n1\"}\n"
		      "{\"at\":50,\"event\":\"fault\",\"fault\":{\"type\":\"partition\",\"id\":1,"
		      "\"groups\":[[\"n1\"],[\"n2\",\"n3\",\"n4\"]]}}\n"
		      "{\"at\":60,\"event\":\"send\",\"src\":\"n1\",\"dest\":\"n2\",\"seq\":3,\"message\":{}}\n"
		      "{\"at\":60,\"event\":\"drop\",\"src\":\"n1\",\"dest\":\"n2\",\"seq\":3,\"why\":\"partition\"}\n"
		      "{\"at\":70,\"event\":\"end\"}\n");
}

static void a_replay_repeats_all_fates(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 5; seed++) {
		struct traffic_options o = { .fault = faults(seed), .cut_at_send = seed % 2 }, again = { .fault = faults(99) };
		struct trace_replay *replay;
		char why[256];
		struct run r, repeated;

		o.fault.settings = all_settings();
		o.fault.nemesis = FAULT_NEMESIS_PARTITION;
		o.fault.every_ns = 20 * MS;
		o.fault.heal_after_ns = 10 * MS;
		o.trace = must_trace();
		r = random_run(&o, seed, 2000);
		assert_int_equal(trace_close(o.trace), 0);
		replay = trace_replay_read(path, why, sizeof(why));
		assert_non_null(replay);
		unlink(path);
		again.replay = replay;
		repeated = random_run(&again, seed, 2000);
		assert_int_equal(repeated.counts.sent, r.counts.sent);
		for (int i = FAULT_PASSES + 1; i < FAULT_WHYS; i++)
			if (repeated.counts.dropped[i] != r.counts.dropped[i])
				fail_msg("%ju and not %ju were dropped for '%s'", (uintmax_t)repeated.counts.dropped[i],
					 (uintmax_t)r.counts.dropped[i], fault_why_text((enum fault_why)i));
		assert_int_equal(repeated.counts.delivered, r.counts.delivered);
		assert_int_equal(repeated.counts.undelivered, r.counts.undelivered);
		assert_int_equal(repeated.hash, r.hash);
		trace_replay_free(replay);
	}
}

static void write_file(const char *text)
{
	FILE *file;

	assert_int_equal(trace_close(must_trace()), 0);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fputs("{\"trace\":1,\"version\":\"0.1.0\",\"seed\":7,\"lockstep\":false,\"command\":[],\"nodes\":[\"n1\",\"n2\"],"
			  "\"options\":[]}\n", file) >= 0);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void a_replay_passes_at_once_what_its_trace_does_not_know(void **state)
{
	struct traffic_options o = { .fault = faults(1) };
	struct trace_replay *replay;
	struct traffic_link *l;
	struct traffic *t;
	char why[256];

	(void)state;
	write_file("{\"at\":10,\"event\":\"send\",\"src\":\"n1\",\"dest\":\"n2\",\"seq\":1,\"message\":{}}\n"
		   "{\"at\":10,\"event\":\"drop\",\"src\":\"n1\",\"dest\":\"n2\",\"seq\":1,\"why\":\"loss\"}\n"
		   "{\"at\":10,\"event\":\"send\",\"src\":\"n1\",\"dest\":\"n2\",\"seq\":3,\"message\":{}}\n"
		   "{\"at\":15,\"event\":\"deliver\",\"src\":\"n1\",\"dest\":\"n2\",\"seq\":3}\n"
		   "{\"at\":20,\"event\":\"fault\",\"fault\":{\"type\":\"partition\",\"groups\":[[\"n1\"],[\"n2\"]],\"id\":1}}\n");
	replay = trace_replay_read(path, why, sizeof(why));
	unlink(path);
	assert_non_null(replay);
	o.replay = replay;
	o.fault.settings = (struct fault_settings){ .set = FAULT_SET_LOSS, .loss = { .p = 1 } };
	t = must_open(&o);
	l = link_of(t, "n1", "n2");
	assert_false(traffic_idle(t));
	assert_false(traffic_send(t, 0, l, "1", 1));
	assert_true(traffic_send(t, 0, l, "2", 1));
	assert_false(traffic_send(t, 1, l, "3", 1));
	assert_true(traffic_send(t, 2, l, "4", 1));
	assert_int_equal(traffic_next(t), 6);
	assert_arrives(t, 6, "3");
	assert_int_equal(traffic_deadline(t), 20);
	traffic_free(t);
	trace_replay_free(replay);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_lost_untold_in_random_runs),
		cmocka_unit_test(a_delivery_is_told_once_it_cannot_be_taken_back_any_more),
		cmocka_unit_test(a_replay_repeats_all_fates),
		cmocka_unit_test(a_replay_passes_at_once_what_its_trace_does_not_know),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
