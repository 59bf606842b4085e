/* due: a binary heap of what is due. */
#include "lib/fault/inside.h"

#include <assert.h>
#include <stdlib.h>

static bool earlier(const struct fault_due *a, const struct fault_due *b)
{
	if (a->at_ns != b->at_ns)
		return a->at_ns < b->at_ns;
	if (a->planned != b->planned)
		return b->planned;
	return a->number < b->number;
}

bool fault_heap_reserve(struct fault_heap *h, size_t more)
{
	size_t room = 2 * h->room + more;
	struct fault_due **due;

	if (h->room - h->count >= more)
		return true;
	due = realloc(h->due, room * sizeof *due);
	if (!due)
		return false;
	h->due = due;
	h->room = room;
	return true;
}

static void put(struct fault_heap *h, size_t place, struct fault_due *d)
{
	h->due[place] = d;
	d->place = place;
}

static void up(struct fault_heap *h, size_t place, struct fault_due *d)
{
	for (; place && earlier(d, h->due[(place - 1) / 2]); place = (place - 1) / 2)
		put(h, place, h->due[(place - 1) / 2]);
	put(h, place, d);
}

static void down(struct fault_heap *h, size_t place, struct fault_due *d)
{
	for (size_t child; (child = 2 * place + 1) < h->count; place = child) {
		if (child + 1 < h->count && earlier(h->due[child + 1], h->due[child]))
			child++;
		if (!earlier(h->due[child], d))
			break;
		put(h, place, h->due[child]);
	}
	put(h, place, d);
}

void fault_heap_add(struct fault_heap *h, struct fault_due *d)
{
	assert(h->count < h->room);
	up(h, h->count++, d);
}

void fault_heap_remove(struct fault_heap *h, struct fault_due *d)
{
	struct fault_due *last = h->due[--h->count];

	assert(d->place <= h->count);
	if (last == d)
		return;
	if (d->place && earlier(last, h->due[(d->place - 1) / 2]))
		up(h, d->place, last);
	else
		down(h, d->place, last);
}
