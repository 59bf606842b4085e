/* spacetime_page: the whole picture: its caption, its size, and its parts in their order. */
#include <math.h>
#include <stdlib.h>

#include "lib/base/err.h"
#include "lib/draw/spacetime_draw.h"
#include "lib/draw/svg.h"

enum {
	MARGIN = 24, TITLE_SIZE = 18, WIDTH_MIN = 760,
	PITCH_MIN = 128, PITCH_MAX = 200, PITCH_ALL = 1080,     /* down: all lines share PITCH_ALL, within the other two */
	PITCH_ACROSS = 112,
	AXIS_DOWN = 88, AXIS_ACROSS = 44, NAMES = 40, CLIENT_ROOM = 60,
	NOTES_MAX = 6, NOTE_BYTES = 320,
};

struct caption { char line[NOTES_MAX][NOTE_BYTES]; unsigned n; };

/* --- Words --- */

static char *next_line(struct caption *c)
{
	return c->line[c->n++];
}

static void tell_counts(const struct page *p, struct caption *c)
{
	const struct counts *n = &p->s->all;
	char from[32], to[32], *out = next_line(c);
	size_t at;

	time_text(from, sizeof from, p->from / 1000 * 1000);
	time_text(to, sizeof to, p->end / 1000 * 1000);
	at = (size_t)snprintf(out, NOTE_BYTES, "seed %ju \xc2\xb7 %s to %s ms of %s time \xc2\xb7 %ju messages, %ju delivered, %ju lost",
			      (uintmax_t)p->s->seed, from, to, p->s->lockstep ? "virtual" : "real", (uintmax_t)n->sent,
			      (uintmax_t)n->delivered, (uintmax_t)n->lost);
	if (n->duplicated)
		at += (size_t)snprintf(out + at, NOTE_BYTES - at, ", %ju duplicated", (uintmax_t)n->duplicated);
	if (n->corrupted)
		snprintf(out + at, NOTE_BYTES - at, ", %ju changed", (uintmax_t)n->corrupted);
}

static void tell_left_out(const struct page *p, struct caption *c)
{
	const struct spacetime *s = p->s;
	uint64_t heartbeats = 0;
	char text[NOTE_BYTES - 40], *out;
	size_t at = 0;

	for (size_t i = 0; i < s->messages; i++)
		heartbeats += page_folds(p, s->message[i]);
	*text = '\0';
	if (s->hidden)
		at += (size_t)snprintf(text + at, sizeof text - at, ", %ju messages not asked for", (uintmax_t)s->hidden);
	if (heartbeats)
		at += (size_t)snprintf(text + at, sizeof text - at, ", %ju heartbeats where time is shortened", (uintmax_t)heartbeats);
	if (s->of_net)
		at += (size_t)snprintf(text + at, sizeof text - at, ", %ju messages of the network itself", (uintmax_t)s->of_net);
	if (p->unstacked)
		at += (size_t)snprintf(text + at, sizeof text - at, ", %ju requests that waited beside %d others", (uintmax_t)p->unstacked,
				       BRACKETS_MAX);
	if (s->lanes_left_out)
		snprintf(text + at, sizeof text - at, ", %ju processes beyond %d", (uintmax_t)s->lanes_left_out, SPACETIME_LANES_MAX);
	if (*text) {
		out = next_line(c);
		snprintf(out, NOTE_BYTES, "Not drawn: %s.", text + 2);
	}
}

static void tell_ends(const struct page *p, struct caption *c)
{
	const struct spacetime *s = p->s;
	char text[NOTE_BYTES - 20];

	if (spacetime_excess(s, text, sizeof text))
		snprintf(next_line(c), NOTE_BYTES, "There is more: %s.", text);
	if (s->torn_line)
		snprintf(next_line(c), NOTE_BYTES, "The trace ends in the midst of line %ju.", (uintmax_t)s->torn_line);
	else if (!s->has_end)
		snprintf(next_line(c), NOTE_BYTES, "The trace has no end: the run was killed, or goes on.");
}

static const char *title_of(const struct spacetime *s)
{
	return s->o.title ? s->o.title : s->command ? s->command : "";
}

/* --- Time --- */

static bool in_time(const struct page *p, uint64_t at)
{
	return at >= p->from && at <= p->end;
}

/* What has to be apart: all but heartbeats; of a stretch where there is nothing else, its two ends. */
static void find_moments(const struct page *p, struct moments *m)
{
	const struct spacetime *s = p->s;

	for (size_t i = 0; i < s->messages; i++) {
		const struct message *message = s->message[i];

		if (message->plain)
			continue;
		if (in_time(p, message->sent))
			moments_add(m, message->sent);
		for (unsigned k = 0; k < message->copies; k++)
			if (message->copy[k].fate != UNDER_WAY && in_time(p, message->copy[k].at))
				moments_add(m, message->copy[k].at);
	}
	for (size_t i = 0; i < s->spans; i++) {
		if (s->span[i].kind != SPAN_LIFE && in_time(p, s->span[i].from))
			moments_add(m, s->span[i].from);
		if (in_time(p, s->span[i].to))
			moments_add(m, s->span[i].to);
	}
	for (size_t i = 0; i < s->marks; i++)
		if (in_time(p, s->mark[i].at))
			moments_add(m, s->mark[i].at);
}

static void set_time(struct page *p)
{
	struct moments m = { NULL, 0, 0 };

	p->from = p->s->o.from_ns;
	p->end = spacetime_end(p->s);
	if (p->end <= p->from)
		p->end = p->from + 1000000;
	find_moments(p, &m);
	timeline_init(&p->time, &m, p->from, p->end, p->s->o.linear);
	moments_release(&m);
	p->v_end = p->time.length;
}

/* --- Places --- */

static bool before(const struct lane *a, const struct lane *b)
{
	if (a->order != b->order)
		return a->order < b->order;
	return a->kind != b->kind ? a->kind < b->kind : false;
}

/* Nodes as the header has them, then clients as they come; or as the list of names says. */
static void set_lanes(struct page *p, struct spacetime *s)
{
	p->pitch = s->o.across ? PITCH_ACROSS : fmin(PITCH_MAX, fmax(PITCH_MIN, (double)PITCH_ALL / fmax(s->lanes, 1)));
	for (int i = 0; i < s->lanes; i++) {
		s->lane[i].rank = 0;
		for (int k = 0; k < s->lanes; k++)
			s->lane[i].rank += before(&s->lane[k], &s->lane[i]) || (!before(&s->lane[i], &s->lane[k]) && k < i);
		s->lane[i].u = (s->lane[i].rank + 0.5) * p->pitch;
	}
	p->u_end = fmax(s->lanes, 1) * p->pitch;
}

/* Below the lines of a long picture. */
static double names_again(const struct page *p)
{
	return page_names_again(p) ? NAMES : 0;
}

static double names_width(const struct page *p)
{
	double widest = 0;

	for (int i = 0; i < p->s->lanes; i++)
		widest = fmax(widest, fmin(140, svg_width(p->s->lane[i].name, p->s->lane[i].name_len) * 0.13));
	return p->sheet.across ? widest * 1.12 + 34 : 0;
}

/* --- Style --- */

static const char style[] =
	"<style>\n"
	"text{fill:#1c2128;stroke:#fff;stroke-width:3px;stroke-linejoin:round;paint-order:stroke}\n"
	".ground{fill:#fff}.title{font-weight:600;stroke:none}.note,.tick{fill:#57606a}.name{font-weight:600;stroke:none}\n"
	".skip{fill:#6e7781;font-style:italic}.fault{fill:#8a1c12;font-weight:600}.reign{font-weight:600}\n"
	".dead{fill:#b3261e;font-weight:600}.born{fill:#57606a}.asked{fill:#1c2128}\n"
	".box{fill:#f3f5f7;stroke:#57606a;stroke-width:1.2}.client{fill:#fff;stroke-dasharray:4 2}\n"
	".grid{stroke:#eaedf0;fill:none}.axis{stroke:#8c959f;fill:none}\n"
	".life{stroke:#57606a;stroke-width:1.4;fill:none}.lead{stroke:#1c2128;stroke-width:6;fill:none}\n"
	".life.gap{stroke-dasharray:1.5 4}.lead.gap{stroke-dasharray:3 3}\n"
	".death{stroke:#b3261e;stroke-width:2.6;fill:none}.birth{stroke:#57606a;stroke-width:2.6;fill:none}\n"
	".operation{stroke:#57606a;stroke-width:1.3;fill:none}.operation .open{stroke-dasharray:2 3}\n"
	".paused{fill:url(#pause);stroke:#57606a}.skewed{fill:url(#skew);stroke:#57606a}\n"
	".cut0{fill:url(#cut0)}.cut1{fill:url(#cut1)}.cut2{fill:url(#cut2)}.cut3{fill:url(#cut3)}.cut4{fill:url(#cut4)}"
	".cut5{fill:url(#cut5)}.alone{fill:url(#alone)}.links{fill:url(#links)}\n"
	".k0{stroke:#1f5fa8;fill:#1f5fa8}.k1{stroke:#b35900;fill:#b35900}.k2{stroke:#7d3c98;fill:#7d3c98}"
	".k3{stroke:#0f766e;fill:#0f766e}.k4{stroke:#a8325e;fill:#a8325e}.k5{stroke:#6b6a00;fill:#6b6a00}"
	".k6{stroke:#4a4fb5;fill:#4a4fb5}.k7{stroke:#7a5230;fill:#7a5230}.k8{stroke:#3d444d;fill:#3d444d}\n"
	".t0{fill:#1f5fa8}.t1{fill:#b35900}.t2{fill:#7d3c98}.t3{fill:#0f766e}.t4{fill:#a8325e}.t5{fill:#6b6a00}.t6{fill:#4a4fb5}"
	".t7{fill:#7a5230}.t8{fill:#3d444d}\n"
	".m{fill:none;stroke-width:1.3}.lost{stroke-dasharray:5 3}.way{stroke-dasharray:1.5 3}.head{stroke:none}"
	".open{fill:none;stroke-width:1.3}.hb{stroke-width:.7;opacity:.45}\n"
	".cross{stroke:#b3261e;stroke-width:1.8;fill:none}.hit{stroke:#000;stroke-opacity:0;stroke-width:9;fill:none}\n"
	"g:hover>.m{stroke-width:2.4}\n"
	"@media (prefers-color-scheme:dark){\n"
	"text{fill:#e6edf3;stroke:#0d1117}.ground{fill:#0d1117}.note,.tick,.skip,.born{fill:#9198a1}.fault,.dead{fill:#ff938a}\n"
	".asked,.reign,.name,.title{fill:#e6edf3}.box{fill:#1c2128;stroke:#9198a1}.client{fill:#0d1117}.grid{stroke:#21262d}\n"
	".life,.birth,.operation,.axis{stroke:#9198a1}.lead{stroke:#e6edf3}.death,.cross{stroke:#ff7b72}\n"
	".k0{stroke:#79b8ff;fill:#79b8ff}.k1{stroke:#f0a05a;fill:#f0a05a}.k2{stroke:#d2a8ff;fill:#d2a8ff}"
	".k3{stroke:#5fd3c4;fill:#5fd3c4}.k4{stroke:#ff9bc0;fill:#ff9bc0}.k5{stroke:#d8d060;fill:#d8d060}"
	".k6{stroke:#a5abff;fill:#a5abff}.k7{stroke:#d9b38c;fill:#d9b38c}.k8{stroke:#c9d1d9;fill:#c9d1d9}\n"
	".m,.open{fill:none}.head{stroke:none}.t0{fill:#79b8ff}.t1{fill:#f0a05a}.t2{fill:#d2a8ff}.t3{fill:#5fd3c4}.t4{fill:#ff9bc0}"
	".t5{fill:#d8d060}.t6{fill:#a5abff}.t7{fill:#d9b38c}.t8{fill:#c9d1d9}\n"
	"}\n</style>\n";

static void put_pattern(FILE *out, const char *id, int size, int turn, const char *colour, double opacity, const char *path)
{
	fprintf(out, "<pattern id='%s' width='%d' height='%d' patternUnits='userSpaceOnUse' patternTransform='rotate(%d)'>"
		"<path d='%s' stroke='%s' stroke-opacity='%s' stroke-width='1.2' fill='none'/></pattern>\n", id, size, size, turn,
		path, colour, svg_num(opacity).s);
}

static void put_defs(FILE *out)
{
	static const int turn[] = { 45, -45, 90, 0, 20, -70 };
	char id[8];

	fputs("<defs>\n", out);
	for (int i = 0; i < 6; i++) {
		snprintf(id, sizeof id, "cut%d", i);
		put_pattern(out, id, 9, turn[i], i % 2 ? "#c05a00" : "#b3261e", 0.4, "M0 0V9");
	}
	put_pattern(out, "alone", 7, 45, "#b3261e", 0.28, "M0 0V7M0 0H7");
	put_pattern(out, "links", 7, 0, "#7d3c98", 0.3, "M3 3h1.4");
	put_pattern(out, "pause", 4, 45, "#6e7781", 1, "M0 0V4");
	put_pattern(out, "skew", 4, 0, "#6e7781", 0.8, "M0 2H4");
	fputs("</defs>\n", out);
}

static void put_head(FILE *out, const struct page *p, const struct caption *c, double width, double height)
{
	const char *title = title_of(p->s);

	fprintf(out, "<svg xmlns='http://www.w3.org/2000/svg' width='%s' height='%s' viewBox='0 0 %s %s' role='img' "
		"font-family=\"'Segoe UI','Helvetica Neue',Helvetica,Arial,'DejaVu Sans',sans-serif\" "
		"style='font-variant-numeric:tabular-nums'>\n<title>", svg_num(width).s, svg_num(height).s, svg_num(width).s,
		svg_num(height).s);
	svg_text(out, title, strlen(title));
	fputs("</title>\n<desc>", out);
	for (unsigned i = 0; i < c->n; i++) {
		svg_text(out, i ? " " : "", i ? 1 : 0);
		svg_text(out, c->line[i], strlen(c->line[i]));
	}
	fputs("</desc>\n", out);
	fputs(style, out);
	put_defs(out);
	fputs("<rect class='ground' width='100%' height='100%'/>\n", out);
}

static void put_caption(struct page *p, const struct caption *c, double width)
{
	struct text t = text_of_string(title_of(p->s), TITLE_SIZE, "title");
	struct box b;
	double y = 36;

	t.anchor = ANCHOR_START;
	t.most = (width - 2 * MARGIN) / 1.12;
	if (t.len) {
		b = text_box(&t, text_centre(&t, (struct point){ MARGIN, y }));
		sheet_text(&p->sheet, &t, &b);
	}
	y = 60;
	for (unsigned i = 0; i < c->n; i++, y += 17) {
		t = text_of_string(c->line[i], i ? TICK_SIZE : NAME_SIZE - 1, "note");
		t.anchor = ANCHOR_START;
		t.most = width - 2 * MARGIN;
		b = text_box(&t, text_centre(&t, (struct point){ MARGIN, y }));
		sheet_text(&p->sheet, &t, &b);
	}
}

void spacetime_svg(struct spacetime *s, FILE *out)
{
	struct page p = { .s = s, .sheet = { .across = s->o.across } };
	struct caption c = { .n = 0 };
	double width, height, top, legend;
	struct point origin;

	lives_close(s);
	page_find_wide(&p);
	set_time(&p);
	set_lanes(&p, s);
	stack_operations(&p);
	tell_counts(&p, &c);
	tell_left_out(&p, &c);
	tell_ends(&p, &c);
	legend_find(&p);
	origin.x = MARGIN + (s->o.across ? names_width(&p) : AXIS_DOWN);
	width = fmax(WIDTH_MIN, origin.x + (s->o.across ? p.v_end + names_width(&p) : p.u_end) + MARGIN);
	width += s->o.across || !s->clients ? 0 : CLIENT_ROOM;
	legend = legend_draw(&p, NULL, 0, 0, width - 2 * MARGIN);
	top = 60 + 17 * c.n + legend;
	origin.y = top + (s->o.across ? AXIS_ACROSS : NAMES);
	height = origin.y + (s->o.across ? p.u_end : p.v_end + names_again(&p)) + MARGIN;

	put_head(out, &p, &c, width, height);
	sheet_open(&p.sheet, out, s->o.across, origin, (struct point){ width, height });
	put_caption(&p, &c, width);
	legend_draw(&p, out, MARGIN, 60 + 17 * c.n - 4, width - 2 * MARGIN);
	draw_names(&p);
	draw_bands(&p);
	draw_axis(&p);
	draw_lives(&p);
	draw_marks(&p);
	draw_messages(&p);
	sheet_close(&p.sheet);
	fputs("</svg>\n", out);
	timeline_release(&p.time);
	free(p.wide);
}
