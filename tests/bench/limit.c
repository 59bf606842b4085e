/*
 * limit: what no filter of this shape can beat.
 *
 *     limit copy <keys          memchr and fwrite_unlocked: a bare copy of lines
 *     limit siphash <keys       libsodium's SipHash of each line, then the line and
 *                               a constant node: all that a look-up is added to
 */
#include <sodium.h>

#include "tests/bench/driver.h"

static const char constant[] = "\t10.0.0.42:11211\n";
static unsigned char key[crypto_shorthash_KEYBYTES];

static void copy(void *self, const char *line, size_t len)
{
	(void)self;
	fwrite_unlocked(line, 1, len + 1, stdout);
}

static void hash(void *self, const char *line, size_t len)
{
	unsigned char word[crypto_shorthash_BYTES];
	uint64_t *sum = self, h;

	crypto_shorthash(word, (const unsigned char *)line, len, key);
	memcpy(&h, word, sizeof h);
	*sum += h;
	fwrite_unlocked(line, 1, len, stdout);
	fwrite_unlocked(constant, 1, sizeof constant - 1, stdout);
}

int main(int argc, char **argv)
{
	static char buffer[BLOCK_BYTES];
	uint64_t sum = 0;

	if (argc != 2 || (strcmp(argv[1], "copy") && strcmp(argv[1], "siphash"))) {
		fputs("usage: limit {copy | siphash} <keys\n", stderr);
		return 2;
	}
	if (sodium_init() < 0)
		fail("libsodium");
	setvbuf(stdout, buffer, _IOFBF, sizeof buffer);
	lines_each(argv[1][0] == 'c' ? copy : hash, &sum);
	if (fflush(stdout) != 0 || ferror(stdout))
		fail("stdout");
	return 0;
}
