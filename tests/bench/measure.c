/*
 * measure: what one run of a command costs.
 *
 *     measure INPUT OUTPUT COMMAND [ARGUMENT...]
 *     measure --first LINE COMMAND [ARGUMENT...]
 *
 * Prints on one line: wall seconds, user + system seconds, peak resident KiB, exit
 * status (128 + signal), and 0.  --first gives the command LINE on a pipe that stays
 * open: its wall seconds end at the first newline of an answer, and the last figure
 * is the KiB resident at that moment.  No answer in a minute: status 124.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { ANSWER_MS_MAX = 60000, NO_ANSWER = 124 };

__attribute__((noreturn))
static void fail(const char *what)
{
	perror(what);
	_exit(4);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double seconds(struct timeval t)
{
	return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

static pid_t spawn(int in, int out, char **command)
{
	pid_t pid = fork();

	if (pid < 0)
		fail("fork");
	if (pid > 0)
		return pid;
	signal(SIGPIPE, SIG_DFL);
	if (dup2(in, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0)
		fail("dup2");
	execvp(command[0], command);
	perror(command[0]);
	_exit(127);
}

struct cost {
	double wall;
	struct rusage used;
	long held;              /* KiB resident at the first answer */
	int status;
};

static void reap(pid_t pid, struct cost *cost)
{
	int status;

	if (wait4(pid, &status, 0, &cost->used) < 0)
		fail("wait4");
	cost->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void whole_run(const char *input, const char *output, char **command, struct cost *cost)
{
	int in = open(input, O_RDONLY | O_CLOEXEC);
	int out = open(output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);

	if (in < 0 || out < 0)
		fail(in < 0 ? input : output);
	double start = now();
	reap(spawn(in, out, command), cost);
	cost->wall = now() - start;
}

/* Gives the line and waits for a newline; false where none came in time. */
static bool answer_to(const char *line, int to, int from)
{
	struct pollfd ready = { .fd = from, .events = POLLIN };
	char answer[4096];

	dprintf(to, "%s\n", line);
	while (poll(&ready, 1, ANSWER_MS_MAX) > 0) {
		ssize_t got = read(from, answer, sizeof answer);
		if (got <= 0)
			return false;
		if (memchr(answer, '\n', (size_t)got))
			return true;
	}
	return false;
}

/* KiB that a process has resident now, or 0. */
static long resident(pid_t pid)
{
	char path[64];
	long pages = 0;

	snprintf(path, sizeof path, "/proc/%ld/statm", (long)pid);
	FILE *statm = fopen(path, "r");
	if (!statm)
		return 0;
	if (fscanf(statm, "%*s %ld", &pages) != 1)
		pages = 0;
	fclose(statm);
	return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static void first_answer(const char *line, char **command, struct cost *cost)
{
	int to[2], from[2];

	if (pipe2(to, O_CLOEXEC) < 0 || pipe2(from, O_CLOEXEC) < 0)
		fail("pipe");
	double start = now();
	pid_t pid = spawn(to[0], from[1], command);
	close(to[0]);
	close(from[1]);
	bool answered = answer_to(line, to[1], from[0]);
	cost->wall = now() - start;
	cost->held = resident(pid);
	close(to[1]);
	if (!answered)
		kill(pid, SIGTERM);
	reap(pid, cost);
	if (!answered && (cost->status == 0 || cost->status == 128 + SIGTERM))
		cost->status = NO_ANSWER;
}

int main(int argc, char **argv)
{
	struct cost cost = { 0 };

	if (argc < 4) {
		fputs("usage: measure {INPUT OUTPUT | --first LINE} COMMAND [ARGUMENT...]\n", stderr);
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	if (strcmp(argv[1], "--first") == 0)
		first_answer(argv[2], argv + 3, &cost);
	else
		whole_run(argv[1], argv[2], argv + 3, &cost);
	printf("%.6f %.6f %ld %d %ld\n", cost.wall, seconds(cost.used.ru_utime) + seconds(cost.used.ru_stime),
	       cost.used.ru_maxrss, cost.status, cost.held);
	return 0;
}
