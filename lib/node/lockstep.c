/*
 * lockstep: time is what the lines say.  After each line everything that follows from it happens, flushes and
 * snapshots included, its output goes out, and last a line says so and when to be woken.
 */
#include "lib/base/err.h"
#include "lib/node/inside.h"

#include <errno.h>
#include <unistd.h>

/* Where nothing is due, a wake-up now and then does no harm. */
static const uint64_t IDLE_NS = 3600 * UINT64_C(1000000000);

static void settle(struct node *n)
{
	uint64_t flushes;

	do {
		flushes = n->count.flushes;
		node_turn(n);
	} while (n->again || flushes != n->count.flushes || !node_at_rest(n));
}

static void say_idle(struct node *n)
{
	uint64_t wake = node_deadline(n);
	struct buf *b = &n->out;

	if (wake > n->now_ns + IDLE_NS)
		wake = n->now_ns + IDLE_NS;
	wire_begin(b, n->id, n->id_len, "net", 3);
	buf_puts(b, "\"type\":\"idle\",\"wake\":");
	buf_u64(b, wake < WIRE_NUMBER_MAX ? wake : WIRE_NUMBER_MAX);
	wire_end(b);
	output_write(n);
}

int node_lockstep(struct node *n)
{
	ssize_t got;

	/* A write only comes back from a closed pipe where the signal is ignored. */
	n->sigpipe_ignored = true;
	node_begin(n);
	do {
		got = line_read(&n->in, STDIN_FILENO);
		if (got < 0 && errno != EINTR)
			die(EXIT_SYSTEM, "cannot read 'stdin': %s", strerror(errno));
		while (input_next(n)) {
			settle(n);
			say_idle(n);
		}
	} while (got);
	return 0;
}
