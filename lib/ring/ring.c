/*
 * The table of algorithms, and what they share: building, batched look-ups and
 * the choice of several owners from distinct zones.
 */
#include "lib/ring/algo.h"
#include "lib/ring/hash.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static const struct ring_algo *const algos[] = {
	&ring_algo_ring, &ring_algo_hrw, &ring_algo_anchor, &ring_algo_jump, &ring_algo_maglev, &ring_algo_slots,
	&ring_algo_libmemcached, &ring_algo_libmemcached_spy, &ring_algo_twemproxy, &ring_algo_ketama,
	&ring_algo_spymemcached, &ring_algo_couchbase, &ring_algo_uhashring, &ring_algo_hash_ring,
	&ring_algo_node_hashring, &ring_algo_nginx, &ring_algo_haproxy, &ring_algo_haproxy_avalanche,
	&ring_algo_envoy_ring, &ring_algo_envoy_maglev, &ring_algo_redis, &ring_algo_cassandra, &ring_algo_mcrouter,
};

const struct ring_algo *ring_algo_at(size_t i)
{
	return i < sizeof algos / sizeof *algos ? algos[i] : NULL;
}

const struct ring_algo *ring_algo_find(const char *name)
{
	const struct ring_algo *a;

	for (size_t i = 0; (a = ring_algo_at(i)); i++)
		if (!strcmp(a->name, name))
			return a;
	return NULL;
}

const char *ring_algo_name(const struct ring_algo *a)
{
	return a->name;
}

const char *ring_algo_summary(const struct ring_algo *a)
{
	return a->summary;
}

const char *ring_algo_takes(const struct ring_algo *a)
{
	return a->takes ? a->takes : "no weights";
}

unsigned ring_algo_traits(const struct ring_algo *a)
{
	return a->traits;
}

int ring_node_cmp(const struct ring_node *a, const struct ring_node *b)
{
	size_t n = a->name_len < b->name_len ? a->name_len : b->name_len;
	int c = memcmp(a->name, b->name, n);

	return c ? c : (a->name_len > b->name_len) - (a->name_len < b->name_len);
}

/* Distinct zones of nodes that own something. */
static int count_zones(struct ring *r)
{
	uint8_t *seen = calloc(RING_ZONES_MAX + 1, 1);

	if (!seen)
		return RING_ENOMEM;
	for (uint32_t i = 0; i < r->n; i++) {
		if (r->nodes[i].weight && !seen[r->nodes[i].zone]) {
			seen[r->nodes[i].zone] = 1;
			r->zones++;
		}
	}
	free(seen);
	return RING_OK;
}

static int ring_setup(struct ring *r)
{
	const unsigned by_name = !(r->algo->traits & (RING_LISTED | RING_NUMBERED));

	for (uint32_t i = 0; i < r->n; i++) {
		const struct ring_node *node = &r->nodes[i];

		assert(node->weight <= RING_WEIGHT_MAX);
		assert(!i || !by_name || ring_node_cmp(node - 1, node) < 0);
		if ((r->algo->traits & RING_UNWEIGHTED) && node->weight > 1)
			return RING_ENODES;
		r->weight += node->weight;
		r->live += node->weight > 0;
	}
	if (!r->live)
		return RING_EDRAINED;
	if (count_zones(r) != RING_OK)
		return RING_ENOMEM;
	return r->algo->build(r);
}

int ring_new(struct ring **out, const struct ring_algo *algo, const struct ring_conf *conf,
	     const struct ring_node *nodes, uint32_t n)
{
	struct ring *r;
	int rc;

	assert(n >= 1);
	assert(!(algo->traits & RING_NUMBERED) == !conf->state);
	if (n > RING_NODES_MAX)
		return RING_ETOOBIG;
	r = calloc(1, sizeof *r);
	if (!r)
		return RING_ENOMEM;
	r->algo = algo;
	r->conf = *conf;
	r->nodes = nodes;
	r->n = n;
	r->state = conf->state;
	rc = ring_setup(r);
	if (rc == RING_OK)
		*out = r;
	else
		ring_free(r);
	return rc;
}

void ring_free(struct ring *r)
{
	if (!r)
		return;
	r->algo->release(r);
	hrw_release(&r->hrw);
	free(r);
}

void ring_hash(const struct ring *r, const struct ring_key *keys, size_t n, uint64_t *hash)
{
	if (r->algo->hash)
		r->algo->hash(r, keys, n, hash);
	else
		siphash_batch(r->conf.key, keys, n, hash, r->conf.cpu);
}

void ring_owner(const struct ring *r, const uint64_t *hash, size_t n, uint32_t *owner)
{
	r->algo->owner(r, hash, n, owner);
}

struct ring_picker {
	const struct ring *ring;
	int32_t *draw;                          /* by position in ring.hrw, for the order over all nodes */
	uint32_t *position;                     /* of a node in ring.hrw */
	uint32_t picked, want, zones;           /* zones: how many distinct ones are picked */
	uint32_t *owners;
	uint32_t later[RING_REPLICAS_MAX];      /* candidates whose zone was taken, in order */
	uint32_t later_n;
};

int ring_picker_new(struct ring_picker **out, struct ring *r)
{
	struct ring_picker *p = calloc(1, sizeof *p);
	int rc = p ? RING_OK : RING_ENOMEM;

	if (rc == RING_OK) {
		p->ring = r;
		p->draw = malloc((r->live + (size_t)16) * sizeof *p->draw);
		p->position = malloc(r->n * sizeof *p->position);
		rc = p->draw && p->position ? RING_OK : RING_ENOMEM;
	}
	if (rc == RING_OK && !r->hrw.n)
		rc = hrw_build(&r->hrw, r);
	if (rc != RING_OK) {
		ring_picker_free(p);
		return rc;
	}
	for (uint32_t i = 0; i < r->hrw.n; i++)
		p->position[r->hrw.node[i]] = i;
	*out = p;
	return RING_OK;
}

void ring_picker_free(struct ring_picker *p)
{
	if (!p)
		return;
	free(p->draw);
	free(p->position);
	free(p);
}

static bool among(const uint32_t *list, uint32_t n, uint32_t node)
{
	for (uint32_t i = 0; i < n; i++)
		if (list[i] == node)
			return true;
	return false;
}

static bool zone_taken(const struct ring_picker *p, uint32_t node)
{
	const struct ring_node *nodes = p->ring->nodes;

	for (uint32_t i = 0; i < p->picked; i++)
		if (nodes[p->owners[i]].zone == nodes[node].zone)
			return true;
	return false;
}

/* While there is a zone without an owner, a node of a taken zone has to wait. */
static void offer(struct ring_picker *p, uint32_t node)
{
	bool spread = p->zones < p->ring->zones;

	if (among(p->owners, p->picked, node))
		return;
	if (spread && zone_taken(p, node)) {
		if (p->later_n < p->want && !among(p->later, p->later_n, node))
			p->later[p->later_n++] = node;
		return;
	}
	p->owners[p->picked++] = node;
	p->zones += spread;
}

static void offer_waiting(struct ring_picker *p)
{
	for (uint32_t i = 0; i < p->later_n && p->picked < p->want; i++)
		offer(p, p->later[i]);
	p->later_n = 0;
}

static void pick_by_walk(struct ring_picker *p, uint64_t hash)
{
	const struct ring *r = p->ring;
	struct ring_walk walk = { 0 };
	uint32_t node;

	while (p->picked < p->want && (node = r->algo->walk(r, hash, &walk)) != RING_NONE) {
		offer(p, node);
		if (p->later_n && p->zones == r->zones)
			offer_waiting(p);
	}
}

/* Draws anew, and takes out who is full, picked or, while zones are spread over, of a taken zone. */
static void draw_candidates(struct ring_picker *p, uint64_t hash, const uint8_t *full)
{
	const struct ring *r = p->ring;
	const struct hrw *h = &r->hrw;
	bool spread = p->zones < r->zones;

	hrw_draws(h, hash, p->draw, r->conf.cpu);
	for (uint32_t i = 0; full && i < h->n; i++)
		if (full[h->node[i]])
			p->draw[i] = HRW_OUT;
	for (uint32_t i = 0; spread && p->picked && i < h->n; i++)
		if (zone_taken(p, h->node[i]))
			p->draw[i] = HRW_OUT;
	for (uint32_t i = 0; i < p->picked; i++)
		p->draw[p->position[p->owners[i]]] = HRW_OUT;
}

/*
 * The rest in the order of rendezvous hashing: first unused zones, then any.  It
 * is also the order of those algorithms that have none of their own: the first
 * owner moves as they move it, the runners-up as little as can be.
 */
static void pick_by_rank(struct ring_picker *p, uint64_t hash, const uint8_t *full)
{
	const struct ring *r = p->ring;

	draw_candidates(p, hash, full);
	while (p->picked < p->want) {
		bool spread = p->zones < r->zones;
		uint32_t at = hrw_best(&r->hrw, p->draw);

		if (at == RING_NONE && !spread)
			return;
		if (at == RING_NONE) {
			p->zones = r->zones;    /* what is left of the other zones is full */
		} else {
			p->draw[at] = HRW_OUT;
			p->owners[p->picked++] = r->hrw.node[at];
			p->zones += spread;
		}
		if (p->zones == r->zones)
			offer_waiting(p);
		if (spread)
			draw_candidates(p, hash, full);
	}
}

uint32_t ring_pick(struct ring_picker *p, uint64_t hash, uint32_t first, const uint8_t *full, uint32_t *owners,
		   uint32_t want)
{
	const struct ring *r = p->ring;

	assert(want >= 1 && want <= RING_REPLICAS_MAX);
	p->owners = owners;
	p->want = want < r->live ? want : r->live;
	p->picked = p->zones = p->later_n = 0;
	if (!full || !full[first])
		offer(p, first);
	if (!full && p->picked < p->want && r->algo->walk)
		pick_by_walk(p, hash);
	if (p->picked < p->want)
		pick_by_rank(p, hash, full);
	return p->picked;
}

void ring_explain(const struct ring *r, uint64_t hash, struct ring_why *why)
{
	*why = (struct ring_why){ 0 };
	r->algo->explain(r, hash, why);
}

bool ring_shares(const struct ring *r, uint64_t *share)
{
	memset(share, 0, r->n * sizeof *share);
	return r->algo->shares && r->algo->shares(r, share);
}

uint64_t ring_points(const struct ring *r)
{
	if (r->points.n)
		return r->points.n;
	return r->state && (r->algo->traits & RING_TABLE) ? r->state->buckets : r->maglev.size;
}

void ring_count_points(const struct ring *r, uint32_t *count)
{
	memset(count, 0, r->n * sizeof *count);
	for (uint32_t i = 0; i < r->points.n; i++)
		count[r->points.at[i].node]++;
}

uint32_t ring_at(const struct ring *r, uint64_t place)
{
	uint32_t node;

	if (r->algo->at)
		return r->algo->at(r, place);
	r->algo->owner(r, &place, 1, &node);
	return node;
}

size_t ring_bytes(const struct ring *r)
{
	return sizeof *r + (r->algo->bytes ? r->algo->bytes(r) : 0) + (r->hrw.n ? hrw_bytes(&r->hrw) : 0);
}
