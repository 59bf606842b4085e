/*
 * party: nodes and clients in virtual time: what each does when, and how it fares under faults.
 *
 * Invariant: a line for a party is in l->ready, or in its `held` while it cannot take it; what it printed is routed at
 * the time that its own clock had reached.
 */
#include "lib/lockstep/inside.h"
#include "lib/preload/unsynced.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

static const uint64_t again_ns_min = UINT64_C(100000000), again_ns_max = UINT64_C(10000000000);

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

void party_schedule(struct party *p)
{
	struct lockstep *l = p->l;
	uint64_t due = FAULT_NEVER;

	if (!p->pid)
		due = p->restart_ns;
	else if (p->speaks)
		due = p->busy_ns;
	else if (p->paused)
		due = FAULT_NEVER;
	else if (p->held.len)
		due = later(p->busy_ns, l->now_ns);
	else if (p->wake_shown_ns != FAULT_NEVER)
		due = later(clock_when(&p->clock, p->wake_shown_ns), later(p->busy_ns, l->now_ns));
	heap_set(l, p, due);
}

/* --- Start and end --- */

static const char *kind(const struct party *p)
{
	return p->kind == PARTY_NODE ? "node" : "client";
}

static struct trace *trace(struct party *p)
{
	return traffic_trace(p->l->rig.traffic);
}

bool party_start(struct party *p)
{
	struct lockstep *l = p->l;
	int why = process_start(p);

	p->restart_ns = FAULT_NEVER;
	if (why) {
		told(l, "cannot start %s '%s': '%s': %s", kind(p), p->name, p->argv[0], strerror(why));
		/* There is no such program; or there is, and a retry may help. */
		run_stop(l, why == EAGAIN || why == ENOMEM || why == EMFILE || why == ENFILE ? EXIT_SYSTEM : EXIT_USAGE);
		return false;
	}
	p->started_ns = p->busy_ns = l->now_ns;
	p->wake_shown_ns = FAULT_NEVER;
	if (p->kind == PARTY_CLIENT) {
		p->wake_shown_ns = 0;
		party_schedule(p);
		return true;
	}
	if (trace(p))
		trace_start(trace(p), l->now_ns, p->name);
	orders_init(p);
	party_schedule(p);
	return true;
}

/* It is told how a client ended only where that was not well. */
static void client_ended(struct party *p, int status)
{
	struct lockstep *l = p->l;

	l->clients_left--;
	if (WIFEXITED(status) && !WEXITSTATUS(status))
		return;
	if (WIFEXITED(status))
		told(l, "client '%s' ended with status %d", p->name, WEXITSTATUS(status));
	else
		told(l, "client '%s' was killed by signal %d", p->name, WTERMSIG(status));
	if (l->status == EXIT_DONE)
		l->status = EXIT_NO;
}

/* --restart: how long it waits, longer each time that it did not run for long. */
static void start_later(struct party *p)
{
	bool ran_long = p->l->now_ns - p->started_ns >= again_ns_max;

	p->again_ns = ran_long || !p->again_ns ? again_ns_min : 2 * p->again_ns;
	if (p->again_ns > again_ns_max)
		p->again_ns = again_ns_max;
	p->restart_ns = p->l->now_ns + p->again_ns;
}

static void node_ended(struct party *p, int status)
{
	struct lockstep *l = p->l;
	char how[64] = "";

	if (l->options->restart) {
		start_later(p);
		snprintf(how, sizeof(how), "; it is started again in %ju ms", (uintmax_t)(p->again_ns / 1000000));
	} else if (l->status == EXIT_DONE) {
		l->status = EXIT_NO;
	}
	if (WIFEXITED(status))
		told(l, "node '%s' ended with status %d%s", p->name, WEXITSTATUS(status), how);
	else
		told(l, "node '%s' was killed by signal %d%s", p->name, WTERMSIG(status), how);
}

/* It ended by itself, or closed its stdout. */
static void died(struct party *p)
{
	struct lockstep *l = p->l;
	bool closed = !process_gone(p, true);
	int status;

	if (closed)
		told(l, "%s '%s' closed its output: it is killed", kind(p), p->name);
	status = process_bury(p);
	if (p->journal)
		unsynced_forget(p->journal);
	if (p->kind == PARTY_CLIENT) {
		client_ended(p, status);
	} else {
		if (trace(p))
			trace_death(trace(p), l->now_ns, p->name, status, false);
		node_ended(p, status);
		orders_down(p);
	}
}

void party_crash(struct party *p)
{
	struct lockstep *l = p->l;
	struct fault_stream draws = fault_stream(l->rig.seed, "unsynced", p->name, strlen(p->name), "", 0);
	uint64_t undone;
	int status, why;

	p->restart_ns = FAULT_NEVER;
	party_schedule(p);
	if (!p->pid)
		return;
	status = process_bury(p);
	p->crashes++;
	if (trace(p))
		trace_death(trace(p), l->now_ns, p->name, status, true);
	why = p->journal ? unsynced_crash(p->journal, fault_bits(draws, p->crashes), &undone) : 0;
	if (why) {
		told(l, "cannot undo what node '%s' did not flush: %s", p->name, strerror(why));
		run_stop(l, EXIT_SYSTEM);
	}
	party_schedule(p);
	orders_down(p);
}

/* --- Turns --- */

static void speak(struct party *p)
{
	p->speaks = false;
	post_lines(p, p->output.at, p->turn_end);
	turn_done(p);
}

static void act(struct party *p, const char *line, size_t len)
{
	struct lockstep *l = p->l;
	bool lives = turn(p, line, len);

	if (l->over || signals_came())
		return;
	if (lives && p->busy_ns > l->now_ns && p->turn_end)
		p->speaks = true;
	else
		speak(p);
	if (!lives)
		died(p);
	party_schedule(p);
}

/* Records of a length and a line with its newline. */
static void hold(struct party *p, const char *line, size_t len)
{
	buf_add(&p->held, &len, sizeof(len));
	buf_add(&p->held, line, len + 1);
	party_schedule(p);
}

void party_take(struct party *p, const char *line, size_t len)
{
	if (!p->pid)
		return;         /* it died before it could read that */
	if (p->paused || p->speaks || p->held.len || p->busy_ns > p->l->now_ns)
		hold(p, line, len);
	else
		act(p, line, len);
}

static void act_on_held(struct party *p)
{
	struct buf *b = &p->l->taken;
	size_t len;

	memcpy(&len, p->held.at, sizeof(len));
	buf_clear(b, len + 1);
	buf_add(b, p->held.at + sizeof(len), len + 1);
	buf_drop(&p->held, sizeof(len) + len + 1);
	act(p, b->at, len);
}

void party_due(struct party *p)
{
	if (!p->pid) {
		party_start(p);
	} else if (p->speaks) {
		speak(p);
		party_schedule(p);
	} else if (p->held.len) {
		act_on_held(p);
	} else {
		act(p, NULL, 0);
	}
}

/* --- Faults --- */

void party_pause(struct party *p, bool paused)
{
	if (!p->pid)
		return;
	p->paused = paused;
	party_schedule(p);
}

void party_skew(struct party *p, int64_t offset_ns, double drift)
{
	p->clock = (struct clock){ .from_ns = p->l->now_ns, .offset_ns = offset_ns, .drift = drift };
	party_schedule(p);
}
