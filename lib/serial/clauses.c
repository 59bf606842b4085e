/*
 * clauses: what is assigned, what follows from it by the clauses, and what is learnt from a conflict.
 *
 * The usual: two literals of a clause are watched (Moskewicz et al., "Chaff", 2001), a conflict is resolved with the reasons of
 * its literals until one of the last level is left (first unique implication point: Marques-Silva and Sakallah, "GRASP", 1996).
 * Unlike the usual, after a conflict not more than a few levels are taken back (Nadel and Ryvchin, "Chronological
 * backtracking", 2018): decisions are made along the order of time and most of those in between have nothing to do with it.  So
 * the trail has literals whose level, the latest of their reason, is less than that at which they were assigned; they stay
 * when more recent ones are taken back.  Of a clause all of whose literals but one are false, the false one that is
 * watched is of the latest level.
 */
#include "lib/serial/inside.h"

#include <string.h>

enum {
	HEAD_WORDS = 3,                 /* of a clause: length, two links */
	LEVELS_BACK = 100,              /* at most, if more would do */
};

static uint32_t *literals_of(struct solver *v, uint32_t clause)
{
	return v->word + clause + HEAD_WORDS;
}

static void watch(struct solver *v, uint32_t clause, int which)
{
	uint32_t literal = literals_of(v, clause)[which];

	v->word[clause + 1 + (uint32_t)which] = v->watch[literal];
	v->watch[literal] = clause;
}

static bool unit_add(struct solver *v, struct memory *m, uint32_t literal)
{
	if (v->unit_count == v->unit_room) {
		void *p = memory_grow(m, v->units, &v->unit_room, sizeof(*v->units));

		if (!p)
			return false;
		v->units = p;
	}
	v->units[v->unit_count++] = literal;
	return true;
}

/* Of one literal: it waits to be assigned; of none: there is nothing to try.  The first two are watched. */
bool clause_add(struct solver *v, struct memory *m, const uint32_t *literal, uint32_t count, uint32_t *offset)
{
	*offset = NONE;
	if (count == 0)
		v->contradiction = true;
	if (count == 1)
		return unit_add(v, m, literal[0]);
	if (count < 2)
		return true;
	while (v->word_room - v->words < count + HEAD_WORDS) {
		void *p = memory_grow(m, v->word, &v->word_room, sizeof(*v->word));

		if (!p)
			return false;
		v->word = p;
	}
	*offset = v->words;
	v->words += count + HEAD_WORDS;
	v->word[*offset] = count;
	memcpy(literals_of(v, *offset), literal, count * sizeof(*literal));
	watch(v, *offset, 0);
	watch(v, *offset, 1);
	return true;
}

/* --- What is assigned --- */

void literal_assign(struct solver *v, uint32_t literal, uint32_t reason, uint32_t level)
{
	uint32_t variable = literal / 2;

	assert(!v->is[variable]);
	v->is[variable] = literal % 2 ? 2 : 1;
	v->level_of[variable] = level;
	v->reason[variable] = reason;
	v->trail[v->trailed++] = literal;
}

void level_new(struct solver *v, uint32_t turn)
{
	v->level[v->levels++] = (struct level){ v->trailed, turn };
}

/* Which of its literals, but for the one, is false since the latest level. */
static uint32_t latest(const struct solver *v, const uint32_t *literal, uint32_t count, uint32_t but)
{
	uint32_t found = !but;

	for (uint32_t i = 0; i < count; i++)
		if (i != but && v->level_of[literal[i] / 2] > v->level_of[literal[found] / 2])
			found = i;
	return found;
}

static void swap(uint32_t *literal, uint32_t a, uint32_t b)
{
	uint32_t l = literal[a];

	literal[a] = literal[b];
	literal[b] = l;
}

/* A clause of which a watched literal became false: another watch, or its other literal follows, or all are false. */
static bool look_at(struct solver *v, uint32_t clause, int which)
{
	uint32_t *l = literals_of(v, clause), count = v->word[clause];

	v->work++;
	if (literal_is(v, l[!which]) == 1) {
		watch(v, clause, which);
		return true;
	}
	for (uint32_t i = 2; i < count; i++) {
		if (literal_is(v, l[i]) == 2)
			continue;
		swap(l, (uint32_t)which, i);
		watch(v, clause, which);
		return true;
	}
	v->work += count / 8;
	swap(l, (uint32_t)which, latest(v, l, count, !which));
	watch(v, clause, which);
	if (literal_is(v, l[!which]) == 0) {
		literal_assign(v, l[!which], clause, v->level_of[l[which] / 2]);
		return true;
	}
	memcpy(v->conflict, l, count * sizeof(*l));
	v->conflicting = count;
	return false;
}

bool clauses_propagate(struct solver *v)
{
	while (v->looked < v->trailed) {
		uint32_t lost = v->trail[v->looked++] ^ 1, clause = v->watch[lost];

		v->watch[lost] = NONE;
		while (clause != NONE) {
			int which = literals_of(v, clause)[0] != lost;
			uint32_t next = v->word[clause + 1 + (uint32_t)which];

			if (look_at(v, clause, which)) {
				clause = next;
				continue;
			}
			/* Those that were not looked at stay. */
			for (clause = next; clause != NONE; clause = next) {
				which = literals_of(v, clause)[0] != lost;
				next = v->word[clause + 1 + (uint32_t)which];
				watch(v, clause, which);
			}
			return false;
		}
	}
	return true;
}

/* --- Back --- */

/* What is of a later level goes; the rest is looked at again. */
static void take_back(struct solver *v, uint32_t level)
{
	uint32_t from = v->level[level].trail, kept = from;

	if (v->edged > from) {
		order_take_back(v, v->trail_added[from]);
		v->edged = from;
	}
	for (uint32_t i = from; i < v->trailed; i++) {
		uint32_t literal = v->trail[i];

		if (v->level_of[literal / 2] <= level)
			v->trail[kept++] = literal;
		else
			v->is[literal / 2] = 0;
	}
	v->trailed = kept;
	v->looked = from;
	v->turned = v->level[level].turn;
	v->levels = level;
}

void clauses_restart(struct solver *v)
{
	if (v->levels)
		take_back(v, 0);
}

/* --- Learning --- */

static uint32_t last_level(const struct solver *v)
{
	uint32_t level = 0;

	for (uint32_t i = 0; i < v->conflicting; i++)
		if (level < v->level_of[v->conflict[i] / 2])
			level = v->level_of[v->conflict[i] / 2];
	return level;
}

/* Into the conflict, from place 1, go the literals of lower levels; how many of this level were new. */
static uint32_t gather(struct solver *v, const uint32_t *literal, uint32_t count, uint32_t level)
{
	uint32_t fresh = 0;

	for (uint32_t i = 0; i < count; i++) {
		uint32_t l = literal[i];

		if (v->seen[l / 2] || !v->level_of[l / 2])
			continue;
		v->seen[l / 2] = true;
		if (v->level_of[l / 2] == level)
			fresh++;
		else
			v->conflict[v->conflicting++] = l;
	}
	return fresh;
}

/* The conflict becomes a clause of which the first literal alone is of this level. */
static void resolve(struct solver *v, uint32_t level)
{
	uint32_t count = v->conflicting, open, at = v->trailed, literal;

	/* What is gathered is never ahead of what is read. */
	v->conflicting = 0;
	open = gather(v, v->conflict, count, level);
	memmove(v->conflict + 1, v->conflict, v->conflicting * sizeof(*v->conflict));
	v->conflicting++;
	for (;;) {
		const uint32_t *reason;

		do
			literal = v->trail[--at];
		while (!v->seen[literal / 2] || v->level_of[literal / 2] != level);
		if (--open == 0)
			break;
		v->seen[literal / 2] = false;
		assert(v->reason[literal / 2] != NONE);
		reason = literals_of(v, v->reason[literal / 2]);
		/* It stands there itself, and must not be seen again. */
		v->seen[literal / 2] = true;
		open += gather(v, reason, v->word[v->reason[literal / 2]], level);
		v->seen[literal / 2] = false;
		v->work++;
	}
	v->conflict[0] = literal ^ 1;
}

uint32_t clause_turn(struct solver *v)
{
	if (v->conflicting < 2)
		return 0;
	swap(v->conflict, 1, latest(v, v->conflict, v->conflicting, 0));
	return v->level_of[v->conflict[1] / 2];
}

bool clauses_learn(struct serial *s, bool *open)
{
	struct solver *v = &s->solver;
	uint32_t level = last_level(v), second, clause;

	*open = level > 0;
	if (!level)
		return true;
	if (level < v->levels)
		take_back(v, level);
	resolve(v, level);
	for (uint32_t i = 0; i < v->conflicting; i++)
		v->seen[v->conflict[i] / 2] = false;
	second = clause_turn(v);
	take_back(v, level - second > LEVELS_BACK ? level - 1 : second);
	if (!clause_add(v, s->memory, v->conflict, v->conflicting, &clause))
		return false;
	if (clause != NONE)
		literal_assign(v, v->conflict[0], clause, second);
	return true;
}
