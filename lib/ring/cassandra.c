/*
 * cassandra: tokens of Murmur3Partitioner (Cassandra, ScyllaDB).
 *
 * A node owns the keys whose token is at or before one of its own and after the
 * next lower one of any node; replicas are the next nodes onwards.  Which tokens
 * a node has is the cluster's to say, so the name tells them: "n1@-100+200" has
 * the tokens -100 and 200.  If no name has an '@' the tokens are those of the
 * documentation for clusters without virtual nodes, evenly spaced in the order of
 * the list: -2^63 + i * floor(2^64 / n).
 *
 * Tokens are signed; as places on the circle their sign bit is flipped.
 */
#include "lib/ring/algo.h"
#include "lib/ring/hash.h"

#include <string.h>

#define SIGN (UINT64_C(1) << 63)

/* After the last '@' of a name, or NULL. */
static const char *tokens_of(const struct ring_node *node)
{
	for (size_t i = node->name_len; i > 0; i--)
		if (node->name[i - 1] == '@')
			return node->name + i;
	return NULL;
}

/* Reads one decimal token and the '+' after it; false if there is none in 64 bits. */
static bool token_read(const char **at, const char *end, int64_t *token)
{
	const char *p = *at;
	bool negative = p < end && *p == '-';
	uint64_t n = 0, most = negative ? SIGN : SIGN - 1;
	const char *digits = p += negative;

	for (; p < end && *p >= '0' && *p <= '9'; p++) {
		unsigned digit = (unsigned)(*p - '0');

		if (n > (most - digit) / 10)
			return false;
		n = n * 10 + digit;
	}
	if (p == digits || (p < end && (*p != '+' || p + 1 == end)))
		return false;
	*token = (int64_t)(negative ? UINT64_C(0) - n : n);
	*at = p < end ? p + 1 : p;
	return true;
}

/* Emits the tokens of a node's name, or with no sink just counts them; returns how many, 0 at a bad one. */
static uint32_t name_tokens(const struct ring_node *node, struct points_sink *sink, uint32_t i)
{
	const char *at = tokens_of(node), *end = node->name + node->name_len;
	uint32_t n = 0;
	int64_t token;

	do {
		if (!token_read(&at, end, &token))
			return 0;
		if (sink)
			points_add(sink, (uint64_t)token ^ SIGN, i);
		n++;
	} while (at < end);
	return n;
}

static int named_points(const struct ring *r, struct points_sink *sink)
{
	for (uint32_t i = 0; i < r->n; i++)
		if (r->nodes[i].weight && !name_tokens(&r->nodes[i], sink, i))
			return RING_ENODES;
	return RING_OK;
}

static int even_points(const struct ring *r, struct points_sink *sink)
{
	/* floor(2^64 / live); of a single node, whose only token is the lowest, it is not used. */
	uint64_t step = UINT64_MAX / r->live + (UINT64_MAX % r->live == r->live - 1), place = 0;

	for (uint32_t i = 0; i < r->n; i++) {
		if (!r->nodes[i].weight)
			continue;
		points_add(sink, place, i);
		place += step;
	}
	return RING_OK;
}

/* Two nodes with one token: the cluster would not let the second join. */
static int check_distinct(struct points *p)
{
	for (uint32_t i = 1; i < p->n; i++) {
		if (point_hash(&p->at[i - 1]) != point_hash(&p->at[i]))
			continue;
		points_release(p);
		return RING_ENODES;
	}
	return RING_OK;
}

static int cassandra_build(struct ring *r)
{
	uint32_t named = 0;
	uint64_t total = 0;
	int rc;

	for (uint32_t i = 0; i < r->n; i++) {
		uint32_t tokens;

		if (!r->nodes[i].weight || !tokens_of(&r->nodes[i]))
			continue;
		tokens = name_tokens(&r->nodes[i], NULL, i);
		if (!tokens)
			return RING_ENODES;
		total += tokens;
		named++;
	}
	if (!named)
		return points_build(&r->points, r, even_points, r->live, false);
	if (named < r->live)
		return RING_ENODES;
	rc = points_build(&r->points, r, named_points, total, false);
	return rc == RING_OK ? check_distinct(&r->points) : rc;
}

static void cassandra_hash(const struct ring *r, const struct ring_key *keys, size_t n, uint64_t *hash)
{
	(void)r;
	for (size_t i = 0; i < n; i++)
		hash[i] = (uint64_t)cassandra_token(keys[i].p, keys[i].len) ^ SIGN;
}

/* Tokens in two's complement, as cassandra_token gives them. */
static void cassandra_explain(const struct ring *r, uint64_t hash, struct ring_why *why)
{
	points_algo_explain(r, hash, why);
	why->text = why->point >= hash ? "the first token at or after the key's"
				       : "no token at or after the key's: it wraps to the lowest";
	why->hash ^= SIGN;
	why->point ^= SIGN;
}

const struct ring_algo ring_algo_cassandra = {
	.name = "cassandra",
	.summary = "Cassandra's Murmur3 tokens: NAME@TOKEN+TOKEN, or evenly spaced",
	.takes = "NAME@TOKEN+TOKEN for all names or for none, each token once, and no weights",
	.traits = RING_COMPAT | RING_LISTED | RING_EXCESS | RING_UNWEIGHTED,
	.build = cassandra_build,
	.release = points_algo_release,
	.hash = cassandra_hash,
	.owner = points_algo_owner,
	.walk = points_algo_walk,
	.explain = cassandra_explain,
	.shares = points_algo_shares,
	.bytes = points_algo_bytes,
};
