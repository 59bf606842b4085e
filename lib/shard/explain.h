/* explain: how one key comes to its owner, for people or as a JSON line. */
#ifndef SHARD_EXPLAIN_H
#define SHARD_EXPLAIN_H

#include <stdio.h>

#include "lib/shard/fleet.h"
#include "lib/shard/route.h"

/* route->replicas says how many owners to name. */
void explain_key(FILE *out, const struct fleet *, const struct route *, const struct ring_key *, bool json);

#endif
