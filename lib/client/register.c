/*
 * The commands on registers.  A proposal may be sent again as often as it takes: what is chosen stays.  A change is sent once:
 * where its answer is lost nobody knows what became of it, and a second would meet what the first has done.
 */
#include "lib/client/command.h"
#include "lib/client/link.h"
#include "lib/client/value.h"

#include <stdio.h>
#include <string.h>

static void put_instance(struct buf *b, struct command *c)
{
	c->about = c->operand[0];
	buf_puts(b, "\"instance\":");
	value_put(b, c->about, false);
}

static void put_value(struct buf *b, const struct command *c, const char *name, const char *word)
{
	buf_printf(b, ",\"%s\":", name);
	value_put(b, word, !c->raw);
}

static enum exit_status print_value(struct command *c, const struct wire_line *answer, const char *expected)
{
	static const char *const names[] = { "value", NULL };
	enum exit_status status = command_expect(c, answer, expected);
	struct wire_value value;

	if (status)
		return status;
	client_fields(answer, names, &value);
	if (!value.kind)
		command_strange(c, answer);
	value_print(&value, c->json, false);
	putchar('\n');
	return EXIT_DONE;
}

enum exit_status command_propose(struct command *c)
{
	struct request r = { .type = "propose" };
	struct wire_line answer;
	struct buf b = { 0 };

	put_instance(&b, c);
	put_value(&b, c, "value", c->operand[1]);
	r.members = (struct wire_text){ b.at, b.len };
	command_ask(c, &r, &answer);
	buf_release(&b);
	return print_value(c, &answer, "propose_ok");
}

enum exit_status command_change(struct command *c)
{
	struct request r = { .type = "change" };
	struct wire_line answer;
	struct buf b = { 0 };

	if (c->operands == 2)
		die_usage("change: TO is missing");
	put_instance(&b, c);
	if (c->operands == 3) {
		put_value(&b, c, "from", c->operand[1]);
		put_value(&b, c, "to", c->operand[2]);
	}
	r.members = (struct wire_text){ b.at, b.len };
	/* Without the two it only asks. */
	if (c->operands == 1)
		command_ask(c, &r, &answer);
	else if (!client_try(&c->client, &r, link_now() + c->timeout_ns, &answer))
		command_no_answer(c, c->client.why);
	buf_release(&b);
	return print_value(c, &answer, "change_ok");
}
