/* lib/history: what transactions, and operations beside them, mean to the checker. */
#include "tests/unit/history_rig.h"

static void transactions_are_what_their_lines_say(void **unused)
{
	struct history *h = history_of(
		"{`process`:0,`type`:`invoke`,`f`:`txn`,`value`:[[`r`,`l`,null],[`w`,`x`,5],[`r`,`x`,null]]}\n"
		"{`process`:0,`type`:`ok`,`f`:`txn`,`value`:[[`r`,`l`,[7,null]],[`w`,`x`,5],[`r`,`x`,[1]]]}\n"
		"{`process`:1,`type`:`invoke`,`f`:`txn`,`value`:[[`append`,`l`,7],[`r`,`l`]]}\n"
		"{`process`:1,`type`:`ok`,`f`:`txn`,`value`:[[`append`,`l`,7],[`r`,`l`,[7]]]}\n"
		"{`process`:2,`type`:`invoke`,`f`:`txn`,`value`:[[`r`,`l`,null],[`r`,`x`,null],[`w`,`x`,6]]}\n"
		"{`process`:2,`type`:`info`,`f`:`txn`}\n"
		"{`process`:3,`type`:`invoke`,`f`:`txn`,`value`:[]}\n"
		"{`process`:4,`type`:`invoke`,`f`:`txn`,`value`:[[`w`,`x`,9]]}\n"
		"{`process`:4,`type`:`fail`,`f`:`txn`,`code`:30}\n"
		"{`process`:5,`type`:`invoke`,`f`:`read`,`key`:`l`}\n"
		"{`process`:5,`type`:`ok`,`f`:`read`,`value`:null}");
	uint32_t count;
	const struct serial_txn *t = history_transactions(h, &count);
	const struct serial_micro *m = t[0].micro;

	(void)unused;
	assert_true(history_has_transactions(h));
	assert_int_equal(count, 4);
	assert_true(t[0].certain && t[0].called == 1 && t[0].returned == 2 && t[0].count == 3);
	assert_true(m[0].kind == SERIAL_READ_LIST && m[0].count == 2 && m[0].key == 0 && !m[0].unknown);
	assert_value(h, m[0].list[0], "7");
	assert_true(m[0].list[1] != SERIAL_MISSING);
	assert_true(m[1].kind == SERIAL_WRITE && m[1].key == 1 && m[2].kind == SERIAL_READ);
	assert_value(h, m[2].value, "[1]");
	m = t[1].micro;
	assert_true(m[0].kind == SERIAL_APPEND && m[1].kind == SERIAL_READ_LIST && m[1].count == 1);
	assert_int_equal(m[0].value, m[1].list[0]);
	assert_ptr_equal(m[1].list, t[0].micro[0].list);        /* its beginning */
	m = t[2].micro;
	assert_true(!t[2].certain && t[2].returned == SERIAL_NEVER);
	assert_true(m[0].unknown && m[0].kind == SERIAL_READ_LIST && m[1].unknown && m[1].kind == SERIAL_READ && !m[2].unknown);
	assert_true(t[3].micro[0].kind == SERIAL_READ_LIST && t[3].micro[0].count == 0 && !t[3].micro[0].unknown);
	assert_string_equal(history_transaction_process(h, 3), "5");
	history_free(h);
}

static void operations_beside_transactions_are_transactions(void **unused)
{
	static const struct {
		const char *invoke, *end;
		uint32_t count;
		enum serial_kind first, second;
		const char *first_value, *second_value;
	} cases[] = {
		{ "`f`:`read`", "`type`:`ok`,`f`:`read`,`value`:4", 1, SERIAL_READ, 0, "4", NULL },
		{ "`f`:`read`", "`type`:`fail`,`f`:`read`,`code`:20", 1, SERIAL_READ, 0, "null", NULL },
		{ "`f`:`write`,`value`:4", "`type`:`ok`,`f`:`write`", 1, SERIAL_WRITE, 0, "4", NULL },
		{ "`f`:`cas`,`value`:[1,2]", "`type`:`ok`,`f`:`cas`", 2, SERIAL_READ, SERIAL_WRITE, "1", "2" },
		{ "`f`:`cas`,`value`:[1,2],`create_if_not_exists`:true", "`type`:`ok`,`f`:`cas`", 2, SERIAL_READ_OR_MISSING, SERIAL_WRITE,
		  "1", "2" },
		{ "`f`:`cas`,`value`:[1,2]", "`type`:`fail`,`f`:`cas`,`code`:20", 1, SERIAL_READ, 0, "null", NULL },
		{ "`f`:`cas`,`value`:[1,2]", "`type`:`fail`,`f`:`cas`,`code`:22", 1, SERIAL_READ_OTHER, 0, "1", NULL },
		{ "`f`:`cas`,`value`:[1,2]", "`type`:`info`,`f`:`cas`", 2, SERIAL_READ, SERIAL_WRITE, "1", "2" },
		{ "`f`:`delete`", "`type`:`ok`,`f`:`delete`", 2, SERIAL_READ_OTHER, SERIAL_WRITE, "null", "null" },
		{ "`f`:`delete`", "`type`:`fail`,`f`:`delete`,`code`:20", 1, SERIAL_READ, 0, "null", NULL },
		{ "`f`:`delete`", "`type`:`info`,`f`:`delete`", 2, SERIAL_READ_OTHER, SERIAL_WRITE, "null", "null" },
	};
	char lines[512];

	(void)unused;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct serial_txn *t;
		struct history *h;
		uint32_t count;

		snprintf(lines, sizeof(lines), "{`process`:0,`type`:`invoke`,`key`:`x`,%s}\n{`process`:0,`key`:`x`,%s}\n"
			 "{`process`:1,`type`:`invoke`,`f`:`txn`,`value`:[[`w`,`z`,1]]}", cases[i].invoke, cases[i].end);
		h = history_of(lines);
		t = history_transactions(h, &count);
		assert_int_equal(count, 2);
		assert_int_equal(t[0].count, cases[i].count);
		assert_int_equal(t[0].certain, !strstr(cases[i].end, "info"));
		assert_int_equal(t[0].micro[0].kind, cases[i].first);
		assert_value(h, t[0].micro[0].value, cases[i].first_value);
		if (cases[i].count == 2) {
			assert_int_equal(t[0].micro[1].kind, cases[i].second);
			assert_value(h, t[0].micro[1].value, cases[i].second_value);
		}
		history_free(h);
	}
}

/* The n-th reads n values: all share the memory of the longest, and one that is another list does not. */
static void lists_that_grow_share_their_memory(void **unused)
{
	enum { READS = 400 };
	struct history *h = history_new(0);
	char problem[HISTORY_PROBLEM_BYTES] = "", *line = malloc(8 * READS + 100);
	const struct serial_txn *t;
	size_t at, before = history_bytes(h);
	uint32_t count;

	(void)unused;
	for (int n = 1; n <= READS; n++) {
		at = (size_t)sprintf(line, "{`process`:0,`type`:`invoke`,`f`:`txn`,`value`:[[`append`,`l`,%d],[`r`,`l`]]}", n);
		assert_int_equal(feed(h, line, problem), 0);
		at = (size_t)sprintf(line, "{`process`:0,`type`:`ok`,`f`:`txn`,`value`:[[`append`,`l`,%d],[`r`,`l`,[%d", n, n == 200 ? 2 : 1);
		for (int i = 2; i <= n; i++)
			at += (size_t)sprintf(line + at, ",%d", i);
		sprintf(line + at, "]]]}");
		assert_int_equal(feed(h, line, problem), 0);
	}
	assert_int_equal(history_end(h, problem), 0);
	t = history_transactions(h, &count);
	for (int n = 0; n < READS; n++) {
		assert_int_equal(t[n].micro[1].count, n + 1);
		assert_true((t[n].micro[1].list == t[0].micro[1].list) == (n + 1 != 200));
	}
	assert_true(history_bytes(h) - before < 400000);        /* 80200 values in all */
	history_free(h);
	free(line);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(transactions_are_what_their_lines_say),
		cmocka_unit_test(operations_beside_transactions_are_transactions),
		cmocka_unit_test(lists_that_grow_share_their_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
