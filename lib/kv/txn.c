/*
 * txn: operations on several keys, all or none of them.
 *
 * They are run first on the side: each key that occurs has an entry, whose value is the record's until the txn writes
 * it.  Only when all have gone through are the entries that were written stored, in the order of their
 * first operation.  Appends to a list are gathered behind it (struct value), so the list is not copied.
 *
 * Invariant: until then nothing in the kv has changed, so texts may be slices of records.
 */
#include "lib/kv/state.h"
#include "lib/base/err.h"

#include <assert.h>
#include <stdlib.h>

struct entry {
	struct key key;
	struct buf canonical;           /* the key's text, where it did not come so */
	struct record *record;          /* or NULL */
	bool written;
	struct wire_text head;          /* the value, or its beginning; p NULL: missing */
	struct buf tail;                /* what was appended, and the end of the list; or empty */
};

struct txn {
	const struct kv *kv;
	struct entry *entry;
	size_t entries;
	size_t start;                   /* of the answer */
};

static struct entry *entry_of(struct txn *txn, struct wire_text key)
{
	struct entry *e = &txn->entry[txn->entries];

	e->key = key_make(&txn->kv->records, canon(key, &e->canonical));
	for (struct entry *old = txn->entry; old < e; old++) {
		if (old->key.hash != e->key.hash || old->key.text.len != e->key.text.len ||
		    memcmp(old->key.text.p, e->key.text.p, e->key.text.len))
			continue;
		buf_clear(&e->canonical, 0);
		return old;
	}
	txn->entries++;
	e->record = records_find(&txn->kv->records, &e->key);
	if (e->record)
		e->head = record_value(e->record);
	return e;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* The list without its end: the bracket and white space. */
static struct wire_text open_list(struct wire_text list)
{
	list.len--;
	while (is_space(list.p[list.len - 1]))
		list.len--;
	return list;
}

/* --- Operations: NULL, or why the txn is refused --- */

static void op_read(struct entry *e, const struct request_op *op, struct buf *answer)
{
	answer_constant(answer, "[\"r\",");
	answer_text(answer, op->key);
	buf_putc(answer, ',');
	if (!e->head.p)
		answer_constant(answer, "null");
	else
		answer_text(answer, e->head);
	if (e->tail.len)
		buf_add(answer, e->tail.at, e->tail.len);
	buf_putc(answer, ']');
}

static void op_write(struct entry *e, const struct request_op *op)
{
	e->written = true;
	e->head = op->value;
	buf_clear(&e->tail, 0);
}

static const char *op_append(struct entry *e, const struct request_op *op)
{
	static const char empty[] = "[]";

	if (!e->head.p)
		e->head = (struct wire_text){ .p = empty, .len = 2 };
	if (*e->head.p != '[')
		return "append to a value that is no list";
	if (e->head.len + e->tail.len + op->value.len + 2 > KV_VALUE_BYTES_MAX)
		return "append to a list that would be too long";
	if (e->tail.len)
		e->tail.len--;
	else
		e->head = open_list(e->head);
	if (e->tail.len || e->head.len > 1)
		buf_putc(&e->tail, ',');
	buf_add(&e->tail, op->value.p, op->value.len);
	buf_putc(&e->tail, ']');
	e->written = true;
	return NULL;
}

/* Runs the operation and adds it to the answer. */
static const char *op_run(struct txn *txn, const struct request_op *op, struct buf *answer)
{
	struct entry *e = entry_of(txn, op->key);
	size_t more = op->json.len + (op->kind == OP_READ ? e->head.len + e->tail.len : 0);
	const char *refusal = NULL;

	/* Before the value is added: a txn may read a large one many times. */
	if (answer->len - txn->start + more > KV_TXN_BYTES_MAX)
		return "the answer would be too long";
	if (op->kind == OP_READ) {
		op_read(e, op, answer);
		return NULL;
	}
	if (op->kind == OP_WRITE)
		op_write(e, op);
	else
		refusal = op_append(e, op);
	answer_text(answer, op->json);
	return refusal;
}

/* --- All of them --- */

static bool txn_run(struct txn *txn, const struct kv *kv, const struct request *q, struct buf *answer)
{
	const char *refusal = NULL;
	struct request_op op;
	struct wire_walk walk;
	bool array;

	*txn = (struct txn){ .kv = kv, .start = answer->len };
	txn->entry = must_calloc(q->ops + 1u, sizeof(*txn->entry));
	answer_constant(answer, "\"type\":\"txn_ok\",\"txn\":[");
	array = wire_walk_init(&walk, q->txn);
	assert(array);
	for (uint32_t i = 0; !refusal && request_op_next(&walk, &op); i++) {
		assert(i < q->ops);
		if (i)
			buf_putc(answer, ',');
		refusal = op_run(txn, &op, answer);
	}
	buf_putc(answer, ']');
	if (!refusal)
		return true;
	answer->len = txn->start;
	answer_error(answer, WIRE_ABORT, refusal);
	return false;
}

static void txn_release(struct txn *txn)
{
	for (size_t i = 0; i < txn->entries; i++) {
		buf_release(&txn->entry[i].canonical);
		buf_release(&txn->entry[i].tail);
	}
	free(txn->entry);
}

static struct value value_of(const struct entry *e)
{
	return (struct value){ .head = e->head, .tail = { .p = e->tail.at, .len = e->tail.len } };
}

void txn_apply(struct kv *kv, uint64_t index, const struct request *q, struct buf *answer)
{
	struct txn txn;

	if (txn_run(&txn, kv, q, answer))
		for (struct entry *e = txn.entry; e < txn.entry + txn.entries; e++)
			if (e->written)
				state_put(kv, index, &e->key, e->record, value_of(e));
	txn_release(&txn);
}

void txn_answer(const struct kv *kv, const struct request *q, struct buf *answer)
{
	struct txn txn;

	/* Refused or not: the answer says it. */
	(void)txn_run(&txn, kv, q, answer);
	txn_release(&txn);
}
