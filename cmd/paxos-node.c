/*
 * paxos-node: a member of a Paxos cluster, on stdin and stdout.  The options and how they are wired; the runtime is
 * lib/node, the protocol is lib/paxos.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "lib/base/opt.h"
#include "lib/node/options.h"
#include "lib/proto/paxos.h"

enum { QUORUM1 = NODE_OPT_OWN, QUORUM2, GRID, ROLES, FOUNDING };
enum { GRID_LINE_BYTES = 16384 };

static const struct opt options[] = {
	NODE_OPTIONS("paxos"),
	{ QUORUM1, "quorum1", "N", "acceptors that have to promise (a majority)", OPT_TEXT, NULL, "Quorums" },
	{ QUORUM2, "quorum2", "N", "acceptors that have to accept (a majority)", OPT_TEXT, NULL, NULL },
	{ GRID, "quorum-grid", "FILE", "rows of names: one row promises, one of each row accepts", OPT_FILE, NULL, NULL },
	{ ROLES, "roles", "LIST", "what this node is, of proposer,acceptor,learner (all)", OPT_TEXT, NULL, NULL },
	{ FOUNDING, "founding", NULL, "make the directory of a first member that never ran before, and end", OPT_TEXT, NULL, NULL },
};

static const struct opt_tool tool = {
	.name = "paxos-node",
	.usage = "paxos-node [--id NAME (--nodes LIST | --join)] [options]",
	.purpose = "A member of a Paxos cluster: a durable key-value store, replicated over the nodes, and registers that need no "
		   "leader.  Messages are JSON lines, in on standard input and out on standard output; who carries them is up to "
		   "you, as netfault or socat.",
	.options = options,
	.count = sizeof options / sizeof *options,
	.ending = "Exit status: 0 end of input, 2 usage or configuration, 3 a damaged log, 4 disk or system.  See paxos-node(1).",
};

/* One row of the grid; names are set apart by blanks or commas. */
static void take_row(struct paxos_quorums *q, char *line, const char *path, unsigned number)
{
	uint32_t count = 0;

	for (char *name = strtok(line, " \t,\n"); name; name = strtok(NULL, " \t,\n")) {
		uint32_t at = q->rows * q->columns + count++;

		if (strlen(name) > PAXOS_NAME_BYTES_MAX)
			die(EXIT_USAGE, "'%s', line %u: a name has at most %d bytes", path, number, PAXOS_NAME_BYTES_MAX);
		if (at >= PAXOS_MEMBERS_MAX)
			die(EXIT_USAGE, "'%s', line %u: more than %d names", path, number, PAXOS_MEMBERS_MAX);
		memcpy(q->grid[at], name, strlen(name) + 1);
		for (uint32_t i = 0; i < at; i++)
			if (!strcmp(q->grid[i], name))
				die(EXIT_USAGE, "'%s', line %u: '%s' is there twice", path, number, name);
	}
	if (!count)
		return;
	if (q->columns && count != q->columns)
		die(EXIT_USAGE, "'%s', line %u: a row of %u names, the one before has %u", path, number, count, q->columns);
	q->columns = count;
	q->rows++;
}

static void take_grid(struct paxos_quorums *q, const char *path)
{
	static char line[GRID_LINE_BYTES];
	unsigned number = 0;
	FILE *file = fopen(path, "re");

	if (!file)
		die(EXIT_USAGE, "cannot open '%s': %s", path, strerror(errno));
	q->rows = q->columns = 0;
	while (fgets(line, sizeof(line), file)) {
		number++;
		if (!strchr(line, '\n') && !feof(file))
			die(EXIT_USAGE, "'%s', line %u: %s", path, number, strlen(line) < GRID_LINE_BYTES - 1 ?
			    "a NUL byte" : "longer than 16383 bytes");
		if (*line != '#')
			take_row(q, line, path, number);
	}
	if (ferror(file))
		die(EXIT_SYSTEM, "cannot read '%s': %s", path, strerror(errno));
	fclose(file);
	if (!q->rows)
		die(EXIT_USAGE, "'%s' has no row of names", path);
}

static unsigned take_roles(const struct opt_state *state)
{
	static const struct { const char *name; unsigned role; } known[] = {
		{ "proposer", PAXOS_PROPOSER }, { "acceptor", PAXOS_ACCEPTOR }, { "learner", PAXOS_LEARNER },
	};
	char *list = must_strdup(state->argument), *rest = list, *name;
	unsigned roles = 0;

	while ((name = strsep(&rest, ","))) {
		unsigned role = 0;

		for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
			if (!strcmp(name, known[i].name))
				role = known[i].role;
		if (!role)
			die_usage("%s '%s': a role is proposer, acceptor or learner", state->given, name);
		roles |= role;
	}
	free(list);
	return roles;
}

static void take_own(struct paxos_own *own, int id, const struct opt_state *state)
{
	switch (id) {
	case QUORUM1:
		own->quorums.count1 = (uint32_t)opt_number(state, 1, PAXOS_MEMBERS_MAX);
		break;
	case QUORUM2:
		own->quorums.count2 = (uint32_t)opt_number(state, 1, PAXOS_MEMBERS_MAX);
		break;
	case GRID:
		take_grid(&own->quorums, state->argument);
		break;
	case ROLES:
		own->roles = take_roles(state);
		break;
	case FOUNDING:
		own->founding = true;
		break;
	}
}

/* As a node whose input is over and whom nobody hears: what else the options ask for is for the starts to come. */
static void found(struct node_options *o)
{
	int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (!o->id || !o->member_count)
		die_usage("--founding needs --id and --nodes");
	if (o->is_volatile)
		die_usage("--founding and --volatile exclude each other");
	if (nothing < 0 || dup2(nothing, STDIN_FILENO) < 0 || dup2(nothing, STDOUT_FILENO) < 0)
		die(EXIT_SYSTEM, "cannot open '/dev/null': %s", strerror(errno));
	close(nothing);
	o->machine = o->metrics = NULL;
	o->lockstep = false;
	o->notify_fd = -1;
}

int main(int argc, char **argv)
{
	static struct paxos_own own = { .roles = PAXOS_ALL_ROLES };
	struct opt_state state;
	struct node_options o;
	int id, sig;

	hold_descriptors();
	opt_init(&state, &tool, argc, argv);
	node_options_init(&o, &paxos_protocol);
	o.own = &own;
	while ((id = opt_next(&state)) != -1)
		if (!node_options_take(&o, id, &state))
			take_own(&own, id, &state);
	if (state.operand < argc)
		die_usage("'%s': no operands are taken", argv[state.operand]);
	if (own.quorums.rows && (own.quorums.count1 || own.quorums.count2))
		die_usage("--quorum-grid excludes --quorum1 and --quorum2");
	node_options_end(&o);
	if (own.founding)
		found(&o);
	sig = node_run(&o);
	if (sig) {
		signal(sig, SIG_DFL);
		raise(sig);
	}
	finish(EXIT_DONE);
}
