/* link: see link.h */
#include "lib/client/link.h"
#include "lib/wire/wire.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SECOND_NS UINT64_C(1000000000)

/* An answer may be longer than any request: a list of what many wrote. */
enum { LINE_MAX_BYTES = 2 * WIRE_LINE_BYTES_MAX };

static const char too_late[] = "Connection timed out", closed[] = "the connection was closed";

/* --- Time --- */

uint64_t link_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * SECOND_NS + (uint64_t)t.tv_nsec;
}

static struct timespec timespec_of(uint64_t ns)
{
	return (struct timespec){ .tv_sec = (time_t)(ns / SECOND_NS), .tv_nsec = (long)(ns % SECOND_NS) };
}

void link_sleep_until(uint64_t ns)
{
	struct timespec t = timespec_of(ns);

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
		;
}

/* 1: ready, or broken, which the next call on it says; 0: too late. */
static int await(int fd, short events, uint64_t deadline_ns)
{
	struct pollfd p = { .fd = fd, .events = events };

	for (;;) {
		uint64_t now = link_now();
		struct timespec left = timespec_of(deadline_ns > now ? deadline_ns - now : 0);
		int n = ppoll(&p, 1, &left, NULL);

		if (n >= 0)
			return n;
		if (errno != EINTR)
			return 1;
	}
}

/* --- Connecting --- */

/* A socket that does not block, connected; or -1 and errno. */
static int dial(int family, const struct sockaddr *to, socklen_t len, uint64_t deadline_ns)
{
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), error = 0;
	socklen_t size = sizeof(error);

	if (fd < 0)
		return -1;
	if (connect(fd, to, len)) {
		/* A Unix socket whose queue is full says EAGAIN and has to be tried again. */
		if (errno != EINPROGRESS)
			error = errno;
		else if (!await(fd, POLLOUT, deadline_ns))
			error = ETIMEDOUT;
		else if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size))
			error = errno;
	}
	if (!error)
		return fd;
	close(fd);
	errno = error;
	return -1;
}

static int dial_unix(const struct address *a, uint64_t deadline_ns)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };

	memcpy(name.sun_path, a->path, strlen(a->path) + 1);
	return dial(AF_UNIX, (const struct sockaddr *)&name, sizeof(name), deadline_ns);
}

/* The first of the host's addresses that takes it.  -1: errno, or *why. */
static int dial_tcp(const struct address *a, uint64_t deadline_ns, const char **why)
{
	struct addrinfo want = { .ai_socktype = SOCK_STREAM }, *all;
	int fd = -1, rc = getaddrinfo(a->host, a->port, &want, &all);

	if (rc) {
		*why = rc == EAI_SYSTEM ? strerror(errno) : gai_strerror(rc);
		return -1;
	}
	for (const struct addrinfo *at = all; at && fd < 0; at = at->ai_next)
		fd = dial(at->ai_family, at->ai_addr, at->ai_addrlen, deadline_ns);
	*why = fd < 0 ? strerror(errno) : NULL;
	freeaddrinfo(all);
	if (fd >= 0)
		address_no_delay(fd);
	return fd;
}

int link_open(struct link *l, uint64_t deadline_ns)
{
	const struct address *a;

	if (l->in >= 0)
		return 0;
	if (!l->addresses) {
		l->why = closed;
		return -1;
	}
	a = &l->address[l->at];
	if (a->is_unix) {
		l->in = dial_unix(a, deadline_ns);
		l->why = strerror(errno);
	} else {
		l->in = dial_tcp(a, deadline_ns, &l->why);
	}
	l->out = l->in;
	if (l->in >= 0)
		return 0;
	l->at = (l->at + 1) % l->addresses;
	return -1;
}

/* --- The link --- */

void link_init(struct link *l, const struct address *address, size_t addresses)
{
	*l = (struct link){ .address = address, .addresses = addresses, .in = -1, .out = -1 };
	line_init(&l->lines, LINE_MAX_BYTES);
}

void link_init_given(struct link *l, int in, int out)
{
	link_init(l, NULL, 0);
	l->in = in;
	l->out = out;
}

static void end(struct link *l)
{
	if (l->in >= 0)
		close(l->in);
	if (l->out >= 0 && l->out != l->in)
		close(l->out);
	l->in = l->out = -1;
	line_release(&l->lines);
}

void link_release(struct link *l)
{
	end(l);
}

void link_close(struct link *l)
{
	if (!l->addresses || l->in < 0)
		return;
	end(l);
	l->at = (l->at + 1) % l->addresses;
}

static int lost(struct link *l, const char *why)
{
	l->why = why;
	if (l->addresses)
		link_close(l);
	else
		end(l);
	return -1;
}

int link_send(struct link *l, const char *text, size_t len, uint64_t deadline_ns)
{
	while (len) {
		ssize_t n = l->out == l->in ? send(l->out, text, len, MSG_NOSIGNAL) : write(l->out, text, len);

		if (n >= 0) {
			text += n;
			len -= (size_t)n;
		} else if (errno != EAGAIN && errno != EINTR) {
			return lost(l, strerror(errno));
		} else if (!await(l->out, POLLOUT, deadline_ns)) {
			return lost(l, too_late);       /* half a line is out */
		}
	}
	return 0;
}

int link_line(struct link *l, char **line, size_t *len, uint64_t deadline_ns)
{
	for (;;) {
		enum line_status status;
		ssize_t n;

		do
			status = line_next(&l->lines, line, len);
		while (status == LINE_TOO_LONG);
		if (status == LINE_WHOLE)
			return 1;
		if (l->lines.ended)
			return lost(l, closed);
		/* Before poll: that does not tell the end of a pipe whose writer was gone when it was opened. */
		n = line_read(&l->lines, l->in);
		if (n >= 0 || errno == EINTR)
			continue;
		if (errno != EAGAIN)
			return lost(l, strerror(errno));
		if (!await(l->in, POLLIN, deadline_ns))
			return 0;
	}
}
