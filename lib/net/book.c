/*
 * book: see book.h
 *
 * Invariant: at most three of four entries are used, so that every search ends.  A name without an owner
 * keeps its entry until the table is made anew, and then still if it is one of the last that lost theirs.
 */
#include "lib/net/book.h"
#include "lib/base/err.h"
#include "lib/wire/wire.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_ENTRIES = 64 };

struct book_entry {
	void *owner;
	uint32_t hash;
	uint32_t len;                   /* 0: never used */
	uint64_t left;                  /* without an owner: the how manieth to lose it */
	char name[WIRE_NAME_BYTES_MAX];
};

void book_init(struct book *b, uint64_t seed)
{
	*b = (struct book){ .mask = FIRST_ENTRIES - 1, .seed = seed };
	b->entry = must_calloc(FIRST_ENTRIES, sizeof(*b->entry));
}

void book_release(struct book *b)
{
	free(b->entry);
	*b = (struct book){ .entry = NULL };
}

static uint32_t hash(const struct book *b, const char *name, size_t len)
{
	const uint64_t odd = UINT64_C(0x9e3779b97f4a7c15);
	uint64_t h = b->seed ^ len * odd, piece;

	for (; len >= sizeof(piece); name += sizeof(piece), len -= sizeof(piece)) {
		memcpy(&piece, name, sizeof(piece));
		h = (h ^ piece) * odd;
		h ^= h >> 29;
	}
	piece = 0;
	for (size_t i = 0; i < len; i++)
		piece = piece << 8 | (unsigned char)name[i];
	h = (h ^ piece) * odd;
	return (uint32_t)(h >> 32);
}

/* Of that name, or the free one that is for it. */
static struct book_entry *place(const struct book *b, const char *name, size_t len, uint32_t h)
{
	for (size_t i = h & b->mask;; i = (i + 1) & b->mask) {
		struct book_entry *e = &b->entry[i];

		if (!e->len || (e->hash == h && e->len == len && !memcmp(e->name, name, len)))
			return e;
	}
}

void *book_find(const struct book *b, const char *name, size_t len)
{
	return len ? place(b, name, len, hash(b, name, len))->owner : NULL;
}

bool book_has_left(const struct book *b, const char *name, size_t len)
{
	const struct book_entry *e = len ? place(b, name, len, hash(b, name, len)) : NULL;

	return e && e->len && !e->owner;
}

static bool stays(const struct book *b, const struct book_entry *e)
{
	return e->owner || (e->len && b->left - e->left < BOOK_LEFT_MAX);
}

/* Anew, with room for as many names again; most of those without an owner go. */
static void make_room(struct book *b)
{
	struct book_entry *old = b->entry;
	size_t entries = b->mask + 1, room = FIRST_ENTRIES;

	b->used = 0;
	for (size_t i = 0; i < entries; i++)
		b->used += stays(b, &old[i]);
	while (room < 4 * b->used)
		room *= 2;
	b->entry = must_calloc(room, sizeof(*b->entry));
	b->mask = room - 1;
	for (size_t i = 0; i < entries; i++)
		if (stays(b, &old[i]))
			*place(b, old[i].name, old[i].len, old[i].hash) = old[i];
	free(old);
}

bool book_put(struct book *b, const char *name, size_t len, void *owner)
{
	uint32_t h = hash(b, name, len);
	struct book_entry *e = place(b, name, len, h);

	assert(owner);
	if (!len || len > WIRE_NAME_BYTES_MAX || (!e->owner && b->owned >= BOOK_NAMES_MAX))
		return false;
	if (!e->len && b->used >= (b->mask + 1) / 4 * 3) {
		make_room(b);
		e = place(b, name, len, h);
	}
	b->used += !e->len;
	b->owned += !e->owner;
	e->owner = owner;
	e->hash = h;
	e->len = (uint32_t)len;
	memcpy(e->name, name, len);
	return true;
}

void book_forget(struct book *b, const void *owner)
{
	assert(owner);
	for (size_t i = 0; i <= b->mask; i++)
		if (b->entry[i].owner == owner) {
			b->entry[i].owner = NULL;
			b->entry[i].left = ++b->left;
			b->owned--;
		}
}
