/* lib/wire: bodies: members by name, values, arrays.  tests/fuzz/wire.c has jansson as oracle. */
#include "tests/unit/wire_rig.h"

static void test_body(void **state)
{
	static const char *const names[] = { "key", "value", "seq", "session", NULL };
	struct wire_value v[4];

	(void)state;
	body("{\"type\":\"write\",\"key\":\"k\",\"value\":{\"seq\":[1]},\"seq\":7}", names, v);
	TEXT_IS(v[0].json, "\"k\"");
	assert_int_equal(v[0].kind, WIRE_STRING);
	TEXT_IS(v[1].json, "{\"seq\":[1]}");
	assert_int_equal(v[1].kind, WIRE_OTHER);
	TEXT_IS(v[2].json, "7");
	assert_int_equal(v[2].kind, WIRE_NUMBER);
	TEXT_IS(v[3].json, NULL);
	assert_int_equal(v[3].kind, WIRE_ABSENT);

	body("{ \"session\" : \"s\\n\" , \"x\":[], \"se\\u0071\":-1 ,\"value\":null, \"ke\":1, \"key\":\"\" }", names, v);
	TEXT_IS(v[0].json, "\"\"");
	assert_true(wire_null(&v[1]));
	TEXT_IS(v[2].json, "-1");
	TEXT_IS(v[3].json, "\"s\\n\"");
	assert_true(v[3].escaped);
	assert_false(v[0].escaped);

	body("{}", names, v);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(v[i].kind, WIRE_ABSENT);
	body("{ }", names, v);
	wire_names_free(NULL);
}

/* Every order of the names finds the same. */
static void test_orders(void **state)
{
	static const char *const names[] = { "a", "bb", "ccc", "d", NULL };
	struct wire_value v[4];
	char text[128];

	(void)state;
	for (int order = 0; order < 256; order++) {
		int seen = 0, at = 0;

		for (int i = 0; i < 4; i++) {
			int which = order >> 2 * i & 3;

			if (seen >> which & 1)
				continue;
			at += sprintf(text + at, "%c\"%s\":%d", seen ? ',' : '{', names[which], which);
			seen |= 1 << which;
		}
		strcpy(text + at, "}");
		body(text, names, v);
		for (int i = 0; i < 4; i++) {
			uint64_t x = 99;

			assert_int_equal(v[i].kind, seen >> i & 1 ? WIRE_NUMBER : WIRE_ABSENT);
			assert_true(!v[i].kind || (wire_u64(&v[i], &x) && x == (uint64_t)i));
		}
	}
}

/* The value of a text that is one. */
static struct wire_value value_of(const char *text)
{
	static const char *const names[] = { "v", NULL };
	static char line[512];
	struct wire_value v;

	snprintf(line, sizeof(line), "{\"v\":%s}", text);
	body(line, names, &v);
	return v;
}

static void test_values(void **state)
{
	static const struct {
		const char *text;
		bool is;
		uint64_t number;
	} numbers[] = {
		{ "0", true, 0 }, { "7", true, 7 }, { "9007199254740992", true, WIRE_NUMBER_MAX },
		{ "9007199254740993", false, 0 }, { "99999999999999999999", false, 0 }, { "-1", false, 0 }, { "-0", false, 0 },
		{ "1.0", false, 0 }, { "1e3", false, 0 }, { "\"1\"", false, 0 }, { "true", false, 0 }, { "[]", false, 0 },
	};
	struct wire_value v, none = { .kind = WIRE_ABSENT };
	char out[8];

	(void)state;
	for (size_t i = 0; i < COUNT(numbers); i++) {
		uint64_t x;

		v = value_of(numbers[i].text);
		assert_int_equal(wire_u64(&v, &x), numbers[i].is);
		if (numbers[i].is)
			assert_int_equal(x, numbers[i].number);
	}
	v = value_of("true");
	assert_true(wire_true(&v) && !wire_null(&v) && !wire_string(&v, out, 7) && !wire_is(&v, "true"));
	v = value_of("null");
	assert_true(wire_null(&v) && !wire_true(&v));
	v = value_of("\"true\"");
	assert_true(!wire_true(&v) && wire_is(&v, "true") && !wire_is(&v, "tru") && !wire_is(&v, "truer"));
	v = value_of("\"a\\u00e9\\n\"");
	assert_true(wire_is(&v, "a\xc3\xa9\n") && wire_string(&v, out, 4) && !strcmp(out, "a\xc3\xa9\n"));
	assert_false(wire_string(&v, out, 3));
	v = value_of("\"\"");
	assert_true(wire_is(&v, "") && wire_string(&v, out, 0) && !*out);
	v = value_of("\"a\\u0000b\"");
	assert_false(wire_string(&v, out, 7) || wire_is(&v, "a"));
	assert_false(wire_true(&none) || wire_null(&none) || wire_is(&none, "") || wire_string(&none, out, 7));
}

static void test_walk(void **state)
{
	static const char *const arrays[] = { "[1,\"a,]\",[2,[3]],{\"x\":[]},null]",
					      "[ 1 , \"a,]\" ,[2,[3]] , {\"x\":[]},null ]" };
	static const char *const elements[] = { "1", "\"a,]\"", "[2,[3]]", "{\"x\":[]}", "null" };
	struct wire_value v = { .kind = WIRE_ABSENT };
	struct wire_walk walk;

	(void)state;
	for (size_t i = 0; i < COUNT(arrays); i++) {
		size_t n = 0;

		assert_true(wire_walk_init(&walk, (struct wire_text){ arrays[i], strlen(arrays[i]) }));
		while (wire_walk_next(&walk, &v))
			TEXT_IS(v.json, elements[n++]);
		assert_int_equal(n, COUNT(elements));
		assert_false(wire_walk_next(&walk, &v));
	}
	assert_true(wire_walk_init(&walk, (struct wire_text){ "[ ]", 3 }));
	assert_false(wire_walk_next(&walk, &v));
	assert_false(wire_walk_init(&walk, (struct wire_text){ "{\"a\":1}", 7 }));
	assert_false(wire_walk_next(&walk, &v));
	assert_false(wire_walk_init(&walk, (struct wire_text){ NULL, 0 }));
	assert_false(wire_walk_next(&walk, &v));
}

static void test_walk_body(void **state)
{
	static const char *const names[] = { "term", "command", NULL };
	static const char *const arrays[] = {
		"[]", "[ ]", "[{}]", "[{\"term\":1,\"command\":{\"a\":[1,{\"term\":9}]}},{\"command\":2,\"term\":3,\"more\":{}}]",
		"[ { } , {\"x\":\"]}\\\"\"} , {\"te\\u0072m\":7} ] ", "[{\"term\":1},2,{\"term\":3}]", "[2]",
	};
	struct wire_names *n = wire_names_new(names);

	(void)state;
	for (size_t i = 0; i < sizeof(arrays) / sizeof(*arrays); i++) {
		struct wire_text array = { arrays[i], strlen(arrays[i]) };
		struct wire_value element, one[2], all[2];
		struct wire_walk slow, fast;
		bool objects = true;

		while (array.p[array.len - 1] == ' ')
			array.len--;
		assert_true(wire_walk_init(&slow, array));
		assert_true(wire_walk_init(&fast, array));
		while (wire_walk_next(&slow, &element)) {
			objects = objects && *element.json.p == '{';
			assert_int_equal(wire_walk_body(&fast, n, all), objects);
			if (!objects)
				break;
			wire_body(n, element.json, one);
			for (int f = 0; f < 2; f++) {
				assert_int_equal(one[f].kind, all[f].kind);
				assert_ptr_equal(one[f].kind ? one[f].json.p : NULL, all[f].kind ? all[f].json.p : NULL);
			}
		}
		assert_false(wire_walk_body(&fast, n, all));
		assert_int_equal(wire_walk_ended(&fast), objects);
	}
	wire_names_free(n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "a body's members are found by name", test_body, NULL, NULL, NULL },
		{ "a body's members are found in any order", test_orders, NULL, NULL, NULL },
		{ "numbers, words and strings are told apart", test_values, NULL, NULL, NULL },
		{ "an array is walked", test_walk, NULL, NULL, NULL },
		{ "objects in an array are read in one pass as one by one", test_walk_body, NULL, NULL, NULL },
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
