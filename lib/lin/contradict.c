/*
 * contradict: the least operations that contradict.
 *
 * If some contradict, then so do more.  So the candidates are looked through for the least number of them, from the first on,
 * that contradict together with those found already; the last of these is in the contradiction, and so on with those before it.
 * What is found in the end is such that none can be left out.  The first candidate is the culprit, and the others come back in
 * time, so that what is near it is looked at first, and what is probed is short even if the history is not.
 *
 * What is not probed is outside: it offers what it writes, as long as it is under way, or at any time.
 */
#include "lib/lin/inside.h"

#include <string.h>

/* --- To begin with --- */

static bool is_under_way(const struct lin_plan *p, uint32_t op, uint64_t at)
{
	return p->ops[op].outcome != LIN_UNKNOWN && p->ops[op].returned != LIN_NEVER && p->ops[op].returned > at;
}

/* What never returns is found by its value. */
static bool find_earliest(struct lin_contradict *c)
{
	const struct lin_plan *p = c->whole;
	uint32_t first = 0;

	c->earliest = lin_memory_array(c->memory, NULL, 0, p->calls_count + (size_t)1, sizeof(*c->earliest));
	if (!c->earliest)
		return false;
	for (uint32_t i = 0; i < p->calls_count; i++) {
		while (first < i && !is_under_way(p, p->calls[first], p->ops[p->calls[i]].called))
			first++;
		c->earliest[i] = first;
	}
	c->earliest[p->calls_count] = first;
	return true;
}

bool lin_contradict_init(struct lin_contradict *c, const struct lin_plan *p, const uint32_t *candidates, uint32_t count,
			 uint32_t culprit, bool any_time)
{
	size_t words = p->count / 64 + 1;

	*c = (struct lin_contradict){ .whole = p, .memory = p->memory, .candidates = candidates, .candidates_count = count,
				      .low = 1, .high = count, .stride = 1, .any_time = any_time };
	while (c->culprit_at < count - 1 && c->candidates[c->culprit_at] != culprit)
		c->culprit_at++;
	c->member = lin_memory_array(c->memory, NULL, 0, words, sizeof(*c->member));
	c->seen = lin_memory_array(c->memory, NULL, 0, p->values, sizeof(*c->seen));
	c->offered = lin_memory_array(c->memory, NULL, 0, p->values, sizeof(*c->offered));
	if (!c->member || !c->seen || !c->offered || !find_earliest(c))
		return false;
	memset(c->member, 0, words * sizeof(*c->member));
	memset(c->seen, 0, p->values * sizeof(*c->seen));
	memset(c->offered, 0, p->values * sizeof(*c->offered));
	return true;
}

void lin_contradict_release(struct lin_contradict *c)
{
	if (!c->whole)
		return;
	lin_search_release(&c->search);
	lin_plan_release(&c->plan);
	lin_memory_free(c->memory, c->fixed, c->fixed_room, sizeof(*c->fixed));
	lin_memory_free(c->memory, c->earliest, c->whole->calls_count + (size_t)1, sizeof(*c->earliest));
	lin_memory_free(c->memory, c->member, c->whole->count / 64 + 1, sizeof(*c->member));
	lin_memory_free(c->memory, c->seen, c->whole->values, sizeof(*c->seen));
	lin_memory_free(c->memory, c->offered, c->whole->values, sizeof(*c->offered));
	lin_memory_free(c->memory, c->ops, c->ops_room, sizeof(*c->ops));
	lin_memory_free(c->memory, c->outside, c->outside_room, sizeof(*c->outside));
	lin_memory_free(c->memory, c->set, c->set_room, sizeof(*c->set));
	*c = (struct lin_contradict){ 0 };
}

/* --- What is probed --- */

static bool put(struct lin_contradict *c, const struct lin_op *op, bool outside)
{
	if (!LIN_ROOM(c->memory, c->ops, c->count, c->ops_room) || !LIN_ROOM(c->memory, c->outside, c->count, c->outside_room))
		return false;
	c->ops[c->count] = *op;
	c->outside[c->count++] = outside;
	return true;
}

static bool offer(struct lin_contradict *c, uint32_t value, uint64_t called, uint64_t returned)
{
	struct lin_op op = { .kind = value == LIN_MISSING ? LIN_DELETE : LIN_WRITE, .value = value, .called = called,
			     .returned = returned };

	return put(c, &op, true);
}

static bool is_member(const struct lin_contradict *c, uint32_t op)
{
	return c->member[op / 64] >> (op % 64) & 1;
}

/* The culprit is the first, and then it is back in time. */
static uint32_t candidate(const struct lin_contradict *c, uint32_t n)
{
	if (n == 0)
		return c->candidates[c->culprit_at];
	return c->candidates[n < c->candidates_count - c->culprit_at ? c->candidates_count - n : c->candidates_count - n - 1];
}

/* The operation that is n-th in what is probed. */
static uint32_t member_at(const struct lin_contradict *c, uint32_t n)
{
	return n < c->fixed_count ? c->fixed[n] : candidate(c, n - c->fixed_count);
}

static void mark_members(struct lin_contradict *c, uint32_t members, bool in)
{
	for (uint32_t n = 0; n < members; n++) {
		uint32_t op = member_at(c, n);

		if (in)
			c->member[op / 64] |= UINT64_C(1) << (op % 64);
		else
			c->member[op / 64] = 0;
	}
}

/* The values of the whole that those seen here are. */
static void see(struct lin_contradict *c, uint32_t op)
{
	const struct lin_deed *d = &c->whole->deeds[op];

	if (d->role == LIN_SEES)
		c->seen[d->value] = c->round;
	if (c->whole->ops[op].kind == LIN_CAS)
		c->seen[d->from] = c->round;
}

/* Where the calls of the whole after that begin. */
static uint32_t calls_after(const struct lin_contradict *c, uint64_t place)
{
	const struct lin_plan *p = c->whole;
	uint32_t low = 0, high = p->calls_count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (p->ops[p->calls[middle]].called < place)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* What happened before the probed may have left any of these; and what never returns offers on. */
static bool offer_earlier(struct lin_contradict *c, uint64_t from)
{
	bool unseen = false, unseen_lasting = false;

	for (uint32_t v = 0; v < c->whole->values; v++) {
		const struct lin_value *value = &c->whole->value[v];
		bool seen = c->seen[v] == c->round || v == 0, lasting = value->lasting < from;
		uint32_t name = LIN_MISSING;

		/* Of values that nothing probed sees one is as good as another. */
		if (value->offered >= from || (!seen && (unseen_lasting || (unseen && !lasting))))
			continue;
		unseen |= !seen;
		unseen_lasting |= !seen && lasting;
		if (v)
			lin_offers(&c->whole->ops[value->offerer], &name);
		if (lasting ? !offer(c, name, 0, LIN_NEVER) : v && !offer(c, name, 0, from))
			return false;
	}
	return true;
}

/* Of those outside, what is under way while the probed are. */
static bool offer_beside(struct lin_contradict *c, uint64_t from, uint64_t to)
{
	const struct lin_plan *p = c->whole;
	uint32_t first = calls_after(c, from), end = calls_after(c, to), value;

	for (uint32_t i = c->earliest[first]; i < end; i++) {
		const struct lin_op *op = &p->ops[p->calls[i]];
		uint64_t returned = op->outcome == LIN_UNKNOWN ? LIN_NEVER : op->returned;

		if (returned < from || (op->called < from && returned == LIN_NEVER) || is_member(c, p->calls[i]) ||
		    !lin_offers(op, &value))
			continue;
		if (!offer(c, value, op->called, returned > to ? LIN_NEVER : returned))
			return false;
	}
	return true;
}

/* Each value that something outside writes, at any time. */
static bool offer_always(struct lin_contradict *c)
{
	const struct lin_plan *p = c->whole;
	bool anonymous = false;
	uint32_t name;

	for (uint32_t i = 0; i < p->calls_count; i++) {
		uint32_t op = p->calls[i], value = p->deeds[op].role == LIN_DELETES ? 0 : p->deeds[op].value;
		bool seen = c->seen[value] == c->round;

		if (is_member(c, op) || !lin_offers(&p->ops[op], &name) || c->offered[value] == c->round ||
		    (!seen && anonymous && value))
			continue;
		c->offered[value] = c->round;
		anonymous |= !seen && value;
		if (!offer(c, name, 0, LIN_NEVER))
			return false;
	}
	return true;
}

static bool gather(struct lin_contradict *c)
{
	uint32_t members = c->fixed_count + c->probe;
	uint64_t from = LIN_NEVER, to = 0;
	bool gathered;

	c->count = 0;
	c->round++;
	for (uint32_t n = 0; n < members; n++) {
		uint32_t op = member_at(c, n);
		const struct lin_op *o = &c->whole->ops[op];

		see(c, op);
		if (!put(c, o, false))
			return false;
		from = o->called < from ? o->called : from;
		to = o->outcome != LIN_UNKNOWN && o->returned > to ? o->returned : to;
	}
	mark_members(c, members, true);
	gathered = c->any_time ? offer_always(c) : offer_earlier(c, from) && offer_beside(c, from, to);
	mark_members(c, members, false);
	return gathered;
}

/* --- Probing --- */

/* Those that contradict, in the order of calls; false: no memory, and what was known before stays. */
static bool keep(struct lin_contradict *c)
{
	uint32_t count = c->fixed_count + c->high;

	if (count > c->set_room) {
		uint32_t *set = lin_memory_array(c->memory, c->set, c->set_room, count, sizeof(*set));

		if (!set)
			return false;
		c->set = set;
		c->set_room = count;
	}
	mark_members(c, count, true);
	c->set_count = 0;
	for (uint32_t i = 0; i < c->candidates_count; i++)
		if (is_member(c, c->candidates[i]))
			c->set[c->set_count++] = c->candidates[i];
	mark_members(c, count, false);
	return true;
}

/* The last that is needed is fixed. */
static enum lin_state fix(struct lin_contradict *c)
{
	if (c->high == 0)
		return keep(c) ? LIN_NO : LIN_NO_MEMORY;
	if (!LIN_ROOM(c->memory, c->fixed, c->fixed_count, c->fixed_room))
		return LIN_NO_MEMORY;
	c->fixed[c->fixed_count++] = candidate(c, c->high - 1);
	c->high--;
	c->low = 0;
	c->stride = 1;
	return LIN_AGAIN;
}

static enum lin_state begin(struct lin_contradict *c)
{
	if (c->low == c->high)
		return fix(c);
	c->probe = c->low + (c->high - c->low) / 2;
	if (c->stride && c->probe > c->low + c->stride - 1)
		c->probe = c->low + c->stride - 1;
	if (!gather(c))
		return LIN_NO_MEMORY;
	c->plan = (struct lin_plan){ .ops = c->ops, .count = c->count, .memory = c->memory, .outside = c->outside };
	c->stage = LIN_PROBE_PLAN;
	return LIN_AGAIN;
}

static bool end(struct lin_contradict *c, bool contradicts)
{
	if (contradicts) {
		c->high = c->probe;
		c->stride = 0;
	} else {
		c->low = c->probe + 1;
		c->stride *= 2;
	}
	lin_search_release(&c->search);
	lin_plan_release(&c->plan);
	c->stage = LIN_PROBE_BEGIN;
	return !contradicts || keep(c);
}

enum lin_state lin_contradict_run(struct lin_contradict *c, uint64_t *steps)
{
	enum lin_state state;

	switch (c->stage) {
	case LIN_PROBE_BEGIN:
		state = begin(c);
		lin_spend(steps, c->count);
		return state;
	case LIN_PROBE_PLAN:
		state = lin_plan_go(&c->plan, steps);
		if (state != LIN_YES)
			return state;
		c->stage = LIN_PROBE_SEARCH;
		return lin_search_init(&c->search, &c->plan, &(struct lin_aim){ 0 }) ? LIN_AGAIN : LIN_NO_MEMORY;
	default:
		state = lin_search_run(&c->search, steps);
		if (state == LIN_YES || state == LIN_NO)
			return end(c, state == LIN_NO) ? LIN_AGAIN : LIN_NO_MEMORY;
		return state;
	}
}
