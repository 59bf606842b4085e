/*
 * lib/json/path and what a scan finds at a path: the value as it stands, or how far
 * the path led, and that a value spliced in there is read back.
 */
#include "lib/json/scan.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define TEXT(s) (s), sizeof(s) - 1
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* One path in one line; found points into `line`. */
static struct json_found find(const char *line, const char *text)
{
	struct json_scan scan;
	struct json_path path;
	const struct json_path *paths = &path;
	struct json_found found;

	assert_int_equal(json_path_init(&path, text), 0);
	if (json_scan(&scan, line, strlen(line), &paths, 1, &found))
		fail_msg("%s: %s at %zu", line, scan.error, scan.at);
	json_path_release(&path);
	return found;
}

static void expect_found(const char *line, const char *path, enum json_kind kind, const char *value)
{
	struct json_found found = find(line, path);

	if (found.kind != kind || found.len != strlen(value) || memcmp(found.p, value, found.len))
		fail_msg("%s in %s: kind %d, '%.*s'", path, line, found.kind, (int)found.len, found.p);
}

static void a_path_text_becomes_names(void **state)
{
	static const char *const wrong[] = {
		"", ".", "a.", ".a", "a..b", "\\", "a\\", "a\\b", "\\n", "\xff", "a.\xc3", "\xed\xa0\x80",
		"1.2.3.4.5.6.7.8.9.10.11.12.13.14.15.16.17",
	};
	struct json_path path;

	(void)state;
	assert_int_equal(json_path_init(&path, "user.a\\.b\\\\.\xc3\xa9"), 0);
	assert_int_equal(path.parts, 3);
	assert_int_equal(path.name_len[0], 4);
	assert_memory_equal(path.name[0], "user", 4);
	assert_int_equal(path.name_len[1], 4);
	assert_memory_equal(path.name[1], "a.b\\", 4);
	assert_int_equal(path.name_len[2], 2);
	assert_memory_equal(path.name[2], "\xc3\xa9", 2);
	json_path_release(&path);
	for (size_t i = 0; i < COUNT(wrong); i++) {
		errno = 0;
		assert_int_equal(json_path_init(&path, wrong[i]), -1);
		assert_int_equal(errno, EINVAL);
	}
	assert_int_equal(json_path_init(&path, "1.2.3.4.5.6.7.8.9.10.11.12.13.14.15.16"), 0);
	assert_int_equal(path.parts, JSON_PATH_PARTS_MAX);
	json_path_release(&path);
}

static void a_path_finds_the_value_as_it_stands(void **state)
{
	(void)state;
	expect_found("{\"a\":1}", "a", JSON_IS_NUMBER, "1");
	expect_found("{ \"a\" : -1.50e+3 }", "a", JSON_IS_NUMBER, "-1.50e+3");
	expect_found("{\"a\":123456789012345678901234567890}", "a", JSON_IS_NUMBER, "123456789012345678901234567890");
	expect_found("{\"a\":\"x\\ty\"}", "a", JSON_IS_STRING, "\"x\\ty\"");
	expect_found("{\"a\":\"\"}", "a", JSON_IS_STRING, "\"\"");
	expect_found("{\"a\":true,\"b\":false,\"c\":null}", "b", JSON_IS_OTHER, "false");
	expect_found("{\"a\":[1, {\"a\":2} ] ,\"b\":1}", "a", JSON_IS_OTHER, "[1, {\"a\":2} ]");
	expect_found("{\"a\":{} }", "a", JSON_IS_OTHER, "{}");
	expect_found("{\"a\":{},\"b\":{\"c\":1},\"d\":[]}", "a", JSON_IS_OTHER, "{}");
	expect_found("{\"a\":{\"b\":{\"c\":\"x\"}}}", "a.b", JSON_IS_OTHER, "{\"c\":\"x\"}");
	expect_found("{\"a\":{\"b\":{\"c\":\"x\"}}}", "a.b.c", JSON_IS_STRING, "\"x\"");
	expect_found("{\"b\":{\"a\":0},\"c\":[{\"a\":0}],\"a\":1}", "a", JSON_IS_NUMBER, "1");
	expect_found("{\"b\":{\"id\":0},\"user\":{\"x\":{\"id\":1},\"id\":2},\"id\":3}", "user.id", JSON_IS_NUMBER, "2");
	expect_found("{\"user.id\":1,\"user\":{\"id\":2}}", "user.id", JSON_IS_NUMBER, "2");
	expect_found("{\"user.id\":1,\"user\":{\"id\":2}}", "user\\.id", JSON_IS_NUMBER, "1");
	expect_found("{\"a\\\\\":1}", "a\\\\", JSON_IS_NUMBER, "1");
	expect_found("{\"0123456789abcdef0\":1,\"0123456789abcdef1\":2}", "0123456789abcdef1", JSON_IS_NUMBER, "2");
	expect_found("{\"01234567A01234567\":1,\"01234567B01234567\":2}", "01234567B01234567", JSON_IS_NUMBER, "2");
}

static void a_member_name_with_escapes_is_met_by_a_path(void **state)
{
	(void)state;
	expect_found("{\"us\\u0065r\":{\"\\u0069\\u0064\":7}}", "user.id", JSON_IS_NUMBER, "7");
	expect_found("{\"\\u00e9\":1}", "\xc3\xa9", JSON_IS_NUMBER, "1");
	expect_found("{\"\xc3\xa9\":1}", "\xc3\xa9", JSON_IS_NUMBER, "1");
	expect_found("{\"\\ud83d\\ude00\":1}", "\xf0\x9f\x98\x80", JSON_IS_NUMBER, "1");
	expect_found("{\"a\\/b\":1}", "a/b", JSON_IS_NUMBER, "1");
	expect_found("{\"\\\\u0061\":1,\"a\":2}", "\\\\u0061", JSON_IS_NUMBER, "1");
	expect_found("{\"a n\\u0061me of more than 16 bytes\":1}", "a name of more than 16 bytes", JSON_IS_NUMBER, "1");
}

struct nowhere {
	const char *line, *path;
	size_t depth;
	size_t object_end;
	bool empty, blocked;
};

static void a_path_that_leads_nowhere_says_how_far_it_came(void **state)
{
	static const struct nowhere table[] = {
		{ "{}", "a", 0, 1, true, false },
		{ " { } ", "a.b", 0, 3, true, false },
		{ "{\"b\":1}", "a", 0, 6, false, false },
		{ "{\"a\":{}}", "a.b", 1, 6, true, false },
		{ "{\"a\":{ \"c\":{}} ,\"d\":{}}", "a.b.c", 1, 13, false, false },
		{ "{\"a\":{\"b\":{}},\"b\":{\"c\":1}}", "a.b.c", 2, 11, true, false },
		{ "{\"a\":5}", "a.b", 0, 6, false, true },
		{ "{\"a\":\"b\"}", "a.b", 0, 8, false, true },
		{ "{\"a\":[{\"b\":1}]}", "a.b", 0, 14, false, true },
		{ "{\"a\":{\"b\":null}}", "a.b.c", 1, 14, false, true },
		{ "{\"a\":[{\"a\":{\"b\":1}}]}", "b", 0, 20, false, false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		const struct nowhere *t = &table[i];
		struct json_found found = find(t->line, t->path);

		if (found.kind != JSON_NONE || found.depth != t->depth || found.object_empty != t->empty ||
		    found.object_end != t->line + t->object_end || found.blocked != t->blocked)
			fail_msg("%s in %s: kind %d, depth %zu, end %td, empty %d, blocked %d", t->path, t->line, found.kind,
				 found.depth, found.object_end - t->line, found.object_empty, found.blocked);
	}
}

static void a_path_found_names_the_object_that_holds_the_value(void **state)
{
	static const char line[] = "{\"a\":{\"b\":{\"c\":{}}},\"d\":1}";
	struct json_found found = find(line, "a.b");

	(void)state;
	assert_int_equal(found.depth, 1);
	assert_ptr_equal(found.object_end, line + 18);
	assert_false(found.object_empty);
	assert_false(found.blocked);
}

static void paths_are_found_side_by_side(void **state)
{
	static const char *const text[] = { "a", "a.b", "a.b.c", "a.b", "d", "x.y", "a.d", "d.a" };
	static const char *const value[] = { "{\"b\":{\"c\":\"C\"},\"d\":4}", "{\"c\":\"C\"}", "\"C\"", "{\"c\":\"C\"}", "5",
					     NULL, "4", NULL };
	static const char line[] = "{\"z\":{\"b\":{\"c\":1}},\"a\":{\"b\":{\"c\":\"C\"},\"d\":4},\"d\":5}";
	struct json_path path[JSON_PATHS_MAX];
	const struct json_path *paths[JSON_PATHS_MAX];
	struct json_found found[JSON_PATHS_MAX];
	struct json_scan scan;

	(void)state;
	for (size_t i = 0; i < JSON_PATHS_MAX; i++) {
		paths[i] = &path[i];
		assert_int_equal(json_path_init(&path[i], text[i]), 0);
	}
	assert_int_equal(json_scan(&scan, TEXT(line), paths, JSON_PATHS_MAX, found), 0);
	for (size_t i = 0; i < JSON_PATHS_MAX; i++) {
		json_path_release(&path[i]);
		assert_int_equal(found[i].kind == JSON_NONE, !value[i]);
		if (!value[i])
			continue;
		assert_int_equal(found[i].len, strlen(value[i]));
		assert_memory_equal(found[i].p, value[i], found[i].len);
	}
	assert_true(found[7].blocked);
	assert_false(found[5].blocked);
}

static void a_path_met_twice_is_a_line_refused(void **state)
{
	static const char *const lines[] = {
		"{\"user\":{\"id\":1},\"user\":{\"id\":2}}",
		"{\"user\":{\"id\":1,\"id\":1}}",
		"{\"user\":{\"id\":1},\"us\\u0065r\":{}}",
		"{\"user\":1,\"user\":{\"id\":1}}",
	};
	struct json_scan scan;
	struct json_path path;
	const struct json_path *paths = &path;
	struct json_found found;
	char line[4096], *o = line;

	(void)state;
	assert_int_equal(json_path_init(&path, "user.id"), 0);
	for (size_t i = 0; i < COUNT(lines); i++) {
		assert_int_equal(json_scan(&scan, lines[i], strlen(lines[i]), &paths, 1, &found), -1);
		assert_string_equal(scan.error, "a member's name is there twice");
	}
	o += sprintf(o, "{\"user\":{\"id\":1}");
	for (int i = 0; i < 200; i++)
		o += sprintf(o, ",\"n%d\":0", i);
	o += sprintf(o, ",\"user\":{\"id\":2}}");
	assert_int_equal(json_scan(&scan, line, (size_t)(o - line), &paths, 1, &found), -1);
	json_path_release(&path);
}

/* Writes `value` at the path into out, as hashring --json-set does. */
static void splice(const char *line, const char *text, const char *value, char *out)
{
	struct json_found found = find(line, text);
	struct json_path path;
	const char *from = found.kind == JSON_NONE ? found.object_end : found.p;
	size_t left = 0;
	char *o = out;

	assert_int_equal(json_path_init(&path, text), 0);
	o = mempcpy(o, line, (size_t)(from - line));
	if (found.kind == JSON_NONE) {
		assert_false(found.blocked);
		if (!found.object_empty)
			*o++ = ',';
		for (size_t i = found.depth; i < path.parts; i++) {
			if (i > found.depth) {
				*o++ = '{';
				left++;
			}
			o += json_escape(path.name[i], path.name_len[i], o);
			*o++ = ':';
		}
	}
	o += json_escape(value, strlen(value), o);
	memset(o, '}', left);
	o += left;
	strcpy(o, from + (found.kind == JSON_NONE ? 0 : found.len));
	json_path_release(&path);
}

static void a_value_spliced_in_is_read_back_and_the_rest_stays_byte_for_byte(void **state)
{
	static const struct { const char *line, *path, *after; } table[] = {
		{ "{}", "node", "{\"node\":\"n\\\"1\"}" },
		{ " { } ", "a.b", " { \"a\":{\"b\":\"n\\\"1\"}} " },
		{ "{\"x\":1e400}", "node", "{\"x\":1e400,\"node\":\"n\\\"1\"}" },
		{ "{ \"node\" : [1, 2] , \"y\":0.10}", "node", "{ \"node\" : \"n\\\"1\" , \"y\":0.10}" },
		{ "{\"a\":{},\"z\":1}", "a.b.c", "{\"a\":{\"b\":{\"c\":\"n\\\"1\"}},\"z\":1}" },
		{ "{\"a\":{\"x\":9007199254740993}}", "a.q\"", "{\"a\":{\"x\":9007199254740993,\"q\\\"\":\"n\\\"1\"}}" },
		{ "{\"a\":{\"x\":\"\\u0041\"}}", "a.x", "{\"a\":{\"x\":\"n\\\"1\"}}" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		char after[256], again[256];

		splice(table[i].line, table[i].path, "n\"1", after);
		assert_string_equal(after, table[i].after);
		expect_found(after, table[i].path, JSON_IS_STRING, "\"n\\\"1\"");
		splice(after, table[i].path, "n\"1", again);
		assert_string_equal(again, after);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_path_text_becomes_names),
		cmocka_unit_test(a_path_finds_the_value_as_it_stands),
		cmocka_unit_test(a_member_name_with_escapes_is_met_by_a_path),
		cmocka_unit_test(a_path_that_leads_nowhere_says_how_far_it_came),
		cmocka_unit_test(a_path_found_names_the_object_that_holds_the_value),
		cmocka_unit_test(paths_are_found_side_by_side),
		cmocka_unit_test(a_path_met_twice_is_a_line_refused),
		cmocka_unit_test(a_value_spliced_in_is_read_back_and_the_rest_stays_byte_for_byte),
	};

	return cmocka_run_group_tests_name("path", tests, NULL, NULL);
}
