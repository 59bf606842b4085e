/*
 * virtual: preloaded into a program, makes its time, its random numbers and its input netfault's (virtual.h).
 *
 * Two ways lead to it.  The clock is read without a system call, so those functions are replaced (virtual_calls.c).
 * All else that waits or draws is caught as a system call, wherever in the C library it is made (stdio, sleep, getentropy):
 * a seccomp filter sends it to the handler of SIGSYS (virtual_trap.c).
 *
 * The first process runs its program anew once, at fixed addresses, as programs order things by address, and
 * with the shared memory in its environment.  A program that is not dynamically linked never loads this library.
 */
#include "lib/preload/virtual_inside.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>

enum { HIGH_FD = 1000, LOWER_FD = 200 };

struct shared *shared;
struct member *self;

pid_t real_pid(void)
{
	return (pid_t)syscall(SYS_getpid);
}

void refuse(const char *text)
{
	struct virtual_idle idle = { .refuse = 1 };
	char message[256], name[32] = "program";
	int fd = open("/proc/self/comm", O_RDONLY | O_CLOEXEC), len;
	ssize_t got = fd < 0 ? -1 : pass_call(SYS_read, fd, name, sizeof(name) - 1, 0, 0);

	if (got > 0)
		name[got] = '\0';
	name[strcspn(name, "\n")] = '\0';
	len = snprintf(message, sizeof(message), "netfault: virtual time: %s %s\n", name, text);
	if (len > 0)
		pass_call(SYS_write, STDERR_FILENO, message, len, 0, 0);
	if (shared) {
		idle.now_ns = idle.wake_ns = shared->now_ns;
		pass_call(SYS_write, shared->control, &idle, sizeof(idle), 0, 0);
	}
	_exit(4);
}

/* A descriptor where programs have none of their own. */
static int high(int fd)
{
	int up = fcntl(fd, F_DUPFD, HIGH_FD);

	if (up < 0)
		up = fcntl(fd, F_DUPFD, LOWER_FD);
	if (up < 0)
		up = fd;
	if (up != fd)
		close(fd);
	return up;
}

static struct shared *map(int fd)
{
	void *at = mmap(NULL, sizeof(struct shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	return at == MAP_FAILED ? NULL : at;
}

static bool number(const char **text, uint64_t *value)
{
	char *end;

	*value = strtoull(*text, &end, 10);
	if (end == *text)
		return false;
	*text = *end == ':' ? end + 1 : end;
	return true;
}

/* The environment with what the next program finds as the shared memory. */
static char **environment(char **old, int memory)
{
	size_t n = 0;
	char **new, *text;

	while (old[n])
		n++;
	new = mmap(NULL, (n + 1) * sizeof(*new) + 64, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (new == MAP_FAILED)
		return NULL;
	text = (char *)(new + n + 1);
	snprintf(text, 64, VIRTUAL_ENV "=memory:%d", memory);
	for (size_t i = 0; i < n; i++)
		new[i] = strncmp(old[i], VIRTUAL_ENV "=", sizeof(VIRTUAL_ENV)) ? old[i] : text;
	return new;
}

/* The first of a node's processes: what it was told goes to the memory, and the program runs anew. */
static void begin(const char *told, char **argv, char **envp)
{
	uint64_t fd, seed, look_ns, start;
	int memory = memfd_create("faultline-virtual", 0);
	struct stat st;
	char **env;

	if (!number(&told, &fd) || !number(&told, &seed) || !number(&told, &look_ns) || !number(&told, &start))
		refuse("does not understand " VIRTUAL_ENV);
	if (memory < 0 || ftruncate(memory, sizeof(struct shared)))
		refuse("has no memory");
	memory = high(memory);
	shared = map(memory);
	if (!shared)
		refuse("has no memory");
	shared->control = high((int)fd);
	shared->memory = memory;
	shared->seed = seed;
	shared->look_ns = look_ns;
	shared->start_unix_ns = start;
	shared->root = real_pid();
	if (!fstat(STDIN_FILENO, &st)) {
		shared->in.dev = st.st_dev;
		shared->in.ino = st.st_ino;
	}
	if (!fstat(STDOUT_FILENO, &st)) {
		shared->out.dev = st.st_dev;
		shared->out.ino = st.st_ino;
	}
	prctl(PR_GET_NAME, shared->name);
	/* Where a container forbids it, addresses stay random. */
	personality(personality(0xffffffff) | ADDR_NO_RANDOMIZE);
	env = environment(envp, memory);
	if (env)
		execve("/proc/self/exe", argv, env);
	refuse("cannot be run anew");
}

/* The kernel's own gift of random bytes. */
static void overwrite_gift(void)
{
	void *at = (void *)getauxval(AT_RANDOM);

	if (at)
		random_bytes(at, 16);
}

/* Before any other library's: a call that the inherited filter catches needs the handler. */
__attribute__((constructor))
static void load(int argc, char **argv, char **envp)
{
	const char *told = NULL;

	(void)argc;
	for (char **e = envp; *e; e++)
		if (!strncmp(*e, VIRTUAL_ENV "=", sizeof(VIRTUAL_ENV)))
			told = *e + sizeof(VIRTUAL_ENV);
	if (!told)
		return;
	if (strncmp(told, "memory:", 7) != 0)
		begin(told, argv, envp);
	shared = map(atoi(told + 7));
	if (!shared)
		refuse("was started with its descriptors closed");
	trap_handle();
	family_join();
	overwrite_gift();
	if (!shared->filtered)
		trap_install();
	shared->filtered = true;
	if (!shared->started) {
		prctl(PR_SET_NAME, shared->name);       /* it was run by way of /proc/self/exe */
		first_go();
	}
	shared->started = true;
}
