/*
 * pool: memory for messages under way, which come and go by the million: pieces by size, each of which is used again
 * once it was given back.
 */
#ifndef TRAFFIC_POOL_H
#define TRAFFIC_POOL_H

#include <stddef.h>

enum { TRAFFIC_POOL_SIZES = 64 };

/* All zero is an empty one. */
struct traffic_pool {
	void *free[TRAFFIC_POOL_SIZES + 1];     /* by size: pieces given back, each leading to the next */
	void *chunks;                           /* each leads to the next */
	size_t chunk_count;
	char *rest;                             /* of the first chunk: not handed out yet */
	size_t rest_bytes;
};

void traffic_pool_release(struct traffic_pool *);

void *traffic_pool_get(struct traffic_pool *, size_t bytes);
/* `bytes` as it was asked for. */
void traffic_pool_put(struct traffic_pool *, void *, size_t bytes);
/* Everything was given back: what a burst needed goes back to the system. */
void traffic_pool_empty(struct traffic_pool *);

#endif
