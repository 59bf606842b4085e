/*
 * lib/json/scan against jansson, its oracle, and against tables where the two
 * differ on purpose.  Every line is scanned from a block of memory that ends
 * where the line does, so that a sanitizer sees a byte read too far.
 */
#include "lib/json/scan.h"

#include <errno.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define TEXT(s) (s), sizeof(s) - 1
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum { ORACLE_FLAGS = JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL };

/* --- Helpers --- */

static char *exact(const char *s, size_t len)
{
	char *copy = malloc(len ? len : 1);

	assert_non_null(copy);
	memcpy(copy, s, len);
	return copy;
}

/* Scans without paths; fills *scan. */
static bool taken(const char *line, size_t len, struct json_scan *scan)
{
	char *copy = exact(line, len);
	int rc = json_scan(scan, copy, len, NULL, 0, NULL);

	free(copy);
	assert_true(rc == 0 || rc == -1);
	return rc == 0;
}

static bool oracle_takes(const char *line, size_t len)
{
	json_t *root = json_loadb(line, len, ORACLE_FLAGS, NULL);
	bool object = json_is_object(root);

	json_decref(root);
	return object;
}

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

/* --- Strictness --- */

struct strict {
	const char *line;
	size_t len;
	bool taken;
	bool own;               /* jansson says otherwise, and that is meant */
};

#define TAKEN(s) { TEXT(s), true, false }
#define REFUSED(s) { TEXT(s), false, false }
#define ONLY_SCAN_TAKES(s) { TEXT(s), true, true }
#define ONLY_SCAN_REFUSES(s) { TEXT(s), false, true }

static const struct strict strict_structure[] = {
	TAKEN("{}"), TAKEN(" {} "), TAKEN("\t\r\n {\n}\r\n\t "), TAKEN("{\"\":0}"),
	TAKEN("{\"a\":{}}"), TAKEN("{\"a\":[]}"), TAKEN("{\"a\":[ ]}"), TAKEN("{\"a\":{ }}"),
	TAKEN("{\"a\":[[],[[]],{}]}"), TAKEN("{\"a\":1,\"b\":2}"), TAKEN("{ \"a\" : 1 , \"b\" : [ 1 , 2 ] }"),
	TAKEN("{\"a\":true,\"b\":false,\"c\":null}"), TAKEN("{\"a\":[true,false,null]}"),
	TAKEN("{\"a\":{\"a\":{\"a\":1}},\"b\":{\"a\":1}}"), TAKEN("{\"a\":[{\"a\":1},{\"a\":1}]}"),
	REFUSED(""), REFUSED(" "), REFUSED("{"), REFUSED("}"), REFUSED("["), REFUSED("[]"), REFUSED("[1]"),
	REFUSED("1"), REFUSED("\"a\""), REFUSED("true"), REFUSED("null"), REFUSED("{}{}"), REFUSED("{} {}"),
	REFUSED("{}}"), REFUSED("{}x"), REFUSED("{},"), REFUSED("{]"), REFUSED("{\"a\":[}"), REFUSED("{\"a\":[}}"),
	REFUSED("{\"a\":[1}"), REFUSED("{\"a\":[1}]"), REFUSED("{\"a\":1]"), REFUSED("{\"a\":{]}"),
	REFUSED("{,}"), REFUSED("{\"a\"}"), REFUSED("{\"a\":}"), REFUSED("{\"a\":1,}"), REFUSED("{\"a\":1,,\"b\":2}"),
	REFUSED("{\"a\" 1}"), REFUSED("{\"a\"::1}"), REFUSED("{\"a\",\"b\"}"), REFUSED("{\"a\":1 \"b\":2}"),
	REFUSED("{\"a\":1:2}"), REFUSED("{:1}"), REFUSED("{a:1}"), REFUSED("{'a':1}"), REFUSED("{1:1}"),
	REFUSED("{null:1}"), REFUSED("{[]:1}"), REFUSED("{\"a\":[1,]}"), REFUSED("{\"a\":[,1]}"),
	REFUSED("{\"a\":[1,,2]}"), REFUSED("{\"a\":[1 2]}"), REFUSED("{\"a\":[1:2]}"), REFUSED("{\"a\":[\"a\":1]}"),
	REFUSED("{\"a\":[,]}"), REFUSED("{\"a\":["), REFUSED("{\"a\":[1"), REFUSED("{\"a\":[1,"), REFUSED("{\"a\":{"),
	REFUSED("{\"a"), REFUSED("{\"a\""), REFUSED("{\"a\":"), REFUSED("{\"a\":1"), REFUSED("{\"a\":1,"),
	REFUSED("{\"a\":1}/**/"), REFUSED("{/**/}"), REFUSED("#{}"), REFUSED("{\"a\":1}#"), REFUSED("\xef\xbb\xbf{}"),
	REFUSED("\f{}"), REFUSED("{\v}"), REFUSED("{}\xc2\xa0"), REFUSED("{\xe2\x80\xa8}"), REFUSED("\0{}"),
	REFUSED("{\0}"), REFUSED("{\"a\"\0:1}"), REFUSED("{\"a\":\0 1}"), REFUSED("{}\0"),
	/* jansson 2.14 puts the byte after a number or a word back, and loses a NUL there. */
	ONLY_SCAN_REFUSES("{\"a\":1\0}"), ONLY_SCAN_REFUSES("{\"a\":true\0}"),
};

static const struct strict strict_scalars[] = {
	TAKEN("{\"a\":0}"), TAKEN("{\"a\":-0}"), TAKEN("{\"a\":10}"), TAKEN("{\"a\":-10}"), TAKEN("{\"a\":0.0}"),
	TAKEN("{\"a\":1.5e10}"), TAKEN("{\"a\":1E+2}"), TAKEN("{\"a\":1e-2}"), TAKEN("{\"a\":0e0}"), TAKEN("{\"a\":0e+00}"),
	TAKEN("{\"a\":1e-400}"), TAKEN("{\"a\":9223372036854775807}"), TAKEN("{\"a\":-9223372036854775808}"),
	TAKEN("{\"a\":0.00000000000000000000000000000000000000000000000000000000000000000000000000000001}"),
	ONLY_SCAN_TAKES("{\"a\":9223372036854775808}"), ONLY_SCAN_TAKES("{\"a\":-9223372036854775809}"),
	ONLY_SCAN_TAKES("{\"a\":123456789012345678901234567890}"), ONLY_SCAN_TAKES("{\"a\":1e400}"),
	ONLY_SCAN_TAKES("{\"a\":-1.0e+999}"),
	REFUSED("{\"a\":-}"), REFUSED("{\"a\":+1}"), REFUSED("{\"a\":00}"), REFUSED("{\"a\":01}"), REFUSED("{\"a\":-01}"),
	REFUSED("{\"a\":--1}"), REFUSED("{\"a\":1.}"), REFUSED("{\"a\":.5}"), REFUSED("{\"a\":-.5}"), REFUSED("{\"a\":1.e5}"),
	REFUSED("{\"a\":1e}"), REFUSED("{\"a\":1e+}"), REFUSED("{\"a\":1e-}"), REFUSED("{\"a\":1e1.5}"), REFUSED("{\"a\":1.2.3}"),
	REFUSED("{\"a\":1e+-2}"), REFUSED("{\"a\":0x10}"), REFUSED("{\"a\":1_000}"), REFUSED("{\"a\":1,000}"),
	REFUSED("{\"a\":Infinity}"), REFUSED("{\"a\":-Infinity}"), REFUSED("{\"a\":NaN}"), REFUSED("{\"a\":-NaN}"),
	REFUSED("{\"a\":1a}"), REFUSED("{\"a\":1-2}"), REFUSED("{\"a\":- 1}"), REFUSED("{\"a\":1 2}"),
	REFUSED("{\"a\":\xef\xbc\x91}"), REFUSED("{\"a\":1\"b\":2}"), REFUSED("{\"a\":-"), REFUSED("{\"a\":1."), REFUSED("{\"a\":1e"),
	REFUSED("{\"a\":True}"), REFUSED("{\"a\":TRUE}"), REFUSED("{\"a\":tru}"), REFUSED("{\"a\":truee}"),
	REFUSED("{\"a\":nul}"), REFUSED("{\"a\":nulll}"), REFUSED("{\"a\":fals}"), REFUSED("{\"a\":falsee}"),
	REFUSED("{\"a\":tru"), REFUSED("{\"a\":fals"), REFUSED("{\"a\":truefalse}"), REFUSED("{\"a\":undefined}"),
};

static const struct strict strict_duplicates[] = {
	REFUSED("{\"a\":1,\"a\":1}"), REFUSED("{\"a\":1,\"b\":2,\"a\":3}"), REFUSED("{\"\":1,\"\":1}"),
	REFUSED("{\"a\":{\"b\":1,\"b\":1}}"), REFUSED("{\"a\":[{\"b\":1,\"b\":1}]}"), REFUSED("{\"a\":1,\"\\u0061\":1}"),
	REFUSED("{\"\\u0061\":1,\"a\":1}"), REFUSED("{\"\\u00e9\":1,\"\xc3\xa9\":1}"),
	REFUSED("{\"\\ud83d\\ude00\":1,\"\xf0\x9f\x98\x80\":1}"), REFUSED("{\"\\n\":1,\"\\u000a\":1}"),
	REFUSED("{\"a/b\":1,\"a\\/b\":1}"), REFUSED("{\"a\":{\"x\":1},\"b\":[{\"a\":1}],\"a\":2}"),
	REFUSED("{\"a long name, of more than 16 bytes\":1,\"a long name, of more than 16 b\\u0079tes\":1}"),
	TAKEN("{\"a\":1,\"A\":1}"), TAKEN("{\"a\":1,\"a \":1}"), TAKEN("{\"a\":1,\"aa\":1,\"aaa\":1,\"\":1}"),
	TAKEN("{\"\\\\u0061\":1,\"\\u0061\":1}"), TAKEN("{\"\xc3\xa9\":1,\"e\xcc\x81\":1}"),
	TAKEN("{\"01234567A01234567\":1,\"01234567B01234567\":1}"),
	TAKEN("{\"01234567A01234567\":1,\"01234567\\u004201234567\":1}"),
	TAKEN("{\"a\\u0001\":1,\"a\":2}"),
};

static void check_strict(const struct strict *table, size_t count)
{
	struct json_scan scan;

	for (size_t i = 0; i < count; i++) {
		const struct strict *t = &table[i];

		if (taken(t->line, t->len, &scan) != t->taken)
			fail_msg("%s: %s", t->line, t->taken ? scan.error : "taken");
		if (oracle_takes(t->line, t->len) != (t->taken != t->own))
			fail_msg("%s: jansson thinks otherwise", t->line);
	}
}

static void structure_is_what_rfc_8259_says(void **state)
{
	(void)state;
	check_strict(strict_structure, COUNT(strict_structure));
}

static void numbers_and_words_are_what_rfc_8259_says_and_of_any_size(void **state)
{
	(void)state;
	check_strict(strict_scalars, COUNT(strict_scalars));
}

static void a_name_is_in_an_object_once_however_it_is_escaped(void **state)
{
	(void)state;
	check_strict(strict_duplicates, COUNT(strict_duplicates));
}

/* Every prefix is refused; of a prefix and a brace, or with one byte changed, jansson is asked. */
static void a_line_cut_short_or_with_a_byte_changed_is_judged_as_by_jansson(void **state)
{
	static const char line[] = "{\"user\":{\"id\":\"\\ud83d\\ude00 \xc3\xa9 long enough for two blocks\",\"n\":-1.5e+3},"
		"\"ok\":[true,false,null,{}],\"name of more than sixteen bytes\":0}";
	static const char other[] = "\"\\{}[],:0-.eu \n\x1f\x80\xc3\xff";
	char copy[sizeof(line)];
	struct json_scan scan;

	(void)state;
	assert_true(taken(TEXT(line), &scan));
	for (size_t len = 0; len < sizeof(line) - 1; len++) {
		assert_false(taken(line, len, &scan));
		assert_true(scan.at <= len);
		memcpy(copy, line, len);
		copy[len] = '}';
		assert_int_equal(taken(copy, len + 1, &scan), oracle_takes(copy, len + 1));
		for (size_t i = 0; i < sizeof(other) - 1; i++) {
			memcpy(copy, line, sizeof(line));
			copy[len] = other[i];
			if (taken(copy, sizeof(line) - 1, &scan) != oracle_takes(copy, sizeof(line) - 1))
				fail_msg("%s", copy);
		}
	}
}

/* --- Depth and number of members --- */

static size_t nest(char *out, size_t depth, const char *open, const char *middle, const char *close)
{
	char *o = out;

	o = stpcpy(o, "{\"a\":");
	for (size_t i = 1; i < depth; i++)
		o = stpcpy(o, open);
	o = stpcpy(o, middle);
	for (size_t i = 1; i < depth; i++)
		o = stpcpy(o, close);
	o = stpcpy(o, "}");
	return (size_t)(o - out);
}

static void containers_nest_to_the_limit_and_not_one_deeper(void **state)
{
	char *line = malloc(8 * JSON_DEPTH_MAX + 64);
	struct json_scan scan;

	(void)state;
	assert_non_null(line);
	assert_true(taken(line, nest(line, JSON_DEPTH_MAX, "[", "1", "]"), &scan));
	assert_true(taken(line, nest(line, JSON_DEPTH_MAX, "{\"b\":", "1", "}"), &scan));
	assert_true(taken(line, nest(line, JSON_DEPTH_MAX - 1, "[", "{},[],{}", "]"), &scan));
	assert_false(taken(line, nest(line, JSON_DEPTH_MAX + 1, "[", "", "]"), &scan));
	assert_string_equal(scan.error, "nested too deep");
	assert_int_equal(scan.at, 5 + JSON_DEPTH_MAX - 1);
	assert_false(taken(line, nest(line, JSON_DEPTH_MAX + 1, "{\"b\":", "1", "}"), &scan));
	assert_false(taken(line, nest(line, JSON_DEPTH_MAX, "[", "{}", "]"), &scan));
	free(line);
}

/* {"PREFIX0SUFFIX":0,...} of `members` members, then, where again >= 0, that one's name again. */
static size_t wide(char *out, size_t members, const char *prefix, const char *suffix, int again)
{
	char *o = out;

	*o++ = '{';
	for (size_t i = 0; i < members; i++)
		o += sprintf(o, "%s\"%s%zu%s\":%zu", i ? "," : "", prefix, i, suffix, i);
	if (again >= 0)
		o += sprintf(o, ",\"\\u00%02x%s%d%s\":0", prefix[0], prefix + 1, again, suffix);
	*o++ = '}';
	return (size_t)(o - out);
}

static void a_duplicate_among_any_number_of_members_is_found(void **state)
{
	static const size_t sizes[] = { 1, 2, 20, 64, 65, 127, 128, 129, 130, 255, 256, 257, 1000, 5000 };
	/* The second pair's names all have one hash. */
	static const char *const affix[][2] = { { "n", "" }, { "01234567", "01234567" } };
	char *line = malloc(5002 * 40);
	struct json_scan scan;

	(void)state;
	assert_non_null(line);
	for (size_t i = 0; i < COUNT(sizes); i++) {
		for (size_t k = 0; k < COUNT(affix); k++) {
			int last = (int)sizes[i] - 1;

			assert_true(taken(line, wide(line, sizes[i], affix[k][0], affix[k][1], -1), &scan));
			for (int again = 0; again <= last; again += last / 3 + 1) {
				size_t len = wide(line, sizes[i], affix[k][0], affix[k][1], again);

				assert_false(taken(line, len, &scan));
				assert_string_equal(scan.error, "a member's name is there twice");
				assert_memory_equal(line + scan.at, "\"\\u00", 5);
			}
			assert_false(taken(line, wide(line, sizes[i], affix[k][0], affix[k][1], last), &scan));
		}
	}
	free(line);
}

static void names_of_outer_objects_are_remembered_while_inner_ones_come_and_go(void **state)
{
	char *line = malloc(1 << 20), *o = line;
	struct json_scan scan;
	size_t len;

	(void)state;
	assert_non_null(line);
	for (int d = 0; d < 100; d++)
		o += sprintf(o, "{\"a\":1,\"b\":{\"x\":[{\"x\":2}],\"y\":{}},\"c\":3,\"d\":");
	o += sprintf(o, "{\"a\":{\"b\":0},\"b\":1}");
	for (int d = 0; d < 100; d++)
		o += sprintf(o, ",\"e\":{\"a\":1,\"b\":2},\"f\":4}");
	len = (size_t)(o - line);
	assert_true(taken(line, len, &scan));
	assert_true(oracle_takes(line, len));
	for (int d = 0; d < 6; d++) {   /* The name of the last member becomes each of the others in turn. */
		o[-5] = "abcdef"[d];
		assert_int_equal(taken(line, len, &scan), d == 5);
	}
	free(line);
}

/* --- Paths --- */

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

/* --- A value set, an error told --- */

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

static void an_error_names_its_byte(void **state)
{
	static const struct { const char *line; size_t at; } table[] = {
		{ "", 0 }, { " x", 1 }, { "{\"a\":1,}", 7 }, { "{\"a\":1 x}", 7 }, { "{\"a\":1 ", 6 }, { "{\"a\":[1}", 7 }, { "{\"a\":{} ", 7 }, { "{\"a\":\"b", 7 }, { "{\"a\":\"\x01\"}", 6 },
		{ "{\"a\":\"b\\q\"}", 7 }, { "{\"a\":\"\xc3\"}", 6 }, { "{\"a\":1,\"a\":2}", 7 }, { "{} {}", 3 }, { "{\"a\":-}", 6 },
	};
	struct json_scan scan;

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		assert_false(taken(table[i].line, strlen(table[i].line), &scan));
		assert_non_null(scan.error);
		assert_int_equal(scan.at, table[i].at);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(structure_is_what_rfc_8259_says),
		cmocka_unit_test(numbers_and_words_are_what_rfc_8259_says_and_of_any_size),
		cmocka_unit_test(a_name_is_in_an_object_once_however_it_is_escaped),
		cmocka_unit_test(a_line_cut_short_or_with_a_byte_changed_is_judged_as_by_jansson),
		cmocka_unit_test(containers_nest_to_the_limit_and_not_one_deeper),
		cmocka_unit_test(a_duplicate_among_any_number_of_members_is_found),
		cmocka_unit_test(names_of_outer_objects_are_remembered_while_inner_ones_come_and_go),
		cmocka_unit_test(a_path_text_becomes_names),
		cmocka_unit_test(a_path_finds_the_value_as_it_stands),
		cmocka_unit_test(a_member_name_with_escapes_is_met_by_a_path),
		cmocka_unit_test(a_path_that_leads_nowhere_says_how_far_it_came),
		cmocka_unit_test(a_path_found_names_the_object_that_holds_the_value),
		cmocka_unit_test(paths_are_found_side_by_side),
		cmocka_unit_test(a_path_met_twice_is_a_line_refused),
		cmocka_unit_test(a_value_spliced_in_is_read_back_and_the_rest_stays_byte_for_byte),
		cmocka_unit_test(an_error_names_its_byte),
	};

	return cmocka_run_group_tests_name("scan", tests, NULL, NULL);
}
