/*
 * registers: whose value a register's reader saw, and which transactions of unknown outcome must have happened for it.
 *
 * Where one write alone can have left what was read, that is it, and its transaction happened.  Else real time rules out some:
 * a write that began after the reader ended, and one that another surely replaced before the reader began.  The
 * missing value is written by all that delete, and by nobody in the beginning.
 */
#include "lib/serial/inside.h"

bool read_fits(enum serial_kind kind, uint32_t expected, uint32_t number)
{
	if (kind == SERIAL_READ_OTHER)
		return number != expected && number != SERIAL_MISSING;
	return number == expected || (kind == SERIAL_READ_OR_MISSING && number == SERIAL_MISSING);
}

/* --- Who happened --- */

/* How many writes, of those that transactions leave, fit. */
static uint32_t fitting(const struct serial *s, const struct read *r)
{
	uint32_t v = value_find(s, r->key, r->number), m = value_find(s, r->key, SERIAL_MISSING);
	uint32_t same = v == NONE ? 0 : s->values[v].writes;
	uint32_t missing = m == NONE || m == v ? 0 : s->values[m].writes;

	if (r->kind == SERIAL_READ_OTHER)
		return s->keys[r->key].writes - same - missing;
	return r->kind == SERIAL_READ_OR_MISSING ? same + missing : same;
}

/* The only one that can have been read, NONE if there is none, READ_OPEN if there are several. */
static uint32_t sole(const struct serial *s, const struct read *r)
{
	uint32_t v = value_find(s, r->key, r->number), found = NONE;
	bool of_value = r->kind == SERIAL_READ;
	uint32_t w = !of_value ? s->keys[r->key].first_write : v == NONE ? NONE : s->values[v].first_write;

	if (read_fits(r->kind, r->number, SERIAL_MISSING))
		found = READ_OF_INIT;
	if (fitting(s, r) > 2)
		return READ_OPEN;
	for (; w != NONE; w = of_value ? s->writes[w].next_of_value : s->writes[w].next_of_key) {
		if (!read_fits(r->kind, r->number, s->writes[w].number) || s->writes[w].txn == r->txn)
			continue;
		if (found != NONE)
			return READ_OPEN;
		found = w;
	}
	return found;
}

/* Of a part: the latest call of what surely wrote before the transaction came. */
static uint64_t overwritten_since(const struct serial *s, const struct read *r)
{
	uint64_t since = 0, called = txn_at(s, r->txn)->called;

	for (uint32_t w = s->keys[r->key].first_write; w != NONE; w = s->writes[w].next_of_key) {
		const struct serial_txn *t = txn_at(s, s->writes[w].txn);

		if (txn_end(s, s->writes[w].txn) < called && since < t->called)
			since = t->called;
	}
	return since;
}

/* How many writes that fit, and that real time lets be seen, are there? */
static uint32_t in_time(const struct serial *s, const struct read *r, uint32_t key, uint64_t since, uint64_t end)
{
	bool of_value = r->kind == SERIAL_READ;
	uint32_t v = of_value ? value_find(s, key, r->number) : NONE, n = 0;
	uint32_t w = !of_value ? s->keys[key].first_write : v == NONE ? NONE : s->values[v].first_write;

	for (; w != NONE; w = of_value ? s->writes[w].next_of_value : s->writes[w].next_of_key)
		n += read_fits(r->kind, r->number, s->writes[w].number) && txn_end(s, s->writes[w].txn) >= since &&
		     txn_at(s, s->writes[w].txn)->called < end;
	return n;
}

/* Writes of a value that others of the same transaction took the place of. */
static uint32_t in_midst(const struct serial *s, const struct read *r, uint32_t key)
{
	uint32_t v = r->kind == SERIAL_READ ? value_find(s, key, r->number) : NONE;

	return v == NONE ? 0 : s->values[v].micros - s->values[v].writes;
}

/* Can somebody outside of this part have written what was read? */
static bool may_be_outside(const struct serial *s, const struct read *r)
{
	uint32_t key = s->whole ? lookup_find(&s->whole->key_index, s->keys[r->key].number) : NONE;
	uint64_t since, end;

	if (key == NONE)
		return false;
	since = s->txns <= PART_TIMED ? overwritten_since(s, r) : 0;
	end = s->txns <= PART_TIMED ? txn_end(s, r->txn) : SERIAL_NEVER;
	return in_time(s->whole, r, key, since, end) != in_time(s, r, r->key, since, end);
}

static bool unwritten(struct serial *s, const struct read *r)
{
	uint32_t v = r->kind == SERIAL_READ ? value_find(s, r->key, r->number) : NONE;
	const struct value *value = v == NONE ? NULL : &s->values[v];

	if (value && (value->first_write != NONE || value->midst == r->txn))
		return step_add(s, r->txn, SERIAL_SAW_ITS_FUTURE, r->key, r->number);
	if (value && value->midst != NONE)
		return step_add(s, r->txn, SERIAL_SAW_MIDST, r->key, r->number) &&
		       step_add(s, value->midst, SERIAL_WAS_SEEN, r->key, r->number);
	return step_add(s, r->txn, SERIAL_SAW_NOTHING_WRITTEN, r->key, r->number);
}

/* There is no candidate.  Of a part somebody else may have written it, though too early or late to be seen, or in its midst. */
static bool no_candidate(struct serial *s, struct read *r)
{
	uint32_t key = s->whole ? lookup_find(&s->whole->key_index, s->keys[r->key].number) : NONE;

	if (key != NONE && in_time(s->whole, r, key, 0, SERIAL_NEVER) != in_time(s, r, r->key, 0, SERIAL_NEVER))
		r->of = READ_OPEN;
	else if (key != NONE && in_midst(s->whole, r, key) != in_midst(s, r, r->key))
		r->of = READ_DROPPED;
	else
		return unwritten(s, r);
	return true;
}

static void happened(struct serial *s, uint32_t txn, enum life life)
{
	if (s->life[txn] == LIFE_CERTAIN || s->life[txn] == life)
		return;
	s->life[txn] = life;
	s->work[s->works++] = txn;
}

/* Whoever may have been seen by an open read is wanted. */
static void expand(struct serial *s, const struct read *r)
{
	uint32_t values[2] = { value_find(s, r->key, r->number), NONE };

	s->keys[r->key].open = true;
	if (r->kind == SERIAL_READ_OTHER) {
		if (!s->keys[r->key].expanded)
			for (uint32_t w = s->keys[r->key].first_write; w != NONE; w = s->writes[w].next_of_key)
				happened(s, s->writes[w].txn, LIFE_OPTIONAL);
		s->keys[r->key].expanded = true;
		return;
	}
	if (r->kind == SERIAL_READ_OR_MISSING)
		values[1] = value_find(s, r->key, SERIAL_MISSING);
	for (int i = 0; i < 2; i++) {
		if (values[i] == NONE || s->values[values[i]].expanded)
			continue;
		s->values[values[i]].expanded = true;
		for (uint32_t w = s->values[values[i]].first_write; w != NONE; w = s->writes[w].next_of_value)
			happened(s, s->writes[w].txn, LIFE_OPTIONAL);
	}
}

static bool follow(struct serial *s, struct read *r)
{
	if (may_be_outside(s, r)) {
		r->of = READ_DROPPED;
		return true;
	}
	if (s->life[r->txn] == LIFE_CERTAIN) {
		r->of = sole(s, r);
		if (r->of == NONE && !no_candidate(s, r))
			return false;
		if (r->of < READ_DROPPED)
			happened(s, s->writes[r->of].txn, LIFE_CERTAIN);
	}
	if (r->of == READ_OPEN)
		expand(s, r);
	return true;
}

bool registers_happened(struct serial *s, uint32_t txn)
{
	assert(s->works == 0);
	if (s->life[txn] != LIFE_CERTAIN)
		return true;
	s->work[s->works++] = txn;
	while (s->works) {
		txn = s->work[--s->works];
		for (uint32_t r = s->first_read[txn]; r != NONE; r = s->reads[r].next_of_txn)
			if (!follow(s, &s->reads[r]))
				return false;
	}
	return true;
}

/* --- Candidates of what is open --- */

/* The writes of a key in time. */
struct calendar {
	struct sorted *by_call;         /* those that are known to have ended; then those that are not */
	uint64_t *ended;                /* by place there: the latest end so far */
	uint32_t count, endless;
	struct sorted *by_return;       /* what surely happened */
	uint64_t *begun;                /* the latest call so far */
	uint32_t certain, room;
};

static void calendar_release(struct serial *s, struct calendar *c)
{
	memory_drop(s->memory, c->by_call, c->room, sizeof(*c->by_call));
	memory_drop(s->memory, c->by_return, c->room, sizeof(*c->by_return));
	memory_drop(s->memory, c->ended, c->room, sizeof(*c->ended));
	memory_drop(s->memory, c->begun, c->room, sizeof(*c->begun));
}

static void calendar_fill(struct serial *s, uint32_t key, struct calendar *c)
{
	for (uint32_t w = s->keys[key].first_write; w != NONE; w = s->writes[w].next_of_key) {
		uint32_t txn = s->writes[w].txn;
		uint64_t called = txn_at(s, txn)->called, end = txn_end(s, txn);

		if (s->life[txn] < LIFE_OPTIONAL)
			continue;
		if (end == SERIAL_NEVER)
			c->by_call[c->room - ++c->endless] = (struct sorted){ called, w };
		else
			c->by_call[c->count++] = (struct sorted){ called, w };
		if (s->life[txn] == LIFE_CERTAIN && end != SERIAL_NEVER)
			c->by_return[c->certain++] = (struct sorted){ end, w };
	}
}

static bool calendar_make(struct serial *s, uint32_t key, struct calendar *c)
{
	struct sorted *other;

	*c = (struct calendar){ .room = s->keys[key].writes };
	c->by_call = memory_get(s->memory, c->room, sizeof(*c->by_call));
	c->by_return = memory_get(s->memory, c->room, sizeof(*c->by_return));
	c->ended = memory_get(s->memory, c->room, sizeof(*c->ended));
	c->begun = memory_get(s->memory, c->room, sizeof(*c->begun));
	other = memory_get(s->memory, c->room, sizeof(*other));
	if (!c->by_call || !c->by_return || !c->ended || !c->begun || !other) {
		memory_drop(s->memory, other, c->room, sizeof(*other));
		return false;
	}
	calendar_fill(s, key, c);
	sort(c->by_call, other, c->count);
	sort(c->by_return, other, c->certain);
	memory_drop(s->memory, other, c->room, sizeof(*other));
	for (uint32_t i = 0; i < c->count; i++) {
		uint64_t end = txn_end(s, s->writes[c->by_call[i].id].txn);

		c->ended[i] = i && c->ended[i - 1] > end ? c->ended[i - 1] : end;
	}
	for (uint32_t i = 0; i < c->certain; i++) {
		uint64_t call = txn_at(s, s->writes[c->by_return[i].id].txn)->called;

		c->begun[i] = i && c->begun[i - 1] > call ? c->begun[i - 1] : call;
	}
	return true;
}

/* How many are below. */
static uint32_t below(const struct sorted *a, uint32_t count, uint64_t limit)
{
	uint32_t low = 0;

	while (low < count) {
		uint32_t middle = low + (count - low) / 2;

		if (a[middle].by < limit)
			low = middle + 1;
		else
			count = middle;
	}
	return low;
}

static bool candidate_add(struct serial *s, struct read *r, uint32_t w)
{
	if (w != READ_OF_INIT && (s->writes[w].txn == r->txn || !read_fits(r->kind, r->number, s->writes[w].number)))
		return true;
	if (s->candidate_count == s->candidate_room) {
		void *p = memory_grow(s->memory, s->candidates, &s->candidate_room, sizeof(*s->candidates));

		if (!p)
			return false;
		s->candidates = p;
	}
	s->candidates[s->candidate_count++] = w;
	r->candidates++;
	return true;
}

static bool find_candidates(struct serial *s, struct read *r, const struct calendar *c)
{
	uint32_t over = below(c->by_return, c->certain, txn_at(s, r->txn)->called);
	uint64_t since = over ? c->begun[over - 1] : 0, end = txn_end(s, r->txn);

	r->first_candidate = s->candidate_count;
	if (!over && read_fits(r->kind, r->number, SERIAL_MISSING) && !candidate_add(s, r, READ_OF_INIT))
		return false;
	for (uint32_t i = below(c->by_call, c->count, end); i-- > 0 && c->ended[i] >= since;)
		if (txn_end(s, s->writes[c->by_call[i].id].txn) >= since && !candidate_add(s, r, c->by_call[i].id))
			return false;
	for (uint32_t i = c->room - c->endless; i < c->room; i++)
		if (c->by_call[i].by < end && !candidate_add(s, r, c->by_call[i].id))
			return false;
	return true;
}

bool registers_candidates(struct serial *s, uint32_t key)
{
	struct calendar c;
	bool done = true;

	if (!s->keys[key].open)
		return true;
	done = calendar_make(s, key, &c);
	for (uint32_t i = s->keys[key].first_read; done && i != NONE; i = s->reads[i].next_of_key) {
		struct read *r = &s->reads[i];

		if (s->life[r->txn] < LIFE_OPTIONAL)
			r->of = READ_DROPPED;
		if (r->of != READ_OPEN)
			continue;
		done = find_candidates(s, r, &c);
	}
	calendar_release(s, &c);
	return done;
}

/* What surely happened and has one candidate left is of that, which so happened too. */
bool registers_settle(struct serial *s, uint32_t txn)
{
	if (s->life[txn] != LIFE_CERTAIN)
		return true;
	s->work[s->works++] = txn;
	while (s->works) {
		txn = s->work[--s->works];
		for (uint32_t i = s->first_read[txn]; i != NONE; i = s->reads[i].next_of_txn) {
			struct read *r = &s->reads[i];

			if (r->of != READ_OPEN || r->candidates != 1)
				continue;
			r->of = s->candidates[r->first_candidate];
			if (r->of != READ_OF_INIT)
				happened(s, s->writes[r->of].txn, LIFE_CERTAIN);
		}
	}
	return true;
}
