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
#include "lib/fault/fault.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	NET_NODES_MAX = 1024,
	NET_PEERS_MAX = 1023,
	NET_PROCESSES_MAX = 256,        /* clients that are processes */
	NET_LISTENS_MAX = 64,
	NET_CLIENTS_MAX = 4096,         /* connections at once; one more waits until another ends */
};

struct net_node {
	char *name;
	const char *command;            /* for sh -c; NULL: net_options.argv */
};

/* A node elsewhere, at an address (address.h), with a netfault of its own or without. */
struct net_peer {
	char *name;
	const char *address;
};

/* Where a fault was given, for what is wrong with it. */
struct net_place {
	const char *file;               /* a plan; NULL: --link */
	const char *text;               /* of --link */
	size_t line;                    /* of the plan */
};

struct net_options {
	const struct net_node *node;
	size_t nodes;
	const struct net_peer *peer;
	size_t peers;
	const char *members;            /* names parted by commas, each a node's or a peer's: what init lists; NULL: all */
	bool no_hints;                  /* nodes are not told when another one is down */
	bool restart;                   /* a node that ends of itself is started again, each time later, 100 ms to 10 s */
	char **argv;                    /* NULL at the end; {id} in a word becomes the node's name */
	const char *const *listen;      /* addresses as address.h has them */
	size_t listens;
	uint64_t drain_ms;              /* how long answers are waited for once a client's input has ended */
	size_t queue_bytes_max;

	/* Faults.  fault.nodes are filled in by net_run: the nodes, then the peers. */
	struct fault_options fault;
	const struct net_place *place;          /* of each of fault.orders */
	bool cut_at_send;
	uint64_t until_ns;              /* the run ends then; FAULT_NEVER */
	const char *trace, *replay;     /* files, or NULL */
	const char *const *given;       /* the options as given, for the trace; NULL at the end */

	/* Virtual time. */
	bool lockstep, twice, virtual_time, lose_unsynced;
	bool scratch;                   /* nodes run in an empty directory of the run's own, removed at the end */
	uint64_t look_ns;               /* what a look at the clock costs under virtual_time */
	const struct net_node *client;  /* processes that are clients: no init, and the run ends when all of them have */
	size_t clients;
};

/* May this be the name of a node?  Letters, digits and . _ : - @, at most WIRE_NAME_BYTES_MAX; not `net`. */
int net_name_right(const char *name);

/* Does init name this node (--members)? */
bool net_is_member(const struct net_options *, const char *name);

/*
 * Runs until stdin has ended and nothing listens, or a signal asks to end; then the nodes are ended.
 * Nothing of `options` is changed or kept.  Returns the exit status, or dies of the signal.
 */
enum exit_status net_run(const struct net_options *options);

#endif
