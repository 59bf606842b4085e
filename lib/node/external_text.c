/* external_text: see external_text.h */
#include "lib/node/external_text.h"

#include <stddef.h>

enum { KEEP_BYTES = 1 << 16 };

enum { TYPE, COMMAND, SESSION, SEQ };
enum { RESULT };
enum { SNAPSHOT, RESTORED, STATE };

void texts_init(struct texts *t)
{
	static const char *const command_names[] = { "type", "command", "session", "seq", NULL };
	static const char *const answer_names[] = { "result", NULL };
	static const char *const line_names[] = { "snapshot", "restored", "state", NULL };

	*t = (struct texts){
		.command_names = wire_names_new(command_names),
		.answer_names = wire_names_new(answer_names),
		.line_names = wire_names_new(line_names),
	};
}

void texts_release(struct texts *t)
{
	wire_names_free(t->command_names);
	wire_names_free(t->answer_names);
	wire_names_free(t->line_names);
	buf_release(&t->message);
}

/* --- Commands --- */

static const char *session_fault(const struct wire_value field[], struct command *c)
{
	c->seq = 0;
	if (field[SESSION].kind == WIRE_ABSENT && field[SEQ].kind == WIRE_ABSENT)
		return NULL;
	if (field[SESSION].kind == WIRE_ABSENT)
		return "a 'seq' without a 'session'";
	if (field[SEQ].kind == WIRE_ABSENT)
		return "a 'session' without a 'seq'";
	if (!wire_string(&field[SESSION], c->session, KV_SESSION_ID_BYTES_MAX) || !*c->session)
		return "'session' is no string of 1 to 64 bytes";
	if (!wire_u64(&field[SEQ], &c->seq) || !c->seq)
		return "'seq' is no whole number from 1 on";
	return NULL;
}

const char *texts_command(const struct texts *t, struct wire_text body, struct command *c)
{
	struct wire_value field[WIRE_FIELDS_MAX];

	wire_body(t->command_names, body, field);
	c->is_apply = wire_is(&field[TYPE], "apply");
	if (!c->is_apply)
		return NULL;
	c->value = field[COMMAND].json;
	return field[COMMAND].kind == WIRE_ABSENT ? "'command' is missing" : session_fault(field, c);
}

/* --- Answers --- */

void texts_forget(struct texts *t)
{
	buf_clear(&t->message, KEEP_BYTES);
}

/* The first byte after the spaces from p on. */
static const char *beyond_spaces(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	return p;
}

/*
 * The line is read as a part of a message like the one that will carry it, so that whatever reads that
 * one takes it; a line that would put more into it (`1,"code":2`) is no value.
 */
const char *texts_answer(struct texts *t, const char *line, size_t len, struct wire_text *value)
{
	static const char before[] = "{\"src\":\"m\",\"dest\":\"n\",\"body\":{\"msg_id\":0," TEXTS_APPLY_OK;
	const char *end = line + len, *p = beyond_spaces(line, end);
	struct wire_line message;
	struct wire_value result;

	while (end > p && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\r'))
		end--;
	texts_forget(t);
	buf_puts(&t->message, before);
	buf_add(&t->message, p, (size_t)(end - p));
	buf_puts(&t->message, "}}");
	if (wire_parse(&message, t->message.at, t->message.len))
		return message.body.p ? "an answer that is nested too deep" : "an answer that is no JSON";
	wire_body(t->answer_names, message.body, &result);
	*value = (struct wire_text){ t->message.at + sizeof(before) - 1, (size_t)(end - p) };
	if (result.json.p != value->p || result.json.len != value->len)
		return "an answer that is not one JSON value";
	return NULL;
}

/* A member of it, absent where it is no object. */
static struct wire_value member_of(const struct texts *t, struct wire_text value, int name)
{
	struct wire_value field[WIRE_FIELDS_MAX];

	if (*value.p != '{')
		return (struct wire_value){ .kind = WIRE_ABSENT };
	wire_body(t->line_names, value, field);
	return field[name];
}

bool texts_restored(const struct texts *t, struct wire_text value)
{
	struct wire_value restored = member_of(t, value, RESTORED);

	return wire_true(&restored);
}

struct wire_text texts_snapshot(const struct texts *t, struct wire_text value)
{
	struct wire_value state = member_of(t, value, SNAPSHOT);
	bool none = state.kind == WIRE_ABSENT || (state.kind == WIRE_OTHER && *state.json.p == 'f');

	return none ? (struct wire_text){ .p = NULL } : state.json;
}

struct wire_text texts_state(const struct texts *t, struct wire_text line)
{
	struct wire_value state = member_of(t, line, STATE);

	return state.kind == WIRE_ABSENT ? (struct wire_text){ .p = NULL } : state.json;
}
