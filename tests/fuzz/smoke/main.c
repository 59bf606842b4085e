/*
 * A fuzz target without a fuzzer: its corpus, and each file of it changed some thousand times by a fixed seed.  So
 * every compiler and sanitizer that passes the tests has run the targets too; `make fuzz` looks for more.
 *
 *     TARGET CORPUS...        TAP on stdout
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
__attribute__((weak)) int LLVMFuzzerInitialize(int *argc, char ***argv);

enum { INPUT_BYTES_MAX = 1 << 16, CHANGES = 2000 };

static uint64_t state = 1;

static uint32_t draw(uint32_t below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(state >> 32) % below;
}

/* One change: a byte, a stretch that goes, one that comes twice, the end cut off. */
static size_t change(uint8_t *p, size_t len)
{
	size_t at = len ? draw((uint32_t)len) : 0, n = len ? 1 + draw((uint32_t)(len - at)) : 0;

	switch (draw(4)) {
	case 0:
		if (len)
			p[at] = (uint8_t)draw(256);
		return len;
	case 1:
		memmove(p + at, p + at + n, len - at - n);
		return len - n;
	case 2:
		if (len + n > INPUT_BYTES_MAX)
			return len;
		memmove(p + at + n, p + at, len - at);
		return len + n;
	default:
		return at;
	}
}

/* Memory of its exact size, so that a sanitizer sees a byte too much read. */
static void try(const uint8_t *p, size_t len)
{
	uint8_t *exact = malloc(len ? len : 1);

	if (!exact)
		abort();
	memcpy(exact, p, len);
	LLVMFuzzerTestOneInput(exact, len);
	free(exact);
}

static void try_file(const char *path)
{
	static uint8_t original[INPUT_BYTES_MAX], p[INPUT_BYTES_MAX];
	FILE *f = fopen(path, "rb");
	size_t len = f ? fread(original, 1, sizeof(original), f) : 0;

	if (f)
		fclose(f);
	try(original, len);
	for (int i = 0; i < CHANGES; i++) {
		size_t now = len;

		memcpy(p, original, len);
		for (uint32_t more = 1 + draw(4); more; more--)
			now = change(p, now);
		try(p, now);
	}
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

int main(int argc, char **argv)
{
	int number = 0;

	if (LLVMFuzzerInitialize)
		LLVMFuzzerInitialize(&argc, &argv);
	for (int i = 1; i < argc; i++) {
		struct dirent **entry;
		int count = scandir(argv[i], &entry, NULL, by_name);
		char path[4096];

		for (int j = 0; j < count; j++) {
			if (*entry[j]->d_name != '.') {
				snprintf(path, sizeof(path), "%s/%s", argv[i], entry[j]->d_name);
				try_file(path);
			}
			free(entry[j]);
		}
		if (count >= 0)
			free(entry);
		printf("ok %d %s: %d files, each changed %d times\n", ++number, argv[i], count > 2 ? count - 2 : 0, CHANGES);
	}
	printf("1..%d\n", number);
	return 0;
}
