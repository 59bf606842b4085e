/*
 * tally: counts placements from the outside, so that no figure of the bench rests on
 * what a tool says of itself.
 *
 *     tally [KEYS] <placed         lines nodes max/mean min/mean sd/mean
 *     tally --moved WAS NOW        lines moved excess: shares of the lines
 *
 * A line of `placed` is key<TAB>node; with KEYS, its keys must be the lines of
 * that file, in order.  Excess: moved between two nodes that are in WAS and in NOW.
 */
#include <math.h>

#include "tests/bench/driver.h"

enum { NODES_MAX = 1 << 20, SLOTS = NODES_MAX * 2 };

struct node {
	char *name;
	uint64_t keys[2];       /* of stdin or WAS; of NOW */
};

static struct node nodes[NODES_MAX];
static uint32_t slot[SLOTS];    /* 1 + index in nodes */
static uint32_t nodes_n;

__attribute__((noreturn))
static void refuse(uint64_t line, const char *why)
{
	fprintf(stderr, "tally: line %llu: %s\n", (unsigned long long)line, why);
	exit(1);
}

static uint32_t node_at(const char *name, size_t len, uint64_t line)
{
	uint32_t h = 2166136261;        /* FNV-1a */

	for (size_t i = 0; i < len; i++)
		h = (h ^ (unsigned char)name[i]) * 16777619;
	for (h %= SLOTS; slot[h]; h = (h + 1) % SLOTS) {
		const char *known = nodes[slot[h] - 1].name;
		if (strncmp(known, name, len) == 0 && known[len] == '\0')
			return slot[h] - 1;
	}
	if (nodes_n == NODES_MAX)
		refuse(line, "too many nodes");
	nodes[nodes_n].name = must(strndup(name, len));
	slot[h] = ++nodes_n;
	return nodes_n - 1;
}

/* Counts a line for keys[side]; returns its node. */
static uint32_t count(const char *line, size_t len, uint64_t number, int side)
{
	const char *tab = memrchr(line, '\t', len);

	if (!tab)
		refuse(number, "no tab");
	uint32_t node = node_at(tab + 1, len - (size_t)(tab + 1 - line), number);
	nodes[node].keys[side]++;
	return node;
}

struct reader {
	FILE *file;
	char *line;
	size_t room;
};

static struct reader reader_open(const char *path)
{
	struct reader r = { fopen(path, "r"), NULL, 0 };

	if (!r.file)
		fail(path);
	return r;
}

/* The next line without its newline, or -1. */
static ssize_t reader_next(struct reader *r)
{
	ssize_t len = getline(&r->line, &r->room, r->file);

	return len > 0 && r->line[len - 1] == '\n' ? len - 1 : len;
}

struct balance {
	uint64_t lines;
	struct reader *keys;    /* or NULL */
};

static void balance_line(void *self, const char *line, size_t len)
{
	struct balance *b = self;

	b->lines++;
	count(line, len, b->lines, 0);
	if (!b->keys)
		return;
	ssize_t key = reader_next(b->keys);
	if (key < 0)
		refuse(b->lines, "more lines than keys");
	if ((size_t)key >= len || line[key] != '\t' || memcmp(line, b->keys->line, (size_t)key))
		refuse(b->lines, "this is not the key that was given");
}

static void balance(const char *keys_path)
{
	struct reader keys;
	struct balance b = { 0 };
	uint64_t max = 0, min = UINT64_MAX;
	double squares = 0;

	if (keys_path) {
		keys = reader_open(keys_path);
		b.keys = &keys;
	}
	lines_each(balance_line, &b);
	if (b.keys && reader_next(b.keys) >= 0)
		refuse(b.lines, "fewer lines than keys");
	if (b.lines == 0)
		refuse(0, "no output");
	double mean = (double)b.lines / nodes_n;
	for (uint32_t i = 0; i < nodes_n; i++) {
		uint64_t k = nodes[i].keys[0];
		max = k > max ? k : max;
		min = k < min ? k : min;
		squares += ((double)k - mean) * ((double)k - mean);
	}
	printf("%llu %u %.5f %.5f %.6f\n", (unsigned long long)b.lines, nodes_n, (double)max / mean,
	       (double)min / mean, sqrt(squares / nodes_n) / mean);
}

/* Which pairs moved is known line by line, which nodes stay only at the end: so by pair. */
struct pair {
	uint32_t was, now;
};

static void moved(const char *was_path, const char *now_path)
{
	struct reader was = reader_open(was_path), now = reader_open(now_path);
	size_t room = 1 << 16, n = 0;
	struct pair *pairs = must(malloc(room * sizeof *pairs));
	uint64_t lines = 0, excess = 0;
	ssize_t was_len, now_len;

	while ((was_len = reader_next(&was)) >= 0) {
		lines++;
		if ((now_len = reader_next(&now)) < 0)
			refuse(lines, "NOW is shorter");
		uint32_t a = count(was.line, (size_t)was_len, lines, 0);
		uint32_t b = count(now.line, (size_t)now_len, lines, 1);
		if (a == b)
			continue;
		if (n == room)
			pairs = must(realloc(pairs, (room *= 2) * sizeof *pairs));
		pairs[n++] = (struct pair){ a, b };
	}
	if (reader_next(&now) >= 0)
		refuse(lines, "NOW is longer");
	if (lines == 0)
		refuse(0, "no output");
	for (size_t i = 0; i < n; i++)
		excess += nodes[pairs[i].was].keys[1] && nodes[pairs[i].now].keys[0];
	printf("%llu %.6f %.6f\n", (unsigned long long)lines, (double)n / (double)lines,
	       (double)excess / (double)lines);
	free(pairs);
}

int main(int argc, char **argv)
{
	if (argc == 4 && strcmp(argv[1], "--moved") == 0) {
		moved(argv[2], argv[3]);
	} else if (argc <= 2) {
		balance(argc == 2 ? argv[1] : NULL);
	} else {
		fputs("usage: tally {[KEYS] <placed | --moved WAS NOW}\n", stderr);
		return 2;
	}
	return 0;
}
