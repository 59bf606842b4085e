/*
 * net: what befalls a message, as lib/fault has it: the fate of message n of a link is a draw of that number, whatever else goes on.
 *
 * A plan may say instead what befalls single messages (SIM_FATE); all others then come through, after the usual delay.
 */
#include "tests/sim/world.h"

#include <assert.h>
#include <stdlib.h>

#define NET_DELAY_MIN (MS / 10)
#define NET_DELAY_MAX (21 * MS / 10)

struct link {
	struct fault_link link;
	bool known;
	uint64_t version;               /* of the settings, + 1 */
	struct fault_settings settings;
	const struct sim_intent **fates;        /* by number */
	size_t fate_count, fate_next;
};

static struct link links[PARTIES_MAX][PARTIES_MAX];
static const struct sim_intent **fates;
static size_t fate_count;

/* Nodes, then clients. */
static int place(int who)
{
	return who > 0 ? who : SIM_NODES_MAX - who;
}

static size_t name_of(int who, char name[8])
{
	return (size_t)snprintf(name, 8, "%c%u", who > 0 ? 'n' : 'c', (who > 0 ? (unsigned)who : 0u - (unsigned)who) % 100);
}

static int by_link(const void *a, const void *b)
{
	const struct sim_intent *x = *(const struct sim_intent *const *)a, *y = *(const struct sim_intent *const *)b;
	int c = strcmp(x->from, y->from);

	if (!c)
		c = strcmp(x->to, y->to);
	return c ? c : (x->number > y->number) - (x->number < y->number);
}

static int who_is(const char *name)
{
	int number = atoi(name + 1);

	if (number < 1 || number > (name[0] == 'n' ? SIM_NODES_MAX : SIM_CLIENTS_MAX))
		world_fail("a plan that can be carried out", "a fate's link has two names");
	return name[0] == 'n' ? number : -number;
}

static void fates_open(void)
{
	for (size_t i = 0; i < world.plan->count; i++)
		fate_count += world.plan->intent[i].kind == SIM_FATE && !world.plan->intent[i].off;
	if (!fate_count)
		return;
	fates = calloc(fate_count, sizeof(*fates));
	assert(fates);
	for (size_t i = 0, at = 0; i < world.plan->count; i++)
		if (world.plan->intent[i].kind == SIM_FATE && !world.plan->intent[i].off)
			fates[at++] = &world.plan->intent[i];
	qsort(fates, fate_count, sizeof(*fates), by_link);
	for (size_t i = 0; i < fate_count; i++) {
		struct link *l = &links[place(who_is(fates[i]->from))][place(who_is(fates[i]->to))];

		if (!l->fate_count++)
			l->fates = &fates[i];
	}
}

void net_open(void)
{
	memset(links, 0, sizeof(links));
	fate_count = 0;
	fates = NULL;
	fates_open();
}

void net_close(void)
{
	free(fates);
	fates = NULL;
}

static struct fault_settings usual(void)
{
	return (struct fault_settings){
		.set = FAULT_SET_DELAY, .delay = { .distribution = FAULT_UNIFORM, .a_ns = NET_DELAY_MIN, .b_ns = NET_DELAY_MAX },
	};
}

static void settle(struct link *l, int from, int to, const char *from_name, size_t from_len, const char *to_name, size_t to_len)
{
	const struct sim_plan *p = world.plan;
	struct fault_settings of_faults;

	l->settings = usual();
	l->version = fault_net_version(world.faults) + 1;
	if (world.calm)
		return;
	l->settings.set |= FAULT_SET_LOSS | FAULT_SET_DUPLICATE | FAULT_SET_REORDER;
	l->settings.loss.p = p->lost;
	l->settings.duplicate.p = p->repeated;
	l->settings.reorder.p = p->slow;
	l->settings.reorder_ns = 100 * MS;
	fault_net_settings(world.faults, from_name, from_len, from > 0 ? from - 1 : -1, to_name, to_len, to > 0 ? to - 1 : -1,
			   &of_faults);
	of_faults.set &= ~(unsigned)(FAULT_SET_CORRUPT | FAULT_SET_TRUNCATE | FAULT_SET_RATE);
	fault_settings_add(&l->settings, &of_faults);
}

static struct link *link_of(int from, int to)
{
	struct link *l = &links[place(from)][place(to)];
	char from_name[8], to_name[8];
	size_t from_len, to_len;

	if (l->known && l->version == fault_net_version(world.faults) + 1 + world.calm)
		return l;
	from_len = name_of(from, from_name);
	to_len = name_of(to, to_name);
	if (!l->known)
		fault_link_init(&l->link, world.plan->seed, from_name, from_len, to_name, to_len);
	l->known = true;
	settle(l, from, to, from_name, from_len, to_name, to_len);
	l->version += world.calm;
	return l;
}

static void note(int from, int to, const struct link *l, const struct fault_fate *fate)
{
	struct sim_intent i = { .kind = SIM_FATE, .at_ns = world.now_ns, .number = l->link.messages };

	if (fate->why == FAULT_PASSES)
		i.copies = (int)fate->copies;
	for (int c = 0; c < i.copies; c++)
		i.delay_ns[c] = fate->copy[c].delay_ns;
	name_of(from, i.from);
	name_of(to, i.to);
	sim_plan_add(world.record, &i);
}

static void fate_of(int from, int to, struct link *l, struct fault_fate *fate)
{
	struct fault_link before;
	struct fault_settings plain;
	struct fault_fate would;

	if (world.record)
		before = l->link;
	fault_fate(&l->link, &l->settings, world.now_ns, 0, fate);
	while (l->fate_next < l->fate_count && l->fates[l->fate_next]->number < l->link.messages)
		l->fate_next++;
	if (l->fate_next < l->fate_count && l->fates[l->fate_next]->number == l->link.messages) {
		const struct sim_intent *i = l->fates[l->fate_next];

		*fate = (struct fault_fate){ .why = i->copies ? FAULT_PASSES : FAULT_LOSS, .copies = (unsigned)i->copies };
		for (int c = 0; c < i->copies; c++)
			fate->copy[c].delay_ns = i->delay_ns[c];
	}
	if (!world.record)
		return;
	plain = usual();
	fault_fate(&before, &plain, world.now_ns, 0, &would);
	if (fate->why != FAULT_PASSES || fate->copies != 1 || fate->copy[0].delay_ns != would.copy[0].delay_ns)
		note(from, to, l, fate);
}

static void *copy_of(enum event_kind kind, const void *what)
{
	struct call *copy;

	if (kind == MESSAGE_ARRIVES)
		return world.protocol->copy(what);
	copy = call_new(((const struct call *)what)->op, ((const struct call *)what)->attempt);
	*copy = *(const struct call *)what;
	copy->text = (struct buf){ 0 };
	buf_add(&copy->text, ((const struct call *)what)->text.at, ((const struct call *)what)->text.len);
	return copy;
}

void net_send(int from, int to, enum event_kind kind, void *what)
{
	struct link *l = link_of(from, to);
	struct fault_fate fate;

	world.verdict->tally.messages++;
	fate_of(from, to, l, &fate);
	if (fate.why != FAULT_PASSES || (from > 0 && to > 0 && fault_net_cut(world.faults, from - 1, to - 1))) {
		world.verdict->tally.lost++;
		if (kind == MESSAGE_ARRIVES)
			world.protocol->drop(what);
		else
			call_free(what);
		return;
	}
	if (fate.copies > 1 && (kind == MESSAGE_ARRIVES || client_may_repeat(((const struct call *)what)->op)))
		world_at(world.now_ns + fate.copy[1].delay_ns, kind, to > 0 ? to : -to, 0, copy_of(kind, what));
	world_at(world.now_ns + fate.copy[0].delay_ns, kind, to > 0 ? to : -to, 0, what);
}
