/*
 * replicate: what a leader sends to each acceptor, and when: phase 2, pipelined.
 *
 * Nothing here waits for our disk, nor an acceptor for what is missing before.  next runs ahead of match by what is in
 * flight, as far as the window lets it; what is lost on the way shows when a heartbeat asks for it.  What was chosen
 * before we led is not sent: who lacks it fetches it (learn.c).
 */
#include "lib/paxos/core.h"

#include <assert.h>

enum {
	LEAVING_HEARTBEATS_MAX = 20,    /* for which a removed node is told so, once that is chosen */
	LEARNER_GAP_MAX = 1024,         /* slots beyond what a learner has that it is sent: it is not waited for */
};

/* --- The window --- */

static bool window_is_open(const struct paxos *c, const struct paxos_peer *p)
{
	return p->flights < c->options.window_messages &&
	       (p->flights == 0 || p->flight_bytes < c->options.window_bytes);
}

static struct paxos_flight *flight_at(const struct paxos *c, const struct paxos_peer *p, uint32_t i)
{
	return &p->flight[(p->flight_first + i) % c->options.window_messages];
}

void paxos_landed(struct paxos *c, struct paxos_peer *p)
{
	while (p->flights > 0) {
		const struct paxos_flight *f = flight_at(c, p, 0);

		if (f->last > p->match && !(f->landed && f->first <= p->match + 1))
			break;
		if (f->last > p->match)
			p->match = f->last;
		p->flight_bytes -= f->bytes;
		p->flight_first = (p->flight_first + 1) % c->options.window_messages;
		p->flights--;
	}
	if (p->next <= p->match)
		p->next = p->match + 1;
}

void paxos_rewind(struct paxos *c, struct paxos_peer *p, paxos_slot next)
{
	while (p->flights > 0) {
		const struct paxos_flight *f = flight_at(c, p, p->flights - 1);

		if (f->last < next)
			break;
		/* In the midst of one: it goes again as a whole. */
		if (f->first < next)
			next = f->first;
		p->flight_bytes -= f->bytes;
		p->flights--;
	}
	p->next = next > p->match ? next : p->match + 1;
}

/* --- accept --- */

static struct paxos_message *send_accept(struct paxos *c, struct paxos_peer *p, paxos_slot slot, uint32_t count)
{
	struct paxos_message *m = paxos_send(c, p->name, PAXOS_ACCEPT);

	m->ballot = c->ballot;
	m->slot = slot;
	m->count = count;
	m->upto = c->chosen;
	m->incarnation = c->options.incarnation;
	p->chosen_sent = c->chosen;
	return m;
}

/* How far it may be sent: not for ever into a gap that it cannot close. */
static paxos_slot limit(const struct paxos *c, const struct paxos_peer *p)
{
	paxos_slot has = paxos_has(c, p), far = has + (p->voter ? PAXOS_GAP_MAX / 2 : LEARNER_GAP_MAX);

	return p->chosen == 0 || far > c->slots.last ? c->slots.last : far;
}

static void pipeline(struct paxos *c, struct paxos_peer *p)
{
	paxos_slot until = limit(c, p);

	/* What the log has no more it fetches as a snapshot. */
	if (p->next < c->slots.first)
		p->next = c->slots.first;
	while (p->next <= until && window_is_open(c, p)) {
		paxos_slot last = paxos_slots_cut(&c->slots, p->next, c->options.message_bytes);
		uint64_t bytes;

		if (last - p->next >= UINT32_MAX)
			last = p->next + UINT32_MAX - 1;
		bytes = paxos_slots_bytes(&c->slots, p->next, last);
		send_accept(c, p, p->next, (uint32_t)(last - p->next + 1));
		p->flights++;
		*flight_at(c, p, p->flights - 1) = (struct paxos_flight){ p->next, last, bytes, false };
		p->flight_bytes += bytes;
		p->next = last + 1;
	}
}

void paxos_replicate(struct paxos *c, struct paxos_peer *p)
{
	if (p->silent)
		return;
	pipeline(c, p);
	/* What is chosen goes with the next values; where none come, on its own, so that it is applied soon. */
	if (p->flights == 0 && p->chosen_sent < c->chosen)
		paxos_ping(c, p);
}

void paxos_replicate_all(struct paxos *c)
{
	for (uint32_t i = 0; i < c->peers; i++)
		paxos_replicate(c, &c->peer[i]);
}

void paxos_ping(struct paxos *c, struct paxos_peer *p)
{
	struct paxos_message *m = paxos_send(c, p->name, PAXOS_CHOSEN);

	m->ballot = c->ballot;
	m->upto = c->chosen;
	m->round = p->voter ? paxos_read_round(c) : 0;
	m->incarnation = c->options.incarnation;
	p->chosen_sent = c->chosen;
}

/* --- Heartbeats --- */

bool paxos_is_silent(const struct paxos *c, const struct paxos_peer *p)
{
	return c->now_ns - p->heard_ns >= c->options.election_min_ns;
}

static void heartbeat_to(struct paxos *c, struct paxos_peer *p)
{
	if (!p->silent && paxos_is_silent(c, p)) {
		p->silent = true;
		paxos_rewind(c, p, p->match + 1);
	}
	paxos_ping(c, p);
	/* What is in flight, or its answer, may have been lost. */
	if (p->flights > 0)
		send_accept(c, p, p->next, 0)->from = p->match + 1;
	else
		paxos_replicate(c, p);
}

static uint64_t heard_of(const struct paxos *c, const struct paxos_peer *p)
{
	return p ? p->heard_ns : c->now_ns;
}

/* A node that was removed, and is not to be reached, is given up. */
static bool is_gone(const struct paxos *c, struct paxos_peer *p)
{
	return p->leaving_slot > 0 && p->leaving_slot <= c->chosen && p->leaving_heartbeats++ >= LEAVING_HEARTBEATS_MAX;
}

/* Whoever hears no quorum can choose nothing, and its clients look for another. */
static bool lost_its_quorum(const struct paxos *c)
{
	uint64_t heard = paxos_reach(c, paxos_in_force(c), PAXOS_PHASE_2, heard_of);

	/* Who counts only once that is durable may not yet. */
	return c->now_ns - (heard > c->campaign_ns ? heard : c->campaign_ns) > c->options.election_max_ns;
}

void paxos_heartbeat(struct paxos *c)
{
	if (lost_its_quorum(c)) {
		paxos_become_follower(c, "");
		return;
	}
	c->heartbeat_at_ns = c->now_ns + c->options.heartbeat_ns;
	paxos_read_heartbeat(c);
	for (uint32_t i = c->peers; i-- > 0;) {
		if (is_gone(c, &c->peer[i]))
			paxos_peer_drop(c, &c->peer[i]);
		else
			heartbeat_to(c, &c->peer[i]);
	}
	paxos_tend(c);
	paxos_transfer_heartbeat(c);
}
