/*
 * snapshot: files `0000000000000100.snapshot` of records, the last of which counts the others.
 *
 * A snapshot has another name until all of it is on the disk, so that one with its name is whole.
 */
#include "lib/store/inside.h"
#include "lib/base/err.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define INDEX_MAX UINT64_C(9999999999999999)

/* Sent to the disk as it is written: a flush of the log does not then wait for a hundred megabytes. */
enum { SEND_BYTES = 1 << 20 };

struct store_writer {
	struct store *store;
	struct snapshot_file file;
	uint64_t lines;
};

static void snapshot_name(char name[FOLDER_NAME_BYTES_MAX], uint64_t index, const char *ending)
{
	assert(index > 0 && index <= INDEX_MAX);
	snprintf(name, FOLDER_NAME_BYTES_MAX, "%016" PRIu64 "%s", index, ending);
}

uint64_t store_snapshot_index(const char *name, const char *ending)
{
	char same[FOLDER_NAME_BYTES_MAX];
	uint64_t index = strtoull(name, NULL, 10);

	if (index == 0 || index > INDEX_MAX)
		return 0;
	snapshot_name(same, index, ending);
	return strcmp(name, same) ? 0 : index;
}

/* --- Writing --- */

int snapshot_file_open(struct store *s, struct snapshot_file *f, struct store_report *report)
{
	char name[FOLDER_NAME_BYTES_MAX];

	snapshot_name(name, f->index, f->ending);
	f->bytes = f->started = 0;
	f->fd = folder_open(&s->folder, name, O_WRONLY | O_CREAT | O_TRUNC);
	return f->fd < 0 ? folder_fail(&s->folder, "make", name, report) : 0;
}

/* On a file system that cannot the flush at the end does all of it. */
static bool cannot_send(int error)
{
	return error == EINVAL || error == ENOSYS || error == ESPIPE;
}

int snapshot_file_write(struct store *s, struct snapshot_file *f, const char *p, size_t n,
			struct store_report *report)
{
	char name[FOLDER_NAME_BYTES_MAX];

	snapshot_name(name, f->index, f->ending);
	if (file_write(f->fd, p, n, f->bytes))
		return folder_fail(&s->folder, "write", name, report);
	f->bytes += n;
	if (s->folder.fd < 0 || f->bytes - f->started < SEND_BYTES)
		return 0;
	if (sync_file_range(f->fd, (off_t)f->started, (off_t)(f->bytes - f->started),
			    SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER) && !cannot_send(errno))
		return folder_fail(&s->folder, "flush", name, report);
	f->started = f->bytes;
	return 0;
}

void snapshot_file_abandon(struct store *s, struct snapshot_file *f)
{
	char name[FOLDER_NAME_BYTES_MAX];

	if (f->fd < 0)
		return;
	close(f->fd);
	f->fd = -1;
	snapshot_name(name, f->index, f->ending);
	folder_remove(&s->folder, name);
}

int snapshot_file_publish(struct store *s, struct snapshot_file *f, struct store_report *report)
{
	char part[FOLDER_NAME_BYTES_MAX], name[FOLDER_NAME_BYTES_MAX];
	int rc = 0;

	snapshot_name(part, f->index, f->ending);
	snapshot_name(name, f->index, ".snapshot");
	if (folder_flush(&s->folder, f->fd))
		rc = folder_fail(&s->folder, "flush", part, report);
	else if (folder_rename(&s->folder, part, name))
		rc = folder_fail(&s->folder, "rename", part, report);
	else if (folder_flush_names(&s->folder))
		rc = folder_fail(&s->folder, "flush", NULL, report);
	close(f->fd);
	f->fd = -1;
	return rc;
}

int store_snapshot_create(struct store *s, uint64_t index, struct store_writer **out, struct store_report *report)
{
	struct store_writer *w = must_calloc(1, sizeof(*w));
	int rc;

	w->store = s;
	w->file = (struct snapshot_file){ .index = index, .ending = ".snapshot.part", .fd = -1 };
	rc = snapshot_file_open(s, &w->file, report);
	if (rc)
		free(w);
	else
		*out = w;
	return rc;
}

int store_writer_write(struct store_writer *w, const char *lines, size_t len, struct store_report *report)
{
	const char *end = lines + len;

	for (const char *p = lines; p < end; w->lines++) {
		p = memchr(p, '\n', (size_t)(end - p));
		assert(p);
		p++;
	}
	return snapshot_file_write(w->store, &w->file, lines, len, report);
}

static size_t end_record(char out[64], uint64_t lines)
{
	return (size_t)snprintf(out, 64, "{\"end\":true,\"lines\":%" PRIu64 "}", lines);
}

int store_writer_finish(struct store_writer *w, uint64_t *bytes, struct store_report *report)
{
	char json[64], line[64 + RECORD_EXTRA_BYTES];
	const char *end = store_snapshot_line(line, json, end_record(json, w->lines));
	int rc = snapshot_file_write(w->store, &w->file, line, (size_t)(end - line), report);

	*bytes = w->file.bytes;
	if (!rc)
		rc = snapshot_file_publish(w->store, &w->file, report);
	store_writer_abandon(w);
	return rc;
}

void store_writer_abandon(struct store_writer *w)
{
	snapshot_file_abandon(w->store, &w->file);
	free(w);
}

/* --- Reading --- */

const char *snapshot_lines_next(struct snapshot_lines *l, size_t *len)
{
	char expected[64], *line;

	l->byte += l->given;
	l->lines += l->given > 0;
	l->given = 0;
	while (!l->why) {
		enum line_status status = line_next(&l->reader, &line, len);

		if (status == LINE_NONE)
			return NULL;
		if (l->ended)
			l->why = "something follows the last record";
		else if (status != LINE_WHOLE || !record_whole(line, *len))
			l->why = "the checksum does not match";
		if (l->why)
			return NULL;
		l->given = *len + 1;
		*len -= RECORD_HEAD_BYTES;
		line += RECORD_HEAD_BYTES;
		if (*len < 7 || memcmp(line, "{\"end\":", 7) != 0)
			return line;
		l->ended = end_record(expected, l->lines) == *len && !memcmp(expected, line, *len);
		if (l->ended)
			l->byte += l->given;
		else
			l->why = "the number of lines is another";
		l->given = 0;
	}
	return NULL;
}

/* Opened for reading, or -1 and *rc. */
static int open_snapshot(struct store *s, uint64_t index, struct store_report *report, int *rc)
{
	char name[FOLDER_NAME_BYTES_MAX];
	int fd;

	snapshot_name(name, index, ".snapshot");
	fd = folder_open(&s->folder, name, O_RDONLY);
	if (fd < 0) {
		*rc = errno == ENOENT ? STORE_ENONE : STORE_ESYSTEM;
		folder_fail(&s->folder, "open", name, report);
	}
	return fd;
}

int snapshot_lines_end(const struct snapshot_lines *l, const struct store *s, uint64_t index, uint64_t bytes,
		       struct store_report *report)
{
	char name[FOLDER_NAME_BYTES_MAX];

	if (!l->why && l->ended && l->byte == bytes)
		return 0;
	snapshot_name(name, index, ".snapshot");
	folder_say(&s->folder, name, report, ", line %" PRIu64 ", byte %" PRIu64 ": %s", l->lines + 1 + l->ended,
		   l->byte, l->why ? l->why : "the last record is missing");
	return STORE_ECORRUPT;
}

int store_snapshot_load(struct store *s, uint64_t index, store_line_fn *take, void *ctx, struct store_report *report)
{
	struct snapshot_lines lines = { 0 };
	char name[FOLDER_NAME_BYTES_MAX];
	const char *why = NULL;
	ssize_t n = 1;
	int rc = 0, fd = open_snapshot(s, index, report, &rc);
	uint64_t size = 0;

	if (fd < 0)
		return rc;
	snapshot_name(name, index, ".snapshot");
	line_init(&lines.reader, STORE_LINE_BYTES_MAX);
	while (rc == 0 && !lines.why && n > 0) {
		const char *json;
		size_t len;

		while (rc == 0 && (json = snapshot_lines_next(&lines, &len)))
			rc = take(ctx, json, len, &why);
		if (rc == STORE_ECORRUPT)
			lines.why = why ? why : "the record makes no sense";
		if (rc == 0 && !lines.why) {
			n = line_read(&lines.reader, fd);
			size += n > 0 ? (uint64_t)n : 0;
		}
	}
	if (n < 0)
		rc = folder_fail(&s->folder, "read", name, report);
	else if (rc == 0 || rc == STORE_ECORRUPT)
		rc = snapshot_lines_end(&lines, s, index, size, report);
	line_release(&lines.reader);
	close(fd);
	return rc;
}

ssize_t store_snapshot_chunk(struct store *s, uint64_t index, uint64_t offset, char *out, size_t cap,
			     struct store_report *report)
{
	char name[FOLDER_NAME_BYTES_MAX];
	ssize_t n;
	int rc = 0;

	if (s->chunk_index != index && s->chunk_fd >= 0) {
		close(s->chunk_fd);
		s->chunk_fd = -1;
	}
	if (s->chunk_fd < 0)
		s->chunk_fd = open_snapshot(s, index, report, &rc);
	if (s->chunk_fd < 0)
		return rc;
	s->chunk_index = index;
	n = pread(s->chunk_fd, out, cap, (off_t)offset);
	if (n >= 0)
		return n;
	snapshot_name(name, index, ".snapshot");
	return folder_fail(&s->folder, "read", name, report);
}

/* --- All of them --- */

struct newest { uint64_t index; };

static void find_newest(void *ctx, const char *name)
{
	struct newest *newest = ctx;
	uint64_t index = store_snapshot_index(name, ".snapshot");

	if (index > newest->index)
		newest->index = index;
}

int store_snapshot_newest(struct store *s, uint64_t *index, uint64_t *bytes)
{
	char name[FOLDER_NAME_BYTES_MAX];
	struct newest newest = { 0 };
	struct stat st;
	int fd, rc;

	if (folder_list(&s->folder, find_newest, &newest))
		return STORE_ESYSTEM;
	if (!newest.index)
		return STORE_ENONE;
	snapshot_name(name, newest.index, ".snapshot");
	fd = folder_open(&s->folder, name, O_RDONLY);
	rc = fd < 0 ? -1 : fstat(fd, &st);
	if (fd >= 0)
		close(fd);
	if (rc)
		return STORE_ESYSTEM;
	*index = newest.index;
	*bytes = (uint64_t)st.st_size;
	return 0;
}

struct dropping {
	struct store *store;
	uint64_t before;
	struct store_report *report;
	int rc;
};

static void drop(void *ctx, const char *name)
{
	struct dropping *d = ctx;
	uint64_t index = store_snapshot_index(name, ".snapshot");

	if (index && index < d->before && folder_remove(&d->store->folder, name))
		d->rc = folder_fail(&d->store->folder, "remove", name, d->report);
}

int store_snapshot_drop_before(struct store *s, uint64_t index, struct store_report *report)
{
	struct dropping d = { .store = s, .before = index, .report = report };

	if (s->chunk_fd >= 0 && s->chunk_index < index) {
		close(s->chunk_fd);
		s->chunk_fd = -1;
	}
	if (folder_list(&s->folder, drop, &d))
		return folder_fail(&s->folder, "read", NULL, report);
	return d.rc;
}
