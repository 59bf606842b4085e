/*
 * libFuzzer: lines come out of the reader whole however the bytes arrive, and wire_parse and jansson
 * take the same of them and find the same in them.
 *
 * An input is the size of a read (one byte), then the bytes.  Besides what lib/json/scan.h lists, wire
 * differs from jansson in what it wants of an envelope: see is_message().  A refused line that can be
 * answered is answered, and the answer is a message.
 */
#include "lib/base/line.h"
#include "lib/wire/wire.h"

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ORACLE_FLAGS = JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, LINE_MAX = 2000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(condition) check(condition, #condition)

static void check(bool holds, const char *condition)
{
	if (!holds) {
		fprintf(stderr, "does not hold: %s\n", condition);
		abort();
	}
}

static char *exact(const char *s, size_t len)
{
	char *copy = malloc(len ? len : 1);

	CHECK(copy != NULL);
	return memcpy(copy, s, len);
}

/* --- The oracle --- */

static size_t larger(size_t a, size_t b)
{
	return a > b ? a : b;
}

static size_t depth_of(json_t *value)
{
	size_t deepest = 0, i;
	const char *key;
	json_t *inner;

	if (!json_is_object(value) && !json_is_array(value))
		return 0;
	json_object_foreach(value, key, inner)
		deepest = larger(deepest, depth_of(inner));
	json_array_foreach(value, i, inner)
		deepest = larger(deepest, depth_of(inner));
	return deepest + 1;
}

static bool is_name(const json_t *value)
{
	return json_is_string(value) && json_string_length(value) <= WIRE_NAME_BYTES_MAX;
}

static bool is_message(json_t *root)
{
	const json_t *body = json_object_get(root, "body"), *id = json_object_get(body, "msg_id");

	if (!is_name(json_object_get(root, "src")) || !is_name(json_object_get(root, "dest")) ||
	    !is_name(json_object_get(body, "type")))
		return false;
	return !id || ((json_is_string(id) || json_is_number(id)) && depth_of(root) <= WIRE_DEPTH_MAX);
}

/* The text is the value. */
static void check_text(struct wire_text text, const json_t *value)
{
	json_t *read = json_loadb(text.p, text.len, ORACLE_FLAGS | JSON_DECODE_ANY, NULL);

	CHECK(json_equal(read, value));
	json_decref(read);
}

static void check_value(const struct wire_value *found, const json_t *value);

static void check_array(const struct wire_value *found, const json_t *array)
{
	struct wire_walk walk;
	struct wire_value element;
	size_t i = 0;

	CHECK(wire_walk_init(&walk, found->json) == json_is_array(array));
	for (; wire_walk_next(&walk, &element); i++)
		check_value(&element, json_array_get(array, i));
	CHECK(i == json_array_size(array));
}

static void check_string(const struct wire_value *found, const json_t *value)
{
	const char *s = json_string_value(value);
	size_t len = json_string_length(value);
	char *out = malloc(len + 1);

	CHECK(out != NULL);
	CHECK(wire_is(found, s) == !memchr(s, 0, len));
	CHECK(wire_string(found, out, len) == !memchr(s, 0, len));
	CHECK(!wire_is(found, s) || !memcmp(out, s, len + 1));
	CHECK(!len || !wire_string(found, out, len - 1));
	free(out);
}

static void check_value(const struct wire_value *found, const json_t *value)
{
	uint64_t x = 0;

	CHECK(found->kind == (!value ? WIRE_ABSENT : json_is_string(value) ? WIRE_STRING :
			      json_is_number(value) ? WIRE_NUMBER : WIRE_OTHER));
	if (!value)
		return;
	check_text(found->json, value);
	CHECK(wire_true(found) == json_is_true(value));
	CHECK(wire_null(found) == json_is_null(value));
	if (json_is_string(value))
		check_string(found, value);
	if (wire_u64(found, &x))
		CHECK(json_is_integer(value) && (uint64_t)json_integer_value(value) == x);
	else if (json_is_integer(value))
		CHECK(*found->json.p == '-' || (uint64_t)json_integer_value(value) > WIRE_NUMBER_MAX);
	check_array(found, value);
}

static void check_name(struct wire_text text, const json_t *value)
{
	CHECK(text.len == json_string_length(value) && !memcmp(text.p, json_string_value(value), text.len));
}

/* --- A line --- */

static void check_taken(const struct wire_line *w, json_t *root)
{
	static const char *const names[] = { "key", "value", "type", "msg_id", "a", "", "\xc3\xa9", "b\n", NULL };
	static struct wire_names *prepared;
	struct wire_value out[WIRE_FIELDS_MAX];
	const json_t *body = json_object_get(root, "body");

	if (!prepared)
		prepared = wire_names_new(names);
	CHECK(w->deep == (depth_of(root) > WIRE_DEPTH_MAX));
	check_name(w->src, json_object_get(root, "src"));
	check_name(w->dest, json_object_get(root, "dest"));
	check_name(w->type, json_object_get(body, "type"));
	check_text(w->body, body);
	check_value(&w->msg_id, json_object_get(body, "msg_id"));
	check_value(&w->in_reply_to, json_object_get(body, "in_reply_to"));
	check_value(&w->at, json_object_get(root, "at"));
	wire_body(prepared, w->body, out);
	for (size_t i = 0; names[i]; i++)
		check_value(&out[i], json_object_get(body, names[i]));
}

/* A router finds the same, or leaves a line with an escape alone. */
static void check_route(const struct wire_line *w, bool taken, const char *line, size_t len)
{
	struct wire_text src, dest;

	if (wire_route(line, len, &src, &dest)) {
		CHECK(!taken || memchr(line, '\\', len));
		return;
	}
	CHECK(src.p >= line && src.p + src.len < line + len && dest.p >= line && dest.p + dest.len < line + len);
	if (!taken)
		return;
	CHECK(src.len == w->src.len && !memcmp(src.p, w->src.p, src.len));
	CHECK(dest.len == w->dest.len && !memcmp(dest.p, w->dest.p, dest.len));
}

static void check_answer(const struct wire_line *w)
{
	struct buf b = { 0 };
	struct wire_line answer;

	if (!w->src.p)
		return;
	wire_error(&b, "n1", w->src, w->msg_id.json, WIRE_MALFORMED, w->error);
	CHECK(b.len && b.at[b.len - 1] == '\n');
	CHECK(!wire_parse(&answer, b.at, b.len - 1));
	CHECK(answer.dest.len == w->src.len && !memcmp(answer.dest.p, w->src.p, w->src.len));
	CHECK(answer.in_reply_to.kind == w->msg_id.kind);
	buf_release(&b);
}

static void check_line(const char *text, size_t len)
{
	char *line = exact(text, len);
	struct wire_line w;
	int rc = wire_parse(&w, line, len);
	json_error_t error;
	json_t *root = json_loadb(line, len, ORACLE_FLAGS, &error);
	bool unequal = memchr(line, 0, len) || (rc && !strcmp(w.error, "nested too deep")) ||
		       (!root && json_error_code(&error) == json_error_numeric_overflow);

	CHECK(rc == 0 || (rc == -1 && w.error && w.error_at <= len));
	if (rc)
		check_answer(&w);
	if (!unequal)
		CHECK((rc == 0) == is_message(root));
	if (!unequal && !rc)
		check_taken(&w, root);
	check_route(&w, rc == 0, line, len);
	json_decref(root);
	free(line);
}

/* --- Lines --- */

/* The line that the reader gave is the one at *p; moves beyond it. */
static void check_split(enum line_status status, const char *line, size_t len, const char **p, const char *end)
{
	const char *newline;

	CHECK(*p != end);
	newline = memchr(*p, '\n', (size_t)(end - *p));
	if (!newline)
		newline = end;
	CHECK((status == LINE_TOO_LONG) == (newline - *p > LINE_MAX));
	CHECK(len <= (size_t)(newline - *p) && !memcmp(line, *p, len));
	CHECK(status == LINE_TOO_LONG ? len > LINE_MAX : len == (size_t)(newline - *p));
	*p = newline + (newline != end);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *at = (const char *)data + 1, *end = (const char *)data + size, *expected = at;
	struct line_reader r;
	enum line_status status;
	char *line;
	size_t len, step;

	if (!size)
		return 0;
	step = 1u + data[0];
	line_init(&r, LINE_MAX);
	while (!r.ended) {
		size_t n = (size_t)(end - at) < step ? (size_t)(end - at) : step;

		line_feed(&r, at, n);
		at += n;
		r.ended = at == end;
		while ((status = line_next(&r, &line, &len)) != LINE_NONE) {
			check_split(status, line, len, &expected, end);
			if (status == LINE_WHOLE)
				check_line(line, len);
		}
	}
	CHECK(expected == end);
	line_release(&r);
	return 0;
}
