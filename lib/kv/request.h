/*
 * request: inside the kv module, what a request's body asks for, read in one pass and checked.
 */
#ifndef KV_REQUEST_H
#define KV_REQUEST_H

#include "lib/kv/kv.h"
#include "lib/wire/wire.h"

enum request_type {
	REQUEST_WRITE, REQUEST_READ, REQUEST_CAS, REQUEST_DELETE, REQUEST_LIST, REQUEST_TXN,
	REQUEST_UNKNOWN,
};

/* Slices of the body, but for a key that did not come in canonical form. */
struct request {
	enum request_type type;
	struct wire_text key;           /* in canonical form; of write, read, cas, delete */
	struct wire_text value;         /* of write */
	struct wire_text from, to;      /* of cas */
	bool create;
	struct wire_text prefix;        /* of list, in canonical form */
	struct wire_text after;         /* in canonical form; p NULL: none */
	uint64_t limit;
	struct wire_text txn;           /* an array whose elements are well-formed */
	uint32_t ops;
	bool reads_only;                /* all of them are "r" */
	uint64_t seq;                   /* 0: no session */
	char session[KV_SESSION_ID_BYTES_MAX + 1];
	struct buf scratch[2];          /* keys made canonical */
};

/* NULL, or a clause for error 12 and then only the type is to be used.  To be released in any case. */
__attribute__((warn_unused_result))
const char *request_read(struct request *, const char *body, size_t len);

static inline void request_release(struct request *q)
{
	buf_release(&q->scratch[0]);
	buf_release(&q->scratch[1]);
}

enum request_type request_type(const char *name, size_t len);

/* The prefix of a list's or watch's body in canonical form; false if it is no string. */
__attribute__((warn_unused_result))
bool request_prefix(struct wire_text *prefix, const char *body, size_t len, struct buf *scratch);

/* NULL, or what is wrong with a key or a value. */
const char *request_key_fault(struct wire_text canonical);
const char *request_value_fault(struct wire_text);

/* An operation of a request's txn that request_read has let pass. */
struct request_op {
	enum { OP_READ, OP_WRITE, OP_APPEND } kind;
	struct wire_text json;          /* all of it */
	struct wire_text key, value;    /* as they came */
};

/* The next one; false at the end. */
bool request_op_next(struct wire_walk *, struct request_op *);

#endif
