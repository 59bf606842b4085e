/*
 * recv_append: append_entries at a follower (Raft 5.3, and Figure 2's five rules for its receiver).
 *
 * The consistency check keeps the Log Matching Property: what follows a matching entry of the leader's is
 * the leader's. What is committed is the leader's without a check, so it is never compared, cut or appended
 * again, whatever a late or repeated message says (willemt/raft#118).
 */
#include "lib/raft/core.h"

#include <assert.h>

static struct raft_message *answer(struct raft *r, const struct raft_message *m, bool success)
{
	struct raft_message *reply = raft_send(r, m->peer, RAFT_APPEND_ENTRIES_OK);

	reply->success = success;
	reply->round = m->round;
	return reply;
}

/* Terms that no leader's log can have: 0, falling, or later than its own. */
static bool terms_are_sound(const struct raft_message *m)
{
	raft_term term = m->prev_log_term;

	for (uint32_t i = 0; i < m->count; i++) {
		if (m->entries[i].term < term || m->entries[i].term == 0)
			return false;
		term = m->entries[i].term;
	}
	return term <= m->term;
}

/*
 * 5.3: "the follower can include the term of the conflicting entry and the first index it stores for that
 * term". Up to prev_log_index the leader has no term beyond prev_log_term, so our runs of later terms are
 * passed over at once.
 */
static void refuse(struct raft *r, const struct raft_message *m)
{
	struct raft_message *reply = answer(r, m, false);
	raft_index first;

	reply->conflict_index = r->log.last + 1;
	if (m->prev_log_index > r->log.last)
		return;
	first = raft_log_run_first(&r->log, m->prev_log_index);
	while (first > r->commit + 1 && raft_log_term(&r->log, first - 1) > m->prev_log_term)
		first = raft_log_run_first(&r->log, first - 1);
	reply->conflict_index = first;
	reply->conflict_term = raft_log_term(&r->log, first);
}

/*
 * Rules 3 and 4: "If an existing entry conflicts with a new one (same index but different terms), delete
 * the existing entry and all that follow it. Append any new entries not already in the log." False if it
 * would delete what is committed: no leader asks that.
 */
static bool append(struct raft *r, const struct raft_message *m)
{
	struct raft_out *out = r->out;
	uint32_t i = 0;

	if (m->prev_log_index < r->commit)
		i = r->commit - m->prev_log_index < m->count ? (uint32_t)(r->commit - m->prev_log_index) : m->count;
	while (i < m->count && m->prev_log_index + 1 + i <= r->log.last &&
	       raft_log_term(&r->log, m->prev_log_index + 1 + i) == m->entries[i].term)
		i++;
	if (i == m->count)
		return true;
	if (m->entries[i].term < raft_log_term(&r->log, m->prev_log_index + i))
		return false;
	if (m->prev_log_index + 1 + i <= r->log.last)
		raft_truncate(r, m->prev_log_index + 1 + i);
	out->append = RAFT_APPEND_INPUT;
	out->append_first = r->log.last + 1;
	out->append_offset = i;
	out->append_count = m->count - i;
	for (; i < m->count; i++) {
		raft_log_append(&r->log, m->entries[i].term, m->entries[i].bytes);
		if (m->entries[i].config)
			raft_config_push(r, r->log.last, m->entries[i].config);
	}
	return true;
}

void raft_recv_append(struct raft *r, const struct raft_message *m)
{
	raft_index matched = m->prev_log_index + m->count, commit = m->leader_commit;
	struct raft_message *reply;

	/*
	 * Rule 1: "Reply false if term < currentTerm", with ours, so that a leader that was cut off learns
	 * of it.
	 */
	if (m->term < r->term) {
		answer(r, m, false);
		return;
	}
	if (!terms_are_sound(m) || !raft_obey(r, m))
		return;
	/*
	 * Rule 2: "Reply false if log doesn't contain an entry at prevLogIndex whose term matches
	 * prevLogTerm".
	 */
	if (m->prev_log_index > r->log.last ||
	    (m->prev_log_index > r->commit &&
	     raft_log_term(&r->log, m->prev_log_index) != m->prev_log_term)) {
		refuse(r, m);
		return;
	}
	if (!append(r, m))
		return;
	/*
	 * Rule 5: "If leaderCommit > commitIndex, set commitIndex = min(leaderCommit, index of last new
	 * entry)".
	 */
	if (commit > matched)
		commit = matched;
	if (commit > r->commit && !r->incoming.loading)
		raft_commit(r, commit);
	/* The answer promises the entries it names. */
	reply = answer(r, m, true);
	reply->match_index = matched;
	reply->after_persist = matched > r->persisted;
}
