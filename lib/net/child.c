/*
 * Nodes: processes with pipes for stdin, stdout and stderr.
 *
 * Each leads a process group of its own, so that what it started is ended with it, and none outlives
 * netfault, whatever ends that: the kernel kills them then.  A node is down once its pipe closes or its
 * process ends, whichever is seen first.
 */
#include "lib/net/inside.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	ERR_READ_BYTES = 4096,
	ERR_LINE_BYTES_MAX = 1 << 16,   /* a longer one is told in pieces */
	PIPE_BYTES = 1 << 16,           /* Linux's, where nothing else was asked for */
	PIPES_BYTES_MAX = 1 << 25,      /* of all to and from nodes */
};

/* --- Start --- */

struct pipes {
	int in[2], out[2], err[2];      /* of the node: stdin, stdout, stderr */
	int failed[2];                  /* errno of an exec that failed; closed by one that did not */
};

static void close_pair(int pair[2])
{
	for (int i = 0; i < 2; i++)
		if (pair[i] >= 0)
			close(pair[i]);
}

static void close_pipes(struct pipes *p)
{
	close_pair(p->in);
	close_pair(p->out);
	close_pair(p->err);
	close_pair(p->failed);
}

static int open_pipes(struct pipes *p)
{
	*p = (struct pipes){ { -1, -1 }, { -1, -1 }, { -1, -1 }, { -1, -1 } };
	if (!pipe2(p->in, O_CLOEXEC) && !pipe2(p->out, O_CLOEXEC) && !pipe2(p->err, O_CLOEXEC) &&
	    !pipe2(p->failed, O_CLOEXEC))
		return 0;
	int saved = errno;
	close_pipes(p);
	return saved;
}

__attribute__((noreturn))
static void run(struct child *c, struct pipes *p, pid_t parent)
{
	static const int ours[] = { SIGTERM, SIGINT, SIGHUP, SIGCHLD, SIGPIPE };
	struct sigaction old;
	sigset_t none;
	int why;

	setpgid(0, 0);
	for (size_t i = 0; i < sizeof(ours) / sizeof(*ours); i++)
		if (!sigaction(ours[i], NULL, &old) && (old.sa_handler != SIG_IGN || ours[i] == SIGPIPE))
			signal(ours[i], SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	/* The second question is for a netfault that ended before the first was asked. */
	if (!prctl(PR_SET_PDEATHSIG, SIGKILL) && getppid() == parent &&
	    dup2(p->in[0], STDIN_FILENO) >= 0 && dup2(p->out[1], STDOUT_FILENO) >= 0 &&
	    dup2(p->err[1], STDERR_FILENO) >= 0)
		execvp(c->argv[0], c->argv);
	why = errno;
	while (write(p->failed[1], &why, sizeof(why)) < 0 && errno == EINTR)
		;
	_exit(127);
}

/* 0, or errno of an exec that failed: then there is no process any more. */
static int await_exec(pid_t pid, struct pipes *p)
{
	int why = 0;
	ssize_t got;

	close(p->failed[1]);
	p->failed[1] = -1;
	do
		got = read(p->failed[0], &why, sizeof(why));
	while (got < 0 && errno == EINTR);
	if (got != sizeof(why))
		return 0;
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return why ? why : ECHILD;
}

/* Large pipes save turns, but what a user may have in all pipes is bounded too (pipe(7): 64 MiB). */
static void enlarge(const struct net *n, int fd)
{
	int bytes = (int)(PIPES_BYTES_MAX / (2 * n->children));

	if (bytes > PIPE_BYTES)
		fcntl(fd, F_SETPIPE_SZ, bytes < NET_PIPE_BYTES ? bytes : NET_PIPE_BYTES);
}

static void on_stderr(void *owner);

static void begin(struct child *c, struct pipes *p, pid_t pid)
{
	struct net *n = c->port.net;

	c->pid = pid;
	c->asked_to_end = false;
	c->up = true;
	n->up++;
	n->alive++;
	enlarge(n, p->in[1]);
	enlarge(n, p->out[0]);
	port_open(&c->port, n, p->out[0], p->in[1]);
	c->err = watch_new(&n->loop, p->err[0], on_stderr, c);
	watch_for(c->err, UV_READABLE);
	p->out[0] = p->in[1] = p->err[0] = -1;
	close_pipes(p);
	control_init(c);
}

int child_start(struct child *c)
{
	struct pipes p;
	pid_t parent = getpid(), pid;
	int why = open_pipes(&p);
	sigset_t all, before;

	if (why)
		return why;
	/* Until the handlers are gone from it: they would tell its signals as ours. */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	pid = fork();
	if (pid == 0)
		run(c, &p, parent);
	why = pid < 0 ? errno : 0;
	sigprocmask(SIG_SETMASK, &before, NULL);
	if (!why)
		why = await_exec(pid, &p);
	if (why)
		close_pipes(&p);
	else
		begin(c, &p, pid);
	return why;
}

/* --- stderr --- */

/* Whole lines with the name in front, in one write. */
static void tell(struct child *c, const char *p, const char *end)
{
	struct buf text = { 0 };
	ssize_t put;

	while (p < end) {
		const char *newline = memchr(p, '\n', (size_t)(end - p));
		const char *stop = newline ? newline + 1 : end;

		buf_puts(&text, c->name);
		buf_puts(&text, ": ");
		buf_add(&text, p, (size_t)(stop - p));
		if (!newline)
			buf_putc(&text, '\n');
		p = stop;
	}
	while (text.len) {
		struct pollfd room = { .fd = STDERR_FILENO, .events = POLLOUT };

		put = write(STDERR_FILENO, text.at, text.len);
		if (put < 0 && errno == EAGAIN)
			poll(&room, 1, -1);
		else if (put < 0 && errno != EINTR)
			break;          /* a stderr that takes nothing: nobody to tell */
		buf_drop(&text, put > 0 ? (size_t)put : 0);
	}
	buf_release(&text);
}

/* One read: its bytes, 0 at the end, -1 where there is nothing yet. */
static ssize_t read_stderr(struct child *c)
{
	char bytes[ERR_READ_BYTES], *newline;
	ssize_t got = read(c->err->fd, bytes, sizeof(bytes));
	size_t whole;

	if (got <= 0)
		return got < 0 && (errno == EINTR || errno == EAGAIN) ? -1 : 0;
	newline = memrchr(bytes, '\n', (size_t)got);
	whole = newline ? (size_t)(newline + 1 - bytes) : 0;
	buf_add(&c->err_partial, bytes, whole ? whole : (size_t)got);
	if (!whole && c->err_partial.len < ERR_LINE_BYTES_MAX)
		return got;
	tell(c, c->err_partial.at, c->err_partial.at + c->err_partial.len);
	buf_clear(&c->err_partial, ERR_READ_BYTES);
	if (whole)
		buf_add(&c->err_partial, bytes + whole, (size_t)got - whole);
	return got;
}

static void end_stderr(struct child *c)
{
	if (c->err_partial.len)
		tell(c, c->err_partial.at, c->err_partial.at + c->err_partial.len);
	buf_release(&c->err_partial);
	watch_free(c->err);
	c->err = NULL;
}

static void on_stderr(void *owner)
{
	struct child *c = owner;

	if (!read_stderr(c))
		end_stderr(c);
}

/* Its last words, as much as the pipe holds: what it left behind may speak on and on. */
static void last_words(struct child *c)
{
	if (!c->err)
		return;
	for (size_t bytes = 0; bytes <= PIPE_BYTES; bytes += ERR_READ_BYTES)
		if (read_stderr(c) <= 0)
			break;
	end_stderr(c);
}

/* --- End --- */

void child_signal(struct child *c, int sig)
{
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
		control_peer_down(c);
	for (struct port *p = n->clients; p; p = p->next)
		port_touch(p);          /* one that has ended may have nobody left to wait for */
}

void child_closed(struct child *c)
{
	down(c);
	watch_free(c->port.in);
	c->port.in = NULL;
}

/* Says how it ended, where that is not just as it should be. */
static void judge(struct child *c, int status)
{
	struct net *n = c->port.net;
	bool exited = WIFEXITED(status);
	int code = exited ? WEXITSTATUS(status) : WTERMSIG(status);
	bool as_asked = c->asked_to_end &&
			(exited ? code == 0 || code == 128 + SIGTERM : code == SIGTERM || code == SIGKILL);

	if (as_asked && n->ending)
		return;
	if (exited)
		warn("node '%s' ended with status %d", c->name, code);
	else
		warn("node '%s' was killed by signal %d", c->name, code);
	if (!as_asked && n->status == EXIT_DONE)
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
