/*
 * lib/kv as the runtime sees it: requests and their answers by tables, watchers.  kv_session.c has the sessions, kv_model.c
 * the random commands, kv_snapshot.c the snapshots, kv_size.c memory and pauses, kv_parts.c what is inside.
 */
#include "tests/unit/kv_rig.h"

#include <jansson.h>

/* --- Requests --- */

static void a_request_is_told_by_its_type(void **state)
{
	static const struct {
		const char *type, *body;
		enum kv_class class;
	} cases[] = {
		{ "read", "{\"type\":\"read\",\"key\":1}", KV_READ },
		{ "list", "{\"type\":\"list\",\"prefix\":\"\"}", KV_READ },
		{ "list", "{\"type\":\"list\"}", KV_READ },
		{ "txn", "{\"type\":\"txn\",\"txn\":[[\"r\",1,null],[\"r\",2,null]]}", KV_READ },
		{ "txn", "{\"type\":\"txn\",\"txn\":[]}", KV_READ },
		{ "txn", "{\"type\":\"txn\",\"txn\":[[\"r\",1,null],[\"w\",2,3]]}", KV_WRITE },
		{ "write", "{\"type\":\"write\",\"key\":1,\"value\":null}", KV_WRITE },
		{ "cas", "{\"type\":\"cas\",\"key\":1,\"from\":1,\"to\":2}", KV_WRITE },
		{ "delete", "{\"type\":\"delete\",\"key\":1}", KV_WRITE },
		{ "read", "{\"type\":\"read\",\"key\":1,\"session\":\"s\",\"seq\":1}", KV_WRITE },
		{ "write", "{\"\\u0074ype\":\"wr\\u0069te\",\"k\\u0065y\":1,\"value\":1}", KV_WRITE },
		{ "status", "{\"type\":\"status\"}", KV_UNKNOWN },
		{ "noop", "{\"type\":\"noop\"}", KV_UNKNOWN },
		{ "watch", "{\"type\":\"watch\",\"prefix\":\"\"}", KV_UNKNOWN },
		{ "reads", "{\"type\":\"reads\"}", KV_UNKNOWN },
		{ "", "{}", KV_UNKNOWN },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *error = "not set";

		assert_int_equal(kv_classify(cases[i].type, strlen(cases[i].type), cases[i].body, strlen(cases[i].body),
					     &error), cases[i].class);
		assert_null(error);
	}
}

static void a_malformed_request_is_refused_before_it_is_a_command_and_as_one(void **state)
{
	static const struct {
		const char *type, *rest, *error;
	} cases[] = {
		{ "read", "", "'key' is missing" },
		{ "write", "\"value\":1", "'key' is missing" },
		{ "write", "\"key\":1", "'value' is missing" },
		{ "delete", "\"kex\":1", "'key' is missing" },
		{ "cas", "\"key\":1,\"to\":1", "'from' is missing" },
		{ "cas", "\"key\":1,\"from\":1", "'to' is missing" },
		{ "cas", "\"key\":1,\"from\":1,\"to\":1,\"create_if_not_exists\":1",
		  "'create_if_not_exists' is neither true nor false" },
		{ "cas", "\"key\":1,\"from\":1,\"to\":1,\"create_if_not_exists\":null",
		  "'create_if_not_exists' is neither true nor false" },
		{ "list", "\"prefix\":1", "'prefix' is no string" },
		{ "list", "\"limit\":0", "'limit' is no whole number from 1 on" },
		{ "list", "\"limit\":1.0", "'limit' is no whole number from 1 on" },
		{ "list", "\"limit\":\"5\"", "'limit' is no whole number from 1 on" },
		{ "txn", "", "'txn' is missing" },
		{ "txn", "\"txn\":{}", "'txn' is no array" },
		{ "txn", "\"txn\":[1]", "an operation of 'txn' is no array of three" },
		{ "txn", "\"txn\":[[]]", "an operation of 'txn' is no array of three" },
		{ "txn", "\"txn\":[[\"r\",1]]", "an operation of 'txn' is no array of three" },
		{ "txn", "\"txn\":[[\"r\",1,null,1]]", "an operation of 'txn' is no array of three" },
		{ "txn", "\"txn\":[[\"r\",1,null],[\"x\",1,null]]", "an operation of 'txn' is none of r, w, append" },
		{ "txn", "\"txn\":[[1,1,null]]", "an operation of 'txn' is none of r, w, append" },
		{ "txn", "\"txn\":[[\"r\",1,2]]", "the value of a read in 'txn' is not null" },
		{ "write", "\"key\":1,\"value\":1,\"seq\":1", "a 'seq' without a 'session'" },
		{ "write", "\"key\":1,\"value\":1,\"session\":\"s\"", "a 'session' without a 'seq'" },
		{ "write", "\"key\":1,\"value\":1,\"session\":\"\",\"seq\":1", "'session' is no string of 1 to 64 bytes" },
		{ "write", "\"key\":1,\"value\":1,\"session\":7,\"seq\":1", "'session' is no string of 1 to 64 bytes" },
		{ "write", "\"key\":1,\"value\":1,\"session\":\"a\\u0000\",\"seq\":1", "'session' is no string of 1 to 64 bytes" },
		{ "write", "\"key\":1,\"value\":1,\"session\":\"01234567890123456789012345678901234567890123456789012345678901234\","
		  "\"seq\":1", "'session' is no string of 1 to 64 bytes" },
		{ "write", "\"key\":1,\"value\":1,\"session\":\"s\",\"seq\":0", "'seq' is no whole number from 1 on" },
		{ "write", "\"key\":1,\"value\":1,\"session\":\"s\",\"seq\":-1", "'seq' is no whole number from 1 on" },
		{ "write", "\"key\":1,\"value\":1,\"session\":\"s\",\"seq\":1.5", "'seq' is no whole number from 1 on" },
		{ "write", "\"key\":1,\"value\":1,\"session\":\"s\",\"seq\":9007199254740993", "'seq' is no whole number from 1 on" },
	};
	struct machine m;
	uint64_t fingerprint;

	(void)state;
	machine_init(&m);
	fingerprint = kv_fingerprint(m.kv);
	for (size_t i = 0; i < COUNT(cases); i++) {
		char body[512], expected[256];
		const char *error;

		form(body, sizeof(body), "{\"type\":\"%s\"%s%s}", cases[i].type, *cases[i].rest ? "," : "", cases[i].rest);
		assert_int_not_equal(kv_classify(cases[i].type, strlen(cases[i].type), body, strlen(body), &error), KV_UNKNOWN);
		assert_non_null(error);
		assert_string_equal(error, cases[i].error);
		form(expected, sizeof(expected), ERROR(12, "%s"), cases[i].error);
		assert_string_equal(apply(&m, body), expected);
		assert_string_equal(ask(&m, body), expected);
	}
	assert_int_equal(kv_fingerprint(m.kv), fingerprint);
	machine_release(&m);
}

/* A write with `count` times `piece` as its key or value. */
static const char *refusal_of(const char *name, const char *piece, size_t count, const char *close)
{
	bool key = !strcmp(name, "key");
	struct buf body = { 0 };
	const char *error;

	buf_printf(&body, "{\"type\":\"write\",\"%s\":1,\"%s\":", key ? "value" : "key", name);
	for (size_t i = 0; i < count; i++)
		buf_puts(&body, piece);
	for (size_t i = 0; *close && i < count; i++)
		buf_puts(&body, close);
	buf_puts(&body, "}");
	kv_classify("write", 5, body.at, body.len, &error);
	buf_release(&body);
	return error;
}

static void keys_and_values_have_their_limits(void **state)
{
	(void)state;
	assert_null(refusal_of("key", "1", KV_KEY_BYTES_MAX, ""));
	assert_string_equal(refusal_of("key", "1", KV_KEY_BYTES_MAX + 1, ""), "the key is too long");
	assert_null(refusal_of("value", "1", KV_VALUE_BYTES_MAX, ""));
	assert_string_equal(refusal_of("value", "1", KV_VALUE_BYTES_MAX + 1, ""), "the value is too long");
	assert_null(refusal_of("key", "[", KV_DEPTH_MAX, "]"));
	assert_string_equal(refusal_of("key", "[", KV_DEPTH_MAX + 1, "]"), "the key is nested too deep");
	assert_null(refusal_of("value", "[", KV_DEPTH_MAX, "]"));
	assert_string_equal(refusal_of("value", "[", KV_DEPTH_MAX + 1, "]"), "the value is nested too deep");
}

/* --- Answers --- */

static void what_was_written_is_read_and_what_was_deleted_is_not(void **state)
{
	static const struct step steps[] = {
		{ "{\"type\":\"read\",\"key\":\"x\"}", NO_KEY },
		{ "{\"type\":\"write\",\"msg_id\":1,\"key\":\"x\",\"value\":1}", WRITE_OK },
		{ "{\"type\":\"read\",\"key\":\"x\",\"stale\":true}", "\"type\":\"read_ok\",\"value\":1" },
		{ "{\"type\":\"write\",\"key\":\"x\",\"value\":\"longer than before\"}", WRITE_OK },
		{ "{\"type\":\"read\",\"key\":\"x\"}", "\"type\":\"read_ok\",\"value\":\"longer than before\"" },
		{ "{\"type\":\"write\",\"key\":\"x\",\"value\":null}", WRITE_OK },
		{ "{\"type\":\"read\",\"key\":\"x\"}", "\"type\":\"read_ok\",\"value\":null" },
		{ "{\"type\":\"delete\",\"key\":\"x\"}", "\"type\":\"delete_ok\"" },
		{ "{\"type\":\"read\",\"key\":\"x\"}", NO_KEY },
		{ "{\"type\":\"delete\",\"key\":\"x\"}", NO_KEY },
		{ "{\"type\":\"noop\"}", ERROR(10, "not supported") },
		{ "{\"type\":\"config\",\"voters\":[\"n1\"]}", ERROR(10, "not supported") },
	};

	(void)state;
	PLAY(steps);
}

static void a_value_comes_back_as_the_text_it_was(void **state)
{
	static const char *const values[] = {
		"0", "-0", "1.0", "1e0", "0.10", "9007199254740993", "123456789012345678901234567890", "1e999", "-1.50E+03",
		"\"\"", "\"a\\u0062c\"", "\"\\ud83d\\ude00\"", "\"\xf0\x9f\x98\x80\"", "\"\\/\"", "\"\\u0000\"",
		"true", "[]", "[ ]", "{ \"b\" : 1,\"a\": [1, 2.0] }", "[[[[{\"a\":{}}]]]]",
	};
	struct machine m;

	(void)state;
	machine_init(&m);
	for (size_t i = 0; i < COUNT(values); i++) {
		char body[256], expected[256];

		assert_string_equal(apply(&m, form(body, sizeof(body), "{\"type\":\"write\",\"key\":\"x\",\"value\":%s}", values[i])),
				    WRITE_OK);
		form(expected, sizeof(expected), "\"type\":\"read_ok\",\"value\":%s", values[i]);
		assert_string_equal(ask(&m, "{\"type\":\"read\",\"key\":\"x\"}"), expected);
	}
	machine_release(&m);
}

static void a_key_is_what_its_json_means(void **state)
{
	static const struct step steps[] = {
		{ "{\"type\":\"write\",\"key\":1,\"value\":\"integer\"}", WRITE_OK },
		{ "{\"type\":\"write\",\"key\":\"1\",\"value\":\"string\"}", WRITE_OK },
		{ "{\"type\":\"write\",\"key\":1.0,\"value\":\"real\"}", WRITE_OK },
		{ "{\"type\":\"write\",\"key\":null,\"value\":\"null\"}", WRITE_OK },
		{ "{\"type\":\"write\",\"key\":{\"b\":1,\"a\":[2]},\"value\":\"object\"}", WRITE_OK },
		{ "{\"type\":\"write\",\"key\":\"a/b\",\"value\":\"slash\"}", WRITE_OK },
		{ "{\"type\":\"read\",\"key\":1}", "\"type\":\"read_ok\",\"value\":\"integer\"" },
		{ "{\"type\":\"read\",\"key\":\"\\u0031\"}", "\"type\":\"read_ok\",\"value\":\"string\"" },
		{ "{\"type\":\"read\",\"key\":10e-1}", "\"type\":\"read_ok\",\"value\":\"real\"" },
		{ "{\"type\":\"read\",\"key\":null}", "\"type\":\"read_ok\",\"value\":\"null\"" },
		{ "{\"type\":\"read\",\"key\": { \"\\u0061\": [2] , \"b\": 1 } }", "\"type\":\"read_ok\",\"value\":\"object\"" },
		{ "{\"type\":\"read\",\"key\":\"a\\/b\"}", "\"type\":\"read_ok\",\"value\":\"slash\"" },
		{ "{\"type\":\"read\",\"key\":9007199254740993}", NO_KEY },
		{ "{\"type\":\"write\",\"key\":9007199254740993,\"value\":1}", WRITE_OK },
		{ "{\"type\":\"read\",\"key\":9007199254740992}", NO_KEY },
		{ "{\"type\":\"write\",\"key\":-0,\"value\":0}", WRITE_OK },
		{ "{\"type\":\"read\",\"key\":0}", "\"type\":\"read_ok\",\"value\":0" },
		{ "{\"type\":\"list\"}", "\"type\":\"list_ok\",\"items\":[[\"1\",\"string\"],[\"a/b\",\"slash\"],[0,0],[1,\"integer\"],"
		  "[1.0,\"real\"],[9007199254740993,1],[null,\"null\"],[{\"a\":[2],\"b\":1},\"object\"]],\"more\":false" },
	};

	(void)state;
	PLAY(steps);
}

static void cas_compares_what_values_mean(void **state)
{
	static const struct step steps[] = {
		{ "{\"type\":\"cas\",\"key\":\"x\",\"from\":1,\"to\":2}", NO_KEY },
		{ "{\"type\":\"cas\",\"key\":\"x\",\"from\":1,\"to\":2,\"create_if_not_exists\":false}", NO_KEY },
		{ "{\"type\":\"cas\",\"key\":\"x\",\"from\":1,\"to\":2,\"create_if_not_exists\":true}", CAS_OK },
		{ "{\"type\":\"cas\",\"key\":\"x\",\"from\":1,\"to\":3}", ERROR(22, "expected 1, found 2") },
		{ "{\"type\":\"cas\",\"key\":\"x\",\"from\":2.0,\"to\":3}", ERROR(22, "expected 2.0, found 2") },
		{ "{\"type\":\"cas\",\"key\":\"x\",\"from\":\"2\",\"to\":3}", ERROR(22, "expected \\\"2\\\", found 2") },
		{ "{\"type\":\"cas\",\"key\":\"x\",\"from\":2,\"to\":{\"a\":1,\"b\":[1e1]},\"create_if_not_exists\":true}", CAS_OK },
		{ "{\"type\":\"read\",\"key\":\"x\"}", "\"type\":\"read_ok\",\"value\":{\"a\":1,\"b\":[1e1]}" },
		{ "{\"type\":\"cas\",\"key\":\"x\",\"from\":{\"b\":[10.0], \"\\u0061\":1},\"to\":\"\\u0061\"}", CAS_OK },
		{ "{\"type\":\"cas\",\"key\":\"x\",\"from\":\"a\",\"to\":9007199254740993}", CAS_OK },
		{ "{\"type\":\"cas\",\"key\":\"x\",\"from\":9007199254740992,\"to\":1}",
		  ERROR(22, "expected 9007199254740992, found 9007199254740993") },
		{ "{\"type\":\"cas\",\"key\":\"x\",\"from\":9007199254740993,\"to\":\"x\xc3\xbcxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\xc3\xbcy\"}",
		  CAS_OK },
		{ "{\"type\":\"cas\",\"key\":\"x\",\"from\":\"0123456789012345678901234567890123456789\",\"to\":1}",
		  ERROR(22, "expected \\\"012345678901234567890123456789012345678..., "
			    "found \\\"x\xc3\xbcxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...") },
	};

	(void)state;
	PLAY(steps);
}

static void a_list_is_a_page_of_a_prefix_in_order(void **state)
{
	static const struct step steps[] = {
		{ "{\"type\":\"list\",\"prefix\":\"\"}", "\"type\":\"list_ok\",\"items\":[],\"more\":false" },
		{ "{\"type\":\"write\",\"key\":\"b\",\"value\":2}", WRITE_OK },
		{ "{\"type\":\"write\",\"key\":\"a\",\"value\":1}", WRITE_OK },
		{ "{\"type\":\"write\",\"key\":\"b \",\"value\":3}", WRITE_OK },
		{ "{\"type\":\"write\",\"key\":\"bb\",\"value\":4}", WRITE_OK },
		{ "{\"type\":\"write\",\"key\":\"b\\n\",\"value\":5}", WRITE_OK },
		{ "{\"type\":\"write\",\"key\":7,\"value\":6}", WRITE_OK },
		{ "{\"type\":\"list\",\"prefix\":\"\",\"limit\":2}", "\"type\":\"list_ok\",\"items\":[[\"a\",1],[\"b\",2]],\"more\":true" },
		{ "{\"type\":\"list\",\"limit\":99999,\"after\":\"bb\"}", "\"type\":\"list_ok\",\"items\":[[7,6]],\"more\":false" },
		{ "{\"type\":\"list\",\"prefix\":\"b\"}",
		  "\"type\":\"list_ok\",\"items\":[[\"b\",2],[\"b \",3],[\"b\\n\",5],[\"bb\",4]],\"more\":false" },
		{ "{\"type\":\"list\",\"prefix\":\"b\",\"limit\":4}",
		  "\"type\":\"list_ok\",\"items\":[[\"b\",2],[\"b \",3],[\"b\\n\",5],[\"bb\",4]],\"more\":false" },
		{ "{\"type\":\"list\",\"prefix\":\"b\",\"after\":\"\\u0062\",\"limit\":1}",
		  "\"type\":\"list_ok\",\"items\":[[\"b \",3]],\"more\":true" },
		{ "{\"type\":\"list\",\"prefix\":\"b\",\"after\":\"ba\"}", "\"type\":\"list_ok\",\"items\":[[\"bb\",4]],\"more\":false" },
		{ "{\"type\":\"list\",\"prefix\":\"b\",\"after\":\"a\",\"limit\":1}", "\"type\":\"list_ok\",\"items\":[[\"b\",2]],\"more\":true" },
		{ "{\"type\":\"list\",\"prefix\":\"b\",\"after\":\"c\"}", "\"type\":\"list_ok\",\"items\":[],\"more\":false" },
		{ "{\"type\":\"list\",\"prefix\":\"b\\u000a\"}", "\"type\":\"list_ok\",\"items\":[[\"b\\n\",5]],\"more\":false" },
		{ "{\"type\":\"list\",\"prefix\":\"7\"}", "\"type\":\"list_ok\",\"items\":[],\"more\":false" },
		{ "{\"type\":\"list\",\"after\":7}", "\"type\":\"list_ok\",\"items\":[],\"more\":false" },
		{ "{\"type\":\"list\",\"after\":6}", "\"type\":\"list_ok\",\"items\":[[7,6]],\"more\":false" },
		{ "{\"type\":\"list\",\"after\":[]}", "\"type\":\"list_ok\",\"items\":[],\"more\":false" },
	};

	(void)state;
	PLAY(steps);
}

/* Through all pages; returns how many. */
static unsigned pages(struct machine *m, const char *first, size_t *items)
{
	unsigned n = 0;
	char *body = strdup(first);
	bool more = true;

	for (*items = 0; more; n++) {
		struct buf whole = { 0 };
		json_t *page, *all, *after;
		char *text;

		ask(m, body);
		buf_printf(&whole, "{%s}", m->answer.at);
		assert_true(whole.len < KV_LIST_BYTES_MAX + 100 || strstr(first, "huge"));
		page = json_loadb(whole.at, whole.len, 0, NULL);
		buf_release(&whole);
		assert_non_null(page);
		all = json_object_get(page, "items");
		more = json_is_true(json_object_get(page, "more"));
		*items += json_array_size(all);
		after = json_array_get(json_array_get(all, json_array_size(all) - 1), 0);
		if (more) {
			text = json_dumps(after, JSON_ENCODE_ANY);
			free(body);
			body = malloc(strlen(first) + strlen(text) + 16);
			assert_non_null(body);
			sprintf(body, "%.*s,\"after\":%s}", (int)strlen(first) - 1, first, text);
			free(text);
		}
		json_decref(page);
	}
	free(body);
	return n;
}

static void pages_lead_through_all_keys_once(void **state)
{
	struct machine m;
	size_t items;
	struct buf body = { 0 };

	(void)state;
	machine_init(&m);
	for (unsigned i = 0; i < 2500; i++) {
		char text[128];

		apply(&m, form(text, sizeof(text), "{\"type\":\"write\",\"key\":%s%u%s,\"value\":%u}", i % 2 ? "\"" : "", i,
			       i % 2 ? "\"" : "", i));
	}
	assert_int_equal(pages(&m, "{\"type\":\"list\",\"prefix\":\"\"}", &items), 3);
	assert_int_equal(items, 2500);
	assert_int_equal(pages(&m, "{\"type\":\"list\",\"limit\":10}", &items), 250);
	assert_int_equal(items, 2500);
	for (unsigned i = 0; i < 20; i++) {
		body.len = 0;
		buf_printf(&body, "{\"type\":\"write\",\"key\":\"huge%u\",\"value\":\"%0*u\"}", i, i == 7 ? 8 << 20 : 1 << 20, i);
		buf_putc(&body, '\0');
		assert_string_equal(apply(&m, body.at), WRITE_OK);
	}
	buf_release(&body);
	assert_int_equal(pages(&m, "{\"type\":\"list\",\"prefix\":\"huge\"}", &items), 8);
	assert_int_equal(items, 20);
	machine_release(&m);
}

static void a_txn_sees_its_own_writes_and_is_done_whole(void **state)
{
	static const struct step steps[] = {
		{ "{\"type\":\"txn\",\"txn\":[]}", "\"type\":\"txn_ok\",\"txn\":[]" },
		{ "{\"type\":\"txn\",\"txn\":[[\"r\",1,null]]}", "\"type\":\"txn_ok\",\"txn\":[[\"r\",1,null]]" },
		{ "{\"type\":\"txn\",\"txn\":[[\"r\",1,null],[\"append\",1,5],[\"r\",1,null],[\"append\", 1 ,6],[\"r\",1,null],[\"w\",\"x\",true]]}",
		  "\"type\":\"txn_ok\",\"txn\":[[\"r\",1,null],[\"append\",1,5],[\"r\",1,[5]],[\"append\", 1 ,6],[\"r\",1,[5,6]],[\"w\",\"x\",true]]" },
		{ "{\"type\":\"txn\",\"txn\":[[\"r\",1,null],[\"r\",\"\\u0078\",null],[\"r\",2,null]]}",
		  "\"type\":\"txn_ok\",\"txn\":[[\"r\",1,[5,6]],[\"r\",\"\\u0078\",true],[\"r\",2,null]]" },
		{ "{\"type\":\"txn\",\"txn\":[[\"append\",1,[]],[\"w\",2,1],[\"w\",2,2],[\"w\",1,[ ]],[\"append\",1,{}],[\"r\",1,null]]}",
		  "\"type\":\"txn_ok\",\"txn\":[[\"append\",1,[]],[\"w\",2,1],[\"w\",2,2],[\"w\",1,[ ]],[\"append\",1,{}],[\"r\",1,[{}]]]" },
		{ "{\"type\":\"txn\",\"txn\":[[\"append\",1,7],[\"append\",2,8]]}", ERROR(14, "append to a value that is no list") },
		{ "{\"type\":\"txn\",\"txn\":[[\"r\",1,null],[\"r\",2,null]]}", "\"type\":\"txn_ok\",\"txn\":[[\"r\",1,[{}]],[\"r\",2,2]]" },
		{ "{\"type\":\"txn\",\"txn\":[[\"append\",2,8]],\"session\":\"s\",\"seq\":1}", ERROR(14, "append to a value that is no list") },
		{ "{\"type\":\"write\",\"key\":2,\"value\":[1, 2 ] }", WRITE_OK },
		{ "{\"type\":\"txn\",\"txn\":[[\"append\",2,8]],\"session\":\"s\",\"seq\":1}", ERROR(14, "append to a value that is no list") },
		{ "{\"type\":\"txn\",\"txn\":[[\"append\",2,3],[\"w\",3,[]],[\"append\",3,\"]\"],[\"append\",3,\"[\"]]}",
		  "\"type\":\"txn_ok\",\"txn\":[[\"append\",2,3],[\"w\",3,[]],[\"append\",3,\"]\"],[\"append\",3,\"[\"]]" },
		{ "{\"type\":\"read\",\"key\":2}", "\"type\":\"read_ok\",\"value\":[1, 2,3]" },
		{ "{\"type\":\"read\",\"key\":3}", "\"type\":\"read_ok\",\"value\":[\"]\",\"[\"]" },
	};

	(void)state;
	PLAY(steps);
}

#define TXN_OK "\"type\":\"txn_ok\""

static void a_txn_too_long_to_answer_or_to_store_changes_nothing(void **state)
{
	struct buf body = { 0 };
	struct machine m;
	uint64_t fingerprint;

	(void)state;
	machine_init(&m);
	buf_printf(&body, "{\"type\":\"write\",\"key\":\"x\",\"value\":[\"%0*u\"]}", 8 << 20, 0);
	buf_putc(&body, '\0');
	assert_string_equal(apply(&m, body.at), WRITE_OK);
	fingerprint = kv_fingerprint(m.kv);
	assert_string_equal(apply(&m, "{\"type\":\"txn\",\"txn\":[[\"w\",\"y\",1],[\"r\",\"x\",null],[\"r\",\"x\",null]]}"),
			    ERROR(14, "the answer would be too long"));
	assert_string_equal(ask(&m, "{\"type\":\"txn\",\"txn\":[[\"r\",\"x\",null],[\"r\",\"x\",null]]}"),
			    ERROR(14, "the answer would be too long"));
	body.len = 0;
	buf_printf(&body, "{\"type\":\"txn\",\"txn\":[[\"w\",\"y\",1],[\"append\",\"x\",\"%0*u\"]]}", 2 << 20, 0);
	buf_putc(&body, '\0');
	assert_memory_equal(apply(&m, body.at), TXN_OK, sizeof(TXN_OK) - 1);
	fingerprint = kv_fingerprint(m.kv);
	assert_string_equal(apply(&m, body.at), ERROR(14, "append to a list that would be too long"));
	assert_int_equal(kv_fingerprint(m.kv), fingerprint);
	buf_release(&body);
	machine_release(&m);
}

/* --- Watchers --- */

static void note_change(void *ctx, uint64_t index, const char *key, size_t key_len, const char *value, size_t value_len)
{
	buf_printf(ctx, "%u %.*s=%.*s\n", (unsigned)index, (int)key_len, key, value ? (int)value_len : 7, value ? value : "deleted");
}

static void a_watcher_hears_of_every_change_and_of_nothing_else(void **state)
{
	struct buf heard = { 0 };
	struct machine m;

	(void)state;
	machine_init(&m);
	kv_on_change(m.kv, note_change, &heard);
	apply_at(&m, 10, "{\"type\":\"write\",\"key\":\"\\u0061\",\"value\":\"\\u0061\"}");
	apply(&m, "{\"type\":\"cas\",\"key\":\"a\",\"from\":1,\"to\":2}");
	apply(&m, "{\"type\":\"cas\",\"key\":\"a\",\"from\":\"a\",\"to\":2}");
	apply(&m, "{\"type\":\"delete\",\"key\":\"b\"}");
	apply(&m, "{\"type\":\"txn\",\"txn\":[[\"append\",\"l\",1],[\"r\",\"a\",null],[\"w\",\"a\",4],[\"append\",\"l\",2]]}");
	apply(&m, "{\"type\":\"txn\",\"txn\":[[\"w\",\"a\",5],[\"append\",\"a\",2]]}");
	apply(&m, "{\"type\":\"delete\",\"key\":\"a\"}");
	apply(&m, "{\"type\":\"write\",\"key\":\"s\",\"value\":1,\"session\":\"s\",\"seq\":1}");
	apply(&m, "{\"type\":\"write\",\"key\":\"s\",\"value\":1,\"session\":\"s\",\"seq\":1}");
	buf_putc(&heard, '\0');
	assert_string_equal(heard.at, "10 \"a\"=\"\\u0061\"\n12 \"a\"=2\n14 \"l\"=[1,2]\n14 \"a\"=4\n16 \"a\"=deleted\n17 \"s\"=1\n");
	kv_on_change(m.kv, NULL, NULL);
	apply(&m, "{\"type\":\"delete\",\"key\":\"s\"}");
	buf_release(&heard);
	machine_release(&m);
}

static void a_prefix_matches_strings_and_the_empty_one_every_key(void **state)
{
	static const struct {
		const char *body, *key;
		bool matches;
	} cases[] = {
		{ "{\"type\":\"watch\",\"prefix\":\"a\"}", "\"a\"", true }, { "{\"type\":\"watch\",\"prefix\":\"a\"}", "\"ab\"", true },
		{ "{\"type\":\"watch\",\"prefix\":\"\\u0061\"}", "\"ab\"", true }, { "{\"type\":\"watch\",\"prefix\":\"ab\"}", "\"a\"", false },
		{ "{\"type\":\"watch\",\"prefix\":\"\"}", "\"a\"", true }, { "{\"type\":\"watch\",\"prefix\":\"\"}", "12", true },
		{ "{\"type\":\"watch\"}", "12", true }, { "{\"type\":\"watch\",\"prefix\":\"1\"}", "12", false },
		{ "{\"type\":\"watch\",\"prefix\":\"\\\\\"}", "\"\\\\x\"", true }, { "{\"type\":\"watch\",\"prefix\":\"\\\\\"}", "\"\\n\"", false },
		{ "{\"type\":\"watch\",\"prefix\":1}", "1", false }, { "{\"type\":\"watch\",\"prefix\":null}", "null", false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_int_equal(kv_prefix_matches(cases[i].body, strlen(cases[i].body), cases[i].key, strlen(cases[i].key)),
				 cases[i].matches);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_is_told_by_its_type),
		cmocka_unit_test(a_malformed_request_is_refused_before_it_is_a_command_and_as_one),
		cmocka_unit_test(keys_and_values_have_their_limits),
		cmocka_unit_test(what_was_written_is_read_and_what_was_deleted_is_not),
		cmocka_unit_test(a_value_comes_back_as_the_text_it_was),
		cmocka_unit_test(a_key_is_what_its_json_means),
		cmocka_unit_test(cas_compares_what_values_mean),
		cmocka_unit_test(a_list_is_a_page_of_a_prefix_in_order),
		cmocka_unit_test(pages_lead_through_all_keys_once),
		cmocka_unit_test(a_txn_sees_its_own_writes_and_is_done_whole),
		cmocka_unit_test(a_txn_too_long_to_answer_or_to_store_changes_nothing),
		cmocka_unit_test(a_watcher_hears_of_every_change_and_of_nothing_else),
		cmocka_unit_test(a_prefix_matches_strings_and_the_empty_one_every_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
