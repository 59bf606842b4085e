/* variables: the solver's memory, by variable (which may become more) and by node. */
#include "lib/serial/inside.h"

#include <string.h>

static bool variables_get(struct solver *v, struct memory *m)
{
	size_t n = v->room;

	v->watch = memory_get(m, 2 * n, sizeof(*v->watch));
	v->is = memory_get(m, n, sizeof(*v->is));
	v->seen = memory_get(m, n, sizeof(*v->seen));
	v->level_of = memory_get(m, n, sizeof(*v->level_of));
	v->reason = memory_get(m, n, sizeof(*v->reason));
	v->trail = memory_get(m, n, sizeof(*v->trail));
	v->trail_added = memory_get(m, n, sizeof(*v->trail_added));
	v->level = memory_get(m, n + 1, sizeof(*v->level));
	v->turn = memory_get(m, n, sizeof(*v->turn));
	v->conflict = memory_get(m, n + 2, sizeof(*v->conflict));
	return v->watch && v->is && v->seen && v->level_of && v->reason && v->trail && v->trail_added && v->level && v->turn &&
	       v->conflict;
}

static void variables_drop(const struct solver *v, struct memory *m)
{
	size_t n = v->room;

	memory_drop(m, v->watch, 2 * n, sizeof(*v->watch));
	memory_drop(m, v->is, n, sizeof(*v->is));
	memory_drop(m, v->seen, n, sizeof(*v->seen));
	memory_drop(m, v->level_of, n, sizeof(*v->level_of));
	memory_drop(m, v->reason, n, sizeof(*v->reason));
	memory_drop(m, v->trail, n, sizeof(*v->trail));
	memory_drop(m, v->trail_added, n, sizeof(*v->trail_added));
	memory_drop(m, v->level, n + 1, sizeof(*v->level));
	memory_drop(m, v->turn, n, sizeof(*v->turn));
	memory_drop(m, v->conflict, n + 2, sizeof(*v->conflict));
}

static void variables_copy(struct solver *to, const struct solver *from)
{
	size_t n = from->room;

	memcpy(to->watch, from->watch, 2 * n * sizeof(*to->watch));
	memcpy(to->is, from->is, n * sizeof(*to->is));
	memcpy(to->seen, from->seen, n * sizeof(*to->seen));
	memcpy(to->level_of, from->level_of, n * sizeof(*to->level_of));
	memcpy(to->reason, from->reason, n * sizeof(*to->reason));
	memcpy(to->trail, from->trail, n * sizeof(*to->trail));
	memcpy(to->trail_added, from->trail_added, n * sizeof(*to->trail_added));
	memcpy(to->level, from->level, (n + 1) * sizeof(*to->level));
}

bool variables_widen(struct serial *s)
{
	struct solver wide = s->solver;

	wide.room = wide.room ? wide.room + wide.room / 2 : 64;
	if (!variables_get(&wide, s->memory)) {
		variables_drop(&wide, s->memory);
		return false;
	}
	memset(wide.watch, 0xff, 2 * (size_t)wide.room * sizeof(*wide.watch));
	if (s->solver.room) {
		variables_copy(&wide, &s->solver);
		variables_drop(&s->solver, s->memory);
	}
	s->solver = wide;
	return true;
}

bool solver_arrays(struct serial *s)
{
	struct solver *v = &s->solver;
	struct memory *m = s->memory;
	size_t nodes = s->graph.nodes;

	v->in_edges = s->graph.edges;
	v->empty_txn = NONE;
	v->awake = memory_get(m, s->txns, sizeof(*v->awake));
	v->absent = memory_get(m, s->txns, sizeof(*v->absent));
	v->waking = memory_get(m, s->txns, sizeof(*v->waking));
	v->added_first = memory_get(m, nodes, sizeof(*v->added_first));
	v->added_in = memory_get(m, nodes, sizeof(*v->added_in));
	v->rank = memory_get(m, nodes, sizeof(*v->rank));
	v->before = memory_get(m, nodes + 1, sizeof(*v->before));
	v->after = memory_get(m, nodes + 1, sizeof(*v->after));
	v->in_start = memory_get(m, nodes + 2, sizeof(*v->in_start));
	v->in_from = memory_get(m, v->in_edges, sizeof(*v->in_from));
	v->queue = memory_get(m, nodes, sizeof(*v->queue));
	v->came_from = memory_get(m, nodes, sizeof(*v->came_from));
	v->came_by = memory_get(m, nodes, sizeof(*v->came_by));
	v->mark = memory_get(m, nodes, sizeof(*v->mark));
	if (!v->awake || !v->absent || !v->waking || !v->added_first || !v->added_in || !v->rank || !v->before || !v->after ||
	    !v->in_start || !v->in_from || !v->queue || !v->came_from || !v->came_by || !v->mark)
		return false;
	memset(v->added_first, 0xff, nodes * sizeof(*v->added_first));
	memset(v->added_in, 0xff, nodes * sizeof(*v->added_in));
	memset(v->absent, 0xff, s->txns * sizeof(*v->absent));
	return variables_widen(s);
}

void solver_release(struct serial *s)
{
	struct solver *v = &s->solver;
	struct memory *m = s->memory;
	size_t nodes = s->graph.nodes;

	variables_drop(v, m);
	memory_drop(m, v->choice, v->choice_room, sizeof(*v->choice));
	lookup_release(&v->pair, m);
	memory_drop(m, v->word, v->word_room, sizeof(*v->word));
	memory_drop(m, v->units, v->unit_room, sizeof(*v->units));
	memory_drop(m, v->added, v->added_room, sizeof(*v->added));
	memory_drop(m, v->moved, v->moved_room, sizeof(*v->moved));
	memory_drop(m, v->awake, s->txns, sizeof(*v->awake));
	memory_drop(m, v->absent, s->txns, sizeof(*v->absent));
	memory_drop(m, v->waking, s->txns, sizeof(*v->waking));
	memory_drop(m, v->added_first, nodes, sizeof(*v->added_first));
	memory_drop(m, v->added_in, nodes, sizeof(*v->added_in));
	memory_drop(m, v->rank, nodes, sizeof(*v->rank));
	memory_drop(m, v->before, nodes + 1, sizeof(*v->before));
	memory_drop(m, v->after, nodes + 1, sizeof(*v->after));
	memory_drop(m, v->in_start, nodes + 2, sizeof(*v->in_start));
	memory_drop(m, v->in_from, v->in_edges, sizeof(*v->in_from));
	memory_drop(m, v->queue, nodes, sizeof(*v->queue));
	memory_drop(m, v->came_from, nodes, sizeof(*v->came_from));
	memory_drop(m, v->came_by, nodes, sizeof(*v->came_by));
	memory_drop(m, v->mark, nodes, sizeof(*v->mark));
	*v = (struct solver){ 0 };
}
