/*
 * fault: a process meets a disk that fails, at a call of one's choice.
 *
 * Preloaded (LD_PRELOAD=fault.so), or compiled into a test, it counts the system calls that durability hangs on:
 * open with O_CREAT, write, fsync and fdatasync, sync_file_range, rename, ftruncate, fallocate, unlink, mkdir, on
 * regular files and directories that have a name.  Descriptors 0 to 2, pipes, sockets and what stdio
 * does within the C library are not counted.  FAULTLINE_FAULT says what is to happen; it, and LD_PRELOAD, are
 * taken from the environment, so that children are left alone.
 *
 *     kill:N          SIGKILL before the N-th call
 *     kill-after:N    SIGKILL after it
 *     short:N         half of the N-th write, then SIGKILL
 *     power:N:SEED    before the N-th call the power fails: of the sectors written since the last flush of their
 *                     file about half, drawn from SEED, hold what they held before; then SIGKILL
 *     enospc:N        from the N-th write on the disk is full
 *     eio:N           the N-th fsync or fdatasync fails with EIO, later ones succeed
 *     count:FILE      FILE gets `CALLS WRITES FLUSHES`, kept up to date
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum fault_kind {
	FAULT_NONE, FAULT_KILL, FAULT_KILL_AFTER, FAULT_SHORT, FAULT_POWER, FAULT_ENOSPC, FAULT_EIO, FAULT_COUNT
};
enum fault_call { CALL_NAME, CALL_MAKE, CALL_WRITE, CALL_FLUSH, CALL_KINDS };   /* MAKE: may need room, as WRITE */
enum { SECTOR_BYTES = 512, SECTORS_MAX = 1 << 17, FILES_MAX = 64 };

/* What a sector held before it was written. */
struct sector { int file; off_t at; char old[SECTOR_BYTES]; };
struct file { dev_t dev; ino_t ino; int fd; };

static struct {
	enum fault_kind kind;
	unsigned long n;
	uint64_t seed;
	int count_fd;
	unsigned long calls, of[CALL_KINDS];
	struct sector *sector;          /* not flushed; power faults alone keep them */
	size_t sectors;
	struct file file[FILES_MAX];
	int files;
	pthread_mutex_t lock;
} fault = { .lock = PTHREAD_MUTEX_INITIALIZER };

void fault_plan(const char *);
void fault_counts(unsigned long *calls, unsigned long *writes, unsigned long *flushes);

/* --- The plan --- */

/* Counting begins anew; NULL: no fault. */
void fault_plan(const char *plan)
{
	static const struct { const char *name; enum fault_kind kind; } kinds[] = {
		{ "kill:", FAULT_KILL }, { "kill-after:", FAULT_KILL_AFTER }, { "short:", FAULT_SHORT },
		{ "power:", FAULT_POWER }, { "enospc:", FAULT_ENOSPC }, { "eio:", FAULT_EIO },
		{ "count:", FAULT_COUNT },
	};

	fault.kind = FAULT_NONE;
	fault.calls = 0;
	memset(fault.of, 0, sizeof(fault.of));
	fault.sectors = 0;
	for (size_t i = 0; plan && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		size_t len = strlen(kinds[i].name);
		char *end;

		if (strncmp(plan, kinds[i].name, len) != 0)
			continue;
		fault.kind = kinds[i].kind;
		fault.n = strtoul(plan + len, &end, 10);
		fault.seed = *end == ':' ? strtoull(end + 1, NULL, 10) : 0;
		if (fault.kind == FAULT_COUNT)
			fault.count_fd = (int)syscall(SYS_openat, AT_FDCWD, plan + len,
						      O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
		if (fault.kind == FAULT_POWER && !fault.sector)
			fault.sector = malloc(SECTORS_MAX * sizeof(*fault.sector));
	}
	if (plan && fault.kind == FAULT_NONE) {
		fprintf(stderr, "fault: '%s' is no plan\n", plan);
		abort();
	}
}

void fault_counts(unsigned long *calls, unsigned long *writes, unsigned long *flushes)
{
	*calls = fault.calls;
	*writes = fault.of[CALL_WRITE];
	*flushes = fault.of[CALL_FLUSH];
}

__attribute__((constructor))
static void fault_load(void)
{
	const char *plan = getenv("FAULTLINE_FAULT");

	if (!plan)
		return;
	fault_plan(plan);
	unsetenv("FAULTLINE_FAULT");
	unsetenv("LD_PRELOAD");
}

/* Has it a name, so that a restart would find it? */
static bool is_durable(int fd)
{
	struct stat st;

	return fd > STDERR_FILENO && !fstat(fd, &st) && st.st_nlink > 0 &&
		(S_ISREG(st.st_mode) || S_ISDIR(st.st_mode));
}

__attribute__((noreturn))
static void die(void)
{
	syscall(SYS_kill, getpid(), SIGKILL);
	for (;;)
		pause();
}

/* --- Power --- */

static uint64_t draw(void)
{
	/* splitmix64 */
	uint64_t x = fault.seed += UINT64_C(0x9e3779b97f4a7c15);

	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

__attribute__((noreturn))
static void power_fails(void)
{
	for (int i = 0; i < 3; i++)
		draw();
	for (size_t i = fault.sectors; i-- > 0;) {
		const struct sector *s = &fault.sector[i];

		if (draw() & 1)
			syscall(SYS_pwrite64, fault.file[s->file].fd, s->old, (size_t)SECTOR_BYTES, s->at);
	}
	die();
}

/* The file's place in the table, under a descriptor of its own. */
static int remember_file(int fd)
{
	struct stat st;
	char path[32];

	assert(!fstat(fd, &st));
	for (int i = 0; i < fault.files; i++)
		if (fault.file[i].dev == st.st_dev && fault.file[i].ino == st.st_ino)
			return i;
	assert(fault.files < FILES_MAX);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC);
	assert(fd >= 0);
	fault.file[fault.files] = (struct file){ st.st_dev, st.st_ino, fd };
	return fault.files++;
}

/* Bytes beyond the file's end were zeros. */
static void remember_sectors(int fd, off_t at, size_t n)
{
	int file = remember_file(fd);

	for (off_t p = at / SECTOR_BYTES * SECTOR_BYTES; p < at + (off_t)n; p += SECTOR_BYTES) {
		struct sector *s = &fault.sector[fault.sectors++];

		assert(fault.sectors < SECTORS_MAX);
		*s = (struct sector){ .file = file, .at = p };
		syscall(SYS_pread64, fault.file[file].fd, s->old, (size_t)SECTOR_BYTES, p);
	}
}

static void forget_sectors(int fd)
{
	int file = remember_file(fd);
	size_t kept = 0;

	for (size_t i = 0; i < fault.sectors; i++)
		if (fault.sector[i].file != file)
			fault.sector[kept++] = fault.sector[i];
	fault.sectors = kept;
}

/* --- Every call --- */

/* Counts the call; true if it has to fail, with errno. */
static bool begin(enum fault_call call, unsigned long *number)
{
	unsigned long calls, of;
	char text[64];
	bool fail = false;

	pthread_mutex_lock(&fault.lock);
	calls = *number = ++fault.calls;
	of = ++fault.of[call];
	if (fault.kind == FAULT_COUNT) {
		int len = snprintf(text, sizeof(text), "%lu %lu %lu\n", calls, fault.of[CALL_WRITE],
				   fault.of[CALL_FLUSH]);

		syscall(SYS_pwrite64, fault.count_fd, text, (size_t)len, (off_t)0);
	}
	if (fault.kind == FAULT_KILL && calls == fault.n)
		die();
	if (fault.kind == FAULT_POWER && calls == fault.n)
		power_fails();
	if (fault.kind == FAULT_ENOSPC)
		fail = (call == CALL_WRITE || call == CALL_MAKE) && fault.of[CALL_WRITE] >= fault.n;
	if (fault.kind == FAULT_EIO)
		fail = call == CALL_FLUSH && of == fault.n;
	if (fail)
		errno = fault.kind == FAULT_EIO ? EIO : ENOSPC;
	pthread_mutex_unlock(&fault.lock);
	return fail;
}

static long end(unsigned long number, long result)
{
	if (fault.kind == FAULT_KILL_AFTER && number == fault.n)
		die();
	return result;
}

/* --- Writes; at < 0: where the descriptor stands --- */

static ssize_t raw_write(int fd, const struct iovec *io, int n, off_t at)
{
	return at < 0 ? syscall(SYS_writev, fd, io, n) : syscall(SYS_pwritev, fd, io, n, at, 0L);
}

static ssize_t counted_write(int fd, const struct iovec *io, int n, off_t at)
{
	unsigned long number;
	size_t len = 0;

	if (!is_durable(fd))
		return raw_write(fd, io, n, at);
	if (begin(CALL_WRITE, &number))
		return -1;
	for (int i = 0; i < n; i++)
		len += io[i].iov_len;
	if (fault.kind == FAULT_SHORT && fault.of[CALL_WRITE] == fault.n) {
		struct iovec half = { io[0].iov_base, io[0].iov_len / 2 };

		if (n > 1)
			raw_write(fd, io, n / 2, at);
		else
			raw_write(fd, &half, 1, at);
		die();
	}
	if (fault.kind == FAULT_POWER) {
		pthread_mutex_lock(&fault.lock);
		remember_sectors(fd, at < 0 ? lseek(fd, 0, SEEK_CUR) : at, len);
		pthread_mutex_unlock(&fault.lock);
	}
	return end(number, raw_write(fd, io, n, at));
}

ssize_t write(int fd, const void *p, size_t n)
{
	union { const void *in; void *out; } at = { p };
	struct iovec io = { at.out, n };

	return counted_write(fd, &io, 1, -1);
}

ssize_t pwrite(int fd, const void *p, size_t n, off_t offset)
{
	union { const void *in; void *out; } at = { p };
	struct iovec io = { at.out, n };

	return counted_write(fd, &io, 1, offset);
}

ssize_t pwrite64(int fd, const void *p, size_t n, off64_t offset)
{
	return pwrite(fd, p, n, offset);
}

ssize_t writev(int fd, const struct iovec *io, int n)
{
	return counted_write(fd, io, n, -1);
}

ssize_t pwritev(int fd, const struct iovec *io, int n, off_t offset)
{
	return counted_write(fd, io, n, offset);
}

ssize_t pwritev64(int fd, const struct iovec *io, int n, off64_t offset)
{
	return counted_write(fd, io, n, offset);
}

/* --- Flushes --- */

static int counted_flush(int fd, long call)
{
	unsigned long number;
	long rc;

	if (!is_durable(fd))
		return (int)syscall(call, fd);
	if (begin(CALL_FLUSH, &number))
		return -1;
	rc = syscall(call, fd);
	if (fault.kind == FAULT_POWER && !rc) {
		struct stat st;

		pthread_mutex_lock(&fault.lock);
		if (!fstat(fd, &st) && S_ISREG(st.st_mode))
			forget_sectors(fd);
		pthread_mutex_unlock(&fault.lock);
	}
	return (int)end(number, rc);
}

int fsync(int fd)
{
	return counted_flush(fd, SYS_fsync);
}

int fdatasync(int fd)
{
	return counted_flush(fd, SYS_fdatasync);
}

/* --- What is left --- */

static long counted(enum fault_call call, bool durable, long system_call, long a, long b, long c, long d)
{
	unsigned long number = 0;

	if (durable && begin(call, &number))
		return -1;
	return end(number, syscall(system_call, a, b, c, d));
}

static int open_mode(int dir, const char *path, int flags, mode_t mode)
{
	return (int)counted(CALL_MAKE, flags & O_CREAT, SYS_openat, dir, (long)path, flags, mode);
}

#define MODE(flags, mode) do { \
		va_list args_; \
		va_start(args_, flags); \
		(mode) = (flags) & O_CREAT || ((flags) & O_TMPFILE) == O_TMPFILE ? va_arg(args_, mode_t) : 0; \
		va_end(args_); \
	} while (0)

int open(const char *path, int flags, ...)
{
	mode_t mode;

	MODE(flags, mode);
	return open_mode(AT_FDCWD, path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
	mode_t mode;

	MODE(flags, mode);
	return open_mode(AT_FDCWD, path, flags, mode);
}

int openat(int dir, const char *path, int flags, ...)
{
	mode_t mode;

	MODE(flags, mode);
	return open_mode(dir, path, flags, mode);
}

int openat64(int dir, const char *path, int flags, ...)
{
	mode_t mode;

	MODE(flags, mode);
	return open_mode(dir, path, flags, mode);
}

/* It promises nothing: no flush. */
int sync_file_range(int fd, off64_t offset, off64_t n, unsigned int flags)
{
	return (int)counted(CALL_NAME, is_durable(fd), SYS_sync_file_range, fd, offset, n, (long)flags);
}

int renameat(int from_dir, const char *from, int to_dir, const char *to)
{
	return (int)counted(CALL_NAME, true, SYS_renameat, from_dir, (long)from, to_dir, (long)to);
}

int rename(const char *from, const char *to)
{
	return renameat(AT_FDCWD, from, AT_FDCWD, to);
}

int unlinkat(int dir, const char *path, int flags)
{
	return (int)counted(CALL_NAME, true, SYS_unlinkat, dir, (long)path, flags, 0);
}

int unlink(const char *path)
{
	return unlinkat(AT_FDCWD, path, 0);
}

int mkdirat(int dir, const char *path, mode_t mode)
{
	return (int)counted(CALL_MAKE, true, SYS_mkdirat, dir, (long)path, mode, 0);
}

int mkdir(const char *path, mode_t mode)
{
	return mkdirat(AT_FDCWD, path, mode);
}

int ftruncate(int fd, off_t size)
{
	return (int)counted(CALL_NAME, is_durable(fd), SYS_ftruncate, fd, size, 0, 0);
}

int ftruncate64(int fd, off64_t size)
{
	return ftruncate(fd, size);
}

int fallocate(int fd, int mode, off_t offset, off_t len)
{
	return (int)counted(CALL_MAKE, is_durable(fd), SYS_fallocate, fd, mode, offset, len);
}

int fallocate64(int fd, int mode, off64_t offset, off64_t len)
{
	return fallocate(fd, mode, offset, len);
}
