/*
 * election: timers, whom we follow, and when to run ("Paxos made simple" 3: "a reliable algorithm for electing a
 * proposer must use either randomness or real time").
 *
 * Safety rests on promises alone.  For the rest it is as lib/raft: a candidate asks first whether it would be promised,
 * without raising any ballot; acceptors do not promise while they hear a leader; a leader that hears no quorum steps
 * down.
 */
#include "lib/paxos/core.h"

#include <assert.h>
#include <string.h>

enum { QUICK_ATTEMPTS = 3 };    /* in a row, that are retried in half the time */

/* Steele, Lea, Flood: "Fast Splittable Pseudorandom Number Generators" (2014), the mixer as Vigna has it. */
uint64_t paxos_random(struct paxos *c, uint64_t n)
{
	uint64_t z = c->random += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	z ^= z >> 31;
	return n ? z % n : 0;
}

void paxos_start_timer(struct paxos *c)
{
	uint64_t min = c->options.election_min_ns, max = c->options.election_max_ns;

	c->election_ns = c->now_ns + min + paxos_random(c, max - min + 1);
}

/* A round trip is all that the first few wait for; were they too impatient for this network, those after them are not. */
void paxos_start_retry_timer(struct paxos *c)
{
	paxos_start_timer(c);
	if (c->attempts++ < QUICK_ATTEMPTS)
		c->election_ns -= (c->election_ns - c->now_ns) / 2;
}

/* Soon, but not at the same moment as the others who have the same reason. */
void paxos_hurry(struct paxos *c)
{
	uint64_t soon = c->now_ns + paxos_random(c, paxos_moment_ns(c) + 1);

	/* Our own promise is given to nobody during another's lease. */
	if (c->options.lease_reads && soon < c->quiet_until_ns)
		soon = c->quiet_until_ns;
	if (soon < c->election_ns)
		c->election_ns = soon;
}

void paxos_see_round(struct paxos *c, const struct paxos_ballot *ballot)
{
	if (ballot->round > c->seen_round)
		c->seen_round = ballot->round;
}

void paxos_become_follower(struct paxos *c, const char *leader)
{
	bool led = c->state == PAXOS_LEADS;

	if (c->state != PAXOS_FOLLOWS)
		paxos_start_timer(c);
	c->state = PAXOS_FOLLOWS;
	paxos_name_set(c->leader, leader);
	if (!led)
		return;
	paxos_read_lost(c);
	paxos_transfer_end(c, false);
	for (uint32_t i = c->peers; i-- > 0;)
		if (!c->peer[i].member)
			paxos_peer_drop(c, &c->peer[i]);
}

bool paxos_obey(struct paxos *c, const struct paxos_message *m)
{
	int than = paxos_ballot_cmp(&m->ballot, &c->promised);

	paxos_see_round(c, &m->ballot);
	if (than < 0) {
		paxos_send_nack(c, m);
		return false;
	}
	/* A ballot has one proposer. */
	if (!paxos_name_is(m->ballot.node, m->peer))
		return false;
	paxos_raise_promise(c, &m->ballot);
	if (paxos_ballot_is(&m->ballot, &c->gone) && c->now_ns < c->gone_until_ns)
		return true;
	if (c->state != PAXOS_FOLLOWS || !paxos_name_is(c->leader, m->peer))
		paxos_become_follower(c, m->peer);
	c->ballot = m->ballot;
	c->attempts = 0;
	c->quiet_until_ns = c->now_ns + paxos_quiet_ns(c);
	paxos_start_timer(c);
	return true;
}

/*
 * A prepare is not promised within the least election timeout of hearing from a leader, but for a transfer: by that leader
 * or a later one, for that the one that handed over has no lease says nothing of who led behind it.  A leader that asks
 * itself is none any more.
 */
bool paxos_leader_is_heard(const struct paxos *c, const struct paxos_message *m)
{
	if (m->transfer && paxos_ballot_cmp(&c->promised, &m->promised) <= 0)
		return false;
	if (c->state == PAXOS_LEADS)
		return true;
	return c->now_ns < c->quiet_until_ns && !paxos_name_is(c->leader, m->peer);
}

/* Who is no acceptor may lead none the less; who knows that it lost its disk waits. */
bool paxos_may_campaign(const struct paxos *c)
{
	if (c->seen_round >= PAXOS_SLOT_MAX || c->used_round >= PAXOS_SLOT_MAX || c->promised.round >= PAXOS_SLOT_MAX ||
	    c->slots.last >= PAXOS_SLOT_MAX || c->incoming.loading || !(c->options.roles & PAXOS_PROPOSER))
		return false;
	if (!(c->options.roles & PAXOS_ACCEPTOR))
		return c->voter || c->learner;
	return c->voter && !paxos_forgot(c);
}

void paxos_election_tick(struct paxos *c)
{
	c->leader[0] = '\0';
	if (!paxos_may_campaign(c))
		paxos_start_timer(c);
	else if (paxos_is_alone(c))
		paxos_campaign(c, NULL);
	else
		paxos_pre_campaign(c);
}

/* The leader is gone, they say: it is not waited for.  A lease that trusts clocks does not trust the hint. */
static void leader_down(struct paxos *c)
{
	c->leader[0] = '\0';
	if (c->options.lease_reads)
		return;
	c->quiet_until_ns = 0;
	c->gone = c->ballot;
	c->gone_until_ns = c->now_ns + c->options.election_min_ns / 4;
	paxos_hurry(c);
}

void paxos_peer_down(struct paxos *c, const char *name)
{
	struct paxos_peer *p = paxos_peer_find(c, name);

	if (c->state == PAXOS_FOLLOWS && c->leader[0] && paxos_name_is(c->leader, name))
		leader_down(c);
	if (c->state != PAXOS_LEADS || !p)
		return;
	p->silent = true;
	paxos_rewind(c, p, p->match + 1);
	if (paxos_name_is(c->transferring.target, name))
		paxos_transfer_end(c, true);
}
