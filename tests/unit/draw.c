/* lib/draw: the picture of a circle is a well-formed file, read back by a small checker of XML, whatever is in it. */
#include "tests/unit/draw_rig.h"

#include "lib/draw/svg.h"

#include <locale.h>
#include <math.h>

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
		cmocka_unit_test(a_thousand_nodes_stay_below_400_kilobytes),
		cmocka_unit_test(a_name_that_is_cut_keeps_what_tells_it_from_others),
		cmocka_unit_test(numbers_are_fixed_and_short),
		cmocka_unit_test(a_full_disk_shows_on_the_stream),
	};

	return cmocka_run_group_tests_name("draw", tests, NULL, NULL);
}
