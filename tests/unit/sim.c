/*
 * Unit tests of tests/sim: that a plan is a run, whatever way it is told; and of both protocols' cores in it, in virtual time: how
 * long a dead leader is missed, how long proposers duel.
 */
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/sim/world.h"

enum { SEEDS = 30, KILLS = 200, DUELS = 500, VALUE = 8 };

static struct sim_verdict verdict;

/* --- Plans --- */

static void run_is(const struct sim_plan *p, uint64_t hash)
{
	sim_run(p, &verdict);
	assert_true(verdict.holds);
	assert_true(verdict.hash == hash);
}

static uint64_t run_of(const struct sim_plan *p)
{
	sim_run(p, &verdict);
	assert_true(verdict.holds);
	assert_true(verdict.tally.steps > 0);
	return verdict.hash;
}

static void each_seed(void (*f)(struct sim_plan *))
{
	for (int protocol = 0; protocol < SIM_PROTOCOLS; protocol++)
		for (uint64_t seed = 1; seed <= SEEDS; seed++) {
			struct sim_plan p;

			sim_plan_draw(&p, (enum sim_protocol)protocol, seed);
			f(&p);
			sim_plan_release(&p);
		}
}

static void runs_twice(struct sim_plan *p)
{
	run_is(p, run_of(p));
}

static void a_plan_is_one_run(void **state)
{
	(void)state;
	each_seed(runs_twice);
}

static void reads_back(struct sim_plan *p)
{
	FILE *f = tmpfile();
	struct sim_plan again;
	const char *why;
	size_t line;

	assert_non_null(f);
	sim_plan_print(p, f);
	rewind(f);
	assert_int_equal(sim_plan_read(&again, f, &line, &why), 0);
	fclose(f);
	assert_int_equal(again.count, p->count);
	run_is(&again, run_of(p));
	sim_plan_release(&again);
}

static void a_plan_as_text_is_the_same_run(void **state)
{
	(void)state;
	each_seed(reads_back);
}

static void records(struct sim_plan *p)
{
	uint64_t hash = run_of(p);
	struct sim_plan recorded;

	sim_run_record(p, &verdict, &recorded);
	assert_true(verdict.hash == hash);
	run_is(&recorded, hash);
	sim_plan_release(&recorded);
}

static void a_recorded_run_is_the_same_run(void **state)
{
	(void)state;
	each_seed(records);
}

static void masks(struct sim_plan *p)
{
	struct sim_plan less;
	uint64_t all = run_of(p), hash;

	for (size_t i = 0; i < p->count; i += 3)
		p->intent[i].off = true;
	sim_plan_copy(&less, p);
	assert_int_equal(less.count, p->count - (p->count + 2) / 3);
	hash = run_of(p);
	assert_true(hash != all);
	run_is(&less, hash);
	sim_plan_release(&less);
}

static void what_is_masked_out_is_not_there(void **state)
{
	(void)state;
	each_seed(masks);
}

static void a_plan_that_is_none_is_refused_with_its_line(void **state)
{
	static const struct { const char *text; size_t line; } bad[] = {
		{ "", 0 }, { "sim chubby\n", 1 }, { "sim raft\nfounders 10\n", 2 }, { "sim raft\nfounders three\n", 2 },
		{ "sim raft\nfounders\n", 2 }, { "sim raft\nlosses 1\n", 2 }, { "sim raft\nfounders 3\nnodes 2\nclients 1\nkeys 1\n", 5 },
		{ "sim raft\n1 op c1 read k0 value 0 plain\n", 2 }, { "sim raft\n1 op c99 read k0 value 1 plain\n", 2 },
		{ "sim raft\n1 explode n1\n", 2 }, { "sim raft\n5 join n1\n4 join n1\n", 3 }, { "sim raft\n5 join leader\n", 2 },
		{ "sim raft\n5 fault 7 {\"type\":\"flood\"}\n", 2 }, { "sim raft\n0 fate n1>n2 1 after\n", 2 },
		{ "sim raft\n0 fate n1>n2 1 lost 5\n", 2 }, { "sim raft\n0 fate x1>n2 1 lost\n", 2 }, { "sim raft\n5 drift n1 0\n", 2 },
		{ "sim raft\nfounders 1\nnodes 1\nclients 1\nkeys 1\n5 join n2\n", 6 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		FILE *f = tmpfile();
		struct sim_plan p;
		const char *why;
		size_t line;

		assert_non_null(f);
		fputs(bad[i].text, f);
		rewind(f);
		assert_int_equal(sim_plan_read(&p, f, &line, &why), -1);
		assert_int_equal(line, bad[i].line);
		assert_non_null(why);
		fclose(f);
	}
}

/* Each a failure that was mended, made small; its head says which. */
static void what_was_found_once_holds(void **state)
{
	glob_t found;

	(void)state;
	assert_int_equal(glob("tests/scenario/sim/*.txt", 0, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		FILE *f = fopen(found.gl_pathv[i], "r");
		struct sim_plan p;
		const char *why;
		size_t line;

		assert_non_null(f);
		assert_int_equal(sim_plan_read(&p, f, &line, &why), 0);
		fclose(f);
		sim_run(&p, &verdict);
		if (!verdict.holds)
			fail_msg("%s: %s", found.gl_pathv[i], verdict.what);
		sim_plan_release(&p);
	}
	globfree(&found);
}

/* --- A cluster by hand --- */

/* In the test's own frame: where something does not hold, the test fails. */
#define unless_it_fails() \
	do { \
		if (setjmp(world.failed)) \
			fail_msg("%s: %s", verdict.what, verdict.detail); \
	} while (0)

static struct sim_plan quiet;

static void begin(enum sim_protocol protocol, uint64_t seed, int nodes)
{
	quiet = (struct sim_plan){
		.protocol = protocol, .seed = seed, .founders = nodes, .nodes = nodes, .clients = nodes, .keys = 2,
		.faults_ns = 1000000 * MS, .flush_ns = MS, .pre_vote = true, .check_quorum = true, .window_messages = 8,
		.window_bytes = 4096, .message_bytes = 512,
	};
	world_open(&quiet, &verdict);
	world_start();
	world_until(1000 * MS);
}

static void kill_node(int n)
{
	world.protocol->crash(n, 0);
	machine_stop(n);
	world.node[n].alive = world.node[n].flushing = world.node[n].dirty = false;
	world.node[n].life++;
	world.node[n].due_ns = UINT64_MAX;
}

static bool propose(int n)
{
	uint64_t id = UINT64_C(1) << 50 | world.committed;
	bool taken = world.protocol->propose(n, &id, &(uint32_t){ 8 }, 1);

	world_flush(n);
	return taken;
}

static int by_number(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* From the death of a leader until the next has committed what is proposed to it. */
static uint64_t fail_over(bool hints)
{
	uint64_t since, before;
	int dead, led = 0;

	world_until(world.now_ns + fault_below(world.stream[DRAW_RESTART][0], world.plan->seed, 100 * MS));
	dead = world_leader();
	assert_int_not_equal(dead, 0);
	since = world.now_ns;
	kill_node(dead);
	for (int n = 1; hints && n <= world.nodes; n++) {
		world_until(world.now_ns + fault_below(world.stream[DRAW_RESTART][n], 0, MS / 2));
		if (n == dead)
			continue;
		world.protocol->ask(n, SIM_HINT, dead);
		world_flush(n);
	}
	for (before = world.committed; !led || world.committed == before; world_until(world.now_ns + MS / 10)) {
		assert_true(world.now_ns < since + 5000 * MS);
		if (led || !(led = world_leader()))
			continue;
		before = world.committed;
		if (!propose(led))
			led = 0;
	}
	return world.now_ns - since;
}

static void is_replaced_within(enum sim_protocol protocol, bool hints, uint64_t median_ns, uint64_t most_ns)
{
	static uint64_t took[KILLS];

	for (int i = 0; i < KILLS; i++) {
		begin(protocol, (uint64_t)i, 3);
		took[i] = fail_over(hints);
		world_close();
	}
	qsort(took, KILLS, sizeof(*took), by_number);
	print_message("# fail-over %s hints: median %.1f ms, 99th %.1f ms, worst %.1f ms\n", hints ? "with" : "without",
		(double)took[KILLS / 2] / MS, (double)took[KILLS * 99 / 100] / MS, (double)took[KILLS - 1] / MS);
	assert_in_range(took[KILLS / 2], 0, median_ns);
	assert_in_range(took[KILLS * 99 / 100], 0, most_ns);
}

static void a_dead_leader_is_replaced_in_time(void **state)
{
	(void)state;
	unless_it_fails();
	for (int p = 0; p < SIM_PROTOCOLS; p++)
		is_replaced_within((enum sim_protocol)p, false, 220 * MS, 450 * MS);
}

static void a_hint_that_it_is_gone_makes_that_milliseconds(void **state)
{
	(void)state;
	unless_it_fails();
	for (int p = 0; p < SIM_PROTOCOLS; p++)
		is_replaced_within((enum sim_protocol)p, true, 20 * MS, 450 * MS);
}

/* --- Registers --- */

static void ask_register(int n, int key)
{
	static struct sim_intent intent[SIM_NODES_MAX + 1];

	intent[n] = (struct sim_intent){ .kind = SIM_OP, .client = n, .f = SIM_PROPOSE, .key = key, .value = (uint32_t)n };
	if (!world.op)
		world.op = calloc(SIM_NODES_MAX + 1, sizeof(*world.op));
	assert_non_null(world.op);
	world.op[n].intent = &intent[n];
	assert_true(world.protocol->ask_register(n, (uint64_t)n << 32, SIM_PROPOSE, key, -1, VALUE));
	world_flush(n);
}

/* Until every one of five that propose for one register at the same moment is answered. */
static uint64_t duel(uint64_t seed)
{
	uint64_t since;

	begin(SIM_PAXOS, seed, 5);
	since = world.now_ns;
	for (int n = 1; n <= 5; n++)
		ask_register(n, 1);
	while (verdict.tally.registers < 5) {
		world_until(world.now_ns + MS / 10);
		assert_true(world.now_ns - since < 2000 * MS);
	}
	since = world.now_ns - since;
	world_close();
	return since;
}

static void five_duelling_proposers_decide_within_20_round_trips(void **state)
{
	static uint64_t took[DUELS];

	(void)state;
	unless_it_fails();
	for (int i = 0; i < DUELS; i++)
		took[i] = duel((uint64_t)i + 1);
	qsort(took, DUELS, sizeof(*took), by_number);
	print_message("# five duel: median %.1f ms, 99th %.1f ms, worst %.1f ms of round trips of up to 4.2 ms\n",
		      (double)took[DUELS / 2] / MS, (double)took[DUELS * 99 / 100] / MS, (double)took[DUELS - 1] / MS);
	/* A message takes 0.1 to 2.1 ms: 2.2 a round trip. */
	assert_in_range(took[DUELS * 99 / 100], 0, 20 * 22 * MS / 10);
}

static void one_proposer_takes_two_round_trips_and_two_flushes(void **state)
{
	(void)state;
	unless_it_fails();
	begin(SIM_PAXOS, 1, 3);
	/* The first reserves rounds. */
	ask_register(1, 0);
	world_until(world.now_ns + 100 * MS);
	assert_int_equal(verdict.tally.registers, 1);
	ask_register(1, 1);
	/* Two round trips of at most 4.2 ms, of which the acceptors' disks take 1.05 each. */
	world_until(world.now_ns + 2 * 42 * MS / 10 + 21 * MS / 10);
	assert_int_equal(verdict.tally.registers, 2);
	world_close();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_plan_is_one_run),
		cmocka_unit_test(a_plan_as_text_is_the_same_run),
		cmocka_unit_test(a_recorded_run_is_the_same_run),
		cmocka_unit_test(what_is_masked_out_is_not_there),
		cmocka_unit_test(a_plan_that_is_none_is_refused_with_its_line),
		cmocka_unit_test(what_was_found_once_holds),
		cmocka_unit_test(a_dead_leader_is_replaced_in_time),
		cmocka_unit_test(a_hint_that_it_is_gone_makes_that_milliseconds),
		cmocka_unit_test(five_duelling_proposers_decide_within_20_round_trips),
		cmocka_unit_test(one_proposer_takes_two_round_trips_and_two_flushes),
	};

	return cmocka_run_group_tests_name("sim", tests, NULL, NULL);
}
