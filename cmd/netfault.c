/*
 * netfault: a network of processes, its faults, and its time.  The options and how they are wired; the work is in
 * lib/net and lib/lockstep.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/duration.h"
#include "lib/base/err.h"
#include "lib/base/opt.h"
#include "lib/lockstep/lockstep.h"
#include "lib/net/options.h"

enum option {
	OPT_LISTEN = 256, OPT_PEER, OPT_MEMBERS, OPT_NO_HINTS, OPT_RESTART, OPT_DRAIN, OPT_QUEUE, OPT_UNTIL,
	OPT_LOSS, OPT_DELAY, OPT_DUPLICATE, OPT_REORDER, OPT_CORRUPT, OPT_TRUNCATE, OPT_RATE, OPT_LINK, OPT_CLIENT_LINKS,
	OPT_CUT_AT, OPT_PLAN, OPT_CHECK_PLAN, OPT_NEMESIS, OPT_EVERY, OPT_HEAL_AFTER, OPT_CALM, OPT_SEED, OPT_TRACE, OPT_REPLAY,
	OPT_LOCKSTEP, OPT_TWICE, OPT_VIRTUAL, OPT_LOOK, OPT_CLIENT, OPT_SCRATCH, OPT_LOSE_UNSYNCED,
};

#define DAY_NS (UINT64_C(24) * 3600 * 1000000000)
#define SEED_MAX (UINT64_C(1) << 53)

static const struct opt options[] = {
	{ 'n', "node", "NODE", "COUNT nodes n1, n2, ... that run COMMAND; or one, as NAME=COMMAND", OPT_TEXT, NULL, "The network" },
	{ OPT_PEER, "peer", "PEER", "NAME=ADDR: a node elsewhere, at unix:PATH or tcp:HOST:PORT", OPT_TEXT, NULL, NULL },
	{ OPT_LISTEN, "listen", "ADDR", "take clients and other netfaults at unix:PATH or tcp:HOST:PORT", OPT_TEXT, NULL, NULL },
	{ OPT_MEMBERS, "members", "LIST", "the nodes that init names to all, as n1,n2; the others join later (all)", OPT_TEXT, NULL, NULL },
	{ OPT_NO_HINTS, "no-hints", NULL, "do not tell nodes that another one is down", OPT_TEXT, NULL, NULL },
	{ OPT_RESTART, "restart", NULL, "start a node again that ends of itself", OPT_TEXT, NULL, NULL },
	{ OPT_DRAIN, "drain", "T", "how long answers are waited for at the end (5s)", OPT_TEXT, NULL, NULL },
	{ OPT_QUEUE, "queue", "SIZE", "what may wait for one that does not read (64M)", OPT_TEXT, NULL, NULL },
	{ OPT_UNTIL, "until", "T", "end the run then", OPT_TEXT, NULL, NULL },
	{ OPT_LOSS, "loss", "P", "share of messages lost, as 0.05, 5%, 5%~0.5 or gilbert:P,R", OPT_TEXT, NULL, "Faults of all links" },
	{ OPT_DELAY, "delay", "D", "20ms, uniform:10ms,50ms, normal:20ms,5ms, exponential:20ms or pareto:5ms,2", OPT_TEXT, NULL, NULL },
	{ OPT_DUPLICATE, "duplicate", "P", "share of messages that come twice", OPT_TEXT, NULL, NULL },
	{ OPT_REORDER, "reorder", "P", "share held back, as 0.1 or 0.1,20ms", OPT_TEXT, NULL, NULL },
	{ OPT_CORRUPT, "corrupt", "P", "share of which some bytes are changed", OPT_TEXT, NULL, NULL },
	{ OPT_TRUNCATE, "truncate", "P", "share of which the end is cut off", OPT_TEXT, NULL, NULL },
	{ OPT_RATE, "rate", "R", "what a link carries, as 1mbit, or 1mbit,64K with its queue", OPT_TEXT, NULL, NULL },
	{ OPT_LINK, "link", "SPEC", "of one link, as 'n1>n2:loss=0.3,delay=50ms'", OPT_TEXT, NULL, NULL },
	{ OPT_CLIENT_LINKS, "client-links", NULL, "these faults are for links to and from clients too", OPT_TEXT, NULL, NULL },
	{ OPT_PLAN, "plan", "FILE", "faults with their times", OPT_FILE, NULL, "Faults of the whole" },
	{ OPT_CHECK_PLAN, "check-plan", "FILE", "say whether it is a plan, and end", OPT_FILE, NULL, NULL },
	{ OPT_NEMESIS, "nemesis", "LIST", "faults at random: partition, isolate, one-way, crash, crash-all, pause, skew, loss, slow; or all",
	  OPT_TEXT, NULL, NULL },
	{ OPT_EVERY, "every", "T", "from one of the nemesis to the next, in the mean (10s)", OPT_TEXT, NULL, NULL },
	{ OPT_HEAL_AFTER, "heal-after", "T", "a fault ends so much later, where it does not say when", OPT_TEXT, NULL, NULL },
	{ OPT_CALM, "calm", "T", "all faults end then, and no more begin", OPT_TEXT, NULL, NULL },
	{ OPT_CUT_AT, "cut-at", "WHEN", "a partition stops what is sent or what arrives in it (delivery)", OPT_CHOICE, "send delivery", NULL },
	{ OPT_SEED, "seed", "N", "of all that is drawn (a random one, told)", OPT_TEXT, NULL, NULL },
	{ OPT_TRACE, "trace", "FILE", "record all that happens", OPT_FILE, NULL, "Record and replay" },
	{ OPT_REPLAY, "replay", "TRACE", "repeat the faults of that record", OPT_FILE, NULL, NULL },
	{ OPT_LOCKSTEP, "lockstep", NULL, "virtual time: the run is a function of the seed", OPT_TEXT, NULL, "Virtual time" },
	{ OPT_CLIENT, "client", "CLIENT", "NAME=COMMAND: a process that is a client", OPT_TEXT, NULL, NULL },
	{ OPT_VIRTUAL, "virtual", NULL, "for programs that know nothing of it; implies --lockstep", OPT_TEXT, NULL, NULL },
	{ OPT_LOOK, "look-cost", "T", "of such a program's look at the clock (10us)", OPT_TEXT, NULL, NULL },
	{ OPT_TWICE, "twice", NULL, "run twice and compare; implies --lockstep and --scratch", OPT_TEXT, NULL, NULL },
	{ OPT_SCRATCH, "scratch", NULL, "nodes run in an empty directory, removed at the end", OPT_TEXT, NULL, NULL },
	{ OPT_LOSE_UNSYNCED, "lose-unsynced", NULL, "a crash loses what was written and not flushed; with --lockstep", OPT_TEXT, NULL, NULL },
};

static const struct opt_tool tool = {
	.name = "netfault",
	.usage = "netfault [options] -n COUNT -- COMMAND [ARGUMENT ...]\n"
		 "netfault [options] -n NAME=COMMAND ...\n"
		 "... | netfault [faults] | ...\n"
		 "netfault --check-plan FILE",
	.purpose = "Starts processes that speak JSON lines and is the network between them, with its faults: a line goes "
		   "to the node or client that its dest names.  Standard input and output, and every connection to a "
		   "--listen address, are clients.  Without nodes it is one direction of a faulty wire.",
	.options = options,
	.count = sizeof options / sizeof *options,
	.ending = "{id} in COMMAND becomes the node's name.  Exit status: 0 done, 1 a node died of itself or two runs differ, "
		  "2 usage, or a plan that is not right, 3 the trace is not right, 4 system.  See netfault(1).",
};

/* What the options fill. */
struct setup {
	struct net_setup net;
	uint64_t has;                   /* bit() of the options given */
	char **given;                   /* the options, for the trace; NULL at the end */
	size_t givens;
	const char *check_plan;
};

/* --- Options by their id --- */

static uint64_t bit(int id)
{
	return id == 'n' ? 1 : UINT64_C(1) << (id - OPT_LISTEN + 1);
}
_Static_assert(OPT_LOSE_UNSYNCED - OPT_LISTEN < 63, "an option has a bit");

static bool has(const struct setup *s, int id)
{
	return s->has & bit(id);
}

static const char *name_of(int id)
{
	size_t i = 0;

	while (options[i].id != id)
		i++;
	return options[i].name;
}

/* For the trace: what it is about itself, and what the seed says, is left out. */
static void keep_given(struct setup *s, int id, const char *argument)
{
	const char *name = name_of(id);
	size_t room = strlen(name) + sizeof("--");
	char *word;

	if (id == OPT_TRACE || id == OPT_REPLAY || id == OPT_SEED)
		return;
	word = must_malloc(room);
	snprintf(word, room, "--%s", name);
	s->given = must_realloc(s->given, (s->givens + 3) * sizeof(*s->given));
	s->given[s->givens++] = word;
	if (argument)
		s->given[s->givens++] = must_strdup(argument);
	s->given[s->givens] = NULL;
}

static void set_cut_at(struct net_options *net, const struct opt_state *o)
{
	net->cut_at_send = !strcmp(o->argument, "send");
	if (!net->cut_at_send && strcmp(o->argument, "delivery") != 0)
		die_usage("%s '%s': must be send or delivery", o->given, o->argument);
}

static void set_trace(struct net_options *net, const struct opt_state *o)
{
	net->trace = o->argument;
	if (!strcmp(net->trace, "-"))
		die_usage("%s '-': standard output is a client's; name a file, or /dev/fd/3", o->given);
}

static void take(struct setup *s, const struct opt_state *o, int id)
{
	struct net_setup *setup = &s->net;
	struct net_options *net = &setup->options;

	switch (id) {
	case 'n': net_setup_nodes(setup, o); break;
	case OPT_PEER: net_setup_peer(setup, o); break;
	case OPT_LISTEN: net_setup_listen(setup, o); break;
	case OPT_MEMBERS: net->members = o->argument; break;
	case OPT_NO_HINTS: net->no_hints = true; break;
	case OPT_RESTART: net->restart = true; break;
	case OPT_DRAIN: net->drain_ms = duration_option(o, 0, DAY_NS) / 1000000; break;
	case OPT_QUEUE: net->queue_bytes_max = opt_size(o, 1, (uint64_t)1 << 32); break;
	case OPT_UNTIL: net->until_ns = duration_option(o, 1, 365 * DAY_NS); break;
	case OPT_LOSS: case OPT_DELAY: case OPT_DUPLICATE: case OPT_REORDER: case OPT_CORRUPT: case OPT_TRUNCATE:
	case OPT_RATE: net_setup_fault(setup, o, name_of(id)); break;
	case OPT_LINK: net_setup_link(setup, o); break;
	case OPT_CLIENT_LINKS: net->fault.clients = true; break;
	case OPT_PLAN: net_setup_plan(setup, o); break;
	case OPT_CHECK_PLAN: s->check_plan = o->argument; break;
	case OPT_NEMESIS: net_setup_nemesis(setup, o); break;
	case OPT_EVERY: net->fault.every_ns = duration_option(o, 1000000, DAY_NS); break;
	case OPT_HEAL_AFTER: net->fault.heal_after_ns = duration_option(o, 1, DAY_NS); break;
	case OPT_CALM: net->fault.calm_ns = duration_option(o, 0, 365 * DAY_NS); break;
	case OPT_CUT_AT: set_cut_at(net, o); break;
	case OPT_SEED: net->fault.seed = opt_number(o, 0, SEED_MAX); break;
	case OPT_TRACE: set_trace(net, o); break;
	case OPT_REPLAY: net->replay = o->argument; break;
	case OPT_LOCKSTEP: net->lockstep = true; break;
	case OPT_CLIENT: net_setup_client(setup, o); break;
	case OPT_VIRTUAL: net->virtual_time = net->lockstep = true; break;
	case OPT_LOOK: net->look_ns = duration_option(o, 1, DAY_NS); break;
	case OPT_TWICE: net->twice = net->lockstep = net->scratch = true; break;
	case OPT_SCRATCH: net->scratch = true; break;
	case OPT_LOSE_UNSYNCED: net->lose_unsynced = true; break;
	default: assert(false);
	}
}

static void parse(struct setup *s, int argc, char **argv)
{
	struct opt_state o;
	int id;

	net_setup_init(&s->net);
	opt_init(&o, &tool, argc, argv);
	while ((id = opt_next(&o)) != -1) {
		s->has |= bit(id);
		take(s, &o, id);
		keep_given(s, id, o.argument);
	}
	if (s->net.options.lockstep)
		s->has |= bit(OPT_LOCKSTEP);
	s->net.options.argv = o.operand < argc ? argv + o.operand : NULL;
	s->net.options.given = (const char *const *)s->given;
}

/* --- What goes with what --- */

static const struct rule { int option, other; bool needs; } rules[] = {
	{ OPT_LOSE_UNSYNCED, OPT_LOCKSTEP, true }, { OPT_CLIENT, OPT_LOCKSTEP, true }, { OPT_LOOK, OPT_VIRTUAL, true },
	{ OPT_EVERY, OPT_NEMESIS, true }, { OPT_SCRATCH, OPT_LOCKSTEP, true },
	{ OPT_LISTEN, OPT_LOCKSTEP, false }, { OPT_PEER, OPT_LOCKSTEP, false },
	{ OPT_REPLAY, OPT_SEED, false }, { OPT_REPLAY, OPT_NEMESIS, false }, { OPT_REPLAY, OPT_PLAN, false },
	{ OPT_REPLAY, OPT_LINK, false }, { OPT_REPLAY, OPT_LOSS, false }, { OPT_REPLAY, OPT_DELAY, false },
	{ OPT_REPLAY, OPT_DUPLICATE, false }, { OPT_REPLAY, OPT_REORDER, false }, { OPT_REPLAY, OPT_CORRUPT, false },
	{ OPT_REPLAY, OPT_TRUNCATE, false }, { OPT_REPLAY, OPT_RATE, false }, { OPT_REPLAY, OPT_HEAL_AFTER, false },
	{ OPT_REPLAY, OPT_CALM, false },
};

/* What needs nodes here; behind the first few, peers will do.  Without either it is a wire. */
enum { OF_PROCESSES = 4 };
static const int of_networks[] = {
	OPT_RESTART, OPT_LOCKSTEP, OPT_SCRATCH, OPT_NO_HINTS,
	OPT_LISTEN, OPT_MEMBERS, OPT_CLIENT_LINKS,
};

static void check_rules(const struct setup *s)
{
	for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++) {
		const struct rule *r = &rules[i];

		if (!has(s, r->option) || has(s, r->other) == r->needs)
			continue;
		die_usage(r->needs ? "--%s needs --%s" : "--%s and --%s do not go together", name_of(r->option),
			  name_of(r->other));
	}
	for (size_t i = 0; i < sizeof(of_networks) / sizeof(*of_networks); i++)
		if (has(s, of_networks[i]) && !has(s, 'n') && !(has(s, OPT_PEER) && i >= OF_PROCESSES))
			die_usage("--%s needs nodes: give -n COUNT or -n NAME=COMMAND", name_of(of_networks[i]));
	if (has(s, OPT_CHECK_PLAN) && s->has != bit(OPT_CHECK_PLAN))
		die_usage("--check-plan stands alone");
}

int main(int argc, char **argv)
{
	static struct setup setup;
	struct net_options *net = &setup.net.options;
	enum exit_status status;

	hold_descriptors();
	parse(&setup, argc, argv);
	check_rules(&setup);
	if (setup.check_plan) {
		net_setup_check_plan(setup.check_plan);
		finish(EXIT_DONE);
	}
	net_setup_check(&setup.net);
	if (!has(&setup, OPT_SEED))
		net_setup_seed(&setup.net);
	status = net->twice ? lockstep_twice(net) : net->lockstep ? lockstep_run(net) : net_run(net);
	net_setup_release(&setup.net);
	for (size_t i = 0; i < setup.givens; i++)
		free(setup.given[i]);
	free(setup.given);
	finish(status);
}
