/*
 * names: inside the json module, the members' names of all open objects of a line,
 * and the rule that no name is in one object twice, however it is escaped.
 *
 * They are a stack: an object's names begin where those around it end, and go when
 * it closes.  A name is hashed from its first and last 8 bytes and its length.  64 bits
 * an object say "surely new" of most names; else the object's names are compared.
 *
 * Invariant: the first NAMES_NEAR names of an open object differ.  An object of more
 * is sorted when it closes, so that no line costs a time quadratic in its length.
 */
#ifndef JSON_NAMES_H
#define JSON_NAMES_H

#include "lib/json/block.h"
#include "lib/json/text.h"

enum { NAMES_NEAR = 128 };

struct name {
	const char *p;          /* after the opening quote; the line's */
	size_t len;             /* as it stands */
	uint32_t hash;          /* of the decoded name */
	bool escaped;
};

/* An open object, as its names need it; the caller keeps it while it is open. */
struct names_object {
	uint64_t bloom;         /* a bit a name */
	size_t count;           /* its names: the last of the stack, while no object within it is open */
};

struct names {
	struct name *at, *next, *end;   /* the names are at .. next, with room up to the end */
	const char *error;              /* one clause, after a refusal; a constant */
	bool no_memory;                 /* the refusal was for want of it */
	struct name near[NAMES_NEAR];   /* `at` while there is room */
};

static inline void names_init(struct names *names)
{
	names->at = names->next = names->near;
	names->end = names->near + NAMES_NEAR;
	names->no_memory = false;
}

void names_free_far(struct names *);

static inline void names_release(struct names *names)
{
	if (UNLIKELY(names->at != names->near))
		names_free_far(names);
}

/* --- One name --- */

static inline uint32_t name_mix(uint64_t first, uint64_t last, size_t len)
{
	uint64_t x = (first ^ len) * UINT64_C(0x9e3779b97f4a7c15);

	x ^= last * UINT64_C(0xc2b2ae3d27d4eb4f);
	return (uint32_t)(x >> 32);     /* all bytes reach the upper half of a product, not the lower */
}

/* Of a name without escapes; bytes up to `end` can be read. */
static inline uint32_t name_hash(const char *p, size_t len, const char *end)
{
	uint64_t first = 0;

	if (len >= 8)
		return name_mix(load64(p), load64(p + len - 8), len);
	if (LIKELY(end - p >= 8))
		return name_mix(load64(p) & ((UINT64_C(1) << 8 * len) - 1), 0, len);
	for (size_t i = 0; i < len; i++)
		first |= (uint64_t)(unsigned char)p[i] << 8 * i;
	return name_mix(first, 0, len);
}

/* What name_hash gives for the decoded name. */
uint32_t name_hash_escaped(const char *p, size_t len, bool *has_nul);

int name_compare_decoded(const struct name *, const struct name *);

/* As memcmp of the decoded names, the shorter first. */
static inline int name_compare(const struct name *a, const struct name *b)
{
	int c;

	if (UNLIKELY(a->escaped | b->escaped))
		return name_compare_decoded(a, b);
	c = memcmp(a->p, b->p, a->len < b->len ? a->len : b->len);
	return c ? c : (a->len > b->len) - (a->len < b->len);
}

/* --- The stack --- */

static inline void names_open(struct names_object *object)
{
	object->bloom = 0;
	object->count = 0;
}

bool names_grow(struct names *);
bool names_newest_is_new(struct names *, const struct names_object *);

/*
 * Adds the name at p to the object, the innermost; bytes up to `end` can be read.  Returns it
 * (the next one may move it), or NULL where it may not stand there, or memory ran out.
 */
static inline const struct name *names_add(struct names *names, struct names_object *object,
					   const char *p, size_t len, bool escaped, const char *end)
{
	struct name *name;
	bool has_nul = false;
	uint32_t hash = UNLIKELY(escaped) ? name_hash_escaped(p, len, &has_nul) : name_hash(p, len, end);
	uint64_t bit = UINT64_C(1) << (hash >> 26);

	if (UNLIKELY(has_nul)) {
		names->error = "a NUL in a member's name";
		return NULL;
	}
	if (UNLIKELY(names->next == names->end) && !names_grow(names))
		return NULL;
	name = names->next++;
	object->count++;
	*name = (struct name){ .p = p, .len = len, .hash = hash, .escaped = escaped };
	if (UNLIKELY(object->bloom & bit) && !names_newest_is_new(names, object))
		return NULL;
	object->bloom |= bit;
	return name;
}

/* Sorts the last `count` names: one that is there twice, its second place, or NULL. */
const struct name *names_twice(struct names *, size_t count);

/* Forgets the names of the object, the innermost.  NULL, or one that was there twice. */
static inline const struct name *names_close(struct names *names, const struct names_object *object)
{
	const struct name *twice = NULL;

	if (UNLIKELY(object->count > NAMES_NEAR))
		twice = names_twice(names, object->count);
	names->next -= object->count;
	return twice;
}

#endif
