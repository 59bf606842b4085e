/*
 * transcript: the history of a run, written as it happens (faultline-history(5)).
 *
 *     {"process":3,"type":"invoke","f":"cas","key":"x","value":[1,2],"time":NANOSECONDS}
 *     {"process":3,"type":"fail","f":"cas","key":"x","value":[1,2],"code":22,"time":NANOSECONDS}
 *
 * Real-time order is line order: who calls says so before the request leaves, and after the answer came.  Lines are
 * kept in memory and go out in large pieces; a piece need not end with a line.
 */
#ifndef LOAD_TRANSCRIPT_H
#define LOAD_TRANSCRIPT_H

#include "lib/load/workload.h"
#include "lib/wire/wire.h"

enum transcript_type { TRANSCRIPT_OK, TRANSCRIPT_FAIL, TRANSCRIPT_INFO };

struct transcript;

/* NULL: errno.  The file is made anew. */
struct transcript *transcript_open(const char *path);

void transcript_invoke(struct transcript *, const struct workload *, const struct op *, uint64_t process, uint64_t time);

/* `read`: JSON of what a read or a transaction that is ok has given.  `code` -1: there is none to tell. */
void transcript_end(struct transcript *, const struct workload *, const struct op *, uint64_t process,
		    enum transcript_type, int code, struct wire_text read, uint64_t time);

/* What is kept goes out.  0, or errno of the first write that failed, after which no more is written. */
int transcript_flush(struct transcript *);
/* Did a write fail? */
bool transcript_failed(const struct transcript *);
/* The same as flush, and frees it. */
__attribute__((warn_unused_result))
int transcript_close(struct transcript *);

#endif
