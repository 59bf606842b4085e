/*
 * libFuzzer: json_scan and jansson take the same lines and find the same
 * values, and a value spliced in is what jansson reads back.
 *
 * An input is a path, a newline, a line.  The places where the two differ on
 * purpose (scan.h) are made equal first: see oracle() and check_line().
 */
#include "lib/json/scan.h"

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ORACLE_FLAGS = JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL };

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

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static size_t digits_start(const char *line, size_t end)
{
	while (end > 0 && is_digit(line[end - 1]))
		end--;
	return end;
}

/*
 * Makes the number that ends at `end` and is too big for jansson a small one as long: the
 * exponent 0, the dot after the first of many digits.  No byte before the number is changed, so
 * that what is wrong around it stays wrong.
 */
static void make_small(char *line, size_t end)
{
	size_t from = digits_start(line, end), e = from;

	if (e > 0 && (line[e - 1] == '+' || line[e - 1] == '-'))
		e--;
	if (e > 1 && (line[e - 1] | 0x20) == 'e' && is_digit(line[e - 2])) {
		memset(line + from, '0', end - from);
		end = e - 1;
		from = digits_start(line, end);
	}
	if (from > 0 && line[from - 1] == '.') {
		end = from - 1;
		from = digits_start(line, end);
		if (end - from > 18)
			line[end] = '0';
	}
	if (end - from > 18)
		line[from + 1] = '.';
}

/*
 * What jansson says of the line, or NULL.  Numbers out of its range are made
 * small in a copy, as many as it takes.
 */
static json_t *oracle(const char *text, size_t len, bool *changed)
{
	char *line = exact(text, len), *before = exact(text, len);
	json_t *root;

	*changed = false;
	for (;;) {
		json_error_t error;

		root = json_loadb(line, len, ORACLE_FLAGS, &error);
		if (root || json_error_code(&error) != json_error_numeric_overflow)
			break;
		memcpy(before, line, len);
		make_small(line, (size_t)error.position);
		CHECK(memcmp(before, line, len));
		*changed = true;
	}
	free(line);
	free(before);
	if (json_is_object(root))
		return root;
	json_decref(root);
	return NULL;
}

static enum json_kind kind_of(const json_t *value)
{
	return !value ? JSON_NONE : json_is_string(value) ? JSON_IS_STRING :
		json_is_number(value) ? JSON_IS_NUMBER : JSON_IS_OTHER;
}

static void check_string(const struct json_found *found, const json_t *value)
{
	char *out = malloc(found->len);
	size_t len;

	CHECK(out != NULL);
	len = json_unescape(found, out);
	CHECK(len == json_string_length(value));
	CHECK(!memcmp(out, json_string_value(value), len));
	CHECK(json_utf8(out, len));
	CHECK(found->escaped == (memchr(found->p, '\\', found->len) != NULL));
	free(out);
}

/* The value as it stands in the line is the tree's. */
static void check_value(const char *line, size_t len, const struct json_found *found, const json_t *value)
{
	char *wrapped = malloc(found->len + 6);
	json_t *alone;
	bool changed;

	CHECK(wrapped != NULL);
	CHECK(found->p >= line && found->len > 0 && found->len <= (size_t)(line + len - found->p));
	memcpy(wrapped, "{\"a\":", 5);
	memcpy(wrapped + 5, found->p, found->len);
	wrapped[found->len + 5] = '}';
	alone = oracle(wrapped, found->len + 6, &changed);
	CHECK(json_equal(json_object_get(alone, "a"), value));
	json_decref(alone);
	free(wrapped);
}

/* The line with "\"\n" set at the path, read by jansson, is the tree with it set. */
static void check_splice(const char *line, size_t len, const struct json_path *path, const struct json_found *found,
			 json_t *holder, const json_t *root)
{
	size_t room = len + 16, from, to;
	char *out, *o;
	json_t *value = json_string("\"\n"), *again;
	bool changed;

	for (size_t i = 0; i < path->parts; i++)
		room += 6 * path->name_len[i] + 5;
	o = out = malloc(room);
	CHECK(out != NULL);
	from = (size_t)((found->kind ? found->p : found->object_end) - line);
	to = from + (found->kind ? found->len : 0);
	o = mempcpy(o, line, from);
	if (!found->kind && !found->object_empty)
		*o++ = ',';
	for (size_t i = found->depth; !found->kind && i < path->parts; i++) {
		o += json_escape(path->name[i], path->name_len[i], o);
		*o++ = ':';
		if (i + 1 < path->parts)
			*o++ = '{';
	}
	o += json_escape("\"\n", 2, o);
	for (size_t i = found->depth + 1; !found->kind && i < path->parts; i++)
		*o++ = '}';
	o = mempcpy(o, line + to, len - to);
	CHECK((size_t)(o - out) <= room);

	for (size_t i = path->parts - 1; i > found->depth; i--) {
		json_t *outer = json_object();

		json_object_setn_new(outer, path->name[i], path->name_len[i], value);
		value = outer;
	}
	json_object_setn_new(holder, path->name[found->depth], path->name_len[found->depth], value);
	again = oracle(out, (size_t)(o - out), &changed);
	CHECK(again != NULL);
	CHECK(changed || json_equal(again, root));
	json_decref(again);
	free(out);
}

static void check_path(const char *line, size_t len, const struct json_path *path, const struct json_found *found,
		       json_t *root, bool changed)
{
	json_t *holder = root, *value;
	size_t depth = 0;

	while ((value = json_object_getn(holder, path->name[depth], path->name_len[depth])) &&
	       json_is_object(value) && depth + 1 < path->parts) {
		holder = value;
		depth++;
	}
	CHECK(found->depth == depth);
	CHECK(found->object_end >= line && found->object_end < line + len && *found->object_end == '}');
	CHECK(found->object_empty == (json_object_size(holder) == 0));
	CHECK(found->blocked == (value && depth + 1 < path->parts));
	if (found->blocked) {
		CHECK(found->kind == JSON_NONE);
		return;
	}
	CHECK(found->kind == kind_of(value));
	if (found->kind)
		check_value(line, len, found, value);
	if (found->kind == JSON_IS_STRING)
		check_string(found, value);
	if (!changed)
		check_splice(line, len, path, found, holder, root);
}

/* Two paths at once: the input's, and its first part alone. */
static void check_line(const char *line, size_t len, const struct json_path *path)
{
	struct json_path first = *path;
	const struct json_path *paths[] = { path, &first };
	struct json_found found[2];
	struct json_scan scan = { .error = NULL };
	int rc;

	first.parts = 1;
	rc = json_scan(&scan, line, len, paths, 2, found);
	CHECK(rc == 0 || (rc == -1 && scan.at <= len));
	if (memchr(line, 0, len)) {     /* jansson loses some */
		CHECK(rc == -1);
		return;
	}
	if (rc && !strcmp(scan.error, "nested too deep"))
		return;
	for (size_t i = 0; i < 2; i++) {
		bool changed;
		json_t *root = oracle(line, len, &changed);

		CHECK((rc == 0) == (root != NULL));
		if (root)
			check_path(line, len, paths[i], &found[i], root, changed);
		json_decref(root);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data, *newline = memchr(text, '\n', size);
	char path_text[256], *line;
	struct json_path path;
	size_t path_len, len;

	if (!newline || newline - text >= (ptrdiff_t)sizeof(path_text))
		return 0;
	path_len = (size_t)(newline - text);
	memcpy(path_text, text, path_len);
	path_text[path_len] = '\0';
	if (json_path_init(&path, path_text))
		return 0;
	len = size - path_len - 1;
	line = exact(newline + 1, len);
	check_line(line, len, &path);
	free(line);
	json_path_release(&path);
	return 0;
}
