/* spacetime_axis: the time beside the lines, where it is shortened and what happened there, and the processes' names. */
#include <math.h>
#include <stdlib.h>

#include "lib/base/err.h"
#include "lib/draw/spacetime_draw.h"
#include "lib/draw/svg.h"

enum {
	AXIS_U = -6,                    /* beside the lines' field */
	TICKS_DOWN = 46, TICKS_ACROSS = 84,
	NAME_BOX = 24, NAMES_AGAIN = 900,       /* a picture so long has the names at both ends */
};

static void draw_tick(struct page *p, const struct tick *tick)
{
	struct sheet *sheet = &p->sheet;
	struct text t = text_of_string(tick->label, TICK_SIZE, "tick");
	struct point at;
	struct box b;

	t.anchor = sheet->across ? ANCHOR_MIDDLE : ANCHOR_END;
	at = text_centre(&t, sheet_point(sheet, sheet->across ? AXIS_U - 12 : AXIS_U - 7, tick->v));
	b = text_box(&t, at);
	fputs("<path class='grid' d='", sheet->out);
	sheet_move(sheet, 'M', AXIS_U, tick->v);
	sheet_move(sheet, 'L', p->u_end, tick->v);
	fputs("'/><path class='axis' d='", sheet->out);
	sheet_move(sheet, 'M', AXIS_U - 4, tick->v);
	sheet_move(sheet, 'L', AXIS_U, tick->v);
	fputs("'/>\n", sheet->out);
	if (places_are_free(sheet->places, &b))
		sheet_text(sheet, &t, &b);
}

/* A stretch of the axis; a shortened one is a zigzag with how long it is. */
static void draw_stretch(struct page *p, const struct stretch *s)
{
	struct sheet *sheet = &p->sheet;
	char label[40] = "";
	struct text t;
	struct point at;
	struct box b;

	fputs("<path class='axis' d='", sheet->out);
	sheet_move(sheet, 'M', AXIS_U, s->v0);
	for (int i = 1; s->broken && i < 6; i++)
		sheet_move(sheet, 'L', AXIS_U + (i % 2 ? 4 : -4), s->v0 + (s->v1 - s->v0) * (0.2 + 0.1 * i));
	sheet_move(sheet, 'L', AXIS_U, s->v1);
	fputs("'/>\n", sheet->out);
	if (!s->broken)
		return;
	time_span_text(label, sizeof label, s->to - s->from);
	t = text_of_string(label, LABEL_SIZE, "skip");
	t.anchor = sheet->across ? ANCHOR_MIDDLE : ANCHOR_END;
	at = text_centre(&t, sheet_point(sheet, sheet->across ? AXIS_U - 28 : AXIS_U - 9, (s->v0 + s->v1) / 2));
	b = text_box(&t, at);
	if (places_are_free(sheet->places, &b))
		sheet_text(sheet, &t, &b);
}

/* How many heartbeats each shortened stretch has; the caller frees. */
static struct counts *folded(const struct page *p)
{
	struct counts *count = must_calloc(p->time.n, sizeof *count);

	for (size_t i = 0; i < p->s->messages; i++) {
		const struct message *m = p->s->message[i];
		size_t at = timeline_stretch(&p->time, m->sent);

		if (!page_folds(p, m))
			continue;
		at += m->sent == p->time.stretch[at].to && at + 1 < p->time.n && !p->time.stretch[at].broken;
		count[at].sent++;
		count[at].lost += m->copy[0].fate == LOST;
	}
	return count;
}

static void label_folded(struct page *p, const struct stretch *s, const struct counts *n)
{
	char label[64];
	struct text t;
	struct point at[16];
	size_t places = 0;
	double v = (s->v0 + s->v1) / 2;

	if (n->lost)
		snprintf(label, sizeof label, "%ju heartbeats, %ju lost", (uintmax_t)n->sent, (uintmax_t)n->lost);
	else
		snprintf(label, sizeof label, "%ju heartbeat%s", (uintmax_t)n->sent, n->sent == 1 ? "" : "s");
	t = text_of_string(label, LABEL_SIZE, "skip");
	for (int i = 0; i < 8 && (i + 1.5) * p->pitch < p->u_end; i++)
		at[places++] = sheet_point(&p->sheet, (i + 1) * p->pitch, v);
	if (!places)
		at[places++] = sheet_point(&p->sheet, p->u_end / 2 + 40, v);
	sheet_text_somewhere(&p->sheet, &t, at, places);
}

void draw_axis(struct page *p)
{
	struct counts *count = folded(p);
	struct text unit = text_of_string("ms", TICK_SIZE, "tick");
	struct box b;
	struct ticks ticks;
	struct tick tick;

	unit.anchor = ANCHOR_END;
	b = text_box(&unit, text_centre(&unit, sheet_point(&p->sheet, p->sheet.across ? AXIS_U - 12 : AXIS_U - 7, -14)));
	sheet_text(&p->sheet, &unit, &b);
	ticks_init(&ticks, &p->time, p->sheet.across ? TICKS_ACROSS : TICKS_DOWN);
	while (ticks_next(&ticks, &tick))
		draw_tick(p, &tick);
	for (size_t i = 0; i < p->time.n; i++) {
		draw_stretch(p, &p->time.stretch[i]);
		if (count[i].sent)
			label_folded(p, &p->time.stretch[i], &count[i]);
	}
	free(count);
}

/* --- Names --- */

static void draw_name(struct page *p, const struct lane *lane, double v, int side)
{
	struct text t = { .s = lane->name, .len = lane->name_len, .size = NAME_SIZE, .class = "name" };
	struct point at = sheet_point(&p->sheet, lane->u, v);
	double width, height = NAME_BOX;
	struct box b;

	t.most = p->sheet.across ? 140 : p->pitch - 30;
	width = fmax(text_width(&t) * 1.12 + 18, 44);
	if (p->sheet.across)
		at.x += side * width / 2;
	else
		at.y += side * height / 2;
	fprintf(p->sheet.out, "<rect class='box%s' x='%s' y='%s' width='%s' height='%s' rx='%d'/>\n",
		lane->kind == LANE_NODE ? "" : " client", svg_num(at.x - width / 2).s, svg_num(at.y - height / 2).s,
		svg_num(width).s, svg_num(height).s, lane->kind == LANE_NODE ? 3 : NAME_BOX / 2);
	b = text_box(&t, at);
	sheet_text(&p->sheet, &t, &b);
}

bool page_names_again(const struct page *p)
{
	return p->v_end > NAMES_AGAIN;
}

void draw_names(struct page *p)
{
	for (int i = 0; i < p->s->lanes; i++) {
		draw_name(p, &p->s->lane[i], -10, -1);
		if (page_names_again(p))
			draw_name(p, &p->s->lane[i], p->v_end + 10, 1);
	}
}
