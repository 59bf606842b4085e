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
	paxos_slot chosen[SHELL_NODES_MAX];
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
		put_results(&world.out, s, out, world.chosen[i]);
	}
	world.chosen[i] = s->applied = out->chosen_upto;
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

/* --- Packets --- */

static bool deliver(struct packet *p)
{
	struct shell *s = at(p->to);
	bool lost = world.cut[p->from][p->to] || !s->alive;

	if (!world.brief && !world.quiet) {
		put_packet(&world.out, p);
		put(&world.out, "%s\n", lost ? " is lost" : "");
	}
	if (lost)
		packet_free(p);
	else
		shell_deliver(s, p);
	return !lost;
}

/* All that was asked for until now becomes durable in one go. */
static void flush(struct shell *s)
{
	struct packets freed = packets_take(&s->held);

	shell_flush_began(s);
	shell_flushed(s, &s->memory, &freed);
}

static bool persist(struct shell *s)
{
	if (!s->alive || (!world.dirty[s->number] && !s->held.first))
		return false;
	if (!world.brief)
		say("%s persists\n", s->name);
	world.dirty[s->number] = false;
	flush(s);
	return true;
}

static bool install(struct shell *s)
{
	if (!s->alive || !s->loading.index)
		return false;
	if (!world.brief)
		say("%s installs %" PRIu64 "\n", s->name, s->loading.index);
	world.chosen[s->number] = s->loading.index;
	shell_install(s);
	return true;
}

static void stabilize(void)
{
	bool more = true;

	for (int spins = 0; more && spins < SPINS_MAX; spins++) {
		struct packets now = packets_take(&world.flight);
		struct packet *p;

		more = false;
		while ((p = packets_pop(&now))) {
			deliver(p);
			more = true;
		}
		for (int i = 1; i <= world.nodes; i++) {
			more |= install(at(i));
			more |= persist(at(i));
		}
	}
	assert(!more);
}

static void run(uint64_t until)
{
	bool was = world.brief;

	world.brief = true;
	stabilize();
	for (;;) {
		uint64_t next = until;

		for (int i = 1; i <= world.nodes; i++)
			if (at(i)->alive && at(i)->deadline_ns < next)
				next = at(i)->deadline_ns;
		if (next >= until)
			break;
		if (next > world.now_ns)
			world.now_ns = next;
		for (int i = 1; i <= world.nodes; i++)
			if (at(i)->alive && at(i)->deadline_ns <= world.now_ns)
				shell_input(at(i), PAXOS_TICK, NULL);
		stabilize();
	}
	world.now_ns = until;
	world.brief = was;
}

static int type_of(const char *word)
{
	for (int i = 0; i < (int)(sizeof(type_text) / sizeof(*type_text)); i++)
		if (strcmp(word, type_text[i]) == 0)
			return i;
	return -1;
}

/* [A>B [TYPE]] [COUNT] */
struct choice {
	char from[8], to[8];
	int type;
	long count;
};

static void choose(struct choice *c, char **word)
{
	*c = (struct choice){ "*", "*", -1, SPINS_MAX };
	for (; *word; word++) {
		if (strchr(*word, '>'))
			assert(sscanf(*word, "%7[^>]>%7s", c->from, c->to) == 2);
		else if (isdigit((unsigned char)**word))
			c->count = atol(*word);
		else
			assert((c->type = type_of(*word)) >= 0);
	}
}

static bool is_chosen(const struct choice *c, const struct packet *p)
{
	return (c->from[0] == '*' || shell_number(c->from) == p->from) &&
	       (c->to[0] == '*' || shell_number(c->to) == p->to) && (c->type < 0 || c->type == (int)p->m.type);
}

/* Those in flight that are meant leave it, in order. */
static struct packets take(char **word)
{
	struct packets now = packets_take(&world.flight), taken = { NULL, NULL };
	struct choice c;
	struct packet *p;

	choose(&c, word);
	while ((p = packets_pop(&now)))
		packets_push(c.count > 0 && is_chosen(&c, p) && c.count-- ? &taken : &world.flight, p);
	return taken;
}

static void each(char **word, void (*f)(struct packet *))
{
	struct packets taken = take(word);
	struct packet *p;

	if (!taken.first)
		say("nothing is in flight\n");
	while ((p = packets_pop(&taken)))
		f(p);
}

static void deliver_one(struct packet *p)
{
	deliver(p);
}

static void drop_one(struct packet *p)
{
	packet_free(p);
}

static void duplicate_one(struct packet *p)
{
	struct packet *copy = packet_copy(p);

	packets_push(&world.flight, p);
	packets_push(&world.flight, copy);
}

static void delay_one(struct packet *p)
{
	packets_push(&world.flight, p);
}

static void hold_one(struct packet *p)
{
	packets_push(&world.held, p);
}

static void release(void)
{
	struct packet *p;

	while ((p = packets_pop(&world.held)))
		packets_push(&world.flight, p);
}

#endif
