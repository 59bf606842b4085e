/*
 * raft: Raft's cores in the simulation, and what must hold of them:
 *
 *	votes                   one a term and node, across crashes
 *	log matching            an (index, term) is one entry, with one before it
 *	leader completeness     a new leader has all that was ever committed
 *	durability              what a leader commits is of its term, and on the disks of a majority; no promise leaves a node before
 *	                        its disk has it
 */
#include "tests/sim/world.h"
#include "tests/unit/raft_shell.h"

enum { TERMS_MAX = 1 << 13 };

/* An entry that was seen at an index, by term. */
struct seen {
	raft_term term, before;
	uint64_t id;
	struct seen *next;
};

static struct {
	struct shell shell[SIM_NODES_MAX + 1];
	struct packets freed[SIM_NODES_MAX + 1];
	raft_term led[SIM_NODES_MAX + 1];       /* 0: it does not */
	int voted[SIM_NODES_MAX + 1][TERMS_MAX];
	struct seen *seen[ENTRIES_MAX];
	raft_index seen_max;
	/* Committed: of which term, and by the leader of which. */
	struct { raft_term term, by; uint64_t id; } committed[ENTRIES_MAX];
	raft_index committed_max;
	struct raft_config initial;
	uint32_t plain;
} cluster;

static const enum raft_in_kind IN_TICK = RAFT_TICK, IN_READ = RAFT_READ, IN_INSTALL_FAILED = RAFT_INSTALL_FAILED;
#include "tests/sim/shells.h"

/* --- What must hold --- */

static void check_vote(int voter, raft_term term, int candidate)
{
	holds(term < TERMS_MAX, "terms are few");
	holds(cluster.voted[voter][term] == 0 || cluster.voted[voter][term] == candidate, "one vote a term");
	cluster.voted[voter][term] = candidate;
}

static void check_entry(raft_index index, const struct item *item, raft_term before)
{
	struct seen *e;

	holds(index < ENTRIES_MAX, "the log fits");
	for (e = cluster.seen[index]; e && e->term != item->term; e = e->next)
		;
	if (e) {
		holds(e->id == item->id && e->before == before, "log matching");
		return;
	}
	e = malloc(sizeof(*e));
	assert(e);
	*e = (struct seen){ item->term, before, item->id, cluster.seen[index] };
	cluster.seen[index] = e;
	if (index > cluster.seen_max)
		cluster.seen_max = index;
}

/*
 * Leader completeness: "if a log entry is committed in a given term, it is present in the logs of the leaders of later terms".
 */
static void check_leader(const struct shell *s)
{
	raft_term term = raft_current_term(s->raft);

	for (raft_index i = s->memory.base + 1; i <= cluster.committed_max && cluster.committed[i].by < term; i++)
		holds(i <= store_last(&s->memory) && store_at(&s->memory, i)->id == cluster.committed[i].id, "leader completeness");
}

static bool is_on_disk(const struct store *d, raft_index index)
{
	if (index <= d->snapshot.index)
		return true;
	return index > d->base && index <= store_last(d) && store_at(d, index)->id == cluster.committed[index].id;
}

/* Of the configuration that the step began with. */
static void check_majority(const struct shell *s, const struct raft_out *out)
{
	bool changed = out->append == RAFT_APPEND_CONFIG;
	const struct raft_config *config = raft_config_at(s->raft, changed ? out->append_first - 1 : UINT64_MAX);
	uint32_t voters = 0, have = 0;

	for (uint32_t i = 0; i < config->count; i++) {
		const struct raft_member *m = &config->member[i];

		voters += m->voter;
		have += m->voter && is_on_disk(&cluster.shell[shell_number(m->name)].disk, out->commit_index);
	}
	holds(have > voters / 2, "what is committed is on the disks of a majority");
}

static void check_commit(struct shell *s, const struct raft_out *out, bool led)
{
	for (raft_index i = cluster.committed_max + 1; i <= out->commit_index; i++) {
		const struct item *item = store_at(&s->memory, i);

		holds(i < ENTRIES_MAX, "the log fits");
		cluster.committed[i].id = item->id;
		cluster.committed[i].term = item->term;
		cluster.committed[i].by = raft_current_term(s->raft);
		cluster.committed_max = i;
	}
	if (out->commit_index <= s->applied || !led)
		return;
	/* 5.4.2: never by counting replicas of an older term. */
	holds(raft_term_at(s->raft, out->commit_index) == raft_current_term(s->raft), "a leader commits its own term's");
	check_majority(s, out);
}

static void on_step(struct shell *s, const struct raft_in *in, const struct raft_out *out)
{
	int n = s->number;
	raft_term term = raft_current_term(s->raft);
	struct effect e = {
		.tick = in->kind == RAFT_TICK, .leads = raft_role(s->raft) == RAFT_LEADER, .changed = out->config_changed,
		.dirty = out->hard_state || out->truncate_from || out->append || in->kind == RAFT_INSTALLED,
		.durable = s->disk.term == term && strcmp(s->disk.vote, s->name) == 0,
		.epoch = term, .commit = out->commit_index, .deadline_ns = out->deadline_ns, .read = out->read,
		.reads_confirmed = out->reads_confirmed, .read_index = out->read_index, .reads_lost = out->reads_lost,
	};

	if (e.leads && cluster.led[n] != term)
		check_leader(s);
	/* A leader that steps out with its last commit still did it as a leader. */
	check_commit(s, out, e.leads || cluster.led[n] == term);
	cluster.led[n] = e.leads ? term : 0;
	s->applied = out->commit_index;
	world_stepped(n, &e);
	if (out->chunk)
		world_chunk(n, s->taking->image, in->message->offset, in->message->data_bytes, in->message->done);
}

/* A vote, one's own too, and what an answer says is there. */
static void check_promise(const struct packet *p)
{
	const struct store *d = &cluster.shell[p->from].disk;
	const struct raft_message *m = &p->m;

	if ((m->type == RAFT_REQUEST_VOTE_OK && m->vote_granted && !m->pre_vote) || (m->type == RAFT_REQUEST_VOTE && !m->pre_vote)) {
		int candidate = m->type == RAFT_REQUEST_VOTE ? p->from : p->to;

		holds(d->term > m->term || (d->term == m->term && shell_number(d->vote) == candidate),
		      "a vote is on the disk before it is told");
		check_vote(p->from, m->term, candidate);
	} else if (m->type == RAFT_APPEND_ENTRIES || m->type == RAFT_INSTALL_SNAPSHOT) {
		holds(d->term >= m->term, "a term is on the disk before it is led in");
	} else if (m->type == RAFT_APPEND_ENTRIES_OK && m->success) {
		/* A later leader may have cut it again: that is another term's doing. */
		holds(d->term > m->term || m->match_index <= store_last(d) || m->match_index <= d->snapshot.index,
		      "an entry is on the disk before it is acknowledged");
	}
}

static void on_send(struct packet *p)
{
	if (cluster.plain >> p->from & 1 && p->m.type == RAFT_APPEND_ENTRIES_OK)
		p->m.round = 0;
	check_promise(p);
	/* What never left a node may be lost and its place taken anew. */
	for (uint32_t i = 0; i < p->m.count; i++)
		check_entry(p->m.prev_log_index + 1 + i, &p->items[i], i ? p->items[i - 1].term : p->m.prev_log_term);
	world_send(p->from, p->to, p);
}

/* --- Nodes --- */

static void open(const struct sim_plan *plan)
{
	struct raft_options o = {
		.election_min_ns = 150 * MS, .election_max_ns = 300 * MS, .heartbeat_ns = 50 * MS,
		.window_bytes = plan->window_bytes, .window_messages = plan->window_messages, .message_bytes = plan->message_bytes,
		.pre_vote = plan->pre_vote, .check_quorum = plan->check_quorum, .lease_reads = plan->lease_reads, .seed = plan->seed,
	};

	memset(&cluster, 0, sizeof(cluster));
	shell_next_id = UINT64_C(1) << 40;      /* of entries that are no client's */
	cluster.plain = plan->plain;
	for (int n = 1; n <= plan->founders; n++) {
		shell_name(cluster.initial.member[cluster.initial.count].name, n);
		cluster.initial.member[cluster.initial.count++].voter = true;
	}
	for (int n = 1; n <= plan->nodes; n++) {
		o.initial = n <= plan->founders ? cluster.initial : (struct raft_config){ 0 };
		shell_init(&cluster.shell[n], n, &o);
		cluster.shell[n].chunk_bytes = 300;
	}
}

static void close(void)
{
	for (raft_index i = 0; i <= cluster.seen_max; i++)
		for (struct seen *e; (e = cluster.seen[i]);) {
			cluster.seen[i] = e->next;
			free(e);
		}
	shells_release();
}

static bool is_whole(void)
{
	return true;
}

/* --- Requests --- */

static bool propose(int n, const uint64_t *ids, const uint32_t *bytes, uint32_t count)
{
	raft_index before = store_last(&cluster.shell[n].memory);

	propose_items(n, ids, bytes, count);
	return store_last(&cluster.shell[n].memory) > before;
}

static void ask(int n, enum sim_kind kind, int whom)
{
	static const enum raft_in_kind kinds[SIM_KINDS] = {
		[SIM_JOIN] = RAFT_JOIN, [SIM_LEAVE] = RAFT_LEAVE, [SIM_TRANSFER] = RAFT_TRANSFER, [SIM_HINT] = RAFT_PEER_DOWN,
	};

	shell_input(node(n), kinds[kind], whom ? world.node[whom].name : "");
}

/* --- What is so --- */

static bool leads(int n)
{
	return raft_role(cluster.shell[n].raft) == RAFT_LEADER;
}

static uint64_t epoch(int n)
{
	return raft_current_term(cluster.shell[n].raft);
}

static const char *leader(int n)
{
	return raft_leader(cluster.shell[n].raft);
}

/* A log that all its members have, nobody left a learner. */
static void check_rest(int leader)
{
	const struct raft *r = cluster.shell[leader].raft;
	const struct raft_config *config = raft_config_latest(r);

	for (uint32_t i = 0; i < config->count; i++) {
		const struct shell *s = &cluster.shell[shell_number(config->member[i].name)];

		holds(config->member[i].voter, "nobody stays a learner");
		holds(raft_last_index(s->raft) == raft_last_index(r), "all have the log at rest");
		holds(s->applied == raft_last_index(r), "all is applied at rest");
	}
}

static void tell(int n, char *line, size_t bytes)
{
	static const char *const role[] = { "follower", "candidate", "leader", "learner" };
	const struct raft *r = cluster.shell[n].raft;
	const struct raft_config *config = raft_config_latest(r);
	int at = snprintf(line, bytes, "%s, term %" PRIu64 ", leader '%s', commit %" PRIu64 ", log %" PRIu64 "..%" PRIu64
			  " (last term %" PRIu64 "), of", role[raft_role(r)], raft_current_term(r), raft_leader(r),
			  raft_commit_index(r), raft_first_index(r), raft_last_index(r), raft_term_at(r, raft_last_index(r)));

	for (uint32_t i = 0; i < config->count && at < (int)bytes; i++)
		at += snprintf(line + at, bytes - (size_t)at, " %s%s", config->member[i].name, config->member[i].voter ? "" : "?");
}

const struct protocol raft_protocol = {
	SHELL_FUNCTIONS, .name = "raft", .open = open, .close = close, .propose = propose, .ask = ask, .leads = leads, .epoch = epoch,
	.leader = leader, .check_rest = check_rest, .tell = tell,
	.is_whole = is_whole,
};
