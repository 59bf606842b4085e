/*
 * points: a sorted circle of points with a prefix index, as every ring of
 * points uses it (Karger et al. 1997: a key belongs to the first point at or
 * after its hash).
 *
 * Built without a sort of the whole.  The generator runs twice: first to count the
 * points of each part of the circle, then to put each into its part.  A part
 * fits a cache; in it the points are dealt to their prefixes the same way, and
 * what is left is to sort the point or two of one prefix.  So the peak is the
 * final size and a part, and the time is linear.
 *
 * Invariants: at[0 .. n-1] ascends by (hash, node); at[n] repeats at[0]'s node at
 * hash 2^64 - 1; index[p] is the first point whose hash is at or after p << shift,
 * and index[last + 1] is n.
 *
 * A ring of up to LINED_POINTS_MAX points has 4 to 8 of them to a prefix, and a
 * cache line for each: the next 16 bits of every point's hash and whose it is.
 * A look-up is then one miss and one comparison of all, without a branch.  Where
 * 16 bits do not decide, or a line has more points than it holds (one in a
 * hundred at the most), the points themselves are asked.  A larger ring has a point or two to
 * a prefix and no lines, as lines cost 8 to 16 bytes a point.
 */
#include "lib/ring/algo.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum {
	PREFIX_BITS_PART = 10,          /* prefixes of a part: 2^10 */
	PART_BITS_MAX = 12,             /* parts are written side by side */
	CHUNK = 64,                     /* look-ups in flight, to hide the misses */
	LINED_POINTS_MAX = 1 << 21,
	LINE_POINTS = 15,
};

/*
 * node[i] owns the keys of this prefix that come after exactly i of its points.
 * UNDECIDED in all: more points than the line holds.
 */
#define UNDECIDED UINT16_MAX

struct points_line {
	uint16_t next16[LINE_POINTS + 1];       /* ascending, then UINT16_MAX */
	uint16_t node[LINE_POINTS + 1];
};

struct points_sink {
	struct points *to;
	uint64_t added, total;
	uint32_t *next;                 /* where each part's next point goes; while counting, of the part after */
	unsigned shift;                 /* hash >> shift is the part */
	bool placing;
};

static inline bool point_before(const struct point *a, const struct point *b)
{
	uint64_t x = point_hash(a), y = point_hash(b);

	return x < y || (x == y && a->node < b->node);
}

void points_add(struct points_sink *s, uint64_t hash, uint32_t node)
{
	uint64_t part = hash >> s->shift;

	assert(s->added < s->total);
	s->added++;
	if (s->placing)
		s->to->at[s->next[part]++] = (struct point){ (uint32_t)hash, (uint32_t)(hash >> 32), node };
	else
		s->next[part + 1]++;
}

/* Shell's sort: a prefix holds a point or two, a hundred in a crafted list. */
static void points_sort(struct point *at, uint32_t n)
{
	uint32_t gap = 1;

	while (gap < n / 9)
		gap = 3 * gap + 1;
	for (; gap; gap /= 3) {
		for (uint32_t i = gap; i < n; i++) {
			struct point p = at[i];
			uint32_t j = i;

			for (; j >= gap && point_before(&p, &at[j - gap]); j -= gap)
				at[j] = at[j - gap];
			at[j] = p;
		}
	}
}

/* Keeps the first of points with one hash, and mends the index. */
static void points_unique(struct points *p)
{
	uint32_t n = 0;
	size_t prefixes = (size_t)1 << (64 - p->shift), at = 0;

	for (uint32_t i = 0; i < p->n; i++)
		if (!n || point_hash(&p->at[n - 1]) != point_hash(&p->at[i]))
			p->at[n++] = p->at[i];
	p->n = n;
	for (uint32_t i = 0; i < n; i++)
		for (size_t prefix = point_hash(&p->at[i]) >> p->shift; at <= prefix; at++)
			p->index[at] = i;
	for (; at <= prefixes; at++)
		p->index[at] = n;
}

static void make_line(const struct points *p, size_t prefix, struct points_line *line)
{
	uint32_t begin = p->index[prefix], count = p->index[prefix + 1] - begin;

	memset(line, 0xff, sizeof *line);
	for (uint32_t i = 0; i <= count && count <= LINE_POINTS; i++) {
		if (i < count)
			line->next16[i] = (uint16_t)(point_hash(&p->at[begin + i]) >> (p->shift - 16));
		line->node[i] = (uint16_t)p->at[begin + i].node;
	}
}

static int make_lines(struct points *p)
{
	size_t prefixes = (size_t)1 << (64 - p->shift);

	p->line = aligned_alloc(sizeof *p->line, prefixes * sizeof *p->line);   /* 64: a line of the cache */
	if (!p->line)
		return RING_ENOMEM;
	for (size_t i = 0; i < prefixes; i++)
		make_line(p, i, &p->line[i]);
	return RING_OK;
}

static int points_run(struct points_sink *s, const struct ring *r, points_gen *gen, bool placing)
{
	int rc;

	s->placing = placing;
	s->added = 0;
	rc = gen(r, s);
	if (rc == RING_OK)
		assert(s->added == s->total);
	return rc;
}

/* Deals the points at[begin .. end - 1], all of one part, to its prefixes; room holds them meanwhile. */
static void deal_part(struct points *p, uint32_t begin, uint32_t end, size_t prefix, size_t prefixes, struct point *room)
{
	uint32_t *index = p->index + prefix, start = begin;

	assert(prefixes >= 1 && prefixes <= SIZE_MAX / sizeof *index);
	memcpy(room, p->at + begin, (end - begin) * sizeof *room);
	for (uint32_t i = 0; i < end - begin; i++)
		index[(point_hash(&room[i]) >> p->shift) - prefix]++;
	for (size_t i = 0; i < prefixes; i++) {
		uint32_t count = index[i];

		index[i] = start;
		start += count;
	}
	for (uint32_t i = 0; i < end - begin; i++)
		p->at[index[(point_hash(&room[i]) >> p->shift) - prefix]++] = room[i];
	/* Each prefix's entry has come to its end, which is the next one's begin. */
	memmove(index + 1, index, (prefixes - 1) * sizeof *index);
	index[0] = begin;
	for (size_t i = 0; i < prefixes; i++) {
		uint32_t stop = i + 1 < prefixes ? index[i + 1] : end;

		if (stop - index[i] > 1)
			points_sort(p->at + index[i], stop - index[i]);
	}
}

static int deal_parts(struct points *p, const uint32_t *part, size_t parts)
{
	size_t prefixes = ((size_t)1 << (64 - p->shift)) / parts;
	uint32_t largest = 0;
	struct point *room;

	for (size_t i = 0; i < parts; i++)
		largest = part[i + 1] - part[i] > largest ? part[i + 1] - part[i] : largest;
	room = malloc(largest * sizeof *room);
	if (!room)
		return RING_ENOMEM;
	for (size_t i = 0; i < parts; i++)
		deal_part(p, part[i], part[i + 1], i * prefixes, prefixes, room);
	p->index[parts * prefixes] = p->n;
	free(room);
	return RING_OK;
}

static int points_fill(struct points *p, const struct ring *r, points_gen *gen, bool unique)
{
	unsigned bits = 64 - p->shift, part_bits = bits > PREFIX_BITS_PART ? bits - PREFIX_BITS_PART : 1;
	uint32_t part[(1 << PART_BITS_MAX) + 2] = { 0 };
	struct points_sink sink = { .to = p, .total = p->n, .next = part };
	size_t parts;
	int rc;

	part_bits = part_bits < PART_BITS_MAX ? part_bits : PART_BITS_MAX;
	parts = (size_t)1 << part_bits;
	sink.shift = 64 - part_bits;
	rc = points_run(&sink, r, gen, false);
	if (rc != RING_OK)
		return rc;
	for (size_t i = 0; i < parts; i++)
		part[i + 1] += part[i];
	rc = points_run(&sink, r, gen, true);
	if (rc != RING_OK)
		return rc;
	/* Each has come to its end, which is the next one's begin. */
	memmove(part + 1, part, parts * sizeof *part);
	part[0] = 0;
	rc = deal_parts(p, part, parts);
	if (rc != RING_OK)
		return rc;
	if (unique)
		points_unique(p);
	p->at[p->n] = (struct point){ UINT32_MAX, UINT32_MAX, p->at[0].node };
	return p->n <= LINED_POINTS_MAX && r->n < UNDECIDED ? make_lines(p) : RING_OK;
}

int points_build(struct points *p, const struct ring *r, points_gen *gen, uint64_t total, bool unique)
{
	const bool lined = total <= LINED_POINTS_MAX && r->n < UNDECIDED;
	unsigned bits = 1;
	int rc;

	*p = (struct points){ 0 };
	if (!total)
		return RING_EDRAINED;
	if (total > RING_POINTS_MAX)
		return RING_ETOOBIG;
	while ((total >> bits) > 1)
		bits++;
	if (lined)
		bits = bits > 3 ? bits - 2 : 1;
	p->n = (uint32_t)total;
	p->shift = 64 - bits;
	p->at = malloc((total + 1) * sizeof *p->at);
	p->index = calloc(((size_t)1 << bits) + 1, sizeof *p->index);
	rc = p->at && p->index ? points_fill(p, r, gen, unique) : RING_ENOMEM;
	if (rc != RING_OK)
		points_release(p);
	return rc;
}

void points_release(struct points *p)
{
	free(p->at);
	free(p->index);
	free(p->line);
	*p = (struct points){ 0 };
}

/* How many of the line's points come before those 16 bits; the last place is no point. */
static inline unsigned line_count(const struct points_line *line, uint16_t next16)
{
#ifdef __SSE2__
	const __m128i key = _mm_set1_epi16((short)next16), zero = _mm_setzero_si128();
	__m128i low, high;

	memcpy(&low, line->next16, sizeof low);
	memcpy(&high, line->next16 + 8, sizeof high);
	/* key - point, saturated, is 0 where the point is not before the key */
	low = _mm_cmpeq_epi16(_mm_subs_epu16(key, low), zero);
	high = _mm_cmpeq_epi16(_mm_subs_epu16(key, high), zero);
	return (unsigned)__builtin_ctz((unsigned)_mm_movemask_epi8(_mm_packs_epi16(low, high)));
#else
	unsigned n = 0;

	while (line->next16[n] < next16)
		n++;
	return n;
#endif
}

static uint32_t points_search(const struct points *p, uint64_t hash)
{
	uint32_t i = p->index[hash >> p->shift];

	while (point_hash(&p->at[i]) < hash)
		i++;
	return i;
}

static void owner_by_lines(const struct points *p, const uint64_t *hash, size_t n, uint32_t *owner)
{
	/* Into the second cache: more of these can be under way than into the first. */
	for (size_t i = 0; i < n; i++)
		__builtin_prefetch(&p->line[hash[i] >> p->shift], 0, 2);
	for (size_t i = 0; i < n; i++) {
		const struct points_line *line = &p->line[hash[i] >> p->shift];
		uint16_t next16 = (uint16_t)(hash[i] >> (p->shift - 16));
		unsigned count = line_count(line, next16);

		owner[i] = line->node[count];
		if (__builtin_expect(owner[i] == UNDECIDED || line->next16[count] == next16, 0))
			owner[i] = p->at[points_search(p, hash[i])].node;
	}
}

static void owner_by_index(const struct points *p, const uint64_t *hash, size_t n, uint32_t *owner)
{
	for (size_t i = 0; i < n; i++)
		__builtin_prefetch(&p->index[hash[i] >> p->shift]);
	for (size_t i = 0; i < n; i++)
		__builtin_prefetch(&p->at[p->index[hash[i] >> p->shift]]);
	for (size_t i = 0; i < n; i++)
		owner[i] = p->at[points_search(p, hash[i])].node;
}

void points_owner(const struct points *p, const uint64_t *hash, size_t n, uint32_t *owner)
{
	for (size_t i = 0; i < n; i += CHUNK) {
		size_t some = n - i < CHUNK ? n - i : CHUNK;

		if (p->line)
			owner_by_lines(p, hash + i, some, owner + i);
		else
			owner_by_index(p, hash + i, some, owner + i);
	}
}

uint32_t points_find(const struct points *p, uint64_t hash)
{
	uint32_t i = points_search(p, hash);

	return i < p->n ? i : 0;
}

void points_shares(const struct points *p, uint64_t *share)
{
	uint64_t before = point_hash(&p->at[p->n - 1]);

	if (p->n == 1) {
		share[p->at[0].node] = UINT64_MAX;
		return;
	}
	for (uint32_t i = 0; i < p->n; i++) {
		uint64_t here = point_hash(&p->at[i]), *s = &share[p->at[i].node];

		/* A sole owner's arcs add up to 2^64, which is one too many. */
		*s = *s + (here - before) < *s ? UINT64_MAX : *s + (here - before);
		before = here;
	}
}

size_t points_bytes(const struct points *p)
{
	size_t prefixes = (size_t)1 << (64 - p->shift);

	return (p->n + (size_t)1) * sizeof *p->at + (prefixes + 1) * sizeof *p->index
	       + (p->line ? prefixes * sizeof *p->line : 0);
}

void points_algo_release(struct ring *r)
{
	points_release(&r->points);
}

void points_algo_owner(const struct ring *r, const uint64_t *hash, size_t n, uint32_t *owner)
{
	points_owner(&r->points, hash, n, owner);
}

/* Candidates are the points' nodes, once around the circle. */
uint32_t points_algo_walk(const struct ring *r, uint64_t hash, struct ring_walk *w)
{
	uint32_t at;

	if (w->step == r->points.n)
		return RING_NONE;
	if (!w->step)
		w->place = points_find(&r->points, hash);
	w->step++;
	at = (uint32_t)w->place;
	w->place = at + 1 < r->points.n ? at + 1 : 0;
	return r->points.at[at].node;
}

void points_algo_explain(const struct ring *r, uint64_t hash, struct ring_why *why)
{
	const struct point *p = &r->points.at[points_find(&r->points, hash)];

	why->hash_bits = 64;
	why->hash = hash;
	why->has_point = true;
	why->point = point_hash(p);
	why->owner = p->node;
	why->text = why->point >= hash ? "the first point at or after the hash"
				       : "no point at or after the hash: it wraps to the first of all";
}

void points_algo_explain32(const struct ring *r, uint64_t hash, struct ring_why *why)
{
	points_algo_explain(r, hash, why);
	why->hash_bits = 32;
	why->hash >>= 32;
	why->point >>= 32;
}

bool points_algo_shares(const struct ring *r, uint64_t *share)
{
	points_shares(&r->points, share);
	return true;
}

size_t points_algo_bytes(const struct ring *r)
{
	return points_bytes(&r->points);
}
