/*
 * lib/kv against a naive model made of jansson's trees: the same random commands, the same answers.
 *
 * A command is made as a tree and written in one of several ways (members turned round, white space, escapes), which
 * must make no difference.  The words of errors are not compared, their codes are.
 */
#include "lib/kv/kv.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { SESSIONS = 6, KEYS_MAX = 256 };

/* --- Random commands --- */

struct draw {
	uint64_t state;
};

static uint32_t draw(struct draw *d, uint32_t below)
{
	d->state ^= d->state << 13;
	d->state ^= d->state >> 7;
	d->state ^= d->state << 17;
	return (uint32_t)(d->state >> 32) % below;
}

static json_t *draw_scalar(struct draw *d)
{
	static const char *const strings[] = { "", "a", "ab", "a b", "b", "\n\"\\/", "\xc3\xbc", "\xf0\x9f\x98\x80", "1", "null" };

	switch (draw(d, 6)) {
	case 0: return json_integer((json_int_t)draw(d, 6) - 2);
	case 1: return json_integer(INT64_C(9007199254740990) + draw(d, 6));
	case 2: return json_real(((double)draw(d, 9) - 4) / 4);
	case 3: return draw(d, 2) ? json_null() : json_boolean(draw(d, 2));
	default: return json_string(strings[draw(d, sizeof(strings) / sizeof(strings[0]))]);
	}
}

static json_t *draw_json(struct draw *d, int depth)
{
	static const char *const names[] = { "a", "b", "a b", "\xc3\xbc", "\"" };
	json_t *container;

	switch (depth ? draw(d, 8) : 0) {
	case 6:
		container = json_array();
		for (uint32_t n = draw(d, 4); n > 0; n--)
			json_array_append_new(container, draw_json(d, depth - 1));
		return container;
	case 7:
		container = json_object();
		for (uint32_t n = draw(d, 4); n > 0; n--)
			json_object_set_new(container, names[draw(d, 5)], draw_json(d, depth - 1));
		return container;
	default:
		return draw_scalar(d);
	}
}

static json_t *draw_key(struct draw *d)
{
	return draw(d, 8) ? draw_scalar(d) : draw_json(d, 2);
}

static json_t *draw_txn(struct draw *d)
{
	json_t *txn = json_array();

	for (uint32_t n = draw(d, 6); n > 0; n--) {
		uint32_t kind = draw(d, 4);
		json_t *key = draw_key(d);

		if (kind == 0)
			json_array_append_new(txn, json_pack("[s,o,n]", "r", key));
		else if (kind == 1)
			json_array_append_new(txn, json_pack("[s,o,o]", "w", key,
							     draw(d, 3) ? json_array() : draw_json(d, 1)));
		else
			json_array_append_new(txn, json_pack("[s,o,o]", "append", key, draw_json(d, 1)));
	}
	return txn;
}

static json_t *draw_list(struct draw *d)
{
	json_t *body = json_pack("{s:s}", "type", "list");

	if (draw(d, 2))
		json_object_set_new(body, "prefix", json_string(draw(d, 2) ? "a" : ""));
	if (draw(d, 2))
		json_object_set_new(body, "after", draw_key(d));
	if (draw(d, 2))
		json_object_set_new(body, "limit", json_integer(1 + draw(d, 9)));
	return body;
}

static json_t *draw_command(struct draw *d)
{
	json_t *body;

	switch (draw(d, 10)) {
	case 0: case 1: case 2:
		return json_pack("{s:s,s:o,s:o}", "type", "write", "key", draw_key(d), "value", draw_json(d, 2));
	case 3:
		return json_pack("{s:s,s:o}", "type", "delete", "key", draw_key(d));
	case 4: case 5:
		body = json_pack("{s:s,s:o,s:o,s:o}", "type", "cas", "key", draw_key(d), "from", draw_scalar(d),
				 "to", draw_json(d, 1));
		if (draw(d, 2))
			json_object_set_new(body, "create_if_not_exists", json_boolean(draw(d, 2)));
		return body;
	case 6: case 7:
		return json_pack("{s:s,s:o}", "type", "txn", "txn", draw_txn(d));
	case 8:
		return json_pack("{s:s,s:o}", "type", "read", "key", draw_key(d));
	default:
		return draw_list(d);
	}
}

/* --- The model --- */

struct model {
	json_t *keys;                   /* by their dump: [key, value] */
	json_t *sessions;               /* by their name: all answers, the first at 0 */
};

static char *dump(const json_t *json)
{
	return json_dumps(json, JSON_ENCODE_ANY | JSON_COMPACT | JSON_SORT_KEYS);
}

static json_t *model_get(const struct model *m, const json_t *key)
{
	char *name = dump(key);
	json_t *pair = json_object_get(m->keys, name);

	free(name);
	return pair ? json_array_get(pair, 1) : NULL;
}

static void model_set(struct model *m, json_t *key, json_t *value)
{
	char *name = dump(key);

	json_object_set_new(m->keys, name, json_pack("[O,O]", key, value));
	free(name);
}

static json_t *error_of(int code)
{
	return json_pack("{s:s,s:i}", "type", "error", "code", code);
}

static json_t *ok_of(const char *type)
{
	return json_pack("{s:s}", "type", type);
}

static json_t *model_cas(struct model *m, const json_t *body, json_t *key)
{
	json_t *value = model_get(m, key);

	if (!value && !json_is_true(json_object_get(body, "create_if_not_exists")))
		return error_of(20);
	if (value && !json_equal(value, json_object_get(body, "from")))
		return error_of(22);
	model_set(m, key, json_object_get(body, "to"));
	return ok_of("cas_ok");
}

static json_t *model_txn(struct model *m, const json_t *body)
{
	struct model next = { .keys = json_copy(m->keys) };
	json_t *done = json_deep_copy(json_object_get(body, "txn")), *op;
	size_t i;

	json_array_foreach(done, i, op) {
		const char *kind = json_string_value(json_array_get(op, 0));
		json_t *key = json_array_get(op, 1), *value = model_get(&next, key);

		if (*kind == 'r') {
			json_array_set(op, 2, value ? value : json_null());
		} else if (*kind == 'w') {
			model_set(&next, key, json_array_get(op, 2));
		} else if (value && !json_is_array(value)) {
			json_decref(next.keys);
			json_decref(done);
			return error_of(14);
		} else {
			value = value ? json_copy(value) : json_array();
			json_array_append(value, json_array_get(op, 2));
			model_set(&next, key, value);
			json_decref(value);
		}
	}
	json_decref(m->keys);
	m->keys = next.keys;
	return json_pack("{s:s,s:o}", "type", "txn_ok", "txn", done);
}

static int name_order(const void *a, const void *b)
{
	const char *x = *(const char *const *)a, *y = *(const char *const *)b;
	size_t n = strlen(x) - (*x == '"'), k = strlen(y) - (*y == '"');
	int c = memcmp(x, y, n < k ? n : k);

	return c ? c : (n > k) - (n < k);
}

static json_t *model_list(const struct model *m, const json_t *body)
{
	const json_t *limit = json_object_get(body, "limit"), *after_key = json_object_get(body, "after");
	const char *prefix = json_string_value(json_object_get(body, "prefix")), *name;
	const char *names[KEYS_MAX];
	char *after = after_key ? dump(after_key) : NULL;
	json_t *items = json_array(), *pair;
	size_t count = 0, most = limit ? (size_t)json_integer_value(limit) : KV_LIST_LIMIT;
	bool more = false;

	json_object_foreach(m->keys, name, pair) {
		const char *string = json_string_value(json_array_get(pair, 0));

		if (prefix && *prefix && (!string || strncmp(string, prefix, strlen(prefix))))
			continue;
		if (after && name_order(&name, &after) <= 0)
			continue;
		assert_true(count < KEYS_MAX);
		names[count++] = name;
	}
	qsort(names, count, sizeof(names[0]), name_order);
	for (size_t i = 0; i < count && !more; i++) {
		more = i == most;
		if (!more)
			json_array_append(items, json_object_get(m->keys, names[i]));
	}
	free(after);
	return json_pack("{s:s,s:o,s:b}", "type", "list_ok", "items", items, "more", more);
}

static json_t *model_once(struct model *m, const json_t *body)
{
	const char *type = json_string_value(json_object_get(body, "type"));
	json_t *key = json_object_get(body, "key"), *value = key ? model_get(m, key) : NULL;
	char *name;

	if (!strcmp(type, "cas"))
		return model_cas(m, body, key);
	if (!strcmp(type, "txn"))
		return model_txn(m, body);
	if (!strcmp(type, "list"))
		return model_list(m, body);
	if (!strcmp(type, "write")) {
		model_set(m, key, json_object_get(body, "value"));
		return ok_of("write_ok");
	}
	if (!value)
		return error_of(20);
	if (!strcmp(type, "read"))
		return json_pack("{s:s,s:O}", "type", "read_ok", "value", value);
	name = dump(key);
	json_object_del(m->keys, name);
	free(name);
	return ok_of("delete_ok");
}

static json_t *model_apply(struct model *m, const json_t *body)
{
	const char *name = json_string_value(json_object_get(body, "session"));
	size_t seq = (size_t)json_integer_value(json_object_get(body, "seq"));
	json_t *answers = name ? json_object_get(m->sessions, name) : NULL, *answer;

	if (!name)
		return model_once(m, body);
	if (!answers) {
		if (seq != 1)
			return error_of(13);
		json_object_set_new(m->sessions, name, json_array());
		answers = json_object_get(m->sessions, name);
	}
	if (seq > json_array_size(answers) + 1)
		return error_of(14);
	if (seq <= json_array_size(answers)) {
		if (json_array_size(answers) - seq >= KV_ANSWERS_KEPT)
			return error_of(13);
		return json_incref(json_array_get(answers, seq - 1));
	}
	answer = model_once(m, body);
	/* A value in it would change with the state. */
	json_array_append_new(answers, json_deep_copy(answer));
	return answer;
}

/* A session's next request mostly, sometimes an old one or one too early. */
static void draw_session(struct draw *d, const struct model *m, json_t *body)
{
	char name[8];
	uint32_t back = draw(d, 4) ? 0 : draw(d, 20);
	size_t next;

	snprintf(name, sizeof(name), "s%u", draw(d, SESSIONS));
	next = json_array_size(json_object_get(m->sessions, name)) + 1 + !draw(d, 20);
	json_object_set_new(body, "session", json_string(name));
	json_object_set_new(body, "seq", json_integer((json_int_t)(next > back ? next - back : 1)));
}

/* --- Side by side --- */

/* The tree's text, in one of the ways it can be written. */
static char *write_body(struct draw *d, const json_t *body)
{
	size_t flags = JSON_ENCODE_ANY;

	flags |= draw(d, 2) ? JSON_COMPACT : 0;
	flags |= draw(d, 2) ? JSON_ENSURE_ASCII : 0;
	flags |= draw(d, 2) ? JSON_ESCAPE_SLASH : 0;
	flags |= draw(d, 2) ? JSON_SORT_KEYS : 0;
	return json_dumps(body, flags);
}

static void compare(const char *body, const struct buf *answer, json_t *expected)
{
	struct buf whole = { 0 };
	json_t *root;

	buf_printf(&whole, "{%.*s}", (int)answer->len, answer->at);
	root = json_loadb(whole.at, whole.len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
	if (root && !strcmp(json_string_value(json_object_get(root, "type")), "error"))
		assert_int_equal(json_object_del(root, "text"), 0);
	if (!json_equal(root, expected)) {
		char *wanted = dump(expected);

		fail_msg("%s: expected %s, got %.*s", body, wanted, (int)whole.len, whole.at);
	}
	json_decref(root);
	json_decref(expected);
	buf_release(&whole);
}

static void play(uint64_t seed, unsigned commands)
{
	struct model model = { .keys = json_object(), .sessions = json_object() };
	struct draw d = { .state = seed };
	struct kv *kv = kv_new(seed);
	struct buf answer = { 0 };

	for (unsigned i = 1; i <= commands; i++) {
		json_t *body = draw_command(&d);
		const char *type = json_string_value(json_object_get(body, "type")), *error;
		char *text;

		if (!draw(&d, 4))
			draw_session(&d, &model, body);
		text = write_body(&d, body);
		answer.len = 0;
		if (kv_classify(type, strlen(type), text, strlen(text), &error) == KV_READ)
			kv_read(kv, text, strlen(text), &answer);
		else
			kv_apply(kv, i, text, strlen(text), &answer);
		assert_null(error);
		compare(text, &answer, model_apply(&model, body));
		assert_int_equal(kv_keys(kv), json_object_size(model.keys));
		free(text);
		json_decref(body);
	}
	assert_int_equal(kv_sessions(kv), json_object_size(model.sessions));
	json_decref(model.keys);
	json_decref(model.sessions);
	kv_free(kv);
	buf_release(&answer);
}

static void random_commands_get_the_answers_of_a_naive_model(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 10; seed++)
		play(seed * UINT64_C(0x9e3779b97f4a7c15), 10000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_commands_get_the_answers_of_a_naive_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
