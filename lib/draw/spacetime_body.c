/*
 * spacetime_body: a message's body as a person wants it told.
 *
 * One table has the words of the protocols that are known, in short; every other member is told as it stands.
 * Bodies have been checked by wire_parse, so a member ends where its brackets do.
 */
#include <stdlib.h>

#include "lib/draw/spacetime_inside.h"

enum { WORD_BYTES = 24, SHORT_BYTES = 14 };

struct member { struct wire_text name, value; };

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Where the string that begins at p ends, behind its quote. */
static const char *string_end(const char *p, const char *end)
{
	for (p++; p < end && *p != '"'; p++)
		if (*p == '\\' && p + 1 < end)
			p++;
	return p < end ? p + 1 : end;
}

/* Where the value at p ends: at a comma or bracket that is not inside it. */
static const char *value_end(const char *p, const char *end)
{
	unsigned depth = 0;

	while (p < end) {
		if (*p == '"') {
			p = string_end(p, end);
			continue;
		}
		if (*p == '{' || *p == '[')
			depth++;
		else if ((*p == '}' || *p == ']') && !depth--)
			return p;
		else if (*p == ',' && !depth)
			return p;
		p++;
	}
	return end;
}

static const char *skip(const char *p, const char *end)
{
	while (p < end && (is_space(*p) || *p == ',' || *p == ':'))
		p++;
	return p;
}

/* The next element of an array, or member of an object whose '{' is passed; false at its end. */
static bool next_value(const char **p, const char *end, struct wire_text *value)
{
	const char *at = skip(*p, end), *to;

	if (at >= end || *at == ']' || *at == '}')
		return false;
	to = value_end(at, end);
	*p = to;
	while (to > at && is_space(to[-1]))
		to--;
	*value = (struct wire_text){ at, (size_t)(to - at) };
	return true;
}

static bool next_member(const char **p, const char *end, struct member *m)
{
	const char *at = skip(*p, end), *name_end;

	if (at >= end || *at != '"')
		return false;
	name_end = string_end(at, end);
	m->name = (struct wire_text){ at + 1, (size_t)(name_end - at) >= 2 ? (size_t)(name_end - at) - 2 : 0 };
	*p = name_end;
	return next_value(p, end, &m->value);
}

static bool is(struct wire_text t, const char *s)
{
	return t.len == strlen(s) && !memcmp(t.p, s, t.len);
}

static uint64_t number(struct wire_text t)
{
	uint64_t n = 0;

	if (!t.len)
		return 0;
	for (size_t i = 0; i < t.len; i++) {
		if (t.p[i] < '0' || t.p[i] > '9' || n > WIRE_NUMBER_MAX)
			return 0;
		n = 10 * n + (uint64_t)(t.p[i] - '0');
	}
	return n;
}

static uint64_t count(struct wire_text array)
{
	const char *p = array.p + 1, *end = array.p + array.len;
	struct wire_text value;
	uint64_t n = 0;

	if (array.len < 2 || *array.p != '[')
		return 0;
	while (next_value(&p, end, &value))
		n++;
	return n;
}

/* A string without its quotes, anything else as it stands. */
static struct wire_text bare(struct wire_text t)
{
	if (t.len >= 2 && *t.p == '"')
		return (struct wire_text){ t.p + 1, t.len - 2 };
	return t;
}

/* A string's end that is no part of a character; room counts the NUL. */
static void put(char *out, size_t room, const char *s, size_t len, size_t most)
{
	size_t at = strlen(out), cut = len > most ? most : len;
	const char *dots = len > most ? "\xe2\x80\xa6" : "";

	while (cut < len && cut && (s[cut] & 0xc0) == 0x80)
		cut--;
	if (at + cut + strlen(dots) + 1 > room)
		return;
	memcpy(out + at, s, cut);
	strcpy(out + at + cut, dots);
}

static void put_text(char *out, size_t room, const char *s)
{
	put(out, room, s, strlen(s), room);
}

static void copy_text(char *out, size_t room, struct wire_text t)
{
	*out = '\0';
	put(out, room, t.p, t.len, room - 4);
}

/* [round, "node"] */
static bool read_ballot(struct wire_text t, uint64_t *round, struct wire_text *node)
{
	const char *p = t.p + 1, *end = t.p + t.len;
	struct wire_text first;

	if (t.len < 2 || *t.p != '[' || !next_value(&p, end, &first) || !next_value(&p, end, node))
		return false;
	*round = number(first);
	*node = bare(*node);
	return true;
}

/* --- The words of the protocols --- */

enum how {
	AS_IT_IS, LEFT_OUT, COUNTED, BEHIND,    /* BEHIND: after a '/', of the word before it */
	IF_TRUE, YES_NO,                        /* YES_NO: the word where true, `refused` where false */
	BALLOT,
};

static const struct word { const char *name, *as; enum how how; } words[] = {
	{ "type", "", LEFT_OUT }, { "leader_id", "", LEFT_OUT }, { "candidate_id", "", LEFT_OUT }, { "data", "", LEFT_OUT },
	{ "prev_log_index", "prev", AS_IT_IS }, { "prev_log_term", "", BEHIND },
	{ "last_log_index", "last", AS_IT_IS }, { "last_log_term", "", BEHIND },
	{ "last_included_index", "upto", AS_IT_IS }, { "last_included_term", "", BEHIND },
	{ "conflict_index", "conflict", AS_IT_IS }, { "conflict_term", "", BEHIND },
	{ "entries", "entries", COUNTED }, { "values", "values", COUNTED }, { "items", "items", COUNTED },
	{ "leader_commit", "commit", AS_IT_IS }, { "match_index", "match", AS_IT_IS },
	{ "vote_granted", "granted", YES_NO }, { "success", "ok", YES_NO },
	{ "pre_vote", "pre-vote", IF_TRUE }, { "stale", "stale", IF_TRUE },
	{ "ballot", "ballot", BALLOT }, { "promised", "promised", BALLOT },
	{ "msg_id", "#", BEHIND }, { "in_reply_to", "re", BEHIND },
};

static void put_ballot(char *out, size_t room, const char *name, struct wire_text value)
{
	struct wire_text node;
	char text[40];
	uint64_t round;

	if (!read_ballot(value, &round, &node)) {
		put_text(out, room, name);
		put_text(out, room, "=none");
		return;
	}
	snprintf(text, sizeof text, "%s=%ju.", name, (uintmax_t)round);
	put_text(out, room, text);
	put(out, room, node.p, node.len, WORD_BYTES);
}

static void put_brief(char *out, size_t room, const struct member *m)
{
	const struct word *w = NULL;
	struct wire_text value = bare(m->value);
	char text[32];

	for (size_t i = 0; i < sizeof words / sizeof *words && !w; i++)
		if (is(m->name, words[i].name))
			w = &words[i];
	if (w && (w->how == LEFT_OUT || (w->how == IF_TRUE && !is(value, "true"))))
		return;
	if (*out && !(w && w->how == BEHIND && !*w->as))
		put_text(out, room, " ");
	if (!w)
		put(out, room, m->name.p, m->name.len, WORD_BYTES);
	switch (w ? w->how : AS_IT_IS) {
	case COUNTED:
		snprintf(text, sizeof text, "%s=%ju", w->as, (uintmax_t)count(m->value));
		put_text(out, room, text);
		break;
	case BEHIND:
		put_text(out, room, *w->as ? w->as : "/");
		put(out, room, value.p, value.len, WORD_BYTES);
		break;
	case YES_NO:
		put_text(out, room, is(value, "true") ? w->as : "refused");
		break;
	case BALLOT:
		put_ballot(out, room, w->as, m->value);
		break;
	case IF_TRUE:
		put_text(out, room, w->as);
		break;
	case LEFT_OUT:
		break;
	case AS_IT_IS:
		put_text(out, room, w ? w->as : "");
		put_text(out, room, "=");
		put(out, room, value.p, value.len, WORD_BYTES);
		break;
	}
}

/* --- Reading --- */

static void read_member(struct body *b, const struct member *m)
{
	struct wire_text node;

	if (is(m->name, "term")) {
		b->term = number(m->value);
		snprintf(b->reign, sizeof b->reign, "term %ju", (uintmax_t)b->term);
	} else if (is(m->name, "ballot") && read_ballot(m->value, &b->term, &node)) {
		snprintf(b->reign, sizeof b->reign, "ballot %ju.", (uintmax_t)b->term);
		put(b->reign, sizeof b->reign, node.p, node.len, WORD_BYTES);
		copy_text(b->holder, sizeof b->holder, node);
	} else if (is(m->name, "leader_id") || is(m->name, "candidate_id")) {
		copy_text(b->holder, sizeof b->holder, bare(m->value));
	} else if (is(m->name, "entries") || is(m->name, "values")) {
		b->entries = count(m->value);
		b->has_entries = true;
	} else if (is(m->name, "pre_vote")) {
		b->pre_vote = is(m->value, "true");
	} else if (is(m->name, "success") || is(m->name, "vote_granted")) {
		b->refused = is(m->value, "false");
	} else if (is(m->name, "upto")) {
		b->upto = number(m->value);
		b->has_upto = true;
	} else if (is(m->name, "msg_id")) {
		b->msg_id = number(m->value);
		b->has_msg_id = true;
	} else if (is(m->name, "in_reply_to")) {
		b->in_reply_to = number(m->value);
		b->is_reply = true;
	}
}

/* "cas x 1→2", "write x 1", "read x"; "error 20", a value, "ok". */
static void tell_operation(struct body *b, struct wire_text key, struct wire_text value, struct wire_text from,
			   struct wire_text to, struct wire_text code)
{
	const size_t room = sizeof b->operation;
	size_t len = strlen(b->type);

	put(b->operation, room, b->type, len, 16);
	for (const struct wire_text *t = &key; t; t = t == &key ? &value : NULL)
		if (t->p) {
			put_text(b->operation, room, " ");
			put(b->operation, room, t->p, t->len, SHORT_BYTES);
		}
	if (from.p && to.p) {
		put_text(b->operation, room, " ");
		put(b->operation, room, from.p, from.len, SHORT_BYTES / 2);
		put_text(b->operation, room, "\xe2\x86\x92");
		put(b->operation, room, to.p, to.len, SHORT_BYTES / 2);
	}
	if (!strcmp(b->type, "error")) {
		put_text(b->result, room, "error ");
		put(b->result, room, code.p, code.len, SHORT_BYTES);
	} else if (value.p && len > 3 && !strcmp(b->type + len - 3, "_ok")) {
		put(b->result, room, value.p, value.len, SHORT_BYTES);
	} else if (len > 3 && !strcmp(b->type + len - 3, "_ok")) {
		put_text(b->result, room, "ok");
	} else {
		put(b->result, room, b->type, len, SHORT_BYTES);
	}
}

void body_read(struct body *b, struct wire_text message)
{
	struct wire_line line;
	struct wire_text key = { NULL, 0 }, value = { NULL, 0 }, from = { NULL, 0 }, to = { NULL, 0 }, code = { "?", 1 };
	struct member m;
	const char *p, *end;

	*b = (struct body){ .type = "?" };
	if (!message.len || wire_parse(&line, message.p, message.len) || !line.body.len)
		return;
	if (line.type.len)
		copy_text(b->type, sizeof b->type, line.type);
	p = line.body.p + 1;
	end = line.body.p + line.body.len;
	while (next_member(&p, end, &m)) {
		read_member(b, &m);
		put_brief(b->brief, sizeof b->brief, &m);
		if (is(m.name, "key"))
			key = bare(m.value);
		else if (is(m.name, "value"))
			value = bare(m.value);
		else if (is(m.name, "from"))
			from = bare(m.value);
		else if (is(m.name, "to"))
			to = bare(m.value);
		else if (is(m.name, "code"))
			code = m.value;
	}
	tell_operation(b, key, value, from, to, code);
}

bool body_idle_lead(const struct body *b, uint64_t *last_upto)
{
	uint64_t before = *last_upto;

	if (!strcmp(b->type, "append_entries"))
		return !b->entries;
	if (!strcmp(b->type, "chosen") && b->has_upto) {
		*last_upto = b->upto;
		return before == b->upto;
	}
	return !strcmp(b->type, "heartbeat") || !strcmp(b->type, "ping") || !strcmp(b->type, "pong");
}

/* --- The whole --- */

static void put_line_start(struct buf *out, unsigned depth)
{
	buf_putc(out, '\n');
	for (unsigned i = 0; i < 2 * depth; i++)
		buf_putc(out, ' ');
}

void body_pretty(struct buf *out, struct wire_text json)
{
	const char *p = json.p, *end = json.p + json.len;
	const size_t before = out->len;
	unsigned depth = 0;

	while (p < end && out->len - before < HOVER_BYTES) {
		const char *to = *p == '"' ? string_end(p, end) : p + 1;
		char c = *p;

		if (c == '}' || c == ']') {
			depth -= depth > 0;
			if (c == '}' && depth < 2)
				put_line_start(out, depth);
		}
		if (!is_space(c))
			buf_add(out, p, (size_t)(to - p) < HOVER_BYTES ? (size_t)(to - p) : HOVER_BYTES);
		if (c == '{' || c == '[')
			depth++;
		if ((c == '{' || c == ',') && depth && depth <= 2)
			put_line_start(out, depth);
		else if (c == ':' || c == ',')
			buf_putc(out, ' ');
		p = to;
	}
	if (p < end)
		buf_puts(out, " \xe2\x80\xa6");
}
