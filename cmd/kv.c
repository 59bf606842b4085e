/*
 * kv: the client of a replicated key-value store.  The options and commands and how they are wired; the work
 * is in lib/client.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "lib/base/opt.h"
#include "lib/client/command.h"
#include "lib/base/duration.h"
#include "lib/net/own.h"

enum option {
	OPT_TO = 256, OPT_RAW, OPT_JSON, OPT_JSON_KEYS, OPT_STALE, OPT_CREATE, OPT_WATCH,
};

static const struct opt options[] = {
	{ 's', "server", "ADDR", "unix:PATH, tcp:HOST:PORT, or - for standard input and output; several with "
	  "commas, or given several times, are tried in turn ($FAULTLINE_SERVER)", OPT_TEXT, NULL, "Server" },
	{ OPT_TO, "to", "NODE", "the node that is asked (any)", OPT_TEXT, NULL, NULL },
	{ 't', "timeout", "T", "how long an answer is waited for (5s; wait and what changes members: 60s)", OPT_TEXT,
	  NULL, NULL },
	{ OPT_RAW, "raw", NULL, "values are strings, even where they are JSON", OPT_TEXT, NULL, "Keys and values" },
	{ OPT_JSON_KEYS, "json-keys", NULL, "keys that are JSON are what they say: 1 a number", OPT_TEXT, NULL, NULL },
	{ OPT_CREATE, "create", NULL, "cas: a missing key is made", OPT_TEXT, NULL, NULL },
	{ OPT_STALE, "stale", NULL, "get, list: as the node asked knows it, at once and perhaps old", OPT_TEXT, NULL, NULL },
	{ OPT_JSON, "json", NULL, "print values, and status, as JSON", OPT_TEXT, NULL, "Output" },
	{ OPT_WATCH, "watch", NULL, "status: again every second", OPT_TEXT, NULL, NULL },
	{ 'o', "output", "FILE", "where answers are printed; with -s - it is standard error unless given", OPT_FILE, NULL, NULL },
};

static const struct opt_tool tool = {
	.name = "kv",
	.usage = "kv [options] get K | put K V | cas K FROM TO | delete K | list [PREFIX]\n"
		 "kv [options] txn [OPERATIONS ...] | watch [PREFIX] | apply COMMAND\n"
		 "kv [options] status | wait leader | wait caught-up [NODE]\n"
		 "kv [options] join NODE | leave NODE | transfer [NODE] | snapshot\n"
		 "kv [options] propose INSTANCE V | change INSTANCE [FROM TO]\n"
		 "kv [options] net FAULT ... | net links | net nodes",
	.purpose = "Reads and changes keys and values that several nodes keep together, watches them, and asks and "
		   "changes the nodes.",
	.options = options,
	.count = sizeof options / sizeof *options,
	.ending = "Exit status: 0 done, 1 no such key or another value, 2 usage, 3 bad input, 4 no answer.  See kv(1).",
};

/* What a command may be told, a bit each. */
enum { RAW = 1, JSON_KEYS = 2, CREATE = 4, STALE = 8, JSON = 16, WATCH = 32 };

static const struct switch_option { unsigned bit; const char *name; } switches[] = {
	{ RAW, "--raw" }, { JSON_KEYS, "--json-keys" }, { CREATE, "--create" },
	{ STALE, "--stale" }, { JSON, "--json" }, { WATCH, "--watch" },
};

static const struct verb {
	const char *name;
	command_run *run;
	size_t least, most;             /* operands */
	const char *operands;           /* for messages */
	unsigned switches;
	bool patient;                   /* waits longer */
} verbs[] = {
	{ "get", command_get, 1, 1, "K", JSON | JSON_KEYS | STALE, false },
	{ "put", command_put, 2, 2, "K V", RAW | JSON_KEYS, false },
	{ "cas", command_cas, 3, 3, "K FROM TO", RAW | JSON_KEYS | CREATE, false },
	{ "delete", command_delete, 1, 1, "K", JSON_KEYS, false },
	{ "list", command_list, 0, 1, "[PREFIX]", JSON | STALE, false },
	{ "txn", command_txn, 0, SIZE_MAX, "[OPERATIONS ...]", 0, false },
	{ "watch", command_watch, 0, 1, "[PREFIX]", 0, false },
	{ "apply", command_apply, 1, 1, "COMMAND", RAW | JSON, false },
	{ "status", command_status, 0, 0, "no operands", JSON | WATCH, false },
	{ "wait", command_wait, 1, 2, "leader | caught-up [NODE]", 0, true },
	{ "join", command_join, 1, 1, "NODE", 0, true },
	{ "leave", command_leave, 1, 1, "NODE", 0, true },
	{ "transfer", command_transfer, 0, 1, "[NODE]", 0, true },
	{ "snapshot", command_snapshot, 0, 0, "no operands", 0, true },
	{ "propose", command_propose, 2, 2, "INSTANCE V", RAW | JSON, false },
	{ "change", command_change, 1, 3, "INSTANCE [FROM TO]", RAW | JSON, false },
	{ "net", command_net, 1, SIZE_MAX, "FAULT ... | links | nodes", 0, false },
};
enum { VERBS = sizeof verbs / sizeof *verbs };

#define SECOND_NS UINT64_C(1000000000)

/* What the options fill, before they are looked at together. */
struct setup {
	struct command command;
	struct buf servers;             /* with commas */
	unsigned switches;
	const char *output;
};

/* --- Servers --- */

static void add_address(struct command *command, const char *text)
{
	const char *why;

	if (command->addresses == COMMAND_ADDRESSES_MAX)
		die_usage("more than %d servers", COMMAND_ADDRESSES_MAX);
	if (address_parse(&command->address[command->addresses++], text, &why))
		die_usage("server '%s': %s", text, why);
}

/* `-` is no address: it leaves none. */
static void parse_servers(struct setup *s)
{
	const char *environment = getenv("FAULTLINE_SERVER");
	char *rest, *text;

	if (!s->servers.len && environment)
		buf_puts(&s->servers, environment);
	if (!s->servers.len)
		die_usage("no server: give --server ADDR, or set FAULTLINE_SERVER");
	buf_putc(&s->servers, '\0');
	s->command.servers = s->servers.at;
	if (!strcmp(s->servers.at, "-"))
		return;
	rest = must_strdup(s->servers.at);      /* the addresses keep it */
	while ((text = strsep(&rest, ",")))
		add_address(&s->command, text);
}

/* --- Descriptors --- */

/* So that it is what `fd` was, whoever writes there. */
static void move(int from, int fd, const char *name)
{
	if (from < 0 || dup2(from, fd) < 0)
		die(EXIT_SYSTEM, "cannot open '%s': %s", name, strerror(errno));
	if (from != fd && from > STDERR_FILENO)
		close(from);
}

/* Standard input and output are the link's, if they are the server: then neither is read or written by chance. */
static void open_descriptors(const struct setup *s, struct link *link)
{
	int in = -1, out = -1;

	if (!s->command.addresses) {
		in = own_descriptor(STDIN_FILENO);
		out = own_descriptor(STDOUT_FILENO);
		if (in < 0 || out < 0)
			die(EXIT_SYSTEM, "cannot use '%s': %s", in < 0 ? "stdin" : "stdout", strerror(errno));
		move(open("/dev/null", O_RDONLY | O_CLOEXEC), STDIN_FILENO, "/dev/null");
		move(STDERR_FILENO, STDOUT_FILENO, "stderr");
	}
	if (s->output)
		move(open(s->output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666), STDOUT_FILENO, s->output);
	if (s->command.addresses)
		link_init(link, s->command.address, s->command.addresses);
	else
		link_init_given(link, in, out);
}

/* --- Options and operands --- */

static void take_option(struct setup *s, const struct opt_state *o, int id)
{
	switch (id) {
	case 's':
		buf_puts(&s->servers, s->servers.len ? "," : "");
		buf_puts(&s->servers, o->argument);
		break;
	case 't':
		s->command.timeout = o->argument;
		s->command.timeout_ns = duration_option(o, SECOND_NS / 1000, 24 * 3600 * SECOND_NS);
		break;
	case 'o': s->output = o->argument; break;
	case OPT_TO: s->command.to = o->argument; break;
	case OPT_RAW: s->switches |= RAW; break;
	case OPT_JSON_KEYS: s->switches |= JSON_KEYS; break;
	case OPT_CREATE: s->switches |= CREATE; break;
	case OPT_STALE: s->switches |= STALE; break;
	case OPT_JSON: s->switches |= JSON; break;
	case OPT_WATCH: s->switches |= WATCH; break;
	}
}

static const struct verb *find_verb(const char *name)
{
	const char *names[VERBS + 1] = { NULL }, *near;

	for (size_t i = 0; i < VERBS; i++) {
		if (!strcmp(verbs[i].name, name))
			return &verbs[i];
		names[i] = verbs[i].name;
	}
	near = opt_near(name, names);
	if (near)
		die_usage("'%s': no such command: did you mean '%s'?", name, near);
	die_usage("'%s': no such command", name);
}

static void take_switches(struct command *command, const struct verb *verb, unsigned given)
{
	for (size_t i = 0; i < sizeof switches / sizeof *switches; i++)
		if (given & switches[i].bit & ~verb->switches)
			die_usage("%s is not for %s", switches[i].name, verb->name);
	command->raw = given & RAW;
	command->json_keys = given & JSON_KEYS;
	command->create = given & CREATE;
	command->stale = given & STALE;
	command->json = given & JSON;
	command->watch = given & WATCH;
}

static const struct verb *parse(struct setup *s, int argc, char **argv)
{
	const struct verb *verb;
	struct opt_state o;
	struct command *command = &s->command;
	int id;

	opt_init(&o, &tool, argc, argv);
	while ((id = opt_next(&o)) != -1)
		take_option(s, &o, id);
	if (o.operand == argc)
		die_usage("no command");
	verb = find_verb(argv[o.operand]);
	command->name = verb->name;
	command->operand = argv + o.operand + 1;
	command->operands = (size_t)(argc - o.operand - 1);
	if (command->operands < verb->least || command->operands > verb->most)
		die_usage("%s takes %s", verb->name, verb->operands);
	take_switches(command, verb, s->switches);
	if (command->to && (!*command->to || strlen(command->to) > WIRE_NAME_BYTES_MAX))
		die_usage("--to '%s': must be the name of a node", command->to);
	if (!command->timeout) {
		command->timeout = verb->patient ? "60s" : "5s";
		command->timeout_ns = (verb->patient ? 60 : 5) * SECOND_NS;
	}
	parse_servers(s);
	return verb;
}

int main(int argc, char **argv)
{
	static struct setup s;
	const struct verb *verb;
	enum exit_status status;

	hold_descriptors();
	verb = parse(&s, argc, argv);
	client_init(&s.command.client, s.command.to ? s.command.to : "*");
	open_descriptors(&s, &s.command.client.link);
	status = verb->run(&s.command);
	client_release(&s.command.client);
	buf_release(&s.servers);
	finish(status);
}
