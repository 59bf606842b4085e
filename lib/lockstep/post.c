/*
 * post: lines between parties: what a party prints is sent, and what has arrived is handed over.
 *
 * Lines pass the traffic as they would in real time (lib/net/faults.c); what arrives at once waits in l->ready until it
 * is its turn, in the order of sending.
 */
#include "lib/lockstep/inside.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

enum {
	PRINT_BYTES = 1 << 16,          /* written to stdout at once */
	KEEP_BYTES = 1 << 20,           /* of memory, after many lines */
};

/* In l->ready, before the line and its newline. */
struct ready { struct party *to; uint64_t starts; size_t len; };

static bool is(struct wire_text t, const char *s)
{
	return t.len == strlen(s) && !memcmp(t.p, s, t.len);
}

static struct wire_text text_of(const char *s)
{
	return (struct wire_text){ s, strlen(s) };
}

/* May be elsewhere than in the body: good enough to know when to stop waiting. */
#define HAS_MEMBER(line, len, name) (memmem(line, len, name, sizeof(name) - 1) != NULL)

/* --- Losses --- */

static const char *label(const struct party *p)
{
	return p->kind == PARTY_NODE ? "node" : p->kind == PARTY_CLIENT ? "client" : "stdin";
}

void post_wrong(struct party *from, const char *why)
{
	const char *quote = from->kind == PARTY_OWN ? "" : "'", *space = from->kind == PARTY_OWN ? "" : " ";

	from->l->lost[LOSS_NO_MESSAGE]++;
	if (!from->wrong++)
		told(from->l, "%s%s%s%s%s: line %ju is no message: %s", label(from), space, quote,
		     from->kind == PARTY_OWN ? "" : from->name, quote, (uintmax_t)from->lines, why);
}

static void nobody(struct lockstep *l, struct wire_text from, struct wire_text to)
{
	l->lost[LOSS_NOBODY]++;
	if (!l->told_nobody)
		told(l, "a line of '%.*s' is for '%.*s', which is no node, and no client has that name", (int)from.len,
		     from.p, (int)to.len, to.p);
	l->told_nobody = true;
}

/* --- Arriving --- */

/* On stdout: `line` and its newline. */
static void print(struct lockstep *l, const char *line, size_t len)
{
	if (l->quiet)
		return;
	buf_add(&l->print, line, len);
	buf_putc(&l->print, '\n');
	if (l->print.len >= PRINT_BYTES)
		post_flush(l);
}

void post_flush(struct lockstep *l)
{
	bool was_broken = l->broken;

	while (l->print.len && !l->broken) {
		ssize_t put = write(STDOUT_FILENO, l->print.at, l->print.len);
		struct pollfd room = { .fd = STDOUT_FILENO, .events = POLLOUT };

		if (put < 0 && errno == EAGAIN)
			poll(&room, 1, LOCKSTEP_TICK_MS);
		else if (put < 0 && errno != EINTR)
			l->broken = errno;
		if (put < 0 && signals_came())
			break;
		buf_drop(&l->print, put > 0 ? (size_t)put : 0);
	}
	buf_clear(&l->print, KEEP_BYTES);
	if (was_broken || !l->broken)
		return;
	if (l->broken == EPIPE)
		signals_take(SIGPIPE);
	else
		told(l, "cannot write 'stdout': %s", strerror(l->broken));
	run_stop(l, EXIT_SYSTEM);
}

static void add_ready(struct party *to, const char *line, size_t len)
{
	struct ready r = { .to = to, .starts = to->starts, .len = len };

	buf_add(&to->l->ready, &r, sizeof(r));
	buf_add(&to->l->ready, line, len);
	buf_putc(&to->l->ready, '\n');
}

/* NULL: it is there; or why it cannot be. */
static const char *put(struct lockstep *l, struct party *to, const char *line, size_t len)
{
	if (to->kind == PARTY_OWN) {
		print(l, line, len);
		return NULL;
	}
	if (!to->pid) {
		l->lost[to->kind == PARTY_CLIENT ? LOSS_LEFT : LOSS_DOWN]++;
		return "down";
	}
	if (to->held.len + to->input.len > l->options->queue_bytes_max || l->ready.len > 2 * l->options->queue_bytes_max) {
		l->lost[LOSS_QUEUE]++;
		return "queue";
	}
	add_ready(to, line, len);
	return NULL;
}

/* The line has been sent, or taken, at this moment. */
static void deliver(struct lockstep *l, struct traffic_link *link, struct wire_text from, struct wire_text dest,
		    const char *line, size_t len)
{
	struct party *to = book_find(&l->book, dest.p, dest.len), *sender;
	const char *why = "nobody";

	if (to)
		why = put(l, to, line, len);
	else
		nobody(l, from, dest);
	if (why && link)
		traffic_undelivered(l->rig.traffic, l->now_ns, link, why);
	if (why)
		return;
	/* Now an answer can be expected; or is there. */
	if (to->kind == PARTY_OWN)
		l->answered += HAS_MEMBER(line, len, "\"in_reply_to\"");
	sender = book_find(&l->book, from.p, from.len);
	if (sender && sender->kind == PARTY_OWN)
		l->asked += HAS_MEMBER(line, len, "\"msg_id\"");
}

void post_arrival(struct lockstep *l)
{
	struct traffic_message m;

	if (traffic_take(l->rig.traffic, l->now_ns, &m))
		deliver(l, m.link, m.from, m.to, m.line, m.len);
}

void post_ready(struct lockstep *l)
{
	struct ready r;

	memcpy(&r, l->ready.at, sizeof(r));
	buf_clear(&l->taken, KEEP_BYTES);
	buf_add(&l->taken, l->ready.at + sizeof(r), r.len + 1);
	buf_drop(&l->ready, sizeof(r) + r.len + 1);
	if (!l->ready.len)
		buf_clear(&l->ready, KEEP_BYTES);
	if (r.to->starts == r.starts)
		party_take(r.to, l->taken.at, r.len);
}

/* --- Sending --- */

/*
 * The node that takes what a client sends to anyone: the same one as long as it runs.  One that began outside of the
 * cluster, and may not have joined it, does where there is no other.
 */
static struct party *favourite(struct party *from)
{
	struct lockstep *l = from->l;
	struct party *p = from->favourite;

	for (size_t i = 0; i < 2 * l->nodes && !(p && p->pid && (!p->outside || i >= l->nodes)); i++)
		p = &l->node[l->favourite_next++ % l->nodes];
	from->favourite = p;
	if (p && p->pid)
		return p;
	l->lost[LOSS_DOWN]++;
	return NULL;
}

/* A client's name leads to where it was used last.  That of a node stays the node's. */
static bool learn(struct party *from, struct wire_text src)
{
	struct party *owner = book_find(&from->l->book, src.p, src.len);

	if (owner == from || (owner && owner->kind == PARTY_NODE) || is(src, "net") || is(src, "*"))
		return true;
	return book_put(&from->l->book, src.p, src.len, from);
}

/* The line is in the trace, and passes no faults. */
static struct traffic_link *tell(struct lockstep *l, struct wire_text from, struct wire_text to, const char *line,
				 size_t len)
{
	struct traffic_link *link;

	if (!l->rig.trace)
		return NULL;
	link = traffic_link(l->rig.traffic, from.p, from.len, to.p, to.len);
	traffic_tell(l->rig.traffic, l->now_ns, link, line, len);
	return link;
}

static void send(struct party *from, struct wire_text src, struct wire_text dest, const char *line, size_t len)
{
	struct lockstep *l = from->l;
	struct traffic_link *link = NULL;
	struct party *to;

	if (is(dest, "net")) {
		if (from->kind == PARTY_OWN)
			l->asked += HAS_MEMBER(line, len, "\"msg_id\"");
		tell(l, src, dest, line, len);
		orders_line(from, line, len);
		return;
	}
	if (is(dest, "*") && from->kind != PARTY_NODE) {
		to = favourite(from);
		if (!to)
			return;
		dest = text_of(to->name);
	}
	if (!traffic_idle(l->rig.traffic)) {
		link = traffic_link(l->rig.traffic, src.p, src.len, dest.p, dest.len);
		if (!traffic_send(l->rig.traffic, l->now_ns, link, line, len))
			return;
	}
	deliver(l, link, src, dest, line, len);
}

void post_line(struct party *from, const char *line, size_t len)
{
	struct wire_line parsed;
	struct wire_text src, dest;

	from->lines++;
	if (wire_route(line, len, &src, &dest) || src.len > WIRE_NAME_BYTES_MAX || dest.len > WIRE_NAME_BYTES_MAX) {
		if (!len || wire_parse(&parsed, line, len)) {
			post_wrong(from, len ? parsed.error : "it is empty");
			return;
		}
		src = parsed.src;
		dest = parsed.dest;
	}
	if (!src.len)
		post_wrong(from, "src is empty");
	else if (len > WIRE_LINE_BYTES_MAX)
		post_wrong(from, "it is longer than 16 MiB");
	else if (from->kind != PARTY_NODE && !learn(from, src))
		post_wrong(from, "there are too many names");
	else if (from->kind == PARTY_NODE)
		send(from, text_of(from->name), dest, line, len);
	else
		send(from, src, dest, line, len);
}

void post_lines(struct party *from, const char *lines, size_t len)
{
	const char *end = lines + len;

	while (lines < end) {
		const char *newline = memchr(lines, '\n', (size_t)(end - lines));

		if (!newline) {
			from->lines++;
			post_wrong(from, "it ends in the midst");
			return;
		}
		post_line(from, lines, (size_t)(newline - lines));
		lines = newline + 1;
	}
}

void post_tell(struct lockstep *l, struct party *to, const char *name, size_t name_len, const char *line, size_t len)
{
	struct wire_text dest = { name, name_len };
	struct traffic_link *link = tell(l, text_of("net"), dest, line, len);
	const char *why = put(l, to, line, len);

	if (why && link)
		traffic_undelivered(l->rig.traffic, l->now_ns, link, why);
	if (!why && to->kind == PARTY_OWN)
		l->answered++;
}
