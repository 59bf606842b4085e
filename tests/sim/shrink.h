/*
 * shrink: a plan that fails, made small while it fails of the same.
 *
 * Delta debugging (Zeller, Hildebrandt: "Simplifying and Isolating Failure-Inducing Input", 2002) over the intents, whole kinds
 * first, then halves, quarters, and one by one; then clients, nodes, options and chances one at a time, single fates in place of
 * chances, and the time between what is left.
 *
 * Each trial runs in a process of its own, so that a core's own assert, a crash or an endless loop is a failure like another.
 */
#ifndef SIM_SHRINK_H
#define SIM_SHRINK_H

#include "tests/sim/sim.h"

struct sim_shrink_limits {
	size_t runs;                    /* trials at the most; 0: as many as it takes */
	unsigned seconds;               /* 0: as long as it takes */
};

struct sim_shrink_tally {
	size_t runs;
	size_t intents_before, intents_after;
	bool ended;                     /* nothing is left to try; else a limit was met */
};

/*
 * sim_run in a process of its own.  What ends that process is a verdict: of a failed assertion its text, else the signal, or that it
 * never ended (a minute of processor time).  0, or -1 where no process could be made.
 */
__attribute__((warn_unused_result))
int sim_run_apart(const struct sim_plan *, struct sim_verdict *);
/* What sim_run_record says of it, if it does not end the process; else, or where no process could be made, -1. */
__attribute__((warn_unused_result))
int sim_record_apart(const struct sim_plan *, struct sim_plan *record);

/*
 * `plan` fails with `verdict`; *small is a copy that fails with the same `what`, as far as the limits let it.  verdict becomes that
 * of *small.  Both are the caller's to release.  -1: `plan` does not fail so; *small is nothing then.
 */
__attribute__((warn_unused_result))
int sim_shrink(const struct sim_plan *, struct sim_verdict *, const struct sim_shrink_limits *, struct sim_plan *small,
	       struct sim_shrink_tally *);

#endif
