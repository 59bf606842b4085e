/* lib/ring/siphash: the native hash is that of libsodium, by every instruction set, and reads no byte too many. */
#include "tests/unit/ring_rig.h"

#include <sodium.h>

static void siphash_is_libsodiums_at_every_length(void **state)
{
	uint8_t key[16], text[600];
	struct ring_key keys[600];
	uint64_t hash[600], want;

	(void)state;
	for (size_t i = 0; i < sizeof key; i++)
		key[i] = (uint8_t)next_random();
	for (size_t i = 0; i < sizeof text; i++)
		text[i] = (uint8_t)next_random();
	for (size_t c = 0; c < cpus_n; c++) {
		for (size_t i = 0; i < 600; i++) {
			size_t len = c ? next_random() % 300 : i % 300;

			keys[i] = (struct ring_key){ text + next_random() % 300, len };
		}
		siphash_batch(key, keys, 600, hash, cpus[c]);
		for (size_t i = 0; i < 600; i++) {
			crypto_shorthash((unsigned char *)&want, keys[i].p, keys[i].len, key);
			assert_true(hash[i] == want);
			assert_true(siphash(key, keys[i].p, keys[i].len) == want);
		}
	}
}

static void siphash_reads_nothing_beyond_a_key(void **state)
{
	static const uint8_t key[16];

	(void)state;
	for (size_t len = 0; len < 40; len++) {
		uint8_t *exact = malloc(len ? len : 1);         /* a sanitizer sees a byte too many */
		struct ring_key keys[9];
		uint64_t hash[9];

		memset(exact, 'x', len);
		for (size_t i = 0; i < 9; i++)
			keys[i] = (struct ring_key){ exact, len };
		for (size_t c = 0; c < cpus_n; c++) {
			siphash_batch(key, keys, 9, hash, cpus[c]);
			assert_true(hash[8] == siphash(key, exact, len));
		}
		free(exact);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(siphash_is_libsodiums_at_every_length),
		cmocka_unit_test(siphash_reads_nothing_beyond_a_key),
	};

	find_cpus();
	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
