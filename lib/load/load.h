/*
 * load: clients that ask a store over one stream, each with one request under way, and measure the answers.
 *
 * An operation begins with its first request and ends with its answer.  Error 11 says that it did not
 * happen: it is asked again a little later, as the same operation.  What has no answer in time, and
 * errors that leave the outcome open (0, 13, those from 1000 on), are counted as unknown.
 */
#ifndef LOAD_LOAD_H
#define LOAD_LOAD_H

#include "lib/load/histogram.h"
#include "lib/load/workload.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	LOAD_CLIENTS_MAX = 100000,
	LOAD_CODES = 1001,              /* codes from 1000 on are counted as 1000 */
	LOAD_RETRY_MS = 5,              /* after error 11 */
};

struct load_options {
	int in, out;                    /* do not block */
	uint32_t clients;
	struct workload_options workload;
	uint64_t ops;                   /* so many, or 0: */
	uint64_t time_ns;               /* for that long */
	uint64_t warmup_ns;             /* before that: not measured */
	uint64_t timeout_ns;            /* of a request; of an operation, where it is asked again */
	const char *to;                 /* dest of the requests; NULL: the leader, asked for by `status` */
};

struct load_result {
	uint64_t ops;                   /* that ended with an answer of the store: ok, or error 20 or 22 */
	uint64_t unknown, unanswered;   /* unanswered: those of the unknown that had no answer at all */
	uint64_t failed;                /* by other errors: they did not happen */
	uint64_t retries;
	uint64_t error[LOAD_CODES];     /* answers, by code */
	uint64_t seconds_ns;            /* from the first measured operation to the last answer */
	uint64_t gap_ns;                /* the longest time without an answer of the store */
	struct histogram latency_ns[WORKLOAD_KINDS];
};

/* NULL; or what ended the run too early, a constant.  The result is filled in either case. */
const char *load_run(const struct load_options *, struct load_result *);

/* From a signal handler: begin nothing more, wait for nothing, return. */
void load_stop(void);

#endif
