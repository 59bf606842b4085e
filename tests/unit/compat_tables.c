/* Layouts of other programs that are tables or circles of their own: nginx, HAProxy, Envoy, Redis, Cassandra, mcrouter. */
#include "tests/unit/compat_rig.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
