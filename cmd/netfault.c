/*
 * netfault: a network of processes.  The options and how they are wired; the work is in lib/net.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/base/opt.h"
#include "lib/base/duration.h"
#include "lib/net/net.h"

enum option { OPT_LISTEN = 256, OPT_MEMBERS, OPT_NO_HINTS, OPT_DRAIN, OPT_QUEUE };

#define DRAIN_NS_MAX (UINT64_C(24) * 3600 * 1000000000)

static const struct opt options[] = {
	{ 'n', "node", "NODE", "COUNT nodes n1, n2, ... that run COMMAND; or one, as NAME=COMMAND", OPT_TEXT, NULL, NULL },
	{ OPT_MEMBERS, "members", "LIST", "the nodes that init names to all, as n1,n2; the others join later (all)", OPT_TEXT, NULL, NULL },
	{ OPT_NO_HINTS, "no-hints", NULL, "do not tell nodes that another one is down", OPT_TEXT, NULL, NULL },
	{ OPT_LISTEN, "listen", "ADDR", "take clients at unix:PATH or tcp:HOST:PORT", OPT_TEXT, NULL, NULL },
	{ OPT_DRAIN, "drain", "T", "how long answers are waited for at the end (5s)", OPT_TEXT, NULL, NULL },
	{ OPT_QUEUE, "queue", "SIZE", "what may wait for one that does not read (64M)", OPT_TEXT, NULL, NULL },
};

static const struct opt_tool tool = {
	.name = "netfault",
	.usage = "netfault -n COUNT [options] -- COMMAND [ARGUMENT ...]\n"
		 "netfault -n NAME=COMMAND ... [options]",
	.purpose = "Starts processes that speak JSON lines and is the network between them: a line goes to the node "
		   "or client that its dest names.  Standard input and output, and every connection to a --listen "
		   "address, are clients.",
	.options = options,
	.count = sizeof options / sizeof *options,
	.ending = "{id} in COMMAND becomes the node's name.  Exit status: 0 done, 1 a node died of itself, 2 usage, "
		  "4 system.  See netfault(1).",
};

/* What the options fill. */
struct setup {
	struct net_options net;
	struct net_node node[NET_NODES_MAX];
	const char *listen[NET_LISTENS_MAX];
};

static void add_node(struct setup *s, const struct opt_state *o, char *name, const char *command)
{
	if (!net_name_right(name))
		die_usage("%s '%s': a node's name has letters, digits and . _ : - @, 64 at the most, and is not 'net'",
			  o->given, o->argument);
	if (s->net.nodes == NET_NODES_MAX)
		die_usage("%s '%s': more than %d nodes", o->given, o->argument, NET_NODES_MAX);
	for (size_t i = 0; i < s->net.nodes; i++)
		if (!strcmp(s->node[i].name, name))
			die_usage("%s '%s': there is a node '%s' already", o->given, o->argument, name);
	s->node[s->net.nodes++] = (struct net_node){ .name = name, .command = command };
}

/* COUNT or NAME=COMMAND. */
static void add_nodes(struct setup *s, const struct opt_state *o)
{
	const char *equals = strchr(o->argument, '=');
	uint64_t count;

	if (equals && !equals[1])
		die_usage("%s '%s': the command is empty", o->given, o->argument);
	if (equals) {
		char *name = strndup(o->argument, (size_t)(equals - o->argument));

		if (!name)
			die(EXIT_SYSTEM, "no memory");
		add_node(s, o, name, equals + 1);
		return;
	}
	if (o->argument[strspn(o->argument, "0123456789")])
		die_usage("%s '%s': must be a count or NAME=COMMAND", o->given, o->argument);
	count = opt_number(o, 1, NET_NODES_MAX);
	for (uint64_t i = 1; i <= count; i++) {
		char name[32];

		snprintf(name, sizeof name, "n%ju", (uintmax_t)i);
		add_node(s, o, must_strdup(name), NULL);
	}
}

static void add_listen(struct setup *s, const struct opt_state *o)
{
	if (s->net.listens == NET_LISTENS_MAX)
		die_usage("%s '%s': more than %d addresses", o->given, o->argument, NET_LISTENS_MAX);
	s->listen[s->net.listens++] = o->argument;
}

static void parse(struct setup *s, int argc, char **argv)
{
	struct opt_state o;
	int id;

	s->net = (struct net_options){
		.node = s->node, .listen = s->listen, .drain_ms = 5000, .queue_bytes_max = 64 << 20,
	};
	opt_init(&o, &tool, argc, argv);
	while ((id = opt_next(&o)) != -1) {
		switch (id) {
		case 'n': add_nodes(s, &o); break;
		case OPT_MEMBERS: s->net.members = o.argument; break;
		case OPT_NO_HINTS: s->net.no_hints = true; break;
		case OPT_LISTEN: add_listen(s, &o); break;
		case OPT_DRAIN: s->net.drain_ms = duration_option(&o, 0, DRAIN_NS_MAX) / 1000000; break;
		case OPT_QUEUE: s->net.queue_bytes_max = opt_size(&o, 1, (uint64_t)1 << 32); break;
		}
	}
	s->net.argv = o.operand < argc ? argv + o.operand : NULL;
}

static bool is_node(const struct setup *s, const char *name, size_t len)
{
	for (size_t i = 0; i < s->net.nodes; i++)
		if (strlen(s->node[i].name) == len && !memcmp(s->node[i].name, name, len))
			return true;
	return false;
}

static void check_members(const struct setup *s)
{
	for (const char *name = s->net.members; name; name += *name == ',') {
		size_t len = strcspn(name, ",");

		if (!is_node(s, name, len))
			die_usage("--members '%s': there is no node '%.*s'", s->net.members, (int)len, name);
		name += len;
		if (!*name)
			return;
	}
}

static void check(const struct setup *s)
{
	size_t plain = 0;

	check_members(s);

	for (size_t i = 0; i < s->net.nodes; i++)
		plain += !s->node[i].command;
	if (!s->net.nodes)
		die_usage("no nodes: give -n COUNT or -n NAME=COMMAND");
	if (plain && !s->net.argv)
		die_usage("-n %zu: what do the nodes run?  Give -- COMMAND", plain);
	if (!plain && s->net.argv)
		die_usage("'%s': a COMMAND is for -n COUNT", s->net.argv[0]);
}

int main(int argc, char **argv)
{
	static struct setup setup;
	enum exit_status status;

	hold_descriptors();
	parse(&setup, argc, argv);
	check(&setup);
	status = net_run(&setup.net);
	for (size_t i = 0; i < setup.net.nodes; i++)
		free(setup.node[i].name);
	finish(status);
}
