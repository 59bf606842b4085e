/*
 * router: the least that carries lines between processes, to measure netfault beside.
 *
 *     router SECONDS COMMAND...
 *
 * The commands are run by sh as nodes n1, n2, ..., given their init, and for that long each line they
 * print is handed to the one its dest names: poll, read, memchr for its end, memmem for its dest, one
 * write a node and round.  Then they get SIGTERM.  No checks, no clients, no bounds.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { NODES_MAX = 64, BLOCK_BYTES = 1 << 16, QUEUE_BYTES = 1 << 24, PIPE_BYTES = 1 << 20 };

struct node {
	pid_t pid;
	int in, out;
	char *block, *queue;            /* read so far, without a whole line; to be written */
	size_t have, waits;
};

static struct node node[NODES_MAX];
static int nodes;

__attribute__((noreturn))
static void fail(const char *what)
{
	perror(what);
	exit(4);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void start(struct node *n, const char *command)
{
	int in[2], out[2];

	if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC) || (n->pid = fork()) < 0)
		fail("start");
	if (!n->pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		signal(SIGPIPE, SIG_DFL);
		dup2(in[0], STDIN_FILENO);
		dup2(out[1], STDOUT_FILENO);
		execl("/bin/sh", "sh", "-c", command, (char *)NULL);
		fail(command);
	}
	close(in[0]);
	close(out[1]);
	n->in = in[1];
	n->out = out[0];
	fcntl(n->in, F_SETPIPE_SZ, PIPE_BYTES);
	fcntl(n->out, F_SETPIPE_SZ, PIPE_BYTES);
	fcntl(n->in, F_SETFL, O_NONBLOCK);
	fcntl(n->out, F_SETFL, O_NONBLOCK);
	n->block = malloc(BLOCK_BYTES);
	n->queue = malloc(QUEUE_BYTES);
	if (!n->block || !n->queue)
		fail("memory");
}

static void put(struct node *n, const char *p, size_t len)
{
	if (n->waits + len > QUEUE_BYTES)
		fail("queue");
	memcpy(n->queue + n->waits, p, len);
	n->waits += len;
}

static void init(int i)
{
	char line[4096];
	int len = snprintf(line, sizeof(line), "{\"src\":\"net\",\"dest\":\"n%d\",\"body\":{\"type\":\"init\","
			   "\"msg_id\":1,\"node_id\":\"n%d\",\"node_ids\":[", i + 1, i + 1);

	for (int j = 0; j < nodes; j++)
		len += snprintf(line + len, sizeof(line) - (size_t)len, "%s\"n%d\"", j ? "," : "", j + 1);
	len += snprintf(line + len, sizeof(line) - (size_t)len, "]}}\n");
	put(&node[i], line, (size_t)len);
}

static void route(const char *line, size_t len)
{
	const char *dest = memmem(line, len, "\"dest\":\"", 8);
	int to;

	if (!dest || dest[8] != 'n')
		return;
	to = atoi(dest + 9) - 1;
	if (to >= 0 && to < nodes)
		put(&node[to], line, len);
}

static void take(struct node *n)
{
	ssize_t got = read(n->out, n->block + n->have, BLOCK_BYTES - n->have);
	char *line = n->block, *newline;

	if (got <= 0)
		return;
	n->have += (size_t)got;
	while ((newline = memchr(line, '\n', (size_t)(n->block + n->have - line)))) {
		route(line, (size_t)(newline + 1 - line));
		line = newline + 1;
	}
	n->have -= (size_t)(line - n->block);
	memmove(n->block, line, n->have);
}

static void flush(struct node *n)
{
	ssize_t put_now = write(n->in, n->queue, n->waits);

	if (put_now <= 0)
		return;
	n->waits -= (size_t)put_now;
	memmove(n->queue, n->queue + put_now, n->waits);
}

int main(int argc, char **argv)
{
	struct pollfd poll_fd[2 * NODES_MAX];
	double end;

	if (argc < 3 || argc - 2 > NODES_MAX) {
		fputs("usage: router SECONDS COMMAND...\n", stderr);
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	nodes = argc - 2;
	for (int i = 0; i < nodes; i++)
		start(&node[i], argv[2 + i]);
	for (int i = 0; i < nodes; i++)
		init(i);
	for (end = now() + atof(argv[1]); now() < end;) {
		for (int i = 0; i < nodes; i++) {
			struct node *n = &node[i];

			if (n->waits)
				flush(n);
			poll_fd[2 * i] = (struct pollfd){ .fd = n->out, .events = POLLIN };
			poll_fd[2 * i + 1] = (struct pollfd){ .fd = n->waits ? n->in : -1, .events = POLLOUT };
		}
		if (poll(poll_fd, (nfds_t)(2 * nodes), 100) < 0 && errno != EINTR)
			fail("poll");
		for (int i = 0; i < nodes; i++)
			if (poll_fd[2 * i].revents)
				take(&node[i]);
	}
	for (int i = 0; i < nodes; i++) {
		kill(node[i].pid, SIGTERM);
		close(node[i].in);
		close(node[i].out);
	}
	while (wait(NULL) > 0)
		;
	return 0;
}
