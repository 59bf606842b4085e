/*
 * paxos_sim: a cluster of Paxos cores in one process, on a network that loses, repeats and reorders, with disks that
 * lag, nodes that crash and directories that are lost; all of it drawn from one seed. After every step it checks
 *
 *	promises                never fall, across crashes too; none leaves a node before its disk has it
 *	ballots                 each is one node's, and one value's in a slot; never used by two lives of a node
 *	agreement               what is chosen in a slot never changes, and is the same at all
 *	durability              what a leader declares chosen is on the disks of a quorum
 *	linearizable reads      answered at or after all that was chosen when they came
 *	registers               a synod's has one value for ever; a change is made from what the one before made
 *	progress                no tick that asks for another at the same moment for ever
 *
 * and, when the faults have stopped, that the cluster comes to rest with a leader and serves.
 */
#ifndef TESTS_UNIT_PAXOS_SIM_H
#define TESTS_UNIT_PAXOS_SIM_H

#include "tests/unit/paxos_shell.h"

#define MS UINT64_C(1000000)
enum { SIM_READS = 1 << 14, SIM_TERMS = 1 << 16, SIM_INDEXES = 1 << 15, SIM_SPINS_MAX = 1000,
       SIM_SYNODS = 3, SIM_CHAINS = 3, SIM_VALUES = 4096 };

enum event_kind { PACKET_ARRIVES, FLUSH_ENDS, SNAPSHOT_LOADED, NODE_RESTARTS, NODE_RESUMES };

struct event {
	uint64_t at_ns, order;
	enum event_kind kind;
	int node;
	uint64_t life;                  /* of the node that it is for */
	struct packet *packet;
};

struct flush {
	bool busy, dirty;
	struct store durable;
	struct packets freed;
};

/* A value that was seen in a slot, by ballot. */
struct seen {
	struct paxos_ballot ballot;
	uint64_t id;
	struct seen *next;
};

static struct {
	uint64_t seed, random, now_ns, order;
	int nodes, founders;
	struct shell shell[SHELL_NODES_MAX];
	struct flush flush[SHELL_NODES_MAX];
	uint64_t life[SHELL_NODES_MAX], spins[SHELL_NODES_MAX];
	bool paused[SHELL_NODES_MAX];
	struct paxos_ballot led[SHELL_NODES_MAX];       /* the ballot it leads in, round 0 if it does not */
	bool cut[SHELL_NODES_MAX][SHELL_NODES_MAX];
	struct event *heap;
	size_t events, event_room;

	/* The network's manners and the disk's, of 1000. */
	uint32_t lost, repeated, slow, stalls;

	struct paxos_ballot promised[SHELL_NODES_MAX];  /* the highest that was said */
	/* By round; a second node in the same is not noted. */
	struct { int node; uint64_t life; } prepared[SIM_TERMS];
	struct seen *seen[SIM_INDEXES];
	struct { uint64_t id; const struct paxos_config *config; } chosen[SIM_INDEXES];
	paxos_slot chosen_max;
	/* Registers: a synod's value; a change's values in the order of the chain, each with the one it was made from. */
	long synod[SIM_SYNODS];
	struct {
		long from[SIM_VALUES], at_depth[SIM_VALUES];
		long values, last, depth_done;
	} chain[SIM_CHAINS];
	long needs[SHELL_NODES_MAX][SHELL_REQUESTS_MAX];
	int wiped;                      /* how often a directory was lost */
	int last_wiped;
	uint64_t incarnations;
	paxos_slot read_needs[SHELL_NODES_MAX][SIM_READS];
	uint64_t read_settled[SHELL_NODES_MAX], read_last[SHELL_NODES_MAX];
} sim;

/* What came about in all seeds, to know that it did. */
static struct {
	unsigned long long steps, elections, chosen, reads, changes, transfers, installs, crashes, wipes, answers, denials;
} tally;

/* Where everybody stands, when something does not hold. */
static void sim_fail(const char *condition)
{
	fprintf(stderr, "seed %llu, at %llu us: %s\n", (unsigned long long)sim.seed,
		(unsigned long long)sim.now_ns / 1000, condition);
	for (int n = 1; n <= sim.nodes; n++) {
		const struct paxos *c = sim.shell[n].paxos;
		const struct paxos_config *config = c ? paxos_config_latest(c) : NULL;

		if (!c)
			continue;
		fprintf(stderr, "n%d role %d ballot %llu,%s promised %llu,%s leader '%s' chosen %llu log %llu..%llu %s "
			"epoch %llu synced %llu, of", n,
			paxos_role(c), (unsigned long long)paxos_ballot(c).round, paxos_ballot(c).node,
			(unsigned long long)paxos_promised(c).round, paxos_promised(c).node, paxos_leader(c),
			(unsigned long long)paxos_chosen_upto(c), (unsigned long long)paxos_first_slot(c),
			(unsigned long long)paxos_last_slot(c), paxos_votes(c) ? "votes" : "does not vote",
			(unsigned long long)config->epoch, (unsigned long long)paxos_synced_epoch(c));
		for (uint32_t i = 0; i < config->count; i++)
			fprintf(stderr, " %s%s", config->member[i].name, config->member[i].voter ? "" : "?");
		fprintf(stderr, "\n");
	}
	abort();
}

#define sim_check(condition) ((condition) ? (void)0 : sim_fail(#condition))

/* Marsaglia, "Xorshift RNGs" (2003). */
static uint64_t sim_random(uint64_t n)
{
	sim.random ^= sim.random << 13;
	sim.random ^= sim.random >> 7;
	sim.random ^= sim.random << 17;
	return n ? (sim.random >> 11) % n : 0;
}

static bool sim_chance(uint32_t of_1000)
{
	return sim_random(1000) < of_1000;
}

static int sim_some_node(void)
{
	return 1 + (int)sim_random((uint64_t)sim.nodes);
}

/* --- Events, a heap by time --- */

static bool sim_sooner(const struct event *a, const struct event *b)
{
	return a->at_ns < b->at_ns || (a->at_ns == b->at_ns && a->order < b->order);
}

static void sim_at(struct event e)
{
	size_t i = sim.events++;

	if (i == sim.event_room) {
		sim.event_room = sim.event_room ? 2 * sim.event_room : 256;
		sim.heap = realloc(sim.heap, sim.event_room * sizeof(*sim.heap));
		assert(sim.heap);
	}
	e.order = sim.order++;
	e.life = sim.life[e.node];
	for (; i > 0 && sim_sooner(&e, &sim.heap[(i - 1) / 2]); i = (i - 1) / 2)
		sim.heap[i] = sim.heap[(i - 1) / 2];
	sim.heap[i] = e;
}

static void sim_in(uint64_t ns, enum event_kind kind, int node)
{
	sim_at((struct event){ .at_ns = sim.now_ns + ns, .kind = kind, .node = node });
}

static struct event sim_next(void)
{
	struct event first = sim.heap[0], last = sim.heap[--sim.events];
	size_t i = 0;

	for (size_t child; (child = 2 * i + 1) < sim.events; i = child) {
		if (child + 1 < sim.events && sim_sooner(&sim.heap[child + 1], &sim.heap[child]))
			child++;
		if (!sim_sooner(&sim.heap[child], &last))
			break;
		sim.heap[i] = sim.heap[child];
	}
	sim.heap[i] = last;
	return first;
}

/* --- What must hold --- */

static void check_value(paxos_slot slot, const struct paxos_ballot *ballot, uint64_t id)
{
	struct seen *e;

	sim_check(slot < SIM_INDEXES);
	for (e = sim.seen[slot]; e && paxos_ballot_cmp(&e->ballot, ballot); e = e->next)
		;
	if (e) {
		sim_check(e->id == id);
		return;
	}
	e = malloc(sizeof(*e));
	assert(e);
	*e = (struct seen){ *ballot, id, sim.seen[slot] };
	sim.seen[slot] = e;
}

static bool is_on_disk(const struct store *d, paxos_slot slot)
{
	if (slot <= d->snapshot.index)
		return true;
	return slot > d->base && slot <= d->base + d->count && store_at(d, slot)->id == sim.chosen[slot].id;
}

/* Of the configuration that was chosen last before the slot. */
static const struct paxos_config *config_of(const struct shell *s, paxos_slot slot)
{
	while (slot-- > 1)
		if (sim.chosen[slot].config)
			return sim.chosen[slot].config;
	return &s->options.initial;
}

static bool in_grid_quorum(const struct paxos_quorums *q, const struct paxos_config *config, paxos_slot slot)
{
	for (uint32_t row = 0; row < q->rows; row++) {
		bool any = false;

		for (uint32_t i = row * q->columns; i < (row + 1) * q->columns; i++)
			any |= q->grid[i][0] && is_on_disk(&sim.shell[shell_number(q->grid[i])].disk, slot);
		if (!any)
			return false;
	}
	return config->count > 0;
}

static void check_quorum(const struct shell *s, paxos_slot slot)
{
	const struct paxos_config *config = config_of(s, slot);
	const struct paxos_quorums *q = &s->options.quorums;
	uint32_t voters = 0, have = 0;

	if (sim.wiped)
		return;
	if (!config->count)
		config = &sim.shell[1].options.initial;
	if (q->rows) {
		sim_check(in_grid_quorum(q, config, slot));
		return;
	}
	for (uint32_t i = 0; i < config->count; i++) {
		voters += config->member[i].voter;
		have += config->member[i].voter && is_on_disk(&sim.shell[shell_number(config->member[i].name)].disk, slot);
	}
	sim_check(have >= (q->count2 ? q->count2 : voters / 2 + 1));
}

static void check_chosen(struct shell *s, const struct paxos_out *out, bool led)
{
	sim_check(out->chosen_upto >= s->applied);
	for (paxos_slot i = s->applied + 1; i <= out->chosen_upto; i++) {
		const struct item *item = store_at(&s->memory, i);

		sim_check(item->ballot.round > 0);
		if (i <= sim.chosen_max) {
			sim_check(sim.chosen[i].id == item->id);
			continue;
		}
		sim_check(led);
		sim.chosen[i].id = item->id;
		sim.chosen[i].config = item->config;
		sim.chosen_max = i;
		tally.chosen++;
		check_quorum(s, i);
	}
	s->applied = out->chosen_upto;
}

static void check_reads(const struct shell *s, const struct paxos_out *out)
{
	int n = s->number;

	if (out->read) {
		sim_check(out->read == sim.read_last[n] + 1);
		sim_check(out->read < SIM_READS);
		sim.read_last[n] = out->read;
		sim.read_needs[n][out->read] = sim.chosen_max;
	}
	if (out->reads_confirmed) {
		sim_check(out->reads_confirmed > sim.read_settled[n] && out->reads_confirmed <= sim.read_last[n]);
		sim_check(out->read_slot <= out->chosen_upto);
		for (; sim.read_settled[n] < out->reads_confirmed; tally.reads++)
			sim_check(out->read_slot >= sim.read_needs[n][++sim.read_settled[n]]);
	}
	if (out->reads_lost) {
		sim_check(out->reads_lost == sim.read_last[n]);
		sim.read_settled[n] = out->reads_lost;
	}
}

static void on_step(struct shell *s, const struct paxos_in *in, const struct paxos_out *out)
{
	int n = s->number;
	bool leads = paxos_role(s->paxos) == PAXOS_IS_LEADER;
	struct paxos_ballot ballot = paxos_ballot(s->paxos);

	tally.steps++;
	sim.spins[n] = in->kind == PAXOS_TICK && out->deadline_ns <= sim.now_ns ? sim.spins[n] + 1 : 0;
	sim_check(sim.spins[n] < SIM_SPINS_MAX);
	if (out->record || in->kind == PAXOS_INSTALLED || out->chosen_upto > s->applied)
		sim.flush[n].dirty = true;
	if (leads && paxos_ballot_cmp(&ballot, &sim.led[n])) {
		sim_check(shell_number(ballot.node) == n);
		tally.elections++;
	}
	if (in->kind == PAXOS_INSTALLED)
		tally.installs++;
	tally.changes += out->config_changed;
	/* A leader that steps out with its last chosen slot still did it as a leader. */
	check_chosen(s, out, leads || sim.led[n].round > 0);
	sim.led[n] = ballot;
	if (!leads)
		sim.led[n].round = 0;
	check_reads(s, out);
	if (out->chunk && in->message->done)
		sim_in(sim_random(30 * MS), SNAPSHOT_LOADED, n);
}

/* What is said of our own must be on the disk, and no promise ever falls. */
static void check_promise(const struct packet *p)
{
	const struct store *d = &sim.shell[p->from].disk;
	const struct paxos_message *m = &p->m;
	bool votes = (m->type == PAXOS_PROMISE && !m->pre) || (m->type == PAXOS_ACCEPTED && m->count);

	if (p->instance[0])
		return;
	if (votes) {
		sim_check(paxos_ballot_cmp(&d->promised, &m->ballot) >= 0 || m->type == PAXOS_ACCEPTED);
		sim_check(paxos_ballot_cmp(&m->ballot, &sim.promised[p->from]) >= 0 || m->type == PAXOS_ACCEPTED);
		if (m->type == PAXOS_PROMISE)
			sim.promised[p->from] = m->ballot;
	}
	if (m->type == PAXOS_PREPARE && !m->pre) {
		sim_check(shell_number(m->ballot.node) == p->from && d->reserved >= m->ballot.round);
		sim_check(m->ballot.round < SIM_TERMS);
		if (!sim.prepared[m->ballot.round].node) {
			sim.prepared[m->ballot.round].node = p->from;
			sim.prepared[m->ballot.round].life = sim.life[p->from];
		} else if (sim.prepared[m->ballot.round].node == p->from && !sim.wiped) {
			sim_check(sim.prepared[m->ballot.round].life == sim.life[p->from]);
		}
	}
	for (uint32_t i = 0; m->type == PAXOS_ACCEPTED && i < m->count; i++)
		sim_check(m->slot + i <= d->base || m->slot + i <= sim.chosen_max ||
			  (m->slot + i <= d->base + d->count && store_at(d, m->slot + i)->ballot.round));
}

static void on_send(struct packet *p)
{
	uint64_t delay = MS / 10 + sim_random(sim_chance(sim.slow) ? 100 * MS : 2 * MS);

	check_promise(p);
	for (uint32_t i = 0; i < p->m.count && p->items; i++)
		check_value(p->slots[i], &p->items[i].ballot, p->items[i].id);
	if (p->m.type == PAXOS_PREPARE_NOW)
		tally.transfers++;
	if (sim_chance(sim.repeated))
		sim_at((struct event){ .at_ns = sim.now_ns + sim_random(200 * MS), .kind = PACKET_ARRIVES, .node = p->to,
				       .packet = packet_copy(p) });
	if (sim.cut[p->from][p->to] || sim_chance(sim.lost)) {
		packet_free(p);
		return;
	}
	sim_at((struct event){ .at_ns = sim.now_ns + delay, .kind = PACKET_ARRIVES, .node = p->to, .packet = p });
}

/* How many changes made it: it is made from what another made. */
static long depth_of(int chain, long value)
{
	long depth = 0;

	for (; value > 0; value = sim.chain[chain].from[value])
		depth++;
	return depth;
}

/*
 * A value was seen: it and all before it are the register's history, and not older than what was seen before it was
 * asked.
 */
static void check_chain(int chain, long value, long needs)
{
	long depth = depth_of(chain, value);

	sim_check(value <= sim.chain[chain].values && depth >= needs);
	sim.chain[chain].last = value > 0 ? value : 0;
	if (depth > sim.chain[chain].depth_done)
		sim.chain[chain].depth_done = depth;
	for (; value > 0; value = sim.chain[chain].from[value], depth--) {
		sim_check(sim.chain[chain].at_depth[depth] == 0 || sim.chain[chain].at_depth[depth] == value);
		sim.chain[chain].at_depth[depth] = value;
	}
}

static void on_answer(struct shell *s, const struct request *r, bool ok, long value)
{
	int at = r->instance[1] - '0';

	tally.answers += ok;
	tally.denials += !ok;
	if (r->instance[0] == 'c') {
		sim_check(r->change);
		check_chain(at, value, sim.needs[s->number][r->number % SHELL_REQUESTS_MAX]);
		return;
	}
	sim_check(sim.synod[at] == 0 || sim.synod[at] == value);
	sim.synod[at] = value;
}

/* A proposal for a synod's, a change of the last that was seen, or one that only looks. */
static void sim_register(struct shell *s)
{
	int at = (int)sim_random(SIM_CHAINS);
	char instance[3] = { sim_chance(200) ? 'p' : 'c', (char)('0' + at), '\0' };
	bool looks = sim_chance(200);
	long value;

	if (s->request[(s->requests + 1) % SHELL_REQUESTS_MAX].number || sim.chain[at].values + 2 >= SIM_VALUES)
		return;
	sim.needs[s->number][(s->requests + 1) % SHELL_REQUESTS_MAX] = sim.chain[at].depth_done;
	if (instance[0] == 'p') {
		shell_register(s, instance, false, 0, 1 + (long)sim_random(1000000));
	} else if (looks) {
		shell_register(s, instance, true, -2, -2);
	} else {
		value = ++sim.chain[at].values;
		sim.chain[at].from[value] = sim.chain[at].last;
		shell_register(s, instance, true, sim.chain[at].last ? sim.chain[at].last : -1, value);
	}
}

/* --- Nodes --- */

static struct shell *sim_node(int n)
{
	sim.shell[n].now_ns = sim.now_ns;
	return &sim.shell[n];
}

/* One flush at a time; the next begins when it ends and there is something to do. */
static void sim_flush(int n)
{
	struct flush *f = &sim.flush[n];
	struct shell *s = sim_node(n);

	if (!s->alive || f->busy || (!f->dirty && !s->held.first))
		return;
	f->busy = true;
	f->dirty = false;
	store_copy(&f->durable, &s->memory);
	f->freed = packets_take(&s->held);
	shell_flush_began(s);
	sim_in(MS / 20 + sim_random(sim_chance(sim.stalls) ? 60 * MS : MS), FLUSH_ENDS, n);
}

static void sim_flush_ends(int n)
{
	struct flush *f = &sim.flush[n];
	struct shell *s = sim_node(n);
	struct packets freed = packets_take(&f->freed);

	/* A snapshot that was written since is on the disk already. */
	if (f->durable.snapshot.index < s->disk.snapshot.index) {
		f->durable.snapshot = s->disk.snapshot;
		f->durable.snapshot_config = s->disk.snapshot_config;
		f->durable.before = s->disk.before;
		f->durable.before_config = s->disk.before_config;
	}
	f->busy = false;
	shell_flushed(s, &f->durable, &freed);
}

static void sim_crash(int n)
{
	struct flush *f = &sim.flush[n];
	struct shell *s = sim_node(n);
	struct packet *p;

	if (!s->alive)
		return;
	tally.crashes++;
	/* The flush that was under way may have come to its end. */
	if (f->busy && sim_chance(500) && f->durable.snapshot.index == s->disk.snapshot.index)
		store_copy(&s->disk, &f->durable);
	while ((p = packets_pop(&f->freed)))
		packet_free(p);
	f->busy = f->dirty = false;
	shell_crash(s);
	sim.life[n]++;
	sim.led[n].round = 0;
	sim.paused[n] = false;
	sim.read_last[n] = sim.read_settled[n] = 0;
}

/* Nobody takes the cluster apart meanwhile: of two voters, one without its disk, there is no way back. */
static bool sim_is_whole(void)
{
	const struct shell *s = &sim.shell[sim.last_wiped];

	return !sim.last_wiped || (s->alive && paxos_votes(s->paxos));
}

/* All that vote are here, and none waits to be let in: the loss of one disk more is what the cluster must stand. */
static bool sim_may_wipe(int n, int leader)
{
	const struct paxos_config *config = paxos_config_chosen(sim.shell[leader].paxos);
	const struct paxos_member *m = NULL;
	uint32_t voters = 0;

	for (uint32_t i = 0; i < config->count; i++) {
		const struct shell *s = &sim.shell[shell_number(config->member[i].name)];

		if (shell_number(config->member[i].name) == n)
			m = &config->member[i];
		if (!config->member[i].voter)
			continue;
		voters++;
		if (!s->alive || !paxos_votes(s->paxos) || paxos_synced_epoch(s->paxos) != config->epoch ||
		    paxos_config_latest(s->paxos)->epoch != config->epoch)
			return false;
	}
	/* The only first member has nobody to ask. */
	if (sim.founders == 1 || sim.shell[n].options.quorums.rows || sim.shell[n].options.quorums.count1)
		return false;
	return m && m->voter && voters >= 3 && sim_is_whole() &&
	       paxos_config_latest(sim.shell[leader].paxos)->epoch == config->epoch;
}

static void sim_wipe(int n)
{
	sim_crash(n);
	shell_wipe(&sim.shell[n], ++sim.incarnations);
	memset(&sim.promised[n], 0, sizeof(sim.promised[n]));
	sim.wiped++;
	sim.last_wiped = n;
	tally.wipes++;
	sim_in(sim_random(300 * MS), NODE_RESTARTS, n);
}

static void sim_start(int n)
{
	struct shell *s = sim_node(n);

	if (s->alive)
		return;
	shell_start(s);
	shell_input(s, PAXOS_TICK, NULL);
}

static void sim_handle(struct event *e)
{
	struct shell *s = sim_node(e->node);
	bool stale = e->life != sim.life[e->node];

	if (e->kind == PACKET_ARRIVES) {
		if (!s->alive)
			packet_free(e->packet);
		else if (sim.paused[e->node])
			sim_at((struct event){ .at_ns = sim.now_ns + 10 * MS, .kind = PACKET_ARRIVES, .node = e->node,
					       .packet = e->packet });
		else
			shell_deliver(s, e->packet);
	} else if (e->kind == FLUSH_ENDS && !stale) {
		sim_flush_ends(e->node);
	} else if (e->kind == SNAPSHOT_LOADED && !stale) {
		if (!s->loading.index) {
			;
		} else if (sim_chance(100)) {
			s->loading.index = 0;
			shell_input(s, PAXOS_INSTALL_FAILED, NULL);
		} else {
			shell_install(s);
		}
	} else if (e->kind == NODE_RESTARTS) {
		sim_start(e->node);
	} else if (e->kind == NODE_RESUMES) {
		sim.paused[e->node] = false;
	}
	sim_flush(e->node);
}

/* All that is due until then, in order. */
static void sim_run(uint64_t until)
{
	for (;;) {
		uint64_t next = sim.events ? sim.heap[0].at_ns : UINT64_MAX;
		int due = 0;

		for (int n = 1; n <= sim.nodes; n++) {
			if (!sim.shell[n].alive || sim.paused[n] || sim.shell[n].deadline_ns >= next)
				continue;
			due = n;
			next = sim.shell[n].deadline_ns;
		}
		if (next > until)
			break;
		if (next > sim.now_ns)
			sim.now_ns = next;
		if (due) {
			shell_input(sim_node(due), PAXOS_TICK, NULL);
			sim_flush(due);
		} else {
			struct event e = sim_next();

			sim_handle(&e);
		}
	}
	sim.now_ns = until;
}

static void sim_init(uint64_t seed, int founders, int nodes, const struct paxos_options *options)
{
	struct paxos_options o = *options;

	memset(&sim, 0, sizeof(sim));
	sim.seed = seed;
	sim.random = (seed + 1) * UINT64_C(0x9e3779b97f4a7c15) | 1;
	sim.founders = founders;
	sim.nodes = nodes;
	sim.now_ns = 1000 * MS;
	o.seed = seed;
	sim.incarnations = SHELL_NODES_MAX;
	memset(&o.initial, 0, sizeof(o.initial));
	for (int n = 1; n <= founders; n++) {
		shell_name(o.initial.member[o.initial.count].name, n);
		o.initial.member[o.initial.count++].voter = true;
	}
	for (int n = 1; n <= nodes; n++) {
		if (n > founders)
			memset(&o.initial, 0, sizeof(o.initial));
		shell_init(&sim.shell[n], n, &o);
		sim_start(n);
	}
}

static void sim_release(void)
{
	while (sim.events) {
		struct event e = sim_next();

		if (e.kind == PACKET_ARRIVES)
			packet_free(e.packet);
	}
	free(sim.heap);
	for (int n = 1; n <= sim.nodes; n++) {
		struct packet *p;

		while ((p = packets_pop(&sim.flush[n].freed)))
			packet_free(p);
		shell_release(&sim.shell[n]);
		free(sim.flush[n].durable.item);
	}
	for (size_t i = 0; i < SIM_INDEXES; i++)
		for (struct seen *e = sim.seen[i], *next; e; e = next) {
			next = e->next;
			free(e);
		}
}

/* The node that leads in the highest ballot, 0 if none does. */
static int sim_leader(void)
{
	int leader = 0;

	for (int n = 1; n <= sim.nodes; n++) {
		const struct shell *s = &sim.shell[n];

		if (s->alive && paxos_role(s->paxos) == PAXOS_IS_LEADER &&
		    (!leader || paxos_ballot(s->paxos).round > paxos_ballot(sim.shell[leader].paxos).round))
			leader = n;
	}
	return leader;
}

#endif
