/* apart: a run in a process of its own, whose verdict comes back in shared memory; see shrink.h. */
#include "tests/sim/shrink.h"

#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PROCESSOR_SECONDS = 60, SAID_BYTES = 4096 };

static void limit(int what, rlim_t to)
{
	struct rlimit r = { to, to };

	setrlimit(what, &r);
}

__attribute__((noreturn))
static void child(const struct sim_plan *plan, struct sim_verdict *verdict, int said, FILE *record)
{
	struct sim_plan recorded;

	limit(RLIMIT_CORE, 0);
	limit(RLIMIT_CPU, PROCESSOR_SECONDS);
	dup2(said, STDERR_FILENO);
	if (!record) {
		sim_run(plan, verdict);
		_exit(0);
	}
	sim_run_record(plan, verdict, &recorded);
	sim_plan_print(&recorded, record);
	_exit(fflush(record) ? 1 : 0);
}

/* `PROGRAM: FILE:LINE: FUNCTION: Assertion `EXPRESSION' failed.` as `FUNCTION: EXPRESSION`: lines move. */
static bool is_assertion(char *said, char *what)
{
	char *function, *end, *assertion = strstr(said, ": Assertion `");

	if (!assertion)
		return false;
	*assertion = '\0';
	function = strrchr(said, ' ');
	assertion += strlen(": Assertion `");
	end = strstr(assertion, "' failed.");
	if (!function || !end)
		return false;
	*end = '\0';
	snprintf(what, SIM_WHAT_BYTES, "assert: %.60s: %.80s", function + 1, assertion);
	return true;
}

static void judge_death(struct sim_verdict *verdict, int status, int said)
{
	char text[SAID_BYTES + 1];
	ssize_t got = pread(said, text, SAID_BYTES, 0);

	text[got > 0 ? got : 0] = '\0';
	verdict->holds = false;
	verdict->detail[0] = verdict->states[0] = '\0';
	if (is_assertion(text, verdict->what))
		return;
	if (WIFSIGNALED(status) && (WTERMSIG(status) == SIGXCPU || WTERMSIG(status) == SIGKILL))
		snprintf(verdict->what, SIM_WHAT_BYTES, "a run ends");
	else if (WIFSIGNALED(status))
		snprintf(verdict->what, SIM_WHAT_BYTES, "died of signal %d", WTERMSIG(status));
	else
		snprintf(verdict->what, SIM_WHAT_BYTES, "died with status %d", WEXITSTATUS(status));
	snprintf(verdict->detail, SIM_WHAT_BYTES, "%.*s", (int)strcspn(text, "\n"), text);
}

static int run(const struct sim_plan *plan, struct sim_verdict *verdict, FILE *record)
{
	struct sim_verdict *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int said = memfd_create("said", MFD_CLOEXEC), status = 0;
	pid_t pid = -1;

	if (shared != MAP_FAILED && said >= 0) {
		fflush(NULL);
		pid = fork();
	}
	if (pid == 0)
		child(plan, shared, said, record);
	if (pid > 0 && waitpid(pid, &status, 0) == pid) {
		*verdict = *shared;
		if (status)
			judge_death(verdict, status, said);
	}
	if (shared != MAP_FAILED)
		munmap(shared, sizeof(*shared));
	if (said >= 0)
		close(said);
	return pid > 0 ? status : -1;
}

int sim_run_apart(const struct sim_plan *plan, struct sim_verdict *verdict)
{
	return run(plan, verdict, NULL) < 0 ? -1 : 0;
}

int sim_record_apart(const struct sim_plan *plan, struct sim_plan *record)
{
	static struct sim_verdict verdict;
	FILE *f = tmpfile();
	const char *why;
	size_t line;
	int rc = -1;

	if (f && !run(plan, &verdict, f)) {
		rewind(f);
		rc = sim_plan_read(record, f, &line, &why);
	}
	if (f)
		fclose(f);
	return rc;
}
