/* plan: what is to happen in a run, drawn from a seed. */
#include "tests/sim/sim.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define MS UINT64_C(1000000)
enum { FAULTS_MS = 4000 };

/* --- Draws --- */

struct die { struct fault_stream stream; uint64_t n; };

static uint64_t roll(struct die *d, uint64_t bound)
{
	return fault_below(d->stream, d->n++, bound);
}

static bool one_in(struct die *d, uint64_t of)
{
	return roll(d, of) == 0;
}

static struct die die_of(const struct sim_plan *p, const char *purpose)
{
	const char *protocol = p->protocol == SIM_RAFT ? "raft" : "paxos";

	return (struct die){ fault_stream(p->seed, purpose, protocol, strlen(protocol), "", 0), 0 };
}

/* --- Plans --- */

void sim_plan_add(struct sim_plan *p, const struct sim_intent *i)
{
	if (p->count == p->room) {
		p->room = p->room ? 2 * p->room : 256;
		p->intent = realloc(p->intent, p->room * sizeof(*p->intent));
		assert(p->intent);
	}
	p->intent[p->count++] = *i;
}

void sim_plan_release(struct sim_plan *p)
{
	for (size_t i = 0; i < p->count; i++)
		fault_order_release(&p->intent[i].order);
	free(p->intent);
	memset(p, 0, sizeof(*p));
}

void sim_plan_copy(struct sim_plan *to, const struct sim_plan *from)
{
	*to = *from;
	to->intent = NULL;
	to->count = to->room = 0;
	for (size_t i = 0; i < from->count; i++) {
		struct sim_intent copy = from->intent[i];

		if (copy.off)
			continue;
		if (copy.kind == SIM_FAULT && !fault_order_copy(&copy.order, &from->intent[i].order))
			abort();
		sim_plan_add(to, &copy);
	}
}

static int by_time(const void *a, const void *b)
{
	const struct sim_intent *x = a, *y = b;

	if (x->at_ns != y->at_ns)
		return x->at_ns < y->at_ns ? -1 : 1;
	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	return (x->value > y->value) - (x->value < y->value);
}

/* --- The numbers --- */

/* Of five 4 and 2, and the like; or a grid of rows of two. */
static void draw_quorums(struct sim_plan *p, struct die *d)
{
	if (p->founders >= 4 && one_in(d, 3)) {
		p->columns = 2;
	} else if (p->founders >= 3) {
		p->count2 = 1 + (uint32_t)roll(d, (uint64_t)p->founders);
		p->count1 = (uint32_t)p->founders + 1 - p->count2;
	}
}

static void draw_numbers(struct sim_plan *p)
{
	struct die d = die_of(p, "numbers");

	p->founders = 1 + (int)roll(&d, 5);
	p->nodes = p->founders + (int)roll(&d, 3);
	p->clients = 2 + (int)roll(&d, 5);
	p->keys = 1 + (int)roll(&d, 4);
	p->faults_ns = FAULTS_MS * MS;
	p->lost = (double)roll(&d, 3) * 0.05;
	p->repeated = (double)roll(&d, 3) * 0.05;
	p->slow = (double)roll(&d, 3) * 0.03;
	p->stalls = 0.02;
	p->flush_ns = one_in(&d, 4) ? (1 + roll(&d, 30)) * MS : MS;
	p->pre_vote = !one_in(&d, 7);
	p->check_quorum = !one_in(&d, 7);
	p->lease_reads = one_in(&d, 4);
	p->window_messages = 1 + (uint32_t)roll(&d, 8);
	p->window_bytes = 500 + roll(&d, 4000);
	p->message_bytes = 100 + (uint32_t)roll(&d, 4000);
	for (int n = 1; n <= p->nodes && p->protocol == SIM_RAFT; n++)
		p->plain |= (uint32_t)one_in(&d, 10) << n;
	if (p->protocol == SIM_PAXOS && one_in(&d, 5))
		draw_quorums(p, &d);
}

/* --- Operations --- */

static enum sim_f draw_f(const struct sim_plan *p, struct die *d)
{
	static const enum sim_f f[] = {
		SIM_READ, SIM_READ, SIM_READ, SIM_READ, SIM_READ, SIM_WRITE, SIM_WRITE, SIM_WRITE, SIM_WRITE, SIM_CAS, SIM_CAS,
		SIM_CREATE, SIM_DELETE, SIM_APPEND, SIM_APPEND, SIM_APPEND, SIM_READ_LIST, SIM_READ_LIST,
	};
	static const enum sim_f of_registers[] = { SIM_PROPOSE, SIM_CHANGE, SIM_CHANGE, SIM_CHANGE, SIM_LOOK };

	if (p->protocol == SIM_PAXOS && one_in(d, 4))
		return of_registers[roll(d, sizeof(of_registers) / sizeof(*of_registers))];
	return f[roll(d, sizeof(f) / sizeof(*f))];
}

static void draw_ops(struct sim_plan *p)
{
	struct die d = die_of(p, "operations");
	uint64_t pause_ns = (40 + roll(&d, 4) * 40) * MS;
	uint32_t value = 0;

	for (int c = 1; c <= p->clients; c++)
		for (uint64_t at = roll(&d, 300 * MS); at < p->faults_ns; at += one_in(&d, 3) ? roll(&d, MS) : roll(&d, 2 * pause_ns)) {
			struct sim_intent i = {
				.kind = SIM_OP, .at_ns = at, .client = c, .key = (int)roll(&d, (uint64_t)p->keys), .f = draw_f(p, &d),
				.session = !one_in(&d, 3), .value = ++value,
			};

			sim_plan_add(p, &i);
		}
}

/* --- Faults --- */

/* As the nemesis of lib/fault strikes, with all that it draws filled in. */
static void draw_strikes(struct sim_plan *p, struct die *d)
{
	static const char *const names[] = { "n1", "n2", "n3", "n4", "n5", "n6", "n7", "n8", "n9" };
	static const unsigned kinds = FAULT_NEMESIS_PARTITION | FAULT_NEMESIS_ISOLATE | FAULT_NEMESIS_ONE_WAY | FAULT_NEMESIS_CRASH |
		FAULT_NEMESIS_PAUSE | FAULT_NEMESIS_LOSS | FAULT_NEMESIS_SLOW | FAULT_NEMESIS_CRASH_ALL;
	struct fault_options o = {
		.seed = p->seed, .nodes = names, .node_count = (size_t)p->nodes, .local_count = (size_t)p->nodes, .nemesis = kinds,
		.every_ns = (80 + roll(d, 6) * 120) * MS, .calm_ns = p->faults_ns,
	};
	size_t bad;
	const char *why;
	struct fault_net *net = fault_net_new(&o, &bad, &why);
	struct fault_out out;

	assert(net);
	for (uint64_t due; (due = fault_net_deadline(net)) < p->faults_ns;) {
		fault_net_advance(net, due, &out);
		for (size_t i = 0; i < out.count; i++) {
			struct sim_intent strike = { .kind = SIM_FAULT, .at_ns = out.orders[i].at_ns, .for_ns = out.orders[i].for_ns };

			if (out.orders[i].ends)
				continue;
			if (!fault_order_copy(&strike.order, &out.orders[i]))
				abort();
			strike.order.id = 0;
			sim_plan_add(p, &strike);
		}
	}
	fault_net_free(net);
}

static void draw_cut(struct sim_plan *p, uint64_t at_ns, uint64_t for_ns, enum fault_kind kind, const char *nodes)
{
	struct sim_intent i = { .kind = SIM_FAULT, .at_ns = at_ns, .for_ns = for_ns,
				.order = { .kind = kind, .at_ns = at_ns, .for_ns = for_ns, .nodes = strdup(nodes) } };

	if (!i.order.nodes)
		abort();
	sim_plan_add(p, &i);
}

/* Somebody is cut off just then: with luck who leads, so that others lead behind its back. */
static void draw_isolation(struct sim_plan *p, struct die *d, uint64_t at_ns)
{
	char name[3] = { 'n', (char)('1' + roll(d, (uint64_t)p->founders)), '\0' };

	draw_cut(p, at_ns, (30 + roll(d, 300)) * MS, FAULT_ORDER_ISOLATE, name);
}

/*
 * Two that lead one after the other, each with a change of its own that the other does not know, and each with half of the
 * rest: Ongaro's note of 2015 on changes of a single server.
 */
static void draw_duels(struct sim_plan *p, struct die *d)
{
	for (uint64_t at = 200 * MS; at < p->faults_ns; at += (500 + roll(d, 500)) * MS) {
		char one = (char)('1' + roll(d, 4)), two = (char)('1' + roll(d, 4)), groups[] = "n1,n2|n3,n4";
		uint64_t parts = at + (100 + roll(d, 200)) * MS + roll(d, MS);
		struct sim_intent leave = { .kind = SIM_LEAVE, .at_ns = at + roll(d, 2 * MS), .node = two - '0' };

		if (one == two)
			continue;
		/* The one and somebody against the other and who is left. */
		for (char other = '1', place = 0; other <= '4'; other++)
			if (other != one && other != two)
				groups[place++ ? 10 : 4] = other;
		groups[1] = one;
		groups[7] = two;
		draw_cut(p, at, parts - at, FAULT_ORDER_ISOLATE, (char[]){ 'n', one, '\0' });
		sim_plan_add(p, &leave);
		leave.node = one - '0';
		leave.at_ns += MS;
		sim_plan_add(p, &leave);
		draw_cut(p, parts, (200 + roll(d, 300)) * MS, FAULT_ORDER_PARTITION, groups);
		for (int n = 1; n <= 4; n++)
			sim_plan_add(p, &(struct sim_intent){ .kind = SIM_JOIN, .at_ns = parts + (500 + (uint64_t)n * 10) * MS, .node = n });
	}
}

/* What an operator does, and what hits who leads. */
static void draw_changes(struct sim_plan *p, struct die *d)
{
	static const enum sim_kind kinds[] = {
		SIM_CRASH, SIM_CRASH, SIM_JOIN, SIM_JOIN, SIM_LEAVE, SIM_LEAVE, SIM_TRANSFER, SIM_TRANSFER, SIM_SNAPSHOT, SIM_SNAPSHOT,
		SIM_SNAPSHOT, SIM_SNAPSHOT, SIM_SNAPSHOT, SIM_HINT, SIM_HINT, SIM_DRIFT, SIM_WIPE,
	};
	uint64_t pause_ns = (20 + roll(d, 4) * 20) * MS;
	bool storm = one_in(d, 6);      /* of members and transfers */

	if (storm)
		pause_ns = (2 + roll(d, 4) * 4) * MS;
	for (uint64_t at = roll(d, 500 * MS); at < p->faults_ns; at += roll(d, 2 * pause_ns)) {
		struct sim_intent i = { .kind = kinds[roll(d, sizeof(kinds) / sizeof(*kinds))], .at_ns = at };
		int some = 1 + (int)roll(d, (uint64_t)p->nodes);
		bool leader = one_in(d, 2);

		if (i.kind == SIM_WIPE && p->protocol == SIM_RAFT)
			continue;
		if (storm && i.kind != SIM_JOIN && i.kind != SIM_LEAVE && i.kind != SIM_TRANSFER && !one_in(d, 4))
			continue;
		i.node = some;
		if (leader && (i.kind == SIM_CRASH || i.kind == SIM_WIPE || i.kind == SIM_HINT || i.kind == SIM_SNAPSHOT ||
			       i.kind == SIM_TRANSFER))
			i.node = 0;
		if (i.kind == SIM_CRASH || i.kind == SIM_WIPE)
			i.for_ns = roll(d, one_in(d, 2) ? 1000 * MS : 30 * MS);
		/* Leases trust no clock to gain more than 1/9 on another. */
		if (i.kind == SIM_DRIFT)
			i.ppm = p->lease_reads ? 950000 + (uint32_t)roll(d, 100001) : 800000 + (uint32_t)roll(d, 450001);
		if (i.kind == SIM_TRANSFER && one_in(d, 3))
			draw_isolation(p, d, at + roll(d, 3 * MS));
		else if ((i.kind == SIM_JOIN || i.kind == SIM_LEAVE) && one_in(d, storm ? 8 : 4))
			draw_isolation(p, d, at > MS ? at - roll(d, MS) : at);
		sim_plan_add(p, &i);
	}
}

void sim_plan_draw(struct sim_plan *p, enum sim_protocol protocol, uint64_t seed)
{
	struct die d;

	*p = (struct sim_plan){ .protocol = protocol, .seed = seed };
	draw_numbers(p);
	draw_ops(p);
	d = die_of(p, "faults");
	if (p->founders == 4 && one_in(&d, 4)) {
		draw_duels(p, &d);
	} else {
		draw_strikes(p, &d);
		draw_changes(p, &d);
	}
	qsort(p->intent, p->count, sizeof(*p->intent), by_time);
}
