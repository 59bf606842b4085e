/* The names of types and shapes, the rules of names of nodes, numbers as text, and errors. */
#include "lib/plan/inside.h"
#include "lib/base/duration.h"
#include "lib/base/opt.h"
#include "lib/json/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	SHOWN_BYTES_MAX = 40,
	NUMBER_BYTES_MAX = 40,
	DIGITS_MAX = 17,                /* that tell any two doubles apart */
};

const char *const plan_kind_name[FAULT_ORDERS + 1] = {
	[FAULT_ORDER_LINK] = "link", [FAULT_ORDER_PARTITION] = "partition", [FAULT_ORDER_ISOLATE] = "isolate",
	[FAULT_ORDER_HEAL] = "heal", [FAULT_ORDER_CRASH] = "crash", [FAULT_ORDER_RESTART] = "restart",
	[FAULT_ORDER_PAUSE] = "pause", [FAULT_ORDER_RESUME] = "resume", [FAULT_ORDER_SKEW] = "skew",
	[FAULT_ORDER_CALM] = "calm",
};

const char *const plan_shape_name[FAULT_SHAPES + 1] = {
	[FAULT_GROUPS] = "groups", [FAULT_HALVES] = "halves", [FAULT_MAJORITY] = "majority",
	[FAULT_MINORITY_THIRD] = "minority-third", [FAULT_ONE] = "one", [FAULT_RING] = "ring", [FAULT_BRIDGE] = "bridge",
};

/* --- Pieces --- */

struct piece piece_cut(struct piece *rest, char c)
{
	const char *at = rest->len ? memchr(rest->p, c, rest->len) : NULL;
	struct piece first = *rest;

	if (!at) {
		*rest = (struct piece){ .p = NULL };
		return first;
	}
	first.len = (size_t)(at - first.p);
	*rest = (struct piece){ .p = at + 1, .len = rest->len - first.len - 1 };
	return first;
}

bool piece_is(struct piece piece, const char *word)
{
	return piece.len == strlen(word) && !memcmp(piece.p, word, piece.len);
}

/* --- Errors --- */

static bool continues_character(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

int plan_wrong(struct plan_error *e, const char *fmt, ...)
{
	size_t len = sizeof(e->why) - 1;
	va_list ap;

	va_start(ap, fmt);
	if (vsnprintf(e->why, sizeof(e->why), fmt, ap) > (int)len) {
		while (len && continues_character(e->why[len - 1]))
			len--;
		/* The first byte of a character of which perhaps not all is there. */
		if (len && (unsigned char)e->why[len - 1] >= 0xc0)
			len--;
		e->why[len] = '\0';
	}
	va_end(ap);
	return -1;
}

int plan_shown(struct piece piece)
{
	if (piece.len <= SHOWN_BYTES_MAX)
		return (int)piece.len;
	piece.len = SHOWN_BYTES_MAX;
	while (piece.len && continues_character(piece.p[piece.len]))
		piece.len--;
	return (int)piece.len;
}

const char *plan_near(struct piece typed, const char *const *words)
{
	char text[SHOWN_BYTES_MAX + 1];

	if (typed.len >= sizeof(text))
		return NULL;
	snprintf(text, sizeof(text), "%.*s", (int)typed.len, typed.p);
	return opt_near(text, words);
}

/* --- Numbers --- */

static size_t digits(const char *p)
{
	return strspn(p, "0123456789");
}

bool plan_number(struct piece piece, double *number)
{
	char text[NUMBER_BYTES_MAX + 1], *end;
	size_t whole, part = 0, n;

	if (piece.len > NUMBER_BYTES_MAX || memchr(piece.p, '\0', piece.len))
		return false;
	snprintf(text, sizeof(text), "%.*s", (int)piece.len, piece.p);
	whole = n = digits(text);
	if (text[n] == '.') {
		part = digits(text + n + 1);
		n += 1 + part;
	}
	if (!whole && !part)
		return false;
	if (text[n] == 'e' || text[n] == 'E') {
		n += 1 + (text[n + 1] == '-');
		if (!digits(text + n))
			return false;
		n += digits(text + n);
	}
	*number = strtod(text, &end);
	return !text[n] && !*end && *number <= 1e300;
}

void plan_number_print(struct buf *b, double number)
{
	char text[32];

	for (int n = 1; n <= DIGITS_MAX; n++) {
		snprintf(text, sizeof(text), "%.*g", n, number);
		/* 1000 is better than 1e+03. */
		if (strtod(text, NULL) == number && !strchr(text, '+'))
			break;
	}
	buf_puts(b, text);
}

int plan_duration(const char *text, size_t len, uint64_t *ns)
{
	return duration_read(text, len, ns) && *ns <= PLAN_NS_MAX ? 0 : -1;
}

bool plan_offset(struct piece text, int64_t *ns)
{
	bool minus = text.len && *text.p == '-';
	uint64_t span;

	if (plan_duration(text.p + minus, text.len - minus, &span))
		return false;
	*ns = minus ? -(int64_t)span : (int64_t)span;
	return true;
}

void plan_duration_print(struct buf *b, uint64_t ns)
{
	char text[DURATION_BYTES];

	duration_write(text, ns);
	buf_puts(b, text);
}

/* --- Types and shapes --- */

/* The word's index, or -1 and the near miss. */
static int find(struct piece word, const char *what, const char *const *words, struct plan_error *e)
{
	const char *near;

	for (int i = 0; words[i]; i++)
		if (piece_is(word, words[i]))
			return i;
	near = plan_near(word, words);
	if (near)
		return plan_wrong(e, "%s '%.*s' is unknown: did you mean '%s'?", what, SHOWN(word), near);
	return plan_wrong(e, "%s '%.*s' is unknown", what, SHOWN(word));
}

int plan_kind(struct piece word, enum fault_kind *kind, struct plan_error *e)
{
	int i = find(word, "type", plan_kind_name, e);

	if (i >= 0)
		*kind = (enum fault_kind)i;
	return i < 0 ? -1 : 0;
}

bool plan_type(const char *type, size_t len)
{
	for (int i = 0; i < FAULT_ORDERS; i++)
		if (piece_is((struct piece){ type, len }, plan_kind_name[i]))
			return true;
	return false;
}

/* GROUPS is no word of its own: it is what groups make. */
int plan_shape(struct piece word, enum fault_shape *shape, struct plan_error *e)
{
	int i = find(word, "shape", plan_shape_name + 1, e);

	if (i >= 0)
		*shape = (enum fault_shape)(i + 1);
	return i < 0 ? -1 : 0;
}

bool plan_of_nodes(enum fault_kind kind)
{
	return kind == FAULT_ORDER_ISOLATE || kind == FAULT_ORDER_CRASH || kind == FAULT_ORDER_RESTART ||
		kind == FAULT_ORDER_PAUSE || kind == FAULT_ORDER_RESUME || kind == FAULT_ORDER_SKEW;
}

bool plan_lasts(enum fault_kind kind)
{
	return kind != FAULT_ORDER_HEAL && kind != FAULT_ORDER_RESTART && kind != FAULT_ORDER_RESUME &&
		kind != FAULT_ORDER_CALM;
}

/* --- Names --- */

bool plan_name_right(struct piece name)
{
	if (!name.len || name.len > WIRE_NAME_BYTES_MAX || piece_is(name, "net"))
		return false;
	for (size_t i = 0; i < name.len; i++) {
		char c = name.p[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c && strchr("._:-@", c))))
			return false;
	}
	return true;
}

bool plan_some_right(struct piece word)
{
	size_t count = 0;

	if (piece_is(word, "*") || piece_is(word, "?"))
		return true;
	if (word.len < 2 || *word.p != '?' || word.p[1] == '0')
		return false;
	for (size_t i = 1; i < word.len; i++) {
		if (word.p[i] < '0' || word.p[i] > '9')
			return false;
		count = 10 * count + (size_t)(word.p[i] - '0');
		if (count > FAULT_NODES_MAX)
			return false;
	}
	return true;
}

/* A name of any client's too; but nothing that would make a pattern be read in two ways. */
static bool end_right(struct piece end)
{
	if (!end.len || end.len > WIRE_NAME_BYTES_MAX || !json_utf8(end.p, end.len))
		return false;
	for (size_t i = 0; i < end.len; i++)
		if ((unsigned char)end.p[i] <= ' ' || end.p[i] == 0x7f || strchr("<>,|=", end.p[i]))
			return false;
	return true;
}

int plan_pattern(struct piece link, struct plan_error *e)
{
	struct piece to = link, from = piece_cut(&to, '>');

	if (to.p && from.len && from.p[from.len - 1] == '<')
		from.len--;
	if (!to.p || !end_right(from) || !end_right(to))
		return plan_wrong(e, "link '%.*s': must be FROM>TO or A<>B, as n1>n2 or client<>n*", SHOWN(link));
	return 0;
}
