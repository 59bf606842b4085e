/* lib/serial beside all orders, on small random histories of every kind. */
#include "tests/unit/serial_model.h"

struct dice {
	uint64_t state;
};

static uint32_t roll(struct dice *d, uint32_t sides)
{
	uint64_t z = d->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return (uint32_t)((z ^ z >> 31) >> 32) % sides;
}

/* What a history is made of. */
struct taste {
	uint32_t txns, micros, keys;
	bool lists, unique;             /* list keys beside registers; no value is written to a register twice */
	bool store;                     /* a store's operations: cas, delete and what they found */
	uint32_t values, unknown;       /* of registers; one in so many has an unknown outcome, 0 none */
	uint32_t spread;                /* how far calls and returns are from when it happened */
};

static bool is_list(const struct taste *taste, uint32_t key)
{
	return taste->lists && key % 2 == 0;
}

/* --- Micro-operations --- */

static struct serial_micro *micro_add(struct model *h, uint32_t t, enum serial_kind kind, uint32_t key, uint32_t value)
{
	struct serial_micro *m = &h->micro[t][h->txn[t].count++];

	*m = (struct serial_micro){ .kind = kind, .key = key, .value = value };
	return m;
}

static uint32_t new_value(struct dice *d, const struct taste *taste, uint32_t t, uint32_t i)
{
	return taste->unique ? 1 + t * MODEL_MICROS + i : 1 + roll(d, taste->values);
}

static void random_micros(struct dice *d, const struct taste *taste, struct model *h, uint32_t t)
{
	for (uint32_t n = 1 + roll(d, taste->micros), i = 0; i < n; i++) {
		uint32_t key = roll(d, taste->keys);
		bool list = is_list(taste, key);

		if (roll(d, 2))
			micro_add(h, t, list ? SERIAL_APPEND : SERIAL_WRITE, key, list ? 1 + t * MODEL_MICROS + i :
				  new_value(d, taste, t, i));
		else
			micro_add(h, t, list ? SERIAL_READ_LIST : SERIAL_READ, key, 0);
	}
}

/* As lib/serial/serial.h has it. */
static void store_micros(struct dice *d, const struct taste *taste, struct model *h, uint32_t t)
{
	uint32_t key = roll(d, taste->keys), from = 1 + roll(d, taste->values), to = new_value(d, taste, t, 0);

	switch (roll(d, 7)) {
	case 0:
		micro_add(h, t, SERIAL_READ, key, 0);
		break;
	case 1:
		micro_add(h, t, SERIAL_WRITE, key, to);
		break;
	case 2:
		micro_add(h, t, SERIAL_READ, key, from);
		micro_add(h, t, SERIAL_WRITE, key, to);
		break;
	case 3:
		micro_add(h, t, SERIAL_READ_OR_MISSING, key, from);
		micro_add(h, t, SERIAL_WRITE, key, to);
		break;
	case 4:
		micro_add(h, t, SERIAL_READ_OTHER, key, SERIAL_MISSING);
		micro_add(h, t, SERIAL_WRITE, key, SERIAL_MISSING);
		break;
	case 5:
		micro_add(h, t, SERIAL_READ_OTHER, key, from);
		break;
	default:
		random_micros(d, taste, h, t);
	}
}

/* --- What it saw --- */

/* The reads become true of the store; where they cannot, the transaction is none. */
static bool happen(struct model *h, struct store *s, uint32_t t)
{
	struct serial_txn *txn = &h->txn[t];
	struct store before = *s;

	for (uint32_t i = 0; i < txn->count; i++) {
		struct serial_micro *m = &h->micro[t][i];

		if (m->kind == SERIAL_WRITE) {
			s->value[m->key] = m->value;
		} else if (m->kind == SERIAL_APPEND) {
			s->list[m->key][s->length[m->key]++] = m->value;
		} else if (m->kind == SERIAL_READ_LIST) {
			memcpy(h->list[t][i], s->list[m->key], sizeof(s->list[m->key]));
			m->list = h->list[t][i];
			m->count = s->length[m->key];
		} else if (m->kind == SERIAL_READ && txn->count > i + 1 && m[1].kind == SERIAL_WRITE && m->value) {
			if (s->value[m->key] != m->value) {
				*s = before;
				return false;
			}
		} else if (m->kind == SERIAL_READ) {
			m->value = s->value[m->key];
		} else if (!model_fits(m, s->value[m->key])) {
			*s = before;
			return false;
		}
	}
	return true;
}

/* A transaction of unknown outcome knows nothing that it read, but what it needed to read. */
static void forget(struct model *h, uint32_t t)
{
	h->txn[t].certain = false;
	h->txn[t].returned = SERIAL_NEVER;
	for (uint32_t i = 0; i < h->txn[t].count; i++) {
		struct serial_micro *m = &h->micro[t][i];

		if (m->kind == SERIAL_READ_LIST || (m->kind == SERIAL_READ && !m->value))
			m->unknown = true;
		if (m->unknown)
			m->count = m->value = 0;
	}
}

/* Calls and returns, each at a place of its own. */
static void times(struct dice *d, const struct taste *taste, struct model *h)
{
	uint32_t at[2 * MODEL_TXNS], n = 2 * h->count;

	for (uint32_t t = 0; t < h->count; t++) {
		at[2 * t] = 100 * (t + 10) - roll(d, taste->spread);
		at[2 * t + 1] = 100 * (t + 10) + 1 + roll(d, taste->spread);
	}
	for (uint32_t i = 0; i < n; i++) {
		uint64_t place = 1;

		for (uint32_t j = 0; j < n; j++)
			place += at[j] < at[i] || (at[j] == at[i] && j < i);
		if (i % 2)
			h->txn[i / 2].returned = place;
		else
			h->txn[i / 2].called = place;
	}
}

/* One place in it becomes untrue, perhaps. */
static void damage(struct dice *d, const struct taste *taste, struct model *h)
{
	uint32_t t = roll(d, h->count), i = roll(d, h->txn[t].count), other = roll(d, h->count);
	struct serial_micro *m = &h->micro[t][i];

	if (m->unknown)
		return;
	if (m->kind == SERIAL_READ_LIST && m->count) {
		if (roll(d, 2))
			m->count--;
		else
			h->list[t][i][roll(d, m->count)] = 1 + roll(d, h->count) * MODEL_MICROS + roll(d, taste->micros);
	} else if (m->kind == SERIAL_READ && !is_list(taste, m->key)) {
		m->value = roll(d, 3) ? new_value(d, taste, other, roll(d, taste->micros)) : SERIAL_MISSING;
	} else if (h->txn[t].certain && h->txn[other].certain) {
		uint64_t called = h->txn[t].called, returned = h->txn[t].returned;

		h->txn[t].called = h->txn[other].called;
		h->txn[t].returned = h->txn[other].returned;
		h->txn[other].called = called;
		h->txn[other].returned = returned;
	}
}

static void history(struct dice *d, const struct taste *taste, struct model *h)
{
	struct store s = { { 0 }, { { 0 } }, { 0 } };
	uint32_t n = 2 + roll(d, taste->txns - 1);

	memset(h, 0, sizeof(*h));
	for (uint32_t i = 0; i < n; i++) {
		struct serial_txn *t = &h->txn[h->count];
		bool unknown;

		*t = (struct serial_txn){ .micro = h->micro[h->count], .certain = true };
		if (taste->store)
			store_micros(d, taste, h, h->count);
		else
			random_micros(d, taste, h, h->count);
		unknown = taste->unknown && roll(d, taste->unknown) == 0;
		if (unknown)
			forget(h, h->count);
		/* Of those that are unknown, half happen. */
		if (!unknown || roll(d, 2)) {
			if (!happen(h, &s, h->count) && !unknown) {
				memset(t, 0, sizeof(*t));
				continue;
			}
			if (unknown)
				forget(h, h->count);
		}
		h->count++;
	}
	times(d, taste, h);
	for (uint32_t t = 0; t < h->count; t++)
		if (!h->txn[t].certain)
			h->txn[t].returned = SERIAL_NEVER;
	for (uint32_t n_damage = h->count ? roll(d, 3) : 0; n_damage; n_damage--)
		damage(d, taste, h);
}

/* Nothing happened: every read is made up. */
static void wild(struct dice *d, const struct taste *taste, struct model *h)
{
	history(d, taste, h);
	for (uint32_t t = 0; t < h->count; t++) {
		for (uint32_t i = 0; i < h->txn[t].count; i++) {
			struct serial_micro *m = &h->micro[t][i];

			if (m->unknown || is_list(taste, m->key))
				continue;
			if (m->kind == SERIAL_READ)
				m->value = roll(d, 4) ? new_value(d, taste, roll(d, h->count), roll(d, taste->micros)) : 0;
		}
	}
}

/* --- Beside all orders --- */

static bool agrees(const struct model *h, uint64_t steps, uint32_t *yes)
{
	struct serial_options options = { 0 };
	struct serial *s = serial_new(h->txn, h->count, &options);
	bool expected = model_serializable(h, (1u << h->count) - 1), good;
	enum serial_state state;
	uint32_t count, members;

	assert_non_null(s);
	do
		state = serial_run(s, steps);
	while (state == SERIAL_AGAIN);
	good = state == (expected ? SERIAL_YES : SERIAL_NO);
	if (good && expected) {
		const uint32_t *order = serial_order(s, &count);

		good = model_order_holds(h, order, count);
		if (!good)
			print_error("the order does not hold\n");
	} else if (good) {
		const struct serial_step *step;
		const uint32_t *member;

		do
			state = serial_contradict(s, steps);
		while (state == SERIAL_AGAIN);
		step = serial_contradiction(s, &count);
		member = serial_members(s, &members);
		good = state == SERIAL_NO && count &&
		       model_members_hold(h, member, members, step, count) && model_cycle_holds(h, step, count);
		if (!good) {
			print_error("the contradiction does not hold: state %d, %s\n", state, serial_anomaly(step, count));
			for (uint32_t i = 0; i < count; i++)
				print_error("  T%u why %d k%u %u\n", step[i].txn, step[i].why, step[i].key, step[i].value);
			for (uint32_t i = 0; i < members; i++)
				print_error("  member T%u\n", member[i]);
		}
	} else {
		print_error("state %d, and all orders say %s\n", state, expected ? "yes" : "no");
	}
	*yes += expected;
	serial_free(s);
	return good;
}

static void compare(const struct taste *taste, uint32_t rounds, uint64_t seed)
{
	struct model *h = malloc(sizeof(*h));
	uint32_t yes = 0;

	assert_non_null(h);
	for (uint32_t i = 0; i < rounds; i++) {
		struct dice d = { seed * 1000003 + i };

		if (i % 3)
			history(&d, taste, h);
		else
			wild(&d, taste, h);
		if (h->count && !agrees(h, 1 + roll(&d, 50), &yes)) {
			model_print(h);
			free(h);
			fail_msg("seed %llu, round %u", (unsigned long long)seed, i);
		}
	}
	free(h);
	/* Both answers are asked for. */
	assert_in_range(yes, rounds / 20, rounds - rounds / 20);
}

static uint32_t rounds_of(uint32_t rounds)
{
	const char *times_more = getenv("SERIAL_TIMES");

	return times_more ? rounds * (uint32_t)atoi(times_more) : rounds;
}

static uint64_t seed_of(uint64_t seed)
{
	const char *given = getenv("SERIAL_SEED");

	return given ? seed + strtoull(given, NULL, 10) : seed;
}

static void lists_are_judged_as_all_orders_do(void **state)
{
	static const struct taste taste = { .txns = 6, .micros = 4, .keys = 1, .lists = true, .unknown = 6, .spread = 300 };
	struct taste t = taste;

	(void)state;
	compare(&t, rounds_of(10000), seed_of(1));
	t.keys = 3;
	t.unique = true;
	compare(&t, rounds_of(20000), seed_of(2));
}

static void registers_are_judged_as_all_orders_do(void **state)
{
	struct taste t = { .txns = 6, .micros = 3, .keys = 2, .unique = true, .values = 2, .spread = 300 };

	(void)state;
	compare(&t, rounds_of(20000), seed_of(3));
	t.unknown = 4;
	t.spread = 600;
	compare(&t, rounds_of(10000), seed_of(4));
	t.keys = 1;
	compare(&t, rounds_of(6000), seed_of(5));
}

static void registers_whose_values_are_written_again_are_judged_as_all_orders_do(void **state)
{
	struct taste t = { .txns = 6, .micros = 3, .keys = 2, .values = 2, .unknown = 5, .spread = 300 };

	(void)state;
	compare(&t, rounds_of(14000), seed_of(6));
	t.spread = 800;
	compare(&t, rounds_of(6000), seed_of(7));
}

static void a_stores_operations_are_judged_as_all_orders_do(void **state)
{
	struct taste t = { .txns = 6, .micros = 3, .keys = 1, .values = 3, .store = true, .unknown = 5, .spread = 300 };

	(void)state;
	compare(&t, rounds_of(12000), seed_of(8));
	t.keys = 2;
	t.spread = 700;
	compare(&t, rounds_of(12000), seed_of(9));
	t.unknown = 2;
	compare(&t, rounds_of(6000), seed_of(10));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_are_judged_as_all_orders_do),
		cmocka_unit_test(registers_are_judged_as_all_orders_do),
		cmocka_unit_test(registers_whose_values_are_written_again_are_judged_as_all_orders_do),
		cmocka_unit_test(a_stores_operations_are_judged_as_all_orders_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
