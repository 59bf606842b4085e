/* lin: the ways to decide, one after the other. */
#include "lib/lin/inside.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* How many configurations a search keeps; a lavish one, how many times that. */
enum { WIDTH_FIRST = 16, WIDTH_LAVISH = 2, WIDER = 8, WIDTH_MAX = 1 << 22 };

struct lin {
	struct lin_memory memory;
	struct lin_options options;
	struct lin_plan plan;
	struct lin_unique unique;
	struct lin_search search;
	struct lin_contradict contradict;
	enum { PLANNING, COMPARING, SEARCHING } doing;
	uint32_t width;                 /* of the search */
	bool was_lavish;
	bool by_unique;
	enum lin_state state;
	uint64_t steps, configurations_max;
	uint32_t culprit, contradicting;        /* of the plan's calls, as long as no less is known */
	enum lin_state contradicted;
};

struct lin *lin_new(const struct lin_op *ops, uint32_t count, const struct lin_options *options)
{
	struct lin_memory memory = { .max = options->memory_max };
	struct lin *l = lin_memory_array(&memory, NULL, 0, 1, sizeof(*l));

	assert(count <= LIN_OPS_MAX);
	if (!l)
		return NULL;
	*l = (struct lin){ .memory = memory, .options = *options, .state = LIN_AGAIN };
	l->plan = (struct lin_plan){ .ops = ops, .count = count, .memory = &l->memory };
	return l;
}

void lin_free(struct lin *l)
{
	if (!l)
		return;
	lin_contradict_release(&l->contradict);
	lin_search_release(&l->search);
	lin_unique_release(&l->unique);
	lin_plan_release(&l->plan);
	assert(l->memory.now == sizeof(*l));
	free(l);
}

/* What the operations come to by that return contradicts. */
static void blame(struct lin *l, uint64_t by)
{
	const struct lin_plan *p = &l->plan;

	l->culprit = p->returns_count ? p->returns[p->returns_count - 1] : p->calls[0];
	for (uint32_t i = 0; i < p->count; i++)
		if (p->ops[i].returned == by && by != LIN_NEVER)
			l->culprit = i;
	while (l->contradicting < p->calls_count && p->ops[p->calls[l->contradicting]].called < by)
		l->contradicting++;
}

static enum lin_state begin_search(struct lin *l, bool lavish)
{
	struct lin_aim aim = { .want_order = l->options.want_order && !lavish, .lavish = lavish,
			       .width = lavish ? WIDTH_LAVISH * l->width : l->width };

	lin_search_release(&l->search);
	return lin_search_init(&l->search, &l->plan, &aim) ? LIN_AGAIN : LIN_NO_MEMORY;
}

/*
 * A narrow search first, that finds an order soon if there are many.  If it finds none, but has left something out, one
 * that is lavish with what may have happened, and so has no more to keep than if nothing were of unknown outcome: what it
 * refutes is refuted.  Then by and by wider ones.
 */
static enum lin_state search_on(struct lin *l)
{
	if (!l->was_lavish && l->plan.pools_count) {
		l->was_lavish = true;
		return begin_search(l, true);
	}
	l->width = l->width < WIDTH_MAX ? l->width * WIDER : 0;
	return begin_search(l, false);
}

/* Is it known no better than before? */
static bool is_open(const struct lin_search *s, enum lin_state state)
{
	return s->aim.lavish ? s->cut || state == LIN_YES : s->cut && state == LIN_NO;
}

static enum lin_state search(struct lin *l, uint64_t *steps)
{
	enum lin_state state = lin_search_run(&l->search, steps);
	uint64_t by;

	if (l->search.configurations_max > l->configurations_max)
		l->configurations_max = l->search.configurations_max;
	if (is_open(&l->search, state))
		return search_on(l);
	if (state == LIN_NO) {
		by = l->plan.deeds[l->search.op].returned;
		blame(l, by > l->search.doom ? by : l->search.doom);
	}
	return state;
}

static enum lin_state leave_to_search(struct lin *l)
{
	lin_unique_release(&l->unique);
	l->doing = SEARCHING;
	if (l->plan.impossible != LIN_NEVER) {
		blame(l, l->plan.impossible);
		return LIN_NO;
	}
	l->width = l->options.width ? l->options.width : WIDTH_FIRST;
	return begin_search(l, false);
}

static enum lin_state compare(struct lin *l, uint64_t *steps)
{
	switch (lin_unique_go(&l->unique, steps)) {
	case LIN_UNIQUE_AGAIN:
		return LIN_AGAIN;
	case LIN_UNIQUE_YES:
		l->by_unique = true;
		return LIN_YES;
	case LIN_UNIQUE_NO:
		l->by_unique = true;
		blame(l, l->unique.by);
		return LIN_NO;
	case LIN_UNIQUE_NO_MEMORY:
		return LIN_NO_MEMORY;
	default:
		return leave_to_search(l);
	}
}

static enum lin_state plan(struct lin *l, uint64_t *steps)
{
	enum lin_state state = lin_plan_go(&l->plan, steps);

	if (state != LIN_YES)
		return state;
	if (l->options.search_only)
		return leave_to_search(l);
	lin_unique_init(&l->unique, &l->plan, l->options.want_order);
	l->doing = COMPARING;
	return LIN_AGAIN;
}

enum lin_state lin_run(struct lin *l, uint64_t steps)
{
	uint64_t left = steps;

	while (l->state == LIN_AGAIN && left)
		switch (l->doing) {
		case PLANNING:
			l->state = plan(l, &left);
			break;
		case COMPARING:
			l->state = compare(l, &left);
			break;
		default:
			l->state = search(l, &left);
		}
	l->steps += steps - left;
	return l->state;
}

const uint32_t *lin_order(const struct lin *l, uint32_t *count)
{
	assert(l->state == LIN_YES && l->options.want_order);
	*count = l->by_unique ? l->unique.order.count : l->search.order.count;
	return l->by_unique ? l->unique.order.ops : l->search.order.ops;
}

uint32_t lin_culprit(const struct lin *l)
{
	assert(l->state == LIN_NO);
	return l->culprit;
}

static bool sort_seeds(struct lin *l)
{
	const struct lin_plan *p = &l->plan;
	uint32_t count = l->unique.seeds_count, *spare = lin_memory_array(&l->memory, NULL, 0, count, sizeof(*spare));

	if (spare)
		lin_sort(&(struct lin_by){ &p->ops->called, sizeof(*p->ops) }, l->unique.seeds, spare, count);
	lin_memory_free(&l->memory, spare, count, sizeof(*spare));
	return spare;
}

static enum lin_state begin_contradiction(struct lin *l)
{
	const uint32_t *from = l->by_unique ? l->unique.seeds : l->plan.calls;
	uint32_t count = l->by_unique ? l->unique.seeds_count : l->contradicting;

	/* What decided is not needed any more. */
	lin_search_release(&l->search);
	if (l->by_unique && !sort_seeds(l))
		return LIN_NO_MEMORY;
	return lin_contradict_init(&l->contradict, &l->plan, from, count, l->culprit, l->by_unique) ? LIN_AGAIN : LIN_NO_MEMORY;
}

enum lin_state lin_contradict(struct lin *l, uint64_t steps)
{
	uint64_t left = steps;

	assert(l->state == LIN_NO);
	if (l->contradicted == LIN_AGAIN && !l->contradict.whole)
		l->contradicted = begin_contradiction(l);
	while (l->contradicted == LIN_AGAIN && left)
		l->contradicted = lin_contradict_run(&l->contradict, &left);
	l->steps += steps - left;
	return l->contradicted;
}

const uint32_t *lin_contradiction(const struct lin *l, uint32_t *count)
{
	assert(l->state == LIN_NO);
	*count = l->contradict.set_count ? l->contradict.set_count : l->contradicting;
	return l->contradict.set_count ? l->contradict.set : l->plan.calls;
}

struct lin_figures lin_figures(const struct lin *l)
{
	return (struct lin_figures){
		.unique = l->by_unique,
		.steps = l->steps,
		.configurations_max = l->configurations_max,
		.bytes_max = l->memory.peak,
	};
}
