/*
 * unsynced_rig: the library's files are part of the tests of it, so that a child's own calls are journalled; it is killed,
 * and what a crash leaves is looked at, for many seeds.
 */
#ifndef UNIT_UNSYNCED_RIG_H
#define UNIT_UNSYNCED_RIG_H

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

enum { SEEDS = 200 };

static char *top;               /* the child works in top/d, the journal is in top/j */

static inline int remove_entry(const char *path, const struct stat *st, int flag, struct FTW *at)
{
	(void)st;
	(void)flag;
	return at->level ? remove(path) : 0;
}

static inline void empty(void)
{
	assert_int_equal(chdir(top), 0);
	assert_int_equal(nftw(top, remove_entry, 16, FTW_DEPTH | FTW_PHYS), 0);
	assert_int_equal(mkdir("d", 0777), 0);
	assert_int_equal(mkdir("j", 0777), 0);
	assert_int_equal(chdir("d"), 0);
}

__attribute__((noreturn))
static inline void child(void (*script)(void *), void *with)
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
static inline uint64_t crash(void (*script)(void *), void *with, uint64_t seed)
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

static inline void need(bool right)
{
	if (!right)
		abort();        /* the child is not killed then, and the test sees it */
}

static inline void put(const char *path, int flags, const char *letters)
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

static inline void flush_path(const char *path)
{
	int fd = open(path, O_RDONLY);

	need(fd >= 0 && !fsync(fd) && !close(fd));
}

/* A letter a sector, '0' for zeros, '?' for one that is not of one letter; "-" where there is no file. */
static inline const char *letters_of(const char *path)
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
static inline void tally(void (*script)(void *), const char *path, const char *const *expected, size_t n, unsigned *seen)
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

static inline void base(const char *letters)
{
	put("f", O_CREAT, letters);
	flush_path("f");
	flush_path(".");
}

static inline int enter(void **state)
{
	char memory[] = "/dev/shm/unsynced.XXXXXX", disk[] = "/tmp/unsynced.XXXXXX";

	(void)state;
	if (mkdtemp(memory))
		top = strdup(memory);
	else if (mkdtemp(disk))
		top = strdup(disk);
	return !top;
}

static inline int leave(void **state)
{
	(void)state;
	empty();
	assert_int_equal(chdir("/"), 0);
	nftw(top, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	rmdir(top);
	free(top);
	return 0;
}

#endif
