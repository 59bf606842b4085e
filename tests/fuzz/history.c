/*
 * libFuzzer: any bytes as the lines of a history are taken or refused with a reason, within the memory that may be used; and what is
 * taken is as the checkers want it.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/history/history.h"
#include "lib/json/text.h"

enum { MEMORY_SMALL = 20000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const char *text)
{
	assert(text && *text && json_utf8(text, strlen(text)));
}

static void check_ops(const struct history *h, uint32_t key)
{
	uint32_t count;
	const struct lin_op *op = history_ops(h, key, &count);

	check_text(history_key(h, key));
	for (uint32_t i = 0; i < count; i++) {
		assert(op[i].called && op[i].called < op[i].returned && (!i || op[i - 1].called < op[i].called));
		assert((op[i].returned == LIN_NEVER) == (op[i].outcome == LIN_UNKNOWN));
		assert(op[i].kind != LIN_READ || op[i].outcome == LIN_OK);
		assert(op[i].kind != LIN_WRITE || (op[i].value && op[i].outcome != LIN_NO_KEY && op[i].outcome != LIN_OTHER_VALUE));
		assert(op[i].kind != LIN_CAS || (op[i].value && op[i].from));
		check_text(history_value(h, op[i].value));
		check_text(history_process(h, &op[i]));
	}
}

static void check_micro(const struct history *h, const struct serial_txn *t, const struct serial_micro *m)
{
	assert(m->key < history_keys(h));
	assert(!m->unknown || ((m->kind == SERIAL_READ || m->kind == SERIAL_READ_LIST) && !t->certain));
	if (m->kind == SERIAL_READ_LIST && !m->unknown)
		for (uint32_t i = 0; i < m->count; i++)
			check_text(history_value(h, m->list[i]));
	assert(m->kind != SERIAL_APPEND || m->value);
	check_text(history_value(h, m->value));
}

static void check_transactions(const struct history *h)
{
	uint32_t count;
	const struct serial_txn *t = history_transactions(h, &count);

	for (uint32_t i = 0; i < count; i++) {
		assert(t[i].called && t[i].called < t[i].returned && (!i || t[i - 1].called < t[i].called));
		assert(t[i].count && t[i].certain == (t[i].returned != SERIAL_NEVER));
		check_text(history_transaction_process(h, i));
		for (uint32_t m = 0; m < t[i].count; m++)
			check_micro(h, &t[i], &t[i].micro[m]);
	}
}

static void check_whole(const struct history *h)
{
	struct history_counts n = history_counts(h);

	assert(n.kept <= n.begun && n.begun + n.ignored <= n.lines && n.unknown <= n.kept);
	if (history_has_transactions(h)) {
		check_transactions(h);
		return;
	}
	for (uint32_t key = 0; key < history_keys(h); key++)
		check_ops(h, key);
}

static int feed_exact(struct history *h, const uint8_t *line, size_t len, char problem[HISTORY_PROBLEM_BYTES])
{
	char *exact = malloc(len ? len : 1);
	int rc;

	memcpy(exact, line, len);
	rc = history_feed(h, exact, len, problem);
	free(exact);
	return rc;
}

static void try(const uint8_t *data, size_t size, size_t memory_max)
{
	struct history *h = history_new(memory_max);
	char problem[HISTORY_PROBLEM_BYTES] = "";
	int rc = 0;

	while (size && !rc) {
		const uint8_t *newline = memchr(data, '\n', size);
		size_t len = newline ? (size_t)(newline - data) : size;

		rc = feed_exact(h, data, len, problem);
		assert(!memory_max || history_bytes(h) <= memory_max);
		len += newline != NULL;
		data += len;
		size -= len;
	}
	if (!rc)
		rc = history_end(h, problem);
	assert(rc == 0 || (rc == -1 && *problem && memchr(problem, '\0', sizeof(problem))) || (rc == -2 && memory_max));
	if (!rc)
		check_whole(h);
	history_free(h);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	try(data, size, 0);
	try(data, size, MEMORY_SMALL);
	return 0;
}
