/*
 * options: the command line that every node has, whichever protocol it runs.
 */
#ifndef NODE_OPTIONS_H
#define NODE_OPTIONS_H

#include "lib/base/opt.h"
#include "lib/node/node.h"

enum node_option {
	NODE_OPT_ID = 256, NODE_OPT_NODES, NODE_OPT_JOIN, NODE_OPT_DATA, NODE_OPT_VOLATILE, NODE_OPT_SEGMENT,
	NODE_OPT_SNAPSHOT, NODE_OPT_ELECTION, NODE_OPT_HEARTBEAT, NODE_OPT_REQUEST, NODE_OPT_LEASE, NODE_OPT_LOCKSTEP,
	NODE_OPT_SEED, NODE_OPT_MACHINE, NODE_OPT_MACHINE_TIMEOUT, NODE_OPT_METRICS, NODE_OPT_METRICS_EVERY,
	NODE_OPT_NOTIFY, NODE_OPT_LINE,
	NODE_OPT_OWN,                   /* a protocol's own options have numbers from here on */
};

/* For the tool's option table, first of all. */
#define NODE_OPTIONS(suffix) \
	{ NODE_OPT_ID, "id", "NAME", "this node's name; without it, init says it", OPT_TEXT, NULL, "Cluster" }, \
	{ NODE_OPT_NODES, "nodes", "LIST", "the first members, as n1,n2,n3; without it, init says them", OPT_TEXT, NULL, NULL }, \
	{ NODE_OPT_JOIN, "join", NULL, "start as no member, and wait to be taken in", OPT_TEXT, NULL, NULL }, \
	{ NODE_OPT_ELECTION, "election-timeout", "MIN-MAX", "how long a leader may be silent (150ms-300ms)", OPT_TEXT, NULL, NULL }, \
	{ NODE_OPT_HEARTBEAT, "heartbeat", "T", "how often a leader is heard from (a third of MIN)", OPT_TEXT, NULL, NULL }, \
	{ NODE_OPT_REQUEST, "request-timeout", "T", "after which a client hears that there is no answer (5s)", OPT_TEXT, NULL, NULL }, \
	{ NODE_OPT_LEASE, "lease-reads", NULL, "reads trust the clocks in place of a round of heartbeats", OPT_TEXT, NULL, NULL }, \
	{ NODE_OPT_DATA, "data", "DIR", "where the log is (ID." suffix ")", OPT_DIRECTORY, NULL, "Disk" }, \
	{ NODE_OPT_VOLATILE, "volatile", NULL, "keep all in memory", OPT_TEXT, NULL, NULL }, \
	{ NODE_OPT_SNAPSHOT, "snapshot-every", "N|SIZE", "entries, or bytes of the log as 16M, from one snapshot to the next (16M)", OPT_TEXT, NULL, NULL }, \
	{ NODE_OPT_SEGMENT, "segment-size", "SIZE", "of a file of the log (8M)", OPT_TEXT, NULL, NULL }, \
	{ NODE_OPT_MACHINE, "machine", "COMMAND", "replicate a program, in place of keys and values", OPT_TEXT, NULL, "Machine" }, \
	{ NODE_OPT_MACHINE_TIMEOUT, "machine-timeout", "T", "after which a program without an answer hangs (5s)", OPT_TEXT, NULL, NULL }, \
	{ NODE_OPT_METRICS, "metrics", "FILE", "write figures there, as OpenMetrics text", OPT_FILE, NULL, "Running" }, \
	{ NODE_OPT_METRICS_EVERY, "metrics-every", "T", "how often (1s)", OPT_TEXT, NULL, NULL }, \
	{ NODE_OPT_NOTIFY, "notify-fd", "N", "write a newline to descriptor N once the node serves", OPT_TEXT, NULL, NULL }, \
	{ NODE_OPT_LOCKSTEP, "lockstep", NULL, "take the time from the lines, and say when idle", OPT_TEXT, NULL, NULL }, \
	{ NODE_OPT_SEED, "seed", "N", "of everything random (chosen anew; told with --lockstep)", OPT_TEXT, NULL, NULL }, \
	{ NODE_OPT_LINE, "line-max", "SIZE", "the longest line of a client that is taken (8M)", OPT_TEXT, NULL, NULL }

/* The defaults, and what FAULTLINE_LOCKSTEP and FAULTLINE_SEED ask for. */
void node_options_init(struct node_options *, const struct protocol *);

/* Takes the option; false: it is none of these.  What is wrong in itself ends the process with status 2. */
bool node_options_take(struct node_options *, int id, const struct opt_state *);

/* Checks them together, and draws a seed where none was given. */
void node_options_end(struct node_options *);

#endif
