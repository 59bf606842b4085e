/* A net of nodes n1, n2, ... for the tests of lib/fault, and its orders as text. */
#ifndef UNIT_FAULT_RIG_H
#define UNIT_FAULT_RIG_H

#include "lib/fault/fault.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define MS UINT64_C(1000000)
#define SECOND UINT64_C(1000000000)

static char rig_name[FAULT_NODES_MAX][8];
static const char *rig_names[FAULT_NODES_MAX];

static inline struct fault_options rig_options(size_t nodes)
{
	for (size_t i = 0; i < FAULT_NODES_MAX && !rig_names[FAULT_NODES_MAX - 1]; i++) {
		snprintf(rig_name[i], sizeof rig_name[i], "n%zu", i + 1);
		rig_names[i] = rig_name[i];
	}
	return (struct fault_options){
		.seed = 1, .nodes = rig_names, .node_count = nodes, .local_count = nodes, .calm_ns = FAULT_NEVER, .skew = true,
	};
}

static inline struct fault_net *rig_new(const struct fault_options *o)
{
	const char *why;
	size_t bad;
	struct fault_net *net = fault_net_new(o, &bad, &why);

	if (!net)
		print_error("order %zu: %s\n", bad, why);
	assert_non_null(net);
	return net;
}

/* Carried out at once, or the test fails. */
static inline struct fault_out rig_order(struct fault_net *net, uint64_t now_ns, const struct fault_order *o)
{
	struct fault_out out;
	const char *wrong = fault_net_order(net, now_ns, o, &out);

	if (wrong)
		print_error("%s: %s\n", o->nodes ? o->nodes : "", wrong);
	assert_null(wrong);
	return out;
}

static inline struct fault_out rig_advance(struct fault_net *net, uint64_t now_ns)
{
	struct fault_out out;

	fault_net_advance(net, now_ns, &out);
	return out;
}

static inline struct fault_order rig_groups(const char *nodes)
{
	return (struct fault_order){ .kind = FAULT_ORDER_PARTITION, .nodes = (char *)(uintptr_t)nodes };
}

static inline struct fault_order rig_of(enum fault_kind kind, const char *nodes, uint64_t at_ns, uint64_t for_ns)
{
	return (struct fault_order){
		.kind = kind, .nodes = (char *)(uintptr_t)nodes, .at_ns = at_ns, .for_ns = for_ns,
		.drift = kind == FAULT_ORDER_SKEW ? 2 : 0,
	};
}

static inline struct fault_order rig_link(const char *links, double loss)
{
	return (struct fault_order){
		.kind = FAULT_ORDER_LINK, .nodes = (char *)(uintptr_t)links,
		.settings = { .set = FAULT_SET_LOSS, .loss = { loss, 0 } },
	};
}

/* "2.000 crash n1 #3 for 1.000; 3.000 restart n1 #3 end" */
static inline const char *rig_text(const struct fault_out *out)
{
	static const char *const kind[] = {
		"link", "partition", "isolate", "heal", "crash", "restart", "pause", "resume", "skew", "calm",
	};
	static char text[1 << 16];
	size_t at = 0;

	text[0] = '\0';
	for (size_t i = 0; i < out->count && at < sizeof text - 400; i++) {
		const struct fault_order *o = &out->orders[i];

		at += (size_t)snprintf(text + at, 400, "%s%.3f %s", i ? "; " : "", (double)o->at_ns / 1e9, kind[o->kind]);
		if (o->nodes)
			at += (size_t)snprintf(text + at, 200, " %s", o->nodes);
		if (o->id)
			at += (size_t)snprintf(text + at, 40, " #%ju", (uintmax_t)o->id);
		if (o->one_way)
			at += (size_t)snprintf(text + at, 40, " one-way");
		if (o->for_ns)
			at += (size_t)snprintf(text + at, 40, " for %.3f", (double)o->for_ns / 1e9);
		if (o->ends)
			at += (size_t)snprintf(text + at, 40, " end");
	}
	return text;
}

#define assert_told(out, expected) assert_string_equal(rig_text(&(out)), expected)

/* The cuts as rows of 0 and 1, from by row: "011 100 100" */
static inline const char *rig_cuts(const struct fault_net *net, int nodes)
{
	static char text[1 << 12];
	size_t at = 0;

	for (int from = 0; from < nodes; from++) {
		for (int to = 0; to < nodes; to++)
			text[at++] = fault_net_cut(net, from, to) ? '1' : '0';
		text[at++] = ' ';
	}
	text[at ? at - 1 : 0] = '\0';
	return text;
}

#endif
