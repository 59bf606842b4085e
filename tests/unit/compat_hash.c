/*
 * Unit tests of the hash functions of other programs, by values that those
 * programs published.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lib/ring/hash.h"

static void md5_words_are_little_endian(void **state)
{
	uint32_t word[4];

	(void)state;
	md5("server1-8", 9, word);
	assert_int_equal(word[0], 3853726576);
	assert_int_equal(word[3], 2667054752);
	md5("apple", 5, word);
	assert_int_equal(word[0], 3195025439);
	md5("", 0, word);
	assert_int_equal(word[0], 0xd98c1dd4);
	assert_int_equal(word[3], 0x7e42f8ec);
}

enum { LENGTHS = 301, ROUNDS = 3 };

/* Every key is an allocation of its own, so that the sanitizer sees a byte read beyond it. */
static void compare_md5(unsigned cpu, size_t batch)
{
	static struct ring_key keys[LENGTHS * ROUNDS];
	static uint64_t out[LENGTHS * ROUNDS];

	for (size_t i = 0; i < LENGTHS * ROUNDS; i++) {
		size_t len = i * 97 % LENGTHS;
		uint8_t *p = malloc(len);

		for (size_t j = 0; j < len; j++)
			p[j] = (uint8_t)(mix64(i << 32 | j) >> 11);
		keys[i] = (struct ring_key){ p, len };
	}
	for (size_t i = 0; i < LENGTHS * ROUNDS; i += batch)
		md5_batch(keys + i, batch < LENGTHS * ROUNDS - i ? batch : LENGTHS * ROUNDS - i, out + i, cpu);
	for (size_t i = 0; i < LENGTHS * ROUNDS; i++) {
		uint32_t word[4];

		md5(keys[i].p, keys[i].len, word);
		assert_int_equal(out[i], (uint64_t)word[0] << 32);
		free((void *)(uintptr_t)keys[i].p);
	}
}

static void md5_is_the_same_in_lanes_and_alone_at_every_length(void **state)
{
	static const size_t batches[] = { 1, 2, 7, 16, 33, 256, LENGTHS * ROUNDS };

	(void)state;
	for (size_t i = 0; i < sizeof batches / sizeof *batches; i++) {
		compare_md5(0, batches[i]);
		if (__builtin_cpu_supports("avx2"))
			compare_md5(RING_CPU_AVX2, batches[i]);
		if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
		    __builtin_cpu_supports("avx512vl"))
			compare_md5(RING_CPU_AVX512 | RING_CPU_AVX2, batches[i]);
	}
}

static void hashes_give_the_published_values(void **state)
{
	(void)state;
	assert_int_equal(one_at_a_time("apple", 5), 2297466611);
	assert_int_equal(crc32_ieee(0, "apple", 5) >> 16 & 0x7fff, 10542);
	assert_int_equal(fnv1a_64_low("apple", 5), 1488911807);
	assert_int_equal(fnv1a_32("apple", 5), 280767167);
	assert_int_equal(crc32_ieee(0, "123456789", 9), 0xcbf43926);
	assert_int_equal(crc32_ieee(crc32_ieee(0, "1234", 4), "56789", 5), 0xcbf43926);
	assert_int_equal(crc16_xmodem("123456789", 9), 0x31c3);
	assert_int_equal(xxh64("", 0, 0), 0xef46db3751d8e999);
	assert_int_equal(xxh64("a", 1, 0), 0xd24ec4f1a98c6e5b);
	assert_int_equal(xxh64("abc", 3, 0), 0x44bc2cf5ad770999);
	assert_int_equal(xxh64("Nobody inspects the spammish repetition", 39, 0), 0xfbcea83c8a378bf1);
}

static uint32_t crc32_bit_by_bit(const uint8_t *p, size_t len)
{
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < len; i++) {
		crc ^= p[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (UINT32_C(0xedb88320) & (0 - (crc & 1)));
	}
	return ~crc;
}

static uint32_t crc16_bit_by_bit(const uint8_t *p, size_t len)
{
	uint32_t crc = 0;

	for (size_t i = 0; i < len; i++) {
		crc ^= (uint32_t)p[i] << 8;
		for (int bit = 0; bit < 8; bit++)
			crc = (crc << 1 ^ (UINT32_C(0x1021) & (0 - (crc >> 15 & 1)))) & 0xffff;
	}
	return crc;
}

static void crcs_by_slices_are_those_by_bits(void **state)
{
	(void)state;
	for (size_t len = 0; len < 70; len++) {
		uint8_t *p = calloc(1, len);

		for (size_t i = 0; i < len; i++)
			p[i] = (uint8_t)(mix64(len << 8 | i) >> 5);
		assert_int_equal(crc32_ieee(0, p, len), crc32_bit_by_bit(p, len));
		assert_int_equal(crc16_xmodem(p, len), crc16_bit_by_bit(p, len));
		free(p);
	}
}

static void cassandra_tokens_are_those_of_its_tests(void **state)
{
	static const uint8_t zeros[16], fifty[50] = {
		0x00, 0xff, 0x10, 0xfa, 0x99, 0x00, 0xff, 0x10, 0xfa, 0x99, 0x00, 0xff, 0x10, 0xfa, 0x99, 0x00, 0xff,
		0x10, 0xfa, 0x99, 0x00, 0xff, 0x10, 0xfa, 0x99, 0x00, 0xff, 0x10, 0xfa, 0x99, 0x00, 0xff, 0x10, 0xfa,
		0x99, 0x00, 0xff, 0x10, 0xfa, 0x99, 0x00, 0xff, 0x10, 0xfa, 0x99, 0x00, 0xff, 0x10, 0xfa, 0x99,
	};

	(void)state;
	assert_true(cassandra_token("123", 3) == -7468325962851647638);
	assert_true(cassandra_token("\xfe\xfe\xfe\xfe\xfe\xfe\xfe\xfe", 8) == -8927430733708461935);
	assert_true(cassandra_token("\xe2\xe7", 2) == -8582699461035929883);
	assert_true(cassandra_token("\xfe\xfe\xfe\xfe", 4) == 4566408979886474012);
	assert_true(cassandra_token(zeros, sizeof zeros) == 5457549051747178710);
	assert_true(cassandra_token(fifty, sizeof fifty) == 5837342703291459765);
	assert_true(cassandra_token("", 0) == INT64_MIN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(md5_words_are_little_endian),
		cmocka_unit_test(md5_is_the_same_in_lanes_and_alone_at_every_length),
		cmocka_unit_test(hashes_give_the_published_values),
		cmocka_unit_test(crcs_by_slices_are_those_by_bits),
		cmocka_unit_test(cassandra_tokens_are_those_of_its_tests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
