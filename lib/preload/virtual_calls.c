/*
 * virtual: functions of the C library that are replaced: the clocks, which are read without a system call, random
 * devices, threads, and whatever would take SIGSYS away.
 */
#include "lib/preload/virtual_inside.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/time.h>
#include <threads.h>
#include <time.h>

/* --- Clocks --- */

EXPORT int clock_gettime(clockid_t clock, struct timespec *t)
{
	uint64_t ns;

	if (!shared)
		return (int)syscall(SYS_clock_gettime, clock, t);
	ns = clock_answer(clock, look());
	*t = (struct timespec){ (time_t)(ns / SECOND_NS), (long)(ns % SECOND_NS) };
	return 0;
}

EXPORT int gettimeofday(struct timeval *restrict t, void *restrict zone)
{
	uint64_t ns;

	if (!shared)
		return (int)syscall(SYS_gettimeofday, t, zone);
	ns = clock_answer(CLOCK_REALTIME, look());
	*t = (struct timeval){ (time_t)(ns / SECOND_NS), (suseconds_t)(ns % SECOND_NS / 1000) };
	return 0;
}

EXPORT time_t time(time_t *at)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	if (at)
		*at = t.tv_sec;
	return t.tv_sec;
}

EXPORT int timespec_get(struct timespec *t, int base)
{
	if (base != TIME_UTC)
		return 0;
	clock_gettime(CLOCK_REALTIME, t);
	return base;
}

EXPORT clock_t clock(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec * CLOCKS_PER_SEC + t.tv_nsec / (1000000000 / CLOCKS_PER_SEC);
}

/* --- Polls: the filter would catch them, but a signal costs more --- */

static long answered(long nr, long a, long b, long c, long d, long e, long f)
{
	struct call call = { nr, { a, b, c, d, e, f } };
	long result;

	if (!shared || !poll_answer(&call, &result))
		return syscall(nr, a, b, c, d, e, f);
	if (result >= 0)
		return result;
	errno = (int)-result;
	return -1;
}

EXPORT int pselect(int n, fd_set *restrict in, fd_set *restrict out, fd_set *restrict except,
		   const struct timespec *restrict t, const sigset_t *restrict mask)
{
	struct timespec left = t ? *t : (struct timespec){ 0, 0 };
	struct { const sigset_t *mask; size_t size; } m = { mask, 8 };

	return (int)answered(SYS_pselect6, n, (long)in, (long)out, (long)except, t ? (long)&left : 0, (long)&m);
}

EXPORT int select(int n, fd_set *restrict in, fd_set *restrict out, fd_set *restrict except, struct timeval *restrict t)
{
	struct timespec left = { 0, 0 };
	int rc;

	if (t) {
		if (t->tv_sec < 0 || t->tv_usec < 0) {
			errno = EINVAL;
			return -1;
		}
		left = (struct timespec){ t->tv_sec + t->tv_usec / 1000000, t->tv_usec % 1000000 * 1000 };
	}
	rc = (int)answered(SYS_pselect6, n, (long)in, (long)out, (long)except, t ? (long)&left : 0, 0);
	if (t)
		*t = (struct timeval){ left.tv_sec, left.tv_nsec / 1000 };
	return rc;
}

EXPORT int ppoll(struct pollfd *fds, nfds_t n, const struct timespec *t, const sigset_t *mask)
{
	struct timespec left = t ? *t : (struct timespec){ 0, 0 };

	return (int)answered(SYS_ppoll, (long)fds, (long)n, t ? (long)&left : 0, (long)mask, 8, 0);
}

EXPORT int poll(struct pollfd *fds, nfds_t n, int ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000L };

	return (int)answered(SYS_ppoll, (long)fds, (long)n, ms < 0 ? 0 : (long)&t, 0, 8, 0);
}

EXPORT int epoll_pwait(int fd, struct epoll_event *events, int max, int ms, const sigset_t *mask)
{
	return (int)answered(SYS_epoll_pwait, fd, (long)events, max, ms, (long)mask, 8);
}

EXPORT int epoll_wait(int fd, struct epoll_event *events, int max, int ms)
{
	return epoll_pwait(fd, events, max, ms, NULL);
}

/* --- Random --- */

/* /dev/urandom or /dev/random: a file of as many random bytes as anybody wants; -1: none of those. */
static int random_file(const char *path)
{
	enum { BYTES = 1 << 18 };
	int fd;
	void *at;

	if (!shared || strncmp(path, "/dev/", 5) || (strcmp(path + 5, "urandom") && strcmp(path + 5, "random")))
		return -1;
	fd = memfd_create("urandom", 0);
	if (fd < 0 || ftruncate(fd, BYTES))
		refuse("has no memory");
	at = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED)
		refuse("has no memory");
	random_bytes(at, BYTES);
	munmap(at, BYTES);
	return fd;
}

#define NEXT(name) do { \
		if (!next) \
			*(void **)&next = dlsym(RTLD_NEXT, name); \
	} while (0)

#define MODE(flags, mode) do { \
		va_list args_; \
		va_start(args_, flags); \
		(mode) = (flags) & O_CREAT || ((flags) & O_TMPFILE) == O_TMPFILE ? va_arg(args_, mode_t) : 0; \
		va_end(args_); \
	} while (0)

#define OPEN(name) \
	EXPORT int name(const char *path, int flags, ...) \
	{ \
		static int (*next)(const char *, int, ...); \
		int fd = random_file(path); \
		mode_t mode; \
		MODE(flags, mode); \
		NEXT(#name); \
		return fd >= 0 ? fd : next(path, flags, mode); \
	}
OPEN(open)
OPEN(open64)

#define OPENAT(name) \
	EXPORT int name(int dir, const char *path, int flags, ...) \
	{ \
		static int (*next)(int, const char *, int, ...); \
		int fd = random_file(path); \
		mode_t mode; \
		MODE(flags, mode); \
		NEXT(#name); \
		return fd >= 0 ? fd : next(dir, path, flags, mode); \
	}
OPENAT(openat)
OPENAT(openat64)

/* Those of programs compiled with _FORTIFY_SOURCE. */
#define OPEN_2(name) \
	EXPORT int name(const char *path, int flags); \
	EXPORT int name(const char *path, int flags) \
	{ \
		static int (*next)(const char *, int); \
		int fd = random_file(path); \
		NEXT(#name); \
		return fd >= 0 ? fd : next(path, flags); \
	}
OPEN_2(__open_2)
OPEN_2(__open64_2)

#define FOPEN(name) \
	EXPORT FILE *name(const char *restrict path, const char *restrict mode) \
	{ \
		static FILE *(*next)(const char *, const char *); \
		int fd = random_file(path); \
		NEXT(#name); \
		return fd >= 0 ? fdopen(fd, mode) : next(path, mode); \
	}
FOPEN(fopen)
FOPEN(fopen64)

/* std::random_device asks the processor. */
EXPORT unsigned int random_device_getval(void *device) __asm__("_ZNSt13random_device9_M_getvalEv");
EXPORT unsigned int random_device_getval(void *device)
{
	static unsigned int (*next)(void *);
	unsigned int x;

	NEXT("_ZNSt13random_device9_M_getvalEv");
	if (!shared)
		return next(device);
	random_bytes(&x, sizeof(x));
	return x;
}

/* --- Threads --- */

EXPORT int pthread_create(pthread_t *restrict thread, const pthread_attr_t *restrict attr, void *(*run)(void *),
			  void *restrict argument)
{
	static int (*next)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

	if (shared)
		refuse("starts a thread");
	NEXT("pthread_create");
	return next(thread, attr, run, argument);
}

EXPORT int thrd_create(thrd_t *thread, thrd_start_t run, void *argument)
{
	static int (*next)(thrd_t *, thrd_start_t, void *);

	if (shared)
		refuse("starts a thread");
	NEXT("thrd_create");
	return next(thread, run, argument);
}

/* --- SIGSYS stays the library's --- */

static int (*next_sigaction)(int, const struct sigaction *, struct sigaction *);

int sigaction_kept(const struct sigaction *act)
{
	if (!next_sigaction)
		*(void **)&next_sigaction = dlsym(RTLD_NEXT, "sigaction");
	return next_sigaction(SIGSYS, act, NULL);
}

EXPORT int sigaction(int sig, const struct sigaction *restrict act, struct sigaction *restrict old)
{
	struct sigaction open;

	if (!next_sigaction)
		*(void **)&next_sigaction = dlsym(RTLD_NEXT, "sigaction");
	if (!shared || !act)
		return next_sigaction(sig, act, old);
	if (sig == SIGSYS) {
		if (old)
			*old = (struct sigaction){ .sa_handler = SIG_DFL };
		return 0;
	}
	open = *act;
	sigdelset(&open.sa_mask, SIGSYS);
	return next_sigaction(sig, &open, old);
}

#define SIGNAL(name) \
	EXPORT sighandler_t name(int sig, sighandler_t handler) \
	{ \
		static sighandler_t (*next)(int, sighandler_t); \
		NEXT(#name); \
		return shared && sig == SIGSYS ? SIG_DFL : next(sig, handler); \
	}
SIGNAL(signal)

#define MASK(name) \
	EXPORT int name(int how, const sigset_t *restrict set, sigset_t *restrict old) \
	{ \
		static int (*next)(int, const sigset_t *, sigset_t *); \
		sigset_t open; \
		NEXT(#name); \
		if (!shared || !set || how == SIG_UNBLOCK) \
			return next(how, set, old); \
		open = *set; \
		sigdelset(&open, SIGSYS); \
		return next(how, &open, old); \
	}
MASK(sigprocmask)
MASK(pthread_sigmask)

EXPORT int sigsuspend(const sigset_t *mask)
{
	static int (*next)(const sigset_t *);
	sigset_t open = *mask;

	NEXT("sigsuspend");
	if (shared)
		sigdelset(&open, SIGSYS);
	return next(&open);
}
