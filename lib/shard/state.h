/*
 * state: the file that keeps a numbering (anchor, jump, slots), so that no
 * change of a list renumbers by accident.  hashring-nodes(5) draws the format.
 */
#ifndef SHARD_STATE_H
#define SHARD_STATE_H

#include "lib/shard/nodes.h"

struct state {
	const struct ring_algo *algo;
	struct nodes nodes;
	struct ring_state numbering;
	uint64_t key_print;             /* tells one hash key from another; 0: the default key */
};

/* Does the text begin as a state file does? */
bool state_is(const char *text, size_t len);

/* 0; or -1 with `fault` set, and nothing to release.  The text is copied. */
__attribute__((warn_unused_result))
int state_parse(struct state *, const char *text, size_t len, struct nodes_fault *);

/*
 * An update of the file at `path`: begin before the old state is read, and wait there for
 * another update under way; save writes beside it, flushes and renames (a link
 * is followed, the file's mode stays).  Both end the process
 * with status 4 when they cannot, and the old file stays.
 */
int state_begin(const char *path);
void state_save(const struct state *, int begun);

void state_release(struct state *);

/* What `key_print` is for this SipHash key. */
uint64_t state_key_print(const uint8_t key[16]);

#endif
