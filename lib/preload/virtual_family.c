/*
 * virtual: the processes of one node: who they are, and when all but one sleep.
 *
 * One runs at a time, as far as that can be: a child begins once its parent waits or sleeps.
 */
#include "lib/preload/virtual_inside.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STATUS_BYTES = 4096, CHILDREN_BYTES = 4096 };

/* --- Members --- */

bool gone(int pid)
{
	return pid && syscall(SYS_kill, pid < 0 ? -pid : pid, 0) && errno == ESRCH;
}

static struct member *find(int pid)
{
	for (int i = 0; i < shared->members; i++)
		if (__atomic_load_n(&shared->member[i].pid, __ATOMIC_SEQ_CST) == pid)
			return &shared->member[i];
	return NULL;
}

/* A place for a child of `pid`, taken by writing -pid. */
static struct member *take(int pid)
{
	for (int i = 0; i < FAMILY_MAX; i++) {
		struct member *m = &shared->member[i];
		int old = __atomic_load_n(&m->pid, __ATOMIC_SEQ_CST);

		if ((!old || gone(old)) &&
		    __atomic_compare_exchange_n(&m->pid, &old, -pid, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
			int members = shared->members;

			m->waits = RUNS;
			while (members <= i && !__atomic_compare_exchange_n(&shared->members, &members, i + 1, false,
									    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
				;
			return m;
		}
	}
	refuse("has more than 256 processes");
}

static void name_member(struct member *m, uint64_t key)
{
	m->key = key;
	m->draws = m->forks = 0;
	m->virtual_pid = (int)(VIRTUAL_PID_MIN + mixed(key) % VIRTUAL_PIDS);
}

void family_join(void)
{
	int pid = real_pid();

	self = find(pid);
	if (self)
		return;         /* it runs a new program */
	self = find(-(int)syscall(SYS_getppid));
	if (!self) {
		self = take(pid);
		name_member(self, mixed(shared->seed + UINT64_C(0x9e3779b97f4a7c15) * (pid == shared->root ? 1 : 2)));
	}
	self->pid = pid;
	if (pid != shared->root)
		await_others();
}

/* The place of the child to come; in the order in which they are made. */
static struct member *expect(void)
{
	struct member *m = take(real_pid());

	name_member(m, mixed(self->key ^ mixed(++self->forks)));
	shared->forked = true;
	return m;
}

EXPORT pid_t fork(void)
{
	static pid_t (*next)(void);
	struct member *m = shared ? expect() : NULL;
	pid_t pid;

	if (!next)
		next = (pid_t (*)(void))dlsym(RTLD_NEXT, "fork");
	pid = next();
	if (pid == 0 && m) {
		self = m;
		m->pid = real_pid();
		timer_forget();
		await_others();
	} else if (pid < 0 && m) {
		m->pid = 0;
	} else if (m) {
		m->pid = pid;
	}
	return pid;
}

/* What POSIX allows it to be. */
EXPORT pid_t vfork(void)
{
	return fork();
}

EXPORT int posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *acts, const posix_spawnattr_t *attr,
		       char *const argv[], char *const envp[])
{
	static int (*next)(pid_t *, const char *, const posix_spawn_file_actions_t *, const posix_spawnattr_t *,
			   char *const [], char *const []);

	if (!next)
		*(void **)&next = dlsym(RTLD_NEXT, "posix_spawn");
	if (shared)
		expect();
	return next(pid, path, acts, attr, argv, envp);
}

EXPORT int posix_spawnp(pid_t *pid, const char *file, const posix_spawn_file_actions_t *acts, const posix_spawnattr_t *attr,
			char *const argv[], char *const envp[])
{
	static int (*next)(pid_t *, const char *, const posix_spawn_file_actions_t *, const posix_spawnattr_t *,
			   char *const [], char *const []);

	if (!next)
		*(void **)&next = dlsym(RTLD_NEXT, "posix_spawnp");
	if (shared)
		expect();
	return next(pid, file, acts, attr, argv, envp);
}

EXPORT int system(const char *command)
{
	static int (*next)(const char *);

	if (!next)
		next = (int (*)(const char *))dlsym(RTLD_NEXT, "system");
	if (shared && command)
		expect();
	return next(command);
}

EXPORT FILE *popen(const char *command, const char *type)
{
	static FILE *(*next)(const char *, const char *);

	if (!next)
		next = (FILE *(*)(const char *, const char *))dlsym(RTLD_NEXT, "popen");
	if (shared)
		expect();
	return next(command, type);
}

/* --- Numbers of processes --- */

EXPORT pid_t getpid(void)
{
	return shared ? self->virtual_pid : real_pid();
}

EXPORT pid_t gettid(void)
{
	return shared ? self->virtual_pid : (pid_t)syscall(SYS_gettid);
}

EXPORT pid_t getppid(void)
{
	pid_t pid = (pid_t)syscall(SYS_getppid);
	struct member *m = shared ? find(pid) : NULL;

	return m ? m->virtual_pid : shared ? 1 : pid;
}

static pid_t real_of(pid_t pid)
{
	pid_t who = pid < 0 ? -pid : pid;

	for (int i = 0; shared && who >= VIRTUAL_PID_MIN && i < shared->members; i++)
		if (shared->member[i].pid > 0 && shared->member[i].virtual_pid == who)
			return pid < 0 ? -shared->member[i].pid : shared->member[i].pid;
	return pid;
}

EXPORT int kill(pid_t pid, int sig)
{
	return (int)syscall(SYS_kill, real_of(pid), sig);
}

EXPORT int setpgid(pid_t pid, pid_t group)
{
	return (int)syscall(SYS_setpgid, real_of(pid), real_of(group));
}

EXPORT pid_t getpgid(pid_t pid)
{
	return (pid_t)syscall(SYS_getpgid, real_of(pid));
}

/* --- All others sleep --- */

static ssize_t slurp(const char *path, char *text, size_t room)
{
	int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
	ssize_t got;

	if (fd < 0)
		return -1;
	got = pass_call(SYS_read, fd, text, room - 1, 0, 0);
	close(fd);
	if (got >= 0)
		text[got] = '\0';
	return got;
}

/* Does it sleep, for good as far as it can tell?  `switches` grows by how often it has run. */
static bool sleeps(int pid, uint64_t *switches)
{
	char text[STATUS_BYTES], path[64];
	const struct member *m = find(pid);
	int waits = m ? __atomic_load_n(&m->waits, __ATOMIC_SEQ_CST) : RUNS;
	const char *at;

	if (waits == WAITS)
		return true;
	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	if (slurp(path, text, sizeof(text)) < 0)
		return true;
	at = strstr(text, "\nState:\t");
	if (!at || !strchr(waits == TURN ? "ZX" : "STtZX", at[8]))
		return false;
	at = strstr(at, "\nvoluntary_ctxt_switches:");
	if (at) {
		*switches = *switches * 31 + (uint64_t)pid;
		*switches = *switches * 31 + strtoull(at + 25, NULL, 10);
	}
	return true;
}

static void add_pid(int pids[FAMILY_MAX], int *n, int pid)
{
	for (int i = 0; i < *n; i++)
		if (pids[i] == pid)
			return;
	if (*n == FAMILY_MAX)
		refuse("has more than 256 processes");
	pids[(*n)++] = pid;
}

/* The members, and all that they started, be it without this library. */
static bool all_sleep(uint64_t *switches)
{
	int pids[FAMILY_MAX], n = 0;

	*switches = 0;
	for (int i = 0; i < shared->members; i++)
		if (shared->member[i].pid > 0)
			add_pid(pids, &n, shared->member[i].pid);
	for (int i = 0; i < n; i++) {
		char text[CHILDREN_BYTES], path[64], *p = text, *end;

		if (pids[i] != real_pid() && !sleeps(pids[i], switches))
			return false;
		snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pids[i], pids[i]);
		if (slurp(path, text, sizeof(text)) < 0)
			continue;
		for (long pid; (pid = strtol(p, &end, 10)) > 0; p = end)
			add_pid(pids, &n, (int)pid);
	}
	return true;
}

/*
 * Waits until every other process of the node sleeps in the kernel or waits for its turn.  A process that was
 * woken meanwhile has run between the two passes, and its count of switches says so.
 */
void family_settle(void)
{
	struct timespec pause_ns = { 0, 20000 };
	uint64_t before, after;

	for (int tries = 0; shared->forked; tries++) {
		if (all_sleep(&before) && all_sleep(&after) && before == after)
			return;
		if (tries < 50)
			sched_yield();
		else
			pass_call(SYS_nanosleep, &pause_ns, NULL, 0, 0, 0);
	}
}
