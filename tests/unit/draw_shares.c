/* lib/draw: what the picture of a circle says of shares, arcs and what moves, compared with the ring itself. */
#include "tests/unit/draw_rig.h"

#include <math.h>

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

int main(void)
{
	const struct CMUnitTest tests[] = {
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
	};

	return cmocka_run_group_tests_name("draw", tests, NULL, NULL);
}
