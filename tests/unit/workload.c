/* lib/load/workload and lib/load/zipf: what is drawn, how often, and what it looks like. */
#include "lib/load/workload.h"
#include "lib/load/zipf.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { DRAWS = 200000, MICROS = 8 };

/* --- Zipf --- */

/* Each rank came as often as 1 / k^s says, to within five standard deviations. */
static void assert_zipf(uint64_t n, double s)
{
	uint32_t *count = calloc(n + 1, sizeof(*count));
	uint64_t seed = 1;
	double sum = 0;
	struct zipf z;

	assert_non_null(count);
	zipf_init(&z, n, s);
	for (int i = 0; i < DRAWS; i++) {
		uint64_t k = zipf_draw(&z, &seed);

		assert_in_range(k, 1, n);
		count[k]++;
	}
	for (uint64_t k = 1; k <= n; k++)
		sum += pow((double)k, -s);
	for (uint64_t k = 1; k <= n; k++) {
		double p = pow((double)k, -s) / sum, off = fabs((double)count[k] - DRAWS * p);

		assert_true(off <= 5 * sqrt(DRAWS * p * (1 - p)) + 3);
	}
	free(count);
}

static void ranks_come_as_often_as_the_exponent_says(void **state)
{
	static const double exponents[] = { 0.01, 0.5, 0.99, 0.999999999, 1, 1.000000001, 1.5, 3, 10 };
	static const uint64_t counts[] = { 1, 2, 3, 10, 1000 };

	(void)state;
	for (size_t i = 0; i < sizeof(exponents) / sizeof(*exponents); i++)
		for (size_t j = 0; j < sizeof(counts) / sizeof(*counts); j++)
			assert_zipf(counts[j], exponents[i]);
}

/* Of very many ranks the halves on a logarithmic scale are compared: sums of 1 / k are known well. */
static void the_tail_of_many_ranks_has_its_share(void **state)
{
	const uint64_t n = UINT64_C(1) << 28, middle = 1 << 14;
	const double euler = 0.5772156649015329;
	double share = (log((double)middle) + euler) / (log((double)n) + euler);
	uint64_t seed = 2, low = 0;
	struct zipf z;

	(void)state;
	zipf_init(&z, n, 1);
	for (int i = 0; i < DRAWS; i++)
		low += zipf_draw(&z, &seed) <= middle;
	assert_true(fabs((double)low - DRAWS * share) <= 5 * sqrt(DRAWS * share * (1 - share)));
}

/* --- Draws --- */

static struct workload_options plain(void)
{
	return (struct workload_options){
		.weight = { 1, 1, 1, 1, 1, 1 }, .keys = 50, .key_bytes = 4, .numbers = true, .txn_ops = MICROS, .seed = 3,
	};
}

/* How often each of the keys is read. */
static void count_keys(const struct workload_options *o, uint32_t *count)
{
	struct workload *w = workload_new(o);
	struct op op;

	for (int i = 0; i < DRAWS; i++) {
		workload_draw(w, &op);
		assert_in_range(op.key, 0, o->keys - 1);
		count[op.key]++;
	}
	workload_free(w);
}

static void uniform_keys_are_alike(void **state)
{
	struct workload_options o = { .weight = { 1 }, .keys = 50, .key_bytes = 4, .numbers = true };
	uint32_t count[50] = { 0 };

	(void)state;
	count_keys(&o, count);
	for (int i = 0; i < 50; i++)
		assert_true(fabs(count[i] - DRAWS / 50.0) < 5 * sqrt(DRAWS / 50.0));
}

static int by_count(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x < y) - (x > y);
}

/* Of any number of keys each is reached, the frequent ones do not stand together, and their shares are those of the ranks. */
static void zipf_keys_are_scattered(void **state)
{
	static const uint64_t counts[] = { 1, 2, 3, 4, 5, 6, 7, 12, 50, 64, 210 };

	(void)state;
	for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
		struct workload_options o = { .weight = { 1 }, .keys = counts[i], .zipf = 1, .key_bytes = 4, .numbers = true };
		uint32_t count[210] = { 0 }, first = 0, second = 0;
		double sum = 0;

		count_keys(&o, count);
		for (uint32_t k = 0; k < counts[i]; k++) {
			first = count[k] > count[first] ? k : first;
			sum += 1 / (k + 1.0);
			assert_true(count[k] > 0);
		}
		for (uint32_t k = 0; k < counts[i]; k++)
			if (k != first && (second == first || count[k] > count[second]))
				second = k;
		if (counts[i] > 10)
			assert_true(abs((int)first - (int)second) > 2);
		qsort(count, counts[i], sizeof(*count), by_count);
		assert_true(fabs(count[0] - DRAWS / sum) < 5 * sqrt(DRAWS / sum) + 1);
	}
}

static void note_value(uint64_t *last, uint64_t value)
{
	assert_int_equal(value, *last + 1);
	*last = value;
}

static void no_value_is_written_twice(void **state)
{
	struct workload_options o = plain();
	struct workload *w = workload_new(&o);
	struct micro micro[MICROS];
	struct op op = { .micro = micro };
	uint64_t last = 0;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		workload_draw(w, &op);
		if (op.kind >= WORKLOAD_TXN)
			assert_in_range(op.micros, 1, MICROS);
		if (op.kind == WORKLOAD_WRITE || op.kind == WORKLOAD_CAS)
			note_value(&last, op.to);
		for (uint32_t m = 0; op.kind >= WORKLOAD_TXN && m < op.micros; m++)
			if (micro[m].writes)
				note_value(&last, micro[m].to);
	}
	assert_true(last > 20000);
	workload_free(w);
}

static void few_values_are_those_and_appends_stay_unique(void **state)
{
	struct workload_options o = plain();
	uint64_t seen[4] = { 0 }, appended = 0;
	struct micro micro[MICROS];
	struct op op = { .micro = micro };
	struct workload *w;

	(void)state;
	o.values = 3;
	w = workload_new(&o);
	for (int i = 0; i < 10000; i++) {
		workload_draw(w, &op);
		assert_in_range(op.to, 0, 3);
		assert_in_range(op.from, op.kind == WORKLOAD_CAS, 3);
		seen[op.to]++;
		for (uint32_t m = 0; op.kind >= WORKLOAD_TXN && m < op.micros; m++) {
			if (op.kind == WORKLOAD_TXN)
				assert_in_range(micro[m].to, micro[m].writes, 3);
			else if (micro[m].writes)
				note_value(&appended, micro[m].to);
		}
	}
	assert_true(seen[1] > 500 && seen[2] > 500 && seen[3] > 500 && appended > 1000);
	workload_free(w);
}

static void a_cas_expects_what_is_known_to_be_there(void **state)
{
	struct workload_options o = plain();
	struct micro micro[MICROS];
	struct op op = { .micro = micro };
	uint64_t known = 0, expected = 0;
	struct workload *w;

	(void)state;
	o.keys = 1;
	w = workload_new(&o);
	for (int i = 0; i < 2000; i++) {
		workload_draw(w, &op);
		if (op.kind == WORKLOAD_CAS) {
			assert_int_equal(op.from, known);
			expected += known > 0;
		}
		if (i % 3 == 0)         /* the others are not answered */
			continue;
		workload_done(w, &op);
		if (op.kind == WORKLOAD_WRITE || op.kind == WORKLOAD_CAS || op.kind == WORKLOAD_DELETE)
			known = op.to;
		for (uint32_t m = 0; op.kind == WORKLOAD_TXN && m < op.micros; m++)
			known = micro[m].writes ? micro[m].to : known;
	}
	assert_true(expected > 100);
	workload_free(w);
}

static void a_list_that_has_been_appended_to_often_is_followed_by_another(void **state)
{
	struct workload_options o = { .weight = { [WORKLOAD_APPEND] = 1 }, .keys = 2, .key_bytes = 2, .numbers = true, .txn_ops = 3 };
	uint32_t appends[2] = { 0 };
	struct workload *w = workload_new(&o);
	struct micro micro[3];
	struct op op = { .micro = micro };

	(void)state;
	for (int i = 0; i < 5000; i++) {
		workload_draw(w, &op);
		for (uint32_t m = 0; op.kind >= WORKLOAD_TXN && m < op.micros; m++) {
			assert_int_equal(micro[m].list, appends[micro[m].key] / WORKLOAD_LIST_APPENDS);
			appends[micro[m].key] += micro[m].writes;
		}
	}
	assert_true(appends[0] > 2 * WORKLOAD_LIST_APPENDS);
	workload_free(w);
}

/* --- Texts --- */

static const struct micro some_micros[] = {
	{ .key = 7 }, { .writes = true, .key = 12, .to = 5 }, { .writes = true, .key = 0, .to = 6, .list = 3 },
};

static const struct op some_ops[] = {
	{ .kind = WORKLOAD_READ, .key = 7 },
	{ .kind = WORKLOAD_WRITE, .key = 12, .to = 5 },
	{ .kind = WORKLOAD_CAS, .key = 0, .from = 5, .to = 6 },
	{ .kind = WORKLOAD_CAS, .key = 0, .to = 6 },
	{ .kind = WORKLOAD_DELETE, .key = 1 },
	{ .kind = WORKLOAD_TXN, .micros = 2, .micro = (struct micro *)(uintptr_t)some_micros },
	{ .kind = WORKLOAD_APPEND, .micros = 3, .micro = (struct micro *)(uintptr_t)some_micros },
};
enum { OPS = sizeof(some_ops) / sizeof(*some_ops) };

static void assert_text(struct buf *b, const char *text)
{
	buf_putc(b, '\0');
	assert_string_equal(b->at, text);
	buf_clear(b, 0);
}

static void requests_are_those_of_the_protocol(void **state)
{
	static const char *const texts[OPS] = {
		"\"type\":\"read\",\"msg_id\":9,\"key\":\"007\"",
		"\"type\":\"write\",\"msg_id\":9,\"key\":\"012\",\"value\":5",
		"\"type\":\"cas\",\"msg_id\":9,\"key\":\"000\",\"from\":5,\"to\":6",
		"\"type\":\"cas\",\"msg_id\":9,\"key\":\"000\",\"from\":0,\"to\":6,\"create_if_not_exists\":true",
		"\"type\":\"delete\",\"msg_id\":9,\"key\":\"001\"",
		"\"type\":\"txn\",\"msg_id\":9,\"txn\":[[\"r\",\"007\",null],[\"w\",\"012\",5]]",
		"\"type\":\"txn\",\"msg_id\":9,\"txn\":[[\"r\",\"l07\",null],[\"append\",\"l12\",5],[\"append\",\"l00.3\",6]]",
	};
	struct workload_options o = { .weight = { 1 }, .keys = 50, .key_bytes = 3, .numbers = true };
	struct workload *w = workload_new(&o);
	struct buf b = { .at = NULL };

	(void)state;
	for (int i = 0; i < OPS; i++) {
		workload_put(w, &some_ops[i], 9, &b);
		assert_text(&b, texts[i]);
	}
	workload_free(w);
	buf_release(&b);
}

static void histories_have_what_was_asked_and_room_for_what_was_read(void **state)
{
	static const char *const asked[OPS] = {
		"\"f\":\"read\",\"key\":\"007\",\"value\":null",
		"\"f\":\"write\",\"key\":\"012\",\"value\":5",
		"\"f\":\"cas\",\"key\":\"000\",\"value\":[5,6]",
		"\"f\":\"cas\",\"key\":\"000\",\"value\":[0,6],\"create_if_not_exists\":true",
		"\"f\":\"delete\",\"key\":\"001\",\"value\":null",
		"\"f\":\"txn\",\"value\":[[\"r\",\"007\",null],[\"w\",\"012\",5]]",
		"\"f\":\"txn\",\"value\":[[\"r\",\"l07\",null],[\"append\",\"l12\",5],[\"append\",\"l00.3\",6]]",
	};
	struct workload_options o = { .weight = { 1 }, .keys = 50, .key_bytes = 3, .numbers = true };
	struct workload *w = workload_new(&o);
	struct buf b = { .at = NULL };

	(void)state;
	for (int i = 0; i < OPS; i++) {
		workload_put_asked(w, &some_ops[i], &b);
		assert_text(&b, asked[i]);
	}
	workload_put_named(w, &some_ops[0], &b);
	assert_text(&b, "\"f\":\"read\",\"key\":\"007\",\"value\":");
	workload_put_named(w, &some_ops[5], &b);
	assert_text(&b, "\"f\":\"txn\",\"value\":");
	workload_free(w);
	buf_release(&b);
}

static void values_have_the_length_that_was_asked_for(void **state)
{
	struct buf b = { .at = NULL };

	(void)state;
	for (size_t len = 0; len < 40; len++) {
		struct workload_options o = { .weight = { 1 }, .keys = 50, .key_bytes = 3, .value_bytes = len };
		struct workload *w = workload_new(&o);

		workload_put_asked(w, &some_ops[1], &b);
		assert_int_equal(b.len, strlen("\"f\":\"write\",\"key\":\"012\",\"value\":\"\"") + len);
		if (len)
			assert_int_equal(b.at[b.len - 2 - (len > 20 ? len - 20 : 0)], '5');
		buf_clear(&b, 0);
		workload_free(w);
	}
	buf_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ranks_come_as_often_as_the_exponent_says),
		cmocka_unit_test(the_tail_of_many_ranks_has_its_share),
		cmocka_unit_test(uniform_keys_are_alike),
		cmocka_unit_test(zipf_keys_are_scattered),
		cmocka_unit_test(no_value_is_written_twice),
		cmocka_unit_test(few_values_are_those_and_appends_stay_unique),
		cmocka_unit_test(a_cas_expects_what_is_known_to_be_there),
		cmocka_unit_test(a_list_that_has_been_appended_to_often_is_followed_by_another),
		cmocka_unit_test(requests_are_those_of_the_protocol),
		cmocka_unit_test(histories_have_what_was_asked_and_room_for_what_was_read),
		cmocka_unit_test(values_have_the_length_that_was_asked_for),
	};

	return cmocka_run_group_tests_name("workload", tests, NULL, NULL);
}
