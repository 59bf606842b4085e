/* order: what changed the state, and among it what did not. */
#include "lib/lin/inside.h"

#include <string.h>

/* start: two for each change, and two more: before what is last, and before the change. */
static void merge(struct lin_order *order, const uint32_t *changes, uint32_t changes_count, const struct lin_place *places,
		  uint32_t count, uint32_t *start)
{
	size_t starts = 2 * ((size_t)changes_count + 1);
	uint32_t at = 0;

	memset(start, 0, starts * sizeof(*start));
	for (uint32_t i = 0; i < count; i++)
		start[2 * (size_t)places[i].after + places[i].last]++;
	for (size_t i = 0; i < starts; i++) {
		uint32_t here = start[i];

		start[i] = at;
		at += here;
		if (i % 2 && i / 2 < changes_count)
			order->ops[at++] = changes[i / 2];
	}
	for (uint32_t i = 0; i < count; i++)
		order->ops[start[2 * (size_t)places[i].after + places[i].last]++] = places[i].op;
	order->count = at;
}

bool lin_order_make(struct lin_order *order, struct lin_memory *memory, const uint32_t *changes, uint32_t changes_count,
		    const struct lin_place *places, uint32_t count)
{
	size_t starts = 2 * ((size_t)changes_count + 1);
	uint32_t *start = lin_memory_array(memory, NULL, 0, starts, sizeof(*start));

	*order = (struct lin_order){ .room = (size_t)changes_count + count + 1 };
	order->ops = lin_memory_array(memory, NULL, 0, order->room, sizeof(*order->ops));
	if (order->ops && start)
		merge(order, changes, changes_count, places, count, start);
	lin_memory_free(memory, start, starts, sizeof(*start));
	return order->ops && start;
}

void lin_order_release(struct lin_order *order, struct lin_memory *memory)
{
	lin_memory_free(memory, order->ops, order->room, sizeof(*order->ops));
	*order = (struct lin_order){ 0 };
}
