/*
 * input: stdin, which is a client that has said all it will say before the run begins.
 *
 * A line is sent at its `at`, or at time 0 where it has none; those of one time in the order they came in.
 */
#include "lib/lockstep/inside.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

enum { READ_BYTES = 1 << 16 };

static void read_all(struct buf *b)
{
	for (;;) {
		ssize_t got = read(STDIN_FILENO, buf_room(b, READ_BYTES), READ_BYTES);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			die(EXIT_SYSTEM, "cannot read 'stdin': %s", strerror(errno));
		if (!got)
			break;
		b->len += (size_t)got;
		if (b->len > LOCKSTEP_INPUT_BYTES_MAX)
			die(EXIT_DATA, "stdin has more than %d MiB", LOCKSTEP_INPUT_BYTES_MAX >> 20);
	}
	if (b->len && b->at[b->len - 1] != '\n')
		buf_putc(b, '\n');
}

static uint64_t time_of(const char *line, size_t len, size_t number)
{
	struct wire_line parsed;
	uint64_t at_ns = 0;

	if (!memmem(line, len, "\"at\"", 4) || wire_parse(&parsed, line, len) || parsed.at.kind == WIRE_ABSENT)
		return 0;
	if (!wire_u64(&parsed.at, &at_ns))
		die(EXIT_DATA, "stdin: line %zu: 'at' is no whole number of nanoseconds", number);
	return at_ns;
}

static int by_time(const void *a, const void *b)
{
	const struct input_line *x = a, *y = b;

	if (x->at_ns != y->at_ns)
		return x->at_ns < y->at_ns ? -1 : 1;
	return x->number < y->number ? -1 : 1;
}

void input_read(struct input *in)
{
	const char *at, *newline;
	size_t room = 0;

	*in = (struct input){ .count = 0 };
	if (isatty(STDIN_FILENO))
		warn("reading JSON lines from the terminal; ^D ends");
	read_all(&in->text);
	for (at = in->text.at; at && at < in->text.at + in->text.len; at = newline + 1) {
		size_t start = (size_t)(at - in->text.at), len;

		newline = memchr(at, '\n', in->text.len - start);
		len = (size_t)(newline - at);
		if (in->count == room) {
			room = room ? 2 * room : 64;
			in->line = must_realloc(in->line, room * sizeof(*in->line));
		}
		in->line[in->count] = (struct input_line){
			.at_ns = time_of(at, len, in->count + 1), .number = in->count + 1, .start = start, .len = len,
		};
		in->count++;
	}
	if (in->count)
		qsort(in->line, in->count, sizeof(*in->line), by_time);
}

void input_release(struct input *in)
{
	buf_release(&in->text);
	free(in->line);
}
