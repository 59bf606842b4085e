/*
 * wire: the envelope of every line between programs, and the bodies inside it.
 *
 *     {"src":"c1","dest":"n1","body":{"type":"read","msg_id":1,"key":"x"}}
 *
 * A line is read in one pass that checks all of it (lib/json's scan: as strict as jansson) and
 * builds no tree; a body stays the text it came as.  Nothing here knows a protocol: a
 * message of one is told apart by its type and read by wire_body with that protocol's names.
 *
 * Texts are slices of the line, valid as long as it is; a string's slice is without its
 * quotes and still escaped where `escaped` says so.  Nothing is kept.
 */
#ifndef WIRE_WIRE_H
#define WIRE_WIRE_H

#include "lib/base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	WIRE_NAME_BYTES_MAX = 64,       /* of src and dest */
	WIRE_DEPTH_MAX = 100,           /* containers in each other in a request, the line's object counted */
	WIRE_LINE_BYTES_MAX = 16 << 20, /* the default limit of a line */
	WIRE_FIELDS_MAX = 12,           /* asked of a body at once */
};
#define WIRE_NUMBER_MAX (UINT64_C(1) << 53)

/* Codes of an error body.  0 and 13 leave open whether the request happened; the others say it did not. */
enum wire_code {
	WIRE_TIMEOUT = 0,
	WIRE_NOT_SUPPORTED = 10,
	WIRE_UNAVAILABLE = 11,
	WIRE_MALFORMED = 12,
	WIRE_CRASH = 13,
	WIRE_ABORT = 14,
	WIRE_NO_KEY = 20,
	WIRE_KEY_EXISTS = 21,
	WIRE_PRECONDITION = 22,
	WIRE_TXN_CONFLICT = 30,
};

struct wire_text {
	const char *p;                  /* NULL: there was none */
	size_t len;
};

enum wire_kind { WIRE_ABSENT, WIRE_STRING, WIRE_NUMBER, WIRE_OTHER };   /* OTHER: object, array, true, false, null */

struct wire_value {
	enum wire_kind kind;
	struct wire_text json;          /* as it stands, quotes included */
	bool escaped;                   /* a string with a backslash */
};

struct wire_line {
	struct wire_text src, dest, type;       /* decoded where they were escaped: then in `decoded` */
	struct wire_text body;          /* an object, braces included */
	struct wire_value msg_id, in_reply_to;
	struct wire_value at;           /* beside src and dest: virtual time */
	bool deep;                      /* taken, and deeper than WIRE_DEPTH_MAX: nothing to wrap and send on */
	const char *error;              /* after -1: one clause, a constant */
	size_t error_at;                /* the byte, from 0 */
	char decoded[3][WIRE_NAME_BYTES_MAX + 1];
};

/*
 * 0; or -1 where the line is not a message: error says why, and src, msg_id, type are
 * given where they could be read all the same, so that a request can be answered.
 *
 * A line with a msg_id may be WIRE_DEPTH_MAX deep, any other as deep as lib/json's scan goes: what carries
 * a request on from node to node wraps it, and has to pass where the request did.
 */
__attribute__((warn_unused_result))
int wire_parse(struct wire_line *, const char *line, size_t len);

/*
 * src and dest alone, for a router that leaves the rest to others: checks no more than it has to.  -1 where
 * they are not to be found so, as a name with an escape is not: wire_parse decodes it, or says what is wrong.
 */
__attribute__((warn_unused_result))
int wire_route(const char *line, size_t len, struct wire_text *src, struct wire_text *dest);

/*
 * Members of a body that wire_parse has taken, by name (NULL ends the names, at most WIRE_FIELDS_MAX); absent
 * ones are WIRE_ABSENT.  A set of names is prepared once.
 */
struct wire_names;
struct wire_names *wire_names_new(const char *const *names);
void wire_names_free(struct wire_names *);
void wire_body(const struct wire_names *, struct wire_text body, struct wire_value *out);

/* Is it a whole number 0 .. WIRE_NUMBER_MAX without sign, point or exponent? */
bool wire_u64(const struct wire_value *, uint64_t *);
bool wire_true(const struct wire_value *);
bool wire_null(const struct wire_value *);
/* A string's characters, at most max bytes and a NUL; false if it is no string, longer, or has a NUL in it. */
bool wire_string(const struct wire_value *, char *out, size_t max);
/* Is it the string `s`, however escaped? */
bool wire_is(const struct wire_value *, const char *s);

/*
 * Walks the elements of an array that has been checked.  `each` starts as the array's json and is moved on;
 * false at the end, or if it is no array.
 */
struct wire_walk { const char *p, *end; };
bool wire_walk_init(struct wire_walk *, struct wire_text array);
bool wire_walk_next(struct wire_walk *, struct wire_value *element);
/* The next element's members, as wire_body reads them, in the same pass; false at the end, or where it is no object. */
bool wire_walk_body(struct wire_walk *, const struct wire_names *, struct wire_value *out);
bool wire_walk_ended(const struct wire_walk *);

/* --- Writing --- */

/* A JSON string with quotes. */
void wire_put_string(struct buf *, const char *s, size_t len);

/* `{"src":"SRC","dest":"DEST","body":{` and, at the end, `}}` and a newline.  Between them go `"type":...` and members. */
void wire_begin(struct buf *, const char *src, size_t src_len, const char *dest, size_t dest_len);
void wire_end(struct buf *);

/* A whole error line; in_reply_to is the request's msg_id as it stood. */
void wire_error(struct buf *, const char *src, struct wire_text dest, struct wire_text msg_id, enum wire_code,
		const char *text);

/* The usual text of a code, as `key does not exist`. */
const char *wire_code_text(enum wire_code);

#endif
