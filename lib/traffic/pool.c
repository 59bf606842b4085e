/* pool: see pool.h */
#include "lib/traffic/pool.h"
#include "lib/base/err.h"

#include <stdlib.h>

enum {
	STEP_BYTES = 64,                /* from one size to the next; larger pieces than the last are malloc's */
	CHUNK_BYTES = 1 << 18,
	KEEP_CHUNKS = 64,               /* that an empty pool may keep */
};

void traffic_pool_release(struct traffic_pool *p)
{
	while (p->chunks) {
		void *next = *(void **)p->chunks;

		free(p->chunks);
		p->chunks = next;
	}
	*p = (struct traffic_pool){ .chunks = NULL };
}

void traffic_pool_empty(struct traffic_pool *p)
{
	if (p->chunk_count > KEEP_CHUNKS)
		traffic_pool_release(p);
}

static void *cut_off(struct traffic_pool *p, size_t bytes)
{
	char *piece;

	if (p->rest_bytes < bytes) {
		void **chunk = must_malloc(CHUNK_BYTES);

		*chunk = p->chunks;
		p->chunks = chunk;
		p->chunk_count++;
		p->rest = (char *)chunk + STEP_BYTES;
		p->rest_bytes = CHUNK_BYTES - STEP_BYTES;
	}
	piece = p->rest;
	p->rest += bytes;
	p->rest_bytes -= bytes;
	return piece;
}

void *traffic_pool_get(struct traffic_pool *p, size_t bytes)
{
	size_t size = (bytes + STEP_BYTES - 1) / STEP_BYTES;
	void **piece;

	if (size > TRAFFIC_POOL_SIZES)
		return must_malloc(bytes);
	piece = p->free[size];
	if (!piece)
		return cut_off(p, size * STEP_BYTES);
	p->free[size] = *piece;
	__builtin_prefetch(*piece, 1);
	return piece;
}

void traffic_pool_put(struct traffic_pool *p, void *piece, size_t bytes)
{
	size_t size = (bytes + STEP_BYTES - 1) / STEP_BYTES;

	if (size > TRAFFIC_POOL_SIZES) {
		free(piece);
		return;
	}
	*(void **)piece = p->free[size];
	p->free[size] = piece;
}
