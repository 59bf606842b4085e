/*
 * paxos_coat: inside the coat of lib/paxos: what its files share.
 *
 * paxos.c makes the steps, paxos_send.c sends, paxos_record.c writes and reads records, paxos_gap.c has the slots that came
 * before one that is missing, paxos_register.c the texts of registers and paxos_propose.c who asked for one, paxos_load.c what
 * the disk held, paxos_status.c says what is so.
 */
#ifndef PROTO_PAXOS_COAT_H
#define PROTO_PAXOS_COAT_H

#include "lib/node/node.h"
#include "lib/paxos/paxos.h"
#include "lib/proto/paxos_body.h"

/* --- Slots beyond one that is missing, by slot --- */

struct gap {
	paxos_slot slot;
	char *text;
	size_t len;
	struct store_pos pos;           /* of its record */
};
struct gaps { struct gap *gap; size_t first, count, room; };    /* those before `first` are gone */

void gaps_release(struct gaps *);
/* One that was there is replaced; what it was is in *was. */
void gaps_put(struct gaps *, paxos_slot, struct wire_text, struct store_pos, struct store_pos *was);
struct gap *gaps_find(struct gaps *, paxos_slot);
/* That of the least slot, or NULL; and it goes. */
struct gap *gaps_front(struct gaps *);
void gaps_pop(struct gaps *);
struct store_pos gaps_oldest(const struct gaps *);

/* --- Registers, as their records have them --- */

struct reg {
	struct reg *next;               /* of its bucket */
	struct reg *older, *newer;      /* by where its record is */
	struct store_pos pos;
	struct paxos_ballot promised, accepted;
	bool change, chosen;
	char *text;                     /* NULL: nothing is accepted */
	size_t len;
	char instance[];
};
struct regs { struct reg **bucket, *oldest, *newest; size_t buckets, count; };

void regs_release(struct regs *);
struct reg *regs_find(const struct regs *, const char *instance);
/* Makes it where it is new.  Its record is at pos: the newest. */
struct reg *regs_put(struct regs *, const char *instance, struct store_pos);
void reg_text(struct reg *, struct wire_text);

/* --- Proposals on registers, by number --- */

struct proposal {
	uint64_t number, deadline_ns;
	bool change;
	bool read;                      /* a change without from and to */
	enum { WILL_BE_CHOSEN, WILL_BE_REFUSED } outcome;       /* once what is proposed now is chosen */
	bool ours;                      /* now `value` is what is proposed */
	enum wire_code code;            /* REFUSED: why */
	const char *why;
	char *instance, *from, *value, *found;  /* JSON texts but the first; from NULL: none; found: adopted */
};
struct proposals { struct proposal *at; size_t count, room; };

/* --- The coat --- */

struct stone { uint64_t record, count; };       /* out.record is durable once so many records are */

struct coat {
	struct node *node;
	struct paxos *core;
	struct paxos_names *names;
	struct wire_names *request_names;
	struct paxos_texts in, own;     /* of a message; of proposals and what is loaded */
	struct gaps gaps;
	struct regs regs;
	size_t move_bytes;              /* so much of them may be written anew, for their age alone */
	struct proposals proposals;
	uint64_t request_timeout_ns, deadline_ns;
	uint64_t incarnation;
	paxos_slot last;                /* the last entry the runtime has */
	size_t segment_bytes;
	bool leading, transferring, votes, forgot, founding;
	bool named, begun;              /* the directory has an incarnation; the core has made a step */
	uint64_t begun_ns;
	bool told_waiting;
	uint64_t seed;
	/* Steps not durable yet, the oldest first. */
	struct buf stones;
	/* Records that took another's place are not durable yet: the others are still needed. */
	struct store_pos held;
	uint64_t held_until;
	/* The last join or leave that was taken: its slot, 0 once that is chosen, and what is in force behind it if it happens. */
	paxos_slot change_slot;
	struct buf change_text;
	struct paxos_register_out *decide;      /* when the step is over; their names are not looked at */
	size_t decide_count, decide_room;
	bool decides;
	struct buf text, answer, chunk;
	/* The values of the last message that had some: the next acceptor mostly gets the same. */
	struct buf values;
	paxos_slot values_slot;
	uint32_t values_count;
};

/* --- paxos.c --- */
void paxos_coat_step(struct coat *, struct paxos_in *, struct paxos_out *);
/* The text of a slot that was accepted, in order or not. */
struct wire_text paxos_coat_text(struct coat *, paxos_slot);
/* Slots whose gap was filled are entries. */
void paxos_coat_fill(struct coat *);
/* A record, in pieces of which the last two are a text and what closes it. */
struct store_pos paxos_coat_record(struct coat *, struct buf *begin, struct wire_text text);
/* The record at pos is needed until all appended so far is durable. */
void paxos_coat_hold(struct coat *, struct store_pos pos);

/* --- paxos_send.c --- */
void paxos_coat_send(struct coat *, const struct paxos_message *);

/* --- paxos_record.c --- */
void paxos_record_entry(struct buf *begin, paxos_slot, const struct paxos_ballot *);
bool paxos_record_is_entry(const char *json, size_t len, paxos_slot *, struct paxos_ballot *, struct wire_text *value);
void paxos_record_register(struct buf *begin, const struct reg *);
/* All else that a segment has to say. */
void paxos_record_state(struct coat *);
void paxos_record_promised(struct coat *);
void paxos_record_reserved(struct coat *, uint64_t round);
void paxos_record_counted(struct coat *, const struct paxos_member *);
void paxos_record_votes(struct coat *);
void paxos_record_synced(struct coat *);

/* --- paxos_register.c --- */
void paxos_coat_register_persist(struct coat *, const struct paxos_in *, const struct paxos_register_out *);
/* Rotation: the oldest are written anew, so that old segments can go. */
void paxos_coat_register_move(struct coat *);
/* What an acceptor has accepted, as promises and sync_ok tell of it. */
void paxos_coat_register_write(struct coat *, struct buf *, const char *instance, const struct paxos_register *);

/* --- paxos_propose.c --- */
bool paxos_coat_request(void *, uint64_t number, struct wire_text type, struct wire_text body);
void paxos_coat_propose_told(struct coat *, const struct paxos_in *, const struct paxos_register_out *);
void paxos_coat_propose_decide(struct coat *);
void paxos_coat_propose_expire(struct coat *);
uint64_t paxos_coat_propose_deadline(const struct coat *);
struct proposal *paxos_coat_proposal(struct coat *, uint64_t number);
/* What it proposes now. */
struct wire_text paxos_coat_proposal_text(const struct proposal *);
void paxos_coat_proposals_release(struct coat *);

/* --- For struct protocol --- */

/* The first record of a snapshot; false: it is none of Paxos's. */
bool paxos_header_read(const char *header, size_t len, struct paxos_snapshot *, struct paxos_config *);

void *paxos_coat_open(struct node *, const struct node_options *, const char *const *members, size_t count,
		      const char **why);
void paxos_coat_close(void *);
const char *paxos_coat_load_snapshot(void *, const char *header, size_t len, uint64_t bytes);
const char *paxos_coat_load_record(void *, const char *json, size_t len, struct store_pos);
bool paxos_coat_entry_of(const char *json, size_t len, uint64_t *index, struct wire_text *command);
/* A new one, of a new directory. */
uint64_t paxos_coat_incarnation(const struct coat *);

const char *paxos_coat_leader(void *);
bool paxos_coat_leading(void *);
uint64_t paxos_coat_epoch(void *);
int paxos_coat_member(void *, const char *name);
void paxos_coat_status(void *, json_t *, uint64_t last_applied);

#endif
