/*
 * load: clients that ask a store over one stream, each with one request under way, and measure the answers.
 *
 * In a closed loop a client asks as soon as it has its answer, and perhaps has thought a while.  In an open loop (`rate`)
 * operations arrive by themselves: each is begun by a client that is free, or as soon as one is, and its time counts
 * from its arrival, so that a store that stands still is not asked less (no coordinated omission).
 *
 * An operation begins with its first request and ends with its answer.  Error 11 says that it did not
 * happen: it is asked again a little later, as the same operation.  What has no answer in time, and
 * errors that leave the outcome open (0, 13, those from 1000 on), are unknown; with sessions, they are asked again too,
 * as the store does it once however often it is asked.
 *
 * Time is the clock's, or, in lockstep, that of the lines.
 */
#ifndef LOAD_LOAD_H
#define LOAD_LOAD_H

#include "lib/load/histogram.h"
#include "lib/load/workload.h"
#include "lib/wire/wire.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	LOAD_CLIENTS_MAX = 100000,
	LOAD_CODES = 1001,              /* codes from 1000 on are counted as 1000 */
	LOAD_NODES_MAX = 1024,
	LOAD_NAME_BYTES_MAX = 48,       /* of `name`: those of clients have a number behind it */
};

struct transcript;
struct series;

struct load_options {
	int in, out;                    /* do not block, but in lockstep */
	uint32_t clients;
	struct workload_options workload;
	uint64_t ops;                   /* so many, or 0: */
	uint64_t time_ns;               /* for that long */
	uint64_t warmup_ns;             /* before that: not measured */
	uint64_t timeout_ns;            /* of an operation, from its first request on */
	uint64_t retry_ns;              /* after error 11 */
	uint64_t rate;                  /* millionths of an operation a second, over all clients; 0: a closed loop */
	bool poisson;
	uint64_t think_ns;              /* between an answer and the next operation, 0 to twice as long; closed loop */
	bool sessions;
	uint64_t resend_ns;             /* with sessions: without an answer for so long a request is sent again */
	uint64_t session_nonce;         /* 0: sessions are called as the seed alone has it */
	const char *const *nodes;       /* dest of a request is drawn from them */
	size_t node_count;              /* 0: the leader, asked for by `status` */
	const char *name;               /* of clients, a number behind it; NULL: drawn from the seed */
	bool lockstep;
	struct transcript *transcript;  /* NULL: none */
	struct series *series;          /* NULL: none */
};

struct load_result {
	uint64_t ops;                   /* that ended with an answer of the store: ok, or error 20 or 22 */
	uint64_t unknown, unanswered;   /* unanswered: those of the unknown that had no answer at all */
	uint64_t failed;                /* by other errors: they did not happen */
	uint64_t retries;               /* requests sent again */
	uint64_t queued;                /* of an open loop: arrived, and never begun */
	uint64_t error[LOAD_CODES];     /* answers, by code */
	uint64_t seconds_ns;            /* from the first measured operation to the last answer */
	uint64_t gap_ns;                /* the longest time without an answer of the store */
	char first_src[WIRE_NAME_BYTES_MAX + 8];        /* who asked first; empty: nobody */
	double first_s;                 /* when, in seconds from the beginning of the measurement */
	struct histogram latency_ns[WORKLOAD_KINDS];
};

/* NULL; or what ended the run too early, a constant.  The result is filled in either case. */
const char *load_run(const struct load_options *, struct load_result *);

/* From a signal handler: begin nothing more, wait for nothing, return.  It is to interrupt no one but us. */
void load_stop(void);

#endif
