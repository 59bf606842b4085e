/*
 * log: what the core knows of the log: each entry's term and roughly its bytes.
 *
 * Terms never fall along a log, so they are kept as runs, one a term. Bytes are kept as sparse marks, one
 * every 64 entries or 64 KiB, and interpolated between: 16 bytes for 64 entries.
 *
 *	run     {first 0, term 0}  {first 1, term 1}  {first 7, term 4} ...
 *	mark    {index 1, 0 bytes} {index 65, 9120 bytes} ...       bytes before index
 *
 * Invariants: first <= last + 1; run[0].first <= first - 1, so the term of the entry before the first is
 * known (Raft 7: "the term of the last entry that was discarded"); mark[0].index <= first.
 */
#ifndef RAFT_LOG_H
#define RAFT_LOG_H

#include "lib/raft/raft.h"

struct raft_run {
	raft_index first;
	raft_term term;
};

struct raft_mark {
	raft_index index;
	uint64_t bytes;                 /* of the entries before index, counted from any origin */
};

struct raft_log {
	raft_index first, last;
	uint64_t bytes;                 /* as a mark at last + 1 */
	struct raft_run *run;
	size_t runs, run_room;
	struct raft_mark *mark;
	size_t mark_first, mark_end, mark_room;
};

void raft_log_init(struct raft_log *);
void raft_log_release(struct raft_log *);

/* An empty log behind that entry. */
void raft_log_reset(struct raft_log *, raft_index, raft_term);
void raft_log_append(struct raft_log *, raft_term, uint32_t bytes);
void raft_log_truncate(struct raft_log *, raft_index from);
/* Entries before `first` go, but for the term of the last of them. */
void raft_log_compact(struct raft_log *, raft_index first);

/* Of an entry from first - 1 to last. */
raft_term raft_log_term(const struct raft_log *, raft_index);
/* The first entry, not before log.first, from which on to the index all have one term. */
raft_index raft_log_run_first(const struct raft_log *, raft_index);
/* The last entry up to the index whose term is not later than that; first - 1 at the least. */
raft_index raft_log_last_upto(const struct raft_log *, raft_index, raft_term);

/* Bytes of entries from .. to, roughly. */
uint64_t raft_log_bytes(const struct raft_log *, raft_index from, raft_index to);
/* The last entry of a message that begins with `from` and has some `bytes`: at a mark, or the log's end. */
raft_index raft_log_cut(const struct raft_log *, raft_index from, uint64_t bytes);

#endif
