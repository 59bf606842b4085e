/*
 * turn: a process is handed a line, and waited for until it says that it is done.
 *
 * One that speaks lockstep says so by a line, the last one that it prints.  One under `virtual` says so on a socket,
 * and then what it printed is in its pipe.
 */
#include "lib/lockstep/inside.h"
#include "lib/preload/virtual.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { KEEP_BYTES = 1 << 16, IDLE_BYTES_MAX = 1 << 10 };

static const char *kind(const struct party *p)
{
	return p->kind == PARTY_NODE ? "node" : "client";
}

static bool lasts(int why)
{
	return why == EAGAIN || why == EINTR;
}

/* --- Patience --- */

struct patience { unsigned begun, since; size_t got; bool polls; };

/* What came so far, in all: as long as it grows the process is not silent. */
static struct patience begin(const struct party *p)
{
	unsigned now = signals_ticks();

	return (struct patience){ .begun = now, .since = now, .got = p->output.len + p->input.len, .polls = p->input.len };
}

/* False: the wait is over, as somebody wants the run to end or as it has lasted too long. */
static bool goes_on(struct party *p, struct patience *w)
{
	if (p->output.len + p->input.len != w->got) {
		w->got = p->output.len + p->input.len;
		w->since = signals_ticks();
	}
	if (signals_came())
		return false;
	if (p->output.len > LOCKSTEP_TURN_BYTES_MAX) {
		told(p->l, "%s '%s' prints more than %d MiB and does not say idle", kind(p), p->name, LOCKSTEP_TURN_BYTES_MAX >> 20);
		run_stop(p->l, EXIT_SYSTEM);
		return false;
	}
	/* One that prints now and then, by its own clock, is never silent, and yet does not know how to. */
	if ((signals_ticks() - w->since) * LOCKSTEP_TICK_MS < LOCKSTEP_SILENT_MS &&
	    (signals_ticks() - w->begun) * LOCKSTEP_TICK_MS < LOCKSTEP_TURN_MS)
		return true;
	if (p->l->options->virtual_time)
		told(p->l, "%s '%s' does not take part in virtual time: it computes for more than %d s, or is no program that "
		     "loads libraries", kind(p), p->name, LOCKSTEP_SILENT_MS / 1000);
	else
		told(p->l, "%s '%s' does not answer in lockstep: a program that does not know it needs --virtual", kind(p), p->name);
	run_stop(p->l, EXIT_SYSTEM);
	return false;
}

/* --- By lines --- */

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static const char *back_over_space(const char *p)
{
	while (is_space(p[-1]))
		p--;
	return p;
}

/* The line without its member `at`, in l->without: with the comma behind it, or where it is the last, before it. */
static void take_out(struct lockstep *l, const char *line, size_t len, const struct wire_text value)
{
	const char *end = line + len, *next = value.p + value.len, *begin = back_over_space(value.p) - 1;

	for (begin = back_over_space(begin) - 2; *begin != '"'; begin--)
		;
	while (next < end && is_space(*next))
		next++;
	if (next < end && *next == ',')
		next++;
	else if (*(back_over_space(begin) - 1) == ',')
		begin = back_over_space(begin) - 1;
	buf_clear(&l->without, KEEP_BYTES);
	buf_add(&l->without, line, (size_t)(begin - line));
	buf_add(&l->without, next, (size_t)(end - next));
	buf_putc(&l->without, '\n');
}

/* The time as the first member of the line's object; one that is there already goes. */
static void put_stamped(struct party *p, const char *line, size_t len)
{
	struct buf *b = &p->l->line;
	struct wire_line parsed;
	size_t next = 1;

	for (; len && is_space(*line); len--)
		line++;
	if (!len || *line != '{') {
		pipe_put(p, "", 0, line, len);
		return;
	}
	if (memmem(line, len, "\"at\"", 4) && !wire_parse(&parsed, line, len) && parsed.at.kind != WIRE_ABSENT) {
		take_out(p->l, line, len, parsed.at.json);
		line = p->l->without.at;
		len = p->l->without.len - 1;
	}
	while (next < len && is_space(line[next]))
		next++;
	buf_clear(b, KEEP_BYTES);
	buf_puts(b, "{\"at\":");
	buf_u64(b, p->shown_ns);
	if (next < len && line[next] != '}')
		buf_putc(b, ',');
	pipe_put(p, b->at, b->len, line + 1, len - 1);
}

static void put_tick(struct party *p)
{
	struct buf *b = &p->l->line;

	buf_clear(b, KEEP_BYTES);
	buf_puts(b, "{\"at\":");
	buf_u64(b, p->shown_ns);
	buf_puts(b, ",\"src\":\"net\",\"dest\":\"");
	buf_puts(b, p->name);
	buf_puts(b, "\",\"body\":{\"type\":\"tick\"}}\n");
	pipe_put(p, "", 0, b->at, b->len - 1);
}

static bool is(struct wire_text t, const char *s, size_t len)
{
	return t.len == len && !memcmp(t.p, s, len);
}

/* Is the line an idle?  Then when it wants to be woken is known. */
static bool is_idle(struct party *p, const char *line, size_t len)
{
	struct wire_line parsed;
	struct wire_value value[2];
	struct wire_text src, dest;

	if (len > IDLE_BYTES_MAX || wire_route(line, len, &src, &dest) || !is(dest, "net", 3))
		return false;
	if (wire_parse(&parsed, line, len) || !is(parsed.type, "idle", 4))
		return false;
	wire_body(p->l->wire_names, parsed.body, value);
	/* The last time that can be told is none. */
	if (!wire_u64(&value[0], &p->wake_shown_ns) || p->wake_shown_ns >= WIRE_NUMBER_MAX - 1)
		p->wake_shown_ns = FAULT_NEVER;
	return true;
}

/* Looks at what was printed and not looked at before. */
static bool find_idle(struct party *p)
{
	const char *at = p->output.at, *newline;

	while ((newline = p->output.len > p->seen ? memchr(at + p->seen, '\n', p->output.len - p->seen) : NULL)) {
		size_t next = (size_t)(newline + 1 - at);

		if (is_idle(p, at + p->line, next - 1 - p->line)) {
			p->turn_end = p->line;
			p->turn_next = next;
			return true;
		}
		p->line = p->seen = next;
	}
	p->seen = p->output.len;
	return false;
}

/* No more comes: what was printed is the turn's; its last line may lack the newline. */
static void end_output(struct party *p)
{
	if (p->talk < 0 && find_idle(p)) {
		p->turn_next = p->output.len;
		return;
	}
	if (p->output.len && p->output.at[p->output.len - 1] == '}')
		buf_putc(&p->output, '\n');
	p->turn_end = p->turn_next = p->output.len;
}

/* Lines that it printed when it was not its turn would be heard at a time that depends on the machine. */
static void drop_late(struct party *p)
{
	if (!p->output.len)
		return;
	if (!p->told_late)
		told(p->l, "%s '%s' prints after it has said idle: that is lost", kind(p), p->name);
	p->told_late = true;
	p->l->lost[LOSS_NO_MESSAGE]++;
	buf_clear(&p->output, KEEP_BYTES);
}

static bool turn_by_lines(struct party *p, const char *line, size_t len)
{
	struct patience wait;
	ssize_t got;

	drop_late(p);
	p->line = p->seen = p->turn_end = p->turn_next = 0;
	if (line)
		put_stamped(p, line, len);
	else
		put_tick(p);
	for (wait = begin(p);;) {
		if (wait.polls)
			pipe_any(p, -1);
		pipe_block(p, !wait.polls);
		got = pipe_read(p);
		if (got > 0 && find_idle(p))
			return true;
		if (got > 0 && !wait.polls && p->output.len <= LOCKSTEP_TURN_BYTES_MAX)
			continue;
		if (!got || (got < 0 && !lasts(errno)) || process_gone(p, false))
			break;
		if (!goes_on(p, &wait))
			return false;
		wait.polls = true;
	}
	pipe_drain(p);
	end_output(p);
	return false;
}

/* --- By the socket --- */

static uint64_t shown(const struct party *p, uint64_t at_ns)
{
	return at_ns == FAULT_NEVER ? at_ns : clock_shows(&p->clock, at_ns);
}

/* What it said, as of now: all that was printed has come. */
static void take_idle(struct party *p, const struct virtual_idle *idle)
{
	uint64_t busy = clock_when(&p->clock, idle->now_ns);

	pipe_drain(p);
	p->wake_shown_ns = idle->wake_ns;
	p->shown_ns = idle->now_ns > p->shown_ns ? idle->now_ns : p->shown_ns;
	p->busy_ns = busy > p->l->now_ns ? busy : p->l->now_ns;
	p->turn_end = p->output.len;
	while (p->turn_end && p->output.at[p->turn_end - 1] != '\n')
		p->turn_end--;
	p->turn_next = p->turn_end;
	if (!idle->refuse)
		return;
	told(p->l, "%s '%s' asks for what virtual time does not have", kind(p), p->name);
	run_stop(p->l, EXIT_SYSTEM);
}

static bool turn_by_socket(struct party *p, const char *line, size_t len)
{
	struct virtual_go go = {
		.at_ns = p->shown_ns, .until_ns = shown(p, run_until(p->l)), .bytes = line ? len + 1 : 0,
	};
	struct virtual_idle idle;
	struct patience wait;

	if (line)
		pipe_put(p, "", 0, line, len);
	/* Where that fails it has ended, as is seen below. */
	(void)!send(p->talk, &go, sizeof(go), MSG_NOSIGNAL);
	for (wait = begin(p);;) {
		ssize_t got;

		if (wait.polls) {
			pipe_any(p, p->talk);
			pipe_drain(p);          /* it may wait for room in its stdout */
		}
		got = recv(p->talk, &idle, sizeof(idle), wait.polls ? MSG_DONTWAIT : 0);
		if (got == sizeof(idle)) {
			take_idle(p, &idle);
			return true;
		}
		if (got >= 0 || !lasts(errno) || process_gone(p, false)) {
			pipe_drain(p);
			end_output(p);
			return false;
		}
		if (!goes_on(p, &wait))
			return false;
		wait.polls = true;
	}
}

bool turn(struct party *p, const char *line, size_t len)
{
	uint64_t shows = clock_shows(&p->clock, p->l->now_ns);
	bool lives;

	if (shows > p->shown_ns)
		p->shown_ns = shows;
	p->busy_ns = p->l->now_ns;
	p->wake_shown_ns = FAULT_NEVER;
	lives = p->talk >= 0 ? turn_by_socket(p, line, len) : turn_by_lines(p, line, len);
	process_words(p);
	return lives;
}

void turn_done(struct party *p)
{
	buf_drop(&p->output, p->turn_next);
	p->turn_end = p->turn_next = 0;
	if (!p->output.len)
		buf_clear(&p->output, KEEP_BYTES);
}
