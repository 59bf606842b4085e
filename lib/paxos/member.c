/*
 * member: join, promotion, leave, and letting in anew, one change at a time.
 *
 * Changes go through the log (paxos.h has why that is safe whatever they are). One at a time, and none before all that
 * phase 1 found is chosen: each is made from the one in force, and where another came before it in the log it is void.
 */
#include "lib/paxos/core.h"

#include <assert.h>
#include <string.h>

static uint64_t synced_of(const struct paxos *c, const struct paxos_peer *p)
{
	return (p ? p->synced_epoch : c->synced_epoch) == paxos_epoch(c);
}

static enum paxos_refusal may_change(const struct paxos *c)
{
	if (c->state != PAXOS_LEADS)
		return PAXOS_NOT_LEADER;
	if (paxos_transferring(c))
		return PAXOS_TRANSFERRING;
	if (c->chosen < c->found)
		return PAXOS_TOO_EARLY;
	/* Registers follow a change before the next one comes, or nobody might have them any more (sync.c). */
	if (paxos_config_pending(c) || !paxos_reach(c, paxos_in_force(c), PAXOS_PHASE_2, synced_of))
		return PAXOS_CHANGE_PENDING;
	return PAXOS_TAKEN;
}

/* was: whose vote it changes, as it was; NULL: nobody's. */
static enum paxos_refusal change(struct paxos *c, struct paxos_config *config, const struct paxos_member *was)
{
	config->version++;
	if (was) {
		config->epoch++;
		config->changed = *was;
	}
	if (was && paxos_quorums_wrong(&c->options.quorums, config))
		return PAXOS_QUORUMS;
	if (!paxos_append(c, PAXOS_ACCEPT_CONFIG, config))
		return PAXOS_LOG_FULL;
	paxos_replicate_all(c);
	return PAXOS_TAKEN;
}

/* --- What is asked for --- */

static enum paxos_refusal join(struct paxos *c, const char *name)
{
	struct paxos_config config = *paxos_config_latest(c);
	struct paxos_member *m;

	if (paxos_config_find(&config, name))
		return PAXOS_ALREADY;
	if (config.count == PAXOS_MEMBERS_MAX)
		return PAXOS_TOO_MANY;
	m = &config.member[config.count++];
	memset(m, 0, sizeof(*m));
	paxos_name_set(m->name, name);
	/* What it could never become it need not begin. */
	m->voter = true;
	if (paxos_quorums_wrong(&c->options.quorums, &config))
		return PAXOS_QUORUMS;
	m->voter = false;
	return change(c, &config, NULL);
}

void paxos_join(struct paxos *c, const char *name)
{
	assert(name[0]);
	c->out->refused = may_change(c);
	if (c->out->refused == PAXOS_TAKEN)
		c->out->refused = join(c, name);
}

/* Not when those who are left wait for us to be let in. */
static bool can_go_on(struct paxos *c, const struct paxos_config *config)
{
	uint64_t set = 0;

	for (uint32_t i = 0; i < config->count; i++) {
		const struct paxos_member *m = &config->member[i];
		const struct paxos_peer *p = paxos_peer_find(c, m->name);

		if (m->voter && (!p || p->answered) && paxos_counts(c, p, m))
			set |= UINT64_C(1) << i;
	}
	return paxos_is_quorum(c, config, PAXOS_PHASE_1, set) && paxos_is_quorum(c, config, PAXOS_PHASE_2, set);
}

static enum paxos_refusal leave(struct paxos *c, const char *name)
{
	struct paxos_config config = *paxos_config_latest(c);
	const struct paxos_member *m = paxos_config_find(&config, name);
	struct paxos_member was;
	uint32_t voters = 0;
	size_t at;

	if (!m)
		return PAXOS_NO_SUCH_MEMBER;
	for (uint32_t i = 0; i < config.count; i++)
		voters += config.member[i].voter;
	was = *m;
	if (was.voter && voters == 1)
		return PAXOS_LAST_VOTER;
	at = (size_t)(m - config.member);
	config.count--;
	memmove(&config.member[at], &config.member[at + 1], (config.count - at) * sizeof(*config.member));
	if (was.voter && !can_go_on(c, &config))
		return PAXOS_QUORUMS;
	return change(c, &config, was.voter ? &was : NULL);
}

void paxos_leave(struct paxos *c, const char *name)
{
	c->out->refused = may_change(c);
	if (c->out->refused == PAXOS_TAKEN)
		c->out->refused = leave(c, name);
}

/* --- What nobody has to ask for --- */

paxos_slot paxos_has(const struct paxos *c, const struct paxos_peer *p)
{
	if (p->chosen + 1 < c->from)
		return p->chosen;
	return p->match > p->chosen ? p->match : p->chosen;
}

/*
 * Rounds of replication, as Raft's (dissertation 4.2.1): a learner is ready once the last one took less than an election
 * timeout.
 */
void paxos_catch_up(struct paxos *c, struct paxos_peer *p)
{
	if (!p->learner || paxos_has(c, p) < p->catchup_slot)
		return;
	p->caught_up = c->now_ns - p->catchup_ns <= c->options.election_min_ns;
	p->catchup_slot = c->slots.last;
	p->catchup_ns = c->now_ns;
}

static bool set_member(struct paxos *c, const struct paxos_peer *p, bool voter, uint64_t incarnation)
{
	struct paxos_config config = *paxos_config_latest(c);
	struct paxos_member was = { .voter = false };

	for (uint32_t i = 0; i < config.count; i++) {
		if (!paxos_name_is(p->name, config.member[i].name))
			continue;
		was = config.member[i];
		config.member[i].voter = voter;
		config.member[i].incarnation = incarnation;
	}
	return change(c, &config, was.voter || voter ? &was : NULL) == PAXOS_TAKEN;
}

/*
 * A voter without its disk: not the incarnation that its vote was given to, and it says so.  Or a proposer that is no
 * acceptor, whose answers name no incarnation: it may have used its ballots before.
 */
static bool is_to_be_let_in(const struct paxos *c, const struct paxos_peer *p)
{
	const struct paxos_member *m = paxos_config_find(paxos_config_latest(c), p->name);

	if (!m || paxos_is_silent(c, p) || (!m->voter && p->incarnation))
		return false;
	if (m->incarnation && p->incarnation && p->incarnation != m->incarnation)
		return true;
	return p->let_in && m->incarnation != p->let_in && (p->incarnation == p->let_in || p->incarnation == 0);
}

/* Most of the time there is nobody. */
static bool may_need_change(const struct paxos_peer *p)
{
	return p->learner ? p->caught_up || p->let_in : p->let_in || p->unlike;
}

/* An acceptor that has caught up becomes a voter, as the incarnation that it is; one that lost its disk a learner. */
void paxos_tend(struct paxos *c)
{
	bool any = false;

	for (uint32_t i = 0; i < c->peers; i++)
		any |= may_need_change(&c->peer[i]);
	if (!any || may_change(c) != PAXOS_TAKEN)
		return;
	for (uint32_t i = 0; i < c->peers; i++) {
		struct paxos_peer *p = &c->peer[i];
		bool ready = p->learner && p->caught_up && !paxos_is_silent(c, p) && (p->incarnation || !p->unborn);

		if (ready && set_member(c, p, true, p->incarnation))
			return;
		if (!may_need_change(p))
			continue;
		if (is_to_be_let_in(c, p) && set_member(c, p, false, p->incarnation ? p->incarnation : p->let_in))
			return;
		p->unlike = paxos_is_silent(c, p) || is_to_be_let_in(c, p);
	}
}

/*
 * A removed leader goes on until that is chosen.  Then the others are told, and the one that has most is told to go
 * ahead, so that nobody waits for a timeout.
 */
void paxos_step_out(struct paxos *c)
{
	struct paxos_peer *next;

	if (c->state != PAXOS_LEADS || c->voter || paxos_config_pending(c) || c->chosen < c->found)
		return;
	/* One that is no acceptor may lead; a learner that will be a voter does not, for nobody else makes it one. */
	if (c->learner && !(c->options.roles & PAXOS_ACCEPTOR))
		return;
	next = paxos_best_voter(c);
	if (next)
		paxos_send_prepare_now(c, next);
	paxos_become_follower(c, "");
}
