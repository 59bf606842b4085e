/*
 * Unit tests of the layouts of other programs; their hash functions have theirs
 * in compat_hash.c.
 *
 * The expected values are not ours: they were published by the programs'
 * authors in their tests and documents, or answered by the programs themselves.
 * tests/unit/libmemcached.c and tests/peers/live.sh ask the programs again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/ring/hash.h"
#include "lib/ring/ketama.h"

enum { NODES_MAX = 20000 };

#define IN_UPPER_HALF(point) ((uint64_t)(point) << 32)

static char names[NODES_MAX][32];
static struct ring_node nodes[NODES_MAX];

static void set_node(uint32_t i, const char *name, size_t len, uint32_t weight)
{
	assert_true(i < NODES_MAX && len < sizeof names[i]);
	memcpy(names[i], name, len);
	names[i][len] = '\0';
	nodes[i] = (struct ring_node){ .name = names[i], .name_len = (uint16_t)len, .weight = weight };
}

/* A list "a,b=2,c"; returns how many. */
static uint32_t parse(const char *list)
{
	uint32_t n = 0;

	for (const char *p = list; *p; n++) {
		size_t len = strcspn(p, ",="), rest = strcspn(p, ",");

		set_node(n, p, len, p[len] == '=' ? (uint32_t)strtoul(p + len + 1, NULL, 10) : 1);
		p += rest + (p[rest] == ',');
	}
	return n;
}

static int try(struct ring **r, const char *algo, const char *list, uint32_t table)
{
	struct ring_conf conf = { .table = table };

	return ring_new(r, ring_algo_find(algo), &conf, nodes, parse(list));
}

static struct ring *made(const char *algo, const char *list)
{
	struct ring *r = NULL;

	assert_int_equal(try(&r, algo, list, 0), RING_OK);
	return r;
}

static uint64_t hash_of(const struct ring *r, const char *key)
{
	struct ring_key k = { (const uint8_t *)key, strlen(key) };
	uint64_t hash;

	ring_hash(r, &k, 1, &hash);
	return hash;
}

static const char *owner_at(const struct ring *r, uint64_t hash)
{
	uint32_t owner;
	struct ring_why why;

	ring_owner(r, &hash, 1, &owner);
	ring_explain(r, hash, &why);
	assert_int_equal(why.owner, owner);
	assert_non_null(why.text);
	return names[owner];
}

static const char *owner_of(const struct ring *r, const char *key)
{
	return owner_at(r, hash_of(r, key));
}

/* The hash and the point of a key as the program prints them. */
static void expect_point(const struct ring *r, uint64_t place, uint64_t hash, uint64_t point, const char *owner)
{
	struct ring_why why;

	ring_explain(r, place, &why);
	assert_true(why.has_point);
	assert_int_equal(why.hash, hash);
	assert_int_equal(why.point, point);
	assert_string_equal(owner_at(r, place), owner);
}

static void expect_counts(const struct ring *r, const uint32_t *expected, uint32_t n)
{
	uint32_t count[16];

	ring_count_points(r, count);
	for (uint32_t i = 0; i < n; i++)
		assert_int_equal(count[i], expected[i]);
}

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

static void nginx_points_are_a_chain_of_crcs(void **state)
{
	static const uint32_t first[] = { 1884503556, 274144866, 529093633, 3289641466 };
	struct ring *r = made("nginx", "127.0.0.1:9001=2,unix:/run/a.sock");

	(void)state;
	for (size_t i = 0; i < sizeof first / sizeof *first; i++)
		expect_point(r, IN_UPPER_HALF(first[i]), first[i], first[i], "127.0.0.1:9001");
	expect_counts(r, (const uint32_t[]){ 320, 160 }, 2);
	ring_free(r);
}

static void haproxy_takes_the_nearest_point(void **state)
{
	struct ring *r = made("haproxy", "a,b=2");
	uint32_t point = avalanche32(2 * 4096 + 31) * UINT32_C(3221225473);
	uint64_t share[2];

	(void)state;
	expect_counts(r, (const uint32_t[]){ 16, 32 }, 2);
	for (int off = -3; off <= 3; off++)
		expect_point(r, IN_UPPER_HALF(point + (uint32_t)off), point + (uint32_t)off, point, "b");
	assert_true(ring_shares(r, share));
	assert_int_equal(share[0] + share[1], 0);       /* 2^64 */
	ring_free(r);
}

static void haproxy_refuses_weights_beyond_its_own(void **state)
{
	struct ring *r;

	(void)state;
	assert_int_equal(try(&r, "haproxy", "a=257", 0), RING_ENODES);
	assert_int_equal(try(&r, "haproxy", "a=256,b=0", 0), RING_OK);
	ring_free(r);
}

#define ENVOY_HOSTS "127.0.0.1:90,127.0.0.1:91,127.0.0.1:92,127.0.0.1:93,127.0.0.1:94,127.0.0.1:95"

static void envoy_ring_has_the_points_of_envoys_tests(void **state)
{
	static const struct { uint64_t point; int port; } points[] = {
		{ UINT64_C(833437586790550860), 94 }, { UINT64_C(928266305478181108), 92 },
		{ UINT64_C(1033482794131418490), 90 }, { UINT64_C(3551244743356806947), 95 },
		{ UINT64_C(5583722120771150861), 91 }, { UINT64_C(6311230543546372928), 91 },
		{ UINT64_C(7700377290971790572), 93 }, { UINT64_C(16117243373044804889), 90 },
	};
	struct ring *r = made("envoy-ring", ENVOY_HOSTS);

	(void)state;
	for (size_t i = 0; i < sizeof points / sizeof *points; i++) {
		char name[16];

		snprintf(name, sizeof name, "127.0.0.1:%d", points[i].port);
		expect_point(r, points[i].point, points[i].point, points[i].point, name);
	}
	/* ceil(1024 / 6) for each. */
	expect_counts(r, (const uint32_t[]){ 171, 171, 171, 171, 171, 171 }, 6);
	ring_free(r);
	/* 1, 2 and 3 sixths of 1026. */
	r = made("envoy-ring", "a,b=2,c=3");
	expect_counts(r, (const uint32_t[]){ 171, 342, 513 }, 3);
	ring_free(r);
}

static void expect_table(const char *list, uint32_t size, const char *ports)
{
	struct ring *r;

	assert_int_equal(try(&r, "envoy-maglev", list, size), RING_OK);
	for (uint64_t i = 0; i < 3 * size; i++)
		assert_int_equal(owner_at(r, i)[11], ports[i % size]);
	ring_free(r);
}

static void envoy_maglev_has_the_tables_of_envoys_tests(void **state)
{
	struct ring *r;

	(void)state;
	expect_table(ENVOY_HOSTS, 7, "2401503");
	expect_table("127.0.0.1:90=1,127.0.0.1:91=2", 17, "10010110111110101");
	assert_int_equal(try(&r, "envoy-maglev", "a", 8), RING_ETABLE);
}

static void redis_slots_are_of_the_tag(void **state)
{
	static const struct { const char *key; uint64_t slot; } keys[] = {
		{ "foo", 12182 }, { "{foo}", 12182 }, { "a{foo}b", 12182 }, { "{foo}{bar}", 12182 },
		{ "123456789", 0x31c3 }, { "", 0 },
	};
	struct ring *r = made("redis", "a,b,c");

	(void)state;
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		assert_int_equal(hash_of(r, keys[i].key), keys[i].slot);
	assert_int_equal(hash_of(r, "foo{}{bar}"), crc16_xmodem("foo{}{bar}", 10) % 16384);
	assert_int_equal(hash_of(r, "foo{{bar}}zap"), crc16_xmodem("{bar", 4) % 16384);
	ring_free(r);
}

static void expect_slots(const char *list, const char *const *owner, const uint64_t *first)
{
	struct ring *r = made("redis", list);

	for (; *owner; owner++, first++) {
		assert_string_equal(owner_at(r, *first), *owner);
		assert_string_equal(owner_at(r, first[1] - 1), *owner);
	}
	ring_free(r);
}

static void redis_slots_are_dealt_as_redis_cli_does(void **state)
{
	static const uint64_t three[] = { 0, 5461, 10923, 16384 }, five[] = { 0, 3277, 6554, 9830, 13107, 16384 };
	static const char *const by_list[] = { "a", "b", "c", NULL },
		*const by_host[] = { "h1:1", "h2:1", "h3:1", "h1:2", "h2:2", NULL };

	(void)state;
	expect_slots("a,b,c", by_list, three);
	expect_slots("h1:1,h1:2,h2:1,h2:2,h3:1", by_host, five);
}

static void cassandra_owners_are_at_or_after_the_token(void **state)
{
	struct ring *r = made("cassandra", "a@-7468325962851647638+5,b@-7468325962851647639,c@9223372036854775807");
	struct ring_why why;

	(void)state;
	assert_string_equal(owner_of(r, "123"), "a@-7468325962851647638+5");
	ring_explain(r, hash_of(r, "123"), &why);
	assert_true((int64_t)why.hash == -7468325962851647638 && why.point == why.hash && why.hash_bits == 64);
	assert_string_equal(owner_of(r, ""), "b@-7468325962851647639");
	assert_string_equal(owner_at(r, UINT64_MAX), "c@9223372036854775807");
	ring_free(r);
}

static void cassandra_tokens_are_evenly_spaced_where_none_is_given(void **state)
{
	static const int64_t tokens[] = { INT64_MIN, -6148914691236517206, -3074457345618258604, -2, 3074457345618258600,
					  6148914691236517202 };
	struct ring *r = made("cassandra", "a,b,c,d,e,f");

	(void)state;
	for (int i = 0; i < 6; i++) {
		struct ring_why why;

		ring_explain(r, (uint64_t)tokens[i] ^ UINT64_C(1) << 63, &why);
		assert_true((int64_t)why.point == tokens[i] && why.owner == (uint32_t)i);
	}
	ring_free(r);
}

static void cassandra_refuses_tokens_that_no_cluster_has(void **state)
{
	static const char *const bad[] = { "a@,b@1", "a@1,b", "a@1,b@1", "a@1+,b@2", "a@x", "a@--1", "a@9223372036854775808",
					   "a@-9223372036854775809", "a@1+1x", "a@1=2" };
	struct ring *r;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_int_equal(try(&r, "cassandra", bad[i], 0), RING_ENODES);
}

static struct ring *mcrouter_of(uint32_t n)
{
	struct ring_conf conf = { 0 };
	struct ring_node *list = calloc(n, sizeof *list);
	struct ring *r;

	for (uint32_t i = 0; i < n; i++)
		list[i] = (struct ring_node){ .name = "x", .name_len = 1, .weight = 1 };
	assert_int_equal(ring_new(&r, ring_algo_find("mcrouter"), &conf, list, n), RING_OK);
	free(list);     /* a name plays no part once it is built */
	return r;
}

static uint32_t mcrouter_number(uint32_t n, const char *key)
{
	struct ring *r = mcrouter_of(n);
	uint64_t hash = hash_of(r, key);
	uint32_t owner;

	ring_owner(r, &hash, 1, &owner);
	ring_free(r);
	return owner;
}

static void mcrouter_answers_as_its_own_tests_say(void **state)
{
	static const uint32_t counts[10] = { 995, 955, 1046, 968, 1032, 972, 1016, 1038, 1010, 968 };
	static const struct { const char *key; uint32_t n, number; } cases[] = {
		{ "key0", 4, 0 }, { "key0", 8, 7 }, { "key0", 32, 22 }, { "key0", 64, 22 }, { "key0", 128, 115 },
		{ "key0", 256, 115 }, { "key0", 512, 413 }, { "key0", 1024, 950 },
		{ "user:67890:timeline", 10, 7 }, { "user:67890:timeline", 100, 73 },
		{ "user:67890:timeline", 1000, 748 }, { "user:67890:timeline", 1000000, 86163 },
		{ "/region/cluster/key0|#|etc", 1024, 950 }, { "", 100, 72 },
	};
	struct ring *r = mcrouter_of(10);
	uint32_t count[10] = { 0 };

	(void)state;
	for (int i = 0; i < 10000; i++) {
		char key[8];
		uint64_t hash;
		uint32_t owner;

		snprintf(key, sizeof key, "%d", i);
		hash = hash_of(r, key);
		ring_owner(r, &hash, 1, &owner);
		count[owner]++;
	}
	ring_free(r);
	assert_memory_equal(count, counts, sizeof counts);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		assert_int_equal(mcrouter_number(cases[i].n, cases[i].key), cases[i].number);
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
		cmocka_unit_test(nginx_points_are_a_chain_of_crcs),
		cmocka_unit_test(haproxy_takes_the_nearest_point),
		cmocka_unit_test(haproxy_refuses_weights_beyond_its_own),
		cmocka_unit_test(envoy_ring_has_the_points_of_envoys_tests),
		cmocka_unit_test(envoy_maglev_has_the_tables_of_envoys_tests),
		cmocka_unit_test(redis_slots_are_of_the_tag),
		cmocka_unit_test(redis_slots_are_dealt_as_redis_cli_does),
		cmocka_unit_test(cassandra_owners_are_at_or_after_the_token),
		cmocka_unit_test(cassandra_tokens_are_evenly_spaced_where_none_is_given),
		cmocka_unit_test(cassandra_refuses_tokens_that_no_cluster_has),
		cmocka_unit_test(mcrouter_answers_as_its_own_tests_say),
		cmocka_unit_test(a_drained_node_owns_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
