/*
 * lib/node/external_program: a program that fails ends the node, which says why; one that does not is not blamed; and
 * no program outlives its node.
 */
#include "tests/unit/external_rig.h"

#include <signal.h>
#include <sys/wait.h>

/* --- Programs that fail --- */

enum { DEADLINE_MS = 300 };
#define DEADLINE_NS (DEADLINE_MS * SECOND / 1000)

/* What becomes of a node whose program gets two commands, a snapshot, or a state; its last words. */
struct trial {
	const char *command, *words;
	enum { TWO_COMMANDS, NO_COMMAND, ASK_SNAPSHOT, LOAD_STATE, LOAD_NONE } doing;
};

static void drive(const struct trial *t, bool lockstep)
{
	struct buf answer = { 0 };
	struct node node = { 0 };
	bool hangs = !strncmp(t->words, "no answer", 9);
	void *m;

	if (!lockstep)
		uv_loop_fork(uv_default_loop());
	m = external_machine_open(&node, t->command, hangs ? DEADLINE_NS : 20 * SECOND, lockstep);
	if (t->doing == ASK_SNAPSHOT) {
		external_machine.snapshot_begin(m);
	} else if (t->doing == LOAD_STATE || t->doing == LOAD_NONE) {
		external_machine.reset(m);
		if (t->doing == LOAD_STATE)
			(void)external_machine.load(m, "{\"state\":1}", 11);
		external_machine.loaded(m, 1);
	}
	for (uint64_t i = 1; t->doing == TWO_COMMANDS && i <= 2; i++) {
		external_machine.apply(m, i, (struct wire_text){ COMMAND("1"), sizeof(COMMAND("1")) - 1 }, &answer);
		usleep(lockstep ? 50000 : 0);
	}
	if (!lockstep)
		uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}

static void judge(const struct trial *t, bool lockstep)
{
	char said[2048], expected[2048];
	size_t have = 0;
	int fds[2], status;
	ssize_t n;
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		dup2(fds[1], STDERR_FILENO);
		close(fds[0]);
		close(fds[1]);
		drive(t, lockstep);
		_exit(0);
	}
	close(fds[1]);
	while ((n = read(fds[0], said + have, sizeof(said) - 1 - have)) > 0)
		have += (size_t)n;
	said[have] = '\0';
	close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	snprintf(expected, sizeof(expected), "machine '%.128s': %s", t->command, t->words);
	assert_string_equal(said, expected);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), EXIT_SYSTEM);
}

static void judge_all(const struct trial *trials, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		judge(&trials[i], false);
		if (trials[i].doing != NO_COMMAND)
			judge(&trials[i], true);
	}
}

#define JUDGE_ALL(trials) judge_all(trials, sizeof(trials) / sizeof(*trials))

static void a_program_that_ends_ends_the_node_which_says_how(void **state)
{
	static const struct trial trials[] = {
		{ "exit 3", "ended with status 3", TWO_COMMANDS },
		{ "read -r line; exit", "ended with status 0", TWO_COMMANDS },
		{ "read -r line; echo 1; exit 5", "ended with status 5", TWO_COMMANDS },
		{ "read -r line; kill -SEGV $$", "killed by signal 11 (Segmentation fault)", TWO_COMMANDS },
		{ "kill -KILL $$", "killed by signal 9 (Killed)", NO_COMMAND },
		{ "exec 2>&-; /nonexistent/program", "ended with status 127", TWO_COMMANDS },
		{ "read -r line; exec >&-; sleep 5", "closed its stdout", TWO_COMMANDS },
	};

	(void)state;
	JUDGE_ALL(trials);
}

static void a_program_that_does_not_answer_ends_the_node(void **state)
{
	static const struct trial trials[] = {
		{ "sleep 5", "no answer within 0.3 s", TWO_COMMANDS },
		{ "read -r line; echo 1; sleep 5", "no answer within 0.3 s", TWO_COMMANDS },
		{ "while :; do printf .; sleep 0.02; done", "no answer within 0.3 s", TWO_COMMANDS },
		{ "sleep 5", "no answer within 0.3 s", ASK_SNAPSHOT },
		{ "sleep 5", "no answer within 0.3 s", LOAD_STATE },
	};

	(void)state;
	JUDGE_ALL(trials);
}

static void a_program_that_says_anything_else_ends_the_node_which_shows_it(void **state)
{
	static const struct trial trials[] = {
		{ "echo hello; cat", "a line that nobody asked for: hello", NO_COMMAND },
		{ "read -r line; echo hello; cat", "an answer that is no JSON: hello", TWO_COMMANDS },
		{ "read -r line; echo; cat", "an answer that is no JSON: ", TWO_COMMANDS },
		{ "read -r line; echo '{\"a\":1'; cat", "an answer that is no JSON: {\"a\":1", TWO_COMMANDS },
		{ "read -r line; echo '1}'; cat", "an answer that is no JSON: 1}", TWO_COMMANDS },
		{ "read -r line; echo '1,\"type\":2'; cat", "an answer that is no JSON: 1,\"type\":2", TWO_COMMANDS },
		{ "read -r line; echo '1,\"code\":2'; cat", "an answer that is not one JSON value: 1,\"code\":2", TWO_COMMANDS },
		{ "read -r line; echo '1}},{\"a\":{\"b\":2'; cat", "an answer that is no JSON: 1}},{\"a\":{\"b\":2", TWO_COMMANDS },
		{ "read -r line; printf '\"\\377\"\\n'; cat", "an answer that is no JSON: \"\377\"", TWO_COMMANDS },
		{ "cat", "it did not restore the snapshot, its answer is: {\"restore\":1,\"index\":1}", LOAD_STATE },
		{ "cat", "the snapshot holds no state for it: it is another machine's", LOAD_NONE },
	};

	(void)state;
	JUDGE_ALL(trials);
}

static void an_answer_too_long_or_nested_too_deep_ends_the_node(void **state)
{
	char long_words[512], deep_words[512];
	const struct trial trials[] = {
		{ "read -r line; printf '\"'; head -c 5000000 /dev/zero | tr '\\0' x; echo '\"'; cat",
		  long_words, TWO_COMMANDS },
		{ "read -r line; head -c 99 /dev/zero | tr '\\0' '['; head -c 99 /dev/zero | tr '\\0' ']'; echo; cat",
		  deep_words, TWO_COMMANDS },
		{ "read -r line; head -c 70000000 /dev/zero | tr '\\0' x; cat", "a line of more than 60 MiB", TWO_COMMANDS },
	};

	(void)state;
	snprintf(long_words, sizeof(long_words), "an answer of more than 4 MiB: \"%0199d...", 0);
	for (char *p = strchr(long_words, '0'); *p == '0'; p++)
		*p = 'x';
	snprintf(deep_words, sizeof(deep_words), "an answer that is nested too deep: ");
	memset(deep_words + 35, '[', 99);
	memset(deep_words + 134, ']', 99);
	deep_words[233] = '\0';
	JUDGE_ALL(trials);
}

static void what_a_program_said_before_a_command_is_no_answer_to_it(void **state)
{
	static const struct trial two = {
		"read -r line; echo 1; echo 2; read -r line; sleep 5", "a line that nobody asked for: 2", TWO_COMMANDS,
	};

	(void)state;
	judge(&two, true);
}

static void an_answer_that_waits_while_the_node_is_held_up_is_no_hang(void **state)
{
	struct rig r = { 0 };

	(void)state;
	r.m = external_machine_open(&r.node, "cat", DEADLINE_NS, false);
	give(&r, 1, COMMAND("1"));
	uv_run(uv_default_loop(), UV_RUN_NOWAIT);
	usleep(2 * DEADLINE_MS * 1000);
	wait_for(&r, 1);
	/* Nor is a program that has not been told yet. */
	give(&r, 2, COMMAND("1"));
	usleep(2 * DEADLINE_MS * 1000);
	wait_for(&r, 2);
	/* The deadline does not run while nothing is asked. */
	usleep(2 * DEADLINE_MS * 1000);
	uv_run(uv_default_loop(), UV_RUN_NOWAIT);
	give(&r, 3, COMMAND("1"));
	wait_for(&r, 3);
	rig_close(&r);
}

/* --- Its end --- */

static bool lives(pid_t pid)
{
	for (int i = 0; i < 100; i++) {
		char path[32], line[256];
		FILE *f;

		snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
		f = fopen(path, "r");
		if (!f)
			return false;
		line[0] = '\0';
		(void)!fgets(line, sizeof(line), f);
		fclose(f);
		if (strstr(line, ") Z "))
			return false;   /* an orphan that nobody has fetched */
		usleep(20000);
	}
	return true;
}

/* The pid of sleep, which the program answers to a first command. */
static pid_t pid_of(struct rig *r)
{
	return atoi(strrchr(asked(r, 1, COMMAND("1")), ':') + 1);
}

/* The shell does not become it, and it does not read. */
static const char stubborn[] = "read -r line; sleep 1000 & echo $!; wait";

static void close_ends_a_program_that_does_not_end(struct rig *r, bool lockstep)
{
	pid_t pid;

	rig_open(r, stubborn, lockstep);
	pid = pid_of(r);
	assert_int_equal(kill(pid, 0), 0);
	rig_close(r);
	assert_false(lives(pid));
}

static void a_closed_machine_has_no_program(void **state)
{
	(void)state;
	in_both(close_ends_a_program_that_does_not_end);
}

static void a_program_may_end_by_itself_when_its_stdin_ends(void **state)
{
	char path[] = "/tmp/faultline-external-XXXXXX", command[128], word[8] = "";
	int fd = mkstemp(path);
	struct rig r;

	(void)state;
	assert_true(fd >= 0);
	snprintf(command, sizeof(command), "while read -r line; do echo 1; done; echo bye >%s", path);
	rig_open(&r, command, false);
	rig_close(&r);
	assert_int_equal(read(fd, word, sizeof(word) - 1), 4);
	assert_string_equal(word, "bye\n");
	close(fd);
	unlink(path);
}

static void a_program_does_not_outlive_a_node_that_is_killed(void **state)
{
	int fds[2];
	pid_t node, program = 0;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	node = fork();
	if (!node) {
		struct rig r;

		rig_open(&r, stubborn, true);
		program = pid_of(&r);
		(void)!write(fds[1], &program, sizeof(program));
		pause();
		_exit(0);
	}
	assert_int_equal(read(fds[0], &program, sizeof(program)), sizeof(program));
	close(fds[0]);
	close(fds[1]);
	assert_int_equal(kill(program, 0), 0);
	kill(node, SIGKILL);
	assert_int_equal(waitpid(node, NULL, 0), node);
	assert_false(lives(program));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_program_that_ends_ends_the_node_which_says_how),
		cmocka_unit_test(a_program_that_does_not_answer_ends_the_node),
		cmocka_unit_test(a_program_that_says_anything_else_ends_the_node_which_shows_it),
		cmocka_unit_test(an_answer_too_long_or_nested_too_deep_ends_the_node),
		cmocka_unit_test(what_a_program_said_before_a_command_is_no_answer_to_it),
		cmocka_unit_test(an_answer_that_waits_while_the_node_is_held_up_is_no_hang),
		cmocka_unit_test(a_closed_machine_has_no_program),
		cmocka_unit_test(a_program_may_end_by_itself_when_its_stdin_ends),
		cmocka_unit_test(a_program_does_not_outlive_a_node_that_is_killed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
