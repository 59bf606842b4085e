/*
 * scenario_world: the nodes, the network and the time of a scenario, all of which stand still until told.
 *
 * Included by scenario.h behind raft_text.h or paxos_text.h.
 */
#ifndef TESTS_UNIT_SCENARIO_WORLD_H
#define TESTS_UNIT_SCENARIO_WORLD_H

#include <ctype.h>

enum { MS = 1000000, SPINS_MAX = 10000 };

static struct {
	struct shell shell[SHELL_NODES_MAX];
	int nodes;
	struct CORE(options) options;
	uint64_t now_ns;
	struct packets flight, held;
	bool cut[SHELL_NODES_MAX][SHELL_NODES_MAX];
	bool quiet, brief;
	bool dirty[SHELL_NODES_MAX];    /* its memory is ahead of its disk */
	uint64_t commit[SHELL_NODES_MAX];
	char was[SHELL_NODES_MAX][64];  /* its role_of, as it was last told */
	struct text out;
} world;

struct command {
	const char *name;
	void (*f)(char **word);
	bool before;            /* nodes need not run for it */
};

/* What a protocol has of its own. */
static const struct scenarios {
	const char *folder;
	struct CORE(options) options;                                                   /* of a scenario that sets none */
	bool (*option)(struct CORE(options) *, const char *name, const char *value);    /* false: it has none of this name */
	void (*added)(struct shell *);                                                  /* of a new node; or NULL */
	struct packet blank;                                                            /* an injected message, and its fields */
	bool (*field)(struct packet *, const char *name, const char *value);
	struct command command[8];                                                      /* up to one without a name */
} *own;

#define say(...) do { if (!world.quiet) put(&world.out, __VA_ARGS__); } while (0)

static void on_send(struct packet *p)
{
	packets_push(&world.flight, p);
}

static void say_role(struct shell *s)
{
	char *was = world.was[s->number];
	const char *is = role_of(s);

	if (strcmp(is, was) == 0)
		return;
	strcpy(was, is);
	say("  %s is %s\n", s->name, is);
}

static void on_step(struct shell *s, const struct CORE(in) *in, const struct CORE(out) *out)
{
	int i = s->number;

	if (writes(out) || in->kind == IN(INSTALLED))
		world.dirty[i] = true;
	say_role(s);
	if (!world.quiet && !world.brief) {
		put_persist(&world.out, s, out);
		put_chunk(&world.out, s, in, out);
		put_sends(&world.out, s, out);
		put_results(&world.out, s, out, world.commit[i]);
	}
	world.commit[i] = s->applied = committed(out);
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

static void add_node(int i, const struct CORE(config) *config)
{
	world.options.initial = *config;
	world.options.seed = 1;
	shell_init(&world.shell[i], i, &world.options);
	if (i > world.nodes)
		world.nodes = i;
	if (own->added)
		own->added(&world.shell[i]);
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
		shell_input(s, IN(TICK), NULL);
	}
}

static void tick(struct shell *s, uint64_t until)
{
	for (int spins = 0; s->alive && s->deadline_ns <= until && spins < SPINS_MAX; spins++) {
		if (s->now_ns < s->deadline_ns)
			s->now_ns = s->deadline_ns;
		shell_input(s, IN(TICK), NULL);
	}
	s->now_ns = until;
	if (s->alive)
		shell_input(s, IN(TICK), NULL);
}

/* --- What is in flight: who gets it, and who does not --- */

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
	shell_flushed(s, &freed);
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
	world.commit[s->number] = s->loading.index;
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
				shell_input(at(i), IN(TICK), NULL);
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
