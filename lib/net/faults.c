/*
 * Faults in real time: lines that pass the faulty network, those that waited there, and what befalls processes.
 *
 * While nothing is in force, nothing is under way and nothing is recorded, lines go by without (route).  Else each is
 * sent through lib/traffic; at the end of every turn, what is due is done in the order of its times: lines arrive,
 * faults begin and end.  One descriptor of a timer wakes the loop for the next of them: libuv's own timers know
 * milliseconds alone.
 *
 * Invariant: times told to lib/traffic never fall.
 */
#include "lib/net/inside.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum {
	UNDER_WAY_QUEUES = 16,          /* so many times --queue may be under way altogether */
	FLUSH_MS = 1000,                /* between writes of a trace, if it is not long */
	BURST_BYTES = 1 << 16,          /* of what arrives at once for one end are written before the turn is over */
};

/* --- Time --- */

static uint64_t clock_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static uint64_t never_falling(struct net *n, uint64_t ns)
{
	if (ns > n->now_ns)
		n->now_ns = ns;
	return n->now_ns;
}

static uint64_t now(struct net *n)
{
	return never_falling(n, clock_ns() - n->started_ns);
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static void on_due(void *owner)
{
	struct net *n = owner;
	uint64_t times;

	/* What is due is done at the end of the turn. */
	if (read(n->due->fd, &times, sizeof(times)) == sizeof(times))
		n->due_ns = FAULT_NEVER;
}

/* The loop wakes then at the latest; once too often, where it was to wake before, does no harm. */
static void wake_at(struct net *n, uint64_t ns)
{
	uint64_t at = ns < FAULT_NEVER - n->started_ns ? n->started_ns + ns : FAULT_NEVER;
	struct itimerspec when = { .it_value = { (time_t)(at / 1000000000), (long)(at % 1000000000) } };

	if (ns >= n->due_ns)
		return;
	if (timerfd_settime(n->due->fd, TFD_TIMER_ABSTIME, &when, NULL))
		die(EXIT_SYSTEM, "cannot set a timer: %s", strerror(errno));
	n->due_ns = ns;
}

/* --- Lines --- */

static bool is(struct wire_text a, const char *name)
{
	return a.len == strlen(name) && !memcmp(a.p, name, a.len);
}

static struct wire_text text_of(const char *s)
{
	return (struct wire_text){ s, strlen(s) };
}

static struct traffic_link *link_of(struct net *n, struct wire_text from, struct wire_text to)
{
	return traffic_link(n->rig.traffic, from.p, from.len, to.p, to.len);
}

static bool has_name(const struct port *p, struct wire_text name)
{
	return port_is_node(p) && is(name, port_name(p));
}

/* Where the line of a link goes now: a node, or who used the client's name last. */
static struct port *end_of(struct net *n, struct traffic_link *link, struct wire_text to)
{
	void **of = traffic_link_of(link);
	struct port *p = *of;

	if (p)
		return p;
	p = book_find(&n->book, to.p, to.len);
	if (p && has_name(p, to))
		*of = p;                /* it stays its own */
	return p;
}

/* A client's request has arrived: now an answer can be expected. */
static void count_asked(struct net *n, struct wire_text from, struct wire_text to, const char *line, size_t len)
{
	struct port *client = book_find(&n->book, from.p, from.len);

	if (client && !port_is_node(client) && route_asks(line, len, to))
		client->asked++;
}

/* Why a line could not be put there. */
static const char *why_not(const struct port *p)
{
	return p->out && !p->broken ? "queue" : port_is_node(p) ? "down" : "nobody";
}

/* `line` and its newline. */
static void deliver(struct net *n, struct traffic_link *link, struct wire_text from, struct wire_text to, const char *line,
		    size_t len)
{
	struct port *p = end_of(n, link, to);
	const char *why = NULL;

	if (!p) {
		route_nobody(n, from, to);
		why = "nobody";
	} else if (!port_is_up(p)) {
		n->lost[LOSS_DOWN]++;
		why = "down";
	} else if (!port_put(p, line, len + 1, 1)) {
		why = why_not(p);
	} else {
		count_asked(n, from, to, line, len);
		if (p->queue.len >= BURST_BYTES && !p->full)
			port_flush(p, false);
	}
	if (why)
		traffic_undelivered(n->rig.traffic, n->now_ns, link, why);
}

/* The sender's name on the network: a node's is its own, whatever it writes. */
static struct wire_text sender(const struct port *from, struct wire_text src)
{
	return from->child ? text_of(from->child->name) : src;
}

/* A client that fills a node, or the network, is held back. */
static void hold_back(struct net *n, struct port *from, struct port *to)
{
	if (to->queue.len > n->hold_bytes && !faults_paused(to))
		from->held_by = to;
	if (traffic_bytes_under_way(n->rig.traffic) > n->options->queue_bytes_max / 2)
		n->crowded = true;
}

void faults_look(struct net *n)
{
	n->faulty = !traffic_idle(n->rig.traffic);
	if (n->faulty)
		now(n);
}

void faults_send(struct net *n, struct port *from, const char *line, size_t len, struct wire_text src, struct wire_text dest)
{
	bool of_node = port_is_node(from), to_node;
	struct traffic_link *link;
	struct port *to;

	src = sender(from, src);
	if (is(dest, "net")) {
		faults_tell(n, src, dest, line, len);
		control_line(n, from, line, len);
		return;
	}
	if (is(dest, "*") && !of_node) {
		to = route_favourite(n, from);
		if (!to)
			return;
		dest = text_of(port_name(to));
	}
	link = link_of(n, src, dest);
	to = end_of(n, link, dest);
	to_node = *traffic_link_of(link) != NULL;
	traffic_link_elsewhere(link, from->peer ? !to_node : !of_node);
	if (to && !port_is_node(to) && route_answers(line, len, dest))
		route_answered(from, to, line, len);
	if (traffic_send(n->rig.traffic, n->now_ns, link, line, len))
		deliver(n, link, src, dest, line, len);
	if (!of_node && to_node)
		hold_back(n, from, to);
}

void faults_tell(struct net *n, struct wire_text src, struct wire_text dest, const char *line, size_t len)
{
	if (n->rig.trace)
		traffic_tell(n->rig.traffic, now(n), link_of(n, src, dest), line, len);
}

void faults_untell(struct net *n, struct wire_text src, struct wire_text dest, struct port *to)
{
	if (n->rig.trace)
		traffic_undelivered(n->rig.traffic, n->now_ns, link_of(n, src, dest), why_not(to));
}

/* --- Processes --- */

bool faults_paused(const struct port *p)
{
	return p->child && p->child->paused;
}

/* Nobody waits for one that cannot read. */
static void release_all(struct net *n, struct port *to)
{
	to->holds = false;
	for (struct port *p = n->clients; p; p = p->next) {
		if (p->held_by != to)
			continue;
		p->held_by = NULL;
		if (p->in && !p->gone)
			watch_for(p->in, UV_READABLE);
	}
}

static void pause_child(struct child *c)
{
	if (!c->pid)
		return;
	kill(-c->pid, SIGSTOP);
	c->paused = true;
	release_all(c->port.net, &c->port);
}

static void resume_child(struct child *c)
{
	if (c->pid)
		kill(-c->pid, SIGCONT);
	c->paused = false;
}

static void befall(struct child *c, const struct fault_order *o)
{
	switch (o->kind) {
	case FAULT_ORDER_CRASH:
		control_kill(c, false);
		break;
	case FAULT_ORDER_RESTART:
		/* At the end of a crash: what has been started again in the meantime goes on. */
		if (!o->ends || !c->pid || c->asked_to_end)
			control_kill(c, true);
		break;
	case FAULT_ORDER_PAUSE:
		pause_child(c);
		break;
	case FAULT_ORDER_RESUME:
		resume_child(c);
		break;
	default:
		break;                  /* the network's own, and done */
	}
}

static void carry_out(struct net *n, const struct fault_out *out)
{
	n->faulty = true;
	for (size_t i = 0; i < out->count && !n->ending; i++) {
		const struct fault_order *o = &out->orders[i];
		const char *name = o->nodes;
		struct port *p;
		size_t len;

		if (o->kind < FAULT_ORDER_CRASH || o->kind > FAULT_ORDER_RESUME || !name)
			continue;
		for (; *name; name += len + (name[len] != '\0')) {
			len = strcspn(name, ",|");
			p = book_find(&n->book, name, len);
			if (p && p->child)
				befall(p->child, o);
		}
	}
}

const char *faults_order(struct net *n, const struct fault_order *order, uint64_t *id)
{
	struct fault_out out;
	const char *why = traffic_order(n->rig.traffic, now(n), order, &out);

	if (why)
		return why;
	*id = 0;
	for (size_t i = 0; i < out.count; i++)
		if (!out.orders[i].ends && out.orders[i].kind == order->kind)
			*id = out.orders[i].id;
	carry_out(n, &out);
	return NULL;
}

void faults_in_force(struct net *n, struct fault_out *out)
{
	fault_net_in_force(traffic_faults(n->rig.traffic), now(n), out);
}

void faults_started(struct child *c)
{
	struct net *n = c->port.net;

	c->paused = false;
	if (n->rig.trace)
		trace_start(traffic_trace(n->rig.traffic), now(n), c->name);
}

void faults_ended(struct child *c, int status)
{
	struct net *n = c->port.net;

	if (n->rig.trace)
		trace_death(traffic_trace(n->rig.traffic), now(n), c->name, status, c->asked_to_end);
}

/* --- What is due --- */

/* Clients that the crowded network held back go on. */
static void go_on(struct net *n)
{
	if (!n->crowded || traffic_bytes_under_way(n->rig.traffic) > n->options->queue_bytes_max / 4)
		return;
	n->crowded = false;
	for (struct port *p = n->clients; p; p = p->next)
		if (p->in && !p->gone)
			watch_for(p->in, UV_READABLE);
}

static void arrive(struct net *n)
{
	struct traffic_message m;
	bool of_clients = traffic_clients_under_way(n->rig.traffic);

	if (traffic_take(n->rig.traffic, n->now_ns, &m))
		deliver(n, m.link, m.from, m.to, m.line, m.len);
	/* One that has ended may have waited for that. */
	if (of_clients && !traffic_clients_under_way(n->rig.traffic))
		for (struct port *p = n->clients; p; p = p->next)
			port_touch(p);
}

void faults_turn(struct net *n)
{
	struct traffic *t = n->rig.traffic;
	uint64_t clock = 0, next;
	struct fault_out out;

	if (!n->due)
		return;                 /* it ends before it began */
	while ((next = least(n->until_ns, least(traffic_next(t), traffic_deadline(t)))) != FAULT_NEVER) {
		if (next > clock)
			clock = clock_ns() - n->started_ns;
		if (next > clock)
			break;
		never_falling(n, next);
		if (next == traffic_deadline(t)) {
			traffic_advance(t, n->now_ns, &out);
			carry_out(n, &out);
		} else if (next == n->until_ns) {
			n->until_ns = FAULT_NEVER;
			net_end(n);
		} else {
			arrive(n);
		}
	}
	go_on(n);
	wake_at(n, next);
}

static void on_flush(void *owner)
{
	struct net *n = owner;

	rig_flush(&n->rig);
}

void faults_open(struct net *n)
{
	rig_open(&n->rig, n->options, UNDER_WAY_QUEUES * n->options->queue_bytes_max);
	n->until_ns = n->options->until_ns;
	n->due_ns = FAULT_NEVER;
}

void faults_start(struct net *n)
{
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);

	if (fd < 0)
		die(EXIT_SYSTEM, "cannot make a timer: %s", strerror(errno));
	n->due = watch_new(&n->loop, fd, on_due, n);
	watch_for(n->due, UV_READABLE);
	n->started_ns = clock_ns();
	if (n->rig.trace)
		n->flush = timer_new(&n->loop, FLUSH_MS, 1, on_flush, n);
}

void faults_close(struct net *n)
{
	watch_free(n->due);
	timer_free(n->flush);
	n->status = rig_close(&n->rig, now(n), n->status);
}
