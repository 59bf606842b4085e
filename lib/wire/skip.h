/*
 * skip: inside the wire module, the members of an object and the elements of an array, one by
 * one, with no more looked at than where each ends.
 *
 * It serves text that lib/json's scan has taken, and text that it has refused: there it gives
 * what can be told apart.  Invariant: no byte outside start .. end is read, whatever stands there.
 */
#ifndef WIRE_SKIP_H
#define WIRE_SKIP_H

#include "lib/json/block.h"
#include "lib/json/text.h"
#include "lib/wire/wire.h"

struct skip {
	const char *start, *end;        /* of the whole text */
	const char *p;
	bool checked;                   /* the text is JSON; else a name with an escape is never told */
	bool deep;                      /* a container met was nested deeper than depth_max allows */
	unsigned depth, depth_max;      /* of the members: the containers around them */
};

struct skip_name {
	struct wire_text text;
	bool escaped;
};

static inline const char *skip_space(const char *p, const char *end)
{
	while (p != end && (unsigned char)*p <= ' ')
		p++;
	return p;
}

/* What interrupts plain text at p is no quote: beyond it, or NULL. */
const char *skip_special(const char *p, const char *end, bool *escaped);

/* The closing quote of the string whose text starts at p, or NULL. */
static inline const char *skip_string(const struct skip *s, const char *p, bool *escaped)
{
	for (;;) {
		p = plain_end(p, s->start, s->end);
		if (UNLIKELY(p == s->end))
			return NULL;
		if (LIKELY(*p == '"'))
			return p;
		p = skip_special(p, s->end, escaped);
		if (!p)
			return NULL;
	}
}

/* Beyond the container at p, or NULL. */
const char *skip_container(struct skip *, const char *p);

/* Beyond the number or word at p. */
static inline const char *skip_scalar(const struct skip *s, const char *p)
{
	while (p != s->end && (unsigned char)*p > ' ' && *p != ',' && *p != '}' && *p != ']')
		p++;
	return p;
}

/* Reads the value at s->p and moves beyond it; false where none ends before the text does. */
static inline bool skip_value(struct skip *s, struct wire_value *value)
{
	const char *p = s->p, *end;
	enum wire_kind kind = WIRE_OTHER;
	bool escaped = false;

	if (UNLIKELY(p == s->end))
		return false;
	if (*p == '"') {
		kind = WIRE_STRING;
		end = skip_string(s, p + 1, &escaped);
		if (LIKELY(end))
			end++;
	} else if (*p == '{' || *p == '[') {
		end = skip_container(s, p);
	} else {
		if (*p == '-' || (*p >= '0' && *p <= '9'))
			kind = WIRE_NUMBER;
		end = skip_scalar(s, p);
	}
	if (UNLIKELY(!end || end == p))
		return false;
	*value = (struct wire_value){ .kind = kind, .json = { .p = p, .len = (size_t)(end - p) }, .escaped = escaped };
	s->p = end;
	return true;
}

/* To what follows the comma at s->p; false where there is none. */
static inline bool skip_comma(struct skip *s)
{
	s->p = skip_space(s->p, s->end);
	if (s->p == s->end || *s->p != ',')
		return false;
	s->p = skip_space(s->p + 1, s->end);
	return true;
}

/* The name at s->p; moves to its value. */
static inline bool skip_name(struct skip *s, struct skip_name *name)
{
	const char *text = s->p + 1, *p;

	name->escaped = false;
	if (UNLIKELY(s->p == s->end || *s->p != '"'))
		return false;
	p = skip_string(s, text, &name->escaped);
	if (UNLIKELY(!p))
		return false;
	name->text = (struct wire_text){ .p = text, .len = (size_t)(p - text) };
	p = skip_space(p + 1, s->end);
	if (UNLIKELY(p == s->end || *p != ':'))
		return false;
	s->p = skip_space(p + 1, s->end);
	return true;
}

/* Into the container at s->p; false where it is empty or is none that opens with `open`. */
static inline bool skip_open(struct skip *s, char open)
{
	if (s->p == s->end || *s->p != open)
		return false;
	s->p = skip_space(s->p + 1, s->end);
	s->depth++;
	return s->p != s->end && *s->p != open + 2;     /* ']' and '}' in ASCII */
}

bool skip_is_decoded(const struct skip_name *, const char *s, size_t len);

static inline bool skip_is(const struct skip *s, const struct skip_name *name, const char *string, size_t len)
{
	if (UNLIKELY(name->escaped))
		return s->checked && skip_is_decoded(name, string, len);
	return name->text.len == len && !memcmp(name->text.p, string, len);
}

#endif
