/*
 * config: the configurations in the log, and the table of peers that follows the latest.
 *
 * Raft 6: "a server always uses the latest configuration in its log, regardless of whether the entry is
 * committed." So an entry takes effect when it is appended, and a truncation rolls it back. Older ones are
 * kept as far as a snapshot may still have to name them.
 */
#include "lib/raft/core.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* --- Peers --- */

struct raft_peer *raft_peer_find(struct raft *r, const char *name)
{
	for (uint32_t i = 0; i < r->peers; i++)
		if (raft_name_is(r->peer[i].name, name))
			return &r->peer[i];
	return NULL;
}

void raft_peer_drop(struct raft *r, struct raft_peer *p)
{
	free(p->flight);
	*p = r->peer[--r->peers];
}

/* Only those on their way out can make the table too small: the first of them goes. */
static struct raft_peer *peer_add(struct raft *r, const char *name)
{
	struct raft_peer *p;

	for (uint32_t i = r->peers; r->peers == RAFT_PEERS_MAX && i-- > 0;)
		if (!r->peer[i].member && r->peer[i].leaving_index > 0)
			raft_peer_drop(r, &r->peer[i]);
	assert(r->peers < RAFT_PEERS_MAX);
	p = &r->peer[r->peers++];
	memset(p, 0, sizeof(*p));
	raft_name_set(p->name, name);
	p->flight = calloc(r->options.window_messages, sizeof(*p->flight));
	assert(p->flight);
	p->heard_ns = p->catchup_ns = r->now_ns;
	p->catchup_index = r->log.last;
	raft_follow(r, p, RAFT_PROBE, r->log.last + 1);
	return p;
}

/*
 * A leader goes on telling a server that it removed, until it knows (dissertation 4.2.3 has why it would
 * disturb else); `since` is the entry that did it.
 */
static void peer_leave(struct raft *r, struct raft_peer *p, raft_index since)
{
	p->voter = false;
	if (r->state != RAFT_IS_LEADER)
		raft_peer_drop(r, p);
	else if (p->leaving_index == 0)
		p->leaving_index = since;
}

/* Makes voters, and the table of peers, those of the latest configuration. */
static void use_latest(struct raft *r)
{
	const struct raft_config_entry *latest = &r->config[r->configs - 1];
	const struct raft_member *self = raft_config_find(latest->config, r->id);

	r->voter = self && self->voter;
	r->learner = self && !self->voter;
	for (uint32_t i = 0; i < r->peers; i++)
		r->peer[i].member = false;
	for (uint32_t i = 0; i < latest->config->count; i++) {
		const struct raft_member *m = &latest->config->member[i];
		struct raft_peer *p = raft_peer_find(r, m->name);

		if (raft_name_is(r->id, m->name) || (p && p->member))
			continue;
		if (!p)
			p = peer_add(r, m->name);
		p->member = true;
		p->voter = m->voter;
		p->leaving_index = 0;
		p->leaving_heartbeats = 0;
	}
	for (uint32_t i = r->peers; i-- > 0;)
		if (!r->peer[i].member)
			peer_leave(r, &r->peer[i], latest->index);
	r->voters = r->voter;
	for (uint32_t i = 0; i < r->peers; i++)
		r->voters += r->peer[i].voter;
}

/* --- Configurations --- */

const struct raft_member *raft_config_find(const struct raft_config *config, const char *name)
{
	for (uint32_t i = 0; i < config->count; i++)
		if (strcmp(config->member[i].name, name) == 0)
			return &config->member[i];
	return NULL;
}

static void push(struct raft *r, raft_index index, const struct raft_config *config)
{
	struct raft_config *copy = malloc(sizeof(*copy));

	assert(copy);
	assert(config->count <= RAFT_MEMBERS_MAX);
	*copy = *config;
	if (r->configs == r->config_room) {
		r->config_room = r->config_room ? 2 * r->config_room : 4;
		r->config = realloc(r->config, r->config_room * sizeof(*r->config));
		assert(r->config);
	}
	r->config[r->configs++] = (struct raft_config_entry){ index, copy };
}

void raft_config_push(struct raft *r, raft_index index, const struct raft_config *config)
{
	push(r, index, config);
	use_latest(r);
}

void raft_config_truncate(struct raft *r, raft_index from)
{
	if (r->config[r->configs - 1].index < from)
		return;
	while (r->configs > 1 && r->config[r->configs - 1].index >= from)
		free(r->config[--r->configs].config);
	assert(r->committed < r->configs);
	use_latest(r);
}

void raft_config_reset(struct raft *r, raft_index index, const struct raft_config *config)
{
	size_t was = r->configs;

	push(r, index, config);
	for (size_t i = 0; i < was; i++)
		free(r->config[i].config);
	r->config[0] = r->config[was];
	r->configs = 1;
	r->committed = 0;
	use_latest(r);
}

void raft_config_install(struct raft *r, raft_index index, const struct raft_config *config)
{
	size_t gone = 0;

	while (gone < r->configs && r->config[gone].index <= index)
		free(r->config[gone++].config);
	push(r, index, config);
	assert(gone > 0);
	r->config[gone - 1] = r->config[--r->configs];
	memmove(r->config, r->config + gone - 1, (r->configs - gone + 1) * sizeof(*r->config));
	r->configs -= gone - 1;
	r->committed = 0;
	use_latest(r);
}

void raft_config_compact(struct raft *r, raft_index index)
{
	size_t gone = 0;

	while (gone < r->committed && r->config[gone + 1].index <= index)
		free(r->config[gone++].config);
	memmove(r->config, r->config + gone, (r->configs - gone) * sizeof(*r->config));
	r->configs -= gone;
	r->committed -= gone;
}

void raft_config_commit(struct raft *r)
{
	while (r->committed + 1 < r->configs && r->config[r->committed + 1].index <= r->commit) {
		r->committed++;
		r->out->config_changed = true;
	}
}

bool raft_config_pending(const struct raft *r)
{
	return r->committed + 1 < r->configs;
}

const struct raft_config *raft_config_latest(const struct raft *r)
{
	return r->config[r->configs - 1].config;
}

const struct raft_config *raft_config_committed(const struct raft *r)
{
	return r->config[r->committed].config;
}

const struct raft_config *raft_config_at(const struct raft *r, raft_index index)
{
	size_t i = r->configs - 1;

	while (i > 0 && r->config[i].index > index)
		i--;
	return r->config[i].config;
}
