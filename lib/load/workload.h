/*
 * workload: what clients ask for, drawn from a seed, and the lines that ask it.
 *
 * Keys are numbers written with as many digits as fill key_bytes.  Every value is another: a number, and
 * filler up to value_bytes; so a value can be made again from its number, as a cas needs it that expects
 * the last one acknowledged.
 */
#ifndef LOAD_WORKLOAD_H
#define LOAD_WORKLOAD_H

#include "lib/base/buf.h"

#include <stdbool.h>
#include <stdint.h>

enum workload_kind { WORKLOAD_READ, WORKLOAD_WRITE, WORKLOAD_CAS, WORKLOAD_KINDS };

extern const char *const workload_kind_name[WORKLOAD_KINDS];

enum {
	WORKLOAD_WEIGHT_MAX = 1000000,
	WORKLOAD_KEY_BYTES_MAX = 1 << 10,
	WORKLOAD_VALUE_BYTES_MAX = 1 << 20,
	WORKLOAD_KEYS_MAX = 1 << 28,
};

struct workload_options {
	uint32_t weight[WORKLOAD_KINDS];        /* not all 0 */
	uint64_t keys;
	size_t key_bytes, value_bytes;
	uint64_t seed;
};

struct op {
	enum workload_kind kind;
	uint32_t key;
	uint64_t from, to;              /* numbers of values; from 0: none is known */
};

struct workload;

/* The digits of keys - 1 fit into key_bytes. */
struct workload *workload_new(const struct workload_options *);
void workload_free(struct workload *);

void workload_draw(struct workload *, struct op *);

/* `"type":"write","msg_id":7,"key":"...","value":"..."`: what stands in the body. */
void workload_put(const struct workload *, const struct op *, uint64_t msg_id, struct buf *);

/* It is known to have happened. */
void workload_done(struct workload *, const struct op *);

/* The next of a sequence of numbers that look random (splitmix64, S. Vigna). */
uint64_t workload_random(uint64_t *state);

#endif
