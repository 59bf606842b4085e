/* Unit tests of lib/raft: its log, its speed, and what it says to nonsense. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/raft/log.h"
#include "lib/raft/raft.h"
#include "tests/unit/nonsense.h"

static const struct raft_options usual = {
	.election_min_ns = 150 * MS, .election_max_ns = 300 * MS, .heartbeat_ns = 50 * MS,
	.window_bytes = 4096, .window_messages = 8, .message_bytes = 512, .pre_vote = true, .check_quorum = true,
};

/* --- Nonsense --- */

static const char *some_name(void)
{
	static char name[8];

	put_name(name, 1 + (int)any_below(5));
	return name;
}

static uint64_t some_number(void)
{
	static const uint64_t edge[] = { 0, 1, RAFT_INDEX_MAX - 1, RAFT_INDEX_MAX, RAFT_INDEX_MAX + 1, UINT64_MAX };

	return chance(900) ? any_below(12) : edge[any_below(sizeof(edge) / sizeof(*edge))];
}

static struct raft_config some_config(void)
{
	struct raft_config config = { .count = (uint32_t)any_below(6) };

	for (uint32_t i = 0; i < config.count; i++) {
		put_name(config.member[i].name, 1 + (int)any_below(5));
		config.member[i].voter = chance(700);
	}
	return config;
}

static struct raft_message some_message(const struct raft_entry *entries)
{
	struct raft_message m = {
		.type = (enum raft_message_type)any_below(RAFT_TIMEOUT_NOW + 1),
		.term = some_number(), .last_log_index = some_number(), .last_log_term = some_number(),
		.pre_vote = chance(500), .transfer = chance(500), .vote_granted = chance(500),
		.prev_log_index = some_number(), .prev_log_term = some_number(), .leader_commit = some_number(),
		.count = (uint32_t)any_below(4), .entries = entries, .round = some_number(),
		.success = chance(500), .match_index = some_number(), .conflict_index = some_number(),
		.conflict_term = some_number(), .last_included_index = some_number(), .last_included_term = some_number(),
		.offset = some_number(), .data_bytes = (uint32_t)any_below(20), .done = chance(300),
	};

	put_name(m.peer, 1 + (int)any_below(5));
	return m;
}

static void a_core_takes_any_message(void **state)
{
	struct raft_options o = usual;

	(void)state;
	o.id = "n1";
	nonsense = 77;
	for (int life = 0; life < 2000; life++) {
		struct raft_config config = some_config();
		struct raft_entry entries[4] = { { .bytes = 0 } };
		struct raft_snapshot loading = { 0, 0, 0 };
		struct raft_out out;
		uint64_t now = 0;
		struct raft *r;

		o.initial = some_config();
		o.seed = (uint64_t)life;
		o.check_quorum = chance(500);
		r = raft_new(&o, 0);
		for (int step = 0; step < 150; step++) {
			struct raft_message m = some_message(entries);
			struct raft_in in = { .kind = RAFT_RECV, .now_ns = now += any_below(40 * MS), .message = &m };

			for (int i = 0; i < 4; i++)
				entries[i] = (struct raft_entry){ some_number(), (uint32_t)any_below(100),
								  chance(200) ? &config : NULL };
			if (chance(300))
				in.kind = chance(500) ? RAFT_TICK : RAFT_READ;
			else if (chance(100))
				in = (struct raft_in){ .kind = RAFT_PERSISTED, .now_ns = now, .index = some_number() };
			else if (chance(50))
				in = (struct raft_in){ .kind = chance(500) ? RAFT_JOIN : RAFT_LEAVE, .now_ns = now,
						       .name = some_name() };
			else if (chance(50))
				in = (struct raft_in){ .kind = chance(500) ? RAFT_TRANSFER : RAFT_PEER_DOWN,
						       .now_ns = now, .name = some_name() };
			else if (loading.index && chance(500))
				in = (struct raft_in){ .kind = RAFT_INSTALLED, .now_ns = now, .snapshot = loading,
						       .config = &config };
			raft_step(r, &in, &out);
			if (in.kind == RAFT_INSTALLED)
				loading.index = 0;
			if (out.chunk && m.done)
				loading = (struct raft_snapshot){ m.last_included_index, m.last_included_term, 100 };
			for (size_t i = 0; i < out.message_count; i++)
				assert_true(out.messages[i].prev_log_index + out.messages[i].count <= raft_last_index(r));
		}
		raft_free(r);
	}
}

/* --- Recovery --- */

static struct raft *recovered(raft_index snapshot, raft_term term, const raft_term *terms, int n)
{
	struct raft_options o = usual;
	struct raft *r;

	o.id = "n1";
	o.initial = (struct raft_config){ .count = 1, .member = { { "n1", true } } };
	r = raft_new(&o, 0);
	if (snapshot)
		raft_load_snapshot(r, &(struct raft_snapshot){ snapshot, term, 10 }, &o.initial);
	if (snapshot)
		raft_load_base(r, 0, 0);
	raft_load_state(r, 9, "n1");
	for (int i = 0; i < n; i++)
		raft_load_entry(r, &(struct raft_entry){ terms[i], 10, NULL });
	return r;
}

static struct raft_out first_step(struct raft *r)
{
	struct raft_in in = { .kind = RAFT_PERSISTED };
	struct raft_out out;

	raft_step(r, &in, &out);
	return out;
}

static void a_log_that_a_snapshot_overtook_gives_way_to_it(void **state)
{
	struct raft *r = recovered(3, 2, (raft_term[]){ 1, 1 }, 2);

	(void)state;
	assert_int_equal(first_step(r).truncate_from, 1);
	assert_int_equal(raft_first_index(r), 4);
	assert_int_equal(raft_last_index(r), 3);
	assert_int_equal(raft_term_at(r, 3), 2);
	raft_free(r);

	/* Another history: the same. */
	r = recovered(3, 2, (raft_term[]){ 1, 1, 1, 1 }, 4);
	assert_int_equal(first_step(r).truncate_from, 1);
	assert_int_equal(raft_last_index(r), 3);
	raft_free(r);
}

static void what_follows_a_snapshot_in_the_log_is_kept(void **state)
{
	struct raft *r = recovered(3, 2, (raft_term[]){ 1, 1, 2, 2, 9 }, 5);

	(void)state;
	assert_int_equal(first_step(r).truncate_from, 0);
	assert_int_equal(raft_first_index(r), 1);
	assert_int_equal(raft_last_index(r), 5);
	assert_int_equal(raft_commit_index(r), 3);
	assert_int_equal(raft_term_at(r, 5), 9);
	raft_free(r);
}

static void entries_replaced_later_in_the_log_are_forgotten(void **state)
{
	struct raft *r = recovered(0, 0, (raft_term[]){ 1, 2, 3 }, 3);

	(void)state;
	raft_load_truncate(r, 2);
	raft_load_entry(r, &(struct raft_entry){ 5, 10, NULL });
	raft_load_truncate(r, 7);
	first_step(r);
	assert_int_equal(raft_last_index(r), 2);
	assert_int_equal(raft_term_at(r, 2), 5);
	assert_string_equal(raft_voted_for(r), "n1");
	raft_free(r);
}

static void no_election_begins_where_the_numbers_end(void **state)
{
	struct raft_options o = usual;
	struct raft_in in = { .kind = RAFT_TICK, .now_ns = 1000 * MS };
	struct raft_out out;
	struct raft *r;

	(void)state;
	o.id = "n1";
	o.initial = (struct raft_config){ .count = 1, .member = { { "n1", true } } };
	r = raft_new(&o, 0);
	raft_load_state(r, RAFT_INDEX_MAX, "");
	raft_step(r, &in, &out);
	assert_int_equal(raft_role(r), RAFT_FOLLOWER);
	assert_true(out.deadline_ns == UINT64_MAX);
	raft_free(r);
}

/* --- The log --- */

enum { LOG_ENTRIES = 3000 };

static void check_log(const struct raft_log *log, const raft_term *terms, const uint32_t *bytes)
{
	raft_index from = log->first + any_below(log->last + 1 - log->first), at = from;
	uint64_t limit = any_below(200000), sum = 0;
	raft_index cut;

	if (log->first > log->last)
		return;
	assert_int_equal(raft_log_term(log, at), terms[at]);
	for (at = from; at > log->first && terms[at - 1] == terms[from]; at--)
		;
	assert_int_equal(raft_log_run_first(log, from), at);
	for (at = from; at >= log->first && terms[at] > terms[from] / 2; at--)
		;
	assert_int_equal(raft_log_last_upto(log, from, terms[from] / 2), at);
	cut = raft_log_cut(log, from, limit);
	assert_in_range(cut, from, log->last);
	for (at = from; at <= cut; at++)
		sum += bytes[at] + 32;
	/* Roughly: a stretch between two marks more or less. */
	assert_true(sum <= limit + 3 * (64 * 132 + 70000));
	assert_true(raft_log_bytes(log, from, cut) <= sum + 2 * (64 * 132 + 70000));
}

static void a_log_keeps_terms_exactly_and_bytes_roughly(void **state)
{
	static raft_term terms[LOG_ENTRIES + 2];
	static uint32_t bytes[LOG_ENTRIES + 2];
	struct raft_log log;
	raft_term term = 1;

	(void)state;
	nonsense = 5;
	raft_log_init(&log);
	for (int i = 0; i < 30000; i++) {
		if (chance(3) && log.last >= log.first)
			raft_log_truncate(&log, log.last - any_below(log.last + 1 - log.first) % 200);
		if (chance(2))
			raft_log_compact(&log, log.first + any_below(log.last + 2 - log.first));
		if (chance(20))
			term += 1 + any_below(3);
		if (log.last < LOG_ENTRIES) {
			bytes[log.last + 1] = (uint32_t)any_below(chance(5) ? 70000 : 100);
			terms[log.last + 1] = term;
			raft_log_append(&log, term, bytes[log.last]);
		}
		check_log(&log, terms, bytes);
	}
	raft_log_release(&log);
}

static void half_a_million_entries_take_little_memory(void **state)
{
	struct raft_log log;

	(void)state;
	raft_log_init(&log);
	for (int i = 0; i < 500000; i++)
		raft_log_append(&log, 1 + (raft_term)i / 100000, 100);
	assert_true(log.mark_room * sizeof(*log.mark) + log.run_room * sizeof(*log.run) <= 500000 / 64 * 16 * 3);
	raft_log_release(&log);
}

/* --- Speed --- */

/* A leader of three; what it says is only looked at. */
static struct raft *a_leader(struct raft_out *out)
{
	struct raft_options o = usual;
	struct raft_message grant = { .type = RAFT_REQUEST_VOTE_OK, .peer = "n2", .term = 1, .vote_granted = true };
	struct raft_in in = { .kind = RAFT_TICK, .now_ns = 1000 * MS };
	struct raft *r;

	o.id = "n1";
	o.initial = (struct raft_config){ .count = 3, .member = { { "n1", true }, { "n2", true }, { "n3", true } } };
	o.pre_vote = false;
	o.window_messages = 64;
	o.window_bytes = 1 << 20;
	o.message_bytes = 1 << 16;
	r = raft_new(&o, 0);
	raft_step(r, &in, out);
	in = (struct raft_in){ .kind = RAFT_RECV, .now_ns = 2000 * MS, .message = &grant };
	raft_step(r, &(struct raft_in){ .kind = RAFT_TICK, .now_ns = 2000 * MS }, out);
	raft_step(r, &in, out);
	assert_int_equal(raft_role(r), RAFT_LEADER);
	return r;
}

static void a_proposal_and_its_acknowledgements_are_quick(void **state)
{
	enum { ROUNDS = 20000, BATCH = 100 };
	static struct raft_entry entries[BATCH];
	struct raft_message ack = { .type = RAFT_APPEND_ENTRIES_OK, .term = 1, .success = true };
	struct raft_in propose = { .kind = RAFT_PROPOSE, .now_ns = 2000 * MS, .entries = entries, .count = BATCH };
	struct raft_in recv = { .kind = RAFT_RECV, .now_ns = 2000 * MS, .message = &ack };
	struct raft_in persisted = { .kind = RAFT_PERSISTED, .now_ns = 2000 * MS };
	struct raft_out out;
	struct raft *r = a_leader(&out);
	uint64_t since = clock_ns();
	double ns;

	(void)state;
	for (int i = 0; i < BATCH; i++)
		entries[i].bytes = 100;
	for (int i = 0; i < ROUNDS; i++) {
		raft_step(r, &propose, &out);
		ack.match_index = persisted.index = raft_last_index(r);
		for (int follower = 2; follower <= 3; follower++) {
			put_name(ack.peer, follower);
			raft_step(r, &recv, &out);
		}
		raft_step(r, &persisted, &out);
	}
	ns = (double)(clock_ns() - since) / ROUNDS;
	assert_int_equal(raft_commit_index(r), raft_last_index(r));
	print_message("# %d entries proposed, acknowledged by two and persisted: %.0f ns\n", BATCH, ns);
	assert_true(ns < 50000);
	raft_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_log_keeps_terms_exactly_and_bytes_roughly),
		cmocka_unit_test(half_a_million_entries_take_little_memory),
		cmocka_unit_test(a_log_that_a_snapshot_overtook_gives_way_to_it),
		cmocka_unit_test(what_follows_a_snapshot_in_the_log_is_kept),
		cmocka_unit_test(entries_replaced_later_in_the_log_are_forgotten),
		cmocka_unit_test(no_election_begins_where_the_numbers_end),
		cmocka_unit_test(a_core_takes_any_message),
		cmocka_unit_test(a_proposal_and_its_acknowledgements_are_quick),
	};

	return cmocka_run_group_tests_name("raft", tests, NULL, NULL);
}
