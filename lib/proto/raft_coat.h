/*
 * raft_coat: inside the coat of lib/raft: what its files share.
 *
 * raft.c makes the steps, raft_load.c what the disk held, raft_status.c says what is so.
 */
#ifndef PROTO_RAFT_COAT_H
#define PROTO_RAFT_COAT_H

#include "lib/node/node.h"
#include "lib/proto/raft_body.h"
#include "lib/raft/raft.h"

struct coat {
	struct node *node;
	struct raft *core;
	struct raft_names *names;
	struct raft_texts in, own;      /* of a message; of proposals and what is loaded */
	uint64_t deadline_ns;
	bool leading, transferring;
	raft_index loaded_last;         /* while the log is loaded */
	struct buf command;             /* an entry of the core's making */
	struct buf chunk;               /* of a snapshot that comes in */
	/* The entries of the last append that was written: the next follower mostly gets the same. */
	struct buf entries;
	raft_index entries_prev;
	uint32_t entries_count;
};

/* The first record of a snapshot; false: it is none of Raft's. */
bool raft_header_read(const char *header, size_t len, struct raft_snapshot *, struct raft_config *);

/* --- For struct protocol --- */

void *raft_coat_open(struct node *, const struct node_options *, const char *const *members, size_t count,
		     const char **why);
void raft_coat_close(void *);
const char *raft_coat_load_snapshot(void *, const char *header, size_t len, uint64_t bytes);
const char *raft_coat_load_record(void *, const char *json, size_t len, struct store_pos);
bool raft_coat_entry_of(const char *json, size_t len, uint64_t *index, struct wire_text *command);

const char *raft_coat_leader(void *);
bool raft_coat_leading(void *);
uint64_t raft_coat_epoch(void *);
int raft_coat_member(void *, const char *name);
void raft_coat_status(void *, json_t *, uint64_t last_applied);

#endif
