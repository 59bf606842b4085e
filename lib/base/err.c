/*
 * err: messages on stderr and the end of a process.
 *
 * A message is one write(2) of whole lines no longer than PIPE_BUF, so that those of
 * several processes on one pipe do not mix.  It needs no memory and no stdio.
 */
#include "lib/base/err.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	TEXT_BYTES_MAX = PIPE_BUF,
	NAME_BYTES_MAX = 64,    /* of the tool's name that are shown */
	TAIL_BYTES_MAX = NAME_BYTES_MAX + 32,
};

static const char *tool_name;
static int output_errno;        /* why stdout lost output, where that was seen */

static bool dying;

#ifdef __SANITIZE_ADDRESS__
/* A process that dies does not free; what leaks in one that ends well is still told. */
int __lsan_is_turned_off(void);
int __lsan_is_turned_off(void)
{
	return dying;
}
#endif

void err_tool(const char *name)
{
	tool_name = name;
}

const char *err_tool_name(void)
{
	return tool_name ? tool_name : program_invocation_short_name;
}

/* The length without a last character that a cut may have split. */
static size_t whole_characters(const char *text, size_t length)
{
	while (length > 0 && (text[length - 1] & 0xc0) == 0x80)
		length--;
	return length > 0 && (text[length - 1] & 0x80) ? length - 1 : length;
}

/* `tool: MESSAGE`, the tail after it, in one write. */
__attribute__((format(printf, 2, 0)))
static void say(const char *tail, const char *fmt, va_list args)
{
	char text[TEXT_BYTES_MAX];
	size_t room = sizeof(text) - TAIL_BYTES_MAX;
	int saved = errno;

	int head = snprintf(text, room, "%.*s: ", NAME_BYTES_MAX, err_tool_name());
	size_t length = head > 0 ? (size_t)head : 0;
	int body = vsnprintf(text + length, room - length, fmt, args);
	if (body > 0 && (size_t)body < room - length)
		length += (size_t)body;
	else if (body > 0)
		length = whole_characters(text, room - 1);

	for (size_t i = 0; i < length; i++)
		if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
			text[i] = '?';
	int end = snprintf(text + length, TAIL_BYTES_MAX, "%s", tail);
	length += end > 0 ? (size_t)end : 0;

	/* Nothing can be said about a stderr that takes nothing. */
	while (write(STDERR_FILENO, text, length) < 0 && errno == EINTR)
		;
	errno = saved;
}

void warn(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say("\n", fmt, args);
	va_end(args);
}

/* What was answered before the trouble comes before its message; finish tells of a loss. */
static void flush_answers(void)
{
	int saved = errno;

	if (fflush(stdout) != 0)
		output_errno = errno;
	errno = saved;
}

void die(enum exit_status status, const char *fmt, ...)
{
	va_list args;

	flush_answers();
	va_start(args, fmt);
	say("\n", fmt, args);
	va_end(args);
	dying = true;
	finish(status);
}

void die_usage(const char *fmt, ...)
{
	char tail[TAIL_BYTES_MAX];
	va_list args;

	flush_answers();
	snprintf(tail, sizeof(tail), "\nTry '%.*s --help'.\n", NAME_BYTES_MAX, err_tool_name());
	va_start(args, fmt);
	say(tail, fmt, args);
	va_end(args);
	dying = true;
	finish(EXIT_USAGE);
}

void hold_descriptors(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		/* Open the other way round, it fails as the closed one would have. */
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF && open("/dev/null", fd ? O_RDONLY : O_WRONLY) != fd)
			_exit(EXIT_SYSTEM);
	}
}

void flush_output(void)
{
	flush_answers();
	if (ferror(stdout))
		finish(EXIT_SYSTEM);
}

void finish(enum exit_status status)
{
	bool lost = ferror(stdout) != 0, pending = __fpending(stdout) > 0;

	/*
	 * fclose and not fflush: it drops what could not be written, which exit would else
	 * write into whatever has got descriptor 1 by then.  A stdout that was closed from
	 * the start is no loss where nothing was to be said.
	 */
	if (fclose(stdout) != 0 && (pending || errno != EBADF)) {
		lost = true;
		output_errno = errno;
	}
	if (lost) {
		warn("cannot write 'stdout': %s", output_errno ? strerror(output_errno) : "an earlier write failed");
		status = EXIT_SYSTEM;
	}
	exit((int)status);
}

void *must_malloc(size_t bytes)
{
	void *memory = malloc(bytes ? bytes : 1);

	if (!memory)
		die(EXIT_SYSTEM, "cannot allocate %zu bytes: %s", bytes, strerror(ENOMEM));
	return memory;
}

void *must_calloc(size_t count, size_t size)
{
	void *memory = count && size ? calloc(count, size) : calloc(1, 1);

	if (!memory)
		die(EXIT_SYSTEM, "cannot allocate %zu times %zu bytes: %s", count, size, strerror(ENOMEM));
	return memory;
}

void *must_realloc(void *old, size_t bytes)
{
	void *memory = realloc(old, bytes ? bytes : 1);

	if (!memory)
		die(EXIT_SYSTEM, "cannot allocate %zu bytes: %s", bytes, strerror(ENOMEM));
	return memory;
}

char *must_strdup(const char *s)
{
	size_t bytes = strlen(s) + 1;

	return memcpy(must_malloc(bytes), s, bytes);
}
