/*
 * node: what the targets of the two protocols share: a whole node, in lockstep and in memory, on lines that peers and clients could
 * have sent.  Nothing that comes in ends it: not the asserts of its core, not the runtime's own exits; and whatever it says is a
 * message that wire_parse takes, and that the node's own reader takes where it is one between nodes.
 *
 * An input is a byte of options, then lines: who it is from (2, 3, c, or net for any other), how much time has passed (0 none, 1 a
 * millisecond, 2 an election, else a second), then the body.
 */
#ifndef TESTS_FUZZ_NODE_H
#define TESTS_FUZZ_NODE_H

#include "lib/base/buf.h"
#include "lib/node/options.h"

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { FUZZ_LEASES = 1, FUZZ_ALONE = 2, FUZZ_OWN = 4 };         /* options; from FUZZ_OWN on the protocol's */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Of one that it says: what is wrong with it as a message between nodes, or NULL. */
static const char *fuzz_judge(const struct wire_line *);

/* The linker puts it in place of warn: bad lines are what this is about. */
void __wrap_warn(const char *fmt, ...);
void __wrap_warn(const char *fmt, ...)
{
	(void)fmt;
}

static void fuzz_line(struct buf *b, const char *line, size_t len, uint64_t *now_ns)
{
	static const uint64_t step[] = { 0, 1000000, 300 * UINT64_C(1000000) };
	static const struct { char letter; const char *name; } from[] = { { '2', "n2" }, { '3', "n3" }, { 'c', "c1" } };
	const char *src = "net";

	for (size_t i = 0; i < sizeof(from) / sizeof(*from); i++)
		if (line[0] == from[i].letter)
			src = from[i].name;
	*now_ns += line[1] >= '0' && line[1] <= '2' ? step[line[1] - '0'] : UINT64_C(1000000000);
	buf_puts(b, "{\"src\":\"");
	buf_puts(b, src);
	buf_puts(b, "\",\"dest\":\"n1\",\"at\":");
	buf_u64(b, *now_ns);
	buf_puts(b, ",\"body\":");
	buf_add(b, line + 2, len - 2);
	buf_puts(b, "}\n");
}

static void fuzz_input(struct buf *b, const char *at, const char *end)
{
	uint64_t now_ns = 1000000;

	while (at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		size_t len = (size_t)((newline ? newline : end) - at);

		if (len > 2)
			fuzz_line(b, at, len, &now_ns);
		at += len + 1;
	}
}

/* A file in memory that takes the place of a descriptor; the size it has is set. */
static int fuzz_file(int *file, const char *name)
{
	if (!*file)
		*file = memfd_create(name, MFD_CLOEXEC);
	assert(*file > 0);
	assert(ftruncate(*file, 0) == 0);
	assert(lseek(*file, 0, SEEK_SET) == 0);
	return *file;
}

static void fuzz_said(int file)
{
	off_t size = lseek(file, 0, SEEK_END);
	char *text = size > 0 ? mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0) : NULL;

	assert(size <= 0 || text != MAP_FAILED);
	for (char *at = text, *newline; at && at < text + size; at = newline + 1) {
		struct wire_line line;
		const char *wrong;

		newline = memchr(at, '\n', (size_t)(text + size - at));
		assert(newline);
		assert(wire_parse(&line, at, (size_t)(newline - at)) == 0);
		wrong = line.in_reply_to.kind == WIRE_ABSENT ? fuzz_judge(&line) : NULL;
		if (wrong) {
			fprintf(stderr, "%s: %.*s\n", wrong, (int)(newline - at), at);
			abort();
		}
	}
	if (text)
		munmap(text, (size_t)size);
}

/* One life of a node. */
static void fuzz_node(const struct protocol *protocol, const void *own, const uint8_t *data, size_t size)
{
	static char n1[] = "n1", n2[] = "n2", n3[] = "n3", *members[] = { n1, n2, n3 };
	static int in, out;
	struct buf lines = { 0 };
	struct node_options o;
	int was_in = dup(STDIN_FILENO), was_out = dup(STDOUT_FILENO);

	node_options_init(&o, protocol);
	o.own = own;
	o.id = "n1";
	o.members = members;
	o.member_count = data[0] & FUZZ_ALONE ? 1 : 3;
	o.is_volatile = o.lockstep = true;
	o.lease_reads = data[0] & FUZZ_LEASES;
	o.snapshot_entries = 4;
	o.heartbeat_ns = o.election_min_ns / 3;
	o.seed = 1;
	fuzz_input(&lines, (const char *)data + 1, (const char *)data + size);
	assert(write(fuzz_file(&in, "in"), lines.at ? lines.at : "", lines.len) == (ssize_t)lines.len);
	assert(lseek(in, 0, SEEK_SET) == 0);
	fuzz_file(&out, "out");
	assert(dup2(in, STDIN_FILENO) == STDIN_FILENO && dup2(out, STDOUT_FILENO) == STDOUT_FILENO);
	node_run(&o);
	dup2(was_in, STDIN_FILENO);
	dup2(was_out, STDOUT_FILENO);
	close(was_in);
	close(was_out);
	fuzz_said(out);
	buf_release(&lines);
}

#endif
