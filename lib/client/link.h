/*
 * link: a connection to one of several addresses, lines in and out of it, each with a deadline.
 *
 * Addresses are taken in turn: a connection that failed, or was closed, is followed by one to the
 * next.  What was sent is not sent again: that is the caller's.  Standard input and output
 * can be a link too; it cannot be made anew.
 *
 * Times are nanoseconds of the monotonic clock.
 */
#ifndef CLIENT_LINK_H
#define CLIENT_LINK_H

#include "lib/base/line.h"
#include "lib/net/address.h"

#include <stdint.h>

struct link {
	const struct address *address;  /* the caller's, kept; none: descriptors that were given */
	size_t addresses, at;
	int in, out;                    /* one and the same for a socket; -1: not connected */
	const char *why;                /* after -1: a clause */
	struct line_reader lines;
};

uint64_t link_now(void);
void link_sleep_until(uint64_t ns);

void link_init(struct link *, const struct address *, size_t addresses);
/* They are the link's now and do not block. */
void link_init_given(struct link *, int in, int out);
void link_release(struct link *);

/* 0 where it is connected now; else -1, and the next address's turn is next. */
__attribute__((warn_unused_result))
int link_open(struct link *, uint64_t deadline_ns);

/* Closes a connection, and leaves what was given as it is. */
void link_close(struct link *);

/* All of it: 0, or -1 and the link is closed. */
__attribute__((warn_unused_result))
int link_send(struct link *, const char *text, size_t len, uint64_t deadline_ns);

/* The next line: 1, or 0 when it is too late, or -1 and the link is closed.  It is valid until the next call. */
__attribute__((warn_unused_result))
int link_line(struct link *, char **line, size_t *len, uint64_t deadline_ns);

#endif
