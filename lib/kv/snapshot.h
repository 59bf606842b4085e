/*
 * snapshot: inside the kv module, a snapshot under way.
 *
 * Nothing is copied at its beginning.  Sessions are handed out from the oldest on, then keys in order; both
 * carry the index of their last change, which tells what is newer than the snapshot and so no part of it.  What is
 * about to change, is part of it, and was not handed out yet, is written to `early` first.
 */
#ifndef KV_SNAPSHOT_H
#define KV_SNAPSHOT_H

#include "lib/kv/record.h"
#include "lib/kv/session.h"

struct snapshot {
	bool on;
	bool keys_done;
	uint64_t index;                 /* what changed after it is no part */
	struct session *session;        /* the next to hand out; NULL: all were */
	struct buf key;                 /* the last one handed out; empty: none was */
	struct buf early;               /* lines */
};

void snapshot_release(struct snapshot *);

/* Before a change of it, if a snapshot is on. */
void snapshot_before_record(struct kv *, const struct record *);
void snapshot_before_session(struct kv *, const struct session *);

#endif
