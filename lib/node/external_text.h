/*
 * external_text: inside the external machine, what the texts say: a command of the log, an answer of the program.
 *
 * An answer is any text until it was read here; what is given of it is JSON that every message can carry.
 */
#ifndef NODE_EXTERNAL_TEXT_H
#define NODE_EXTERNAL_TEXT_H

#include "lib/kv/kv.h"
#include "lib/wire/wire.h"

#define TEXTS_APPLY_OK "\"type\":\"apply_ok\",\"result\":"

struct texts {
	struct wire_names *command_names, *answer_names, *line_names;
	struct buf message;             /* around the answer last read */
};

void texts_init(struct texts *);
void texts_release(struct texts *);

/* {"type":"apply","command":VALUE,"session":ID,"seq":N} */
struct command {
	bool is_apply;                  /* else it is none of this machine's, and the rest says nothing */
	struct wire_text value;
	uint64_t seq;                   /* 0: no session */
	char session[KV_SESSION_ID_BYTES_MAX + 1];
};

/* NULL, or why it is malformed. */
const char *texts_command(const struct texts *, struct wire_text body, struct command *);

/* NULL and the JSON value that the line is, valid until the next call; or a clause that says what else it is. */
const char *texts_answer(struct texts *, const char *line, size_t len, struct wire_text *value);

/* Gives back the memory of a long one. */
void texts_forget(struct texts *);

/* Of such a value.  Is it {"restored":true}? */
bool texts_restored(const struct texts *, struct wire_text value);
/* STATE, if it is {"snapshot":STATE}; p NULL: the program gives no snapshots. */
struct wire_text texts_snapshot(const struct texts *, struct wire_text value);

/* STATE, if it is {"state":STATE}, a line of our snapshots; p NULL: it is another line. */
struct wire_text texts_state(const struct texts *, struct wire_text line);

#endif
