/* lib/wire: the envelope of a line, read and written.  tests/fuzz/wire.c has jansson as oracle. */
#include "tests/unit/wire_rig.h"

struct parse_case {
	const char *line, *is;
};

static void check_cases(const struct parse_case *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const char *is = parsed(cases[i].line, strlen(cases[i].line));

		if (strcmp(is, cases[i].is)) {
			print_error("%s\n  gives: %s\n   want: %s\n", cases[i].line, is, cases[i].is);
			fail();
		}
	}
}

#define LONG63 "012345678901234567890123456789012345678901234567890123456789012"

/* --- Parsing --- */

static void test_parse(void **state)
{
	static const struct parse_case cases[] = {
		{ "{\"src\":\"c1\",\"dest\":\"n1\",\"body\":{\"type\":\"read\",\"msg_id\":1,\"key\":\"x\"}}",
		  "c1>n1 read 1   {\"type\":\"read\",\"msg_id\":1,\"key\":\"x\"}" },
		{ "{\"src\":\"n1\",\"dest\":\"c1\",\"at\":17,\"body\":{\"type\":\"read_ok\",\"in_reply_to\":\"a\"}}",
		  "n1>c1 read_ok  \"a\" 17 {\"type\":\"read_ok\",\"in_reply_to\":\"a\"}" },
		{ " {\t\"body\" : { \"a\":[1,{\"type\":2}], \"type\" :\"t\" } ,\r\"dest\": \"\", \"src\" :\"s\"} ",
		  "s> t    { \"a\":[1,{\"type\":2}], \"type\" :\"t\" }" },
		{ "{\"src\":\"\\u0063\\n\",\"d\\u0065st\":\"n\\\\1\",\"body\":{\"\\u0074ype\":\"\\u0072ead\"}}",
		  "c\n>n\\1 read    {\"\\u0074ype\":\"\\u0072ead\"}" },
		{ "{\"x\":{\"src\":1,\"dest\":\"}\\\"]\"},\"dest\":\"\xc3\xa9\",\"src\":\"s\",\"body\":{\"y\":[{}],\"type\":\"t\"}}",
		  "s>\xc3\xa9 t    {\"y\":[{}],\"type\":\"t\"}" },
		{ "{\"src\":\"s\",\"dest\":\"" LONG63 "\\\"\",\"body\":{\"type\":\"\",\"msg_id\":-1.5e3}}",
		  "s>" LONG63 "\"  -1.5e3   {\"type\":\"\",\"msg_id\":-1.5e3}" },
		{ "{\"src\":\"s\",\"dest\":\"" LONG63 "4\",\"body\":{\"type\":\"t\"}}",
		  "s>" LONG63 "4 t    {\"type\":\"t\"}" },
	};

	(void)state;
	check_cases(cases, COUNT(cases));
}

static void test_refused(void **state)
{
	static const struct parse_case cases[] = {
		{ "", "an object expected at 0:   " },
		{ "garbage", "an object expected at 0:   " },
		{ "[1]", "an object expected at 0:   " },
		{ "{}", "no dest at 2:   " },
		{ "{\"dest\":\"n\"}", "no src at 12:   " },
		{ "{\"src\":\"s\",\"body\":{\"type\":\"t\",\"msg_id\":1}}", "no dest at 42: s t 1" },
		{ "{\"src\":\"s\",\"dest\":1,\"body\":{\"type\":\"t\",\"msg_id\":1}}", "dest is not a string at 18: s t 1" },
		{ "{\"src\":{},\"dest\":\"n\",\"body\":{\"type\":\"t\",\"msg_id\":1}}", "src is not a string at 7:  t 1" },
		{ "{\"src\":\"s\",\"dest\":\"" LONG63 "45\",\"body\":{\"type\":\"t\",\"msg_id\":1}}",
		  "dest is longer than 64 bytes at 18: s t 1" },
		{ "{\"src\":\"s\",\"dest\":\"" LONG63 "4\\u0000\",\"body\":{\"type\":\"t\",\"msg_id\":1}}",
		  "dest is longer than 64 bytes at 18: s t 1" },
		{ "{\"src\":\"s\",\"dest\":\"n\"}", "no body at 22: s  " },
		{ "{\"src\":\"s\",\"dest\":\"n\",\"body\":[{}]}", "the body is not an object at 29: s  " },
		{ "{\"src\":\"s\",\"dest\":\"n\",\"body\":null}", "the body is not an object at 29: s  " },
		{ "{\"src\":\"s\",\"dest\":\"n\",\"body\":{}}", "no type at 32: s  " },
		{ "{\"src\":\"s\",\"dest\":\"n\",\"body\":{\"msg_id\":7}}", "no type at 42: s  7" },
		{ "{\"src\":\"s\",\"dest\":\"n\",\"body\":{\"type\":7,\"msg_id\":\"x\"}}", "the type is not a string at 37: s  \"x\"" },
		{ "{\"src\":\"s\",\"dest\":\"n\",\"body\":{\"type\":\"t\",\"msg_id\":[]}}",
		  "the msg_id is neither a number nor a string at 50: s t " },
		{ "{\"src\":\"s\",\"dest\":\"n\",\"dest\":\"m\",\"body\":{\"type\":\"t\"}}",
		  "a member's name is there twice at 22: s t " },
		{ "{\"src\":\"s\",\"dest\":\"n\",\"body\":{\"type\":\"t\",\"msg_id\":3,\"key\":tru}}", "a value expected at 58: s t 3" },
		{ "{\"src\":\"s\",\"dest\":\"n\",\"body\":{\"type\":\"t\",\"msg_id\":3,\"key\":\"x",
		  "the line does not end in '}' at 60: s t 3" },
		{ "{\"src\":\"s\",\"dest\":\"n\",\"body\":{\"type\":\"t\",\"msg_id\":3}}}", "something after the object at 53: s t 3" },
		{ "{\"src\":\"\xff\",\"dest\":\"n\",\"body\":{\"type\":\"t\",\"msg_id\":3}}", "not UTF-8 at 8:  t 3" },
		{ "{\"src\":\"s\\",  "the line does not end in '}' at 10:   " },
		{ "{\"src\":\"s\",\"dest\":\"n\",\"body\":{\"type\":\"\\ud800\",\"msg_id\":03}}", "half of a surrogate pair at 38: s  " },
	};

	(void)state;
	check_cases(cases, COUNT(cases));
}

/* `depth` containers in each other, the line's object and the body counted; a msg_id before or after them. */
static size_t nested(char *out, size_t depth, const char *before, const char *after)
{
	size_t inner = depth - 2;
	char *o = out + sprintf(out, "{\"src\":\"c\",\"dest\":\"n\",\"body\":{\"type\":\"t\"%s,\"v\":", before);

	memset(o, '[', inner);
	memset(o + inner, ']', inner);
	o += 2 * inner;
	return (size_t)(o + sprintf(o, "%s}}", after) - out);
}

static void test_depth(void **state)
{
	static const char id[] = ",\"msg_id\":5";
	char *line = malloc(1 << 20);
	struct wire_line w;

	(void)state;
	assert_non_null(line);
	assert_int_equal(wire_parse(&w, line, nested(line, WIRE_DEPTH_MAX, id, "")), 0);
	assert_int_equal(wire_parse(&w, line, nested(line, WIRE_DEPTH_MAX, "", id)), 0);
	for (size_t after = 0; after < 2; after++) {
		static const size_t depths[] = { WIRE_DEPTH_MAX + 1, 1000, 1025, 200000 };

		for (size_t i = 0; i < COUNT(depths); i++) {
			assert_int_equal(wire_parse(&w, line, nested(line, depths[i], after ? "" : id, after ? id : "")), -1);
			assert_non_null(strstr(w.error, "nested too deep"));
			TEXT_IS(w.src, "c");
			TEXT_IS(w.type, "t");
			TEXT_IS(w.msg_id.json, "5");
		}
	}
	/* What carries a request on has no msg_id. */
	assert_int_equal(wire_parse(&w, line, nested(line, WIRE_DEPTH_MAX + 10, "", "")), 0);
	assert_true(w.deep);
	assert_int_equal(wire_parse(&w, line, nested(line, WIRE_DEPTH_MAX, "", "")), 0);
	assert_false(w.deep);
	free(line);
}

/* Any prefix of a line is refused, and read no further than it goes. */
static void test_prefixes(void **state)
{
	static const char text[] = "{\"src\":\"c\\u0031\",\"dest\":\"n1\",\"at\":1.5e+3,\"body\":{\"type\":\"t\\n\",\"msg_id\":\"\\ud83d\\ude00\","
		"\"k\":[true,null,{\"\\\\\":-0}],\"v\":\"\xe2\x82\xac\"}}";

	(void)state;
	for (size_t len = 0; len < sizeof(text) - 1; len++)
		assert_non_null(strstr(parsed(text, len), " at "));
	assert_null(strstr(parsed(text, sizeof(text) - 1), " at "));
}

/* --- Routing --- */

static void test_route(void **state)
{
	static const struct {
		const char *line, *src, *dest;
	} cases[] = {
		{ "{\"src\":\"c1\",\"dest\":\"n1\",\"body\":{\"type\":\"read\"}}", "c1", "n1" },
		{ "{\"src\":\"c1\",\"dest\":\"n1\"", "c1", "n1" },
		{ "{\"src\":\"\",\"dest\":\"\",", "", "" },
		{ "{\"src\":\"\xc3\xa9\",\"dest\":\"\xc3\xa9\"}", "\xc3\xa9", "\xc3\xa9" },
		{ "{\"src\":\"c1\",\"at\":5,\"dest\":\"n1\",\"body\":{}}", "c1", "n1" },
		{ "{\"dest\":\"n1\",\"src\":\"c1\",\"body\":{}}", "c1", "n1" },
		{ "{\"body\":{\"src\":\"x\",\"dest\":\"y\",\"a\":[\"}]\",{\"dest\":\"z\"}]},\"dest\":\"n1\",\"src\":\"c1\"}", "c1", "n1" },
		{ "{\"src\":\"c1\",\"body\":{\"dest\":\"n2\"},\"dest\":\"n1\"}", "c1", "n1" },
		{ "{\"src\":\"c1\",\"body\":\"\\\",\\\"dest\\\":\\\"n2\\\"\",\"dest\":\"n1\"}", "c1", "n1" },
		{ " { \"src\" : \"c1\" , \"dest\"\t:\"n1\" }", "c1", "n1" },
		{ "{\"src\":\"c1\",\"body\":{\"dest\":\"n1\"}}", NULL, NULL },
		{ "{\"src\":\"c1\",\"body\":[\"dest\",\"n1\"]}", NULL, NULL },
		{ "{\"dest\":\"n1\",\"body\":{}}", NULL, NULL },
		{ "{\"src\":\"c1\",\"dest\":\"n\\u0031\"}", NULL, NULL },
		{ "{\"src\":\"c1\",\"d\\u0065st\":\"n1\"}", NULL, NULL },
		{ "{\"src\":\"c1\",\"dest\":1}", NULL, NULL },
		{ "{\"src\":\"c1\",\"dest\":\"n1", NULL, NULL },
		{ "{\"src\":\"c1\",\"dest\":", NULL, NULL },
		{ "{\"src\":\"c1\"", NULL, NULL },
		{ "{\"src\":\"", NULL, NULL },
		{ "[\"src\",\"c1\"]", NULL, NULL },
		{ "garbage", NULL, NULL },
		{ "", NULL, NULL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		size_t len = strlen(cases[i].line);
		char *line = exact(cases[i].line, len);
		struct wire_text src, dest;
		int rc = wire_route(line, len, &src, &dest);

		assert_int_equal(rc, cases[i].dest ? 0 : -1);
		if (!rc) {
			TEXT_IS(src, cases[i].src);
			TEXT_IS(dest, cases[i].dest);
		}
		free(line);
	}
}

/* --- Writing --- */

static void test_write(void **state)
{
	struct wire_text dest = { .p = "c\"1", .len = 3 }, id = { .p = "\"x\"", .len = 3 }, none = { .p = NULL };
	struct buf b = { 0 };

	(void)state;
	wire_begin(&b, "n1", 2, "c1", 2);
	buf_puts(&b, "\"type\":\"read_ok\"");
	wire_end(&b);
	wire_error(&b, "n1", dest, id, WIRE_NO_KEY, wire_code_text(WIRE_NO_KEY));
	wire_error(&b, "n1", dest, none, WIRE_TIMEOUT, "line\n");
	buf_putc(&b, '\0');
	assert_string_equal(b.at,
		"{\"src\":\"n1\",\"dest\":\"c1\",\"body\":{\"type\":\"read_ok\"}}\n"
		"{\"src\":\"n1\",\"dest\":\"c\\\"1\",\"body\":{\"type\":\"error\",\"in_reply_to\":\"x\",\"code\":20,"
		"\"text\":\"key does not exist\"}}\n"
		"{\"src\":\"n1\",\"dest\":\"c\\\"1\",\"body\":{\"type\":\"error\",\"code\":0,\"text\":\"line\\n\"}}\n");
	buf_release(&b);
	assert_string_equal(wire_code_text((enum wire_code)77), "unknown error");
}

/* A string longer than what is escaped at once comes back as it was. */
static void test_long_string(void **state)
{
	static const char *const names[] = { "v", NULL };
	enum { BYTES = 3 * 4096 + 5 };
	char *text = malloc(BYTES), *back = malloc(BYTES + 1);
	struct wire_value v;

	(void)state;
	assert_true(text && back);
	for (size_t len = BYTES; len > 4090; len -= len > 4100 ? 777 : 1) {
		struct buf b = { 0 };

		for (size_t i = 0; i < len; i++)
			text[i] = "a\x01\"\\\xc3\xa9"[i % 6];
		if (text[len - 1] == '\xc3')
			text[len - 1] = 'z';
		buf_puts(&b, "{\"v\":");
		wire_put_string(&b, text, len);
		buf_puts(&b, "}");
		buf_putc(&b, '\0');
		body(b.at, names, &v);
		assert_true(wire_string(&v, back, BYTES));
		assert_memory_equal(back, text, len);
		assert_int_equal(back[len], '\0');
		buf_release(&b);
	}
	free(text);
	free(back);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "an envelope is read in any order, with any space and escapes", test_parse, NULL, NULL, NULL },
		{ "what is no message is refused, and src, type and msg_id read all the same", test_refused, NULL, NULL, NULL },
		{ "a request nested too deep is refused and can be answered", test_depth, NULL, NULL, NULL },
		{ "a line cut anywhere is refused", test_prefixes, NULL, NULL, NULL },
		{ "a route is the envelope's, never the body's", test_route, NULL, NULL, NULL },
		{ "lines and errors are written", test_write, NULL, NULL, NULL },
		{ "a long string is escaped in pieces", test_long_string, NULL, NULL, NULL },
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
