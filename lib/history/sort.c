/*
 * The end of a history: records become what the checkers want, by key in the order of calls, and go as that is done.
 */
#include "lib/history/inside.h"

#include <assert.h>
#include <stdlib.h>

/* Does a checker want it? */
static bool is_wanted(const struct history *h, const struct record *r)
{
	if (r->fate == FATE_GONE)
		return false;
	if (r->f == F_TXN)
		return h->txn[r->value].count > 0;
	return r->fate != FATE_OPEN || r->f != F_READ;
}

/* --- Operations by key --- */

static struct lin_op op_of(const struct record *r)
{
	static const enum lin_kind kind[] = { [F_READ] = LIN_READ, [F_WRITE] = LIN_WRITE, [F_CAS] = LIN_CAS,
					      [F_DELETE] = LIN_DELETE };
	static const enum lin_outcome outcome[] = { [FATE_OPEN] = LIN_UNKNOWN, [FATE_OK] = LIN_OK, [FATE_NO_KEY] = LIN_NO_KEY,
						    [FATE_OTHER_VALUE] = LIN_OTHER_VALUE };

	return (struct lin_op){ .kind = kind[r->f], .outcome = outcome[r->fate], .create = r->create, .value = r->value,
				.from = r->from, .called = r->called, .returned = r->returned ? r->returned : LIN_NEVER };
}

/* After it first[key + 1] is where the key's next operation goes; which makes it first[] when all are placed. */
static int make_room(struct history *h)
{
	size_t n = h->counts.kept + !h->counts.kept;
	uint32_t at = 0;

	h->first = ledger_resize(&h->ledger, NULL, 0, (h->keys.count + 1) * sizeof(*h->first));
	h->op = ledger_resize(&h->ledger, NULL, 0, n * sizeof(*h->op));
	h->op_process = ledger_resize(&h->ledger, NULL, 0, n * sizeof(*h->op_process));
	if (!h->first || !h->op || !h->op_process)
		return -2;
	h->first[0] = 0;
	for (uint32_t key = 0; key < h->keys.count; key++) {
		h->first[key + 1] = at;
		at += h->key[key].kept;
	}
	return 0;
}

static void place_piece(struct history *h, uint32_t from)
{
	for (uint32_t i = from; i < h->records && i < from + RECORDS_A_PIECE; i++) {
		const struct record *r = history_record(h, i);
		uint32_t at;

		if (!is_wanted(h, r))
			continue;
		at = h->first[r->key + 1]++;
		h->op[at] = op_of(r);
		h->op_process[at] = r->process;
	}
}

static int sort_operations(struct history *h)
{
	int rc = make_room(h);

	if (rc)
		return rc;
	for (uint32_t i = 0; i < h->pieces; i++) {
		place_piece(h, i * RECORDS_A_PIECE);
		ledger_free(&h->ledger, h->piece[i], sizeof(*h->piece[i]));
		h->piece[i] = NULL;
	}
	return 0;
}

/* --- Transactions --- */

static int add_transaction(struct history *h, const struct record *r, uint32_t at)
{
	int rc = 0;

	h->op_process[at] = r->process;
	if (r->f == F_TXN)
		h->all[at] = h->txn[r->value];
	else
		rc = txn_of_record(h, r, &h->all[at]);
	return rc ? rc : txn_settle(h, &h->all[at]);
}

/* --- What is appended twice --- */

struct appended {
	uint32_t key, value;
	uint32_t line;
};

static int appended_order(const void *va, const void *vb)
{
	const struct appended *a = va, *b = vb;

	if (a->key != b->key)
		return a->key < b->key ? -1 : 1;
	if (a->value != b->value)
		return a->value < b->value ? -1 : 1;
	return (a->line > b->line) - (a->line < b->line);
}

/* The appends of all transactions, into `to` if that is not NULL; returns how many. */
static size_t find_appended(const struct history *h, struct appended *to)
{
	size_t n = 0;

	for (uint64_t i = 0; i < h->counts.kept; i++) {
		const struct serial_txn *t = &h->all[i];

		for (uint32_t m = 0; m < t->count; m++) {
			if (t->micro[m].kind != SERIAL_APPEND)
				continue;
			if (to)
				to[n] = (struct appended){ t->micro[m].key, t->micro[m].value, (uint32_t)t->called };
			n++;
		}
	}
	return n;
}

/* Where a value is in a list twice it cannot be said who saw what. */
static int check_appended(struct history *h)
{
	size_t n = find_appended(h, NULL);
	struct appended *a;
	int rc = 0;

	if (!n)
		return 0;
	a = ledger_resize(&h->ledger, NULL, 0, n * sizeof(*a));
	if (!a)
		return -2;
	find_appended(h, a);
	qsort(a, n, sizeof(*a), appended_order);
	for (size_t i = 1; i < n && !rc; i++)
		if (a[i].key == a[i - 1].key && a[i].value == a[i - 1].value)
			rc = history_refuse(h, "lines %ju and %ju append %.40s to key %.40s: a value may be appended to a key "
					    "once", (uintmax_t)a[i - 1].line, (uintmax_t)a[i].line,
					    history_value(h, a[i].value), history_key(h, a[i].key));
	ledger_free(&h->ledger, a, n * sizeof(*a));
	return rc;
}

static int sort_transactions(struct history *h)
{
	size_t n = h->counts.kept + !h->counts.kept;
	uint32_t at = 0;
	int rc = 0;

	h->all = ledger_resize(&h->ledger, NULL, 0, n * sizeof(*h->all));
	h->op_process = ledger_resize(&h->ledger, NULL, 0, n * sizeof(*h->op_process));
	if (!h->all || !h->op_process)
		return -2;
	for (uint32_t i = 0; i < h->records && !rc; i++) {
		const struct record *r = history_record(h, i);

		if (is_wanted(h, r))
			rc = add_transaction(h, r, at++);
	}
	return rc ? rc : check_appended(h);
}

/* --- Both --- */

static void count(struct history *h)
{
	for (uint32_t i = 0; i < h->records; i++) {
		const struct record *r = history_record(h, i);

		if (!is_wanted(h, r))
			continue;
		h->counts.kept++;
		h->counts.unknown += r->fate == FATE_OPEN;
		if (r->f != F_TXN)
			h->key[r->key].kept++;
	}
}

int history_sort(struct history *h)
{
	int rc;

	count(h);
	rc = h->txns ? sort_transactions(h) : sort_operations(h);
	if (!rc)
		history_free_pieces(h);
	return rc;
}
