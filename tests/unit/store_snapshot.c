/*
 * lib/store's snapshots: written, read, sent in chunks, received, damaged.
 */
#include "tests/unit/store_log.h"

enum { LINES = 300 };

static uint64_t write_snapshot(struct store *s, uint64_t index)
{
	struct store_writer *w;
	char text[2048], lines[2 * 2100], *end = lines;
	uint64_t bytes = 0;

	assert_int_equal(store_snapshot_create(s, index, &w, &report), 0);
	for (uint64_t n = 0; n < LINES; n++) {
		end = store_snapshot_line(end, text, record_text(text, n));
		if (n % 2) {
			assert_int_equal(store_writer_write(w, lines, (size_t)(end - lines), &report), 0);
			end = lines;
		}
	}
	assert_int_equal(store_writer_finish(w, &bytes, &report), 0);
	return bytes;
}

static int see_line(void *ctx, const char *json, size_t len, const char **why)
{
	struct seen *s = ctx;

	return see(s, json, len, (struct store_pos){ 1, (uint32_t)s->count + 1 }, why);
}

static int load(struct store *s, uint64_t index)
{
	seen = (struct seen){ 0 };
	return store_snapshot_load(s, index, see_line, &seen, &report);
}

static const char *snapshot_path(uint64_t index)
{
	char name[64];

	snprintf(name, sizeof(name), "%016llu.snapshot", (unsigned long long)index);
	return in_dir(name);
}

static void a_snapshot_is_read_as_it_was_written(void **state)
{
	uint64_t index, bytes, size;
	struct bytes b;

	(void)state;
	must_open();
	assert_int_equal(store_snapshot_newest(store, &index, &bytes), STORE_ENONE);
	size = write_snapshot(store, 9007199254740992);
	assert_int_equal(store_snapshot_newest(store, &index, &bytes), 0);
	assert_int_equal(index, 9007199254740992);
	assert_int_equal(bytes, size);
	assert_int_equal(load(store, index), 0);
	assert_int_equal(seen.count, LINES);
	b = file_bytes(snapshot_path(index));
	assert_int_equal(b.len, size);
	assert_memory_equal(b.p + b.len - 25, "{\"end\":true,\"lines\":300}\n", 25);
	free(b.p);
	assert_int_equal(load(store, 7), STORE_ENONE);
}

static void a_snapshot_that_is_not_finished_is_none(void **state)
{
	struct store_writer *w;
	uint64_t index, bytes;

	(void)state;
	must_open();
	append_flushed(0, 1, 1);
	assert_int_equal(store_snapshot_create(store, 5, &w, &report), 0);
	assert_int_equal(store_snapshot_newest(store, &index, &bytes), STORE_ENONE);
	store_writer_abandon(w);
	assert_int_equal(access(in_dir("0000000000000005.snapshot.part"), F_OK), -1);
	put_bytes(in_dir("0000000000000005.snapshot.part"), "x", 1);
	must_close();
	must_open();
	assert_int_equal(store_snapshot_newest(store, &index, &bytes), STORE_ENONE);
	assert_int_equal(access(in_dir("0000000000000005.snapshot.part"), F_OK), -1);
}

static void older_snapshots_go(void **state)
{
	uint64_t index, bytes;
	char out[8];

	(void)state;
	must_open();
	for (uint64_t i = 1; i < 5; i++)
		write_snapshot(store, i * 100);
	assert_int_equal(store_snapshot_chunk(store, 200, 0, out, 8, &report), 8);
	assert_int_equal(store_snapshot_drop_before(store, 400, &report), 0);
	assert_int_equal(store_snapshot_newest(store, &index, &bytes), 0);
	assert_int_equal(index, 400);
	assert_int_equal(store_snapshot_chunk(store, 200, 8, out, 8, &report), STORE_ENONE);
	assert_int_equal(load(store, 400), 0);
}

static int ignore_line(void *ctx, const char *json, size_t len, const char **why)
{
	(void)ctx, (void)json, (void)len, (void)why;
	return 0;
}

static void damaged_now(struct bytes b)
{
	char where[128];

	put_bytes(snapshot_path(7), b.p, b.len);
	snprintf(where, sizeof(where), "'%s/0000000000000007.snapshot', line ", dir);
	assert_int_equal(store_snapshot_load(store, 7, ignore_line, NULL, &report), STORE_ECORRUPT);
	assert_memory_equal(report.text, where, strlen(where));
}

static void a_damaged_snapshot_is_told_at_any_byte(void **state)
{
	struct bytes b;
	char *copy;
	size_t first;

	(void)state;
	must_open();
	write_snapshot(store, 7);
	b = file_bytes(snapshot_path(7));
	copy = malloc(b.len);
	memcpy(copy, b.p, b.len);
	first = (size_t)((char *)memchr(copy, '\n', b.len) - copy) + 1;
	for (size_t at = 0; at < b.len; at += 7) {
		copy[at] ^= 4;
		damaged_now((struct bytes){ copy, b.len });
		copy[at] ^= 4;
		damaged_now((struct bytes){ copy, at });        /* cut short */
	}
	damaged_now((struct bytes){ copy, b.len - 1 });
	damaged_now((struct bytes){ b.p + first, b.len - first });      /* a line is lost */
	copy = realloc(copy, b.len + first);
	memcpy(copy + first, b.p, b.len);
	damaged_now((struct bytes){ copy, b.len + first });     /* a line is doubled */
	memcpy(copy, b.p, b.len);
	memcpy(copy + b.len, b.p, first);
	damaged_now((struct bytes){ copy, b.len + first });     /* one follows the last */
	free(copy);
	free(b.p);
}

static int refuse_line(void *ctx, const char *json, size_t len, const char **why)
{
	(void)json, (void)len;
	*why = "the key is there twice";
	return ++*(int *)ctx == 3 ? STORE_ECORRUPT : 0;
}

static void a_line_that_the_reader_refuses_is_named(void **state)
{
	char expected[256];
	struct bytes b;
	size_t at = 0;
	int count = 0;

	(void)state;
	must_open();
	write_snapshot(store, 7);
	b = file_bytes(snapshot_path(7));
	for (int i = 0; i < 2; i++)
		at = (size_t)((char *)memchr(b.p + at, '\n', b.len - at) - b.p) + 1;
	free(b.p);
	assert_int_equal(store_snapshot_load(store, 7, refuse_line, &count, &report), STORE_ECORRUPT);
	snprintf(expected, sizeof(expected), "'%s', line 3, byte %zu: the key is there twice", snapshot_path(7), at);
	assert_string_equal(report.text, expected);
}

/* From `store` to another one, in memory. */
static void send_chunks(struct store *to, uint64_t index, size_t chunk)
{
	char out[4096];
	uint64_t offset = 0;
	ssize_t n;

	while ((n = store_snapshot_chunk(store, index, offset, out, chunk, &report)) > 0) {
		assert_int_equal(store_snapshot_receive(to, index, offset, out, (size_t)n, &report), 0);
		offset += (uint64_t)n;
	}
	assert_int_equal(n, 0);
}

static struct store *open_other(void)
{
	struct store_options o = { .kind = "raft", .id = "n2" };
	struct store *other;

	assert_int_equal(store_open(&other, &o, &report), 0);
	return other;
}

static void a_snapshot_travels_in_chunks_of_any_size(void **state)
{
	static const size_t chunks[] = { 1, 7, 511, 4096 };
	struct store *other = open_other();
	uint64_t size, index, bytes;

	(void)state;
	must_open();
	size = write_snapshot(store, 50);
	for (size_t i = 0; i < 4; i++) {
		send_chunks(other, 50, chunks[i]);
		assert_int_equal(store_snapshot_install(other, 50, &bytes, &report), 0);
		assert_int_equal(bytes, size);
		assert_int_equal(store_snapshot_newest(other, &index, &bytes), 0);
		assert_int_equal(index, 50);
		assert_int_equal(load(other, 50), 0);
		assert_int_equal(seen.count, LINES);
	}
	store_close(other);
}

static void a_chunk_that_does_not_follow_is_refused_and_zero_begins_anew(void **state)
{
	struct store *other = open_other();
	uint64_t bytes;

	(void)state;
	must_open();
	write_snapshot(store, 50);
	assert_int_equal(store_snapshot_receive(other, 50, 3, "x", 1, &report), STORE_ENONE);
	assert_int_equal(store_snapshot_receive(other, 50, 0, "xyz", 3, &report), 0);
	assert_int_equal(store_snapshot_receive(other, 50, 2, "x", 1, &report), STORE_ENONE);
	assert_string_equal(report.text, "'memory': byte 2 of snapshot 50 does not follow what is there");
	assert_int_equal(store_snapshot_receive(other, 50, 4, "x", 1, &report), STORE_ENONE);
	assert_int_equal(store_snapshot_receive(other, 51, 3, "x", 1, &report), STORE_ENONE);
	send_chunks(other, 50, 1000);
	assert_int_equal(store_snapshot_install(other, 51, &bytes, &report), STORE_ENONE);
	assert_int_equal(store_snapshot_install(other, 50, &bytes, &report), 0);
	assert_int_equal(store_snapshot_install(other, 50, &bytes, &report), STORE_ENONE);
	store_close(other);
}

static void what_is_not_whole_is_not_installed(void **state)
{
	uint64_t bytes, index;
	struct bytes b;

	(void)state;
	must_open();
	write_snapshot(store, 50);
	b = file_bytes(snapshot_path(50));
	for (size_t i = 0; i < 4; i++) {
		size_t len = i == 0 ? b.len - 1 : i == 1 ? b.len / 2 : i == 2 ? 0 : b.len;

		b.p[b.len / 3] ^= i == 3;
		assert_int_equal(store_snapshot_receive(store, 60, 0, b.p, len, &report), 0);
		assert_int_equal(access(in_dir("0000000000000060.received.part"), F_OK), 0);
		assert_int_equal(store_snapshot_install(store, 60, &bytes, &report), STORE_ECORRUPT);
		assert_int_equal(access(in_dir("0000000000000060.received.part"), F_OK), -1);
		assert_int_equal(store_snapshot_newest(store, &index, &bytes), 0);
		assert_int_equal(index, 50);
	}
	free(b.p);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_dir, remove_dir)
	const struct CMUnitTest tests[] = {
		TEST(a_snapshot_is_read_as_it_was_written),
		TEST(a_snapshot_that_is_not_finished_is_none),
		TEST(older_snapshots_go),
		TEST(a_damaged_snapshot_is_told_at_any_byte),
		TEST(a_line_that_the_reader_refuses_is_named),
		TEST(a_snapshot_travels_in_chunks_of_any_size),
		TEST(a_chunk_that_does_not_follow_is_refused_and_zero_begins_anew),
		TEST(what_is_not_whole_is_not_installed),
	};

	return cmocka_run_group_tests_name("store_snapshot", tests, NULL, NULL);
}
