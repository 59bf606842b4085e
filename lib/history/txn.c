/*
 * Transactions of a history: micro-operations ["r",k,null], ["w",k,v] and ["append",k,v], and the same again with what was
 * read.
 *
 * A key holds a list if anything is appended to it, wherever that stands; so what was read before is kept as the one value that
 * it is for a register, and taken apart at the end.
 */
#include "lib/history/inside.h"

#include <assert.h>

struct micro {
	enum serial_kind kind;          /* SERIAL_READ of lists too */
	struct wire_value key, value;
};

/* One element of a txn's value. */
static int read_micro(struct history *h, const struct wire_value *element, struct micro *m)
{
	struct wire_value f, more;
	struct wire_walk walk;

	if (element->kind != WIRE_OTHER || !wire_walk_init(&walk, element->json) || !wire_walk_next(&walk, &f) ||
	    !wire_walk_next(&walk, &m->key))
		return history_refuse(h, "an operation of the txn is not [f,key,value]");
	m->kind = wire_is(&f, "w") ? SERIAL_WRITE : wire_is(&f, "append") ? SERIAL_APPEND : SERIAL_READ;
	if (m->kind == SERIAL_READ && !wire_is(&f, "r"))
		return history_refuse(h, "an operation of the txn is none of r, w and append");
	m->value = (struct wire_value){ .kind = WIRE_ABSENT };
	if (!wire_walk_next(&walk, &m->value) && m->kind != SERIAL_READ)
		return history_refuse(h, "an operation of the txn is not [f,key,value]");
	if (wire_walk_next(&walk, &more))
		return history_refuse(h, "an operation of the txn is not [f,key,value]");
	if (m->kind != SERIAL_READ && wire_null(&m->value))
		return history_refuse(h, "null is written: it cannot be told from a missing key");
	return 0;
}

/* --- Lists --- */

/* The numbers of an array's elements, into h->list. */
static int number_list(struct history *h, struct wire_text json, uint32_t *count)
{
	struct wire_value element;
	struct wire_walk walk;
	void *p;
	int rc = 0;

	*count = 0;
	wire_walk_init(&walk, json);
	while (!rc && walk.p && wire_walk_next(&walk, &element)) {
		p = ledger_grow(&h->ledger, h->list, &h->list_room, *count, sizeof(*h->list));
		if (!p)
			return -2;
		h->list = p;
		rc = history_any_number(h, element.json, &h->list[(*count)++]);
	}
	return rc;
}

static bool begins_with(const uint32_t *list, uint32_t count, const uint32_t *beginning, uint32_t beginning_count)
{
	return count >= beginning_count && (!beginning_count || !memcmp(list, beginning, beginning_count * sizeof(*list)));
}

/* h->list is longer than the longest and begins with it: now it is the longest. */
static int lengthen(struct history *h, struct key_list *longest, uint32_t count)
{
	uint32_t *value = longest->value;

	if (count > longest->room) {
		longest->room = 2 * count;
		value = arena_take(&h->arena, longest->room * sizeof(*value), 8);
		if (!value)
			return -2;
		memcpy(value, h->list, longest->count * sizeof(*value));
		longest->value = value;
	}
	memcpy(value + longest->count, h->list + longest->count, (count - longest->count) * sizeof(*value));
	longest->count = count;
	return 0;
}

static int read_list(struct history *h, struct wire_text json, struct serial_micro *to)
{
	struct key_state *k = &h->key[to->key];
	uint32_t *list;
	int rc = number_list(h, json, &to->count);

	to->kind = SERIAL_READ_LIST;
	if (!rc && !k->list) {
		k->list = arena_take(&h->arena, sizeof(*k->list), 8);
		if (k->list)
			*k->list = (struct key_list){ .value = NULL };
	}
	if (rc || !k->list)
		return -2;
	if (begins_with(h->list, to->count, k->list->value, k->list->count))
		rc = to->count > k->list->count ? lengthen(h, k->list, to->count) : 0;
	else if (!begins_with(k->list->value, k->list->count, h->list, to->count)) {
		list = arena_take(&h->arena, to->count * sizeof(*list), 8);
		if (!list)
			return -2;
		to->list = memcpy(list, h->list, to->count * sizeof(*list));
		return 0;
	}
	to->list = k->list->value;
	return rc;
}

/* A read that was done before it was known that the key holds a list; and one of a list that has been lengthened since. */
static int settle(struct history *h, struct serial_micro *m)
{
	const struct key_state *k = &h->key[m->key];
	const char *text;

	if (m->kind == SERIAL_READ_LIST && !m->unknown && begins_with(k->list->value, k->list->count, m->list, m->count))
		m->list = k->list->value;
	if (m->kind != SERIAL_READ || !k->appended)
		return 0;
	m->kind = SERIAL_READ_LIST;
	if (m->unknown)
		return 0;
	text = history_value(h, m->value);
	return read_list(h, (struct wire_text){ .p = text, .len = strlen(text) }, m);
}

int txn_settle(struct history *h, struct serial_txn *t)
{
	struct serial_micro *micro = (struct serial_micro *)(uintptr_t)t->micro;
	int rc = 0;

	for (uint32_t i = 0; i < t->count && !rc; i++)
		rc = settle(h, &micro[i]);
	return rc;
}

/* --- Beginning --- */

static int begin_micro(struct history *h, const struct micro *from, struct serial_micro *to)
{
	int rc;

	*to = (struct serial_micro){ .kind = from->kind, .unknown = from->kind == SERIAL_READ };
	if (history_key_number(h, &from->key, &to->key))
		return -2;
	if (from->kind == SERIAL_READ)
		return 0;
	rc = from->kind == SERIAL_WRITE ? history_note_written(h, to->key) : history_note_appended(h, to->key);
	return rc ? rc : history_value_number(h, from->value.json, &to->value);
}

static int add_txn(struct history *h, struct serial_txn t)
{
	void *p = ledger_grow(&h->ledger, h->txn, &h->txn_room, h->txns, sizeof(t));

	if (!p)
		return -2;
	h->txn = p;
	h->txn[h->txns++] = t;
	return 0;
}

/* How many elements the array has; -1: it is none. */
static int64_t elements(const struct wire_value *array)
{
	struct wire_value element;
	struct wire_walk walk;
	int64_t n = 0;

	if (array->kind != WIRE_OTHER || *array->json.p != '[')
		return -1;
	wire_walk_init(&walk, array->json);
	while (walk.p && wire_walk_next(&walk, &element))
		n++;
	return n;
}

int txn_begin(struct history *h, struct record *r, const struct wire_value *value)
{
	struct serial_txn t = { .called = r->called, .returned = SERIAL_NEVER };
	int64_t n = elements(value);
	struct serial_micro *micro;
	struct wire_value element;
	struct wire_walk walk;
	struct micro m;
	int rc = 0;

	if (n < 0)
		return history_refuse(h, "the value of a txn is not a list of operations");
	t.count = (uint32_t)n;
	micro = arena_take(&h->arena, (size_t)(n + !n) * sizeof(*micro), 8);
	if (!micro)
		return -2;
	t.micro = micro;
	wire_walk_init(&walk, value->json);
	for (int64_t i = 0; i < n && !rc; i++) {
		wire_walk_next(&walk, &element);
		rc = read_micro(h, &element, &m);
		if (!rc)
			rc = begin_micro(h, &m, &micro[i]);
	}
	if (rc)
		return rc;
	r->value = h->txns;
	return add_txn(h, t);
}

/* --- The end of one --- */

static int done_micro(struct history *h, const struct record *r, const struct micro *from, struct serial_micro *to)
{
	struct serial_micro now = *to;
	int rc;

	if (history_key_number(h, &from->key, &now.key))
		return -2;
	if (from->kind != SERIAL_READ && history_value_number(h, from->value.json, &now.value))
		return -2;
	if (from->kind != to->kind || now.key != to->key || (from->kind != SERIAL_READ && now.value != to->value))
		return history_refuse(h, "the txn is not that of line %ju, where it begins", (uintmax_t)r->called);
	if (from->kind != SERIAL_READ)
		return 0;
	if (!from->value.kind)
		return history_refuse(h, "no value of a read that is ok: null says that the key was missing");
	rc = history_note_read(h, to->key, from->value.json);
	if (rc)
		return rc;
	to->unknown = false;
	/* Known by now, or else txn_settle does it. */
	if (h->key[to->key].appended)
		return read_list(h, from->value.json, to);
	return history_value_number(h, from->value.json, &to->value);
}

int txn_done(struct history *h, const struct record *r, const struct wire_value *value)
{
	struct serial_txn *t = &h->txn[r->value];
	struct serial_micro *micro = (struct serial_micro *)(uintptr_t)t->micro;
	struct wire_value element;
	struct wire_walk walk;
	struct micro m;
	int rc = 0;

	if (elements(value) != t->count)
		return history_refuse(h, "the txn is not that of line %ju, where it begins", (uintmax_t)r->called);
	t->certain = true;
	t->returned = h->line;
	wire_walk_init(&walk, value->json);
	for (uint32_t i = 0; i < t->count && !rc; i++) {
		wire_walk_next(&walk, &element);
		rc = read_micro(h, &element, &m);
		if (!rc)
			rc = done_micro(h, r, &m, &micro[i]);
	}
	return rc;
}

/* --- Operations beside them --- */

static struct serial_micro saw(const struct record *r)
{
	struct serial_micro m = { .kind = SERIAL_READ, .key = r->key };

	switch (r->f) {
	case F_READ:
		m.value = r->value;
		break;
	case F_CAS:
		m.value = r->fate == FATE_NO_KEY ? LIN_MISSING : r->from;
		if (r->fate == FATE_OTHER_VALUE)
			m.kind = SERIAL_READ_OTHER;
		else if (r->fate != FATE_NO_KEY && r->create)
			m.kind = SERIAL_READ_OR_MISSING;
		break;
	case F_DELETE:
		m.value = LIN_MISSING;
		if (r->fate != FATE_NO_KEY)
			m.kind = SERIAL_READ_OTHER;
		break;
	default:
		assert(false);
	}
	return m;
}

/* serial.h has the table. */
int txn_of_record(struct history *h, const struct record *r, struct serial_txn *t)
{
	struct serial_micro *micro = arena_take(&h->arena, 2 * sizeof(*micro), 8);

	if (!micro)
		return -2;
	*t = (struct serial_txn){ .micro = micro, .certain = r->fate != FATE_OPEN, .called = r->called,
				  .returned = r->returned ? r->returned : SERIAL_NEVER };
	if (r->f != F_WRITE)
		micro[t->count++] = saw(r);
	if (r->f != F_READ && r->fate != FATE_NO_KEY && r->fate != FATE_OTHER_VALUE)
		micro[t->count++] = (struct serial_micro){ .kind = SERIAL_WRITE, .key = r->key,
							   .value = r->f == F_DELETE ? LIN_MISSING : r->value };
	return 0;
}
