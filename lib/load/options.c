/* options: see options.h */
#include "lib/load/options.h"
#include "lib/base/duration.h"
#include "lib/base/err.h"
#include "lib/json/text.h"
#include "lib/load/arrival.h"
#include "lib/wire/wire.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#define MS UINT64_C(1000000)
#define SECOND UINT64_C(1000000000)
#define HOUR (3600 * SECOND)
#define FIRST_VALUE_MAX UINT64_C(1000000000000000)       /* far enough from the last that a number in JSON can be */

enum { ZIPF_MILLIONTHS = 990000, ZIPF_MAX_MILLIONTHS = 10000000, LOCKSTEP_THINK_MS = 10 };

void load_setup_init(struct load_setup *s)
{
	const char *lockstep = getenv("FAULTLINE_LOCKSTEP"), *seed = getenv("FAULTLINE_SEED");

	*s = (struct load_setup){
		.interval_ns = SECOND,
		.load = {
			.clients = 1, .timeout_ns = 5 * SECOND, .retry_ns = 5 * MS, .resend_ns = SECOND,
			.lockstep = lockstep && !strcmp(lockstep, "1"),
			.workload = { .weight = { 50, 50 }, .keys = 10000, .key_bytes = 16, .value_bytes = 64, .txn_ops = 4 },
		},
	};
	if (seed && *seed) {
		char *end;

		s->load.workload.seed = strtoull(seed, &end, 10);
		s->seeded = true;
		if (*end || *seed < '0' || *seed > '9')
			die_usage("FAULTLINE_SEED '%s': must be a whole number", seed);
	}
}

/* --- One by one --- */

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
	die_usage("%s '%s': '%.*s' is none of read, write, cas, delete, txn and append", o->given, o->argument, (int)name,
		  part);
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

static void take_distribution(const struct opt_state *o, struct workload_options *w)
{
	struct opt_state exponent = *o;
	uint64_t s = ZIPF_MILLIONTHS;

	w->zipf = 0;
	if (!strcmp(o->argument, "uniform"))
		return;
	if (!strncmp(o->argument, "zipf:", 5)) {
		exponent.argument += 5;
		s = opt_millionths(&exponent, 1, ZIPF_MAX_MILLIONTHS);
	} else if (strcmp(o->argument, "zipf") != 0) {
		die_usage("%s '%s': must be uniform, zipf or zipf:S", o->given, o->argument);
	}
	w->zipf = (double)s / 1e6;
}

static void check_name(const char *given, const char *argument, const char *name, size_t max)
{
	if (!*name || strlen(name) > max || !json_utf8(name, strlen(name)))
		die_usage("%s '%s': a name is UTF-8 of at most %zu bytes", given, argument, max);
}

static void take_nodes(struct load_setup *s, const struct opt_state *o)
{
	size_t count = 0;

	free(s->node_text);
	free(s->node);
	s->node_text = must_strdup(o->argument);
	s->node = must_calloc(LOAD_NODES_MAX, sizeof(*s->node));
	for (char *p = s->node_text, *comma; p; p = comma ? comma + 1 : NULL) {
		comma = strchr(p, ',');
		if (comma)
			*comma = '\0';
		check_name(o->given, o->argument, p, WIRE_NAME_BYTES_MAX);
		if (count == LOAD_NODES_MAX)
			die_usage("%s: more than %d nodes", o->given, LOAD_NODES_MAX);
		s->node[count++] = p;
	}
	s->load.nodes = s->node;
	s->load.node_count = count;
}

static void take_arrivals(const struct opt_state *o, struct load_setup *s)
{
	struct load_options *l = &s->load;

	s->arrivals = true;
	l->poisson = !strcmp(o->argument, "poisson");
	if (!l->poisson && strcmp(o->argument, "even") != 0)
		die_usage("%s '%s': must be even or poisson", o->given, o->argument);
}

/* What is a plain character in every name on the way. */
static void take_name(const struct opt_state *o, struct load_options *l)
{
	check_name(o->given, o->argument, o->argument, LOAD_NAME_BYTES_MAX);
	for (const char *p = o->argument; *p; p++)
		if (*p == '"' || *p == '\\' || (unsigned char)*p < ' ')
			die_usage("%s '%s': a name has no quotes, backslashes and control characters", o->given, o->argument);
	l->name = o->argument;
}

static void take_workload(struct load_setup *s, int id, const struct opt_state *o)
{
	struct workload_options *w = &s->load.workload;

	switch (id) {
	case LOAD_OPT_MIX: take_mix(o, w); break;
	case LOAD_OPT_TXN_OPS: w->txn_ops = (uint32_t)opt_number(o, 1, WORKLOAD_TXN_OPS_MAX); break;
	case LOAD_OPT_KEYS: w->keys = opt_number(o, 1, WORKLOAD_KEYS_MAX); break;
	case LOAD_OPT_DISTRIBUTION: take_distribution(o, w); break;
	case LOAD_OPT_KEY_BYTES: w->key_bytes = (size_t)opt_number(o, 1, WORKLOAD_KEY_BYTES_MAX); break;
	case LOAD_OPT_VALUE_BYTES:
		w->value_bytes = (size_t)opt_number(o, 0, WORKLOAD_VALUE_BYTES_MAX);
		s->valued = true;
		break;
	case LOAD_OPT_VALUES: w->values = opt_number(o, 1, WIRE_NUMBER_MAX); break;
	case LOAD_OPT_FIRST_VALUE: w->first_value = opt_number(o, 1, FIRST_VALUE_MAX); break;
	case LOAD_OPT_SEED: w->seed = opt_number(o, 0, WIRE_NUMBER_MAX); s->seeded = true; break;
	}
}

void load_setup_take(struct load_setup *s, int id, const struct opt_state *o)
{
	struct load_options *l = &s->load;

	switch (id) {
	case 's': s->server = o->argument; break;
	case 'o': s->output = o->argument; break;
	case LOAD_OPT_TO: s->to = o->argument; check_name(o->given, s->to, s->to, WIRE_NAME_BYTES_MAX); break;
	case LOAD_OPT_NODES: take_nodes(s, o); break;
	case LOAD_OPT_LEADER: s->leader = true; break;
	case LOAD_OPT_TIMEOUT: l->timeout_ns = duration_option(o, MS, HOUR); break;
	case LOAD_OPT_RETRY: l->retry_ns = duration_option(o, MS, HOUR); break;
	case LOAD_OPT_SESSIONS: l->sessions = true; break;
	case LOAD_OPT_RESEND: l->resend_ns = duration_option(o, MS, HOUR); break;
	case LOAD_OPT_CLIENTS: l->clients = (uint32_t)opt_number(o, 1, LOAD_CLIENTS_MAX); break;
	case LOAD_OPT_THINK: l->think_ns = duration_option(o, 0, HOUR); s->thought = true; break;
	case LOAD_OPT_RATE: l->rate = opt_millionths(o, ARRIVAL_RATE_MIN, ARRIVAL_RATE_MAX); break;
	case LOAD_OPT_ARRIVALS: take_arrivals(o, s); break;
	case LOAD_OPT_OPS: l->ops = opt_number(o, 1, WIRE_NUMBER_MAX); break;
	case LOAD_OPT_TIME: l->time_ns = duration_option(o, MS, 24 * HOUR); break;
	case LOAD_OPT_WARMUP: l->warmup_ns = duration_option(o, 0, 24 * HOUR); break;
	case LOAD_OPT_LOCKSTEP: l->lockstep = true; break;
	case LOAD_OPT_NAME: take_name(o, l); break;
	case LOAD_OPT_HISTORY: s->history = o->argument; break;
	case LOAD_OPT_PLOT: s->plot = o->argument; break;
	case LOAD_OPT_PLOT_TRACE: s->plot_trace = o->argument; break;
	case LOAD_OPT_REDRAW: s->redraw = true; break;
	case LOAD_OPT_INTERVAL: s->interval_ns = duration_option(o, MS, HOUR); break;
	default: take_workload(s, id, o);
	}
}

/* --- Together --- */

static void check_keys(const struct workload_options *w)
{
	size_t digits = 1;

	for (uint64_t n = w->keys - 1; n > 9; n /= 10)
		digits++;
	if (digits > w->key_bytes)
		die_usage("--key-bytes %zu: %ju keys need %zu", w->key_bytes, (uintmax_t)w->keys, digits);
	if (w->weight[WORKLOAD_APPEND] && digits + 1 > w->key_bytes)
		die_usage("--key-bytes %zu: %ju keys of lists need %zu", w->key_bytes, (uintmax_t)w->keys, digits + 1);
}

/* kv may have several there, parted by commas: the first. */
static const char *server_of_environment(void)
{
	const char *list = getenv("FAULTLINE_SERVER");
	char *first = list ? must_strdup(list) : NULL;

	if (first)
		first[strcspn(first, ",")] = '\0';
	return first;
}

static void check_server(struct load_setup *s)
{
	const struct load_options *l = &s->load;

	if (!s->server)
		s->server = l->lockstep ? "-" : server_of_environment();
	if (!s->server)
		die_usage("no server: give -s ADDR");
	if (l->lockstep && strcmp(s->server, "-") != 0)
		die_usage("-s '%s': in lockstep the server is -, standard input and output", s->server);
	if (s->leader && s->to)
		die_usage("--leader and --to exclude each other");
	if (s->node && (s->leader || s->to))
		die_usage("--nodes and %s exclude each other", s->to ? "--to" : "--leader");
}

static void check(const struct load_setup *s)
{
	const struct load_options *l = &s->load;

	if (l->ops && l->time_ns)
		die_usage("--ops and --time exclude each other");
	if (l->rate && s->thought && l->think_ns)
		die_usage("--rate and --think exclude each other: operations arrive by themselves");
	if (s->arrivals && !l->rate)
		die_usage("--arrivals needs --rate");
	if (s->plot_trace && !s->plot)
		die_usage("--plot-trace needs --plot");
	if (s->plot_trace && l->lockstep && !s->redraw)
		die_usage("--plot-trace in lockstep: the trace is there when the run is over; draw it then, with --redraw");
	if (s->redraw && !s->plot)
		die_usage("--redraw needs --plot");
	if (s->redraw && s->history)
		die_usage("--redraw and --history exclude each other: no operation is asked for");
	check_keys(&l->workload);
}

void load_setup_end(struct load_setup *s)
{
	static const char *const anyone[] = { "*" };
	struct load_options *l = &s->load;

	check(s);
	if (s->redraw)
		return;
	check_server(s);
	if (!s->node && !s->leader) {
		l->nodes = s->to ? &s->to : anyone;
		l->node_count = 1;
	}
	if (!l->ops && !l->time_ns)
		l->time_ns = 10 * SECOND;
	/* In virtual time answers may cost nothing, and the clients would ask for ever at one moment. */
	if (l->lockstep && !s->thought && !l->rate)
		l->think_ns = LOCKSTEP_THINK_MS * MS;
	l->workload.numbers = s->history && !s->valued;
	if (l->workload.numbers)
		l->workload.value_bytes = 0;
	/* Another run with this seed must not be taken for a repetition of this one. */
	if (l->sessions && !l->lockstep && getrandom(&l->session_nonce, sizeof(uint32_t), 0) < 0)
		l->session_nonce = (uint64_t)time(NULL);
	/* As short as people can copy it. */
	if (!s->seeded && getrandom(&l->workload.seed, sizeof(uint32_t), 0) < 0)
		l->workload.seed = (uint64_t)time(NULL);
}
