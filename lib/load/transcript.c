/* transcript: see transcript.h */
#include "lib/load/transcript.h"
#include "lib/base/err.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

enum { PIECE_BYTES = 1 << 17 };

struct transcript {
	int fd;
	int why;                        /* errno of the write that failed */
	struct buf text;
};

#define PUT(b, text) buf_add(b, text, sizeof(text) - 1)

struct transcript *transcript_open(const char *path)
{
	struct transcript *t;
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);

	if (fd < 0)
		return NULL;
	t = must_calloc(1, sizeof(*t));
	t->fd = fd;
	return t;
}

static void write_out(struct transcript *t)
{
	for (size_t at = 0; at < t->text.len && !t->why;) {
		ssize_t put = write(t->fd, t->text.at + at, t->text.len - at);

		if (put < 0 && errno != EINTR)
			t->why = errno;
		if (put > 0)
			at += (size_t)put;
	}
}

int transcript_flush(struct transcript *t)
{
	sigset_t stops, before;

	if (!t->text.len)
		return t->why;
	/* Who writes to a pipe that nobody reads is to be ended by a signal that waits elsewhere. */
	sigemptyset(&stops);
	sigaddset(&stops, SIGINT);
	sigaddset(&stops, SIGTERM);
	sigprocmask(SIG_UNBLOCK, &stops, &before);
	write_out(t);
	sigprocmask(SIG_SETMASK, &before, NULL);
	buf_clear(&t->text, 2 * PIECE_BYTES);
	return t->why;
}

bool transcript_failed(const struct transcript *t)
{
	return t->why;
}

int transcript_close(struct transcript *t)
{
	int why = transcript_flush(t);

	if (close(t->fd) && !why)
		why = errno;
	buf_release(&t->text);
	free(t);
	return why;
}

/* --- Lines --- */

static void put_head(struct buf *b, uint64_t process)
{
	PUT(b, "{\"process\":");
	buf_u64(b, process);
}

static void put_time(struct transcript *t, uint64_t time)
{
	PUT(&t->text, ",\"time\":");
	buf_u64(&t->text, time);
	PUT(&t->text, "}\n");
	if (t->text.len >= PIECE_BYTES)
		transcript_flush(t);
}

void transcript_invoke(struct transcript *t, const struct workload *w, const struct op *op, uint64_t process,
		       uint64_t time)
{
	put_head(&t->text, process);
	PUT(&t->text, ",\"type\":\"invoke\",");
	workload_put_asked(w, op, &t->text);
	put_time(t, time);
}

void transcript_end(struct transcript *t, const struct workload *w, const struct op *op, uint64_t process,
		    enum transcript_type type, int code, struct wire_text read, uint64_t time)
{
	struct buf *b = &t->text;

	put_head(b, process);
	switch (type) {
	case TRANSCRIPT_OK: PUT(b, ",\"type\":\"ok\","); break;
	case TRANSCRIPT_FAIL: PUT(b, ",\"type\":\"fail\","); break;
	case TRANSCRIPT_INFO: PUT(b, ",\"type\":\"info\","); break;
	}
	if (type == TRANSCRIPT_OK && read.p) {
		workload_put_named(w, op, b);
		buf_add(b, read.p, read.len);
	} else {
		workload_put_asked(w, op, b);
	}
	if (code >= 0) {
		PUT(b, ",\"code\":");
		buf_u64(b, (uint64_t)code);
	}
	put_time(t, time);
}
