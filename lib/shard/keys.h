/* keys: which bytes of a record are its key: all, a field, or the value at a path of a JSON line. */
#ifndef SHARD_KEYS_H
#define SHARD_KEYS_H

#include "lib/json/scan.h"
#include "lib/shard/flow.h"

struct keys_conf {
	uint64_t field;                 /* from 1; 0: the whole record */
	char separator;                 /* of fields */
	const struct json_path *path;   /* the key's, or NULL */
	const struct json_path *set;    /* where the owner goes, or NULL; needs `path` */
};

/* A batch's keys.  Zeroed before its first use. */
struct keys {
	struct ring_key key[FLOW_BATCH];
	struct json_found set[FLOW_BATCH];      /* what stands at conf.set */
	char *text;                             /* strings that had escapes */
	size_t text_cap;
};

/*
 * The keys of n records, valid until the next call or the records' end.
 * Returns how many; where fewer, flow_fail told what is wrong with the next.
 */
size_t keys_take(const struct keys_conf *, struct keys *, struct flow_work *, const struct ring_key *record, size_t n);
void keys_release(struct keys *);

#endif
