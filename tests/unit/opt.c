/* lib/base/opt: how options are read, and what is shown of them: help, completions, versions. */
#include "lib/base/opt.h"
#include "tests/unit/base_rig.h"

/* --- Reading options --- */

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

/* --- What is shown --- */

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

int main(void)
{
	const struct CMUnitTest tests[] = {
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
