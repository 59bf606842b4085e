/* world: nodes, their clocks and their lives, and what every step of one has to keep. */
#include "tests/sim/world.h"

#include <assert.h>
#include <stdlib.h>

struct world world;

/* --- When something does not hold --- */

void world_fail(const char *what, const char *detail)
{
	struct sim_verdict *v = world.verdict;
	size_t at = 0;

	v->holds = false;
	snprintf(v->what, sizeof(v->what), "%s", what);
	snprintf(v->detail, sizeof(v->detail), "%s", detail);
	v->at_ns = world.now_ns;
	world.running = false;
	for (int n = 1; n <= world.nodes && at + 256 < sizeof(v->states); n++) {
		char line[1024];

		if (world.node[n].alive)
			world.protocol->tell(n, line, sizeof(line));
		else
			snprintf(line, sizeof(line), "is down");
		snprintf(v->states + at, sizeof(v->states) - at, "n%d%s applied %" PRIu64 ": %s\n", n,
			 world.node[n].paused ? " paused" : "", world.node[n].applied, line);
		at += strlen(v->states + at);
	}
	longjmp(world.failed, 1);
}

/* A core's own assertion is a finding like others: in place of the C library's. */
__attribute__((noreturn))
void __assert_fail(const char *assertion, const char *file, unsigned line, const char *function)
{
	char what[SIM_WHAT_BYTES];

	if (!world.running) {
		fprintf(stderr, "%s:%u: %s: Assertion `%s' failed.\n", file, line, function, assertion);
		abort();
	}
	snprintf(what, sizeof(what), "assertion of %s in %s", function, file);
	world_fail(what, assertion);
}

/* --- Draws --- */

void draw_open(void)
{
	static const char *const name[DRAWS] = {
		"flush", "stall", "kept", "slice", "first", "load", "spoil", "batch", "bytes", "target", "patience", "pause", "again",
		"restart",
	};

	for (int p = 0; p < DRAWS; p++)
		for (int who = 0; who < PARTIES_MAX; who++) {
			char party = (char)who;

			world.stream[p][who] = fault_stream(world.plan->seed, name[p], &party, 1, "", 0);
		}
}

/* Clients are -1, -2, .. */
static int party(int who)
{
	return who >= 0 ? who : SIM_NODES_MAX - who;
}

uint64_t draw(enum purpose p, int who, uint64_t bound)
{
	return fault_below(world.stream[p][party(who)], world.draws[p][party(who)]++, bound);
}

bool chance(enum purpose p, int who, double of)
{
	return fault_unit(world.stream[p][party(who)], world.draws[p][party(who)]++) < of;
}

/* --- Clocks --- */

uint64_t world_clock(int n)
{
	const struct node *node = &world.node[n];

	return node->local_ns + (world.now_ns - node->since_ns) * node->ppm / 1000000;
}

/* When the clock has come to the deadline. */
static void set_due(struct node *node)
{
	uint64_t wait = node->deadline_ns > node->local_ns ? node->deadline_ns - node->local_ns : 0;

	if (node->deadline_ns == UINT64_MAX)
		node->due_ns = UINT64_MAX;
	else
		node->due_ns = node->since_ns + (wait * 1000000 + node->ppm - 1) / node->ppm;
}

void world_drift(int n, uint32_t ppm)
{
	struct node *node = &world.node[n];

	node->local_ns = world_clock(n);
	node->since_ns = world.now_ns;
	node->ppm = ppm;
	set_due(node);
}

/* --- Nodes --- */

int world_number(const char *name)
{
	return name[0] == 'n' && name[1] > '0' && name[1] <= '9' ? name[1] - '0' : 0;
}

bool world_runs(int n)
{
	return world.node[n].alive && !world.node[n].paused;
}

/* The node that leads in the greatest epoch, 0 if none does. */
int world_leader(void)
{
	int leader = 0;

	for (int n = 1; n <= world.nodes; n++)
		if (world.node[n].alive && world.protocol->leads(n) &&
		    (!leader || world.protocol->epoch(n) > world.protocol->epoch(leader)))
			leader = n;
	return leader;
}

/* One flush at a time; the next begins when it ends and there is something to do. */
void world_flush(int n)
{
	struct node *node = &world.node[n];
	uint64_t takes;

	if (!node->alive || node->flushing || !world.protocol->flush_begin(n))
		return;
	node->flushing = true;
	takes = MS / 20 + draw(DRAW_FLUSH, n, (world.calm ? MS : world.plan->flush_ns) + 1);
	if (chance(DRAW_STALL, n, world.calm ? 0 : world.plan->stalls))
		takes += 60 * MS;
	world_at(world.now_ns + takes, FLUSH_ENDS, n, node->life, NULL);
}

void world_start_node(int n)
{
	struct node *node = &world.node[n];

	if (node->alive)
		return;
	node->alive = true;
	node->led = 0;
	world.protocol->start(n);
	machine_start(n);
	world.protocol->tick(n);
	world_flush(n);
}

/* Of what was not flushed some of the first records may have reached the disk; the next may be torn, and is as none. */
void world_crash(int n)
{
	struct node *node = &world.node[n];
	size_t pending, kept = 0;

	if (!node->alive)
		return;
	world.verdict->tally.crashes++;
	pending = world.protocol->pending(n);
	if (chance(DRAW_KEPT, n, 0.5))
		kept = (size_t)draw(DRAW_KEPT, n, pending + 1);
	world.verdict->tally.torn += kept < pending;
	world.protocol->crash(n, kept);
	machine_stop(n);
	node->alive = node->paused = node->flushing = node->dirty = false;
	node->life++;
	node->due_ns = UINT64_MAX;
}

void world_wipe(int n, uint64_t for_ns)
{
	int leader = world_leader();

	if (!leader || !world.protocol->may_wipe || !world.protocol->may_wipe(n, leader))
		return;
	world_crash(n);
	world.protocol->wipe(n);
	world.verdict->tally.wipes++;
	world_at(world.now_ns + for_ns, NODE_RESTARTS, n, world.node[n].life, NULL);
}

/* --- Steps --- */

static void check_reign(int n, uint64_t epoch)
{
	for (size_t i = world.reigns; i-- > 0;)
		if (world.reign[i].epoch == epoch) {
			holds(world.reign[i].node == n, "one leader an epoch");
			return;
		}
	if (world.reigns == world.reign_room) {
		world.reign_room = world.reign_room ? 2 * world.reign_room : 64;
		world.reign = realloc(world.reign, world.reign_room * sizeof(*world.reign));
		assert(world.reign);
	}
	world.reign[world.reigns].epoch = epoch;
	world.reign[world.reigns++].node = n;
	world.verdict->tally.elections++;
}

void world_stepped(int n, const struct effect *e)
{
	struct node *node = &world.node[n];
	uint64_t upto = world.committed;

	world.verdict->tally.steps++;
	world.verdict->tally.changes += e->changed;
	node->deadline_ns = e->deadline_ns;
	set_due(node);
	node->spins = e->tick && node->due_ns <= world.now_ns ? node->spins + 1 : 0;
	holds(node->spins < SPINS_MAX, "progress");
	node->dirty |= e->dirty;
	if (e->leads && e->durable && node->reigned != e->epoch) {
		node->reigned = e->epoch;
		check_reign(n, e->epoch);
	}
	/* A leader that steps out with its last entry still committed it as a leader. */
	holds(e->commit <= upto || e->leads || node->led, "who leads commits");
	node->led = e->leads ? e->epoch : 0;
	holds(e->commit < ENTRIES_MAX, "the log fits");
	machine_apply(n, e->commit);
	machine_reads(n, e);
}

void world_send(int from, int to, void *packet)
{
	net_send(from, to, MESSAGE_ARRIVES, packet);
}
