/*
 * lin: makes a history of one key from a seed (tests/unit/lin_make.h), and measures how long lib/lin takes to judge it, or prints
 * it for other judges.
 *
 *     lin [--ops N] [--seed N] [--clients N] [--values N] [--reads PERCENT] [--cas PERCENT] [--deletes PERCENT]
 *         [--unknown PERCENT] [--drop] [--bad PERCENT] [--impossible] [--order] [--contradict] [--search] [--memory MB] [--print]
 *
 * --values 0: each value is written once.  --drop: a cas that failed is left out, as porcupine's histories have it.
 * --bad 90: one read, when 90 % are done, has a value that the register did not have while the read was under way; with
 * --impossible one that nothing writes.  --print: JSON lines on stdout (faultline-history(5)).  Else: one line of figures.
 */
#include "tests/unit/lin_make.h"

#include <getopt.h>
#include <time.h>

static struct make_settings set = { .ops = 100000, .clients = 10, .values = 5, .reads = 40, .cas = 25, .seed = 1 };
static size_t memory;
static bool order, contradict, search_only, print;

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

static void print_line(const struct make *m, const struct line *l)
{
	static const char *const names[] = { "read", "write", "cas", "delete" };
	const struct lin_op *op = &m->ops[l->op];
	bool failed = !l->invoke && (op->outcome == LIN_NO_KEY || op->outcome == LIN_OTHER_VALUE);

	printf("{\"process\":%u,\"type\":\"%s\",\"f\":\"%s\",\"key\":\"x\",\"value\":", m->process_of[l->op],
	       l->invoke ? "invoke" : failed ? "fail" : op->outcome == LIN_UNKNOWN ? "info" : "ok", names[op->kind]);
	print_value(op, l->invoke);
	if (failed)
		printf(",\"code\":%d", op->outcome == LIN_NO_KEY ? 20 : 22);
	printf(",\"time\":%llu}\n", (unsigned long long)l->place * 1000);
}

static void print_all(const struct make *m)
{
	struct line *lines = make_must(malloc((2 * (size_t)m->count + 1) * sizeof(*lines)));
	size_t n = 0;

	for (uint32_t i = 0; i < m->count; i++) {
		lines[n++] = (struct line){ m->ops[i].called, i, true };
		lines[n++] = (struct line){ m->ops[i].outcome == LIN_UNKNOWN ? m->info_of[i] : m->ops[i].returned, i, false };
	}
	qsort(lines, n, sizeof(*lines), by_place);
	for (size_t i = 0; i < n; i++)
		print_line(m, &lines[i]);
	free(lines);
}

/* --- Measuring --- */

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void measure(const struct make *m)
{
	static const char *const verdicts[] = { "undecided", "linearizable", "not linearizable", "no memory" };
	struct lin_options options = { .memory_max = memory << 20, .want_order = order, .search_only = search_only };
	double begun = seconds(), decided;
	struct lin *l = make_must(lin_new(m->ops, m->count, &options));
	enum lin_state state;
	struct lin_figures f;
	uint32_t unknown = 0, size = 0;

	while ((state = lin_run(l, 1 << 20)) == LIN_AGAIN)
		;
	decided = seconds();
	for (uint32_t i = 0; i < m->count; i++)
		unknown += m->ops[i].outcome == LIN_UNKNOWN;
	f = lin_figures(l);
	printf("%u operations, %u unknown: %s, %.3f s, %.1f MB, %llu steps, %llu configurations%s", m->count, unknown, verdicts[state],
	       decided - begun, (double)f.bytes_max / 1e6, (unsigned long long)f.steps, (unsigned long long)f.configurations_max,
	       f.unique ? ", unique" : "");
	if (state == LIN_NO)
		printf(", culprit %u", lin_culprit(l));
	if (state == LIN_NO && contradict) {
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
		case 'o': order = true; break;
		case 'C': contradict = true; break;
		case 'S': search_only = true; break;
		case 'm': memory = n; break;
		case 'p': print = true; break;
		default: usage();
		}
	}
	if (optind < argc || !set.ops || !set.clients || set.clients > MAKE_CLIENTS_MAX)
		usage();
}

int main(int argc, char **argv)
{
	struct make *m;

	read_options(argc, argv);
	m = make_history(&set);
	if (print)
		print_all(m);
	else
		measure(m);
	make_free(m);
	return fflush(stdout) ? 4 : 0;
}
