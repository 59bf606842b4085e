/*
 * job: see job.h.  Each kind of job is a sink; what they share is the input, the
 * bound and the fleet.
 */
#include "lib/shard/job.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/ioctl.h>

#include "lib/draw/circle.h"
#include "lib/shard/emit.h"
#include "lib/shard/explain.h"
#include "lib/shard/plan.h"
#include "lib/shard/split.h"
#include "lib/shard/stats.h"
#include "lib/shard/total.h"

/* Width of the terminal that stdout is, or 0. */
static unsigned columns(void)
{
	struct winsize size;

	if (!isatty(STDOUT_FILENO))
		return 0;
	return !ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) && size.ws_col ? size.ws_col : 80;
}

static struct flow_input input_of(const struct job *j)
{
	bool report = j->stats || j->summary || j->split;

	if (isatty(STDIN_FILENO))
		warn("reading keys from the terminal; ^D ends");
	return (struct flow_input){
		.fd = STDIN_FILENO, .name = "stdin", .delimiter = j->end_in, .line_bytes_max = j->line_bytes_max,
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

static void run(const struct job *j, struct route *route, const struct flow_sink *sink)
{
	size_t n = (size_t)j->operands - (j->diff ? 2 : 0);
	struct flow_input input = { .fd = -1 };
	struct bound bound;

	if (!n)
		input = input_of(j);
	if (j->bound) {
		bound_init(&bound, route->nodes, j->bound,
			   (j->total ? j->total : n ? n : total_records(&input, j->threads)) * j->replicas);
		route->bound = &bound;
	}
	if (n) {
		struct ring_key *records = operand_records(j->operand + (j->diff ? 2 : 0), n);

		flow_records("operand", sink, records, n);
		for (size_t i = 0; i < n; i++)
			free((void *)(uintptr_t)records[i].p);
		free(records);
	} else {
		flow_run(&input, sink, j->bound ? 1 : j->threads);
	}
	if (!j->bound)
		return;
	if (bound.fewer)
		warn("%llu keys have fewer than %u owners: the bound leaves no more room", (unsigned long long)bound.fewer,
		     j->replicas);
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

static struct route route_of(const struct job *j, const struct fleet *fl)
{
	return (struct route){
		.ring = fl->ring, .nodes = &fl->state.nodes, .keys = j->keys, .replicas = j->replicas,
	};
}

/* A report is made in memory: a pipe that does not block is then waited for, as by the records. */
struct report {
	FILE *out;
	char *text;
	size_t len;
};

static FILE *report_begin(struct report *r)
{
	r->out = open_memstream(&r->text, &r->len);
	if (!r->out)
		die(EXIT_SYSTEM, "cannot allocate the report");
	return r->out;
}

static void report_end(struct report *r)
{
	if (fclose(r->out))
		die(EXIT_SYSTEM, "cannot allocate the report");
	flow_write(STDOUT_FILENO, "stdout", r->text, r->len);
	free(r->text);
}

static void run_emit(const struct job *j, struct route *route)
{
	struct emit e = { .route = route, .end = j->end_out, .only = RING_NONE };
	struct flow_sink sink = emit_sink(&e);

	e.format = j->json ? EMIT_JSON : j->keys.set ? EMIT_SET : EMIT_TEXT;
	if (j->only) {
		e.only = nodes_find(route->nodes, j->only, strlen(j->only));
		if (e.only == RING_NONE)
			die(EXIT_USAGE, "--only '%s': no such node", j->only);
	}
	emit_init(&e);
	run(j, route, &sink);
	emit_release(&e);
}

static void run_stats(const struct job *j, struct route *route, const struct fleet *fl)
{
	struct stats st = { .route = route, .algorithm = ring_algo_name(fl->state.algo) };
	struct flow_sink sink = stats_sink(&st);
	struct report r;

	stats_init(&st);
	run(j, route, &sink);
	stats_report(report_begin(&r), &st, j->json ? 0 : columns());
	report_end(&r);
	stats_release(&st);
}

static void run_split(const struct job *j, struct route *route)
{
	struct split sp = {
		.route = route, .directory = j->split, .end = j->end_out, .input = j->operands ? -1 : STDIN_FILENO,
	};
	struct flow_sink sink = split_sink(&sp);

	split_init(&sp);
	run(j, route, &sink);
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
	struct report r;

	if (draw_circle(report_begin(&r), &d) != RING_OK)
		die(EXIT_SYSTEM, "cannot allocate the picture of %u nodes", is->state.nodes.n);
	report_end(&r);
	free(kept);
}

/* Returns how many keys moved in excess, where that was asked. */
static uint64_t run_diff(const struct job *j)
{
	struct fleet was, is;
	struct route was_route, is_route;
	struct plan p = { .was = &was_route, .is = &is_route, .summary = j->summary, .json = j->json, .end = j->end_out };
	struct flow_sink sink = plan_sink(&p);
	uint64_t excess = 0;
	struct report r;

	fleet_load_two(&was, &is, &j->fleet, j->operand[0], j->operand[1]);
	if (j->draw) {
		draw(&is, &was);
	} else {
		if (j->replicas > 1)
			warn_replicas(&is.state.nodes, j->replicas);
		was_route = route_of(j, &was);
		is_route = route_of(j, &is);
		plan_init(&p);
		run(j, &is_route, &sink);
		if (j->summary) {
			excess = plan_report(report_begin(&r), &p, j->json ? 0 : columns());
			report_end(&r);
		}
		plan_release(&p);
	}
	fleet_release(&was);
	fleet_release(&is);
	return excess;
}

static void run_one(const struct job *j)
{
	struct fleet fl;
	struct route route;
	struct report r;

	fleet_load(&fl, &j->fleet);
	route = route_of(j, &fl);
	if (j->replicas > 1)
		warn_replicas(route.nodes, j->replicas);
	if (j->draw) {
		draw(&fl, NULL);
	} else if (j->explain) {
		struct ring_key key = { (const uint8_t *)j->explain, strlen(j->explain) };

		explain_key(report_begin(&r), &fl, &route, &key, j->json);
		report_end(&r);
	} else if (j->stats) {
		run_stats(j, &route, &fl);
	} else if (j->split) {
		run_split(j, &route);
	} else {
		run_emit(j, &route);
	}
	fleet_release(&fl);
}

enum exit_status job_run(const struct job *j)
{
	if (j->update) {
		fleet_update(&j->fleet);
		return EXIT_DONE;
	}
	if (j->diff)
		return run_diff(j) ? EXIT_NO : EXIT_DONE;
	run_one(j);
	return EXIT_DONE;
}
