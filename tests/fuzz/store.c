/*
 * libFuzzer: the files of a store hold anything at all.
 *
 * The first byte chooses what the others make:
 *
 *     l   a log, s a snapshot, from lines: `!TEXT` is the bytes themselves (`\n` a newline), `JTEXT` TEXT with its
 *         checksum, `R` a record, `H`, `F`, `N` the header, flush and next record that would be right here, `S`
 *         another segment (in a log), `E` the last record of a snapshot
 *     d   a log that a store wrote, and damage to it: bytes that are changed, cut off, blanked, files that go
 *
 * Nothing crashes.  What is read stands in the files with its checksum, in their order; of a damaged log it is what
 * was written, from the first record on without a gap, or it is corruption.  A log that was read can go on.
 */
#include "lib/store/inside.h"

#include <assert.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SEGMENT_BYTES = 4096, RECORDS_MAX = 400 };

static char dir[64];
static struct store_report report, torn;

static void path_of(char path[128], const char *name)
{
	snprintf(path, 128, "%s/%s", dir, name);
}

static void put_file(const char *name, const char *p, size_t len)
{
	char path[128];
	int fd;

	path_of(path, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
	assert(fd >= 0 && write(fd, p, len) == (ssize_t)len);
	close(fd);
}

static void remove_dir(void)
{
	rmdir(dir);
}

static void clean_dir(void)
{
	DIR *d;

	if (!*dir) {
		snprintf(dir, sizeof(dir), "%s/fuzz-store-XXXXXX", access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
		assert(mkdtemp(dir));
		atexit(remove_dir);
	}
	d = opendir(dir);
	assert(d);
	for (struct dirent *e; (e = readdir(d));)
		if (e->d_name[0] != '.')
			unlinkat(dirfd(d), e->d_name, 0);
	closedir(d);
}

static struct store *must_open(const char *in)
{
	struct store_options o = { .dir = in, .kind = "raft", .id = "n1", .segment_bytes = SEGMENT_BYTES };
	struct store *s;
	int rc = store_open(&s, &o, &report);

	if (rc)
		assert(*report.text && (rc == STORE_EOTHER || rc == STORE_ECORRUPT));
	return rc ? NULL : s;
}

/* --- Lines to files --- */

struct writer {
	struct buf text;
	uint32_t segment, chain;
	uint64_t flush, lines;
};

static void add_line(struct writer *w, const char *json, size_t len)
{
	char *line = buf_room(&w->text, len + RECORD_EXTRA_BYTES);

	store_snapshot_line(line, json, len);
	w->chain = record_crc_extend(w->chain, line, RECORD_CRC_BYTES);
	w->text.len += len + RECORD_EXTRA_BYTES;
	w->lines++;
}

static void add_raw(struct writer *w, const char *p, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		bool newline = p[i] == '\\' && i + 1 < len && p[i + 1] == 'n';

		buf_putc(&w->text, newline ? '\n' : p[i]);
		i += newline;
	}
}

static void end_segment(struct writer *w)
{
	char name[FOLDER_NAME_BYTES_MAX];

	store_segment_name(name, w->segment++);
	put_file(name, w->text.at, w->text.len);
	buf_drop(&w->text, w->text.len);
}

static void add_own(struct writer *w, char kind)
{
	static char id[] = "\"n1\"", raft[] = "raft";
	struct store s = { .kind = raft, .id_json = id };
	struct buf own = { 0 };

	switch (kind) {
	case 'H':
		own_header(&own, &s, w->segment, w->flush += w->segment == 1, w->chain);
		break;
	case 'F':
		own_flush(&own, ++w->flush, w->chain);
		break;
	case 'N':
		own_next(&own, w->segment + 1);
		break;
	default:
		buf_printf(&own, "{\"end\":true,\"lines\":%llu}", (unsigned long long)w->lines);
	}
	add_line(w, own.at, own.len);
	buf_release(&own);
}

static void add(struct writer *w, const char *line, size_t len)
{
	char kind = len ? *line : '!';

	switch (kind) {
	case 'H': case 'F': case 'N': case 'E':
		add_own(w, kind);
		break;
	case 'J':
		add_line(w, line + 1, len - 1);
		break;
	case 'R':
		add_line(w, "{\"r\":\"a record of this log, of some length\"}", 45);
		break;
	case 'S':
		end_segment(w);
		break;
	default:
		add_raw(w, line + (len > 0), len - (len > 0));
	}
}

static void add_lines(struct writer *w, const char *p, size_t size)
{
	const char *end = p + size;

	buf_room(&w->text, 1);
	while (p < end) {
		const char *newline = memchr(p, '\n', (size_t)(end - p));

		add(w, p, (size_t)((newline ? newline : end) - p));
		p = newline ? newline + 1 : end;
	}
}

/* --- A log of anything --- */

struct found { struct store_pos last; size_t records; };

static int check_place(void *ctx, const char *json, size_t len, struct store_pos pos, const char **why)
{
	struct found *f = ctx;
	char path[128], name[FOLDER_NAME_BYTES_MAX];
	char *there = malloc(len + RECORD_EXTRA_BYTES), *line = malloc(len + RECORD_EXTRA_BYTES);
	int fd;

	(void)why;
	assert(pos.segment > f->last.segment || pos.offset > f->last.offset);
	store_segment_name(name, pos.segment);
	path_of(path, name);
	fd = open(path, O_RDONLY);
	assert(fd >= 0);
	assert(pread(fd, there, len + RECORD_EXTRA_BYTES, pos.offset) == (ssize_t)(len + RECORD_EXTRA_BYTES));
	close(fd);
	store_snapshot_line(line, json, len);
	assert(!memcmp(there, line, len + RECORD_EXTRA_BYTES));
	free(there);
	free(line);
	f->last = pos;
	f->records++;
	return 0;
}

static void append_one(struct store *s, const char *text)
{
	struct store_part part = { text, strlen(text) };
	bool rotated;

	assert(store_append(s, &part, 1, &rotated).segment);
	assert(store_flush_begin(s) && !store_flush(s, &report));
	store_flush_end(s);
}

/* Reads it, and once more with a record added. */
static void replay_twice(store_record_fn *check, void *first, void *second, const size_t *first_records,
			 const size_t *second_records, const char *added)
{
	struct store *s = must_open(dir);
	int rc;

	if (!s)
		return;
	rc = store_replay(s, check, first, &torn, &report);
	assert(rc == 0 || ((rc == STORE_ECORRUPT || rc == STORE_EOTHER) && *report.text));
	if (rc == 0)
		append_one(s, added);
	store_close(s);
	if (rc)
		return;
	s = must_open(dir);
	assert(s);
	assert(!store_replay(s, check, second, &torn, &report) && !*torn.text);
	assert(*second_records == *first_records + 1);
	store_close(s);
}

static void fuzz_log(const char *p, size_t size)
{
	struct writer w = { .segment = 1 };
	struct found first = { 0 }, second = { 0 };

	add_lines(&w, p, size);
	end_segment(&w);
	buf_release(&w.text);
	replay_twice(check_place, &first, &second, &first.records, &second.records, "{\"added\":1}");
}

/* --- A snapshot of anything: read from its file and received in chunks, it is whole in both cases or in none --- */

static int sum_line(void *ctx, const char *json, size_t len, const char **why)
{
	uint32_t *sum = ctx;

	(void)why;
	*sum = record_crc_extend(*sum, json, len);
	return 0;
}

static void fuzz_snapshot(const char *p, size_t size)
{
	struct writer w = { 0 };
	struct store *s, *other;
	uint32_t sum = 0, sum_received = 0;
	uint64_t bytes;
	int rc;

	add_lines(&w, p, size);
	put_file("00000001.log", "", 0);
	put_file("0000000000000001.snapshot", w.text.at, w.text.len);
	s = must_open(dir);
	other = must_open(NULL);
	assert(s && other);
	rc = store_snapshot_load(s, 1, sum_line, &sum, &report);
	assert(rc == 0 || (rc == STORE_ECORRUPT && *report.text));
	for (size_t at = 0; at < w.text.len || at == 0; at += 100) {
		size_t len = w.text.len - at < 100 ? w.text.len - at : 100;

		assert(!store_snapshot_receive(other, 1, at, w.text.at + at, len, &report));
	}
	assert(store_snapshot_install(other, 1, &bytes, &report) == rc);
	if (rc == 0) {
		assert(!store_snapshot_load(other, 1, sum_line, &sum_received, &report));
		assert(sum == sum_received);
	}
	store_close(s);
	store_close(other);
	buf_release(&w.text);
}

/* --- A log that was written, and damage --- */

struct expected { size_t records, written; };

static size_t numbered(char text[1200], size_t n)
{
	size_t len = (size_t)snprintf(text, 1200, "{\"n\":%zu,\"pad\":\"", n);

	memset(text + len, 'a' + (int)(n % 26), n * 97 % 1000 * (n % 3 == 0));
	len += n * 97 % 1000 * (n % 3 == 0);
	memcpy(text + len, "\"}", 3);
	return len + 2;
}

static int check_number(void *ctx, const char *json, size_t len, struct store_pos pos, const char **why)
{
	struct expected *e = ctx;
	char text[1200];

	(void)pos, (void)why;
	if (e->records == e->written || e->records >= RECORDS_MAX)
		assert(len == 11 && !memcmp(json, "{\"added\":1}", 11));
	else
		assert(len == numbered(text, e->records) && !memcmp(json, text, len));
	e->records++;
	return 0;
}

static int check_prefix(void *ctx, const char *json, size_t len, struct store_pos pos, const char **why)
{
	struct expected *e = ctx;

	/* Without its oldest segments a log is one that was shortened. */
	if (pos.segment > 1 && !e->records)
		e->records = strtoul(json + strlen("{\"n\":"), NULL, 10);
	/* The record added stands where the damage began. */
	if (len == 11 && !memcmp(json, "{\"added\":1}", 11))
		e->written = e->records;
	return check_number(e, json, len, pos, why);
}

/* A record for each byte, a flush after those with bit 0; returns how many. */
static size_t write_log(const uint8_t *data, size_t size)
{
	struct store *s = must_open(dir);
	char text[1200];
	size_t n = 0;
	bool rotated;

	assert(s && !store_replay(s, check_number, &(struct expected){ 0 }, &torn, &report));
	for (; n < size && n < RECORDS_MAX; n++) {
		struct store_part part = { text, numbered(text, n) };

		store_append(s, &part, 1, &rotated);
		if (!(data[n] & 1) && n + 1 < size && n + 1 < RECORDS_MAX)
			continue;
		assert(store_flush_begin(s) && !store_flush(s, &report));
		store_flush_end(s);
	}
	store_close(s);
	return n;
}

/* Four bytes: what, which segment, where in it (two). */
static void damage(const uint8_t *d)
{
	char name[FOLDER_NAME_BYTES_MAX], path[128], other[128], block[1024];
	off_t at = (off_t)(d[2] | d[3] << 8) % (SEGMENT_BYTES + 1024);
	char byte;
	int fd;

	store_segment_name(name, 1 + d[1] % 8);
	path_of(path, name);
	store_segment_name(name, 1 + d[1] / 8 % 8);
	path_of(other, name);
	fd = open(path, O_RDWR);
	if (fd < 0)
		return;
	switch (d[0] % 8) {
	case 0:
		assert(ftruncate(fd, at) == 0);
		break;
	case 1:
		unlink(path);
		break;
	case 2:
		rename(path, other);
		break;
	case 3: case 4:
		memset(block, d[0] & 8 ? '\n' : '\0', sizeof(block));
		if (d[0] & 16)
			at -= at % 512;
		assert(pwrite(fd, block, d[0] & 32 ? 512 : 1 + d[1], at) > 0);
		break;
	default:
		if (pread(fd, &byte, 1, at) == 1) {
			byte = d[0] & 8 ? '\n' : (char)(byte ^ (1 << (d[0] >> 4) % 8));
			assert(pwrite(fd, &byte, 1, at) == 1);
		}
	}
	close(fd);
}

static void fuzz_damage(const uint8_t *data, size_t size)
{
	size_t harm = size ? data[0] % 8 * 4 : 0;
	struct expected first = { 0 }, second = { 0 };

	if (size < harm + 2)
		return;
	first.written = second.written = write_log(data + 1 + harm, size - 1 - harm);
	for (size_t i = 0; i < harm; i += 4)
		damage(data + 1 + i);
	replay_twice(check_prefix, &first, &second, &first.records, &second.records, "{\"added\":1}");
	assert(first.records <= first.written);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data + 1;

	if (!size)
		return 0;
	clean_dir();
	switch (data[0]) {
	case 'l':
		fuzz_log(text, size - 1);
		break;
	case 's':
		fuzz_snapshot(text, size - 1);
		break;
	case 'd':
		fuzz_damage(data + 1, size - 1);
		break;
	default:
		break;
	}
	clean_dir();
	return 0;
}
