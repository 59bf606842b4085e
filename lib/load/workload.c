/* workload: see workload.h */
#include "lib/load/workload.h"
#include "lib/base/err.h"

#include <assert.h>
#include <stdlib.h>

const char *const workload_kind_name[WORKLOAD_KINDS] = { "read", "write", "cas" };

enum { NUMBER_BYTES = 20 };             /* of a value; a shorter value has its last digits */

struct workload {
	struct workload_options options;
	uint64_t state;
	uint32_t weights;               /* their sum */
	uint64_t value;                 /* the last number given to one */
	uint64_t *acknowledged;         /* by key: the number of the last value known to be there; only for cas */
	char filler[];                  /* value_bytes */
};

uint64_t workload_random(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/* In 0 .. n - 1. */
static uint64_t below(struct workload *w, uint64_t n)
{
	return (uint64_t)((unsigned __int128)workload_random(&w->state) * n >> 64);
}

struct workload *workload_new(const struct workload_options *o)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
	struct workload *w = must_calloc(1, sizeof(*w) + o->value_bytes);

	w->options = *o;
	w->state = o->seed;
	for (int i = 0; i < WORKLOAD_KINDS; i++)
		w->weights += o->weight[i];
	assert(w->weights);
	for (size_t i = 0; i < o->value_bytes; i++)
		w->filler[i] = letters[below(w, sizeof(letters) - 1)];
	if (o->weight[WORKLOAD_CAS])
		w->acknowledged = must_calloc(o->keys, sizeof(*w->acknowledged));
	return w;
}

void workload_free(struct workload *w)
{
	free(w->acknowledged);
	free(w);
}

void workload_draw(struct workload *w, struct op *op)
{
	uint64_t at = below(w, w->weights);
	int kind = 0;

	for (; at >= w->options.weight[kind]; kind++)
		at -= w->options.weight[kind];
	op->kind = (enum workload_kind)kind;
	op->key = (uint32_t)below(w, w->options.keys);
	op->to = op->kind == WORKLOAD_READ ? 0 : ++w->value;
	op->from = op->kind == WORKLOAD_CAS ? w->acknowledged[op->key] : 0;
}

void workload_done(struct workload *w, const struct op *op)
{
	if (w->acknowledged && op->to)
		w->acknowledged[op->key] = op->to;
}

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

static void put_value(const struct workload *w, uint64_t number, struct buf *b)
{
	size_t len = w->options.value_bytes, digits = len < NUMBER_BYTES ? len : NUMBER_BYTES;
	char *out = buf_room(b, len + 2);

	out[0] = out[len + 1] = '"';
	put_digits(out + 1, digits, number);
	memcpy(out + 1 + digits, w->filler + digits, len - digits);
	b->len += len + 2;
}

#define PUT(b, text) buf_add(b, text, sizeof(text) - 1)

void workload_put(const struct workload *w, const struct op *op, uint64_t msg_id, struct buf *b)
{
	switch (op->kind) {
	case WORKLOAD_READ: PUT(b, "\"type\":\"read\",\"msg_id\":"); break;
	case WORKLOAD_WRITE: PUT(b, "\"type\":\"write\",\"msg_id\":"); break;
	case WORKLOAD_CAS: PUT(b, "\"type\":\"cas\",\"msg_id\":"); break;
	default: assert(false);
	}
	buf_u64(b, msg_id);
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
		if (!op->from)
			PUT(b, ",\"create_if_not_exists\":true");
	}
}
