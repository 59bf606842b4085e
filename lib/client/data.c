/*
 * The commands on keys and values.
 */
#include "lib/base/err.h"
#include "lib/client/command.h"
#include "lib/client/value.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The operand is the key that the command is about. */
static void put_key(struct buf *b, struct command *c)
{
	c->about = c->operand[0];
	buf_puts(b, "\"key\":");
	value_put(b, c->about, c->json_keys);
}

static void put_value(struct buf *b, const struct command *c, const char *name, const char *word)
{
	buf_printf(b, ",\"%s\":", name);
	value_put(b, word, !c->raw);
}

/* Asks and releases the members; whether the answer is `expected`, as command_expect. */
static enum exit_status ask(struct command *c, const char *type, bool once, struct buf *members, const char *expected,
			    struct wire_line *answer)
{
	struct request r = { .type = type, .members = { members->at, members->len }, .once = once };

	command_ask(c, &r, answer);
	buf_release(members);
	return command_expect(c, answer, expected);
}

/* A member of the answer, which has to be there. */
static struct wire_value member(const struct command *c, const struct wire_line *answer, const char *name)
{
	const char *const names[] = { name, NULL };
	struct wire_value value;

	client_fields(answer, names, &value);
	if (!value.kind)
		command_strange(c, answer);
	return value;
}

/* --- One key --- */

enum exit_status command_get(struct command *c)
{
	struct wire_line answer;
	struct wire_value value;
	struct buf b = { 0 };
	enum exit_status status;

	put_key(&b, c);
	if (c->stale)
		buf_puts(&b, ",\"stale\":true");
	status = ask(c, "read", false, &b, "read_ok", &answer);
	if (status)
		return status;
	value = member(c, &answer, "value");
	value_print(&value, c->json, false);
	putchar('\n');
	return EXIT_DONE;
}

enum exit_status command_put(struct command *c)
{
	struct wire_line answer;
	struct buf b = { 0 };

	put_key(&b, c);
	put_value(&b, c, "value", c->operand[1]);
	return ask(c, "write", true, &b, "write_ok", &answer);
}

enum exit_status command_cas(struct command *c)
{
	struct wire_line answer;
	struct buf b = { 0 };

	put_key(&b, c);
	put_value(&b, c, "from", c->operand[1]);
	put_value(&b, c, "to", c->operand[2]);
	if (c->create)
		buf_puts(&b, ",\"create_if_not_exists\":true");
	return ask(c, "cas", true, &b, "cas_ok", &answer);
}

enum exit_status command_delete(struct command *c)
{
	struct wire_line answer;
	struct buf b = { 0 };

	put_key(&b, c);
	return ask(c, "delete", true, &b, "delete_ok", &answer);
}

/* --- Lists --- */

/* Prints a page; the last key goes into `last`. */
static void print_items(const struct command *c, const struct wire_line *answer, struct buf *last)
{
	struct wire_value items = member(c, answer, "items"), item, key, value;
	struct wire_walk walk, pair;

	if (!wire_walk_init(&walk, items.json))
		command_strange(c, answer);
	while (wire_walk_next(&walk, &item)) {
		if (!wire_walk_init(&pair, item.json) || !wire_walk_next(&pair, &key) || !wire_walk_next(&pair, &value))
			command_strange(c, answer);
		if (c->json) {
			printf("%.*s\n", (int)item.json.len, item.json.p);
		} else {
			value_print(&key, false, true);
			putchar('\t');
			value_print(&value, false, true);
			putchar('\n');
		}
		last->len = 0;
		buf_add(last, key.json.p, key.json.len);
	}
}

enum exit_status command_list(struct command *c)
{
	struct buf last = { 0 };
	struct wire_value more;
	enum exit_status status;

	do {
		struct wire_line answer;
		struct buf b = { 0 };

		buf_puts(&b, "\"prefix\":");
		value_put(&b, c->operands ? c->operand[0] : "", false);
		if (last.len) {
			buf_puts(&b, ",\"after\":");
			buf_add(&b, last.at, last.len);
		}
		if (c->stale)
			buf_puts(&b, ",\"stale\":true");
		status = ask(c, "list", false, &b, "list_ok", &answer);
		if (status)
			break;
		more = member(c, &answer, "more");
		last.len = 0;
		print_items(c, &answer, &last);
		if (wire_true(&more) && !last.len)
			command_strange(c, &answer);
	} while (wire_true(&more));
	buf_release(&last);
	return status;
}

/* --- Transactions, and a machine's commands --- */

/* A list of operations as a whole, `[["r","x",null],...]`; else it is one operation. */
static bool is_list(const struct wire_value *value)
{
	struct wire_walk walk;
	struct wire_value first;

	if (value->kind != WIRE_OTHER || !wire_walk_init(&walk, value->json))
		return false;
	return !wire_walk_next(&walk, &first) || (first.kind == WIRE_OTHER && *first.json.p == '[');
}

/* Appends the operations of the text, an operation or a list of them; false if it is neither. */
static bool put_operations(struct buf *b, const char *text, size_t len)
{
	struct wire_value value = value_read(text, len), operation;
	struct wire_walk walk;

	if (value.kind != WIRE_OTHER || *value.json.p != '[')
		return false;
	if (!is_list(&value)) {
		buf_puts(b, b->len ? "," : "");
		buf_add(b, value.json.p, value.json.len);
		return true;
	}
	if (!wire_walk_init(&walk, value.json))
		return false;
	while (wire_walk_next(&walk, &operation)) {
		buf_puts(b, b->len ? "," : "");
		buf_add(b, operation.json.p, operation.json.len);
	}
	return true;
}

/* All of stdin. */
static void read_stdin(struct buf *text)
{
	enum { STEP = 1 << 16 };
	ssize_t n;

	do {
		n = read(STDIN_FILENO, buf_room(text, STEP), STEP);
		if (n < 0 && errno != EINTR)
			die(EXIT_SYSTEM, "cannot read 'stdin': %s", strerror(errno));
		text->len += n > 0 ? (size_t)n : 0;
		if (text->len > WIRE_LINE_BYTES_MAX)
			die(EXIT_DATA, "<stdin>: more than %d bytes", WIRE_LINE_BYTES_MAX);
	} while (n);
}

static bool is_blank(const char *p, const char *end)
{
	while (p != end && (*p == ' ' || *p == '\t' || *p == '\r'))
		p++;
	return p == end;
}

/* A list of operations, over lines as it likes, or one operation a line. */
static void put_stdin(struct buf *b)
{
	struct buf text = { 0 };
	size_t number = 1;

	if (isatty(STDIN_FILENO))
		warn("reading operations from the terminal; ^D ends");
	read_stdin(&text);
	if (put_operations(b, text.at, text.len)) {
		buf_release(&text);
		return;
	}
	for (const char *p = text.at, *end = p + text.len, *newline; p < end; p = newline + 1, number++) {
		newline = memchr(p, '\n', (size_t)(end - p));
		if (!newline)
			newline = end;
		if (!is_blank(p, newline) && !put_operations(b, p, (size_t)(newline - p)))
			die(EXIT_DATA, "<stdin>:%zu: not a JSON array", number);
	}
	buf_release(&text);
}

enum exit_status command_txn(struct command *c)
{
	struct buf operations = { 0 }, b = { 0 };
	struct wire_line answer;
	struct wire_value done, operation;
	struct wire_walk walk;
	enum exit_status status;

	for (size_t i = 0; i < c->operands; i++)
		if (!put_operations(&operations, c->operand[i], strlen(c->operand[i])))
			die_usage("'%s': not a JSON array", c->operand[i]);
	if (!c->operands && !c->addresses)
		die_usage("txn: standard input is the connection, so the operations must be operands");
	if (!c->operands)
		put_stdin(&operations);
	buf_puts(&b, "\"txn\":[");
	buf_add(&b, operations.at, operations.len);
	buf_putc(&b, ']');
	buf_release(&operations);
	status = ask(c, "txn", true, &b, "txn_ok", &answer);
	if (status)
		return status;
	done = member(c, &answer, "txn");
	if (!wire_walk_init(&walk, done.json))
		command_strange(c, &answer);
	while (wire_walk_next(&walk, &operation))
		printf("%.*s\n", (int)operation.json.len, operation.json.p);
	return EXIT_DONE;
}

enum exit_status command_apply(struct command *c)
{
	struct wire_line answer;
	struct wire_value result;
	struct buf b = { 0 };
	enum exit_status status;

	buf_puts(&b, "\"command\":");
	value_put(&b, c->operand[0], !c->raw);
	status = ask(c, "apply", true, &b, "apply_ok", &answer);
	if (status)
		return status;
	result = member(c, &answer, "result");
	value_print(&result, c->json, false);
	putchar('\n');
	return EXIT_DONE;
}
