/* lib/base/opt: numbers, sizes and decimals as arguments, and which word a slip was near to. */
#include "lib/base/opt.h"
#include "tests/unit/base_rig.h"

/* --- Numbers --- */

static struct opt_state number;
static uint64_t (*number_reader)(const struct opt_state *, uint64_t, uint64_t);
static uint64_t number_min, number_max;

static void read_number(void)
{
	err_tool("hash-ring");
	number_reader(&number, number_min, number_max);
}

/* Each text must be refused, as not being in the range. */
static void assert_refused(const char *range, const char *const *texts)
{
	char expected[256];

	for (; *texts; texts++) {
		number = (struct opt_state){ .argument = *texts, .given = "--replicas" };
		snprintf(expected, sizeof(expected), "hash-ring: --replicas '%s': must be %s" TRY, *texts, range);
		run(read_number);
		assert_ended(EXIT_USAGE, "", expected);
	}
}

#define REFUSED(reader, min, max, range, ...) \
	(number_reader = (reader), number_min = (min), number_max = (max), \
	 assert_refused((range), (const char *const[]){ __VA_ARGS__, NULL }))

static void assert_read(uint64_t reader(const struct opt_state *, uint64_t, uint64_t),
                        const char *text, uint64_t value)
{
	number = (struct opt_state){ .argument = text, .given = "--replicas" };
	assert_true(reader(&number, 0, UINT64_MAX) == value);
	assert_true(reader(&number, value, value) == value);
}

static void a_number_is_exact_to_its_last_bit(void **state)
{
	(void)state;
	assert_read(opt_number, "0", 0);
	assert_read(opt_number, "007", 7);
	assert_read(opt_number, "9007199254740993", 9007199254740993);
	assert_read(opt_number, "18446744073709551615", UINT64_MAX);
}

static void a_wrong_number_names_the_option_and_the_range(void **state)
{
	(void)state;
	REFUSED(opt_number, 1, 255, "a whole number from 1 to 255",
	        "0", "256", "", "-1", "+1", " 1", "1 ", "1.0", "0x10", "1e1", "ten", "4294967297");
	REFUSED(opt_number, 0, UINT64_MAX, "a whole number from 0 to 18446744073709551615",
	        "18446744073709551616", "99999999999999999999", "184467440737095516150");
}

static void a_size_takes_powers_of_1024(void **state)
{
	(void)state;
	assert_read(opt_size, "0", 0);
	assert_read(opt_size, "512", 512);
	assert_read(opt_size, "64K", 65536);
	assert_read(opt_size, "64k", 65536);
	assert_read(opt_size, "1M", 1048576);
	assert_read(opt_size, "2G", 2147483648);
	assert_read(opt_size, "3T", 3298534883328);
	assert_read(opt_size, "16777215T", UINT64_MAX - ((1ULL << 40) - 1));
}

static void a_wrong_size_names_the_range_in_units(void **state)
{
	(void)state;
	REFUSED(opt_size, 4096, 1ULL << 30, "a size from 4K to 1G",
	        "", "K", "4095", "1073741825", "2G", "1.5K", "64KB", "64 K", "-1", "16777216T", "1X");
	REFUSED(opt_size, 0, 1025, "a size from 0 to 1025", "1026");
}

static void a_decimal_is_exact_in_millionths(void **state)
{
	(void)state;
	assert_read(opt_millionths, "0", 0);
	assert_read(opt_millionths, "0.25", 250000);
	assert_read(opt_millionths, ".25", 250000);
	assert_read(opt_millionths, "1.", 1000000);
	assert_read(opt_millionths, "0.000001", 1);
	assert_read(opt_millionths, "0.1000000000", 100000);
	assert_read(opt_millionths, "1.000001", 1000001);
	assert_read(opt_millionths, "18446744073709.551615", UINT64_MAX);
}

static void a_wrong_decimal_names_the_range(void **state)
{
	(void)state;
	REFUSED(opt_millionths, 10000, 1500000, "a number from 0.01 to 1.5 with at most 6 decimals",
	        "", ".", "0", "0.009999", "1.500001", "0.1000001", "1..2", "1.2.3", "1e-1", "-1", "0,5", "nan", "10%");
	REFUSED(opt_millionths, 0, UINT64_MAX, "a number from 0 to 18446744073709.551615 with at most 6 decimals",
	        "18446744073709.551616", "18446744073710", "99999999999999999999");
}

/* --- Near misses --- */

static const char *const algorithms[] = { "ketama", "jump", "rendezvous", "maglev", "anchor", "dx", NULL };

static void a_slip_of_the_fingers_is_near(void **state)
{
	(void)state;
	assert_string_equal(opt_near("katama", algorithms), "ketama");
	assert_string_equal(opt_near("jmup", algorithms), "jump");
	assert_string_equal(opt_near("jum", algorithms), "jump");
	assert_string_equal(opt_near("jumpp", algorithms), "jump");
	assert_string_equal(opt_near("rendez-vous", algorithms), "rendezvous");
	assert_string_equal(opt_near("jump", algorithms), "jump");
}

static void the_nearest_wins_and_the_first_of_equals(void **state)
{
	static const char *const equals[] = { "remote", "remove", "removed", NULL };

	(void)state;
	assert_string_equal(opt_near("remoove", equals), "remove");
	assert_string_equal(opt_near("remoxe", equals), "remote");
}

static void another_word_is_not_near(void **state)
{
	static const char *const none[] = { NULL };
	char long_word[4096];

	(void)state;
	memset(long_word, 'j', sizeof(long_word) - 1);
	long_word[sizeof(long_word) - 1] = '\0';
	assert_null(opt_near("stamp", algorithms));
	assert_null(opt_near("x", algorithms));
	assert_null(opt_near("", algorithms));
	assert_null(opt_near("jumping", algorithms));
	assert_null(opt_near(long_word, algorithms));
	assert_null(opt_near("jump", none));
	assert_null(opt_near("jump", (const char *const[]){ long_word, NULL }));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_number_is_exact_to_its_last_bit),
		cmocka_unit_test(a_wrong_number_names_the_option_and_the_range),
		cmocka_unit_test(a_size_takes_powers_of_1024),
		cmocka_unit_test(a_wrong_size_names_the_range_in_units),
		cmocka_unit_test(a_decimal_is_exact_in_millionths),
		cmocka_unit_test(a_wrong_decimal_names_the_range),
		cmocka_unit_test(a_slip_of_the_fingers_is_near),
		cmocka_unit_test(the_nearest_wins_and_the_first_of_equals),
		cmocka_unit_test(another_word_is_not_near),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
