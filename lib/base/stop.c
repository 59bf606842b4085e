/* stop: see stop.h */
#include "lib/base/stop.h"

#include <signal.h>
#include <unistd.h>

enum { PATIENCE_S = 1 };

static volatile sig_atomic_t held, came;

static void die_of(int sig)
{
	signal(sig, SIG_DFL);
	raise(sig);
}

static void on_stop(int sig)
{
	if (!held) {
		die_of(sig);
		return;
	}
	came = sig;
	alarm(PATIENCE_S);
}

static void on_alarm(int sig)
{
	(void)sig;
	die_of(came);
}

static void catch(int sig, void (*handler)(int))
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = (int)SA_RESETHAND }, old;

	sigemptyset(&action.sa_mask);
	if (!sigaction(sig, NULL, &old) && old.sa_handler == SIG_DFL)
		sigaction(sig, &action, NULL);
}

void stop_init(void)
{
	catch(SIGTERM, on_stop);
	catch(SIGINT, on_stop);
	catch(SIGALRM, on_alarm);
}

void stop_hold(void)
{
	held = 1;
}

void stop_release(void)
{
	held = 0;
	if (came)
		die_of(came);
}
