/* values: the caller's numbers, numbered anew. */
#include "lib/lin/inside.h"

#include <assert.h>
#include <string.h>

static uint32_t *slot_of(const struct lin_values *v, uint32_t value)
{
	uint32_t at = (uint32_t)((value * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & (v->slots - 1);

	while (v->slot[at] && v->name[v->slot[at] - 1] != value)
		at = (at + 1) & (v->slots - 1);
	return &v->slot[at];
}

static bool enlarge(struct lin_values *v, struct lin_memory *memory)
{
	enum { FIRST = 16 };
	uint32_t slots = v->slots ? 2 * v->slots : FIRST;
	uint32_t *slot;

	if (!slots)
		return false;
	slot = lin_memory_array(memory, NULL, 0, slots, sizeof(*slot));
	if (!slot)
		return false;
	memset(slot, 0, slots * sizeof(*slot));
	lin_memory_free(memory, v->slot, v->slots, sizeof(*slot));
	v->slot = slot;
	v->slots = slots;
	for (uint32_t i = 0; i < v->count; i++)
		*slot_of(v, v->name[i]) = i + 1;
	return true;
}

bool lin_values_add(struct lin_values *v, struct lin_memory *memory, uint32_t value)
{
	uint32_t *slot;

	if (value == LIN_MISSING)
		return true;
	if (2 * (uint64_t)v->count >= v->slots && !enlarge(v, memory))
		return false;
	slot = slot_of(v, value);
	if (*slot)
		return true;
	if (!LIN_ROOM(memory, v->name, v->count, v->room))
		return false;
	v->name[v->count++] = value;
	*slot = v->count;
	return true;
}

uint32_t lin_values_number(const struct lin_values *v, uint32_t value)
{
	uint32_t slot;

	if (value == LIN_MISSING || !v->slots)
		return value == LIN_MISSING ? 0 : LIN_ANONYMOUS;
	slot = *slot_of(v, value);
	return slot ? LIN_VALUES_OWN + slot - 1 : LIN_ANONYMOUS;
}

void lin_values_release(struct lin_values *v, struct lin_memory *memory)
{
	lin_memory_free(memory, v->slot, v->slots, sizeof(*v->slot));
	lin_memory_free(memory, v->name, v->room, sizeof(*v->name));
	*v = (struct lin_values){ 0 };
}
