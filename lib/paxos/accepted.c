/*
 * accepted: what acceptors answer to phase 2, and what is chosen by it ("Paxos made simple" 2.2).
 *
 * match only grows by what an acceptor says is durable with it, in our ballot.  Slots are chosen in order: a slot is
 * once a quorum of the configuration in force for it has accepted it and all before it; that of a configuration is
 * decided by the one before.
 */
#include "lib/paxos/core.h"

#include <assert.h>

static uint64_t match_of(const struct paxos *c, const struct paxos_peer *p)
{
	return p ? p->match : c->match;
}

/* What is not durable yet goes behind what is not either; what is, counts. */
void paxos_own_durable(struct paxos *c)
{
	uint64_t record = c->asked ? c->record + 1 : c->record;

	if (c->slots.last > c->match && (c->own_end == c->own_first || c->own[c->own_end - 1].last < c->slots.last)) {
		if (c->own_end > c->own_first && c->own[c->own_end - 1].record == record) {
			c->own[c->own_end - 1].last = c->slots.last;
		} else {
			if (c->own_end == c->own_room && c->own_first > c->own_room / 2) {
				for (size_t i = c->own_first; i < c->own_end; i++)
					c->own[i - c->own_first] = c->own[i];
				c->own_end -= c->own_first;
				c->own_first = 0;
			}
			c->own = paxos_grow(c->own, c->own_end, &c->own_room, sizeof(*c->own));
			c->own[c->own_end].record = record;
			c->own[c->own_end++].last = c->slots.last;
		}
	}
	while (c->own_first < c->own_end && c->own[c->own_first].record <= c->durable)
		c->match = c->own[c->own_first++].last;
	if (c->own_first == c->own_end)
		c->own_first = c->own_end = 0;
}

void paxos_choose(struct paxos *c, paxos_slot upto)
{
	assert(upto > c->chosen);
	assert(upto <= c->slots.in_order);
	c->chosen = upto;
	paxos_config_choose(c);
}

void paxos_advance(struct paxos *c)
{
	paxos_slot was = c->chosen;

	for (;;) {
		paxos_slot upto = paxos_reach(c, paxos_in_force(c), PAXOS_PHASE_2, match_of);

		/* The slots behind a configuration are another quorum's to decide. */
		if (c->chosen_config + 1 < c->configs && upto > c->config[c->chosen_config + 1].slot)
			upto = c->config[c->chosen_config + 1].slot;
		if (upto > c->slots.last)
			upto = c->slots.last;
		if (upto <= c->chosen || c->incoming.loading)
			break;
		paxos_choose(c, upto);
	}
	if (c->chosen == was)
		return;
	paxos_read_check(c);
	paxos_tend(c);
	paxos_replicate_all(c);
	paxos_step_out(c);
}

/* It is accepted there from `slot` to `last`. */
static void landed(struct paxos *c, struct paxos_peer *p, paxos_slot slot, paxos_slot last)
{
	if (slot <= p->match + 1 && last > p->match)
		p->match = last;
	for (uint32_t i = 0; i < p->flights; i++) {
		struct paxos_flight *f = &p->flight[(p->flight_first + i) % c->options.window_messages];

		if (f->first > last)
			break;
		if (f->first >= slot && f->last <= last)
			f->landed = true;
	}
	paxos_landed(c, p);
}

void paxos_recv_accepted(struct paxos *c, const struct paxos_message *m)
{
	struct paxos_peer *p = paxos_peer_find(c, m->peer);
	paxos_slot last = m->slot + m->count - 1;
	bool knew;

	/* An honest acceptor has accepted nothing that we have not proposed. */
	if (!p || c->state != PAXOS_LEADS || !paxos_ballot_is(&m->ballot, &c->ballot) ||
	    (m->count && (m->slot == 0 || last > c->slots.last)))
		return;
	knew = p->leaving_slot > 0 && p->chosen >= p->leaving_slot;
	paxos_take_word(c, p, m);
	p->heard_ns = c->now_ns;
	p->silent = false;
	p->synced_epoch = m->epoch;
	if (m->upto > p->chosen)
		p->chosen = m->upto;
	/* It needs not accept what it knows as chosen. */
	if (p->chosen > p->match && p->chosen <= c->slots.last) {
		p->match = p->chosen;
		paxos_landed(c, p);
	}
	paxos_read_acked(c, p, m->round);
	if (m->count)
		landed(c, p, m->slot, last);
	else if (m->slot > p->match && m->slot < p->next)
		paxos_rewind(c, p, m->slot);
	paxos_catch_up(c, p);
	if (knew) {
		paxos_peer_drop(c, p);
		return;
	}
	/* A lower ballot's leader, or we before a crash, may have chosen more than we know: it is what we propose. */
	if (m->upto > c->chosen && m->upto <= c->slots.last && !c->incoming.loading)
		paxos_choose(c, m->upto);
	paxos_advance(c);
	p = c->state == PAXOS_LEADS ? paxos_peer_find(c, m->peer) : NULL;
	if (!p)
		return;
	paxos_tend(c);
	paxos_transfer_advance(c);
	paxos_replicate(c, p);
}
