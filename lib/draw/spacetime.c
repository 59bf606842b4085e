/*
 * spacetime: a trace, event by event, becomes what the picture shows.
 *
 * A message is kept from when it is sent, if that is shown, or else from when it arrives.  Who leads and which faults
 * are in force is followed from the trace's begin, so that a window of it shows them as they are.
 */
#include "lib/draw/spacetime.h"

#include <stdlib.h>

#include "lib/base/err.h"
#include "lib/draw/spacetime_inside.h"

enum { COMMAND_BYTES = 400, OPEN_SPANS_MAX = 4096 };

struct spacetime *spacetime_new(const struct spacetime_options *o)
{
	struct spacetime *s = must_calloc(1, sizeof *s);
	const char *item;
	size_t len;

	s->o = *o;
	if (!s->o.events_max)
		s->o.events_max = SPACETIME_EVENTS_DEFAULT;
	while (o->nodes && list_item(o->nodes, s->items, &item, &len))
		s->items++;
	s->item_found = must_calloc(s->items + 1, sizeof *s->item_found);
	s->names = names_new();
	s->flights = flights_new();
	return s;
}

void spacetime_free(struct spacetime *s)
{
	if (!s)
		return;
	flights_free(s->flights);
	for (size_t i = 0; i < s->messages; i++)
		message_free(s->message[i]);
	for (int i = 0; i < s->lanes; i++)
		free(s->lane[i].name);
	names_free(s->names);
	free(s->message);
	free(s->span);
	free(s->mark);
	free(s->item_found);
	free(s->command);
	free(s);
}

/* --- What is kept --- */

/* Room for one more; doubled. */
static void *grown(void *at, size_t n, size_t *room, size_t size)
{
	if (n < *room)
		return at;
	*room = *room ? 2 * *room : 64;
	return must_realloc(at, *room * size);
}

struct span *spacetime_span(struct spacetime *s, enum span_kind kind, int lane, uint64_t from)
{
	s->span = grown(s->span, s->spans, &s->span_room, sizeof *s->span);
	s->span[s->spans] = (struct span){ .kind = kind, .lane = lane, .lane_to = lane, .from = from, .to = UINT64_MAX };
	return &s->span[s->spans++];
}

void spacetime_mark(struct spacetime *s, enum mark_kind kind, int lane, uint64_t at, const char *label)
{
	if (at < s->o.from_ns || !spacetime_takes(s, at))
		return;
	s->mark = grown(s->mark, s->marks, &s->mark_room, sizeof *s->mark);
	s->mark[s->marks] = (struct mark){ .kind = kind, .lane = lane, .at = at };
	snprintf(s->mark[s->marks++].label, sizeof s->mark->label, "%s", label);
}

uint64_t spacetime_end(const struct spacetime *s)
{
	uint64_t end = s->full ? s->full_at : s->last_at;

	return s->o.to_ns < end ? s->o.to_ns : end;
}

bool spacetime_takes(struct spacetime *s, uint64_t at)
{
	if (at > s->o.to_ns)
		return false;
	if (!s->full && s->drawn < s->o.events_max) {
		s->drawn++;
		return true;
	}
	if (!s->full)
		s->full_at = at;
	s->full = true;
	s->excess++;
	return false;
}

/* --- Messages --- */

static bool ends_in_ok(const char *type, size_t *len)
{
	*len = strlen(type);
	if (*len <= 3 || strcmp(type + *len - 3, "_ok") != 0)
		return false;
	*len -= 3;
	return true;
}

/* Types between nodes have a colour each, an answer its request's; the last is shared by all further ones. */
static uint8_t family_of(struct spacetime *s, const char *type)
{
	size_t len;
	unsigned i;

	ends_in_ok(type, &len);
	for (i = 0; i < s->families; i++)
		if (strlen(s->family[i]) == len && !memcmp(s->family[i], type, len))
			return (uint8_t)i;
	if (s->families == FAMILIES)
		return FAMILIES - 1;
	memcpy(s->family[s->families], type, len);
	return (uint8_t)s->families++;
}

static struct wire_text text_of(const char *s, size_t len)
{
	return (struct wire_text){ s, len };
}

/* Of a client's request that has no answer yet, among the latest; NULL: there is none. */
static struct span *operation(struct spacetime *s, int lane, uint64_t msg_id)
{
	size_t oldest = s->spans > OPEN_SPANS_MAX ? s->spans - OPEN_SPANS_MAX : 0;

	for (size_t i = s->spans; i > oldest; i--) {
		struct span *span = &s->span[i - 1];

		if (span->kind == SPAN_OPERATION && span->lane == lane && span->id == msg_id && span->to == UINT64_MAX)
			return span;
	}
	return NULL;
}

/* A request that is sent once more is the same operation. */
static void open_operation(struct spacetime *s, const struct message *m)
{
	struct span *span;

	if (operation(s, m->from, m->body.msg_id))
		return;
	span = spacetime_span(s, SPAN_OPERATION, m->from, m->sent);
	span->id = m->body.msg_id;
	snprintf(span->label, sizeof span->label, "%s \xe2\x86\x92 ?", m->body.operation);
}

static void close_operation(struct spacetime *s, const struct message *m, uint64_t at)
{
	struct span *span = operation(s, m->to, m->body.in_reply_to);
	size_t len;

	if (!span)
		return;
	span->to = at;
	len = strlen(span->label) - 1;
	snprintf(span->label + len, sizeof span->label - len, "%s", m->body.result);
}

/* From now on the picture's, if the options show it; makes the lines of its two ends. */
static void keep(struct spacetime *s, struct message *m, uint64_t at)
{
	const struct wire_text src = text_of(m->src, m->src_len), dest = text_of(m->dest, m->dest_len);
	bool between_nodes;

	if (!types_show(s->o.types, m->body.type, m->heartbeat)) {
		s->hidden++;
		return;
	}
	if (!names_shown(s, src) || !names_shown(s, dest)) {
		if (!strcmp(m->src, "net") || !strcmp(m->dest, "net"))
			s->of_net++;
		else
			s->hidden++;
		return;
	}
	m->from = names_lane_made(s, src);
	m->to = names_lane_made(s, dest);
	if (m->from == LANE_NONE || m->to == LANE_NONE) {
		s->hidden++;
		return;
	}
	if (!spacetime_takes(s, at))
		return;
	s->message = grown(s->message, s->messages, &s->message_room, sizeof(struct message *));
	s->message[s->messages++] = m;
	m->kept = true;
	m->plain = m->heartbeat && !types_want_heartbeats(s->o.types);
	between_nodes = s->lane[m->from].kind == LANE_NODE && s->lane[m->to].kind == LANE_NODE;
	m->family = between_nodes ? family_of(s, m->body.type) : FAMILIES;
	if (s->lane[m->from].kind == LANE_CLIENT && m->body.has_msg_id && !m->body.is_reply)
		open_operation(s, m);
}

static char *hover_text(const struct trace_event *e)
{
	struct buf b = { NULL, 0, 0, 0 };

	if (e->message.len)
		body_pretty(&b, e->message);
	else
		buf_add(&b, e->text.p, e->text.len < HOVER_BYTES ? e->text.len : HOVER_BYTES);
	buf_putc(&b, '\0');
	char *text = must_strdup(b.at);

	buf_release(&b);
	return text;
}

static void sent(struct spacetime *s, const struct trace_event *e)
{
	struct message *m;

	s->all.sent++;
	if (e->at > s->o.to_ns)
		return;
	if (s->full) {
		s->excess++;
		return;
	}
	m = flights_add(s->flights, e);
	if (!m)
		return;
	m->hover = hover_text(e);
	m->heartbeat = flights_heartbeat(s->flights, m);
	if (e->at >= s->o.from_ns)
		keep(s, m, e->at);
	lives_sent(s, m);
}

static void count_fate(struct spacetime *s, enum trace_event_kind kind)
{
	switch (kind) {
	case TRACE_DUPLICATE: s->all.duplicated++; break;
	case TRACE_CORRUPT: s->all.corrupted++; break;
	case TRACE_DELIVER: s->all.delivered++; break;
	default: s->all.lost++; break;
	}
}

/* The first heartbeat that does not come through a partition is news; one of those that any link loses is not. */
static bool cut_off(const struct copy *c)
{
	return c->fate == LOST && (!strcmp(c->why, "partition") || !strcmp(c->why, "down"));
}

static void fate(struct spacetime *s, const struct trace_event *e)
{
	struct message *m = flights_find(s->flights, e);
	const struct copy *c;

	count_fate(s, e->kind);
	if (!m)
		return;
	c = message_fate(m, e);
	if (c && e->kind == TRACE_CORRUPT && !m->damage) {
		m->damage = must_malloc(e->text.len + 1);
		memcpy(m->damage, e->text.p, e->text.len);
		m->damage[e->text.len] = '\0';
	}
	if (c && c->fate != UNDER_WAY) {
		if (flights_first_loss(s->flights, m, cut_off(c)))
			m->plain = false;
		if (!m->kept && e->at >= s->o.from_ns && m->sent < s->o.from_ns && !s->full)
			keep(s, m, e->at);
		if (c->fate == DELIVERED && !c->corrupt && e->at <= spacetime_end(s))
			lives_delivered(s, m, e->at);
		if (c->fate == DELIVERED && !c->corrupt && m->kept && m->body.is_reply && e->at <= spacetime_end(s))
			close_operation(s, m, e->at);
	}
	flights_settle(s->flights, m);
}

/* --- The trace --- */

static void header(struct spacetime *s, const struct trace_event *e)
{
	struct buf b = { NULL, 0, 0, 0 };
	char text[COMMAND_BYTES];

	s->seed = e->seed;
	s->lockstep = e->lockstep;
	for (size_t i = 0; trace_header_string(e, "nodes", i, text, sizeof text); i++)
		names_node(s, text_of(text, strlen(text)));
	buf_puts(&b, "netfault");
	for (size_t i = 0; b.len < COMMAND_BYTES && trace_header_string(e, "options", i, text, sizeof text); i++) {
		buf_putc(&b, ' ');
		buf_puts(&b, text);
	}
	for (size_t i = 0; b.len < COMMAND_BYTES && trace_header_string(e, "command", i, text, sizeof text); i++) {
		buf_puts(&b, i ? " " : " -- ");
		buf_puts(&b, text);
	}
	buf_putc(&b, '\0');
	s->command = must_strdup(b.at);
	buf_release(&b);
}

void spacetime_add(struct spacetime *s, const struct trace_event *e)
{
	if (e->kind != TRACE_HEADER && e->at > s->last_at)
		s->last_at = e->at;
	switch (e->kind) {
	case TRACE_HEADER: header(s, e); break;
	case TRACE_SEND: sent(s, e); break;
	case TRACE_DUPLICATE: case TRACE_CORRUPT: case TRACE_DELIVER: case TRACE_DROP: fate(s, e); break;
	case TRACE_FAULT: case TRACE_START: case TRACE_DEATH:
		if (e->at <= s->o.to_ns && !s->full)
			lives_event(s, e);
		break;
	case TRACE_END: s->has_end = true; break;
	case TRACE_OTHER: break;
	}
}

void spacetime_torn(struct spacetime *s, uint64_t line)
{
	s->torn_line = line;
}

bool spacetime_excess(const struct spacetime *s, char *out, size_t room)
{
	if (!s->excess)
		return false;
	snprintf(out, room, "drawn are the first %ju events, %ju are left out", (uintmax_t)s->drawn, (uintmax_t)s->excess);
	return true;
}
