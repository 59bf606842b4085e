/*
 * control: messages of `net` itself in real time: what it tells nodes, and what clients ask of it (voice.h).
 *
 * A crash or a restart takes time: who asked for it is told once all the nodes that it names are down, or up again.
 */
#include "lib/net/inside.h"
#include "lib/net/voice.h"
#include "lib/plan/plan.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

/* --- To nodes --- */

static const char *name_of(const void *net, size_t i)
{
	return port_name(((const struct net *)net)->end[i]);
}

static bool is_up(const void *net, size_t i)
{
	return port_is_up(((const struct net *)net)->end[i]);
}

static struct voice_nodes all(const struct net *n)
{
	return (struct voice_nodes){ n, n->ends, name_of, is_up };
}

/* The line made. */
static void put(struct port *to, struct wire_text dest)
{
	const struct wire_text src = { "net", 3 };
	struct net *n = to->net;

	faults_tell(n, src, dest, n->line.at, n->line.len - 1);
	if (!port_put(to, n->line.at, n->line.len, 1))
		faults_untell(n, src, dest, to);
}

static void hand(struct port *to)
{
	if (port_is_up(to))
		put(to, (struct wire_text){ port_name(to), strlen(port_name(to)) });
}

void control_init(struct child *c)
{
	struct net *n = c->port.net;
	struct voice_nodes nodes = all(n);

	voice_init(&n->line, c->name, n->options, &nodes);
	hand(&c->port);
}

void control_peer_down(struct net *n, const char *gone, bool everywhere)
{
	if (n->options->no_hints)
		return;
	for (size_t i = 0; i < n->ends; i++) {
		const char *name = port_name(n->end[i]);

		if (!port_is_up(n->end[i]) || (n->end[i]->peer && !everywhere) || !strcmp(name, gone))
			continue;
		voice_peer_down(&n->line, name, gone);
		hand(n->end[i]);
	}
}

static void from_node(struct child *c, const struct wire_line *line)
{
	char text[256];
	const char *why = voice_init_error(c->port.net->names, line, text, sizeof(text));

	if (why)
		warn("node '%s' answers init with an error: %s", c->name, why);
}

/* --- To clients --- */

/* The line made goes to where the name was used last. */
static void answer(struct net *n, struct wire_text src)
{
	struct port *to = book_find(&n->book, src.p, src.len);

	if (!to || port_is_node(to))
		return;
	to->answered++;
	put(to, src);
}

static void answer_error(struct net *n, struct wire_text src, struct wire_text msg_id, enum wire_code code,
			 const char *text)
{
	if (!msg_id.p)
		return;
	voice_error(&n->line, src, msg_id, code, text);
	answer(n, src);
}

static void nodes(struct net *n, const struct wire_line *line)
{
	struct voice_nodes nodes = all(n);

	if (!line->msg_id.json.p)
		return;
	voice_nodes(&n->line, line, &nodes);
	answer(n, line->src);
}

static void links(struct net *n, const struct wire_line *line)
{
	struct fault_out out;

	if (!line->msg_id.json.p)
		return;
	faults_in_force(n, &out);
	voice_links(&n->line, line, n->options, traffic_faults(n->rig.traffic), &out);
	answer(n, line->src);
}

/* --- Crash and restart --- */

static void answer_asker(struct net *n, const struct asker *a)
{
	static const struct wire_text crash = { "crash", 5 }, restart = { "restart", 7 };
	struct wire_text src = { a->src.at, a->src.len }, msg_id = { a->msg_id.at, a->msg_id.len };

	if (a->why) {
		answer_error(n, src, msg_id, WIRE_ABORT, strerror(a->why));
	} else if (msg_id.p) {
		voice_begin_ok(&n->line, a->restart ? restart : crash, src, msg_id);
		wire_end(&n->line);
		answer(n, src);
	}
}

/* One of those that it asked for is done. */
static void ask_done(struct net *n, struct ask *ask, int why)
{
	struct asker *a = ask->asker;

	free(ask);
	if (!a)
		return;
	if (why)
		a->why = why;
	if (--a->left)
		return;
	answer_asker(n, a);
	buf_release(&a->src);
	buf_release(&a->msg_id);
	free(a);
}

static void add_ask(struct child *c, bool restart, struct asker *asker)
{
	struct ask **at = &c->asks;

	while (*at)
		at = &(*at)->next;
	*at = must_calloc(1, sizeof(**at));
	(*at)->restart = restart;
	(*at)->asker = asker;
	if (asker)
		asker->left++;
	c->ask_count++;
}

void control_down(struct child *c)
{
	struct net *n = c->port.net;
	bool restart = false;
	int why = 0;

	for (struct ask *a = c->asks; a; a = a->next)
		restart = restart || a->restart;
	if (restart) {
		why = n->ending ? ECANCELED : child_start(c);
		if (why && !n->ending)
			warn("cannot start node '%s': '%s': %s", c->name, c->argv[0], strerror(why));
	}
	while (c->asks) {
		struct ask *a = c->asks;

		c->asks = a->next;
		c->ask_count--;
		ask_done(n, a, a->restart ? why : 0);
	}
}

void control_kill(struct child *c, bool restart)
{
	if ((restart || (c->pid && c->port.net->asker)) && c->ask_count < NET_ASKS_MAX)
		add_ask(c, restart, c->port.net->asker);
	c->by_fault = !c->port.net->asker;
	c->asked_to_end = true;
	child_signal(c, SIGKILL);
	if (!c->pid)
		control_down(c);
}

/* --- Faults --- */

/* Answered when all the nodes are down, or up again. */
static const char *kill_nodes(struct net *n, const struct wire_line *line, const struct fault_order *o)
{
	struct asker *a = must_calloc(1, sizeof(*a));
	struct ask *whole = must_calloc(1, sizeof(*whole));
	const char *why;
	uint64_t id;

	a->restart = o->kind == FAULT_ORDER_RESTART;
	a->left = 1;
	whole->asker = a;
	buf_add(&a->src, line->src.p, line->src.len);
	if (line->msg_id.json.p)
		buf_add(&a->msg_id, line->msg_id.json.p, line->msg_id.json.len);
	n->asker = a;
	why = faults_order(n, o, &id);
	n->asker = NULL;
	if (why)
		buf_release(&a->msg_id);        /* it is answered with that instead */
	ask_done(n, whole, 0);
	return why;
}

/* Of a crash or restart of a single node: why it is refused; NULL: it is not. */
static const char *refused(const struct net *n, const struct fault_order *o)
{
	struct port *p = book_find(&n->book, o->nodes, strlen(o->nodes));

	if (!p || !p->child)
		return NULL;
	if (o->kind == FAULT_ORDER_CRASH && !p->child->pid && !p->child->again)
		return "the node is down";
	return p->child->ask_count >= NET_ASKS_MAX ? "too many ask for that" : NULL;
}

static void order(struct net *n, const struct wire_line *line)
{
	struct wire_text src = line->src, msg_id = line->msg_id.json;
	struct fault_order o;
	struct plan_error error;
	const char *why;
	uint64_t id;

	if (plan_parse(&o, line->body.p, line->body.len, true, &error)) {
		answer_error(n, src, msg_id, WIRE_MALFORMED, error.why);
		return;
	}
	if (o.kind != FAULT_ORDER_CRASH && o.kind != FAULT_ORDER_RESTART) {
		why = faults_order(n, &o, &id);
		if (!why && msg_id.p) {
			voice_ok(&n->line, line, id);
			answer(n, src);
		}
	} else if ((why = refused(n, &o))) {
		answer_error(n, src, msg_id, WIRE_PRECONDITION, why);
		why = NULL;
	} else {
		why = kill_nodes(n, line, &o);
	}
	/* A heal that was understood can fail only because its fault is over, or never was. */
	if (why)
		answer_error(n, src, msg_id, o.kind == FAULT_ORDER_HEAL ? WIRE_PRECONDITION : WIRE_MALFORMED, why);
	fault_order_release(&o);
}

static void from_client(struct net *n, struct port *from, const struct wire_line *line)
{
	static const struct {
		const char *type;
		void (*obey)(struct net *, const struct wire_line *);
	} known[] = {
		{ "nodes", nodes }, { "links", links },
	};

	from->asked += line->msg_id.json.p != NULL;
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		if (line->type.len != strlen(known[i].type) || memcmp(line->type.p, known[i].type, line->type.len) != 0)
			continue;
		known[i].obey(n, line);
		return;
	}
	if (plan_type(line->type.p, line->type.len)) {
		order(n, line);
		return;
	}
	answer_error(n, line->src, line->msg_id.json, WIRE_NOT_SUPPORTED, wire_code_text(WIRE_NOT_SUPPORTED));
}

void control_line(struct net *n, struct port *from, const char *text, size_t len)
{
	struct wire_line line;

	if (wire_parse(&line, text, len)) {
		if (!from->child && line.src.p) {
			from->asked += line.msg_id.json.p != NULL;
			answer_error(n, line.src, line.msg_id.json, WIRE_MALFORMED, line.error);
		}
		return;
	}
	if (from->child)
		from_node(from->child, &line);
	else
		from_client(n, from, &line);
}
