/*
 * signals: what interrupts a read that blocks: a tick of real time, and who wants the run to end.
 *
 * A signal that comes just before a read begins to block is seen at the next tick.
 */
#include "lib/lockstep/inside.h"

#include <signal.h>
#include <sys/time.h>

/* After the first one; a signal to a whole process group may come twice at once. */
enum { IMPATIENT_MS = 500 };

static const int stop_signals[] = { SIGTERM, SIGINT, SIGHUP };
static volatile sig_atomic_t came, came_at, again, ticks;

static void on_signal(int sig)
{
	if (sig == SIGALRM)
		ticks++;
	else if (came && (ticks - came_at) * LOCKSTEP_TICK_MS >= IMPATIENT_MS)
		again = 1;
	else if (!came) {
		came_at = ticks;
		came = sig;
	}
}

static void every(int ms)
{
	struct itimerval timer = { .it_value.tv_usec = ms * 1000, .it_interval.tv_usec = ms * 1000 };

	setitimer(ITIMER_REAL, &timer, NULL);
}

void signals_begin(void)
{
	struct sigaction action = { .sa_handler = on_signal }, old;

	for (size_t i = 0; i < sizeof(stop_signals) / sizeof(*stop_signals); i++)
		if (!sigaction(stop_signals[i], NULL, &old) && old.sa_handler != SIG_IGN)
			sigaction(stop_signals[i], &action, NULL);
	sigaction(SIGALRM, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
	every(LOCKSTEP_TICK_MS);
}

void signals_end(void)
{
	every(0);
	signal(SIGALRM, SIG_DFL);
}

void signals_take(int sig)
{
	came_at = ticks;
	came = sig;
}

int signals_came(void)
{
	return came;
}

bool signals_again(void)
{
	return again;
}

unsigned signals_ticks(void)
{
	return (unsigned)ticks;
}
