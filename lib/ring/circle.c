/*
 * `ring`: consistent hashing on a circle (Karger et al. 1997).
 *
 * A node of weight w has w * V points, SipHash(key, name || j) for j = 0, 1, ...
 * as four little-endian bytes.  Nothing is normalised by the other nodes, so a
 * node that comes, goes or changes its weight moves no key between two others.
 * Equal points go to the first name.
 */
#include "lib/ring/algo.h"
#include "lib/ring/hash.h"

#include <string.h>

enum { BATCH = 64 };

static uint32_t points_a_weight(const struct ring *r)
{
	return r->conf.points ? r->conf.points : RING_POINTS_DEFAULT;
}

static int circle_points(const struct ring *r, struct points_sink *sink)
{
	static const uint8_t zero[4];
	uint8_t label[BATCH][RING_NAME_BYTES_MAX + sizeof zero];
	struct ring_key keys[BATCH];
	uint64_t hash[BATCH];

	for (uint32_t i = 0; i < r->n; i++) {
		const struct ring_node *node = &r->nodes[i];
		uint64_t count = (uint64_t)node->weight * points_a_weight(r);
		uint32_t batch = count < BATCH ? (uint32_t)count : BATCH;

		for (uint32_t b = 0; b < batch; b++) {
			memcpy(label[b], node->name, node->name_len);
			keys[b] = (struct ring_key){ label[b], node->name_len + sizeof zero };
		}
		for (uint64_t j = 0; j < count; j += batch) {
			if (count - j < batch)
				batch = (uint32_t)(count - j);
			for (uint32_t b = 0; b < batch; b++) {
				uint32_t c = (uint32_t)j + b;
				uint8_t le[4] = { (uint8_t)c, (uint8_t)(c >> 8), (uint8_t)(c >> 16), (uint8_t)(c >> 24) };

				memcpy(label[b] + node->name_len, le, sizeof le);
			}
			siphash_batch(r->conf.key, keys, batch, hash, r->conf.cpu);
			for (uint32_t b = 0; b < batch; b++)
				points_add(sink, hash[b], i);
		}
	}
	return RING_OK;
}

static int circle_build(struct ring *r)
{
	return points_build(&r->points, r, circle_points, r->weight * points_a_weight(r), false);
}

const struct ring_algo ring_algo_ring = {
	.name = "ring",
	.summary = "a circle of SipHash points, their number in proportion to the weight",
	.build = circle_build,
	.release = points_algo_release,
	.owner = points_algo_owner,
	.walk = points_algo_walk,
	.explain = points_algo_explain,
	.shares = points_algo_shares,
	.bytes = points_algo_bytes,
};
