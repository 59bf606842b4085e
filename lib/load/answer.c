/* answer: see answer.h */
#include "lib/load/answer.h"

#include <string.h>

enum { CODE_MAX = 1 << 20 };            /* of an error: beyond it is all the same */

struct glance {
	const char *p, *end;
};

static inline bool take(struct glance *g, const char *text, size_t len)
{
	if ((size_t)(g->end - g->p) < len || memcmp(g->p, text, len) != 0)
		return false;
	g->p += len;
	return true;
}

#define TAKE(g, text) take(g, text, sizeof(text) - 1)

/* Digits, at least one and few enough not to overflow. */
static inline bool take_number(struct glance *g, uint64_t *number)
{
	const char *start = g->p;

	for (*number = 0; g->p < g->end && *g->p >= '0' && *g->p <= '9' && g->p - start < 18; g->p++)
		*number = *number * 10 + (uint64_t)(*g->p - '0');
	return g->p > start && g->p < g->end && (*g->p < '0' || *g->p > '9');
}

/* To the end of a string without escapes. */
static inline bool take_string(struct glance *g)
{
	const char *quote = memchr(g->p, '"', (size_t)(g->end - g->p));

	if (!quote || (quote > g->p && quote[-1] == '\\'))
		return false;
	g->p = quote + 1;
	return true;
}

/* A number, or a string of plain characters: what is easily taken as it stands. */
static inline bool take_plain(struct glance *g, struct wire_text *json)
{
	const char *start = g->p;
	uint64_t number;

	if (!TAKE(g, "\"")) {
		/* One that begins with 0 is that. */
		if (!take_number(g, &number) || (*start == '0' && g->p > start + 1) || (*g->p != ',' && *g->p != '}'))
			return false;
	} else {
		while (g->p < g->end && *g->p >= ' ' && *g->p <= '~' && *g->p != '"' && *g->p != '\\')
			g->p++;
		if (!TAKE(g, "\""))
			return false;
	}
	*json = (struct wire_text){ .p = start, .len = (size_t)(g->p - start) };
	return true;
}

static inline bool take_error(struct answer *a, struct glance *g)
{
	uint64_t code;

	if (!TAKE(g, ",\"in_reply_to\":") || !take_number(g, &a->msg_id) || !TAKE(g, ",\"code\":") || !take_number(g, &code))
		return false;
	a->code = code < CODE_MAX ? (int)code : CODE_MAX;
	return true;
}

/*
 * {"src":"n1","dest":"PREFIX7","body":{"type":"error","in_reply_to":1,"code":11
 * {"src":"n1","dest":"PREFIX7","body":{"type":"write_ok","in_reply_to":1
 * {"src":"n1","dest":"PREFIX7","body":{"type":"read_ok","value":1,"in_reply_to":1}}
 * and in lockstep `"at":7,` before "src".  What was read may stand behind in_reply_to, where it is not wanted.
 */
static bool at_a_glance(struct answer *a, struct glance g, const char *prefix, size_t prefix_len, bool want_read)
{
	uint64_t number;

	if (!TAKE(&g, "{\"src\":\"") && (!TAKE(&g, "{\"at\":") || !take_number(&g, &number) || !TAKE(&g, ",\"src\":\"")))
		return false;
	if (!take_string(&g) || !TAKE(&g, ",\"dest\":\"") || !take(&g, prefix, prefix_len) || !take_number(&g, &number) ||
	    number > UINT32_MAX || !TAKE(&g, "\",\"body\":{\"type\":\""))
		return false;
	a->client = (uint32_t)number;
	a->code = ANSWER_OK;
	if (TAKE(&g, "error\""))
		return take_error(a, &g);
	if (!take_string(&g) || memcmp(g.p - 4, "_ok\"", 4) != 0)
		return false;
	if (TAKE(&g, ",\"value\":") && !take_plain(&g, &a->read))
		return false;
	if (!TAKE(&g, ",\"in_reply_to\":") || !take_number(&g, &a->msg_id))
		return false;
	return !want_read || (g.end - g.p == 2 && TAKE(&g, "}}"));
}

enum { NAME_CODE, NAME_LEADER, NAME_VALUE, NAME_TXN, NAMES };

static const struct wire_names *names(void)
{
	static const char *const wanted[] = { "code", "leader", "value", "txn", NULL };
	static struct wire_names *made;

	if (!made)
		made = wire_names_new(wanted);
	return made;
}

static bool is(struct wire_text t, const char *s)
{
	return t.len == strlen(s) && !memcmp(t.p, s, t.len);
}

static bool by_parsing(struct answer *a, const char *text, size_t len, const char *prefix, size_t prefix_len)
{
	struct wire_value value[NAMES];
	struct wire_line line;
	struct glance number;
	uint64_t n = 0;

	if (wire_parse(&line, text, len) || !wire_u64(&line.in_reply_to, &a->msg_id))
		return false;
	if (line.dest.len <= prefix_len || memcmp(line.dest.p, prefix, prefix_len) != 0)
		return false;
	number = (struct glance){ line.dest.p + prefix_len, line.dest.p + line.dest.len };
	for (; number.p < number.end && *number.p >= '0' && *number.p <= '9' && n <= UINT32_MAX; number.p++)
		n = n * 10 + (uint64_t)(*number.p - '0');
	if (number.p < number.end || n > UINT32_MAX)
		return false;
	a->client = (uint32_t)n;
	a->code = ANSWER_OK;
	wire_body(names(), line.body, value);
	if (is(line.type, "read_ok"))
		a->read = value[NAME_VALUE].json;
	else if (is(line.type, "txn_ok"))
		a->read = value[NAME_TXN].json;
	/* An error that does not say which leaves all open. */
	else if (is(line.type, "error"))
		a->code = !wire_u64(&value[NAME_CODE], &n) ? WIRE_CRASH : n < CODE_MAX ? (int)n : CODE_MAX;
	return true;
}

bool answer_read(struct answer *a, const char *line, size_t len, const char *prefix, size_t prefix_len, bool want_read)
{
	struct glance g = { line, line + len };

	a->read = (struct wire_text){ .p = NULL };
	if (at_a_glance(a, g, prefix, prefix_len, want_read))
		return true;
	a->read = (struct wire_text){ .p = NULL };
	return by_parsing(a, line, len, prefix, prefix_len);
}

bool answer_time(const char *text, size_t len, uint64_t *at)
{
	struct glance g = { text, text + len };
	struct wire_line line;

	if (TAKE(&g, "{\"at\":") && take_number(&g, at) && *g.p == ',')
		return true;
	return !wire_parse(&line, text, len) && wire_u64(&line.at, at);
}

size_t answer_leader(const char *text, size_t len, char leader[static WIRE_NAME_BYTES_MAX + 1])
{
	struct wire_value value[NAMES];
	struct wire_line line;

	if (wire_parse(&line, text, len))
		return 0;
	wire_body(names(), line.body, value);
	return wire_string(&value[NAME_LEADER], leader, WIRE_NAME_BYTES_MAX) ? strlen(leader) : 0;
}
