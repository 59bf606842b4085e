/*
 * series: what a run was like, interval by interval: for those who watch, and for a picture.
 *
 * A row of its file is
 *
 *     SECONDS OPS_PER_S P50_US P99_US ERRORS_PER_S
 *
 * from the end of an interval on, counted from the beginning of the measurement; times are `nan`
 * where no operation ended.  A last interval of less than half the length is left out.
 */
#ifndef LOAD_SERIES_H
#define LOAD_SERIES_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct series;

/* `rows` and `progress` are the caller's; NULL: none.  `more` is told all that this one is told, and is its own; or NULL. */
struct series *series_new(FILE *rows, FILE *progress, uint64_t interval_ns, struct series *more);
void series_free(struct series *);

/* Of one run, in this order; times never fall. */
void series_begin(struct series *, uint64_t at_ns);
void series_add(struct series *, uint64_t now_ns, uint64_t latency_ns);
void series_add_error(struct series *, uint64_t now_ns);
void series_turn(struct series *, uint64_t now_ns);
void series_end(struct series *, uint64_t now_ns);

/* When the interval ends. */
uint64_t series_due(const struct series *);

#endif
