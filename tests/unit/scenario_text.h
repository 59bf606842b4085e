/*
 * scenario_text: a text that grows, for what scenarios say.
 */
#ifndef TESTS_UNIT_SCENARIO_TEXT_H
#define TESTS_UNIT_SCENARIO_TEXT_H

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct text {
	char *p;
	size_t length, room;
};

static void put_bytes(struct text *t, const char *p, size_t n)
{
	if (t->length + n + 1 > t->room) {
		t->room = 2 * (t->length + n + 1);
		t->p = realloc(t->p, t->room);
		assert(t->p);
	}
	memcpy(t->p + t->length, p, n);
	t->length += n;
	t->p[t->length] = '\0';
}

__attribute__((format(printf, 2, 3)))
static void put(struct text *t, const char *format, ...)
{
	char line[4096];
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	assert(n >= 0 && n < (int)sizeof(line));
	put_bytes(t, line, (size_t)n);
}

#endif
