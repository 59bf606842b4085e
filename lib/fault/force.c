/*
 * force: faults begin, go on, and end.
 *
 * Those that go on are a list in the order they began; those that end by time are in the heap too.  A node is held by one
 * crash, one pause and one skew at most, the newest: an older one that loses its last node is over, and has no end of
 * its own to tell of.  A node that is down is not paused: its process is gone.
 */
#include "lib/fault/inside.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* --- The list --- */

static void append(struct fault_forces *list, struct fault_force *f)
{
	f->before = list->last;
	f->after = NULL;
	if (list->last)
		list->last->after = f;
	else
		list->first = f;
	list->last = f;
	list->count++;
}

static void take_out(struct fault_forces *list, struct fault_force *f)
{
	if (f->before)
		f->before->after = f->after;
	else
		list->first = f->after;
	if (f->after)
		f->after->before = f->before;
	else
		list->last = f->before;
	list->count--;
}

static void free_force(struct fault_force *f)
{
	fault_order_release(&f->order);
	free(f);
}

void fault_forces_release(struct fault_forces *list)
{
	struct fault_force *next;

	for (struct fault_force *f = list->first; f; f = next) {
		next = f->after;
		free_force(f);
	}
	*list = (struct fault_forces){ 0 };
}

struct fault_force *fault_force_find(const struct fault_net *net, uint64_t id)
{
	for (struct fault_force *f = net->forces.first; f; f = f->after)
		if (f->order.id == id)
			return f;
	return NULL;
}

bool fault_full(const struct fault_net *net)
{
	return net->forces.count + net->permanent.count >= FAULT_ORDERS_MAX;
}

static bool is_cut(const struct fault_order *o)
{
	return o->kind == FAULT_ORDER_PARTITION || o->kind == FAULT_ORDER_ISOLATE;
}

/* Ends it with nothing told; what it held of nodes is the caller's to let go. */
static void drop(struct fault_net *net, struct fault_force *f)
{
	if (f->due.at_ns != FAULT_NEVER)
		fault_heap_remove(&net->heap, &f->due);
	if (f->order.kind == FAULT_ORDER_LINK) {
		net->version++;
		net->biting -= !fault_settings_none(&f->order.settings);
	}
	if (is_cut(&f->order)) {
		net->cut_forces--;
		net->stale_cut = true;
	}
	take_out(&net->forces, f);
	free_force(f);
}

/* --- What is told --- */

static bool reserve_told(struct fault_net *net, size_t more)
{
	struct fault_told *t = &net->told;
	size_t room = 2 * t->room + more;
	struct fault_order *order;

	if (t->room - t->count >= more)
		return true;
	order = realloc(t->order, room * sizeof *order);
	if (!order)
		return false;
	t->order = order;
	t->room = room;
	return true;
}

/* Takes the text. */
static void tell(struct fault_net *net, const struct fault_order *o)
{
	assert(net->told.count < net->told.room);
	net->told.order[net->told.count++] = *o;
}

static void tell_end(struct fault_net *net, uint64_t at_ns, enum fault_kind kind, uint64_t id, char *nodes)
{
	struct fault_order o = { .kind = kind, .at_ns = at_ns, .id = id, .nodes = nodes, .ends = true };

	if (kind == FAULT_ORDER_SKEW)
		o.drift = 1;
	tell(net, &o);
}

/* --- Nodes held --- */

static enum fault_hold hold_of(enum fault_kind kind)
{
	switch (kind) {
	case FAULT_ORDER_CRASH: case FAULT_ORDER_RESTART: return FAULT_HOLD_CRASH;
	case FAULT_ORDER_PAUSE: case FAULT_ORDER_RESUME: return FAULT_HOLD_PAUSE;
	case FAULT_ORDER_SKEW: return FAULT_HOLD_SKEW;
	default: return FAULT_HOLDS;
	}
}

static void let_go(struct fault_net *net, enum fault_hold hold, size_t node)
{
	struct fault_force *f = net->hold[hold][node];

	if (!f)
		return;
	net->hold[hold][node] = NULL;
	if (!fault_names_remove(f->order.nodes, net->options.nodes[node], net->name_len[node]))
		drop(net, f);
}

/* All nodes of a fault that is to be dropped. */
static void let_all_go(struct fault_net *net, const struct fault_force *f)
{
	enum fault_hold hold = hold_of(f->order.kind);
	size_t count = hold < FAULT_HOLDS ? fault_names_read(net, f->order.nodes) : 0;

	for (size_t i = 0; i < count; i++)
		net->hold[hold][net->member[i]] = NULL;
}

/* A new fault of processes takes its nodes over from older ones.  It is in the list; those that it cannot hold leave it. */
static void take_over(struct fault_net *net, struct fault_force *f)
{
	enum fault_hold hold = hold_of(f->order.kind);
	size_t count = hold < FAULT_HOLDS ? fault_names_read(net, f->order.nodes) : 0;

	for (size_t i = 0; i < count; i++) {
		size_t node = net->member[i];
		bool down = hold == FAULT_HOLD_PAUSE && net->hold[FAULT_HOLD_CRASH][node];

		if (!down)
			let_go(net, hold, node);
		if (hold == FAULT_HOLD_CRASH)
			let_go(net, FAULT_HOLD_PAUSE, node);
		net->hold[hold][node] = f;
		if (down)
			let_go(net, hold, node);
	}
}

/* --- Beginning --- */

/* Its own where nobody has it (a replay's), else one above all that were. */
static uint64_t choose_id(struct fault_net *net, uint64_t wanted)
{
	if (wanted > net->last_id && wanted < FAULT_IDS)
		return net->last_id = wanted;
	if (wanted && wanted <= net->last_id && !fault_force_find(net, wanted))
		return wanted;
	return ++net->last_id;
}

/* `o` is as it will be told; its text is taken where that succeeds. */
static bool begin(struct fault_net *net, struct fault_order *o)
{
	struct fault_force *f = calloc(1, sizeof *f);

	if (!o->for_ns)
		o->for_ns = net->options.heal_after_ns;
	if (!f || !fault_order_copy(&f->order, o) || !fault_heap_reserve(&net->heap, 1)) {
		if (f)
			free_force(f);
		return false;
	}
	f->order.id = o->id = choose_id(net, o->id);
	f->due.number = ++net->numbers;
	f->due.at_ns = !o->for_ns || o->for_ns > FAULT_NEVER - o->at_ns ? FAULT_NEVER : o->at_ns + o->for_ns;
	if (f->due.at_ns != FAULT_NEVER)
		fault_heap_add(&net->heap, &f->due);
	append(&net->forces, f);
	tell(net, o);
	if (o->kind == FAULT_ORDER_LINK) {
		bool pattern = fault_pattern_read(&f->pattern, f->order.nodes);

		assert(pattern);
		f->pattern.open = net->options.open;
		net->version++;
		net->biting += !fault_settings_none(&f->order.settings);
	}
	if (is_cut(o)) {
		net->cut_forces++;
		if (!net->stale_cut)
			fault_cut_add(net, o);
	}
	take_over(net, f);
	return true;
}

bool fault_force_permanent(struct fault_net *net, const struct fault_order *o)
{
	struct fault_force *f = calloc(1, sizeof *f);

	if (!f || !fault_order_copy(&f->order, o)) {
		free(f);
		return false;
	}
	if (!fault_pattern_read(&f->pattern, f->order.nodes))
		assert(!"checked before");
	f->pattern.open = net->options.open;
	append(&net->permanent, f);
	net->biting += !fault_settings_none(&f->order.settings);
	return true;
}

/* --- Ending --- */

/* There is room to tell of it. */
static void end(struct fault_net *net, uint64_t at_ns, struct fault_force *f)
{
	static const enum fault_kind kind[] = { FAULT_ORDER_RESTART, FAULT_ORDER_RESUME, FAULT_ORDER_SKEW };
	enum fault_hold hold = hold_of(f->order.kind);

	if (hold == FAULT_HOLDS) {
		tell_end(net, at_ns, FAULT_ORDER_HEAL, f->order.id, NULL);
	} else {
		let_all_go(net, f);
		tell_end(net, at_ns, kind[hold], f->order.id, f->order.nodes);
		f->order.nodes = NULL;
	}
	drop(net, f);
}

bool fault_force_ends(struct fault_net *net, uint64_t at_ns, struct fault_force *f)
{
	if (!reserve_told(net, 1))
		return false;
	end(net, at_ns, f);
	return true;
}

static bool of_network(const struct fault_order *o)
{
	return is_cut(o) || o->kind == FAULT_ORDER_LINK;
}

static void heal(struct fault_net *net, const struct fault_order *o)
{
	struct fault_force *f = o->id ? fault_force_find(net, o->id) : NULL, *next;

	tell(net, o);
	if (f && of_network(&f->order))
		drop(net, f);
	else if (f)
		end(net, o->at_ns, f);
	if (o->id)
		return;
	for (f = net->forces.first; f; f = next) {
		next = f->after;
		if (of_network(&f->order))
			drop(net, f);
	}
}

/* The names of all that are held so, NULL where nobody is; false: no memory. */
static bool held(struct fault_net *net, enum fault_hold hold, char **nodes)
{
	size_t count = 0;

	for (size_t i = 0; i < net->options.node_count; i++)
		if (net->hold[hold][i])
			net->pool[count++] = (uint16_t)i;
	*nodes = count ? fault_names_of_pool(net, count) : NULL;
	return *nodes || !count;
}

static bool calm(struct fault_net *net, const struct fault_order *o)
{
	bool networks = false;
	char *down = NULL, *paused = NULL, *skewed = NULL;

	if (!reserve_told(net, 5) || !held(net, FAULT_HOLD_CRASH, &down) || !held(net, FAULT_HOLD_PAUSE, &paused) ||
	    !held(net, FAULT_HOLD_SKEW, &skewed)) {
		free(down);
		free(paused);
		return false;
	}
	for (struct fault_force *f = net->forces.first; f; f = net->forces.first) {
		networks |= of_network(&f->order);
		let_all_go(net, f);
		drop(net, f);
	}
	fault_forces_release(&net->permanent);
	net->biting = 0;
	net->version++;
	net->calm = true;
	net->nemesis.next_ns = FAULT_NEVER;
	tell(net, o);
	if (networks)
		tell_end(net, o->at_ns, FAULT_ORDER_HEAL, 0, NULL);
	if (paused)
		tell_end(net, o->at_ns, FAULT_ORDER_RESUME, 0, paused);
	if (down)
		tell_end(net, o->at_ns, FAULT_ORDER_RESTART, 0, down);
	if (skewed)
		tell_end(net, o->at_ns, FAULT_ORDER_SKEW, 0, skewed);
	return true;
}

/* Restart, resume, and a clock set right. */
static void undo(struct fault_net *net, const struct fault_order *o)
{
	size_t count = fault_names_read(net, o->nodes);

	for (size_t i = 0; i < count; i++)
		let_go(net, hold_of(o->kind), net->member[i]);
	tell(net, o);
}

static bool do_drawn(struct fault_net *net, struct fault_order *o)
{
	switch (o->kind) {
	case FAULT_ORDER_HEAL:
		heal(net, o);
		return true;
	case FAULT_ORDER_CALM:
		return calm(net, o);
	case FAULT_ORDER_RESTART:
	case FAULT_ORDER_RESUME:
		undo(net, o);
		return true;
	case FAULT_ORDER_SKEW:
		if (o->offset_ns || o->drift < 1 || o->drift > 1)
			return begin(net, o);
		undo(net, o);
		return true;
	default:
		return begin(net, o);
	}
}

static char *same(const char *text)
{
	struct fault_text t = { 0 };

	fault_text_add(&t, text, strlen(text));
	return t.at;
}

bool fault_carry_out(struct fault_net *net, uint64_t at_ns, const struct fault_order *order, struct fault_stream s)
{
	struct fault_order o = *order;
	bool none = o.kind == FAULT_ORDER_HEAL || o.kind == FAULT_ORDER_CALM, done;

	o.at_ns = at_ns;
	o.ends = o.permanent = false;
	o.nodes = NULL;
	if (!reserve_told(net, 2))
		return false;
	if (o.kind == FAULT_ORDER_LINK)
		o.nodes = same(order->nodes);
	else if (o.kind == FAULT_ORDER_PARTITION && (!order->nodes || !*order->nodes))
		o.nodes = fault_shape_drawn(net, order, s);
	else if (!none)
		o.nodes = fault_names_drawn(net, order, s);
	if (!none && !o.nodes)
		return false;
	done = do_drawn(net, &o);
	if (!done)
		fault_order_release(&o);
	return done;
}
