/*
 * operation: how operations begin, are asked for, and end.
 *
 * Invariant: an operation that is told as failed is one of which no request may have happened, nor may yet.
 */
#include "lib/load/inside.h"
#include "lib/load/series.h"
#include "lib/load/transcript.h"

#include <stdio.h>

enum { STATUS_EVERY_MS = 10, NO_CODE = -1 };

static const struct wire_text nothing_read = { .p = NULL };

/* --- Requests --- */

static void put_src(struct load *l, uint32_t i)
{
	buf_add(&l->out, "{\"src\":\"", 8);
	buf_add(&l->out, l->prefix, l->prefix_len);
	buf_u64(&l->out, i);
}

static bool has_session(const struct load *l, const struct client *c)
{
	return l->options->sessions && c->op.kind != WORKLOAD_READ;
}

static void put_session(struct load *l, uint32_t i)
{
	struct client *c = &l->client[i];

	buf_puts(&l->out, ",\"session\":\"");
	buf_add(&l->out, l->prefix, l->prefix_len);
	buf_u64(&l->out, i);
	buf_putc(&l->out, '.');
	buf_u64(&l->out, c->session);
	if (l->options->session_nonce)
		buf_printf(&l->out, ".%jx", (uintmax_t)l->options->session_nonce);
	buf_puts(&l->out, "\",\"seq\":");
	buf_u64(&l->out, c->seq);
}

static void ask(struct load *l, uint32_t i)
{
	struct client *c = &l->client[i];
	struct buf *dest = l->dest;

	if (l->dests > 1)
		dest += workload_below(&l->draws, l->dests);
	c->msg_id++;
	put_src(l, i);
	buf_add(&l->out, dest->at, dest->len);
	workload_put(l->workload, &c->op, c->msg_id, &l->out);
	if (has_session(l, c))
		put_session(l, i);
	buf_add(&l->out, "}}\n", 3);
	client_move(l, i, CLIENT_ASKING);
}

static void ask_leader(struct load *l)
{
	uint32_t i = l->options->clients;
	struct client *c = &l->client[i];

	if (l->options->node_count || c->state != CLIENT_IDLE || (c->msg_id && l->now < c->asked_ns + STATUS_EVERY_MS * LOAD_MS))
		return;
	c->msg_id++;
	put_src(l, i);
	buf_printf(&l->out, "\",\"dest\":\"*\",\"body\":{\"type\":\"status\",\"msg_id\":%ju}}\n", (uintmax_t)c->msg_id);
	client_move(l, i, CLIENT_ASKING);
}

static void take_leader(struct load *l, const char *line, size_t len)
{
	char leader[WIRE_NAME_BYTES_MAX + 1];
	size_t n = answer_leader(line, len, leader);

	client_move(l, l->options->clients, CLIENT_IDLE);
	if (!n)
		return;
	buf_clear(l->dest, 1 << 10);
	buf_puts(l->dest, "\",\"dest\":");
	wire_put_string(l->dest, leader, n);
	buf_puts(l->dest, ",\"body\":{");
	l->dests = 1;
}

/* --- The beginning --- */

bool operation_over(const struct load *l)
{
	const struct load_options *o = l->options;

	if (load_stopped || (o->ops && l->begun >= o->ops))
		return true;
	if (!o->rate)
		return l->now >= l->end_ns;
	/* What has arrived in time is begun later, but not for ever. */
	return l->arrival.next_ns >= l->end_ns || (l->end_ns != LOAD_NEVER && l->now >= l->end_ns + o->timeout_ns);
}

/* When the next operation is begun, if that is now: the time that its own counts from. */
static bool may_begin(struct load *l, uint64_t *began_ns)
{
	if (operation_over(l))
		return false;
	*began_ns = l->now;
	if (!l->options->rate)
		return true;
	*began_ns = l->arrival.next_ns;
	if (*began_ns > l->now)
		return false;
	arrival_advance(&l->arrival);
	return true;
}

static void note_first(struct load *l, uint32_t i)
{
	snprintf(l->result->first_src, sizeof(l->result->first_src), "%s%ju", l->prefix, (uintmax_t)i);
	l->result->first_s = ((double)l->now - (double)l->measure_ns) / 1e9;
}

static bool begin(struct load *l, uint32_t i)
{
	struct client *c = &l->client[i];

	if (!may_begin(l, &c->began_ns))
		return false;
	workload_draw(l->workload, &c->op);
	c->measured = c->began_ns >= l->measure_ns;
	c->open = false;
	c->again = 0;
	if (has_session(l, c))
		c->seq++;
	l->begun += c->measured;
	if (l->options->transcript)
		transcript_invoke(l->options->transcript, l->workload, &c->op, c->process, l->now);
	if (!*l->result->first_src)
		note_first(l, i);
	ask(l, i);
	return true;
}

static void begin_idle(struct load *l)
{
	uint32_t i;

	while ((i = client_thinker(l)) != LOAD_NONE && l->now >= l->client[i].asked_ns)
		client_thought(l);
	for (uint32_t next, at = l->list[CLIENT_IDLE].first; at != LOAD_NONE; at = next) {
		next = l->client[at].after;
		if (at < l->options->clients && !begin(l, at))
			return;
	}
}

/* --- The end --- */

/* An answer that tells what the store has. */
static void record(struct load *l, const struct client *c)
{
	struct load_result *r = l->result;
	uint64_t gap = l->now - (l->last_answer_ns > l->measure_ns ? l->last_answer_ns : l->measure_ns);

	r->ops++;
	histogram_add(&r->latency_ns[c->op.kind], l->now - c->began_ns);
	r->seconds_ns = l->now - l->measure_ns;
	if (gap > r->gap_ns && l->now < l->end_ns)
		r->gap_ns = gap;
	if (l->options->series)
		series_add(l->options->series, l->now, l->now - c->began_ns);
}

static void record_trouble(struct load *l, const struct client *c, bool unknown)
{
	if (!c->measured)
		return;
	l->result->unknown += unknown;
	l->result->failed += !unknown;
	if (l->options->series)
		series_add_error(l->options->series, l->now);
}

/*
 * The client goes on, after an operation of unknown outcome as another process, and after one that did not use up its
 * place in the session in another session.
 */
static void go_on(struct load *l, uint32_t i)
{
	if (!l->options->think_ns) {
		client_move(l, i, CLIENT_IDLE);
		begin(l, i);
		return;
	}
	client_think(l, i, l->now + workload_below(&l->draws, 2 * l->options->think_ns + 1));
}

static void tell(struct load *l, const struct client *c, enum transcript_type type, int code, struct wire_text read)
{
	if (l->options->transcript)
		transcript_end(l->options->transcript, l->workload, &c->op, c->process, type, code, read, l->now);
}

static void end_answered(struct load *l, uint32_t i, int code, struct wire_text read)
{
	struct client *c = &l->client[i];

	tell(l, c, code == ANSWER_OK ? TRANSCRIPT_OK : TRANSCRIPT_FAIL, code == ANSWER_OK ? NO_CODE : code, read);
	if (code == ANSWER_OK)
		workload_done(l->workload, &c->op);
	if (c->measured)
		record(l, c);
	l->last_answer_ns = l->now;
	go_on(l, i);
}

/* Without an answer of the store: as failed, if nothing of it may happen. */
static void end_without(struct load *l, uint32_t i, int code)
{
	struct client *c = &l->client[i];

	tell(l, c, c->open ? TRANSCRIPT_INFO : TRANSCRIPT_FAIL, code, nothing_read);
	record_trouble(l, c, c->open);
	if (c->open)
		c->process = l->processes++;
	if (has_session(l, c)) {
		c->session++;
		c->seq = 0;
	}
	go_on(l, i);
}

/* --- Answers --- */

static bool leaves_open(int code)
{
	return code == WIRE_TIMEOUT || code == WIRE_CRASH || code >= LOAD_CODES - 1;
}

/* The first request has not brought the answer: from now on it counts how long the operation may take. */
static void note_until(const struct load *l, struct client *c)
{
	if (!c->again && c->state == CLIENT_ASKING)
		c->until_ns = c->asked_ns + l->options->timeout_ns;
}

static void retry(struct load *l, uint32_t i)
{
	note_until(l, &l->client[i]);
	client_move(l, i, CLIENT_RETRYING);
	ask_leader(l);
}

static void take_code(struct load *l, uint32_t i, int code, struct wire_text read)
{
	struct client *c = &l->client[i];

	if (code != ANSWER_OK && c->measured)
		l->result->error[code < LOAD_CODES ? code : LOAD_CODES - 1]++;
	if (code == ANSWER_OK || code == WIRE_NO_KEY || code == WIRE_PRECONDITION) {
		end_answered(l, i, code, read);
		return;
	}
	c->open |= leaves_open(code);
	if (code == WIRE_UNAVAILABLE || (l->options->sessions && leaves_open(code)))
		retry(l, i);
	else
		end_without(l, i, code);
}

static bool is_final(int code)
{
	return code == ANSWER_OK || code == WIRE_NO_KEY || code == WIRE_PRECONDITION;
}

/* With sessions all requests of an operation are the same one: whichever has an answer that ends it. */
static bool is_answer(const struct load *l, const struct client *c, const struct answer *a)
{
	if (c->state == CLIENT_ASKING && a->msg_id == c->msg_id)
		return true;
	return l->options->sessions && (c->state == CLIENT_ASKING || c->state == CLIENT_RETRYING) && is_final(a->code) &&
	       a->msg_id + c->again >= c->msg_id && a->msg_id <= c->msg_id;
}

void operation_answer(struct load *l, const char *line, size_t len)
{
	struct answer a;
	struct client *c;
	bool reads;

	if (!answer_read(&a, line, len, l->prefix, l->prefix_len, l->options->transcript) || a.client > l->options->clients)
		return;
	c = &l->client[a.client];
	if (!is_answer(l, c, &a))
		return;                 /* it came too late, or twice */
	if (a.client == l->options->clients) {
		take_leader(l, line, len);
		return;
	}
	/* It may have happened; what it has read we are not told. */
	reads = c->op.kind == WORKLOAD_READ || c->op.kind >= WORKLOAD_TXN;
	if (l->options->transcript && reads && a.code == ANSWER_OK && !a.read.p)
		a.code = WIRE_CRASH;
	take_code(l, a.client, a.code, reads ? a.read : nothing_read);
}

/* --- Time --- */

static uint64_t patience_ns(const struct load *l)
{
	const struct load_options *o = l->options;

	return o->sessions && o->resend_ns < o->timeout_ns ? o->resend_ns : o->timeout_ns;
}

static void send_again(struct load *l, uint32_t i)
{
	l->result->retries += l->client[i].measured;
	l->client[i].again++;
	ask(l, i);
}

static void give_up_late(struct load *l)
{
	uint32_t i;

	while ((i = l->list[CLIENT_ASKING].first) != LOAD_NONE && l->now >= l->client[i].asked_ns + patience_ns(l)) {
		struct client *c = &l->client[i];

		if (i == l->options->clients) {
			client_move(l, i, CLIENT_IDLE);
			continue;
		}
		c->open = true;
		note_until(l, c);
		if (l->options->sessions && l->now < c->until_ns && !load_stopped) {
			send_again(l, i);
		} else {
			l->result->unanswered += c->measured;
			end_without(l, i, NO_CODE);
		}
		ask_leader(l);
	}
}

static void ask_again(struct load *l)
{
	uint32_t i;

	while ((i = l->list[CLIENT_RETRYING].first) != LOAD_NONE &&
	       l->now >= l->client[i].asked_ns + l->options->retry_ns) {
		const struct client *c = &l->client[i];

		if (load_stopped || l->now >= c->until_ns || (l->now >= l->end_ns && !c->open))
			end_without(l, i, WIRE_UNAVAILABLE);
		else
			send_again(l, i);
	}
}

void operation_turn(struct load *l)
{
	give_up_late(l);
	ask_again(l);
	if (!l->dests)
		ask_leader(l);
	if (l->began)
		begin_idle(l);
}

void operation_abandon(struct load *l)
{
	for (uint32_t i = 0; i < l->options->clients; i++) {
		struct client *c = &l->client[i];

		if (c->state == CLIENT_ASKING)
			tell(l, c, TRANSCRIPT_INFO, NO_CODE, nothing_read);
		if (c->state == CLIENT_RETRYING)
			tell(l, c, c->open ? TRANSCRIPT_INFO : TRANSCRIPT_FAIL, c->open ? NO_CODE : WIRE_UNAVAILABLE, nothing_read);
	}
}

static void sooner(uint64_t *due, uint64_t than_ns)
{
	if (than_ns < *due)
		*due = than_ns;
}

static void sooner_first(const struct load *l, uint64_t *due, enum client_state state, uint64_t wait_ns)
{
	if (l->list[state].first != LOAD_NONE)
		sooner(due, l->client[l->list[state].first].asked_ns + wait_ns);
}

static bool somebody_idle(const struct load *l)
{
	uint32_t first = l->list[CLIENT_IDLE].first;

	return first != LOAD_NONE && (first < l->options->clients || l->client[first].after != LOAD_NONE);
}

uint64_t operation_due(const struct load *l)
{
	uint64_t due = LOAD_NEVER;

	sooner_first(l, &due, CLIENT_ASKING, patience_ns(l));
	sooner_first(l, &due, CLIENT_RETRYING, l->options->retry_ns);
	if (!l->dests)
		sooner(&due, l->now + STATUS_EVERY_MS * LOAD_MS);
	if (!l->began || operation_over(l))
		return due;
	if (client_thinker(l) != LOAD_NONE)
		sooner(&due, l->client[client_thinker(l)].asked_ns);
	if (l->options->rate && somebody_idle(l))
		sooner(&due, l->arrival.next_ns);
	sooner(&due, l->options->rate && l->end_ns != LOAD_NEVER ? l->end_ns + l->options->timeout_ns : l->end_ns);
	return due;
}
