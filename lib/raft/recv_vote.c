/*
 * recv_vote: request_vote and its answer (Raft 5.2, 5.4.1; dissertation 4.2.3, 9.6).
 *
 * Safe because a vote is given once a term, never taken back, and durable before it is told. A pre-vote
 * promises nothing and changes nothing.
 */
#include "lib/raft/core.h"

#include <string.h>

static struct raft_message *answer(struct raft *r, const struct raft_message *m, bool granted)
{
	struct raft_message *reply = raft_send(r, m->peer, RAFT_REQUEST_VOTE_OK);

	reply->pre_vote = m->pre_vote;
	reply->vote_granted = granted;
	return reply;
}

/*
 * Dissertation 4.2.3: "if a server receives a RequestVote request within the minimum election timeout of
 * hearing from a current leader, it does not update its term or grant its vote", but for a transfer. A
 * leader that asks for votes itself is none any more. Without check-quorum this would keep a leader that
 * hears nobody in office, so then only pre-votes are refused.
 */
static bool leader_is_heard(const struct raft *r, const struct raft_message *m)
{
	if (r->state == RAFT_IS_LEADER)
		return m->pre_vote || r->options.check_quorum;
	return r->now_ns < r->quiet_until_ns && !raft_name_is(r->leader, m->peer) &&
	       (m->pre_vote || r->options.check_quorum);
}

/*
 * Two that ask at the same moment would both be granted, and then each vote for itself. Of two equal logs
 * the lesser name goes first, for as long as a question is under way; then who asks again may have its
 * turn.
 */
static bool goes_first(const struct raft *r, const struct raft_message *m)
{
	return r->state == RAFT_IS_PRE_CANDIDATE && r->now_ns - r->campaign_ns < raft_moment_ns(r) &&
	       m->last_log_index == r->log.last && m->last_log_term == raft_log_term(&r->log, r->log.last) &&
	       strcmp(r->id, m->peer) < 0;
}

/* Granted if the vote would be: the term is later, the log current, and no leader is heard from. */
static void recv_pre_vote(struct raft *r, const struct raft_message *m)
{
	bool current = raft_log_is_current(r, m->last_log_index, m->last_log_term);
	bool heard = leader_is_heard(r, m);
	bool granted = m->term > r->term && current && !heard && !goes_first(r, m);
	struct raft_message *reply = answer(r, m, granted);

	/* A refusal says our term, so that one who is behind learns it; a grant is for the term to be. */
	if (granted)
		reply->term = m->term;
	if (granted && r->state == RAFT_IS_PRE_CANDIDATE)
		raft_become_follower(r, r->term, "");
	/* Ours is the better log, and nobody leads: we, not the one who asks, can win. */
	if (!current && !heard && r->state == RAFT_IS_FOLLOWER)
		raft_hurry(r);
}

void raft_recv_vote(struct raft *r, const struct raft_message *m)
{
	if (m->pre_vote) {
		recv_pre_vote(r, m);
		return;
	}
	/* Figure 2: "Reply false if term < currentTerm". */
	if (m->term < r->term || (m->term > r->term && !m->transfer && leader_is_heard(r, m))) {
		answer(r, m, false);
		return;
	}
	if (m->term > r->term)
		raft_become_follower(r, m->term, "");
	/*
	 * "If votedFor is null or candidateId, and candidate's log is at least as up-to-date as receiver's
	 * log, grant vote".
	 */
	if (!raft_log_is_current(r, m->last_log_index, m->last_log_term) ||
	    (r->vote[0] && !raft_name_is(r->vote, m->peer))) {
		answer(r, m, false);
		return;
	}
	if (r->state != RAFT_IS_FOLLOWER)
		raft_become_follower(r, r->term, "");
	if (!r->vote[0]) {
		raft_name_set(r->vote, m->peer);
		r->out->hard_state = true;
	}
	raft_start_timer(r);
	answer(r, m, true)->after_persist = true;
}

/* A vote counts in the term it was given for, a pre-vote for the term it was asked for. */
void raft_recv_vote_ok(struct raft *r, const struct raft_message *m)
{
	struct raft_peer *p = raft_peer_find(r, m->peer);
	bool promised = m->pre_vote && m->vote_granted;

	if (!p || !p->member)
		return;
	if (m->term > r->term && !promised) {
		raft_become_follower(r, m->term, "");
		return;
	}
	if (m->pre_vote ? r->state != RAFT_IS_PRE_CANDIDATE : r->state != RAFT_IS_CANDIDATE)
		return;
	if (m->pre_vote ? m->term > r->term + 1 : m->term < r->term)
		return;
	/* What was granted stays so: a refusal can only be an older answer. */
	if (p->vote != RAFT_VOTE_GRANTED)
		p->vote = m->vote_granted ? RAFT_VOTE_GRANTED : RAFT_VOTE_REFUSED;
	raft_count_votes(r);
}
