/*
 * lin_make: long histories of one key from a seed, with which lib/lin is tested and measured.
 *
 * Clients call one operation after the other on a true register; each takes effect at a moment of its own between call and return.
 */
#ifndef TESTS_UNIT_LIN_MAKE_H
#define TESTS_UNIT_LIN_MAKE_H

#include "lib/lin/lin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAKE_CLIENTS_MAX = 4096 };

struct make_settings {
	uint64_t seed;
	uint32_t ops, clients;
	uint32_t values;                /* 0: each is written once */
	uint32_t reads, cas, deletes;   /* in a hundred; the others write */
	double unknown;                 /* in a hundred; half of those take effect */
	bool drop;                      /* leave out a cas that failed */
	uint32_t bad;                   /* a read when so many in a hundred are done has a value that was not there; 0: none */
	bool impossible;                /* and that is one which nothing writes */
};

struct make {
	struct make_settings set;
	struct lin_op *ops;             /* in the order of calls */
	uint32_t *process_of;
	uint64_t *info_of;              /* where one of unknown outcome was given up */
	uint32_t count;
	/* What the register was: every change, with its time. */
	struct { double at; uint32_t state; } *changes;
	size_t changes_count, changes_room;
	struct make_client {
		uint32_t process, op;
		double called, at, until;       /* when its operation takes effect, and returns; until 0: idle */
		bool done, lost, never;
	} clients[MAKE_CLIENTS_MAX];
};

static inline uint64_t make_bits(struct make *m)
{
	uint64_t x = m->set.seed += UINT64_C(0x9e3779b97f4a7c15);

	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

static inline double make_unit(struct make *m)
{
	return (double)(make_bits(m) >> 11) * 0x1p-53;
}

static inline uint32_t make_below(struct make *m, uint32_t bound)
{
	return (uint32_t)((make_bits(m) >> 32) * bound >> 32);
}

static inline void *make_must(void *p)
{
	if (!p) {
		fprintf(stderr, "lin: no memory\n");
		exit(4);
	}
	return p;
}

static inline void make_change(struct make *m, double at, uint32_t state)
{
	if (m->changes_count == m->changes_room) {
		m->changes_room = 2 * m->changes_room + 1024;
		m->changes = make_must(realloc(m->changes, m->changes_room * sizeof(*m->changes)));
	}
	m->changes[m->changes_count].at = at;
	m->changes[m->changes_count++].state = state;
}

static inline void make_effect(struct make *m, struct make_client *c)
{
	struct lin_op *op = &m->ops[c->op];
	uint32_t state = m->changes_count ? m->changes[m->changes_count - 1].state : (uint32_t)LIN_MISSING;

	c->done = true;
	op->outcome = LIN_OK;
	if (op->kind == LIN_READ)
		op->value = state;
	else if (op->kind == LIN_WRITE)
		make_change(m, c->at, op->value);
	else if (state == LIN_MISSING)
		op->outcome = LIN_NO_KEY;
	else if (op->kind == LIN_DELETE)
		make_change(m, c->at, LIN_MISSING);
	else if (state != op->from)
		op->outcome = LIN_OTHER_VALUE;
	else
		make_change(m, c->at, op->value);
}

/* A value that the register did not have since then; 0: it had all. */
static inline uint32_t make_not_had(struct make *m, double since)
{
	size_t first = m->changes_count;

	while (first && m->changes[first - 1].at >= since)
		first--;
	/* Of values that are written once, one of before. */
	if (!m->set.values)
		return first > 40 ? m->changes[first - 2 - make_below(m, 30)].state : 0;
	for (uint32_t v = 1; v <= m->set.values; v++) {
		bool had = false;

		for (size_t i = first ? first - 1 : 0; i < m->changes_count; i++)
			had |= m->changes[i].state == v;
		if (!had)
			return v;
	}
	return 0;
}

/* Of values that are written once, the one that is there, or was there lately. */
static inline uint32_t make_expected(struct make *m)
{
	size_t back = make_below(m, 3);
	uint32_t state = m->set.values ? 1 + make_below(m, m->set.values) :
			 back < m->changes_count ? m->changes[m->changes_count - 1 - back].state : 1;

	return state == LIN_MISSING ? 1 : state;
}

static inline void make_call(struct make *m, struct make_client *c, double now, uint64_t place)
{
	struct lin_op *op = &m->ops[m->count];
	uint32_t roll = make_below(m, 100);

	*op = (struct lin_op){ .called = place, .returned = LIN_NEVER };
	op->kind = roll < m->set.reads ? LIN_READ : roll < m->set.reads + m->set.cas ? LIN_CAS :
		   roll < m->set.reads + m->set.cas + m->set.deletes ? LIN_DELETE : LIN_WRITE;
	op->value = m->set.values ? 1 + make_below(m, m->set.values) : m->count + 1;
	if (op->kind == LIN_CAS)
		op->from = make_expected(m);
	m->process_of[m->count] = c->process;
	c->op = m->count++;
	c->called = now;
	c->until = now + 0.2 + 0.8 * (1.9 - make_unit(m) - make_unit(m));
	c->at = now + make_unit(m) * (c->until - now);
	c->done = false;
	c->lost = make_unit(m) * 100 < m->set.unknown;
	c->never = c->lost && make_below(m, 2);
}

/* Could the read be spoilt? */
static inline bool make_spoil(struct make *m, struct make_client *c)
{
	struct lin_op *op = &m->ops[c->op];
	uint32_t value = op->kind == LIN_READ && !c->lost ? make_not_had(m, c->called) : 0;

	if (value)
		op->value = m->set.impossible ? m->set.ops + 2 : value;
	return value != 0;
}

static inline struct make_client *make_next(struct make *m, double *now)
{
	struct make_client *next = NULL;
	double soonest = 0;

	for (uint32_t i = 0; i < m->set.clients; i++) {
		struct make_client *c = &m->clients[i];
		double at = c->until <= 0 ? *now : c->done || c->never ? c->until : c->at;

		if ((c->until > 0 || m->count < m->set.ops) && (!next || at < soonest)) {
			next = c;
			soonest = at;
		}
	}
	*now = next ? soonest : *now;
	return next;
}

/* Leaves out what a checker is not given. */
static inline void make_thin(struct make *m)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < m->count; i++) {
		const struct lin_op *op = &m->ops[i];
		bool failed = op->kind == LIN_CAS && (op->outcome == LIN_NO_KEY || op->outcome == LIN_OTHER_VALUE);

		if ((m->set.drop && failed) || (op->kind == LIN_READ && op->outcome == LIN_UNKNOWN))
			continue;
		m->process_of[kept] = m->process_of[i];
		m->info_of[kept] = m->info_of[i];
		m->ops[kept++] = m->ops[i];
	}
	m->count = kept;
}

static inline struct make *make_history(const struct make_settings *set)
{
	struct make *m = make_must(calloc(1, sizeof(*m)));
	uint64_t place = 1;
	uint32_t processes = set->clients;
	bool to_spoil = set->bad > 0;
	double now = 0;

	m->set = *set;
	m->ops = make_must(calloc(set->ops, sizeof(*m->ops)));
	m->process_of = make_must(calloc(set->ops, sizeof(*m->process_of)));
	m->info_of = make_must(calloc(set->ops, sizeof(*m->info_of)));
	for (uint32_t i = 0; i < set->clients; i++)
		m->clients[i].process = i;
	for (struct make_client *c; (c = make_next(m, &now));) {
		if (c->until <= 0) {
			make_call(m, c, now, place++);
			continue;
		}
		if (!c->done && !c->never) {
			make_effect(m, c);
			continue;
		}
		c->until = 0;
		if (to_spoil && m->count >= (uint64_t)set->ops * set->bad / 100)
			to_spoil = !make_spoil(m, c);
		if (c->lost) {
			m->ops[c->op].outcome = LIN_UNKNOWN;
			m->info_of[c->op] = place++;
			c->process = processes++;
		} else {
			m->ops[c->op].returned = place++;
		}
	}
	make_thin(m);
	return m;
}

static inline void make_free(struct make *m)
{
	free(m->ops);
	free(m->process_of);
	free(m->info_of);
	free(m->changes);
	free(m);
}

#endif
