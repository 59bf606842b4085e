/*
 * snapshot: what the log has no more, in chunks; and compaction.
 *
 * The receiver pulls: it asks for what it lacks (catchup), and each chunk that it has for the next (install_snapshot_ok
 * says what it has).  So a sender keeps nothing, any node can be one, and a transfer goes on after a loss or a restart
 * of it.  Offered is the current snapshot; one that has begun is gone on with as long as the log reaches back to it:
 * else a node that is slower than snapshots are made would begin for ever (hashicorp/raft#212).
 *
 * Slots behind a snapshot's are kept as they are: an acceptance does not depend on what is before it.
 */
#include "lib/paxos/core.h"

#include <assert.h>
#include <string.h>

/* --- Sender --- */

static void send_chunk(struct paxos *c, const char *peer, paxos_slot index, uint64_t offset)
{
	struct paxos_message *m = paxos_send(c, peer, PAXOS_INSTALL_SNAPSHOT);

	m->ballot = c->promised;
	m->last_included_index = index;
	m->offset = offset;
}

void paxos_send_snapshot(struct paxos *c, const char *peer)
{
	assert(c->snapshot.index + 1 >= c->slots.first);
	if (c->snapshot.index > 0)
		send_chunk(c, peer, c->snapshot.index, 0);
}

void paxos_recv_snapshot_ok(struct paxos *c, const struct paxos_message *m)
{
	const struct paxos_snapshot *before = &c->snapshot_before;

	if (m->last_included_index == 0)
		return;
	if (m->last_included_index == c->snapshot.index) {
		if (m->offset < c->snapshot.bytes)
			send_chunk(c, m->peer, c->snapshot.index, m->offset);
	} else if (m->last_included_index == before->index && before->index + 1 >= c->slots.first) {
		if (m->offset < before->bytes)
			send_chunk(c, m->peer, before->index, m->offset);
	} else {
		paxos_send_snapshot(c, m->peer);
	}
}

void paxos_compacted(struct paxos *c, const struct paxos_snapshot *snapshot, paxos_slot first)
{
	assert(snapshot->index <= c->chosen);
	if (snapshot->index > c->snapshot.index) {
		c->snapshot_before = c->snapshot;
		c->snapshot = *snapshot;
		paxos_config_compact(c, snapshot->index);
	}
	assert(first <= c->snapshot.index + 1);
	if (first > c->slots.first)
		paxos_slots_drop(&c->slots, first);
}

/* --- Receiver --- */

/* The same snapshot at another node need not be the same bytes, so it is known by its sender too. */
static bool is_incoming(const struct paxos *c, const struct paxos_message *m)
{
	return paxos_name_is(c->incoming.peer, m->peer) && m->last_included_index == c->incoming.index;
}

void paxos_ask_chunk(struct paxos *c)
{
	struct paxos_message *m = paxos_send(c, c->incoming.peer, PAXOS_INSTALL_SNAPSHOT_OK);

	m->last_included_index = c->incoming.index;
	m->offset = c->incoming.offset;
}

void paxos_recv_snapshot(struct paxos *c, const struct paxos_message *m)
{
	if (m->last_included_index <= c->chosen || c->incoming.loading || c->state == PAXOS_LEADS)
		return;
	if (!is_incoming(c, m) && m->offset == 0) {
		/* From one node they only get newer, if it keeps its disk: this is late. */
		if (paxos_name_is(c->incoming.peer, m->peer) && m->last_included_index < c->incoming.index &&
		    !paxos_asks_in_vain(c))
			return;
		paxos_name_set(c->incoming.peer, m->peer);
		c->incoming.index = m->last_included_index;
		c->incoming.offset = 0;
	}
	/* A repeated chunk makes no second stream of them. */
	if (!is_incoming(c, m) || m->offset != c->incoming.offset)
		return;
	c->out->chunk = true;
	c->incoming.offset += m->data_bytes;
	c->incoming.loading = m->done;
	c->behind.wait_ns = c->options.heartbeat_ns;
	c->behind.at_ns = c->now_ns + c->behind.wait_ns;
	if (c->behind.upto < m->last_included_index)
		c->behind.upto = m->last_included_index;
	if (!m->done)
		paxos_ask_chunk(c);
	/* What is loaded changes what we would lead with. */
	else if (c->state != PAXOS_FOLLOWS)
		paxos_become_follower(c, "");
}

void paxos_installed(struct paxos *c, const struct paxos_snapshot *snapshot, const struct paxos_config *config)
{
	memset(&c->incoming, 0, sizeof(c->incoming));
	if (snapshot->index <= c->chosen)
		return;
	assert(c->state != PAXOS_LEADS);
	c->snapshot_before = c->snapshot;
	c->snapshot = *snapshot;
	paxos_slots_drop(&c->slots, snapshot->index + 1);
	c->chosen = snapshot->index;
	paxos_config_install(c, snapshot->index, config);
	c->out->config_changed = true;
	/* What is chosen behind it, soon. */
	if (c->behind.upto > c->chosen)
		c->behind.at_ns = c->now_ns;
}

void paxos_install_failed(struct paxos *c)
{
	if (!c->incoming.peer[0])
		return;
	c->incoming.loading = false;
	c->incoming.offset = 0;
	paxos_ask_chunk(c);
}
