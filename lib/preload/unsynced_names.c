/*
 * unsynced: opens, and names in directories.
 *
 * Files opened to write are opened to read as well, where that is allowed, as what they held is to be known.
 */
#include "lib/preload/unsynced_inside.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* --- Opens --- */

/* What the open does to a file that is there; one that is not is `made`. */
struct opening { struct place place; bool watched, makes; };

static void before_open(struct opening *o, int dir, const char *path, int flags)
{
	int fd;

	o->makes = false;
	o->watched = flags & (O_CREAT | O_TRUNC | O_WRONLY | O_RDWR) && (flags & O_TMPFILE) != O_TMPFILE &&
		journal_place(&o->place, dir, path);
	if (!o->watched)
		return;
	o->makes = !o->place.there && flags & O_CREAT;
	if (!o->place.regular || !(flags & O_TRUNC) || (flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL) || !o->place.st.st_size)
		return;
	fd = (int)syscall(SYS_openat, dir, path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		journal_cut(fd, &o->place.st, 0);
		syscall(SYS_close, fd);
	}
}

static void after_open(const struct opening *o, bool opened)
{
	if (opened && o->makes)
		journal_made(&o->place);
}

/* Opened to read as well, where that is allowed. */
static int open_any(int dir, const char *path, int flags, mode_t mode)
{
	struct opening o;
	int fd = -1;

	before_open(&o, dir, path, flags);
	if (o.watched && (flags & O_ACCMODE) == O_WRONLY && (o.place.regular || o.makes))
		fd = (int)syscall(SYS_openat, dir, path, (flags & ~O_ACCMODE) | O_RDWR, mode);
	if (fd < 0)
		fd = (int)syscall(SYS_openat, dir, path, flags, mode);
	after_open(&o, fd >= 0);
	return fd;
}

#define MODE(flags, mode) do { \
		va_list args_; \
		va_start(args_, flags); \
		(mode) = (flags) & O_CREAT || ((flags) & O_TMPFILE) == O_TMPFILE ? va_arg(args_, mode_t) : 0; \
		va_end(args_); \
	} while (0)

#define OPEN(name) \
	EXPORT int name(const char *path, int flags, ...) \
	{ \
		mode_t mode; \
		MODE(flags, mode); \
		return open_any(AT_FDCWD, path, flags, mode); \
	}
OPEN(open)
OPEN(open64)

#define OPENAT(name) \
	EXPORT int name(int dir, const char *path, int flags, ...) \
	{ \
		mode_t mode; \
		MODE(flags, mode); \
		return open_any(dir, path, flags, mode); \
	}
OPENAT(openat)
OPENAT(openat64)

EXPORT int creat(const char *path, mode_t mode)
{
	return open_any(AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, mode);
}

EXPORT int creat64(const char *path, mode_t mode)
{
	return creat(path, mode);
}

static int flags_of(const char *mode)
{
	switch (*mode) {
	case 'w': return O_WRONLY | O_CREAT | O_TRUNC | (strchr(mode, 'x') ? O_EXCL : 0);
	case 'a': return O_WRONLY | O_CREAT;
	default: return strchr(mode, '+') ? O_RDWR : O_RDONLY;
	}
}

#define FOPEN(name) \
	EXPORT FILE *name(const char *restrict path, const char *restrict mode) \
	{ \
		static FILE *(*next)(const char *, const char *); \
		struct opening o; \
		FILE *f; \
		NEXT(#name); \
		before_open(&o, AT_FDCWD, path, flags_of(mode)); \
		f = next(path, mode); \
		after_open(&o, f); \
		if (f && o.watched) \
			journal_blind(fileno(f)); \
		return f; \
	}
FOPEN(fopen)
FOPEN(fopen64)

EXPORT FILE *freopen(const char *restrict path, const char *restrict mode, FILE *restrict f)
{
	static FILE *(*next)(const char *, const char *, FILE *);
	struct opening o;

	NEXT("freopen");
	before_open(&o, AT_FDCWD, path, flags_of(mode));
	f = next(path, mode, f);
	after_open(&o, f);
	if (f && o.watched)
		journal_blind(fileno(f));
	return f;
}

/* --- Names --- */

EXPORT int renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned int flags)
{
	struct place a, b;
	bool seen = journal_place(&a, from_dir, from) && journal_place(&b, to_dir, to) && a.there &&
		!(flags & RENAME_EXCHANGE);
	uint64_t saved = seen ? journal_save(&b, to_dir, to) : 0;
	int rc = (int)syscall(SYS_renameat2, from_dir, from, to_dir, to, flags);

	if (seen && !rc)
		journal_renamed(&a, &b, saved);
	else if (seen)
		journal_unsave(saved);
	return rc;
}

EXPORT int renameat(int from_dir, const char *from, int to_dir, const char *to)
{
	return renameat2(from_dir, from, to_dir, to, 0);
}

EXPORT int rename(const char *from, const char *to)
{
	return renameat2(AT_FDCWD, from, AT_FDCWD, to, 0);
}

EXPORT int unlinkat(int dir, const char *path, int flags)
{
	struct place p;
	bool seen = journal_place(&p, dir, path) && p.there;
	uint64_t saved = seen ? journal_save(&p, dir, path) : 0;
	int rc = (int)syscall(SYS_unlinkat, dir, path, flags);

	if (seen && !rc)
		journal_gone(&p, saved);
	else if (seen)
		journal_unsave(saved);
	return rc;
}

EXPORT int unlink(const char *path)
{
	return unlinkat(AT_FDCWD, path, 0);
}

EXPORT int rmdir(const char *path)
{
	return unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
}

EXPORT int remove(const char *path)
{
	struct stat st;

	return unlinkat(AT_FDCWD, path, !lstat(path, &st) && S_ISDIR(st.st_mode) ? AT_REMOVEDIR : 0);
}

/* The call makes what `path` leads to then. */
static int makes(int dir, const char *path, long call, long a, long b, long c, long d, long e)
{
	struct place p;
	bool seen = journal_place(&p, dir, path);
	int rc = (int)syscall(call, a, b, c, d, e);

	if (seen && !rc)
		journal_made(&p);
	return rc;
}

EXPORT int mkdirat(int dir, const char *path, mode_t mode)
{
	return makes(dir, path, SYS_mkdirat, dir, (long)path, mode, 0, 0);
}

EXPORT int mkdir(const char *path, mode_t mode)
{
	return mkdirat(AT_FDCWD, path, mode);
}

EXPORT int linkat(int from_dir, const char *from, int to_dir, const char *to, int flags)
{
	return makes(to_dir, to, SYS_linkat, from_dir, (long)from, to_dir, (long)to, flags);
}

EXPORT int link(const char *from, const char *to)
{
	return linkat(AT_FDCWD, from, AT_FDCWD, to, 0);
}

EXPORT int symlinkat(const char *text, int dir, const char *path)
{
	return makes(dir, path, SYS_symlinkat, (long)text, dir, (long)path, 0, 0);
}

EXPORT int symlink(const char *text, const char *path)
{
	return symlinkat(text, AT_FDCWD, path);
}
