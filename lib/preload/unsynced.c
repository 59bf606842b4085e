/*
 * unsynced: preloaded into a program, notes what it does to files in a journal (unsynced_inside.h): here writes,
 * lengths and flushes, in unsynced_names.c opens and names.
 *
 * A flush is noted and not made: only a crash of the process is to be survived, which the kernel's memory does anyway.
 *
 * The C library's own writes are not seen: those of stdio, and those to mapped memory.  A file that they may go to
 * is journalled whole when it is opened, and again after each flush.
 */
#include "lib/preload/unsynced_inside.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/* --- Writes; at < 0: where the descriptor stands --- */

static ssize_t finish(int fd, ssize_t rc)
{
	struct stat st;

	/* Each write of such a file is flushed. */
	if (rc > 0 && fcntl(fd, F_GETFL) & O_DSYNC && journal_file(fd, &st))
		journal_flush(fd, &st);
	return rc;
}

/* False: none that is journalled. */
static bool before_write(int fd, off_t at, size_t n)
{
	struct stat st;

	if (!journal_file(fd, &st))
		return false;
	if (fcntl(fd, F_GETFL) & O_APPEND)
		at = st.st_size;
	else if (at < 0)
		at = lseek(fd, 0, SEEK_CUR);
	journal_write(fd, &st, at, n);
	return true;
}

EXPORT ssize_t write(int fd, const void *p, size_t n)
{
	bool seen = before_write(fd, -1, n);
	ssize_t rc = syscall(SYS_write, fd, p, n);

	return seen ? finish(fd, rc) : rc;
}

EXPORT ssize_t pwrite64(int fd, const void *p, size_t n, off64_t at)
{
	bool seen = before_write(fd, at, n);
	ssize_t rc = syscall(SYS_pwrite64, fd, p, n, at);

	return seen ? finish(fd, rc) : rc;
}

EXPORT ssize_t pwrite(int fd, const void *p, size_t n, off_t at)
{
	return pwrite64(fd, p, n, at);
}

static size_t total(const struct iovec *io, int n)
{
	size_t sum = 0;

	for (int i = 0; i < n; i++)
		sum += io[i].iov_len;
	return sum;
}

EXPORT ssize_t writev(int fd, const struct iovec *io, int n)
{
	bool seen = before_write(fd, -1, total(io, n));
	ssize_t rc = syscall(SYS_writev, fd, io, n);

	return seen ? finish(fd, rc) : rc;
}

EXPORT ssize_t pwritev64(int fd, const struct iovec *io, int n, off64_t at)
{
	bool seen = before_write(fd, at, total(io, n));
	ssize_t rc = syscall(SYS_pwritev, fd, io, n, at, 0L);

	return seen ? finish(fd, rc) : rc;
}

EXPORT ssize_t pwritev(int fd, const struct iovec *io, int n, off_t at)
{
	return pwritev64(fd, io, n, at);
}

EXPORT ssize_t pwritev64v2(int fd, const struct iovec *io, int n, off64_t at, int flags)
{
	bool seen = before_write(fd, at, total(io, n));
	ssize_t rc = syscall(SYS_pwritev2, fd, io, n, at, 0L, flags);
	struct stat st;

	if (seen && rc > 0 && flags & (RWF_DSYNC | RWF_SYNC) && journal_file(fd, &st))
		journal_flush(fd, &st);
	return seen ? finish(fd, rc) : rc;
}

EXPORT ssize_t pwritev2(int fd, const struct iovec *io, int n, off_t at, int flags)
{
	return pwritev64v2(fd, io, n, at, flags);
}

EXPORT ssize_t copy_file_range(int in, off64_t *from, int out, off64_t *to, size_t n, unsigned int flags)
{
	if (n > DATA_BYTES_MAX)
		n = DATA_BYTES_MAX;
	before_write(out, to ? *to : -1, n);
	return syscall(SYS_copy_file_range, in, from, out, to, n, flags);
}

EXPORT ssize_t sendfile64(int out, int in, off64_t *from, size_t n)
{
	struct stat st;

	if (journal_file(out, &st) && n > DATA_BYTES_MAX)
		n = DATA_BYTES_MAX;
	before_write(out, -1, n);
	return syscall(SYS_sendfile, out, in, from, n);
}

EXPORT ssize_t sendfile(int out, int in, off_t *from, size_t n)
{
	return sendfile64(out, in, from, n);
}

/* --- Lengths --- */

EXPORT int ftruncate64(int fd, off64_t size)
{
	struct stat st;

	if (journal_file(fd, &st))
		journal_cut(fd, &st, size);
	return (int)syscall(SYS_ftruncate, fd, size);
}

EXPORT int ftruncate(int fd, off_t size)
{
	return ftruncate64(fd, size);
}

EXPORT int truncate64(const char *path, off64_t size)
{
	int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CLOEXEC | O_NONBLOCK), rc;

	if (fd < 0)
		return -1;
	rc = ftruncate64(fd, size);
	close(fd);
	return rc;
}

EXPORT int truncate(const char *path, off_t size)
{
	return truncate64(path, size);
}

EXPORT int fallocate64(int fd, int mode, off64_t at, off64_t len)
{
	struct stat st;

	if (journal_file(fd, &st) && len > 0) {
		/* Those that shift the file are for few; they are not undone. */
		if (mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE))
			journal_write(fd, &st, at, (size_t)len);
		else if (!(mode & ~FALLOC_FL_KEEP_SIZE) && !(mode & FALLOC_FL_KEEP_SIZE) && at + len > st.st_size)
			journal_cut(fd, &st, at + len);
	}
	return (int)syscall(SYS_fallocate, fd, mode, at, len);
}

EXPORT int fallocate(int fd, int mode, off_t at, off_t len)
{
	return fallocate64(fd, mode, at, len);
}

EXPORT int posix_fallocate64(int fd, off64_t at, off64_t len)
{
	static int (*next)(int, off64_t, off64_t);
	struct stat st;

	NEXT("posix_fallocate64");
	if (journal_file(fd, &st) && len > 0 && at + len > st.st_size)
		journal_cut(fd, &st, at + len);
	return next(fd, at, len);
}

EXPORT int posix_fallocate(int fd, off_t at, off_t len)
{
	return posix_fallocate64(fd, at, len);
}

/* --- Flushes --- */

static int flush(int fd, long call)
{
	struct stat st;

	if (fstat(fd, &st) || !(S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)))
		return (int)syscall(call, fd);
	journal_flush(fd, &st);
	return 0;
}

EXPORT int fsync(int fd)
{
	return flush(fd, SYS_fsync);
}

EXPORT int fdatasync(int fd)
{
	return flush(fd, SYS_fdatasync);
}

EXPORT void sync(void)
{
	journal_flush_all();
}

EXPORT int syncfs(int fd)
{
	struct stat st;

	if (fstat(fd, &st))
		return -1;
	journal_flush_all();
	return 0;
}

/* It promises nothing. */
EXPORT int sync_file_range(int fd, off64_t at, off64_t n, unsigned int flags)
{
	return (int)syscall(SYS_sync_file_range, fd, at, n, flags);
}

/* --- Written to unseen --- */

EXPORT void *mmap64(void *at, size_t n, int protection, int flags, int fd, off64_t from)
{
	if (fd >= 0 && flags & MAP_SHARED && protection & PROT_WRITE)
		journal_blind(fd);
	return (void *)syscall(SYS_mmap, at, n, protection, flags, fd, from);
}

EXPORT void *mmap(void *at, size_t n, int protection, int flags, int fd, off_t from)
{
	return mmap64(at, n, protection, flags, fd, from);
}

/* Which file the memory is of is not known: each of them is flushed, and others with it. */
EXPORT int msync(void *at, size_t n, int flags)
{
	int rc = (int)syscall(SYS_msync, at, n, flags);

	if (!rc && flags & MS_SYNC)
		journal_flush_all();
	return rc;
}

/* stdio's own of a process that comes next. */
static int copied(int fd)
{
	if (fd == STDOUT_FILENO || fd == STDERR_FILENO)
		journal_blind(fd);
	return fd;
}

EXPORT int dup2(int from, int to)
{
	static int (*next)(int, int);

	NEXT("dup2");
	return copied(next(from, to));
}

EXPORT int dup3(int from, int to, int flags)
{
	static int (*next)(int, int, int);

	NEXT("dup3");
	return copied(next(from, to, flags));
}

EXPORT FILE *fdopen(int fd, const char *mode)
{
	static FILE *(*next)(int, const char *);

	NEXT("fdopen");
	if (*mode != 'r' || strchr(mode, '+'))
		journal_blind(fd);
	return next(fd, mode);
}
