/*
 * raft_world: the nodes, the network and the time of a scenario, all of which stand still until told.
 */
#ifndef TESTS_UNIT_RAFT_WORLD_H
#define TESTS_UNIT_RAFT_WORLD_H

#include <ctype.h>

#include "tests/unit/raft_text.h"

enum { MS = 1000000, SPINS_MAX = 10000 };

static struct {
	struct shell shell[SHELL_NODES_MAX];
	int nodes;
	struct raft_options options;
	uint64_t now_ns;
	struct packets flight, held;
	bool cut[SHELL_NODES_MAX][SHELL_NODES_MAX];
	bool quiet, brief;
	bool dirty[SHELL_NODES_MAX];    /* its memory is ahead of its disk */
	raft_index commit[SHELL_NODES_MAX];
	char was[SHELL_NODES_MAX][64];  /* role and term, as they were last told */
	struct text out;
} world;

#define say(...) do { if (!world.quiet) put(&world.out, __VA_ARGS__); } while (0)

static void on_send(struct packet *p)
{
	packets_push(&world.flight, p);
}

static void say_role(struct shell *s)
{
	char is[64];

	snprintf(is, sizeof(is), "%s, term %" PRIu64, role_text[raft_role(s->raft)], raft_current_term(s->raft));
	if (strcmp(is, world.was[s->number]) == 0)
		return;
	strcpy(world.was[s->number], is);
	say("  %s is %s\n", s->name, is);
}

static void on_step(struct shell *s, const struct raft_in *in, const struct raft_out *out)
{
	int i = s->number;

	if (out->hard_state || out->truncate_from || out->append || in->kind == RAFT_INSTALLED)
		world.dirty[i] = true;
	say_role(s);
	if (!world.quiet && !world.brief) {
		put_persist(&world.out, s, in, out);
		put_sends(&world.out, s, out);
		put_results(&world.out, s, out, world.commit[i]);
	}
	world.commit[i] = s->applied = out->commit_index;
}

/* --- Nodes and time --- */

static struct shell *node(const char *name)
{
	int i = shell_number(name);

	assert(i <= world.nodes);
	world.shell[i].now_ns = world.now_ns;
	return &world.shell[i];
}

static struct shell *at(int i)
{
	world.shell[i].now_ns = world.now_ns;
	return &world.shell[i];
}

static void add_node(int i, const struct raft_config *config)
{
	world.options.initial = *config;
	world.options.seed = 1;
	shell_init(&world.shell[i], i, &world.options);
	if (i > world.nodes)
		world.nodes = i;
	at(i)->alive = false;
}

/* Nodes start when they are first needed, so that `load` may come before. */
static void wake(void)
{
	for (int i = 1; i <= world.nodes; i++) {
		struct shell *s = at(i);

		if (s->alive || !s->name[0] || world.was[i][0])
			continue;
		shell_start(s);
		snprintf(world.was[i], sizeof(world.was[i]), "%s, term %" PRIu64, role_text[raft_role(s->raft)],
			 raft_current_term(s->raft));
		shell_input(s, RAFT_TICK, NULL);
	}
}

static void tick(struct shell *s, uint64_t until)
{
	for (int spins = 0; s->alive && s->deadline_ns <= until && spins < SPINS_MAX; spins++) {
		if (s->now_ns < s->deadline_ns)
			s->now_ns = s->deadline_ns;
		shell_input(s, RAFT_TICK, NULL);
	}
	s->now_ns = until;
	if (s->alive)
		shell_input(s, RAFT_TICK, NULL);
}

static const char *const type_text[] = {
	"request_vote", "request_vote_ok", "append_entries", "append_entries_ok", "install_snapshot", "install_snapshot_ok",
	"timeout_now",
};

#define IN_TICK RAFT_TICK
#include "tests/unit/scenario_world.h"

#endif
