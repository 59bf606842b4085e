/*
 * load: what a core recovers from the disk, record by record in any order; all of it counts as durable.
 */
#include "lib/paxos/core.h"

#include <assert.h>

void paxos_load_snapshot(struct paxos *c, const struct paxos_snapshot *snapshot, const struct paxos_config *config)
{
	assert(!c->started);
	c->snapshot = *snapshot;
	c->chosen = snapshot->index;
	paxos_slots_drop(&c->slots, snapshot->index + 1);
	paxos_config_reset(c, snapshot->index, config);
}

void paxos_load_first(struct paxos *c, paxos_slot first)
{
	assert(!c->started);
	assert(c->slots.last < c->slots.first);
	if (first > c->snapshot.index + 1)
		return;
	paxos_slots_release(&c->slots);
	paxos_slots_init(&c->slots);
	paxos_slots_drop(&c->slots, first);
}

void paxos_load_promise(struct paxos *c, const struct paxos_ballot *ballot)
{
	assert(!c->started);
	if (paxos_ballot_cmp(ballot, &c->promised) > 0)
		c->promised = *ballot;
}

void paxos_load_reserved(struct paxos *c, uint64_t round)
{
	assert(!c->started);
	if (round > c->reserved_round)
		c->used_round = c->reserved_round = round;
}

void paxos_load_votes(struct paxos *c)
{
	c->born = true;
}

void paxos_load_counted(struct paxos *c, const char *name, uint64_t incarnation)
{
	paxos_count_load(c, name, incarnation);
}

void paxos_load_incarnation(struct paxos *c, uint64_t incarnation)
{
	assert(!c->started);
	c->options.incarnation = incarnation;
}

void paxos_load_synced(struct paxos *c, uint64_t epoch)
{
	if (epoch > c->synced_epoch)
		c->synced_epoch = epoch;
}

bool paxos_load_accepted(struct paxos *c, paxos_slot slot, const struct paxos_value *value)
{
	assert(!c->started);
	paxos_load_promise(c, &value->ballot);
	if (slot < c->slots.first || slot > PAXOS_SLOT_MAX)
		return false;
	if (slot <= c->slots.last && paxos_ballot_cmp(&value->ballot, paxos_slots_run(&c->slots, slot, NULL)) < 0)
		return false;
	paxos_slots_set(&c->slots, slot, 1, &value->ballot, value, 0);
	if (slot > c->snapshot.index)
		paxos_config_set(c, slot, 1, value);
	return true;
}

/* A hint: what is not there, or came later than the record, is learnt again. */
void paxos_load_chosen(struct paxos *c, paxos_slot upto)
{
	assert(!c->started);
	if (upto > c->behind.upto)
		c->behind.upto = upto;
}

/* The first step.  Slots that a snapshot overtook go. */
void paxos_start(struct paxos *c)
{
	paxos_slot hint = c->behind.upto;

	c->started = true;
	if (c->slots.in_order < c->snapshot.index)
		paxos_slots_drop(&c->slots, c->snapshot.index + 1);
	c->behind.upto = 0;
	if (hint > c->slots.in_order)
		hint = c->slots.in_order;
	if (hint > c->chosen)
		c->chosen = hint;
	paxos_config_choose(c);
	paxos_start_timer(c);
	/* Who may have promised a lease before a crash keeps the promise after it. */
	if (c->options.lease_reads)
		c->quiet_until_ns = c->now_ns + paxos_quiet_ns(c);
	/* Nobody has been heard from yet: to run early does no harm where it is asked first. */
	else
		c->election_ns = c->now_ns + paxos_random(c, c->options.election_min_ns / 2);
	/* The only voter, and no leader before that: nobody is waited for. */
	if (paxos_is_alone(c) && (!c->options.lease_reads || c->configs == 1))
		c->election_ns = c->now_ns;
}
