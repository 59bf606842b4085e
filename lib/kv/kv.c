/* kv: see kv.h and state.h */
#include "lib/kv/state.h"
#include "lib/base/err.h"

#include <assert.h>
#include <stdlib.h>

struct kv *kv_new(uint64_t seed)
{
	struct kv *kv = must_calloc(1, sizeof(*kv));

	records_init(&kv->records, seed);
	sessions_init(&kv->sessions);
	return kv;
}

void kv_free(struct kv *kv)
{
	if (!kv)
		return;
	snapshot_release(&kv->snapshot);
	sessions_release(&kv->sessions);
	records_release(&kv->records);
	free(kv);
}

void kv_on_change(struct kv *kv, kv_changed *changed, void *ctx)
{
	kv->changed = changed;
	kv->ctx = ctx;
}

/* --- Changes --- */

void state_put(struct kv *kv, uint64_t index, const struct key *key, struct record *r, struct value value)
{
	struct wire_text now;

	if (r && kv->snapshot.on)
		snapshot_before_record(kv, r);
	r = records_put(&kv->records, key, r, value, index);
	if (!kv->changed)
		return;
	now = record_value(r);
	kv->changed(kv->ctx, index, key->text.p, key->text.len, now.p, now.len);
}

void state_delete(struct kv *kv, uint64_t index, const struct key *key, struct record *r)
{
	if (kv->snapshot.on)
		snapshot_before_record(kv, r);
	records_take(&kv->records, key, r);
	if (kv->changed)
		kv->changed(kv->ctx, index, key->text.p, key->text.len, NULL, 0);
	free(r);
}

/* --- Figures --- */

uint64_t kv_keys(const struct kv *kv)
{
	return kv->records.count;
}

uint64_t kv_bytes(const struct kv *kv)
{
	return kv->records.bytes;
}

uint64_t kv_sessions(const struct kv *kv)
{
	return kv->sessions.count;
}

/* The hash of the text that follows what `so_far` is the hash of. */
static uint64_t fold(uint64_t so_far, uint64_t number, struct wire_text text)
{
	uint64_t words[2] = { so_far, number };
	uint8_t seed[crypto_shorthash_KEYBYTES];

	memcpy(seed, words, sizeof(seed));
	return records_hash(seed, text.p, text.len);
}

static uint64_t session_fingerprint(const struct session *s)
{
	uint64_t hash = fold(s->last, s->seq, (struct wire_text){ .p = s->id, .len = s->id_len });

	for (uint64_t i = 0; i < session_answers(s); i++)
		hash = fold(hash, i, session_answer(s, i));
	return hash;
}

/* A sum, so that no order matters. */
uint64_t kv_fingerprint(const struct kv *kv)
{
	struct tree_walk walk;
	const struct record *r;
	uint64_t sum = 0;

	tree_seek(&walk, &kv->records.tree, (struct wire_text){ 0 }, false);
	while ((r = tree_next(&walk)))
		sum += fold(fold(0, r->index, record_key(r)), 1, record_value(r));
	for (const struct session *s = kv->sessions.oldest; s; s = s->newer)
		sum += session_fingerprint(s);
	return sum;
}
