/* lib/base/err: messages, memory that is not there, and how a process ends. */
#include "tests/unit/base_rig.h"

static void warn_twice(void)
{
	err_tool("hashring");
	errno = ENOSPC;
	warn("cannot open '%s': %s", "n1.raft", strerror(errno));
	warn("%m");
	finish(EXIT_NO);
}

static void a_message_is_one_write_and_keeps_errno(void **state)
{
	(void)state;
	run(warn_twice);
	assert_ended(EXIT_NO, "", "hashring: cannot open 'n1.raft': No space left on device\n"
	                          "hashring: No space left on device\n");
	assert_int_equal(end.writes, 2);
}

static void warn_of_nobody(void)
{
	warn("%s", "here");
	finish(EXIT_DONE);
}

static void a_tool_without_a_name_is_called_as_its_file(void **state)
{
	char expected[256];

	(void)state;
	snprintf(expected, sizeof(expected), "%s: here\n", program_invocation_short_name);
	run(warn_of_nobody);
	assert_ended(EXIT_DONE, "", expected);
}

static void warn_long(void)
{
	static char text[3 * 4096];

	err_tool("hashring");
	for (size_t i = 0; i + 2 < sizeof(text); i += 2)
		memcpy(text + i, "\xc3\xa9", 2);
	die_usage("a%s", text);
}

static void a_long_message_is_cut_between_characters_and_keeps_its_last_line(void **state)
{
	static const char tail[] = "\xc3\xa9\nTry 'hashring --help'.\n";

	(void)state;
	run(warn_long);
	assert_int_equal(end.writes, 1);
	assert_in_range(strlen(end.err), 3900, 4096);
	assert_string_equal(end.err + strlen(end.err) - strlen(tail), tail);
}

static void warn_control(void)
{
	err_tool("hashring");
	warn("'%s'", "a\nb\033[31m\x7f\xc3\xa9");
	finish(EXIT_DONE);
}

static void a_control_character_neither_breaks_the_line_nor_steers_the_terminal(void **state)
{
	(void)state;
	run(warn_control);
	assert_ended(EXIT_DONE, "", "hashring: 'a?b?[31m?\xc3\xa9'\n");
}

static void die_after_answer(void)
{
	err_tool("lincheck");
	printf("answer\n");
	die(EXIT_DATA, "line %d", 7);
}

static void die_keeps_the_answers_and_has_its_status(void **state)
{
	(void)state;
	run(die_after_answer);
	assert_ended(EXIT_DATA, "answer\n", "lincheck: line 7\n");
}

static void die_by_usage(void)
{
	err_tool("kv");
	die_usage("--to '%s': unknown", "x");
}

static void a_usage_error_is_two_lines_and_exit_2(void **state)
{
	(void)state;
	run(die_by_usage);
	assert_ended(EXIT_USAGE, "", "kv: --to 'x': unknown\nTry 'kv --help'.\n");
	assert_int_equal(end.writes, 1);
}

static void answer(void)
{
	err_tool("kv");
	printf("answer\n");
	finish(EXIT_NO);
}

static void finish_flushes_and_has_its_status(void **state)
{
	(void)state;
	run(answer);
	assert_ended(EXIT_NO, "answer\n", "");
}

static void a_full_disk_is_exit_4_never_0(void **state)
{
	(void)state;
	run_to("/dev/full", answer);
	assert_ended(EXIT_SYSTEM, "", "kv: cannot write 'stdout': No space left on device\n");
	run_to("/dev/full", die_after_answer);
	assert_ended(EXIT_SYSTEM, "",
	             "lincheck: line 7\nlincheck: cannot write 'stdout': No space left on device\n");
}

static void lose_earlier(void)
{
	int null = open("/dev/null", O_WRONLY);

	err_tool("kv");
	setvbuf(stdout, NULL, _IONBF, 0);
	printf("lost");
	dup2(null, STDOUT_FILENO);
	finish(EXIT_DONE);
}

static void output_lost_earlier_is_not_forgotten(void **state)
{
	(void)state;
	run_to("/dev/full", lose_earlier);
	assert_ended(EXIT_SYSTEM, "", "kv: cannot write 'stdout': an earlier write failed\n");
}

static void flush_often(void)
{
	err_tool("kv");
	flush_output();
	printf("answer\n");
	flush_output();
	_exit(EXIT_DONE);
}

static void a_flush_shows_the_answers_or_ends_the_process_at_once(void **state)
{
	(void)state;
	run(flush_often);
	assert_ended(EXIT_DONE, "answer\n", "");
	run_to("/dev/full", flush_often);
	assert_ended(EXIT_SYSTEM, "", "kv: cannot write 'stdout': No space left on device\n");
}

static void finish_closed_silent(void)
{
	close(STDOUT_FILENO);
	finish(EXIT_DONE);
}

static void finish_closed_loud(void)
{
	close(STDOUT_FILENO);
	answer();
}

static void a_closed_stdout_is_an_error_only_where_something_was_to_be_said(void **state)
{
	(void)state;
	run(finish_closed_silent);
	assert_ended(EXIT_DONE, "", "");
	run(finish_closed_loud);
	assert_ended(EXIT_SYSTEM, "", "kv: cannot write 'stdout': Bad file descriptor\n");
}

/* The address sanitizer ends a process that wants too much, unless told not to. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "allocator_may_return_null=1";
}

static volatile size_t huge = SIZE_MAX / 4;

static void want_bytes(void)
{
	err_tool("kv");
	free(must_malloc(huge * 3));
}

static void *volatile kept;      /* where the leak sanitizer finds it */

static void want_more(void)
{
	err_tool("kv");
	kept = must_malloc(1);
	kept = must_realloc(kept, huge * 3);
}

static void want_product(void)
{
	err_tool("kv");
	free(must_calloc(huge, 8));
}

/* Before the message a sanitizer may have its own. */
static void assert_wanted(void (*body)(void), const char *what)
{
	char expected[256];

	run(body);
	snprintf(expected, sizeof(expected), "kv: cannot allocate %s: Cannot allocate memory\n", what);
	assert_int_equal(end.status, EXIT_SYSTEM);
	assert_true(strlen(end.err) >= strlen(expected));
	assert_string_equal(end.err + strlen(end.err) - strlen(expected), expected);
}

static void memory_that_is_not_there_is_exit_4(void **state)
{
	char wanted[64];

	(void)state;
	snprintf(wanted, sizeof(wanted), "%zu bytes", huge * 3);
	assert_wanted(want_bytes, wanted);
	assert_wanted(want_more, wanted);
	snprintf(wanted, sizeof(wanted), "%zu times 8 bytes", huge);
	assert_wanted(want_product, wanted);
}

static void nothing_is_memory_too(void **state)
{
	void *memory = must_malloc(0);

	(void)state;
	assert_non_null(memory);
	memory = must_realloc(memory, 0);
	assert_non_null(memory);
	free(memory);
	memory = must_calloc(0, 8);
	assert_non_null(memory);
	free(memory);
	unsigned char *zeros = must_calloc(3, 5);
	for (int i = 0; i < 15; i++)
		assert_int_equal(zeros[i], 0);
	free(zeros);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_message_is_one_write_and_keeps_errno),
		cmocka_unit_test(a_tool_without_a_name_is_called_as_its_file),
		cmocka_unit_test(a_long_message_is_cut_between_characters_and_keeps_its_last_line),
		cmocka_unit_test(a_control_character_neither_breaks_the_line_nor_steers_the_terminal),
		cmocka_unit_test(die_keeps_the_answers_and_has_its_status),
		cmocka_unit_test(a_usage_error_is_two_lines_and_exit_2),
		cmocka_unit_test(finish_flushes_and_has_its_status),
		cmocka_unit_test(a_full_disk_is_exit_4_never_0),
		cmocka_unit_test(output_lost_earlier_is_not_forgotten),
		cmocka_unit_test(a_flush_shows_the_answers_or_ends_the_process_at_once),
		cmocka_unit_test(a_closed_stdout_is_an_error_only_where_something_was_to_be_said),
		cmocka_unit_test(memory_that_is_not_there_is_exit_4),
		cmocka_unit_test(nothing_is_memory_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
