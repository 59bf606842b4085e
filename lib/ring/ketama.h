/*
 * ketama: the number of labels that a weight gives, apart from the rings.
 *
 * The members of the family with RING_KETAMA compute it in floating point, so
 * that at some sizes of a cluster all servers, weights equal, have a label less
 * than at others, and one node more moves keys between all of them.
 */
#ifndef RING_KETAMA_H
#define RING_KETAMA_H

#include "lib/ring/ring.h"

/*
 * Labels of a node of `weight` > 0 among `live` nodes whose weights sum up to
 * `total`.  Every label is four points, three in hash-ring.  The algorithm is
 * one of ketama.c's.
 */
uint32_t ketama_labels(const struct ring_algo *, uint32_t weight, uint64_t total, uint32_t live);

#endif
