/*
 * read: linearizable reads, and what else has to see all that was committed before it came.
 *
 * A turn's reads are one batch.  A leader has the protocol confirm it; another node asks the leader for its read index with
 * one forwarded request; then the batch waits until that index is applied here.  Batches are answered in order.
 */
#include "lib/base/err.h"
#include "lib/node/inside.h"

#include <assert.h>
#include <stdlib.h>

enum { KEEP_BYTES = 1 << 16 };

/* --- Batches --- */

bool read_stale(struct node *n, const struct origin *o, struct wire_text body)
{
	struct wire_value field;

	wire_body(n->stale_names, body, &field);
	if (!wire_true(&field))
		return false;
	n->count.stale_reads++;
	n->answer.len = 0;
	n->machine->read(n->m, body, &n->answer);
	answer(n, o, (struct wire_text){ n->answer.at, n->answer.len });
	return true;
}

void read_take(struct node *n, const struct origin *o, struct wire_text body)
{
	unsigned slot = request_slot(o->src);

	if (request_is_lost_here(n, o))
		return;
	queue_push(&n->reads, 0, o, body);
	n->reads_new++;
	n->reads_new_senders[slot / 64] |= UINT64_C(1) << slot % 64;
}

static void new_batch(struct node *n)
{
	struct read_batch *b;

	if (n->read_batches == n->read_room) {
		n->read_room = n->read_room ? 2 * n->read_room : 16;
		n->read_batch = must_realloc(n->read_batch, n->read_room * sizeof(*n->read_batch));
	}
	b = &n->read_batch[n->read_batches++];
	*b = (struct read_batch){ .state = READ_ASK, .count = n->reads_new };
	memcpy(b->senders, n->reads_new_senders, sizeof(b->senders));
	memset(n->reads_new_senders, 0, sizeof(n->reads_new_senders));
	n->reads_new = 0;
}

/* Whoever writes and then reads without waiting for the answer means to read what it wrote. */
static uint64_t writes_before(const struct node *n, const struct read_batch *b)
{
	uint64_t last = 0;

	for (unsigned i = 0; i < WRITERS / 64; i++)
		for (uint64_t bits = b->senders[i]; bits; bits &= bits - 1) {
			uint64_t index = n->last_write[64 * i + (unsigned)__builtin_ctzll(bits)];

			if (index > last)
				last = index;
		}
	return last <= n->log.last ? last : n->log.last;
}

/* One question serves every batch that has none under way. */
static void ask(struct node *n)
{
	const char *leader = n->protocol->leader(n->p);
	struct refusal no = { 0 };
	uint64_t token = 0;
	bool here = n->protocol->leading(n->p);

	for (size_t i = 0; i < n->read_batches; i++) {
		struct read_batch *b = &n->read_batch[i];

		if (b->state == READ_FORWARDED && n->now_ns - b->asked_ns >= 2 * n->options->heartbeat_ns)
			b->state = READ_ASK;
		if (b->state != READ_ASK)
			continue;
		if (!token && here)
			token = n->protocol->read(n->p, &no);
		else if (!token && *leader && strcmp(leader, n->id) && n->now_ns >= n->homeless_until_ns)
			token = forward_read_index(n);
		if (!token)
			return;
		b->state = here ? READ_ASKED : READ_FORWARDED;
		b->token = token;
		b->after = here ? writes_before(n, b) : 0;
		b->asked_ns = n->now_ns;
	}
}

void read_turn(struct node *n)
{
	if (n->reads_new)
		new_batch(n);
	if (n->read_batches)
		ask(n);
}

/* The protocol's answer may come within its read: the batch that asked is still READ_ASK then. */
void node_reads_confirmed(struct node *n, uint64_t token, uint64_t index)
{
	n->read_confirmed = token;
	n->read_confirmed_index = index;
}

void node_reads_lost(struct node *n, uint64_t token)
{
	n->read_lost = token;
}

bool read_answered(struct node *n, uint64_t number, uint64_t index)
{
	bool ours = false;

	for (size_t i = 0; i < n->read_batches; i++) {
		struct read_batch *b = &n->read_batch[i];

		if (b->state != READ_FORWARDED || b->token != number)
			continue;
		ours = true;
		b->state = index ? READ_CONFIRMED : READ_ASK;
		if (!index)
			request_pause(n);       /* it does not lead any more, or not yet: to ask at once would go round and round */
		b->index = index ? index - 1 : 0;
	}
	return ours;
}

static void settle(struct node *n)
{
	for (size_t i = 0; i < n->read_batches; i++) {
		struct read_batch *b = &n->read_batch[i];

		if (b->state == READ_ASKED && b->token <= n->read_confirmed) {
			b->state = READ_CONFIRMED;
			b->index = n->read_confirmed_index > b->after ? n->read_confirmed_index : b->after;
		} else if (b->state == READ_ASKED && b->token <= n->read_lost) {
			b->state = READ_ASK;
		}
	}
}

/* --- Answers --- */

static void answer_read(struct node *n, const struct origin *o, struct wire_text body, uint64_t index)
{
	struct wire_value type;
	struct buf *b = &n->answer;

	if (o->forward || n->machine->watch) {
		wire_body(n->type_names, body, &type);
		if (wire_is(&type, "watch")) {
			watch_begin(n, o, body);
			return;
		}
	}
	b->len = 0;
	if (o->forward && wire_is(&type, "read_index")) {
		/* One more, as 0 says that there is none. */
		buf_puts(b, "\"type\":\"read_index_ok\",\"index\":");
		buf_u64(b, index + 1);
	} else {
		n->count.reads++;
		n->machine->read(n->m, body, b);
	}
	answer(n, o, (struct wire_text){ b->at, b->len });
}

void read_applied(struct node *n)
{
	size_t gone = 0;

	settle(n);
	for (; gone < n->read_batches; gone++) {
		struct read_batch *b = &n->read_batch[gone];

		if (b->count && (b->state != READ_CONFIRMED || b->index > n->applied))
			break;
		for (; b->count; b->count--) {
			struct waiting *w = queue_front(&n->reads);
			struct origin o = waiting_origin(w);

			answer_read(n, &o, waiting_body(w), b->index);
			queue_pop(&n->reads);
		}
	}
	if (!gone)
		return;
	n->read_batches -= gone;
	memmove(n->read_batch, n->read_batch + gone, n->read_batches * sizeof(*n->read_batch));
	if (!n->reads.count)
		buf_clear(&n->reads.bytes, KEEP_BYTES);
}

/* The oldest are at the front of the first batches. */
void read_expire(struct node *n)
{
	struct waiting *w;
	size_t i = 0;

	while ((w = queue_front(&n->reads)) && w->deadline_ns <= n->now_ns) {
		struct origin o = waiting_origin(w);

		while (i < n->read_batches && !n->read_batch[i].count)
			i++;
		if (i < n->read_batches)
			n->read_batch[i].count--;
		else
			n->reads_new--;
		answer_error(n, &o, WIRE_UNAVAILABLE, "no leader confirmed the read in time");
		queue_pop(&n->reads);
	}
}

void read_release(struct node *n)
{
	free(n->read_batch);
	queue_release(&n->reads);
}
