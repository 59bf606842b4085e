/*
 * paxos_gap: slots that are accepted while one before them is not.  Their records are in the log; they are entries of it once
 * what is missing has come.  Mostly there are none, or a few of a message that overtook another.
 */
#include "lib/base/err.h"
#include "lib/proto/paxos_coat.h"

#include <stdlib.h>

void gaps_release(struct gaps *g)
{
	for (size_t i = g->first; i < g->count; i++)
		free(g->gap[i].text);
	free(g->gap);
	*g = (struct gaps){ 0 };
}

/* The number of the first at or behind a slot. */
static size_t place(const struct gaps *g, paxos_slot slot)
{
	size_t low = g->first, high = g->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (g->gap[middle].slot < slot)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct gap *gaps_find(struct gaps *g, paxos_slot slot)
{
	size_t at = place(g, slot);

	return at < g->count && g->gap[at].slot == slot ? &g->gap[at] : NULL;
}

void gaps_put(struct gaps *g, paxos_slot slot, struct wire_text text, struct store_pos pos, struct store_pos *was)
{
	size_t at = place(g, slot);
	char *copy = must_malloc(text.len + 1);

	memcpy(copy, text.p, text.len);
	*was = (struct store_pos){ 0 };
	if (at < g->count && g->gap[at].slot == slot) {
		*was = g->gap[at].pos;
		free(g->gap[at].text);
	} else {
		if (g->count == g->room) {
			g->room = g->room ? 2 * g->room : 16;
			g->gap = must_realloc(g->gap, g->room * sizeof(*g->gap));
		}
		memmove(g->gap + at + 1, g->gap + at, (g->count++ - at) * sizeof(*g->gap));
	}
	g->gap[at] = (struct gap){ slot, copy, text.len, pos };
}

struct gap *gaps_front(struct gaps *g)
{
	return g->first < g->count ? &g->gap[g->first] : NULL;
}

void gaps_pop(struct gaps *g)
{
	free(g->gap[g->first++].text);
	if (g->first == g->count)
		g->first = g->count = 0;
}

struct store_pos gaps_oldest(const struct gaps *g)
{
	struct store_pos oldest = { 0 };

	for (size_t i = g->first; i < g->count; i++)
		oldest = store_pos_older(oldest, g->gap[i].pos);
	return oldest;
}
