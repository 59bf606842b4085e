/*
 * flow: records from a descriptor through one or more threads to an output, in
 * the order of the input.
 *
 * Every thread does the same: take the turn to read a block of whole records;
 * work on it, beside the others; take the turn to commit what came of it.
 * Turns to commit come in the order of reading.  No thread waits for a block to
 * fill: what one read(2) gave is worked on and committed before the stream can
 * block for good, so a held line is answered at once, and bulk runs in large
 * blocks, with no option for either.
 *
 * An error stops the flow at its record: all before it is committed first.
 */
#ifndef SHARD_FLOW_H
#define SHARD_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/base/err.h"
#include "lib/ring/ring.h"

enum {
	FLOW_BATCH = 256,               /* records in one call of `batch` */
	FLOW_SLACK = 64,                /* bytes one may read after a record, and write after flow_room's */
	FLOW_THREADS_MAX = 64,
	FLOW_LINE_BYTES_DEFAULT = 1 << 20,
	FLOW_LINE_BYTES_MAX = 1 << 30,
};

/* One thread's work on one block. */
struct flow_work {
	void *scratch;                  /* the sink's, from `open` */
	char *out;                      /* what `batch` appended */
	size_t out_len, out_cap;
	uint64_t records;               /* of this block, done */
	enum exit_status bad;           /* set by flow_fail */
	char why[400];
};

struct flow_sink {
	void *self;
	/* Scratch of a thread: made before it starts, closed after all ended, in the caller's thread. */
	void *(*open)(void *self);
	void (*close)(void *self, void *scratch);
	/*
	 * Works on n records (their delimiters are not part of them).  Returns how
	 * many were done; where fewer, flow_fail told why for the next.  A final
	 * call with n = 0 ends each block.
	 */
	size_t (*batch)(void *self, struct flow_work *, const struct ring_key *record, size_t n);
	/* In input order; NULL writes `out` to stdout. */
	void (*commit)(void *self, struct flow_work *);
};

struct flow_input {
	int fd;
	const char *name;               /* for messages: "stdin" */
	char delimiter;
	size_t line_bytes_max;
	bool progress;                  /* on stderr, once a second */
};

/* Room for that many bytes (and FLOW_SLACK more) after work->out_len; the caller adds what it used. */
char *flow_room(struct flow_work *, size_t bytes);

/* The next record is bad: `NAME:LINE: WHY` will be said, with that exit status. */
__attribute__((format(printf, 3, 4)))
void flow_fail(struct flow_work *, enum exit_status, const char *fmt, ...);

/* All records of the input.  Ends the process on an error. */
void flow_run(const struct flow_input *, const struct flow_sink *, unsigned threads);

/* The same for records that are in memory; `name` as above. */
void flow_records(const char *name, const struct flow_sink *, const struct ring_key *records, size_t n);

/* read(2) that waits, whatever the descriptor's flags and signals.  -1 and errno on an error. */
ssize_t flow_read(int fd, void *p, size_t len);

/* Writes all to a descriptor, or ends the process: `cannot write 'NAME': WHY`, status 4. */
void flow_write(int fd, const char *name, const char *p, size_t len);

#endif
