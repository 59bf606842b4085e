/*
 * read: records again, from a file where they are flushed and from memory where they are not yet; old segments go.
 */
#include "lib/store/inside.h"

#include <assert.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

struct reading {
	struct store *s;
	store_record_fn *record;
	void *ctx;
	struct store_report *report;
	struct store_pos at;
};

static int damaged(const struct reading *r, const char *why)
{
	char name[FOLDER_NAME_BYTES_MAX];

	store_segment_name(name, r->at.segment);
	folder_say(&r->s->folder, name, r->report, ", byte %" PRIu32 ": %s", r->at.offset, why);
	return STORE_ECORRUPT;
}

static int take_line(struct reading *r, const char *line, size_t len)
{
	const char *json = line + RECORD_HEAD_BYTES, *why = NULL;
	int rc;

	if (!record_whole(line, len))
		return damaged(r, "the checksum does not match");
	len -= RECORD_HEAD_BYTES;
	if (own_is(json, len))
		return 0;
	rc = r->record(r->ctx, json, len, r->at, &why);
	return rc == STORE_ECORRUPT ? damaged(r, why ? why : "the record makes no sense") : rc;
}

/* From r->at to `end` of its segment. */
static int read_file(struct reading *r, uint32_t end)
{
	struct line_reader *lines = &r->s->lines;
	char name[FOLDER_NAME_BYTES_MAX], *line;
	ssize_t n = 1;
	size_t len;
	int fd, rc = 0;

	store_segment_name(name, r->at.segment);
	fd = folder_open(&r->s->folder, name, O_RDONLY);
	if (fd < 0)
		return folder_fail(&r->s->folder, "open", name, r->report);
	line_init(lines, STORE_LINE_BYTES_MAX);
	if (lseek(fd, r->at.offset, SEEK_SET) < 0)
		n = -1;
	while (n > 0 && rc == 0 && r->at.offset < end) {
		enum line_status status = line_next(lines, &line, &len);

		if (status == LINE_NONE) {
			n = line_read(lines, fd);
			continue;
		}
		rc = status == LINE_WHOLE ? take_line(r, line, len) : damaged(r, "the line is too long");
		if (!rc)
			r->at.offset += (uint32_t)len + 1;
	}
	if (n < 0)
		rc = folder_fail(&r->s->folder, "read", name, r->report);
	else if (!rc && r->at.offset < end)
		rc = damaged(r, "the file is too short");
	line_release(lines);
	close(fd);
	return rc;
}

/* The batch's records in the segment of r->at from there on; they follow those before. */
static int read_batch(struct reading *r, const struct batch *b)
{
	const char *p = b->bytes.at;

	for (size_t i = 0; i < b->pieces; p += b->piece[i++].len) {
		const struct piece *piece = &b->piece[i];
		const char *end = p + piece->len;

		if (piece->segment != r->at.segment || piece->offset + piece->len <= r->at.offset)
			continue;
		assert(r->at.offset >= piece->offset);
		for (const char *line = p + (r->at.offset - piece->offset); line < end;) {
			size_t len = (size_t)((const char *)memchr(line, '\n', (size_t)(end - line)) - line);
			int rc = take_line(r, line, len);

			if (rc)
				return rc;
			r->at.offset += (uint32_t)len + 1;
			line += len + 1;
		}
	}
	return 0;
}

/* Where the batch begins in the segment, or `end` if it does not. */
static uint32_t batch_begins(const struct batch *b, uint32_t segment, uint32_t end)
{
	for (size_t i = 0; i < b->pieces; i++)
		if (b->piece[i].segment == segment)
			return b->piece[i].offset;
	return end;
}

static int read_segment(struct reading *r, const struct segment *segment)
{
	const struct store *s = r->s;
	uint32_t pending = batch_begins(&s->pending, segment->number, segment->end);
	uint32_t flushed = batch_begins(&s->flushing, segment->number, pending);
	int rc = 0;

	if (r->at.offset < flushed)
		rc = read_file(r, flushed);
	if (!rc)
		rc = read_batch(r, &s->flushing);
	if (!rc)
		rc = read_batch(r, &s->pending);
	return rc;
}

int store_read(struct store *s, struct store_pos pos, store_record_fn *record, void *ctx, struct store_report *report)
{
	struct reading r = { .s = s, .record = record, .ctx = ctx, .report = report, .at = pos };
	int rc = 0;

	assert(s->replayed);
	report->text[0] = '\0';
	if (pos.segment < s->segment[0].number || pos.segment > store_newest(s)->number) {
		folder_say(&s->folder, NULL, report, " has no segment %" PRIu32, pos.segment);
		return STORE_ENONE;
	}
	for (size_t i = pos.segment - s->segment[0].number; i < s->segments && !rc; i++) {
		rc = read_segment(&r, &s->segment[i]);
		r.at = (struct store_pos){ .segment = s->segment[i].number + 1 };
	}
	return rc;
}

int store_drop_before(struct store *s, struct store_pos pos, struct store_report *report)
{
	char name[FOLDER_NAME_BYTES_MAX];
	size_t gone = 0;
	int rc = 0;

	/*
	 * What is left has a header on the disk, and the caller's state: before the first flush since the open that
	 * may be in an older segment alone.
	 */
	while (s->segment[gone].number < pos.segment && s->segment[gone].number < s->flushed_segment) {
		store_segment_name(name, s->segment[gone].number);
		if (folder_remove(&s->folder, name)) {
			rc = folder_fail(&s->folder, "remove", name, report);
			break;
		}
		gone++;
	}
	s->segments -= gone;
	memmove(s->segment, s->segment + gone, s->segments * sizeof(*s->segment));
	return rc;
}

uint64_t store_log_bytes(const struct store *s)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < s->segments; i++)
		bytes += s->segment[i].end;
	return bytes;
}
