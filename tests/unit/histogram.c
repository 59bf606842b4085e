/* lib/load/histogram against a sorted list of the values, which is what it stands for. */
#include "lib/load/histogram.h"
#include "lib/load/workload.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { MILLION = 1000000 };

static struct histogram h;

static int empty(void **state)
{
	(void)state;
	memset(&h, 0, sizeof(h));
	return 0;
}

/* Never too low, and at most one part in 128 too high. */
static void assert_about(uint64_t told, uint64_t exact)
{
	assert_true(told >= exact);
	assert_true(told - exact <= exact / 128);
}

static void nothing_was_added(void **state)
{
	(void)state;
	assert_int_equal(histogram_quantile(&h, 0), 0);
	assert_int_equal(histogram_quantile(&h, 500000), 0);
	assert_int_equal(histogram_quantile(&h, MILLION), 0);
}

static void a_single_value_is_every_quantile(void **state)
{
	static const uint64_t values[] = {
		0, 1, 127, 128, 255, 256, 257, 1000003, UINT64_C(1) << 32, UINT64_MAX - 1, UINT64_MAX,
	};

	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
		empty(state);
		histogram_add(&h, values[i]);
		assert_int_equal(h.count, 1);
		assert_true(histogram_quantile(&h, 0) == values[i]);
		assert_true(histogram_quantile(&h, 999999) == values[i]);
		assert_true(histogram_quantile(&h, MILLION) == values[i]);
	}
}

static void values_below_256_are_told_exactly(void **state)
{
	(void)state;
	for (uint64_t v = 0; v < 256; v++)
		histogram_add(&h, v);
	for (uint32_t i = 0; i < 256; i++)
		assert_int_equal(histogram_quantile(&h, (i + 1) * (uint64_t)MILLION / 256), i);
}

static void every_value_falls_into_a_bucket_that_holds_it(void **state)
{
	/* Around each power of two, and between. */
	for (unsigned bit = 0; bit < 64; bit++) {
		for (int off = -2; off <= 2; off++) {
			uint64_t v = (UINT64_C(1) << bit) + (uint64_t)(int64_t)off;

			if (v > UINT64_MAX / 2)
				continue;
			empty(state);
			histogram_add(&h, v);
			histogram_add(&h, UINT64_MAX);
			assert_about(histogram_quantile(&h, 500000), v);
		}
	}
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void quantiles_are_those_of_the_sorted_values(void **state)
{
	static const uint32_t quantiles[] = { 1, 1000, 10000, 250000, 500000, 900000, 990000, 999000, 999999, MILLION };
	static uint64_t values[100000];
	uint64_t seed = 1;
	size_t n = sizeof(values) / sizeof(*values);

	(void)state;
	/* Of all magnitudes alike. */
	for (size_t i = 0; i < n; i++) {
		values[i] = workload_random(&seed);
		values[i] >>= workload_random(&seed) % 64;
		histogram_add(&h, values[i]);
	}
	qsort(values, n, sizeof(*values), by_value);
	for (size_t i = 0; i < sizeof(quantiles) / sizeof(*quantiles); i++) {
		size_t rank = (quantiles[i] * n + MILLION - 1) / MILLION;

		assert_about(histogram_quantile(&h, quantiles[i]), values[rank - 1]);
	}
	assert_true(h.max == values[n - 1]);
}

static void two_merged_are_as_one(void **state)
{
	static struct histogram odd, even, all;
	uint64_t seed = 2;

	(void)state;
	memset(&odd, 0, sizeof(odd));
	memset(&even, 0, sizeof(even));
	memset(&all, 0, sizeof(all));
	for (int i = 0; i < 10000; i++) {
		uint64_t v = workload_random(&seed) >> 40;

		histogram_add(i % 2 ? &odd : &even, v);
		histogram_add(&all, v);
	}
	histogram_merge(&odd, &even);
	assert_memory_equal(&odd, &all, sizeof(all));
}

static void counts_beyond_32_bits_do_not_overflow(void **state)
{
	(void)state;
	histogram_add(&h, 10);
	histogram_add(&h, 20);
	h.bucket[10] = UINT64_C(1) << 53;
	h.count = (UINT64_C(1) << 53) + 1;
	assert_int_equal(histogram_quantile(&h, 999999), 10);
	assert_int_equal(histogram_quantile(&h, MILLION), 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(nothing_was_added, empty),
		cmocka_unit_test_setup(a_single_value_is_every_quantile, empty),
		cmocka_unit_test_setup(values_below_256_are_told_exactly, empty),
		cmocka_unit_test_setup(every_value_falls_into_a_bucket_that_holds_it, empty),
		cmocka_unit_test_setup(quantiles_are_those_of_the_sorted_values, empty),
		cmocka_unit_test_setup(two_merged_are_as_one, empty),
		cmocka_unit_test_setup(counts_beyond_32_bits_do_not_overflow, empty),
	};

	return cmocka_run_group_tests_name("histogram", tests, NULL, NULL);
}
