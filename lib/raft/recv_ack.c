/*
 * recv_ack: what followers answer to append_entries, and what it lets the leader commit (Raft 5.3, 5.4.2).
 *
 * match only grows by what a follower says is durable with it, so the commit index is what a majority
 * holds. Late and repeated answers say less than is known already, and change nothing.
 */
#include "lib/raft/core.h"

#include <assert.h>

enum { REFUSALS_MAX = 8 };      /* in a row, before we believe that a follower lost its log */

uint64_t raft_of_majority(const struct raft *r, uint64_t own, uint64_t (*of)(const struct raft_peer *))
{
	uint64_t value[RAFT_PEERS_MAX + 1];
	uint32_t n = 0;

	for (uint32_t i = 0; i <= r->peers; i++) {
		uint64_t v = own;
		uint32_t at = n;

		if (i < r->peers ? !r->peer[i].voter : !r->voter)
			continue;
		if (i < r->peers)
			v = of(&r->peer[i]);
		for (; at > 0 && value[at - 1] < v; at--)
			value[at] = value[at - 1];
		value[at] = v;
		n++;
	}
	return n > 0 ? value[n / 2] : 0;
}

static uint64_t match_of(const struct raft_peer *p)
{
	return p->match;
}

void raft_commit(struct raft *r, raft_index index)
{
	assert(index > r->commit);
	assert(index <= r->log.last);
	r->commit = index;
	raft_config_commit(r);
}

/*
 * Figure 2, leaders: "If there exists an N such that N > commitIndex, a majority of matchIndex[i] >= N, and
 * log[N].term == currentTerm: set commitIndex = N." 5.4.2, Figure 8: never by counting replicas of an older
 * term.
 */
void raft_advance_commit(struct raft *r)
{
	raft_index index = raft_of_majority(r, r->persisted, match_of);

	if (index <= r->commit || index < r->term_start || r->incoming.loading)
		return;
	raft_commit(r, index);
	raft_read_committed(r);
	raft_promote(r);
	raft_replicate_all(r);
	raft_step_out(r);
}

/* A follower on its way out has it all: its leaving and that it is committed. */
static bool knows_it_left(const struct raft_peer *p)
{
	return p->leaving_index > 0 && p->match >= p->leaving_index && p->commit_sent >= p->leaving_index;
}

static void accepted(struct raft *r, struct raft_peer *p, raft_index match)
{
	bool news = match >= p->match;

	p->refusals = 0;
	if (news)
		p->match = match;
	raft_flights_landed(r, p);
	/* A probe found where the logs meet; or a snapshot came to an end that we were not told. */
	if (news && p->state == RAFT_PROBE)
		raft_follow(r, p, RAFT_REPLICATE, match + 1);
	else if (news && p->state == RAFT_SNAPSHOT && match + 1 >= r->log.first)
		raft_follow(r, p, RAFT_REPLICATE, match + 1);
	else if (p->next <= p->match)
		p->next = p->match + 1;
	raft_catch_up(r, p);
}

/*
 * 5.3: "the leader can decrement nextIndex to bypass all of the conflicting entries in that term". Where we
 * have that term too, our last entry of it is where the logs may meet; where we have not, what the follower
 * has before it is of earlier terms, so what we have of later ones is passed over as well. Of one that does
 * not say where, nextIndex is decremented.
 */
static raft_index meeting_point(const struct raft *r, const struct raft_peer *p, const struct raft_message *m)
{
	raft_index last;

	if (m->conflict_index == 0)
		return p->next > 1 ? p->next - 1 : 1;
	if (m->conflict_term == 0 || m->conflict_index >= p->next || p->next < r->log.first)
		return m->conflict_index;
	last = raft_log_last_upto(&r->log, p->next - 1, m->conflict_term);
	if (last + 1 < p->next && last >= m->conflict_index && raft_log_term(&r->log, last) == m->conflict_term)
		return last + 1;
	if (m->conflict_index < r->log.first)
		return m->conflict_index;
	return raft_log_last_upto(&r->log, m->conflict_index - 1, m->conflict_term) + 1;
}

/*
 * It confirmed more than it has now: late, unless that is repeated. Then it has lost its log, and gets all
 * anew.
 */
static void refused_what_it_had(struct raft *r, struct raft_peer *p, raft_index next)
{
	if (++p->refusals < REFUSALS_MAX)
		return;
	p->refusals = 0;
	p->match = p->commit_sent = next - 1;
	raft_follow(r, p, RAFT_PROBE, next);
}

/*
 * Every refusal means that prev_log_index was too far on, so where to go on lies before next, and behind
 * what was confirmed; a refusal that says something else is an answer to something older.
 */
static void refused(struct raft *r, struct raft_peer *p, const struct raft_message *m)
{
	raft_index next = meeting_point(r, p, m);

	if (p->state == RAFT_SNAPSHOT) {
		if (next > p->match && next >= r->log.first && next <= r->log.last + 1)
			raft_follow(r, p, RAFT_PROBE, next);
		return;
	}
	if (next <= p->match && p->next > p->match + 1)
		next = p->match + 1;
	if (next <= p->match)
		refused_what_it_had(r, p, next);
	else if (next < p->next)
		raft_follow(r, p, RAFT_PROBE, next);
}

void raft_recv_append_ok(struct raft *r, struct raft_peer *p, const struct raft_message *m)
{
	bool knew = knows_it_left(p);

	/* An honest follower confirms nothing that we have not. */
	if (m->success && m->match_index > r->log.last)
		return;
	raft_read_acked(r, p, m->round);
	if (m->success)
		accepted(r, p, m->match_index);
	else
		refused(r, p, m);
	if (knew) {
		raft_peer_drop(r, p);
		return;
	}
	if (p->voter)
		raft_advance_commit(r);
	else
		raft_promote(r);
	if (r->state != RAFT_IS_LEADER)
		return;
	raft_transfer_advance(r);
	raft_replicate(r, p);
}
