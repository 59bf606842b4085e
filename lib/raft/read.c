/*
 * read: linearizable reads without a log entry (dissertation 6.4, ReadIndex; 6.4.1, lease).
 *
 * A batch of reads may be answered at the commit index of a moment after it came, once something proves
 * that we still led at that moment or later:
 *
 *	a round     a majority of the voters repeated the number of a heartbeat sent since (one round serves all
 *	            batches that wait; those that come meanwhile wait for the next)
 *	an entry    of ours, appended since, was committed: a majority took it from us
 *	the lease   a majority promised, by a heartbeat not long ago, to elect nobody yet
 *
 * and not before an entry of our term is committed: "the Leader Completeness Property guarantees that a
 * leader has all committed entries, but at the start of its term, it may not know which those are"
 * (etcd#7331).
 */
#include "lib/raft/core.h"

#include <assert.h>

static void confirm(struct raft *r, uint64_t batch, raft_index index)
{
	assert(batch > r->read.settled);
	r->read.settled = batch;
	r->read.asked = 0;
	r->out->reads_confirmed = batch;
	r->out->read_index = index;
}

static uint64_t lease_of(const struct raft_peer *p)
{
	return p->lease_ns;
}

/*
 * A voter elects nobody for 9/10 of the least election timeout after it hears from us. We count from when
 * we sent, which was before it heard, and give up another tenth of the timeout: so this is right while no
 * clock gains more than 1/9 on another over that time. A node whose process or machine is stopped still
 * counts time on a clock that goes on. A transfer asks voters to break the promise, so after one there is
 * no lease in this term.
 */
static bool lease_holds(const struct raft *r)
{
	uint64_t sent;

	if (!r->options.lease_reads || !r->options.check_quorum || raft_transferring(r) || r->transfer.ever_told)
		return false;
	sent = raft_of_majority(r, r->now_ns, lease_of);
	return sent > 0 && r->now_ns < sent + raft_vote_lease_ns(r) - r->options.election_min_ns / 10;
}

static void begin_round(struct raft *r)
{
	r->round++;
	r->round_ns[r->round % RAFT_ROUNDS] = r->now_ns;
}

void raft_read_start(struct raft *r)
{
	if (r->read.asked || r->read.last == r->read.settled || r->commit < r->term_start)
		return;
	if (raft_is_alone(r) || lease_holds(r)) {
		confirm(r, r->read.last, r->commit);
		return;
	}
	begin_round(r);
	r->read.asked = r->read.last;
	r->read.round = r->round;
	r->read.index = r->commit;
	r->read.proof = r->log.last + 1;
	/* Who is silent hears of it with the next heartbeat. */
	for (uint32_t i = 0; i < r->peers; i++)
		if (r->peer[i].voter && !raft_is_silent(r, &r->peer[i]))
			raft_ping(r, &r->peer[i]);
}

void raft_read(struct raft *r)
{
	if (r->state != RAFT_IS_LEADER) {
		r->out->refused = RAFT_NOT_LEADER;
		return;
	}
	r->out->read = ++r->read.last;
	raft_read_start(r);
}

uint64_t raft_read_round(const struct raft *r)
{
	return r->read.asked || r->options.lease_reads ? r->round : 0;
}

void raft_read_heartbeat(struct raft *r)
{
	if (r->options.lease_reads)
		begin_round(r);
	/* What was sent before the round and is not answered by now was lost. */
	for (uint32_t i = 0; i < r->peers && r->read.asked; i++)
		r->peer[i].plain = 0;
}

/*
 * An answer to a message with a round that does not repeat it is from a node that knows no rounds: then an
 * entry has to be committed, one of ours that is on its way or one for the purpose.
 */
static void answered_plainly(struct raft *r, struct raft_peer *p)
{
	if (p->plain > 0) {
		p->plain--;
		return;
	}
	if (!r->read.asked || !p->voter || r->log.last >= r->read.proof || raft_transferring(r))
		return;
	if (raft_append(r, RAFT_APPEND_NOOP, NULL))
		raft_replicate_all(r);
}

static uint64_t round_of(const struct raft_peer *p)
{
	return p->round;
}

void raft_read_acked(struct raft *r, struct raft_peer *p, uint64_t round)
{
	if (round == 0) {
		answered_plainly(r, p);
		return;
	}
	if (round <= p->round || round > r->round)
		return;
	p->round = round;
	if (r->round - round < RAFT_ROUNDS)
		p->lease_ns = r->round_ns[round % RAFT_ROUNDS];
	if (!r->read.asked || raft_of_majority(r, r->round, round_of) < r->read.round)
		return;
	confirm(r, r->read.asked, r->read.index);
	raft_read_start(r);
}

void raft_read_committed(struct raft *r)
{
	if (r->read.asked && r->commit >= r->read.proof)
		confirm(r, r->read.asked, r->read.index);
	raft_read_start(r);
}

void raft_read_lost(struct raft *r)
{
	if (r->read.last > r->read.settled)
		r->out->reads_lost = r->read.last;
	r->read.settled = r->read.last;
	r->read.asked = 0;
}
