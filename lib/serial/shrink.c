/*
 * shrink: a contradiction becomes a small one.
 *
 * It begins with the transactions that the checker stumbled over and those that tell their versions' order.  If they do not
 * contradict by themselves, their neighbours in the order of calls are added, twice as many each time.  Of what contradicts ever
 * smaller pieces are left out, as long as the rest contradicts as plainly (Zeller and Hildebrandt's delta debugging, 2002).
 *
 * The rest is judged by a checker of its own, of that part of the transactions.
 */
#include "lib/serial/inside.h"

#include <string.h>

enum {
	REACH_PLAIN = 16,               /* so far a contradiction that is a cycle is looked for */
	CYCLE_NAMES = 8,
};

enum shrink_stage { SHRINK_WIDEN, SHRINK_REDUCE, SHRINK_DONE };

struct shrink {
	enum shrink_stage stage;
	uint32_t *by_call, *place;              /* all transactions; of each its place there */
	bool *chosen;                           /* by place */
	uint32_t *seed, seeds, seed_room;
	uint32_t *set, set_count, set_room;     /* contradicts, once it is reduced */
	uint32_t *trial, trial_count;           /* is judged */
	struct serial *part;
	uint32_t reach;                         /* neighbours to each side */
	uint32_t piece, at;                     /* left out of the set */
	bool smaller;                           /* since this size of pieces was begun */
	uint32_t plainness;                     /* the most that is allowed */
	bool settled;                           /* by a small part; before that it is what one would like */
};

/* Cycles in the order of cycle.c; then the others. */
static uint32_t plainness(const struct serial_step *step, uint32_t count)
{
	static const char *const names[CYCLE_NAMES] = {
		"G0", "G1c", "G-single", "G2", "G0-realtime", "G1c-realtime", "G-single-realtime", "G2-realtime",
	};
	const char *name = serial_anomaly(step, count);

	for (uint32_t i = 0; i < CYCLE_NAMES; i++)
		if (!strcmp(name, names[i]))
			return i + 1;
	return strcmp(name, "no-order") ? 0 : CYCLE_NAMES + 1;
}

/* --- What it begins with --- */

static bool seed_add(struct serial *s, uint32_t txn)
{
	struct shrink *k = s->shrink;

	if (txn == NONE || s->life[txn] < LIFE_OPTIONAL)
		return true;
	if (k->seeds == k->seed_room) {
		void *p = memory_grow(s->memory, k->seed, &k->seed_room, sizeof(*k->seed));

		if (!p)
			return false;
		k->seed = p;
	}
	k->seed[k->seeds++] = txn;
	return true;
}

static bool seed_block(struct serial *s, uint32_t block)
{
	const struct block *b = &s->blocks[block];

	return seed_add(s, b->end_txn) && seed_add(s, b->start_txn) &&
	       (b->last == NONE || seed_add(s, s->writes[b->last].txn)) &&
	       (b->first == NONE || seed_add(s, s->writes[b->first].txn));
}

static bool seed_write(struct serial *s, uint32_t write)
{
	return seed_add(s, s->writes[write].txn) &&
	       (s->writes[write].block == NONE || !s->block_count || seed_block(s, s->writes[write].block));
}

/* Whose version a transaction saw of a key, and who tells the order of its versions. */
static bool seed_key(struct serial *s, uint32_t txn, uint32_t key)
{
	const struct key *k = &s->keys[key];

	if (k->longest != NONE && !seed_add(s, s->lists[k->longest].txn))
		return false;
	for (uint32_t r = s->first_read[txn]; r != NONE; r = s->reads[r].next_of_txn)
		if (s->reads[r].key == key && s->reads[r].of < READ_DROPPED && !seed_write(s, s->reads[r].of))
			return false;
	for (uint32_t w = k->first_write; w != NONE; w = s->writes[w].next_of_key)
		if (s->writes[w].txn == txn && !seed_write(s, w))
			return false;
	return true;
}

/* Every transaction that wrote what the steps tell of; also what another of its writes took the place of. */
static bool seed_writers(struct serial *s)
{
	for (uint32_t t = 0; t < s->txns; t++) {
		const struct serial_txn *txn = txn_at(s, t);

		for (const struct serial_micro *m = txn->micro; m < txn->micro + txn->count; m++)
			for (uint32_t i = 0; i < s->step_count; i++)
				if (m->key == s->steps[i].key && m->value == s->steps[i].value &&
				    (m->kind == SERIAL_WRITE || m->kind == SERIAL_APPEND) && !seed_add(s, t))
					return false;
	}
	return true;
}

static bool seed_steps(struct serial *s)
{
	bool done = s->steps->why <= SERIAL_RT || seed_writers(s);

	for (uint32_t i = 0; done && i < s->step_count; i++) {
		uint32_t key = s->steps[i].why == SERIAL_RT ? NONE : lookup_find(&s->key_index, s->steps[i].key);

		done = seed_add(s, s->steps[i].txn);
		if (done && key != NONE && s->steps->why <= SERIAL_RT)
			done = seed_key(s, s->steps[i].txn, key) && seed_key(s, s->steps[(i + 1) % s->step_count].txn, key);
	}
	return done;
}

static bool seed_choice(struct serial *s, const struct choice *c)
{
	switch (c->kind) {
	case CHOICE_ORDER:
		return seed_block(s, c->a) && seed_block(s, c->b);
	case CHOICE_READ:
		return seed_add(s, s->reads[c->a].txn) && (c->b == READ_OF_INIT || seed_write(s, c->b));
	default:
		return seed_add(s, c->a);
	}
}

static bool seed_conflict(struct serial *s)
{
	const struct solver *v = &s->solver;

	if (v->empty_txn != NONE && !seed_add(s, v->empty_txn))
		return false;
	for (uint32_t i = 0; i < v->conflicting; i++)
		if (!seed_choice(s, &v->choice[v->conflict[i] / 2]))
			return false;
	return true;
}

static bool sort_calls(struct serial *s)
{
	struct shrink *k = s->shrink;
	struct sorted *by = memory_get(s->memory, s->txns, sizeof(*by)), *other = memory_get(s->memory, s->txns, sizeof(*other));

	if (by && other) {
		for (uint32_t t = 0; t < s->txns; t++)
			by[t] = (struct sorted){ txn_at(s, t)->called, t };
		sort(by, other, s->txns);
		for (uint32_t i = 0; i < s->txns; i++) {
			k->by_call[i] = by[i].id;
			k->place[by[i].id] = i;
		}
	}
	memory_drop(s->memory, by, s->txns, sizeof(*by));
	memory_drop(s->memory, other, s->txns, sizeof(*other));
	return by && other;
}

static bool shrink_begin(struct serial *s)
{
	struct shrink *k = s->shrink = memory_get(s->memory, 1, sizeof(*k));

	if (!k)
		return false;
	k->set_room = s->txns;
	k->by_call = memory_get(s->memory, s->txns, sizeof(*k->by_call));
	k->place = memory_get(s->memory, s->txns, sizeof(*k->place));
	k->chosen = memory_get(s->memory, s->txns, sizeof(*k->chosen));
	k->set = memory_get(s->memory, s->txns, sizeof(*k->set));
	k->trial = memory_get(s->memory, s->txns, sizeof(*k->trial));
	if (!k->by_call || !k->place || !k->chosen || !k->set || !k->trial)
		return false;
	k->plainness = s->step_count ? plainness(s->steps, s->step_count) : UINT32_MAX;
	if (!(s->step_count ? seed_steps(s) : seed_conflict(s)) || !sort_calls(s))
		return false;
	serial_clear(s);
	return true;
}

void shrink_release(struct serial *s)
{
	struct shrink *k = s->shrink;

	if (!k)
		return;
	serial_free(k->part);
	memory_drop(s->memory, k->by_call, k->set_room, sizeof(*k->by_call));
	memory_drop(s->memory, k->place, k->set_room, sizeof(*k->place));
	memory_drop(s->memory, k->chosen, k->set_room, sizeof(*k->chosen));
	memory_drop(s->memory, k->set, k->set_room, sizeof(*k->set));
	memory_drop(s->memory, k->trial, k->set_room, sizeof(*k->trial));
	memory_drop(s->memory, k->seed, k->seed_room, sizeof(*k->seed));
	memory_drop(s->memory, k, 1, sizeof(*k));
	s->shrink = NULL;
}

/* --- What is judged next --- */

static void choose_near_seeds(struct serial *s)
{
	struct shrink *k = s->shrink;

	if (!k->seeds)
		k->reach = s->txns;
	memset(k->chosen, k->reach == s->txns, s->txns * sizeof(*k->chosen));
	for (uint32_t i = 0; i < k->seeds; i++) {
		uint32_t at = k->place[k->seed[i]], from = at < k->reach ? 0 : at - k->reach;

		for (uint32_t p = from; p < s->txns && p - from <= 2 * (uint64_t)k->reach; p++)
			k->chosen[p] = true;
	}
	k->trial_count = 0;
	for (uint32_t p = 0; p < s->txns; p++)
		if (k->chosen[p])
			k->trial[k->trial_count++] = k->by_call[p];
}

static void leave_out(struct shrink *k)
{
	k->trial_count = 0;
	for (uint32_t i = 0; i < k->set_count; i++)
		if (i < k->at || i - k->at >= k->piece)
			k->trial[k->trial_count++] = k->set[i];
}

static bool next_trial(struct serial *s)
{
	struct shrink *k = s->shrink;

	if (k->stage == SHRINK_WIDEN)
		choose_near_seeds(s);
	else
		leave_out(k);
	k->part = serial_new_part(s, s->memory, k->trial, k->trial_count);
	return k->part;
}

/* --- What came of it --- */

/* That is it, as far as is known. */
static bool keep(struct serial *s)
{
	struct shrink *k = s->shrink;
	const struct serial *part = k->part;
	bool done = true;

	memcpy(k->set, k->trial, k->trial_count * sizeof(*k->set));
	k->set_count = k->trial_count;
	s->step_count = 0;
	for (uint32_t i = 0; done && i < part->step_count; i++) {
		done = step_add(s, part->steps[i].txn, part->steps[i].why, NONE, part->steps[i].value);
		if (done)
			s->steps[i].key = part->steps[i].key;
	}
	for (uint32_t i = 0; done && !part->step_count && i < k->set_count; i++)
		done = step_add(s, k->set[i], SERIAL_NO_ORDER, NONE, 0);
	return done;
}

static void begin_pieces(struct shrink *k, uint32_t size)
{
	k->piece = size ? size : 1;
	k->at = 0;
	k->smaller = false;
}

static void widened(struct serial *s, bool contradicts)
{
	struct shrink *k = s->shrink;

	if (contradicts) {
		k->stage = SHRINK_REDUCE;
		begin_pieces(k, k->set_count / 2);
	} else if (k->trial_count == s->txns) {
		/* Only where the part was too hard. */
		k->stage = SHRINK_DONE;
	} else {
		k->reach = k->reach ? 2 * k->reach : 4;
		if (k->reach > s->txns)
			k->reach = s->txns;
	}
}

static void reduced(struct shrink *k, bool contradicts)
{
	k->smaller |= contradicts;
	if (!contradicts)
		k->at += k->piece;
	if (k->at < k->set_count)
		return;
	if (k->piece > 1)
		begin_pieces(k, k->piece / 2);
	else if (k->smaller)
		begin_pieces(k, 1);
	else
		k->stage = SHRINK_DONE;
}

static bool judged(struct serial *s, enum serial_state state)
{
	struct shrink *k = s->shrink;
	uint32_t plain = plainness(k->part->steps, k->part->step_count);
	bool small = k->part->txns <= PART_SMALL;
	/* Of a large part it is not known how plain it could be; nor is it looked for far away, if it is a cycle at all. */
	bool enough = !small || (!k->settled && (k->stage == SHRINK_REDUCE || k->reach >= REACH_PLAIN ||
						 k->trial_count == s->txns || plain <= CYCLE_NAMES));
	bool contradicts = state == SERIAL_NO && (plain <= k->plainness || enough);
	bool done = !contradicts || keep(s);

	if (contradicts && small) {
		k->settled = true;
		if (k->plainness == UINT32_MAX || k->plainness < plain)
			k->plainness = plain;
	}
	s->figures.steps += k->part->figures.steps;
	s->figures.conflicts += k->part->figures.conflicts;
	serial_free(k->part);
	k->part = NULL;
	if (k->stage == SHRINK_WIDEN)
		widened(s, contradicts);
	else
		reduced(k, contradicts);
	return done;
}

static bool make_members(struct serial *s)
{
	struct shrink *k = s->shrink;

	s->members = memory_get(s->memory, k->set_count, sizeof(*s->members));
	if (!s->members)
		return false;
	s->member_room = s->member_count = k->set_count;
	memcpy(s->members, k->set, k->set_count * sizeof(*s->members));
	shrink_release(s);
	return true;
}

static bool shrink_run(struct serial *s, uint64_t *steps)
{
	struct shrink *k = s->shrink;
	uint64_t before;
	enum serial_state state;

	if (!k->part && !next_trial(s))
		return false;
	before = k->part->figures.steps;
	state = serial_run(k->part, *steps);
	*steps -= k->part->figures.steps - before < *steps ? k->part->figures.steps - before + 1 : *steps;
	if (state == SERIAL_NO_MEMORY)
		return false;
	return state == SERIAL_AGAIN || judged(s, state);
}

enum serial_state serial_contradict(struct serial *s, uint64_t steps)
{
	assert(s->stage == STAGE_NO);
	if (s->member_count)
		return SERIAL_NO;
	if (!s->shrink && !shrink_begin(s))
		return SERIAL_NO_MEMORY;
	while (s->shrink->stage != SHRINK_DONE) {
		if (!steps)
			return SERIAL_AGAIN;
		if (!shrink_run(s, &steps))
			return SERIAL_NO_MEMORY;
	}
	return make_members(s) ? SERIAL_NO : SERIAL_NO_MEMORY;
}
