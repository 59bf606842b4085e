/*
 * plan: faults as text: options, lines of a plan, bodies of messages to `net`, words of a command line.
 *
 *     {"at":"2s","type":"partition","groups":[["n1","n2"],["n3"]],"for":"1.5s"}        a plan's line
 *     {"type":"partition","groups":[["n1","n2"],["n3"]],"for":"1.5s"}                  a body: the same without at
 *     partition n1,n2 | n3 for 1.5s                                                    words
 *     n1>n2:loss=0.3,delay=normal:50ms,10ms                                            an option --link
 *
 * faultline-plan(5) is the format's page.
 */
#ifndef PLAN_PLAN_H
#define PLAN_PLAN_H

#include "lib/base/buf.h"
#include "lib/fault/fault.h"
#include "lib/wire/wire.h"

#include <stdbool.h>
#include <stddef.h>

enum { PLAN_WHY_BYTES = 160 };

/* What is wrong, one clause with the offending text in quotes. */
struct plan_error { char why[PLAN_WHY_BYTES]; };

/*
 * One setting: loss, delay, duplicate, reorder, corrupt, truncate, rate, and its value as text.  0, or -1 and error.
 *
 *     loss        P[~C] | gilbert:P,R[,BAD[,GOOD]]       P, C: 0.05 or 5%; both at once with '+' between them
 *     delay       T | uniform:T,T | normal:T,T | exponential:T | pareto:T[,SHAPE], each with [~C]
 *     duplicate   P[~C]
 *     reorder     P[~C][,T]                              T: how much later at most (10ms)
 *     corrupt     P[~C]
 *     truncate    P[~C]
 *     rate        N(bit|kbit|mbit|gbit|bps|kbps|mbps)[,SIZE]     bps: bytes a second; SIZE: of the queue (256K)
 *
 * `0` (and for loss and burst alike) sets it to nothing, which differs from leaving it.
 */
__attribute__((warn_unused_result))
int plan_setting(struct fault_settings *, const char *name, size_t name_len, const char *value, size_t value_len,
		 struct plan_error *);

/* LINK:SETTING=VALUE,..., permanent.  A piece between commas without '=' belongs to the value before it. */
__attribute__((warn_unused_result))
int plan_link(struct fault_order *, const char *text, struct plan_error *);

/* A duration with its unit, as 50ms, up to a year of 8760h. */
__attribute__((warn_unused_result))
int plan_duration(const char *text, size_t len, uint64_t *ns);

/*
 * A line of a plan, which has `at`, or with `body` a body, which has none and may have further members (msg_id).  0, or -1
 * and the order is empty.
 */
__attribute__((warn_unused_result))
int plan_parse(struct fault_order *, const char *json, size_t len, bool body, struct plan_error *);

/* Is it a type that plan_parse knows? */
bool plan_type(const char *type, size_t len);

/* The order as an object, members in the page's order; `at` where with_at.  plan_parse reads it back. */
void plan_print(struct buf *, const struct fault_order *, bool with_at);

/* A whole file, "-" is stdin: its orders, for the caller to release and free.  -1: *line is the wrong one (0: errno). */
__attribute__((warn_unused_result))
int plan_read(const char *path, struct fault_order **, size_t *count, size_t *line, struct plan_error *);

/* Words of a command line, as `partition n1,n2 '|' n3`, `partition n1,n2 n3`, `heal`, `crash n1 for 2s`, as an order. */
__attribute__((warn_unused_result))
int plan_words(struct fault_order *, int argc, char **argv, struct plan_error *);

/* --nemesis: words parted by commas; bits of enum fault_nemesis.  -1: error names the wrong one, and the near miss. */
__attribute__((warn_unused_result))
int plan_nemesis(const char *text, unsigned *bits, struct plan_error *);

#endif
