/*
 * virtual: the answers to system calls that wait for descriptors or for time, or that ask for the time.
 *
 * Each poll is made for real with no time to wait, which tells what there is; waiting is netfault's affair.
 */
#include "lib/preload/virtual_inside.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/uio.h>
#include <time.h>

#define FOREVER UINT64_MAX

static long result_of(long rc)
{
	return rc < 0 ? -errno : rc;
}

static uint64_t after(uint64_t ns)
{
	return ns > FOREVER - shared->now_ns ? FOREVER : shared->now_ns + ns;
}

static uint64_t timespec_ns(const struct timespec *t)
{
	if (t->tv_sec < 0)
		return 0;
	if ((uint64_t)t->tv_sec > FOREVER / SECOND_NS / 2)
		return FOREVER;
	return (uint64_t)t->tv_sec * SECOND_NS + (uint64_t)t->tv_nsec;
}

static uint64_t timeval_ns(const struct timeval *t)
{
	struct timespec ts = { t->tv_sec, t->tv_usec * 1000 };

	return timespec_ns(&ts);
}

static uint64_t left(uint64_t deadline)
{
	return deadline > shared->now_ns ? deadline - shared->now_ns : 0;
}

static struct timespec to_timespec(uint64_t ns)
{
	return (struct timespec){ (time_t)(ns / SECOND_NS), (long)(ns % SECOND_NS) };
}

static struct timeval to_timeval(uint64_t ns)
{
	return (struct timeval){ (time_t)(ns / SECOND_NS), (suseconds_t)(ns % SECOND_NS / 1000) };
}

uint64_t clock_answer(int clock, uint64_t now_ns)
{
	switch (clock) {
	case CLOCK_REALTIME: case CLOCK_REALTIME_COARSE: case CLOCK_REALTIME_ALARM: case CLOCK_TAI:
		return shared->start_unix_ns + now_ns;
	case CLOCK_MONOTONIC: case CLOCK_MONOTONIC_RAW: case CLOCK_MONOTONIC_COARSE: case CLOCK_BOOTTIME:
	case CLOCK_BOOTTIME_ALARM:
		return BOOT_NS + now_ns;
	default:                /* of the processor */
		return now_ns;
	}
}

/* --- poll, select --- */

struct polling { struct pollfd *fds; unsigned long n; const sigset_t *mask; };

static long try_poll(void *what)
{
	const struct polling *p = what;
	struct timespec none = { 0, 0 };

	return result_of(pass_call(SYS_ppoll, p->fds, p->n, &none, p->mask, 8));
}

static long answer_poll(struct polling p, uint64_t deadline)
{
	return poll_until(try_poll, &p, deadline, p.mask);
}

static long answer_ppoll(const long *a)
{
	struct timespec *t = (struct timespec *)a[2];
	struct polling p = { (struct pollfd *)a[0], (unsigned long)a[1], (const sigset_t *)a[3] };
	uint64_t deadline = t ? after(timespec_ns(t)) : FOREVER;
	long rc = answer_poll(p, deadline);

	if (t)
		*t = to_timespec(left(deadline));
	return rc;
}

static bool in_set(const fd_set *set, int fd)
{
	return set && FD_ISSET(fd, set);
}

static long answer_select(int n, fd_set *set[3], uint64_t deadline, const sigset_t *mask)
{
	static const short events[3] = { POLLIN, POLLOUT, POLLPRI };
	static const short found[3] = { POLLIN | POLLHUP | POLLERR, POLLOUT | POLLERR, POLLPRI };
	struct pollfd fds[SELECT_FDS_MAX];
	unsigned long count = 0;
	long rc, bits = 0;

	if (n < 0)
		return -EINVAL;
	if (n > SELECT_FDS_MAX)
		refuse("selects among more than 1024 descriptors");
	for (int fd = 0; fd < n; fd++) {
		short want = 0;

		for (int s = 0; s < 3; s++)
			want |= (short)(in_set(set[s], fd) ? events[s] : 0);
		if (want)
			fds[count++] = (struct pollfd){ .fd = fd, .events = want };
	}
	rc = answer_poll((struct polling){ fds, count, mask }, deadline);
	if (rc < 0)
		return rc;
	for (unsigned long i = 0; i < count; i++)
		if (fds[i].revents & POLLNVAL)
			return -EBADF;
	for (unsigned long i = 0; i < count; i++)
		for (int s = 0; s < 3; s++) {
			if (!in_set(set[s], fds[i].fd))
				continue;
			if (fds[i].revents & found[s])
				bits++;
			else
				FD_CLR(fds[i].fd, set[s]);
		}
	return bits;
}

static long answer_pselect(const long *a)
{
	fd_set *set[3] = { (fd_set *)a[1], (fd_set *)a[2], (fd_set *)a[3] };
	struct timespec *t = (struct timespec *)a[4];
	const struct { const sigset_t *mask; size_t size; } *m = (const void *)a[5];
	uint64_t deadline = t ? after(timespec_ns(t)) : FOREVER;
	long rc = answer_select((int)a[0], set, deadline, m ? m->mask : NULL);

	if (t)
		*t = to_timespec(left(deadline));
	return rc;
}

/* --- epoll --- */

struct epolling { long fd, events, max; const sigset_t *mask; };

static long try_epoll(void *what)
{
	const struct epolling *e = what;
	struct timespec none = { 0, 0 };

	if (e->mask && pass_call(SYS_ppoll, NULL, 0, &none, e->mask, 8) < 0)
		return -errno;
	return result_of(pass_call(SYS_epoll_pwait, e->fd, e->events, e->max, 0, NULL));
}

static long answer_epoll(const long *a, uint64_t deadline, const sigset_t *mask)
{
	struct epolling e = { a[0], a[1], a[2], mask };

	return poll_until(try_epoll, &e, deadline, mask);
}

static uint64_t after_ms(int ms)
{
	return ms < 0 ? FOREVER : after((uint64_t)ms * 1000000);
}

/* --- Sleep --- */

static long answer_sleep(uint64_t deadline, struct timespec *rest)
{
	long rc = sleep_until(deadline);

	if (rc && rest)
		*rest = to_timespec(left(deadline));
	return rc;
}

static long answer_clock_nanosleep(const long *a)
{
	const struct timespec *t = (const struct timespec *)a[2];
	uint64_t ns, base;

	if (t->tv_sec < 0 || t->tv_nsec < 0 || t->tv_nsec >= (long)SECOND_NS)
		return -EINVAL;
	ns = timespec_ns(t);
	if (!(a[1] & TIMER_ABSTIME))
		return answer_sleep(after(ns), (struct timespec *)a[3]);
	base = clock_answer((int)a[0], 0);
	return answer_sleep(ns > base ? ns - base : 0, NULL);
}

/* --- Timers --- */

static long answer_setitimer(const long *a)
{
	const struct itimerval *new = (const struct itimerval *)a[1];
	struct itimerval *old = (struct itimerval *)a[2];
	uint64_t was[2], value = new ? timeval_ns(&new->it_value) : 0;

	if (a[0] != ITIMER_REAL)
		refuse("sets a timer of the processor's time");
	timer_set(value ? after(value) : 0, new ? timeval_ns(&new->it_interval) : 0, was);
	if (old)
		*old = (struct itimerval){ to_timeval(was[1]), to_timeval(was[0]) };
	return 0;
}

#ifdef SYS_alarm
static long answer_alarm(unsigned long seconds)
{
	uint64_t was[2];

	timer_set(seconds ? after(seconds * SECOND_NS) : 0, 0, was);
	return (long)((was[0] + SECOND_NS - 1) / SECOND_NS);
}
#endif

/* --- Reads --- */

static long answer_read(const long *a)
{
	if (!is_stdin(STDIN_FILENO))
		return result_of(pass_call(SYS_read, a[0], a[1], a[2], 0, 0));
	return stdin_read((void *)a[1], (size_t)a[2]);
}

/* The first part that has room: a read may always be short. */
static long answer_readv(const long *a)
{
	const struct iovec *io = (const struct iovec *)a[1];

	if (!is_stdin(STDIN_FILENO))
		return result_of(pass_call(SYS_readv, a[0], a[1], a[2], 0, 0));
	for (long i = 0; i < a[2]; i++)
		if (io[i].iov_len)
			return stdin_read(io[i].iov_base, io[i].iov_len);
	return 0;
}

static long answer_write(const struct call *c)
{
	if (is_stdout(STDOUT_FILENO))
		shared->spoke = true;
	return result_of(pass_call(c->nr, c->a[0], c->a[1], c->a[2], 0, 0));
}

/* --- All --- */

static bool clock_call(const struct call *c, long *result)
{
	const long *a = c->a;

	*result = 0;
	switch (c->nr) {
	case SYS_clock_gettime:
		*(struct timespec *)a[1] = to_timespec(clock_answer((int)a[0], look()));
		return true;
	case SYS_gettimeofday:
		if (a[0])
			*(struct timeval *)a[0] = to_timeval(clock_answer(CLOCK_REALTIME, look()));
		return true;
	case SYS_times:
		if (a[0])
			*(struct tms *)a[0] = (struct tms){ .tms_utime = (clock_t)(shared->now_ns / 10000000) };
		*result = (long)((BOOT_NS + look()) / 10000000);
		return true;
	case SYS_getrusage:
		*result = result_of(pass_call(c->nr, a[0], a[1], 0, 0, 0));
		if (!*result) {
			memset((void *)a[1], 0, sizeof(struct rusage));
			((struct rusage *)a[1])->ru_utime = to_timeval(look());
		}
		return true;
#ifdef SYS_time
	case SYS_time:
		*result = (long)(clock_answer(CLOCK_REALTIME, look()) / SECOND_NS);
		if (a[0])
			*(time_t *)a[0] = *result;
		return true;
#endif
	default:
		return false;
	}
}

/* Calls that only older machines have. */
static bool old_call(const struct call *c, long *result)
{
	const long *a = c->a;

	switch (c->nr) {
#ifdef SYS_poll
	case SYS_poll:
		*result = answer_poll((struct polling){ (struct pollfd *)a[0], (unsigned long)a[1], NULL }, after_ms((int)a[2]));
		return true;
#endif
#ifdef SYS_select
	case SYS_select: {
		fd_set *set[3] = { (fd_set *)a[1], (fd_set *)a[2], (fd_set *)a[3] };
		struct timeval *t = (struct timeval *)a[4];
		uint64_t deadline = t ? after(timeval_ns(t)) : FOREVER;

		*result = answer_select((int)a[0], set, deadline, NULL);
		if (t)
			*t = to_timeval(left(deadline));
		return true;
	}
#endif
#ifdef SYS_epoll_wait
	case SYS_epoll_wait:
		*result = answer_epoll(a, after_ms((int)a[3]), NULL);
		return true;
#endif
#ifdef SYS_alarm
	case SYS_alarm:
		*result = answer_alarm((unsigned int)a[0]);
		return true;
#endif
#ifdef SYS_pause
	case SYS_pause:
		*result = sleep_until(FOREVER);
		return true;
#endif
	default:
		return clock_call(c, result);
	}
}

bool poll_answer(const struct call *c, long *result)
{
	const long *a = c->a;

	switch (c->nr) {
	case SYS_read:
		*result = answer_read(a);
		return true;
	case SYS_readv:
		*result = answer_readv(a);
		return true;
	case SYS_write:
	case SYS_writev:
		*result = answer_write(c);
		return true;
	case SYS_ppoll:
		*result = answer_ppoll(a);
		return true;
	case SYS_pselect6:
		*result = answer_pselect(a);
		return true;
	case SYS_epoll_pwait:
		*result = answer_epoll(a, after_ms((int)a[3]), (const sigset_t *)a[4]);
		return true;
	case SYS_epoll_pwait2: {
		const struct timespec *t = (const struct timespec *)a[3];

		*result = answer_epoll(a, t ? after(timespec_ns(t)) : FOREVER, (const sigset_t *)a[4]);
		return true;
	}
	case SYS_nanosleep:
		*result = answer_sleep(after(timespec_ns((const struct timespec *)a[0])), (struct timespec *)a[1]);
		return true;
	case SYS_clock_nanosleep:
		*result = answer_clock_nanosleep(a);
		return true;
	case SYS_setitimer:
		*result = answer_setitimer(a);
		return true;
	default:
		return old_call(c, result);
	}
}
