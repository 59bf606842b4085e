/*
 * libFuzzer: any bytes are read as a trace: the reader ends with an error or without, and what it gives is sane: events
 * with all that their kind needs.  Those about messages are written and read again, and are the same.
 * The replay of the same bytes has a fate for every message it took.
 */
#include "lib/trace/trace.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(condition) check(condition, #condition)

static void check(bool holds, const char *condition)
{
	if (!holds) {
		fprintf(stderr, "does not hold: %s\n", condition);
		abort();
	}
}

/* --- Files in memory --- */

struct file {
	int fd;
	char path[64];
};

static struct file in, out;

static void file_open(struct file *f)
{
	if (f->path[0])
		return;
	f->fd = memfd_create("trace", MFD_CLOEXEC);
	CHECK(f->fd >= 0);
	snprintf(f->path, sizeof(f->path), "/proc/self/fd/%d", f->fd);
}

/* --- Events --- */

static bool is_about_message(enum trace_event_kind kind)
{
	return kind == TRACE_SEND || kind == TRACE_DUPLICATE || kind == TRACE_CORRUPT || kind == TRACE_DELIVER ||
	       kind == TRACE_DROP;
}

static void check_event(const struct trace_event *ev, bool first)
{
	CHECK((ev->kind == TRACE_HEADER) == first);
	CHECK(ev->json.len >= 2 && ev->json.p[0] == '{' && ev->at <= TRACE_AT_MAX);
	CHECK(!ev->src.p == !is_about_message(ev->kind) && !ev->dest.p == !ev->src.p && !ev->seq == !ev->src.p);
	CHECK(ev->src.p ? ev->copy == 1 || ev->copy == 2 : !ev->copy);
	CHECK(ev->src.len <= WIRE_NAME_BYTES_MAX && ev->dest.len <= WIRE_NAME_BYTES_MAX && ev->node.len <= WIRE_NAME_BYTES_MAX);
	CHECK(!ev->message.p || (ev->kind == TRACE_SEND && ev->message.len >= 2 && *ev->message.p == '{'));
	CHECK(!ev->text.p == !((ev->kind == TRACE_SEND && !ev->message.p) || ev->kind == TRACE_CORRUPT));
	CHECK(ev->kind == TRACE_DROP ? ev->why.len && ev->why.len <= TRACE_WHY_BYTES_MAX : !ev->why.p);
	CHECK(!ev->fault.p == (ev->kind != TRACE_FAULT) && (!ev->ends || ev->fault.p));
	CHECK(!ev->node.p == (ev->kind != TRACE_START && ev->kind != TRACE_DEATH));
	CHECK(ev->kind == TRACE_DEATH ? ev->status >= 0 && ev->status < 256 && ev->signal >= 0 && ev->signal < 128 :
	      !ev->status && !ev->signal && !ev->asked);
}

static bool same(struct wire_text a, struct wire_text b)
{
	return a.len == b.len && !a.p == !b.p && (!a.len || !memcmp(a.p, b.p, a.len));
}

/* Times of edited traces may fall, those that are written may not. */
static uint64_t written_at(uint64_t at, const struct trace_event *ev)
{
	return ev->at > at ? ev->at : at;
}

static void write_event(struct trace *t, uint64_t at, const struct trace_event *ev)
{
	struct trace_link link = { ev->src, ev->dest };
	char why[TRACE_WHY_BYTES_MAX + 1] = "";

	switch (ev->kind) {
	case TRACE_SEND:
		trace_send(t, at, link, ev->seq, ev->message.p ? ev->message.p : ev->text.p, ev->message.len + ev->text.len);
		break;
	case TRACE_DUPLICATE: trace_duplicate(t, at, link, ev->seq); break;
	case TRACE_CORRUPT:   trace_corrupt(t, at, link, ev->seq, ev->copy, ev->text.p, ev->text.len); break;
	case TRACE_DELIVER:   trace_deliver(t, at, link, ev->seq, ev->copy); break;
	default:
		memcpy(why, ev->why.p, ev->why.len);
		trace_drop(t, at, link, ev->seq, ev->copy, why);
	}
}

static void compare_event(const struct trace_event *again, uint64_t at, const struct trace_event *ev)
{
	check_event(again, false);
	CHECK(again->kind == ev->kind && again->at == at && again->seq == ev->seq);
	CHECK(same(again->src, ev->src) && same(again->dest, ev->dest) && same(again->why, ev->why));
	/* An object may have stood in a text, and one that is nested too deep is written as one. */
	if (!again->message.p == !ev->message.p)
		CHECK(same(again->message, ev->message) && same(again->text, ev->text));
	else
		CHECK(ev->kind == TRACE_SEND);
}

/* Events about messages, as far as they can be read, written anew and read again. */
static void check_written(void)
{
	static const struct trace_header header = { .seed = 0 };
	struct trace *t = trace_open(out.path, &header);
	struct trace_reader *r = trace_reader_open(in.path), *w;
	struct trace_event ev, again;
	uint64_t at = 0;

	CHECK(t != NULL && r != NULL);
	while (trace_next(r, &ev) > 0)
		if (ev.src.p)
			write_event(t, at = written_at(at, &ev), &ev);
	CHECK(!trace_close(t));
	trace_reader_free(r);
	r = trace_reader_open(in.path);
	w = trace_reader_open(out.path);
	CHECK(r != NULL && w != NULL && trace_next(w, &again) == 1);
	for (at = 0; trace_next(r, &ev) > 0;) {
		if (!ev.src.p)
			continue;
		CHECK(trace_next(w, &again) == 1);
		compare_event(&again, at = written_at(at, &ev), &ev);
	}
	CHECK(trace_next(w, &again) == 0);
	trace_reader_free(r);
	trace_reader_free(w);
}

static void check_fate(const struct trace_replay *replay, const struct trace_event *ev)
{
	struct trace_fate fate;

	CHECK(trace_replay_fate(replay, (struct trace_link){ ev->src, ev->dest }, ev->seq, &fate));
	CHECK(fate.copies >= ev->copy && fate.copies <= 2);
	for (unsigned i = 0; i < fate.copies; i++)
		CHECK(fate.copy[i].delay_ns <= TRACE_AT_MAX + (1 << 20));
	if (ev->kind == TRACE_CORRUPT)
		CHECK(same(ev->text, (struct wire_text){ fate.copy[ev->copy - 1].text, fate.copy[ev->copy - 1].text_len }));
}

static void check_orders(const struct trace_replay *replay)
{
	size_t count;
	const struct fault_order *order = trace_replay_orders(replay, &count);

	for (size_t i = 1; i < count; i++)
		CHECK(order[i - 1].at_ns <= order[i].at_ns);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct trace_replay *replay;
	struct trace_reader *r;
	struct trace_event ev;
	bool first = true;
	char why[200] = "";
	uint64_t line;
	int rc;

	file_open(&in);
	file_open(&out);
	CHECK(!ftruncate(in.fd, 0) && pwrite(in.fd, data, size, 0) == (ssize_t)size);
	replay = trace_replay_read(in.path, why, sizeof(why));
	CHECK(replay || !strncmp(why, "line ", 5));
	r = trace_reader_open(in.path);
	CHECK(r != NULL);
	for (; (rc = trace_next(r, &ev)) > 0; first = false) {
		check_event(&ev, first);
		if (ev.src.p && replay)
			check_fate(replay, &ev);
	}
	CHECK(!first || rc < 0);
	CHECK(rc == 0 || !replay);
	if (rc < 0)
		CHECK(*trace_reader_error(r, &line) && line);
	if (replay)
		check_orders(replay);
	trace_reader_free(r);
	trace_replay_free(replay);
	check_written();
	return 0;
}
