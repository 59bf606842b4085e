/*
 * The commands that change who takes part: a node answers when it is done, so they take their time.
 */
#include "lib/base/err.h"
#include "lib/client/command.h"
#include "lib/client/value.h"

#define SECOND_NS UINT64_C(1000000000)

/* A joiner catches up first: no reason to ask again soon. */
static const uint64_t PATIENCE_NS = 10 * SECOND_NS;

/* `member` names the operand in the request. */
static enum exit_status ask(struct command *c, const char *type, const char *member, const char *expected)
{
	struct wire_line answer;
	struct buf b = { 0 };
	struct request r = { .type = type };

	if (c->operands) {
		c->about = c->operand[0];
		buf_printf(&b, "\"%s\":", member);
		value_put(&b, c->about, false);
		r.members = (struct wire_text){ .p = b.at, .len = b.len };
	}
	c->client.patience_ns = PATIENCE_NS;
	command_ask(c, &r, &answer);
	buf_release(&b);
	return command_expect(c, &answer, expected);
}

enum exit_status command_join(struct command *c)
{
	return ask(c, "join", "node", "join_ok");
}

enum exit_status command_leave(struct command *c)
{
	return ask(c, "leave", "node", "leave_ok");
}

enum exit_status command_transfer(struct command *c)
{
	return ask(c, "transfer", "to", "transfer_ok");
}

enum exit_status command_snapshot(struct command *c)
{
	return ask(c, "snapshot", NULL, "snapshot_ok");
}
