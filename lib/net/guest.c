/*
 * Clients: netfault's own stdin and stdout, and connections.
 *
 * A client whose input has ended is kept until its requests are answered or `drain_ms` is over.  netfault
 * itself has nothing left to do when its own client is done and nothing listens.
 */
#include "lib/net/inside.h"
#include "lib/net/own.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	ACCEPTS_MAX = 64,               /* in a turn */
	DRAIN_LOOK_MS = 5,              /* between looks whether all is done */
};

static struct port *guest_new(struct net *n, const char *label, int in, int out)
{
	struct port *p = must_calloc(1, sizeof(*p));

	p->label = must_strdup(label);
	port_open(p, n, in, out);
	p->next = n->clients;
	n->clients = p;
	n->client_count++;
	return p;
}

/* --- Its end --- */

/* A connection that waited may be taken now. */
static void accept_more(struct net *n)
{
	for (size_t i = 0; i < n->listeners; i++)
		watch_for(n->listener[i].watch, UV_READABLE);
}

static void close_client(struct port *p)
{
	struct net *n = p->net;

	if (p->gone)
		return;
	p->gone = true;
	timer_free(p->drain);
	p->drain = NULL;
	book_forget(&n->book, p);
	port_close(p);
	port_touch(p);
	n->client_count--;
	accept_more(n);
	if (p != n->own)
		return;
	n->own = NULL;
	if (!n->listeners)
		net_end(n);
}

void guest_free(struct port *p)
{
	struct port **at = &p->net->clients;

	while (*at != p)
		at = &(*at)->next;
	*at = p->next;
	free(p->label);
	free(p);
}

/* Has some node not read yet what it was sent? */
static bool unread(const struct net *n)
{
	for (size_t i = 0; i < n->peers; i++)
		if (n->peer[i].port.queue.len)
			return true;
	for (size_t i = 0; i < n->children; i++) {
		const struct port *p = &n->child[i].port;
		int waits = 0;

		if (!n->child[i].up || !p->out || n->child[i].paused)
			continue;
		if (p->queue.len || (!ioctl(p->out->fd, FIONREAD, &waits) && waits))
			return true;
	}
	return false;
}

/* Is there nobody who could answer any more? */
static bool nobody(const struct net *n)
{
	return !n->up && !n->peers && !n->options->restart;
}

/* Its requests are answered, and what it said besides has been read. */
static bool settled(const struct port *p)
{
	if (p->queue.len || traffic_clients_under_way(p->net->rig.traffic))
		return false;
	return nobody(p->net) || (p->answered >= p->asked && (p != p->net->own || !unread(p->net)));
}

static void on_drain(void *owner)
{
	struct port *p = owner;
	bool in_time = uv_now(&p->net->loop) < p->drain_ends_ms || !p->drain_late;

	/* Where we were kept from running, answers may have come in time: they are read before the next look. */
	p->drain_late = uv_now(&p->net->loop) >= p->drain_ends_ms;
	/* stdout is waited for as long as it takes, as by any filter. */
	if (!settled(p) && (in_time || (p == p->net->own && p->queue.len)))
		return;
	if (p->asked > p->answered)
		warn("%s: %ju of %ju requests have no answer after %ju ms", p->label,
		     (uintmax_t)(p->asked - p->answered), (uintmax_t)p->asked, (uintmax_t)p->net->options->drain_ms);
	close_client(p);
}

static void drain(struct port *p)
{
	uv_loop_t *loop = &p->net->loop;

	p->drain = timer_new(loop, DRAIN_LOOK_MS, 1, on_drain, p);
	p->drain_ends_ms = uv_now(loop) + p->net->options->drain_ms;
}

void guest_ended(struct port *p, int why)
{
	struct net *n = p->net;

	watch_free(p->in);
	p->in = NULL;
	if (why && p == n->own) {
		warn("cannot read 'stdin': %s", strerror(why));
		n->status = EXIT_SYSTEM;
	}
	if (why && p != n->own)
		close_client(p);        /* a connection that was reset */
	else if (settled(p))
		close_client(p);
	else
		drain(p);
}

/* Output failed: nobody reads it any more, or the disk is full. */
static void broken(struct port *p)
{
	struct net *n = p->net;

	if (p == n->own && p->broken == EPIPE && !n->listeners) {
		n->signal = SIGPIPE;
	} else if (p == n->own && p->broken != EPIPE) {
		warn("cannot write 'stdout': %s", strerror(p->broken));
		n->status = EXIT_SYSTEM;
	}
	close_client(p);
}

void guest_turn(struct port *p)
{
	if (!p->gone && p->broken)
		broken(p);
	if (!p->gone && !p->in && settled(p))
		close_client(p);
	if (p->gone && !p->dirty)
		guest_free(p);
}

/* No file of a socket is left. */
static void listen_no_more(struct net *n)
{
	for (size_t i = 0; i < n->listeners; i++) {
		struct listener *l = &n->listener[i];
		struct stat st;

		watch_free(l->watch);
		if (l->address.is_unix && !lstat(l->address.path, &st) && st.st_dev == l->dev && st.st_ino == l->ino)
			unlink(l->address.path);
	}
	n->listeners = 0;
}

void guest_close_all(struct net *n)
{
	if (n->own)
		port_flush(n->own, !n->signal);
	for (struct port *p = n->clients; p; p = p->next)
		close_client(p);
	listen_no_more(n);
}

/* --- Its beginning --- */

void guest_own(struct net *n)
{
	int in = own_descriptor(STDIN_FILENO), out = own_descriptor(STDOUT_FILENO);
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (in < 0 || out < 0)
		die(EXIT_SYSTEM, "cannot use '%s': %s", in < 0 ? "stdin" : "stdout", strerror(errno));
	if (isatty(STDIN_FILENO))
		warn("reading JSON lines from the terminal; ^D ends");
	n->own = guest_new(n, "stdin", in, out);
	accept_more(n);
	/* The client's are the only ones: when it is over, who is at the other end knows. */
	if (null >= 0) {
		dup2(null, STDIN_FILENO);
		dup2(null, STDOUT_FILENO);
		close(null);
	}
}

static void on_connection(void *owner)
{
	struct listener *l = owner;
	struct net *n = l->net;
	char label[sizeof("a client of ''") + ADDRESS_HOST_BYTES_MAX + sizeof(l->address.path)];

	snprintf(label, sizeof(label), "a client of '%s'", l->address.text);
	for (int i = 0; i < ACCEPTS_MAX; i++) {
		int in, out;

		if (n->client_count >= NET_CLIENTS_MAX) {
			watch_for(l->watch, 0);
			return;
		}
		in = accept4(l->watch->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (in < 0 && (errno == EMFILE || errno == ENFILE))
			watch_for(l->watch, 0); /* until a client closes */
		if (in < 0)
			return;
		out = fcntl(in, F_DUPFD_CLOEXEC, 0);
		if (out < 0) {
			close(in);
			watch_for(l->watch, 0);
			return;
		}
		address_no_delay(in);
		address_keep_alive(in, false);
		guest_new(n, label, in, out);
	}
}

static void listen_at(struct net *n, struct listener *l)
{
	const char *text = l->address.text, *why;
	struct stat st;
	int fd;

	errno = 0;
	fd = address_listen(&l->address, &why);
	if (fd < 0) {
		why = errno ? strerror(errno) : why;
		listen_no_more(n);
		die(EXIT_USAGE, "cannot listen at '%s': %s", text, why);
	}
	if (l->address.is_unix && !lstat(l->address.path, &st)) {
		l->dev = st.st_dev;
		l->ino = st.st_ino;
	}
	if (!l->address.is_unix && !strcmp(l->address.port, "0"))
		warn("listening at 'tcp:%s:%u'", l->address.host, address_port(fd));
	l->net = n;
	l->watch = watch_new(&n->loop, fd, on_connection, l);   /* accepts from guest_own on */
}

void guest_listen(struct net *n)
{
	const struct net_options *o = n->options;
	const char *why;

	n->listener = must_calloc(o->listens, sizeof(*n->listener));
	for (size_t i = 0; i < o->listens; i++)
		if (address_parse(&n->listener[i].address, o->listen[i], &why))
			die_usage("--listen '%s': %s", o->listen[i], why);
	for (; n->listeners < o->listens; n->listeners++)
		listen_at(n, &n->listener[n->listeners]);
}
