/* spacetime_fault: a fault in a few words: "partition n1,n2 | n3", "n1>n2 loss=0.3 delay=50ms", "skew +5s". */
#include "lib/draw/spacetime_inside.h"
#include "lib/fault/fault.h"
#include "lib/plan/plan.h"

/* "n1,n2|n3" with space around the bars. */
static void put_groups(struct buf *b, const char *nodes)
{
	for (; nodes && *nodes; nodes++) {
		if (*nodes == '|')
			buf_puts(b, " | ");
		else
			buf_putc(b, *nodes);
	}
}

/* The settings as plan.h prints them, brackets and quotes left out. */
static void put_settings(struct buf *b, const struct fault_order *o)
{
	struct buf json = { NULL, 0, 0, 0 };
	const char *p, *end;
	bool quoted = false;

	plan_print(&json, o, false);
	p = memmem(json.at, json.len, "\"link\":", 7);
	end = json.at + json.len;
	for (p = p ? memchr(p + 1, ',', (size_t)(end - p) - 1) : NULL; p && p < end; p++) {
		if (*p == '"')
			quoted = !quoted;
		else if (*p == '}' && !quoted)
			break;
		else if (*p == ',' && !quoted)
			buf_putc(b, ' ');
		else
			buf_putc(b, *p == ':' && !quoted ? '=' : *p);
	}
	buf_release(&json);
}

static void put_skew(struct buf *b, const struct fault_order *o)
{
	double ms = (double)o->offset_ns / 1e6;

	buf_puts(b, "skew");
	if (o->offset_ns)
		buf_printf(b, " %+.6g ms", ms);
	if (o->drift < 1 || o->drift > 1)
		buf_printf(b, " \xc3\x97%.6g", o->drift);
}

void fault_label(char *out, size_t room, const struct fault_order *o)
{
	struct buf b = { NULL, 0, 0, 0 };

	switch (o->kind) {
	case FAULT_ORDER_PARTITION:
		buf_puts(&b, o->one_way ? "one-way " : "");
		buf_puts(&b, o->shape == FAULT_RING ? "ring " : o->shape == FAULT_BRIDGE ? "bridge " : "partition ");
		put_groups(&b, o->nodes);
		break;
	case FAULT_ORDER_ISOLATE:
		buf_puts(&b, o->one_way ? "not heard: " : "isolated ");
		put_groups(&b, o->nodes);
		break;
	case FAULT_ORDER_LINK:
		buf_puts(&b, o->nodes);
		put_settings(&b, o);
		break;
	case FAULT_ORDER_SKEW: put_skew(&b, o); break;
	case FAULT_ORDER_PAUSE: buf_puts(&b, "paused"); break;
	default: break;
	}
	snprintf(out, room, "%.*s", (int)(b.len < room ? b.len : room - 1), b.len ? b.at : "");
	buf_release(&b);
}

void fault_words(char *out, size_t room, const struct fault_order *o)
{
	static const char *const verb[FAULT_ORDERS] = {
		[FAULT_ORDER_HEAL] = "heal", [FAULT_ORDER_CALM] = "calm", [FAULT_ORDER_CRASH] = "crash",
		[FAULT_ORDER_RESTART] = "restart", [FAULT_ORDER_PAUSE] = "pause", [FAULT_ORDER_RESUME] = "resume",
	};
	size_t at;

	if (verb[o->kind])
		snprintf(out, room, "%s%s%s", verb[o->kind], o->nodes ? " " : "", o->nodes ? o->nodes : "");
	else
		fault_label(out, room, o);
	at = strlen(out);
	if (o->kind == FAULT_ORDER_SKEW)
		snprintf(out + at, room - at, " of %s", o->nodes ? o->nodes : "");
	else if (o->kind == FAULT_ORDER_HEAL && o->id)
		snprintf(out + at, room - at, " #%ju", (uintmax_t)o->id);
}
