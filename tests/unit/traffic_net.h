/* What the tests of lib/traffic share: a network of four nodes, and draws of their own. */
#ifndef TESTS_TRAFFIC_NET_H
#define TESTS_TRAFFIC_NET_H

#include "lib/traffic/traffic.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define MS UINT64_C(1000000)

static const char *const names[] = { "n1", "n2", "n3", "n4" };

__attribute__((unused))
static struct fault_options faults(uint64_t seed)
{
	return (struct fault_options){
		.seed = seed, .nodes = names, .node_count = 4, .local_count = 4, .every_ns = 1000 * MS, .calm_ns = FAULT_NEVER,
	};
}

__attribute__((unused))
static struct traffic *must_open(const struct traffic_options *o)
{
	size_t bad;
	const char *why;
	struct traffic *t = traffic_new(o, &bad, &why);

	assert_non_null(t);
	return t;
}

__attribute__((unused))
static struct traffic_link *link_of(struct traffic *t, const char *from, const char *to)
{
	return traffic_link(t, from, strlen(from), to, strlen(to));
}

__attribute__((unused))
static bool send_text(struct traffic *t, uint64_t now, const char *from, const char *to, const char *text)
{
	return traffic_send(t, now, link_of(t, from, to), text, strlen(text));
}

/* The next one that has arrived by `now` is that text. */
__attribute__((unused))
static void assert_arrives(struct traffic *t, uint64_t now, const char *text)
{
	struct traffic_message m;

	assert_true(traffic_take(t, now, &m));
	assert_int_equal(m.len, strlen(text));
	assert_memory_equal(m.line, text, m.len);
	assert_int_equal(m.line[m.len], '\n');
}

__attribute__((unused))
static void assert_nothing(struct traffic *t, uint64_t now)
{
	struct traffic_message m;

	assert_false(traffic_take(t, now, &m));
}

__attribute__((unused))
static void order(struct traffic *t, uint64_t now, struct fault_order o)
{
	struct fault_out out;

	const char *why = traffic_order(t, now, &o, &out);

	if (why)
		fail_msg("%s", why);
}

__attribute__((unused))
static struct fault_order partition(void)
{
	static char groups[] = "n1|n2,n3,n4";

	return (struct fault_order){ .kind = FAULT_ORDER_PARTITION, .nodes = groups };
}

__attribute__((unused))
static struct fault_order heal(void)
{
	return (struct fault_order){ .kind = FAULT_ORDER_HEAL };
}

__attribute__((unused))
static struct fault_settings delayed(uint64_t ns)
{
	return (struct fault_settings){ .set = FAULT_SET_DELAY, .delay = { .a_ns = ns } };
}

static uint64_t state_of_draw;

__attribute__((unused))
static uint64_t draw(uint64_t bound)
{
	state_of_draw = state_of_draw * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (state_of_draw >> 33) % bound;
}

#endif
