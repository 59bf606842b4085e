/*
 * config: the configurations in the log, and the table of peers that follows those that may be in force.
 *
 * The one in force for the first unchosen slot, and those accepted behind it that may come into force: paxos.h says why a
 * candidate asks a quorum of each, and which are void.  One that is accepted gives way if its slot is accepted with another
 * value.  Older ones are kept as far as a snapshot may still have to name them.
 */
#include "lib/paxos/core.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* --- Peers --- */

struct paxos_peer *paxos_peer_find(struct paxos *c, const char *name)
{
	for (uint32_t i = 0; i < c->peers; i++)
		if (paxos_name_is(c->peer[i].name, name))
			return &c->peer[i];
	return NULL;
}

static void seat_all(struct paxos *c)
{
	for (size_t k = c->chosen_config; k < c->configs; k++) {
		struct paxos_config_entry *e = &c->config[k];

		for (uint32_t i = 0; i < e->config->count; i++) {
			const struct paxos_peer *p = paxos_peer_find(c, e->config->member[i].name);

			e->seat[i] = (int16_t)(p ? p - c->peer : PAXOS_SELF);
		}
	}
}

static void drop(struct paxos *c, struct paxos_peer *p)
{
	free(p->flight);
	*p = c->peer[--c->peers];
}

void paxos_peer_drop(struct paxos *c, struct paxos_peer *p)
{
	drop(c, p);
	seat_all(c);
}

/* Only those on their way out can make the table too small: the first of them goes. */
static struct paxos_peer *add(struct paxos *c, const char *name)
{
	struct paxos_peer *p;

	for (uint32_t i = c->peers; c->peers == PAXOS_PEERS_MAX && i-- > 0;)
		if (!c->peer[i].member)
			drop(c, &c->peer[i]);
	assert(c->peers < PAXOS_PEERS_MAX);
	p = &c->peer[c->peers++];
	memset(p, 0, sizeof(*p));
	paxos_name_set(p->name, name);
	p->flight = calloc(c->options.window_messages, sizeof(*p->flight));
	assert(p->flight);
	p->heard_ns = p->catchup_ns = c->now_ns;
	p->catchup_slot = c->slots.last;
	if (c->state == PAXOS_LEADS) {
		p->match = c->from - 1;
		p->next = c->from;
	}
	return p;
}

/* A leader goes on telling a node that it removed, until it knows; `since` is the slot that did it. */
static void leave(struct paxos *c, struct paxos_peer *p, paxos_slot since)
{
	p->voter = p->learner = false;
	if (c->state != PAXOS_LEADS)
		drop(c, p);
	else if (p->leaving_slot == 0)
		p->leaving_slot = since;
}

static void use_members(struct paxos *c, const struct paxos_config_entry *e, bool latest)
{
	for (uint32_t i = 0; i < e->config->count; i++) {
		const struct paxos_member *m = &e->config->member[i];
		struct paxos_peer *p;

		if (paxos_name_is(c->id, m->name)) {
			c->voter |= m->voter;
			c->learner |= latest && !m->voter;
			continue;
		}
		p = paxos_peer_find(c, m->name);
		if (!p)
			p = add(c, m->name);
		p->member = true;
		p->voter |= m->voter;
		p->learner = latest && !m->voter;
		p->leaving_slot = 0;
		p->leaving_heartbeats = 0;
	}
}

/* Makes the table of peers that of all configurations that may be in force. */
static void use_all(struct paxos *c)
{
	c->voter = c->learner = false;
	for (uint32_t i = 0; i < c->peers; i++)
		c->peer[i].member = c->peer[i].voter = c->peer[i].learner = false;
	for (size_t k = c->chosen_config; k < c->configs; k++)
		use_members(c, &c->config[k], k + 1 == c->configs);
	for (uint32_t i = c->peers; i-- > 0;)
		if (!c->peer[i].member)
			leave(c, &c->peer[i], c->config[c->configs - 1].slot);
	seat_all(c);
	/* There are others to ask now, whether they know us. */
	if (!c->born && c->peers && c->hello_ns == 0 && (c->options.roles & (PAXOS_ACCEPTOR | PAXOS_PROPOSER)))
		c->hello_ns = c->now_ns + 1;
}

/* --- Configurations --- */

const struct paxos_member *paxos_config_find(const struct paxos_config *config, const char *name)
{
	for (uint32_t i = 0; i < config->count; i++)
		if (strcmp(config->member[i].name, name) == 0)
			return &config->member[i];
	return NULL;
}

static struct paxos_config *copy_of(const struct paxos_config *config)
{
	struct paxos_config *copy = malloc(sizeof(*copy));

	assert(copy);
	assert(config->count <= PAXOS_MEMBERS_MAX);
	*copy = *config;
	return copy;
}

/* Made from that one; of before there were versions, any. */
static bool follows(const struct paxos_config *config, const struct paxos_config *before)
{
	return config->version == before->version + (config->version > 0);
}

/* Whether it may come into force somewhere behind that one: versions do not fall. */
static bool may_follow(const struct paxos_config *config, const struct paxos_config *before)
{
	return config->version > before->version || follows(config, before);
}

/* At its place by slot, which is behind the base. */
static void insert(struct paxos *c, paxos_slot slot, const struct paxos_config *config)
{
	size_t at = c->configs;

	c->config = paxos_grow(c->config, c->configs, &c->config_room, sizeof(*c->config));
	while (at > 0 && c->config[at - 1].slot > slot)
		at--;
	memmove(&c->config[at + 1], &c->config[at], (c->configs - at) * sizeof(*c->config));
	c->config[at] = (struct paxos_config_entry){ .slot = slot, .config = copy_of(config) };
	c->configs++;
}

static bool take_away(struct paxos *c, paxos_slot slot, paxos_slot last)
{
	size_t kept = c->chosen_config + 1;

	for (size_t i = kept; i < c->configs; i++) {
		if (c->config[i].slot >= slot && c->config[i].slot <= last)
			free(c->config[i].config);
		else
			c->config[kept++] = c->config[i];
	}
	if (kept == c->configs)
		return false;
	c->configs = kept;
	return true;
}

/* While the log is loaded nothing is known to be chosen, so the base alone is. */
void paxos_config_set(struct paxos *c, paxos_slot slot, uint32_t count, const struct paxos_value *values)
{
	bool changed = c->config[c->configs - 1].slot >= slot && take_away(c, slot, slot + count - 1);

	for (uint32_t i = 0; i < count && values; i++) {
		if (!values[i].config || !may_follow(values[i].config, paxos_in_force(c)->config))
			continue;
		insert(c, slot + i, values[i].config);
		changed = true;
	}
	if (changed)
		use_all(c);
}

void paxos_config_reset(struct paxos *c, paxos_slot slot, const struct paxos_config *config)
{
	size_t was = c->configs;
	struct paxos_config *copy = copy_of(config);

	for (size_t i = 0; i < was; i++)
		free(c->config[i].config);
	c->configs = c->chosen_config = 0;
	c->config = paxos_grow(c->config, 0, &c->config_room, sizeof(*c->config));
	c->config[c->configs++] = (struct paxos_config_entry){ .slot = slot, .config = copy };
	use_all(c);
}

/* Those that cannot come into force any more. */
static void drop_void(struct paxos *c)
{
	const struct paxos_config *now = paxos_in_force(c)->config;
	size_t was = c->configs, kept = c->chosen_config + 1;

	for (size_t i = kept; i < was; i++) {
		if (may_follow(c->config[i].config, now))
			c->config[kept++] = c->config[i];
		else
			free(c->config[i].config);
	}
	c->configs = kept;
}

/* The one of a snapshot takes the place of those up to its slot. */
void paxos_config_install(struct paxos *c, paxos_slot slot, const struct paxos_config *config)
{
	uint64_t before = paxos_in_force(c)->config->epoch;
	size_t gone = 0;

	while (gone < c->configs && c->config[gone].slot <= slot)
		free(c->config[gone++].config);
	assert(gone > 0);
	c->config[gone - 1] = (struct paxos_config_entry){ .slot = slot, .config = copy_of(config) };
	c->configs -= gone - 1;
	memmove(c->config, c->config + gone - 1, c->configs * sizeof(*c->config));
	c->chosen_config = 0;
	drop_void(c);
	use_all(c);
	paxos_epoch_begins(c, before);
}

void paxos_config_compact(struct paxos *c, paxos_slot slot)
{
	size_t gone = 0;

	while (gone < c->chosen_config && c->config[gone + 1].slot <= slot)
		free(c->config[gone++].config);
	c->configs -= gone;
	c->chosen_config -= gone;
	memmove(c->config, c->config + gone, c->configs * sizeof(*c->config));
}

void paxos_config_choose(struct paxos *c)
{
	uint64_t before = paxos_in_force(c)->config->epoch;
	size_t was = c->chosen_config, known = c->configs;

	while (paxos_config_pending(c) && c->config[c->chosen_config + 1].slot <= c->chosen) {
		const struct paxos_config_entry *next = &c->config[c->chosen_config + 1];

		if (follows(next->config, paxos_in_force(c)->config))
			c->chosen_config++;
		else
			take_away(c, next->slot, next->slot);
		drop_void(c);
	}
	if (c->chosen_config == was && c->configs == known)
		return;
	use_all(c);
	if (c->chosen_config == was)
		return;
	c->out->config_changed = true;
	paxos_epoch_begins(c, before);
}

bool paxos_config_pending(const struct paxos *c)
{
	return c->chosen_config + 1 < c->configs;
}
