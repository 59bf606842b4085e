/*
 * envoy: the two consistent hashes of Envoy's load balancing policies, ring_hash
 * and maglev, as its source has them (v1.30: ring_hash_lb.cc, maglev_lb.cc).
 *
 * Both normalize the weights to shares in doubles and then add the shares up, so
 * the same sums are made here in the same order; with integers in their place
 * nearly every weighted table comes out differently.  A node's name is its
 * address as Envoy prints it, or its host name with use_hostname_for_hashing.
 */
#include "lib/ring/compat.h"
#include "lib/ring/hash.h"
#include "lib/ring/maglev.h"

#include <stdlib.h>
#include <string.h>

enum {
	RING_SIZE_MIN = 1024,           /* Envoy's defaults */
	RING_SIZE_MAX = 8 << 20,
};

static double node_share(const struct ring *r, uint32_t node)
{
	return (double)r->nodes[node].weight / (double)r->weight;
}

static void hash_keys(const struct ring *r, const struct ring_key *keys, size_t n, uint64_t *hash)
{
	(void)r;
	for (size_t i = 0; i < n; i++)
		hash[i] = xxh64(keys[i].p, keys[i].len, 0);
}

/* The points of the ring are dealt out in the order of the list, by running sums. */
struct deal {
	double scale, current, target;
};

static struct deal deal_begin(const struct ring *r)
{
	double least = 1.0, points, scale;

	for (uint32_t i = 0; i < r->n; i++)
		if (r->nodes[i].weight && node_share(r, i) < least)
			least = node_share(r, i);
	/* The lightest host gets a whole number of points, and the ring 1024 at least. */
	points = (double)(uint64_t)(least * RING_SIZE_MIN);
	if (points < least * RING_SIZE_MIN)
		points++;
	scale = points / least;
	return (struct deal){ .scale = scale < RING_SIZE_MAX ? scale : RING_SIZE_MAX };
}

/* How many points the next host gets. */
static uint32_t deal_next(struct deal *d, double share)
{
	uint32_t n = 0;

	d->target += d->scale * share;
	for (; d->current < d->target; d->current++)
		n++;
	return n;
}

static int envoy_points(const struct ring *r, struct points_sink *sink)
{
	struct deal deal = deal_begin(r);

	for (uint32_t i = 0; i < r->n; i++) {
		const struct ring_node *node = &r->nodes[i];
		uint32_t n = node->weight ? deal_next(&deal, node_share(r, i)) : 0;
		char label[RING_NAME_BYTES_MAX + 1 + DECIMAL_BYTES_MAX];
		size_t len = node->name_len;

		memcpy(label, node->name, len);
		label[len++] = '_';
		for (uint32_t k = 0; k < n; k++)
			points_add(sink, xxh64(label, len + put_decimal(label + len, k), 0), i);
	}
	return RING_OK;
}

static int envoy_ring_build(struct ring *r)
{
	struct deal deal;
	uint64_t total = 0;

	if (r->weight > UINT32_MAX)     /* Envoy refuses such a sum */
		return RING_ENODES;
	deal = deal_begin(r);
	for (uint32_t i = 0; i < r->n; i++)
		if (r->nodes[i].weight)
			total += deal_next(&deal, node_share(r, i));
	return points_build(&r->points, r, envoy_points, total, false);
}

const struct ring_algo ring_algo_envoy_ring = {
	.name = "envoy-ring",
	.summary = "Envoy's ring_hash, xxHash64, ring sizes by default",
	.takes = "weights of at most 4294967295 in all",
	.traits = RING_COMPAT | RING_LISTED | RING_EXCESS,
	.build = envoy_ring_build,
	.release = points_algo_release,
	.hash = hash_keys,
	.owner = points_algo_owner,
	.walk = points_algo_walk,
	.explain = points_algo_explain,
	.shares = points_algo_shares,
	.bytes = points_algo_bytes,
};

/* A host while the table fills. */
struct claimant {
	double share, target;
	uint32_t at, skip;
};

static void claim(struct maglev *m, struct claimant *c, uint32_t node)
{
	while (m->entry[c->at] != RING_NONE)
		c->at = (uint32_t)(((uint64_t)c->at + c->skip) % m->size);
	m->entry[c->at] = node;
}

/*
 * Rounds in which every host may claim an entry: one with a third of the greatest
 * share takes its turn in every third round, or in the one after that where the
 * doubles say so.
 */
static void fill(struct maglev *m, struct claimant *c, const struct ring *r)
{
	double greatest = 0;
	uint32_t claimed = 0;

	for (uint32_t i = 0; i < r->n; i++)
		if (c[i].share > greatest)
			greatest = c[i].share;
	for (uint32_t round = 1; claimed < m->size; round++) {
		for (uint32_t i = 0; i < r->n && claimed < m->size; i++) {
			if (!r->nodes[i].weight || round * c[i].share < c[i].target)
				continue;
			c[i].target += greatest;
			claim(m, &c[i], i);
			claimed++;
		}
	}
}

/* The hosts take turns in the order of their names, which is that of r->nodes. */
static int envoy_maglev_build(struct ring *r)
{
	uint32_t size = r->conf.table ? r->conf.table : RING_TABLE_DEFAULT;
	struct claimant *c;

	if (size > RING_SLOTS_MAX)
		return RING_ETOOBIG;
	if (!maglev_prime(size))
		return RING_ETABLE;
	if (r->weight > UINT32_MAX)
		return RING_ENODES;
	c = calloc(r->n, sizeof *c);
	r->maglev.entry = malloc(size * sizeof *r->maglev.entry);
	r->maglev.size = size;
	if (!c || !r->maglev.entry) {
		free(c);
		return RING_ENOMEM;     /* ring_new releases the table */
	}
	memset(r->maglev.entry, 0xff, size * sizeof *r->maglev.entry);
	for (uint32_t i = 0; i < r->n; i++) {
		const struct ring_node *node = &r->nodes[i];

		c[i].share = node_share(r, i);
		c[i].at = (uint32_t)(xxh64(node->name, node->name_len, 0) % size);
		c[i].skip = (uint32_t)(xxh64(node->name, node->name_len, 1) % (size - 1)) + 1;
	}
	fill(&r->maglev, c, r);
	free(c);
	return RING_OK;
}

const struct ring_algo ring_algo_envoy_maglev = {
	.name = "envoy-maglev",
	.summary = "Envoy's maglev, xxHash64, a table of 65537 by default",
	.takes = "weights of at most 4294967295 in all",
	.traits = RING_COMPAT | RING_EXCESS | RING_TABLE,
	.build = envoy_maglev_build,
	.release = maglev_algo_release,
	.hash = hash_keys,
	.owner = maglev_algo_owner,
	.explain = maglev_algo_explain,
	.shares = maglev_algo_shares,
	.at = maglev_algo_at,
	.bytes = maglev_algo_bytes,
};
