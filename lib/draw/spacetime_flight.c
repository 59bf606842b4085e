/*
 * spacetime_flight: the messages on their way, by link and number, so that what arrives can be told.
 *
 * A table of lists that grows with what is under way, up to SPACETIME_FLIGHTS_MAX; and a small one by link, which
 * knows whether the last word of a leader was a heartbeat, so that the answer to it is one too.
 */
#include <stdlib.h>

#include "lib/base/err.h"
#include "lib/draw/spacetime_inside.h"

enum { LINKS = 1 << 13, BUCKETS_FIRST = 1 << 10 };

/* Where two links fall on one place the later one counts: a heartbeat may then be drawn as any message. */
struct link_memory { uint64_t key; uint64_t upto; bool idle; bool lost; };

struct flights {
	struct message **bucket;
	size_t buckets, n;
	struct link_memory *link;
};

static uint64_t hash(uint64_t h, const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		h = (h ^ (unsigned char)s[i]) * UINT64_C(0x100000001b3);
	return (h ^ len) * UINT64_C(0x9e3779b97f4a7c15);
}

static uint64_t link_key(const char *src, size_t src_len, const char *dest, size_t dest_len)
{
	uint64_t h = hash(hash(UINT64_C(0xcbf29ce484222325), src, src_len), dest, dest_len);

	return h ^ h >> 29;
}

static size_t place(const struct flights *f, uint64_t key, uint64_t seq)
{
	uint64_t h = (key + seq) * UINT64_C(0x9e3779b97f4a7c15);

	return (size_t)(h >> 20) & (f->buckets - 1);
}

static size_t place_of(const struct flights *f, const struct message *m)
{
	return place(f, link_key(m->src, m->src_len, m->dest, m->dest_len), m->seq);
}

struct flights *flights_new(void)
{
	struct flights *f = must_calloc(1, sizeof *f);

	f->buckets = BUCKETS_FIRST;
	f->bucket = must_calloc(f->buckets, sizeof *f->bucket);
	f->link = must_calloc(LINKS, sizeof *f->link);
	return f;
}

void message_free(struct message *m)
{
	if (!m)
		return;
	free(m->src);
	free(m->hover);
	free(m->damage);
	free(m);
}

void flights_free(struct flights *f)
{
	if (!f)
		return;
	for (size_t i = 0; i < f->buckets; i++)
		for (struct message *m = f->bucket[i], *next; m; m = next) {
			next = m->next;
			if (!m->kept)
				message_free(m);
		}
	free(f->bucket);
	free(f->link);
	free(f);
}

static void grow(struct flights *f)
{
	struct message **old = f->bucket;
	size_t buckets = f->buckets;

	f->buckets = 4 * buckets;
	f->bucket = must_calloc(f->buckets, sizeof *f->bucket);
	for (size_t i = 0; i < buckets; i++)
		for (struct message *m = old[i], *next; m; m = next) {
			struct message **to = &f->bucket[place_of(f, m)];

			next = m->next;
			m->next = *to;
			*to = m;
		}
	free(old);
}

struct message *flights_find(const struct flights *f, const struct trace_event *e)
{
	struct message *m = f->bucket[place(f, link_key(e->src.p, e->src.len, e->dest.p, e->dest.len), e->seq)];

	for (; m; m = m->next)
		if (m->seq == e->seq && m->src_len == e->src.len && m->dest_len == e->dest.len &&
		    !memcmp(m->src, e->src.p, e->src.len) && !memcmp(m->dest, e->dest.p, e->dest.len))
			return m;
	return NULL;
}

struct message *flights_add(struct flights *f, const struct trace_event *e)
{
	struct message *m, **to;

	if (f->n >= SPACETIME_FLIGHTS_MAX || flights_find(f, e))
		return NULL;
	if (f->n >= 2 * f->buckets)
		grow(f);
	m = must_calloc(1, sizeof *m);
	m->src = must_malloc(e->src.len + e->dest.len + 2);
	m->dest = m->src + e->src.len + 1;
	memcpy(m->src, e->src.p, e->src.len);
	memcpy(m->dest, e->dest.p, e->dest.len);
	m->src[e->src.len] = m->dest[e->dest.len] = '\0';
	m->src_len = e->src.len;
	m->dest_len = e->dest.len;
	m->seq = e->seq;
	m->sent = e->at;
	m->from = m->to = LANE_NONE;
	m->copies = 1;
	body_read(&m->body, e->message);
	to = &f->bucket[place_of(f, m)];
	m->next = *to;
	*to = m;
	f->n++;
	return m;
}

void flights_settle(struct flights *f, struct message *m)
{
	struct message **p;

	for (unsigned i = 0; i < m->copies; i++)
		if (m->copy[i].fate == UNDER_WAY)
			return;
	for (p = &f->bucket[place_of(f, m)]; *p && *p != m; p = &(*p)->next)
		;
	if (*p) {
		*p = m->next;
		f->n--;
	}
	if (!m->kept)
		message_free(m);
}

/* A message lost as it was sent is lost with all its copies: the trace has one line for them. */
struct copy *message_fate(struct message *m, const struct trace_event *e)
{
	struct copy *c;

	if (e->kind == TRACE_DUPLICATE) {
		m->copies = 2;
		return NULL;
	}
	if (e->copy < 1 || e->copy > 2)
		return NULL;
	if (e->copy == 2)
		m->copies = 2;
	c = &m->copy[e->copy - 1];
	if (e->kind == TRACE_CORRUPT) {
		c->corrupt = true;
		return c;
	}
	if (c->fate != UNDER_WAY)
		return NULL;
	c->at = e->at > m->sent ? e->at : m->sent;      /* an edited trace may be out of order */
	c->fate = e->kind == TRACE_DELIVER ? DELIVERED : LOST;
	if (e->kind == TRACE_DROP)
		snprintf(c->why, sizeof c->why, "%.*s", (int)(e->why.len < WHY_BYTES ? e->why.len : WHY_BYTES), e->why.p);
	return c;
}

static struct link_memory *memory_of(struct flights *f, uint64_t key)
{
	struct link_memory *l = &f->link[key % LINKS];

	if (l->key != key)
		*l = (struct link_memory){ .key = key, .upto = UINT64_MAX };
	return l;
}

/* The answer of a node whose leader's last word was a heartbeat is one too, if it does not refuse. */
bool flights_heartbeat(struct flights *f, struct message *m)
{
	static const char ok[] = "append_entries_ok";

	if (!strcmp(m->body.type, ok))
		return !m->body.refused && memory_of(f, link_key(m->dest, m->dest_len, m->src, m->src_len))->idle;
	struct link_memory *l = memory_of(f, link_key(m->src, m->src_len, m->dest, m->dest_len));
	bool idle = body_idle_lead(&m->body, &l->upto);

	if (!strcmp(m->body.type, "append_entries"))
		l->idle = idle;
	return idle;
}

bool flights_first_loss(struct flights *f, const struct message *m, bool lost)
{
	struct link_memory *l = memory_of(f, link_key(m->src, m->src_len, m->dest, m->dest_len));
	bool before = l->lost;

	l->lost = lost;
	return lost && !before;
}
