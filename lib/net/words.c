/* words: see words.h */
#include "lib/net/words.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

enum {
	READ_BYTES = 4096,
	LINE_BYTES_MAX = 1 << 16,       /* a longer one is told in pieces */
};

/* Whole lines, in one write. */
static void tell(const struct words *w, const char *p, const char *end)
{
	struct buf text = { 0 };
	ssize_t put;

	while (w->name && p < end) {
		const char *newline = memchr(p, '\n', (size_t)(end - p));
		const char *stop = newline ? newline + 1 : end;

		buf_puts(&text, w->name);
		buf_puts(&text, ": ");
		buf_add(&text, p, (size_t)(stop - p));
		if (!newline)
			buf_putc(&text, '\n');
		p = stop;
	}
	while (text.len) {
		struct pollfd room = { .fd = STDERR_FILENO, .events = POLLOUT };

		put = write(STDERR_FILENO, text.at, text.len);
		if (put < 0 && errno == EAGAIN)
			poll(&room, 1, -1);
		else if (put < 0 && errno != EINTR)
			break;          /* a stderr that takes nothing: nobody to tell */
		buf_drop(&text, put > 0 ? (size_t)put : 0);
	}
	buf_release(&text);
}

ssize_t words_read(struct words *w, int fd)
{
	char bytes[READ_BYTES], *newline;
	ssize_t got = read(fd, bytes, sizeof(bytes));
	size_t whole;

	if (got <= 0)
		return got < 0 && (errno == EINTR || errno == EAGAIN) ? -1 : 0;
	newline = memrchr(bytes, '\n', (size_t)got);
	whole = newline ? (size_t)(newline + 1 - bytes) : 0;
	buf_add(&w->partial, bytes, whole ? whole : (size_t)got);
	if (!whole && w->partial.len < LINE_BYTES_MAX)
		return got;
	tell(w, w->partial.at, w->partial.at + w->partial.len);
	buf_clear(&w->partial, READ_BYTES);
	if (whole)
		buf_add(&w->partial, bytes + whole, (size_t)got - whole);
	return got;
}

void words_end(struct words *w)
{
	if (w->partial.len)
		tell(w, w->partial.at, w->partial.at + w->partial.len);
	buf_release(&w->partial);
}
