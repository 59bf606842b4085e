/*
 * sync: registers over changes of voters.
 *
 * Registers have no log that would order them with a change, so every change of voters begins an epoch (it is in the
 * configuration), and an acceptor votes on registers only for proposers of its own epoch, and only once it has, of each
 * register, all that was chosen before.  For that it fetches them from so many of the voters before that every quorum of
 * phase 2 has one of them (any quorum of phase 1 does, of two voters either one), each in the new epoch already, so that it
 * votes in the old one no more: one of them took part in whatever the old one chose.  And from one that had all that was
 * chosen before the old one, as one that voted in it has.  Or it fetches them from one that is done.  A leader begins no
 * change before a quorum of phase 2 is done, so one of those is among them.  So the first proposer's quorum finds whatever
 * was chosen, though voters come and go one by one until none of those that chose it is left, and though one lost its disk.
 */
#include "lib/paxos/core.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { SYNC_REGISTERS = 256 };  /* in a message */

uint64_t paxos_epoch(const struct paxos *c)
{
	return paxos_config_chosen(c)->epoch;
}

bool paxos_is_synced(const struct paxos *c)
{
	return c->synced_epoch == paxos_epoch(c);
}

static void done(struct paxos *c)
{
	c->synced_epoch = paxos_epoch(c);
	c->sync_ns = 0;
	c->out->synced = true;
	paxos_ask(c);
	/* From now on we vote ourselves. */
	paxos_synod_restart(c);
}

/* The voters of the epoch before: one of them was another. */
static void voters_before(const struct paxos *c, struct paxos_config *before)
{
	const struct paxos_member *was;
	uint32_t at = 0;

	*before = *paxos_config_chosen(c);
	was = &before->changed;
	if (!was->name[0])
		return;
	while (at < before->count && !paxos_name_is(before->member[at].name, was->name))
		at++;
	if (at == before->count && before->count < PAXOS_MEMBERS_MAX)
		before->count++;
	if (at < before->count)
		before->member[at] = *was;
}

/*
 * All that was chosen before the epoch before this one.  Before the first there was nothing, but who lost its disk
 * cannot say so.
 */
static bool is_whole(const struct paxos *c)
{
	return c->synced_epoch + 1 == paxos_epoch(c) && (c->born || c->synced_epoch > 0);
}

static void judge(struct paxos *c)
{
	uint64_t set = c->before_told;
	bool whole = c->before_whole || is_whole(c);
	struct paxos_config before;

	voters_before(c, &before);
	for (uint32_t i = 0; i < before.count; i++) {
		if (paxos_name_is(before.member[i].name, c->id) && paxos_counts(c, NULL, &before.member[i]))
			set |= UINT64_C(1) << i;
	}
	if (whole && !paxos_is_quorum(c, &before, PAXOS_PHASE_2, ~set))
		done(c);
}

void paxos_epoch_begins(struct paxos *c, uint64_t before)
{
	paxos_synod_restart(c);
	if (before == paxos_epoch(c))
		return;
	c->before_told = 0;
	c->before_whole = false;
	c->sync_ns = c->now_ns + 1;
	if (!paxos_is_synced(c))
		judge(c);
}

/* --- Fetching --- */

static void ask(struct paxos *c, const char *peer, const char *after)
{
	struct paxos_message *m = paxos_send(c, peer, PAXOS_SYNC);

	m->epoch = paxos_epoch(c);
	m->after = after;
}

void paxos_sync_tick(struct paxos *c)
{
	const struct paxos_peer *p;
	const char *left;

	if (paxos_is_synced(c) || !(c->options.roles & PAXOS_ACCEPTOR)) {
		c->sync_ns = 0;
		return;
	}
	if (c->now_ns < c->sync_ns)
		return;
	c->sync_ns = c->now_ns + 4 * c->options.heartbeat_ns;
	judge(c);
	if (paxos_is_synced(c))
		return;
	for (uint32_t i = 0; i < c->peers; i++)
		if (c->peer[i].member)
			ask(c, c->peer[i].name, "");
	/* Who left with this change has its registers still. */
	left = paxos_config_chosen(c)->changed.name;
	p = paxos_peer_find(c, left);
	if (left[0] && !paxos_name_is(left, c->id) && !(p && p->member))
		ask(c, left, "");
}

static size_t position_behind(struct paxos *c, const char *after)
{
	const struct paxos_acceptor *a = after && after[0] ? paxos_register_find(c, after, false) : NULL;

	return a ? (size_t)(a - c->acceptor) + 1 : 0;
}

/* As one who is asked: in the order of the table, which only grows. */
void paxos_recv_sync(struct paxos *c, const struct paxos_message *m)
{
	bool complete = paxos_is_synced(c);
	struct paxos_message *reply;
	size_t at = position_behind(c, m->after), end;

	if (m->epoch != paxos_epoch(c))
		return;
	end = c->acceptors - at < SYNC_REGISTERS ? c->acceptors : at + SYNC_REGISTERS;
	c->tellings = 0;
	for (size_t i = at; i < end; i++) {
		const struct paxos_acceptor *a = &c->acceptor[i];

		c->telling = paxos_grow(c->telling, c->tellings, &c->telling_room, sizeof(*c->telling));
		c->telling[c->tellings++] = (struct paxos_register){
			.instance = a->instance, .promised = a->promised, .accepted = a->accepted,
			.change = a->change, .chosen = a->chosen,
		};
	}
	reply = paxos_send(c, m->peer, PAXOS_SYNC_OK);
	reply->epoch = m->epoch;
	reply->after = at > 0 ? c->acceptor[at - 1].instance : "";
	reply->count = (uint32_t)c->tellings;
	reply->more = end < c->acceptors;
	reply->complete = complete;
	reply->known = is_whole(c);
	reply->incarnation = c->options.incarnation;
	reply->learner = !c->born;
	reply->after_persist = paxos_is_pending(c);
}

static void take(struct paxos *c, const struct paxos_register *r, uint32_t at)
{
	struct paxos_acceptor *a = r->instance ? paxos_register_find(c, r->instance, true) : NULL;
	bool news = false, text = false;
	struct paxos_register_out *o;

	if (!a)
		return;
	if (paxos_ballot_cmp(&r->promised, &a->promised) > 0) {
		a->promised = r->promised;
		news = true;
	}
	if (paxos_ballot_cmp(&r->accepted, &a->accepted) > 0) {
		a->accepted = r->accepted;
		a->change = r->change;
		news = true;
		text = !a->chosen;
	}
	if (r->chosen && !a->chosen)
		a->chosen = news = text = true;
	if (paxos_ballot_cmp(&a->accepted, &a->promised) > 0)
		a->promised = a->accepted;
	if (!news)
		return;
	o = paxos_register_persist(c, a);
	o->take = text;
	o->at = at;
	if (a->chosen)
		paxos_register_is(c, a);
}

void paxos_recv_sync_ok(struct paxos *c, const struct paxos_message *m)
{
	const struct paxos_member *member;
	struct paxos_config before;

	if (m->epoch != paxos_epoch(c) || paxos_is_synced(c))
		return;
	for (uint32_t i = 0; i < m->count; i++)
		take(c, &m->registers[i], i);
	if (m->more && m->count) {
		const struct paxos_acceptor *last = paxos_register_find(c, m->registers[m->count - 1].instance, true);

		if (last)
			ask(c, m->peer, last->instance);
		return;
	}
	if (m->complete) {
		done(c);
		return;
	}
	voters_before(c, &before);
	member = paxos_config_find(&before, m->peer);
	c->before_whole |= m->known;
	if (member && (member->incarnation ? member->incarnation == m->incarnation : !m->learner))
		c->before_told |= UINT64_C(1) << (member - before.member);
	judge(c);
}
