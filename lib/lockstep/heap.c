/* heap: what parties do next, the earliest first; of those at one time the one that was put in first. */
#include "lib/lockstep/inside.h"

static bool before(const struct party *a, const struct party *b)
{
	return a->due_ns != b->due_ns ? a->due_ns < b->due_ns : a->number < b->number;
}

static void put(struct lockstep *l, struct party *p, size_t place)
{
	l->heap[place] = p;
	p->place = place;
}

static void up(struct lockstep *l, struct party *p, size_t place)
{
	for (; place > 1 && before(p, l->heap[place / 2]); place /= 2)
		put(l, l->heap[place / 2], place);
	put(l, p, place);
}

static void down(struct lockstep *l, struct party *p, size_t place)
{
	for (;;) {
		size_t child = 2 * place;

		if (child + 1 <= l->heap_count && before(l->heap[child + 1], l->heap[child]))
			child++;
		if (child > l->heap_count || !before(l->heap[child], p))
			break;
		put(l, l->heap[child], place);
		place = child;
	}
	put(l, p, place);
}

static void settle(struct lockstep *l, struct party *p, size_t place)
{
	if (place > 1 && before(p, l->heap[place / 2]))
		up(l, p, place);
	else
		down(l, p, place);
}

void heap_set(struct lockstep *l, struct party *p, uint64_t due_ns)
{
	size_t place = p->place;

	if (place ? p->due_ns == due_ns && due_ns > l->now_ns : due_ns == FAULT_NEVER)
		return;
	p->due_ns = due_ns;
	p->number = ++l->numbers;
	if (due_ns == FAULT_NEVER && place) {
		struct party *last = l->heap[l->heap_count--];

		p->place = 0;
		if (last != p)
			settle(l, last, place);
	} else if (due_ns != FAULT_NEVER) {
		settle(l, p, place ? place : ++l->heap_count);
	}
}

struct party *heap_first(const struct lockstep *l)
{
	return l->heap_count ? l->heap[1] : NULL;
}
