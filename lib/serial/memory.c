/* memory: see memory.h. */
#include "lib/serial/memory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void *memory_get(struct memory *m, size_t count, size_t size)
{
	size_t bytes = (count ? count : 1) * size;
	void *p;

	if (m->max && (bytes > m->max || m->used > m->max - bytes))
		return NULL;
	p = calloc(count ? count : 1, size);
	if (!p)
		return NULL;
	m->used += bytes;
	if (m->peak < m->used)
		m->peak = m->used;
	return p;
}

void memory_drop(struct memory *m, void *p, size_t count, size_t size)
{
	size_t bytes = (count ? count : 1) * size;

	if (!p)
		return;
	assert(m->used >= bytes);
	m->used -= bytes;
	free(p);
}

void *memory_grow(struct memory *m, void *old, uint32_t *room, size_t size)
{
	uint32_t more = *room < 8 ? 16 : *room > UINT32_MAX / 2 ? UINT32_MAX : *room * 2;
	void *p = *room == UINT32_MAX ? NULL : memory_get(m, more, size);

	if (!p)
		return NULL;
	if (old)
		memcpy(p, old, *room * size);
	memory_drop(m, old, *room, size);
	*room = more;
	return p;
}

/* --- The index: open addressing, at most half full --- */

static uint64_t mix(uint64_t x)
{
	x ^= x >> 31;
	x *= UINT64_C(0x9e3779b97f4a7c15);
	return x ^ x >> 29;
}

void lookup_release(struct lookup *x, struct memory *m)
{
	memory_drop(m, x->place, x->room, sizeof(*x->place));
	memset(x, 0, sizeof(*x));
}

static struct index_place *place_of(const struct lookup *x, uint64_t key)
{
	uint32_t i = (uint32_t)mix(key) & (x->room - 1);

	while (x->place[i].used && x->place[i].key != key)
		i = (i + 1) & (x->room - 1);
	return &x->place[i];
}

uint32_t lookup_find(const struct lookup *x, uint64_t key)
{
	const struct index_place *p;

	if (!x->room)
		return NONE;
	p = place_of(x, key);
	return p->used ? p->id : NONE;
}

static bool index_widen(struct lookup *x, struct memory *m)
{
	struct lookup wide = { .count = x->count, .room = x->room ? 2 * x->room : 16 };

	wide.place = memory_get(m, wide.room, sizeof(*wide.place));
	if (!wide.place)
		return false;
	for (uint32_t i = 0; i < x->room; i++)
		if (x->place[i].used)
			*place_of(&wide, x->place[i].key) = x->place[i];
	lookup_release(x, m);
	*x = wide;
	return true;
}

uint32_t *lookup_add(struct lookup *x, struct memory *m, uint64_t key)
{
	struct index_place *p;

	if (x->count >= x->room / 2 && !index_widen(x, m))
		return NULL;
	p = place_of(x, key);
	if (!p->used) {
		*p = (struct index_place){ .key = key, .id = NONE, .used = 1 };
		x->count++;
	}
	return &p->id;
}

/* --- The sort: runs of 1, 2, 4, ... merged; what is in order already is left --- */

static void merge(const struct sorted *from, uint32_t middle, uint32_t end, struct sorted *to)
{
	uint32_t a = 0, b = middle;

	for (uint32_t i = 0; i < end; i++)
		to[i] = a < middle && (b == end || from[a].by <= from[b].by) ? from[a++] : from[b++];
}

void sort(struct sorted *s, struct sorted *other, uint32_t count)
{
	for (uint64_t run = 1; run < count; run *= 2) {
		for (uint64_t at = 0; at + run < count; at += 2 * run) {
			uint32_t end = (uint32_t)(at + 2 * run < count ? 2 * run : count - at);

			if (s[at + run - 1].by <= s[at + run].by)
				continue;
			merge(s + at, (uint32_t)run, end, other + at);
			memcpy(s + at, other + at, end * sizeof(*s));
		}
	}
}
