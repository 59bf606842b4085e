/*
 * libFuzzer: no line between Raft nodes, and none of a client, ends a node or has it say what is no message: see node.h.
 */
#include "lib/proto/raft.h"
#include "lib/proto/raft_body.h"

#include "tests/fuzz/node.h"

static const char *fuzz_judge(const struct wire_line *line)
{
	static struct raft_names *names;
	static struct raft_texts texts;
	struct raft_message m;
	struct wire_value data;
	const char *why = NULL;

	if (!names)
		names = raft_names_new();
	raft_body_read(names, line, &m, &texts, &data, &why);
	return why;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size)
		fuzz_node(&raft_protocol, NULL, data, size);
	return 0;
}
