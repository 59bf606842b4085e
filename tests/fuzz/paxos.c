/*
 * libFuzzer: no line between Paxos nodes, and none of a client, ends a node or has it say what is no message: see node.h.  The node
 * votes from its start on, or is one that has to hear of the others first; it may be no acceptor, or no proposer.
 */
#include "lib/proto/paxos.h"
#include "lib/proto/paxos_body.h"

#include "tests/fuzz/node.h"

enum { NEW = FUZZ_OWN, NO_ACCEPTOR = 2 * FUZZ_OWN, NO_PROPOSER = 4 * FUZZ_OWN, THREE_AND_ONE = 8 * FUZZ_OWN };

static const char *fuzz_judge(const struct wire_line *line)
{
	static struct paxos_names *names;
	static struct paxos_texts texts;
	struct paxos_message m;
	struct wire_value data;
	const char *why = NULL;

	if (!names)
		names = paxos_names_new();
	paxos_body_read(names, line, &m, &texts, &data, &why);
	return why;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct paxos_own own = { .roles = PAXOS_ALL_ROLES };

	if (!size)
		return 0;
	own.founding = !(data[0] & NEW);
	if (data[0] & NO_ACCEPTOR)
		own.roles &= ~(unsigned)PAXOS_ACCEPTOR;
	if (data[0] & NO_PROPOSER)
		own.roles &= ~(unsigned)PAXOS_PROPOSER;
	if (data[0] & THREE_AND_ONE && !(data[0] & FUZZ_ALONE)) {
		own.quorums.count1 = 3;
		own.quorums.count2 = 1;
	}
	fuzz_node(&paxos_protocol, &own, data, size);
	return 0;
}
