/*
 * A line's envelope.  lib/json's scan checks the whole line; then its members and those of its
 * body are walked once more, which is faster than to have the scan look for seven paths.
 *
 * Invariant: what is given of a line that was refused has been checked on its own.
 */
#include "lib/json/scan.h"
#include "lib/wire/skip.h"

#include <assert.h>
#include <string.h>

/* What is decoded or judged before it is given, as it stands. */
struct envelope {
	struct wire_value src, dest, body, type, msg_id;
};

#define NAMED(string) skip_is(s, &name, string, sizeof(string) - 1)

/* The body at s->p, an object, and beyond it; false where its end is not found. */
static bool read_body(struct skip *s, struct envelope *e, struct wire_line *line)
{
	const char *start = s->p;
	struct wire_value other;
	struct skip_name name;
	bool more;

	for (more = skip_open(s, '{'); more; more = skip_comma(s))
		if (!skip_name(s, &name) ||
		    !skip_value(s, NAMED("type") ? &e->type : NAMED("msg_id") ? &e->msg_id :
				   NAMED("in_reply_to") ? &line->in_reply_to : &other))
			return false;
	if (s->p == s->end || *s->p != '}')
		return false;
	s->p++;
	s->depth--;
	e->body = (struct wire_value){ .kind = WIRE_OTHER, .json = { .p = start, .len = (size_t)(s->p - start) } };
	return true;
}

static void read_line(struct skip *s, struct envelope *e, struct wire_line *line)
{
	struct wire_value other;
	struct skip_name name;
	bool more;

	s->p = skip_space(s->p, s->end);
	for (more = skip_open(s, '{'); more; more = skip_comma(s)) {
		if (!skip_name(s, &name))
			return;
		if (NAMED("body") && s->p != s->end && *s->p == '{') {
			if (!read_body(s, e, line))
				return;
		} else if (!skip_value(s, NAMED("src") ? &e->src : NAMED("dest") ? &e->dest :
					  NAMED("body") ? &e->body : NAMED("at") ? &line->at : &other)) {
			return;
		}
	}
}

/* Why there is no name to be had. */
struct no_name {
	const char *absent, *other, *too_long;
};

/* A string of at most WIRE_NAME_BYTES_MAX bytes, decoded into `room` where it has to be; or why not. */
static const char *take_name(const struct wire_value *value, const struct no_name *no, struct wire_text *name,
			     char room[WIRE_NAME_BYTES_MAX + 1])
{
	struct json_text text;
	size_t n = 0;
	int c;

	if (value->kind != WIRE_STRING)
		return value->kind == WIRE_ABSENT ? no->absent : no->other;
	name->p = value->json.p + 1;
	name->len = value->json.len - 2;
	if (LIKELY(!value->escaped && name->len <= WIRE_NAME_BYTES_MAX))
		return NULL;
	text = (struct json_text){ .p = name->p, .end = name->p + name->len, .escaped = value->escaped };
	while ((c = json_text_next(&text)) >= 0 && n <= WIRE_NAME_BYTES_MAX)
		room[n++] = (char)c;
	if (n > WIRE_NAME_BYTES_MAX) {
		*name = (struct wire_text){ 0 };
		return no->too_long;
	}
	name->p = room;
	name->len = n;
	return NULL;
}

/* The first thing wrong is the error. */
static void refuse(struct wire_line *line, const char *text, size_t len, const char *what, const struct wire_value *at)
{
	if (LIKELY(!what) || line->error)
		return;
	line->error = what;
	line->error_at = at->kind ? (size_t)(at->json.p - text) : len;
}

/* Takes all that is right of the envelope, and the first thing that is wrong with it. */
static void take(struct wire_line *line, const char *text, size_t len, const struct envelope *e, bool deep)
{
	static const struct no_name no_src = { "no src", "src is not a string", "src is longer than 64 bytes" };
	static const struct no_name no_dest = { "no dest", "dest is not a string", "dest is longer than 64 bytes" };
	static const struct no_name no_type = { "no type", "the type is not a string", "the type is longer than 64 bytes" };

	refuse(line, text, len, take_name(&e->dest, &no_dest, &line->dest, line->decoded[1]), &e->dest);
	refuse(line, text, len, take_name(&e->src, &no_src, &line->src, line->decoded[0]), &e->src);
	if (LIKELY(e->body.kind && *e->body.json.p == '{'))
		line->body = e->body.json;
	else
		refuse(line, text, len, e->body.kind ? "the body is not an object" : "no body", &e->body);
	refuse(line, text, len, take_name(&e->type, &no_type, &line->type, line->decoded[2]), &e->type);
	if (UNLIKELY(e->msg_id.kind == WIRE_OTHER)) {
		refuse(line, text, len, "the msg_id is neither a number nor a string", &e->msg_id);
	} else {
		line->msg_id = e->msg_id;
		if (UNLIKELY(deep && e->msg_id.kind))
			refuse(line, text, len, "a request is nested too deep", &e->body);
	}
}

/* Is the scalar, cut out of a line that was refused, right by itself? */
static bool right_alone(const struct wire_value *value)
{
	char text[6 * WIRE_NAME_BYTES_MAX + 16];
	struct json_scan scan;
	size_t len = value->json.len;

	if ((value->kind != WIRE_STRING && value->kind != WIRE_NUMBER) || len + 6 > sizeof(text))
		return false;
	memcpy(text, "{\"a\":", 5);
	memcpy(text + 5, value->json.p, len);
	text[len + 5] = '}';
	return json_scan(&scan, text, len + 6, NULL, 0, NULL) == 0;
}

/* Of a line that was refused, what can be told all the same: enough for an answer. */
__attribute__((noinline, cold))
static void take_alone(struct wire_line *line, const char *text, size_t len, struct envelope *e)
{
	struct wire_value *values[] = { &e->src, &e->dest, &e->type, &e->msg_id };

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		if (!right_alone(values[i]))
			*values[i] = (struct wire_value){ .kind = WIRE_ABSENT };
	take(line, text, len, e, false);
	line->body = (struct wire_text){ .p = NULL };
	line->in_reply_to = line->at = (struct wire_value){ .kind = WIRE_ABSENT };
}

int wire_parse(struct wire_line *line, const char *text, size_t len)
{
	static const struct wire_value none = { .kind = WIRE_ABSENT };
	struct skip s = { .start = text, .end = text + len, .p = text, .depth_max = WIRE_DEPTH_MAX };
	struct envelope e = { none, none, none, none, none };
	struct json_scan scan;

	line->src = line->dest = line->type = line->body = none.json;
	line->msg_id = line->in_reply_to = line->at = none;
	line->error = NULL;
	line->deep = false;
	s.checked = json_scan(&scan, text, len, NULL, 0, NULL) == 0;
	read_line(&s, &e, line);
	if (LIKELY(s.checked)) {
		take(line, text, len, &e, s.deep);
		line->deep = s.deep;
		return line->error ? -1 : 0;
	}
	line->error = scan.error;
	line->error_at = scan.at;
	take_alone(line, text, len, &e);
	return -1;
}

/* --- Routing --- */

/* Beyond the string whose text starts at p, or NULL where it is not plain ASCII. */
static inline const char *plain_string(const char *p, const char *line, const char *end, struct wire_text *string)
{
	const char *stop = plain_end(p, line, end);

	if (stop == end || *stop != '"')
		return NULL;
	*string = (struct wire_text){ .p = p, .len = (size_t)(stop - p) };
	return stop + 1;
}

/* Any order, any space. */
__attribute__((noinline))
static int route_by_members(const char *line, size_t len, struct wire_text *src, struct wire_text *dest)
{
	struct skip s = { .start = line, .end = line + len, .p = line };
	struct wire_value value;
	struct skip_name name;
	bool more;

	*src = *dest = (struct wire_text){ .p = NULL };
	s.p = skip_space(line, s.end);
	for (more = skip_open(&s, '{'); more && (!src->p || !dest->p); more = skip_comma(&s)) {
		struct wire_text *to;

		if (!skip_name(&s, &name) || !skip_value(&s, &value))
			return -1;
		to = skip_is(&s, &name, "src", 3) ? src : skip_is(&s, &name, "dest", 4) ? dest : NULL;
		if (to && value.kind == WIRE_STRING && !value.escaped)
			*to = (struct wire_text){ .p = value.json.p + 1, .len = value.json.len - 2 };
	}
	return src->p && dest->p ? 0 : -1;
}

int wire_route(const char *line, size_t len, struct wire_text *src, struct wire_text *dest)
{
	static const char before_src[8] = "{\"src\":\"", before_dest[9] = ",\"dest\":\"";
	const char *end = line + len, *p;

	if (LIKELY(len > sizeof(before_src) && !memcmp(line, before_src, sizeof(before_src))) &&
	    (p = plain_string(line + sizeof(before_src), line, end, src)) &&
	    (size_t)(end - p) > sizeof(before_dest) && !memcmp(p, before_dest, sizeof(before_dest)) &&
	    plain_string(p + sizeof(before_dest), line, end, dest))
		return 0;
	return route_by_members(line, len, src, dest);
}
