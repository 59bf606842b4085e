/* queue: see queue.h */
#include "lib/traffic/queue.h"
#include "lib/base/err.h"

#include <assert.h>
#include <stdlib.h>

enum { FIRST_ROOM = 64, SOON = 32, CACHE_LINE_BYTES = 64 };

void traffic_queue_release(struct traffic_queue *q)
{
	for (int i = 0; i < TRAFFIC_BUCKETS; i++)
		free(q->bucket[i].waiting);
	*q = (struct traffic_queue){ .count = 0 };
}

__attribute__((noinline, cold))
static void make_room(struct traffic_bucket *b)
{
	b->room = b->room ? 2 * b->room : FIRST_ROOM;
	b->waiting = must_realloc(b->waiting, b->room * sizeof(*b->waiting));
}

static inline void put(struct traffic_queue *q, struct traffic_waiting w)
{
	uint64_t differs = w.at ^ q->last;
	int i = differs ? 64 - __builtin_clzll(differs) : 0;
	struct traffic_bucket *b = &q->bucket[i];

	if (b->len == b->room)
		make_room(b);
	if (b->first == b->len || w.at < b->min)
		b->min = w.at;
	b->waiting[b->len++] = w;
	if (i)
		q->used |= UINT64_C(1) << (i - 1);
}

static inline void prefetch(const void *what)
{
	for (int i = 0; i < 3; i++)
		__builtin_prefetch((const char *)what + (ptrdiff_t)i * CACHE_LINE_BYTES);
}

void traffic_queue_put(struct traffic_queue *q, uint64_t at, void *what)
{
	assert(at >= q->last);
	put(q, (struct traffic_waiting){ at, what });
	q->count++;
}

uint64_t traffic_queue_next(const struct traffic_queue *q)
{
	if (q->bucket[0].first < q->bucket[0].len)
		return q->last;
	return q->used ? q->bucket[__builtin_ctzll(q->used) + 1].min : UINT64_MAX;
}

void *traffic_queue_take(struct traffic_queue *q)
{
	struct traffic_bucket *now = &q->bucket[0], *b;

	assert(q->count);
	q->count--;
	if (now->first == now->len) {
		int i = __builtin_ctzll(q->used);

		b = &q->bucket[i + 1];
		q->used &= ~(UINT64_C(1) << i);
		q->last = b->min;
		now->first = now->len = 0;
		if (b->len == 1) {
			b->len = 0;
			return b->waiting[0].what;
		}
		for (size_t j = 0; j < b->len; j++) {
			/* Of few, each is taken soon: what it leads to has long left the cache. */
			if (b->len <= SOON)
				prefetch(b->waiting[j].what);
			put(q, b->waiting[j]);
		}
		b->len = 0;
	}
	return now->waiting[now->first++].what;
}
