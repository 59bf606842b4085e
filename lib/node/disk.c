/*
 * disk: one flush at a time, and between two of them now and then room made for more.  While one is under way the next gathers; when it ends, what it made durable is
 * told to the protocol and what waited for it may leave.
 */
#include "lib/node/inside.h"

bool disk_idle(const struct node *n)
{
	return !n->flushing && !store_pending(n->store);
}

static void flush_work(void *arg)
{
	struct node *n = arg;

	n->flush_rc = store_flush(n->store, &n->flush_report);
}

static void flush_done(void *arg)
{
	struct node *n = arg;
	uint64_t took = n->options->lockstep ? 0 : node_clock() - n->flush_began_ns;

	/* Never retried: a flush that succeeds after one that failed proves nothing. */
	if (n->flush_rc)
		node_die(n->flush_rc, "%s", n->flush_report.text);
	store_flush_end(n->store);
	n->flushing = false;
	n->count.flushes++;
	n->count.flush_ns += took;
	if (took > n->count.flush_max_ns)
		n->count.flush_max_ns = took;
	n->persisted = n->flushing_index;
	n->records_durable = n->records_flushing;
	output_flush_ended(n);
	n->protocol->persisted(n->p, n->persisted);
}

static void prepare_work(void *arg)
{
	struct node *n = arg;

	n->prepare_rc = store_prepare(n->store, &n->prepare_report);
}

static void prepare_done(void *arg)
{
	struct node *n = arg;

	if (n->prepare_rc)
		node_die(n->prepare_rc, "%s", n->prepare_report.text);
	n->preparing = false;
}

static void begin_flush(struct node *n)
{
	/* What waits for no flush leaves before it in virtual time, too, so that a crash may fall between the two. */
	if (n->options->lockstep)
		output_write(n);
	n->count.flushed_bytes += store_pending(n->store);
	n->flushing = true;
	n->prepare_next = true;
	n->flushing_index = n->appended;
	n->records_flushing = n->records;
	n->flush_began_ns = node_clock();
	store_flush_begin(n->store);
	output_flush_began(n);
	loop_work(n, flush_work, flush_done, n);
}

void disk_turn(struct node *n)
{
	if (n->rotated) {
		n->rotated = false;
		n->protocol->state_record(n->p);
	}
	if (n->flushing || n->preparing)
		return;
	/* One by one: room is made in steps so small that a flush hardly waits. */
	if (store_wants_spare(n->store) && (n->prepare_next || !store_pending(n->store))) {
		n->preparing = true;
		n->prepare_next = false;
		loop_work(n, prepare_work, prepare_done, n);
	} else if (store_pending(n->store)) {
		begin_flush(n);
	}
}

void disk_close(struct node *n)
{
	struct store_report report;

	while (n->flushing || n->preparing || (n->loop && node_snapshot_working(n)))
		uv_run(uv_default_loop(), UV_RUN_ONCE);
	if (store_flush_begin(n->store) && !store_flush(n->store, &report))
		store_flush_end(n->store);
}
