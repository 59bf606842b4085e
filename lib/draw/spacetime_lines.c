/* spacetime_lines: the lives of the processes, and what befalls them: bands, thick lines, crosses, brackets. */
#include <math.h>

#include "lib/base/err.h"
#include "lib/draw/spacetime_draw.h"
#include "lib/draw/svg.h"

enum { LEAD_HALF = 3, PAUSE_HALF = 5, BRACKET_FIRST = 9, BRACKET_STEP = 7, BRACKETS_FIT = 5, UNANSWERED_PX = 40, CROSS = 6 };

static bool seen(const struct page *p, const struct span *span)
{
	return span->from <= p->end && span->to >= p->from;
}

static double v_at(const struct page *p, uint64_t at)
{
	return timeline_v(&p->time, at);
}

static void title(struct page *p, const char *text)
{
	fputs("<title>", p->sheet.out);
	svg_text(p->sheet.out, text, strlen(text));
	fputs("</title>", p->sheet.out);
}

/* --- Faults, behind everything --- */

static void draw_band(struct page *p, const struct span *span)
{
	const struct lane *lane = &p->s->lane[span->lane];
	char class[16];

	if (span->kind == SPAN_CUT)
		snprintf(class, sizeof class, "cut%u", span->group);
	else
		snprintf(class, sizeof class, "%s", span->kind == SPAN_ALONE ? "alone" : "links");
	sheet_rect(&p->sheet, class, lane->u - p->pitch / 2, lane->u + p->pitch / 2, v_at(p, span->from), v_at(p, span->to));
}

static bool is_band(const struct span *span)
{
	return span->kind == SPAN_CUT || span->kind == SPAN_ALONE || span->kind == SPAN_LINK;
}

/* The first of the lines that a fault is about, counted from the left, or the top. */
static int first_rank(const struct page *p, const struct span *fault)
{
	int least = p->s->lanes;

	for (size_t i = 0; i < p->s->spans; i++) {
		const struct span *span = &p->s->span[i];

		if (is_band(span) && span->id == fault->id && span->from == fault->from && p->s->lane[span->lane].rank < least)
			least = p->s->lane[span->lane].rank;
	}
	return least < p->s->lanes ? least : 0;
}

/* At its begin, in the gap behind the first of its lifelines or a later one. */
static void label_fault(struct page *p, const struct span *span)
{
	struct text t = text_of_string(span->label, LABEL_SIZE, "fault");
	double v = v_at(p, span->from), u, half;
	int first = first_rank(p, span), lanes = p->s->lanes ? p->s->lanes : 1;
	struct point at[24];
	size_t n = 0;

	t.most = p->sheet.across ? 260 : fmin(2 * p->pitch - 30, p->u_end - 16);
	half = text_width(&t) / 2;
	for (int row = 0; row < 4; row++)
		for (int i = 0; i < 6; i++) {
			int gap = (first + i) % lanes;

			u = p->sheet.across ? 9 + row * 12 + gap * p->pitch
					    : half < p->pitch / 2 - 6 ? (gap + 1) * p->pitch : 8 + half + (gap + 0.5) * p->pitch;
			if (!p->sheet.across)
				u = fmax(fmin(u, p->u_end - half), 8 + half);
			at[n++] = p->sheet.across ? sheet_point(&p->sheet, u, v + 5 + half)
						  : sheet_point(&p->sheet, u, v + 9 + row * 12);
		}
	sheet_text_somewhere(&p->sheet, &t, at, n);
}

void draw_bands(struct page *p)
{
	for (size_t i = 0; i < p->s->spans; i++) {
		const struct span *span = &p->s->span[i];

		if (seen(p, span) && is_band(span))
			draw_band(p, span);
	}
	for (size_t i = 0; i < p->s->spans; i++)
		if (p->s->span[i].kind == SPAN_FAULT && seen(p, &p->s->span[i]))
			label_fault(p, &p->s->span[i]);
}

/* --- Lifelines --- */

/* A line along a lane, dotted where time is shortened. */
static void draw_along(struct page *p, const char *class, double u, uint64_t from, uint64_t to)
{
	const struct timeline *t = &p->time;

	from = from > p->from ? from : p->from;
	to = to < p->end ? to : p->end;
	for (size_t i = timeline_stretch(t, from); i < t->n && t->stretch[i].from < to; i++) {
		const struct stretch *s = &t->stretch[i];
		double v0 = v_at(p, from > s->from ? from : s->from), v1 = v_at(p, to < s->to ? to : s->to);

		if (v1 - v0 < 0.01)
			continue;
		fprintf(p->sheet.out, "<path class='%s%s' d='", class, s->broken ? " gap" : "");
		sheet_move(&p->sheet, 'M', u, v0);
		sheet_move(&p->sheet, 'L', u, v1);
		fputs("'/>", p->sheet.out);
	}
	fputs("\n", p->sheet.out);
	places_add_line(p->sheet.places, sheet_point(&p->sheet, u, v_at(p, from)), sheet_point(&p->sheet, u, v_at(p, to)));
}

static void draw_pause(struct page *p, const struct span *span)
{
	double u = p->s->lane[span->lane].u, v = v_at(p, span->from);
	struct text t = text_of_string(span->label, LABEL_SIZE, "fault");
	const char *class = span->kind == SPAN_PAUSE ? "paused" : "skewed";

	sheet_rect(&p->sheet, "ground", u - PAUSE_HALF, u + PAUSE_HALF, v, fmax(v_at(p, span->to), v + 1));
	sheet_rect(&p->sheet, class, u - PAUSE_HALF, u + PAUSE_HALF, v, fmax(v_at(p, span->to), v + 1));
	double w = text_width(&t) / 2;
	const struct point down[] = {
		sheet_point(&p->sheet, u + 10 + w, v + 8), sheet_point(&p->sheet, u - 10 - w, v + 8),
		sheet_point(&p->sheet, u + 10 + w, v + 22), sheet_point(&p->sheet, u - 10 - w, v + 22),
	}, across[] = {
		sheet_point(&p->sheet, u + 13, v + w + 2), sheet_point(&p->sheet, u - 13, v + w + 2),
		sheet_point(&p->sheet, u + 26, v + w + 2), sheet_point(&p->sheet, u - 26, v + w + 2),
	};
	sheet_text_somewhere(&p->sheet, &t, p->sheet.across ? across : down, 4);
}

void draw_lives(struct page *p)
{
	const struct spacetime *s = p->s;

	for (size_t i = 0; i < s->spans; i++)
		if (s->span[i].kind == SPAN_LIFE && seen(p, &s->span[i]))
			draw_along(p, "life", s->lane[s->span[i].lane].u, s->span[i].from, s->span[i].to);
	for (size_t i = 0; i < s->spans; i++)
		if (s->span[i].kind == SPAN_LEAD && seen(p, &s->span[i]))
			draw_along(p, "lead", s->lane[s->span[i].lane].u, s->span[i].from, s->span[i].to);
	for (size_t i = 0; i < s->spans; i++)
		if ((s->span[i].kind == SPAN_PAUSE || s->span[i].kind == SPAN_SKEW) && seen(p, &s->span[i]))
			draw_pause(p, &s->span[i]);
}

void page_find_wide(struct page *p)
{
	p->wide = must_calloc(p->s->spans + 1, sizeof *p->wide);
	for (size_t i = 0; i < p->s->spans; i++) {
		const struct span *span = &p->s->span[i];

		if (span->kind == SPAN_LEAD || span->kind == SPAN_PAUSE || span->kind == SPAN_SKEW)
			p->wide[p->wides++] = span;
	}
}

double page_edge(const struct page *p, int lane, uint64_t at)
{
	double edge = 1;

	for (size_t i = 0; i < p->wides; i++)
		if (p->wide[i]->lane == lane && p->wide[i]->from <= at && at <= p->wide[i]->to)
			edge = fmax(edge, p->wide[i]->kind == SPAN_LEAD ? LEAD_HALF + 0.5 : PAUSE_HALF + 1);
	return edge;
}

/* --- Crashes, starts, reigns --- */

/* Beside a point of a lifeline; first on the right (down) or below (across). */
static bool label_beside(struct page *p, const char *label, const char *class, double u, double v, double away, double most)
{
	struct text t = text_of_string(label, LABEL_SIZE, class);
	struct point at[12];
	size_t n = 0;
	double w;

	t.most = most;
	w = text_width(&t) / 2;
	for (int row = 0; row < 6; row++)
		for (int side = 1; side >= -1; side -= 2)
			at[n++] = p->sheet.across ? sheet_point(&p->sheet, u + side * (away + 4 + row / 2 * 12), v + w + row % 2 * 20)
						  : sheet_point(&p->sheet, u + side * (away + w), v + row * 12);
	return sheet_text_somewhere(&p->sheet, &t, at, n);
}

static void draw_mark(struct page *p, const struct mark *m)
{
	double u = p->s->lane[m->lane].u, v = v_at(p, m->at);
	FILE *out = p->sheet.out;
	struct box box = { sheet_point(&p->sheet, u, v), 2 * CROSS, 2 * CROSS, 1, 0 };

	if (m->kind == MARK_START && !*m->label)
		return;
	fprintf(out, "<path class='%s' d='", m->kind == MARK_DEATH ? "death" : "birth");
	if (m->kind == MARK_DEATH) {
		sheet_move(&p->sheet, 'M', u - CROSS, v - CROSS);
		sheet_move(&p->sheet, 'L', u + CROSS, v + CROSS);
		sheet_move(&p->sheet, 'M', u + CROSS, v - CROSS);
		sheet_move(&p->sheet, 'L', u - CROSS, v + CROSS);
	} else {
		sheet_move(&p->sheet, 'M', u - CROSS, v);
		sheet_move(&p->sheet, 'L', u + CROSS, v);
	}
	fputs("'/>\n", out);
	places_add(p->sheet.places, &box);
}

static void label_mark(struct page *p, const struct mark *m)
{
	if (*m->label)
		label_beside(p, m->label, m->kind == MARK_DEATH ? "dead" : "born", p->s->lane[m->lane].u, v_at(p, m->at), 11, 120);
}

static void label_lead(struct page *p, const struct span *span)
{
	uint64_t from = span->from > p->from ? span->from : p->from;
	double v = v_at(p, from), u = p->s->lane[span->lane].u;
	struct text t = text_of_string(span->label, LABEL_SIZE, "reign");
	struct point at[14];
	double w = text_width(&t) / 2;

	/* The left and upper side are the reigns', as far as there is room. */
	for (int i = 0; i < 14; i++) {
		int side = i % 2 ? 1 : -1, row = i / 2;

		at[i] = p->sheet.across ? sheet_point(&p->sheet, u + side * (12 + row % 3 * 12), v + w + 4 + row / 3 * 24)
					: sheet_point(&p->sheet, u + side * (8 + w), v + 9 + row * 12);
	}
	sheet_text_somewhere(&p->sheet, &t, at, 14);
}

/* --- What clients ask --- */

/* Where its bracket ends; one without an answer is short, or it would hide what comes after. */
static double operation_end(const struct page *p, const struct span *span)
{
	return span->to == UINT64_MAX ? fmin(v_at(p, span->from) + UNANSWERED_PX, p->v_end) : v_at(p, span->to);
}

static bool has_bracket(const struct page *p, const struct span *span)
{
	return span->kind == SPAN_OPERATION && seen(p, span) && p->s->lane[span->lane].kind != LANE_OTHERS;
}

/* Brackets of one client that are beside each other: each in the first row that is free. */
void stack_operations(struct page *p)
{
	double free_from[SPACETIME_LANES_MAX][BRACKETS_MAX];
	double most = p->u_end;

	for (int i = 0; i < SPACETIME_LANES_MAX; i++)
		for (int k = 0; k < BRACKETS_MAX; k++)
			free_from[i][k] = -1;
	for (size_t i = 0; i < p->s->spans; i++) {
		struct span *span = &p->s->span[i];
		double v = v_at(p, span->from);

		if (!has_bracket(p, span))
			continue;
		for (span->group = 0; span->group < BRACKETS_MAX && free_from[span->lane][span->group] > v; span->group++)
			;
		p->unstacked += span->group == BRACKETS_MAX;
		if (span->group == BRACKETS_MAX)
			continue;
		free_from[span->lane][span->group] = operation_end(p, span) + 1;
		/* The room beside the last line is for a few. */
		most = fmax(most, p->s->lane[span->lane].u + p->pitch / 2 + BRACKET_STEP * ((double)span->group - BRACKETS_FIT));
	}
	p->u_end = most;
}

static void draw_operation(struct page *p, const struct span *span)
{
	const struct lane *lane = &p->s->lane[span->lane];
	double u = lane->u + BRACKET_FIRST + BRACKET_STEP * span->group, v0 = v_at(p, span->from), v1 = operation_end(p, span);
	bool begins = span->from >= p->from, ends = span->to <= p->end;

	fputs("<g class='operation'>", p->sheet.out);
	title(p, span->label);
	fprintf(p->sheet.out, "<path%s d='", ends ? "" : " class='open'");
	sheet_move(&p->sheet, 'M', begins ? lane->u + 3 : u, v0);
	if (begins)
		sheet_move(&p->sheet, 'L', u, v0);
	sheet_move(&p->sheet, 'L', u, v1);
	if (ends)
		sheet_move(&p->sheet, 'L', lane->u + 3, v1);
	fputs("'/></g>\n", p->sheet.out);
	places_add_line(p->sheet.places, sheet_point(&p->sheet, u, v0), sheet_point(&p->sheet, u, v1));
}

static void label_operation(struct page *p, const struct span *span)
{
	const struct lane *lane = &p->s->lane[span->lane];
	double u = lane->u + BRACKET_FIRST + BRACKET_STEP * span->group, v0 = v_at(p, span->from), v1 = operation_end(p, span);
	static const double share[] = { 0.5, 0.3, 0.7, 0.1, 0.9 };
	struct text t = text_of_string(span->label, LABEL_SIZE, "asked");
	struct point at[15];
	size_t n = 0;

	t.anchor = p->sheet.across ? ANCHOR_MIDDLE : ANCHOR_START;
	t.most = p->sheet.across ? 0 : p->pitch - 34;
	for (int row = 0; row < 3; row++)
		for (size_t i = 0; i < 5; i++) {
			double v = v0 + share[i] * (v1 - v0);

			at[n++] = p->sheet.across ? sheet_point(&p->sheet, u + 9 + 12 * row, v)
						  : text_centre(&t, sheet_point(&p->sheet, u + 5 + BRACKET_STEP * row, v));
		}
	sheet_text_somewhere(&p->sheet, &t, at, n);
}

static bool drawn_operation(const struct page *p, const struct span *span)
{
	return has_bracket(p, span) && span->group < BRACKETS_MAX;
}

void draw_marks(struct page *p)
{
	const struct spacetime *s = p->s;

	for (size_t i = 0; i < s->marks; i++)
		if (s->mark[i].at <= p->end)
			draw_mark(p, &s->mark[i]);
	for (size_t i = 0; i < s->spans; i++)
		if (drawn_operation(p, &s->span[i]))
			draw_operation(p, &s->span[i]);
	for (size_t i = 0; i < s->marks; i++)
		if (s->mark[i].at <= p->end)
			label_mark(p, &s->mark[i]);
	for (size_t i = 0; i < s->spans; i++)
		if (s->span[i].kind == SPAN_LEAD && seen(p, &s->span[i]))
			label_lead(p, &s->span[i]);
	for (size_t i = 0; i < s->spans; i++)
		if (drawn_operation(p, &s->span[i]))
			label_operation(p, &s->span[i]);
}
