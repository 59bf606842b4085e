/*
 * words: what a process says on stderr, passed on to ours line by line, with its name in front.
 */
#ifndef NET_WORDS_H
#define NET_WORDS_H

#include "lib/base/buf.h"

#include <sys/types.h>

struct words {
	const char *name;               /* kept; NULL: nothing is passed on */
	struct buf partial;             /* of a line whose end has not come */
};

/* One read, which does not block where fd does not: its bytes, 0 at the end, -1 where there is nothing now. */
ssize_t words_read(struct words *, int fd);
/* No more will come: what is left is told. */
void words_end(struct words *);

#endif
