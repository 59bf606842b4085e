/*
 * raft_sim: a cluster of Raft cores in one process, on a network that loses, repeats and reorders, with
 * disks that lag and nodes that crash; all of it drawn from one seed. After every step it checks
 *
 *	election safety         one leader a term
 *	votes                   one a term and node, across crashes
 *	log matching            an (index, term) is one entry, with one before it
 *	leader completeness     a new leader has all that was ever committed
 *	state machine safety    all apply the same at an index
 *	durability              what a leader commits is of its term, and on the disks of a majority; no promise
 *	                        leaves a node before its disk has it
 *	linearizable reads      answered at or after all that was committed when they came
 *	progress                no tick that asks for another at the same moment for ever
 *
 * and, when the faults have stopped, that the cluster comes to rest with a leader and serves.
 */
#ifndef TESTS_UNIT_RAFT_SIM_H
#define TESTS_UNIT_RAFT_SIM_H

#include "tests/unit/raft_shell.h"

#define MS UINT64_C(1000000)
enum { SIM_READS = 1 << 14, SIM_TERMS = 1 << 14, SIM_INDEXES = 1 << 15, SIM_SPINS_MAX = 1000 };

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

/* An entry that was seen at an index, by term. */
struct seen {
	raft_term term, before;
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
	raft_term led[SHELL_NODES_MAX];         /* the term it leads, 0 if it does not */
	bool plain[SHELL_NODES_MAX];    /* does not repeat rounds */
	bool cut[SHELL_NODES_MAX][SHELL_NODES_MAX];
	struct event *heap;
	size_t events, event_room;

	/* The network's manners and the disk's, of 1000. */
	uint32_t lost, repeated, slow, stalls;

	int leader_of[SIM_TERMS];
	raft_term term_max;
	int voted[SHELL_NODES_MAX][SIM_TERMS];
	struct seen *seen[SIM_INDEXES];
	struct { raft_term term, by; uint64_t id; } committed[SIM_INDEXES];     /* by the leader of that term */
	raft_index committed_max;
	raft_index read_needs[SHELL_NODES_MAX][SIM_READS];
	uint64_t read_settled[SHELL_NODES_MAX], read_last[SHELL_NODES_MAX];
} sim;

/* What came about in all seeds, to know that it did. */
static struct {
	unsigned long long steps, elections, commits, reads, changes, transfers, installs, crashes;
} tally;

/* Where everybody stands, when something does not hold. */
static void sim_fail(const char *condition)
{
	fprintf(stderr, "seed %llu, at %llu us: %s\n", (unsigned long long)sim.seed,
		(unsigned long long)sim.now_ns / 1000, condition);
	for (int n = 1; n <= sim.nodes; n++) {
		const struct raft *r = sim.shell[n].raft;
		const struct raft_config *config = r ? raft_config_latest(r) : NULL;

		if (!r)
			continue;
		fprintf(stderr, "n%d role %d term %llu leader '%s' commit %llu log %llu..%llu last term %llu, of", n,
			raft_role(r),
			(unsigned long long)raft_current_term(r), raft_leader(r), (unsigned long long)raft_commit_index(r),
			(unsigned long long)raft_first_index(r), (unsigned long long)raft_last_index(r),
			(unsigned long long)raft_term_at(r, raft_last_index(r)));
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

static void check_vote(int voter, raft_term term, int candidate)
{
	sim_check(term < SIM_TERMS);
	sim_check(sim.voted[voter][term] == 0 || sim.voted[voter][term] == candidate);
	sim.voted[voter][term] = candidate;
}

static void check_entry(raft_index index, const struct item *item, raft_term before)
{
	struct seen *e;

	sim_check(index < SIM_INDEXES);
	for (e = sim.seen[index]; e && e->term != item->term; e = e->next)
		;
	if (e) {
		sim_check(e->id == item->id && e->before == before);
		return;
	}
	e = malloc(sizeof(*e));
	assert(e);
	*e = (struct seen){ item->term, before, item->id, sim.seen[index] };
	sim.seen[index] = e;
}

/*
 * Leader completeness: "if a log entry is committed in a given term, it is present in the logs of the
 * leaders of later terms".
 */
static void check_leader(const struct shell *s)
{
	raft_term term = raft_current_term(s->raft);

	sim_check(term < SIM_TERMS);
	sim_check(sim.leader_of[term] == 0 || sim.leader_of[term] == s->number);
	sim.leader_of[term] = s->number;
	tally.elections++;
	for (raft_index i = s->memory.base + 1; i <= sim.committed_max && sim.committed[i].by < term; i++) {
		sim_check(i <= store_last(&s->memory));
		sim_check(store_at(&s->memory, i)->id == sim.committed[i].id);
	}
}

static bool is_on_disk(const struct store *d, raft_index index)
{
	if (index <= d->snapshot.index)
		return true;
	return index <= store_last(d) && store_at(d, index)->id == sim.committed[index].id;
}

/* Of the configuration that the step began with. */
static void check_majority(const struct shell *s, const struct raft_out *out)
{
	bool changed = out->append == RAFT_APPEND_CONFIG;
	const struct raft_config *config = raft_config_at(s->raft, changed ? out->append_first - 1 : UINT64_MAX);
	raft_index index = out->commit_index;
	uint32_t voters = 0, have = 0;

	for (uint32_t i = 0; i < config->count; i++) {
		voters += config->member[i].voter;
		have += config->member[i].voter && is_on_disk(&sim.shell[shell_number(config->member[i].name)].disk, index);
	}
	sim_check(have > voters / 2);
}

static void check_commit(struct shell *s, const struct raft_out *out, bool led)
{
	sim_check(out->commit_index >= s->applied);
	for (raft_index i = s->applied + 1; i <= out->commit_index; i++) {
		const struct item *item = store_at(&s->memory, i);

		if (i <= sim.committed_max) {
			sim_check(sim.committed[i].id == item->id && sim.committed[i].term == item->term);
			continue;
		}
		sim_check(led);
		sim.committed[i].id = item->id;
		sim.committed[i].term = item->term;
		sim.committed[i].by = raft_current_term(s->raft);
		sim.committed_max = i;
		tally.commits++;
	}
	if (out->commit_index > s->applied && led) {
		sim_check(raft_term_at(s->raft, out->commit_index) == raft_current_term(s->raft));
		check_majority(s, out);
	}
	s->applied = out->commit_index;
}

static void check_reads(const struct shell *s, const struct raft_out *out)
{
	int n = s->number;

	if (out->read) {
		sim_check(out->read == sim.read_last[n] + 1);
		sim_check(out->read < SIM_READS);
		sim.read_last[n] = out->read;
		sim.read_needs[n][out->read] = sim.committed_max;
	}
	if (out->reads_confirmed) {
		sim_check(out->reads_confirmed > sim.read_settled[n] && out->reads_confirmed <= sim.read_last[n]);
		sim_check(out->read_index <= out->commit_index);
		for (; sim.read_settled[n] < out->reads_confirmed; tally.reads++)
			sim_check(out->read_index >= sim.read_needs[n][++sim.read_settled[n]]);
	}
	if (out->reads_lost) {
		sim_check(out->reads_lost == sim.read_last[n]);
		sim.read_settled[n] = out->reads_lost;
	}
}

static void on_step(struct shell *s, const struct raft_in *in, const struct raft_out *out)
{
	int n = s->number;
	bool leads = raft_role(s->raft) == RAFT_LEADER;
	raft_term term = raft_current_term(s->raft);

	tally.steps++;
	sim.spins[n] = in->kind == RAFT_TICK && out->deadline_ns <= sim.now_ns ? sim.spins[n] + 1 : 0;
	sim_check(sim.spins[n] < SIM_SPINS_MAX);
	if (out->hard_state || out->truncate_from || out->append || in->kind == RAFT_INSTALLED)
		sim.flush[n].dirty = true;
	if (leads && sim.led[n] != term)
		check_leader(s);
	if (in->kind == RAFT_INSTALLED)
		tally.installs++;
	tally.changes += out->config_changed;
	/* A leader that steps out with its last commit still did it as a leader. */
	check_commit(s, out, leads || sim.led[n] == term);
	sim.led[n] = leads ? term : 0;
	check_reads(s, out);
	if (out->chunk && in->message->done)
		sim_in(sim_random(30 * MS), SNAPSHOT_LOADED, n);
}

/* A vote, one's own too, and what an answer says is there. */
static void check_promise(const struct packet *p)
{
	const struct store *d = &sim.shell[p->from].disk;
	const struct raft_message *m = &p->m;

	if (m->type == RAFT_REQUEST_VOTE_OK && !m->pre_vote && m->vote_granted) {
		sim_check(d->term > m->term || (d->term == m->term && shell_number(d->vote) == p->to));
		check_vote(p->from, m->term, p->to);
	} else if (m->type == RAFT_REQUEST_VOTE && !m->pre_vote) {
		sim_check(d->term > m->term || (d->term == m->term && shell_number(d->vote) == p->from));
		check_vote(p->from, m->term, p->from);
	} else if (m->type == RAFT_APPEND_ENTRIES || m->type == RAFT_INSTALL_SNAPSHOT) {
		sim_check(d->term >= m->term);
	} else if (m->type == RAFT_APPEND_ENTRIES_OK && m->success) {
		/* A later leader may have cut it again: that is another term's doing. */
		sim_check(d->term > m->term || m->match_index <= store_last(d) || m->match_index <= d->snapshot.index);
	}
}

static void on_send(struct packet *p)
{
	uint64_t delay = MS / 10 + sim_random(sim_chance(sim.slow) ? 100 * MS : 2 * MS);

	if (sim.plain[p->from] && p->m.type == RAFT_APPEND_ENTRIES_OK)
		p->m.round = 0;
	check_promise(p);
	/* What never left a node may be lost and its place taken anew. */
	for (uint32_t i = 0; i < p->m.count; i++)
		check_entry(p->m.prev_log_index + 1 + i, &p->items[i], i ? p->items[i - 1].term : p->m.prev_log_term);
	if (p->m.type == RAFT_TIMEOUT_NOW)
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
	sim.led[n] = 0;
	sim.paused[n] = false;
	sim.read_last[n] = sim.read_settled[n] = 0;
}

static void sim_start(int n)
{
	struct shell *s = sim_node(n);

	if (s->alive)
		return;
	shell_start(s);
	shell_input(s, RAFT_TICK, NULL);
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
		if (sim_chance(100)) {
			s->loading.index = 0;
			shell_input(s, RAFT_INSTALL_FAILED, NULL);
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
			shell_input(sim_node(due), RAFT_TICK, NULL);
			sim_flush(due);
		} else {
			struct event e = sim_next();

			sim_handle(&e);
		}
	}
	sim.now_ns = until;
}

static void sim_init(uint64_t seed, int founders, int nodes, const struct raft_options *options)
{
	struct raft_options o = *options;

	memset(&sim, 0, sizeof(sim));
	sim.seed = seed;
	sim.random = (seed + 1) * UINT64_C(0x9e3779b97f4a7c15) | 1;
	sim.founders = founders;
	sim.nodes = nodes;
	sim.now_ns = 1000 * MS;
	o.seed = seed;
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

/* The node that leads at the latest term, 0 if none does. */
static int sim_leader(void)
{
	int leader = 0;

	for (int n = 1; n <= sim.nodes; n++) {
		const struct shell *s = &sim.shell[n];

		if (s->alive && raft_role(s->raft) == RAFT_LEADER &&
		    (!leader || raft_current_term(s->raft) > raft_current_term(sim.shell[leader].raft)))
			leader = n;
	}
	return leader;
}

#endif
