/*
 * lib/store as its callers see it: the format, records in and out, segments.
 */
#include "lib/store/record.h"
#include "tests/unit/store_log.h"

#include <pthread.h>

/* --- The format --- */

static void the_checksum_is_CRC32C_with_the_processors_instruction_and_without(void **state)
{
	char text[300], zeros[32] = { 0 };

	(void)state;
	assert_int_equal(store_crc32c("", 0), 0);
	assert_int_equal(store_crc32c("123456789", 9), 0xe3069283);
	assert_int_equal(store_crc32c(zeros, 32), 0x8a9136aa);  /* RFC 3720, B.4 */
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (char)(i * 7 + i / 13);
	for (size_t len = 0; len < 100; len++)
		for (size_t at = 0; at < 16; at++) {
			uint32_t crc = store_crc32c(text + at, len);

			assert_int_equal(crc, record_crc_software(0, text + at, len));
			assert_int_equal(crc, record_crc_extend(store_crc32c(text + at, len / 3), text + at + len / 3,
								len - len / 3));
		}
}

static void a_record_is_its_checksum_a_space_its_json_and_a_newline(void **state)
{
	char line[64];
	char *end = store_snapshot_line(line, "{\"x\":1}", 7);

	(void)state;
	assert_int_equal(end - line, 17);
	assert_memory_equal(line, "bda3d084 {\"x\":1}\n", 17);
	assert_true(record_whole(line, 16));
	assert_false(record_whole(line, 15));
	assert_false(record_whole("BDA3D084 {\"x\":1}", 16));
	assert_false(record_whole("00000000 ", 9));
	assert_false(record_whole("", 0));
}

static char *put_line(char *to, const char *json)
{
	return store_snapshot_line(to, json, strlen(json));
}

static void a_segment_is_text_filled_up_with_newlines(void **state)
{
	char expected[256], *p = expected;
	struct bytes b;

	(void)state;
	must_open();
	assert_int_equal(append(0).segment, 1);
	assert_int_equal(flush(), 0);
	append(2);
	assert_int_equal(flush(), 0);
	must_close();
	b = file_bytes(segment_path(1));
	p = put_line(p, "{\"log\":\"raft\",\"version\":1,\"id\":\"n1\",\"segment\":1,"
		     "\"flush\":1,\"chain\":\"00000000\",\"cluster\":[\"n1\",\"n2\"]}");
	p = put_line(p, "{\"n\":0,\"pad\":\"\"}");
	assert_memory_equal(b.p, expected, (size_t)(p - expected));
	assert_memory_equal(b.p + (p - expected) + 9, "{\"flush\":2,\"chain\":\"", 20);
	for (size_t i = written_end(b); i < b.len; i++)
		assert_int_equal(b.p[i], '\n');
	assert_true(b.len >= 4096);
	free(b.p);
}

/* --- Appending --- */

static void records_come_back_in_order_over_segments_and_restarts(void **state)
{
	(void)state;
	for (uint64_t n = 0; n < 1200; n += 300) {
		must_open();
		assert_int_equal(seen.count, n);
		assert_string_equal(torn.text, "");
		append_flushed(n, n + 300, 1 + n / 100);
		must_close();
	}
	must_open();
	assert_int_equal(seen.count, 1200);
	assert_true(seen.last.segment > 30);
}

static void what_was_not_flushed_is_lost(void **state)
{
	(void)state;
	must_open();
	assert_false(store_flush_begin(store));
	append_flushed(0, 5, 5);
	append(5);
	assert_true(store_flush_begin(store));
	append(6);
	assert_int_equal(store_flush(store, &report), 0);
	store_flush_end(store);
	assert_true(store_pending(store) > 0);
	must_close();
	must_open();
	assert_int_equal(seen.count, 6);
}

static void rotated_is_set_once_a_segment_and_once_a_start(void **state)
{
	uint32_t segment = 0;

	(void)state;
	for (int start = 0; start < 3; start++) {
		must_open();
		for (int i = 0; i < 200; i++) {
			struct store_part part = { "{\"a\":\"0123456789012345678901234567890123456789\"}", 48 };
			bool rotated;
			struct store_pos pos = store_append(store, &part, 1, &rotated);

			assert_int_equal(rotated, i == 0 || pos.segment != segment);
			segment = pos.segment;
		}
		while (store_flush_begin(store)) {
			assert_int_equal(store_flush(store, &report), 0);
			store_flush_end(store);
		}
		must_close();
		empty_dir(dir);
	}
}

static char *large_record(size_t len)
{
	char *text = malloc(len);

	memset(text, 'x', len);
	memcpy(text, "{\"x\":\"", 6);
	memcpy(text + len - 2, "\"}", 2);
	return text;
}

static int measure(void *ctx, const char *json, size_t len, struct store_pos pos, const char **why)
{
	(void)json, (void)pos, (void)why;
	*(size_t *)ctx += len;
	return 0;
}

static void a_record_larger_than_a_segment_is_kept_and_one_too_large_is_nowhere(void **state)
{
	enum { LARGE = 300000 };
	struct store_options o = { .dir = dir, .kind = "raft", .id = "n1", .segment_bytes = 4096 };
	char *text = large_record((size_t)STORE_RECORD_BYTES_MAX + 1);
	struct store_part part = { text, (size_t)STORE_RECORD_BYTES_MAX + 1 };
	size_t bytes = 0;
	bool rotated;

	(void)state;
	must_open();
	assert_int_equal(store_append(store, &part, 1, &rotated).segment, 0);
	assert_int_equal(store_pending(store), 0);
	free(text);
	text = large_record(LARGE);
	part = (struct store_part){ text, LARGE };
	for (int i = 0; i < 3; i++) {
		assert_int_equal(store_append(store, &part, 1, &rotated).segment, i + 1);
		assert_int_equal(flush(), 0);
	}
	must_close();
	free(text);
	assert_int_equal(store_open(&store, &o, &report), 0);
	assert_int_equal(store_replay(store, measure, &bytes, &torn, &report), 0);
	assert_int_equal(bytes, 3 * LARGE);
}

static void a_spare_segment_is_made_ahead_step_by_step(void **state)
{
	int steps = 0;
	struct stat st;

	(void)state;
	segment_bytes = 1 << 20;
	must_open();
	append_flushed(0, 10, 1);
	assert_false(store_wants_spare(store));         /* a node that writes little needs little */
	append_flushed(10, 500, 10);
	for (; store_wants_spare(store); steps++)
		assert_int_equal(store_prepare(store, &report), 0);
	assert_in_range(steps, 4, 4);                   /* of 512 KiB: what is left of this one, and the next */
	assert_int_equal(stat(segment_path(1), &st), 0);
	assert_int_equal(st.st_size, 1 << 20);
	assert_int_equal(stat(segment_path(2), &st), 0);
	assert_int_equal(st.st_size, 1 << 20);
	append_flushed(500, 8000, 100);
	assert_true(store_wants_spare(store));
	must_close();
	must_open();
	assert_int_equal(seen.count, 8000);
	assert_int_equal(seen.last.segment, 2);
}

/* --- Reading --- */

static void any_record_is_read_flushed_in_flight_or_pending(void **state)
{
	enum { RECORDS = 90 };
	static struct store_pos pos[RECORDS];

	(void)state;
	must_open();
	for (uint64_t n = 0; n < RECORDS; n++) {
		pos[n] = append(n);
		if (n == 29)
			assert_int_equal(flush(), 0);
		if (n == 59)
			assert_true(store_flush_begin(store));
	}
	for (int flushed = 0; flushed < 3; flushed++) {
		for (uint64_t n = 0; n < RECORDS; n++) {
			struct seen s = { .first = n };

			assert_int_equal(store_read(store, pos[n], see, &s, &report), 0);
			assert_int_equal(s.count, RECORDS - n);
		}
		if (flushed == 0) {
			assert_int_equal(store_flush(store, &report), 0);
			store_flush_end(store);
		} else {
			assert_int_equal(flush(), 0);
		}
	}
}

static int stop_at_three(void *ctx, const char *json, size_t len, struct store_pos pos, const char **why)
{
	(void)json, (void)len, (void)pos, (void)why;
	return ++*(int *)ctx == 3 ? 77 : 0;
}

static void a_reader_stops_when_it_says_so(void **state)
{
	struct store_options o = { .dir = dir, .kind = "raft", .id = "n1", .segment_bytes = 4096 };
	int count = 0;
	struct store_pos pos;

	(void)state;
	must_open();
	pos = append(0);
	append_flushed(1, 10, 10);
	assert_int_equal(store_read(store, pos, stop_at_three, &count, &report), 77);
	assert_int_equal(count, 3);
	must_close();
	count = 0;
	assert_int_equal(store_open(&store, &o, &report), 0);
	assert_int_equal(store_replay(store, stop_at_three, &count, &torn, &report), 77);
	assert_int_equal(count, 3);
}

static int refuse_third(void *ctx, const char *json, size_t len, struct store_pos pos, const char **why)
{
	(void)json, (void)len, (void)pos;
	*why = "the index is not the next";
	return ++*(int *)ctx == 3 ? STORE_ECORRUPT : 0;
}

static void a_record_that_the_reader_refuses_is_named(void **state)
{
	struct store_options o = { .dir = dir, .kind = "raft", .id = "n1", .segment_bytes = 4096 };
	char expected[256];
	struct store_pos pos;
	int count = 0;

	(void)state;
	must_open();
	append(0), append(1);
	pos = append(2);
	append_flushed(3, 10, 10);
	must_close();
	assert_int_equal(store_open(&store, &o, &report), 0);
	assert_int_equal(store_replay(store, refuse_third, &count, &torn, &report), STORE_ECORRUPT);
	snprintf(expected, sizeof(expected), "'%s', line 4, byte %u: the index is not the next", segment_path(1),
		 pos.offset);
	assert_string_equal(report.text, expected);
}

static void old_segments_go_but_never_one_that_the_log_needs(void **state)
{
	static struct store_pos pos[300];
	struct seen s = { .first = 200 };

	(void)state;
	must_open();
	for (uint64_t n = 0; n < 300; n++) {
		pos[n] = append(n);
		if (n < 250)
			assert_int_equal(flush(), 0);
	}
	assert_int_equal(store_drop_before(store, pos[200], &report), 0);
	assert_int_equal(access(segment_path(pos[200].segment - 1), F_OK), -1);
	assert_int_equal(access(segment_path(pos[200].segment), F_OK), 0);
	assert_int_equal(store_read(store, pos[200], see, &s, &report), 0);
	assert_int_equal(s.count, 100);
	assert_int_equal(store_read(store, pos[0], see, &s, &report), STORE_ENONE);
	/* Of records that are not flushed yet none is needed: they may not be there after a crash. */
	assert_true(pos[299].segment > pos[249].segment + 1);
	assert_int_equal(store_drop_before(store, pos[299], &report), 0);
	assert_int_equal(access(segment_path(pos[249].segment), F_OK), 0);
	must_close();
	seen.first = 0;
	while (pos[seen.first].segment < pos[249].segment)
		seen.first++;
	struct store_options o = { .dir = dir, .kind = "raft", .id = "n1", .segment_bytes = 4096 };
	s = (struct seen){ .first = seen.first };
	assert_int_equal(store_open(&store, &o, &report), 0);
	assert_int_equal(store_replay(store, see, &s, &torn, &report), 0);
	assert_int_equal(s.first + s.count, 250);
	/* Nor are older ones, until the state that the first append asks for is flushed. */
	append_flushed(250, 350, 10);
	must_close();
	s = (struct seen){ .first = seen.first };
	assert_int_equal(store_open(&store, &o, &report), 0);
	assert_int_equal(store_replay(store, see, &s, &torn, &report), 0);
	assert_int_equal(store_drop_before(store, s.last, &report), 0);
	assert_int_equal(access(segment_path(pos[249].segment), F_OK), 0);
	append_flushed(350, 351, 1);
	assert_int_equal(store_drop_before(store, s.last, &report), 0);
	assert_int_equal(access(segment_path(pos[249].segment), F_OK), -1);
}

/* Flushes and makes spares until there is nothing left to flush. */
static void *flush_in_thread(void *arg)
{
	_Atomic int *state = arg;

	while (*state != 2) {
		if (*state != 1)
			continue;
		if (store_flush(store, &report) || (store_wants_spare(store) && store_prepare(store, &report)))
			abort();
		*state = 0;
	}
	return NULL;
}

static void appends_and_reads_go_on_while_another_thread_flushes(void **state)
{
	enum { RECORDS = 5000 };
	static struct store_pos pos[RECORDS];
	static _Atomic int turn;        /* 0: the owner's, 1: a flush is under way, 2: the end */
	struct store_report why;
	uint64_t overlapped = 0;
	pthread_t thread;

	(void)state;
	segment_bytes = 1 << 16;
	must_open();
	assert_int_equal(pthread_create(&thread, NULL, flush_in_thread, &turn), 0);
	for (uint64_t n = 0; n < RECORDS; n++) {
		pos[n] = append(n);
		if (turn == 1) {
			struct seen s = { .first = n - n % 50 };

			assert_int_equal(store_read(store, pos[s.first], see, &s, &why), 0);
			assert_int_equal(s.first + s.count, n + 1);
			overlapped++;
			if (n % 500 == 0)
				assert_int_equal(store_drop_before(store, pos[n - 100], &why), 0);
			(void)store_wants_spare(store);
			continue;
		}
		if (n)
			store_flush_end(store);
		assert_true(store_flush_begin(store));
		turn = 1;
	}
	while (turn == 1)
		;
	turn = 2;
	pthread_join(thread, NULL);
	assert_true(overlapped > 0);
}

static void in_memory_all_is_the_same_and_nothing_is_written(void **state)
{
	struct store_options o = { .kind = "raft", .id = "n1", .segment_bytes = 4096 };
	struct store_writer *w;
	static struct store_pos pos[300];
	struct seen s = { 0 };
	uint64_t index, bytes;

	(void)state;
	assert_int_equal(store_open(&store, &o, &report), 0);
	assert_true(store_fresh(store));
	assert_int_equal(store_replay(store, see, &s, &torn, &report), 0);
	for (uint64_t n = 0; n < 300; n++) {
		pos[n] = append(n);
		if (n % 10 == 9)
			assert_int_equal(flush(), 0);
	}
	assert_false(store_wants_spare(store));
	assert_int_equal(store_drop_before(store, pos[100], &report), 0);
	s = (struct seen){ .first = 100 };
	assert_int_equal(store_read(store, pos[100], see, &s, &report), 0);
	assert_int_equal(s.count, 200);
	assert_int_equal(store_snapshot_newest(store, &index, &bytes), STORE_ENONE);
	assert_int_equal(store_snapshot_create(store, 9, &w, &report), 0);
	assert_int_equal(store_writer_finish(w, &bytes, &report), 0);
	assert_int_equal(store_snapshot_newest(store, &index, &bytes), 0);
	assert_int_equal(index, 9);
	assert_int_equal(store_snapshot_drop_before(store, 10, &report), 0);
	assert_int_equal(store_snapshot_newest(store, &index, &bytes), STORE_ENONE);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_dir, remove_dir)
	const struct CMUnitTest tests[] = {
		TEST(the_checksum_is_CRC32C_with_the_processors_instruction_and_without),
		TEST(a_record_is_its_checksum_a_space_its_json_and_a_newline),
		TEST(a_segment_is_text_filled_up_with_newlines),
		TEST(records_come_back_in_order_over_segments_and_restarts),
		TEST(what_was_not_flushed_is_lost),
		TEST(rotated_is_set_once_a_segment_and_once_a_start),
		TEST(a_record_larger_than_a_segment_is_kept_and_one_too_large_is_nowhere),
		TEST(a_spare_segment_is_made_ahead_step_by_step),
		TEST(any_record_is_read_flushed_in_flight_or_pending),
		TEST(a_reader_stops_when_it_says_so),
		TEST(a_record_that_the_reader_refuses_is_named),
		TEST(old_segments_go_but_never_one_that_the_log_needs),
		TEST(appends_and_reads_go_on_while_another_thread_flushes),
		TEST(in_memory_all_is_the_same_and_nothing_is_written),
	};

	return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
