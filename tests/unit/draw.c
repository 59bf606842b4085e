/*
 * Unit tests of lib/draw: the SVG of a circle.
 *
 * The file is read back by a small checker of XML; what it says (shares, arcs,
 * what moves) is compared with the ring itself.
 */
#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/draw/circle.h"
#include "lib/draw/picture.h"
#include "lib/draw/svg.h"

enum { NODES_MAX = 1200, NAME_BYTES = 80, DEPTH_MAX = 32 };

struct made {
	struct ring_node node[NODES_MAX];
	char name[NODES_MAX][NAME_BYTES];
	struct ring_state state;
	struct ring *ring;
	uint32_t n;
};

static struct made one, two;
static uint32_t kept[NODES_MAX];

static void add(struct made *m, const char *name, uint32_t weight)
{
	assert_true(m->n < NODES_MAX && strlen(name) < NAME_BYTES);
	strcpy(m->name[m->n], name);
	m->node[m->n] = (struct ring_node){ .name = m->name[m->n], .weight = weight, .name_len = (uint16_t)strlen(name) };
	m->n++;
}

/* Nodes named by a prefix and a number. */
static void add_many(struct made *m, const char *prefix, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		char name[NAME_BYTES];

		snprintf(name, sizeof name, "%s%04u", prefix, i);
		add(m, name, 1);
	}
}

static int by_name(const void *a, const void *b)
{
	return ring_node_cmp(a, b);
}

/* points: or the size of the table. */
static void build(struct made *m, const char *algorithm, uint32_t points, const struct made *was)
{
	const struct ring_algo *algo = ring_algo_find(algorithm);
	struct ring_conf conf = { .points = points };

	assert_non_null(algo);
	if (ring_algo_traits(algo) & RING_TABLE)
		conf = (struct ring_conf){ .table = points };
	if (!(ring_algo_traits(algo) & (RING_NUMBERED | RING_LISTED)))
		qsort(m->node, m->n, sizeof *m->node, by_name);
	for (uint32_t i = 0; was && i < was->n; i++) {
		kept[i] = RING_NONE;
		for (uint32_t k = 0; k < m->n; k++)
			if (!ring_node_cmp(&was->node[i], &m->node[k]))
				kept[i] = k;
	}
	if (ring_algo_traits(algo) & RING_NUMBERED) {
		if (was)
			assert_int_equal(ring_state_change(&m->state, algo, &was->state, kept, was->n, m->node, m->n), RING_OK);
		else
			assert_int_equal(ring_state_init(&m->state, algo, m->node, m->n, conf.table), RING_OK);
		conf.state = &m->state;
	}
	assert_int_equal(ring_new(&m->ring, algo, &conf, m->node, m->n), RING_OK);
}

static void release(struct made *m)
{
	ring_free(m->ring);
	ring_state_release(&m->state);
	memset(m, 0, sizeof *m);
}

static struct draw_fleet fleet_of(const struct made *m)
{
	return (struct draw_fleet){ m->ring, m->node, m->n };
}

/* The picture as a string to free, of `two` or, with a plan, from `one` to `two`. */
static char *draw(bool plan, const char *caption)
{
	struct draw_fleet was = fleet_of(&one);
	struct draw_circle of = { .is = fleet_of(&two), .was = plan ? &was : NULL, .kept = kept, .caption = caption };
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_int_equal(draw_circle(out, &of), RING_OK);
	assert_int_equal(fclose(out), 0);
	assert_int_equal(strlen(text), size);
	return text;
}

static struct picture *picture(bool plan, struct draw_fleet *was, struct draw_circle *of)
{
	static struct picture p;

	*was = fleet_of(&one);
	*of = (struct draw_circle){ .is = fleet_of(&two), .was = plan ? was : NULL, .kept = kept, .caption = "" };
	assert_int_equal(picture_init(&p, of), RING_OK);
	return &p;
}

/* What XML allows of a document that has neither comments nor CDATA. */

static const char *check_entity(const char *s)
{
	static const char *const entities[] = { "&amp;", "&lt;", "&gt;", "&quot;", "&#39;" };

	for (size_t i = 0; i < sizeof entities / sizeof *entities; i++)
		if (!strncmp(s, entities[i], strlen(entities[i])))
			return s + strlen(entities[i]);
	fail_msg("a bare ampersand: %.20s", s);
	return s;
}

static const char *check_attributes(const char *s)
{
	while (*s == ' ') {
		char quote;

		s += 1 + strspn(s + 1, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-:0123456789");
		assert_true(s[0] == '=' && (s[1] == '\'' || s[1] == '"'));
		quote = s[1];
		for (s += 2; *s != quote; s++)
			assert_true(*s && *s != '<' && *s != '&');
		s++;
	}
	return s;
}

/* A tag; keeps the stack of open elements. */
static const char *check_tag(const char *s, char open[][16], int *depth)
{
	bool closes = s[1] == '/';
	size_t len = strspn(s + 1 + closes, "abcdefghijklmnopqrstuvwxyz");
	const char *name = s + 1 + closes;

	assert_true(len > 0 && len < 16);
	s = name + len;
	if (closes) {
		assert_true(*depth > 0);
		--*depth;
		assert_true(strlen(open[*depth]) == len && !strncmp(open[*depth], name, len));
	} else {
		s = check_attributes(s);
		if (*s == '/') {
			assert_int_equal(s[1], '>');
			return s + 2;
		}
		assert_true(*depth < DEPTH_MAX);
		snprintf(open[*depth], 16, "%.*s", (int)len, name);
		++*depth;
	}
	assert_int_equal(*s, '>');
	return s + 1;
}

/* UTF-8 of a character that XML has; returns what is after it. */
static const char *check_char(const char *s)
{
	const unsigned char *p = (const unsigned char *)s;
	int more = *p < 0x80 ? 0 : *p >= 0xc2 && *p < 0xe0 ? 1 : *p >= 0xe0 && *p < 0xf0 ? 2 : 3;

	assert_true(*p == '\n' || *p >= 0x20);
	assert_true(*p < 0x80 || (*p >= 0xc2 && *p <= 0xf4));
	for (int i = 1; i <= more; i++)
		assert_true((p[i] & 0xc0) == 0x80);
	assert_false(p[0] == 0xed && p[1] >= 0xa0);
	assert_false(p[0] == 0xef && p[1] == 0xbf && p[2] >= 0xbe);
	return s + 1 + more;
}

static void check_xml(const char *s)
{
	char open[DEPTH_MAX][16];
	int depth = 0;

	assert_int_equal(strncmp(s, "<svg ", 5), 0);
	while (*s) {
		if (*s == '<')
			s = check_tag(s, open, &depth);
		else if (*s == '&')
			s = check_entity(s);
		else
			s = check_char(s);
		assert_true(depth > 0 || !strcmp(s, "\n") || !*s);
	}
	assert_int_equal(depth, 0);
}

static size_t count(const char *s, const char *what)
{
	size_t n = 0;

	while ((s = strstr(s, what))) {
		n++;
		s += strlen(what);
	}
	return n;
}

static void the_file_is_well_formed_whatever_the_names_are(void **state)
{
	static const char *const names[] = {
		"a&b", "<script>", "]]>", "\"'", "\x01\x1b[31m", "\xff\xfe", "\xc0\x80", "\xed\xa0\x80", "\xef\xbf\xbf", "\xe6\x97",
		"\xe6\x97\xa5\xe6\x9c\xac", "\xf0\x9f\x98\x80", "\u202edesrever", "--><!--", "&amp;", "\t\n",
	};
	char *svg;

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		add(&two, names[i], 1 + i % 3);
	build(&two, "ring", 20, NULL);
	svg = draw(false, "<&>'\"\x02\xff");
	check_xml(svg);
	assert_non_null(strstr(svg, "a&amp;b"));
	assert_non_null(strstr(svg, "&lt;script&gt;"));
	assert_non_null(strstr(svg, "]]&gt;"));
	assert_non_null(strstr(svg, "&amp;amp;"));
	assert_non_null(strstr(svg, "\xe6\x97\xa5\xe6\x9c\xac"));
	assert_non_null(strstr(svg, "\xef\xbf\xbd" "desrever"));
	assert_null(strstr(svg, "<script"));
	free(svg);
	release(&two);
}

static void every_layout_and_size_gives_a_well_formed_file(void **state)
{
	static const uint32_t sizes[] = { 1, 2, 12, 13, 20, 21, 40, 41, 130 };
	const struct ring_algo *algo;

	(void)state;
	for (size_t a = 0; (algo = ring_algo_at(a)); a++) {
		if (ring_algo_traits(algo) & RING_COMPAT)
			continue;
		for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
			char *svg;

			add_many(&one, "node-", sizes[i] + 1);
			build(&one, ring_algo_name(algo), ring_algo_traits(algo) & RING_TABLE ? 257 : 10, NULL);
			add_many(&two, "node-", sizes[i]);
			build(&two, ring_algo_name(algo), ring_algo_traits(algo) & RING_TABLE ? 257 : 10, &one);
			svg = draw(false, ring_algo_name(algo));
			check_xml(svg);
			free(svg);
			svg = draw(true, ring_algo_name(algo));
			check_xml(svg);
			free(svg);
			release(&one);
			release(&two);
		}
	}
}

static void the_same_fleet_gives_the_same_bytes_in_any_locale(void **state)
{
	char *first, *again;

	(void)state;
	add_many(&one, "n", 5);
	build(&one, "ring", 0, NULL);
	add_many(&two, "n", 6);
	build(&two, "ring", 0, &one);
	first = draw(true, "a plan");
	again = draw(true, "a plan");
	assert_string_equal(first, again);
	free(again);
	/* with a decimal comma, where the machine has such a locale */
	if (setlocale(LC_ALL, "de_DE.UTF-8") || setlocale(LC_ALL, "fr_FR.UTF-8")) {
		again = draw(true, "a plan");
		setlocale(LC_ALL, "C");
		assert_string_equal(first, again);
		free(again);
	}
	free(first);
	release(&one);
	release(&two);
}

/* The shares of the rows, read from the file: the number before "of the hash space". */
static double shares_in(const char *svg)
{
	static const char mark[] = " % of the hash space, ideal";
	double sum = 0;

	for (const char *s = svg; (s = strstr(s, mark)); s++) {
		const char *begin = s;

		while (begin > svg && strchr("0123456789.", begin[-1]))
			begin--;
		sum += strtod(begin, NULL);
	}
	return sum;
}

static void the_shares_of_the_bars_sum_to_one_hundred_per_cent(void **state)
{
	static const char *const algorithms[] = { "ring", "maglev", "slots" };

	(void)state;
	for (size_t i = 0; i < sizeof algorithms / sizeof *algorithms; i++) {
		char *svg;

		for (uint32_t n = 0; n < 30; n++)
			add(&two, (char[]){ 'a', (char)('0' + n / 10), (char)('0' + n % 10), 0 }, n % 4);
		build(&two, algorithms[i], i ? 1021 : 50, NULL);
		svg = draw(false, "");
		assert_true(fabs(shares_in(svg) - 100) < 0.1);
		free(svg);
		release(&two);
	}
}

static void few_arcs_are_exact_and_the_ring_owns_each(void **state)
{
	struct draw_fleet was;
	struct draw_circle of;
	struct picture *p;
	double share[10] = { 0 };

	(void)state;
	add_many(&two, "n", 10);
	build(&two, "ring", 40, NULL);
	p = picture(false, &was, &of);
	assert_false(p->sampled);
	assert_true(p->runs.n > 300);
	assert_true(p->runs.at[0].from == 0 && p->runs.at[p->runs.n - 1].to == 1);
	for (uint32_t i = 0; i < p->runs.n; i++) {
		const struct run *r = &p->runs.at[i];

		assert_true(r->from < r->to);
		assert_true(i == 0 || (r->from == r[-1].to && r->row[IS] != r[-1].row[IS]));
		assert_int_equal(r->row[IS], ring_at(two.ring, (uint64_t)ldexp((r->from + r->to) / 2, 64)));
		share[r->row[IS]] += r->to - r->from;
	}
	for (uint32_t i = 0; i < 10; i++)
		assert_true(fabs(share[i] - p->row[i].share[IS]) < 1e-4);
	picture_release(p);
	release(&two);
}

static void many_arcs_are_sampled_and_the_file_says_so(void **state)
{
	char *svg;

	(void)state;
	add_many(&two, "n", 3);
	build(&two, "ring", 0, NULL);
	svg = draw(false, "");
	assert_non_null(strstr(strstr(svg, "<desc>"), "sampled"));
	assert_non_null(strstr(svg, "magnified"));
	free(svg);
	release(&two);
}

/* Slots are dealt in turn: every 91st of 65536 would be one node's for long. */
static void samples_do_not_beat_with_a_table_that_repeats(void **state)
{
	struct draw_fleet was;
	struct draw_circle of;
	struct picture *p;

	(void)state;
	add_many(&two, "n", 7);
	build(&two, "slots", 65536, NULL);
	p = picture(false, &was, &of);
	assert_true(p->sampled);
	assert_true(p->runs.n > 540);   /* 720 * 6 / 7 = 617 */
	picture_release(p);
	release(&two);
}

static void a_table_that_repeats_is_not_taken_for_a_few_arcs(void **state)
{
	static const uint32_t nodes[] = { 2, 4, 8 };

	(void)state;
	for (size_t i = 0; i < sizeof nodes / sizeof *nodes; i++) {
		for (unsigned bits = 12; bits <= 20; bits += 2) {
			struct draw_fleet was;
			struct draw_circle of;
			struct picture *p;

			add_many(&two, "n", nodes[i]);
			build(&two, "slots", UINT32_C(1) << bits, NULL);
			p = picture(false, &was, &of);
			assert_true(p->sampled);
			assert_true(p->lens.n >= LENS_RUNS_MAX / 2 && p->lens.n <= LENS_RUNS_MAX);
			picture_release(p);
			release(&two);
		}
	}
}

static void a_layout_without_a_circle_draws_none_and_says_so(void **state)
{
	static const char *const algorithms[] = { "hrw", "jump", "anchor" };

	(void)state;
	for (size_t i = 0; i < sizeof algorithms / sizeof *algorithms; i++) {
		char *svg;

		add(&two, "a", 1);
		add(&two, "b", 3);
		build(&two, algorithms[i], 0, NULL);
		svg = draw(false, "");
		assert_non_null(strstr(svg, "No circle is drawn"));
		assert_non_null(strstr(svg, "expected"));
		assert_non_null(strstr(svg, ">75.00<"));
		assert_null(strstr(svg, "max / mean"));
		assert_null(strstr(svg, "hash 0"));
		assert_null(strstr(svg, "slot 0"));
		free(svg);
		release(&two);
	}
}

static void a_plan_says_what_moves(void **state)
{
	static const char *const algorithms[] = { "ring", "hrw", "jump", "anchor", "slots" };

	(void)state;
	for (size_t i = 0; i < sizeof algorithms / sizeof *algorithms; i++) {
		struct draw_fleet was;
		struct draw_circle of;
		struct picture *p;

		add_many(&one, "n", 5);
		build(&one, algorithms[i], i == 4 ? 65536 : 0, NULL);
		add_many(&two, "n", 6);
		build(&two, algorithms[i], 0, &one);
		p = picture(true, &was, &of);
		assert_true(fabs(p->moved_ideal - 1.0 / 6) < 1e-9);
		/* exactly the new node's share, but for what sampling adds */
		assert_true(fabs(p->moved - p->row[5].share[IS]) < 0.004);
		assert_true(p->excess == 0);
		picture_release(p);
		release(&one);
		release(&two);
	}
}

static void maglev_shows_its_excess(void **state)
{
	char *svg;

	(void)state;
	add_many(&one, "n", 5);
	build(&one, "maglev", 251, NULL);
	add_many(&two, "n", 6);
	build(&two, "maglev", 251, &one);
	svg = draw(true, "");
	assert_non_null(strstr(svg, "; excess "));
	free(svg);
	release(&one);
	release(&two);
}

static void what_moves_is_hatched_and_nothing_else(void **state)
{
	char *svg;

	(void)state;
	add_many(&one, "n", 5);
	build(&one, "ring", 8, NULL);
	add_many(&two, "n", 5);
	build(&two, "ring", 8, &one);
	svg = draw(true, "");
	assert_int_equal(count(svg, "url(#moved)"), 1);         /* in the key */
	assert_non_null(strstr(svg, ": 0 % of the hash space moves, ideal 0 %"));
	free(svg);
	release(&two);
	add_many(&two, "n", 6);
	build(&two, "ring", 8, &one);
	svg = draw(true, "");
	assert_int_equal(count(svg, "url(#moved)"), 3);         /* and the new node's arcs and bar */
	free(svg);
	release(&one);
	release(&two);
}

static void a_node_that_leaves_stays_in_the_picture(void **state)
{
	char *svg;

	(void)state;
	add_many(&one, "n", 4);
	build(&one, "ring", 8, NULL);
	add(&two, "n0000", 1);
	add(&two, "n0001", 0);
	add(&two, "n0003", 1);
	add(&two, "n0004", 1);
	build(&two, "ring", 8, &one);
	svg = draw(true, "");
	assert_non_null(strstr(svg, "<title>n0002, gone: "));
	assert_non_null(strstr(svg, "<title>n0001, drained: "));
	assert_non_null(strstr(svg, "<title>n0004, new: "));
	assert_non_null(strstr(svg, "4 nodes before, 3 after"));
	free(svg);
	release(&one);
	release(&two);
}

static void a_thousand_nodes_stay_below_400_kilobytes(void **state)
{
	static const char prefix[] = "memcached-session-store-eu-west-1a.cache.example.com:11211.";
	char *svg;

	(void)state;
	add_many(&one, prefix, 1000);
	build(&one, "ring", 64, NULL);
	add_many(&two, prefix, 1001);
	build(&two, "ring", 64, &one);
	svg = draw(false, "");
	assert_true(strlen(svg) < 200 * 1000);
	assert_non_null(strstr(svg, "981 of 1001 nodes are not listed"));
	free(svg);
	svg = draw(true, "");
	assert_true(strlen(svg) < 400 * 1000);
	check_xml(svg);
	free(svg);
	release(&one);
	release(&two);
}

static const char *within(const char *s, unsigned width, size_t keep)
{
	static char text[256];
	FILE *out = fmemopen(text, sizeof text, "w");

	svg_text_within(out, s, strlen(s), width, keep);
	assert_int_equal(fclose(out), 0);
	return text;
}

static void a_name_that_is_cut_keeps_what_tells_it_from_others(void **state)
{
	(void)state;
	assert_string_equal(within("short", 1000, 0), "short");
	assert_string_equal(within("aaaaaaaaaaaaaaaaaaaaaaaaaaab", 800, 27), "aaaaa\u2026aaaab");
	assert_non_null(strstr(within("cache-0381.eu-west-1.example.com", 1200, 9), "cache-0381"));
	assert_non_null(strstr(within("store.internal.example.com.rack-17.unit-3.example.org", 1500, 32), "-17"));
	/* no character is cut in two */
	assert_string_equal(within("\u65e5\u65e5\u65e5\u65e5\u65e5\u65e5\u65e5\u65e5", 520, 0),
			    "\u65e5\u65e5\u2026\u65e5\u65e5");
}

static void numbers_are_fixed_and_short(void **state)
{
	(void)state;
	assert_string_equal(svg_num(12).s, "12");
	assert_string_equal(svg_num(12.5).s, "12.5");
	assert_string_equal(svg_num(-0.004).s, "0");
	assert_string_equal(svg_num(-0.125).s, "-0.13");
	assert_string_equal(svg_num(100).s, "100");
	assert_string_equal(svg_fixed(0.9999, 3).s, "1.000");
	assert_string_equal(svg_fixed(2.5, 0).s, "3");
	assert_string_equal(svg_percent(0).s, "0 %");
	assert_string_equal(svg_percent(1).s, "100.0 %");
	assert_string_equal(svg_percent(1 / 6.0).s, "16.7 %");
	assert_string_equal(svg_percent(0.01234).s, "1.23 %");
	assert_string_equal(svg_percent(0.000999).s, "0.100 %");
}

static void a_full_disk_shows_on_the_stream(void **state)
{
	struct draw_circle of;
	FILE *out = fopen("/dev/full", "w");

	(void)state;
	assert_non_null(out);
	add_many(&two, "n", 3);
	build(&two, "ring", 0, NULL);
	of = (struct draw_circle){ .is = fleet_of(&two), .caption = "" };
	assert_int_equal(draw_circle(out, &of), RING_OK);
	assert_true(ferror(out) || fflush(out) != 0);
	fclose(out);
	release(&two);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_file_is_well_formed_whatever_the_names_are),
		cmocka_unit_test(every_layout_and_size_gives_a_well_formed_file),
		cmocka_unit_test(the_same_fleet_gives_the_same_bytes_in_any_locale),
		cmocka_unit_test(the_shares_of_the_bars_sum_to_one_hundred_per_cent),
		cmocka_unit_test(few_arcs_are_exact_and_the_ring_owns_each),
		cmocka_unit_test(many_arcs_are_sampled_and_the_file_says_so),
		cmocka_unit_test(samples_do_not_beat_with_a_table_that_repeats),
		cmocka_unit_test(a_table_that_repeats_is_not_taken_for_a_few_arcs),
		cmocka_unit_test(a_layout_without_a_circle_draws_none_and_says_so),
		cmocka_unit_test(a_plan_says_what_moves),
		cmocka_unit_test(maglev_shows_its_excess),
		cmocka_unit_test(what_moves_is_hatched_and_nothing_else),
		cmocka_unit_test(a_node_that_leaves_stays_in_the_picture),
		cmocka_unit_test(a_thousand_nodes_stay_below_400_kilobytes),
		cmocka_unit_test(a_name_that_is_cut_keeps_what_tells_it_from_others),
		cmocka_unit_test(numbers_are_fixed_and_short),
		cmocka_unit_test(a_full_disk_shows_on_the_stream),
	};

	return cmocka_run_group_tests_name("draw", tests, NULL, NULL);
}
