/*
 * effects: what the protocol wants done to the log: records appended, entries by index, found again in memory
 * or on the disk.
 */
#include "lib/base/err.h"
#include "lib/node/inside.h"

#include <assert.h>

enum { WINDOW_BYTES = 1 << 17, WINDOW_ENTRIES = 1024, PARTS_MAX = 8 };

uint64_t node_now(const struct node *n)
{
	return n->now_ns;
}

const char *node_id(const struct node *n)
{
	return n->id;
}

void node_die(enum store_error error, const char *fmt, ...)
{
	static const enum exit_status status[] = {
		[-STORE_ESYSTEM] = EXIT_SYSTEM, [-STORE_ECORRUPT] = EXIT_DATA, [-STORE_ELOCKED] = EXIT_SYSTEM,
		[-STORE_EOTHER] = EXIT_USAGE, [-STORE_EFULL] = EXIT_SYSTEM, [-STORE_ENONE] = EXIT_DATA,
	};
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	die(status[-error], "%s", text);
}

/* --- Appending --- */

bool node_fresh(const struct node *n)
{
	return store_fresh(n->store);
}

size_t node_line_max(const struct node *n)
{
	return n->options->line_max;
}

struct store_pos node_record(struct node *n, const struct store_part *parts, size_t count)
{
	bool rotated = false;
	struct store_pos pos = store_append(n->store, parts, count, &rotated);

	assert(pos.segment);    /* no line that is taken makes a record too large */
	n->rotated |= rotated;
	n->records++;
	return pos;
}

uint64_t node_records(const struct node *n)
{
	return n->records;
}

uint64_t node_records_durable(const struct node *n)
{
	return n->records_durable;
}

void node_append(struct node *n, uint64_t index, const struct store_part *parts, size_t count, size_t command)
{
	struct store_pos pos = node_record(n, parts, count);

	log_put(&n->log, index, (struct wire_text){ parts[command].p, parts[command].len }, pos);
	n->appended = index;
}

void node_loaded(struct node *n, uint64_t index, struct wire_text command, struct store_pos pos)
{
	if (index <= n->log.last)
		node_truncate(n, index);
	log_put(&n->log, index, command, pos);
	log_evict(&n->log, NODE_CACHE_BYTES, index);
	n->appended = n->persisted = index;
}

static bool same_text(struct node *n, uint64_t index, struct wire_text text)
{
	struct wire_text was = node_entry(n, index);

	return was.len == text.len && !memcmp(was.p, text.p, text.len);
}

/* The record that is replaced is the entry's until the one that replaces it is durable. */
static void hold_placed(struct node *n, uint64_t index)
{
	const struct log_mark *was = log_placed_from(&n->log, index);

	if (was && was->index == index) {
		n->replaced = store_pos_older(n->replaced, was->pos);
		n->replaced_until = n->records;
	}
}

void node_place(struct node *n, uint64_t index, struct wire_text command, struct store_pos pos)
{
	bool replaced = index <= n->log.last;

	/* While the log is loaded nobody waits, and the log is not to be read. */
	if (replaced && n->open && !same_text(n, index, command)) {
		assert(index > n->applied);
		request_replaced(n, index);
	}
	hold_placed(n, index);
	log_place(&n->log, index, command, pos);
	n->cold_count = 0;
	if (n->open) {
		n->appended = n->log.last;
		return;
	}
	log_evict(&n->log, NODE_CACHE_BYTES, n->log.last);
	n->appended = n->persisted = n->log.last;
}

static void at_most(uint64_t *x, uint64_t max)
{
	if (*x > max)
		*x = max;
}

void node_truncate(struct node *n, uint64_t from)
{
	assert(from > n->applied);
	log_truncate(&n->log, from);
	at_most(&n->appended, from - 1);
	at_most(&n->flushing_index, from - 1);
	at_most(&n->persisted, from - 1);
	n->cold_count = 0;
	request_truncated(n, from);
}

void node_reset(struct node *n, uint64_t index)
{
	log_reset(&n->log, index);
	n->appended = n->flushing_index = n->persisted = index;
	n->cold_count = 0;
	request_truncated(n, index + 1);
}

/* --- Finding --- */

struct window {
	struct node *n;
	uint64_t end;                   /* the first index that is placed, and so elsewhere */
	size_t mark;                    /* the last one at or before the record read */
	size_t offset[WINDOW_ENTRIES];  /* of the texts in n->cold */
};

static bool is_stale(struct window *w, uint64_t index, struct store_pos pos)
{
	const struct log *l = &w->n->log;

	while (w->mark + 1 < l->marks &&
	       (pos.segment > l->mark[w->mark + 1].pos.segment ||
		(pos.segment == l->mark[w->mark + 1].pos.segment && pos.offset >= l->mark[w->mark + 1].pos.offset)))
		w->mark++;
	/* It was truncated: where the next mark stands its index was written anew. */
	return w->mark + 1 < l->marks && index >= l->mark[w->mark + 1].index;
}

static int take_record(void *ctx, const char *json, size_t len, struct store_pos pos, const char **why)
{
	struct window *w = ctx;
	struct node *n = w->n;
	struct wire_text command;
	uint64_t index;

	(void)why;
	if (!n->protocol->entry_of(json, len, &index, &command) || is_stale(w, index, pos) ||
	    index != n->cold_first + n->cold_count)
		return 0;
	if (index > n->log.last)
		return 1;
	w->offset[n->cold_count] = n->cold.len;
	n->cold_text[n->cold_count++].len = command.len;
	buf_add(&n->cold, command.p, command.len);
	return n->cold_count == WINDOW_ENTRIES || n->cold.len >= WINDOW_BYTES || index == n->log.last || index + 1 == w->end;
}

/* The record at the position itself. */
static int take_placed(void *ctx, const char *json, size_t len, struct store_pos pos, const char **why)
{
	struct window *w = ctx;
	struct node *n = w->n;
	struct wire_text command;
	uint64_t index;

	(void)pos;
	(void)why;
	if (!n->protocol->entry_of(json, len, &index, &command) || index != n->cold_first)
		return 1;
	w->offset[0] = 0;
	n->cold_text[n->cold_count++].len = command.len;
	buf_add(&n->cold, command.p, command.len);
	return 1;
}

static void read_window(struct node *n, uint64_t index)
{
	const struct log_mark *placed = log_placed_from(&n->log, index);
	struct window w = { .n = n, .end = placed ? placed->index : UINT64_MAX };
	struct store_report report;
	int rc;

	if (!n->cold_text)
		n->cold_text = must_calloc(WINDOW_ENTRIES, sizeof(*n->cold_text));
	n->cold_first = index;
	n->cold_count = 0;
	n->cold.len = 0;
	if (w.end == index) {
		rc = store_read(n->store, placed->pos, take_placed, &w, &report);
	} else {
		w.mark = log_mark_of(&n->log, index);
		rc = store_read(n->store, n->log.mark[w.mark].pos, take_record, &w, &report);
	}
	if (rc < 0)
		node_die(rc, "%s", report.text);
	for (size_t i = 0; i < n->cold_count; i++)
		n->cold_text[i].p = n->cold.at + w.offset[i];
}

struct wire_text node_entry(struct node *n, uint64_t index)
{
	assert(index >= n->log.first && index <= n->log.last);
	if (log_cached(&n->log, index))
		return log_text(&n->log, index);
	if (index < n->cold_first || index >= n->cold_first + n->cold_count)
		read_window(n, index);
	if (!n->cold_count)
		node_die(STORE_ECORRUPT, "entry %llu is missing in the log", (unsigned long long)index);
	return n->cold_text[index - n->cold_first];
}
