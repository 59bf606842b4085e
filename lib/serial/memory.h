/*
 * memory: counted memory, and the two things everything here is made of: an index from numbers to numbers, and a sort.
 *
 * All that the checker has is taken and given back here, with its size, so that the sum is known and can be bounded.  Whatever is
 * taken is zero.
 */
#ifndef SERIAL_MEMORY_H
#define SERIAL_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NONE UINT32_MAX

struct memory {
	size_t used, peak, max;         /* max 0: no limit */
};

/* NULL: no more.  Of no elements there is one, so that NULL means nothing else. */
__attribute__((warn_unused_result))
void *memory_get(struct memory *, size_t count, size_t size);
void memory_drop(struct memory *, void *, size_t count, size_t size);
/* Twice the room, or some; NULL: as it was. */
__attribute__((warn_unused_result))
void *memory_grow(struct memory *, void *, uint32_t *room, size_t size);

/* From a number to a smaller one; those not in it are NONE. */
struct lookup {
	struct index_place { uint64_t key; uint32_t id, used; } *place;
	uint32_t count, room;
};

void lookup_release(struct lookup *, struct memory *);
uint32_t lookup_find(const struct lookup *, uint64_t key);
/* The place of its id, which is NONE if the key is new; NULL: no memory.  Until the next one is added. */
__attribute__((warn_unused_result))
uint32_t *lookup_add(struct lookup *, struct memory *, uint64_t key);

struct sorted {
	uint64_t by;
	uint32_t id;
};

/* Upwards, what is equal stays in its order; `other` has the same room. */
void sort(struct sorted *, struct sorted *other, uint32_t count);

#endif
