/* bands: see bands.h */
#include "lib/load/bands.h"
#include "lib/base/err.h"
#include "lib/plan/plan.h"
#include "lib/trace/trace.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const band_kind_name[BAND_KINDS] = {
	[BAND_PARTITION] = "partition", [BAND_LINK] = "link", [BAND_DOWN] = "down", [BAND_PAUSE] = "paused", [BAND_SKEW] = "skew",
};

static double seconds(uint64_t ns)
{
	return (double)ns / 1e9;
}

/* --- Open and close --- */

static void open_band(struct bands *b, enum band_kind kind, uint64_t at, uint64_t id, const char *label, size_t len)
{
	struct band *band;

	b->cut |= b->count == BANDS_MAX;
	if (b->cut)
		return;
	if (!(b->count & (b->count - 1)))
		b->band = must_realloc(b->band, 2 * (b->count + 1) * sizeof(*b->band));
	band = &b->band[b->count++];
	*band = (struct band){ .kind = kind, .from_s = seconds(at), .to_s = HUGE_VAL, .id = id };
	snprintf(band->label, sizeof(band->label), "%.*s", (int)len, label);
}

/* What is open of these kinds; id 0: whichever; label NULL: any. */
static void close_bands(struct bands *b, unsigned kinds, uint64_t at, uint64_t id, const char *label, size_t len)
{
	for (size_t i = 0; i < b->count; i++) {
		struct band *band = &b->band[i];

		if (!(kinds & 1U << band->kind) || band->to_s < HUGE_VAL || (id && band->id != id))
			continue;
		if (!label || (strlen(band->label) == len && !memcmp(band->label, label, len)))
			band->to_s = seconds(at);
	}
}

/* One for each node that the order names. */
static void each_node(struct bands *b, const struct fault_order *o, enum band_kind kind, uint64_t at, bool opens)
{
	for (const char *p = o->nodes ? o->nodes : ""; *p; p += strcspn(p, ",|")) {
		p += strspn(p, ",|");
		close_bands(b, 1U << kind, at, 0, p, strcspn(p, ",|"));
		if (opens && *p)
			open_band(b, kind, at, o->id, p, strcspn(p, ",|"));
	}
}

/* --- What the trace tells --- */

static void take_order(struct bands *b, const struct fault_order *o, uint64_t at, bool ends)
{
	const unsigned network = 1U << BAND_PARTITION | 1U << BAND_LINK;
	const char *nodes = o->nodes ? o->nodes : "";
	bool skews = o->offset_ns || o->drift < 1 || o->drift > 1;

	switch (o->kind) {
	case FAULT_ORDER_PARTITION:
	case FAULT_ORDER_ISOLATE: open_band(b, BAND_PARTITION, at, o->id, nodes, strlen(nodes)); break;
	case FAULT_ORDER_LINK: open_band(b, BAND_LINK, at, o->id, nodes, strlen(nodes)); break;
	case FAULT_ORDER_HEAL: close_bands(b, network, at, o->id, NULL, 0); break;
	case FAULT_ORDER_PAUSE: each_node(b, o, BAND_PAUSE, at, true); break;
	case FAULT_ORDER_RESUME: each_node(b, o, BAND_PAUSE, at, false); break;
	case FAULT_ORDER_SKEW: each_node(b, o, BAND_SKEW, at, skews && !ends); break;
	case FAULT_ORDER_CALM: close_bands(b, network | 1U << BAND_PAUSE | 1U << BAND_SKEW, at, 0, NULL, 0); break;
	/* A death and a start come of them. */
	case FAULT_ORDER_CRASH:
	case FAULT_ORDER_RESTART:
	case FAULT_ORDERS: break;
	}
}

static void take_event(struct bands *b, const struct trace_event *e)
{
	struct fault_order order;
	struct plan_error error;

	if (e->kind == TRACE_DEATH) {
		close_bands(b, 1U << BAND_PAUSE, e->at, 0, e->node.p, e->node.len);
		open_band(b, BAND_DOWN, e->at, 0, e->node.p, e->node.len);
	} else if (e->kind == TRACE_START) {
		close_bands(b, 1U << BAND_DOWN, e->at, 0, e->node.p, e->node.len);
	} else if (e->kind == TRACE_FAULT && !plan_parse(&order, e->fault.p, e->fault.len, true, &error)) {
		take_order(b, &order, e->at, e->ends);
		fault_order_release(&order);
	}
}

static bool is_first(const struct trace_event *e, const char *src)
{
	struct wire_line line;
	uint64_t msg_id;

	return e->kind == TRACE_SEND && e->src.len == strlen(src) && !memcmp(e->src.p, src, e->src.len) && e->message.p &&
	       !wire_parse(&line, e->message.p, e->message.len) && wire_u64(&line.msg_id, &msg_id) && msg_id == 1;
}

static int read_all(struct bands *b, struct trace_reader *r, const char *src, uint64_t *first, char *why)
{
	struct trace_event e;
	uint64_t line;
	int got;

	while ((got = trace_next(r, &e)) > 0) {
		take_event(b, &e);
		b->until_s = e.kind == TRACE_END ? HUGE_VAL : seconds(e.at);
		/* Who called himself so before us is forgotten. */
		if (is_first(&e, src))
			*first = e.at;
	}
	if (!got || trace_reader_torn(r))
		return 0;
	snprintf(why, BANDS_WHY_BYTES, "%s", trace_reader_error(r, &line));
	if (line)
		snprintf(why, BANDS_WHY_BYTES, "line %ju: %s", (uintmax_t)line, trace_reader_error(r, &line));
	return -1;
}

int bands_read(struct bands *b, const char *path, const char *src, double first_s, char why[static BANDS_WHY_BYTES],
	       bool *data)
{
	struct trace_reader *r = trace_reader_open(path);
	uint64_t first = UINT64_MAX;
	int rc;

	*b = (struct bands){ .count = 0 };
	*data = r;
	if (!r) {
		snprintf(why, BANDS_WHY_BYTES, "%s", strerror(errno));
		return -1;
	}
	rc = read_all(b, r, src, &first, why);
	trace_reader_free(r);
	if (!rc && first == UINT64_MAX) {
		snprintf(why, BANDS_WHY_BYTES, "it has no request of '%s'", src);
		rc = -1;
	}
	b->until_s += first_s - seconds(first);
	for (size_t i = 0; i < b->count; i++) {
		b->band[i].from_s += first_s - seconds(first);
		b->band[i].to_s += first_s - seconds(first);
	}
	return rc;
}

void bands_release(struct bands *b)
{
	free(b->band);
	*b = (struct bands){ .count = 0 };
}
