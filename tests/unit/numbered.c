/*
 * The numbered algorithms (anchor, jump, slots) through histories: random sequences of changed lists, and after each change
 * every key that has moved must have had a reason to.
 */
#include "tests/unit/numbered_rig.h"

/* What a change of the list gives a key as a reason to move. */
static bool may_move(const struct list *from, const struct list *to, uint32_t old_id, uint32_t new_id)
{
	return list_weight(to, old_id) < list_weight(from, old_id)
	       || list_weight(to, new_id) > list_weight(from, new_id);
}

static size_t excess(const struct list *from, const uint32_t *was, const struct list *to, const uint32_t *is)
{
	size_t n = 0;

	for (size_t i = 0; i < KEYS; i++) {
		uint32_t old_id = from->id[was[i]], new_id = to->id[is[i]];

		n += old_id != new_id && !may_move(from, to, old_id, new_id);
	}
	return n;
}

/* One to three of: a node comes, goes, is drained, weighs otherwise; the order may change too. */
static void disturb(struct list *l, uint32_t *next_id, uint32_t weight_max, uint32_t nodes_max)
{
	for (uint32_t changes = 1 + draw_below(3); changes > 0; changes--) {
		uint32_t i = draw_below(l->n);

		switch (draw_below(5)) {
		case 0:
		case 1:
			if (l->n < nodes_max)
				list_add(l, (*next_id)++, 1 + draw_below(weight_max));
			break;
		case 2:
			if (l->n > 2)
				list_remove(l, i);
			break;
		case 3:
			l->node[i].weight = draw_below(weight_max + 1);
			break;
		default:
			list_add(l, l->id[i], l->node[i].weight);
			list_remove(l, i);
		}
	}
	if (list_weight(l, l->id[0]) == 0)
		l->node[0].weight = 1;
}

static void assert_even(const struct ring_state *s, const struct list *l)
{
	uint32_t have[128] = { 0 }, least = UINT32_MAX, most = 0;

	for (uint32_t slot = 0; slot < s->buckets; slot++)
		have[s->bucket[slot]]++;
	for (uint32_t i = 0; i < l->n; i++) {
		if (l->node[i].weight == 0)
			continue;
		least = have[i] < least ? have[i] : least;
		most = have[i] > most ? have[i] : most;
	}
	assert_in_range(most - least, 0, 1);
}

/* Through `steps` random changes: a sound state, and no key that moves without a reason. */
static void live_through(const char *name, unsigned steps, uint32_t weight_max)
{
	static uint64_t hash[KEYS];
	static uint32_t was[KEYS], is[KEYS];
	const struct ring_algo *algo = ring_algo_find(name);
	struct list l = list_of(8);
	uint32_t next_id = 8;
	struct ring_state s = fresh(algo, &l, !strcmp(name, "jump") ? 0 : 1021);

	for (size_t i = 0; i < KEYS; i++)
		hash[i] = draw();
	owners(algo, &s, &l, hash, KEYS, was);
	for (unsigned step = 0; step < steps; step++) {
		struct list changed = list_copy(&l);
		struct ring_state next;

		disturb(&changed, &next_id, weight_max, 100);
		assert_int_equal(change(&next, algo, &s, &l, &changed), RING_OK);
		assert_null(ring_state_fault(&next, algo, changed.node, changed.n));
		owners(algo, &next, &changed, hash, KEYS, is);
		assert_int_equal(excess(&l, was, &changed, is), 0);
		if (weight_max == 1 && !strcmp(name, "slots"))
			assert_even(&next, &changed);
		ring_state_release(&s);
		list_free(&l);
		s = next;
		l = changed;
		memcpy(was, is, sizeof(was));
	}
	ring_state_release(&s);
	list_free(&l);
}

static void through_any_history_a_key_moves_only_from_who_shrank_or_to_who_grew(void **unused)
{
	(void)unused;
	for (size_t a = 0; a < 3; a++) {
		live_through(numbered[a], 600, 1);
		live_through(numbered[a], 400, 10);
	}
}

/* Within six standard deviations of a count of rare events. */
static void assert_near(uint64_t moved, double expected)
{
	double off = (double)moved - expected;

	assert_true(off * off < 36 * expected + 64);
}

static void one_node_more_or_less_moves_its_share_at_every_size(void **unused)
{
	static uint64_t hash[KEYS];
	static uint32_t was[KEYS], is[KEYS];

	(void)unused;
	for (size_t i = 0; i < KEYS; i++)
		hash[i] = draw();
	for (size_t a = 0; a < 3; a++) {
		const struct ring_algo *algo = ring_algo_find(numbered[a]);
		struct list l = list_of(1);
		struct ring_state s = fresh(algo, &l, a == 0 ? 1100 : a == 1 ? 0 : 8192);
		uint64_t in = 0, out = 0, astray = 0;
		double ideal = 0;

		memset(was, 0, sizeof(was));
		for (uint32_t n = 2; n <= 1000; n++) {
			struct list more = list_copy(&l), less;
			struct ring_state next, cut;
			uint32_t middle = draw_below(n - 1), came = 0, went = 0;

			list_add(&more, n - 1, 1);
			less = list_copy(&more);
			list_remove(&less, middle);
			assert_int_equal(change(&next, algo, &s, &l, &more), RING_OK);
			assert_int_equal(change(&cut, algo, &next, &more, &less), RING_OK);
			owners(algo, &next, &more, hash, KEYS, is);
			for (size_t i = 0; i < KEYS; i++) {
				came += is[i] != was[i];
				astray += is[i] != was[i] && is[i] != n - 1;
			}
			memcpy(was, is, sizeof(was));
			owners(algo, &cut, &less, hash, KEYS, is);
			for (size_t i = 0; i < KEYS; i++) {
				went += less.id[is[i]] != was[i];
				astray += less.id[is[i]] != was[i] && was[i] != middle;
			}
			assert_near(came, (double)KEYS / n);
			assert_near(went, (double)KEYS / n);
			in += came;
			out += went;
			ideal += (double)KEYS / n;
			ring_state_release(&s);
			ring_state_release(&cut);
			list_free(&l);
			list_free(&less);
			s = next;
			l = more;
		}
		assert_int_equal(astray, 0);
		assert_near(in, ideal);
		assert_near(out, ideal);
		ring_state_release(&s);
		list_free(&l);
	}
}

static void nodes_that_leave_and_return_in_any_order_cost_the_others_nothing(void **unused)
{
	static uint64_t hash[KEYS];
	static uint32_t was[KEYS], is[KEYS];

	(void)unused;
	for (size_t i = 0; i < KEYS; i++)
		hash[i] = draw();
	for (size_t a = 0; a < 3; a++) {
		const struct ring_algo *algo = ring_algo_find(numbered[a]);
		struct list l = list_of(50);
		struct ring_state s = fresh(algo, &l, 0);
		uint32_t order[50], strayed = 0;

		for (uint32_t i = 0; i < 50; i++)
			order[i] = i;
		owners(algo, &s, &l, hash, KEYS, was);
		shuffle(order, 50);
		leave_and_return(algo, &s, &l, order, 49, false);
		assert_int_equal(l.n, 1);
		shuffle(order, 49);
		leave_and_return(algo, &s, &l, order, 49, true);
		owners(algo, &s, &l, hash, KEYS, is);
		for (size_t i = 0; i < KEYS; i++)
			strayed += was[i] == order[49] && l.id[is[i]] != order[49];
		if (a < 2)
			assert_int_equal(strayed, 0);
		ring_state_release(&s);
		list_free(&l);
	}
}

static void a_node_that_comes_back_next_gets_all_its_keys_again(void **unused)
{
	static uint64_t hash[KEYS];
	static uint32_t was[KEYS], is[KEYS];

	(void)unused;
	for (size_t i = 0; i < KEYS; i++)
		hash[i] = draw();
	for (size_t a = 0; a < 2; a++) {
		const struct ring_algo *algo = ring_algo_find(numbered[a]);
		struct list l = list_of(30);
		struct ring_state s = fresh(algo, &l, 0);

		owners(algo, &s, &l, hash, KEYS, was);
		for (uint32_t id = 0; id < 30; id++) {
			leave_and_return(algo, &s, &l, &id, 1, false);
			leave_and_return(algo, &s, &l, &id, 1, true);
			owners(algo, &s, &l, hash, KEYS, is);
			for (size_t i = 0; i < KEYS; i++)
				assert_int_equal(l.id[is[i]], was[i]);
		}
		ring_state_release(&s);
		list_free(&l);
	}
}

/* The paper's algorithm 1, which keeps the set W_b of every removed bucket as it was. */
struct wrapper {
	uint32_t working[64], set[64][64], size[64];    /* size 0: works */
	uint32_t n;
};

static void wrapper_remove(struct wrapper *w, uint32_t b)
{
	uint32_t at = 0;

	while (w->working[at] != b)
		at++;
	w->working[at] = w->working[--w->n];
	memcpy(w->set[b], w->working, sizeof(w->working));
	w->size[b] = w->n;
}

static uint32_t wrapper_bucket(const struct wrapper *w, uint64_t hash)
{
	uint32_t b = hash_below(hash, 64);

	while (w->size[b])
		b = w->set[b][hash_below(mix64(hash + (b + 1) * UINT64_C(0xaf251af3b0f025b5)), w->size[b])];
	return b;
}

static void anchor_finds_what_the_papers_whole_working_sets_would_say(void **unused)
{
	const struct ring_algo *anchor = ring_algo_find("anchor");

	(void)unused;
	for (unsigned trial = 0; trial < 100; trial++) {
		struct list l = list_of(1);
		struct ring_state s = fresh(anchor, &l, 64);
		struct wrapper w = { .n = 64 };
		struct ring *ring;

		for (uint32_t b = 0; b < 64; b++)
			w.working[b] = s.removed[b] = b;
		shuffle(s.removed, 64);
		s.removed_n = draw_below(64);
		for (uint32_t i = 0; i < s.removed_n; i++)
			wrapper_remove(&w, s.removed[i]);
		for (uint32_t b = 0; b < 64; b++)
			s.bucket[b] = w.size[b] ? RING_NONE : 0;
		ring = ring_of(anchor, &s, &l);
		for (unsigned i = 0; i < 1000; i++) {
			struct ring_why why;
			uint64_t hash = draw();

			ring_explain(ring, hash, &why);
			assert_int_equal(why.slot, wrapper_bucket(&w, hash));
		}
		ring_free(ring);
		ring_state_release(&s);
		list_free(&l);
	}
}

static void keys_spread_over_the_nodes_as_draws_of_chance_would(void **unused)
{
	enum { N = 100, GONE = 300, DRAWS = 1 << 20 };
	uint64_t *hash = malloc(DRAWS * sizeof(*hash));
	uint32_t *owner = malloc(DRAWS * sizeof(*owner));

	(void)unused;
	for (size_t i = 0; i < DRAWS; i++)
		hash[i] = draw();
	for (size_t round = 0; round < 4; round++) {
		const struct ring_algo *algo = ring_algo_find(numbered[round % 2]);
		struct list l = list_of(N + GONE);
		struct ring_state s = fresh(algo, &l, 0);
		uint32_t order[N + GONE], count[N] = { 0 };
		double chi2 = 0, weight = 0;

		for (uint32_t i = 0; i < N + GONE; i++)
			order[i] = i;
		shuffle(order, N + GONE);
		leave_and_return(algo, &s, &l, order, GONE, false);
		if (round >= 2) {
			for (uint32_t i = 0; i < N; i++)
				l.node[i].weight = 1 + i % 5;
			ring_state_release(&s);
			s = fresh(algo, &l, 0);
		}
		for (uint32_t i = 0; i < N; i++)
			weight += l.node[i].weight;
		owners(algo, &s, &l, hash, DRAWS, owner);
		for (size_t i = 0; i < DRAWS; i++)
			count[owner[i]]++;
		for (uint32_t i = 0; i < N; i++) {
			double ideal = DRAWS * l.node[i].weight / weight;

			chi2 += (count[i] - ideal) * (count[i] - ideal) / ideal;
		}
		/* 99 degrees of freedom: 99 expected, sd 14 */
		assert_true(chi2 > 40 && chi2 < 170);
		ring_state_release(&s);
		list_free(&l);
	}
	free(hash);
	free(owner);
}

static void anchor_keeps_sixteen_bytes_a_node_or_less(void **unused)
{
	const struct ring_algo *anchor = ring_algo_find("anchor");
	struct list l = list_of(100000);
	struct ring_state s = fresh(anchor, &l, 110000);
	struct ring *ring = ring_of(anchor, &s, &l);

	(void)unused;
	assert_in_range(ring_bytes(ring), 4 * l.n, 16 * l.n);
	ring_free(ring);
	ring_state_release(&s);
	list_free(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(through_any_history_a_key_moves_only_from_who_shrank_or_to_who_grew),
		cmocka_unit_test(one_node_more_or_less_moves_its_share_at_every_size),
		cmocka_unit_test(nodes_that_leave_and_return_in_any_order_cost_the_others_nothing),
		cmocka_unit_test(a_node_that_comes_back_next_gets_all_its_keys_again),
		cmocka_unit_test(anchor_finds_what_the_papers_whole_working_sets_would_say),
		cmocka_unit_test(keys_spread_over_the_nodes_as_draws_of_chance_would),
		cmocka_unit_test(anchor_keeps_sixteen_bytes_a_node_or_less),
	};

	rig_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
