/*
 * state: inside the kv module, the machine's parts, and every change of a key.
 */
#ifndef KV_STATE_H
#define KV_STATE_H

#include "lib/kv/kv.h"
#include "lib/kv/answer.h"
#include "lib/kv/records.h"
#include "lib/kv/request.h"
#include "lib/kv/session.h"
#include "lib/kv/snapshot.h"

struct kv {
	struct records records;
	struct sessions sessions;
	struct snapshot snapshot;
	uint64_t applied;               /* the index of the last command, 0 before the first */
	kv_changed *changed;
	void *ctx;
};

/* Stores the value; r is the key's record or NULL. */
void state_put(struct kv *, uint64_t index, const struct key *, struct record *r, struct value);
void state_delete(struct kv *, uint64_t index, const struct key *, struct record *r);

/* The machine's answers, one function a type; `index` is that of the command. */
void apply_request(struct kv *, uint64_t index, const struct request *, struct buf *answer);
void read_request(const struct kv *, const struct request *, struct buf *answer);
void list_answer(const struct kv *, const struct request *, struct buf *answer);
/* All or nothing; the kv is not changed where all operations read. */
void txn_apply(struct kv *, uint64_t index, const struct request *, struct buf *answer);
void txn_answer(const struct kv *, const struct request *, struct buf *answer);

#endif
