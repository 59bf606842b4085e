/* process: the processes of parties: how they start and how they end. */
#include "lib/lockstep/inside.h"
#include "lib/net/spawn.h"
#include "lib/preload/preload.h"
#include "lib/preload/unsynced.h"
#include "lib/preload/virtual.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	TALK_FD = 198,                  /* under `virtual`: the socket's number, where no program has its own */
	ENVIRONMENT_MAX = 8,
	WORDS_BYTES_MAX = 1 << 20,      /* read of a stderr at once: what it left behind may speak on and on */
	ABOUT_TO_MS = 1000,             /* from the end of its output to its own */
};

/* The clocks of programs that know nothing begin at 2023-11-14T22:13:20Z. */
static const uint64_t start_unix_ns = UINT64_C(1700000000000000000);

/* --- The environment --- */

static char *library(const char *name)
{
	struct buf path = { 0 };
	int why = preload_path(&path, name);

	if (why)
		die(EXIT_SYSTEM, "cannot read '%s', which nodes are to load: %s", path.at ? path.at : name, strerror(why));
	if (strpbrk(path.at, " :"))
		die(EXIT_SYSTEM, "'%s' cannot be loaded by nodes: there is a space or a colon in it", path.at);
	return path.at;
}

void process_libraries(struct lockstep *l)
{
	if (l->options->virtual_time) {
		l->library[LIBRARY_VIRTUAL] = library("virtual");
		unsetenv("FAULTLINE_LOCKSTEP");         /* of a netfault that we run under */
	}
	if (l->options->lose_unsynced)
		l->library[LIBRARY_UNSYNCED] = library("unsynced");
}

struct environment {
	struct buf text[ENVIRONMENT_MAX];
	char *word[ENVIRONMENT_MAX + 1];
	size_t count;
};

static struct buf *add(struct environment *e, const char *name)
{
	struct buf *b = &e->text[e->count++];

	buf_puts(b, name);
	buf_putc(b, '=');
	return b;
}

/* The libraries that the program has to load, and then those it was to load anyway. */
static void add_preloads(struct environment *e, const struct party *p)
{
	const char *before = getenv("LD_PRELOAD");
	struct buf *b = add(e, "LD_PRELOAD");

	if (p->talk >= 0)
		buf_printf(b, "%s:", p->l->library[LIBRARY_VIRTUAL]);
	if (p->journal)
		buf_printf(b, "%s:", p->l->library[LIBRARY_UNSYNCED]);
	if (before && *before)
		buf_puts(b, before);
	else
		b->len--;
}

static void fill_in(struct environment *e, const struct party *p)
{
	const struct lockstep *l = p->l;
	struct fault_stream draws = fault_stream(l->rig.seed, "virtual", p->name, strlen(p->name), "", 0);

	if (!l->options->virtual_time)
		buf_puts(add(e, "FAULTLINE_LOCKSTEP"), "1");
	buf_u64(add(e, "FAULTLINE_SEED"), l->rig.seed);
	if (p->talk >= 0)
		buf_printf(add(e, VIRTUAL_ENV), "%d:%ju:%ju:%ju", TALK_FD, (uintmax_t)fault_bits(draws, p->starts),
			   (uintmax_t)l->options->look_ns, (uintmax_t)start_unix_ns);
	if (p->journal)
		buf_puts(add(e, UNSYNCED_ENV), p->journal);
	if (p->talk >= 0 || p->journal)
		add_preloads(e, p);
	for (size_t i = 0; i < e->count; i++) {
		buf_putc(&e->text[i], '\0');
		e->word[i] = e->text[i].at;
	}
}

/* --- Start --- */

static void set_flags(struct party *p, const struct spawned *s)
{
	p->pid = s->pid;
	p->in = s->in;
	p->out = s->out;
	p->err = s->err;
	fcntl(p->in, F_SETFL, O_WRONLY | O_NONBLOCK);
	fcntl(p->err, F_SETFL, O_RDONLY | O_NONBLOCK);
	p->words.name = p->l->quiet ? NULL : p->name;
	p->line = p->seen = p->turn_end = p->turn_next = 0;
	p->blocks = true;
	p->starts++;
}

static void close_one(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

int process_start(struct party *p)
{
	const struct lockstep *l = p->l;
	struct environment e = { .count = 0 };
	struct spawn s = { .argv = p->argv, .more = e.word, .directory = l->directory, .same_addresses = true };
	struct spawned spawned;
	int pair[2] = { -1, -1 }, why;

	if (l->options->virtual_time && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		return errno;
	p->talk = pair[0];
	if (pair[1] >= 0) {
		s.inherited = pair[1];
		s.inherited_as = TALK_FD;
	}
	fill_in(&e, p);
	why = spawn_process(&s, &spawned);
	close_one(&pair[1]);
	if (why)
		close_one(&p->talk);
	else
		set_flags(p, &spawned);
	for (size_t i = 0; i < e.count; i++)
		buf_release(&e.text[i]);
	return why;
}

/* --- End --- */

void process_words(struct party *p)
{
	for (size_t bytes = 0; bytes <= WORDS_BYTES_MAX;) {
		ssize_t got = words_read(&p->words, p->err);

		if (got <= 0)
			return;
		bytes += (size_t)got;
	}
}

static void sleep_ms(long ms)
{
	struct timespec some = { .tv_nsec = ms * 1000000 };

	nanosleep(&some, NULL);
}

static bool ended(const struct party *p)
{
	siginfo_t what = { .si_pid = 0 };

	return waitid(P_PID, (id_t)p->pid, &what, WEXITED | WNOHANG | WNOWAIT) || what.si_pid;
}

bool process_gone(const struct party *p, bool about_to)
{
	for (int ms = 0; about_to && ms < ABOUT_TO_MS && !ended(p) && !signals_came(); ms++)
		sleep_ms(1);
	return ended(p);
}

int process_bury(struct party *p)
{
	int status = 0;

	/* Its group is ended while its number is still taken, so that it is nobody else's; and orphans of it are ours. */
	kill(-p->pid, SIGKILL);
	while (waitpid(p->pid, &status, 0) < 0 && errno == EINTR)
		;
	while (waitpid(-p->pid, NULL, 0) >= 0 || errno == EINTR)
		;
	process_words(p);
	words_end(&p->words);
	close_one(&p->in);
	close_one(&p->out);
	close_one(&p->err);
	close_one(&p->talk);
	buf_release(&p->input);
	buf_release(&p->output);
	buf_release(&p->held);
	p->pid = 0;
	p->speaks = p->paused = false;
	return status;
}

/* What it prints now is no part of the run. */
static void drain(struct party *p)
{
	process_words(p);
	pipe_drain(p);
	p->output.len = 0;
}

/* Says how it ended, where that is not just as it should be. */
static void judge(struct lockstep *l, const struct party *p, int status)
{
	int code = WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status);

	if (WIFEXITED(status) ? code == 0 || code == 128 + SIGTERM : code == SIGTERM || code == SIGKILL)
		return;
	if (WIFEXITED(status))
		told(l, "%s '%s' ended with status %d", p->kind == PARTY_NODE ? "node" : "client", p->name, code);
	else
		told(l, "%s '%s' was killed by signal %d", p->kind == PARTY_NODE ? "node" : "client", p->name, code);
	if (l->status == EXIT_DONE)
		l->status = EXIT_NO;
}

/* Buries those of them that have ended; how many have not. */
static size_t bury_ended(struct lockstep *l, struct party *all, size_t count)
{
	size_t left = 0;

	for (size_t i = 0; i < count; i++) {
		struct party *p = &all[i];

		if (!p->pid)
			continue;
		drain(p);
		if (ended(p))
			judge(l, p, process_bury(p));
		else
			left++;
	}
	return left;
}

static void ask(struct party *all, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (!all[i].pid)
			continue;
		kill(-all[i].pid, SIGTERM);
		kill(-all[i].pid, SIGCONT);
	}
}

static void kill_rest(struct lockstep *l, struct party *all, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (!all[i].pid)
			continue;
		told(l, "%s '%s' did not end within %d ms of SIGTERM: it is killed",
		     all[i].kind == PARTY_NODE ? "node" : "client", all[i].name, LOCKSTEP_GRACE_MS);
		process_bury(&all[i]);
	}
}

void process_end_all(struct lockstep *l)
{
	unsigned ticks = signals_ticks();

	ask(l->node, l->nodes);
	ask(l->client, l->clients);
	while (bury_ended(l, l->node, l->nodes) + bury_ended(l, l->client, l->clients) && !signals_again() &&
	       (signals_ticks() - ticks) * LOCKSTEP_TICK_MS < LOCKSTEP_GRACE_MS)
		sleep_ms(1);
	if (signals_again())
		process_kill_all(l);
	kill_rest(l, l->node, l->nodes);
	kill_rest(l, l->client, l->clients);
}

void process_kill_all(struct lockstep *l)
{
	for (size_t i = 0; i < l->nodes; i++)
		if (l->node[i].pid)
			process_bury(&l->node[i]);
	for (size_t i = 0; i < l->clients; i++)
		if (l->client[i].pid)
			process_bury(&l->client[i]);
}
