/*
 * A line of a history: lib/json's scan checks the whole of it, then its members are found, and an operation begins or is
 * over.
 *
 * Invariant: a process has one operation under way at the most, and none after one whose outcome is not known.
 */
#include "lib/history/inside.h"
#include "lib/json/scan.h"

#include <assert.h>
#include <string.h>

enum { SHOWN_BYTES = 40 };              /* of what stands in a line, in a message */

enum type { TYPE_NONE, TYPE_INVOKE, TYPE_OK, TYPE_FAIL, TYPE_INFO };

static const char *const type_name[] = { [TYPE_INVOKE] = "invoke", [TYPE_OK] = "ok", [TYPE_FAIL] = "fail", [TYPE_INFO] = "info" };
static const char *const function_name[] = { [F_READ] = "read", [F_WRITE] = "write", [F_CAS] = "cas", [F_DELETE] = "delete",
					     [F_TXN] = "txn" };

static inline int word(const struct wire_value *value, const char *const *names, int count)
{
	for (int i = 1; i < count; i++)
		if (wire_is(value, names[i]))
			return i;
	return 0;
}

static inline bool is_null(const struct wire_value *value)
{
	return !value->kind || wire_null(value);
}

/* --- Values --- */

static int refuse_null(struct history *h)
{
	return history_refuse(h, "null is written or compared with: it cannot be told from a missing key");
}

/* What is written: any value but null. */
static int written(struct history *h, const struct wire_value *value, uint32_t *number)
{
	if (!value->kind)
		return history_refuse(h, "no value to write");
	return wire_null(value) ? refuse_null(h) : history_value_number(h, value->json, number);
}

static int pair(struct history *h, const struct wire_value *value, uint32_t *from, uint32_t *to)
{
	struct wire_value element[2], more;
	struct wire_walk walk;
	int rc;

	if (value->kind != WIRE_OTHER || !wire_walk_init(&walk, value->json) || !wire_walk_next(&walk, &element[0]) ||
	    !wire_walk_next(&walk, &element[1]) || wire_walk_next(&walk, &more))
		return history_refuse(h, "the value of a cas is not [from,to]");
	if (wire_null(&element[0]) || wire_null(&element[1]))
		return refuse_null(h);
	rc = history_value_number(h, element[0].json, from);
	return rc ? rc : history_value_number(h, element[1].json, to);
}

/* --- Beginning --- */

static struct record *new_record(struct history *h)
{
	void *p;

	if (h->records == LIN_OPS_MAX - 1)
		return NULL;
	if (h->records % RECORDS_A_PIECE == 0) {
		p = ledger_grow(&h->ledger, h->piece, &h->piece_room, h->pieces, sizeof(struct record_piece *));
		if (!p)
			return NULL;
		h->piece = p;
		h->piece[h->pieces] = ledger_resize(&h->ledger, NULL, 0, sizeof(*h->piece[0]));
		if (!h->piece[h->pieces])
			return NULL;
		h->pieces++;
	}
	return history_record(h, h->records++);
}

static int begin(struct history *h, enum function f, uint32_t process, const struct wire_value *m)
{
	struct record r = { .f = (uint8_t)f, .called = h->line, .process = process, .create = wire_true(&m[M_CREATE]) };
	struct record *kept;
	int rc = 0;

	if (f != F_TXN)
		rc = history_key_number(h, &m[M_KEY], &r.key);
	if (rc)
		return rc;
	switch (f) {
	case F_WRITE: rc = written(h, &m[M_VALUE], &r.value); break;
	case F_CAS: rc = pair(h, &m[M_VALUE], &r.from, &r.value); break;
	case F_TXN: rc = txn_begin(h, &r, &m[M_VALUE]); break;
	default: break;
	}
	if (!rc && f != F_READ && f != F_TXN)
		rc = history_note_written(h, r.key);
	if (rc)
		return rc;
	kept = new_record(h);
	if (!kept)
		return -2;
	*kept = r;
	h->process[process - 1] = h->records;
	h->counts.begun++;
	return 0;
}

/* --- The end of an operation --- */

static int done(struct history *h, struct record *r, const struct wire_value *value)
{
	uint32_t from = r->from, to = r->value;
	int rc = 0;

	r->fate = FATE_OK;
	switch (r->f) {
	case F_READ:
		if (!value->kind)
			return history_refuse(h, "no value of a read that is ok: null says that the key was missing");
		rc = history_note_read(h, r->key, value->json);
		return rc ? rc : history_value_number(h, value->json, &r->value);
	case F_WRITE:
		if (!is_null(value))
			rc = written(h, value, &to);
		break;
	case F_CAS:
		if (!is_null(value))
			rc = pair(h, value, &from, &to);
		break;
	case F_TXN:
		return txn_done(h, r, value);
	default:
		break;
	}
	if (!rc && (from != r->from || to != r->value))
		return history_refuse(h, "the value is not that of line %ju, where the %s begins", (uintmax_t)r->called,
				      function_name[r->f]);
	return rc;
}

/* Maelstrom's own name of an error, as a keyword of its language or a string. */
static bool error_is(const struct wire_value *error, const char *name)
{
	char text[32];

	return wire_string(error, text, sizeof(text) - 1) && !strcmp(text + (*text == ':'), name);
}

/* The code of a fail that tells what was seen: 20, 22, or 0.  Maelstrom: "error":["key-does-not-exist",...]. */
static uint64_t seen(const struct wire_value *m)
{
	struct wire_value error = m[M_ERROR];
	struct wire_walk walk;
	uint64_t code;

	if (wire_u64(&m[M_CODE], &code))
		return code == WIRE_NO_KEY || code == WIRE_PRECONDITION ? code : 0;
	if (error.kind == WIRE_OTHER && (!wire_walk_init(&walk, error.json) || !wire_walk_next(&walk, &error)))
		return 0;
	if (error_is(&error, "key-does-not-exist"))
		return WIRE_NO_KEY;
	return error_is(&error, "precondition-failed") ? WIRE_PRECONDITION : 0;
}

static void failed(struct record *r, uint64_t code)
{
	r->fate = FATE_GONE;
	if (r->f == F_READ && code == WIRE_NO_KEY) {
		r->fate = FATE_OK;
		r->value = LIN_MISSING;
	} else if ((r->f == F_CAS || r->f == F_DELETE) && code == WIRE_NO_KEY) {
		r->fate = FATE_NO_KEY;
	} else if (r->f == F_CAS && code == WIRE_PRECONDITION) {
		r->fate = FATE_OTHER_VALUE;
	}
}

static int check_fits(struct history *h, const struct record *r, enum function f, const struct wire_value *key)
{
	uint32_t number;

	if (f != r->f)
		return history_refuse(h, "f is %s, but line %ju, where it begins, says %s", function_name[f],
				      (uintmax_t)r->called, function_name[r->f]);
	if (f == F_TXN || is_null(key))
		return 0;
	if (history_key_number(h, key, &number))
		return -2;
	if (number != r->key)
		return history_refuse(h, "the key is not that of line %ju, where the %s begins", (uintmax_t)r->called,
				      function_name[f]);
	return 0;
}

static int end(struct history *h, enum type type, enum function f, uint32_t process, const struct wire_value *m)
{
	struct record *r = history_record(h, h->process[process - 1] - 1);
	int rc = check_fits(h, r, f, &m[M_KEY]);

	h->process[process - 1] = type == TYPE_INFO ? PROCESS_ENDED : PROCESS_FREE;
	if (rc || type == TYPE_INFO)
		return rc;
	r->returned = h->line;
	if (type == TYPE_OK)
		return done(h, r, &m[M_VALUE]);
	failed(r, seen(m));
	return 0;
}

/* --- A line --- */

/* The process's number; 0: memory. */
static uint32_t number_process(struct history *h, struct wire_text json)
{
	uint32_t before = h->processes.count, n = texts_number(&h->processes, history_canonical(h, json));
	void *p;

	if (!n || h->processes.count == before)
		return n;
	p = ledger_grow(&h->ledger, h->process, &h->process_room, before, sizeof(*h->process));
	if (!p)
		return 0;
	h->process = p;
	h->process[n - 1] = PROCESS_FREE;
	return n;
}

/* 1: the line is of somebody else, as Jepsen's nemesis. */
static int check_line(struct history *h, const struct wire_value *m, enum type *type, enum function *f)
{
	if (m[M_PROCESS].kind != WIRE_NUMBER && m[M_PROCESS].kind != WIRE_STRING)
		return history_refuse(h, m[M_PROCESS].kind ? "the process is neither a number nor a string" : "no process");
	if (m[M_F].kind != WIRE_STRING)
		return history_refuse(h, m[M_F].kind ? "f is not a string" : "no f");
	*f = (enum function)word(&m[M_F], function_name, F_TXN + 1);
	if (!*f && m[M_PROCESS].kind == WIRE_STRING)
		return 1;
	if (!*f)
		return history_refuse(h, "f is %.*s, and not read, write, cas, delete or txn",
				      m[M_F].json.len < SHOWN_BYTES ? (int)m[M_F].json.len : SHOWN_BYTES, m[M_F].json.p);
	*type = (enum type)word(&m[M_TYPE], type_name, TYPE_INFO + 1);
	if (!*type)
		return history_refuse(h, m[M_TYPE].kind ? "the type is not invoke, ok, fail or info" : "no type");
	return 0;
}

static int take(struct history *h, const struct wire_value *m)
{
	enum function f = F_NONE;
	enum type type = TYPE_NONE;
	uint32_t process, state;
	const char *name;
	int rc = check_line(h, m, &type, &f);

	h->counts.ignored += rc > 0;
	if (rc)
		return rc < 0 ? rc : 0;
	process = number_process(h, m[M_PROCESS].json);
	if (!process)
		return -2;
	state = h->process[process - 1];
	name = texts_text(&h->processes, process);
	if (type == TYPE_INVOKE && state == PROCESS_FREE)
		return begin(h, f, process, m);
	if (state == PROCESS_ENDED)
		return history_refuse(h, "process %.*s goes on after an info: what comes after that is of a new process",
				      SHOWN_BYTES, name);
	if (type == TYPE_INVOKE)
		return history_refuse(h, "process %.*s begins again before it has ended what it began in line %ju", SHOWN_BYTES,
				      name, (uintmax_t)history_record(h, state - 1)->called);
	if (state == PROCESS_FREE)
		return history_refuse(h, "%s of process %.*s, which has nothing under way", type_name[type], SHOWN_BYTES, name);
	return end(h, type, f, process, m);
}

static bool is_blank(const char *line, size_t len)
{
	while (len && (*line == ' ' || *line == '\t' || *line == '\r')) {
		line++;
		len--;
	}
	return !len;
}

int history_feed(struct history *h, const char *line, size_t len, char problem[HISTORY_PROBLEM_BYTES])
{
	struct wire_value member[MEMBERS];
	struct json_scan scan;
	int rc;

	assert(!h->ended);
	h->problem = problem;
	if (h->line == HISTORY_LINES_MAX)
		return history_refuse(h, "more than %ju lines", (uintmax_t)HISTORY_LINES_MAX);
	h->line++;
	h->counts.lines++;
	if (is_blank(line, len))
		return 0;
	rc = json_scan(&scan, line, len, NULL, 0, NULL);
	if (rc == -1)
		return history_refuse(h, "byte %zu: %s", scan.at + 1, scan.error);
	if (rc)
		return rc;
	while (*line == ' ' || *line == '\t' || *line == '\r') {
		line++;
		len--;
	}
	wire_body(h->names, (struct wire_text){ .p = line, .len = len }, member);
	return take(h, member);
}

int history_end(struct history *h, char problem[HISTORY_PROBLEM_BYTES])
{
	assert(!h->ended);
	h->problem = problem;
	h->ended = true;
	return history_sort(h);
}
