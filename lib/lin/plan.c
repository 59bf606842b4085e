/*
 * plan: what the operations are to the ways to decide, sorted.
 *
 * One of unknown outcome whose value was seen, and was written by no other, must have happened, before it was seen.
 */
#include "lib/lin/inside.h"

#include <assert.h>
#include <string.h>

enum { NAME, JUDGE, CALLS, VALUES, RETURNS, DEMANDS, POOLS, MEMBERS, MADE };

/* --- What each is --- */

static bool sees(const struct lin_op *op)
{
	return op->outcome == LIN_OK && (op->kind == LIN_READ || (op->kind == LIN_CAS && op->from == op->value &&
								  (!op->create || op->from == LIN_MISSING)));
}

static enum lin_role role_of(const struct lin_op *op)
{
	if (op->outcome == LIN_UNKNOWN && op->kind == LIN_READ)
		return LIN_IDLE;
	if (sees(op) || op->outcome == LIN_NO_KEY)
		return LIN_SEES;
	if (op->outcome == LIN_OTHER_VALUE)
		return LIN_SEES_OTHER;
	switch (op->kind) {
	case LIN_WRITE:
		return LIN_WRITES;
	case LIN_CAS:
		return LIN_SWAPS;
	case LIN_DELETE:
		return LIN_DELETES;
	default:
		assert(!"a kind of operation");
		return LIN_IDLE;
	}
}

bool lin_offers(const struct lin_op *op, uint32_t *value)
{
	*value = op->kind == LIN_DELETE ? (uint32_t)LIN_MISSING : op->value;
	return op->kind != LIN_READ && (op->outcome == LIN_OK || op->outcome == LIN_UNKNOWN);
}

/* The values that something sees have names. */
static bool name_seen(struct lin_plan *p)
{
	for (uint32_t i = 0; i < p->count; i++) {
		const struct lin_op *op = &p->ops[i];
		bool named = true;

		assert(op->called < op->returned);
		assert(op->returned != LIN_NEVER || op->outcome == LIN_UNKNOWN || p->outside);
		assert(op->kind == LIN_CAS || op->outcome != LIN_OTHER_VALUE);
		assert(op->kind != LIN_WRITE || op->outcome != LIN_NO_KEY);
		if (p->outside && p->outside[i])
			continue;
		if (op->kind == LIN_CAS)
			named = lin_values_add(&p->names, p->memory, op->from);
		else if (op->kind == LIN_READ && op->outcome == LIN_OK)
			named = lin_values_add(&p->names, p->memory, op->value);
		if (!named)
			return false;
	}
	p->values = LIN_VALUES_OWN + p->names.count;
	return true;
}

static void judge(struct lin_plan *p, uint32_t i)
{
	const struct lin_op *op = &p->ops[i];
	struct lin_deed *d = &p->deeds[i];

	if (p->outside && p->outside[i]) {
		*d = (struct lin_deed){ .role = LIN_OFFERS, .returned = op->returned };
		lin_offers(op, &d->value);
		d->value = lin_values_number(&p->names, d->value);
		return;
	}
	*d = (struct lin_deed){ .role = (uint8_t)role_of(op), .maybe = op->outcome == LIN_UNKNOWN };
	d->returned = d->maybe ? LIN_NEVER : op->returned;
	/* A cas that creates cannot have found that there was nothing. */
	if (op->outcome == LIN_NO_KEY)
		d->value = op->kind == LIN_CAS && op->create ? LIN_NOWHERE : 0;
	else if (d->role != LIN_DELETES)
		d->value = lin_values_number(&p->names, op->value);
	if (op->kind == LIN_CAS)
		d->from = lin_values_number(&p->names, op->from);
	d->create = d->role == LIN_SWAPS && op->create && d->from != 0;
}

static bool judge_all(struct lin_plan *p)
{
	uint32_t room = p->count ? p->count : 1;

	p->deeds = lin_memory_array(p->memory, NULL, 0, room, sizeof(*p->deeds));
	p->calls = lin_memory_array(p->memory, NULL, 0, room, sizeof(*p->calls));
	p->returns = lin_memory_array(p->memory, NULL, 0, room, sizeof(*p->returns));
	p->spare = lin_memory_array(p->memory, NULL, 0, room + 1, sizeof(*p->spare));
	if (!p->deeds || !p->calls || !p->returns || !p->spare)
		return false;
	for (uint32_t i = 0; i < p->count; i++)
		judge(p, i);
	return true;
}

/* --- In their orders --- */

static void sort_calls(struct lin_plan *p)
{
	for (uint32_t i = 0; i < p->count; i++)
		if (p->deeds[i].role != LIN_IDLE)
			p->calls[p->calls_count++] = i;
	lin_sort(&(struct lin_by){ &p->ops->called, sizeof(*p->ops) }, p->calls, p->spare, p->calls_count);
}

/* --- Who writes and sees what --- */

static bool demands(const struct lin_deed *d, uint32_t *value)
{
	*value = d->role == LIN_SEES ? d->value : d->from;
	return !d->maybe && (d->role == LIN_SEES || (d->role == LIN_SWAPS && !d->create));
}

static bool supplies(const struct lin_deed *d, uint32_t *value)
{
	*value = d->role == LIN_DELETES ? 0 : d->value;
	return d->role == LIN_WRITES || d->role == LIN_SWAPS || d->role == LIN_DELETES;
}

static void note_offer(struct lin_plan *p, uint32_t op)
{
	const struct lin_deed *d = &p->deeds[op];
	struct lin_value *value = &p->value[d->role == LIN_DELETES ? 0 : d->value];
	uint64_t called = p->ops[op].called;
	uint32_t name;

	if (!lin_offers(&p->ops[op], &name))
		return;
	value->offerer = op;
	if (called < value->offered)
		value->offered = called;
	if (d->returned == LIN_NEVER && called < value->lasting)
		value->lasting = called;
}

static void note(struct lin_plan *p, uint32_t op)
{
	const struct lin_deed *d = &p->deeds[op];
	uint32_t value;

	note_offer(p, op);
	if (demands(d, &value) && d->returned < p->value[value].seen)
		p->value[value].seen = d->returned;
	if (d->role == LIN_SEES_OTHER)
		p->value[d->from].shunners++;
	if (d->role == LIN_SWAPS) {
		p->value[d->from].swapped = true;
		p->value[d->from].perhaps_swapped |= d->maybe || d->create;
	}
	if (!supplies(d, &value))
		return;
	p->value[value].writer = op;
	p->value[value].writers++;
	if (p->ops[op].called < p->value[value].written)
		p->value[value].written = p->ops[op].called;
}

/*
 * The only writer of what was seen must have happened before it was seen; and if it swaps, what it swaps was there before that:
 * then the next to look at is that.
 */
static bool draw_conclusion(struct lin_plan *p, uint32_t *v)
{
	struct lin_value *value = &p->value[*v];
	struct lin_deed *d = &p->deeds[value->writer];

	if (*v < LIN_VALUES_OWN || value->writers != 1 || value->seen >= d->returned || value->seen < value->written)
		return false;
	d->returned = value->seen;
	d->maybe = false;
	*v = d->from;
	if (d->role != LIN_SWAPS || d->create || p->value[*v].seen <= d->returned)
		return false;
	p->value[*v].seen = d->returned;
	return true;
}

static void draw_conclusions(struct lin_plan *p)
{
	for (uint32_t from = LIN_VALUES_OWN; from < p->values; from++) {
		uint32_t v = from;

		while (draw_conclusion(p, &v))
			;
	}
	for (uint32_t v = 0; v < p->values; v++)
		if (p->value[v].seen < p->value[v].written && p->value[v].seen < p->impossible)
			p->impossible = p->value[v].seen;
}

static bool note_values(struct lin_plan *p)
{
	p->value = lin_memory_array(p->memory, NULL, 0, (size_t)p->values + 1, sizeof(*p->value));
	if (!p->value)
		return false;
	for (uint32_t v = 0; v <= p->values; v++)
		p->value[v] = (struct lin_value){ .seen = LIN_NEVER, .written = LIN_NEVER, .offered = LIN_NEVER,
						    .lasting = LIN_NEVER, .swapping = LIN_NO_POOL, .leaving = LIN_NO_POOL };
	/* As if it had been deleted in the beginning. */
	p->value[0].written = p->value[0].offered = 0;
	for (uint32_t i = 0; i < p->calls_count; i++)
		note(p, p->calls[i]);
	p->impossible = LIN_NEVER;
	p->plain = p->creating = LIN_NO_POOL;
	if (!p->outside)
		draw_conclusions(p);
	return true;
}

static bool list_demands(struct lin_plan *p)
{
	uint32_t value, first = 0;

	p->demands = lin_memory_array(p->memory, NULL, 0, p->count ? p->count : 1, sizeof(*p->demands));
	if (!p->demands)
		return false;
	for (uint32_t i = 0; i < p->calls_count; i++)
		if (demands(&p->deeds[p->calls[i]], &value))
			p->value[value].demands++;
	for (uint32_t v = 0; v <= p->values; v++) {
		uint32_t here = p->value[v].demands;

		p->value[v].demands = first;
		first += here;
	}
	for (uint32_t i = 0; i < p->calls_count; i++)
		if (demands(&p->deeds[p->calls[i]], &value))
			p->demands[p->value[value].demands++] = p->calls[i];
	for (uint32_t v = p->values; v > 0; v--)
		p->value[v].demands = p->value[v - 1].demands;
	p->value[0].demands = 0;
	return true;
}

/* --- By their returns --- */

static void sort_returns(struct lin_plan *p)
{
	for (uint32_t i = 0; i < p->calls_count; i++)
		if (p->deeds[p->calls[i]].returned != LIN_NEVER)
			p->returns[p->returns_count++] = p->calls[i];
		else if (p->deeds[p->calls[i]].maybe)
			p->pool_ops_count++;
	lin_sort(&(struct lin_by){ &p->deeds->returned, sizeof(*p->deeds) }, p->returns, p->spare, p->returns_count);
}

/* --- Pools --- */

static bool alike(const struct lin_pool *pool, const struct lin_deed *d)
{
	return pool->role == d->role && pool->value == d->value && pool->from == d->from && pool->create == d->create;
}

static uint32_t *pool_slot(const struct lin_plan *p, const struct lin_deed *d)
{
	uint64_t hash = ((uint64_t)d->from << 32 | d->value) * UINT64_C(0x9e3779b97f4a7c15);
	uint32_t at = (uint32_t)((hash ^ hash >> 29) * 0x85ebca6bu + 2u * d->role + d->create) & (p->pool_slots - 1);

	while (p->pool_slot[at] && !alike(&p->pools[p->pool_slot[at] - 1], d))
		at = (at + 1) & (p->pool_slots - 1);
	return &p->pool_slot[at];
}

uint32_t lin_plan_pool(const struct lin_plan *p, const struct lin_deed *d)
{
	uint32_t slot = p->pools_count ? *pool_slot(p, d) : 0;

	return slot ? slot - 1 : LIN_NO_POOL;
}

static void link_pool(struct lin_plan *p, uint32_t k)
{
	struct lin_pool *pool = &p->pools[k];
	uint32_t *first = pool->role == LIN_SWAPS ? &p->value[pool->from].swapping : &p->plain;
	uint32_t *leaving = &p->value[pool->role == LIN_DELETES ? 0 : pool->value].leaving;

	pool->next = *first;
	*first = k;
	pool->next_leaving = *leaving;
	*leaving = k;
	pool->next_creating = LIN_NO_POOL;
	if (!pool->create)
		return;
	pool->next_creating = p->creating;
	p->creating = k;
}

static bool pool_all(struct lin_plan *p)
{
	for (p->pool_slots = 16; p->pool_slots < 2 * (uint64_t)p->pool_ops_count; p->pool_slots *= 2)
		;
	p->pool_slot = lin_memory_array(p->memory, NULL, 0, p->pool_slots, sizeof(*p->pool_slot));
	if (!p->pool_slot)
		return false;
	memset(p->pool_slot, 0, p->pool_slots * sizeof(*p->pool_slot));
	for (uint32_t i = 0; i < p->calls_count; i++) {
		struct lin_deed *d = &p->deeds[p->calls[i]];
		uint32_t *slot;

		if (!d->maybe)
			continue;
		slot = pool_slot(p, d);
		if (!*slot) {
			if (!LIN_ROOM(p->memory, p->pools, p->pools_count, p->pools_room))
				return false;
			p->pools[p->pools_count] = (struct lin_pool){ .value = d->value, .from = d->from, .role = d->role,
								      .create = d->create };
			link_pool(p, p->pools_count++);
			*slot = p->pools_count;
		}
		d->place = *slot - 1;
		p->pools[d->place].count++;
	}
	return true;
}

static bool fill_pools(struct lin_plan *p)
{
	uint32_t first = 0;

	p->pool_ops = lin_memory_array(p->memory, NULL, 0, p->pool_ops_count, sizeof(*p->pool_ops));
	if (!p->pool_ops)
		return false;
	for (uint32_t k = 0; k < p->pools_count; k++) {
		p->pools[k].first = first;
		first += p->pools[k].count;
		p->pools[k].count = 0;
	}
	for (uint32_t i = 0; i < p->calls_count; i++) {
		struct lin_pool *pool = &p->pools[p->deeds[p->calls[i]].place];

		if (p->deeds[p->calls[i]].maybe)
			p->pool_ops[pool->first + pool->count++] = p->calls[i];
	}
	return true;
}

/* --- */

static void release_spares(struct lin_plan *p)
{
	uint32_t room = p->count ? p->count : 1;

	lin_values_release(&p->names, p->memory);
	lin_memory_free(p->memory, p->spare, room + 1, sizeof(*p->spare));
	p->spare = NULL;
}

static bool pass(struct lin_plan *p)
{
	switch (p->stage) {
	case NAME:
		return name_seen(p);
	case JUDGE:
		return judge_all(p);
	case CALLS:
		sort_calls(p);
		return true;
	case VALUES:
		return note_values(p);
	case RETURNS:
		sort_returns(p);
		return true;
	case DEMANDS:
		return list_demands(p);
	case POOLS:
		return !p->pool_ops_count || pool_all(p);
	case MEMBERS:
		return !p->pool_ops_count || fill_pools(p);
	default:
		return true;
	}
}

enum lin_state lin_plan_go(struct lin_plan *p, uint64_t *steps)
{
	uint64_t cost = p->count / 8 + 1;

	if (!pass(p))
		return LIN_NO_MEMORY;
	lin_spend(steps, cost);
	if (++p->stage < MADE)
		return LIN_AGAIN;
	release_spares(p);
	return LIN_YES;
}

void lin_plan_release(struct lin_plan *p)
{
	uint32_t room = p->count ? p->count : 1;

	release_spares(p);
	lin_memory_free(p->memory, p->deeds, room, sizeof(*p->deeds));
	lin_memory_free(p->memory, p->calls, room, sizeof(*p->calls));
	lin_memory_free(p->memory, p->returns, room, sizeof(*p->returns));
	lin_memory_free(p->memory, p->value, (size_t)p->values + 1, sizeof(*p->value));
	lin_memory_free(p->memory, p->demands, room, sizeof(*p->demands));
	lin_memory_free(p->memory, p->pools, p->pools_room, sizeof(*p->pools));
	lin_memory_free(p->memory, p->pool_slot, p->pool_slots, sizeof(*p->pool_slot));
	lin_memory_free(p->memory, p->pool_ops, p->pool_ops_count, sizeof(*p->pool_ops));
	*p = (struct lin_plan){ 0 };
}
