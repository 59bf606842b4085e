/*
 * watch: the changes of a prefix, as they happen.
 *
 * A watch lives in one process of one node, and what it missed cannot be had again.  So that node is asked for its
 * status all the while: if it does not answer any more, or is another process than before (it has
 * taken fewer lines than it had), the watch is over and says so, and is never silently without events.
 */
#include "lib/base/err.h"
#include "lib/client/command.h"
#include "lib/client/value.h"

#include <stdio.h>
#include <string.h>

#define SECOND_NS UINT64_C(1000000000)

static const uint64_t ALIVE_NS = SECOND_NS;     /* between two questions */

struct watch {
	uint64_t id;                            /* the msg_id of the request */
	char node[WIRE_NAME_BYTES_MAX + 1];     /* that answered it */
	uint64_t lines;                         /* it had taken */
	uint64_t heard_ns, asked_ns;
};

static void print_event(const struct watch *w, const struct wire_line *event)
{
	static const char *const names[] = { "watch", "index", "key", "value", "deleted", NULL };
	struct wire_value field[5];
	uint64_t id;

	client_fields(event, names, field);
	if (!wire_u64(&field[0], &id) || id != w->id || !field[1].kind || !field[2].kind)
		return;
	printf("{\"index\":%.*s,\"key\":%.*s,", (int)field[1].json.len, field[1].json.p, (int)field[2].json.len,
	       field[2].json.p);
	if (field[3].kind)
		printf("\"value\":%.*s}\n", (int)field[3].json.len, field[3].json.p);
	else
		puts("\"deleted\":true}");
}

static void check_alive(struct watch *w, const struct wire_line *status)
{
	static const char *const outer[] = { "counters", NULL }, *const inner[] = { "lines", NULL };
	struct wire_line counters;
	struct wire_value field;
	uint64_t lines;

	client_fields(status, outer, &field);
	if (field.kind != WIRE_OTHER || *field.json.p != '{')
		return;
	counters.body = field.json;
	client_fields(&counters, inner, &field);
	if (!wire_u64(&field, &lines))
		return;
	if (lines < w->lines)
		die(EXIT_SYSTEM, "cannot watch any more: '%s' was restarted: events may be missing", w->node);
	w->lines = lines;
}

static void ask_alive(struct command *c, struct watch *w, uint64_t now)
{
	static const struct request status = { .type = "status" };

	w->asked_ns = now;
	if (!client_post(&c->client, w->node, &status, now + c->timeout_ns))
		die(EXIT_SYSTEM, "cannot watch any more: %s: events may be missing", c->client.why);
}

/* A line of the node's: an event, the answer about its health, or none of ours. */
static void take(struct watch *w, const struct wire_line *line)
{
	if (line->src.len != strlen(w->node) || memcmp(line->src.p, w->node, line->src.len))
		return;
	w->heard_ns = link_now();
	if (client_is(line, "event"))
		print_event(w, line);
	else if (client_is(line, "status_ok"))
		check_alive(w, line);
}

static void begin(struct watch *w, const struct command *c, const struct wire_line *answer)
{
	*w = (struct watch){ .heard_ns = link_now() };
	if (!wire_u64(&answer->in_reply_to, &w->id))
		command_strange(c, answer);
	memcpy(w->node, answer->src.p, answer->src.len);
}

enum exit_status command_watch(struct command *c)
{
	struct wire_line line;
	struct buf b = { 0 };
	struct request r = { .type = "watch" };
	struct watch w;
	enum exit_status status;

	buf_puts(&b, "\"prefix\":");
	value_put(&b, c->operands ? c->operand[0] : "", false);
	r.members = (struct wire_text){ .p = b.at, .len = b.len };
	command_ask(c, &r, &line);
	buf_release(&b);
	status = command_expect(c, &line, "watch_ok");
	if (status)
		return status;
	begin(&w, c, &line);
	for (;;) {
		int rc = client_hear(&c->client, &line, 0);

		if (!rc) {
			flush_output();
			rc = client_hear(&c->client, &line, w.asked_ns + ALIVE_NS);
		}
		if (rc < 0)
			die(EXIT_SYSTEM, "cannot watch any more: %s: events may be missing", c->client.why);
		if (rc)
			take(&w, &line);
		if (link_now() >= w.heard_ns + c->timeout_ns)
			die(EXIT_SYSTEM, "cannot watch any more: no answer from '%s' within %s: events may be missing",
			    w.node, c->timeout);
		if (link_now() >= w.asked_ns + ALIVE_NS)
			ask_alive(c, &w, link_now());
	}
}
