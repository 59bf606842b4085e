/*
 * core: what the files of lib/paxos share, and nobody else sees.
 *
 *	paxos.c         a new core, step
 *	load.c          recovery
 *	state.c         what is so now
 *	election.c      timers, whom we follow, when to run             "Paxos made simple" 3; as lib/raft's
 *	prepare.c       phase 1, the candidate                          "Paxos made simple" 2.2, 3
 *	acceptor.c      both phases, the acceptor                       2.2
 *	replicate.c     phase 2, what a leader sends, and when; heartbeats
 *	accepted.c      answers to it; what is chosen
 *	learn.c         chosen, catchup                                 2.3
 *	snapshot.c      install_snapshot, both sides
 *	quorum.c        quorums: majorities, counts, grids              "Flexible Paxos"
 *	config.c        configurations in the log; the table of peers
 *	member.c        join, promotion, leave, letting in anew
 *	fresh.c         whose votes count; disks that were lost         "Paxos made live" 5.1
 *	transfer.c      leadership transfer
 *	read.c          linearizable reads
 *	register.c      registers: the acceptor                         "Paxos made simple" 2.2
 *	synod.c         registers: the proposer                         2.2; "CASPaxos" 2.2
 *	sync.c          registers, over changes of voters
 *	slots.c         ballots and bytes of slots
 *
 * A step runs with c->out set: what has to be done is written there as it is found out.
 */
#ifndef PAXOS_CORE_H
#define PAXOS_CORE_H

#include "lib/paxos/paxos.h"
#include "lib/paxos/slots.h"

enum {
	PAXOS_PEERS_MAX = 2 * PAXOS_MEMBERS_MAX + 8,    /* of two configurations, and some on their way out */
	PAXOS_ROUNDS = 16,              /* of heartbeats whose start is remembered, for the lease */
	PAXOS_NOOP_BYTES = 16,
	PAXOS_SELF = -1,                /* a seat that is ours */
};

typedef char paxos_name[PAXOS_NAME_BYTES_MAX + 1];

/* An accept in flight: its slots, and roughly their bytes. */
struct paxos_flight {
	paxos_slot first, last;
	uint64_t bytes;
	bool landed;                    /* but one before it has not */
};

/* Another node. */
struct paxos_peer {
	paxos_name name;
	bool member;                    /* of a configuration that may be in force; else it is told that it left */
	bool voter;                     /* of one of them */
	bool learner;                   /* of the latest, and no voter there */

	/* Its last word on who it is: see fresh.c. */
	bool answered;
	uint64_t incarnation;
	bool unborn;
	bool unlike;                    /* it was not looked at since that changed */

	/* A candidate's. */
	paxos_slot asked;               /* the slot from which on it was asked last; 0: it was not */
	bool promised;                  /* all of it came */
	bool refused;

	/* A leader's.  `match`: all from where we began up to there is accepted in our ballot. */
	paxos_slot match, next;
	paxos_slot chosen;              /* what it says to know as chosen */
	paxos_slot chosen_sent;
	uint64_t heard_ns;
	bool silent;                    /* nothing was heard for long: heartbeats alone */

	/* A ring of window_messages. */
	struct paxos_flight *flight;
	uint32_t flight_first, flights;
	uint64_t flight_bytes;

	uint64_t round;                 /* the last it confirmed */
	uint64_t lease_ns;              /* when that was sent */

	/* A learner on its way: see member.c. */
	paxos_slot catchup_slot;
	uint64_t catchup_ns;
	bool caught_up;

	uint64_t synced_epoch;          /* whose registers it has */
	uint64_t let_in;                /* not 0: it lost its disk, and asks to be let in as this incarnation */
	paxos_slot leaving_slot;        /* of the configuration without it */
	uint32_t leaving_heartbeats;

	/* Asked by us whether it knows us, as we are fresh; and as who it asked us, who did not know it. */
	bool told, told_unsure, told_forgot;
	uint64_t told_incarnation, asker;
};

/* A configuration and its slot; 0 or the snapshot's for the base.  seat: where its members sit among the peers. */
struct paxos_config_entry {
	paxos_slot slot;
	struct paxos_config *config;
	int16_t seat[PAXOS_MEMBERS_MAX];
};

/* Whose votes we count, and since which record. */
struct paxos_counted {
	struct paxos_member member;
	uint64_t record;
};

enum paxos_state { PAXOS_FOLLOWS, PAXOS_ASKS, PAXOS_RUNS, PAXOS_LEADS };

struct paxos_acceptor;                  /* register.c */
struct paxos_attempt;                   /* synod.c */

struct paxos {
	struct paxos_options options;   /* its id is not used after paxos_new */
	paxos_name id;
	uint64_t now_ns, random;
	bool started;

	struct paxos_out *out;          /* of the step that runs; its lists are these */
	struct paxos_message *message;
	size_t messages, message_room;
	struct paxos_acceptance *acceptance;
	size_t acceptances, acceptance_room;
	struct paxos_register_out *answer;
	size_t answers, answer_room;
	struct paxos_value *told;       /* of a promise */
	size_t tolds, told_room;
	struct paxos_register *telling; /* of a sync_ok */
	size_t tellings, telling_room;

	uint64_t record, durable;       /* numbers of steps that asked to persist */
	bool asked;                     /* this one does */

	/* Persistent. */
	struct paxos_ballot promised;
	uint64_t used_round, reserved_round, reserved_record;
	struct paxos_slots slots;
	struct paxos_snapshot snapshot, snapshot_before;
	bool born;                      /* we vote where no incarnation is named */
	uint64_t born_record;           /* since which record */
	struct paxos_counted *counted;
	size_t counteds, counted_room, counted_told;
	struct paxos_member *counted_out;

	/* The base, then those in the log; `chosen_config` is a position among them. */
	struct paxos_config_entry *config;
	size_t configs, config_room, chosen_config;
	bool voter, learner;            /* we, in one that may be in force; in the latest */
	struct paxos_peer peer[PAXOS_PEERS_MAX];
	uint32_t peers;

	enum paxos_state state;
	struct paxos_ballot ballot;     /* ours, or the leader's */
	paxos_name leader;
	paxos_slot chosen;
	uint64_t seen_round;            /* the greatest that anybody told of */
	uint64_t election_ns;           /* when the timeout is */
	uint64_t campaign_ns;           /* when we last began to ask; or to lead */
	uint64_t quiet_until_ns;        /* no promise before: a leader was heard from */
	struct paxos_ballot gone;       /* whose leader is said to be gone: what it still sends does not count */
	uint64_t gone_until_ns;         /* before */
	uint32_t attempts;              /* since a leader was heard from */

	/* A candidate's, then a leader's. */
	struct paxos_ballot handed;     /* the prepare says so: the leader's that handed over; round 0: none did */
	paxos_slot from;                /* the first slot of its prepare; then of its proposals */
	uint64_t promise_record;        /* when our own promise counts */
	paxos_slot found;               /* the last slot that phase 1 found */
	paxos_slot match;               /* our own acceptances that are durable */
	struct { uint64_t record; paxos_slot last; } *own;      /* those that are not, in order */
	size_t own_first, own_end, own_room;
	uint64_t heartbeat_at_ns;

	struct {
		paxos_name target;      /* "": none */
		uint64_t until_ns;
		bool told, ever_told;
	} transferring;

	struct {
		uint64_t last;          /* batch */
		uint64_t settled;       /* batches up to this are confirmed or lost */
		uint64_t asked;         /* batches up to this wait for the round that runs; 0: none runs */
		uint64_t round;
		paxos_slot slot;        /* what they may be answered at */
	} read;
	uint64_t round;                 /* the last that was begun */
	uint64_t round_ns[PAXOS_ROUNDS];

	/* What we do not have of what is chosen. */
	struct {
		paxos_name peer;        /* who has it; "": the leader */
		paxos_slot upto;
		uint64_t at_ns;         /* when to ask; UINT64_MAX: nothing is missing */
		uint64_t wait_ns;
	} behind;

	/* The snapshot that comes in. */
	struct {
		paxos_name peer;        /* who sends it; "": none comes */
		paxos_slot index;
		uint64_t offset;
		bool loading;           /* all: the shell loads it, and nothing is learnt meanwhile */
	} incoming;

	/* Fresh: when to say so again, and whether somebody knew us. */
	uint64_t hello_ns;
	bool forgot;

	/* Registers: a table by name, in order of their coming; and what is proposed here. */
	struct paxos_acceptor *acceptor;
	size_t acceptors, acceptor_room;
	uint32_t *bucket;
	size_t buckets;
	struct paxos_attempt *attempt;
	size_t attempts_made, attempts_open, attempt_room; /* made: in the array; open: not over */
	uint64_t trip_ns;               /* a round trip, as it was measured */
	uint64_t synod_ns;              /* when the first of those is due */

	/* Over a change of voters: see sync.c. */
	uint64_t synced_epoch;
	uint64_t before_told;           /* who of the epoch before gave us its registers, by position */
	bool before_whole;              /* one of those had all of the epochs before that */
	uint64_t sync_ns;
};

/* --- paxos.c --- */

void paxos_name_set(paxos_name, const char *);
static inline bool paxos_name_is(const char *a, const char *b)
{
	return __builtin_strcmp(a, b) == 0;
}
static inline bool paxos_ballot_is(const struct paxos_ballot *a, const struct paxos_ballot *b)
{
	return a->round == b->round && __builtin_strcmp(a->node, b->node) == 0;
}
/* Room for one more of `size`. */
void *paxos_grow(void *, size_t count, size_t *room, size_t size);
/* That we vote, as a message says it that does not wait for the disk. */
static inline bool paxos_is_born(const struct paxos *c)
{
	return c->born && c->durable >= c->born_record;
}
/* A message to be filled in; valid until the next one is asked for. */
struct paxos_message *paxos_send(struct paxos *, const char *peer, enum paxos_message_type);
/* This step asks to persist something: its number. */
uint64_t paxos_ask(struct paxos *);
static inline bool paxos_is_pending(const struct paxos *c)
{
	return c->asked || c->record > c->durable;
}
/* A ballot of ours that was never used; its round is durable at reserved_record.  False: there are no more. */
bool paxos_next_ballot(struct paxos *, struct paxos_ballot *);
void paxos_raise_promise(struct paxos *, const struct paxos_ballot *);
/* Accepted by us: in the log, and to be persisted. */
void paxos_keep(struct paxos *, paxos_slot, uint32_t count, const struct paxos_ballot *, enum paxos_accept_kind,
		const struct paxos_value *values, uint32_t at);
/* One slot more of our own, as a leader. */
bool paxos_append(struct paxos *, enum paxos_accept_kind, const struct paxos_config *);

/* --- load.c --- */

void paxos_start(struct paxos *);

/* --- election.c --- */

uint64_t paxos_random(struct paxos *, uint64_t n);
void paxos_start_timer(struct paxos *);
void paxos_start_retry_timer(struct paxos *);
void paxos_hurry(struct paxos *);
void paxos_become_follower(struct paxos *, const char *leader);
/* A leader's message: follows it, or says that there is a higher ballot. */
bool paxos_obey(struct paxos *, const struct paxos_message *);
bool paxos_may_campaign(const struct paxos *);
void paxos_election_tick(struct paxos *);
void paxos_peer_down(struct paxos *, const char *name);
bool paxos_leader_is_heard(const struct paxos *, const struct paxos_message *prepare);
void paxos_see_round(struct paxos *, const struct paxos_ballot *);
/* No promise for so long after a leader was heard from. */
static inline uint64_t paxos_quiet_ns(const struct paxos *c)
{
	return c->options.election_min_ns / 10 * 9;
}
/* Long enough for a question and its answer, mostly. */
static inline uint64_t paxos_moment_ns(const struct paxos *c)
{
	return c->options.election_min_ns / 20 + 1;
}

/* --- prepare.c --- */

void paxos_pre_campaign(struct paxos *);
/* handed: the ballot of the leader that said to, or NULL. */
void paxos_campaign(struct paxos *, const struct paxos_ballot *handed);
void paxos_recv_promise(struct paxos *, const struct paxos_message *);
void paxos_recv_nack(struct paxos *, const struct paxos_message *);
/* Leads, if a quorum of every configuration in question has promised. */
void paxos_count_promises(struct paxos *);

/* --- acceptor.c --- */

void paxos_recv_prepare(struct paxos *, const struct paxos_message *);
void paxos_recv_accept(struct paxos *, const struct paxos_message *);
void paxos_send_nack(struct paxos *, const struct paxos_message *);

/* --- replicate.c --- */

/* From this slot on nothing is in flight to it. */
void paxos_rewind(struct paxos *, struct paxos_peer *, paxos_slot next);
void paxos_landed(struct paxos *, struct paxos_peer *);
void paxos_replicate(struct paxos *, struct paxos_peer *);
void paxos_replicate_all(struct paxos *);
/* A heartbeat, a round of reads, a new chosen slot. */
void paxos_ping(struct paxos *, struct paxos_peer *);
void paxos_heartbeat(struct paxos *);
bool paxos_is_silent(const struct paxos *, const struct paxos_peer *);

/* --- accepted.c --- */

void paxos_recv_accepted(struct paxos *, const struct paxos_message *);
void paxos_own_durable(struct paxos *);
/* Moves `chosen` as far as quorums accepted. */
void paxos_advance(struct paxos *);
void paxos_choose(struct paxos *, paxos_slot upto);

/* --- learn.c --- */

/* A leader's word that this is chosen: what we accepted in its ballot is. */
void paxos_take_chosen(struct paxos *, paxos_slot upto, const struct paxos_ballot *);
void paxos_recv_chosen(struct paxos *, const struct paxos_message *);
void paxos_recv_catchup(struct paxos *, const struct paxos_message *);
void paxos_recv_chosen_values(struct paxos *, const struct paxos_message *);
/* Something up to there is chosen that we may not have; asked of that peer, "": the leader. */
void paxos_behind(struct paxos *, paxos_slot upto, const char *peer, bool now);
void paxos_behind_tick(struct paxos *);
/* Has nothing come for what we lack, for as long as we ever wait? */
bool paxos_asks_in_vain(const struct paxos *);
/* Keeps what another has accepted, in its ballot, where ours is lower. */
void paxos_adopt(struct paxos *, paxos_slot, const struct paxos_ballot *, const struct paxos_value *values, uint32_t at);

/* --- snapshot.c --- */

void paxos_send_snapshot(struct paxos *, const char *peer);
void paxos_recv_snapshot(struct paxos *, const struct paxos_message *);
void paxos_recv_snapshot_ok(struct paxos *, const struct paxos_message *);
void paxos_ask_chunk(struct paxos *);
void paxos_installed(struct paxos *, const struct paxos_snapshot *, const struct paxos_config *);
void paxos_install_failed(struct paxos *);
void paxos_compacted(struct paxos *, const struct paxos_snapshot *, paxos_slot first);

/* --- quorum.c --- */

enum paxos_phase { PAXOS_PHASE_1 = 1, PAXOS_PHASE_2 = 2 };

/* What a voter, ours if the peer is NULL, has reached. */
typedef uint64_t paxos_reached(const struct paxos *, const struct paxos_peer *);
/* The greatest value that a quorum reached, of those whose votes count there; 0 if there is none. */
uint64_t paxos_reach(const struct paxos *, const struct paxos_config_entry *, enum paxos_phase, paxos_reached *);
/* Of all configurations that may be in force. */
uint64_t paxos_reach_all(const struct paxos *, enum paxos_phase, paxos_reached *);
/* Of a set of members, by position in the configuration. */
bool paxos_is_quorum(const struct paxos *, const struct paxos_config *, enum paxos_phase, uint64_t set);
/* The only voter is we. */
bool paxos_is_alone(const struct paxos *);

/* --- config.c --- */

struct paxos_peer *paxos_peer_find(struct paxos *, const char *name);
void paxos_peer_drop(struct paxos *, struct paxos_peer *);
const struct paxos_member *paxos_config_find(const struct paxos_config *, const char *name);
/* What is accepted in these slots now, as far as it is configurations. */
void paxos_config_set(struct paxos *, paxos_slot, uint32_t count, const struct paxos_value *values);
void paxos_config_reset(struct paxos *, paxos_slot, const struct paxos_config *);
void paxos_config_install(struct paxos *, paxos_slot, const struct paxos_config *);
void paxos_config_compact(struct paxos *, paxos_slot);
/* Those up to `chosen` are. */
void paxos_config_choose(struct paxos *);
bool paxos_config_pending(const struct paxos *);
static inline const struct paxos_config_entry *paxos_in_force(const struct paxos *c)
{
	return &c->config[c->chosen_config];
}

/* --- member.c --- */

void paxos_join(struct paxos *, const char *name);
void paxos_leave(struct paxos *, const char *name);
void paxos_catch_up(struct paxos *, struct paxos_peer *);
/* Changes that nobody has to ask for: learners that caught up, members that lost their disks. */
void paxos_tend(struct paxos *);
void paxos_step_out(struct paxos *);
/* What it has without a gap. */
paxos_slot paxos_has(const struct paxos *, const struct paxos_peer *);

/* --- fresh.c --- */

bool paxos_counts(const struct paxos *, const struct paxos_peer *, const struct paxos_member *);
/* An answer came: who it is now, and that its votes count from now on. */
void paxos_take_word(struct paxos *, struct paxos_peer *, const struct paxos_message *);
/* A proposer that lost its disk, and may use a ballot twice, is not heard; one that is heard the first time is noted. */
bool paxos_is_stranger(struct paxos *, const struct paxos_message *);
bool paxos_is_late(struct paxos *, const struct paxos_message *);
void paxos_fresh_tick(struct paxos *);
void paxos_recv_hello(struct paxos *, const struct paxos_message *);
void paxos_recv_hello_ok(struct paxos *, const struct paxos_message *);
void paxos_count_load(struct paxos *, const char *name, uint64_t incarnation);

/* --- transfer.c --- */

void paxos_recv_prepare_now(struct paxos *, const struct paxos_message *);
void paxos_transfer(struct paxos *, const char *name);
bool paxos_transferring(const struct paxos *);
void paxos_transfer_advance(struct paxos *);
void paxos_transfer_heartbeat(struct paxos *);
void paxos_transfer_tick(struct paxos *);
void paxos_transfer_end(struct paxos *, bool failed);
void paxos_send_prepare_now(struct paxos *, const struct paxos_peer *);
struct paxos_peer *paxos_best_voter(struct paxos *);

/* --- read.c --- */

void paxos_read(struct paxos *);
void paxos_read_start(struct paxos *);
void paxos_read_check(struct paxos *);
void paxos_read_acked(struct paxos *, struct paxos_peer *, uint64_t round);
void paxos_read_lost(struct paxos *);
uint64_t paxos_read_round(const struct paxos *);
void paxos_read_heartbeat(struct paxos *);

/* --- register.c --- */

struct paxos_acceptor {
	char *instance;
	struct paxos_ballot promised, accepted;
	bool change, chosen;
	uint32_t attempts;              /* of ours, under way */
	uint64_t runs;                  /* the request of the one that asks now, the others wait for it; 0: none */
};
/* The register of that name, made if `make` and there is room; NULL. */
struct paxos_acceptor *paxos_register_find(struct paxos *, const char *instance, bool make);
struct paxos_register_out *paxos_register_say(struct paxos *, enum paxos_register_kind, const char *instance,
					      uint64_t request);
/* Its record is new. */
struct paxos_register_out *paxos_register_persist(struct paxos *, const struct paxos_acceptor *);
void paxos_register_recv(struct paxos *, const struct paxos_message *);
void paxos_registers_release(struct paxos *);

/* --- synod.c --- */

void paxos_propose_register(struct paxos *, const char *instance, bool change, uint64_t request);
void paxos_register_value(struct paxos *, uint64_t request, bool keep);
void paxos_register_end(struct paxos *, uint64_t request);
void paxos_register_answer(struct paxos *, const struct paxos_message *);
/* It is known as chosen: those who propose for it need not. */
void paxos_register_is(struct paxos *, const struct paxos_acceptor *);
void paxos_synod_persisted(struct paxos *);
void paxos_synod_tick(struct paxos *);
/* The configuration is another: all who ask begin anew. */
void paxos_synod_restart(struct paxos *);
uint64_t paxos_synod_deadline(const struct paxos *);

/* --- sync.c --- */

uint64_t paxos_epoch(const struct paxos *);
bool paxos_is_synced(const struct paxos *);
/* The chosen configuration is another. */
void paxos_epoch_begins(struct paxos *, uint64_t before);
void paxos_sync_tick(struct paxos *);
void paxos_recv_sync(struct paxos *, const struct paxos_message *);
void paxos_recv_sync_ok(struct paxos *, const struct paxos_message *);

#endif
