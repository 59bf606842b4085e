/*
 * input: lines, and what kind each is.
 *
 * A bad line is named on stderr, counted, and answered where it can be told whose request it was; the
 * stream goes on.  Until its init a node takes nothing else.
 */
#include "lib/base/err.h"
#include "lib/node/inside.h"

#include <inttypes.h>
#include <stdlib.h>

enum { EXCERPT_BYTES = 60, MSG_ID_BYTES_MAX = 1024 };

static const char *const type_names[] = { "type", NULL };
static const char *const session_names[] = { "session", NULL };
static const char *const stale_names[] = { "stale", NULL };
static const char *const forward_names[] = { "requests", "answers", "epoch", NULL };
static const char *const item_names[] = { "id", "body", NULL };
static const char *const index_names[] = { "index", NULL };
static const char *const admin_names[] = { "node", "to", NULL };
static const char *const init_names[] = { "node_id", "node_ids", NULL };
static const char *const prefix_names[] = { "prefix", NULL };
static const char *const watch_names[] = { "watch", NULL };

void input_open(struct node *n)
{
	size_t most = n->options->line_max;

	line_init(&n->in, (most > NODE_LINE_LEAST_BYTES ? most : NODE_LINE_LEAST_BYTES) + NODE_LINE_SLACK_BYTES);
	n->type_names = wire_names_new(type_names);
	n->session_names = wire_names_new(session_names);
	n->stale_names = wire_names_new(stale_names);
	n->forward_names = wire_names_new(forward_names);
	n->item_names = wire_names_new(item_names);
	n->index_names = wire_names_new(index_names);
	n->admin_names = wire_names_new(admin_names);
	n->init_names = wire_names_new(init_names);
	n->prefix_names = wire_names_new(prefix_names);
	n->watch_names = wire_names_new(watch_names);
}

void input_close(struct node *n)
{
	struct wire_names *all[] = {
		n->type_names, n->session_names, n->stale_names, n->forward_names,
		n->item_names, n->index_names, n->admin_names, n->init_names,
		n->prefix_names, n->watch_names,
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		wire_names_free(all[i]);
	line_release(&n->in);
}

/* --- Bad lines --- */

static bool is_mine(const struct node *n, struct wire_text dest)
{
	return text_is(dest, n->id) || text_is(dest, "*");
}

static void answer_bad(struct node *n, const struct wire_line *line, const char *why)
{
	struct origin o = { .src = line->src, .msg_id = line->msg_id.json };

	if (line->src.p && (!line->dest.p || is_mine(n, line->dest)) && line->msg_id.kind != WIRE_ABSENT && line->in_reply_to.kind == WIRE_ABSENT)
		answer_error(n, &o, WIRE_MALFORMED, why);
}

static void bad_line(struct node *n, const char *text, size_t len, const char *why, size_t at)
{
	n->count.bad_lines++;
	warn("<stdin>:%" PRIu64 ":%zu: %s: '%.*s%s'", n->count.lines, at + 1, why,
	     (int)(len < EXCERPT_BYTES ? len : EXCERPT_BYTES), text, len > EXCERPT_BYTES ? "..." : "");
}

static void too_long(struct node *n, const char *text, size_t len, const struct wire_line *line)
{
	char why[64];

	snprintf(why, sizeof(why), "a line of more than %zu bytes", n->options->line_max);
	bad_line(n, text, len, why, n->options->line_max);
	if (n->open && line->src.p)
		answer_bad(n, line, why);
}

static void input_too_long(struct node *n, const char *text, size_t len)
{
	struct wire_line line;

	n->count.lines++;
	/* Its beginning may say who asked. */
	if (!wire_parse(&line, text, len))
		line.src.p = NULL;
	too_long(n, text, len, &line);
}

/* --- init --- */

/* NULL, or why it is none. */
static const char *init_from(struct node *n, const struct wire_line *line)
{
	struct origin o = { .src = line->src, .msg_id = line->msg_id.json };
	struct wire_value field[2], item;
	struct wire_walk walk;
	char id[WIRE_NAME_BYTES_MAX + 1], (*name)[WIRE_NAME_BYTES_MAX + 1];
	const char *names[NODE_MEMBERS_MAX];
	size_t count = 0;

	wire_body(n->init_names, line->body, field);
	if (!wire_string(&field[0], id, WIRE_NAME_BYTES_MAX) || !*id)
		return "node_id has to be a name of at most 64 bytes";
	if (field[1].kind != WIRE_OTHER || !wire_walk_init(&walk, field[1].json))
		return "node_ids has to be a list of names";
	name = must_calloc(NODE_MEMBERS_MAX, sizeof(*name));
	while (wire_walk_next(&walk, &item)) {
		if (count == NODE_MEMBERS_MAX || !wire_string(&item, name[count], WIRE_NAME_BYTES_MAX) || !*name[count]) {
			free(name);
			return "node_ids has to be a list of at most 64 names of at most 64 bytes";
		}
		names[count] = name[count];
		count++;
	}
	if (!count) {
		free(name);
		return "node_ids is empty";
	}
	node_init(n, id, names, count);
	free(name);
	answer(n, &o, TEXT("\"type\":\"init_ok\""));
	return NULL;
}

static void take_init(struct node *n, const struct wire_line *line, const char *text, size_t len)
{
	const char *why = init_from(n, line);
	char id[WIRE_NAME_BYTES_MAX + 1];

	if (!why)
		return;
	bad_line(n, text, len, why, 0);
	if (n->open) {
		answer_bad(n, line, why);
	} else if (line->msg_id.json.p) {
		/* Whoever it is for, it is the one who answers. */
		snprintf(id, sizeof(id), "%.*s", (int)line->dest.len, line->dest.p);
		wire_error(&n->out, id, line->src, line->msg_id.json, WIRE_MALFORMED, why);
	}
}

/* --- Messages --- */

static void take_peer_down(struct node *n, const struct wire_line *line)
{
	struct wire_value field[2];
	char name[WIRE_NAME_BYTES_MAX + 1];

	wire_body(n->admin_names, line->body, field);
	if (wire_string(&field[0], name, WIRE_NAME_BYTES_MAX))
		n->protocol->peer_down(n->p, name);
}

static void take_message(struct node *n, const struct wire_line *line, const char *text, size_t len)
{
	const char *why = NULL;

	if (n->protocol->message(n->p, line, &why)) {
		if (why)
			bad_line(n, text, len, why, 0);
		return;
	}
	if (text_is(line->type, "tick") || forward_message(n, line))
		return;
	if (text_is(line->type, "peer_down")) {
		take_peer_down(n, line);
		return;
	}
	/* A request that wants no answer. */
	if (line->deep || len > n->options->line_max) {
		bad_line(n, text, len, "a request too long or too deep", 0);
		return;
	}
	request_take(n, &(struct origin){ .src = line->src, .deadline_ns = n->now_ns + n->options->request_timeout_ns },
		     line->type, line->body);
}

static void input_line(struct node *n, const char *text, size_t len)
{
	struct wire_line line;
	struct origin o;
	uint64_t at;
	int bad;

	n->count.lines++;
	n->count.bytes_in += len + 1;
	bad = wire_parse(&line, text, len);
	if (n->options->lockstep && wire_u64(&line.at, &at) && at > n->now_ns)
		n->now_ns = at;
	if (bad) {
		bad_line(n, text, len, line.error, line.error_at);
		if (n->open)
			answer_bad(n, &line, line.error);
		return;
	}
	if (!n->open) {
		if (text_is(line.type, "init"))
			take_init(n, &line, text, len);
		else
			bad_line(n, text, len, "a message before init", 0);
		return;
	}
	if (!is_mine(n, line.dest)) {
		n->count.not_mine++;
		return;
	}
	if (line.msg_id.kind == WIRE_ABSENT || line.in_reply_to.kind != WIRE_ABSENT) {
		take_message(n, &line, text, len);
		return;
	}
	n->count.requests++;
	if (line.msg_id.json.len > MSG_ID_BYTES_MAX) {
		bad_line(n, text, len, "msg_id is longer than 1024 bytes", 0);
		return;
	}
	if (len > n->options->line_max) {
		too_long(n, text, len, &line);
		return;
	}
	if (text_is(line.type, "init")) {
		take_init(n, &line, text, len);
		return;
	}
	o = (struct origin){
		.src = line.src, .msg_id = line.msg_id.json, .deadline_ns = n->now_ns + n->options->request_timeout_ns,
	};
	request_take(n, &o, line.type, line.body);
}

bool input_next(struct node *n)
{
	char *line;
	size_t len;

	switch (line_next(&n->in, &line, &len)) {
	case LINE_NONE:
		return false;
	case LINE_WHOLE:
		input_line(n, line, len);
		return true;
	case LINE_TOO_LONG:
		input_too_long(n, line, len);
		return true;
	}
	return false;
}
