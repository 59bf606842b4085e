/*
 * history: its memory, its texts, and what is asked of it when it has ended.  The lines are taken by line.c and txn.c, and put
 * in order by sort.c.
 *
 * Invariant: until the end all operations are records in the order of calls, which is the order of their lines.
 */
#include "lib/history/inside.h"
#include "lib/json/scan.h"
#include "lib/kv/canon.h"

#include <assert.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { SCRATCH_KEEP_BYTES = 1 << 16 };

struct history *history_new(size_t memory_max)
{
	static const char *const names[] = { "process", "type", "f", "key", "value", "code", "error", "create_if_not_exists",
					     NULL };
	struct history *h;

	if ((memory_max && memory_max < sizeof(*h)) || sodium_init() < 0)
		return NULL;
	h = calloc(1, sizeof(*h));
	if (!h)
		return NULL;
	h->ledger = (struct ledger){ .used = sizeof(*h), .max = memory_max };
	h->names = wire_names_new(names);
	texts_init(&h->keys, &h->ledger);
	texts_init(&h->values, &h->ledger);
	texts_init(&h->processes, &h->ledger);
	h->arena.ledger = &h->ledger;
	return h;
}

void history_free_pieces(struct history *h)
{
	for (size_t i = 0; i < h->pieces; i++)
		ledger_free(&h->ledger, h->piece[i], sizeof(*h->piece[i]));
	ledger_free(&h->ledger, h->piece, h->piece_room * sizeof(struct record_piece *));
	ledger_free(&h->ledger, h->process, h->process_room * sizeof(*h->process));
	h->piece = NULL;
	h->process = NULL;
	h->pieces = h->piece_room = h->process_room = 0;
}

void history_free(struct history *h)
{
	if (!h)
		return;
	history_free_pieces(h);
	wire_names_free(h->names);
	buf_release(&h->scratch);
	texts_release(&h->keys);
	texts_release(&h->values);
	texts_release(&h->processes);
	arena_release(&h->arena);
	free(h->key);
	free(h->list);
	free(h->txn);
	free(h->op);
	free(h->op_process);
	free(h->first);
	free(h->all);
	free(h);
}

int history_refuse(struct history *h, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(h->problem, HISTORY_PROBLEM_BYTES, fmt, args);
	va_end(args);
	return -1;
}

/* --- Texts --- */

struct wire_text history_canonical(struct history *h, struct wire_text json)
{
	buf_clear(&h->scratch, SCRATCH_KEEP_BYTES);
	return canon(json, &h->scratch);
}

int history_any_number(struct history *h, struct wire_text json, uint32_t *number)
{
	*number = texts_number(&h->values, history_canonical(h, json));
	return *number ? 0 : -2;
}

int history_value_number(struct history *h, struct wire_text json, uint32_t *number)
{
	*number = LIN_MISSING;
	return *json.p == 'n' ? 0 : history_any_number(h, json, number);
}

int history_key_number(struct history *h, const struct wire_value *key, uint32_t *number)
{
	static const struct wire_text nameless = { .p = "null", .len = 4 };
	uint32_t before = h->keys.count, n = texts_number(&h->keys, key->kind ? history_canonical(h, key->json) : nameless);
	void *p;

	if (!n)
		return -2;
	*number = n - 1;
	if (h->keys.count == before)
		return 0;
	p = ledger_grow(&h->ledger, h->key, &h->key_room, before, sizeof(*h->key));
	if (!p)
		return -2;
	h->key = p;
	h->key[n - 1] = (struct key_state){ .kept = 0 };
	return 0;
}

/* --- What a key holds --- */

enum { SHOWN_BYTES = 40 };              /* of a key or a value, in a message */

static int refuse_mixed(struct history *h, uint32_t key)
{
	return history_refuse(h, "key %.*s is appended to, and written or deleted, too: a key holds either a list or a register",
			      SHOWN_BYTES, texts_text(&h->keys, key + 1));
}

int history_note_written(struct history *h, uint32_t key)
{
	h->key[key].written = true;
	return h->key[key].appended ? refuse_mixed(h, key) : 0;
}

int history_note_appended(struct history *h, uint32_t key)
{
	struct key_state *k = &h->key[key];

	k->appended = true;
	if (k->written)
		return refuse_mixed(h, key);
	if (k->no_list_line)
		return history_refuse(h, "key %.*s is appended to, but line %ju read no list of it", SHOWN_BYTES,
				      texts_text(&h->keys, key + 1), (uintmax_t)k->no_list_line);
	return 0;
}

int history_note_read(struct history *h, uint32_t key, struct wire_text value)
{
	struct key_state *k = &h->key[key];

	if (*value.p == '[' || *value.p == 'n')
		return 0;
	if (k->appended)
		return history_refuse(h, "key %.*s is appended to, but no list was read of it", SHOWN_BYTES,
				      texts_text(&h->keys, key + 1));
	if (!k->no_list_line)
		k->no_list_line = h->line;
	return 0;
}

/* --- Questions --- */

bool history_has_transactions(const struct history *h)
{
	return h->txns > 0;
}

size_t history_keys(const struct history *h)
{
	return h->keys.count;
}

const char *history_key(const struct history *h, uint32_t key)
{
	return texts_text(&h->keys, key + 1);
}

const char *history_value(const struct history *h, uint32_t value)
{
	return value == LIN_MISSING ? "null" : texts_text(&h->values, value);
}

bool history_find_key(const struct history *h, const char *json, size_t len, uint32_t *key)
{
	struct buf scratch = { 0 };
	uint32_t n = texts_find(&h->keys, canon((struct wire_text){ .p = json, .len = len }, &scratch));

	buf_release(&scratch);
	*key = n - 1;
	return n > 0;
}

const struct lin_op *history_ops(const struct history *h, uint32_t key, uint32_t *count)
{
	assert(h->ended && key < h->keys.count);
	*count = h->txns ? 0 : h->first[key + 1] - h->first[key];
	return h->txns ? NULL : h->op + h->first[key];
}

const struct serial_txn *history_transactions(const struct history *h, uint32_t *count)
{
	assert(h->ended);
	*count = h->txns ? (uint32_t)h->counts.kept : 0;
	return h->all;
}

const char *history_process(const struct history *h, const struct lin_op *op)
{
	return texts_text(&h->processes, h->op_process[op - h->op]);
}

const char *history_transaction_process(const struct history *h, uint32_t transaction)
{
	return texts_text(&h->processes, h->op_process[transaction]);
}

struct history_counts history_counts(const struct history *h)
{
	return h->counts;
}

size_t history_bytes(const struct history *h)
{
	return h->ledger.used;
}
