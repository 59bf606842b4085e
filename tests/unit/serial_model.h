/*
 * serial_model: small histories, what is true of them by trying every order, and whether a certificate holds.
 *
 * Nothing here knows how the checker works: a store is run, and that is all.
 */
#ifndef TESTS_UNIT_SERIAL_MODEL_H
#define TESTS_UNIT_SERIAL_MODEL_H

#include "lib/serial/serial.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MODEL_TXNS = 8, MODEL_MICROS = 6, MODEL_KEYS = 4, MODEL_LIST = 48 };

struct model {
	struct serial_txn txn[MODEL_TXNS];
	struct serial_micro micro[MODEL_TXNS][MODEL_MICROS];
	uint32_t list[MODEL_TXNS][MODEL_MICROS][MODEL_LIST];
	uint32_t count;
};

struct store {
	uint32_t value[MODEL_KEYS];
	uint32_t list[MODEL_KEYS][MODEL_LIST], length[MODEL_KEYS];
};

/* Those that are looked at: all, or the members of a contradiction. */
static inline bool model_has(uint32_t set, uint32_t txn)
{
	return set >> txn & 1;
}

static inline bool model_fits(const struct serial_micro *m, uint32_t value)
{
	if (m->kind == SERIAL_READ_OTHER)
		return value != m->value && value != SERIAL_MISSING;
	return value == m->value || (m->kind == SERIAL_READ_OR_MISSING && value == SERIAL_MISSING);
}

static inline uint64_t model_end(const struct serial_txn *t)
{
	return t->certain ? t->returned : SERIAL_NEVER;
}

/* Does the transaction leave its key so that m fits; or has it been so in its midst? */
static inline bool model_leaves(const struct serial_txn *t, const struct serial_micro *m, bool *midst)
{
	bool fits = false;

	*midst = false;
	for (const struct serial_micro *w = t->micro; w < t->micro + t->count; w++) {
		if (w->kind != SERIAL_WRITE || w->key != m->key)
			continue;
		*midst |= fits && m->kind == SERIAL_READ && w->value != m->value;
		fits = model_fits(m, w->value);
	}
	return fits;
}

/* Did one of the set surely overwrite what t wrote before the reader came? */
static inline bool model_overwritten(const struct model *h, uint32_t set, const struct serial_txn *t, uint32_t key, uint32_t reader)
{
	for (uint32_t i = 0; i < h->count; i++)
		for (const struct serial_micro *w = h->txn[i].micro; w < h->txn[i].micro + h->txn[i].count; w++)
			if (model_has(set, i) && w->kind == SERIAL_WRITE && w->key == key && model_end(t) < h->txn[i].called &&
			    model_end(&h->txn[i]) < h->txn[reader].called)
				return true;
	return false;
}

/* Did somebody outside of the set perhaps write what was read?  What was written over at once is seen if nobody left it. */
static inline bool model_free(const struct model *h, uint32_t set, const struct serial_micro *m, uint32_t reader)
{
	bool left = false, seen = false;

	for (uint32_t t = 0; t < h->count; t++) {
		bool midst, leaves = model_leaves(&h->txn[t], m, &midst);

		left |= leaves && t != reader;
		seen |= midst && !model_has(set, t);
		if (!model_has(set, t) && leaves && h->txn[t].called < model_end(&h->txn[reader]) &&
		    !model_overwritten(h, set, &h->txn[t], m->key, reader))
			return true;
	}
	return seen && !left;
}

static inline bool model_wrote(const struct model *h, uint32_t set, uint32_t key, uint32_t value)
{
	for (uint32_t t = 0; t < h->count; t++)
		for (const struct serial_micro *w = h->txn[t].micro; w < h->txn[t].micro + h->txn[t].count; w++)
			if (model_has(set, t) && w->kind == SERIAL_APPEND && w->key == key && w->value == value)
				return true;
	return false;
}

/* The values that others outside of the set appended are left out; nobody appended: it stays, and fits nothing. */
static inline bool model_same_list(const struct model *h, uint32_t set, const struct store *s, const struct serial_micro *m)
{
	uint32_t all = (1u << h->count) - 1, n = 0;

	for (uint32_t i = 0; i < m->count; i++) {
		if (!model_wrote(h, set, m->key, m->list[i]) && model_wrote(h, all & ~set, m->key, m->list[i]))
			continue;
		if (n == s->length[m->key] || s->list[m->key][n++] != m->list[i])
			return false;
	}
	return n == s->length[m->key];
}

static inline bool model_read(const struct model *h, uint32_t set, const struct store *s, const struct serial_micro *m, bool wrote,
			      uint32_t reader)
{
	if (m->unknown)
		return true;
	if (m->kind == SERIAL_READ_LIST)
		return s->value[m->key] == SERIAL_MISSING && model_same_list(h, set, s, m);
	if (s->length[m->key])
		return false;
	return (!wrote && model_free(h, set, m, reader)) || model_fits(m, s->value[m->key]);
}

/* Does the transaction fit the store?  Then it happens. */
static inline bool model_run(const struct model *h, uint32_t set, struct store *s, uint32_t txn)
{
	struct store before = *s;
	bool wrote[MODEL_KEYS] = { false };

	for (const struct serial_micro *m = h->txn[txn].micro; m < h->txn[txn].micro + h->txn[txn].count; m++) {
		if (m->kind == SERIAL_WRITE) {
			s->value[m->key] = m->value;
			wrote[m->key] = true;
		} else if (m->kind == SERIAL_APPEND) {
			s->list[m->key][s->length[m->key]++] = m->value;
		} else if (!model_read(h, set, s, m, wrote[m->key], txn)) {
			*s = before;
			return false;
		}
	}
	return true;
}

/* May it be next, as far as real time goes? */
static inline bool model_in_time(const struct model *h, uint32_t left, uint32_t txn)
{
	for (uint32_t t = 0; t < h->count; t++)
		if (model_has(left, t) && t != txn && model_end(&h->txn[t]) < h->txn[txn].called)
			return false;
	return true;
}

/* Is there an order of the set, whatever those outside did? */
static inline bool model_try(const struct model *h, uint32_t set, uint32_t left, const struct store *s)
{
	bool done = true;

	for (uint32_t t = 0; t < h->count; t++)
		done &= !model_has(left, t) || !h->txn[t].certain;
	if (done)
		return true;
	for (uint32_t t = 0; t < h->count; t++) {
		struct store after = *s;

		if (model_has(left, t) && model_in_time(h, left, t) && model_run(h, set, &after, t) &&
		    model_try(h, set, left & ~(1u << t), &after))
			return true;
	}
	return false;
}

static inline bool model_serializable(const struct model *h, uint32_t set)
{
	struct store s = { { 0 }, { { 0 } }, { 0 } };

	return model_try(h, set, set, &s);
}

/* --- Certificates --- */

static inline void model_print(const struct model *h)
{
	static const char *const kinds[] = { "r", "rl", "w", "a", "r-not", "r-or-missing" };

	for (uint32_t t = 0; t < h->count; t++) {
		print_error("T%u %s [%lld, %lld]:", t, h->txn[t].certain ? "ok" : "info", (long long)h->txn[t].called,
			    (long long)h->txn[t].returned);
		for (const struct serial_micro *m = h->txn[t].micro; m < h->txn[t].micro + h->txn[t].count; m++) {
			print_error(" %s%s k%u", m->unknown ? "?" : "", kinds[m->kind], m->key);
			if (m->kind != SERIAL_READ_LIST)
				print_error(" %u", m->value);
			for (uint32_t i = 0; m->kind == SERIAL_READ_LIST && i < m->count; i++)
				print_error(" %u", m->list[i]);
			print_error(";");
		}
		print_error("\n");
	}
}

/* All that is certain is in it, in real time's order, and every read is of what was there. */
static inline bool model_order_holds(const struct model *h, const uint32_t *order, uint32_t count)
{
	struct store s = { { 0 }, { { 0 } }, { 0 } };
	uint32_t all = (1u << h->count) - 1, left = 0;

	for (uint32_t i = 0; i < count; i++) {
		if (order[i] >= h->count || model_has(left, order[i]))
			return false;
		left |= 1u << order[i];
	}
	for (uint32_t t = 0; t < h->count; t++)
		if (h->txn[t].certain && !model_has(left, t))
			return false;
	for (uint32_t i = 0; i < count; i++) {
		if (!model_in_time(h, left, order[i]) || !model_run(h, all, &s, order[i]))
			return false;
		left &= ~(1u << order[i]);
	}
	return true;
}

/* No order fits the members.  Where nothing plainer is to be said of them, one does if any of them is left out. */
static inline bool model_members_hold(const struct model *h, const uint32_t *member, uint32_t count, const struct serial_step *step,
				      uint32_t steps)
{
	uint32_t set = 0;

	for (uint32_t i = 0; i < count; i++)
		set |= 1u << member[i];
	for (uint32_t i = 0; i < steps; i++)
		if (!model_has(set, step[i].txn))
			return false;
	if (!count || model_serializable(h, set))
		return false;
	for (uint32_t i = 0; step->why == SERIAL_NO_ORDER && i < count; i++)
		if (!model_serializable(h, set & ~(1u << member[i])))
			return false;
	return true;
}

static inline bool model_writes(const struct serial_txn *t, uint32_t key, uint32_t value)
{
	for (const struct serial_micro *m = t->micro; m < t->micro + t->count; m++)
		if ((m->kind == SERIAL_WRITE || m->kind == SERIAL_APPEND) && m->key == key && m->value == value)
			return true;
	return false;
}

static inline bool model_reads(const struct serial_txn *t, uint32_t key, uint32_t value)
{
	for (const struct serial_micro *m = t->micro; m < t->micro + t->count; m++) {
		if (m->key != key || m->unknown || m->kind == SERIAL_WRITE || m->kind == SERIAL_APPEND)
			continue;
		if (m->kind != SERIAL_READ_LIST && model_fits(m, value))
			return true;
		for (uint32_t i = 0; m->kind == SERIAL_READ_LIST && i < m->count; i++)
			if (m->list[i] == value)
				return true;
	}
	return false;
}

static inline bool model_touches(const struct serial_txn *t, uint32_t key, bool reads)
{
	for (const struct serial_micro *m = t->micro; m < t->micro + t->count; m++)
		if (m->key == key && reads != (m->kind == SERIAL_WRITE || m->kind == SERIAL_APPEND))
			return true;
	return false;
}

/* Is each step of a cycle what it says? */
static inline bool model_step_holds(const struct model *h, const struct serial_step *step, uint32_t next)
{
	const struct serial_txn *a = &h->txn[step->txn], *b = &h->txn[next];

	switch (step->why) {
	case SERIAL_RT:
		return a->certain && a->returned < b->called;
	case SERIAL_WR:
		return model_writes(a, step->key, step->value) && model_reads(b, step->key, step->value);
	case SERIAL_WW:
		return model_touches(a, step->key, false) && model_writes(b, step->key, step->value);
	case SERIAL_RW:
		return model_touches(a, step->key, true) && model_writes(b, step->key, step->value);
	default:
		return false;
	}
}

static inline bool model_cycle_holds(const struct model *h, const struct serial_step *step, uint32_t count)
{
	if (step->why > SERIAL_RT)
		return true;
	for (uint32_t i = 0; i < count; i++)
		if (!model_step_holds(h, &step[i], step[(i + 1) % count].txn))
			return false;
	return count > 1;
}

#endif
