/*
 * jump: Lamping and Veach, "A Fast, Minimal Memory, Consistent Hash Algorithm"
 * (2014), on integers, with the owners of the published double arithmetic.
 *
 * The paper's loop is
 *
 *	b = j;  k = k * 2862933555777941757 + 1;
 *	j = (b + 1) * (double(1 << 31) / double((k >> 33) + 1));
 *
 * until j >= buckets.  With r = (k >> 33) + 1 the exact j is the quotient of
 * (b + 1) * 2^31 by r.  The two doubles are each off by at most one part in
 * 2^53, so below 2^28 buckets their j is another one only where the quotient is
 * within 2^-23 of an integer; there, and only there, the roundings are repeated.
 *
 * The paper removes only the last bucket.  Here any may go: it leaves a hole
 * (RING_NONE), and a key that jumps into a hole is drawn again, k' =
 * mix64(k + attempt * odd), until it meets a live bucket.  A key's draws do not
 * depend on which buckets are holes, and its owner is the first live one among
 * them.  So a new hole moves only the keys that stood on it; filling it calls
 * back exactly those that pass over it; and a bucket added at the end is jumped
 * to by draws that stay where they were otherwise (the paper's monotonicity).
 * Hence nothing ever moves between two buckets that stay: excess 0.
 *
 * For the same reason only a bucket that goes in this very change may be cut
 * off the end.  To cut an older hole would give its keys back to their shorter
 * jump, from the live bucket where a second draw had put them.  Such a hole
 * waits to be filled; a look-up takes buckets / live draws on the average.
 */
#include "lib/ring/hash.h"
#include "lib/ring/state.h"

#include <stdlib.h>

enum { IN_FLIGHT = 128 };               /* keys whose divisions overlap */

#define REDRAW UINT64_C(0xd1342543de82ef95)

/* 2^31 / r as a double: significand (53 bits) * 2^-*scale. */
static uint64_t divide_as_double(uint32_t r, unsigned *scale)
{
	uint64_t quotient = (UINT64_C(1) << 31) / r;
	uint64_t rest = (UINT64_C(1) << 31) % r;
	unsigned e = 0;

	for (; quotient < UINT64_C(1) << 52; e++) {
		rest <<= 1;
		quotient <<= 1;
		if (rest >= r) {
			rest -= r;
			quotient++;
		}
	}
	/* No tie: 2 * rest == r would make r a power of two, and these leave no rest. */
	if (2 * rest > r)
		quotient++;
	*scale = e;
	return quotient;
}

/* trunc((b + 1) * (2^31 / r)) with both roundings to 53 bits, nearest, ties to even. */
static uint64_t jump_as_double(uint64_t b, uint32_t r)
{
	unsigned scale, drop = 0;
	unsigned __int128 product = (unsigned __int128)divide_as_double(r, &scale) * (b + 1);
	unsigned __int128 kept, half;

	while (product >> drop >= UINT64_C(1) << 53)
		drop++;
	kept = product >> drop << drop;
	half = drop ? (unsigned __int128)1 << (drop - 1) : 1;
	if (product - kept > half || (product - kept == half && kept >> drop & 1))
		kept += 2 * half;
	return (uint64_t)(kept >> scale);
}

/* One jump on from bucket b; anything from 2^28 on only says that it is beyond. */
static inline uint64_t jump_from(uint64_t b, uint64_t k)
{
	uint64_t r = (k >> 33) + 1;
	uint64_t j = ((b + 1) << 31) / r;
	uint64_t rest = ((b + 1) << 31) - j * r;
	uint64_t near = r >> 22;

	/* rest <= near or r - rest <= near, as one comparison */
	if (__builtin_expect(rest - (near + 1) >= r - 2 * near - 1, 0))
		return jump_as_double(b, (uint32_t)r);
	return j;
}

/*
 * Every key in flight makes one jump a round; those that are beyond the end
 * fall out of the list without a branch, which could not be foretold.
 */
static void jump_batch(const uint64_t *key, uint32_t n, uint32_t buckets, uint32_t *bucket)
{
	struct { uint64_t k; uint32_t b, at; } lane[IN_FLIGHT];
	uint32_t flying;

	for (uint32_t i = 0; i < n; i++) {
		lane[i].k = key[i];
		lane[i].b = 0;
		lane[i].at = i;
	}
	while (n > 0) {
		flying = 0;
		for (uint32_t i = 0; i < n; i++) {
			uint64_t k = lane[i].k * UINT64_C(2862933555777941757) + 1;
			uint32_t b = lane[i].b, at = lane[i].at;
			uint64_t j = jump_from(b, k);

			bucket[at] = b;
			lane[flying].k = k;
			lane[flying].b = (uint32_t)j;
			lane[flying].at = at;
			flying += j < buckets;
		}
		n = flying;
	}
}

/* Owners of up to IN_FLIGHT hashes; bucket[i] is where key i came to rest. */
static void jump_some(const struct ring_state *s, const uint64_t *hash, uint32_t n,
		      uint32_t *bucket, uint32_t *owner)
{
	uint64_t key[IN_FLIGHT];
	uint32_t at[IN_FLIGHT], drawn[IN_FLIGHT], holes = 0;

	jump_batch(hash, n, s->buckets, bucket);
	for (uint32_t i = 0; i < n; i++) {
		owner[i] = s->bucket[bucket[i]];
		at[holes] = i;
		holes += owner[i] == RING_NONE;
	}
	for (uint64_t attempt = 1; holes > 0; attempt++) {
		uint32_t left = 0;

		for (uint32_t i = 0; i < holes; i++)
			key[i] = mix64(hash[at[i]] + attempt * REDRAW);
		jump_batch(key, holes, s->buckets, drawn);
		for (uint32_t i = 0; i < holes; i++) {
			uint32_t who = at[i];

			bucket[who] = drawn[i];
			owner[who] = s->bucket[drawn[i]];
			at[left] = who;
			left += owner[who] == RING_NONE;
		}
		holes = left;
	}
}

static int jump_build(struct ring *r)
{
	const struct ring_state *s = r->state;

	for (uint32_t b = 0; b < s->buckets; b++)
		if (s->bucket[b] != RING_NONE)
			return RING_OK;
	return RING_EDRAINED;
}

static void jump_release(struct ring *r)
{
	(void)r;        /* the numbering is the caller's */
}

static void jump_owner(const struct ring *r, const uint64_t *hash, size_t n, uint32_t *owner)
{
	uint32_t bucket[IN_FLIGHT];

	for (size_t i = 0; i < n; i += IN_FLIGHT) {
		uint32_t some = n - i < IN_FLIGHT ? (uint32_t)(n - i) : IN_FLIGHT;

		jump_some(r->state, hash + i, some, bucket, owner + i);
	}
}

static void jump_explain(const struct ring *r, uint64_t hash, struct ring_why *why)
{
	uint32_t first;

	why->hash_bits = 64;
	why->hash = hash;
	why->has_slot = true;
	why->slots = r->state->buckets;
	jump_batch(&hash, 1, why->slots, &first);
	jump_some(r->state, &hash, 1, &why->slot, &why->owner);
	why->text = first == why->slot
		? "the last bucket the hash jumps to before the end"
		: "the bucket the hash jumps to is a hole, so it was drawn again until one was not";
}

static size_t jump_bytes(const struct ring *r)
{
	return (size_t)r->state->buckets * sizeof(uint32_t);
}

/* A new bucket goes into the lowest hole, where there is one: a hole costs every look-up. */
static void jump_fill(struct ring_state *s, const struct renumber *to, const int32_t *need)
{
	uint32_t hole = 0;

	for (uint32_t node = 0; node < to->n; node++) {
		for (int32_t i = 0; i < need[node]; i++) {
			while (hole < s->buckets && s->bucket[hole] != RING_NONE)
				hole++;
			s->bucket[hole] = node;
			if (hole == s->buckets)
				s->buckets++;
		}
	}
}

int jump_renumber(struct ring_state *s, const struct renumber *to)
{
	uint64_t wants = state_wants(to);
	uint64_t room = wants > s->buckets ? wants : s->buckets;
	int32_t *need;
	uint32_t *bucket;

	if (wants > RING_BUCKETS_MAX)
		return RING_ETOOBIG;
	bucket = realloc(s->bucket, (room + 1) * sizeof(*bucket));
	if (!bucket)
		return RING_ENOMEM;
	s->bucket = bucket;
	need = state_needs(s, to);
	if (!need)
		return RING_ENOMEM;
	for (uint32_t b = s->buckets; b-- > 0;) {
		if (s->bucket[b] == RING_NONE)
			continue;
		s->bucket[b] = state_heir(s, to, need, b);
		if (s->bucket[b] == RING_NONE && b + 1 == s->buckets)
			s->buckets = b;
	}
	/* With no live bucket no key has an owner that it could keep. */
	if (wants == 0)
		s->buckets = 0;
	jump_fill(s, to, need);
	free(need);
	return RING_OK;
}

const struct ring_algo ring_algo_jump = {
	.name = "jump",
	.summary = "jump consistent hash over numbered buckets: four bytes a bucket",
	.traits = RING_NUMBERED,
	.build = jump_build,
	.release = jump_release,
	.owner = jump_owner,
	.explain = jump_explain,
	.bytes = jump_bytes,
};
