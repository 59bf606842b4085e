/*
 * scenario: a folder of scenarios over a core alone, each file a test.  A file is blocks of commands, `----`, and what they say,
 * up to an empty line; # begins a comment.
 *
 *	nodes 3                 n1..n3, voters           node n4            one that knows no cluster
 *	option NAME VALUE       before the nodes: lease_reads, window, bytes, and the protocol's
 *	tick n1 50ms            time goes on, for everybody; only n1 (or *) looks at it
 *	timeout n1              time goes on until n1 has something to do
 *	elect n1                that, and all that follows, in silence: n1 leads
 *	run 500ms               all do what they have to, messages and disks take no time; says who leads
 *	propose n1 x y ..       or x*100                 read n1            a batch of reads
 *	join|leave|transfer n1 n2    asked of n1         down n1 n2         n1 is told that n2 is gone
 *	deliver [n1>n2 [TYPE]] [COUNT]    what is in flight, * for any node; `drop`, `duplicate`, `delay` (behind
 *	                        the others) and `hold` (until `release`) likewise
 *	cut n1>n2 | heal        the link, from now on    persist n1         its disk
 *	stabilize               persist, load and deliver until nothing is left
 *	snapshot n1 I [FIRST]   at entry I, the log goes before FIRST (I + 1)
 *	install n1 | spoil n1   the snapshot that came in is loaded | of no use
 *	crash n1 | restart n1   what was not durable is lost
 *	inject n1>n2 TYPE k=v.. a message that nobody sent
 *	status | log | config [n1]        quiet COMMAND  says nothing
 *
 * What a step does is indented under its cause.  REWRITE=1 writes the files as they come out.
 *
 * Included by raft_scenario.c and paxos_scenario.c behind raft_text.h and paxos_text.h, which run their `struct scenarios`
 * (scenario_world.h): what a protocol has besides.
 */
#ifndef TESTS_UNIT_SCENARIO_H
#define TESTS_UNIT_SCENARIO_H

#include <dirent.h>

#include "tests/unit/scenario_words.h"

enum { FILES_MAX = 128, WORDS_MAX = 128 };

/* --- A line --- */

static const struct command *command_find(const char *name)
{
	const struct command *both[] = { commands, own->command };

	for (int i = 0; i < 2; i++)
		for (const struct command *c = both[i]; c->name; c++)
			if (strcmp(name, c->name) == 0)
				return c;
	fail_msg("no command %s", name);
	return NULL;
}

static void obey(char *line)
{
	char *word[WORDS_MAX + 1], *rest = line;
	const struct command *command;
	int n = 0, first;

	while (n < WORDS_MAX && (word[n] = strtok_r(rest, " \t\n", &rest)))
		n++;
	word[n] = NULL;
	if (n == 0 || word[0][0] == '#')
		return;
	first = strcmp(word[0], "quiet") == 0;
	command = command_find(word[first]);
	if (!command->before)
		wake();
	world.quiet = first;
	command->f(word + first + 1);
	world.quiet = false;
}

/* --- A file --- */

static void world_init(void)
{
	memset(&world, 0, sizeof(world));
	world.options = own->options;
}

static void world_release(void)
{
	struct packets *queue[] = { &world.flight, &world.held };
	struct packet *p;

	for (int i = 0; i < 2; i++)
		while ((p = packets_pop(queue[i])))
			packet_free(p);
	for (int i = 1; i <= world.nodes; i++)
		shell_release(&world.shell[i]);
	free(world.out.p);
}

/* Runs the commands of a file; gives it back as it should be. */
static struct text play(FILE *f)
{
	struct text is = { NULL, 0, 0 };
	char line[4096];
	bool output = false;

	world_init();
	while (fgets(line, sizeof(line), f)) {
		if (output && line[0] != '\n')
			continue;
		put(&is, "%s", line);
		output = strcmp(line, "----\n") == 0;
		if (output) {
			put_bytes(&is, world.out.p, world.out.length);
			put(&is, "\n");
			world.out.length = 0;
			/* What stood there is passed over, to its empty line. */
			while (fgets(line, sizeof(line), f) && line[0] != '\n')
				;
			output = false;
		} else {
			obey(line);
		}
	}
	world_release();
	return is;
}

static void assert_file_is(const char *path, const struct text *is)
{
	FILE *f = fopen(path, "r");
	char expected[4096], got[4096];
	const char *p = is->p;
	int number = 0;

	assert_non_null(f);
	while (fgets(expected, sizeof(expected), f)) {
		size_t length = strcspn(p, "\n") + 1;

		number++;
		if (p >= is->p + is->length)
			length = 0;
		snprintf(got, sizeof(got), "%.*s", (int)length, p);
		if (strcmp(expected, got))
			fail_msg("%s:%d\n  expected %s  came out %s", path, number, expected, got);
		p += length;
	}
	assert_int_equal(p - is->p, is->length);
	fclose(f);
}

static void scenario(void **state)
{
	const char *path = *state;
	FILE *f = fopen(path, "r");
	struct text is;

	assert_non_null(f);
	is = play(f);
	fclose(f);
	if (getenv("REWRITE")) {
		f = fopen(path, "w");
		assert_non_null(f);
		assert_int_equal(fwrite(is.p, 1, is.length, f), is.length);
		assert_int_equal(fclose(f), 0);
	} else {
		assert_file_is(path, &is);
	}
	free(is.p);
}

/* --- A folder --- */

static int is_scenario(const struct dirent *d)
{
	size_t length = strlen(d->d_name);

	return length > 4 && strcmp(d->d_name + length - 4, ".txt") == 0;
}

/* To be what main returns. */
static int scenarios_run(const struct scenarios *scenarios)
{
	static struct CMUnitTest test[FILES_MAX];
	static char path[FILES_MAX][512], name[FILES_MAX][256];
	struct dirent **file;
	int n;

	own = scenarios;
	n = scandir(own->folder, &file, is_scenario, alphasort);
	if (n <= 0 || n > FILES_MAX) {
		fprintf(stderr, "%s: %d scenarios; run from the top of the tree\n", own->folder, n);
		return 1;
	}
	for (int i = 0; i < n; i++) {
		snprintf(path[i], sizeof(path[i]), "%s/%s", own->folder, file[i]->d_name);
		/* The name is a sentence: the file's, with blanks. */
		snprintf(name[i], sizeof(name[i]), "%.*s", (int)strlen(file[i]->d_name) - 4, file[i]->d_name);
		for (char *p = name[i]; *p; p++)
			if (*p == '-')
				*p = ' ';
		test[i] = (struct CMUnitTest){ .name = name[i], .test_func = scenario, .initial_state = path[i] };
		free(file[i]);
	}
	free(file);
	return _cmocka_run_group_tests(own->folder, test, (size_t)n, NULL, NULL);
}

#endif
