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

/* Writes beside `path`, flushes, renames over it.  Ends the process with status 4 when it cannot. */
void state_save(const struct state *, const char *path);

void state_release(struct state *);

/* What `key_print` is for this SipHash key. */
uint64_t state_key_print(const uint8_t key[16]);

#endif
