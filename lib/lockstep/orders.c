/*
 * orders: messages of `net` in virtual time, as lib/net/control.c has them: what it tells nodes, and what clients ask
 * of it.  All of it happens at once.
 */
#include "lib/lockstep/inside.h"
#include "lib/plan/plan.h"

#include <stdio.h>
#include <string.h>

enum { KEEP_BYTES = 1 << 16, INIT_MSG_ID = 1 };

static const char net_name[] = "net";

static void begin(struct lockstep *l, const char *dest, size_t len)
{
	buf_clear(&l->line, KEEP_BYTES);
	wire_begin(&l->line, net_name, sizeof(net_name) - 1, dest, len);
}

/* --- To nodes --- */

enum which { ALL, MEMBERS, DOWN };

static bool is_one_of(const struct lockstep *l, const struct party *p, enum which which)
{
	const char *rest = l->options->members;
	size_t len = strlen(p->name);

	if (which == DOWN)
		return !p->pid;
	if (which == ALL || !rest)
		return true;
	while (strncmp(rest, p->name, len) != 0 || (rest[len] && rest[len] != ',')) {
		rest = strchr(rest, ',');
		if (!rest++)
			return false;
	}
	return true;
}

static void put_names(struct lockstep *l, enum which which)
{
	const char *comma = "";

	buf_putc(&l->line, '[');
	for (size_t i = 0; i < l->nodes; i++) {
		if (!is_one_of(l, &l->node[i], which))
			continue;
		buf_puts(&l->line, comma);
		wire_put_string(&l->line, l->node[i].name, strlen(l->node[i].name));
		comma = ",";
	}
	buf_putc(&l->line, ']');
}

static void hand(struct party *p)
{
	post_tell(p->l, p, p->name, strlen(p->name), p->l->line.at, p->l->line.len - 1);
}

void orders_init(struct party *p)
{
	struct lockstep *l = p->l;

	begin(l, p->name, strlen(p->name));
	buf_printf(&l->line, "\"type\":\"init\",\"msg_id\":%d,\"node_id\":", INIT_MSG_ID);
	wire_put_string(&l->line, p->name, strlen(p->name));
	buf_puts(&l->line, ",\"node_ids\":");
	put_names(l, MEMBERS);
	wire_end(&l->line);
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
		begin(l, p->name, strlen(p->name));
		buf_puts(&l->line, "\"type\":\"peer_down\",\"node\":");
		wire_put_string(&l->line, gone->name, strlen(gone->name));
		wire_end(&l->line);
		hand(p);
	}
}

static void from_node(struct party *p, const struct wire_line *line)
{
	struct wire_value value[2];
	uint64_t msg_id;
	char text[256];

	if (line->type.len != 5 || memcmp(line->type.p, "error", 5) != 0 ||
	    !wire_u64(&line->in_reply_to, &msg_id) || msg_id != INIT_MSG_ID)
		return;
	wire_body(p->l->wire_names, line->body, value);
	told(p->l, "node '%s' answers init with an error: %s", p->name,
	     wire_string(&value[1], text, sizeof(text) - 1) ? text : "it does not say which");
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

static void begin_answer(struct lockstep *l, const struct wire_line *line)
{
	begin(l, line->src.p, line->src.len);
	buf_printf(&l->line, "\"type\":\"%.*s_ok\",\"in_reply_to\":", (int)line->type.len, line->type.p);
	buf_add(&l->line, line->msg_id.json.p, line->msg_id.json.len);
}

/* A message without msg_id wants no answer. */
static void answer_error(struct lockstep *l, const struct wire_line *line, enum wire_code code, const char *text)
{
	if (!line->msg_id.json.p)
		return;
	buf_clear(&l->line, KEEP_BYTES);
	wire_error(&l->line, net_name, line->src, line->msg_id.json, code, text);
	answer(l, line->src);
}

static void nodes(struct lockstep *l, const struct wire_line *line)
{
	if (!line->msg_id.json.p)
		return;
	begin_answer(l, line);
	buf_puts(&l->line, ",\"nodes\":");
	put_names(l, ALL);
	buf_puts(&l->line, ",\"down\":");
	put_names(l, DOWN);
	wire_end(&l->line);
	answer(l, line->src);
}

/* The options' own settings are told first, as an order for all links. */
static void links(struct lockstep *l, const struct wire_line *line)
{
	const struct fault_options *options = &l->options->fault;
	struct fault_order all = { .kind = FAULT_ORDER_LINK, .nodes = (char[]){ "*>*" }, .settings = options->settings };
	struct fault_out out;
	const char *comma = "";

	if (!line->msg_id.json.p)
		return;
	begin_answer(l, line);
	buf_puts(&l->line, ",\"faults\":[");
	if (all.settings.set && !l->options->replay) {
		plan_print(&l->line, &all, false);
		comma = ",";
	}
	fault_net_in_force(traffic_faults(l->rig.traffic), l->now_ns, &out);
	for (size_t i = 0; i < out.count; i++) {
		buf_puts(&l->line, comma);
		plan_print(&l->line, &out.orders[i], false);
		comma = ",";
	}
	buf_putc(&l->line, ']');
	wire_end(&l->line);
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
		begin_answer(l, line);
		if (!kills(&o)) {
			buf_puts(&l->line, ",\"id\":");
			buf_u64(&l->line, id);
		}
		wire_end(&l->line);
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
