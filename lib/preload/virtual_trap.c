/*
 * virtual: the filter that catches system calls, and the handler of the signal that it sends.
 *
 * The filter looks at the call's number, and at one argument where only descriptor 0 or 1 is meant.  The library's own
 * calls carry PASS in the sixth argument.  Children inherit the filter, past exec too: what it catches must be
 * nothing that a program does before the library is loaded again.
 */
#include "lib/preload/virtual_inside.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <string.h>
#include <sys/prctl.h>
#include <ucontext.h>

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#define REGISTER(u, n) ((u)->uc_mcontext.gregs[(const int[]){ REG_RDI, REG_RSI, REG_RDX, REG_R10, REG_R8, REG_R9 }[n]])
#define RESULT(u) ((u)->uc_mcontext.gregs[REG_RAX])
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#define REGISTER(u, n) ((u)->uc_mcontext.regs[n])
#define RESULT(u) ((u)->uc_mcontext.regs[0])
#else
#error "virtual time knows x86-64 and arm64"
#endif

/* --- The handler --- */

/* All but the library's own two descriptors. */
static long close_others(unsigned int from, unsigned int to, long flags)
{
	unsigned int keep[2] = { (unsigned int)shared->control, (unsigned int)shared->memory };
	long rc = 0;

	if (keep[0] > keep[1]) {
		keep[0] = keep[1];
		keep[1] = (unsigned int)shared->control;
	}
	for (int i = 0; i < 2 && from <= to; i++) {
		if (keep[i] < from || keep[i] > to)
			continue;
		if (keep[i] > from)
			rc = pass_call(SYS_close_range, from, keep[i] - 1, flags, 0, 0);
		from = keep[i] + 1;
	}
	if (from <= to)
		rc = pass_call(SYS_close_range, from, to, flags, 0, 0);
	return rc < 0 ? -errno : 0;
}

static long answer(const struct call *c)
{
	long result;

	if (poll_answer(c, &result))
		return result;
	switch (c->nr) {
	case SYS_getrandom:
		random_bytes((void *)c->a[0], (size_t)c->a[1]);
		return c->a[1];
	case SYS_close_range:
		return close_others((unsigned int)c->a[0], (unsigned int)c->a[1], c->a[2]);
	case SYS_clone:
		refuse("starts a thread");
	case SYS_timer_create:
		refuse("makes a timer (timer_create)");
	case SYS_timerfd_create:
		refuse("makes a timer (timerfd_create)");
	default:
		return -ENOSYS;
	}
}

static void on_trap(int sig, siginfo_t *info, void *context)
{
	ucontext_t *u = context;
	struct call c = { .nr = info->si_syscall };
	int saved = errno;

	(void)sig;
	for (int i = 0; i < 6; i++)
		c.a[i] = (long)REGISTER(u, i);
	RESULT(u) = answer(&c);
	errno = saved;
}

void trap_handle(void)
{
	struct sigaction act = { .sa_sigaction = on_trap, .sa_flags = SA_SIGINFO | SA_NODEFER | SA_RESTART };
	sigset_t sys;

	sigaction_kept(&act);
	sigemptyset(&sys);
	sigaddset(&sys, SIGSYS);
	sigprocmask(SIG_UNBLOCK, &sys, NULL);
}

/* --- The filter --- */

enum what { TRAP, IN, OUT, NOT_IN, THREAD, ABSENT, DONE };

static const struct rule { int nr; enum what what; } rules[] = {
	{ SYS_read, IN }, { SYS_readv, IN }, { SYS_write, OUT }, { SYS_writev, OUT },
	{ SYS_ppoll, TRAP }, { SYS_pselect6, TRAP }, { SYS_epoll_pwait, TRAP }, { SYS_epoll_pwait2, TRAP },
	{ SYS_nanosleep, TRAP }, { SYS_clock_nanosleep, TRAP }, { SYS_clock_gettime, TRAP }, { SYS_gettimeofday, TRAP },
	{ SYS_times, TRAP }, { SYS_getrusage, TRAP }, { SYS_setitimer, TRAP }, { SYS_timer_create, TRAP },
	{ SYS_timerfd_create, TRAP }, { SYS_getrandom, TRAP }, { SYS_close_range, TRAP },
	{ SYS_clone, THREAD },
	/* The C library has another way for each of these. */
	{ SYS_clone3, ABSENT }, { SYS_io_uring_setup, ABSENT },
	{ SYS_splice, NOT_IN }, { SYS_tee, NOT_IN }, { SYS_sendfile, NOT_IN }, { SYS_preadv2, NOT_IN },
#ifdef SYS_poll
	{ SYS_poll, TRAP }, { SYS_select, TRAP }, { SYS_epoll_wait, TRAP }, { SYS_alarm, TRAP }, { SYS_pause, TRAP },
	{ SYS_time, TRAP },
#endif
};

enum { FILTER_MAX = 512 };

struct filter { struct sock_filter at[FILTER_MAX]; unsigned short n; };

static void add(struct filter *f, struct sock_filter one)
{
	f->at[f->n++] = one;
}

#define LOAD(member) add(f, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (unsigned int)(member)))
#define IF(op, value, yes, no) \
	add(f, (struct sock_filter)BPF_JUMP(BPF_JMP | (op) | BPF_K, (unsigned int)(value), (yes), (no)))
#define RETURN(value) add(f, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, (value)))
#define ARGUMENT(n, high) (offsetof(struct seccomp_data, args) + 8 * (n) + 4 * (high))

/* The argument is `fd`, or else the call passes; what follows is for the one. */
static void only_fd(struct filter *f, int n, int fd)
{
	LOAD(ARGUMENT(n, 0));
	IF(BPF_JEQ, fd, 1, 0);
	RETURN(SECCOMP_RET_ALLOW);
}

static void add_rule(struct filter *f, const struct rule *r)
{
	unsigned short skip = f->n;

	IF(BPF_JEQ, r->nr, 0, 0);
	if (r->what == IN || r->what == NOT_IN)
		only_fd(f, r->nr == SYS_sendfile ? 1 : 0, STDIN_FILENO);
	if (r->what == OUT)
		only_fd(f, 0, STDOUT_FILENO);
	if (r->what == ABSENT) {
		RETURN(SECCOMP_RET_ERRNO | ENOSYS);
	} else if (r->what == NOT_IN) {
		RETURN(SECCOMP_RET_ERRNO | EINVAL);
	} else if (r->what == THREAD) {
		LOAD(ARGUMENT(0, 0));
		IF(BPF_JSET, CLONE_THREAD, 1, 0);
		RETURN(SECCOMP_RET_ALLOW);
		RETURN(SECCOMP_RET_TRAP);
	} else {
		LOAD(ARGUMENT(5, 0));
		IF(BPF_JEQ, PASS & 0xffffffff, 0, 3);
		LOAD(ARGUMENT(5, 1));
		IF(BPF_JEQ, PASS >> 32, 0, 1);
		RETURN(SECCOMP_RET_ALLOW);
		RETURN(SECCOMP_RET_TRAP);
	}
	f->at[skip].jf = (unsigned char)(f->n - skip - 1);
}

/* A program that closes all it does not know would close these. */
static void add_kept(struct filter *f)
{
	IF(BPF_JEQ, SYS_close, 0, 5);
	LOAD(ARGUMENT(0, 0));
	IF(BPF_JEQ, shared->control, 1, 0);
	IF(BPF_JEQ, shared->memory, 0, 1);
	RETURN(SECCOMP_RET_ERRNO | 0);
	RETURN(SECCOMP_RET_ALLOW);
}

void trap_install(void)
{
	struct filter filter = { .n = 0 }, *f = &filter;
	struct sock_fprog program = { .filter = filter.at };

	LOAD(offsetof(struct seccomp_data, arch));
	IF(BPF_JEQ, ARCHITECTURE, 1, 0);
	RETURN(SECCOMP_RET_ALLOW);
	LOAD(offsetof(struct seccomp_data, nr));
	for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++)
		add_rule(f, &rules[i]);
	add_kept(f);
	RETURN(SECCOMP_RET_ALLOW);
	program.len = f->n;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program))
		refuse("cannot be traced here: no seccomp");
}
