/*
 * orders: messages of `net` in virtual time: what it tells nodes, and what clients ask of it (lib/net/voice.h).  All of it
 * happens at once.
 */
#include "lib/lockstep/inside.h"
#include "lib/net/voice.h"
#include "lib/plan/plan.h"

#include <string.h>

/* --- To nodes --- */

static const char *name_of(const void *lockstep, size_t i)
{
	return ((const struct lockstep *)lockstep)->node[i].name;
}

static bool is_up(const void *lockstep, size_t i)
{
	return ((const struct lockstep *)lockstep)->node[i].pid;
}

static struct voice_nodes all(const struct lockstep *l)
{
	return (struct voice_nodes){ l, l->nodes, name_of, is_up };
}

static void hand(struct party *p)
{
	post_tell(p->l, p, p->name, strlen(p->name), p->l->line.at, p->l->line.len - 1);
}

void orders_init(struct party *p)
{
	struct voice_nodes nodes = all(p->l);

	voice_init(&p->l->line, p->name, p->l->options, &nodes);
	hand(p);
}

void orders_down(struct party *gone)
{
	struct lockstep *l = gone->l;

	if (l->options->no_hints)
		return;
	for (size_t i = 0; i < l->nodes; i++) {
		struct party *p = &l->node[i];

		if (!p->pid || p == gone)
			continue;
		voice_peer_down(&l->line, p->name, gone->name);
		hand(p);
	}
}

static void from_node(struct party *p, const struct wire_line *line)
{
	char text[256];
	const char *why = voice_init_error(p->l->wire_names, line, text, sizeof(text));

	if (why)
		told(p->l, "node '%s' answers init with an error: %s", p->name, why);
}

/* --- To processes --- */

static void befall(struct party *p, const struct fault_order *o)
{
	switch (o->kind) {
	case FAULT_ORDER_CRASH:
		party_crash(p);
		break;
	case FAULT_ORDER_RESTART:
		/* At the end of a crash: what has been started again in the meantime goes on. */
		if (o->ends && p->pid)
			break;
		party_crash(p);
		party_start(p);
		break;
	case FAULT_ORDER_PAUSE:
		party_pause(p, true);
		break;
	case FAULT_ORDER_RESUME:
		party_pause(p, false);
		break;
	case FAULT_ORDER_SKEW:
		party_skew(p, o->offset_ns, o->drift);
		break;
	default:
		break;                  /* the network's own, and done */
	}
}

/* What befalls may lead to no further order: `out` stays valid. */
void orders_faults(struct lockstep *l, const struct fault_out *out)
{
	for (size_t i = 0; i < out->count && !l->over; i++) {
		const struct fault_order *o = &out->orders[i];
		const char *name = o->nodes;
		size_t len;

		if (o->kind < FAULT_ORDER_CRASH || o->kind > FAULT_ORDER_SKEW || !name)
			continue;
		for (; *name; name += len + (name[len] != '\0')) {
			struct party *p = book_find(&l->book, name, len = strcspn(name, ",|"));

			if (p && p->kind == PARTY_NODE)
				befall(p, o);
		}
	}
}

/* --- To clients --- */

/* The line made goes to where the name was used last. */
static void answer(struct lockstep *l, struct wire_text src)
{
	struct party *to = book_find(&l->book, src.p, src.len);

	if (to && to->kind != PARTY_NODE)
		post_tell(l, to, src.p, src.len, l->line.at, l->line.len - 1);
}

static void answer_error(struct lockstep *l, const struct wire_line *line, enum wire_code code, const char *text)
{
	if (!line->msg_id.json.p)
		return;
	voice_error(&l->line, line->src, line->msg_id.json, code, text);
	answer(l, line->src);
}

static void nodes(struct lockstep *l, const struct wire_line *line)
{
	struct voice_nodes nodes = all(l);

	if (!line->msg_id.json.p)
		return;
	voice_nodes(&l->line, line, &nodes);
	answer(l, line->src);
}

static void links(struct lockstep *l, const struct wire_line *line)
{
	const struct fault_net *faults = traffic_faults(l->rig.traffic);
	struct fault_out out;

	if (!line->msg_id.json.p)
		return;
	fault_net_in_force(faults, l->now_ns, &out);
	voice_links(&l->line, line, l->options, faults, &out);
	answer(l, line->src);
}

static bool kills(const struct fault_order *o)
{
	return o->kind == FAULT_ORDER_CRASH || o->kind == FAULT_ORDER_RESTART;
}

/* Is it the crash of a single node that is down, and not about to come back? */
static bool is_down(const struct lockstep *l, const struct fault_order *o)
{
	struct party *p = o->kind == FAULT_ORDER_CRASH ? book_find(&l->book, o->nodes, strlen(o->nodes)) : NULL;

	return p && p->kind == PARTY_NODE && !p->pid && p->restart_ns == FAULT_NEVER;
}

/* NULL, and the id that the fault has got; or why it cannot be. */
static const char *carry_out(struct lockstep *l, const struct fault_order *o, uint64_t *id)
{
	struct fault_out out;
	const char *why;

	*id = 0;
	if (l->rig.replay) {
		run_faults(l);
		return replay_order(l, o->kind, id) ? NULL : "the replayed trace has no such fault at this time";
	}
	why = traffic_order(l->rig.traffic, l->now_ns, o, &out);
	if (why)
		return why;
	for (size_t i = 0; i < out.count; i++)
		if (!out.orders[i].ends && out.orders[i].kind == o->kind)
			*id = out.orders[i].id;
	orders_faults(l, &out);
	return NULL;
}

static void order(struct lockstep *l, const struct wire_line *line)
{
	struct fault_order o;
	struct plan_error error;
	const char *why;
	uint64_t id;

	if (plan_parse(&o, line->body.p, line->body.len, true, &error)) {
		answer_error(l, line, WIRE_MALFORMED, error.why);
		return;
	}
	if (is_down(l, &o)) {
		answer_error(l, line, WIRE_PRECONDITION, "the node is down");
	} else if ((why = carry_out(l, &o, &id))) {
		answer_error(l, line, o.kind == FAULT_ORDER_HEAL ? WIRE_PRECONDITION : WIRE_MALFORMED, why);
	} else if (line->msg_id.json.p) {
		voice_ok(&l->line, line, kills(&o) ? 0 : id);
		answer(l, line->src);
	}
	fault_order_release(&o);
}

static bool is(struct wire_text t, const char *s)
{
	return t.len == strlen(s) && !memcmp(t.p, s, t.len);
}

static void from_client(struct lockstep *l, const struct wire_line *line)
{
	if (is(line->type, "nodes"))
		nodes(l, line);
	else if (is(line->type, "links"))
		links(l, line);
	else if (plan_type(line->type.p, line->type.len))
		order(l, line);
	else
		answer_error(l, line, WIRE_NOT_SUPPORTED, wire_code_text(WIRE_NOT_SUPPORTED));
}

void orders_line(struct party *from, const char *text, size_t len)
{
	struct wire_line line;

	if (wire_parse(&line, text, len)) {
		if (from->kind != PARTY_NODE && line.src.p)
			answer_error(from->l, &line, WIRE_MALFORMED, line.error);
		return;
	}
	if (from->kind == PARTY_NODE)
		from_node(from, &line);
	else
		from_client(from->l, &line);
}
