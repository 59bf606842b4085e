/* circle: the page; see circle.h for what is on it. */
#include "lib/draw/circle.h"

#include <math.h>
#include <string.h>

#include "lib/draw/picture.h"
#include "lib/draw/svg.h"

enum {
	MARGIN = 28,
	TOP = 96,                       /* below the caption and the line under it */
	DONUT = 2 * DONUT_RADIUS,
	BARS_X = DONUT + 48,            /* beside the donut */
	LENS_GAP = 20,
	CAPTION_SIZE = 18,
	WIDTH_MIN = 720,
	NOTE_LINE = 18, KEY_LINE = 24,
	NOTES_MAX = 4, NOTE_BYTES = 128,
};

/* Sentences below the picture, which share lines as they fit. */
struct notes {
	char text[NOTES_MAX][NOTE_BYTES];
	unsigned n;
};

struct page {
	const struct picture *p;
	const struct bars *bars;
	struct notes notes;
	double width, height, body;     /* body: the height of donut and bars */
};

/* For the second line and for <desc>: what one wants to know. */
static void put_summary(FILE *out, const struct picture *p)
{
	const struct row *worst = &p->row[p->worst];

	if (p->plan)
		fprintf(out, "%u nodes before, %u after: %s of the hash space moves, ideal %s", p->live[WAS], p->live[IS],
			svg_percent(p->moved).s, svg_percent(p->moved_ideal).s);
	else
		fprintf(out, "%u %s", p->live[IS], p->live[IS] == 1 ? "node" : "nodes");
	if (!p->plan && p->live[IS] < p->rows)
		fprintf(out, " and %u drained", p->rows - p->live[IS]);
	if (p->excess > 0)
		fprintf(out, "; excess %s", svg_percent(p->excess).s);
	if (!p->circle)
		return;
	fprintf(out, "%s max/mean %s (", p->plan ? "; then" : ",", svg_fixed(p->max, 3).s);
	svg_text_within(out, worst->node->name, worst->node->name_len, 2400, worst->telling);
	fprintf(out, "), min/mean %s", svg_fixed(p->min, 3).s);
}

static char *next_note(struct notes *notes)
{
	return notes->text[notes->n++];
}

static void make_notes(const struct picture *p, struct notes *notes)
{
	if (!p->circle) {
		strcpy(next_note(notes), "No circle is drawn: this layout computes each key\u2019s owner, its places mean nothing.");
		strcpy(next_note(notes), "Shares are those to expect by weight.");
	} else if (p->sampled) {
		strcpy(next_note(notes), "The ring has too many arcs and is sampled: the owner of one place in each 720th.");
	} else {
		snprintf(next_note(notes), NOTE_BYTES, "Every arc is drawn%s.", p->ticks ? "; the ticks are the points" : "");
	}
	if (p->plan)
		snprintf(next_note(notes), NOTE_BYTES, "What moves is counted on %u places.", p->samples);
	if (p->rows > COLOURS)
		snprintf(next_note(notes), NOTE_BYTES, "Colours repeat after %d nodes.", COLOURS);
}

/* Puts the notes, the first line at y (out may be NULL), and returns how many lines they are. */
static unsigned put_notes(FILE *out, const struct page *page, double y)
{
	const double room = page->width - 2 * MARGIN;
	unsigned lines = 0;
	double x = room;

	for (unsigned i = 0; i < page->notes.n; i++) {
		const char *text = page->notes.text[i];
		double width = (svg_width(text, strlen(text)) + svg_width(" ", 1)) * SMALL_TEXT / 100.0;
		bool begins = x + width > room;

		if (out && begins)
			fprintf(out, "%s<text y='%s'>", lines ? "</text>\n" : "", svg_num(y + lines * NOTE_LINE).s);
		if (out)
			fprintf(out, "%s%s", begins ? "" : " ", text);
		lines += begins;
		x = begins ? width : x + width;
	}
	if (out)
		fputs("</text>\n", out);
	return lines;
}

/* What pale, hatched and outlined mean. */
static void put_key(FILE *out, const struct picture *p)
{
	fputs("<rect width='16' height='12' fill='#cfcfcb'/><text x='22' y='10'>stays</text>"
	      "<rect x='74' width='16' height='12' fill='#777'/>"
	      "<rect x='74' width='16' height='12' fill='url(#moved)'/><text x='96' y='10'>is taken over</text>"
	      "<rect x='188.5' y='0.5' width='15' height='11' fill='none' stroke='#777' stroke-dasharray='2 2'/>"
	      "<text x='210' y='10'>is given away</text>", out);
	if (p->circle)
		fputs("<text x='306' y='10'>inside is the ring before, outside the ring after</text>", out);
	fputs("\n", out);
}

static void put_foot(FILE *out, const struct page *page)
{
	fprintf(out, "<g fill='#555' font-size='%d' transform='translate(%d %s)'>\n", SMALL_TEXT, MARGIN,
		svg_num(TOP + page->body + 24).s);
	if (page->p->plan)
		put_key(out, page->p);
	put_notes(out, page, 10 + (page->p->plan ? KEY_LINE : 0));
	fputs("</g>\n", out);
}

static void put_head(FILE *out, const struct page *page, const char *caption)
{
	size_t len = strlen(caption);

	fprintf(out, "<svg xmlns='http://www.w3.org/2000/svg' width='%s' height='%s' viewBox='0 0 %s %s' role='img' "
		"font-family=\"'Segoe UI','Helvetica Neue',Helvetica,Arial,'DejaVu Sans',sans-serif\" font-size='%d' "
		"fill='#1a1a1a' style='font-variant-numeric:tabular-nums'>\n<title>", svg_num(page->width).s,
		svg_num(page->height).s, svg_num(page->width).s, svg_num(page->height).s, TEXT_SIZE);
	svg_text(out, caption, len);
	fputs("</title>\n<desc>", out);
	put_summary(out, page->p);
	fputs(".", out);
	for (unsigned i = 0; i < page->notes.n; i++)
		fprintf(out, " %s", page->notes.text[i]);
	fputs("</desc>\n", out);
	if (page->p->plan)
		fputs("<defs><pattern id='sampled' width='4' height='4' patternUnits='userSpaceOnUse' "
		      "patternTransform='rotate(45)'><path d='M1 0V4' stroke='#fff' stroke-width='1.3'/></pattern>"
		      "<pattern id='moved' width='6' height='6' patternUnits='userSpaceOnUse' "
		      "patternTransform='rotate(45)'><path d='M1 0V6' stroke='#fff' stroke-width='2'/>"
		      "<path d='M2.4 0V6' stroke='#1a1a1a' stroke-width='0.8'/></pattern></defs>\n", out);
	fputs("<rect width='100%' height='100%' fill='#fcfcfa'/>\n", out);
	fprintf(out, "<text x='%d' y='42' font-size='%d' font-weight='600'>", MARGIN, CAPTION_SIZE);
	/* 112: bold is broader */
	svg_text_within(out, caption, len, (unsigned)((page->width - 2 * MARGIN) * 100 * 100 / 112 / CAPTION_SIZE), 0);
	fprintf(out, "</text>\n<text x='%d' y='64' fill='#555'>", MARGIN);
	put_summary(out, page->p);
	fputs("</text>\n", out);
}

static double left_height(const struct picture *p)
{
	return p->circle ? DONUT + (p->lens.n ? LENS_GAP + LENS_HEIGHT : 0) : 0;
}

static void set_size(struct page *page)
{
	const struct picture *p = page->p;
	struct size bars = bars_size(page->bars);

	page->body = fmax(left_height(p), bars.height);
	page->width = fmax(2 * MARGIN + bars.width + (p->circle ? BARS_X : 0), WIDTH_MIN);
	page->height = TOP + page->body + 24 + (p->plan ? KEY_LINE : 0) + put_notes(NULL, page, 0) * NOTE_LINE + MARGIN - 6;
}

static void put_page(FILE *out, const struct page *page)
{
	const struct picture *p = page->p;

	put_head(out, page, p->of->caption);
	if (p->circle) {
		fprintf(out, "<g transform='translate(%d %d)'>\n", MARGIN + DONUT_RADIUS, TOP + DONUT_RADIUS);
		donut_draw(out, p);
		fputs("</g>\n", out);
	}
	if (p->lens.n) {
		fprintf(out, "<g transform='translate(%d %d)'>\n", MARGIN, TOP + DONUT + LENS_GAP);
		lens_draw(out, p);
		fputs("</g>\n", out);
	}
	fprintf(out, "<g transform='translate(%d %d)'>\n", MARGIN + (p->circle ? BARS_X : 0), TOP);
	bars_draw(out, page->bars);
	fputs("</g>\n", out);
	put_foot(out, page);
	fputs("</svg>\n", out);
}

int draw_circle(FILE *out, const struct draw_circle *of)
{
	struct picture p;
	struct bars *bars = NULL;
	int rc = picture_init(&p, of);

	if (rc == RING_OK)
		rc = bars_new(&bars, &p);
	if (rc == RING_OK) {
		struct page page = { .p = &p, .bars = bars };

		make_notes(&p, &page.notes);
		set_size(&page);
		put_page(out, &page);
	}
	bars_free(bars);
	picture_release(&p);
	return rc;
}
