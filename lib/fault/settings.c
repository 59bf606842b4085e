/* settings: what links do to messages, put together of several orders'. */
#include "lib/fault/fault.h"

void fault_settings_add(struct fault_settings *s, const struct fault_settings *over)
{
	if (over->set & FAULT_SET_LOSS)
		s->loss = over->loss;
	if (over->set & FAULT_SET_BURST)
		s->burst = over->burst;
	if (over->set & FAULT_SET_DELAY)
		s->delay = over->delay;
	if (over->set & FAULT_SET_DUPLICATE)
		s->duplicate = over->duplicate;
	if (over->set & FAULT_SET_REORDER) {
		s->reorder = over->reorder;
		s->reorder_ns = over->reorder_ns;
	}
	if (over->set & FAULT_SET_CORRUPT)
		s->corrupt = over->corrupt;
	if (over->set & FAULT_SET_TRUNCATE)
		s->truncate = over->truncate;
	if (over->set & FAULT_SET_RATE) {
		s->rate_bits = over->rate_bits;
		s->queue_bytes = over->queue_bytes;
	}
	s->set |= over->set;
}

static bool delay_none(const struct fault_delay *d)
{
	return !d->a_ns && (!d->b_ns || (d->distribution != FAULT_UNIFORM && d->distribution != FAULT_NORMAL));
}

bool fault_settings_none(const struct fault_settings *s)
{
	return (!(s->set & FAULT_SET_LOSS) || s->loss.p <= 0) &&
	       (!(s->set & FAULT_SET_BURST) || (s->burst.p <= 0 && s->burst.good <= 0)) &&
	       (!(s->set & FAULT_SET_DELAY) || delay_none(&s->delay)) &&
	       (!(s->set & FAULT_SET_DUPLICATE) || s->duplicate.p <= 0) &&
	       (!(s->set & FAULT_SET_REORDER) || s->reorder.p <= 0 || !s->reorder_ns) &&
	       (!(s->set & FAULT_SET_CORRUPT) || s->corrupt.p <= 0) &&
	       (!(s->set & FAULT_SET_TRUNCATE) || s->truncate.p <= 0) &&
	       (!(s->set & FAULT_SET_RATE) || !s->rate_bits);
}
