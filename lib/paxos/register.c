/*
 * register: single registers by name, as their acceptor ("Paxos made simple" 2.2).
 *
 * Each has a promise and an acceptance of its own, durable before they are said.  What is known as chosen of a synod's
 * is kept as such, and is the answer to all that come later; a change (CASPaxos) accepts one value after another.  Which
 * of the two a register is comes with its value.  A message counts only in the epoch that it says, and once we are
 * synced in it: see sync.c.
 */
#include "lib/paxos/core.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* --- The table --- */

/* Fowler, Noll, Vo. */
static uint32_t hash(const char *s)
{
	uint32_t h = UINT32_C(2166136261);

	for (; *s; s++)
		h = (h ^ (uint8_t)*s) * UINT32_C(16777619);
	return h;
}

static uint32_t *bucket_of(const struct paxos *c, const char *instance)
{
	size_t at = hash(instance) & (c->buckets - 1);

	while (c->bucket[at] && strcmp(c->acceptor[c->bucket[at] - 1].instance, instance))
		at = (at + 1) & (c->buckets - 1);
	return &c->bucket[at];
}

static void grow_table(struct paxos *c)
{
	c->buckets = c->buckets ? 2 * c->buckets : 64;
	free(c->bucket);
	c->bucket = calloc(c->buckets, sizeof(*c->bucket));
	assert(c->bucket);
	for (size_t i = 0; i < c->acceptors; i++)
		*bucket_of(c, c->acceptor[i].instance) = (uint32_t)i + 1;
}

struct paxos_acceptor *paxos_register_find(struct paxos *c, const char *instance, bool make)
{
	size_t length = strnlen(instance, PAXOS_INSTANCE_BYTES_MAX + 1);
	struct paxos_acceptor *a;
	uint32_t *bucket;

	if (c->buckets < 2 * (c->acceptors + 1))
		grow_table(c);
	bucket = bucket_of(c, instance);
	if (*bucket)
		return &c->acceptor[*bucket - 1];
	if (!make || c->acceptors == PAXOS_REGISTERS_MAX || length == 0 || length > PAXOS_INSTANCE_BYTES_MAX)
		return NULL;
	c->acceptor = paxos_grow(c->acceptor, c->acceptors, &c->acceptor_room, sizeof(*c->acceptor));
	a = &c->acceptor[c->acceptors++];
	memset(a, 0, sizeof(*a));
	a->instance = malloc(length + 1);
	assert(a->instance);
	memcpy(a->instance, instance, length + 1);
	*bucket = (uint32_t)c->acceptors;
	return a;
}

void paxos_registers_release(struct paxos *c)
{
	for (size_t i = 0; i < c->acceptors; i++)
		free(c->acceptor[i].instance);
	free(c->acceptor);
	free(c->bucket);
}

void paxos_load_register(struct paxos *c, const char *instance, const struct paxos_ballot *promised,
			 const struct paxos_ballot *accepted, bool change, bool chosen)
{
	struct paxos_acceptor *a = paxos_register_find(c, instance, true);

	assert(!c->started);
	if (!a)
		return;
	if (paxos_ballot_cmp(promised, &a->promised) > 0)
		a->promised = *promised;
	if (paxos_ballot_cmp(accepted, &a->accepted) >= 0) {
		a->accepted = *accepted;
		a->change = change;
	}
	a->chosen |= chosen;
}

/* --- What is said of them --- */

struct paxos_register_out *paxos_register_say(struct paxos *c, enum paxos_register_kind kind, const char *instance,
					      uint64_t request)
{
	struct paxos_register_out *o;

	c->answer = paxos_grow(c->answer, c->answers, &c->answer_room, sizeof(*c->answer));
	o = &c->answer[c->answers++];
	*o = (struct paxos_register_out){ .kind = kind, .instance = instance, .request = request };
	return o;
}

struct paxos_register_out *paxos_register_persist(struct paxos *c, const struct paxos_acceptor *a)
{
	struct paxos_register_out *o = paxos_register_say(c, PAXOS_REGISTER_PERSIST, a->instance, 0);

	paxos_ask(c);
	o->promised = a->promised;
	o->accepted = a->accepted;
	o->change = a->change;
	o->chosen = a->chosen;
	return o;
}

/* --- The acceptor --- */

static struct paxos_message *reply_to(struct paxos *c, const struct paxos_message *m, const struct paxos_acceptor *a,
				      enum paxos_message_type type)
{
	struct paxos_message *reply = paxos_send(c, m->peer, type);

	reply->ballot = m->ballot;
	reply->instance = a->instance;
	reply->epoch = paxos_epoch(c);
	reply->incarnation = c->options.incarnation;
	reply->learner = !c->born;
	reply->promised = type == PAXOS_NACK ? a->promised : (struct paxos_ballot){ 0, "" };
	reply->after_persist = type != PAXOS_NACK && paxos_is_pending(c);
	return reply;
}

static void recv_prepare(struct paxos *c, const struct paxos_message *m, struct paxos_acceptor *a)
{
	struct paxos_message *reply;

	if (paxos_ballot_cmp(&m->ballot, &a->promised) < 0) {
		reply_to(c, m, a, PAXOS_NACK);
		return;
	}
	if (!paxos_ballot_is(&m->ballot, &a->promised)) {
		a->promised = m->ballot;
		paxos_register_persist(c, a);
	}
	reply = reply_to(c, m, a, PAXOS_PROMISE);
	/* What is chosen wins, also where we have it from others alone, or had accepted something else before. */
	reply->accepted.accepted = a->chosen ? m->ballot : a->accepted;
	reply->accepted.change = a->change;
}

static void recv_accept(struct paxos *c, const struct paxos_message *m, struct paxos_acceptor *a)
{
	if (paxos_ballot_cmp(&m->ballot, &a->promised) < 0) {
		reply_to(c, m, a, PAXOS_NACK);
		return;
	}
	if (!paxos_ballot_is(&m->ballot, &a->accepted)) {
		a->promised = a->accepted = m->ballot;
		a->change = m->change && !a->chosen;
		/* Every proposal that can still come for what is chosen has the same value. */
		paxos_register_persist(c, a)->take = !a->chosen;
	}
	reply_to(c, m, a, PAXOS_ACCEPTED);
}

/* It takes the place of what we accepted ourselves: of a lower ballot than it was chosen in, that may be another value. */
static void recv_chosen(struct paxos *c, const struct paxos_message *m, struct paxos_acceptor *a)
{
	struct paxos_register_out *o;

	if (a->chosen || m->change || (a->accepted.round && a->change))
		return;
	a->chosen = true;
	o = paxos_register_persist(c, a);
	o->take = true;
	paxos_register_is(c, a);
}

static bool may_vote(const struct paxos *c, const struct paxos_message *m)
{
	return (c->options.roles & PAXOS_ACCEPTOR) && m->epoch == paxos_epoch(c) && paxos_is_synced(c) &&
	       paxos_name_is(m->ballot.node, m->peer);
}

void paxos_register_recv(struct paxos *c, const struct paxos_message *m)
{
	struct paxos_acceptor *a;

	if (m->type == PAXOS_PROMISE || m->type == PAXOS_ACCEPTED || m->type == PAXOS_NACK) {
		paxos_register_answer(c, m);
		return;
	}
	if (m->type != PAXOS_CHOSEN && !may_vote(c, m))
		return;
	a = paxos_register_find(c, m->instance, true);
	if (!a)
		return;
	if (m->type == PAXOS_PREPARE)
		recv_prepare(c, m, a);
	else if (m->type == PAXOS_ACCEPT)
		recv_accept(c, m, a);
	else
		recv_chosen(c, m, a);
}
