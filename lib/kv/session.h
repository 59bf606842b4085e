/*
 * session: inside the kv module, the clients that want a request to happen once (Ongaro's dissertation, 6.3).
 *
 * All sessions are in the order of their last use, which is also that of their `last`: no two have the same,
 * as one command uses one session.  The oldest go, by rules that depend on nothing but the commands: see
 * KV_SESSIONS_MAX, KV_SESSION_ENTRIES, KV_ANSWERS_BYTES_MAX.
 */
#ifndef KV_SESSION_H
#define KV_SESSION_H

#include "lib/kv/kv.h"
#include "lib/kv/table.h"
#include "lib/wire/wire.h"

/* An answer that is none of the few most are. */
struct kept {
	uint32_t len;
	char text[];
};

struct session {
	struct session *older, *newer;
	uint64_t last;                          /* index of the command that last used it */
	uint64_t seq;                           /* of the last request applied */
	uint8_t kind[KV_ANSWERS_KEPT];          /* of the answer to seq, at seq % KV_ANSWERS_KEPT */
	struct kept **kept;                     /* texts, by the same places; NULL while there are none */
	uint32_t id_len;
	char id[];
};

struct sessions {
	struct table table;
	struct session *oldest, *newest;
	uint64_t count;
	uint64_t kept_bytes;                    /* of all texts */
	bool unsorted;                          /* loaded, and not yet put in order */
};

void sessions_init(struct sessions *);
void sessions_release(struct sessions *);

/* In order after a load. */
void sessions_sort(struct sessions *);

/* Those unused for too long before this index go. */
void sessions_expire(struct kv *, uint64_t index);

/*
 * A request of the session comes at this index.  Either it is to be applied, and session_keep must follow; or
 * it is answered here, and NULL is returned.
 */
struct session *session_enter(struct kv *, uint64_t index, const char *id, uint64_t seq, struct buf *answer);
/* The answer to the request just entered. */
void session_keep(struct kv *, struct session *, const char *answer, size_t len);

/* How many answers there are, and each, i = 0 the oldest. */
uint64_t session_answers(const struct session *);
struct wire_text session_answer(const struct session *, uint64_t i);

/*
 * A session as a snapshot has it, NULL if it cannot be.  All its answers must follow, oldest first; where one
 * cannot be either, the session is to be removed again.
 */
struct session *session_load(struct kv *, const char *id, uint64_t last, uint64_t seq);
bool session_load_answer(struct kv *, struct session *, uint64_t i, struct wire_text answer);
void session_remove(struct kv *, struct session *);

#endif
