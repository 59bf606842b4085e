/* log: see log.h.  What is asked for most lies at the end, so look-ups try the last run and mark first. */
#include "lib/raft/log.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
	MARK_ENTRIES = 64,
	MARK_BYTES = 64 << 10,
	ENTRY_BYTES = 32,               /* what an entry takes on the wire besides its text */
};

static void *grow(void *p, size_t *room, size_t size)
{
	*room = *room ? 2 * *room : 16;
	p = realloc(p, *room * size);
	assert(p);
	return p;
}

static void push_run(struct raft_log *log, raft_index first, raft_term term)
{
	if (log->runs == log->run_room)
		log->run = grow(log->run, &log->run_room, sizeof(*log->run));
	log->run[log->runs++] = (struct raft_run){ first, term };
}

/* What compaction freed at the front is used again before more is asked for. */
static void push_mark(struct raft_log *log, raft_index index)
{
	if (log->mark_end == log->mark_room) {
		size_t kept = log->mark_end - log->mark_first;

		if (kept > log->mark_room / 2 || log->mark_room == 0)
			log->mark = grow(log->mark, &log->mark_room, sizeof(*log->mark));
		memmove(log->mark, log->mark + log->mark_first, kept * sizeof(*log->mark));
		log->mark_first = 0;
		log->mark_end = kept;
	}
	log->mark[log->mark_end++] = (struct raft_mark){ index, log->bytes };
}

void raft_log_init(struct raft_log *log)
{
	memset(log, 0, sizeof(*log));
	raft_log_reset(log, 0, 0);
}

void raft_log_release(struct raft_log *log)
{
	free(log->run);
	free(log->mark);
	memset(log, 0, sizeof(*log));
}

void raft_log_reset(struct raft_log *log, raft_index index, raft_term term)
{
	log->runs = log->mark_first = log->mark_end = 0;
	log->bytes = 0;
	log->first = index + 1;
	log->last = index;
	push_run(log, index, term);
	push_mark(log, log->first);
}

void raft_log_append(struct raft_log *log, raft_term term, uint32_t bytes)
{
	const struct raft_mark *mark = &log->mark[log->mark_end - 1];

	assert(term >= log->run[log->runs - 1].term);
	log->last++;
	log->bytes += (uint64_t)bytes + ENTRY_BYTES;
	if (term != log->run[log->runs - 1].term)
		push_run(log, log->last, term);
	if (log->last + 1 - mark->index >= MARK_ENTRIES || log->bytes - mark->bytes >= MARK_BYTES)
		push_mark(log, log->last + 1);
}

/* The last mark at or before the index, which is not before log.first. */
static size_t mark_at(const struct raft_log *log, raft_index index)
{
	size_t low = log->mark_first, high = log->mark_end - 1;

	if (log->mark[high].index <= index)
		return high;
	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (log->mark[middle].index <= index)
			low = middle;
		else
			high = middle;
	}
	return low;
}

static uint64_t bytes_before(const struct raft_log *log, raft_index index)
{
	size_t at = mark_at(log, index);
	struct raft_mark mark = log->mark[at];
	struct raft_mark next = { log->last + 1, log->bytes };

	if (at + 1 < log->mark_end)
		next = log->mark[at + 1];
	if (index == mark.index)
		return mark.bytes;
	return mark.bytes + (next.bytes - mark.bytes) * (index - mark.index) / (next.index - mark.index);
}

void raft_log_truncate(struct raft_log *log, raft_index from)
{
	assert(from >= log->first);
	assert(from <= log->last);
	log->bytes = bytes_before(log, from);
	while (log->mark[log->mark_end - 1].index > from)
		log->mark_end--;
	while (log->run[log->runs - 1].first >= from)
		log->runs--;
	log->last = from - 1;
}

/* The run that has the index. */
static size_t run_at(const struct raft_log *log, raft_index index)
{
	size_t low = 0, high = log->runs;

	if (index >= log->run[high - 1].first)
		return high - 1;
	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (log->run[middle].first <= index)
			low = middle;
		else
			high = middle;
	}
	return low;
}

void raft_log_compact(struct raft_log *log, raft_index first)
{
	size_t run, mark;

	assert(first >= log->first);
	assert(first <= log->last + 1);
	run = run_at(log, first - 1);
	mark = mark_at(log, first);
	memmove(log->run, log->run + run, (log->runs - run) * sizeof(*log->run));
	log->runs -= run;
	log->mark_first = mark;
	log->first = first;
}

raft_term raft_log_term(const struct raft_log *log, raft_index index)
{
	assert(index + 1 >= log->first);
	assert(index <= log->last);
	return log->run[run_at(log, index)].term;
}

raft_index raft_log_run_first(const struct raft_log *log, raft_index index)
{
	raft_index first = log->run[run_at(log, index)].first;

	return first > log->first ? first : log->first;
}

raft_index raft_log_last_upto(const struct raft_log *log, raft_index index, raft_term term)
{
	size_t at = run_at(log, index);

	for (; log->run[at].term > term; at--) {
		if (at == 0 || log->run[at].first <= log->first)
			return log->first - 1;
		index = log->run[at].first - 1;
	}
	return index;
}

uint64_t raft_log_bytes(const struct raft_log *log, raft_index from, raft_index to)
{
	return to == log->last ? log->bytes - bytes_before(log, from)
			       : bytes_before(log, to + 1) - bytes_before(log, from);
}

raft_index raft_log_cut(const struct raft_log *log, raft_index from, uint64_t bytes)
{
	uint64_t limit = bytes_before(log, from) + bytes;
	size_t low, high = log->mark_end;

	if (log->bytes <= limit)
		return log->last;
	/*
	 * The last mark within the limit; or the first one behind `from`, for a message has to have
	 * something.
	 */
	low = mark_at(log, from) + 1;
	if (low == high)
		return log->last;
	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (log->mark[middle].bytes <= limit)
			low = middle;
		else
			high = middle;
	}
	return log->mark[low].index - 1;
}
