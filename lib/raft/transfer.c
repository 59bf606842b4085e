/*
 * transfer: leadership handed to another voter (dissertation 3.10).
 *
 * "The prior leader stops accepting new client requests", brings the target up to date, and tells it to
 * time out now; the target's higher term then ends the old leader's office. If an election timeout passes
 * without that, the leader takes requests again. A timeout_now that arrives later only means another
 * election.
 */
#include "lib/raft/core.h"

#include <assert.h>

bool raft_transferring(const struct raft *r)
{
	return r->transfer.target[0] != '\0';
}

struct raft_peer *raft_best_voter(struct raft *r)
{
	struct raft_peer *best = NULL;

	for (uint32_t i = 0; i < r->peers; i++) {
		struct raft_peer *p = &r->peer[i];

		if (p->voter && !raft_is_silent(r, p) && (!best || p->match > best->match))
			best = p;
	}
	return best;
}

void raft_send_timeout_now(struct raft *r, const struct raft_peer *p)
{
	raft_send(r, p->name, RAFT_TIMEOUT_NOW);
	r->transfer.ever_told = true;
}

static enum raft_refusal transfer(struct raft *r, const char *name)
{
	struct raft_peer *p = name[0] ? raft_peer_find(r, name) : raft_best_voter(r);

	if (r->state != RAFT_IS_LEADER)
		return RAFT_NOT_LEADER;
	if (raft_name_is(r->id, name))
		return RAFT_ALREADY;
	if (name[0] && (!p || !p->member))
		return RAFT_NO_SUCH_MEMBER;
	if (!p || !p->voter)
		return RAFT_NO_TARGET;
	if (raft_transferring(r))
		return raft_name_is(r->transfer.target, p->name) ? RAFT_TAKEN : RAFT_TRANSFERRING;
	raft_name_set(r->transfer.target, p->name);
	r->transfer.until_ns = r->now_ns + r->options.election_max_ns;
	r->transfer.told = false;
	raft_transfer_advance(r);
	return RAFT_TAKEN;
}

void raft_transfer(struct raft *r, const char *name)
{
	r->out->refused = transfer(r, name);
}

/* "The leader ... replicates its log to the target", so that the target's log wins: not before it has all. */
void raft_transfer_advance(struct raft *r)
{
	struct raft_peer *p;

	if (!raft_transferring(r) || r->transfer.told)
		return;
	p = raft_peer_find(r, r->transfer.target);
	if (!p || p->match < r->log.last)
		return;
	r->transfer.told = true;
	raft_send_timeout_now(r, p);
}

void raft_transfer_heartbeat(struct raft *r)
{
	struct raft_peer *p = raft_transferring(r) && r->transfer.told ? raft_peer_find(r, r->transfer.target) : NULL;

	if (p)
		raft_send_timeout_now(r, p);
}

void raft_transfer_tick(struct raft *r)
{
	if (raft_transferring(r) && r->now_ns >= r->transfer.until_ns)
		raft_transfer_end(r, true);
}

void raft_transfer_end(struct raft *r, bool failed)
{
	if (raft_transferring(r) && failed)
		r->out->transfer_failed = true;
	r->transfer.target[0] = '\0';
	r->transfer.told = false;
}

/*
 * "This is equivalent to the election timer firing", but nobody is asked first, and voters need not wait
 * for silence.
 */
void raft_recv_timeout_now(struct raft *r, const struct raft_message *m)
{
	if (m->term < r->term || !raft_obey(r, m))
		return;
	r->quiet_until_ns = 0;
	if (raft_may_campaign(r))
		raft_campaign(r, RAFT_CAMPAIGN_TRANSFER);
}
