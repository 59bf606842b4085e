/*
 * client: what a client in lockstep that is a test's is made of.  Who includes this defines take and act.
 */
#ifndef TESTS_NODES_CLIENT_H
#define TESTS_NODES_CLIENT_H

#include <inttypes.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MS UINT64_C(1000000)
enum { NODES_MAX = 64 };

static const char *name;                /* this client's */
static char *node[NODES_MAX];
static unsigned nodes;
static uint64_t now, draws;

/* A line: `rest` is what dest has after the name. */
static void take(const json_t *body, const char *type, const char *rest);
/* What is due at `now`; returns when to be woken at the latest. */
static uint64_t act(void);

__attribute__((format(printf, 1, 2), noreturn))
static void violated(const char *fmt, ...)
{
	va_list args;

	fprintf(stderr, "at %" PRIu64 " ms: ", now / MS);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
	exit(1);
}

/* splitmix64 (S. Vigna) */
static inline uint64_t draw(uint64_t bound)
{
	uint64_t x = draws += UINT64_C(0x9e3779b97f4a7c15);

	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return (x ^ x >> 31) % bound;
}

static inline uint64_t answers(const json_t *body)
{
	return (uint64_t)json_integer_value(json_object_get(body, "in_reply_to"));
}

static inline json_int_t code_of(const json_t *body)
{
	return json_integer_value(json_object_get(body, "code"));
}

/* `names` as n1,n2,n3: it is cut up. */
static void client_init(const char *own, char *names)
{
	const char *seed = getenv("FAULTLINE_SEED");

	name = own;
	for (char *p = strtok(names, ","); p && nodes < NODES_MAX; p = strtok(NULL, ","))
		node[nodes++] = p;
	draws = seed ? strtoull(seed, NULL, 10) : 1;
}

static void client_line(const char *text)
{
	json_t *line = json_loads(text, 0, NULL), *body = json_object_get(line, "body");
	const char *dest = json_string_value(json_object_get(line, "dest"));
	const char *type = json_string_value(json_object_get(body, "type"));

	now = (uint64_t)json_integer_value(json_object_get(line, "at"));
	if (dest && type && !strncmp(dest, name, strlen(name)))
		take(body, type, dest + strlen(name));
	json_decref(line);
}

/* Until the end of the input. */
static void client_run(void)
{
	char *line = NULL;
	size_t room = 0;

	while (getline(&line, &room, stdin) > 0) {
		client_line(line);
		printf("{\"src\":\"%s\",\"dest\":\"net\",\"body\":{\"type\":\"idle\",\"wake\":%" PRIu64 "}}\n", name, act());
		fflush(stdout);
	}
	free(line);
}

#endif
