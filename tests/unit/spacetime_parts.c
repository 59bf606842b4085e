/* Unit tests of lib/draw's spacetime: lists of names and globs, and time as a length. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lib/draw/spacetime_inside.h"
#include "lib/draw/spacetime_time.h"

static uint64_t state;

static uint64_t draw(uint64_t bound)
{
	state += UINT64_C(0x9e3779b97f4a7c15);
	uint64_t x = (state ^ state >> 30) * UINT64_C(0xbf58476d1ce4e5b9);

	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return (x ^ x >> 31) % bound;
}

static void lists_choose_by_name_and_glob(void **unused)
{
	(void)unused;
	assert_true(glob_is("a*c*e", 5, "abcde", 5));
	assert_true(glob_is("*", 1, "", 0));
	assert_true(glob_is("a*b*b", 5, "abbabb", 6));
	assert_false(glob_is("a*b", 3, "abc", 3));
	assert_false(glob_is("abc", 3, "ab", 2));
	assert_int_equal(list_find("n1,c*,n2", "n2", 2), 2);
	assert_int_equal(list_find("n1,c*,n2", "c77", 3), 1);
	assert_int_equal(list_find("n1,c*,n2", "n", 1), -1);
	assert_true(types_show(NULL, "x", true));
	assert_true(types_show("append*", "append_entries", true));
	assert_false(types_show("append*", "read", false));
	assert_false(types_show("!heartbeats", "append_entries", true));
	assert_true(types_show("!heartbeats", "append_entries", false));
	assert_true(types_show("heartbeats", "append_entries", true));
	assert_false(types_show("append*,!heartbeats", "append_entries", true));
	assert_false(types_show("!*,read", "write", false));
	assert_true(types_show("!*,read", "read", false));
}

/* A run of 10 s with bursts of a millisecond: the bursts have most of the length, and the ticks tell the truth. */
static void bursts_are_apart_and_ticks_are_true(void **unused)
{
	struct moments m = { NULL, 0, 0 };
	struct timeline t;
	struct ticks ticks;
	struct tick tick;
	double before = -1, burst;
	size_t n = 0;

	(void)unused;
	for (uint64_t burst_at = 0; burst_at < 10; burst_at++)
		for (uint64_t i = 0; i < 10; i++)
			moments_add(&m, burst_at * 1000000000 + 5000000 + i * 100000);
	timeline_init(&t, &m, 0, UINT64_C(10000000000), false);
	assert_true(t.length < 3000);
	burst = timeline_v(&t, 3005900000) - timeline_v(&t, 3005000000);
	assert_true(burst > 9 * 10);
	assert_true(timeline_v(&t, 3900000000) - timeline_v(&t, 3006000000) <= BREAK_PX);
	ticks_init(&ticks, &t, 40);
	while (ticks_next(&ticks, &tick)) {
		assert_true(tick.v > before);
		assert_true(fabs(timeline_v(&t, tick.at) - tick.v) < 1e-9);
		assert_true(fabs(strtod(tick.label, NULL) * 1e6 - (double)tick.at) < 1);
		before = tick.v;
		n++;
	}
	assert_true(n >= 10);
	timeline_release(&t);
	moments_release(&m);
}

static void time_never_runs_backwards(void **unused)
{
	(void)unused;
	for (uint64_t seed = 1; seed <= 50; seed++) {
		struct moments m = { NULL, 0, 0 };
		struct timeline t;
		double v = -1;

		state = seed;
		for (uint64_t i = 0, at = 0, n = draw(200); i < n; i++)
			moments_add(&m, at += draw(seed) * draw(1000) * draw(1000000));
		timeline_init(&t, &m, 0, 1 + draw(UINT64_C(1) << 62), seed % 3 == 0);
		for (size_t i = 0; i < m.n; i++) {
			assert_true(timeline_v(&t, m.at[i]) >= v);
			v = timeline_v(&t, m.at[i]);
		}
		assert_true(v <= t.length + 1e-6);
		assert_true(isfinite(t.length));
		timeline_release(&t);
		moments_release(&m);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_choose_by_name_and_glob),
		cmocka_unit_test(bursts_are_apart_and_ticks_are_true),
		cmocka_unit_test(time_never_runs_backwards),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
