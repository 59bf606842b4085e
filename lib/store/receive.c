/*
 * receive: a snapshot that comes in chunks.
 *
 * Its lines are checked as they come, so that nothing has to be read again before it gets its name.
 */
#include "lib/store/inside.h"

#include <inttypes.h>
#include <unistd.h>

static int begin(struct store *s, uint64_t index, struct store_report *report)
{
	snapshot_file_abandon(s, &s->received);
	line_release(&s->received_lines.reader);
	s->received_lines = (struct snapshot_lines){ 0 };
	line_init(&s->received_lines.reader, STORE_LINE_BYTES_MAX);
	s->received = (struct snapshot_file){ .index = index, .ending = ".received.part", .fd = -1 };
	return snapshot_file_open(s, &s->received, report);
}

int store_snapshot_receive(struct store *s, uint64_t index, uint64_t offset, const char *bytes, size_t len,
			   struct store_report *report)
{
	size_t json_len;

	if (offset == 0) {
		int rc = begin(s, index, report);

		if (rc)
			return rc;
	}
	if (s->received.fd < 0 || s->received.index != index || s->received.bytes != offset) {
		folder_say(&s->folder, NULL, report, ": byte %" PRIu64 " of snapshot %" PRIu64
			   " does not follow what is there", offset, index);
		return STORE_ENONE;
	}
	if (!s->received_lines.why) {
		line_feed(&s->received_lines.reader, bytes, len);
		while (snapshot_lines_next(&s->received_lines, &json_len))
			;
	}
	return snapshot_file_write(s, &s->received, bytes, len, report);
}

int store_snapshot_install(struct store *s, uint64_t index, uint64_t *bytes, struct store_report *report)
{
	struct snapshot_lines *lines = &s->received_lines;
	int rc;

	if (s->received.fd < 0 || s->received.index != index) {
		folder_say(&s->folder, NULL, report, ": snapshot %" PRIu64 " was not received", index);
		return STORE_ENONE;
	}
	*bytes = s->received.bytes;
	rc = snapshot_lines_end(lines, s, index, s->received.bytes, report);
	if (!rc)
		rc = snapshot_file_publish(s, &s->received, report);
	snapshot_file_abandon(s, &s->received);
	line_release(&lines->reader);
	if (s->chunk_fd >= 0 && s->chunk_index == index) {
		close(s->chunk_fd);
		s->chunk_fd = -1;
	}
	return rc;
}
