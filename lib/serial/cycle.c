/*
 * cycle: the shortest cycle of the plainest kind there is.
 *
 * Kinds, the plainest first: of ww alone; of ww and wr; of these and one rw; of these and more; then the same with rt.
 * For each the graph's edges of these kinds are taken apart into strongly connected components (Tarjan, 1972, with a stack of
 * its own); if one has two nodes there is such a cycle, and a breadth-first search from each transaction in it finds the
 * shortest.  What is counted are transactions: an auxiliary node is no step.  In a large component not every search is made.
 */
#include "lib/serial/inside.h"

#include <string.h>

enum { VISITS_MAX = 1 << 24 };          /* edges looked at for one kind, from when no more searches are begun */

struct kind {
	bool wr, rt;
	uint32_t rw_max;                /* 0, 1, or 2: any number */
};

static const struct kind kinds[] = {
	{ false, false, 0 }, { true, false, 0 }, { true, false, 1 }, { true, false, 2 },
	{ false, true, 0 }, { true, true, 0 }, { true, true, 1 }, { true, true, 2 },
};

struct hunt {
	struct serial *s;
	const struct graph *g;
	const struct kind *kind;
	uint32_t *component, *low, *stack, *call, *edge;        /* Tarjan; component NONE: of one node */
	/* By state: node, + nodes once it went along the one rw. */
	uint32_t *seen, *from, *by, *now, *later;
	uint32_t round, best;
	uint32_t *path, path_count;                             /* edges of the best one, backwards */
	uint64_t visits;
};

static bool allowed(const struct hunt *h, uint32_t node, uint32_t edge)
{
	if (node >= h->s->txns)
		return true;
	switch (LABEL_WHY(h->g->label[edge])) {
	case SERIAL_WR:
		return h->kind->wr;
	case SERIAL_RW:
		return h->kind->rw_max > 0;
	case SERIAL_RT:
		return h->kind->rt;
	default:
		return true;
	}
}

/* --- Components --- */

static uint32_t component_end(struct hunt *h, uint32_t v, uint32_t depth)
{
	bool alone = h->stack[depth - 1] == v;
	uint32_t w;

	do {
		w = h->stack[--depth];
		h->component[w] = alone ? NONE : v;
		h->low[w] = NONE;
	} while (w != v);
	return depth;
}

/* The numbers in `seen` are those of the visits, `low` the least that is reached; NONE once in a component. */
static bool components_from(struct hunt *h, uint32_t root, uint32_t *numbers)
{
	uint32_t calls = 0, depth = 0;
	bool found = false;

	h->call[calls++] = h->stack[depth++] = root;
	h->edge[root] = h->g->start[root];
	h->seen[root] = h->low[root] = ++*numbers;
	while (calls) {
		uint32_t v = h->call[calls - 1], e = h->edge[v], w;

		if (e == h->g->start[v + 1]) {
			calls--;
			if (calls && h->low[h->call[calls - 1]] > h->low[v])
				h->low[h->call[calls - 1]] = h->low[v];
			if (h->low[v] != h->seen[v])
				continue;
			found |= h->stack[depth - 1] != v;
			depth = component_end(h, v, depth);
			continue;
		}
		h->edge[v]++;
		w = h->g->to[e];
		if (!allowed(h, v, e))
			continue;
		if (!h->seen[w]) {
			h->call[calls++] = h->stack[depth++] = w;
			h->edge[w] = h->g->start[w];
			h->seen[w] = h->low[w] = ++*numbers;
		} else if (h->low[w] != NONE && h->low[v] > h->seen[w]) {
			h->low[v] = h->seen[w];
		}
	}
	return found;
}

static bool components(struct hunt *h)
{
	uint32_t numbers = 0;
	bool found = false;

	memset(h->seen, 0, 2 * (size_t)h->g->nodes * sizeof(*h->seen));
	for (uint32_t v = 0; v < h->g->nodes; v++)
		if (!h->seen[v])
			found |= components_from(h, v, &numbers);
	memset(h->seen, 0, 2 * (size_t)h->g->nodes * sizeof(*h->seen));
	h->round = 0;
	return found;
}

/* --- The shortest --- */

static void keep_path(struct hunt *h, uint32_t start, uint32_t state, uint32_t edge)
{
	h->path_count = 0;
	h->path[h->path_count++] = edge;
	for (; state != start; state = h->from[state])
		h->path[h->path_count++] = h->by[state];
}

/* What lies behind a state goes to what is searched now, or a step later.  Is the start there? */
static bool search_state(struct hunt *h, uint32_t start, uint32_t state, uint32_t *now, uint32_t *later)
{
	uint32_t nodes = h->g->nodes, v = state % nodes;

	for (uint32_t e = h->g->start[v]; e < h->g->start[v + 1]; e++) {
		uint32_t to = h->g->to[e], next = to + (state - v);

		h->visits++;
		if (h->component[to] != h->component[start] || !allowed(h, v, e))
			continue;
		if (v < h->s->txns && LABEL_WHY(h->g->label[e]) == SERIAL_RW && h->kind->rw_max == 1) {
			if (state >= nodes)
				continue;
			next = to + nodes;
		}
		if (to == start) {
			keep_path(h, start, state, e);
			return true;
		}
		if (h->seen[next] == h->round)
			continue;
		h->seen[next] = h->round;
		h->from[next] = state;
		h->by[next] = e;
		if (to < h->s->txns)
			h->later[(*later)++] = next;
		else
			h->now[(*now)++] = next;
	}
	return false;
}

/* A cycle through start of less steps than the best. */
static void search_from(struct hunt *h, uint32_t start)
{
	uint32_t now = 1, later = 0;

	h->round++;
	h->now[0] = start;
	h->seen[start] = h->round;
	for (uint32_t steps = 1; now && steps < h->best; steps++) {
		uint32_t *swap;

		for (uint32_t i = 0; i < now; i++) {
			if (search_state(h, start, h->now[i], &now, &later)) {
				h->best = steps;
				return;
			}
		}
		swap = h->now;
		h->now = h->later;
		h->later = swap;
		now = later;
		later = 0;
	}
}

/* Of each way from a transaction to the next one its first edge says why, its last one of what. */
static bool steps_of_path(struct hunt *h, uint32_t start)
{
	struct serial *s = h->s;
	uint32_t from = start, first = NONE;

	for (uint32_t i = h->path_count; i-- > 0;) {
		uint32_t e = h->path[i], why, write;

		if (first == NONE)
			first = e;
		if (h->g->to[e] >= s->txns)
			continue;
		why = LABEL_WHY(h->g->label[first]);
		write = LABEL_WRITE(h->g->label[e]);
		assert((write == LABEL_NO_WRITE) == (why == SERIAL_RT));
		if (!step_add(s, from, (enum serial_why)why, why == SERIAL_RT ? NONE : s->writes[write].key,
			      why == SERIAL_RT ? 0 : s->writes[write].number))
			return false;
		from = h->g->to[e];
		first = NONE;
	}
	return true;
}

static bool search_kind(struct hunt *h)
{
	uint32_t start = NONE;

	h->best = NONE;
	h->visits = 0;
	for (uint32_t v = 0; v < h->s->txns && h->best > 2 && h->visits < VISITS_MAX; v++) {
		uint32_t before = h->best;

		if (h->component[v] == NONE)
			continue;
		search_from(h, v);
		if (h->best < before)
			start = v;
	}
	h->s->figures.steps += h->visits;
	return start == NONE || steps_of_path(h, start);
}

static bool hunt_new(struct hunt *h, struct memory *m)
{
	size_t n = h->g->nodes;

	h->component = memory_get(m, n, 4);
	h->low = memory_get(m, n, 4);
	h->stack = memory_get(m, n, 4);
	h->call = memory_get(m, n, 4);
	h->edge = memory_get(m, n, 4);
	h->seen = memory_get(m, 2 * n, 4);
	h->from = memory_get(m, 2 * n, 4);
	h->by = memory_get(m, 2 * n, 4);
	h->now = memory_get(m, 2 * n, 4);
	h->later = memory_get(m, 2 * n, 4);
	h->path = memory_get(m, 2 * n, 4);
	return h->component && h->low && h->stack && h->call && h->edge && h->seen && h->from && h->by && h->now && h->later &&
	       h->path;
}

static void hunt_release(struct hunt *h, struct memory *m)
{
	size_t n = h->g->nodes;

	memory_drop(m, h->component, n, 4);
	memory_drop(m, h->low, n, 4);
	memory_drop(m, h->stack, n, 4);
	memory_drop(m, h->call, n, 4);
	memory_drop(m, h->edge, n, 4);
	memory_drop(m, h->seen, 2 * n, 4);
	memory_drop(m, h->from, 2 * n, 4);
	memory_drop(m, h->by, 2 * n, 4);
	memory_drop(m, h->now, 2 * n, 4);
	memory_drop(m, h->later, 2 * n, 4);
	memory_drop(m, h->path, 2 * n, 4);
}

bool cycle_find(struct serial *s)
{
	struct hunt h = { .s = s, .g = &s->graph };
	bool done = hunt_new(&h, s->memory);

	assert(s->graph.nodes < UINT32_MAX / 2);
	for (size_t i = 0; done && !s->step_count && i < sizeof(kinds) / sizeof(*kinds); i++) {
		h.kind = &kinds[i];
		s->figures.steps += s->graph.nodes;
		if (components(&h))
			done = search_kind(&h);
	}
	hunt_release(&h, s->memory);
	return done;
}
