/*
 * raft: a new core, what it recovers, and its one step. Everything a step does goes out through r->out;
 * what holds after each of them is asserted at the end.
 */
#include "lib/raft/core.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
	NOOP_BYTES = 16,
	MEMBER_BYTES = 16,              /* and more, of a configuration's text: flow control is all that asks */
};

void raft_name_set(raft_name to, const char *from)
{
	size_t length = strnlen(from, RAFT_NAME_BYTES_MAX);

	memmove(to, from, length);
	to[length] = '\0';
}

bool raft_name_is(const raft_name a, const char *b)
{
	return strcmp(a, b) == 0;
}

struct raft *raft_new(const struct raft_options *options, uint64_t now_ns)
{
	struct raft *r = calloc(1, sizeof(*r));

	assert(r);
	assert(options->election_min_ns > 0);
	assert(options->election_min_ns <= options->election_max_ns);
	assert(options->heartbeat_ns > 0);
	assert(options->window_messages > 0);
	r->options = *options;
	raft_name_set(r->id, options->id);
	r->options.id = r->id;
	r->now_ns = now_ns;
	/* One seed may serve a whole cluster: its nodes must not draw alike. */
	r->random = options->seed;
	for (const char *p = r->id; *p; p++)
		r->random = (r->random ^ (uint8_t)*p) * UINT64_C(0x100000001b3);
	raft_log_init(&r->log);
	raft_config_reset(r, 0, &options->initial);
	return r;
}

void raft_free(struct raft *r)
{
	if (!r)
		return;
	while (r->peers > 0)
		raft_peer_drop(r, &r->peer[r->peers - 1]);
	for (size_t i = 0; i < r->configs; i++)
		free(r->config[i].config);
	free(r->config);
	free(r->message);
	raft_log_release(&r->log);
	free(r);
}

/* --- Recovery --- */

void raft_load_snapshot(struct raft *r, const struct raft_snapshot *snapshot, const struct raft_config *config)
{
	assert(!r->started);
	r->snapshot = *snapshot;
	r->commit = r->persisted = snapshot->index;
	raft_log_reset(&r->log, snapshot->index, snapshot->term);
	raft_config_reset(r, snapshot->index, config);
}

void raft_load_base(struct raft *r, raft_index before_first, raft_term term)
{
	assert(!r->started);
	assert(before_first <= r->snapshot.index);
	raft_log_reset(&r->log, before_first, term);
}

void raft_load_state(struct raft *r, raft_term term, const char *voted_for)
{
	assert(!r->started);
	r->term = term;
	raft_name_set(r->vote, voted_for);
}

void raft_load_entry(struct raft *r, const struct raft_entry *entry)
{
	assert(!r->started);
	raft_log_append(&r->log, entry->term, entry->bytes);
	if (entry->config && r->log.last > r->snapshot.index)
		raft_config_push(r, r->log.last, entry->config);
}

void raft_load_truncate(struct raft *r, raft_index from)
{
	assert(!r->started);
	if (from > r->log.last)
		return;
	raft_log_truncate(&r->log, from);
	raft_config_truncate(r, from);
}

/*
 * The first step. A snapshot is written before the log gives way to it and before the hard state, so a
 * crash between them leaves a log that ends before the snapshot, or is not its history: it goes; or a term
 * that is behind: then we did not vote in that of the snapshot, for a vote is durable before it is told.
 */
static void start(struct raft *r)
{
	r->started = true;
	if (r->log.last < r->snapshot.index || raft_log_term(&r->log, r->snapshot.index) != r->snapshot.term) {
		raft_discard(r, &r->snapshot);
		raft_config_truncate(r, r->snapshot.index + 1);
	}
	r->persisted = r->log.last;
	if (r->term < raft_log_term(&r->log, r->log.last))
		raft_become_follower(r, raft_log_term(&r->log, r->log.last), "");
	raft_start_timer(r);
	/* Who may have promised a lease before a crash keeps the promise after it. */
	if (r->options.lease_reads)
		r->quiet_until_ns = r->now_ns + raft_vote_lease_ns(r);
	/* Nobody has been heard from yet: to run early does no harm where it is asked first. */
	else if (r->options.pre_vote)
		r->election_ns = r->now_ns + raft_random(r, r->options.election_min_ns / 2);
	/* The only voter, and no leader before that: nobody is waited for. */
	if (raft_is_alone(r) && (!r->options.lease_reads || r->configs == 1))
		r->election_ns = r->now_ns;
}

/* --- What steps are made of --- */

struct raft_message *raft_send(struct raft *r, const char *peer, enum raft_message_type type)
{
	struct raft_message *m;

	if (r->messages == r->message_room) {
		r->message_room = r->message_room ? 2 * r->message_room : 16;
		r->message = realloc(r->message, r->message_room * sizeof(*r->message));
		assert(r->message);
	}
	m = &r->message[r->messages++];
	memset(m, 0, sizeof(*m));
	m->type = type;
	m->term = r->term;
	raft_name_set(m->peer, peer);
	return m;
}

bool raft_append(struct raft *r, enum raft_append_kind kind, const struct raft_config *config)
{
	struct raft_out *out = r->out;

	if (out->append != RAFT_APPEND_NONE || r->log.last >= RAFT_INDEX_MAX)
		return false;
	raft_log_append(&r->log, r->term, NOOP_BYTES + (config ? config->count * MEMBER_BYTES : 0));
	out->append = kind;
	out->append_first = r->log.last;
	out->append_count = 1;
	out->append_term = r->term;
	if (config) {
		raft_config_push(r, r->log.last, config);
		out->append_config = r->config[r->configs - 1].config;
	}
	return true;
}

void raft_truncate(struct raft *r, raft_index from)
{
	assert(from > r->commit);
	r->out->truncate_from = from;
	raft_log_truncate(&r->log, from);
	raft_config_truncate(r, from);
	if (r->persisted >= from)
		r->persisted = from - 1;
}

void raft_discard(struct raft *r, const struct raft_snapshot *snapshot)
{
	if (r->log.first <= r->log.last)
		r->out->truncate_from = r->log.first;
	raft_log_reset(&r->log, snapshot->index, snapshot->term);
	r->persisted = snapshot->index;
}

/* --- Step --- */

static void propose(struct raft *r, const struct raft_entry *entries, uint32_t count)
{
	struct raft_out *out = r->out;

	if (r->state != RAFT_IS_LEADER)
		out->refused = RAFT_NOT_LEADER;
	else if (raft_transferring(r))
		out->refused = RAFT_TRANSFERRING;
	else if (count > RAFT_INDEX_MAX - r->log.last)
		out->refused = RAFT_LOG_FULL;
	if (out->refused != RAFT_TAKEN || count == 0)
		return;
	out->append = RAFT_APPEND_INPUT;
	out->append_first = r->log.last + 1;
	out->append_count = count;
	out->append_term = r->term;
	for (uint32_t i = 0; i < count; i++) {
		assert(!entries[i].config);
		raft_log_append(&r->log, r->term, entries[i].bytes);
	}
	raft_replicate_all(r);
}

static void persisted(struct raft *r, raft_index index)
{
	if (index > r->log.last)
		index = r->log.last;
	if (index > r->persisted)
		r->persisted = index;
	if (r->state != RAFT_IS_LEADER)
		return;
	if (r->persisted >= r->term_start)
		r->vote_pending = false;
	raft_advance_commit(r);
}

/* A peer's word is checked for what would not fit our numbers; the rest is looked at where it counts. */
static bool sane(const struct raft *r, const struct raft_message *m)
{
	return m->term > 0 && m->term <= RAFT_INDEX_MAX && m->peer[0] && !raft_name_is(r->id, m->peer) &&
	       m->last_log_index <= RAFT_INDEX_MAX && m->last_log_term <= RAFT_INDEX_MAX &&
	       m->prev_log_index <= RAFT_INDEX_MAX && m->count <= RAFT_INDEX_MAX - m->prev_log_index &&
	       m->last_included_index <= RAFT_INDEX_MAX && m->last_included_term <= RAFT_INDEX_MAX &&
	       m->offset <= RAFT_INDEX_MAX;
}

/*
 * Answers count only from members, whatever their term: what we were not told is merely lost, and a server
 * that was removed, at a higher term, deposes nobody (hashicorp/raft#525).
 */
static void recv_answer(struct raft *r, const struct raft_message *m)
{
	struct raft_peer *p = raft_peer_find(r, m->peer);

	if (!p || (m->term > r->term && !p->member))
		return;
	/*
	 * Figure 2, all servers: "If RPC request or response contains term T > currentTerm: set currentTerm
	 * = T, convert to follower."
	 */
	if (m->term > r->term) {
		raft_become_follower(r, m->term, "");
		return;
	}
	if (m->term < r->term || r->state != RAFT_IS_LEADER)
		return;
	p->heard_ns = r->now_ns;
	if (m->type == RAFT_APPEND_ENTRIES_OK)
		raft_recv_append_ok(r, p, m);
	else
		raft_recv_snapshot_ok(r, p, m);
}

static void recv(struct raft *r, const struct raft_message *m)
{
	if (!sane(r, m))
		return;
	switch (m->type) {
	case RAFT_REQUEST_VOTE:
		raft_recv_vote(r, m);
		break;
	case RAFT_REQUEST_VOTE_OK:
		raft_recv_vote_ok(r, m);
		break;
	case RAFT_APPEND_ENTRIES:
		raft_recv_append(r, m);
		break;
	case RAFT_INSTALL_SNAPSHOT:
		raft_recv_snapshot(r, m);
		break;
	case RAFT_TIMEOUT_NOW:
		raft_recv_timeout_now(r, m);
		break;
	case RAFT_APPEND_ENTRIES_OK:
	case RAFT_INSTALL_SNAPSHOT_OK:
		recv_answer(r, m);
		break;
	default:
		assert(!"a message type");
	}
}

static void tick(struct raft *r)
{
	if (r->state != RAFT_IS_LEADER) {
		if (r->now_ns >= r->election_ns)
			raft_election_tick(r);
		return;
	}
	raft_transfer_tick(r);
	if (r->now_ns >= r->heartbeat_at_ns)
		raft_heartbeat(r);
}

static uint64_t deadline(const struct raft *r)
{
	if (r->state == RAFT_IS_LEADER)
		return raft_transferring(r) && r->transfer.until_ns < r->heartbeat_at_ns ? r->transfer.until_ns
											 : r->heartbeat_at_ns;
	/* Who may not campaign has only a leader to forget. */
	return raft_may_campaign(r) || r->leader[0] ? r->election_ns : UINT64_MAX;
}

static void check(const struct raft *r)
{
	assert(r->snapshot.index <= r->commit);
	assert(r->commit <= r->log.last);
	assert(r->log.first <= r->snapshot.index + 1);
	assert(r->persisted <= r->log.last);
	assert(r->term >= raft_log_term(&r->log, r->log.last));
	/* Once an entry of its term is committed, a leader knows all that was committed before. */
	assert(r->state != RAFT_IS_LEADER || r->commit < r->term_start || r->configs - r->committed <= 2);
}

static void dispatch(struct raft *r, const struct raft_in *in)
{
	switch (in->kind) {
	case RAFT_TICK:
		tick(r);
		break;
	case RAFT_RECV:
		recv(r, in->message);
		break;
	case RAFT_PROPOSE:
		propose(r, in->entries, in->count);
		break;
	case RAFT_READ:
		raft_read(r);
		break;
	case RAFT_PERSISTED:
		persisted(r, in->index);
		break;
	case RAFT_JOIN:
		raft_join(r, in->name);
		break;
	case RAFT_LEAVE:
		raft_leave(r, in->name);
		break;
	case RAFT_TRANSFER:
		raft_transfer(r, in->name);
		break;
	case RAFT_COMPACTED:
		raft_compacted(r, &in->snapshot, in->first_index);
		break;
	case RAFT_INSTALLED:
		raft_installed(r, &in->snapshot, in->config);
		break;
	case RAFT_INSTALL_FAILED:
		raft_install_failed(r);
		break;
	case RAFT_PEER_DOWN:
		raft_peer_down(r, in->name);
		break;
	default:
		assert(!"a kind of input");
	}
}

void raft_step(struct raft *r, const struct raft_in *in, struct raft_out *out)
{
	raft_term term = r->term;

	memset(out, 0, sizeof(*out));
	r->out = out;
	r->messages = 0;
	if (in->now_ns > r->now_ns)
		r->now_ns = in->now_ns;
	if (!r->started)
		start(r);
	dispatch(r, in);
	assert(r->term >= term);
	check(r);
	out->messages = r->message;
	out->message_count = r->messages;
	out->commit_index = r->commit;
	out->deadline_ns = deadline(r);
	r->out = NULL;
}

/* --- What is so now --- */

enum raft_role raft_role(const struct raft *r)
{
	if (r->state == RAFT_IS_LEADER)
		return RAFT_LEADER;
	if (r->state != RAFT_IS_FOLLOWER)
		return RAFT_CANDIDATE;
	return r->voter ? RAFT_FOLLOWER : RAFT_LEARNER;
}

raft_term raft_current_term(const struct raft *r)
{
	return r->term;
}

const char *raft_voted_for(const struct raft *r)
{
	return r->vote;
}

const char *raft_leader(const struct raft *r)
{
	return r->leader;
}

raft_index raft_commit_index(const struct raft *r)
{
	return r->commit;
}

raft_index raft_first_index(const struct raft *r)
{
	return r->log.first;
}

raft_index raft_last_index(const struct raft *r)
{
	return r->log.last;
}

raft_index raft_snapshot_index(const struct raft *r)
{
	return r->snapshot.index;
}

raft_term raft_term_at(const struct raft *r, raft_index index)
{
	return raft_log_term(&r->log, index);
}
