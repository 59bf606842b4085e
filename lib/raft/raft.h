/*
 * raft: the consensus algorithm of Ongaro's extended paper and dissertation, pure.
 *
 * One function, raft_step, takes what happened (the time, a message, commands to
 * append, "durable up to here") and says what the shell has to do, in this order:
 *
 *   1. persist  the hard state, a truncation, entries appended
 *   2. send     messages; those marked after_persist only once all that this and the
 *               earlier steps asked to persist is durable
 *   3. apply    committed entries up to commit_index; answer reads
 *   4. wait     until deadline_ns at the latest, then step with RAFT_TICK
 *
 * The core keeps of the log only each entry's term and a rough count of bytes; the text of
 * commands is the shell's, who finds it by index.  Time is nanoseconds of a clock that
 * never goes back; randomness is a seed.
 *
 * Ownership: `in` is the caller's and is not kept.  `out`, and all it points to, is the
 * core's and valid until the next step.  Memory that runs out aborts: a core that
 * cannot hold its log has no safe answer.
 *
 * Invariants, asserted:
 *   snapshot_index <= commit_index <= last_index; first_index <= snapshot_index + 1
 *   persisted_index <= last_index; a term never falls; one vote a term
 *   at most one configuration entry is not committed (on a leader)
 */
#ifndef RAFT_RAFT_H
#define RAFT_RAFT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	RAFT_MEMBERS_MAX = 64,          /* voters and learners together */
	RAFT_NAME_BYTES_MAX = 64,       /* of a node's name, its NUL not counted */
};
#define RAFT_INDEX_MAX (UINT64_C(1) << 53)

typedef uint64_t raft_index;            /* of an entry, from 1; 0 is before the first */
typedef uint64_t raft_term;

struct raft_member {
	char name[RAFT_NAME_BYTES_MAX + 1];
	bool voter;                     /* else a learner: gets the log, does not count */
};

struct raft_config {
	uint32_t count;                 /* 0: knows no cluster yet, a joiner */
	struct raft_member member[RAFT_MEMBERS_MAX];
};

struct raft_options {
	const char *id;                 /* copied */
	struct raft_config initial;     /* the one before index 1; count 0 for a joiner */
	uint64_t election_min_ns, election_max_ns;      /* the timeout is drawn from this range anew each time */
	uint64_t heartbeat_ns;
	uint64_t window_bytes;          /* of entries in flight to a follower */
	uint32_t window_messages;
	uint32_t message_bytes;         /* of entries in one append, roughly; a larger entry goes alone */
	bool pre_vote, check_quorum;    /* both on unless a test turns them off */
	bool lease_reads;               /* serve reads on the leader's lease: trusts clocks to run at one rate */
	uint64_t seed;
};

/* --- In --- */

enum raft_message_type {
	RAFT_REQUEST_VOTE, RAFT_REQUEST_VOTE_OK, RAFT_APPEND_ENTRIES, RAFT_APPEND_ENTRIES_OK,
	RAFT_INSTALL_SNAPSHOT, RAFT_INSTALL_SNAPSHOT_OK, RAFT_TIMEOUT_NOW,
};

/* An entry as it is handed in; its text stays with the shell. */
struct raft_entry {
	raft_term term;                 /* of a message's entries; not looked at in a proposal */
	uint32_t bytes;                 /* of its text */
	const struct raft_config *config;       /* NULL unless the command is a configuration, and in a proposal */
};

/* Field names are those of Figures 2 and 13; what a type does not have is 0. */
struct raft_message {
	enum raft_message_type type;
	char peer[RAFT_NAME_BYTES_MAX + 1];     /* in: whom it is from; out: whom it is for */
	raft_term term;
	/* request_vote; the candidate is the sender */
	raft_index last_log_index;
	raft_term last_log_term;
	bool pre_vote;                  /* and in the answer */
	bool transfer;                  /* the leader told us to: may be granted though one is heard from (4.2.3) */
	bool vote_granted;
	/* append_entries; the leader is the sender */
	raft_index prev_log_index;
	raft_term prev_log_term;
	raft_index leader_commit;
	uint32_t count;                 /* out: entries prev_log_index + 1 .. + count, the shell adds their terms and texts */
	const struct raft_entry *entries;       /* in: that many */
	uint64_t round;                 /* 0, or a confirmation round of reads; the answer repeats it */
	/* append_entries_ok */
	bool success;
	raft_index match_index;
	raft_index conflict_index;      /* 0: not given */
	raft_term conflict_term;        /* 0: the log was too short */
	/* install_snapshot; offset: in the answer what the follower has, so where to go on */
	raft_index last_included_index;
	raft_term last_included_term;
	uint64_t offset;                /* bytes */
	uint32_t data_bytes;            /* in: of the chunk; out: the shell chooses, from `offset` on */
	bool done;                      /* in: the chunk is the last; out: the shell sets it */
	/* out */
	bool after_persist;
};

enum raft_in_kind {
	RAFT_TICK,                      /* nothing but the time */
	RAFT_RECV,                      /* message */
	RAFT_PROPOSE,                   /* entries, count: append them, if we lead */
	RAFT_READ,                      /* a batch of reads came: see out.read */
	RAFT_PERSISTED,                 /* index: the log up to there, and every hard state before it, is durable; of what
					   was truncated since, nothing */
	RAFT_JOIN, RAFT_LEAVE,          /* name; leader only */
	RAFT_TRANSFER,                  /* name, or "" for the most up to date; leader only */
	RAFT_COMPACTED,                 /* snapshot, first_index: the shell made it durable and dropped the log before */
	RAFT_INSTALLED,                 /* snapshot, config: a whole received snapshot is durable and loaded; the log goes,
					   or stays behind it: raft_first_index and raft_last_index tell */
	RAFT_INSTALL_FAILED,            /* what was received is of no use: begin again at offset 0 */
	RAFT_PEER_DOWN,                 /* name: the network says that it is gone; a hint */
};

struct raft_snapshot {
	raft_index index;               /* the last entry it includes; 0: there is none */
	raft_term term;                 /* of that entry */
	uint64_t bytes;                 /* of its file */
};

struct raft_in {
	enum raft_in_kind kind;
	uint64_t now_ns;
	const struct raft_message *message;
	const struct raft_entry *entries;
	uint32_t count;
	raft_index index, first_index;
	struct raft_snapshot snapshot;
	const struct raft_config *config;
	const char *name;
};

/* --- Out --- */

/* Why a proposal, a read, a change or a transfer was not taken. */
enum raft_refusal {
	RAFT_TAKEN,
	RAFT_NOT_LEADER,
	RAFT_TRANSFERRING,              /* leadership is being handed over: soon there is another leader */
	RAFT_TOO_EARLY,                 /* a change: no entry of this term is committed yet */
	RAFT_CHANGE_PENDING,            /* a change: the one before is not committed */
	RAFT_NO_SUCH_MEMBER, RAFT_LAST_VOTER, RAFT_TOO_MANY, RAFT_NO_TARGET,
	RAFT_LOG_FULL,                  /* 2^53 */
	RAFT_ALREADY,                   /* a change that is so already: the answer is yes */
};

enum raft_append_kind { RAFT_APPEND_NONE, RAFT_APPEND_INPUT, RAFT_APPEND_NOOP, RAFT_APPEND_CONFIG };

struct raft_out {
	enum raft_refusal refused;

	/* 1. Persist, in this order. */
	bool hard_state;                /* raft_term, raft_voted_for are new */
	raft_index truncate_from;       /* entries from here on go; 0: none */
	enum raft_append_kind append;   /* INPUT: in's entries from append_offset on; else one made here */
	raft_index append_first;        /* index of the first of them; its term is append_term for what we made or proposed */
	uint32_t append_count, append_offset;
	raft_term append_term;          /* of NOOP, CONFIG and proposals; entries of a message carry their own */
	const struct raft_config *append_config;

	/* A snapshot is coming in: the chunk of in.message goes to its file at its offset (0 begins it anew). */
	bool chunk;                     /* if in.message.done too, the shell loads it and steps with RAFT_INSTALLED */

	/* 2. Send. */
	const struct raft_message *messages;
	size_t message_count;

	/* 3. Apply. */
	raft_index commit_index;
	uint64_t read;                  /* of RAFT_READ: the batch's number, from 1 */
	uint64_t reads_confirmed;       /* batches up to this one may be answered ... */
	raft_index read_index;          /* ... once this is applied */
	uint64_t reads_lost;            /* batches up to this one never will be: we led no longer */
	bool config_changed;            /* raft_config_committed is new */
	bool transfer_failed;           /* the one under way did not end in time: proposals are taken again */

	/* 4. Wait. */
	uint64_t deadline_ns;           /* UINT64_MAX: nothing is due */
};

/* --- The core --- */

struct raft;

struct raft *raft_new(const struct raft_options *, uint64_t now_ns);
void raft_free(struct raft *);

/*
 * What is on the disk, before the first step, in this order: the snapshot with its configuration, the hard
 * state, then each entry from first_index on.  A vote "" is none.  All of it counts as durable.
 * A log that the snapshot overtook goes in the first step (truncate_from).
 */
void raft_load_snapshot(struct raft *, const struct raft_snapshot *, const struct raft_config *);
/* The term of the entry before first_index, where the log starts behind the snapshot's last entry. */
void raft_load_base(struct raft *, raft_index before_first, raft_term);
void raft_load_state(struct raft *, raft_term, const char *voted_for);
void raft_load_entry(struct raft *, const struct raft_entry *);
/* Entries from here on were replaced later in the log. */
void raft_load_truncate(struct raft *, raft_index from);

void raft_step(struct raft *, const struct raft_in *, struct raft_out *);

/* --- What is so now --- */

enum raft_role { RAFT_FOLLOWER, RAFT_CANDIDATE, RAFT_LEADER, RAFT_LEARNER };

enum raft_role raft_role(const struct raft *);
raft_term raft_current_term(const struct raft *);
const char *raft_voted_for(const struct raft *);        /* "" if for none */
const char *raft_leader(const struct raft *);           /* "" if unknown */
raft_index raft_commit_index(const struct raft *);
raft_index raft_first_index(const struct raft *);       /* last_index + 1 where the log is empty */
raft_index raft_last_index(const struct raft *);
raft_index raft_snapshot_index(const struct raft *);
/* Of an entry from first_index - 1 to last_index. */
raft_term raft_term_at(const struct raft *, raft_index);
const struct raft_config *raft_config_latest(const struct raft *);
const struct raft_config *raft_config_committed(const struct raft *);
/* The configuration in force at an applied index: what a snapshot there has to say. */
const struct raft_config *raft_config_at(const struct raft *, raft_index);

/* A leader's view of a follower; false if it is no member or we do not lead. */
enum raft_progress_state { RAFT_PROBE, RAFT_REPLICATE, RAFT_SNAPSHOT };
struct raft_progress {
	enum raft_progress_state state;
	raft_index match_index, next_index;
	uint32_t inflight;              /* messages */
};
bool raft_progress(const struct raft *, const char *name, struct raft_progress *);

#endif
