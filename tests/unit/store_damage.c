/*
 * lib/store and files that are not as it left them: what a crash explains is cut off, all else is told and
 * left alone.
 */
#include "tests/unit/store_log.h"

/* --- The tail --- */

/* A segment of ten records, each flushed; the last flush from byte `flush` on, its record from `last`, to `end`. */
struct sample { struct bytes b; size_t flush, last, end; };

static struct sample make_sample(void)
{
	struct sample s;

	must_open();
	append_flushed(0, 9, 1);
	s.flush = store_log_bytes(store);
	s.last = append(9).offset;
	assert_int_equal(flush(), 0);
	s.end = store_log_bytes(store);
	must_close();
	s.b = file_bytes(segment_path(1));
	assert_int_equal(s.end, written_end(s.b));
	return s;
}

/* The log was cut: it gives `count` records, takes new ones, and gives those too. */
static void goes_on(uint64_t count, bool is_torn)
{
	must_open();
	assert_int_equal(seen.count, count);
	assert_int_equal(*torn.text != '\0', is_torn);
	append_flushed(count, count + 3, 2);
	must_close();
	must_open();
	assert_int_equal(seen.count, count + 3);
	assert_string_equal(torn.text, "");
	must_close();
}

static void a_last_record_torn_at_any_byte_is_cut_off(void **state)
{
	struct sample s = make_sample();
	char *copy = malloc(s.b.len);

	(void)state;
	for (size_t cut = s.flush; cut < s.end; cut++) {
		bool is_torn = cut != s.flush && cut != s.last;

		memcpy(copy, s.b.p, s.b.len);
		memset(copy + cut, '\n', s.end - cut);
		put_bytes(segment_path(1), copy, s.b.len);
		/* A newline that was not written is one that was. */
		if (cut == s.end - 1 || cut == s.last - 1)
			goes_on(cut == s.end - 1 ? 10 : 9, false);
		else
			goes_on(9, is_torn);

		memset(copy + cut, '\0', s.end - cut);
		put_bytes(segment_path(1), copy, s.b.len);
		goes_on(9, is_torn);

		put_bytes(segment_path(1), s.b.p, cut);
		goes_on(9, is_torn);
	}
	free(copy);
	free(s.b.p);
}

static void a_torn_record_is_said_with_its_place(void **state)
{
	struct sample s = make_sample();
	char expected[256];

	(void)state;
	put_bytes(segment_path(1), s.b.p, s.last + 5);
	must_open();
	snprintf(expected, sizeof(expected), "'%s', line 20, byte %zu: a torn record is cut off, "
		 "which nobody was told is stored", segment_path(1), s.last);
	assert_string_equal(torn.text, expected);
	free(s.b.p);
}

static void a_damaged_last_record_is_taken_for_torn(void **state)
{
	struct sample s = make_sample();

	(void)state;
	for (size_t at = s.last; at < s.end - 1; at++) {
		s.b.p[at] ^= 1;
		put_bytes(segment_path(1), s.b.p, s.b.len);
		s.b.p[at] ^= 1;
		goes_on(9, true);
	}
	free(s.b.p);
}

static void leftovers_after_the_end_are_wiped(void **state)
{
	struct sample s = make_sample();
	struct bytes b;

	(void)state;
	memcpy(s.b.p + s.end, "garbage\n\nmore of it", 19);
	memset(s.b.p + s.end + 600, '\0', 512);
	put_bytes(segment_path(1), s.b.p, s.b.len);
	must_open();
	assert_string_not_equal(torn.text, "");
	must_close();
	b = file_bytes(segment_path(1));
	assert_int_equal(b.len, s.b.len);
	assert_int_equal(written_end(b), s.end);
	free(b.p);
	goes_on(10, false);
	free(s.b.p);
}

/* --- Damage --- */

/* Returns how many there are, the last one with records in it. */
static unsigned make_segments(void)
{
	unsigned last;

	must_open();
	append_flushed(0, 150, 4);
	must_close();
	must_open();
	last = seen.last.segment;
	must_close();
	assert_true(last > 6);
	return last;
}

static void corrupt_saying(const char *why)
{
	assert_int_equal(try_open(), STORE_ECORRUPT);
	if (!strstr(report.text, why))
		fail_msg("'%s' does not say '%s'", report.text, why);
}

static void corrupt_now(const char *path, struct bytes b)
{
	struct bytes after;

	assert_int_equal(try_open(), STORE_ECORRUPT);
	assert_non_null(strstr(report.text, dir));
	after = file_bytes(path);
	assert_int_equal(after.len, b.len);
	assert_memory_equal(after.p, b.p, b.len);
	free(after.p);
}

static void a_byte_changed_anywhere_before_the_last_flush_is_corruption_and_nothing_is_touched(void **state)
{
	static const char change[] = { 1, 0x20, (char)0x80, 0 };
	struct sample s = make_sample();

	(void)state;
	for (size_t at = 0; at < s.flush; at++)
		for (size_t i = 0; i < sizeof(change); i++) {
			char was = s.b.p[at];

			s.b.p[at] = change[i] ? (char)(was ^ change[i]) : '\n';
			put_bytes(segment_path(1), s.b.p, s.b.len);
			if (s.b.p[at] != was)
				corrupt_now(segment_path(1), s.b);
			s.b.p[at] = was;
		}
	free(s.b.p);
}

static void corruption_is_said_with_file_line_and_byte(void **state)
{
	struct sample s = make_sample();
	char expected[256];

	(void)state;
	s.b.p[200] ^= 1;
	put_bytes(segment_path(1), s.b.p, s.b.len);
	assert_int_equal(try_open(), STORE_ECORRUPT);
	size_t line = 1, start = 0;
	for (size_t i = 0; i < 200; i++)
		if (s.b.p[i] == '\n')
			line++, start = i + 1;
	snprintf(expected, sizeof(expected), "'%s', line %zu, byte %zu: the checksum does not match", segment_path(1),
		 line, start);
	assert_string_equal(report.text, expected);
	free(s.b.p);
}

static int count(void *ctx, const char *json, size_t len, struct store_pos pos, const char **why)
{
	(void)json, (void)len, (void)pos, (void)why;
	++*(uint64_t *)ctx;
	return 0;
}

/* Whatever the records say. */
static int replay_any(void)
{
	struct store_options o = { .dir = dir, .kind = "raft", .id = "n1" };
	uint64_t n = 0;
	int rc = store_open(&store, &o, &report);

	if (rc)
		return rc;
	rc = store_replay(store, count, &n, &torn, &report);
	must_close();
	return rc;
}

static void a_line_lost_doubled_or_moved_is_corruption(void **state)
{
	struct sample s = make_sample();
	size_t start[32], lines = 0;
	char *copy = malloc(2 * s.b.len);

	(void)state;
	for (size_t at = 0; at < s.flush; at = (size_t)((char *)memchr(s.b.p + at, '\n', s.b.len) - s.b.p) + 1)
		start[lines++] = at;
	start[lines] = s.flush;
	for (size_t i = 0; i < lines; i++) {
		size_t from = start[i], to = start[i + 1], len = to - from;

		memcpy(copy, s.b.p, s.b.len);
		memcpy(copy + from, s.b.p + to, s.b.len - to);
		put_bytes(segment_path(1), copy, s.b.len - len);
		assert_int_equal(replay_any(), STORE_ECORRUPT);

		memcpy(copy, s.b.p, s.b.len);
		memcpy(copy + to, s.b.p + from, s.b.len - from);
		put_bytes(segment_path(1), copy, s.b.len + len);
		assert_int_equal(replay_any(), STORE_ECORRUPT);

		if (i + 1 == lines)
			break;
		memcpy(copy, s.b.p, s.b.len);
		memcpy(copy + from, s.b.p + to, start[i + 2] - to);
		memcpy(copy + from + start[i + 2] - to, s.b.p + from, len);
		put_bytes(segment_path(1), copy, s.b.len);
		assert_int_equal(replay_any(), STORE_ECORRUPT);
	}
	free(copy);
	free(s.b.p);
}

static void a_record_replaced_by_another_whole_one_is_corruption(void **state)
{
	struct bytes b;
	unsigned replaced = 0;

	(void)state;
	make_segments();
	b = file_bytes(segment_path(2));
	for (char *line = b.p, *end; *line != '\n'; line = end + 1) {
		char was[9];

		end = memchr(line, '\n', b.len);
		if (strncmp(line + 9, "{\"n\"", 4) != 0 || end - line < 40)
			continue;
		memcpy(was, line, 8);
		end[-5] ^= 1;
		store_snapshot_line(line, line + 9, (size_t)(end - line) - 9);
		put_bytes(segment_path(2), b.p, b.len);
		assert_int_equal(replay_any(), STORE_ECORRUPT);
		end[-5] ^= 1;
		memcpy(line, was, 8);
		replaced++;
	}
	assert_true(replaced > 8);
	free(b.p);
}

/* --- Holes: sectors of a flush that were not written --- */

static void a_hole_is_torn_in_the_last_flush_and_corruption_in_an_earlier_one(void **state)
{
	enum { SECTOR = 512 };
	size_t first, end, later;
	struct bytes b;
	char *copy;

	(void)state;
	segment_bytes = 1 << 16;
	must_open();
	append_flushed(0, 5, 1);
	first = store_log_bytes(store);
	append_flushed(5, 30, 100);
	end = store_log_bytes(store);
	must_close();
	b = file_bytes(segment_path(1));
	copy = malloc(b.len);
	size_t sectors = (end - 1) / SECTOR - first / SECTOR + 1;
	assert_in_range(sectors, 6, 14);
	for (unsigned set = 1; set < 1u << sectors; set++) {
		memcpy(copy, b.p, b.len);
		for (size_t i = 0; i < sectors; i++) {
			size_t sector = (first / SECTOR + i) * SECTOR, from = sector < first ? first : sector;

			if (set >> i & 1)
				memset(copy + from, set & 8 ? '\n' : '\0', sector + SECTOR - from);
		}
		put_bytes(segment_path(1), copy, b.len);
		must_open();
		assert_in_range(seen.count, 5, 29);
		append_flushed(seen.count, 40, 7);
		must_close();
		must_open();
		assert_int_equal(seen.count, 40);
		must_close();
	}
	put_bytes(segment_path(1), b.p, b.len);
	free(b.p);
	must_open();
	append_flushed(30, 31, 1);
	later = store_log_bytes(store);
	must_close();
	b = file_bytes(segment_path(1));
	for (size_t i = 0; i + 1 < sectors; i++) {
		size_t from = (first / SECTOR + i) * SECTOR;

		memcpy(copy, b.p, b.len);
		memset(copy + from, '\n', SECTOR);
		put_bytes(segment_path(1), copy, b.len);
		corrupt_now(segment_path(1), (struct bytes){ copy, b.len });
	}
	assert_true(later > end);
	free(copy);
	free(b.p);
}

/* --- Segments --- */

static void a_missing_segment_is_named(void **state)
{
	unsigned last = make_segments();
	char expected[256];

	(void)state;
	for (unsigned n = 2; n <= last; n++) {
		assert_int_equal(rename(segment_path(n), in_dir("aside")), 0);
		snprintf(expected, sizeof(expected), "%s' is missing", segment_path(n));
		corrupt_saying(expected);
		assert_int_equal(rename(in_dir("aside"), segment_path(n)), 0);
	}
	/* The oldest may have been dropped: only the caller can tell, by what its first record says. */
	assert_int_equal(unlink(segment_path(1)), 0);
	assert_int_equal(replay_any(), 0);
}

static void a_segment_cut_short_emptied_swapped_or_foreign_is_corruption(void **state)
{
	unsigned last = make_segments();
	struct bytes two = file_bytes(segment_path(2)), three = file_bytes(segment_path(3));
	size_t lines = 0;

	(void)state;
	for (size_t at = 0; at < written_end(two); at++) {
		if (two.p[at] != '\n')
			continue;
		put_bytes(segment_path(2), two.p, at + 1);
		if (at + 1 < written_end(two))
			corrupt_saying("line");
		lines++;
	}
	assert_true(lines > 10);
	put_bytes(segment_path(2), two.p, 0);
	corrupt_saying("there are records in a later one");
	put_bytes(segment_path(2), three.p, three.len);
	put_bytes(segment_path(3), two.p, two.len);
	corrupt_saying("the header is that of another segment");
	put_bytes(segment_path(2), two.p, two.len);
	put_bytes(segment_path(3), three.p, three.len);
	must_open();
	must_close();

	/* One of the same number from another life of the node. */
	empty_dir(dir);
	must_open();
	append_flushed(0, 150, 5);
	must_close();
	put_bytes(segment_path(3), three.p, three.len);
	corrupt_saying("00000003.log");
	free(two.p);
	free(three.p);
	assert_true(last > 3);
}

static void the_oldest_segment_without_its_header_is_corruption(void **state)
{
	unsigned last = make_segments();

	(void)state;
	for (unsigned n = 1; n < last; n++)
		unlink(segment_path(n));
	put_bytes(segment_path(last), "\n\n\n", 3);
	corrupt_saying("the header of the oldest segment is lost");
	put_bytes(segment_path(last), "garbage", 7);
	corrupt_saying("the header of the oldest segment is lost");

	/* A first one that was never written to is small. */
	static char zeros[1 << 17];
	empty_dir(dir);
	put_bytes(segment_path(1), zeros, 1 << 16);
	must_open();
	assert_true(store_fresh(store));
	must_close();
	put_bytes(segment_path(1), zeros, 1 << 17);
	corrupt_saying("the header of the oldest segment is lost");
}

static void snapshots_without_a_log_are_corruption(void **state)
{
	(void)state;
	put_bytes(in_dir("0000000000000007.snapshot"), "", 0);
	corrupt_saying("has snapshots but no log");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_dir, remove_dir)
	const struct CMUnitTest tests[] = {
		TEST(a_last_record_torn_at_any_byte_is_cut_off),
		TEST(a_torn_record_is_said_with_its_place),
		TEST(a_damaged_last_record_is_taken_for_torn),
		TEST(leftovers_after_the_end_are_wiped),
		TEST(a_byte_changed_anywhere_before_the_last_flush_is_corruption_and_nothing_is_touched),
		TEST(corruption_is_said_with_file_line_and_byte),
		TEST(a_line_lost_doubled_or_moved_is_corruption),
		TEST(a_record_replaced_by_another_whole_one_is_corruption),
		TEST(a_hole_is_torn_in_the_last_flush_and_corruption_in_an_earlier_one),
		TEST(a_missing_segment_is_named),
		TEST(a_segment_cut_short_emptied_swapped_or_foreign_is_corruption),
		TEST(the_oldest_segment_without_its_header_is_corruption),
		TEST(snapshots_without_a_log_are_corruption),
	};

	return cmocka_run_group_tests_name("store_damage", tests, NULL, NULL);
}
