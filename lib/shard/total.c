/* total: see total.h */
#include "lib/shard/total.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>

static int spool_file(void)
{
	const char *dir = getenv("TMPDIR");
	char path[4096];
	int fd;

	dir = dir && *dir ? dir : "/tmp";
	snprintf(path, sizeof path, "%s/hashring.XXXXXX", dir);
	fd = mkostemp(path, O_CLOEXEC);
	if (fd < 0)
		die(EXIT_SYSTEM, "cannot create a file in '%s': %s", dir, strerror(errno));
	unlink(path);
	return fd;
}

static void spool(struct flow_input *input)
{
	enum { COPY = 1 << 18 };
	char *buffer = must_malloc(COPY);
	int fd = spool_file();
	ssize_t n;

	while ((n = flow_read(input->fd, buffer, COPY)) != 0) {
		if (n > 0)
			flow_write(fd, "the copy of the input", buffer, (size_t)n);
		else
			die(EXIT_SYSTEM, "cannot read '%s': %s", input->name, strerror(errno));
	}
	free(buffer);
	input->fd = fd;
	if (lseek(fd, 0, SEEK_SET))
		die(EXIT_SYSTEM, "cannot go back in the copy of the input: %s", strerror(errno));
}

static size_t count_batch(void *self, struct flow_work *w, const struct ring_key *record, size_t n)
{
	(void)self;
	(void)w;
	(void)record;
	return n;
}

static void count_commit(void *self, struct flow_work *w)
{
	*(uint64_t *)self += w->records;
}

uint64_t total_records(struct flow_input *input, unsigned threads)
{
	uint64_t total = 0;
	struct flow_sink sink = { .self = &total, .batch = count_batch, .commit = count_commit };
	struct stat st;
	off_t at;

	if (fstat(input->fd, &st) || !S_ISREG(st.st_mode))
		spool(input);
	at = lseek(input->fd, 0, SEEK_CUR);
	if (at < 0)
		die(EXIT_SYSTEM, "cannot tell the place in '%s': %s", input->name, strerror(errno));
	flow_run(input, &sink, threads);
	if (lseek(input->fd, at, SEEK_SET) != at)
		die(EXIT_SYSTEM, "cannot go back in '%s': %s", input->name, strerror(errno));
	return total;
}
