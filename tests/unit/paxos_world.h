/*
 * paxos_world: the nodes, the network and the time of a scenario, all of which stand still until told.
 */
#ifndef TESTS_UNIT_PAXOS_WORLD_H
#define TESTS_UNIT_PAXOS_WORLD_H

#include <ctype.h>

#include "tests/unit/paxos_text.h"

enum { MS = 1000000, SPINS_MAX = 10000 };

static struct {
	struct shell shell[SHELL_NODES_MAX];
	int nodes;
	struct paxos_options options;
	uint64_t now_ns;
	struct packets flight, held;
	bool cut[SHELL_NODES_MAX][SHELL_NODES_MAX];
	bool quiet, brief;
	uint64_t wipes;
	bool dirty[SHELL_NODES_MAX];    /* its memory is ahead of its disk */
	paxos_slot commit[SHELL_NODES_MAX];
	char was[SHELL_NODES_MAX][64];  /* role and ballot, as they were last told */
	struct text out;
} world;

#define say(...) do { if (!world.quiet) put(&world.out, __VA_ARGS__); } while (0)

static void on_send(struct packet *p)
{
	packets_push(&world.flight, p);
}

static const char *role_of(const struct shell *s)
{
	static char is[64];
	struct paxos_ballot b = paxos_ballot(s->paxos);

	snprintf(is, sizeof(is), "%s, ballot %s", role_text[paxos_role(s->paxos)], ballot_text(&b));
	return is;
}

static void say_role(struct shell *s)
{
	if (strcmp(role_of(s), world.was[s->number]) == 0)
		return;
	strcpy(world.was[s->number], role_of(s));
	say("  %s is %s\n", s->name, world.was[s->number]);
}

static void on_step(struct shell *s, const struct paxos_in *in, const struct paxos_out *out)
{
	int i = s->number;

	if (out->record || in->kind == PAXOS_INSTALLED)
		world.dirty[i] = true;
	say_role(s);
	if (!world.quiet && !world.brief) {
		put_persist(&world.out, s, in, out);
		put_sends(&world.out, s, out);
		put_results(&world.out, s, out, world.commit[i]);
	}
	world.commit[i] = s->applied = out->chosen_upto;
}

static void on_answer(struct shell *s, const struct request *r, bool ok, long value)
{
	if (value == -1)
		say("  %s answers %s: %s is not there\n", s->name, ok ? "yes" : "no", r->instance);
	else
		say("  %s answers %s: %s is %ld\n", s->name, ok ? "yes" : "no", r->instance, value);
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

static void add_node(int i, const struct paxos_config *config)
{
	world.options.initial = *config;
	world.options.seed = 1;
	shell_init(&world.shell[i], i, &world.options);
	/* As one that has been up before, unless it is wiped. */
	world.shell[i].disk.votes = world.shell[i].memory.votes = config->count > 0;
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
		strcpy(world.was[i], role_of(s));
		shell_input(s, PAXOS_TICK, NULL);
	}
}

static void tick(struct shell *s, uint64_t until)
{
	for (int spins = 0; s->alive && s->deadline_ns <= until && spins < SPINS_MAX; spins++) {
		if (s->now_ns < s->deadline_ns)
			s->now_ns = s->deadline_ns;
		shell_input(s, PAXOS_TICK, NULL);
	}
	s->now_ns = until;
	if (s->alive)
		shell_input(s, PAXOS_TICK, NULL);
}

#define IN_TICK PAXOS_TICK
#include "tests/unit/scenario_world.h"

#endif
