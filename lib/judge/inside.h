/* inside: what the files of the judge module share. */
#ifndef JUDGE_INSIDE_H
#define JUDGE_INSIDE_H

#include "lib/judge/judge.h"

#include <pthread.h>
#include <stdatomic.h>

#define NS_PER_S UINT64_C(1000000000)

/* While it is judged. */
struct court {
	struct judgement *judgement;
	const struct history *history;
	const struct judge_options *options;
	unsigned jobs;
	pthread_t main;                 /* which alone tells of progress */
	pthread_mutex_t lock;           /* of `judgement` and checker_bytes_max */
	uint32_t *turn;                 /* keys in their order */
	uint32_t *place;                /* of a key in it */
	_Atomic uint32_t next, done, first_wrong;
	atomic_size_t order_bytes;
	size_t checker_bytes_max;
	bool wrong;
};

/* judge.c */
bool judge_is_late(const struct court *);
void judge_progress(struct court *);

/* transactions.c */
void judge_transactions(struct court *);

/* order.c: as a JSON object. */
void judge_put_operation(FILE *, const struct history *, uint32_t key, uint32_t i);
void judge_put_transaction(FILE *, const struct history *, uint32_t i);

#endif
