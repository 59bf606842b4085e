/*
 * nodes: the list of nodes as a user writes it, `-n a,b=2` or a file.
 *
 * A file has a node a line: `name [weight [zone]]`, or a JSON object
 * {"name":..,"weight":..,"zone":..}; `#` starts a comment.  hashring-nodes(5).
 */
#ifndef SHARD_NODES_H
#define SHARD_NODES_H

#include "lib/ring/ring.h"

enum { NODES_SLACK = 16 };

/* Positions by name, an open hash table; nodes.c's. */
struct nodes_index {
	uint64_t *slot;         /* 32 bits of the name's hash, then position + 1; 0: free */
	uint64_t mask;
};

struct nodes {
	struct ring_node *at;
	uint32_t n, cap;
	struct ring_node *zone; /* names of zones 1 .. zones; a node of zone 0 gave none */
	uint32_t zones, zones_cap;
	char **text;            /* what the names point into; NODES_SLACK bytes more may be read */
	size_t texts;
	struct nodes_index index, zone_index;   /* while nodes are added */
};

struct nodes_fault {
	size_t line;            /* from 1; 0: no line's fault */
	char why[400];
};

/*
 * Adds to a zeroed or earlier list.  The text is copied.  0, or -1 with `fault`
 * set; then the list is fit for nodes_release alone.
 */
__attribute__((warn_unused_result))
int nodes_parse_list(struct nodes *, const char *text, struct nodes_fault *);
__attribute__((warn_unused_result))
int nodes_parse_file(struct nodes *, const char *text, size_t len, struct nodes_fault *);

/* One node, of a name not yet in the list.  The name outlives the list, NODES_SLACK bytes after it too; zone (NULL: none) is copied. */
__attribute__((warn_unused_result))
int nodes_add(struct nodes *, const char *name, size_t name_len, uint64_t weight, const char *zone,
	      size_t zone_len, struct nodes_fault *);

/* After the last was added: refuses a list of none, and lets go of what adding needed. */
__attribute__((warn_unused_result))
int nodes_end(struct nodes *, struct nodes_fault *);

/* Into the order of ring_node_cmp, for the name-based algorithms. */
void nodes_sort(struct nodes *);

/* The node of that name, or RING_NONE.  Linear: for an option's argument. */
uint32_t nodes_find(const struct nodes *, const char *name, size_t len);

/* kept[i]: where node i of `was` stands in `is`, or RING_NONE.  The caller frees it. */
uint32_t *nodes_kept(const struct nodes *was, const struct nodes *is);

/* Same names, weights and zones, whatever the order? */
bool nodes_equal(const struct nodes *, const struct nodes *);

/* "" for zone 0 */
const char *nodes_zone(const struct nodes *, uint32_t node);
void nodes_release(struct nodes *);

#endif
