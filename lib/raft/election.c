/*
 * election: timers, campaigns and changes of role (Raft 5.2; pre-vote of dissertation 9.6).
 *
 * A campaign asks first whether it could be won (pre-vote), with the term it would have and without taking
 * it, so a node that cannot win disturbs nobody. Safety rests on the vote alone: one a term, durable before
 * it is told.
 */
#include "lib/raft/core.h"

#include <assert.h>
#include <string.h>

enum { QUICK_ATTEMPTS = 3 };    /* elections in a row that are retried in half the time */

/* Steele, Lea, Flood: "Fast Splittable Pseudorandom Number Generators" (2014), the mixer as Vigna has it. */
uint64_t raft_random(struct raft *r, uint64_t n)
{
	uint64_t z = r->random += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	z ^= z >> 31;
	return n ? z % n : 0;
}

/* Raft 5.2: "election timeouts are chosen randomly from a fixed interval". */
void raft_start_timer(struct raft *r)
{
	uint64_t min = r->options.election_min_ns, max = r->options.election_max_ns;

	r->election_ns = r->now_ns + min + raft_random(r, max - min + 1);
}

/*
 * 5.2: "each candidate restarts its randomized election timeout at the start of an election". The first few
 * wait half as long: a round trip is all they wait for; were they too impatient for this network, those
 * after them are not.
 */
static void start_retry_timer(struct raft *r)
{
	raft_start_timer(r);
	if (r->attempts++ < QUICK_ATTEMPTS)
		r->election_ns -= (r->election_ns - r->now_ns) / 2;
}

void raft_hurry(struct raft *r)
{
	uint64_t soon = r->now_ns + raft_random(r, raft_moment_ns(r) + 1);

	/* Our own vote is promised to nobody else's lease. */
	if (r->options.lease_reads && soon < r->quiet_until_ns)
		soon = r->quiet_until_ns;
	if (soon < r->election_ns)
		r->election_ns = soon;
}

void raft_become_follower(struct raft *r, raft_term term, const char *leader)
{
	bool led = r->state == RAFT_IS_LEADER;

	assert(term >= r->term);
	if (term > r->term) {
		r->term = term;
		r->vote[0] = '\0';
		r->out->hard_state = true;
	}
	if (r->state != RAFT_IS_FOLLOWER)
		raft_start_timer(r);
	r->state = RAFT_IS_FOLLOWER;
	raft_name_set(r->leader, leader);
	if (!led)
		return;
	raft_read_lost(r);
	raft_transfer_end(r, false);
	for (uint32_t i = r->peers; i-- > 0;)
		if (!r->peer[i].member)
			raft_peer_drop(r, &r->peer[i]);
}

/* Another leader of our own term there cannot be: what says so is not answered. */
bool raft_obey(struct raft *r, const struct raft_message *m)
{
	assert(m->term >= r->term);
	if (m->term == r->term && (r->state == RAFT_IS_LEADER || (r->leader[0] && !raft_name_is(r->leader, m->peer))))
		return false;
	/* What a leader sent before it went, as we were told, may come after the word of it. */
	if (m->term == r->term && m->term == r->gone_term && r->now_ns < r->gone_until_ns)
		return true;
	/* Candidates: "If AppendEntries RPC received from new leader: convert to follower." */
	if (m->term > r->term || r->state != RAFT_IS_FOLLOWER || !r->leader[0])
		raft_become_follower(r, m->term, m->peer);
	r->attempts = 0;
	r->quiet_until_ns = r->now_ns + raft_vote_lease_ns(r);
	raft_start_timer(r);
	return true;
}

/*
 * Dissertation 4.2.2: a server that its latest configuration leaves out still starts elections, for it
 * "might still be needed until the Cnew entry is committed": the voters of the one before may lack the
 * entry, and then none of them can win without it. Once it knows that it is committed out, it never does.
 */
bool raft_may_campaign(const struct raft *r)
{
	if (r->term >= RAFT_INDEX_MAX || r->log.last >= RAFT_INDEX_MAX)
		return false;
	if (r->voter)
		return true;
	for (size_t i = r->configs - 1; i-- > r->committed;) {
		const struct raft_member *self = raft_config_find(r->config[i].config, r->id);

		if (self && self->voter)
			return true;
	}
	return false;
}

/*
 * 5.4.1: "If the logs have last entries with different terms, then the log with the later term is more
 * up-to-date. If the logs end with the same term, then whichever log is longer is more up-to-date."
 */
bool raft_log_is_current(const struct raft *r, raft_index last, raft_term term)
{
	raft_term ours = raft_log_term(&r->log, r->log.last);

	return term > ours || (term == ours && last >= r->log.last);
}

static void become_leader(struct raft *r)
{
	r->state = RAFT_IS_LEADER;
	raft_name_set(r->leader, r->id);
	r->attempts = 0;
	r->quiet_until_ns = 0;
	r->term_start = r->log.last + 1;
	r->transfer.ever_told = false;
	r->heartbeat_at_ns = r->now_ns + r->options.heartbeat_ns;
	for (uint32_t i = 0; i < r->peers; i++) {
		struct raft_peer *p = &r->peer[i];

		/* Figure 2: nextIndex "initialized to leader last log index + 1", matchIndex "to 0". */
		raft_follow(r, p, RAFT_PROBE, r->log.last + 1);
		p->match = p->commit_sent = 0;
		p->heard_ns = p->catchup_ns = r->now_ns;
		p->catchup_index = r->log.last + 1;
		p->caught_up = false;
		p->refusals = 0;
		p->round = p->plain = p->lease_ns = p->offset = 0;
		p->sending.index = 0;
	}
	/* Section 8: "each leader commit[s] a blank no-op entry into the log at the start of its term". */
	if (!raft_append(r, RAFT_APPEND_NOOP, NULL))
		assert(!"one append a step");
	raft_replicate_all(r);
}

/*
 * "A candidate wins an election if it receives votes from a majority of the servers ... for the same term."
 */
void raft_count_votes(struct raft *r)
{
	uint32_t granted = r->voter;

	for (uint32_t i = 0; i < r->peers; i++)
		granted += r->peer[i].voter && r->peer[i].vote == RAFT_VOTE_GRANTED;
	if (granted < r->voters / 2 + 1)
		return;
	/* What we learnt while we asked may have us out. */
	if (!raft_may_campaign(r))
		raft_become_follower(r, r->term, "");
	else if (r->state == RAFT_IS_PRE_CANDIDATE)
		raft_campaign(r, RAFT_CAMPAIGN);
	else
		become_leader(r);
}

static void request_votes(struct raft *r, bool pre_vote, bool transfer)
{
	for (uint32_t i = 0; i < r->peers; i++) {
		struct raft_message *m;

		r->peer[i].vote = RAFT_VOTE_NONE;
		if (!r->peer[i].voter)
			continue;
		m = raft_send(r, r->peer[i].name, RAFT_REQUEST_VOTE);
		m->term = r->term + pre_vote;
		m->last_log_index = r->log.last;
		m->last_log_term = raft_log_term(&r->log, r->log.last);
		m->pre_vote = pre_vote;
		m->transfer = transfer;
		/* Our own vote is one of those that may win: it is durable before another can be. */
		m->after_persist = !pre_vote;
	}
	start_retry_timer(r);
	raft_count_votes(r);
}

static void pre_campaign(struct raft *r)
{
	r->state = RAFT_IS_PRE_CANDIDATE;
	r->campaign_ns = r->now_ns;
	r->leader[0] = '\0';
	request_votes(r, true, false);
}

/*
 * Figure 2, candidates: "Increment currentTerm. Vote for self. Reset election timer. Send RequestVote
 * RPCs".
 */
void raft_campaign(struct raft *r, enum raft_campaign how)
{
	assert(raft_may_campaign(r));
	assert(r->state != RAFT_IS_LEADER);
	r->state = RAFT_IS_CANDIDATE;
	r->leader[0] = '\0';
	r->term++;
	raft_name_set(r->vote, r->id);
	r->out->hard_state = true;
	/* The only voter leads before its vote is durable; nothing of the term may be seen before it is. */
	r->vote_pending = raft_is_alone(r);
	request_votes(r, false, how == RAFT_CAMPAIGN_TRANSFER);
}

void raft_election_tick(struct raft *r)
{
	if (!raft_may_campaign(r)) {
		r->leader[0] = '\0';
		return;
	}
	if (r->options.pre_vote && !raft_is_alone(r))
		pre_campaign(r);
	else
		raft_campaign(r, RAFT_CAMPAIGN);
}

/*
 * The leader is gone, they say: it is not waited for. If it is not, its next heartbeats show. A lease that
 * trusts clocks does not trust the hint.
 */
static void leader_down(struct raft *r)
{
	r->leader[0] = '\0';
	if (r->options.lease_reads)
		return;
	r->quiet_until_ns = 0;
	r->gone_term = r->term;
	r->gone_until_ns = r->now_ns + r->options.election_min_ns / 4;
	raft_hurry(r);
}

void raft_peer_down(struct raft *r, const char *name)
{
	struct raft_peer *p = raft_peer_find(r, name);

	if (r->state == RAFT_IS_FOLLOWER && r->leader[0] && raft_name_is(r->leader, name))
		leader_down(r);
	if (r->state != RAFT_IS_LEADER || !p)
		return;
	if (p->state == RAFT_REPLICATE) {
		raft_follow(r, p, RAFT_PROBE, p->match + 1);
		p->probed = true;
	}
	if (raft_name_is(r->transfer.target, name))
		raft_transfer_end(r, true);
}
