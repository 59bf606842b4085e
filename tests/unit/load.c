/* lib/load's parts: arrivals, answers, intervals, and the bands of a trace. */
#include "lib/load/answer.h"
#include "lib/load/arrival.h"
#include "lib/load/bands.h"
#include "lib/load/series.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#define SECOND UINT64_C(1000000000)
#define PER_SECOND UINT64_C(1000000)

/* --- Arrivals --- */

static void even_arrivals_do_not_drift(void **state)
{
	struct arrival a;

	(void)state;
	arrival_init(&a, 5, 3 * PER_SECOND, false, 1);
	for (uint64_t i = 0; i < 3000000; i++) {
		assert_true(a.next_ns == 5 + i * SECOND / 3);
		arrival_advance(&a);
	}
	/* At a tenth a second, for years. */
	arrival_init(&a, 0, PER_SECOND / 10, false, 1);
	a.count = UINT64_C(1) << 29;
	arrival_advance(&a);
	assert_true(a.next_ns == ((UINT64_C(1) << 29) + 1) * 10 * SECOND);
}

static void poisson_arrivals_have_exponential_gaps(void **state)
{
	enum { COUNT = 100000 };
	const double mean = 1e9 / 250;
	double sum = 0, squares = 0, below = 0;
	uint64_t before = 0;
	struct arrival a;

	(void)state;
	arrival_init(&a, 0, 250 * PER_SECOND, true, 1);
	for (int i = 0; i < COUNT; i++, arrival_advance(&a)) {
		double gap = (double)(a.next_ns - before);

		sum += gap;
		squares += gap * gap;
		below += gap < mean;
		before = a.next_ns;
	}
	/* Of an exponential distribution the mean is the deviation, and 1 - 1/e lies below it. */
	assert_true(fabs(sum / COUNT - mean) < 5 * mean / sqrt(COUNT));
	assert_true(fabs(sqrt(squares / COUNT - sum / COUNT * sum / COUNT) - mean) < 10 * mean / sqrt(COUNT));
	assert_true(fabs(below / COUNT - 0.632121) < 5 * sqrt(0.632121 * 0.367879 / COUNT));
}

static void what_is_left_of_a_schedule_is_counted(void **state)
{
	static const uint64_t rates[] = { 3 * PER_SECOND, 7 * PER_SECOND / 2, 1000 * PER_SECOND };

	(void)state;
	for (size_t i = 0; i < sizeof(rates) / sizeof(*rates); i++) {
		for (uint64_t until = 0; until < 4 * SECOND; until += SECOND / 7 + 1) {
			struct arrival a;
			uint64_t told, count = 0;

			arrival_init(&a, SECOND, rates[i], false, 1);
			for (told = arrival_count(&a, until); a.next_ns < until; count++)
				arrival_advance(&a);
			/* The times are rounded down: one that falls on the end may be counted or not. */
			assert_in_range(told, count ? count - 1 : 0, count);
		}
	}
}

/* --- Answers --- */

static void assert_answer(const char *line, uint32_t client, uint64_t msg_id, int code, const char *read)
{
	struct answer a;

	for (int want = 0; want < 2; want++) {
		assert_true(answer_read(&a, line, strlen(line), "c.", 2, want));
		assert_int_equal(a.client, client);
		assert_int_equal(a.msg_id, msg_id);
		assert_int_equal(a.code, code);
	}
	if (!read) {
		assert_null(a.read.p);
		return;
	}
	assert_int_equal(a.read.len, strlen(read));
	assert_memory_equal(a.read.p, read, a.read.len);
}

#define LINE(body) "{\"src\":\"n1\",\"dest\":\"c.7\",\"body\":" body "}"

static void what_was_read_is_found_wherever_it_stands(void **state)
{
	(void)state;
	assert_answer(LINE("{\"type\":\"read_ok\",\"value\":12,\"in_reply_to\":3}"), 7, 3, ANSWER_OK, "12");
	assert_answer(LINE("{\"type\":\"read_ok\",\"in_reply_to\":3,\"value\":12}"), 7, 3, ANSWER_OK, "12");
	assert_answer(LINE("{\"type\":\"read_ok\",\"value\":\"a b\",\"in_reply_to\":3}"), 7, 3, ANSWER_OK, "\"a b\"");
	assert_answer(LINE("{\"type\":\"read_ok\",\"value\":\"a\\\"}\",\"in_reply_to\":3}"), 7, 3, ANSWER_OK, "\"a\\\"}\"");
	assert_answer(LINE("{\"type\":\"read_ok\",\"value\":-1.5e3,\"in_reply_to\":3}"), 7, 3, ANSWER_OK, "-1.5e3");
	assert_answer(LINE("{\"type\":\"read_ok\",\"value\":1.5,\"in_reply_to\":3}"), 7, 3, ANSWER_OK, "1.5");
	assert_answer(LINE("{\"type\":\"read_ok\",\"value\":[1,{\"value\":2}],\"in_reply_to\":3}"), 7, 3, ANSWER_OK, "[1,{\"value\":2}]");
	assert_answer(LINE("{\"type\":\"read_ok\",\"value\":null,\"in_reply_to\":3}"), 7, 3, ANSWER_OK, "null");
	assert_answer(LINE("{\"type\":\"read_ok\",\"value\":12,\"in_reply_to\":3,\"more\":1}"), 7, 3, ANSWER_OK, "12");
	assert_answer(LINE("{\"type\":\"read_ok\",\"value\":123456789012345678901,\"in_reply_to\":3}"), 7, 3, ANSWER_OK,
		      "123456789012345678901");
	assert_answer(LINE("{\"type\":\"txn_ok\",\"txn\":[[\"r\",\"x\",[1,2]]],\"in_reply_to\":3}"), 7, 3, ANSWER_OK,
		      "[[\"r\",\"x\",[1,2]]]");
	assert_answer("{\"at\":55,\"src\":\"n1\",\"dest\":\"c.0\",\"body\":{\"type\":\"read_ok\",\"value\":1,\"in_reply_to\":3}}", 0, 3,
		      ANSWER_OK, "1");
	assert_answer(LINE("{\"type\":\"write_ok\",\"in_reply_to\":3}"), 7, 3, ANSWER_OK, NULL);
	assert_answer(LINE("{\"type\":\"error\",\"code\":20,\"text\":\"x\",\"in_reply_to\":3}"), 7, 3, 20, NULL);
	assert_answer(LINE("{\"type\":\"error\",\"in_reply_to\":3,\"code\":11}"), 7, 3, 11, NULL);
	assert_answer(LINE("{\"type\":\"error\",\"in_reply_to\":3}"), 7, 3, 13, NULL);
}

static void what_is_no_json_is_not_taken_for_what_was_read(void **state)
{
	static const char *const lines[] = {
		LINE("{\"type\":\"read_ok\",\"value\":012,\"in_reply_to\":3}"),
		LINE("{\"type\":\"read_ok\",\"value\":1 2,\"in_reply_to\":3}"),
		LINE("{\"type\":\"read_ok\",\"value\":,\"in_reply_to\":3}"),
		LINE("{\"type\":\"read_ok\",\"value\":\"\t\",\"in_reply_to\":3}"),
		LINE("{\"type\":\"read_ok\",\"value\":\"\xff\",\"in_reply_to\":3}"),
		LINE("{\"type\":\"read_ok\",\"value\":12,\"in_reply_to\":3}}"),
		LINE("{\"type\":\"read_ok\",\"value\":12,\"in_reply_to\":3"),
		"{\"src\":\"n1\",\"dest\":\"d.7\",\"body\":{\"type\":\"read_ok\",\"value\":12,\"in_reply_to\":3}}",
		"{\"src\":\"n1\",\"dest\":\"c.\",\"body\":{\"type\":\"read_ok\",\"value\":12,\"in_reply_to\":3}}",
	};
	struct answer a;

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		assert_false(answer_read(&a, lines[i], strlen(lines[i]), "c.", 2, true));
}

static void the_time_is_read_wherever_it_stands(void **state)
{
	const char *first = "{\"at\":12,\"src\":\"net\",\"dest\":\"c\",\"body\":{\"type\":\"tick\"}}";
	const char *last = "{ \"src\":\"net\",\"dest\":\"c\",\"body\":{\"type\":\"tick\"}, \"at\" : 13}";
	const char *none = "{\"src\":\"net\",\"dest\":\"c\",\"body\":{\"type\":\"tick\",\"at\":3}}";
	uint64_t at = 0;

	(void)state;
	assert_true(answer_time(first, strlen(first), &at));
	assert_int_equal(at, 12);
	assert_true(answer_time(last, strlen(last), &at));
	assert_int_equal(at, 13);
	assert_false(answer_time(none, strlen(none), &at));
	assert_false(answer_time("", 0, &at));
}

/* --- Intervals --- */

static void assert_file(FILE *f, const char *text)
{
	char got[4096] = "";

	rewind(f);
	got[fread(got, 1, sizeof(got) - 1, f)] = '\0';
	assert_string_equal(got, text);
	fclose(f);
}

static void intervals_have_a_row_each(void **state)
{
	FILE *rows = tmpfile();
	struct series *s = series_new(rows, NULL, SECOND, NULL);

	(void)state;
	assert_non_null(rows);
	series_begin(s, 10 * SECOND);
	assert_true(series_due(s) == 11 * SECOND);
	series_add(s, 10 * SECOND, 100000);
	series_add(s, 10 * SECOND + 5, 200000);
	series_add_error(s, 11 * SECOND - 1);
	series_add(s, 11 * SECOND, 250000);
	assert_true(series_due(s) == 12 * SECOND);
	series_turn(s, 13 * SECOND - 1);
	series_add_error(s, 13 * SECOND + SECOND / 4);
	series_add(s, 13 * SECOND + SECOND / 4, 250000);
	series_end(s, 13 * SECOND + SECOND / 2);
	series_free(s);
	assert_file(rows, "1.000 2 100.4 200.0 1\n2.000 1 250.0 250.0 0\n3.000 0 nan nan 0\n3.500 2 250.0 250.0 2\n");
}

static void a_short_last_interval_has_no_row(void **state)
{
	FILE *rows = tmpfile(), *progress = tmpfile();
	struct series *s;

	(void)state;
	assert_non_null(rows);
	assert_non_null(progress);
	s = series_new(rows, NULL, SECOND, series_new(NULL, progress, 2 * SECOND, NULL));
	series_begin(s, 0);
	series_add(s, 1, 1000000);
	series_add(s, 2 * SECOND + 1, 1000000);
	series_end(s, 2 * SECOND + SECOND / 2 - 1);
	series_free(s);
	assert_file(rows, "1.000 1 1000.0 1000.0 0\n2.000 0 nan nan 0\n");
	assert_file(progress, "\r2 s: 0 ops/s, p50 1.00 ms, p99 1.00 ms, 0 without an answer\033[K\r\033[K");
}

/* --- Bands --- */

static const char header[] =
	"{\"trace\":1,\"version\":\"0\",\"seed\":7,\"lockstep\":true,\"command\":[],\"nodes\":[\"n1\",\"n2\"],\"options\":[]}\n";

static int read_bands(struct bands *b, const char *text, char *why, bool *data)
{
	char path[] = "/tmp/load-XXXXXX";
	int fd = mkstemp(path), rc;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, header, strlen(header)), strlen(header));
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	rc = bands_read(b, path, "c-0", 0.5, why, data);
	unlink(path);
	return rc;
}

static void assert_band(const struct band *b, enum band_kind kind, double from_s, double to_s, const char *label)
{
	assert_int_equal(b->kind, kind);
	assert_string_equal(b->label, label);
	assert_true(fabs(b->from_s - from_s) < 1e-9);
	assert_true(isinf(to_s) ? isinf(b->to_s) : fabs(b->to_s - to_s) < 1e-9);
}

#define FIRST(at) "{\"at\":" #at ",\"event\":\"send\",\"src\":\"c-0\",\"dest\":\"n1\",\"seq\":1,\"message\":" \
	"{\"src\":\"c-0\",\"dest\":\"n1\",\"body\":{\"type\":\"read\",\"msg_id\":1,\"key\":\"x\"}}}\n"
#define FAULT(at, fault) "{\"at\":" #at ",\"event\":\"fault\",\"fault\":" fault "}\n"

/* The first request of c-0 is at 2 s of the trace, and at 0.5 s of ours. */
static void faults_are_bands_in_our_own_time(void **state)
{
	struct bands b;
	char why[BANDS_WHY_BYTES];
	bool data;

	(void)state;
	assert_int_equal(read_bands(&b,
		"{\"at\":0,\"event\":\"start\",\"node\":\"n1\"}\n"
		FAULT(1000000000, "{\"type\":\"partition\",\"id\":1,\"groups\":[[\"n1\"],[\"n2\"]]}")
		FIRST(2000000000)
		FAULT(3000000000, "{\"type\":\"isolate\",\"id\":2,\"node\":\"n2\"}")
		FAULT(4000000000, "{\"type\":\"heal\",\"id\":1}")
		"{\"at\":5000000000,\"event\":\"death\",\"node\":\"n1\",\"signal\":9,\"asked\":true}\n"
		"{\"at\":6000000000,\"event\":\"start\",\"node\":\"n1\"}\n"
		FAULT(6000000000, "{\"type\":\"pause\",\"id\":4,\"node\":\"n1\"}")
		FAULT(6500000000, "{\"type\":\"resume\",\"id\":4,\"node\":\"n1\"}")
		FAULT(7000000000, "{\"type\":\"skew\",\"id\":5,\"node\":\"n2\",\"offset\":\"5s\"}")
		FAULT(8000000000, "{\"type\":\"calm\"}")
		FAULT(9000000000, "{\"type\":\"link\",\"id\":6,\"link\":\"n1>n2\",\"loss\":\"0.5\"}")
		"{\"at\":9500000000,\"ev", why, &data), 0);
	assert_int_equal(b.count, 6);
	assert_band(&b.band[0], BAND_PARTITION, -0.5, 2.5, "n1|n2");
	assert_band(&b.band[1], BAND_PARTITION, 1.5, 6.5, "n2");
	assert_band(&b.band[2], BAND_DOWN, 3.5, 4.5, "n1");
	assert_band(&b.band[3], BAND_PAUSE, 4.5, 5, "n1");
	assert_band(&b.band[4], BAND_SKEW, 5.5, 6.5, "n2");
	assert_band(&b.band[5], BAND_LINK, 7.5, INFINITY, "n1>n2");
	bands_release(&b);
}

static void a_trace_that_does_not_fit_is_told(void **state)
{
	struct bands b;
	char why[BANDS_WHY_BYTES];
	bool data;

	(void)state;
	assert_int_equal(read_bands(&b, "", why, &data), -1);
	assert_true(data);
	assert_string_equal(why, "it has no request of 'c-0'");
	bands_release(&b);
	assert_int_equal(read_bands(&b, "{}\n" FIRST(1), why, &data), -1);
	assert_true(data);
	assert_memory_equal(why, "line 2: ", 8);
	bands_release(&b);
	assert_int_equal(bands_read(&b, "/nonexistent/trace", "c-0", 0, why, &data), -1);
	assert_false(data);
	assert_string_equal(why, "No such file or directory");
	bands_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(even_arrivals_do_not_drift),
		cmocka_unit_test(poisson_arrivals_have_exponential_gaps),
		cmocka_unit_test(what_is_left_of_a_schedule_is_counted),
		cmocka_unit_test(what_was_read_is_found_wherever_it_stands),
		cmocka_unit_test(what_is_no_json_is_not_taken_for_what_was_read),
		cmocka_unit_test(the_time_is_read_wherever_it_stands),
		cmocka_unit_test(intervals_have_a_row_each),
		cmocka_unit_test(a_short_last_interval_has_no_row),
		cmocka_unit_test(faults_are_bands_in_our_own_time),
		cmocka_unit_test(a_trace_that_does_not_fit_is_told),
	};

	return cmocka_run_group_tests_name("load", tests, NULL, NULL);
}
