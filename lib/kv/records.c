/*
 * A value that fits is written over the one before.  One that does not moves its record to memory with a
 * quarter more than it needs, so that values which grow do not move every time; one that leaves more than
 * half of the room empty moves it, too.
 *
 * Invariant: a record is in the table and in the tree, or in neither.
 */
#include "lib/kv/records.h"
#include "lib/base/err.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { SPARE_BYTES = 128 };     /* never too many to be left empty */

void records_init(struct records *records, uint64_t seed)
{
	uint64_t words[2] = { seed, seed ^ UINT64_C(0x9e3779b97f4a7c15) };

	_Static_assert(sizeof(words) == sizeof(records->seed), "two words");
	memcpy(records->seed, words, sizeof(words));
	table_init(&records->table);
	tree_init(&records->tree);
	records->count = records->bytes = 0;
}

void records_release(struct records *records)
{
	struct tree_walk walk;
	struct record *r;

	tree_seek(&walk, &records->tree, (struct wire_text){ 0 }, false);
	while ((r = tree_next(&walk)))
		free(r);
	tree_release(&records->tree);
	table_release(&records->table);
}

static struct record *record_new(struct wire_text key, size_t room)
{
	/* What malloc would round up to is used. */
	size_t bytes = (offsetof(struct record, text) + key.len + room + 8 + 15) / 16 * 16 - 8;
	struct record *r = must_malloc(bytes < sizeof(*r) ? sizeof(*r) : bytes);

	room = bytes - offsetof(struct record, text) - key.len;
	assert(key.len <= UINT32_MAX && room <= UINT32_MAX);
	r->key_len = (uint32_t)key.len;
	r->room = (uint32_t)room;
	r->value_len = 0;
	memcpy(r->text, key.p, key.len);
	return r;
}

static void record_set(struct record *r, struct value value, uint64_t index)
{
	char *p = r->text + r->key_len;

	if (value.head.p != p)
		memmove(p, value.head.p, value.head.len);
	if (value.tail.len)
		memcpy(p + value.head.len, value.tail.p, value.tail.len);
	r->value_len = (uint32_t)(value.head.len + value.tail.len);
	r->index = index;
}

struct record *records_put(struct records *records, const struct key *key, struct record *r, struct value value,
			   uint64_t index)
{
	size_t len = value.head.len + value.tail.len;
	struct record *old = r;

	if (r && len <= r->room && r->room <= 2 * len + SPARE_BYTES) {
		records->bytes = records->bytes - r->value_len + len;
		record_set(r, value, index);
		return r;
	}
	r = record_new(key->text, old ? len + len / 4 : len);
	record_set(r, value, index);
	if (old) {
		records->bytes = records->bytes - old->value_len + len;
		table_replace(&records->table, key->hash, old, r);
		tree_replace(&records->tree, key->text, r);
		free(old);
		return r;
	}
	records->bytes += r->key_len + len;
	records->count++;
	table_add(&records->table, key->hash, r);
	tree_add(&records->tree, r);
	return r;
}

void records_take(struct records *records, const struct key *key, struct record *r)
{
	table_remove(&records->table, key->hash, r);
	tree_remove(&records->tree, key->text);
	records->bytes -= r->key_len + r->value_len;
	records->count--;
}
