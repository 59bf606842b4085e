/*
 * net: a network of processes that speak JSON lines.
 *
 * Each node is a process; a line that it prints goes to whom its dest names, byte for byte as it was printed:
 * another node, or the client that last used that name.  Clients are netfault's own stdin and stdout and the
 * connections to its listening addresses.
 *
 * Losses are those of a network: a line to nobody, to a node that is down, or to one that does not read
 * while `queue_bytes_max` wait for it is dropped and counted.  A client that sends faster than a node
 * reads is held back before that; a node never is, as nodes that wait for each other would stand still.
 */
#ifndef NET_NET_H
#define NET_NET_H

#include "lib/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	NET_NODES_MAX = 1024,
	NET_LISTENS_MAX = 64,
	NET_CLIENTS_MAX = 4096,         /* connections at once; one more waits until another ends */
};

struct net_node {
	char *name;
	const char *command;            /* for sh -c; NULL: net_options.argv */
};

struct net_options {
	const struct net_node *node;
	size_t nodes;
	const char *members;            /* names parted by commas, each a node's: what init lists; NULL: all nodes */
	bool no_hints;                  /* nodes are not told when another one is down */
	char **argv;                    /* NULL at the end; {id} in a word becomes the node's name */
	const char *const *listen;      /* addresses as address.h has them */
	size_t listens;
	uint64_t drain_ms;              /* how long answers are waited for once a client's input has ended */
	size_t queue_bytes_max;
};

/* May this be the name of a node?  Letters, digits and . _ : - @, at most WIRE_NAME_BYTES_MAX; not `net`. */
int net_name_right(const char *name);

/*
 * Runs until stdin has ended and nothing listens, or a signal asks to end; then the nodes are ended.
 * Nothing of `options` is changed or kept.  Returns the exit status, or dies of the signal.
 */
enum exit_status net_run(const struct net_options *options);

#endif
