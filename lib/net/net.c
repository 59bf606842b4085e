/* net: see net.h.  The loop, the signals, the beginning and the end. */
#include "lib/net/filter.h"
#include "lib/net/inside.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

enum { IMPATIENT_MS = 500 };

static const int stop_signals[] = { SIGTERM, SIGINT, SIGHUP };

int net_name_right(const char *name)
{
	size_t len = strlen(name);

	return len && len <= WIRE_NAME_BYTES_MAX && strcmp(name, "net") != 0 &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:-@") == len;
}

bool net_is_member(const struct net_options *o, const char *name)
{
	size_t len = strlen(name);

	for (const char *list = o->members; list; list = strchr(list, ','), list += list != NULL)
		if (!strncmp(list, name, len) && (!list[len] || list[len] == ','))
			return true;
	return !o->members;
}

/* --- The end --- */

static void on_grace_over(void *owner)
{
	struct net *n = owner;

	timer_free(n->grace);
	n->grace = NULL;
	child_reap(n);          /* where we were kept from running, some may have ended in time */
	for (size_t i = 0; i < n->children; i++) {
		if (!n->child[i].pid)
			continue;
		warn("node '%s' did not end within %d ms of SIGTERM: it is killed", n->child[i].name, NET_GRACE_MS);
		child_signal(&n->child[i], SIGKILL);
	}
}

void net_end(struct net *n)
{
	if (n->ending)
		return;
	n->ending = true;
	for (size_t i = 0; i < n->children; i++) {
		n->child[i].asked_to_end = true;
		child_signal(&n->child[i], SIGTERM);
	}
	if (!n->alive)
		uv_stop(&n->loop);
	else
		n->grace = timer_new(&n->loop, NET_GRACE_MS, 0, on_grace_over, n);
}

/* A second signal is impatient; but timeout(1) sends two at once, and a terminal may. */
static void on_stop(uv_signal_t *handle, int sig)
{
	struct net *n = handle->data;

	if (!n->signal) {
		n->signal = sig;
		n->signal_ms = uv_now(&n->loop);
		net_end(n);
		return;
	}
	if (uv_now(&n->loop) < n->signal_ms + IMPATIENT_MS)
		return;
	for (size_t i = 0; i < n->children; i++)
		child_signal(&n->child[i], SIGKILL);
}

static void tell_losses(struct net *n)
{
	static const char *const why[LOSSES] = {
		[LOSS_NOBODY] = "for nobody", [LOSS_LEFT] = "for clients that had gone",
		[LOSS_DOWN] = "for nodes that were down", [LOSS_QUEUE] = "for those that did not read",
		[LOSS_NO_MESSAGE] = "that were no messages",
	};
	char text[256];
	size_t used = 0;
	struct traffic_counts counts;

	traffic_counts(n->rig.traffic, &counts);
	n->lost[LOSS_QUEUE] += counts.overflowed;
	for (int i = 0; i < LOSSES; i++)
		if (n->lost[i])
			used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%ju %s", used ? ", " : "",
						 (uintmax_t)n->lost[i], why[i]);
	if (used)
		warn("lines lost: %s", text);
}

/* --- The loop --- */

static void on_turn(uv_prepare_t *handle)
{
	faults_turn(handle->data);
	port_turn(handle->data);
}

static void on_child(uv_signal_t *handle, int sig)
{
	(void)sig;
	child_reap(handle->data);
}

/* A signal that the caller has ignored stays so. */
static void catch(struct net *n, uv_signal_t *handle, int sig)
{
	struct sigaction old;

	uv_signal_init(&n->loop, handle);
	handle->data = n;
	if (!sigaction(sig, NULL, &old) && old.sa_handler != SIG_IGN)
		uv_signal_start(handle, on_stop, sig);
}

static void open_loop(struct net *n)
{
	int rc = uv_loop_init(&n->loop);

	if (rc)
		die(EXIT_SYSTEM, "cannot start the event loop: %s", uv_strerror(rc));
	uv_prepare_init(&n->loop, &n->turn);
	n->turn.data = n;
	uv_prepare_start(&n->turn, on_turn);
	uv_signal_init(&n->loop, &n->on_child);
	n->on_child.data = n;
	uv_signal_start(&n->on_child, on_child, SIGCHLD);
	for (size_t i = 0; i < sizeof(stop_signals) / sizeof(*stop_signals); i++)
		catch(n, &n->on_stop[i], stop_signals[i]);
	signal(SIGPIPE, SIG_IGN);
}

static void close_handle(uv_handle_t *handle, void *unused)
{
	(void)unused;
	if (!uv_is_closing(handle))
		uv_close(handle, NULL);
}

static void close_loop(struct net *n)
{
	timer_free(n->grace);
	uv_walk(&n->loop, close_handle, NULL);
	while (uv_run(&n->loop, UV_RUN_DEFAULT))
		;
	uv_loop_close(&n->loop);
}

/* --- The beginning --- */

/* As many descriptors as we may have: three a node, two a client. */
static void raise_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

/* `word` with {id} replaced by the name. */
static char *fill_in(const char *word, const char *name)
{
	struct buf b = { 0 };
	const char *hole;
	char *filled;

	for (; (hole = strstr(word, "{id}")); word = hole + 4) {
		buf_add(&b, word, (size_t)(hole - word));
		buf_puts(&b, name);
	}
	buf_puts(&b, word);
	buf_putc(&b, '\0');
	filled = must_strdup(b.at);
	buf_release(&b);
	return filled;
}

static char **child_words(const struct net_options *o, const struct net_node *node)
{
	const char *shell[] = { "/bin/sh", "-c", node->command, NULL };
	const char *const *words = node->command ? shell : (const char *const *)o->argv;
	size_t count = 0;
	char **argv;

	while (words[count])
		count++;
	argv = must_calloc(count + 1, sizeof(*argv));
	for (size_t i = 0; i < count; i++)
		argv[i] = fill_in(words[i], node->name);
	return argv;
}

static void make_children(struct net *n)
{
	const struct net_options *o = n->options;

	n->children = o->nodes;
	n->child = must_calloc(o->nodes, sizeof(*n->child));
	for (size_t i = 0; i < o->nodes; i++) {
		struct child *c = &n->child[i];
		size_t room = strlen(o->node[i].name) + sizeof("node ''");

		c->name = o->node[i].name;
		c->argv = child_words(o, &o->node[i]);
		c->outside = !net_is_member(o, c->name);
		c->port.net = n;
		c->port.child = c;
		c->port.label = must_malloc(room);
		snprintf(c->port.label, room, "node '%s'", c->name);
		if (!book_put(&n->book, c->name, strlen(c->name), &c->port))
			die(EXIT_USAGE, "'%s' cannot be the name of a node", c->name);
	}
	peer_open_all(n);
	peer_order(n);
}

/* All of them, or none is left. */
static void start_children(struct net *n)
{
	for (size_t i = 0; i < n->children; i++) {
		struct child *c = &n->child[i];
		int why = child_start(c);

		if (!why)
			continue;
		warn("cannot start node '%s': '%s': %s", c->name, c->argv[0], strerror(why));
		/* There is no such program; or there is, and a retry may help. */
		n->status = why == EAGAIN || why == ENOMEM || why == EMFILE || why == ENFILE ? EXIT_SYSTEM
											     : EXIT_USAGE;
		net_end(n);
		return;
	}
}

static struct net *open_net(const struct net_options *options)
{
	static const char *const names[] = { "node", "text", NULL };
	struct net *n = must_calloc(1, sizeof(*n));
	uint64_t seed = 0;

	n->options = options;
	n->hold_bytes = options->queue_bytes_max / 2;
	if (n->hold_bytes > NET_HOLD_BYTES)
		n->hold_bytes = NET_HOLD_BYTES;
	/* Names are no secret: a seed that could not be had is as good as none. */
	if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) < 0)
		seed = (uint64_t)getpid();
	book_init(&n->book, seed);
	n->names = wire_names_new(names);
	faults_open(n);
	raise_limit();
	open_loop(n);
	guest_listen(n);
	make_children(n);
	guest_own(n);
	return n;
}

static void free_net(struct net *n)
{
	for (size_t i = 0; i < n->children; i++) {
		struct child *c = &n->child[i];

		port_close(&c->port);
		free(c->port.label);
		for (char **word = c->argv; *word; word++)
			free(*word);
		free(c->argv);
	}
	close_loop(n);
	wire_names_free(n->names);
	buf_release(&n->line);
	book_release(&n->book);
	free(n->child);
	free(n->peer);
	free(n->end);
	free(n->listener);
	free(n);
}

static enum exit_status run(const struct net_options *options)
{
	struct net *n = open_net(options);
	enum exit_status status;
	int sig;

	if (!n->ending) {
		faults_start(n);
		start_children(n);
	}
	if (!n->ending || n->alive)
		uv_run(&n->loop, UV_RUN_DEFAULT);
	guest_close_all(n);
	port_turn(n);
	peer_close_all(n);
	tell_losses(n);
	faults_close(n);
	status = n->status;
	sig = n->signal;
	free_net(n);
	if (sig) {
		signal(sig, SIG_DFL);
		raise(sig);
	}
	return status;
}

enum exit_status net_run(const struct net_options *options)
{
	return options->nodes || options->peers ? run(options) : filter_run(options);
}
