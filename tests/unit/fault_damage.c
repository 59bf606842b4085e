/* lib/fault's damage: always one line, always another one, and never beyond its bytes. */
#include "lib/fault/fault.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { SEEDS = 4000 };

static const struct fault_stream draws = { 99 };

/* In memory of just its size, so that a sanitizer sees every byte beyond. */
static size_t damage(const struct fault_copy *c, const char *line, size_t len, char **damaged)
{
	size_t left;

	*damaged = malloc(len ? len : 1);
	assert_non_null(*damaged);
	memcpy(*damaged, line, len);
	left = fault_damage(c, *damaged, len);
	assert_true(left <= len);
	assert_null(memchr(*damaged, '\n', left));
	return left;
}

static void a_corrupt_line_has_1_to_8_other_bytes_and_is_one_line(void **state)
{
	static const size_t lens[] = { 1, 2, 3, 8, 9, 120, 5000 };
	unsigned counts[9] = { 0 }, flipped = 0, replaced = 0;

	(void)state;
	for (uint64_t i = 0; i < SEEDS; i++) {
		struct fault_copy c = { .corrupt = fault_bits(draws, i) | 1 };
		size_t len = lens[i % 7], changed = 0;
		char *line = malloc(len), *damaged;

		assert_non_null(line);
		/* Bytes that one bit parts from a newline, too. */
		for (size_t k = 0; k < len; k++)
			line[k] = "\n\v\b\016\002\032*J\212x{\"a"[1 + fault_below(draws, i * 8192 + k, 12)];
		assert_int_equal(damage(&c, line, len, &damaged), len);
		for (size_t k = 0; k < len; k++) {
			int bits = __builtin_popcount((unsigned char)(line[k] ^ damaged[k]));

			changed += bits > 0;
			flipped += bits == 1;
			replaced += bits > 1;
		}
		assert_in_range(changed, 1, len < 8 ? len : 8);
		counts[changed]++;
		free(line);
		free(damaged);
	}
	for (int k = 1; k <= 8; k++)
		assert_true(counts[k] > 50);
	assert_true(flipped > 2000 && replaced > 2000);
}

static void every_place_of_a_line_is_hit(void **state)
{
	unsigned hit[50] = { 0 };
	char line[50];

	(void)state;
	memset(line, 'x', sizeof line);
	for (uint64_t i = 0; i < SEEDS; i++) {
		struct fault_copy c = { .corrupt = fault_bits(draws, i) | 1 };
		char *damaged;

		damage(&c, line, sizeof line, &damaged);
		for (size_t k = 0; k < sizeof line; k++)
			hit[k] += damaged[k] != 'x';
		free(damaged);
	}
	for (size_t k = 0; k < sizeof line; k++)
		assert_in_range(hit[k], 250, 450);
}

static void a_truncated_line_is_a_shorter_beginning(void **state)
{
	unsigned lens[10] = { 0 };

	(void)state;
	for (uint64_t i = 0; i < SEEDS; i++) {
		struct fault_copy c = { .truncate = fault_bits(draws, i) | 1 };
		char *damaged;
		size_t left = damage(&c, "0123456789", 10, &damaged);

		assert_true(left < 10);
		assert_memory_equal(damaged, "0123456789", left);
		lens[left]++;
		free(damaged);
	}
	for (int k = 0; k < 10; k++)
		assert_in_range(lens[k], 320, 480);
}

static void both_at_once_change_the_beginning_that_is_left(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < SEEDS; i++) {
		struct fault_copy c = { .corrupt = fault_bits(draws, i) | 1, .truncate = fault_bits(draws, i + SEEDS) | 1 };
		char *damaged;
		size_t left = damage(&c, "0123456789", 10, &damaged);

		assert_true(left < 10);
		assert_true(!left || memcmp(damaged, "0123456789", left));
		free(damaged);
	}
}

static void what_is_whole_or_empty_stays(void **state)
{
	struct fault_copy none = { .delay_ns = 5 }, both = { .corrupt = 1, .truncate = 1 };
	char *damaged;

	(void)state;
	assert_int_equal(damage(&none, "abc", 3, &damaged), 3);
	assert_memory_equal(damaged, "abc", 3);
	free(damaged);
	assert_int_equal(damage(&both, "", 0, &damaged), 0);
	free(damaged);
}

/* As of draws: a seed means the same damage for ever. */
static void damage_is_known_for_ever(void **state)
{
	struct fault_copy c = { .corrupt = 12345 }, cut = { .truncate = 12345 };
	char line[] = "{\"src\":\"n1\",\"dest\":\"n2\",\"body\":{}}";

	(void)state;
	assert_int_equal(fault_damage(&cut, line, strlen(line)), 32);
	fault_damage(&c, line, strlen(line));
	assert_string_equal(line, "{\"src\002z\"n1\"\216\370\017mst\":\"n2\",\"body&:{}}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_corrupt_line_has_1_to_8_other_bytes_and_is_one_line),
		cmocka_unit_test(every_place_of_a_line_is_hit),
		cmocka_unit_test(a_truncated_line_is_a_shorter_beginning),
		cmocka_unit_test(both_at_once_change_the_beginning_that_is_left),
		cmocka_unit_test(what_is_whole_or_empty_stays),
		cmocka_unit_test(damage_is_known_for_ever),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
