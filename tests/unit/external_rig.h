/*
 * external_rig: an external machine in a test, and the runtime around it as far as the machine sees that.
 */
#ifndef TESTS_EXTERNAL_RIG_H
#define TESTS_EXTERNAL_RIG_H

#include "lib/base/err.h"
#include "lib/node/machine.h"
#include "lib/node/protocol.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>
#include <cmocka.h>

#define SECOND UINT64_C(1000000000)
#define COMMAND(json) "{\"type\":\"apply\",\"command\":" json "}"

enum { HEARD_MAX = 4096 };

struct node {
	uint64_t index[HEARD_MAX];
	char *answer[HEARD_MAX];
	size_t heard;
	size_t ready;
};

void node_applied(struct node *n, uint64_t index, struct wire_text answer)
{
	assert_true(n->heard < HEARD_MAX);
	n->index[n->heard] = index;
	n->answer[n->heard++] = strndup(answer.p, answer.len);
}

void node_machine_ready(struct node *n)
{
	n->ready++;
}

void node_die(enum store_error error, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	_exit(error == STORE_ESYSTEM ? EXIT_SYSTEM : EXIT_DATA);
}

static void forget(struct node *n)
{
	for (size_t i = 0; i < n->heard; i++)
		free(n->answer[i]);
	*n = (struct node){ 0 };
}

/* A machine with its node. */
struct rig {
	struct node node;
	void *m;
	bool lockstep;
};

static void rig_open(struct rig *r, const char *command, bool lockstep)
{
	*r = (struct rig){ .lockstep = lockstep };
	r->m = external_machine_open(&r->node, command, 20 * SECOND, lockstep);
}

static void rig_close(struct rig *r)
{
	external_machine.close(r->m);
	if (!r->lockstep)
		uv_run(uv_default_loop(), UV_RUN_DEFAULT);
	forget(&r->node);
}

/* Gives it a command; an answer that came at once is heard like those that come later. */
static void give(struct rig *r, uint64_t index, const char *body)
{
	struct buf answer = { 0 };

	assert_true(external_machine.ready(r->m));
	if (external_machine.apply(r->m, index, (struct wire_text){ body, strlen(body) }, &answer))
		node_applied(&r->node, index, (struct wire_text){ answer.at, answer.len });
	else
		assert_false(r->lockstep);
	buf_release(&answer);
}

/* Something happens, or a millisecond is over. */
static void go_on(void)
{
	if (uv_run(uv_default_loop(), UV_RUN_NOWAIT))
		usleep(1000);
}

static void wait_for(struct rig *r, size_t heard)
{
	while (r->node.heard < heard)
		go_on();
}

/* The answer to a command, waited for. */
static const char *asked(struct rig *r, uint64_t index, const char *body)
{
	size_t heard = r->node.heard;

	give(r, index, body);
	if (!r->lockstep)
		wait_for(r, heard + 1);
	assert_int_equal(r->node.heard, heard + 1);
	assert_int_equal(r->node.index[heard], index);
	return r->node.answer[heard];
}

/* Runs a test for the loop, then in lockstep. */
static void in_both(void (*test)(struct rig *, bool lockstep))
{
	struct rig r;

	test(&r, false);
	test(&r, true);
}

/* A program that adds the commands. */
#define SUM "sum=0; while read -r line; do case $line in " \
	"'{\"snapshot\"'*) echo \"{\\\"snapshot\\\":$sum}\" ;; " \
	"'{\"restore\"'*) sum=${line#*:}; sum=${sum%%,*}; echo '{\"restored\":true}' ;; " \
	"*) add=${line##*:}; sum=$((sum + ${add%\\}})); echo \"$sum\" ;; esac; done"

#define RESULT(json) "\"type\":\"apply_ok\",\"result\":" json
#define ERROR(code, text) "\"type\":\"error\",\"code\":" #code ",\"text\":\"" text "\""
#define NOT_SUPPORTED ERROR(10, "not supported")
#define FORGOTTEN ERROR(13, "the session has expired, or the answer is not kept any more")
#define EARLY ERROR(14, "a request of the session before this one has not come yet")

static inline void in_session(char body[128], const char *session, int seq, int command)
{
	snprintf(body, 128, "{\"type\":\"apply\",\"command\":%d,\"session\":\"%s\",\"seq\":%d}", command, session, seq);
}

static inline const char *asked_in(struct rig *r, uint64_t index, const char *session, int seq, int command)
{
	char body[128];

	in_session(body, session, seq, command);
	return asked(r, index, body);
}

#endif
