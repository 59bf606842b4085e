/*
 * links: the links that messages have used: a table by the names of both ends.  One that nothing was sent on is not
 * in it.
 */
#ifndef TRAFFIC_LINKS_H
#define TRAFFIC_LINKS_H

#include "lib/traffic/traffic.h"

struct traffic_link {
	uint64_t hash;
	uint64_t seq;                   /* of the message sent last */
	struct fault_link model;
	struct fault_settings settings; /* as of `version` */
	uint64_t version;
	bool perfect;                   /* the settings do nothing */
	bool elsewhere;                 /* its messages have had their faults */
	bool of_client;                 /* an end is no node, or both are not */
	int from_index, to_index;       /* of nodes; -1 */
	void *of;                       /* the caller's */
	size_t from_len, to_len;
	char names[];
};

struct traffic_links {
	struct traffic_link **link;     /* open addressing; at most half of it is used */
	size_t mask, used;
	uint64_t seed;
};

void traffic_links_init(struct traffic_links *, uint64_t seed);
void traffic_links_release(struct traffic_links *);

struct traffic_link *traffic_links_get(struct traffic_links *, struct fault_net *, const char *from, size_t from_len,
				       const char *to, size_t to_len);

void traffic_link_refresh(struct traffic_link *, struct fault_net *);

static inline struct trace_link traffic_link_names(const struct traffic_link *l)
{
	return (struct trace_link){ { l->names, l->from_len }, { l->names + l->from_len, l->to_len } };
}

/* Does nothing happen to what is sent on it now? */
static inline bool traffic_link_perfect(struct traffic_link *l, struct fault_net *net)
{
	if (l->version != fault_net_version(net))
		traffic_link_refresh(l, net);
	return l->perfect || l->elsewhere;
}

#endif
