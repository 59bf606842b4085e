/* sort: things by a place in the history, as that is mostly sorted, few, or in few digits. */
#include "lib/lin/inside.h"

#include <string.h>

enum { DIGIT_BITS = 11, DIGITS = 1 << DIGIT_BITS, FEW = 48 };

static inline uint64_t key(const struct lin_by *by, uint32_t item)
{
	uint64_t key;

	memcpy(&key, (const char *)by->keys + item * by->stride, sizeof(key));
	return key;
}

static void insert(const struct lin_by *by, uint32_t *items, uint32_t count)
{
	for (uint32_t i = 1; i < count; i++) {
		uint32_t item = items[i], at = i;

		for (; at && key(by, items[at - 1]) > key(by, item); at--)
			items[at] = items[at - 1];
		items[at] = item;
	}
}

/* One digit, into `to`, those that are alike as they were. */
static void deal(const struct lin_by *by, const uint32_t *items, uint32_t *to, uint32_t count, int shift)
{
	uint32_t start[DIGITS + 1] = { 0 };

	for (uint32_t i = 0; i < count; i++)
		start[(key(by, items[i]) >> shift & (DIGITS - 1)) + 1]++;
	for (uint32_t d = 1; d < DIGITS; d++)
		start[d] += start[d - 1];
	for (uint32_t i = 0; i < count; i++)
		to[start[key(by, items[i]) >> shift & (DIGITS - 1)]++] = items[i];
}

void lin_sort(const struct lin_by *by, uint32_t *items, uint32_t *spare, uint32_t count)
{
	uint32_t *from = items, *to = spare, *turn;
	uint64_t most = 0;
	bool sorted = true;

	for (uint32_t i = 0; i < count; i++) {
		uint64_t k = key(by, items[i]);

		sorted &= k >= most;
		most = k > most ? k : most;
	}
	if (sorted)
		return;
	if (count <= FEW) {
		insert(by, items, count);
		return;
	}
	for (int shift = 0; shift < 64 && most >> shift; shift += DIGIT_BITS) {
		deal(by, from, to, count, shift);
		turn = from;
		from = to;
		to = turn;
	}
	if (from != items)
		memcpy(items, from, count * sizeof(*items));
}
