/*
 * lib/node/log: the texts of entries by index, what leaves the memory, and where the rest is found.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/node/log.h"

/* Entry i at version v, as text and as a position that grows with both. */
static void put(struct log *l, uint64_t index, unsigned version)
{
	char text[64];
	int len = snprintf(text, sizeof(text), "entry %llu version %u", (unsigned long long)index, version);

	log_put(l, index, (struct wire_text){ text, (size_t)len },
		(struct store_pos){ .segment = 1 + version, .offset = (uint32_t)(100 * index) });
}

static void expect(const struct log *l, uint64_t index, unsigned version)
{
	char text[64];
	int len = snprintf(text, sizeof(text), "entry %llu version %u", (unsigned long long)index, version);
	struct wire_text got;

	assert_true(log_cached(l, index));
	got = log_text(l, index);
	assert_int_equal(got.len, len);
	assert_memory_equal(got.p, text, (size_t)len);
}

static void every_entry_put_is_found_however_many_there_are(void **state)
{
	struct log l;

	(void)state;
	log_init(&l);
	for (uint64_t i = 1; i <= 100000; i++)
		put(&l, i, 0);
	for (uint64_t i = 1; i <= 100000; i++)
		expect(&l, i, 0);
	assert_false(log_cached(&l, 0));
	assert_false(log_cached(&l, 100001));
	log_release(&l);
}

static void a_truncated_tail_is_gone_and_its_indexes_take_other_texts(void **state)
{
	struct log l;

	(void)state;
	log_init(&l);
	for (uint64_t i = 1; i <= 1000; i++)
		put(&l, i, 0);
	log_truncate(&l, 501);
	assert_int_equal(l.last, 500);
	assert_false(log_cached(&l, 501));
	for (uint64_t i = 501; i <= 700; i++)
		put(&l, i, 1);
	expect(&l, 500, 0);
	expect(&l, 501, 1);
	expect(&l, 700, 1);
	assert_false(log_cached(&l, 701));
	log_truncate(&l, 2000);
	assert_int_equal(l.last, 700);
	log_release(&l);
}

static void an_entry_is_replaced_where_it_stands(void **state)
{
	struct log l;

	(void)state;
	log_init(&l);
	for (uint64_t i = 1; i <= 10; i++)
		put(&l, i, 0);
	put(&l, 4, 7);
	expect(&l, 3, 0);
	expect(&l, 4, 7);
	expect(&l, 5, 0);
	assert_int_equal(l.last, 10);
	log_release(&l);
}

static void eviction_keeps_what_is_not_applied_and_stays_under_its_bound(void **state)
{
	struct log l;

	(void)state;
	log_init(&l);
	for (uint64_t i = 1; i <= 50000; i++) {
		put(&l, i, 0);
		log_evict(&l, 4 * LOG_BLOCK_BYTES, i > 100 ? i - 100 : 0);
		assert_true(l.bytes <= 5 * LOG_BLOCK_BYTES);
		expect(&l, i > 100 ? i - 99 : 1, 0);
	}
	assert_false(log_cached(&l, 1));
	assert_int_equal(l.first, 1);
	log_evict(&l, 0, 40000);
	expect(&l, 40001, 0);
	log_release(&l);
}

static void a_mark_leads_to_every_entry_and_none_reaches_over_a_truncation(void **state)
{
	struct log l;

	(void)state;
	log_init(&l);
	for (uint64_t i = 1; i <= 1000; i++)
		put(&l, i, 0);
	log_truncate(&l, 777);
	for (uint64_t i = 777; i <= 900; i++)
		put(&l, i, 1);
	for (uint64_t i = 1; i <= 900; i++) {
		size_t m = log_mark_of(&l, i);

		assert_true(l.mark[m].index <= i);
		assert_true(m + 1 == l.marks || l.mark[m + 1].index > i);
		assert_true(i - l.mark[m].index < LOG_MARK_ENTRIES);
		/* Reading on from there meets the newer version before the index, never the older alone. */
		assert_int_equal(l.mark[m].pos.segment, i >= 777 ? 2 : 1);
	}
	log_release(&l);
}

static void what_is_dropped_at_the_front_takes_its_marks_along(void **state)
{
	struct log l;

	(void)state;
	log_init(&l);
	for (uint64_t i = 1; i <= 1000; i++)
		put(&l, i, 0);
	log_drop_before(&l, 500);
	assert_int_equal(l.first, 500);
	assert_true(l.mark[0].index <= 500 && l.mark[0].index > 500 - LOG_MARK_ENTRIES);
	expect(&l, 500, 0);
	log_drop_before(&l, 100);
	assert_int_equal(l.first, 500);
	log_drop_before(&l, 1001);
	assert_int_equal(l.first, 1001);
	assert_int_equal(l.last, 1000);
	put(&l, 1001, 3);
	expect(&l, 1001, 3);
	log_release(&l);
}

static void after_a_reset_the_log_goes_on_behind_the_snapshot(void **state)
{
	struct log l;

	(void)state;
	log_init(&l);
	for (uint64_t i = 1; i <= 300; i++)
		put(&l, i, 0);
	log_reset(&l, 5000);
	assert_int_equal(l.first, 5001);
	assert_int_equal(l.last, 5000);
	assert_false(log_cached(&l, 300));
	put(&l, 5001, 1);
	expect(&l, 5001, 1);
	assert_int_equal(l.mark[log_mark_of(&l, 5001)].index, 5001);
	log_release(&l);
}

static void place(struct log *l, uint64_t index, struct store_pos pos)
{
	char text[64];
	int len = snprintf(text, sizeof(text), "entry %llu version %u", (unsigned long long)index, pos.segment - 1);

	log_place(l, index, (struct wire_text){ text, (size_t)len }, pos);
}

static void what_was_placed_is_found_by_its_own_position_and_no_other_is(void **state)
{
	struct log l;

	(void)state;
	log_init(&l);
	for (uint64_t i = 1; i <= 300; i++)
		if (i % 100 == 50)
			place(&l, i, (struct store_pos){ 7, (uint32_t)i });     /* its record came before */
		else
			put(&l, i, 0);
	place(&l, 120, (struct store_pos){ 9, 1 });     /* another took its place */
	place(&l, 150, (struct store_pos){ 9, 2 });
	expect(&l, 120, 8);
	expect(&l, 150, 8);
	expect(&l, 50, 6);
	expect(&l, 51, 0);
	assert_int_equal(log_placed_from(&l, 0)->index, 50);
	assert_int_equal(log_placed_from(&l, 51)->index, 120);
	assert_int_equal(log_placed_from(&l, 121)->index, 150);
	assert_int_equal(log_placed_from(&l, 150)->pos.offset, 2);
	assert_int_equal(log_placed_from(&l, 250)->index, 250);
	assert_null(log_placed_from(&l, 251));
	log_release(&l);
}

static void the_oldest_record_is_that_of_a_placed_entry_as_well(void **state)
{
	struct log l;

	(void)state;
	log_init(&l);
	assert_int_equal(log_oldest(&l).segment, 0);
	for (uint64_t i = 1; i <= 200; i++)
		put(&l, i, 3);
	assert_int_equal(log_oldest(&l).segment, 4);
	place(&l, 201, (struct store_pos){ 2, 5 });
	put(&l, 202, 3);
	assert_int_equal(log_oldest(&l).segment, 2);
	log_drop_before(&l, 202);
	assert_int_equal(log_oldest(&l).segment, 4);
	log_release(&l);
}

static void a_placed_entry_goes_with_the_others_at_either_end(void **state)
{
	struct log l;

	(void)state;
	log_init(&l);
	for (uint64_t i = 1; i <= 100; i++)
		place(&l, i, (struct store_pos){ 1, (uint32_t)i });
	put(&l, 101, 0);
	assert_int_equal(l.mark[log_mark_of(&l, 101)].index, 101);
	log_drop_before(&l, 40);
	assert_int_equal(log_placed_from(&l, 0)->index, 40);
	log_truncate(&l, 60);
	assert_null(log_placed_from(&l, 60));
	assert_int_equal(log_placed_from(&l, 59)->index, 59);
	/* Out of memory and replaced: its text stays where its record is. */
	log_evict(&l, 0, 101);
	place(&l, 50, (struct store_pos){ 3, 1 });
	assert_false(log_cached(&l, 50));
	assert_int_equal(log_placed_from(&l, 50)->pos.segment, 3);
	log_reset(&l, 59);
	assert_null(log_placed_from(&l, 0));
	log_release(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_entry_put_is_found_however_many_there_are),
		cmocka_unit_test(a_truncated_tail_is_gone_and_its_indexes_take_other_texts),
		cmocka_unit_test(an_entry_is_replaced_where_it_stands),
		cmocka_unit_test(eviction_keeps_what_is_not_applied_and_stays_under_its_bound),
		cmocka_unit_test(a_mark_leads_to_every_entry_and_none_reaches_over_a_truncation),
		cmocka_unit_test(what_is_dropped_at_the_front_takes_its_marks_along),
		cmocka_unit_test(after_a_reset_the_log_goes_on_behind_the_snapshot),
		cmocka_unit_test(what_was_placed_is_found_by_its_own_position_and_no_other_is),
		cmocka_unit_test(the_oldest_record_is_that_of_a_placed_entry_as_well),
		cmocka_unit_test(a_placed_entry_goes_with_the_others_at_either_end),
	};

	return cmocka_run_group_tests_name("node_log", tests, NULL, NULL);
}
