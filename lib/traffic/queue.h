/*
 * queue: what waits for its time, handed over in the order of (time, number of its coming).
 *
 * A radix heap: times are taken in order and nothing comes for a time that is past, so what waits stands in buckets by
 * the highest bit in which its time differs from the time taken last.  When the lowest bucket is needed it is dealt
 * out over those below it, in its order: so equal times keep the order in which they came, and nothing is compared.
 */
#ifndef TRAFFIC_QUEUE_H
#define TRAFFIC_QUEUE_H

#include <stddef.h>
#include <stdint.h>

enum { TRAFFIC_BUCKETS = 65 };

struct traffic_waiting {
	uint64_t at;
	void *what;
};

struct traffic_bucket {
	struct traffic_waiting *waiting;
	size_t first, len, room;        /* first .. len - 1 wait */
	uint64_t min;                   /* of their times */
};

/* All zero is an empty one. */
struct traffic_queue {
	struct traffic_bucket bucket[TRAFFIC_BUCKETS];
	uint64_t last;                  /* the time taken last */
	uint64_t used;                  /* bit i: bucket i + 1 is not empty */
	size_t count;
};

void traffic_queue_release(struct traffic_queue *);

/* `at` is no earlier than what was taken last. */
void traffic_queue_put(struct traffic_queue *, uint64_t at, void *what);
/* When the first is due; UINT64_MAX: nothing waits. */
uint64_t traffic_queue_next(const struct traffic_queue *);
/* The first of those that wait; there is one. */
void *traffic_queue_take(struct traffic_queue *);

#endif
