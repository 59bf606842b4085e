/*
 * plot: a run as a picture: PREFIX.data, the rows of series.h, and PREFIX.gnuplot, a script that draws them as PREFIX.svg,
 * with the faults of a trace behind them.
 *
 * The last line of the data says which request was the first, by which a trace is laid over it:
 *
 *     # first request: c1a2b3c4-0 at 0.000000
 */
#ifndef LOAD_PLOT_H
#define LOAD_PLOT_H

#include "lib/load/load.h"

#include <stdint.h>
#include <stdio.h>

enum {
	PLOT_WHY_BYTES = 400,
	PLOT_PATIENCE_MS = 10000,       /* netfault writes its trace once a second, at the least */
};

/* PREFIX.data, made anew; NULL: errno. */
FILE *plot_open(const char *prefix);
/* The run is over; the file is closed.  0, or errno. */
__attribute__((warn_unused_result))
int plot_close(FILE *, const struct load_result *);

/*
 * The script, of the data as it is; trace NULL: no faults.  One that does not yet go as far as the data is waited for, up to
 * patience_ms.  0; or the exit status for what is wrong, which `why` says, names of files included.
 */
__attribute__((warn_unused_result))
int plot_script(const char *prefix, const char *trace, unsigned patience_ms, char why[static PLOT_WHY_BYTES]);

#endif
