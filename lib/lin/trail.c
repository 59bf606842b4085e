/*
 * trail: how each configuration came about, as a tree whose leaves are the configurations; and the order that is made of it.
 *
 * What no configuration has come by is swept away now and then, and what all have come by leaves the tree for a
 * plain list: what is kept beyond the order itself follows the number of configurations.
 *
 * The tree has what changes the state, and what was hidden once it is known that it was.  What only sees is put in at the
 * end, where its state was first.
 */
#include "lib/lin/inside.h"

#include <assert.h>
#include <string.h>

#define MARKED UINT32_MAX
enum { SWEEP_LEAST = 1024, REACHED = 1, END = 2, CHILD = 4, CHILDREN = 8 };

void lin_trail_init(struct lin_trail *t, struct lin_memory *memory)
{
	*t = (struct lin_trail){ .memory = memory, .sweep_at = SWEEP_LEAST };
}

void lin_trail_release(struct lin_trail *t)
{
	if (!t->memory)
		return;
	lin_memory_free(t->memory, t->nodes, t->room, sizeof(*t->nodes));
	lin_memory_free(t->memory, t->marks, t->marks_room, sizeof(*t->marks));
	*t = (struct lin_trail){ 0 };
}

/* Ends are numbers of nodes from 2; 1 is the root. */
uint32_t lin_trail_add(struct lin_trail *t, uint32_t end, uint32_t op, uint32_t trigger)
{
	assert(end >= 1 && end < t->count + 2);
	if (t->count == UINT32_MAX - 2 || !LIN_ROOM(t->memory, t->nodes, t->count, t->room))
		return 0;
	t->nodes[t->count] = (struct lin_trail_node){ { op, trigger }, end, 0 };
	return ++t->count + 1;
}

void lin_trail_drop(struct lin_trail *t)
{
	assert(t->count > 0);
	t->count--;
}

static struct lin_trail_node *node_at(const struct lin_trail *t, uint32_t end)
{
	return &t->nodes[end - 2];
}

/* Notes on each node whether anything has come by it, ends there, and how many ways lead on; returns those of the root. */
static uint32_t note_reached(struct lin_trail *t, const struct lin_configs *set, uint64_t *steps)
{
	uint32_t root = 0;

	for (uint32_t i = 0; i < set->count; i++) {
		uint32_t end = lin_trail_of(lin_config(set, i));
		bool first = true;

		if (lin_state_of(lin_config(set, i)) == LIN_GONE)
			continue;
		if (end == 1)
			root |= END;
		else
			node_at(t, end)->note |= END;
		while (end > 1 && first) {
			struct lin_trail_node *n = node_at(t, end);
			uint32_t *up = n->parent > 1 ? &node_at(t, n->parent)->note : &root;

			first = !(n->note & REACHED);
			n->note |= REACHED;
			if (first)
				*up = *up & CHILD ? *up | CHILDREN : *up | CHILD;
			end = n->parent;
		}
	}
	lin_spend(steps, t->count / 4);
	return root;
}

static bool only_way(uint32_t note)
{
	return (note & (END | CHILD | CHILDREN)) == CHILD;
}

/* Moves the nodes that stay together, and those before the first fork to the list; notes where each came to be. */
static bool gather(struct lin_trail *t, uint32_t root)
{
	uint32_t kept = 0, top = 1, top_note = root;

	for (uint32_t i = 0; i < t->count; i++) {
		struct lin_trail_node n = t->nodes[i];

		if (!(n.note & REACHED)) {
			t->nodes[i].note = 0;
			continue;
		}
		if (n.parent == top && only_way(top_note)) {
			if (!LIN_ROOM(t->memory, t->marks, t->marks_count, t->marks_room))
				return false;
			t->marks[t->marks_count++] = n.mark;
			top = i + 2;
			top_note = n.note;
			t->nodes[i].note = 1;
			continue;
		}
		n.parent = n.parent == 1 ? 1 : t->nodes[n.parent - 2].note;
		/* A node's note is read by its children, which come after it: where it was, not where it goes to. */
		t->nodes[i].note = kept + 2;
		t->nodes[kept].mark = n.mark;
		t->nodes[kept].parent = n.parent;
		kept++;
	}
	t->count = kept;
	return true;
}

bool lin_trail_sweep(struct lin_trail *t, struct lin_configs *set, uint64_t *steps)
{
	if (t->count < t->sweep_at)
		return true;
	if (!gather(t, note_reached(t, set, steps)))
		return false;
	for (uint32_t i = 0; i < set->count; i++) {
		uint64_t *config = lin_config(set, i);
		uint32_t end = lin_trail_of(config);

		if (lin_state_of(config) != LIN_GONE && end > 1)
			config[0] = lin_state_of(config) | (uint64_t)node_at(t, end)->note << 32;
	}
	for (uint32_t i = 0; i < t->count; i++)
		t->nodes[i].note = 0;
	t->sweep_at = 2 * t->count > SWEEP_LEAST ? 2 * t->count : SWEEP_LEAST;
	return true;
}

/* --- Where in the order --- */

static bool flush(struct lin_trail *t, uint32_t end)
{
	uint32_t count = 0, at;

	for (uint32_t e = end; e > 1; e = node_at(t, e)->parent)
		count++;
	for (uint32_t i = 0; i < count; i++) {
		if (!LIN_ROOM(t->memory, t->marks, t->marks_count, t->marks_room))
			return false;
		t->marks_count++;
	}
	at = t->marks_count;
	for (uint32_t e = end; e > 1; e = node_at(t, e)->parent)
		t->marks[--at] = node_at(t, e)->mark;
	return true;
}

static bool hides(const struct lin_deed *d)
{
	return d->role == LIN_WRITES || d->role == LIN_DELETES;
}

static uint32_t state_after(const struct lin_deed *d)
{
	return d->role == LIN_DELETES ? 0 : d->value;
}

/* What was there when it happened, or may have been? */
static bool fits(const struct lin_plan *p, uint32_t op, uint32_t state)
{
	const struct lin_deed *d = &p->deeds[op];

	return d->role == LIN_SEES_OTHER ? state != 0 && state != d->from : state == d->value;
}

/* A write just before one that hides it. */
static bool hidden_by(const struct lin_plan *p, uint32_t op, uint32_t next)
{
	return p->deeds[op].role == LIN_WRITES && hides(&p->deeds[next]);
}

/*
 * Goes through the operations that left no trace in the order of calls, and finds the first place for each.  Marks happen just
 * before their triggers return, so the first that an operation can come before is known from its call.
 */
struct finder {
	const struct lin_trail *trail;
	const struct lin_plan *plan;
	struct lin_place *places;
	uint32_t found;
	uint32_t first, state;          /* the first mark that comes after the call, and the state before it */
};

static void find(struct finder *f, uint32_t op)
{
	uint32_t at = f->first, state = f->state;
	bool last = false;

	while (!fits(f->plan, op, state)) {
		assert(at < f->trail->marks_count);
		last = hidden_by(f->plan, op, f->trail->marks[at].op);
		if (last)
			break;
		state = state_after(&f->plan->deeds[f->trail->marks[at++].op]);
	}
	f->places[f->found++] = (struct lin_place){ op, at, last };
}

/* A lone write that is hidden, and those that see it, once all of them and it are called. */
static void find_all(struct finder *f, uint32_t write)
{
	const struct lin_plan *p = f->plan;
	uint32_t value = p->deeds[write].value;
	struct lin_place place;

	find(f, write);
	place = f->places[f->found - 1];
	for (uint32_t i = p->value[value].demands; i < p->value[value + 1].demands; i++) {
		place.op = p->demands[i];
		f->places[f->found++] = place;
	}
}

/* It saw a lone write that was hidden. */
static bool seen_with(const struct lin_plan *p, const struct lin_deed *d)
{
	const struct lin_deed *write = &p->deeds[p->value[d->value].writer];

	return d->role == LIN_SEES && p->value[d->value].writers == 1 && lin_plan_lone(p, write) && write->place != MARKED;
}

static void find_next(struct finder *f, uint32_t op)
{
	const struct lin_plan *p = f->plan;
	const struct lin_deed *d = &p->deeds[op];
	const struct lin_value *value = &p->value[d->value];
	uint32_t end = value[1].demands;

	while (f->first < f->trail->marks_count && p->deeds[f->trail->marks[f->first].trigger].returned <= p->ops[op].called)
		f->state = state_after(&p->deeds[f->trail->marks[f->first++].op]);
	if (lin_plan_lone(p, d) ? value->demands == end : !seen_with(p, d))
		find(f, op);
	else if (p->ops[op].called >= p->ops[value->writer].called && p->ops[op].called >= p->ops[p->demands[end - 1]].called)
		find_all(f, value->writer);
}

static uint32_t find_places(const struct lin_trail *t, const struct lin_plan *p, struct lin_place *places)
{
	struct finder f = { .trail = t, .plan = p, .places = places };

	for (uint32_t i = 0; i < t->marks_count; i++)
		p->deeds[t->marks[i].op].place = MARKED;
	for (uint32_t i = 0; i < p->calls_count; i++)
		if (!p->deeds[p->calls[i]].maybe && p->deeds[p->calls[i]].place != MARKED)
			find_next(&f, p->calls[i]);
	return f.found;
}

bool lin_trail_order(struct lin_trail *t, const struct lin_plan *p, uint32_t end, struct lin_order *order)
{
	size_t room = p->returns_count + (size_t)1;
	struct lin_place *places;
	bool ordered = false;

	if (!flush(t, end))
		return false;
	places = lin_memory_array(t->memory, NULL, 0, room, sizeof(*places));
	if (places) {
		uint32_t found = find_places(t, p, places);

		/* From here on the marks are but their operations, where they are. */
		for (uint32_t i = 0; i < t->marks_count; i++)
			((uint32_t *)t->marks)[i] = t->marks[i].op;
		ordered = lin_order_make(order, t->memory, (uint32_t *)t->marks, t->marks_count, places, found);
	}
	lin_memory_free(t->memory, places, room, sizeof(*places));
	return ordered;
}
