/* spacetime_time: see spacetime_time.h */
#include "lib/draw/spacetime_time.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"

enum {
	APART_PX = 22,                  /* from one moment to the next, in the mean */
	APART_MANY_PX = 12,             /* ... of those beyond MANY */
	MANY = 120,
	LONG_PX = 100,                  /* what is longer is shortened */
	LINEAR_PX_MAX = 30000,
	LENGTH_MIN = 120,
	HALVINGS = 200,
};
#define SCALE_MAX 0.05                  /* px a ns: 50 a microsecond */

void moments_add(struct moments *m, uint64_t at)
{
	if (m->n == m->room) {
		m->room = m->room ? 2 * m->room : 256;
		m->at = must_realloc(m->at, m->room * sizeof *m->at);
	}
	m->at[m->n++] = at;
}

void moments_release(struct moments *m)
{
	free(m->at);
	*m = (struct moments){ NULL, 0, 0 };
}

static int earlier(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void sort_unique(struct moments *m)
{
	size_t n = 0;

	qsort(m->at, m->n, sizeof *m->at, earlier);
	for (size_t i = 0; i < m->n; i++)
		if (!n || m->at[i] != m->at[n - 1])
			m->at[n++] = m->at[i];
	m->n = n;
}

/* How long all is when no stretch is longer than a break. */
static double length_at(const struct moments *m, double scale)
{
	double sum = 0;

	for (size_t i = 1; i < m->n; i++) {
		double px = (double)(m->at[i] - m->at[i - 1]) * scale;

		sum += px < BREAK_PX ? px : BREAK_PX;
	}
	return sum;
}

/* With breaks of BREAK_PX the moments are APART_PX from each other in the mean, which is less: so there is a scale. */
static double scale_of(const struct moments *m, bool linear)
{
	size_t gaps = m->n - 1;
	double wanted = gaps <= MANY ? APART_PX * (double)gaps : APART_PX * MANY + APART_MANY_PX * (double)(gaps - MANY);
	double low = 0, high = SCALE_MAX, all = (double)(m->at[m->n - 1] - m->at[0]);

	if (wanted < LENGTH_MIN)
		wanted = LENGTH_MIN;
	if (linear || gaps < 4)
		return (wanted < LINEAR_PX_MAX ? wanted : LINEAR_PX_MAX) / all < SCALE_MAX
			? (wanted < LINEAR_PX_MAX ? wanted : LINEAR_PX_MAX) / all : SCALE_MAX;
	for (int i = 0; i < HALVINGS; i++) {
		double middle = (low + high) / 2;

		*(length_at(m, middle) < wanted ? &low : &high) = middle;
	}
	return high;
}

static void add_stretch(struct timeline *t, uint64_t from, uint64_t to, bool broken)
{
	struct stretch *last = t->n ? &t->stretch[t->n - 1] : NULL;
	double px = broken ? BREAK_PX : (double)(to - from) * t->scale;

	if (last && !last->broken && !broken) {
		last->to = to;
		last->v1 += px;
	} else {
		t->stretch[t->n++] = (struct stretch){ from, to, t->length, t->length + px, broken };
	}
	t->length += px;
}

void timeline_init(struct timeline *t, struct moments *m, uint64_t from, uint64_t to, bool linear)
{
	assert(from < to);
	moments_add(m, from);
	moments_add(m, to);
	sort_unique(m);
	*t = (struct timeline){ .scale = scale_of(m, linear) };
	t->stretch = must_calloc(m->n, sizeof *t->stretch);
	for (size_t i = 1; i < m->n; i++) {
		double px = (double)(m->at[i] - m->at[i - 1]) * t->scale;

		add_stretch(t, m->at[i - 1], m->at[i], px > LONG_PX && !linear);
	}
}

void timeline_release(struct timeline *t)
{
	free(t->stretch);
	*t = (struct timeline){ .n = 0 };
}

size_t timeline_stretch(const struct timeline *t, uint64_t at)
{
	size_t low = 0, high = t->n - 1;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (t->stretch[middle].to < at)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

double timeline_v(const struct timeline *t, uint64_t at)
{
	const struct stretch *s = &t->stretch[timeline_stretch(t, at)];

	if (at <= s->from)
		return s->v0;
	if (at >= s->to)
		return s->v1;
	return s->v0 + (s->v1 - s->v0) * ((double)(at - s->from) / (double)(s->to - s->from));
}

/* --- Ticks --- */

void time_text(char *out, size_t room, uint64_t ns)
{
	size_t len;

	snprintf(out, room, "%ju.%06ju", (uintmax_t)(ns / 1000000), (uintmax_t)(ns % 1000000));
	for (len = strlen(out); out[len - 1] == '0'; len--)
		;
	out[out[len - 1] == '.' ? len - 1 : len] = '\0';
}

void time_span_text(char *out, size_t room, uint64_t ns)
{
	static const struct { uint64_t ns; const char *name; } units[] = {
		{ 1000000000, "s" }, { 1000000, "ms" }, { 1000, "\xc2\xb5s" }, { 1, "ns" },
	};
	size_t i = 0;

	while (i < 3 && ns < units[i].ns)
		i++;
	if (ns >= 100 * units[i].ns)
		snprintf(out, room, "%ju %s", (uintmax_t)((ns + units[i].ns / 2) / units[i].ns), units[i].name);
	else
		snprintf(out, room, "%.3g %s", (double)ns / (double)units[i].ns, units[i].name);
}

/* The next of 1, 2, 5, 10, 20, ... */
static uint64_t rounder(uint64_t step)
{
	uint64_t unit = 1;

	while (unit <= step / 10)
		unit *= 10;
	return step / unit < 2 ? 2 * unit : step / unit < 5 ? 5 * unit : 10 * unit;
}

/* The finer one before it. */
static uint64_t finer(uint64_t step)
{
	uint64_t unit = 1;

	while (unit <= step / 10)
		unit *= 10;
	return step / unit > 2 ? 2 * unit : step / unit > 1 ? unit : unit / 2 > 0 ? unit / 2 : 1;
}

/* The first multiple of step from `at` on; UINT64_MAX: there is none. */
static uint64_t multiple(uint64_t at, uint64_t step)
{
	uint64_t rest = at % step;

	return !rest ? at : at > UINT64_MAX - step ? UINT64_MAX : at - rest + step;
}

void ticks_init(struct ticks *k, const struct timeline *t, double apart)
{
	*k = (struct ticks){ .t = t, .step = 1, .apart = apart, .last_v = -apart };
	while ((double)k->step * t->scale < apart && k->step < UINT64_MAX / 20)
		k->step = rounder(k->step);
}

/* Of a stretch's ticks: the common step, or the finest needed to have one in it. */
static bool begin_stretch(struct ticks *k)
{
	const struct stretch *s = &k->t->stretch[k->stretch];
	uint64_t step = k->step;

	k->begun = true;
	if (s->broken)
		return false;
	while (multiple(s->from, step) > s->to && step > 1)
		step = finer(step);
	k->next = multiple(s->from, step);
	return k->next <= s->to;
}

bool ticks_next(struct ticks *k, struct tick *tick)
{
	for (; k->stretch < k->t->n; k->stretch++, k->begun = false) {
		const struct stretch *s = &k->t->stretch[k->stretch];

		if (!k->begun && !begin_stretch(k))
			continue;
		while (k->next <= s->to) {
			tick->at = k->next;
			tick->v = timeline_v(k->t, k->next);
			k->next = k->next > UINT64_MAX - k->step ? UINT64_MAX : multiple(k->next + 1, k->step);
			if (tick->v < k->last_v + k->apart / 2)
				continue;
			k->last_v = tick->v;
			time_text(tick->label, sizeof tick->label, tick->at);
			return true;
		}
	}
	return false;
}
