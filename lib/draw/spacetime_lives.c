/*
 * spacetime_lives: what becomes of the processes: they start, die, pause, are cut off, and lead.
 *
 * Who leads is seen from messages alone.  Raft: a node that sends append_entries or install_snapshot of a term as its
 * leader; Multi-Paxos: one that sends accept or chosen with a ballot of its own.  It leads until it sends a
 * message of a later term, or one as a follower, or is told of a later one, or dies; so two nodes lead at once
 * where one of them does not know better yet, which is what the picture is for.
 */
#include <stdlib.h>

#include "lib/draw/spacetime_inside.h"
#include "lib/plan/plan.h"

enum { GROUPS_MAX = 6 };        /* of a partition; further ones look like the last */

static void open_span(struct spacetime *s, int *open, enum span_kind kind, int lane, uint64_t at)
{
	if (*open < 0)
		*open = (int)(spacetime_span(s, kind, lane, at) - s->span);
}

static void close_span(struct spacetime *s, int *open, uint64_t at)
{
	if (*open >= 0)
		s->span[*open].to = at;
	*open = -1;
}

/* Ends what is open of these kinds; id 0: whichever; lane LANE_NONE: on every line. */
static void close_kinds(struct spacetime *s, unsigned kinds, int lane, uint64_t id, uint64_t at)
{
	for (size_t i = 0; i < s->spans; i++) {
		struct span *span = &s->span[i];

		if (kinds & 1U << span->kind && span->to == UINT64_MAX && (!id || span->id == id) &&
		    (lane == LANE_NONE || span->lane == lane))
			span->to = at;
	}
}

/* --- Who leads --- */

static bool leads_by(const struct message *m)
{
	const struct body *b = &m->body;

	if (!b->reign[0] || strlen(b->holder) != m->src_len || memcmp(b->holder, m->src, m->src_len))
		return false;
	return !strcmp(b->type, "append_entries") || !strcmp(b->type, "install_snapshot") || !strcmp(b->type, "accept") ||
	       !strcmp(b->type, "chosen");
}

/* Follows, or wants to be elected anew. */
static bool follows_by(const struct message *m, const struct lane *lane)
{
	const struct body *b = &m->body;

	if (!strcmp(b->type, "append_entries_ok") || !strcmp(b->type, "install_snapshot_ok"))
		return b->term >= lane->lead_term;
	return b->reign[0] && b->term > lane->lead_term && !b->pre_vote;
}

void lives_sent(struct spacetime *s, const struct message *m)
{
	int at = names_lane(s, (struct wire_text){ m->src, m->src_len });
	struct lane *lane = at == LANE_NONE ? NULL : &s->lane[at];

	if (!lane || lane->kind != LANE_NODE)
		return;
	if (lane->lead >= 0 && (leads_by(m) ? m->body.term != lane->lead_term : follows_by(m, lane)))
		close_span(s, &lane->lead, m->sent);
	if (lane->lead >= 0 || !leads_by(m))
		return;
	lane->lead_term = m->body.term;
	open_span(s, &lane->lead, SPAN_LEAD, at, m->sent);
	snprintf(s->span[lane->lead].label, BAND_LABEL_BYTES, "%s", m->body.reign);
}

/* Raft 5.1: who hears of a later term is a follower.  A pre-vote tells of a term that nobody has yet. */
void lives_delivered(struct spacetime *s, const struct message *m, uint64_t at)
{
	int to = names_lane(s, (struct wire_text){ m->dest, m->dest_len });
	struct lane *lane = to == LANE_NONE ? NULL : &s->lane[to];

	if (lane && lane->lead >= 0 && m->body.reign[0] && m->body.term > lane->lead_term && !m->body.pre_vote)
		close_span(s, &lane->lead, at);
}

/* --- Processes --- */

static void died(struct spacetime *s, const struct trace_event *e, int at)
{
	struct lane *lane = &s->lane[at];
	char label[OPERATION_BYTES];

	if (!lane->ended)
		open_span(s, &lane->life, SPAN_LIFE, at, 0);
	close_span(s, &lane->life, e->at);
	close_span(s, &lane->lead, e->at);
	close_kinds(s, 1U << SPAN_PAUSE, at, 0, e->at);
	lane->ended = true;
	if (e->signal)
		snprintf(label, sizeof label, e->signal == 9 && e->asked ? "crash" : "signal %d", e->signal);
	else
		snprintf(label, sizeof label, "exit %d", e->status);
	spacetime_mark(s, MARK_DEATH, at, e->at, label);
}

static void started(struct spacetime *s, const struct trace_event *e, int at)
{
	struct lane *lane = &s->lane[at];
	bool again = lane->ended;

	if (lane->life >= 0)
		return;
	lane->ended = false;
	open_span(s, &lane->life, SPAN_LIFE, at, e->at);
	spacetime_mark(s, MARK_START, at, e->at, again ? "restart" : s->messages ? "start" : "");
}

/* --- Faults --- */

/* The next name of a list parted by commas, groups by '|'; moves *p; false at the end. */
static bool next_name(const char **p, unsigned *group, struct wire_text *name)
{
	while (**p == ',' || **p == '|') {
		*group += **p == '|';
		++*p;
	}
	*name = (struct wire_text){ *p, strcspn(*p, ",|") };
	*p += name->len;
	return name->len > 0;
}

/* A span on the line of every node of the order. */
static void spans_of_nodes(struct spacetime *s, const struct fault_order *o, enum span_kind kind, uint64_t at)
{
	const char *rest = o->nodes ? o->nodes : "";
	struct wire_text name;
	unsigned group = 0;

	while (next_name(&rest, &group, &name)) {
		int lane = names_lane(s, name);
		struct span *span;

		if (lane == LANE_NONE)
			continue;
		span = spacetime_span(s, kind, lane, at);
		span->id = o->id;
		span->group = group < GROUPS_MAX ? group : GROUPS_MAX - 1;
		if (kind == SPAN_PAUSE || kind == SPAN_SKEW)
			fault_label(span->label, BAND_LABEL_BYTES, o);
	}
}

/* Is the name one of this side of FROM>TO? */
static bool side_has(const struct spacetime *s, const char *side, size_t side_len, const struct lane *lane)
{
	char list[256];

	snprintf(list, sizeof list, "%.*s", (int)side_len, side);
	if (list_find(list, "client", 6) >= 0 && lane->kind != LANE_NODE)
		return true;
	return lane->kind == LANE_NODE && list_find(list, lane->name, lane->name_len) >= 0 && s->lanes;
}

static void spans_of_link(struct spacetime *s, const struct fault_order *o, uint64_t at)
{
	const char *arrow = o->nodes ? strchr(o->nodes, '>') : NULL;
	size_t from_len;

	if (!arrow)
		return;
	from_len = (size_t)(arrow - o->nodes) - (arrow > o->nodes && arrow[-1] == '<');
	for (int i = 0; i < s->lanes; i++)
		if (side_has(s, o->nodes, from_len, &s->lane[i]) || side_has(s, arrow + 1, strlen(arrow + 1), &s->lane[i]))
			spacetime_span(s, SPAN_LINK, i, at)->id = o->id;
}

static void begun(struct spacetime *s, const struct fault_order *o, uint64_t at)
{
	static const enum span_kind kind_of[FAULT_ORDERS] = {
		[FAULT_ORDER_PARTITION] = SPAN_CUT, [FAULT_ORDER_ISOLATE] = SPAN_ALONE, [FAULT_ORDER_PAUSE] = SPAN_PAUSE,
		[FAULT_ORDER_SKEW] = SPAN_SKEW,
	};
	struct span *span;

	if (!spacetime_takes(s, at))
		return;
	if (o->kind == FAULT_ORDER_PARTITION || o->kind == FAULT_ORDER_ISOLATE || o->kind == FAULT_ORDER_LINK) {
		span = spacetime_span(s, SPAN_FAULT, LANE_NONE, at);
		span->id = o->id;
		fault_label(span->label, BAND_LABEL_BYTES, o);
	}
	if (o->kind == FAULT_ORDER_LINK)
		spans_of_link(s, o, at);
	else
		spans_of_nodes(s, o, kind_of[o->kind], at);
}

/* What an order ends: of each node that it names, or by its id. */
static void ended(struct spacetime *s, const struct fault_order *o, uint64_t at)
{
	const unsigned network = 1U << SPAN_CUT | 1U << SPAN_ALONE | 1U << SPAN_LINK | 1U << SPAN_FAULT;
	const unsigned processes = 1U << SPAN_PAUSE | 1U << SPAN_SKEW;
	const char *p = o->nodes ? o->nodes : "";
	struct wire_text name;
	unsigned group = 0;

	if (o->kind == FAULT_ORDER_HEAL)
		close_kinds(s, network, LANE_NONE, o->id, at);
	else if (o->kind == FAULT_ORDER_CALM)
		close_kinds(s, network | processes, LANE_NONE, 0, at);
	else
		while (next_name(&p, &group, &name)) {
			int lane = names_lane(s, name);

			if (lane != LANE_NONE)
				close_kinds(s, 1U << (o->kind == FAULT_ORDER_SKEW ? SPAN_SKEW : SPAN_PAUSE), lane, 0, at);
		}
}

static void fault(struct spacetime *s, const struct trace_event *e)
{
	struct fault_order o;
	struct plan_error error;

	if (plan_parse(&o, e->fault.p, e->fault.len, true, &error))
		return;
	switch (o.kind) {
	case FAULT_ORDER_SKEW:
		ended(s, &o, e->at);
		if (!e->ends && (o.offset_ns || o.drift < 1 || o.drift > 1))
			begun(s, &o, e->at);
		break;
	case FAULT_ORDER_PARTITION: case FAULT_ORDER_ISOLATE: case FAULT_ORDER_LINK: case FAULT_ORDER_PAUSE:
		if (!e->ends)
			begun(s, &o, e->at);
		break;
	case FAULT_ORDER_HEAL: case FAULT_ORDER_CALM: case FAULT_ORDER_RESUME:
		ended(s, &o, e->at);
		break;
	case FAULT_ORDER_CRASH: case FAULT_ORDER_RESTART:       /* a death or a start comes of it */
	case FAULT_ORDERS:
		break;
	}
	fault_order_release(&o);
}

void lives_event(struct spacetime *s, const struct trace_event *e)
{
	int lane = e->kind == TRACE_FAULT ? LANE_NONE : names_lane(s, e->node);

	if (e->kind == TRACE_FAULT)
		fault(s, e);
	else if (lane != LANE_NONE && e->kind == TRACE_DEATH)
		died(s, e, lane);
	else if (lane != LANE_NONE)
		started(s, e, lane);
}

void lives_close(struct spacetime *s)
{
	for (int i = 0; i < s->lanes; i++)
		if (!s->lane[i].ended)
			open_span(s, &s->lane[i].life, SPAN_LIFE, i, 0);
}
