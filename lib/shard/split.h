/* split: a file a node in a directory, each with the node's records in input order. */
#ifndef SHARD_SPLIT_H
#define SHARD_SPLIT_H

#include "lib/shard/route.h"

struct split {
	const struct route *route;
	const char *directory;
	char end;                       /* of a record */
	int input;                      /* when it would block, what is held is written; -1: none */
	struct split_file *file;        /* split.c's, one a node */
	size_t buffer_bytes;
};

/* Makes the directory and the files, the descriptor limit allowing, or ends the process. */
void split_init(struct split *);
struct flow_sink split_sink(struct split *);

/* Writes what is held and closes; ends the process with status 4 where anything was lost. */
void split_end(struct split *);

#endif
