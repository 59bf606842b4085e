/*
 * world: inside the simulation, what all of it shares: time, nodes, network, machines, clients; and what a protocol has to do.
 *
 * What must hold of any protocol, after every step:
 *
 *	one leader an epoch     a term, or a ballot; once its right to it is on its disk: before, nobody hears of it
 *	one entry an index      for ever, first committed by who leads; and one answer of the machine to it
 *	linearizable reads      a read is answered at or after all that was committed when it came
 *	progress                no tick that asks for another at the same moment for ever
 *	snapshots               arrive as they were sent; equal states at an index
 *
 * and at the end: what judge.c says.
 */
#ifndef TESTS_SIM_WORLD_H
#define TESTS_SIM_WORLD_H

#include "lib/base/buf.h"
#include "lib/kv/kv.h"
#include "tests/sim/sim.h"

#include <inttypes.h>
#include <setjmp.h>

#define MS UINT64_C(1000000)

enum {
	ENTRIES_MAX = 1 << 13,          /* of the log, in a run */
	READS_MAX = 1 << 12,            /* batches, of a node's life */
	SPINS_MAX = 1000,
	PARTIES_MAX = SIM_NODES_MAX + SIM_CLIENTS_MAX + 1,
	BATCH_MAX = 64,
};

/* What is drawn while it runs, each by a number of its own. */
enum purpose {
	DRAW_FLUSH, DRAW_STALL, DRAW_KEPT, DRAW_SLICE, DRAW_FIRST, DRAW_LOAD, DRAW_SPOIL, DRAW_BATCH, DRAW_BYTES, DRAW_TARGET, DRAW_PATIENCE,
	DRAW_PAUSE, DRAW_AGAIN, DRAW_RESTART,
	DRAWS,
};

/* What is in a snapshot; kept to the end of the run. */
struct image {
	uint64_t index, fingerprint;
	struct buf text;
	struct image *next;
};

/* --- A protocol --- */

struct protocol {
	const char *name;
	void (*open)(const struct sim_plan *);
	void (*close)(void);

	/* Nodes.  `kept`: so many records of those not flushed reached the disk all the same. */
	void (*start)(int n);
	void (*crash)(int n, size_t kept);
	size_t (*pending)(int n);
	const struct image *(*image)(int n);            /* of the snapshot on the disk */
	bool (*may_wipe)(int n, int leader);
	void (*wipe)(int n);
	/* A member may leave now: a cluster that one disk less would end is no test of anything. */
	bool (*is_whole)(void);

	void (*tick)(int n);
	void (*deliver)(int n, void *packet);           /* takes it */
	void *(*copy)(const void *packet);
	void (*drop)(void *packet);
	/* False: there is nothing to flush. */
	bool (*flush_begin)(int n);
	void (*flush_end)(int n);

	/* Entries; false: refused.  A batch's number, 0: refused. */
	bool (*propose)(int n, const uint64_t *ids, const uint32_t *bytes, uint32_t count);
	bool (*read)(int n);
	void (*ask)(int n, enum sim_kind, int node);    /* join, leave, transfer; hint */
	void (*compact)(int n, uint64_t index, uint64_t first, const struct image *);
	void (*install)(int n);
	void (*install_failed)(int n);
	/* A register's: propose, change, look.  False: not now. */
	bool (*ask_register)(int n, uint64_t tag, enum sim_f, int key, long from, long to);       /* NULL: has none */

	bool (*leads)(int n);
	uint64_t (*epoch)(int n);
	const char *(*leader)(int n);
	uint64_t (*first)(int n);                       /* of its log */
	uint64_t (*snapshot)(int n);
	uint64_t (*id_at)(int n, uint64_t index);       /* of an entry in memory */
	void (*check_rest)(int leader);
	void (*tell)(int n, char *line, size_t bytes);
};

extern const struct protocol raft_protocol, paxos_protocol;

/* What a step came to, for the world; a protocol says it with world_stepped, before it sends. */
struct effect {
	bool tick, dirty, leads, changed;
	bool durable;                   /* that it may lead in this epoch is on its disk */
	uint64_t epoch, commit, deadline_ns;            /* by its own clock */
	uint64_t read, reads_confirmed, read_index, reads_lost;
};

/* --- The world --- */

enum event_kind {
	MESSAGE_ARRIVES, CALL_ARRIVES, ANSWER_ARRIVES, CLIENT_TIMES_OUT, CLIENT_TRIES, BATCH_GOES, FLUSH_ENDS, SLICE_IS_DUE,
	SNAPSHOT_IS_DURABLE, SNAPSHOT_LOADS, NODE_RESTARTS,
};

struct event {
	uint64_t at_ns, order;
	enum event_kind kind;
	int node;                       /* or client */
	uint64_t life;                  /* of the node; of the client's attempt */
	void *what;
};

/* A request, or an answer, on its way. */
struct call {
	uint32_t op;
	uint64_t attempt;
	int from;                       /* the node that answers */
	bool refused;                   /* it did not happen: ask `hint`, 0: who knows */
	int hint;
	bool ok;                        /* of a register's */
	long value;
	struct buf text;                /* the machine's answer */
};

struct waiting_read {
	uint64_t batch, index;          /* index UINT64_MAX: not confirmed yet */
	uint32_t op;
	uint64_t attempt;
};

struct node {
	char name[4];
	bool alive, paused, flushing, dirty;
	uint64_t life, spins;
	uint64_t led, reigned;          /* the epoch it leads in, 0 if it does not; the last that was checked */
	/* Its clock ran on from `local` at `since` at `ppm`. */
	uint64_t since_ns, local_ns, deadline_ns, due_ns;
	uint32_t ppm;
	/* Its machine. */
	struct kv *kv;
	uint64_t applied;
	struct { bool on, slicing; uint64_t index; struct image *image; } making;
	struct { bool on; struct buf text; const struct image *image; } taking;
	struct { uint64_t id[BATCH_MAX]; uint32_t bytes[BATCH_MAX], count; bool due; } batch;
	struct waiting_read *reads;
	size_t read_count, read_room;
	uint64_t read_last, read_settled, read_needs[READS_MAX];
};

enum op_state { OP_WAITS, OP_OPEN, OP_DONE, OP_REFUSED, OP_UNKNOWN };

struct op {
	const struct sim_intent *intent;
	enum op_state state;
	uint64_t called, returned;      /* places in the history */
	uint64_t give_up_ns, seq, attempts;
	uint32_t from;                  /* of a cas or change: 0 nothing */
	bool sent;                      /* it may have happened */
	char text[160];
	size_t len;
	/* How it ended. */
	int code;                       /* 0, 20 or 22 */
	long value;                     /* read, 0 missing */
	uint32_t *list, list_count;
};

struct client {
	uint32_t *queue;                /* of ops, in order */
	size_t count, next, room;
	uint32_t op;                    /* + 1; 0: idle */
	uint64_t life, seq;             /* of its session */
	int target;
	uint32_t seen[SIM_KEYS_MAX], looked[SIM_KEYS_MAX];
	uint64_t attempt;
};

/* By its entry's id, from 2: Paxos's 1 is a no-op. */
struct command { uint32_t op; uint64_t attempt, life; int node; };
struct entry { uint64_t id, answer, fingerprint; };

struct world {
	const struct sim_plan *plan;
	const struct protocol *protocol;
	struct sim_verdict *verdict;
	struct sim_plan *record;
	jmp_buf failed;
	bool running, calm;

	uint64_t now_ns, order, places;
	size_t intent;                  /* of the plan's, the next */
	struct event *heap;
	size_t events, event_room;
	struct fault_stream stream[DRAWS][PARTIES_MAX];
	uint64_t draws[DRAWS][PARTIES_MAX];

	int nodes;
	struct node node[SIM_NODES_MAX + 1];
	struct fault_net *faults;
	struct image *images;

	struct client client[SIM_CLIENTS_MAX + 1];
	struct op *op;
	uint32_t ops, op_room, ops_open;
	struct command *command;
	uint64_t commands, command_room;

	struct entry entry[ENTRIES_MAX];
	uint64_t committed;             /* the greatest index that anybody declared */
	void *scratch;
	struct { uint64_t epoch; int node; } *reign;
	size_t reigns, reign_room;
};

extern struct world world;

__attribute__((noreturn)) void world_fail(const char *what, const char *detail);
#define holds(condition, what) ((condition) ? (void)0 : world_fail(what, #condition))

/* The next draw of a node's, or a client's, for a purpose: evenly below the bound; with that chance. */
uint64_t draw(enum purpose, int who, uint64_t bound);
bool chance(enum purpose, int who, double p);

/* sim_run in parts: open, start, until a time and so on, close. */
void world_open(const struct sim_plan *, struct sim_verdict *);
void world_start(void);
void world_until(uint64_t ns);
void world_close(void);

/* For run.c: nodes. */
void draw_open(void);
void world_start_node(int n);
void world_crash(int n);
void world_wipe(int n, uint64_t for_ns);
void world_drift(int n, uint32_t ppm);

struct event next_event(void);          /* there is one */
void world_at(uint64_t at_ns, enum event_kind, int node, uint64_t life, void *what);
uint64_t world_clock(int n);
int world_leader(void);
int world_number(const char *name);
bool world_runs(int n);
void world_flush(int n);

/* For protocols. */
void world_stepped(int n, const struct effect *);
void world_send(int from, int to, void *packet);
void world_chunk(int n, const struct image *, uint64_t offset, uint32_t bytes, bool done);
void world_register_answer(int n, uint64_t tag, bool ok, long value);

/* --- net.c --- */

void net_open(void);
void net_close(void);
/* Node n is n, client c is -c. */
void net_send(int from, int to, enum event_kind, void *what);

/* --- machine.c --- */

void machine_start(int n);
void machine_stop(int n);
void machine_apply(int n, uint64_t commit);
void machine_reads(int n, const struct effect *);
void machine_call(int n, struct call *);        /* takes it */
void machine_batch(int n);
void machine_snapshot(int n);
void machine_event(const struct event *);
void machine_release(void);

/* --- client.c --- */

void client_open(void);
void client_close(void);
void client_begin(const struct sim_intent *);
void client_calm(void);
void client_event(const struct event *);
void call_free(struct call *);
struct call *call_new(uint32_t op, uint64_t attempt);
/* May the network repeat what asks for it? */
bool client_may_repeat(uint32_t op);

/* --- judge.c --- */

void judge(void);

#endif
