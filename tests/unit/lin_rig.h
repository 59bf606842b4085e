/* lin_rig: small histories at random, and slow, plain judges of them that share nothing with lib/lin but its header. */
#ifndef TESTS_UNIT_LIN_RIG_H
#define TESTS_UNIT_LIN_RIG_H

#include "lib/lin/lin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RIG_OPS_MAX = 16 };

struct rig {
	struct lin_op ops[RIG_OPS_MAX];
	uint32_t count;
};

static inline uint64_t rig_bits(uint64_t *seed)
{
	uint64_t x = *seed += UINT64_C(0x9e3779b97f4a7c15);

	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

static inline uint32_t rig_below(uint64_t *seed, uint32_t bound)
{
	return (uint32_t)(rig_bits(seed) >> 33) % bound;
}

static inline void rig_print(const struct rig *r)
{
	static const char *const kinds[] = { "read", "write", "cas", "delete" };
	static const char *const outcomes[] = { "ok", "no key", "other value", "unknown" };

	for (uint32_t i = 0; i < r->count; i++) {
		const struct lin_op *op = &r->ops[i];

		fprintf(stderr, "%2u  %3lld .. %3lld  %s%s value %u from %u: %s\n", i, (long long)op->called,
			(long long)op->returned, kinds[op->kind], op->create ? " (create)" : "", op->value, op->from,
			outcomes[op->outcome]);
	}
}

/* --- One operation --- */

/* Can it happen in this state with the outcome that it has?  Then the state is what it leaves. */
static inline bool rig_happens(const struct lin_op *op, uint32_t *state)
{
	bool found = op->kind == LIN_CAS && (*state == op->from || (*state == LIN_MISSING && op->create));

	switch (op->outcome) {
	case LIN_NO_KEY:
		return *state == LIN_MISSING && !(op->kind == LIN_CAS && op->create);
	case LIN_OTHER_VALUE:
		return *state != LIN_MISSING && *state != op->from;
	case LIN_OK:
		if (op->kind == LIN_READ)
			return *state == op->value;
		if ((op->kind == LIN_CAS && !found) || (op->kind == LIN_DELETE && *state == LIN_MISSING))
			return false;
		break;
	default:
		if (op->kind == LIN_READ || (op->kind == LIN_CAS && !found))
			return true;
	}
	*state = op->kind == LIN_DELETE ? LIN_MISSING : op->value;
	return true;
}

static inline bool rig_must(const struct lin_op *op)
{
	return op->outcome != LIN_UNKNOWN;
}

static inline uint64_t rig_returned(const struct lin_op *op)
{
	return rig_must(op) ? op->returned : LIN_NEVER;
}

/* --- All orders --- */

/* Members must be put in order; those outside may happen while under way, or at any time, again and again. */
struct rig_try {
	const struct lin_op *ops;
	uint32_t count;
	const uint32_t *members;        /* at most 32 */
	uint32_t members_count;
	const bool *outside;            /* by operation; NULL: there are none */
	bool any_time;
};

static inline bool rig_writes(const struct lin_op *op, uint32_t *value)
{
	*value = op->kind == LIN_DELETE ? (uint32_t)LIN_MISSING : op->value;
	return op->kind != LIN_READ && (op->outcome == LIN_OK || op->outcome == LIN_UNKNOWN);
}

static inline bool rig_goes_on(const struct rig_try *t, uint32_t done, uint32_t state, uint64_t now);

/* A member happens right after one outside, between `now` and `first`.  Operations are in the order of calls. */
static inline bool rig_goes_on_outside(const struct rig_try *t, uint32_t done, uint32_t member, uint64_t now, uint64_t first)
{
	const struct lin_op *op = &t->ops[t->members[member]];
	uint64_t at = op->called > now ? op->called : now;

	for (uint32_t o = 0; t->outside && o < t->count; o++) {
		uint64_t begin = t->any_time ? 0 : t->ops[o].called, end = t->any_time ? LIN_NEVER : rig_returned(&t->ops[o]);
		uint32_t state;

		if (begin > first)
			break;
		if (!t->outside[o] || !rig_writes(&t->ops[o], &state) || end < now ||
		    begin > rig_returned(op))
			continue;
		if (rig_happens(op, &state) && rig_goes_on(t, done | UINT32_C(1) << member, state, begin > at ? begin : at))
			return true;
	}
	return false;
}

/* Those `done` happened, in some order, left the state, and the latest call of all is `now`. */
static inline bool rig_goes_on(const struct rig_try *t, uint32_t done, uint32_t state, uint64_t now)
{
	uint64_t first = LIN_NEVER;
	bool left = false;

	for (uint32_t i = 0; i < t->members_count; i++) {
		const struct lin_op *op = &t->ops[t->members[i]];

		if (done >> i & 1 || !rig_must(op))
			continue;
		left = true;
		first = op->returned < first ? op->returned : first;
	}
	if (!left)
		return true;
	for (uint32_t i = 0; i < t->members_count; i++) {
		const struct lin_op *op = &t->ops[t->members[i]];
		uint32_t after = state;

		if (done >> i & 1 || op->called > first)
			continue;
		if (rig_happens(op, &after) && rig_goes_on(t, done | UINT32_C(1) << i, after, op->called > now ? op->called : now))
			return true;
		if (rig_goes_on_outside(t, done, i, now, first))
			return true;
	}
	return false;
}

static inline bool rig_linearizable(const struct rig *r)
{
	uint32_t all[RIG_OPS_MAX];

	for (uint32_t i = 0; i < r->count; i++)
		all[i] = i;
	return rig_goes_on(&(struct rig_try){ r->ops, r->count, all, r->count, NULL, false }, 0, LIN_MISSING, 0);
}

/* Do those contradict, whatever the others did? */
static inline bool rig_contradict(const struct lin_op *ops, uint32_t count, const uint32_t *set, uint32_t size, bool any_time)
{
	bool *outside = malloc(count * sizeof(*outside) + 1);
	struct rig_try t = { ops, count, set, size, outside, any_time };
	bool fits;

	memset(outside, 1, count * sizeof(*outside));
	for (uint32_t i = 0; i < size; i++)
		outside[set[i]] = false;
	fits = rig_goes_on(&t, 0, LIN_MISSING, 0);
	free(outside);
	return !fits;
}

/* And can none be left out? */
static inline bool rig_least(const struct lin_op *ops, uint32_t count, const uint32_t *set, uint32_t size, bool any_time)
{
	for (uint32_t out = 0; out < size; out++) {
		uint32_t less[32], n = 0;

		for (uint32_t i = 0; i < size; i++)
			if (i != out)
				less[n++] = set[i];
		if (rig_contradict(ops, count, less, n, any_time))
			return false;
	}
	return true;
}

/* --- An order --- */

static inline const char *rig_order_wrong(const struct lin_op *ops, uint32_t count, const uint32_t *order, uint32_t len)
{
	uint8_t *seen = calloc(count + 1, 1);
	const char *wrong = NULL;
	uint64_t called = 0;
	uint32_t state = LIN_MISSING;

	for (uint32_t i = 0; i < len && !wrong; i++) {
		const struct lin_op *op = &ops[order[i] < count ? order[i] : 0];

		if (order[i] >= count || seen[order[i]]++)
			wrong = "an index too large, or twice";
		else if (rig_returned(op) < called)
			wrong = "an operation after one that was called when it had returned";
		else if (!rig_happens(op, &state))
			wrong = "an operation that cannot have seen what it saw";
		called = op->called > called ? op->called : called;
	}
	for (uint32_t i = 0; i < count && !wrong; i++)
		if (rig_must(&ops[i]) && !seen[i])
			wrong = "an operation is not in the order";
	free(seen);
	return wrong;
}

/* --- Histories --- */

struct rig_kind {
	uint32_t ops_max, clients, values;      /* values 0: each written once */
	uint32_t unknown, deletes, cas, spoilt; /* in a hundred */
};

static inline void rig_shape(struct rig *r, const struct rig_kind *k, uint64_t *seed)
{
	uint32_t open[RIG_OPS_MAX], opened = 0, place = 1;

	r->count = 0;
	for (uint32_t target = 1 + rig_below(seed, k->ops_max); r->count < target || opened;) {
		if (r->count < target && (!opened || (opened < k->clients && rig_below(seed, 2)))) {
			open[opened++] = r->count;
			r->ops[r->count++] = (struct lin_op){ .called = place++ };
		} else {
			uint32_t which = rig_below(seed, opened);

			r->ops[open[which]].returned = place++;
			open[which] = open[--opened];
		}
	}
}

static inline void rig_choose(struct rig *r, const struct rig_kind *k, uint64_t *seed)
{
	uint32_t fresh = 1;

	for (uint32_t i = 0; i < r->count; i++) {
		struct lin_op *op = &r->ops[i];
		uint32_t roll = rig_below(seed, 100);

		op->kind = roll < k->cas ? LIN_CAS : roll < k->cas + k->deletes ? LIN_DELETE : roll < (100 + k->cas + k->deletes) / 2
			   ? LIN_WRITE : LIN_READ;
		op->value = k->values ? 1 + rig_below(seed, k->values) : fresh++;
		if (op->kind == LIN_CAS) {
			op->from = k->values ? 1 + rig_below(seed, k->values) : 1 + rig_below(seed, r->count);
			op->create = !rig_below(seed, 8);
			if (!k->values && op->from == op->value)
				op->from = LIN_MISSING;
		}
	}
}

/* Each happens at a moment of its own between call and return. */
static inline void rig_play(struct rig *r, uint64_t *seed)
{
	uint64_t at[RIG_OPS_MAX];
	uint32_t state = LIN_MISSING;
	bool done[RIG_OPS_MAX] = { false };

	for (uint32_t i = 0; i < r->count; i++)
		at[i] = (r->ops[i].called << 16) + rig_bits(seed) % ((r->ops[i].returned - r->ops[i].called) << 16);
	for (uint32_t n = 0; n < r->count; n++) {
		uint32_t next = r->count;
		struct lin_op *op;

		for (uint32_t i = 0; i < r->count; i++)
			if (!done[i] && (next == r->count || at[i] < at[next]))
				next = i;
		done[next] = true;
		op = &r->ops[next];
		op->outcome = LIN_OK;
		if (op->kind == LIN_READ)
			op->value = state;
		else if (!rig_happens(op, &state))
			op->outcome = state == LIN_MISSING ? LIN_NO_KEY : LIN_OTHER_VALUE;
	}
}

static inline void rig_forget(struct rig *r, const struct rig_kind *k, uint64_t *seed)
{
	for (uint32_t i = 0; i < r->count; i++)
		if (rig_below(seed, 100) < k->unknown) {
			r->ops[i].outcome = LIN_UNKNOWN;
			r->ops[i].returned = LIN_NEVER;
		}
}

static inline void rig_spoil(struct rig *r, const struct rig_kind *k, uint64_t *seed)
{
	struct lin_op *op = &r->ops[rig_below(seed, r->count)];

	if (rig_below(seed, 100) >= k->spoilt || op->outcome == LIN_UNKNOWN)
		return;
	if (op->kind == LIN_READ)
		op->value = rig_below(seed, (k->values ? k->values : r->count) + 1);
	else if (op->kind == LIN_CAS)
		op->outcome = (enum lin_outcome)rig_below(seed, 3);
	else if (op->kind == LIN_DELETE)
		op->outcome = (enum lin_outcome)rig_below(seed, 2);
	else if (k->values)
		op->value = 1 + rig_below(seed, k->values);
}

static inline void rig_make(struct rig *r, const struct rig_kind *k, uint64_t *seed)
{
	rig_shape(r, k, seed);
	rig_choose(r, k, seed);
	rig_play(r, seed);
	for (uint32_t i = rig_below(seed, 3); i-- > 0;)
		rig_spoil(r, k, seed);
	rig_forget(r, k, seed);
}

#endif
