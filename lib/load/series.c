/* series: see series.h */
#include "lib/load/series.h"
#include "lib/base/err.h"
#include "lib/load/histogram.h"

#include <stdlib.h>
#include <string.h>

struct series {
	struct series *more;
	FILE *rows, *progress;
	uint64_t interval_ns, begin_ns;
	uint64_t end_ns;                /* of the interval */
	uint64_t errors, errors_all;
	bool shown;                     /* progress: there is a line to be wiped away */
	struct histogram latency_ns;    /* of the interval */
};

struct series *series_new(FILE *rows, FILE *progress, uint64_t interval_ns, struct series *more)
{
	struct series *s = must_calloc(1, sizeof(*s));

	s->rows = rows;
	s->progress = progress;
	s->interval_ns = interval_ns;
	s->more = more;
	return s;
}

void series_free(struct series *s)
{
	for (struct series *more; s; s = more) {
		more = s->more;
		free(s);
	}
}

void series_begin(struct series *s, uint64_t at_ns)
{
	for (; s; s = s->more) {
		s->begin_ns = at_ns;
		s->end_ns = at_ns + s->interval_ns;
	}
}

uint64_t series_due(const struct series *s)
{
	uint64_t due = s->end_ns;

	while ((s = s->more))
		due = s->end_ns < due ? s->end_ns : due;
	return due;
}

static void print_us(FILE *out, const struct histogram *h, uint32_t millionths)
{
	if (h->count)
		fprintf(out, " %.1f", (double)histogram_quantile(h, millionths) / 1e3);
	else
		fputs(" nan", out);
}

static void row(struct series *s, uint64_t until_ns, uint64_t ns)
{
	const struct histogram *h = &s->latency_ns;
	double seconds = (double)ns / 1e9;

	if (s->rows) {
		fprintf(s->rows, "%.3f %.0f", (double)(until_ns - s->begin_ns) / 1e9, (double)h->count / seconds);
		print_us(s->rows, h, 500000);
		print_us(s->rows, h, 990000);
		fprintf(s->rows, " %.0f\n", (double)s->errors / seconds);
	}
	if (s->progress) {
		fprintf(s->progress, "\r%.0f s: %.0f ops/s, p50 %.2f ms, p99 %.2f ms, %ju without an answer\033[K",
			(double)(until_ns - s->begin_ns) / 1e9, (double)h->count / seconds,
			(double)histogram_quantile(h, 500000) / 1e6, (double)histogram_quantile(h, 990000) / 1e6,
			(uintmax_t)s->errors_all);
		fflush(s->progress);
		s->shown = true;
	}
	memset(&s->latency_ns, 0, sizeof(s->latency_ns));
	s->errors = 0;
}

void series_turn(struct series *s, uint64_t now_ns)
{
	for (; s; s = s->more)
		for (; now_ns >= s->end_ns; s->end_ns += s->interval_ns)
			row(s, s->end_ns, s->interval_ns);
}

void series_add(struct series *s, uint64_t now_ns, uint64_t latency_ns)
{
	series_turn(s, now_ns);
	for (; s; s = s->more)
		histogram_add(&s->latency_ns, latency_ns);
}

void series_add_error(struct series *s, uint64_t now_ns)
{
	series_turn(s, now_ns);
	for (; s; s = s->more) {
		s->errors++;
		s->errors_all++;
	}
}

void series_end(struct series *s, uint64_t now_ns)
{
	series_turn(s, now_ns);
	for (; s; s = s->more) {
		uint64_t ns = now_ns > s->end_ns - s->interval_ns ? now_ns - (s->end_ns - s->interval_ns) : 0;

		if (s->rows && ns >= s->interval_ns / 2)
			row(s, now_ns, ns);
		if (s->shown) {
			fputs("\r\033[K", s->progress);
			fflush(s->progress);
		}
	}
}
