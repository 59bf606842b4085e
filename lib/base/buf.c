/* buf: see buf.h */
#include "lib/base/buf.h"
#include "lib/base/err.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { FIRST_ROOM = 256 };

void buf_release(struct buf *b)
{
	if (b->at)
		free(b->at - b->start);
	*b = (struct buf){ 0 };
}

char *buf_grow(struct buf *b, size_t n)
{
	size_t room = b->room ? b->room : FIRST_ROOM;
	char *memory = b->at ? b->at - b->start : NULL;

	assert(n < SIZE_MAX / 4);
	if (b->at && b->start) {
		memmove(memory, b->at, b->len);
		b->at = memory;
		b->start = 0;
		/* Half of it free: else bytes would be moved again and again for a little room. */
		if (b->room / 2 >= b->len && b->room - b->len >= n)
			return b->at + b->len;
	}
	while (room - b->len < n)
		room *= 2;
	b->at = must_realloc(memory, room);
	b->room = room;
	return b->at + b->len;
}

void buf_u64(struct buf *b, uint64_t x)
{
	char digits[20], *p = digits + sizeof(digits);

	do {
		*--p = (char)('0' + x % 10);
		x /= 10;
	} while (x);
	buf_add(b, p, (size_t)(digits + sizeof(digits) - p));
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	assert(n >= 0);
	va_start(ap, fmt);
	vsnprintf(buf_room(b, (size_t)n + 1), (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->len += (size_t)n;
}

void buf_drop(struct buf *b, size_t n)
{
	assert(n <= b->len);
	b->len -= n;
	if (!b->len) {
		if (b->at)
			b->at -= b->start;
		b->start = 0;
		return;
	}
	b->at += n;
	b->start += n;
}

void buf_clear(struct buf *b, size_t keep)
{
	if (b->room > keep) {
		buf_release(b);
		return;
	}
	buf_drop(b, b->len);
}
