/*
 * protocol: what the runtime asks of a consensus protocol, and what the protocol asks of the runtime.
 *
 * A protocol here is a pure core with a coat: the coat (lib/proto) reads the core's messages from lines and writes them,
 * makes records of what is to be persisted, and hands the core's outputs to the runtime in the order that the core gives them.
 * The runtime knows entries by index and text, messages by destination, and nothing of terms or ballots.
 *
 * The order of effects is the runtime's to keep: a message sent "after persist" leaves once every record
 * appended before it is durable; all others leave at the end of the turn.
 *
 * All of it runs in the loop's thread.
 */
#ifndef NODE_PROTOCOL_H
#define NODE_PROTOCOL_H

#include "lib/store/store.h"
#include "lib/wire/wire.h"

#include <jansson.h>

struct node;
struct node_options;

/* A "no" to a client: a code that says it did not happen, and why. */
struct refusal {
	enum wire_code code;
	const char *text;               /* NULL: taken */
	bool elsewhere;                 /* ask again where the leader is then */
};

struct protocol {
	const char *name;               /* "raft": the kind of the log and the suffix of its directory */

	/* --- Start: open, load what is on the disk, start.  load_* return NULL, or why the record is none of ours. --- */
	/* members: the first configuration; 0: a joiner.  NULL and *why: it cannot be. */
	void *(*open)(struct node *, const struct node_options *, const char *const *members, size_t count,
		      const char **why);
	void (*close)(void *);
	const char *(*load_snapshot)(void *, const char *header, size_t len, uint64_t bytes);
	const char *(*load_record)(void *, const char *json, size_t len, struct store_pos);
	void (*start)(void *);
	/* The entry that a record holds: its index and command.  False: it holds none. */
	bool (*entry_of)(const char *json, size_t len, uint64_t *index, struct wire_text *command);

	/* --- What happens --- */
	/* A message between nodes.  False: its type is none of the protocol's.  *why, if set: it was malformed. */
	bool (*message)(void *, const struct wire_line *, const char **why);
	void (*tick)(void *);
	/* Commands of clients, in order.  Where they are taken, they got the indexes from the returned one on. */
	uint64_t (*propose)(void *, const struct wire_text *commands, size_t count, struct refusal *);
	/* Asks whether all that is committed now is known here: node_reads_confirmed says it.  A batch's number, or 0. */
	uint64_t (*read)(void *, struct refusal *);
	/* Everything appended up to this index, and all records before it, is durable. */
	void (*persisted)(void *, uint64_t index);
	struct refusal (*join)(void *, const char *name);
	struct refusal (*leave)(void *, const char *name);
	struct refusal (*transfer)(void *, const char *name);   /* "": to whom is best */
	void (*peer_down)(void *, const char *name);
	/*
	 * A request that the protocol answers itself, at whatever node it came to: node_answer or node_refuse with the number,
	 * now or later.  False: the type is none of its own.  NULL: it has none.
	 */
	bool (*request)(void *, uint64_t number, struct wire_text type, struct wire_text body);
	/* Rotation: appends, with node_record, what a log has to say that has no older segments but those from keep_from on. */
	void (*state_record)(void *);
	/* The oldest record, entries apart, that is still needed; segment 0, or NULL: none is. */
	struct store_pos (*keep_from)(void *);

	/* --- Snapshots --- */
	/*
	 * The members of a snapshot's first record: `"last_included_index":7,...`.  False: who the cluster's members are at that
	 * index is not known here, as to a joiner of what was before it came: whoever was given that would know none either.
	 */
	bool (*snapshot_header)(void *, uint64_t index, struct buf *);
	/* A snapshot of ours is durable; entries before first are gone. */
	void (*compacted)(void *, uint64_t index, uint64_t bytes, uint64_t first);
	/* The received one is durable and loaded; or it was of no use. */
	void (*installed)(void *, const char *header, size_t len, uint64_t bytes);
	void (*install_failed)(void *);

	/* --- What is so --- */
	uint64_t (*deadline)(void *);           /* ns; UINT64_MAX: none */
	const char *(*leader)(void *);          /* "" while unknown */
	bool (*leading)(void *);                /* takes proposals */
	uint64_t (*epoch)(void *);              /* grows with every leader: Raft's term, a ballot's round */
	/* Of the committed configuration: 0 is no member, 1 a learner, 2 a voter. */
	int (*member)(void *, const char *name);
	/* Adds role, term or ballot, leader, indexes, voters and learners, in the order of the page. */
	void (*status)(void *, json_t *, uint64_t last_applied);
};

/* --- For the protocol --- */

uint64_t node_now(const struct node *);         /* ns */
const char *node_id(const struct node *);

/* Had its directory nothing in it when it was opened? */
bool node_fresh(const struct node *);
/* A client's line at the most, bytes. */
size_t node_line_max(const struct node *);

/* A record of the protocol's own, as a vote. */
struct store_pos node_record(struct node *, const struct store_part *, size_t parts);

/* Records appended since the start, entries too; and how many of them are durable. */
uint64_t node_records(const struct node *);
uint64_t node_records_durable(const struct node *);

/* The record of the entry at `index`, the one after the last; part `command` of it is the entry's text. */
void node_append(struct node *, uint64_t index, const struct store_part *, size_t parts, size_t command);

/* As node_append while the log is loaded: the record is there already, at pos.  One at an index that is there replaces it and
   all after it. */
void node_loaded(struct node *, uint64_t index, struct wire_text command, struct store_pos);

/*
 * The entry at `index` is the one whose record node_record has put at pos, now or before: the next, or in place of one that is
 * not applied.  A request that waited for one of another text may have happened or may yet.
 */
void node_place(struct node *, uint64_t index, struct wire_text command, struct store_pos);

/* Entries from here on are gone: requests that waited for them did not happen. */
void node_truncate(struct node *, uint64_t from);

/* The log is empty and goes on after `index`: a snapshot took its place. */
void node_reset(struct node *, uint64_t index);

/*
 * The text of an entry, from memory or the disk; valid until the next call.  An entry that should be there and is
 * not readable ends the process.
 */
struct wire_text node_entry(struct node *, uint64_t index);

/* A line to another node: append `"type":...` and the members to what is returned, then end it. */
struct buf *node_send(struct node *, const char *dest, bool after_persist);
void node_send_end(struct node *, struct buf *);

void node_committed(struct node *, uint64_t index);
void node_reads_confirmed(struct node *, uint64_t batch, uint64_t index);
void node_reads_lost(struct node *, uint64_t batch);

/* The answer to a request of the protocol's own: `"type":...` and the members.  A number that waits no longer is left alone. */
void node_answer(struct node *, uint64_t number, struct wire_text inside);
void node_refuse(struct node *, uint64_t number, enum wire_code, const char *text);
/* Does it still wait for its answer? */
bool node_waits(struct node *, uint64_t number);
/* The committed configuration, the leader or a transfer under way changed: look at it before the turn ends. */
void node_changed(struct node *);
/* The join or leave that the protocol took last did not happen, and never will. */
void node_change_lost(struct node *);

/*
 * Chunks.  send: the raw text of the snapshot at offset as a JSON string into the line, *done at its end; false: there is none
 * such any more.  receive: the bytes of a chunk; done: all came, and installed or install_failed follows.
 */
bool node_snapshot_send(struct node *, uint64_t index, uint64_t offset, struct buf *, bool *done);
void node_snapshot_receive(struct node *, uint64_t index, uint64_t offset, struct wire_text bytes, bool done);

/* What can't be: prints and ends the process. */
__attribute__((format(printf, 2, 3), noreturn))
void node_die(enum store_error, const char *fmt, ...);

#endif
