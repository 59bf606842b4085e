/*
 * tree: inside the kv module, the records in the order of their keys (canon_order).
 *
 * A B-tree (Bayer and McCreight 1972) whose items are pointers, each once, at 8 to 16 bytes of node a
 * record.  It is touched when a key comes, goes or moves, and by what reads in order: lists and snapshots.
 */
#ifndef KV_TREE_H
#define KV_TREE_H

#include "lib/kv/record.h"

#include <stdbool.h>

enum {
	TREE_ITEMS_MAX = 63,            /* of a node, and odd */
	TREE_ITEMS_MIN = TREE_ITEMS_MAX / 2,    /* of any but the root */
	TREE_HEIGHT_MAX = 13,           /* 32^13 is beyond all memory */
};

struct tree_node {
	uint16_t count;
	bool leaf;
	struct record *item[TREE_ITEMS_MAX];
	struct tree_node *child[];      /* count + 1, if it is no leaf: those before each item and after the last */
};

struct tree {
	struct tree_node *root;
};

void tree_init(struct tree *);
void tree_release(struct tree *);       /* not the records */

void tree_add(struct tree *, struct record *);          /* its key is not there */
void tree_remove(struct tree *, struct wire_text key);  /* it is */
/* The record of the key is now this one. */
void tree_replace(struct tree *, struct wire_text key, struct record *by);

/* A place in the tree; any change of the tree ends it. */
struct tree_walk {
	const struct tree_node *node[TREE_HEIGHT_MAX];
	uint16_t at[TREE_HEIGHT_MAX];
	uint32_t depth;                 /* the item is at[depth - 1] of node[depth - 1]; 0: at the end */
};

/* To the first record whose key is not before `key`, or that is `after` it. */
void tree_seek(struct tree_walk *, const struct tree *, struct wire_text key, bool after);
/* The record there, and goes to the next; NULL at the end. */
struct record *tree_next(struct tree_walk *);

#endif
