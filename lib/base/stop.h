/*
 * stop: SIGTERM and SIGINT end a tool between two records and not within one.
 *
 * While output is held a signal waits for its end, but no longer than a second
 * (a reader may have stopped reading), and a second signal ends at once.  The
 * process dies of the signal, as its parent expects.
 */
#ifndef BASE_STOP_H
#define BASE_STOP_H

/* Once, before threads start.  A signal that was ignored stays so. */
void stop_init(void);

/* Around what has to be written as a whole; one thread at a time. */
void stop_hold(void);
void stop_release(void);

#endif
