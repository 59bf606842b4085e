/*
 * algo: inside the ring module, what an algorithm is made of.
 *
 * Each file of an algorithm gives one or more struct ring_algo; ring.c lists
 * them.  An algorithm keeps what it built in `struct ring`'s union member.
 */
#ifndef RING_ALGO_H
#define RING_ALGO_H

#include "lib/ring/ring.h"

/*
 * Points sorted by (hash, node), with an index by the first bits of the hash: see
 * points.c.  A sentinel repeats the first point at hash 2^64 - 1, which is the
 * wrap.  32-bit layouts keep their points in the upper half.
 */
struct point {
	uint32_t hash_lo, hash_hi;      /* two halves: 12 bytes a point, not 16 */
	uint32_t node;
};

struct points {
	struct point *at;               /* n + 1 */
	uint32_t *index;                /* (1 << (64 - shift)) + 1 */
	struct points_line *line;       /* 1 << (64 - shift), or NULL: the ring is large */
	uint32_t n;
	unsigned shift;
};

/*
 * Emits a layout's points, node by node, through points_add.  It is called
 * twice (to count, then to place), so it must emit the same ones again.
 */
struct points_sink;
typedef int points_gen(const struct ring *, struct points_sink *);
void points_add(struct points_sink *, uint64_t hash, uint32_t node);

/*
 * total: how many points the generator emits.  `unique` drops all but the first of
 * points with one hash.  Returns RING_OK, RING_ETOOBIG, RING_ENOMEM or what
 * the generator returned.
 */
__attribute__((warn_unused_result))
int points_build(struct points *, const struct ring *, points_gen *, uint64_t total, bool unique);
void points_release(struct points *);
void points_owner(const struct points *, const uint64_t *hash, size_t n, uint32_t *owner);
/* Position of the first point at or after hash, 0 .. n - 1 (n wraps to 0). */
uint32_t points_find(const struct points *, uint64_t hash);
void points_shares(const struct points *, uint64_t *share);
size_t points_bytes(const struct points *);
static inline uint64_t point_hash(const struct point *p)
{
	return (uint64_t)p->hash_hi << 32 | p->hash_lo;
}

/* hrw.c: seeds and weight classes; built also where others need an order over all nodes */
struct hrw {
	uint32_t n;                     /* nodes with weight, grouped by weight, by position within */
	uint32_t *node;
	uint32_t *seed_a, *seed_b;      /* of each, padded to whole vectors */
	uint32_t classes;
	struct hrw_class { uint32_t begin, end, weight; } *class;
	struct hrw_log *log;            /* where there is more than one class */
};
__attribute__((warn_unused_result))
int hrw_build(struct hrw *, const struct ring *);
void hrw_release(struct hrw *);
/*
 * Every node's draw, by its position in hrw.node; draw has room for n + 16.  The
 * caller takes a node out by HRW_OUT, which no draw is.
 */
#define HRW_OUT INT32_MIN
void hrw_draws(const struct hrw *, uint64_t hash, int32_t *draw, unsigned cpu);
/* The position of the best draw, or RING_NONE if all are out. */
uint32_t hrw_best(const struct hrw *, const int32_t *draw);
size_t hrw_bytes(const struct hrw *);

/* hash * n / 2^64: a hash spread evenly over 0 .. n - 1, without a division. */
static inline uint32_t hash_below(uint64_t hash, uint32_t n)
{
	return (uint32_t)((unsigned __int128)hash * n >> 64);
}

struct anchor { uint32_t *A, *K; uint32_t capacity, working; };
struct maglev { uint32_t *entry; uint32_t size; };

struct ring {
	const struct ring_algo *algo;
	struct ring_conf conf;
	const struct ring_node *nodes;
	uint32_t n;                     /* nodes */
	uint32_t live;                  /* of weight > 0 */
	uint32_t zones;                 /* distinct zones of live nodes */
	uint64_t weight;                /* sum */
	struct points points;           /* ring, the ketama family, nginx, haproxy, cassandra */
	struct hrw hrw;
	struct anchor anchor;
	struct maglev maglev;           /* maglev, envoy-maglev, redis */
	const struct ring_state *state; /* anchor, jump, slots */
};

/* Where a walk over candidates stands; zeroed at its start. */
struct ring_walk {
	uint64_t step;
	uint64_t place;
};

struct ring_algo {
	const char *name;
	const char *summary;            /* for --help and the man page: a clause */
	const char *takes;              /* which nodes, where not all; NULL: those without weights */
	unsigned traits;
	int (*build)(struct ring *);
	void (*release)(struct ring *);
	void (*hash)(const struct ring *, const struct ring_key *, size_t n, uint64_t *);
	void (*owner)(const struct ring *, const uint64_t *, size_t n, uint32_t *);
	/*
	 * The next candidate for this hash (the first is the owner; may repeat),
	 * or RING_NONE after the last.  NULL: the runners-up are those of rendezvous hashing.
	 */
	uint32_t (*walk)(const struct ring *, uint64_t hash, struct ring_walk *);
	void (*explain)(const struct ring *, uint64_t hash, struct ring_why *);
	bool (*shares)(const struct ring *, uint64_t *);    /* NULL: none */
	uint32_t (*at)(const struct ring *, uint64_t place); /* NULL: owner of that hash */
	size_t (*bytes)(const struct ring *);
};

/* points.c: the members that every layout of points shares */
void points_algo_release(struct ring *);
void points_algo_owner(const struct ring *, const uint64_t *, size_t, uint32_t *);
uint32_t points_algo_walk(const struct ring *, uint64_t, struct ring_walk *);
void points_algo_explain(const struct ring *, uint64_t, struct ring_why *);   /* 64-bit points */
void points_algo_explain32(const struct ring *, uint64_t, struct ring_why *); /* points in the upper half */
bool points_algo_shares(const struct ring *, uint64_t *);
size_t points_algo_bytes(const struct ring *);

extern const struct ring_algo ring_algo_ring, ring_algo_hrw, ring_algo_anchor, ring_algo_jump,
	ring_algo_maglev, ring_algo_slots, ring_algo_libmemcached, ring_algo_libmemcached_spy,
	ring_algo_twemproxy, ring_algo_ketama, ring_algo_spymemcached, ring_algo_couchbase,
	ring_algo_uhashring, ring_algo_hash_ring, ring_algo_node_hashring, ring_algo_nginx,
	ring_algo_haproxy, ring_algo_haproxy_avalanche, ring_algo_envoy_ring,
	ring_algo_envoy_maglev, ring_algo_redis, ring_algo_cassandra, ring_algo_mcrouter;

#endif
