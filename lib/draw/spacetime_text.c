/*
 * spacetime_text: a trace as text, a line an event in columns that never move.
 *
 *         10.000  n1       -->  n2        append_entries       term=2 prev=4/2 entries=1
 *
 * Bytes may be anything: what is no UTF-8 or a control is '?', what is too long for its column is cut.
 */
#include <stdlib.h>

#include "lib/base/err.h"
#include "lib/draw/spacetime_inside.h"
#include "lib/plan/plan.h"

enum { TIME_COLUMNS = 12, NAME_COLUMNS = 8, ARROW_COLUMNS = 3, WHAT_COLUMNS = 20 };

struct spacetime_text {
	struct spacetime_options o;
	struct spacetime *known;        /* has read the header, and nothing else: its nodes */
	struct flights *flights;
	unsigned columns;
};

struct spacetime_text *spacetime_text_new(const struct spacetime_options *o)
{
	struct spacetime_text *t = must_calloc(1, sizeof *t);

	t->o = *o;
	t->columns = o->columns ? o->columns : SPACETIME_COLUMNS;
	t->flights = flights_new();
	t->known = spacetime_new(&(struct spacetime_options){ .events_max = 1 });
	return t;
}

void spacetime_text_free(struct spacetime_text *t)
{
	if (!t)
		return;
	flights_free(t->flights);
	spacetime_free(t->known);
	free(t);
}

/* --- Columns --- */

/* Bytes of the character at s, and how many columns it takes; 0 bytes: none that may be shown. */
static size_t character(const char *s, size_t len, unsigned *columns)
{
	const unsigned char *c = (const unsigned char *)s;
	size_t bytes = *c < 0x80 ? 1 : *c >= 0xc2 && *c < 0xe0 ? 2 : *c >= 0xe0 && *c < 0xf0 ? 3 : *c >= 0xf0 && *c < 0xf5 ? 4 : 0;
	uint32_t code;

	*columns = 1;
	if (!bytes || bytes > len || *c < 0x20 || *c == 0x7f)
		return 0;
	if (bytes == 1)
		return 1;
	code = *c & (0x7f >> bytes);
	for (size_t i = 1; i < bytes; i++) {
		if ((c[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (c[i] & 0x3f);
	}
	if (code < 0xa0 || (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069) || (code >= 0xd800 && code < 0xe000) ||
	    (bytes == 3 && code < 0x800) || (bytes == 4 && (code < 0x10000 || code > 0x10ffff)))
		return 0;
	if ((code >= 0x300 && code < 0x370) || (code >= 0x200b && code <= 0x200f) || (code >= 0xfe00 && code < 0xfe10))
		*columns = 0;
	else if (code >= 0x1100 && !(code >= 0x2000 && code < 0x2e80) && !(code >= 0x1e00 && code < 0x2000))
		*columns = 2;
	return bytes;
}

/* A text in so many columns, the last of them an ellipsis where it is longer; with blanks behind it where `fill`. */
static void put_cell(FILE *out, const char *s, size_t len, unsigned columns, bool fill)
{
	unsigned at = 0, wide, all = 0;
	size_t bytes, i;

	for (i = 0; i < len && all <= columns; i += bytes ? bytes : 1) {
		bytes = character(s + i, len - i, &wide);
		all += wide;
	}
	for (i = 0; i < len; i += bytes ? bytes : 1) {
		bytes = character(s + i, len - i, &wide);
		if (at + wide > columns - (all > columns))
			break;
		if (bytes)
			fwrite(s + i, 1, bytes, out);
		else
			putc('?', out);
		at += wide;
	}
	if (all > columns) {
		fputs("\xe2\x80\xa6", out);
		at++;
	}
	if (fill)
		fprintf(out, "%*s", (int)(columns - at), "");
}

enum colour { PLAIN, GOOD, BAD, FAULTY, DIM };

static void put_colour(const struct spacetime_text *t, FILE *out, enum colour colour)
{
	static const char *const code[] = { "0", "32", "31", "33", "2" };

	if (t->o.colour && colour != PLAIN)
		fprintf(out, "\x1b[%sm", code[colour]);
}

struct line {
	uint64_t at;
	struct wire_text src, dest;
	const char *arrow;
	struct wire_text what, more;
	enum colour colour;
};

static void put_line(const struct spacetime_text *t, FILE *out, const struct line *l)
{
	const unsigned before = TIME_COLUMNS + 2 + NAME_COLUMNS + 1 + ARROW_COLUMNS + 1 + NAME_COLUMNS + 2;
	unsigned rest = t->columns - before;

	put_colour(t, out, DIM);
	fprintf(out, "%*ju.%03ju", TIME_COLUMNS - 4, (uintmax_t)(l->at / 1000000), (uintmax_t)(l->at / 1000 % 1000));
	if (t->o.colour)
		fputs("\x1b[0m", out);
	fputs("  ", out);
	put_colour(t, out, l->colour);
	put_cell(out, l->src.p, l->src.len, NAME_COLUMNS, true);
	fprintf(out, " %s ", l->arrow);
	put_cell(out, l->dest.p, l->dest.len, NAME_COLUMNS, l->what.len > 0);
	if (l->what.len) {
		fputs("  ", out);
		put_cell(out, l->what.p, l->what.len, l->more.len ? WHAT_COLUMNS : rest, l->more.len > 0);
	}
	if (t->o.colour && l->colour != PLAIN)
		fputs("\x1b[0m", out);
	if (l->more.len && rest > WHAT_COLUMNS + 2) {
		fputs("  ", out);
		put_cell(out, l->more.p, l->more.len, rest - WHAT_COLUMNS - 2, false);
	}
	putc('\n', out);
}

/* --- Events --- */

static struct wire_text str(const char *s)
{
	return (struct wire_text){ s, strlen(s) };
}

static bool node_shown(const struct spacetime_text *t, struct wire_text name)
{
	if (t->o.no_clients && !names_known(t->known, name))
		return false;
	return !t->o.nodes || list_find(t->o.nodes, name.p, name.len) >= 0;
}

static bool in_time(const struct spacetime_text *t, const struct trace_event *e)
{
	return e->at >= t->o.from_ns && e->at <= t->o.to_ns;
}

static bool message_shown(const struct spacetime_text *t, const struct trace_event *e, const char *type, bool heartbeat)
{
	return in_time(t, e) && node_shown(t, e->src) && node_shown(t, e->dest) && types_show(t->o.types, type, heartbeat);
}

static void put_sent(struct spacetime_text *t, const struct trace_event *e, FILE *out)
{
	struct message *m = flights_add(t->flights, e);
	struct line l = { .at = e->at, .src = e->src, .dest = e->dest, .arrow = ">--" };
	struct body body;

	if (m)
		m->heartbeat = flights_heartbeat(t->flights, m);
	else
		body_read(&body, e->message);
	const struct body *b = m ? &m->body : &body;

	l.what = str(b->type);
	l.more = e->message.len ? str(b->brief) : e->text;
	if (message_shown(t, e, b->type, m && m->heartbeat))
		put_line(t, out, &l);
}

static void put_fate(struct spacetime_text *t, const struct trace_event *e, FILE *out)
{
	struct message *m = flights_find(t->flights, e);
	const struct copy *c = m ? message_fate(m, e) : NULL;
	struct line l = { .at = e->at, .src = e->src, .dest = e->dest };
	uint64_t way_ns = m && e->at > m->sent ? e->at - m->sent : 0;
	char way[48] = "";

	l.what = str(m ? m->body.type : "?");
	switch (e->kind) {
	case TRACE_DUPLICATE:
		l.arrow = ">==";
		l.more = str("a second one is under way");
		break;
	case TRACE_CORRUPT:
		l.arrow = ">~~";
		l.more = e->text;
		break;
	case TRACE_DROP:
		l.arrow = "--x";
		l.more = e->why;
		l.colour = BAD;
		break;
	default:
		l.arrow = c && c->corrupt ? "~~>" : e->copy > 1 ? "==>" : "-->";
		l.colour = c && c->corrupt ? BAD : GOOD;
		if (m)
			snprintf(way, sizeof way, "after %ju.%03ju", (uintmax_t)(way_ns / 1000000),
				 (uintmax_t)(way_ns / 1000 % 1000));
		l.more = str(way);
		break;
	}
	if (message_shown(t, e, m ? m->body.type : "?", m && m->heartbeat))
		put_line(t, out, &l);
	if (m)
		flights_settle(t->flights, m);
}

static void put_fault(const struct spacetime_text *t, const struct trace_event *e, FILE *out)
{
	struct line l = { .at = e->at, .src = str("net"), .arrow = "***", .colour = FAULTY };
	struct fault_order o;
	struct plan_error error;
	char label[256];

	if (plan_parse(&o, e->fault.p, e->fault.len, true, &error)) {
		l.dest = str("all");
		l.what = str("?");
		l.more = e->fault;
		put_line(t, out, &l);
		return;
	}
	fault_words(label, sizeof label, &o);
	l.dest = str(e->ends ? "ends" : "fault");
	l.what = str(label);
	put_line(t, out, &l);
	fault_order_release(&o);
}

static void put_process(const struct spacetime_text *t, const struct trace_event *e, FILE *out)
{
	struct line l = { .at = e->at, .src = e->node, .arrow = e->kind == TRACE_START ? "+++" : "xxx", .colour = FAULTY };
	char how[64];

	if (e->kind == TRACE_START)
		snprintf(how, sizeof how, "starts");
	else if (e->signal)
		snprintf(how, sizeof how, "%s by signal %d", e->asked ? "is ended" : "dies", e->signal);
	else
		snprintf(how, sizeof how, "%s with status %d", e->asked ? "is ended" : "ends", e->status);
	l.what = str(how);
	if (node_shown(t, e->node))
		put_line(t, out, &l);
}

void spacetime_text_add(struct spacetime_text *t, const struct trace_event *e, FILE *out)
{
	switch (e->kind) {
	case TRACE_SEND: put_sent(t, e, out); break;
	case TRACE_DUPLICATE: case TRACE_CORRUPT: case TRACE_DELIVER: case TRACE_DROP: put_fate(t, e, out); break;
	case TRACE_FAULT: case TRACE_START: case TRACE_DEATH:
		if (!in_time(t, e))
			break;
		if (e->kind == TRACE_FAULT)
			put_fault(t, e, out);
		else
			put_process(t, e, out);
		break;
	case TRACE_HEADER: spacetime_add(t->known, e); break;
	case TRACE_END: case TRACE_OTHER: break;
	}
}
