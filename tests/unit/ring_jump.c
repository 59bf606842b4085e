/* lib/ring/jump: the owners are those of the paper, and what becomes of holes. */
#include "tests/unit/numbered_rig.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(jump_gives_the_published_answers),
		cmocka_unit_test(jump_owners_are_those_of_the_double_arithmetic),
		cmocka_unit_test(a_jump_hole_at_the_end_is_kept_and_the_bucket_that_goes_last_is_not),
	};

	rig_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
