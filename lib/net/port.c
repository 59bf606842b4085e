/*
 * Ends of the traffic: bytes in, cut into lines; lines out, gathered for one write.
 *
 * All ends read into the same memory, which so stays in the cache; only a line that has not ended is kept
 * by its end.
 *
 * Invariant: `queue` never has more than queue_bytes_max and one read or one line.
 */
#include "lib/net/inside.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	DIRECT_BYTES = 1 << 14,         /* so many for one end are written from where they were read */
	KEEP_BYTES = 1 << 20,           /* memory that an empty queue may keep */
};

void port_touch(struct port *p)
{
	if (p->dirty)
		return;
	p->dirty = true;
	p->next_dirty = p->net->dirty;
	p->net->dirty = p;
}

/* --- In --- */

/* Bytes after what is in `partial`. */
static void take(struct port *p, char *bytes, size_t len)
{
	struct net *n = p->net;
	char *end = bytes + len, *newline;

	if (p->partial.len || p->skipping) {
		newline = memchr(bytes, '\n', len);
		if (!p->skipping)
			buf_add(&p->partial, bytes, newline ? (size_t)(newline + 1 - bytes) : len);
		if (!p->skipping && p->partial.len > WIRE_LINE_BYTES_MAX + 1) {
			route_too_long(n, p);
			p->skipping = true;
			buf_release(&p->partial);
		}
		if (!newline)
			return;
		if (!p->skipping)
			route_lines(n, p, p->partial.at, p->partial.at + p->partial.len);
		p->skipping = false;
		buf_clear(&p->partial, KEEP_BYTES);
		bytes = newline + 1;
	}
	newline = memrchr(bytes, '\n', (size_t)(end - bytes));
	if (newline) {
		route_lines(n, p, bytes, newline + 1);
		bytes = newline + 1;
	}
	if (bytes < end)
		buf_add(&p->partial, bytes, (size_t)(end - bytes));
}

/* What follows the last newline is a line too, unless its writer was ended within it. */
static void take_last(struct port *p)
{
	struct wire_line line;

	if (p->partial.len && !wire_parse(&line, p->partial.at, p->partial.len))
		take(p, (char[]){ '\n' }, 1);
	else if (p->partial.len)
		route_cut_off(p->net, p);
	buf_release(&p->partial);
	p->skipping = false;
}

/* One read; false: there is nothing more, and *why is 0 or errno. */
static bool read_some(struct port *p, int *why)
{
	ssize_t got = read(p->in->fd, p->net->chunk, NET_READ_BYTES);

	*why = got < 0 ? errno : 0;
	if (got > 0)
		take(p, p->net->chunk, (size_t)got);
	if (got > 0 || *why == EINTR || *why == EAGAIN)
		return true;
	take_last(p);
	return false;
}

/* A client that does not read its answers is not read either. */
static bool held(struct port *p)
{
	if (!port_is_node(p) && p->queue.len > p->net->hold_bytes)
		p->held_by = p;
	if (!p->held_by && p->net->crowded && !port_is_node(p)) {
		watch_for(p->in, 0);
		return true;
	}
	if (!p->held_by)
		return false;
	if (p->held_by->queue.len <= p->net->hold_bytes / 2) {
		p->held_by = NULL;
		return false;
	}
	p->held_by->holds = true;
	watch_for(p->in, 0);
	return true;
}

static void on_readable(void *owner)
{
	struct port *p = owner;
	int why;

	if (held(p) || read_some(p, &why))
		return;
	if (p->child)
		child_closed(p->child);
	else if (p->peer)
		peer_lost(p->peer, why);
	else
		guest_ended(p, why);
}

void port_read_rest(struct port *p)
{
	int why = 0;

	/* As much as the pipe holds: some process that the node left behind may write on and on. */
	for (size_t bytes = 0; p->in && bytes <= NET_PIPE_BYTES && why != EAGAIN; bytes += NET_READ_BYTES)
		if (!read_some(p, &why))
			return;
	take_last(p);
}

void port_release_held(struct port *to)
{
	if (!to->holds || to->queue.len > to->net->hold_bytes / 2)
		return;
	to->holds = false;
	for (struct port *p = to->net->clients; p; p = p->next)
		if (p->held_by == to && p->in && !p->gone)
			watch_for(p->in, UV_READABLE);
}

/* --- Out --- */

/* Writes what goes at once; the bytes that did. */
static size_t write_some(struct port *p, const char *bytes, size_t len)
{
	ssize_t put;

	do
		put = write(p->out->fd, bytes, len);
	while (put < 0 && errno == EINTR);
	if (put < 0 && errno != EAGAIN) {
		p->broken = errno;
		port_touch(p);
	}
	return put > 0 ? (size_t)put : 0;
}

bool port_put(struct port *p, const char *bytes, size_t len, size_t lines)
{
	struct net *n = p->net;
	size_t at_once = 0;

	if (!p->out || p->broken) {
		if (p != n->own)        /* of stdout it is told that, and why, it is broken */
			n->lost[port_is_node(p) ? LOSS_DOWN : LOSS_LEFT] += lines;
		return false;
	}
	if (p->queue.len >= n->options->queue_bytes_max) {
		if (!p->overflowed)
			warn("%s does not read: %zu bytes wait, and what is sent to it meanwhile is lost",
			     p == n->own ? "stdout" : p->label, p->queue.len);
		p->overflowed = true;
		n->lost[LOSS_QUEUE] += lines;
		return false;
	}
	if (!p->queue.len && len >= DIRECT_BYTES)
		at_once = write_some(p, bytes, len);
	if (at_once < len) {
		buf_add(&p->queue, bytes + at_once, len - at_once);
		port_touch(p);
	}
	return true;
}

void port_flush(struct port *p, bool wait)
{
	while (p->queue.len && p->out && !p->broken) {
		struct pollfd room = { .fd = p->out->fd, .events = POLLOUT };

		buf_drop(&p->queue, write_some(p, p->queue.at, p->queue.len));
		if (p->queue.len && !p->broken && !wait) {
			p->full = true;
			watch_for(p->out, UV_WRITABLE);
			return;
		}
		if (p->queue.len && !p->broken)
			poll(&room, 1, -1);
	}
	if (p->broken || !p->out)
		buf_release(&p->queue);
	else
		buf_clear(&p->queue, KEEP_BYTES);
	if (p->out)
		watch_for(p->out, 0);
}

static void on_writable(void *owner)
{
	struct port *p = owner;

	p->full = false;
	port_touch(p);
}

void port_turn(struct net *n)
{
	struct port *p;

	while ((p = n->dirty)) {
		n->dirty = p->next_dirty;
		p->dirty = false;
		if (!p->full)
			port_flush(p, false);
		port_release_held(p);
		if (p->child && p->broken) {
			watch_free(p->out);     /* it reads no more, and may still speak */
			p->out = NULL;
		} else if (p->peer && p->broken) {
			peer_lost(p->peer, p->broken);
		} else if (!port_is_node(p)) {
			guest_turn(p);
		}
	}
}

/* --- Both --- */

void port_open(struct port *p, struct net *n, int in, int out)
{
	p->net = n;
	p->in = watch_new(&n->loop, in, on_readable, p);
	p->out = watch_new(&n->loop, out, on_writable, p);
	p->broken = 0;
	p->full = p->overflowed = p->skipping = false;
	watch_for(p->in, UV_READABLE);
}

void port_close(struct port *p)
{
	watch_free(p->in);
	watch_free(p->out);
	p->in = p->out = NULL;
	p->full = false;
	buf_release(&p->queue);
	buf_release(&p->partial);
}
