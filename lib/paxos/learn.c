/*
 * learn: what is chosen, told by the leader or fetched ("Paxos made simple" 2.3).
 *
 * A leader tells up to where it is; who accepted these slots in its very ballot has their values, for a ballot proposes
 * one value a slot.  Who has not asks for them.
 */
#include "lib/paxos/core.h"

#include <assert.h>

enum { FAR_BEHIND = 1000, WAIT_GROWTH_MAX = 16 };

/* --- What we lack --- */

void paxos_behind(struct paxos *c, paxos_slot upto, const char *peer, bool now)
{
	uint64_t at = c->now_ns + (now ? 0 : paxos_moment_ns(c));

	if (upto <= c->chosen || c->incoming.loading)
		return;
	if (upto > c->behind.upto)
		c->behind.upto = upto;
	if (peer[0])
		paxos_name_set(c->behind.peer, peer);
	if (c->behind.at_ns == UINT64_MAX)
		c->behind.wait_ns = c->options.heartbeat_ns;
	else if (!now)
		return;
	if (at < c->behind.at_ns)
		c->behind.at_ns = at;
}

bool paxos_asks_in_vain(const struct paxos *c)
{
	return c->behind.wait_ns >= WAIT_GROWTH_MAX * c->options.heartbeat_ns;
}

/*
 * From whom it was said to be had, else from who leads; asked in vain, from the leader from then on.  Who was sending a
 * snapshot may have lost it, with its disk, and is asked for what it has, too, if no more of it comes for long.
 */
static void ask(struct paxos *c)
{
	const char *peer = c->behind.peer[0] ? c->behind.peer : c->leader;
	bool in_vain = paxos_asks_in_vain(c), goes_on;

	c->behind.at_ns = c->now_ns + c->behind.wait_ns;
	if (c->behind.wait_ns < WAIT_GROWTH_MAX * c->options.heartbeat_ns)
		c->behind.wait_ns *= 2;
	if (!peer[0] || paxos_name_is(peer, c->id))
		return;
	goes_on = c->incoming.peer[0] && paxos_name_is(c->incoming.peer, peer) && c->incoming.index > c->chosen;
	if (goes_on)
		paxos_ask_chunk(c);
	if (!goes_on || in_vain)
		paxos_send(c, peer, PAXOS_CATCHUP)->from = c->chosen + 1;
	c->behind.peer[0] = '\0';
}

void paxos_behind_tick(struct paxos *c)
{
	if (c->chosen >= c->behind.upto || c->state == PAXOS_LEADS)
		c->behind.at_ns = UINT64_MAX;
	else if (c->incoming.loading)
		c->behind.at_ns = c->now_ns + c->options.heartbeat_ns;
	else
		ask(c);
}

/* --- chosen --- */

void paxos_take_chosen(struct paxos *c, paxos_slot upto, const struct paxos_ballot *ballot)
{
	paxos_slot have;

	if (upto <= c->chosen || c->incoming.loading)
		return;
	have = paxos_slots_upto(&c->slots, c->chosen + 1, ballot);
	if (have > upto)
		have = upto;
	if (have > c->slots.in_order)
		have = c->slots.in_order;
	if (have > c->chosen)
		paxos_choose(c, have);
	/* The rest may be on its way. */
	if (upto > c->chosen)
		paxos_behind(c, upto, "", upto - c->chosen > FAR_BEHIND && c->behind.at_ns == UINT64_MAX);
}

void paxos_recv_chosen(struct paxos *c, const struct paxos_message *m)
{
	struct paxos_message *reply;

	if (!paxos_obey(c, m))
		return;
	paxos_take_chosen(c, m->upto, &m->ballot);
	reply = paxos_send(c, m->peer, PAXOS_ACCEPTED);
	reply->ballot = m->ballot;
	reply->round = m->round;
	reply->upto = c->chosen;
	reply->epoch = c->synced_epoch;
	reply->incarnation = c->options.roles & PAXOS_ACCEPTOR ? c->options.incarnation : 0;
	reply->learner = !paxos_is_born(c) || !(c->options.roles & PAXOS_ACCEPTOR);
}

/* --- catchup --- */

/* Anybody gives what it knows as chosen; what its log has no more, as a snapshot. */
void paxos_recv_catchup(struct paxos *c, const struct paxos_message *m)
{
	struct paxos_message *reply;
	paxos_slot last;

	if (m->from == 0 || m->from > c->chosen)
		return;
	if (m->from < c->slots.first) {
		paxos_send_snapshot(c, m->peer);
		return;
	}
	last = paxos_slots_cut(&c->slots, m->from, c->options.message_bytes);
	if (last > c->chosen)
		last = c->chosen;
	if (last - m->from >= UINT32_MAX)
		last = m->from + UINT32_MAX - 1;
	reply = paxos_send(c, m->peer, PAXOS_CHOSEN_VALUES);
	reply->ballot = c->promised;
	reply->from = m->from;
	reply->count = (uint32_t)(last - m->from + 1);
	reply->upto = c->chosen;
}

void paxos_adopt(struct paxos *c, paxos_slot slot, const struct paxos_ballot *ballot, const struct paxos_value *values,
		 uint32_t at)
{
	if (slot <= c->chosen ||
	    (slot <= c->slots.last && paxos_ballot_cmp(paxos_slots_run(&c->slots, slot, NULL), ballot) >= 0))
		return;
	paxos_keep(c, slot, 1, ballot, PAXOS_ACCEPT_INPUT, values, at);
}

/*
 * Kept in the ballot of who told it, which is not lower than the one it was chosen in.  So where ours is not lower, our
 * value is the same.
 */
void paxos_recv_chosen_values(struct paxos *c, const struct paxos_message *m)
{
	paxos_slot last = m->from + m->count - 1;

	if (m->count == 0 || m->from == 0 || m->from > c->chosen + 1 || last <= c->chosen || c->state == PAXOS_LEADS ||
	    c->incoming.loading || last >= PAXOS_SLOT_MAX)
		return;
	if (paxos_ballot_cmp(&m->ballot, &c->promised) > 0) {
		/* What we run for is lost. */
		if (c->state != PAXOS_FOLLOWS)
			paxos_become_follower(c, "");
		paxos_raise_promise(c, &m->ballot);
	}
	for (paxos_slot slot = c->chosen + 1; slot <= last; slot++)
		paxos_adopt(c, slot, &m->ballot, m->values, (uint32_t)(slot - m->from));
	paxos_choose(c, last);
	c->behind.wait_ns = c->options.heartbeat_ns;
	if (m->upto > c->behind.upto)
		c->behind.upto = m->upto;
	if (c->chosen >= c->behind.upto) {
		c->behind.at_ns = UINT64_MAX;
		return;
	}
	/* The rest from the same one. */
	paxos_name_set(c->behind.peer, m->peer);
	ask(c);
}
