/*
 * Nodes: processes with pipes for stdin, stdout and stderr.
 *
 * Each leads a process group of its own (spawn.h).  A node is down once its pipe closes or its process ends,
 * whichever is seen first.
 */
#include "lib/net/inside.h"
#include "lib/net/spawn.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

enum {
	AGAIN_MS_MIN = 100,             /* --restart: before a node is started again, doubled each time */
	AGAIN_MS_MAX = 10000,           /* at most; and one that ran so long has the least again */
	PIPE_BYTES = 1 << 16,           /* Linux's, where nothing else was asked for */
	PIPES_BYTES_MAX = 1 << 25,      /* of all to and from nodes */
};

/* --- Start --- */

/* Large pipes save turns, but what a user may have in all pipes is bounded too (pipe(7): 64 MiB). */
static void enlarge(const struct net *n, int fd)
{
	int bytes = (int)(PIPES_BYTES_MAX / (2 * n->children));

	if (bytes > PIPE_BYTES)
		fcntl(fd, F_SETPIPE_SZ, bytes < NET_PIPE_BYTES ? bytes : NET_PIPE_BYTES);
}

static void on_stderr(void *owner);

static void begin(struct child *c, const struct spawned *s)
{
	struct net *n = c->port.net;

	c->pid = s->pid;
	c->asked_to_end = c->by_fault = false;
	c->started_ms = uv_now(&n->loop);
	timer_free(c->again);
	c->again = NULL;
	c->up = true;
	n->up++;
	n->alive++;
	enlarge(n, s->in);
	enlarge(n, s->out);
	port_open(&c->port, n, s->out, s->in);
	c->words.name = c->name;
	c->err = watch_new(&n->loop, s->err, on_stderr, c);
	watch_for(c->err, UV_READABLE);
	faults_started(c);
	control_init(c);
}

int child_start(struct child *c)
{
	struct spawned s;
	int why = spawn_process(&(struct spawn){ .argv = c->argv }, &s);

	if (!why)
		begin(c, &s);
	return why;
}

/* --- stderr --- */

static void end_stderr(struct child *c)
{
	words_end(&c->words);
	watch_free(c->err);
	c->err = NULL;
}

static void on_stderr(void *owner)
{
	struct child *c = owner;

	if (!words_read(&c->words, c->err->fd))
		end_stderr(c);
}

/* Its last words, as much as the pipe holds: what it left behind may speak on and on. */
static void last_words(struct child *c)
{
	if (!c->err)
		return;
	for (size_t bytes = 0; bytes <= PIPE_BYTES;) {
		ssize_t got = words_read(&c->words, c->err->fd);

		if (got <= 0)
			break;
		bytes += (size_t)got;
	}
	end_stderr(c);
}

/* --- End --- */

void child_signal(struct child *c, int sig)
{
	timer_free(c->again);
	c->again = NULL;
	if (!c->pid)
		return;
	kill(-c->pid, sig);
	if (sig != SIGKILL)
		kill(-c->pid, SIGCONT);         /* a stopped one would never know */
}

static void down(struct child *c)
{
	struct net *n = c->port.net;

	if (!c->up)
		return;
	c->up = false;
	n->up--;
	if (!n->ending)
		control_peer_down(n, c->name, true);
	for (struct port *p = n->clients; p; p = p->next)
		port_touch(p);          /* one that has ended may have nobody left to wait for */
}

void child_closed(struct child *c)
{
	down(c);
	watch_free(c->port.in);
	c->port.in = NULL;
}

/* --restart */

static void start_later(struct child *c);

static void on_again(void *owner)
{
	struct child *c = owner;
	struct net *n = c->port.net;
	int why = child_start(c);

	if (!why)
		return;
	warn("cannot start node '%s': '%s': %s", c->name, c->argv[0], strerror(why));
	if (n->status == EXIT_DONE)
		n->status = EXIT_NO;
	start_later(c);
}

static void start_later(struct child *c)
{
	timer_free(c->again);
	c->again = timer_new(&c->port.net->loop, c->again_ms, 0, on_again, c);
}

/* How long it waits, longer each time that it did not run for long. */
static uint64_t next_wait(struct child *c)
{
	bool ran_long = uv_now(&c->port.net->loop) - c->started_ms >= AGAIN_MS_MAX;

	c->again_ms = ran_long || !c->again_ms ? AGAIN_MS_MIN : 2 * c->again_ms;
	if (c->again_ms > AGAIN_MS_MAX)
		c->again_ms = AGAIN_MS_MAX;
	return c->again_ms;
}

/* Says how it ended, where that is not just as it should be. */
static void judge(struct child *c, int status)
{
	struct net *n = c->port.net;
	bool exited = WIFEXITED(status);
	int code = exited ? WEXITSTATUS(status) : WTERMSIG(status);
	bool as_asked = c->asked_to_end &&
			(exited ? code == 0 || code == 128 + SIGTERM : code == SIGTERM || code == SIGKILL);
	bool again = n->options->restart && !c->asked_to_end && !n->ending;
	char how[64] = "";

	faults_ended(c, status);
	if (as_asked && (n->ending || c->by_fault))
		return;
	if (again)
		snprintf(how, sizeof(how), "; it is started again in %ju ms", (uintmax_t)next_wait(c));
	if (exited)
		warn("node '%s' ended with status %d%s", c->name, code, how);
	else
		warn("node '%s' was killed by signal %d%s", c->name, code, how);
	if (again)
		start_later(c);
	else if (!as_asked && n->status == EXIT_DONE)
		n->status = EXIT_NO;
}

/* Lines that nobody will read. */
static void count_unread(struct child *c)
{
	const char *p = c->port.queue.at, *end;

	if (!c->port.queue.len)
		return;
	for (end = p + c->port.queue.len; p < end && (p = memchr(p, '\n', (size_t)(end - p))); p++)
		c->port.net->lost[LOSS_DOWN]++;
}

static void buried(struct child *c, int status)
{
	struct net *n = c->port.net;

	c->pid = 0;
	n->alive--;
	port_read_rest(&c->port);
	down(c);
	last_words(c);
	judge(c, status);
	count_unread(c);
	port_close(&c->port);
	port_release_held(&c->port);
	control_down(c);
}

void child_reap(struct net *n)
{
	for (size_t i = 0; i < n->children; i++) {
		struct child *c = &n->child[i];
		siginfo_t what = { .si_pid = 0 };
		int status;

		/* Its group is ended while its number is still taken, so that it is nobody else's. */
		if (!c->pid || waitid(P_PID, (id_t)c->pid, &what, WEXITED | WNOHANG | WNOWAIT) || !what.si_pid)
			continue;
		kill(-c->pid, SIGKILL);
		if (waitpid(c->pid, &status, 0) == c->pid)
			buried(c, status);
	}
	if (n->ending && !n->alive)
		uv_stop(&n->loop);
}
