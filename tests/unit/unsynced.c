/* lib/preload/unsynced: what a crash leaves of data: of writes, of stdio, of mappings, of several processes. */
#include "tests/unit/unsynced_rig.h"

/* --- Data --- */

static void overwrites(void *with)
{
	(void)with;
	base("aaaa");
	put("f", 0, "bbbb");
}

static void each_sector_is_lost_or_kept_and_all_combinations_occur(void **state)
{
	(void)state;
	EXPECT(overwrites, "f", "aaaa", "aaab", "aaba", "aabb", "abaa", "abab", "abba", "abbb", "baaa", "baab", "baba", "babb",
	       "bbaa", "bbab", "bbba", "bbbb");
}

static void flushes(void *with)
{
	overwrites(with);
	flush_path("f");
}

static void what_was_flushed_stays(void **state)
{
	(void)state;
	EXPECT(flushes, "f", "bbbb");
}

static void flushes_the_first(void *with)
{
	int fd;

	(void)with;
	base("aa");
	put("g", O_CREAT, "cc");
	flush_path(".");
	fd = open("f", O_RDWR);
	need(pwrite(fd, "b", 1, 0) == 1 && !fdatasync(fd));
	put("f", 0, "b");
	flush_path("f");
	put("g", 0, "d");
}

static void a_flush_is_of_its_own_file(void **state)
{
	(void)state;
	EXPECT(flushes_the_first, "f", "ba");
	EXPECT(flushes_the_first, "g", "cc", "dc", "", "0", "c", "d", "00", "0c", "c0", "d0");
}

static void writes_thrice(void *with)
{
	(void)with;
	base("a");
	put("f", 0, "b");
	put("f", 0, "c");
}

static void any_version_since_the_flush_may_be_left(void **state)
{
	(void)state;
	EXPECT(writes_thrice, "f", "a", "b", "c");
}

static void appends(void *with)
{
	(void)with;
	base("a");
	put("f", O_APPEND, "bb");
}

static void a_file_is_as_long_as_it_ever_was_and_lost_sectors_are_zeros(void **state)
{
	(void)state;
	EXPECT(appends, "f", "a", "a0", "ab", "a0b", "ab0", "a00", "abb");
}

static void truncates(void *with)
{
	(void)with;
	base("abc");
	put("f", O_TRUNC, "");
}

static void a_truncated_file_may_be_as_it_was(void **state)
{
	(void)state;
	EXPECT(truncates, "f", "abc", "");
}

static void cuts(void *with)
{
	(void)with;
	base("abc");
	need(!truncate("f", SECTOR_BYTES));
	put("f", O_APPEND, "d");
}

static void a_cut_and_what_was_appended_since_are_undone_apart(void **state)
{
	(void)state;
	EXPECT(cuts, "f", "abc", "a", "ad", "ab", "a0", "adc", "a0c");
}

static void writes_in_place(void *with)
{
	int fd;

	(void)with;
	base("aa");
	fd = open("f", O_WRONLY | O_DSYNC);
	need(fd >= 0 && pwrite(fd, "b", 1, 0) == 1);
}

static void a_write_of_a_synchronous_file_is_flushed(void **state)
{
	(void)state;
	EXPECT(writes_in_place, "f", "?a");
}

static void part_of_a_sector(void *with)
{
	int fd;

	(void)with;
	base("a");
	fd = open("f", O_WRONLY | O_APPEND);
	need(fd >= 0 && write(fd, "b", 1) == 1);
}

static void less_than_a_sector_is_as_whole(void **state)
{
	(void)state;
	EXPECT(part_of_a_sector, "f", "a", "ab", "a0");
}

/* --- stdio and mappings, which are not seen --- */

static void prints(void *with)
{
	FILE *f;

	(void)with;
	base("a");
	f = fopen("f", "a");
	need(f);
	for (int i = 0; i < SECTOR_BYTES; i++)
		putc('b', f);
	need(!fclose(f));
}

static void what_stdio_wrote_is_lost_without_a_flush(void **state)
{
	(void)state;
	EXPECT(prints, "f", "a", "ab");
}

static void prints_and_flushes(void *with)
{
	FILE *f;

	(void)with;
	base("a");
	f = fopen("f", "r+");
	need(f && fputc('b', f) == 'b' && !fflush(f) && !fsync(fileno(f)));
	need(fputc('c', f) == 'c' && !fclose(f));
}

static void what_stdio_wrote_after_a_flush_is_lost_alone(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		char start[3] = "";
		int fd;

		empty();
		crash(prints_and_flushes, NULL, seed);
		fd = open("f", O_RDONLY);
		assert_int_equal(read(fd, start, 2), 2);
		assert_true(!strcmp(start, "ba") || !strcmp(start, "bc"));
		close(fd);
	}
}

static void maps(void *with)
{
	char *at;
	int fd;

	(void)with;
	base("aa");
	fd = open("f", O_RDWR);
	at = mmap(NULL, SECTOR_BYTES * 2, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	need(at != MAP_FAILED);
	memset(at, 'b', SECTOR_BYTES * 2);
}

static void mapped_memory_is_lost_without_a_flush(void **state)
{
	(void)state;
	EXPECT(maps, "f", "aa", "ab", "ba", "bb");
}

static void maps_and_flushes(void *with)
{
	int fd = 0;

	maps(with);
	flush_path("f");
	need(fd == 0);
}

static void mapped_memory_stays_with_a_flush(void **state)
{
	(void)state;
	EXPECT(maps_and_flushes, "f", "bb");
}

/* --- Several processes --- */

static void writes_by_a_child(void *with)
{
	pid_t pid;

	(void)with;
	base("aa");
	pid = fork();
	if (pid == 0) {
		put("f", 0, "b");
		put("g", O_CREAT, "c");
		_exit(0);
	}
	need(waitpid(pid, NULL, 0) == pid);
	flush_path("f");
}

static void a_flush_covers_what_a_child_wrote(void **state)
{
	(void)state;
	EXPECT(writes_by_a_child, "f", "ba");
	EXPECT(writes_by_a_child, "g", "-", "", "0", "c");
}

/* --- Seeds --- */

static void the_same_seed_leaves_the_same(void **state)
{
	char one[64];

	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		empty();
		crash(overwrites, NULL, seed);
		snprintf(one, sizeof(one), "%s", letters_of("f"));
		empty();
		crash(overwrites, NULL, seed);
		assert_string_equal(letters_of("f"), one);
	}
}

/* --- The journal's size --- */

static void writes_much(void *with)
{
	struct stat st;
	char path[PATH_MAX];

	(void)with;
	base("a");
	for (int i = 0; i < 20000; i++) {
		put("f", 0, "bbbbbbbb");
		flush_path("f");
	}
	snprintf(path, sizeof(path), "%s/j/" JOURNAL_NAME, top);
	need(!stat(path, &st));
	need(st.st_blocks * 512 < 8 << 20);         /* a large page or two, and not a record of each */
}

static void a_journal_of_flushed_writes_does_not_grow(void **state)
{
	(void)state;
	empty();
	crash(writes_much, NULL, 1);
	assert_string_equal(letters_of("f"), "bbbbbbbb");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_sector_is_lost_or_kept_and_all_combinations_occur),
		cmocka_unit_test(what_was_flushed_stays),
		cmocka_unit_test(a_flush_is_of_its_own_file),
		cmocka_unit_test(any_version_since_the_flush_may_be_left),
		cmocka_unit_test(a_file_is_as_long_as_it_ever_was_and_lost_sectors_are_zeros),
		cmocka_unit_test(a_truncated_file_may_be_as_it_was),
		cmocka_unit_test(a_cut_and_what_was_appended_since_are_undone_apart),
		cmocka_unit_test(a_write_of_a_synchronous_file_is_flushed),
		cmocka_unit_test(less_than_a_sector_is_as_whole),
		cmocka_unit_test(what_stdio_wrote_is_lost_without_a_flush),
		cmocka_unit_test(what_stdio_wrote_after_a_flush_is_lost_alone),
		cmocka_unit_test(mapped_memory_is_lost_without_a_flush),
		cmocka_unit_test(mapped_memory_stays_with_a_flush),
		cmocka_unit_test(a_flush_covers_what_a_child_wrote),
		cmocka_unit_test(the_same_seed_leaves_the_same),
		cmocka_unit_test(a_journal_of_flushed_writes_does_not_grow),
	};

	return cmocka_run_group_tests(tests, enter, leave);
}
