/*
 * expand: what can happen to a configuration before an operation returns.
 *
 * A write, or a delete, leaves nothing of the state before it.  So any other write under way can have happened just before it,
 * with no trace: from then on it is free, settled and yet not used.  So is one whose value is there already.  Hence no write
 * needs to be tried whose value nothing sees before the next write.
 */
#include "lib/lin/inside.h"

#include <string.h>

static uint64_t *settled_of(uint64_t *config)
{
	return config + 1;
}

static uint64_t *used_of(const struct lin_search *s, uint64_t *config)
{
	return config + 1 + s->shape.words;
}

static uint64_t spent_of_pool(const struct lin_search *s, const uint64_t *config, uint32_t k)
{
	const struct lin_field *f = &s->shape.fields[k];

	return s->aim.lavish ? 0 : config[1 + 2 * s->shape.words + f->word] >> f->shift & f->mask;
}

static void spend_of_pool(const struct lin_search *s, uint64_t *config, uint32_t k)
{
	const struct lin_field *f = &s->shape.fields[k];

	if (s->aim.lavish)
		return;
	config[1 + 2 * s->shape.words + f->word] += UINT64_C(1) << f->shift;
	++*lin_spent(&s->shape, config);
}

static bool left_in_pool(const struct lin_search *s, const uint64_t *config, uint32_t k)
{
	return spent_of_pool(s, config, k) < s->called[k];
}

/* Adds to a set, with what led to it. */
static bool add(struct lin_search *s, struct lin_configs *set, uint64_t *config, uint32_t op, uint64_t *steps)
{
	enum lin_added added;

	if (s->aim.want_order) {
		uint32_t end = lin_trail_add(&s->trail, lin_trail_of(config), op, s->op);

		if (!end)
			return false;
		config[0] = (config[0] & UINT32_MAX) | (uint64_t)end << 32;
	}
	added = lin_configs_add(set, config, steps);
	if (s->aim.want_order && added == LIN_COVERED)
		lin_trail_drop(&s->trail);
	return added != LIN_ADD_FAILED;
}

static void forget_slot(const struct lin_search *s, uint64_t *config)
{
	if (s->slot == LIN_NO_SLOT)
		return;
	lin_slot_drop(settled_of(config), s->slot);
	lin_slot_drop(used_of(s, config), s->slot);
}

/* --- What is to come --- */

/*
 * Until when, at the latest, a configuration dies for want of a value: something is yet to see it, and nothing to write it.
 * LIN_NEVER: it need not.
 */
static uint64_t wants(const struct lin_search *s, const uint64_t *config, uint32_t value)
{
	const struct lin_prospect *to_come = &s->prospects[value];
	const uint64_t *settled = config + 1, *used = settled + s->shape.words;
	uint32_t open = LIN_NO_SLOT;

	if (to_come->supply || s->plan->outside)
		return LIN_NEVER;
	for (uint32_t w = 0; w < s->shape.words; w++) {
		uint64_t reads = lin_slots_of(s, value, LIN_SEEN_BY)[w] & ~settled[w] & ~s->writes[w];
		uint64_t swaps = lin_slots_of(s, value, LIN_SWAPPED_BY)[w] & ~used[w] & ~s->creates[w];
		uint64_t writers = lin_slots_of(s, value, LIN_LEFT_BY)[w];

		if (value == 0)
			writers |= s->deletes[w];
		if (writers & ~used[w])
			return LIN_NEVER;
		if (reads | swaps)
			open = w * 64 + (uint32_t)__builtin_ctzll(reads | swaps);
	}
	if (open == LIN_NO_SLOT && to_come->demand == s->plan->value[value + 1].demands)
		return LIN_NEVER;
	for (uint32_t k = s->plan->value[value].leaving; k != LIN_NO_POOL; k = s->plan->pools[k].next_leaving)
		if (left_in_pool(s, config, k))
			return LIN_NEVER;
	return s->plan->deeds[open == LIN_NO_SLOT ? s->plan->demands[to_come->demand] : s->op_in[open]].returned;
}

static bool is_doomed(struct lin_search *s, const uint64_t *config, uint32_t value)
{
	uint64_t by = wants(s, config, value);

	if (by == LIN_NEVER)
		return false;
	if (by > s->doom)
		s->doom = by;
	return true;
}

void lin_forget_state(const struct lin_search *s, uint64_t *config)
{
	uint32_t state = lin_state_of(config);
	const uint64_t *settled = config + 1, *used = settled + s->shape.words;

	if (state < LIN_VALUES_OWN || s->prospects[state].demand < s->plan->value[state + 1].demands ||
	    s->prospects[state].shun || s->plan->value[state].perhaps_swapped)
		return;
	for (uint32_t w = 0; w < s->shape.words; w++) {
		uint64_t sees = lin_slots_of(s, state, LIN_SEEN_BY)[w] | lin_slots_of(s, state, LIN_SHUNNED_BY)[w];

		if ((sees & ~settled[w]) | (lin_slots_of(s, state, LIN_SWAPPED_BY)[w] & ~used[w]))
			return;
	}
	config[0] = (config[0] & ~(uint64_t)UINT32_MAX) | LIN_FORGOTTEN;
}

/* --- What happens --- */

bool lin_pass_on(struct lin_search *s, uint64_t *config, uint64_t *steps)
{
	if (s->slot != LIN_NO_SLOT && lin_slot_in(s->writes, s->slot) && !lin_slot_in(used_of(s, config), s->slot)) {
		uint32_t value = s->plan->deeds[s->op].value;

		/* It leaves no trace: will it be wanted? */
		lin_slot_add(used_of(s, config), s->slot);
		if (value != lin_state_of(config) && is_doomed(s, config, value))
			return true;
	}
	forget_slot(s, config);
	return lin_configs_add(&s->then, config, steps) != LIN_ADD_FAILED;
}

/*
 * The other writes under way are free.  If such a one is the only to write its value, all that ever see it are under way, and
 * none swaps it, then they can have happened with it: they are settled as long as it is free, and must be settled with it.
 */
static void set_free(const struct lin_search *s, uint64_t *config)
{
	uint64_t *settled = settled_of(config), *used = used_of(s, config);

	for (uint32_t w = 0; w < s->shape.words; w++) {
		settled[w] |= s->writes[w] & ~used[w];
		for (uint64_t lone = s->lone[w] & ~used[w]; lone; lone &= lone - 1) {
			uint32_t value = s->plan->deeds[s->op_in[w * 64 + (uint32_t)__builtin_ctzll(lone)]].value;

			if (s->prospects[value].demand == s->plan->value[value + 1].demands)
				for (uint32_t v = 0; v < s->shape.words; v++)
					settled[v] |= lin_slots_of(s, value, LIN_SEEN_BY)[v];
		}
	}
}

/* From a state that is offered, all that are offered can come, and it again. */
void lin_settle(const struct lin_search *s, uint64_t *config)
{
	uint32_t state = lin_state_of(config);

	if (s->offers[state])
		set_free(s, config);
	for (uint32_t w = 0; w < s->shape.words; w++)
		settled_of(config)[w] |= lin_content(s, state, w) | (s->offers[state] ? s->at_hand[w] : 0);
}

/* An operation, one of a pool, or what is offered: that spends nothing. */
struct happens { uint32_t op, value; uint8_t role; bool of_pool; };

static bool happen(struct lin_search *s, const struct happens *h, uint64_t *steps)
{
	uint64_t *config = s->scratch + s->shape.stride;
	uint64_t *settled = settled_of(config), *used = used_of(s, config);
	uint32_t place = s->plan->deeds[h->op].place;
	uint32_t before = lin_state_of(s->scratch);
	bool done = false;

	memcpy(config, s->scratch, s->shape.stride * sizeof(*config));
	if (h->of_pool) {
		spend_of_pool(s, config, place);
	} else if (h->role == LIN_OFFERS) {
		done = s->slot == LIN_NO_SLOT && h->value == s->plan->deeds[s->op].value;
	} else {
		lin_slot_add(settled, place);
		lin_slot_add(used, place);
		done = place == s->slot;
	}
	if (before != h->value && is_doomed(s, config, before))
		return true;
	if (h->role != LIN_SWAPS)
		set_free(s, config);
	/* That is not what is asked of a read that returns: settled_with has done it. */
	if (s->sees)
		lin_slot_drop(settled, s->slot);
	config[0] = (config[0] & ~(uint64_t)UINT32_MAX) | h->value;
	lin_settle(s, config);
	lin_forget_state(s, config);
	if (!done && !(s->sees && lin_slot_in(settled, s->slot)))
		return add(s, &s->mid, config, h->op, steps);
	/* What is offered can happen once more. */
	if (s->slot == LIN_NO_SLOT && !add(s, &s->mid, config, h->op, steps))
		return false;
	forget_slot(s, config);
	return add(s, &s->then, config, h->op, steps);
}

static bool pools_lead_on(const struct lin_search *s, const uint64_t *config, uint32_t state)
{
	for (uint32_t k = s->plan->value[state].swapping; k != LIN_NO_POOL; k = s->plan->pools[k].next)
		if (left_in_pool(s, config, k))
			return true;
	if (state != 0)
		return false;
	for (uint32_t k = s->plan->creating; k != LIN_NO_POOL; k = s->plan->pools[k].next_creating)
		if (left_in_pool(s, config, k))
			return true;
	return false;
}

/*
 * Is there anything to be had from a state that is to be left again?  That it is there already leaves what can be hidden on the
 * way to it.
 */
static bool leads_on(const struct lin_search *s, const uint64_t *config, uint32_t state)
{
	const uint64_t *settled = config + 1, *used = settled + s->shape.words;
	const uint64_t *swaps = lin_slots_of(s, state, LIN_SWAPPED_BY);
	uint32_t before = lin_state_of(config);
	uint64_t open = 0, sees = 0, hides = 0;

	for (uint32_t w = 0; w < s->shape.words; w++) {
		open |= (swaps[w] | (state == 0 ? s->creates[w] : before == 0 ? s->deletes[w] : 0)) & ~used[w];
		sees |= lin_content(s, state, w) & ~settled[w] & ~s->writes[w];
		hides |= s->writes[w] & ~settled[w];
	}
	if (state == before && !hides)
		return false;
	return open || sees || pools_lead_on(s, config, state);
}

static bool try_slot(struct lin_search *s, uint32_t slot, uint64_t *steps)
{
	const uint64_t *used = used_of(s, s->scratch), *twins = s->twins + (size_t)slot * s->shape.words;
	uint32_t op = s->op_in[slot];
	const struct lin_deed *d = &s->plan->deeds[op];
	struct happens h = { op, d->role == LIN_DELETES ? 0 : d->value, d->role, false };

	for (uint32_t w = 0; w < s->shape.words; w++)
		if (twins[w] & s->busy[w] & ~used[w])
			return true;
	if (slot != s->slot && lin_slot_in(s->writes, slot) && !leads_on(s, s->scratch, h.value))
		return true;
	lin_spend(steps, 1);
	return happen(s, &h, steps);
}

static bool try_slots(struct lin_search *s, uint64_t *steps)
{
	uint32_t state = lin_state_of(s->scratch);
	const uint64_t *swaps = lin_slots_of(s, state, LIN_SWAPPED_BY);

	for (uint32_t w = 0; w < s->shape.words; w++) {
		uint64_t open = s->writes[w] | s->clears[w] | swaps[w] | (state ? s->deletes[w] : s->creates[w]);

		open &= ~used_of(s, s->scratch)[w];
		for (; open; open &= open - 1)
			if (!try_slot(s, w * 64 + (uint32_t)__builtin_ctzll(open), steps))
				return false;
	}
	return true;
}

/* One that must happen anyway does as well, and spends nothing. */
static bool has_twin_open(struct lin_search *s, uint32_t k)
{
	const struct lin_pool *pool = &s->plan->pools[k];
	const uint64_t *used = used_of(s, s->scratch);

	for (uint32_t w = 0; w < s->shape.words; w++) {
		const uint64_t *alike = pool->role == LIN_DELETES ? s->deletes :
					lin_slots_of(s, pool->role == LIN_SWAPS ? pool->from : pool->value,
						     pool->role == LIN_SWAPS ? LIN_SWAPPED_BY : LIN_SEEN_BY);

		for (uint64_t open = alike[w] & (s->writes[w] | s->shape.hard[w]) & ~used[w]; open; open &= open - 1)
			if (s->shape.pool_of[w * 64 + (uint32_t)__builtin_ctzll(open)] == k)
				return true;
	}
	return false;
}

static bool try_pool(struct lin_search *s, uint32_t k, uint64_t *steps)
{
	const struct lin_pool *pool = &s->plan->pools[k];
	uint64_t spent = spent_of_pool(s, s->scratch, k);
	struct happens h = { 0, pool->role == LIN_DELETES ? 0 : pool->value, pool->role, true };

	if (spent == s->called[k] || !leads_on(s, s->scratch, h.value) || has_twin_open(s, k))
		return true;
	h.op = s->plan->pool_ops[pool->first + spent];
	return happen(s, &h, steps);
}

static bool try_pools(struct lin_search *s, uint64_t *steps)
{
	const struct lin_plan *p = s->plan;
	uint32_t state = lin_state_of(s->scratch);

	for (uint32_t k = p->plain; k != LIN_NO_POOL; k = p->pools[k].next)
		if (!try_pool(s, k, steps))
			return false;
	for (uint32_t k = p->value[state].swapping; k != LIN_NO_POOL; k = p->pools[k].next)
		if (!try_pool(s, k, steps))
			return false;
	for (uint32_t k = state ? LIN_NO_POOL : p->creating; k != LIN_NO_POOL; k = p->pools[k].next_creating)
		if (!try_pool(s, k, steps))
			return false;
	return true;
}

static bool try_offers(struct lin_search *s, uint64_t *steps)
{
	for (uint32_t i = 0; i < s->offered_count; i++) {
		struct happens h = { s->op, s->offered[i], LIN_OFFERS, false };
		bool asked = s->slot == LIN_NO_SLOT && h.value == s->plan->deeds[s->op].value;

		if ((asked || leads_on(s, s->scratch, h.value)) && !happen(s, &h, steps))
			return false;
	}
	return true;
}

bool lin_expand(struct lin_search *s, uint32_t mid, uint64_t *steps)
{
	const uint64_t *config = lin_config(&s->mid, mid);

	if (lin_state_of(config) == LIN_GONE)
		return true;
	memcpy(s->scratch, config, s->shape.stride * sizeof(*config));
	return try_slots(s, steps) && try_pools(s, steps) && try_offers(s, steps);
}
