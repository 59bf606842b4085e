/*
 * sim: runs of the simulation, by seeds.
 *
 *	sim                             the seeds of `make check`, of both protocols, as TAP
 *	sim --seed N | --seeds A-B      these; --protocol raft|paxos|both; --jobs N at once
 *	    --time SECONDS --steps N    goes on behind B until so long has passed, so many steps were made
 *	    --keep-going                behind a failure, too
 *	    --shrink RUNS               so many trials to make a plan that fails small, which is printed as a scenario file; 0: none;
 *	                                3000 of a seed's, and none of a file's, if not given
 *	sim FILE                        a scenario file
 *	    --print                     prints the plan in place of running it
 *	    --record                    runs it, and prints a plan that has the fate of each message that something befell
 *
 * The seed is told first and last, on stderr; a failure with what does not hold, when, and how the nodes stood, exit 1.
 */
#include "tests/sim/shrink.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SHRINK_RUNS = 3000, CHECK_SEEDS = 1500, JOBS_MAX = 64 };

struct asked {
	bool protocol[SIM_PROTOCOLS];
	uint64_t first, last;
	double seconds;
	uint64_t steps;
	long jobs;
	bool keep_going, print, record, tap;
	size_t shrink;                  /* trials to make a plan that fails small; 0: it is left as it is */
};

/* What a worker has done so far: shared, so that one that dies leaves it. */
struct worker {
	uint64_t seed, seeds, failed;
	struct sim_tally tally;
};

static const char *const protocol_text[] = { "raft", "paxos" };

static double now(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* --- One run --- */

static void tell(const struct sim_plan *p, const struct sim_verdict *v)
{
	fprintf(stderr, "sim: %s seed %" PRIu64 ": does not hold: %s\n    %s\n    at %" PRIu64 " us of virtual time\n%s"
		"    again: --protocol %s --seed %" PRIu64 "\n", protocol_text[p->protocol], p->seed, v->what, v->detail,
		v->at_ns / 1000, v->states, protocol_text[p->protocol], p->seed);
}

/* As a scenario file, on stdout. */
static void tell_small(const struct asked *a, const struct sim_plan *p, struct sim_verdict *v)
{
	struct sim_shrink_limits limits = { .runs = a->shrink };
	struct sim_shrink_tally t;
	struct sim_plan small;

	if (!a->shrink || sim_shrink(p, v, &limits, &small, &t))
		return;
	fprintf(stderr, "sim: %s seed %" PRIu64 ": in %zu runs, %zu intents shrunk to %zu, which fail so at %" PRIu64 " us:\n",
		protocol_text[p->protocol], p->seed, t.runs, t.intents_before, t.intents_after, v->at_ns / 1000);
	sim_plan_print(&small, stdout);
	fflush(stdout);
	sim_plan_release(&small);
}

static bool run(const struct asked *a, const struct sim_plan *p, struct worker *w)
{
	static struct sim_verdict v;

	sim_run(p, &v);
	for (size_t i = 0; i < sizeof(v.tally) / sizeof(uint64_t); i++)
		((uint64_t *)(void *)&w->tally)[i] += ((const uint64_t *)(const void *)&v.tally)[i];
	w->seeds++;
	if (v.holds)
		return true;
	w->failed++;
	tell(p, &v);
	if (!a->keep_going)
		tell_small(a, p, &v);
	return false;
}

/* --- Many --- */

static void work(const struct asked *a, enum sim_protocol protocol, uint64_t offset, struct worker *w, double until)
{
	bool bounded = a->seconds <= 0 && !a->steps;

	for (uint64_t seed = a->first + offset; !bounded || seed <= a->last; seed += (uint64_t)a->jobs) {
		struct sim_plan p;
		bool held;

		if (seed > a->last && (a->seconds <= 0 || now(CLOCK_MONOTONIC) >= until) &&
		    (!a->steps || w->tally.steps >= a->steps / (uint64_t)a->jobs))
			return;
		w->seed = seed;
		sim_plan_draw(&p, protocol, seed);
		held = run(a, &p, w);
		sim_plan_release(&p);
		if (!held && !a->keep_going)
			return;
	}
}

/* Forked, so that one that dies of a signal is told like others. */
static bool sweep(const struct asked *a, enum sim_protocol protocol, struct worker *sum)
{
	struct worker *w = mmap(NULL, sizeof(*w) * JOBS_MAX, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	double until = now(CLOCK_MONOTONIC) + a->seconds;
	pid_t pid[JOBS_MAX];
	bool held = true;

	if (w == MAP_FAILED) {
		fprintf(stderr, "sim: memory: %s\n", strerror(errno));
		exit(4);
	}
	fflush(stdout);
	for (long j = 0; j < a->jobs; j++) {
		pid[j] = fork();
		if (pid[j] == 0) {
			work(a, protocol, (uint64_t)j, &w[j], until);
			_exit(0);
		}
	}
	for (long j = 0; j < a->jobs; j++) {
		int status = 0;

		if (pid[j] < 0 || waitpid(pid[j], &status, 0) < 0 || !WIFEXITED(status) || WEXITSTATUS(status)) {
			fprintf(stderr, "sim: %s seed %" PRIu64 ": ended by signal %d\n", protocol_text[protocol], w[j].seed,
				WIFSIGNALED(status) ? WTERMSIG(status) : 0);
			w[j].failed++;
		}
		held &= !w[j].failed;
		sum->seeds += w[j].seeds;
		sum->failed += w[j].failed;
		for (size_t i = 0; i < sizeof(w->tally) / sizeof(uint64_t); i++)
			((uint64_t *)(void *)&sum->tally)[i] += ((uint64_t *)(void *)&w[j].tally)[i];
	}
	munmap(w, sizeof(*w) * JOBS_MAX);
	return held;
}

static void tell_tally(enum sim_protocol protocol, const struct worker *w, double took)
{
	const struct sim_tally *t = &w->tally;

	printf("# %s: %" PRIu64 " seeds, %.0f a second; %" PRIu64 " steps of cores, %.0f a second\n", protocol_text[protocol], w->seeds,
	       (double)w->seeds / took, t->steps, (double)t->steps / took);
	printf("# %" PRIu64 " messages, %" PRIu64 " lost; %" PRIu64 " elections, %" PRIu64 " entries, %" PRIu64 " reads, %" PRIu64
	       " changes of members, %" PRIu64 " transfers; %" PRIu64 " snapshots, %" PRIu64 " installed; %" PRIu64 " crashes, %" PRIu64
	       " with records lost, %" PRIu64 " disks wiped; %" PRIu64 " operations, %" PRIu64 " answered, %" PRIu64
	       " with an open outcome, %" PRIu64 " answers of registers\n", t->messages, t->lost, t->elections, t->entries, t->reads,
	       t->changes, t->transfers, t->snapshots, t->installs, t->crashes, t->torn, t->wipes, t->ops, t->answered, t->unknown,
	       t->registers);
}

static bool seeds(const struct asked *a)
{
	bool held = true;
	int number = 0;

	fprintf(stderr, "sim: seeds %" PRIu64 "-%" PRIu64 "\n", a->first, a->last);
	for (int p = 0; p < SIM_PROTOCOLS; p++) {
		struct worker sum = { 0 };
		double since = now(CLOCK_MONOTONIC);
		bool ok;

		if (!a->protocol[p])
			continue;
		ok = sweep(a, (enum sim_protocol)p, &sum);
		held &= ok;
		tell_tally((enum sim_protocol)p, &sum, now(CLOCK_MONOTONIC) - since);
		if (a->tap)
			printf("%s %d - %s: %" PRIu64 " clusters under faults stay safe, recover, and are linearizable\n",
			       ok ? "ok" : "not ok", ++number, protocol_text[p], sum.seeds);
		fflush(stdout);
	}
	if (a->tap)
		printf("1..%d\n", number);
	fprintf(stderr, "sim: seeds %" PRIu64 "-%" PRIu64 ": %s\n", a->first, a->last, held ? "all holds" : "something does not hold");
	return held;
}

/* --- Options --- */

static int one_plan(const struct asked *a, struct sim_plan *p)
{
	static struct sim_verdict v;
	struct sim_plan record;

	if (a->print) {
		sim_plan_print(p, stdout);
		return 0;
	}
	fprintf(stderr, "sim: %s seed %" PRIu64 "\n", protocol_text[p->protocol], p->seed);
	if (a->record) {
		sim_run_record(p, &v, &record);
		sim_plan_print(&record, stdout);
		sim_plan_release(&record);
	} else {
		sim_run(p, &v);
	}
	if (!v.holds)
		tell(p, &v);
	fprintf(stderr, "sim: %s seed %" PRIu64 ": %s, %" PRIu64 " steps, hash %016" PRIx64 "\n", protocol_text[p->protocol], p->seed,
		v.holds ? "all holds" : v.what, v.tally.steps, v.hash);
	if (!v.holds && !a->record)
		tell_small(a, p, &v);
	return !v.holds;
}

static int file(const struct asked *a, const char *path)
{
	FILE *f = strcmp(path, "-") ? fopen(path, "r") : stdin;
	struct sim_plan p;
	size_t line;
	const char *why;
	int rc;

	if (!f) {
		fprintf(stderr, "sim: cannot open '%s': %s\n", path, strerror(errno));
		return 4;
	}
	if (sim_plan_read(&p, f, &line, &why) != 0) {
		fprintf(stderr, "sim: '%s' line %zu: %s\n", path, line, why);
		return 3;
	}
	if (f != stdin)
		fclose(f);
	rc = one_plan(a, &p);
	sim_plan_release(&p);
	return rc;
}

static int usage(const char *why)
{
	fprintf(stderr, "sim: %s\n", why);
	return 2;
}

static bool read_range(const char *text, uint64_t *first, uint64_t *last)
{
	char *end;

	*first = *last = strtoull(text, &end, 10);
	if (*end == '-')
		*last = strtoull(end + 1, &end, 10);
	return *text >= '0' && *text <= '9' && !*end && *last >= *first;
}

static bool read_protocol(struct asked *a, const char *text)
{
	bool both = strcmp(text, "both") == 0;

	for (int p = 0; p < SIM_PROTOCOLS; p++)
		a->protocol[p] = both || strcmp(text, protocol_text[p]) == 0;
	return a->protocol[SIM_RAFT] || a->protocol[SIM_PAXOS];
}

static const struct option options[] = {
	{ "seed", required_argument, NULL, 's' }, { "seeds", required_argument, NULL, 's' },
	{ "protocol", required_argument, NULL, 'p' }, { "jobs", required_argument, NULL, 'j' },
	{ "time", required_argument, NULL, 't' }, { "steps", required_argument, NULL, 'n' },
	{ "keep-going", no_argument, NULL, 'k' }, { "print", no_argument, NULL, 'P' }, { "record", no_argument, NULL, 'R' },
	{ "shrink", required_argument, NULL, 'S' },
	{ NULL, 0, NULL, 0 },
};

int main(int argc, char **argv)
{
	struct asked a = { .protocol = { true, true }, .first = 1, .last = CHECK_SEEDS, .jobs = 1, .tap = argc == 1 };
	bool single = false, shrink = false;

	for (int o; (o = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		bool good = true;

		if (o == 's')
			good = read_range(optarg, &a.first, &a.last), single = a.first == a.last;
		else if (o == 'p')
			good = read_protocol(&a, optarg);
		else if (o == 'j')
			good = (a.jobs = atol(optarg)) >= 1 && a.jobs <= JOBS_MAX;
		else if (o == 't')
			good = (a.seconds = atof(optarg)) > 0;
		else if (o == 'n')
			good = (a.steps = strtoull(optarg, NULL, 10)) > 0;
		else if (o == 'S')
			a.shrink = strtoul(optarg, NULL, 10), shrink = true;
		else if (o == 'k')
			a.keep_going = true;
		else if (o == 'P')
			a.print = true;
		else if (o == 'R')
			a.record = true;
		else
			return 2;
		if (!good)
			return usage("a number, a range A-B, or a protocol is wrong; see the head of tests/sim/main.c");
	}
	if (optind < argc)
		return file(&a, argv[optind]);
	if (!shrink)
		a.shrink = SHRINK_RUNS;
	if ((a.print || a.record) && !(single && a.protocol[SIM_RAFT] != a.protocol[SIM_PAXOS]))
		return usage("--print and --record want one seed and one protocol");
	if (single && a.protocol[SIM_RAFT] != a.protocol[SIM_PAXOS] && a.seconds <= 0 && !a.steps) {
		struct sim_plan p;
		int rc;

		sim_plan_draw(&p, a.protocol[SIM_RAFT] ? SIM_RAFT : SIM_PAXOS, a.first);
		rc = one_plan(&a, &p);
		sim_plan_release(&p);
		return rc;
	}
	return seeds(&a) ? 0 : 1;
}
