/*
 * Differential test: our libmemcached and libmemcached-spy against the library
 * itself, and our hash functions against its libhashkit.  No server is asked.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <libhashkit-1.0/hashkit.h>
#include <libmemcached-1.0/memcached.h>

#include "lib/ring/hash.h"

enum {
	SERVERS_MAX = 100,              /* Debian's libmemcached aborts beyond */
	KEYS = 2000,
	KEY_BYTES_MAX = 64,
};

static uint8_t bytes[KEYS][KEY_BYTES_MAX];
static struct ring_key keys[KEYS];
static char names[SERVERS_MAX][32];
static struct ring_node nodes[SERVERS_MAX];
static uint64_t random_state = 1;

static uint32_t draw_below(uint32_t n)
{
	return (uint32_t)(mix64(random_state++) % n);
}

/* Keys of all lengths; every second one of any bytes, the others as users have them. */
static int make_keys(void **state)
{
	(void)state;
	for (size_t i = 0; i < KEYS; i++) {
		keys[i] = (struct ring_key){ bytes[i], 1 + draw_below(KEY_BYTES_MAX) };
		for (size_t j = 0; j < KEY_BYTES_MAX; j++)
			bytes[i][j] = (uint8_t)(i % 2 ? draw_below(256) : 'a' + draw_below(26));
	}
	return 0;
}

/* The behaviour first: setting the plain distribution would make it unweighted again. */
static memcached_st *make_client(const memcached_server_list_st list, int spy)
{
	memcached_st *m = memcached_create(NULL);

	assert_int_equal(memcached_behavior_set(m, MEMCACHED_BEHAVIOR_KETAMA_WEIGHTED, 1), MEMCACHED_SUCCESS);
	if (spy)
		assert_int_equal(memcached_behavior_set_distribution(m, MEMCACHED_DISTRIBUTION_CONSISTENT_KETAMA_SPY),
				 MEMCACHED_SUCCESS);
	assert_int_equal(memcached_server_push(m, list), MEMCACHED_SUCCESS);
	assert_int_equal(memcached_behavior_get(m, MEMCACHED_BEHAVIOR_KETAMA_WEIGHTED), 1);
	return m;
}

/* Some servers at the default port, some not; weights up to `weight_max`. */
static memcached_st *make_servers(uint32_t n, uint32_t weight_max, int spy)
{
	memcached_server_st *list = NULL;
	memcached_st *m;

	for (uint32_t i = 0; i < n; i++) {
		memcached_return_t rc;
		char host[24];
		uint32_t port = draw_below(3) ? 11211 : 1024 + draw_below(60000);
		uint32_t weight = 1 + draw_below(weight_max);

		snprintf(host, sizeof host, "10.%u.%u.%u", draw_below(256), draw_below(256), i);
		snprintf(names[i], sizeof names[i], port == 11211 && draw_below(2) ? "%s" : "%s:%u", host, port);
		nodes[i] = (struct ring_node){ names[i], weight, (uint16_t)strlen(names[i]), 0 };
		list = memcached_server_list_append_with_weight(list, host, (in_port_t)port, weight, &rc);
		assert_non_null(list);
	}
	m = make_client(list, spy);
	memcached_server_list_free(list);
	return m;
}

static void compare(uint32_t n, uint32_t weight_max, int spy)
{
	const struct ring_algo *algo = ring_algo_find(spy ? "libmemcached-spy" : "libmemcached");
	memcached_st *m = make_servers(n, weight_max, spy);
	struct ring_conf conf = { .cpu = __builtin_cpu_supports("avx2") ? RING_CPU_AVX2 : 0 };
	static uint64_t hash[KEYS];
	static uint32_t owner[KEYS];
	struct ring *r;

	assert_int_equal(ring_new(&r, algo, &conf, nodes, n), RING_OK);
	ring_hash(r, keys, KEYS, hash);
	ring_owner(r, hash, KEYS, owner);
	for (size_t i = 0; i < KEYS; i++)
		if (owner[i] != memcached_generate_hash(m, (const char *)keys[i].p, keys[i].len))
			fail_msg("%s, %u servers, weights to %u, key %zu", ring_algo_name(algo), n, weight_max, i);
	ring_free(r);
	memcached_free(m);
}

static void owners_are_libmemcacheds_with_equal_weights(void **state)
{
	(void)state;
	for (uint32_t n = 1; n <= SERVERS_MAX; n++)
		compare(n, 1, 0);
}

static void owners_are_libmemcacheds_with_any_weights(void **state)
{
	(void)state;
	for (uint32_t n = 1; n <= SERVERS_MAX; n++) {
		compare(n, 5, 0);
		compare(n, RING_WEIGHT_MAX, 0);
	}
}

static void spy_owners_are_libmemcacheds(void **state)
{
	(void)state;
	for (uint32_t n = 1; n <= SERVERS_MAX; n++) {
		compare(n, 1, 1);
		compare(n, 1000, 1);
	}
}

static void hashes_are_libhashkits(void **state)
{
	(void)state;
	for (size_t i = 0; i < KEYS; i++) {
		const char *p = (const char *)keys[i].p;
		size_t len = keys[i].len;
		uint32_t word[4];

		md5(p, len, word);
		assert_int_equal(word[0], libhashkit_md5(p, len));
		assert_int_equal(one_at_a_time(p, len), libhashkit_one_at_a_time(p, len));
		assert_int_equal(fnv1a_32(p, len), libhashkit_fnv1a_32(p, len));
		assert_int_equal(fnv1a_64_low(p, len), libhashkit_fnv1a_64(p, len));
		assert_int_equal(crc32_ieee(0, p, len) >> 16 & 0x7fff, libhashkit_crc32(p, len));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(owners_are_libmemcacheds_with_equal_weights),
		cmocka_unit_test(owners_are_libmemcacheds_with_any_weights),
		cmocka_unit_test(spy_owners_are_libmemcacheds),
		cmocka_unit_test(hashes_are_libhashkits),
	};

	return cmocka_run_group_tests(tests, make_keys, NULL);
}
