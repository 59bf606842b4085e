/* ledger: see ledger.h */
#include "lib/history/ledger.h"

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

/* A piece begins small, so that a little history costs little, and ends where one more costs next to nothing. */
enum { PIECE_BYTES_MIN = 1 << 12, PIECE_BYTES_MAX = 1 << 18, ELEMENTS_MIN = 64 };

struct arena_piece {
	struct arena_piece *older;
	size_t bytes;
};

void *ledger_resize(struct ledger *l, void *old, size_t old_bytes, size_t bytes)
{
	void *p;

	assert(l->used >= old_bytes && bytes);
	if (l->max && (bytes > l->max || l->used - old_bytes > l->max - bytes))
		return NULL;
	p = realloc(old, bytes);
	if (p)
		l->used += bytes - old_bytes;
	return p;
}

void ledger_free(struct ledger *l, void *p, size_t bytes)
{
	if (!p)
		return;
	assert(l->used >= bytes);
	free(p);
	l->used -= bytes;
}

void *ledger_grow(struct ledger *l, void *array, size_t *room, size_t count, size_t size)
{
	size_t more = *room ? 2 * *room : ELEMENTS_MIN;

	if (count < *room)
		return array;
	array = ledger_resize(l, array, *room * size, more * size);
	if (array)
		*room = more;
	return array;
}

static bool add_piece(struct arena *a, size_t bytes)
{
	size_t room = a->newest ? 2 * a->newest->bytes : PIECE_BYTES_MIN;
	struct arena_piece *piece;

	if (room > PIECE_BYTES_MAX)
		room = PIECE_BYTES_MAX;
	if (room < bytes + sizeof(*piece))
		room = bytes + sizeof(*piece);
	piece = ledger_resize(a->ledger, NULL, 0, room);
	if (!piece)
		return false;
	*piece = (struct arena_piece){ .older = a->newest, .bytes = room };
	a->newest = piece;
	a->next = (char *)(piece + 1);
	a->end = (char *)piece + room;
	return true;
}

void *arena_take(struct arena *a, size_t bytes, size_t align)
{
	size_t skip = (size_t)(-(uintptr_t)a->next & (align - 1));
	char *p;

	if (!a->next || (size_t)(a->end - a->next) < bytes + skip) {
		if (!add_piece(a, bytes))
			return NULL;
		skip = 0;
	}
	p = a->next + skip;
	a->next = p + bytes;
	return p;
}

void arena_release(struct arena *a)
{
	while (a->newest) {
		struct arena_piece *older = a->newest->older;

		ledger_free(a->ledger, a->newest, a->newest->bytes);
		a->newest = older;
	}
	a->next = a->end = NULL;
}
