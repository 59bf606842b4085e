/*
 * lib/json/text, alone and as a scan uses it, against jansson, its oracle: which
 * strings are taken, what they decode to, how they are written.  Every text is read
 * from a block of memory that ends where it does, so that a sanitizer sees a byte
 * read too far.
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

static bool taken(const char *line, size_t len)
{
	struct json_scan scan;
	char *copy = exact(line, len);
	int rc = json_scan(&scan, copy, len, NULL, 0, NULL);

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

struct judged {
	const char *text;
	size_t len;
	bool taken;
};

#define TAKEN(s) { TEXT(s), true }
#define REFUSED(s) { TEXT(s), false }

/* --- Which strings are taken --- */

static const struct judged strings[] = {
	TAKEN("{\"a\":\"\"}"), TAKEN("{\"a\":\"b\"}"), TAKEN("{\"a\":\"\x7f\"}"), TAKEN("{\"a\":\"a/b\"}"),
	TAKEN("{\"a\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"}"), TAKEN("{\"a\":\"\\u0041\\u00e9\\u20AC\"}"),
	TAKEN("{\"a\":\"\\uD83D\\uDE00\"}"), TAKEN("{\"a\":\"\\u0000\"}"), TAKEN("{\"a\":\"\\uFFFF\\uFFFE\"}"),
	TAKEN("{\"a\":\"\\ud7ff\\ue000\"}"), TAKEN("{\"a\":\"\\udbff\\udfff\"}"), TAKEN("{\"a\":\"\xe2\x80\xa8\xe2\x80\xa9\"}"),
	TAKEN("{\"a\":\"{}[],:\"}"), TAKEN("{\"a\":\"'\"}"), TAKEN("{\"a\":\"0123456789abcde\\\"0123456789abcdef\\\\\"}"),
	TAKEN("{\"\\u0061\\n\":1}"), TAKEN("{\"a\":\"\\\\u0000\"}"),
	REFUSED("{\"a\\u0000\":1}"), REFUSED("{\"\\u0000\":1}"),
	REFUSED("{\"a\":\"}"), REFUSED("{\"a\":\"01234567890abcd}"), REFUSED("{\"a\":\"01234567890abcde}"),
	REFUSED("{\"a\":\"01234567890abcdef}"), REFUSED("{\"a\":'b'}"), REFUSED("{\"a\":\"\\\"}"), REFUSED("{\"a\":\"\\"), REFUSED("{\"a\":\"\\u"),
	REFUSED("{\"a\":\"\\x41\"}"), REFUSED("{\"a\":\"\\a\"}"), REFUSED("{\"a\":\"\\v\"}"), REFUSED("{\"a\":\"\\'\"}"),
	REFUSED("{\"a\":\"\\0\"}"), REFUSED("{\"a\":\"\\ \"}"), REFUSED("{\"a\":\"\\\0\"}"), REFUSED("{\"a\":\"\\N\"}"),
	REFUSED("{\"a\":\"\\U0041\"}"), REFUSED("{\"a\":\"\\u\"}"), REFUSED("{\"a\":\"\\u004\"}"), REFUSED("{\"a\":\"\\u00G0\"}"),
	REFUSED("{\"a\":\"\\u 041\"}"), REFUSED("{\"a\":\"\\u+041\"}"), REFUSED("{\"a\":\"\\u004"), REFUSED("{\"a\":\"\\\xc3\xa9\"}"),
	REFUSED("{\"a\":\"\\ud800\"}"), REFUSED("{\"a\":\"\\udc00\"}"), REFUSED("{\"a\":\"\\ud800\\ud800\"}"),
	REFUSED("{\"a\":\"\\ud800\\u0041\"}"), REFUSED("{\"a\":\"\\udc00\\ud800\"}"), REFUSED("{\"a\":\"\\ud800x\"}"),
	REFUSED("{\"a\":\"\\ud800\\n\"}"), REFUSED("{\"a\":\"\\ud800\\u\"}"), REFUSED("{\"a\":\"\\ud800\\udc0\"}"),
	REFUSED("{\"a\":\"\\ud800"), REFUSED("{\"a\":\"\n\"}"), REFUSED("{\"a\":\"\t\"}"), REFUSED("{\"a\":\"\x1f\"}"),
	REFUSED("{\"a\":\"\x01\"}"), REFUSED("{\"a\":\"\0\"}"), REFUSED("{\"a\nb\":1}"), REFUSED("{\"\xff\":1}"),
	REFUSED("{\"a\":\"\xe9\"}"), REFUSED("{\"a\":\"\xc3"), REFUSED("{\"a\":\"\xe2\x82"),
};

static void strings_are_what_rfc_8259_says_and_escaped_surrogates_come_in_pairs(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(strings); i++) {
		const struct judged *t = &strings[i];

		if (taken(t->text, t->len) != t->taken || oracle_takes(t->text, t->len) != t->taken)
			fail_msg("%s: %s", t->text, t->taken ? "refused" : "taken");
	}
}

static const struct judged utf8[] = {
	TAKEN(""), TAKEN("a"), TAKEN("\x7f"), TAKEN("\xc2\x80"), TAKEN("\xdf\xbf"), TAKEN("\xe0\xa0\x80"),
	TAKEN("\xed\x9f\xbf"), TAKEN("\xee\x80\x80"), TAKEN("\xef\xbf\xbf"), TAKEN("\xf0\x90\x80\x80"),
	TAKEN("\xf4\x8f\xbf\xbf"), TAKEN("\xef\xb7\x90"), TAKEN("\xef\xbb\xbf"), TAKEN("a\xc3\xa9z\xe2\x82\xac\xf0\x9f\x98\x80"),
	TAKEN("0123456789abcdef"), TAKEN("0123456789abcdef\xc3\xa9"), TAKEN("0123456789abcde\xc3\xa9 0123456789abcdef"),
	REFUSED("\x80"), REFUSED("\xbf"), REFUSED("\xc0\x80"), REFUSED("\xc1\xbf"), REFUSED("\xc2"), REFUSED("\xc2\x7f"),
	REFUSED("\xc2\xc0"), REFUSED("\xe0\x9f\xbf"), REFUSED("\xe0\xa0"), REFUSED("\xe0\xa0\x7f"), REFUSED("\xed\xa0\x80"),
	REFUSED("\xed\xbf\xbf"), REFUSED("\xf0\x8f\xbf\xbf"), REFUSED("\xf0\x90\x80"), REFUSED("\xf0\x90\x80\xc0"),
	REFUSED("\xf4\x90\x80\x80"), REFUSED("\xf5\x80\x80\x80"), REFUSED("\xf8\x88\x80\x80\x80"), REFUSED("\xfe"),
	REFUSED("\xff"), REFUSED("\xe2\x82 "), REFUSED("\xc3\xa9\xa9"), REFUSED("0123456789abcdef\xc3"),
};

static void text_is_utf8_as_the_unicode_standard_has_it(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(utf8); i++) {
		char line[64], *copy = exact(utf8[i].text, utf8[i].len);
		size_t len = utf8[i].len;

		if (json_utf8(copy, len) != utf8[i].taken)
			fail_msg("row %zu", i);
		free(copy);
		memcpy(line, "{\"a\":\"", 6);
		memcpy(line + 6, utf8[i].text, len);
		memcpy(line + 6 + len, "\"}", 2);
		if (taken(line, len + 8) != utf8[i].taken || oracle_takes(line, len + 8) != utf8[i].taken)
			fail_msg("row %zu in a string", i);
	}
}

static void every_lead_and_second_byte_is_judged_as_by_jansson(void **state)
{
	char line[] = "{\"a\":\"....\"}";

	(void)state;
	for (unsigned pair = 0x8000; pair <= 0xffff; pair++) {
		for (size_t tail = 0; tail <= 2; tail++) {
			line[6] = (char)(pair >> 8);
			line[7] = (char)pair;
			memset(line + 8, 'x', 2);
			memset(line + 8, 0x80, tail);
			if (taken(TEXT(line)) != oracle_takes(TEXT(line)))
				fail_msg("%04x and %zu more", pair, tail);
		}
	}
}

/* --- Strings in and out --- */

static void a_found_string_is_decoded_as_by_jansson(void **state)
{
	static const char *const values[] = {
		"\"\"", "\"abc\"", "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"a\\u0000b\"", "\"\\u007f\\u0080\\u07ff\\u0800\\uFFFF\"",
		"\"\\ud800\\udc00 \\uDBFF\\uDFFF\"", "\"\xc3\xa9\\u00E9\"", "\"\\\\u0041\"",
	};
	struct json_path a;
	const struct json_path *path = &a;

	(void)state;
	assert_int_equal(json_path_init(&a, "a"), 0);
	for (size_t i = 0; i < COUNT(values); i++) {
		char line[128], out[128];
		struct json_found found;
		struct json_scan scan;
		json_t *root;
		size_t len;

		sprintf(line, "{\"a\":%s}", values[i]);
		assert_int_equal(json_scan(&scan, line, strlen(line), &path, 1, &found), 0);
		assert_int_equal(found.escaped, strchr(values[i], '\\') != NULL);
		len = json_unescape(&found, out);
		assert_true(len <= found.len);
		root = json_loads(line, ORACLE_FLAGS, NULL);
		assert_int_equal(len, json_string_length(json_object_get(root, "a")));
		assert_memory_equal(out, json_string_value(json_object_get(root, "a")), len);
		json_decref(root);
	}
	json_path_release(&a);
}

static void a_string_is_escaped_as_by_jansson(void **state)
{
	char all[0x80 + 16];
	size_t len = 0;

	(void)state;
	for (int c = 0; c < 0x80; c++)
		all[len++] = (char)c;
	memcpy(all + len, "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 9);
	len += 9;
	for (size_t from = 0; from <= len; from++) {
		size_t n = from < 0x80 ? len - from : 0;
		char *s = exact(all + from, n), *out = malloc(6 * n + 2), *dumped;
		size_t out_len = json_escape(s, n, out);
		json_t *string = json_stringn(s, n);

		dumped = json_dumps(string, JSON_ENCODE_ANY);
		assert_int_equal(out_len, strlen(dumped));
		assert_memory_equal(out, dumped, out_len);
		json_decref(string);
		free(dumped);
		free(out);
		free(s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strings_are_what_rfc_8259_says_and_escaped_surrogates_come_in_pairs),
		cmocka_unit_test(text_is_utf8_as_the_unicode_standard_has_it),
		cmocka_unit_test(every_lead_and_second_byte_is_judged_as_by_jansson),
		cmocka_unit_test(a_found_string_is_decoded_as_by_jansson),
		cmocka_unit_test(a_string_is_escaped_as_by_jansson),
	};

	return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
