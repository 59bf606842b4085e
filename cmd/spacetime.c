/*
 * spacetime: what happened on a network, from its trace, as a picture or as text.  The options and how they are wired;
 * the work is in lib/draw.
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
#include "lib/base/opt.h"
#include "lib/base/stop.h"
#include "lib/draw/spacetime.h"

enum option {
	OPT_TEXT_LINES = 256, OPT_ACROSS, OPT_LINEAR, OPT_TITLE, OPT_COLUMNS, OPT_FROM, OPT_TO, OPT_NODES, OPT_TYPES,
	OPT_NO_CLIENTS, OPT_MAX_EVENTS,
};

#define YEAR_NS (UINT64_C(365) * 24 * 3600 * 1000000000)
#define EVENTS_MAX 1000000

static const struct opt options[] = {
	{ OPT_TEXT_LINES, "text", NULL, "a line of text an event, as they come", OPT_TEXT, NULL, "The picture" },
	{ OPT_COLUMNS, "columns", "N", "--text: the length of a line (100)", OPT_TEXT, NULL, NULL },
	{ OPT_ACROSS, "across", NULL, "time goes from left to right, not down", OPT_TEXT, NULL, NULL },
	{ OPT_LINEAR, "linear", NULL, "do not shorten the time in which nothing happens", OPT_TEXT, NULL, NULL },
	{ OPT_TITLE, "title", "TEXT", "the first line (the command that was run)", OPT_TEXT, NULL, NULL },
	{ OPT_FROM, "from", "T", "from this time of the run on, as 150ms or 2s", OPT_TEXT, NULL, "What is shown" },
	{ OPT_TO, "to", "T", "up to this time", OPT_TEXT, NULL, NULL },
	{ OPT_NODES, "nodes", "LIST", "these processes in this order, as n1,n2 or 'n*,c1'", OPT_TEXT, NULL, NULL },
	{ OPT_TYPES, "types", "LIST", "messages of these types, as 'append*,heartbeats' or '!read,!heartbeats'", OPT_TEXT, NULL,
	  NULL },
	{ OPT_NO_CLIENTS, "no-clients", NULL, "leave clients out", OPT_TEXT, NULL, NULL },
	{ OPT_MAX_EVENTS, "max-events", "N", "draw the first N and say how many there are more (2000)", OPT_TEXT, NULL, NULL },
};

static const struct opt_tool tool = {
	.name = "spacetime",
	.usage = "spacetime [options] [TRACE] > PICTURE\nspacetime --text [options] [TRACE]",
	.purpose = "Draws the trace that netfault --trace writes as SVG: a line a process, time along it, messages between the lines. "
		   "TRACE is a file, or standard input.",
	.options = options,
	.count = sizeof options / sizeof *options,
	.ending = "Exit status: 0 done, 2 usage, 3 not a trace, 4 system.  See spacetime(1).",
};

struct setup {
	struct spacetime_options draw;
	const char *path;
	bool text;
	const char *picture_only;       /* an option given that text has no use for */
};

static void list(const struct opt_state *o)
{
	size_t len = strlen(o->argument);

	if (!len || o->argument[0] == ',' || o->argument[len - 1] == ',' || strstr(o->argument, ",,"))
		die_usage("%s '%s': must be names parted by commas", o->given, o->argument);
}

static void take_option(struct setup *s, const struct opt_state *o, int id)
{
	struct spacetime_options *draw = &s->draw;

	switch (id) {
	case OPT_TEXT_LINES: s->text = true; break;
	case OPT_COLUMNS: draw->columns = (unsigned)opt_number(o, SPACETIME_COLUMNS_MIN, SPACETIME_COLUMNS_MAX); break;
	case OPT_ACROSS: draw->across = true; s->picture_only = "--across"; break;
	case OPT_LINEAR: draw->linear = true; s->picture_only = "--linear"; break;
	case OPT_TITLE: draw->title = o->argument; s->picture_only = "--title"; break;
	case OPT_FROM: draw->from_ns = duration_option(o, 0, YEAR_NS); break;
	case OPT_TO: draw->to_ns = duration_option(o, 0, YEAR_NS); break;
	case OPT_NODES: list(o); draw->nodes = o->argument; break;
	case OPT_TYPES: list(o); draw->types = o->argument; break;
	case OPT_NO_CLIENTS: draw->no_clients = true; break;
	case OPT_MAX_EVENTS: draw->events_max = opt_number(o, 1, EVENTS_MAX); s->picture_only = "--max-events"; break;
	}
}

static void parse(struct setup *s, int argc, char **argv)
{
	struct opt_state o;
	int id;

	opt_init(&o, &tool, argc, argv);
	while ((id = opt_next(&o)) != -1)
		take_option(s, &o, id);
	if (argc - o.operand > 1)
		die_usage("'%s': one trace at a time", argv[o.operand + 1]);
	s->path = o.operand < argc ? argv[o.operand] : "-";
	if (s->draw.to_ns < s->draw.from_ns)
		die_usage("--to is before --from");
	if (s->text && s->picture_only)
		die_usage("%s is for the picture, not for --text", s->picture_only);
	if (s->draw.columns && !s->text)
		die_usage("--columns is for --text");
}

static const char *shown(const struct setup *s)
{
	return strcmp(s->path, "-") ? s->path : "stdin";
}

/* What trace_next said no to.  A last line that is torn is the end of a run that was killed. */
static void failed(const struct setup *s, const struct trace_reader *r)
{
	uint64_t line;
	const char *why = trace_reader_error(r, &line);

	if (!line)
		die(EXIT_SYSTEM, "cannot read '%s': %s", shown(s), why);
	if (!trace_reader_torn(r))
		die(EXIT_DATA, "'%s', line %ju: %s", shown(s), (uintmax_t)line, why);
	warn("'%s', line %ju: the trace ends in the midst of it", shown(s), (uintmax_t)line);
}

/* Is there nothing to read yet?  What was read before and is not taken yet does not count: then one flush is too many. */
static bool may_block(void)
{
	struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };

	return poll(&in, 1, 0) == 0;
}

static void write_text(struct setup *s, struct trace_reader *r)
{
	const char *no_colour = getenv("NO_COLOR");
	struct spacetime_text *text;
	struct trace_event e;
	int rc;

	s->draw.colour = isatty(STDOUT_FILENO) && !(no_colour && *no_colour);
	text = spacetime_text_new(&s->draw);
	while ((rc = trace_next(r, &e)) > 0) {
		spacetime_text_add(text, &e, stdout);
		if (may_block())
			flush_output();
	}
	spacetime_text_free(text);
	if (rc < 0)
		failed(s, r);
}

static void write_picture(const struct setup *s, struct trace_reader *r)
{
	struct spacetime *picture = spacetime_new(&s->draw);
	struct trace_event e;
	char excess[128];
	const char *nobody;
	uint64_t line;
	size_t len;
	int rc;

	while ((rc = trace_next(r, &e)) > 0)
		spacetime_add(picture, &e);
	if (rc < 0) {
		failed(s, r);
		trace_reader_error(r, &line);
		spacetime_torn(picture, line);
	}
	nobody = spacetime_nobody(picture, &len);
	if (nobody)
		die_usage("--nodes '%.*s': nobody of that name in '%s'", (int)len, nobody, shown(s));
	if (spacetime_excess(picture, excess, sizeof excess))
		warn("'%s': %s (--from, --to, --types, --max-events)", shown(s), excess);
	spacetime_svg(picture, stdout);
	spacetime_free(picture);
}

/* A file becomes standard input, which may_block looks at. */
static void open_trace(const char *path)
{
	int fd;

	if (!strcmp(path, "-"))
		return;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || dup2(fd, STDIN_FILENO) < 0)
		die(EXIT_SYSTEM, "cannot open '%s': %s", path, strerror(errno));
	close(fd);
}

int main(int argc, char **argv)
{
	struct setup setup = { .draw = { .to_ns = UINT64_MAX } };
	struct trace_reader *reader;

	hold_descriptors();
	stop_init();
	parse(&setup, argc, argv);
	if (!strcmp(setup.path, "-") && isatty(STDIN_FILENO))
		warn("reading a trace from the terminal");
	open_trace(setup.path);
	reader = trace_reader_open("-");
	if (!reader)
		die(EXIT_SYSTEM, "cannot read '%s': %s", shown(&setup), strerror(errno));
	if (setup.text)
		write_text(&setup, reader);
	else
		write_picture(&setup, reader);
	trace_reader_free(reader);
	finish(EXIT_DONE);
}
