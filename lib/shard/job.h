/*
 * job: what one run of hashring is asked to do, and its doing.
 */
#ifndef SHARD_JOB_H
#define SHARD_JOB_H

#include "lib/json/scan.h"
#include "lib/shard/fleet.h"
#include "lib/shard/route.h"

struct job {
	struct fleet_conf fleet;
	struct keys_conf keys;          /* its paths are the two below, where given */
	struct json_path key_path, set_path;
	uint32_t replicas;
	uint64_t bound, total;          /* millionths; keys.  0: not given */
	size_t line_bytes_max;
	char end_in, end_out;
	bool json, stats, diff, summary, draw, update;  /* at most one of stats, diff, draw, update; or diff and draw */
	const char *only, *split, *explain, *key_file;
	unsigned threads;
	char **operand;                 /* keys; after OLD and NEW where diff is set */
	int operands;
};

/* Does it, on stdin and stdout.  Ends the process with a message where it cannot be done. */
enum exit_status job_run(const struct job *);

#endif
