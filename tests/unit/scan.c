/*
 * lib/json/scan against jansson, its oracle, and against tables where the two
 * differ on purpose.  Every line is scanned from a block of memory that ends
 * where the line does, so that a sanitizer sees a byte read too far.
 */
#include "lib/json/scan.h"

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

/* --- Errors --- */

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
		cmocka_unit_test(an_error_names_its_byte),
	};

	return cmocka_run_group_tests_name("scan", tests, NULL, NULL);
}
