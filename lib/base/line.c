/*
 * line: see line.h
 *
 * Invariant: memory is no larger than the longest line and two reads.  A reader at rest, all its
 * lines taken, begins at the start of it again, so that one of many quiet connections touches
 * no more than its lines need; and it gives back what a rare long line took.
 */
#include "lib/base/line.h"
#include "lib/base/err.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	ROOM_BYTES = 2 * LINE_READ_BYTES,       /* at first */
	KEEP_BYTES = 8 * LINE_READ_BYTES,       /* at rest */
};

void line_init(struct line_reader *r, size_t line_max)
{
	assert(line_max < SIZE_MAX / 4);
	*r = (struct line_reader){ .line_max = line_max };
}

void line_release(struct line_reader *r)
{
	free(r->memory);
	*r = (struct line_reader){ .line_max = r->line_max };
}

/* Room for n bytes at the end. */
static void make_room(struct line_reader *r, size_t n)
{
	size_t have = r->end - r->start, room = ROOM_BYTES, enough = r->line_max + ROOM_BYTES;

	if (!have && r->room > KEEP_BYTES) {
		free(r->memory);
		r->memory = NULL;
		r->room = 0;
	}
	if (!have)
		r->start = r->seen = r->end = 0;
	if (r->room - r->end >= n)
		return;
	if (r->start) {
		memmove(r->memory, r->memory + r->start, have);
		r->seen -= r->start;
		r->start = 0;
		r->end = have;
	}
	while (room < have + n)
		room *= 2;
	if (room > enough && have + n <= enough)
		room = enough;
	if (room <= r->room)
		return;
	r->memory = must_realloc(r->memory, room);
	r->room = room;
}

ssize_t line_read(struct line_reader *r, int fd)
{
	ssize_t n;

	make_room(r, LINE_READ_BYTES);
	n = read(fd, r->memory + r->end, LINE_READ_BYTES);
	if (n > 0)
		r->end += (size_t)n;
	if (n == 0)
		r->ended = true;
	return n;
}

void line_feed(struct line_reader *r, const char *p, size_t n)
{
	if (!n)
		return;
	make_room(r, n);
	memcpy(r->memory + r->end, p, n);
	r->end += n;
}

enum line_status line_next(struct line_reader *r, char **line, size_t *len)
{
	while (r->start != r->end) {
		char *newline = memchr(r->memory + r->seen, '\n', r->end - r->seen);
		bool ends = newline || r->ended, reported = r->skipping;

		*line = r->memory + r->start;
		*len = newline ? (size_t)(newline - *line) : r->end - r->start;
		if (!ends && !reported && *len <= r->line_max) {
			r->seen = r->end;
			return LINE_NONE;
		}
		r->start = r->seen = newline ? r->start + *len + 1 : r->end;
		r->skipping = !ends;
		if (reported)
			continue;       /* the rest of a line that is too long goes as it comes */
		if (*len <= r->line_max)
			return LINE_WHOLE;
		if (*len > LINE_READ_BYTES)
			*len = LINE_READ_BYTES;
		return LINE_TOO_LONG;
	}
	return LINE_NONE;
}
