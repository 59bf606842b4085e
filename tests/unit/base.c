/*
 * Unit tests of lib/base: err and opt.  What ends the process runs in a child, whose stdout
 * is a file and whose stderr a socket that keeps each write apart.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/err.h"
#include "lib/base/opt.h"

struct end {
	int status;             /* of exit, or 128 + signal */
	int writes;             /* on stderr */
	char out[16384], err[16384];
};

static struct end end;

static size_t read_writes(int fd, char *text, size_t room, int *writes)
{
	size_t length = 0;
	ssize_t got;

	while (length < room && (got = read(fd, text + length, room - length)) > 0) {
		length += (size_t)got;
		++*writes;
	}
	return length;
}

/* Runs the body in a child; stdout goes to `path` if one is given. */
static void run_to(const char *path, void (*body)(void))
{
	int pair[2], status, out = path ? open(path, O_WRONLY) : fileno(tmpfile());

	assert_true(out >= 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	fflush(NULL);
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		dup2(out, STDOUT_FILENO);
		dup2(pair[1], STDERR_FILENO);
		close(pair[0]);
		close(pair[1]);
		body();
		_exit(99);
	}
	close(pair[1]);
	memset(&end, 0, sizeof(end));
	read_writes(pair[0], end.err, sizeof(end.err) - 1, &end.writes);
	close(pair[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	end.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	if (!path)
		assert_true(pread(out, end.out, sizeof(end.out) - 1, 0) >= 0);
}

static void run(void (*body)(void))
{
	run_to(NULL, body);
}

static void assert_ended(int status, const char *out, const char *err)
{
	assert_string_equal(end.err, err);
	assert_string_equal(end.out, out);
	assert_int_equal(end.status, status);
}

/* ---- err ---- */

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

/* ---- opt: reading options ---- */

enum { ID_JSON = 256, ID_SPLIT };

static const struct opt ring_options[] = {
	{ .id = 'n', .name = "nodes", .argument = "LIST", .heading = "Ring",
	  .help = "the nodes, as in a,b=2: a name and its weight; a [name] isn't empty, and \\ is a backslash" },
	{ .id = 'r', .name = "replicas", .argument = "N", .help = "nodes for each key" },
	{ .id = 'R', .name = "remove", .argument = "NODE", .help = "without this node" },
	{ .id = 'a', .name = "algorithm", .argument = "NAME", .help = "how keys are placed", .hint = OPT_CHOICE,
	  .choices = "ketama jump rendezvous maglev" },
	{ .id = '0', .name = "null", .help = "keys end in NUL", .heading = "Input" },
	{ .id = 'f', .name = "file", .argument = "FILE", .help = "read the nodes here", .hint = OPT_FILE },
	{ .id = ID_JSON, .name = "json", .help = "lines are JSON" },
	{ .id = ID_SPLIT, .name = "split-by-owner-into", .argument = "DIRECTORY", .help = "a file a node",
	  .hint = OPT_DIRECTORY },
};

static const struct opt_tool ring_tool = {
	.name = "hash-ring", .usage = "hash-ring -n LIST [FILE ...]\nhash-ring -f FILE",
	.purpose = "Says for each line of standard input which of the nodes owns it, in the order of the input.",
	.options = ring_options, .count = sizeof(ring_options) / sizeof(*ring_options),
	.ending = "Exit: 0 done\n      2 usage",
};

static const struct opt human_options[] = {
	{ .id = 'h', .name = "human", .help = "for people" },
	{ .id = 'V', .name = "voters", .argument = "N", .help = "who votes" },
};

static const struct opt_tool human_tool = {
	.name = "kv", .usage = "kv", .purpose = "Asks.", .options = human_options, .count = 2,
};

static const struct opt_tool *tool;
static char words[8][64];
static char *arguments[9];
static int argument_count;

/* Prints each option as `id given argument`, then the operands. */
static void list_options(void)
{
	struct opt_state s;

	opt_init(&s, tool, argument_count, arguments);
	for (int id; (id = opt_next(&s)) != -1;)
		printf(id < 128 ? "%c %s %s\n" : "%d %s %s\n", id, s.given, s.argument ? s.argument : "-");
	for (int i = s.operand; i < s.argc; i++)
		printf("operand %s\n", s.argv[i]);
	finish(EXIT_DONE);
}

static void set_arguments(const struct opt_tool *which, const char *const *given)
{
	tool = which;
	argument_count = 0;
	for (; *given; given++) {
		assert_true(argument_count < 8 && strlen(*given) < sizeof(words[0]));
		strcpy(words[argument_count], *given);
		arguments[argument_count] = words[argument_count];
		argument_count++;
	}
	arguments[argument_count] = NULL;
}

#define RUN_TOOL(which, ...) \
	(set_arguments((which), (const char *const[]){ "argv0", __VA_ARGS__, NULL }), run(list_options))
#define RUN(...) RUN_TOOL(&ring_tool, __VA_ARGS__)
#define TRY "\nTry 'hash-ring --help'.\n"

static void options_come_in_order_by_their_long_and_short_names(void **state)
{
	(void)state;
	RUN("-n", "a,b", "--nodes=c", "--nodes", "d", "-nx", "--json");
	assert_ended(EXIT_DONE, "n -n a,b\nn --nodes c\nn --nodes d\nn -n x\n256 --json -\n", "");
}

static void short_options_group(void **state)
{
	(void)state;
	RUN("-00r3");
	assert_ended(EXIT_DONE, "0 -0 -\n0 -0 -\nr -r 3\n", "");
}

static void an_abbreviation_is_reported_in_full(void **state)
{
	(void)state;
	RUN("--repl", "3", "--al=jump");
	assert_ended(EXIT_DONE, "r --replicas 3\na --algorithm jump\n", "");
}

static void options_may_follow_operands_until_a_double_dash(void **state)
{
	(void)state;
	RUN("one", "-0", "-", "--", "--json", "two");
	assert_ended(EXIT_DONE, "0 -0 -\noperand one\noperand -\noperand --json\noperand two\n", "");
}

static void a_second_table_starts_from_its_own_arguments(void **state)
{
	struct opt_state s;

	(void)state;
	for (int i = 0; i < 2; i++) {
		set_arguments(&ring_tool, (const char *const[]){ "argv0", "-r3", "x", NULL });
		opt_init(&s, tool, argument_count, arguments);
		assert_string_equal(err_tool_name(), "hash-ring");
		assert_int_equal(opt_next(&s), 'r');
		assert_int_equal(opt_number(&s, 0, 9), 3);
		assert_int_equal(opt_next(&s), -1);
		assert_string_equal(s.argv[s.operand], "x");
		assert_int_equal(s.operand, 2);
	}
}

static void an_unknown_option_names_the_near_miss(void **state)
{
	(void)state;
	RUN("--replcas", "3");
	assert_ended(EXIT_USAGE, "", "hash-ring: unknown option '--replcas': did you mean '--replicas'?" TRY);
	RUN("--ndoes=a,b");
	assert_ended(EXIT_USAGE, "", "hash-ring: unknown option '--ndoes': did you mean '--nodes'?" TRY);
	RUN("--hlep");
	assert_ended(EXIT_USAGE, "", "hash-ring: unknown option '--hlep': did you mean '--help'?" TRY);
}

static void an_unknown_option_far_from_all_is_only_named(void **state)
{
	(void)state;
	RUN("--xyzzy");
	assert_ended(EXIT_USAGE, "", "hash-ring: unknown option '--xyzzy'" TRY);
	RUN("-0q");
	assert_ended(EXIT_USAGE, "0 -0 -\n", "hash-ring: unknown option '-q'" TRY);
	RUN("-\xc3\xa9");
	assert_ended(EXIT_USAGE, "", "hash-ring: unknown option '-\\xc3'" TRY);
	RUN("-?");
	assert_ended(EXIT_USAGE, "", "hash-ring: unknown option '-?'" TRY);
}

static void an_ambiguous_abbreviation_lists_what_it_could_be(void **state)
{
	(void)state;
	RUN("--re=3");
	assert_ended(EXIT_USAGE, "", "hash-ring: ambiguous option '--re': could be '--replicas', '--remove'" TRY);
}

static void a_missing_argument_names_the_option_and_what_it_wants(void **state)
{
	(void)state;
	RUN("--replicas");
	assert_ended(EXIT_USAGE, "", "hash-ring: option '--replicas' needs an argument: N" TRY);
	RUN("-0r");
	assert_ended(EXIT_USAGE, "0 -0 -\n", "hash-ring: option '-r' needs an argument: N" TRY);
}

static void an_argument_that_is_not_wanted_is_an_error(void **state)
{
	(void)state;
	RUN("--json=1");
	assert_ended(EXIT_USAGE, "", "hash-ring: option '--json' takes no argument: '1'" TRY);
	RUN("--version=");
	assert_ended(EXIT_USAGE, "", "hash-ring: option '--version' takes no argument: ''" TRY);
}

/* ---- opt: what is shown ---- */

static const char ring_help[] =
	"usage: hash-ring -n LIST [FILE ...]\n"
	"       hash-ring -f FILE\n"
	"Says for each line of standard input which of the nodes owns it, in the order\n"
	"of the input.\n"
	"\n"
	"Ring:\n"
	"  -n, --nodes LIST      the nodes, as in a,b=2: a name and its weight; a [name]\n"
	"                        isn't empty, and \\ is a backslash\n"
	"  -r, --replicas N      nodes for each key\n"
	"  -R, --remove NODE     without this node\n"
	"  -a, --algorithm NAME  how keys are placed (ketama, jump, rendezvous, maglev)\n"
	"\n"
	"Input:\n"
	"  -0, --null            keys end in NUL\n"
	"  -f, --file FILE       read the nodes here\n"
	"      --json            lines are JSON\n"
	"      --split-by-owner-into DIRECTORY\n"
	"                        a file a node\n"
	"\n"
	"Other:\n"
	"  -h, --help            show this help\n"
	"  -V, --version         show the version\n"
	"\n"
	"Exit: 0 done\n"
	"      2 usage\n";

static void help_is_wrapped_and_aligned_in_its_groups(void **state)
{
	(void)state;
	RUN("--help", "--and=nothing-after-it");
	assert_ended(EXIT_DONE, ring_help, "");
	RUN("-h");
	assert_ended(EXIT_DONE, ring_help, "");
}

static void a_letter_the_table_uses_is_not_help_or_version(void **state)
{
	(void)state;
	RUN_TOOL(&human_tool, "-h", "-V", "3");
	assert_ended(EXIT_DONE, "h -h -\nV -V 3\n", "");
	RUN_TOOL(&human_tool, "--help");
	assert_ended(EXIT_DONE, "usage: kv\nAsks.\n\n  -h, --human     for people\n  -V, --voters N  who votes\n"
	                        "      --help      show this help\n      --version   show the version\n", "");
}

static void a_version_is_the_name_and_three_numbers(void **state)
{
	int numbers[3], length = 0;

	(void)state;
	RUN("-V");
	sscanf(end.out, "hash-ring %d.%d.%d\n%n", &numbers[0], &numbers[1], &numbers[2], &length);
	assert_true(length > 0);
	assert_int_equal(length, strlen(end.out));
	assert_int_equal(end.status, EXIT_DONE);
}

static void help_on_a_full_disk_is_exit_4(void **state)
{
	static const char *const asked[] = { "--help", "--version", "--completion" };

	(void)state;
	for (int i = 0; i < 3; i++) {
		set_arguments(&ring_tool, (const char *const[]){ "argv0", asked[i], "bash", NULL });
		run_to("/dev/full", list_options);
		assert_ended(EXIT_SYSTEM, "", "hash-ring: cannot write 'stdout': No space left on device\n");
	}
}

static void assert_has(const char *text)
{
	if (!strstr(end.out, text))
		fail_msg("not in the output: %s\n%s", text, end.out);
}

static void completions_know_names_hints_and_choices(void **state)
{
	(void)state;
	RUN("--completion", "bash");
	assert_int_equal(end.status, EXIT_DONE);
	assert_has("complete -o default -F _hash_ring hash-ring\n");
	assert_has("-a | --algorithm)\n\t\tCOMPREPLY=($(compgen -W 'ketama jump rendezvous maglev' -- \"$cur\"))\n");
	assert_has("\t-f | --file)\n\t\treturn\n");
	assert_has("\t--split-by-owner-into)\n\t\tcompopt -o dirnames +o default 2>/dev/null\n");
	assert_has("--split-by-owner-into -h --help -V --version' -- \"$cur\"");

	RUN("--completion", "zsh");
	assert_int_equal(end.status, EXIT_DONE);
	assert_has("#compdef hash-ring\n");
	assert_has("\t'*'{-a+,--algorithm=}'[how keys are placed]:NAME:(ketama jump rendezvous maglev)' \\\n");
	assert_has("\t'*'--split-by-owner-into='[a file a node]:DIRECTORY:_files -/' \\\n");
	assert_has("\t'*'{-f+,--file=}'[read the nodes here]:FILE:_files' \\\n\t'*'--json'[lines are JSON]' \\\n");

	RUN("--completion", "fish");
	assert_int_equal(end.status, EXIT_DONE);
	assert_has("complete -c hash-ring -s a -l algorithm -x -a 'ketama jump rendezvous maglev' -d 'how keys");
	assert_has("complete -c hash-ring -s f -l file -r -F -d 'read the nodes here'\n");
	assert_has("complete -c hash-ring -l split-by-owner-into -x -a '(__fish_complete_directories)' -d");
	assert_has("complete -c hash-ring -s V -l version -d 'show the version'\n");
}

static void help_text_is_quoted_for_its_shell(void **state)
{
	(void)state;
	RUN("--completion", "zsh");
	assert_has("[the nodes, as in a,b=2\\: a name and its weight; "
	           "a \\[name\\] isn'\\''t empty, and \\\\ is a backslash]");
	RUN("--completion", "fish");
	assert_has("-d 'the nodes, as in a,b=2: a name and its weight; "
	           "a [name] isn\\'t empty, and \\\\ is a backslash'\n");
}

static void a_shell_without_completion_is_a_usage_error(void **state)
{
	(void)state;
	RUN("--completion", "tcsh");
	assert_ended(EXIT_USAGE, "", "hash-ring: --completion 'tcsh': must be bash, zsh or fish" TRY);
	RUN("--completion");
	assert_ended(EXIT_USAGE, "", "hash-ring: option '--completion' needs an argument: SHELL" TRY);
	RUN("--compl");
	assert_ended(EXIT_USAGE, "", "hash-ring: unknown option '--compl'" TRY);
}

/* ---- opt: numbers ---- */

static struct opt_state number;
static uint64_t (*number_reader)(const struct opt_state *, uint64_t, uint64_t);
static uint64_t number_min, number_max;

static void read_number(void)
{
	err_tool("hash-ring");
	number_reader(&number, number_min, number_max);
}

/* Each text must be refused, as not being in the range. */
static void assert_refused(const char *range, const char *const *texts)
{
	char expected[256];

	for (; *texts; texts++) {
		number = (struct opt_state){ .argument = *texts, .given = "--replicas" };
		snprintf(expected, sizeof(expected), "hash-ring: --replicas '%s': must be %s" TRY, *texts, range);
		run(read_number);
		assert_ended(EXIT_USAGE, "", expected);
	}
}

#define REFUSED(reader, min, max, range, ...) \
	(number_reader = (reader), number_min = (min), number_max = (max), \
	 assert_refused((range), (const char *const[]){ __VA_ARGS__, NULL }))

static void assert_read(uint64_t reader(const struct opt_state *, uint64_t, uint64_t),
                        const char *text, uint64_t value)
{
	number = (struct opt_state){ .argument = text, .given = "--replicas" };
	assert_true(reader(&number, 0, UINT64_MAX) == value);
	assert_true(reader(&number, value, value) == value);
}

static void a_number_is_exact_to_its_last_bit(void **state)
{
	(void)state;
	assert_read(opt_number, "0", 0);
	assert_read(opt_number, "007", 7);
	assert_read(opt_number, "9007199254740993", 9007199254740993);
	assert_read(opt_number, "18446744073709551615", UINT64_MAX);
}

static void a_wrong_number_names_the_option_and_the_range(void **state)
{
	(void)state;
	REFUSED(opt_number, 1, 255, "a whole number from 1 to 255",
	        "0", "256", "", "-1", "+1", " 1", "1 ", "1.0", "0x10", "1e1", "ten", "4294967297");
	REFUSED(opt_number, 0, UINT64_MAX, "a whole number from 0 to 18446744073709551615",
	        "18446744073709551616", "99999999999999999999", "184467440737095516150");
}

static void a_size_takes_powers_of_1024(void **state)
{
	(void)state;
	assert_read(opt_size, "0", 0);
	assert_read(opt_size, "512", 512);
	assert_read(opt_size, "64K", 65536);
	assert_read(opt_size, "64k", 65536);
	assert_read(opt_size, "1M", 1048576);
	assert_read(opt_size, "2G", 2147483648);
	assert_read(opt_size, "3T", 3298534883328);
	assert_read(opt_size, "16777215T", UINT64_MAX - ((1ULL << 40) - 1));
}

static void a_wrong_size_names_the_range_in_units(void **state)
{
	(void)state;
	REFUSED(opt_size, 4096, 1ULL << 30, "a size from 4K to 1G",
	        "", "K", "4095", "1073741825", "2G", "1.5K", "64KB", "64 K", "-1", "16777216T", "1X");
	REFUSED(opt_size, 0, 1025, "a size from 0 to 1025", "1026");
}

static void a_decimal_is_exact_in_millionths(void **state)
{
	(void)state;
	assert_read(opt_millionths, "0", 0);
	assert_read(opt_millionths, "0.25", 250000);
	assert_read(opt_millionths, ".25", 250000);
	assert_read(opt_millionths, "1.", 1000000);
	assert_read(opt_millionths, "0.000001", 1);
	assert_read(opt_millionths, "0.1000000000", 100000);
	assert_read(opt_millionths, "1.000001", 1000001);
	assert_read(opt_millionths, "18446744073709.551615", UINT64_MAX);
}

static void a_wrong_decimal_names_the_range(void **state)
{
	(void)state;
	REFUSED(opt_millionths, 10000, 1500000, "a number from 0.01 to 1.5 with at most 6 decimals",
	        "", ".", "0", "0.009999", "1.500001", "0.1000001", "1..2", "1.2.3", "1e-1", "-1", "0,5", "nan", "10%");
	REFUSED(opt_millionths, 0, UINT64_MAX, "a number from 0 to 18446744073709.551615 with at most 6 decimals",
	        "18446744073709.551616", "18446744073710", "99999999999999999999");
}

/* ---- opt: near misses ---- */

static const char *const algorithms[] = { "ketama", "jump", "rendezvous", "maglev", "anchor", "dx", NULL };

static void a_slip_of_the_fingers_is_near(void **state)
{
	(void)state;
	assert_string_equal(opt_near("katama", algorithms), "ketama");
	assert_string_equal(opt_near("jmup", algorithms), "jump");
	assert_string_equal(opt_near("jum", algorithms), "jump");
	assert_string_equal(opt_near("jumpp", algorithms), "jump");
	assert_string_equal(opt_near("rendez-vous", algorithms), "rendezvous");
	assert_string_equal(opt_near("jump", algorithms), "jump");
}

static void the_nearest_wins_and_the_first_of_equals(void **state)
{
	static const char *const equals[] = { "remote", "remove", "removed", NULL };

	(void)state;
	assert_string_equal(opt_near("remoove", equals), "remove");
	assert_string_equal(opt_near("remoxe", equals), "remote");
}

static void another_word_is_not_near(void **state)
{
	static const char *const none[] = { NULL };
	char long_word[4096];

	(void)state;
	memset(long_word, 'j', sizeof(long_word) - 1);
	long_word[sizeof(long_word) - 1] = '\0';
	assert_null(opt_near("stamp", algorithms));
	assert_null(opt_near("x", algorithms));
	assert_null(opt_near("", algorithms));
	assert_null(opt_near("jumping", algorithms));
	assert_null(opt_near(long_word, algorithms));
	assert_null(opt_near("jump", none));
	assert_null(opt_near("jump", (const char *const[]){ long_word, NULL }));
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
		cmocka_unit_test(options_come_in_order_by_their_long_and_short_names),
		cmocka_unit_test(short_options_group),
		cmocka_unit_test(an_abbreviation_is_reported_in_full),
		cmocka_unit_test(options_may_follow_operands_until_a_double_dash),
		cmocka_unit_test(a_second_table_starts_from_its_own_arguments),
		cmocka_unit_test(an_unknown_option_names_the_near_miss),
		cmocka_unit_test(an_unknown_option_far_from_all_is_only_named),
		cmocka_unit_test(an_ambiguous_abbreviation_lists_what_it_could_be),
		cmocka_unit_test(a_missing_argument_names_the_option_and_what_it_wants),
		cmocka_unit_test(an_argument_that_is_not_wanted_is_an_error),
		cmocka_unit_test(help_is_wrapped_and_aligned_in_its_groups),
		cmocka_unit_test(a_letter_the_table_uses_is_not_help_or_version),
		cmocka_unit_test(a_version_is_the_name_and_three_numbers),
		cmocka_unit_test(help_on_a_full_disk_is_exit_4),
		cmocka_unit_test(completions_know_names_hints_and_choices),
		cmocka_unit_test(help_text_is_quoted_for_its_shell),
		cmocka_unit_test(a_shell_without_completion_is_a_usage_error),
		cmocka_unit_test(a_number_is_exact_to_its_last_bit),
		cmocka_unit_test(a_wrong_number_names_the_option_and_the_range),
		cmocka_unit_test(a_size_takes_powers_of_1024),
		cmocka_unit_test(a_wrong_size_names_the_range_in_units),
		cmocka_unit_test(a_decimal_is_exact_in_millionths),
		cmocka_unit_test(a_wrong_decimal_names_the_range),
		cmocka_unit_test(a_slip_of_the_fingers_is_near),
		cmocka_unit_test(the_nearest_wins_and_the_first_of_equals),
		cmocka_unit_test(another_word_is_not_near),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
