/*
 * nemesis: faults at random.
 *
 * Its strike k comes of draws of its own, whatever else goes on: when, which kind, how long, and at whom.  From one to the next
 * are 0.5 .. 1.5 of `every`, evenly, and one lasts 0.2 .. 0.8 of it: so it may go on into the next one, but never
 * beyond that; where the next one is of the same kind, it ends there.
 */
#include "lib/fault/inside.h"

#include <assert.h>
#include <stdlib.h>

/* Draws of a strike. */
enum { GAP, KIND, LENGTH, SHAPE, WAY, SECOND, HOW, HOW_MUCH, DRIFT, TARGETS };

/* At once: a crash of all and of one are of one kind. */
enum { CRASHES = FAULT_NEMESIS_CRASH | FAULT_NEMESIS_CRASH_ALL };

#define MS UINT64_C(1000000)

static struct fault_stream strike(const struct fault_net *net, uint64_t k)
{
	return (struct fault_stream){ fault_bits(net->nemesis.stream, k) };
}

/* From the strike before to this one. */
static uint64_t gap(const struct fault_net *net, uint64_t k)
{
	return (uint64_t)((double)net->options.every_ns * (0.5 + fault_unit(strike(net, k), GAP)));
}

static unsigned kind(const struct fault_net *net, uint64_t k)
{
	unsigned kinds = net->nemesis.kinds, count = 0, at;

	for (unsigned bits = kinds; bits; bits &= bits - 1)
		count++;
	at = (unsigned)fault_below(strike(net, k), KIND, count);
	while (at--)
		kinds &= kinds - 1;
	return kinds & -kinds;
}

static uint64_t length(const struct fault_net *net, uint64_t k)
{
	uint64_t for_ns = (uint64_t)((double)net->options.every_ns * (0.2 + 0.6 * fault_unit(strike(net, k), LENGTH)));
	uint64_t next = gap(net, k + 1);
	unsigned now = kind(net, k), then = kind(net, k + 1);

	if (for_ns > next && (now == then || (now & CRASHES && then & CRASHES)))
		for_ns = next;
	return for_ns ? for_ns : 1;
}

static uint64_t after(uint64_t at_ns, uint64_t gap_ns)
{
	return gap_ns < FAULT_NEVER - at_ns ? at_ns + (gap_ns ? gap_ns : 1) : FAULT_NEVER;
}

void fault_nemesis_init(struct fault_net *net)
{
	const struct fault_options *o = &net->options;
	unsigned kinds = o->nemesis & FAULT_NEMESIS_ALL, links = FAULT_NEMESIS_LOSS | FAULT_NEMESIS_SLOW;

	if (o->node_count < 2)
		kinds &= ~(unsigned)(FAULT_NEMESIS_PARTITION | FAULT_NEMESIS_ISOLATE | FAULT_NEMESIS_ONE_WAY);
	if (o->node_count == 1 && !o->clients)
		kinds &= ~links;
	if (!o->local_count)
		kinds &= ~(unsigned)(CRASHES | FAULT_NEMESIS_PAUSE);
	if (!o->local_count || !o->skew)
		kinds &= ~(unsigned)FAULT_NEMESIS_SKEW;
	net->nemesis.stream = fault_stream(o->seed, "nemesis", "", 0, "", 0);
	net->nemesis.kinds = o->every_ns ? kinds : 0;
	net->nemesis.next_ns = net->nemesis.kinds ? after(0, gap(net, 0)) : FAULT_NEVER;
}

/* --- What it does --- */

/* Every shape that cuts something here. */
static enum fault_shape shape(const struct fault_net *net, struct fault_stream s, bool *one_way)
{
	size_t n = net->options.node_count;
	enum fault_shape first = FAULT_HALVES, last = n < 3 ? FAULT_ONE : FAULT_BRIDGE;
	enum fault_shape drawn = first + (enum fault_shape)fault_below(s, SHAPE, last - first + 1);

	if (drawn == FAULT_RING && n == 3)
		*one_way = true;
	return drawn;
}

static bool partition(struct fault_net *net, struct fault_stream s, struct fault_order *o)
{
	o->kind = FAULT_ORDER_PARTITION;
	o->one_way = o->one_way || fault_below(s, WAY, 4) == 0;
	o->shape = shape(net, s, &o->one_way);
	return true;
}

static bool isolate(struct fault_net *net, struct fault_stream s, struct fault_order *o)
{
	o->kind = FAULT_ORDER_ISOLATE;
	fault_names_pick(net, net->options.node_count, 1, s, TARGETS);
	o->nodes = fault_names_of_pool(net, 1);
	return o->nodes;
}

/* One or, rarely, two local nodes, a minority of all or one: those of them on which it tells. */
static bool processes(struct fault_net *net, struct fault_stream s, bool all, struct fault_order *o)
{
	size_t local = net->options.local_count, minority = (net->options.node_count - 1) / 2, count = 1, left = 0;

	if (local > 1 && minority > 1 && fault_below(s, SECOND, 4) == 0)
		count = 2;
	if (all)
		count = local;
	fault_names_pick(net, local, all ? 0 : count, s, TARGETS);
	for (size_t i = 0; i < count; i++) {
		uint16_t node = net->pool[i];
		bool down = net->hold[FAULT_HOLD_CRASH][node], paused = net->hold[FAULT_HOLD_PAUSE][node];

		if (down ? o->kind == FAULT_ORDER_SKEW : !(paused && o->kind == FAULT_ORDER_PAUSE))
			net->pool[left++] = node;
	}
	o->nodes = left ? fault_names_of_pool(net, left) : NULL;
	return o->nodes;
}

/* A jump of 1 ms to 10 s, each order of magnitude alike, ahead or behind; half the clocks then run up to a tenth wrong, too. */
static bool skew(struct fault_net *net, struct fault_stream s, struct fault_order *o)
{
	uint64_t jump_ms = (uint64_t)fault_exp(fault_log(10000) * fault_unit(s, HOW_MUCH)), drift = fault_below(s, DRIFT, 402);

	o->kind = FAULT_ORDER_SKEW;
	o->offset_ns = (int64_t)(jump_ms * MS) * (fault_below(s, HOW, 2) ? 1 : -1);
	o->drift = drift < 201 ? 1 : (double)(900 + drift - 201) / 1000;
	return processes(net, s, false, o);
}

static bool crash(struct fault_net *net, struct fault_stream s, bool all, struct fault_order *o)
{
	o->kind = FAULT_ORDER_CRASH;
	return processes(net, s, all, o);
}

static bool pause_nodes(struct fault_net *net, struct fault_stream s, struct fault_order *o)
{
	o->kind = FAULT_ORDER_PAUSE;
	return processes(net, s, false, o);
}

static void add_side(struct fault_net *net, struct fault_text *t, const char *other, bool node, size_t at)
{
	if (node)
		fault_text_add(t, net->options.nodes[net->pool[at]], net->name_len[net->pool[at]]);
	else
		fault_text_add(t, other, other[0] == '*' ? 1 : 6);
}

/* All links of a node; or what it sends or hears, or what it sends to another one.  With no nodes there is one link. */
static bool links(struct fault_net *net, struct fault_stream s, bool all, struct fault_order *o)
{
	enum { ALL, SENT, HEARD, TO_ONE, WAYS } way;
	size_t n = net->options.node_count;
	const char *other = n < 2 ? "client" : "*";
	struct fault_text t = { 0 };

	way = !n ? SENT : all ? ALL : (int)fault_below(s, HOW, n < 2 ? TO_ONE : WAYS);
	fault_names_pick(net, n, n < 2 ? n : 2, s, TARGETS);
	add_side(net, &t, other, n && way != HEARD, 0);
	fault_text_add(&t, way == ALL ? "<>" : ">", way == ALL ? 2 : 1);
	add_side(net, &t, other, n && (way == HEARD || way == TO_ONE), way == TO_ONE);
	o->kind = FAULT_ORDER_LINK;
	o->nodes = t.at;
	return !t.failed;
}

/* 10 .. 90 % */
static bool loss(struct fault_net *net, struct fault_stream s, struct fault_order *o)
{
	o->settings.set = FAULT_SET_LOSS;
	o->settings.loss.p = (double)(10 + fault_below(s, HOW_MUCH, 81)) / 100;
	return links(net, s, false, o);
}

/* 10 .. 500 ms in the mean */
static bool slow(struct fault_net *net, struct fault_stream s, struct fault_order *o)
{
	o->settings.set = FAULT_SET_DELAY;
	o->settings.delay.distribution = FAULT_EXPONENTIAL;
	o->settings.delay.a_ns = (10 + fault_below(s, HOW_MUCH, 491)) * MS;
	return links(net, s, true, o);
}

/* False: there is nothing that it would tell on, or no memory. */
static bool choose(struct fault_net *net, unsigned kinds, struct fault_stream s, struct fault_order *o)
{
	switch (kinds) {
	case FAULT_NEMESIS_PARTITION:
		return partition(net, s, o);
	case FAULT_NEMESIS_ISOLATE:
		return isolate(net, s, o);
	case FAULT_NEMESIS_ONE_WAY:
		o->one_way = true;
		return fault_below(s, WAY, 2) ? isolate(net, s, o) : partition(net, s, o);
	case FAULT_NEMESIS_CRASH:
	case FAULT_NEMESIS_CRASH_ALL:
		return crash(net, s, kinds == FAULT_NEMESIS_CRASH_ALL, o);
	case FAULT_NEMESIS_PAUSE:
		return pause_nodes(net, s, o);
	case FAULT_NEMESIS_SKEW:
		return skew(net, s, o);
	case FAULT_NEMESIS_LOSS:
		return loss(net, s, o);
	case FAULT_NEMESIS_SLOW:
		return slow(net, s, o);
	}
	assert(!"one kind");
	return false;
}

void fault_nemesis_strike(struct fault_net *net)
{
	uint64_t k = net->nemesis.count++, at_ns = net->nemesis.next_ns;
	struct fault_order o = { .for_ns = length(net, k) };
	bool done;

	net->nemesis.next_ns = after(at_ns, gap(net, k + 1));
	done = !fault_full(net) && choose(net, kind(net, k), strike(net, k), &o) &&
	       fault_carry_out(net, at_ns, &o, (struct fault_stream){ fault_bits(strike(net, k), TARGETS) });
	(void)done;             /* it is not tried again */
	fault_order_release(&o);
}
