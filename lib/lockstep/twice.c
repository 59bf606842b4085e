/* twice: the same run two times: is it one?  Their traces, line by line, say. */
#include "lib/lockstep/inside.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN_BYTES = 200, WHOSE_BYTES = 160, COPY_BYTES = 1 << 16 };

/* --- Whose line it is --- */

static bool has(struct wire_text t)
{
	return t.len > 0;
}

/* Who did what the line tells of: the node of an event, else who sent the message. */
static void whose(const char *path, uint64_t number, char *out, size_t room)
{
	struct trace_reader *r = trace_reader_open(path);
	struct trace_event e;
	struct wire_text who = { NULL, 0 };
	int rc = r ? 1 : 0;

	snprintf(out, room, "netfault's own");
	while (rc > 0 && (rc = trace_next(r, &e)) > 0)
		if (e.line == number)
			break;
	if (rc > 0 && e.line == number)
		who = has(e.node) ? e.node : e.src;
	if (has(who))
		snprintf(out, room, "that of '%.*s'", (int)who.len, who.p);
	if (r)
		trace_reader_free(r);
}

/* --- Comparing --- */

struct side { FILE *file; char *line; size_t room; ssize_t len; };

static void next(struct side *s)
{
	s->len = getline(&s->line, &s->room, s->file);
	if (s->len > 0 && s->line[s->len - 1] == '\n')
		s->line[--s->len] = '\0';
}

static void show(const char *which, const struct side *s)
{
	if (s->len < 0)
		warn("  %s: has ended", which);
	else
		warn("  %s: %.*s%s", which, SHOWN_BYTES, s->line, s->len > SHOWN_BYTES ? "..." : "");
}

/* The first line in which they differ, or 0; then it has been told. */
static uint64_t compare(struct side *one, struct side *two, const char *path)
{
	char who[WHOSE_BYTES];

	for (uint64_t number = 1;; number++) {
		next(one);
		next(two);
		if (one->len < 0 && two->len < 0)
			return 0;
		if (one->len == two->len && !memcmp(one->line, two->line, (size_t)one->len))
			continue;
		whose(path, number, who, sizeof(who));
		warn("the two runs differ from line %ju of their traces on; it is %s", (uintmax_t)number, who);
		show("first", one);
		show("second", two);
		return number;
	}
}

static bool same(const char *first, const char *second)
{
	struct side one = { .file = fopen(first, "re") }, two = { .file = fopen(second, "re") };
	bool is_same;

	if (!one.file || !two.file)
		die(EXIT_SYSTEM, "cannot open '%s': %s", one.file ? second : first, strerror(errno));
	is_same = !compare(&one, &two, first);
	fclose(one.file);
	fclose(two.file);
	free(one.line);
	free(two.line);
	return is_same;
}

/* --- The trace that was asked for --- */

static void keep(const char *from, FILE *to, const char *name)
{
	static char bytes[COPY_BYTES];
	FILE *f = fopen(from, "re");
	size_t got;

	if (!f)
		die(EXIT_SYSTEM, "cannot open '%s': %s", from, strerror(errno));
	while ((got = fread(bytes, 1, sizeof(bytes), f)) > 0)
		if (fwrite(bytes, 1, got, to) != got)
			break;
	fclose(f);
	if (ferror(to) | fclose(to))
		die(EXIT_SYSTEM, "cannot write '%s': %s", name, strerror(errno));
}

static char *path_of(const char *name)
{
	struct buf b = { 0 };

	buf_printf(&b, "%s/%s", scratch_open(), name);
	buf_putc(&b, '\0');
	return b.at;
}

enum exit_status lockstep_twice(const struct net_options *options)
{
	struct net_options o = *options;
	FILE *kept = options->trace ? fopen(options->trace, "we") : NULL;
	char *first, *second;
	struct input input;
	enum exit_status status, again;

	if (options->trace && !kept)
		die(EXIT_SYSTEM, "cannot open '%s': %s", options->trace, strerror(errno));
	input_read(&input);
	first = path_of("first");
	second = path_of("second");
	o.twice = true;
	o.trace = first;
	status = run_once(&o, &input, false);
	if (kept)
		keep(first, kept, options->trace);
	o.trace = second;
	if (status != EXIT_USAGE && status != EXIT_SYSTEM && !signals_came()) {
		again = run_once(&o, &input, true);
		if (!signals_came() && !same(first, second))
			status = EXIT_NO;
		else if (status != again && !signals_came()) {
			warn("the first run ends with status %d, the second with %d", status, again);
			status = EXIT_NO;
		}
	}
	input_release(&input);
	free(first);
	free(second);
	run_end();
	return status;
}
