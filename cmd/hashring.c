/*
 * hashring: which node owns each key.  The options and how they are wired; the
 * work is in lib/shard, the algorithms are in lib/ring.
 */
#include <string.h>

#include <sodium.h>

#include "lib/base/err.h"
#include "lib/base/opt.h"
#include "lib/base/stop.h"
#include "lib/shard/job.h"

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

static void take_option(struct job *j, const struct opt_state *o, int id)
{
	switch (id) {
	case 'n': j->fleet.list = o->argument; break;
	case 'f': j->fleet.file = o->argument; break;
	case OPT_STATE: j->fleet.state = o->argument; break;
	case OPT_UPDATE: j->update = true; break;
	case OPT_NUMBERED: j->fleet.numbered = true; break;
	case OPT_CAPACITY: j->fleet.capacity = (uint32_t)opt_number(o, 1, RING_BUCKETS_MAX); break;
	case 'a': j->fleet.algo = algorithm(o); break;
	case OPT_POINTS: j->fleet.ring.points = (uint32_t)opt_number(o, 1, 1000000); break;
	case OPT_TABLE: j->fleet.ring.table = (uint32_t)opt_number(o, 2, RING_SLOTS_MAX); break;
	case OPT_KEY_FILE: j->key_file = o->argument; break;
	case 'r': j->replicas = (uint32_t)opt_number(o, 1, RING_REPLICAS_MAX); break;
	case OPT_BOUND: j->bound = opt_millionths(o, 1000000, BOUND_MILLIONTHS_MAX); break;
	case OPT_TOTAL: j->total = opt_number(o, 1, (uint64_t)1 << 53); break;
	case OPT_WARN_SIZE: j->fleet.warn_size = true; break;
	case '0': j->end_in = j->end_out = '\0'; break;
	case 'k': j->keys.field = opt_number(o, 1, UINT32_MAX); break;
	case 'd': j->keys.separator = delimiter(o); break;
	case OPT_JSON_KEY: j->keys.path = json_path(o, &j->key_path); break;
	case OPT_LINE_MAX: j->line_bytes_max = opt_size(o, 1, FLOW_LINE_BYTES_MAX); break;
	case OPT_JSON: j->json = true; break;
	case OPT_JSON_SET: j->keys.set = json_path(o, &j->set_path); break;
	case OPT_NULL: j->end_out = '\0'; break;
	case OPT_ONLY: j->only = o->argument; break;
	case OPT_SPLIT: j->split = o->argument; break;
	case 'j': j->threads = (unsigned)opt_number(o, 1, FLOW_THREADS_MAX); break;
	case OPT_STATS: j->stats = true; break;
	case OPT_DIFF: j->diff = true; break;
	case OPT_SUMMARY: j->summary = true; break;
	case OPT_EXPLAIN: j->explain = o->argument; break;
	case OPT_DRAW: j->draw = true; break;
	}
}

static void check_nodes(const struct job *j)
{
	const struct fleet_conf *f = &j->fleet;
	unsigned traits = f->algo ? ring_algo_traits(f->algo) : 0;

	if (f->list && f->file)
		die_usage("--nodes and --file exclude each other");
	if (j->diff && (f->list || f->file || f->state))
		die_usage("--diff takes its nodes from OLD and NEW, not from --nodes, --file or --state");
	if (f->file && !strcmp(f->file, "-") && !j->operands && !j->explain && !j->draw && !j->update)
		die_usage("--file -: standard input has the nodes, so the keys must be operands");
	if (f->state && !strcmp(f->state, "-"))
		die_usage("--state -: a state is a file of its own");
	if (j->diff && j->operands < 2)
		die_usage("--diff needs two lists of nodes: OLD and NEW");
	if (!j->diff && !f->list && !f->file && (j->update || !f->state))
		die_usage("no nodes: give --nodes LIST or --file FILE");
	if (j->update && !f->state)
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
	if (j->key_file && (traits & RING_COMPAT))
		die_usage("--key-file: the layout of %s is fixed", ring_algo_name(f->algo));
}

static void check_outputs(const struct job *j)
{
	int reports = j->stats + j->diff + (j->explain != NULL) + (j->draw && !j->diff) + (j->split != NULL) + j->update;

	if (reports > 1)
		die_usage("only one of --stats, --diff, --explain, --draw, --split and --update");
	if (reports && (j->only || j->keys.set))
		die_usage("%s does not go with a report or --split", j->only ? "--only" : "--json-set");
	if (j->keys.set && !j->keys.path)
		die_usage("--json-set needs --json-key");
	if (j->keys.set && j->json)
		die_usage("--json-set and --json exclude each other");
	if (j->keys.path && j->keys.field)
		die_usage("--json-key and --field exclude each other");
	if (j->summary && !j->diff)
		die_usage("--summary is for --diff");
	if (j->total && !j->bound)
		die_usage("--total is for --bound");
	if (j->bound && (j->diff || j->explain || j->draw))
		die_usage("--bound counts the keys as they come: it does not go with --diff, --explain or --draw");
	if (j->json && (j->split || j->draw))
		die_usage("--json does not go with --draw or --split");
	if (j->operands > (j->diff ? 2 : 0) && (j->explain || j->draw || j->update))
		die_usage("'%s': --explain, --draw and --update take no keys", j->operand[j->diff ? 2 : 0]);
}

static void parse(struct job *j, int argc, char **argv)
{
	struct opt_state o;
	int id;

	*j = (struct job){
		.replicas = 1, .threads = 1, .line_bytes_max = FLOW_LINE_BYTES_DEFAULT,
		.end_in = '\n', .end_out = '\n',
	};
	opt_init(&o, &tool, argc, argv);
	while ((id = opt_next(&o)) != -1)
		take_option(j, &o, id);
	if (j->keys.separator && !j->keys.field)
		die_usage("--delimiter needs --field");
	j->keys.separator = j->keys.separator ? j->keys.separator : '\t';
	j->operand = argv + o.operand;
	j->operands = argc - o.operand;
	check_nodes(j);
	check_outputs(j);
	if (j->key_file)
		fleet_key(j->key_file, j->fleet.ring.key);
	if (j->bound && !j->fleet.algo && !j->fleet.state)
		j->fleet.algo = ring_algo_find("hrw");
	j->fleet.ring.cpu = fleet_cpu();
}

int main(int argc, char **argv)
{
	struct job job;
	enum exit_status status;

	hold_descriptors();
	stop_init();
	if (sodium_init() < 0)
		die(EXIT_SYSTEM, "cannot start libsodium");
	parse(&job, argc, argv);
	status = job_run(&job);
	json_path_release(&job.key_path);
	json_path_release(&job.set_path);
	finish(status);
}
