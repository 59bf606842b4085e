/*
 * nginx: `hash KEY consistent` of its upstream module (the layout of
 * Cache::Memcached::Fast), 160 points for each unit of weight.
 *
 * A server's points are a chain of CRC-32: each is that of the host, a NUL, the
 * port and the point before it, little-endian (before the first: zeros).  A key
 * belongs to the first point at or after its CRC-32.  Points depend on nothing
 * but their server, so a change moves only what it must.
 */
#include "lib/ring/algo.h"
#include "lib/ring/hash.h"

#include <string.h>

enum { POINTS = 160 };

/*
 * Where the host ends and the port begins, as nginx splits them: at the last
 * colon if digits or nothing follow it.  A path after "unix:" is a host.
 */
static uint32_t server_crc(const struct ring_node *node)
{
	const char *name = node->name;
	size_t len = node->name_len, colon = len;
	uint32_t crc;

	if (len >= 5 && (name[0] | 32) == 'u' && (name[1] | 32) == 'n' && (name[2] | 32) == 'i' &&
	    (name[3] | 32) == 'x' && name[4] == ':')
		return crc32_ieee(crc32_ieee(0, name + 5, len - 5), "", 1);
	while (colon && name[colon - 1] >= '0' && name[colon - 1] <= '9')
		colon--;
	if (!colon || name[colon - 1] != ':')
		return crc32_ieee(crc32_ieee(0, name, len), "", 1);
	crc = crc32_ieee(crc32_ieee(0, name, colon - 1), "", 1);
	return crc32_ieee(crc, name + colon, len - colon);
}

static int nginx_points(const struct ring *r, struct points_sink *sink)
{
	for (uint32_t i = 0; i < r->n; i++) {
		uint32_t base = server_crc(&r->nodes[i]), point = 0, n = r->nodes[i].weight * POINTS;

		for (uint32_t j = 0; j < n; j++) {
			uint8_t before[4] = { (uint8_t)point, (uint8_t)(point >> 8), (uint8_t)(point >> 16),
					      (uint8_t)(point >> 24) };

			point = crc32_ieee(base, before, sizeof before);
			points_add(sink, (uint64_t)point << 32, i);
		}
	}
	return RING_OK;
}

/* Of equal points nginx keeps the first listed server's, and drops the others. */
static int nginx_build(struct ring *r)
{
	return points_build(&r->points, r, nginx_points, r->weight * POINTS, true);
}

static void nginx_hash(const struct ring *r, const struct ring_key *keys, size_t n, uint64_t *hash)
{
	(void)r;
	for (size_t i = 0; i < n; i++)
		hash[i] = (uint64_t)crc32_ieee(0, keys[i].p, keys[i].len) << 32;
}

const struct ring_algo ring_algo_nginx = {
	.name = "nginx",
	.summary = "nginx, `hash KEY consistent`; Cache::Memcached::Fast",
	.traits = RING_COMPAT | RING_LISTED,
	.build = nginx_build,
	.release = points_algo_release,
	.hash = nginx_hash,
	.owner = points_algo_owner,
	.walk = points_algo_walk,
	.explain = points_algo_explain32,
	.shares = points_algo_shares,
	.bytes = points_algo_bytes,
};
