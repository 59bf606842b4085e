/* result: what is handed out, and the names of contradictions. */
#include "lib/serial/inside.h"

#include <string.h>

/* --- The order --- */

/* Writes lie in the order in which transactions were scanned. */
static uint32_t *writes_of(struct serial *s)
{
	uint32_t *first = memory_get(s->memory, s->txns + UINT32_C(1), sizeof(*first)), w = 0;

	if (!first)
		return NULL;
	for (uint32_t t = 0; t <= s->txns; t++) {
		while (w < s->write_count && s->writes[w].txn < t)
			w++;
		first[t] = w;
	}
	return first;
}

/* What nobody asked for, or is absent, stands anywhere in the order, and is not of it. */
static bool may_be_there(const struct serial *s, uint32_t txn)
{
	uint32_t absent = s->solver.absent[txn];

	return s->solver.awake[txn] && (absent == NONE || s->solver.is[absent] != 1);
}

/* From the end: is somebody waiting for what it wrote?  Then it happened, and waits for what it read itself. */
static bool is_needed(const struct serial *s, uint32_t txn, const uint32_t *first, bool *waiting)
{
	bool needed = s->life[txn] == LIFE_CERTAIN;

	for (uint32_t w = first[txn]; w < first[txn + 1]; w++)
		needed |= waiting[s->writes[w].key];
	if (!needed)
		return false;
	for (uint32_t w = first[txn]; w < first[txn + 1]; w++)
		waiting[s->writes[w].key] = false;
	for (uint32_t r = s->first_read[txn]; r != NONE; r = s->reads[r].next_of_txn)
		waiting[s->reads[r].key] = true;
	return true;
}

bool order_make(struct serial *s)
{
	uint32_t *first = writes_of(s), at = s->txns;
	bool *waiting = memory_get(s->memory, s->key_count, sizeof(*waiting));

	s->order = memory_get(s->memory, s->txns, sizeof(*s->order));
	if (s->order && first && waiting) {
		for (uint32_t i = s->graph.nodes; i-- > 0;) {
			uint32_t v = s->graph.at[i];

			if (v < s->txns && may_be_there(s, v) && is_needed(s, v, first, waiting))
				s->order[--at] = txn_number(s, v);
		}
		s->order_count = s->txns - at;
		memmove(s->order, s->order + at, s->order_count * sizeof(*s->order));
	}
	memory_drop(s->memory, waiting, s->key_count, sizeof(*waiting));
	memory_drop(s->memory, first, s->txns + UINT32_C(1), sizeof(*first));
	return s->order && first && waiting;
}

const uint32_t *serial_order(const struct serial *s, uint32_t *count)
{
	assert(s->stage == STAGE_YES);
	*count = s->order_count;
	return s->order;
}

/* --- The contradiction --- */

const struct serial_step *serial_contradiction(const struct serial *s, uint32_t *count)
{
	*count = s->step_count;
	return s->steps;
}

const uint32_t *serial_members(const struct serial *s, uint32_t *count)
{
	*count = s->member_count;
	return s->members;
}

struct serial_figures serial_figures(const struct serial *s)
{
	struct serial_figures f = s->figures;

	f.bytes_max = s->memory->peak;
	return f;
}

/* --- Names --- */

static const char *cycle_name(const struct serial_step *step, uint32_t count)
{
	static const char *const names[2][4] = {
		{ "G0", "G1c", "G-single", "G2" },
		{ "G0-realtime", "G1c-realtime", "G-single-realtime", "G2-realtime" },
	};
	uint32_t wr = 0, rw = 0, rt = 0;

	for (uint32_t i = 0; i < count; i++) {
		wr += step[i].why == SERIAL_WR;
		rw += step[i].why == SERIAL_RW;
		rt += step[i].why == SERIAL_RT;
	}
	return names[rt > 0][rw > 1 ? 3 : rw == 1 ? 2 : wr > 0];
}

const char *serial_anomaly(const struct serial_step *step, uint32_t count)
{
	if (!count)
		return "no-order";
	switch (step->why) {
	case SERIAL_SAW_NOTHING_WRITTEN:
		return "G1a";
	case SERIAL_SAW_MIDST:
		return "G1b";
	case SERIAL_SAW_TWICE:
		return "duplicate-elements";
	case SERIAL_SAW_OTHER_ORDER:
		return "incompatible-order";
	case SERIAL_SAW_ITS_FUTURE:
		return "future-read";
	case SERIAL_MISSED_ITS_OWN:
		return "internal";
	case SERIAL_WAS_SEEN:
	case SERIAL_NO_ORDER:
		return "no-order";
	default:
		return cycle_name(step, count);
	}
}
