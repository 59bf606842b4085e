/*
 * load: see load.h
 *
 * All requests have the same time to live, and all that wait to be asked again wait as long: so two lists
 * in order of time are all the clocks there are.  The time is read once a turn, before the answers of one
 * read are taken; requests that follow from them leave in one write.
 */
#include "lib/load/load.h"
#include "lib/base/err.h"
#include "lib/base/line.h"
#include "lib/load/answer.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MS UINT64_C(1000000)
#define NEVER UINT64_MAX

enum { NONE = UINT32_MAX, STATUS_EVERY_MS = 10, PREFIX_BYTES_MAX = 16, KEEP_BYTES = 1 << 20 };

enum state { IDLE, ASKING, RETRYING };

struct client {
	enum state state;
	bool measured;                  /* the operation began after the warm-up */
	uint32_t before, after;         /* in the list of its state */
	uint64_t began_ns;              /* the operation */
	uint64_t asked_ns;              /* the request, or when the answer came that has it wait */
	uint64_t msg_id;                /* of the last request */
	struct op op;
};

/* Clients by asked_ns. */
struct list {
	uint32_t first, last;
};

struct load {
	const struct load_options *options;
	struct load_result *result;
	struct workload *workload;
	struct client *client;          /* one more than asked for: the last asks for the leader */
	struct list list[3];
	struct line_reader in;
	struct buf out;
	struct buf dest;                /* `","dest":"n1","body":{`; empty while the leader is not known */
	char prefix[PREFIX_BYTES_MAX];  /* of the clients' names */
	size_t prefix_len;
	uint64_t now, measure_ns, end_ns;       /* measure: the warm-up is over; end: no operation begins */
	uint64_t begun;                 /* measured operations */
	uint64_t last_answer_ns;
	const char *trouble;
};

static volatile sig_atomic_t stopped;

void load_stop(void)
{
	stopped = 1;
}

static uint64_t clock_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 * MS + (uint64_t)t.tv_nsec;
}

/* --- Lists --- */

static void leave(struct load *l, uint32_t i)
{
	struct client *c = &l->client[i];
	struct list *list = &l->list[c->state];

	*(c->before == NONE ? &list->first : &l->client[c->before].after) = c->after;
	*(c->after == NONE ? &list->last : &l->client[c->after].before) = c->before;
}

static void enter(struct load *l, uint32_t i, enum state state)
{
	struct client *c = &l->client[i];
	struct list *list = &l->list[state];

	c->state = state;
	c->asked_ns = l->now;
	c->before = list->last;
	c->after = NONE;
	*(list->last == NONE ? &list->first : &l->client[list->last].after) = i;
	list->last = i;
}

static void move(struct load *l, uint32_t i, enum state state)
{
	leave(l, i);
	enter(l, i, state);
}

/* --- Requests --- */

static void put_src(struct load *l, uint32_t i)
{
	buf_add(&l->out, "{\"src\":\"", 8);
	buf_add(&l->out, l->prefix, l->prefix_len);
	buf_u64(&l->out, i);
}

static void ask(struct load *l, uint32_t i)
{
	struct client *c = &l->client[i];

	c->msg_id++;
	put_src(l, i);
	buf_add(&l->out, l->dest.at, l->dest.len);
	workload_put(l->workload, &c->op, c->msg_id, &l->out);
	buf_add(&l->out, "}}\n", 3);
	move(l, i, ASKING);
}

static void set_dest(struct load *l, const char *dest, size_t len)
{
	buf_clear(&l->dest, KEEP_BYTES);
	buf_puts(&l->dest, "\",\"dest\":");
	wire_put_string(&l->dest, dest, len);
	buf_puts(&l->dest, ",\"body\":{");
}

static void ask_leader(struct load *l)
{
	uint32_t i = l->options->clients;
	struct client *c = &l->client[i];

	if (l->options->to || c->state != IDLE || (c->msg_id && l->now < c->asked_ns + STATUS_EVERY_MS * MS))
		return;
	c->msg_id++;
	put_src(l, i);
	buf_printf(&l->out, "\",\"dest\":\"*\",\"body\":{\"type\":\"status\",\"msg_id\":%ju}}\n", (uintmax_t)c->msg_id);
	move(l, i, ASKING);
}

static bool over(const struct load *l)
{
	return stopped || l->now >= l->end_ns || (l->options->ops && l->begun >= l->options->ops);
}

/* The next operation, if there is one. */
static void begin(struct load *l, uint32_t i)
{
	struct client *c = &l->client[i];

	if (over(l))
		return;
	workload_draw(l->workload, &c->op);
	c->began_ns = l->now;
	c->measured = l->now >= l->measure_ns;
	l->begun += c->measured;
	ask(l, i);
}

static void begin_idle(struct load *l)
{
	for (uint32_t i = l->list[IDLE].first, next; i != NONE && l->dest.len; i = next) {
		next = l->client[i].after;
		if (i < l->options->clients)
			begin(l, i);
	}
}

/* --- Answers --- */

/* An answer that tells what the store has. */
static void record(struct load *l, const struct client *c)
{
	struct load_result *r = l->result;
	uint64_t gap = l->now - (l->last_answer_ns > l->measure_ns ? l->last_answer_ns : l->measure_ns);

	r->ops++;
	histogram_add(&r->latency_ns[c->op.kind], l->now - c->began_ns);
	r->seconds_ns = l->now - l->measure_ns;
	if (gap > r->gap_ns && l->now < l->end_ns)
		r->gap_ns = gap;
}

static bool leaves_open(int code)
{
	return code == WIRE_TIMEOUT || code == WIRE_CRASH || code >= LOAD_CODES - 1;
}

/* True: the operation is over. */
static bool take_code(struct load *l, uint32_t i, int code)
{
	struct client *c = &l->client[i];
	struct load_result *r = l->result;

	if (code == ANSWER_OK)
		workload_done(l->workload, &c->op);
	else if (c->measured)
		r->error[code < LOAD_CODES ? code : LOAD_CODES - 1]++;
	if (code == WIRE_UNAVAILABLE) {
		r->retries += c->measured;
		move(l, i, RETRYING);
		ask_leader(l);
		return false;
	}
	if (code == ANSWER_OK || code == WIRE_NO_KEY || code == WIRE_PRECONDITION) {
		if (c->measured)
			record(l, c);
		l->last_answer_ns = l->now;
	} else if (c->measured) {
		r->unknown += leaves_open(code);
		r->failed += !leaves_open(code);
	}
	return true;
}

static void take_line(struct load *l, const char *line, size_t len)
{
	struct answer a;
	struct client *c;

	if (!answer_read(&a, line, len, l->prefix, l->prefix_len) || a.client > l->options->clients)
		return;
	c = &l->client[a.client];
	if (c->state != ASKING || c->msg_id != a.msg_id)
		return;                 /* it came too late, or twice */
	if (a.client == l->options->clients) {
		char leader[WIRE_NAME_BYTES_MAX + 1];
		size_t n = answer_leader(line, len, leader);

		if (n)
			set_dest(l, leader, n);
		move(l, a.client, IDLE);
	} else if (take_code(l, a.client, a.code)) {
		move(l, a.client, IDLE);
		begin(l, a.client);
	}
}

/* --- Time --- */

static void give_up_late(struct load *l)
{
	uint32_t i;

	while ((i = l->list[ASKING].first) != NONE && l->now >= l->client[i].asked_ns + l->options->timeout_ns) {
		if (i < l->options->clients && l->client[i].measured) {
			l->result->unknown++;
			l->result->unanswered++;
		}
		move(l, i, IDLE);
		ask_leader(l);
	}
}

static void ask_again(struct load *l)
{
	uint32_t i;

	while ((i = l->list[RETRYING].first) != NONE && l->now >= l->client[i].asked_ns + LOAD_RETRY_MS * MS) {
		if (stopped || l->now >= l->end_ns || l->now >= l->client[i].began_ns + l->options->timeout_ns) {
			l->result->failed += l->client[i].measured;
			move(l, i, IDLE);
		} else {
			ask(l, i);
		}
	}
}

static uint64_t first_asked(const struct load *l, enum state state)
{
	return l->list[state].first == NONE ? NEVER : l->client[l->list[state].first].asked_ns;
}

static void earlier(uint64_t *due, uint64_t began, uint64_t ns)
{
	if (began != NEVER && began + ns < *due)
		*due = began + ns;
}

/* How long to wait at the most, in milliseconds, rounded up. */
static int patience(const struct load *l)
{
	uint64_t due = l->dest.len && l->now < l->end_ns ? l->end_ns : NEVER;

	earlier(&due, first_asked(l, ASKING), l->options->timeout_ns);
	earlier(&due, first_asked(l, RETRYING), LOAD_RETRY_MS * MS);
	if (!l->dest.len)
		earlier(&due, l->now, STATUS_EVERY_MS * MS);
	if (due == NEVER || due > l->now + 1000 * MS)
		return 1000;
	return due <= l->now ? 0 : (int)((due - l->now + MS - 1) / MS);
}

/* --- The stream --- */

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
			take_line(l, line, len);
}

static void turn(struct load *l)
{
	struct pollfd fd[2];

	l->now = clock_ns();
	give_up_late(l);
	ask_again(l);
	if (!l->dest.len)
		ask_leader(l);
	begin_idle(l);
	write_out(l);
	fd[0] = (struct pollfd){ .fd = l->options->in, .events = POLLIN };
	fd[1] = (struct pollfd){ .fd = l->out.len ? l->options->out : -1, .events = POLLOUT };
	if (!l->trouble && poll(fd, 2, patience(l)) > 0 && fd[0].revents)
		read_in(l);
}

/* All was begun that should be, and is over. */
static bool done(const struct load *l)
{
	return over(l) && (stopped || (l->list[ASKING].first == NONE && l->list[RETRYING].first == NONE));
}

/* --- The whole --- */

static void open_load(struct load *l)
{
	const struct load_options *o = l->options;
	uint64_t state = o->workload.seed;

	l->prefix_len = (size_t)snprintf(l->prefix, sizeof(l->prefix), "c%08x-", (unsigned)workload_random(&state));
	l->workload = workload_new(&o->workload);
	l->client = must_calloc(o->clients + 1, sizeof(*l->client));
	for (int i = 0; i < 3; i++)
		l->list[i] = (struct list){ NONE, NONE };
	for (uint32_t i = 0; i <= o->clients; i++)
		enter(l, i, IDLE);
	line_init(&l->in, WIRE_LINE_BYTES_MAX);
	if (o->to)
		set_dest(l, o->to, strlen(o->to));
}

static void close_load(struct load *l)
{
	workload_free(l->workload);
	free(l->client);
	line_release(&l->in);
	buf_release(&l->out);
	buf_release(&l->dest);
}

/* False: there is none, for as long as a request may take. */
static bool find_leader(struct load *l)
{
	uint64_t patience_ends = clock_ns() + l->options->timeout_ns;

	while (!l->dest.len && !stopped && !l->trouble) {
		turn(l);
		if (l->now > patience_ends)
			return false;
	}
	return true;
}

const char *load_run(const struct load_options *options, struct load_result *result)
{
	struct load l = { .options = options, .result = result };

	*result = (struct load_result){ .ops = 0 };
	open_load(&l);
	if (!find_leader(&l))
		l.trouble = "no node tells of a leader";
	l.now = clock_ns();
	l.measure_ns = l.now + options->warmup_ns;
	l.end_ns = options->ops ? NEVER : l.measure_ns + options->time_ns;
	while (!done(&l) && !l.trouble)
		turn(&l);
	close_load(&l);
	return l.trouble;
}
