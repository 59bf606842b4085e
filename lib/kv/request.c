/*
 * A body is read with a set of eight names, the ones that most requests have; list and txn, which are
 * rarer, with another.
 *
 * Invariant: what request_read lets pass can be applied; only the state can say no to it.
 */
#include "lib/kv/request.h"
#include "lib/kv/canon.h"

#include <string.h>

enum { TYPE, KEY, VALUE, FROM, TO, CREATE, SESSION, SEQ };      /* as in `common` */
enum { PREFIX, AFTER, LIMIT, TXN };                             /* as in `rare` */

/* Made by the first request, of the one thread that has state machines. */
static const struct wire_names *names_of(struct wire_names **names, const char *const *all)
{
	if (!*names)
		*names = wire_names_new(all);
	return *names;
}

static void read_common(struct wire_text body, struct wire_value out[WIRE_FIELDS_MAX])
{
	static const char *const common[] = {
		"type", "key", "value", "from", "to", "create_if_not_exists", "session", "seq", NULL
	};
	static struct wire_names *names;

	wire_body(names_of(&names, common), body, out);
}

static void read_rare(struct wire_text body, struct wire_value out[WIRE_FIELDS_MAX])
{
	static const char *const rare[] = { "prefix", "after", "limit", "txn", NULL };
	static struct wire_names *names;

	wire_body(names_of(&names, rare), body, out);
}

enum request_type request_type(const char *name, size_t len)
{
	static const struct {
		const char *name;
		size_t len;
	} types[REQUEST_UNKNOWN] = {
		[REQUEST_WRITE] = { "write", 5 }, [REQUEST_READ] = { "read", 4 }, [REQUEST_CAS] = { "cas", 3 },
		[REQUEST_DELETE] = { "delete", 6 }, [REQUEST_LIST] = { "list", 4 }, [REQUEST_TXN] = { "txn", 3 },
	};
	unsigned i;

	for (i = 0; i < REQUEST_UNKNOWN; i++)
		if (len == types[i].len && !memcmp(name, types[i].name, len))
			break;
	return (enum request_type)i;
}

static enum request_type type_of(const struct wire_value *type)
{
	char name[16];

	if (type->kind != WIRE_STRING)
		return REQUEST_UNKNOWN;
	if (!type->escaped)
		return request_type(type->json.p + 1, type->json.len - 2);
	return wire_string(type, name, sizeof(name) - 1) ? request_type(name, strlen(name)) : REQUEST_UNKNOWN;
}

/* --- Keys and values --- */

const char *request_key_fault(struct wire_text key)
{
	if (key.len > KV_KEY_BYTES_MAX)
		return "the key is too long";
	return canon_depth(key) > KV_DEPTH_MAX ? "the key is nested too deep" : NULL;
}

const char *request_value_fault(struct wire_text value)
{
	if (value.len > KV_VALUE_BYTES_MAX)
		return "the value is too long";
	if (*value.p != '[' && *value.p != '{')
		return NULL;
	return canon_depth(value) > KV_DEPTH_MAX ? "the value is nested too deep" : NULL;
}

static const char *take_key(const struct wire_value *key, struct wire_text *out, struct buf *scratch)
{
	if (key->kind == WIRE_ABSENT)
		return "'key' is missing";
	*out = canon(key->json, scratch);
	if (out->len <= KV_KEY_BYTES_MAX && *out->p != '[' && *out->p != '{')
		return NULL;
	return request_key_fault(*out);
}

static const char *take_value(const struct wire_value *value, struct wire_text *out, const char *missing)
{
	if (value->kind == WIRE_ABSENT)
		return missing;
	*out = value->json;
	return request_value_fault(value->json);
}

/* --- The types --- */

static const char *take_cas(struct request *q, const struct wire_value *field)
{
	const char *fault = take_key(&field[KEY], &q->key, &q->scratch[0]);

	if (!fault)
		fault = take_value(&field[FROM], &q->from, "'from' is missing");
	if (!fault)
		fault = take_value(&field[TO], &q->to, "'to' is missing");
	if (fault || field[CREATE].kind == WIRE_ABSENT)
		return fault;
	q->create = wire_true(&field[CREATE]);
	if (!q->create && (field[CREATE].kind != WIRE_OTHER || *field[CREATE].json.p != 'f'))
		return "'create_if_not_exists' is neither true nor false";
	return NULL;
}

static bool take_prefix(struct wire_text *prefix, const struct wire_value *value, struct buf *scratch)
{
	*prefix = (struct wire_text){ .p = "\"\"", .len = 2 };
	if (value->kind == WIRE_STRING)
		*prefix = canon(value->json, scratch);
	return value->kind == WIRE_STRING || value->kind == WIRE_ABSENT;
}

bool request_prefix(struct wire_text *prefix, const char *body, size_t len, struct buf *scratch)
{
	struct wire_value rare[WIRE_FIELDS_MAX];

	read_rare((struct wire_text){ .p = body, .len = len }, rare);
	return take_prefix(prefix, &rare[PREFIX], scratch);
}

static const char *take_list(struct request *q, const struct wire_value *rare)
{
	if (!take_prefix(&q->prefix, &rare[PREFIX], &q->scratch[0]))
		return "'prefix' is no string";
	q->after = (struct wire_text){ 0 };
	if (rare[AFTER].kind != WIRE_ABSENT)
		q->after = canon(rare[AFTER].json, &q->scratch[1]);
	q->limit = KV_LIST_LIMIT;
	if (rare[LIMIT].kind != WIRE_ABSENT && (!wire_u64(&rare[LIMIT], &q->limit) || !q->limit))
		return "'limit' is no whole number from 1 on";
	if (q->limit > KV_LIST_LIMIT_MAX)
		q->limit = KV_LIST_LIMIT_MAX;
	return NULL;
}

/* --- Transactions --- */

static bool is_array_of_three(const struct wire_value *op, struct wire_value element[3])
{
	struct wire_walk walk;
	struct wire_value more;

	if (!wire_walk_init(&walk, op->json))
		return false;
	for (int i = 0; i < 3; i++)
		if (!wire_walk_next(&walk, &element[i]))
			return false;
	return !wire_walk_next(&walk, &more);
}

/* NULL, or what is wrong with it. */
static const char *op_read(struct request_op *op, const struct wire_value *json)
{
	struct wire_value element[3];

	if (!is_array_of_three(json, element))
		return "an operation of 'txn' is no array of three";
	op->json = json->json;
	op->key = element[1].json;
	op->value = element[2].json;
	if (wire_is(&element[0], "r"))
		op->kind = OP_READ;
	else if (wire_is(&element[0], "w"))
		op->kind = OP_WRITE;
	else if (wire_is(&element[0], "append"))
		op->kind = OP_APPEND;
	else
		return "an operation of 'txn' is none of r, w, append";
	if (op->kind == OP_READ && !wire_null(&element[2]))
		return "the value of a read in 'txn' is not null";
	return NULL;
}

bool request_op_next(struct wire_walk *walk, struct request_op *op)
{
	struct wire_value json;

	return wire_walk_next(walk, &json) && !op_read(op, &json);
}

static const char *op_fault(const struct request_op *op)
{
	struct buf scratch = { 0 };
	const char *fault = request_key_fault(canon(op->key, &scratch));

	buf_release(&scratch);
	return fault ? fault : request_value_fault(op->value);
}

static const char *take_txn(struct request *q, const struct wire_value *txn)
{
	struct wire_walk walk;
	struct wire_value json;
	struct request_op op;
	const char *fault;

	if (txn->kind == WIRE_ABSENT)
		return "'txn' is missing";
	if (!wire_walk_init(&walk, txn->json))
		return "'txn' is no array";
	q->txn = txn->json;
	q->reads_only = true;
	for (q->ops = 0; wire_walk_next(&walk, &json); q->ops++) {
		if (q->ops == KV_TXN_OPS_MAX)
			return "'txn' has too many operations";
		fault = op_read(&op, &json);
		if (!fault)
			fault = op_fault(&op);
		if (fault)
			return fault;
		if (op.kind != OP_READ)
			q->reads_only = false;
	}
	return NULL;
}

/* --- All of it --- */

static const char *take_session(struct request *q, const struct wire_value *session, const struct wire_value *seq)
{
	q->seq = 0;
	if (session->kind == WIRE_ABSENT && seq->kind == WIRE_ABSENT)
		return NULL;
	if (session->kind == WIRE_ABSENT)
		return "a 'seq' without a 'session'";
	if (seq->kind == WIRE_ABSENT)
		return "a 'session' without a 'seq'";
	if (!wire_string(session, q->session, KV_SESSION_ID_BYTES_MAX) || !*q->session)
		return "'session' is no string of 1 to 64 bytes";
	if (!wire_u64(seq, &q->seq) || !q->seq)
		return "'seq' is no whole number from 1 on";
	return NULL;
}

const char *request_read(struct request *q, const char *body, size_t len)
{
	struct wire_text text = { .p = body, .len = len };
	struct wire_value field[WIRE_FIELDS_MAX], rare[WIRE_FIELDS_MAX];
	const char *fault;

	q->scratch[0] = q->scratch[1] = (struct buf){ 0 };
	read_common(text, field);
	q->type = type_of(&field[TYPE]);
	q->create = false;
	fault = take_session(q, &field[SESSION], &field[SEQ]);
	if (fault || q->type == REQUEST_UNKNOWN)
		return fault;
	switch (q->type) {
	case REQUEST_WRITE:
		fault = take_key(&field[KEY], &q->key, &q->scratch[0]);
		return fault ? fault : take_value(&field[VALUE], &q->value, "'value' is missing");
	case REQUEST_READ:
	case REQUEST_DELETE:
		return take_key(&field[KEY], &q->key, &q->scratch[0]);
	case REQUEST_CAS:
		return take_cas(q, field);
	case REQUEST_LIST:
		read_rare(text, rare);
		return take_list(q, rare);
	default:
		read_rare(text, rare);
		return take_txn(q, &rare[TXN]);
	}
}

enum kv_class kv_classify(const char *type, size_t type_len, const char *body, size_t len, const char **error)
{
	struct request q;
	bool reads_only;

	*error = NULL;
	if (request_type(type, type_len) == REQUEST_UNKNOWN)
		return KV_UNKNOWN;
	*error = request_read(&q, body, len);
	request_release(&q);
	reads_only = q.type == REQUEST_READ || q.type == REQUEST_LIST ||
		     (q.type == REQUEST_TXN && !*error && q.reads_only);
	return reads_only && !q.seq ? KV_READ : KV_WRITE;
}
