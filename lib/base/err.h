/*
 * err: how a tool speaks on stderr and how it ends.
 *
 * For cmd/ and the modules that run a tool (lib/shard, lib/node).  The other
 * modules return an error and print nothing.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stddef.h>

/* Exit status of every tool. */
enum exit_status {
	EXIT_DONE = 0,
	EXIT_NO = 1,            /* the answer is no */
	EXIT_USAGE = 2,         /* usage or configuration */
	EXIT_DATA = 3,          /* input is not what its format says */
	EXIT_SYSTEM = 4,        /* disk, memory, network: a retry may help */
};

/* The tool's name, for messages; kept, not copied.  opt_init calls it. */
void err_tool(const char *name);
const char *err_tool_name(void);

/*
 * `tool: MESSAGE` and a newline on stderr, in one write of at most PIPE_BUF bytes; a
 * longer message is cut, a control character in it is shown as '?'.  errno is kept.
 */
__attribute__((format(printf, 1, 2)))
void warn(const char *fmt, ...);

/* The same after what is on stdout, then ends the process as finish does. */
__attribute__((format(printf, 2, 3), noreturn))
void die(enum exit_status, const char *fmt, ...);

/* A usage error: the message, then `Try 'tool --help'.`, and status 2. */
__attribute__((format(printf, 1, 2), noreturn))
void die_usage(const char *fmt, ...);

/*
 * First in every main: a standard descriptor that the caller closed is held by one that fails,
 * so that no file opened later is taken for it.
 */
void hold_descriptors(void);

/*
 * Before a read that may block: what is on stdout goes out.  Where that fails the process
 * ends as by finish, at once and not after hours of input.
 */
void flush_output(void);

/*
 * Every main's end: flushes and closes stdout and exits with the status, but with
 * EXIT_SYSTEM and a message where output was lost.
 */
__attribute__((noreturn))
void finish(enum exit_status);

/*
 * Memory or the end: exit 4 and how much was wanted, which is also the end of a
 * count * size that overflows.  Never NULL, not even for 0 bytes.
 */
__attribute__((warn_unused_result)) void *must_malloc(size_t bytes);
__attribute__((warn_unused_result)) void *must_calloc(size_t count, size_t size);
__attribute__((warn_unused_result)) void *must_realloc(void *, size_t bytes);
__attribute__((warn_unused_result)) char *must_strdup(const char *);

#endif
