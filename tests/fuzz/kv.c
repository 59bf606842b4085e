/*
 * libFuzzer: whatever bodies come, lib/kv answers with JSON, the same with any seed and by way of a snapshot; and
 * whatever lines are taken for a snapshot, what they make is a state as any other.
 *
 * An input is lines.  One that is a body once it stands in an envelope is a command; any other may be a line
 * of a snapshot.  A snapshot begins at the first line that starts with '#', and goes on with one slice a command.
 */
#include "lib/kv/kv.h"
#include "lib/json/scan.h"
#include "lib/wire/wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SLICE_BYTES = 100 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(condition) check(condition, #condition)

static void check(bool holds, const char *condition)
{
	if (!holds) {
		fprintf(stderr, "does not hold: %s\n", condition);
		abort();
	}
}

struct play {
	struct kv *kv, *twin;           /* of another seed */
	struct kv *from_lines;          /* loaded from the input */
	uint64_t index;
	bool on;                        /* a snapshot of kv is under way */
	uint64_t fingerprint;           /* at its beginning */
	struct buf snapshot, answer, twin_answer;
};

/* --- Snapshots --- */

static struct kv *load(const struct buf *lines)
{
	struct kv *kv = kv_new(3);

	for (size_t at = 0; at < lines->len; ) {
		const char *line = lines->at + at, *newline = memchr(line, '\n', lines->len - at);

		CHECK(newline != NULL);
		CHECK(kv_snapshot_load(kv, line, (size_t)(newline - line)));
		at += (size_t)(newline + 1 - line);
	}
	return kv;
}

static void snapshot_slice(struct play *p)
{
	struct kv *loaded;

	if (!p->on)
		return;
	p->on = kv_snapshot_next(p->kv, SLICE_BYTES, &p->snapshot);
	if (p->on)
		return;
	loaded = load(&p->snapshot);
	CHECK(kv_fingerprint(loaded) == p->fingerprint);
	kv_free(loaded);
}

static void snapshot_begin(struct play *p)
{
	while (p->on)
		snapshot_slice(p);
	p->snapshot.len = 0;
	p->fingerprint = kv_fingerprint(p->kv);
	p->on = true;
	kv_snapshot_begin(p->kv);
}

/* --- Commands --- */

static void check_answer(const struct buf *answer)
{
	struct buf whole = { 0 };
	struct json_scan scan;

	buf_putc(&whole, '{');
	CHECK(answer->len > 0);
	buf_add(&whole, answer->at, answer->len);
	buf_putc(&whole, '}');
	CHECK(!json_scan(&scan, whole.at, whole.len, NULL, 0, NULL));
	buf_release(&whole);
}

static void check_same(const struct play *p)
{
	CHECK(p->answer.len == p->twin_answer.len && !memcmp(p->answer.at, p->twin_answer.at, p->answer.len));
	check_answer(&p->answer);
}

static void command(struct play *p, const struct wire_line *line)
{
	const char *body = line->body.p, *error;
	size_t len = line->body.len;
	uint64_t before = kv_fingerprint(p->kv);
	enum kv_class class = kv_classify(line->type.p, line->type.len, body, len, &error);

	p->answer.len = p->twin_answer.len = 0;
	kv_read(p->kv, body, len, &p->answer);
	kv_read(p->twin, body, len, &p->twin_answer);
	check_same(p);
	CHECK(kv_fingerprint(p->kv) == before);

	p->answer.len = p->twin_answer.len = 0;
	kv_apply(p->kv, ++p->index, body, len, &p->answer);
	kv_apply(p->twin, p->index, body, len, &p->twin_answer);
	check_same(p);
	if (error || class != KV_WRITE)
		CHECK(kv_fingerprint(p->kv) == before);
	if (error)
		CHECK(memmem(p->answer.at, p->answer.len, "\"code\":12", 9) != NULL);
	kv_prefix_matches(body, len, body, len);
	snapshot_slice(p);
}

/* A refused line changes nothing. */
static void load_line(struct kv *kv, const char *text, size_t len)
{
	uint64_t before = kv_fingerprint(kv);
	bool taken = kv_snapshot_load(kv, text, len);

	CHECK(taken == (kv_fingerprint(kv) != before));
}

static void input_line(struct play *p, const char *text, size_t len)
{
	struct wire_line line;
	struct buf whole = { 0 };

	buf_puts(&whole, "{\"src\":\"c\",\"dest\":\"n\",\"body\":");
	buf_add(&whole, text, len);
	buf_puts(&whole, "}");
	if (*text == '#')
		snapshot_begin(p);
	else if (!wire_parse(&line, whole.at, whole.len))
		command(p, &line);
	else
		load_line(p->from_lines, text, len);
	buf_release(&whole);
}

/* A snapshot of what was loaded. */
static void check_from_lines(struct play *p)
{
	struct kv *loaded;

	p->snapshot.len = 0;
	kv_snapshot_begin(p->from_lines);
	while (kv_snapshot_next(p->from_lines, SLICE_BYTES, &p->snapshot))
		;
	loaded = load(&p->snapshot);
	CHECK(kv_fingerprint(loaded) == kv_fingerprint(p->from_lines));
	kv_free(loaded);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct play p = { .kv = kv_new(1), .twin = kv_new(2), .from_lines = kv_new(4) };
	const char *text = (const char *)data, *end = text + size, *newline;

	for (; text < end; text = newline + 1) {
		newline = memchr(text, '\n', (size_t)(end - text));
		if (!newline)
			newline = end;
		if (newline > text)
			input_line(&p, text, (size_t)(newline - text));
	}
	while (p.on)
		snapshot_slice(&p);
	CHECK(kv_fingerprint(p.kv) == kv_fingerprint(p.twin));
	check_from_lines(&p);
	kv_free(p.kv);
	kv_free(p.twin);
	kv_free(p.from_lines);
	buf_release(&p.snapshot);
	buf_release(&p.answer);
	buf_release(&p.twin_answer);
	return 0;
}
