/*
 * address: where programs meet: `unix:PATH` or `tcp:HOST:PORT`.
 *
 * HOST is a name or a number, an IPv6 one in brackets; PORT a number, 0 to listen on any that is free.
 */
#ifndef NET_ADDRESS_H
#define NET_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/un.h>

enum {
	ADDRESS_HOST_BYTES_MAX = 255,
	ADDRESS_DEAD_MS = 5000,
};

struct address {
	const char *text;               /* the caller's, kept */
	bool is_unix;
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	char host[ADDRESS_HOST_BYTES_MAX + 1];
	char port[6];
};

/* 0; or -1 where the text is none, and why, a constant. */
__attribute__((warn_unused_result))
int address_parse(struct address *, const char *text, const char **why);

/*
 * A socket, close-on-exec: one that listens and does not block, or one that is connected and does.  -1:
 * errno says why, or is 0 and *why does.  A socket file that nobody listens on any more is replaced.
 */
__attribute__((warn_unused_result))
int address_listen(const struct address *, const char **why);
__attribute__((warn_unused_result))
int address_connect(const struct address *, const char **why);

/*
 * The same without waiting: a socket that does not block and is connected once it can be written and address_error is
 * 0.  `host` is one of getaddrinfo's, NULL for a Unix socket.  -1: errno.
 */
struct addrinfo;
__attribute__((warn_unused_result))
int address_connect_begin(const struct address *, const struct addrinfo *host);
/* 0, or errno of a connection that could not be made. */
int address_error(int fd);

/* The port a listening TCP socket has got. */
unsigned address_port(int fd);

/* Answers are small and wanted at once: no waiting for more to send.  No effect on other sockets. */
void address_no_delay(int fd);

/*
 * A host that is gone is found out though it says nothing: within some seconds by one that is silent, and with `takes`
 * within ADDRESS_DEAD_MS where what was sent is not taken.
 */
void address_keep_alive(int fd, bool takes);

#endif
