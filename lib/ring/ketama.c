/*
 * ketama: the family of rings that began with last.fm's libketama (Jones 2007).
 *
 * A server has some number of labels "NAME-0", "NAME-1", ...; the MD5 of a label
 * is four 32-bit words, read little-endian, each of them a point; a key belongs
 * to the first point at or after the first word of its own MD5.  The members of
 * the family differ in what NAME is, in how many labels a weight gives, in how
 * they round that number, and in which of two servers with an equal point gets
 * it: that is the table below, one row a program.  A server's labels depend on
 * the sum of all weights, so that any change may move points of all of them.
 *
 * A node of weight 0 is left out, as if the list did not have it.
 */
#include "lib/ring/compat.h"
#include "lib/ring/hash.h"
#include "lib/ring/ketama.h"

#include <assert.h>
#include <string.h>

enum { LABELS = 40, POINTS = 160, WORDS = 4, PORT_LEN = 6 };

enum label {
	LABEL_AS_IS,            /* the name as the list has it */
	LABEL_HOST_AT_11211,    /* "host" alone at the default port of memcached, else "host:port" */
	LABEL_PORT,             /* "host:port", with the row's port if the name has none */
	LABEL_STRIPPED_PORT,    /* the same less a leading slash: Java's "/ip:port" if there is no host name */
	LABEL_SLASH_PORT,       /* the same after a slash */
};

enum count {
	COUNT_40,
	COUNT_INTEGER,          /* 40 * nodes * weight div total */
	COUNT_DOUBLE,           /* floor(weight / total * 40 * nodes), left to right in doubles */
	COUNT_FLOAT_DOUBLE,     /* the share in float, the product in doubles, then float again */
	COUNT_FLOAT,            /* all in float, 1e-10 added in float */
	COUNT_FLOAT_EPSILON,    /* in float, but 1e-10 added as a double before the last rounding */
	COUNT_40_OR_EPSILON,    /* 40 where all weights are 1, as when none is set */
};

enum tie { TIE_FIRST, TIE_LAST, TIE_SHORTEST };

static const struct ketama {
	const struct ring_algo *algo;
	enum label label;
	enum count count;
	enum tie tie;           /* the server, by place in the list, that gets a point of two */
	uint32_t words;         /* of each digest that become points */
	uint64_t weight_max;    /* what the program's sum of weights can hold */
	char port[PORT_LEN + 1]; /* of a name without one */
} rows[] = {
	{ &ring_algo_libmemcached, LABEL_HOST_AT_11211, COUNT_FLOAT, TIE_FIRST, WORDS, UINT64_MAX, ":11211" },
	{ &ring_algo_libmemcached_spy, LABEL_SLASH_PORT, COUNT_FLOAT, TIE_FIRST, WORDS, UINT64_MAX, ":11211" },
	/* It sorts its servers, shorter names first, and its sort of the points is stable with glibc. */
	{ &ring_algo_twemproxy, LABEL_HOST_AT_11211, COUNT_FLOAT_EPSILON, TIE_SHORTEST, WORDS, UINT32_MAX, ":11211" },
	{ &ring_algo_ketama, LABEL_PORT, COUNT_FLOAT_DOUBLE, TIE_FIRST, WORDS, UINT64_MAX, ":11211" },
	/* Its sum of weights is a Java int. */
	{ &ring_algo_spymemcached, LABEL_STRIPPED_PORT, COUNT_40_OR_EPSILON, TIE_LAST, WORDS, INT32_MAX, ":11211" },
	{ &ring_algo_couchbase, LABEL_PORT, COUNT_40, TIE_LAST, WORDS, UINT64_MAX, ":11210" },
	{ &ring_algo_uhashring, LABEL_AS_IS, COUNT_INTEGER, TIE_LAST, WORDS, UINT64_MAX, "" },
	{ &ring_algo_hash_ring, LABEL_AS_IS, COUNT_INTEGER, TIE_LAST, WORDS - 1, UINT64_MAX, "" },
	{ &ring_algo_node_hashring, LABEL_AS_IS, COUNT_DOUBLE, TIE_FIRST, WORDS, UINT64_MAX, "" },
};

static const struct ketama *ketama_row(const struct ring_algo *algo)
{
	size_t i = 0;

	while (i < sizeof rows / sizeof *rows - 1 && rows[i].algo != algo)
		i++;
	assert(rows[i].algo == algo);
	return &rows[i];
}

/*
 * Every variable is rounded to its type as the program rounds it, and converting
 * to an integer is floor, as none is negative.
 */
uint32_t ketama_labels(const struct ring_algo *algo, uint32_t weight, uint64_t total, uint32_t live)
{
	const enum count count = ketama_row(algo)->count;
	const float share = (float)weight / (float)total;
	float f;

	switch (count) {
	case COUNT_40:
		return LABELS;
	case COUNT_INTEGER:
		return (uint32_t)((uint64_t)LABELS * live * weight / total);
	case COUNT_DOUBLE:
		return (uint32_t)((double)weight / (double)total * LABELS * live);
	case COUNT_FLOAT_DOUBLE:
		f = (float)(share * (double)LABELS * (float)live);
		return (uint32_t)f;
	case COUNT_FLOAT:
		f = share * POINTS / WORDS * (float)live + 1e-10F;
		return (uint32_t)f;
	default:
		assert(count == COUNT_FLOAT_EPSILON || count == COUNT_40_OR_EPSILON);
		if (count == COUNT_40_OR_EPSILON && total == live)
			return LABELS;
		f = share * POINTS / WORDS * (float)live;
		f = (float)(f + 1e-10);
		return (uint32_t)f;
	}
}

static uint32_t label_count(const struct ring *r, uint32_t node)
{
	uint32_t weight = r->nodes[node].weight;

	return weight ? ketama_labels(r->algo, weight, r->weight, r->live) : 0;
}

/* What of a name the label begins with. */
static size_t label_name_len(const struct ketama *row, const struct ring_node *node)
{
	size_t host = host_len(node);

	if (row->label == LABEL_HOST_AT_11211 && node->name_len - host == PORT_LEN &&
	    !memcmp(node->name + host, row->port, PORT_LEN))
		return host;
	return node->name_len;
}

enum { LABEL_BYTES_MAX = 1 + RING_NAME_BYTES_MAX + PORT_LEN + 1 + DECIMAL_BYTES_MAX };

/* The label of a node up to the number; returns its length. */
static size_t label_begin(char *label, const struct ketama *row, const struct ring_node *node)
{
	size_t len = 0, name_len = label_name_len(row, node);
	const char *name = node->name;

	if (row->label == LABEL_SLASH_PORT)
		label[len++] = '/';
	if (row->label == LABEL_STRIPPED_PORT && name_len && *name == '/') {
		name++;
		name_len--;
	}
	memcpy(label + len, name, name_len);
	len += name_len;
	if (row->label >= LABEL_PORT && host_len(node) == node->name_len) {
		memcpy(label + len, row->port, PORT_LEN);
		len += PORT_LEN;
	}
	label[len++] = '-';
	return len;
}

static int ketama_points(const struct ring *r, struct points_sink *sink)
{
	const struct ketama *row = ketama_row(r->algo);

	for (uint32_t i = 0; i < r->n; i++) {
		char label[LABEL_BYTES_MAX];
		size_t len = label_begin(label, row, &r->nodes[i]);
		uint32_t labels = label_count(r, i);

		for (uint32_t k = 0; k < labels; k++) {
			uint32_t word[WORDS];

			md5(label, len + put_decimal(label + len, k), word);
			for (uint32_t w = 0; w < row->words; w++)
				points_add(sink, (uint64_t)word[w] << 32, i);
		}
	}
	return RING_OK;
}

/* Hands n equal points, now in the order of the list, to whom the program gives them. */
static void settle(struct point *at, uint32_t n, const struct ketama *row, const struct ring *r)
{
	if (row->tie == TIE_LAST) {
		for (uint32_t i = 0; i < n; i++)
			at[i].node = at[n - 1].node;
		return;
	}
	for (uint32_t i = 1; i < n; i++) {
		struct point p = at[i];
		size_t len = label_name_len(row, &r->nodes[p.node]);
		uint32_t j = i;

		for (; j && label_name_len(row, &r->nodes[at[j - 1].node]) > len; j--)
			at[j] = at[j - 1];
		at[j] = p;
	}
}

static int ketama_build(struct ring *r)
{
	const struct ketama *row = ketama_row(r->algo);
	struct points *p = &r->points;
	uint64_t labels = 0;
	int rc;

	if (r->weight > row->weight_max)
		return RING_ENODES;
	for (uint32_t i = 0; i < r->n; i++)
		labels += label_count(r, i);
	rc = points_build(p, r, ketama_points, labels * row->words, false);
	if (rc != RING_OK || row->tie == TIE_FIRST)
		return rc;
	for (uint32_t i = 0, n; i < p->n; i += n) {
		for (n = 1; i + n < p->n && point_hash(&p->at[i + n]) == point_hash(&p->at[i]); n++)
			;
		settle(p->at + i, n, row, r);
	}
	p->at[p->n].node = p->at[0].node;
	return RING_OK;
}

static void hash_md5(const struct ring *r, const struct ring_key *keys, size_t n, uint64_t *hash)
{
	md5_batch(keys, n, hash, r->conf.cpu);
}

/* Python's bisect() passes by the points that equal the key. */
static void hash_md5_beyond(const struct ring *r, const struct ring_key *keys, size_t n, uint64_t *hash)
{
	md5_batch(keys, n, hash, r->conf.cpu);
	for (size_t i = 0; i < n; i++)
		hash[i]++;
}

static void hash_fnv(const struct ring *r, const struct ring_key *keys, size_t n, uint64_t *hash)
{
	(void)r;
	for (size_t i = 0; i < n; i++)
		hash[i] = (uint64_t)fnv1a_64_low(keys[i].p, keys[i].len) << 32;
}

static void explain_beyond(const struct ring *r, uint64_t hash, struct ring_why *why)
{
	points_algo_explain32(r, hash, why);
	why->text = why->point > why->hash ? "the first point after the hash"
					   : "no point after the hash: it wraps to the first of all";
}

#define KETAMA(NAME, SUMMARY, TRAITS, HASH, EXPLAIN) {                  \
	.name = NAME,                                                   \
	.summary = SUMMARY,                                             \
	.takes = "weights whose sum fits 32 bits (spymemcached: 31); couchbase none", \
	.traits = RING_COMPAT | (TRAITS),                               \
	.build = ketama_build,                                          \
	.release = points_algo_release,                                 \
	.hash = HASH,                                                   \
	.owner = points_algo_owner,                                     \
	.walk = points_algo_walk,                                       \
	.explain = EXPLAIN,                                             \
	.shares = points_algo_shares,                                   \
	.bytes = points_algo_bytes,                                     \
}

const struct ring_algo ring_algo_libmemcached =
	KETAMA("libmemcached", "libmemcached's weighted ketama; pylibmc, PHP's memcached",
	       RING_LISTED | RING_KETAMA | RING_EXCESS, hash_md5, points_algo_explain32);

const struct ring_algo ring_algo_libmemcached_spy =
	KETAMA("libmemcached-spy", "libmemcached's weighted ketama as it thinks spymemcached does it",
	       RING_LISTED | RING_KETAMA | RING_EXCESS, hash_md5, points_algo_explain32);

const struct ring_algo ring_algo_twemproxy =
	KETAMA("twemproxy", "twemproxy (nutcracker): ketama, keys by fnv1a_64",
	       RING_KETAMA | RING_EXCESS, hash_fnv, points_algo_explain32);

const struct ring_algo ring_algo_ketama =
	KETAMA("ketama", "last.fm's libketama, the first of the family",
	       RING_LISTED | RING_KETAMA | RING_EXCESS, hash_md5, points_algo_explain32);

const struct ring_algo ring_algo_spymemcached =
	KETAMA("spymemcached", "spymemcached's ketama, names as host/ip:port",
	       RING_LISTED | RING_KETAMA | RING_EXCESS, hash_md5, points_algo_explain32);

/* Always 40 labels: no node's depend on another's, so no change re-deals them. */
const struct ring_algo ring_algo_couchbase =
	KETAMA("couchbase", "Couchbase's clients on a memcached bucket (RFC 26)",
	       RING_LISTED | RING_UNWEIGHTED, hash_md5, points_algo_explain32);

const struct ring_algo ring_algo_uhashring =
	KETAMA("uhashring", "Python's uhashring with hash_fn='ketama'",
	       RING_LISTED | RING_EXCESS, hash_md5_beyond, explain_beyond);

const struct ring_algo ring_algo_hash_ring =
	KETAMA("hash-ring", "Python's hash_ring: three points a label",
	       RING_LISTED | RING_EXCESS, hash_md5_beyond, explain_beyond);

const struct ring_algo ring_algo_node_hashring =
	KETAMA("node-hashring", "npm's hashring",
	       RING_LISTED | RING_KETAMA | RING_EXCESS, hash_md5, points_algo_explain32);
