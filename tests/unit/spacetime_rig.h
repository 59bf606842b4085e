/* spacetime_rig: a trace in a file, by lines, read by the trace's own reader. */
#ifndef UNIT_SPACETIME_RIG_H
#define UNIT_SPACETIME_RIG_H

#include "lib/draw/spacetime_inside.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static char path[] = "/tmp/spacetime-XXXXXX";

static inline void each_event(void (*take)(void *, const struct trace_event *), void *to)
{
	struct trace_reader *r = trace_reader_open(path);
	struct trace_event e;
	uint64_t line;
	int rc;

	assert_non_null(r);
	while ((rc = trace_next(r, &e)) > 0)
		take(to, &e);
	if (rc < 0) {
		const char *why = trace_reader_error(r, &line);

		fail_msg("line %ju: %s", (uintmax_t)line, why);
	}
	trace_reader_free(r);
}

static inline void take_event(void *to, const struct trace_event *e)
{
	spacetime_add(to, e);
}

static inline void write_lines(const char *lines)
{
	FILE *out = fopen(path, "w");

	assert_non_null(out);
	fputs(lines, out);
	assert_int_equal(fclose(out), 0);
}

/* Before and after all tests. */
static inline int make_path(void **unused)
{
	int fd = mkstemp(path);

	(void)unused;
	return fd < 0 ? -1 : close(fd);
}

static inline int remove_path(void **unused)
{
	(void)unused;
	return unlink(path);
}

#endif
