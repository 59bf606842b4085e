/*
 * emit: the records with their owners, as lines on stdout: `record<TAB>node`,
 * a JSON object each, the records of one node alone, or the record's own JSON
 * with the owner written into it.
 */
#ifndef SHARD_EMIT_H
#define SHARD_EMIT_H

#include "lib/shard/route.h"

enum emit_format { EMIT_TEXT, EMIT_JSON, EMIT_SET };

struct emit {
	const struct route *route;
	enum emit_format format;
	char end;                       /* of an output record */
	uint32_t only;                  /* the node whose records are wanted, or RING_NONE: all */
	struct label *label;            /* emit.c's */
};

/* Prepares; route, format, end and only are set by the caller. */
void emit_init(struct emit *);
struct flow_sink emit_sink(struct emit *);
void emit_release(struct emit *);

enum { EMIT_JSON_NAME_MAX = 6 * RING_NAME_BYTES_MAX + 3 };      /* quotes and a comma too */

/* Appends the name of a node as a JSON string; room for EMIT_JSON_NAME_MAX.  Returns the new end. */
char *emit_json_name(char *o, const struct ring_node *);

/* The first of n names, or a list of all; room for EMIT_JSON_NAME_MAX each, and 2. */
char *emit_json_names(char *o, const struct ring_node *nodes, const uint32_t *owner, uint32_t n, bool list);

/* Appends names parted by commas; room for n * (RING_NAME_BYTES_MAX + 1). */
char *emit_names(char *o, const struct ring_node *nodes, const uint32_t *owner, uint32_t n);

#endif
