/*
 * acceptor: both phases of the log ("Paxos made simple" 2.2).
 *
 * "An acceptor can accept a proposal numbered n iff it has not responded to a prepare request having a number greater
 * than n." So an accept of a higher ballot than the promised one is accepted, and promises its ballot
 * (luohaha/MyPaxos#19).  An acceptance is never taken back for what happens in another slot: there is no truncation, for
 * it may be one of the quorum that chose its value.  What is known as chosen needs no acceptance: every proposal that
 * can still come for it has the same value, and is answered as accepted.
 */
#include "lib/paxos/core.h"

#include <assert.h>
#include <string.h>

enum { PROMISE_VALUES_MAX = 4096 };

void paxos_send_nack(struct paxos *c, const struct paxos_message *m)
{
	struct paxos_message *reply = paxos_send(c, m->peer, PAXOS_NACK);

	reply->ballot = m->ballot;
	reply->promised = c->promised;
	reply->from = m->type == PAXOS_PREPARE ? m->from : 0;
	reply->slot = m->type == PAXOS_PREPARE ? 0 : m->slot ? m->slot : c->chosen + 1;
	reply->pre = m->pre;
	reply->upto = m->pre ? c->chosen : 0;
}

static bool is_acceptor(const struct paxos *c)
{
	return c->options.roles & PAXOS_ACCEPTOR;
}

/* --- Phase 1 --- */

/*
 * Two that ask at the same moment would both be granted, and then each promise its own.  The lesser name goes first, for
 * as long as a question is under way.
 */
static bool goes_first(const struct paxos *c, const struct paxos_message *m)
{
	return c->state == PAXOS_ASKS && c->now_ns - c->campaign_ns < paxos_moment_ns(c) && m->slot <= c->slots.in_order &&
	       strcmp(c->id, m->peer) < 0;
}

/* Granted if the promise would be, and nothing is chosen that the candidate would have to fetch first. */
static void recv_pre_prepare(struct paxos *c, const struct paxos_message *m)
{
	bool able = m->slot >= c->chosen && m->from >= c->slots.first;
	bool heard = paxos_leader_is_heard(c, m);
	struct paxos_message *reply;

	if (paxos_ballot_cmp(&m->ballot, &c->promised) <= 0 || !able || heard || goes_first(c, m)) {
		paxos_send_nack(c, m);
		/* We, not the one who asks, can win. */
		if (!able && !heard && c->state == PAXOS_FOLLOWS)
			paxos_hurry(c);
		return;
	}
	if (c->state == PAXOS_ASKS)
		paxos_become_follower(c, "");
	reply = paxos_send(c, m->peer, PAXOS_PROMISE);
	reply->ballot = m->ballot;
	reply->from = m->from;
	reply->upto = c->chosen;
	reply->pre = true;
	reply->incarnation = c->options.incarnation;
	reply->learner = !paxos_is_born(c);
}

/* What is accepted from there on, as much as goes into a message. */
static void tell(struct paxos *c, struct paxos_message *reply, paxos_slot from)
{
	paxos_slot last, hole;

	/* A message has to have something, if there is anything. */
	while (from <= c->slots.last && paxos_slots_run(&c->slots, from, &hole)->round == 0)
		from = hole + 1;
	last = from <= c->slots.last ? paxos_slots_cut(&c->slots, from, c->options.message_bytes) : 0;
	for (paxos_slot slot = from, end; slot <= last; slot = end + 1) {
		const struct paxos_ballot *ballot = paxos_slots_run(&c->slots, slot, &end);

		for (; slot <= end && slot <= last && ballot->round && c->tolds < PROMISE_VALUES_MAX; slot++) {
			c->told = paxos_grow(c->told, c->tolds, &c->told_room, sizeof(*c->told));
			c->told[c->tolds++] = (struct paxos_value){ .slot = slot, .ballot = *ballot };
		}
		if (c->tolds == PROMISE_VALUES_MAX)
			break;
	}
	reply->count = (uint32_t)c->tolds;
	reply->more = c->tolds && c->told[c->tolds - 1].slot < c->slots.last;
}

void paxos_recv_prepare(struct paxos *c, const struct paxos_message *m)
{
	struct paxos_message *reply;
	int than = paxos_ballot_cmp(&m->ballot, &c->promised);

	if (!is_acceptor(c) || m->from == 0)
		return;
	if (m->pre) {
		recv_pre_prepare(c, m);
		return;
	}
	paxos_see_round(c, &m->ballot);
	if (than < 0 || (than > 0 && paxos_leader_is_heard(c, m))) {
		paxos_send_nack(c, m);
		return;
	}
	if (!paxos_name_is(m->ballot.node, m->peer))
		return;
	if (than > 0) {
		paxos_become_follower(c, "");
		paxos_raise_promise(c, &m->ballot);
		paxos_start_timer(c);
	}
	reply = paxos_send(c, m->peer, PAXOS_PROMISE);
	reply->ballot = m->ballot;
	reply->from = m->from > c->slots.first ? m->from : c->slots.first;
	reply->upto = c->chosen;
	reply->incarnation = c->options.incarnation;
	reply->learner = !c->born;
	reply->after_persist = paxos_is_pending(c);
	tell(c, reply, reply->from);
}

/* --- Phase 2 --- */

static struct paxos_message *answer(struct paxos *c, const struct paxos_message *m, paxos_slot slot, uint32_t count)
{
	struct paxos_message *reply = paxos_send(c, m->peer, PAXOS_ACCEPTED);

	reply->ballot = m->ballot;
	reply->slot = slot;
	reply->count = count;
	reply->upto = c->chosen;
	reply->epoch = c->synced_epoch;
	reply->incarnation = is_acceptor(c) ? c->options.incarnation : 0;
	reply->learner = !(count ? c->born : paxos_is_born(c)) || !is_acceptor(c);
	reply->after_persist = count > 0 && paxos_is_pending(c);
	return reply;
}

/* Whether all from .. slot - 1 is accepted in this ballot; else the first that is not. */
static void probe(struct paxos *c, const struct paxos_message *m)
{
	paxos_slot from = m->from > c->chosen ? m->from : c->chosen + 1;
	paxos_slot upto = from < m->slot ? paxos_slots_upto(&c->slots, from, &m->ballot) : from - 1;

	if (m->from == 0 || m->from > m->slot)
		return;
	if (upto + 1 < m->slot)
		answer(c, m, upto + 1, 0);
	else if (m->slot - m->from <= UINT32_MAX)
		answer(c, m, m->from, (uint32_t)(m->slot - m->from));
}

static void accept(struct paxos *c, const struct paxos_message *m)
{
	paxos_slot last = m->slot + m->count - 1, slot = m->slot > c->chosen ? m->slot : c->chosen + 1;
	paxos_slot have;
	uint32_t at;

	if (slot > last)
		return;
	have = paxos_slots_upto(&c->slots, slot, &m->ballot);
	if (have >= last)
		return;
	if (have >= slot)
		slot = have + 1;
	at = (uint32_t)(slot - m->slot);
	paxos_keep(c, slot, m->count - at, &m->ballot, PAXOS_ACCEPT_INPUT, m->values, at);
}

void paxos_recv_accept(struct paxos *c, const struct paxos_message *m)
{
	if (m->slot == 0 || !paxos_obey(c, m))
		return;
	if (m->count == 0) {
		probe(c, m);
		return;
	}
	if (m->slot + m->count - 1 > c->slots.in_order + PAXOS_GAP_MAX || m->slot + m->count - 1 >= PAXOS_SLOT_MAX) {
		paxos_behind(c, m->slot - 1, "", false);
		return;
	}
	accept(c, m);
	paxos_take_chosen(c, m->upto, &m->ballot);
	answer(c, m, m->slot, m->count);
}
