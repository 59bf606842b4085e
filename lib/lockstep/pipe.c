/*
 * pipe: bytes to and from the process that acts.
 *
 * It is read by a read that blocks, as that is the quickest where a process answers soon; only where it does not, or
 * where a line was more than its pipe holds, all its pipes are polled.
 */
#include "lib/lockstep/inside.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/uio.h>
#include <unistd.h>

enum {
	READ_BYTES = 1 << 14,           /* at least, at once */
	KEEP_BYTES = 1 << 16,           /* of memory, after a long line */
};

static bool lasts(int why)
{
	return why == EAGAIN || why == EINTR;
}

/* What waits, as far as it goes.  Where nobody reads it any more it goes nowhere: the end of the output tells of that. */
static void flush(struct party *p)
{
	while (p->input.len) {
		ssize_t put = write(p->in, p->input.at, p->input.len);

		if (put < 0 && lasts(errno))
			return;
		buf_drop(&p->input, put < 0 ? p->input.len : (size_t)put);
	}
	buf_clear(&p->input, KEEP_BYTES);
}

void pipe_put(struct party *p, const char *head, size_t head_len, const char *line, size_t len)
{
	struct iovec piece[2] = {
		{ .iov_base = (void *)(uintptr_t)head, .iov_len = head_len },
		{ .iov_base = (void *)(uintptr_t)line, .iov_len = len + 1 },
	};
	size_t done = 0;

	flush(p);
	if (!p->input.len) {
		ssize_t put = writev(p->in, piece, 2);

		if (put < 0 && !lasts(errno))
			return;
		done = put < 0 ? 0 : (size_t)put;
	}
	if (done < head_len)
		buf_add(&p->input, head + done, head_len - done);
	done = done < head_len ? 0 : done - head_len;
	buf_add(&p->input, line + done, len + 1 - done);
}

ssize_t pipe_read(struct party *p)
{
	size_t room = p->output.len > READ_BYTES ? p->output.len : READ_BYTES;
	ssize_t got = read(p->out, buf_room(&p->output, room), room);

	if (got > 0)
		p->output.len += (size_t)got;
	return got;
}

void pipe_block(struct party *p, bool blocks)
{
	if (blocks == p->blocks)
		return;
	fcntl(p->out, F_SETFL, O_RDONLY | (blocks ? 0 : O_NONBLOCK));
	p->blocks = blocks;
}

void pipe_drain(struct party *p)
{
	pipe_block(p, false);
	/* What it left behind may print on and on. */
	while (p->output.len <= LOCKSTEP_TURN_BYTES_MAX && pipe_read(p) > 0)
		;
}

void pipe_any(struct party *p, int fd)
{
	struct pollfd all[] = {
		{ .fd = p->out, .events = POLLIN },
		{ .fd = p->err, .events = POLLIN },
		{ .fd = p->input.len ? p->in : -1, .events = POLLOUT },
		{ .fd = fd, .events = POLLIN },
	};

	if (poll(all, sizeof(all) / sizeof(*all), LOCKSTEP_TICK_MS) <= 0)
		return;
	if (all[1].revents)
		process_words(p);
	if (all[2].revents)
		flush(p);
}
