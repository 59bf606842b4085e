/*
 * options: kvload's command line, taken and checked.
 */
#ifndef LOAD_OPTIONS_H
#define LOAD_OPTIONS_H

#include "lib/base/opt.h"
#include "lib/load/load.h"

enum load_option {
	LOAD_OPT_TO = 256, LOAD_OPT_NODES, LOAD_OPT_LEADER, LOAD_OPT_TIMEOUT, LOAD_OPT_RETRY, LOAD_OPT_SESSIONS, LOAD_OPT_RESEND,
	LOAD_OPT_CLIENTS, LOAD_OPT_THINK, LOAD_OPT_RATE, LOAD_OPT_ARRIVALS, LOAD_OPT_OPS, LOAD_OPT_TIME, LOAD_OPT_WARMUP,
	LOAD_OPT_MIX, LOAD_OPT_TXN_OPS, LOAD_OPT_KEYS, LOAD_OPT_DISTRIBUTION, LOAD_OPT_KEY_BYTES, LOAD_OPT_VALUE_BYTES,
	LOAD_OPT_VALUES, LOAD_OPT_FIRST_VALUE, LOAD_OPT_SEED, LOAD_OPT_LOCKSTEP, LOAD_OPT_NAME, LOAD_OPT_HISTORY, LOAD_OPT_PLOT,
	LOAD_OPT_PLOT_TRACE, LOAD_OPT_INTERVAL, LOAD_OPT_REDRAW,
};

struct load_setup {
	struct load_options load;
	const char *server, *output, *history, *plot, *plot_trace;
	uint64_t interval_ns;
	bool leader, seeded, thought, valued, arrivals, redraw;         /* these were given */
	const char *to;
	char *node_text;                /* the list of --nodes, cut up */
	const char **node;
};

/* The defaults, and what FAULTLINE_LOCKSTEP and FAULTLINE_SEED ask for. */
void load_setup_init(struct load_setup *);

/* What is wrong in itself ends the process with status 2. */
void load_setup_take(struct load_setup *, int id, const struct opt_state *);

/* Checks them together, and draws a seed where none was given. */
void load_setup_end(struct load_setup *);

#endif
