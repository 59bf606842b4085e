/*
 * watch: clients that are told of every change of keys with a prefix, in the order of the log.
 *
 * A watch begins, as a read does, once all that was committed before it is applied, so nothing older comes
 * and nothing newer is left out.  A node does not learn that a client is gone: where there are too
 * many watches the oldest one ends, and its client is told.
 */
#include "lib/base/err.h"
#include "lib/node/inside.h"

#include <stdlib.h>

enum { WATCH_BYTES_MAX = 4096 };

/* One request, as a queue of one. */
struct watch {
	struct queue who;
};

void watch_take(struct node *n, const struct origin *o, struct wire_text body)
{
	struct wire_value prefix;

	wire_body(n->prefix_names, body, &prefix);
	if (!o->msg_id.len)
		return;         /* whose events would these be? */
	if (prefix.kind != WIRE_ABSENT && prefix.kind != WIRE_STRING)
		answer_error(n, o, WIRE_MALFORMED, "\"prefix\" has to be a string");
	else if (body.len > WATCH_BYTES_MAX)
		answer_error(n, o, WIRE_MALFORMED, "a watch of more than 4096 bytes");
	else
		read_take(n, o, body);
}

static void remove_watch(struct node *n, size_t at)
{
	queue_release(&n->watch[at].who);
	memmove(n->watch + at, n->watch + at + 1, (--n->watches - at) * sizeof(*n->watch));
	if (!n->watches)
		n->machine->watch(n->m, false);
}

static bool is_of(struct watch *watch, struct wire_text src, struct wire_text msg_id)
{
	struct origin o = waiting_origin(queue_front(&watch->who));

	return o.src.len == src.len && !memcmp(o.src.p, src.p, src.len) &&
	       (!msg_id.p || (o.msg_id.len == msg_id.len && !memcmp(o.msg_id.p, msg_id.p, msg_id.len)));
}

/* msg_id.p NULL: any. */
static void remove_watches(struct node *n, struct wire_text src, struct wire_text msg_id)
{
	for (size_t i = n->watches; i-- > 0;)
		if (is_of(&n->watch[i], src, msg_id))
			remove_watch(n, i);
}

void watch_begin(struct node *n, const struct origin *o, struct wire_text body)
{
	remove_watches(n, o->src, o->msg_id);   /* the request came twice */
	if (n->watches == NODE_WATCHES_MAX) {
		struct origin oldest = waiting_origin(queue_front(&n->watch[0].who));

		answer_error(n, &oldest, WIRE_UNAVAILABLE, "too many watches on this node: this one ends");
		remove_watch(n, 0);
	}
	n->watch = must_realloc(n->watch, (n->watches + 1) * sizeof(*n->watch));
	n->watch[n->watches] = (struct watch){ 0 };
	queue_push(&n->watch[n->watches++].who, 0, o, body);
	n->machine->watch(n->m, true);
	answer(n, o, TEXT("\"type\":\"watch_ok\""));
}

void watch_gap(struct node *n)
{
	while (n->watches) {
		struct origin oldest = waiting_origin(queue_front(&n->watch[0].who));

		answer_error(n, &oldest, WIRE_ABORT, "this node got a snapshot in place of changes: the watch ends");
		remove_watch(n, 0);
	}
}

/* Of this client and, if the request says which, with that msg_id. */
void watch_end(struct node *n, const struct origin *o, struct wire_text body)
{
	struct wire_value which;

	wire_body(n->watch_names, body, &which);
	remove_watches(n, o->src, which.kind == WIRE_ABSENT ? (struct wire_text){ 0 } : which.json);
	answer(n, o, TEXT("\"type\":\"unwatch_ok\""));
}

void node_event(struct node *n, uint64_t index, struct wire_text key, struct wire_text value)
{
	for (size_t i = 0; i < n->watches; i++) {
		struct waiting *w = queue_front(&n->watch[i].who);
		struct origin o = waiting_origin(w);
		struct buf *b;

		if (!n->machine->prefix_matches(waiting_body(w), key))
			continue;
		b = output_begin(n, false);
		wire_begin(b, n->id, n->id_len, o.src.p, o.src.len);
		buf_puts(b, "\"type\":\"event\",\"watch\":");
		buf_add(b, o.msg_id.p, o.msg_id.len);
		buf_puts(b, ",\"index\":");
		buf_u64(b, index);
		buf_puts(b, ",\"key\":");
		buf_add(b, key.p, key.len);
		if (value.p) {
			buf_puts(b, ",\"value\":");
			buf_add(b, value.p, value.len);
		} else {
			buf_puts(b, ",\"deleted\":true");
		}
		wire_end(b);
		output_end(n, b);
	}
}

void watch_release(struct node *n)
{
	for (size_t i = 0; i < n->watches; i++)
		queue_release(&n->watch[i].who);
	free(n->watch);
}
