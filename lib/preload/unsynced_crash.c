/*
 * unsynced: what a crash takes back.
 *
 * Of a file's data: a sector that was written k times since the last flush of its file holds one of k + 1 versions; the
 * length is one of those that it had.  Of a directory's names: each change is lost or kept, whatever became of those before
 * and after it, as far as that can be; a lost directory goes with all in it.  In half of the crashes of a file, or of the
 * names, everything is lost or everything is kept; else each sector and each name is drawn for itself.
 */
#include "lib/preload/unsynced_inside.h"

#include "lib/base/buf.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum mood { LOSE, KEEP, MIX };
enum { WALK_FDS = 16 };

struct crash {
	const char *directory;
	uint64_t draw;                  /* the state */
	const struct record **record;   /* in order; those flushed since are left out */
	size_t records;
	uint64_t undone;
	int why;                        /* the first errno */
};

static uint64_t draw(struct crash *c)
{
	/* splitmix64 */
	uint64_t x = c->draw += UINT64_C(0x9e3779b97f4a7c15);

	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

static enum mood draw_mood(struct crash *c)
{
	static const enum mood moods[4] = { LOSE, KEEP, MIX, MIX };

	return moods[draw(c) % 4];
}

static void failed(struct crash *c, int why)
{
	if (!c->why)
		c->why = why;
}

/* --- Where a file is now --- */

static bool is_at(const char *path, const struct record *r)
{
	struct stat st;

	return !lstat(path, &st) && st.st_ino == r->ino && st.st_dev == r->dev;
}

static void saved_path(const struct crash *c, uint64_t saved, char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, "%s/" SAVED_NAME ".%ju", c->directory, (uintmax_t)saved);
}

/* Every name that it had is in some record.  False: it has none any more. */
static bool find(const struct crash *c, const struct record *of, const struct record *all, const struct record *end,
		 char path[PATH_MAX])
{
	for (const struct record *r = all; r < end; r = (const struct record *)((const char *)r + r->bytes)) {
		if (r->kind < RECORD_PATH || r->kind > RECORD_RENAMED)
			continue;
		snprintf(path, PATH_MAX, "%s", record_text(r));
		if (is_at(path, of))
			return true;
		if (r->kind == RECORD_RENAMED) {
			snprintf(path, PATH_MAX, "%s", record_text(r) + strlen(record_text(r)) + 1);
			if (is_at(path, of))
				return true;
		}
		if (r->saved) {
			saved_path(c, r->saved, path);
			if (is_at(path, of))
				return true;
		}
	}
	return false;
}

/* --- Data --- */

/* What a record has of a sector: sorted, its versions stand together, the oldest first. */
struct sector { uint64_t at; size_t record; };

static int by_place(const void *a, const void *b)
{
	const struct sector *x = a, *y = b;

	if (x->at != y->at)
		return x->at < y->at ? -1 : 1;
	return x->record < y->record ? -1 : x->record > y->record;
}

static bool is_data_of(const struct record *r, const struct record *file)
{
	return (r->kind == RECORD_DATA || r->kind == RECORD_SIZE) && r->ino == file->ino && r->dev == file->dev;
}

/* The sectors of the file's records, each as often as it was written.  The caller frees. */
static struct sector *sectors_of(const struct crash *c, size_t first, size_t *count)
{
	const struct record *file = c->record[first];
	struct sector *s;
	size_t n = 0;

	for (size_t i = first; i < c->records; i++)
		if (is_data_of(c->record[i], file) && c->record[i]->kind == RECORD_DATA)
			n += c->record[i]->span / SECTOR_BYTES;
	s = malloc((n + 1) * sizeof(*s));
	*count = 0;
	for (size_t i = first; s && i < c->records; i++)
		if (is_data_of(c->record[i], file) && c->record[i]->kind == RECORD_DATA)
			for (uint64_t at = 0; at < c->record[i]->span; at += SECTOR_BYTES)
				s[(*count)++] = (struct sector){ c->record[i]->at + at, i };
	if (s)
		qsort(s, n, sizeof(*s), by_place);
	return s;
}

/* The length that is left: one of those it had. */
static uint64_t draw_size(struct crash *c, size_t first, enum mood mood, uint64_t now)
{
	const struct record *file = c->record[first];
	uint64_t size = now;
	size_t sizes = 0, chosen;

	for (size_t i = first; i < c->records; i++)
		sizes += is_data_of(c->record[i], file) && c->record[i]->kind == RECORD_SIZE;
	chosen = mood == KEEP ? sizes : mood == LOSE ? 0 : draw(c) % (sizes + 1);
	for (size_t i = first, k = 0; i < c->records; i++)
		if (is_data_of(c->record[i], file) && c->record[i]->kind == RECORD_SIZE && k++ == chosen)
			size = c->record[i]->at;
	return size;
}

/* As the record has the sector; beyond `size` nothing is written. */
static int put_sector(int fd, const struct record *r, uint64_t at, uint64_t size)
{
	char bytes[SECTOR_BYTES] = { 0 };
	uint64_t from = at - r->at;
	size_t n = size - at < SECTOR_BYTES ? (size_t)(size - at) : SECTOR_BYTES;

	if (from < r->have)
		memcpy(bytes, record_text(r) + from, r->have - from < SECTOR_BYTES ? r->have - from : SECTOR_BYTES);
	return pwrite(fd, bytes, n, (off_t)at) == (ssize_t)n ? 0 : errno ? errno : EIO;
}

/* The file is `now` bytes long, and will be `size`. */
static int undo_sectors(struct crash *c, int fd, size_t first, enum mood mood, uint64_t now, uint64_t size)
{
	size_t n, next;
	struct sector *s = sectors_of(c, first, &n);
	int why = s ? 0 : ENOMEM;

	for (size_t i = 0; !why && i < n; i = next) {
		size_t versions, chosen;

		for (next = i + 1; next < n && s[next].at == s[i].at;)
			next++;
		versions = next - i;
		chosen = mood == KEEP ? versions : mood == LOSE ? 0 : draw(c) % (versions + 1);
		/* Where a cut is undone there is no version after it. */
		if (chosen == versions && s[i].at >= now)
			chosen--;
		if (chosen == versions || s[i].at >= size)
			continue;
		why = put_sector(fd, c->record[s[i + chosen].record], s[i].at, size);
		c->undone++;
	}
	free(s);
	return why;
}

static int undo_file(struct crash *c, size_t first, const char *path)
{
	enum mood mood = draw_mood(c);
	struct stat st;
	uint64_t size;
	int fd, why;

	fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 && errno == EACCES && !lstat(path, &st) && !chmod(path, st.st_mode | S_IRUSR | S_IWUSR)) {
		fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
		chmod(path, st.st_mode & 07777);
	}
	if (fd < 0)
		return errno;
	why = fstat(fd, &st) ? errno : 0;
	size = draw_size(c, first, mood, (uint64_t)st.st_size);
	if (!why && size != (uint64_t)st.st_size) {
		why = ftruncate(fd, (off_t)size) ? errno : 0;
		c->undone++;
	}
	if (!why)
		why = undo_sectors(c, fd, first, mood, (uint64_t)st.st_size, size);
	close(fd);
	return why;
}

/* Each file at the first of its records. */
static void undo_data(struct crash *c, const struct record *all, const struct record *end)
{
	bool *done = calloc(c->records + 1, sizeof(*done));
	char path[PATH_MAX];

	if (!done)
		failed(c, ENOMEM);
	for (size_t i = 0; done && i < c->records; i++) {
		const struct record *r = c->record[i];

		if (done[i] || (r->kind != RECORD_DATA && r->kind != RECORD_SIZE))
			continue;
		for (size_t k = i; k < c->records; k++)
			done[k] = done[k] || is_data_of(c->record[k], r);
		if (find(c, r, all, end, path)) {
			int why = undo_file(c, i, path);

			if (why)
				failed(c, why);
		}
	}
	free(done);
}

/* --- Names --- */

static bool there(const char *path)
{
	struct stat st;

	return !lstat(path, &st);
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *at)
{
	(void)st;
	(void)flag;
	(void)at;
	return remove(path);
}

/* A name and, of a directory, all below it. */
static int remove_all(const char *path)
{
	return nftw(path, remove_one, WALK_FDS, FTW_DEPTH | FTW_PHYS) ? errno : 0;
}

static int unmade(struct crash *c, const struct record *r)
{
	const char *path = record_text(r);

	if (!is_at(path, r))
		return 0;       /* it was renamed, and that was kept */
	c->undone++;
	return remove_all(path);
}

static int back(struct crash *c, const struct record *r, const char *path)
{
	char saved[PATH_MAX];

	if (there(path))
		return 0;       /* made anew, and that was kept */
	if (S_ISDIR(r->mode)) {
		c->undone++;
		return mkdir(path, (mode_t)(r->mode & 07777)) ? errno : 0;
	}
	if (!r->saved)
		return 0;
	saved_path(c, r->saved, saved);
	c->undone++;
	if (!link(saved, path))
		return 0;
	/* Of another file system, or its directory was lost. */
	if (errno == EXDEV) {
		struct buf bytes = { 0 };
		int in = open(saved, O_RDONLY | O_CLOEXEC), out = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
								      (mode_t)(r->mode & 07777));
		ssize_t got = in < 0 || out < 0 ? -1 : 0;

		while (got >= 0 && (got = read(in, buf_room(&bytes, 1 << 16), 1 << 16)) > 0)
			got = write(out, bytes.at, (size_t)got) == got ? got : -1;
		buf_release(&bytes);
		if (in >= 0)
			close(in);
		if (out >= 0)
			close(out);
		return got < 0 ? errno : 0;
	}
	return errno == ENOENT ? 0 : errno;
}

/* What was renamed has its old name again, and the new name what it led to. */
static int unrenamed(struct crash *c, const struct record *r, const struct record *all, const struct record *end)
{
	const char *from = record_text(r), *to = from + strlen(from) + 1;
	char now[PATH_MAX];

	if (there(from) || !find(c, r, all, end, now))
		return 0;
	c->undone++;
	if (!strncmp(now, c->directory, strlen(c->directory)) && now[strlen(c->directory)] == '/') {
		/* A later name took the new one away, and that is kept. */
		return link(now, from) && errno != ENOENT ? errno : 0;
	}
	if (strcmp(now, to) != 0)
		return 0;       /* it was renamed again, and that is kept */
	if (rename(to, from))
		return errno == ENOENT ? 0 : errno;
	return back(c, r, to);
}

static void undo_names(struct crash *c, const struct record *all, const struct record *end)
{
	enum mood mood = draw_mood(c);

	for (size_t i = c->records; i-- > 0;) {
		const struct record *r = c->record[i];
		int why = 0;

		if (r->kind != RECORD_MADE && r->kind != RECORD_GONE && r->kind != RECORD_RENAMED)
			continue;
		if (mood == KEEP || (mood == MIX && draw(c) & 1))
			continue;
		if (r->kind == RECORD_MADE)
			why = unmade(c, r);
		else if (r->kind == RECORD_GONE)
			why = back(c, r, record_text(r));
		else
			why = unrenamed(c, r, all, end);
		if (why)
			failed(c, why);
	}
}

/* --- The journal --- */

static bool covers(const struct record *flush, const struct record *r)
{
	if (flush->kind == RECORD_ALL)
		return true;
	if (flush->kind != RECORD_FLUSHED || flush->dev != r->dev)
		return false;
	if (r->kind == RECORD_DATA || r->kind == RECORD_SIZE)
		return flush->ino == r->ino;
	return flush->ino == r->dir || (r->kind == RECORD_RENAMED && flush->ino == r->to_dir);
}

/* Forgets what the flush covers. */
static void flushed(struct crash *c, const struct record *flush)
{
	size_t kept = 0;

	for (size_t i = 0; i < c->records; i++)
		if (!covers(flush, c->record[i]))
			c->record[kept++] = c->record[i];
	c->records = kept;
}

static int read_records(struct crash *c, const struct record *all, const struct record *end)
{
	size_t room = 0;

	for (const struct record *r = all; r < end; r = (const struct record *)((const char *)r + r->bytes))
		room++;
	c->record = malloc((room + 1) * sizeof(*c->record));
	if (!c->record)
		return ENOMEM;
	for (const struct record *r = all; r < end; r = (const struct record *)((const char *)r + r->bytes)) {
		if (r->kind == RECORD_FLUSHED || r->kind == RECORD_ALL)
			flushed(c, r);
		else if (r->kind != RECORD_PATH)
			c->record[c->records++] = r;
	}
	return 0;
}

/* 0 and NULL: there is none. */
static int map(const char *directory, void **at)
{
	char path[PATH_MAX];
	int fd, why;

	*at = NULL;
	snprintf(path, sizeof(path), "%s/" JOURNAL_NAME, directory);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : errno;
	*at = mmap(NULL, (size_t)JOURNAL_BYTES_MAX, PROT_READ, MAP_SHARED | MAP_NORESERVE, fd, 0);
	why = *at == MAP_FAILED ? errno : 0;
	close(fd);
	return why;
}

int unsynced_crash(const char *directory, uint64_t seed, uint64_t *undone)
{
	struct crash c = { .directory = directory, .draw = seed };
	const struct journal_head *head;
	void *at;
	int why = map(directory, &at);

	*undone = 0;
	if (why || !at)
		return why;
	head = at;
	if (head->ready) {
		const struct record *all = (const struct record *)(head + 1);
		const struct record *end = (const struct record *)((const char *)all + head->tail);

		why = read_records(&c, all, end);
		if (!why) {
			undo_data(&c, all, end);
			undo_names(&c, all, end);
		}
		free(c.record);
	}
	munmap(at, (size_t)JOURNAL_BYTES_MAX);
	unsynced_forget(directory);
	*undone = c.undone;
	return why ? why : c.why;
}

static int remove_ours(const char *path, const struct stat *st, int flag, struct FTW *at)
{
	(void)st;
	(void)flag;
	return at->level ? remove(path) : 0;
}

void unsynced_forget(const char *directory)
{
	nftw(directory, remove_ours, WALK_FDS, FTW_DEPTH | FTW_PHYS);
}
