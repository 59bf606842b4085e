/*
 * net: a network's faults: what is planned and what is asked for, carried out when it is due.
 *
 * At one time: ends, the calm, what is planned (in its order), the nemesis, what is asked for.  So a list of all that
 * was carried out is a plan of the same faults.
 */
#include "lib/fault/inside.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* --- Names --- */

static size_t slot_of(const struct fault_net *net, const char *name, size_t len)
{
	size_t slot = (size_t)fault_absorb(0, name, len) & (net->name_slots - 1);

	for (; net->name_slot[slot]; slot = (slot + 1) & (net->name_slots - 1)) {
		size_t node = net->name_slot[slot] - 1u;

		if (net->name_len[node] == len && !memcmp(net->options.nodes[node], name, len))
			break;
	}
	return slot;
}

int fault_net_node(const struct fault_net *net, const char *name, size_t len)
{
	return (int)net->name_slot[slot_of(net, name, len)] - 1;
}

static void index_names(struct fault_net *net)
{
	for (size_t i = 0; i < net->options.node_count; i++) {
		size_t slot;

		net->name_len[i] = strlen(net->options.nodes[i]);
		slot = slot_of(net, net->options.nodes[i], net->name_len[i]);
		if (!net->name_slot[slot])
			net->name_slot[slot] = (uint16_t)(i + 1);
	}
}

/* --- Making one --- */

/* One more of each than nodes, so that no size is 0. */
static bool allocate(struct fault_net *net)
{
	size_t n = net->options.node_count + 1;

	net->words = (n + 63) / 64;
	for (net->name_slots = 4; net->name_slots < 2 * n; net->name_slots *= 2)
		;
	net->name_len = calloc(n, sizeof *net->name_len);
	net->name_slot = calloc(net->name_slots, sizeof *net->name_slot);
	net->cut = calloc(n * net->words, sizeof *net->cut);
	net->member = calloc(n, sizeof *net->member);
	net->pool = calloc(n, sizeof *net->pool);
	net->group = calloc(n, sizeof *net->group);
	net->named = calloc(net->words, sizeof *net->named);
	net->among = calloc(net->words, sizeof *net->among);
	net->planned = calloc(net->options.order_count + 1, sizeof *net->planned);
	for (int h = 0; h < FAULT_HOLDS; h++) {
		net->hold[h] = calloc(n, sizeof *net->hold[h]);
		if (!net->hold[h])
			return false;
	}
	return net->name_len && net->name_slot && net->cut && net->member && net->pool && net->group && net->named &&
	       net->among && net->planned && fault_heap_reserve(&net->heap, net->options.order_count);
}

void fault_net_free(struct fault_net *net)
{
	if (!net)
		return;
	fault_forces_release(&net->forces);
	fault_forces_release(&net->permanent);
	for (size_t i = 0; net->planned && i < net->options.order_count; i++)
		fault_order_release(&net->planned[i].order);
	for (size_t i = 0; i < net->told.count; i++)
		fault_order_release(&net->told.order[i]);
	for (int h = 0; h < FAULT_HOLDS; h++)
		free(net->hold[h]);
	free(net->told.order);
	free(net->listed);
	free(net->planned);
	free(net->heap.due);
	free(net->name_len);
	free(net->name_slot);
	free(net->cut);
	free(net->member);
	free(net->pool);
	free(net->group);
	free(net->named);
	free(net->among);
	free(net);
}

/* False: no memory. */
static bool plan(struct fault_net *net, size_t i, const struct fault_order *o)
{
	struct fault_planned *p = &net->planned[i];

	if (o->permanent && o->kind == FAULT_ORDER_LINK)
		return fault_force_permanent(net, o);
	if (!fault_order_copy(&p->order, o))
		return false;
	p->due = (struct fault_due){ .at_ns = o->at_ns, .number = i, .planned = true };
	fault_heap_add(&net->heap, &p->due);
	return true;
}

struct fault_net *fault_net_new(const struct fault_options *options, size_t *bad, const char **why)
{
	static char clause[FAULT_WHY_BYTES];    /* the net's own goes with it */
	struct fault_net *net = calloc(1, sizeof *net);

	assert(options->node_count <= FAULT_NODES_MAX && options->local_count <= options->node_count);
	*bad = 0;
	*why = NULL;
	if (!net)
		return NULL;
	net->options = *options;
	net->self = net;
	if (options->order_count > FAULT_ORDERS_MAX) {
		net->options.order_count = 0;
		*bad = FAULT_ORDERS_MAX;
		*why = "more faults are planned than 65536";
	}
	if (*why || !allocate(net)) {
		fault_net_free(net);
		return NULL;
	}
	index_names(net);
	net->draws.order = fault_stream(options->seed, "order", "", 0, "", 0);
	net->draws.plan = fault_stream(options->seed, "plan", "", 0, "", 0);
	for (size_t i = 0; i < options->order_count; i++) {
		const char *wrong = fault_check(net, &options->orders[i]);

		if (wrong) {
			*bad = i;
			*why = fault_clause(clause, wrong, "", 0, "");
		}
		if (wrong || !plan(net, i, &options->orders[i])) {
			fault_net_free(net);
			return NULL;
		}
	}
	fault_nemesis_init(net);
	return net;
}

/* --- Carrying out --- */

static bool begins(const struct fault_order *o)
{
	return o->kind != FAULT_ORDER_HEAL && o->kind != FAULT_ORDER_CALM && o->kind != FAULT_ORDER_RESTART &&
	       o->kind != FAULT_ORDER_RESUME;
}

/* A stream of its own for an order that draws; one that does not takes none, and moves no other's. */
static struct fault_stream draws_of(struct fault_stream all, uint64_t *count, const struct fault_order *o)
{
	bool names = o->nodes && *o->nodes;

	if (names ? !strchr(o->nodes, '?') : o->kind != FAULT_ORDER_PARTITION)
		return (struct fault_stream){ 0 };
	return (struct fault_stream){ fault_bits(all, (*count)++) };
}

/* What cannot be carried out is left out: its fault has ended before, there are too many, or no memory. */
static void carry_out_planned(struct fault_net *net, struct fault_planned *p)
{
	const struct fault_order *o = &p->order;
	bool gone = o->kind == FAULT_ORDER_HEAL && o->id && !fault_force_find(net, o->id);

	fault_heap_remove(&net->heap, &p->due);
	if (!net->calm_done && !gone && !(begins(o) && fault_full(net)))
		gone = !fault_carry_out(net, p->due.at_ns, o, draws_of(net->draws.plan, &net->draws.plans, o));
	fault_order_release(&p->order);
}

static bool calm_due(struct fault_net *net)
{
	static const struct fault_order calm = { .kind = FAULT_ORDER_CALM };

	net->calm_done = fault_carry_out(net, net->options.calm_ns, &calm, (struct fault_stream){ 0 });
	return net->calm_done;
}

static uint64_t next_due(const struct fault_net *net)
{
	uint64_t due = net->heap.count ? net->heap.due[0]->at_ns : FAULT_NEVER;

	if (!net->calm_done && net->options.calm_ns < due)
		due = net->options.calm_ns;
	return net->nemesis.next_ns < due ? net->nemesis.next_ns : due;
}

/* The first thing that is due, at that time.  False: there is no memory for what must not be left out; it stays due. */
static bool carry_out_next(struct fault_net *net, uint64_t at_ns)
{
	struct fault_due *first = net->heap.count && net->heap.due[0]->at_ns == at_ns ? net->heap.due[0] : NULL;

	if (first && !first->planned)
		return fault_force_ends(net, at_ns, (struct fault_force *)(void *)first);
	if (!net->calm_done && net->options.calm_ns == at_ns)
		return calm_due(net);
	if (first)
		carry_out_planned(net, (struct fault_planned *)(void *)first);
	else
		fault_nemesis_strike(net);
	return true;
}

static void run_due(struct fault_net *net, uint64_t now_ns)
{
	if (net->handed) {
		for (size_t i = 0; i < net->told.count; i++)
			fault_order_release(&net->told.order[i]);
		net->told.count = 0;
		net->handed = false;
	}
	if (now_ns > net->now_ns)
		net->now_ns = now_ns;
	for (uint64_t at; (at = next_due(net)) <= net->now_ns && at != FAULT_NEVER;)
		if (!carry_out_next(net, at))
			break;
}

static void hand_out(struct fault_net *net, struct fault_out *out)
{
	if (net->stale_cut)
		fault_cut_rebuild(net);
	net->handed = true;
	*out = (struct fault_out){ net->told.order, net->told.count };
}

void fault_net_advance(struct fault_net *net, uint64_t now_ns, struct fault_out *out)
{
	run_due(net, now_ns);
	hand_out(net, out);
}

const char *fault_net_order(struct fault_net *net, uint64_t now_ns, const struct fault_order *o, struct fault_out *out)
{
	const char *wrong = fault_check(net, o);

	*out = (struct fault_out){ 0 };
	if (wrong)
		return wrong;
	run_due(net, now_ns);
	if (o->kind == FAULT_ORDER_HEAL && o->id && !fault_force_find(net, o->id))
		wrong = "no fault in force has that id";
	else if (begins(o) && fault_full(net))
		wrong = "there are too many faults in force";
	else if (!fault_carry_out(net, net->now_ns, o, draws_of(net->draws.order, &net->draws.orders, o)))
		wrong = "there is no memory";
	if (!wrong)
		hand_out(net, out);
	else if (net->stale_cut)
		fault_cut_rebuild(net);
	return wrong;
}

uint64_t fault_net_deadline(const struct fault_net *net)
{
	return net->told.count && !net->handed ? net->now_ns : next_due(net);
}

/* --- What is so now --- */

uint64_t fault_net_version(const struct fault_net *net)
{
	return net->version;
}

void fault_net_settings(const struct fault_net *net, const char *from, size_t from_len, int from_index,
			const char *to, size_t to_len, int to_index, struct fault_settings *s)
{
	bool from_node = from_index >= 0, to_node = to_index >= 0;
	bool of_all = !net->calm && (net->options.clients || (from_node && to_node));

	*s = of_all ? net->options.settings : (struct fault_settings){ 0 };
	for (const struct fault_force *f = net->permanent.first; f; f = f->after)
		if (fault_pattern_matches(&f->pattern, from, from_len, from_node, to, to_len, to_node))
			fault_settings_add(s, &f->order.settings);
	for (const struct fault_force *f = net->forces.first; f; f = f->after)
		if (f->order.kind == FAULT_ORDER_LINK &&
		    fault_pattern_matches(&f->pattern, from, from_len, from_node, to, to_len, to_node))
			fault_settings_add(s, &f->order.settings);
}

bool fault_net_quiet(const struct fault_net *net)
{
	return !net->any_cut && !net->biting && (net->calm || fault_settings_none(&net->options.settings));
}

bool fault_net_calm(const struct fault_net *net)
{
	return net->calm;
}

void fault_net_in_force(const struct fault_net *net, uint64_t now_ns, struct fault_out *out)
{
	struct fault_net *keep = net->self;
	size_t count = 0;

	*out = (struct fault_out){ 0 };
	if (keep->listed_room < net->forces.count) {
		struct fault_order *listed = realloc(keep->listed, net->forces.count * sizeof *listed);

		if (!listed)
			return;
		keep->listed = listed;
		keep->listed_room = net->forces.count;
	}
	for (const struct fault_force *f = net->forces.first; f; f = f->after) {
		struct fault_order *o = &keep->listed[count];

		if (f->due.at_ns <= now_ns)
			continue;
		*o = f->order;
		o->for_ns = f->due.at_ns == FAULT_NEVER ? 0 : f->due.at_ns - now_ns;
		count++;
	}
	*out = (struct fault_out){ keep->listed, count };
}
