/*
 * driver: what the drivers of the peers share: the loop over lines, a large
 * output buffer and the servers in argv.  The loop is what a fast filter would
 * have (blocks, memchr, no stdio), so that a peer is timed and not its I/O.
 */
#ifndef BENCH_DRIVER_H
#define BENCH_DRIVER_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BLOCK_BYTES = 1 << 20, SERVERS_MAX = 1 << 20 };

__attribute__((noreturn))
static inline void fail(const char *what)
{
	perror(what);
	exit(4);
}

static inline void *must(void *memory)
{
	if (!memory)
		fail("memory");
	return memory;
}

/* Calls fn for every line of stdin; line[len] is its newline, also after the last. */
static inline void lines_each(void (*fn)(void *self, const char *line, size_t len), void *self)
{
	size_t room = BLOCK_BYTES, have = 0;
	char *block = must(malloc(room));

	for (;;) {
		if (have == room)
			block = must(realloc(block, room *= 2));
		ssize_t got = read(STDIN_FILENO, block + have, room - have);
		if (got < 0)
			fail("stdin");
		if (got == 0)
			break;
		const char *line = block, *scan = block + have, *end = scan + got, *newline;
		while ((newline = memchr(scan, '\n', (size_t)(end - scan)))) {
			fn(self, line, (size_t)(newline - line));
			scan = line = newline + 1;
		}
		have = (size_t)(end - line);
		memmove(block, line, have);
	}
	if (have) {
		block[have] = '\n';
		fn(self, block, have);
	}
	free(block);
}

struct out {
	size_t have;
	char buffer[BLOCK_BYTES];
};

static inline void out_write(const char *p, size_t len)
{
	while (len) {
		ssize_t put = write(STDOUT_FILENO, p, len);
		if (put < 0)
			fail("stdout");
		p += put;
		len -= (size_t)put;
	}
}

static inline void out_flush(struct out *out)
{
	out_write(out->buffer, out->have);
	out->have = 0;
}

/* key, then tail ("\tNAME\n"). */
static inline void out_pair(struct out *out, const char *key, size_t key_len,
			    const char *tail, size_t tail_len)
{
	if (key_len + tail_len > sizeof out->buffer - out->have) {
		out_flush(out);
		if (key_len + tail_len > sizeof out->buffer) {
			out_write(key, key_len);
			out_write(tail, tail_len);
			return;
		}
	}
	memcpy(out->buffer + out->have, key, key_len);
	memcpy(out->buffer + out->have + key_len, tail, tail_len);
	out->have += key_len + tail_len;
}

/* A server of argv, "host:port" or "host:port=weight". */
struct server {
	char *host;
	uint16_t port;
	uint32_t weight;
	char *tail;             /* "\thost:port\n" */
	size_t tail_len;
};

static inline struct server *servers_parse(char **argv, uint32_t n)
{
	struct server *servers = must(calloc(n ? n : 1, sizeof *servers));

	for (uint32_t i = 0; i < n; i++) {
		struct server *s = &servers[i];
		char *weight = strchr(argv[i], '='), *port;
		s->weight = weight ? (uint32_t)strtoul(weight + 1, NULL, 10) : 1;
		s->host = must(strndup(argv[i], weight ? (size_t)(weight - argv[i]) : strlen(argv[i])));
		int printed = asprintf(&s->tail, "\t%s\n", s->host);
		if (printed < 0)
			fail("memory");
		s->tail_len = (size_t)printed;
		if (!(port = strrchr(s->host, ':'))) {
			fprintf(stderr, "'%s': no port\n", argv[i]);
			exit(2);
		}
		*port = '\0';
		s->port = (uint16_t)strtoul(port + 1, NULL, 10);
	}
	return servers;
}

#endif
