/*
 * fresh: whose votes count, and what a node does whose disk is gone.
 *
 * "Paxos made live" 5.1 lets a replica that lost its disk take part without a vote until it saw an instance that began
 * after it came back.  Here a directory has an incarnation, drawn when it was made, that goes with every answer, and the
 * counting side decides:
 *
 *	a configuration that names an incarnation for a voter counts the answers of that one alone
 *	where it names none (those of init), the first one that took part counts, unless it says that it is not
 *	`born`.  Which that was is on our disk before we count it
 *
 * A node in an empty directory is not born, unless it knows no cluster or never took part.  It asks the other voters of
 * the first configuration (hello): it is born, once and for all,
 *
 *	(a) when so many of them are not born either that none of its quorums could have been without one of
 *	    them: then no quorum that it was part of ever was; or
 *	(b) when all of them are sure that it never took part: then it never did
 *
 * and if one of them knows it, or configurations have changed since, it forgot, and says so.  Then the leader lets it in
 * anew: it makes it a learner, and once it has caught up a voter again, with its incarnation named.  Why that is safe:
 * in slots up to the one that made it a learner nobody counts what the new incarnation says, since those configurations
 * do not name it; and what the old one said counts nowhere behind the one that made it a voter.  So to the
 * configurations it is as if one acceptor failed and another joined.  A majority of the first members is not enough for
 * (a): of three, one that voted and lost its disk, and one that was never up, would be born while the third, with what
 * the first two chose, is away.
 *
 * As a proposer it may use a ballot again that it used before.  So an acceptor notes whose prepare it promised, as it
 * notes whom it counted, and hears no other incarnation of that name but one that a configuration names: every quorum
 * that a new ballot could get has one that knows the old one.
 *
 * The only member of a first configuration has nobody to ask: it is born whatever was.
 *
 * A node that does not speak of incarnations is counted as it comes.
 */
#include "lib/paxos/core.h"

#include <assert.h>
#include <stdlib.h>

static struct paxos_counted *counted_find(const struct paxos *c, const char *name)
{
	for (size_t i = 0; i < c->counteds; i++)
		if (paxos_name_is(c->counted[i].member.name, name))
			return &c->counted[i];
	return NULL;
}

static struct paxos_counted *count_add(struct paxos *c, const char *name, uint64_t incarnation)
{
	struct paxos_counted *k;

	c->counted = paxos_grow(c->counted, c->counteds, &c->counted_room, sizeof(*c->counted));
	k = &c->counted[c->counteds++];
	*k = (struct paxos_counted){ .member.incarnation = incarnation };
	paxos_name_set(k->member.name, name);
	return k;
}

void paxos_count_load(struct paxos *c, const char *name, uint64_t incarnation)
{
	struct paxos_counted *k = counted_find(c, name);

	if (k)
		k->member.incarnation = incarnation;
	else
		count_add(c, name, incarnation);
}

static bool is_acceptor(const struct paxos *c)
{
	return c->options.roles & PAXOS_ACCEPTOR;
}

bool paxos_counts(const struct paxos *c, const struct paxos_peer *p, const struct paxos_member *m)
{
	const struct paxos_counted *k;

	if (!p)
		return is_acceptor(c) && (m->incarnation ? m->incarnation == c->options.incarnation : c->born);
	if (m->incarnation && p->incarnation)
		return m->incarnation == p->incarnation;
	if (p->unborn)
		return false;
	if (p->incarnation == 0)
		return true;
	k = counted_find(c, p->name);
	return k && k->member.incarnation == p->incarnation && k->record <= c->durable;
}

static bool is_first_counted(const struct paxos *c, const char *name)
{
	for (size_t i = c->chosen_config; i < c->configs; i++) {
		const struct paxos_member *m = paxos_config_find(c->config[i].config, name);

		if (m && m->voter && m->incarnation == 0)
			return true;
	}
	return false;
}

static void tell_counted(struct paxos *c, struct paxos_counted *k)
{
	k->record = paxos_ask(c);
	c->counted_out = realloc(c->counted_out, (c->out->counted_count + 1) * sizeof(*c->counted_out));
	assert(c->counted_out);
	c->counted_out[c->out->counted_count++] = k->member;
}

void paxos_take_word(struct paxos *c, struct paxos_peer *p, const struct paxos_message *m)
{
	bool another = p->incarnation && m->incarnation && m->incarnation != p->incarnation;

	p->answered = true;
	p->unlike |= m->incarnation != p->incarnation;
	p->incarnation = m->incarnation;
	p->unborn = m->learner;
	/* What the one before it had accepted is gone. */
	if (another && c->state == PAXOS_LEADS) {
		p->match = c->from - 1;
		p->chosen = 0;
		p->round = p->lease_ns = 0;
		p->caught_up = false;
		p->flights = 0;
		p->flight_bytes = 0;
		p->next = c->from;
	}
	if (another)
		p->promised = false;
	if (m->incarnation && !m->learner && is_first_counted(c, p->name) && !counted_find(c, p->name))
		tell_counted(c, count_add(c, p->name, m->incarnation));
}

static bool is_named(const struct paxos *c, const char *name, uint64_t incarnation)
{
	for (size_t i = c->chosen_config; i < c->configs; i++) {
		const struct paxos_member *m = paxos_config_find(c->config[i].config, name);

		if (m && m->incarnation == incarnation)
			return true;
	}
	return false;
}

/*
 * One that was named takes the place of the one before it, also when it is a member no more: it may have a ballot to
 * finish.
 */
bool paxos_is_stranger(struct paxos *c, const struct paxos_message *m)
{
	struct paxos_counted *k = counted_find(c, m->peer);

	if (m->incarnation == 0 || (!k && m->pre))
		return false;
	if (!k) {
		tell_counted(c, count_add(c, m->peer, m->incarnation));
		return false;
	}
	if (k->member.incarnation == m->incarnation)
		return false;
	if (!is_named(c, m->peer, m->incarnation))
		return true;
	k->member.incarnation = m->incarnation;
	tell_counted(c, k);
	return false;
}

/* --- As the one who is fresh --- */

static void born(struct paxos *c)
{
	c->born = true;
	c->hello_ns = 0;
	c->out->votes = true;
	paxos_ask(c);
	paxos_synod_restart(c);
}

/* Those who said so hit every quorum of either phase that has us: what is left without them and us is none with us. */
static bool quorums_are_hit(const struct paxos *c, const struct paxos_config *config, uint64_t fresh, uint64_t self)
{
	uint64_t all = config->count < 64 ? (UINT64_C(1) << config->count) - 1 : UINT64_MAX;
	uint64_t left = (all & ~fresh) | self;

	return !paxos_is_quorum(c, config, PAXOS_PHASE_1, left) && !paxos_is_quorum(c, config, PAXOS_PHASE_2, left);
}

static void judge(struct paxos *c)
{
	const struct paxos_config *config = paxos_config_chosen(c);
	uint64_t fresh = 0, self = 0;
	bool all = true;

	if (c->forgot)
		return;
	for (uint32_t i = 0; i < config->count; i++) {
		const struct paxos_member *m = &config->member[i];
		const struct paxos_peer *p = paxos_peer_find(c, m->name);

		if (!p)
			self |= UINT64_C(1) << i;
		else if (p->told && p->told_fresh)
			fresh |= UINT64_C(1) << i;
		else if (m->voter)
			all &= p->told;
	}
	if (self && (all || quorums_are_hit(c, config, fresh, self)))
		born(c);
}

void paxos_fresh_tick(struct paxos *c)
{
	if (c->born || c->now_ns < c->hello_ns || !(c->options.roles & (PAXOS_ACCEPTOR | PAXOS_PROPOSER)))
		return;
	c->hello_ns = c->now_ns + c->options.heartbeat_ns;
	/* The only one has nobody to wait for. */
	judge(c);
	/* Named, there is nothing to ask any more. */
	if (c->born || is_named(c, c->id, c->options.incarnation) || c->peers == 0) {
		c->hello_ns = 0;
		return;
	}
	for (uint32_t i = 0; i < c->peers; i++) {
		struct paxos_message *m;

		if (c->peer[i].told && !c->forgot)
			continue;
		m = paxos_send(c, c->peer[i].name, PAXOS_HELLO);
		m->incarnation = c->options.incarnation;
		m->fresh = true;
		m->known = c->forgot;
	}
}

void paxos_recv_hello_ok(struct paxos *c, const struct paxos_message *m)
{
	struct paxos_peer *p = paxos_peer_find(c, m->peer);

	if (c->born || !p || m->round != c->options.incarnation)
		return;
	p->told = true;
	p->told_fresh = m->fresh;
	c->forgot |= m->known;
	judge(c);
}

/* --- As one who is asked --- */

void paxos_recv_hello(struct paxos *c, const struct paxos_message *m)
{
	const struct paxos_counted *k = counted_find(c, m->peer);
	struct paxos_peer *p = paxos_peer_find(c, m->peer);
	struct paxos_message *reply = paxos_send(c, m->peer, PAXOS_HELLO_OK);

	reply->incarnation = c->options.incarnation;
	reply->round = m->incarnation;
	reply->fresh = !c->born;
	reply->known = (k && k->member.incarnation != m->incarnation) || paxos_config_chosen(c)->epoch > 0;
	if (!p || !m->known || c->state != PAXOS_LEADS)
		return;
	p->let_in = m->incarnation;
	paxos_tend(c);
}
