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

/* All at once: each call that adds one server deals the whole continuum anew. */
static void add_servers(memcached_st *memc, const struct server *servers, uint32_t n)
{
	memcached_server_st *list = NULL;
	memcached_return_t rc;

	for (uint32_t i = 0; i < n; i++) {
		list = memcached_server_list_append_with_weight(list, servers[i].host, servers[i].port,
								servers[i].weight, &rc);
		check(memc, rc, servers[i].host);
	}
	check(memc, memcached_server_push(memc, list), "servers");
	memcached_server_list_free(list);
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
	add_servers(f.memc, f.servers, n);
	lines_each(answer, &f);
	out_flush(&f.out);
	return 0;
}
