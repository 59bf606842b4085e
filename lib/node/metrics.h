/*
 * metrics: a node's status as an OpenMetrics text file, for whoever collects such files
 * (https://github.com/OpenObservability/OpenMetrics, version 1.0).
 *
 *     # TYPE faultline_commit_index gauge
 *     # HELP faultline_commit_index Highest index known to be committed.
 *     faultline_commit_index{id="n1"} 7
 *
 * Nothing here knows a protocol; what is in the status decides:
 *
 *     a number        a gauge of its name
 *     a list          a gauge: how many there are; of one that begins with a number (a ballot), that number
 *     role            a state set
 *     leader          a gauge that is 1 with the leader's name in a label, 0 and without one where it is null
 *     counters        counters, NAME_total
 *
 * A time in NAME_us or NAME_ns becomes NAME_seconds.  All else (other texts, null) is left out.
 */
#ifndef NODE_METRICS_H
#define NODE_METRICS_H

#include "lib/store/store.h"

#include <jansson.h>

/*
 * Writes PATH.new and renames it: a reader sees a whole file, the old one or the new.  It is not flushed to the disk.
 * The status is not changed.  0, or STORE_ESYSTEM; then the file that was there is there still.
 */
__attribute__((warn_unused_result))
int metrics_write(const char *path, json_t *status, struct store_report *);

#endif
