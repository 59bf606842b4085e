/*
 * raft-node: a member of a Raft cluster, on stdin and stdout.  The options and how they are wired; the runtime is
 * lib/node, the protocol is lib/raft.
 */
#include <signal.h>

#include "lib/base/err.h"
#include "lib/base/opt.h"
#include "lib/node/options.h"
#include "lib/proto/raft.h"

static const struct opt options[] = {
	NODE_OPTIONS("raft"),
};

static const struct opt_tool tool = {
	.name = "raft-node",
	.usage = "raft-node [--id NAME (--nodes LIST | --join)] [options]",
	.purpose = "A member of a Raft cluster: a durable key-value store, replicated over the nodes.  Messages are JSON lines, in "
		   "on standard input and out on standard output; who carries them is up to you, as netfault or socat.",
	.options = options,
	.count = sizeof options / sizeof *options,
	.ending = "Exit status: 0 end of input, 2 usage or configuration, 3 a damaged log, 4 disk or system.  See raft-node(1).",
};

int main(int argc, char **argv)
{
	struct opt_state state;
	struct node_options o;
	int id, sig;

	hold_descriptors();
	opt_init(&state, &tool, argc, argv);
	node_options_init(&o, &raft_protocol);
	while ((id = opt_next(&state)) != -1)
		node_options_take(&o, id, &state);
	if (state.operand < argc)
		die_usage("'%s': no operands are taken", argv[state.operand]);
	node_options_end(&o);
	sig = node_run(&o);
	if (sig) {
		signal(sig, SIG_DFL);
		raise(sig);
	}
	finish(EXIT_DONE);
}
