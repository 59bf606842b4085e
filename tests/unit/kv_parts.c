/*
 * The parts of lib/kv, each by itself: the canonical form by tables and against jansson, the hash table and
 * the ordered tree against arrays.
 */
#include "lib/kv/canon.h"
#include "lib/kv/request.h"
#include "lib/kv/table.h"
#include "lib/kv/tree.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct wire_text text_of(const char *s)
{
	return (struct wire_text){ .p = s, .len = strlen(s) };
}

/* xorshift: the same numbers in every run. */
static uint32_t draw(uint64_t *state, uint32_t below)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return (uint32_t)(*state >> 32) % below;
}

/* --- Canonical form --- */

static void assert_canon(const char *text, const char *expected)
{
	struct buf scratch = { 0 };
	struct wire_text form = canon(text_of(text), &scratch);

	if (form.len != strlen(expected) || memcmp(form.p, expected, form.len))
		fail_msg("%s: expected %s, got %.*s", text, expected, (int)form.len, form.p);
	buf_release(&scratch);
}

static void texts_that_mean_the_same_have_one_form(void **state)
{
	static const char *const same[][2] = {
		{ "\"a\"", "\"a\"" }, { "\"\\u0061\"", "\"a\"" }, { "\"\"", "\"\"" }, { "\"\\/\"", "\"/\"" },
		{ "\"\\u00fc\"", "\"\xc3\xbc\"" }, { "\"\\ud83d\\ude00\"", "\"\xf0\x9f\x98\x80\"" },
		{ "\"\\u000a\\u0022\\u005C\"", "\"\\n\\\"\\\\\"" }, { "\"\\u0000\"", "\"\\u0000\"" },
		{ "\"\\u001F\"", "\"\\u001F\"" }, { "\"\\u001f\"", "\"\\u001F\"" },
		{ "0", "0" }, { "-0", "0" }, { "-1", "-1" }, { "123", "123" }, { "18446744073709551616", "18446744073709551616" },
		{ "0.0", "0.0" }, { "-0.0", "0.0" }, { "0e5", "0.0" }, { "1.0", "1.0" }, { "1e0", "1.0" }, { "10E-1", "1.0" },
		{ "0.1", "0.1" }, { "100e-3", "0.1" }, { "1e22", "1e+22" }, { "1E+22", "1e+22" }, { "-2.50", "-2.5" },
		{ "3.141592653589793", "3.141592653589793" }, { "5e-324", "4.94065645841247e-324" },
		{ "0.30000000000000004", "0.30000000000000004" }, { "1e999", "1e999" }, { "-1e999", "-1e999" },
		{ "true", "true" }, { "null", "null" }, { "[]", "[]" }, { "[ ]", "[]" }, { "{}", "{}" }, { "{ }", "{}" },
		{ "[ 1 , \"\\u0061\" ,-0,1e0 ]", "[1,\"a\",0,1.0]" }, { "[true,false,null]", "[true,false,null]" },
		{ "{\"b\":1,\"a\":2}", "{\"a\":2,\"b\":1}" }, { "{\"b\": 1, \"\\u0061\": 2}", "{\"a\":2,\"b\":1}" },
		{ "{\"a!\":1,\"a\":2}", "{\"a\":2,\"a!\":1}" }, { "{\"a\":1,\"a!\":2}", "{\"a\":1,\"a!\":2}" },
		{ "{\"b\":{\"d\":[],\"c\":[{\"z\":1,\"y\":2}]},\"a\":{}}", "{\"a\":{},\"b\":{\"c\":[{\"y\":2,\"z\":1}],\"d\":[]}}" },
		{ "[[[[1.00]]],{\"e\":true,\"E\":false}]", "[[[[1.0]]],{\"E\":false,\"e\":true}]" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(same); i++) {
		assert_canon(same[i][0], same[i][1]);
		assert_canon(same[i][1], same[i][1]);
		assert_true(canon_equal(text_of(same[i][0]), text_of(same[i][1])));
	}
}

static void texts_that_mean_something_else_differ(void **state)
{
	static const char *const differ[][2] = {
		{ "1", "1.0" }, { "1", "\"1\"" }, { "0", "0.0" }, { "null", "\"null\"" }, { "[]", "{}" }, { "[]", "[[]]" },
		{ "[1,2]", "[2,1]" }, { "{\"a\":1}", "{\"a\":1,\"b\":1}" }, { "9007199254740993", "9007199254740992" },
		{ "18446744073709551616", "18446744073709551617" }, { "1e999", "1e998" }, { "0.1", "0.10000000000000002" },
		{ "\"a\"", "\"A\"" }, { "\"\\\\u0061\"", "\"\\u0061\"" }, { "true", "false" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(differ); i++) {
		assert_false(canon_equal(text_of(differ[i][0]), text_of(differ[i][1])));
		assert_false(canon_equal(text_of(differ[i][1]), text_of(differ[i][0])));
	}
}

static json_t *random_json(uint64_t *seed, int depth)
{
	char name[3] = { 0 };
	json_t *container;

	switch (draw(seed, depth ? 9 : 7)) {
	case 0: return json_integer((json_int_t)draw(seed, 4) - 2);
	case 1: return json_real(((double)draw(seed, 9) - 4) / 4);
	case 2: return json_real((double)draw(seed, 1u << 31) / (1 + draw(seed, 1000)));
	case 3: return draw(seed, 2) ? json_true() : json_null();
	case 4: return json_string(draw(seed, 2) ? "a\n\"" : "\xc3\xa9");
	case 5: return json_integer((json_int_t)draw(seed, 1u << 31) << draw(seed, 30));
	case 6:
		name[0] = (char)('a' + draw(seed, 3));
		return json_string(name);
	case 7:
		container = json_array();
		for (uint32_t n = draw(seed, 4); n > 0; n--)
			json_array_append_new(container, random_json(seed, depth - 1));
		return container;
	default:
		container = json_object();
		for (uint32_t n = draw(seed, 5); n > 0; n--) {
			name[0] = (char)('a' + draw(seed, 4));
			name[1] = (char)(draw(seed, 2) ? ' ' + draw(seed, 2) : 0);
			json_object_set_new(container, name, random_json(seed, depth - 1));
		}
		return container;
	}
}

static void two_texts_are_equal_exactly_if_jansson_says_so(void **state)
{
	uint64_t seed = 88172645463325252;
	unsigned equal = 0;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		json_t *a = random_json(&seed, 3);
		json_t *b = draw(&seed, 3) ? random_json(&seed, 3) : json_deep_copy(a);
		char *a_text = json_dumps(a, JSON_ENCODE_ANY | JSON_INDENT(1));
		char *b_text = json_dumps(b, JSON_ENCODE_ANY | JSON_ENSURE_ASCII | JSON_SORT_KEYS);
		bool same = canon_equal(text_of(a_text), text_of(b_text));

		if (same != json_equal(a, b))
			fail_msg("%s and %s: %d", a_text, b_text, same);
		equal += same;
		free(a_text);
		free(b_text);
		json_decref(a);
		json_decref(b);
	}
	assert_in_range(equal, 5000, 15000);
}

static void keys_have_an_order_by_kind_and_then_by_bytes(void **state)
{
	static const char *const ascending[] = {
		"\"\"", "\" \"", "\"a\"", "\"a \"", "\"a!\"", "\"a\\\"\"", "\"ab\"", "\"b\"", "\"\xc3\xbc\"",
		"-1", "0", "10", "9", "[1]", "[2]", "false", "null", "true", "{\"a\":1}",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(ascending); i++)
		for (size_t j = 0; j < COUNT(ascending); j++) {
			int c = canon_order(text_of(ascending[i]), text_of(ascending[j]));

			assert_int_equal((c > 0) - (c < 0), (i > j) - (i < j));
		}
}

static void a_hundred_objects_in_each_other_are_put_in_order(void **state)
{
	struct buf text = { 0 }, form = { 0 }, expected = { 0 };

	(void)state;
	for (int i = 0; i < 100; i++)
		buf_puts(&text, "{\"b\":");
	buf_puts(&text, "1");
	for (int i = 0; i < 100; i++) {
		buf_puts(&text, ",\"a\":2}");
		buf_puts(&expected, "{\"a\":2,\"b\":");
	}
	buf_puts(&expected, "1");
	for (int i = 0; i < 100; i++)
		buf_puts(&expected, "}");
	assert_int_equal(canon_depth((struct wire_text){ .p = text.at, .len = text.len }), 100);
	canon_add(&form, (struct wire_text){ .p = text.at, .len = text.len });
	assert_int_equal(form.len, expected.len);
	assert_memory_equal(form.at, expected.at, form.len);
	buf_release(&text);
	buf_release(&form);
	buf_release(&expected);
}

/* --- The hash table --- */

struct item {
	uint64_t hash;
	uint32_t name;
	bool in;
};

static bool same_name(const void *item, const void *name)
{
	return ((const struct item *)item)->name == *(const uint32_t *)name;
}

static void assert_found(const struct table *table, const struct item *item)
{
	const void *found = table_find(table, item->hash, same_name, &item->name);

	assert_ptr_equal(found, item->in ? item : NULL);
}

/* Items come and go at random, first mostly the one, then the other. */
static void exercise_table(uint32_t count, uint64_t (*hash)(uint64_t), uint32_t rounds)
{
	struct item *item = calloc(count, sizeof(*item));
	uint64_t seed = 7;
	struct table table;

	assert_non_null(item);
	table_init(&table);
	for (uint32_t i = 0; i < count; i++)
		item[i] = (struct item){ .hash = hash(i), .name = i };
	for (uint32_t i = 0; i < rounds; i++) {
		struct item *one = &item[draw(&seed, count)];
		bool come = draw(&seed, 10) < (i < rounds / 2 ? 8u : 1u);

		if (come && !one->in)
			table_add(&table, one->hash, one);
		if (!come && one->in)
			table_remove(&table, one->hash, one);
		one->in = come;
		assert_found(&table, one);
		if (i % (rounds / 8) == 0)
			for (uint32_t j = 0; j < count; j++)
				assert_found(&table, &item[j]);
	}
	for (uint32_t i = 0; i < count; i++)
		if (item[i].in)
			table_remove(&table, item[i].hash, &item[i]);
	for (uint32_t i = 0; i < 1u << table.depth; i++)
		assert_int_equal(table.directory[i]->count, 0);
	assert_int_equal(table.directory[0]->depth, 0);
	table_release(&table);
	free(item);
}

static uint64_t hash_well(uint64_t x)
{
	x = (x + 1) * UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	return x ^ x >> 27;
}

static uint64_t hash_all_alike(uint64_t x)
{
	(void)x;
	return UINT64_C(0x123456789abcdef0);
}

static uint64_t hash_alike_in_front(uint64_t x)
{
	return UINT64_C(0xabcdef0123) << 24 | (hash_well(x) & 0xffffff);
}

static void a_table_finds_what_was_put_in_and_not_taken_out(void **state)
{
	(void)state;
	exercise_table(20000, hash_well, 400000);
	exercise_table(10, hash_well, 1000);
}

static void a_table_bears_hashes_that_agree(void **state)
{
	(void)state;
	exercise_table(600, hash_all_alike, 3000);
	exercise_table(300, hash_alike_in_front, 3000);
}

/* --- The ordered tree --- */

static struct record *record_of(uint32_t number)
{
	struct record *r = calloc(1, sizeof(*r) + 16);

	assert_non_null(r);
	r->key_len = (uint32_t)sprintf(r->text, "\"%08u\"", number);
	return r;
}

/* Nodes as full as they have to be, all leaves equally deep; counts the records. */
static size_t check_node(const struct tree_node *node, bool root, unsigned height, unsigned *leaf_height)
{
	size_t count = node->count;

	assert_true(root || node->count >= TREE_ITEMS_MIN);
	assert_true(node->count <= TREE_ITEMS_MAX);
	if (node->leaf) {
		assert_true(!*leaf_height || *leaf_height == height);
		*leaf_height = height;
		return count;
	}
	for (unsigned i = 0; i <= node->count; i++)
		count += check_node(node->child[i], false, height + 1, leaf_height);
	return count;
}

static void check_tree(const struct tree *tree, struct record *const *in, uint32_t names)
{
	struct tree_walk walk;
	unsigned leaf_height = 0;
	size_t count = 0;

	tree_seek(&walk, tree, (struct wire_text){ 0 }, false);
	for (uint32_t i = 0; i < names; i++) {
		if (in[i]) {
			assert_ptr_equal(tree_next(&walk), in[i]);
			count++;
		}
	}
	assert_null(tree_next(&walk));
	assert_int_equal(check_node(tree->root, true, 1, &leaf_height), count);
}

static void check_seek(const struct tree *tree, struct record *const *in, uint32_t names, uint32_t from, bool after)
{
	struct record *key = record_of(from);
	struct tree_walk walk;
	uint32_t i = from + after;

	tree_seek(&walk, tree, record_key(key), after);
	for (int n = 0; n < 3; n++, i++) {
		while (i < names && !in[i])
			i++;
		assert_ptr_equal(tree_next(&walk), i < names ? in[i] : NULL);
	}
	free(key);
}

static void exercise_tree(uint32_t names, uint32_t rounds, bool in_order)
{
	struct record **in = calloc(names, sizeof(struct record *));
	uint64_t seed = 11;
	struct tree tree;

	assert_non_null(in);
	tree_init(&tree);
	for (uint32_t i = 0; i < rounds; i++) {
		uint32_t name = in_order ? i % names : draw(&seed, names);
		bool come = in_order ? i / names % 2 == 0 : draw(&seed, 10) < (i < rounds / 2 ? 8u : 1u);

		if (come && !in[name]) {
			in[name] = record_of(name);
			tree_add(&tree, in[name]);
		} else if (come) {
			struct record *by = record_of(name);

			tree_replace(&tree, record_key(in[name]), by);
			free(in[name]);
			in[name] = by;
		} else if (in[name]) {
			tree_remove(&tree, record_key(in[name]));
			free(in[name]);
			in[name] = NULL;
		}
		check_seek(&tree, in, names, draw(&seed, names), draw(&seed, 2));
		if (i % (rounds / 16) == 0)
			check_tree(&tree, in, names);
	}
	check_tree(&tree, in, names);
	for (uint32_t i = 0; i < names; i++)
		free(in[i]);
	tree_release(&tree);
	free(in);
}

static void a_tree_has_its_records_in_order(void **state)
{
	(void)state;
	exercise_tree(5000, 100000, false);
	exercise_tree(64, 5000, false);
	exercise_tree(5000, 20000, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_that_mean_the_same_have_one_form),
		cmocka_unit_test(texts_that_mean_something_else_differ),
		cmocka_unit_test(two_texts_are_equal_exactly_if_jansson_says_so),
		cmocka_unit_test(keys_have_an_order_by_kind_and_then_by_bytes),
		cmocka_unit_test(a_hundred_objects_in_each_other_are_put_in_order),
		cmocka_unit_test(a_table_finds_what_was_put_in_and_not_taken_out),
		cmocka_unit_test(a_table_bears_hashes_that_agree),
		cmocka_unit_test(a_tree_has_its_records_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
