/* lib/serial on long histories of many keys, clients and unknown outcomes: the order that it finds is run again. */
#include "lib/serial/serial.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { TXNS = 15000, CLIENTS = 20, KEYS = 50, MICROS = 4, LIST_MAX = 4 * TXNS / KEYS };

/* A store, and clients that each have one transaction under way. */
struct world {
	uint64_t dice;
	struct serial_txn txn[TXNS];
	struct serial_micro micro[TXNS][MICROS];
	uint32_t value[KEYS], *list[KEYS], length[KEYS];
	uint32_t values;                /* of registers, 0: each once */
	uint32_t unknown;               /* one in so many, 0 none */
	uint32_t stale;                 /* this transaction reads what was before */
	bool lists, store;              /* lists beside registers; a store's operations beside transactions */
};

static uint32_t roll(struct world *w, uint32_t sides)
{
	uint64_t z = w->dice += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return (uint32_t)((z ^ z >> 31) >> 32) % sides;
}

static bool fits(const struct serial_micro *m, uint32_t value)
{
	if (m->kind == SERIAL_READ_OTHER)
		return value != m->value && value != SERIAL_MISSING;
	return value == m->value || (m->kind == SERIAL_READ_OR_MISSING && value == SERIAL_MISSING);
}

static bool is_list(const struct world *w, uint32_t key)
{
	return w->lists && key % 2;
}

/* --- What happens --- */

static void add(struct world *w, uint32_t t, enum serial_kind kind, uint32_t key, uint32_t value)
{
	w->micro[t][w->txn[t].count++] = (struct serial_micro){ .kind = kind, .key = key, .value = value };
}

static void micros(struct world *w, uint32_t t)
{
	for (uint32_t n = 1 + roll(w, MICROS); n; n--) {
		uint32_t key = roll(w, KEYS), value = !w->values || is_list(w, key) ? 1 + t * MICROS + n : 1 + roll(w, w->values);

		if (roll(w, 2))
			add(w, t, is_list(w, key) ? SERIAL_APPEND : SERIAL_WRITE, key, value);
		else
			add(w, t, is_list(w, key) ? SERIAL_READ_LIST : SERIAL_READ, key, 0);
	}
}

/* cas, delete and what they find are chosen as they will be true, so that each is a success or an observation. */
static void operation(struct world *w, uint32_t t)
{
	uint32_t key = roll(w, KEYS / 2) * 2, now = w->value[key], to = w->values ? 1 + roll(w, w->values) : 1 + t * MICROS;

	switch (roll(w, 4)) {
	case 0:
		add(w, t, SERIAL_READ, key, now);
		add(w, t, SERIAL_WRITE, key, to);
		break;
	case 1:
		add(w, t, now ? SERIAL_READ_OTHER : SERIAL_READ, key, SERIAL_MISSING);
		if (now)
			add(w, t, SERIAL_WRITE, key, SERIAL_MISSING);
		break;
	case 2:
		add(w, t, now ? SERIAL_READ_OTHER : SERIAL_READ, key, now ? now + 1 : SERIAL_MISSING);
		break;
	default:
		add(w, t, SERIAL_READ_OR_MISSING, key, now ? now : to);
		add(w, t, SERIAL_WRITE, key, to);
	}
}

static void happen(struct world *w, uint32_t t, bool seen)
{
	for (struct serial_micro *m = w->micro[t]; m < w->micro[t] + w->txn[t].count; m++) {
		if (m->kind == SERIAL_WRITE) {
			w->value[m->key] = m->value;
		} else if (m->kind == SERIAL_APPEND) {
			w->list[m->key][w->length[m->key]++] = m->value;
		} else if (m->kind == SERIAL_READ_LIST) {
			m->unknown = !seen;
			m->list = seen ? w->list[m->key] : NULL;
			m->count = seen ? w->length[m->key] : 0;
		} else if (m->kind == SERIAL_READ && !m->value) {
			m->value = w->value[m->key];
		}
	}
}

static void begin(struct world *w, uint32_t t)
{
	w->txn[t] = (struct serial_txn){ .micro = w->micro[t], .certain = true, .returned = SERIAL_NEVER };
}

/* At one moment between call and return. */
static void commit(struct world *w, uint32_t t)
{
	bool unknown = w->unknown && roll(w, w->unknown) == 0;

	if (w->store && roll(w, 2))
		operation(w, t);
	else
		micros(w, t);
	w->txn[t].certain = !unknown;
	if (!unknown || roll(w, 2)) {
		happen(w, t, !unknown);
		return;
	}
	/* It never happens; what it would have read is not known. */
	for (struct serial_micro *m = w->micro[t]; m < w->micro[t] + w->txn[t].count; m++)
		m->unknown = m->kind == SERIAL_READ_LIST || m->kind == SERIAL_READ;
}

static void live(struct world *w)
{
	uint32_t under_way[CLIENTS], phase[CLIENTS] = { 0 }, next = 0, done = 0;
	uint64_t place = 1;

	while (done < TXNS) {
		uint32_t c = roll(w, CLIENTS), t = under_way[c];

		if (phase[c] == 0) {
			if (next == TXNS)
				continue;
			under_way[c] = t = next++;
			begin(w, t);
			w->txn[t].called = place++;
			phase[c] = 1;
		} else if (phase[c] == 1) {
			commit(w, t);
			phase[c] = 2;
		} else {
			w->txn[t].returned = w->txn[t].certain ? place++ : SERIAL_NEVER;
			phase[c] = 0;
			done++;
		}
	}
}

/* --- Is the order true? --- */

static bool in_time(const struct world *w, const uint32_t *order, uint32_t count)
{
	uint64_t called = 0;

	/* Whatever is later in the order did not end before something earlier began. */
	for (uint32_t i = 0; i < count; i++) {
		const struct serial_txn *t = &w->txn[order[i]];

		if (t->certain && t->returned < called)
			return false;
		if (called < t->called)
			called = t->called;
	}
	return true;
}

static bool runs(const struct world *w, const uint32_t *order, uint32_t count)
{
	uint32_t value[KEYS] = { 0 }, length[KEYS] = { 0 };
	static uint32_t list[KEYS][LIST_MAX];

	for (uint32_t i = 0; i < count; i++) {
		const struct serial_txn *t = &w->txn[order[i]];

		for (const struct serial_micro *m = t->micro; m < t->micro + t->count; m++) {
			if (m->unknown)
				continue;
			if (m->kind == SERIAL_WRITE)
				value[m->key] = m->value;
			else if (m->kind == SERIAL_APPEND)
				list[m->key][length[m->key]++] = m->value;
			else if (m->kind == SERIAL_READ_LIST && (m->count != length[m->key] ||
								 memcmp(m->list, list[m->key], m->count * sizeof(*m->list))))
				return false;
			else if (m->kind != SERIAL_READ_LIST && !fits(m, value[m->key]))
				return false;
		}
	}
	return true;
}

static bool has_all(const struct world *w, const uint32_t *order, uint32_t count)
{
	static bool there[TXNS];

	memset(there, 0, sizeof(there));
	for (uint32_t i = 0; i < count; i++) {
		if (there[order[i]])
			return false;
		there[order[i]] = true;
	}
	for (uint32_t t = 0; t < TXNS; t++)
		if (w->txn[t].certain && !there[t])
			return false;
	return true;
}

static struct world *world_new(const struct world *like, uint64_t seed)
{
	struct world *w = malloc(sizeof(*w));

	assert_non_null(w);
	*w = *like;
	w->dice = seed;
	for (uint32_t k = 0; k < KEYS; k++) {
		w->list[k] = malloc(LIST_MAX * sizeof(*w->list[k]));
		assert_non_null(w->list[k]);
	}
	live(w);
	return w;
}

static void world_free(struct world *w)
{
	for (uint32_t k = 0; k < KEYS; k++)
		free(w->list[k]);
	free(w);
}

static enum serial_state judge(const struct world *w, struct serial **s)
{
	struct serial_options options = { .memory_max = 100 << 20 };
	enum serial_state state;

	*s = serial_new(w->txn, TXNS, &options);
	assert_non_null(*s);
	do
		state = serial_run(*s, 10000);
	while (state == SERIAL_AGAIN);
	return state;
}

static void assert_order(const struct world *like, uint64_t seed)
{
	struct world *w = world_new(like, seed);
	struct serial *s;
	const uint32_t *order;
	uint32_t count;

	assert_int_equal(judge(w, &s), SERIAL_YES);
	order = serial_order(s, &count);
	assert_true(has_all(w, order, count));
	assert_true(in_time(w, order, count));
	assert_true(runs(w, order, count));
	serial_free(s);
	world_free(w);
}

/* One read in the middle is of the version before. */
static void assert_stale_read_is_found(const struct world *like, uint64_t seed)
{
	struct world *w = world_new(like, seed);
	struct serial *s;
	const struct serial_step *step;
	enum serial_state state;
	uint32_t t = TXNS / 2, members, steps;

	while (w->micro[t][0].kind != SERIAL_READ_LIST || w->micro[t][0].count < 10 || w->micro[t][0].unknown)
		t++;
	w->micro[t][0].count -= 5;
	assert_int_equal(judge(w, &s), SERIAL_NO);
	do
		state = serial_contradict(s, 10000);
	while (state == SERIAL_AGAIN);
	assert_int_equal(state, SERIAL_NO);
	serial_members(s, &members);
	assert_in_range(members, 2, 12);
	step = serial_contradiction(s, &steps);
	assert_string_not_equal(serial_anomaly(step, steps), "no-order");
	serial_free(s);
	world_free(w);
}

static void lists_and_registers_of_many_clients_have_an_order(void **state)
{
	static const struct world like = { .lists = true, .unknown = 100 };

	(void)state;
	assert_order(&like, 1);
	assert_stale_read_is_found(&like, 2);
}

static void registers_of_many_clients_have_an_order(void **state)
{
	static const struct world like = { .unknown = 100 };

	(void)state;
	assert_order(&like, 3);
}

static void values_that_many_wrote_have_an_order(void **state)
{
	static const struct world like = { .values = 20, .unknown = 500 };

	(void)state;
	assert_order(&like, 4);
}

static void a_stores_operations_beside_transactions_have_an_order(void **state)
{
	static const struct world unique = { .store = true, .unknown = 200 }, again = { .store = true, .values = 20, .unknown = 1000 };

	(void)state;
	assert_order(&unique, 5);
	assert_order(&again, 6);
}

static void what_is_too_large_is_not_begun(void **state)
{
	struct serial_options options = { 0 };
	struct serial_txn txn[2] = { { .count = SERIAL_MICROS_MAX - 5 }, { .count = 10 } };
	struct serial *s = serial_new(txn, 2, &options);

	(void)state;
	assert_non_null(s);
	assert_int_equal(serial_run(s, 1), SERIAL_UNDECIDED);
	serial_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_and_registers_of_many_clients_have_an_order),
		cmocka_unit_test(registers_of_many_clients_have_an_order),
		cmocka_unit_test(values_that_many_wrote_have_an_order),
		cmocka_unit_test(a_stores_operations_beside_transactions_have_an_order),
		cmocka_unit_test(what_is_too_large_is_not_begun),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
