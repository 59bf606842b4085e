/*
 * libmemcached: the peer itself as a filter.  Keys on stdin, key<TAB>host:port
 * on stdout, by memcached_generate_hash with MEMCACHED_BEHAVIOR_KETAMA_WEIGHTED.
 *
 *     libmemcached HOST:PORT[=WEIGHT]... <keys
 *
 * Debian's 1.1.4 aborts in update_continuum beyond 100 servers: libhashkit.c.
 */
#include <libmemcached/memcached.h>

#include "tests/bench/driver.h"

struct filter {
	memcached_st *memc;
	struct server *servers;
	struct out out;
};

static void answer(void *self, const char *key, size_t len)
{
	struct filter *f = self;
	const struct server *s = &f->servers[memcached_generate_hash(f->memc, key, len)];

	out_pair(&f->out, key, len, s->tail, s->tail_len);
}

static void check(memcached_st *memc, memcached_return_t rc, const char *what)
{
	if (memcached_success(rc))
		return;
	fprintf(stderr, "libmemcached: %s: %s\n", what, memcached_strerror(memc, rc));
	exit(4);
}

int main(int argc, char **argv)
{
	static struct filter f;
	uint32_t n = (uint32_t)(argc - 1);

	if (n == 0) {
		fputs("usage: libmemcached HOST:PORT[=WEIGHT]... <keys\n", stderr);
		return 2;
	}
	f.servers = servers_parse(argv + 1, n);
	f.memc = must(memcached_create(NULL));
	check(f.memc, memcached_behavior_set(f.memc, MEMCACHED_BEHAVIOR_KETAMA_WEIGHTED, 1), "ketama");
	for (uint32_t i = 0; i < n; i++)
		check(f.memc, memcached_server_add_with_weight(f.memc, f.servers[i].host,
			      f.servers[i].port, f.servers[i].weight), f.servers[i].host);
	lines_each(answer, &f);
	out_flush(&f.out);
	return 0;
}
