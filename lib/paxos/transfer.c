/*
 * transfer: leadership handed to another acceptor (as Raft's, dissertation 3.10).
 *
 * The leader takes no more proposals, waits until the target has all, and tells it to prepare now; its higher ballot
 * then ends the old leader's time.  If an election timeout passes without that, the leader takes proposals again. A
 * prepare_now that arrives later only means another ballot.
 */
#include "lib/paxos/core.h"

#include <assert.h>

bool paxos_transferring(const struct paxos *c)
{
	return c->transferring.target[0] != '\0';
}

/* One that could lead with its own vote. */
static bool may_lead(const struct paxos *c, const struct paxos_peer *p)
{
	const struct paxos_member *m = paxos_config_find(paxos_config_latest(c), p->name);

	return m && m->voter && paxos_counts(c, p, m);
}

struct paxos_peer *paxos_best_voter(struct paxos *c)
{
	struct paxos_peer *best = NULL;

	for (uint32_t i = 0; i < c->peers; i++) {
		struct paxos_peer *p = &c->peer[i];

		if (may_lead(c, p) && !paxos_is_silent(c, p) && (!best || p->match > best->match))
			best = p;
	}
	return best;
}

void paxos_send_prepare_now(struct paxos *c, const struct paxos_peer *p)
{
	paxos_send(c, p->name, PAXOS_PREPARE_NOW)->ballot = c->ballot;
	c->transferring.ever_told = true;
}

static enum paxos_refusal transfer(struct paxos *c, const char *name)
{
	struct paxos_peer *p = name[0] ? paxos_peer_find(c, name) : paxos_best_voter(c);

	if (c->state != PAXOS_LEADS)
		return PAXOS_NOT_LEADER;
	if (paxos_name_is(c->id, name))
		return PAXOS_ALREADY;
	if (name[0] && (!p || !p->member))
		return PAXOS_NO_SUCH_MEMBER;
	if (!p || !may_lead(c, p))
		return PAXOS_NO_TARGET;
	if (paxos_transferring(c))
		return paxos_name_is(c->transferring.target, p->name) ? PAXOS_TAKEN : PAXOS_TRANSFERRING;
	paxos_name_set(c->transferring.target, p->name);
	c->transferring.until_ns = c->now_ns + c->options.election_max_ns;
	c->transferring.told = false;
	paxos_transfer_advance(c);
	return PAXOS_TAKEN;
}

void paxos_transfer(struct paxos *c, const char *name)
{
	c->out->refused = transfer(c, name);
}

/* Not before it has all, so that nobody waits for what it would have to fetch. */
void paxos_transfer_advance(struct paxos *c)
{
	struct paxos_peer *p;

	if (!paxos_transferring(c) || c->transferring.told)
		return;
	p = paxos_peer_find(c, c->transferring.target);
	if (!p || paxos_has(c, p) < c->slots.last)
		return;
	c->transferring.told = true;
	paxos_send_prepare_now(c, p);
}

void paxos_transfer_heartbeat(struct paxos *c)
{
	struct paxos_peer *p = NULL;

	if (paxos_transferring(c) && c->transferring.told)
		p = paxos_peer_find(c, c->transferring.target);
	if (p)
		paxos_send_prepare_now(c, p);
}

void paxos_transfer_tick(struct paxos *c)
{
	if (paxos_transferring(c) && c->now_ns >= c->transferring.until_ns)
		paxos_transfer_end(c, true);
}

void paxos_transfer_end(struct paxos *c, bool failed)
{
	if (paxos_transferring(c) && failed)
		c->out->transfer_failed = true;
	c->transferring.target[0] = '\0';
	c->transferring.told = false;
}

/* Nobody is asked first, and acceptors need not wait until they hear nothing of that leader. */
void paxos_recv_prepare_now(struct paxos *c, const struct paxos_message *m)
{
	if (m->ballot.round == 0 || paxos_ballot_cmp(&m->ballot, &c->promised) < 0 || !paxos_obey(c, m))
		return;
	c->quiet_until_ns = 0;
	if (paxos_may_campaign(c))
		paxos_campaign(c, &m->ballot);
}
