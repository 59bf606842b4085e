/*
 * lib/draw/spacetime: traces drawn at random are read by the trace's own reader and drawn; then the picture is read back, and
 * what it promises is looked for: no text lies on another one or on an arrow's head.
 */
#include "tests/unit/spacetime_rig.h"

#include "lib/draw/svg.h"

#include <locale.h>
#include <math.h>

enum { TEXTS_MAX = 20000, EVENTS = 400 };

/* --- Traces --- */

static uint64_t state;

static uint64_t draw(uint64_t bound)
{
	state += UINT64_C(0x9e3779b97f4a7c15);
	uint64_t x = (state ^ state >> 30) * UINT64_C(0xbf58476d1ce4e5b9);

	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return (x ^ x >> 31) % bound;
}

struct under_way { uint64_t at, seq; unsigned from, to, copy; };

static const char *const types[] = {
	"append_entries", "append_entries_ok", "request_vote", "request_vote_ok", "read", "write_ok", "a_type_with_a_very_long_name_indeed",
	"<&'\\\"\\u0001>", "\xe4\xb8\xad\xe6\x96\x87", "install_snapshot",
};

static void name_of(unsigned i, unsigned nodes, char out[16])
{
	snprintf(out, 16, i < nodes ? "n%u" : "c%u", i < nodes ? i + 1 : i - nodes + 1);
}

static void put_send(FILE *out, uint64_t at, const char *from, const char *to, uint64_t seq)
{
	fprintf(out, "{\"at\":%ju,\"event\":\"send\",\"src\":\"%s\",\"dest\":\"%s\",\"seq\":%ju,", (uintmax_t)at, from, to, (uintmax_t)seq);
	if (!draw(40)) {
		fputs("\"text\":\"no \\u0000 JSON\"}\n", out);
		return;
	}
	fprintf(out, "\"message\":{\"src\":\"%s\",\"dest\":\"%s\",\"body\":{\"type\":\"%s\",\"term\":%ju,\"leader_id\":\"%s\",\"msg_id\":%ju,"
		"\"in_reply_to\":%ju,\"entries\":[%s],\"key\":\"k\",\"value\":{\"deep\":[1,\"]\",{\"x\":2}]}}}}\n", from, to,
		types[draw(sizeof types / sizeof *types)], (uintmax_t)(1 + at / 300000000), from, (uintmax_t)draw(99), (uintmax_t)draw(99),
		draw(2) ? "" : "{\"term\":1},{}");
}

static void put_fault(FILE *out, uint64_t at, unsigned nodes)
{
	static const char *const faults[] = {
		"{\"type\":\"partition\",\"id\":1,\"groups\":[[\"n1\",\"n2\"],[\"n3\"]]}", "{\"type\":\"heal\"}",
		"{\"type\":\"isolate\",\"id\":2,\"node\":\"n2\"}", "{\"type\":\"pause\",\"id\":3,\"node\":\"n3\"}",
		"{\"type\":\"resume\",\"node\":\"n3\"}", "{\"type\":\"skew\",\"id\":4,\"node\":\"n1\",\"offset\":\"5s\"}",
		"{\"type\":\"link\",\"id\":5,\"link\":\"n1>n2\",\"loss\":0.3,\"delay\":\"50ms\"}", "{\"type\":\"unheard_of\"}",
	};
	unsigned n = 1 + (unsigned)draw(nodes);

	switch (draw(3)) {
	case 0:
		fprintf(out, "{\"at\":%ju,\"event\":\"death\",\"node\":\"n%u\",\"signal\":9,\"asked\":true}\n", (uintmax_t)at, n);
		break;
	case 1:
		fprintf(out, "{\"at\":%ju,\"event\":\"start\",\"node\":\"n%u\"}\n", (uintmax_t)at, n);
		break;
	default:
		fprintf(out, "{\"at\":%ju,\"event\":\"fault\",\"fault\":%s}\n", (uintmax_t)at, faults[draw(sizeof faults / sizeof *faults)]);
	}
}

static void put_arrival(FILE *out, const struct under_way *w, const char *from, const char *to)
{
	static const char *const whys[] = { "loss", "partition", "down", "asleep" };
	const char *copy = w->copy == 2 ? ",\"copy\":2" : "";

	if (draw(5))
		fprintf(out, "{\"at\":%ju,\"event\":\"deliver\",\"src\":\"%s\",\"dest\":\"%s\",\"seq\":%ju%s}\n", (uintmax_t)w->at, from, to,
			(uintmax_t)w->seq, copy);
	else
		fprintf(out, "{\"at\":%ju,\"event\":\"drop\",\"src\":\"%s\",\"dest\":\"%s\",\"seq\":%ju%s,\"why\":\"%s\"}\n", (uintmax_t)w->at,
			from, to, (uintmax_t)w->seq, copy, whys[draw(4)]);
}

/* Bursts and pauses, all fates, faults at any time. */
static void put_trace(FILE *out, uint64_t seed, unsigned nodes, unsigned clients)
{
	struct under_way way[64];
	size_t ways = 0;
	uint64_t at = 0, seq = 0;
	char from[16], to[16];

	state = seed;
	fprintf(out, "{\"trace\":1,\"version\":\"0\",\"seed\":%ju,\"lockstep\":true,\"command\":[\"node\"],\"nodes\":[", (uintmax_t)seed);
	for (unsigned i = 0; i < nodes; i++)
		fprintf(out, "%s\"n%u\"", i ? "," : "", i + 1);
	fputs("],\"options\":[\"--loss\",\"0.1\"]}\n", out);
	for (int i = 0; i < EVENTS; i++) {
		at += draw(12) ? draw(3) * draw(2000000) : draw(400000000);
		for (size_t k = 0; k < ways; k++)
			if (way[k].at <= at) {
				way[k].at = at;
				name_of(way[k].from, nodes, from);
				name_of(way[k].to, nodes, to);
				put_arrival(out, &way[k], from, to);
				way[k--] = way[--ways];
			}
		if (!draw(12)) {
			put_fault(out, at, nodes);
			continue;
		}
		struct under_way w = { .seq = ++seq, .copy = 1, .from = (unsigned)draw(nodes + clients) };

		w.to = w.from < nodes ? (unsigned)draw(nodes + clients) : (unsigned)draw(nodes);
		w.at = at + draw(15) * draw(2000000);
		name_of(w.from, nodes, from);
		name_of(w.to, nodes, to);
		put_send(out, at, from, to, w.seq);
		if (!draw(9))
			fprintf(out, "{\"at\":%ju,\"event\":\"corrupt\",\"src\":\"%s\",\"dest\":\"%s\",\"seq\":%ju,\"text\":\"{<\\u0002\"}\n",
				(uintmax_t)at, from, to, (uintmax_t)seq);
		if (ways < 62 && draw(20))
			way[ways++] = w;
		if (ways < 62 && !draw(9)) {
			w.copy = 2;
			w.at += draw(5000000);
			way[ways++] = w;
			fprintf(out, "{\"at\":%ju,\"event\":\"duplicate\",\"src\":\"%s\",\"dest\":\"%s\",\"seq\":%ju}\n", (uintmax_t)at, from,
				to, (uintmax_t)seq);
		}
	}
}

/* --- Drawing --- */

static char *picture_of(const struct spacetime_options *o)
{
	struct spacetime *s = spacetime_new(o);
	char *bytes = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&bytes, &len);

	assert_non_null(out);
	each_event(take_event, s);
	spacetime_svg(s, out);
	assert_int_equal(fclose(out), 0);
	spacetime_free(s);
	return bytes;
}

static void write_trace(uint64_t seed, unsigned nodes, unsigned clients)
{
	FILE *out = fopen(path, "w");

	assert_non_null(out);
	put_trace(out, seed, nodes, clients);
	assert_int_equal(fclose(out), 0);
}

/* --- Reading back --- */

struct place { double x, y, half_width, half_height, angle; char text[64]; };

static struct place place[TEXTS_MAX];
static size_t places;

/* The text with its entities resolved. */
static size_t plain(const char *p, const char *end, char *out)
{
	static const struct { const char *name; char c; } entities[] = { { "&amp;", '&' }, { "&lt;", '<' }, { "&gt;", '>' } };
	size_t len = 0;

	while (p < end) {
		size_t i = 0;

		while (i < 3 && strncmp(p, entities[i].name, strlen(entities[i].name)) != 0)
			i++;
		out[len++] = i < 3 ? entities[i].c : *p;
		p += i < 3 ? strlen(entities[i].name) : 1;
	}
	return len;
}

static double number_after(const char *p, const char *end, const char *name, double otherwise)
{
	const char *at = memmem(p, (size_t)(end - p), name, strlen(name));

	return at ? strtod(at + strlen(name), NULL) : otherwise;
}

static void read_texts(const char *svg)
{
	static char text[1 << 16];

	places = 0;
	for (const char *p = svg; (p = strstr(p, "<text ")); ) {
		const char *open_end = strchr(p, '>'), *end = strstr(p, "</text>");
		double size = number_after(p, open_end, "font-size='", 0);
		size_t len = plain(open_end + 1, end, text);
		struct place *t = &place[places++];

		assert_true(places < TEXTS_MAX);
		assert_true(size > 0);
		*t = (struct place){ .half_height = size / 2, .half_width = svg_width(text, len) * size / 200 };
		t->x = number_after(p, open_end, "translate(", NAN);
		t->y = strtod(strchr(strstr(p, "translate(") , ' ') + 1, NULL);
		t->angle = number_after(p, open_end, "rotate(", 0) * M_PI / 180;
		snprintf(t->text, sizeof t->text, "%.*s", (int)len, text);
		p = end;
	}
}

/* A corner of the box, i 0 .. 3. */
static void corner(const struct place *p, int i, double *x, double *y)
{
	double u = i & 1 ? p->half_width : -p->half_width, v = i & 2 ? p->half_height : -p->half_height;

	*x = p->x + u * cos(p->angle) - v * sin(p->angle);
	*y = p->y + u * sin(p->angle) + v * cos(p->angle);
}

/* How far the two are apart along a direction; negative: they overlap by so much. */
static double apart(const struct place *a, const struct place *b, double angle)
{
	double lo[2] = { 1e9, 1e9 }, hi[2] = { -1e9, -1e9 };

	for (int k = 0; k < 2; k++)
		for (int i = 0; i < 4; i++) {
			double x, y, d;

			corner(k ? b : a, i, &x, &y);
			d = x * cos(angle) + y * sin(angle);
			lo[k] = fmin(lo[k], d);
			hi[k] = fmax(hi[k], d);
		}
	return fmax(lo[0] - hi[1], lo[1] - hi[0]);
}

/* By more than what two decimals lose. */
static bool overlap(const struct place *a, const struct place *b)
{
	return apart(a, b, a->angle) < -0.05 && apart(a, b, a->angle + M_PI / 2) < -0.05 && apart(a, b, b->angle) < -0.05 &&
	       apart(a, b, b->angle + M_PI / 2) < -0.05;
}

static void no_two_overlap(uint64_t seed)
{
	for (size_t i = 0; i < places; i++)
		for (size_t k = i + 1; k < places; k++)
			if (overlap(&place[i], &place[k]))
				fail_msg("seed %ju: '%s' at %.1f %.1f lies on '%s' at %.1f %.1f", (uintmax_t)seed, place[i].text, place[i].x,
					 place[i].y, place[k].text, place[k].x, place[k].y);
}

/* The tip of every head, behind the legend, is outside of every message's label. */
static size_t no_head_is_hidden(const char *svg, uint64_t seed)
{
	size_t heads = 0;

	for (const char *p = strstr(svg, "class='hit'"); p && (p = strstr(p, "<path class='")); p++) {
		struct place tip = { .half_width = 0.5, .half_height = 0.5 };

		if (strncmp(p + 13, "head", 4) != 0 && strncmp(p + 13, "open'", 5) != 0)
			continue;
		p = strchr(strstr(p, " d='M"), 'L');
		tip.x = strtod(p + 1, NULL);
		tip.y = strtod(strchr(p, ' ') + 1, NULL);
		heads++;
		for (size_t i = 0; i < places; i++)
			if (!strncmp(place[i].text, "append", 6) && overlap(&place[i], &tip))
				fail_msg("seed %ju: '%s' hides the head at %.1f %.1f", (uintmax_t)seed, place[i].text, tip.x, tip.y);
	}
	return heads;
}

/* --- Tests --- */

static void no_text_lies_on_another_nor_on_a_head(void **unused)
{
	size_t labels = 0, heads = 0;

	(void)unused;
	for (uint64_t seed = 1; seed <= 24; seed++) {
		struct spacetime_options o = { .to_ns = UINT64_MAX, .across = seed % 2, .linear = seed % 5 == 0 };
		char *svg;

		write_trace(seed, 3 + seed % 5, seed % 11);
		svg = picture_of(&o);
		read_texts(svg);
		no_two_overlap(seed);
		heads += no_head_is_hidden(svg, seed);
		for (size_t i = 0; i < places; i++)
			labels += !strncmp(place[i].text, "append_entries", 14);
		free(svg);
	}
	assert_true(heads > 2000);
	assert_true(labels > 500);
}

static void the_same_bytes_in_every_locale(void **unused)
{
	struct spacetime_options o = { .to_ns = UINT64_MAX };
	char *once, *again;

	(void)unused;
	write_trace(7, 5, 2);
	once = picture_of(&o);
	setlocale(LC_ALL, "de_DE.UTF-8");
	again = picture_of(&o);
	setlocale(LC_ALL, "C");
	assert_string_equal(once, again);
	free(once);
	free(again);
}

static void a_limit_and_a_window_are_kept(void **unused)
{
	struct spacetime_options o = { .to_ns = UINT64_MAX, .events_max = 10 };
	struct spacetime *s = spacetime_new(&o);
	char excess[128];

	(void)unused;
	write_trace(3, 3, 1);
	each_event(take_event, s);
	assert_true(spacetime_excess(s, excess, sizeof excess));
	assert_int_equal(s->drawn, 10);
	assert_true(s->messages <= 10 && s->excess > 300);
	spacetime_free(s);
	o = (struct spacetime_options){ .from_ns = 200000000, .to_ns = 900000000 };
	s = spacetime_new(&o);
	each_event(take_event, s);
	assert_false(spacetime_excess(s, excess, sizeof excess));
	assert_true(s->messages > 10);
	for (size_t i = 0; i < s->messages; i++) {
		const struct message *m = s->message[i];

		assert_true(m->sent <= o.to_ns);
		assert_true(m->sent >= o.from_ns || m->copy[0].at >= o.from_ns || m->copy[1].at >= o.from_ns);
	}
	spacetime_free(s);
}

struct text_to { struct spacetime_text *text; FILE *out; };

static void take_text(void *to, const struct trace_event *e)
{
	struct text_to *t = to;

	spacetime_text_add(t->text, e, t->out);
}

static void every_line_of_text_fits_its_columns(void **unused)
{
	static const unsigned columns[] = { 0, SPACETIME_COLUMNS_MIN, 77, 300 };
	size_t lines = 0;

	(void)unused;
	for (uint64_t seed = 1; seed <= 8; seed++) {
		struct spacetime_options o = { .to_ns = UINT64_MAX, .columns = columns[seed % 4] };
		char *bytes = NULL, *p;
		size_t len;
		struct text_to to = { spacetime_text_new(&o), open_memstream(&bytes, &len) };

		write_trace(seed, 3, 2);
		each_event(take_text, &to);
		assert_int_equal(fclose(to.out), 0);
		for (p = bytes; *p; p = strchr(p, '\n') + 1, lines++) {
			size_t wide = 0;

			for (const char *c = p; *c != '\n'; c++) {
				assert_true((unsigned char)*c >= 0x20 && *c != 0x7f);
				wide += (*c & 0xc0) != 0x80;
			}
			assert_true(wide <= (o.columns ? o.columns : SPACETIME_COLUMNS));
		}
		spacetime_text_free(to.text);
		free(bytes);
	}
	assert_true(lines > 3000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_text_lies_on_another_nor_on_a_head),
		cmocka_unit_test(the_same_bytes_in_every_locale),
		cmocka_unit_test(a_limit_and_a_window_are_kept),
		cmocka_unit_test(every_line_of_text_fits_its_columns),
	};

	return cmocka_run_group_tests(tests, make_path, remove_path);
}
