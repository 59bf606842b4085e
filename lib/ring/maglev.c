/*
 * maglev: Eisenbud et al., "Maglev: A Fast and Reliable Software Network Load
 * Balancer" (2016), section 3.4.
 *
 * A function of the set of names alone.  Node i has the permutation offset +
 * j * skip mod M of the table's entries, M a prime; in rounds, in the order of
 * the names, each node claims the first entry of its permutation that is free.
 * owner = entry[hash mod M].  A change of the list also moves some keys between
 * nodes that stay, for claims are contested (RING_EXCESS); the larger the table
 * beside the nodes, the fewer.
 *
 * Weights are Envoy's rule in integers, see maglev.h.  Its rounds ask every node
 * whether it is its turn; where few would say yes, because one outweighs the
 * others by far, the turns to come are kept in a heap instead.
 */
#include "lib/ring/hash.h"
#include "lib/ring/maglev.h"

#include <assert.h>
#include <stdlib.h>

/* Filling: where each node stands, and which entries are taken. */
struct claims {
	const struct maglev_turn *turn;
	uint32_t *entry, size, claimed;
	uint32_t *at;                   /* by turn: the next of its permutation */
	uint64_t *taken;                /* a bit an entry: the cache holds it where the table is too big */
};

static void claim(struct claims *c, uint32_t i)
{
	const struct maglev_turn *turn = &c->turn[i];
	uint32_t at = c->at[i];

	while (c->taken[at / 64] >> at % 64 & 1) {
		uint32_t left = c->size - at;

		at = turn->skip < left ? at + turn->skip : turn->skip - left;
	}
	c->taken[at / 64] |= UINT64_C(1) << at % 64;
	c->entry[at] = turn->node;
	c->at[i] = at;
	c->claimed++;
}

/* Envoy: "if (iteration * entry.weight_ < entry.target_weight_) continue;" */
static int fill_by_rounds(struct claims *c, uint32_t n, uint32_t greatest)
{
	uint64_t *target = calloc(n, sizeof(*target));

	if (!target)
		return RING_ENOMEM;
	for (uint64_t round = 1; c->claimed < c->size; round++) {
		for (uint32_t i = 0; i < n && c->claimed < c->size; i++) {
			uint32_t weight = c->turn[i].weight;

			if (weight == 0 || round * weight < target[i])
				continue;
			target[i] += greatest;
			claim(c, i);
		}
	}
	free(target);
	return RING_OK;
}

/* A turn to come is round << 24 | position: ordered by round, then by position. */
enum { POSITION_BITS = 24 };

static void sift_down(uint64_t *heap, uint32_t n)
{
	uint64_t due = heap[0];
	uint32_t i = 0;

	for (uint32_t child; (child = 2 * i + 1) < n; i = child) {
		if (child + 1 < n && heap[child + 1] < heap[child])
			child++;
		if (due < heap[child])
			break;
		heap[i] = heap[child];
	}
	heap[i] = due;
}

/* The same turns: number k of a node, from 0, is not before round k * greatest / weight. */
static int fill_by_heap(struct claims *c, uint32_t n, uint32_t greatest)
{
	uint64_t *heap = calloc(n, sizeof(*heap) + sizeof(uint32_t));
	uint32_t *turns = (uint32_t *)(heap + n);
	uint32_t live = 0;

	if (!heap)
		return RING_ENOMEM;
	for (uint32_t i = 0; i < n; i++)
		if (c->turn[i].weight > 0)
			heap[live++] = UINT64_C(1) << POSITION_BITS | i;
	while (c->claimed < c->size) {
		uint32_t i = heap[0] & ((1 << POSITION_BITS) - 1);
		uint64_t round = heap[0] >> POSITION_BITS;
		uint32_t weight = c->turn[i].weight;
		uint64_t target = (uint64_t)++turns[i] * greatest;
		uint64_t next = (target + weight - 1) / weight;

		claim(c, i);
		if (next <= round)
			next = round + 1;
		/* The heaviest claims in every round, so no round beyond `size` comes. */
		if (next > c->size)
			next = c->size + UINT64_C(1);
		heap[0] = next << POSITION_BITS | i;
		sift_down(heap, live);
	}
	free(heap);
	return RING_OK;
}

static int fill(struct claims *c, uint32_t n)
{
	uint64_t sum = 0;
	uint32_t greatest = 0;

	for (uint32_t i = 0; i < n; i++) {
		uint32_t weight = c->turn[i].weight;

		c->at[i] = c->turn[i].offset;
		sum += weight;
		if (weight > greatest)
			greatest = weight;
	}
	assert(greatest > 0);
	/* A claim costs n * greatest / sum questions in rounds. */
	if ((uint64_t)n * greatest <= 16 * sum)
		return fill_by_rounds(c, n, greatest);
	return fill_by_heap(c, n, greatest);
}

int maglev_fill(struct maglev *m, uint32_t size, const struct maglev_turn *turn, uint32_t n)
{
	struct claims c = { .turn = turn, .size = size };
	int rc = RING_ENOMEM;

	assert(n <= RING_NODES_MAX);
	m->entry = c.entry = malloc(size * sizeof(*m->entry));
	m->size = size;
	c.at = malloc((n + (size_t)1) * sizeof(*c.at));
	c.taken = calloc(size / 64 + 1, sizeof(*c.taken));
	if (c.entry && c.at && c.taken)
		rc = fill(&c, n);
	if (rc != RING_OK)
		maglev_release(m);
	free(c.at);
	free(c.taken);
	return rc;
}

void maglev_release(struct maglev *m)
{
	free(m->entry);
	*m = (struct maglev){ 0 };
}

bool maglev_prime(uint32_t n)
{
	for (uint32_t d = 2; d <= n / d; d++)
		if (n % d == 0)
			return false;
	return n >= 2;
}

/*
 * hash mod size by Barrett's reduction.  With m = floor((2^64 - 1) / size) the
 * product hash * m / 2^64 is above hash / size - 1, so its floor is the quotient
 * or one less.
 */
static inline uint32_t reduce(uint64_t hash, uint32_t size, uint64_t m)
{
	uint64_t quotient = (uint64_t)((unsigned __int128)hash * m >> 64);
	uint64_t rest = hash - quotient * size;

	return (uint32_t)(rest < size ? rest : rest - size);
}

uint32_t maglev_slot(const struct maglev *m, uint64_t hash)
{
	return (uint32_t)(hash % m->size);
}

void maglev_owner(const struct maglev *m, const uint64_t *hash, size_t n, uint32_t *owner)
{
	const uint32_t *entry = m->entry;
	uint32_t size = m->size;
	uint64_t reciprocal = UINT64_MAX / size;

	for (size_t i = 0; i < n; i++)
		owner[i] = entry[reduce(hash[i], size, reciprocal)];
}

void maglev_algo_release(struct ring *r)
{
	maglev_release(&r->maglev);
}

void maglev_algo_owner(const struct ring *r, const uint64_t *hash, size_t n, uint32_t *owner)
{
	maglev_owner(&r->maglev, hash, n, owner);
}

void maglev_algo_explain(const struct ring *r, uint64_t hash, struct ring_why *why)
{
	why->hash_bits = 64;
	why->hash = hash;
	why->has_slot = true;
	why->slots = r->maglev.size;
	why->slot = maglev_slot(&r->maglev, hash);
	why->owner = r->maglev.entry[why->slot];
	why->text = "the entry at hash mod the size of the table";
}

/* The hashes 0 .. 2^64 - 1 fall on entry i as often as i + size * q is one of them. */
bool maglev_algo_shares(const struct ring *r, uint64_t *share)
{
	const struct maglev *m = &r->maglev;

	for (uint32_t i = 0; i < m->size; i++)
		share[m->entry[i]] += (UINT64_MAX - i) / m->size + 1;
	/* all of it is 2^64, and that in 64 bits is 0 */
	if (share[m->entry[0]] == 0)
		share[m->entry[0]] = UINT64_MAX;
	return true;
}

uint32_t maglev_algo_at(const struct ring *r, uint64_t place)
{
	return r->maglev.entry[hash_below(place, r->maglev.size)];
}

size_t maglev_algo_bytes(const struct ring *r)
{
	return (size_t)r->maglev.size * sizeof(*r->maglev.entry);
}

/* The two halves of one SipHash are the paper's h1 and h2. */
static void name_turns(const struct ring *r, uint32_t size, struct maglev_turn *turn)
{
	for (uint32_t i = 0; i < r->n; i++) {
		const struct ring_node *node = &r->nodes[i];
		uint64_t h = siphash(r->conf.key, node->name, node->name_len);

		turn[i].node = i;
		turn[i].offset = (uint32_t)(h >> 32) % size;
		turn[i].skip = (uint32_t)h % (size - 1) + 1;
		turn[i].weight = node->weight;
	}
}

static int maglev_build(struct ring *r)
{
	uint32_t size = r->conf.table ? r->conf.table : RING_TABLE_DEFAULT;
	struct maglev_turn *turn;
	int rc;

	if (size > RING_SLOTS_MAX)
		return RING_ETOOBIG;
	if (size < r->live || !maglev_prime(size))
		return RING_ETABLE;
	turn = malloc(r->n * sizeof(*turn));
	if (!turn)
		return RING_ENOMEM;
	name_turns(r, size, turn);
	rc = maglev_fill(&r->maglev, size, turn, r->n);
	free(turn);
	return rc;
}

const struct ring_algo ring_algo_maglev = {
	.name = "maglev",
	.summary = "Maglev's table: the fastest look-up; a change moves some keys needlessly",
	.traits = RING_TABLE | RING_EXCESS,
	.build = maglev_build,
	.release = maglev_algo_release,
	.owner = maglev_algo_owner,
	.explain = maglev_algo_explain,
	.shares = maglev_algo_shares,
	.at = maglev_algo_at,
	.bytes = maglev_algo_bytes,
};
