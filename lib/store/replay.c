/*
 * replay: a log is read from its oldest record on, and made fit to go on.
 *
 * Records stand one behind the other.  The first place where none does is the end of the log, or damage that a
 * crash explains (torn: cut off here), or damage that it does not (corruption: nothing is changed).
 *
 * Invariant: what was handed on is on the disk before store_replay returns.
 */
#include "lib/store/damage.h"
#include "lib/store/inside.h"

#include <assert.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct replay {
	struct store *s;
	store_record_fn *record;
	void *ctx;
	struct store_report *torn, *report;

	char name[FOLDER_NAME_BYTES_MAX];       /* of the segment being read */
	int fd;
	uint64_t size;
	struct store_pos at;                    /* the next record */
	uint64_t line;                          /* its number in the file, from 1 */
	struct store_pos flush;                 /* the newest record that begins a flush */
	bool begun, closed;                     /* the segment's header, its {"next"} were there */
	const char *why;
};

/* `'n1.raft/00000003.log', line 17, byte 2043: WHAT`: of the place where the next record is. */
static void say(const struct replay *r, struct store_report *report, const char *what)
{
	folder_say(&r->s->folder, r->name, report, ", line %" PRIu64 ", byte %" PRIu32 ": %s",
		   r->line, r->at.offset, what);
}

static int corrupt(const struct replay *r, const char *why)
{
	say(r, r->report, why);
	return STORE_ECORRUPT;
}

/* --- The records --- */

static int take_header(struct replay *r, const char *json, size_t len)
{
	struct store *s = r->s;
	struct own_header h;
	int rc;

	if (!own_header_read(&h, json, len))
		return corrupt(r, "the segment does not begin with a header");
	rc = own_header_check(s, &h, r->name, r->report);
	if (rc)
		return rc;
	if (h.segment != r->at.segment)
		return corrupt(r, "the header is that of another segment");
	if (!r->flush.segment) {        /* the first that is there */
		s->flush = h.flush;
		s->chain = h.chain;
	}
	if (h.chain != s->chain || h.flush - s->flush > 1)
		return corrupt(r, "the segment does not continue the one before it");
	s->flush = h.flush;
	r->flush = r->at;
	r->begun = true;
	return 0;
}

/* Flush and next can say one thing alone. */
static int take_own(struct replay *r, const char *json, size_t len)
{
	struct store *s = r->s;

	if (own_is_next(json, len)) {
		own_next(&s->text, r->at.segment + 1);
		r->closed = true;
	} else {
		own_flush(&s->text, ++s->flush, s->chain);
		r->flush = r->at;
	}
	if (len == s->text.len && !memcmp(json, s->text.at, len))
		return 0;
	return corrupt(r, "records before this one are lost, or were added");
}

static int take_record(struct replay *r, const char *json, size_t len)
{
	const char *why = NULL;
	int rc;

	if (!r->begun)
		return take_header(r, json, len);
	if (own_is_flush(json, len) || own_is_next(json, len))
		return take_own(r, json, len);
	if (own_is_header(json, len))
		return corrupt(r, "a header inside a segment");
	rc = r->record(r->ctx, json, len, r->at, &why);
	if (rc == STORE_ECORRUPT)
		return corrupt(r, why ? why : "the record makes no sense");
	return rc;
}

/* Records up to the first place where there is none. */
static int take_records(struct replay *r)
{
	struct line_reader *lines = &r->s->lines;
	ssize_t n = 1;
	char *line;
	size_t len;

	while (n > 0 && !r->closed) {
		enum line_status status = line_next(lines, &line, &len);

		if (status == LINE_NONE) {
			n = line_read(lines, r->fd);
			continue;
		}
		/* A last line may lack its newline. */
		if (status != LINE_WHOLE || r->at.offset + len >= r->size || !record_whole(line, len))
			return 0;
		int rc = take_record(r, line + RECORD_HEAD_BYTES, len - RECORD_HEAD_BYTES);
		if (rc)
			return rc;
		r->s->chain = record_crc_extend(r->s->chain, line, RECORD_CRC_BYTES);
		r->at.offset += (uint32_t)len + 1;
		r->line++;
	}
	return n < 0 ? folder_fail(&r->s->folder, "read", r->name, r->report) : 0;
}

/* --- Where the records end --- */

/* Segments from the i-th on: 1 if something was written in one. */
static int any_written(struct replay *r, size_t i)
{
	char name[FOLDER_NAME_BYTES_MAX];
	struct store *s = r->s;
	int written = 0;

	for (; i < s->segments && written == 0; i++) {
		struct stat st;
		int64_t at = -1;

		store_segment_name(name, s->segment[i].number);
		int fd = folder_open(&s->folder, name, O_RDONLY);
		if (fd >= 0 && !fstat(fd, &st))
			at = damage_find_written(fd, 0, (uint64_t)st.st_size);
		written = at < 0 ? folder_fail(&s->folder, "read", name, r->report) : at < st.st_size;
		if (fd >= 0)
			close(fd);
	}
	return written;
}

static int judge_end(struct replay *r, size_t i)
{
	static const char *const why[] = {
		[DAMAGE_NONE] = "the segment ends here, but there are records in a later one",
		[DAMAGE_TORN_RECORD] = "the record is damaged, and there are records in a later segment",
		[DAMAGE_TORN_FLUSH] = "records are missing here, and there are some in a later segment",
		[DAMAGE_MISSING] = "records are missing here",
		[DAMAGE_WRONG] = "the checksum does not match",
	};
	int damage = damage_judge(r->fd, r->at.offset, r->size, &r->s->lines), later;

	if (damage < 0)
		return folder_fail(&r->s->folder, "read", r->name, r->report);
	later = any_written(r, i + 1);
	if (later < 0)
		return later;
	if (later || damage == DAMAGE_MISSING || damage == DAMAGE_WRONG)
		return corrupt(r, why[damage]);
	/* Segments go, and the first one grows, once a header is on the disk: the oldest has one, or is new. */
	if (!r->begun && i == 0 && (r->at.segment > 1 || r->size > STORE_FILL_FIRST_BYTES))
		return corrupt(r, "the header of the oldest segment is lost");
	if (damage == DAMAGE_TORN_RECORD)
		say(r, r->torn, "a torn record is cut off, which nobody was told is stored");
	if (damage == DAMAGE_TORN_FLUSH)
		say(r, r->torn, "a torn flush is cut off, which nobody was told is stored");
	return 0;
}

/* --- Segments --- */

static int take_segment(struct replay *r, size_t i)
{
	struct store *s = r->s;
	struct stat st;
	int rc;

	r->at = (struct store_pos){ .segment = s->segment[i].number };
	r->line = 1;
	r->begun = r->closed = false;
	store_segment_name(r->name, r->at.segment);
	r->fd = folder_open(&s->folder, r->name, O_RDONLY);
	if (r->fd < 0 || fstat(r->fd, &st))
		return folder_fail(&s->folder, "open", r->name, r->report);
	r->size = (uint64_t)st.st_size;
	if (r->size > UINT32_MAX)
		return corrupt(r, "the file is too large for a segment");
	line_release(&s->lines);
	rc = take_records(r);
	if (rc)
		return rc;
	s->segment[i].end = r->at.offset;
	if (!r->closed)
		return judge_end(r, i);
	if (damage_find_written(r->fd, r->at.offset, r->size) != (int64_t)r->size)
		return corrupt(r, "something follows the segment's last record");
	return 0;
}

static int missing(struct replay *r, uint32_t number)
{
	store_segment_name(r->name, number);
	folder_say(&r->s->folder, r->name, r->report, " is missing");
	return STORE_ECORRUPT;
}

/* To the segment where the log ends, whose place in the table is *last. */
static int take_segments(struct replay *r, size_t *last)
{
	struct store *s = r->s;
	int rc = 0;

	for (size_t i = 1; i < s->segments; i++)
		if (s->segment[i].number != s->segment[i - 1].number + 1)
			return missing(r, s->segment[i - 1].number + 1);
	for (size_t i = 0; i < s->segments; i++) {
		*last = i;
		rc = take_segment(r, i);
		if (r->fd >= 0)
			close(r->fd);
		if (rc || !r->closed)
			return rc;
	}
	return r->closed ? missing(r, r->at.segment + 1) : 0;
}

/* --- Fit to go on --- */

/* From .. to on itself. */
static int rewrite(int fd, uint64_t from, uint64_t to)
{
	char block[16 << 10];

	while (from < to) {
		size_t left = (size_t)(to - from);
		ssize_t n = pread(fd, block, left < sizeof(block) ? left : sizeof(block), (off_t)from);

		if (n <= 0 || file_write(fd, block, (size_t)n, from))
			return -1;
		from += (uint64_t)n;
	}
	return 0;
}

/*
 * Newlines from the segment's end on; what the last flush wrote there is written once more and flushed: the process
 * may have died before its flush was done, or of a failed one, after which the kernel takes for written
 * what is in its memory alone.
 */
static int settle_segment(struct replay *r, struct file *f, const struct segment *segment)
{
	struct store *s = r->s;
	int64_t other;

	if (file_open(s, f, segment->number, r->report))
		return STORE_ESYSTEM;
	store_segment_name(r->name, segment->number);
	other = damage_find_other(f->fd, segment->end, f->filled);
	if (other < 0)
		return folder_fail(&s->folder, "read", r->name, r->report);
	if ((uint64_t)other < f->filled && file_write_newlines(f->fd, segment->end, f->filled))
		return folder_fail(&s->folder, "write", r->name, r->report);
	if (r->flush.segment == segment->number && rewrite(f->fd, r->flush.offset, segment->end))
		return folder_fail(&s->folder, "write", r->name, r->report);
	if (folder_flush(&s->folder, f->fd))
		return folder_fail(&s->folder, "flush", r->name, r->report);
	return 0;
}

static int settle(struct replay *r, size_t last)
{
	struct store *s = r->s;
	/* Where the segment that the log ends in is not begun, the last flush was in the one before. */
	size_t i = last && !r->begun ? last - 1 : last;

	if (!s->segments)
		store_segment_add(s, 1, 0);
	for (; i < s->segments; i++) {
		struct file f = { .fd = -1 };
		int rc = settle_segment(r, &f, &s->segment[i]);

		if (!rc && i == last)
			s->file = f;
		else
			file_close(&f);
		if (rc)
			return rc;
	}
	s->segments = last + 1;         /* those after it are blank: the next ones to be written */
	s->begun = r->begun;
	return folder_flush_names(&s->folder) ? folder_fail(&s->folder, "flush", NULL, r->report) : 0;
}

int store_replay(struct store *s, store_record_fn *record, void *ctx, struct store_report *torn,
		 struct store_report *report)
{
	struct replay r = { .s = s, .record = record, .ctx = ctx, .torn = torn, .report = report, .fd = -1 };
	size_t last = 0;
	int rc;

	assert(!s->replayed);
	torn->text[0] = report->text[0] = '\0';
	line_init(&s->lines, STORE_LINE_BYTES_MAX);
	rc = take_segments(&r, &last);
	line_release(&s->lines);
	if (!rc)
		rc = settle(&r, last);
	s->replayed = !rc;
	return rc;
}
