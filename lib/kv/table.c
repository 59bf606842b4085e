/*
 * Invariants: at least a quarter of a segment's slots is free, so every search ends; between an
 * item's first place and its slot no slot is free.
 */
#include "lib/kv/table.h"
#include "lib/base/err.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
	FIRST_SLOTS = 16,
	MERGED_MAX = TABLE_SEGMENT_SLOTS / 4,   /* items of two buddies that become one */
};

static struct table_segment *segment_new(uint32_t slots, uint32_t depth)
{
	struct table_segment *segment = must_calloc(1, sizeof(*segment) + slots * sizeof(segment->slot[0]));

	segment->mask = slots - 1;
	segment->depth = depth;
	return segment;
}

static void segment_add(struct table_segment *segment, uint64_t hash, void *item)
{
	uint64_t i = hash & segment->mask;

	while (segment->slot[i].item)
		i = (i + 1) & segment->mask;
	segment->slot[i] = (struct table_slot){ .hash = hash, .item = item };
	segment->count++;
}

static void segment_add_all(struct table_segment *segment, const struct table_segment *from)
{
	for (uint32_t i = 0; i <= from->mask; i++)
		if (from->slot[i].item)
			segment_add(segment, from->slot[i].hash, from->slot[i].item);
}

static bool is_full(const struct table_segment *segment)
{
	return segment->count >= (segment->mask + 1) / 4 * 3;
}

/* --- The directory --- */

void table_init(struct table *table)
{
	table->depth = 0;
	table->directory = must_malloc(sizeof(table->directory[0]));
	table->directory[0] = segment_new(FIRST_SLOTS, 0);
}

/* How many places the segment has. */
static size_t share(const struct table *table, const struct table_segment *segment)
{
	return (size_t)1 << (table->depth - segment->depth);
}

void table_release(struct table *table)
{
	size_t places = (size_t)1 << table->depth, next;

	for (size_t i = 0; i < places; i = next) {
		next = i + share(table, table->directory[i]);
		free(table->directory[i]);
	}
	free(table->directory);
}

static void directory_double(struct table *table)
{
	size_t places = (size_t)1 << table->depth;

	table->directory = must_realloc(table->directory, 2 * places * sizeof(table->directory[0]));
	for (size_t i = places; i-- > 0; )
		table->directory[2 * i] = table->directory[2 * i + 1] = table->directory[i];
	table->depth++;
}

/* All places of hashes that agree with this one in `depth` bits get the segment. */
static void directory_set(struct table *table, uint64_t hash, struct table_segment *segment)
{
	size_t count = share(table, segment);
	size_t first = (size_t)(table_place(table, hash) - table->directory) & ~(count - 1);

	for (size_t i = 0; i < count; i++)
		table->directory[first + i] = segment;
}

/* The bit that tells the two apart whose parent is of this depth. */
static uint64_t split_bit(uint32_t depth)
{
	return UINT64_C(1) << (63 - depth);
}

static void split(struct table *table, uint64_t hash)
{
	struct table_segment *old = *table_place(table, hash), *half[2];
	uint64_t bit = split_bit(old->depth);

	if (old->depth == table->depth)
		directory_double(table);
	for (int i = 0; i < 2; i++)
		half[i] = segment_new(TABLE_SEGMENT_SLOTS, old->depth + 1);
	for (uint32_t i = 0; i <= old->mask; i++)
		if (old->slot[i].item)
			segment_add(half[!!(old->slot[i].hash & bit)], old->slot[i].hash, old->slot[i].item);
	directory_set(table, hash & ~bit, half[0]);
	directory_set(table, hash | bit, half[1]);
	free(old);
}

static void double_segment(struct table *table, uint64_t hash)
{
	struct table_segment *old = *table_place(table, hash);
	struct table_segment *segment = segment_new(2 * (old->mask + 1), old->depth);

	segment_add_all(segment, old);
	directory_set(table, hash, segment);
	free(old);
}

static void merge_if_small(struct table *table, uint64_t hash)
{
	struct table_segment *a = *table_place(table, hash), *b, *both;

	if (!a->depth || a->count > MERGED_MAX / 2)
		return;
	b = *table_place(table, hash ^ split_bit(a->depth - 1));
	if (b->depth != a->depth || a->count + b->count > MERGED_MAX)
		return;
	both = segment_new(TABLE_SEGMENT_SLOTS, a->depth - 1);
	segment_add_all(both, a);
	segment_add_all(both, b);
	directory_set(table, hash, both);
	free(a);
	free(b);
}

/* --- Items --- */

void table_add(struct table *table, uint64_t hash, void *item)
{
	struct table_segment *segment;

	assert(item);
	while (is_full(segment = *table_place(table, hash))) {
		/* As many as that only if hashes agree that should not: no endless splitting then. */
		if (segment->mask + 1 < TABLE_SEGMENT_SLOTS || segment->depth == TABLE_DEPTH_MAX)
			double_segment(table, hash);
		else
			split(table, hash);
	}
	segment_add(segment, hash, item);
}

static uint64_t slot_of(const struct table_segment *segment, uint64_t hash, const void *item)
{
	uint64_t i = hash & segment->mask;

	while (segment->slot[i].item != item) {
		assert(segment->slot[i].item);
		i = (i + 1) & segment->mask;
	}
	return i;
}

void table_replace(struct table *table, uint64_t hash, const void *item, void *by)
{
	struct table_segment *segment = *table_place(table, hash);

	segment->slot[slot_of(segment, hash, item)].item = by;
}

void table_remove(struct table *table, uint64_t hash, const void *item)
{
	struct table_segment *segment = *table_place(table, hash);
	uint64_t hole = slot_of(segment, hash, item), first;

	/* What follows moves into the hole, unless it would come before its first place. */
	for (uint64_t i = (hole + 1) & segment->mask; segment->slot[i].item; i = (i + 1) & segment->mask) {
		first = segment->slot[i].hash & segment->mask;
		if (((i - first) & segment->mask) < ((i - hole) & segment->mask))
			continue;
		segment->slot[hole] = segment->slot[i];
		hole = i;
	}
	segment->slot[hole].item = NULL;
	segment->count--;
	merge_if_small(table, hash);
}
