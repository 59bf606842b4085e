/*
 * Commands applied and reads answered: write, read, cas, delete.  list.c and txn.c have theirs.
 */
#include "lib/kv/state.h"

#include <assert.h>
#include <stdio.h>

enum { SHOWN_BYTES = 40 };      /* of a value in an error's text */

static void write_apply(struct kv *kv, uint64_t index, const struct request *q, struct buf *answer)
{
	struct key key = key_make(&kv->records, q->key);

	state_put(kv, index, &key, records_find(&kv->records, &key), (struct value){ .head = q->value });
	answer_constant(answer, ANSWER_WRITE_OK);
}

/* The first bytes of a value, cut between two characters. */
static int shown(struct wire_text value)
{
	size_t n = value.len;

	if (n > SHOWN_BYTES)
		for (n = SHOWN_BYTES; (value.p[n] & 0xc0) == 0x80; n--)
			;
	return (int)n;
}

static void answer_unequal(struct buf *answer, struct wire_text from, struct wire_text found)
{
	char text[2 * SHOWN_BYTES + 64];

	snprintf(text, sizeof(text), "expected %.*s%s, found %.*s%s",
		 shown(from), from.p, from.len > SHOWN_BYTES ? "..." : "",
		 shown(found), found.p, found.len > SHOWN_BYTES ? "..." : "");
	answer_error(answer, WIRE_PRECONDITION, text);
}

static void cas_apply(struct kv *kv, uint64_t index, const struct request *q, struct buf *answer)
{
	struct key key = key_make(&kv->records, q->key);
	struct record *r = records_find(&kv->records, &key);

	if (!r && !q->create) {
		answer_constant(answer, ANSWER_NO_KEY);
		return;
	}
	if (r && !canon_equal(q->from, record_value(r))) {
		answer_unequal(answer, q->from, record_value(r));
		return;
	}
	state_put(kv, index, &key, r, (struct value){ .head = q->to });
	answer_constant(answer, ANSWER_CAS_OK);
}

static void delete_apply(struct kv *kv, uint64_t index, const struct request *q, struct buf *answer)
{
	struct key key = key_make(&kv->records, q->key);
	struct record *r = records_find(&kv->records, &key);

	if (!r) {
		answer_constant(answer, ANSWER_NO_KEY);
		return;
	}
	state_delete(kv, index, &key, r);
	answer_constant(answer, ANSWER_DELETE_OK);
}

static void read_answer(const struct kv *kv, const struct request *q, struct buf *answer)
{
	struct key key = key_make(&kv->records, q->key);
	const struct record *r = records_find(&kv->records, &key);

	if (!r) {
		answer_constant(answer, ANSWER_NO_KEY);
		return;
	}
	answer_constant(answer, "\"type\":\"read_ok\",\"value\":");
	answer_text(answer, record_value(r));
}

void read_request(const struct kv *kv, const struct request *q, struct buf *answer)
{
	if (q->type == REQUEST_READ)
		read_answer(kv, q, answer);
	else if (q->type == REQUEST_LIST)
		list_answer(kv, q, answer);
	else if (q->type == REQUEST_TXN && q->reads_only)
		txn_answer(kv, q, answer);
	else
		answer_error(answer, WIRE_NOT_SUPPORTED, "not a read");
}

void apply_request(struct kv *kv, uint64_t index, const struct request *q, struct buf *answer)
{
	switch (q->type) {
	case REQUEST_WRITE:
		write_apply(kv, index, q, answer);
		break;
	case REQUEST_CAS:
		cas_apply(kv, index, q, answer);
		break;
	case REQUEST_DELETE:
		delete_apply(kv, index, q, answer);
		break;
	case REQUEST_TXN:
		txn_apply(kv, index, q, answer);
		break;
	default:
		read_request(kv, q, answer);
		break;
	}
}

/* Is it one the machine can do?  Else it is answered. */
static bool is_good(const struct request *q, const char *fault, struct buf *answer)
{
	if (q->type == REQUEST_UNKNOWN)
		answer_error(answer, WIRE_NOT_SUPPORTED, wire_code_text(WIRE_NOT_SUPPORTED));
	else if (fault)
		answer_error(answer, WIRE_MALFORMED, fault);
	else
		return true;
	return false;
}

static void apply_in_session(struct kv *kv, uint64_t index, const struct request *q, struct buf *answer)
{
	struct session *session = session_enter(kv, index, q->session, q->seq, answer);
	size_t start = answer->len;

	if (!session)
		return;
	apply_request(kv, index, q, answer);
	session_keep(kv, session, answer->at + start, answer->len - start);
}

void kv_apply(struct kv *kv, uint64_t index, const char *body, size_t len, struct buf *answer)
{
	struct request q;
	const char *fault;

	assert(index > kv->applied);
	kv->applied = index;
	sessions_expire(kv, index);
	fault = request_read(&q, body, len);
	if (is_good(&q, fault, answer)) {
		if (q.seq)
			apply_in_session(kv, index, &q, answer);
		else
			apply_request(kv, index, &q, answer);
	}
	request_release(&q);
}

void kv_read(const struct kv *kv, const char *body, size_t len, struct buf *answer)
{
	struct request q;
	const char *fault = request_read(&q, body, len);

	if (is_good(&q, fault, answer))
		read_request(kv, &q, answer);
	request_release(&q);
}
