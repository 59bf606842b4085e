/*
 * `hrw`: highest random weight, or rendezvous hashing (Thaler and Ravishankar
 * 1998).  Every node draws a number for the key, the best draw owns it; so a
 * change of one node moves only keys to or from it, and the runners-up are the
 * replicas.
 *
 * Weights as in CRUSH's straw2 (Weil et al.): the draw of a node is an
 * exponential variate -ln(u) / w, and the least one wins with a probability in
 * proportion to w.  u has 32 bits and the logarithm is an integer one.  Nodes of
 * one weight compare their u alone, which vectors do 16 at a time; only the
 * winners of the weights are compared by logarithm.
 *
 * It is hierarchical over zones without a level of its own: a zone's draw is the
 * best of its nodes', the least of exponential variates, which is distributed as
 * one draw with the zone's summed weight.  So the zone is chosen by its weight
 * and the node in it by its own; and where draws of separate levels (CRUSH) shuffle
 * a zone's keys among its old nodes when its weight changes, here nothing
 * moves between nodes that stay.
 *
 * The order is total, or the answer would hang on the grouping: first the draw
 * (cross-multiplied, exact), then u, then the position, which is the name's.
 */
#include "lib/ring/algo.h"
#include "lib/ring/hash.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { LANES = 16, LOG_BITS = 37, LOG_STEPS = 256 };

typedef uint32_t u32x16 __attribute__((vector_size(64)));
typedef int32_t i32x16 __attribute__((vector_size(64)));

/*
 * log2 of m in [1, 2) as -log2(r) + log2(1 + e), where r is a reciprocal of m's
 * first 8 bits and m * r = 1 + e.  Fractions have 62 bits.
 */
struct hrw_log {
	uint64_t reciprocal[LOG_STEPS];         /* of 1 + i / 256, rounded up, 62 bits */
	uint64_t minus_log[LOG_STEPS];          /* -log2 of it, 62 bits */
};

/* A best draw so far: u in signed order (offset by 2^31), and whose it is. */
struct best {
	int32_t u;
	uint32_t at;                            /* index into hrw.node, RING_NONE: none */
};

static uint64_t mul62(uint64_t a, uint64_t b)
{
	return (uint64_t)((unsigned __int128)a * b >> 62);
}

/* -log2 of x in (1/2, 1], 62-bit fraction, bit by bit: squaring doubles a logarithm. */
static uint64_t slow_minus_log2(uint64_t x)
{
	uint64_t sum = 0;

	for (unsigned bit = 0; bit < 62; bit++) {
		sum <<= 1;
		x = mul62(x, x);
		if (x <= UINT64_C(1) << 61) {
			x <<= 1;
			sum |= 1;
		}
	}
	return sum;
}

static void log_init(struct hrw_log *log)
{
	for (uint64_t i = 0; i < LOG_STEPS; i++) {
		/* 2^62 / (1 + i / 256), rounded up so that m * r >= 1 and e >= 0 */
		log->reciprocal[i] = ((UINT64_C(1) << 63) / (LOG_STEPS + i) * (LOG_STEPS / 2)) + LOG_STEPS / 2;
		if (log->reciprocal[i] > UINT64_C(1) << 62)
			log->reciprocal[i] = UINT64_C(1) << 62;
		log->minus_log[i] = slow_minus_log2(log->reciprocal[i]);
	}
}

/* -log2((u + 1) / 2^32) with LOG_BITS bits of fraction: 0 .. 32 * 2^37. */
static uint64_t minus_log2(const struct hrw_log *log, uint32_t u)
{
	static const uint64_t per_ln2 = UINT64_C(6653256548922161246);  /* 2^62 / ln 2, rounded */
	uint64_t x = (uint64_t)u + 1, m, e, e2, ln;
	unsigned exponent = 63 - (unsigned)__builtin_clzll(x), i;

	m = x << (62 - exponent);
	i = (unsigned)(m >> 54) & (LOG_STEPS - 1);
	e = mul62(m, log->reciprocal[i]) - (UINT64_C(1) << 62);
	e2 = mul62(e, e);
	/* ln(1 + e) = e - e^2/2 + e^3/3 - e^4/4 + e^5/5; e < 2^-8, so the rest is below 2^-50 */
	ln = e - e2 / 2 + mul62(e2, e) / 3 - mul62(e2, e2) / 4 + mul62(mul62(e2, e2), e) / 5;
	return ((uint64_t)(32 - exponent) << LOG_BITS)
	       - ((log->minus_log[i] + mul62(ln, per_ln2)) >> (62 - LOG_BITS));
}

/* The draws of 16 nodes from position i on, in signed order; none is HRW_OUT. */
static inline __attribute__((always_inline))
void draw_lanes(const struct hrw *h, uint32_t i, uint64_t hash, i32x16 *draw)
{
	const u32x16 zero = { 0 };
	u32x16 a, b, x;

	memcpy(&a, h->seed_a + i, sizeof a);
	memcpy(&b, h->seed_b + i, sizeof b);
	x = (a ^ (uint32_t)(hash >> 32)) * 0x7feb352dU;
	x = (x ^ x >> 15) + (b ^ (uint32_t)hash);
	x = (x ^ x >> 16) * 0x846ca68bU;
	x = (x ^ x >> 15) * 0x9e3779b1U;
	x ^= x >> 16;
	x -= (u32x16)(x == zero);       /* 0 becomes 1 */
	*draw = (i32x16)(x ^ 0x80000000U);
}

/* The best of a class: its first node with the largest draw. */
static inline __attribute__((always_inline))
struct best class_best(const struct hrw *h, const struct hrw_class *c, uint64_t hash)
{
	const u32x16 zero = { 0 }, lane = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 };
	i32x16 best = (i32x16)(zero + 0x80000000U);
	u32x16 at = zero + c->begin + lane;
	int32_t u[LANES];
	uint32_t index[LANES];
	struct best b;

	for (uint32_t i = c->begin; i < c->end; i += LANES) {
		u32x16 here = zero + i + lane;
		i32x16 x, better;

		draw_lanes(h, i, hash, &x);
		better = x > best;
		if (c->end - i < LANES)
			better &= (i32x16)(here < zero + c->end);
		best = (better & x) | (~better & best);
		at = ((u32x16)better & here) | (~(u32x16)better & at);
	}
	memcpy(u, &best, sizeof u);
	memcpy(index, &at, sizeof index);
	b = (struct best){ u[0], index[0] };
	for (unsigned l = 1; l < LANES; l++)
		if (u[l] > b.u || (u[l] == b.u && index[l] < b.at))
			b = (struct best){ u[l], index[l] };
	return b;
}

/* The better of two by the total order at the head of this file. */
static struct best better_of(const struct hrw *h, struct best x, uint32_t weight_x, struct best y, uint32_t weight_y)
{
	uint32_t ux = (uint32_t)x.u ^ 0x80000000U, uy = (uint32_t)y.u ^ 0x80000000U;
	uint64_t cost_x, cost_y;

	if (x.at == RING_NONE)
		return y;
	if (y.at == RING_NONE)
		return x;
	cost_x = minus_log2(h->log, ux) * weight_y;     /* at most 2^42 * 10^6 < 2^62 */
	cost_y = minus_log2(h->log, uy) * weight_x;
	if (cost_x != cost_y)
		return cost_x < cost_y ? x : y;
	if (ux != uy)
		return ux > uy ? x : y;
	return h->node[x.at] < h->node[y.at] ? x : y;
}

static inline __attribute__((always_inline))
void best_batch(const struct hrw *h, const uint64_t *hash, size_t n, uint32_t *owner)
{
	for (size_t i = 0; i < n; i++) {
		struct best b = class_best(h, &h->class[0], hash[i]);
		uint32_t weight = h->class[0].weight;

		for (uint32_t c = 1; c < h->classes; c++) {
			struct best other = class_best(h, &h->class[c], hash[i]);

			b = better_of(h, b, weight, other, h->class[c].weight);
			if (b.at == other.at)
				weight = h->class[c].weight;
		}
		owner[i] = h->node[b.at];
	}
}

static inline __attribute__((always_inline))
void all_draws(const struct hrw *h, uint64_t hash, int32_t *draw)
{
	for (uint32_t i = 0; i < h->n; i += LANES) {
		i32x16 x;

		draw_lanes(h, i, hash, &x);
		memcpy(draw + i, &x, sizeof x);
	}
}

#ifdef __x86_64__
__attribute__((target("avx512f,avx512dq,avx512vl,avx512bw")))
static void all_draws_avx512(const struct hrw *h, uint64_t hash, int32_t *draw)
{
	all_draws(h, hash, draw);
}

__attribute__((target("avx2")))
static void all_draws_avx2(const struct hrw *h, uint64_t hash, int32_t *draw)
{
	all_draws(h, hash, draw);
}

__attribute__((target("avx512f,avx512dq,avx512vl,avx512bw")))
static void best_batch_avx512(const struct hrw *h, const uint64_t *hash, size_t n, uint32_t *owner)
{
	best_batch(h, hash, n, owner);
}

__attribute__((target("avx2")))
static void best_batch_avx2(const struct hrw *h, const uint64_t *hash, size_t n, uint32_t *owner)
{
	best_batch(h, hash, n, owner);
}
#endif

static void hrw_owner(const struct ring *r, const uint64_t *hash, size_t n, uint32_t *owner)
{
#ifdef __x86_64__
	if (r->conf.cpu & RING_CPU_AVX512) {
		best_batch_avx512(&r->hrw, hash, n, owner);
		return;
	}
	if (r->conf.cpu & RING_CPU_AVX2) {
		best_batch_avx2(&r->hrw, hash, n, owner);
		return;
	}
#endif
	best_batch(&r->hrw, hash, n, owner);
}

void hrw_draws(const struct hrw *h, uint64_t hash, int32_t *draw, unsigned cpu)
{
#ifdef __x86_64__
	if (cpu & RING_CPU_AVX512) {
		all_draws_avx512(h, hash, draw);
		return;
	}
	if (cpu & RING_CPU_AVX2) {
		all_draws_avx2(h, hash, draw);
		return;
	}
#endif
	(void)cpu;
	all_draws(h, hash, draw);
}

uint32_t hrw_best(const struct hrw *h, const int32_t *draw)
{
	struct best best = { 0, RING_NONE };
	uint32_t weight = 0;

	for (uint32_t c = 0; c < h->classes; c++) {
		struct best b = { HRW_OUT, RING_NONE };

		for (uint32_t i = h->class[c].begin; i < h->class[c].end; i++)
			if (draw[i] > b.u)
				b = (struct best){ draw[i], i };
		best = better_of(h, best, weight, b, h->class[c].weight);
		if (best.at == b.at)
			weight = h->class[c].weight;
	}
	return best.at;
}

/* Nodes with weight, by weight and then by position (the sort is stable: LSD by bytes). */
static int sort_by_weight(struct hrw *h, const struct ring *r)
{
	uint32_t *to = malloc(h->n * sizeof *to);

	if (!to)
		return RING_ENOMEM;
	for (unsigned shift = 0; shift < 24; shift += 8) {
		uint32_t start[257] = { 0 }, *swap;

		for (uint32_t i = 0; i < h->n; i++)
			start[(r->nodes[h->node[i]].weight >> shift & 255) + 1]++;
		for (unsigned b = 1; b < 257; b++)
			start[b] += start[b - 1];
		for (uint32_t i = 0; i < h->n; i++)
			to[start[r->nodes[h->node[i]].weight >> shift & 255]++] = h->node[i];
		swap = h->node;
		h->node = to;
		to = swap;
	}
	free(to);
	return RING_OK;
}

static int make_classes(struct hrw *h, const struct ring *r)
{
	for (uint32_t i = 0; i < h->n; i++)
		if (!i || r->nodes[h->node[i]].weight != r->nodes[h->node[i - 1]].weight)
			h->classes++;
	h->class = malloc(h->classes * sizeof *h->class);
	if (!h->class)
		return RING_ENOMEM;
	h->classes = 0;
	for (uint32_t i = 0; i < h->n; i++) {
		uint32_t weight = r->nodes[h->node[i]].weight;

		if (!i || weight != h->class[h->classes - 1].weight)
			h->class[h->classes++] = (struct hrw_class){ i, i, weight };
		h->class[h->classes - 1].end = i + 1;
	}
	if (h->classes == 1)
		return RING_OK;
	h->log = malloc(sizeof *h->log);
	if (!h->log)
		return RING_ENOMEM;
	log_init(h->log);
	return RING_OK;
}

int hrw_build(struct hrw *h, const struct ring *r)
{
	*h = (struct hrw){ 0 };
	h->node = malloc(r->live * sizeof *h->node);
	h->seed_a = calloc(r->live + (size_t)LANES, sizeof *h->seed_a);
	h->seed_b = calloc(r->live + (size_t)LANES, sizeof *h->seed_b);
	if (!h->node || !h->seed_a || !h->seed_b)
		goto nomem;
	for (uint32_t i = 0; i < r->n; i++)
		if (r->nodes[i].weight)
			h->node[h->n++] = i;
	if (sort_by_weight(h, r) != RING_OK || make_classes(h, r) != RING_OK)
		goto nomem;
	for (uint32_t i = 0; i < h->n; i++) {
		const struct ring_node *node = &r->nodes[h->node[i]];
		uint64_t seed = mix64(siphash(r->conf.key, node->name, node->name_len));

		h->seed_a[i] = (uint32_t)(seed >> 32);
		h->seed_b[i] = (uint32_t)seed;
	}
	return RING_OK;
nomem:
	hrw_release(h);
	return RING_ENOMEM;
}

void hrw_release(struct hrw *h)
{
	free(h->node);
	free(h->seed_a);
	free(h->seed_b);
	free(h->class);
	free(h->log);
	*h = (struct hrw){ 0 };
}

size_t hrw_bytes(const struct hrw *h)
{
	return h->n * sizeof *h->node + 2 * (h->n + (size_t)LANES) * sizeof *h->seed_a
	       + h->classes * sizeof *h->class + (h->log ? sizeof *h->log : 0);
}

static int hrw_algo_build(struct ring *r)
{
	return hrw_build(&r->hrw, r);
}

static void hrw_algo_release(struct ring *r)
{
	hrw_release(&r->hrw);
}

static void hrw_explain(const struct ring *r, uint64_t hash, struct ring_why *why)
{
	why->hash_bits = 64;
	why->hash = hash;
	hrw_owner(r, &hash, 1, &why->owner);
	why->text = r->hrw.classes > 1 ? "the best draw of all nodes for this key, each divided by its weight"
				       : "the best draw of all nodes for this key";
}

static size_t hrw_algo_bytes(const struct ring *r)
{
	(void)r;
	return 0;       /* ring_bytes counts it, whoever built it */
}

const struct ring_algo ring_algo_hrw = {
	.name = "hrw",
	.summary = "rendezvous hashing, weighted: the best balance, at a cost in proportion to the nodes",
	.build = hrw_algo_build,
	.release = hrw_algo_release,
	.owner = hrw_owner,
	.explain = hrw_explain,
	.bytes = hrw_algo_bytes,
};
