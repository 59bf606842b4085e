/*
 * log: the texts of entries by index, the newest in memory, the older ones by where they are in the store.
 *
 * An entry whose record does not stand in the order of indexes (it came before one that precedes it, or took the place of
 * another) has its position kept apart: it was `placed`.
 *
 * Texts lie in blocks in the order they came; a block goes when all entries in it may go.  Of positions one in
 * LOG_MARK_ENTRIES is kept: an entry is found by reading on from the mark before it.
 *
 * Invariant: first <= cached <= last + 1; every index in cached .. last has a text, every index in first .. last is placed,
 * or at or after a mark.
 */
#ifndef NODE_LOG_H
#define NODE_LOG_H

#include "lib/store/store.h"
#include "lib/wire/wire.h"

enum { LOG_MARK_ENTRIES = 64, LOG_BLOCK_BYTES = 1 << 16 };

struct log_block;
struct log_mark { uint64_t index; struct store_pos pos; };

struct log {
	uint64_t first, cached, last;   /* empty: last == first - 1 */
	struct wire_text *text;         /* of index i at i & mask */
	size_t mask;
	struct log_block *oldest, *newest, *spare;
	size_t bytes;                   /* of the blocks */
	struct log_mark *mark;          /* by index */
	size_t marks, mark_room;
	struct log_mark *placed;        /* by index */
	size_t placed_count, placed_room;
	bool mark_next;                 /* records of truncated entries lie between: the next one needs a mark */
};

void log_init(struct log *);
void log_release(struct log *);

/* Keeps a copy of the text at index, last + 1 or one in cached .. last that it replaces. */
void log_put(struct log *, uint64_t index, struct wire_text, struct store_pos);

/* Keeps one whose record is anywhere: at index, last + 1 or one in first .. last that it replaces. */
void log_place(struct log *, uint64_t index, struct wire_text, struct store_pos);

/* The first placed one from index on, or NULL. */
const struct log_mark *log_placed_from(const struct log *, uint64_t index);

/* Where the oldest record is that is still needed; segment 0: none is. */
struct store_pos log_oldest(const struct log *);

/* The same without the text: for what is read at the start. */
void log_mark(struct log *, uint64_t index, struct store_pos);

void log_truncate(struct log *, uint64_t from);
/* Empty, to go on after `index`. */
void log_reset(struct log *, uint64_t index);
/* Entries before first go, texts and marks. */
void log_drop_before(struct log *, uint64_t first);
/* While texts take more than `keep` bytes, those of entries up to `upto` leave the memory. */
void log_evict(struct log *, size_t keep, uint64_t upto);

static inline bool log_cached(const struct log *l, uint64_t index)
{
	return index >= l->cached && index <= l->last;
}

/* Of a cached index. */
static inline struct wire_text log_text(const struct log *l, uint64_t index)
{
	return l->text[index & l->mask];
}

/* The number of the last mark that is not after index: where to start reading for it. */
size_t log_mark_of(const struct log *, uint64_t index);

#endif
