/* workload: see workload.h */
#include "lib/load/workload_inside.h"
#include "lib/base/err.h"

#include <assert.h>
#include <stdlib.h>

const char *const workload_kind_name[WORKLOAD_KINDS] = { "read", "write", "cas", "delete", "txn", "append" };

uint64_t workload_random(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

uint64_t workload_below(uint64_t *state, uint64_t n)
{
	return (uint64_t)((unsigned __int128)workload_random(state) * n >> 64);
}

bool workload_has_micros(const struct workload_options *o)
{
	return o->weight[WORKLOAD_TXN] || o->weight[WORKLOAD_APPEND];
}

static uint64_t common_divisor(uint64_t a, uint64_t b)
{
	while (b) {
		uint64_t rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

/* Multiplied by what has no divisor in common with their count, keys change places with each other. */
static uint64_t stride(uint64_t keys)
{
	uint64_t s = (uint64_t)((double)keys * 0.6180339887498949);

	while (s > 1 && common_divisor(s, keys) > 1)
		s--;
	return s ? s : 1;
}

struct workload *workload_new(const struct workload_options *o)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
	struct workload *w = must_calloc(1, sizeof(*w) + o->value_bytes);

	w->options = *o;
	w->state = o->seed;
	w->value = o->first_value ? o->first_value - 1 : 0;
	for (int i = 0; i < WORKLOAD_KINDS; i++)
		w->weights += o->weight[i];
	assert(w->weights);
	for (size_t i = 0; i < o->value_bytes; i++)
		w->filler[i] = letters[workload_below(&w->state, sizeof(letters) - 1)];
	if (o->zipf > 0) {
		zipf_init(&w->zipf, o->keys, o->zipf);
		w->stride = stride(o->keys);
	}
	if (o->weight[WORKLOAD_CAS])
		w->acknowledged = must_calloc(o->keys, sizeof(*w->acknowledged));
	if (o->weight[WORKLOAD_APPEND])
		w->appends = must_calloc(o->keys, sizeof(*w->appends));
	return w;
}

void workload_free(struct workload *w)
{
	free(w->acknowledged);
	free(w->appends);
	free(w);
}

static uint32_t draw_key(struct workload *w)
{
	if (!w->stride)
		return (uint32_t)workload_below(&w->state, w->options.keys);
	return (uint32_t)((zipf_draw(&w->zipf, &w->state) - 1) * w->stride % w->options.keys);
}

static uint64_t draw_value(struct workload *w)
{
	return w->options.values ? 1 + workload_below(&w->state, w->options.values) : ++w->value;
}

static void draw_micros(struct workload *w, struct op *op)
{
	op->micros = 1 + (uint32_t)workload_below(&w->state, w->options.txn_ops);
	for (struct micro *m = op->micro; m < op->micro + op->micros; m++) {
		*m = (struct micro){ .key = draw_key(w), .writes = workload_random(&w->state) >> 63 };
		if (m->writes)
			m->to = op->kind == WORKLOAD_APPEND ? ++w->value : draw_value(w);
		if (op->kind == WORKLOAD_APPEND) {
			m->list = w->appends[m->key] / WORKLOAD_LIST_APPENDS;
			w->appends[m->key] += m->writes;
		}
	}
}

/* What a cas expects: the last value known to be there, or one of the few that there are. */
static uint64_t expected(struct workload *w, uint32_t key)
{
	return w->options.values ? draw_value(w) : w->acknowledged[key];
}

void workload_draw(struct workload *w, struct op *op)
{
	uint64_t at = workload_below(&w->state, w->weights);
	int kind = 0;

	for (; at >= w->options.weight[kind]; kind++)
		at -= w->options.weight[kind];
	op->kind = (enum workload_kind)kind;
	op->from = op->to = 0;
	if (op->kind >= WORKLOAD_TXN) {
		draw_micros(w, op);
		return;
	}
	op->key = draw_key(w);
	if (op->kind == WORKLOAD_CAS)
		op->from = expected(w, op->key);
	if (op->kind == WORKLOAD_WRITE || op->kind == WORKLOAD_CAS)
		op->to = draw_value(w);
}

void workload_done(struct workload *w, const struct op *op)
{
	if (!w->acknowledged)
		return;
	for (uint32_t i = 0; op->kind == WORKLOAD_TXN && i < op->micros; i++)
		if (op->micro[i].writes)
			w->acknowledged[op->micro[i].key] = op->micro[i].to;
	if (op->kind < WORKLOAD_TXN && (op->to || op->kind == WORKLOAD_DELETE))
		w->acknowledged[op->key] = op->to;
}
