/*
 * apply: committed entries to the machine, in order, and their answers to who asked.
 *
 * A turn applies no more than ENTRIES_A_TURN, so that a node which has much to catch up with still
 * hears and sends heartbeats.
 */
#include "lib/node/inside.h"

enum { ENTRIES_A_TURN = 8192, ANSWER_KEEP_BYTES = 1 << 16 };

void node_committed(struct node *n, uint64_t index)
{
	if (index > n->commit)
		n->commit = index;
}

void node_applied(struct node *n, uint64_t index, struct wire_text inside)
{
	n->applied = index;
	n->count.entries_applied++;
	request_applied(n, index, inside);
}

void node_machine_ready(struct node *n)
{
	n->machine_ready = true;
	if (n->loop)
		loop_again(n);
}

bool apply_behind(const struct node *n)
{
	return n->given < n->commit && n->machine->ready(n->m);
}

void apply_turn(struct node *n)
{
	for (int budget = ENTRIES_A_TURN; budget && n->given < n->commit && n->machine->ready(n->m); budget--) {
		uint64_t index = n->given + 1;

		n->answer.len = 0;
		n->given = index;
		if (n->machine->apply(n->m, index, node_entry(n, index), &n->answer))
			node_applied(n, index, (struct wire_text){ n->answer.at, n->answer.len });
	}
	if (n->answer.room > ANSWER_KEEP_BYTES)
		buf_clear(&n->answer, ANSWER_KEEP_BYTES);
	read_applied(n);
	log_evict(&n->log, NODE_CACHE_BYTES, n->applied < n->persisted ? n->applied : n->persisted);
}
