/*
 * folder: see folder.h
 *
 * The lock is flock(2) on the directory itself: it goes with the process, however it ends, and leaves no file.
 * In memory a file is a memfd, so that all code above is the same; each opening is a duplicate of it.
 */
#include "lib/store/folder.h"
#include "lib/base/err.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *path_of(const struct folder *f)
{
	return f->path ? f->path : "memory";
}

void folder_say(const struct folder *f, const char *name, struct store_report *report, const char *fmt, ...)
{
	size_t room = sizeof(report->text);
	int len = snprintf(report->text, room, "'%s%s%s'", path_of(f), name ? "/" : "", name ? name : "");
	va_list args;

	va_start(args, fmt);
	if (len > 0 && (size_t)len < room)
		vsnprintf(report->text + len, room - (size_t)len, fmt, args);
	va_end(args);
}

int folder_fail(const struct folder *f, const char *what, const char *name, struct store_report *report)
{
	snprintf(report->text, sizeof(report->text), "cannot %s '%s%s%s': %m", what, path_of(f), name ? "/" : "",
		 name ? name : "");
	return STORE_ESYSTEM;
}

static int open_directory(struct folder *f, struct store_report *report)
{
	if (mkdir(f->path, 0777) && errno != EEXIST)
		return folder_fail(f, "make", NULL, report);
	f->fd = open(f->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (f->fd < 0)
		return folder_fail(f, "open", NULL, report);
	if (!flock(f->fd, LOCK_EX | LOCK_NB))
		return 0;
	if (errno != EWOULDBLOCK)
		return folder_fail(f, "lock", NULL, report);
	folder_say(f, NULL, report, " is in use by another process");
	return STORE_ELOCKED;
}

int folder_init(struct folder *f, const char *path, struct store_report *report)
{
	int rc = 0;

	*f = (struct folder){ .fd = -1 };
	pthread_mutex_init(&f->lock, NULL);
	if (path) {
		f->path = must_strdup(path);
		rc = open_directory(f, report);
	}
	if (rc)
		folder_release(f);
	return rc;
}

void folder_release(struct folder *f)
{
	for (size_t i = 0; i < f->files; i++)
		close(f->memory[i].fd);
	free(f->memory);
	if (f->fd >= 0)
		close(f->fd);
	free(f->path);
	pthread_mutex_destroy(&f->lock);
}

/* --- In memory: all with the lock held --- */

static struct folder_memory *memory_find(const struct folder *f, const char *name)
{
	for (size_t i = 0; i < f->files; i++)
		if (!strcmp(f->memory[i].name, name))
			return &f->memory[i];
	errno = ENOENT;
	return NULL;
}

static struct folder_memory *memory_make(struct folder *f, const char *name)
{
	struct folder_memory *m;
	int fd = memfd_create(name, MFD_CLOEXEC);

	if (fd < 0)
		return NULL;
	if (f->files == f->room) {
		f->room = f->room ? 2 * f->room : 8;
		f->memory = must_realloc(f->memory, f->room * sizeof(*f->memory));
	}
	m = &f->memory[f->files++];
	m->fd = fd;
	snprintf(m->name, sizeof(m->name), "%s", name);
	return m;
}

static int memory_open(struct folder *f, const char *name, int flags)
{
	struct folder_memory *m = memory_find(f, name);

	if (m && (flags & O_EXCL)) {
		errno = EEXIST;
		return -1;
	}
	if (!m && (flags & O_CREAT))
		m = memory_make(f, name);
	if (!m || ((flags & O_TRUNC) && ftruncate(m->fd, 0)))
		return -1;
	if (lseek(m->fd, 0, SEEK_SET))
		return -1;
	return fcntl(m->fd, F_DUPFD_CLOEXEC, 0);
}

static int memory_remove(struct folder *f, const char *name)
{
	struct folder_memory *m = memory_find(f, name);

	if (!m)
		return -1;
	close(m->fd);
	*m = f->memory[--f->files];
	return 0;
}

static int memory_rename(struct folder *f, const char *from, const char *to)
{
	if (!memory_find(f, from))
		return -1;
	memory_remove(f, to);
	snprintf(memory_find(f, from)->name, FOLDER_NAME_BYTES_MAX, "%s", to);
	return 0;
}

/* --- Both --- */

int folder_open(struct folder *f, const char *name, int flags)
{
	int fd;

	assert(strlen(name) < FOLDER_NAME_BYTES_MAX);
	if (f->fd >= 0)
		return openat(f->fd, name, flags | O_CLOEXEC, 0666);
	pthread_mutex_lock(&f->lock);
	fd = memory_open(f, name, flags);
	pthread_mutex_unlock(&f->lock);
	return fd;
}

int folder_rename(struct folder *f, const char *from, const char *to)
{
	int rc;

	if (f->fd >= 0)
		return renameat(f->fd, from, f->fd, to);
	pthread_mutex_lock(&f->lock);
	rc = memory_rename(f, from, to);
	pthread_mutex_unlock(&f->lock);
	return rc;
}

int folder_remove(struct folder *f, const char *name)
{
	int rc;

	if (f->fd >= 0)
		return unlinkat(f->fd, name, 0);
	pthread_mutex_lock(&f->lock);
	rc = memory_remove(f, name);
	pthread_mutex_unlock(&f->lock);
	return rc;
}

static int list_memory(struct folder *f, void (*name)(void *ctx, const char *), void *ctx)
{
	struct folder_memory *copy;
	size_t files;

	pthread_mutex_lock(&f->lock);
	files = f->files;
	copy = must_malloc(files * sizeof(*copy));
	if (files)
		memcpy(copy, f->memory, files * sizeof(*copy));
	pthread_mutex_unlock(&f->lock);
	for (size_t i = 0; i < files; i++)
		name(ctx, copy[i].name);
	free(copy);
	return 0;
}

int folder_list(struct folder *f, void (*name)(void *ctx, const char *), void *ctx)
{
	int fd, saved;
	DIR *dir;

	if (f->fd < 0)
		return list_memory(f, name, ctx);
	fd = openat(f->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	dir = fdopendir(fd);
	if (!dir) {
		close(fd);
		return -1;
	}
	for (const struct dirent *entry; errno = 0, (entry = readdir(dir));)
		name(ctx, entry->d_name);
	saved = errno;
	closedir(dir);
	errno = saved;
	return saved ? -1 : 0;
}

int folder_flush(const struct folder *f, int fd)
{
	return f->fd < 0 ? 0 : fdatasync(fd);
}

int folder_flush_names(const struct folder *f)
{
	return f->fd < 0 ? 0 : fsync(f->fd);
}

int folder_flush_own_name(const struct folder *f)
{
	char *path;
	int fd, rc;

	if (f->fd < 0)
		return 0;
	path = must_strdup(f->path);
	fd = open(dirname(path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(path);
	if (fd < 0)     /* one that may be entered but not read cannot be flushed */
		return errno == EACCES ? 0 : -1;
	rc = fsync(fd);
	close(fd);
	return rc;
}
