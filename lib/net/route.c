/*
 * Where lines go: by their dest, as they came.
 *
 * Neighbours for one destination go on as one piece, so that a burst costs one copy or none.  Nothing of
 * a line is checked but that its src and dest can be told: the rest is for whoever gets it.
 */
#include "lib/net/answer.h"
#include "lib/net/inside.h"

#include <string.h>

/* Lines that follow each other and go to one end. */
struct run {
	const char *start;
	struct port *to;
	size_t lines;
};

/* What the last line named: the next one is likely to name the same. */
struct last {
	struct wire_text src, dest;
	struct port *to;
	bool of_client;                 /* src is: what a node elsewhere says asks nothing, whatever commands are in it */
};

static inline bool same(struct wire_text a, struct wire_text b)
{
	return a.len == b.len && !memcmp(a.p, b.p, a.len);
}

static inline bool is(struct wire_text a, const char *name)
{
	return a.len == strlen(name) && !memcmp(a.p, name, a.len);
}

/*
 * Has the body a member of that name?  Looked for where it usually is, behind the type, else anywhere: it
 * may be elsewhere than in the body, which is good enough to know when to stop waiting.
 */
static bool has_member(const char *line, size_t len, struct wire_text dest, const char *name, size_t name_len)
{
	static const char before[18] = "\",\"body\":{\"type\":\"";
	const char *p = dest.p + dest.len, *end = line + len, *quote;

	if ((size_t)(end - p) > sizeof(before) && !memcmp(p, before, sizeof(before))) {
		p += sizeof(before);
		quote = memchr(p, '"', (size_t)(end - p));
		if (quote && quote[1] == ',' && (size_t)(end - quote) > name_len + 2 &&
		    !memcmp(quote + 2, name, name_len))
			return true;
	}
	return memmem(line, len, name, name_len) != NULL;
}

#define HAS_MEMBER(line, len, dest, name) has_member(line, len, dest, name, sizeof(name) - 1)

/* Once it ends without stdout, what nodes still say to its clients is no loss of the network's: the pipe's end says all. */
static bool ends_deaf(const struct net *n)
{
	return n->ending && !n->own;
}

/* Counts a line for a name that is nobody's; true: it is to be told.  One whose client has gone is ordinary: it is late. */
static bool count_nobody(struct net *n, struct wire_text dest)
{
	bool left = book_has_left(&n->book, dest.p, dest.len), first = !n->told_nobody;

	if (ends_deaf(n))
		return false;
	n->lost[left ? LOSS_LEFT : LOSS_NOBODY]++;
	n->told_nobody |= !left;
	return first && !left;
}

__attribute__((noinline, cold))
static void tell_nobody(struct net *n, const struct port *from, struct wire_text dest)
{
	if (!count_nobody(n, dest))
		return;
	warn("%s: line %ju is for '%.*s', which is no node, and no client has that name", from->label,
	     (uintmax_t)from->lines, (int)(dest.len < WIRE_NAME_BYTES_MAX ? dest.len : WIRE_NAME_BYTES_MAX), dest.p);
}

void route_nobody(struct net *n, struct wire_text from, struct wire_text to)
{
	if (count_nobody(n, to))
		warn("a line of '%.*s' is for '%.*s', which is no node, and no client has that name", (int)from.len, from.p,
		     (int)to.len, to.p);
}

bool route_asks(const char *line, size_t len, struct wire_text dest)
{
	return HAS_MEMBER(line, len, dest, "\"msg_id\"");
}

bool route_answers(const char *line, size_t len, struct wire_text dest)
{
	return HAS_MEMBER(line, len, dest, "\"in_reply_to\"");
}

__attribute__((noinline, cold))
static void tell_wrong(struct net *n, struct port *from, const char *why)
{
	n->lost[LOSS_NO_MESSAGE]++;
	if (!from->wrong++)
		warn("%s: line %ju is no message: %s", from->label, (uintmax_t)from->lines, why);
}

void route_too_long(struct net *n, struct port *from)
{
	from->lines++;
	tell_wrong(n, from, "it is longer than 16 MiB");
}

void route_cut_off(struct net *n, struct port *from)
{
	from->lines++;
	tell_wrong(n, from, "it ends in the midst");
}

/* The next node that runs; one that began outside of the cluster, and may not have joined it, where there is no other. */
static struct child *next_running(struct net *n)
{
	for (size_t i = 0; i < 2 * n->children; i++) {
		struct child *c = &n->child[n->favourite_next++ % n->children];

		if (c->up && (!c->outside || i >= n->children))
			return c;
	}
	return NULL;
}

/* The node that takes what a client sends to anyone: the same one as long as it runs and does not decline. */
struct port *route_favourite(struct net *n, struct port *from)
{
	struct child *c = from->favourite;

	if (!c || !c->up)
		c = from->favourite = next_running(n);
	if (c)
		return &c->port;
	/* With nodes of our own it would come back from a host whose nodes are down, too. */
	for (size_t i = 0; i < n->peers && !n->children; i++)
		if (n->peer[i].up)
			return &n->peer[i].port;
	n->lost[LOSS_DOWN]++;
	return NULL;
}

/* Of a line that is for none of those the last one was for; NULL: it is lost, and counted, or has been obeyed. */
static struct port *look_up(struct net *n, struct port *from, const char *line, size_t len, struct wire_text dest)
{
	struct port *to = book_find(&n->book, dest.p, dest.len);

	if (to && port_is_up(to))
		return to;
	if (to) {
		n->lost[LOSS_DOWN]++;
		return NULL;
	}
	if (is(dest, "net")) {
		control_line(n, from, line, len);
		return NULL;
	}
	if (is(dest, "*") && !port_is_node(from))
		return route_favourite(n, from);
	tell_nobody(n, from, dest);
	return NULL;
}

void route_answered(struct port *from, struct port *to, const char *line, size_t len)
{
	to->answered++;
	if (!to->favourite || to->favourite != from->child || !answer_declines(line, len))
		return;
	/* Where others ask too, the next may be the same. */
	for (size_t i = 0; i < 2 && to->favourite == from->child; i++)
		to->favourite = next_running(from->net);
}

static const char too_many_names[] = "there are too many names";

/* A client's name leads to where it was used last.  That of a node stays the node's. */
static bool learn(struct net *n, struct port *from, struct wire_text src)
{
	struct port *owner = book_find(&n->book, src.p, src.len);

	if (owner == from || (owner && port_is_node(owner) && is(src, port_name(owner))))
		return true;
	if (is(src, "net") || is(src, "*"))
		return true;
	return book_put(&n->book, src.p, src.len, from);
}

/*
 * Of a line that wire_route cannot tell: it is no message, or its names are written with escapes, and
 * then nothing that the next line could use is kept of them.
 */
__attribute__((noinline, cold))
static struct port *hard_destination(struct net *n, struct port *from, const char *line, size_t len)
{
	struct port *to = NULL;
	struct wire_line parsed;

	if (!len)
		tell_wrong(n, from, "it is empty");
	else if (wire_parse(&parsed, line, len))
		tell_wrong(n, from, parsed.error);
	else if (!parsed.src.len)
		tell_wrong(n, from, "src is empty");
	else if (!from->child && !learn(n, from, parsed.src))
		tell_wrong(n, from, too_many_names);
	else if (n->faulty)
		faults_send(n, from, line, len, parsed.src, parsed.dest);
	else
		to = look_up(n, from, line, len, parsed.dest);
	if (to && !port_is_node(to))
		to->answered += parsed.in_reply_to.kind != WIRE_ABSENT;
	if (to && !from->child)
		from->asked += parsed.msg_id.kind != WIRE_ABSENT;
	return to;
}

static struct port *destination(struct net *n, struct port *from, const char *line, size_t len, struct last *last)
{
	struct wire_text src, dest;

	from->lines++;
	if (wire_route(line, len, &src, &dest) || src.len > WIRE_NAME_BYTES_MAX || dest.len > WIRE_NAME_BYTES_MAX)
		return hard_destination(n, from, line, len);
	if (!src.len) {
		tell_wrong(n, from, "src is empty");
		return NULL;
	}
	if (!from->child && !same(src, last->src)) {
		if (!learn(n, from, src)) {
			tell_wrong(n, from, too_many_names);
			return NULL;
		}
		last->src = src;
		last->of_client = book_find(&n->book, src.p, src.len) == from;
	}
	if (n->faulty) {
		faults_send(n, from, line, len, src, dest);
		return NULL;
	}
	if (!last->to || !same(dest, last->dest)) {
		last->to = look_up(n, from, line, len, dest);
		last->dest = dest;
	}
	if (last->to && !port_is_node(last->to) && HAS_MEMBER(line, len, dest, "\"in_reply_to\""))
		route_answered(from, last->to, line, len);
	if (last->to && last->of_client && HAS_MEMBER(line, len, dest, "\"msg_id\""))
		from->asked++;
	return last->to;
}

static void pass(struct port *from, const struct run *run, const char *end)
{
	if (!run->to)
		return;
	if (!port_put(run->to, run->start, (size_t)(end - run->start), run->lines))
		return;
	if (!port_is_node(from) && port_is_node(run->to) && !faults_paused(run->to) && run->to->queue.len > from->net->hold_bytes)
		from->held_by = run->to;
}

void route_lines(struct net *n, struct port *from, const char *lines, const char *end)
{
	struct run run = { .start = lines };
	struct last last = { .src = { .p = "" }, .dest = { .p = "" } };

	faults_look(n);
	for (const char *p = lines; p < end;) {
		const char *newline = memchr(p, '\n', (size_t)(end - p));
		struct port *to = destination(n, from, p, (size_t)(newline - p), &last);

		if (to != run.to) {
			pass(from, &run, p);
			run = (struct run){ .start = p, .to = to };
		}
		run.lines++;
		p = newline + 1;
	}
	pass(from, &run, end);
}
