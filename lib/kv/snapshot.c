/*
 * A snapshot handed out (snapshot.h); load.c takes it in.  Its lines (faultline-log(5)):
 *
 *     {"session":"c1","last":17,"seq":3,"answers":[{"type":"write_ok"},...]}
 *     {"key":"x","value":[1,2],"index":18}
 *
 * A session's answers are those to its last requests, at most KV_ANSWERS_KEPT, the oldest first; `last` is
 * the index of the command that last used it.  A key is in canonical form, its value as it came, `index`
 * that of the command that last changed it.  Each session and each key has one line; their order says nothing.
 */
#include "lib/kv/state.h"

#include <assert.h>

enum { PASSED_BYTES = 64 };     /* what passing a key costs that is no part of the snapshot, as if it were written */

/* --- Lines --- */

static void put_record(struct buf *lines, const struct record *r)
{
	answer_constant(lines, "{\"key\":");
	answer_text(lines, record_key(r));
	answer_constant(lines, ",\"value\":");
	answer_text(lines, record_value(r));
	answer_constant(lines, ",\"index\":");
	buf_u64(lines, r->index);
	answer_constant(lines, "}\n");
}

static void put_session(struct buf *lines, const struct session *s)
{
	answer_constant(lines, "{\"session\":");
	wire_put_string(lines, s->id, s->id_len);
	answer_constant(lines, ",\"last\":");
	buf_u64(lines, s->last);
	answer_constant(lines, ",\"seq\":");
	buf_u64(lines, s->seq);
	answer_constant(lines, ",\"answers\":[");
	for (uint64_t i = 0; i < session_answers(s); i++) {
		if (i)
			buf_putc(lines, ',');
		buf_putc(lines, '{');
		answer_text(lines, session_answer(s, i));
		buf_putc(lines, '}');
	}
	answer_constant(lines, "]}\n");
}

/* --- What changes while the snapshot is on --- */

static struct wire_text cursor(const struct snapshot *snapshot)
{
	return (struct wire_text){ .p = snapshot->key.at, .len = snapshot->key.len };
}

void snapshot_before_record(struct kv *kv, const struct record *r)
{
	struct snapshot *snapshot = &kv->snapshot;

	if (r->index > snapshot->index || snapshot->keys_done)
		return;
	if (snapshot->key.len && canon_order(record_key(r), cursor(snapshot)) <= 0)
		return;
	put_record(&snapshot->early, r);
}

/* The sessions after it in the order of last use, as far as they are part of the snapshot. */
static struct session *next_session(const struct snapshot *snapshot, const struct session *s)
{
	return s && s->newer && s->newer->last <= snapshot->index ? s->newer : NULL;
}

void snapshot_before_session(struct kv *kv, const struct session *s)
{
	struct snapshot *snapshot = &kv->snapshot;

	if (!snapshot->session || s->last > snapshot->index || s->last < snapshot->session->last)
		return;
	if (s == snapshot->session)
		snapshot->session = next_session(snapshot, s);
	put_session(&snapshot->early, s);
}

/* --- Slices --- */

void kv_snapshot_begin(struct kv *kv)
{
	struct snapshot *snapshot = &kv->snapshot;

	assert(!snapshot->on);
	sessions_sort(&kv->sessions);
	*snapshot = (struct snapshot){ .on = true, .index = kv->applied, .session = kv->sessions.oldest };
}

void snapshot_release(struct snapshot *snapshot)
{
	buf_release(&snapshot->key);
	buf_release(&snapshot->early);
	*snapshot = (struct snapshot){ .on = false };
}

void kv_snapshot_abandon(struct kv *kv)
{
	snapshot_release(&kv->snapshot);
}

/* Whole lines of them. */
static void give_early(struct snapshot *snapshot, size_t bytes, struct buf *lines)
{
	struct buf *early = &snapshot->early;
	const char *newline;
	size_t n = early->len;

	if (!n)
		return;
	if (n > bytes) {
		newline = memchr(early->at + bytes, '\n', n - bytes);
		n = (size_t)(newline + 1 - early->at);
	}
	buf_add(lines, early->at, n);
	buf_drop(early, n);
}

static void give_sessions(struct snapshot *snapshot, size_t end, struct buf *lines)
{
	while (snapshot->session && lines->len < end) {
		put_session(lines, snapshot->session);
		snapshot->session = next_session(snapshot, snapshot->session);
	}
}

static void give_keys(struct kv *kv, size_t end, struct buf *lines)
{
	struct snapshot *snapshot = &kv->snapshot;
	const struct record *r = NULL, *last = NULL;
	struct tree_walk walk;
	size_t passed = 0;

	if (snapshot->keys_done || lines->len >= end)
		return;
	tree_seek(&walk, &kv->records.tree, cursor(snapshot), true);
	while (lines->len + passed < end && (r = tree_next(&walk))) {
		last = r;
		if (r->index <= snapshot->index)
			put_record(lines, r);
		else
			passed += PASSED_BYTES;
	}
	snapshot->keys_done = !r;
	if (!last)
		return;
	buf_clear(&snapshot->key, KV_KEY_BYTES_MAX);
	buf_add(&snapshot->key, last->text, last->key_len);
}

bool kv_snapshot_next(struct kv *kv, size_t bytes, struct buf *lines)
{
	struct snapshot *snapshot = &kv->snapshot;
	size_t start = lines->len, end = start + (bytes ? bytes : 1);

	assert(snapshot->on);
	if (!snapshot->early.len && !snapshot->session && snapshot->keys_done) {
		snapshot_release(snapshot);
		return false;
	}
	give_early(snapshot, end - start, lines);
	give_sessions(snapshot, end, lines);
	give_keys(kv, end, lines);
	return true;
}
