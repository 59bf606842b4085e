/*
 * unsynced: the library's files are part of this test, so that a child's own calls are journalled; it is killed, and
 * what a crash leaves is looked at, for many seeds.
 */
#include "lib/preload/unsynced_journal.c"
#include "lib/preload/unsynced_entries.c"
#include "lib/preload/unsynced_names.c"
#include "lib/preload/unsynced.c"

#include <ftw.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/wait.h>

#include <cmocka.h>

enum { SEEDS = 200, FUZZ_FILES = 3, FUZZ_SECTORS = 6, FUZZ_STEPS = 25, FUZZ_RUNS = 150 };

static char *top;               /* the child works in top/d, the journal is in top/j */

static int remove_entry(const char *path, const struct stat *st, int flag, struct FTW *at)
{
	(void)st;
	(void)flag;
	return at->level ? remove(path) : 0;
}

static void empty(void)
{
	assert_int_equal(chdir(top), 0);
	assert_int_equal(nftw(top, remove_entry, 16, FTW_DEPTH | FTW_PHYS), 0);
	assert_int_equal(mkdir("d", 0777), 0);
	assert_int_equal(mkdir("j", 0777), 0);
	assert_int_equal(chdir("d"), 0);
}

__attribute__((noreturn))
static void child(void (*script)(void *), void *with)
{
	char where[PATH_MAX];
	int null = open("/dev/null", O_WRONLY);

	/* Files that are written to unseen, as our own output may be, are kept whole in the journal. */
	dup2(null, STDOUT_FILENO);
	dup2(null, STDERR_FILENO);
	snprintf(where, sizeof(where), "%s/j", top);
	setenv(UNSYNCED_ENV, where, 1);
	load();
	script(with);
	kill(getpid(), SIGKILL);
	for (;;)
		pause();
}

/* Leaves what is there after a crash in top/d, where we are; how much was undone. */
static uint64_t crash(void (*script)(void *), void *with, uint64_t seed)
{
	char where[PATH_MAX];
	uint64_t undone;
	pid_t pid;
	int status;

	snprintf(where, sizeof(where), "%s/j", top);
	pid = fork();
	if (pid == 0)
		child(script, with);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	assert_int_equal(unsynced_crash(where, seed, &undone), 0);
	snprintf(where, sizeof(where), "%s/j/" JOURNAL_NAME, top);
	assert_int_equal(access(where, F_OK), -1);
	return undone;
}

static void need(bool right)
{
	if (!right)
		abort();        /* the child is not killed then, and the test sees it */
}

static void put(const char *path, int flags, const char *letters)
{
	int fd = open(path, O_WRONLY | flags, 0666);
	char sector[SECTOR_BYTES];

	need(fd >= 0);
	for (; *letters; letters++) {
		memset(sector, *letters, sizeof(sector));
		need(write(fd, sector, sizeof(sector)) == sizeof(sector));
	}
	need(!close(fd));
}

static void flush_path(const char *path)
{
	int fd = open(path, O_RDONLY);

	need(fd >= 0 && !fsync(fd) && !close(fd));
}

/* A letter a sector, '0' for zeros, '?' for one that is not of one letter; "-" where there is no file. */
static const char *letters_of(const char *path)
{
	static char letters[64];
	char sector[SECTOR_BYTES];
	size_t n = 0;
	int fd = open(path, O_RDONLY);
	ssize_t got;

	if (fd < 0)
		return "-";
	while ((got = read(fd, sector, sizeof(sector))) > 0 && n < sizeof(letters) - 1) {
		bool same = true;

		for (ssize_t i = 1; i < got; i++)
			same = same && sector[i] == sector[0];
		letters[n++] = !same ? '?' : sector[0] ? sector[0] : '0';
	}
	letters[n] = '\0';
	close(fd);
	return letters;
}

/* Counts which of `expected` is there after each seed's crash; anything else fails. */
static void tally(void (*script)(void *), const char *path, const char *const *expected, size_t n, unsigned *seen)
{
	memset(seen, 0, n * sizeof(*seen));
	for (uint64_t seed = 1; seed <= (n < 8 ? 10 + 15 * n : SEEDS); seed++) {
		const char *found;
		size_t i = 0;

		empty();
		crash(script, NULL, seed);
		found = letters_of(path);
		while (i < n && strcmp(found, expected[i]) != 0)
			i++;
		if (i == n)
			fail_msg("seed %ju: '%s' is '%s'", (uintmax_t)seed, path, found);
		seen[i]++;
	}
}

#define EXPECT(script, path, ...) do { \
		static const char *const expected_[] = { __VA_ARGS__ }; \
		unsigned seen_[sizeof(expected_) / sizeof(*expected_)]; \
		tally((script), (path), expected_, sizeof(expected_) / sizeof(*expected_), seen_); \
		for (size_t i_ = 0; i_ < sizeof(expected_) / sizeof(*expected_); i_++) \
			if (!seen_[i_]) \
				fail_msg("never '%s'", expected_[i_]); \
	} while (0)

/* --- Data --- */

static void base(const char *letters)
{
	put("f", O_CREAT, letters);
	flush_path("f");
	flush_path(".");
}

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

/* --- Names --- */

static void makes_anew(void *with)
{
	(void)with;
	put("f", O_CREAT | O_EXCL, "a");
	flush_path("f");
}

static void a_new_file_is_lost_whose_directory_was_not_flushed(void **state)
{
	(void)state;
	EXPECT(makes_anew, "f", "a", "-");
}

static void replaces(void *with)
{
	(void)with;
	base("old");
	put("t", O_CREAT, "new");
	flush_path("t");
	need(!rename("t", "f"));
}

static void a_rename_is_undone_and_the_file_replaced_is_back(void **state)
{
	(void)state;
	EXPECT(replaces, "f", "old", "new");
}

static void replaces_for_good(void *with)
{
	replaces(with);
	flush_path(".");
}

static void a_rename_stays_whose_directory_was_flushed(void **state)
{
	(void)state;
	EXPECT(replaces_for_good, "f", "new");
}

static void replaces_carelessly(void *with)
{
	(void)with;
	base("a");
	put("t", O_CREAT, "b");
	need(!rename("t", "f"));
	flush_path(".");
}

/* The classic. */
static void a_rename_may_be_kept_while_the_data_is_lost(void **state)
{
	(void)state;
	EXPECT(replaces_carelessly, "f", "", "0", "b");
}

static void replaces_twice(void *with)
{
	(void)with;
	replaces(with);
	put("u", O_CREAT, "two");
	flush_path("u");
	need(!rename("u", "f"));
}

static void an_earlier_rename_is_lost_while_a_later_one_is_kept(void **state)
{
	unsigned found = 0;

	(void)state;
	EXPECT(replaces_twice, "f", "old", "new", "two");
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		empty();
		crash(replaces_twice, NULL, seed);
		found += !strcmp(letters_of("f"), "two") && !strcmp(letters_of("t"), "new");
	}
	assert_true(found > 0);
}

static void removes(void *with)
{
	(void)with;
	base("abc");
	put("f", O_APPEND, "d");
	need(!unlink("f"));
	put("g", O_CREAT, "ggggg");
}

static void a_removed_file_is_back(void **state)
{
	(void)state;
	EXPECT(removes, "f", "-", "abc", "abcd", "abc0");
}

static void removes_for_good(void *with)
{
	removes(with);
	flush_path(".");
	put("h", O_CREAT, "hhhhh");
	flush_path("h");
	flush_path(".");
}

/* Its number in the file system is another file's then. */
static void what_was_removed_for_good_harms_no_new_file(void **state)
{
	(void)state;
	EXPECT(removes_for_good, "f", "-");
	EXPECT(removes_for_good, "h", "hhhhh");
}

static void makes_a_directory(void *with)
{
	(void)with;
	need(!mkdir("s", 0777));
	put("s/f", O_CREAT, "a");
	flush_path("s/f");
	flush_path("s");
}

static void a_new_directory_goes_with_all_in_it(void **state)
{
	(void)state;
	EXPECT(makes_a_directory, "s/f", "a", "-");
}

static void syncs(void *with)
{
	makes_a_directory(with);
	put("f", O_CREAT, "b");
	need(!rename("f", "g"));
	sync();
}

static void sync_keeps_everything(void **state)
{
	(void)state;
	EXPECT(syncs, "g", "b");
	EXPECT(syncs, "s/f", "a");
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

/* --- At random --- */

static uint64_t state_;

static unsigned below(unsigned n)
{
	state_ = state_ * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (unsigned)(state_ >> 33) % n;
}

/* What a file may be: the versions since its last flush. */
struct model { char version[FUZZ_STEPS + 1][FUZZ_SECTORS + 1]; unsigned versions; };
static struct model *model;     /* shared with the child */

static void name_of(unsigned f, char name[8])
{
	snprintf(name, 8, "f%u", f);
}

static void step(unsigned f, char letter)
{
	struct model *m = &model[f];
	char name[8], *now = m->version[m->versions - 1], next[FUZZ_SECTORS + 1] = "";
	char sectors[FUZZ_SECTORS * SECTOR_BYTES];
	unsigned at = below(FUZZ_SECTORS), n = 1 + below(FUZZ_SECTORS - at);
	size_t len = strlen(now);
	int fd;

	name_of(f, name);
	fd = open(name, below(2) ? O_WRONLY : O_RDWR);
	need(fd >= 0);
	strcpy(next, now);
	if (below(6) == 0) {
		need(!ftruncate(fd, at * SECTOR_BYTES));
		for (size_t i = len; i < at; i++)
			next[i] = '0';
		next[at] = '\0';
	} else {
		for (size_t i = len; i < at; i++)
			next[i] = '0';
		memset(sectors, letter, sizeof(sectors));
		memset(next + at, letter, n);
		need(pwrite(fd, sectors, n * SECTOR_BYTES, at * SECTOR_BYTES) == n * SECTOR_BYTES);
		if (len < at + n)
			next[at + n] = '\0';
	}
	strcpy(m->version[m->versions++], next);
	if (below(5) == 0) {
		need(!fdatasync(fd));
		strcpy(m->version[0], next);
		m->versions = 1;
	}
	close(fd);
}

static void works(void *with)
{
	uint64_t *seed = with;

	state_ = *seed;
	for (unsigned f = 0; f < FUZZ_FILES; f++) {
		char name[8];

		name_of(f, name);
		put(name, O_CREAT, "");
		model[f].versions = 1;
		model[f].version[0][0] = '\0';
	}
	flush_path(".");
	for (unsigned i = 0; i < FUZZ_STEPS; i++)
		step(below(FUZZ_FILES), (char)('a' + i));
}

static void check(const struct model *m, const char *found, uint64_t seed)
{
	bool length = false;

	for (unsigned v = 0; v < m->versions; v++)
		length = length || strlen(m->version[v]) == strlen(found);
	if (!length)
		fail_msg("seed %ju: '%s' is of no length that it had", (uintmax_t)seed, found);
	for (size_t i = 0; found[i]; i++) {
		bool known = false;

		/* Where a version ends before the sector, it is zeros there. */
		for (unsigned v = 0; v < m->versions; v++)
			known = known || (i < strlen(m->version[v]) ? m->version[v][i] : '0') == found[i];
		if (!known)
			fail_msg("seed %ju: sector %zu of '%s' is of no version", (uintmax_t)seed, i, found);
	}
}

static void whatever_is_left_was_written_and_not_before_the_last_flush(void **state)
{
	unsigned changed = 0;

	(void)state;
	model = mmap(NULL, FUZZ_FILES * sizeof(*model), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(model != MAP_FAILED);
	for (uint64_t seed = 1; seed <= FUZZ_RUNS; seed++) {
		empty();
		changed += crash(works, &seed, seed) > 0;
		for (unsigned f = 0; f < FUZZ_FILES; f++) {
			char name[8];

			name_of(f, name);
			check(&model[f], letters_of(name), seed);
		}
	}
	munmap(model, FUZZ_FILES * sizeof(*model));
	assert_true(changed > FUZZ_RUNS / 2);
}

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

static int enter(void **state)
{
	char memory[] = "/dev/shm/unsynced.XXXXXX", disk[] = "/tmp/unsynced.XXXXXX";

	(void)state;
	if (mkdtemp(memory))
		top = strdup(memory);
	else if (mkdtemp(disk))
		top = strdup(disk);
	return !top;
}

static int leave(void **state)
{
	(void)state;
	empty();
	assert_int_equal(chdir("/"), 0);
	nftw(top, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	rmdir(top);
	free(top);
	return 0;
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
		cmocka_unit_test(a_new_file_is_lost_whose_directory_was_not_flushed),
		cmocka_unit_test(a_rename_is_undone_and_the_file_replaced_is_back),
		cmocka_unit_test(a_rename_stays_whose_directory_was_flushed),
		cmocka_unit_test(a_rename_may_be_kept_while_the_data_is_lost),
		cmocka_unit_test(an_earlier_rename_is_lost_while_a_later_one_is_kept),
		cmocka_unit_test(a_removed_file_is_back),
		cmocka_unit_test(what_was_removed_for_good_harms_no_new_file),
		cmocka_unit_test(a_new_directory_goes_with_all_in_it),
		cmocka_unit_test(sync_keeps_everything),
		cmocka_unit_test(a_flush_covers_what_a_child_wrote),
		cmocka_unit_test(whatever_is_left_was_written_and_not_before_the_last_flush),
		cmocka_unit_test(the_same_seed_leaves_the_same),
		cmocka_unit_test(a_journal_of_flushed_writes_does_not_grow),
	};

	return cmocka_run_group_tests(tests, enter, leave);
}
