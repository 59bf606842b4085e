/*
 * libhashkit: libmemcached's weighted ketama continuum, float32 rounding and
 * all, built on Debian's libhashkit_md5 and searched by halves.  It stands in for
 * libmemcached beyond its 100 servers; up to there the output is the same bytes.
 *
 *     libhashkit HOST:PORT[=WEIGHT]... <keys
 *     libhashkit -f FILE <keys          a server a line
 */
#include <libhashkit/hashkit.h>
#include <math.h>

#include "tests/bench/driver.h"

enum { POINTS_PER_SERVER = 160, MEMCACHED_PORT = 11211 };

struct point {
	uint32_t hash, server;
};

struct filter {
	struct point *points;
	size_t n;
	struct server *servers;
	struct out out;
};

static int point_cmp(const void *left, const void *right)
{
	const struct point *a = left, *b = right;

	if (a->hash != b->hash)
		return a->hash < b->hash ? -1 : 1;
	return (a->server > b->server) - (a->server < b->server);
}

/* As update_continuum of libmemcached counts: every step in float32. */
static uint32_t labels_of(uint32_t weight, uint64_t total, uint32_t live)
{
	float share = (float)weight / (float)total;

	return (uint32_t)floorf(share * (float)POINTS_PER_SERVER / 4 * (float)live + 0.0000000001F);
}

static void points_of(struct filter *f, uint32_t server, uint32_t labels)
{
	const struct server *s = &f->servers[server];

	for (uint32_t k = 0; k < labels; k++) {
		char label[512];
		unsigned char digest[16];
		int len = s->port == MEMCACHED_PORT
			? snprintf(label, sizeof label, "%s-%u", s->host, k)
			: snprintf(label, sizeof label, "%s:%u-%u", s->host, (unsigned)s->port, k);
		libhashkit_md5_signature((const unsigned char *)label, (size_t)len, digest);
		for (int w = 0; w < 4; w++) {
			const unsigned char *d = digest + w * 4;
			f->points[f->n++] = (struct point){
				(uint32_t)d[3] << 24 | (uint32_t)d[2] << 16 | (uint32_t)d[1] << 8 | d[0], server };
		}
	}
}

static void continuum(struct filter *f, uint32_t n)
{
	uint64_t total = 0;
	size_t points = 0;

	for (uint32_t i = 0; i < n; i++)
		total += f->servers[i].weight;
	for (uint32_t i = 0; i < n; i++)
		points += 4 * (size_t)labels_of(f->servers[i].weight, total, n);
	f->points = must(calloc(points ? points : 1, sizeof *f->points));
	for (uint32_t i = 0; i < n; i++)
		points_of(f, i, labels_of(f->servers[i].weight, total, n));
	qsort(f->points, f->n, sizeof *f->points, point_cmp);
}

static void answer(void *self, const char *key, size_t len)
{
	struct filter *f = self;
	uint32_t hash = libhashkit_md5(key, len);
	size_t low = 0, high = f->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (f->points[middle].hash < hash)
			low = middle + 1;
		else
			high = middle;
	}
	const struct server *s = &f->servers[f->points[low == f->n ? 0 : low].server];
	out_pair(&f->out, key, len, s->tail, s->tail_len);
}

static char **read_list(const char *path, uint32_t *n)
{
	char **list = must(calloc(SERVERS_MAX, sizeof *list)), *line = NULL;
	size_t room = 0;
	ssize_t len;
	FILE *file = fopen(path, "r");

	if (!file)
		fail(path);
	for (*n = 0; *n < SERVERS_MAX && (len = getline(&line, &room, file)) > 0; ++*n)
		list[*n] = must(strndup(line, (size_t)len - (line[len - 1] == '\n')));
	free(line);
	fclose(file);
	return list;
}

int main(int argc, char **argv)
{
	static struct filter f;
	uint32_t n = (uint32_t)(argc - 1);
	char **list = argv + 1;

	if (argc == 3 && strcmp(argv[1], "-f") == 0)
		list = read_list(argv[2], &n);
	if (n == 0) {
		fputs("usage: libhashkit {HOST:PORT[=WEIGHT]... | -f FILE} <keys\n", stderr);
		return 2;
	}
	f.servers = servers_parse(list, n);
	continuum(&f, n);
	if (f.n == 0) {
		fputs("libhashkit: no server has a point\n", stderr);
		return 2;
	}
	lines_each(answer, &f);
	out_flush(&f.out);
	return 0;
}
