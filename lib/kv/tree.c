/*
 * Adding and removing go down once (Cormen et al., "B-trees"): a full node is split before it is
 * entered to add, one with the fewest items gets one more before it is entered to remove.
 *
 * Invariants: any node but the root has TREE_ITEMS_MIN .. TREE_ITEMS_MAX items; all leaves are equally deep; the
 * items of child i are before item i, those of child i + 1 after it.
 */
#include "lib/kv/tree.h"
#include "lib/base/err.h"
#include "lib/kv/canon.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static struct tree_node *node_new(bool leaf)
{
	size_t children = leaf ? 0 : TREE_ITEMS_MAX + 1;
	struct tree_node *node = must_malloc(sizeof(*node) + children * sizeof(node->child[0]));

	node->count = 0;
	node->leaf = leaf;
	return node;
}

/* The first item whose key is not before `key`; *exact: it is this key. */
static unsigned place(const struct tree_node *node, struct wire_text key, bool *exact)
{
	unsigned low = 0, high = node->count;

	*exact = false;
	while (low < high) {
		unsigned middle = (low + high) / 2;
		int c = canon_order(record_key(node->item[middle]), key);

		if (!c) {
			*exact = true;
			return middle;
		}
		if (c < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

void tree_init(struct tree *tree)
{
	tree->root = node_new(true);
}

void tree_release(struct tree *tree)
{
	struct tree_node *path[TREE_HEIGHT_MAX];
	unsigned at[TREE_HEIGHT_MAX] = { 0 }, depth = 0;

	path[0] = tree->root;
	for (;;) {
		struct tree_node *node = path[depth];

		if (!node->leaf && at[depth] <= node->count) {
			path[depth + 1] = node->child[at[depth]++];
			at[++depth] = 0;
			continue;
		}
		free(node);
		if (!depth--)
			break;
	}
}

/* --- Moving items within and between nodes --- */

static void item_insert(struct tree_node *node, unsigned at, struct record *item)
{
	memmove(&node->item[at + 1], &node->item[at], (node->count - at) * sizeof(node->item[0]));
	node->item[at] = item;
	node->count++;
}

static void item_take(struct tree_node *node, unsigned at)
{
	node->count--;
	memmove(&node->item[at], &node->item[at + 1], (node->count - at) * sizeof(node->item[0]));
}

/* Before the node's count takes account of it. */
static void child_insert(struct tree_node *node, unsigned at, struct tree_node *child)
{
	memmove(&node->child[at + 1], &node->child[at], (node->count + 1u - at) * sizeof(node->child[0]));
	node->child[at] = child;
}

static void child_take(struct tree_node *node, unsigned at)
{
	memmove(&node->child[at], &node->child[at + 1], (node->count - at) * sizeof(node->child[0]));
}

/* The full child i becomes two, with its middle item between them. */
static void split_child(struct tree_node *node, unsigned i)
{
	struct tree_node *left = node->child[i], *right = node_new(left->leaf);
	unsigned middle = TREE_ITEMS_MIN;

	assert(left->count == TREE_ITEMS_MAX && node->count < TREE_ITEMS_MAX);
	right->count = (uint16_t)(TREE_ITEMS_MAX - middle - 1);
	memcpy(right->item, &left->item[middle + 1], right->count * sizeof(right->item[0]));
	if (!left->leaf)
		memcpy(right->child, &left->child[middle + 1], (right->count + 1u) * sizeof(right->child[0]));
	left->count = (uint16_t)middle;
	child_insert(node, i + 1, right);
	item_insert(node, i, left->item[middle]);
}

/* Child i, item i and child i + 1 become one, which is returned. */
static struct tree_node *merge_children(struct tree_node *node, unsigned i)
{
	struct tree_node *left = node->child[i], *right = node->child[i + 1];

	assert(left->count + right->count < TREE_ITEMS_MAX);
	left->item[left->count] = node->item[i];
	memcpy(&left->item[left->count + 1], right->item, right->count * sizeof(right->item[0]));
	if (!left->leaf)
		memcpy(&left->child[left->count + 1], right->child, (right->count + 1u) * sizeof(right->child[0]));
	left->count = (uint16_t)(left->count + 1 + right->count);
	free(right);
	child_take(node, i + 1);
	item_take(node, i);
	return left;
}

/* Child i, with an item from a neighbour or merged with one if it has the fewest. */
static struct tree_node *enter_child(struct tree_node *node, unsigned i)
{
	struct tree_node *child = node->child[i];
	struct tree_node *left = i > 0 ? node->child[i - 1] : NULL;
	struct tree_node *right = i < node->count ? node->child[i + 1] : NULL;

	if (child->count > TREE_ITEMS_MIN)
		return child;
	if (left && left->count > TREE_ITEMS_MIN) {
		if (!child->leaf)
			child_insert(child, 0, left->child[left->count]);
		item_insert(child, 0, node->item[i - 1]);
		node->item[i - 1] = left->item[--left->count];
		return child;
	}
	if (right && right->count > TREE_ITEMS_MIN) {
		child->item[child->count++] = node->item[i];
		if (!child->leaf)
			child->child[child->count] = right->child[0];
		node->item[i] = right->item[0];
		if (!right->leaf)
			child_take(right, 0);
		item_take(right, 0);
		return child;
	}
	return merge_children(node, left ? i - 1 : i);
}

/* --- Changes --- */

void tree_add(struct tree *tree, struct record *r)
{
	struct tree_node *node = tree->root;
	bool exact;
	unsigned i;

	if (node->count == TREE_ITEMS_MAX) {
		tree->root = node_new(false);
		tree->root->child[0] = node;
		split_child(tree->root, 0);
		node = tree->root;
	}
	for (;;) {
		i = place(node, record_key(r), &exact);
		assert(!exact);
		if (node->leaf)
			break;
		if (node->child[i]->count == TREE_ITEMS_MAX) {
			split_child(node, i);
			i += canon_order(record_key(node->item[i]), record_key(r)) < 0;
		}
		node = node->child[i];
	}
	item_insert(node, i, r);
}

/*
 * Item i of an inner node gives way to its neighbour in order, taken from a leaf: NULL.  Or, where neither
 * child could spare one, it has moved into the node that is returned.
 */
static struct tree_node *remove_inner(struct tree_node *node, unsigned i)
{
	struct record **gap = &node->item[i];
	bool before = node->child[i]->count > TREE_ITEMS_MIN;

	if (!before && node->child[i + 1]->count == TREE_ITEMS_MIN)
		return merge_children(node, i);
	node = node->child[before ? i : i + 1];
	while (!node->leaf)
		node = enter_child(node, before ? node->count : 0);
	*gap = node->item[before ? node->count - 1 : 0];
	item_take(node, before ? node->count - 1u : 0);
	return NULL;
}

void tree_remove(struct tree *tree, struct wire_text key)
{
	struct tree_node *node = tree->root, *root = node;
	bool exact;
	unsigned i;

	while (node) {
		i = place(node, key, &exact);
		if (node->leaf) {
			assert(exact);
			item_take(node, i);
			break;
		}
		node = exact ? remove_inner(node, i) : enter_child(node, i);
	}
	if (!root->count && !root->leaf) {
		tree->root = root->child[0];
		free(root);
	}
}

void tree_replace(struct tree *tree, struct wire_text key, struct record *by)
{
	struct tree_node *node = tree->root;
	bool exact;
	unsigned i = place(node, key, &exact);

	while (!exact) {
		assert(!node->leaf);
		node = node->child[i];
		i = place(node, key, &exact);
	}
	node->item[i] = by;
}

/* --- In order --- */

static void walk_enter(struct tree_walk *walk, const struct tree_node *node, unsigned at)
{
	assert(walk->depth < TREE_HEIGHT_MAX);
	walk->node[walk->depth] = node;
	walk->at[walk->depth++] = (uint16_t)at;
}

static void walk_leave_ended(struct tree_walk *walk)
{
	while (walk->depth && walk->at[walk->depth - 1] == walk->node[walk->depth - 1]->count)
		walk->depth--;
}

void tree_seek(struct tree_walk *walk, const struct tree *tree, struct wire_text key, bool after)
{
	const struct tree_node *node = tree->root;
	bool exact = false;

	walk->depth = 0;
	for (;;) {
		unsigned i = key.len ? place(node, key, &exact) : 0;

		walk_enter(walk, node, i);
		if (exact || node->leaf)
			break;
		node = node->child[i];
	}
	walk_leave_ended(walk);
	if (exact && after)
		tree_next(walk);
}

struct record *tree_next(struct tree_walk *walk)
{
	const struct tree_node *node;
	struct record *r;
	unsigned i;

	if (!walk->depth)
		return NULL;
	node = walk->node[walk->depth - 1];
	i = walk->at[walk->depth - 1]++;
	r = node->item[i];
	if (!node->leaf) {
		for (node = node->child[i + 1]; !node->leaf; node = node->child[0])
			walk_enter(walk, node, 0);
		walk_enter(walk, node, 0);
	}
	walk_leave_ended(walk);
	return r;
}
