/*
 * redis: Redis Cluster (Redis 3 and later, Valkey), 16384 slots.
 *
 * A key's slot is its CRC-16 mod 16384, or that of its tag: what is between the
 * first '{' and the next '}', if that is not nothing.  Which master has a slot
 * is a matter of the cluster's history; here it is what `redis-cli --cluster
 * create` makes of a list of masters: contiguous ranges, dealt to the hosts in
 * turn, so that neighbours are on different machines.
 */
#include "lib/ring/compat.h"
#include "lib/ring/hash.h"
#include "lib/ring/maglev.h"

#include <stdlib.h>
#include <string.h>

enum { SLOTS = 16384 };

/* Lists of nodes by host, in the order of the first node of each. */
struct hosts {
	uint32_t *head, *tail, *crc;    /* of a host */
	uint32_t *next;                 /* of a node */
	uint32_t n;
};

static bool same_host(const struct ring_node *a, const struct ring_node *b)
{
	return host_len(a) == host_len(b) && !memcmp(a->name, b->name, host_len(a));
}

static void hosts_add(struct hosts *h, const struct ring_node *nodes, uint32_t node)
{
	uint32_t crc = crc32_ieee(0, nodes[node].name, host_len(&nodes[node])), i = 0;

	while (i < h->n && (h->crc[i] != crc || !same_host(&nodes[h->head[i]], &nodes[node])))
		i++;
	h->next[node] = RING_NONE;
	if (i < h->n) {
		h->next[h->tail[i]] = node;
	} else {
		h->crc[i] = crc;
		h->head[i] = node;
		h->n++;
	}
	h->tail[i] = node;
}

/* One node of each host in turn, until the hosts have no more. */
static void hosts_interleave(struct hosts *h, uint32_t *order)
{
	while (h->n) {
		uint32_t left = 0;

		for (uint32_t i = 0; i < h->n; i++) {
			*order++ = h->head[i];
			h->head[i] = h->next[h->head[i]];
			if (h->head[i] != RING_NONE)
				h->head[left++] = h->head[i];
		}
		h->n = left;
	}
}

/*
 * The ranges of clusterManagerCommandCreate: a cursor in float, lround, and all
 * that is left for the last.
 */
static void deal_slots(uint32_t *slot, const uint32_t *order, uint32_t n)
{
	const float share = SLOTS / (float)n;
	float cursor = 0.0f;
	uint32_t first = 0;

	for (uint32_t i = 0; i < n && first < SLOTS; i++) {
		float f = cursor + share - 1;
		uint32_t last = (uint32_t)f;

		last += f - (float)last >= 0.5f;
		if (last >= SLOTS || i == n - 1)
			last = SLOTS - 1;
		do
			slot[first++] = order[i];
		while (first <= last);
		cursor += share;
	}
}

static int redis_build(struct ring *r)
{
	uint32_t *order, *scratch;
	struct hosts hosts = { 0 };

	if (r->live > SLOTS)            /* a master without a slot is none */
		return RING_ENODES;
	scratch = calloc(r->n + (size_t)4 * r->live, sizeof *scratch);
	r->maglev.entry = malloc(SLOTS * sizeof *r->maglev.entry);
	r->maglev.size = SLOTS;
	if (!scratch || !r->maglev.entry) {
		free(scratch);
		return RING_ENOMEM;     /* ring_new releases the table */
	}
	hosts.next = scratch;
	hosts.head = hosts.next + r->n;
	hosts.tail = hosts.head + r->live;
	hosts.crc = hosts.tail + r->live;
	order = hosts.crc + r->live;
	for (uint32_t i = 0; i < r->n; i++)
		if (r->nodes[i].weight)
			hosts_add(&hosts, r->nodes, i);
	hosts_interleave(&hosts, order);
	deal_slots(r->maglev.entry, order, r->live);
	free(scratch);
	return RING_OK;
}

static uint64_t key_slot(const uint8_t *p, size_t len)
{
	const uint8_t *open = len ? memchr(p, '{', len) : NULL, *close;

	if (open) {
		open++;
		close = memchr(open, '}', len - (size_t)(open - p));
		if (close && close > open)
			return crc16_xmodem(open, (size_t)(close - open)) % SLOTS;
	}
	return crc16_xmodem(p, len) % SLOTS;
}

static void redis_hash(const struct ring *r, const struct ring_key *keys, size_t n, uint64_t *hash)
{
	(void)r;
	for (size_t i = 0; i < n; i++)
		hash[i] = key_slot(keys[i].p, keys[i].len);
}

static void redis_explain(const struct ring *r, uint64_t hash, struct ring_why *why)
{
	maglev_algo_explain(r, hash, why);
	why->hash_bits = 14;
	why->hash = why->slot;
	why->text = "the master of the slot";
}

const struct ring_algo ring_algo_redis = {
	.name = "redis",
	.summary = "Redis Cluster's slots, dealt as `redis-cli --cluster create` does",
	.takes = "at most 16384 nodes, and no weights",
	.traits = RING_COMPAT | RING_LISTED | RING_EXCESS | RING_UNWEIGHTED,
	.build = redis_build,
	.release = maglev_algo_release,
	.hash = redis_hash,
	.owner = maglev_algo_owner,
	.explain = redis_explain,
	.shares = maglev_algo_shares,
	.at = maglev_algo_at,
	.bytes = maglev_algo_bytes,
};
