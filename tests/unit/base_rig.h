/*
 * base_rig: what ends the process runs in a child, whose stdout is a file and whose stderr a socket that keeps each write
 * apart.
 */
#ifndef UNIT_BASE_RIG_H
#define UNIT_BASE_RIG_H

#include "lib/base/err.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#define TRY "\nTry 'hash-ring --help'.\n"

struct end {
	int status;             /* of exit, or 128 + signal */
	int writes;             /* on stderr */
	char out[16384], err[16384];
};

static struct end end;

static inline size_t read_writes(int fd, char *text, size_t room, int *writes)
{
	size_t length = 0;
	ssize_t got;

	while (length < room && (got = read(fd, text + length, room - length)) > 0) {
		length += (size_t)got;
		++*writes;
	}
	return length;
}

/* Runs the body in a child; stdout goes to `path` if one is given. */
static inline void run_to(const char *path, void (*body)(void))
{
	int pair[2], status, out = path ? open(path, O_WRONLY) : fileno(tmpfile());

	assert_true(out >= 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	fflush(NULL);
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		dup2(out, STDOUT_FILENO);
		dup2(pair[1], STDERR_FILENO);
		close(pair[0]);
		close(pair[1]);
		body();
		_exit(99);
	}
	close(pair[1]);
	memset(&end, 0, sizeof(end));
	read_writes(pair[0], end.err, sizeof(end.err) - 1, &end.writes);
	close(pair[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	end.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	if (!path)
		assert_true(pread(out, end.out, sizeof(end.out) - 1, 0) >= 0);
}

static inline void run(void (*body)(void))
{
	run_to(NULL, body);
}

static inline void assert_ended(int status, const char *out, const char *err)
{
	assert_string_equal(end.err, err);
	assert_string_equal(end.out, out);
	assert_int_equal(end.status, status);
}

#endif
