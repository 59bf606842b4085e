/*
 * Why a history cannot be, in one sentence: of an operation that saw what it should not have, and of those that it contradicts.
 *
 * The few shapes that most contradictions have get words of their own; they rest on that none of the members can be left out.
 * So of two members of which one read what the other wrote, nothing else writes that value, or deletes the key.
 */
#include "lib/base/err.h"
#include "lib/judge/deed.h"
#include "lib/judge/inside.h"

#include <stdlib.h>

enum { NAMED = 4 };                     /* members that are told; of more the number */

/* --- One key --- */

struct plaint {
	const struct history *h;
	const struct judge_contradiction *c;
	const struct lin_op *op;        /* of the key */
	const struct lin_op *worst;     /* what it is about: see find_worst */
	struct buf *out;
};

static const struct lin_op *member(const struct plaint *p, uint32_t i)
{
	return &p->op[p->c->member[i]];
}

/* How plain it is that it saw something. */
static int sight(const struct lin_op *op)
{
	if (op->outcome == LIN_UNKNOWN || op->kind == LIN_WRITE)
		return op->outcome == LIN_UNKNOWN ? 0 : 1;
	return op->kind == LIN_READ || op->outcome != LIN_OK ? 3 : 2;
}

/* The last to end of those that are the plainest. */
static void find_worst(struct plaint *p)
{
	p->worst = member(p, 0);
	for (uint32_t i = 1; i < p->c->members; i++) {
		const struct lin_op *op = member(p, i);

		if (sight(op) > sight(p->worst) || (sight(op) == sight(p->worst) && op->returned > p->worst->returned))
			p->worst = op;
	}
}

static void put_others(const struct plaint *p)
{
	uint32_t told = 0, others = p->c->members - 1;

	for (uint32_t i = 0; i < p->c->members && told < NAMED; i++) {
		struct deed d;

		if (member(p, i) == p->worst)
			continue;
		deed_of_op(&d, p->h, member(p, i), DEED_NO_KEY);
		buf_puts(p->out, !told ? "" : told + 1 == others ? " and " : ", ");
		buf_printf(p->out, "line %ju (process %s %s)", (uintmax_t)deed_line(&d), d.process, d.words.at);
		deed_release(&d);
		told++;
	}
	if (told < others)
		buf_printf(p->out, " and %ju more", (uintmax_t)(others - told));
}

static const char *did_of(const struct lin_op *op)
{
	return op->kind == LIN_WRITE ? "written" : op->kind == LIN_CAS ? "set" : op->kind == LIN_DELETE ? "deleted" : "read";
}

/* Only the worst: nobody writes what it saw. */
static bool tell_one(const struct plaint *p)
{
	const struct lin_op *op = p->worst;

	buf_puts(p->out, op->kind == LIN_DELETE ? ", but nothing before it writes to it" :
		 op->outcome == LIN_OTHER_VALUE ? ", but nothing before it writes another value" : ", but nothing before it writes that value");
	return true;
}

/* The worst and one other. */
static bool tell_two(const struct plaint *p, uint32_t value)
{
	const struct lin_op *other = member(p, member(p, 0) == p->worst);
	uintmax_t ended = (uintmax_t)other->returned, began = (uintmax_t)other->called;
	uint32_t found = LIN_MISSING;

	if (other->outcome != LIN_UNKNOWN && other->returned < p->worst->called) {
		if (value == LIN_MISSING) {
			buf_printf(p->out, ", but it had been %s by line %ju, and nothing deleted it since", did_of(other), ended);
			return true;
		}
		if ((deed_needs(other, &found) && found != value && other->kind == LIN_READ) ||
		    (other->outcome == LIN_OK && other->kind != LIN_READ && !deed_leaves(other, value))) {
			buf_printf(p->out, ", but line %ju had %s, and nothing wrote that value since", ended,
				   other->kind == LIN_DELETE ? "deleted the key" :
				   other->kind != LIN_READ ? "left another" : found ? "found another" : "found no key");
			return true;
		}
	}
	if (value != LIN_MISSING && deed_leaves(other, value) && p->worst->returned < other->called) {
		buf_printf(p->out, ", but nothing writes that value before line %ju", began);
		return true;
	}
	return false;
}

/* Written, written over or seen to be another, and seen all the same. */
static bool tell_three(const struct plaint *p, uint32_t value)
{
	const struct lin_op *a = NULL, *b = NULL;
	uintmax_t wrote, other;
	uint32_t found;

	for (uint32_t i = 0; i < 3; i++) {
		if (member(p, i) != p->worst && deed_leaves(member(p, i), value))
			a = member(p, i);
		else if (member(p, i) != p->worst)
			b = member(p, i);
	}
	if (!a || !b || a->outcome == LIN_UNKNOWN || b->called < a->returned || p->worst->called < b->returned)
		return false;
	wrote = (uintmax_t)a->returned;
	other = (uintmax_t)b->returned;
	if (b->outcome == LIN_OK && b->kind != LIN_READ)
		buf_printf(p->out, ", but what line %ju had left there was %s by line %ju", wrote,
			   b->kind == LIN_DELETE ? "deleted" : "written over", other);
	else if (deed_needs(b, &found) && found != value)
		buf_printf(p->out, ", but line %ju had already found %s, which came after what line %ju left there", other,
			   found == LIN_MISSING ? "no key" : "another value", wrote);
	else
		return false;
	return true;
}

static bool tell_shape(const struct plaint *p)
{
	uint32_t value;

	if (p->c->members == 1)
		return tell_one(p);
	if (!deed_needs(p->worst, &value))
		return false;
	return p->c->members == 2 ? tell_two(p, value) : p->c->members == 3 ? tell_three(p, value) : false;
}

static void tell_key(struct plaint *p)
{
	struct deed d;

	find_worst(p);
	deed_of_op(&d, p->h, p->worst, p->c->key);
	buf_printf(p->out, "line %ju: process %s %s", (uintmax_t)deed_line(&d), d.process, d.words.at);
	deed_release(&d);
	if (tell_shape(p))
		return;
	buf_puts(p->out, ", which no order fits with ");
	put_others(p);
}

/* --- Transactions --- */

static uint64_t line_of(const struct history *h, uint32_t transaction)
{
	uint32_t count;
	const struct serial_txn *t = &history_transactions(h, &count)[transaction];

	return t->certain && t->returned != SERIAL_NEVER ? t->returned : t->called;
}

static void put_step(struct buf *out, const struct history *h, const struct serial_step *s, bool wrote)
{
	bool missing = s->value == SERIAL_MISSING;

	buf_puts(out, wrote ? (missing ? "deleted" : "wrote ") : missing ? "found no key" : "saw ");
	if (!missing)
		deed_put_value(out, history_value(h, s->value));
	deed_put_key(out, h, s->key, missing ? " " : wrote ? " to " : " of ");
}

/* One step of a cycle: why `next` must come after it. */
static void put_edge(struct buf *out, const struct history *h, const struct serial_step *s, uint32_t next)
{
	uintmax_t a = line_of(h, s->txn), b = line_of(h, next);

	if (s->why == SERIAL_RT) {
		buf_printf(out, "line %ju had ended before line %ju began", a, b);
		return;
	}
	buf_printf(out, "line %ju ", b);
	put_step(out, h, s, s->why != SERIAL_WR);
	buf_printf(out, s->why == SERIAL_WR ? ", which is of line %ju" :
		   s->why == SERIAL_WW ? " over what is of line %ju" : ", which line %ju did not see yet", a);
}

/* What a transaction saw that cannot be, whatever the others did. */
static void put_sight(struct buf *out, const struct history *h, const struct serial_step *s, uintmax_t other)
{
	buf_printf(out, "line %ju: process %s ", (uintmax_t)line_of(h, s->txn), history_transaction_process(h, s->txn));
	put_step(out, h, s, false);
	switch (s->why) {
	case SERIAL_SAW_NOTHING_WRITTEN: buf_puts(out, ", which nothing writes"); break;
	case SERIAL_SAW_MIDST: buf_printf(out, ", which line %ju went on to change", other); break;
	case SERIAL_SAW_TWICE: buf_puts(out, " twice, but it is appended once"); break;
	case SERIAL_SAW_OTHER_ORDER: buf_printf(out, ", where line %ju tells of another order", other); break;
	case SERIAL_SAW_ITS_FUTURE: buf_puts(out, ", which it wrote itself only later"); break;
	case SERIAL_MISSED_ITS_OWN: buf_puts(out, ", and not what it had written itself before"); break;
	default: break;
	}
}

static void put_lines(struct buf *out, const struct history *h, const struct judge_contradiction *c)
{
	uint32_t n = c->steps && c->step[0].why != SERIAL_NO_ORDER ? c->steps : c->members;

	for (uint32_t i = 0; i < n && i < NAMED; i++)
		buf_printf(out, "%s%ju", !i ? "" : i + 1 == n ? " and " : ", ",
			   (uintmax_t)line_of(h, n == c->steps ? c->step[i].txn : c->member[i]));
	if (n > NAMED)
		buf_printf(out, " and %ju more", (uintmax_t)(n - NAMED));
}

static bool is_cycle(const struct judge_contradiction *c)
{
	for (uint32_t i = 0; i < c->steps; i++)
		if (c->step[i].why > SERIAL_RT)
			return false;
	return c->steps > 0;
}

static void tell_transactions(const struct history *h, const struct judge_contradiction *c, struct buf *out)
{
	if (is_cycle(c)) {
		buf_puts(out, "lines ");
		put_lines(out, h, c);
		buf_printf(out, " would have to come before each other, in a circle (%s): ", serial_anomaly(c->step, c->steps));
		for (uint32_t i = 0; i < c->steps; i++) {
			buf_puts(out, i ? "; " : "");
			put_edge(out, h, &c->step[i], c->step[(i + 1) % c->steps].txn);
		}
		return;
	}
	if (c->steps && c->step[0].why != SERIAL_NO_ORDER) {
		put_sight(out, h, &c->step[0], c->steps > 1 ? line_of(h, c->step[1].txn) : 0);
		buf_printf(out, " (%s)", serial_anomaly(c->step, c->steps));
		return;
	}
	buf_puts(out, "no order fits the transactions of lines ");
	put_lines(out, h, c);
}

/* --- Both --- */

char *judge_why(const struct history *h, const struct judge_contradiction *c)
{
	struct buf out = { 0 };
	char *text;

	if (history_has_transactions(h)) {
		tell_transactions(h, c, &out);
	} else if (c->members) {
		struct plaint p = { .h = h, .c = c, .out = &out };
		uint32_t count;

		p.op = history_ops(h, c->key, &count);
		tell_key(&p);
	} else {
		buf_puts(&out, "no order fits, but memory did not do to say which operations contradict each other");
	}
	buf_putc(&out, '\0');
	text = must_strdup(out.at);
	buf_release(&out);
	return text;
}
