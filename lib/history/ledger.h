/*
 * ledger: inside the history module, memory that is counted and has a limit.
 *
 * What is asked for is counted, not what malloc puts around it; so it is asked for in large pieces.
 */
#ifndef HISTORY_LEDGER_H
#define HISTORY_LEDGER_H

#include <stddef.h>

struct ledger {
	size_t used;
	size_t max;             /* 0: no limit */
};

/* As realloc; NULL where the limit or the memory does not do, and then `old` is as it was. */
void *ledger_resize(struct ledger *, void *old, size_t old_bytes, size_t bytes);
void ledger_free(struct ledger *, void *, size_t bytes);

/* The array, which may have moved, with room for one more than `count` elements of that size; NULL where memory does not do. */
void *ledger_grow(struct ledger *, void *array, size_t *room, size_t count, size_t size);

/* Pieces that stay where they are, and go all at once. */
struct arena {
	struct ledger *ledger;
	struct arena_piece *newest;
	char *next, *end;
};

/* `align` is 1 or 8; NULL where memory does not do. */
void *arena_take(struct arena *, size_t bytes, size_t align);
void arena_release(struct arena *);

#endif
