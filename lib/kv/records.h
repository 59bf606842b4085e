/*
 * records: inside the kv module, all of them, found by their key (table) and read in order (tree).
 */
#ifndef KV_RECORDS_H
#define KV_RECORDS_H

#include "lib/kv/canon.h"
#include "lib/kv/record.h"
#include "lib/kv/table.h"
#include "lib/kv/tree.h"

#include <sodium.h>

_Static_assert(sizeof(uint64_t) == crypto_shorthash_BYTES, "a hash is one word");

struct records {
	uint8_t seed[crypto_shorthash_KEYBYTES];
	struct table table;
	struct tree tree;
	uint64_t count, bytes;          /* bytes: of keys and values */
};

void records_init(struct records *, uint64_t seed);
void records_release(struct records *);

/* A key in canonical form, a slice of the caller's, and its hash. */
struct key {
	struct wire_text text;
	uint64_t hash;
};

/* SipHash-2-4 */
static inline uint64_t records_hash(const uint8_t seed[crypto_shorthash_KEYBYTES], const void *p, size_t len)
{
	uint64_t hash;

	crypto_shorthash((uint8_t *)&hash, p, len, seed);
	return hash;
}

static inline struct key key_make(const struct records *records, struct wire_text canonical)
{
	return (struct key){ .text = canonical, .hash = records_hash(records->seed, canonical.p, canonical.len) };
}

static inline bool records_same(const void *record, const void *key)
{
	const struct wire_text *text = key;
	const struct record *r = record;

	return r->key_len == text->len && !memcmp(r->text, text->p, text->len);
}

/* The record, or NULL. */
static inline struct record *records_find(const struct records *records, const struct key *key)
{
	return table_find(&records->table, key->hash, records_same, &key->text);
}

/*
 * A value in two pieces, so that a list which is appended to is not copied: `head` may be part of the record's
 * own value.
 */
struct value {
	struct wire_text head, tail;    /* tail.p may be NULL */
};

/* Stores the value; r is what records_find gave.  Returns the record, which may have moved. */
struct record *records_put(struct records *, const struct key *, struct record *r, struct value, uint64_t index);

/* Takes the record out; the caller frees it. */
void records_take(struct records *, const struct key *, struct record *r);

#endif
