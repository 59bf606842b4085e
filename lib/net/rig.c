/* rig: see rig.h */
#include "lib/net/rig.h"
#include "lib/net/options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { WHY_BYTES = 256 };

/* --- Names --- */

static void name_nodes(struct rig *r)
{
	const struct net_options *o = r->options;

	r->names = must_calloc(o->nodes + o->peers + 1, sizeof(*r->names));
	for (size_t i = 0; i < o->nodes; i++)
		r->names[r->count++] = o->node[i].name;
	for (size_t i = 0; i < o->peers; i++)
		r->names[r->count++] = o->peer[i].name;
	r->local = o->nodes;
	r->clients = must_calloc(o->clients + 1, sizeof(*r->clients));
	for (size_t i = 0; i < o->clients; i++)
		r->clients[i] = o->client[i].name;
}

static bool known(const struct rig *r, const char *name)
{
	for (size_t i = 0; i < r->count; i++)
		if (!strcmp(r->names[i], name))
			return true;
	return false;
}

/* What an order calls by name; patterns, draws and "client" are nobody's. */
static void name_those_of(struct rig *r, char *list)
{
	for (char *name = strtok(list, ",|<>"); name; name = strtok(NULL, ",|<>"))
		if (!strpbrk(name, "*?") && strcmp(name, "client") != 0 && !known(r, name) && r->count < FAULT_NODES_MAX)
			r->names[r->count++] = name;
}

/* A wire has the nodes that its faults speak of. */
static void name_of_wire(struct rig *r, const struct fault_order *orders, size_t count)
{
	size_t bytes = 1, words = 1;
	char *at;

	for (size_t i = 0; i < count; i++) {
		const char *p = orders[i].nodes ? orders[i].nodes : "";

		bytes += strlen(p) + 1;
		for (words++; *p; p++)
			words += strchr(",|<>", *p) != NULL;
	}
	r->names = must_calloc(words, sizeof(*r->names));
	r->wire_names = at = must_malloc(bytes);
	for (size_t i = 0; i < count; i++) {
		if (!orders[i].nodes)
			continue;
		bytes = strlen(orders[i].nodes) + 1;
		memcpy(at, orders[i].nodes, bytes);
		name_those_of(r, at);
		at += bytes;
	}
}

/* --- Beginning and end --- */

static void open_replay(struct rig *r)
{
	char why[WHY_BYTES];

	if (!r->options->replay)
		return;
	r->replay = trace_replay_read(r->options->replay, why, sizeof(why));
	if (!r->replay && errno)
		die(EXIT_SYSTEM, "cannot read '%s': %s", r->options->replay, why);
	if (!r->replay)
		die(EXIT_DATA, "%s: %s", r->options->replay, why);
	r->seed = trace_replay_seed(r->replay);
}

static void open_trace(struct rig *r)
{
	const struct net_options *o = r->options;
	struct trace_header header = {
		.seed = r->seed, .lockstep = o->lockstep, .nodes = r->names, .node_count = r->count, .command = o->argv,
		.options = o->given,
	};

	if (!o->trace)
		return;
	r->trace = trace_open(o->trace, &header);
	if (!r->trace)
		die(EXIT_SYSTEM, "cannot open '%s': %s", o->trace, strerror(errno));
}

void rig_open(struct rig *r, const struct net_options *o, size_t bytes_max)
{
	bool wire = !o->nodes && !o->peers;
	const struct fault_order *orders = o->fault.orders;
	size_t count = o->fault.order_count;
	struct traffic_options t = { .fault = o->fault, .cut_at_send = o->cut_at_send, .bytes_max = bytes_max };
	const char *why;
	size_t bad;

	*r = (struct rig){ .options = o, .seed = o->fault.seed };
	open_replay(r);
	if (r->replay)
		orders = trace_replay_orders(r->replay, &count);
	if (wire)
		name_of_wire(r, orders, count);
	else
		name_nodes(r);
	open_trace(r);
	t.fault.seed = r->seed;
	t.fault.nodes = r->names;
	t.fault.node_count = r->count;
	t.fault.local_count = r->local;
	t.fault.clients = o->fault.clients || wire;
	t.fault.open = wire;
	t.fault.skew = o->lockstep;
	t.trace = r->trace;
	t.replay = r->replay;
	t.fault.clients_known = r->clients;
	t.fault.clients_known_count = o->clients;
	r->traffic = traffic_new(&t, &bad, &why);
	if (!r->traffic && !why)
		die(EXIT_SYSTEM, "no memory");
	if (!r->traffic && r->replay)
		die(EXIT_DATA, "%s: its fault %zu: %s", o->replay, bad + 1, why);
	if (!r->traffic)
		net_wrong_order(&o->place[bad], why);
}

static void tell_failure(struct rig *r, int failed)
{
	if (!failed || r->failed)
		return;
	r->failed = true;
	warn("cannot write '%s': %s", r->options->trace, strerror(errno));
}

void rig_flush(struct rig *r)
{
	if (r->trace)
		tell_failure(r, trace_flush(r->trace));
}

enum exit_status rig_close(struct rig *r, uint64_t now_ns, enum exit_status status)
{
	struct trace *trace = traffic_trace(r->traffic);

	if (trace) {
		traffic_end(r->traffic, now_ns);
		trace_end(trace, now_ns);
		tell_failure(r, trace_close(trace));
	}
	r->trace = NULL;
	traffic_free(r->traffic);
	trace_replay_free(r->replay);
	free(r->names);
	free(r->clients);
	free(r->wire_names);
	return r->failed ? EXIT_SYSTEM : status;
}
