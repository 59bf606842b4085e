/*
 * lin: makes a history of one key from a seed, and measures how long lib/lin takes to judge it, or prints it for other judges.
 *
 *     lin [--ops N] [--seed N] [--clients N] [--values N] [--reads PERCENT] [--cas PERCENT] [--deletes PERCENT]
 *         [--unknown PERCENT] [--drop] [--bad PERCENT] [--impossible] [--order] [--contradict] [--search] [--memory MB] [--print]
 *
 * Clients call one operation after the other on a true register; each takes effect at a moment of its own between call
 * and return.  --values 0: each value is written once.  --drop: a cas that failed is left out, as porcupine's histories have it.
 * --bad 90: one read, when 90 % are done, has a value that the register did not have while the read was under way; with --impossible one
 * that is never written.
 * --print: JSON lines on stdout.  Else: one line of figures.
 */
#include "lib/lin/lin.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum { CLIENTS_MAX = 4096 };

static struct settings {
	uint32_t ops, clients, values, reads, cas, deletes, bad;
	double unknown;
	uint64_t seed;
	size_t memory;
	bool drop, impossible, order, contradict, search, print;
} set = { .ops = 100000, .clients = 10, .values = 5, .reads = 40, .cas = 25, .seed = 1 };

static struct lin_op *ops;
static uint32_t *process_of;
static uint64_t *info_of;               /* where one of unknown outcome was given up */
static uint32_t count;

/* What the register was: every change, with its time. */
static struct { double at; uint32_t state; } *changes;
static size_t changes_count, changes_room;

static struct client {
	uint32_t process, op;
	double called, at, until;       /* when its operation takes effect, and returns; until 0: idle */
	bool done, lost, never;
} clients[CLIENTS_MAX];

static uint64_t bits(void)
{
	uint64_t x = set.seed += UINT64_C(0x9e3779b97f4a7c15);

	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

static double unit(void)
{
	return (double)(bits() >> 11) * 0x1p-53;
}

static uint32_t below(uint32_t bound)
{
	return (uint32_t)((bits() >> 32) * bound >> 32);
}

static void *must(void *p)
{
	if (!p) {
		fprintf(stderr, "lin: no memory\n");
		exit(4);
	}
	return p;
}

static uint32_t now_is(void)
{
	return changes_count ? changes[changes_count - 1].state : LIN_MISSING;
}

static void change(double at, uint32_t state)
{
	if (changes_count == changes_room) {
		changes_room = 2 * changes_room + 1024;
		changes = must(realloc(changes, changes_room * sizeof(*changes)));
	}
	changes[changes_count].at = at;
	changes[changes_count++].state = state;
}

static void take_effect(struct client *c)
{
	struct lin_op *op = &ops[c->op];
	uint32_t state = now_is();

	c->done = true;
	op->outcome = LIN_OK;
	if (op->kind == LIN_READ)
		op->value = state;
	else if (op->kind == LIN_WRITE)
		change(c->at, op->value);
	else if (state == LIN_MISSING)
		op->outcome = LIN_NO_KEY;
	else if (op->kind == LIN_DELETE)
		change(c->at, LIN_MISSING);
	else if (state != op->from)
		op->outcome = LIN_OTHER_VALUE;
	else
		change(c->at, op->value);
}

/* A value that the register did not have since then; 0: it had all. */
static uint32_t value_not_had(double since)
{
	for (uint32_t v = 1; v <= (set.values ? set.values : 1); v++) {
		bool had = false;

		for (size_t i = changes_count; i-- > 0 && !had;) {
			had = changes[i].state == v;
			if (changes[i].at < since)
				break;
		}
		if (!had)
			return v;
	}
	return 0;
}

static void call(struct client *c, double now, uint64_t place)
{
	struct lin_op *op = &ops[count];
	uint32_t roll = below(100);

	*op = (struct lin_op){ .called = place, .returned = LIN_NEVER };
	op->kind = roll < set.reads ? LIN_READ : roll < set.reads + set.cas ? LIN_CAS :
		   roll < set.reads + set.cas + set.deletes ? LIN_DELETE : LIN_WRITE;
	op->value = set.values ? 1 + below(set.values) : count + 1;
	if (op->kind == LIN_CAS) {
		/* Of values that are written once, the one that is there, or was there lately. */
		size_t back = changes_count ? below(3) : 0;

		op->from = set.values ? 1 + below(set.values) : back < changes_count ? changes[changes_count - 1 - back].state : 1;
		if (op->from == LIN_MISSING)
			op->from = 1;
	}
	process_of[count] = c->process;
	c->op = count++;
	c->called = now;
	c->until = now + 0.2 - 0.8 * (unit() + unit() - 1.9);
	c->at = now + unit() * (c->until - now);
	c->done = false;
	c->lost = unit() * 100 < set.unknown;
	c->never = c->lost && below(2);
}

/* Whether it is the read that was to be spoilt. */
static bool spoil(struct client *c)
{
	struct lin_op *op = &ops[c->op];
	uint32_t value = op->kind == LIN_READ && !c->lost ? value_not_had(c->called) : 0;

	if (value && set.impossible)
		value = set.ops + 2;
	if (value)
		op->value = value;
	return value != 0;
}

static void make(void)
{
	uint64_t place = 1;
	uint32_t processes = set.clients, under_way = 0;
	bool to_spoil = set.bad > 0;
	double now = 0;

	for (uint32_t i = 0; i < set.clients; i++)
		clients[i].process = i;
	while (count < set.ops || under_way) {
		struct client *next = NULL;
		double soonest = 0;

		for (uint32_t i = 0; i < set.clients; i++) {
			struct client *c = &clients[i];
			double at = !c->until ? now : c->done || c->never ? c->until : c->at;

			if ((c->until || count < set.ops) && (!next || at < soonest)) {
				next = c;
				soonest = at;
			}
		}
		now = soonest;
		if (!next->until) {
			call(next, now, place++);
			under_way++;
		} else if (!next->done && !next->never) {
			take_effect(next);
		} else {
			struct lin_op *op = &ops[next->op];

			under_way--;
			next->until = 0;
			if (to_spoil && count >= (uint64_t)set.ops * set.bad / 100)
				to_spoil = !spoil(next);
			if (next->lost) {
				op->outcome = LIN_UNKNOWN;
				info_of[next->op] = place++;
				next->process = processes++;
			} else {
				op->returned = place++;
			}
		}
	}
}

/* Leaves out what a checker is not given. */
static void thin(void)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < count; i++) {
		bool failed = ops[i].kind == LIN_CAS && (ops[i].outcome == LIN_NO_KEY || ops[i].outcome == LIN_OTHER_VALUE);

		if ((set.drop && failed) || (ops[i].kind == LIN_READ && ops[i].outcome == LIN_UNKNOWN))
			continue;
		process_of[kept] = process_of[i];
		info_of[kept] = info_of[i];
		ops[kept++] = ops[i];
	}
	count = kept;
}

/* --- Printing --- */

struct line { uint64_t place; uint32_t op; bool invoke; };

static int by_place(const void *a, const void *b)
{
	uint64_t x = ((const struct line *)a)->place, y = ((const struct line *)b)->place;

	return (x > y) - (x < y);
}

static void print_value(const struct lin_op *op, bool invoke)
{
	if (op->kind == LIN_CAS)
		printf("[%u,%u]", op->from - 1, op->value - 1);
	else if (op->kind == LIN_DELETE || (op->kind == LIN_READ && (invoke || op->value == LIN_MISSING)))
		printf("null");
	else
		printf("%u", op->value - 1);
}

static void print_line(const struct line *l)
{
	static const char *const names[] = { "read", "write", "cas", "delete" };
	const struct lin_op *op = &ops[l->op];
	bool failed = !l->invoke && (op->outcome == LIN_NO_KEY || op->outcome == LIN_OTHER_VALUE);

	printf("{\"process\":%u,\"type\":\"%s\",\"f\":\"%s\",\"key\":\"x\",\"value\":", process_of[l->op],
	       l->invoke ? "invoke" : failed ? "fail" : op->outcome == LIN_UNKNOWN ? "info" : "ok", names[op->kind]);
	print_value(op, l->invoke);
	if (failed)
		printf(",\"code\":%d", op->outcome == LIN_NO_KEY ? 20 : 22);
	printf(",\"time\":%llu}\n", (unsigned long long)l->place * 1000);
}

static void print_all(void)
{
	struct line *lines = must(malloc((2 * (size_t)count + 1) * sizeof(*lines)));
	size_t n = 0;

	for (uint32_t i = 0; i < count; i++) {
		lines[n++] = (struct line){ ops[i].called, i, true };
		lines[n++] = (struct line){ ops[i].outcome == LIN_UNKNOWN ? info_of[i] : ops[i].returned, i, false };
	}
	qsort(lines, n, sizeof(*lines), by_place);
	for (size_t i = 0; i < n; i++)
		print_line(&lines[i]);
	free(lines);
}

/* --- Measuring --- */

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void measure(void)
{
	static const char *const verdicts[] = { "undecided", "linearizable", "not linearizable", "no memory" };
	struct lin_options options = { .memory_max = set.memory << 20, .want_order = set.order, .search_only = set.search };
	double begun = seconds(), decided;
	struct lin *l = must(lin_new(ops, count, &options));
	enum lin_state state;
	struct lin_figures f;
	uint32_t unknown = 0, size = 0;

	while ((state = lin_run(l, 1 << 20)) == LIN_AGAIN)
		;
	decided = seconds();
	for (uint32_t i = 0; i < count; i++)
		unknown += ops[i].outcome == LIN_UNKNOWN;
	f = lin_figures(l);
	printf("%u operations, %u unknown: %s, %.3f s, %.1f MB, %llu steps, %llu configurations%s", count, unknown, verdicts[state],
	       decided - begun, (double)f.bytes_max / 1e6, (unsigned long long)f.steps, (unsigned long long)f.configurations_max,
	       f.unique ? ", unique" : "");
	if (state == LIN_NO)
		printf(", culprit %u", lin_culprit(l));
	if (state == LIN_NO && set.contradict) {
		while ((state = lin_contradict(l, 1 << 20)) == LIN_AGAIN)
			;
		lin_contradiction(l, &size);
		printf(", contradiction of %u in %.3f s%s", size, seconds() - decided, state == LIN_NO ? "" : " (no memory)");
	}
	printf("\n");
	lin_free(l);
}

static void usage(void)
{
	fprintf(stderr, "usage: lin [--ops N] [--seed N] [--clients N] [--values N] [--reads %%] [--cas %%] [--deletes %%]\n"
			"           [--unknown %%] [--drop] [--bad %%] [--impossible] [--order] [--contradict] [--search] [--memory MB] [--print]\n");
	exit(2);
}

static void read_options(int argc, char **argv)
{
	static const struct option table[] = {
		{ "ops", 1, NULL, 'n' }, { "seed", 1, NULL, 's' }, { "clients", 1, NULL, 'c' }, { "values", 1, NULL, 'v' },
		{ "reads", 1, NULL, 'r' }, { "cas", 1, NULL, 'x' }, { "deletes", 1, NULL, 'd' }, { "unknown", 1, NULL, 'u' },
		{ "drop", 0, NULL, 'D' }, { "bad", 1, NULL, 'b' }, { "impossible", 0, NULL, 'i' }, { "order", 0, NULL, 'o' }, { "contradict", 0, NULL, 'C' },
		{ "search", 0, NULL, 'S' }, { "memory", 1, NULL, 'm' }, { "print", 0, NULL, 'p' }, { NULL, 0, NULL, 0 },
	};

	for (int c; (c = getopt_long(argc, argv, "", table, NULL)) != -1;) {
		uint32_t n = optarg ? (uint32_t)strtoul(optarg, NULL, 10) : 0;

		switch (c) {
		case 'n': set.ops = n; break;
		case 's': set.seed = n; break;
		case 'c': set.clients = n; break;
		case 'v': set.values = n; break;
		case 'r': set.reads = n; break;
		case 'x': set.cas = n; break;
		case 'd': set.deletes = n; break;
		case 'u': set.unknown = strtod(optarg, NULL); break;
		case 'D': set.drop = true; break;
		case 'b': set.bad = n; break;
		case 'i': set.impossible = true; break;
		case 'o': set.order = true; break;
		case 'C': set.contradict = true; break;
		case 'S': set.search = true; break;
		case 'm': set.memory = n; break;
		case 'p': set.print = true; break;
		default: usage();
		}
	}
	if (optind < argc || !set.ops || !set.clients || set.clients > CLIENTS_MAX)
		usage();
}

int main(int argc, char **argv)
{
	read_options(argc, argv);
	ops = must(calloc(set.ops, sizeof(*ops)));
	process_of = must(calloc(set.ops, sizeof(*process_of)));
	info_of = must(calloc(set.ops, sizeof(*info_of)));
	make();
	thin();
	if (set.print)
		print_all();
	else
		measure();
	free(ops);
	free(process_of);
	free(info_of);
	free(changes);
	return fflush(stdout) ? 4 : 0;
}
