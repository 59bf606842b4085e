/*
 * Messages of `net` itself: what it tells nodes, and what clients ask of it.
 *
 *     init {node_id, node_ids}, peer_down {node}         to nodes; the answers to init end here
 *     nodes -> nodes_ok {nodes, down}                    from clients
 *     crash {node} -> crash_ok                           SIGKILL; answered when the node is down
 *     restart {node} -> restart_ok                       a new process, after a crash where it still runs
 */
#include "lib/net/inside.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_KEEP_BYTES = 1 << 16, INIT_MSG_ID = 1 };

static const char net_name[] = "net";

static void begin(struct net *n, const char *dest, size_t len)
{
	buf_clear(&n->line, LINE_KEEP_BYTES);
	wire_begin(&n->line, net_name, sizeof(net_name) - 1, dest, len);
}

/* --- To nodes --- */

enum which { ALL, MEMBERS, DOWN };

static bool is_one_of(const struct net *n, const struct child *c, enum which which)
{
	const char *rest = n->options->members;
	size_t len = strlen(c->name);

	if (which == DOWN)
		return !c->up;
	if (which == ALL || !rest)
		return true;
	while (strncmp(rest, c->name, len) != 0 || (rest[len] && rest[len] != ',')) {
		rest = strchr(rest, ',');
		if (!rest++)
			return false;
	}
	return true;
}

static void put_names(struct net *n, enum which which)
{
	const char *comma = "";

	buf_putc(&n->line, '[');
	for (size_t i = 0; i < n->children; i++) {
		if (!is_one_of(n, &n->child[i], which))
			continue;
		buf_puts(&n->line, comma);
		wire_put_string(&n->line, n->child[i].name, strlen(n->child[i].name));
		comma = ",";
	}
	buf_putc(&n->line, ']');
}

static void hand(struct child *c)
{
	struct buf *line = &c->port.net->line;

	if (c->up)
		port_put(&c->port, line->at, line->len, 1);
}

void control_init(struct child *c)
{
	struct net *n = c->port.net;

	begin(n, c->name, strlen(c->name));
	buf_printf(&n->line, "\"type\":\"init\",\"msg_id\":%d,\"node_id\":", INIT_MSG_ID);
	wire_put_string(&n->line, c->name, strlen(c->name));
	buf_puts(&n->line, ",\"node_ids\":");
	put_names(n, MEMBERS);
	wire_end(&n->line);
	hand(c);
}

void control_peer_down(struct child *gone)
{
	struct net *n = gone->port.net;

	if (n->options->no_hints)
		return;
	for (size_t i = 0; i < n->children; i++) {
		struct child *c = &n->child[i];

		if (!c->up)
			continue;
		begin(n, c->name, strlen(c->name));
		buf_puts(&n->line, "\"type\":\"peer_down\",\"node\":");
		wire_put_string(&n->line, gone->name, strlen(gone->name));
		wire_end(&n->line);
		hand(c);
	}
}

static void from_node(struct child *c, const struct wire_line *line)
{
	struct wire_value value[2];
	uint64_t msg_id;
	char text[256];

	if (line->type.len != 5 || memcmp(line->type.p, "error", 5) != 0 ||
	    !wire_u64(&line->in_reply_to, &msg_id) || msg_id != INIT_MSG_ID)
		return;
	wire_body(c->port.net->names, line->body, value);
	warn("node '%s' answers init with an error: %s", c->name,
	     wire_string(&value[1], text, sizeof(text) - 1) ? text : "it does not say which");
}

/* --- To clients --- */

/* The line made goes to where the name was used last. */
static void answer(struct net *n, struct wire_text src)
{
	struct port *to = book_find(&n->book, src.p, src.len);

	if (!to || to->child)
		return;
	to->answered++;
	port_put(to, n->line.at, n->line.len, 1);
}

static void begin_answer(struct net *n, const char *type, struct wire_text src, struct wire_text msg_id)
{
	begin(n, src.p, src.len);
	buf_printf(&n->line, "\"type\":\"%s\",\"in_reply_to\":", type);
	buf_add(&n->line, msg_id.p, msg_id.len);
}

/* A message without msg_id wants no answer. */
static void answer_error(struct net *n, struct wire_text src, struct wire_text msg_id, enum wire_code code,
			 const char *text)
{
	if (!msg_id.p)
		return;
	buf_clear(&n->line, LINE_KEEP_BYTES);
	wire_error(&n->line, net_name, src, msg_id, code, text);
	answer(n, src);
}

static void nodes(struct net *n, const struct wire_line *line)
{
	if (!line->msg_id.json.p)
		return;
	begin_answer(n, "nodes_ok", line->src, line->msg_id.json);
	buf_puts(&n->line, ",\"nodes\":");
	put_names(n, ALL);
	buf_puts(&n->line, ",\"down\":");
	put_names(n, DOWN);
	wire_end(&n->line);
	answer(n, line->src);
}

/* --- Crash and restart --- */

static struct ask *ask_new(bool restart, const struct wire_line *line)
{
	struct ask *a = must_calloc(1, sizeof(*a));

	a->restart = restart;
	buf_add(&a->src, line->src.p, line->src.len);
	if (line->msg_id.json.p)
		buf_add(&a->msg_id, line->msg_id.json.p, line->msg_id.json.len);
	return a;
}

static void ask_done(struct net *n, struct ask *a, int why)
{
	struct wire_text src = { a->src.at, a->src.len }, msg_id = { a->msg_id.at, a->msg_id.len };

	if (why) {
		answer_error(n, src, msg_id, WIRE_ABORT, strerror(why));
	} else if (msg_id.p) {
		begin_answer(n, a->restart ? "restart_ok" : "crash_ok", src, msg_id);
		wire_end(&n->line);
		answer(n, src);
	}
	buf_release(&a->src);
	buf_release(&a->msg_id);
	free(a);
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
		ask_done(n, a, a->restart ? why : 0);
	}
	c->ask_count = 0;
}

static struct child *child_named(struct net *n, const char *name)
{
	struct port *p = book_find(&n->book, name, strlen(name));

	return p ? p->child : NULL;
}

static void end_or_start(struct net *n, const struct wire_line *line, bool restart)
{
	struct wire_value value[2];
	char name[WIRE_NAME_BYTES_MAX + 1];
	struct child *c = NULL;
	struct ask **at;

	wire_body(n->names, line->body, value);
	if (wire_string(&value[0], name, WIRE_NAME_BYTES_MAX))
		c = child_named(n, name);
	if (!c || (!restart && !c->pid) || c->ask_count >= NET_ASKS_MAX) {
		answer_error(n, line->src, line->msg_id.json, !c ? WIRE_MALFORMED : WIRE_PRECONDITION,
			     !c ? "no such node" : !c->pid ? "the node is down" : "too many ask for that");
		return;
	}
	for (at = &c->asks; *at; at = &(*at)->next)
		;
	*at = ask_new(restart, line);
	c->ask_count++;
	c->asked_to_end = true;
	if (c->pid)
		child_signal(c, SIGKILL);
	else
		control_down(c);
}

static void crash(struct net *n, const struct wire_line *line)
{
	end_or_start(n, line, false);
}

static void restart(struct net *n, const struct wire_line *line)
{
	end_or_start(n, line, true);
}

static void from_client(struct net *n, struct port *from, const struct wire_line *line)
{
	static const struct {
		const char *type;
		void (*obey)(struct net *, const struct wire_line *);
	} known[] = {
		{ "nodes", nodes }, { "crash", crash }, { "restart", restart },
	};

	from->asked += line->msg_id.json.p != NULL;
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		if (line->type.len != strlen(known[i].type) || memcmp(line->type.p, known[i].type, line->type.len) != 0)
			continue;
		known[i].obey(n, line);
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
