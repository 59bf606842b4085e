/* The transactions of a history, all of them in one checker. */
#include "lib/judge/inside.h"

#include <stdlib.h>
#include <string.h>

enum {
	STEPS = 20000,                  /* between two looks at the clock */
	CONTRADICT_S = 30,              /* for the least contradiction, where no deadline says otherwise */
};

/* At least one byte, as malloc(0) may be NULL. */
static void *copied(const void *from, uint32_t count, size_t size)
{
	void *to = malloc(count * size + !count);

	return to && count ? memcpy(to, from, count * size) : to;
}

static bool keep_order(struct court *c, const struct serial *s)
{
	struct judgement *j = c->judgement;
	const uint32_t *order;

	j->order = calloc(1, sizeof(*j->order));
	if (!j->order)
		return false;
	j->orders = 1;
	order = serial_order(s, &j->order->count);
	j->order->at = copied(order, j->order->count, sizeof(*order));
	return j->order->at;
}

static bool keep_contradiction(struct court *c, struct serial *s)
{
	uint64_t patience = judge_clock_ns() + CONTRADICT_S * NS_PER_S;
	struct judgement *j = c->judgement;
	struct judge_contradiction *to;
	const struct serial_step *step;
	const uint32_t *member;
	enum serial_state state;

	do
		state = serial_contradict(s, STEPS);
	while (state == SERIAL_AGAIN && !judge_is_late(c) && judge_clock_ns() < patience);
	to = j->contradiction = calloc(1, sizeof(*to));
	if (!to)
		return false;
	j->contradictions = 1;
	to->least = state == SERIAL_NO;
	step = serial_contradiction(s, &to->steps);
	to->step = copied(step, to->steps, sizeof(*step));
	member = serial_members(s, &to->members);
	to->member = copied(member, to->members, sizeof(*member));
	return to->step && to->member;
}

static enum judge_lack run(struct court *c, struct serial *s)
{
	enum serial_state state;

	do {
		state = serial_run(s, STEPS);
		judge_progress(c);
	} while (state == SERIAL_AGAIN && !judge_is_late(c));
	switch (state) {
	case SERIAL_YES:
		return c->options->want_order && !keep_order(c, s) ? JUDGE_MEMORY : JUDGE_NOTHING;
	case SERIAL_NO:
		c->wrong = true;
		return keep_contradiction(c, s) ? JUDGE_NOTHING : JUDGE_MEMORY;
	case SERIAL_NO_MEMORY:
		return JUDGE_MEMORY;
	case SERIAL_UNDECIDED:
		return JUDGE_ORDERS;
	default:
		return JUDGE_TIME;
	}
}

void judge_transactions(struct court *c)
{
	struct serial_options o = { .memory_max = c->options->memory_max };
	struct judgement *j = c->judgement;
	const struct serial_txn *txn;
	struct serial_figures figures;
	struct serial *s = NULL;
	uint32_t count;

	txn = history_transactions(c->history, &count);
	j->keys = 1;
	j->operations = count;
	j->lack = JUDGE_MEMORY;
	if (!o.memory_max || o.memory_max > history_bytes(c->history)) {
		o.memory_max -= o.memory_max ? history_bytes(c->history) : 0;
		s = serial_new(txn, count, &o);
	}
	if (s) {
		j->lack = run(c, s);
		figures = serial_figures(s);
		j->figures.steps = figures.steps;
		c->checker_bytes_max = figures.bytes_max;
		serial_free(s);
	}
	j->keys_unknown = j->lack != JUDGE_NOTHING;
}
