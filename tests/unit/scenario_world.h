/*
 * scenario_world: packets in a scenario's world, of either protocol: what is in flight, who gets it, and who does not.
 *
 * Included by raft_world.h and paxos_world.h behind `world`, with IN_TICK their core's and type_text the names of its messages.
 */
#ifndef TESTS_UNIT_SCENARIO_WORLD_H
#define TESTS_UNIT_SCENARIO_WORLD_H

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
				shell_input(at(i), IN_TICK, NULL);
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
