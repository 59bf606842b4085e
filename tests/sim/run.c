/* run: what is due happens in its order: faults, intents, what is on its way, ticks; and at the end the cluster comes to rest. */
#include "tests/sim/world.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { REST_MS = 6000, LAST_MS = 1000 };

static void drop_event(struct event *e)
{
	if (e->kind == MESSAGE_ARRIVES)
		world.protocol->drop(e->what);
	else if (e->kind == CALL_ARRIVES || e->kind == ANSWER_ARRIVES)
		call_free(e->what);
}

/* --- What happens --- */

static void deliver(struct event *e)
{
	if (!world.node[e->node].alive)
		drop_event(e);
	else if (world.node[e->node].paused)    /* it waits in the pipe */
		world_at(world.now_ns + 10 * MS, e->kind, e->node, e->life, e->what);
	else if (e->kind == MESSAGE_ARRIVES)
		world.protocol->deliver(e->node, e->what);
	else
		machine_call(e->node, e->what);
}

static void handle(struct event *e)
{
	bool stale = e->kind <= CALL_ARRIVES ? false : e->life != world.node[e->node].life;

	world.verdict->hash = (world.verdict->hash ^ (e->at_ns + (uint64_t)e->kind * 31 + (uint64_t)e->node)) *
		UINT64_C(0x9e3779b97f4a7c15);
	world.verdict->tally.events++;
	switch (e->kind) {
	case MESSAGE_ARRIVES: case CALL_ARRIVES:
		deliver(e);
		break;
	case ANSWER_ARRIVES: case CLIENT_TIMES_OUT: case CLIENT_TRIES:
		client_event(e);
		return;
	case FLUSH_ENDS:
		if (stale)
			break;
		world.node[e->node].flushing = false;
		world.protocol->flush_end(e->node);
		break;
	case NODE_RESTARTS:
		world_start_node(e->node);
		break;
	default:
		if (!stale)
			machine_event(e);
	}
	world_flush(e->node);
}

static void hint(int gone)
{
	for (int n = 1; n <= world.nodes; n++)
		if (n != gone && world_runs(n)) {
			world.protocol->ask(n, SIM_HINT, gone);
			world_flush(n);
		}
}

static void ask(int n, const struct sim_intent *i)
{
	if (!n || !world_runs(n) || (i->kind == SIM_LEAVE && !world.protocol->is_whole()))
		return;
	if (i->kind == SIM_TRANSFER)
		world.verdict->tally.transfers++;
	world.protocol->ask(n, i->kind, i->node);
	world_flush(n);
}

/* Changes of members that were asked for last, and in which epoch each node led when it was looked at. */
static struct { const struct sim_intent *last, *before; uint64_t led[SIM_NODES_MAX + 1]; } change;

/* Of each that believes to lead; whose time is over may not know. */
static void ask_leaders(const struct sim_intent *i)
{
	if (i->kind != SIM_TRANSFER) {
		change.before = change.last;
		change.last = i;
	}
	for (int n = 1; n <= world.nodes; n++)
		if (world_runs(n) && world.protocol->leads(n))
			ask(n, i);
}

/* Who begins to lead is asked at once, for another change than who led before: neither need know of the other's. */
static void ask_who_is_new(void)
{
	for (int n = 1; n <= world.nodes; n++) {
		uint64_t led = world.node[n].led, was = change.led[n];

		change.led[n] = led;
		if (!led || led == was || !change.before || world.calm || world.now_ns >= change.before->at_ns + 500 * MS)
			continue;
		ask(n, change.last);
		ask(n, change.before);
	}
}

static void begin(const struct sim_intent *i)
{
	int leader = world_leader(), n = i->node ? i->node : leader;

	if (world.calm && i->kind != SIM_OP)
		return;
	switch (i->kind) {
	case SIM_CRASH:
		if (!n)
			break;
		world_crash(n);
		world_at(world.now_ns + i->for_ns, NODE_RESTARTS, n, world.node[n].life, NULL);
		break;
	case SIM_WIPE:
		if (n)
			world_wipe(n, i->for_ns);
		break;
	case SIM_DRIFT:
		world_drift(i->node, i->ppm);
		break;
	case SIM_HINT:
		if (n)
			hint(n);
		break;
	case SIM_OP:
		client_begin(i);
		break;
	case SIM_JOIN: case SIM_LEAVE: case SIM_TRANSFER:
		ask_leaders(i);
		break;
	case SIM_SNAPSHOT:
		if (n && world_runs(n))
			machine_snapshot(n);
		break;
	default:
		break;
	}
}

/* --- Faults, as lib/fault has them --- */

static void each_node(const struct fault_order *o, void (*f)(int))
{
	for (const char *at = o->nodes; at && *at; at += strcspn(at, ",|"), at += *at != '\0')
		f(world_number(at));
}

static void pause_node(int n)
{
	world.node[n].paused = true;
}

static void resume(int n)
{
	world.node[n].paused = false;
}

static void carry_out(const struct fault_out *out)
{
	for (size_t i = 0; i < out->count; i++) {
		const struct fault_order *o = &out->orders[i];

		if (o->kind == FAULT_ORDER_CRASH)
			each_node(o, world_crash);
		else if (o->kind == FAULT_ORDER_RESTART)
			each_node(o, world_start_node);
		else if (o->kind == FAULT_ORDER_PAUSE)
			each_node(o, pause_node);
		else if (o->kind == FAULT_ORDER_RESUME)
			each_node(o, resume);
	}
}

static void faults_open(void)
{
	static const char *const names[] = { "n1", "n2", "n3", "n4", "n5", "n6", "n7", "n8", "n9" };
	struct fault_options o = {
		.seed = world.plan->seed, .nodes = names, .node_count = (size_t)world.nodes, .local_count = (size_t)world.nodes,
		.calm_ns = world.plan->faults_ns,
	};
	struct fault_order *orders = calloc(world.plan->count + 1, sizeof(*orders));
	size_t bad = 0;
	const char *why = NULL;

	assert(orders);
	for (size_t i = 0; i < world.plan->count; i++) {
		const struct sim_intent *intent = &world.plan->intent[i];

		if (intent->kind != SIM_FAULT || intent->off)
			continue;
		orders[o.order_count] = intent->order;
		orders[o.order_count].for_ns = intent->for_ns;
		orders[o.order_count++].at_ns = intent->at_ns;
	}
	o.orders = orders;
	world.faults = fault_net_new(&o, &bad, &why);
	free(orders);
	if (!world.faults)
		world_fail("a plan that can be carried out", why ? why : "memory");
}

static void calm(void)
{
	world.calm = true;
	client_calm();
	for (int n = 1; n <= world.nodes; n++) {
		resume(n);
		world_drift(n, 1000000);
		world_start_node(n);
	}
}

/* --- A run --- */

/* Which is due next: NULL where none is. */
static const struct sim_intent *next_intent(void)
{
	const struct sim_plan *plan = world.plan;

	for (; world.intent < plan->count; world.intent++) {
		const struct sim_intent *i = &plan->intent[world.intent];

		if (!i->off && i->kind != SIM_FAULT && i->kind != SIM_FATE)
			return i;
	}
	return NULL;
}

static void faults_advance(void)
{
	struct fault_out out;

	fault_net_advance(world.faults, world.now_ns, &out);
	carry_out(&out);
	for (int n = 1; n <= world.nodes; n++)
		world_flush(n);
}

/* At one time: faults, intents, what is on its way, ticks. */
static bool next_step(uint64_t until)
{
	uint64_t next = world.events ? world.heap[0].at_ns : UINT64_MAX, fault = fault_net_deadline(world.faults);
	const struct sim_intent *intent = next_intent();
	int tick = 0;

	for (int n = 1; n <= world.nodes; n++)
		if (world.node[n].due_ns < next && world_runs(n))
			next = world.node[tick = n].due_ns;
	if (intent && intent->at_ns <= next)
		next = intent->at_ns;
	else
		intent = NULL;
	if (fault <= next)
		next = fault;
	if (next > until)
		return false;
	if (next > world.now_ns)
		world.now_ns = next;
	if (fault <= next) {
		faults_advance();
	} else if (intent) {
		world.intent++;
		begin(intent);
	} else if (tick) {
		world.protocol->tick(tick);
		world_flush(tick);
	} else {
		struct event e = next_event();

		handle(&e);
	}
	ask_who_is_new();
	return true;
}

void world_until(uint64_t until)
{
	while (next_step(until))
		;
	world.now_ns = until;
}

/* All read every key once more, from whoever leads; nobody asked for it in the plan, so it cannot be masked out. */
static void check_rest(void)
{
	int leader = world_leader();
	uint64_t epoch;

	holds(leader != 0, "there is a leader when the faults have stopped");
	epoch = world.protocol->epoch(leader);
	client_begin(NULL);
	world_until(world.now_ns + LAST_MS * MS);
	holds(world.ops_open == 0, "what is asked at rest is answered");
	holds(world_leader() == leader && world.protocol->epoch(leader) == epoch, "a leader stays when nothing goes wrong");
	world.protocol->check_rest(leader);
	for (int n = 1; n <= world.nodes; n++)
		for (int m = 1; m < n; m++)
			if (world.node[n].applied == world.node[m].applied)
				holds(kv_fingerprint(world.node[n].kv) == kv_fingerprint(world.node[m].kv),
				      "equal states at an index");
}

static void run(void)
{
	const struct sim_plan *plan = world.plan;

	memset(&change, 0, sizeof(change));
	world_until(plan->faults_ns);
	calm();
	world_until(world.now_ns + REST_MS * MS);
	/* Without both, a server that was removed and does not know disturbs for ever (Raft's dissertation, 4.2.3). */
	if (plan->protocol == SIM_PAXOS || plan->pre_vote || plan->check_quorum) {
		holds(world.ops_open == 0, "all that was asked is answered when the faults have stopped");
		check_rest();
	}
	judge();
}

void world_open(const struct sim_plan *plan, struct sim_verdict *v)
{
	memset(&world, 0, sizeof(world));
	memset(v, 0, offsetof(struct sim_verdict, states));
	v->states[0] = '\0';
	memset(&v->tally, 0, sizeof(v->tally));
	v->hash = 0;
	v->holds = true;
	world.plan = plan;
	world.verdict = v;
	world.protocol = plan->protocol == SIM_RAFT ? &raft_protocol : &paxos_protocol;
	world.nodes = plan->nodes;
	world.commands = 2;
	draw_open();
	for (int n = 1; n <= world.nodes; n++) {
		snprintf(world.node[n].name, sizeof(world.node[n].name), "n%d", n);
		world.node[n].ppm = 1000000;
		world.node[n].local_ns = 1000 * MS;
		world.node[n].due_ns = UINT64_MAX;
	}
	net_open();
	client_open();
	world.protocol->open(plan);
}

/* What a plan says may be wrong, so it fails as a run does. */
void world_start(void)
{
	faults_open();
	for (int n = 1; n <= world.nodes; n++)
		world_start_node(n);
}

void world_close(void)
{
	world.running = false;
	while (world.events) {
		struct event e = next_event();

		drop_event(&e);
	}
	world.protocol->close();
	machine_release();
	client_close();
	net_close();
	fault_net_free(world.faults);
	free(world.heap);
	free(world.command);
	free(world.reign);
	free(world.scratch);
}

/* Chances become fates. */
static void record_open(const struct sim_plan *plan, struct sim_plan *record)
{
	size_t kept = 0;

	sim_plan_copy(record, plan);
	record->lost = record->repeated = record->slow = 0;
	for (size_t i = 0; i < record->count; i++) {
		struct sim_intent *x = &record->intent[i];

		if (x->kind == SIM_FAULT && x->order.kind == FAULT_ORDER_LINK)
			fault_order_release(&x->order);
		else
			record->intent[kept++] = *x;
	}
	record->count = kept;
}

void sim_run_record(const struct sim_plan *plan, struct sim_verdict *v, struct sim_plan *record)
{
	world_open(plan, v);
	if (record)
		record_open(plan, record);
	world.record = record;
	if (setjmp(world.failed) == 0) {
		world.running = true;
		world_start();
		run();
	}
	v->at_ns = world.now_ns;
	world_close();
}

void sim_run(const struct sim_plan *plan, struct sim_verdict *v)
{
	sim_run_record(plan, v, NULL);
}
