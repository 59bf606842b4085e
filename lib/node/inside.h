/*
 * inside: the runtime's one structure, and what its files offer each other.
 *
 * A turn: lines are taken (input), what clients asked for is proposed, confirmed or forwarded (request, read,
 * forward), the protocol's effects happen as it gives them (effects, apply), then a flush begins if none is under way and
 * there is something to flush (disk), and what may leave leaves (output).
 *
 * Invariants: at most one flush is under way.  A line in `held` was made after the flush under way began, one in
 * `holding` before, and neither leaves before the flush that covers it ended well.
 */
#ifndef NODE_INSIDE_H
#define NODE_INSIDE_H

#include "lib/base/buf.h"
#include "lib/base/line.h"
#include "lib/node/log.h"
#include "lib/node/machine.h"
#include "lib/node/node.h"
#include "lib/node/protocol.h"

#include <uv.h>

/* Whom an answer goes to: a client, or the node that forwarded its request. */
struct origin {
	struct wire_text src;
	struct wire_text msg_id;        /* as it stood; of a client */
	uint64_t forward;               /* the forwarding node's number, or 0 */
	uint64_t deadline_ns;           /* when it is told that no answer came */
	bool sent;                      /* to a leader before, who may have proposed it */
};

/*
 * Requests that wait, in the order they came: fixed part, then src, msg_id and body.  Deadlines
 * grow from front to back, as all have the same time to live.
 */
struct waiting {
	uint64_t key;                   /* index, batch or number: what it waits for; grows */
	uint64_t deadline_ns;
	uint64_t forward;
	uint32_t src_len, msg_id_len, body_len;
	bool sent;                      /* see struct origin */
	bool done;                      /* answered, or waits elsewhere now: stays until those before it went */
};

struct queue {
	struct buf bytes;
	size_t count;
	uint64_t popped;                /* bytes of those that are gone */
};

enum { WRITERS = 256 };         /* slots of last_write; clients that share one wait for each other's writes */

/* A batch of reads: waits for its confirmation, then for its index to be applied. */
struct read_batch {
	enum { READ_ASK, READ_ASKED, READ_FORWARDED, READ_CONFIRMED } state;
	uint64_t token;                 /* the protocol's batch, or the number of a forwarded read_index */
	uint64_t index;                 /* CONFIRMED: to be applied first */
	uint64_t after;                 /* so are the writes that its clients sent before */
	uint64_t senders[WRITERS / 64]; /* a bit a slot of `last_write` */
	uint64_t asked_ns;
	size_t count;                   /* requests in `reads` that are of it */
};

struct counters {
	uint64_t lines, bad_lines, not_mine, requests, errors, forwarded, entries_applied, reads, stale_reads;
	uint64_t flushes, flushed_bytes, dropped_lines, dropped_bytes, snapshots, snapshots_installed, leader_changes;
	uint64_t bytes_in, bytes_out, flush_ns, flush_max_ns;
};

struct node {
	const struct node_options *options;
	const struct protocol *protocol;
	void *p;                        /* the protocol's */
	const struct machine *machine;
	void *m;
	struct store *store;
	struct counters count;
	char id[WIRE_NAME_BYTES_MAX + 1];
	size_t id_len;
	bool open;                      /* knows who it is */
	bool changed;                   /* node_changed was called */
	uint64_t now_ns;                /* of this turn */
	uint64_t started_ns;

	/* input.c */
	struct line_reader in;
	struct wire_names *type_names, *session_names, *stale_names, *forward_names, *item_names, *index_names;
	struct wire_names *admin_names, *init_names, *prefix_names, *watch_names;

	/* output.c */
	struct buf out, held, holding;
	size_t line_start;              /* of the line being written, in its buffer */

	/* request.c: taken in this turn, slices of the input */
	struct wire_text *batch;
	size_t batch_count, batch_room;
	size_t batch_start;             /* where `pending` has the first of them, its key not known yet */
	struct queue pending;           /* key: index in the log */
	struct queue homeless;          /* no leader is known, or it sent them back */
	uint64_t last_write[WRITERS];   /* index of the last write from the clients of a slot */
	struct queue retaken;           /* homeless ones taken in this turn: their texts live here */
	uint64_t homeless_until_ns;     /* not taken again before */

	/* asked.c */
	struct queue asked;             /* key: the number */
	struct buf asked_places;        /* where each is in it */
	uint64_t asked_next;            /* the last one given */

	/* forward.c */
	struct queue forwarded;         /* key: the number of the forward */
	uint64_t forward_next;
	struct buf forward_items, answer_items;
	char forward_to[WIRE_NAME_BYTES_MAX + 1];       /* the leader they went to */
	char answer_to[WIRE_NAME_BYTES_MAX + 1];
	uint64_t led_epoch;             /* the last in which this process led */
	struct seen *seen;              /* of each node that forwards */
	size_t seen_count;

	/* read.c */
	struct queue reads;
	struct read_batch *read_batch;
	size_t read_batches, read_room;
	size_t reads_new;               /* at the end of `reads`, of no batch yet */
	uint64_t reads_new_senders[WRITERS / 64];
	uint64_t read_confirmed, read_confirmed_index, read_lost;       /* the protocol's words, by its batch numbers */

	/* watch.c: the oldest first */
	struct watch *watch;
	size_t watches;

	/* apply.c */
	struct log log;
	uint64_t commit, given, applied;        /* given: to the machine; applied: answered by it */
	bool machine_ready;             /* node_machine_ready was called */
	struct buf answer, cold;        /* cold: texts read back, one window */
	struct wire_text *cold_text;
	uint64_t cold_first;
	size_t cold_count;

	/* disk.c */
	uint64_t appended;              /* the highest index appended */
	uint64_t flushing_index;        /* the same when the flush under way began */
	uint64_t persisted;             /* the same of the last one that ended */
	uint64_t records, records_flushing, records_durable;    /* the same, of records */
	struct store_pos replaced;      /* a record that another took the place of: needed until so many are durable */
	uint64_t replaced_until;
	bool flushing, preparing;
	bool prepare_next;              /* the flush before was not followed by a step of preparation */
	bool rotated;                   /* a new segment began: it needs the protocol's state */
	uint64_t flush_began_ns;
	struct store_report flush_report, prepare_report;
	int flush_rc, prepare_rc;

	/* snapshot.c */
	struct taking *taking;
	uint64_t snapshot_index, snapshot_previous, snapshot_bytes, log_bytes_at_snapshot;
	uint64_t snapshot_wanted;       /* by `snapshot`: one of this index or a later one */
	bool no_snapshots;              /* the machine gives none */
	struct receiving *receiving;
	struct buf chunk;

	/* admin.c */
	struct queue changes;           /* join, leave, transfer, snapshot that wait; key: their kind */
	uint64_t changes_due_ns;

	/* node.c */
	char leader[WIRE_NAME_BYTES_MAX + 1];           /* as of the last turn */
	uint64_t metrics_due_ns;
	bool again;                     /* another turn is due at once */

	/* loop.c */
	bool sigpipe_ignored;           /* as the parent wanted it */
	bool ended;                     /* stdin gave its end */
	int signal;                     /* that asks us to go */
	uint64_t stop_by_ns;            /* UINT64_MAX: not asked */
	struct loop *loop;              /* NULL in lockstep */
};

/* --- input.c --- */
void input_open(struct node *);
void input_close(struct node *);
/* Takes the next line of those that were read; false: there is none. */
bool input_next(struct node *);

/* --- output.c --- */
/* Where a line has to be written that leaves now, or after persist; output_end takes it back where too much waits. */
struct buf *output_begin(struct node *, bool after_persist);
void output_end(struct node *, struct buf *);
/* The flush began, or ended: what waited for it moves on. */
void output_flush_began(struct node *);
void output_flush_ended(struct node *);
/* Writes what it can; true: all went. */
bool output_write(struct node *);

/* --- request.c --- */
void queue_push(struct queue *, uint64_t key, const struct origin *, struct wire_text body);
/* The front, which stays until queue_pop; the next; NULL: no more. */
struct waiting *queue_front(struct queue *);
struct waiting *queue_next(struct queue *, struct waiting *);
void queue_pop(struct queue *);
/* Those at the front that are done go, and those whose deadline has come, with an error: code 0 if they were sent. */
void queue_expire(struct node *, struct queue *, enum wire_code, const char *text);
struct origin waiting_origin(struct waiting *);
struct wire_text waiting_body(struct waiting *);
void queue_release(struct queue *);
/* Nanoseconds of the oldest one's deadline, or UINT64_MAX. */
uint64_t queue_deadline(struct queue *);

/* A request of a client (or one that a node forwarded): answered, or put where it waits. */
void request_take(struct node *, const struct origin *, struct wire_text type, struct wire_text body);
void request_turn(struct node *);
void request_applied(struct node *, uint64_t index, struct wire_text answer);
/* A snapshot took the place of entries up to here: whether theirs is in it cannot be told. */
void request_skipped(struct node *, uint64_t upto);
void request_truncated(struct node *, uint64_t from);
/* Another entry took the place of the one at this index. */
void request_replaced(struct node *, uint64_t index);
void request_expire(struct node *);
/* At the end: those that still wait hear that the outcome is open. */
void request_finish(struct node *);
uint64_t request_deadline(struct node *);
size_t request_count(const struct node *);
/* Is it nested deeper than a client's line may be? */
bool request_too_deep(struct wire_text body);
/* Refuses it where nothing will come to answer it: this node has left, or has not joined yet, and hears no leader. */
bool request_is_lost_here(struct node *, const struct origin *);
/* Of last_write. */
unsigned request_slot(struct wire_text src);

/* They are not sent to the leader again just now: it does not take them. */
void request_pause(struct node *);

void answer(struct node *, const struct origin *, struct wire_text inside);
void answer_error(struct node *, const struct origin *, enum wire_code, const char *text);

/* --- asked.c --- */
/* False: the protocol has no such request. */
bool asked_take(struct node *, const struct origin *, struct wire_text type, struct wire_text body);

/* --- forward.c --- */
void forward_open(struct node *);
void forward_release(struct node *);
void forward_request(struct node *, const struct origin *, struct wire_text body);
uint64_t forward_read_index(struct node *);
void forward_answer(struct node *, const struct origin *, struct wire_text inside);
bool forward_message(struct node *, const struct wire_line *);
void forward_turn(struct node *);
void forward_leader_changed(struct node *);

/* --- read.c --- */
void read_take(struct node *, const struct origin *, struct wire_text body);
/* "stale":true is answered at once from what is applied here. */
bool read_stale(struct node *, const struct origin *, struct wire_text body);
void read_turn(struct node *);
/* Of a forwarded read_index: the answer, or (index 0) that it has to be asked again.  False: it is none of ours. */
bool read_answered(struct node *, uint64_t number, uint64_t index);
void read_applied(struct node *);
void read_expire(struct node *);
void read_release(struct node *);

/* --- watch.c --- */
void watch_take(struct node *, const struct origin *, struct wire_text body);
/* All that was committed before it is applied. */
void watch_begin(struct node *, const struct origin *, struct wire_text body);
void watch_end(struct node *, const struct origin *, struct wire_text body);
/* A snapshot was installed: what changed in between nobody was told. */
void watch_gap(struct node *);
void watch_release(struct node *);

/* --- apply.c --- */
void apply_turn(struct node *);
bool apply_behind(const struct node *);

/* --- disk.c --- */
void disk_turn(struct node *);
/* Nothing appended waits for the disk. */
bool disk_idle(const struct node *);
void disk_close(struct node *);

/* --- snapshot.c --- */
const char *node_snapshot_open(struct node *);
void node_snapshot_turn(struct node *);
/* Another thread has a part of it. */
bool node_snapshot_working(const struct node *);
void node_snapshot_want(struct node *);
void node_snapshot_release(struct node *);

/* --- admin.c --- */
enum admin_kind { ADMIN_NONE, ADMIN_STATUS, ADMIN_JOIN, ADMIN_LEAVE, ADMIN_TRANSFER, ADMIN_SNAPSHOT };
enum admin_kind admin_kind(struct wire_text type);
void admin_take(struct node *, enum admin_kind, const struct origin *, struct wire_text body);
/* The configuration or the leader changed, a snapshot is done: who waited for it hears. */
void admin_turn(struct node *);
void admin_expire(struct node *);
json_t *admin_status(struct node *);
void admin_metrics(struct node *);

/* --- node.c --- */
/* The first configuration by flags or by init: opens the store and the protocol, or checks that it says the same. */
void node_init(struct node *, const char *id, const char *const *members, size_t count);
/* By flags, or from what the directory says; else init has to come. */
void node_begin(struct node *);
void node_turn(struct node *);
/* When a turn is due at the latest, by the clock of now_ns. */
uint64_t node_deadline(struct node *);
/* Nothing more will happen without a line, a signal or time. */
bool node_at_rest(const struct node *);

/* Nanoseconds of a clock that goes on while the machine sleeps: a lease must not outlive that. */
uint64_t node_clock(void);

/* --- loop.c, lockstep.c --- */
int loop_run(struct node *);
int node_lockstep(struct node *);
/* A turn at once, for who found something outside of one. */
void loop_again(struct node *);
/* `work` in another thread, then `done` in ours, and a turn; in lockstep one after the other, at once. */
void loop_work(struct node *, void (*work)(void *), void (*done)(void *), void *);

#define TEXT(s) ((struct wire_text){ (s), sizeof(s) - 1 })

static inline bool text_is(struct wire_text t, const char *s)
{
	return t.len == strlen(s) && !memcmp(t.p, s, t.len);
}

#endif
