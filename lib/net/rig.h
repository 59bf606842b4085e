/*
 * rig: the faulty network as the options describe it, with its record: what net_run, a wire and lockstep_run share.
 *
 * What is not right with it ends the process before anything has been started.
 */
#ifndef NET_RIG_H
#define NET_RIG_H

#include "lib/net/net.h"
#include "lib/traffic/traffic.h"

struct rig {
	const struct net_options *options;
	const char **names;             /* nodes, then peers; of a wire: those that --link and --plan name */
	size_t count, local;            /* local: the first so many are processes here */
	const char **clients;           /* those that are processes */
	char *wire_names;               /* a wire's names have their memory here */
	uint64_t seed;                  /* of the options, or of the replayed trace */
	struct trace *trace;            /* NULL: none */
	struct trace_replay *replay;    /* NULL: none */
	struct traffic *traffic;
	bool failed;                    /* a write of the trace has, and that was told */
};

/* `bytes_max` as in traffic_options. */
void rig_open(struct rig *, const struct net_options *, size_t bytes_max);
/* Writes what the trace has so far; a failure is told once. */
void rig_flush(struct rig *);
/* Told in the trace, that is closed.  `status`, or EXIT_SYSTEM where it could not be written. */
enum exit_status rig_close(struct rig *, uint64_t now_ns, enum exit_status status);

#endif
