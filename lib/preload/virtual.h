/*
 * virtual: how netfault --virtual and the library preloaded into a program speak, over one Unix stream socket pair
 * (the descriptor's number stands in FAULTLINE_VIRTUAL): records of fixed size, host byte order.
 *
 *   netfault -> program   struct virtual_go       time is at_ns; bytes of input are there to read, or none (a wake-up).
 *                                                 Nothing else will happen before until_ns: run on until then.
 *   program -> netfault   struct virtual_idle     all that follows was done and what it wrote is in its pipe; its time is
 *                                                 now_ns; it waits for input, or for wake_ns (UINT64_MAX: input alone).
 *
 * The program starts blocked: before main, the library waits for the first `go`.  Its time stands still while it
 * computes; each look at a clock, and each poll that finds nothing, costs `look_ns`.  A program whose time has passed
 * until_ns, or that looks at a clock after it has written to stdout, says idle with wake_ns = now_ns.  One that
 * sleeps no longer than until_ns, and has written nothing, goes on without asking.  Input is line by line: stdin is
 * never read beyond what a `go` told of.
 *
 * A program may start others: they share its time and its socket, and take turns.  What it cannot do (threads; timers of
 * timer_create and timerfd_create, or of the processor's time; more than 256 processes) ends it with status 4, a text on
 * stderr and `refuse`.
 *
 * Answered by netfault: every clock, those of the processor too; sleep and alarms; poll, select and epoll; reads of
 * stdin as descriptor 0, by stdio too; random numbers of the kernel, of /dev/urandom and of std::random_device; getpid
 * and getppid, beyond all real numbers.  Addresses are the same in each run where the kernel allows it.  Not answered:
 * times of files, what sockets bring, the processor's own clock and random instructions, pids as fork and wait give them.
 */
#ifndef PRELOAD_VIRTUAL_H
#define PRELOAD_VIRTUAL_H

#include <stdint.h>

#define VIRTUAL_ENV "FAULTLINE_VIRTUAL"         /* "FD:SEED:LOOK_NS:START_UNIX_NS" */

struct virtual_go {
	uint64_t at_ns, until_ns;
	uint64_t bytes;                 /* newly in the pipe to stdin, beyond those told of before */
	uint64_t closed;                /* stdin has ended */
};

struct virtual_idle {
	uint64_t now_ns, wake_ns;
	uint64_t refuse;                /* not 0: it ends, for what it does not support */
};

#endif
