/* lib/serial: each anomaly by hand, of lists and of registers; what is not one; limits. */
#include "tests/unit/serial_text.h"

enum { STEPS_BYTES = 400 };

static enum serial_state run(struct serial *s)
{
	enum serial_state state;

	do
		state = serial_run(s, 20);
	while (state == SERIAL_AGAIN);
	return state;
}

static enum serial_state contradict(struct serial *s)
{
	enum serial_state state;

	do
		state = serial_contradict(s, 20);
	while (state == SERIAL_AGAIN);
	return state;
}

/* It is serializable, and in this order ("" for any). */
static void assert_serializable(const char *text, const char *order)
{
	struct serial_options options = { 0 };
	struct model h;
	struct serial *s;
	const uint32_t *got;
	char written[64] = "";
	uint32_t count;

	text_history(&h, text);
	assert_true(model_serializable(&h, (1u << h.count) - 1));
	s = serial_new(h.txn, h.count, &options);
	assert_non_null(s);
	assert_int_equal(run(s), SERIAL_YES);
	got = serial_order(s, &count);
	assert_true(model_order_holds(&h, got, count));
	for (uint32_t i = 0; i < count; i++)
		snprintf(written + strlen(written), sizeof(written) - strlen(written), "%sT%u", i ? " " : "", got[i]);
	if (*order)
		assert_string_equal(written, order);
	serial_free(s);
}

/* It is not, and this is why. */
static void assert_anomaly(const char *text, const char *name, const char *steps)
{
	struct serial_options options = { 0 };
	struct model h;
	struct serial *s;
	const struct serial_step *step;
	const uint32_t *member;
	char written[STEPS_BYTES];
	uint32_t count, members;

	text_history(&h, text);
	assert_false(model_serializable(&h, (1u << h.count) - 1));
	s = serial_new(h.txn, h.count, &options);
	assert_non_null(s);
	assert_int_equal(run(s), SERIAL_NO);
	assert_int_equal(contradict(s), SERIAL_NO);
	step = serial_contradiction(s, &count);
	text_steps(step, count, written, sizeof(written));
	assert_string_equal(written, steps);
	assert_string_equal(serial_anomaly(step, count), name);
	member = serial_members(s, &members);
	assert_true(model_members_hold(&h, member, members, step, count));
	assert_true(model_cycle_holds(&h, step, count));
	/* Once found it stays. */
	assert_int_equal(serial_run(s, 1), SERIAL_NO);
	assert_int_equal(contradict(s), SERIAL_NO);
	serial_free(s);
}

/* --- Lists --- */

static void of_lists_cycles_have_the_names_of_their_steps(void **state)
{
	(void)state;
	assert_anomaly("1-4 a x 1, a y 1\n" "2-5 a x 2, a y 2\n" "3-6 l x 1.2, l y 2.1\n",
		       "G0", "T0 ww x 2, T1 ww y 1");
	assert_anomaly("1-3 a x 1, l y 1\n" "2-4 a y 1, l x 1\n", "G1c", "T0 wr x 1, T1 wr y 1");
	assert_anomaly("1-3 a x 1, a y 1\n" "2-4 l x -, l y 1\n", "G-single", "T0 wr y 1, T1 rw x 1");
	/* Write skew. */
	assert_anomaly("1-3 l x -, a y 1\n" "2-4 l y -, a x 1\n", "G2", "T0 rw x 1, T1 rw y 1");
	/* Lost update: both saw the same, and both appended. */
	assert_anomaly("1-3 l x -, a x 1\n" "2-4 l x -, a x 2\n", "G-single", "T0 rw x 2, T1 ww x 1");
}

static void of_lists_cycles_with_real_time_say_so(void **state)
{
	(void)state;
	assert_anomaly("1-2 a x 1\n" "3-4 a x 2\n" "5-6 l x 2.1\n", "G0-realtime", "T0 rt, T1 ww x 1");
	assert_anomaly("1-2 l x 1\n" "3-4 a x 1\n", "G1c-realtime", "T0 rt, T1 wr x 1");
	/* A stale read. */
	assert_anomaly("1-2 a x 1\n" "3-4 l x -\n", "G-single-realtime", "T0 rt, T1 rw x 1");
	assert_anomaly("1-2 a x 1\n" "3-4 a x 2\n" "5-6 l x 1\n", "G-single-realtime", "T1 rt, T2 rw x 2");
	assert_anomaly("1-10 a x 1\n" "2-9 l x 1, l y -\n" "3-4 a y 1\n" "5-6 l x -\n",
		       "G2-realtime", "T0 wr x 1, T1 rw y 1, T2 rt, T3 rw x 1");
}

static void of_lists_what_was_seen_may_be_what_cannot_be(void **state)
{
	(void)state;
	assert_anomaly("1-2 a x 1\n" "3-4 l x 1.9\n", "G1a", "T1 saw-nothing-written x 9");
	assert_anomaly("1-4 a x 1, a x 2\n" "2-3 l x 1\n", "G1b", "T1 saw-midst x 1, T0 was-seen x 2");
	assert_anomaly("1-2 a x 1\n" "3-4 l x 1.1\n", "duplicate-elements", "T1 saw-twice x 1");
	assert_anomaly("1-5 a x 1\n" "2-6 a x 2\n" "3-7 l x 1\n" "4-8 l x 2\n",
		       "incompatible-order", "T2 saw-other-order x 1, T3 was-seen x 2");
	assert_anomaly("1-2 a x 1, a x 2\n" "3-4 l x 2.1\n", "incompatible-order", "T1 saw-other-order x 2, T0 was-seen x 1");
	assert_anomaly("1-2 a x 1, a x 2\n" "3-4 l x 2\n", "incompatible-order", "T1 saw-other-order x 2, T0 was-seen x 1");
	assert_anomaly("1-2 l x 1, a x 1\n", "future-read", "T0 saw-its-future x 1");
	assert_anomaly("1-2 a x 1, l x -\n", "internal", "T0 missed-its-own x 1");
	assert_anomaly("1-2 a x 1, a x 2, l x 2.1\n", "internal", "T0 missed-its-own x 1");
}

static void of_lists_two_reads_in_one_transaction_are_of_one_version(void **state)
{
	(void)state;
	assert_anomaly("1-4 l x -, l x 1\n" "2-3 a x 1\n", "G-single", "T0 rw x 1, T1 wr x 1");
	assert_serializable("1-4 l x 1, l x 1, a x 2, l x 1.2\n" "2-3 a x 1\n", "T1 T0");
}

static void of_lists_what_was_never_seen_comes_after_what_was(void **state)
{
	(void)state;
	assert_serializable("1-2 a x 1\n" "3-9 a x 2\n" "4-8 a x 3\n" "5-6 l x 1\n", "");
	/* The first that is not seen is of who saw all the others. */
	assert_serializable("1-9 a x 2\n" "2-8 l x -, a x 1\n" "3-4 l x -\n", "T2 T1 T0");
	assert_serializable("", "");
	assert_serializable("1-2 l x -\n", "T0");
	/* A part that was not seen comes after all that was; and who saw the others saw the midst. */
	assert_anomaly("1-5 a x 1, a x 3\n" "2-6 a x 2\n" "3-4 l x 1.2\n", "G1b", "T2 saw-midst x 1, T0 was-seen x 3");
}

static void of_lists_an_unknown_outcome_is_what_was_seen_of_it(void **state)
{
	(void)state;
	assert_serializable("1-? a x 1, a y 1\n" "2-3 l x -\n", "T1");
	assert_serializable("1-? a x 1, a y 1\n" "2-3 l x -\n" "4-5 l x 1, l y 1\n", "T1 T0 T2");
	assert_anomaly("1-? a x 1, a y 1\n" "2-3 l x 1\n" "4-5 l y -\n", "G-single-realtime", "T0 wr x 1, T1 rt, T2 rw y 1");
	assert_anomaly("1-2 l x 1\n" "3-? a x 1\n", "G1c-realtime", "T0 rt, T1 wr x 1");
}

static void of_several_cycles_the_plainest_is_shown(void **state)
{
	(void)state;
	assert_anomaly("1-11 a x 1, l y 1\n" "2-12 a y 1, l x 1\n" "3-13 a w 1, a z 1\n" "4-14 a w 2, a z 2\n" "5-15 l w 1.2, l z 2.1\n",
		       "G0", "T2 ww w 2, T3 ww z 1");
	assert_anomaly("1-11 l x -, a y 1\n" "2-12 l y -, a x 1\n" "3-13 a w 1, a z 1\n" "4-14 l z 1\n" "15-16 l w -\n",
		       "G2", "T0 rw x 1, T1 rw y 1");
	assert_anomaly("1-11 l x -, a y 1\n" "2-12 l y -, a x 1\n" "3-13 a w 1\n" "4-14 l w 1, a z 1\n" "5-15 l z 1, l w -\n",
		       "G-single", "T2 wr w 1, T3 wr z 1, T4 rw w 1");
}

/* --- Registers --- */

static void of_registers_cycles_have_the_names_of_their_steps(void **state)
{
	(void)state;
	/* The last of x is 1 and that of y is 2, so each transaction overwrote the other's. */
	assert_anomaly("1-3 w x 1, w y 1\n" "2-4 w x 2, w y 2\n" "5-6 r x 1, r y 2\n",
		       "G0", "T0 ww y 2, T1 ww x 1");
	/* As they replaced what they read. */
	assert_anomaly("1-7 w x 1, r y 2, w y 1\n" "2-6 r x 1, w x 2, w y 2\n", "G0", "T0 ww x 2, T1 ww y 1");
	assert_anomaly("1-3 w x 1, r y 1\n" "2-4 w y 1, r x 1\n", "G1c", "T0 wr x 1, T1 wr y 1");
	assert_anomaly("1-3 w x 1, w y 1\n" "2-4 r x -, r y 1\n", "G-single", "T0 wr y 1, T1 rw x 1");
	assert_anomaly("1-3 r x -, w y 1\n" "2-4 r y -, w x 1\n", "G2", "T0 rw x 1, T1 rw y 1");
	assert_anomaly("1-3 r x -, w x 1\n" "2-4 r x -, w x 2\n", "G-single", "T0 rw x 2, T1 ww x 1");
}

static void of_registers_cycles_with_real_time_say_so(void **state)
{
	(void)state;
	assert_anomaly("1-2 r x 1\n" "3-4 w x 1\n", "G1c-realtime", "T0 rt, T1 wr x 1");
	assert_anomaly("1-2 w x 1\n" "3-4 r x -\n", "G-single-realtime", "T0 rt, T1 rw x 1");
	assert_anomaly("1-2 w x 1\n" "3-4 w x 2\n" "5-6 r x 1\n", "G-single-realtime", "T1 rt, T2 rw x 2");
	assert_anomaly("1-2 r x 2, w x 1\n" "3-4 w x 2\n", "G0-realtime", "T0 rt, T1 ww x 1");
	assert_anomaly("1-10 w x 1\n" "2-9 r x 1, r y -\n" "3-4 w y 1\n" "5-6 r x -\n",
		       "G2-realtime", "T0 wr x 1, T1 rw y 1, T2 rt, T3 rw x 1");
}

static void of_registers_what_was_seen_may_be_what_cannot_be(void **state)
{
	(void)state;
	assert_anomaly("1-2 w x 1\n" "3-4 r x 9\n", "G1a", "T1 saw-nothing-written x 9");
	assert_anomaly("1-4 w x 1, w x 2\n" "2-3 r x 1\n", "G1b", "T1 saw-midst x 1, T0 was-seen x 1");
	assert_anomaly("1-2 r x 1, w x 1\n", "future-read", "T0 saw-its-future x 1");
	assert_anomaly("1-2 r x 1, w x 1, w x 2\n", "future-read", "T0 saw-its-future x 1");
	assert_anomaly("1-2 w x 1, r x -\n", "internal", "T0 missed-its-own x 0");
	assert_anomaly("1-2 o x -\n", "G1a", "T0 saw-nothing-written x 0");
}

static void of_registers_the_order_of_versions_is_found(void **state)
{
	(void)state;
	assert_serializable("1-8 w x 1\n" "2-7 w x 2\n" "3-4 r x 2\n" "5-6 r x 1\n", "T1 T2 T0 T3");
	assert_serializable("1-8 w x 1, w y 1\n" "2-7 w x 2, w y 2\n" "3-4 r x 2\n" "5-6 r y 1\n", "T1 T2 T0 T3");
	assert_anomaly("1-8 w x 1, w y 1\n" "2-7 w x 2, w y 2\n" "3-4 r x 2\n" "5-6 r x 1\n" "9-10 r y 2\n",
		       "G0", "T0 ww y 2, T1 ww x 1");
}

static void of_registers_an_unknown_outcome_happened_if_it_must_have(void **state)
{
	(void)state;
	assert_serializable("1-? w x 1\n" "2-3 r x -\n", "T1");
	assert_serializable("1-? w x 1, w y 1\n" "2-3 r x -\n" "4-5 r y 1\n", "T1 T0 T2");
	assert_anomaly("1-? w x 1, w y 1\n" "2-3 r x 1\n" "4-5 r y -\n", "G-single-realtime", "T0 wr x 1, T1 rt, T2 rw y 1");
	/* One that is not needed stands anywhere, but not in the order. */
	assert_serializable("1-? w x 1\n" "3-4 o x -, w x -\n" "2-8 w x 3\n" "6-9 r x 3\n" "7-? m x 2, w x 3\n", "");
	/* What another outcome makes of it: 1 was overwritten, by whom but the unknown. */
	assert_serializable("1-2 w x 1\n" "3-? w x 2\n" "4-5 o x 1\n", "T0 T1 T2");
	/* Either of two would do, and one is enough. */
	assert_serializable("1-2 w x 1\n" "3-? w x 2\n" "4-? w x 3\n" "5-6 o x 1\n", "T0 T2 T3");
	/* An unknown cas has not happened where it cannot have: from 5 to 2. */
	assert_anomaly("1-2 w x 1\n" "3-? r x 5, w x 2\n" "4-5 o x 1\n", "G1a", "T1 saw-nothing-written x 5");
	assert_serializable("1-2 w x 1\n" "3-? r x 1, w x 2\n" "4-? r x 2, w x 3\n" "5-6 o x 1\n" "7-8 r x 3\n", "");
}

static void of_registers_a_value_may_have_many_writers(void **state)
{
	(void)state;
	assert_serializable("1-2 w x 1\n" "3-4 w x 2\n" "5-6 w x 1\n" "7-8 r x 1\n", "T0 T1 T2 T3");
	assert_anomaly("1-2 w x 1\n" "3-4 w x 2\n" "5-6 w x 1\n" "7-8 r x 2\n", "G-single-realtime", "T2 rt, T3 rw x 1");
	/* Deleted once, missing twice. */
	assert_serializable("1-2 w x 1\n" "3-4 o x -, w x -\n" "5-6 r x -\n" "7-8 w x 2\n" "9-10 o x 1\n", "T0 T1 T2 T3 T4");
	/* Two wrote, and three deleted what was there. */
	assert_anomaly("1-6 w x 1\n" "2-7 w x 1\n" "3-8 o x -, w x -\n" "4-9 o x -, w x -\n" "5-10 o x -, w x -\n",
		       "no-order", "T0 no-order, T1 no-order, T2 no-order, T3 no-order, T4 no-order");
	/* cas from 1 or missing. */
	assert_serializable("1-2 m x 1, w x 1\n" "3-4 m x 1, w x 2\n" "5-6 o x 1\n", "T0 T1 T2");
	assert_anomaly("1-2 m x 1, w x 2\n" "3-4 m x 1, w x 3\n", "G-single", "T0 rw x 3, T1 ww x 2");
}

/* --- Limits --- */

static const char *const examples[] = {
	"1-4 a x 1, a y 1\n" "2-5 a x 2, a y 2\n" "3-6 l x 1.2, l y 2.1\n",
	"1-9 a x 2\n" "2-8 l x -, a x 1\n" "3-4 l x -\n",
	"1-8 w x 1, w y 1\n" "2-7 w x 2, w y 2\n" "3-4 r x 2\n" "5-6 r x 1\n" "9-10 r y 2\n",
	"1-2 w x 1\n" "3-? r x 1, w x 2\n" "4-? r x 2, w x 3\n" "5-6 o x 1\n" "7-8 r x 3\n",
	"1-6 w x 1\n" "2-7 w x 1\n" "3-8 o x -, w x -\n" "4-9 o x -, w x -\n" "5-10 o x -, w x -\n",
};

/* How it ends with so much; SERIAL_AGAIN if it does not begin. */
static enum serial_state within(const struct model *h, size_t memory_max, size_t *used)
{
	struct serial_options options = { .memory_max = memory_max };
	struct serial *s = serial_new(h->txn, h->count, &options);
	enum serial_state state;

	if (!s)
		return SERIAL_AGAIN;
	state = run(s);
	if (state == SERIAL_NO)
		state = contradict(s);
	*used = serial_figures(s).bytes_max;
	serial_free(s);
	return state;
}

static void whatever_the_limit_it_is_kept_and_the_answer_is_never_another(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(examples) / sizeof(*examples); i++) {
		struct model h;
		size_t used = 0, enough;
		enum serial_state expected, got = SERIAL_AGAIN;

		text_history(&h, examples[i]);
		expected = within(&h, 0, &enough);
		assert_true(expected == SERIAL_YES || expected == SERIAL_NO);
		for (size_t max = 1; max < enough; max += 40) {
			got = within(&h, max, &used);
			assert_true(got == SERIAL_AGAIN || (used <= max && (got == SERIAL_NO_MEMORY || got == expected)));
		}
		assert_int_equal(within(&h, enough, &used), expected);
		assert_int_equal(within(&h, 1, &used), SERIAL_AGAIN);
		assert_int_equal(within(&h, enough / 2, &used), SERIAL_NO_MEMORY);
	}
}

static void a_step_is_a_step(void **state)
{
	struct serial_options options = { 0 };
	struct model h;
	struct serial *s;
	uint32_t calls = 0;

	(void)state;
	text_history(&h, examples[4]);
	s = serial_new(h.txn, h.count, &options);
	assert_non_null(s);
	assert_int_equal(serial_run(s, 0), SERIAL_AGAIN);
	while (serial_run(s, 1) == SERIAL_AGAIN)
		calls++;
	assert_true(calls > 10);
	assert_true(serial_figures(s).steps >= calls);
	serial_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(of_lists_cycles_have_the_names_of_their_steps),
		cmocka_unit_test(of_lists_cycles_with_real_time_say_so),
		cmocka_unit_test(of_lists_what_was_seen_may_be_what_cannot_be),
		cmocka_unit_test(of_lists_two_reads_in_one_transaction_are_of_one_version),
		cmocka_unit_test(of_lists_what_was_never_seen_comes_after_what_was),
		cmocka_unit_test(of_lists_an_unknown_outcome_is_what_was_seen_of_it),
		cmocka_unit_test(of_several_cycles_the_plainest_is_shown),
		cmocka_unit_test(of_registers_cycles_have_the_names_of_their_steps),
		cmocka_unit_test(of_registers_cycles_with_real_time_say_so),
		cmocka_unit_test(of_registers_what_was_seen_may_be_what_cannot_be),
		cmocka_unit_test(of_registers_the_order_of_versions_is_found),
		cmocka_unit_test(of_registers_an_unknown_outcome_happened_if_it_must_have),
		cmocka_unit_test(of_registers_a_value_may_have_many_writers),
		cmocka_unit_test(whatever_the_limit_it_is_kept_and_the_answer_is_never_another),
		cmocka_unit_test(a_step_is_a_step),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
