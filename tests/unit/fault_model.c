/*
 * lib/fault's net beside a plain model of it: orders at random, and after each the model, which knows nothing but what was
 * told, says who hears whom, what is in force, how long yet, and what must end next.
 */
#include "tests/unit/fault_rig.h"

enum { NODES = 6, FORCES_MAX = 512 };

static uint64_t drawn, seed;

static uint64_t any(uint64_t bound)
{
	return fault_below((struct fault_stream){ seed }, drawn++, bound);
}

struct force { struct fault_order o; uint64_t end_ns; bool node[NODES]; };

struct model { struct force force[FORCES_MAX]; size_t count; uint64_t now_ns; };

/* The group of each node, -1 for none; places in the text besides. */
static int read_groups(const char *text, int group[NODES], int place[NODES])
{
	int groups = 0, places = 0;

	for (int i = 0; i < NODES; i++)
		group[i] = -1;
	for (; text && *text; text++) {
		if (*text == '|')
			groups++;
		if (*text != 'n' || text[1] < '1' || text[1] > '6')     /* a link's may have stars */
			continue;
		group[text[1] - '1'] = groups;
		place[text[1] - '1'] = places++;
	}
	return places;
}

static bool process(const struct fault_order *o)
{
	return o->kind >= FAULT_ORDER_CRASH && o->kind <= FAULT_ORDER_SKEW;
}

static bool cut_by(const struct fault_order *o, int from, int to)
{
	int group[NODES], place[NODES], count = read_groups(o->nodes, group, place);
	bool single = !strchr(o->nodes, '|');

	if (from == to)
		return false;
	if (o->kind == FAULT_ORDER_ISOLATE)
		return group[from] >= 0 || (group[to] >= 0 && !o->one_way);
	if (o->kind != FAULT_ORDER_PARTITION)
		return false;
	if (o->shape == FAULT_RING) {
		int before = (place[from] - place[to] + count) % count, near = (count / 2 + 1) / 2;

		return group[from] >= 0 && group[to] >= 0 &&
		       (o->one_way ? before > count / 2 : before > near && count - before > near);
	}
	if (single) {
		group[from] = group[from] < 0;
		group[to] = group[to] < 0;
	}
	if (o->shape == FAULT_BRIDGE && (group[from] == 1 || group[to] == 1))
		return false;
	return group[from] >= 0 && group[to] >= 0 && group[from] != group[to] && (!o->one_way || group[from] == 0);
}

static void drop(struct model *m, size_t i)
{
	fault_order_release(&m->force[i].o);
	memmove(&m->force[i], &m->force[i + 1], (m->count - i - 1) * sizeof *m->force);
	m->count--;
}

static void let_go(struct model *m, enum fault_kind kind, const int *group)
{
	for (size_t i = m->count; i-- > 0;) {
		bool left = false;

		if (m->force[i].o.kind != kind)
			continue;
		for (int n = 0; n < NODES; n++)
			left |= m->force[i].node[n] &= group[n] < 0;
		if (!left)
			drop(m, i);
	}
}

/* What is told of an end must be due, or have been asked for. */
static void end(struct model *m, const struct fault_order *o, bool calm)
{
	int group[NODES], place[NODES];
	bool found = false;

	read_groups(o->nodes, group, place);
	for (size_t i = m->count; i-- > 0;) {
		const struct force *f = &m->force[i];

		if (process(o) ? f->o.id != o->id || !o->id : process(&f->o) || (o->id && f->o.id != o->id))
			continue;
		assert_true(calm || !o->ends || f->end_ns == o->at_ns || process(o));
		for (int n = 0; n < NODES && process(o); n++)
			assert_int_equal(f->node[n], group[n] >= 0);
		found = true;
		drop(m, i);
	}
	assert_true(found || !o->id);
}

static bool down(const struct model *m, int node)
{
	for (size_t i = 0; i < m->count; i++)
		if (m->force[i].o.kind == FAULT_ORDER_CRASH && m->force[i].node[node])
			return true;
	return false;
}

/* A calm has left nothing before it. */
static void begin(struct model *m, const struct fault_order *o, bool *calm)
{
	int group[NODES], place[NODES];
	struct force f = { .end_ns = o->for_ns ? o->at_ns + o->for_ns : FAULT_NEVER };
	bool any_node = !process(o);

	assert_true(!*calm || !m->count);
	*calm = false;
	read_groups(o->nodes, group, place);
	if (o->kind == FAULT_ORDER_CRASH)
		let_go(m, FAULT_ORDER_PAUSE, group);
	if (process(o) && o->kind != FAULT_ORDER_PAUSE)
		let_go(m, o->kind, group);
	for (int n = 0; n < NODES; n++)
		if (o->kind == FAULT_ORDER_PAUSE && down(m, n))
			group[n] = -1;
	if (o->kind == FAULT_ORDER_PAUSE)
		let_go(m, o->kind, group);
	for (int n = 0; n < NODES; n++)
		any_node |= f.node[n] = group[n] >= 0;
	assert_true(fault_order_copy(&f.o, o));
	assert_true(m->count < FORCES_MAX);
	if (any_node)
		m->force[m->count++] = f;
	else
		fault_order_release(&f.o);
}

static void told(struct model *m, const struct fault_out *out)
{
	int group[NODES], place[NODES];
	bool calm = false, healed = false;

	for (size_t i = 0; i < out->count; i++) {
		const struct fault_order *o = &out->orders[i];
		bool right = o->kind == FAULT_ORDER_SKEW && o->drift == 1 && !o->offset_ns;

		assert_true(o->at_ns >= m->now_ns);
		m->now_ns = o->at_ns;
		/* What should have ended before has. */
		for (size_t k = 0; k < m->count; k++)
			assert_true(m->force[k].end_ns >= o->at_ns);
		read_groups(o->nodes, group, place);
		if (o->kind == FAULT_ORDER_CALM)
			calm = true;
		else if (o->kind == FAULT_ORDER_RESTART && (!o->ends || calm))
			let_go(m, FAULT_ORDER_CRASH, group);
		else if (o->kind == FAULT_ORDER_RESUME && (!o->ends || calm))
			let_go(m, FAULT_ORDER_PAUSE, group);
		else if (right && (!o->ends || calm))
			let_go(m, FAULT_ORDER_SKEW, group);
		else if (o->kind == FAULT_ORDER_HEAL && o->id && !o->ends)
			healed = true;
		else if (o->ends || o->kind == FAULT_ORDER_HEAL)
			end(m, o, calm || healed);
		else
			begin(m, o, &calm);
		if (o->kind == FAULT_ORDER_HEAL && o->id && !o->ends)   /* of a process: its end is told of next */
			for (size_t k = 0; k < m->count; k++)
				if (m->force[k].o.id == o->id && !process(&m->force[k].o))
					drop(m, k--);
	}
	if (calm)
		assert_int_equal(m->count, 0);
}

static void compare(const struct model *m, const struct fault_net *net, uint64_t now_ns)
{
	uint64_t first = FAULT_NEVER;
	bool cuts = false, links = false;
	struct fault_out out;

	for (int from = 0; from < NODES; from++) {
		for (int to = 0; to < NODES; to++) {
			bool cut = false;

			for (size_t i = 0; i < m->count; i++)
				cut |= cut_by(&m->force[i].o, from, to);
			assert_int_equal(fault_net_cut(net, from, to), cut);
			cuts |= cut;
		}
	}
	fault_net_in_force(net, now_ns, &out);
	assert_int_equal(out.count, m->count);
	for (size_t i = 0; i < m->count; i++) {
		const struct force *f = &m->force[i];
		const struct fault_order *o = &out.orders[i];
		int group[NODES], place[NODES];

		assert_int_equal(o->id, f->o.id);
		assert_int_equal(o->kind, f->o.kind);
		assert_int_equal(o->for_ns, f->end_ns == FAULT_NEVER ? 0 : f->end_ns - now_ns);
		read_groups(o->nodes, group, place);
		for (int n = 0; n < NODES && process(o); n++)
			assert_int_equal(group[n] >= 0, f->node[n]);
		if (!process(o))
			assert_string_equal(o->nodes, f->o.nodes);
		links |= o->kind == FAULT_ORDER_LINK && o->settings.loss.p > 0;
		if (f->end_ns < first)
			first = f->end_ns;
	}
	assert_int_equal(fault_net_quiet(net), !cuts && !links);
	assert_true(fault_net_deadline(net) <= first);
}

static struct fault_order any_order(void)
{
	static const char *const nodes[] = { "n1", "?", "?3", "*", "n2,n3", "n1,?", "n6", "n4,n1,n5" };
	static const char *const groups[] = { "n1|n2,n3", "?|?2", "?|*", "n3", "n1,n2|n3|?", "?2", "n6|n5|n4|n3|n2|n1", "*" };
	static const char *const links[] = { "n1>n2", "n1<>*", "*>n3", "client>n1", "n*<>n2" };
	struct fault_order o = rig_of((enum fault_kind)any(FAULT_ORDERS), nodes[any(8)], 0, any(2) ? any(20) + 1 : 0);

	o.one_way = any(3) == 0;
	o.id = any(10) ? 0 : any(30);
	if (o.kind == FAULT_ORDER_CALM && any(4))
		o.kind = FAULT_ORDER_PARTITION;
	if (o.kind == FAULT_ORDER_PARTITION) {
		o.shape = (enum fault_shape)any(FAULT_SHAPES);
		o.nodes = (char *)(uintptr_t)(o.shape == FAULT_GROUPS ? groups[any(8)] : any(2) ? "" : NULL);
	}
	if (o.kind == FAULT_ORDER_LINK) {
		o.nodes = (char *)(uintptr_t)links[any(5)];
		o.settings = rig_link("", (double)any(2)).settings;
	}
	if (o.kind == FAULT_ORDER_HEAL)
		o.id = any(3) ? any(40) + 1 : 0;
	if (o.kind == FAULT_ORDER_SKEW && any(3) == 0)
		o.drift = 1;
	return o;
}

static void the_net_does_what_it_tells(void **state)
{
	static struct model m;
	size_t most = 0;

	(void)state;
	for (seed = 1; seed <= 300; seed++) {
		struct fault_options o = rig_options(NODES);
		struct fault_order plan[20];
		struct fault_net *net;
		uint64_t now = 0;

		m = (struct model){ 0 };
		drawn = 0;
		for (int i = 0; i < 20; i++) {
			plan[i] = any_order();
			plan[i].at_ns = any(300);
		}
		o.seed = seed;
		o.orders = plan;
		o.order_count = 20;
		o.nemesis = any(2) ? FAULT_NEMESIS_ALL & ~(FAULT_NEMESIS_SLOW | FAULT_NEMESIS_LOSS) : 0;
		o.every_ns = 20;
		o.heal_after_ns = any(2) ? any(50) : 0;
		o.calm_ns = any(4) ? FAULT_NEVER : any(300);
		net = rig_new(&o);
		for (int step = 0; step < 200; step++) {
			struct fault_order asked = any_order();
			struct fault_out out = { 0 };

			now += any(4);
			if (any(3) && fault_net_order(net, now, &asked, &out))
				fault_net_advance(net, now, &out);
			else if (!out.count)
				fault_net_advance(net, now, &out);
			told(&m, &out);
			compare(&m, net, now);
			most = m.count > most ? m.count : most;
		}
		while (m.count)
			drop(&m, 0);
		fault_net_free(net);
	}
	assert_true(most > 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_net_does_what_it_tells),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
