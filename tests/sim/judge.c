/*
 * judge: is what the clients saw linearizable?
 *
 *	keys            each a history for lib/lin, and each of CASPaxos's registers: a change that was refused is a read of what
 *	                was there instead
 *	lists           only ever appended to: each read is the beginning of every longer one, holds nothing twice and nothing
 *	                that nobody appended, and what was over before another thing began stands before it
 *	synods          one value, which somebody proposed before it was told
 */
#include "lib/lin/lin.h"
#include "tests/sim/world.h"

#include <assert.h>
#include <stdlib.h>

enum { LIN_STEPS = 1 << 24 };
#define NO_VALUE UINT32_MAX             /* no key ever holds it */

/* What is not answered may have happened; to look changes nothing. */
static bool is_of(const struct op *op, enum sim_f from, enum sim_f to, int key)
{
	enum sim_f f = op->intent->f;

	if (f < from || f > to || op->intent->key != key || op->state == OP_WAITS || op->state == OP_REFUSED)
		return false;
	return op->state == OP_DONE || (f != SIM_READ && f != SIM_READ_LIST && f != SIM_LOOK);
}

/* The world's, until the next is asked for. */
static void *scratch(size_t count, size_t size)
{
	free(world.scratch);
	world.scratch = calloc(count + 1, size);
	assert(world.scratch);
	return world.scratch;
}

/* --- Keys --- */

static bool is_change(const struct op *op)
{
	return op->intent->f == SIM_CHANGE || op->intent->f == SIM_LOOK;
}

static struct lin_op lin_op(const struct op *op)
{
	static const enum lin_kind kind[SIM_FS] = {
		[SIM_READ] = LIN_READ, [SIM_WRITE] = LIN_WRITE, [SIM_CAS] = LIN_CAS, [SIM_CREATE] = LIN_CAS,
		[SIM_DELETE] = LIN_DELETE, [SIM_CHANGE] = LIN_CAS, [SIM_LOOK] = LIN_READ,
	};
	struct lin_op l = {
		.kind = kind[op->intent->f], .outcome = LIN_OK, .value = op->intent->value, .from = op->from,
		.create = op->intent->f == SIM_CREATE, .called = op->called,
		.returned = op->state == OP_DONE ? op->returned : LIN_NEVER,
	};

	if (op->intent->f == SIM_CHANGE && !op->from) {
		l.create = true;
		l.from = NO_VALUE;
	}
	if (op->state != OP_DONE)
		l.outcome = LIN_UNKNOWN;
	else if (is_change(op) && op->code)
		l.kind = LIN_READ;
	else if (op->code && l.kind != LIN_READ)
		l.outcome = op->code == 20 ? LIN_NO_KEY : LIN_OTHER_VALUE;
	if (l.kind == LIN_READ)
		l.value = (uint32_t)op->value;
	return l;
}

static void judge_key(const struct lin_op *ops, uint32_t count, const char *what)
{
	struct lin *lin = lin_new(ops, count, &(struct lin_options){ .memory_max = 0 });
	enum lin_state state;
	uint32_t at;
	char detail[SIM_WHAT_BYTES];

	assert(lin);
	state = lin_run(lin, LIN_STEPS);
	at = state == LIN_NO ? lin_culprit(lin) : 0;
	lin_free(lin);
	if (state == LIN_YES)
		return;
	snprintf(detail, sizeof(detail), "no order fits by the return of the operation of value %" PRIu32, ops[at].value);
	holds(state == LIN_NO, "a history is decided");
	world_fail(what, detail);
}

static void judge_keys(enum sim_f from, enum sim_f to, const char *what)
{
	struct lin_op *ops = scratch(world.ops, sizeof(*ops));

	for (int key = 0; key < world.plan->keys; key++) {
		uint32_t count = 0;

		for (uint32_t i = 0; i < world.ops; i++)
			if (is_of(&world.op[i], from, to, key))
				ops[count++] = lin_op(&world.op[i]);
		if (count)
			judge_key(ops, count, what);
	}
}

/* --- Lists --- */

struct moment { uint64_t at; uint32_t place; bool begins, appends; };

static int by_time(const void *a, const void *b)
{
	const struct moment *x = a, *y = b;

	return (x->at > y->at) - (x->at < y->at);
}

/* Where it stands, from 1; 0: nowhere. */
static uint32_t place_in(const struct op *longest, uint32_t value)
{
	for (uint32_t i = 0; longest && i < longest->list_count; i++)
		if (longest->list[i] == value)
			return i + 1;
	return 0;
}

static void check_list(const struct op *longest, int key)
{
	for (uint32_t i = 0; longest && i < longest->list_count; i++) {
		bool asked = false;

		for (uint32_t j = 0; j < i; j++)
			holds(longest->list[j] != longest->list[i], "what is appended once is there once");
		for (uint32_t j = 0; j < world.ops && !asked; j++)
			asked = world.op[j].intent->f == SIM_APPEND && world.op[j].intent->key == key &&
				world.op[j].intent->value == longest->list[i];
		holds(asked, "a list holds what was appended");
	}
}

/* An append that is over takes place n; a read of n elements comes behind place n. */
static void check_order(struct moment *m, size_t count)
{
	uint32_t behind = 0;

	qsort(m, count, sizeof(*m), by_time);
	for (size_t i = 0; i < count; i++) {
		if (!m[i].begins)
			behind = behind > m[i].place ? behind : m[i].place;
		else if (m[i].appends)
			holds(m[i].place > behind, "lists are linearizable");
		else
			holds(m[i].place >= behind, "lists are linearizable");
	}
}

static void judge_list(int key, struct moment *m)
{
	const struct op *longest = NULL;
	size_t count = 0;

	for (uint32_t i = 0; i < world.ops; i++)
		if (is_of(&world.op[i], SIM_READ_LIST, SIM_READ_LIST, key) &&
		    (!longest || world.op[i].list_count > longest->list_count))
			longest = &world.op[i];
	check_list(longest, key);
	for (uint32_t i = 0; i < world.ops; i++) {
		const struct op *op = &world.op[i];
		bool appends = op->intent->f == SIM_APPEND;
		uint32_t place;

		if (!is_of(op, SIM_APPEND, SIM_READ_LIST, key))
			continue;
		place = appends ? place_in(longest, op->intent->value) : op->list_count;
		for (uint32_t j = 0; !appends && j < place; j++)
			holds(op->list[j] == longest->list[j], "lists are linearizable");
		if (!place && appends && op->state == OP_DONE && longest)
			holds(op->returned >= longest->called, "what was appended stays");
		if (!place && appends)          /* it did not happen, or nobody looked since */
			continue;
		m[count++] = (struct moment){ op->called, place, true, appends };
		if (op->state == OP_DONE)
			m[count++] = (struct moment){ op->returned, place, false, appends };
	}
	check_order(m, count);
}

static void judge_lists(void)
{
	struct moment *m = scratch(2 * world.ops, sizeof(*m));

	for (int key = 0; key < world.plan->keys; key++)
		judge_list(key, m);
}

/* --- Synods --- */

static void judge_synods(void)
{
	for (int key = 0; key < world.plan->keys; key++) {
		const struct op *first = NULL;
		bool asked = false;

		for (uint32_t i = 0; i < world.ops; i++) {
			const struct op *op = &world.op[i];

			if (!is_of(op, SIM_PROPOSE, SIM_PROPOSE, key) || op->state != OP_DONE)
				continue;
			if (!first || op->returned < first->returned)
				first = op;
			holds(op->value == first->value, "one value a register");
		}
		for (uint32_t i = 0; first && i < world.ops; i++)
			asked |= world.op[i].intent->f == SIM_PROPOSE && world.op[i].intent->key == key && world.op[i].called &&
				 world.op[i].called < first->returned && (long)world.op[i].intent->value == first->value;
		holds(!first || asked, "a register holds what was proposed");
	}
}

void judge(void)
{
	judge_lists();
	judge_keys(SIM_READ, SIM_DELETE, "keys are linearizable");
	if (world.plan->protocol != SIM_PAXOS)
		return;
	judge_synods();
	judge_keys(SIM_CHANGE, SIM_LOOK, "registers are linearizable");
}
