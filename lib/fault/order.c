/* order: the text that an order owns. */
#include "lib/fault/fault.h"

#include <stdlib.h>
#include <string.h>

void fault_order_release(struct fault_order *o)
{
	free(o->nodes);
	o->nodes = NULL;
}

bool fault_order_copy(struct fault_order *to, const struct fault_order *from)
{
	char *nodes = NULL;

	if (from->nodes) {
		size_t bytes = strlen(from->nodes) + 1;

		nodes = malloc(bytes);
		if (!nodes)
			return false;
		memcpy(nodes, from->nodes, bytes);
	}
	*to = *from;
	to->nodes = nodes;
	return true;
}
