/*
 * load: see load.h
 *
 * In real time: the time is read once a turn, and before the answers of one read are taken; requests that follow from
 * them leave in one write.
 */
#include "lib/base/err.h"
#include "lib/load/inside.h"
#include "lib/load/series.h"
#include "lib/load/transcript.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

enum { ARRIVALS_NS = 20000 };

volatile sig_atomic_t load_stopped;

void load_stop(void)
{
	load_stopped = 1;
}

static uint64_t clock_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 * LOAD_MS + (uint64_t)t.tv_nsec;
}

/* --- The run, whatever its time --- */

static void set_dests(struct load *l)
{
	const struct load_options *o = l->options;

	l->dest = must_calloc(o->node_count ? o->node_count : 1, sizeof(*l->dest));
	for (; l->dests < o->node_count; l->dests++) {
		struct buf *b = &l->dest[l->dests];

		buf_puts(b, "\",\"dest\":");
		wire_put_string(b, o->nodes[l->dests], strlen(o->nodes[l->dests]));
		buf_puts(b, ",\"body\":{");
	}
}

/* Two of different names draw differently, from one seed. */
static uint64_t seed(const struct load *l)
{
	uint64_t s = l->options->workload.seed;

	for (const char *p = l->name; *p; p++)
		s = workload_random(&(uint64_t){ s ^ (unsigned char)*p });
	return s;
}

static void name_clients(struct load *l)
{
	const struct load_options *o = l->options;
	uint64_t state = o->workload.seed;

	if (o->name)
		snprintf(l->name, sizeof(l->name), "%s", o->name);
	if (*l->name)
		l->prefix_len = (size_t)snprintf(l->prefix, sizeof(l->prefix), "%s.", l->name);
	else
		l->prefix_len = (size_t)snprintf(l->prefix, sizeof(l->prefix), "c%08x-", (unsigned)workload_random(&state));
}

static void make_clients(struct load *l)
{
	const struct load_options *o = l->options;
	size_t micros = workload_has_micros(&o->workload) ? o->workload.txn_ops : 0;

	l->client = must_calloc(o->clients + 1, sizeof(*l->client));
	l->micros = must_calloc((o->clients + 1) * micros, sizeof(*l->micros));
	l->thinking = must_calloc(o->clients, sizeof(*l->thinking));
	l->processes = o->clients;
	for (int i = 0; i < CLIENT_STATES; i++)
		l->list[i] = (struct client_list){ LOAD_NONE, LOAD_NONE };
	for (uint32_t i = 0; i <= o->clients; i++) {
		l->client[i].process = i;
		l->client[i].op.micro = l->micros + i * micros;
		client_enter(l, i, CLIENT_IDLE);
	}
}

void load_open(struct load *l)
{
	struct workload_options w = l->options->workload;

	name_clients(l);
	w.seed = seed(l);
	l->draws = ~w.seed;
	l->workload = workload_new(&w);
	make_clients(l);
	line_init(&l->in, WIRE_LINE_BYTES_MAX);
	set_dests(l);
	l->find_ns = l->now + l->options->timeout_ns;
}

static void close_load(struct load *l)
{
	workload_free(l->workload);
	for (size_t i = 0; i < l->options->node_count || !i; i++)
		buf_release(&l->dest[i]);
	free(l->dest);
	free(l->client);
	free(l->micros);
	free(l->thinking);
	line_release(&l->in);
	buf_release(&l->out);
}

static void begin_run(struct load *l)
{
	const struct load_options *o = l->options;

	l->began = true;
	l->measure_ns = l->now + o->warmup_ns;
	l->end_ns = o->ops ? LOAD_NEVER : l->measure_ns + o->time_ns;
	if (o->rate)
		arrival_init(&l->arrival, l->now, o->rate, o->poisson, workload_random(&l->draws));
	if (o->series)
		series_begin(o->series, l->measure_ns);
	for (uint32_t i = 0; i < o->clients && o->think_ns; i++)
		client_think(l, i, l->now + workload_below(&l->draws, 2 * o->think_ns + 1));
}

void load_step(struct load *l)
{
	if (!l->began && l->dests)
		begin_run(l);
	else if (!l->began && l->now > l->find_ns)
		l->trouble = "no node tells of a leader";
	operation_turn(l);
	if (l->options->series && l->began)
		series_turn(l->options->series, l->now);
}

bool load_done(const struct load *l)
{
	if (load_stopped || l->trouble || (l->options->transcript && transcript_failed(l->options->transcript)))
		return true;
	return l->began && operation_over(l) && l->list[CLIENT_ASKING].first == LOAD_NONE &&
	       l->list[CLIENT_RETRYING].first == LOAD_NONE;
}

uint64_t load_due(const struct load *l)
{
	uint64_t due = operation_due(l), row = LOAD_NEVER;

	if (l->options->series && l->began)
		row = series_due(l->options->series);
	return row < due ? row : due;
}

/* --- Real time --- */

enum { FLUSH_MS = 100 };                /* how often a history goes out at the least */

static const char closed[] = "the other side has closed the connection";

static void write_out(struct load *l)
{
	ssize_t put;

	if (!l->out.len)
		return;
	put = write(l->options->out, l->out.at, l->out.len);
	if (put < 0 && errno != EAGAIN && errno != EINTR)
		l->trouble = errno == EPIPE || errno == ECONNRESET ? closed : strerror(errno);
	if (put > 0)
		buf_drop(&l->out, (size_t)put);
}

static void read_in(struct load *l)
{
	ssize_t got = line_read(&l->in, l->options->in);
	enum line_status status;
	char *line;
	size_t len;

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0)
		l->trouble = !got || errno == ECONNRESET ? closed : strerror(errno);
	l->now = clock_ns();
	while ((status = line_next(&l->in, &line, &len)))
		if (status == LINE_WHOLE)
			operation_answer(l, line, len);
}

/* What is written of a history goes out, even if nothing else happens. */
static uint64_t patience_ns(const struct load *l)
{
	return (l->options->transcript ? FLUSH_MS : 1000) * LOAD_MS;
}

static void await(struct load *l, const sigset_t *signals)
{
	uint64_t due = load_due(l), wait = due > l->now ? due - l->now : 0;
	struct timespec patience;
	struct pollfd fd[2] = {
		{ .fd = l->options->in, .events = POLLIN },
		{ .fd = l->out.len ? l->options->out : -1, .events = POLLOUT },
	};

	/* To wake up for each of many arrivals would cost more than to send them: some wait for the next. */
	if (l->options->rate && wait && wait < ARRIVALS_NS)
		wait = ARRIVALS_NS;
	if (wait > patience_ns(l))
		wait = patience_ns(l);
	patience = (struct timespec){ .tv_sec = (time_t)(wait / (1000 * LOAD_MS)), .tv_nsec = (long)(wait % (1000 * LOAD_MS)) };
	if (ppoll(fd, 2, &patience, signals) > 0 && fd[0].revents)
		read_in(l);
}

static void in_real_time(struct load *l, const sigset_t *signals)
{
	uint64_t flushed_ns;

	/* An arrival is to be late by no more than it takes to wake up. */
	if (l->options->rate)
		prctl(PR_SET_TIMERSLACK, 1UL);
	l->now = flushed_ns = clock_ns();
	load_open(l);
	for (;;) {
		load_step(l);
		write_out(l);
		if (load_done(l))
			break;
		await(l, signals);
		l->now = clock_ns();
		/* For whoever looks on, and in case that we are killed. */
		if (l->options->transcript && l->now - flushed_ns >= FLUSH_MS * LOAD_MS) {
			transcript_flush(l->options->transcript);
			flushed_ns = l->now;
		}
	}
}

/* --- The whole --- */

static uint64_t still_queued(const struct load *l)
{
	const struct load_options *o = l->options;
	uint64_t left, until = l->now < l->end_ns ? l->now : l->end_ns;

	if (!l->began || !o->rate)
		return 0;
	left = arrival_count(&l->arrival, until);
	return o->ops && left > o->ops - l->begun ? o->ops - l->begun : left;
}

const char *load_run(const struct load_options *options, struct load_result *result)
{
	struct load l = { .options = options, .result = result };
	sigset_t wanted, before;

	*result = (struct load_result){ .ops = 0 };
	/* A signal comes while we wait, and at no other time: so none is overlooked. */
	sigemptyset(&wanted);
	sigaddset(&wanted, SIGINT);
	sigaddset(&wanted, SIGTERM);
	sigprocmask(SIG_BLOCK, &wanted, &before);
	if (options->lockstep)
		load_in_lockstep(&l, &before);
	else
		in_real_time(&l, &before);
	sigprocmask(SIG_SETMASK, &before, NULL);
	operation_abandon(&l);
	if (options->series && l.began)
		series_end(options->series, l.now);
	result->queued = still_queued(&l);
	close_load(&l);
	return l.trouble;
}
