/* plot: see plot.h */
#include "lib/load/plot.h"
#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/load/bands.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ROW_BYTES_MAX = 1 << 12, LABELS_MAX = 24, LABEL_ROWS = 4, NAP_MS = 500 };

/* What the script has to know of the data. */
struct extent {
	double interval_s, end_s;
	char src[WIRE_NAME_BYTES_MAX + 8];      /* of the first request; empty: there was none */
	double first_s;
};

static char *with(const char *prefix, const char *suffix)
{
	char *path = must_malloc(strlen(prefix) + strlen(suffix) + 1);

	strcpy(path, prefix);
	return strcat(path, suffix);
}

static FILE *open_file(const char *prefix, const char *suffix, const char *mode)
{
	char *path = with(prefix, suffix);
	FILE *f = fopen(path, mode);
	int why = errno;

	free(path);
	errno = why;
	return f;
}

/* --- The data --- */

FILE *plot_open(const char *prefix)
{
	FILE *f = open_file(prefix, ".data", "we");

	if (f)
		fputs("# seconds ops/s p50_us p99_us errors/s\n", f);
	return f;
}

static int close_file(FILE *f)
{
	bool lost = ferror(f);

	errno = 0;
	if (!fclose(f) && !lost)
		return 0;
	return errno ? errno : EIO;
}

int plot_close(FILE *f, const struct load_result *r)
{
	if (*r->first_src)
		fprintf(f, "# first request: %s at %.9f\n", r->first_src, r->first_s);
	return close_file(f);
}

/* False: a row is none. */
static bool take_row(struct extent *e, const char *row, bool first)
{
	double at;

	if (*row == '#') {
		const char *end = strrchr(row, ' ');

		if (!strncmp(row, "# first request: ", 17) && end && end - row > 20 && sscanf(end, "%lf", &e->first_s) == 1)
			snprintf(e->src, sizeof(e->src), "%.*s", (int)(end - 3 - (row + 17)), row + 17);
		return true;
	}
	if (sscanf(row, "%lf", &at) != 1 || !isfinite(at) || at < e->end_s)
		return false;
	if (first)
		e->interval_s = at;
	e->end_s = at;
	return true;
}

static int read_extent(struct extent *e, const char *prefix, char *why)
{
	char row[ROW_BYTES_MAX];
	FILE *f = open_file(prefix, ".data", "re");
	size_t rows = 0, line = 0;
	bool right = true;

	*e = (struct extent){ .end_s = 0 };
	if (!f) {
		snprintf(why, PLOT_WHY_BYTES, "cannot open '%s.data': %s", prefix, strerror(errno));
		return EXIT_SYSTEM;
	}
	while (right && fgets(row, sizeof(row), f)) {
		line++;
		right = take_row(e, row, !rows);
		rows += *row != '#';
	}
	fclose(f);
	if (!right)
		snprintf(why, PLOT_WHY_BYTES, "'%s.data', line %zu: no row of --plot", prefix, line);
	return right ? 0 : EXIT_DATA;
}

/* --- The script --- */

/* A string of gnuplot, in which nothing but the quote itself is special. */
static void put_string(FILE *f, const char *s)
{
	fputc('\'', f);
	for (; *s; s++) {
		if (*s == '\'')
			fputc('\'', f);
		fputc((unsigned char)*s < ' ' ? ' ' : *s, f);
	}
	fputc('\'', f);
}

static void put_path(FILE *f, const char *prefix, const char *suffix)
{
	char *path = with(prefix, suffix);

	put_string(f, path);
	free(path);
}

/* Red, green and blue; before them goes how transparent it is. */
static const char *const band_colour[BAND_KINDS] = {
	[BAND_PARTITION] = "d62728", [BAND_LINK] = "ff7f0e", [BAND_DOWN] = "555555", [BAND_PAUSE] = "9467bd",
	[BAND_SKEW] = "8c564b",
};

/* Returns the kinds that are shown, bits. */
static unsigned put_bands(FILE *f, const struct bands *bands, double end_s)
{
	unsigned kinds = 0;
	size_t shown = 0;

	for (size_t i = 0; i < bands->count; i++) {
		const struct band *b = &bands->band[i];
		double from = b->from_s > 0 ? b->from_s : 0, to = b->to_s < end_s ? b->to_s : end_s;

		if (from >= to)
			continue;
		kinds |= 1U << b->kind;
		fprintf(f, "set object %zu rectangle from %.6f, graph 0 to %.6f, graph 1 behind fillcolor rgb '#d8%s' "
			"fillstyle solid noborder\n", ++shown, from, to, band_colour[b->kind]);
		if (shown > LABELS_MAX)
			continue;
		fprintf(f, "set label %zu ", shown);
		put_string(f, b->label);
		fprintf(f, " at %.6f, graph %.2f offset 0.3,0 front font ',8' textcolor rgb '#%s'\n", from,
			0.95 - 0.06 * (double)(shown % LABEL_ROWS), band_colour[b->kind]);
	}
	return kinds;
}

/* The kinds of faults in the key: lines of no points. */
static void put_key_of_bands(FILE *f, unsigned kinds)
{
	for (int i = 0; i < BAND_KINDS; i++)
		if (kinds & 1U << i)
			fprintf(f, ", \\\n     NaN title '%s' with lines linewidth 8 linecolor rgb '#d8%s'", band_kind_name[i],
				band_colour[i]);
	fputc('\n', f);
}

static void put_script(FILE *f, const char *prefix, const struct extent *e, const struct bands *bands)
{
	unsigned kinds;

	fputs("# gnuplot ", f);
	put_path(f, prefix, ".gnuplot");
	fputs("\nset terminal svg size 1000,640 noenhanced font 'sans,11' background 'white'\nset output ", f);
	put_path(f, prefix, ".svg");
	fputs("\ndata = ", f);
	put_path(f, prefix, ".data");
	/* A point stands in the middle of its interval. */
	fprintf(f, "\nmiddle(x) = x - %.6f\nset multiplot layout 2,1\nset lmargin 11\n"
		"set rmargin 11\nset grid\nset key outside top right horizontal\nset xrange [0:%.6f]\n", e->interval_s / 2,
		e->end_s > 0 ? e->end_s : 1);
	kinds = put_bands(f, bands, e->end_s);
	fputs("set ylabel 'operations/s'\nset y2label 'errors/s'\nset yrange [0:1<*]\nset y2range [0:1<*]\nset ytics nomirror\n"
	      "set y2tics\nplot data using (middle($1)):2 title 'operations/s' with lines linewidth 2 linecolor rgb '#1f77b4', \\\n"
	      "     data using (middle($1)):5 axes x1y2 title 'errors/s' with impulses linewidth 2 linecolor rgb '#d62728'\n"
	      "unset y2label\nunset y2tics\nunset label\nset ytics mirror\nset xlabel 'seconds'\nset ylabel 'latency, ms'\n"
	      "set yrange [*:*]\nset logscale y\n"
	      "plot data using (middle($1)):($4 / 1000) title 'p99' with linespoints pointtype 7 pointsize 0.3 "
	      "linewidth 2 linecolor rgb '#ff7f0e', \\\n"
	      "     data using (middle($1)):($3 / 1000) title 'p50' with linespoints pointtype 7 pointsize 0.3 "
	      "linewidth 2 linecolor rgb '#2ca02c'", f);
	put_key_of_bands(f, kinds);
	fputs("unset multiplot\n", f);
}

static int write_script(const char *prefix, const struct extent *e, const struct bands *bands, char *why)
{
	FILE *f = open_file(prefix, ".gnuplot", "we");
	int error;

	if (!f) {
		snprintf(why, PLOT_WHY_BYTES, "cannot open '%s.gnuplot': %s", prefix, strerror(errno));
		return EXIT_SYSTEM;
	}
	put_script(f, prefix, e, bands);
	error = close_file(f);
	if (!error)
		return 0;
	snprintf(why, PLOT_WHY_BYTES, "cannot write '%s.gnuplot': %s", prefix, strerror(error));
	return EXIT_SYSTEM;
}

/* 0, or the exit status. */
static int read_bands(struct bands *b, const char *trace, const struct extent *e, unsigned patience_ms, char *why)
{
	const struct timespec nap = { .tv_nsec = NAP_MS * 1000000 };
	char what[BANDS_WHY_BYTES];

	for (;; patience_ms -= NAP_MS) {
		bool data;
		int rc = bands_read(b, trace, e->src, e->first_s, what, &data);

		if (!rc && (b->until_s >= e->end_s || patience_ms < NAP_MS))
			return 0;
		if (patience_ms < NAP_MS) {
			snprintf(why, PLOT_WHY_BYTES, "cannot read '%s': %s", trace, what);
			return data ? EXIT_DATA : EXIT_SYSTEM;
		}
		bands_release(b);
		nanosleep(&nap, NULL);
	}
}

int plot_script(const char *prefix, const char *trace, unsigned patience_ms, char why[static PLOT_WHY_BYTES])
{
	struct bands bands = { .count = 0 };
	struct extent e;
	int rc = read_extent(&e, prefix, why);

	if (rc)
		return rc;
	if (trace && !*e.src) {
		snprintf(why, PLOT_WHY_BYTES, "'%s.data': no first request, by which a trace could be laid over it", prefix);
		return EXIT_DATA;
	}
	if (trace)
		rc = read_bands(&bands, trace, &e, patience_ms, why);
	if (!rc)
		rc = write_script(prefix, &e, &bands, why);
	bands_release(&bands);
	return rc;
}
