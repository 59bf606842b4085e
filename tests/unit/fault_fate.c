/* lib/fault's fates of messages: each fault as its page says, and none that moves another one's draws. */
#include "lib/fault/fault.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define MS UINT64_C(1000000)
#define SECOND UINT64_C(1000000000)

static struct fault_link link_of(uint64_t seed)
{
	struct fault_link l;

	fault_link_init(&l, seed, "n1", 2, "n2", 2);
	return l;
}

static struct fault_fate next(struct fault_link *l, const struct fault_settings *s)
{
	struct fault_fate fate;

	fault_fate(l, s, 0, 100, &fate);
	return fate;
}

static void nothing_set_passes_everything_at_once(void **state)
{
	struct fault_link l = link_of(1);
	/* What is not in `set` means nothing. */
	struct fault_settings s = {
		.loss = { 1, 0 }, .burst = { 1, 0, 1, 1 }, .duplicate = { 1, 0 }, .delay = { .a_ns = 5 }, .corrupt = { 1, 0 },
		.truncate = { 1, 0 }, .reorder = { 1, 0 }, .reorder_ns = 5, .rate_bits = 1,
	};

	(void)state;
	for (int i = 1; i <= 100; i++) {
		struct fault_fate fate = next(&l, &s);

		assert_int_equal(fate.why, FAULT_PASSES);
		assert_int_equal(fate.copies, 1);
		assert_int_equal(fate.copy[0].delay_ns + fate.copy[0].corrupt + fate.copy[0].truncate, 0);
		assert_int_equal(l.messages, i);
	}
	assert_true(fault_settings_none(&s));
}

/* Message n of a link is lost by draw n of its stream "loss", and by nothing else. */
static void loss_is_a_function_of_seed_link_and_number(void **state)
{
	struct fault_settings s = { .set = FAULT_SET_LOSS, .loss = { 0.3, 0 } };

	(void)state;
	for (uint64_t seed = 0; seed < 50; seed++) {
		struct fault_stream stream = fault_stream(seed, "loss", "n1", 2, "n2", 2);
		struct fault_link l = link_of(seed);

		for (uint64_t n = 1; n <= 200; n++)
			assert_int_equal(next(&l, &s).why, fault_unit(stream, n) < 0.3 ? FAULT_LOSS : FAULT_PASSES);
	}
}

static void every_share_is_what_was_asked_for(void **state)
{
	enum { COUNT = 100000 };
	static const double p[] = { 0, 0.001, 0.1, 0.5, 0.9, 1 };

	(void)state;
	for (size_t i = 0; i < sizeof p / sizeof *p; i++) {
		struct fault_settings s = {
			.set = FAULT_SET_DUPLICATE | FAULT_SET_REORDER | FAULT_SET_CORRUPT | FAULT_SET_TRUNCATE,
			.duplicate = { p[i], 0 }, .reorder = { p[i], 0 }, .reorder_ns = 1000, .corrupt = { p[i], 0 }, .truncate = { p[i], 0 },
		};
		double margin = 4 * sqrt(p[i] * (1 - p[i]) * COUNT), asked = p[i] * COUNT, waits = 0;
		unsigned twice = 0, later = 0, corrupt = 0, truncated = 0;
		struct fault_link l = link_of(i);

		for (int n = 0; n < COUNT; n++) {
			struct fault_fate f = next(&l, &s);

			twice += f.copies == 2;
			later += f.copy[0].delay_ns > 0;
			corrupt += f.copy[0].corrupt != 0;
			truncated += f.copy[0].truncate != 0;
			waits += (double)f.copy[0].delay_ns;
			assert_true(f.copy[0].delay_ns <= 1000);
		}
		assert_true(fabs(twice - asked) <= margin);
		assert_true(fabs(later - asked) <= margin);
		assert_true(fabs(corrupt - asked) <= margin);
		assert_true(fabs(truncated - asked) <= margin);
		assert_true(!later || fabs(waits / later - 500.5) < 4 * 289 / sqrt(later));
	}
}

/* netem's: x' = (1 - c) u + c x.  Its variance is (1 - c) / (1 + c) of an even one's, and neighbours correlate with c. */
static void correlation_is_that_of_netem(void **state)
{
	enum { COUNT = 200000 };

	(void)state;
	for (double c = 0; c < 1; c += 0.25) {
		struct fault_settings s = {
			.set = FAULT_SET_DELAY, .delay = { FAULT_UNIFORM, 0, SECOND, 0, c },
		};
		double sum = 0, squares = 0, products = 0, before = 0;
		struct fault_link l = link_of(5);

		for (int n = 0; n < COUNT; n++) {
			double x = (double)next(&l, &s).copy[0].delay_ns / 1e9 - 0.5;

			sum += x;
			squares += x * x;
			products += x * before;
			before = x;
		}
		assert_true(fabs(sum / COUNT) < 0.003);
		assert_true(fabs(squares / COUNT - (1 - c) / (1 + c) / 12) < 0.0006);
		assert_true(fabs(products / squares - c) < 0.01);
	}
}

static void a_correlation_of_1_repeats_the_first_fate(void **state)
{
	struct fault_settings s = { .set = FAULT_SET_LOSS, .loss = { 0.5, 1 } };
	unsigned lost = 0;

	(void)state;
	for (uint64_t seed = 0; seed < 100; seed++) {
		struct fault_link l = link_of(seed);
		enum fault_why first = next(&l, &s).why;

		for (int n = 0; n < 20; n++)
			assert_int_equal(next(&l, &s).why, first);
		lost += first == FAULT_LOSS;
	}
	assert_in_range(lost, 35, 65);
}

/* Stays in the bad state 1 / r messages in the mean, in the good one 1 / p. */
static void bursts_are_as_long_as_gilbert_has_them(void **state)
{
	enum { COUNT = 200000 };
	struct fault_settings s = { .set = FAULT_SET_BURST, .burst = { .p = 0.02, .r = 0.25, .bad = 1, .good = 0 } };
	unsigned lost = 0, bursts = 0, longer[8] = { 0 }, run = 0;
	struct fault_link l = link_of(1);

	(void)state;
	for (int n = 0; n < COUNT; n++) {
		struct fault_fate f = next(&l, &s);

		if (f.why == FAULT_BURST) {
			bursts += !run++;
			lost++;
			continue;
		}
		for (unsigned k = 0; run && k < 8; k++)
			longer[k] += run > k;
		run = 0;
	}
	assert_true(fabs(lost / (double)COUNT - 0.02 / 0.27) < 0.004);
	assert_true(fabs(lost / (double)bursts - 4) < 0.15);
	/* A geometric distribution: each further message with 0.75. */
	for (unsigned k = 1; k < 8; k++)
		assert_true(fabs(longer[k] / (double)longer[k - 1] - 0.75) < 0.04);
}

static void both_states_of_a_burst_lose_their_own_share(void **state)
{
	enum { COUNT = 200000 };
	struct fault_settings s = { .set = FAULT_SET_BURST, .burst = { .p = 0.1, .r = 0.3, .bad = 0.6, .good = 0.05 } };
	unsigned lost[2] = { 0 }, count[2] = { 0 };
	struct fault_link l = link_of(2);

	(void)state;
	for (int n = 0; n < COUNT; n++) {
		enum fault_why why = next(&l, &s).why;

		count[l.bad]++;
		lost[l.bad] += why == FAULT_BURST;
	}
	assert_true(fabs(count[1] / (double)COUNT - 0.25) < 0.005);
	assert_true(fabs(lost[0] / (double)count[0] - 0.05) < 0.003);
	assert_true(fabs(lost[1] / (double)count[1] - 0.6) < 0.01);
	/* With no way into the bad state, a burst that is on ends. */
	s.burst = (struct fault_burst){ .p = 0, .r = 0, .bad = 1, .good = 0 };
	for (l.bad = true; l.messages < COUNT + 100;)
		assert_int_equal(next(&l, &s).why, FAULT_PASSES);
}

struct moments { double mean, deviation, least, most; };

static struct moments moments(const struct fault_delay *d, uint64_t seed)
{
	enum { COUNT = 200000 };
	struct fault_settings s = { .set = FAULT_SET_DELAY, .delay = *d };
	struct moments m = { .least = 1e300 };
	struct fault_link l = link_of(seed);

	for (int n = 0; n < COUNT; n++) {
		double ms = (double)next(&l, &s).copy[0].delay_ns / 1e6;

		m.mean += ms / COUNT;
		m.deviation += ms * ms / COUNT;
		m.least = fmin(m.least, ms);
		m.most = fmax(m.most, ms);
	}
	m.deviation = sqrt(m.deviation - m.mean * m.mean);
	return m;
}

static void delays_are_distributed_as_asked(void **state)
{
	struct moments m;

	(void)state;
	m = moments(&(struct fault_delay){ FAULT_CONSTANT, 20 * MS, 7 * MS, 2, 0.5 }, 1);
	assert_true(m.least == 20 && m.most == 20);
	m = moments(&(struct fault_delay){ FAULT_UNIFORM, 10 * MS, 50 * MS, 0, 0 }, 1);
	assert_true(fabs(m.mean - 30) < 0.1 && fabs(m.deviation - 40 / sqrt(12)) < 0.1 && m.least >= 10 && m.most < 50);
	m = moments(&(struct fault_delay){ FAULT_UNIFORM, 10 * MS, 5 * MS, 0, 0 }, 1);
	assert_true(m.least == 10 && m.most == 10);
	m = moments(&(struct fault_delay){ FAULT_NORMAL, 20 * MS, 4 * MS, 0, 0 }, 1);
	assert_true(fabs(m.mean - 20) < 0.04 && fabs(m.deviation - 4) < 0.03 && m.least < 5 && m.most > 35);
	/* Of 0 in the mean one half is cut off at 0: 0.39894 and 0.58382 of the deviation. */
	m = moments(&(struct fault_delay){ FAULT_NORMAL, 0, 10 * MS, 0, 0 }, 1);
	assert_true(m.least == 0 && fabs(m.mean - 3.9894) < 0.05 && fabs(m.deviation - 5.8382) < 0.05);
	m = moments(&(struct fault_delay){ FAULT_EXPONENTIAL, 20 * MS, 0, 0, 0 }, 1);
	assert_true(fabs(m.mean - 20) < 0.2 && fabs(m.deviation - 20) < 0.3);
	m = moments(&(struct fault_delay){ FAULT_PARETO, 5 * MS, 0, 3, 0 }, 1);
	assert_true(m.least >= 5 && m.least < 5.001 && fabs(m.mean - 7.5) < 0.06);
	/* However long the tail, a delay has a bound. */
	m = moments(&(struct fault_delay){ FAULT_PARETO, 3600 * SECOND, 0, 0.1, 0 }, 1);
	assert_true(m.most == (double)FAULT_DELAY_NS_MAX / 1e6);
}

static void the_tails_fall_as_they_should(void **state)
{
	enum { COUNT = 200000 };
	struct fault_settings pareto = { .set = FAULT_SET_DELAY, .delay = { FAULT_PARETO, MS, 0, 2, 0 } };
	struct fault_settings exponential = { .set = FAULT_SET_DELAY, .delay = { FAULT_EXPONENTIAL, MS, 0, 0, 0 } };
	struct fault_link a = link_of(1), b = link_of(2);
	unsigned over[2][6] = { { 0 } };

	(void)state;
	for (int n = 0; n < COUNT; n++) {
		double x = (double)next(&a, &pareto).copy[0].delay_ns / 1e6, y = (double)next(&b, &exponential).copy[0].delay_ns / 1e6;

		for (int k = 1; k < 6; k++) {
			over[0][k] += x > k;
			over[1][k] += y > k;
		}
	}
	for (int k = 1; k < 6; k++) {
		assert_true(fabs(over[0][k] / (double)COUNT - pow(k, -2)) < 0.005);
		assert_true(fabs(over[1][k] / (double)COUNT - exp(-k)) < 0.005);
	}
}

/* --- The rate --- */

static struct fault_fate sent(struct fault_link *l, const struct fault_settings *s, uint64_t now_ns, size_t bytes)
{
	struct fault_fate fate;

	fault_fate(l, s, now_ns, bytes, &fate);
	return fate;
}

static void a_rate_lets_messages_go_one_after_the_other(void **state)
{
	/* A byte a microsecond; 1000 may wait. */
	struct fault_settings s = { .set = FAULT_SET_RATE, .rate_bits = 8000000, .queue_bytes = 1000 };
	struct fault_link l = link_of(1);
	uint64_t lost = 0;

	(void)state;
	for (uint64_t n = 1; n <= 10; n++)
		assert_int_equal(sent(&l, &s, 0, 100).copy[0].delay_ns, n * 100000);
	assert_int_equal(sent(&l, &s, 0, 1).why, FAULT_RATE);
	/* What was lost took no time; half a message later there is room for half a one. */
	assert_int_equal(sent(&l, &s, 50000, 51).why, FAULT_RATE);
	assert_int_equal(sent(&l, &s, 50000, 50).copy[0].delay_ns, 1000000);
	/* A free link takes what is larger than its queue. */
	assert_int_equal(sent(&l, &s, SECOND, 5000).copy[0].delay_ns, 5000000);
	assert_int_equal(sent(&l, &s, SECOND, 1).why, FAULT_RATE);
	assert_int_equal(sent(&l, &s, SECOND + 4100000, 100).copy[0].delay_ns, 1000000);
	/* In the long run just the rate passes. */
	l = link_of(2);
	for (uint64_t n = 0; n < 20000; n++)
		lost += sent(&l, &s, n * 50000, 100).why == FAULT_RATE;
	assert_in_range(lost, 9980, 10000);
	s.queue_bytes = 0;
	l = link_of(3);
	for (uint64_t n = 1; n <= 100000; n++)
		assert_int_equal(sent(&l, &s, 0, 100).copy[0].delay_ns, n * 100000);
}

static void a_slow_rate_and_a_long_line_do_not_overflow(void **state)
{
	struct fault_settings s = { .set = FAULT_SET_RATE, .rate_bits = 1, .queue_bytes = 0 };
	struct fault_link l = link_of(1);

	(void)state;
	assert_int_equal(sent(&l, &s, 0, SIZE_MAX).copy[0].delay_ns, FAULT_DELAY_NS_MAX);
	assert_int_equal(sent(&l, &s, 0, SIZE_MAX).copy[0].delay_ns, 2 * FAULT_DELAY_NS_MAX);
	s.rate_bits = UINT64_MAX;
	assert_int_equal(sent(&l, &s, 2 * FAULT_DELAY_NS_MAX, 1).copy[0].delay_ns, 0);
}

static void a_lost_message_takes_no_rate_and_a_second_copy_does(void **state)
{
	struct fault_settings s = {
		.set = FAULT_SET_RATE | FAULT_SET_LOSS | FAULT_SET_DUPLICATE, .rate_bits = 8000000, .loss = { 1, 0 }, .duplicate = { 1, 0 },
	};
	struct fault_link l = link_of(1);
	struct fault_fate f = sent(&l, &s, 0, 100);

	(void)state;
	assert_int_equal(f.why, FAULT_LOSS);
	s.loss.p = 0;
	f = sent(&l, &s, 0, 100);
	assert_int_equal(f.copies, 2);
	assert_int_equal(f.copy[0].delay_ns, 100000);
	assert_int_equal(f.copy[1].delay_ns, 200000);
	/* No room for a second one: then there is none. */
	s.queue_bytes = 250;
	f = sent(&l, &s, 100000, 100);
	assert_int_equal(f.why, FAULT_PASSES);
	assert_int_equal(f.copies, 1);
	assert_int_equal(f.copy[0].delay_ns, 200000);
}

/* --- Together --- */

static const struct fault_settings every = {
	.set = FAULT_SET_ALL & ~FAULT_SET_RATE,
	.loss = { 0.2, 0.5 }, .burst = { 0.1, 0.3, 0.9, 0.01 }, .duplicate = { 0.3, 0.2 },
	.delay = { FAULT_NORMAL, 20 * MS, 5 * MS, 0, 0.5 }, .reorder = { 0.2, 0.1 }, .reorder_ns = 3 * MS,
	.corrupt = { 0.2, 0.1 }, .truncate = { 0.2, 0.3 },
};

/* Each fault alone befalls the messages that it befalls among all others; as with correlation, so without. */
static void no_fault_moves_another_ones_draws(void **state)
{
	static const unsigned alone[] = {
		FAULT_SET_LOSS, FAULT_SET_BURST, FAULT_SET_DUPLICATE, FAULT_SET_CORRUPT, FAULT_SET_TRUNCATE, FAULT_SET_DELAY | FAULT_SET_REORDER,
	};

	(void)state;
	for (size_t i = 0; i < sizeof alone / sizeof *alone; i++) {
		struct fault_settings s = every;
		struct fault_link a = link_of(i), b = link_of(i);

		s.set = alone[i];
		for (int n = 0; n < 2000; n++) {
			struct fault_fate all = next(&a, &every), one = next(&b, &s);

			if (alone[i] == FAULT_SET_LOSS)
				assert_int_equal(one.why == FAULT_LOSS, all.why == FAULT_LOSS);
			else if (all.why != FAULT_PASSES)
				assert_true(alone[i] != FAULT_SET_BURST || all.why == FAULT_LOSS || one.why == FAULT_BURST);
			else if (alone[i] == FAULT_SET_BURST)
				assert_int_equal(one.why, FAULT_PASSES);
			else if (alone[i] == FAULT_SET_DUPLICATE)
				assert_int_equal(one.copies, all.copies);
			else if (alone[i] == FAULT_SET_CORRUPT)
				assert_int_equal(one.copy[0].corrupt, all.copy[0].corrupt);
			else if (alone[i] == FAULT_SET_TRUNCATE)
				assert_int_equal(one.copy[0].truncate, all.copy[0].truncate);
			else
				assert_int_equal(one.copy[0].delay_ns, all.copy[0].delay_ns);
		}
	}
}

static void a_second_copy_has_draws_of_its_own(void **state)
{
	struct fault_link l = link_of(1);
	unsigned copies = 0, delay = 0, corrupt = 0, truncate = 0;

	(void)state;
	while (copies < 1000) {
		struct fault_fate f = next(&l, &every);

		if (f.why != FAULT_PASSES || f.copies == 1)
			continue;
		copies++;
		delay += f.copy[0].delay_ns == f.copy[1].delay_ns;
		corrupt += !f.copy[0].corrupt != !f.copy[1].corrupt;
		truncate += !f.copy[0].truncate != !f.copy[1].truncate;
	}
	assert_int_equal(delay, 0);
	assert_in_range(corrupt, 200, 400);
	assert_in_range(truncate, 100, 400);
}

static void links_are_apart(void **state)
{
	struct fault_link a, b, c;
	unsigned same[2] = { 0 };

	(void)state;
	fault_link_init(&a, 1, "n1", 2, "n2", 2);
	fault_link_init(&b, 1, "n2", 2, "n1", 2);
	fault_link_init(&c, 2, "n1", 2, "n2", 2);
	for (int n = 0; n < 1000; n++) {
		uint64_t delay = next(&a, &every).copy[0].delay_ns;

		same[0] += delay == next(&b, &every).copy[0].delay_ns;
		same[1] += delay == next(&c, &every).copy[0].delay_ns;
	}
	assert_int_equal(same[0] + same[1], 0);
}

/* As of draws: a seed means the same fates for ever. */
static void fates_are_known_for_ever(void **state)
{
	uint64_t hash = 0;

	(void)state;
	for (uint64_t seed = 0; seed < 20; seed++) {
		struct fault_link l = link_of(seed);

		for (int n = 0; n < 100; n++) {
			struct fault_settings s = every;
			struct fault_fate f;

			s.delay.distribution = (enum fault_distribution)(n % (FAULT_PARETO + 1));
			s.delay.shape = 1.5;
			s.set |= n % 3 ? 0 : FAULT_SET_RATE;
			s.rate_bits = 1000000;
			fault_fate(&l, &s, (uint64_t)n * 1000, (size_t)n, &f);
			hash = hash * 31 + f.why;
			for (unsigned k = 0; f.why == FAULT_PASSES && k < f.copies; k++)
				hash = ((hash * 31 + f.copy[k].delay_ns) * 31 + f.copy[k].corrupt) * 31 + f.copy[k].truncate;
		}
	}
	assert_int_equal(hash, UINT64_C(0xd1eba3e65412536c));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_set_passes_everything_at_once),
		cmocka_unit_test(loss_is_a_function_of_seed_link_and_number),
		cmocka_unit_test(every_share_is_what_was_asked_for),
		cmocka_unit_test(correlation_is_that_of_netem),
		cmocka_unit_test(a_correlation_of_1_repeats_the_first_fate),
		cmocka_unit_test(bursts_are_as_long_as_gilbert_has_them),
		cmocka_unit_test(both_states_of_a_burst_lose_their_own_share),
		cmocka_unit_test(delays_are_distributed_as_asked),
		cmocka_unit_test(the_tails_fall_as_they_should),
		cmocka_unit_test(a_rate_lets_messages_go_one_after_the_other),
		cmocka_unit_test(a_slow_rate_and_a_long_line_do_not_overflow),
		cmocka_unit_test(a_lost_message_takes_no_rate_and_a_second_copy_does),
		cmocka_unit_test(no_fault_moves_another_ones_draws),
		cmocka_unit_test(a_second_copy_has_draws_of_its_own),
		cmocka_unit_test(links_are_apart),
		cmocka_unit_test(fates_are_known_for_ever),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
