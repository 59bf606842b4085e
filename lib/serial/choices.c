/*
 * choices: what is left open, as variables and clauses.
 *
 *     order    of two blocks of a key that real time does not order, which is first; it adds the edge between them
 *     read     a read is of that write; it adds the edges before and behind the reader
 *     absent   a transaction that is not certain did not happen
 *     more     a read is of a write of which there is no variable yet
 *
 * A read is of one of its candidates, or its transaction is absent; what is read of is not absent.  A transaction that read and
 * then wrote the same key is the next version: no other block is between, so any that is behind the one is behind the other.
 * One that is absent may stand anywhere, and so at the end: what orders it says nothing of the others.
 *
 * What is not certain would be a candidate of most that comes after it, and is needed by few.  So it sleeps, with no variables,
 * until all is assigned and a read asks for more: then what that may be of wakes, and the search goes on.
 */
#include "lib/serial/inside.h"

#include <string.h>

enum { ALWAYS = 0xffffffff, NEVER = 0xfffffffe };       /* for a literal */

struct clause {
	uint32_t *literal, count, room;
};

static bool clause_put(struct serial *s, struct clause *c, uint32_t literal)
{
	if (c->count == c->room) {
		void *p = memory_grow(s->memory, c->literal, &c->room, sizeof(*c->literal));

		if (!p)
			return false;
		c->literal = p;
	}
	c->literal[c->count++] = literal;
	return true;
}

static uint32_t choice_add(struct serial *s, enum choice_kind kind, uint32_t a, uint32_t b)
{
	struct solver *v = &s->solver;

	if (v->choice_count == v->choice_room) {
		void *p = memory_grow(s->memory, v->choice, &v->choice_room, sizeof(*v->choice));

		if (!p)
			return NONE;
		v->choice = p;
	}
	if (v->choice_count == v->room && !variables_widen(s))
		return NONE;
	v->choice[v->choice_count] = (struct choice){ a, b, kind };
	return v->choice_count++;
}

/* What is for good is left out of it, and it need not be if it is true for good. */
static bool add(struct serial *s, uint32_t *literal, uint32_t count)
{
	struct solver *v = &s->solver;
	uint32_t kept = 0, offset;

	for (uint32_t i = 0; i < count; i++) {
		if (literal_is(v, literal[i]) == 1)
			return true;
		if (literal_is(v, literal[i]) == 0)
			literal[kept++] = literal[i];
	}
	/* What contradicts begins with these. */
	if (!kept && count)
		memcpy(v->conflict, literal, count * sizeof(*literal));
	if (!kept)
		v->conflicting = count;
	return clause_add(v, s->memory, literal, kept, &offset);
}

/* --- Orders --- */

static const struct block *block_at(const struct serial *s, const struct key *k, uint32_t i)
{
	return &s->blocks[s->by_start[k->blocks + i]];
}

static uint64_t pair_key(uint32_t a, uint32_t b)
{
	return a < b ? (uint64_t)a << 32 | b : (uint64_t)b << 32 | a;
}

static bool order_add(struct serial *s, uint32_t a, uint32_t b, bool asked)
{
	uint32_t *variable, new = choice_add(s, CHOICE_ORDER, a, b);

	if (new == NONE || !asked)
		return new != NONE;
	variable = lookup_add(&s->solver.pair, s->memory, pair_key(a, b));
	if (variable)
		*variable = new;
	return variable;
}

static bool is_awake(const struct serial *s, uint32_t block)
{
	return s->solver.awake[block_begin(s, block)];
}

/* Between blocks that are awake. */
bool choices_orders(struct serial *s, uint32_t key)
{
	const struct key *k = &s->keys[key];

	for (uint32_t i = 0; i < k->block_count; i++) {
		uint32_t id = s->by_start[k->blocks + i];
		const struct block *a = &s->blocks[id];

		for (uint32_t j = i + 1; is_awake(s, id) && j < k->block_count && block_at(s, k, j)->start <= a->end; j++)
			if (is_awake(s, s->by_start[k->blocks + j]) && !block_before(block_at(s, k, j), a) &&
			    !order_add(s, id, s->by_start[k->blocks + j], k->open))
				return false;
	}
	return true;
}

/* That block a is before b. */
static uint32_t before(const struct serial *s, uint32_t a, uint32_t b)
{
	uint32_t variable;

	if (a == b || block_before(&s->blocks[b], &s->blocks[a]))
		return NEVER;
	if (block_before(&s->blocks[a], &s->blocks[b]))
		return ALWAYS;
	variable = lookup_find(&s->solver.pair, pair_key(a, b));
	assert(variable != NONE);
	return LITERAL(variable, s->solver.choice[variable].a != a);
}

/* --- Reads --- */

static bool is_open(const struct serial *s, const struct read *r)
{
	return s->life[r->txn] >= LIFE_OPTIONAL && r->of == READ_OPEN;
}

static uint32_t block_of(const struct serial *s, const struct key *k, uint32_t write)
{
	return write == READ_OF_INIT ? k->init : s->writes[write].block;
}

/* If read r, which wrote too, is of the last of block a, c is not between them: c before a, or behind the reader's block b. */
static bool between_clause(struct serial *s, uint32_t variable, uint32_t a, uint32_t b, uint32_t c)
{
	uint32_t ac, bc, literal[3] = { LITERAL(variable, true) }, n = 1;

	if (c == a || c == b || !is_awake(s, c))
		return true;
	ac = before(s, a, c);
	bc = before(s, b, c);
	if (ac == NEVER || bc == ALWAYS)
		return true;
	if (ac != ALWAYS)
		literal[n++] = ac ^ 1;
	if (bc != NEVER)
		literal[n++] = bc;
	return add(s, literal, n);
}

static bool next_clauses(struct serial *s, const struct key *k, uint32_t variable, uint32_t a, uint32_t b)
{
	uint32_t ab = before(s, a, b), pair[2] = { LITERAL(variable, true), ab };

	if (ab != ALWAYS && !add(s, pair, 2))
		return false;
	for (uint32_t i = blocks_after(s, k, s->blocks[b].end); i-- > 0 && s->latest_end[k->blocks + i] >= s->blocks[a].start;) {
		uint32_t c = s->by_start[k->blocks + i];

		if (s->blocks[c].end != SERIAL_NEVER && !between_clause(s, variable, a, b, c))
			return false;
	}
	for (uint32_t i = 0; i < k->endless; i++)
		if (!between_clause(s, variable, a, b, s->endless[k->blocks + i]))
			return false;
	return true;
}

/* Can r be of that write, as far as blocks know? */
static bool is_possible(const struct serial *s, const struct key *k, const struct read *r, uint32_t write)
{
	uint32_t a = block_of(s, k, write), b = r->write == NONE ? NONE : s->writes[r->write].block;

	if (write != READ_OF_INIT && s->blocks[a].key != r->key)
		return false;
	if (b == NONE)
		return true;
	return s->blocks[b].first == r->write && s->blocks[a].last == (write == READ_OF_INIT ? NONE : write) &&
	       before(s, a, b) != NEVER;
}

static bool candidate_choice(struct serial *s, const struct key *k, uint32_t read, uint32_t write)
{
	const struct read *r = &s->reads[read];
	uint32_t variable = choice_add(s, CHOICE_READ, read, write);
	uint32_t absent = write == READ_OF_INIT ? NONE : s->solver.absent[s->writes[write].txn];
	uint32_t pair[2] = { LITERAL(variable, true), LITERAL(absent, true) };

	if (variable == NONE || (absent != NONE && !add(s, pair, 2)))
		return false;
	return r->write == NONE || next_clauses(s, k, variable, block_of(s, k, write), s->writes[r->write].block);
}

/* Those that sleep go behind the others. */
static void show_awake(struct serial *s, struct read *r)
{
	uint32_t *c = s->candidates + r->first_candidate;

	for (uint32_t i = 0; i < r->candidates; i++) {
		uint32_t write = c[i];

		if (write != READ_OF_INIT && !s->solver.awake[s->writes[write].txn])
			continue;
		c[i] = c[r->shown];
		c[r->shown++] = write;
	}
}

/* Variables of the candidates of these places; and their literals. */
static bool candidate_choices(struct serial *s, uint32_t read, uint32_t from, uint32_t to, struct clause *c)
{
	const struct read *r = &s->reads[read];
	const struct key *k = &s->keys[r->key];

	for (uint32_t i = from; i < to; i++) {
		uint32_t write = s->candidates[r->first_candidate + i], variable = s->solver.choice_count;

		if (is_possible(s, k, r, write) &&
		    (!candidate_choice(s, k, read, write) || !clause_put(s, c, LITERAL(variable, false))))
			return false;
	}
	return true;
}

static bool read_choices(struct serial *s, uint32_t read)
{
	struct read *r = &s->reads[read];
	struct solver *v = &s->solver;
	struct clause c = { 0 };
	bool done;

	show_awake(s, r);
	r->more = NONE;
	r->first_choice = v->choice_count;
	done = candidate_choices(s, read, 0, r->shown, &c);
	r->choices = v->choice_count - r->first_choice;
	if (done && r->shown < r->candidates) {
		r->more = choice_add(s, CHOICE_MORE, read, NONE);
		done = r->more != NONE && clause_put(s, &c, LITERAL(r->more, false));
	}
	if (done && v->absent[r->txn] != NONE)
		done = clause_put(s, &c, LITERAL(v->absent[r->txn], false));
	if (!c.count)
		v->empty_txn = r->txn;
	done = done && add(s, c.literal, c.count);
	memory_drop(s->memory, c.literal, c.room, sizeof(*c.literal));
	return done;
}

/* --- Who wakes --- */

static void wake(struct serial *s, uint32_t txn)
{
	struct solver *v = &s->solver;

	if (v->awake[txn])
		return;
	v->awake[txn] = true;
	v->waking[v->wakes++] = txn;
}

/* Of reads that wrote, and have variables: the block that woke is not between. */
static bool wake_between(struct serial *s, const struct key *k, uint32_t block)
{
	for (uint32_t i = k->first_read; i != NONE; i = s->reads[i].next_of_key) {
		const struct read *r = &s->reads[i];

		if (r->write == NONE || !is_open(s, r))
			continue;
		for (uint32_t j = 0; j < r->choices + r->mores; j++) {
			uint32_t x = j < r->choices ? r->first_choice + j : r->first_more + j - r->choices;

			if (!between_clause(s, x, block_of(s, k, s->solver.choice[x].b), s->writes[r->write].block, block))
				return false;
		}
	}
	return true;
}

static bool wake_block(struct serial *s, uint32_t block)
{
	const struct key *k = &s->keys[s->blocks[block].key];

	for (uint32_t i = 0; i < k->block_count; i++) {
		uint32_t b = s->by_start[k->blocks + i];

		if (b != block && is_awake(s, b) && !block_before(&s->blocks[b], &s->blocks[block]) &&
		    !block_before(&s->blocks[block], &s->blocks[b]) && lookup_find(&s->solver.pair, pair_key(b, block)) == NONE &&
		    !order_add(s, block, b, true))
			return false;
	}
	return true;
}

/* Writes lie in the order in which transactions were scanned. */
static uint32_t first_write_of(const struct serial *s, uint32_t txn)
{
	uint32_t low = 0, high = s->write_count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (s->writes[middle].txn < txn)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool wake_orders(struct serial *s, uint32_t txn, bool between)
{
	bool done = true;

	for (uint32_t w = first_write_of(s, txn); done && w < s->write_count && s->writes[w].txn == txn; w++) {
		const struct key *k = &s->keys[s->writes[w].key];

		if (k->is_register)
			done = between ? wake_between(s, k, s->writes[w].block) : wake_block(s, s->writes[w].block);
	}
	return done;
}

/* The variable for its absence: one whose reads do not matter need not be absent. */
bool choices_absent(struct serial *s, uint32_t txn)
{
	for (uint32_t r = s->first_read[txn]; r != NONE; r = s->reads[r].next_of_txn) {
		if (!s->solver.awake[txn] || s->life[txn] != LIFE_OPTIONAL || !is_open(s, &s->reads[r]))
			continue;
		s->solver.absent[txn] = choice_add(s, CHOICE_ABSENT, txn, NONE);
		return s->solver.absent[txn] != NONE;
	}
	return true;
}

bool choices_reads(struct serial *s, uint32_t txn)
{
	for (uint32_t r = s->first_read[txn]; s->solver.awake[txn] && r != NONE; r = s->reads[r].next_of_txn)
		if (is_open(s, &s->reads[r]) && !read_choices(s, r))
			return false;
	return true;
}

static bool wake_up(struct serial *s)
{
	struct solver *v = &s->solver;
	bool done = true;

	for (uint32_t i = 0; done && i < v->wakes; i++)
		done = wake_orders(s, v->waking[i], false);
	for (uint32_t i = 0; done && i < v->wakes; i++)
		done = wake_orders(s, v->waking[i], true) && choices_absent(s, v->waking[i]);
	for (uint32_t i = 0; done && i < v->wakes; i++)
		done = choices_reads(s, v->waking[i]);
	v->wakes = 0;
	return done;
}

/* --- At first, and then --- */

/* Who surely happened is awake, and what one of those reads must be of; in a small part, to explain it, all. */
void choices_awake(struct serial *s)
{
	struct solver *v = &s->solver;

	for (uint32_t t = 0; t < s->txns; t++)
		v->awake[t] = s->life[t] == LIFE_CERTAIN || (s->whole && s->txns <= PART_SMALL && s->life[t] == LIFE_OPTIONAL);
	for (uint32_t i = 0; i < s->read_count; i++) {
		const struct read *r = &s->reads[i];
		const uint32_t *c = s->candidates + r->first_candidate;
		bool any = false;

		if (s->life[r->txn] != LIFE_CERTAIN || r->of != READ_OPEN)
			continue;
		for (uint32_t j = 0; j < r->candidates; j++)
			any |= c[j] == READ_OF_INIT || v->awake[s->writes[c[j]].txn];
		for (uint32_t j = 0; !any && j < r->candidates; j++)
			v->awake[s->writes[c[j]].txn] = true;
	}
}

/* The others that it may be of, if it asks for more. */
static bool more_choices(struct serial *s, uint32_t read)
{
	struct read *r = &s->reads[read];
	struct clause c = { 0 };
	bool done;

	r->first_more = s->solver.choice_count;
	done = clause_put(s, &c, LITERAL(r->more, true)) && candidate_choices(s, read, r->shown, r->candidates, &c);
	r->mores = s->solver.choice_count - r->first_more;
	r->shown = r->candidates;
	done = done && add(s, c.literal, c.count);
	memory_drop(s->memory, c.literal, c.room, sizeof(*c.literal));
	return done;
}

static bool asks(const struct serial *s, const struct read *r)
{
	return r->more != NONE && r->shown < r->candidates && s->solver.is[r->more] == 1;
}

bool choices_more(struct serial *s, bool *any)
{
	bool done = true;

	*any = false;
	for (uint32_t i = 0; i < s->read_count; i++) {
		struct read *r = &s->reads[i];

		r->asked = asks(s, r);
		*any |= r->asked;
		for (uint32_t j = r->shown; r->asked && j < r->candidates; j++)
			wake(s, s->writes[s->candidates[r->first_candidate + j]].txn);
	}
	if (!*any)
		return true;
	clauses_restart(&s->solver);
	done = wake_up(s);
	for (uint32_t i = 0; done && i < s->read_count; i++)
		done = !s->reads[i].asked || more_choices(s, i);
	return done;
}

/* --- Edges --- */

uint32_t block_begin(const struct serial *s, uint32_t block)
{
	return s->writes[s->blocks[block].first].txn;
}

static uint32_t read_edges(const struct serial *s, const struct read *r, uint32_t write, struct edge edge[2])
{
	const struct key *k = &s->keys[r->key];
	uint32_t next = write == READ_OF_INIT ? k->init_next : s->writes[write].next, n = 0;

	if (write != READ_OF_INIT)
		edge[n++] = (struct edge){ s->writes[write].txn, r->txn, LABEL(SERIAL_WR, write) };
	/* That the version it wrote is next is what the clauses say. */
	if (r->write != NONE)
		return n;
	if (next == NONE)
		edge[n++] = (struct edge){ r->txn, s->blocks[block_of(s, k, write)].node, LABEL(SERIAL_RW, LABEL_NO_WRITE) };
	else
		edge[n++] = (struct edge){ r->txn, s->writes[next].txn, LABEL(SERIAL_RW, next) };
	return n;
}

uint32_t choice_edges(const struct serial *s, uint32_t literal, struct edge edge[2])
{
	const struct choice *c = &s->solver.choice[literal / 2];
	uint32_t a = literal % 2 ? c->b : c->a, b = literal % 2 ? c->a : c->b;

	switch (c->kind) {
	case CHOICE_ORDER:
		edge[0] = (struct edge){ s->blocks[a].node, block_begin(s, b), LABEL(SERIAL_WW, s->blocks[b].first) };
		return 1;
	case CHOICE_READ:
		return literal % 2 ? 0 : read_edges(s, &s->reads[c->a], c->b, edge);
	case CHOICE_MORE:
	case CHOICE_ABSENT:
		return 0;
	default:
		assert(!"a kind of choice");
		return 0;
	}
}
