/*
 * virtual, inside: what the processes of one node share, and how the library's parts speak.
 *
 * A node may be a family of processes: a shell and what it starts.  They share one clock, one count of the input
 * told of, and the one socket to netfault, in a page of memory (struct shared).  Those that wait take turns: one of them
 * speaks with netfault for all, once every other process sleeps in the kernel, and hands the turn to one at a time.
 */
#ifndef PRELOAD_VIRTUAL_INSIDE_H
#define PRELOAD_VIRTUAL_INSIDE_H

#include "lib/preload/virtual.h"

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

enum {
	FAMILY_MAX = 256,               /* processes of one node at once */
	VIRTUAL_PID_MIN = 5000000,      /* above every real one, so that it hits nobody */
	VIRTUAL_PIDS = 100000000,
	SELECT_FDS_MAX = 1024,          /* in one select */
};

#define SECOND_NS UINT64_C(1000000000)
/* The machine seems to have started so long before. */
#define BOOT_NS (1000 * SECOND_NS)

/* A sixth argument that lets a system call through the filter; the kernel ignores it in those with fewer. */
#define PASS 0x6661756c746c6e65L
#define pass_call(nr, a, b, c, d, e) ((long)syscall((nr), (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), PASS))

enum { RUNS, WAITS, TURN };             /* TURN: it may go on, and does not know it yet */

struct member {
	int pid;                        /* 0: free; its parent's, negative: about to start a program */
	int virtual_pid;
	uint64_t key, draws, forks;     /* of its random stream; its children get theirs from it */
	int waits;                      /* of the three above; then: for what */
	bool reads, polls;              /* input; other descriptors as well */
	uint64_t wake_ns;
	uint64_t runs, inputs, goes;    /* those of the family that it knows of */
};

struct shared {
	uint64_t seed, look_ns, start_unix_ns;
	uint64_t now_ns, until_ns;
	uint64_t told;                  /* bytes of input not read yet */
	bool closed;                    /* no more will come */
	bool said;                      /* idle; the `go` that answers is still to come */
	bool spoke;                     /* something was written to stdout since the last idle */
	uint64_t goes, inputs;          /* received; of them with input */
	uint64_t runs;                  /* how often a process of the family came to wait or went on */
	char name[16];
	bool filtered, started;
	bool forked;                    /* there has been a second process */
	int speaker;                    /* pid of the one that speaks with netfault */
	int root;                       /* pid of the first process */
	int control, memory;            /* descriptors */
	struct { dev_t dev; ino_t ino; } in, out;
	int members;                    /* places ever taken */
	struct member member[FAMILY_MAX];
};

/* NULL: the program does not run under netfault. */
extern struct shared *shared;
extern struct member *self;
/* Of the processor's pid, as getpid is answered otherwise. */
pid_t real_pid(void);

/* "netfault: virtual time: NAME TEXT", and the process ends with status 4. */
__attribute__((noreturn))
void refuse(const char *text);

/* --- virtual_wait.c: results are a system call's: -errno where it fails --- */

uint64_t look(void);                    /* the time, at its cost */
void first_go(void);
void await_others(void);                /* until all others wait or sleep */
long stdin_read(void *at, size_t n);
long sleep_until(uint64_t deadline_ns);
/*
 * Polls with `attempt` until it finds something or deadline_ns; 0 at the deadline.
 */
long poll_until(long (*attempt)(void *), void *what, uint64_t deadline_ns, const sigset_t *mask);
bool is_stdin(int fd);
bool is_stdout(int fd);
void timer_set(uint64_t at_ns, uint64_t interval_ns, uint64_t old[2]);
void timer_forget(void);
void random_bytes(void *at, size_t n);
uint64_t mixed(uint64_t);

/* --- virtual_trap.c --- */

void trap_handle(void);                 /* takes SIGSYS */
void trap_install(void);                /* the filter, which children inherit */

/* --- virtual_poll.c --- */

struct call { long nr, a[6]; };
/* False: no call of that file's. */
bool poll_answer(const struct call *, long *result);
uint64_t clock_answer(int clock, uint64_t now_ns);

/* --- virtual_calls.c --- */

int sigaction_kept(const struct sigaction *act);        /* SIGSYS's own */

/* --- virtual_family.c --- */

void family_join(void);
bool gone(int pid);
void family_settle(void);

#endif
