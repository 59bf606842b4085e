/*
 * read: linearizable reads without a slot (as Raft's, dissertation 6.4 and 6.4.1).
 *
 * A batch of reads may be answered at the chosen slot of a moment after it came, once something proves that nobody had
 * led behind us at that moment:
 *
 *	a round     a quorum of phase 2 repeated the number of a heartbeat sent since: none of them had promised a
 *	            higher ballot, and every quorum of phase 1 has one of them (one round serves all that wait)
 *	the lease   a quorum of phase 2 said, not long ago, to promise nobody yet
 *
 * and not before all is chosen that phase 1 found: whatever was chosen before is among that, but which of it was is not
 * known.
 */
#include "lib/paxos/core.h"

#include <assert.h>

static void confirm(struct paxos *c, uint64_t batch, paxos_slot slot)
{
	assert(batch > c->read.settled);
	c->read.settled = batch;
	c->read.asked = 0;
	c->out->reads_confirmed = batch;
	c->out->read_slot = slot;
}

static uint64_t lease_of(const struct paxos *c, const struct paxos_peer *p)
{
	return p ? p->lease_ns : c->now_ns;
}

/*
 * An acceptor promises nobody for 9/10 of the least election timeout after it hears from us. We count from when we sent,
 * which was before it heard, and give up another tenth of the timeout: so this is right while no clock gains more than
 * 1/9 on another over that time. A node whose process or machine is stopped still counts time on a clock that goes on. A
 * transfer asks acceptors to break the word, so after one there is no lease in this ballot.
 */
static bool lease_holds(const struct paxos *c)
{
	uint64_t sent;

	if (!c->options.lease_reads || paxos_transferring(c) || c->transferring.ever_told)
		return false;
	sent = paxos_reach_all(c, PAXOS_PHASE_2, lease_of);
	return sent > 0 && c->now_ns < sent + paxos_quiet_ns(c) - c->options.election_min_ns / 10;
}

static void begin_round(struct paxos *c)
{
	c->round++;
	c->round_ns[c->round % PAXOS_ROUNDS] = c->now_ns;
}

static uint64_t round_of(const struct paxos *c, const struct paxos_peer *p)
{
	return p ? p->round : c->round;
}

void paxos_read_start(struct paxos *c)
{
	if (c->read.asked || c->read.last == c->read.settled || c->chosen < c->found)
		return;
	if (lease_holds(c)) {
		confirm(c, c->read.last, c->chosen);
		return;
	}
	begin_round(c);
	if (paxos_reach_all(c, PAXOS_PHASE_2, round_of) == c->round) {
		confirm(c, c->read.last, c->chosen);
		return;
	}
	c->read.asked = c->read.last;
	c->read.round = c->round;
	c->read.slot = c->chosen;
	/* Who is silent hears of it with the next heartbeat. */
	for (uint32_t i = 0; i < c->peers; i++)
		if (c->peer[i].voter && !paxos_is_silent(c, &c->peer[i]))
			paxos_ping(c, &c->peer[i]);
}

void paxos_read(struct paxos *c)
{
	if (c->state != PAXOS_LEADS) {
		c->out->refused = PAXOS_NOT_LEADER;
		return;
	}
	c->out->read = ++c->read.last;
	paxos_read_start(c);
}

uint64_t paxos_read_round(const struct paxos *c)
{
	return c->read.asked || c->options.lease_reads ? c->round : 0;
}

void paxos_read_heartbeat(struct paxos *c)
{
	if (c->options.lease_reads)
		begin_round(c);
}

/* A quorum may also be reached as the configuration changes. */
void paxos_read_check(struct paxos *c)
{
	if (c->read.asked && paxos_reach_all(c, PAXOS_PHASE_2, round_of) >= c->read.round)
		confirm(c, c->read.asked, c->read.slot);
	paxos_read_start(c);
}

void paxos_read_acked(struct paxos *c, struct paxos_peer *p, uint64_t round)
{
	if (round <= p->round || round > c->round)
		return;
	p->round = round;
	if (c->round - round < PAXOS_ROUNDS)
		p->lease_ns = c->round_ns[round % PAXOS_ROUNDS];
	paxos_read_check(c);
}

void paxos_read_lost(struct paxos *c)
{
	if (c->read.last > c->read.settled)
		c->out->reads_lost = c->read.last;
	c->read.settled = c->read.last;
	c->read.asked = 0;
}
