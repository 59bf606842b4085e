/* workload_text: operations as they stand in requests and in histories. */
#include "lib/load/workload_inside.h"

#include <assert.h>

enum { NUMBER_BYTES = 20 };             /* of a value; a shorter value has its last digits */

#define PUT(b, text) buf_add(b, text, sizeof(text) - 1)

/* The number's last `len` digits, with zeros before it. */
static void put_digits(char *out, size_t len, uint64_t x)
{
	while (len) {
		out[--len] = (char)('0' + x % 10);
		x /= 10;
	}
}

static void put_key(const struct workload *w, uint32_t key, struct buf *b)
{
	size_t len = w->options.key_bytes;
	char *out = buf_room(b, len + 2);

	out[0] = out[len + 1] = '"';
	put_digits(out + 1, len, key);
	b->len += len + 2;
}

static void put_list_key(const struct workload *w, const struct micro *m, struct buf *b)
{
	put_key(w, m->key, b);
	b->at[b->len - 1 - w->options.key_bytes] = 'l';
	if (!m->list)
		return;
	b->at[b->len - 1] = '.';
	buf_u64(b, m->list);
	buf_putc(b, '"');
}

static void put_value(const struct workload *w, uint64_t number, struct buf *b)
{
	size_t len = w->options.value_bytes, digits = len < NUMBER_BYTES ? len : NUMBER_BYTES;
	char *out;

	if (w->options.numbers) {
		buf_u64(b, number);
		return;
	}
	out = buf_room(b, len + 2);
	out[0] = out[len + 1] = '"';
	put_digits(out + 1, digits, number);
	memcpy(out + 1 + digits, w->filler + digits, len - digits);
	b->len += len + 2;
}

static void put_micros(const struct workload *w, const struct op *op, struct buf *b)
{
	buf_putc(b, '[');
	for (uint32_t i = 0; i < op->micros; i++) {
		const struct micro *m = &op->micro[i];

		if (i)
			buf_putc(b, ',');
		buf_puts(b, !m->writes ? "[\"r\"," : op->kind == WORKLOAD_APPEND ? "[\"append\"," : "[\"w\",");
		if (op->kind == WORKLOAD_APPEND)
			put_list_key(w, m, b);
		else
			put_key(w, m->key, b);
		buf_putc(b, ',');
		if (m->writes)
			put_value(w, m->to, b);
		else
			PUT(b, "null");
		buf_putc(b, ']');
	}
	buf_putc(b, ']');
}

static void put_create(const struct op *op, struct buf *b)
{
	if (op->kind == WORKLOAD_CAS && !op->from)
		PUT(b, ",\"create_if_not_exists\":true");
}

void workload_put(const struct workload *w, const struct op *op, uint64_t msg_id, struct buf *b)
{
	switch (op->kind) {
	case WORKLOAD_READ: PUT(b, "\"type\":\"read\",\"msg_id\":"); break;
	case WORKLOAD_WRITE: PUT(b, "\"type\":\"write\",\"msg_id\":"); break;
	case WORKLOAD_CAS: PUT(b, "\"type\":\"cas\",\"msg_id\":"); break;
	case WORKLOAD_DELETE: PUT(b, "\"type\":\"delete\",\"msg_id\":"); break;
	case WORKLOAD_TXN:
	case WORKLOAD_APPEND: PUT(b, "\"type\":\"txn\",\"msg_id\":"); break;
	default: assert(false);
	}
	buf_u64(b, msg_id);
	if (op->kind >= WORKLOAD_TXN) {
		PUT(b, ",\"txn\":");
		put_micros(w, op, b);
		return;
	}
	PUT(b, ",\"key\":");
	put_key(w, op->key, b);
	if (op->kind == WORKLOAD_WRITE) {
		PUT(b, ",\"value\":");
		put_value(w, op->to, b);
	} else if (op->kind == WORKLOAD_CAS) {
		PUT(b, ",\"from\":");
		put_value(w, op->from, b);
		PUT(b, ",\"to\":");
		put_value(w, op->to, b);
		put_create(op, b);
	}
}

void workload_put_named(const struct workload *w, const struct op *op, struct buf *b)
{
	if (op->kind >= WORKLOAD_TXN) {
		PUT(b, "\"f\":\"txn\",\"value\":");
		return;
	}
	PUT(b, "\"f\":\"");
	buf_puts(b, workload_kind_name[op->kind]);
	PUT(b, "\",\"key\":");
	put_key(w, op->key, b);
	PUT(b, ",\"value\":");
}

void workload_put_asked(const struct workload *w, const struct op *op, struct buf *b)
{
	workload_put_named(w, op, b);
	switch (op->kind) {
	case WORKLOAD_READ:
	case WORKLOAD_DELETE: PUT(b, "null"); break;
	case WORKLOAD_WRITE: put_value(w, op->to, b); break;
	case WORKLOAD_CAS:
		buf_putc(b, '[');
		put_value(w, op->from, b);
		buf_putc(b, ',');
		put_value(w, op->to, b);
		buf_putc(b, ']');
		put_create(op, b);
		break;
	default: put_micros(w, op, b);
	}
}
