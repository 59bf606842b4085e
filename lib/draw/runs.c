/*
 * runs: which places of the circle belong to whom, read off ring_at.
 *
 * A circle of few arcs is read exactly: 2^16 places are asked, and between two of
 * different owners the boundary is found by bisection.  (What is missed is an arc
 * within a 65536th of the circle: a 50th of a pixel.)  One of more than RUNS_MAX
 * arcs is sampled, one place in each 720th of it.  Then a window of it, the lens,
 * is read exactly as well.
 *
 * Within its step a place is drawn at random (the same in every run): even steps
 * would beat with a table that repeats, and see one node where there are four.
 */
#include "lib/draw/picture.h"

#include <math.h>

enum { SCAN_BITS = 16, LENS_SCAN_BITS = 12, LENS_BITS_MAX = 44, LENS_WINDOWS = 256 };

/* The finalizer of MurmurHash3 over a Weyl sequence: splitmix64. */
static uint64_t noise(uint64_t i)
{
	uint64_t z = (i + 1) * UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

uint64_t picture_place(uint32_t i, unsigned bits)
{
	return (uint64_t)i << (64 - bits) | noise(i) >> bits;
}

void picture_owners(const struct picture *p, enum when t, const uint64_t *place, size_t n, uint32_t *row)
{
	const struct ring *ring = p->fleet[t]->ring;

	if (!p->circle)
		ring_owner(ring, place, n, row);
	for (size_t i = 0; i < n; i++) {
		uint32_t node = p->circle ? ring_at(ring, place[i]) : row[i];

		row[i] = t == WAS && p->plan ? p->was_row[node] : node;
	}
}

struct owners {
	uint32_t row[2];
};

static struct owners owners_at(const struct picture *p, uint64_t place)
{
	struct owners o;

	picture_owners(p, IS, &place, 1, &o.row[IS]);
	if (p->plan)
		picture_owners(p, WAS, &place, 1, &o.row[WAS]);
	else
		o.row[WAS] = o.row[IS];
	return o;
}

static bool same(struct owners a, struct owners b)
{
	return a.row[WAS] == b.row[WAS] && a.row[IS] == b.row[IS];
}

/* The first place after lo, up to hi, that is not lo's owners'; hi is not. */
static uint64_t boundary(const struct picture *p, uint64_t lo, uint64_t hi)
{
	struct owners owners = owners_at(p, lo);

	while (hi - lo > 1) {
		uint64_t mid = lo + (hi - lo) / 2;

		if (same(owners_at(p, mid), owners))
			lo = mid;
		else
			hi = mid;
	}
	return hi;
}

static bool add_run(struct runs *runs, uint32_t limit, double from, struct owners o)
{
	if (runs->n == limit)
		return false;
	runs->at[runs->n++] = (struct run){ .from = from, .row = { o.row[WAS], o.row[IS] } };
	return true;
}

/* Each run ends where the next begins, the last at `end`. */
static void close_runs(struct runs *runs, double end)
{
	for (uint32_t i = 0; i < runs->n; i++)
		runs->at[i].to = i + 1 < runs->n ? runs->at[i + 1].from : end;
}

/*
 * Reads begin .. last, a place in each 2^step_bits of them; false if it has more
 * than `limit` runs.
 */
static bool scan(const struct picture *p, uint64_t begin, uint64_t last, unsigned step_bits, uint32_t limit,
		 struct runs *runs)
{
	const uint64_t steps = ((last - begin) >> step_bits) + 1, within = (UINT64_C(1) << step_bits) - 1;
	struct owners here = owners_at(p, begin);
	uint64_t at = begin;

	runs->n = 0;
	if (!add_run(runs, limit, ldexp((double)begin, -64), here))
		return false;
	for (uint64_t i = 0; i <= steps; i++) {
		uint64_t next = i < steps ? begin + (i << step_bits) + (noise(i) & within) : last;
		struct owners there = owners_at(p, next);

		while (!same(here, there)) {
			at = boundary(p, at, next);
			here = owners_at(p, at);
			if (!add_run(runs, limit, ldexp((double)at, -64), here))
				return false;
		}
		at = next;
	}
	close_runs(runs, ldexp((double)last, -64));
	return true;
}

static void sample(const struct picture *p, struct runs *runs)
{
	const uint64_t part = UINT64_MAX / RUNS_MAX;

	runs->n = 0;
	for (uint32_t i = 0; i < RUNS_MAX; i++) {
		struct owners o = owners_at(p, i * part + noise(i) % part);
		const struct run *r = &runs->at[runs->n - (runs->n > 0)];

		if (!runs->n || !same(o, (struct owners){ { r->row[WAS], r->row[IS] } }))
			add_run(runs, RUNS_MAX, (double)i / RUNS_MAX, o);
	}
	close_runs(runs, 1);
}

static bool any_moves(const struct runs *runs)
{
	for (uint32_t i = 0; i < runs->n; i++)
		if (runs->at[i].row[WAS] != runs->at[i].row[IS])
			return true;
	return false;
}

static bool scan_window(struct picture *p, unsigned bits, uint64_t i, uint32_t limit)
{
	uint64_t size = UINT64_C(1) << (64 - bits);

	return scan(p, i * size, i * size + size - 1, 64 - bits - LENS_SCAN_BITS, limit, &p->lens);
}

/* The largest window of 2^-k of the circle that has few enough runs; with a plan one where something moves. */
static void scan_lens(struct picture *p)
{
	unsigned bits = 1;
	uint64_t windows;

	while (bits < LENS_BITS_MAX && !scan_window(p, bits, 0, LENS_RUNS_MAX))
		bits++;
	p->lens_bits = bits;
	windows = bits < 8 ? UINT64_C(1) << bits : LENS_WINDOWS;
	for (uint64_t i = 0; p->moved > 0 && i < windows; i++)
		if (scan_window(p, bits, i, LENS_RUNS_MAX + LENS_RUNS_MAX / 4) && any_moves(&p->lens))
			return;
	if (!scan_window(p, bits, 0, LENS_RUNS_MAX))
		p->lens.n = 0;          /* not at any scale: no lens */
}

/*
 * Where the points are: what ring_explain names along the circle, as a distance
 * from the place (some layouts print their hashes signed, some 32 bits of them).
 */
static void scan_ticks(struct picture *p)
{
	const struct ring *ring = p->of->is.ring;
	uint64_t before = 0;

	for (uint32_t i = 0; i < UINT32_C(1) << SCAN_BITS; i++) {
		uint64_t place = (uint64_t)i << (64 - SCAN_BITS), point;
		struct ring_why why;

		ring_explain(ring, place, &why);
		if (!why.has_point)
			return;
		point = place + ((why.point - why.hash) << (64 - why.hash_bits));
		if (p->ticks && point == before)
			continue;
		if (p->ticks == TICKS_MAX) {
			p->ticks = 0;
			return;
		}
		p->tick[p->ticks++] = ldexp((double)point, -64);
		before = point;
	}
}

void picture_scan(struct picture *p)
{
	struct ring_why why;

	ring_explain(p->of->is.ring, 0, &why);
	p->table = why.has_slot;
	p->sampled = !scan(p, 0, UINT64_MAX, 64 - SCAN_BITS, RUNS_MAX, &p->runs);
	if (p->sampled) {
		sample(p, &p->runs);
		scan_lens(p);
	} else if (!p->plan && ring_points(p->of->is.ring) <= TICKS_MAX) {
		scan_ticks(p);
	}
}
