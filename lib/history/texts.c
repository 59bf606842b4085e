/* texts: see texts.h */
#include "lib/history/texts.h"

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS_MIN = 256 };

_Static_assert(sizeof((struct texts){ 0 }.key) == crypto_shorthash_KEYBYTES, "the key of a hash");

void texts_init(struct texts *t, struct ledger *ledger)
{
	*t = (struct texts){ .ledger = ledger, .arena = { .ledger = ledger } };
	randombytes_buf(t->key, sizeof(t->key));
}

void texts_release(struct texts *t)
{
	arena_release(&t->arena);
	ledger_free(t->ledger, t->text, t->text_room * sizeof(*t->text));
	ledger_free(t->ledger, t->hash, t->hash_room * sizeof(*t->hash));
	ledger_free(t->ledger, t->slot, t->slots * sizeof(*t->slot));
}

static uint32_t hash_of(const struct texts *t, struct wire_text text)
{
	unsigned char out[crypto_shorthash_BYTES];
	uint32_t hash;

	crypto_shorthash(out, (const unsigned char *)text.p, text.len, t->key);
	memcpy(&hash, out, sizeof(hash));
	return hash;
}

static bool is(const struct texts *t, uint32_t number, uint32_t hash, struct wire_text text)
{
	const char *there = t->text[number - 1];

	return t->hash[number - 1] == hash && !strncmp(there, text.p, text.len) && !there[text.len];
}

/* Its slot, or the empty one where it belongs. */
static size_t slot_of(const struct texts *t, uint32_t hash, struct wire_text text)
{
	size_t i = hash & (t->slots - 1);

	while (t->slot[i] && !is(t, t->slot[i], hash, text))
		i = (i + 1) & (t->slots - 1);
	return i;
}

/* At most half of the slots are taken. */
static bool grow_slots(struct texts *t)
{
	size_t slots = t->slots ? 2 * t->slots : SLOTS_MIN;
	uint32_t *slot;

	if (2 * (size_t)t->count < t->slots)
		return true;
	slot = ledger_resize(t->ledger, NULL, 0, slots * sizeof(*slot));
	if (!slot)
		return false;
	memset(slot, 0, slots * sizeof(*slot));
	for (uint32_t n = 1; n <= t->count; n++) {
		size_t i = t->hash[n - 1] & (slots - 1);

		while (slot[i])
			i = (i + 1) & (slots - 1);
		slot[i] = n;
	}
	ledger_free(t->ledger, t->slot, t->slots * sizeof(*slot));
	t->slot = slot;
	t->slots = slots;
	return true;
}

static bool grow(struct texts *t)
{
	void *p;

	if (t->count == TEXTS_MAX || !grow_slots(t))
		return false;
	p = ledger_grow(t->ledger, t->text, &t->text_room, t->count, sizeof(*t->text));
	if (!p)
		return false;
	t->text = p;
	p = ledger_grow(t->ledger, t->hash, &t->hash_room, t->count, sizeof(*t->hash));
	if (!p)
		return false;
	t->hash = p;
	return true;
}

uint32_t texts_number(struct texts *t, struct wire_text text)
{
	uint32_t hash = hash_of(t, text);
	char *copy;
	size_t i;

	if (t->slots) {
		i = slot_of(t, hash, text);
		if (t->slot[i])
			return t->slot[i];
	}
	if (!grow(t))
		return 0;
	copy = arena_take(&t->arena, text.len + 1, 1);
	if (!copy)
		return 0;
	memcpy(copy, text.p, text.len);
	copy[text.len] = '\0';
	t->text[t->count] = copy;
	t->hash[t->count] = hash;
	i = slot_of(t, hash, text);
	return t->slot[i] = ++t->count;
}

uint32_t texts_find(const struct texts *t, struct wire_text text)
{
	return t->slots ? t->slot[slot_of(t, hash_of(t, text), text)] : 0;
}
