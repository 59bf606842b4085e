/*
 * damage: what there is in a segment where no record is, and whether a crash explains it.
 *
 * A crash can only have hit the last flush, which nobody was told of:
 *
 * - Nothing good follows the place: the flush stopped there.
 * - Good records follow, but none that begins a flush, and the place is a hole: from a boundary of sectors (of
 *   512 bytes) on, or from where a flush may have begun, to the next boundary it holds what it was filled with.
 *   The disk wrote the sectors of the last flush in an order of its own and did not get to this one.
 *
 * A byte that a record was never written over is a newline, or zero where the file had just grown.
 * All return -1 and errno where the file cannot be read.
 */
#ifndef STORE_DAMAGE_H
#define STORE_DAMAGE_H

#include "lib/base/line.h"

#include <stdbool.h>
#include <stdint.h>

/* The first byte in from .. to that was written, or `to`. */
int64_t damage_find_written(int fd, uint64_t from, uint64_t to);

/* The same of what is no newline. */
int64_t damage_find_other(int fd, uint64_t from, uint64_t to);

enum damage { DAMAGE_NONE, DAMAGE_TORN_RECORD, DAMAGE_TORN_FLUSH, DAMAGE_MISSING, DAMAGE_WRONG };

/* Of the place `at` in a file of `size` bytes.  The reader is used for what follows. */
int damage_judge(int fd, uint64_t at, uint64_t size, struct line_reader *);

#endif
