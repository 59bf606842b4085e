/* deed: see deed.h */
#include "lib/judge/deed.h"

#include <string.h>

/* --- Values --- */

/* Is it a byte inside of a character? */
static bool is_inside(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

void deed_put_value(struct buf *b, const char *json)
{
	size_t len = strlen(json), front = DEED_VALUE_BYTES * 2 / 3, back = DEED_VALUE_BYTES / 3;

	if (len <= DEED_VALUE_BYTES) {
		buf_add(b, json, len);
		return;
	}
	while (is_inside(json[front]))
		front--;
	while (is_inside(json[len - back]))
		back--;
	buf_add(b, json, front);
	buf_puts(b, "...");
	buf_add(b, json + len - back, back);
}

void deed_put_key(struct buf *b, const struct history *h, uint32_t key, const char *before)
{
	const char *text = history_key(h, key);

	if (!strcmp(text, "null"))
		return;
	buf_puts(b, before);
	deed_put_value(b, text);
}

/* --- Operations of one key --- */

static void put_words(struct buf *b, const char *before, const char *value, const char *after)
{
	buf_puts(b, before);
	if (value)
		deed_put_value(b, value);
	buf_puts(b, after);
}

static void words_of_cas(struct buf *b, const char *from, const char *to, const struct lin_op *op)
{
	if (op->outcome == LIN_NO_KEY) {
		put_words(b, "compared with ", from, " and found no key");
	} else if (op->outcome == LIN_OTHER_VALUE) {
		put_words(b, "compared with ", from, " and found another value");
	} else {
		put_words(b, "changed ", from, op->create ? " or no key" : "");
		put_words(b, " to ", to, "");
	}
}

/* What goes between the words and the key. */
static const char *words_of_op(struct buf *b, const struct history *h, const struct lin_op *op)
{
	const char *value = history_value(h, op->value);

	if (op->outcome == LIN_UNKNOWN)
		buf_puts(b, "perhaps ");
	switch (op->kind) {
	case LIN_READ:
		put_words(b, op->value == LIN_MISSING ? "found no key" : "read ", op->value == LIN_MISSING ? NULL : value, "");
		return op->value == LIN_MISSING ? " " : " of key ";
	case LIN_WRITE:
		put_words(b, "wrote ", value, "");
		return " to key ";
	case LIN_CAS:
		words_of_cas(b, history_value(h, op->from), value, op);
		return op->outcome == LIN_NO_KEY ? " " : " of key ";
	default:
		buf_puts(b, op->outcome == LIN_NO_KEY ? "wanted to delete and found no key" : "deleted the key");
		return " ";
	}
}

void deed_of_op(struct deed *d, const struct history *h, const struct lin_op *op, uint32_t key)
{
	const char *before;

	*d = (struct deed){ .process = history_process(h, op), .called = op->called, .returned = op->returned,
			    .certain = op->outcome != LIN_UNKNOWN };
	before = words_of_op(&d->words, h, op);
	if (key != DEED_NO_KEY)
		deed_put_key(&d->words, h, key, before);
	buf_putc(&d->words, '\0');
}

bool deed_needs(const struct lin_op *op, uint32_t *value)
{
	*value = op->kind == LIN_READ ? op->value : op->outcome == LIN_NO_KEY ? LIN_MISSING : op->from;
	if (op->outcome == LIN_OK)
		return op->kind == LIN_READ || (op->kind == LIN_CAS && !op->create);
	return op->outcome == LIN_NO_KEY;
}

bool deed_leaves(const struct lin_op *op, uint32_t value)
{
	if (op->kind == LIN_READ || op->outcome == LIN_NO_KEY || op->outcome == LIN_OTHER_VALUE)
		return false;
	return value == (op->kind == LIN_DELETE ? LIN_MISSING : op->value);
}

/* --- Transactions --- */

static void put_list(struct buf *b, const struct history *h, const struct serial_micro *m)
{
	enum { SHOWN = 6 };

	buf_putc(b, '[');
	for (uint32_t i = m->count > SHOWN ? m->count - SHOWN : 0; i < m->count; i++) {
		if (i && m->count > SHOWN && i == m->count - SHOWN)
			buf_puts(b, "...");
		else if (i)
			buf_putc(b, ',');
		deed_put_value(b, history_value(h, m->list[i]));
	}
	buf_putc(b, ']');
}

static void words_of_micro(struct buf *b, const struct history *h, const struct serial_micro *m)
{
	const char *value = history_value(h, m->value);
	bool missing = m->value == SERIAL_MISSING;

	switch (m->kind) {
	case SERIAL_READ:
		put_words(b, m->unknown ? "read something" : missing ? "found no key" : "read ",
			  m->unknown || missing ? NULL : value, "");
		break;
	case SERIAL_READ_LIST:
		buf_puts(b, m->unknown ? "read something" : "read ");
		if (!m->unknown)
			put_list(b, h, m);
		break;
	case SERIAL_READ_OTHER:
		put_words(b, missing ? "found a value" : "found another value than ", missing ? NULL : value, "");
		break;
	case SERIAL_READ_OR_MISSING:
		put_words(b, "found ", value, " or no key");
		break;
	case SERIAL_WRITE:
		put_words(b, missing ? "deleted" : "wrote ", missing ? NULL : value, "");
		break;
	case SERIAL_APPEND:
		put_words(b, "appended ", value, "");
		break;
	}
	if (missing && !m->unknown && (m->kind == SERIAL_WRITE || m->kind == SERIAL_READ))
		deed_put_key(b, h, m->key, " ");
	else
		deed_put_key(b, h, m->key, m->kind == SERIAL_WRITE || m->kind == SERIAL_APPEND ? " to " : " of ");
}

void deed_of_transaction(struct deed *d, const struct history *h, uint32_t transaction, const char *comma)
{
	uint32_t count;
	const struct serial_txn *t = &history_transactions(h, &count)[transaction];

	*d = (struct deed){ .process = history_transaction_process(h, transaction), .called = t->called, .returned = t->returned,
			    .certain = t->certain };
	if (!t->certain)
		buf_puts(&d->words, "perhaps ");
	for (uint32_t i = 0; i < t->count; i++) {
		buf_puts(&d->words, i ? comma : "");
		words_of_micro(&d->words, h, &t->micro[i]);
	}
	buf_putc(&d->words, '\0');
}

/* --- Both --- */

void deed_of_member(struct deed *d, const struct history *h, const struct judge_contradiction *c, uint32_t i)
{
	uint32_t count;

	if (history_has_transactions(h))
		deed_of_transaction(d, h, c->member[i], ", ");
	else
		deed_of_op(d, h, &history_ops(h, c->key, &count)[c->member[i]], DEED_NO_KEY);
}

void deed_release(struct deed *d)
{
	buf_release(&d->words);
}

uint64_t deed_line(const struct deed *d)
{
	return d->certain && d->returned != LIN_NEVER ? d->returned : d->called;
}
