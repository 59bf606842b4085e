/*
 * haproxy: `hash-type consistent`, with HAProxy's default function sdbm as it is,
 * or with its avalanche.
 *
 * A server's points are computed from its id, which is its place in the list
 * from 1 (names play no part), and 16 of them for each unit of weight.  A key
 * belongs not to the next point but to the NEAREST: the one before it unless
 * the one after is closer.
 */
#include "lib/ring/algo.h"
#include "lib/ring/hash.h"

enum {
	POINTS = 16,
	WEIGHT_MAX = 256,               /* HAProxy's */
	ID_STRIDE = 4096,               /* WEIGHT_MAX * POINTS: ids do not share points */
};

static inline uint32_t full_hash(uint32_t x)
{
	return avalanche32(x) * UINT32_C(3221225473);
}

static int haproxy_points(const struct ring *r, struct points_sink *sink)
{
	for (uint32_t i = 0; i < r->n; i++)
		for (uint32_t j = 0; j < r->nodes[i].weight * POINTS; j++)
			points_add(sink, (uint64_t)full_hash((i + 1) * ID_STRIDE + j) << 32, i);
	return RING_OK;
}

static int haproxy_build(struct ring *r)
{
	for (uint32_t i = 0; i < r->n; i++)
		if (r->nodes[i].weight > WEIGHT_MAX)
			return RING_ENODES;
	return points_build(&r->points, r, haproxy_points, r->weight * POINTS, false);
}

/*
 * Position of the point nearest to a hash; before and after at the same distance:
 * the one before.  Of equal points the tree gives the first listed from the left
 * and the last listed from the right, which is how they are sorted here.
 */
static uint32_t nearest(const struct points *p, uint64_t hash)
{
	uint32_t h = (uint32_t)(hash >> 32), next = points_find(p, (uint64_t)h << 32);
	uint32_t prev = next ? next - 1 : p->n - 1;

	return h - p->at[prev].hash_hi <= p->at[next].hash_hi - h ? prev : next;
}

static void haproxy_owner(const struct ring *r, const uint64_t *hash, size_t n, uint32_t *owner)
{
	for (size_t i = 0; i < n; i++)
		owner[i] = r->points.at[nearest(&r->points, hash[i])].node;
}

/* From the nearest point onwards, as HAProxy goes on when a server is full. */
static uint32_t haproxy_walk(const struct ring *r, uint64_t hash, struct ring_walk *w)
{
	uint32_t at;

	if (w->step == r->points.n)
		return RING_NONE;
	if (!w->step)
		w->place = nearest(&r->points, hash);
	w->step++;
	at = (uint32_t)w->place;
	w->place = at + 1 < r->points.n ? at + 1 : 0;
	return r->points.at[at].node;
}

static void haproxy_explain(const struct ring *r, uint64_t hash, struct ring_why *why)
{
	const struct point *p = &r->points.at[nearest(&r->points, hash)];

	*why = (struct ring_why){
		.hash_bits = 32,
		.hash = hash >> 32,
		.has_point = true,
		.point = p->hash_hi,
		.owner = p->node,
		.text = p->hash_hi - (uint32_t)(hash >> 32) < UINT32_C(1) << 31
			? "the nearest point, which is the next"
			: "the nearest point, which is the one before",
	};
}

static void haproxy_hash(const struct ring *r, const struct ring_key *keys, size_t n, uint64_t *hash)
{
	(void)r;
	for (size_t i = 0; i < n; i++)
		hash[i] = (uint64_t)sdbm(keys[i].p, keys[i].len) << 32;
}

static void haproxy_hash_avalanche(const struct ring *r, const struct ring_key *keys, size_t n, uint64_t *hash)
{
	(void)r;
	for (size_t i = 0; i < n; i++)
		hash[i] = (uint64_t)full_hash(sdbm(keys[i].p, keys[i].len)) << 32;
}

/* Of the hashes between two points the one before has half, and the middle of an odd number. */
static bool haproxy_shares(const struct ring *r, uint64_t *share)
{
	const struct points *p = &r->points;

	for (uint32_t i = 0; i < p->n; i++) {
		const struct point *prev = &p->at[i ? i - 1 : p->n - 1], *next = &p->at[i];
		uint64_t gap = (uint32_t)(next->hash_hi - prev->hash_hi);

		share[prev->node] += gap / 2 << 32;
		share[next->node] += (gap - gap / 2) << 32;
	}
	/* A sole owner's shares add up to 2^64, which wraps to 0. */
	for (uint32_t i = 0; i < r->n; i++)
		if (r->live == 1 && r->nodes[i].weight)
			share[i] = UINT64_MAX;
	return true;
}

#define HAPROXY(NAME, SUMMARY, HASH) {                                  \
	.name = NAME,                                                   \
	.summary = SUMMARY,                                             \
	.takes = "weights of at most 256",                              \
	.traits = RING_COMPAT | RING_LISTED,                            \
	.build = haproxy_build,                                         \
	.release = points_algo_release,                                 \
	.hash = HASH,                                                   \
	.owner = haproxy_owner,                                         \
	.walk = haproxy_walk,                                           \
	.explain = haproxy_explain,                                     \
	.shares = haproxy_shares,                                       \
	.bytes = points_algo_bytes,                                     \
}

const struct ring_algo ring_algo_haproxy =
	HAPROXY("haproxy", "HAProxy, `hash-type consistent sdbm`, its default", haproxy_hash);

const struct ring_algo ring_algo_haproxy_avalanche =
	HAPROXY("haproxy-avalanche", "HAProxy, `hash-type consistent sdbm avalanche`", haproxy_hash_avalanche);
