/* links: see links.h */
#include "lib/traffic/links.h"
#include "lib/base/err.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_ROOM = 64 };

void traffic_links_init(struct traffic_links *t, uint64_t seed)
{
	*t = (struct traffic_links){ .mask = FIRST_ROOM - 1, .seed = seed };
	t->link = must_calloc(FIRST_ROOM, sizeof(struct traffic_link *));
}

void traffic_links_release(struct traffic_links *t)
{
	for (size_t i = 0; i <= t->mask; i++)
		free(t->link[i]);
	free(t->link);
	*t = (struct traffic_links){ .link = NULL };
}

static uint64_t mix(uint64_t h, const char *name, size_t len)
{
	const uint64_t odd = UINT64_C(0x9e3779b97f4a7c15);
	uint64_t piece;

	h ^= len * odd;
	for (; len >= sizeof(piece); name += sizeof(piece), len -= sizeof(piece)) {
		memcpy(&piece, name, sizeof(piece));
		h = (h ^ piece) * odd;
		h ^= h >> 29;
	}
	piece = 0;
	for (size_t i = 0; i < len; i++)
		piece = piece << 8 | (unsigned char)name[i];
	h = (h ^ piece) * odd;
	return h ^ h >> 32;
}

static inline bool is(const struct traffic_link *l, uint64_t hash, const char *from, size_t from_len, const char *to,
		      size_t to_len)
{
	return l->hash == hash && l->from_len == from_len && l->to_len == to_len && !memcmp(l->names, from, from_len) &&
	       !memcmp(l->names + from_len, to, to_len);
}

void traffic_link_refresh(struct traffic_link *l, struct fault_net *net)
{
	l->version = fault_net_version(net);
	fault_net_settings(net, l->names, l->from_len, l->from_index, l->names + l->from_len, l->to_len, l->to_index,
			   &l->settings);
	l->perfect = fault_settings_none(&l->settings);
}

static struct traffic_link *link_new(struct traffic_links *t, struct fault_net *net, uint64_t hash, const char *from,
				     size_t from_len, const char *to, size_t to_len)
{
	struct traffic_link *l = must_calloc(1, sizeof(*l) + from_len + to_len);

	l->hash = hash;
	l->from_len = from_len;
	l->to_len = to_len;
	memcpy(l->names, from, from_len);
	memcpy(l->names + from_len, to, to_len);
	l->from_index = fault_net_node(net, from, from_len);
	l->to_index = fault_net_node(net, to, to_len);
	l->of_client = l->from_index < 0 || l->to_index < 0;
	fault_link_init(&l->model, t->seed, from, from_len, to, to_len);
	traffic_link_refresh(l, net);
	return l;
}

static void make_room(struct traffic_links *t)
{
	struct traffic_link **old = t->link;
	size_t mask = 2 * t->mask + 1;

	t->link = must_calloc(mask + 1, sizeof(struct traffic_link *));
	for (size_t i = 0; i <= t->mask; i++) {
		size_t at;

		if (!old[i])
			continue;
		for (at = old[i]->hash & mask; t->link[at]; at = (at + 1) & mask)
			;
		t->link[at] = old[i];
	}
	t->mask = mask;
	free(old);
}

struct traffic_link *traffic_links_get(struct traffic_links *t, struct fault_net *net, const char *from, size_t from_len,
				       const char *to, size_t to_len)
{
	uint64_t hash = mix(mix(t->seed, from, from_len), to, to_len);
	size_t at;

	for (at = hash & t->mask; t->link[at]; at = (at + 1) & t->mask)
		if (is(t->link[at], hash, from, from_len, to, to_len))
			return t->link[at];
	if (t->used >= TRAFFIC_LINKS_MAX && !(from_len == 1 && to_len == 1 && *from == '?' && *to == '?'))
		return traffic_links_get(t, net, "?", 1, "?", 1);
	if (t->used > t->mask / 2) {
		make_room(t);
		return traffic_links_get(t, net, from, from_len, to, to_len);
	}
	t->used++;
	return t->link[at] = link_new(t, net, hash, from, from_len, to, to_len);
}
