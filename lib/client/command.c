/* command: see command.h */
#include "lib/client/command.h"

#include <string.h>

enum { ENVELOPE_BYTES = 1024 };         /* more than all of a line but its members takes */

void command_no_answer(const struct command *c, const char *why)
{
	const char *colon = why ? ": " : "";

	if (!c->addresses)
		die(EXIT_SYSTEM, "no answer from 'stdin'%s%s", colon, why ? why : "");
	die(EXIT_SYSTEM, "no answer from %s within %s%s%s", c->servers, c->timeout, colon, why ? why : "");
}

void command_ask(struct command *c, const struct request *r, struct wire_line *answer)
{
	if (r->members.len > WIRE_LINE_BYTES_MAX - ENVELOPE_BYTES)
		die(EXIT_USAGE, "the request is longer than %d MiB", WIRE_LINE_BYTES_MAX >> 20);
	if (!client_ask(&c->client, r, link_now() + c->timeout_ns, answer))
		command_no_answer(c, c->client.why);
}

void command_strange(const struct command *c, const struct wire_line *answer)
{
	die(EXIT_SYSTEM, "cannot %s: %.*s gives a strange '%.*s'", c->name, (int)answer->src.len, answer->src.p,
	    (int)answer->type.len, answer->type.p);
}

static enum exit_status status_of(uint64_t code)
{
	switch (code) {
	case WIRE_ABORT:
	case WIRE_NO_KEY:
	case WIRE_KEY_EXISTS:
	case WIRE_PRECONDITION:
	case WIRE_TXN_CONFLICT:
		return EXIT_NO;
	case WIRE_NOT_SUPPORTED:
	case WIRE_MALFORMED:
		return EXIT_USAGE;
	default:
		return EXIT_SYSTEM;
	}
}

uint64_t command_code(const struct command *c, const struct wire_line *answer, char text[static COMMAND_TEXT_BYTES])
{
	static const char *const names[] = { "code", "text", NULL };
	struct wire_value field[2];
	uint64_t code;

	client_fields(answer, names, field);
	if (!client_is(answer, "error") || !wire_u64(&field[0], &code))
		command_strange(c, answer);
	if (!wire_string(&field[1], text, COMMAND_TEXT_BYTES - 1))
		strcpy(text, wire_code_text((enum wire_code)code));
	return code;
}

enum exit_status command_expect(const struct command *c, const struct wire_line *answer, const char *type)
{
	char text[COMMAND_TEXT_BYTES];
	uint64_t code;

	if (client_is(answer, type))
		return EXIT_DONE;
	code = command_code(c, answer, text);
	if (c->about)
		warn("cannot %s '%s': %s", c->name, c->about, text);
	else
		warn("cannot %s: %s", c->name, text);
	return status_of(code);
}
