/*
 * answer: see answer.h
 *
 * The line is not parsed: a value that looks like the member costs a client no more than another node.
 */
#include "lib/net/answer.h"

#include <ctype.h>
#include <string.h>

/* What follows the first of these words, white space aside; NULL: it is not there. */
static const char *behind(const char *line, size_t len, const char *word)
{
	const char *end = line + len, *p = memmem(line, len, word, strlen(word));

	for (p = p ? p + strlen(word) : end; p < end && (*p == ' ' || *p == ':'); p++)
		;
	return p < end ? p : NULL;
}

bool answer_declines(const char *line, size_t len)
{
	static const char unavailable[] = { '1', '1' };
	const char *code = behind(line, len, "\"error\"") ? behind(line, len, "\"code\"") : NULL;
	size_t left = code ? (size_t)(line + len - code) : 0;

	return left > sizeof(unavailable) && !memcmp(code, unavailable, sizeof(unavailable)) &&
	       !isdigit((unsigned char)code[sizeof(unavailable)]);
}
