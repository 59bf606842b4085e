/*
 * mcrouter: its default hash Ch3, which is furc_hash (Rabkin's consistent hash by
 * a binary decision tree).
 *
 * The tree's leaves are the numbers 0 .. 2^d - 1.  A pseudorandom stream of bits
 * that depends on the key alone says, level by level from the top, whether the
 * key is in the upper half of what the level could add; if so, more bits say where
 * there, and a number that is too large for the pool is drawn again.  So a key
 * either stays or moves to a node that is new at the end of the list.
 *
 * The stream is MurmurHash64A of the key, then of that hash, and so on: the
 * first hash is all that a look-up needs.
 */
#include "lib/ring/hash.h"
#include "lib/ring/maglev.h"

#include <stdlib.h>
#include <string.h>

#define SEED UINT32_C(4193360111)

enum {
	SHIFT = 23,                     /* from one bit to the next */
	TRIES = 32,
	NODES_MAX = 1 << SHIFT,
	STREAM_WORDS = (SHIFT + TRIES * SHIFT * SHIFT) / 64 + 1,
};

struct stream {
	uint64_t word[STREAM_WORDS];
	uint32_t n;                     /* words that are known */
};

static uint32_t stream_bit(struct stream *s, uint32_t i)
{
	for (; s->n <= i / 64; s->n++) {
		uint64_t before = s->word[s->n - 1];
		uint8_t bytes[8];

		for (unsigned b = 0; b < 8; b++)
			bytes[b] = (uint8_t)(before >> 8 * b);
		s->word[s->n] = murmur64a(bytes, sizeof bytes, SEED);
	}
	return s->word[i / 64] >> (i % 64) & 1;
}

/* furc_hash: a number below n. */
static uint32_t furc(uint64_t hash, uint32_t n)
{
	struct stream s;
	uint32_t level, bit;

	if (n <= 1)
		return 0;
	s.word[0] = hash;
	s.n = 1;
	level = 32 - (uint32_t)__builtin_clz(n - 1);
	bit = level;
	for (int try = 0; try < TRIES; try++) {
		uint32_t number = 1;

		while (!stream_bit(&s, bit)) {
			if (--level == 0)
				return 0;
			bit = level;
		}
		bit += SHIFT;
		for (uint32_t i = 1; i < level; i++, bit += SHIFT)
			number = number << 1 | stream_bit(&s, bit);
		if (number < n)
			return number;
	}
	return 0;
}

/* The table is the list of the nodes with weight: its position is the number. */
static int mcrouter_build(struct ring *r)
{
	uint32_t n = 0;

	if (r->live > NODES_MAX)
		return RING_ENODES;
	r->maglev.entry = malloc(r->live * sizeof *r->maglev.entry);
	if (!r->maglev.entry)
		return RING_ENOMEM;
	for (uint32_t i = 0; i < r->n; i++)
		if (r->nodes[i].weight)
			r->maglev.entry[n++] = i;
	r->maglev.size = n;
	return RING_OK;
}

/* Where the first "|#|" begins, or NULL. */
static const uint8_t *find_stop(const uint8_t *p, const uint8_t *end)
{
	static const char stop[3] = "|#|";

	for (; p < end && (p = memchr(p, '|', (size_t)(end - p))); p++)
		if (end - p >= (ptrdiff_t)sizeof stop && !memcmp(p, stop, sizeof stop))
			return p;
	return NULL;
}

/* What of a key counts: neither a routing prefix "/region/cluster/" nor what "|#|" cuts off. */
static struct ring_key routing_key(struct ring_key key)
{
	const uint8_t *p = key.p, *end = p + key.len, *stop;

	if (p < end && *p == '/') {
		const uint8_t *slash = p;

		for (int i = 0; i < 2 && slash; i++)
			slash = memchr(slash + 1, '/', (size_t)(end - slash - 1));
		if (slash)
			p = slash + 1;
	}
	stop = find_stop(p, end);
	return (struct ring_key){ p, (size_t)((stop ? stop : end) - p) };
}

static void mcrouter_hash(const struct ring *r, const struct ring_key *keys, size_t n, uint64_t *hash)
{
	(void)r;
	for (size_t i = 0; i < n; i++) {
		struct ring_key key = routing_key(keys[i]);

		hash[i] = murmur64a(key.p, key.len, SEED);
	}
}

static void mcrouter_owner(const struct ring *r, const uint64_t *hash, size_t n, uint32_t *owner)
{
	for (size_t i = 0; i < n; i++)
		owner[i] = r->maglev.entry[furc(hash[i], r->maglev.size)];
}

static void mcrouter_explain(const struct ring *r, uint64_t hash, struct ring_why *why)
{
	*why = (struct ring_why){
		.hash_bits = 64,
		.hash = hash,
		.has_slot = true,
		.slot = furc(hash, r->maglev.size),
		.slots = r->maglev.size,
		.text = "the place in the list that the hash's stream of bits leads to",
	};
	why->owner = r->maglev.entry[why->slot];
}

const struct ring_algo ring_algo_mcrouter = {
	.name = "mcrouter",
	.summary = "mcrouter's Ch3 (furc_hash): nodes by their place in the list",
	.takes = "at most 8388608 nodes, and no weights",
	.traits = RING_COMPAT | RING_LISTED | RING_UNWEIGHTED,
	.build = mcrouter_build,
	.release = maglev_algo_release,
	.hash = mcrouter_hash,
	.owner = mcrouter_owner,
	.explain = mcrouter_explain,
	.bytes = maglev_algo_bytes,
};
