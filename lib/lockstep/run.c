/* run: see lockstep.h.  The loop, the beginning and the end. */
#include "lib/lockstep/inside.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
	NAME_BYTES = 64,
	UNDER_WAY_QUEUES = 16,          /* so many times --queue may be under way altogether */
	FLUSH_TICKS = 10,               /* between writes of a trace, if it is not long */
};

static const uint64_t ms_ns = 1000000;

/* For atexit: what runs now. */
static struct lockstep *running;

void told(const struct lockstep *l, const char *fmt, ...)
{
	char text[1024];
	va_list args;

	if (l->quiet)
		return;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	warn("%s", text);
}

void run_stop(struct lockstep *l, enum exit_status status)
{
	l->over = true;
	l->status = status;
}

/* --- The loop --- */

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t next_input(const struct lockstep *l)
{
	return l->input_next < l->input->count ? l->input->line[l->input_next].at_ns : FAULT_NEVER;
}

static uint64_t next_due(const struct lockstep *l)
{
	const struct party *p = heap_first(l);

	return p ? p->due_ns : FAULT_NEVER;
}

uint64_t run_until(const struct lockstep *l)
{
	struct traffic *t = l->rig.traffic;

	if (l->ready.len)
		return l->now_ns;
	return least(least(traffic_next(t), traffic_deadline(t)), least(next_input(l), l->now_ns + LOCKSTEP_SLICE_NS));
}

/* Is what stdin asked for answered, and all of it said? */
static bool stdin_done(const struct lockstep *l)
{
	return l->input_next == l->input->count && !l->ready.len && l->answered >= l->asked &&
	       !traffic_clients_under_way(l->rig.traffic);
}

/* Once stdin has been sent, answers are waited for a while. */
static void look_at_end(struct lockstep *l)
{
	if (l->input_next < l->input->count || l->clients_left || (l->options->until_ns != FAULT_NEVER && !l->clients))
		return;
	if (l->drain_ns == FAULT_NEVER)
		l->drain_ns = l->now_ns + l->options->drain_ms * ms_ns;
	if (stdin_done(l))
		l->over = true;
}

static void end_of_drain(struct lockstep *l)
{
	if (l->asked > l->answered)
		told(l, "stdin: %ju of %ju requests have no answer after %ju ms", (uintmax_t)(l->asked - l->answered),
		     (uintmax_t)l->asked, (uintmax_t)l->options->drain_ms);
	l->over = true;
}

/* Nobody will do anything any more. */
static void asleep(struct lockstep *l)
{
	for (size_t i = 0; i < l->clients; i++) {
		if (!l->client[i].pid)
			continue;
		told(l, "client '%s' waits for what will not come", l->client[i].name);
		if (l->status == EXIT_DONE)
			l->status = EXIT_NO;
	}
	if (!l->clients_left)
		end_of_drain(l);
	l->over = true;
}

static void send_input(struct lockstep *l)
{
	const struct input_line *line = &l->input->line[l->input_next++];

	l->own.lines = line->number - 1;
	post_line(&l->own, l->input->text.at + line->start, line->len);
}

void run_faults(struct lockstep *l)
{
	struct fault_out out;

	traffic_advance(l->rig.traffic, l->now_ns, &out);
	orders_faults(l, &out);
}

/* Does time pass at all? */
static bool moves(struct lockstep *l, uint64_t next)
{
	if (next > l->now_ns) {
		l->now_ns = next;
		l->still = 0;
	}
	if (++l->still < LOCKSTEP_STILL_MAX)
		return true;
	told(l, "virtual time stands still at %ju ns, as lines need no time: give --delay, and --client-links for clients",
	     (uintmax_t)l->now_ns);
	run_stop(l, EXIT_SYSTEM);
	return false;
}

/* One event. */
static void step(struct lockstep *l)
{
	struct traffic *t = l->rig.traffic;
	uint64_t arrival = traffic_next(t), fault = traffic_deadline(t), due = next_due(l), input = next_input(l), next;

	if (l->ready.len) {
		if (moves(l, l->now_ns))
			post_ready(l);
		return;
	}
	next = least(least(arrival, fault), least(due, input));
	if (next == FAULT_NEVER && l->options->until_ns == FAULT_NEVER) {
		asleep(l);
		return;
	}
	if (next >= l->options->until_ns || next > l->drain_ns) {
		l->now_ns = least(l->options->until_ns, l->drain_ns);
		if (l->now_ns == l->drain_ns)
			end_of_drain(l);
		l->over = true;
		return;
	}
	if (!moves(l, next))
		return;
	if (fault == next && !(least(arrival, least(due, input)) == next && replay_waits(l, next)))
		run_faults(l);
	else if (input == next)
		send_input(l);
	else if (arrival == next)
		post_arrival(l);
	else
		party_due(heap_first(l));
}

static void on_tick(struct lockstep *l, unsigned ticks)
{
	post_flush(l);
	if (ticks % FLUSH_TICKS == 0)
		rig_flush(&l->rig);
}

static void loop(struct lockstep *l)
{
	unsigned ticks = signals_ticks();

	while (!l->over && !signals_came()) {
		if (!l->ready.len)
			look_at_end(l);
		if (l->over)
			break;
		step(l);
		if (signals_ticks() != ticks)
			on_tick(l, ticks = signals_ticks());
	}
}

/* --- The beginning --- */

/* As many descriptors as we may have: three or four a process. */
static void raise_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

/* One process acts at a time: on one core none is woken across cores. */
static void pin(void)
{
	int cpu = sched_getcpu();
	cpu_set_t one;

	if (cpu < 0)
		return;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	(void)!sched_setaffinity(0, sizeof(one), &one);
}

/* `word` with {id} replaced by the name. */
static char *fill_in(const char *word, const char *name)
{
	struct buf b = { 0 };
	const char *hole;

	for (; (hole = strstr(word, "{id}")); word = hole + 4) {
		buf_add(&b, word, (size_t)(hole - word));
		buf_puts(&b, name);
	}
	buf_puts(&b, word);
	buf_putc(&b, '\0');
	return b.at;
}

static char **words(const struct net_options *o, const struct net_node *node, bool scratch)
{
	const char *shell[] = { "/bin/sh", "-c", node->command, NULL };
	const char *const *from = node->command ? shell : (const char *const *)o->argv;
	size_t count = 0;
	char **argv;

	while (from[count])
		count++;
	argv = must_calloc(count + 1, sizeof(*argv));
	for (size_t i = 0; i < count; i++)
		argv[i] = fill_in(from[i], node->name);
	if (scratch && !node->command)
		scratch_words(argv);
	return argv;
}

static void make(struct lockstep *l, struct party *p, enum party_kind kind, size_t index, const struct net_node *node)
{
	char name[NAME_BYTES];

	*p = (struct party){
		.l = l, .kind = kind, .name = node->name, .in = -1, .out = -1, .err = -1, .talk = -1,
		.clock = { .drift = 1 }, .wake_shown_ns = FAULT_NEVER, .restart_ns = FAULT_NEVER, .due_ns = FAULT_NEVER,
	};
	p->argv = words(l->options, node, l->directory);
	p->outside = !net_is_member(l->options, p->name);
	if (l->options->lose_unsynced && kind == PARTY_NODE) {
		snprintf(name, sizeof(name), "unsynced.%zu", index + 1);
		p->journal = scratch_fresh(name);
	}
	if (!book_put(&l->book, p->name, strlen(p->name), p))
		die(EXIT_USAGE, "'%s' cannot be the name of a %s", p->name, kind == PARTY_NODE ? "node" : "client");
}

static void make_all(struct lockstep *l)
{
	const struct net_options *o = l->options;

	l->node = must_calloc(o->nodes, sizeof(*l->node));
	for (; l->nodes < o->nodes; l->nodes++)
		make(l, &l->node[l->nodes], PARTY_NODE, l->nodes, &o->node[l->nodes]);
	l->client = must_calloc(o->clients, sizeof(*l->client));
	for (; l->clients < o->clients; l->clients++)
		make(l, &l->client[l->clients], PARTY_CLIENT, l->clients, &o->client[l->clients]);
	l->own = (struct party){ .l = l, .kind = PARTY_OWN, .name = "stdin", .clock = { .drift = 1 } };
	l->heap = must_calloc(l->nodes + l->clients + 1, sizeof(*l->heap));
}

static void start_all(struct lockstep *l)
{
	for (size_t i = 0; i < l->nodes && !l->over && !signals_came(); i++)
		party_start(&l->node[i]);
	for (size_t i = 0; i < l->clients && !l->over && !signals_came(); i++, l->clients_left++)
		if (!party_start(&l->client[i]))
			break;
}

/* Processes first: they might go on writing. */
static void clean_up(void)
{
	if (running)
		process_kill_all(running);
	scratch_remove();
}

static void begin(void)
{
	static bool begun;

	if (begun)
		return;
	begun = true;
	raise_limit();
	pin();
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	atexit(clean_up);
	signals_begin();
}

/* --- The end --- */

static void tell_losses(const struct lockstep *l)
{
	static const char *const why[LOSSES] = {
		[LOSS_NOBODY] = "for nobody", [LOSS_LEFT] = "for clients that had gone",
		[LOSS_DOWN] = "for nodes that were down", [LOSS_QUEUE] = "for those that did not read",
		[LOSS_NO_MESSAGE] = "that were no messages",
	};
	char text[256];
	size_t used = 0;

	for (int i = 0; i < LOSSES; i++)
		if (l->lost[i])
			used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%ju %s", used ? ", " : "",
						 (uintmax_t)l->lost[i], why[i]);
	if (used)
		told(l, "lines lost: %s", text);
}

static void free_party(struct party *p)
{
	for (char **word = p->argv; word && *word; word++)
		free(*word);
	free(p->argv);
	free(p->journal);
}

static void free_all(struct lockstep *l)
{
	for (size_t i = 0; i < l->nodes; i++)
		free_party(&l->node[i]);
	for (size_t i = 0; i < l->clients; i++)
		free_party(&l->client[i]);
	for (size_t i = 0; i < LIBRARIES; i++)
		free(l->library[i]);
	book_release(&l->book);
	wire_names_free(l->wire_names);
	buf_release(&l->ready);
	buf_release(&l->print);
	buf_release(&l->line);
	buf_release(&l->taken);
	buf_release(&l->without);
	free(l->asked_at);
	free(l->heap);
	free(l->node);
	free(l->client);
}

enum exit_status run_once(const struct net_options *options, const struct input *input, bool quiet)
{
	static const char *const names[] = { "wake", "text", NULL };
	struct lockstep l = {
		.options = options, .input = input, .quiet = quiet, .drain_ns = FAULT_NEVER,
		.wire_names = wire_names_new(names),
	};
	char *directory = NULL;

	begin();
	process_libraries(&l);
	if (options->scratch || options->twice)
		directory = scratch_fresh("run");
	l.directory = directory;
	rig_open(&l.rig, options, UNDER_WAY_QUEUES * options->queue_bytes_max);
	book_init(&l.book, l.rig.seed);
	running = &l;
	make_all(&l);
	replay_open(&l);
	start_all(&l);
	loop(&l);
	process_end_all(&l);
	running = NULL;
	post_flush(&l);
	tell_losses(&l);
	l.status = rig_close(&l.rig, l.now_ns, l.status);
	free_all(&l);
	free(directory);
	return l.status;
}

void run_end(void)
{
	int sig = signals_came();

	signals_end();
	clean_up();
	if (!sig)
		return;
	signal(sig, SIG_DFL);
	raise(sig);
}

enum exit_status lockstep_run(const struct net_options *options)
{
	struct input input;
	enum exit_status status;

	input_read(&input);
	status = run_once(options, &input, false);
	input_release(&input);
	run_end();
	return status;
}
