/*
 * hashring: which node owns each key.  The options and how they are wired; the
 * work is in lib/shard, the algorithms are in lib/ring.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/ioctl.h>

#include <sodium.h>

#include "lib/base/err.h"
#include "lib/base/opt.h"
#include "lib/draw/circle.h"
#include "lib/shard/emit.h"
#include "lib/shard/explain.h"
#include "lib/shard/fleet.h"
#include "lib/shard/plan.h"
#include "lib/shard/split.h"
#include "lib/shard/stats.h"
#include "lib/shard/total.h"

enum option {
	OPT_STATE = 256, OPT_UPDATE, OPT_NUMBERED, OPT_CAPACITY, OPT_POINTS, OPT_TABLE, OPT_KEY_FILE, OPT_BOUND,
	OPT_TOTAL, OPT_WARN_SIZE, OPT_JSON_KEY, OPT_LINE_MAX, OPT_JSON, OPT_JSON_SET, OPT_NULL, OPT_ONLY, OPT_SPLIT,
	OPT_STATS, OPT_DIFF, OPT_SUMMARY, OPT_EXPLAIN, OPT_DRAW,
};

enum { BOUND_MILLIONTHS_MAX = 1000 * 1000000 };

#define ALGORITHMS "ring hrw anchor jump maglev slots libmemcached libmemcached-spy twemproxy ketama spymemcached " \
	"couchbase uhashring hash-ring node-hashring nginx haproxy haproxy-avalanche envoy-ring envoy-maglev redis " \
	"cassandra mcrouter"

static const struct opt options[] = {
	{ 'n', "nodes", "LIST", "nodes, as a,b=2,c: NAME or NAME=WEIGHT", OPT_TEXT, NULL, "Nodes" },
	{ 'f', "file", "FILE", "nodes from a file: name, weight and zone a line, or JSON lines", OPT_FILE, NULL, NULL },
	{ OPT_STATE, "state", "FILE", "the file that keeps the numbering of anchor, jump and slots", OPT_FILE, NULL, NULL },
	{ OPT_UPDATE, "update", NULL, "make the state file, or change it to the nodes given, and end", OPT_TEXT, NULL, NULL },
	{ OPT_NUMBERED, "numbered", NULL, "anchor, jump, slots: the list's order is the numbering", OPT_TEXT, NULL, NULL },
	{ OPT_CAPACITY, "capacity", "N", "buckets of a new anchor, slots of a new slots", OPT_TEXT, NULL, NULL },
	{ 'a', "algorithm", "NAME", "how keys are placed", OPT_CHOICE, ALGORITHMS, "Placement" },
	{ OPT_POINTS, "points", "V", "ring: points of a node of weight 1 (2048)", OPT_TEXT, NULL, NULL },
	{ OPT_TABLE, "table", "N", "maglev, envoy-maglev: size of the table, a prime (65537)", OPT_TEXT, NULL, NULL },
	{ OPT_KEY_FILE, "key-file", "FILE", "a secret of 16 to 4096 bytes that keys the hash", OPT_FILE, NULL, NULL },
	{ 'r', "replicas", "R", "R owners in order of preference, from distinct zones", OPT_TEXT, NULL, NULL },
	{ OPT_BOUND, "bound", "C", "no node above C times its share of the keys", OPT_TEXT, NULL, NULL },
	{ OPT_TOTAL, "total", "N", "--bound: there will be N keys at the most, so one pass is enough", OPT_TEXT, NULL, NULL },
	{ OPT_WARN_SIZE, "warn-size", NULL, "tell when a ketama layout deals equal servers too few points", OPT_TEXT, NULL, NULL },
	{ '0', "null-input", NULL, "records end with NUL, in and out", OPT_TEXT, NULL, "Keys" },
	{ 'k', "field", "N", "the key is field N of the line", OPT_TEXT, NULL, NULL },
	{ 'd', "delimiter", "C", "what parts the fields: one byte (TAB)", OPT_TEXT, NULL, NULL },
	{ OPT_JSON_KEY, "json-key", "PATH", "lines are JSON, the key is at PATH, as user.id", OPT_TEXT, NULL, NULL },
	{ OPT_LINE_MAX, "line-max", "SIZE", "the longest line that is taken (1M)", OPT_TEXT, NULL, NULL },
	{ OPT_JSON, "json", NULL, "print an object a key", OPT_TEXT, NULL, "Output" },
	{ OPT_JSON_SET, "json-set", "PATH", "with --json-key: write the owner into the line at PATH", OPT_TEXT, NULL, NULL },
	{ OPT_NULL, "null", NULL, "output records end with NUL", OPT_TEXT, NULL, NULL },
	{ OPT_ONLY, "only", "NODE", "print the lines of one node alone", OPT_TEXT, NULL, NULL },
	{ OPT_SPLIT, "split", "DIR", "write the lines into a file a node", OPT_DIRECTORY, NULL, NULL },
	{ 'j', "threads", "N", "work on N threads; the order stays (1)", OPT_TEXT, NULL, NULL },
	{ OPT_STATS, "stats", NULL, "how many keys each node owns, against its weight", OPT_TEXT, NULL, "Reports" },
	{ OPT_DIFF, "diff", NULL, "the keys that move from the nodes OLD to the nodes NEW", OPT_TEXT, NULL, NULL },
	{ OPT_SUMMARY, "summary", NULL, "with --diff: counts alone; exit 1 where keys move for nothing", OPT_TEXT, NULL, NULL },
	{ OPT_EXPLAIN, "explain", "KEY", "how KEY comes to its owner", OPT_TEXT, NULL, NULL },
	{ OPT_DRAW, "draw", NULL, "the ring as SVG; with --diff, what moves is hatched", OPT_TEXT, NULL, NULL },
};

static const struct opt_tool tool = {
	.name = "hashring",
	.usage = "hashring (-n LIST | -f FILE | --state FILE) [options] [KEY ...]\n"
		 "hashring --diff OLD NEW [options] [KEY ...]",
	.purpose = "Prints which node owns each key: a line `key<TAB>node` for each line of standard input, or for each KEY. "
		   "OLD and NEW are lists of nodes as -n takes them, or files.",
	.options = options,
	.count = sizeof options / sizeof *options,
	.ending = "Exit status: 0 done, 1 excess moves, 2 usage, 3 bad input, 4 system.  See hashring(1).",
};

struct settings {
	struct fleet_conf fleet;
	struct keys_conf keys;
	struct json_path key_path, set_path;
	uint32_t replicas;
	uint64_t bound, total;          /* millionths; keys.  0: not given */
	size_t line_bytes_max;
	char end_in, end_out;
	bool json, stats, diff, summary, draw, update;
	const char *only, *split, *explain, *key_file;
	unsigned threads;
	char **operand;
	int operands;
};

static const struct ring_algo *algorithm(const struct opt_state *o)
{
	const struct ring_algo *a = ring_algo_find(o->argument);
	const char *names[64] = { NULL };
	const char *near;

	if (a)
		return a;
	for (size_t i = 0; i < 63 && ring_algo_at(i); i++)
		names[i] = ring_algo_name(ring_algo_at(i));
	near = opt_near(o->argument, names);
	if (near)
		die_usage("%s '%s': no such algorithm: did you mean '%s'?", o->given, o->argument, near);
	die_usage("%s '%s': no such algorithm", o->given, o->argument);
}

static char delimiter(const struct opt_state *o)
{
	if (!strcmp(o->argument, "\\t"))
		return '\t';
	if (strlen(o->argument) != 1)
		die_usage("%s '%s': must be one byte (or \\t)", o->given, o->argument);
	return *o->argument;
}

static const struct json_path *json_path(const struct opt_state *o, struct json_path *path)
{
	json_path_release(path);
	if (json_path_init(path, o->argument))
		die_usage("%s '%s': must be member names parted by dots, %d at the most", o->given, o->argument,
			  JSON_PATH_PARTS_MAX);
	return path;
}

static void take_option(struct settings *s, const struct opt_state *o, int id)
{
	switch (id) {
	case 'n': s->fleet.list = o->argument; break;
	case 'f': s->fleet.file = o->argument; break;
	case OPT_STATE: s->fleet.state = o->argument; break;
	case OPT_UPDATE: s->update = true; break;
	case OPT_NUMBERED: s->fleet.numbered = true; break;
	case OPT_CAPACITY: s->fleet.capacity = (uint32_t)opt_number(o, 1, RING_BUCKETS_MAX); break;
	case 'a': s->fleet.algo = algorithm(o); break;
	case OPT_POINTS: s->fleet.ring.points = (uint32_t)opt_number(o, 1, 1000000); break;
	case OPT_TABLE: s->fleet.ring.table = (uint32_t)opt_number(o, 2, RING_SLOTS_MAX); break;
	case OPT_KEY_FILE: s->key_file = o->argument; break;
	case 'r': s->replicas = (uint32_t)opt_number(o, 1, RING_REPLICAS_MAX); break;
	case OPT_BOUND: s->bound = opt_millionths(o, 1000000, BOUND_MILLIONTHS_MAX); break;
	case OPT_TOTAL: s->total = opt_number(o, 1, (uint64_t)1 << 53); break;
	case OPT_WARN_SIZE: s->fleet.warn_size = true; break;
	case '0': s->end_in = s->end_out = '\0'; break;
	case 'k': s->keys.field = opt_number(o, 1, UINT32_MAX); break;
	case 'd': s->keys.separator = delimiter(o); break;
	case OPT_JSON_KEY: s->keys.path = json_path(o, &s->key_path); break;
	case OPT_LINE_MAX: s->line_bytes_max = opt_size(o, 1, FLOW_LINE_BYTES_MAX); break;
	case OPT_JSON: s->json = true; break;
	case OPT_JSON_SET: s->keys.set = json_path(o, &s->set_path); break;
	case OPT_NULL: s->end_out = '\0'; break;
	case OPT_ONLY: s->only = o->argument; break;
	case OPT_SPLIT: s->split = o->argument; break;
	case 'j': s->threads = (unsigned)opt_number(o, 1, FLOW_THREADS_MAX); break;
	case OPT_STATS: s->stats = true; break;
	case OPT_DIFF: s->diff = true; break;
	case OPT_SUMMARY: s->summary = true; break;
	case OPT_EXPLAIN: s->explain = o->argument; break;
	case OPT_DRAW: s->draw = true; break;
	}
}

static void check_nodes(const struct settings *s)
{
	const struct fleet_conf *f = &s->fleet;
	unsigned traits = f->algo ? ring_algo_traits(f->algo) : 0;

	if (f->list && f->file)
		die_usage("--nodes and --file exclude each other");
	if (s->diff && (f->list || f->file || f->state))
		die_usage("--diff takes its nodes from OLD and NEW, not from --nodes, --file or --state");
	if (f->file && !strcmp(f->file, "-") && !s->operands && !s->explain && !s->draw && !s->update)
		die_usage("--file -: standard input has the nodes, so the keys must be operands");
	if (s->diff && s->operands < 2)
		die_usage("--diff needs two lists of nodes: OLD and NEW");
	if (!s->diff && !f->list && !f->file && (s->update || !f->state))
		die_usage("no nodes: give --nodes LIST or --file FILE");
	if (s->update && !f->state)
		die_usage("--update needs --state FILE");
	if (f->state && f->algo && !(traits & RING_NUMBERED))
		die_usage("%s needs no --state: only anchor, jump and slots number their nodes", ring_algo_name(f->algo));
	if (f->capacity && (f->algo ? strcmp(ring_algo_name(f->algo), "anchor") && strcmp(ring_algo_name(f->algo), "slots")
				    : !f->state))
		die_usage("--capacity is for anchor and slots");
	if (f->numbered && !(traits & RING_NUMBERED))
		die_usage("--numbered is for anchor, jump and slots");
	if (f->ring.points && f->algo && strcmp(ring_algo_name(f->algo), "ring") != 0)
		die_usage("--points is for ring");
	if (f->ring.table && (!(traits & RING_TABLE) || (traits & RING_NUMBERED)))
		die_usage("--table is for maglev and envoy-maglev");
	if (s->key_file && (traits & RING_COMPAT))
		die_usage("--key-file: the layout of %s is fixed", ring_algo_name(f->algo));
}

static void check_outputs(const struct settings *s)
{
	int reports = s->stats + s->diff + (s->explain != NULL) + (s->draw && !s->diff) + (s->split != NULL) + s->update;

	if (reports > 1)
		die_usage("only one of --stats, --diff, --explain, --draw, --split and --update");
	if (reports && (s->only || s->keys.set))
		die_usage("%s does not go with a report or --split", s->only ? "--only" : "--json-set");
	if (s->keys.set && !s->keys.path)
		die_usage("--json-set needs --json-key");
	if (s->keys.set && s->json)
		die_usage("--json-set and --json exclude each other");
	if (s->keys.path && s->keys.field)
		die_usage("--json-key and --field exclude each other");
	if (s->summary && !s->diff)
		die_usage("--summary is for --diff");
	if (s->total && !s->bound)
		die_usage("--total is for --bound");
	if (s->bound && (s->diff || s->explain || s->draw))
		die_usage("--bound counts the keys as they come: it does not go with --diff, --explain or --draw");
	if (s->json && (s->split || s->draw))
		die_usage("--json does not go with --draw or --split");
	if (s->operands > (s->diff ? 2 : 0) && (s->explain || s->draw || s->update))
		die_usage("'%s': --explain, --draw and --update take no keys", s->operand[s->diff ? 2 : 0]);
}

static void parse(struct settings *s, int argc, char **argv)
{
	struct opt_state o;
	int id;

	*s = (struct settings){
		.replicas = 1, .threads = 1, .line_bytes_max = FLOW_LINE_BYTES_DEFAULT,
		.end_in = '\n', .end_out = '\n',
	};
	opt_init(&o, &tool, argc, argv);
	while ((id = opt_next(&o)) != -1)
		take_option(s, &o, id);
	if (s->keys.separator && !s->keys.field)
		die_usage("--delimiter needs --field");
	s->keys.separator = s->keys.separator ? s->keys.separator : '\t';
	s->operand = argv + o.operand;
	s->operands = argc - o.operand;
	check_nodes(s);
	check_outputs(s);
	if (s->key_file)
		fleet_key(s->key_file, s->fleet.ring.key);
	if (s->bound && !s->fleet.algo && !s->fleet.state)
		s->fleet.algo = ring_algo_find("hrw");
	s->fleet.ring.cpu = fleet_cpu();
}

/* Width of the terminal that stdout is, or 0. */
static unsigned columns(void)
{
	struct winsize size;

	if (!isatty(STDOUT_FILENO))
		return 0;
	return !ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) && size.ws_col ? size.ws_col : 80;
}

static struct flow_input input_of(const struct settings *s)
{
	bool report = s->stats || s->summary || s->split;

	if (isatty(STDIN_FILENO))
		warn("reading keys from the terminal; ^D ends");
	return (struct flow_input){
		.fd = STDIN_FILENO, .name = "stdin", .delimiter = s->end_in, .line_bytes_max = s->line_bytes_max,
		.progress = isatty(STDERR_FILENO) && !isatty(STDIN_FILENO) && (report || !isatty(STDOUT_FILENO)),
	};
}

/* Operands as records, with bytes behind each that may be read. */
static struct ring_key *operand_records(char **operand, size_t n)
{
	struct ring_key *records = must_calloc(n + 1, sizeof *records);

	for (size_t i = 0; i < n; i++) {
		size_t len = strlen(operand[i]);
		uint8_t *copy = must_calloc(len + FLOW_SLACK, 1);

		memcpy(copy, operand[i], len);
		records[i] = (struct ring_key){ copy, len };
	}
	return records;
}

static void run(const struct settings *s, struct route *route, const struct flow_sink *sink)
{
	size_t n = (size_t)s->operands - (s->diff ? 2 : 0);
	struct flow_input input = { .fd = -1 };
	struct bound bound;

	if (!n)
		input = input_of(s);
	if (s->bound) {
		bound_init(&bound, route->nodes, s->bound,
			   (s->total ? s->total : n ? n : total_records(&input, s->threads)) * s->replicas);
		route->bound = &bound;
	}
	if (n) {
		struct ring_key *records = operand_records(s->operand + (s->diff ? 2 : 0), n);

		flow_records("operand", sink, records, n);
		for (size_t i = 0; i < n; i++)
			free((void *)(uintptr_t)records[i].p);
		free(records);
	} else {
		flow_run(&input, sink, s->bound ? 1 : s->threads);
	}
	if (!s->bound)
		return;
	if (bound.fewer)
		warn("%llu keys have fewer than %u owners: the bound leaves no more room", (unsigned long long)bound.fewer,
		     s->replicas);
	bound_release(&bound);
}

/* Said once, where there cannot be as many owners, or as many zones, as were asked for. */
static void warn_replicas(const struct nodes *nodes, uint32_t replicas)
{
	uint8_t *seen = must_calloc(RING_ZONES_MAX + 1, 1);
	uint32_t live = 0, zones = 0;

	for (uint32_t i = 0; i < nodes->n; i++) {
		if (!nodes->at[i].weight)
			continue;
		live++;
		zones += !seen[nodes->at[i].zone];
		seen[nodes->at[i].zone] = 1;
	}
	free(seen);
	if (replicas > live)
		warn("%u replicas of %u nodes: every node is an owner, and there are no more", replicas, live);
	else if (replicas > zones && nodes->zones)
		warn("%u replicas in %u zones: some share a zone", replicas, zones);
}

static struct route route_of(const struct settings *s, const struct fleet *fl)
{
	return (struct route){
		.ring = fl->ring, .nodes = &fl->state.nodes, .keys = s->keys, .replicas = s->replicas,
	};
}

static void run_emit(const struct settings *s, struct route *route)
{
	struct emit e = { .route = route, .end = s->end_out, .only = RING_NONE };
	struct flow_sink sink = emit_sink(&e);

	e.format = s->json ? EMIT_JSON : s->keys.set ? EMIT_SET : EMIT_TEXT;
	if (s->only) {
		e.only = nodes_find(route->nodes, s->only, strlen(s->only));
		if (e.only == RING_NONE)
			die(EXIT_USAGE, "--only '%s': no such node", s->only);
	}
	emit_init(&e);
	run(s, route, &sink);
	emit_release(&e);
}

static void run_stats(const struct settings *s, struct route *route, const struct fleet *fl)
{
	struct stats st = { .route = route, .algorithm = ring_algo_name(fl->state.algo) };
	struct flow_sink sink = stats_sink(&st);

	stats_init(&st);
	run(s, route, &sink);
	stats_report(&st, s->json ? 0 : columns());
	stats_release(&st);
}

static void run_split(const struct settings *s, struct route *route)
{
	struct split sp = {
		.route = route, .directory = s->split, .end = s->end_out, .input = s->operands ? -1 : STDIN_FILENO,
	};
	struct flow_sink sink = split_sink(&sp);

	split_init(&sp);
	run(s, route, &sink);
	split_end(&sp);
}

static struct draw_fleet drawn(const struct fleet *fl)
{
	return (struct draw_fleet){ fl->ring, fl->state.nodes.at, fl->state.nodes.n };
}

/* was: NULL, or the fleet that a plan is from */
static void draw(const struct fleet *is, const struct fleet *was)
{
	struct draw_fleet old = was ? drawn(was) : drawn(is);
	uint32_t *kept = was ? nodes_kept(&was->state.nodes, &is->state.nodes) : NULL;
	struct draw_circle d = {
		.is = drawn(is), .was = was ? &old : NULL, .kept = kept, .caption = ring_algo_name(is->state.algo),
	};

	if (draw_circle(stdout, &d) != RING_OK)
		die(EXIT_SYSTEM, "cannot allocate the picture of %u nodes", is->state.nodes.n);
	free(kept);
}

/* Returns how many keys moved in excess, where that was asked. */
static uint64_t run_diff(const struct settings *s)
{
	struct fleet was, is;
	struct route was_route, is_route;
	struct plan p = { .was = &was_route, .is = &is_route, .summary = s->summary, .json = s->json, .end = s->end_out };
	struct flow_sink sink = plan_sink(&p);
	uint64_t excess = 0;

	fleet_load_two(&was, &is, &s->fleet, s->operand[0], s->operand[1]);
	if (s->draw) {
		draw(&is, &was);
	} else {
		if (s->replicas > 1)
			warn_replicas(&is.state.nodes, s->replicas);
		was_route = route_of(s, &was);
		is_route = route_of(s, &is);
		plan_init(&p);
		run(s, &is_route, &sink);
		if (s->summary)
			excess = plan_report(&p, s->json ? 0 : columns());
		plan_release(&p);
	}
	fleet_release(&was);
	fleet_release(&is);
	return excess;
}

static void run_one(const struct settings *s)
{
	struct fleet fl;
	struct route route;

	fleet_load(&fl, &s->fleet);
	route = route_of(s, &fl);
	if (s->replicas > 1)
		warn_replicas(route.nodes, s->replicas);
	if (s->draw) {
		draw(&fl, NULL);
	} else if (s->explain) {
		struct ring_key key = { (const uint8_t *)s->explain, strlen(s->explain) };

		explain_key(&fl, &route, &key, s->json);
	} else if (s->stats) {
		run_stats(s, &route, &fl);
	} else if (s->split) {
		run_split(s, &route);
	} else {
		run_emit(s, &route);
	}
	fleet_release(&fl);
}

int main(int argc, char **argv)
{
	struct settings s;
	uint64_t excess = 0;

	hold_descriptors();
	if (sodium_init() < 0)
		die(EXIT_SYSTEM, "cannot start libsodium");
	parse(&s, argc, argv);
	if (s.update)
		fleet_update(&s.fleet);
	else if (s.diff)
		excess = run_diff(&s);
	else
		run_one(&s);
	json_path_release(&s.key_path);
	json_path_release(&s.set_path);
	finish(excess ? EXIT_NO : EXIT_DONE);
}
