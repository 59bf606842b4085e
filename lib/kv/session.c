/*
 * Invariants: the sessions from oldest to newest have growing `last`; a session keeps the answers to its last
 * KV_ANSWERS_KEPT requests; kept_bytes is the sum of the texts' lengths.
 */
#include "lib/kv/state.h"
#include "lib/base/err.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

enum { KIND_TEXT, KIND_WRITE_OK, KIND_CAS_OK, KIND_DELETE_OK, KIND_NO_KEY, KIND_NOT_KEPT, KINDS };

#define TEXT_OF(s) { .p = (s), .len = sizeof(s) - 1 }

static const struct wire_text constants[KINDS] = {
	[KIND_WRITE_OK] = TEXT_OF(ANSWER_WRITE_OK),
	[KIND_CAS_OK] = TEXT_OF(ANSWER_CAS_OK),
	[KIND_DELETE_OK] = TEXT_OF(ANSWER_DELETE_OK),
	[KIND_NO_KEY] = TEXT_OF(ANSWER_NO_KEY),
	[KIND_NOT_KEPT] = TEXT_OF(ANSWER_NOT_KEPT),
};

/* --- Kept answers --- */

uint64_t session_answers(const struct session *s)
{
	return s->seq < KV_ANSWERS_KEPT ? s->seq : KV_ANSWERS_KEPT;
}

static struct wire_text answer_at(const struct session *s, uint64_t seq)
{
	size_t place = seq % KV_ANSWERS_KEPT;

	if (s->kind[place] != KIND_TEXT)
		return constants[s->kind[place]];
	return (struct wire_text){ .p = s->kept[place]->text, .len = s->kept[place]->len };
}

struct wire_text session_answer(const struct session *s, uint64_t i)
{
	return answer_at(s, s->seq - session_answers(s) + 1 + i);
}

static void forget_answer(struct sessions *sessions, struct session *s, size_t place)
{
	if (!s->kept || !s->kept[place])
		return;
	sessions->kept_bytes -= s->kept[place]->len;
	free(s->kept[place]);
	s->kept[place] = NULL;
}

static uint8_t kind_of(struct wire_text answer)
{
	for (uint8_t kind = 1; kind < KINDS; kind++)
		if (answer.len == constants[kind].len && !memcmp(answer.p, constants[kind].p, answer.len))
			return kind;
	return answer.len > KV_ANSWER_BYTES_MAX ? KIND_NOT_KEPT : KIND_TEXT;
}

static void keep_answer(struct sessions *sessions, struct session *s, uint64_t seq, struct wire_text answer)
{
	size_t place = seq % KV_ANSWERS_KEPT;
	struct kept *kept;

	forget_answer(sessions, s, place);
	s->kind[place] = kind_of(answer);
	if (s->kind[place] != KIND_TEXT)
		return;
	if (!s->kept)
		s->kept = must_calloc(KV_ANSWERS_KEPT, sizeof(*s->kept));
	kept = must_malloc(sizeof(*kept) + answer.len);
	kept->len = (uint32_t)answer.len;
	memcpy(kept->text, answer.p, answer.len);
	s->kept[place] = kept;
	sessions->kept_bytes += answer.len;
}

/* --- The order of last use --- */

static void link_newest(struct sessions *sessions, struct session *s)
{
	s->older = sessions->newest;
	s->newer = NULL;
	if (sessions->newest)
		sessions->newest->newer = s;
	else
		sessions->oldest = s;
	sessions->newest = s;
}

static void unlink_session(struct sessions *sessions, struct session *s)
{
	*(s->older ? &s->older->newer : &sessions->oldest) = s->newer;
	*(s->newer ? &s->newer->older : &sessions->newest) = s->older;
}

static int last_order(const void *va, const void *vb)
{
	const struct session *const *a = va, *const *b = vb;

	return ((*a)->last > (*b)->last) - ((*a)->last < (*b)->last);
}

void sessions_sort(struct sessions *sessions)
{
	struct session **all, *s = sessions->oldest;
	uint64_t count = sessions->count;

	if (!sessions->unsorted)
		return;
	all = must_malloc(count * sizeof(*all));
	for (uint64_t i = 0; i < count; i++, s = s->newer)
		all[i] = s;
	assert(!s);
	qsort(all, count, sizeof(*all), last_order);
	sessions->oldest = sessions->newest = NULL;
	for (uint64_t i = 0; i < count; i++)
		link_newest(sessions, all[i]);
	free(all);
	sessions->unsorted = false;
}

/* --- Coming and going --- */

void sessions_init(struct sessions *sessions)
{
	*sessions = (struct sessions){ 0 };
	table_init(&sessions->table);
}

static void session_free(struct sessions *sessions, struct session *s)
{
	for (size_t i = 0; i < KV_ANSWERS_KEPT; i++)
		forget_answer(sessions, s, i);
	free(s->kept);
	free(s);
}

void sessions_release(struct sessions *sessions)
{
	struct session *s = sessions->oldest, *newer;

	for (; s; s = newer) {
		newer = s->newer;
		session_free(sessions, s);
	}
	table_release(&sessions->table);
}

static bool same_id(const void *session, const void *key)
{
	const struct wire_text *id = key;
	const struct session *s = session;

	return s->id_len == id->len && !memcmp(s->id, id->p, id->len);
}

static uint64_t id_hash(const struct kv *kv, struct wire_text id)
{
	return records_hash(kv->records.seed, id.p, id.len);
}

static struct session *session_find(const struct kv *kv, const char *name)
{
	struct wire_text id = { .p = name, .len = strlen(name) };

	return table_find(&kv->sessions.table, id_hash(kv, id), same_id, &id);
}

static struct session *session_new(struct kv *kv, const char *name, uint64_t last)
{
	struct wire_text id = { .p = name, .len = strlen(name) };
	struct session *s = must_calloc(1, sizeof(*s) + id.len);

	s->last = last;
	s->id_len = (uint32_t)id.len;
	memcpy(s->id, id.p, id.len);
	table_add(&kv->sessions.table, id_hash(kv, id), s);
	link_newest(&kv->sessions, s);
	kv->sessions.count++;
	return s;
}

void session_remove(struct kv *kv, struct session *s)
{
	struct wire_text id = { .p = s->id, .len = s->id_len };

	if (kv->snapshot.on)
		snapshot_before_session(kv, s);
	table_remove(&kv->sessions.table, id_hash(kv, id), s);
	unlink_session(&kv->sessions, s);
	kv->sessions.count--;
	session_free(&kv->sessions, s);
}

static void remove_oldest(struct kv *kv)
{
	session_remove(kv, kv->sessions.oldest);
}

void sessions_expire(struct kv *kv, uint64_t index)
{
	const struct session *s;

	sessions_sort(&kv->sessions);
	while ((s = kv->sessions.oldest) && index - s->last > KV_SESSION_ENTRIES)
		remove_oldest(kv);
}

/* --- Requests --- */

static struct session *answered(struct buf *answer, enum wire_code code, const char *text)
{
	answer_error(answer, code, text);
	return NULL;
}

static struct session *enter_new(struct kv *kv, uint64_t index, const char *id, uint64_t seq, struct buf *answer)
{
	if (seq != 1)
		return answered(answer, WIRE_CRASH, "the session has expired, or never was");
	while (kv->sessions.count >= KV_SESSIONS_MAX)
		remove_oldest(kv);
	return session_new(kv, id, index);
}

struct session *session_enter(struct kv *kv, uint64_t index, const char *id, uint64_t seq, struct buf *answer)
{
	struct session *s = session_find(kv, id);

	if (!s)
		return enter_new(kv, index, id, seq, answer);
	if (kv->snapshot.on)
		snapshot_before_session(kv, s);
	unlink_session(&kv->sessions, s);
	link_newest(&kv->sessions, s);
	s->last = index;
	if (seq == s->seq + 1)
		return s;
	if (seq > s->seq)
		return answered(answer, WIRE_ABORT, "a request of the session before this one has not come yet");
	if (s->seq - seq >= KV_ANSWERS_KEPT)
		return answered(answer, WIRE_CRASH, "a repeat of a request whose answer is not kept any more");
	answer_text(answer, answer_at(s, seq));
	return NULL;
}

void session_keep(struct kv *kv, struct session *s, const char *answer, size_t len)
{
	s->seq++;
	keep_answer(&kv->sessions, s, s->seq, (struct wire_text){ .p = answer, .len = len });
	/* Its own are less than that: it never goes itself. */
	while (kv->sessions.kept_bytes > KV_ANSWERS_BYTES_MAX)
		remove_oldest(kv);
}

/* --- Loading --- */

struct session *session_load(struct kv *kv, const char *id, uint64_t last, uint64_t seq)
{
	struct session *s;

	if (!*id || !last || !seq || kv->sessions.count == KV_SESSIONS_MAX || session_find(kv, id))
		return NULL;
	kv->sessions.unsorted |= kv->sessions.newest && kv->sessions.newest->last > last;
	s = session_new(kv, id, last);
	s->seq = seq;
	return s;
}

bool session_load_answer(struct kv *kv, struct session *s, uint64_t i, struct wire_text answer)
{
	if (i >= session_answers(s) || answer.len > KV_ANSWER_BYTES_MAX)
		return false;
	keep_answer(&kv->sessions, s, s->seq - session_answers(s) + 1 + i, answer);
	return kv->sessions.kept_bytes <= KV_ANSWERS_BYTES_MAX;
}
