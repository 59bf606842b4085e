/*
 * The rarer half of names.h: names with escapes, which are compared as they
 * decode, and what the bits of an object do not settle.
 *
 * Invariant: equal names have equal hashes, escaped or not.
 */
#include "lib/json/names.h"

#include <stdlib.h>

static const char there_twice[] = "a member's name is there twice";

uint32_t name_hash_escaped(const char *p, size_t len, bool *has_nul)
{
	struct json_text t = { .p = p, .end = p + len, .escaped = true };
	uint64_t first = 0, last = 0;
	size_t n = 0;
	int c;

	while ((c = json_text_next(&t)) >= 0) {
		*has_nul |= !c;
		if (n < 8)
			first |= (uint64_t)c << 8 * n;
		last = last >> 8 | (uint64_t)c << 56;
		n++;
	}
	return name_mix(first, n < 8 ? 0 : last, n);
}

int name_compare_decoded(const struct name *a, const struct name *b)
{
	struct json_text x = { .p = a->p, .end = a->p + a->len, .escaped = a->escaped };
	struct json_text y = { .p = b->p, .end = b->p + b->len, .escaped = b->escaped };
	int c, d;

	do {
		c = json_text_next(&x);
		d = json_text_next(&y);
	} while (c == d && c >= 0);
	return c - d;
}

static inline bool is_same(const struct name *a, const struct name *b)
{
	return a->hash == b->hash && !name_compare(a, b);
}

/* An object that will be sorted finds its doubles then: until it is, the newest name counts as new. */
bool names_newest_is_new(struct names *names, const struct names_object *object)
{
	const struct name *newest = names->next - 1, *old = names->next - object->count;

	if (object->count > NAMES_NEAR)
		return true;
	while (old != newest && !is_same(old, newest))
		old++;
	if (old == newest)
		return true;
	names->error = there_twice;
	return false;
}

/* Equal names become neighbours, in the order of the line. */
static int name_order(const void *va, const void *vb)
{
	const struct name *a = va, *b = vb;
	int c;

	if (a->hash != b->hash)
		return a->hash < b->hash ? -1 : 1;
	c = name_compare(a, b);
	return c ? c : (a->p > b->p) - (a->p < b->p);
}

const struct name *names_twice(struct names *names, size_t count)
{
	struct name *name = names->next - count;

	qsort(name, count, sizeof(*name), name_order);
	for (size_t i = 1; i < count; i++) {
		if (is_same(&name[i - 1], &name[i])) {
			names->error = there_twice;
			return &name[i];
		}
	}
	return NULL;
}

bool names_grow(struct names *names)
{
	size_t count = (size_t)(names->next - names->at);
	struct name *at = malloc(2 * count * sizeof(*at));

	if (!at) {
		names->error = "out of memory";
		names->no_memory = true;
		return false;
	}
	memcpy(at, names->at, count * sizeof(*at));
	names_release(names);
	names->at = at;
	names->next = at + count;
	names->end = at + 2 * count;
	return true;
}

void names_free_far(struct names *names)
{
	free(names->at);
}
