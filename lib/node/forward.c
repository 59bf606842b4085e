/*
 * forward: requests that came to a node which is not the leader go to it, and their answers come back.
 *
 *     {"type":"forward","epoch":3,"requests":[{"id":7,"body":{...}},...]}
 *     {"type":"forward_ok","answers":[{"id":7,"body":{...}},{"id":8},...]}
 *
 * All of a turn's go in one line.  Lines may come twice, late, or to a process that took the place of the one they
 * were meant for, and still no request is taken twice: a leader takes what was sent to it in its own epoch, and each
 * number once.  Numbers start from the clock, so that those of an earlier process are never met again.
 *
 * An answer without a body sends the request back: the node led in that epoch, and did not take it.  A request whose answer may be lost with its leader goes to the next one only if that can do no
 * harm: it has a session, or changes nothing.  Any other waits for its deadline.
 */
#include "lib/base/err.h"
#include "lib/node/inside.h"

#include <stdlib.h>
#include <time.h>

enum { LINE_BYTES = 1 << 17, KEEP_BYTES = 1 << 16 };

/* --- To the leader --- */

/* In lockstep the lines' time takes the clock's place. */
static uint64_t next_number(struct node *n)
{
	if (n->options->lockstep && n->forward_next <= n->now_ns / 1000)
		n->forward_next = n->now_ns / 1000 + 1;
	return n->forward_next++;
}

static void send_items(struct node *n)
{
	struct buf *b;

	if (!n->forward_items.len)
		return;
	b = node_send(n, n->forward_to, false);
	buf_puts(b, "\"type\":\"forward\",\"epoch\":");
	buf_u64(b, n->protocol->epoch(n->p));
	buf_puts(b, ",\"requests\":[");
	buf_add(b, n->forward_items.at, n->forward_items.len);
	buf_putc(b, ']');
	node_send_end(n, b);
	buf_clear(&n->forward_items, KEEP_BYTES);
}

static void add_item(struct node *n, uint64_t number, struct wire_text body)
{
	const char *leader = n->protocol->leader(n->p);
	struct buf *b = &n->forward_items;

	if (strcmp(leader, n->forward_to)) {
		send_items(n);
		memcpy(n->forward_to, leader, strlen(leader) + 1);
	}
	buf_puts(b, b->len ? ",{\"id\":" : "{\"id\":");
	buf_u64(b, number);
	buf_puts(b, ",\"body\":");
	buf_add(b, body.p, body.len);
	buf_putc(b, '}');
	if (b->len > LINE_BYTES)
		send_items(n);
}

void forward_request(struct node *n, const struct origin *o, struct wire_text body)
{
	uint64_t number = next_number(n);

	n->count.forwarded++;
	queue_push(&n->forwarded, number, o, body);
	add_item(n, number, body);
}

uint64_t forward_read_index(struct node *n)
{
	uint64_t number = next_number(n);

	add_item(n, number, TEXT("{\"type\":\"read_index\"}"));
	return number;
}

/* --- From the leader --- */

static void send_answers(struct node *n)
{
	struct buf *b;

	if (!n->answer_items.len)
		return;
	b = node_send(n, n->answer_to, false);
	buf_puts(b, "\"type\":\"forward_ok\",\"answers\":[");
	buf_add(b, n->answer_items.at, n->answer_items.len);
	buf_putc(b, ']');
	node_send_end(n, b);
	buf_clear(&n->answer_items, KEEP_BYTES);
}

void forward_answer(struct node *n, const struct origin *o, struct wire_text inside)
{
	struct buf *b = &n->answer_items;

	if (strlen(n->answer_to) != o->src.len || memcmp(n->answer_to, o->src.p, o->src.len)) {
		send_answers(n);
		memcpy(n->answer_to, o->src.p, o->src.len);
		n->answer_to[o->src.len] = '\0';
	}
	buf_puts(b, b->len ? ",{\"id\":" : "{\"id\":");
	buf_u64(b, o->forward);
	if (inside.len) {
		buf_puts(b, ",\"body\":{");
		buf_add(b, inside.p, inside.len);
		buf_putc(b, '}');
	}
	buf_putc(b, '}');
	if (b->len > LINE_BYTES)
		send_answers(n);
}

void forward_turn(struct node *n)
{
	send_items(n);
	send_answers(n);
}

/* --- Numbers that were seen --- */

enum { WINDOW = 1 << 16 };      /* numbers: one as far behind the greatest is taken for one seen */

/* Of one node: a bit a number, number i at i % WINDOW. */
struct seen {
	char name[WIRE_NAME_BYTES_MAX + 1];
	uint64_t greatest;
	uint64_t bits[WINDOW / 64];
};

static struct seen *seen_of(struct node *n, struct wire_text src)
{
	struct seen *s;

	for (size_t i = 0; i < n->seen_count; i++)
		if (text_is(src, n->seen[i].name))
			return &n->seen[i];
	/* Members come and go: the first known makes room, and what it sends late is of an older epoch. */
	if (n->seen_count == 2 * NODE_MEMBERS_MAX)
		memmove(n->seen, n->seen + 1, --n->seen_count * sizeof(*n->seen));
	n->seen = must_realloc(n->seen, (n->seen_count + 1) * sizeof(*n->seen));
	s = &n->seen[n->seen_count++];
	memset(s, 0, sizeof(*s));
	memcpy(s->name, src.p, src.len);
	return s;
}

/* True once a number. */
static bool is_first(struct seen *s, uint64_t number)
{
	uint64_t bit = UINT64_C(1) << number % 64, *word = &s->bits[number % WINDOW / 64];

	if (number > s->greatest) {
		if (number - s->greatest >= WINDOW)
			memset(s->bits, 0, sizeof(s->bits));
		else
			for (uint64_t i = s->greatest + 1; i < number; i++)
				s->bits[i % WINDOW / 64] &= ~(UINT64_C(1) << i % 64);
		s->greatest = number;
	} else if (s->greatest - number >= WINDOW || *word & bit) {
		return false;
	}
	*word |= bit;
	return true;
}

void forward_open(struct node *n)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	n->forward_next = n->options->lockstep ? 1 : (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

void forward_release(struct node *n)
{
	free(n->seen);
}

/* --- Messages --- */

static void take_requests(struct node *n, const struct wire_line *line, struct wire_text list)
{
	char name[WIRE_NAME_BYTES_MAX + 1];
	struct seen *seen = seen_of(n, line->src);
	struct wire_value item, field[2], type;
	struct wire_walk walk;
	struct origin o = { .src = line->src, .deadline_ns = n->now_ns + n->options->request_timeout_ns };

	if (!wire_walk_init(&walk, list))
		return;
	while (wire_walk_next(&walk, &item)) {
		if (item.kind != WIRE_OTHER || *item.json.p != '{')
			continue;
		wire_body(n->item_names, item.json, field);
		if (!wire_u64(&field[0], &o.forward) || !o.forward || field[1].kind != WIRE_OTHER ||
		    *field[1].json.p != '{' || !is_first(seen, o.forward))
			continue;
		wire_body(n->type_names, field[1].json, &type);
		/* What no client may send no node forwards. */
		if (field[1].json.len > n->options->line_max || (line->deep && request_too_deep(field[1].json)))
			answer_error(n, &o, WIRE_MALFORMED, "a request too long or too deep");
		else if (!n->protocol->leading(n->p))
			forward_answer(n, &o, (struct wire_text){ 0 });
		else if (wire_string(&type, name, WIRE_NAME_BYTES_MAX))
			request_take(n, &o, (struct wire_text){ name, strlen(name) }, field[1].json);
	}
}

static struct waiting *find(struct queue *q, uint64_t number)
{
	for (struct waiting *w = queue_front(q); w && w->key <= number; w = queue_next(q, w))
		if (w->key == number)
			return w->done ? NULL : w;
	return NULL;
}

static void take_answer(struct node *n, uint64_t number, const struct wire_value *body)
{
	bool back = body->kind != WIRE_OTHER || *body->json.p != '{';
	struct wire_value index;
	uint64_t read_index = 0;
	struct waiting *w;
	struct origin o;

	if (!back) {
		wire_body(n->index_names, body->json, &index);
		if (!wire_u64(&index, &read_index))
			read_index = 0;
	}
	if (read_answered(n, number, read_index))
		return;
	w = find(&n->forwarded, number);
	if (!w)
		return;
	o = waiting_origin(w);
	w->done = true;
	if (back) {
		request_pause(n);
		queue_push(&n->homeless, 0, &o, waiting_body(w));
	} else {
		answer(n, &o, (struct wire_text){ body->json.p + 1, body->json.len - 2 });
	}
	while (n->forwarded.count && queue_front(&n->forwarded)->done)
		queue_pop(&n->forwarded);
}

static void take_answers(struct node *n, struct wire_text list)
{
	struct wire_value item, field[2];
	struct wire_walk walk;
	uint64_t number;

	if (!wire_walk_init(&walk, list))
		return;
	while (wire_walk_next(&walk, &item)) {
		if (item.kind != WIRE_OTHER || *item.json.p != '{')
			continue;
		wire_body(n->item_names, item.json, field);
		if (wire_u64(&field[0], &number))
			take_answer(n, number, &field[1]);
	}
}

bool forward_message(struct node *n, const struct wire_line *line)
{
	bool request = text_is(line->type, "forward");
	struct wire_value list[3];
	uint64_t epoch;

	if (!request && !text_is(line->type, "forward_ok"))
		return false;
	wire_body(n->forward_names, line->body, list);
	if (n->protocol->leading(n->p))
		n->led_epoch = n->protocol->epoch(n->p);
	if (request && list[0].kind == WIRE_OTHER && wire_u64(&list[2], &epoch) && epoch && epoch == n->led_epoch)
		take_requests(n, line, list[0].json);
	else if (!request && list[1].kind == WIRE_OTHER)
		take_answers(n, list[1].json);
	return true;
}

/* --- Another leader --- */

static bool may_go_twice(struct node *n, struct wire_text body)
{
	struct wire_value session;

	wire_body(n->session_names, body, &session);
	return session.kind != WIRE_ABSENT;
}

void forward_leader_changed(struct node *n)
{
	for (struct waiting *w = queue_front(&n->forwarded); w; w = queue_next(&n->forwarded, w)) {
		struct origin o = waiting_origin(w);

		if (w->done || !may_go_twice(n, waiting_body(w)))
			continue;
		w->done = o.sent = true;
		queue_push(&n->homeless, 0, &o, waiting_body(w));
	}
	n->homeless_until_ns = 0;
}
