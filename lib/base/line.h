/*
 * line: lines out of a descriptor, in bounded memory.
 *
 * A line longer than the limit is skipped to its end and reported once.  What follows the
 * last newline when the input ends is a line too.
 */
#ifndef BASE_LINE_H
#define BASE_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct line_reader {
	char *memory;
	size_t start, end, seen;        /* unread bytes are start .. end; no newline in start .. seen */
	size_t room, line_max;
	bool skipping;                  /* inside a line that is too long */
	bool ended;                     /* the descriptor gave its end */
};

enum { LINE_READ_BYTES = 1 << 17 };     /* asked of a read at once */

enum line_status {
	LINE_NONE,                      /* read more, or nothing is left */
	LINE_WHOLE,
	LINE_TOO_LONG,                  /* line points to its first bytes, no more than LINE_READ_BYTES */
};

/* line_max: bytes of a line, its newline not counted. */
void line_init(struct line_reader *, size_t line_max);
void line_release(struct line_reader *);

/* One read: the bytes it gave, 0 at the end, or -1 and errno. */
ssize_t line_read(struct line_reader *, int fd);

/* As if these bytes had been read. */
void line_feed(struct line_reader *, const char *, size_t);

/* The next line, without its newline; it is valid until the next read.  Its bytes may be changed. */
enum line_status line_next(struct line_reader *, char **line, size_t *len);

#endif
