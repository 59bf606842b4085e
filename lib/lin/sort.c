/* sort: operations by a place, as it is mostly sorted, few, or in few digits. */
#include "lib/lin/inside.h"

#include <string.h>

enum { DIGIT_BITS = 11, DIGITS = 1 << DIGIT_BITS, FEW = 48 };

static inline uint64_t key(const struct lin_plan *p, uint32_t op, bool by_return)
{
	return by_return ? p->deeds[op].returned : p->ops[op].called;
}

static void insert(const struct lin_plan *p, uint32_t *ops, uint32_t count, bool by_return)
{
	for (uint32_t i = 1; i < count; i++) {
		uint32_t op = ops[i], at = i;

		for (; at && key(p, ops[at - 1], by_return) > key(p, op, by_return); at--)
			ops[at] = ops[at - 1];
		ops[at] = op;
	}
}

/* One digit, into `to`, those that are alike as they were. */
static void deal(const struct lin_plan *p, const uint32_t *ops, uint32_t *to, uint32_t count, bool by_return, int shift)
{
	uint32_t start[DIGITS + 1] = { 0 };

	for (uint32_t i = 0; i < count; i++)
		start[(key(p, ops[i], by_return) >> shift & (DIGITS - 1)) + 1]++;
	for (uint32_t d = 1; d < DIGITS; d++)
		start[d] += start[d - 1];
	for (uint32_t i = 0; i < count; i++)
		to[start[key(p, ops[i], by_return) >> shift & (DIGITS - 1)]++] = ops[i];
}

void lin_sort(const struct lin_plan *p, uint32_t *ops, uint32_t *spare, uint32_t count, bool by_return)
{
	uint32_t *from = ops, *to = spare, *turn;
	uint64_t most = 0;
	bool sorted = true;

	for (uint32_t i = 0; i < count; i++) {
		uint64_t k = key(p, ops[i], by_return);

		sorted &= k >= most;
		most = k > most ? k : most;
	}
	if (sorted)
		return;
	if (count <= FEW) {
		insert(p, ops, count, by_return);
		return;
	}
	for (int shift = 0; shift < 64 && most >> shift; shift += DIGIT_BITS) {
		deal(p, from, to, count, by_return, shift);
		turn = from;
		from = to;
		to = turn;
	}
	if (from != ops)
		memcpy(ops, from, count * sizeof(*ops));
}
