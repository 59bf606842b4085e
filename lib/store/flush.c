/*
 * flush: what was appended goes to the disk; room for more is made ahead.
 *
 * A failure ends the log: after fdatasync has failed nobody knows what of it is on the disk, and a second one that
 * succeeds proves nothing (the kernel has marked the pages clean).
 */
#include "lib/store/inside.h"

#include <assert.h>

static int write_piece(struct store *s, const struct piece *p, const char *bytes, struct store_report *report)
{
	char name[FOLDER_NAME_BYTES_MAX];
	uint64_t end = (uint64_t)p->offset + p->len, target = 2 * s->file.filled;
	int rc;

	assert(s->file.segment == p->segment);
	if (end > s->file.filled) {
		if (target < STORE_FILL_FIRST_BYTES)
			target = STORE_FILL_FIRST_BYTES;
		if (target > s->segment_bytes)
			target = s->segment_bytes;
		rc = file_fill(s, &s->file, target > end ? target : end, report);
		if (rc)
			return rc;
	}
	store_segment_name(name, p->segment);
	if (file_write(s->file.fd, bytes, p->len, p->offset))
		return folder_fail(&s->folder, "write", name, report);
	if (folder_flush(&s->folder, s->file.fd))
		return folder_fail(&s->folder, "flush", name, report);
	return 0;
}

/* A node that writes next to nothing needs no 8 MiB. */
static bool wants_spare(const struct store *s, uint64_t used)
{
	return s->folder.fd >= 0 && (s->file.segment > 1 || used > STORE_FILL_FIRST_BYTES / 2) &&
		(s->file.filled < s->segment_bytes || s->next.fd < 0 || s->next.filled < s->segment_bytes);
}

int store_flush(struct store *s, struct store_report *report)
{
	const struct piece *p = s->flushing.piece, *end = p + s->flushing.pieces;
	const char *bytes = s->flushing.bytes.at;

	assert(s->flush_under_way && !s->failed);
	s->failed = true;
	for (; p < end; p++) {
		if (p->segment != s->file.segment) {
			file_close(&s->file);
			s->file = s->next;
			s->next.fd = -1;
		}
		/* The next segment's name is on the disk before this one's last record says that it follows. */
		if (p + 1 < end && s->next.fd < 0 && file_open(s, &s->next, p[1].segment, report))
			return STORE_ESYSTEM;
		if (write_piece(s, p, bytes, report))
			return STORE_ESYSTEM;
		bytes += p->len;
	}
	atomic_store(&s->wants_spare, wants_spare(s, p[-1].offset + p[-1].len));
	s->failed = false;
	return 0;
}

bool store_wants_spare(const struct store *s)
{
	return atomic_load(&s->wants_spare);
}

int store_prepare(struct store *s, struct store_report *report)
{
	struct file *f = &s->file;
	uint64_t target;

	assert(!s->failed);
	s->failed = true;
	if (f->filled >= s->segment_bytes) {
		f = &s->next;
		if (f->fd < 0 && file_open(s, f, s->file.segment + 1, report))
			return STORE_ESYSTEM;
	}
	target = f->filled + STORE_FILL_STEP_BYTES;
	if (file_fill(s, f, target < s->segment_bytes ? target : s->segment_bytes, report))
		return STORE_ESYSTEM;
	atomic_store(&s->wants_spare, s->next.fd < 0 || s->next.filled < s->segment_bytes);
	s->failed = false;
	return 0;
}
