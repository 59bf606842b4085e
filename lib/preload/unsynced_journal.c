/*
 * unsynced: the journal's writer.
 */
#include "lib/preload/unsynced_inside.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

struct journal_head *journal;
const char *journal_directory;

/* --- Appending --- */

bool journal_lock(void)
{
	if (!journal)
		return false;
	if (pthread_mutex_lock(&journal->lock) == EOWNERDEAD)
		pthread_mutex_consistent(&journal->lock);
	return true;
}

void journal_unlock(void)
{
	pthread_mutex_unlock(&journal->lock);
}

__attribute__((noreturn))
static void give_up(const char *why)
{
	fprintf(stderr, "netfault: unsynced: %s\n", why);
	abort();
}

struct record *journal_append(enum record_kind kind, size_t n)
{
	struct record *r = (struct record *)((char *)(journal + 1) + journal->tail);
	size_t bytes = (sizeof(*r) + n + 7) / 8 * 8;

	if ((int64_t)(journal->tail + bytes + sizeof(*journal)) > JOURNAL_BYTES_MAX)
		give_up("more than 16 GiB are not flushed");
	memset(r, 0, sizeof(*r));
	r->kind = kind;
	r->bytes = (uint32_t)bytes;
	return r;
}

void journal_commit(const struct record *r)
{
	__atomic_store_n(&journal->tail, journal->tail + r->bytes, __ATOMIC_RELEASE);
}

/* --- What is not flushed --- */

static struct journal_seen *find_file(dev_t dev, ino_t ino)
{
	for (size_t i = journal->files; i-- > 0;)
		if (journal->file[i].ino == ino && journal->file[i].dev == dev)
			return &journal->file[i];
	return NULL;
}

/* NULL: there are too many. */
static struct journal_seen *file_of(const struct stat *st)
{
	struct journal_seen *f = find_file(st->st_dev, st->st_ino);

	if (f)
		return f;
	for (size_t i = 0; i < journal->files && !f; i++)
		if (!journal->file[i].records && !journal->file[i].blind)
			f = &journal->file[i];
	if (!f && journal->files < FILES_MAX)
		f = &journal->file[journal->files++];
	if (!f) {
		journal->lost_count = true;
		return NULL;
	}
	f->dev = st->st_dev;
	f->ino = st->st_ino;
	f->noted = false;
	return f;
}

static void count(struct journal_seen *f)
{
	f->records++;
	journal->live++;
}

static void note_path(struct journal_seen *f, int fd)
{
	char link[64], path[PATH_MAX];
	struct record *r;
	ssize_t len;

	if (f->noted)
		return;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, path, sizeof(path) - 1);
	if (len < 0)
		return;
	path[len] = '\0';
	r = journal_append(RECORD_PATH, (size_t)len + 1);
	r->dev = f->dev;
	r->ino = f->ino;
	memcpy(r + 1, path, (size_t)len + 1);
	journal_commit(r);
	f->noted = true;
}

/* Reads whatever way the descriptor was opened. */
static ssize_t read_old(int fd, void *at, size_t n, off_t from)
{
	ssize_t got = syscall(SYS_pread64, fd, at, n, from);
	char path[64];

	if (got >= 0 || errno != EBADF)
		return got;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	got = syscall(SYS_pread64, fd, at, n, from);
	syscall(SYS_close, fd);
	return got;
}

/* What the sectors from..to (multiples of a sector) hold. */
static void put_data(struct journal_seen *f, int fd, off_t size, off_t from, off_t to)
{
	while (from < to) {
		off_t span = to - from < DATA_BYTES_MAX || from >= size ? to - from : DATA_BYTES_MAX;
		off_t have = from >= size ? 0 : size - from < span ? size - from : span;
		struct record *r = journal_append(RECORD_DATA, (size_t)have);
		ssize_t got = have ? read_old(fd, r + 1, (size_t)have, from) : 0;

		if (got < 0)
			return;         /* it stays as it is written */
		r->dev = f->dev;
		r->ino = f->ino;
		r->at = (uint64_t)from;
		r->span = (uint64_t)span;
		r->have = (uint64_t)got;
		journal_commit(r);
		count(f);
		from += span;
	}
}

static void put_size(struct journal_seen *f, off_t size)
{
	struct record *r = journal_append(RECORD_SIZE, 0);

	r->dev = f->dev;
	r->ino = f->ino;
	r->at = (uint64_t)size;
	journal_commit(r);
	count(f);
}

static off_t sector_down(off_t at)
{
	return at / SECTOR_BYTES * SECTOR_BYTES;
}

static off_t sector_up(off_t at)
{
	return sector_down(at + SECTOR_BYTES - 1);
}

bool journal_file(int fd, struct stat *st)
{
	return journal && !fstat(fd, st) && S_ISREG(st->st_mode) && st->st_nlink > 0;
}

void journal_write(int fd, const struct stat *st, off_t at, size_t n)
{
	struct journal_seen *f;

	if (!n || !journal_lock())
		return;
	f = file_of(st);
	if (f) {
		note_path(f, fd);
		put_data(f, fd, st->st_size, sector_down(at), sector_up(at + (off_t)n));
		if (at + (off_t)n > st->st_size)
			put_size(f, st->st_size);
	}
	journal_unlock();
}

void journal_cut(int fd, const struct stat *st, off_t size)
{
	struct journal_seen *f;

	if (size == st->st_size || !journal_lock())
		return;
	f = file_of(st);
	if (f) {
		note_path(f, fd);
		if (size < st->st_size)
			put_data(f, fd, st->st_size, sector_down(size), sector_up(st->st_size));
		put_size(f, st->st_size);
	}
	journal_unlock();
}

/* --- Files written to unseen: as they are now --- */

static void put_image(struct journal_seen *f, int fd, const struct stat *st)
{
	note_path(f, fd);
	put_data(f, fd, st->st_size, 0, sector_up(st->st_size));
	put_size(f, st->st_size);
}

void journal_blind(int fd)
{
	struct journal_seen *f;
	struct stat st;
	char link[64];
	ssize_t len;

	if (!journal_file(fd, &st) || st.st_size > BLIND_BYTES_MAX || !journal_lock())
		return;
	f = file_of(&st);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = f && !f->blind ? readlink(link, f->path, sizeof(f->path) - 1) : -1;
	if (len > 0) {
		f->path[len] = '\0';
		f->blind = true;
		put_image(f, fd, &st);
	}
	journal_unlock();
}

/* What is written to it from now on is not flushed. */
static void see_again(struct journal_seen *f)
{
	int fd = (int)syscall(SYS_openat, AT_FDCWD, f->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct stat st;

	if (fd >= 0 && !fstat(fd, &st) && st.st_ino == f->ino && st.st_dev == f->dev && st.st_size <= BLIND_BYTES_MAX) {
		put_image(f, fd, &st);
	} else {
		f->blind = false;
	}
	if (fd >= 0)
		syscall(SYS_close, fd);
}

/* --- Flushes --- */

void journal_forget(dev_t dev, ino_t ino)
{
	struct record *r = journal_append(RECORD_FLUSHED, 0);
	struct journal_seen *f = find_file(dev, ino);

	r->dev = dev;
	r->ino = ino;
	journal_commit(r);
	if (f) {
		journal->live -= f->records;
		f->records = 0;
	}
}

/* Nothing is left that a crash could undo, but for files written to unseen. */
static void begin_anew(void)
{
	size_t blind = 0;

	for (size_t i = 0; i < journal->files; i++)
		blind += journal->file[i].blind ? journal->file[i].records : 0;
	if (journal->live > blind || journal->names || journal->lost_count)
		return;
	if (blind && journal->tail < BLIND_BYTES_MAX)
		return;
	journal->tail = 0;
	journal->live = 0;
	for (size_t i = 0; i < journal->files; i++) {
		struct journal_seen *f = &journal->file[i];

		f->records = 0;
		f->noted = false;
		if (f->blind)
			see_again(f);
	}
}

void journal_flush(int fd, const struct stat *st)
{
	struct journal_seen *f;

	(void)fd;
	if (!journal_lock())
		return;
	f = find_file(st->st_dev, st->st_ino);
	journal_forget(st->st_dev, st->st_ino);
	if (S_ISDIR(st->st_mode))
		journal_flush_names(st->st_dev, st->st_ino);
	if (f && f->blind)
		see_again(f);
	begin_anew();
	journal_unlock();
}

void journal_flush_all(void)
{
	struct record *r;

	if (!journal_lock())
		return;
	r = journal_append(RECORD_ALL, 0);
	journal_commit(r);
	journal_forget_names();
	journal->live = 0;
	for (size_t i = 0; i < journal->files; i++) {
		journal->file[i].records = 0;
		if (journal->file[i].blind)
			see_again(&journal->file[i]);
	}
	begin_anew();
	journal_unlock();
}

/* --- Start --- */

static void init_lock(pthread_mutex_t *m)
{
	pthread_mutexattr_t a;

	pthread_mutexattr_init(&a);
	pthread_mutexattr_setpshared(&a, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(m, &a);
	pthread_mutexattr_destroy(&a);
}

__attribute__((constructor))
static void load(void)
{
	const char *where = getenv(UNSYNCED_ENV);
	char path[PATH_MAX];
	void *at;
	int fd;

	if (!where)
		return;
	snprintf(path, sizeof(path), "%s/" JOURNAL_NAME, where);
	fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || syscall(SYS_ftruncate, fd, JOURNAL_BYTES_MAX))
		give_up("cannot make the journal");
	at = mmap(NULL, (size_t)JOURNAL_BYTES_MAX, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);
	syscall(SYS_close, fd);
	if (at == MAP_FAILED)
		give_up("cannot map the journal");
	journal_directory = strdup(where);
	journal = at;
	/* The first process is alone: it starts the others. */
	if (!journal->ready)
		init_lock(&journal->lock);
	journal->ready = true;
	for (fd = 1; fd <= 2; fd++)
		journal_blind(fd);
}
