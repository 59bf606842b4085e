/*
 * serial: see serial.h.  The stages one after the other, each of them a transaction, a key or a decision at a time.
 */
#include "lib/serial/inside.h"

#include <stdlib.h>
#include <string.h>

bool step_add(struct serial *s, uint32_t txn, enum serial_why why, uint32_t key, uint32_t value)
{
	if (s->step_count == s->step_room) {
		void *p = memory_grow(s->memory, s->steps, &s->step_room, sizeof(*s->steps));

		if (!p)
			return false;
		s->steps = p;
	}
	s->steps[s->step_count++] = (struct serial_step){
		.txn = txn_number(s, txn), .why = why, .key = key == NONE ? 0 : s->keys[key].number, .value = value,
	};
	return true;
}

/* --- To begin and to end --- */

static bool serial_init(struct serial *s)
{
	s->life = memory_get(s->memory, s->txns, sizeof(*s->life));
	s->first_read = memory_get(s->memory, s->txns, sizeof(*s->first_read));
	s->work = memory_get(s->memory, 2 * (size_t)s->txns + 1, sizeof(*s->work));
	s->graph.nodes = s->txns;
	return s->life && s->first_read && s->work;
}

static struct serial *serial_make(const struct serial_txn *all, const struct serial *whole, struct memory *memory, size_t memory_max)
{
	struct memory own = { .max = memory_max };
	struct serial *s = memory_get(memory ? memory : &own, 1, sizeof(*s));

	if (!s)
		return NULL;
	s->own = own;
	s->memory = memory ? memory : &s->own;
	s->all = all;
	s->whole = whole;
	return s;
}

struct serial *serial_new(const struct serial_txn *all, uint32_t count, const struct serial_options *options)
{
	struct serial *s = serial_make(all, NULL, NULL, options->memory_max);
	uint64_t micros = 0;

	if (!s)
		return NULL;
	s->txns = count;
	for (uint32_t i = 0; i < count; i++)
		micros += all[i].count + UINT64_C(1);
	if (micros > SERIAL_MICROS_MAX) {
		s->txns = 0;
		s->stage = STAGE_UNDECIDED;
	}
	if (serial_init(s))
		return s;
	serial_free(s);
	return NULL;
}

struct serial *serial_new_part(const struct serial *whole, struct memory *m, const uint32_t *member, uint32_t count)
{
	struct serial *s = serial_make(whole->all, whole, m, 0);

	if (!s)
		return NULL;
	s->member = member;
	s->txns = count;
	if (serial_init(s))
		return s;
	serial_free(s);
	return NULL;
}

void serial_clear(struct serial *s)
{
	struct memory *m = s->memory;

	solver_release(s);
	graph_release(s);
	memory_drop(m, s->edges.edge, s->edges.room, sizeof(*s->edges.edge));
	s->edges = (struct edges){ 0 };
	memory_drop(m, s->blocks, s->block_room, sizeof(*s->blocks));
	memory_drop(m, s->by_start, s->write_count, sizeof(*s->by_start));
	memory_drop(m, s->latest_end, s->write_count, sizeof(*s->latest_end));
	memory_drop(m, s->endless, s->write_count, sizeof(*s->endless));
	memory_drop(m, s->candidates, s->candidate_room, sizeof(*s->candidates));
	memory_drop(m, s->work, 2 * (size_t)s->txns + 1, sizeof(*s->work));
	s->blocks = NULL;
	s->latest_end = NULL;
	s->by_start = s->endless = s->candidates = s->work = NULL;
	s->block_room = s->candidate_room = 0;
}

void serial_free(struct serial *s)
{
	struct memory *m, own;

	if (!s)
		return;
	shrink_release(s);
	serial_clear(s);
	m = s->memory;
	lookup_release(&s->key_index, m);
	lookup_release(&s->value_index, m);
	memory_drop(m, s->keys, s->key_room, sizeof(*s->keys));
	memory_drop(m, s->values, s->value_room, sizeof(*s->values));
	memory_drop(m, s->writes, s->write_room, sizeof(*s->writes));
	memory_drop(m, s->reads, s->read_room, sizeof(*s->reads));
	memory_drop(m, s->lists, s->list_room, sizeof(*s->lists));
	memory_drop(m, s->life, s->txns, sizeof(*s->life));
	memory_drop(m, s->first_read, s->txns, sizeof(*s->first_read));
	memory_drop(m, s->steps, s->step_room, sizeof(*s->steps));
	memory_drop(m, s->members, s->member_room, sizeof(*s->members));
	memory_drop(m, s->order, s->txns, sizeof(*s->order));
	own = s->own;
	memory_drop(m == &s->own ? &own : m, s, 1, sizeof(*s));
}

/* --- The stages --- */

static bool run_edges(struct serial *s, uint32_t key)
{
	if (!key) {
		s->by_start = memory_get(s->memory, s->write_count, sizeof(*s->by_start));
		s->latest_end = memory_get(s->memory, s->write_count, sizeof(*s->latest_end));
		s->endless = memory_get(s->memory, s->write_count, sizeof(*s->endless));
		if (!s->by_start || !s->latest_end || !s->endless)
			return false;
	}
	return s->keys[key].is_list ? lists_edges(s, key) : blocks_edges(s, key);
}

struct part {
	uint32_t count;                         /* of which the stage is made */
	bool (*run)(struct serial *, uint32_t);
};

static struct part part_of(const struct serial *s)
{
	switch (s->stage) {
	case STAGE_KEYS:
		return (struct part){ s->txns, scan_keys };
	case STAGE_SCAN:
		return (struct part){ s->txns, scan_txn };
	case STAGE_LISTS:
		return (struct part){ s->key_count, lists_compare };
	case STAGE_HAPPENED:
		return (struct part){ s->txns, registers_happened };
	case STAGE_CANDIDATES:
		return (struct part){ s->key_count, registers_candidates };
	case STAGE_SETTLE:
		return (struct part){ s->txns, registers_settle };
	case STAGE_EDGES:
		return (struct part){ s->key_count, run_edges };
	case STAGE_ORDERS:
		return (struct part){ s->key_count, choices_orders };
	case STAGE_ABSENT:
		return (struct part){ s->txns, choices_absent };
	case STAGE_READS:
		return (struct part){ s->txns, choices_reads };
	default:
		return (struct part){ 0, NULL };
	}
}

static uint64_t cost_of(const struct serial *s)
{
	if (s->stage == STAGE_LISTS || s->stage == STAGE_CANDIDATES || s->stage == STAGE_EDGES || s->stage == STAGE_ORDERS)
		return s->keys[s->next].micros + UINT64_C(1);
	return txn_at(s, s->next)->count + UINT64_C(1);
}

/* Through a stage of many parts. */
static bool run_parts(struct serial *s, uint64_t *steps)
{
	struct part part = part_of(s);

	while (s->next < part.count && *steps && (!s->step_count || s->stage == STAGE_SCAN)) {
		uint64_t cost = cost_of(s);

		*steps -= cost < *steps ? cost : *steps;
		s->figures.steps += cost;
		if (!part.run(s, s->next))
			return false;
		s->next++;
	}
	if (s->step_count && (s->next >= part.count || s->stage != STAGE_SCAN)) {
		s->stage = STAGE_NO;
	} else if (s->next >= part.count) {
		s->stage++;
		s->next = 0;
	}
	return true;
}

/* After the variables have turns; what a part says at once saves the search. */
static bool run_turns(struct serial *s)
{
	return solver_turns(s) && (!s->whole || s->txns > PART_SMALL || solver_infer(s));
}

static bool run_cycle(struct serial *s)
{
	return !s->graph.cyclic || cycle_find(s);
}

static bool run_order(struct serial *s)
{
	if (!order_make(s))
		return false;
	serial_clear(s);
	return true;
}

/* Through a stage of one part, which is not interrupted: each of them goes through the graph a few times at most. */
static bool run_whole(struct serial *s, uint64_t *steps, bool (*run)(struct serial *))
{
	uint64_t cost = s->graph.nodes;

	*steps -= cost < *steps ? cost : *steps;
	s->figures.steps += cost;
	if (!run(s))
		return false;
	s->stage = s->step_count ? STAGE_NO : s->stage + 1;
	return true;
}

static bool run_stage(struct serial *s, uint64_t *steps)
{
	switch (s->stage) {
	case STAGE_TIME:
		return run_whole(s, steps, graph_time);
	case STAGE_GRAPH:
		return run_whole(s, steps, graph_make);
	case STAGE_CYCLE:
		return run_whole(s, steps, run_cycle);
	case STAGE_DUE:
		return run_whole(s, steps, graph_order);
	case STAGE_SOLVER:
		return run_whole(s, steps, solver_begin);
	case STAGE_TURNS:
		return run_whole(s, steps, run_turns);
	case STAGE_SOLVE:
		return solver_run(s, steps);
	case STAGE_ORDER:
		return run_whole(s, steps, run_order);
	default:
		return run_parts(s, steps);
	}
}

enum serial_state serial_run(struct serial *s, uint64_t steps)
{
	while (s->stage < STAGE_YES && steps)
		if (!run_stage(s, &steps))
			s->stage = STAGE_NO_MEMORY;
	switch (s->stage) {
	case STAGE_YES:
		return SERIAL_YES;
	case STAGE_NO:
		return SERIAL_NO;
	case STAGE_NO_MEMORY:
		return SERIAL_NO_MEMORY;
	case STAGE_UNDECIDED:
		return SERIAL_UNDECIDED;
	default:
		return SERIAL_AGAIN;
	}
}
