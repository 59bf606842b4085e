/*
 * record: inside the kv module, a key with its value, in one piece of memory.
 */
#ifndef KV_RECORD_H
#define KV_RECORD_H

#include "lib/wire/wire.h"

struct record {
	uint64_t index;         /* of the command that last changed it */
	uint32_t key_len, value_len;
	uint32_t room;          /* for the value */
	char text[];            /* the key in canonical form, then the value as it came */
};

static inline struct wire_text record_key(const struct record *r)
{
	return (struct wire_text){ .p = r->text, .len = r->key_len };
}

static inline struct wire_text record_value(const struct record *r)
{
	return (struct wire_text){ .p = r->text + r->key_len, .len = r->value_len };
}

#endif
