/*
 * append: records into the memory of the next flush.
 *
 * Each gets its place at once: the segment that has room for it, the offset behind the last.  A record that
 * does not fit ends its segment and begins the next, where it may be as large as it is.
 */
#include "lib/store/inside.h"
#include "lib/base/err.h"

#include <assert.h>
#include <stdlib.h>

/* What may have to stand in a segment besides: a flush record before, {"next"} after. */
enum { OWN_BYTES_MAX = 128 };

void store_segment_add(struct store *s, uint32_t number, uint32_t end)
{
	if (s->segments == s->segment_room) {
		s->segment_room = s->segment_room ? 2 * s->segment_room : 16;
		s->segment = must_realloc(s->segment, s->segment_room * sizeof(*s->segment));
	}
	s->segment[s->segments++] = (struct segment){ number, end };
}

/* The piece of the batch that goes on where the newest segment ends. */
static struct piece *current_piece(struct store *s)
{
	struct batch *b = &s->pending;
	const struct segment *newest = store_newest(s);

	if (b->pieces && b->piece[b->pieces - 1].segment == newest->number)
		return &b->piece[b->pieces - 1];
	if (b->pieces == b->room) {
		b->room = b->room ? 2 * b->room : 4;
		b->piece = must_realloc(b->piece, b->room * sizeof(*b->piece));
	}
	b->piece[b->pieces] = (struct piece){ .segment = newest->number, .offset = newest->end };
	return &b->piece[b->pieces++];
}

/* The record of json_len bytes whose JSON stands in the room at the end of the batch. */
static struct store_pos add_record(struct store *s, size_t json_len)
{
	struct piece *piece = current_piece(s);
	struct segment *newest = store_newest(s);
	struct store_pos pos = { newest->number, newest->end };
	char *line = s->pending.bytes.at + s->pending.bytes.len;
	size_t len = json_len + RECORD_EXTRA_BYTES;

	record_seal(line, json_len);
	s->chain = record_crc_extend(s->chain, line, RECORD_CRC_BYTES);
	s->pending.bytes.len += len;
	piece->len += len;
	newest->end += (uint32_t)len;
	return pos;
}

static void add_own(struct store *s)
{
	char *line = buf_room(&s->pending.bytes, s->text.len + RECORD_EXTRA_BYTES);

	memcpy(line + RECORD_HEAD_BYTES, s->text.at, s->text.len);
	add_record(s, s->text.len);
}

static void begin_segment(struct store *s)
{
	if (s->begun) {
		uint32_t number = store_newest(s)->number + 1;

		own_next(&s->text, number);
		add_own(s);
		store_segment_add(s, number, 0);
	}
	own_header(&s->text, s, store_newest(s)->number, s->flush, s->chain);
	add_own(s);
	s->begun = true;
}

struct store_pos store_append(struct store *s, const struct store_part *part, size_t parts, bool *rotated)
{
	size_t len = 0;
	char *to;

	assert(s->replayed);
	*rotated = !s->stated;
	for (size_t i = 0; i < parts; i++)
		len += part[i].len;
	if (len > STORE_RECORD_BYTES_MAX)
		return (struct store_pos){ 0 };
	if (!s->pending.pieces)
		s->flush++;
	if (!s->begun || store_newest(s)->end + len + OWN_BYTES_MAX > s->segment_bytes) {
		begin_segment(s);
		*rotated = true;
	} else if (!s->pending.pieces) {
		own_flush(&s->text, s->flush, s->chain);
		add_own(s);
	}
	s->stated = true;
	to = buf_room(&s->pending.bytes, len + RECORD_EXTRA_BYTES) + RECORD_HEAD_BYTES;
	for (size_t i = 0; i < parts; i++) {
		memcpy(to, part[i].p, part[i].len);
		to += part[i].len;
	}
	assert(len && to[-(ptrdiff_t)len] == '{' && !own_is(to - len, len));
	return add_record(s, len);
}

size_t store_pending(const struct store *s)
{
	return s->pending.bytes.len;
}

bool store_flush_begin(struct store *s)
{
	struct batch empty = s->flushing;

	assert(!s->flush_under_way && !empty.pieces);
	if (!s->pending.pieces)
		return false;
	s->flushing = s->pending;
	s->pending = empty;
	s->flush_under_way = true;
	return true;
}

void store_flush_end(struct store *s)
{
	assert(s->flush_under_way);
	s->flushed_segment = s->flushing.piece[s->flushing.pieces - 1].segment;
	buf_clear(&s->flushing.bytes, STORE_KEEP_BYTES);
	s->flushing.pieces = 0;
	s->flush_under_way = false;
}
