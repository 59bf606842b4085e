/*
 * maglev: a lookup table indexed by hash mod size, as other layouts have it too,
 * and how it is filled by turns.
 *
 * Eisenbud et al. 2016, section 3.4: every node has a permutation of the table's
 * entries, offset + j * skip mod size, and the nodes take turns at claiming the
 * next entry of theirs that is free, until none is.
 */
#ifndef RING_MAGLEV_H
#define RING_MAGLEV_H

#include "lib/ring/algo.h"

struct maglev_turn {
	uint32_t node;                  /* what a claimed entry will hold */
	uint32_t offset;                /* 0 .. size - 1 */
	uint32_t skip;                  /* 1 .. size - 1, so 1 where size is 2 */
	uint32_t weight;                /* 0: takes no turn */
};

/*
 * Fills `m`, which holds nothing yet, with `size` (a prime: else the skips are
 * no permutations) entries.  `turn` is the caller's, in the order of the turns
 * within a round, at least one of them with weight.  Weights are Envoy's rule
 * in integers: in round r = 1, 2, ... a node takes its turn only while
 * r * weight >= its target, and the target then grows by the greatest weight.
 * Ends in the middle of a round once the table is full, so n may exceed size.
 * RING_OK and a table to maglev_release, or RING_ENOMEM and nothing held.
 */
__attribute__((warn_unused_result))
int maglev_fill(struct maglev *m, uint32_t size, const struct maglev_turn *turn, uint32_t n);
void maglev_release(struct maglev *);

/* Is a table of n entries one on which every skip is a permutation? */
bool maglev_prime(uint32_t n);

/* owner[i] = entry[hash[i] mod size]. */
void maglev_owner(const struct maglev *, const uint64_t *hash, size_t n, uint32_t *owner);
uint32_t maglev_slot(const struct maglev *, uint64_t hash);

/*
 * The members of struct ring_algo for a table indexed by hash mod size.  In
 * drawings entry i takes the i-th of `size` equal stretches of the circle.
 */
void maglev_algo_release(struct ring *);
void maglev_algo_owner(const struct ring *, const uint64_t *, size_t, uint32_t *);
void maglev_algo_explain(const struct ring *, uint64_t, struct ring_why *);
bool maglev_algo_shares(const struct ring *, uint64_t *);
uint32_t maglev_algo_at(const struct ring *, uint64_t place);
size_t maglev_algo_bytes(const struct ring *);

#endif
