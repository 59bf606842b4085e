/*
 * queue: requests that wait, one after the other in a buffer: see struct waiting in inside.h.
 */
#include "lib/node/inside.h"

#include <assert.h>

static size_t size_of(const struct waiting *w)
{
	size_t bytes = sizeof(*w) + w->src_len + w->msg_id_len + w->body_len;

	return (bytes + 7) & ~(size_t)7;
}

void queue_push(struct queue *q, uint64_t key, const struct origin *o, struct wire_text body)
{
	struct waiting w = {
		.key = key, .deadline_ns = o->deadline_ns, .sent = o->sent, .forward = o->forward,
		.src_len = (uint32_t)o->src.len, .msg_id_len = (uint32_t)o->msg_id.len, .body_len = (uint32_t)body.len,
	};
	size_t size = size_of(&w);
	char *p = buf_room(&q->bytes, size);

	memcpy(p, &w, sizeof(w));
	memcpy(p += sizeof(w), o->src.p, o->src.len);
	memcpy(p += o->src.len, o->msg_id.len ? o->msg_id.p : "", o->msg_id.len);
	memcpy(p + o->msg_id.len, body.len ? body.p : "", body.len);
	q->bytes.len += size;
	q->count++;
}

struct waiting *queue_front(struct queue *q)
{
	return q->count ? (struct waiting *)(void *)q->bytes.at : NULL;
}

struct waiting *queue_next(struct queue *q, struct waiting *w)
{
	char *next = (char *)w + size_of(w);

	return next < q->bytes.at + q->bytes.len ? (struct waiting *)(void *)next : NULL;
}

void queue_pop(struct queue *q)
{
	size_t size = q->count ? size_of(queue_front(q)) : 0;

	assert(size);
	buf_drop(&q->bytes, size);
	q->popped += size;
	q->count--;
}

struct origin waiting_origin(struct waiting *w)
{
	char *p = (char *)(w + 1);

	return (struct origin){
		.src = { p, w->src_len },
		.msg_id = { w->msg_id_len ? p + w->src_len : NULL, w->msg_id_len },
		.forward = w->forward, .deadline_ns = w->deadline_ns, .sent = w->sent,
	};
}

struct wire_text waiting_body(struct waiting *w)
{
	return (struct wire_text){ (char *)(w + 1) + w->src_len + w->msg_id_len, w->body_len };
}

void queue_release(struct queue *q)
{
	buf_release(&q->bytes);
	q->count = 0;
}

uint64_t queue_deadline(struct queue *q)
{
	return q->count ? queue_front(q)->deadline_ns : UINT64_MAX;
}

void queue_expire(struct node *n, struct queue *q, enum wire_code code, const char *text)
{
	struct waiting *w;

	while ((w = queue_front(q)) && (w->done || w->deadline_ns <= n->now_ns)) {
		if (!w->done) {
			struct origin o = waiting_origin(w);

			answer_error(n, &o, w->sent ? WIRE_TIMEOUT : code, text);
		}
		queue_pop(q);
	}
}
