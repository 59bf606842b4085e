/*
 * paxos: Multi-Paxos for a log, and single registers (the synod of "Paxos made simple", CASPaxos), pure.
 *
 * One function, paxos_step, takes what happened and says what the shell has to do, in this order:
 *
 *   1. persist  records: a promise, reserved rounds, members counted, acceptances of slots, registers
 *   2. send     messages; those marked after_persist only once all that this and the
 *               earlier steps asked to persist is durable
 *   3. apply    chosen slots up to chosen_upto; answers of reads and of registers
 *   4. wait     until deadline_ns at the latest, then step with PAXOS_TICK
 *
 * A step that asks to persist anything has a number, out.record; the shell says PAXOS_PERSISTED with the greatest number
 * whose records, and all before them, are on the disk.  What we promised or accepted ourselves counts from then on.
 *
 * The core keeps of the log each slot's ballot and a rough count of bytes; the text of values is the shell's, by slot,
 * and of registers, by instance and by request.  Time is nanoseconds of a clock that never goes back; randomness is a
 * seed.
 *
 * Ownership: `in` is the caller's and is not kept.  `out`, and all it points to, is the core's and valid until the next
 * step.  Memory that runs out aborts.
 *
 * Invariants, asserted:
 *   a promise never falls; no acceptance is of a ballot above the promise, and none is ever replaced but by one of a higher
 *   ballot in the same slot, or by a snapshot; first_slot <= snapshot_index + 1; snapshot_index <= chosen_upto <= last_slot
 *   chosen_upto never falls; what is chosen in a slot never changes
 *
 * Slots are chosen in order.  A slot that is learnt as chosen from another (chosen_values, a promise) is kept as an
 * acceptance in the ballot of who told it, which is not lower than the one it was chosen in.  That is no vote, and it is
 * harmless: every proposal of a higher ballot has the same value.  A candidate keeps what promises tell it in the same
 * way, in the ballots that they tell: to report an acceptance of what was proposed, though it is another's, only adds to
 * what a next candidate knows.
 *
 * Configurations are values of the log, and each has a version: one more than that of the one it was made from, which was
 * in force where its leader made it.  One that is chosen behind another than that is void: a no-op, for everybody, as
 * all decide it from the same slots before it.  For it may be found late: a leader proposed it in slot s + 1, the next one
 * did not see it and had another change chosen in s, and a third finds it and has to propose it again.  Slot s is
 * decided by the configuration in force there, that of the greatest configuration slot below s that is not void, from the
 * next slot on, with no window: a leader may propose behind one that is not chosen yet, for no slot is chosen before all
 * those below it.
 *
 * A candidate needs a quorum of phase 1 of the configuration of its first unchosen slot and of every one that it found
 * behind that and that may come into force (and asks the members of those too).  One whose version is not above that of the
 * one in force cannot: versions grow by one from each that is in force to the next.  Of the others it is not known before
 * all below is chosen.  Proof that no two values are chosen in slot s: let C be the configuration of s, chosen in slot k <
 * s, the least ballot in which it was chosen b.  A candidate of ballot b' > b whose first slot is at or before k has a
 * quorum of the configuration of k, which meets the one that chose C: it finds C, or a higher ballot's proposal in k, which
 * by induction is C.  What is in force at its first slot is C or before C, so it asks a quorum of C, and for s the synod's
 * proof holds within C.  A leader of ballot b that proposes C itself in k > all that it found needs not ask C: a lower
 * ballot that had chosen anything in s > k would have chosen C in k, and b had found it.  A ballot that does not know C
 * proposes for s under another configuration, but declares nothing chosen in s without k.  Changes come one at a time
 * nevertheless, so that members stay few.
 *
 * Configurations of before there were versions have none (0), and count behind one another as they come; behind one that
 * has a version they are void.
 *
 * Who voted and lost its disk does not vote: fresh.c has when such a node may, and why.
 */
#ifndef PAXOS_PAXOS_H
#define PAXOS_PAXOS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	PAXOS_MEMBERS_MAX = 64,
	PAXOS_NAME_BYTES_MAX = 64,
	PAXOS_INSTANCE_BYTES_MAX = 256,         /* of a register's name */
	PAXOS_REGISTERS_MAX = 65536,
	PAXOS_REQUESTS_MAX = 4096,              /* on registers, under way at a node */
	PAXOS_GAP_MAX = 65536,                  /* slots accepted beyond the first that is missing */
};
#define PAXOS_SLOT_MAX (UINT64_C(1) << 53)      /* of rounds, too */

typedef uint64_t paxos_slot;            /* from 1; 0 is before the first */

/* Compared by round, then by name; round 0 is before all. */
struct paxos_ballot {
	uint64_t round;
	char node[PAXOS_NAME_BYTES_MAX + 1];
};
int paxos_ballot_cmp(const struct paxos_ballot *, const struct paxos_ballot *);

struct paxos_member {
	char name[PAXOS_NAME_BYTES_MAX + 1];
	bool voter;                     /* an acceptor; else a learner */
	uint64_t incarnation;           /* of its directory, whose word alone counts; 0: whichever was counted first.
					   In the value: "incarnations":{"n3":123}, those that are not 0 */
};

struct paxos_config {
	uint32_t count;                 /* 0: knows no cluster yet, a joiner */
	struct paxos_member member[PAXOS_MEMBERS_MAX];
	uint64_t version;               /* grows by one with each change; in the value: "version":1, left out if 0 */
	uint64_t epoch;                 /* grows by one with each change of voters; in the value: "epoch":1, left out if 0 */
	struct paxos_member changed;    /* whom the last of them changed, as it was before; name "": there was none.  In the
					   value: "changed":{"node":"n3","voter":true,"incarnation":5}, left out if none */
};

/*
 * Which sets of acceptors are a quorum of each phase; all zero: majorities.  Counts: any so many.  A grid: rows of names;
 * phase 1 needs all of some row, phase 2 one of every row, so every two meet.  The same at every node.  A
 * change of voters for which they would be wrong is refused.
 */
struct paxos_quorums {
	uint32_t count1, count2;        /* 0: a majority */
	uint32_t rows, columns;         /* rows 0: no grid */
	char grid[PAXOS_MEMBERS_MAX][PAXOS_NAME_BYTES_MAX + 1]; /* row by row, `columns` names each; "": none there */
};
/* NULL, or why not every quorum of phase 1 meets every one of phase 2, one clause. */
const char *paxos_quorums_wrong(const struct paxos_quorums *, const struct paxos_config *);

/* Every node learns. Who is no acceptor never votes, though a configuration lists it; who is no proposer never leads. */
enum paxos_roles { PAXOS_PROPOSER = 1, PAXOS_ACCEPTOR = 2, PAXOS_LEARNER = 4, PAXOS_ALL_ROLES = 7 };

struct paxos_options {
	const char *id;                 /* copied */
	struct paxos_config initial;    /* the one before slot 1; count 0 for a joiner */
	struct paxos_quorums quorums;
	unsigned roles;
	uint64_t election_min_ns, election_max_ns, heartbeat_ns;
	uint64_t window_bytes;          /* of values in flight to an acceptor */
	uint32_t window_messages;
	uint32_t message_bytes;         /* of values in one message, roughly; a larger one goes alone */
	bool lease_reads;
	bool fresh;                     /* the directory does not say that it votes (paxos_load_votes): see fresh.c */
	bool founding;                  /* fresh, and known to be the first of its name that ever ran */
	uint64_t incarnation;           /* of this directory, 1 .. 2^53: drawn when it was made, kept in it */
	uint64_t seed;
};

/* --- In --- */

enum paxos_message_type {
	PAXOS_PREPARE, PAXOS_PROMISE, PAXOS_ACCEPT, PAXOS_ACCEPTED, PAXOS_NACK, PAXOS_CHOSEN, PAXOS_CATCHUP,
	PAXOS_CHOSEN_VALUES, PAXOS_INSTALL_SNAPSHOT, PAXOS_INSTALL_SNAPSHOT_OK, PAXOS_PREPARE_NOW,
	PAXOS_HELLO, PAXOS_HELLO_OK,
	PAXOS_SYNC, PAXOS_SYNC_OK,      /* registers, of an acceptor that was let in */
};

/* A value as it is handed in; its text stays with the shell. */
struct paxos_value {
	struct paxos_ballot ballot;     /* of a promise's: the one it was accepted in */
	paxos_slot slot;                /* of a promise's; they grow */
	uint32_t bytes;
	const struct paxos_config *config;      /* NULL unless it is a configuration */
};

/* A register as a promise or sync_ok tells of it. */
struct paxos_register {
	const char *instance;           /* sync_ok */
	struct paxos_ballot promised;   /* sync_ok */
	struct paxos_ballot accepted;   /* round 0: nothing is accepted, there is no text */
	bool change;                    /* what was accepted is CASPaxos's */
	bool chosen;                    /* sync_ok */
};

/*
 * A message; what a type does not have is 0.  `instance` set: it is of a register, and slots are not used.
 *
 *	prepare         ballot, from [pre, slot: the candidate's last; transfer, promised] | instance; incarnation
 *	promise         ballot, from, upto, values [pre, more] | instance, accepted; incarnation [learner]
 *	accept          ballot, slot, values, upto | instance, change, the text of the request; incarnation
 *	                values empty: asks whether from .. slot - 1 are accepted
 *	accepted        ballot, slot, count, upto, epoch (whose registers it has) [round, learner] | instance; incarnation
 *	                count 0: only that it hears us; slot then, if not 0: the first that is missing
 *	nack            ballot, promised, from | slot | instance [pre, upto]
 *	chosen          ballot, upto [round] | instance, change: false, the text of the request; incarnation
 *	catchup         from
 *	chosen_values   ballot, from, values, upto
 *	install_snapshot, install_snapshot_ok   last_included_index, offset, data, done: the receiver pulls, chunk by chunk
 *	prepare_now     ballot
 *	hello           incarnation [known: let me in anew]
 *	hello_ok        incarnation (its own), round: the asker's incarnation, known, fresh, unsure, forgot
 *	sync            epoch, after: the instance to go on behind; sync_ok  epoch, after, registers, more, complete, known,
 *	                incarnation, learner
 */
struct paxos_message {
	enum paxos_message_type type;
	char peer[PAXOS_NAME_BYTES_MAX + 1];    /* in: whom it is from; out: whom it is for */
	bool after_persist;                     /* out */
	struct paxos_ballot ballot;
	struct paxos_ballot promised;           /* nack; may be below the ballot: not now, a leader is heard from.  prepare of
						   a transfer: of the leader that handed over */
	const char *instance;                   /* NULL: of the log */
	uint64_t request;                       /* out, of a register: whose text goes with it; 0 in chosen and promise:
						   the register's own */
	uint64_t epoch;                         /* of a register's messages, and accepted; left out if 0 */
	paxos_slot from;
	paxos_slot slot;
	paxos_slot upto;                        /* chosen up to there; in promise and accepted it is spelt "chosen" */
	uint32_t count;                         /* values: accept, accepted, promise, chosen_values; out: the shell adds
						   texts by slot */
	const struct paxos_value *values;       /* in; and out of a promise: slot and ballot of each */
	bool more;                              /* promise, sync_ok: there are more behind the last one told: ask again */
	bool pre;                               /* prepare, promise, nack: only asks whether it would be promised */
	bool transfer;                          /* prepare: the leader told us to */
	uint64_t round;                         /* chosen, accepted: a confirmation round of reads; 0 none */
	uint64_t incarnation;                   /* the sender's; 0: it is of another make and knows no incarnations */
	bool fresh, known, unsure, forgot;      /* hello, hello_ok */
	bool learner;                           /* promise, accepted: a vote only where a configuration names the
						   incarnation */
	bool change;                            /* of a register: it is CASPaxos's */
	struct paxos_register accepted;         /* promise of a register, with its text */
	const char *after;                      /* sync, sync_ok */
	const struct paxos_register *registers; /* sync_ok, with their texts; count of them */
	bool complete;                          /* sync_ok: it has all that the epoch before chose */
	/* install_snapshot, as Raft's */
	paxos_slot last_included_index;
	uint64_t offset;
	uint32_t data_bytes;
	bool done;
};

enum paxos_in_kind {
	PAXOS_TICK,                     /* nothing but the time */
	PAXOS_RECV,                     /* message */
	PAXOS_PROPOSE,                  /* values, count: propose them in the next slots, if we lead */
	PAXOS_READ,                     /* a batch of reads: see out.read */
	PAXOS_PERSISTED,                /* record: what was asked for in steps up to that number (out.record) is durable */
	PAXOS_JOIN, PAXOS_LEAVE, PAXOS_TRANSFER,        /* as Raft's: name */
	PAXOS_COMPACTED,                /* snapshot, first_slot: the shell made it durable and dropped the log before */
	PAXOS_INSTALLED,                /* snapshot, config: a received one is durable and loaded; slots up to its index go,
					   later ones stay */
	PAXOS_INSTALL_FAILED,           /* what was received is of no use: begin again at offset 0 */
	PAXOS_PEER_DOWN,                /* name: the network says that it is gone; a hint */
	PAXOS_REGISTER,                 /* instance, change, request: begin a proposal; ends with out.registers */
	PAXOS_REGISTER_VALUE,           /* request: the answer to PAXOS_REGISTER_DECIDE; keep: what was adopted goes again */
	PAXOS_REGISTER_END,             /* request: nobody waits for it any more */
};

struct paxos_snapshot {
	paxos_slot index;               /* the last slot it includes; 0: there is none */
	uint64_t bytes;
};

struct paxos_in {
	enum paxos_in_kind kind;
	uint64_t now_ns;
	const struct paxos_message *message;
	const struct paxos_value *values;       /* bytes is all that is looked at in a proposal */
	uint32_t count;
	paxos_slot first_slot;
	uint64_t record;
	struct paxos_snapshot snapshot;
	const struct paxos_config *config;
	const char *name;
	const char *instance;
	uint64_t request;               /* the shell's number of a register's proposal, not 0, never used again */
	bool change, keep;
};

/* --- Out --- */

enum paxos_refusal {
	PAXOS_TAKEN, PAXOS_NOT_LEADER, PAXOS_TRANSFERRING, PAXOS_TOO_EARLY, PAXOS_CHANGE_PENDING, PAXOS_NO_SUCH_MEMBER,
	PAXOS_LAST_VOTER, PAXOS_TOO_MANY, PAXOS_NO_TARGET, PAXOS_LOG_FULL, PAXOS_ALREADY,
	PAXOS_QUORUMS,                  /* a change: the quorums given would not meet in it, or too few of its voters vote */
	PAXOS_NO_PROPOSER,              /* a register: this node is none, or knows no cluster */
};

enum paxos_accept_kind {
	PAXOS_ACCEPT_INPUT,             /* values at, at + 1, .. of in (of its message, or proposed) */
	PAXOS_ACCEPT_OWN,               /* the texts that these slots have already, in a new ballot */
	PAXOS_ACCEPT_NOOP, PAXOS_ACCEPT_CONFIG,
};

/*
 * Slots accepted, to persist in this order.  One that is accepted already is replaced.  gap: beyond a slot that is
 * missing. Once that comes, paxos_last_slot is beyond these, and they are entries like others.
 */
struct paxos_acceptance {
	paxos_slot slot;                /* the first */
	uint32_t count, at;
	enum paxos_accept_kind kind;
	bool gap;
	struct paxos_ballot ballot;     /* of all of them */
	const struct paxos_config *config;
};

/* Registers: what happens to one, in this order, for the shell which has the texts. */
enum paxos_register_kind {
	/*
	 * Its record is new.  Its text, if `take`: that of in.message (request 0: of its accept or chosen, or of number
	 * `at` of a sync_ok's), or the one that `request` proposes.
	 */
	PAXOS_REGISTER_PERSIST,
	/* The text of in.message's promise (`own`: the register's own) is the one that `request` has adopted. */
	PAXOS_REGISTER_ADOPT,
	/*
	 * Phase 1 of `request` is done; exists: there is an adopted text, of kind `change`.  The shell chooses what is
	 * proposed and steps with PAXOS_REGISTER_VALUE: for a synod, or where the kind is the other one, the adopted (keep),
	 * if there is one.  Where there is none nothing need be proposed: PAXOS_REGISTER_END then answers that there was
	 * none at this moment.  own: the adopted text is what this request proposed before, so it is finished (keep);
	 * unsure: it proposed before, and whether that was chosen since cannot be known: keep, and the outcome is open.
	 */
	PAXOS_REGISTER_DECIDE,
	/* What `request` proposed is chosen: answer it; it is over. */
	PAXOS_REGISTER_CHOSEN,
	/* `request` need not propose: the register's own text is chosen (a synod's); it is over. */
	PAXOS_REGISTER_IS,
};
struct paxos_register_out {
	enum paxos_register_kind kind;
	const char *instance;
	uint64_t request;
	uint32_t at;
	bool take, own, exists, unsure;
	/* The register's record, of PERSIST.  The text goes with it where accepted.round > 0, or chosen. */
	struct paxos_ballot promised, accepted;
	bool change, chosen;
};

struct paxos_out {
	enum paxos_refusal refused;

	/* 1. Persist, in this order. */
	bool promise;                   /* paxos_promised is new; each acceptance implies one of its ballot */
	uint64_t reserve_round;         /* not 0: rounds up to this one are used up by us */
	const struct paxos_member *counted;     /* names and incarnations that took part, told of the first time; of a name
						   the last counts */
	size_t counted_count;
	bool votes;                     /* from now on this directory votes: paxos_load_votes; it says that all before it is there */
	const struct paxos_acceptance *accepted;
	size_t accepted_count;
	const struct paxos_register_out *registers;     /* those of kind PERSIST; the others are answers */
	size_t register_count;
	bool synced;                    /* paxos_synced_epoch is new; it says that the registers before it are there */
	uint64_t record;                /* the number of this step, if it asks for anything; else 0 */
	bool chunk;                     /* as Raft's: in.message's chunk goes to the snapshot's file */

	/* 2. Send. */
	const struct paxos_message *messages;
	size_t message_count;

	/* 3. Apply. */
	paxos_slot chosen_upto;
	paxos_slot propose_first;       /* of PAXOS_PROPOSE: the slot of the first value */
	uint64_t read;                  /* of PAXOS_READ: the batch's number, from 1 */
	uint64_t reads_confirmed;       /* batches up to this one may be answered ... */
	paxos_slot read_slot;           /* ... once this is applied */
	uint64_t reads_lost;            /* batches up to this one never will be */
	bool config_changed;            /* paxos_config_chosen is new */
	bool transfer_failed;

	/* 4. Wait. */
	uint64_t deadline_ns;           /* UINT64_MAX: nothing is due */
};

struct paxos;

struct paxos *paxos_new(const struct paxos_options *, uint64_t now_ns);
void paxos_free(struct paxos *);

/*
 * What is on the disk, before the first step: the snapshot, then records in any order.  All counts as durable.
 * load_accepted is true if the slot is not behind the snapshot's (or first_slot's, see load_first) and the ballot is the
 * highest of it so far: then this is the slot's text.
 */
void paxos_load_snapshot(struct paxos *, const struct paxos_snapshot *, const struct paxos_config *);
/* The log starts before the snapshot's end; not called: behind it. */
void paxos_load_first(struct paxos *, paxos_slot first);
void paxos_load_promise(struct paxos *, const struct paxos_ballot *);
void paxos_load_reserved(struct paxos *, uint64_t round);
void paxos_load_votes(struct paxos *);
/* In place of options.incarnation, which the shell draws before it has read the directory. */
void paxos_load_incarnation(struct paxos *, uint64_t);
void paxos_load_counted(struct paxos *, const char *name, uint64_t incarnation);
void paxos_load_synced(struct paxos *, uint64_t epoch);
bool paxos_load_accepted(struct paxos *, paxos_slot, const struct paxos_value *);
void paxos_load_chosen(struct paxos *, paxos_slot upto);
void paxos_load_register(struct paxos *, const char *instance, const struct paxos_ballot *promised,
			 const struct paxos_ballot *accepted, bool change, bool chosen);

void paxos_step(struct paxos *, const struct paxos_in *, struct paxos_out *);

/* --- What is so now --- */

enum paxos_role { PAXOS_IS_FOLLOWER, PAXOS_IS_CANDIDATE, PAXOS_IS_LEADER, PAXOS_IS_LEARNER };
enum paxos_role paxos_role(const struct paxos *);
struct paxos_ballot paxos_ballot(const struct paxos *);         /* of the leader that is followed, or ours */
struct paxos_ballot paxos_promised(const struct paxos *);
const char *paxos_leader(const struct paxos *);                 /* "" if unknown */
paxos_slot paxos_chosen_upto(const struct paxos *);
paxos_slot paxos_first_slot(const struct paxos *);
paxos_slot paxos_last_slot(const struct paxos *);               /* of those without a gap */
paxos_slot paxos_snapshot_index(const struct paxos *);
/* Of a slot from first_slot on; round 0 where nothing is accepted. */
struct paxos_ballot paxos_ballot_at(const struct paxos *, paxos_slot);
/* False: fresh, and not yet let in (what it answers says `learner`); or no acceptor. */
bool paxos_votes(const struct paxos *);
/* Fresh, and known to have taken part: waits to be let in anew. */
bool paxos_forgot(const struct paxos *);
/* Fresh, and not let in: the names that it still has to hear of, one by one from 0 on; NULL: no more. */
const char *paxos_unheard(const struct paxos *, size_t);
uint64_t paxos_synced_epoch(const struct paxos *);
uint64_t paxos_reserved_round(const struct paxos *);
const struct paxos_config *paxos_config_latest(const struct paxos *);
const struct paxos_config *paxos_config_chosen(const struct paxos *);
/* The configuration in force behind a chosen slot, from the snapshot's on: what a snapshot there has to say. */
const struct paxos_config *paxos_config_at(const struct paxos *, paxos_slot);

/* For state_record: the members counted, and the registers, one by one from 0 on; false: no more. */
bool paxos_counted_at(const struct paxos *, size_t, struct paxos_member *);
bool paxos_register_at(const struct paxos *, size_t, struct paxos_register *);

/* A leader's view of a member; false if it is none or we do not lead. */
struct paxos_progress {
	paxos_slot accepted_upto, next;
	uint32_t inflight;              /* messages */
	bool votes;
};
bool paxos_progress(const struct paxos *, const char *name, struct paxos_progress *);

#endif
