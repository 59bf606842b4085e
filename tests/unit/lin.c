/* lib/lin: cases by hand; agreement with all orders, and its certificates checked; memory, steps. */
#include "tests/unit/lin_make.h"
#include "tests/unit/lin_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

/* --- Judging --- */

static enum lin_state run(struct lin *l, uint64_t steps)
{
	enum lin_state state;

	while ((state = lin_run(l, steps)) == LIN_AGAIN)
		;
	return state;
}

static enum lin_state contradict(struct lin *l, uint64_t steps)
{
	enum lin_state state;

	while ((state = lin_contradict(l, steps)) == LIN_AGAIN)
		;
	return state;
}

static void complain(const struct rig *r, const char *what, const uint32_t *list, uint32_t count)
{
	fprintf(stderr, "%s:", what);
	for (uint32_t i = 0; i < count; i++)
		fprintf(stderr, " %u", list[i]);
	fprintf(stderr, "\n");
	rig_print(r);
	fail();
}

static void check_order(const struct rig *r, const struct lin *l)
{
	uint32_t len;
	const uint32_t *order = lin_order(l, &len);
	const char *wrong = rig_order_wrong(r->ops, r->count, order, len);

	if (wrong)
		complain(r, wrong, order, len);
}

/* By the culprit's return, those called until then cannot be put in order, whatever became of those that had not returned. */
static void check_culprit(const struct rig *r, const struct lin *l)
{
	uint64_t by = r->ops[lin_culprit(l)].returned;
	struct rig until = { .count = 0 };

	for (uint32_t i = 0; i < r->count; i++) {
		struct lin_op *op = &until.ops[until.count];

		*op = r->ops[i];
		if (op->called > by || (op->returned > by && op->kind == LIN_READ))
			continue;
		if (op->returned > by && op->outcome != LIN_UNKNOWN) {
			if (op->outcome != LIN_OK)
				continue;
			op->outcome = LIN_UNKNOWN;
			op->returned = LIN_NEVER;
		}
		until.count++;
	}
	if (rig_linearizable(&until))
		complain(r, "nothing is wrong until the culprit", &(uint32_t){ lin_culprit(l) }, 1);
}

static void check_contradiction(const struct rig *r, struct lin *l)
{
	bool any_time = lin_figures(l).unique;
	uint32_t size;
	const uint32_t *set = lin_contradiction(l, &size);

	if (!rig_contradict(r->ops, r->count, set, size, false))
		complain(r, "what is known at first does not contradict", set, size);
	assert_int_equal(contradict(l, 1 + r->count), LIN_NO);
	set = lin_contradiction(l, &size);
	for (uint32_t i = 1; i < size; i++)
		assert_true(r->ops[set[i - 1]].called < r->ops[set[i]].called);
	if (!rig_contradict(r->ops, r->count, set, size, any_time))
		complain(r, "they do not contradict", set, size);
	if (!rig_least(r->ops, r->count, set, size, any_time))
		complain(r, "one can be left out", set, size);
}

enum way { ANY, SEARCH, NARROW };

static void check(const struct rig *r, enum way way, uint64_t steps, bool linearizable)
{
	struct lin *l = lin_new(r->ops, r->count, &(struct lin_options){ .want_order = true, .search_only = way != ANY,
									 .width = way == NARROW });
	enum lin_state state;

	assert_non_null(l);
	state = run(l, steps);
	if (state != (linearizable ? LIN_YES : LIN_NO))
		complain(r, linearizable ? "is linearizable" : "is not linearizable", NULL, 0);
	if (state == LIN_YES) {
		check_order(r, l);
	} else {
		check_culprit(r, l);
		check_contradiction(r, l);
	}
	lin_free(l);
}

/* --- By hand --- */

#define READ(v, c, r) { .kind = LIN_READ, .value = (v), .called = (c), .returned = (r) }
#define WRITE(v, c, r) { .kind = LIN_WRITE, .value = (v), .called = (c), .returned = (r) }
#define WROTE_MAYBE(v, c) { .kind = LIN_WRITE, .outcome = LIN_UNKNOWN, .value = (v), .called = (c), .returned = LIN_NEVER }
#define CAS(f, v, c, r) { .kind = LIN_CAS, .from = (f), .value = (v), .called = (c), .returned = (r) }
#define CAS_MAYBE(f, v, c) { .kind = LIN_CAS, .outcome = LIN_UNKNOWN, .from = (f), .value = (v), .called = (c), .returned = LIN_NEVER }
#define CREATE(f, v, c, r) { .kind = LIN_CAS, .create = true, .from = (f), .value = (v), .called = (c), .returned = (r) }
#define OTHER(f, v, c, r) { .kind = LIN_CAS, .outcome = LIN_OTHER_VALUE, .from = (f), .value = (v), .called = (c), .returned = (r) }
#define NO_KEY(f, v, c, r) { .kind = LIN_CAS, .outcome = LIN_NO_KEY, .from = (f), .value = (v), .called = (c), .returned = (r) }
#define DELETE(c, r) { .kind = LIN_DELETE, .called = (c), .returned = (r) }
#define DELETE_NONE(c, r) { .kind = LIN_DELETE, .outcome = LIN_NO_KEY, .called = (c), .returned = (r) }
#define DELETED_MAYBE(c) { .kind = LIN_DELETE, .outcome = LIN_UNKNOWN, .called = (c), .returned = LIN_NEVER }

struct by_hand {
	const char *why;
	bool linearizable;
	struct lin_op ops[8];           /* those called at 0 are none */
};

static void check_by_hand(const struct by_hand *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct rig r = { .count = 0 };

		while (r.count < 8 && cases[i].ops[r.count].called) {
			r.ops[r.count] = cases[i].ops[r.count];
			r.count++;
		}
		if (rig_linearizable(&r) != cases[i].linearizable)
			complain(&r, cases[i].why, NULL, 0);
		for (uint64_t steps = 1; steps < 1000; steps *= 30) {
			check(&r, ANY, steps, cases[i].linearizable);
			check(&r, SEARCH, steps, cases[i].linearizable);
			check(&r, NARROW, steps, cases[i].linearizable);
		}
	}
}
#define CHECK_BY_HAND(cases) check_by_hand((cases), sizeof(cases) / sizeof(*(cases)))

static void reads_and_writes_take_effect_between_call_and_return(void **state)
{
	static const struct by_hand cases[] = {
		{ "nothing happened", true, { { 0 } } },
		{ "a key is missing at first", true, { READ(LIN_MISSING, 1, 2) } },
		{ "what nobody wrote", false, { READ(7, 1, 2) } },
		{ "what was written", true, { WRITE(7, 1, 2), READ(7, 3, 4) } },
		{ "a write that was lost", false, { WRITE(7, 1, 2), READ(LIN_MISSING, 3, 4) } },
		{ "before it was written", false, { READ(7, 1, 2), WRITE(7, 3, 4) } },
		{ "while it was written", true, { WRITE(7, 1, 4), READ(7, 2, 3) } },
		{ "new, then old, during the write", false,
		  { WRITE(7, 1, 2), WRITE(8, 3, 10), READ(8, 4, 5), READ(7, 6, 7) } },
		{ "old, then new, during the write", true,
		  { WRITE(7, 1, 2), WRITE(8, 3, 10), READ(7, 4, 5), READ(8, 6, 7) } },
		{ "two writes at once, and two readers that disagree", false,
		  { WRITE(7, 1, 3), WRITE(8, 2, 4), READ(7, 5, 6), READ(8, 7, 8) } },
		{ "the same, but written twice", true,
		  { WRITE(7, 1, 3), WRITE(8, 2, 10), READ(7, 5, 6), READ(8, 7, 8), WRITE(7, 9, 11), READ(7, 12, 13) } },
	};

	(void)state;
	CHECK_BY_HAND(cases);
}

static void a_cas_sees_what_it_replaces(void **state)
{
	static const struct by_hand cases[] = {
		{ "a cas", true, { WRITE(1, 1, 2), CAS(1, 2, 3, 4), READ(2, 5, 6) } },
		{ "a cas of what was not there", false, { WRITE(1, 1, 2), CAS(3, 2, 3, 4) } },
		{ "two from the same value", false, { WRITE(1, 1, 2), CAS(1, 2, 3, 5), CAS(1, 3, 4, 6) } },
		{ "a chain", true, { WRITE(1, 1, 2), CAS(1, 2, 3, 8), CAS(2, 3, 4, 7), CAS(3, 4, 5, 6), READ(4, 9, 10) } },
		{ "a read from the midst of a chain, too late", false,
		  { WRITE(1, 1, 2), CAS(1, 2, 3, 8), CAS(2, 3, 4, 7), READ(2, 9, 10) } },
		{ "a ring", false, { CAS(1, 2, 1, 3), CAS(2, 1, 2, 4) } },
		{ "a value for itself", true, { WRITE(1, 1, 2), CAS(1, 1, 3, 4), READ(1, 5, 6) } },
		{ "between a write and its read", false,
		  { WRITE(1, 1, 2), WRITE(2, 3, 4), CAS(1, 3, 5, 6) } },
		{ "from nothing", true, { CAS(LIN_MISSING, 3, 1, 2), READ(3, 3, 4) } },
		{ "from nothing, twice", false, { CAS(LIN_MISSING, 3, 1, 2), CAS(LIN_MISSING, 4, 3, 4) } },
		{ "a write that is there already, before the cas of it", true,
		  { WRITE(1, 1, 2), WRITE(1, 3, 8), CAS(1, 2, 4, 5), READ(2, 6, 7), READ(2, 9, 10) } },
		{ "hidden by a write of what was there", true,
		  { WRITE(1, 1, 2), WRITE(3, 3, 9), WRITE(1, 4, 10), CAS(1, 2, 5, 6), READ(2, 7, 8), READ(2, 11, 12) } },
	};

	(void)state;
	CHECK_BY_HAND(cases);
}

static void that_something_failed_is_an_observation(void **state)
{
	static const struct by_hand cases[] = {
		{ "no key, and there was none", true, { NO_KEY(1, 2, 1, 2) } },
		{ "no key, though there was one", false, { WRITE(1, 1, 2), NO_KEY(1, 2, 3, 4) } },
		{ "another value", true, { WRITE(3, 1, 2), OTHER(1, 2, 3, 4) } },
		{ "another value, though it was that", false, { WRITE(1, 1, 2), OTHER(1, 2, 3, 4) } },
		{ "another value, though there was none", false, { OTHER(1, 2, 1, 2) } },
		{ "another value for a moment", true, { WRITE(1, 1, 2), WRITE(3, 3, 6), OTHER(1, 2, 4, 5) } },
		{ "one of two at once was another", true, { WRITE(1, 1, 3), WRITE(2, 2, 4), OTHER(1, 9, 5, 6), READ(2, 7, 8) } },
		{ "neither was the other", false, { WRITE(1, 1, 3), WRITE(2, 2, 4), OTHER(1, 9, 5, 6), OTHER(2, 9, 7, 8) } },
		{ "a store that forgets", false, { WRITE(1, 1, 2), DELETE_NONE(3, 4) } },
		{ "a cas that failed writes nothing", false, { WRITE(3, 1, 2), OTHER(1, 2, 3, 4), READ(2, 5, 6) } },
	};

	(void)state;
	CHECK_BY_HAND(cases);
}

static void a_delete_finds_what_it_deletes(void **state)
{
	static const struct by_hand cases[] = {
		{ "deleted", true, { WRITE(1, 1, 2), DELETE(3, 4), READ(LIN_MISSING, 5, 6) } },
		{ "deleted, and there", false, { WRITE(1, 1, 2), DELETE(3, 4), READ(1, 5, 6) } },
		{ "deleted twice", false, { WRITE(1, 1, 2), DELETE(3, 4), DELETE(5, 6) } },
		{ "deleted twice, with a write while it was", true, { WRITE(1, 1, 2), DELETE(3, 6), WRITE(2, 4, 8), DELETE(5, 7) } },
		{ "there was nothing to delete", false, { DELETE(1, 2) } },
		{ "a write hidden before a delete", true,
		  { WRITE(1, 1, 2), WRITE(2, 3, 9), DELETE(4, 5), READ(LIN_MISSING, 6, 7), READ(LIN_MISSING, 10, 11) } },
		{ "a cas that failed between", true, { WRITE(1, 1, 2), DELETE(3, 4), NO_KEY(1, 2, 5, 6), WRITE(3, 7, 8) } },
	};

	(void)state;
	CHECK_BY_HAND(cases);
}

static void a_cas_that_creates_finds_the_value_or_nothing(void **state)
{
	static const struct by_hand cases[] = {
		{ "created", true, { CREATE(5, 1, 1, 2), READ(1, 3, 4) } },
		{ "replaced", true, { WRITE(5, 1, 2), CREATE(5, 1, 3, 4), READ(1, 5, 6) } },
		{ "neither", false, { WRITE(4, 1, 2), CREATE(5, 1, 3, 4) } },
		{ "created twice", false, { CREATE(5, 1, 1, 2), CREATE(5, 2, 3, 4) } },
		{ "it says that there was nothing, where it would have created", false,
		  { { .kind = LIN_CAS, .outcome = LIN_NO_KEY, .create = true, .from = 1, .value = 2, .called = 1, .returned = 2 } } },
		{ "created after a delete", true, { CREATE(5, 1, 1, 2), DELETE(3, 4), CREATE(5, 2, 5, 6), READ(2, 7, 8) } },
	};

	(void)state;
	CHECK_BY_HAND(cases);
}

static void an_unknown_outcome_is_at_any_time_or_never(void **state)
{
	static const struct by_hand cases[] = {
		{ "it happened", true, { WROTE_MAYBE(1, 1), READ(1, 2, 3) } },
		{ "it did not", true, { WROTE_MAYBE(1, 1), READ(LIN_MISSING, 2, 3) } },
		{ "late", true, { WROTE_MAYBE(1, 1), READ(LIN_MISSING, 2, 3), WRITE(2, 4, 5), READ(1, 6, 7) } },
		{ "not before it was called", false, { READ(1, 1, 2), WROTE_MAYBE(1, 3) } },
		{ "not twice", false, { WROTE_MAYBE(1, 1), READ(1, 2, 3), WRITE(2, 4, 5), READ(2, 6, 7), READ(1, 8, 9) } },
		{ "two of a kind, twice", true,
		  { WROTE_MAYBE(1, 1), WROTE_MAYBE(1, 2), READ(1, 3, 4), WRITE(2, 5, 6), READ(2, 7, 8), READ(1, 9, 10) } },
		{ "a cas that nobody heard of, between two values", true,
		  { WRITE(1, 1, 2), CAS_MAYBE(1, 2, 3), CAS_MAYBE(2, 3, 4), READ(3, 5, 6) } },
		{ "a cas that nobody heard of, of what was not there", false, { WRITE(1, 1, 2), CAS_MAYBE(2, 3, 3), READ(3, 5, 6) } },
		{ "a delete that nobody heard of", true, { WRITE(1, 1, 2), DELETED_MAYBE(3), READ(1, 4, 5), READ(LIN_MISSING, 6, 7) } },
		{ "a delete that nobody heard of, twice", false,
		  { WRITE(1, 1, 2), DELETED_MAYBE(3), READ(LIN_MISSING, 4, 5), WRITE(2, 6, 7), READ(LIN_MISSING, 8, 9) } },
		{ "another value that nobody heard of", true, { WRITE(1, 1, 2), WROTE_MAYBE(3, 3), OTHER(1, 2, 4, 5) } },
		{ "a read of unknown outcome says nothing", true,
		  { { .kind = LIN_READ, .outcome = LIN_UNKNOWN, .value = 9, .called = 1, .returned = LIN_NEVER }, READ(LIN_MISSING, 2, 3) } },
	};

	(void)state;
	CHECK_BY_HAND(cases);
}

static void a_write_of_nothing_is_a_delete_that_needs_nothing(void **state)
{
	static const struct by_hand cases[] = {
		{ "nothing", true, { WRITE(1, 1, 2), WRITE(LIN_MISSING, 3, 4), READ(LIN_MISSING, 5, 6), NO_KEY(1, 2, 7, 8) } },
		{ "hidden", true, { WRITE(1, 1, 2), WRITE(LIN_MISSING, 3, 8), WRITE(2, 4, 5), READ(2, 6, 7), READ(2, 9, 10) } },
		{ "twice", true, { WRITE(LIN_MISSING, 1, 3), WRITE(LIN_MISSING, 2, 4), READ(LIN_MISSING, 5, 6) } },
		{ "not hidden by a delete", false, { WRITE(1, 1, 2), WRITE(LIN_MISSING, 3, 4), DELETE(5, 6) } },
		{ "by a cas", true, { WRITE(1, 1, 2), CAS(1, LIN_MISSING, 3, 4), READ(LIN_MISSING, 5, 6) } },
	};

	(void)state;
	CHECK_BY_HAND(cases);
}

/* --- Certificates --- */

static void check_set(const struct lin_op *ops, uint32_t count, bool unique, const uint32_t *set, uint32_t size)
{
	struct lin *l = lin_new(ops, count, &(struct lin_options){ .search_only = !unique });
	const uint32_t *got;
	uint32_t got_size;

	assert_int_equal(run(l, 100), LIN_NO);
	assert_int_equal(contradict(l, 100), LIN_NO);
	assert_int_equal(lin_figures(l).unique, unique);
	got = lin_contradiction(l, &got_size);
	assert_int_equal(got_size, size);
	assert_memory_equal(got, set, size * sizeof(*set));
	lin_free(l);
}

static void a_contradiction_is_of_few_operations(void **state)
{
	static const struct lin_op unwritten[] = { WRITE(1, 1, 2), READ(1, 3, 4), READ(9, 5, 6), WRITE(2, 7, 8) };
	static const struct lin_op early[] = { WRITE(1, 1, 2), READ(9, 3, 4), WRITE(2, 5, 6), WRITE(9, 7, 8) };
	static const struct lin_op stale[] = { WRITE(1, 1, 2), READ(1, 3, 4), WRITE(2, 5, 6), READ(2, 7, 8), READ(1, 9, 10) };
	static const struct lin_op crossed[] = { WRITE(1, 1, 4), WRITE(2, 2, 5), WRITE(3, 3, 20), READ(1, 6, 7), READ(2, 8, 9),
						 READ(1, 10, 11) };
	static const struct lin_op twice[] = { WRITE(1, 1, 2), WRITE(1, 3, 4), WRITE(2, 5, 6), READ(1, 7, 8) };

	(void)state;
	check_set(unwritten, 4, true, (uint32_t[]){ 2 }, 1);
	check_set(early, 4, true, (uint32_t[]){ 1, 3 }, 2);
	check_set(stale, 5, true, (uint32_t[]){ 0, 2, 4 }, 3);
	check_set(crossed, 6, true, (uint32_t[]){ 0, 4, 5 }, 3);
	/* Where it was decided by search the writes of 1 were over. */
	check_set(twice, 4, false, (uint32_t[]){ 2, 3 }, 2);
}

static void short_histories_are_judged_as_all_orders_are(void **state)
{
	static const struct rig_kind kinds[] = {
		{ 7, 4, 2, 15, 15, 30, 60 }, { 7, 4, 0, 15, 10, 30, 60 }, { 7, 7, 3, 30, 10, 25, 60 }, { 7, 4, 0, 30, 0, 30, 60 },
		{ 7, 3, 0, 10, 25, 20, 60 }, { 7, 5, 1, 20, 30, 40, 50 }, { 6, 6, 0, 40, 20, 30, 60 }, { 9, 4, 0, 10, 0, 30, 60 },
		{ 12, 6, 3, 8, 0, 30, 60 }, { 12, 12, 3, 8, 8, 30, 60 }, { 10, 6, 2, 8, 0, 40, 60 }, { 10, 6, 0, 8, 8, 40, 60 },
	};
	static const bool can_be[4][4] = {
		[LIN_READ] = { [LIN_OK] = true, [LIN_UNKNOWN] = true },
		[LIN_WRITE] = { [LIN_OK] = true, [LIN_UNKNOWN] = true },
		[LIN_CAS] = { [LIN_OK] = true, [LIN_NO_KEY] = true, [LIN_OTHER_VALUE] = true, [LIN_UNKNOWN] = true },
		[LIN_DELETE] = { [LIN_OK] = true, [LIN_NO_KEY] = true, [LIN_UNKNOWN] = true },
	};
	uint32_t of_kind[4][4] = { { 0 } };
	uint64_t seed = 1;
	uint32_t yes = 0;

	(void)state;
	for (uint32_t i = 0; i < 100000; i++) {
		struct rig r;
		bool linearizable;

		rig_make(&r, &kinds[i % (sizeof(kinds) / sizeof(*kinds))], &seed);
		linearizable = rig_linearizable(&r);
		check(&r, ANY, i % 5 ? 1000 : 1, linearizable);
		check(&r, i % 2 ? NARROW : SEARCH, i % 5 ? 1 : 1000, linearizable);
		yes += linearizable;
		for (uint32_t op = 0; op < r.count; op++)
			of_kind[r.ops[op].kind][r.ops[op].outcome]++;
	}
	assert_in_range(yes, 50000, 95000);
	for (size_t k = 0; k < sizeof(of_kind) / sizeof(*of_kind); k++)
		for (size_t o = 0; o < 4; o++)
			assert_true(of_kind[k][o] > 5000 || !can_be[k][o]);
}

/* Those are too long for all orders, but not their certificates. */
static void long_histories_have_certificates(void **state)
{
	static const struct make_settings kinds[] = {
		{ .ops = 300, .clients = 10, .values = 5, .reads = 40, .cas = 25 },
		{ .ops = 300, .clients = 10, .values = 0, .reads = 40, .cas = 25 },
		{ .ops = 300, .clients = 25, .values = 3, .reads = 30, .cas = 40, .deletes = 5 },
		{ .ops = 300, .clients = 40, .values = 0, .reads = 30, .cas = 30 },
		{ .ops = 300, .clients = 20, .values = 0, .reads = 30, .cas = 30, .deletes = 10, .unknown = 3 },
		{ .ops = 300, .clients = 8, .values = 5, .reads = 40, .cas = 25, .unknown = 2 },
		{ .ops = 300, .clients = 8, .values = 0, .reads = 40, .cas = 25, .unknown = 5 },
		{ .ops = 300, .clients = 5, .values = 200, .reads = 40, .cas = 5, .deletes = 2 },
	};
	uint32_t refuted = 0;

	(void)state;
	for (uint32_t i = 0; i < 240; i++) {
		struct make_settings set = kinds[i % 8];
		struct make *m;
		struct lin *l;
		uint32_t size;
		const uint32_t *list;
		enum lin_state got;

		set.seed = i;
		set.bad = i % 2 ? 30 + i % 60 : 0;
		m = make_history(&set);
		l = lin_new(m->ops, m->count, &(struct lin_options){ .want_order = true, .search_only = i % 3 == 0 });
		got = run(l, 100);
		assert_true(got == LIN_YES || (set.bad && got == LIN_NO));
		if (got == LIN_YES) {
			list = lin_order(l, &size);
			assert_null(rig_order_wrong(m->ops, m->count, list, size));
		} else {
			refuted++;
			assert_int_equal(contradict(l, 1000), LIN_NO);
			list = lin_contradiction(l, &size);
			assert_in_range(size, 1, 32);
			assert_true(rig_contradict(m->ops, m->count, list, size, lin_figures(l).unique));
			assert_true(rig_least(m->ops, m->count, list, size, lin_figures(l).unique));
		}
		lin_free(l);
		make_free(m);
	}
	assert_in_range(refuted, 40, 120);
}

/* --- Bounds --- */

static void memory_is_never_more_than_allowed(void **state)
{
	static const struct make_settings kinds[] = {
		{ .seed = 5, .ops = 200, .clients = 8, .values = 4, .reads = 40, .cas = 25, .unknown = 8 },
		{ .seed = 1, .ops = 200, .clients = 8, .values = 4, .reads = 40, .cas = 25, .unknown = 2, .bad = 50 },
		{ .seed = 7, .ops = 200, .clients = 30, .values = 0, .reads = 40, .cas = 25, .unknown = 5 },
		{ .seed = 8, .ops = 200, .clients = 8, .values = 0, .reads = 40, .cas = 25, .unknown = 5, .bad = 50 },
		{ .seed = 9, .ops = 200, .clients = 8, .values = 0, .reads = 40, .cas = 25, .deletes = 5 },
	};

	(void)state;
	for (size_t k = 0; k < sizeof(kinds) / sizeof(*kinds); k++) {
		struct make *m = make_history(&kinds[k]);
		bool decided = false, contradicted = false;
		struct lin *free_one = lin_new(m->ops, m->count, &(struct lin_options){ .memory_max = 0 });

		assert_int_equal(run(free_one, 1000), kinds[k].bad ? LIN_NO : LIN_YES);
		lin_free(free_one);

		for (size_t max = 1; !decided || (kinds[k].bad && !contradicted); max += 1 + max / 97) {
			struct lin *l = lin_new(m->ops, m->count, &(struct lin_options){ .memory_max = max, .want_order = true });
			enum lin_state got = l ? run(l, 1000) : LIN_NO_MEMORY;

			assert_true(got == LIN_NO_MEMORY || got == (kinds[k].bad ? LIN_NO : LIN_YES));
			decided = got != LIN_NO_MEMORY;
			if (got == LIN_NO) {
				uint32_t size;

				got = contradict(l, 1000);
				assert_true(got == LIN_NO || got == LIN_NO_MEMORY);
				contradicted = got == LIN_NO;
				lin_contradiction(l, &size);
				assert_in_range(size, 1, m->count);
			}
			if (l)
				assert_in_range(lin_figures(l).bytes_max, 1, max);
			lin_free(l);
			assert_true(max < 1 << 22);
		}
		make_free(m);
	}
}

static struct lin_figures figures_of(uint32_t ops, bool order)
{
	struct make *m = make_history(&(struct make_settings){ .seed = 3, .ops = ops, .clients = 6, .values = 4, .reads = 40, .cas = 25 });
	struct lin *l = lin_new(m->ops, m->count, &(struct lin_options){ .want_order = order });
	struct lin_figures f;

	assert_int_equal(run(l, 1000000), LIN_YES);
	f = lin_figures(l);
	lin_free(l);
	make_free(m);
	return f;
}

/* But for some bytes an operation, that what is kept of it and of the order needs. */
static void memory_follows_concurrency_and_not_length(void **state)
{
	struct lin_figures little = figures_of(2000, false), much = figures_of(100000, false), ordered = figures_of(100000, true);

	(void)state;
	assert_in_range(much.configurations_max, 1, 4 * little.configurations_max);
	assert_in_range(much.bytes_max, 1, little.bytes_max + 98000 * 48);
	assert_in_range(ordered.bytes_max, 1, much.bytes_max + 100000 * 32);
}

/* A search that keeps all configurations never came to an end with these. */
static void what_can_be_ordered_in_many_ways_is_ordered_soon(void **state)
{
	static const struct make_settings kinds[] = {
		{ .ops = 3000, .clients = 10, .values = 5, .reads = 40, .cas = 20, .unknown = 20 },
		{ .ops = 3000, .clients = 10, .values = 8, .reads = 40, .cas = 20, .deletes = 10, .unknown = 10 },
		{ .ops = 3000, .clients = 100, .values = 0, .reads = 40, .cas = 20, .deletes = 10 },
		{ .ops = 3000, .clients = 100, .values = 0, .reads = 40, .cas = 20, .deletes = 10, .unknown = 1 },
	};
	enum { STEPS_OF_EACH = 1000 };

	(void)state;
	for (uint32_t i = 0; i < 4 * sizeof(kinds) / sizeof(*kinds); i++) {
		struct make_settings set = kinds[i / 4];
		struct make *m;
		struct lin *l;
		const uint32_t *order;
		uint32_t len;

		set.seed = 1 + i % 4;
		m = make_history(&set);
		l = lin_new(m->ops, m->count, &(struct lin_options){ .want_order = true });
		assert_int_equal(lin_run(l, set.ops * (uint64_t)STEPS_OF_EACH), LIN_YES);
		order = lin_order(l, &len);
		assert_null(rig_order_wrong(m->ops, m->count, order, len));
		lin_free(l);
		make_free(m);
	}
}

static void a_step_is_a_step(void **state)
{
	struct make *m = make_history(&(struct make_settings){ .seed = 3, .ops = 3000, .clients = 9, .values = 4, .reads = 40, .cas = 25 });
	struct lin *l = lin_new(m->ops, m->count, &(struct lin_options){ .memory_max = 0 });
	uint64_t calls = 0;

	(void)state;
	while (lin_run(l, 50) == LIN_AGAIN)
		calls++;
	assert_int_equal(lin_run(l, 50), LIN_YES);
	/* What is done in one pass over all operations is one call, whatever it costs. */
	assert_in_range(calls, lin_figures(l).steps / 50 / 2, lin_figures(l).steps / 50 + 50);
	lin_free(l);
	make_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_and_writes_take_effect_between_call_and_return),
		cmocka_unit_test(a_cas_sees_what_it_replaces),
		cmocka_unit_test(that_something_failed_is_an_observation),
		cmocka_unit_test(a_delete_finds_what_it_deletes),
		cmocka_unit_test(a_cas_that_creates_finds_the_value_or_nothing),
		cmocka_unit_test(an_unknown_outcome_is_at_any_time_or_never),
		cmocka_unit_test(a_write_of_nothing_is_a_delete_that_needs_nothing),
		cmocka_unit_test(a_contradiction_is_of_few_operations),
		cmocka_unit_test(short_histories_are_judged_as_all_orders_are),
		cmocka_unit_test(long_histories_have_certificates),
		cmocka_unit_test(memory_is_never_more_than_allowed),
		cmocka_unit_test(memory_follows_concurrency_and_not_length),
		cmocka_unit_test(what_can_be_ordered_in_many_ways_is_ordered_soon),
		cmocka_unit_test(a_step_is_a_step),
	};

	return cmocka_run_group_tests_name("lin", tests, NULL, NULL);
}
