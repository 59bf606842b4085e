/*
 * judge: keys are taken one after the other by as many threads as are wanted, each with a checker of its own.
 *
 * Invariant: keys are taken in the order of `turn`, and once one is found wrong none behind it is begun (unless all are wanted):
 * so the first in that order which is wrong is found, whichever thread is the fastest.
 */
#include "lib/judge/inside.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	STEPS = 20000,                  /* between two looks at the clock: some milliseconds */
	/* Of a contradiction that is known but not yet the least, where no deadline says otherwise. */
	CONTRADICT_S = 30,
};

uint64_t judge_clock_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

/* --- One checker --- */

bool judge_is_late(const struct court *c)
{
	return c->options->deadline_ns && judge_clock_ns() >= c->options->deadline_ns;
}

/* Is the key behind one that was found wrong? */
static bool is_called_off(struct court *c, uint32_t turn)
{
	return !c->options->all && atomic_load(&c->first_wrong) < turn;
}

static uint32_t *copied(const uint32_t *from, uint32_t count)
{
	uint32_t *to = malloc((count + !count) * sizeof(*to));

	return to && count ? memcpy(to, from, count * sizeof(*to)) : to;
}

/* Until it is the least, or time is up. */
static void contradict_key(struct court *c, struct lin *lin, struct judge_contradiction *to)
{
	uint64_t patience = judge_clock_ns() + CONTRADICT_S * NS_PER_S;
	enum lin_state state;
	const uint32_t *member;

	do
		state = lin_contradict(lin, STEPS);
	while (state == LIN_AGAIN && !judge_is_late(c) && judge_clock_ns() < patience);
	to->least = state == LIN_NO;
	to->any_time = lin_figures(lin).unique;
	member = lin_contradiction(lin, &to->members);
	to->member = copied(member, to->members);
	to->members = to->member ? to->members : 0;
}

/* The share of a checker. */
static bool share(const struct court *c, size_t *bytes)
{
	size_t max = c->options->memory_max, used = history_bytes(c->history) + atomic_load(&c->order_bytes);

	*bytes = 0;
	if (!max)
		return true;
	if (used >= max)
		return false;
	*bytes = (max - used) / c->jobs;
	return *bytes > 0;
}

static void count_figures(struct court *c, struct lin_figures f)
{
	struct judge_figures *all = &c->judgement->figures;

	pthread_mutex_lock(&c->lock);
	all->steps += f.steps;
	all->unique += f.unique;
	all->searched += !f.unique;
	if (f.configurations_max > all->configurations_max)
		all->configurations_max = f.configurations_max;
	if (f.bytes_max > c->checker_bytes_max)
		c->checker_bytes_max = f.bytes_max;
	pthread_mutex_unlock(&c->lock);
}

static enum judge_lack keep_order(struct court *c, const struct lin *lin, uint32_t turn)
{
	struct judge_order *to = &c->judgement->order[turn];
	const uint32_t *order = lin_order(lin, &to->count);

	to->at = copied(order, to->count);
	atomic_fetch_add(&c->order_bytes, to->count * sizeof(*to->at));
	return to->at ? JUDGE_NOTHING : JUDGE_MEMORY;
}

/* What there was not enough of to decide; `wrong` is filled where the answer is no. */
static enum judge_lack try_key(struct court *c, uint32_t turn, struct judge_contradiction *wrong)
{
	struct lin_options o = { .want_order = c->options->want_order };
	enum lin_state state = LIN_AGAIN;
	enum judge_lack lack = JUDGE_NOTHING;
	const struct lin_op *op;
	struct lin *lin;
	uint32_t count;

	op = history_ops(c->history, c->turn[turn], &count);
	lin = share(c, &o.memory_max) ? lin_new(op, count, &o) : NULL;
	if (!lin)
		return JUDGE_MEMORY;
	while (state == LIN_AGAIN && !lack) {
		state = lin_run(lin, STEPS);
		if (state == LIN_AGAIN && (judge_is_late(c) || is_called_off(c, turn)))
			lack = JUDGE_TIME;
		judge_progress(c);
	}
	if (state == LIN_NO_MEMORY)
		lack = JUDGE_MEMORY;
	if (state == LIN_YES && o.want_order)
		lack = keep_order(c, lin, turn);
	if (state == LIN_NO) {
		wrong->key = c->turn[turn];
		contradict_key(c, lin, wrong);
		lack = wrong->member ? JUDGE_NOTHING : JUDGE_MEMORY;
	}
	count_figures(c, lin_figures(lin));
	lin_free(lin);
	return lack;
}

/* --- Keys --- */

void judge_progress(struct court *c)
{
	if (c->options->progress && pthread_equal(pthread_self(), c->main))
		c->options->progress(atomic_load(&c->done), c->judgement->keys);
}

static void add_wrong(struct court *c, struct judge_contradiction *wrong, uint32_t turn)
{
	struct judgement *j = c->judgement;
	struct judge_contradiction *more = realloc(j->contradiction, (j->contradictions + 1) * sizeof(*more));
	uint32_t at = j->contradictions;

	if (turn < atomic_load(&c->first_wrong))
		atomic_store(&c->first_wrong, turn);
	c->wrong = true;
	if (!more) {
		free(wrong->member);
		return;
	}
	j->contradiction = more;
	while (at > 0 && c->place[more[at - 1].key] > turn) {
		more[at] = more[at - 1];
		at--;
	}
	more[at] = *wrong;
	j->contradictions++;
}

static void judge_turn(struct court *c, uint32_t turn)
{
	struct judge_contradiction wrong = { .key = UINT32_MAX };
	enum judge_lack lack = try_key(c, turn, &wrong);

	pthread_mutex_lock(&c->lock);
	if (wrong.key != UINT32_MAX)
		add_wrong(c, &wrong, turn);
	else if (lack && !is_called_off(c, turn)) {
		c->judgement->keys_unknown++;
		if (lack != JUDGE_TIME || !c->judgement->lack)
			c->judgement->lack = lack;
	}
	pthread_mutex_unlock(&c->lock);
	atomic_fetch_add(&c->done, 1);
	judge_progress(c);
}

static void *work(void *court)
{
	struct court *c = court;

	for (;;) {
		uint32_t turn = atomic_fetch_add(&c->next, 1);

		if (turn >= c->judgement->keys || is_called_off(c, turn))
			return NULL;
		if (judge_is_late(c)) {
			pthread_mutex_lock(&c->lock);
			c->judgement->keys_unknown++;
			if (!c->judgement->lack)
				c->judgement->lack = JUDGE_TIME;
			pthread_mutex_unlock(&c->lock);
			continue;
		}
		judge_turn(c, turn);
	}
}

static void work_together(struct court *c)
{
	pthread_t thread[JUDGE_JOBS_MAX];
	unsigned n = 0;

	c->main = pthread_self();
	while (n + 1 < c->jobs && !pthread_create(&thread[n], NULL, work, c))
		n++;
	work(c);
	while (n)
		pthread_join(thread[--n], NULL);
}

static uint32_t operations_of(const struct history *h, uint32_t key)
{
	uint32_t n;

	history_ops(h, key, &n);
	return n;
}

static int turn_order(const void *va, const void *vb, void *history)
{
	uint32_t a = *(const uint32_t *)va, b = *(const uint32_t *)vb;
	uint32_t a_count = operations_of(history, a), b_count = operations_of(history, b);

	if (a_count != b_count)
		return a_count < b_count ? -1 : 1;
	return a < b ? -1 : 1;
}

/* False: memory. */
static bool make_turns(struct court *c)
{
	const struct judge_options *o = c->options;
	struct judgement *j = c->judgement;
	uint32_t keys = (uint32_t)history_keys(c->history);

	c->turn = malloc((keys + 1) * sizeof(*c->turn));
	c->place = malloc((keys + 1) * sizeof(*c->place));
	j->order = o->want_order ? calloc(keys + 1, sizeof(*j->order)) : NULL;
	if (!c->turn || !c->place || (o->want_order && !j->order))
		return false;
	for (uint32_t i = 0; i < keys; i++)
		if ((!o->one_key || i == o->key) && operations_of(c->history, i))
			c->turn[j->keys++] = i;
	qsort_r(c->turn, j->keys, sizeof(*c->turn), turn_order, (void *)(uintptr_t)c->history);
	for (uint32_t i = 0; i < j->keys; i++) {
		c->place[c->turn[i]] = i;
		j->operations += operations_of(c->history, c->turn[i]);
	}
	j->orders = o->want_order ? j->keys : 0;
	c->jobs = o->jobs < j->keys ? o->jobs : j->keys;
	c->jobs += !c->jobs;
	return true;
}

/* Those behind the first that were found before it was. */
static void forget_later(struct judgement *j)
{
	while (j->contradictions > 1)
		free(j->contradiction[--j->contradictions].member);
}

static void judge_keys(struct court *c)
{
	struct judgement *j = c->judgement;

	if (!make_turns(c)) {
		j->lack = JUDGE_MEMORY;
		j->keys_unknown++;
	} else {
		work_together(c);
	}
	for (uint32_t i = 0; i < j->orders; i++)
		j->order[i].key = c->turn[i];
	if (!c->options->all)
		forget_later(j);
	free(c->turn);
	free(c->place);
}

void judge(struct judgement *j, const struct history *h, const struct judge_options *o)
{
	struct court c = { .judgement = j, .history = h, .options = o, .jobs = 1, .lock = PTHREAD_MUTEX_INITIALIZER };

	assert(o->jobs >= 1 && o->jobs <= JUDGE_JOBS_MAX);
	*j = (struct judgement){ .verdict = JUDGE_YES };
	atomic_init(&c.first_wrong, UINT32_MAX);
	c.main = pthread_self();
	if (history_has_transactions(h))
		judge_transactions(&c);
	else
		judge_keys(&c);
	if (c.wrong)
		j->verdict = JUDGE_NO;
	else if (j->keys_unknown)
		j->verdict = JUDGE_UNKNOWN;
	j->figures.bytes_max = history_bytes(h) + c.jobs * c.checker_bytes_max + atomic_load(&c.order_bytes);
}

void judge_release(struct judgement *j)
{
	for (uint32_t i = 0; i < j->contradictions; i++) {
		free(j->contradiction[i].member);
		free(j->contradiction[i].step);
	}
	for (uint32_t i = 0; i < j->orders; i++)
		free(j->order[i].at);
	free(j->contradiction);
	free(j->order);
}
