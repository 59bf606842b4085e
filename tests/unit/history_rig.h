/* history_rig: histories of lines written in a test. */
#ifndef TESTS_HISTORY_RIG_H
#define TESTS_HISTORY_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/history/history.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* Here a ` is the " of JSON.  The line has memory of its exact size, so that a sanitizer sees a byte read too far. */
static inline int feed(struct history *h, const char *line, char problem[HISTORY_PROBLEM_BYTES])
{
	size_t len = strlen(line);
	char *exact = malloc(len ? len : 1);
	int rc;

	for (size_t i = 0; i < len; i++)
		exact[i] = line[i] == '`' ? '"' : line[i];
	rc = history_feed(h, exact, len, problem);
	free(exact);
	for (char *p = problem; rc == -1 && *p; p++)
		if (*p == '"')
			*p = '`';
	return rc;
}

/* Of lines parted by newlines, all of them good. */
static inline struct history *history_of(const char *lines)
{
	struct history *h = history_new(0);
	char problem[HISTORY_PROBLEM_BYTES] = "";
	char *copy = strdup(lines), *rest = copy, *line;

	assert_non_null(h);
	while ((line = strsep(&rest, "\n")))
		if (feed(h, line, problem))
			fail_msg("%s: %s", line, problem);
	assert_int_equal(history_end(h, problem), 0);
	free(copy);
	return h;
}

static inline void assert_value(const struct history *h, uint32_t value, const char *text)
{
	char expected[64];

	snprintf(expected, sizeof(expected), "%s", text);
	for (char *p = expected; *p; p++)
		if (*p == '`')
			*p = '"';
	assert_string_equal(history_value(h, value), expected);
}

#endif
