/*
 * The canonical form is written from left to right, with a stack of open containers in place of
 * recursion.  Where each member of the open objects begins is kept, so that an object is put in order when it
 * closes.
 *
 * Invariant: what is written of a closed container is its canonical form.
 */
#include "lib/kv/canon.h"
#include "lib/json/scan.h"
#include "lib/json/text.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* A member in the output. */
struct member {
	size_t at, len;
	size_t name_len;        /* of its beginning, quotes included */
};

struct canon {
	struct buf *out;
	struct buf members;     /* struct member: of all open objects, those of an inner one after those around it */
	struct buf scratch;
	size_t depth;
	struct {
		size_t first;   /* where its members begin, in bytes of `members` */
		bool object;
	} level[JSON_DEPTH_MAX];
};

/* May a number that has begun go on with it? */
static inline bool is_number(char c)
{
	return (c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.' || (c | 0x20) == 'e';
}

/* Beyond the string at p. */
static const char *string_end(const char *p)
{
	for (p++; *p != '"'; p++)
		p += *p == '\\';
	return p + 1;
}

static const char *number_end(const char *p, const char *end)
{
	while (p != end && is_number(*p))
		p++;
	return p;
}

/* --- Scalars --- */

static void add_string(struct canon *c, const char *p, size_t len)
{
	struct json_text text = { .p = p + 1, .end = p + len - 1, .escaped = true };
	int byte;

	if (!memchr(p, '\\', len)) {
		buf_add(c->out, p, len);
		return;
	}
	buf_clear(&c->scratch, len);
	while ((byte = json_text_next(&text)) >= 0)
		buf_putc(&c->scratch, (char)byte);
	wire_put_string(c->out, c->scratch.at, c->scratch.len);
}

static void add_real(struct canon *c, const char *p, size_t len)
{
	char digits[32];
	int precision = 15, n;
	double x;

	buf_clear(&c->scratch, len + 1);
	buf_add(&c->scratch, p, len);
	buf_putc(&c->scratch, '\0');
	x = strtod(c->scratch.at, NULL);
	if (!isfinite(x)) {
		buf_add(c->out, p, len);
		return;
	}
	if (x == 0)
		x = 0;          /* -0.0 equals it */
	do
		n = snprintf(digits, sizeof(digits), "%.*g", precision, x);
	while (precision++ < 17 && strtod(digits, NULL) != x);
	buf_add(c->out, digits, (size_t)n);
	if (!strpbrk(digits, ".e"))
		buf_puts(c->out, ".0");
}

static void add_number(struct canon *c, const char *p, size_t len)
{
	struct wire_text number = { .p = p, .len = len };

	if (canon_is_plain(number))
		buf_add(c->out, p, len);
	else if (len == 2 && p[0] == '-' && p[1] == '0')
		buf_putc(c->out, '0');
	else
		add_real(c, p, len);
}

/* --- Containers --- */

static struct member *newest_member(struct canon *c)
{
	return (struct member *)(void *)(c->members.at + c->members.len) - 1;
}

static void begin_member(struct canon *c, const char *name, size_t len)
{
	struct member member = { .at = c->out->len };

	add_string(c, name, len);
	member.name_len = c->out->len - member.at;
	buf_add(&c->members, &member, sizeof(member));
}

static void end_member(struct canon *c)
{
	struct member *member = newest_member(c);

	member->len = c->out->len - member->at;
}

static int member_order(const void *va, const void *vb, void *text)
{
	const struct member *a = va, *b = vb;
	const char *out = text;

	return canon_order((struct wire_text){ .p = out + a->at, .len = a->name_len },
			   (struct wire_text){ .p = out + b->at, .len = b->name_len });
}

static void sort_members(struct canon *c, struct member *member, size_t count)
{
	size_t at = member[0].at, i = 1;

	while (i < count && member_order(&member[i - 1], &member[i], c->out->at) < 0)
		i++;
	if (i == count)
		return;
	qsort_r(member, count, sizeof(*member), member_order, c->out->at);
	buf_clear(&c->scratch, c->out->len - at);
	for (i = 0; i < count; i++) {
		buf_add(&c->scratch, c->out->at + member[i].at, member[i].len);
		buf_putc(&c->scratch, ',');
	}
	assert(c->scratch.len - 1 == c->out->len - at);
	memcpy(c->out->at + at, c->scratch.at, c->scratch.len - 1);
}

static void open_container(struct canon *c, bool object)
{
	assert(c->depth < JSON_DEPTH_MAX);
	c->level[c->depth].object = object;
	c->level[c->depth].first = c->members.len;
	c->depth++;
}

static void close_container(struct canon *c)
{
	size_t first = c->level[--c->depth].first;

	if (first == c->members.len)
		return;
	end_member(c);
	sort_members(c, (struct member *)(void *)(c->members.at + first),
		     (c->members.len - first) / sizeof(struct member));
	c->members.len = first;
}

/* Writes the token at p and returns what follows it; *name: it is a member's name if it is a string. */
static const char *add_token(struct canon *c, const char *p, const char *end, bool *name)
{
	const char *start = p;
	bool in_object = c->depth && c->level[c->depth - 1].object;

	switch (*p) {
	case '"':
		p = string_end(p);
		if (*name)
			begin_member(c, start, (size_t)(p - start));
		else
			add_string(c, start, (size_t)(p - start));
		*name = false;
		return p;
	case '{':
	case '[':
		open_container(c, *p == '{');
		*name = *p == '{';
		break;
	case '}':
	case ']':
		close_container(c);
		*name = false;
		break;
	case ',':
		if (in_object)
			end_member(c);
		*name = in_object;
		break;
	default:
		if (*p == '-' || (*p >= '0' && *p <= '9')) {
			p = number_end(p, end);
			add_number(c, start, (size_t)(p - start));
			return p;
		}
		break;          /* ':', or a letter of true, false, null */
	}
	buf_putc(c->out, *p);
	return p + 1;
}

void canon_add(struct buf *out, struct wire_text json)
{
	struct canon c;
	const char *p = json.p, *end = json.p + json.len;
	bool name = false;

	c.out = out;
	c.members = c.scratch = (struct buf){ 0 };
	c.depth = 0;
	while (p != end) {
		if (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r')
			p++;
		else
			p = add_token(&c, p, end, &name);
	}
	assert(!c.depth);
	buf_release(&c.members);
	buf_release(&c.scratch);
}

/* --- Questions --- */

bool canon_equal(struct wire_text a, struct wire_text b)
{
	struct buf a_canon = { 0 }, b_canon = { 0 };
	bool equal;

	if (a.len == b.len && !memcmp(a.p, b.p, a.len))
		return true;
	if (canon_is_plain(a) && canon_is_plain(b))
		return false;
	a = canon(a, &a_canon);
	b = canon(b, &b_canon);
	equal = a.len == b.len && !memcmp(a.p, b.p, a.len);
	buf_release(&a_canon);
	buf_release(&b_canon);
	return equal;
}

size_t canon_depth(struct wire_text json)
{
	const char *p = json.p, *end = json.p + json.len;
	size_t depth = 0, most = 0;

	while (p != end) {
		if (*p == '"') {
			p = string_end(p);
			continue;
		}
		depth += *p == '{' || *p == '[';
		depth -= *p == '}' || *p == ']';
		most = depth > most ? depth : most;
		p++;
	}
	return most;
}
