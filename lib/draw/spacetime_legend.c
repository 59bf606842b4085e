/* spacetime_legend: what the lines and marks mean, of those that are in the picture. */
#include "lib/draw/spacetime_draw.h"
#include "lib/draw/svg.h"

enum { SAMPLE = 34, ROW = 20, GAP = 20 };

/* Samples are drawn in 30 by 12, their middle line at y = 6. */
static const struct { const char *text, *sample; } signs[SIGNS] = {
	[SIGN_DELIVERED] = { "message", "<path class='m' d='M0 6L26 6'/><path class='head' d='M23 3L30 6L23 9'/>" },
	[SIGN_ANSWER] = { "answer", "<path class='m' d='M0 6L28 6'/><path class='open' d='M23 3L30 6L23 9'/>" },
	[SIGN_LOST] = { "lost", "<path class='m lost' d='M0 6L24 6'/><path class='cross' d='M22 2L30 10M30 2L22 10'/>" },
	[SIGN_DUPLICATED] = { "came twice", "<path class='m' d='M0 4.4L25 4.4M0 7.6L25 7.6'/>"
			      "<path class='head' d='M23 3L30 6L23 9'/>" },
	[SIGN_CORRUPTED] = { "changed on its way", "<path class='m' d='M0 6L4 3L9 9L14 3L19 9L24 6'/>"
			     "<path class='head' d='M23 3L30 6L23 9'/>" },
	[SIGN_HEARTBEAT] = { "heartbeat", "<path class='m hb' d='M0 6L26 6'/><path class='head hb' d='M25 4L30 6L25 8'/>" },
	[SIGN_LEADS] = { "leads", "<path class='lead' d='M0 6L30 6'/>" },
	[SIGN_CRASH] = { "ends, until it is started again", "<path class='life' d='M0 6L9 6M26 6L30 6'/>"
			 "<path class='death' d='M4 1L14 11M14 1L4 11'/><path class='birth' d='M26 0L26 12'/>" },
	[SIGN_PAUSED] = { "paused", "<rect class='paused' x='0' y='1' width='30' height='10'/>" },
	[SIGN_CUT] = { "partition: a hatch for each group", "<rect class='cut0' width='15' height='12'/>"
		       "<rect class='cut1' x='15' width='15' height='12'/>" },
	[SIGN_ALONE] = { "isolated", "<rect class='alone' width='30' height='12'/>" },
	[SIGN_LINK] = { "its links are faulty", "<rect class='links' width='30' height='12'/>" },
	[SIGN_OPERATION] = { "a client\xe2\x80\x99s request and its answer",
			     "<path class='operation' d='M0 3L0 9L30 9L30 3' fill='none'/>" },
	[SIGN_BREAK] = { "time is shortened", "<path class='axis' d='M0 6L8 6L11 2L15 10L19 2L22 6L30 6'/>" },
};

static void find_in_message(struct page *p, const struct message *m)
{
	p->sign[SIGN_DUPLICATED] |= m->copies > 1;
	p->sign[SIGN_HEARTBEAT] |= m->plain && !page_folds(p, m);
	for (unsigned k = 0; k < m->copies; k++) {
		p->sign[SIGN_LOST] |= m->copy[k].fate == LOST;
		p->sign[SIGN_CORRUPTED] |= m->copy[k].corrupt;
	}
	if (m->body.is_reply || strstr(m->body.type, "_ok"))
		p->sign[SIGN_ANSWER] = true;
	else
		p->sign[SIGN_DELIVERED] = true;
}

void legend_find(struct page *p)
{
	static const enum sign of_span[] = {
		[SPAN_LIFE] = SIGNS, [SPAN_LEAD] = SIGN_LEADS, [SPAN_PAUSE] = SIGN_PAUSED, [SPAN_SKEW] = SIGNS,
		[SPAN_CUT] = SIGN_CUT, [SPAN_LINK] = SIGN_LINK, [SPAN_ALONE] = SIGN_ALONE, [SPAN_FAULT] = SIGNS,
		[SPAN_OPERATION] = SIGN_OPERATION,
	};

	for (size_t i = 0; i < p->s->messages; i++)
		find_in_message(p, p->s->message[i]);
	for (size_t i = 0; i < p->s->spans; i++) {
		const struct span *span = &p->s->span[i];

		if (of_span[span->kind] != SIGNS && span->from <= p->end && span->to >= p->from)
			p->sign[of_span[span->kind]] = true;
	}
	for (size_t i = 0; i < p->s->marks; i++)
		p->sign[SIGN_CRASH] |= p->s->mark[i].kind == MARK_DEATH;
	for (size_t i = 0; i < p->time.n; i++)
		p->sign[SIGN_BREAK] |= p->time.stretch[i].broken;
}

double legend_draw(struct page *p, FILE *out, double x, double y, double width)
{
	double at = 0, row = 0;

	for (int i = 0; i < SIGNS; i++) {
		struct text t;
		double wide;

		if (!p->sign[i])
			continue;
		t = text_of_string(signs[i].text, TICK_SIZE, "note");
		t.anchor = ANCHOR_START;
		wide = SAMPLE + 4 + text_width(&t);
		if (at > 0 && at + wide > width) {
			at = 0;
			row += ROW;
		}
		if (out) {
			struct box b = text_box(&t, text_centre(&t, (struct point){ x + at + SAMPLE + 4, y + row + 6 }));

			fprintf(out, "<g class='k%d' transform='translate(%s %s)'>%s</g>\n", FAMILIES, svg_num(x + at).s,
				svg_num(y + row).s, signs[i].sample);
			sheet_text(&p->sheet, &t, &b);
		}
		at += wide + GAP;
	}
	return at > 0 ? row + ROW : 0;
}
