/*
 * net: what is asked of the network itself: faults, and what is in force.
 *
 * A fault is ordered once: where no answer comes nobody knows whether it began, and a second crash would be
 * another one.  So only the connection is tried again, as long as nothing was sent.
 */
#include "lib/base/err.h"
#include "lib/client/command.h"
#include "lib/plan/plan.h"

#include <stdio.h>
#include <string.h>

static const uint64_t PAUSE_NS = UINT64_C(20) * 1000000;

static enum exit_status refused(const struct command *c, const struct wire_line *answer)
{
	char text[COMMAND_TEXT_BYTES];
	uint64_t code = command_code(c, answer, text);

	warn("cannot %s: %s", c->operand[0], text);
	if (code == WIRE_MALFORMED || code == WIRE_NOT_SUPPORTED)
		return EXIT_USAGE;
	return code == WIRE_ABORT || code == WIRE_PRECONDITION ? EXIT_NO : EXIT_SYSTEM;
}

/* --- Questions, which may be asked again --- */

/* The members of the answer that are named; they have to be arrays. */
static enum exit_status ask(struct command *c, const char *type, const char *expected, const char *const *names,
			    struct wire_walk *array)
{
	const struct request r = { .type = type };
	struct wire_value field[2];
	struct wire_line answer;

	command_ask(c, &r, &answer);
	if (client_is(&answer, "error"))
		return refused(c, &answer);
	if (!client_is(&answer, expected))
		command_strange(c, &answer);
	client_fields(&answer, names, field);
	for (size_t i = 0; names[i]; i++)
		if (field[i].kind != WIRE_OTHER || !wire_walk_init(&array[i], field[i].json))
			command_strange(c, &answer);
	return EXIT_DONE;
}

/* In the format of a plan, each without its time. */
static enum exit_status links(struct command *c)
{
	static const char *const names[] = { "faults", NULL };
	struct wire_walk faults;
	struct wire_value fault;
	enum exit_status status = ask(c, "links", "links_ok", names, &faults);

	while (!status && wire_walk_next(&faults, &fault))
		printf("%.*s\n", (int)fault.json.len, fault.json.p);
	return status;
}

static bool is_in(struct wire_walk names, const char *name)
{
	struct wire_value other;

	while (wire_walk_next(&names, &other))
		if (wire_is(&other, name))
			return true;
	return false;
}

static enum exit_status nodes(struct command *c)
{
	static const char *const names[] = { "nodes", "down", NULL };
	struct wire_walk list[2];
	struct wire_value element;
	char name[WIRE_NAME_BYTES_MAX + 1];
	enum exit_status status = ask(c, "nodes", "nodes_ok", names, list);

	while (!status && wire_walk_next(&list[0], &element))
		if (wire_string(&element, name, WIRE_NAME_BYTES_MAX))
			printf("%s%s\n", name, is_in(list[1], name) ? "\tdown" : "");
	return status;
}

/* --- Orders --- */

/* Connected, or the end. */
static void connect_until(struct command *c, uint64_t deadline_ns)
{
	while (link_open(&c->client.link, deadline_ns)) {
		if (!c->addresses || link_now() + PAUSE_NS >= deadline_ns)
			command_no_answer(c, c->client.link.why);
		link_sleep_until(link_now() + PAUSE_NS);
	}
}

/* `{"type":"crash","node":"n1"}` in two: the msg_id comes between them. */
static struct request split(struct buf *text)
{
	static const char before[] = "{\"type\":\"";
	struct request r = { .type = text->at + strlen(before) };
	char *end = memchr(r.type, '"', text->len - strlen(before));

	*end++ = '\0';
	end += *end == ',';
	r.members = (struct wire_text){ .p = end, .len = (size_t)(text->at + text->len - end) - 1 };
	return r;
}

static bool is_done(const struct wire_line *answer, const char *type)
{
	char done[64];

	snprintf(done, sizeof(done), "%s_ok", type);
	return client_is(answer, done);
}

static enum exit_status order(struct command *c)
{
	uint64_t deadline_ns = link_now() + c->timeout_ns;
	enum exit_status status = EXIT_DONE;
	struct fault_order o;
	struct plan_error error;
	struct request r;
	struct wire_line answer;
	struct buf text = { 0 };

	if (plan_words(&o, (int)c->operands, c->operand, &error))
		die_usage("%s", error.why);
	plan_print(&text, &o, false);
	r = split(&text);
	connect_until(c, deadline_ns);
	if (!client_try(&c->client, &r, deadline_ns, &answer))
		command_no_answer(c, c->client.why);
	if (client_is(&answer, "error"))
		status = refused(c, &answer);
	else if (!is_done(&answer, r.type))
		command_strange(c, &answer);
	buf_release(&text);
	fault_order_release(&o);
	return status;
}

enum exit_status command_net(struct command *c)
{
	static const struct { const char *word; enum exit_status (*ask)(struct command *); } questions[] = {
		{ "links", links }, { "nodes", nodes },
	};

	if (c->to)
		die_usage("--to is not for net");
	c->client.to = "net";
	for (size_t i = 0; i < sizeof(questions) / sizeof(*questions); i++) {
		if (strcmp(c->operand[0], questions[i].word) != 0)
			continue;
		if (c->operands > 1)
			die_usage("net %s takes no operands", c->operand[0]);
		return questions[i].ask(c);
	}
	return order(c);
}
