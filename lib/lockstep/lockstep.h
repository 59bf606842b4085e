/*
 * lockstep: a network of processes in virtual time: one event at a time, in the order of (time, number).
 *
 * An event is a line that arrives or a wake-up.  Its process is handed it, with the time, and everybody waits until
 * it says that it is done and when to be woken; its lines are sent then.  So the whole run, the clients' processes
 * included, is one function of the seed and of the programs; no clock of the machine is looked at but to tell a
 * process that hangs.
 *
 * A process takes part in one of two ways:
 *   - it speaks lockstep itself (FAULTLINE_LOCKSTEP=1 and FAULTLINE_SEED in its environment; faultline-protocol(7)),
 *   - or with `virtual`, under the preloaded library of lib/preload/virtual.c, by the protocol of virtual.h.
 */
#ifndef LOCKSTEP_LOCKSTEP_H
#define LOCKSTEP_LOCKSTEP_H

#include "lib/net/net.h"

/* Runs to its end; options.lockstep is set.  As net_run. */
enum exit_status lockstep_run(const struct net_options *);

/* The same twice, in directories of their own; compares the traces, and says which line differs first and whose it is: 1. */
enum exit_status lockstep_twice(const struct net_options *);

#endif
