/*
 * configs: sets of configurations, of which none covers another.
 *
 * Where one covers another they are equal in their state and in which swaps and deletes happened: that picks the bucket, so
 * only those in it are looked at.
 */
#include "lib/lin/inside.h"

#include <assert.h>
#include <string.h>

enum { BUCKETS_LEAST = 16 };

void lin_configs_init(struct lin_configs *set, const struct lin_shape *shape, struct lin_memory *memory)
{
	*set = (struct lin_configs){ .shape = shape, .memory = memory };
}

void lin_configs_release(struct lin_configs *set)
{
	if (!set->memory)
		return;
	lin_memory_free(set->memory, set->at, set->room, set->shape->stride * sizeof(*set->at));
	lin_memory_free(set->memory, set->next, set->next_room, sizeof(*set->next));
	lin_memory_free(set->memory, set->bucket, set->buckets_room, sizeof(*set->bucket));
	*set = (struct lin_configs){ 0 };
}

/* Few buckets are used where few were of late: each return empties them. */
void lin_configs_clear(struct lin_configs *set)
{
	while (set->buckets > BUCKETS_LEAST && set->buckets > 4 * set->count)
		set->buckets /= 2;
	if (set->buckets)
		memset(set->bucket, 0, set->buckets * sizeof(*set->bucket));
	set->count = set->live = 0;
}

static uint32_t bucket_of(const struct lin_configs *set, const uint64_t *config)
{
	const struct lin_shape *s = set->shape;
	const uint64_t *used = config + 1 + s->words;
	uint64_t hash = lin_state_of(config) + 1;

	hash *= UINT64_C(0x9e3779b97f4a7c15);
	for (uint32_t w = 0; w < s->words; w++) {
		hash ^= (used[w] & s->hard[w]) + (hash >> 31);
		hash *= UINT64_C(0xbf58476d1ce4e5b9);
	}
	return (uint32_t)(hash >> 32) & (set->buckets - 1);
}

static void link(struct lin_configs *set, uint32_t i)
{
	uint32_t b = bucket_of(set, lin_config(set, i));

	set->next[i] = set->bucket[b];
	set->bucket[b] = i + 1;
}

static bool enlarge_buckets(struct lin_configs *set)
{
	uint32_t buckets = set->buckets ? 2 * set->buckets : BUCKETS_LEAST;
	uint32_t *bucket;

	if (buckets > set->buckets_room) {
		bucket = lin_memory_array(set->memory, set->bucket, set->buckets_room, buckets, sizeof(*bucket));
		if (!bucket)
			return false;
		set->bucket = bucket;
		set->buckets_room = buckets;
	}
	set->buckets = buckets;
	memset(set->bucket, 0, buckets * sizeof(*bucket));
	for (uint32_t i = 0; i < set->count; i++)
		if (lin_state_of(lin_config(set, i)) != LIN_GONE)
			link(set, i);
	return true;
}

static bool make_room(struct lin_configs *set)
{
	size_t each = set->shape->stride * sizeof(*set->at);

	if (set->count == set->room && !lin_memory_more(set->memory, &set->at, &set->room, each))
		return false;
	if (set->count == set->next_room &&
	    !lin_memory_more(set->memory, &set->next, &set->next_room, sizeof(*set->next)))
		return false;
	return set->live < set->buckets || enlarge_buckets(set);
}

/* a covers b, but for the state. */
static bool covers(const struct lin_shape *s, const uint64_t *a, const uint64_t *b)
{
	uint64_t unsettled = 0, more = 0;

	for (uint32_t w = 1; w <= s->words; w++) {
		unsettled |= b[w] & ~a[w];
		more |= a[w + s->words] & ~b[w + s->words];
	}
	if (unsettled || (more && !s->pool_words))
		return false;
	return !s->pool_words || lin_pools_cover(s, a, b, more);
}

enum lin_added lin_configs_add(struct lin_configs *set, const uint64_t *config, uint64_t *steps)
{
	uint32_t *link_to;
	uint64_t looks = 0;

	if (!make_room(set))
		return LIN_ADD_FAILED;
	link_to = &set->bucket[bucket_of(set, config)];
	while (*link_to) {
		uint64_t *other = lin_config(set, *link_to - 1);

		looks++;
		if (lin_state_of(other) == lin_state_of(config)) {
			if (covers(set->shape, other, config))
				break;
			if (covers(set->shape, config, other)) {
				other[0] |= LIN_GONE;
				set->live--;
				*link_to = set->next[*link_to - 1];
				continue;
			}
		}
		link_to = &set->next[*link_to - 1];
	}
	looks /= 8;
	lin_spend(steps, looks);
	if (*link_to)
		return LIN_COVERED;
	memcpy(lin_config(set, set->count), config, set->shape->stride * sizeof(*config));
	set->next[set->count] = 0;
	*link_to = ++set->count;
	set->live++;
	return LIN_ADDED;
}
