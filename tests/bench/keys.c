/*
 * keys: the inputs of the bench, the same on every machine.
 *
 *     keys user COUNT [FIRST]      user:00000000 ...
 *     keys url COUNT [SEED]        about 50 to 80 bytes each
 *     keys json COUNT [FIRST]      one object a line, the user key in "user"
 *     keys nodes COUNT [FIRST]     10.0.0.0:11211 ..., up to 2^24
 */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t mix(uint64_t *state)    /* splitmix64 */
{
	uint64_t x = *state += UINT64_C(0x9e3779b97f4a7c15);

	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

static void put_user(uint64_t i)
{
	printf("user:%08" PRIu64 "\n", i);
}

static void put_json(uint64_t i)
{
	printf("{\"time\":%" PRIu64 ",\"user\":\"user:%08" PRIu64 "\",\"op\":\"%s\",\"bytes\":%" PRIu64 "}\n",
	       UINT64_C(1700000000) + i / 1000, i, i % 3 ? "read" : "write", i * 7919 % 65536);
}

static void put_node(uint64_t i)
{
	printf("10.%" PRIu64 ".%" PRIu64 ".%" PRIu64 ":11211\n", i >> 16 & 255, i >> 8 & 255, i & 255);
}

static void put_url(uint64_t *seed)
{
	static const char *const section[] = { "articles", "images", "products", "users", "search" };
	uint64_t a = mix(seed), b = mix(seed), c = mix(seed);

	printf("https://www%" PRIu64 ".example.com/%s/%0*" PRIx64 "/%" PRIu64 "?session=%08" PRIx64 "\n",
	       a % 100, section[a / 100 % 5], (int)(a / 500 % 17), b >> 40, b & 0xffffff, c >> 32);
}

int main(int argc, char **argv)
{
	if (argc < 3 || argc > 4) {
		fputs("usage: keys {user | url | json | nodes} COUNT [FIRST | SEED]\n", stderr);
		return 2;
	}
	uint64_t count = strtoull(argv[2], NULL, 10), first = argc == 4 ? strtoull(argv[3], NULL, 10) : 0;
	for (uint64_t i = 0, seed = first; i < count; i++) {
		switch (argv[1][0]) {
		case 'j': put_json(first + i); break;
		case 'n': put_node(first + i); break;
		case 'u':
			if (strcmp(argv[1], "url") == 0)
				put_url(&seed);
			else
				put_user(first + i);
			break;
		default:
			fprintf(stderr, "keys: unknown kind '%s'\n", argv[1]);
			return 2;
		}
	}
	if (fflush(stdout) != 0 || ferror(stdout)) {
		perror("stdout");
		return 4;
	}
	return 0;
}
