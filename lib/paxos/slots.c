/* slots: see slots.h.  What is asked for most lies at the end, so look-ups try the last run and mark first. */
#include "lib/paxos/slots.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
	MARK_SLOTS = 64,
	MARK_BYTES = 64 << 10,
	SLOT_BYTES = 8,                 /* what a value takes on the wire besides its text */
};

static const struct paxos_ballot none;

static void *grow(void *p, size_t *room, size_t size)
{
	*room = *room ? 2 * *room : 16;
	p = realloc(p, *room * size);
	assert(p);
	return p;
}

static bool same(const struct paxos_ballot *a, const struct paxos_ballot *b)
{
	return a->round == b->round && strcmp(a->node, b->node) == 0;
}

void paxos_slots_init(struct paxos_slots *s)
{
	memset(s, 0, sizeof(*s));
	paxos_slots_drop(s, 1);
}

void paxos_slots_release(struct paxos_slots *s)
{
	free(s->run);
	free(s->mark);
	memset(s, 0, sizeof(*s));
}

/* --- Bytes --- */

/* What compaction freed at the front is used again before more is asked for. */
static void push_mark(struct paxos_slots *s, paxos_slot slot)
{
	if (s->mark_end == s->mark_room) {
		size_t kept = s->mark_end - s->mark_first;

		if (kept > s->mark_room / 2 || s->mark_room == 0)
			s->mark = grow(s->mark, &s->mark_room, sizeof(*s->mark));
		memmove(s->mark, s->mark + s->mark_first, kept * sizeof(*s->mark));
		s->mark_first = 0;
		s->mark_end = kept;
	}
	s->mark[s->mark_end++] = (struct paxos_mark){ slot, s->bytes };
}

/* That many bytes more, up to before `next`. */
static void add_bytes(struct paxos_slots *s, paxos_slot next, uint64_t bytes)
{
	const struct paxos_mark *mark = &s->mark[s->mark_end - 1];

	s->bytes += bytes;
	if (next - mark->slot >= MARK_SLOTS || s->bytes - mark->bytes >= MARK_BYTES)
		push_mark(s, next);
}

/* The last mark at or before the slot, which is not before first. */
static size_t mark_at(const struct paxos_slots *s, paxos_slot slot)
{
	size_t low = s->mark_first, high = s->mark_end - 1;

	if (s->mark[high].slot <= slot)
		return high;
	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (s->mark[middle].slot <= slot)
			low = middle;
		else
			high = middle;
	}
	return low;
}

static uint64_t bytes_before(const struct paxos_slots *s, paxos_slot slot)
{
	size_t at = mark_at(s, slot);
	struct paxos_mark mark = s->mark[at];
	struct paxos_mark next = { s->last + 1, s->bytes };

	if (at + 1 < s->mark_end)
		next = s->mark[at + 1];
	if (slot == mark.slot)
		return mark.bytes;
	return mark.bytes + (next.bytes - mark.bytes) * (slot - mark.slot) / (next.slot - mark.slot);
}

/* The bytes of the slots from there on, anew; what is behind them keeps its sum. */
static void set_bytes(struct paxos_slots *s, paxos_slot slot, uint32_t count, const struct paxos_value *values,
		      uint32_t bytes)
{
	paxos_slot next = slot + count, end = s->last + 1;
	uint64_t tail = next < end ? s->bytes - bytes_before(s, next) : 0;

	if (slot < end) {
		s->bytes = bytes_before(s, slot);
		while (s->mark[s->mark_end - 1].slot > slot)
			s->mark_end--;
	}
	for (uint32_t i = 0; i < count; i++)
		add_bytes(s, slot + i + 1, (uint64_t)(values ? values[i].bytes : bytes) + SLOT_BYTES);
	for (paxos_slot left = end; next < end;) {
		paxos_slot step = left - next < MARK_SLOTS ? left - next : MARK_SLOTS;
		uint64_t share = tail / (left - next) * step;

		if (step == left - next)
			share = tail;
		next += step;
		tail -= share;
		add_bytes(s, next, share);
	}
}

/* --- Runs --- */

static void push_run(struct paxos_slots *s, paxos_slot first, const struct paxos_ballot *ballot)
{
	if (s->runs && same(&s->run[s->runs - 1].ballot, ballot))
		return;
	if (s->runs == s->run_room)
		s->run = grow(s->run, &s->run_room, sizeof(*s->run));
	s->run[s->runs++] = (struct paxos_run){ first, *ballot };
}

/* The run that has the slot. */
static size_t run_at(const struct paxos_slots *s, paxos_slot slot)
{
	size_t low = 0, high = s->runs;

	if (slot >= s->run[high - 1].first)
		return high - 1;
	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (s->run[middle].first <= slot)
			low = middle;
		else
			high = middle;
	}
	return low;
}

static paxos_slot run_end(const struct paxos_slots *s, size_t at)
{
	return at + 1 < s->runs ? s->run[at + 1].first - 1 : s->last;
}

/* Within first .. last: the runs i .. j give way to what is left of them, and the new one between. */
static void splice(struct paxos_slots *s, paxos_slot slot, paxos_slot last, const struct paxos_ballot *ballot)
{
	size_t i = run_at(s, slot), j = run_at(s, last), pieces = 0, gone;
	struct paxos_run piece[3];

	if (i > 0 && s->run[i].first == slot && same(&s->run[i - 1].ballot, ballot))
		i--;
	if (j + 1 < s->runs && run_end(s, j) == last && same(&s->run[j + 1].ballot, ballot))
		j++;
	if (s->run[i].first < slot)
		piece[pieces++] = s->run[i];
	if (pieces == 0 || !same(&piece[0].ballot, ballot))
		piece[pieces++] = (struct paxos_run){ s->run[i].first < slot ? slot : s->run[i].first, *ballot };
	if (run_end(s, j) > last && !same(&s->run[j].ballot, ballot))
		piece[pieces++] = (struct paxos_run){ last + 1, s->run[j].ballot };
	gone = j - i + 1;
	while (s->runs + pieces - gone > s->run_room)
		s->run = grow(s->run, &s->run_room, sizeof(*s->run));
	memmove(s->run + i + pieces, s->run + j + 1, (s->runs - j - 1) * sizeof(*s->run));
	memcpy(s->run + i, piece, pieces * sizeof(*piece));
	s->runs += pieces;
	s->runs -= gone;
}

static void put_in_order(struct paxos_slots *s)
{
	while (s->in_order < s->last) {
		size_t at = run_at(s, s->in_order + 1);

		if (s->run[at].ballot.round == 0)
			return;
		s->in_order = run_end(s, at);
	}
}

void paxos_slots_set(struct paxos_slots *s, paxos_slot slot, uint32_t count, const struct paxos_ballot *ballot,
		     const struct paxos_value *values, uint32_t bytes)
{
	paxos_slot last = slot + count - 1;

	assert(slot >= s->first);
	assert(count > 0);
	if (slot > s->last + 1) {
		push_run(s, s->last + 1, &none);
		s->last = slot - 1;
		add_bytes(s, slot, 0);
	}
	set_bytes(s, slot, count, values, bytes);
	if (slot <= s->last)
		splice(s, slot, last < s->last ? last : s->last, ballot);
	if (last > s->last) {
		push_run(s, s->last + 1, ballot);
		s->last = last;
	}
	put_in_order(s);
}

void paxos_slots_move(struct paxos_slots *s, paxos_slot slot, paxos_slot last, const struct paxos_ballot *ballot)
{
	assert(slot >= s->first);
	assert(last <= s->last);
	splice(s, slot, last, ballot);
}

void paxos_slots_drop(struct paxos_slots *s, paxos_slot first)
{
	size_t run, mark;

	assert(first >= s->first);
	if (first > s->last) {
		s->runs = s->mark_first = s->mark_end = 0;
		s->bytes = 0;
		s->first = first;
		s->in_order = s->last = first - 1;
		push_mark(s, first);
		return;
	}
	run = run_at(s, first);
	mark = mark_at(s, first);
	memmove(s->run, s->run + run, (s->runs - run) * sizeof(*s->run));
	s->runs -= run;
	s->run[0].first = first;
	s->mark_first = mark;
	s->first = first;
	if (s->in_order < first - 1)
		s->in_order = first - 1;
	put_in_order(s);
}

/* --- Look-ups --- */

const struct paxos_ballot *paxos_slots_run(const struct paxos_slots *s, paxos_slot slot, paxos_slot *end)
{
	size_t at;

	assert(slot >= s->first);
	assert(slot <= s->last);
	at = run_at(s, slot);
	if (end)
		*end = run_end(s, at);
	return &s->run[at].ballot;
}

paxos_slot paxos_slots_upto(const struct paxos_slots *s, paxos_slot slot, const struct paxos_ballot *ballot)
{
	size_t at;

	if (slot < s->first || slot > s->last)
		return slot - 1;
	at = run_at(s, slot);
	return same(&s->run[at].ballot, ballot) ? run_end(s, at) : slot - 1;
}

uint64_t paxos_slots_bytes(const struct paxos_slots *s, paxos_slot from, paxos_slot to)
{
	return to == s->last ? s->bytes - bytes_before(s, from) : bytes_before(s, to + 1) - bytes_before(s, from);
}

paxos_slot paxos_slots_cut(const struct paxos_slots *s, paxos_slot from, uint64_t bytes)
{
	uint64_t limit = bytes_before(s, from) + bytes;
	size_t low, high = s->mark_end;

	if (s->bytes <= limit)
		return s->last;
	/* The last mark within the limit; or the first one behind `from`, for a message has to have something. */
	low = mark_at(s, from) + 1;
	if (low == high)
		return s->last;
	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (s->mark[middle].bytes <= limit)
			low = middle;
		else
			high = middle;
	}
	return s->mark[low].slot - 1;
}
