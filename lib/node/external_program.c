/*
 * external_program: see external_program.h
 *
 * Three descriptors are watched, by the loop or by poll: the pipe to the program, the pipe from it, and a
 * pidfd, which is readable once it ended.  The deadline counts in quarters, each from where the last one was
 * noticed: a node that was stopped for a while (SIGSTOP) finds one quarter gone, reads the answers that wait,
 * and blames nobody.
 */
#include "lib/node/external_program.h"
#include "lib/base/err.h"
#include "lib/base/line.h"
#include "lib/node/protocol.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

enum {
	QUARTERS = 4,
	LAST_WORDS_MS = 200,            /* for a program whose stdin ended */
	EXIT_PATIENCE_MS = 1000,        /* between the end of its stdout and its own */
	OUT_KEEP_BYTES = 1 << 20,
	COMMAND_SHOWN_MAX = 128,
};

#define NS_PER_MS UINT64_C(1000000)

struct program {
	struct program_options options;
	char *command;
	pid_t pid;
	int ended;                      /* the pidfd */
	int to, from;                   /* its stdin and stdout */
	int to_far;                     /* its end of `to`: held, so that a write to a dead program is no SIGPIPE */
	struct buf out;
	struct line_reader in;
	size_t unanswered;
	uint64_t quarter_ns;            /* of the deadline; 0: there is none */
	unsigned quarters;              /* that are over */
	unsigned handles;               /* of the loop's, not closed yet */
	uv_poll_t on_to, on_from, on_ended;
	uv_timer_t timer;
};

void program_die(struct program *p, const char *fmt, ...)
{
	char why[1024];
	va_list args;

	va_start(args, fmt);
	vsnprintf(why, sizeof(why), fmt, args);
	va_end(args);
	kill(-p->pid, SIGKILL);
	node_die(STORE_ESYSTEM, "machine '%.*s': %s", COMMAND_SHOWN_MAX, p->command, why);
}

/* --- Its end --- */

static bool has_ended(const struct program *p, int patience_ms)
{
	struct pollfd fd = { .fd = p->ended, .events = POLLIN };

	return poll(&fd, 1, patience_ms) > 0;
}

__attribute__((noreturn))
static void die_of_end(struct program *p)
{
	int status = 0, sig = 0;

	if (!has_ended(p, EXIT_PATIENCE_MS))
		program_die(p, "closed its stdout");
	while (waitpid(p->pid, &status, 0) < 0 && errno == EINTR)
		;
	/* A shell says 128 + N of a program that signal N killed. */
	if (WIFSIGNALED(status))
		sig = WTERMSIG(status);
	else if (WEXITSTATUS(status) > 128 && WEXITSTATUS(status) - 128 < NSIG)
		sig = WEXITSTATUS(status) - 128;
	if (sig)
		program_die(p, "killed by signal %d (%s)", sig, strsignal(sig));
	program_die(p, "ended with status %d", WEXITSTATUS(status));
}

static void quarter_passed(struct program *p)
{
	if (++p->quarters == QUARTERS)
		program_die(p, "no answer within %.4g s", (double)p->options.deadline_ns / 1e9);
}

/* --- Lines --- */

static void write_some(struct program *p)
{
	ssize_t n = 0;

	while (p->out.len && (n = write(p->to, p->out.at, p->out.len)) > 0)
		buf_drop(&p->out, (size_t)n);
	if (n < 0 && errno != EAGAIN && errno != EINTR)
		program_die(p, "cannot write to it: %s", strerror(errno));
	if (!p->out.len)
		buf_clear(&p->out, OUT_KEEP_BYTES);
}

static void take_lines(struct program *p)
{
	enum line_status status;
	char *line;
	size_t len;

	while ((status = line_next(&p->in, &line, &len)) != LINE_NONE) {
		if (status == LINE_TOO_LONG)
			program_die(p, "a line of more than %d MiB", PROGRAM_LINE_BYTES_MAX >> 20);
		if (!p->unanswered)
			program_die(p, "a line that nobody asked for: %.*s", len < 256 ? (int)len : 256, line);
		p->unanswered--;
		p->quarters = 0;
		p->options.answered(p->options.ctx, line, len);
	}
}

/* One read; false: there was nothing. */
static bool read_some(struct program *p)
{
	ssize_t n = line_read(&p->in, p->from);

	if (n < 0 && errno != EAGAIN && errno != EINTR)
		program_die(p, "cannot read from it: %s", strerror(errno));
	if (n < 0)
		return false;
	take_lines(p);
	if (!n)
		die_of_end(p);
	return true;
}

/* --- In the loop --- */

static void on_quarter(uv_timer_t *);

/* The deadline runs from now, if anything is waited for. */
static void watch_deadline(struct program *p)
{
	uint64_t quarter_ms = p->quarter_ns / NS_PER_MS + 1;

	if (p->unanswered && p->quarter_ns)
		uv_timer_start(&p->timer, on_quarter, quarter_ms, quarter_ms);
	else
		uv_timer_stop(&p->timer);
}

/* Was there an answer? */
static bool take_answers(struct program *p)
{
	size_t before = p->unanswered;

	if (!read_some(p) || p->unanswered == before)
		return false;
	p->options.all_answered(p->options.ctx);
	watch_deadline(p);
	return true;
}

static void on_readable(uv_poll_t *handle, int status, int events)
{
	(void)status, (void)events;
	take_answers(handle->data);
}

static void on_writable(uv_poll_t *handle, int status, int events)
{
	struct program *p = handle->data;

	(void)status, (void)events;
	write_some(p);
	if (!p->out.len)
		uv_poll_stop(&p->on_to);
}

/* Its last answers count. */
static void on_ended(uv_poll_t *handle, int status, int events)
{
	struct program *p = handle->data;

	(void)status, (void)events;
	while (read_some(p))
		;
	die_of_end(p);
}

static void on_quarter(uv_timer_t *timer)
{
	struct program *p = timer->data;

	if (!take_answers(p))
		quarter_passed(p);
}

static void must(struct program *p, int rc)
{
	if (rc < 0)
		program_die(p, "cannot be watched: %s", uv_strerror(rc));
}

static void watch(struct program *p)
{
	uv_loop_t *loop = uv_default_loop();

	must(p, uv_poll_init(loop, &p->on_to, p->to));
	must(p, uv_poll_init(loop, &p->on_from, p->from));
	must(p, uv_poll_init(loop, &p->on_ended, p->ended));
	must(p, uv_timer_init(loop, &p->timer));
	p->on_to.data = p->on_from.data = p->on_ended.data = p->timer.data = p;
	p->handles = 4;
	must(p, uv_poll_start(&p->on_from, UV_READABLE, on_readable));
	must(p, uv_poll_start(&p->on_ended, UV_READABLE, on_ended));
}

/* --- Starting --- */

/*
 * A shell need not become the program that it runs, and the kernel tells none but its own child of the node's
 * death.  So that child stands between: it hears of it as SIGHUP, and kills all that the command has started.
 */
static const char keeper[] =
	"trap 'kill -KILL 0' HUP\n"
	"exec 3<&0 4>&1 </dev/null >/dev/null\n"
	"sh -c \"$1\" <&3 >&4 3<&- 4>&- &\n"
	"exec 3<&- 4>&- 2>/dev/null\n"
	"wait $!";

/* In the child.  Nothing of the node's is left to it but stderr. */
__attribute__((noreturn))
static void become(const char *command, int in, int out, pid_t parent)
{
	sigset_t none;

	for (int sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGHUP);
	if (getppid() != parent || dup2(in, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0)
		_exit(EXIT_SYSTEM);
	close_range(STDERR_FILENO + 1, ~0u, 0);
	execl("/bin/sh", "sh", "-c", keeper, "sh", command, (char *)NULL);
	_exit(EXIT_SYSTEM);
}

/* No signal is handled in the child before it has let go of our handlers. */
static pid_t fork_quietly(const char *command, int in, int out)
{
	sigset_t all, old;
	pid_t parent = getpid(), pid;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	pid = fork();
	if (!pid)
		become(command, in, out, parent);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return pid;
}

struct program *program_start(const struct program_options *options)
{
	struct program *p = must_calloc(1, sizeof(*p));
	int in[2], out[2];

	p->options = *options;
	p->command = must_strdup(options->command);
	p->quarter_ns = (options->deadline_ns + QUARTERS - 1) / QUARTERS;
	line_init(&p->in, PROGRAM_LINE_BYTES_MAX);
	if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0 ||
	    (p->pid = fork_quietly(p->command, in[0], out[1])) < 0 || (p->ended = pidfd_open(p->pid, 0)) < 0)
		node_die(STORE_ESYSTEM, "cannot start the machine '%.*s': %s", COMMAND_SHOWN_MAX, p->command,
			 strerror(errno));
	setpgid(p->pid, p->pid);        /* whoever comes first: a kill of the group finds it */
	close(out[1]);
	p->to = in[1];
	p->to_far = in[0];
	p->from = out[0];
	fcntl(p->to, F_SETFL, O_NONBLOCK);
	fcntl(p->from, F_SETFL, O_NONBLOCK);
	if (!options->blocking)
		watch(p);
	return p;
}

/* --- Stopping --- */

static void release(struct program *p)
{
	line_release(&p->in);
	buf_release(&p->out);
	free(p->command);
	free(p);
}

static void on_closed(uv_handle_t *handle)
{
	struct program *p = handle->data;

	if (!--p->handles)
		release(p);
}

void program_stop(struct program *p, bool politely)
{
	if (!p->options.blocking) {
		uv_close((uv_handle_t *)&p->on_to, on_closed);
		uv_close((uv_handle_t *)&p->on_from, on_closed);
		uv_close((uv_handle_t *)&p->on_ended, on_closed);
		uv_close((uv_handle_t *)&p->timer, on_closed);
	}
	close(p->to);
	close(p->to_far);
	if (politely)
		has_ended(p, LAST_WORDS_MS);
	kill(-p->pid, SIGKILL);
	while (waitpid(p->pid, NULL, 0) < 0 && errno == EINTR)
		;
	close(p->from);
	close(p->ended);
	if (p->options.blocking)
		release(p);
}

/* --- Asking --- */

struct buf *program_out(struct program *p)
{
	return &p->out;
}

void program_asked(struct program *p)
{
	if (p->options.blocking)
		read_some(p);   /* what it said before this was asked is no answer */
	if (!p->unanswered++ && !p->options.blocking)
		watch_deadline(p);
	/* Written when the loop comes to it: with all that is asked until then. */
	if (!p->options.blocking && !uv_is_active((uv_handle_t *)&p->on_to))
		must(p, uv_poll_start(&p->on_to, UV_WRITABLE, on_writable));
}

/* Until something happens, or a quarter of the deadline is over. */
static void wait_some(struct program *p)
{
	uint64_t quarter_ms = p->quarter_ns / NS_PER_MS + 1;
	struct pollfd fds[] = {
		{ .fd = p->from, .events = POLLIN },
		{ .fd = p->ended, .events = POLLIN },
		{ .fd = p->out.len ? p->to : -1, .events = POLLOUT },
	};

	if (poll(fds, 3, !p->quarter_ns || quarter_ms > INT_MAX ? -1 : (int)quarter_ms) > 0 &&
	    fds[1].revents && !fds[0].revents)
		die_of_end(p);
}

void program_wait(struct program *p)
{
	uint64_t since = uv_hrtime();

	assert(p->options.blocking);
	p->quarters = 0;
	while (p->unanswered) {
		size_t before = p->unanswered;

		write_some(p);
		if (!read_some(p))
			wait_some(p);
		if (p->unanswered != before) {
			since = uv_hrtime();
		} else if (p->quarter_ns && uv_hrtime() - since >= p->quarter_ns) {
			quarter_passed(p);
			since = uv_hrtime();
		}
	}
}
