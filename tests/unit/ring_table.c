/* lib/ring: a table, whatever filled it, gives a hash one owner, exact shares, and the same owners in every release. */
#include "tests/unit/numbered_rig.h"

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
		cmocka_unit_test(a_hash_has_one_owner_alone_in_a_batch_and_explained),
		cmocka_unit_test(shares_of_a_table_are_exact_and_fill_the_circle),
		cmocka_unit_test(owners_stay_those_of_the_first_release),
	};

	rig_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
