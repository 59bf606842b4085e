/* contradiction: see contradiction.h */
#include "lib/draw/contradiction.h"

#include <math.h>
#include <string.h>

#include "lib/draw/contradiction_place.h"
#include "lib/draw/svg.h"

enum {
	MARGIN = 24, TITLE_SIZE = 18, TEXT_SIZE = 13, LINE_SIZE = 10, NAME_SIZE = 12, WIDTH_MIN = 720,
	SENTENCE_LINE = 19, NOTE_LINE = 16, COLOURS = 6,
	BOW = 34,                       /* of an arrow from a row to itself */
};

static const char style[] =
	"<style>\n"
	"text{fill:#1c2128;stroke:#fff;stroke-width:3px;stroke-linejoin:round;paint-order:stroke}\n"
	".ground{fill:#fff}.title{font-weight:600;stroke:none}.why{stroke:none}.note,.line{fill:#57606a}.name{font-weight:600}\n"
	".bar text{stroke:none}.row{stroke:#d8dee4}.gap{stroke:#aeb6bf;stroke-dasharray:2 4}\n"
	".bar rect,.bar path{stroke-width:1.4}.bar .over{fill:none}.bar .from{stroke:none}\n"
	".worst rect,.worst path{stroke-width:2.6}.worst text{font-weight:600}\n"
	".open path{stroke-dasharray:5 3}.context{opacity:.62}.context .c0{fill:#f6f8fa;stroke:#d0d7de}\n"
	".c0{fill:#eef1f4;stroke:#57606a}.c1{fill:#ddebfb;stroke:#1f5fa8}.c2{fill:#fde8d3;stroke:#b35900}"
	".c3{fill:#d9f2ec;stroke:#0f766e}.c4{fill:#eee0f6;stroke:#7d3c98}.c5{fill:#f4f0c8;stroke:#6b6a00}.c6{fill:#fbdfe9;stroke:#a8325e}\n"
	".worst rect,.worst path{stroke:#b3261e}.mark{fill:#b3261e;stroke:none;font-weight:600}\n"
	".before{fill:none;stroke:#57606a;stroke-width:1.3}.edge{fill:none;stroke:#b3261e;stroke-width:1.8}\n"
	".head{fill:#57606a;stroke:none}.edgehead{fill:#b3261e;stroke:none}.edgename{fill:#b3261e;font-weight:600}\n"
	"@media (prefers-color-scheme:dark){\n"
	"text{fill:#e6edf3;stroke:#0d1117}.ground{fill:#0d1117}.note,.line{fill:#9198a1}.row{stroke:#21262d}.gap{stroke:#484f58}\n"
	".c0{fill:#21262d;stroke:#9198a1}.c1{fill:#0c2d55;stroke:#79b8ff}.c2{fill:#4a2a08;stroke:#f0a05a}"
	".c3{fill:#0a3a34;stroke:#5fd3c4}.c4{fill:#3a1d4a;stroke:#d2a8ff}.c5{fill:#3b3a06;stroke:#d8d060}.c6{fill:#4b1730;stroke:#ff9bc0}\n"
	".context .c0{fill:#161b22;stroke:#30363d}\n"
	".worst rect,.worst path,.edge{stroke:#ff7b72}.mark,.edgehead,.edgename{fill:#ff938a}.before{stroke:#9198a1}.head{fill:#9198a1}\n"
	"}\n</style>\n"
	"<defs><marker id='head' viewBox='0 0 8 8' refX='7' refY='4' markerWidth='7' markerHeight='7' orient='auto'>"
	"<path class='head' d='M0 0.5L8 4L0 7.5z'/></marker>\n"
	"<marker id='edgehead' viewBox='0 0 8 8' refX='7' refY='4' markerWidth='6' markerHeight='6' orient='auto'>"
	"<path class='edgehead' d='M0 0.5L8 4L0 7.5z'/></marker></defs>\n";

struct sheet_of {
	FILE *out;
	const struct contradiction *c;
	struct layout layout;
	double left, top;               /* of the rows and columns */
	double width, height;
};

/* --- Text --- */

static void put_text(FILE *out, const char *class, double x, double y, int size, const char *anchor, const char *s,
		     size_t len)
{
	fprintf(out, "<text class='%s' x='%s' y='%s' font-size='%d' text-anchor='%s'>", class, svg_num(x).s, svg_num(y).s, size,
		anchor);
	svg_text(out, s, len);
	fputs("</text>\n", out);
}

static void put_number(FILE *out, const char *class, double x, double y, const char *anchor, uint64_t number)
{
	char text[24];
	int n = snprintf(text, sizeof(text), "%ju", (uintmax_t)number);

	put_text(out, class, x, y, LINE_SIZE, anchor, text, (size_t)n);
}

/* How much of the text goes on a line of that width: up to a space where there is one. */
static size_t line_length(const char *s, double width)
{
	size_t n = 0, fits = 0;

	while (s[n]) {
		size_t word = strcspn(s + n + (n > 0), " ") + (n > 0);

		if (n && svg_width(s, n + word) * (double)TEXT_SIZE / 100 > width)
			break;
		n += word;
		fits = n;
	}
	return fits;
}

/* Writes the sentence in lines (out NULL: only counts them). */
static unsigned put_sentence(FILE *out, const char *s, double x, double y, double width)
{
	unsigned lines = 0;

	while (*s) {
		size_t n = line_length(s, width);

		if (out)
			put_text(out, "why", x, y + lines * SENTENCE_LINE, TEXT_SIZE, "start", s, n);
		lines++;
		s += n;
		s += *s == ' ';
	}
	return lines;
}

/* --- Bars --- */

static double row_y(const struct sheet_of *s, uint32_t row)
{
	return s->top + s->layout.row[row].y;
}

static double middle_of(const struct sheet_of *s, const struct place *p)
{
	return row_y(s, p->row) + s->layout.row[p->row].height / 2;
}

static unsigned class_of(unsigned colour)
{
	return colour ? 1 + (colour - 1) % COLOURS : 0;
}

/* Closed, or open to the right. */
static void put_outline(FILE *out, const char *class, unsigned colour, bool open, double x0, double x1, double y, double height)
{
	if (open)
		fprintf(out, "<path class='%sc%u' d='M%s %sH%sq-5 0 -5 5V%sq0 5 5 5H%s'/>", class, class_of(colour), svg_num(x1).s,
			svg_num(y).s, svg_num(x0 + 5).s, svg_num(y + height - 5).s, svg_num(x1).s);
	else
		fprintf(out, "<rect class='%sc%u' x='%s' y='%s' width='%s' height='%s' rx='5'/>", class, class_of(colour),
			svg_num(x0).s, svg_num(y).s, svg_num(x1 - x0).s, svg_num(height).s);
}

/* What it found is at its left side. */
static void put_from(FILE *out, unsigned colour, double x0, double x1, double y, double height)
{
	fprintf(out, "<path class='from c%u' d='M%s %sH%sL%s %sH%sq-4 0 -4 -4V%sq0 -4 4 -4z'/>", class_of(colour), svg_num(x0 + 5).s,
		svg_num(y + 1).s, svg_num((x0 + x1) / 2 + 6).s, svg_num((x0 + x1) / 2 - 6).s, svg_num(y + height - 1).s,
		svg_num(x0 + 5).s, svg_num(y + 5).s);
}

static void put_words(const struct sheet_of *s, const struct contradiction_bar *b, double x0, double x1, double y, double height)
{
	const char *p = b->words, *line, *end = b->words;
	unsigned lines = 0, n = 0;
	size_t len;

	while (bar_line(&end, lines, &len))
		lines++;
	y += height / 2 - lines * WORD_LINE / 2.0 + WORD_LINE / 2.0 + 0.36 * WORD_SIZE;
	while ((line = bar_line(&p, n, &len))) {
		fprintf(s->out, "<text x='%s' y='%s' font-size='%d' text-anchor='middle'>", svg_num((x0 + x1) / 2).s,
			svg_num(y + n * WORD_LINE).s, WORD_SIZE);
		if (++n == lines && *end)
			fputs("...", s->out);
		else
			svg_text_within(s->out, line, len, (unsigned)fmax(300, (x1 - x0 - BAR_PAD) * 100 / WORD_SIZE), 0);
		fputs("</text>", s->out);
	}
}

static void put_bar(const struct sheet_of *s, uint32_t i)
{
	static const char *const part[] = { [PART_WORST] = "worst", [PART_MEMBER] = "member", [PART_CONTEXT] = "context" };
	const struct contradiction_bar *b = &s->c->bar[i];
	const struct place *p = &s->layout.bar[i];
	double x0 = s->left + p->x0, x1 = s->left + p->x1, y = row_y(s, p->row), height = s->layout.row[p->row].height;
	bool open = b->to == CONTRADICTION_OPEN;

	fprintf(s->out, "<g class='bar %s%s'><title>", part[b->part], open ? " open" : "");
	svg_text(s->out, b->words, strlen(b->words));
	fputs("</title>", s->out);
	put_outline(s->out, "", b->colour, open, x0, x1, y, height);
	if (b->from_colour) {
		put_from(s->out, b->from_colour, x0, x1, y, height);
		put_outline(s->out, "over ", b->colour, open, x0, x1, y, height);
	}
	put_words(s, b, x0, x1, y, height);
	fputs("</g>\n", s->out);
	put_number(s->out, "line", x0 + 1, y + height + 11, "start", b->from);
	if (!open)
		put_number(s->out, "line", x1 - 1, y + height + 11, "end", b->to);
}

static void put_rows(const struct sheet_of *s)
{
	for (uint32_t i = 0; i < s->layout.rows; i++) {
		double y = row_y(s, i) + s->layout.row[i].height / 2;
		const char *name = s->layout.row[i].process;

		fprintf(s->out, "<path class='row' d='M%s %sH%s'/>\n", svg_num(s->left - 8).s, svg_num(y).s,
			svg_num(s->left + s->layout.width + 8).s);
		fprintf(s->out, "<text class='name' x='%s' y='%s' font-size='%d' text-anchor='end'>process ", svg_num(s->left - 14).s,
			svg_num(y + 4).s, NAME_SIZE);
		svg_text_within(s->out, name, strlen(name), 900, 0);
		fputs("</text>\n", s->out);
	}
}

static void put_gaps(const struct sheet_of *s)
{
	double bottom = s->top + s->layout.height;

	for (uint32_t i = 0; i < s->layout.gaps; i++)
		fprintf(s->out, "<path class='gap' d='M%s %sV%s'><title>%ju lines that are not shown</title></path>\n",
			svg_num(s->left + s->layout.gap[i].x).s, svg_num(s->top - 10).s, svg_num(bottom - 14).s,
			(uintmax_t)s->layout.gap[i].lines);
}

/* --- Arrows --- */

/* One that only was before: from end to begin, behind the bars. */
static void put_before(const struct sheet_of *s, const struct place *a, const struct place *b)
{
	double x0 = s->left + a->x1, y0 = middle_of(s, a);
	double x1 = s->left + b->x0, y1 = middle_of(s, b), bend = fmin(60, fmax(12, (x1 - x0) / 2));

	fprintf(s->out, "<path class='before' marker-end='url(#head)' d='M%s %sC%s %s %s %s %s %s'/>\n", svg_num(x0).s,
		svg_num(y0).s, svg_num(x0 + bend).s, svg_num(y0).s, svg_num(x1 - bend).s, svg_num(y1).s, svg_num(x1 - 1).s, svg_num(y1).s);
}

/* Nearer to the begin of a Bezier curve than to its end, so that the names of two that cross are apart. */
static double along(double a, double b, double c, double d)
{
	const double t = 0.38, u = 1 - t;

	return u * u * u * a + 3 * u * u * t * b + 3 * u * t * t * c + t * t * t * d;
}

/* One with a name: between the sides of the bars that face each other; in the same row over them, and back under them. */
static void put_edge(const struct sheet_of *s, const struct contradiction_arrow *arrow, uint32_t nth)
{
	const struct place *a = &s->layout.bar[arrow->from], *b = &s->layout.bar[arrow->to];
	double x0 = s->left + a->x0 * 0.35 + a->x1 * 0.65, x1 = s->left + b->x0 * 0.65 + b->x1 * 0.35;
	double y0 = row_y(s, a->row), y1 = row_y(s, b->row), bow = 0;
	double low = s->left + fmax(a->x0, b->x0), high = s->left + fmin(a->x1, b->x1);

	if (a->row < b->row) {
		y0 += s->layout.row[a->row].height;
	} else if (a->row > b->row) {
		y1 += s->layout.row[b->row].height;
	} else if (x0 < x1) {
		bow = -BOW;
	} else {
		bow = BOW;
		y0 += s->layout.row[a->row].height;
		y1 = y0;
	}
	if (a->row != b->row && high - low > 4 * NAME_SIZE)     /* one above the other: straight, one beside the other */
		x0 = x1 = low + (high - low) * (nth % 2 ? 0.7 : 0.3);
	bow += (y0 + y1) / 2;
	fprintf(s->out, "<path class='edge' marker-end='url(#edgehead)' d='M%s %sC%s %s %s %s %s %s'/>\n", svg_num(x0).s,
		svg_num(y0).s, svg_num(x0).s, svg_num(bow).s, svg_num(x1).s, svg_num(bow).s, svg_num(x1).s, svg_num(y1).s);
	put_text(s->out, "edgename", along(x0, x0, x1, x1), along(y0, bow, bow, y1) + 4, NAME_SIZE, "middle", arrow->label,
		 strlen(arrow->label));
}

/* --- The whole --- */

static double names_width(const struct layout *l)
{
	unsigned widest = 0;

	for (uint32_t i = 0; i < l->rows; i++) {
		unsigned width = svg_width(l->row[i].process, strlen(l->row[i].process));

		widest = width > widest ? width : widest;
	}
	return (svg_width("process ", 8) + fmin(900, widest)) * 1.1 * NAME_SIZE / 100 + 22;
}

static void put_head(const struct sheet_of *s)
{
	fprintf(s->out, "<svg xmlns='http://www.w3.org/2000/svg' width='%s' height='%s' viewBox='0 0 %s %s' role='img' "
		"font-family=\"'Segoe UI','Helvetica Neue',Helvetica,Arial,'DejaVu Sans',sans-serif\" "
		"style='font-variant-numeric:tabular-nums'>\n<title>", svg_num(s->width).s, svg_num(s->height).s, svg_num(s->width).s,
		svg_num(s->height).s);
	svg_text(s->out, s->c->title, strlen(s->c->title));
	fputs("</title>\n<desc>", s->out);
	svg_text(s->out, s->c->sentence, strlen(s->c->sentence));
	fputs("</desc>\n", s->out);
	fputs(style, s->out);
	fputs("<rect class='ground' width='100%' height='100%'/>\n", s->out);
	put_text(s->out, "title", MARGIN, 36, TITLE_SIZE, "start", s->c->title, strlen(s->c->title));
	put_sentence(s->out, s->c->sentence, MARGIN, 62, s->width - 2 * MARGIN);
}

/* Only what is there is explained. */
static unsigned put_notes(const struct sheet_of *s, FILE *out)
{
	static const char *const notes[] = {
		"Numbers are lines of the history: what ends left of where another begins was before it.",
		"The same value has the same colour.",
		"Dashed: its end is not known, nor whether it happened.",
		"Pale: others that were there, and do not matter.",
		"wr: read what the other wrote; ww: wrote over it; rw: wrote what the other did not see yet; rt: began after its end.",
	};
	bool there[] = { true, false, false, false, s->c->arrows && s->c->arrow[0].label };
	double y = s->top + s->layout.height + 14;
	char more[64];
	unsigned lines = 0;

	for (uint32_t i = 0; i < s->c->bars; i++) {
		there[1] |= s->c->bar[i].colour;
		there[2] |= s->c->bar[i].to == CONTRADICTION_OPEN;
		there[3] |= s->c->bar[i].part == PART_CONTEXT;
	}
	for (unsigned i = 0; i < sizeof(there); i++)
		if (there[i] && ++lines && out)
			put_text(out, "note", MARGIN, y + (lines - 1) * NOTE_LINE, 11, "start", notes[i], strlen(notes[i]));
	if (s->c->left_out && ++lines && out) {
		int n = snprintf(more, sizeof(more), "%ju more that contradict are not drawn.", (uintmax_t)s->c->left_out);

		put_text(out, "note", MARGIN, y + (lines - 1) * NOTE_LINE, 11, "start", more, (size_t)n);
	}
	return lines;
}

void contradiction_draw(FILE *out, const struct contradiction *c)
{
	struct sheet_of s = { .out = out, .c = c };

	layout_init(&s.layout, c);
	s.left = MARGIN + names_width(&s.layout);
	s.width = fmax(WIDTH_MIN, s.left + s.layout.width + MARGIN + 8);
	s.top = 62 + put_sentence(NULL, c->sentence, 0, 0, s.width - 2 * MARGIN) * SENTENCE_LINE + 26;
	s.top += c->arrows && c->arrow[0].label ? BOW / 2 : 0;
	s.height = s.top + s.layout.height + 14 + put_notes(&s, NULL) * NOTE_LINE;
	put_head(&s);
	put_rows(&s);
	put_gaps(&s);
	for (uint32_t i = 0; i < c->arrows; i++)
		if (!c->arrow[i].label)
			put_before(&s, &s.layout.bar[c->arrow[i].from], &s.layout.bar[c->arrow[i].to]);
	for (uint32_t i = 0; i < c->bars; i++)
		put_bar(&s, i);
	for (uint32_t i = 0; i < c->arrows; i++)
		if (c->arrow[i].label)
			put_edge(&s, &c->arrow[i], i);
	put_notes(&s, out);
	fputs("</svg>\n", out);
}
