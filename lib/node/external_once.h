/*
 * external_once: inside the external machine, the sessions that make a request happen once, by the rules and
 * limits of lib/kv (kv.h).
 *
 * A command enters when it is given to the program, and its answer is kept when it comes; others enter
 * meanwhile.  What is forgotten has to depend on the commands and their order alone, as it is on every other
 * node: so no more commands may be under way than once_room says, or an answer could push out a session that a
 * later command has entered already.
 */
#ifndef NODE_EXTERNAL_ONCE_H
#define NODE_EXTERNAL_ONCE_H

#include "lib/kv/kv.h"
#include "lib/wire/wire.h"

#include <sodium.h>

enum { ONCE_BUCKETS = 16384 };

struct once_session;

struct once {
	struct once_session *bucket[ONCE_BUCKETS];
	struct once_session *oldest, *newest;        /* by their last use */
	size_t count;
	size_t kept_bytes;                      /* of answers */
	unsigned char key[crypto_shorthash_KEYBYTES];   /* so that nobody can choose ids that collide */
};

/* All zero but for the key is an empty one. */
void once_init(struct once *);
void once_release(struct once *);

enum once_verdict {
	ONCE_APPLY,          /* once_keep has to follow */
	ONCE_REPEAT,         /* once_answer has the answer once all that was entered before is answered */
	ONCE_FORGOTTEN,      /* it may have happened: error 13 */
	ONCE_EARLY,          /* it did not happen: error 14 */
};

/* The session is valid until its answer came. */
enum once_verdict once_enter(struct once *, uint64_t index, struct wire_text id, uint64_t seq,
			     struct once_session **);
void once_keep(struct once *, struct once_session *, uint64_t seq, struct wire_text result);

/* p NULL: it was too long to be kept. */
struct wire_text once_answer(const struct once_session *, uint64_t seq);

/* May one more command be under way besides so many of sessions? */
bool once_room(const struct once *, size_t under_way);

/* Lines of a snapshot, the session longest unused first; none is under way. */
void once_put(const struct once *, struct buf *lines);
/* The next of them, an object that was checked; false if it is none. */
__attribute__((warn_unused_result))
bool once_load(struct once *, struct wire_text line);

#endif
