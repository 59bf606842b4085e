/*
 * sim: a cluster of Raft or Paxos cores in one process, with clients, on a network that loses, delays, repeats and cuts, with disks
 * that lose what was not flushed, clocks that drift and nodes that crash; and what must hold all the while.
 *
 * A run is a plan: a handful of numbers, and intents, each of which happens at its time or, masked out, does not.  sim_plan_draw
 * draws a plan from a seed; the run itself draws on, but every draw is a function of (seed, purpose, who, number), so to
 * leave one intent out moves no draw of another one.  The same plan is the same run, on every machine.
 *
 *	sim_plan_draw --> plan --> sim_run --> verdict          sim_plan_print, sim_plan_read: a plan as text
 *	                    ^          |
 *	                    +- masks --+- `record`: fates of single messages, as intents
 *
 * After every step it checks what world.h, raft.c and paxos.c name; when the faults have stopped, that the cluster comes to
 * rest and serves; at the end, that what the clients saw is linearizable.
 *
 * One run at a time in a process.
 */
#ifndef TESTS_SIM_SIM_H
#define TESTS_SIM_SIM_H

#include "lib/fault/fault.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum {
	SIM_NODES_MAX = 9,              /* n1 .. n9 */
	SIM_CLIENTS_MAX = 16,           /* c1 .. c16 */
	SIM_KEYS_MAX = 8,
	SIM_WHAT_BYTES = 160,
	SIM_STATES_BYTES = 8192,
};

enum sim_protocol { SIM_RAFT, SIM_PAXOS, SIM_PROTOCOLS };

/* What a client asks: of the store; or of registers, of Paxos alone. */
enum sim_f {
	SIM_READ, SIM_WRITE, SIM_CAS, SIM_CREATE, SIM_DELETE,   /* CREATE: a cas that also makes the key */
	SIM_APPEND, SIM_READ_LIST,      /* keys of their own: lists */
	SIM_PROPOSE,                    /* a synod's register */
	SIM_CHANGE, SIM_LOOK,           /* CASPaxos's */
	SIM_FS,
};

enum sim_kind {
	SIM_FAULT,                      /* order: partition, isolate, link, crash, pause, with for_ns; as lib/fault does them */
	SIM_CRASH,                      /* node, for_ns */
	SIM_WIPE,                       /* node, for_ns: a crash that the disk does not survive; where the protocol can stand it */
	SIM_DRIFT,                      /* node: from now on its clock runs `ppm` millionths as fast as time */
	SIM_HINT,                       /* all are told that node is gone, whether it is or not */
	SIM_FATE,                       /* message `number` of the link from > to: see below; at_ns is not looked at */
	SIM_OP,                         /* client: asks now, or when it is done with what it asked before */
	SIM_JOIN, SIM_LEAVE,            /* node: asked of the leader */
	SIM_TRANSFER,                   /* to node; 0: to whom is best */
	SIM_SNAPSHOT,                   /* node takes one */
	SIM_KINDS,
};

/* node 0: who leads then. */
struct sim_intent {
	uint64_t at_ns, for_ns;
	enum sim_kind kind;
	bool off;                       /* masked out */
	int node;
	uint32_t ppm;
	struct fault_order order;       /* SIM_FAULT; its at_ns is at_ns */
	/* SIM_OP */
	int client, key;
	enum sim_f f;
	bool session;                   /* is tried again until it is answered, and happens once; else an open outcome ends it */
	uint32_t value;                 /* written by nothing else; > 0 */
	/* SIM_FATE: copies 0: it is lost; delays of each copy.  Names are nodes' and clients'. */
	char from[8], to[8];
	uint64_t number;                /* on its link, from 1 */
	int copies;
	uint64_t delay_ns[FAULT_COPIES_MAX];
};

struct sim_plan {
	enum sim_protocol protocol;
	uint64_t seed;
	int founders, nodes;            /* n1 .. of the first configuration; those behind know no cluster until they join */
	int clients, keys;
	uint64_t faults_ns;             /* from then on nothing goes wrong any more */
	/* Of the network and the disks, until then: chances of a message or a flush. */
	double lost, repeated, slow, stalls;
	uint64_t flush_ns;              /* a flush takes this at most, then too; but where it stalls */
	/* Of the cores. */
	bool pre_vote, check_quorum, lease_reads;
	uint32_t window_messages, message_bytes;
	uint64_t window_bytes;
	uint32_t plain;                 /* Raft: bits of nodes that do not repeat rounds */
	uint32_t count1, count2, columns;       /* Paxos: quorums by count, 0: majorities; a grid with rows of so many */
	struct sim_intent *intent;
	size_t count, room;
};

void sim_plan_draw(struct sim_plan *, enum sim_protocol, uint64_t seed);
void sim_plan_release(struct sim_plan *);
/* A copy of its own, without those masked out. */
void sim_plan_copy(struct sim_plan *to, const struct sim_plan *from);
/* Takes the intent and what it owns. */
void sim_plan_add(struct sim_plan *, const struct sim_intent *);

/* One intent a line, those masked out left out: a scenario file.  sim_plan_read reads it back: 0, or -1 with the line and why. */
void sim_plan_print(const struct sim_plan *, FILE *);
void sim_intent_print(const struct sim_intent *, FILE *);
__attribute__((warn_unused_result))
int sim_plan_read(struct sim_plan *, FILE *, size_t *line, const char **why);

struct sim_tally {
	uint64_t steps, events, messages, lost, elections, entries, applied, reads, changes, transfers, snapshots, installs, crashes,
		 torn, wipes, ops, answered, unknown, registers;
};

struct sim_verdict {
	bool holds;
	char what[SIM_WHAT_BYTES];      /* the invariant that does not hold: the same text each time */
	char detail[SIM_WHAT_BYTES];    /* "": nothing to add */
	uint64_t at_ns;
	char states[SIM_STATES_BYTES];  /* a line a node */
	struct sim_tally tally;
	uint64_t hash;                  /* of all that happened: the same run, the same hash */
};

void sim_run(const struct sim_plan *, struct sim_verdict *);

/*
 * The same, and what befell single messages is added as SIM_FATE to `record`, else a copy of the plan in which chances are
 * 0 and faults of links are left out: it runs the same.
 */
void sim_run_record(const struct sim_plan *, struct sim_verdict *, struct sim_plan *record);

#endif
