/*
 * unique_order: an order for chains of which no two have to come before each other, and in it what saw other values.
 *
 * A chain that lasts is at its least return, and one that is over in a moment at its greatest call, or if another lasts then,
 * as soon as that is over.  Then what saw another value takes the first place that fits it; as there are other orders of the
 * chains, it is not said that it has none if it has none in this one.
 */
#include "lib/lin/inside.h"

#include <assert.h>

/* --- The chains --- */

static void find_times(struct lin_unique *u)
{
	uint32_t *lasting = u->sorted + u->chains_count, count = 0;

	for (uint32_t i = 0; i < u->chains_count; i++)
		if (u->chains[u->sorted[i]].returned < u->chains[u->sorted[i]].called)
			lasting[count++] = u->sorted[i];
	for (uint32_t i = 0; i < u->chains_count; i++) {
		struct lin_chain *c = &u->chains[i];
		uint32_t low = 0, high = count;

		if (c->returned < c->called)
			continue;
		while (low < high) {
			uint32_t middle = low + (high - low) / 2;

			if (u->chains[lasting[middle]].returned <= c->called)
				low = middle + 1;
			else
				high = middle;
		}
		if (low && u->chains[lasting[low - 1]].called > c->called)
			c->at = u->chains[lasting[low - 1]].called;
	}
	if (u->chains_count)
		lin_sort(&(struct lin_by){ &u->chains->at, sizeof(*u->chains) }, u->sorted, lasting, u->chains_count);
}

static bool list_changes(struct lin_unique *u)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < u->plan->calls_count; i++) {
		uint8_t role = u->plan->deeds[u->plan->calls[i]].role;

		count += role == LIN_WRITES || role == LIN_SWAPS;
	}
	u->room = (size_t)count + 2;
	u->changes = lin_memory_array(u->memory, NULL, 0, u->room, sizeof(*u->changes));
	u->latest = lin_memory_array(u->memory, NULL, 0, u->room, sizeof(*u->latest));
	u->earliest = lin_memory_array(u->memory, NULL, 0, u->room, sizeof(*u->earliest));
	if (!u->changes || !u->latest || !u->earliest)
		return false;
	for (uint32_t i = 0; i < u->chains_count; i++) {
		uint32_t change = u->chains[u->sorted[i]].first;

		if (change == LIN_NO_OP)
			change = lin_unique_next(u, LIN_NO_OP);
		for (; change != LIN_NO_OP; change = lin_unique_next(u, change))
			u->changes[u->changes_count++] = change;
	}
	return true;
}

/* The value after so many changes. */
static uint32_t value_at(const struct lin_unique *u, uint32_t changes)
{
	return changes ? u->plan->deeds[u->changes[changes - 1]].value : 0;
}

/* Of the reads after so many changes, of all those that come before or after. */
static void find_bounds(struct lin_unique *u)
{
	const struct lin_plan *p = u->plan;
	uint64_t latest = 0, earliest = LIN_NEVER;

	for (uint32_t i = 0; i <= u->changes_count; i++) {
		uint32_t value = value_at(u, i);

		if (i && p->ops[u->changes[i - 1]].called > latest)
			latest = p->ops[u->changes[i - 1]].called;
		u->latest[i] = latest;
		for (uint32_t d = p->value[value].demands; d < p->value[value + 1].demands; d++) {
			p->deeds[p->demands[d]].place = i;
			if (p->deeds[p->demands[d]].role == LIN_SEES && p->ops[p->demands[d]].called > latest)
				latest = p->ops[p->demands[d]].called;
		}
	}
	u->earliest[u->changes_count + 1] = LIN_NEVER;
	for (uint32_t i = u->changes_count + 1; i-- > 0;) {
		uint32_t value = value_at(u, i);

		for (uint32_t d = p->value[value].demands; d < p->value[value + 1].demands; d++)
			if (p->deeds[p->demands[d]].role == LIN_SEES && p->deeds[p->demands[d]].returned < earliest)
				earliest = p->deeds[p->demands[d]].returned;
		if (i && p->deeds[u->changes[i - 1]].returned < earliest)
			earliest = p->deeds[u->changes[i - 1]].returned;
		u->earliest[i] = earliest;
		assert(u->latest[i] < earliest);
	}
}

/* --- What saw other values --- */

/* In the order of calls, each in the first place that is not before that of one which returned before. */
static bool place_others(struct lin_unique *u)
{
	const struct lin_plan *p = u->plan;
	uint32_t first = 0, floor = 0, ret = 0;

	for (uint32_t i = 0; i < p->calls_count; i++) {
		struct lin_deed *d = &p->deeds[p->calls[i]];
		uint64_t called = p->ops[p->calls[i]].called;
		uint32_t at;

		if (d->role != LIN_SEES_OTHER)
			continue;
		for (; ret < p->returns_count && p->deeds[p->returns[ret]].returned < called; ret++)
			if (p->deeds[p->returns[ret]].role == LIN_SEES_OTHER && p->deeds[p->returns[ret]].place > floor)
				floor = p->deeds[p->returns[ret]].place;
		while (u->earliest[first + 1] <= called)
			first++;
		at = first > floor ? first : floor;
		while (value_at(u, at) == 0 || value_at(u, at) == d->from)
			if (++at > u->changes_count)
				return false;
		if (u->latest[at] >= d->returned)
			return false;
		d->place = at;
	}
	return true;
}

static bool make_order(struct lin_unique *u)
{
	const struct lin_plan *p = u->plan;
	size_t room = p->returns_count + (size_t)1;
	struct lin_place *places = lin_memory_array(u->memory, NULL, 0, room, sizeof(*places));
	uint32_t count = 0;
	bool made = false;

	if (!places)
		return false;
	for (uint32_t i = 0; i < p->calls_count; i++) {
		const struct lin_deed *d = &p->deeds[p->calls[i]];

		if (d->role == LIN_SEES || d->role == LIN_SEES_OTHER)
			places[count++] = (struct lin_place){ p->calls[i], d->place, false };
	}
	made = lin_order_make(&u->order, u->memory, u->changes, u->changes_count, places, count);
	lin_memory_free(u->memory, places, room, sizeof(*places));
	return made;
}

enum lin_unique_state lin_unique_order(struct lin_unique *u)
{
	if (!u->want_order && !u->others)
		return LIN_UNIQUE_YES;
	find_times(u);
	if (!list_changes(u))
		return LIN_UNIQUE_NO_MEMORY;
	find_bounds(u);
	if (!place_others(u))
		return LIN_UNIQUE_NOT;
	return !u->want_order || make_order(u) ? LIN_UNIQUE_YES : LIN_UNIQUE_NO_MEMORY;
}
