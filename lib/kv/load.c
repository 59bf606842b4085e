/*
 * A snapshot taken in: each line is checked as if anyone could have written it, so that what is loaded is a
 * state that commands could have led to.  A line that is refused changes nothing.
 */
#include "lib/kv/state.h"
#include "lib/json/scan.h"

enum { KEY, VALUE, INDEX, SESSION, LAST, SEQ, ANSWERS };        /* as in `names` */

/* Is it an index or a number of requests, from 1 on? */
static bool is_count(const struct wire_value *value, uint64_t *count)
{
	return wire_u64(value, count) && *count;
}

static bool load_record(struct kv *kv, const struct wire_value *field, uint64_t *index)
{
	struct wire_text text = field[KEY].json, value = field[VALUE].json, canonical;
	struct buf scratch = { 0 };
	struct key key;
	bool good;

	if (field[VALUE].kind == WIRE_ABSENT || !is_count(&field[INDEX], index))
		return false;
	canonical = canon(text, &scratch);
	good = canonical.len == text.len && !memcmp(canonical.p, text.p, text.len);
	buf_release(&scratch);
	if (!good || request_key_fault(text) || request_value_fault(value))
		return false;
	key = key_make(&kv->records, text);
	if (records_find(&kv->records, &key))
		return false;
	records_put(&kv->records, &key, NULL, (struct value){ .head = value }, *index);
	return true;
}

static bool load_answers(struct kv *kv, struct session *session, struct wire_text answers)
{
	struct wire_value answer;
	struct wire_walk walk;
	uint64_t count = 0;

	if (!wire_walk_init(&walk, answers))
		return false;
	for (; wire_walk_next(&walk, &answer); count++) {
		struct wire_text inside = { .p = answer.json.p + 1, .len = answer.json.len - 2 };

		if (*answer.json.p != '{' || !session_load_answer(kv, session, count, inside))
			return false;
	}
	return count == session_answers(session);
}

static bool load_session(struct kv *kv, const struct wire_value *field, uint64_t *last)
{
	char id[KV_SESSION_ID_BYTES_MAX + 1];
	struct session *session;
	uint64_t seq;

	if (!wire_string(&field[SESSION], id, KV_SESSION_ID_BYTES_MAX) || field[ANSWERS].kind == WIRE_ABSENT ||
	    !is_count(&field[LAST], last) || !is_count(&field[SEQ], &seq))
		return false;
	session = session_load(kv, id, *last, seq);
	if (!session)
		return false;
	if (load_answers(kv, session, field[ANSWERS].json))
		return true;
	session_remove(kv, session);
	return false;
}

bool kv_snapshot_load(struct kv *kv, const char *line, size_t len)
{
	static const char *const all[] = { "key", "value", "index", "session", "last", "seq", "answers", NULL };
	static struct wire_names *names;        /* made once, by the one thread that has state machines */
	struct wire_value field[WIRE_FIELDS_MAX];
	struct json_scan scan;
	uint64_t index;
	bool good;

	if (json_scan(&scan, line, len, NULL, 0, NULL))
		return false;
	if (!names)
		names = wire_names_new(all);
	wire_body(names, (struct wire_text){ .p = line, .len = len }, field);
	if (field[KEY].kind != WIRE_ABSENT)
		good = load_record(kv, field, &index);
	else
		good = load_session(kv, field, &index);
	if (good && index > kv->applied)
		kv->applied = index;
	return good;
}
