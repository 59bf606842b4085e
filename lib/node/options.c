/* options: see options.h */
#include "lib/node/options.h"
#include "lib/base/err.h"
#include "lib/base/duration.h"
#include "lib/json/text.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#define MS UINT64_C(1000000)
#define SECOND (1000 * MS)
#define HOUR (3600 * SECOND)

enum { LINE_BYTES_MIN = 1024, SEGMENT_BYTES_MIN = 64 << 10, SEGMENT_BYTES_MAX = 1 << 30 };

void node_options_init(struct node_options *o, const struct protocol *protocol)
{
	const char *seed = getenv("FAULTLINE_SEED"), *lockstep = getenv("FAULTLINE_LOCKSTEP");

	*o = (struct node_options){
		.protocol = protocol, .election_min_ns = 150 * MS, .election_max_ns = 300 * MS,
		.request_timeout_ns = 5 * SECOND, .snapshot_bytes = 16 << 20, .line_max = NODE_LINE_BYTES,
		.machine_timeout_ns = 5 * SECOND, .metrics_every_ns = SECOND, .notify_fd = -1,
		.lockstep = lockstep && !strcmp(lockstep, "1"),
	};
	if (seed && *seed) {
		char *end;

		o->seed = strtoull(seed, &end, 10);
		o->seeded = true;
		if (*end || *seed == '-')
			die_usage("FAULTLINE_SEED '%s': must be a whole number", seed);
	}
}

static void check_name(const struct opt_state *state, const char *name)
{
	if (!*name || strlen(name) > WIRE_NAME_BYTES_MAX || !json_utf8(name, strlen(name)))
		die_usage("%s '%s': a name has 1 to %d bytes of UTF-8", state->given, state->argument, WIRE_NAME_BYTES_MAX);
}

static void take_nodes(struct node_options *o, const struct opt_state *state)
{
	char *list = must_strdup(state->argument), *rest = list, *name;
	char **names = must_calloc(NODE_MEMBERS_MAX, sizeof(*names));

	o->member_count = 0;
	while ((name = strsep(&rest, ","))) {
		check_name(state, name);
		if (o->member_count == NODE_MEMBERS_MAX)
			die_usage("%s: more than %d nodes", state->given, NODE_MEMBERS_MAX);
		names[o->member_count++] = name;
	}
	o->members = names;
}

/* MIN-MAX, each a duration; or one for both, half as much again at the most. */
static void take_election(struct node_options *o, const struct opt_state *state)
{
	struct opt_state part = *state;
	char *min = must_strdup(state->argument), *max = strchr(min, '-');

	if (max)
		*max++ = '\0';
	part.argument = min;
	o->election_min_ns = duration_option(&part, MS, HOUR);
	part.argument = max;
	o->election_max_ns = max ? duration_option(&part, MS, HOUR) : 2 * o->election_min_ns;
	free(min);
	if (o->election_max_ns < o->election_min_ns)
		die_usage("%s '%s': MIN is above MAX", state->given, state->argument);
}

static void take_snapshot(struct node_options *o, const struct opt_state *state)
{
	bool entries = !state->argument[strspn(state->argument, "0123456789")];

	o->snapshot_entries = entries ? opt_number(state, 1, WIRE_NUMBER_MAX) : 0;
	o->snapshot_bytes = entries ? 0 : opt_size(state, 1, UINT64_C(1) << 50);
}

static bool take_disk(struct node_options *o, int id, const struct opt_state *state)
{
	switch (id) {
	case NODE_OPT_DATA:
		o->data = state->argument;
		return true;
	case NODE_OPT_VOLATILE:
		o->is_volatile = true;
		return true;
	case NODE_OPT_SNAPSHOT:
		take_snapshot(o, state);
		return true;
	case NODE_OPT_SEGMENT:
		o->segment_bytes = (uint32_t)opt_size(state, SEGMENT_BYTES_MIN, SEGMENT_BYTES_MAX);
		return true;
	case NODE_OPT_MACHINE:
		o->machine = state->argument;
		return true;
	case NODE_OPT_MACHINE_TIMEOUT:
		o->machine_timeout_ns = duration_option(state, MS, HOUR);
		return true;
	case NODE_OPT_METRICS:
		o->metrics = state->argument;
		return true;
	case NODE_OPT_METRICS_EVERY:
		o->metrics_every_ns = duration_option(state, 10 * MS, HOUR);
		return true;
	default:
		return false;
	}
}

bool node_options_take(struct node_options *o, int id, const struct opt_state *state)
{
	switch (id) {
	case NODE_OPT_ID:
		o->id = state->argument;
		check_name(state, o->id);
		return true;
	case NODE_OPT_NODES:
		take_nodes(o, state);
		return true;
	case NODE_OPT_JOIN:
		o->join = true;
		return true;
	case NODE_OPT_ELECTION:
		take_election(o, state);
		return true;
	case NODE_OPT_HEARTBEAT:
		o->heartbeat_ns = duration_option(state, MS, HOUR);
		return true;
	case NODE_OPT_REQUEST:
		o->request_timeout_ns = duration_option(state, MS, HOUR);
		return true;
	case NODE_OPT_LEASE:
		o->lease_reads = true;
		return true;
	case NODE_OPT_LOCKSTEP:
		o->lockstep = true;
		return true;
	case NODE_OPT_SEED:
		o->seed = opt_number(state, 0, UINT64_MAX);
		o->seeded = true;
		return true;
	case NODE_OPT_NOTIFY:
		o->notify_fd = (int)opt_number(state, 0, 1 << 20);
		return true;
	case NODE_OPT_LINE:
		o->line_max = opt_size(state, LINE_BYTES_MIN, WIRE_LINE_BYTES_MAX - NODE_LINE_SLACK_BYTES);
		return true;
	default:
		return take_disk(o, id, state);
	}
}

void node_options_end(struct node_options *o)
{
	if (o->join && o->member_count)
		die_usage("--join and --nodes exclude each other: a joiner learns of the members from the leader");
	if (o->member_count && !o->id)
		die_usage("--nodes needs --id");
	if (o->is_volatile && o->data)
		die_usage("--volatile and --data exclude each other");
	if (o->notify_fd >= 0 && fcntl(o->notify_fd, F_GETFD) < 0)
		die_usage("--notify-fd %d: %s", o->notify_fd, strerror(errno));
	if (!o->heartbeat_ns)
		o->heartbeat_ns = o->election_min_ns / 3;
	if (o->heartbeat_ns >= o->election_min_ns)
		die_usage("--heartbeat has to be below the least --election-timeout");
	if (o->seeded)
		return;
	if (sodium_init() < 0)
		die(EXIT_SYSTEM, "cannot start libsodium");
	randombytes_buf(&o->seed, sizeof(o->seed));
	o->seed &= WIRE_NUMBER_MAX - 1;
	if (o->lockstep)
		warn("seed %" PRIu64, o->seed);
}
