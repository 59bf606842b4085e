/*
 * synod: single registers by name, as their proposer ("Paxos made simple" 2.2; Rystsov: "CASPaxos", 2018, 2.2).
 *
 * Both phases, for one instance at a time and node: a quorum promises, the shell chooses what is proposed from what was
 * adopted, a quorum accepts.  A majority is counted by node and not by message.  Who is outbid waits for a random time
 * that grows with every attempt, in round trips as they were measured, and comes back with a higher ballot.  Who has not
 * answered is asked again, after twice as long each time: a large value may be under way still, and copies behind it
 * would only be in the way of others.
 *
 * A change that proposed a value, was outbid, and now finds another's value, cannot know whether its own was chosen in
 * between: it says so (unsure), and the answer to the client is an open outcome.  If it finds what it had found before,
 * then its own was not chosen, nor will it be; if it finds its own, that is finished.
 */
#include "lib/paxos/core.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { BACKOFF_DOUBLINGS_MAX = 4, REPEAT_DOUBLINGS_MAX = 5 };

enum phase { WAITS, BACKS_OFF, PREPARES, DECIDES, ACCEPTS };

/* In order of their requests' numbers.  Those that are over stay until others take their place. */
struct paxos_attempt {
	uint64_t request;
	size_t of;                      /* its register, in the table */
	const char *instance;
	bool over;
	enum phase phase;
	bool change, kind;              /* what was asked for; what is proposed */
	struct paxos_ballot ballot;
	paxos_slot config;              /* the configuration that it asks, by slot */
	uint64_t said;                  /* who of it answered in this phase, by position */
	uint64_t own_record;            /* when we count ourselves; 0: not */
	struct paxos_ballot adopted;
	bool adopted_change;
	uint64_t first_round;           /* of ours in which a value of our own was proposed; 0: none was */
	struct paxos_ballot found;      /* what was adopted then */
	uint64_t seen_round;
	uint32_t outbid;                /* times */
	uint32_t repeats;               /* of the question of this phase */
	uint64_t asked_ns, at_ns;       /* asked_ns 0: more than once, so it measures nothing */
};

uint64_t paxos_synod_deadline(const struct paxos *c)
{
	return c->attempts_open ? c->synod_ns : UINT64_MAX;
}

static void wait_until(struct paxos *c, struct paxos_attempt *t, uint64_t at_ns)
{
	t->at_ns = at_ns;
	if (at_ns < c->synod_ns || c->attempts_open <= 1)
		c->synod_ns = at_ns;
}

static struct paxos_attempt *by_request(struct paxos *c, uint64_t request)
{
	size_t low = 0, high = c->attempts_made;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (c->attempt[middle].request < request)
			low = middle + 1;
		else
			high = middle;
	}
	return low < c->attempts_made && c->attempt[low].request == request && !c->attempt[low].over ? &c->attempt[low] : NULL;
}

static struct paxos_acceptor *register_of(const struct paxos *c, const struct paxos_attempt *t)
{
	return &c->acceptor[t->of];
}

static struct paxos_attempt *add(struct paxos *c, struct paxos_acceptor *a, uint64_t request)
{
	struct paxos_attempt *t;
	size_t kept = 0;

	if (c->attempts_made == c->attempt_room && c->attempts_made >= 2 * c->attempts_open) {
		for (size_t i = 0; i < c->attempts_made; i++)
			if (!c->attempt[i].over)
				c->attempt[kept++] = c->attempt[i];
		c->attempts_made = kept;
	}
	c->attempt = paxos_grow(c->attempt, c->attempts_made, &c->attempt_room, sizeof(*c->attempt));
	for (t = &c->attempt[c->attempts_made++]; t > c->attempt && t[-1].request > request; t--)
		*t = t[-1];
	*t = (struct paxos_attempt){ .request = request, .instance = a->instance, .phase = WAITS, .at_ns = UINT64_MAX };
	t->of = (size_t)(a - c->acceptor);
	c->attempts_open++;
	a->attempts++;
	return t;
}

/* --- Phases --- */

static const struct paxos_member *self_in(const struct paxos *c)
{
	return paxos_config_find(paxos_config_chosen(c), c->id);
}

static bool is_own_acceptor(const struct paxos *c)
{
	const struct paxos_member *self = self_in(c);

	return self && self->voter && paxos_counts(c, NULL, self) && paxos_is_synced(c);
}

static void ask(struct paxos *c, struct paxos_attempt *t)
{
	const struct paxos_config_entry *e = paxos_in_force(c);

	for (uint32_t i = 0; i < e->config->count; i++) {
		struct paxos_message *m;

		if (!e->config->member[i].voter || e->seat[i] == PAXOS_SELF || (t->said >> i & 1))
			continue;
		m = paxos_send(c, e->config->member[i].name, t->phase == PREPARES ? PAXOS_PREPARE : PAXOS_ACCEPT);
		m->ballot = t->ballot;
		m->instance = t->instance;
		m->epoch = paxos_epoch(c);
		m->incarnation = c->options.incarnation;
		m->change = t->phase == ACCEPTS && t->kind;
		m->request = t->phase == ACCEPTS ? t->request : 0;
		m->after_persist = c->reserved_record > c->durable;
	}
	wait_until(c, t, c->now_ns + (c->options.heartbeat_ns << t->repeats));
	if (t->repeats < REPEAT_DOUBLINGS_MAX)
		t->repeats++;
}

static void back_off(struct paxos *c, struct paxos_attempt *t)
{
	uint32_t doublings = t->outbid < BACKOFF_DOUBLINGS_MAX ? t->outbid : BACKOFF_DOUBLINGS_MAX;

	t->phase = BACKS_OFF;
	t->outbid++;
	wait_until(c, t, c->now_ns + c->trip_ns + paxos_random(c, c->trip_ns << doublings << 1));
}

static void adopt(struct paxos *c, struct paxos_attempt *t, const struct paxos_ballot *ballot, bool change, bool own)
{
	if (ballot->round == 0 || paxos_ballot_cmp(ballot, &t->adopted) <= 0)
		return;
	t->adopted = *ballot;
	t->adopted_change = change;
	paxos_register_say(c, PAXOS_REGISTER_ADOPT, t->instance, t->request)->own = own;
}

static void count(struct paxos *, struct paxos_attempt *);

static void begin(struct paxos *c, struct paxos_attempt *t)
{
	struct paxos_acceptor *a = register_of(c, t);

	a->runs = t->request;
	if (t->seen_round > c->used_round)
		c->used_round = t->seen_round;
	if (a->promised.round > c->used_round)
		c->used_round = a->promised.round;
	if (!paxos_next_ballot(c, &t->ballot)) {
		back_off(c, t);
		return;
	}
	t->phase = PREPARES;
	t->config = paxos_in_force(c)->slot;
	t->said = t->own_record = t->repeats = 0;
	t->adopted = (struct paxos_ballot){ 0, "" };
	t->asked_ns = c->now_ns;
	if (is_own_acceptor(c)) {
		a->promised = t->ballot;
		paxos_register_persist(c, a);
		t->own_record = paxos_ask(c);
		adopt(c, t, &a->accepted, a->change, true);
	}
	ask(c, t);
	count(c, t);
}

static void decide(struct paxos *c, struct paxos_attempt *t)
{
	struct paxos_register_out *o = paxos_register_say(c, PAXOS_REGISTER_DECIDE, t->instance, t->request);

	t->phase = DECIDES;
	t->at_ns = UINT64_MAX;
	o->exists = t->adopted.round > 0;
	o->change = t->adopted_change;
	if (!t->first_round)
		return;
	o->own = paxos_name_is(t->adopted.node, c->id) && t->adopted.round >= t->first_round;
	o->unsure = !o->own && !paxos_ballot_is(&t->adopted, &t->found);
}

void paxos_register_value(struct paxos *c, uint64_t request, bool keep)
{
	struct paxos_attempt *t = by_request(c, request);
	struct paxos_acceptor *a;

	if (!t || t->phase != DECIDES)
		return;
	a = register_of(c, t);
	/* The voters are others by now; or we have promised another ourselves, and nobody would tell us. */
	if (t->config != paxos_in_force(c)->slot || (is_own_acceptor(c) && !paxos_ballot_is(&a->promised, &t->ballot))) {
		back_off(c, t);
		return;
	}
	t->phase = ACCEPTS;
	t->kind = keep && t->adopted.round ? t->adopted_change : t->change;
	t->said = t->own_record = t->repeats = 0;
	t->asked_ns = c->now_ns;
	if (!keep && !t->first_round) {
		t->first_round = t->ballot.round;
		t->found = t->adopted;
	}
	if (is_own_acceptor(c)) {
		struct paxos_register_out *o;

		a->accepted = t->ballot;
		a->change = t->kind;
		o = paxos_register_persist(c, a);
		o->take = true;
		o->request = t->request;
		t->own_record = paxos_ask(c);
	}
	ask(c, t);
	count(c, t);
}

/* --- Ends --- */

/* One at a time; who waits goes on in the order of its coming. */
static void next_of(struct paxos *c, size_t of)
{
	if (c->acceptor[of].runs)
		return;
	for (size_t i = 0; c->acceptor[of].attempts && i < c->attempts_made; i++) {
		if (c->attempt[i].over || c->attempt[i].of != of)
			continue;
		begin(c, &c->attempt[i]);
		return;
	}
}

static void take_off(struct paxos *c, struct paxos_attempt *t)
{
	struct paxos_acceptor *a = register_of(c, t);

	t->over = true;
	t->at_ns = UINT64_MAX;
	a->attempts--;
	if (a->runs == t->request)
		a->runs = 0;
	if (--c->attempts_open == 0)
		c->attempts_made = 0;
}

void paxos_register_end(struct paxos *c, uint64_t request)
{
	struct paxos_attempt *t = by_request(c, request);
	size_t of;

	if (!t)
		return;
	of = t->of;
	take_off(c, t);
	next_of(c, of);
}

void paxos_register_is(struct paxos *c, const struct paxos_acceptor *a)
{
	size_t of = (size_t)(a - c->acceptor);

	for (size_t i = 0; c->acceptor[of].attempts && i < c->attempts_made; i++) {
		if (c->attempt[i].over || c->attempt[i].of != of)
			continue;
		paxos_register_say(c, PAXOS_REGISTER_IS, c->acceptor[of].instance, c->attempt[i].request);
		take_off(c, &c->attempt[i]);
	}
}

/* "To learn that a value has been chosen": all are told, and none proposes for it any more. */
static void synod_chosen(struct paxos *c, struct paxos_acceptor *a, uint64_t request)
{
	struct paxos_register_out *o;

	a->chosen = true;
	o = paxos_register_persist(c, a);
	o->take = true;
	o->request = request;
	for (uint32_t i = 0; i < c->peers; i++) {
		struct paxos_message *m = paxos_send(c, c->peer[i].name, PAXOS_CHOSEN);

		m->instance = a->instance;
		m->incarnation = c->options.incarnation;
	}
}

static void chosen(struct paxos *c, struct paxos_attempt *t)
{
	struct paxos_acceptor *a = register_of(c, t);
	uint64_t request = t->request;
	size_t of = t->of;
	bool change = t->kind;

	if (!change && !a->chosen)
		synod_chosen(c, a, request);
	paxos_register_say(c, PAXOS_REGISTER_CHOSEN, a->instance, request);
	take_off(c, t);
	if (!change)
		paxos_register_is(c, a);
	next_of(c, of);
}

/* By node, and only those whose votes count. */
static void count(struct paxos *c, struct paxos_attempt *t)
{
	const struct paxos_config_entry *e = paxos_in_force(c);
	uint64_t set = 0;

	if ((t->phase != PREPARES && t->phase != ACCEPTS) || t->config != e->slot)
		return;
	for (uint32_t i = 0; i < e->config->count; i++) {
		const struct paxos_member *m = &e->config->member[i];
		bool self = e->seat[i] == PAXOS_SELF;
		bool said = self ? t->own_record && t->own_record <= c->durable : t->said >> i & 1;

		if (said && m->voter && paxos_counts(c, self ? NULL : &c->peer[e->seat[i]], m))
			set |= UINT64_C(1) << i;
	}
	if (!paxos_is_quorum(c, e->config, t->phase == PREPARES ? PAXOS_PHASE_1 : PAXOS_PHASE_2, set))
		return;
	if (t->phase == PREPARES)
		decide(c, t);
	else
		chosen(c, t);
}

/* --- What happens --- */

void paxos_propose_register(struct paxos *c, const char *instance, bool change, uint64_t request)
{
	struct paxos_acceptor *a;
	struct paxos_attempt *t;

	if (!(c->options.roles & PAXOS_PROPOSER) || paxos_config_chosen(c)->count == 0) {
		c->out->refused = PAXOS_NO_PROPOSER;
		return;
	}
	a = paxos_register_find(c, instance, true);
	if (!a || c->attempts_open == PAXOS_REQUESTS_MAX) {
		c->out->refused = PAXOS_TOO_MANY;
		return;
	}
	if (a->chosen) {
		paxos_register_say(c, PAXOS_REGISTER_IS, a->instance, request);
		return;
	}
	t = add(c, a, request);
	t->change = change;
	if (!a->runs)
		begin(c, t);
}

static struct paxos_attempt *by_ballot(struct paxos *c, const struct paxos_message *m)
{
	const struct paxos_acceptor *a = paxos_register_find(c, m->instance, false);
	struct paxos_attempt *t = a && a->runs ? by_request(c, a->runs) : NULL;

	return t && paxos_ballot_is(&t->ballot, &m->ballot) ? t : NULL;
}

static void measure(struct paxos *c, struct paxos_attempt *t)
{
	uint64_t took = c->now_ns - t->asked_ns;

	if (t->said || t->asked_ns == 0)
		return;
	c->trip_ns = (7 * c->trip_ns + took) / 8 + 1;
}

void paxos_register_answer(struct paxos *c, const struct paxos_message *m)
{
	struct paxos_attempt *t = by_ballot(c, m);
	struct paxos_peer *p = paxos_peer_find(c, m->peer);
	const struct paxos_config_entry *e = paxos_in_force(c);
	const struct paxos_member *member = paxos_config_find(e->config, m->peer);

	if (!t || !p || !member || t->config != e->slot)
		return;
	if (m->type == PAXOS_NACK) {
		if (m->promised.round > t->seen_round)
			t->seen_round = m->promised.round;
		if ((t->phase == PREPARES || t->phase == ACCEPTS) && paxos_ballot_cmp(&m->promised, &t->ballot) > 0) {
			measure(c, t);
			back_off(c, t);
		}
		return;
	}
	if (t->phase != (m->type == PAXOS_PROMISE ? PREPARES : ACCEPTS))
		return;
	paxos_take_word(c, p, m);
	measure(c, t);
	/* One whose votes do not count yet is asked again. */
	if (member->incarnation && m->incarnation ? member->incarnation == m->incarnation : !m->learner)
		t->said |= UINT64_C(1) << (member - e->config->member);
	if (m->type == PAXOS_PROMISE)
		adopt(c, t, &m->accepted.accepted, m->accepted.change, false);
	count(c, t);
}

/* What we said ourselves is durable now, or whose votes count. */
void paxos_synod_persisted(struct paxos *c)
{
	for (size_t i = c->attempts_made; i-- > 0;)
		if (i < c->attempts_made && !c->attempt[i].over)
			count(c, &c->attempt[i]);
}

void paxos_synod_restart(struct paxos *c)
{
	for (size_t i = 0; i < c->attempts_made; i++) {
		struct paxos_attempt *t = &c->attempt[i];

		if (!t->over && t->phase != WAITS && t->phase != DECIDES) {
			t->phase = BACKS_OFF;
			wait_until(c, t, c->now_ns);
		}
	}
}

void paxos_synod_tick(struct paxos *c)
{
	if (!c->attempts_open || c->now_ns < c->synod_ns)
		return;
	for (size_t i = c->attempts_made; i-- > 0;) {
		struct paxos_attempt *t = &c->attempt[i];

		if (i >= c->attempts_made || t->over || t->at_ns > c->now_ns)
			continue;
		if (t->phase == BACKS_OFF) {
			begin(c, t);
		} else {
			t->asked_ns = 0;
			ask(c, t);
		}
	}
	c->synod_ns = UINT64_MAX;
	for (size_t i = 0; i < c->attempts_made; i++)
		if (c->attempt[i].at_ns < c->synod_ns)
			c->synod_ns = c->attempt[i].at_ns;
}
