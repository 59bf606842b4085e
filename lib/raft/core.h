/*
 * core: what the files of lib/raft share, and nobody else sees.
 *
 *	raft.c          a new core, recovery, step
 *	election.c      timers, campaigns, changes of role            Raft 5.2, dissertation 9.6
 *	recv_vote.c     request_vote and its answer                   5.2, 5.4.1
 *	recv_append.c   append_entries at a follower                  5.3
 *	replicate.c     what a leader sends, and when; heartbeats     5.3, dissertation 10.2
 *	recv_ack.c      answers to it; commit                         5.3, 5.4.2
 *	snapshot.c      install_snapshot, both sides                  7
 *	config.c        configurations in the log; the table of peers 6, dissertation 4.1
 *	member.c        join, promotion, leave                        dissertation 4.2
 *	transfer.c      leadership transfer                           dissertation 3.10
 *	read.c          linearizable reads                            dissertation 6.4
 *	log.c           terms and bytes of entries
 *
 * A step runs with r->out set: what has to be done is written there as it is found out.
 */
#ifndef RAFT_CORE_H
#define RAFT_CORE_H

#include "lib/raft/log.h"
#include "lib/raft/raft.h"

enum {
	RAFT_PEERS_MAX = RAFT_MEMBERS_MAX + 8,  /* and some on their way out */
	RAFT_ROUNDS = 16,                       /* of heartbeats whose start is remembered, for the lease */
};

typedef char raft_name[RAFT_NAME_BYTES_MAX + 1];

/* A message in flight to a follower: the last entry it has, and roughly its bytes. */
struct raft_flight {
	raft_index last;
	uint64_t bytes;
};

enum raft_vote { RAFT_VOTE_NONE, RAFT_VOTE_GRANTED, RAFT_VOTE_REFUSED };

/* Another node.  Beyond the first lines, what a leader knows of it. */
struct raft_peer {
	raft_name name;
	bool member;                    /* of the latest configuration; else it is told that it left */
	bool voter;
	enum raft_vote vote;            /* as a candidate has it */

	/*
	 * PROBE: where the logs part is not known; one message is out (`probed`), then only heartbeats go.
	 * REPLICATE: messages follow each other unanswered, as far as the window lets them. SNAPSHOT: the
	 * log does not reach back to what it needs.
	 */
	enum raft_progress_state state;
	bool probed;
	raft_index match, next;
	raft_index commit_sent;         /* of the commit index, what it could take from our messages */
	uint64_t heard_ns;
	uint32_t refusals;              /* since the last success, that the log it confirmed cannot give */

	/* A ring of window_messages. */
	struct raft_flight *flight;
	uint32_t flight_first, flights;
	uint64_t flight_bytes;

	uint64_t round;                 /* the last it confirmed */
	uint64_t lease_ns;              /* when that was sent */
	uint64_t plain;                 /* messages to it without a round, perhaps not answered */

	struct raft_snapshot sending;
	uint64_t offset;                /* of the chunk that is out */
	uint64_t chunk_ns, resend_ns;   /* when it went, and how long until it goes again */

	/* Dissertation 4.2.1: the round of replication it is in. */
	raft_index catchup_index;
	uint64_t catchup_ns;
	bool caught_up;

	raft_index leaving_index;       /* of the entry that removed it */
	uint32_t leaving_heartbeats;
};

/* A configuration and the entry it came by; index 0 or the snapshot's for the base. */
struct raft_config_entry {
	raft_index index;
	struct raft_config *config;
};

enum raft_state { RAFT_IS_FOLLOWER, RAFT_IS_PRE_CANDIDATE, RAFT_IS_CANDIDATE, RAFT_IS_LEADER };

struct raft {
	struct raft_options options;    /* its id and initial configuration are not used after raft_new */
	raft_name id;
	uint64_t now_ns, random;
	bool started;
	struct raft_out *out;           /* of the step that runs */
	struct raft_message *message;
	size_t messages, message_room;

	/* Figure 2, persistent. */
	raft_term term;
	raft_name vote;
	struct raft_log log;
	raft_index persisted;
	struct raft_snapshot snapshot, snapshot_before;

	/* The base, then those in the log; `committed` is a position among them. */
	struct raft_config_entry *config;
	size_t configs, config_room, committed;
	bool voter, learner;            /* we, in the latest */
	uint32_t voters;                /* in the latest, we among them */
	struct raft_peer peer[RAFT_PEERS_MAX];
	uint32_t peers;

	enum raft_state state;
	raft_name leader;
	raft_index commit;
	uint64_t election_ns;           /* when the timeout is */
	uint64_t campaign_ns;           /* when we last began to ask */
	uint64_t quiet_until_ns;        /* no vote before: a leader was heard from */
	raft_term gone_term;            /* whose leader is said to be gone: what it still sends does not count */
	uint64_t gone_until_ns;         /* before */
	uint32_t attempts;              /* elections since a leader was heard from */

	/* A leader's. */
	raft_index term_start;          /* of the no-op that began the term */
	bool vote_pending;              /* our vote is not known to be durable: the only voter does not wait for it */
	uint64_t heartbeat_at_ns;

	struct {
		raft_name target;       /* "": none */
		uint64_t until_ns;
		bool told;              /* timeout_now is out */
		bool ever_told;         /* in this term: it may yet arrive, so there is no lease */
	} transfer;

	struct {
		uint64_t last;          /* batch */
		uint64_t settled;       /* batches up to this are confirmed or lost */
		uint64_t asked;         /* batches up to this wait for the round that runs; 0: none runs */
		uint64_t round;         /* the one that runs */
		raft_index index;       /* what they may be answered at */
		raft_index proof;       /* an entry that, once committed, confirms them as well */
	} read;
	uint64_t round;                 /* the last that was begun */
	uint64_t round_ns[RAFT_ROUNDS]; /* and when, by round % RAFT_ROUNDS */

	/* The snapshot that comes in, as a follower. */
	struct {
		raft_name leader;       /* who sends it; "": none comes */
		raft_term leader_term;
		raft_index index;
		raft_term term;
		uint64_t offset;        /* what we have of it */
		bool loading;           /* all: the shell loads it, and the commit index stands still */
	} incoming;
};

/* --- raft.c --- */

void raft_name_set(raft_name, const char *);
bool raft_name_is(const raft_name, const char *);
/* A message to be filled in; valid until the next one is asked for. */
struct raft_message *raft_send(struct raft *, const char *peer, enum raft_message_type);
/* One entry made here, if none was appended in this step yet and there is room. */
bool raft_append(struct raft *, enum raft_append_kind, const struct raft_config *);
void raft_truncate(struct raft *, raft_index from);
/* Drops the whole log in favour of the snapshot. */
void raft_discard(struct raft *, const struct raft_snapshot *);

/* --- election.c --- */

enum raft_campaign { RAFT_CAMPAIGN, RAFT_CAMPAIGN_TRANSFER };

/* A number below n. */
uint64_t raft_random(struct raft *, uint64_t n);
void raft_start_timer(struct raft *);
/* Campaign soon, but not at the same moment as the others who have the same reason. */
void raft_hurry(struct raft *);
void raft_become_follower(struct raft *, raft_term, const char *leader);
/*
 * A request that is not of an older term: follows its sender, if that can be the leader; else it is not
 * one.
 */
bool raft_obey(struct raft *, const struct raft_message *);
bool raft_may_campaign(const struct raft *);
bool raft_log_is_current(const struct raft *, raft_index last, raft_term);
void raft_campaign(struct raft *, enum raft_campaign);
void raft_count_votes(struct raft *);
void raft_election_tick(struct raft *);
void raft_peer_down(struct raft *, const char *name);
/* No vote for so long after a leader was heard from. */
static inline uint64_t raft_vote_lease_ns(const struct raft *r)
{
	return r->options.election_min_ns / 10 * 9;
}
/* Long enough for a question and its answer, mostly. */
static inline uint64_t raft_moment_ns(const struct raft *r)
{
	return r->options.election_min_ns / 20;
}

/* --- recv_*.c, snapshot.c --- */

void raft_recv_vote(struct raft *, const struct raft_message *);
void raft_recv_vote_ok(struct raft *, const struct raft_message *);
void raft_recv_append(struct raft *, const struct raft_message *);
void raft_recv_append_ok(struct raft *, struct raft_peer *, const struct raft_message *);
void raft_recv_snapshot(struct raft *, const struct raft_message *);
void raft_recv_snapshot_ok(struct raft *, struct raft_peer *, const struct raft_message *);
void raft_installed(struct raft *, const struct raft_snapshot *, const struct raft_config *);
void raft_install_failed(struct raft *);
void raft_compacted(struct raft *, const struct raft_snapshot *, raft_index first);
/* Begins, or goes on with, the transfer of a snapshot. */
void raft_send_snapshot(struct raft *, struct raft_peer *);
/* The chunk that is out once more, if it has waited long enough. */
void raft_resend_chunk(struct raft *, struct raft_peer *);

/* --- recv_ack.c --- */

/* Moves the commit index as far as a majority has it. */
void raft_advance_commit(struct raft *);
void raft_commit(struct raft *, raft_index);
/* The greatest value that a majority of the voters reached, ours being `own`. */
uint64_t raft_of_majority(const struct raft *, uint64_t own, uint64_t (*of)(const struct raft_peer *));

/* --- replicate.c --- */

void raft_follow(struct raft *, struct raft_peer *, enum raft_progress_state, raft_index next);
/* Entries, as far as state and window let them. */
void raft_replicate(struct raft *, struct raft_peer *);
void raft_replicate_all(struct raft *);
/* An append without entries: a heartbeat, a round of reads, a new commit index. */
void raft_ping(struct raft *, struct raft_peer *);
void raft_heartbeat(struct raft *);
/* Nothing was heard from it for an election timeout. */
bool raft_is_silent(const struct raft *, const struct raft_peer *);
void raft_flights_landed(struct raft *, struct raft_peer *);

/* --- config.c --- */

struct raft_peer *raft_peer_find(struct raft *, const char *name);
void raft_peer_drop(struct raft *, struct raft_peer *);
const struct raft_member *raft_config_find(const struct raft_config *, const char *name);
void raft_config_push(struct raft *, raft_index, const struct raft_config *);
/* Those of entries from `from` on go. */
void raft_config_truncate(struct raft *, raft_index from);
/* All go but this one. */
void raft_config_reset(struct raft *, raft_index, const struct raft_config *);
/* The one of a snapshot takes the place of those up to its index. */
void raft_config_install(struct raft *, raft_index, const struct raft_config *);
/* Those replaced before the index go. */
void raft_config_compact(struct raft *, raft_index);
void raft_config_commit(struct raft *);
bool raft_config_pending(const struct raft *);

/* --- member.c --- */

/* The only voter is we: its majority is our own disk. */
static inline bool raft_is_alone(const struct raft *r)
{
	return r->voter && r->voters == 1;
}
void raft_join(struct raft *, const char *name);
void raft_leave(struct raft *, const char *name);
/* A round of replication to a learner ended, perhaps. */
void raft_catch_up(struct raft *, struct raft_peer *);
void raft_promote(struct raft *);
/* We are out, and that is committed: hand over and step down. */
void raft_step_out(struct raft *);

/* --- transfer.c --- */

void raft_recv_timeout_now(struct raft *, const struct raft_message *);
void raft_transfer(struct raft *, const char *name);
bool raft_transferring(const struct raft *);
/* timeout_now, once the target has all. */
void raft_transfer_advance(struct raft *);
void raft_transfer_heartbeat(struct raft *);
void raft_transfer_tick(struct raft *);
void raft_transfer_end(struct raft *, bool failed);
void raft_send_timeout_now(struct raft *, const struct raft_peer *);
/* The voter that has most of the log, NULL if there is none but us. */
struct raft_peer *raft_best_voter(struct raft *);

/* --- read.c --- */

void raft_read(struct raft *);
/* A round for those that wait, if none runs and one may. */
void raft_read_start(struct raft *);
void raft_read_acked(struct raft *, struct raft_peer *, uint64_t round);
void raft_read_committed(struct raft *);
void raft_read_lost(struct raft *);
/* The round that goes with a message to a follower, 0 if none. */
uint64_t raft_read_round(const struct raft *);
void raft_read_heartbeat(struct raft *);

#endif
