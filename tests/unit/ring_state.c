/* lib/ring/state: what makes a state of the numbered algorithms wrong, its limits, and that its numbers are all it is. */
#include "tests/unit/numbered_rig.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_way_a_state_can_be_wrong_is_said_in_a_clause),
		cmocka_unit_test(holes_alone_are_no_state_of_jump),
		cmocka_unit_test(a_state_taken_again_from_its_numbers_has_the_same_owners),
		cmocka_unit_test(a_state_is_refused_beyond_its_limits),
		cmocka_unit_test(a_list_that_was_all_drained_owns_everything_again),
	};

	rig_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
