/*
 * workload: what clients ask for, drawn from a seed, and the texts that say it.
 *
 * Keys are numbers written with as many digits as fill key_bytes.  Lists, which `append` makes, have keys of their own:
 * the first character is an l, and after WORKLOAD_LIST_APPENDS appends another list takes the place, a point and its number
 * behind the key, so that no list becomes long.
 *
 * Every value is another: a number, and as a string with zeros and filler up to value_bytes; so a value can be made again
 * from its number, as a cas needs it that expects the last one acknowledged.  With `values` they are drawn from so many.
 */
#ifndef LOAD_WORKLOAD_H
#define LOAD_WORKLOAD_H

#include "lib/base/buf.h"

#include <stdbool.h>
#include <stdint.h>

enum workload_kind {
	WORKLOAD_READ, WORKLOAD_WRITE, WORKLOAD_CAS, WORKLOAD_DELETE,
	WORKLOAD_TXN,                   /* reads and writes of several keys */
	WORKLOAD_APPEND,                /* the same of lists, reads and appends */
	WORKLOAD_KINDS
};

extern const char *const workload_kind_name[WORKLOAD_KINDS];

enum {
	WORKLOAD_WEIGHT_MAX = 1000000,
	WORKLOAD_KEY_BYTES_MAX = 1 << 10,
	WORKLOAD_VALUE_BYTES_MAX = 1 << 20,
	WORKLOAD_KEYS_MAX = 1 << 28,
	WORKLOAD_TXN_OPS_MAX = 64,
	WORKLOAD_LIST_APPENDS = 256,
};

struct workload_options {
	uint32_t weight[WORKLOAD_KINDS];        /* not all 0 */
	uint64_t keys;
	double zipf;                    /* the k-th of them as often as 1 / k^zipf; 0: all alike */
	size_t key_bytes, value_bytes;
	bool numbers;                   /* values are JSON numbers; value_bytes is nothing */
	uint64_t values;                /* 0: each another */
	uint64_t first_value;           /* then, the number of the first; 0: 1 */
	uint32_t txn_ops;               /* at most so many in a transaction */
	uint64_t seed;
};

struct micro {
	bool writes;                    /* or appends */
	uint32_t key;
	uint32_t list;                  /* APPEND: which one of the key */
	uint64_t to;
};

struct op {
	enum workload_kind kind;
	uint32_t key;                   /* of none that has micros */
	uint64_t from, to;              /* numbers of values; from 0: none is known */
	struct micro *micro;            /* room for txn_ops where there are transactions */
	uint32_t micros;                /* of kinds from TXN on */
};

struct workload;

/* The digits of keys - 1, and the l of lists, fit into key_bytes. */
struct workload *workload_new(const struct workload_options *);
void workload_free(struct workload *);

/* Are there transactions in the mix? */
bool workload_has_micros(const struct workload_options *);

void workload_draw(struct workload *, struct op *);

/* It is known to have happened. */
void workload_done(struct workload *, const struct op *);

/* --- Texts --- */

/* `"type":"write","msg_id":7,"key":"...","value":"..."`: what stands in the body. */
void workload_put(const struct workload *, const struct op *, uint64_t msg_id, struct buf *);

/* `"f":"write","key":"...","value":"..."`: what stands in a history of it before it is known what was read. */
void workload_put_asked(const struct workload *, const struct op *, struct buf *);

/* The same but for its value: `"f":"read","key":"...","value":`, or `"f":"txn","value":`. */
void workload_put_named(const struct workload *, const struct op *, struct buf *);

/* The next of a sequence of numbers that look random (splitmix64, S. Vigna). */
uint64_t workload_random(uint64_t *state);
/* In 0 .. n - 1. */
uint64_t workload_below(uint64_t *state, uint64_t n);

#endif
