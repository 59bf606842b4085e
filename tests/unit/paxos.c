/* Unit tests of lib/paxos: its slots, its quorums, its speed, and what it says to nonsense. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/paxos/slots.h"
#include "tests/unit/nonsense.h"

static const struct paxos_options usual = {
	.election_min_ns = 150 * MS, .election_max_ns = 300 * MS, .heartbeat_ns = 50 * MS,
	.window_bytes = 4096, .window_messages = 8, .message_bytes = 512, .roles = PAXOS_ALL_ROLES,
};

/* --- Quorums --- */

static struct paxos_config voters(int n)
{
	struct paxos_config config = { .count = (uint32_t)n };

	for (int i = 0; i < n; i++) {
		put_name(config.member[i].name, i + 1);
		config.member[i].voter = true;
	}
	return config;
}

static void quorums_that_need_not_meet_are_refused(void **state)
{
	struct paxos_config five = voters(5);
	struct paxos_quorums grid = { .rows = 2, .columns = 3, .grid = { "n1", "n2", "n3", "n4", "n5", "" } };

	(void)state;
	assert_null(paxos_quorums_wrong(&(struct paxos_quorums){ 0 }, &five));
	for (uint32_t one = 1; one <= 6; one++)
		for (uint32_t two = 1; two <= 6; two++) {
			struct paxos_quorums q = { .count1 = one, .count2 = two };
			bool meet = one <= 5 && two <= 5 && one + two > 5;

			assert_int_equal(paxos_quorums_wrong(&q, &five) == NULL, meet);
		}
	assert_null(paxos_quorums_wrong(&grid, &five));
	strcpy(grid.grid[5], "n5");
	assert_non_null(paxos_quorums_wrong(&grid, &five));
	strcpy(grid.grid[5], "n6");
	assert_non_null(paxos_quorums_wrong(&grid, &five));
	grid = (struct paxos_quorums){ .rows = 2, .columns = 5, .grid = { "n1", "n2", "n3", "n4", "n5" } };
	assert_non_null(paxos_quorums_wrong(&grid, &five));
}

/* --- Nonsense --- */

static uint64_t some_number(void)
{
	static const uint64_t edge[] = { 0, 1, PAXOS_SLOT_MAX - 1, PAXOS_SLOT_MAX, PAXOS_SLOT_MAX + 1, UINT64_MAX };

	return chance(950) ? any_below(12) : edge[any_below(sizeof(edge) / sizeof(*edge))];
}

static struct paxos_ballot some_ballot(void)
{
	struct paxos_ballot b = { .round = some_number() };

	put_name(b.node, 1 + (int)any_below(5));
	return b;
}

static struct paxos_config some_config(void)
{
	struct paxos_config config = { .count = (uint32_t)any_below(6), .epoch = any_below(3) };
	uint32_t kept = 0;

	for (uint32_t i = 0; i < config.count; i++) {
		put_name(config.member[kept].name, (int)i + 1);
		config.member[kept].incarnation = any_below(4);
		config.member[kept].voter = chance(700);
		kept += chance(800);
	}
	config.count = kept;
	return config;
}

static struct paxos_message some_message(const struct paxos_value *values, const struct paxos_register *registers)
{
	static const char *const name[] = { "a", "b", "c" };
	struct paxos_message m = {
		.type = (enum paxos_message_type)any_below(PAXOS_SYNC_OK + 1), .ballot = some_ballot(),
		.promised = some_ballot(), .instance = chance(300) ? name[any_below(3)] : NULL, .epoch = any_below(3),
		.from = some_number(), .slot = some_number(), .upto = some_number(), .count = (uint32_t)any_below(4),
		.values = values, .more = chance(200), .pre = chance(300), .transfer = chance(300),
		.round = some_number(), .incarnation = any_below(5), .fresh = chance(500), .known = chance(200),
		.learner = chance(200), .change = chance(500), .after = name[any_below(3)], .registers = registers,
		.complete = chance(300), .last_included_index = some_number(), .offset = some_number(),
		.data_bytes = (uint32_t)any_below(20), .done = chance(300),
	};

	m.accepted.accepted = some_ballot();
	put_name(m.peer, 1 + (int)any_below(5));
	if (chance(500))
		strcpy(m.ballot.node, m.peer);
	return m;
}

static struct paxos_in some_input(uint64_t now, uint64_t record)
{
	static const char *const name[] = { "n1", "n2", "n3", "n4", "n5" };
	static const enum paxos_in_kind kind[] = {
		PAXOS_TICK, PAXOS_TICK, PAXOS_READ, PAXOS_PERSISTED, PAXOS_PERSISTED,
		PAXOS_JOIN, PAXOS_LEAVE, PAXOS_TRANSFER,
		PAXOS_PEER_DOWN, PAXOS_REGISTER, PAXOS_REGISTER_VALUE, PAXOS_REGISTER_END, PAXOS_INSTALL_FAILED,
	};

	return (struct paxos_in){
		.kind = kind[any_below(sizeof(kind) / sizeof(*kind))], .now_ns = now, .name = name[any_below(5)],
		.record = any_below(record + 2), .instance = chance(500) ? "a" : "b", .request = 1 + any_below(20),
		.change = chance(500), .keep = chance(500),
	};
}

static void a_core_takes_any_message(void **state)
{
	struct paxos_options o = usual;

	(void)state;
	o.id = "n1";
	nonsense = 77;
	for (int life = 0; life < 2000; life++) {
		struct paxos_config config = some_config();
		struct paxos_snapshot loading = { 0, 0 };
		struct paxos_out out;
		uint64_t now = 0, record = 0;
		struct paxos *c;

		o.initial = some_config();
		o.seed = (uint64_t)life;
		o.fresh = chance(300);
		o.incarnation = 1 + any_below(4);
		c = paxos_new(&o, 0);
		for (int step = 0; step < 150; step++) {
			struct paxos_value values[4];
			struct paxos_register registers[4];
			struct paxos_message m = some_message(values, registers);
			struct paxos_in in = { .kind = PAXOS_RECV, .now_ns = now += any_below(40 * MS), .message = &m };

			for (int i = 0; i < 4; i++) {
				values[i] = (struct paxos_value){ some_ballot(), some_number(), (uint32_t)any_below(100),
								  chance(200) ? &config : NULL };
				registers[i] = (struct paxos_register){
					chance(500) ? "a" : "b", some_ballot(), some_ballot(),
					chance(500), chance(300),
				};
			}
			if (chance(400))
				in = some_input(now, record);
			else if (loading.index && chance(500))
				in = (struct paxos_in){ .kind = PAXOS_INSTALLED, .now_ns = now, .snapshot = loading,
							.config = &config };
			paxos_step(c, &in, &out);
			if (in.kind == PAXOS_INSTALLED)
				loading.index = 0;
			if (out.record)
				record = out.record;
			if (out.chunk && m.done)
				loading = (struct paxos_snapshot){ m.last_included_index, 100 };
			for (size_t i = 0; i < out.message_count; i++)
				if (out.messages[i].type == PAXOS_ACCEPT && !out.messages[i].instance)
					assert_true(out.messages[i].slot + out.messages[i].count <= paxos_last_slot(c) + 1);
		}
		paxos_free(c);
	}
}

/* --- The slots --- */

enum { SLOTS = 3000 };

static void check_slots(const struct paxos_slots *s, const uint64_t *rounds, const uint32_t *bytes)
{
	paxos_slot from, end, cut, at;
	uint64_t limit = any_below(200000), sum = 0;
	struct paxos_ballot ballot = { 0, "n1" };

	for (at = s->first; at <= s->last && rounds[at]; at++)
		;
	assert_int_equal(s->in_order, at - 1);
	if (s->first > s->last)
		return;
	from = s->first + any_below(s->last + 1 - s->first);
	assert_int_equal(paxos_slots_run(s, from, &end)->round, rounds[from]);
	for (at = from; at <= s->last && rounds[at] == rounds[from]; at++)
		;
	assert_int_equal(end, at - 1);
	ballot.round = rounds[from];
	assert_int_equal(paxos_slots_upto(s, from, &ballot), rounds[from] ? end : from - 1);
	cut = paxos_slots_cut(s, from, limit);
	assert_in_range(cut, from, s->last);
	for (at = from; at <= cut; at++)
		sum += bytes[at] + 8;
	/* Roughly: a stretch between two marks more or less. */
	assert_true(sum <= limit + 6 * (64 * 108 + 70000));
}

static void slots_keep_ballots_exactly_and_bytes_roughly(void **state)
{
	static uint64_t rounds[SLOTS + 300];
	static uint32_t bytes[SLOTS + 300];
	struct paxos_value values[40];
	struct paxos_slots s;

	(void)state;
	nonsense = 5;
	for (int life = 0; life < 8; life++) {
		struct paxos_ballot ballot = { 1, "n1" };

		paxos_slots_init(&s);
		memset(rounds, 0, sizeof(rounds));
		memset(bytes, 0, sizeof(bytes));
		for (int i = 0; i < 4000 && s.last < SLOTS; i++) {
			paxos_slot slot = s.last + 1;
			uint32_t count = 1 + (uint32_t)any_below(chance(100) ? 40 : 3);

			if (chance(20))
				slot += any_below(20);
			if (chance(200) && s.last >= s.first)
				slot = s.last - any_below(s.last + 1 - s.first) % 100;
			if (chance(30))
				ballot.round++;
			for (uint32_t k = 0; k < count; k++) {
				values[k].bytes = (uint32_t)any_below(chance(2) ? 70000 : 100);
				bytes[slot + k] = values[k].bytes;
				rounds[slot + k] = ballot.round;
			}
			paxos_slots_set(&s, slot, count, &ballot, values, 0);
			if (chance(3))
				paxos_slots_drop(&s, s.first + any_below(s.in_order + 2 - s.first));
			check_slots(&s, rounds, bytes);
		}
		paxos_slots_release(&s);
	}
}

static void half_a_million_slots_take_little_memory(void **state)
{
	struct paxos_slots s;
	struct paxos_value value = { .bytes = 100 };

	(void)state;
	paxos_slots_init(&s);
	for (int i = 0; i < 500000; i++)
		paxos_slots_set(&s, s.last + 1, 1, &(struct paxos_ballot){ 1 + (uint64_t)i / 100000, "n1" }, &value, 0);
	assert_true(s.mark_room * sizeof(*s.mark) + s.run_room * sizeof(*s.run) <= 500000 / 64 * 16 * 3);
	paxos_slots_release(&s);
}

/* --- Speed --- */

static void step_at(struct paxos *c, struct paxos_in *in, struct paxos_out *out)
{
	in->now_ns = 2000 * MS;
	paxos_step(c, in, out);
}

/* A leader of three; what it says is only looked at. */
static struct paxos *a_leader(struct paxos_out *out)
{
	struct paxos_options o = usual;
	struct paxos_message promise = { .type = PAXOS_PROMISE, .peer = "n2", .from = 1, .pre = true };
	struct paxos_in recv = { .kind = PAXOS_RECV, .message = &promise };
	struct paxos *c;

	o.id = "n1";
	o.initial = voters(3);
	o.window_messages = 64;
	o.window_bytes = 1 << 20;
	o.message_bytes = 1 << 16;
	c = paxos_new(&o, 0);
	paxos_step(c, &(struct paxos_in){ .kind = PAXOS_TICK, .now_ns = 1000 * MS }, out);
	step_at(c, &(struct paxos_in){ .kind = PAXOS_TICK }, out);
	promise.ballot = paxos_ballot(c);
	step_at(c, &recv, out);
	promise.pre = false;
	promise.ballot = paxos_ballot(c);
	step_at(c, &recv, out);
	step_at(c, &(struct paxos_in){ .kind = PAXOS_PERSISTED, .record = UINT64_MAX }, out);
	assert_int_equal(paxos_role(c), PAXOS_IS_LEADER);
	return c;
}

static void a_proposal_and_its_acknowledgements_are_quick(void **state)
{
	enum { ROUNDS = 20000, BATCH = 100 };
	static struct paxos_value values[BATCH];
	struct paxos_message ack = { .type = PAXOS_ACCEPTED, .count = BATCH };
	struct paxos_in propose = { .kind = PAXOS_PROPOSE, .values = values, .count = BATCH };
	struct paxos_in recv = { .kind = PAXOS_RECV, .message = &ack };
	struct paxos_in persisted = { .kind = PAXOS_PERSISTED };
	struct paxos_out out;
	struct paxos *c = a_leader(&out);
	uint64_t since = clock_ns();
	double ns;

	(void)state;
	ack.ballot = paxos_ballot(c);
	for (int i = 0; i < BATCH; i++)
		values[i].bytes = 100;
	for (int i = 0; i < ROUNDS; i++) {
		step_at(c, &propose, &out);
		ack.slot = out.propose_first;
		persisted.record = out.record;
		for (int acceptor = 2; acceptor <= 3; acceptor++) {
			put_name(ack.peer, acceptor);
			step_at(c, &recv, &out);
		}
		step_at(c, &persisted, &out);
	}
	ns = (double)(clock_ns() - since) / ROUNDS;
	assert_int_equal(paxos_chosen_upto(c), paxos_last_slot(c));
	print_message("# %d values proposed, accepted by two and persisted: %.0f ns\n", BATCH, ns);
	assert_true(ns < 50000);
	paxos_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(slots_keep_ballots_exactly_and_bytes_roughly),
		cmocka_unit_test(half_a_million_slots_take_little_memory),
		cmocka_unit_test(quorums_that_need_not_meet_are_refused),
		cmocka_unit_test(a_core_takes_any_message),
		cmocka_unit_test(a_proposal_and_its_acknowledgements_are_quick),
	};

	return cmocka_run_group_tests_name("paxos", tests, NULL, NULL);
}
