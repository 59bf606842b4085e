/*
 * external_once: see external_once.h
 *
 *     {"session":"ID","last":INDEX,"seq":N,"answers":[{"result":R},{}]}
 *
 * is a line of a snapshot: the session's last use, the seq of its last request, and its last answers, the
 * oldest first; {} is one that was too long to be kept.
 */
#include "lib/node/external_once.h"
#include "lib/base/err.h"

#include <assert.h>
#include <stdlib.h>

struct answer {
	char *result;                   /* NULL: none, or one too long */
	size_t len;
};

struct once_session {
	struct once_session *next;           /* in its bucket */
	struct once_session *older, *newer;
	uint64_t last;                  /* index of the command that last used it */
	uint64_t seq;                   /* of the last request entered */
	struct answer answer[KV_ANSWERS_KEPT];  /* to seq, at seq % KV_ANSWERS_KEPT */
	size_t id_len;
	char id[];
};

void once_init(struct once *s)
{
	*s = (struct once){ 0 };
	randombytes_buf(s->key, sizeof(s->key));
}

/* --- The table and the order of use --- */

static struct once_session **bucket_of(struct once *s, struct wire_text id)
{
	uint64_t hash;

	crypto_shorthash((unsigned char *)&hash, (const unsigned char *)id.p, id.len, s->key);
	return &s->bucket[hash % ONCE_BUCKETS];
}

static struct once_session *find(struct once *s, struct wire_text id)
{
	struct once_session *session = *bucket_of(s, id);

	while (session && (session->id_len != id.len || memcmp(session->id, id.p, id.len)))
		session = session->next;
	return session;
}

static void link_newest(struct once *s, struct once_session *session)
{
	session->older = s->newest;
	session->newer = NULL;
	*(s->newest ? &s->newest->newer : &s->oldest) = session;
	s->newest = session;
}

static void unlink_from_order(struct once *s, struct once_session *session)
{
	*(session->older ? &session->older->newer : &s->oldest) = session->newer;
	*(session->newer ? &session->newer->older : &s->newest) = session->older;
}

static struct once_session *add(struct once *s, struct wire_text id)
{
	struct once_session *session = must_calloc(1, sizeof(*session) + id.len), **bucket = bucket_of(s, id);

	session->id_len = id.len;
	memcpy(session->id, id.p, id.len);
	session->next = *bucket;
	*bucket = session;
	link_newest(s, session);
	s->count++;
	return session;
}

static void drop_answer(struct once *s, struct answer *answer)
{
	s->kept_bytes -= answer->len;
	free(answer->result);
	*answer = (struct answer){ 0 };
}

static void forget(struct once *s, struct once_session *session)
{
	struct once_session **at = bucket_of(s, (struct wire_text){ session->id, session->id_len });

	while (*at != session)
		at = &(*at)->next;
	*at = session->next;
	unlink_from_order(s, session);
	for (size_t i = 0; i < KV_ANSWERS_KEPT; i++)
		drop_answer(s, &session->answer[i]);
	s->count--;
	free(session);
}

void once_release(struct once *s)
{
	while (s->oldest)
		forget(s, s->oldest);
	assert(!s->count && !s->kept_bytes);
}

/* --- Entering and answers --- */

/* Of the requests whose answers are kept, or will be when they come. */
static uint64_t first_kept(const struct once_session *session)
{
	return session->seq < KV_ANSWERS_KEPT ? 1 : session->seq - KV_ANSWERS_KEPT + 1;
}

enum once_verdict once_enter(struct once *s, uint64_t index, struct wire_text id, uint64_t seq,
				   struct once_session **entered)
{
	struct once_session *session;

	assert(seq && id.len);
	while (s->oldest && index - s->oldest->last > KV_SESSION_ENTRIES)
		forget(s, s->oldest);
	session = find(s, id);
	if (!session && seq > 1)
		return ONCE_FORGOTTEN;
	if (!session) {
		if (s->count == KV_SESSIONS_MAX)
			forget(s, s->oldest);
		session = add(s, id);
	}
	unlink_from_order(s, session);
	link_newest(s, session);
	session->last = index;
	*entered = session;
	if (seq > session->seq + 1)
		return ONCE_EARLY;
	if (seq <= session->seq)
		return seq >= first_kept(session) ? ONCE_REPEAT : ONCE_FORGOTTEN;
	session->seq = seq;
	return ONCE_APPLY;
}

static void keep(struct once *s, struct once_session *session, uint64_t seq, struct wire_text result)
{
	struct answer *answer = &session->answer[seq % KV_ANSWERS_KEPT];

	drop_answer(s, answer);
	if (result.len > KV_ANSWER_BYTES_MAX)
		return;
	answer->result = memcpy(must_malloc(result.len), result.p, result.len);
	answer->len = result.len;
	s->kept_bytes += result.len;
}

void once_keep(struct once *s, struct once_session *session, uint64_t seq, struct wire_text result)
{
	keep(s, session, seq, result);
	while (s->kept_bytes > KV_ANSWERS_BYTES_MAX)
		forget(s, s->oldest);
}

bool once_room(const struct once *s, size_t under_way)
{
	return !under_way || s->kept_bytes + (under_way + 1) * KV_ANSWER_BYTES_MAX <= KV_ANSWERS_BYTES_MAX;
}

struct wire_text once_answer(const struct once_session *session, uint64_t seq)
{
	const struct answer *answer = &session->answer[seq % KV_ANSWERS_KEPT];

	return (struct wire_text){ answer->result, answer->len };
}

/* --- Snapshots --- */

void once_put(const struct once *s, struct buf *b)
{
	for (const struct once_session *session = s->oldest; session; session = session->newer) {
		buf_puts(b, "{\"session\":");
		wire_put_string(b, session->id, session->id_len);
		buf_printf(b, ",\"last\":%llu,\"seq\":%llu,\"answers\":[", (unsigned long long)session->last,
			   (unsigned long long)session->seq);
		for (uint64_t seq = first_kept(session); seq <= session->seq; seq++) {
			struct wire_text result = once_answer(session, seq);

			buf_puts(b, seq == first_kept(session) ? "{" : ",{");
			if (result.p) {
				buf_puts(b, "\"result\":");
				buf_add(b, result.p, result.len);
			}
			buf_putc(b, '}');
		}
		buf_puts(b, "]}\n");
	}
}

/* One for each that is kept: {"result":R} or {}. */
static bool load_answers(struct once *s, struct once_session *session, struct wire_text answers)
{
	static const char *const names[] = { "result", NULL };
	struct wire_names *result_name = wire_names_new(names);
	struct wire_value element, result;
	struct wire_walk walk;
	uint64_t seq = first_kept(session);
	bool good = wire_walk_init(&walk, answers);

	while (good && wire_walk_next(&walk, &element)) {
		good = *element.json.p == '{' && seq <= session->seq;
		if (!good)
			break;
		wire_body(result_name, element.json, &result);
		if (result.kind != WIRE_ABSENT)
			keep(s, session, seq, result.json);
		seq++;
	}
	wire_names_free(result_name);
	return good && seq == session->seq + 1 && s->kept_bytes <= KV_ANSWERS_BYTES_MAX;
}

bool once_load(struct once *s, struct wire_text line)
{
	static const char *const names[] = { "session", "last", "seq", "answers", NULL };
	enum { ID, LAST, SEQ, ANSWERS };
	struct wire_names *line_names = wire_names_new(names);
	struct wire_value field[WIRE_FIELDS_MAX];
	char id[KV_SESSION_ID_BYTES_MAX + 1];
	struct once_session *session;
	struct wire_text name;
	uint64_t last, seq;

	wire_body(line_names, line, field);
	wire_names_free(line_names);
	if (!wire_string(&field[ID], id, KV_SESSION_ID_BYTES_MAX) || !*id ||
	    !wire_u64(&field[LAST], &last) || (s->newest && last <= s->newest->last) ||
	    !wire_u64(&field[SEQ], &seq) || !seq || field[ANSWERS].kind != WIRE_OTHER)
		return false;
	name = (struct wire_text){ id, strlen(id) };
	if (s->count == KV_SESSIONS_MAX || find(s, name))
		return false;
	session = add(s, name);
	session->last = last;
	session->seq = seq;
	return load_answers(s, session, field[ANSWERS].json);
}
