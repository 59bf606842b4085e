/*
 * open: the folder, what is in it and whose it is.
 */
#include "lib/store/inside.h"
#include "lib/base/err.h"
#include "lib/json/text.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void store_segment_name(char name[FOLDER_NAME_BYTES_MAX], uint32_t number)
{
	snprintf(name, FOLDER_NAME_BYTES_MAX, "%08" PRIu32 ".log", number);
}

static uint32_t segment_number(const char *name)
{
	char same[FOLDER_NAME_BYTES_MAX];
	unsigned long number = strtoul(name, NULL, 10);

	if (number == 0 || number >= UINT32_MAX)
		return 0;
	store_segment_name(same, (uint32_t)number);
	return strcmp(name, same) ? 0 : (uint32_t)number;
}

struct listing { struct store *s; bool snapshots; };

static void take_name(void *ctx, const char *name)
{
	struct listing *l = ctx;
	uint32_t number = segment_number(name);

	if (number)
		store_segment_add(l->s, number, 0);
	if (store_snapshot_index(name, ".snapshot"))
		l->snapshots = true;
	if (store_snapshot_index(name, ".snapshot.part") || store_snapshot_index(name, ".received.part"))
		folder_remove(&l->s->folder, name);
}

static int by_number(const void *a, const void *b)
{
	const struct segment *one = a, *two = b;

	return (one->number > two->number) - (one->number < two->number);
}

/* The first line of the oldest segment says whose the log is; where it is damaged store_replay tells. */
static int read_owner(struct store *s, struct store_report *report)
{
	char name[FOLDER_NAME_BYTES_MAX], *line;
	enum line_status status;
	struct own_header h;
	ssize_t n = 1;
	size_t len;
	int fd, rc = 0;

	store_segment_name(name, s->segment[0].number);
	fd = folder_open(&s->folder, name, O_RDONLY);
	if (fd < 0)
		return folder_fail(&s->folder, "open", name, report);
	line_init(&s->lines, STORE_LINE_BYTES_MAX);
	while ((status = line_next(&s->lines, &line, &len)) == LINE_NONE && n > 0)
		n = line_read(&s->lines, fd);
	if (n < 0)
		rc = folder_fail(&s->folder, "read", name, report);
	else if (status == LINE_WHOLE && record_whole(line, len) &&
		 own_header_read(&h, line + RECORD_HEAD_BYTES, len - RECORD_HEAD_BYTES)) {
		s->fresh = false;
		rc = own_header_check(s, &h, NULL, report);
		if (!rc && h.cluster && !s->cluster) {
			s->cluster = must_calloc(h.cluster_len + 1, 1);
			memcpy(s->cluster, h.cluster, h.cluster_len);
		}
	}
	line_release(&s->lines);
	close(fd);
	return rc;
}

static int look_around(struct store *s, struct store_report *report)
{
	struct listing l = { .s = s };
	int rc;

	if (folder_list(&s->folder, take_name, &l))
		return folder_fail(&s->folder, "read", NULL, report);
	if (s->segments) {
		qsort(s->segment, s->segments, sizeof(*s->segment), by_number);
		rc = read_owner(s, report);
		if (rc)
			return rc;
	}
	if (l.snapshots && !s->segments) {
		folder_say(&s->folder, NULL, report, " has snapshots but no log");
		return STORE_ECORRUPT;
	}
	if (l.snapshots)
		s->fresh = false;
	/* Whoever made it may have died before its name was on the disk. */
	if (s->fresh && folder_flush_own_name(&s->folder))
		return folder_fail(&s->folder, "flush the name of", NULL, report);
	return 0;
}

static char *json_string(const char *text)
{
	size_t len = strlen(text);
	char *json = must_malloc(6 * len + 3);

	json[json_escape(text, len, json)] = '\0';
	return json;
}

int store_open(struct store **out, const struct store_options *o, struct store_report *report)
{
	struct store *s = must_calloc(1, sizeof(*s));
	int rc;

	assert(!o->segment_bytes || o->segment_bytes >= STORE_SEGMENT_BYTES_MIN);
	assert(o->segment_bytes <= STORE_SEGMENT_BYTES_MAX);
	report->text[0] = '\0';
	if (strlen(o->id) + (o->cluster ? strlen(o->cluster) : 0) > STORE_HEADER_BYTES_MAX) {
		snprintf(report->text, sizeof(report->text), "the id and the cluster are longer than a header may be");
		free(s);
		return STORE_EFULL;
	}
	rc = folder_init(&s->folder, o->dir, report);
	if (rc) {
		free(s);
		return rc;
	}
	s->kind = must_strdup(o->kind);
	s->id_json = json_string(o->id);
	s->cluster = o->cluster ? must_strdup(o->cluster) : NULL;
	s->segment_bytes = o->segment_bytes ? o->segment_bytes : STORE_SEGMENT_BYTES;
	s->fresh = true;
	s->file.fd = s->next.fd = s->chunk_fd = s->received.fd = -1;
	rc = look_around(s, report);
	if (rc)
		store_close(s);
	else
		*out = s;
	return rc;
}

bool store_fresh(const struct store *s)
{
	return s->fresh;
}

const char *store_cluster(const struct store *s)
{
	return s->cluster;
}

static void release_batch(struct batch *b)
{
	buf_release(&b->bytes);
	free(b->piece);
}

void store_close(struct store *s)
{
	snapshot_file_abandon(s, &s->received);
	line_release(&s->received_lines.reader);
	if (s->chunk_fd >= 0)
		close(s->chunk_fd);
	file_close(&s->file);
	file_close(&s->next);
	release_batch(&s->pending);
	release_batch(&s->flushing);
	buf_release(&s->text);
	line_release(&s->lines);
	folder_release(&s->folder);
	free(s->segment);
	free(s->kind);
	free(s->id_json);
	free(s->cluster);
	free(s);
}
