/*
 * request: what clients ask, from the line to the answer.
 *
 * A write that comes while this node takes proposals is proposed with all others of the turn and waits under its index; at
 * another node it is forwarded; while no leader is known it is homeless, and taken again when there is one.  An answer says
 * that something did not happen only where it was never proposed anywhere; else, if its outcome is not known in time or the
 * leader changes, it is answered with code 0.
 */
#include "lib/base/err.h"
#include "lib/node/inside.h"

#include <assert.h>
#include <stdlib.h>

enum { KEEP_BYTES = 1 << 16 };
/* A leader that sends requests back knows of a change that we hear of soon. */
static const uint64_t BOUNCE_NS = 10 * UINT64_C(1000000);
static const char open_outcome[] = "no answer in time: it may have happened or may yet";

/* --- Answers --- */

void answer(struct node *n, const struct origin *o, struct wire_text inside)
{
	struct buf *b;

	if (o->forward) {
		forward_answer(n, o, inside);
		return;
	}
	if (!o->msg_id.len)
		return;         /* wants none */
	b = output_begin(n, false);
	wire_begin(b, n->id, n->id_len, o->src.p, o->src.len);
	buf_add(b, inside.p, inside.len);
	buf_puts(b, ",\"in_reply_to\":");
	buf_add(b, o->msg_id.p, o->msg_id.len);
	wire_end(b);
	output_end(n, b);
}

void answer_error(struct node *n, const struct origin *o, enum wire_code code, const char *text)
{
	struct buf b = { 0 };

	n->count.errors++;
	buf_printf(&b, "\"type\":\"error\",\"code\":%d,\"text\":", (int)code);
	wire_put_string(&b, text, strlen(text));
	answer(n, o, (struct wire_text){ b.at, b.len });
	buf_release(&b);
}

/* --- Taking --- */

unsigned request_slot(struct wire_text src)
{
	unsigned hash = 0;

	for (size_t i = 0; i < src.len; i++)
		hash = hash * 31 + (unsigned char)src.p[i];
	return hash % WRITERS;
}

size_t request_count(const struct node *n)
{
	return n->pending.count + n->homeless.count + n->forwarded.count + n->reads.count + n->asked.count;
}

static void propose_with_the_turn(struct node *n, const struct origin *o, struct wire_text body)
{
	if (n->batch_count == n->batch_room) {
		n->batch_room = n->batch_room ? 2 * n->batch_room : 256;
		n->batch = must_realloc(n->batch, n->batch_room * sizeof(*n->batch));
	}
	if (!n->batch_count)
		n->batch_start = n->pending.bytes.len;
	n->batch[n->batch_count++] = body;
	queue_push(&n->pending, 0, o, (struct wire_text){ 0 });
}

bool request_is_lost_here(struct node *n, const struct origin *o)
{
	if (o->forward || *n->protocol->leader(n->p) || n->protocol->member(n->p, n->id))
		return false;
	answer_error(n, o, WIRE_UNAVAILABLE, "this node knows no cluster that it is a member of");
	return true;
}

static void take_write(struct node *n, const struct origin *o, struct wire_text body)
{
	const char *leader;

	if (n->protocol->leading(n->p)) {
		propose_with_the_turn(n, o, body);
		return;
	}
	leader = n->protocol->leader(n->p);
	if (o->forward)
		forward_answer(n, o, (struct wire_text){ 0 });  /* back: it is not for us */
	else if (*leader && strcmp(leader, n->id) && n->now_ns >= n->homeless_until_ns)
		forward_request(n, o, body);
	else if (!request_is_lost_here(n, o))
		queue_push(&n->homeless, 0, o, body);
}

bool request_too_deep(struct wire_text body)
{
	unsigned depth = 1;     /* the line around it */
	bool quoted = false;

	for (size_t i = 0; i < body.len; i++) {
		char c = body.p[i];

		if (c == '"')
			quoted = !quoted;
		else if (c == '\\' && quoted)
			i++;
		else if (!quoted && (c == '{' || c == '[') && ++depth > WIRE_DEPTH_MAX)
			return true;
		else if (!quoted && (c == '}' || c == ']'))
			depth--;
	}
	return false;
}

/* Of the types that every machine has. */
static bool take_common(struct node *n, const struct origin *o, struct wire_text type, struct wire_text body)
{
	enum admin_kind admin = admin_kind(type);

	if (admin) {
		admin_take(n, admin, o, body);
		return true;
	}
	if (o->forward && text_is(type, "read_index")) {
		read_take(n, o, body);
		return true;
	}
	if (n->machine->watch && text_is(type, "watch")) {
		watch_take(n, o, body);
		return true;
	}
	if (n->machine->watch && text_is(type, "unwatch")) {
		watch_end(n, o, body);
		return true;
	}
	if (text_is(type, "init")) {
		answer_error(n, o, WIRE_MALFORMED, "this node has its init");
		return true;
	}
	return false;
}

void request_take(struct node *n, const struct origin *o, struct wire_text type, struct wire_text body)
{
	const char *error = NULL;
	enum machine_class class = n->machine->classify(n->m, type, body, &error);

	if (class == MACHINE_UNKNOWN && !take_common(n, o, type, body) && !asked_take(n, o, type, body))
		answer_error(n, o, WIRE_NOT_SUPPORTED, "no such request");
	if (class == MACHINE_UNKNOWN)
		return;
	if (error)
		answer_error(n, o, WIRE_MALFORMED, error);
	else if (request_count(n) >= NODE_REQUESTS_MAX || n->homeless.bytes.len + n->forwarded.bytes.len +
		 n->reads.bytes.len > NODE_REQUEST_BYTES_MAX)
		answer_error(n, o, WIRE_UNAVAILABLE, "too many requests wait here");
	else if (class == MACHINE_WRITE)
		take_write(n, o, body);
	else if (!read_stale(n, o, body))
		read_take(n, o, body);
}

/* --- A turn --- */

/* The protocol did not take them: they wait for who does, or hear why not. */
static void refuse_batch(struct node *n, const struct refusal *no)
{
	struct queue refused = { 0 };
	struct waiting *w;

	refused.count = n->batch_count;
	buf_add(&refused.bytes, n->pending.bytes.at + n->batch_start, n->pending.bytes.len - n->batch_start);
	n->pending.bytes.len = n->batch_start;
	n->pending.count -= n->batch_count;
	for (size_t i = 0; (w = queue_front(&refused)); i++) {
		struct origin o = waiting_origin(w);

		if (!no->elsewhere)
			answer_error(n, &o, no->code, no->text);
		else if (o.forward)
			forward_answer(n, &o, (struct wire_text){ 0 });
		else
			queue_push(&n->homeless, 0, &o, n->batch[i]);
		queue_pop(&refused);
	}
	queue_release(&refused);
}

static void propose_batch(struct node *n)
{
	struct refusal no = { 0 };
	uint64_t first = n->protocol->propose(n->p, n->batch, n->batch_count, &no);

	if (!first) {
		refuse_batch(n, &no);
	} else {
		struct waiting *w = (struct waiting *)(void *)(n->pending.bytes.at + n->batch_start);

		for (size_t i = 0; i < n->batch_count; i++, w = queue_next(&n->pending, w)) {
			w->key = first + i;
			n->last_write[request_slot(waiting_origin(w).src)] = w->key;
		}
	}
	n->batch_count = 0;
}

static void take_homeless(struct node *n)
{
	static const char *const names[] = { "type", NULL };
	char name[WIRE_NAME_BYTES_MAX + 1];
	struct wire_names *type_name;
	struct queue *q = &n->retaken;

	if (!n->homeless.count || n->now_ns < n->homeless_until_ns ||
	    (!n->protocol->leading(n->p) &&
	     (!*n->protocol->leader(n->p) || !strcmp(n->protocol->leader(n->p), n->id))))
		return;
	assert(!q->count);
	*q = n->homeless;
	n->homeless = (struct queue){ 0 };
	type_name = wire_names_new(names);
	for (struct waiting *w = queue_front(q); w; w = queue_next(q, w)) {
		struct origin o = waiting_origin(w);
		struct wire_value type;

		wire_body(type_name, waiting_body(w), &type);
		if (wire_string(&type, name, WIRE_NAME_BYTES_MAX))
			request_take(n, &o, (struct wire_text){ name, strlen(name) }, waiting_body(w));
	}
	wire_names_free(type_name);
}

void request_turn(struct node *n)
{
	take_homeless(n);
	if (n->batch_count)
		propose_batch(n);
	if (n->retaken.count)
		queue_release(&n->retaken);
}

void request_pause(struct node *n)
{
	n->homeless_until_ns = n->now_ns + BOUNCE_NS;
}

/* --- Outcomes --- */

void request_applied(struct node *n, uint64_t index, struct wire_text inside)
{
	struct waiting *w;

	while ((w = queue_front(&n->pending)) && w->key && w->key <= index) {
		struct origin o = waiting_origin(w);

		if (w->key == index && !w->done)
			answer(n, &o, inside);
		queue_pop(&n->pending);
	}
	if (!n->pending.count)
		buf_clear(&n->pending.bytes, KEEP_BYTES);
}

void request_skipped(struct node *n, uint64_t upto)
{
	struct waiting *w;

	while ((w = queue_front(&n->pending)) && w->key && w->key <= upto) {
		struct origin o = waiting_origin(w);

		if (!w->done)
			answer_error(n, &o, WIRE_TIMEOUT, open_outcome);
		queue_pop(&n->pending);
	}
}

void request_truncated(struct node *n, uint64_t from)
{
	for (struct waiting *w = queue_front(&n->pending); w; w = queue_next(&n->pending, w)) {
		struct origin o = waiting_origin(w);

		if (w->key < from || w->done)
			continue;
		/* Another node may have it too, be elected, and commit it: Raft 5.4.2, Figure 8. */
		answer_error(n, &o, WIRE_TIMEOUT, "the leader changed: it may have happened or may yet");
		w->done = true;
		w->key = from;  /* keys do not fall: the next entries are at `from` and after */
	}
}

void request_replaced(struct node *n, uint64_t index)
{
	for (struct waiting *w = queue_front(&n->pending); w && w->key <= index; w = queue_next(&n->pending, w)) {
		struct origin o = waiting_origin(w);

		if (w->key != index || w->done)
			continue;
		/* Who has it accepted in an older ballot may be asked next, and then it is found. */
		answer_error(n, &o, WIRE_TIMEOUT, open_outcome);
		w->done = true;
	}
}

static void expire_all(struct node *n, uint64_t now_ns)
{
	uint64_t was = n->now_ns;

	n->now_ns = now_ns;
	queue_expire(n, &n->pending, WIRE_TIMEOUT, open_outcome);
	queue_expire(n, &n->homeless, WIRE_UNAVAILABLE, "no leader is known");
	queue_expire(n, &n->forwarded, WIRE_TIMEOUT, open_outcome);
	queue_expire(n, &n->asked, WIRE_TIMEOUT, open_outcome);
	read_expire(n);
	admin_expire(n);
	n->now_ns = was;
}

void request_expire(struct node *n)
{
	expire_all(n, n->now_ns);
}

void request_finish(struct node *n)
{
	expire_all(n, UINT64_MAX);
}

uint64_t request_deadline(struct node *n)
{
	uint64_t least = queue_deadline(&n->pending);
	uint64_t other[] = {
		queue_deadline(&n->homeless), queue_deadline(&n->forwarded), queue_deadline(&n->reads),
		queue_deadline(&n->changes), queue_deadline(&n->asked),
		(n->homeless.count || n->read_batches) && n->homeless_until_ns > n->now_ns ? n->homeless_until_ns : UINT64_MAX,
	};

	for (size_t i = 0; i < sizeof(other) / sizeof(*other); i++)
		if (other[i] < least)
			least = other[i];
	return least;
}
