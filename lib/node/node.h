/*
 * node: the runtime that makes a process of a protocol's core and a state machine.
 *
 * JSON lines come in on stdin and go out on stdout; records go to the durable log in another thread, one flush
 * at a time, and everything that waited meanwhile goes with the next (group commit).  In lockstep time is what the lines
 * say, the flush happens within the line, and the process is a function of its input.
 *
 * node_run returns when stdin ends or a signal asks for it; bad configurations, damaged logs and failing
 * disks end the process with the exit status of err.h and a message.
 */
#ifndef NODE_NODE_H
#define NODE_NODE_H

#include "lib/node/protocol.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	NODE_MEMBERS_MAX = 64,
	NODE_REQUESTS_MAX = 1 << 16,            /* waiting at a node; one more is refused with error 11 */
	NODE_REQUEST_BYTES_MAX = 256 << 20,     /* of those that wait for a leader or its answer */
	NODE_OUTPUT_BYTES_MAX = 256 << 20,      /* not yet read by whoever reads stdout; what is more is dropped and counted */
	NODE_WATCHES_MAX = 1000,
	NODE_CHANGES_MAX = 1000,                /* join, leave and transfer that wait */
	NODE_LINE_BYTES = 8 << 20,              /* of a client's line, the default */
	NODE_LINE_LEAST_BYTES = 8 << 20,        /* of a line between nodes: a list's answer has to fit */
	NODE_LINE_SLACK_BYTES = 1 << 20,        /* more than the longest: what an entry travels with */
	NODE_CACHE_BYTES = 2 << 20,             /* of entries' texts kept in memory once applied and durable */
};

struct node_options {
	const struct protocol *protocol;
	const void *own;                /* the protocol's own options, or NULL */
	const char *id;                 /* NULL: init says it */
	char *const *members;           /* the first configuration; count 0 and no `join`: init says it */
	size_t member_count;
	bool join;                      /* knows no cluster: waits to be taken in */
	const char *data;               /* NULL: ./ID.PROTOCOL */
	bool is_volatile;
	uint32_t segment_bytes;
	uint64_t election_min_ns, election_max_ns, heartbeat_ns;
	uint64_t request_timeout_ns;
	uint64_t snapshot_entries, snapshot_bytes;      /* of the log since the last; 0: that is no reason */
	size_t line_max;                /* of a client's line */
	bool lockstep;
	bool lease_reads;
	uint64_t seed;
	bool seeded;                    /* else one is drawn */
	const char *machine;            /* a command for sh, or NULL: lib/kv */
	uint64_t machine_timeout_ns;
	const char *metrics;            /* a file, or NULL */
	uint64_t metrics_every_ns;
	int notify_fd;                  /* -1: none */
};

/* Returns the signal that ended it, or 0 at the end of stdin. */
int node_run(const struct node_options *);

#endif
