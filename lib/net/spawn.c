/* spawn: see spawn.h */
#include "lib/net/spawn.h"
#include "lib/base/err.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

struct pipes {
	int in[2], out[2], err[2];      /* of the process: stdin, stdout, stderr */
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

/* Is it given anew by one of them?  Both are NAME=VALUE. */
static bool overridden(const char *variable, char *const *more)
{
	size_t name = strcspn(variable, "=") + 1;

	for (; *more; more++)
		if (!strncmp(variable, *more, name))
			return true;
	return false;
}

/* Our environment, and more over it: the array is the caller's to free. */
static char **environment(char *const *more)
{
	static char *const none[] = { NULL };
	size_t count = 0, used = 0;
	char **all;

	more = more ? more : none;
	for (char **e = environ; *e; e++)
		count++;
	for (char *const *e = more; *e; e++)
		count++;
	all = must_calloc(count + 1, sizeof(*all));
	for (char **e = environ; *e; e++)
		if (!overridden(*e, more))
			all[used++] = *e;
	for (char *const *e = more; *e; e++)
		all[used++] = *e;
	return all;
}

static void reset_signals(void)
{
	static const int ours[] = { SIGTERM, SIGINT, SIGHUP, SIGCHLD, SIGPIPE };
	struct sigaction old;
	sigset_t none;

	for (size_t i = 0; i < sizeof(ours) / sizeof(*ours); i++)
		if (!sigaction(ours[i], NULL, &old) && (old.sa_handler != SIG_IGN || ours[i] == SIGPIPE))
			signal(ours[i], SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

__attribute__((noreturn))
static void run(const struct spawn *s, char *const *env, struct pipes *p, pid_t parent)
{
	int why;

	setpgid(0, 0);
	reset_signals();
	if (s->same_addresses)
		personality((unsigned long)personality(0xffffffff) | ADDR_NO_RANDOMIZE);
	/* The second question is for one of us that ended before the first was asked. */
	if (!prctl(PR_SET_PDEATHSIG, SIGKILL) && getppid() == parent &&
	    (!s->inherited_as || dup2(s->inherited, s->inherited_as) >= 0) &&
	    dup2(p->in[0], STDIN_FILENO) >= 0 && dup2(p->out[1], STDOUT_FILENO) >= 0 &&
	    dup2(p->err[1], STDERR_FILENO) >= 0 && (!s->directory || !chdir(s->directory)))
		execvpe(s->argv[0], s->argv, env);
	/* Only a number beyond what we may have open is a bad one here. */
	why = errno == EBADF ? EMFILE : errno;
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

int spawn_process(const struct spawn *s, struct spawned *out)
{
	struct pipes p;
	pid_t parent = getpid(), pid;
	int why = open_pipes(&p);
	sigset_t all, before;
	char **env;

	if (why)
		return why;
	env = environment(s->more);
	/* Until the handlers are gone from it: they would tell its signals as ours. */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	pid = fork();
	if (pid == 0)
		run(s, env, &p, parent);
	why = pid < 0 ? errno : 0;
	sigprocmask(SIG_SETMASK, &before, NULL);
	free(env);
	if (!why)
		why = await_exec(pid, &p);
	if (!why) {
		*out = (struct spawned){ .pid = pid, .in = p.in[1], .out = p.out[0], .err = p.err[0] };
		p.in[1] = p.out[0] = p.err[0] = -1;
	}
	close_pipes(&p);
	return why;
}
