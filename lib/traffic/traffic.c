/*
 * traffic: see traffic.h
 *
 * A message gets its fate when it is sent: from the replayed trace, or drawn by the model.  What does not go at once
 * is copied and waits in the queue.  A delivery is told in the trace by the call that follows it, so that
 * traffic_undelivered can take it back.
 */
#include "lib/traffic/links.h"
#include "lib/traffic/pool.h"
#include "lib/traffic/queue.h"
#include "lib/traffic/traffic.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"

struct message {
	struct traffic_link *link;
	uint64_t seq;
	size_t room, len;               /* bytes of the piece of memory, and of the line */
	const char *why;                /* it is lost when it arrives, as a replayed trace tells; NULL: not */
	unsigned copy;
	bool replayed;                  /* and no partition stops it: its trace has told all */
	char line[];                    /* and a newline */
};

/* A copy that was handed over last. */
struct handed {
	struct traffic_link *link;      /* NULL: all is told */
	uint64_t at, seq;
	unsigned copy;
};

struct traffic {
	struct fault_net *net;
	struct trace *trace;
	const struct trace_replay *replay;
	bool cut_at_send;
	size_t bytes_max, bytes, of_clients;
	struct traffic_links links;
	struct traffic_queue queue;
	struct traffic_pool pool;
	struct handed handed;
	struct message *taken;          /* its text is the caller's until the next call */
	struct traffic_counts counts;
};

/* --- Beginning and end --- */

struct traffic *traffic_new(const struct traffic_options *o, size_t *bad, const char **why)
{
	struct fault_options fault = o->fault;
	struct fault_net *net;
	struct traffic *t;

	if (o->replay) {
		fault.orders = trace_replay_orders(o->replay, &fault.order_count);
		fault.settings = (struct fault_settings){ .set = 0 };
		fault.nemesis = 0;
		fault.heal_after_ns = 0;
		fault.calm_ns = FAULT_NEVER;
	}
	net = fault_net_new(&fault, bad, why);
	if (!net)
		return NULL;
	t = must_calloc(1, sizeof(*t));
	t->net = net;
	t->trace = o->trace;
	t->replay = o->replay;
	t->cut_at_send = o->cut_at_send;
	t->bytes_max = o->bytes_max;
	traffic_links_init(&t->links, fault.seed);
	return t;
}

static void free_message(struct traffic *t, struct message *m)
{
	traffic_pool_put(&t->pool, m, m->room);
}

/* Tells what the last call left to tell, and gives up what it lent. */
static inline void settle(struct traffic *t)
{
	struct handed *h = &t->handed;

	if (h->link && t->trace)
		trace_deliver(t->trace, h->at, traffic_link_names(h->link), h->seq, h->copy);
	h->link = NULL;
	if (!t->taken)
		return;
	free_message(t, t->taken);
	t->taken = NULL;
	if (!t->queue.count)
		traffic_pool_empty(&t->pool);
}

void traffic_free(struct traffic *t)
{
	if (!t)
		return;
	settle(t);
	while (t->queue.count)
		free_message(t, traffic_queue_take(&t->queue));
	traffic_queue_release(&t->queue);
	traffic_pool_release(&t->pool);
	traffic_links_release(&t->links);
	fault_net_free(t->net);
	free(t);
}

struct fault_net *traffic_faults(struct traffic *t)
{
	return t->net;
}

struct trace *traffic_trace(struct traffic *t)
{
	settle(t);
	return t->trace;
}

/* --- Links --- */

struct traffic_link *traffic_link(struct traffic *t, const char *from, size_t from_len, const char *to, size_t to_len)
{
	return traffic_links_get(&t->links, t->net, from, from_len, to, to_len);
}

void traffic_link_elsewhere(struct traffic_link *l, bool elsewhere)
{
	l->elsewhere = elsewhere && l->from_index >= 0;
}

bool traffic_idle(const struct traffic *t)
{
	return !t->trace && !t->replay && !t->queue.count && fault_net_quiet(t->net);
}

static inline bool cut(const struct traffic *t, const struct traffic_link *l)
{
	return l->from_index >= 0 && l->to_index >= 0 && fault_net_cut(t->net, l->from_index, l->to_index);
}

/* --- What is told --- */

static void hand_over(struct traffic *t, uint64_t at, struct traffic_link *l, uint64_t seq, unsigned copy)
{
	t->handed = (struct handed){ l, at, seq, copy };
	t->counts.delivered++;
}

static void drop(struct traffic *t, uint64_t at, struct traffic_link *l, uint64_t seq, unsigned copy, const char *why)
{
	if (t->trace)
		trace_drop(t->trace, at, traffic_link_names(l), seq, copy, why);
}

static void lose(struct traffic *t, uint64_t at, struct traffic_link *l, uint64_t seq, unsigned copy, enum fault_why why)
{
	t->counts.dropped[why]++;
	drop(t, at, l, seq, copy, fault_why_text(why));
}

/* As a replayed trace has it. */
static void lose_again(struct traffic *t, uint64_t at, struct traffic_link *l, uint64_t seq, unsigned copy, const char *why)
{
	for (int i = FAULT_PASSES + 1; i < FAULT_WHYS; i++)
		if (!strcmp(why, fault_why_text((enum fault_why)i)))
			t->counts.dropped[i]++;
	drop(t, at, l, seq, copy, why);
}

static void duplicated(struct traffic *t, uint64_t now, struct traffic_link *l)
{
	t->counts.duplicated++;
	if (t->trace)
		trace_duplicate(t->trace, now, traffic_link_names(l), l->seq);
}

static void corrupted(struct traffic *t, uint64_t now, const struct message *m)
{
	t->counts.corrupted++;
	if (t->trace)
		trace_corrupt(t->trace, now, traffic_link_names(m->link), m->seq, m->copy, m->line, m->len);
}

/* --- Sending --- */

/* A copy with room for a line of `len` bytes; NULL: too much is under way, and it is lost. */
static struct message *new_message(struct traffic *t, uint64_t now, struct traffic_link *l, unsigned copy, const char *line,
				   size_t len)
{
	size_t room = sizeof(struct message) + len + 1;
	struct message *m;

	if (t->bytes_max && len > t->bytes_max - t->bytes) {
		drop(t, now, l, l->seq, copy, "queue");
		t->counts.overflowed++;
		return NULL;
	}
	m = traffic_pool_get(&t->pool, room);
	*m = (struct message){ .link = l, .seq = l->seq, .room = room, .len = len, .copy = copy };
	memcpy(m->line, line, len);
	return m;
}

static void wait_for(struct traffic *t, uint64_t now, uint64_t delay_ns, struct message *m)
{
	m->line[m->len] = '\n';
	t->bytes += m->len;
	t->of_clients += m->link->of_client;
	traffic_queue_put(&t->queue, delay_ns < FAULT_NEVER - now ? now + delay_ns : FAULT_NEVER - 1, m);
}

/* Nothing that came before it has to go first. */
static bool at_once(const struct traffic *t, uint64_t now, uint64_t delay_ns)
{
	return !delay_ns && traffic_queue_next(&t->queue) > now;
}

static void send_copy(struct traffic *t, uint64_t now, struct traffic_link *l, unsigned copy, const char *line, size_t len,
		      const struct fault_copy *c)
{
	struct message *m = new_message(t, now, l, copy, line, len);

	if (!m)
		return;
	if (c->corrupt || c->truncate) {
		m->len = fault_damage(c, m->line, len);
		corrupted(t, now, m);
	}
	wait_for(t, now, c->delay_ns, m);
}

static bool send_drawn(struct traffic *t, uint64_t now, struct traffic_link *l, const char *line, size_t len,
		       const struct fault_fate *fate)
{
	const struct fault_copy *first = &fate->copy[0];
	bool goes = false;

	if (fate->why != FAULT_PASSES) {
		lose(t, now, l, l->seq, 1, fate->why);
		return false;
	}
	if (fate->copies > 1)
		duplicated(t, now, l);
	if (first->corrupt || first->truncate || !at_once(t, now, first->delay_ns)) {
		send_copy(t, now, l, 1, line, len, first);
	} else if (!t->cut_at_send && cut(t, l)) {
		lose(t, now, l, l->seq, 1, FAULT_CUT);
	} else {
		goes = true;
	}
	if (fate->copies > 1)
		send_copy(t, now, l, 2, line, len, &fate->copy[1]);
	if (goes)
		hand_over(t, now, l, l->seq, 1);
	return goes;
}

/* Another text than was sent is to arrive. */
static bool differs(const char *line, size_t len, const char *text, size_t text_len)
{
	return text && (text_len != len || memcmp(text, line, len) != 0);
}

static bool send_replayed(struct traffic *t, uint64_t now, struct traffic_link *l, const char *line, size_t len,
			  const struct trace_fate *fate)
{
	bool goes = false;

	if (fate->why) {
		lose_again(t, now, l, l->seq, 1, fate->why);
		return false;
	}
	if (fate->copies > 1)
		duplicated(t, now, l);
	for (unsigned i = 0; i < fate->copies; i++) {
		const char *text = fate->copy[i].text;
		bool other = differs(line, len, text, fate->copy[i].text_len);
		struct message *m;

		if (!i && !other && !fate->copy[i].why && at_once(t, now, fate->copy[i].delay_ns)) {
			goes = true;
			continue;
		}
		if (fate->copy[i].when_sent) {
			lose_again(t, now, l, l->seq, i + 1, fate->copy[i].why);
			continue;
		}
		m = new_message(t, now, l, i + 1, other ? text : line, other ? fate->copy[i].text_len : len);
		if (!m)
			continue;
		m->why = fate->copy[i].why;
		m->replayed = true;
		if (other)
			corrupted(t, now, m);
		wait_for(t, now, fate->copy[i].delay_ns, m);
	}
	if (goes)
		hand_over(t, now, l, l->seq, 1);
	return goes;
}

bool traffic_send(struct traffic *t, uint64_t now_ns, struct traffic_link *l, const char *line, size_t len)
{
	struct fault_fate fate = { .why = FAULT_PASSES, .copies = 1 };
	struct trace_fate told;

	settle(t);
	l->seq++;
	t->counts.sent++;
	if (t->trace)
		trace_send(t->trace, now_ns, traffic_link_names(l), l->seq, line, len);
	if (t->replay && trace_replay_fate(t->replay, traffic_link_names(l), l->seq, &told))
		return send_replayed(t, now_ns, l, line, len, &told);
	if (t->cut_at_send && cut(t, l)) {
		lose(t, now_ns, l, l->seq, 1, FAULT_CUT);
		return false;
	}
	if (!t->replay && !traffic_link_perfect(l, t->net)) {
		l->model.messages = l->seq - 1;
		fault_fate(&l->model, &l->settings, now_ns, len + 1, &fate);
	}
	return send_drawn(t, now_ns, l, line, len, &fate);
}

void traffic_tell(struct traffic *t, uint64_t now_ns, struct traffic_link *l, const char *line, size_t len)
{
	settle(t);
	l->seq++;
	t->counts.sent++;
	if (t->trace)
		trace_send(t->trace, now_ns, traffic_link_names(l), l->seq, line, len);
	hand_over(t, now_ns, l, l->seq, 1);
}

void traffic_undelivered(struct traffic *t, uint64_t now_ns, struct traffic_link *l, const char *why)
{
	struct handed h = t->handed;

	assert(h.link == l);
	t->handed.link = NULL;
	t->counts.delivered--;
	t->counts.undelivered++;
	drop(t, now_ns, l, h.seq, h.copy, why);
}

/* --- Arriving --- */

void traffic_end(struct traffic *t, uint64_t now_ns)
{
	settle(t);
	while (t->queue.count) {
		struct message *m = traffic_queue_take(&t->queue);

		t->bytes -= m->len;
		t->of_clients -= m->link->of_client;
		drop(t, now_ns, m->link, m->seq, m->copy, "asleep");
		free_message(t, m);
	}
}

uint64_t traffic_next(const struct traffic *t)
{
	return traffic_queue_next(&t->queue);
}

/* Is it lost now that it arrives? */
static bool stopped(struct traffic *t, uint64_t now, const struct message *m)
{
	if (m->why) {
		lose_again(t, now, m->link, m->seq, m->copy, m->why);
		return true;
	}
	if (m->replayed || t->cut_at_send || !cut(t, m->link))
		return false;
	lose(t, now, m->link, m->seq, m->copy, FAULT_CUT);
	return true;
}

bool traffic_take(struct traffic *t, uint64_t now_ns, struct traffic_message *out)
{
	settle(t);
	while (traffic_queue_next(&t->queue) <= now_ns) {
		struct message *m = traffic_queue_take(&t->queue);
		struct trace_link names = traffic_link_names(m->link);

		t->bytes -= m->len;
		t->of_clients -= m->link->of_client;
		t->taken = m;
		if (stopped(t, now_ns, m)) {
			settle(t);
			continue;
		}
		hand_over(t, now_ns, m->link, m->seq, m->copy);
		*out = (struct traffic_message){
			.link = m->link, .from = names.src, .to = names.dest, .line = m->line, .len = m->len, .of = m->link->of,
		};
		return true;
	}
	return false;
}

size_t traffic_under_way(const struct traffic *t)
{
	return t->queue.count;
}

size_t traffic_clients_under_way(const struct traffic *t)
{
	return t->of_clients;
}

size_t traffic_bytes_under_way(const struct traffic *t)
{
	return t->bytes;
}

void **traffic_link_of(struct traffic_link *l)
{
	return &l->of;
}

/* --- Faults --- */

static void trace_faults(struct traffic *t, uint64_t now, const struct fault_out *out)
{
	settle(t);
	for (size_t i = 0; t->trace && i < out->count; i++)
		trace_fault(t->trace, now, &out->orders[i]);
}

const char *traffic_order(struct traffic *t, uint64_t now_ns, const struct fault_order *order, struct fault_out *out)
{
	const char *why = fault_net_order(t->net, now_ns, order, out);

	if (!why)
		trace_faults(t, now_ns, out);
	return why;
}

void traffic_advance(struct traffic *t, uint64_t now_ns, struct fault_out *out)
{
	fault_net_advance(t->net, now_ns, out);
	trace_faults(t, now_ns, out);
}

uint64_t traffic_deadline(const struct traffic *t)
{
	return fault_net_deadline(t->net);
}

void traffic_counts(const struct traffic *t, struct traffic_counts *out)
{
	*out = t->counts;
}
