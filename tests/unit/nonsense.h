/*
 * nonsense: chance and names for tests that hand a core what nobody would.
 */
#ifndef TESTS_UNIT_NONSENSE_H
#define TESTS_UNIT_NONSENSE_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#define MS UINT64_C(1000000)

static uint64_t nonsense = 1;           /* a test begins by setting it */

/* Marsaglia, "Xorshift RNGs" (2003).  Below 0 it is 0, too. */
static uint64_t any_below(uint64_t n)
{
	nonsense ^= nonsense << 13;
	nonsense ^= nonsense >> 7;
	nonsense ^= nonsense << 17;
	return n ? (nonsense >> 11) % n : 0;
}

static bool chance(uint32_t of_1000)
{
	return any_below(1000) < of_1000;
}

static void put_name(char *name, int number)
{
	name[0] = 'n';
	name[1] = (char)('0' + number);
	name[2] = '\0';
}

static uint64_t clock_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 * MS + (uint64_t)t.tv_nsec;
}

#endif
