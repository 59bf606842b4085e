/*
 * Scenarios over the Raft core alone: each file of tests/scenario/raft is a test. A file is blocks of
 * commands, `----`, and what they say, up to an empty line; # begins a comment.
 *
 *	nodes 3                 n1..n3, voters           node n4            one that knows no cluster
 *	option NAME VALUE       before the nodes: pre_vote, check_quorum, lease_reads, window, bytes
 *	load n1 T,T,..          its log at the start, by terms; its term is the last, or `term T`
 *	tick n1 50ms            time goes on, for everybody; only n1 (or *) looks at it
 *	timeout n1              time goes on until n1 has something to do
 *	elect n1                that, and all that follows, in silence: n1 leads
 *	run 500ms               all do what they have to, messages and disks take no time; says who leads
 *	propose n1 x y ..       or x*100                 read n1            a batch of reads
 *	join|leave|transfer n1 n2    asked of n1         down n1 n2         n1 is told that n2 is gone
 *	deliver [n1>n2 [TYPE]] [COUNT]    what is in flight, * for any node; `drop`, `duplicate`, `delay` (behind
 *	                        the others) and `hold` (until `release`) likewise
 *	cut n1>n2 | heal        the link, from now on    persist n1         its disk
 *	stabilize               persist, load and deliver until nothing is left
 *	snapshot n1 I [FIRST]   at entry I, the log goes before FIRST (I + 1)
 *	install n1 | spoil n1   the snapshot that came in is loaded | of no use
 *	crash n1 | restart n1   what was not durable is lost
 *	inject n1>n2 TYPE k=v.. a message that nobody sent
 *	status | log | config [n1]        quiet COMMAND  says nothing
 *
 * What a step does is indented under its cause. REWRITE=1 writes the files as they come out.
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/raft_world.h"

#define SCENARIOS "tests/scenario/raft"
enum { FILES_MAX = 128, WORDS_MAX = 128 };

/* --- Commands: each is given its words --- */

static uint64_t duration(const char *word)
{
	char *unit;
	double n = strtod(word, &unit);

	assert(strcmp(unit, "ms") == 0 || strcmp(unit, "s") == 0);
	return (uint64_t)(n * (unit[0] == 's' ? 1000 * MS : MS));
}

static void do_nodes(char **word)
{
	struct raft_config config = { .count = (uint32_t)atoi(word[0]) };

	for (uint32_t i = 0; i < config.count; i++) {
		shell_name(config.member[i].name, (int)i + 1);
		config.member[i].voter = true;
	}
	for (uint32_t i = 1; i <= config.count; i++)
		add_node((int)i, &config);
}

static void do_node(char **word)
{
	add_node(shell_number(word[0]), &(struct raft_config){ 0 });
}

static void do_option(char **word)
{
	struct raft_options *o = &world.options;
	bool on = strcmp(word[1], "on") == 0;

	if (strcmp(word[0], "pre_vote") == 0)
		o->pre_vote = on;
	else if (strcmp(word[0], "check_quorum") == 0)
		o->check_quorum = on;
	else if (strcmp(word[0], "lease_reads") == 0)
		o->lease_reads = on;
	else if (strcmp(word[0], "window") == 0)
		o->window_messages = (uint32_t)atoi(word[1]);
	else if (strcmp(word[0], "bytes") == 0)
		o->message_bytes = (uint32_t)atoi(word[1]);
	else
		fail_msg("no option %s", word[0]);
}

static void do_load(char **word)
{
	struct store *d = &world.shell[shell_number(word[0])].disk;
	char *rest = word[1];

	for (char *term; (term = strtok_r(rest, ",", &rest));) {
		struct item item = { .term = (raft_term)atoi(term), .id = shell_next_id++, .bytes = 8 };

		d->term = item.term;
		store_push(d, &item);
	}
	if (word[2])
		d->term = (raft_term)atoi(word[3]);
}

static void do_tick(char **word)
{
	world.now_ns += duration(word[1]);
	for (int i = 1; i <= world.nodes; i++) {
		struct shell *s = &world.shell[i];

		if (s->alive && (word[0][0] == '*' || shell_number(word[0]) == i))
			tick(s, world.now_ns);
	}
}

static void do_timeout(char **word)
{
	struct shell *s = node(word[0]);

	if (s->deadline_ns == UINT64_MAX) {
		say("%s waits for nothing\n", s->name);
		return;
	}
	if (s->deadline_ns > world.now_ns)
		world.now_ns = s->deadline_ns;
	shell_input(node(word[0]), RAFT_TICK, NULL);
}

static void do_elect(char **word)
{
	world.quiet = true;
	do_timeout(word);
	stabilize();
	assert_int_equal(raft_role(node(word[0])->raft), RAFT_LEADER);
}

static void do_run(char **word)
{
	run(world.now_ns + duration(word[0]));
}

static void do_propose(char **word)
{
	struct shell *s = node(*word++);
	struct item item[256];
	uint32_t n = 0;

	memset(item, 0, sizeof(item));
	for (; *word; word++) {
		char *times = strchr(*word, '*');
		int repeat = times ? atoi(times + 1) : 1;

		if (times)
			*times = '\0';
		for (int i = 1; i <= repeat; i++, n++) {
			assert(n < 256);
			snprintf(item[n].label, sizeof(item[n].label), times ? "%s%d" : "%s", *word, i);
			item[n].bytes = 8;
		}
	}
	shell_propose(s, item, n);
}

static void do_read(char **word)
{
	shell_input(node(word[0]), RAFT_READ, NULL);
}

static void do_join(char **word)
{
	shell_input(node(word[0]), RAFT_JOIN, word[1]);
}

static void do_leave(char **word)
{
	shell_input(node(word[0]), RAFT_LEAVE, word[1]);
}

static void do_transfer(char **word)
{
	shell_input(node(word[0]), RAFT_TRANSFER, word[1] ? word[1] : "");
}

static void do_down(char **word)
{
	shell_input(node(word[0]), RAFT_PEER_DOWN, word[1]);
}

static void do_deliver(char **word)
{
	each(word, deliver_one);
}

static void do_drop(char **word)
{
	each(word, drop_one);
}

static void do_duplicate(char **word)
{
	each(word, duplicate_one);
}

static void do_delay(char **word)
{
	each(word, delay_one);
}

static void do_hold(char **word)
{
	each(word, hold_one);
}

static void do_release(char **word)
{
	(void)word;
	release();
}

static void do_cut(char **word)
{
	struct choice c;

	choose(&c, word);
	for (int i = 1; i < SHELL_NODES_MAX; i++)
		for (int j = 1; j < SHELL_NODES_MAX; j++)
			if ((c.from[0] == '*' || shell_number(c.from) == i) && (c.to[0] == '*' || shell_number(c.to) == j))
				world.cut[i][j] = true;
}

static void do_heal(char **word)
{
	(void)word;
	memset(world.cut, 0, sizeof(world.cut));
}

static void do_persist(char **word)
{
	if (!persist(node(word[0])))
		say("%s has nothing to persist\n", word[0]);
}

static void do_stabilize(char **word)
{
	(void)word;
	stabilize();
}

static void do_snapshot(char **word)
{
	raft_index index = (raft_index)atoi(word[1]);

	shell_snapshot(node(word[0]), index, word[2] ? (raft_index)atoi(word[2]) : index + 1, SHELL_SNAPSHOT_BYTES, NULL);
}

static void do_install(char **word)
{
	install(node(word[0]));
}

static void do_spoil(char **word)
{
	struct shell *s = node(word[0]);

	s->loading.index = 0;
	shell_input(s, RAFT_INSTALL_FAILED, NULL);
}

static void do_crash(char **word)
{
	shell_crash(node(word[0]), 0);
}

static void do_restart(char **word)
{
	struct shell *s = node(word[0]);

	shell_start(s);
	world.commit[s->number] = s->applied;
	shell_input(s, RAFT_TICK, NULL);
}

static void do_inject(char **word)
{
	struct packet *p = calloc(1, sizeof(*p));
	struct raft_message *m = &p->m;
	struct choice c;

	choose(&c, (char *[]){ word[0], NULL });
	p->from = shell_number(c.from);
	p->to = shell_number(c.to);
	m->type = (enum raft_message_type)type_of(word[1]);
	for (word += 2; *word; word++) {
		char *key = *word, *value = strchr(*word, '=');
		uint64_t n, also = 0;

		assert(value);
		*value++ = '\0';
		sscanf(value, "%" SCNu64 "/%" SCNu64, &n, &also);
		if (strcmp(key, "term") == 0) {
			m->term = n;
		} else if (strcmp(key, "last") == 0) {
			m->last_log_index = n;
			m->last_log_term = also;
		} else if (strcmp(key, "prev") == 0) {
			m->prev_log_index = n;
			m->prev_log_term = also;
		} else if (strcmp(key, "commit") == 0) {
			m->leader_commit = n;
		} else if (strcmp(key, "match") == 0) {
			m->success = true;
			m->match_index = n;
		} else if (strcmp(key, "conflict") == 0) {
			m->conflict_index = n;
			m->conflict_term = also;
		} else if (strcmp(key, "of") == 0) {
			m->last_included_index = n;
			m->last_included_term = also;
		} else if (strcmp(key, "offset") == 0) {
			m->offset = n;
		} else if (strcmp(key, "entries") == 0) {
			p->items = calloc(1, sizeof(*p->items));
			p->items->term = n;
			m->count = 1;
		} else if (strcmp(key, "round") == 0) {
			m->round = n;
		} else if (strcmp(key, "pre_vote") == 0) {
			m->pre_vote = n;
		} else if (strcmp(key, "granted") == 0) {
			m->vote_granted = n;
		} else {
			fail_msg("no field %s", key);
		}
	}
	packets_push(&world.flight, p);
}

static void for_nodes(char **word, void (*f)(struct shell *))
{
	for (int i = 1; i <= world.nodes; i++)
		if ((!word[0] || shell_number(word[0]) == i) && world.shell[i].name[0]) {
			if (world.shell[i].alive)
				f(&world.shell[i]);
			else
				say("%s is down\n", world.shell[i].name);
		}
}

static void status_of(struct shell *s)
{
	put_status(&world.out, s, world.nodes);
}

static void log_of(struct shell *s)
{
	put_log(&world.out, s);
}

static void config_of(struct shell *s)
{
	put(&world.out, "%s", s->name);
	put_config(&world.out, raft_config_latest(s->raft));
	put(&world.out, "\n");
}

static void do_status(char **word)
{
	for_nodes(word, status_of);
}

static void do_log(char **word)
{
	for_nodes(word, log_of);
}

static void do_config(char **word)
{
	for_nodes(word, config_of);
}

static const struct command {
	const char *name;
	void (*f)(char **word);
	bool before;            /* nodes need not run for it */
} commands[] = {
	{ "nodes", do_nodes, true }, { "node", do_node, true }, { "option", do_option, true }, { "load", do_load, true },
	{ "tick", do_tick, false }, { "timeout", do_timeout, false }, { "elect", do_elect, false },
	{ "run", do_run, false },
	{ "propose", do_propose, false }, { "read", do_read, false }, { "join", do_join, false },
	{ "leave", do_leave, false }, { "transfer", do_transfer, false }, { "down", do_down, false },
	{ "deliver", do_deliver, false }, { "drop", do_drop, false }, { "duplicate", do_duplicate, false },
	{ "delay", do_delay, false }, { "hold", do_hold, false }, { "release", do_release, false },
	{ "cut", do_cut, false }, { "heal", do_heal, false }, { "persist", do_persist, false },
	{ "stabilize", do_stabilize, false }, { "snapshot", do_snapshot, false }, { "install", do_install, false },
	{ "spoil", do_spoil, false }, { "crash", do_crash, false }, { "restart", do_restart, false },
	{ "inject", do_inject, false }, { "status", do_status, false }, { "log", do_log, false },
	{ "config", do_config, false },
};

static const struct raft_options usual = {
	.election_min_ns = 150 * (uint64_t)MS, .election_max_ns = 300 * (uint64_t)MS, .heartbeat_ns = 50 * MS,
	.window_bytes = 1 << 20, .window_messages = 16, .message_bytes = 1 << 16,
	.pre_vote = true, .check_quorum = true,
};

#include "tests/unit/scenario_file.h"
