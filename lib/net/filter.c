/*
 * One direction of a faulty wire: lines of stdin go to stdout, with the faults.
 *
 * Any line is a message.  Its src and dest name the link it goes over; one that has none is from "in" to "out".  While
 * nothing is in force, lines are written from where they were read.
 *
 * Who sends faster than stdout is read, or than --queue holds what is under way, is held back as in any pipe.
 */
#include "lib/net/filter.h"
#include "lib/net/own.h"
#include "lib/net/rig.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

enum {
	READ_BYTES = 1 << 18,           /* at once */
	WAITS_BYTES_MAX = 1 << 20,      /* for stdout, while stdin is read on */
	KEEP_BYTES = 1 << 20,           /* of memory, in a buffer that is empty */
	FLUSH_NS = 1000000000,          /* between writes of a trace, if it is not long */
};

struct filter {
	const struct net_options *options;
	struct rig rig;
	int in, out;
	bool ended;                     /* stdin has */
	int broken;                     /* errno of a write that failed */
	struct buf partial;             /* of a line whose end has not come */
	bool skipping;                  /* inside a line that is too long */
	uint64_t lines, too_long;
	struct buf output;
	uint64_t started_ns, now_ns;    /* now: since then, as last told to the traffic */
	uint64_t flush_ns;              /* the trace is written then */
	struct traffic_link *plain;     /* of lines without names */
	struct traffic_link *last;      /* of the line before, and its names */
	char last_src[WIRE_NAME_BYTES_MAX], last_dest[WIRE_NAME_BYTES_MAX];
	size_t last_src_len, last_dest_len;
	char chunk[READ_BYTES];
};

static volatile sig_atomic_t asked_to_end;      /* the signal */

static void on_stop(int sig)
{
	asked_to_end = sig;
}

/* --- Time --- */

static uint64_t clock_ns(const struct filter *f)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec - f->started_ns;
}

static uint64_t never_falling(struct filter *f, uint64_t ns)
{
	if (ns > f->now_ns)
		f->now_ns = ns;
	return f->now_ns;
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* --- Lines in --- */

static bool same(const char *kept, size_t kept_len, struct wire_text name)
{
	return kept_len == name.len && !memcmp(kept, name.p, name.len);
}

static struct traffic_link *link_of(struct filter *f, const char *line, size_t len)
{
	struct wire_text src, dest;
	struct wire_line parsed;

	if (!len || *line != '{')
		return f->plain;
	if (wire_route(line, len, &src, &dest)) {
		if (wire_parse(&parsed, line, len))
			return f->plain;
		src = parsed.src;
		dest = parsed.dest;
	}
	if (!src.len || src.len > WIRE_NAME_BYTES_MAX || !dest.len || dest.len > WIRE_NAME_BYTES_MAX)
		return f->plain;
	if (f->last && same(f->last_src, f->last_src_len, src) && same(f->last_dest, f->last_dest_len, dest))
		return f->last;
	memcpy(f->last_src, src.p, f->last_src_len = src.len);
	memcpy(f->last_dest, dest.p, f->last_dest_len = dest.len);
	return f->last = traffic_link(f->rig.traffic, src.p, src.len, dest.p, dest.len);
}

/* Each with its newline. */
static void send_lines(struct filter *f, const char *p, const char *end)
{
	uint64_t now = never_falling(f, clock_ns(f));

	while (p < end) {
		const char *newline = memchr(p, '\n', (size_t)(end - p));

		f->lines++;
		if (traffic_send(f->rig.traffic, now, link_of(f, p, (size_t)(newline - p)), p, (size_t)(newline - p)))
			buf_add(&f->output, p, (size_t)(newline + 1 - p));
		p = newline + 1;
	}
}

/* What stdout takes at once. */
static size_t write_some(struct filter *f, const char *p, size_t len)
{
	ssize_t put = write(f->out, p, len);

	if (put < 0 && errno != EAGAIN && errno != EINTR)
		f->broken = errno;
	return put > 0 ? (size_t)put : 0;
}

static void pass_lines(struct filter *f, const char *p, const char *end)
{
	size_t put = 0;

	if (!traffic_idle(f->rig.traffic)) {
		send_lines(f, p, end);
		return;
	}
	if (!f->output.len)
		put = write_some(f, p, (size_t)(end - p));
	buf_add(&f->output, p + put, (size_t)(end - p) - put);
}

static void too_long(struct filter *f)
{
	if (!f->too_long++)
		warn("stdin: a line is longer than 16 MiB: it is lost");
	f->skipping = true;
	buf_release(&f->partial);
}

static void take(struct filter *f, const char *bytes, size_t len)
{
	const char *end = bytes + len, *newline;

	if (f->partial.len || f->skipping) {
		newline = memchr(bytes, '\n', len);
		if (!f->skipping)
			buf_add(&f->partial, bytes, newline ? (size_t)(newline + 1 - bytes) : len);
		if (!f->skipping && f->partial.len > WIRE_LINE_BYTES_MAX + 1)
			too_long(f);
		if (!newline)
			return;
		if (!f->skipping)
			pass_lines(f, f->partial.at, f->partial.at + f->partial.len);
		f->skipping = false;
		buf_clear(&f->partial, KEEP_BYTES);
		bytes = newline + 1;
	}
	newline = memrchr(bytes, '\n', (size_t)(end - bytes));
	if (newline) {
		pass_lines(f, bytes, newline + 1);
		bytes = newline + 1;
	}
	buf_add(&f->partial, bytes, (size_t)(end - bytes));
}

static enum exit_status read_some(struct filter *f)
{
	ssize_t got = read(f->in, f->chunk, READ_BYTES);

	if (got > 0) {
		take(f, f->chunk, (size_t)got);
		return EXIT_DONE;
	}
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return EXIT_DONE;
	f->ended = true;
	if (got < 0) {
		warn("cannot read 'stdin': %s", strerror(errno));
		return EXIT_SYSTEM;
	}
	if (f->partial.len)
		take(f, "\n", 1);       /* the last line lacks it */
	return EXIT_DONE;
}

/* --- What is due --- */

static uint64_t next_due(const struct filter *f)
{
	return least(traffic_next(f->rig.traffic), traffic_deadline(f->rig.traffic));
}

static void do_due(struct filter *f)
{
	struct traffic *t = f->rig.traffic;
	struct traffic_message m;
	struct fault_out out;
	uint64_t next, clock = 0;

	while ((next = next_due(f)) != FAULT_NEVER) {
		if (next > clock)
			clock = clock_ns(f);
		if (next > clock || next >= f->options->until_ns)
			break;
		never_falling(f, next);
		if (next == traffic_deadline(t))
			traffic_advance(t, f->now_ns, &out);
		else if (traffic_take(t, f->now_ns, &m))
			buf_add(&f->output, m.line, m.len + 1);
		if (f->output.len > WAITS_BYTES_MAX)
			break;
	}
	if (f->rig.trace && clock >= f->flush_ns) {
		rig_flush(&f->rig);
		f->flush_ns = clock + FLUSH_NS;
	}
}

/* --- The loop --- */

static bool reads(const struct filter *f)
{
	return !f->ended && f->output.len < WAITS_BYTES_MAX &&
	       traffic_bytes_under_way(f->rig.traffic) < f->options->queue_bytes_max;
}

/* For bytes, for room, for what is due next. */
static void wait_for_some(struct filter *f, const sigset_t *mask, bool *readable)
{
	struct pollfd fd[2] = {
		{ .fd = reads(f) ? f->in : -1, .events = POLLIN },
		{ .fd = f->output.len ? f->out : -1, .events = POLLOUT },
	};
	uint64_t due = least(f->output.len > WAITS_BYTES_MAX ? FAULT_NEVER : next_due(f), f->options->until_ns), clock = clock_ns(f);
	struct timespec wait;

	if (f->rig.trace)
		due = least(due, f->flush_ns > clock ? f->flush_ns : clock + FLUSH_NS);
	due = due > clock ? due - clock : 0;
	wait = (struct timespec){ (time_t)(due / 1000000000), (long)(due % 1000000000) };
	*readable = ppoll(fd, 2, due < FAULT_NEVER / 2 ? &wait : NULL, mask) > 0 && fd[0].revents;
}

static bool over(const struct filter *f)
{
	return f->broken || asked_to_end || clock_ns(f) >= f->options->until_ns ||
	       (f->ended && !f->output.len && !traffic_under_way(f->rig.traffic));
}

static enum exit_status carry(struct filter *f, const sigset_t *mask)
{
	enum exit_status status = EXIT_DONE;
	bool readable = false;

	while (!over(f)) {
		if (readable)
			status = read_some(f);
		do_due(f);
		if (f->output.len && !f->broken)
			buf_drop(&f->output, write_some(f, f->output.at, f->output.len));
		if (!f->output.len)
			buf_clear(&f->output, KEEP_BYTES);
		if (!over(f))
			wait_for_some(f, mask, &readable);
	}
	return status;
}

/* What a signal ends is handled between two steps, so that the trace is whole; one that the caller ignores stays so. */
static void catch_signals(sigset_t *unblocked)
{
	static const int ours[] = { SIGTERM, SIGINT, SIGHUP };
	struct sigaction action = { .sa_handler = on_stop }, old;
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(ours) / sizeof(*ours); i++) {
		if (sigaction(ours[i], NULL, &old) || old.sa_handler == SIG_IGN)
			continue;
		sigaddset(&set, ours[i]);
		sigaction(ours[i], &action, NULL);
	}
	sigprocmask(SIG_BLOCK, &set, unblocked);
	signal(SIGPIPE, SIG_IGN);
}

static void open_ends(struct filter *f)
{
	f->in = own_descriptor(STDIN_FILENO);
	f->out = own_descriptor(STDOUT_FILENO);
	if (f->in < 0 || f->out < 0)
		die(EXIT_SYSTEM, "cannot use '%s': %s", f->in < 0 ? "stdin" : "stdout", strerror(errno));
	if (isatty(STDIN_FILENO))
		warn("reading lines from the terminal; ^D ends");
}

static void die_of(int sig, const sigset_t *mask)
{
	signal(sig, SIG_DFL);
	sigprocmask(SIG_SETMASK, mask, NULL);
	raise(sig);
}

enum exit_status filter_run(const struct net_options *options)
{
	static struct filter f;
	enum exit_status status;
	sigset_t mask;

	f.options = options;
	rig_open(&f.rig, options, 0);
	open_ends(&f);
	catch_signals(&mask);
	prctl(PR_SET_TIMERSLACK, 1);    /* a wait ends when it should, and not some 50 us later */
	f.plain = traffic_link(f.rig.traffic, "in", 2, "out", 3);
	f.started_ns = clock_ns(&f);
	status = carry(&f, &mask);
	if (f.broken && f.broken != EPIPE) {
		warn("cannot write 'stdout': %s", strerror(f.broken));
		status = EXIT_SYSTEM;
	}
	status = rig_close(&f.rig, never_falling(&f, clock_ns(&f)), status);
	buf_release(&f.partial);
	buf_release(&f.output);
	if (f.broken == EPIPE)
		die_of(SIGPIPE, &mask);
	if (asked_to_end)
		die_of(asked_to_end, &mask);
	return status;
}
