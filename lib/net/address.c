/* address: see address.h */
#include "lib/net/address.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static int parse_unix(struct address *a, const char *path, const char **why)
{
	size_t len = strlen(path);

	a->is_unix = true;
	*why = len ? "the path is too long for a socket" : "the path is empty";
	if (!len || len >= sizeof(a->path))
		return -1;
	memcpy(a->path, path, len + 1);
	return 0;
}

static int parse_tcp(struct address *a, const char *text, const char **why)
{
	const char *colon = strrchr(text, ':');
	size_t host = colon ? (size_t)(colon - text) : 0;
	char *end;
	unsigned long port;

	*why = "must be tcp:HOST:PORT";
	if (!colon || colon[1] < '0' || colon[1] > '9' || strlen(colon + 1) >= sizeof(a->port))
		return -1;
	port = strtoul(colon + 1, &end, 10);
	if (*end || port > 65535)
		return -1;
	memcpy(a->port, colon + 1, strlen(colon + 1) + 1);
	if (host >= 2 && text[0] == '[' && text[host - 1] == ']') {
		text++;
		host -= 2;
	}
	if (!host || host > ADDRESS_HOST_BYTES_MAX)
		return -1;
	memcpy(a->host, text, host);
	a->host[host] = '\0';
	return 0;
}

int address_parse(struct address *a, const char *text, const char **why)
{
	*a = (struct address){ .text = text };
	if (!strncmp(text, "unix:", 5))
		return parse_unix(a, text + 5, why);
	if (!strncmp(text, "tcp:", 4))
		return parse_tcp(a, text + 4, why);
	*why = "must be unix:PATH or tcp:HOST:PORT";
	return -1;
}

/* --- Unix --- */

static struct sockaddr_un unix_name(const struct address *a)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };

	memcpy(name.sun_path, a->path, strlen(a->path) + 1);
	return name;
}

/* Its file is there and nobody accepts: left by a process that was killed. */
static bool unix_abandoned(const struct sockaddr_un *name)
{
	struct stat st;
	int fd, refused;

	if (lstat(name->sun_path, &st) || !S_ISSOCK(st.st_mode))
		return false;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false;
	refused = connect(fd, (const struct sockaddr *)name, sizeof(*name)) && errno == ECONNREFUSED;
	close(fd);
	return refused;
}

static int unix_bind(int fd, const struct sockaddr_un *name)
{
	if (!bind(fd, (const struct sockaddr *)name, sizeof(*name)))
		return 0;
	if (errno != EADDRINUSE)
		return -1;
	if (!unix_abandoned(name) || unlink(name->sun_path)) {
		errno = EADDRINUSE;
		return -1;
	}
	return bind(fd, (const struct sockaddr *)name, sizeof(*name));
}

/* --- Both --- */

static int tcp_bind(int fd, const struct addrinfo *at)
{
	int on = 1;

	/* The address of a server that ended a moment ago is free. */
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	return bind(fd, at->ai_addr, at->ai_addrlen);
}

static int give_up(int fd)
{
	int saved = errno;

	close(fd);
	errno = saved;
	return -1;
}

static int listening(int fd)
{
	return listen(fd, SOMAXCONN) ? give_up(fd) : fd;
}

/* A socket of the first of the host's addresses that takes it. */
static int tcp_socket(const struct address *a, bool to_listen, const char **why)
{
	struct addrinfo want = { .ai_socktype = SOCK_STREAM, .ai_flags = to_listen ? AI_PASSIVE : 0 }, *all;
	int fd = -1, rc = getaddrinfo(a->host, a->port, &want, &all);

	if (rc) {
		*why = gai_strerror(rc);
		if (rc != EAI_SYSTEM)
			errno = 0;
		return -1;
	}
	for (const struct addrinfo *at = all; at && fd < 0; at = at->ai_next) {
		fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC | (to_listen ? SOCK_NONBLOCK : 0), 0);
		if (fd >= 0 && (to_listen ? tcp_bind(fd, at) : connect(fd, at->ai_addr, at->ai_addrlen)))
			fd = give_up(fd);
	}
	freeaddrinfo(all);
	return fd;
}

int address_listen(const struct address *a, const char **why)
{
	int fd;

	if (a->is_unix) {
		struct sockaddr_un name = unix_name(a);

		fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		if (fd >= 0 && unix_bind(fd, &name))
			fd = give_up(fd);
	} else {
		fd = tcp_socket(a, true, why);
	}
	return fd < 0 ? -1 : listening(fd);
}

int address_connect(const struct address *a, const char **why)
{
	int fd;

	if (a->is_unix) {
		struct sockaddr_un name = unix_name(a);

		fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fd >= 0 && connect(fd, (const struct sockaddr *)&name, sizeof(name)))
			fd = give_up(fd);
	} else {
		fd = tcp_socket(a, false, why);
		if (fd >= 0)
			address_no_delay(fd);
	}
	return fd;
}

int address_connect_begin(const struct address *a, const struct addrinfo *host)
{
	struct sockaddr_un name = unix_name(a);
	const struct sockaddr *to = host ? host->ai_addr : (const struct sockaddr *)&name;
	socklen_t len = host ? host->ai_addrlen : sizeof(name);
	int fd = socket(host ? host->ai_family : AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -1;
	if (host) {
		address_no_delay(fd);
		address_keep_alive(fd, true);
	}
	return connect(fd, to, len) && errno != EINPROGRESS ? give_up(fd) : fd;
}

int address_error(int fd)
{
	int error = 0;
	socklen_t len = sizeof(error);

	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) ? errno : error;
}

unsigned address_port(int fd)
{
	struct sockaddr_storage at;
	socklen_t len = sizeof(at);

	if (getsockname(fd, (struct sockaddr *)&at, &len))
		return 0;
	if (at.ss_family == AF_INET6)
		return ntohs(((struct sockaddr_in6 *)&at)->sin6_port);
	return at.ss_family == AF_INET ? ntohs(((struct sockaddr_in *)&at)->sin_port) : 0;
}

void address_no_delay(int fd)
{
	int on = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

void address_keep_alive(int fd, bool takes)
{
	int on = 1, dead_ms = ADDRESS_DEAD_MS;
	int every_s = 1, idle_s = 2, times = ADDRESS_DEAD_MS / 1000 - idle_s;

	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof(idle_s));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &every_s, sizeof(every_s));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &times, sizeof(times));
	if (takes)
		setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &dead_ms, sizeof(dead_ms));
}
