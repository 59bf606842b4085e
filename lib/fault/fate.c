/*
 * fate: what happens to a message on a link.
 *
 * The order is netem's: lost or not, doubled or not, then each copy its damage, the rate, and the delay.  Every purpose
 * has its stream, and message n takes draw n of it, so that no fault moves another's draws.  What one draw cannot
 * decide (how long a reordered message waits, which bytes are damaged) comes of that draw's bits, mixed once more.
 */
#include "lib/fault/inside.h"

#include <assert.h>

/* Streams of a link.  The second copies' come last: they have no chain of their own, see correlated(). */
enum purpose {
	LOSS, BURST, DUPLICATE, DELAY, REORDER, CORRUPT, TRUNCATE,
	SECOND_DELAY, SECOND_REORDER, SECOND_CORRUPT, SECOND_TRUNCATE,
	PURPOSES,
};
_Static_assert((int)PURPOSES == (int)FAULT_LINK_STREAMS, "a stream each");

void fault_link_init(struct fault_link *l, uint64_t seed, const char *from, size_t from_len, const char *to, size_t to_len)
{
	static const char *const name[] = {
		"loss", "burst", "duplicate", "delay", "reorder", "corrupt", "truncate",
		"second delay", "second reorder", "second corrupt", "second truncate",
	};

	*l = (struct fault_link){ 0 };
	for (int p = 0; p < PURPOSES; p++)
		l->stream[p] = fault_stream(seed, name[p], from, from_len, to, to_len);
	/* What the first message's draw is correlated with: messages count from 1. */
	for (int p = 0; p < SECOND_DELAY; p++)
		l->last[p] = fault_unit(l->stream[p], 0);
}

/* Even bits that the draw itself does not tell. */
static uint64_t further(uint64_t bits)
{
	return fault_bits((struct fault_stream){ bits }, 1);
}

/* netem's get_crandom.  A second copy follows its first one, and is followed by none: it may not be there. */
static double correlated(struct fault_link *l, bool second, enum purpose p, double correlation, uint64_t bits)
{
	double x = fault_unit_of(bits);

	if (correlation > 0)
		x = (1 - correlation) * x + correlation * l->last[p];
	if (!second)
		l->last[p] = x;
	return x;
}

/* Does it happen?  Tells the draw's bits. */
static bool happens(struct fault_link *l, bool second, enum purpose p, const struct fault_chance *chance, uint64_t *bits)
{
	enum purpose stream = second ? p + (SECOND_DELAY - DELAY) : p;

	*bits = fault_bits(l->stream[stream], l->messages);
	return correlated(l, second, p, chance->correlation, *bits) < chance->p;
}

/* Gilbert 1960, Elliott 1963: first the state, then whether a message is lost in it. */
static bool burst(struct fault_link *l, const struct fault_burst *b)
{
	uint64_t bits = fault_bits(l->stream[BURST], l->messages);
	double change = fault_unit_of(bits), lost = fault_unit_of(further(bits));

	if (b->p <= 0)          /* no way into the bad state: what is left of an earlier setting goes */
		l->bad = false;
	else if (change < (l->bad ? b->r : b->p))
		l->bad = !l->bad;
	return lost < (l->bad ? b->bad : b->good);
}

static double drawn_delay(struct fault_link *l, bool second, const struct fault_delay *d)
{
	uint64_t bits = fault_bits(l->stream[second ? SECOND_DELAY : DELAY], l->messages);
	double u = correlated(l, second, DELAY, d->correlation, bits), a = (double)d->a_ns, b = (double)d->b_ns;

	switch (d->distribution) {
	case FAULT_CONSTANT:
		return a;
	case FAULT_UNIFORM:
		return b > a ? a + u * (b - a) : a;
	case FAULT_NORMAL:      /* the middle of the draw's 2^-53, so never 0 */
		return a + b * fault_normal(u < 0x1p-54 ? 0x1p-54 : u);
	case FAULT_EXPONENTIAL:
		return -a * fault_log(1 - u);
	case FAULT_PARETO:
		assert(d->shape > 0);
		return a * fault_exp(-fault_log(1 - u) / d->shape);
	}
	assert(!"a distribution");
	return 0;
}

static uint64_t delay(struct fault_link *l, bool second, const struct fault_delay *d)
{
	double ns;

	if (d->distribution == FAULT_CONSTANT)
		return d->a_ns;
	ns = drawn_delay(l, second, d);
	if (ns <= 0)
		return 0;
	return ns < (double)FAULT_DELAY_NS_MAX ? (uint64_t)ns : FAULT_DELAY_NS_MAX;
}

static void copy(struct fault_link *l, bool second, const struct fault_settings *s, struct fault_copy *c)
{
	uint64_t bits;

	if (s->set & FAULT_SET_DELAY)
		c->delay_ns = delay(l, second, &s->delay);
	if (s->set & FAULT_SET_REORDER && happens(l, second, REORDER, &s->reorder, &bits) && s->reorder_ns)
		c->delay_ns += 1 + fault_below_of(further(bits), s->reorder_ns);
	if (s->set & FAULT_SET_CORRUPT && happens(l, second, CORRUPT, &s->corrupt, &bits))
		c->corrupt = further(bits) | 1;
	if (s->set & FAULT_SET_TRUNCATE && happens(l, second, TRUNCATE, &s->truncate, &bits))
		c->truncate = further(bits) | 1;
}

/* How long so many bytes take, to the nearest nanosecond; what is beyond all bounds is a day. */
static uint64_t span(uint64_t bytes, uint64_t rate_bits)
{
	double ns = (double)bytes * 8e9 / (double)rate_bits + 0.5;

	return ns < (double)FAULT_DELAY_NS_MAX ? (uint64_t)ns : FAULT_DELAY_NS_MAX;
}

/* Has the rate room for it?  Then it goes behind what came before.  What finds the link free never waits. */
static bool let_go(struct fault_link *l, const struct fault_settings *s, uint64_t now_ns, size_t bytes, struct fault_copy *c)
{
	uint64_t takes = span(bytes, s->rate_bits), waits = l->free_ns > now_ns ? l->free_ns - now_ns : 0;

	if (waits && s->queue_bytes && waits + takes > span(s->queue_bytes, s->rate_bits))
		return false;
	l->free_ns = now_ns + waits + takes;
	c->delay_ns += waits + takes;
	return true;
}

void fault_fate(struct fault_link *l, const struct fault_settings *s, uint64_t now_ns, size_t bytes, struct fault_fate *fate)
{
	bool rate = s->set & FAULT_SET_RATE && s->rate_bits, twice = false;
	uint64_t drawn;

	l->messages++;
	*fate = (struct fault_fate){ .copies = 1 };
	if (!s->set)
		return;
	if (s->set & FAULT_SET_BURST && burst(l, &s->burst))
		fate->why = FAULT_BURST;
	if (s->set & FAULT_SET_LOSS && happens(l, false, LOSS, &s->loss, &drawn))
		fate->why = FAULT_LOSS;
	if (s->set & FAULT_SET_DUPLICATE)
		twice = happens(l, false, DUPLICATE, &s->duplicate, &drawn);
	copy(l, false, s, &fate->copy[0]);      /* of a lost one as well: the next one's may hang on it */
	if (fate->why == FAULT_PASSES && rate && !let_go(l, s, now_ns, bytes, &fate->copy[0]))
		fate->why = FAULT_RATE;
	if (fate->why != FAULT_PASSES || !twice)
		return;
	copy(l, true, s, &fate->copy[1]);
	if (!rate || let_go(l, s, now_ns, bytes, &fate->copy[1]))
		fate->copies = 2;
}

const char *fault_why_text(enum fault_why why)
{
	static const char *const text[] = { NULL, "loss", "burst", "rate", "partition" };

	assert(why < FAULT_WHYS);
	return text[why];
}
