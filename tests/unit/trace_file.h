/*
 * What the tests of lib/trace share: files in memory (memfd_create), with a name under /proc, and names.
 */
#ifndef TESTS_UNIT_TRACE_FILE_H
#define TESTS_UNIT_TRACE_FILE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/trace/trace.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

struct file {
	int fd;
	char path[64];
};

static inline void file_new(struct file *f, const char *text, size_t len)
{
	f->fd = memfd_create("trace", MFD_CLOEXEC);
	assert_true(f->fd >= 0);
	snprintf(f->path, sizeof(f->path), "/proc/%d/fd/%d", (int)getpid(), f->fd);
	assert_int_equal(pwrite(f->fd, text, len, 0), (ssize_t)len);
}

static inline size_t file_size(const struct file *f)
{
	struct stat st;

	assert_int_equal(fstat(f->fd, &st), 0);
	return (size_t)st.st_size;
}

/* With a NUL behind it. */
static inline char *file_text(const struct file *f)
{
	size_t len = file_size(f);
	char *text = malloc(len + 1);

	assert_non_null(text);
	assert_int_equal(pread(f->fd, text, len, 0), (ssize_t)len);
	text[len] = '\0';
	return text;
}

static inline struct wire_text text_of(const char *s)
{
	return (struct wire_text){ .p = s, .len = strlen(s) };
}

static inline struct trace_link between(const char *src, const char *dest)
{
	return (struct trace_link){ text_of(src), text_of(dest) };
}

static const struct trace_header small = { .seed = 7 };

static inline struct trace *trace_on(struct file *f, const struct trace_header *header)
{
	struct trace *t;

	file_new(f, "", 0);
	t = trace_open(f->path, header);
	assert_non_null(t);
	return t;
}

static inline bool same(struct wire_text a, struct wire_text b)
{
	return a.len == b.len && (!a.len || !memcmp(a.p, b.p, a.len));
}

#endif
