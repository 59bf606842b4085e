/* options: see options.h */
#include "lib/net/options.h"
#include "lib/net/address.h"
#include "lib/net/rig.h"
#include "lib/plan/plan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

void net_setup_init(struct net_setup *s)
{
	s->options = (struct net_options){
		.node = s->node, .client = s->client, .peer = s->peer, .listen = s->listen,
		.drain_ms = 5000, .queue_bytes_max = 64 << 20, .until_ns = FAULT_NEVER, .look_ns = 10000,
		.fault = { .every_ns = UINT64_C(10000000000), .calm_ns = FAULT_NEVER },
	};
}

void net_setup_release(struct net_setup *s)
{
	for (size_t i = 0; i < s->options.nodes; i++)
		free(s->node[i].name);
	for (size_t i = 0; i < s->options.clients; i++)
		free(s->client[i].name);
	for (size_t i = 0; i < s->options.peers; i++)
		free(s->peer[i].name);
	for (size_t i = 0; i < s->orders; i++)
		fault_order_release(&s->order[i]);
	free(s->order);
	free(s->place);
}

/* --- Names --- */

static bool named(const struct net_node *node, size_t count, const char *name, size_t len)
{
	for (size_t i = 0; i < count; i++)
		if (strlen(node[i].name) == len && !memcmp(node[i].name, name, len))
			return true;
	return false;
}

static bool is_node(const struct net_setup *s, const char *name, size_t len)
{
	return named(s->node, s->options.nodes, name, len);
}

static bool is_peer(const struct net_setup *s, const char *name, size_t len)
{
	for (size_t i = 0; i < s->options.peers; i++)
		if (strlen(s->peer[i].name) == len && !memcmp(s->peer[i].name, name, len))
			return true;
	return false;
}

/* A name that is right, and nobody's yet. */
static char *new_name(const struct net_setup *s, const struct opt_state *o, const char *text, size_t len)
{
	char *name = strndup(text, len);

	if (!name)
		die(EXIT_SYSTEM, "no memory");
	/* In links it is the word for whoever is no node. */
	if (!strcmp(name, "client"))
		die_usage("%s '%s': 'client' is no name of one: in links it stands for all clients", o->given, o->argument);
	if (!net_name_right(name))
		die_usage("%s '%s': a node's name has letters, digits and . _ : - @, 64 at the most, and is not 'net'",
			  o->given, o->argument);
	if (is_node(s, name, len))
		die_usage("%s '%s': there is a node '%s' already", o->given, o->argument, name);
	if (is_peer(s, name, len))
		die_usage("%s '%s': there is a peer '%s' already", o->given, o->argument, name);
	if (named(s->client, s->options.clients, name, len))
		die_usage("%s '%s': there is a client '%s' already", o->given, o->argument, name);
	return name;
}

/* NAME=TEXT; NULL where there is no '='. */
static const char *split(struct net_setup *s, const struct opt_state *o, const char *what, char **name)
{
	const char *equals = strchr(o->argument, '=');

	if (!equals)
		return NULL;
	if (!equals[1])
		die_usage("%s '%s': the %s is empty", o->given, o->argument, what);
	*name = new_name(s, o, o->argument, (size_t)(equals - o->argument));
	return equals + 1;
}

/* --- Options --- */

static void add_node(struct net_setup *s, const struct opt_state *o, char *name, const char *command)
{
	if (s->options.nodes == NET_NODES_MAX)
		die_usage("%s '%s': more than %d nodes", o->given, o->argument, NET_NODES_MAX);
	s->node[s->options.nodes++] = (struct net_node){ .name = name, .command = command };
}

/* COUNT or NAME=COMMAND. */
void net_setup_nodes(struct net_setup *s, const struct opt_state *o)
{
	char *name, number[32];
	const char *command = split(s, o, "command", &name);
	uint64_t count;

	if (command) {
		add_node(s, o, name, command);
		return;
	}
	if (o->argument[strspn(o->argument, "0123456789")])
		die_usage("%s '%s': must be a count or NAME=COMMAND", o->given, o->argument);
	count = opt_number(o, 1, NET_NODES_MAX);
	for (uint64_t i = 1; i <= count; i++)
		add_node(s, o, new_name(s, o, number, (size_t)snprintf(number, sizeof(number), "n%ju", (uintmax_t)i)), NULL);
}

void net_setup_peer(struct net_setup *s, const struct opt_state *o)
{
	struct address address;
	char *name;
	const char *why, *text = split(s, o, "address", &name);

	if (!text)
		die_usage("%s '%s': must be NAME=ADDR", o->given, o->argument);
	if (s->options.peers == NET_PEERS_MAX)
		die_usage("%s '%s': more than %d peers", o->given, o->argument, NET_PEERS_MAX);
	if (address_parse(&address, text, &why))
		die_usage("%s '%s': %s", o->given, o->argument, why);
	s->peer[s->options.peers++] = (struct net_peer){ .name = name, .address = text };
}

void net_setup_client(struct net_setup *s, const struct opt_state *o)
{
	char *name;
	const char *command = split(s, o, "command", &name);

	if (!command)
		die_usage("%s '%s': must be NAME=COMMAND", o->given, o->argument);
	if (s->options.clients == NET_PROCESSES_MAX)
		die_usage("%s '%s': more than %d clients", o->given, o->argument, NET_PROCESSES_MAX);
	s->client[s->options.clients++] = (struct net_node){ .name = name, .command = command };
}

void net_setup_listen(struct net_setup *s, const struct opt_state *o)
{
	if (s->options.listens == NET_LISTENS_MAX)
		die_usage("%s '%s': more than %d addresses", o->given, o->argument, NET_LISTENS_MAX);
	s->listen[s->options.listens++] = o->argument;
}

void net_setup_fault(struct net_setup *s, const struct opt_state *o, const char *name)
{
	struct plan_error error;

	/* What is wrong begins with the name, and has the text. */
	if (plan_setting(&s->options.fault.settings, name, strlen(name), o->argument, strlen(o->argument), &error))
		die_usage("--%s", error.why);
}

/* `count` more orders, taken over. */
static void add_orders(struct net_setup *s, const struct opt_state *o, const struct fault_order *order, size_t count,
		       struct net_place place)
{
	if (count > FAULT_ORDERS_MAX - s->orders)
		die_usage("%s '%s': with it there are more than %d faults", o->given, o->argument, FAULT_ORDERS_MAX);
	s->order = must_realloc(s->order, (s->orders + count) * sizeof(*s->order));
	s->place = must_realloc(s->place, (s->orders + count) * sizeof(*s->place));
	for (size_t i = 0; i < count; i++) {
		place.line = order[i].line;
		s->order[s->orders] = order[i];
		s->place[s->orders++] = place;
	}
}

void net_setup_link(struct net_setup *s, const struct opt_state *o)
{
	struct fault_order order = { 0 };
	struct plan_error error;

	if (plan_link(&order, o->argument, &error))
		die_usage("%s '%s': %s", o->given, o->argument, error.why);
	order.permanent = true;
	add_orders(s, o, &order, 1, (struct net_place){ .text = o->argument });
}

/* A plan's file, as messages name it. */
static const char *shown(const char *file)
{
	return strcmp(file, "-") ? file : "<stdin>";
}

/* A plan that is not right ends the process. */
static struct fault_order *read_plan(const char *file, size_t *count)
{
	struct fault_order *order;
	struct plan_error error;
	size_t line;

	if (!plan_read(file, &order, count, &line, &error))
		return order;
	if (!line)
		die(EXIT_USAGE, "cannot read '%s': %s", shown(file), strerror(errno));
	die(EXIT_USAGE, "%s:%zu: %s", shown(file), line, error.why);
}

void net_setup_plan(struct net_setup *s, const struct opt_state *o)
{
	size_t count;
	struct fault_order *order;

	if (!strcmp(o->argument, "-") && s->plan_is_stdin)
		die_usage("%s '-': standard input can be read once", o->given);
	s->plan_is_stdin |= !strcmp(o->argument, "-");
	order = read_plan(o->argument, &count);
	add_orders(s, o, order, count, (struct net_place){ .file = shown(o->argument) });
	free(order);
}

void net_setup_nemesis(struct net_setup *s, const struct opt_state *o)
{
	struct plan_error error;
	unsigned bits;

	if (plan_nemesis(o->argument, &bits, &error))
		die_usage("%s '%s': %s", o->given, o->argument, error.why);
	s->options.fault.nemesis |= bits;
}

/* --- All together --- */

static void check_members(const struct net_setup *s)
{
	for (const char *name = s->options.members; name; name += *name == ',') {
		size_t len = strcspn(name, ",");

		if (!is_node(s, name, len) && !is_peer(s, name, len))
			die_usage("--members '%s': there is no node '%.*s'", s->options.members, (int)len, name);
		name += len;
		if (!*name)
			return;
	}
}

static void check_commands(const struct net_setup *s)
{
	size_t plain = 0;

	for (size_t i = 0; i < s->options.nodes; i++)
		plain += !s->node[i].command;
	if (plain && !s->options.argv)
		die_usage("-n %zu: what do the nodes run?  Give -- COMMAND", plain);
	if (!plain && s->options.argv)
		die_usage("'%s': a COMMAND is for -n COUNT", s->options.argv[0]);
}

void net_wrong_order(const struct net_place *p, const char *why)
{
	if (!p->file)
		die_usage("--link '%s': %s", p->text, why);
	die(EXIT_USAGE, "%s:%zu: %s", p->file, p->line, why);
}

/* "all" is what can be done; a word that names what cannot is wrong. */
static void check_nemesis(struct net_setup *s)
{
	const unsigned of_links = FAULT_NEMESIS_LOSS | FAULT_NEMESIS_SLOW;
	bool network = s->options.nodes || s->options.peers;
	unsigned *nemesis = &s->options.fault.nemesis, can = network ? FAULT_NEMESIS_ALL : of_links;

	if (!s->options.lockstep)
		can &= ~(unsigned)FAULT_NEMESIS_SKEW;
	if (*nemesis == FAULT_NEMESIS_ALL)
		*nemesis = can;
	if (!network && *nemesis & ~can)
		die_usage("--nemesis: there are no nodes: all that can be done is loss and slow");
	if (*nemesis & ~can)
		die_usage("--nemesis skew: clocks can be skewed with --lockstep alone");
}

static void check_kinds(const struct net_setup *s)
{
	bool network = s->options.nodes || s->options.peers;

	for (size_t i = 0; i < s->orders; i++) {
		enum fault_kind kind = s->order[i].kind;
		const char *names = kind != FAULT_ORDER_LINK && s->order[i].nodes ? s->order[i].nodes : "";

		if (kind == FAULT_ORDER_SKEW && !s->options.lockstep)
			net_wrong_order(&s->place[i], "clocks can be skewed with --lockstep alone");
		if (!network && kind >= FAULT_ORDER_CRASH && kind != FAULT_ORDER_CALM)
			net_wrong_order(&s->place[i], "there are no nodes that this could be done to");
		/* A wire knows the names that its faults speak of, and draws none. */
		if (!network && (s->order[i].shape || strpbrk(names, "*?")))
			net_wrong_order(&s->place[i], "without nodes it has to name those that are meant");
		/* There is no rest of the nodes that anybody could be cut off from. */
		if (!network && (kind == FAULT_ORDER_ISOLATE || (kind == FAULT_ORDER_PARTITION && !strchr(names, '|'))))
			net_wrong_order(&s->place[i], "without nodes there have to be groups, to be cut off from each other");
	}
}

/* Do they name nodes that there are?  The model is made once, as it will be for the run: that ends the process if not. */
static void check_orders(const struct net_setup *s)
{
	struct net_options o = s->options;
	struct rig rig;

	o.trace = o.replay = NULL;
	rig_open(&rig, &o, 0);
	(void)rig_close(&rig, 0, EXIT_DONE);
}

void net_setup_check(struct net_setup *s)
{
	struct fault_options *fault = &s->options.fault;

	check_members(s);
	check_commands(s);
	if (s->plan_is_stdin && !s->options.nodes && !s->options.peers)
		die_usage("--plan '-': without nodes, standard input is what goes through the wire");
	fault->orders = s->order;
	fault->order_count = s->orders;
	s->options.place = s->place;
	check_nemesis(s);
	check_kinds(s);
	check_orders(s);
}

void net_setup_seed(struct net_setup *s)
{
	struct fault_options *fault = &s->options.fault;
	uint32_t seed;

	/* Nobody's secret: one that could not be had is as good as none. */
	if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) < 0)
		seed = (uint32_t)getpid();
	fault->seed = seed;
	if (!s->options.replay && (fault->settings.set || s->orders || fault->nemesis || s->options.lockstep))
		warn("seed %ju", (uintmax_t)seed);
}

void net_setup_check_plan(const char *file)
{
	size_t count;
	struct fault_order *order = read_plan(file, &count);

	for (size_t i = 0; i < count; i++)
		fault_order_release(&order[i]);
	free(order);
}
