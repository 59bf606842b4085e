/*
 * lib/node/metrics: what a status becomes, judged by tests/openmetrics, a strict checker of the format; and
 * that a reader of the file never sees a part of it.
 */
#include "lib/node/metrics.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static char dir[] = "/tmp/faultline-metrics-XXXXXX";
static char path[64], aside[80];

static int make_dir(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/n1.prom", dir);
	snprintf(aside, sizeof(aside), "%s.new", path);
	return 0;
}

static int remove_dir(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(dir);
}

static const char status_text[] =
	"{\"id\":\"n1\",\"role\":\"leader\",\"term\":3,\"voted_for\":\"n1\",\"leader\":\"n1\",\"commit_index\":7,"
	"\"last_applied\":6,\"first_index\":1,\"last_index\":8,\"last_term\":3,\"snapshot_index\":0,"
	"\"voters\":[\"n1\",\"n2\",\"n3\"],\"learners\":[],\"waiting\":2,\"log_bytes\":8388608,"
	"\"counters\":{\"lines\":100,\"bad_lines\":1,\"flushes\":12,\"flushed_bytes\":4096,\"flush_us\":1500000}}";

static char *slurp(void)
{
	static char text[1 << 16];
	FILE *f = fopen(path, "r");
	size_t n;

	assert_non_null(f);
	n = fread(text, 1, sizeof(text) - 1, f);
	text[n] = '\0';
	fclose(f);
	return text;
}

/* The file that a status makes; it is OpenMetrics. */
static char *written(const char *status)
{
	struct store_report report;
	json_error_t error;
	json_t *json = json_loads(status, 0, &error);
	char command[128];

	assert_non_null(json);
	assert_int_equal(metrics_write(path, json, &report), 0);
	json_decref(json);
	assert_int_equal(access(aside, F_OK), -1);
	snprintf(command, sizeof(command), "tests/openmetrics %s >&2", path);
	assert_int_equal(system(command), 0);
	return slurp();
}

static bool has_line(const char *text, const char *line)
{
	const char *at = strstr(text, line);

	return at && (at == text || at[-1] == '\n') && at[strlen(line)] == '\n';
}

#define assert_line(text, line) assert_true(has_line(text, line))

static void numbers_are_gauges_and_counters_are_counters(void **state)
{
	const char *text = written(status_text);

	(void)state;
	assert_line(text, "# TYPE faultline_commit_index gauge");
	assert_line(text, "# HELP faultline_commit_index Highest index known to be committed.");
	assert_line(text, "faultline_commit_index{id=\"n1\"} 7");
	assert_line(text, "faultline_term{id=\"n1\"} 3");
	assert_line(text, "# TYPE faultline_bad_lines counter");
	assert_line(text, "faultline_bad_lines_total{id=\"n1\"} 1");
	assert_null(strstr(text, "voted_for"));
}

static void names_with_a_unit_say_it(void **state)
{
	const char *text = written(status_text);

	(void)state;
	assert_line(text, "# UNIT faultline_log_bytes bytes");
	assert_line(text, "faultline_log_bytes{id=\"n1\"} 8388608");
	assert_line(text, "faultline_flushed_bytes_total{id=\"n1\"} 4096");
	assert_line(text, "# TYPE faultline_flush_seconds counter");
	assert_line(text, "# UNIT faultline_flush_seconds seconds");
	assert_line(text, "faultline_flush_seconds_total{id=\"n1\"} 1.5");
}

static void role_is_a_state_set(void **state)
{
	const char *text = written(status_text);

	(void)state;
	assert_line(text, "# TYPE faultline_role stateset");
	assert_line(text, "faultline_role{id=\"n1\",faultline_role=\"leader\"} 1");
	assert_line(text, "faultline_role{id=\"n1\",faultline_role=\"follower\"} 0");
	text = written("{\"id\":\"n1\",\"role\":\"witness\"}");
	assert_line(text, "faultline_role{id=\"n1\",faultline_role=\"leader\"} 0");
	assert_line(text, "faultline_role{id=\"n1\",faultline_role=\"witness\"} 1");
}

static void an_unknown_leader_is_0_and_has_no_name(void **state)
{
	(void)state;
	assert_line(written(status_text), "faultline_leader{id=\"n1\",leader=\"n1\"} 1");
	assert_line(written("{\"id\":\"n1\",\"leader\":null}"), "faultline_leader{id=\"n1\"} 0");
}

static void lists_are_counted_and_a_ballot_is_its_round(void **state)
{
	const char *text = written(status_text);

	(void)state;
	assert_line(text, "faultline_voters{id=\"n1\"} 3");
	assert_line(text, "faultline_learners{id=\"n1\"} 0");
	text = written("{\"id\":\"n1\",\"ballot\":[12,\"n3\"],\"promised\":null}");
	assert_line(text, "faultline_ballot{id=\"n1\"} 12");
	assert_null(strstr(text, "promised"));
}

static void names_from_outside_are_escaped(void **state)
{
	const char *text = written("{\"id\":\"a\\\"b\\\\c\\nd\\u00e9\",\"leader\":\"\\\"\",\"term\":1}");

	(void)state;
	assert_line(text, "faultline_term{id=\"a\\\"b\\\\c\\nd\xc3\xa9\"} 1");
	assert_line(text, "faultline_leader{id=\"a\\\"b\\\\c\\nd\xc3\xa9\",leader=\"\\\"\"} 1");
}

static void odd_members_do_no_harm(void **state)
{
	const char *text = written("{\"id\":7,\"bad name\":1,\"A\":1,\"x\":1.5,\"y\":-2,\"s\":\"t\",\"o\":{\"a\":1},\"n\":null,"
				   "\"b\":true,\"lines\":5,\"counters\":{\"lines\":9007199254740992,\"text\":\"t\"}}");

	(void)state;
	assert_line(text, "faultline_x{id=\"\"} 1.5");
	assert_line(text, "faultline_y{id=\"\"} -2");
	assert_line(text, "faultline_lines_total{id=\"\"} 9007199254740992");
	assert_null(strstr(text, "faultline_lines{"));
	assert_string_equal(written("{}"), "# EOF\n");
}

static void a_file_is_replaced_as_a_whole(void **state)
{
	struct stat before, after;
	FILE *old;

	(void)state;
	written(status_text);
	assert_int_equal(stat(path, &before), 0);
	old = fopen(path, "r");
	assert_non_null(old);
	written("{}");
	assert_int_equal(stat(path, &after), 0);
	assert_int_not_equal(before.st_ino, after.st_ino);
	assert_int_equal(fgetc(old), '#');      /* who has it open reads on in the old one */
	fclose(old);
}

/* The report of a write that has to fail. */
static const char *failure(const char *to)
{
	static struct store_report report;
	json_t *status = json_loads(status_text, 0, NULL);

	assert_int_equal(metrics_write(to, status, &report), STORE_ESYSTEM);
	json_decref(status);
	return report.text;
}

static void what_cannot_be_written_is_told_and_leaves_nothing(void **state)
{
	char target[128], long_name[5000];

	(void)state;
	written(status_text);
	assert_string_equal(failure("/nonexistent/n1.prom"), "cannot write '/nonexistent/n1.prom': No such file or directory");
	snprintf(target, sizeof(target), "cannot write '%s': Is a directory", dir);
	assert_string_equal(failure(dir), target);
	snprintf(target, sizeof(target), "%s.new", dir);
	assert_int_equal(access(target, F_OK), -1);
	memset(long_name, 'a', sizeof(long_name) - 1);
	long_name[sizeof(long_name) - 1] = '\0';
	assert_string_equal(failure(long_name), "the name of the metrics file is too long");
	assert_non_null(strstr(slurp(), "# EOF\n"));
}

static void a_full_disk_keeps_the_old_file(void **state)
{
	char expected[128];

	(void)state;
	written(status_text);
	assert_int_equal(symlink("/dev/full", aside), 0);
	snprintf(expected, sizeof(expected), "cannot write '%s': No space left on device", path);
	assert_string_equal(failure(path), expected);
	assert_int_equal(access(aside, F_OK), -1);
	assert_line(slurp(), "faultline_commit_index{id=\"n1\"} 7");
}

/* --- The judge --- */

static void the_checker_refuses_what_is_wrong(void **state)
{
	static const char *const wrong[] = {
		"", "# TYPE a gauge\na 1\n", "# EOF\n\n", "\n# EOF\n", "# TYPE a gauge\na 1 \n# EOF\n",
		"# TYPE a gauge\na 1\na 1\n# EOF\n", "# TYPE a counter\na 1\n# EOF\n", "# TYPE a counter\na_total -1\n# EOF\n",
		"# TYPE a gauge\na x\n# EOF\n", "# TYPE a gauge\nb 1\n# EOF\n", "# TYPE a gauge\na{b=\"c} 1\n# EOF\n",
		"# TYPE a gauge\na{b=\"c\",b=\"d\"} 1\n# EOF\n", "# TYPE a gauge\na{b=\"\\x\"} 1\n# EOF\n",
		"# TYPE a stateset\na{b=\"c\"} 1\n# EOF\n", "# TYPE a stateset\na{a=\"c\"} 2\n# EOF\n",
		"# TYPE a gauge\n# UNIT a bytes\na 1\n# EOF\n", "# TYPE a gauge\na 1\n# HELP a b\n# EOF\n",
		"# TYPE a gauge\na 1\n# TYPE b gauge\nb 1\n# TYPE a gauge\n# EOF\n", "# TYPE a thing\na 1\n# EOF\n",
		"# TYPE a gauge\na{b=\"c\",} 1\n# EOF\n", "# TYPE a gauge\n1a 1\n# EOF\n", "# TYPE a gauge\na  1\n# EOF\n",
	};
	char command[128];

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		FILE *f = fopen(path, "w");

		assert_non_null(f);
		fputs(wrong[i], f);
		fclose(f);
		snprintf(command, sizeof(command), "tests/openmetrics %s >/dev/null", path);
		if (!system(command))
			fail_msg("taken: %s", wrong[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_gauges_and_counters_are_counters),
		cmocka_unit_test(names_with_a_unit_say_it),
		cmocka_unit_test(role_is_a_state_set),
		cmocka_unit_test(an_unknown_leader_is_0_and_has_no_name),
		cmocka_unit_test(lists_are_counted_and_a_ballot_is_its_round),
		cmocka_unit_test(names_from_outside_are_escaped),
		cmocka_unit_test(odd_members_do_no_harm),
		cmocka_unit_test(a_file_is_replaced_as_a_whole),
		cmocka_unit_test(what_cannot_be_written_is_told_and_leaves_nothing),
		cmocka_unit_test(a_full_disk_keeps_the_old_file),
		cmocka_unit_test(the_checker_refuses_what_is_wrong),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
