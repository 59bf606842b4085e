/*
 * spawn: starts a process with pipes for stdin, stdout and stderr.
 *
 * It leads a process group of its own, so that what it starts is ended with it, and it does not outlive us, whatever
 * ends us: the kernel kills it then.  Signals are as they were when we started.
 */
#ifndef NET_SPAWN_H
#define NET_SPAWN_H

#include <stdbool.h>
#include <sys/types.h>

struct spawn {
	char *const *argv;              /* NULL at the end */
	char *const *more;              /* NAME=VALUE over our own environment; NULL at the end; NULL: none */
	const char *directory;          /* where it runs; NULL: here */
	int inherited, inherited_as;    /* a descriptor of ours that it has under that number; as 0: none */
	bool same_addresses;            /* memory is laid out as in every other run, where the system lets us */
};

struct spawned {
	pid_t pid;
	int in, out, err;               /* our ends of its stdin, stdout and stderr; they block, and are close-on-exec */
};

/* 0; or errno, where no process could be started: then there is none. */
__attribute__((warn_unused_result))
int spawn_process(const struct spawn *, struct spawned *);

#endif
