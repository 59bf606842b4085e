/* index: see index.h */
#include "lib/trace/index.h"
#include "lib/base/err.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS_AT_FIRST = 64, ROOM_AT_FIRST = 16 };

void index_init(struct index *x)
{
	*x = (struct index){ .slots = SLOTS_AT_FIRST, .slot = must_calloc(SLOTS_AT_FIRST, sizeof(*x->slot)) };
}

void index_release(struct index *x)
{
	for (size_t i = 0; i < x->links; i++) {
		free(x->link[i].src);
		free(x->link[i].message);
	}
	for (size_t i = 0; i < x->extras; i++)
		for (size_t j = 0; j < FAULT_COPIES_MAX; j++)
			free(x->extra[i].text[j]);
	free(x->link);
	free(x->slot);
	free(x->extra);
}

void *index_grow(void *array, size_t count, size_t *room, size_t size)
{
	size_t wanted = *room ? 2 * *room : ROOM_AT_FIRST;

	if (count < *room)
		return array;
	assert(wanted < SIZE_MAX / size);
	*room = wanted;
	return must_realloc(array, wanted * size);
}

/* --- Links --- */

static uint64_t hash_bytes(uint64_t hash, struct wire_text text)
{
	for (size_t i = 0; i < text.len; i++)
		hash = (hash ^ (unsigned char)text.p[i]) * UINT64_C(0x100000001b3);
	return (hash ^ text.len) * UINT64_C(0x9e3779b97f4a7c15);
}

static bool link_is(const struct index_link *l, struct trace_link names)
{
	return l->src_len == names.src.len && l->dest_len == names.dest.len &&
	       !memcmp(l->src, names.src.p, l->src_len) && !memcmp(l->dest, names.dest.p, l->dest_len);
}

/* The slot of the link, or the empty one where it would be. */
static uint32_t *find_slot(const struct index *x, struct trace_link names)
{
	uint64_t hash = hash_bytes(hash_bytes(UINT64_C(0xcbf29ce484222325), names.src), names.dest);
	size_t at = (hash >> 32) & (x->slots - 1);

	while (x->slot[at] && !link_is(&x->link[x->slot[at] - 1], names))
		at = (at + 1) & (x->slots - 1);
	return &x->slot[at];
}

static void grow_slots(struct index *x)
{
	free(x->slot);
	x->slots *= 2;
	x->slot = must_calloc(x->slots, sizeof(*x->slot));
	for (size_t i = 0; i < x->links; i++) {
		const struct index_link *l = &x->link[i];
		struct trace_link names = { { l->src, l->src_len }, { l->dest, l->dest_len } };

		*find_slot(x, names) = (uint32_t)i + 1;
	}
}

static struct index_link *find_link(const struct index *x, struct trace_link names)
{
	uint32_t at = *find_slot(x, names);

	return at ? &x->link[at - 1] : NULL;
}

static struct index_link *add_link(struct index *x, struct trace_link names)
{
	struct index_link *l;
	char *copy;

	if (2 * (x->links + 1) > x->slots)
		grow_slots(x);
	assert(x->links < UINT32_MAX - 1);
	x->link = index_grow(x->link, x->links, &x->link_room, sizeof(*x->link));
	l = &x->link[x->links];
	copy = must_malloc(names.src.len + names.dest.len);
	*l = (struct index_link){ .src = copy, .src_len = names.src.len, .dest = copy + names.src.len, .dest_len = names.dest.len };
	memcpy(l->src, names.src.p, names.src.len);
	memcpy(l->dest, names.dest.p, names.dest.len);
	*find_slot(x, names) = (uint32_t)++x->links;
	return l;
}

/* --- Messages --- */

/* Where message seq is, or would be. */
static size_t find_place(const struct index_link *l, uint64_t seq)
{
	size_t low = 0, high = l->count;

	if (seq - 1 < l->count && l->message[seq - 1].seq == seq)
		return seq - 1;
	if (!l->count || l->message[l->count - 1].seq < seq)
		return l->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (l->message[middle].seq < seq)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool has(const struct index_link *l, size_t at, uint64_t seq)
{
	return at < l->count && l->message[at].seq == seq;
}

struct message *index_find(const struct index *x, struct trace_link names, uint64_t seq)
{
	struct index_link *l = find_link(x, names);
	size_t at = l ? find_place(l, seq) : 0;

	return l && has(l, at, seq) ? &l->message[at] : NULL;
}

struct message *index_add(struct index *x, struct trace_link names, uint64_t seq)
{
	struct index_link *l = find_link(x, names);
	size_t at;

	assert(seq);
	if (!l)
		l = add_link(x, names);
	at = find_place(l, seq);
	if (has(l, at, seq))
		return NULL;
	l->message = index_grow(l->message, l->count, &l->room, sizeof(*l->message));
	memmove(&l->message[at + 1], &l->message[at], (l->count - at) * sizeof(*l->message));
	l->message[at] = (struct message){ .seq = seq };
	l->count++;
	return &l->message[at];
}

struct extra *index_extra(const struct index *x, const struct message *m)
{
	return m->first.extra ? &x->extra[m->first.extra - 1] : NULL;
}

struct extra *index_add_extra(struct index *x, struct message *m)
{
	if (!m->first.extra) {
		assert(x->extras < UINT32_MAX);
		x->extra = index_grow(x->extra, x->extras, &x->extra_room, sizeof(*x->extra));
		x->extra[x->extras] = (struct extra){ .duplicated = false };
		m->first.extra = (uint32_t)++x->extras;
	}
	return index_extra(x, m);
}
