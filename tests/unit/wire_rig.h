/*
 * wire_rig: lines to read, each in a block of memory that ends where the line does: a sanitizer sees a byte read too far.
 */
#ifndef UNIT_WIRE_RIG_H
#define UNIT_WIRE_RIG_H

#include "lib/wire/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define TEXT_IS(text, s) assert_text(text, s, __LINE__)

static inline char *exact(const char *s, size_t len)
{
	char *copy = malloc(len ? len : 1);

	assert_non_null(copy);
	return memcpy(copy, s, len);
}

/* NULL: there is none. */
static inline void assert_text(struct wire_text text, const char *s, int line)
{
	if (s ? text.p && text.len == strlen(s) && !memcmp(text.p, s, text.len) : !text.p)
		return;
	print_error("line %d: '%.*s' is not '%s'\n", line, (int)text.len, text.p ? text.p : "", s ? s : "(none)");
	fail();
}

/* What wire_parse makes of it, as one text. */
static inline const char *parsed(const char *text, size_t len)
{
	static char out[4096];
	char *copy = exact(text, len);
	struct wire_line line;
	int rc;

	memset(&line, 0xa5, sizeof(line));
	rc = wire_parse(&line, copy, len);
	assert_true(rc == 0 || (rc == -1 && line.error && line.error_at <= len));
#define SHOW(text) (int)(text).len, (text).p ? (text).p : ""
	if (rc)
		snprintf(out, sizeof(out), "%s at %zu: %.*s %.*s %.*s", line.error, line.error_at, SHOW(line.src),
			 SHOW(line.type), SHOW(line.msg_id.json));
	else
		snprintf(out, sizeof(out), "%.*s>%.*s %.*s %.*s %.*s %.*s %.*s", SHOW(line.src), SHOW(line.dest),
			 SHOW(line.type), SHOW(line.msg_id.json), SHOW(line.in_reply_to.json), SHOW(line.at.json),
			 SHOW(line.body));
	free(copy);
	return out;
}

static inline void body(const char *text, const char *const *names, struct wire_value *out)
{
	struct wire_names *n = wire_names_new(names);

	wire_body(n, (struct wire_text){ .p = text, .len = strlen(text) }, out);
	wire_names_free(n);
}

#endif
