/*
 * paxos: Paxos's cores in the simulation, and what must hold of them:
 *
 *	promises                never fall, across crashes too; none leaves a node before its disk has it
 *	ballots                 each is one node's, and one value's in a slot; never used by two lives of a node
 *	durability              what a leader declares chosen is on the disks of a quorum
 *	registers               a change is made from what the one before made
 */
#include "tests/sim/world.h"
#include "tests/unit/paxos_shell.h"

enum { ROUNDS_MAX = 1 << 16, VALUES_MAX = 1 << 12 };

/* A value that was seen in a slot, by ballot. */
struct seen {
	struct paxos_ballot ballot;
	uint64_t id;
	struct seen *next;
};

static struct {
	struct shell shell[SIM_NODES_MAX + 1];
	struct packets freed[SIM_NODES_MAX + 1];
	struct paxos_config initial;
	struct paxos_quorums quorums;
	struct paxos_ballot promised[SIM_NODES_MAX + 1];        /* the highest that was said */
	/* By round; a second node in the same is not noted. */
	struct { uint32_t node, life; } prepared[ROUNDS_MAX];
	struct seen *seen[ENTRIES_MAX];
	paxos_slot seen_max;
	struct { uint64_t id; const struct paxos_config *config; } chosen[ENTRIES_MAX];
	paxos_slot chosen_max;
	/* Changes: by value, what it was made from; the values in the order of the chain; of what was seen, the furthest. */
	struct { long from[VALUES_MAX], at_depth[VALUES_MAX], depth_done; } chain[SIM_KEYS_MAX];
	long needs[SIM_NODES_MAX + 1][SHELL_REQUESTS_MAX];
	int wiped, last_wiped;
	uint64_t incarnations;
} cluster;

static const enum paxos_in_kind IN_TICK = PAXOS_TICK, IN_READ = PAXOS_READ, IN_INSTALL_FAILED = PAXOS_INSTALL_FAILED;
#include "tests/sim/shells.h"

/* --- What must hold --- */

static void check_value(paxos_slot slot, const struct paxos_ballot *ballot, uint64_t id)
{
	struct seen *e;

	holds(slot < ENTRIES_MAX, "the log fits");
	for (e = cluster.seen[slot]; e && paxos_ballot_cmp(&e->ballot, ballot); e = e->next)
		;
	if (e) {
		holds(e->id == id, "one value a ballot and slot");
		return;
	}
	e = malloc(sizeof(*e));
	assert(e);
	*e = (struct seen){ *ballot, id, cluster.seen[slot] };
	cluster.seen[slot] = e;
	if (slot > cluster.seen_max)
		cluster.seen_max = slot;
}

static bool is_on_disk(const struct store *d, paxos_slot slot)
{
	if (slot <= d->snapshot.index)
		return true;
	return slot > d->base && slot <= d->base + d->count && d->item[slot - d->base - 1].id == cluster.chosen[slot].id;
}

/* The configuration that was chosen last before the slot. */
static const struct paxos_config *config_of(paxos_slot slot)
{
	while (slot-- > 1)
		if (cluster.chosen[slot].config)
			return cluster.chosen[slot].config;
	return &cluster.initial;
}

static bool in_grid_quorum(const struct paxos_config *config, paxos_slot slot)
{
	const struct paxos_quorums *q = &cluster.quorums;

	for (uint32_t row = 0; row < q->rows; row++) {
		bool any = false;

		for (uint32_t i = row * q->columns; i < (row + 1) * q->columns; i++)
			any |= q->grid[i][0] && is_on_disk(&cluster.shell[shell_number(q->grid[i])].disk, slot);
		if (!any)
			return false;
	}
	return config->count > 0;
}

static void check_quorum(paxos_slot slot)
{
	const struct paxos_config *config = config_of(slot);
	const struct paxos_quorums *q = &cluster.quorums;
	uint32_t voters = 0, have = 0;

	if (cluster.wiped)
		return;
	for (uint32_t i = 0; i < config->count; i++) {
		const struct paxos_member *m = &config->member[i];

		voters += m->voter;
		have += m->voter && is_on_disk(&cluster.shell[shell_number(m->name)].disk, slot);
	}
	holds(q->rows ? in_grid_quorum(config, slot) : have >= (q->count2 ? q->count2 : voters / 2 + 1),
	      "what is chosen is on the disks of a quorum");
}

static void check_chosen(struct shell *s, const struct paxos_out *out)
{
	for (paxos_slot i = cluster.chosen_max + 1; i <= out->chosen_upto; i++) {
		const struct item *item = store_at(&s->memory, i);
		const struct paxos_config *now = config_of(i);

		holds(item->ballot.round > 0, "what is chosen was accepted");
		holds(i < ENTRIES_MAX, "the log fits");
		cluster.chosen[i].id = item->id;
		/* What a leader of old proposed may be found late: what was not made from the one in force is none. */
		if (item->config && item->config->version == now->version + 1) {
			holds(item->config->epoch >= now->epoch, "epochs never fall");
			cluster.chosen[i].config = item->config;
		}
		cluster.chosen_max = i;
		check_quorum(i);
	}
	if (out->config_changed)
		holds(paxos_config_chosen(s->paxos)->version == config_of(out->chosen_upto + 1)->version,
		      "all agree on the configuration in force");
}

/* A ballot as a number: rounds are few, nodes too. */
static uint64_t epoch_of(struct paxos_ballot b)
{
	return b.round * (SIM_NODES_MAX + 1) + (uint64_t)world_number(b.node);
}

static void on_step(struct shell *s, const struct paxos_in *in, const struct paxos_out *out)
{
	int n = s->number;
	struct effect e = {
		.tick = in->kind == PAXOS_TICK, .leads = paxos_role(s->paxos) == PAXOS_IS_LEADER, .changed = out->config_changed,
		.dirty = out->record || in->kind == PAXOS_INSTALLED || out->chosen_upto > s->applied,
		.durable = s->disk.reserved >= paxos_ballot(s->paxos).round,
		.epoch = epoch_of(paxos_ballot(s->paxos)), .commit = out->chosen_upto, .deadline_ns = out->deadline_ns,
		.read = out->read, .reads_confirmed = out->reads_confirmed, .read_index = out->read_slot,
		.reads_lost = out->reads_lost,
	};

	holds(!e.leads || world_number(paxos_ballot(s->paxos).node) == n, "who leads does so in a ballot of its own");
	check_chosen(s, out);
	s->applied = out->chosen_upto;
	world_stepped(n, &e);
	if (out->chunk)
		world_chunk(n, s->taking->image, in->message->offset, in->message->data_bytes, in->message->done);
}

static void check_prepare(const struct packet *p)
{
	const struct paxos_message *m = &p->m;
	uint64_t round = m->ballot.round;

	holds(world_number(m->ballot.node) == p->from, "a ballot is its node's");
	holds(cluster.shell[p->from].disk.reserved >= round, "a round is reserved on the disk before it is used");
	holds(round < ROUNDS_MAX, "rounds are few");
	if (!cluster.prepared[round].node) {
		cluster.prepared[round].node = (uint32_t)p->from;
		cluster.prepared[round].life = (uint32_t)world.node[p->from].life;
	} else if (cluster.prepared[round].node == (uint32_t)p->from && !cluster.wiped) {
		holds(cluster.prepared[round].life == world.node[p->from].life, "no two lives use a ballot");
	}
}

/* What is said of our own must be on the disk, and no promise ever falls. */
static void check_promise(const struct packet *p)
{
	const struct store *d = &cluster.shell[p->from].disk;
	const struct paxos_message *m = &p->m;

	if (p->instance[0])
		return;
	if (m->type == PAXOS_PROMISE && !m->pre) {
		holds(paxos_ballot_cmp(&d->promised, &m->ballot) >= 0, "a promise is on the disk before it is told");
		holds(paxos_ballot_cmp(&m->ballot, &cluster.promised[p->from]) >= 0, "a promise never falls");
		cluster.promised[p->from] = m->ballot;
	}
	if (m->type == PAXOS_PREPARE && !m->pre)
		check_prepare(p);
	for (uint32_t i = 0; m->type == PAXOS_ACCEPTED && i < m->count; i++) {
		paxos_slot slot = m->slot + i;

		holds(slot <= d->base || slot <= cluster.chosen_max ||
		      (slot <= d->base + d->count && d->item[slot - d->base - 1].ballot.round),
		      "an acceptance is on the disk before it is told");
	}
}

static void on_send(struct packet *p)
{
	check_promise(p);
	for (uint32_t i = 0; i < p->m.count && p->items; i++)
		check_value(p->slots[i], &p->items[i].ballot, p->items[i].id);
	world_send(p->from, p->to, p);
}

/* --- Registers --- */

/* How many changes made it: it is made from what another made. */
static long depth_of(int chain, long value)
{
	long depth = 0;

	for (; value > 0; value = cluster.chain[chain].from[value])
		holds(++depth < VALUES_MAX, "registers are a chain");
	return depth;
}

/*
 * A value was seen: it and all before it are the register's history, and not older than what was seen before it was asked.
 */
static void check_chain(int chain, long value, long needs)
{
	long depth = depth_of(chain, value);

	holds(value < VALUES_MAX && depth >= needs, "a register is not older than what was seen of it");
	if (depth > cluster.chain[chain].depth_done)
		cluster.chain[chain].depth_done = depth;
	for (; value > 0; value = cluster.chain[chain].from[value], depth--) {
		long *at = &cluster.chain[chain].at_depth[depth];

		holds(*at == 0 || *at == value, "registers are a chain");
		*at = value;
	}
}

static void on_answer(struct shell *s, const struct request *r, bool ok, long value)
{
	if (r->instance[0] == 'c') {
		holds(r->change, "a change is of a register that is changed");
		check_chain(r->instance[1] - '0', value, cluster.needs[s->number][r->number % SHELL_REQUESTS_MAX]);
	}
	world_register_answer(s->number, r->tag, ok, value);
}

/* --- Nodes --- */

/* Of five 4 and 2, and the like; or a grid of rows of so many. */
static void open_quorums(const struct sim_plan *plan)
{
	struct paxos_quorums *q = &cluster.quorums;

	q->count1 = plan->count1;
	q->count2 = plan->count2;
	if (!plan->columns)
		return;
	q->columns = plan->columns;
	q->rows = ((uint32_t)plan->founders + plan->columns - 1) / plan->columns;
	for (int n = 1; n <= plan->founders; n++)
		shell_name(q->grid[n - 1], n);
}

static void open(const struct sim_plan *plan)
{
	struct paxos_options o = {
		.election_min_ns = 150 * MS, .election_max_ns = 300 * MS, .heartbeat_ns = 50 * MS,
		.window_bytes = plan->window_bytes, .window_messages = plan->window_messages, .message_bytes = plan->message_bytes,
		.lease_reads = plan->lease_reads, .seed = plan->seed, .roles = PAXOS_ALL_ROLES,
	};

	memset(&cluster, 0, sizeof(cluster));
	shell_next_id = UINT64_C(1) << 40;      /* of entries that are no client's */
	cluster.incarnations = SIM_NODES_MAX;
	open_quorums(plan);
	for (int n = 1; n <= plan->founders; n++) {
		shell_name(cluster.initial.member[cluster.initial.count].name, n);
		cluster.initial.member[cluster.initial.count++].voter = true;
	}
	o.quorums = cluster.quorums;
	for (int n = 1; n <= plan->nodes; n++) {
		o.initial = n <= plan->founders ? cluster.initial : (struct paxos_config){ 0 };
		shell_init(&cluster.shell[n], n, &o);
		cluster.shell[n].chunk_bytes = 300;
	}
}

static void close(void)
{
	for (paxos_slot i = 0; i <= cluster.seen_max; i++)
		for (struct seen *e; (e = cluster.seen[i]);) {
			cluster.seen[i] = e->next;
			free(e);
		}
	shells_release();
}

/* Nobody takes the cluster apart meanwhile: of two voters, one without its disk, there is no way back. */
static bool is_whole(void)
{
	const struct shell *s = &cluster.shell[cluster.last_wiped];

	return !cluster.last_wiped || (s->alive && paxos_votes(s->paxos));
}

/* All that vote are here, and none waits to be let in: the loss of one disk more is what the cluster must stand. */
static bool may_wipe(int n, int leader)
{
	const struct paxos_config *config = paxos_config_chosen(cluster.shell[leader].paxos);
	bool votes = false;
	uint32_t voters = 0;

	for (uint32_t i = 0; i < config->count; i++) {
		const struct shell *s = &cluster.shell[shell_number(config->member[i].name)];

		if (!config->member[i].voter)
			continue;
		voters++;
		votes |= s->number == n;
		if (!s->alive || !paxos_votes(s->paxos) || paxos_synced_epoch(s->paxos) != config->epoch ||
		    paxos_config_latest(s->paxos)->epoch != config->epoch)
			return false;
	}
	/* The only first member has nobody to ask. */
	return votes && voters >= 3 && cluster.initial.count > 1 && !cluster.quorums.rows && !cluster.quorums.count1 &&
	       is_whole() && paxos_config_latest(cluster.shell[leader].paxos)->epoch == config->epoch;
}

static void wipe(int n)
{
	shell_wipe(&cluster.shell[n], ++cluster.incarnations);
	memset(&cluster.promised[n], 0, sizeof(cluster.promised[n]));
	cluster.wiped++;
	cluster.last_wiped = n;
}

/* --- Requests --- */

static bool propose(int n, const uint64_t *ids, const uint32_t *bytes, uint32_t count)
{
	cluster.shell[n].refused = PAXOS_TAKEN;
	propose_items(n, ids, bytes, count);
	return cluster.shell[n].refused == PAXOS_TAKEN;
}

static void ask(int n, enum sim_kind kind, int whom)
{
	static const enum paxos_in_kind kinds[SIM_KINDS] = {
		[SIM_JOIN] = PAXOS_JOIN, [SIM_LEAVE] = PAXOS_LEAVE, [SIM_TRANSFER] = PAXOS_TRANSFER, [SIM_HINT] = PAXOS_PEER_DOWN,
	};

	shell_input(node(n), kinds[kind], whom ? world.node[whom].name : "");
}

static bool ask_register(int n, uint64_t tag, enum sim_f f, int key, long from, long to)
{
	struct shell *s = node(n);
	char instance[3] = { f == SIM_PROPOSE ? 'p' : 'c', (char)('0' + key), '\0' };
	struct request *r = &s->request[(s->requests + 1) % SHELL_REQUESTS_MAX];

	if (r->number)
		return false;
	cluster.needs[n][(s->requests + 1) % SHELL_REQUESTS_MAX] = cluster.chain[key].depth_done;
	if (f == SIM_CHANGE && to < VALUES_MAX)
		cluster.chain[key].from[to] = from > 0 ? from : 0;
	s->tag = tag;
	return shell_register(s, instance, f != SIM_PROPOSE, from, to) != 0;
}

/* --- What is so --- */

static bool leads(int n)
{
	return paxos_role(cluster.shell[n].paxos) == PAXOS_IS_LEADER;
}

static uint64_t epoch(int n)
{
	return epoch_of(paxos_ballot(cluster.shell[n].paxos));
}

static const char *leader(int n)
{
	return paxos_leader(cluster.shell[n].paxos);
}

/* A log that all its members have, nobody left a learner who need not be. */
static void check_rest(int leader)
{
	const struct paxos *c = cluster.shell[leader].paxos;
	const struct paxos_config *config = paxos_config_latest(c);

	for (uint32_t i = 0; i < config->count; i++) {
		const struct shell *s = &cluster.shell[shell_number(config->member[i].name)];

		holds(config->member[i].voter || cluster.quorums.rows || cluster.quorums.count1, "nobody stays a learner");
		/* What a leader that was replaced left behind may be there still, and harms nobody. */
		holds(paxos_last_slot(s->paxos) >= paxos_last_slot(c), "all have the log at rest");
		holds(s->applied == paxos_last_slot(c), "all is applied at rest");
	}
}

static void tell(int n, char *line, size_t bytes)
{
	static const char *const role[] = { "follower", "candidate", "leader", "learner" };
	const struct paxos *c = cluster.shell[n].paxos;
	const struct paxos_config *config = paxos_config_latest(c);
	struct paxos_ballot ballot = paxos_ballot(c), promised = paxos_promised(c);
	int at = snprintf(line, bytes, "%s, ballot %" PRIu64 ",%s, promised %" PRIu64 ",%s, leader '%s', chosen %" PRIu64
			  ", log %" PRIu64 "..%" PRIu64 ", %s, epoch %" PRIu64 " synced %" PRIu64 ", of", role[paxos_role(c)],
			  ballot.round, ballot.node, promised.round, promised.node, paxos_leader(c), paxos_chosen_upto(c),
			  paxos_first_slot(c), paxos_last_slot(c), paxos_votes(c) ? "votes" : "does not vote", config->epoch,
			  paxos_synced_epoch(c));

	for (uint32_t i = 0; i < config->count && at < (int)bytes; i++)
		at += snprintf(line + at, bytes - (size_t)at, " %s%s", config->member[i].name, config->member[i].voter ? "" : "?");
}

const struct protocol paxos_protocol = {
	SHELL_FUNCTIONS, .name = "paxos", .open = open, .close = close, .propose = propose, .ask = ask, .leads = leads, .epoch = epoch,
	.leader = leader, .check_rest = check_rest, .tell = tell,
	.may_wipe = may_wipe, .wipe = wipe, .is_whole = is_whole, .ask_register = ask_register,
};
