/* lib/preload/unsynced at random: whatever a crash leaves was written, and not before the last flush. */
#include "tests/unit/unsynced_rig.h"

enum { FUZZ_FILES = 3, FUZZ_SECTORS = 6, FUZZ_STEPS = 25, FUZZ_RUNS = 150 };

static uint64_t state_;

static unsigned below(unsigned n)
{
	state_ = state_ * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (unsigned)(state_ >> 33) % n;
}

/* What a file may be: the versions since its last flush. */
struct model { char version[FUZZ_STEPS + 1][FUZZ_SECTORS + 1]; unsigned versions; };
static struct model *model;     /* shared with the child */

static void name_of(unsigned f, char name[8])
{
	snprintf(name, 8, "f%u", f);
}

static void step(unsigned f, char letter)
{
	struct model *m = &model[f];
	char name[8], *now = m->version[m->versions - 1], next[FUZZ_SECTORS + 1] = "";
	char sectors[FUZZ_SECTORS * SECTOR_BYTES];
	unsigned at = below(FUZZ_SECTORS), n = 1 + below(FUZZ_SECTORS - at);
	size_t len = strlen(now);
	int fd;

	name_of(f, name);
	fd = open(name, below(2) ? O_WRONLY : O_RDWR);
	need(fd >= 0);
	strcpy(next, now);
	if (below(6) == 0) {
		need(!ftruncate(fd, at * SECTOR_BYTES));
		for (size_t i = len; i < at; i++)
			next[i] = '0';
		next[at] = '\0';
	} else {
		for (size_t i = len; i < at; i++)
			next[i] = '0';
		memset(sectors, letter, sizeof(sectors));
		memset(next + at, letter, n);
		need(pwrite(fd, sectors, n * SECTOR_BYTES, at * SECTOR_BYTES) == n * SECTOR_BYTES);
		if (len < at + n)
			next[at + n] = '\0';
	}
	strcpy(m->version[m->versions++], next);
	if (below(5) == 0) {
		need(!fdatasync(fd));
		strcpy(m->version[0], next);
		m->versions = 1;
	}
	close(fd);
}

static void works(void *with)
{
	uint64_t *seed = with;

	state_ = *seed;
	for (unsigned f = 0; f < FUZZ_FILES; f++) {
		char name[8];

		name_of(f, name);
		put(name, O_CREAT, "");
		model[f].versions = 1;
		model[f].version[0][0] = '\0';
	}
	flush_path(".");
	for (unsigned i = 0; i < FUZZ_STEPS; i++)
		step(below(FUZZ_FILES), (char)('a' + i));
}

static void check(const struct model *m, const char *found, uint64_t seed)
{
	bool length = false;

	for (unsigned v = 0; v < m->versions; v++)
		length = length || strlen(m->version[v]) == strlen(found);
	if (!length)
		fail_msg("seed %ju: '%s' is of no length that it had", (uintmax_t)seed, found);
	for (size_t i = 0; found[i]; i++) {
		bool known = false;

		/* Where a version ends before the sector, it is zeros there. */
		for (unsigned v = 0; v < m->versions; v++)
			known = known || (i < strlen(m->version[v]) ? m->version[v][i] : '0') == found[i];
		if (!known)
			fail_msg("seed %ju: sector %zu of '%s' is of no version", (uintmax_t)seed, i, found);
	}
}

static void whatever_is_left_was_written_and_not_before_the_last_flush(void **state)
{
	unsigned changed = 0;

	(void)state;
	model = mmap(NULL, FUZZ_FILES * sizeof(*model), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(model != MAP_FAILED);
	for (uint64_t seed = 1; seed <= FUZZ_RUNS; seed++) {
		empty();
		changed += crash(works, &seed, seed) > 0;
		for (unsigned f = 0; f < FUZZ_FILES; f++) {
			char name[8];

			name_of(f, name);
			check(&model[f], letters_of(name), seed);
		}
	}
	munmap(model, FUZZ_FILES * sizeof(*model));
	assert_true(changed > FUZZ_RUNS / 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whatever_is_left_was_written_and_not_before_the_last_flush),
	};

	return cmocka_run_group_tests(tests, enter, leave);
}
