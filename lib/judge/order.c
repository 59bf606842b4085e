/* Operations and transactions as JSON objects, and the order of those that took effect. */
#include "lib/judge/inside.h"

static void put_begin(FILE *out, uint64_t called, uint64_t returned, const char *process)
{
	fprintf(out, "{\"lines\":[%ju,", (uintmax_t)called);
	if (returned == LIN_NEVER)
		fputs("null", out);
	else
		fprintf(out, "%ju", (uintmax_t)returned);
	fprintf(out, "],\"process\":%s", process);
}

static const char *outcome_name(const struct lin_op *op)
{
	switch (op->outcome) {
	case LIN_NO_KEY: return "no key";
	case LIN_OTHER_VALUE: return "other value";
	case LIN_UNKNOWN: return "unknown";
	default: return "ok";
	}
}

void judge_put_operation(FILE *out, const struct history *h, uint32_t key, uint32_t i)
{
	static const char *const f[] = { [LIN_READ] = "read", [LIN_WRITE] = "write", [LIN_CAS] = "cas", [LIN_DELETE] = "delete" };
	uint32_t count;
	const struct lin_op *op = &history_ops(h, key, &count)[i];

	put_begin(out, op->called, op->returned, history_process(h, op));
	fprintf(out, ",\"f\":\"%s\",\"key\":%s", f[op->kind], history_key(h, key));
	if (op->kind == LIN_CAS)
		fprintf(out, ",\"value\":[%s,%s]%s", history_value(h, op->from), history_value(h, op->value),
			op->create ? ",\"create_if_not_exists\":true" : "");
	else
		fprintf(out, ",\"value\":%s", op->kind == LIN_DELETE ? "null" : history_value(h, op->value));
	fprintf(out, ",\"outcome\":\"%s\"}", outcome_name(op));
}

static void put_list(FILE *out, const struct history *h, const struct serial_micro *m)
{
	if (!m->count) {
		fputs("null", out);
		return;
	}
	for (uint32_t i = 0; i < m->count; i++)
		fprintf(out, "%c%s", i ? ',' : '[', history_value(h, m->list[i]));
	putc(']', out);
}

/* What it read, wrote or appended; "other" and "or missing" stand for operations that are no txn. */
static void put_micro(FILE *out, const struct history *h, const struct serial_micro *m)
{
	static const char *const f[] = {
		[SERIAL_READ] = "r", [SERIAL_READ_LIST] = "r", [SERIAL_WRITE] = "w", [SERIAL_APPEND] = "append",
		[SERIAL_READ_OTHER] = "other", [SERIAL_READ_OR_MISSING] = "or missing",
	};

	fprintf(out, "[\"%s\",%s,", f[m->kind], history_key(h, m->key));
	if (m->unknown)
		fputs("null", out);
	else if (m->kind == SERIAL_READ_LIST)
		put_list(out, h, m);
	else
		fputs(history_value(h, m->value), out);
	putc(']', out);
}

void judge_put_transaction(FILE *out, const struct history *h, uint32_t i)
{
	uint32_t count;
	const struct serial_txn *t = &history_transactions(h, &count)[i];

	put_begin(out, t->called, t->returned, history_transaction_process(h, i));
	fputs(",\"f\":\"txn\",\"value\":[", out);
	for (uint32_t m = 0; m < t->count; m++) {
		if (m)
			putc(',', out);
		put_micro(out, h, &t->micro[m]);
	}
	fprintf(out, "],\"outcome\":\"%s\"}", t->certain ? "ok" : "unknown");
}

void judge_put_order(FILE *out, const struct history *h, const struct judgement *j)
{
	for (uint32_t i = 0; i < j->orders; i++) {
		for (uint32_t at = 0; at < j->order[i].count; at++) {
			if (history_has_transactions(h))
				judge_put_transaction(out, h, j->order[i].at[at]);
			else
				judge_put_operation(out, h, j->order[i].key, j->order[i].at[at]);
			putc('\n', out);
		}
	}
}
