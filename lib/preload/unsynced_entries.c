/*
 * unsynced: the journal's writer: names in directories, and what they led to before.
 */
#include "lib/preload/unsynced_inside.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* --- What names led to --- */

static void saved_path(char path[PATH_MAX], uint64_t saved)
{
	snprintf(path, PATH_MAX, "%s/" SAVED_NAME ".%ju", journal_directory, (uintmax_t)saved);
}

static void unsave(uint64_t saved)
{
	char path[PATH_MAX];

	if (!saved)
		return;
	saved_path(path, saved);
	syscall(SYS_unlinkat, AT_FDCWD, path, 0);
}

/* --- Flushes --- */

/* What they led to is nobody's any more: its number may be another file's soon. */
void journal_flush_names(dev_t dev, ino_t dir)
{
	size_t kept = 0;

	for (size_t i = 0; i < journal->names; i++) {
		const struct journal_name *n = &journal->name[i];

		if (n->dev != dev || (n->dir != dir && n->to_dir != dir)) {
			journal->name[kept++] = *n;
			continue;
		}
		if (n->saved_ino)
			journal_forget(dev, n->saved_ino);
		unsave(n->saved);
	}
	journal->names = kept;
}

void journal_forget_names(void)
{
	for (size_t i = 0; i < journal->names; i++)
		unsave(journal->name[i].saved);
	journal->names = 0;
}

/* --- Changes --- */

bool journal_place(struct place *p, int dir, const char *path)
{
	char base[PATH_MAX], link[64], *slash;
	struct stat st;
	ssize_t len = 0;

	if (!journal || !path)
		return false;
	if (*path != '/') {
		snprintf(link, sizeof(link), "/proc/self/fd/%d", dir);
		len = readlink(dir == AT_FDCWD ? "/proc/self/cwd" : link, base, sizeof(base) - 1);
		if (len < 0)
			return false;
	}
	base[len] = '\0';
	if (snprintf(p->path, sizeof(p->path), len ? "%s/%s" : "%s%s", base, path) >= (int)sizeof(p->path))
		return false;
	for (size_t n = strlen(p->path); n > 1 && p->path[n - 1] == '/';)
		p->path[--n] = '\0';
	p->there = !fstatat(AT_FDCWD, p->path, &p->st, AT_SYMLINK_NOFOLLOW);
	p->regular = p->there && S_ISREG(p->st.st_mode);
	slash = strrchr(p->path, '/');
	if (!slash)
		return false;
	*slash = '\0';
	len = fstatat(AT_FDCWD, slash == p->path ? "/" : p->path, &st, 0);
	*slash = '/';
	p->dev = st.st_dev;
	p->dir = st.st_ino;
	return !len;
}

static void put_name(dev_t dev, ino_t dir, ino_t to_dir, uint64_t saved, ino_t saved_ino)
{
	if (journal->names == NAMES_MAX) {
		journal->lost_count = true;
		return;
	}
	journal->name[journal->names++] = (struct journal_name){ dev, dir, to_dir, saved, saved_ino };
}

void journal_made(const struct place *p)
{
	size_t n = strlen(p->path) + 1;
	struct record *r;
	struct stat st;

	if (fstatat(AT_FDCWD, p->path, &st, AT_SYMLINK_NOFOLLOW) || !journal_lock())
		return;
	r = journal_append(RECORD_MADE, n);
	r->dev = p->dev;
	r->ino = st.st_ino;
	r->dir = p->dir;
	r->mode = st.st_mode;
	memcpy(r + 1, p->path, n);
	journal_commit(r);
	put_name(p->dev, p->dir, p->dir, 0, 0);
	journal_unlock();
}

static bool copy(const char *from, const char *to)
{
	int in = (int)syscall(SYS_openat, AT_FDCWD, from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	int out = (int)syscall(SYS_openat, AT_FDCWD, to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	struct stat st;
	bool done = in >= 0 && out >= 0 && !fstat(in, &st) && S_ISREG(st.st_mode);
	char bytes[1 << 14];
	long got = 0;

	while (done && (got = syscall(SYS_read, in, bytes, sizeof(bytes))) > 0)
		done = syscall(SYS_write, out, bytes, got) == got;
	done = done && !got && !syscall(SYS_fchmod, out, st.st_mode & 07777);
	if (in >= 0)
		syscall(SYS_close, in);
	if (out >= 0)
		syscall(SYS_close, out);
	return done;
}

uint64_t journal_save(const struct place *p, int dir, const char *path)
{
	char to[PATH_MAX];
	uint64_t saved = 0;

	if (!p->there || S_ISDIR(p->st.st_mode) || !journal_lock())
		return 0;
	saved = ++journal->saved;
	saved_path(to, saved);
	if (syscall(SYS_linkat, dir, path, AT_FDCWD, to, 0) && (errno != EXDEV || !copy(p->path, to))) {
		unsave(saved);
		saved = 0;
	}
	journal_unlock();
	return saved;
}

void journal_unsave(uint64_t saved)
{
	unsave(saved);
}

/* The file is gone for good where no link holds it, and its number free. */
static void forget_freed(const struct place *p, uint64_t saved)
{
	char path[PATH_MAX];
	struct stat st;

	if (!p->regular || p->st.st_nlink > 1)
		return;
	saved_path(path, saved);
	if (!saved || stat(path, &st) || st.st_ino != p->st.st_ino || st.st_dev != p->st.st_dev)
		journal_forget(p->st.st_dev, p->st.st_ino);
}

static ino_t only_link(const struct place *p)
{
	return p->regular && p->st.st_nlink == 1 ? p->st.st_ino : 0;
}

void journal_gone(const struct place *p, uint64_t saved)
{
	size_t n = strlen(p->path) + 1;
	struct record *r;

	if (!journal_lock())
		return;
	r = journal_append(RECORD_GONE, n);
	r->dev = p->dev;
	r->ino = p->st.st_ino;
	r->dir = p->dir;
	r->saved = saved;
	r->mode = p->st.st_mode;
	memcpy(r + 1, p->path, n);
	journal_commit(r);
	forget_freed(p, saved);
	put_name(p->dev, p->dir, p->dir, saved, only_link(p));
	journal_unlock();
}

void journal_renamed(const struct place *from, const struct place *to, uint64_t saved)
{
	size_t n = strlen(from->path) + 1, m = strlen(to->path) + 1;
	struct record *r;

	if ((to->there && to->st.st_ino == from->st.st_ino) || !journal_lock())
		return;
	r = journal_append(RECORD_RENAMED, n + m);
	r->dev = from->dev;
	r->ino = from->st.st_ino;
	r->dir = from->dir;
	r->to_dir = to->dir;
	r->saved = saved;
	r->mode = to->there ? to->st.st_mode : 0;
	memcpy(r + 1, from->path, n);
	memcpy((char *)(r + 1) + n, to->path, m);
	journal_commit(r);
	if (to->there)
		forget_freed(to, saved);
	put_name(from->dev, from->dir, to->dir, saved, to->there ? only_link(to) : 0);
	journal_unlock();
}
