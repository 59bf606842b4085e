/*
 * The fates of messages, out of a whole trace that somebody may have edited.
 *
 * Lines about a message come after the one that sends it; no other order is asked for.  What contradicts itself is an
 * error, for what was meant cannot be known.
 */
#include "lib/base/err.h"
#include "lib/plan/plan.h"
#include "lib/trace/index.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WHYS_MAX = 64 };                 /* different ones in a trace */

struct why {
	char *text;
	bool when_sent;                 /* nobody is dropped for it later */
	bool consequence;               /* it was no fate of the message's own */
	bool asleep;                    /* the run ended while it was under way */
};

struct trace_replay {
	uint64_t seed;
	struct index messages;
	struct why why[WHYS_MAX];
	size_t whys;
	struct fault_order *order;
	size_t orders, order_room;
};

/* What is being read. */
struct reading {
	struct trace_replay *replay;
	const struct trace_event *ev;
	uint64_t asleep;                /* copies so far that the end of the run left under way */
	const struct message *sending;  /* lines so far since its send are about it alone; or NULL */
	char *why;
	size_t why_bytes;
};

__attribute__((format(printf, 2, 3), cold))
static int wrong(const struct reading *r, const char *fmt, ...)
{
	int len = snprintf(r->why, r->why_bytes, "line %llu: ", (unsigned long long)r->ev->line);
	va_list ap;

	va_start(ap, fmt);
	if (len >= 0 && (size_t)len < r->why_bytes)
		vsnprintf(r->why + len, r->why_bytes - (size_t)len, fmt, ap);
	va_end(ap);
	return -1;
}

/* The same of a message: `message 3 of 'n1' to 'n2' WHAT`. */
__attribute__((cold))
static int wrong_message(const struct reading *r, const char *what)
{
	const struct trace_event *ev = r->ev;

	return wrong(r, "message %llu of '%.*s' to '%.*s'%s %s", (unsigned long long)ev->seq, (int)ev->src.len, ev->src.p,
		     (int)ev->dest.len, ev->dest.p, ev->copy > 1 ? ", copy 2," : "", what);
}

/* --- Messages --- */

static bool is_among(const char *word, const char *const *words)
{
	while (*words && strcmp(word, *words) != 0)
		words++;
	return *words;
}

/* Which of the whys it is, or -1 where there are too many. */
static int take_why(struct trace_replay *replay, struct wire_text text)
{
	static const char *const consequences[] = { "down", "queue", "nobody", "asleep", NULL };
	static const char *const losses[] = { "loss", "burst", "rate", NULL };
	struct why *why;
	size_t i = 0;

	while (i < replay->whys && (strlen(replay->why[i].text) != text.len || memcmp(replay->why[i].text, text.p, text.len)))
		i++;
	if (i < replay->whys)
		return (int)i;
	if (i == WHYS_MAX)
		return -1;
	why = &replay->why[replay->whys++];
	why->text = must_calloc(text.len + 1, 1);
	memcpy(why->text, text.p, text.len);
	why->consequence = is_among(why->text, consequences);
	why->when_sent = is_among(why->text, losses);
	why->asleep = !strcmp(why->text, "asleep");
	return (int)i;
}

/* A copy is delivered or dropped. */
static int read_ending(struct reading *r, const struct message *m, struct outcome *o)
{
	const struct trace_event *ev = r->ev;
	bool dropped = ev->kind == TRACE_DROP;
	int why = dropped ? take_why(r->replay, ev->why) : 0;

	if (o->ending != UNDER_WAY)
		return wrong_message(r, "is delivered or dropped for the second time");
	if (ev->at < m->sent)
		return wrong_message(r, dropped ? "is dropped before it is sent" : "is delivered before it is sent");
	if (why < 0)
		return wrong(r, "more than %d different whys", WHYS_MAX);
	o->ending = dropped ? DROPPED : DELIVERED;
	o->why = (uint8_t)why;
	o->delay = ev->at - m->sent;
	/* They come after that time, one behind the other, should there be somebody then. */
	if (dropped && r->replay->why[why].asleep)
		o->delay += ++r->asleep;
	/* Of one time: was it lost at once, or when its turn came to arrive?  Others may have come in between. */
	o->when_sent = dropped && !o->delay && (r->sending == m || r->replay->why[why].when_sent);
	return 0;
}

static int read_duplicate(const struct reading *r, struct extra *extra)
{
	if (extra->duplicated)
		return wrong_message(r, "is duplicated for the second time");
	extra->duplicated = true;
	return 0;
}

static int read_corrupt(const struct reading *r, struct extra *extra)
{
	struct wire_text text = r->ev->text;
	unsigned i = r->ev->copy - 1;

	if (extra->text[i])
		return wrong_message(r, "is corrupted for the second time");
	extra->text[i] = must_malloc(text.len);
	extra->len[i] = text.len;
	if (text.len)
		memcpy(extra->text[i], text.p, text.len);
	return 0;
}

static int read_about_message(struct reading *r)
{
	const struct trace_event *ev = r->ev;
	struct index *messages = &r->replay->messages;
	struct message *m = index_find(messages, (struct trace_link){ ev->src, ev->dest }, ev->seq);
	struct extra *extra = m ? index_extra(messages, m) : NULL;

	if (!m)
		return wrong_message(r, "was not sent before this line");
	if (r->sending != m || ev->kind == TRACE_DELIVER)
		r->sending = NULL;
	if (ev->copy > 1 && (!extra || !extra->duplicated))
		return wrong_message(r, "was not duplicated before this line");
	if (ev->kind == TRACE_DELIVER || ev->kind == TRACE_DROP)
		return read_ending(r, m, ev->copy > 1 ? &extra->second : &m->first);
	extra = index_add_extra(messages, m);
	return ev->kind == TRACE_DUPLICATE ? read_duplicate(r, extra) : read_corrupt(r, extra);
}

static int read_send(struct reading *r)
{
	const struct trace_event *ev = r->ev;
	struct message *m = index_add(&r->replay->messages, (struct trace_link){ ev->src, ev->dest }, ev->seq);

	if (!m)
		return wrong_message(r, "is sent for the second time");
	m->sent = ev->at;
	r->sending = m;
	return 0;
}

/* --- Faults --- */

static int read_fault(const struct reading *r)
{
	struct trace_replay *replay = r->replay;
	struct plan_error error;
	struct fault_order order;

	if (r->ev->ends)
		return 0;
	if (replay->orders == FAULT_ORDERS_MAX)
		return wrong(r, "more than %d faults", FAULT_ORDERS_MAX);
	if (plan_parse(&order, r->ev->fault.p, r->ev->fault.len, true, &error))
		return wrong(r, "%s", error.why);
	order.at_ns = r->ev->at;
	replay->order = index_grow(replay->order, replay->orders, &replay->order_room, sizeof(*replay->order));
	replay->order[replay->orders++] = order;
	return 0;
}

struct place { uint64_t at; size_t i; };

static int by_time(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	if (x->at != y->at)
		return x->at < y->at ? -1 : 1;
	return (x->i > y->i) - (x->i < y->i);
}

/* Those of one time stay as they come: qsort is told so. */
static void sort_orders(struct trace_replay *replay)
{
	struct place *place = must_malloc(replay->orders * sizeof(*place));
	struct fault_order *sorted = must_malloc(replay->orders * sizeof(*sorted));

	for (size_t i = 0; i < replay->orders; i++)
		place[i] = (struct place){ .at = replay->order[i].at_ns, .i = i };
	qsort(place, replay->orders, sizeof(*place), by_time);
	for (size_t i = 0; i < replay->orders; i++)
		sorted[i] = replay->order[place[i].i];
	free(place);
	free(replay->order);
	replay->order = sorted;
}

/* --- The whole --- */

static bool is_about_message(enum trace_event_kind kind)
{
	return kind == TRACE_SEND || kind == TRACE_DUPLICATE || kind == TRACE_CORRUPT || kind == TRACE_DELIVER ||
	       kind == TRACE_DROP;
}

static int read_event(struct reading *r)
{
	if (!is_about_message(r->ev->kind))
		r->sending = NULL;
	switch (r->ev->kind) {
	case TRACE_HEADER:
		r->replay->seed = r->ev->seed;
		return 0;
	case TRACE_SEND:
		return read_send(r);
	case TRACE_DUPLICATE: case TRACE_CORRUPT: case TRACE_DELIVER: case TRACE_DROP:
		return read_about_message(r);
	case TRACE_FAULT:
		return read_fault(r);
	case TRACE_START: case TRACE_DEATH: case TRACE_END: case TRACE_OTHER:
		break;
	}
	return 0;
}

/* 0, or -1: why says it; errno is 0, or what failed. */
static int read_events(struct trace_reader *reader, struct reading *r, struct trace_event *ev)
{
	uint64_t line;
	const char *error;
	int rc;

	while ((rc = trace_next(reader, ev)) > 0) {
		if (read_event(r)) {
			errno = 0;
			return -1;
		}
	}
	if (!rc)
		return 0;
	error = trace_reader_error(reader, &line);
	if (!line) {
		snprintf(r->why, r->why_bytes, "%s", error);
		return -1;
	}
	snprintf(r->why, r->why_bytes, "line %llu: %s", (unsigned long long)line, error);
	errno = 0;
	return -1;
}

struct trace_replay *trace_replay_read(const char *path, char *why, size_t why_bytes)
{
	struct trace_reader *reader = trace_reader_open(path);
	struct trace_event ev;
	struct reading r = { .ev = &ev, .why = why, .why_bytes = why_bytes };
	int error;

	if (!reader) {
		error = errno;
		snprintf(why, why_bytes, "%s", strerror(error));
		errno = error;
		return NULL;
	}
	r.replay = must_calloc(1, sizeof(*r.replay));
	index_init(&r.replay->messages);
	if (read_events(reader, &r, &ev)) {
		error = errno;
		trace_replay_free(r.replay);
		r.replay = NULL;
		trace_reader_free(reader);
		errno = error;
		return NULL;
	}
	trace_reader_free(reader);
	sort_orders(r.replay);
	return r.replay;
}

void trace_replay_free(struct trace_replay *replay)
{
	if (!replay)
		return;
	for (size_t i = 0; i < replay->whys; i++)
		free(replay->why[i].text);
	for (size_t i = 0; i < replay->orders; i++)
		fault_order_release(&replay->order[i]);
	index_release(&replay->messages);
	free(replay->order);
	free(replay);
}

uint64_t trace_replay_seed(const struct trace_replay *replay)
{
	return replay->seed;
}

const struct fault_order *trace_replay_orders(const struct trace_replay *replay, size_t *count)
{
	*count = replay->orders;
	return replay->order;
}

/* --- Fates --- */

static void tell_copy(const struct trace_replay *replay, const struct outcome *o, struct trace_fate *fate, unsigned copy)
{
	const struct why *why = &replay->why[o->why];

	fate->copy[copy].delay_ns = o->delay;
	if (o->ending != DROPPED || why->consequence)
		return;
	fate->copy[copy].why = why->text;
	fate->copy[copy].when_sent = o->when_sent;
}

bool trace_replay_fate(const struct trace_replay *replay, struct trace_link names, uint64_t seq, struct trace_fate *fate)
{
	const struct message *m = seq ? index_find(&replay->messages, names, seq) : NULL;
	const struct extra *extra;

	*fate = (struct trace_fate){ .copies = 1 };
	if (!m)
		return false;
	tell_copy(replay, &m->first, fate, 0);
	extra = index_extra(&replay->messages, m);
	if (extra && extra->duplicated) {
		fate->copies = 2;
		tell_copy(replay, &extra->second, fate, 1);
	} else if (fate->copy[0].when_sent) {
		fate->why = fate->copy[0].why;
	}
	for (unsigned i = 0; extra && i < fate->copies; i++) {
		fate->copy[i].text = extra->text[i];
		fate->copy[i].text_len = extra->len[i];
	}
	return true;
}
