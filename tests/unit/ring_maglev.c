/* lib/ring/maglev: its table is that of the paper, by weights that of Envoy. */
#include "lib/ring/maglev.h"
#include "tests/unit/numbered_rig.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(maglev_fills_the_table_of_the_papers_example),
		cmocka_unit_test(maglev_weights_take_turns_as_in_envoy),
		cmocka_unit_test(maglev_owner_is_the_entry_at_hash_mod_size),
		cmocka_unit_test(maglev_wants_a_prime_table_with_room_for_every_node),
		cmocka_unit_test(a_drained_node_has_no_entry_and_no_place_in_maglev),
		cmocka_unit_test(a_place_on_the_circle_has_the_owner_that_the_shares_say),
	};

	rig_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
