/*
 * inside: what the files of the history module share.
 *
 * While lines come, an operation is a record, 28 bytes, in the order of calls.  At the end the records that a checker wants are
 * sorted by key, into what it wants, and go.
 */
#ifndef HISTORY_INSIDE_H
#define HISTORY_INSIDE_H

#include "lib/history/history.h"
#include "lib/history/texts.h"

enum function { F_NONE, F_READ, F_WRITE, F_CAS, F_DELETE, F_TXN };

enum fate {
	FATE_OPEN,                      /* as yet, or for good: an info, or no second line */
	FATE_OK, FATE_NO_KEY, FATE_OTHER_VALUE,
	FATE_GONE,                      /* did not happen, or is of no use */
};

struct record {
	uint32_t key;                   /* from 0 */
	uint32_t value, from;           /* as lin_op has them; of a txn, `value` is its place among them */
	uint32_t called, returned;      /* 0: never */
	uint32_t process;
	uint8_t f, fate;
	bool create;
};

enum { RECORDS_A_PIECE = 4096 };

struct record_piece {
	struct record at[RECORDS_A_PIECE];
};

struct key_state {
	uint32_t kept;
	uint32_t no_list_line;          /* the first that read something else of it, 0: none */
	bool written, appended;
	struct key_list *list;          /* NULL: none was read */
};

/* The longest list read of a key.  Those that are its beginning share its memory. */
struct key_list {
	uint32_t *value;
	uint32_t count, room;
};

/* A process's operation under way is its record's number from 1 on. */
enum { PROCESS_FREE = 0 };
#define PROCESS_ENDED UINT32_MAX

/* A line's members, as they stand. */
enum member { M_PROCESS, M_TYPE, M_F, M_KEY, M_VALUE, M_CODE, M_ERROR, M_CREATE, MEMBERS };

struct history {
	struct ledger ledger;
	struct wire_names *names;
	struct buf scratch;             /* of a canonical form */
	char *problem;                  /* of the line that is fed */
	uint32_t line;
	bool ended;
	struct history_counts counts;

	struct texts keys, values, processes;
	struct key_state *key;
	size_t key_room;
	uint32_t *process;
	size_t process_room;
	struct record_piece **piece;    /* NULL once it has gone */
	size_t piece_room, pieces;
	uint32_t records;

	/* txn.c */
	struct arena arena;             /* micro-operations and lists */
	uint32_t *list;                 /* the one being read */
	size_t list_room;
	struct serial_txn *txn;         /* in the order of calls */
	size_t txn_room;
	uint32_t txns;

	/* sort.c: the end; arrays of counts.kept elements */
	struct lin_op *op;
	uint32_t *op_process;           /* of operations or transactions */
	uint32_t *first;                /* a key's operations are first[key] .. first[key + 1] */
	struct serial_txn *all;
};

/* Says what is wrong; returns -1. */
__attribute__((format(printf, 2, 3)))
int history_refuse(struct history *, const char *fmt, ...);

static inline struct record *history_record(const struct history *h, uint32_t i)
{
	return &h->piece[i / RECORDS_A_PIECE]->at[i % RECORDS_A_PIECE];
}

/* The canonical form of a JSON text, until the next. */
struct wire_text history_canonical(struct history *, struct wire_text json);
/* The number of a value; that of null is LIN_MISSING.  0, or -2. */
__attribute__((warn_unused_result))
int history_value_number(struct history *, struct wire_text json, uint32_t *number);
/* The same, but null is a value like any other: what is in a list. */
__attribute__((warn_unused_result))
int history_any_number(struct history *, struct wire_text json, uint32_t *number);
/* A key, from 0 on; a missing one is that of null.  0, or -2. */
__attribute__((warn_unused_result))
int history_key_number(struct history *, const struct wire_value *, uint32_t *key);

/* What the line says of a key: that it holds a register, or a list; 0 or -1. */
__attribute__((warn_unused_result))
int history_note_written(struct history *, uint32_t key);
__attribute__((warn_unused_result))
int history_note_appended(struct history *, uint32_t key);
__attribute__((warn_unused_result))
int history_note_read(struct history *, uint32_t key, struct wire_text value);

/* txn.c: a transaction begins, and is done; 0, -1 or -2. */
__attribute__((warn_unused_result))
int txn_begin(struct history *, struct record *, const struct wire_value *value);
__attribute__((warn_unused_result))
int txn_done(struct history *, const struct record *, const struct wire_value *value);
/* At the end: reads that came before it was known that their key holds a list. */
__attribute__((warn_unused_result))
int txn_settle(struct history *, struct serial_txn *);
/* A record that is no txn as a transaction. */
__attribute__((warn_unused_result))
int txn_of_record(struct history *, const struct record *, struct serial_txn *);

/* sort.c */
__attribute__((warn_unused_result))
int history_sort(struct history *);
void history_free_pieces(struct history *);

#endif
