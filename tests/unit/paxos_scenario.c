/*
 * Scenarios over the Paxos core alone, each file of tests/scenario/paxos a test.  scenario.h has the words of both protocols; besides:
 *
 *	option                  quorum1, quorum2
 *	role n4 proposer|acceptor|learner       that alone: else all of them
 *	fresh                   the nodes have never been up: else they know that they vote
 *	load n1 SLOT/ROUND.NODE:LABEL ..        what it has accepted at the start
 *	set n1 p 5 | change n1 c FROM TO        asked of n1: decide a register, change one (-: it is not there)
 *	wipe n1                 all is lost: it comes back with an empty directory
 *	inject                  ballot, promised, from, slot, upto, instance, value, values
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/paxos_text.h"
#include "tests/unit/scenario.h"

static void on_answer(struct shell *s, const struct request *r, bool ok, long value)
{
	if (value == -1)
		say("  %s answers %s: %s is not there\n", s->name, ok ? "yes" : "no", r->instance);
	else
		say("  %s answers %s: %s is %ld\n", s->name, ok ? "yes" : "no", r->instance, value);
}

static bool paxos_option(struct paxos_options *o, const char *name, const char *value)
{
	if (strcmp(name, "quorum1") == 0)
		o->quorums.count1 = (uint32_t)atoi(value);
	else if (strcmp(name, "quorum2") == 0)
		o->quorums.count2 = (uint32_t)atoi(value);
	else
		return false;
	return true;
}

/* As one that has been up before, unless it knows no cluster. */
static void paxos_added(struct shell *s)
{
	s->disk.votes = s->memory.votes = s->options.initial.count > 0;
}

static struct paxos_ballot ballot_of(const char *word)
{
	struct paxos_ballot b = { 0, "" };

	assert(sscanf(word, "%" SCNu64 ".%8s", &b.round, b.node) == 2);
	return b;
}

/* The same label is the same value. */
static uint64_t id_of(const char *label)
{
	uint64_t id = UINT64_C(1) << 40;

	for (; *label; label++)
		id = id * 31 + (unsigned char)*label;
	return id;
}

/* NODE SLOT/ROUND.NODE:LABEL .. */
static void do_load(char **word)
{
	struct store *d = &world.shell[shell_number(*word++)].disk;

	for (; *word; word++) {
		struct item item = { .bytes = 8 };
		char *slash = strchr(*word, '/'), *colon = strchr(*word, ':');

		assert(slash && colon);
		*colon = '\0';
		item.ballot = ballot_of(slash + 1);
		snprintf(item.label, sizeof(item.label), "%s", colon + 1);
		item.id = id_of(item.label);
		store_put(d, (paxos_slot)atoi(*word), &item);
		if (paxos_ballot_cmp(&item.ballot, &d->promised) > 0)
			d->promised = item.ballot;
	}
}

/* NODE proposer|learner|acceptor */
static void do_role(char **word)
{
	struct paxos_options *o = &world.shell[shell_number(word[0])].options;

	o->roles = PAXOS_LEARNER;
	if (strcmp(word[1], "proposer") == 0)
		o->roles |= PAXOS_PROPOSER;
	else if (strcmp(word[1], "acceptor") == 0)
		o->roles |= PAXOS_ACCEPTOR;
	else
		assert(strcmp(word[1], "learner") == 0);
}

static void do_wipe(char **word)
{
	struct shell *s = node(word[0]);

	shell_wipe(s, s->options.incarnation + 100);
}

static void do_fresh(char **word)
{
	(void)word;
	for (int i = 1; i <= world.nodes; i++)
		world.shell[i].disk.votes = world.shell[i].memory.votes = false;
}

/* NODE REGISTER VALUE; NODE REGISTER FROM TO, - for what is not there */
static void do_set(char **word)
{
	shell_register(node(word[0]), word[1], false, 0, atol(word[2]));
}

static void do_change(char **word)
{
	shell_register(node(word[0]), word[1], true, word[2][0] == '-' ? -1 : atol(word[2]), atol(word[3]));
}

static void inject_value(struct packet *p, const char *label)
{
	p->items = calloc(1, sizeof(*p->items));
	p->slots = calloc(1, sizeof(*p->slots));
	assert(p->items && p->slots);
	p->items->bytes = 8;
	p->items->id = id_of(label);
	snprintf(p->items->label, sizeof(p->items->label), "%s", label);
	p->slots[0] = p->m.slot;
	p->m.count = 1;
}

static bool paxos_field(struct packet *p, const char *name, const char *value)
{
	struct paxos_message *m = &p->m;

	if (strcmp(name, "ballot") == 0)
		m->ballot = ballot_of(value);
	else if (strcmp(name, "promised") == 0)
		m->promised = ballot_of(value);
	else if (strcmp(name, "from") == 0)
		m->from = (paxos_slot)atoi(value);
	else if (strcmp(name, "slot") == 0)
		m->slot = (paxos_slot)atoi(value);
	else if (strcmp(name, "upto") == 0)
		m->upto = (paxos_slot)atoi(value);
	else if (strcmp(name, "instance") == 0)
		snprintf(p->instance, sizeof(p->instance), "%s", value);
	else if (strcmp(name, "value") == 0)
		p->value = atol(value);
	else if (strcmp(name, "values") == 0)
		inject_value(p, value);
	else
		return false;
	return true;
}

int main(void)
{
	static const struct scenarios paxos = {
		.folder = "tests/scenario/paxos",
		.options = {
			.election_min_ns = 150 * (uint64_t)MS, .election_max_ns = 300 * (uint64_t)MS, .heartbeat_ns = 50 * MS,
			.window_bytes = 1 << 20, .window_messages = 16, .message_bytes = 1 << 16, .roles = PAXOS_ALL_ROLES,
		},
		.option = paxos_option,
		.added = paxos_added,
		.blank = { .value = -1 },
		.field = paxos_field,
		.command = {
			{ "fresh", do_fresh, true }, { "role", do_role, true }, { "load", do_load, true },
			{ "set", do_set, false }, { "change", do_change, false }, { "wipe", do_wipe, false },
		},
	};

	return scenarios_run(&paxos);
}
