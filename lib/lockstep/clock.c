/* clock: a node's clock that is not right, and when it shows what. */
#include "lib/lockstep/inside.h"

/* How far it runs from what it was set to; a double is exact for the first 104 days. */
static double gone(const struct clock *c, uint64_t at_ns)
{
	return (double)(at_ns - c->from_ns) * c->drift;
}

static bool right(const struct clock *c)
{
	return !c->offset_ns && c->drift == 1;
}

uint64_t clock_shows(const struct clock *c, uint64_t at_ns)
{
	double shows;

	if (right(c) || at_ns < c->from_ns)
		return at_ns;
	shows = (double)c->from_ns + (double)c->offset_ns + gone(c, at_ns);
	return shows <= 0 ? 0 : shows >= (double)WIRE_NUMBER_MAX ? WIRE_NUMBER_MAX : (uint64_t)shows;
}

uint64_t clock_when(const struct clock *c, uint64_t shown_ns)
{
	double after;
	uint64_t at_ns;

	if (right(c) || shown_ns >= WIRE_NUMBER_MAX)
		return shown_ns;
	after = ((double)shown_ns - (double)c->from_ns - (double)c->offset_ns) / c->drift;
	if (after >= (double)WIRE_NUMBER_MAX)
		return WIRE_NUMBER_MAX;
	at_ns = c->from_ns + (after <= 0 ? 0 : (uint64_t)after);
	/* Rounding may have it a little too early. */
	for (uint64_t step = 1; clock_shows(c, at_ns) < shown_ns; step *= 2)
		at_ns += step;
	return at_ns;
}
