/*
 * unique: decides by zones, where no value that is seen is written twice (Gibbons and Korach, "Testing shared memories", 1997).
 *
 * Then it is known which write each read saw, and the value is there from that write to the last of its reads without a break.
 * A swap sees one value and writes another, so their times join: a chain.  What must have happened comes in chains, which follow
 * one after the other in some order.  Of two chains A comes first if an operation of A returned before one of B was called:
 *
 *     the least return of A  <  the greatest call of B
 *
 * and there is an order of all if no two have to come before each other (a cycle of more has one of two in it).  A chain's
 * zone is between its least return and its greatest call.  It lasts if the return is first, and the value is there all that
 * time; else it is over in a moment, and may be so at any time in its zone.  Two have to come before each other if the zones of
 * both last and overlap, or if the zone of one lasts, and that of the other is within it.
 *
 * What saw that there was nothing is in the chain of the beginning, unless something deletes: then the same value
 * comes back, and it is not for us to say yes.  What saw any other value is put in at the end, if it fits.
 */
#include "lib/lin/inside.h"

#include <assert.h>
#include <string.h>

enum { LINK, CHAIN, SORT, COMPARE, MET = 1 };

void lin_unique_init(struct lin_unique *u, const struct lin_plan *p, bool want_order)
{
	*u = (struct lin_unique){ .plan = p, .memory = p->memory, .want_order = want_order };
}

void lin_unique_release(struct lin_unique *u)
{
	if (!u->plan)
		return;
	lin_memory_free(u->memory, u->swap, u->plan->values, sizeof(*u->swap));
	lin_memory_free(u->memory, u->chains, u->chains_room, sizeof(*u->chains));
	lin_memory_free(u->memory, u->sorted, u->sorted_room, sizeof(*u->sorted));
	lin_memory_free(u->memory, u->seeds, u->seeds_room, sizeof(*u->seeds));
	lin_memory_free(u->memory, u->changes, u->room, sizeof(*u->changes));
	lin_memory_free(u->memory, u->latest, u->room, sizeof(*u->latest));
	lin_memory_free(u->memory, u->earliest, u->room, sizeof(*u->earliest));
	lin_order_release(&u->order, u->memory);
	*u = (struct lin_unique){ 0 };
}

/* --- Who is to blame --- */

static bool is_blamed(const struct lin_unique *u, uint32_t op)
{
	for (uint32_t i = 0; i < u->seeds_count; i++)
		if (u->seeds[i] == op)
			return true;
	return false;
}

/* What had seen the operation's value by the return that was concluded from it. */
static uint32_t reason_for(const struct lin_plan *p, uint32_t op)
{
	const struct lin_deed *d = &p->deeds[op];
	uint32_t reason = LIN_NO_OP;

	for (uint32_t i = p->value[d->value].demands; i < p->value[d->value + 1].demands; i++) {
		uint32_t seer = p->demands[i];

		if (p->deeds[seer].returned == d->returned && (reason == LIN_NO_OP || p->ops[seer].returned == d->returned))
			reason = seer;
	}
	return reason;
}

static bool blame(struct lin_unique *u, uint32_t op)
{
	const struct lin_plan *p = u->plan;

	while (op != LIN_NO_OP && !is_blamed(u, op)) {
		uint64_t returned = p->deeds[op].returned;

		if (!LIN_ROOM(u->memory, u->seeds, u->seeds_count, u->seeds_room))
			return false;
		u->seeds[u->seeds_count++] = op;
		if (p->deeds[op].maybe)
			break;
		u->by = returned > u->by ? returned : u->by;
		op = returned == p->ops[op].returned && p->ops[op].outcome != LIN_UNKNOWN ? LIN_NO_OP : reason_for(p, op);
	}
	return true;
}

/* What a contradiction comes to; if it is of there being nothing in the beginning, there may be nothing again after a delete. */
static enum lin_unique_state no(const struct lin_unique *u, bool of_beginning, bool blamed)
{
	if (of_beginning && u->plan->value[0].writers)
		return LIN_UNIQUE_NOT;
	return blamed ? LIN_UNIQUE_NO : LIN_UNIQUE_NO_MEMORY;
}

/* --- Links --- */

static bool is_change(const struct lin_deed *d)
{
	return !d->maybe && (d->role == LIN_WRITES || d->role == LIN_SWAPS);
}

/* What it swaps: one that creates does so where nothing was, if what it swaps is never there. */
static uint32_t swapped_by(const struct lin_plan *p, const struct lin_deed *d)
{
	return d->create && !p->value[d->from].writers ? 0 : d->from;
}

static bool is_unique(const struct lin_plan *p)
{
	for (uint32_t v = LIN_VALUES_OWN; v < p->values; v++)
		if (p->value[v].writers > 1)
			return false;
	return true;
}

static enum lin_unique_state link_swap(struct lin_unique *u, uint32_t op)
{
	const struct lin_plan *p = u->plan;
	const struct lin_deed *d = &p->deeds[op];
	uint32_t from = swapped_by(p, d);

	if (d->create && (from || p->value[0].writers))
		return LIN_UNIQUE_NOT;
	if (from == 0 && u->deletes)
		return LIN_UNIQUE_AGAIN;
	if (u->swap[from] != LIN_NO_OP)
		return no(u, from == 0, blame(u, u->swap[from]) && blame(u, op) && (!from || blame(u, p->value[from].writer)));
	u->swap[from] = op;
	return LIN_UNIQUE_AGAIN;
}

static enum lin_unique_state link_swaps(struct lin_unique *u)
{
	const struct lin_plan *p = u->plan;
	enum lin_unique_state state = LIN_UNIQUE_AGAIN;
	uint32_t value;

	if (!is_unique(p))
		return LIN_UNIQUE_NOT;
	u->swap = lin_memory_array(u->memory, NULL, 0, p->values, sizeof(*u->swap));
	if (!u->swap)
		return LIN_UNIQUE_NO_MEMORY;
	memset(u->swap, 0xff, p->values * sizeof(*u->swap));
	for (uint32_t i = 0; i < p->calls_count; i++) {
		const struct lin_deed *d = &p->deeds[p->calls[i]];

		/* A write of nothing is as good as one that deletes; and a swap of a value for itself writes it once more. */
		if ((d->role == LIN_WRITES || d->role == LIN_SWAPS) && d->value == 0)
			return LIN_UNIQUE_NOT;
		if (d->role == LIN_SEES && lin_offers(&p->ops[p->calls[i]], &value))
			return LIN_UNIQUE_NOT;
		u->deletes |= d->role == LIN_DELETES && !d->maybe;
		u->others |= d->role == LIN_SEES_OTHER;
	}
	for (uint32_t i = 0; i < p->calls_count && state == LIN_UNIQUE_AGAIN; i++)
		if (is_change(&p->deeds[p->calls[i]]) && p->deeds[p->calls[i]].role == LIN_SWAPS)
			state = link_swap(u, p->calls[i]);
	return state;
}

/* --- Chains --- */

uint32_t lin_unique_next(const struct lin_unique *u, uint32_t op)
{
	uint32_t value = op == LIN_NO_OP ? 0 : u->plan->deeds[op].value;

	return value == LIN_ANONYMOUS ? LIN_NO_OP : u->swap[value];
}

/* Those of the chain from one change of the state to another, with one before it. */
static bool blame_between(struct lin_unique *u, uint32_t from, uint32_t to)
{
	for (uint32_t op = from; op != to; op = lin_unique_next(u, op))
		if (op != LIN_NO_OP && !blame(u, op))
			return false;
	return to == LIN_NO_OP || blame(u, to);
}

static bool later(const struct lin_unique *u, const struct lin_link *a, const struct lin_link *b)
{
	return b->op == LIN_NO_OP || u->plan->ops[a->op].called > u->plan->ops[b->op].called;
}

/* The operation takes part; `late` has the greatest call of those that must come before it. */
static enum lin_unique_state meet(struct lin_unique *u, struct lin_chain *c, const struct lin_link *l,
				  const struct lin_link *late)
{
	uint64_t returned = u->plan->deeds[l->op].returned, called = u->plan->ops[l->op].called;

	u->plan->deeds[l->op].place = MET;
	if (returned < c->returned) {
		c->returned = returned;
		u->least = *l;
	}
	if (called > c->called) {
		c->called = called;
		u->greatest = *l;
	}
	if (late->op == LIN_NO_OP || u->plan->ops[late->op].called < returned)
		return LIN_UNIQUE_AGAIN;
	return no(u, c->first == LIN_NO_OP, blame(u, l->op) && blame(u, late->op) && blame_between(u, late->change, l->change));
}

/* The reads of what the change leaves; `late` becomes the one of the greatest call. */
static enum lin_unique_state meet_reads(struct lin_unique *u, struct lin_chain *c, const struct lin_link *change,
					struct lin_link *late)
{
	const struct lin_plan *p = u->plan;
	uint32_t value = change->op == LIN_NO_OP ? 0 : p->deeds[change->op].value;
	struct lin_link before = *late;
	enum lin_unique_state state = LIN_UNIQUE_AGAIN;

	for (uint32_t i = p->value[value].demands; i < p->value[value + 1].demands && state == LIN_UNIQUE_AGAIN; i++) {
		struct lin_link read = { p->demands[i], change->op, change->step };

		if (p->deeds[read.op].role != LIN_SEES)
			continue;
		state = meet(u, c, &read, &before);
		if (later(u, &read, late))
			*late = read;
	}
	return state;
}

/* Goes along the chain.  Each change comes after all before it, and what sees it after it. */
static enum lin_unique_state follow(struct lin_unique *u, struct lin_chain *c)
{
	struct lin_link late = { LIN_NO_OP, LIN_NO_OP, 0 }, change = { c->first, c->first, 0 };
	enum lin_unique_state state = LIN_UNIQUE_AGAIN;

	c->returned = LIN_NEVER;
	c->called = 0;
	do {
		if (change.op != LIN_NO_OP) {
			state = meet(u, c, &change, &late);
			if (later(u, &change, &late))
				late = change;
		}
		if (state == LIN_UNIQUE_AGAIN)
			state = meet_reads(u, c, &change, &late);
		change.op = change.change = lin_unique_next(u, change.op);
		change.step++;
	} while (change.op != LIN_NO_OP && state == LIN_UNIQUE_AGAIN);
	return state;
}

static enum lin_unique_state begin_chain(struct lin_unique *u, uint32_t first)
{
	struct lin_chain *c;
	enum lin_unique_state state;

	if (!LIN_ROOM(u->memory, u->chains, u->chains_count, u->chains_room))
		return LIN_UNIQUE_NO_MEMORY;
	c = &u->chains[u->chains_count];
	*c = (struct lin_chain){ .first = first };
	state = follow(u, c);
	/* The beginning is at the beginning, if anything is in it. */
	u->chains_count += first != LIN_NO_OP || c->returned != LIN_NEVER;
	if (first == LIN_NO_OP)
		c->returned = 0;
	return state;
}

static bool begins_chain(const struct lin_unique *u, const struct lin_deed *d)
{
	return is_change(d) && (d->role == LIN_WRITES || (swapped_by(u->plan, d) == 0 && u->deletes));
}

/* A read of what was not written, or by what surely was not then. */
static enum lin_unique_state find_unwritten(struct lin_unique *u)
{
	const struct lin_plan *p = u->plan;

	for (uint32_t v = LIN_NOWHERE; v < p->values; v++)
		for (uint32_t i = p->value[v].demands; i < p->value[v + 1].demands; i++) {
			const struct lin_value *value = &p->value[v];

			if (p->deeds[p->demands[i]].returned < value->written)
				return no(u, false, blame(u, p->demands[i]) && (!value->writers || blame(u, value->writer)));
		}
	return LIN_UNIQUE_AGAIN;
}

/*
 * A change that is in no chain, if what saw unwritten values was found before, has a ring of swaps before it.  That many steps
 * back as there are values, it is in the ring.
 */
static enum lin_unique_state find_ring(struct lin_unique *u)
{
	const struct lin_plan *p = u->plan;
	uint32_t op = LIN_NO_OP;

	for (uint32_t i = 0; i < p->calls_count; i++)
		if (is_change(&p->deeds[p->calls[i]]) && p->deeds[p->calls[i]].place != MET)
			op = p->calls[i];
	if (op == LIN_NO_OP)
		return LIN_UNIQUE_AGAIN;
	for (uint32_t i = 0; i < p->values; i++)
		op = p->value[p->deeds[op].from].writer;
	while (!is_blamed(u, op)) {
		if (!blame(u, op))
			return LIN_UNIQUE_NO_MEMORY;
		op = p->value[p->deeds[op].from].writer;
	}
	return LIN_UNIQUE_NO;
}

static enum lin_unique_state make_chains(struct lin_unique *u)
{
	const struct lin_plan *p = u->plan;
	enum lin_unique_state state = find_unwritten(u);

	for (uint32_t i = 0; i < p->calls_count; i++)
		if (!p->deeds[p->calls[i]].maybe)
			p->deeds[p->calls[i]].place = 0;
	if (state == LIN_UNIQUE_AGAIN && !u->deletes)
		state = begin_chain(u, LIN_NO_OP);
	for (uint32_t i = 0; i < p->calls_count && state == LIN_UNIQUE_AGAIN; i++)
		if (begins_chain(u, &p->deeds[p->calls[i]]))
			state = begin_chain(u, p->calls[i]);
	return state == LIN_UNIQUE_AGAIN ? find_ring(u) : state;
}

/* --- Zones --- */

static bool lasts(const struct lin_chain *c)
{
	return c->returned < c->called;
}

static enum lin_unique_state sort(struct lin_unique *u)
{
	u->sorted_room = 2 * u->chains_count + 1;
	u->sorted = lin_memory_array(u->memory, NULL, 0, u->sorted_room, sizeof(*u->sorted));
	if (!u->sorted)
		return LIN_UNIQUE_NO_MEMORY;
	for (uint32_t i = 0; i < u->chains_count; i++)
		u->sorted[i] = i;
	if (u->chains_count)
		lin_sort(&(struct lin_by){ &u->chains->returned, sizeof(*u->chains) }, u->sorted, u->sorted + u->chains_count,
			 u->chains_count);
	return LIN_UNIQUE_AGAIN;
}

/* The operations of the least return and the greatest call.  In the beginning the least return is that. */
static void find_extremes(struct lin_unique *u, const struct lin_chain *c, struct lin_link *least, struct lin_link *greatest)
{
	struct lin_chain again = { .first = c->first };
	enum lin_unique_state state = follow(u, &again);

	assert(state == LIN_UNIQUE_AGAIN);
	*least = c->first == LIN_NO_OP ? (struct lin_link){ LIN_NO_OP, LIN_NO_OP, 0 } : u->least;
	*greatest = u->greatest;
}

static bool comes_before(const struct lin_unique *u, uint32_t a, uint32_t b)
{
	return a == LIN_NO_OP || u->plan->deeds[a].returned < u->plan->ops[b].called;
}

/* The write of a chain that is no more than that and its reads is to blame anyway. */
static uint32_t only_write(const struct lin_unique *u, const struct lin_chain *c)
{
	return c->first != LIN_NO_OP && lin_unique_next(u, c->first) == LIN_NO_OP ? c->first : LIN_NO_OP;
}

static bool blame_chain(struct lin_unique *u, const struct lin_link *a, const struct lin_link *b)
{
	return (a->op == LIN_NO_OP || blame(u, a->op)) && blame(u, b->op) &&
	       (a->step < b->step ? blame_between(u, a->change, b->change) : blame_between(u, b->change, a->change));
}

/* Each has to come before the other. */
static enum lin_unique_state conflict(struct lin_unique *u, const struct lin_chain *a, const struct lin_chain *b)
{
	struct lin_link a_least, a_greatest, b_least, b_greatest;
	uint32_t a_write = only_write(u, a), b_write = only_write(u, b);

	find_extremes(u, a, &a_least, &a_greatest);
	find_extremes(u, b, &b_least, &b_greatest);
	if (a_write != LIN_NO_OP && comes_before(u, a_write, b_greatest.op))
		a_least.op = a_write;
	if (b_write != LIN_NO_OP && comes_before(u, a_least.op, b_write))
		b_greatest.op = b_write;
	if (b_write != LIN_NO_OP && comes_before(u, b_write, a_greatest.op))
		b_least.op = b_write;
	if (a_write != LIN_NO_OP && comes_before(u, b_least.op, a_write))
		a_greatest.op = a_write;
	return no(u, a->first == LIN_NO_OP || b->first == LIN_NO_OP,
		  blame_chain(u, &a_least, &a_greatest) && blame_chain(u, &b_least, &b_greatest));
}

/* In the order of their least returns: the last that lasts is the only one that may not be over yet. */
static enum lin_unique_state compare(struct lin_unique *u)
{
	struct lin_chain *lasting = NULL;

	for (uint32_t i = 0; i < u->chains_count; i++) {
		struct lin_chain *c = &u->chains[u->sorted[i]];

		c->at = lasts(c) ? c->returned : c->called;
		if (lasting && lasting->returned < c->called && c->returned < lasting->called)
			return conflict(u, lasting, c);
		if (lasts(c))
			lasting = c;
	}
	return LIN_UNIQUE_AGAIN;
}

enum lin_unique_state lin_unique_go(struct lin_unique *u, uint64_t *steps)
{
	uint64_t cost = u->plan->count / 8 + 1;

	lin_spend(steps, cost);
	switch (u->stage++) {
	case LINK:
		return link_swaps(u);
	case CHAIN:
		return make_chains(u);
	case SORT:
		return sort(u);
	case COMPARE:
		return compare(u);
	default:
		return u->deletes ? LIN_UNIQUE_NOT : lin_unique_order(u);
	}
}
