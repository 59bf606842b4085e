/*
 * kv: the replicated state machine: keys and values that are any JSON, and the sessions that make a
 * request happen once.  Deterministic: the same commands in the same order give the same
 * answers and the same state on every node; no clock, no random source.
 *
 * A command is the text of a client's request body; an answer is the inside of the answering body without braces and
 * in_reply_to: `"type":"read_ok","value":7`, `"type":"error","code":20,"text":"key does not exist"`.
 * Commands come from a log that wire has checked: a body is one JSON object; its fields may be anything.
 *
 * A key is what its JSON means: "a" and "\u0061" are one key, 1 and "1" two; 1.0, 1 and 1e0 are numbers as jansson
 * tells them apart (an integer and a real differ).  cas compares values likewise, members of objects in any order.
 * A value is stored as the text it came as.
 *
 * Sessions (exactly once): a request with `"session":ID,"seq":N` is applied if N is one more than the session's last
 * (a new session starts at 1); a repeat among the last KV_ANSWERS_KEPT gets its first answer; see kv_apply.  They
 * expire by log time, which is the index of entries.
 *
 * Memory: about a key's and value's bytes, 150 more a key, and the sessions; no tree of a value is kept.
 */
#ifndef KV_KV_H
#define KV_KV_H

#include "lib/base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	KV_SESSION_ID_BYTES_MAX = 64,
	KV_SESSIONS_MAX = 65536,                /* more: the one longest unused goes */
	KV_SESSION_ENTRIES = 1 << 22,           /* a session unused for so many entries goes */
	KV_ANSWERS_KEPT = 16,                   /* of a session */
	KV_ANSWER_BYTES_MAX = 1 << 20,          /* of one that is kept; a repeat of a longer one gets error 13 */
	KV_ANSWERS_BYTES_MAX = 64 << 20,        /* of all that are kept; beyond, the session longest unused goes */
	KV_KEY_BYTES_MAX = 64 << 10,
	KV_VALUE_BYTES_MAX = 12 << 20,          /* a list that is appended to, too: it has to fit into a line */
	KV_DEPTH_MAX = 100,                     /* containers in each other, of a key or a value: more than wire lets pass */
	KV_LIST_LIMIT_MAX = 10000, KV_LIST_LIMIT = 1000,
	KV_LIST_BYTES_MAX = 4 << 20,            /* of an answer: `more` is true where it was cut */
	KV_TXN_OPS_MAX = 1000,
	KV_TXN_BYTES_MAX = 4 << 20,             /* of an answer: a txn with a longer one is refused, error 14 */
	KV_WATCHES_MAX = 1000,
};

struct kv;

/* seed: of the hash of keys, so that nobody can choose keys that collide; it changes no answer. */
struct kv *kv_new(uint64_t seed);
void kv_free(struct kv *);

/* --- Requests before they are commands --- */

enum kv_class {
	KV_READ,                /* read, list, and a txn of reads alone, without a session: needs no log entry */
	KV_WRITE,               /* goes through the log: write, cas, delete, txn, and whatever has a session */
	KV_UNKNOWN,             /* none of the machine's types */
};

/*
 * What a request is, by its type and body; and whether it is well-formed, so that malformed ones never
 * enter the log: error is NULL, or a clause for error 12 (a missing key, a txn of the wrong shape, a
 * seq without a session, ...).
 */
enum kv_class kv_classify(const char *type, size_t type_len, const char *body, size_t len, const char **error);

/* --- Applying and reading --- */

/* A change of a key, for watchers: value is NULL where it was deleted.  Valid during the call. */
typedef void kv_changed(void *ctx, uint64_t index, const char *key, size_t key_len, const char *value, size_t value_len);
void kv_on_change(struct kv *, kv_changed *, void *ctx);

/*
 * Applies the committed command at `index` (they come in order; an index may be left out) and appends the answer.
 * Types it does not know, as noop and config, change nothing and answer error 10.
 *
 * With a session: seq = last + 1 (or 1 for a new one) is applied; a repeat of a kept seq is answered as the first
 * time; an older one, or a new session with seq > 1 (expired), is error 13: whether it happened cannot be told any more;
 * seq > last + 1 is error 14: it did not happen, and it may come again in its turn.
 */
void kv_apply(struct kv *, uint64_t index, const char *body, size_t len, struct buf *answer);

/* Answers a KV_READ from the state as it is. */
void kv_read(const struct kv *, const char *body, size_t len, struct buf *answer);

/* Does the key (as in kv_changed) begin with the prefix of a watch's or a list's body?  Keys that are no strings match the empty one. */
bool kv_prefix_matches(const char *body, size_t len, const char *key, size_t key_len);

/* --- Snapshots --- */

/*
 * A snapshot of the state as it is at kv_snapshot_begin, handed out in slices while commands go on being applied: what a command
 * changes before its turn came is kept for the snapshot first.  One at a time.  kv_snapshot_next appends some JSON
 * texts, each followed by '\n' (no checksum), of about `bytes`, and returns true; once all were given it appends
 * nothing and returns false.  A slice may be empty and others follow.
 */
void kv_snapshot_begin(struct kv *);
bool kv_snapshot_next(struct kv *, size_t bytes, struct buf *lines);
void kv_snapshot_abandon(struct kv *);

/* Into an empty kv: one line of a snapshot; false if it is none. */
__attribute__((warn_unused_result))
bool kv_snapshot_load(struct kv *, const char *line, size_t len);

/* --- Figures --- */

uint64_t kv_keys(const struct kv *);
uint64_t kv_bytes(const struct kv *);           /* of keys and values */
uint64_t kv_sessions(const struct kv *);
/* A hash of the whole state (keys, values, sessions) that does not depend on the seed: equal states, equal hashes. */
uint64_t kv_fingerprint(const struct kv *);

#endif
