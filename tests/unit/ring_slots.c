/* lib/ring/slots: tables are even, and no more slots move than have to. */
#include "tests/unit/numbered_rig.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(slots_moves_as_few_slots_as_any_even_table_allows),
		cmocka_unit_test(as_nodes_come_no_slot_moves_every_time),
		cmocka_unit_test(a_fresh_table_is_dealt_in_turn_by_weight),
	};

	rig_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
