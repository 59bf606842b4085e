/*
 * store_log: what the tests of lib/store share: a directory, records whose text follows from their number, and
 * a store that was opened and read to its end.
 */
#ifndef TESTS_STORE_LOG_H
#define TESTS_STORE_LOG_H

#include "lib/store/store.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

static char dir[64];            /* of this test */
static uint32_t segment_bytes = 4096;
static struct store *store;
static struct store_report report, torn;

/* What a reading gave: records 0 .. count - 1, or it failed. */
struct seen { uint64_t first, count; struct store_pos last; };
static struct seen seen;

/* --- The directory: in memory where there is such a file system, as what is lost is modelled --- */

static int make_dir(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "%s/faultline-store-XXXXXX", access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
	assert_non_null(mkdtemp(dir));
	segment_bytes = 4096;
	store = NULL;
	return 0;
}

static void empty_dir(const char *path)
{
	DIR *d = opendir(path);

	assert_non_null(d);
	for (struct dirent *e; (e = readdir(d));)
		if (e->d_name[0] != '.')
			unlinkat(dirfd(d), e->d_name, 0);
	closedir(d);
}

static int remove_dir(void **state)
{
	(void)state;
	if (store)
		store_close(store);
	store = NULL;
	empty_dir(dir);
	return rmdir(dir);
}

/* Valid until the second next call. */
static const char *in_dir(const char *name)
{
	static char path[2][128];
	static int turn;

	turn = !turn;
	snprintf(path[turn], sizeof(path[turn]), "%s/%s", dir, name);
	return path[turn];
}

static inline const char *segment_path(unsigned number)
{
	char name[32];

	snprintf(name, sizeof(name), "%08u.log", number);
	return in_dir(name);
}

/* --- Files as bytes --- */

struct bytes { char *p; size_t len; };

static inline struct bytes file_bytes(const char *path)
{
	struct bytes b = { 0 };
	struct stat st;
	int fd = open(path, O_RDONLY);

	if (fd < 0)
		return b;
	assert_false(fstat(fd, &st));
	b.len = (size_t)st.st_size;
	b.p = malloc(b.len + 1);
	assert_int_equal(read(fd, b.p, b.len), (ssize_t)b.len);
	close(fd);
	return b;
}

static inline void put_bytes(const char *path, const char *p, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, p, len), (ssize_t)len);
	close(fd);
}

/* Where the newlines at the end begin, that of the last record not counted. */
static inline size_t written_end(struct bytes b)
{
	while (b.len && b.p[b.len - 1] == '\n')
		b.len--;
	return b.len + 1;
}

/* --- Records --- */

/* Some short, some of a few sectors. */
static size_t record_text(char out[2048], uint64_t n)
{
	size_t pad = n % 7 == 3 ? 700 + n % 300 : n * 37 % 90;
	size_t len = (size_t)sprintf(out, "{\"n\":%llu,\"pad\":\"", (unsigned long long)n);

	for (size_t i = 0; i < pad; i++)
		out[len++] = (char)('a' + (n + i) % 26);
	memcpy(out + len, "\"}", 2);
	return len + 2;
}

/* They are those with numbers from seen.first on, and no other. */
static int see(void *ctx, const char *json, size_t len, struct store_pos pos, const char **why)
{
	struct seen *s = ctx;
	char expected[2048];

	(void)why;
	assert_int_equal(len, record_text(expected, s->first + s->count));
	assert_memory_equal(json, expected, len);
	assert_true(pos.segment > s->last.segment || (pos.segment == s->last.segment && pos.offset > s->last.offset));
	s->last = pos;
	s->count++;
	return 0;
}

/* --- The store --- */

static inline int try_open_as(const char *kind, const char *id, const char *cluster)
{
	struct store_options o = {
		.dir = dir, .kind = kind, .id = id, .cluster = cluster, .segment_bytes = segment_bytes,
	};
	int rc;

	seen = (struct seen){ 0 };
	rc = store_open(&store, &o, &report);
	if (rc) {
		store = NULL;
		return rc;
	}
	rc = store_replay(store, see, &seen, &torn, &report);
	if (rc) {
		store_close(store);
		store = NULL;
	}
	return rc;
}

static inline int try_open(void)
{
	return try_open_as("raft", "n1", "[\"n1\",\"n2\"]");
}

static inline void must_open(void)
{
	int rc = try_open();

	if (rc)
		print_message("%s\n", report.text);
	assert_int_equal(rc, 0);
}

static inline void must_close(void)
{
	store_close(store);
	store = NULL;
}

static inline struct store_pos append(uint64_t n)
{
	char text[2048];
	size_t len = record_text(text, n);
	/* In three parts. */
	struct store_part part[] = { { text, 1 }, { text + 1, len / 2 }, { text + 1 + len / 2, len - 1 - len / 2 } };
	bool rotated;

	return store_append(store, part, 3, &rotated);
}

static inline int flush(void)
{
	int rc;

	if (!store_flush_begin(store))
		return 0;
	rc = store_flush(store, &report);
	if (!rc)
		store_flush_end(store);
	return rc;
}

/* Records first .. last - 1, a flush after every `every`, the last one too. */
static inline void append_flushed(uint64_t first, uint64_t last, uint64_t every)
{
	for (uint64_t n = first; n < last; n++) {
		append(n);
		if (n % every == every - 1)
			assert_int_equal(flush(), 0);
	}
	assert_int_equal(flush(), 0);
}

#endif
