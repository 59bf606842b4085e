/*
 * lockstep: a run the time of which is that of its lines: each has `at`, and after each, and all that follows from it,
 * a line says so and when to be woken (faultline-protocol(7)).
 */
#include "lib/base/err.h"
#include "lib/load/inside.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Where nothing is due, a wake-up now and then does no harm. */
#define IDLE_NS (3600 * UINT64_C(1000000000))

static void write_all(struct load *l)
{
	size_t at = 0;

	while (at < l->out.len && !l->trouble) {
		ssize_t put = write(l->options->out, l->out.at + at, l->out.len - at);

		if (put < 0 && errno != EINTR)
			l->trouble = errno == EPIPE ? "the other side has closed the connection" : strerror(errno);
		if (put > 0)
			at += (size_t)put;
	}
	buf_clear(&l->out, 1 << 20);
}

static void say_idle(struct load *l)
{
	uint64_t due = load_due(l);

	if (due > l->now + IDLE_NS)
		due = l->now + IDLE_NS;
	wire_begin(&l->out, l->name, strlen(l->name), "net", 3);
	buf_puts(&l->out, "\"type\":\"idle\",\"wake\":");
	buf_u64(&l->out, due < WIRE_NUMBER_MAX ? due : WIRE_NUMBER_MAX);
	wire_end(&l->out);
}

static bool is_plain(struct wire_text name)
{
	for (size_t i = 0; i < name.len; i++)
		if (name.p[i] == '"' || name.p[i] == '\\' || (unsigned char)name.p[i] < ' ')
			return false;
	return name.len && name.len <= LOAD_NAME_BYTES_MAX;
}

/* The first line is for us: so we are called, if nothing else was said. */
static void take_name(struct load *l, const char *text, size_t len)
{
	struct wire_line line;

	if (l->options->name)
		return;
	if (!wire_parse(&line, text, len) && is_plain(line.dest))
		snprintf(l->name, sizeof(l->name), "%.*s", (int)line.dest.len, line.dest.p);
	else
		snprintf(l->name, sizeof(l->name), "kvload");
}

static void take_line(struct load *l, const char *line, size_t len)
{
	uint64_t at;

	if (answer_time(line, len, &at) && at > l->now)
		l->now = at;
	if (!l->workload) {
		take_name(l, line, len);
		load_open(l);
	}
	operation_answer(l, line, len);
	load_step(l);
	if (load_done(l))
		return;
	say_idle(l);
	write_all(l);
}

/* False: a signal came, or there is no more. */
static bool read_more(struct load *l, struct line_reader *in, const sigset_t *signals)
{
	struct pollfd fd = { .fd = l->options->in, .events = POLLIN };
	ssize_t got;

	if (ppoll(&fd, 1, NULL, signals) < 0)
		return !load_stopped;
	got = line_read(in, l->options->in);
	if (got < 0 && errno != EINTR && errno != EAGAIN)
		l->trouble = strerror(errno);
	return got;
}

void load_in_lockstep(struct load *l, const sigset_t *signals)
{
	struct line_reader in;
	enum line_status status;
	bool more = true;
	char *line;
	size_t len;

	line_init(&in, WIRE_LINE_BYTES_MAX);
	while (more && (!l->workload || !load_done(l))) {
		more = read_more(l, &in, signals);
		while ((!l->workload || !load_done(l)) && (status = line_next(&in, &line, &len)))
			take_line(l, status == LINE_WHOLE ? line : "", status == LINE_WHOLE ? len : 0);
	}
	line_release(&in);
	if (!l->workload)
		load_open(l);
	else
		write_all(l);
}
