/*
 * replicate: what a leader sends to each follower, and when (Raft 5.3; pipelining of dissertation 10.2.1).
 *
 * A leader "can write to its disk in parallel with replicating to the followers": nothing here waits for
 * our disk, and our own match is what is persisted. next runs ahead of match by what is in flight, as far
 * as the window lets it; what is lost on the way shows when something later is refused, a heartbeat at the
 * latest.
 */
#include "lib/raft/core.h"

#include <assert.h>

enum { LEAVING_HEARTBEATS_MAX = 20 };   /* for which a removed server is told so, once that is committed */

/* --- The window --- */

static bool window_is_open(const struct raft *r, const struct raft_peer *p)
{
	return p->flights < r->options.window_messages &&
	       (p->flights == 0 || p->flight_bytes < r->options.window_bytes);
}

static void take_off(struct raft *r, struct raft_peer *p, raft_index last, uint64_t bytes)
{
	uint32_t at = (p->flight_first + p->flights) % r->options.window_messages;

	p->flight[at] = (struct raft_flight){ last, bytes };
	p->flights++;
	p->flight_bytes += bytes;
}

void raft_flights_landed(struct raft *r, struct raft_peer *p)
{
	while (p->flights > 0 && p->flight[p->flight_first].last <= p->match) {
		p->flight_bytes -= p->flight[p->flight_first].bytes;
		p->flight_first = (p->flight_first + 1) % r->options.window_messages;
		p->flights--;
	}
}

void raft_follow(struct raft *r, struct raft_peer *p, enum raft_progress_state state, raft_index next)
{
	assert(next > 0);
	assert(next <= r->log.last + 1);
	p->state = state;
	p->next = next;
	p->probed = false;
	p->flights = 0;
	p->flight_bytes = 0;
}

/* --- append_entries --- */

static void send_append(struct raft *r, struct raft_peer *p, raft_index prev, uint32_t count)
{
	struct raft_message *m = raft_send(r, p->name, RAFT_APPEND_ENTRIES);
	raft_index commit = r->commit < prev + count ? r->commit : prev + count;

	m->prev_log_index = prev;
	if (prev == p->sending.index && prev + 1 < r->log.first)
		m->prev_log_term = p->sending.term;
	else
		m->prev_log_term = raft_log_term(&r->log, prev);
	m->leader_commit = r->commit;
	m->count = count;
	m->round = p->voter ? raft_read_round(r) : 0;
	m->after_persist = r->vote_pending;
	if (m->round == 0)
		p->plain++;
	if (commit > p->commit_sent)
		p->commit_sent = commit;
}

/* How many entries from there on go into one message. */
static uint32_t fill(const struct raft *r, raft_index from)
{
	raft_index count = raft_log_cut(&r->log, from, r->options.message_bytes) + 1 - from;

	return count < UINT32_MAX ? (uint32_t)count : UINT32_MAX;
}

/* One message with what fits, then it waits: until it is answered there may be no sense in more. */
static void probe(struct raft *r, struct raft_peer *p)
{
	if (p->probed)
		return;
	p->probed = true;
	send_append(r, p, p->next - 1, fill(r, p->next));
}

static void pipeline(struct raft *r, struct raft_peer *p)
{
	while (p->next <= r->log.last && window_is_open(r, p)) {
		uint32_t count = fill(r, p->next);
		raft_index last = p->next - 1 + count;

		send_append(r, p, p->next - 1, count);
		take_off(r, p, last, raft_log_bytes(&r->log, p->next, last));
		p->next = last + 1;
	}
	/*
	 * The commit index goes with the next entries; where none come, on its own, so that followers apply
	 * soon.
	 */
	if (p->flights == 0 && p->commit_sent < (r->commit < p->match ? r->commit : p->match))
		raft_ping(r, p);
}

void raft_replicate(struct raft *r, struct raft_peer *p)
{
	if (p->state == RAFT_SNAPSHOT)
		return;
	if (p->next < r->log.first)
		raft_send_snapshot(r, p);
	else if (p->state == RAFT_PROBE)
		probe(r, p);
	else
		pipeline(r, p);
}

void raft_replicate_all(struct raft *r)
{
	for (uint32_t i = 0; i < r->peers; i++)
		raft_replicate(r, &r->peer[i]);
}

/*
 * At what it confirmed, so that the answer promises nothing new and need not wait for its disk. A follower
 * that is sent a snapshot is asked whether it has that already: the last answer may be lost.
 */
void raft_ping(struct raft *r, struct raft_peer *p)
{
	if (p->state == RAFT_SNAPSHOT)
		send_append(r, p, p->sending.index, 0);
	else if (p->state == RAFT_REPLICATE && p->match + 1 >= r->log.first)
		send_append(r, p, p->match, 0);
	else if (p->next >= r->log.first)
		send_append(r, p, p->next - 1, 0);
	else
		raft_send_snapshot(r, p);
}

/* --- Heartbeats --- */

bool raft_is_silent(const struct raft *r, const struct raft_peer *p)
{
	return r->now_ns - p->heard_ns >= r->options.election_min_ns;
}

static void heartbeat_to(struct raft *r, struct raft_peer *p)
{
	if (p->state == RAFT_REPLICATE && raft_is_silent(r, p)) {
		raft_follow(r, p, RAFT_PROBE, p->match + 1);
		p->probed = true;
	}
	raft_ping(r, p);
	/* What is in flight may have been lost: asked at its end, the follower refuses. */
	if (p->state == RAFT_REPLICATE && p->flights > 0 && p->next >= r->log.first)
		send_append(r, p, p->next - 1, 0);
	if (p->state == RAFT_SNAPSHOT)
		raft_resend_chunk(r, p);
}

static uint64_t heard_of(const struct raft_peer *p)
{
	return p->heard_ns;
}

/* A server that was removed, and is not to be reached, is given up. */
static bool is_gone(const struct raft *r, struct raft_peer *p)
{
	return p->leaving_index > 0 && p->leaving_index <= r->commit &&
	       p->leaving_heartbeats++ >= LEAVING_HEARTBEATS_MAX;
}

/*
 * Dissertation 6.2: "a leader steps down if an election timeout elapses without a successful round of
 * heartbeats to a majority of its cluster", so that its clients look for another.
 */
static bool lost_its_majority(const struct raft *r)
{
	return r->options.check_quorum && r->voters > 0 &&
	       r->now_ns - raft_of_majority(r, r->now_ns, heard_of) > r->options.election_max_ns;
}

void raft_heartbeat(struct raft *r)
{
	if (lost_its_majority(r)) {
		raft_become_follower(r, r->term, "");
		return;
	}
	r->heartbeat_at_ns = r->now_ns + r->options.heartbeat_ns;
	raft_read_heartbeat(r);
	for (uint32_t i = r->peers; i-- > 0;) {
		if (is_gone(r, &r->peer[i]))
			raft_peer_drop(r, &r->peer[i]);
		else
			heartbeat_to(r, &r->peer[i]);
	}
	raft_promote(r);
	raft_transfer_heartbeat(r);
}

bool raft_progress(const struct raft *r, const char *name, struct raft_progress *progress)
{
	for (uint32_t i = 0; i < r->peers && r->state == RAFT_IS_LEADER; i++) {
		const struct raft_peer *p = &r->peer[i];

		if (!raft_name_is(p->name, name) || !p->member)
			continue;
		*progress = (struct raft_progress){ p->state, p->match, p->next, p->flights };
		return true;
	}
	return false;
}
