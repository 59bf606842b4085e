/* fleet: see fleet.h */
#include "lib/shard/fleet.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>

#include <sodium.h>

#include "lib/base/err.h"

enum { KEY_BYTES_MIN = 16, KEY_BYTES_MAX = 4096 };
static const size_t FILE_BYTES_MAX = (size_t)8 << 30;   /* 2^24 nodes with the longest names and zones */

unsigned fleet_cpu(void)
{
	unsigned cpu = 0;

#ifdef __x86_64__
	const char *limit = getenv("FAULTLINE_CPU");

	if (limit && !strcmp(limit, "scalar"))
		return 0;
	if (__builtin_cpu_supports("avx2"))
		cpu |= RING_CPU_AVX2;
	if ((!limit || strcmp(limit, "avx2") != 0) && __builtin_cpu_supports("avx512f")
	    && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")
	    && __builtin_cpu_supports("avx512bw"))
		cpu |= RING_CPU_AVX512;
#endif
	return cpu;
}

/* The whole file in memory; the caller frees it.  Over the limit: one byte more than that. */
static char *read_file(const char *path, size_t *len, size_t limit)
{
	int fd = strcmp(path, "-") ? open(path, O_RDONLY | O_CLOEXEC) : STDIN_FILENO;
	size_t cap = 1 << 16;
	char *text;
	ssize_t n;

	if (fd < 0)
		die(errno == ENOENT || errno == EACCES || errno == ENOTDIR ? EXIT_USAGE : EXIT_SYSTEM,
		    "cannot open '%s': %s", path, strerror(errno));
	text = must_malloc(cap);
	for (*len = 0; *len <= limit; *len += (size_t)n) {
		if (*len == cap)
			text = must_realloc(text, cap *= 2);
		do {
			n = read(fd, text + *len, cap - *len);
		} while (n < 0 && errno == EINTR);
		if (n < 0)
			die(EXIT_SYSTEM, "cannot read '%s': %s", path, strerror(errno));
		if (!n)
			break;
	}
	if (fd != STDIN_FILENO)
		close(fd);
	return text;
}

void fleet_key(const char *path, uint8_t key[16])
{
	size_t len;
	char *text = read_file(path, &len, KEY_BYTES_MAX);

	if (len < KEY_BYTES_MIN || len > KEY_BYTES_MAX)
		die(EXIT_DATA, "%s: a key has %d to %d bytes", path, KEY_BYTES_MIN, KEY_BYTES_MAX);
	crypto_generichash(key, 16, (const uint8_t *)text, len, NULL, 0);
	sodium_memzero(text, len);
	free(text);
}

/* name: a file's, or what the list was given by; its faults are of configuration or of data. */
static void __attribute__((noreturn)) die_fault(const char *name, bool file, const struct nodes_fault *f)
{
	if (!file)
		die(EXIT_USAGE, "%s: %s", name, f->why);
	if (f->line)
		die(EXIT_DATA, "%s:%zu: %s", name, f->line, f->why);
	die(EXIT_DATA, "%s: %s", name, f->why);
}

static void load_list(struct nodes *nodes, const char *given, const char *list)
{
	struct nodes_fault f;

	if (nodes_parse_list(nodes, list, &f) || nodes_end(nodes, &f))
		die_fault(given, false, &f);
}

/* A file of nodes, or a state file, which sets the algorithm and the numbering too. */
static void load_file(struct state *s, const char *path)
{
	struct nodes_fault f;
	size_t len;
	char *text = read_file(path, &len, FILE_BYTES_MAX);

	if (len > FILE_BYTES_MAX)
		die(EXIT_DATA, "%s: longer than %zu bytes", path, FILE_BYTES_MAX);
	if (state_is(text, len)) {
		if (state_parse(s, text, len, &f))
			die_fault(path, true, &f);
	} else if (nodes_parse_file(&s->nodes, text, len, &f) || nodes_end(&s->nodes, &f)) {
		die_fault(path, true, &f);
	}
	free(text);
}

static void __attribute__((noreturn)) die_ring(int rc, const struct ring_algo *algo, const struct fleet_conf *conf,
					       const struct nodes *nodes)
{
	uint64_t weight = 0;

	for (uint32_t i = 0; i < nodes->n; i++)
		weight += nodes->at[i].weight;
	switch (rc) {
	case RING_ENOMEM:
		die(EXIT_SYSTEM, "cannot allocate the %s of %u nodes", ring_algo_name(algo), nodes->n);
	case RING_EDRAINED:
		die(conf->file ? EXIT_DATA : EXIT_USAGE, "%s: every node has weight 0: no key has an owner",
		    conf->file ? conf->file : conf->list_name ? conf->list_name : conf->list ? "--nodes" : conf->state);
	case RING_ETOOBIG:
		if (!strcmp(ring_algo_name(algo), "ring"))
			die(EXIT_USAGE, "weights of %llu in all, %u points each, are over the limit of %d points: "
			    "give fewer --points, or smaller weights", (unsigned long long)weight,
			    conf->ring.points ? conf->ring.points : RING_POINTS_DEFAULT, RING_POINTS_MAX);
		if (ring_algo_traits(algo) & RING_TABLE)
			die(EXIT_USAGE, "a capacity of %u does not do for %u nodes: %s takes at least a slot a node, and at most %d",
			    conf->capacity ? conf->capacity : RING_SLOTS_MAX, nodes->n, ring_algo_name(algo),
			    RING_SLOTS_MAX);
		if (ring_algo_traits(algo) & RING_NUMBERED)
			die(EXIT_USAGE, "weights of %llu in all are over the limit of %d buckets",
			    (unsigned long long)weight, RING_BUCKETS_MAX);
		die(EXIT_USAGE, "%u nodes with weights of %llu in all have more points in %s than the limit of %d",
		    nodes->n, (unsigned long long)weight, ring_algo_name(algo), RING_POINTS_MAX);
	case RING_ETABLE:
		die(EXIT_USAGE, "--table %u: the table of %s must be a prime number, and no smaller than the %u nodes",
		    conf->ring.table ? conf->ring.table : RING_TABLE_DEFAULT, ring_algo_name(algo), nodes->n);
	case RING_EFULL:
		die(EXIT_USAGE, "the capacity is too small for weights of %llu in all: a larger one (--capacity) "
		    "needs a new state file, and moves keys", (unsigned long long)weight);
	default:
		die(EXIT_USAGE, "%s cannot take these nodes: it takes %s", ring_algo_name(algo), ring_algo_takes(algo));
	}
}

/*
 * The ketama layouts count a server's points in floating point, and at some
 * sizes a rounding deals equal servers 156 points and not 160.
 */
static void warn_size(const struct fleet *fl)
{
	const struct nodes *nodes = &fl->state.nodes;
	uint32_t fewer = 0, live = 0, most = 0;
	uint32_t *points;

	if (!(ring_algo_traits(fl->state.algo) & RING_KETAMA))
		return;
	for (uint32_t i = 0, weight = 0; i < nodes->n; i++) {
		if (!nodes->at[i].weight)
			continue;
		if (weight && nodes->at[i].weight != weight)
			return;         /* points of unequal servers differ anyway */
		weight = nodes->at[i].weight;
		live++;
	}
	points = must_calloc(nodes->n, sizeof *points);
	ring_count_points(fl->ring, points);
	for (uint32_t i = 0; i < nodes->n; i++)
		most = points[i] > most ? points[i] : most;
	for (uint32_t i = 0; i < nodes->n; i++)
		fewer += nodes->at[i].weight && points[i] < 160 - 3;    /* one less may be a tie */
	free(points);
	if (fewer)
		warn("%s deals %u of these %u equal servers fewer than 160 points (%u at most): a change from or to "
		     "this size moves keys between servers that stay", ring_algo_name(fl->state.algo), fewer, live, most);
}

static void build(struct fleet *fl, const struct fleet_conf *conf)
{
	struct ring_conf ring = conf->ring;
	struct state *s = &fl->state;
	unsigned traits = ring_algo_traits(s->algo);
	int rc;

	if (!(traits & (RING_LISTED | RING_NUMBERED)))
		nodes_sort(&s->nodes);
	if (traits & RING_NUMBERED) {
		if (!s->numbering.bucket) {
			rc = ring_state_init(&s->numbering, s->algo, s->nodes.at, s->nodes.n, conf->capacity);
			if (rc != RING_OK)
				die_ring(rc, s->algo, conf, &s->nodes);
			s->key_print = state_key_print(ring.key);
		}
		if (s->key_print != state_key_print(ring.key))
			die(EXIT_USAGE, "'%s' was made with another --key-file: every key would move",
			    conf->state ? conf->state : conf->file);
		ring.state = &s->numbering;
	}
	rc = ring_new(&fl->ring, s->algo, &ring, s->nodes.at, s->nodes.n);
	if (rc != RING_OK)
		die_ring(rc, s->algo, conf, &s->nodes);
	if (conf->warn_size)
		warn_size(fl);
}

static const struct ring_algo *default_algo(void)
{
	return ring_algo_at(0);
}

/* The numbering of `is` that follows from `was`. */
static void change(const struct state *was, struct state *is, const struct fleet_conf *conf)
{
	uint32_t *kept = nodes_kept(&was->nodes, &is->nodes);
	int rc = ring_state_change(&is->numbering, was->algo, &was->numbering, kept, was->nodes.n, is->nodes.at,
				   is->nodes.n);

	free(kept);
	if (rc != RING_OK)
		die_ring(rc, was->algo, conf, &is->nodes);
	is->algo = was->algo;
	is->key_print = was->key_print;
}

static void load_nodes(struct state *s, const struct fleet_conf *conf)
{
	if (conf->list)
		load_list(&s->nodes, conf->list_name ? conf->list_name : "--nodes", conf->list);
	else
		load_file(s, conf->file);
}

static void check_algo(const struct fleet_conf *conf, const struct state *s, const char *path)
{
	if (conf->algo && conf->algo != s->algo)
		die(EXIT_USAGE, "'%s' is a state of %s, not of %s", path, ring_algo_name(s->algo),
		    ring_algo_name(conf->algo));
}

static void load_state(struct state *s, const struct fleet_conf *conf)
{
	load_file(s, conf->state);
	if (!s->algo)
		die(EXIT_DATA, "%s: not a state file (it does not begin with 'hashring-state')", conf->state);
	check_algo(conf, s, conf->state);
}

/* A list beside a state file says what the user believes: it has to be true. */
static void check_list(const struct state *s, const struct fleet_conf *conf)
{
	struct state listed = { 0 };
	uint32_t *kept, i = 0;
	bool equal;

	if (!conf->list && !conf->file)
		return;
	load_nodes(&listed, conf);
	equal = nodes_equal(&s->nodes, &listed.nodes);
	kept = nodes_kept(&listed.nodes, &s->nodes);
	while (i < listed.nodes.n && kept[i] != RING_NONE)
		i++;
	free(kept);
	if (!equal && i < listed.nodes.n)
		die(EXIT_USAGE, "'%s' does not number node '%.*s': --update takes it in", conf->state,
		    (int)listed.nodes.at[i].name_len, listed.nodes.at[i].name);
	if (!equal)
		die(EXIT_USAGE, "'%s' numbers nodes that are not in the list, or with other weights or zones: "
		    "--update changes it", conf->state);
	state_release(&listed);
}

void fleet_load(struct fleet *fl, const struct fleet_conf *conf)
{
	*fl = (struct fleet){ 0 };
	if (conf->state) {
		load_state(&fl->state, conf);
		check_list(&fl->state, conf);
	} else {
		load_nodes(&fl->state, conf);
		if (fl->state.algo)
			check_algo(conf, &fl->state, conf->file);
		else
			fl->state.algo = conf->algo ? conf->algo : default_algo();
		if (!fl->state.numbering.bucket && !conf->numbered && (ring_algo_traits(fl->state.algo) & RING_NUMBERED))
			die_usage("%s numbers its nodes: --state FILE keeps the numbering (--update makes it), "
				  "--numbered takes the list's order for it", ring_algo_name(fl->state.algo));
	}
	build(fl, conf);
}

static void load_either(struct state *s, const char *which, const char *text, struct fleet_conf *conf)
{
	struct stat st;
	bool file = strchr(text, '/') || (!stat(text, &st) && !S_ISDIR(st.st_mode));

	conf->list = file ? NULL : text;
	conf->list_name = which;
	conf->file = file ? text : NULL;
	load_nodes(s, conf);
	if (s->algo)
		check_algo(conf, s, text);
}

void fleet_load_two(struct fleet *was, struct fleet *is, const struct fleet_conf *given, const char *was_text,
		    const char *is_text)
{
	struct fleet_conf conf = *given;

	*was = *is = (struct fleet){ 0 };
	load_either(&was->state, "OLD", was_text, &conf);
	if (!was->state.algo)
		was->state.algo = conf.algo ? conf.algo : default_algo();
	build(was, &conf);
	load_either(&is->state, "NEW", is_text, &conf);
	if (!is->state.algo && was->state.numbering.bucket)
		change(&was->state, &is->state, &conf);
	else if (!is->state.algo)
		is->state.algo = was->state.algo;
	if (is->state.algo != was->state.algo)
		die(EXIT_USAGE, "'%s' is of %s and '%s' of %s", was_text, ring_algo_name(was->state.algo), is_text,
		    ring_algo_name(is->state.algo));
	build(is, &conf);
}

/* How many buckets have another owner. */
static uint32_t moved_buckets(const struct state *was, const struct state *is)
{
	uint32_t *kept = nodes_kept(&was->nodes, &is->nodes);
	uint32_t moved = 0;

	for (uint32_t b = 0; b < was->numbering.buckets || b < is->numbering.buckets; b++) {
		uint32_t x = b < was->numbering.buckets ? was->numbering.bucket[b] : RING_NONE;
		uint32_t y = b < is->numbering.buckets ? is->numbering.bucket[b] : RING_NONE;

		moved += (x == RING_NONE ? RING_NONE : kept[x]) != y || (x == RING_NONE) != (y == RING_NONE);
	}
	free(kept);
	return moved;
}

/* What a numbering cannot do well: slots for every node, and jumps that mostly meet live buckets. */
static void warn_numbering(const struct state *s)
{
	enum { DRAWS_MAX = 16 };
	const struct ring_state *n = &s->numbering;
	uint32_t *owned = must_calloc(s->nodes.n, sizeof *owned), none = 0, live = 0;

	for (uint32_t b = 0; b < n->buckets; b++) {
		if (n->bucket[b] == RING_NONE)
			continue;
		live++;
		owned[n->bucket[b]]++;
	}
	for (uint32_t i = 0; i < s->nodes.n; i++)
		none += s->nodes.at[i].weight && !owned[i];
	free(owned);
	if (none)
		warn("%u nodes have weight but no slot: there are too few for it (--capacity)", none);
	if (!n->removed_n && live && n->buckets / live > DRAWS_MAX)
		warn("%u of %u buckets are empty: each look-up takes about %u draws; a new state file would not",
		     n->buckets - live, n->buckets, n->buckets / live);
}

void fleet_update(const struct fleet_conf *conf)
{
	struct fleet fl = { 0 };
	struct state was = { 0 };
	const char *what;
	int begun;

	load_nodes(&fl.state, conf);
	begun = state_begin(conf->state);
	if (fl.state.algo)
		die(EXIT_USAGE, "'%s' is a state file: --update takes a list of nodes", conf->file);
	if (!access(conf->state, F_OK)) {
		load_state(&was, conf);
		if (conf->capacity && conf->capacity != was.numbering.buckets)
			die_usage("--capacity is for a new state file, and '%s' is there, with %u", conf->state,
				  was.numbering.buckets);
		change(&was, &fl.state, conf);
	} else {
		fl.state.algo = conf->algo ? conf->algo : default_algo();
		if (!(ring_algo_traits(fl.state.algo) & RING_NUMBERED))
			die_usage("%s needs no --state: only anchor, jump and slots number their nodes",
				  ring_algo_name(fl.state.algo));
	}
	build(&fl, conf);
	state_save(&fl.state, begun);
	what = ring_algo_traits(fl.state.algo) & RING_TABLE ? "slots" : "buckets";
	warn_numbering(&fl.state);
	if (was.algo)
		warn("changed '%s': %u nodes, %u of %u %s have another owner", conf->state, fl.state.nodes.n,
		     moved_buckets(&was, &fl.state), was.numbering.buckets > fl.state.numbering.buckets
		     ? was.numbering.buckets : fl.state.numbering.buckets, what);
	else
		warn("made '%s': %u nodes, %u %s", conf->state, fl.state.nodes.n, fl.state.numbering.buckets, what);
	state_release(&was);
	fleet_release(&fl);
}

void fleet_release(struct fleet *fl)
{
	ring_free(fl->ring);
	state_release(&fl->state);
}
