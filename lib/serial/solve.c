/*
 * solve: the search for the open choices.
 *
 * Along the first topological order each choice is made as the order has it, which costs nothing and never contradicts; only
 * where it has two blocks interleaved a path is looked for, either way, that forces one of them.  What is assigned adds its
 * edges; a cycle is a conflict of the literals on it, and is learnt from.
 */
#include "lib/serial/inside.h"

#include <string.h>

/* --- Turns --- */

/* Where in the order a choice has its turn: what may be absent comes last, when it is known what must not be. */
static uint32_t turn_of(const struct serial *s, const struct choice *c)
{
	const uint32_t *rank = s->graph.rank;
	uint32_t a, b;

	switch (c->kind) {
	case CHOICE_ORDER:
		a = rank[block_begin(s, c->a)];
		b = rank[block_begin(s, c->b)];
		return a > b ? a : b;
	case CHOICE_READ:
	case CHOICE_MORE:
		return s->life[s->reads[c->a].txn] == LIFE_CERTAIN ? rank[s->reads[c->a].txn] : s->graph.nodes;
	default:
		return s->graph.nodes + 1;
	}
}

/* The graph the other way round. */
static void edges_in(struct serial *s)
{
	const struct graph *g = &s->graph;
	struct solver *v = &s->solver;

	for (uint32_t e = 0; e < g->edges; e++)
		v->in_start[g->to[e] + 2]++;
	for (uint32_t n = 2; n < g->nodes + 2; n++)
		v->in_start[n] += v->in_start[n - 1];
	for (uint32_t n = 0; n < g->nodes; n++)
		for (uint32_t e = g->start[n]; e < g->start[n + 1]; e++)
			v->in_from[v->in_start[g->to[e] + 1]++] = n;
}

bool solver_turns(struct serial *s)
{
	struct solver *v = &s->solver;
	uint32_t room = s->graph.nodes + 3, *start = memory_get(s->memory, room, sizeof(*start));

	if (!start)
		return false;
	v->turned = 0;
	for (uint32_t i = 0; i < v->choice_count; i++)
		start[turn_of(s, &v->choice[i]) + 1]++;
	for (uint32_t i = 1; i < room; i++)
		start[i] += start[i - 1];
	for (uint32_t i = 0; i < v->choice_count; i++)
		v->turn[start[turn_of(s, &v->choice[i])]++] = i;
	memory_drop(s->memory, start, room, sizeof(*start));
	return true;
}

bool solver_begin(struct serial *s)
{
	if (!solver_arrays(s))
		return false;
	edges_in(s);
	order_begin(s);
	choices_awake(s);
	return true;
}

/* --- What follows --- */

/* The literals of the path that was found deny the one that adds the edge back. */
static void path_conflict(struct solver *v, uint32_t literal)
{
	v->conflict[0] = literal;
	v->conflicting = 1 + order_path(v, v->conflict + 1);
	for (uint32_t i = 0; i < v->conflicting; i++)
		v->conflict[i] ^= 1;
}

/* The edges of the next literal of the trail. */
static bool add_edges(struct serial *s, bool *fits)
{
	struct solver *v = &s->solver;
	uint32_t literal = v->trail[v->edged];
	struct edge edge[2];
	uint32_t n = choice_edges(s, literal, edge);

	v->trail_added[v->edged++] = v->added_count;
	for (uint32_t i = 0; i < n; i++) {
		switch (order_insert(s, &edge[i], literal)) {
		case INSERT_DONE:
			break;
		case INSERT_CYCLE:
			path_conflict(v, literal);
			*fits = false;
			return true;
		default:
			return false;
		}
	}
	return true;
}

/* What is known for good; a conflict here is one of what is known. */
static bool assign_units(struct solver *v)
{
	while (v->unit_count) {
		uint32_t literal = v->units[--v->unit_count];

		if (literal_is(v, literal) == 0)
			literal_assign(v, literal, NONE, 0);
		if (literal_is(v, literal) == 1)
			continue;
		v->conflict[0] = literal;
		v->conflicting = 1;
		return false;
	}
	return true;
}

bool solver_propagate(struct serial *s, bool *fits)
{
	struct solver *v = &s->solver;

	*fits = !v->contradiction && assign_units(v);
	while (*fits) {
		*fits = clauses_propagate(v);
		if (!*fits || v->edged == v->trailed)
			return true;
		if (!add_edges(s, fits))
			return false;
	}
	return true;
}

/* --- Decisions --- */

static void decide(struct solver *v, uint32_t literal)
{
	level_new(v, v->turned);
	literal_assign(v, literal, NONE, v->levels);
}

/* That a path was found denies the literal. */
static bool imply(struct serial *s, uint32_t literal)
{
	struct solver *v = &s->solver;
	uint32_t clause, level, kept = 1;

	path_conflict(v, literal);
	for (uint32_t i = 1; i < v->conflicting; i++)
		if (v->level_of[v->conflict[i] / 2])
			v->conflict[kept++] = v->conflict[i];
	v->conflicting = kept;
	level = clause_turn(v);
	if (!clause_add(v, s->memory, v->conflict, kept, &clause))
		return false;
	if (clause != NONE)
		literal_assign(v, v->conflict[0], clause, level);
	return true;
}

static bool decide_order(struct serial *s, uint32_t variable)
{
	struct solver *v = &s->solver;
	const struct choice *c = &v->choice[variable];
	const uint64_t *rank = v->rank;
	uint32_t a_begin = block_begin(s, c->a), a_end = s->blocks[c->a].node;
	uint32_t b_begin = block_begin(s, c->b), b_end = s->blocks[c->b].node;

	if (rank[a_end] < rank[b_begin])
		decide(v, LITERAL(variable, false));
	else if (rank[b_end] < rank[a_begin])
		decide(v, LITERAL(variable, true));
	else if (order_reaches(s, b_begin, a_end))
		return imply(s, LITERAL(variable, false));
	else if (order_reaches(s, a_begin, b_end))
		return imply(s, LITERAL(variable, true));
	else
		decide(v, LITERAL(variable, rank[a_begin] > rank[b_begin]));
	return true;
}

/* Half the ranks are for those before the reader. */
static uint64_t candidate_score(const struct serial *s, const struct read *r, uint32_t write)
{
	uint64_t reader = s->solver.rank[r->txn] / 2, rank = write == READ_OF_INIT ? 0 : s->solver.rank[s->writes[write].txn] / 2;

	return rank < reader ? UINT64_MAX / 2 + rank + 1 : UINT64_MAX / 2 - rank;
}

/* The candidate that the order has last before the reader, or else the first after it; NONE if one is chosen. */
static uint32_t best_candidate(const struct serial *s, const struct read *r, uint32_t first, uint32_t count)
{
	const struct solver *v = &s->solver;
	uint32_t best = NONE;
	uint64_t best_score = 0;

	for (uint32_t i = first; i < first + count; i++) {
		uint64_t score = candidate_score(s, r, v->choice[i].b);

		if (v->is[i] == 1)
			return NONE;
		if (!v->is[i] && (best == NONE || best_score < score)) {
			best = i;
			best_score = score;
		}
	}
	return best;
}

/* A read is of none of these if it is of another, or need not be. */
static void decide_read(struct serial *s, uint32_t variable)
{
	struct solver *v = &s->solver;
	const struct read *r = &s->reads[v->choice[variable].a];
	uint32_t absent = v->absent[r->txn];
	bool is_more = r->mores && variable >= r->first_more;
	uint32_t best = is_more ? best_candidate(s, r, r->first_more, r->mores) :
				  best_candidate(s, r, r->first_choice, r->choices);

	if (best == NONE || (absent != NONE && v->is[absent] != 2) || (is_more && v->is[r->more] != 1))
		decide(v, LITERAL(variable, true));
	else
		decide(v, LITERAL(best, false));
}

/* One decision, or what is forced; false in `open` when all is assigned. */
static bool decide_next(struct serial *s, bool *open)
{
	struct solver *v = &s->solver;
	uint32_t variable;

	while (v->turned < v->choice_count && v->is[v->turn[v->turned]])
		v->turned++;
	*open = v->turned < v->choice_count;
	if (!*open)
		return true;
	variable = v->turn[v->turned];
	switch (v->choice[variable].kind) {
	case CHOICE_ORDER:
		return decide_order(s, variable);
	case CHOICE_READ:
		decide_read(s, variable);
		return true;
	case CHOICE_MORE:
		decide(v, LITERAL(variable, true));
		return true;
	default:
		decide(v, LITERAL(variable, false));
		return true;
	}
}

/* All is assigned: that is an order, unless reads ask for candidates that were not shown. */
static bool solver_end(struct serial *s)
{
	bool any;

	if (!choices_more(s, &any))
		return false;
	if (any)
		return solver_turns(s);
	order_end(s);
	s->stage = STAGE_ORDER;
	return true;
}

bool solver_run(struct serial *s, uint64_t *steps)
{
	struct solver *v = &s->solver;
	bool fits, open = true;

	while (*steps && s->stage == STAGE_SOLVE) {
		uint64_t work;

		v->work = 1;
		if (!solver_propagate(s, &fits))
			return false;
		if (!fits) {
			s->figures.conflicts++;
			if (!clauses_learn(s, &open))
				return false;
			if (!open)
				s->stage = STAGE_NO;
			else if (s->figures.conflicts >= SERIAL_CONFLICTS_MAX)
				s->stage = STAGE_UNDECIDED;
		} else if (!decide_next(s, &open)) {
			return false;
		} else if (!open && !solver_end(s)) {
			return false;
		}
		work = v->work;
		s->figures.steps += work;
		*steps -= work < *steps ? work : *steps;
	}
	return true;
}
