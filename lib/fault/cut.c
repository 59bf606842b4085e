/*
 * cut: who cannot hear whom: a matrix of bits, row FROM, of all partitions and isolations in force together.
 *
 * One that begins is added to it; where one ends the matrix is made anew of those that go on.
 */
#include "lib/fault/inside.h"

#include <string.h>

static void set_bit(uint64_t *row, size_t i)
{
	row[i / 64] |= UINT64_C(1) << i % 64;
}

static uint64_t *clear_row(const struct fault_net *net, uint64_t *row)
{
	memset(row, 0, net->words * sizeof *row);
	return row;
}

/* What `from` sends is kept from all in `whom` but those in `but` (NULL: from all). */
static void cut(struct fault_net *net, size_t from, const uint64_t *whom, const uint64_t *but)
{
	uint64_t *row = net->cut + from * net->words;

	for (size_t i = 0; i < net->words; i++) {
		uint64_t bits = but ? whom[i] & ~but[i] : whom[i];

		row[i] |= bits;
		net->any_cut |= bits != 0;
	}
}

/* All nodes that are not in `named` follow as one more group. */
static size_t add_rest(struct fault_net *net, const uint64_t *named, size_t count)
{
	uint16_t group = (uint16_t)(net->group[count - 1] + 1);

	for (size_t i = 0; i < net->options.node_count; i++) {
		if (named[i / 64] >> i % 64 & 1)
			continue;
		net->member[count] = (uint16_t)i;
		net->group[count++] = group;
	}
	return count;
}

static void cut_groups(struct fault_net *net, bool one_way, size_t count)
{
	uint64_t *named = clear_row(net, net->named), *own = net->among;

	for (size_t i = 0; i < count; i++)
		set_bit(named, net->member[i]);
	if (!net->group[count - 1])
		count = add_rest(net, named, count);
	for (size_t i = 0; i < count; i++)
		set_bit(named, net->member[i]);
	for (size_t first = 0, end; first < count; first = end) {
		clear_row(net, own);
		for (end = first; end < count && net->group[end] == net->group[first]; end++)
			set_bit(own, net->member[end]);
		for (size_t i = first; i < end; i++)
			cut(net, net->member[i], named, own);
		if (one_way)
			break;
	}
}

/* The first and the third group, which only the second sees both of. */
static void cut_bridge(struct fault_net *net, bool one_way, size_t count)
{
	uint64_t *first = clear_row(net, net->named), *third = clear_row(net, net->among);

	for (size_t i = 0; i < count; i++)
		if (net->group[i] != 1)
			set_bit(net->group[i] ? third : first, net->member[i]);
	for (size_t i = 0; i < count; i++) {
		if (net->group[i] == 0)
			cut(net, net->member[i], third, NULL);
		if (net->group[i] == 2 && !one_way)
			cut(net, net->member[i], first, NULL);
	}
}

/*
 * Each is heard by so many before and after it in the ring that all hear a majority.  One way, it is heard by just
 * those before it that make one.
 */
static void cut_ring(struct fault_net *net, bool one_way, size_t count)
{
	size_t half = count / 2, before = one_way ? half : (half + 1) / 2, after = one_way ? 0 : before;
	uint64_t *named = clear_row(net, net->named), *hear = net->among;

	if (before + after + 1 >= count)
		return;
	for (size_t i = 0; i < count; i++)
		set_bit(named, net->member[i]);
	for (size_t i = 0; i < count; i++) {
		clear_row(net, hear);
		for (size_t k = 0; k <= before + after; k++)
			set_bit(hear, net->member[(i + count - before + k) % count]);
		cut(net, net->member[i], named, hear);
	}
}

static void cut_isolated(struct fault_net *net, bool one_way, size_t count)
{
	uint64_t *all = clear_row(net, net->named), *own = net->among;

	for (size_t i = 0; i < net->options.node_count; i++)
		set_bit(all, i);
	for (size_t i = 0; i < count; i++) {
		clear_row(net, own);
		set_bit(own, net->member[i]);
		cut(net, net->member[i], all, own);
		for (size_t from = 0; from < net->options.node_count && !one_way; from++)
			if (from != net->member[i])
				cut(net, from, own, NULL);
	}
}

void fault_cut_add(struct fault_net *net, const struct fault_order *o)
{
	size_t count = fault_names_read(net, o->nodes);

	if (o->kind == FAULT_ORDER_ISOLATE)
		cut_isolated(net, o->one_way, count);
	else if (o->shape == FAULT_RING)
		cut_ring(net, o->one_way, count);
	else if (o->shape == FAULT_BRIDGE)
		cut_bridge(net, o->one_way, count);
	else
		cut_groups(net, o->one_way, count);
}

void fault_cut_rebuild(struct fault_net *net)
{
	memset(net->cut, 0, net->options.node_count * net->words * sizeof *net->cut);
	net->any_cut = net->stale_cut = false;
	for (const struct fault_force *f = net->cut_forces ? net->forces.first : NULL; f; f = f->after)
		if (f->order.kind == FAULT_ORDER_PARTITION || f->order.kind == FAULT_ORDER_ISOLATE)
			fault_cut_add(net, &f->order);
}

bool fault_net_cut(const struct fault_net *net, int from, int to)
{
	if (from < 0 || to < 0)
		return false;
	return net->cut[(size_t)from * net->words + (size_t)to / 64] >> (size_t)to % 64 & 1;
}
