/*
 * prepare: phase 1 for all slots from the first unchosen on, as its proposer ("Paxos made simple" 2.2, 3).
 *
 * "If the proposer receives a response to its prepare requests from a majority of acceptors, then it sends an accept
 * request ... with a value v, where v is the value of the highest-numbered proposal among the responses": what promises
 * tell is kept in our own log, slot by slot the highest ballot, and all of it is proposed again once a quorum has
 * promised, with no-ops where nothing was found.  A promise too large for a message comes in pieces: the prepare is
 * repeated from behind the last slot told.
 */
#include "lib/paxos/core.h"

#include <assert.h>

static uint64_t promised_of(const struct paxos *c, const struct paxos_peer *p)
{
	if (p)
		return p->promised;
	/* Ours counts once it is durable; a pre-prepare promises nothing. */
	return c->state == PAXOS_ASKS || c->durable >= c->promise_record;
}

static void ask(struct paxos *c, struct paxos_peer *p, paxos_slot from)
{
	struct paxos_message *m = paxos_send(c, p->name, PAXOS_PREPARE);

	p->asked = from;
	m->ballot = c->ballot;
	m->from = from;
	m->pre = c->state == PAXOS_ASKS;
	m->slot = m->pre ? c->slots.in_order : 0;
	m->transfer = c->handed.round > 0;
	m->promised = c->handed;
	m->incarnation = c->options.incarnation;
	/* A ballot leaves only once it can never be used again. */
	m->after_persist = !m->pre && c->reserved_record > c->durable;
}

/* Also those of a configuration that was found on the way. */
static void ask_all(struct paxos *c)
{
	for (uint32_t i = 0; i < c->peers; i++)
		if (c->peer[i].voter && c->peer[i].asked == 0)
			ask(c, &c->peer[i], c->from);
}

static void ask_anew(struct paxos *c)
{
	for (uint32_t i = 0; i < c->peers; i++) {
		c->peer[i].asked = 0;
		c->peer[i].promised = false;
	}
	c->leader[0] = '\0';
	c->from = c->chosen + 1;
	ask_all(c);
	paxos_start_retry_timer(c);
	paxos_count_promises(c);
}

/* With the ballot it would have. */
void paxos_pre_campaign(struct paxos *c)
{
	uint64_t round = c->used_round > c->seen_round ? c->used_round : c->seen_round;

	c->state = PAXOS_ASKS;
	c->campaign_ns = c->now_ns;
	c->handed.round = 0;
	c->ballot.round = (c->promised.round > round ? c->promised.round : round) + 1;
	paxos_name_set(c->ballot.node, c->id);
	ask_anew(c);
}

void paxos_campaign(struct paxos *c, const struct paxos_ballot *handed)
{
	struct paxos_ballot ballot;

	assert(c->state != PAXOS_LEADS);
	if (!paxos_next_ballot(c, &ballot)) {
		paxos_become_follower(c, "");
		return;
	}
	c->state = PAXOS_RUNS;
	c->handed = handed ? *handed : (struct paxos_ballot){ .round = 0 };
	c->ballot = ballot;
	paxos_raise_promise(c, &ballot);
	c->promise_record = c->record + 1;
	ask_anew(c);
}

/* --- To lead --- */

/* All that was found, in our ballot; in the gaps "a special 'no-op' command that leaves the state unchanged". */
static void propose_found(struct paxos *c)
{
	for (paxos_slot slot = c->from, end; slot <= c->slots.last; slot = end + 1) {
		bool hole = paxos_slots_run(&c->slots, slot, &end)->round == 0;

		while (end - slot >= UINT32_MAX)
			end = slot + UINT32_MAX - 1;
		paxos_keep(c, slot, (uint32_t)(end - slot + 1), &c->ballot, hole ? PAXOS_ACCEPT_NOOP : PAXOS_ACCEPT_OWN,
			   NULL, 0);
	}
	c->found = c->slots.last;
}

static void lead(struct paxos *c)
{
	c->state = PAXOS_LEADS;
	paxos_name_set(c->leader, c->id);
	c->attempts = 0;
	c->quiet_until_ns = 0;
	c->from = c->chosen + 1;
	c->match = c->chosen;
	c->own_first = c->own_end = 0;
	c->transferring.ever_told = false;
	c->behind.at_ns = UINT64_MAX;
	c->incoming.peer[0] = '\0';
	c->heartbeat_at_ns = c->now_ns + c->options.heartbeat_ns;
	c->campaign_ns = c->now_ns;
	for (uint32_t i = 0; i < c->peers; i++) {
		struct paxos_peer *p = &c->peer[i];

		p->match = c->from - 1;
		p->flights = 0;
		p->flight_bytes = 0;
		p->next = c->from;
		p->chosen = 0;
		p->chosen_sent = c->chosen;
		p->heard_ns = p->catchup_ns = c->now_ns;
		p->catchup_slot = c->slots.last;
		p->silent = p->caught_up = false;
		p->unlike = true;
		p->round = p->lease_ns = p->let_in = 0;
	}
	propose_found(c);
	paxos_own_durable(c);
	paxos_replicate_all(c);
	/* Nothing to propose, and nobody knows yet whom to follow. */
	for (uint32_t i = 0; i < c->peers; i++)
		if (c->peer[i].flights == 0)
			paxos_ping(c, &c->peer[i]);
	paxos_advance(c);
}

void paxos_count_promises(struct paxos *c)
{
	if (!paxos_reach_all(c, PAXOS_PHASE_1, promised_of))
		return;
	/* What we learnt while we asked may have us out. */
	if (!paxos_may_campaign(c))
		paxos_become_follower(c, "");
	else if (c->state == PAXOS_ASKS)
		paxos_campaign(c, NULL);
	else
		lead(c);
}

/* --- Answers --- */

/* Nothing that is told may be left out: where it is too far on, all that is chosen before it is learnt first. */
static bool take_values(struct paxos *c, const struct paxos_message *m)
{
	for (uint32_t i = 0; i < m->count; i++) {
		if (m->values[i].slot > c->slots.in_order + PAXOS_GAP_MAX)
			return false;
		paxos_adopt(c, m->values[i].slot, &m->values[i].ballot, m->values, i);
	}
	return true;
}

static bool values_are_sound(const struct paxos_message *m)
{
	for (uint32_t i = 0; i < m->count; i++)
		if (m->values[i].slot < m->from || m->values[i].slot > PAXOS_SLOT_MAX || m->values[i].ballot.round == 0 ||
		    paxos_ballot_cmp(&m->values[i].ballot, &m->ballot) > 0 ||
		    (i > 0 && m->values[i].slot <= m->values[i - 1].slot))
			return false;
	return true;
}

/* All that it knows as chosen is in its promise, as far as that goes. */
static void take_its_chosen(struct paxos *c, const struct paxos_message *m)
{
	paxos_slot upto = m->upto;

	if (m->more && m->values[m->count - 1].slot < upto)
		upto = m->values[m->count - 1].slot;
	if (upto > c->slots.in_order)
		upto = c->slots.in_order;
	if (upto > c->chosen && !c->incoming.loading && m->from <= c->chosen + 1)
		paxos_choose(c, upto);
}

static void recv_pre_promise(struct paxos *c, struct paxos_peer *p, const struct paxos_message *m)
{
	if (c->state != PAXOS_ASKS || !paxos_ballot_is(&m->ballot, &c->ballot))
		return;
	paxos_take_word(c, p, m);
	p->promised = true;
	paxos_count_promises(c);
}

void paxos_recv_promise(struct paxos *c, const struct paxos_message *m)
{
	struct paxos_peer *p = paxos_peer_find(c, m->peer);

	if (!p || !p->voter)
		return;
	/* What is promised outright to one who only asks would be promised. */
	if (m->pre || c->state == PAXOS_ASKS) {
		recv_pre_promise(c, p, m);
		return;
	}
	if (c->state != PAXOS_RUNS || !paxos_ballot_is(&m->ballot, &c->ballot) || p->asked == 0 || p->promised ||
	    m->from < p->asked || !values_are_sound(m) || (m->more && m->count == 0))
		return;
	/* It has no more what we lack: all that is chosen, so it is learnt first. */
	paxos_take_word(c, p, m);
	if (m->from > p->asked || !take_values(c, m)) {
		paxos_become_follower(c, "");
		paxos_behind(c, m->upto > m->from - 1 ? m->upto : m->from - 1, m->peer, true);
		return;
	}
	take_its_chosen(c, m);
	p = paxos_peer_find(c, m->peer);
	if (!p || c->state != PAXOS_RUNS)
		return;
	if (m->more)
		ask(c, p, m->values[m->count - 1].slot + 1);
	else
		p->promised = true;
	ask_all(c);
	paxos_count_promises(c);
}

static void recv_pre_nack(struct paxos *c, const struct paxos_message *m)
{
	if (c->state != PAXOS_ASKS || !paxos_ballot_is(&m->ballot, &c->ballot))
		return;
	if (m->upto > c->chosen)
		paxos_behind(c, m->upto, m->peer, true);
	/* Only the round was too low. */
	if (paxos_ballot_cmp(&m->promised, &m->ballot) >= 0 && c->attempts <= PAXOS_MEMBERS_MAX)
		paxos_hurry(c);
}

/* From members alone: a node that was removed, at a higher ballot, deposes nobody. */
void paxos_recv_nack(struct paxos *c, const struct paxos_message *m)
{
	const struct paxos_peer *p = paxos_peer_find(c, m->peer);

	if (!p || !p->member)
		return;
	paxos_see_round(c, &m->promised);
	if (m->pre) {
		recv_pre_nack(c, m);
		return;
	}
	if ((c->state != PAXOS_RUNS && c->state != PAXOS_LEADS) || !paxos_ballot_is(&m->ballot, &c->ballot) ||
	    paxos_ballot_cmp(&m->promised, &c->ballot) <= 0)
		return;
	paxos_become_follower(c, "");
	/* Who led is the one who can soonest lead again; who did not waits its turn. */
	if (m->slot)
		paxos_hurry(c);
}
