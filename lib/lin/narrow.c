/*
 * narrow: a search that keeps few configurations, which finds an order soon where there is one.
 *
 * Where many operations are under way, or of unknown outcome, nearly all configurations have used what need not be used
 * yet.  So those that have spent and used least are kept, and of what can happen before a return the shortest ways are
 * tried.  An order that is found so is one.  If none is found nothing is known, and a search that keeps more has to follow.
 */
#include "lib/lin/inside.h"

enum {
	SPENT_WEIGHS = 8,               /* as much as so many used: what is used had to happen anyway */
	SCORES = 256,                   /* what is worse by more than that is not told apart */
	ROOM = 2, MIDDLE_ROOM = 4,      /* how many times the width come of one return, and on the way to it */
};

/* As long as nothing has come of it, the search goes on. */
bool lin_narrow_is_full(const struct lin_search *s)
{
	uint64_t width = s->aim.width;

	return width && (s->then.live >= ROOM * width ||
			 ((s->then.live || s->aim.lavish) && s->mid.live >= MIDDLE_ROOM * width));
}

static uint64_t score(const struct lin_search *s, uint64_t *config)
{
	uint64_t used = 0;

	for (uint32_t w = 0; w < s->shape.words; w++)
		for (uint64_t bits = config[1 + s->shape.words + w]; bits; bits &= bits - 1)
			used++;
	return SPENT_WEIGHS * *lin_spent(&s->shape, config) + used;
}

/* How much worse than the best. */
static uint32_t grade(const struct lin_search *s, uint64_t *config, uint64_t least)
{
	uint64_t more = score(s, config) - least;

	return more < SCORES ? (uint32_t)more : SCORES - 1;
}

static bool is_gone(const uint64_t *config)
{
	return lin_state_of(config) == LIN_GONE;
}

static uint64_t least_score(const struct lin_search *s)
{
	uint64_t least = UINT64_MAX;

	for (uint32_t i = 0; i < s->then.count; i++) {
		uint64_t *config = lin_config(&s->then, i);

		if (!is_gone(config) && score(s, config) < least)
			least = score(s, config);
	}
	return least;
}

/* How many of each grade are kept. */
static void allot(const struct lin_search *s, uint64_t least, uint32_t of_grade[SCORES])
{
	uint32_t left = s->aim.width;

	for (uint32_t i = 0; i < s->then.count; i++)
		if (!is_gone(lin_config(&s->then, i)))
			of_grade[grade(s, lin_config(&s->then, i), least)]++;
	for (uint32_t g = 0; g < SCORES; g++) {
		of_grade[g] = of_grade[g] < left ? of_grade[g] : left;
		left -= of_grade[g];
	}
}

void lin_narrow(struct lin_search *s)
{
	uint32_t of_grade[SCORES] = { 0 };
	uint64_t least;

	if (!s->aim.width || s->then.live <= s->aim.width)
		return;
	s->cut = true;
	least = least_score(s);
	allot(s, least, of_grade);
	for (uint32_t i = 0; i < s->then.count; i++) {
		uint64_t *config = lin_config(&s->then, i);
		uint32_t g = is_gone(config) ? 0 : grade(s, config, least);

		if (is_gone(config))
			continue;
		if (of_grade[g]) {
			of_grade[g]--;
			continue;
		}
		config[0] |= LIN_GONE;
		s->then.live--;
	}
}
