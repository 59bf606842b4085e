/* events: what is to come, a heap by time; at one time in the order in which it came about. */
#include "tests/sim/world.h"

#include <assert.h>
#include <stdlib.h>

static bool sooner(const struct event *a, const struct event *b)
{
	return a->at_ns < b->at_ns || (a->at_ns == b->at_ns && a->order < b->order);
}

void world_at(uint64_t at_ns, enum event_kind kind, int node, uint64_t life, void *what)
{
	struct event e = { at_ns, world.order++, kind, node, life, what };
	size_t i = world.events++;

	if (i == world.event_room) {
		world.event_room = world.event_room ? 2 * world.event_room : 256;
		world.heap = realloc(world.heap, world.event_room * sizeof(*world.heap));
		assert(world.heap);
	}
	for (; i > 0 && sooner(&e, &world.heap[(i - 1) / 2]); i = (i - 1) / 2)
		world.heap[i] = world.heap[(i - 1) / 2];
	world.heap[i] = e;
}

struct event next_event(void)
{
	struct event first = world.heap[0], last = world.heap[--world.events];
	size_t i = 0;

	for (size_t child; (child = 2 * i + 1) < world.events; i = child) {
		if (child + 1 < world.events && sooner(&world.heap[child + 1], &world.heap[child]))
			child++;
		if (!sooner(&world.heap[child], &last))
			break;
		world.heap[i] = world.heap[child];
	}
	world.heap[i] = last;
	return first;
}
