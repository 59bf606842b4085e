/*
 * table: inside the kv module, a hash table that grows in small steps: no operation ever moves more than
 * the few hundred items of one segment.
 *
 * Extendible hashing (Fagin, Nievergelt, Pippenger and Strong 1979): a directory, indexed by the first
 * `depth` bits of a hash, leads to segments, each of the items whose hashes agree in its own `depth` bits.
 * A segment is a table of open addressing; a full one doubles until it has TABLE_SEGMENT_SLOTS
 * slots, then splits in two.  Buddies that have become small are merged again.
 *
 * Items are pointers the table does not look behind; their hashes must be keyed, for nobody else to choose them.
 */
#ifndef KV_TABLE_H
#define KV_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	TABLE_SEGMENT_SLOTS = 256,
	TABLE_DEPTH_MAX = 20,           /* beyond, from 10^8 items on, a full segment doubles again */
};

struct table_slot {
	uint64_t hash;
	void *item;                     /* NULL: free */
};

struct table_segment {
	uint32_t mask;                  /* slots - 1, a power of two less one */
	uint32_t count;
	uint32_t depth;
	struct table_slot slot[];
};

struct table {
	struct table_segment **directory;       /* 2^depth; a segment of depth d is in 2^(depth - d) places of it */
	uint32_t depth;
};

void table_init(struct table *);
void table_release(struct table *);

/* Of items that are not in it, or are. */
void table_add(struct table *, uint64_t hash, void *item);
void table_replace(struct table *, uint64_t hash, const void *item, void *by);
void table_remove(struct table *, uint64_t hash, const void *item);

static inline struct table_segment **table_place(const struct table *table, uint64_t hash)
{
	return &table->directory[hash >> 1 >> (63 - table->depth)];
}

/* Is the item the one of this key? */
typedef bool table_same(const void *item, const void *key);

/* The item, or NULL. */
static inline void *table_find(const struct table *table, uint64_t hash, table_same *same, const void *key)
{
	const struct table_segment *segment = *table_place(table, hash);
	const struct table_slot *slot;

	for (uint64_t i = hash & segment->mask; ; i = (i + 1) & segment->mask) {
		slot = &segment->slot[i];
		if (!slot->item)
			return NULL;
		if (slot->hash == hash && same(slot->item, key))
			return slot->item;
	}
}

#endif
