/*
 * lib/plan: a plan's file, its errors and bounds; and times as text, which lib/base reads.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/duration.h"
#include "lib/plan/plan.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define S UINT64_C(1000000000)
#define MS UINT64_C(1000000)
#define AT "{\"at\":\"1s\",\"type\":"

/* --- Files --- */

/* Reads the text as a plan from a file. */
static int read_text(const char *text, size_t len, struct fault_order **o, size_t *count, size_t *line,
		     struct plan_error *e)
{
	char path[] = "/tmp/plan-XXXXXX";
	int fd = mkstemp(path), rc;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), len);
	close(fd);
	memset(e, 0, sizeof(*e));
	rc = plan_read(path, o, count, line, e);
	unlink(path);
	return rc;
}

static void a_file_is_read_in_its_order(void **unused)
{
	static const char text[] = "# a plan\n\n" AT "\"calm\"}\n  \t\r\n  # more\n"
				   "{\"at\":\"5ms\",\"type\":\"crash\",\"node\":\"n1\"}";
	struct fault_order *o;
	struct plan_error e;
	size_t count, line;

	(void)unused;
	assert_int_equal(read_text(text, sizeof(text) - 1, &o, &count, &line, &e), 0);
	assert_int_equal(count, 2);
	assert_int_equal(o[0].kind, FAULT_ORDER_CALM);
	assert_int_equal(o[1].kind, FAULT_ORDER_CRASH);
	assert_int_equal(o[1].at_ns, 5 * MS);
	for (size_t i = 0; i < count; i++)
		fault_order_release(&o[i]);
	free(o);
	assert_int_equal(read_text("", 0, &o, &count, &line, &e), 0);
	assert_int_equal(count, 0);
	free(o);
}

static void a_file_that_is_wrong_names_its_line(void **unused)
{
	static const char text[] = "#\n" AT "\"crash\",\"node\":\"n1\"}\n\n" AT "\"crsh\",\"node\":\"n1\"}\nworse\n";
	struct fault_order *o;
	struct plan_error e;
	size_t count, line;

	(void)unused;
	assert_int_equal(read_text(text, sizeof(text) - 1, &o, &count, &line, &e), -1);
	assert_int_equal(line, 4);
	assert_string_equal(e.why, "type 'crsh' is unknown: did you mean 'crash'?");
	errno = 0;
	assert_int_equal(plan_read("/nowhere/plan", &o, &count, &line, &e), -1);
	assert_int_equal(line, 0);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(plan_read("/", &o, &count, &line, &e), -1);
	assert_int_equal(line, 0);
	assert_int_equal(errno, EISDIR);
}

static void a_file_has_bounds(void **unused)
{
	static const char order[] = AT "\"calm\"}\n";
	enum { EACH = sizeof(order) - 1, ALL = (FAULT_ORDERS_MAX + 1) * EACH, LINE_MAX_BYTES = 1 << 20 };
	char *text = malloc(ALL);
	struct fault_order *o;
	struct plan_error e;
	size_t count, line;

	(void)unused;
	for (size_t at = 0; at < ALL; at += EACH)
		memcpy(text + at, order, EACH);
	assert_int_equal(read_text(text, ALL, &o, &count, &line, &e), -1);
	assert_int_equal(line, FAULT_ORDERS_MAX + 1);
	assert_string_equal(e.why, "more than 65536 orders");
	assert_int_equal(read_text(text, ALL - EACH, &o, &count, &line, &e), 0);
	assert_int_equal(count, FAULT_ORDERS_MAX);
	free(o);
	/* White space makes a line long. */
	memset(text + EACH, ' ', LINE_MAX_BYTES);
	memcpy(text + EACH + LINE_MAX_BYTES - EACH + 1, order, EACH);
	assert_int_equal(read_text(text, EACH + LINE_MAX_BYTES + 1, &o, &count, &line, &e), 0);
	assert_int_equal(count, 2);
	free(o);
	text[EACH + LINE_MAX_BYTES - EACH] = ' ';
	memmove(text + EACH + 1, text + EACH, LINE_MAX_BYTES + 1);
	assert_int_equal(read_text(text, EACH + LINE_MAX_BYTES + 2, &o, &count, &line, &e), -1);
	assert_int_equal(line, 2);
	assert_string_equal(e.why, "longer than 1 MiB");
	free(text);
}

/* --- Durations --- */

static void times_are_read_and_written(void **unused)
{
	static const struct { const char *text; uint64_t ns; const char *form; } t[] = {
		{ "0s", 0, "0s" }, { "1ns", 1, "1ns" }, { "50ms", 50 * MS, "50ms" }, { "1.5s", 1500 * MS, "1500ms" },
		{ "0.000000001s", 1, "1ns" }, { "0.9ns", 0, "0s" }, { "60s", 60 * S, "1m" }, { "1.5h", 5400 * S, "90m" },
		{ "007us", 7000, "7us" }, { "1.0000000019s", S + 1, "1000000001ns" },
	};
	static const char *const wrong[] = {
		"", "s", "1", ".5s", "1.s", "1..5s", "1.5.5s", "-1s", "+1s", " 1s", "1 s", "1sec", "1S", "1e3s", "1,5s",
		"5124096h", "99999999999999999999ns",
	};
	char text[DURATION_BYTES];
	uint64_t ns;

	(void)unused;
	for (size_t i = 0; i < COUNT(t); i++) {
		assert_true(duration_read(t[i].text, strlen(t[i].text), &ns));
		assert_int_equal(ns, t[i].ns);
		duration_write(text, ns);
		assert_string_equal(text, t[i].form);
		assert_int_equal(plan_duration(t[i].text, strlen(t[i].text), &ns), 0);
	}
	for (size_t i = 0; i < COUNT(wrong); i++)
		if (duration_read(wrong[i], strlen(wrong[i]), &ns))
			fail_msg("taken: '%s'", wrong[i]);
	assert_true(duration_read("1sx", 2, &ns));
	assert_int_equal(ns, S);
	assert_true(duration_read("8761h", 5, &ns));
	assert_int_equal(plan_duration("8761h", 5, &ns), -1);
	duration_write(text, UINT64_MAX);
	assert_string_equal(text, "18446744073709551615ns");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_is_read_in_its_order),
		cmocka_unit_test(a_file_that_is_wrong_names_its_line),
		cmocka_unit_test(a_file_has_bounds),
		cmocka_unit_test(times_are_read_and_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
