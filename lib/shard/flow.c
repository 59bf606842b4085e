/* flow: see flow.h.  Symmetric threads, two locks: one to read, one to commit in order. */
#include "lib/shard/flow.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/stat.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "lib/base/stop.h"

enum { BLOCK = 256 << 10 };

struct flow {
	const struct flow_input *input;
	const struct flow_sink *sink;

	pthread_mutex_t read_lock;      /* held through read(2) */
	uint8_t *carry;                 /* a record's begin that the last block left */
	size_t carry_len, carry_cap;
	uint64_t blocks;                /* read so far: the next ticket */
	bool ended;
	uint64_t bytes, bytes_total;    /* for progress; total 0: unknown */
	time_t started, said;

	pthread_mutex_t commit_lock;
	pthread_cond_t committed;
	uint64_t turn;                  /* ticket that may commit */
	uint64_t records;               /* committed */
};

struct block {
	uint8_t *at;
	size_t len, cap;
	uint64_t ticket;
	bool too_long;                  /* what follows the block is a record over the limit, */
	int read_errno;                 /* or could not be read */
};

/* Walks over the records of a block, 64 bytes of delimiters at a time. */
struct cursor {
	const uint8_t *at, *end;        /* the next record's begin */
	const uint8_t *window;          /* of which mask tells the delimiters */
	uint64_t mask;
	char delimiter;
};

char *flow_room(struct flow_work *w, size_t bytes)
{
	size_t want = w->out_len + bytes + FLOW_SLACK;

	if (want > w->out_cap) {
		w->out_cap = want + want / 2;
		w->out = must_realloc(w->out, w->out_cap);
	}
	return w->out + w->out_len;
}

void flow_fail(struct flow_work *w, enum exit_status bad, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(w->why, sizeof w->why, fmt, ap);
	va_end(ap);
	w->bad = bad;
}

/* Somebody else may have made the descriptor non-blocking: then we wait as if it were not. */
static bool wait_for(int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };

	if (errno == EINTR)
		return true;
	return (errno == EAGAIN || errno == EWOULDBLOCK) && poll(&p, 1, -1) > 0;
}

ssize_t flow_read(int fd, void *p, size_t len)
{
	ssize_t n;

	do {
		n = read(fd, p, len);
	} while (n < 0 && wait_for(fd, POLLIN));
	return n;
}

void flow_write(int fd, const char *name, const char *p, size_t len)
{
	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && !wait_for(fd, POLLOUT))
			die(EXIT_SYSTEM, "cannot write '%s': %s", name, strerror(errno));
		if (n > 0) {
			p += n;
			len -= (size_t)n;
		}
	}
}

static uint64_t window_mask(const uint8_t *p, char delimiter)
{
	uint64_t mask = 0;

#ifdef __SSE2__
	const __m128i d = _mm_set1_epi8(delimiter);

	for (int i = 0; i < 4; i++) {
		__m128i v = _mm_loadu_si128((const __m128i *)(const void *)(p + 16 * i));

		mask |= (uint64_t)(uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(v, d)) << 16 * i;
	}
#else
	for (int i = 0; i < 64; i++)
		mask |= (uint64_t)(p[i] == (uint8_t)delimiter) << i;
#endif
	return mask;
}

static void cursor_init(struct cursor *c, const struct block *b, char delimiter)
{
	*c = (struct cursor){ .at = b->at, .end = b->at + b->len, .window = b->at, .delimiter = delimiter };
	if (b->len)
		c->mask = window_mask(c->window, delimiter);
}

/* Up to n records; the block ends with a delimiter, so the slack after it never counts. */
static size_t cursor_next(struct cursor *c, struct ring_key *record, size_t n)
{
	size_t i = 0;

	while (i < n && c->at < c->end) {
		const uint8_t *stop;

		while (!c->mask) {
			c->window += 64;
			c->mask = window_mask(c->window, c->delimiter);
		}
		stop = c->window + __builtin_ctzll(c->mask);
		c->mask &= c->mask - 1;
		record[i++] = (struct ring_key){ c->at, (size_t)(stop - c->at) };
		c->at = stop + 1;
	}
	return i;
}

static void say_progress(struct flow *f, bool last)
{
	time_t now = time(NULL);
	char line[120];
	int n;

	if (now == f->said || now - f->started < 1)
		return;
	f->said = now;
	if (f->bytes_total)
		n = snprintf(line, sizeof line, "\r%s: %3d %%, %.0f MB/s", err_tool_name(),
			     (int)(100 * f->bytes / f->bytes_total), (double)f->bytes / 1e6 / (double)(now - f->started));
	else
		n = snprintf(line, sizeof line, "\r%s: %.0f MB, %.0f MB/s", err_tool_name(), (double)f->bytes / 1e6,
			     (double)f->bytes / 1e6 / (double)(now - f->started));
	if (write(STDERR_FILENO, line, (size_t)n) < 0)
		return;
	if (last && write(STDERR_FILENO, "\r\033[K", 4) < 0)
		return;
}

static void block_reserve(struct block *b, size_t cap)
{
	if (cap + FLOW_SLACK <= b->cap)
		return;
	b->cap = cap + FLOW_SLACK;
	b->at = must_realloc(b->at, b->cap);
}

/* What one read(2) gives; 0 at the end, and on an error, which the block keeps until its turn. */
static size_t read_some(struct flow *f, struct block *b)
{
	ssize_t n = flow_read(f->input->fd, b->at + b->len, b->cap - FLOW_SLACK - b->len);

	b->read_errno = n < 0 ? errno : 0;
	n = n < 0 ? 0 : n;
	f->bytes += (uint64_t)n;
	if (f->input->progress)
		say_progress(f, !n);
	return (size_t)n;
}

static void keep_carry(struct flow *f, struct block *b, size_t whole)
{
	f->carry_len = b->len - whole;
	if (f->carry_len > f->carry_cap) {
		f->carry_cap = f->carry_len + BLOCK;
		f->carry = must_realloc(f->carry, f->carry_cap);
	}
	if (f->carry_len)
		memcpy(f->carry, b->at + whole, f->carry_len);
	b->len = whole;
}

/*
 * Fills the block with at least one whole record and all that the same read
 * gave.  false at the end of the input.  The caller holds read_lock.
 */
static bool block_read(struct flow *f, struct block *b)
{
	const size_t limit = f->input->line_bytes_max;
	size_t seen;

	if (f->ended)
		return false;
	b->ticket = f->blocks++;
	b->too_long = false;
	block_reserve(b, f->carry_len + BLOCK);
	if (f->carry_len)
		memcpy(b->at, f->carry, f->carry_len);
	b->len = seen = f->carry_len;
	for (;;) {
		size_t n = read_some(f, b);
		uint8_t *last;

		b->len += n;
		last = memrchr(b->at + seen, f->input->delimiter, b->len - seen);
		if (last) {
			keep_carry(f, b, (size_t)(last + 1 - b->at));
			/* Known now, said when this block is done. */
			b->too_long = f->carry_len > limit;
			f->ended = b->too_long;
			return true;
		}
		if (b->len > limit) {
			b->len = 0;
			b->too_long = f->ended = true;
			return true;
		}
		if (!n) {
			f->ended = true;
			if (b->read_errno)
				b->len = 0;     /* a part of a record is none */
			else if (b->len)
				b->at[b->len++] = (uint8_t)f->input->delimiter;
			return b->len || b->read_errno;
		}
		seen = b->len;
		if (b->cap - FLOW_SLACK - b->len < BLOCK / 2)
			block_reserve(b, b->len < limit / 2 ? 2 * b->len + BLOCK : limit + BLOCK);
	}
}

static void block_work(const struct flow *f, const struct block *b, struct flow_work *w)
{
	const struct flow_sink *sink = f->sink;
	struct ring_key record[FLOW_BATCH];
	struct cursor c;
	size_t n, done = 0, ok;

	cursor_init(&c, b, f->input->delimiter);
	while (!w->bad && (n = cursor_next(&c, record, FLOW_BATCH))) {
		for (ok = 0; ok < n && record[ok].len <= f->input->line_bytes_max; ok++)
			;
		done = sink->batch(sink->self, w, record, ok);
		w->records += done;
		if (done == ok && ok < n)
			flow_fail(w, EXIT_DATA, "longer than %zu bytes (see --line-max)", f->input->line_bytes_max);
	}
	if (!w->bad)
		sink->batch(sink->self, w, record, 0);
	if (!w->bad && b->too_long)
		flow_fail(w, EXIT_DATA, "longer than %zu bytes (see --line-max)", f->input->line_bytes_max);
}

/* In the turn of the block: hands on what was made, and ends the process if a record was bad. */
static void block_commit(struct flow *f, struct flow_work *w, int read_errno)
{
	stop_hold();
	if (f->sink->commit)
		f->sink->commit(f->sink->self, w);
	else
		flow_write(STDOUT_FILENO, "stdout", w->out, w->out_len);
	stop_release();
	f->records += w->records;
	if (read_errno && !w->bad)
		die(EXIT_SYSTEM, "cannot read '%s': %s", f->input->name, strerror(read_errno));
	if (w->bad)
		die(w->bad, "%s:%llu: %s", f->input->name, (unsigned long long)f->records + 1, w->why);
	w->out_len = 0;
	w->records = 0;
}

struct thread {
	pthread_t id;
	struct flow *flow;
	struct flow_work work;
};

static void *thread_main(void *arg)
{
	struct thread *t = arg;
	struct flow *f = t->flow;
	struct block b = { 0 };
	bool more;

	for (;;) {
		pthread_mutex_lock(&f->read_lock);
		more = block_read(f, &b);
		pthread_mutex_unlock(&f->read_lock);
		if (!more)
			break;
		memset(b.at + b.len, 0, FLOW_SLACK);
		block_work(f, &b, &t->work);
		pthread_mutex_lock(&f->commit_lock);
		while (f->turn != b.ticket)
			pthread_cond_wait(&f->committed, &f->commit_lock);
		block_commit(f, &t->work, b.read_errno);
		f->turn++;
		pthread_cond_broadcast(&f->committed);
		pthread_mutex_unlock(&f->commit_lock);
	}
	free(b.at);
	return NULL;
}

void flow_run(const struct flow_input *input, const struct flow_sink *sink, unsigned threads)
{
	struct flow f = { .input = input, .sink = sink, .started = time(NULL) };
	struct thread thread[FLOW_THREADS_MAX] = { 0 };
	struct stat st;
	off_t at = lseek(input->fd, 0, SEEK_CUR);

	if (!fstat(input->fd, &st) && S_ISREG(st.st_mode) && at >= 0 && st.st_size > at)
		f.bytes_total = (uint64_t)(st.st_size - at);
	pthread_mutex_init(&f.read_lock, NULL);
	pthread_mutex_init(&f.commit_lock, NULL);
	pthread_cond_init(&f.committed, NULL);
	for (unsigned i = 0; i < threads; i++) {
		thread[i].flow = &f;
		thread[i].work.scratch = sink->open ? sink->open(sink->self) : NULL;
	}
	for (unsigned i = 1; i < threads; i++) {
		int rc = pthread_create(&thread[i].id, NULL, thread_main, &thread[i]);

		if (rc)
			die(EXIT_SYSTEM, "cannot start thread %u: %s", i + 1, strerror(rc));
	}
	thread_main(&thread[0]);
	for (unsigned i = 1; i < threads; i++)
		pthread_join(thread[i].id, NULL);
	for (unsigned i = 0; i < threads; i++) {
		if (sink->close)
			sink->close(sink->self, thread[i].work.scratch);
		free(thread[i].work.out);
	}
	pthread_cond_destroy(&f.committed);
	pthread_mutex_destroy(&f.commit_lock);
	pthread_mutex_destroy(&f.read_lock);
	free(f.carry);
}

void flow_records(const char *name, const struct flow_sink *sink, const struct ring_key *records, size_t n)
{
	struct flow_input input = { .name = name };
	struct flow f = { .input = &input, .sink = sink };
	struct flow_work w = { .scratch = sink->open ? sink->open(sink->self) : NULL };

	for (size_t i = 0; i < n && !w.bad; i += FLOW_BATCH)
		w.records += sink->batch(sink->self, &w, records + i, n - i < FLOW_BATCH ? n - i : FLOW_BATCH);
	if (!w.bad)
		sink->batch(sink->self, &w, records, 0);
	block_commit(&f, &w, 0);
	if (sink->close)
		sink->close(sink->self, w.scratch);
	free(w.out);
}
