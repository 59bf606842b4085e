/*
 * search: just-in-time linearization (Lowe 2017).
 *
 * Configurations exist between two events.  When an operation returns it must have happened: in those in which it has not yet,
 * what is under way happens, in all orders that end with it.  Nothing happens sooner than some return needs it; but what
 * only sees the state is settled at once wherever it fits, as that takes nothing away.
 *
 * A write that another hides at once, or of what is there already, has no trace, so which of them happened so is left open
 * (expand.c).
 */
#include "lib/lin/inside.h"

#include <assert.h>
#include <string.h>

/* --- To begin with --- */

static uint32_t most_under_way(const struct lin_plan *p)
{
	uint32_t ret = 0, under_way = 0, most = 0;

	for (uint32_t i = 0; i < p->calls_count; i++) {
		uint32_t op = p->calls[i];

		if (p->deeds[op].maybe || p->deeds[op].role == LIN_OFFERS)
			continue;
		for (; ret < p->returns_count && p->deeds[p->returns[ret]].returned < p->ops[op].called; ret++)
			under_way -= p->deeds[p->returns[ret]].role != LIN_OFFERS;
		under_way++;
		most = under_way > most ? under_way : most;
	}
	return most;
}

static uint64_t *no_slots(struct lin_search *s, size_t sets)
{
	uint64_t *slots = lin_memory_array(s->memory, NULL, 0, sets * s->shape.words, sizeof(*slots));

	if (slots)
		memset(slots, 0, sets * s->shape.words * sizeof(*slots));
	return slots;
}

static bool lay_out_slots(struct lin_search *s)
{
	uint64_t **sets[] = { &s->busy, &s->writes, &s->deletes, &s->creates, &s->others, &s->clears, &s->lone, &s->at_hand,
			      &s->shape.hard };

	for (size_t i = 0; i < sizeof(sets) / sizeof(*sets); i++)
		if (!(*sets[i] = no_slots(s, 1)))
			return false;
	s->op_in = lin_memory_array(s->memory, NULL, 0, (size_t)s->shape.words * 64, sizeof(*s->op_in));
	s->shape.pool_of = lin_memory_array(s->memory, NULL, 0, (size_t)s->shape.words * 64, sizeof(*s->shape.pool_of));
	s->scratch = lin_memory_array(s->memory, NULL, 0, 2 * (size_t)s->shape.stride, sizeof(*s->scratch));
	s->of_value = no_slots(s, (size_t)s->plan->values * LIN_OFS);
	s->twins = no_slots(s, (size_t)s->shape.words * 64);
	return s->op_in && s->shape.pool_of && s->scratch && s->of_value && s->twins;
}

static bool lay_out_values(struct lin_search *s)
{
	s->prospects = lin_memory_array(s->memory, NULL, 0, s->plan->values, sizeof(*s->prospects));
	s->called = lin_memory_array(s->memory, NULL, 0, s->plan->pools_count + (size_t)1, sizeof(*s->called));
	s->offers = lin_memory_array(s->memory, NULL, 0, s->plan->values, sizeof(*s->offers));
	s->offered = lin_memory_array(s->memory, NULL, 0, s->plan->values, sizeof(*s->offered));
	if (!s->prospects || !s->called || !s->offers || !s->offered)
		return false;
	memset(s->called, 0, s->plan->pools_count * sizeof(*s->called));
	memset(s->offers, 0, s->plan->values * sizeof(*s->offers));
	for (uint32_t v = 0; v < s->plan->values; v++) {
		const struct lin_value *value = &s->plan->value[v];

		s->prospects[v] = (struct lin_prospect){ value->writers, value->demands, value->shunners };
	}
	return true;
}

bool lin_search_init(struct lin_search *s, const struct lin_plan *p, const struct lin_aim *aim)
{
	uint64_t steps = 1;

	*s = (struct lin_search){ .plan = p, .memory = p->memory, .aim = *aim };
	lin_trail_init(&s->trail, s->memory);
	lin_configs_init(&s->now, &s->shape, s->memory);
	lin_configs_init(&s->mid, &s->shape, s->memory);
	lin_configs_init(&s->then, &s->shape, s->memory);
	s->shape.words = most_under_way(p) / 64 + 1;
	if (!aim->lavish && !lin_pools_lay_out(&s->shape, p, s->memory))
		return false;
	s->shape.stride = 2 + 2 * s->shape.words + s->shape.pool_words;
	if (!lay_out_slots(s) || !lay_out_values(s))
		return false;
	memset(s->scratch, 0, s->shape.stride * sizeof(*s->scratch));
	s->scratch[0] = UINT64_C(1) << 32;
	return lin_configs_add(&s->now, s->scratch, &steps) == LIN_ADDED;
}

void lin_search_release(struct lin_search *s)
{
	size_t words = s->shape.words, each = sizeof(uint64_t);

	if (!s->plan)
		return;
	lin_configs_release(&s->now);
	lin_configs_release(&s->mid);
	lin_configs_release(&s->then);
	lin_trail_release(&s->trail);
	lin_order_release(&s->order, s->memory);
	lin_memory_free(s->memory, s->op_in, words * 64, sizeof(*s->op_in));
	lin_memory_free(s->memory, s->scratch, 2 * (size_t)s->shape.stride, each);
	lin_memory_free(s->memory, s->of_value, (size_t)s->plan->values * LIN_OFS * words, each);
	lin_memory_free(s->memory, s->twins, words * 64 * words, each);
	lin_memory_free(s->memory, s->busy, words, each);
	lin_memory_free(s->memory, s->writes, words, each);
	lin_memory_free(s->memory, s->deletes, words, each);
	lin_memory_free(s->memory, s->creates, words, each);
	lin_memory_free(s->memory, s->others, words, each);
	lin_memory_free(s->memory, s->clears, words, each);
	lin_memory_free(s->memory, s->lone, words, each);
	lin_memory_free(s->memory, s->at_hand, words, each);
	lin_memory_free(s->memory, s->shape.hard, words, each);
	lin_memory_free(s->memory, s->prospects, s->plan->values, sizeof(*s->prospects));
	lin_memory_free(s->memory, s->offers, s->plan->values, sizeof(*s->offers));
	lin_memory_free(s->memory, s->offered, s->plan->values, sizeof(*s->offered));
	lin_memory_free(s->memory, s->shape.pool_of, words * 64, sizeof(*s->shape.pool_of));
	lin_memory_free(s->memory, s->called, s->plan->pools_count + (size_t)1, sizeof(*s->called));
	lin_pools_release(&s->shape, s->plan, s->memory);
	*s = (struct lin_search){ 0 };
}

/* --- Calls --- */

static uint32_t free_slot(const struct lin_search *s)
{
	for (uint32_t w = 0; w < s->shape.words; w++)
		if (~s->busy[w])
			return w * 64 + (uint32_t)__builtin_ctzll(~s->busy[w]);
	assert(!"a free slot");
	return 0;
}

/* Of those that are alike the one that returns first happens first. */
static void find_twins(struct lin_search *s, uint32_t op, uint32_t slot)
{
	const struct lin_deed *d = &s->plan->deeds[op];
	uint32_t words = s->shape.words;
	uint64_t *mine = s->twins + (size_t)slot * words;

	for (uint32_t w = 0; w < words; w++) {
		mine[w] = 0;
		for (uint64_t left = s->busy[w]; left; left &= left - 1) {
			uint32_t other = w * 64 + (uint32_t)__builtin_ctzll(left);
			uint64_t *its = s->twins + (size_t)other * words;
			const struct lin_deed *o = &s->plan->deeds[s->op_in[other]];

			lin_slot_drop(its, slot);
			if (o->role != d->role || o->value != d->value || o->from != d->from || o->create != d->create)
				continue;
			lin_slot_add(o->returned < d->returned ? mine : its, o->returned < d->returned ? other : slot);
		}
	}
}

/* It is not to come any more. */
static void foresee(struct lin_search *s, const struct lin_deed *d)
{
	if (d->role == LIN_SEES_OTHER)
		s->prospects[d->from].shun--;
	else if (d->role != LIN_SEES)
		s->prospects[d->role == LIN_DELETES ? 0 : d->value].supply--;
	if (!d->maybe && d->role == LIN_SEES)
		s->prospects[d->value].demand++;
	if (!d->maybe && d->role == LIN_SWAPS && !d->create)
		s->prospects[d->from].demand++;
}

static void enter_sets(struct lin_search *s, const struct lin_deed *d, uint32_t slot)
{
	lin_slot_add(s->busy, slot);
	if (d->role == LIN_SEES || (d->role == LIN_WRITES && d->value))
		lin_slot_add(lin_slots_of(s, d->value, LIN_SEEN_BY), slot);
	if (d->role == LIN_SEES_OTHER) {
		lin_slot_add(s->others, slot);
		lin_slot_add(lin_slots_of(s, d->from, LIN_SHUNNED_BY), slot);
	}
	if (d->role == LIN_WRITES)
		lin_slot_add(d->value ? s->writes : s->clears, slot);
	if (lin_plan_lone(s->plan, d))
		lin_slot_add(s->lone, slot);
	if (d->role == LIN_SWAPS)
		lin_slot_add(lin_slots_of(s, d->from, LIN_SWAPPED_BY), slot);
	if (d->role == LIN_SWAPS && d->create)
		lin_slot_add(s->creates, slot);
	if (d->role == LIN_DELETES)
		lin_slot_add(s->deletes, slot);
	if (d->role == LIN_SWAPS || d->role == LIN_DELETES || (d->role == LIN_WRITES && !d->value))
		lin_slot_add(s->shape.hard, slot);
	if (d->role == LIN_WRITES || d->role == LIN_SWAPS)
		lin_slot_add(lin_slots_of(s, d->value, LIN_LEFT_BY), slot);
}

static void enter(struct lin_search *s, uint32_t op)
{
	struct lin_deed *d = &s->plan->deeds[op];
	uint32_t slot;

	if (d->role == LIN_OFFERS) {
		if (!s->offers[d->value]++)
			s->offered[s->offered_count++] = d->value;
		return;
	}
	foresee(s, d);
	if (d->maybe) {
		s->called[d->place]++;
		return;
	}
	slot = free_slot(s);
	d->place = slot;
	s->op_in[slot] = op;
	s->shape.pool_of[slot] = lin_plan_pool(s->plan, d);
	find_twins(s, op, slot);
	enter_sets(s, d, slot);
}

static void withdraw(struct lin_search *s, uint32_t value)
{
	uint32_t i = 0;

	if (--s->offers[value])
		return;
	while (s->offered[i] != value)
		i++;
	s->offered[i] = s->offered[--s->offered_count];
}

static void leave(struct lin_search *s)
{
	const struct lin_deed *d = &s->plan->deeds[s->op];
	uint64_t *sets[] = { s->busy, s->others, s->writes, s->clears, s->lone, s->creates, s->deletes, s->shape.hard };

	if (d->role == LIN_OFFERS) {
		withdraw(s, d->value);
		return;
	}
	for (size_t i = 0; i < sizeof(sets) / sizeof(*sets); i++)
		lin_slot_drop(sets[i], s->slot);
	for (int of = 0; of < LIN_OFS; of++) {
		lin_slot_drop(lin_slots_of(s, d->value, (enum lin_of)of), s->slot);
		lin_slot_drop(lin_slots_of(s, d->from, (enum lin_of)of), s->slot);
	}
}

/* --- Returns --- */

static bool next_event(struct lin_search *s)
{
	const struct lin_plan *p = s->plan;

	if (s->ret == p->returns_count)
		return false;
	s->op = p->returns[s->ret];
	if (s->call < p->calls_count && p->ops[p->calls[s->call]].called < p->deeds[s->op].returned) {
		enter(s, p->calls[s->call++]);
		return true;
	}
	s->ret++;
	if (p->deeds[s->op].role == LIN_OFFERS && s->offers[p->deeds[s->op].value] > 1) {
		withdraw(s, p->deeds[s->op].value);
		return true;
	}
	s->slot = p->deeds[s->op].role == LIN_OFFERS ? LIN_NO_SLOT : p->deeds[s->op].place;
	s->sees = p->deeds[s->op].role == LIN_SEES || p->deeds[s->op].role == LIN_SEES_OTHER;
	for (uint32_t w = 0; w < s->shape.words; w++) {
		s->at_hand[w] = 0;
		for (uint32_t i = 0; i < s->offered_count; i++)
			s->at_hand[w] |= lin_content(s, s->offered[i], w);
	}
	s->cursor = 0;
	s->stage = LIN_CARRY;
	return true;
}

/* A read that was settled with a write that left no trace: that has happened, or happens now.  The write, or LIN_NO_SLOT. */
static uint32_t settled_with(const struct lin_search *s, const uint64_t *config)
{
	const struct lin_deed *d = &s->plan->deeds[s->op];

	if (d->role != LIN_SEES || lin_state_of(config) == d->value)
		return LIN_NO_SLOT;
	for (uint32_t w = 0; w < s->shape.words; w++) {
		uint64_t write = lin_slots_of(s, d->value, LIN_LEFT_BY)[w] & s->lone[w] & ~config[1 + s->shape.words + w];

		if (write)
			return w * 64 + (uint32_t)__builtin_ctzll(write);
	}
	return LIN_NO_SLOT;
}

/* Those in which it is settled pass on; the others, and those in which it may yet happen, are worked on. */
static bool carry(struct lin_search *s, uint64_t *steps)
{
	uint64_t *config = s->scratch, *settled = config + 1, *used = settled + s->shape.words;
	bool is_settled, may_yet;
	uint32_t with;

	if (lin_state_of(lin_config(&s->now, s->cursor)) == LIN_GONE)
		return true;
	memcpy(config, lin_config(&s->now, s->cursor), s->shape.stride * sizeof(*config));
	lin_settle(s, config);
	lin_forget_state(s, config);
	if (s->slot == LIN_NO_SLOT)
		return lin_configs_add(&s->mid, config, steps) != LIN_ADD_FAILED && lin_pass_on(s, config, steps);
	is_settled = lin_slot_in(settled, s->slot);
	may_yet = lin_slot_in(s->writes, s->slot) && !lin_slot_in(used, s->slot);
	with = is_settled ? settled_with(s, config) : LIN_NO_SLOT;
	if (with != LIN_NO_SLOT)
		lin_slot_drop(settled, s->slot);
	if ((!is_settled || may_yet || with != LIN_NO_SLOT) && lin_configs_add(&s->mid, config, steps) == LIN_ADD_FAILED)
		return false;
	if (with != LIN_NO_SLOT)
		lin_slot_add(used, with);
	return !is_settled || lin_pass_on(s, config, steps);
}

static bool switch_sets(struct lin_search *s, uint64_t *steps)
{
	struct lin_configs before = s->now;
	uint64_t kept = (uint64_t)s->now.live + s->mid.live + s->then.live;

	s->configurations_max = kept > s->configurations_max ? kept : s->configurations_max;
	lin_narrow(s);
	s->now = s->then;
	s->then = before;
	lin_configs_clear(&s->then);
	lin_configs_clear(&s->mid);
	leave(s);
	s->stage = LIN_NEXT_EVENT;
	return !s->aim.want_order || lin_trail_sweep(&s->trail, &s->now, steps);
}

static enum lin_state step(struct lin_search *s, uint64_t *steps)
{
	switch (s->stage) {
	case LIN_NEXT_EVENT:
		return next_event(s) ? LIN_AGAIN : LIN_YES;
	case LIN_CARRY:
		if (s->cursor < s->now.count)
			return carry(s, steps) && ++s->cursor ? LIN_AGAIN : LIN_NO_MEMORY;
		s->cursor = 0;
		s->stage = LIN_EXPAND;
		return LIN_AGAIN;
	case LIN_EXPAND:
		if (s->cursor < s->mid.count && !lin_narrow_is_full(s))
			return lin_expand(s, s->cursor++, steps) ? LIN_AGAIN : LIN_NO_MEMORY;
		s->cut |= s->cursor < s->mid.count;
		s->stage = LIN_SWITCH;
		return LIN_AGAIN;
	default:
		if (!s->then.live)
			return LIN_NO;
		return switch_sets(s, steps) ? LIN_AGAIN : LIN_NO_MEMORY;
	}
}

enum lin_state lin_search_run(struct lin_search *s, uint64_t *steps)
{
	enum lin_state state = LIN_AGAIN;

	while (*steps && state == LIN_AGAIN) {
		--*steps;
		state = step(s, steps);
	}
	if (state == LIN_YES && s->aim.want_order) {
		uint32_t i = 0;

		while (lin_state_of(lin_config(&s->now, i)) == LIN_GONE)
			i++;
		if (!lin_trail_order(&s->trail, s->plan, lin_trail_of(lin_config(&s->now, i)), &s->order))
			state = LIN_NO_MEMORY;
	}
	return state;
}
