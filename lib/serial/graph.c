/*
 * graph: edges, real time among them, as one graph, and a first topological order of it.
 *
 * Real time is a chain of nodes: a transaction that ended leads to the first node made after it, and the last node made before
 * a transaction began leads to it.  A node stands for all ends between two calls.
 *
 * The order takes next, of what can be next, what is due first: a transaction is due when it ended, or when something that
 * depends on it is due.
 */
#include "lib/serial/inside.h"

uint32_t node_add(struct serial *s)
{
	return s->graph.nodes++;
}

bool edge_add(struct serial *s, uint32_t from, uint32_t to, enum serial_why why, uint32_t write)
{
	struct edges *e = &s->edges;

	if (e->count == e->room) {
		void *p = memory_grow(s->memory, e->edge, &e->room, sizeof(*e->edge));

		if (!p)
			return false;
		e->edge = p;
	}
	e->edge[e->count++] = (struct edge){ from, to, LABEL(why, write) };
	return true;
}

/* --- Real time --- */

static bool time_chain(struct serial *s, const struct sorted *call, uint32_t calls, const struct sorted *end, uint32_t ends)
{
	uint32_t node = NONE, e = 0;
	bool open = false;

	for (uint32_t c = 0; c < calls; c++) {
		for (; e < ends && end[e].by < call[c].by; e++) {
			if (!open) {
				uint32_t before = node;

				node = node_add(s);
				open = true;
				if (before != NONE && !edge_add(s, before, node, SERIAL_RT, LABEL_NO_WRITE))
					return false;
			}
			if (!edge_add(s, end[e].id, node, SERIAL_RT, LABEL_NO_WRITE))
				return false;
		}
		open = false;
		if (node != NONE && !edge_add(s, node, call[c].id, SERIAL_RT, LABEL_NO_WRITE))
			return false;
	}
	return true;
}

bool graph_time(struct serial *s)
{
	struct sorted *call = memory_get(s->memory, s->txns, sizeof(*call));
	struct sorted *end = memory_get(s->memory, s->txns, sizeof(*end));
	struct sorted *other = memory_get(s->memory, s->txns, sizeof(*other));
	bool done = call && end && other;

	if (done) {
		uint32_t calls = 0, ends = 0;

		for (uint32_t t = 0; t < s->txns; t++) {
			if (s->life[t] < LIFE_OPTIONAL)
				continue;
			call[calls++] = (struct sorted){ txn_at(s, t)->called, t };
			if (txn_end(s, t) != SERIAL_NEVER)
				end[ends++] = (struct sorted){ txn_end(s, t), t };
		}
		sort(call, other, calls);
		sort(end, other, ends);
		done = time_chain(s, call, calls, end, ends);
	}
	memory_drop(s->memory, call, s->txns, sizeof(*call));
	memory_drop(s->memory, end, s->txns, sizeof(*end));
	memory_drop(s->memory, other, s->txns, sizeof(*other));
	return done;
}

/* --- By where they are from --- */

static bool graph_fill(struct serial *s)
{
	struct graph *g = &s->graph;

	g->edges = s->edges.count;
	g->start = memory_get(s->memory, g->nodes + 2u, sizeof(*g->start));
	g->to = memory_get(s->memory, g->edges, sizeof(*g->to));
	g->label = memory_get(s->memory, g->edges, sizeof(*g->label));
	g->rank = memory_get(s->memory, g->nodes, sizeof(*g->rank));
	g->at = memory_get(s->memory, g->nodes, sizeof(*g->at));
	if (!g->start || !g->to || !g->label || !g->rank || !g->at)
		return false;
	for (uint32_t e = 0; e < g->edges; e++)
		g->start[s->edges.edge[e].from + 2]++;
	for (uint32_t n = 2; n < g->nodes + 2; n++)
		g->start[n] += g->start[n - 1];
	for (uint32_t e = 0; e < g->edges; e++) {
		uint32_t i = g->start[s->edges.edge[e].from + 1]++;

		g->to[i] = s->edges.edge[e].to;
		g->label[i] = s->edges.edge[e].label;
	}
	memory_drop(s->memory, s->edges.edge, s->edges.room, sizeof(*s->edges.edge));
	s->edges = (struct edges){ 0 };
	return true;
}

void graph_release(struct serial *s)
{
	struct graph *g = &s->graph;

	memory_drop(s->memory, g->start, g->nodes + 2u, sizeof(*g->start));
	memory_drop(s->memory, g->to, g->edges, sizeof(*g->to));
	memory_drop(s->memory, g->label, g->edges, sizeof(*g->label));
	memory_drop(s->memory, g->rank, g->nodes, sizeof(*g->rank));
	memory_drop(s->memory, g->at, g->nodes, sizeof(*g->at));
	*g = (struct graph){ 0 };
}

bool graph_unmake(struct serial *s)
{
	const struct graph *g = &s->graph;
	uint32_t nodes = g->nodes;

	for (uint32_t v = 0; v < g->nodes; v++)
		for (uint32_t e = g->start[v]; e < g->start[v + 1]; e++)
			if (!edge_add(s, v, g->to[e], LABEL_WHY(g->label[e]), LABEL_WRITE(g->label[e])))
				return false;
	graph_release(s);
	s->graph.nodes = nodes;
	return true;
}

/* --- The order --- */

static void count_in(const struct graph *g, uint32_t *in)
{
	for (uint32_t e = 0; e < g->edges; e++)
		in[g->to[e]]++;
}

/* Some order, in g->at; how many nodes have a place in it. */
static uint32_t any_order(struct graph *g, uint32_t *in)
{
	uint32_t n = 0;

	for (uint32_t v = 0; v < g->nodes; v++)
		if (!in[v])
			g->at[n++] = v;
	for (uint32_t i = 0; i < n; i++)
		for (uint32_t e = g->start[g->at[i]]; e < g->start[g->at[i] + 1]; e++)
			if (--in[g->to[e]] == 0)
				g->at[n++] = g->to[e];
	return n;
}

static void find_due(const struct serial *s, uint64_t *due)
{
	const struct graph *g = &s->graph;

	for (uint32_t i = g->nodes; i-- > 0;) {
		uint32_t v = g->at[i];

		due[v] = v < s->txns ? txn_end(s, v) : UINT64_MAX;
		for (uint32_t e = g->start[v]; e < g->start[v + 1]; e++)
			if (due[v] > due[g->to[e]])
				due[v] = due[g->to[e]];
	}
}

/* Auxiliary nodes at once, so that versions are done with early. */
static uint64_t key_of(const struct serial *s, const uint64_t *due, uint32_t v)
{
	return v < s->txns ? due[v] : 0;
}

static void sift_up(const struct serial *s, const uint64_t *due, uint32_t *heap, uint32_t i)
{
	uint32_t v = heap[i];

	for (; i && key_of(s, due, heap[(i - 1) / 2]) > key_of(s, due, v); i = (i - 1) / 2)
		heap[i] = heap[(i - 1) / 2];
	heap[i] = v;
}

static uint32_t take_first(const struct serial *s, const uint64_t *due, uint32_t *heap, uint32_t *count)
{
	uint32_t first = heap[0], v = heap[--*count], i = 0;

	for (;;) {
		uint32_t child = 2 * i + 1;

		if (child >= *count)
			break;
		if (child + 1 < *count && key_of(s, due, heap[child + 1]) < key_of(s, due, heap[child]))
			child++;
		if (key_of(s, due, heap[child]) >= key_of(s, due, v))
			break;
		heap[i] = heap[child];
		i = child;
	}
	heap[i] = v;
	return first;
}

static void due_order(const struct serial *s, const uint64_t *due, uint32_t *in, uint32_t *heap)
{
	const struct graph *g = &s->graph;
	uint32_t count = 0, n = 0;

	for (uint32_t v = 0; v < g->nodes; v++) {
		if (in[v])
			continue;
		heap[count] = v;
		sift_up(s, due, heap, count++);
	}
	while (count) {
		uint32_t v = take_first(s, due, heap, &count);

		g->rank[v] = n;
		g->at[n++] = v;
		for (uint32_t e = g->start[v]; e < g->start[v + 1]; e++) {
			if (--in[g->to[e]])
				continue;
			heap[count] = g->to[e];
			sift_up(s, due, heap, count++);
		}
	}
	assert(n == g->nodes);
}

bool graph_make(struct serial *s)
{
	struct graph *g = &s->graph;
	uint32_t *in;

	if (!graph_fill(s))
		return false;
	in = memory_get(s->memory, g->nodes, sizeof(*in));
	if (in) {
		count_in(g, in);
		g->cyclic = any_order(g, in) < g->nodes;
	}
	memory_drop(s->memory, in, g->nodes, sizeof(*in));
	return in;
}

bool graph_order(struct serial *s)
{
	size_t nodes = s->graph.nodes;
	uint32_t *in = memory_get(s->memory, nodes, sizeof(*in)), *heap = memory_get(s->memory, nodes, sizeof(*heap));
	uint64_t *due = memory_get(s->memory, nodes, sizeof(*due));
	bool done = in && heap && due;

	if (done) {
		find_due(s, due);
		count_in(&s->graph, in);
		due_order(s, due, in, heap);
	}
	memory_drop(s->memory, in, nodes, sizeof(*in));
	memory_drop(s->memory, heap, nodes, sizeof(*heap));
	memory_drop(s->memory, due, nodes, sizeof(*due));
	return done;
}
