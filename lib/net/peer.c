/*
 * Peers: nodes elsewhere, each behind a connection that we make, and make again whenever it is lost, for ever.
 *
 * At the other end there is a netfault that listens there, or the node itself, behind socat(1) say.  Lines for the
 * peer's name go out on its connection, and are lost while there is none.  What comes back is routed as
 * what any node prints: the answers to our clients come this way.
 *
 *     looking up a host's name -> connecting -> up -> (lost) -> waiting, 50 ms to 1 s -> ...
 */
#include "lib/net/inside.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	WAIT_MS_MIN = 50, WAIT_MS_MAX = 1000,   /* from one attempt to the next */
	ATTEMPT_MS = 2000,                      /* that one may take */
	FIRST_MS = 500,                         /* that the first ones are waited for */
};

static void attempt(struct peer *);

static void no_timer(struct peer *p)
{
	timer_free(p->timer);
	p->timer = NULL;
}

/* --- Up and down --- */

static void on_wait_over(void *owner)
{
	struct peer *p = owner;

	no_timer(p);
	attempt(p);
}

static void wait_for_next(struct peer *p)
{
	no_timer(p);
	p->timer = timer_new(&p->port.net->loop, p->wait_ms, 0, on_wait_over, p);
	p->wait_ms = 2 * p->wait_ms < WAIT_MS_MAX ? 2 * p->wait_ms : WAIT_MS_MAX;
}

/* Told once, however many attempts fail. */
static void failed(struct peer *p, const char *why)
{
	if (p->closed)
		return;
	if (!p->told)
		warn("peer '%s': cannot connect to '%s': %s", p->name, p->address.text, why);
	p->told = true;
	wait_for_next(p);
}

static void connected(struct peer *p, int fd)
{
	struct net *n = p->port.net;
	int out = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	if (out < 0) {
		int why = errno;

		close(fd);
		failed(p, strerror(why));
		return;
	}
	if (p->told)
		warn("peer '%s': connected to '%s'", p->name, p->address.text);
	p->told = false;
	p->since_ms = uv_now(&n->loop);
	p->up = true;
	n->peers_up++;
	port_open(&p->port, n, fd, out);
}

static void count_unsent(const struct peer *p)
{
	const char *at = p->port.queue.at, *end = at + p->port.queue.len;

	for (; at < end && (at = memchr(at, '\n', (size_t)(end - at))); at++)
		p->port.net->lost[LOSS_DOWN]++;
}

/* Clients that were behind it may be elsewhere by now. */
static void keep_own_name(struct peer *p)
{
	struct book *book = &p->port.net->book;

	book_forget(book, &p->port);
	if (!book_put(book, p->name, strlen(p->name), &p->port))
		assert(!"there was room for it");
}

void peer_lost(struct peer *p, int why)
{
	struct net *n = p->port.net;

	if (!p->up)             /* its input and its output may both tell */
		return;
	p->up = false;
	n->peers_up--;
	count_unsent(p);
	port_close(&p->port);
	p->port.broken = 0;
	port_release_held(&p->port);
	keep_own_name(p);
	if (n->ending)
		return;
	if (uv_now(&n->loop) - p->since_ms >= WAIT_MS_MAX)
		p->wait_ms = WAIT_MS_MIN;
	warn("peer '%s': the connection to '%s' is lost: %s", p->name, p->address.text,
	     why ? strerror(why) : "it was closed there");
	p->told = true;
	control_peer_down(n, p->name, false);
	wait_for_next(p);
}

/* --- An attempt --- */

/* The socket of an attempt, out of the loop; or closed. */
static int take_socket(struct peer *p, bool keep)
{
	int fd = -1;

	if (keep)
		fd = fcntl(p->connecting->fd, F_DUPFD_CLOEXEC, 0);
	watch_free(p->connecting);
	p->connecting = NULL;
	no_timer(p);
	return fd;
}

static void on_connected(void *owner)
{
	struct peer *p = owner;
	int why = address_error(p->connecting->fd), fd = take_socket(p, !why);

	if (!why && fd < 0)
		why = errno;
	if (why)
		failed(p, strerror(why));
	else
		connected(p, fd);
}

static void on_too_long(void *owner)
{
	struct peer *p = owner;

	take_socket(p, false);
	failed(p, strerror(ETIMEDOUT));
}

/* A host may have several addresses: each attempt is made at the next one. */
static void connect_to(struct peer *p)
{
	const struct addrinfo *host = p->hosts;
	size_t hosts = 0;
	int fd;

	for (const struct addrinfo *at = p->hosts; at; at = at->ai_next)
		hosts++;
	for (size_t skip = hosts ? p->attempts++ % hosts : 0; skip; skip--)
		host = host->ai_next;
	fd = address_connect_begin(&p->address, host);
	if (fd < 0) {
		failed(p, strerror(errno));
		return;
	}
	p->connecting = watch_new(&p->port.net->loop, fd, on_connected, p);
	watch_for(p->connecting, UV_WRITABLE);
	p->timer = timer_new(&p->port.net->loop, ATTEMPT_MS, 0, on_too_long, p);
}

static void on_found(uv_getaddrinfo_t *lookup, int status, struct addrinfo *hosts)
{
	struct peer *p = lookup->data;

	p->looking = false;
	if (p->hosts)
		uv_freeaddrinfo(p->hosts);
	p->hosts = hosts;
	if (p->closed) {
		uv_freeaddrinfo(p->hosts);
		p->hosts = NULL;
	} else if (status) {
		failed(p, uv_strerror(status));
	} else {
		connect_to(p);
	}
}

/* A name is looked up each time: a host may have moved. */
static void attempt(struct peer *p)
{
	struct addrinfo want = { .ai_socktype = SOCK_STREAM };
	int rc;

	if (p->address.is_unix) {
		connect_to(p);
		return;
	}
	p->lookup.data = p;
	rc = uv_getaddrinfo(&p->port.net->loop, &p->lookup, on_found, p->address.host, p->address.port, &want);
	p->looking = !rc;
	if (rc)
		failed(p, uv_strerror(rc));
}

/* --- The beginning and the end --- */

static void peer_open(struct net *n, struct peer *p, const struct net_peer *o)
{
	size_t room = strlen(o->name) + sizeof("peer ''");
	const char *why;

	if (address_parse(&p->address, o->address, &why))
		die_usage("--peer '%s=%s': %s", o->name, o->address, why);
	p->name = o->name;
	p->wait_ms = WAIT_MS_MIN;
	p->port.net = n;
	p->port.peer = p;
	p->port.label = must_malloc(room);
	snprintf(p->port.label, room, "peer '%s'", p->name);
	if (!book_put(&n->book, p->name, strlen(p->name), &p->port))
		die(EXIT_USAGE, "'%s' cannot be the name of a node", p->name);
}

/* Is some first attempt under way? */
static bool trying(const struct net *n)
{
	for (size_t i = 0; i < n->peers; i++)
		if (n->peer[i].looking || n->peer[i].connecting)
			return true;
	return false;
}

static void on_first_over(void *owner)
{
	*(bool *)owner = true;
}

void peer_open_all(struct net *n)
{
	bool over = false;
	struct timer *timer;

	n->peers = n->options->peers;
	n->peer = must_calloc(n->peers, sizeof(*n->peer));
	for (size_t i = 0; i < n->peers; i++)
		peer_open(n, &n->peer[i], &n->options->peer[i]);
	if (!n->peers)
		return;
	for (size_t i = 0; i < n->peers; i++)
		attempt(&n->peer[i]);
	timer = timer_new(&n->loop, FIRST_MS, 0, on_first_over, &over);
	while (trying(n) && !over && !n->signal)
		uv_run(&n->loop, UV_RUN_ONCE);
	timer_free(timer);
}

void peer_close_all(struct net *n)
{
	for (size_t i = 0; i < n->peers; i++) {
		struct peer *p = &n->peer[i];

		p->closed = true;
		if (p->up)
			port_flush(&p->port, false);
		if (p->connecting)
			take_socket(p, false);
		no_timer(p);
		port_close(&p->port);
		if (p->hosts)
			uv_freeaddrinfo(p->hosts);
		p->hosts = NULL;
		free(p->port.label);
		p->port.label = NULL;
	}
}

/* --- The order of all --- */

/* n2 before n10: digits count as a number. */
static int natural(const char *a, const char *b)
{
	static const char digits[] = "0123456789";

	while (*a && *b) {
		size_t in_a = strspn(a, digits), in_b = strspn(b, digits);

		if (!in_a || !in_b) {
			if (*a != *b)
				return (unsigned char)*a < (unsigned char)*b ? -1 : 1;
			a++;
			b++;
			continue;
		}
		for (; in_a > in_b && *a == '0'; in_a--)
			a++;
		for (; in_b > in_a && *b == '0'; in_b--)
			b++;
		if (in_a != in_b)
			return in_a < in_b ? -1 : 1;
		if (memcmp(a, b, in_a))
			return memcmp(a, b, in_a);
		a += in_a;
		b += in_b;
	}
	return *a ? 1 : *b ? -1 : 0;
}

static int by_name(const void *a, const void *b)
{
	const char *of_a = port_name(*(struct port *const *)a), *of_b = port_name(*(struct port *const *)b);
	int order = natural(of_a, of_b);

	return order ? order : strcmp(of_a, of_b);      /* n1 and n01 */
}

void peer_order(struct net *n)
{
	n->end = must_calloc(n->children + n->peers, sizeof(*n->end));
	for (size_t i = 0; i < n->children; i++)
		n->end[n->ends++] = &n->child[i].port;
	for (size_t i = 0; i < n->peers; i++)
		n->end[n->ends++] = &n->peer[i].port;
	if (n->peers)
		qsort(n->end, n->ends, sizeof(struct port *), by_name);
}
