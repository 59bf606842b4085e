/*
 * order: a topological order, kept while edges come and go.
 *
 * An edge that agrees with the order costs nothing.  For another one, what its head leads to is looked for as far as its tail, and what
 * leads to its tail as far back as its head, by turns (two-way search: Haeupler, Kavitha, Mathew, Sen and Tarjan,
 * "Incremental cycle detection", 2012).  If they meet there is a cycle, and nothing moves; else that of the two which ends
 * first moves, behind the tail or before the head.  So it does not matter how far a node has to go, as one does that stood
 * at the end until it was known when it happened.  An edge that goes leaves the order as it is.
 *
 * Nodes are a list, and compared by their ranks: numbers with gaps, made anew when a gap is used up.
 */
#include "lib/serial/inside.h"

enum { NO_LITERAL = -1 };

/* --- The list --- */

static void rank_all(struct serial *s)
{
	struct solver *v = &s->solver;
	uint64_t gap = UINT64_MAX / (s->graph.nodes + UINT64_C(2)), rank = 0;

	for (uint32_t n = v->after[s->graph.nodes]; n != s->graph.nodes; n = v->after[n])
		v->rank[n] = rank += gap;
	v->work += s->graph.nodes;
}

/* The list's head and end is node `nodes`. */
void order_begin(struct serial *s)
{
	struct solver *v = &s->solver;
	uint32_t end = s->graph.nodes, last = end;

	for (uint32_t i = 0; i < s->graph.nodes; i++) {
		uint32_t n = s->graph.at[i];

		v->before[n] = last;
		v->after[last] = n;
		last = n;
	}
	v->after[last] = end;
	v->before[end] = last;
	rank_all(s);
}

void order_end(struct serial *s)
{
	uint32_t i = 0;

	for (uint32_t n = s->solver.after[s->graph.nodes]; n != s->graph.nodes; n = s->solver.after[n])
		s->graph.at[i++] = n;
	assert(i == s->graph.nodes);
}

static void take_out(struct solver *v, uint32_t node)
{
	v->after[v->before[node]] = v->after[node];
	v->before[v->after[node]] = v->before[node];
}

static void put_behind(struct solver *v, uint32_t node, uint32_t place)
{
	v->before[node] = place;
	v->after[node] = v->after[place];
	v->before[v->after[place]] = node;
	v->after[place] = node;
}

/* What was found, in the order it has, to behind `place`, which is not among it. */
static bool move(struct serial *s, const uint32_t *node, uint32_t count, uint32_t place)
{
	struct solver *v = &s->solver;
	uint32_t end = s->graph.nodes, next;
	uint64_t low, gap;

	while (v->moved_room < 2 * (uint64_t)count) {
		void *p = memory_grow(s->memory, v->moved, &v->moved_room, sizeof(*v->moved));

		if (!p)
			return false;
		v->moved = p;
	}
	for (uint32_t i = 0; i < count; i++) {
		v->moved[i] = (struct sorted){ v->rank[node[i]], node[i] };
		take_out(v, node[i]);
	}
	sort(v->moved, v->moved + count, count);
	v->work += count;
	next = v->after[place];
	low = place == end ? 0 : v->rank[place];
	gap = ((next == end ? UINT64_MAX : v->rank[next]) - low) / (count + UINT64_C(1));
	for (uint32_t i = count; i-- > 0;) {
		put_behind(v, v->moved[i].id, place);
		v->rank[v->moved[i].id] = low + gap * (i + UINT64_C(1));
	}
	if (!gap)
		rank_all(s);
	return true;
}

/* --- The search --- */

struct search {
	uint32_t from, to;              /* nodes */
	uint32_t ahead, ahead_done;     /* of the queue's beginning: what `from` leads to */
	uint32_t behind, behind_done;   /* of its end: what leads to `to` */
	bool met;
};

static void found(struct solver *v, uint32_t node, uint32_t mark, uint32_t from, uint32_t literal)
{
	v->mark[node] = mark;
	v->came_from[node] = from;
	v->came_by[node] = literal;
}

static void meet(struct solver *v, struct search *f, uint32_t ahead, uint32_t behind, uint32_t literal)
{
	v->meet_ahead = ahead;
	v->meet_behind = behind;
	v->meet_by = literal;
	f->met = true;
}

static void look_ahead(struct serial *s, struct search *f, uint32_t node, uint32_t to, uint32_t literal)
{
	struct solver *v = &s->solver;

	if (v->rank[to] > v->rank[f->to] || v->mark[to] == v->marks)
		return;
	if (v->mark[to] == v->marks + 1) {
		meet(v, f, node, to, literal);
		return;
	}
	found(v, to, v->marks, node, literal);
	v->queue[f->ahead++] = to;
}

static void look_behind(struct serial *s, struct search *f, uint32_t node, uint32_t from, uint32_t literal)
{
	struct solver *v = &s->solver;

	if (v->rank[from] < v->rank[f->from] || v->mark[from] == v->marks + 1)
		return;
	if (v->mark[from] == v->marks) {
		meet(v, f, from, node, literal);
		return;
	}
	found(v, from, v->marks + 1, node, literal);
	v->queue[s->graph.nodes - ++f->behind] = from;
}

static uint32_t step_ahead(struct serial *s, struct search *f)
{
	struct solver *v = &s->solver;
	const struct graph *g = &s->graph;
	uint32_t node = v->queue[f->ahead_done++], edges = g->start[node + 1] - g->start[node];

	for (uint32_t e = g->start[node]; !f->met && e < g->start[node + 1]; e++)
		look_ahead(s, f, node, g->to[e], (uint32_t)NO_LITERAL);
	for (uint32_t e = v->added_first[node]; !f->met && e != NONE; e = v->added[e].next, edges++)
		look_ahead(s, f, node, v->added[e].to, v->added[e].literal);
	return edges + 1;
}

static uint32_t step_behind(struct serial *s, struct search *f)
{
	struct solver *v = &s->solver;
	uint32_t node = v->queue[s->graph.nodes - ++f->behind_done], edges = v->in_start[node + 1] - v->in_start[node];

	for (uint32_t e = v->in_start[node]; !f->met && e < v->in_start[node + 1]; e++)
		look_behind(s, f, node, v->in_from[e], (uint32_t)NO_LITERAL);
	for (uint32_t e = v->added_in[node]; !f->met && e != NONE; e = v->added[e].next_in, edges++)
		look_behind(s, f, node, v->added[e].from, v->added[e].literal);
	return edges + 1;
}

/* Until they meet, or one of them comes to its end. */
static void search(struct serial *s, struct search *f)
{
	struct solver *v = &s->solver;
	uint64_t ahead = 0, behind = 0;

	v->marks += 2;
	found(v, f->from, v->marks, NONE, (uint32_t)NO_LITERAL);
	found(v, f->to, v->marks + 1, NONE, (uint32_t)NO_LITERAL);
	v->queue[f->ahead++] = f->from;
	v->queue[s->graph.nodes - ++f->behind] = f->to;
	while (!f->met && f->ahead_done < f->ahead && f->behind_done < f->behind) {
		if (ahead <= behind)
			ahead += step_ahead(s, f);
		else
			behind += step_behind(s, f);
	}
	v->work += ahead + behind;
}

bool order_reaches(struct serial *s, uint32_t from, uint32_t to)
{
	struct search f = { .from = from, .to = to };

	if (s->solver.rank[from] > s->solver.rank[to])
		return false;
	search(s, &f);
	return f.met;
}

uint32_t order_path(const struct solver *v, uint32_t *literal)
{
	uint32_t n = 0;

	if (v->meet_by != (uint32_t)NO_LITERAL)
		literal[n++] = v->meet_by;
	for (uint32_t node = v->meet_ahead; node != NONE; node = v->came_from[node])
		if (v->came_by[node] != (uint32_t)NO_LITERAL)
			literal[n++] = v->came_by[node];
	for (uint32_t node = v->meet_behind; node != NONE; node = v->came_from[node])
		if (v->came_by[node] != (uint32_t)NO_LITERAL)
			literal[n++] = v->came_by[node];
	return n;
}

/* --- Edges --- */

static enum insertion make_room(struct serial *s, const struct edge *edge)
{
	struct solver *v = &s->solver;
	struct search f = { .from = edge->to, .to = edge->from };
	bool done;

	search(s, &f);
	if (f.met)
		return INSERT_CYCLE;
	if (f.ahead_done == f.ahead)
		done = move(s, v->queue, f.ahead, edge->from);
	else
		done = move(s, v->queue + s->graph.nodes - f.behind, f.behind, v->before[edge->to]);
	return done ? INSERT_DONE : INSERT_NO_MEMORY;
}

enum insertion order_insert(struct serial *s, const struct edge *edge, uint32_t literal)
{
	struct solver *v = &s->solver;

	if (v->rank[edge->from] > v->rank[edge->to]) {
		enum insertion room = make_room(s, edge);

		if (room != INSERT_DONE)
			return room;
	}
	if (v->added_count == v->added_room) {
		void *p = memory_grow(s->memory, v->added, &v->added_room, sizeof(*v->added));

		if (!p)
			return INSERT_NO_MEMORY;
		v->added = p;
	}
	v->added[v->added_count] = (struct added){
		edge->from, edge->to, literal, v->added_first[edge->from], v->added_in[edge->to],
	};
	v->added_first[edge->from] = v->added_in[edge->to] = v->added_count++;
	return INSERT_DONE;
}

void order_take_back(struct solver *v, uint32_t added)
{
	while (v->added_count > added) {
		const struct added *a = &v->added[--v->added_count];

		v->added_first[a->from] = a->next;
		v->added_in[a->to] = a->next_in;
	}
}
