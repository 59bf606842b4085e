/*
 * lib/fault's nemesis: its times, kinds and targets; that nothing else moves it; and that what was told is a plan of the
 * same faults.
 */
#include "tests/unit/fault_rig.h"

enum { SEEDS = 100 };

/* What is told is copied together. */
struct story { struct fault_order *order; size_t count, room; };

static void tell(struct story *s, const struct fault_out *out)
{
	for (size_t i = 0; i < out->count; i++) {
		if (s->count == s->room) {
			s->room = 2 * s->room + 64;
			s->order = realloc(s->order, s->room * sizeof *s->order);
			assert_non_null(s->order);
		}
		assert_true(fault_order_copy(&s->order[s->count++], &out->orders[i]));
	}
}

static void forget(struct story *s)
{
	for (size_t i = 0; i < s->count; i++)
		fault_order_release(&s->order[i]);
	free(s->order);
	*s = (struct story){ 0 };
}

static const char *text_of(const struct story *s)
{
	return rig_text(&(struct fault_out){ s->order, s->count });
}

/* The nemesis alone, until a time. */
static struct story strikes(const struct fault_options *o, uint64_t until_ns)
{
	struct fault_net *net = rig_new(o);
	struct story s = { 0 };

	for (uint64_t at; (at = fault_net_deadline(net)) <= until_ns;) {
		struct fault_out out = rig_advance(net, at);

		assert_true(out.count > 0 || fault_net_deadline(net) > at);
		tell(&s, &out);
	}
	fault_net_free(net);
	return s;
}

static struct fault_options nemesis_options(size_t nodes, unsigned kinds, uint64_t seed)
{
	struct fault_options o = rig_options(nodes);

	o.seed = seed;
	o.nemesis = kinds;
	o.every_ns = 10 * SECOND;
	return o;
}

static void its_strikes_are_so_far_apart_in_the_mean(void **state)
{
	double sum = 0;
	size_t count = 0;

	(void)state;
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		struct fault_options o = nemesis_options(5, FAULT_NEMESIS_PARTITION, seed);
		struct story s = strikes(&o, 1000 * SECOND);
		uint64_t before = 0;

		for (size_t i = 0; i < s.count; i++) {
			uint64_t gap = s.order[i].at_ns - before;

			if (s.order[i].ends)
				continue;
			assert_true(gap >= 5 * SECOND && gap <= 15 * SECOND);
			before = s.order[i].at_ns;
			sum += (double)gap / 1e9;
			count++;
		}
		forget(&s);
	}
	assert_true(fabs(sum / (double)count - 10) < 0.1);
}

/* Each kind is as frequent as any other, lasts 0.2 .. 0.8 of the mean distance, and is over before the next of its kind. */
static void kinds_are_even_and_none_overlaps_itself(void **state)
{
	static const unsigned bits[] = { FAULT_NEMESIS_PARTITION, FAULT_NEMESIS_CRASH, FAULT_NEMESIS_PAUSE, FAULT_NEMESIS_LOSS };
	static const enum fault_kind kind[] = { FAULT_ORDER_PARTITION, FAULT_ORDER_CRASH, FAULT_ORDER_PAUSE, FAULT_ORDER_LINK };
	unsigned count[4] = { 0 }, overlaps = 0;

	(void)state;
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		struct fault_options o = nemesis_options(5, bits[0] | bits[1] | bits[2] | bits[3], seed);
		struct story s = strikes(&o, 1000 * SECOND);
		uint64_t end[4] = { 0 }, last_end = 0;

		for (size_t i = 0; i < s.count; i++) {
			const struct fault_order *f = &s.order[i];

			for (int k = 0; k < 4 && !f->ends; k++) {
				if (f->kind != kind[k])
					continue;
				count[k]++;
				assert_true(f->for_ns >= 2 * SECOND && f->for_ns <= 8 * SECOND);
				assert_true(f->at_ns >= end[k]);
				overlaps += f->at_ns < last_end;
				end[k] = last_end = f->at_ns + f->for_ns;
			}
		}
		forget(&s);
	}
	for (int k = 0; k < 4; k++)
		assert_in_range(count[k], 2250, 2700);
	assert_in_range(overlaps, 200, 2000);
}

static int names(const char *nodes)
{
	int count = 1;

	for (; *nodes; nodes++)
		count += *nodes == ',';
	return count;
}

static void it_crashes_a_minority_unless_it_is_let_crash_all(void **state)
{
	(void)state;
	for (size_t nodes = 1; nodes <= 7; nodes++) {
		int minority = nodes < 3 ? 1 : (int)(nodes - 1) / 2, most = 0;

		for (uint64_t seed = 0; seed < 20; seed++) {
			struct fault_options o = nemesis_options(nodes, FAULT_NEMESIS_CRASH | FAULT_NEMESIS_PAUSE, seed);
			struct story s = strikes(&o, 1000 * SECOND);

			assert_true(s.count > 100);
			for (size_t i = 0; i < s.count; i++) {
				assert_true(names(s.order[i].nodes) <= minority);
				if (names(s.order[i].nodes) > most)
					most = names(s.order[i].nodes);
			}
			forget(&s);
			o.nemesis = FAULT_NEMESIS_CRASH_ALL;
			s = strikes(&o, 1000 * SECOND);
			for (size_t i = 0; i < s.count; i++)
				assert_int_equal(names(s.order[i].nodes), nodes);
			forget(&s);
		}
		assert_int_equal(most, minority < 2 ? minority : 2);
	}
}

/* It does not crash who is down already, nor pause who is down or paused. */
static void it_leaves_those_alone_on_whom_it_would_not_tell(void **state)
{
	struct fault_order plan[] = { rig_of(FAULT_ORDER_CRASH, "n1", 0, 0), rig_of(FAULT_ORDER_PAUSE, "n2", 0, 0) };

	(void)state;
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		struct fault_options o = nemesis_options(5, FAULT_NEMESIS_CRASH | FAULT_NEMESIS_CRASH_ALL | FAULT_NEMESIS_PAUSE, seed);
		bool paused = true;
		struct story s;

		o.orders = plan;
		o.order_count = 2;
		s = strikes(&o, 500 * SECOND);
		for (size_t i = 2; i < s.count; i++) {
			const char *nodes = s.order[i].nodes;

			assert_null(strstr(nodes, "n1"));
			if (s.order[i].kind == FAULT_ORDER_PAUSE && !s.order[i].ends)
				assert_true(!paused || !strstr(nodes, "n2"));
			paused &= s.order[i].kind != FAULT_ORDER_CRASH || !strstr(nodes, "n2");
		}
		forget(&s);
	}
}

/* Peers are cut off and their links are bad, but their processes are no business of this host. */
static void peers_are_targets_of_network_faults_alone(void **state)
{
	unsigned peers = 0;

	(void)state;
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		struct fault_options o = nemesis_options(5, FAULT_NEMESIS_ALL, seed);
		struct story s;

		o.local_count = 2;
		s = strikes(&o, 500 * SECOND);
		for (size_t i = 0; i < s.count; i++) {
			const char *nodes = s.order[i].nodes;
			bool peer = nodes && strpbrk(nodes, "345");

			assert_true(!peer || s.order[i].kind < FAULT_ORDER_CRASH);
			peers += peer;
		}
		forget(&s);
		o.local_count = 0;
		s = strikes(&o, 100 * SECOND);
		for (size_t i = 0; i < s.count; i++)
			assert_true(s.order[i].kind < FAULT_ORDER_CRASH);
		forget(&s);
	}
	assert_true(peers > 1000);
}

/* Which shapes, ways, links and strengths there are, over many seeds. */
static void its_faults_are_of_every_shape_and_strength(void **state)
{
	unsigned shapes[3][FAULT_SHAPES][2] = { { { 0 } } }, both = 0, sent = 0, heard = 0, one = 0, ahead = 0, behind = 0, drifts = 0;

	(void)state;
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		struct fault_options o = nemesis_options(3, FAULT_NEMESIS_ALL, seed);
		struct story s;

		o.node_count = o.local_count = seed % 3 + 2;
		s = strikes(&o, 3000 * SECOND);
		for (size_t i = 0; i < s.count; i++) {
			const struct fault_order *f = &s.order[i];
			const struct fault_settings *set = &f->settings;

			if (f->ends)
				continue;
			if (f->kind == FAULT_ORDER_PARTITION)
				shapes[seed % 3][f->shape][f->one_way]++;
			if (f->kind == FAULT_ORDER_SKEW) {
				ahead += f->offset_ns > 0;
				behind += f->offset_ns < 0;
				drifts += f->drift < 1 || f->drift > 1;
				assert_true(llabs(f->offset_ns) >= (long long)MS && llabs(f->offset_ns) <= (long long)(10 * SECOND));
				assert_true(f->drift >= 0.9 && f->drift <= 1.1);
			}
			if (f->kind != FAULT_ORDER_LINK)
				continue;
			both += strstr(f->nodes, "<>") != NULL;
			sent += strstr(f->nodes, ">*") != NULL && !strchr(f->nodes, '<');
			heard += f->nodes[0] == '*';
			one += !strchr(f->nodes, '*');
			if (set->set == FAULT_SET_LOSS)
				assert_true(set->loss.p >= 0.1 && set->loss.p <= 0.9);
			else
				assert_true(set->set == FAULT_SET_DELAY && set->delay.distribution == FAULT_EXPONENTIAL &&
					    set->delay.a_ns >= 10 * MS && set->delay.a_ns <= 500 * MS);
		}
		forget(&s);
	}
	for (int n = 0; n < 3; n++) {
		for (int shape = FAULT_HALVES; shape < FAULT_SHAPES; shape++) {
			bool can = n > 0 || shape <= FAULT_ONE;

			/* A ring of three cuts nothing but one way. */
			assert_int_equal(shapes[n][shape][0] > 0, can && !(n == 1 && shape == FAULT_RING));
			assert_int_equal(shapes[n][shape][1] > 0, can);
		}
	}
	assert_true(both > 100 && sent > 100 && heard > 100 && one > 100 && ahead > 100 && behind > 100 && drifts > 100);
}

static void what_cannot_be_done_here_is_not_drawn(void **state)
{
	struct fault_options o = nemesis_options(3, FAULT_NEMESIS_SKEW, 1);
	struct story s;

	(void)state;
	o.skew = false;
	s = strikes(&o, 1000 * SECOND);
	assert_int_equal(s.count, 0);
	o.nemesis = FAULT_NEMESIS_ALL;
	o.every_ns = 0;
	s = strikes(&o, 1000 * SECOND);
	assert_int_equal(s.count, 0);
	o = nemesis_options(1, FAULT_NEMESIS_ALL, 1);
	o.local_count = 0;
	s = strikes(&o, 1000 * SECOND);
	assert_int_equal(s.count, 0);
	/* With faults for clients there are links to be bad; a pipe has one link, of clients. */
	o.clients = true;
	for (o.node_count = 0; o.node_count < 2; o.node_count++) {
		s = strikes(&o, 1000 * SECOND);
		assert_true(s.count > 50);
		for (size_t i = 0; i < s.count; i++)
			assert_true(s.order[i].ends || strstr(s.order[i].nodes, o.node_count ? "n1" : "client>client"));
		forget(&s);
	}
}

/* A plan, more of a plan, an order: the nemesis does the same at the same times. */
static void nothing_moves_the_nemesis(void **state)
{
	struct fault_order plan[] = { rig_groups("?|?2"), rig_link("n1>n2", 0.4), rig_of(FAULT_ORDER_ISOLATE, "?", 70 * SECOND, SECOND) };

	(void)state;
	plan[0].at_ns = 33 * SECOND;
	for (uint64_t seed = 0; seed < 20; seed++) {
		struct fault_options o = nemesis_options(5, FAULT_NEMESIS_PARTITION | FAULT_NEMESIS_CRASH | FAULT_NEMESIS_SLOW, seed);
		struct story alone = strikes(&o, 1000 * SECOND), with;
		size_t at = 0;

		o.orders = plan;
		o.order_count = 3;
		with = strikes(&o, 1000 * SECOND);
		for (size_t i = 0; i < alone.count; i++) {
			const struct fault_order *a = &alone.order[i];

			if (a->ends)
				continue;
			while (at < with.count && (with.order[at].ends || with.order[at].at_ns != a->at_ns))
				at++;
			assert_true(at < with.count);
			assert_int_equal(with.order[at].kind, a->kind);
			assert_int_equal(with.order[at].for_ns, a->for_ns);
			assert_string_equal(with.order[at].nodes, a->nodes);
		}
		forget(&alone);
		forget(&with);
	}
}

static void its_strikes_are_known_for_ever(void **state)
{
	struct fault_options o = nemesis_options(5, FAULT_NEMESIS_ALL, 7);
	struct story s = strikes(&o, 60 * SECOND);

	(void)state;
	assert_string_equal(text_of(&s), "8.719 partition n5,n2|n1|n4,n3 #1 one-way for 3.340; 12.059 heal #1 end; "
		"17.161 isolate n2 #2 for 5.016; 22.177 heal #2 end; 24.245 link *>n3 #3 for 6.364; "
		"30.609 heal #3 end; 35.407 link n1<>* #4 for 5.540; 40.947 heal #4 end; "
		"43.186 pause n4 #5 for 4.527; 47.713 resume n4 #5 end; "
		"57.862 partition n2|n3,n5,n1,n4 #6 one-way for 2.815");
	forget(&s);
}

/* --- Replay --- */

static uint64_t random_state;

static uint64_t any(uint64_t bound)
{
	return fault_below((struct fault_stream){ 12345 }, random_state++, bound);
}

static struct fault_order any_order(void)
{
	static const char *const nodes[] = { "n1", "?", "?2", "*", "n2,n3", "n1,?", "n5", "n4,n1" };
	static const char *const groups[] = { "n1|n2,n3", "?|?2", "?|*", "n3", "n1,n2|n3|?", "?2" };
	static const char *const links[] = { "n1>n2", "n1<>*", "*>n3", "client>n1", "n*<>n2" };
	struct fault_order o = rig_of((enum fault_kind)any(FAULT_ORDERS), nodes[any(8)], 0, any(2) ? any(20) * SECOND / 2 : 0);

	o.one_way = any(3) == 0;
	if (o.kind == FAULT_ORDER_CALM && any(4))
		o.kind = FAULT_ORDER_CRASH;
	if (o.kind == FAULT_ORDER_PARTITION) {
		o.shape = (enum fault_shape)any(FAULT_SHAPES);
		o.nodes = (char *)(uintptr_t)(o.shape == FAULT_GROUPS ? groups[any(6)] : any(2) ? "" : NULL);
	}
	if (o.kind == FAULT_ORDER_LINK) {
		o.nodes = (char *)(uintptr_t)links[any(5)];
		o.settings = rig_link("", (double)any(4) / 4).settings;
	}
	if (o.kind == FAULT_ORDER_HEAL)
		o.id = any(3) ? any(8) + 1 : 0;
	if (o.kind == FAULT_ORDER_SKEW && any(3) == 0)
		o.drift = 1;
	return o;
}

/* What is told, again as a plan with none of the rest, tells the same. */
static void what_was_told_is_a_plan_of_the_same_faults(void **state)
{
	enum { PLAN = 12 };
	size_t ends = 0, begins = 0;

	(void)state;
	for (uint64_t seed = 0; seed < 300; seed++) {
		struct fault_order plan[PLAN];
		struct fault_options o = nemesis_options(5, seed % 2 ? FAULT_NEMESIS_ALL : (unsigned)any(FAULT_NEMESIS_ALL + 1), seed);
		struct story first = { 0 }, begun = { 0 }, again = { 0 };
		struct fault_net *net;

		for (int i = 0; i < PLAN; i++) {
			plan[i] = any_order();
			plan[i].at_ns = any(200) * SECOND / 2;
		}
		o.orders = plan;
		o.order_count = PLAN;
		o.heal_after_ns = seed % 3 ? any(20) * SECOND : 0;
		o.calm_ns = seed % 4 ? FAULT_NEVER : any(200) * SECOND;
		net = rig_new(&o);
		for (uint64_t now = 0; now < 120 * SECOND; now += any(4) * SECOND / 2) {
			struct fault_order asked = any_order();
			struct fault_out out;

			if (any(10)) {
				out = rig_advance(net, now);
				tell(&first, &out);
			} else if (!fault_net_order(net, now, &asked, &out)) {
				tell(&first, &out);
			}
		}
		fault_net_free(net);
		for (size_t i = 0; i < first.count; i++)
			if (first.order[i].ends)
				ends++;
			else
				tell(&begun, &(struct fault_out){ &first.order[i], 1 });
		begins += begun.count;
		o = rig_options(5);
		o.seed = 1000 + seed;
		o.orders = begun.order;
		o.order_count = begun.count;
		again = strikes(&o, first.count ? first.order[first.count - 1].at_ns : 0);
		/* The last moment may have been asked for before its ends were due: it is not looked at further. */
		while (again.count > first.count)
			fault_order_release(&again.order[--again.count]);
		{
			char *text = strdup(text_of(&first));

			assert_non_null(text);
			assert_string_equal(text_of(&again), text);
			free(text);
		}
		for (size_t i = 0; i < first.count; i++) {
			assert_int_equal(first.order[i].at_ns, again.order[i].at_ns);
			assert_int_equal(first.order[i].for_ns, again.order[i].for_ns);
			assert_int_equal(first.order[i].offset_ns, again.order[i].offset_ns);
			assert_int_equal(first.order[i].shape, again.order[i].shape);
			assert_true(!memcmp(&first.order[i].settings, &again.order[i].settings, sizeof(struct fault_settings)));
		}
		forget(&first);
		forget(&begun);
		forget(&again);
	}
	assert_true(begins > 5000 && ends > 2000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(its_strikes_are_so_far_apart_in_the_mean),
		cmocka_unit_test(kinds_are_even_and_none_overlaps_itself),
		cmocka_unit_test(it_crashes_a_minority_unless_it_is_let_crash_all),
		cmocka_unit_test(it_leaves_those_alone_on_whom_it_would_not_tell),
		cmocka_unit_test(peers_are_targets_of_network_faults_alone),
		cmocka_unit_test(its_faults_are_of_every_shape_and_strength),
		cmocka_unit_test(what_cannot_be_done_here_is_not_drawn),
		cmocka_unit_test(nothing_moves_the_nemesis),
		cmocka_unit_test(its_strikes_are_known_for_ever),
		cmocka_unit_test(what_was_told_is_a_plan_of_the_same_faults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
