/* total: how many records an input has, before its first is worked on. */
#ifndef SHARD_TOTAL_H
#define SHARD_TOTAL_H

#include "lib/shard/flow.h"

/*
 * Counts them.  A file is read twice; a stream is kept in an unlinked file in TMPDIR (or /tmp),
 * which takes the input's place: input->fd then stands at its begin.
 */
uint64_t total_records(struct flow_input *input, unsigned threads);

#endif
