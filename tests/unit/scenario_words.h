/*
 * scenario_words: the commands that scenarios of both protocols have.  Each is given its words; scenario.h tells of them.
 */
#ifndef TESTS_UNIT_SCENARIO_WORDS_H
#define TESTS_UNIT_SCENARIO_WORDS_H

#include "tests/unit/scenario_world.h"

/* --- Before the nodes start --- */

static uint64_t duration(const char *word)
{
	char *unit;
	double n = strtod(word, &unit);

	assert(strcmp(unit, "ms") == 0 || strcmp(unit, "s") == 0);
	return (uint64_t)(n * (unit[0] == 's' ? 1000 * MS : MS));
}

static void do_nodes(char **word)
{
	struct CORE(config) config = { .count = (uint32_t)atoi(word[0]) };

	for (uint32_t i = 0; i < config.count; i++) {
		shell_name(config.member[i].name, (int)i + 1);
		config.member[i].voter = true;
	}
	for (uint32_t i = 1; i <= config.count; i++)
		add_node((int)i, &config);
}

static void do_node(char **word)
{
	add_node(shell_number(word[0]), &(struct CORE(config)){ 0 });
}

static bool is_on(const char *word)
{
	return strcmp(word, "on") == 0;
}

static void do_option(char **word)
{
	struct CORE(options) *o = &world.options;

	if (strcmp(word[0], "lease_reads") == 0)
		o->lease_reads = is_on(word[1]);
	else if (strcmp(word[0], "window") == 0)
		o->window_messages = (uint32_t)atoi(word[1]);
	else if (strcmp(word[0], "bytes") == 0)
		o->message_bytes = (uint32_t)atoi(word[1]);
	else if (!own->option(o, word[0], word[1]))
		fail_msg("no option %s", word[0]);
}

/* --- Time --- */

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
	shell_input(node(word[0]), IN(TICK), NULL);
}

static void do_elect(char **word)
{
	world.quiet = true;
	do_timeout(word);
	stabilize();
	assert_int_equal(CORE(role)(node(word[0])->PROTOCOL), LEADS);
}

static void do_run(char **word)
{
	run(world.now_ns + duration(word[0]));
}

/* --- What is asked of a node --- */

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
	shell_input(node(word[0]), IN(READ), NULL);
}

static void do_join(char **word)
{
	shell_input(node(word[0]), IN(JOIN), word[1]);
}

static void do_leave(char **word)
{
	shell_input(node(word[0]), IN(LEAVE), word[1]);
}

static void do_transfer(char **word)
{
	shell_input(node(word[0]), IN(TRANSFER), word[1] ? word[1] : "");
}

static void do_down(char **word)
{
	shell_input(node(word[0]), IN(PEER_DOWN), word[1]);
}

/* --- The network --- */

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

static void do_inject(char **word)
{
	struct packet *p = malloc(sizeof(*p));
	struct choice c;

	assert(p);
	*p = own->blank;
	choose(&c, (char *[]){ word[0], NULL });
	p->from = shell_number(c.from);
	p->to = shell_number(c.to);
	p->m.type = (enum CORE(message_type))type_of(word[1]);
	for (word += 2; *word; word++) {
		char *value = strchr(*word, '=');

		assert(value);
		*value++ = '\0';
		if (!own->field(p, *word, value))
			fail_msg("no field %s", *word);
	}
	packets_push(&world.flight, p);
}

/* --- Disks and crashes --- */

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
	uint64_t index = (uint64_t)atoi(word[1]);

	shell_snapshot(node(word[0]), index, word[2] ? (uint64_t)atoi(word[2]) : index + 1, SHELL_SNAPSHOT_BYTES, NULL);
}

static void do_install(char **word)
{
	install(node(word[0]));
}

static void do_spoil(char **word)
{
	struct shell *s = node(word[0]);

	s->loading.index = 0;
	shell_input(s, IN(INSTALL_FAILED), NULL);
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
	shell_input(s, IN(TICK), NULL);
}

/* --- What is so --- */

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
	put_status(&world.out, s);
}

static void log_of(struct shell *s)
{
	put_log(&world.out, s);
}

static void config_of(struct shell *s)
{
	put(&world.out, "%s", s->name);
	put_config(&world.out, CORE(config_latest)(s->PROTOCOL));
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

static const struct command commands[] = {
	{ "nodes", do_nodes, true }, { "node", do_node, true }, { "option", do_option, true },
	{ "tick", do_tick, false }, { "timeout", do_timeout, false }, { "elect", do_elect, false }, { "run", do_run, false },
	{ "propose", do_propose, false }, { "read", do_read, false }, { "join", do_join, false }, { "leave", do_leave, false },
	{ "transfer", do_transfer, false }, { "down", do_down, false },
	{ "deliver", do_deliver, false }, { "drop", do_drop, false }, { "duplicate", do_duplicate, false },
	{ "delay", do_delay, false }, { "hold", do_hold, false }, { "release", do_release, false },
	{ "cut", do_cut, false }, { "heal", do_heal, false }, { "inject", do_inject, false },
	{ "persist", do_persist, false }, { "stabilize", do_stabilize, false }, { "snapshot", do_snapshot, false },
	{ "install", do_install, false }, { "spoil", do_spoil, false }, { "crash", do_crash, false },
	{ "restart", do_restart, false },
	{ "status", do_status, false }, { "log", do_log, false }, { "config", do_config, false }, { NULL, NULL, false },
};

#endif
