/*
 * virtual: time, and how it passes: the talk with netfault.
 */
#include "lib/preload/virtual_inside.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <string.h>
#include <time.h>

enum wait { LOOK, SLEEP, READ, POLL };

/* ITIMER_REAL and alarm. */
static struct { uint64_t at_ns, interval_ns; } timer;

/* --- Random --- */

uint64_t mixed(uint64_t x)
{
	/* splitmix64's finish */
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

void random_bytes(void *at, size_t n)
{
	unsigned char *p = at;

	while (n) {
		uint64_t x = mixed(self->key + ++self->draws * UINT64_C(0x9e3779b97f4a7c15));
		size_t part = n < sizeof(x) ? n : sizeof(x);

		memcpy(p, &x, part);
		p += part;
		n -= part;
	}
}

/* --- Descriptors --- */

bool is_stdin(int fd)
{
	struct stat st;

	return !fstat(fd, &st) && st.st_ino == shared->in.ino && st.st_dev == shared->in.dev;
}

bool is_stdout(int fd)
{
	struct stat st;

	return !fstat(fd, &st) && st.st_ino == shared->out.ino && st.st_dev == shared->out.dev;
}

/* --- The timer --- */

void timer_set(uint64_t at_ns, uint64_t interval_ns, uint64_t old[2])
{
	old[0] = timer.at_ns > shared->now_ns ? timer.at_ns - shared->now_ns : timer.at_ns ? 1 : 0;
	old[1] = timer.interval_ns;
	timer.at_ns = at_ns;
	timer.interval_ns = interval_ns;
}

/* A child has none. */
void timer_forget(void)
{
	timer.at_ns = 0;
}

/* True if it rang, and what waits is to end: -EINTR.  `restarts`: not where the handler says so. */
static bool timer_rings(bool restarts)
{
	struct sigaction act;

	if (!timer.at_ns || timer.at_ns > shared->now_ns)
		return false;
	timer.at_ns = timer.interval_ns ? timer.at_ns + timer.interval_ns : 0;
	pass_call(SYS_kill, real_pid(), SIGALRM, 0, 0, 0);
	if (sigaction(SIGALRM, NULL, &act) || act.sa_handler == SIG_IGN)
		return false;
	return !(restarts && act.sa_flags & SA_RESTART);
}

/* --- The talk --- */

/* The next `go`.  0, or -EINTR where a signal came before it. */
static long receive(const sigset_t *mask)
{
	struct virtual_go go;
	size_t have = 0;

	while (have < sizeof(go)) {
		struct pollfd in = { .fd = shared->control, .events = POLLIN };
		long got = mask ? pass_call(SYS_ppoll, &in, 1, NULL, mask, 8) : 1;

		if (got > 0)
			got = syscall(SYS_read, shared->control, (char *)&go + have, sizeof(go) - have);
		if (got < 0 && errno == EINTR && !have)
			return -EINTR;
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			_exit(4);               /* netfault is gone */
		have += (size_t)got;
	}
	shared->said = false;
	if (go.at_ns > shared->now_ns)
		shared->now_ns = go.at_ns;
	shared->until_ns = go.until_ns;
	shared->goes++;
	if (go.bytes || go.closed)
		shared->inputs++;
	shared->told += go.bytes;
	shared->closed |= go.closed != 0;
	return 0;
}

static void say(uint64_t wake_ns)
{
	struct virtual_idle idle = { .now_ns = shared->now_ns, .wake_ns = wake_ns };
	const char *p = (const char *)&idle;
	size_t left = sizeof(idle);

	while (left) {
		long put = syscall(SYS_write, shared->control, p, left);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			_exit(4);
		p += put;
		left -= (size_t)put;
	}
	shared->said = true;
	shared->spoke = false;
}

void first_go(void)
{
	while (receive(NULL))
		;
}

/* --- Turns --- */

/* One of those that wait speaks with netfault for all. */
static bool speaks(int me)
{
	for (;;) {
		int none = 0;

		if (__atomic_compare_exchange_n(&shared->speaker, &none, me, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST) ||
		    none == me)
			return true;
		if (!syscall(SYS_kill, none, 0))
			return false;
		__atomic_compare_exchange_n(&shared->speaker, &none, 0, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
	}
}

static void wake(struct member *m)
{
	__atomic_store_n(&m->waits, TURN, __ATOMIC_SEQ_CST);
	if (m != self)
		syscall(SYS_futex, &m->waits, FUTEX_WAKE, 1, NULL, NULL, 0);
}

/* Who speaks next finds out by itself; it is only told to look. */
static void stop_speaking(void)
{
	shared->speaker = 0;
	for (int i = 0; shared->forked && i < shared->members; i++)
		if (shared->member[i].waits == WAITS && &shared->member[i] != self) {
			syscall(SYS_futex, &shared->member[i].waits, FUTEX_WAKE, 1, NULL, NULL, 0);
			return;
		}
}

static long doze(const sigset_t *mask)
{
	struct timespec some = { 0, 5000000 };
	long rc = mask ? pass_call(SYS_ppoll, NULL, 0, &some, mask, 8)
		       : syscall(SYS_futex, &self->waits, FUTEX_WAIT, WAITS, &some, NULL, 0);

	return rc < 0 && errno == EINTR ? -EINTR : 0;
}

/* Places are taken as they come free, which is no order; numbers are. */
static bool goes_first(const struct member *m, const struct member *other)
{
	return !other || m->virtual_pid < other->virtual_pid;
}

/*
 * Whose turn it is: one whose descriptors another process may have changed, one that waits for input where some came, one
 * whose time has come and that may go on without asking, or was answered.  NULL: nobody's before *wake_ns.
 */
static struct member *next_turn(uint64_t *wake_ns)
{
	bool free = !shared->said && !shared->spoke;
	struct member *first = NULL, *due = NULL;

	*wake_ns = UINT64_MAX;
	for (int i = 0; i < shared->members; i++) {
		struct member *m = &shared->member[i];

		if (m->waits != WAITS || (m != self && gone(m->pid)))
			continue;
		if (((m->polls && m->runs != shared->runs) || (m->reads && m->inputs != shared->inputs)) && goes_first(m, first))
			first = m;
		if (m->wake_ns <= shared->now_ns && (m->goes != shared->goes || (free && m->wake_ns < shared->until_ns)) &&
		    (!due || m->wake_ns < due->wake_ns || (m->wake_ns == due->wake_ns && goes_first(m, due))))
			due = m;
		if (m->wake_ns < *wake_ns)
			*wake_ns = m->wake_ns;
	}
	return first ? first : due;
}

/* Until it is this process's turn.  0, or -EINTR. */
static long await_turn(const sigset_t *mask)
{
	int me = real_pid();
	long rc = 0;

	while (!rc && __atomic_load_n(&self->waits, __ATOMIC_SEQ_CST) == WAITS) {
		uint64_t wake_ns;
		struct member *m;

		if (!speaks(me)) {
			rc = doze(mask);
			continue;
		}
		family_settle();
		m = next_turn(&wake_ns);
		if (m) {
			wake(m);
			continue;
		}
		if (!shared->said && !shared->spoke && wake_ns < shared->until_ns) {
			if (wake_ns > shared->now_ns)
				shared->now_ns = wake_ns;
			continue;
		}
		if (!shared->said)
			say(wake_ns);
		rc = receive(mask);
	}
	self->waits = RUNS;
	if (shared->speaker == me)
		stop_speaking();
	return rc;
}

/* Others that wait for descriptors see what this process did. */
static uint64_t ran(void)
{
	return __atomic_add_fetch(&shared->runs, 1, __ATOMIC_SEQ_CST);
}

/*
 * Time passes to wake_ns or until something comes.  0, or -EINTR.  A POLL is for one that has seen what its descriptors
 * have, after as many runs of processes as `runs` says.
 */
static long pass(uint64_t wake_ns, const sigset_t *mask, enum wait what, uint64_t runs)
{
	long rc;

	if (timer.at_ns && timer.at_ns < wake_ns)
		wake_ns = timer.at_ns;
	self->wake_ns = wake_ns > shared->now_ns ? wake_ns : shared->now_ns;
	self->reads = what == READ || what == POLL;
	self->polls = what == POLL;
	self->runs = runs;
	self->inputs = shared->inputs;
	self->goes = shared->goes;
	__atomic_store_n(&self->waits, WAITS, __ATOMIC_SEQ_CST);
	rc = await_turn(mask);
	/* One that looks at its descriptors does nothing yet. */
	if (what != POLL)
		ran();
	if (rc)
		return rc;
	return timer_rings(what == READ || what == LOOK) ? -EINTR : 0;
}

void await_others(void)
{
	while (pass(UINT64_MAX, NULL, POLL, shared->runs - 1))
		;
	ran();
}

/* Another process of the node is due. */
static bool others_due(void)
{
	for (int i = 0; i < shared->members; i++)
		if (shared->member[i].waits == WAITS && shared->member[i].wake_ns <= shared->now_ns)
			return true;
	return false;
}

/* Time goes on only with netfault's leave: what was written is heard first. */
uint64_t look(void)
{
	shared->now_ns += shared->look_ns;
	if (shared->said || shared->spoke || shared->now_ns >= shared->until_ns || (shared->forked && others_due()))
		pass(shared->now_ns, NULL, LOOK, ran());
	else
		timer_rings(true);
	return shared->now_ns;
}

/* --- Waits --- */

/* What was told of is there to be seen. */
static void stdin_arrives(void)
{
	struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };

	if ((shared->told || shared->closed) && is_stdin(STDIN_FILENO))
		while (pass_call(SYS_ppoll, &in, 1, NULL, NULL, 8) < 0 && errno == EINTR)
			;
}

/* Exactly n bytes, that were told of; fewer where the other end went away. */
static long read_told(char *at, size_t n)
{
	size_t have = 0;

	while (have < n) {
		long got = pass_call(SYS_read, STDIN_FILENO, at + have, n - have, 0, 0);

		if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
			struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };

			pass_call(SYS_ppoll, &in, 1, NULL, NULL, 8);
			continue;
		}
		if (got < 0)
			return -errno;
		if (got == 0)
			break;
		have += (size_t)got;
	}
	shared->told -= n;
	return (long)have;
}

long stdin_read(void *at, size_t n)
{
	if (!n)
		return 0;
	for (;;) {
		long rc;

		if (shared->told)
			return read_told(at, n < shared->told ? n : shared->told);
		if (shared->closed)
			return 0;
		if (fcntl(STDIN_FILENO, F_GETFL) & O_NONBLOCK) {
			look();
			if (shared->told || shared->closed)
				continue;
			return -EAGAIN;
		}
		rc = pass(UINT64_MAX, NULL, READ, ran());
		if (rc)
			return rc;
	}
}

long sleep_until(uint64_t deadline_ns)
{
	while (shared->now_ns < deadline_ns) {
		long rc = pass(deadline_ns, NULL, SLEEP, ran());

		if (rc)
			return rc;
	}
	return 0;
}

/*
 * Among several processes the first look at the descriptors is not to be trusted: a child may be about to write.  So
 * there is another one once all others sleep, and again whenever one of them has run.
 */
static long poll_turns(long (*attempt)(void *), void *what, uint64_t deadline_ns, const sigset_t *mask)
{
	bool looked = shared->now_ns < deadline_ns, settled = !shared->forked;
	uint64_t runs = shared->runs;

	for (;;) {
		long rc;

		stdin_arrives();
		rc = attempt(what);
		if (rc)
			return rc;
		if (!settled) {
			settled = true;
			rc = pass(UINT64_MAX, mask, POLL, runs - 1);
			runs = shared->runs;
		} else if (shared->now_ns < deadline_ns) {
			rc = pass(deadline_ns, mask, POLL, runs);
			runs = shared->runs;
		} else if (looked) {
			return 0;
		} else {
			uint64_t goes = shared->goes;

			looked = true;
			look();
			if (shared->goes == goes)
				return 0;
		}
		if (rc)
			return rc;
	}
}

long poll_until(long (*attempt)(void *), void *what, uint64_t deadline_ns, const sigset_t *mask)
{
	long rc;

	ran();
	rc = poll_turns(attempt, what, deadline_ns, mask);
	ran();
	return rc;
}
