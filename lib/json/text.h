/*
 * text: the characters of JSON strings, as UTF-8 and as escapes: checked, decoded,
 * written.  A text is the caller's, never kept, and no byte outside it is read.
 */
#ifndef JSON_TEXT_H
#define JSON_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Is this UTF-8 (no surrogates, no overlong form, at most U+10FFFF)? */
bool json_utf8(const char *s, size_t len);

/*
 * Writes s as a JSON string, quotes included, with the escapes jansson writes; out has room
 * for 6 * len + 2.  s is UTF-8.  Returns the length.
 */
size_t json_escape(const char *s, size_t len, char *out);

struct json_wrong {
	const char *what;       /* one clause; a constant */
	const char *at;
};

/*
 * Beyond what interrupts plain ASCII at p, before end, in a string: an escape, which sets
 * *escaped, or characters beyond ASCII.  NULL where that is wrong; then *wrong says what and where.
 */
const char *json_special_end(const char *p, const char *end, bool *escaped, struct json_wrong *wrong);

/* The bytes of a valid string's text, decoded one by one. */
struct json_text {
	const char *p, *end;
	bool escaped;           /* else a backslash is itself: a path's part may hold one */
	unsigned char byte[4];  /* of the escape before p */
	size_t at, len;
};

/* The character of the valid escape at *p in UTF-8; moves *p beyond it, returns the length. */
size_t json_escape_decode(const char **p, unsigned char out[4]);

/* The next byte, or -1 at the end. */
static inline int json_text_next(struct json_text *t)
{
	if (t->at < t->len)
		return t->byte[t->at++];
	if (t->p == t->end)
		return -1;
	if (*t->p != '\\' || !t->escaped)
		return (unsigned char)*t->p++;
	t->len = json_escape_decode(&t->p, t->byte);
	t->at = 1;
	return t->byte[0];
}

#endif
