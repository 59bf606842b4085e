/*
 * split: see split.h.  Threads put (owner, length, record) behind each other;
 * the turn to commit deals them to the files' buffers, so each file keeps the
 * order of the input.
 */
#include "lib/shard/split.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/resource.h>
#include <sys/stat.h>

enum { BUFFERS_BYTES = 64 << 20, BUFFER_MIN = 1 << 12, BUFFER_MAX = 1 << 18, OTHER_DESCRIPTORS = 16 };

struct split_file {
	int fd;
	size_t len;
	char *buffer;                   /* made when first needed */
	char *path;
};

struct head {
	uint32_t node;
	uint32_t len;
};

static void raise_limit(uint32_t files)
{
	struct rlimit limit;
	rlim_t want = (rlim_t)files + OTHER_DESCRIPTORS;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		die(EXIT_SYSTEM, "cannot read the limit of open files: %s", strerror(errno));
	if (limit.rlim_cur >= want)
		return;
	if (limit.rlim_max < want)
		die(EXIT_USAGE, "--split needs %llu open files, the limit is %llu (ulimit -n)", (unsigned long long)want,
		    (unsigned long long)limit.rlim_max);
	limit.rlim_cur = want;
	if (setrlimit(RLIMIT_NOFILE, &limit))
		die(EXIT_SYSTEM, "cannot raise the limit of open files: %s", strerror(errno));
}

/* DIRECTORY/NAME; '/', '%' and a leading '.' become %2F, %25 and %2E, so no name leads elsewhere. */
static char *file_path(const char *directory, const struct ring_node *node)
{
	size_t len = strlen(directory);
	char *path = must_malloc(len + 2 + 3 * (size_t)node->name_len), *o = path;

	memcpy(o, directory, len);
	o += len;
	*o++ = '/';
	for (uint16_t i = 0; i < node->name_len; i++) {
		char c = node->name[i];

		if (c == '/' || c == '%' || (c == '.' && !i))
			o += sprintf(o, "%%%02X", (unsigned)c);
		else
			*o++ = c;
	}
	*o = '\0';
	return path;
}

void split_init(struct split *s)
{
	const struct nodes *nodes = s->route->nodes;

	raise_limit(nodes->n);
	if (mkdir(s->directory, 0777) && errno != EEXIST)
		die(EXIT_SYSTEM, "cannot make the directory '%s': %s", s->directory, strerror(errno));
	s->buffer_bytes = BUFFERS_BYTES / nodes->n;
	s->buffer_bytes = s->buffer_bytes < BUFFER_MIN ? BUFFER_MIN : s->buffer_bytes;
	s->buffer_bytes = s->buffer_bytes > BUFFER_MAX ? BUFFER_MAX : s->buffer_bytes;
	s->file = must_calloc(nodes->n, sizeof *s->file);
	for (uint32_t i = 0; i < nodes->n; i++) {
		s->file[i].path = file_path(s->directory, &nodes->at[i]);
		if (strlen(s->file[i].path) - strlen(s->directory) - 1 > NAME_MAX)
			die(EXIT_USAGE, "--split: '%.*s' is too long for the name of a file", (int)nodes->at[i].name_len,
			    nodes->at[i].name);
	}
	for (uint32_t i = 0; i < nodes->n; i++) {
		struct split_file *f = &s->file[i];

		f->fd = open(f->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
		if (f->fd < 0)
			die(EXIT_SYSTEM, "cannot create '%s': %s", f->path, strerror(errno));
	}
}

static void flush_file(struct split_file *f)
{
	flow_write(f->fd, f->path, f->buffer, f->len);
	f->len = 0;
}

static void put(struct split *s, struct split_file *f, const char *p, size_t len)
{
	if (!f->buffer)
		f->buffer = must_malloc(s->buffer_bytes);
	if (f->len + len > s->buffer_bytes)
		flush_file(f);
	if (len > s->buffer_bytes) {
		flow_write(f->fd, f->path, p, len);
		return;
	}
	memcpy(f->buffer + f->len, p, len);
	f->len += len;
}

static size_t split_batch(void *self, struct flow_work *w, const struct ring_key *record, size_t n)
{
	const struct split *s = self;
	struct route_work *r = w->scratch;
	size_t done = route_batch(s->route, r, w, record, n);

	for (size_t i = 0; i < done; i++) {
		uint32_t owners = r->picker ? r->owners[i] : 1;

		for (uint32_t k = 0; k < owners; k++) {
			struct head head = { r->owner[i * s->route->replicas + k], (uint32_t)record[i].len + 1 };
			char *o = flow_room(w, sizeof head + head.len);

			memcpy(o, &head, sizeof head);
			memcpy(o + sizeof head, record[i].p, record[i].len);
			o[sizeof head + record[i].len] = s->end;
			w->out_len += sizeof head + head.len;
		}
	}
	return done;
}

static void flush_all(struct split *s)
{
	for (uint32_t i = 0; i < s->route->nodes->n; i++)
		if (s->file[i].len)
			flush_file(&s->file[i]);
}

static void split_commit(void *self, struct flow_work *w)
{
	struct split *s = self;
	struct pollfd input = { .fd = s->input, .events = POLLIN };
	struct head head;

	for (size_t at = 0; at < w->out_len; at += sizeof head + head.len) {
		memcpy(&head, w->out + at, sizeof head);
		put(s, &s->file[head.node], w->out + at + sizeof head, head.len);
	}
	if (w->bad || !poll(&input, 1, 0))
		flush_all(s);
}

static void *split_open(void *self)
{
	return route_open(((struct split *)self)->route);
}

static void split_close(void *self, void *scratch)
{
	(void)self;
	route_close(scratch);
}

struct flow_sink split_sink(struct split *s)
{
	return (struct flow_sink){
		.self = s, .open = split_open, .close = split_close, .batch = split_batch, .commit = split_commit,
	};
}

void split_end(struct split *s)
{
	flush_all(s);
	for (uint32_t i = 0; i < s->route->nodes->n; i++) {
		struct split_file *f = &s->file[i];

		if (close(f->fd))
			die(EXIT_SYSTEM, "cannot write '%s': %s", f->path, strerror(errno));
		free(f->buffer);
		free(f->path);
	}
	free(s->file);
}
