/* Layouts of other programs that are of the ketama family: libmemcached, Couchbase, the rings of Python. */
#include "tests/unit/compat_rig.h"

#define LIBMEMCACHED_FIXTURE                                                                            \
	"10.0.1.1:11211=600,10.0.1.2:11211=300,10.0.1.3:11211=200,10.0.1.4:11211=350,"                  \
	"10.0.1.5:11211=1000,10.0.1.6:11211=800,10.0.1.7:11211=950,10.0.1.8:11211=100"

static void libmemcached_places_its_own_fixture(void **state)
{
	static const uint32_t points[] = { 176, 88, 56, 104, 296, 236, 280, 28 };
	struct ring *r = made("libmemcached", LIBMEMCACHED_FIXTURE);

	(void)state;
	expect_counts(r, points, 8);
	expect_point(r, hash_of(r, "SVa_]_V41)"), 443691461, 445379617, "10.0.1.7:11211");
	/* Beyond the last point, 4294696831. */
	expect_point(r, hash_of(r, "VDEAAAAA"), 0xfffcd1b5, 2148620, "10.0.1.3:11211");
	expect_point(r, IN_UPPER_HALF(4294696831), 4294696831, 4294696831, owner_at(r, IN_UPPER_HALF(4294696831)));
	expect_point(r, IN_UPPER_HALF(4294696832), 4294696832, 2148620, "10.0.1.3:11211");
	ring_free(r);
	r = made("libmemcached-spy", LIBMEMCACHED_FIXTURE);
	expect_counts(r, points, 8);
	assert_string_equal(owner_of(r, "SVa_]_V41)"), "10.0.1.2:11211");
	ring_free(r);
}

static void libmemcached_places_equal_servers(void **state)
{
	static const char order[] = "46981094";
	struct ring *r = made("libmemcached", "10.0.0.0:11211,10.0.0.1:11211,10.0.0.2:11211,10.0.0.3:11211,"
					      "10.0.0.4:11211,10.0.0.5:11211,10.0.0.6:11211,10.0.0.7:11211,"
					      "10.0.0.8:11211,10.0.0.9:11211");

	(void)state;
	for (int i = 0; order[i]; i++) {
		char key[16];

		snprintf(key, sizeof key, "user:%08d", i);
		assert_int_equal(owner_of(r, key)[7], order[i]);
	}
	ring_free(r);
}

static void a_name_without_a_port_is_at_the_default_port(void **state)
{
	static const char *const algos[] = { "libmemcached", "libmemcached-spy", "twemproxy", "ketama", "spymemcached" };

	(void)state;
	for (size_t i = 0; i < sizeof algos / sizeof *algos; i++) {
		struct ring *with = made(algos[i], "a:11211=3,b:11211,c:11212"), *without;
		static uint32_t expected[1000], owner[1000];
		static uint64_t hash[1000];

		for (uint64_t k = 0; k < 1000; k++)
			hash[k] = IN_UPPER_HALF(mix64(k) >> 32);
		ring_owner(with, hash, 1000, expected);
		without = made(algos[i], "a=3,b,c:11212");
		ring_owner(without, hash, 1000, owner);
		assert_memory_equal(owner, expected, sizeof owner);
		ring_free(with);
		ring_free(without);
	}
}

static void couchbase_has_the_points_of_rfc_26(void **state)
{
	static const uint32_t points[] = { 160, 160, 160, 160 };
	struct ring *r = made("couchbase", "192.168.1.101:11210,192.168.1.102:11210,192.168.1.103,192.168.1.104:11210");

	(void)state;
	expect_counts(r, points, 4);
	expect_point(r, 0, 0, 19069626, "192.168.1.104:11210");
	ring_free(r);
}

/* How many of 1 .. 5000 equal servers get less than 40 labels each, and the first such sizes. */
static void expect_bad_sizes(const char *algo, uint32_t bad, const uint32_t *first)
{
	uint32_t n = 0;

	for (uint32_t live = 1; live <= 5000; live++) {
		uint32_t labels = ketama_labels(ring_algo_find(algo), 1, live, live);

		assert_true(labels == 40 || labels == 39);
		if (labels == 40)
			continue;
		n++;
		if (*first)
			assert_int_equal(*first++, live);
	}
	assert_int_equal(n, bad);
}

static void the_family_rounds_at_the_sizes_that_are_known(void **state)
{
	static const uint32_t memcached[] = { 25, 47, 50, 55, 61, 71, 94, 100, 0 }, lastfm[] = { 61, 122, 237, 244, 0 },
			      npm[] = { 7, 14, 28, 49, 56, 98, 0 }, none[] = { 0 };
	static const uint32_t ones_less[] = { 156, 156, 156, 156, 156, 156, 156 };
	struct ring *r = made("node-hashring", "a,b,c,d,e,f,g");

	(void)state;
	expect_bad_sizes("libmemcached", 550, memcached);
	expect_bad_sizes("libmemcached-spy", 550, memcached);
	expect_bad_sizes("twemproxy", 550, memcached);
	expect_bad_sizes("ketama", 53, lastfm);
	expect_bad_sizes("node-hashring", 472, npm);
	expect_bad_sizes("uhashring", 0, none);
	expect_bad_sizes("hash-ring", 0, none);
	expect_bad_sizes("couchbase", 0, none);
	expect_bad_sizes("spymemcached", 0, none);
	expect_counts(r, ones_less, 7);
	ring_free(r);
}

static void the_first_listed_has_an_equal_point(void **state)
{
	static const struct { const char *algo, *list; uint32_t point; const char *owner; } cases[] = {
		{ "libmemcached", "n81:11211,n975:11211", 607858066, "n81:11211" },
		{ "libmemcached", "n975:11211,n81:11211", 607858066, "n975:11211" },
		{ "node-hashring", "n975,n81", 607858066, "n975" },
		{ "ketama", "n433:11211,n122:11211", 3677553006, "n433:11211" },
		{ "nginx", "n479,n400", 1033821862, "n479" },
		{ "nginx", "n400,n479", 1033821862, "n400" },
		/* It sorts by length of name first, so that n81 is before n975. */
		{ "twemproxy", "n81,n975", 607858066, "n81" },
		{ "twemproxy", "n1030,n789", 2011699212, "n789" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct ring *r = made(cases[i].algo, cases[i].list);

		expect_point(r, IN_UPPER_HALF(cases[i].point), cases[i].point, cases[i].point, cases[i].owner);
		ring_free(r);
	}
}

static void the_last_listed_has_an_equal_point_in_a_map(void **state)
{
	static const struct { const char *algo, *list; uint64_t place; const char *owner; } cases[] = {
		{ "spymemcached", "n122,n433", IN_UPPER_HALF(3677553006), "n433" },
		{ "spymemcached", "n433,n122", IN_UPPER_HALF(3677553006), "n122" },
		/* Python looks beyond a point that equals the key, so from just below it. */
		{ "uhashring", "n81,n975", IN_UPPER_HALF(607858066), "n975" },
		{ "uhashring", "n975,n81", IN_UPPER_HALF(607858066), "n81" },
		{ "hash-ring", "n81,n975", IN_UPPER_HALF(607858066), "n975" },
		{ "hash-ring", "n975,n81", IN_UPPER_HALF(607858066), "n81" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct ring *r = made(cases[i].algo, cases[i].list);

		assert_string_equal(owner_at(r, cases[i].place), cases[i].owner);
		ring_free(r);
	}
}

static void python_rings_pass_by_a_point_that_equals_the_key(void **state)
{
	/* The first word of "n0-0" as a key is the point of that label. */
	struct ring *strict = made("uhashring", "n0,n1,n2"), *loose = made("node-hashring", "n0,n1,n2");
	struct ring_why why;

	(void)state;
	ring_explain(loose, hash_of(loose, "n0-0"), &why);
	assert_int_equal(why.point, why.hash);
	ring_explain(strict, hash_of(strict, "n0-0"), &why);
	assert_true(why.point > why.hash);
	ring_free(strict);
	ring_free(loose);
}

static void hash_ring_has_three_points_a_label(void **state)
{
	static const uint32_t points[] = { 60, 180 }, four[] = { 80, 240 };
	struct ring *r = made("hash-ring", "a,b=3");

	(void)state;
	expect_counts(r, points, 2);
	ring_free(r);
	r = made("uhashring", "a,b=3");
	expect_counts(r, four, 2);
	ring_free(r);
}

/* Of every layout: a drained node is as good as absent, and nothing else changes. */
static void a_drained_node_owns_nothing(void **state)
{
	static const char *const algos[] = { "libmemcached", "libmemcached-spy", "twemproxy", "ketama", "spymemcached",
		"couchbase", "uhashring", "hash-ring", "node-hashring", "nginx", "envoy-ring", "envoy-maglev", "redis",
		"cassandra", "mcrouter" };
	static uint64_t hash[1000];
	static uint32_t owner[1000], expected[1000];

	(void)state;
	for (size_t a = 0; a < sizeof algos / sizeof *algos; a++) {
		struct ring *with = made(algos[a], "a,b=0,c,d"), *without;

		for (uint64_t i = 0; i < 1000; i++)
			hash[i] = mix64(i);
		ring_owner(with, hash, 1000, owner);
		without = made(algos[a], "a,c,d");
		ring_owner(without, hash, 1000, expected);
		for (size_t i = 0; i < 1000; i++)
			assert_int_equal(owner[i], expected[i] + (expected[i] > 0));
		ring_free(with);
		ring_free(without);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(libmemcached_places_its_own_fixture),
		cmocka_unit_test(libmemcached_places_equal_servers),
		cmocka_unit_test(a_name_without_a_port_is_at_the_default_port),
		cmocka_unit_test(couchbase_has_the_points_of_rfc_26),
		cmocka_unit_test(the_family_rounds_at_the_sizes_that_are_known),
		cmocka_unit_test(the_first_listed_has_an_equal_point),
		cmocka_unit_test(the_last_listed_has_an_equal_point_in_a_map),
		cmocka_unit_test(python_rings_pass_by_a_point_that_equals_the_key),
		cmocka_unit_test(hash_ring_has_three_points_a_label),
		cmocka_unit_test(a_drained_node_owns_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
