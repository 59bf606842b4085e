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
 * A node in an empty directory is not born, unless it knows no cluster or never took part.  It asks all other voters of the
 * first configuration (hello).  One that is born says whether it knows another incarnation of that name, and hears nothing
 * that one may have said from then on.  One that is not born either says how far it is: unsure, not all have answered it;
 * forgot, one of them knew it; or neither, then it is sure.  Whom one knows it notes for good, and who is born notes all
 * whom it has heard by then.  The node that asks is born, once and for all, when every other voter has answered, none knows
 * it and none is unsure, and those that forgot, if there are any, are so many that what is left without them and it is no
 * quorum of either phase.  For if it had voted none the less:
 *
 *	the proposer it voted for knew it.  So that one is not born: it is without its disk itself
 *	the others of the quorums of that ballot heard the proposer, and know it.  Where one of them is born the proposer
 *	forgot; where none is, what the ballot chose is on no disk any more
 *
 * and with those that forgot, more disks would be lost than the cluster survives.  All are asked for this: of five, one that
 * voted and lost its disk, its proposer that did too, and two that never were up would otherwise be a quorum while the
 * fifth, with what the first two and it chose, is away.
 *
 * That no node of this name ever ran before is what an operator may know, but no protocol: `founding` says it, and then the
 * node is born at once.  The proof needs nothing else: who never ran has voted on nothing.
 *
 * If one knows it, or configurations have changed since, it forgot, and says so.  What it is given of the log meanwhile is no
 * answer: that may end where it was the only voter, and others are by now.  So where its log has other voters than the first
 * configuration it is born no more.
 *
 * Then the leader lets it in anew: it makes it a learner, and once it has caught up a voter again, with its incarnation
 * named.  Why that is safe: in slots up to the one that made it a learner nobody counts what the new incarnation says, since
 * those configurations do not name it; and what the old one said counts nowhere behind the one that made it a voter.  So to
 * the configurations it is as if one acceptor failed and another joined.  Those who let it in are a quorum: of two voters
 * neither can be let in by the other.
 *
 * As a proposer it may use a ballot again that it used before.  So an acceptor notes whose prepare it promised, as it
 * notes whom it counted, and hears no other incarnation of that name but one that a configuration names: every quorum
 * that a new ballot could get has one that knows the old one.
 *
 * The only member of a first configuration has nobody to ask: it is born whatever was.  If others have joined it since, and
 * its disk is lost, it has to come back as one that joins.
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

/*
 * What it said before it lost its disk, under way still: who asked is the one who is counted, and knows nothing of it.  One
 * that a configuration names has a place of its own.
 */
bool paxos_is_late(struct paxos *c, const struct paxos_message *m)
{
	const struct paxos_peer *p = paxos_peer_find(c, m->peer);

	return p && p->asker && m->incarnation && m->incarnation != p->asker && !is_named(c, m->peer, m->incarnation);
}

/* --- As the one who is fresh --- */

/* Whom it has heard by then it knows: should one of them come with another directory, that one lost its own. */
static void born(struct paxos *c)
{
	c->born = true;
	c->hello_ns = 0;
	c->out->votes = true;
	c->born_record = paxos_ask(c);
	for (uint32_t i = 0; i < c->peers; i++) {
		const struct paxos_peer *p = &c->peer[i];

		if (p->told && p->told_incarnation && is_first_counted(c, p->name) && !counted_find(c, p->name))
			tell_counted(c, count_add(c, p->name, p->told_incarnation));
	}
	paxos_synod_restart(c);
}

/*
 * Whether all voters of the first configuration have answered; and who of them forgot, and we, by position.  What we have of
 * the log may end where the voters were others: who changed them took part.  Nor did one begin alone who was told to join.
 */
static bool all_told(struct paxos *c, uint64_t *forgot, uint64_t *self)
{
	const struct paxos_config *config = paxos_config_chosen(c);
	bool all = config->epoch == 0, any = c->options.initial.count > 0;

	*forgot = *self = 0;
	for (uint32_t i = 0; i < config->count; i++) {
		const struct paxos_peer *p = paxos_peer_find(c, config->member[i].name);

		if (!p)
			*self |= UINT64_C(1) << i;
		else if (config->member[i].voter)
			any = true;
		if (p && config->member[i].voter)
			all &= p->told;
		if (p && p->told_forgot)
			*forgot |= UINT64_C(1) << i;
	}
	return all && any;
}

static bool is_sure(struct paxos *c)
{
	uint64_t forgot, self;

	return all_told(c, &forgot, &self) && !c->forgot;
}

static void judge(struct paxos *c)
{
	const struct paxos_config *config = paxos_config_chosen(c);
	uint64_t forgot, self, left;

	if (c->options.founding) {
		born(c);
		return;
	}
	if (c->forgot || !all_told(c, &forgot, &self) || !self)
		return;
	for (uint32_t i = 0; i < c->peers; i++)
		if (c->peer[i].told_unsure)
			return;
	left = ~(forgot | self);
	if (!forgot || (!paxos_is_quorum(c, config, PAXOS_PHASE_1, left) && !paxos_is_quorum(c, config, PAXOS_PHASE_2, left)))
		born(c);
}

static bool is_unheard(const struct paxos *c, const struct paxos_peer *p)
{
	const struct paxos_member *m = paxos_config_find(paxos_config_chosen(c), p->name);

	return m && m->voter && !p->told;
}

const char *paxos_unheard(const struct paxos *c, size_t at)
{
	if (c->born || c->forgot || is_named(c, c->id, c->options.incarnation))
		return NULL;
	for (uint32_t i = 0; i < c->peers; i++)
		if (is_unheard(c, &c->peer[i]) && at-- == 0)
			return c->peer[i].name;
	return NULL;
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

		if (c->peer[i].told && !c->peer[i].told_unsure && !c->peer[i].told_forgot && !c->forgot)
			continue;
		m = paxos_send(c, c->peer[i].name, PAXOS_HELLO);
		m->incarnation = c->options.incarnation;
		m->fresh = true;
		m->known = c->forgot;
	}
}

static struct paxos_message *reply_hello(struct paxos *c, const char *peer, uint64_t incarnation)
{
	const struct paxos_counted *k = counted_find(c, peer);
	struct paxos_message *reply = paxos_send(c, peer, PAXOS_HELLO_OK);

	reply->incarnation = c->options.incarnation;
	reply->round = incarnation;
	reply->known = (k && k->member.incarnation != incarnation) || paxos_config_chosen(c)->epoch > 0;
	reply->fresh = !c->born;
	reply->forgot = !c->born && c->forgot;
	reply->unsure = !c->born && !c->forgot && !is_sure(c);
	return reply;
}

/* Those who asked while we were not sure need not ask again. */
void paxos_recv_hello_ok(struct paxos *c, const struct paxos_message *m)
{
	struct paxos_peer *p = paxos_peer_find(c, m->peer);
	bool was_sure;

	if (c->born || !p || m->round != c->options.incarnation)
		return;
	was_sure = is_sure(c);
	p->told_unsure = m->fresh && m->unsure;
	p->told_forgot = m->fresh && m->forgot;
	p->told_incarnation = m->incarnation;
	p->told = true;
	c->forgot |= m->known;
	judge(c);
	for (uint32_t i = 0; i < c->peers && !was_sure && is_sure(c); i++)
		if (c->peer[i].asker)
			reply_hello(c, c->peer[i].name, c->peer[i].asker);
}

/* --- As one who is asked --- */

void paxos_recv_hello(struct paxos *c, const struct paxos_message *m)
{
	struct paxos_peer *p = paxos_peer_find(c, m->peer);
	bool known = reply_hello(c, m->peer, m->incarnation)->known;

	if (!p)
		return;
	p->asker = known ? 0 : m->incarnation;
	if (p->asker && p->incarnation != p->asker)
		p->promised = false;
	if (!m->known || c->state != PAXOS_LEADS)
		return;
	p->let_in = m->incarnation;
	paxos_tend(c);
}
