/*
 * output: lines to stdout, some of them not before a flush.
 *
 * Whoever reads stdout may be slow: what waits is bounded, and a line beyond the bound is lost and
 * counted, as on a network.
 */
#include "lib/base/err.h"
#include "lib/node/inside.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

enum { KEEP_BYTES = 1 << 18 };

struct buf *output_begin(struct node *n, bool after_persist)
{
	struct buf *b = &n->out;

	if (after_persist && store_pending(n->store))
		b = &n->held;
	else if (after_persist && n->flushing)
		b = &n->holding;
	n->line_start = b->len;
	return b;
}

void output_end(struct node *n, struct buf *b)
{
	if (n->out.len + n->held.len + n->holding.len <= NODE_OUTPUT_BYTES_MAX)
		return;
	n->count.dropped_lines++;
	n->count.dropped_bytes += b->len - n->line_start;
	b->len = n->line_start;
}

void output_flush_began(struct node *n)
{
	struct buf empty = n->holding;

	n->holding = n->held;
	n->held = empty;
}

void output_flush_ended(struct node *n)
{
	if (!n->out.len) {
		struct buf empty = n->out;

		n->out = n->holding;
		n->holding = empty;
	}
	buf_add(&n->out, n->holding.at ? n->holding.at : "", n->holding.len);
	buf_clear(&n->holding, KEEP_BYTES);
}

/* The reader is gone: what is durable stays so, and the process ends as a filter does, unless its parent ignores that. */
static void die_of_pipe(struct node *n)
{
	if (n->open)
		disk_close(n);
	if (n->sigpipe_ignored)
		return;
	signal(SIGPIPE, SIG_DFL);
	raise(SIGPIPE);
}

bool output_write(struct node *n)
{
	int failed;

	while (n->out.len) {
		ssize_t w = write(STDOUT_FILENO, n->out.at, n->out.len);

		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return false;
		failed = errno;
		if (w < 0 && failed == EPIPE)
			die_of_pipe(n);
		if (w < 0)
			die(EXIT_SYSTEM, "cannot write 'stdout': %s", strerror(failed));
		n->count.bytes_out += (uint64_t)w;
		buf_drop(&n->out, (size_t)w);
	}
	buf_clear(&n->out, KEEP_BYTES);
	return true;
}

/* --- For the protocol --- */

struct buf *node_send(struct node *n, const char *dest, bool after_persist)
{
	struct buf *b = output_begin(n, after_persist);

	wire_begin(b, n->id, n->id_len, dest, strlen(dest));
	return b;
}

void node_send_end(struct node *n, struct buf *b)
{
	wire_end(b);
	output_end(n, b);
}
