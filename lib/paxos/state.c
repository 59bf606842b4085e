/* state: what is so now, for the shell. */
#include "lib/paxos/core.h"

enum paxos_role paxos_role(const struct paxos *c)
{
	if (c->state == PAXOS_LEADS)
		return PAXOS_IS_LEADER;
	if (c->state != PAXOS_FOLLOWS)
		return PAXOS_IS_CANDIDATE;
	return c->voter || !c->learner ? PAXOS_IS_FOLLOWER : PAXOS_IS_LEARNER;
}

struct paxos_ballot paxos_ballot(const struct paxos *c)
{
	return c->ballot;
}

struct paxos_ballot paxos_promised(const struct paxos *c)
{
	return c->promised;
}

const char *paxos_leader(const struct paxos *c)
{
	return c->leader;
}

paxos_slot paxos_chosen_upto(const struct paxos *c)
{
	return c->chosen;
}

paxos_slot paxos_first_slot(const struct paxos *c)
{
	return c->slots.first;
}

paxos_slot paxos_last_slot(const struct paxos *c)
{
	return c->slots.in_order;
}

paxos_slot paxos_snapshot_index(const struct paxos *c)
{
	return c->snapshot.index;
}

struct paxos_ballot paxos_ballot_at(const struct paxos *c, paxos_slot slot)
{
	if (slot < c->slots.first || slot > c->slots.last)
		return (struct paxos_ballot){ 0, "" };
	return *paxos_slots_run(&c->slots, slot, NULL);
}

bool paxos_votes(const struct paxos *c)
{
	for (size_t i = c->configs; i-- > c->chosen_config;) {
		const struct paxos_member *self = paxos_config_find(c->config[i].config, c->id);

		if (self && self->voter)
			return paxos_counts(c, NULL, self);
	}
	return paxos_counts(c, NULL, &(struct paxos_member){ .voter = true });
}

bool paxos_forgot(const struct paxos *c)
{
	return c->forgot && !paxos_votes(c);
}

uint64_t paxos_synced_epoch(const struct paxos *c)
{
	return c->synced_epoch;
}

uint64_t paxos_reserved_round(const struct paxos *c)
{
	return c->reserved_round;
}

const struct paxos_config *paxos_config_latest(const struct paxos *c)
{
	return c->config[c->configs - 1].config;
}

const struct paxos_config *paxos_config_chosen(const struct paxos *c)
{
	return paxos_in_force(c)->config;
}

const struct paxos_config *paxos_config_at(const struct paxos *c, paxos_slot slot)
{
	size_t i = c->configs - 1;

	while (i > 0 && c->config[i].slot > slot)
		i--;
	return c->config[i].config;
}

bool paxos_counted_at(const struct paxos *c, size_t at, struct paxos_member *member)
{
	if (at >= c->counteds)
		return false;
	*member = c->counted[at].member;
	return true;
}

bool paxos_register_at(const struct paxos *c, size_t at, struct paxos_register *r)
{
	const struct paxos_acceptor *a = at < c->acceptors ? &c->acceptor[at] : NULL;

	if (!a)
		return false;
	*r = (struct paxos_register){
		.instance = a->instance, .promised = a->promised, .accepted = a->accepted,
		.change = a->change, .chosen = a->chosen,
	};
	return true;
}

bool paxos_progress(const struct paxos *c, const char *name, struct paxos_progress *progress)
{
	for (uint32_t i = 0; i < c->peers && c->state == PAXOS_LEADS; i++) {
		const struct paxos_peer *p = &c->peer[i];

		if (!paxos_name_is(p->name, name) || !p->member)
			continue;
		*progress = (struct paxos_progress){ p->match, p->next, p->flights, p->voter };
		return true;
	}
	return false;
}
