/*
 * member: join, promotion and leave, one server at a time (dissertation 4.1, 4.2).
 *
 * "Majorities of the old and new configurations overlap" only while one server comes or goes at once: so a
 * change waits until the one before is committed, and until an entry of this term is, or two leaders could
 * have changes under way that do not see each other (Ongaro's note of 2015, "bug in single-server
 * membership changes").
 */
#include "lib/raft/core.h"

#include <assert.h>
#include <string.h>

static enum raft_refusal may_change(const struct raft *r)
{
	if (r->state != RAFT_IS_LEADER)
		return RAFT_NOT_LEADER;
	if (raft_transferring(r))
		return RAFT_TRANSFERRING;
	if (r->commit < r->term_start)
		return RAFT_TOO_EARLY;
	return raft_config_pending(r) ? RAFT_CHANGE_PENDING : RAFT_TAKEN;
}

static enum raft_refusal change(struct raft *r, const struct raft_config *config)
{
	if (!raft_append(r, RAFT_APPEND_CONFIG, config))
		return RAFT_LOG_FULL;
	raft_replicate_all(r);
	return RAFT_TAKEN;
}

/* 4.2.1: a new server first gets the log as a "non-voting member": it may have far to go. */
static enum raft_refusal join(struct raft *r, const char *name)
{
	struct raft_config config = *raft_config_latest(r);
	struct raft_member *m;

	if (raft_config_find(&config, name))
		return RAFT_ALREADY;
	if (config.count == RAFT_MEMBERS_MAX)
		return RAFT_TOO_MANY;
	m = &config.member[config.count++];
	memset(m, 0, sizeof(*m));
	raft_name_set(m->name, name);
	return change(r, &config);
}

void raft_join(struct raft *r, const char *name)
{
	assert(name[0]);
	r->out->refused = may_change(r);
	if (r->out->refused == RAFT_TAKEN)
		r->out->refused = join(r, name);
}

static enum raft_refusal leave(struct raft *r, const char *name)
{
	struct raft_config config = *raft_config_latest(r);
	const struct raft_member *m = raft_config_find(&config, name);
	size_t at;

	if (!m)
		return RAFT_NO_SUCH_MEMBER;
	if (m->voter && r->voters == 1)
		return RAFT_LAST_VOTER;
	at = (size_t)(m - config.member);
	config.count--;
	memmove(&config.member[at], &config.member[at + 1], (config.count - at) * sizeof(*config.member));
	return change(r, &config);
}

void raft_leave(struct raft *r, const char *name)
{
	r->out->refused = may_change(r);
	if (r->out->refused == RAFT_TAKEN)
		r->out->refused = leave(r, name);
}

/*
 * 4.2.1: "each round replicates all the log entries present in the leader's log at the start of the round
 * ... if the last round lasts less than an election timeout, then the leader adds the new server".
 */
void raft_catch_up(struct raft *r, struct raft_peer *p)
{
	if (p->voter || p->match < p->catchup_index)
		return;
	p->caught_up = r->now_ns - p->catchup_ns <= r->options.election_min_ns;
	p->catchup_index = r->log.last;
	p->catchup_ns = r->now_ns;
}

/* The first learner that has caught up, and answers, becomes a voter. */
void raft_promote(struct raft *r)
{
	struct raft_config config;
	const struct raft_peer *p = NULL;

	if (r->out->append != RAFT_APPEND_NONE || may_change(r) != RAFT_TAKEN)
		return;
	for (uint32_t i = 0; i < r->peers && !p; i++)
		if (r->peer[i].member && !r->peer[i].voter && r->peer[i].caught_up &&
		    !raft_is_silent(r, &r->peer[i]))
			p = &r->peer[i];
	if (!p)
		return;
	config = *raft_config_latest(r);
	for (uint32_t i = 0; i < config.count; i++)
		if (raft_name_is(p->name, config.member[i].name))
			config.member[i].voter = true;
	/* A full log takes no change: then it stays as it is. */
	if (raft_append(r, RAFT_APPEND_CONFIG, &config))
		raft_replicate_all(r);
}

/*
 * 4.2.2: a removed leader manages a cluster of which it is no part, "it does not count itself in
 * majorities", and "steps down once the Cnew entry is committed". Its followers are told of the commit, and
 * the one that has most is told to go ahead, so that nobody waits for a timeout.
 */
void raft_step_out(struct raft *r)
{
	struct raft_peer *next;

	if (r->voter || r->commit < r->term_start || raft_config_pending(r))
		return;
	next = raft_best_voter(r);
	if (next)
		raft_send_timeout_now(r, next);
	raft_become_follower(r, r->term, "");
}
