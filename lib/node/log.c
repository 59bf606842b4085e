/* log: see log.h */
#include "lib/node/log.h"
#include "lib/base/err.h"

#include <assert.h>
#include <stdlib.h>

enum { FIRST_SLOTS = 1024 };

struct log_block {
	struct log_block *next;
	uint64_t last;                  /* the greatest index with a text in it */
	size_t used, room;
	char bytes[];
};

void log_init(struct log *l)
{
	*l = (struct log){ .first = 1, .cached = 1, .last = 0, .mask = FIRST_SLOTS - 1 };
	l->text = must_calloc(FIRST_SLOTS, sizeof(*l->text));
}

void log_release(struct log *l)
{
	struct log_block *next;

	for (struct log_block *b = l->oldest; b; b = next) {
		next = b->next;
		free(b);
	}
	free(l->spare);
	free(l->text);
	free(l->mark);
	free(l->placed);
	*l = (struct log){ 0 };
}

static void free_oldest(struct log *l)
{
	struct log_block *b = l->oldest;

	l->oldest = b->next;
	if (!l->oldest)
		l->newest = NULL;
	l->bytes -= b->room;
	if (b->room == LOG_BLOCK_BYTES && !l->spare)
		l->spare = b;
	else
		free(b);
}

static char *keep_text(struct log *l, uint64_t index, size_t len)
{
	struct log_block *b = l->newest;
	size_t room = len > LOG_BLOCK_BYTES ? len : LOG_BLOCK_BYTES;
	char *at;

	if (!b || b->room - b->used < len) {
		b = room == LOG_BLOCK_BYTES ? l->spare : NULL;
		if (b)
			l->spare = NULL;
		else
			b = must_malloc(sizeof(*b) + room);
		*b = (struct log_block){ .room = room };
		if (l->newest)
			l->newest->next = b;
		else
			l->oldest = b;
		l->newest = b;
		l->bytes += room;
	}
	at = b->bytes + b->used;
	b->used += len;
	if (index > b->last)
		b->last = index;
	return at;
}

static void grow_slots(struct log *l)
{
	size_t mask = l->mask * 2 + 1;
	struct wire_text *text = must_calloc(mask + 1, sizeof(*text));

	for (uint64_t i = l->cached; i <= l->last; i++)
		text[i & mask] = l->text[i & l->mask];
	free(l->text);
	l->text = text;
	l->mask = mask;
}

void log_mark(struct log *l, uint64_t index, struct store_pos pos)
{
	/* One at the beginning of each segment, too: what is before it can go. */
	if (!l->mark_next && l->marks && index < l->mark[l->marks - 1].index + LOG_MARK_ENTRIES &&
	    pos.segment == l->mark[l->marks - 1].pos.segment)
		return;
	l->mark_next = false;
	if (l->marks == l->mark_room) {
		l->mark_room = l->mark_room ? 2 * l->mark_room : 64;
		l->mark = must_realloc(l->mark, l->mark_room * sizeof(*l->mark));
	}
	l->mark[l->marks++] = (struct log_mark){ index, pos };
}

static void put_text(struct log *l, uint64_t index, struct wire_text text)
{
	char *copy;

	assert(index >= l->cached && index <= l->last + 1);
	if (index > l->last) {
		if (index - l->cached > l->mask)
			grow_slots(l);
		l->last = index;
	}
	copy = keep_text(l, index, text.len);
	memcpy(copy, text.p, text.len);
	l->text[index & l->mask] = (struct wire_text){ copy, text.len };
}

void log_put(struct log *l, uint64_t index, struct wire_text text, struct store_pos pos)
{
	bool is_new = index > l->last;

	put_text(l, index, text);
	if (is_new)
		log_mark(l, index, pos);
}

/* --- Placed --- */

/* The number of the first one at or after index. */
static size_t placed_at(const struct log *l, uint64_t index)
{
	size_t low = 0, high = l->placed_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (l->placed[middle].index < index)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct log_mark *log_placed_from(const struct log *l, uint64_t index)
{
	size_t at = placed_at(l, index);

	return at < l->placed_count ? &l->placed[at] : NULL;
}

void log_place(struct log *l, uint64_t index, struct wire_text text, struct store_pos pos)
{
	size_t at = placed_at(l, index);

	assert(index >= l->first && index <= l->last + 1);
	if (at == l->placed_count || l->placed[at].index != index) {
		if (l->placed_count == l->placed_room) {
			l->placed_room = l->placed_room ? 2 * l->placed_room : 64;
			l->placed = must_realloc(l->placed, l->placed_room * sizeof(*l->placed));
		}
		memmove(l->placed + at + 1, l->placed + at, (l->placed_count++ - at) * sizeof(*l->placed));
	}
	l->placed[at] = (struct log_mark){ index, pos };
	if (index >= l->cached)
		put_text(l, index, text);
}

struct store_pos log_oldest(const struct log *l)
{
	struct store_pos oldest = l->marks ? l->mark[0].pos : (struct store_pos){ 0 };

	for (size_t i = 0; i < l->placed_count; i++)
		oldest = store_pos_older(oldest, l->placed[i].pos);
	return oldest;
}

/* --- Gone --- */

void log_truncate(struct log *l, uint64_t from)
{
	if (from > l->last)
		return;
	assert(from >= l->first);
	l->last = from - 1;
	if (l->cached > from)
		l->cached = from;
	while (l->marks && l->mark[l->marks - 1].index >= from)
		l->marks--;
	l->placed_count = placed_at(l, from);
	l->mark_next = true;
}

void log_reset(struct log *l, uint64_t index)
{
	while (l->oldest)
		free_oldest(l);
	l->first = l->cached = index + 1;
	l->last = index;
	l->marks = l->placed_count = 0;
}

void log_drop_before(struct log *l, uint64_t first)
{
	size_t gone = 0;

	if (first <= l->first)
		return;
	if (first > l->last) {
		log_reset(l, first - 1);
		return;
	}
	l->first = first;
	if (l->cached < first)
		l->cached = first;
	while (gone + 1 < l->marks && l->mark[gone + 1].index <= first)
		gone++;
	l->marks -= gone;
	if (gone)
		memmove(l->mark, l->mark + gone, l->marks * sizeof(*l->mark));
	gone = placed_at(l, first);
	l->placed_count -= gone;
	if (gone)
		memmove(l->placed, l->placed + gone, l->placed_count * sizeof(*l->placed));
	log_evict(l, 0, first - 1);
}

void log_evict(struct log *l, size_t keep, uint64_t upto)
{
	while (l->oldest && l->bytes > keep && l->oldest->last <= upto) {
		if (l->cached <= l->oldest->last)
			l->cached = l->oldest->last + 1;
		free_oldest(l);
	}
	if (l->cached > l->last + 1)
		l->cached = l->last + 1;
}

size_t log_mark_of(const struct log *l, uint64_t index)
{
	size_t low = 0, high = l->marks;

	assert(l->marks && l->mark[0].index <= index);
	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (l->mark[middle].index <= index)
			low = middle;
		else
			high = middle;
	}
	return low;
}
