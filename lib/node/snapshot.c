/*
 * snapshot: the state as a file, so that the log before it can go; and such a file from another node.
 *
 * Taking: the machine hands out its state in slices between turns, another thread writes them, and when all is
 * durable under its name the log up to the snapshot before this one goes: a follower that is a little behind, or
 * has just loaded that one, finds what it needs in the log.
 *
 * Receiving: chunks go to a file; when the last came and nothing waits for the disk (what the log says to make
 * room for it is durable then), another thread checks and names it, and the machine loads it.
 */
#include "lib/base/err.h"
#include "lib/json/text.h"
#include "lib/node/inside.h"

#include <assert.h>
#include <stdlib.h>

enum { SLICE_BYTES = 1 << 18, CHUNK_BYTES = 1 << 17, KEEP_BYTES = 1 << 18 };

struct taking {
	struct node *node;
	struct store_writer *writer;
	uint64_t index, bytes;
	enum { TAKE_SLICE, TAKE_WAIT, TAKE_WRITE, TAKE_FINISH } state;
	bool abandoned, last;
	struct buf text, lines;         /* of a slice: as the machine gave it, and with checksums */
	struct store_report report;
	int rc;
};

struct receiving {
	struct node *node;
	uint64_t index, bytes;
	bool working;
	struct store_report report;
	int rc;
};

/* --- Loading --- */

struct load {
	struct node *node;
	struct buf header;              /* the first record */
};

static int load_line(void *ctx, const char *json, size_t len, const char **why)
{
	struct load *l = ctx;

	if (!l->header.len) {
		buf_add(&l->header, json, len);
		return 0;
	}
	if (l->node->machine->load(l->node->m, json, len))
		return 0;
	*why = "not a line of this machine's state";
	return STORE_ECORRUPT;
}

/* The header alone. */
static int load_header(void *ctx, const char *json, size_t len, const char **why)
{
	(void)why;
	buf_add(ctx, json, len);
	return 1;
}

static int load_snapshot(struct node *n, uint64_t index, struct buf *header, struct store_report *report)
{
	struct load load = { .node = n };
	int rc;

	n->machine->reset(n->m);
	rc = store_snapshot_load(n->store, index, load_line, &load, report);
	*header = load.header;
	if (rc)
		return rc;
	n->machine->loaded(n->m, index);
	n->commit = n->given = n->applied = index;
	n->snapshot_previous = n->snapshot_index;
	n->snapshot_index = index;
	n->log_bytes_at_snapshot = store_log_bytes(n->store);
	return 0;
}

const char *node_snapshot_open(struct node *n)
{
	struct store_report report;
	struct buf header = { 0 };
	const char *why = NULL;
	uint64_t index, bytes;
	int rc = store_snapshot_newest(n->store, &index, &bytes);

	if (rc == STORE_ENONE)
		return NULL;
	if (!rc)
		rc = load_snapshot(n, index, &header, &report);
	if (rc)
		node_die(rc, "%s", report.text);
	n->snapshot_bytes = bytes;
	why = n->protocol->load_snapshot(n->p, header.at, header.len, bytes);
	log_reset(&n->log, index);
	buf_release(&header);
	return why;
}

/* --- Taking --- */

static void forget(struct taking *t)
{
	t->node->taking = NULL;
	buf_release(&t->text);
	buf_release(&t->lines);
	free(t);
}

static void drop_old(struct node *n, uint64_t first)
{
	struct store_report report;
	struct store_pos oldest;
	int rc;

	log_drop_before(&n->log, first);
	oldest = log_oldest(&n->log);
	if (oldest.segment) {
		if (n->records_durable < n->replaced_until)
			oldest = store_pos_older(oldest, n->replaced);
		else
			n->replaced = (struct store_pos){ 0 };
		if (n->protocol->keep_from)
			oldest = store_pos_older(oldest, n->protocol->keep_from(n->p));
		rc = store_drop_before(n->store, oldest, &report);
		if (rc)
			node_die(rc, "%s", report.text);
	}
	rc = store_snapshot_drop_before(n->store, n->snapshot_previous, &report);
	if (rc)
		node_die(rc, "%s", report.text);
}

static void finish_work(void *arg)
{
	struct taking *t = arg;

	t->rc = store_writer_finish(t->writer, &t->bytes, &t->report);
}

static void finish_done(void *arg)
{
	struct taking *t = arg;
	struct node *n = t->node;

	if (t->rc)
		node_die(t->rc, "%s", t->report.text);
	/* One that was received meanwhile and is newer makes this one useless, and does no harm. */
	if (!t->abandoned && t->index > n->snapshot_index) {
		n->snapshot_previous = n->snapshot_index;
		n->snapshot_index = t->index;
		n->snapshot_bytes = t->bytes;
		n->count.snapshots++;
		n->protocol->compacted(n->p, t->index, t->bytes, n->snapshot_previous + 1 > n->log.first ?
			n->snapshot_previous + 1 : n->log.first);
		drop_old(n, n->snapshot_previous + 1);
		n->log_bytes_at_snapshot = store_log_bytes(n->store);
		n->changed = true;
	}
	forget(t);
}

static void write_work(void *arg)
{
	struct taking *t = arg;

	t->rc = store_writer_write(t->writer, t->lines.at, t->lines.len, &t->report);
}

static void write_done(void *arg)
{
	struct taking *t = arg;

	if (t->rc)
		node_die(t->rc, "%s", t->report.text);
	if (t->abandoned) {
		store_writer_abandon(t->writer);
		forget(t);
		return;
	}
	if (t->last) {
		t->state = TAKE_FINISH;
		loop_work(t->node, finish_work, finish_done, t);
		return;
	}
	t->state = TAKE_SLICE;
}

/* What the machine gave, each line with its checksum. */
static void add_lines(struct taking *t)
{
	char *p = t->text.at, *end = p + t->text.len, *out;

	t->lines.len = 0;
	while (p < end) {
		char *newline = memchr(p, '\n', (size_t)(end - p));
		size_t len = (size_t)(newline - p);

		out = buf_room(&t->lines, len + 10);
		t->lines.len += (size_t)(store_snapshot_line(out, p, len) - out);
		p = newline + 1;
	}
	t->text.len = 0;
}

static void slice(struct taking *t)
{
	struct node *n = t->node;
	enum machine_more more = n->machine->snapshot_next(n->m, SLICE_BYTES, &t->text);

	if (more == MACHINE_NONE) {
		n->no_snapshots = true;
		store_writer_abandon(t->writer);
		n->changed = true;
		forget(t);
		return;
	}
	if (more == MACHINE_WAIT) {
		t->state = TAKE_WAIT;
		return;
	}
	t->last = more == MACHINE_END;
	add_lines(t);
	t->state = TAKE_WRITE;
	loop_work(n, write_work, write_done, t);
}

static bool is_due(const struct node *n)
{
	const struct node_options *o = n->options;
	uint64_t entries = n->applied - n->snapshot_index;
	uint64_t bytes = store_log_bytes(n->store) - n->log_bytes_at_snapshot;

	if (!entries || n->no_snapshots)
		return false;
	if (n->snapshot_wanted > n->snapshot_index)
		return true;
	if (o->snapshot_entries && entries >= o->snapshot_entries)
		return true;
	/* Not before the log has grown by as much as writing the state would cost. */
	return o->snapshot_bytes && bytes >= o->snapshot_bytes && bytes >= n->snapshot_bytes;
}

static void take(struct node *n)
{
	struct taking *t = must_calloc(1, sizeof(*t));
	int rc;

	t->node = n;
	t->index = n->given;
	buf_putc(&t->text, '{');
	if (!n->protocol->snapshot_header(n->p, t->index, &t->text)) {
		forget(t);
		return;
	}
	buf_puts(&t->text, "}\n");
	rc = store_snapshot_create(n->store, t->index, &t->writer, &t->report);
	if (rc)
		node_die(rc, "%s", t->report.text);
	n->taking = t;
	n->machine->snapshot_begin(n->m);
}

void node_snapshot_want(struct node *n)
{
	n->snapshot_wanted = n->applied;
}


/* --- Receiving --- */

static void install_work(void *arg)
{
	struct receiving *r = arg;

	r->rc = store_snapshot_install(r->node->store, r->index, &r->bytes, &r->report);
}

static void install_done(void *arg)
{
	struct receiving *r = arg;
	struct node *n = r->node;
	struct buf header = { 0 };

	n->receiving = NULL;
	if (r->rc == STORE_ESYSTEM)
		node_die(r->rc, "%s", r->report.text);
	if (r->rc) {
		warn("a snapshot came damaged: %s", r->report.text);
		n->protocol->install_failed(n->p);
	} else if (r->index <= n->given) {
		/* Entries were faster: it is of no use, but whole. */
		if (store_snapshot_load(n->store, r->index, load_header, &header, &r->report) < 0)
			node_die(STORE_ECORRUPT, "%s", r->report.text);
		n->protocol->installed(n->p, header.at, header.len, r->bytes);
	} else {
		if (n->taking) {
			n->machine->snapshot_abandon(n->m);
			n->taking->abandoned = true;
		}
		r->rc = load_snapshot(n, r->index, &header, &r->report);
		if (r->rc)
			node_die(r->rc, "%s", r->report.text);
		n->snapshot_bytes = r->bytes;
		n->count.snapshots_installed++;
		n->protocol->installed(n->p, header.at, header.len, r->bytes);
		request_skipped(n, r->index);
		watch_gap(n);
		n->changed = true;
	}
	buf_release(&header);
	free(r);
}

void node_snapshot_receive(struct node *n, uint64_t index, uint64_t offset, struct wire_text bytes, bool done)
{
	struct store_report report;
	int rc = store_snapshot_receive(n->store, index, offset, bytes.p, bytes.len, &report);

	if (rc == STORE_ESYSTEM)
		node_die(rc, "%s", report.text);
	if (rc)
		n->protocol->install_failed(n->p);
	else if (done && !n->receiving) {
		n->receiving = must_calloc(1, sizeof(*n->receiving));
		*n->receiving = (struct receiving){ .node = n, .index = index };
	}
}

/* A chunk ends where a character does. */
static size_t whole_characters(const char *p, size_t len)
{
	size_t back = 0;

	while (back < 4 && back < len && ((unsigned char)p[len - 1 - back] & 0xc0) == 0x80)
		back++;
	if (back < len && (unsigned char)p[len - 1 - back] >= 0xc0 && !json_utf8(p + len - 1 - back, back + 1))
		return len - 1 - back;
	return len;
}

bool node_snapshot_send(struct node *n, uint64_t index, uint64_t offset, struct buf *b, bool *done)
{
	struct store_report report;
	ssize_t len;
	size_t whole;

	n->chunk.len = 0;
	/* One byte more than is sent, which says whether there is more. */
	len = store_snapshot_chunk(n->store, index, offset, buf_room(&n->chunk, CHUNK_BYTES + 1), CHUNK_BYTES + 1, &report);
	if (len < 0)
		return false;
	*done = len <= CHUNK_BYTES;
	if (len > CHUNK_BYTES)
		len = CHUNK_BYTES;
	whole = whole_characters(n->chunk.at, (size_t)len);
	b->len += json_escape(n->chunk.at, whole, buf_room(b, 6 * whole + 2));
	return true;
}

/* --- A turn --- */

void node_snapshot_turn(struct node *n)
{
	struct receiving *r = n->receiving;

	if (r && !r->working && disk_idle(n)) {
		r->working = true;
		loop_work(n, install_work, install_done, r);
	}
	if (!n->taking && !n->receiving && is_due(n))
		take(n);
	if (n->taking && n->taking->state == TAKE_WAIT && n->machine_ready)
		n->taking->state = TAKE_SLICE;
	n->machine_ready = false;
	if (n->taking && n->taking->abandoned && n->taking->state < TAKE_WRITE) {
		store_writer_abandon(n->taking->writer);
		forget(n->taking);
	}
	if (n->taking && n->taking->state == TAKE_SLICE)
		slice(n->taking);
}

bool node_snapshot_working(const struct node *n)
{
	return (n->taking && (n->taking->state == TAKE_WRITE || n->taking->state == TAKE_FINISH)) ||
		(n->receiving && n->receiving->working);
}

void node_snapshot_release(struct node *n)
{
	if (n->taking) {
		store_writer_abandon(n->taking->writer);
		forget(n->taking);
	}
	free(n->receiving);
	buf_release(&n->chunk);
}
