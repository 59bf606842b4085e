/*
 * lincheck: is a history of clients linearizable?  The options, the reading, and how they are wired; the work is in
 * lib/history, lib/lin, lib/serial and lib/judge.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/duration.h"
#include "lib/base/err.h"
#include "lib/base/line.h"
#include "lib/base/opt.h"
#include "lib/base/stop.h"
#include "lib/client/value.h"
#include "lib/judge/judge.h"

enum option { OPT_TIMEOUT = 256, OPT_MEMORY, OPT_ORDER, OPT_SVG, OPT_KEY, OPT_ALL, OPT_STATS, OPT_JSON };

#define SECOND_NS UINT64_C(1000000000)
#define MEMORY_MIN (UINT64_C(1) << 16)
#define MEMORY_MAX (UINT64_C(1) << 46)
enum { PROGRESS_MS = 250 };

static const struct opt options[] = {
	{ OPT_KEY, "key", "KEY", "judge this key alone; a string that is not JSON needs no quotes", OPT_TEXT, NULL,
	  "What is judged" },
	{ OPT_ALL, "all", NULL, "go on after the first key that is not linearizable", OPT_TEXT, NULL, NULL },
	{ OPT_TIMEOUT, "timeout", "T", "give up after that long, as 30s: exit 4", OPT_TEXT, NULL, "How" },
	{ OPT_MEMORY, "memory", "SIZE", "give up where that does not do, as 500M (half of the machine's)", OPT_TEXT, NULL, NULL },
	{ 'j', "jobs", "N", "judge N keys at once (1)", OPT_TEXT, NULL, NULL },
	{ OPT_JSON, "json", NULL, "the verdict as a JSON object", OPT_TEXT, NULL, "Output" },
	{ OPT_ORDER, "order", "FILE", "if linearizable: in what order, as JSON lines, to FILE", OPT_FILE, NULL, NULL },
	{ OPT_SVG, "svg", "FILE", "if not: a picture of the contradiction to FILE", OPT_FILE, NULL, NULL },
	{ OPT_STATS, "stats", NULL, "say what it took", OPT_TEXT, NULL, NULL },
};

static const struct opt_tool tool = {
	.name = "lincheck",
	.usage = "lincheck [options] [HISTORY ...]",
	.purpose = "Judges histories of clients of a key-value store, from files or standard input: is there an order of all "
		   "operations, each at one moment between its begin and its end, in which everything that was seen is right?",
	.options = options,
	.count = sizeof options / sizeof *options,
	.ending = "Exit status: 0 linearizable, 1 not, 2 usage, 3 not a history, 4 unknown or system.  See lincheck(1).",
};

struct setup {
	struct judge_options judge;
	const char *key, *order, *svg;
	uint64_t timeout_ns;
	bool json, stats;
	bool quiet;                     /* standard output has the order or the picture alone */
	char **path;
	int paths;
};

/* --- Options --- */

static void take_option(struct setup *s, const struct opt_state *o, int id)
{
	switch (id) {
	case OPT_KEY: s->key = o->argument; break;
	case OPT_ALL: s->judge.all = true; break;
	case OPT_TIMEOUT: s->timeout_ns = duration_option(o, SECOND_NS / 1000, 365 * 24 * 3600 * SECOND_NS); break;
	case OPT_MEMORY: s->judge.memory_max = opt_size(o, MEMORY_MIN, MEMORY_MAX); break;
	case 'j': s->judge.jobs = (unsigned)opt_number(o, 1, JUDGE_JOBS_MAX); break;
	case OPT_JSON: s->json = true; break;
	case OPT_ORDER: s->order = o->argument; break;
	case OPT_SVG: s->svg = o->argument; break;
	case OPT_STATS: s->stats = true; break;
	}
}

static bool is_stdout(const char *path)
{
	return path && !strcmp(path, "-");
}

static void parse(struct setup *s, int argc, char **argv)
{
	static char dash[] = "-", *standard_input[] = { dash };
	struct opt_state o;
	int id;

	opt_init(&o, &tool, argc, argv);
	while ((id = opt_next(&o)) != -1)
		take_option(s, &o, id);
	s->path = o.operand < argc ? argv + o.operand : standard_input;
	s->paths = o.operand < argc ? argc - o.operand : 1;
	s->quiet = is_stdout(s->order) || is_stdout(s->svg);
	if (s->paths > 1 && (s->order || s->svg))
		die_usage("%s is for one history", s->order ? "--order" : "--svg");
	if (s->quiet && (s->json || (is_stdout(s->order) && is_stdout(s->svg))))
		die_usage("one of --json, --order - and --svg - can have standard output");
	s->judge.want_order = s->order;
	if (s->timeout_ns)
		s->judge.deadline_ns = judge_clock_ns() + s->timeout_ns;
	if (!s->judge.memory_max)
		s->judge.memory_max = (size_t)sysconf(_SC_PHYS_PAGES) / 2 * (size_t)sysconf(_SC_PAGESIZE);
}

/* --- Progress, on a terminal --- */

static uint64_t progress_next_ns;

static bool progress_is_due(void)
{
	uint64_t now = judge_clock_ns();

	if (now < progress_next_ns)
		return false;
	progress_next_ns = now + PROGRESS_MS * (SECOND_NS / 1000);
	return true;
}

static void show_judged(uint32_t done, uint32_t keys)
{
	if (progress_is_due())
		fprintf(stderr, "\r\033[K%ju of %ju keys judged", (uintmax_t)done, (uintmax_t)keys);
}

static void show_read(const struct setup *s, const struct history *h)
{
	if (s->judge.progress && progress_is_due())
		fprintf(stderr, "\r\033[K%ju lines read", (uintmax_t)history_counts(h).lines);
}

static void clear_progress(const struct setup *s)
{
	if (s->judge.progress)
		fputs("\r\033[K", stderr);
}

/* --- Reading --- */

enum reading { READ_WELL, READ_BAD, READ_LATE, READ_NO_MEMORY };

/* False: there was nothing to read until time was up. */
static bool wait_for_input(const struct setup *s, int fd)
{
	struct pollfd in = { .fd = fd, .events = POLLIN };
	uint64_t now;

	for (;;) {
		int wait_ms = -1;

		if (s->judge.deadline_ns) {
			now = judge_clock_ns();
			if (now >= s->judge.deadline_ns)
				return false;
			now = (s->judge.deadline_ns - now) / (SECOND_NS / 1000) + 1;
			wait_ms = now < 1000000 ? (int)now : 1000000;
		}
		if (poll(&in, 1, wait_ms) != 0)
			return true;
	}
}

static enum reading refuse_line(const char *name, struct history *h, const char *problem)
{
	warn("'%s', line %ju: %s", name, (uintmax_t)history_counts(h).lines, problem);
	return READ_BAD;
}

static enum reading take_lines(struct line_reader *r, const char *name, struct history *h)
{
	char problem[HISTORY_PROBLEM_BYTES], *line;
	enum line_status status;
	size_t len;
	int rc;

	while ((status = line_next(r, &line, &len))) {
		if (status == LINE_TOO_LONG && r->line_max < HISTORY_LINE_BYTES_MAX)
			return READ_NO_MEMORY;
		if (status == LINE_TOO_LONG) {
			warn("'%s', line %ju: longer than %d bytes", name, (uintmax_t)history_counts(h).lines + 1,
			     HISTORY_LINE_BYTES_MAX);
			return READ_BAD;
		}
		rc = history_feed(h, line, len, problem);
		if (rc)
			return rc == -1 ? refuse_line(name, h, problem) : READ_NO_MEMORY;
	}
	return READ_WELL;
}

static enum reading read_history(const struct setup *s, const char *name, int fd, struct history *h)
{
	char problem[HISTORY_PROBLEM_BYTES];
	enum reading reading = READ_WELL;
	struct line_reader r;
	ssize_t n = 1;
	int rc;

	line_init(&r, s->judge.memory_max < HISTORY_LINE_BYTES_MAX ? s->judge.memory_max : HISTORY_LINE_BYTES_MAX);
	while (reading == READ_WELL && n) {
		if (!wait_for_input(s, fd)) {
			reading = READ_LATE;
			break;
		}
		n = line_read(&r, fd);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			die(EXIT_SYSTEM, "cannot read '%s': %s", name, strerror(errno));
		reading = take_lines(&r, name, h);
		show_read(s, h);
	}
	line_release(&r);
	clear_progress(s);
	if (reading != READ_WELL)
		return reading;
	rc = history_end(h, problem);
	if (rc == -1)
		warn("'%s': %s", name, problem);
	return rc == -2 ? READ_NO_MEMORY : rc ? READ_BAD : READ_WELL;
}

/* A pipe by its name may have no writer yet: that is waited for as input is. */
static int open_history(const char *path)
{
	int fd;

	if (!strcmp(path, "-")) {
		if (isatty(STDIN_FILENO))
			warn("reading a history from the terminal");
		return STDIN_FILENO;
	}
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		die(EXIT_SYSTEM, "cannot open '%s': %s", path, strerror(errno));
	return fd;
}

/* --- The verdict --- */

static void explain(const struct setup *s, const struct judge_source *source, const struct judgement *j)
{
	const char *name = source->name ? source->name : "", *colon = source->name ? ": " : "";

	if (j->verdict == JUDGE_UNKNOWN && j->lack == JUDGE_TIME)
		warn("%s%sunknown: the time of --timeout is over", name, colon);
	else if (j->verdict == JUDGE_UNKNOWN && j->lack == JUDGE_MEMORY)
		warn("%s%sunknown: there is not enough memory: --memory is %zu bytes", name, colon, s->judge.memory_max);
	else if (j->verdict == JUDGE_UNKNOWN)
		warn("%s%sunknown: there are too many orders to try", name, colon);
	for (uint32_t i = 0; i < j->contradictions; i++) {
		char *why = judge_why(source->history, &j->contradiction[i]);

		warn("%s%s%s", name, colon, why);
		free(why);
	}
}

static FILE *open_output(const char *path)
{
	FILE *out = is_stdout(path) ? stdout : fopen(path, "we");

	if (!out)
		die(EXIT_SYSTEM, "cannot open '%s': %s", path, strerror(errno));
	return out;
}

static void close_output(const char *path, FILE *out)
{
	if (out != stdout && (ferror(out) | fclose(out)))
		die(EXIT_SYSTEM, "cannot write '%s': %s", path, strerror(errno ? errno : EIO));
}

static void write_certificates(const struct setup *s, const struct history *h, const struct judgement *j)
{
	FILE *out;

	if (s->order && j->verdict == JUDGE_YES) {
		out = open_output(s->order);
		judge_put_order(out, h, j);
		close_output(s->order, out);
	}
	if (s->svg && j->contradictions) {
		out = open_output(s->svg);
		judge_draw(out, h, &j->contradiction[0]);
		close_output(s->svg, out);
	}
}

static void tell(const struct setup *s, const struct judge_source *source, const struct judgement *j, double seconds)
{
	if (s->json)
		judge_json(stdout, source, j, s->stats, seconds);
	else if (!s->quiet)
		judge_tell(stdout, source, j);
	flush_output();
	if (s->stats && !s->json)
		judge_tell_stats(stderr, source, j, seconds);
	explain(s, source, j);
	write_certificates(s, source->history, j);
}

/* The key as JSON, if it is that and there is one; else as a string. */
static void choose_key(struct setup *s, const char *name, const struct history *h)
{
	struct buf json = { 0 }, string = { 0 };

	if (!s->key)
		return;
	if (history_has_transactions(h))
		die_usage("--key '%s': '%s' has transactions, which are judged all together", s->key, name);
	value_put(&json, s->key, true);
	value_put(&string, s->key, false);
	s->judge.one_key = true;
	if (!history_find_key(h, json.at, json.len, &s->judge.key) && !history_find_key(h, string.at, string.len, &s->judge.key))
		die_usage("--key '%s': no such key in '%s'", s->key, name);
	buf_release(&json);
	buf_release(&string);
}

/* What there was not enough of to read it. */
static enum exit_status lacked(const struct setup *s, const struct judge_source *source, enum judge_lack lack)
{
	const struct judgement j = { .verdict = JUDGE_UNKNOWN, .lack = lack };

	tell(s, source, &j, 0);
	return EXIT_SYSTEM;
}

static enum exit_status judge_history(struct setup *s, const struct judge_source *source, const char *name)
{
	static const enum exit_status status[] = { [JUDGE_YES] = EXIT_DONE, [JUDGE_NO] = EXIT_NO, [JUDGE_UNKNOWN] = EXIT_SYSTEM };
	uint64_t began = judge_clock_ns();
	struct judgement j;

	choose_key(s, name, source->history);
	if (!history_counts(source->history).begun)
		warn("'%s': there is no operation in it", name);
	judge(&j, source->history, &s->judge);
	clear_progress(s);
	tell(s, source, &j, (double)(judge_clock_ns() - began) / SECOND_NS);
	judge_release(&j);
	return status[j.verdict];
}

static enum exit_status take_history(struct setup *s, const char *path)
{
	const char *name = strcmp(path, "-") ? path : "stdin";
	struct judge_source source = { .name = s->paths > 1 ? name : NULL };
	struct history *h = history_new(s->judge.memory_max);
	enum exit_status status = EXIT_DATA;
	int fd = open_history(path);

	if (!h)
		die(EXIT_SYSTEM, "no memory");
	source.history = h;
	switch (read_history(s, name, fd, h)) {
	case READ_WELL: status = judge_history(s, &source, name); break;
	case READ_BAD: break;
	case READ_LATE: status = lacked(s, &source, JUDGE_TIME); break;
	case READ_NO_MEMORY: status = lacked(s, &source, JUDGE_MEMORY); break;
	}
	history_free(h);
	if (fd != STDIN_FILENO)
		close(fd);
	return status;
}

/* Of several histories the gravest: one that is wrong, one that is none, one of which nothing is known. */
static int gravity(enum exit_status status)
{
	return status == EXIT_NO ? 3 : status == EXIT_DATA ? 2 : status == EXIT_SYSTEM;
}

int main(int argc, char **argv)
{
	struct setup setup = { .judge = { .jobs = 1 } };
	enum exit_status worst = EXIT_DONE;

	hold_descriptors();
	stop_init();
	parse(&setup, argc, argv);
	if (isatty(STDERR_FILENO))
		setup.judge.progress = show_judged;
	for (int i = 0; i < setup.paths; i++) {
		enum exit_status status = take_history(&setup, setup.path[i]);

		if (gravity(status) > gravity(worst))
			worst = status;
	}
	finish(worst);
}
