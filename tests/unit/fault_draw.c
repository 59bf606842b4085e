/* lib/fault's draws and numbers: streams apart from each other, values for ever, functions as libm has them. */
#include "lib/fault/inside.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static struct fault_stream stream(uint64_t seed, const char *purpose, const char *from, const char *to)
{
	return fault_stream(seed, purpose, from, strlen(from), to, strlen(to));
}

/* A seed that somebody noted years ago must mean the same faults: these values are never to be changed. */
static void draws_are_known_for_ever(void **state)
{
	struct fault_stream s = stream(7, "loss", "n1", "n2");

	(void)state;
	assert_int_equal(s.key, UINT64_C(0x1f731e653312c76b));
	assert_int_equal(fault_bits(s, 1), UINT64_C(0x4ffd0040a99e79a1));
	assert_int_equal(fault_bits(s, UINT64_C(1) << 40), UINT64_C(0xa45d5d6429a641b5));
	assert_int_equal(fault_below(s, 2, 1000), 562);
	assert_true(fault_unit(s, 3) == 0x1.dce42be68a48cp-3);
	assert_int_equal(stream(0, "", "", "").key, UINT64_C(0x2130748aaac80268));
	assert_int_equal(stream(UINT64_MAX, "nemesis", "a-name-of-nodes", "another-name").key, UINT64_C(0xadc2035b0e8a4a83));
}

static void names_are_told_apart_however_they_are_cut(void **state)
{
	static const char *const name[][3] = {
		{ "loss", "n1", "n2" }, { "loss", "n2", "n1" }, { "loss", "n1n", "2" }, { "loss", "n", "1n2" }, { "loss", "", "n1n2" },
		{ "loss", "n1n2", "" }, { "lossn", "1", "n2" }, { "los", "sn1", "n2" }, { "", "n1", "n2" }, { "n1", "n2", "loss" },
		{ "delay", "n1", "n2" }, { "loss", "n1", "n2\1" }, { "loss", "abcdefgh", "ijklmnop" }, { "loss", "abcdefghi", "jklmnop" },
		{ "loss", "abcdefg", "hijklmnop" }, { "loss", "", "" },
	};
	enum { COUNT = sizeof name / sizeof *name };

	(void)state;
	for (size_t i = 0; i < COUNT; i++) {
		for (size_t k = i + 1; k < COUNT; k++)
			assert_int_not_equal(stream(1, name[i][0], name[i][1], name[i][2]).key,
					     stream(1, name[k][0], name[k][1], name[k][2]).key);
		assert_int_not_equal(stream(1, name[i][0], name[i][1], name[i][2]).key,
				     stream(2, name[i][0], name[i][1], name[i][2]).key);
	}
	/* A name may have zero bytes, and its length counts. */
	assert_int_not_equal(fault_stream(1, "x", "a", 1, "", 0).key, fault_stream(1, "x", "a\0", 2, "", 0).key);
	/* No NUL is needed. */
	assert_int_equal(fault_stream(1, "x", "abc", 2, "d", 1).key, fault_stream(1, "x", "abd", 2, "d", 1).key);
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void the_keys_of_a_thousand_nodes_and_their_seeds_are_all_different(void **state)
{
	enum { SEEDS = 20, NODES = 100, COUNT = SEEDS * NODES * NODES };
	uint64_t *key = malloc(COUNT * sizeof *key);
	size_t at = 0;

	(void)state;
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		for (int i = 0; i < NODES; i++) {
			for (int k = 0; k < NODES; k++) {
				char from[16], to[16];

				snprintf(from, sizeof from, "n%d", i);
				snprintf(to, sizeof to, "n%d", k);
				key[at++] = stream(seed, "loss", from, to).key;
			}
		}
	}
	qsort(key, COUNT, sizeof *key, by_value);
	for (size_t i = 1; i < COUNT; i++)
		assert_true(key[i - 1] != key[i]);
	free(key);
}

/* Pearson's statistic of 256 even cells is 255 +- 22.6 in the mean; the seeds are fixed, so a bound is passed or not for ever. */
static void assert_even(const unsigned *cell, unsigned count)
{
	double expected = count / 256.0, sum = 0;

	for (int i = 0; i < 256; i++)
		sum += (cell[i] - expected) * (cell[i] - expected) / expected;
	assert_true(sum > 160 && sum < 370);
}

static void every_byte_of_a_draw_is_even(void **state)
{
	enum { COUNT = 1 << 16 };

	(void)state;
	for (uint64_t seed = 0; seed < 8; seed++) {
		struct fault_stream s = stream(seed, "delay", "n1", "n2");

		for (int shift = 0; shift < 64; shift += 8) {
			unsigned cell[256] = { 0 };

			for (uint64_t n = 0; n < COUNT; n++)
				cell[fault_bits(s, n) >> shift & 255]++;
			assert_even(cell, COUNT);
		}
	}
}

/* Streams side by side, as the links of a cluster, or the seeds of a campaign, tell nothing of each other. */
static void neighbouring_streams_are_not_correlated(void **state)
{
	enum { COUNT = 20000 };
	struct { struct fault_stream a, b; } pair[] = {
		{ stream(1, "loss", "n1", "n2"), stream(2, "loss", "n1", "n2") },
		{ stream(1, "loss", "n1", "n2"), stream(1, "loss", "n1", "n3") },
		{ stream(1, "loss", "n1", "n2"), stream(1, "loss", "n2", "n1") },
		{ stream(1, "loss", "n1", "n2"), stream(1, "delay", "n1", "n2") },
		{ stream(1, "delay", "n1", "n2"), stream(1, "second delay", "n1", "n2") },
		{ { 0 }, { 1 } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof pair / sizeof *pair; i++) {
		double sum = 0, next = 0;

		for (uint64_t n = 0; n < COUNT; n++) {
			double a = fault_unit(pair[i].a, n) - 0.5;

			sum += a * (fault_unit(pair[i].b, n) - 0.5);
			next += a * (fault_unit(pair[i].a, n + 1) - 0.5);
		}
		/* Of a sum of products each with variance 1/144; four standard deviations. */
		assert_true(fabs(sum) < 4 * sqrt(COUNT) / 12);
		assert_true(fabs(next) < 4 * sqrt(COUNT) / 12);
	}
}

static void below_is_below_and_reaches_every_number(void **state)
{
	struct fault_stream s = stream(3, "order", "", "");

	(void)state;
	for (uint64_t bound = 1; bound < 40; bound++) {
		unsigned seen[40] = { 0 };

		for (uint64_t n = 0; n < 4000; n++) {
			uint64_t x = fault_below(s, n, bound);

			assert_true(x < bound);
			seen[x]++;
		}
		for (uint64_t x = 0; x < bound; x++)
			assert_true(seen[x] > 4000 / bound / 2);
	}
	assert_int_equal(fault_below_of(UINT64_MAX, UINT64_MAX), UINT64_MAX - 1);
	assert_int_equal(fault_below_of(0, UINT64_MAX), 0);
}

static void a_unit_is_in_0_to_1(void **state)
{
	(void)state;
	assert_true(fault_unit_of(0) == 0);
	assert_true(fault_unit_of(UINT64_MAX) < 1);
	assert_true(fault_unit_of(UINT64_MAX) == 1 - 0x1p-53);
	assert_true(fault_unit_of(UINT64_C(1) << 63) == 0.5);
}

/* --- Numbers --- */

static void assert_near(double x, double libm)
{
	assert_true(fabs(x - libm) <= 1e-14 * fabs(libm));
}

static void log_exp_and_sqrt_are_as_libm_has_them(void **state)
{
	struct fault_stream s = stream(1, "numbers", "", "");

	(void)state;
	for (uint64_t n = 0; n < 200000; n++) {
		double u = fault_unit(s, n), wide = ldexp(1 + u, (int)(fault_bits(s, n) & 1023) - 512), exponent = 1400 * u - 700;

		assert_near(fault_log(1 - u), log(1 - u));
		assert_near(fault_log(wide), log(wide));
		assert_near(fault_sqrt(wide), sqrt(wide));
		assert_true(fabs(fault_exp(exponent) - exp(exponent)) <= 1e-13 * exp(exponent));
		assert_near(fault_exp(u), exp(u));
	}
	assert_true(fault_log(1) == 0 && fault_exp(0) == 1 && fault_sqrt(0) == 0 && fault_sqrt(4) == 2);
	assert_near(fault_log(1 - 0x1p-53), log(1 - 0x1p-53));
	assert_near(fault_log(0x1p-53), log(0x1p-53));
	assert_near(fault_log(1e308), log(1e308));
	assert_true(fault_exp(-1e9) == 0 && fault_exp(1e9) > 1e307 && isfinite(fault_exp(1e9)));
}

/* What libm has is the way back: erfc. */
static void normal_is_the_inverse_of_the_distribution(void **state)
{
	(void)state;
	for (int i = 1; i < 100000; i++) {
		double p = i / 100000.0, z = fault_normal(p);

		assert_true(fabs(erfc(-z / sqrt(2)) / 2 - p) <= 1e-12 * p);
	}
	for (double p = 0.1; p > 1e-300; p /= 3) {
		double z = fault_normal(p);

		assert_true(fabs(erfc(-z / sqrt(2)) / 2 - p) <= 1e-10 * p);
	}
	for (int e = 2; e < 53; e++)
		assert_true(fabs(fault_normal(1 - ldexp(1, -e)) + fault_normal(ldexp(1, -e))) < 1e-12);
	assert_true(fault_normal(0.5) == 0);
}

/* The bits of the results: the same on every machine and with every compiler. */
static void numbers_are_known_to_the_last_bit(void **state)
{
	(void)state;
	assert_true(fault_log(0.3) == -0x1.34378fcbda721p+0);
	assert_true(fault_exp(-1.7) == 0x1.7622c78a98a07p-3);
	assert_true(fault_exp(123.456) == 0x1.1428e1cbc0143p+178);
	assert_true(fault_sqrt(2) == 0x1.6a09e667f3bccp+0);
	assert_true(fault_normal(0.3) == -0x1.0c7e39582c5fap-1);
	assert_true(fault_normal(0.01) == -0x1.29c5c4630ff0ep+1);
	assert_true(fault_normal(1e-20) == -0x1.2865170b43a4cp+3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(draws_are_known_for_ever),
		cmocka_unit_test(names_are_told_apart_however_they_are_cut),
		cmocka_unit_test(the_keys_of_a_thousand_nodes_and_their_seeds_are_all_different),
		cmocka_unit_test(every_byte_of_a_draw_is_even),
		cmocka_unit_test(neighbouring_streams_are_not_correlated),
		cmocka_unit_test(below_is_below_and_reaches_every_number),
		cmocka_unit_test(a_unit_is_in_0_to_1),
		cmocka_unit_test(log_exp_and_sqrt_are_as_libm_has_them),
		cmocka_unit_test(normal_is_the_inverse_of_the_distribution),
		cmocka_unit_test(numbers_are_known_to_the_last_bit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
