/*
 * slots: what the core knows of the log: the ballot in which each slot was accepted, and roughly the bytes of its value.
 *
 * A leader accepts slot after slot in one ballot, so ballots are kept as runs; a hole is a run of round 0.  Bytes are
 * kept as sparse marks, one every 64 slots or 64 KiB, and interpolated between: 16 bytes for 64 slots.
 *
 *	run     {first 1, ballot [1,n1]} {first 7, ballot [4,n2]} {first 9, none} {first 12, ballot [4,n2]} ...
 *	mark    {slot 1, 0 bytes} {slot 65, 9120 bytes} ...         bytes before slot
 *
 * Invariants: first - 1 <= in_order <= last; last is accepted or first - 1; runs cover first .. last and neighbours
 * differ; mark[0].slot <= first.
 */
#ifndef PAXOS_SLOTS_H
#define PAXOS_SLOTS_H

#include "lib/paxos/paxos.h"

struct paxos_run {
	paxos_slot first;
	struct paxos_ballot ballot;
};

struct paxos_mark {
	paxos_slot slot;
	uint64_t bytes;                 /* of the slots before it, counted from any origin */
};

struct paxos_slots {
	paxos_slot first, in_order, last;       /* in_order: up to there nothing is missing */
	uint64_t bytes;                 /* as a mark at last + 1 */
	struct paxos_run *run;
	size_t runs, run_room;
	struct paxos_mark *mark;
	size_t mark_first, mark_end, mark_room;
};

void paxos_slots_init(struct paxos_slots *);
void paxos_slots_release(struct paxos_slots *);

/* Accepted, in this ballot; anywhere from first on.  values NULL: each of some `bytes`. */
void paxos_slots_set(struct paxos_slots *, paxos_slot, uint32_t count, const struct paxos_ballot *,
		     const struct paxos_value *values, uint32_t bytes);
/* Those that are there already, in another ballot. */
void paxos_slots_move(struct paxos_slots *, paxos_slot, paxos_slot last, const struct paxos_ballot *);
/* Slots before `first` go. */
void paxos_slots_drop(struct paxos_slots *, paxos_slot first);

/* The ballot of a slot from first to last, and the last slot of its run. */
const struct paxos_ballot *paxos_slots_run(const struct paxos_slots *, paxos_slot, paxos_slot *end);
/* Up to where all from the slot on are of that ballot; slot - 1 at the least. */
paxos_slot paxos_slots_upto(const struct paxos_slots *, paxos_slot, const struct paxos_ballot *);

/* Bytes of slots from .. to, roughly. */
uint64_t paxos_slots_bytes(const struct paxos_slots *, paxos_slot from, paxos_slot to);
/* The last slot of a message that begins with `from` and has some `bytes`: at a mark, or the last. */
paxos_slot paxos_slots_cut(const struct paxos_slots *, paxos_slot from, uint64_t bytes);

#endif
