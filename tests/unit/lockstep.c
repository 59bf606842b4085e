/* lockstep: clocks that are not right and the order of what parties do next, against what they have to be. */
#include "lib/lockstep/inside.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>

static uint64_t draw(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* --- Clocks --- */

static void a_right_clock_shows_the_time(void **state)
{
	struct clock c = { .drift = 1 };

	(void)state;
	for (uint64_t at = 0; at < WIRE_NUMBER_MAX; at = at * 3 + 1) {
		assert_int_equal(clock_shows(&c, at), at);
		assert_int_equal(clock_when(&c, at), at);
	}
	assert_true(clock_when(&c, FAULT_NEVER) == FAULT_NEVER);
}

static void a_clock_runs_ahead_and_faster_from_when_it_was_set(void **state)
{
	struct clock c = { .from_ns = 1000, .offset_ns = 500, .drift = 2 };

	(void)state;
	assert_int_equal(clock_shows(&c, 1000), 1500);
	assert_int_equal(clock_shows(&c, 1100), 1700);
	assert_int_equal(clock_when(&c, 1700), 1100);
	assert_int_equal(clock_when(&c, 1701), 1101);
	assert_int_equal(clock_when(&c, 1), 1000);
	c.offset_ns = -5000;
	assert_int_equal(clock_shows(&c, 1000), 0);
	assert_int_equal(clock_shows(&c, 4000), 2000);
}

/* The first time at which it shows that, whatever the offset and the drift. */
static void it_is_woken_when_its_clock_shows_that_and_not_before(void **state)
{
	uint64_t s = 1;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		struct clock c = {
			.from_ns = draw(&s) % 1000000000000, .offset_ns = (int64_t)(draw(&s) % 20000000000) - 10000000000,
			.drift = 0.1 + (double)(draw(&s) % 1000) / 100,
		};
		uint64_t now = c.from_ns + draw(&s) % 1000000000000, wanted = clock_shows(&c, now) + draw(&s) % 1000000000;
		uint64_t at = clock_when(&c, wanted);

		assert_true(clock_shows(&c, at) >= wanted);
		assert_true(at <= c.from_ns || at < 3 || clock_shows(&c, at - 3) < wanted);
		assert_true(clock_shows(&c, at) <= clock_shows(&c, at + 1));
	}
}

/* --- The heap --- */

enum { PARTIES = 100, STEPS = 20000 };

/* The first by time, and by who was put there first. */
static struct party *first_of(struct party *all)
{
	struct party *first = NULL;

	for (size_t i = 0; i < PARTIES; i++)
		if (all[i].due_ns != FAULT_NEVER && (!first || all[i].due_ns < first->due_ns ||
						     (all[i].due_ns == first->due_ns && all[i].number < first->number)))
			first = &all[i];
	return first;
}

static void the_heap_has_the_earliest_first_and_of_those_the_one_that_came_first(void **state)
{
	struct lockstep l = { .now_ns = 0 };
	struct party all[PARTIES];
	uint64_t s = 2;

	(void)state;
	l.heap = test_calloc(PARTIES + 1, sizeof(*l.heap));
	for (size_t i = 0; i < PARTIES; i++)
		all[i] = (struct party){ .l = &l, .due_ns = FAULT_NEVER };
	for (int i = 0; i < STEPS; i++) {
		struct party *p = &all[draw(&s) % PARTIES];

		heap_set(&l, p, draw(&s) % 4 ? l.now_ns + draw(&s) % 50 : FAULT_NEVER);
		assert_ptr_equal(heap_first(&l), first_of(all));
		if (draw(&s) % 3 == 0 && heap_first(&l)) {
			l.now_ns = heap_first(&l)->due_ns;
			heap_set(&l, heap_first(&l), FAULT_NEVER);
			assert_ptr_equal(heap_first(&l), first_of(all));
		}
	}
	test_free(l.heap);
}

static void one_that_is_always_due_lets_the_others_come_first(void **state)
{
	struct lockstep l = { .now_ns = 7 };
	struct party a = { .l = &l, .due_ns = FAULT_NEVER }, b = a;

	(void)state;
	l.heap = test_calloc(3, sizeof(*l.heap));
	heap_set(&l, &a, 7);
	heap_set(&l, &b, 7);
	assert_ptr_equal(heap_first(&l), &a);
	heap_set(&l, &a, 7);
	assert_ptr_equal(heap_first(&l), &b);
	test_free(l.heap);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_right_clock_shows_the_time),
		cmocka_unit_test(a_clock_runs_ahead_and_faster_from_when_it_was_set),
		cmocka_unit_test(it_is_woken_when_its_clock_shows_that_and_not_before),
		cmocka_unit_test(the_heap_has_the_earliest_first_and_of_those_the_one_that_came_first),
		cmocka_unit_test(one_that_is_always_due_lets_the_others_come_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
