/*
 * libFuzzer: the key reader (blocks, records, fields, JSON keys) hands on the
 * records that a plain search for the delimiter finds, in order, each with its
 * key or a reason.
 *
 * The first bytes choose delimiter, field and JSON.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/shard/keys.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
void __wrap_die(int status, const char *fmt, ...);

/* Every record is taken, with a key or without, so nothing may end the process. */
void __wrap_die(int status, const char *fmt, ...)
{
	(void)status;
	(void)fmt;
	abort();
}

struct expected {
	const uint8_t *at, *end;        /* what is not yet handed on */
	struct keys_conf conf;
	char delimiter;
	uint64_t sum;                   /* so that every byte of a key is read */
};

static size_t check_batch(void *self, struct flow_work *w, const struct ring_key *record, size_t n)
{
	struct expected *e = self;
	struct keys *keys = w->scratch;
	size_t done = keys_take(&e->conf, keys, w, record, n);

	for (size_t i = 0; i < n; i++) {
		const uint8_t *stop = memchr(e->at, e->delimiter, (size_t)(e->end - e->at));
		size_t len = (size_t)((stop ? stop : e->end) - e->at);

		assert(e->at < e->end);
		assert(record[i].len == len && !memcmp(record[i].p, e->at, len));
		if (i < done) {
			for (size_t b = 0; b < keys->key[i].len; b++)
				e->sum += keys->key[i].p[b];
			assert(e->conf.path || keys->key[i].len <= len);
		}
		e->at = stop ? stop + 1 : e->end;
	}
	assert(done == n || (w->bad == EXIT_DATA && *w->why));
	w->bad = EXIT_DONE;     /* as if the next had had a key */
	return n;
}

static void *open_keys(void *self)
{
	(void)self;
	return calloc(1, sizeof(struct keys));
}

static void close_keys(void *self, void *scratch)
{
	(void)self;
	keys_release(scratch);
	free(scratch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct json_path path;
	struct expected e;
	struct flow_sink sink;
	int fd;
	struct flow_input input = { .name = "fuzz" };

	if (size < 2)
		return 0;
	e = (struct expected){ .delimiter = data[0] & 1 ? '\n' : '\0' };
	e.conf.separator = ',';
	if (data[0] & 2)
		e.conf.field = 1 + data[1] % 3;
	if (!path.parts && json_path_init(&path, "a.b"))
		abort();
	if ((data[0] & 6) == 4)
		e.conf.path = &path;
	e.at = data + 2;
	e.end = data + size;
	fd = memfd_create("fuzz", 0);
	if (fd < 0 || write(fd, e.at, size - 2) != (ssize_t)(size - 2) || lseek(fd, 0, SEEK_SET))
		abort();
	input.fd = fd;
	input.delimiter = e.delimiter;
	input.line_bytes_max = size;
	sink = (struct flow_sink){ .self = &e, .open = open_keys, .close = close_keys, .batch = check_batch };
	flow_run(&input, &sink, 1);
	assert(e.at == e.end);
	close(fd);
	return 0;
}
