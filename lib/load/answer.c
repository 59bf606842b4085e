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

/*
 * {"src":"n1","dest":"PREFIX7","body":{"type":"read_ok","in_reply_to":1
 * {"src":"n1","dest":"PREFIX7","body":{"type":"error","in_reply_to":1,"code":11
 */
static bool at_a_glance(struct answer *a, struct glance g, const char *prefix, size_t prefix_len)
{
	uint64_t number;
	bool error;

	if (!TAKE(&g, "{\"src\":\"") || !take_string(&g) || !TAKE(&g, ",\"dest\":\"") ||
	    !take(&g, prefix, prefix_len) || !take_number(&g, &number) || number > UINT32_MAX ||
	    !TAKE(&g, "\",\"body\":{\"type\":\""))
		return false;
	a->client = (uint32_t)number;
	error = TAKE(&g, "error\"");
	if (!error && (!take_string(&g) || memcmp(g.p - 4, "_ok\"", 4) != 0))
		return false;
	if (!TAKE(&g, ",\"in_reply_to\":") || !take_number(&g, &a->msg_id))
		return false;
	a->code = ANSWER_OK;
	if (!error)
		return true;
	if (!TAKE(&g, ",\"code\":") || !take_number(&g, &number))
		return false;
	a->code = number < CODE_MAX ? (int)number : CODE_MAX;
	return true;
}

static const struct wire_names *names(void)
{
	static const char *const wanted[] = { "code", "leader", NULL };
	static struct wire_names *made;

	if (!made)
		made = wire_names_new(wanted);
	return made;
}

static bool by_parsing(struct answer *a, const char *text, size_t len, const char *prefix, size_t prefix_len)
{
	struct wire_value value[2];
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
	if (line.type.len != 5 || memcmp(line.type.p, "error", 5) != 0)
		return true;
	wire_body(names(), line.body, value);
	/* An error that does not say which leaves all open. */
	a->code = !wire_u64(&value[0], &n) ? WIRE_CRASH : n < CODE_MAX ? (int)n : CODE_MAX;
	return true;
}

bool answer_read(struct answer *a, const char *line, size_t len, const char *prefix, size_t prefix_len)
{
	return at_a_glance(a, (struct glance){ line, line + len }, prefix, prefix_len) ||
	       by_parsing(a, line, len, prefix, prefix_len);
}

size_t answer_leader(const char *text, size_t len, char leader[static WIRE_NAME_BYTES_MAX + 1])
{
	struct wire_value value[2];
	struct wire_line line;

	if (wire_parse(&line, text, len))
		return 0;
	wire_body(names(), line.body, value);
	return wire_string(&value[1], leader, WIRE_NAME_BYTES_MAX) ? strlen(leader) : 0;
}
