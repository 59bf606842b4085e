/*
 * blocks: versions of a register that surely follow each other at once, and what real time tells of two of them.
 *
 * A transaction that read a version and wrote the next one leaves no room between; so versions come in blocks, and of two
 * blocks of a key one is wholly before the other: all that wrote and read it.  (Gibbons and Korach's zones, of transactions.)
 * If something in a is known to be before something in b, by real time or a path of edges, a is before b: with
 *
 *     first write of a -> ... -> last write of a and who read it -> node of a -> first write of b
 *
 * the other way round would be a cycle.  By real time a is before b if the earliest end in a is before the latest start in b.
 * That is an edge from a's node to each of these, which are many: the blocks of a key, by their latest start, hang on a chain
 * of nodes, and a's node leads into it after its own latest start; to those from its earliest end to there it has edges of its
 * own, which all are under way at that moment (or contradict it, and then one is enough).
 */
#include "lib/serial/inside.h"

bool block_before(const struct block *a, const struct block *b)
{
	return a->first == NONE || (b->first != NONE && a->end < b->start);
}

static void stretch(struct serial *s, struct block *b, uint32_t txn)
{
	if (b->end > txn_end(s, txn)) {
		b->end = txn_end(s, txn);
		b->end_txn = txn;
	}
	if (b->start < txn_at(s, txn)->called) {
		b->start = txn_at(s, txn)->called;
		b->start_txn = txn;
	}
}

static bool is_fixed(const struct serial *s, const struct read *r)
{
	return s->life[r->txn] == LIFE_CERTAIN && (r->of == READ_OF_INIT || r->of < READ_DROPPED);
}

/* Which version is next to which.  Another that replaced the same one begins a block of its own, which fits nowhere. */
static void link_writes(struct serial *s, struct key *k)
{
	for (uint32_t i = k->first_read; i != NONE; i = s->reads[i].next_of_key) {
		struct read *r = &s->reads[i];
		uint32_t *next = r->of == READ_OF_INIT ? &k->init_next : r->of < READ_DROPPED ? &s->writes[r->of].next : NULL;

		if (!is_fixed(s, r) || r->write == NONE)
			continue;
		if (*next != NONE || s->writes[r->write].block != NONE)
			continue;
		*next = r->write;
		/* Until it has one, this says that it does not begin one. */
		s->writes[r->write].block = 0;
	}
}

static uint32_t block_new(struct serial *s, uint32_t key, uint32_t first)
{
	if (s->block_count == s->block_room) {
		void *p = memory_grow(s->memory, s->blocks, &s->block_room, sizeof(*s->blocks));

		if (!p)
			return NONE;
		s->blocks = p;
	}
	s->blocks[s->block_count] = (struct block){
		.key = key, .first = first, .last = NONE, .end = first == NONE ? 0 : UINT64_MAX,
		.end_txn = NONE, .start_txn = NONE,
		.node = node_add(s),
	};
	return s->block_count++;
}

static void block_extend(struct serial *s, uint32_t block, uint32_t from)
{
	for (uint32_t w = from; w != NONE; w = s->writes[w].next) {
		s->writes[w].block = block;
		s->blocks[block].last = w;
		stretch(s, &s->blocks[block], s->writes[w].txn);
	}
}

static bool make_blocks(struct serial *s, uint32_t key, uint32_t *begins)
{
	struct key *k = &s->keys[key];
	uint32_t n = 0;

	for (uint32_t w = k->first_write; w != NONE; w = s->writes[w].next_of_key)
		if (s->writes[w].block == NONE && s->life[s->writes[w].txn] >= LIFE_OPTIONAL)
			begins[n++] = w;
	k->init = block_new(s, key, NONE);
	if (k->init == NONE)
		return false;
	block_extend(s, k->init, k->init_next);
	k->blocks = s->by_starts;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t b = block_new(s, key, begins[i]);

		if (b == NONE)
			return false;
		block_extend(s, b, begins[i]);
		s->by_start[s->by_starts++] = b;
	}
	k->block_count = n;
	return true;
}

/* Where versions were read from each other in a circle, none is first; they are in no block, and there is a cycle. */
static bool in_circle(const struct serial *s, const struct read *r)
{
	uint32_t b = r->of == READ_OF_INIT ? NONE : s->writes[r->of].block;

	return b != NONE && s->blocks[b].key != r->key;
}

static bool read_edges(struct serial *s, const struct key *k, const struct read *r)
{
	uint32_t next = r->of == READ_OF_INIT ? k->init_next : s->writes[r->of].next;
	struct block *b = &s->blocks[r->of == READ_OF_INIT ? k->init : s->writes[r->of].block];

	if (r->of != READ_OF_INIT && !edge_add(s, s->writes[r->of].txn, r->txn, SERIAL_WR, r->of))
		return false;
	if (in_circle(s, r))
		return true;
	stretch(s, b, r->txn);
	if (next == NONE)
		return edge_add(s, r->txn, b->node, SERIAL_RW, LABEL_NO_WRITE);
	return s->writes[next].txn == r->txn || edge_add(s, r->txn, s->writes[next].txn, SERIAL_RW, next);
}

static bool write_edges(struct serial *s, uint32_t w)
{
	uint32_t next = s->writes[w].next, txn = s->writes[w].txn;

	if (s->life[txn] < LIFE_OPTIONAL)
		return true;
	if (next != NONE)
		return edge_add(s, txn, s->writes[next].txn, SERIAL_WW, next);
	return edge_add(s, txn, s->blocks[s->writes[w].block].node, SERIAL_WW, LABEL_NO_WRITE);
}

static bool key_edges(struct serial *s, const struct key *k)
{
	for (uint32_t w = k->first_write; w != NONE; w = s->writes[w].next_of_key)
		if (!write_edges(s, w))
			return false;
	for (uint32_t r = k->first_read; r != NONE; r = s->reads[r].next_of_key)
		if (is_fixed(s, &s->reads[r]) && !read_edges(s, k, &s->reads[r]))
			return false;
	return true;
}

/* --- Real time --- */

static void find_ends(struct serial *s, struct key *k)
{
	uint64_t latest = 0;

	for (uint32_t i = 0; i < k->block_count; i++) {
		uint32_t b = s->by_start[k->blocks + i];

		if (s->blocks[b].end == SERIAL_NEVER)
			s->endless[k->blocks + k->endless++] = b;
		else if (latest < s->blocks[b].end)
			latest = s->blocks[b].end;
		s->latest_end[k->blocks + i] = latest;
	}
}

static bool sort_blocks(struct serial *s, struct key *k)
{
	uint32_t n = k->block_count;
	struct sorted *by = memory_get(s->memory, n, sizeof(*by)), *other = memory_get(s->memory, n, sizeof(*other));

	if (by && other) {
		for (uint32_t i = 0; i < n; i++)
			by[i] = (struct sorted){ s->blocks[s->by_start[k->blocks + i]].start, s->by_start[k->blocks + i] };
		sort(by, other, n);
		for (uint32_t i = 0; i < n; i++)
			s->by_start[k->blocks + i] = by[i].id;
		find_ends(s, k);
	}
	memory_drop(s->memory, other, n, sizeof(*other));
	memory_drop(s->memory, by, n, sizeof(*by));
	return by && other;
}

uint32_t blocks_after(const struct serial *s, const struct key *k, uint64_t time)
{
	uint32_t low = 0, high = k->block_count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (s->blocks[s->by_start[k->blocks + middle]].start <= time)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool chain_from(struct serial *s, const struct key *k, uint32_t id, uint32_t chain)
{
	const struct block a = s->blocks[id];
	uint32_t after = blocks_after(s, k, a.start > a.end ? a.start : a.end);

	for (uint32_t i = a.first == NONE ? 0 : blocks_after(s, k, a.end); i < after; i++) {
		const struct block *b = &s->blocks[s->by_start[k->blocks + i]];

		if (b == &s->blocks[id])
			continue;
		if (!edge_add(s, a.node, s->writes[b->first].txn, SERIAL_WW, b->first))
			return false;
		if (b->end < a.start)
			break;
	}
	return after == k->block_count || edge_add(s, a.node, chain + after, SERIAL_WW, LABEL_NO_WRITE);
}

/* If each is before the other, which is it by its first write?  What else there is says then what is wrong. */
static bool wrote_first(const struct serial *s, const struct block *a, const struct block *b)
{
	uint32_t x = s->writes[a->first].txn, y = s->writes[b->first].txn;

	if (txn_end(s, x) < txn_at(s, y)->called)
		return true;
	return txn_end(s, y) >= txn_at(s, x)->called && a->end < b->end;
}

/* In a small part no chain, so that what contradicts does so in one way. */
static bool pair_edges(struct serial *s, const struct key *k)
{
	for (uint32_t i = 0; i <= k->block_count; i++) {
		const struct block *a = &s->blocks[i < k->block_count ? s->by_start[k->blocks + i] : k->init];

		for (uint32_t j = 0; j < k->block_count; j++) {
			const struct block *b = &s->blocks[s->by_start[k->blocks + j]];

			if (a == b || !block_before(a, b) || (block_before(b, a) && !wrote_first(s, a, b)))
				continue;
			if (!edge_add(s, a->node, s->writes[b->first].txn, SERIAL_WW, b->first))
				return false;
		}
	}
	return true;
}

static bool time_edges(struct serial *s, const struct key *k)
{
	uint32_t chain = s->graph.nodes;

	if (!k->block_count)
		return true;
	if (s->whole && s->txns <= PART_SMALL)
		return pair_edges(s, k);
	for (uint32_t i = 0; i < k->block_count; i++) {
		uint32_t first = s->blocks[s->by_start[k->blocks + i]].first, node = node_add(s);

		assert(node == chain + i);
		if (i && !edge_add(s, node - 1, node, SERIAL_WW, LABEL_NO_WRITE))
			return false;
		if (!edge_add(s, node, s->writes[first].txn, SERIAL_WW, first))
			return false;
	}
	for (uint32_t i = 0; i < k->block_count; i++)
		if (!chain_from(s, k, s->by_start[k->blocks + i], chain))
			return false;
	return chain_from(s, k, k->init, chain);
}

bool blocks_edges(struct serial *s, uint32_t key)
{
	struct key *k = &s->keys[key];
	uint32_t *begins;
	bool done;

	if (!k->is_register)
		return true;
	begins = memory_get(s->memory, k->writes, sizeof(*begins));
	if (begins)
		link_writes(s, k);
	done = begins && make_blocks(s, key, begins);
	memory_drop(s->memory, begins, k->writes, sizeof(*begins));
	return done && key_edges(s, k) && sort_blocks(s, k) && time_edges(s, k);
}
