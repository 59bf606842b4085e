/*
 * buf: bytes that grow at the end and go at the front: a line being written, output that waits.
 *
 * Memory that runs out ends the process (must_realloc): bounds are the caller's to keep.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct buf {
	char *at;               /* the bytes: at .. at + len; NULL while nothing was ever added */
	size_t len;
	size_t start;           /* bytes given up before `at`, room that buf_room takes back */
	size_t room;            /* of the memory, from at - start on */
};

/* All zero is an empty one. */
void buf_release(struct buf *);

/* Room for n more bytes, at the end of those there; the caller adds to len what it wrote. */
char *buf_grow(struct buf *, size_t n);

static inline char *buf_room(struct buf *b, size_t n)
{
	return b->room - b->start - b->len >= n && b->at ? b->at + b->len : buf_grow(b, n);
}

static inline void buf_add(struct buf *b, const void *p, size_t n)
{
	if (n)          /* p may be NULL where there is nothing */
		memcpy(buf_room(b, n), p, n);
	b->len += n;
}

static inline void buf_puts(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

static inline void buf_putc(struct buf *b, char c)
{
	*buf_room(b, 1) = c;
	b->len++;
}

/* In decimal. */
void buf_u64(struct buf *, uint64_t);

__attribute__((format(printf, 2, 3)))
void buf_printf(struct buf *, const char *fmt, ...);

/* Takes n bytes from the front. */
void buf_drop(struct buf *, size_t n);

/* Empties it; memory beyond `keep` bytes goes back. */
void buf_clear(struct buf *, size_t keep);

#endif
