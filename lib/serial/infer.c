/*
 * infer: what a reader of a contradiction can follow.
 *
 * Of a small part, each choice that would close a cycle at once is denied, with all that follows from it by the clauses, as
 * long as there is one.  If that ends in a cycle, the cycle is what is shown: its order of versions is one that nothing else fits.
 */
#include "lib/serial/inside.h"

/* Does a path lead back along an edge of it? */
static bool closes_cycle(struct serial *s, uint32_t literal)
{
	struct edge edge[2];
	uint32_t n = choice_edges(s, literal, edge);

	for (uint32_t i = 0; i < n; i++)
		if (order_reaches(s, edge[i].to, edge[i].from))
			return true;
	return false;
}

/* The graph with all that is assigned, of which the last made a cycle. */
static bool show_cycle(struct serial *s)
{
	struct solver *v = &s->solver;
	bool done = graph_unmake(s);

	for (uint32_t i = 0; done && i < v->trailed; i++) {
		struct edge edge[2];
		uint32_t n = choice_edges(s, v->trail[i], edge);

		for (uint32_t j = 0; done && j < n; j++)
			done = edge_add(s, edge[j].from, edge[j].to, LABEL_WHY(edge[j].label), LABEL_WRITE(edge[j].label));
	}
	done = done && graph_make(s);
	return done && (!s->graph.cyclic || cycle_find(s));
}

bool solver_infer(struct serial *s)
{
	struct solver *v = &s->solver;
	bool fits, more = true;

	if (!solver_propagate(s, &fits))
		return false;
	while (fits && more) {
		more = false;
		for (uint32_t i = 0; fits && i < v->choice_count; i++) {
			bool denied;

			if (v->is[i])
				continue;
			denied = closes_cycle(s, LITERAL(i, false));
			if (!denied && !closes_cycle(s, LITERAL(i, true)))
				continue;
			literal_assign(v, LITERAL(i, denied), NONE, 0);
			more = true;
			if (!solver_propagate(s, &fits))
				return false;
		}
	}
	/* What contradicts without a cycle needs no search any more. */
	v->contradiction |= !fits;
	return fits || show_cycle(s);
}
