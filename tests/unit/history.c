/*
 * lib/history: what lines mean to the checkers, which lines are refused and with what words, and that no limit of memory is ever
 * passed.
 */
#include "tests/unit/history_rig.h"

static const struct lin_op *only_op(const struct history *h)
{
	uint32_t count;
	const struct lin_op *op = history_ops(h, 0, &count);

	assert_int_equal(count, 1);
	return op;
}

/* --- Operations --- */

static void each_operation_is_what_its_lines_say(void **unused)
{
	static const struct {
		const char *invoke, *end;
		enum lin_kind kind;
		enum lin_outcome outcome;
		const char *value, *from;
	} cases[] = {
		{ "`f`:`read`,`value`:null", "`type`:`ok`,`f`:`read`,`value`:4", LIN_READ, LIN_OK, "4", "null" },
		{ "`f`:`read`", "`type`:`ok`,`f`:`read`,`value`:null", LIN_READ, LIN_OK, "null", "null" },
		{ "`f`:`read`", "`type`:`fail`,`f`:`read`,`code`:20", LIN_READ, LIN_OK, "null", "null" },
		{ "`f`:`write`,`value`:`a`", "`type`:`ok`,`f`:`write`", LIN_WRITE, LIN_OK, "`a`", "null" },
		{ "`f`:`write`,`value`:`a`", "`type`:`ok`,`f`:`write`,`value`:`\\u0061`", LIN_WRITE, LIN_OK, "`a`", "null" },
		{ "`f`:`write`,`value`:[1]", "`type`:`info`,`f`:`write`", LIN_WRITE, LIN_UNKNOWN, "[1]", "null" },
		{ "`f`:`cas`,`value`:[1,2]", "`type`:`ok`,`f`:`cas`,`value`:[1,2]", LIN_CAS, LIN_OK, "2", "1" },
		{ "`f`:`cas`,`value`:[1,2]", "`type`:`ok`,`f`:`cas`,`value`:null", LIN_CAS, LIN_OK, "2", "1" },
		{ "`f`:`cas`,`value`:[1,2]", "`type`:`fail`,`f`:`cas`,`code`:20", LIN_CAS, LIN_NO_KEY, "2", "1" },
		{ "`f`:`cas`,`value`:[1,2]", "`type`:`fail`,`f`:`cas`,`code`:22", LIN_CAS, LIN_OTHER_VALUE, "2", "1" },
		{ "`f`:`cas`,`value`:[1,2]", "`type`:`info`,`f`:`cas`", LIN_CAS, LIN_UNKNOWN, "2", "1" },
		{ "`f`:`delete`", "`type`:`ok`,`f`:`delete`", LIN_DELETE, LIN_OK, "null", "null" },
		{ "`f`:`delete`", "`type`:`fail`,`f`:`delete`,`code`:20", LIN_DELETE, LIN_NO_KEY, "null", "null" },
		{ "`f`:`delete`", "`type`:`info`,`f`:`delete`", LIN_DELETE, LIN_UNKNOWN, "null", "null" },
		/* Maelstrom's own errors */
		{ "`f`:`read`", "`type`:`fail`,`f`:`read`,`error`:[`key-does-not-exist`,`no`]", LIN_READ, LIN_OK, "null", "null" },
		{ "`f`:`cas`,`value`:[1,2]", "`type`:`fail`,`f`:`cas`,`error`:[`:precondition-failed`,`x`]", LIN_CAS,
		  LIN_OTHER_VALUE, "2", "1" },
		{ "`f`:`delete`", "`type`:`fail`,`f`:`delete`,`error`:`key-does-not-exist`", LIN_DELETE, LIN_NO_KEY, "null", "null" },
	};
	char lines[512];

	(void)unused;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct lin_op *op;
		struct history *h;
		bool unknown = cases[i].outcome == LIN_UNKNOWN;

		snprintf(lines, sizeof(lines), "{`process`:0,`type`:`invoke`,`key`:`x`,%s}\n{`process`:0,`key`:`x`,%s}", cases[i].invoke,
			 cases[i].end);
		h = history_of(lines);
		op = only_op(h);
		assert_int_equal(op->kind, cases[i].kind);
		assert_int_equal(op->outcome, cases[i].outcome);
		assert_false(op->create);
		assert_value(h, op->value, cases[i].value);
		assert_value(h, op->from, cases[i].from);
		assert_int_equal(op->called, 1);
		assert_true(op->returned == (unknown ? LIN_NEVER : 2));
		assert_string_equal(history_process(h, op), "0");
		assert_int_equal(history_counts(h).unknown, unknown);
		history_free(h);
	}
}

static void what_did_not_happen_and_saw_nothing_is_left_out(void **unused)
{
	static const char *const cases[] = {
		"{`process`:0,`type`:`invoke`,`f`:`read`}",
		"{`process`:0,`type`:`invoke`,`f`:`read`}\n{`process`:0,`type`:`info`,`f`:`read`}",
		"{`process`:0,`type`:`invoke`,`f`:`read`}\n{`process`:0,`type`:`fail`,`f`:`read`}",
		"{`process`:0,`type`:`invoke`,`f`:`read`}\n{`process`:0,`type`:`fail`,`f`:`read`,`code`:22}",
		"{`process`:0,`type`:`invoke`,`f`:`write`,`value`:1}\n{`process`:0,`type`:`fail`,`f`:`write`,`code`:20}",
		"{`process`:0,`type`:`invoke`,`f`:`write`,`value`:1}\n{`process`:0,`type`:`fail`,`f`:`write`,`error`:`timeout`}",
		"{`process`:0,`type`:`invoke`,`f`:`cas`,`value`:[1,2]}\n{`process`:0,`type`:`fail`,`f`:`cas`}",
		"{`process`:0,`type`:`invoke`,`f`:`cas`,`value`:[1,2]}\n{`process`:0,`type`:`fail`,`f`:`cas`,`code`:14}",
		"{`process`:0,`type`:`invoke`,`f`:`delete`}\n{`process`:0,`type`:`fail`,`f`:`delete`,`code`:22}",
	};

	(void)unused;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct history *h = history_of(cases[i]);
		uint32_t count;

		history_ops(h, 0, &count);
		assert_int_equal(count, 0);
		assert_int_equal(history_counts(h).begun, 1);
		assert_int_equal(history_counts(h).kept, 0);
		history_free(h);
	}
}

static void what_has_no_second_line_is_unknown_and_create_is_kept(void **unused)
{
	struct history *h = history_of("{`process`:7,`type`:`invoke`,`f`:`cas`,`key`:1,`value`:[1,2],`create_if_not_exists`:true}");

	(void)unused;
	assert_true(only_op(h)->create);
	assert_int_equal(only_op(h)->outcome, LIN_UNKNOWN);
	assert_true(only_op(h)->returned == LIN_NEVER);
	history_free(h);
}

static void keys_have_their_operations_in_the_order_of_calls(void **unused)
{
	struct history *h = history_of(
		"{`process`:0,`type`:`invoke`,`f`:`write`,`key`:`a`,`value`:1}\n"
		"{`process`:1,`type`:`invoke`,`f`:`write`,`key`:`b`,`value`:1}\n"
		"\n"
		"{`process`:2,`type`:`invoke`,`f`:`read`,`key`:`c`}\n"
		"{`process`:3,`type`:`invoke`,`f`:`read`,`key`:`a`}\n"
		" \t\r\n"
		"{`process`:3,`type`:`ok`,`f`:`read`,`value`:1}\n"
		"{`process`:0,`type`:`ok`,`f`:`write`}");
	const struct lin_op *op;
	uint32_t count, key;

	(void)unused;
	assert_int_equal(history_keys(h), 3);
	assert_false(history_has_transactions(h));
	op = history_ops(h, 0, &count);
	assert_int_equal(count, 2);
	assert_true(op[0].called == 1 && op[0].returned == 8 && op[1].called == 5 && op[1].returned == 7);
	assert_string_equal(history_process(h, &op[1]), "3");
	op = history_ops(h, 1, &count);
	assert_int_equal(count, 1);
	assert_true(op[0].called == 2);
	history_ops(h, 2, &count);
	assert_int_equal(count, 0);
	assert_string_equal(history_key(h, 1), "\"b\"");
	assert_true(history_find_key(h, "\"\\u0062\"", 8, &key));
	assert_int_equal(key, 1);
	assert_false(history_find_key(h, "\"z\"", 3, &key));
	assert_int_equal(history_counts(h).lines, 8);
	history_free(h);
}

static void values_are_equal_if_they_mean_the_same(void **unused)
{
	static const struct {
		const char *a, *b;
		bool equal;
	} cases[] = {
		{ "1", "1", true }, { "1", "`1`", false }, { "1", "1.0", false }, { "1.0", "10e-1", true }, { "0", "-0", true },
		{ "`\\u00e9`", "`\xc3\xa9`", true }, { "{`a`:1,`b`:[2]}", "{ `b` : [2], `a`:1 }", true }, { "[1,2]", "[2,1]", false },
		{ "true", "`true`", false }, { "12345678901234567890", "12345678901234567891", false }, { "{}", "[]", false },
	};
	char lines[512];

	(void)unused;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct history *h;
		uint32_t count;
		const struct lin_op *op;

		snprintf(lines, sizeof(lines), "{`process`:0,`type`:`invoke`,`f`:`write`,`value`:%s}\n"
			 "{`process`:1,`type`:`invoke`,`f`:`write`,`value`:%s}", cases[i].a, cases[i].b);
		h = history_of(lines);
		op = history_ops(h, 0, &count);
		assert_int_equal(count, 2);
		assert_true((op[0].value == op[1].value) == cases[i].equal);
		history_free(h);
	}
}

static void keys_and_processes_are_told_apart_as_values_are(void **unused)
{
	struct history *h = history_of("{`process`:1,`type`:`invoke`,`f`:`write`,`key`:1,`value`:1}\n"
				       "{`process`:`1`,`type`:`invoke`,`f`:`write`,`key`:`1`,`value`:1}\n"
				       "{`process`:`c1`,`type`:`invoke`,`f`:`write`,`key`:1.0,`value`:1}\n"
				       "{`process`:2,`type`:`invoke`,`f`:`write`,`value`:1}\n"
				       "{`process`:3,`type`:`invoke`,`f`:`write`,`key`:null,`value`:1}");
	uint32_t count;

	(void)unused;
	assert_int_equal(history_keys(h), 4);
	history_ops(h, 3, &count);
	assert_int_equal(count, 2);
	assert_string_equal(history_key(h, 3), "null");
	history_free(h);
}

static void lines_of_others_than_clients_are_ignored(void **unused)
{
	struct history *h = history_of("{`process`:`nemesis`,`type`:`info`,`f`:`start-partition`,`value`:null}\n"
				       "{`type`:`invoke`,`process`:0,`index`:1,`f`:`write`,`time`:5,`value`:1,`key`:`x`,`more`:{`f`:1}}\n"
				       "{`process`:`nemesis`,`type`:`info`,`f`:`stop`}");

	(void)unused;
	assert_int_equal(only_op(h)->called, 2);
	assert_int_equal(history_counts(h).ignored, 2);
	history_free(h);
}

/* --- What is refused --- */

#define BEGIN_WRITE "{`process`:0,`type`:`invoke`,`f`:`write`,`key`:`x`,`value`:1}\n"
#define BEGIN_CAS "{`process`:0,`type`:`invoke`,`f`:`cas`,`key`:`x`,`value`:[1,2]}\n"
#define BEGIN_TXN "{`process`:0,`type`:`invoke`,`f`:`txn`,`value`:[[`r`,`x`,null],[`append`,`y`,1]]}\n"

static const struct {
	const char *lines, *problem;    /* of the last of the lines */
} refused[] = {
	{ "what", "byte 1: an object expected" },
	{ "[1]", "byte 1: an object expected" },
	{ "{`process`:0", "byte 13: the line does not end in '}'" },
	{ "{`process`:0,`process`:1}", "byte 14: a member's name is there twice" },
	{ "{`f`:`\xff`}", "byte 7: not UTF-8" },
	{ "{`type`:`invoke`,`f`:`read`}", "no process" },
	{ "{`process`:null,`type`:`invoke`,`f`:`read`}", "the process is neither a number nor a string" },
	{ "{`process`:0,`f`:`read`}", "no type" },
	{ "{`process`:0,`type`:`done`,`f`:`read`}", "the type is not invoke, ok, fail or info" },
	{ "{`process`:0,`type`:`invoke`}", "no f" },
	{ "{`process`:0,`type`:`invoke`,`f`:7}", "f is not a string" },
	{ "{`process`:0,`type`:`invoke`,`f`:`enqueue`}", "f is `enqueue`, and not read, write, cas, delete or txn" },
	{ "{`process`:0,`type`:`ok`,`f`:`read`,`value`:1}", "ok of process 0, which has nothing under way" },
	{ "{`process`:`a`,`type`:`info`,`f`:`read`}", "info of process `a`, which has nothing under way" },
	{ BEGIN_WRITE "{`process`:0,`type`:`invoke`,`f`:`read`}",
	  "process 0 begins again before it has ended what it began in line 1" },
	{ BEGIN_WRITE "{`process`:0,`type`:`info`,`f`:`write`}\n{`process`:0,`type`:`invoke`,`f`:`read`}",
	  "process 0 goes on after an info: what comes after that is of a new process" },
	{ BEGIN_WRITE "{`process`:0,`type`:`info`,`f`:`write`}\n{`process`:0,`type`:`ok`,`f`:`write`}",
	  "process 0 goes on after an info: what comes after that is of a new process" },
	{ BEGIN_WRITE "{`process`:0,`type`:`ok`,`f`:`read`,`value`:1}", "f is read, but line 1, where it begins, says write" },
	{ BEGIN_WRITE "{`process`:0,`type`:`ok`,`f`:`write`,`key`:`y`}", "the key is not that of line 1, where the write begins" },
	{ BEGIN_WRITE "{`process`:0,`type`:`ok`,`f`:`write`,`value`:2}", "the value is not that of line 1, where the write begins" },
	{ BEGIN_CAS "{`process`:0,`type`:`ok`,`f`:`cas`,`value`:[1,3]}", "the value is not that of line 1, where the cas begins" },
	{ BEGIN_CAS "{`process`:0,`type`:`ok`,`f`:`cas`,`value`:2}", "the value of a cas is not [from,to]" },
	{ "{`process`:0,`type`:`invoke`,`f`:`read`}\n{`process`:0,`type`:`ok`,`f`:`read`}",
	  "no value of a read that is ok: null says that the key was missing" },
	{ "{`process`:0,`type`:`invoke`,`f`:`write`}", "no value to write" },
	{ "{`process`:0,`type`:`invoke`,`f`:`write`,`value`:null}",
	  "null is written or compared with: it cannot be told from a missing key" },
	{ "{`process`:0,`type`:`invoke`,`f`:`cas`,`value`:[null,1]}",
	  "null is written or compared with: it cannot be told from a missing key" },
	{ "{`process`:0,`type`:`invoke`,`f`:`cas`,`value`:[1,null]}",
	  "null is written or compared with: it cannot be told from a missing key" },
	{ "{`process`:0,`type`:`invoke`,`f`:`cas`}", "the value of a cas is not [from,to]" },
	{ "{`process`:0,`type`:`invoke`,`f`:`cas`,`value`:[1]}", "the value of a cas is not [from,to]" },
	{ "{`process`:0,`type`:`invoke`,`f`:`cas`,`value`:[1,2,3]}", "the value of a cas is not [from,to]" },
	{ "{`process`:0,`type`:`invoke`,`f`:`cas`,`value`:{`a`:1}}", "the value of a cas is not [from,to]" },
	{ "{`process`:0,`type`:`invoke`,`f`:`txn`}", "the value of a txn is not a list of operations" },
	{ "{`process`:0,`type`:`invoke`,`f`:`txn`,`value`:[1]}", "an operation of the txn is not [f,key,value]" },
	{ "{`process`:0,`type`:`invoke`,`f`:`txn`,`value`:[[`w`,1]]}", "an operation of the txn is not [f,key,value]" },
	{ "{`process`:0,`type`:`invoke`,`f`:`txn`,`value`:[[`w`,1,2,3]]}", "an operation of the txn is not [f,key,value]" },
	{ "{`process`:0,`type`:`invoke`,`f`:`txn`,`value`:[[`x`,1,2]]}", "an operation of the txn is none of r, w and append" },
	{ "{`process`:0,`type`:`invoke`,`f`:`txn`,`value`:[[`append`,1,null]]}",
	  "null is written: it cannot be told from a missing key" },
	{ BEGIN_TXN "{`process`:0,`type`:`ok`,`f`:`txn`,`value`:[[`r`,`x`,1]]}", "the txn is not that of line 1, where it begins" },
	{ BEGIN_TXN "{`process`:0,`type`:`ok`,`f`:`txn`}", "the txn is not that of line 1, where it begins" },
	{ BEGIN_TXN "{`process`:0,`type`:`ok`,`f`:`txn`,`value`:[[`r`,`z`,1],[`append`,`y`,1]]}",
	  "the txn is not that of line 1, where it begins" },
	{ BEGIN_TXN "{`process`:0,`type`:`ok`,`f`:`txn`,`value`:[[`r`,`x`,1],[`append`,`y`,2]]}",
	  "the txn is not that of line 1, where it begins" },
	{ BEGIN_TXN "{`process`:0,`type`:`ok`,`f`:`txn`,`value`:[[`r`,`x`,1],[`w`,`y`,1]]}",
	  "the txn is not that of line 1, where it begins" },
	{ BEGIN_TXN "{`process`:0,`type`:`ok`,`f`:`txn`,`value`:[[`r`,`x`],[`append`,`y`,1]]}",
	  "no value of a read that is ok: null says that the key was missing" },
	{ BEGIN_TXN "{`process`:1,`type`:`invoke`,`f`:`write`,`key`:`y`,`value`:1}",
	  "key `y` is appended to, and written or deleted, too: a key holds either a list or a register" },
	{ BEGIN_WRITE "{`process`:1,`type`:`invoke`,`f`:`txn`,`value`:[[`append`,`x`,1]]}",
	  "key `x` is appended to, and written or deleted, too: a key holds either a list or a register" },
	{ BEGIN_TXN "{`process`:1,`type`:`invoke`,`f`:`read`,`key`:`y`}\n{`process`:1,`type`:`ok`,`f`:`read`,`value`:1}",
	  "key `y` is appended to, but no list was read of it" },
	{ "{`process`:1,`type`:`invoke`,`f`:`read`,`key`:`y`}\n{`process`:1,`type`:`ok`,`f`:`read`,`value`:1}\n" BEGIN_TXN,
	  "key `y` is appended to, but line 2 read no list of it" },
};

static void a_bad_line_is_refused_with_what_is_wrong(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < COUNT(refused); i++) {
		struct history *h = history_new(0);
		char problem[HISTORY_PROBLEM_BYTES] = "";
		char *copy = strdup(refused[i].lines), *rest = copy, *line;
		int rc = 0;

		if (copy[strlen(copy) - 1] == '\n')
			copy[strlen(copy) - 1] = '\0';
		while ((line = strsep(&rest, "\n"))) {
			assert_int_equal(rc, 0);
			rc = feed(h, line, problem);
		}
		if (rc != -1 || strcmp(problem, refused[i].problem) != 0)
			fail_msg("%s\n%d %s", refused[i].lines, rc, problem);
		free(copy);
		history_free(h);
	}
}

static void a_value_that_is_appended_twice_is_refused_at_the_end(void **unused)
{
	struct history *h = history_new(0);
	char problem[HISTORY_PROBLEM_BYTES] = "";

	(void)unused;
	assert_int_equal(feed(h, "{`process`:0,`type`:`invoke`,`f`:`txn`,`value`:[[`append`,`y`,1]]}", problem), 0);
	assert_int_equal(feed(h, "{`process`:0,`type`:`fail`,`f`:`txn`}", problem), 0);
	assert_int_equal(feed(h, "{`process`:1,`type`:`invoke`,`f`:`txn`,`value`:[[`append`,`z`,1],[`append`,`y`,1]]}", problem), 0);
	assert_int_equal(feed(h, "{`process`:2,`type`:`invoke`,`f`:`txn`,`value`:[[`append`,`y`,1]]}", problem), 0);
	assert_int_equal(history_end(h, problem), -1);
	assert_string_equal(problem, "lines 3 and 4 append 1 to key \"y\": a value may be appended to a key once");
	history_free(h);
}

/* --- Memory --- */

/* Whether it does or not: nothing is lost, and no more is kept than may be. */
static bool does(size_t memory_max, bool transactions)
{
	struct history *h = history_new(memory_max);
	char problem[HISTORY_PROBLEM_BYTES], line[160];
	int rc = 0;

	if (!h)
		return false;
	for (int i = 0; i < 3000 && !rc; i++) {
		if (transactions)
			snprintf(line, sizeof(line), "{`process`:%d,`type`:`invoke`,`f`:`txn`,`value`:[[`append`,%d,%d],[`r`,%d]]}", i,
				 i % 7, i, i % 100);
		else
			snprintf(line, sizeof(line), "{`process`:%d,`type`:`invoke`,`f`:`write`,`key`:%d,`value`:%d}", i, i % 700, i);
		rc = feed(h, line, problem);
		assert_true(rc == 0 || rc == -2);
		if (!rc && transactions) {
			snprintf(line, sizeof(line), "{`process`:%d,`type`:`ok`,`f`:`txn`,`value`:[[`append`,%d,%d],[`r`,%d,[%d,2]]]}", i,
				 i % 7, i, i % 100, i);
			rc = feed(h, line, problem);
			assert_true(rc == 0 || rc == -2);
		}
		assert_true(history_bytes(h) <= memory_max);
	}
	if (!rc)
		rc = history_end(h, problem);
	assert_true(rc == 0 || rc == -2);
	assert_true(history_bytes(h) <= memory_max);
	history_free(h);
	return !rc;
}

static void no_more_memory_is_kept_than_may_be(void **unused)
{
	(void)unused;
	for (int transactions = 0; transactions < 2; transactions++) {
		size_t max = 1, tried = 0;

		while (!does(max, transactions)) {
			max += max / 16 + 1;
			tried++;
			assert_true(max < 10000000);
		}
		assert_true(tried > 50);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_operation_is_what_its_lines_say),
		cmocka_unit_test(what_did_not_happen_and_saw_nothing_is_left_out),
		cmocka_unit_test(what_has_no_second_line_is_unknown_and_create_is_kept),
		cmocka_unit_test(keys_have_their_operations_in_the_order_of_calls),
		cmocka_unit_test(values_are_equal_if_they_mean_the_same),
		cmocka_unit_test(keys_and_processes_are_told_apart_as_values_are),
		cmocka_unit_test(lines_of_others_than_clients_are_ignored),
		cmocka_unit_test(a_bad_line_is_refused_with_what_is_wrong),
		cmocka_unit_test(a_value_that_is_appended_twice_is_refused_at_the_end),
		cmocka_unit_test(no_more_memory_is_kept_than_may_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
