/*
 * ring: which node owns a key.  The pure core of hashring.
 *
 * One interface over every algorithm, native and compatible.  A look-up is two
 * steps, so that both run in batches: a key's bytes become a 64-bit hash
 * (ring_hash), a hash becomes a node (ring_owner), or an order of preference
 * over distinct nodes (ring_pick).
 *
 * Pure: no I/O, clock, locale or environment; memory functions are all it calls
 * (`make check-pure`).  No native algorithm uses floating point to place, so
 * every compiler and every -O gives the same owners.
 *
 * A node is named by its position in the caller's array.  The name-based
 * algorithms want that array sorted by ring_node_cmp (so the order in which a
 * user lists nodes cannot matter); those with the trait RING_LISTED take it as
 * the user's list is.
 */
#ifndef RING_RING_H
#define RING_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	RING_NAME_BYTES_MAX = 255,
	RING_WEIGHT_MAX = 1000000,
	RING_NODES_MAX = 1 << 24,
	RING_ZONES_MAX = 65535,
	RING_REPLICAS_MAX = 255,
	RING_POINTS_MAX = 1 << 28,      /* in one ring: 4 GiB at 16 bytes a point */
	RING_BUCKETS_MAX = 1 << 28,     /* capacity of anchor and jump */
	RING_SLOTS_MAX = 1 << 24,       /* partitions of slots, entries of maglev */

	RING_POINTS_DEFAULT = 2048,     /* a node of weight 1: sd of a share 2.2 % */
	RING_TABLE_DEFAULT = 65537,     /* maglev: the paper's and Envoy's prime */
	RING_SLOTS_DEFAULT = 65536,     /* of a new numbering: the first doubling of this */
	RING_SLOTS_A_NODE = 1024,       /* that has so many a node */
};

#define RING_NONE UINT32_MAX        /* no node */

enum ring_error {
	RING_OK = 0,
	RING_ENOMEM = -1,
	RING_EDRAINED = -2,             /* no node has weight */
	RING_ETOOBIG = -3,              /* points, buckets or slots over the limit */
	RING_ETABLE = -4,               /* maglev: the size is no prime, or too small */
	RING_EFULL = -5,                /* anchor: more buckets than its capacity */
	RING_ENODES = -6,               /* the layout cannot take these nodes */
};

struct ring_node {
	const char *name;               /* the caller's, outlives the ring */
	uint32_t weight;                /* 0 drains: it owns nothing */
	uint16_t name_len;
	uint16_t zone;                  /* 0: none given, a zone like any other */
};

struct ring_key {
	const uint8_t *p;
	size_t len;
};

/* Which instructions may be used; the answers are the same with any. */
enum ring_cpu { RING_CPU_AVX2 = 1, RING_CPU_AVX512 = 2 };

struct ring_conf {
	uint8_t key[16];                /* SipHash key; zeros unless the user has one */
	uint32_t points;                /* ring: points of weight 1; 0: the default */
	uint32_t table;                 /* maglev, slots: entries; 0: the default */
	unsigned cpu;                   /* set of enum ring_cpu */
	const struct ring_state *state; /* the numbering, for RING_NUMBERED alone; outlives the ring */
};

enum ring_traits {
	RING_LISTED = 1,                /* the position in the list matters */
	RING_NUMBERED = 2,              /* owners follow a numbering: needs a ring_state */
	RING_COMPAT = 4,                /* another program's layout: fixed, no key */
	RING_EXCESS = 8,                /* a change may move keys between nodes that stay */
	RING_UNWEIGHTED = 16,           /* weights other than 0 and 1 are refused */
	RING_TABLE = 32,                /* takes conf.table */
	RING_KETAMA = 64,               /* points per server come from floating point */
};

struct ring;
struct ring_algo;

/* Every algorithm, by name; NULL when i is beyond the last or the name unknown. */
const struct ring_algo *ring_algo_at(size_t i);
const struct ring_algo *ring_algo_find(const char *name);
const char *ring_algo_name(const struct ring_algo *);
const char *ring_algo_summary(const struct ring_algo *);
unsigned ring_algo_traits(const struct ring_algo *);
/* After RING_ENODES: which nodes it takes, a clause. */
const char *ring_algo_takes(const struct ring_algo *);

/* Sort order of nodes: by the bytes of the name, shorter first on a tie. */
int ring_node_cmp(const struct ring_node *a, const struct ring_node *b);

/*
 * Builds a ring of n >= 1 nodes.  `nodes` and its names are the caller's and
 * are kept: they must outlive the ring.  Returns RING_OK and a ring to
 * ring_free, or a negative ring_error and *out unset.
 */
__attribute__((warn_unused_result))
int ring_new(struct ring **out, const struct ring_algo *, const struct ring_conf *,
	     const struct ring_node *nodes, uint32_t n);
void ring_free(struct ring *);

/* The hash of each of n keys, by which the other calls know a key. */
void ring_hash(const struct ring *, const struct ring_key *keys, size_t n, uint64_t *hash);

/* The owner of each of n hashes. */
void ring_owner(const struct ring *, const uint64_t *hash, size_t n, uint32_t *owner);

/*
 * Up to `want` distinct owners in order of preference, from distinct zones
 * while there are enough, never one for which full[node] is set (full may be
 * NULL).  `first` is ring_owner's answer for the hash, and the first owner unless
 * it is full.  Returns how many.  Scratch of a ring_picker is reused from call to
 * call: one a thread.
 */
struct ring_picker;
__attribute__((warn_unused_result))
int ring_picker_new(struct ring_picker **out, struct ring *);
void ring_picker_free(struct ring_picker *);
uint32_t ring_pick(struct ring_picker *, uint64_t hash, uint32_t first, const uint8_t *full,
		   uint32_t *owners, uint32_t want);

/* How a look-up came to its answer. */
struct ring_why {
	unsigned hash_bits;             /* 14, 32 or 64: how many bits of the hash count */
	bool has_point, has_slot;
	uint64_t hash;                  /* as the layout prints it: its low hash_bits */
	uint64_t point;                 /* the point that was taken */
	uint32_t slot;                  /* table entry, slot or bucket */
	uint32_t slots;                 /* of how many */
	uint32_t owner;
	const char *text;               /* one clause: the rule that chose */
};
void ring_explain(const struct ring *, uint64_t hash, struct ring_why *);

/*
 * The share of the hash space that each node holds, in units of 2^-64 (a node
 * that holds all of it: 2^64 - 1).  false where shares follow from no table
 * or points (hrw, jump, anchor): there the ideal share is the expected one.
 */
bool ring_shares(const struct ring *, uint64_t *share);

/* Points on the circle, or entries in the table; 0 where there are none. */
uint64_t ring_points(const struct ring *);

/* Points of each node, into n counts; 0 where the layout has none. */
void ring_count_points(const struct ring *, uint32_t *count);

/* Owner of a place on the circle, 0 .. 2^64 - 1: for drawing. */
uint32_t ring_at(const struct ring *, uint64_t place);

/* Bytes held, the caller's nodes and names not counted. */
size_t ring_bytes(const struct ring *);

/*
 * A numbering: which node has which buckets (anchor, jump) or slots (slots).
 * It is what a state file keeps.  bucket[i] is a node or RING_NONE.
 */
struct ring_state {
	uint32_t buckets;               /* anchor: capacity; jump: buckets in use; slots: partitions */
	uint32_t *bucket;
	uint32_t *removed;              /* anchor: the removed buckets, the oldest first */
	uint32_t removed_n;
};

/*
 * A fresh numbering in the order of the list: a node gets `weight` buckets, or
 * its share of slots.  capacity: see struct ring_state; 0 chooses.  Nothing to
 * release after an error.
 */
__attribute__((warn_unused_result))
int ring_state_init(struct ring_state *, const struct ring_algo *, const struct ring_node *,
		    uint32_t n, uint32_t capacity);

/*
 * The numbering for a changed list, with as few moves as there can be.
 * kept[i] is the position in the new list of the node that was at i, or
 * RING_NONE if it is gone.  `next` is independent of `was`.
 */
__attribute__((warn_unused_result))
int ring_state_change(struct ring_state *next, const struct ring_algo *,
		      const struct ring_state *was, const uint32_t *kept, uint32_t was_n,
		      const struct ring_node *nodes, uint32_t n);

/*
 * Is this, read from a file, a numbering that ring_state_init or _change could
 * have made for these nodes?  NULL, or one clause that says what is wrong,
 * valid until the thread's next call.
 */
const char *ring_state_fault(const struct ring_state *, const struct ring_algo *,
			     const struct ring_node *nodes, uint32_t n);
void ring_state_release(struct ring_state *);

#endif
