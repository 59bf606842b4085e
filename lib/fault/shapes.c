/*
 * shapes: partitions drawn over all nodes.  The shapes are those of Jepsen's nemeses; a shape with its nodes drawn says the same
 * partition again.
 */
#include "lib/fault/inside.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { DRAW_SIZE, DRAW_NODES };         /* the nodes take as many draws as there are */

static size_t first_size(enum fault_shape shape, size_t n, struct fault_stream s)
{
	size_t least = n / 2 + 1;

	switch (shape) {
	case FAULT_HALVES:
		return n / 2 + (size_t)fault_below(s, DRAW_SIZE, n % 2 + 1);
	case FAULT_MAJORITY:
		return least >= n ? n - 1 : least + (size_t)fault_below(s, DRAW_SIZE, n - least);
	case FAULT_MINORITY_THIRD:
		return n > 3 ? (n - 1) / 3 : 1;
	case FAULT_ONE:
		return 1;
	case FAULT_BRIDGE:
		return (n - 1) / 2 + (size_t)fault_below(s, DRAW_SIZE, (n - 1) % 2 + 1);
	default:
		return n;
	}
}

/* The comma before node i becomes a bar. */
static void part_before(char *text, size_t node)
{
	while (node && (text = strchr(text, ',')))
		if (--node)
			text++;
	assert(text);
	*text = '|';
}

char *fault_shape_drawn(struct fault_net *net, const struct fault_order *o, struct fault_stream s)
{
	size_t n = net->options.node_count, first = first_size(o->shape, n, s);
	char *text;

	fault_names_pick(net, n, n, s, DRAW_NODES);
	text = fault_names_of_pool(net, n);
	if (!text || o->shape == FAULT_RING)
		return text;
	/* Beyond the bar there is one comma less. */
	part_before(text, first);
	if (o->shape == FAULT_BRIDGE)
		part_before(text, first);
	return text;
}
