/*
 * Unit tests of the numbered algorithms (anchor, jump, slots), their state, and maglev.
 *
 * Hashes are handed to ring_owner as they are: what a key's bytes become is not
 * the subject here.  A history is a random sequence of changed lists; after each
 * change every key that has moved must have had a reason to.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/ring/hash.h"
#include "lib/ring/maglev.h"
#include "lib/ring/ring.h"

enum { IDS_MAX = 1 << 17, KEYS = 4096 };

static const char *const numbered[] = { "anchor", "jump", "slots" };

/* A list of nodes, each known by an id that outlives its position. */
struct list {
	uint32_t n;
	struct ring_node *node;
	uint32_t *id;
};

static char names[IDS_MAX][8];
static uint64_t random_state;

static uint64_t draw(void)
{
	random_state += UINT64_C(0x9e3779b97f4a7c15);
	return mix64(random_state);
}

static uint32_t draw_below(uint32_t n)
{
	return hash_below(draw(), n);
}

static void list_add(struct list *l, uint32_t id, uint32_t weight)
{
	assert_true(id < IDS_MAX);
	if ((l->n & (l->n - 1)) == 0) {         /* room for 2, 4, 8, ... */
		l->node = realloc(l->node, (2 * l->n + 2) * sizeof(*l->node));
		l->id = realloc(l->id, (2 * l->n + 2) * sizeof(*l->id));
	}
	snprintf(names[id], sizeof(names[id]), "n%06u", id);
	l->node[l->n] = (struct ring_node){ .name = names[id], .name_len = 7, .weight = weight };
	l->id[l->n++] = id;
}

static void list_remove(struct list *l, uint32_t i)
{
	memmove(l->node + i, l->node + i + 1, (l->n - i - 1) * sizeof(*l->node));
	memmove(l->id + i, l->id + i + 1, (l->n - i - 1) * sizeof(*l->id));
	l->n--;
}

static struct list list_of(uint32_t n)
{
	struct list l = { 0 };

	for (uint32_t id = 0; id < n; id++)
		list_add(&l, id, 1);
	return l;
}

static struct list list_copy(const struct list *l)
{
	struct list copy = { 0 };

	for (uint32_t i = 0; i < l->n; i++)
		list_add(&copy, l->id[i], l->node[i].weight);
	return copy;
}

static void list_free(struct list *l)
{
	free(l->node);
	free(l->id);
	*l = (struct list){ 0 };
}

static uint32_t list_weight(const struct list *l, uint32_t id)
{
	for (uint32_t i = 0; i < l->n; i++)
		if (l->id[i] == id)
			return l->node[i].weight;
	return 0;
}

/* ring_state_change by ids. */
static int change(struct ring_state *next, const struct ring_algo *algo, const struct ring_state *was,
		  const struct list *from, const struct list *to)
{
	static uint32_t place[IDS_MAX], kept[IDS_MAX];

	memset(place, 0xff, sizeof(place));
	for (uint32_t i = 0; i < to->n; i++)
		place[to->id[i]] = i;
	for (uint32_t i = 0; i < from->n; i++)
		kept[i] = place[from->id[i]];
	return ring_state_change(next, algo, was, kept, from->n, to->node, to->n);
}

static struct ring *ring_of(const struct ring_algo *algo, const struct ring_state *s, const struct list *l)
{
	struct ring_conf conf = { .state = s };
	struct ring *ring = NULL;

	assert_int_equal(ring_new(&ring, algo, &conf, l->node, l->n), RING_OK);
	return ring;
}

/* The owners of n hashes, as positions. */
static void owners(const struct ring_algo *algo, const struct ring_state *s, const struct list *l,
		   const uint64_t *hash, size_t n, uint32_t *owner)
{
	struct ring *ring = ring_of(algo, s, l);

	ring_owner(ring, hash, n, owner);
	ring_free(ring);
}

static struct ring_state fresh(const struct ring_algo *algo, const struct list *l, uint32_t capacity)
{
	struct ring_state s;

	assert_int_equal(ring_state_init(&s, algo, l->node, l->n, capacity), RING_OK);
	return s;
}

static uint32_t jump_owner_of(uint64_t hash, uint32_t n)
{
	const struct ring_algo *jump = ring_algo_find("jump");
	struct list l = list_of(n);
	struct ring_state s = fresh(jump, &l, 0);
	uint32_t owner;

	owners(jump, &s, &l, &hash, 1, &owner);
	ring_state_release(&s);
	list_free(&l);
	return owner;
}

static void jump_gives_the_published_answers(void **unused)
{
	static const uint8_t of_100[] = { 0, 55, 62, 8, 45, 59, 86, 97, 82, 59, 73, 37, 17, 56, 86, 21, 90, 37, 38, 83 };
	static const uint8_t beef[] = { 0, 1, 2, 3, 3, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 16, 16, 16 };
	static const uint8_t food[] = { 0, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 15, 15, 15, 15 };

	(void)unused;
	for (uint32_t k = 0; k < 20; k++)
		assert_int_equal(jump_owner_of(k, 100), of_100[k]);
	for (uint32_t n = 1; n < 20; n++) {
		assert_int_equal(jump_owner_of(0xdeadbeef, n), beef[n - 1]);
		assert_int_equal(jump_owner_of(UINT64_C(0x0ddc0ffeebadf00d), n), food[n - 1]);
	}
	assert_int_equal(jump_owner_of(UINT64_C(10863919174838991), 11), 6);
	assert_int_equal(jump_owner_of(UINT64_C(2016238256797177309), 11), 3);
	assert_int_equal(jump_owner_of(UINT64_C(1673758223894951030), 11), 5);
	assert_int_equal(jump_owner_of(2, 100001), 80343);
	assert_int_equal(jump_owner_of(2201, 100001), 22152);
	assert_int_equal(jump_owner_of(2202, 100001), 15018);
}

/* The function as Lamping and Veach print it. */
static uint32_t jump_in_doubles(uint64_t key, int32_t n)
{
	int64_t b = -1, j = 0;

	while (j < n) {
		b = j;
		key = key * UINT64_C(2862933555777941757) + 1;
		j = (int64_t)((double)(b + 1) * ((double)(1LL << 31) / (double)((key >> 33) + 1)));
	}
	return (uint32_t)b;
}

/*
 * A key whose step number `step` divides by r: the generator run backwards.
 * With r = odd << shift the division comes out even, or nearly, time and again.
 */
static uint64_t key_dividing_by(uint64_t r, unsigned step)
{
	const uint64_t factor = UINT64_C(2862933555777941757);
	uint64_t inverse = factor, key = (r - 1) << 33 | draw() >> 31;

	for (unsigned i = 0; i < 6; i++)
		inverse *= 2 - factor * inverse;
	while (step-- > 0)
		key = (key - 1) * inverse;
	return key;
}

static void jump_owners_are_those_of_the_double_arithmetic(void **unused)
{
	static const uint32_t sizes[] = { 1, 2, 3, 7, 100, 4096, 100003, (1 << 20) + 1 };
	static uint64_t hash[KEYS];
	static uint32_t owner[KEYS];
	const struct ring_algo *jump = ring_algo_find("jump");
	struct ring_node node = { .name = "a", .name_len = 1 };
	size_t wrong = 0;

	(void)unused;
	for (size_t size = 0; size < sizeof(sizes) / sizeof(*sizes); size++) {
		uint32_t n = sizes[size];
		uint32_t *identity = malloc(n * sizeof(*identity));
		struct ring_state s = { .buckets = n, .bucket = identity };
		struct ring_conf conf = { .state = &s };
		struct ring *ring;

		for (uint32_t b = 0; b < n; b++)
			identity[b] = b;
		node.weight = n < RING_WEIGHT_MAX ? n : RING_WEIGHT_MAX;
		assert_int_equal(ring_new(&ring, jump, &conf, &node, 1), RING_OK);
		for (unsigned turn = 0; turn < 100; turn++) {
			for (size_t i = 0; i < KEYS; i++) {
				uint64_t r = ((uint64_t)draw_below(64) * 2 + 1) << draw_below(25);

				hash[i] = i % 2 ? draw() : key_dividing_by(r + draw_below(2), 1 + draw_below(4));
			}
			ring_owner(ring, hash, KEYS, owner);
			for (size_t i = 0; i < KEYS; i++)
				wrong += owner[i] != jump_in_doubles(hash[i], (int32_t)n);
		}
		ring_free(ring);
		free(identity);
	}
	assert_int_equal(wrong, 0);
}

static void maglev_fills_the_table_of_the_papers_example(void **unused)
{
	static const struct maglev_turn turn[] = { { 0, 3, 4, 1 }, { 1, 0, 2, 1 }, { 2, 3, 1, 1 } };
	static const struct maglev_turn without[] = { { 0, 3, 4, 1 }, { 1, 0, 2, 0 }, { 2, 3, 1, 1 } };
	static const uint32_t before[] = { 1, 0, 1, 0, 2, 2, 0 }, after[] = { 0, 0, 0, 0, 2, 2, 2 };
	struct maglev m;

	(void)unused;
	assert_int_equal(maglev_fill(&m, 7, turn, 3), RING_OK);
	assert_memory_equal(m.entry, before, sizeof(before));
	maglev_release(&m);
	assert_int_equal(maglev_fill(&m, 7, without, 3), RING_OK);
	assert_memory_equal(m.entry, after, sizeof(after));
	maglev_release(&m);
}

/* Envoy's loop as it stands in MaglevTable::constructImplementationInternals, in integers. */
static void fill_as_envoy(uint32_t *entry, uint32_t size, const struct maglev_turn *turn, uint32_t n)
{
	uint64_t target[32] = { 0 }, next[32] = { 0 }, greatest = 0;
	uint32_t filled = 0;

	memset(entry, 0xff, size * sizeof(*entry));
	for (uint32_t i = 0; i < n; i++)
		greatest = turn[i].weight > greatest ? turn[i].weight : greatest;
	for (uint64_t iteration = 1; filled < size; iteration++) {
		for (uint32_t i = 0; i < n && filled < size; i++) {
			uint64_t c;

			if (turn[i].weight == 0 || iteration * turn[i].weight < target[i])
				continue;
			target[i] += greatest;
			do
				c = (turn[i].offset + turn[i].skip * next[i]++) % size;
			while (entry[c] != RING_NONE);
			entry[c] = turn[i].node;
			filled++;
		}
	}
}

static void maglev_weights_take_turns_as_in_envoy(void **unused)
{
	static const uint32_t sizes[] = { 2, 3, 7, 61, 251, 1009, 65537 };
	static uint32_t entry[65537];

	(void)unused;
	for (unsigned trial = 0; trial < 400; trial++) {
		uint32_t size = sizes[draw_below(trial % 40 ? 6 : 7)], n = 1 + draw_below(32);
		uint32_t span = trial % 4 == 0 ? 1 : trial % 4 == 1 ? 1000000 : 5;
		struct maglev_turn turn[32];
		struct maglev m;

		for (uint32_t i = 0; i < n; i++) {
			turn[i].node = i;
			turn[i].offset = draw_below(size);
			turn[i].skip = 1 + draw_below(size - 1);
			turn[i].weight = i ? draw_below(span + 1) : 1 + draw_below(span);
		}
		if (trial % 4 == 3)
			turn[draw_below(n)].weight = RING_WEIGHT_MAX;   /* beside which the others are few */
		assert_int_equal(maglev_fill(&m, size, turn, n), RING_OK);
		fill_as_envoy(entry, size, turn, n);
		assert_memory_equal(m.entry, entry, size * sizeof(*entry));
		maglev_release(&m);
	}
}

static struct ring *maglev_of(const struct list *l, uint32_t table, int *rc)
{
	struct ring_conf conf = { .table = table };
	struct ring *ring = NULL;

	*rc = ring_new(&ring, ring_algo_find("maglev"), &conf, l->node, l->n);
	return ring;
}

static void maglev_owner_is_the_entry_at_hash_mod_size(void **unused)
{
	static const uint32_t sizes[] = { 2, 3, 5, 251, 65537, 655373, 16777213 };
	static uint64_t hash[KEYS];
	static uint32_t entry[1 << 24], owner[KEYS];

	(void)unused;
	for (uint32_t i = 0; i < 1 << 24; i++)
		entry[i] = i;
	for (size_t s = 0; s < sizeof(sizes) / sizeof(*sizes); s++) {
		struct maglev m = { .entry = entry, .size = sizes[s] };

		for (size_t i = 0; i < KEYS; i++) {
			uint64_t multiple = draw() / sizes[s] * sizes[s];

			hash[i] = i % 4 == 0 ? draw() : i % 4 == 1 ? multiple : i % 4 == 2 ? multiple - 1 : UINT64_MAX - i;
		}
		maglev_owner(&m, hash, KEYS, owner);
		for (size_t i = 0; i < KEYS; i++)
			assert_int_equal(owner[i], hash[i] % sizes[s]);
	}
}

static void maglev_wants_a_prime_table_with_room_for_every_node(void **unused)
{
	static const struct { uint32_t table, nodes; int rc; } cases[] = {
		{ 0, 10, RING_OK }, { 251, 251, RING_OK }, { 251, 252, RING_ETABLE }, { 1, 1, RING_ETABLE },
		{ 2, 1, RING_OK }, { 4, 1, RING_ETABLE }, { 65536, 3, RING_ETABLE }, { 66049, 3, RING_ETABLE },
		{ 16777213, 3, RING_OK }, { 16777259, 3, RING_ETOOBIG },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct list l = list_of(cases[i].nodes);
		int rc;

		ring_free(maglev_of(&l, cases[i].table, &rc));
		assert_int_equal(rc, cases[i].rc);
		list_free(&l);
	}
}

static void a_drained_node_has_no_entry_and_no_place_in_maglev(void **unused)
{
	struct list l = list_of(11), live = list_of(11);
	struct ring *with, *without;
	int rc;

	(void)unused;
	l.node[4].weight = 0;
	list_remove(&live, 4);
	with = maglev_of(&l, 1009, &rc);
	without = maglev_of(&live, 1009, &rc);
	for (uint64_t h = 0; h < 1009; h++) {
		uint32_t a, b;

		ring_owner(with, &h, 1, &a);
		ring_owner(without, &h, 1, &b);
		assert_int_equal(l.id[a], live.id[b]);
	}
	ring_free(with);
	ring_free(without);
	list_free(&l);
	list_free(&live);
}

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

/* Removes the nodes of `order`, one a change, then calls them back, one a change. */
static void leave_and_return(const struct ring_algo *algo, struct ring_state *s, struct list *l,
			     const uint32_t *order, uint32_t n, bool back)
{
	for (uint32_t i = 0; i < n; i++) {
		struct list changed = list_copy(l);
		struct ring_state next;

		if (back)
			list_add(&changed, order[i], 1);
		for (uint32_t at = 0; !back && at < changed.n; at++)
			if (changed.id[at] == order[i])
				list_remove(&changed, at--);
		assert_int_equal(change(&next, algo, s, l, &changed), RING_OK);
		assert_null(ring_state_fault(&next, algo, changed.node, changed.n));
		ring_state_release(s);
		list_free(l);
		*s = next;
		*l = changed;
	}
}

static void shuffle(uint32_t *order, uint32_t n)
{
	for (uint32_t i = n; i > 1; i--) {
		uint32_t j = draw_below(i), swap = order[i - 1];

		order[i - 1] = order[j];
		order[j] = swap;
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

static void a_jump_hole_at_the_end_is_kept_and_the_bucket_that_goes_last_is_not(void **unused)
{
	const struct ring_algo *jump = ring_algo_find("jump");
	struct list l = list_of(10);
	struct ring_state s = fresh(jump, &l, 0);

	(void)unused;
	leave_and_return(jump, &s, &l, (const uint32_t[]){ 9 }, 1, false);
	assert_int_equal(s.buckets, 9);
	leave_and_return(jump, &s, &l, (const uint32_t[]){ 7 }, 1, false);
	assert_int_equal(s.buckets, 9);
	leave_and_return(jump, &s, &l, (const uint32_t[]){ 8 }, 1, false);
	assert_int_equal(s.buckets, 8);
	assert_int_equal(s.bucket[7], RING_NONE);
	leave_and_return(jump, &s, &l, (const uint32_t[]){ 3 }, 1, false);
	leave_and_return(jump, &s, &l, (const uint32_t[]){ 20, 21, 22 }, 3, true);
	assert_int_equal(s.buckets, 9);
	assert_int_equal(l.id[s.bucket[3]], 20);
	assert_int_equal(l.id[s.bucket[7]], 21);
	assert_int_equal(l.id[s.bucket[8]], 22);
	ring_state_release(&s);
	list_free(&l);
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

static bool even(const uint32_t *have, const uint32_t *weight, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		for (uint32_t j = 0; j < n; j++)
			if (weight[i] && weight[j] && (have[j] + 1) * weight[i] < have[i] * weight[j])
				return false;
	return true;
}

/* The fewest slots that any even table of four nodes takes from elsewhere, by trying all. */
static uint32_t fewest_moves(const uint32_t have[4], const uint32_t weight[4], uint32_t slots)
{
	uint32_t fewest = UINT32_MAX, t[4];

	for (t[0] = 0; t[0] <= slots; t[0]++)
		for (t[1] = 0; t[0] + t[1] <= slots; t[1]++)
			for (t[2] = 0; t[0] + t[1] + t[2] <= slots; t[2]++) {
				uint32_t moves = 0;

				t[3] = slots - t[0] - t[1] - t[2];
				for (uint32_t i = 0; i < 4; i++) {
					moves += t[i] > have[i] ? t[i] - have[i] : 0;
					if (weight[i] == 0 && t[i] > 0)
						moves = UINT32_MAX / 8;
				}
				if (moves < fewest && even(t, weight, 4))
					fewest = moves;
			}
	return fewest;
}

static void slots_moves_as_few_slots_as_any_even_table_allows(void **unused)
{
	const struct ring_algo *algo = ring_algo_find("slots");

	(void)unused;
	for (unsigned trial = 0; trial < 300; trial++) {
		uint32_t slots = 4 + draw_below(15), have[4] = { 0 }, weight[4], moved = 0;
		struct list l = list_of(4), changed = list_of(4);
		struct ring_state s, next;

		for (uint32_t i = 0; i < 4; i++) {
			l.node[i].weight = i ? draw_below(5) : 1;
			changed.node[i].weight = weight[i] = draw_below(3) ? l.node[i].weight : draw_below(5);
		}
		changed.node[1].weight = weight[1] = 1 + draw_below(4);
		s = fresh(algo, &l, slots);
		assert_int_equal(change(&next, algo, &s, &l, &changed), RING_OK);
		for (uint32_t slot = 0; slot < slots; slot++) {
			have[s.bucket[slot]]++;
			moved += s.bucket[slot] != next.bucket[slot];
		}
		assert_int_equal(moved, fewest_moves(have, weight, slots));
		ring_state_release(&s);
		ring_state_release(&next);
		list_free(&l);
		list_free(&changed);
	}
}

static void as_nodes_come_no_slot_moves_every_time(void **unused)
{
	enum { SLOTS = 4096 };
	const struct ring_algo *algo = ring_algo_find("slots");
	struct list l = list_of(1);
	struct ring_state s = fresh(algo, &l, SLOTS);
	uint32_t was[SLOTS], moves[SLOTS] = { 0 }, most = 0;

	(void)unused;
	for (uint32_t id = 1; id < 300; id++) {
		memcpy(was, s.bucket, sizeof(was));
		leave_and_return(algo, &s, &l, &id, 1, true);
		for (uint32_t slot = 0; slot < SLOTS; slot++)
			moves[slot] += s.bucket[slot] != was[slot];
	}
	for (uint32_t slot = 0; slot < SLOTS; slot++)
		most = moves[slot] > most ? moves[slot] : most;
	/* 1/2 + 1/3 + ... + 1/300 = 5.3 on the average */
	assert_in_range(most, 6, 30);
	ring_state_release(&s);
	list_free(&l);
}

static void a_fresh_table_is_dealt_in_turn_by_weight(void **unused)
{
	static const uint32_t dealt[] = { 1, 0, 1, 1, 0, 1, 1, 0, 1 };
	const struct ring_algo *algo = ring_algo_find("slots");
	struct list l = list_of(3);
	struct ring_state s;

	(void)unused;
	l.node[1].weight = 2;
	l.node[2].weight = 0;
	s = fresh(algo, &l, 9);
	assert_memory_equal(s.bucket, dealt, sizeof(dealt));
	ring_state_release(&s);
	list_free(&l);
}

/* A state of three nodes of weight 1, 2 and 0 with one number of it put wrong. */
static void assert_fault(const char *name, uint32_t capacity, void (*spoil)(struct ring_state *), const char *text)
{
	const struct ring_algo *algo = ring_algo_find(name);
	struct list l = list_of(3);
	struct ring_state s;
	const char *fault;

	l.node[1].weight = 2;
	l.node[2].weight = 0;
	s = fresh(algo, &l, capacity);
	assert_null(ring_state_fault(&s, algo, l.node, l.n));
	spoil(&s);
	fault = ring_state_fault(&s, algo, l.node, l.n);
	assert_non_null(fault);
	assert_string_equal(fault, text);
	ring_state_release(&s);
	list_free(&l);
}

static void owner_out_of_range(struct ring_state *s) { s->bucket[1] = 3; }
static void owner_drained(struct ring_state *s) { s->bucket[1] = 2; }
static void owner_of_too_few(struct ring_state *s) { s->bucket[2] = RING_NONE; }
static void owner_of_too_many(struct ring_state *s) { s->bucket[1] = 0; }
static void owned_and_removed(struct ring_state *s) { s->removed[0] = 1; }
static void removed_twice(struct ring_state *s) { s->removed[1] = s->removed[0]; }
static void removed_beyond(struct ring_state *s) { s->removed[1] = 5; }
static void removed_short(struct ring_state *s) { s->removed_n = 1; }
static void removed_long(struct ring_state *s) { s->removed_n = 6; }
static void removed_where_none_are(struct ring_state *s) { s->removed_n = 1; }
static void none(struct ring_state *s) { s->buckets = 0; }
static void huge(struct ring_state *s) { s->buckets = RING_BUCKETS_MAX + 1; }
static void slot_unowned(struct ring_state *s) { s->bucket[4] = RING_NONE; }
static void slot_too_few(struct ring_state *s) { s->buckets = 1; }
static void slots_all_of_one(struct ring_state *s) { memset(s->bucket, 0, s->buckets * sizeof(*s->bucket)); }

static void every_way_a_state_can_be_wrong_is_said_in_a_clause(void **unused)
{
	(void)unused;
	assert_fault("anchor", 5, owner_out_of_range, "bucket 1 is owned by node 3, and there are 3 nodes");
	assert_fault("anchor", 5, owner_drained, "bucket 1 is owned by 'n000002', which is drained");
	assert_fault("anchor", 5, owner_of_too_few, "'n000001' weighs 2 and owns 1 of the buckets");
	assert_fault("anchor", 5, owner_of_too_many, "'n000000' weighs 1 and owns 2 of the buckets");
	assert_fault("anchor", 5, owned_and_removed, "bucket 1 is both removed and owned");
	assert_fault("anchor", 5, removed_twice, "bucket 4 is removed twice");
	assert_fault("anchor", 5, removed_beyond, "bucket 5 is removed, and there are 5 buckets");
	assert_fault("anchor", 5, removed_short, "bucket 3 is neither removed nor owned");
	assert_fault("anchor", 5, removed_long, "the removed buckets are 6, and there can be 5");
	assert_fault("anchor", 5, none, "there are no buckets");
	assert_fault("anchor", 5, huge, "there are 268435457 buckets, and 268435456 is the limit");
	assert_fault("jump", 0, owner_out_of_range, "bucket 1 is owned by node 3, and there are 3 nodes");
	assert_fault("jump", 0, owner_drained, "bucket 1 is owned by 'n000002', which is drained");
	assert_fault("jump", 0, owner_of_too_few, "'n000001' weighs 2 and owns 1 of the buckets");
	assert_fault("jump", 0, owner_of_too_many, "'n000000' weighs 1 and owns 2 of the buckets");
	assert_fault("jump", 0, removed_where_none_are, "the removed buckets are 1, and there can be 0");
	assert_fault("jump", 0, none, "'n000000' weighs 1 and owns 0 of the buckets");
	assert_fault("jump", 0, huge, "there are 268435457 buckets, and 268435456 is the limit");
	assert_fault("slots", 9, owner_out_of_range, "bucket 1 is owned by node 3, and there are 3 nodes");
	assert_fault("slots", 9, owner_drained, "bucket 1 is owned by 'n000002', which is drained");
	assert_fault("slots", 9, slot_unowned, "slot 4 is not owned");
	assert_fault("slots", 9, slot_too_few, "a table of 1 has no slot for each of 2 nodes");
	assert_fault("slots", 9, slots_all_of_one,
		     "'n000000' owns 9 of the slots and 'n000001' 0, which is not even by their weights");
	assert_fault("slots", 9, removed_where_none_are, "the removed buckets are 1, and there can be 0");
	assert_fault("slots", 9, none, "there are no buckets");
	assert_fault("slots", 9, huge, "there are 268435457 buckets, and 16777216 is the limit");
}

static void holes_alone_are_no_state_of_jump(void **unused)
{
	uint32_t hole = RING_NONE;
	struct ring_state s = { .buckets = 1, .bucket = &hole };
	struct ring_node drained = { .name = "a", .name_len = 1 };

	(void)unused;
	assert_string_equal(ring_state_fault(&s, ring_algo_find("jump"), &drained, 1),
			    "there are buckets, and no node has weight");
}

static void a_state_taken_again_from_its_numbers_has_the_same_owners(void **unused)
{
	static uint64_t hash[KEYS];
	static uint32_t was[KEYS], is[KEYS];

	(void)unused;
	for (size_t i = 0; i < KEYS; i++)
		hash[i] = draw();
	for (size_t a = 0; a < 3; a++) {
		const struct ring_algo *algo = ring_algo_find(numbered[a]);
		struct list l = list_of(40);
		struct ring_state s = fresh(algo, &l, 0), copy = { 0 };

		leave_and_return(algo, &s, &l, (const uint32_t[]){ 7, 39, 0, 21, 13 }, 5, false);
		leave_and_return(algo, &s, &l, (const uint32_t[]){ 50, 51 }, 2, true);
		copy.buckets = s.buckets;
		copy.removed_n = s.removed_n;
		copy.bucket = malloc(s.buckets * sizeof(*copy.bucket));
		copy.removed = malloc((s.removed_n + 1) * sizeof(*copy.removed));
		for (uint32_t b = 0; b < s.buckets; b++)
			copy.bucket[b] = s.bucket[b];
		for (uint32_t i = 0; i < s.removed_n; i++)
			copy.removed[i] = s.removed[i];
		assert_null(ring_state_fault(&copy, algo, l.node, l.n));
		owners(algo, &s, &l, hash, KEYS, was);
		ring_state_release(&s);
		owners(algo, &copy, &l, hash, KEYS, is);
		assert_memory_equal(was, is, sizeof(was));
		leave_and_return(algo, &copy, &l, (const uint32_t[]){ 60 }, 1, true);
		ring_state_release(&copy);
		list_free(&l);
	}
}

static void a_state_is_refused_beyond_its_limits(void **unused)
{
	const struct ring_algo *anchor = ring_algo_find("anchor"), *jump = ring_algo_find("jump");
	const struct ring_algo *slots = ring_algo_find("slots");
	struct list l = list_of(300), more = list_of(301);
	struct ring_state s, next;

	(void)unused;
	s = fresh(anchor, &l, 0);
	assert_int_equal(s.buckets, 300 + 30 + 118);
	ring_state_release(&s);
	assert_int_equal(ring_state_init(&s, anchor, l.node, l.n, 299), RING_EFULL);
	s = fresh(anchor, &l, 300);
	assert_int_equal(change(&next, anchor, &s, &l, &more), RING_EFULL);
	ring_state_release(&s);
	assert_int_equal(ring_state_init(&s, anchor, l.node, l.n, RING_BUCKETS_MAX + 1), RING_ETOOBIG);
	assert_int_equal(ring_state_init(&s, slots, l.node, l.n, RING_SLOTS_MAX + 1), RING_ETOOBIG);
	assert_int_equal(ring_state_init(&s, slots, l.node, l.n, 299), RING_ETOOBIG);
	s = fresh(slots, &l, 0);
	assert_int_equal(s.buckets, 1 << 19);   /* 300 * 1024, up to a power of two */
	ring_state_release(&s);
	s = fresh(slots, &l, 300);
	assert_int_equal(change(&next, slots, &s, &l, &more), RING_ETOOBIG);
	ring_state_release(&s);
	s = fresh(jump, &l, 0);
	for (uint32_t i = 0; i < l.n; i++)
		l.node[i].weight = RING_WEIGHT_MAX;
	assert_int_equal(change(&next, jump, &s, &l, &l), RING_ETOOBIG);
	assert_int_equal(ring_state_init(&next, jump, l.node, l.n, 0), RING_ETOOBIG);
	assert_int_equal(ring_state_init(&next, anchor, l.node, l.n, 0), RING_ETOOBIG);
	ring_state_release(&s);
	list_free(&l);
	list_free(&more);
}

static void a_list_that_was_all_drained_owns_everything_again(void **unused)
{
	(void)unused;
	for (size_t a = 0; a < 3; a++) {
		const struct ring_algo *algo = ring_algo_find(numbered[a]);
		struct list l = list_of(4), drained = list_of(4);
		struct ring_state s = fresh(algo, &l, 0), empty, again;
		struct ring_conf conf = { .state = &empty };
		struct ring *ring;
		uint64_t hash = draw();
		uint32_t owner;

		for (uint32_t i = 0; i < 4; i++)
			drained.node[i].weight = 0;
		assert_int_equal(change(&empty, algo, &s, &l, &drained), RING_OK);
		assert_null(ring_state_fault(&empty, algo, drained.node, 4));
		assert_int_equal(ring_new(&ring, algo, &conf, drained.node, 4), RING_EDRAINED);
		assert_int_equal(change(&again, algo, &empty, &drained, &l), RING_OK);
		assert_null(ring_state_fault(&again, algo, l.node, 4));
		owners(algo, &again, &l, &hash, 1, &owner);
		assert_in_range(owner, 0, 3);
		ring_state_release(&s);
		ring_state_release(&empty);
		ring_state_release(&again);
		list_free(&l);
		list_free(&drained);
	}
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

/* A ring of 20 nodes with some history; maglev has none. */
static struct ring *seasoned(const char *name, struct ring_state *s, struct list *l)
{
	const struct ring_algo *algo = ring_algo_find(name);
	int rc;

	*l = list_of(23);
	*s = (struct ring_state){ 0 };
	if (!strcmp(name, "maglev"))
		return maglev_of(l, 0, &rc);
	*s = fresh(algo, l, 0);
	leave_and_return(algo, s, l, (const uint32_t[]){ 3, 22, 9, 20, 0 }, 5, false);
	leave_and_return(algo, s, l, (const uint32_t[]){ 30, 31 }, 2, true);
	return ring_of(algo, s, l);
}

static void a_hash_has_one_owner_alone_in_a_batch_and_explained(void **unused)
{
	static const char *const all[] = { "anchor", "jump", "slots", "maglev" };
	static const size_t batches[] = { 1, 2, 63, 64, 65, 127, 128, 129, 1000 };
	static uint64_t hash[KEYS];
	static uint32_t owner[KEYS], part[1000];

	(void)unused;
	for (size_t i = 0; i < KEYS; i++)
		hash[i] = i == 0 ? 0 : i == 1 ? UINT64_MAX : draw();
	for (size_t a = 0; a < 4; a++) {
		struct list l;
		struct ring_state s;
		struct ring *ring = seasoned(all[a], &s, &l);

		ring_owner(ring, hash, KEYS, owner);
		for (size_t b = 0; b < sizeof(batches) / sizeof(*batches); b++) {
			for (size_t i = 0; i + batches[b] <= KEYS; i += batches[b]) {
				ring_owner(ring, hash + i, batches[b], part);
				assert_memory_equal(part, owner + i, batches[b] * sizeof(*part));
			}
		}
		for (size_t i = 0; i < KEYS; i++) {
			struct ring_why why;

			ring_explain(ring, hash[i], &why);
			assert_int_equal(why.owner, owner[i]);
			assert_true(why.has_slot && why.slot < why.slots && why.text && !why.has_point);
			if (s.buckets)
				assert_int_equal(s.bucket[why.slot], owner[i]);
		}
		ring_free(ring);
		ring_state_release(&s);
		list_free(&l);
	}
}

static void shares_of_a_table_are_exact_and_fill_the_circle(void **unused)
{
	static const char *const tables[] = { "slots", "maglev" };

	(void)unused;
	for (size_t a = 0; a < 2; a++) {
		const struct ring_algo *algo = ring_algo_find(tables[a]);
		struct list l = list_of(5);
		struct ring_state s = { 0 };
		struct ring_conf conf = { .table = 13, .state = &s };
		uint64_t share[5], sum = 0;
		struct ring *ring;

		if (a == 0)
			s = fresh(algo, &l, 13);
		else
			conf.state = NULL;
		assert_int_equal(ring_new(&ring, algo, &conf, l.node, l.n), RING_OK);
		assert_true(ring_shares(ring, share));
		for (uint32_t i = 0; i < 5; i++) {
			sum += share[i];
			assert_in_range(share[i], UINT64_MAX / 13 * 2, UINT64_MAX / 13 * 3 + 13);
		}
		assert_int_equal(sum, 0);
		ring_free(ring);
		ring_state_release(&s);
		s = (struct ring_state){ 0 };
		if (a == 0)
			s = fresh(algo, (l.n = 1, &l), 13);
		l.n = 1;
		assert_int_equal(ring_new(&ring, algo, &conf, l.node, 1), RING_OK);
		assert_true(ring_shares(ring, share));
		assert_int_equal(share[0], UINT64_MAX);
		ring_free(ring);
		ring_state_release(&s);
		list_free(&l);
	}
}

static void a_place_on_the_circle_has_the_owner_that_the_shares_say(void **unused)
{
	struct list l = list_of(5);
	uint64_t share[5];
	uint32_t seen[5] = { 0 };
	struct ring *ring;
	int rc;

	(void)unused;
	ring = maglev_of(&l, 1009, &rc);
	assert_true(ring_shares(ring, share));
	for (uint64_t i = 0; i < 1009; i++)
		seen[ring_at(ring, UINT64_MAX / 1009 * i + UINT64_MAX / 2018)]++;
	for (uint32_t i = 0; i < 5; i++)
		assert_int_equal(seen[i], (share[i] + UINT64_MAX / 2018) / (UINT64_MAX / 1009));
	ring_free(ring);
	list_free(&l);
}

/* State files outlive a release, so what a hash comes to must not change from one to the next. */
static void owners_stay_those_of_the_first_release(void **unused)
{
	static const struct { const char *name; uint64_t digest; } first[] = {
		{ "anchor", UINT64_C(0x1394bca193f5220a) },
		{ "jump", UINT64_C(0x539b74fef123883a) },
		{ "slots", UINT64_C(0x3040ff0ea4660917) },
		{ "maglev", UINT64_C(0xc573520d00580c45) },
	};
	uint64_t seed = random_state;

	(void)unused;
	for (size_t a = 0; a < sizeof(first) / sizeof(*first); a++) {
		struct list l;
		struct ring_state s;
		struct ring *ring = seasoned(first[a].name, &s, &l);
		uint64_t digest = 0;

		random_state = 1;
		for (size_t i = 0; i < 100000; i++) {
			uint64_t hash = draw();
			uint32_t owner;

			ring_owner(ring, &hash, 1, &owner);
			digest = mix64(digest + l.id[owner] + 1);
		}
		assert_int_equal(digest, first[a].digest);
		ring_free(ring);
		ring_state_release(&s);
		list_free(&l);
	}
	random_state = seed;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(jump_gives_the_published_answers),
		cmocka_unit_test(jump_owners_are_those_of_the_double_arithmetic),
		cmocka_unit_test(maglev_fills_the_table_of_the_papers_example),
		cmocka_unit_test(maglev_weights_take_turns_as_in_envoy),
		cmocka_unit_test(maglev_owner_is_the_entry_at_hash_mod_size),
		cmocka_unit_test(maglev_wants_a_prime_table_with_room_for_every_node),
		cmocka_unit_test(a_drained_node_has_no_entry_and_no_place_in_maglev),
		cmocka_unit_test(through_any_history_a_key_moves_only_from_who_shrank_or_to_who_grew),
		cmocka_unit_test(one_node_more_or_less_moves_its_share_at_every_size),
		cmocka_unit_test(nodes_that_leave_and_return_in_any_order_cost_the_others_nothing),
		cmocka_unit_test(a_node_that_comes_back_next_gets_all_its_keys_again),
		cmocka_unit_test(a_jump_hole_at_the_end_is_kept_and_the_bucket_that_goes_last_is_not),
		cmocka_unit_test(anchor_finds_what_the_papers_whole_working_sets_would_say),
		cmocka_unit_test(keys_spread_over_the_nodes_as_draws_of_chance_would),
		cmocka_unit_test(slots_moves_as_few_slots_as_any_even_table_allows),
		cmocka_unit_test(as_nodes_come_no_slot_moves_every_time),
		cmocka_unit_test(a_fresh_table_is_dealt_in_turn_by_weight),
		cmocka_unit_test(every_way_a_state_can_be_wrong_is_said_in_a_clause),
		cmocka_unit_test(holes_alone_are_no_state_of_jump),
		cmocka_unit_test(a_state_taken_again_from_its_numbers_has_the_same_owners),
		cmocka_unit_test(a_state_is_refused_beyond_its_limits),
		cmocka_unit_test(a_list_that_was_all_drained_owns_everything_again),
		cmocka_unit_test(anchor_keeps_sixteen_bytes_a_node_or_less),
		cmocka_unit_test(a_hash_has_one_owner_alone_in_a_batch_and_explained),
		cmocka_unit_test(shares_of_a_table_are_exact_and_fill_the_circle),
		cmocka_unit_test(a_place_on_the_circle_has_the_owner_that_the_shares_say),
		cmocka_unit_test(owners_stay_those_of_the_first_release),
	};
	const char *seed = getenv("SEED");

	random_state = seed ? strtoull(seed, NULL, 0) : 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
