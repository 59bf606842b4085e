/*
 * snapshot: install_snapshot, both sides, and compaction (Raft 7, Figure 13).
 *
 * One chunk is out at a time; the answer says what the follower has, so a transfer goes on from there after
 * a loss or a restart of either side. A leader offers its current snapshot, but goes on with the previous
 * one where that has begun, as long as its log reaches back to it: else a follower that is slower than
 * snapshots are made would begin for ever (hashicorp/raft#212).
 *
 * install_snapshot_ok does not say of which snapshot it speaks. A late one can make a leader go on at a
 * wrong offset, or believe that all arrived: then the next chunk is answered with the right offset, the
 * next append refused.
 */
#include "lib/raft/core.h"

#include <assert.h>
#include <string.h>

enum { RESEND_GROWTH_MAX = 16 };

/* --- Leader --- */

static void send_chunk(struct raft *r, struct raft_peer *p)
{
	struct raft_message *m = raft_send(r, p->name, RAFT_INSTALL_SNAPSHOT);

	m->last_included_index = p->sending.index;
	m->last_included_term = p->sending.term;
	m->offset = p->offset;
	m->after_persist = r->vote_pending;
	p->chunk_ns = r->now_ns;
}

static bool goes_on(const struct raft *r, const struct raft_snapshot *sending)
{
	if (sending->index == 0)
		return false;
	return sending->index == r->snapshot.index ||
	       (sending->index == r->snapshot_before.index && sending->index + 1 >= r->log.first);
}

void raft_send_snapshot(struct raft *r, struct raft_peer *p)
{
	assert(r->snapshot.index + 1 >= r->log.first);
	assert(r->snapshot.index > 0);
	raft_follow(r, p, RAFT_SNAPSHOT, p->next);
	if (!goes_on(r, &p->sending)) {
		p->sending = r->snapshot;
		p->offset = 0;
	}
	p->resend_ns = r->options.election_min_ns;
	send_chunk(r, p);
}

/*
 * It may be lost, or the follower may still be loading: each time we wait longer.  The dead get heartbeats
 * alone.
 */
void raft_resend_chunk(struct raft *r, struct raft_peer *p)
{
	if (raft_is_silent(r, p) || r->now_ns - p->chunk_ns < p->resend_ns)
		return;
	if (!goes_on(r, &p->sending)) {
		raft_send_snapshot(r, p);
		return;
	}
	if (p->resend_ns < RESEND_GROWTH_MAX * r->options.election_min_ns)
		p->resend_ns *= 2;
	send_chunk(r, p);
}

/*
 * Only an answer that is further on sends a chunk, so a repeated answer cannot make a second stream of
 * them. One that is further back is heeded when the chunk goes again.
 */
void raft_recv_snapshot_ok(struct raft *r, struct raft_peer *p, const struct raft_message *m)
{
	if (p->state != RAFT_SNAPSHOT)
		return;
	if (!goes_on(r, &p->sending)) {
		raft_send_snapshot(r, p);
	} else if (m->offset < p->offset) {
		p->offset = m->offset;
		p->resend_ns = r->options.election_min_ns;
	} else if (m->offset >= p->sending.bytes) {
		raft_index next = p->sending.index + 1;

		p->sending.index = 0;
		raft_follow(r, p, RAFT_PROBE, next);
		raft_replicate(r, p);
	} else if (m->offset > p->offset) {
		p->offset = m->offset;
		p->resend_ns = r->options.election_min_ns;
		send_chunk(r, p);
	}
}

void raft_compacted(struct raft *r, const struct raft_snapshot *snapshot, raft_index first)
{
	assert(snapshot->index <= r->commit);
	if (snapshot->index > r->snapshot.index) {
		assert(raft_log_term(&r->log, snapshot->index) == snapshot->term);
		r->snapshot_before = r->snapshot;
		r->snapshot = *snapshot;
		raft_config_compact(r, snapshot->index);
	}
	/* A snapshot that is durable makes so all that it includes. */
	if (r->persisted < r->snapshot.index)
		r->persisted = r->snapshot.index;
	if (first > r->log.first)
		raft_log_compact(&r->log, first);
}

/* --- Follower --- */

static void answer(struct raft *r, const char *leader, uint64_t offset)
{
	raft_send(r, leader, RAFT_INSTALL_SNAPSHOT_OK)->offset = offset;
}

/* The same snapshot at another node need not be the same bytes, so it is known by its sender too. */
static bool is_incoming(const struct raft *r, const struct raft_message *m)
{
	return raft_name_is(r->incoming.leader, m->peer) && m->last_included_index == r->incoming.index &&
	       m->last_included_term == r->incoming.term;
}

/*
 * All that it includes is committed here. The chunk is answered as if it were taken, and a leader that
 * knows match_index hears that it need send no more.
 */
static void answer_needless(struct raft *r, const struct raft_message *m)
{
	bool promises = m->last_included_index > r->persisted;
	struct raft_message *reply = raft_send(r, m->peer, RAFT_APPEND_ENTRIES_OK);

	reply->success = true;
	reply->match_index = m->last_included_index;
	reply->after_persist = promises;
	reply = raft_send(r, m->peer, RAFT_INSTALL_SNAPSHOT_OK);
	reply->offset = m->offset + m->data_bytes;
	reply->after_persist = promises;
}

static void take_chunk(struct raft *r, const struct raft_message *m)
{
	if (!is_incoming(r, m) && m->offset == 0) {
		/* A leader only ever goes on to a newer one: this is late. */
		if (r->incoming.leader_term == m->term && m->last_included_index < r->incoming.index)
			return;
		raft_name_set(r->incoming.leader, m->peer);
		r->incoming.leader_term = m->term;
		r->incoming.index = m->last_included_index;
		r->incoming.term = m->last_included_term;
		r->incoming.offset = 0;
	}
	if (!is_incoming(r, m) || m->offset != r->incoming.offset) {
		answer(r, m->peer, is_incoming(r, m) ? r->incoming.offset : 0);
		return;
	}
	r->out->chunk = true;
	r->incoming.offset += m->data_bytes;
	r->incoming.loading = m->done;
	/* The last chunk is answered when all of it is loaded. */
	if (!m->done)
		answer(r, m->peer, r->incoming.offset);
}

void raft_recv_snapshot(struct raft *r, const struct raft_message *m)
{
	if (m->term < r->term) {
		answer(r, m->peer, 0);
		return;
	}
	if (m->last_included_index == 0 || m->last_included_term > m->term || !raft_obey(r, m))
		return;
	/*
	 * While one is loaded it is not disturbed, and the commit index stands still: it stays newer than
	 * what we have.
	 */
	if (r->incoming.loading)
		return;
	if (m->last_included_index <= r->commit)
		answer_needless(r, m);
	else
		take_chunk(r, m);
}

/*
 * Figure 13: "If existing log entry has same index and term as snapshot's last included entry, retain log
 * entries following it and reply", else "discard the entire log". A vote given stays given.
 */
void raft_installed(struct raft *r, const struct raft_snapshot *snapshot, const struct raft_config *config)
{
	if (r->incoming.loading)
		answer(r, r->incoming.leader, r->incoming.offset);
	memset(&r->incoming, 0, sizeof(r->incoming));
	if (snapshot->index <= r->commit)
		return;
	r->snapshot_before = r->snapshot;
	r->snapshot = *snapshot;
	if (snapshot->index > r->log.last || raft_log_term(&r->log, snapshot->index) != snapshot->term) {
		/* A leader's log has all that is committed: ours has not, so its office was never ours. */
		if (r->state != RAFT_IS_FOLLOWER)
			raft_become_follower(r, r->term, "");
		raft_discard(r, snapshot);
		raft_config_truncate(r, snapshot->index + 1);
	}
	if (r->persisted < snapshot->index)
		r->persisted = snapshot->index;
	raft_config_install(r, snapshot->index, config);
	raft_commit(r, snapshot->index);
	r->out->config_changed = true;
	if (r->state == RAFT_IS_LEADER)
		raft_advance_commit(r);
}

void raft_install_failed(struct raft *r)
{
	if (!r->incoming.leader[0])
		return;
	r->incoming.loading = false;
	r->incoming.offset = 0;
	answer(r, r->incoming.leader, 0);
}
