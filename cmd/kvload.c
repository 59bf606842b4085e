/*
 * kvload: load for a key-value store.  The options and how they are wired; the work is in lib/load.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "lib/base/opt.h"
#include "lib/json/text.h"
#include "lib/load/load.h"
#include "lib/load/report.h"
#include "lib/net/address.h"
#include "lib/base/duration.h"
#include "lib/net/own.h"
#include "lib/wire/wire.h"

enum option {
	OPT_CLIENTS = 256, OPT_MIX, OPT_KEYS, OPT_KEY_BYTES, OPT_VALUE_BYTES, OPT_OPS, OPT_TIME, OPT_WARMUP, OPT_TIMEOUT,
	OPT_TO, OPT_LEADER, OPT_SEED, OPT_OUTPUT,
};

#define SECOND UINT64_C(1000000000)

static const struct opt options[] = {
	{ 's', "server", "ADDR", "unix:PATH, tcp:HOST:PORT, or - for stdin and stdout ($FAULTLINE_SERVER)", OPT_TEXT, NULL,
	  "Server" },
	{ OPT_TO, "to", "NODE", "the node that is asked (*: the network chooses)", OPT_TEXT, NULL, NULL },
	{ OPT_LEADER, "leader", NULL, "ask the leader, found by asking for the status", OPT_TEXT, NULL, NULL },
	{ OPT_TIMEOUT, "timeout", "T", "how long to wait for an answer, and for the server (5s)", OPT_TEXT, NULL, NULL },
	{ OPT_CLIENTS, "clients", "N", "clients, each with one request under way (1)", OPT_TEXT, NULL, "Load" },
	{ OPT_MIX, "mix", "MIX", "what they ask, as read=50,write=50 (the default) or cas=1", OPT_TEXT, NULL, NULL },
	{ OPT_KEYS, "keys", "N", "how many keys there are (10000)", OPT_TEXT, NULL, NULL },
	{ OPT_KEY_BYTES, "key-bytes", "N", "length of a key (16)", OPT_TEXT, NULL, NULL },
	{ OPT_VALUE_BYTES, "value-bytes", "N", "length of a value (64)", OPT_TEXT, NULL, NULL },
	{ OPT_OPS, "ops", "N", "end after N operations", OPT_TEXT, NULL, NULL },
	{ OPT_TIME, "time", "T", "end after that long (10s)", OPT_TEXT, NULL, NULL },
	{ OPT_WARMUP, "warmup", "T", "before that, that long without measuring (0s)", OPT_TEXT, NULL, NULL },
	{ OPT_SEED, "seed", "N", "the same operations again", OPT_TEXT, NULL, NULL },
	{ 'o', "output", "FILE", "results as JSON to FILE", OPT_FILE, NULL, "Output" },
};

static const struct opt_tool tool = {
	.name = "kvload",
	.usage = "kvload -s ADDR [options]",
	.purpose = "Asks a key-value store as many clients would, and prints operations per second and latencies: a table "
		   "on a terminal, a JSON object elsewhere.",
	.options = options,
	.count = sizeof options / sizeof *options,
	.ending = "Exit status: 0 done, 2 usage, 4 no connection or no answer.  See kvload(1).",
};

struct setup {
	struct load_options load;
	const char *server, *output;
	bool leader, seeded;
	int signal;
};

static volatile sig_atomic_t signal_came;

static void on_signal(int sig)
{
	signal_came = sig;
	load_stop();
}

/* --- Options --- */

static void take_part(const struct opt_state *o, struct workload_options *w, const char *part, size_t len)
{
	const char *equals = memchr(part, '=', len);
	size_t name = equals ? (size_t)(equals - part) : len;
	unsigned long weight = 1;
	char *end = NULL;

	if (equals)
		weight = strtoul(equals + 1, &end, 10);
	for (int i = 0; i < WORKLOAD_KINDS; i++) {
		if (strlen(workload_kind_name[i]) != name || memcmp(workload_kind_name[i], part, name) != 0)
			continue;
		if (equals && (equals[1] < '0' || equals[1] > '9' || end != part + len || weight > WORKLOAD_WEIGHT_MAX))
			die_usage("%s '%s': '%.*s': a weight is a whole number up to %d", o->given, o->argument,
				  (int)len, part, WORKLOAD_WEIGHT_MAX);
		w->weight[i] = (uint32_t)weight;
		return;
	}
	die_usage("%s '%s': '%.*s' is none of read, write and cas", o->given, o->argument, (int)name, part);
}

static void take_mix(const struct opt_state *o, struct workload_options *w)
{
	const char *p = o->argument;
	uint32_t sum = 0;

	memset(w->weight, 0, sizeof(w->weight));
	for (;; p++) {
		size_t len = strcspn(p, ",");

		take_part(o, w, p, len);
		p += len;
		if (!*p)
			break;
	}
	for (int i = 0; i < WORKLOAD_KINDS; i++)
		sum += w->weight[i];
	if (!sum)
		die_usage("%s '%s': nothing is left to ask", o->given, o->argument);
}

static void take_option(struct setup *s, const struct opt_state *o, int id)
{
	struct load_options *l = &s->load;

	switch (id) {
	case 's': s->server = o->argument; break;
	case OPT_TO: l->to = o->argument; break;
	case OPT_LEADER: s->leader = true; break;
	case OPT_TIMEOUT: l->timeout_ns = duration_option(o, SECOND / 1000, 3600 * SECOND); break;
	case OPT_CLIENTS: l->clients = (uint32_t)opt_number(o, 1, LOAD_CLIENTS_MAX); break;
	case OPT_MIX: take_mix(o, &l->workload); break;
	case OPT_KEYS: l->workload.keys = opt_number(o, 1, WORKLOAD_KEYS_MAX); break;
	case OPT_KEY_BYTES: l->workload.key_bytes = (size_t)opt_number(o, 1, WORKLOAD_KEY_BYTES_MAX); break;
	case OPT_VALUE_BYTES: l->workload.value_bytes = (size_t)opt_number(o, 0, WORKLOAD_VALUE_BYTES_MAX); break;
	case OPT_OPS: l->ops = opt_number(o, 1, (uint64_t)1 << 53); break;
	case OPT_TIME: l->time_ns = duration_option(o, SECOND / 1000, 24 * 3600 * SECOND); break;
	case OPT_WARMUP: l->warmup_ns = duration_option(o, 0, 24 * 3600 * SECOND); break;
	case OPT_SEED: l->workload.seed = opt_number(o, 0, (uint64_t)1 << 53); s->seeded = true; break;
	case 'o': s->output = o->argument; break;
	}
}

static void check(const struct setup *s)
{
	const struct workload_options *w = &s->load.workload;
	size_t digits = 1;

	for (uint64_t n = w->keys - 1; n > 9; n /= 10)
		digits++;
	if (!s->server)
		die_usage("no server: give -s ADDR");
	if (s->leader && s->load.to)
		die_usage("--leader and --to exclude each other");
	if (s->load.ops && s->load.time_ns)
		die_usage("--ops and --time exclude each other");
	if (s->load.to && (!*s->load.to || strlen(s->load.to) > WIRE_NAME_BYTES_MAX ||
			   !json_utf8(s->load.to, strlen(s->load.to))))
		die_usage("--to '%s': a name is UTF-8 of at most %d bytes", s->load.to, WIRE_NAME_BYTES_MAX);
	if (digits > w->key_bytes)
		die_usage("--key-bytes %zu: %ju keys need %zu", w->key_bytes, (uintmax_t)w->keys, digits);
}

static void parse(struct setup *s, int argc, char **argv)
{
	struct opt_state o;
	int id;

	s->load = (struct load_options){
		.clients = 1, .timeout_ns = 5 * SECOND,
		.workload = { .weight = { 50, 50 }, .keys = 10000, .key_bytes = 16, .value_bytes = 64 },
	};
	opt_init(&o, &tool, argc, argv);
	while ((id = opt_next(&o)) != -1)
		take_option(s, &o, id);
	if (o.operand < argc)
		die_usage("'%s': kvload takes no operands", argv[o.operand]);
	if (!s->server)
		s->server = getenv("FAULTLINE_SERVER");
	check(s);
	if (!s->load.to && !s->leader)
		s->load.to = "*";
	if (!s->load.ops && !s->load.time_ns)
		s->load.time_ns = 10 * SECOND;
	/* As short as people can copy it. */
	if (!s->seeded && getrandom(&s->load.workload.seed, sizeof(uint32_t), 0) < 0)
		s->load.workload.seed = (uint64_t)time(NULL);
}

/* --- The server --- */

/* One that is about to listen is waited for. */
static int reach(const struct setup *s, const struct address *a)
{
	const struct timespec nap = { .tv_nsec = 10000000 };
	const char *why = NULL;
	uint64_t naps = s->load.timeout_ns / 10000000;

	for (;;) {
		int fd;

		errno = 0;
		fd = address_connect(a, &why);
		if (fd >= 0)
			return fd;
		if ((errno != ENOENT && errno != ECONNREFUSED) || !naps-- || signal_came)
			die(EXIT_SYSTEM, "cannot connect to '%s': %s", a->text, errno ? strerror(errno) : why);
		nanosleep(&nap, NULL);
	}
}

static void connect_server(struct setup *s)
{
	struct address a;
	const char *why;

	if (!strcmp(s->server, "-")) {
		s->load.in = own_descriptor(STDIN_FILENO);
		s->load.out = own_descriptor(STDOUT_FILENO);
		if (s->load.in < 0 || s->load.out < 0)
			die(EXIT_SYSTEM, "cannot use '%s': %s", s->load.in < 0 ? "stdin" : "stdout", strerror(errno));
		return;
	}
	if (address_parse(&a, s->server, &why))
		die_usage("-s '%s': %s", s->server, why);
	s->load.in = s->load.out = reach(s, &a);
	fcntl(s->load.in, F_SETFL, fcntl(s->load.in, F_GETFL) | O_NONBLOCK);
}

/* --- The results --- */

static FILE *open_output(const struct setup *s)
{
	FILE *out = s->output ? fopen(s->output, "we") : !strcmp(s->server, "-") ? stderr : stdout;

	if (!out)
		die(EXIT_SYSTEM, "cannot open '%s': %s", s->output, strerror(errno));
	return out;
}

static void report(const struct setup *s, FILE *out, const struct load_result *r)
{
	bool lost;

	if (!s->output && isatty(fileno(out)))
		report_table(out, &s->load, r);
	else
		report_json(out, &s->load, r);
	if (!s->output)
		return;
	lost = ferror(out);
	if (fclose(out) || lost)
		die(EXIT_SYSTEM, "cannot write '%s': %s", s->output, strerror(errno));
}

int main(int argc, char **argv)
{
	static struct load_result result;
	struct sigaction action = { .sa_handler = on_signal };
	struct setup setup = { .server = NULL };
	const char *trouble;
	FILE *out;

	hold_descriptors();
	parse(&setup, argc, argv);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
	connect_server(&setup);
	out = open_output(&setup);
	trouble = load_run(&setup.load, &result);
	signal(SIGPIPE, SIG_DFL);
	report(&setup, out, &result);
	if (trouble)
		die(EXIT_SYSTEM, "'%s': %s", setup.server, trouble);
	if (signal_came) {
		flush_output();
		signal(signal_came, SIG_DFL);
		raise(signal_came);
	}
	if (!result.ops)
		die(EXIT_SYSTEM, "'%s': no operation was answered", setup.server);
	finish(EXIT_DONE);
}
