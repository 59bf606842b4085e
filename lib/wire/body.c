/*
 * The members of a body and the elements of an array, out of text that wire_parse has taken.
 *
 * Messages of one kind come with their members in one order, nearly always the one in which
 * they are asked for: so a name is looked for first behind the one found last.
 */
#include "lib/base/err.h"
#include "lib/wire/skip.h"

#include <assert.h>
#include <stdlib.h>

struct wire_names {
	size_t count;
	uint64_t lengths;               /* a bit a length; the last for all from 63 on */
	struct {
		char *p;
		size_t len;
	} name[WIRE_FIELDS_MAX];
};

static inline uint64_t length_bit(size_t len)
{
	return UINT64_C(1) << (len < 63 ? len : 63);
}

struct wire_names *wire_names_new(const char *const *names)
{
	struct wire_names *n = must_calloc(1, sizeof(*n));

	for (; *names; names++) {
		size_t len = strlen(*names);

		assert(n->count < WIRE_FIELDS_MAX);
		n->name[n->count].p = must_strdup(*names);
		n->name[n->count++].len = len;
		n->lengths |= length_bit(len);
	}
	return n;
}

void wire_names_free(struct wire_names *names)
{
	if (!names)
		return;
	for (size_t i = 0; i < names->count; i++)
		free(names->name[i].p);
	free(names);
}

/* Where among the names it is, `names->count` if nowhere; *next is where to begin. */
static inline size_t place(const struct wire_names *names, const struct skip *s, const struct skip_name *name,
			   size_t *next)
{
	if (!(names->lengths & length_bit(name->text.len)) && !name->escaped)
		return names->count;
	for (size_t tried = 0; tried < names->count; tried++) {
		size_t i = *next;

		*next = i + 1 == names->count ? 0 : i + 1;
		if (skip_is(s, name, names->name[i].p, names->name[i].len))
			return i;
	}
	return names->count;
}

/* The members of the object at s->p; moves to its closing brace. */
static inline void read_members(const struct wire_names *names, struct skip *s, struct wire_value *out)
{
	struct wire_value other;
	struct skip_name name;
	size_t next = 0;
	bool more;

	for (size_t i = 0; i < names->count; i++)
		out[i] = (struct wire_value){ .kind = WIRE_ABSENT };
	for (more = skip_open(s, '{'); more; more = skip_comma(s)) {
		bool named = skip_name(s, &name), valued;
		size_t i;

		assert(named);
		i = place(names, s, &name, &next);
		valued = skip_value(s, i < names->count ? &out[i] : &other);
		assert(valued);
	}
}

void wire_body(const struct wire_names *names, struct wire_text body, struct wire_value *out)
{
	struct skip s = { .start = body.p, .end = body.p + body.len, .p = body.p, .checked = true };

	read_members(names, &s, out);
}

/* --- Values --- */

bool wire_u64(const struct wire_value *value, uint64_t *number)
{
	uint64_t x = 0;

	if (value->kind != WIRE_NUMBER || value->json.len > 16)
		return false;
	for (size_t i = 0; i < value->json.len; i++) {
		unsigned digit = (unsigned char)value->json.p[i] - (unsigned)'0';

		if (digit > 9)
			return false;
		x = 10 * x + digit;
	}
	if (x > WIRE_NUMBER_MAX)
		return false;
	*number = x;
	return true;
}

bool wire_true(const struct wire_value *value)
{
	return value->kind == WIRE_OTHER && *value->json.p == 't';
}

bool wire_null(const struct wire_value *value)
{
	return value->kind == WIRE_OTHER && *value->json.p == 'n';
}

static struct json_text text_of(const struct wire_value *value)
{
	return (struct json_text){ .p = value->json.p + 1, .end = value->json.p + value->json.len - 1,
				   .escaped = value->escaped };
}

bool wire_string(const struct wire_value *value, char *out, size_t max)
{
	struct json_text text;
	size_t n = 0;
	int c;

	if (value->kind != WIRE_STRING)
		return false;
	text = text_of(value);
	while ((c = json_text_next(&text)) > 0 && n < max)
		out[n++] = (char)c;
	out[n] = '\0';
	return c < 0;
}

bool wire_is(const struct wire_value *value, const char *s)
{
	struct json_text text;
	int c;

	if (value->kind != WIRE_STRING)
		return false;
	text = text_of(value);
	while ((c = json_text_next(&text)) > 0 && (unsigned char)*s == c)
		s++;
	return c < 0 && !*s;
}

/* --- Arrays --- */

bool wire_walk_init(struct wire_walk *walk, struct wire_text array)
{
	struct skip s;

	*walk = (struct wire_walk){ .p = NULL };
	if (!array.len || *array.p != '[')
		return false;
	s = (struct skip){ .start = array.p, .end = array.p + array.len, .p = array.p };
	if (skip_open(&s, '['))
		*walk = (struct wire_walk){ .p = s.p, .end = s.end };
	return true;
}

bool wire_walk_next(struct wire_walk *walk, struct wire_value *element)
{
	struct skip s = { .start = walk->p, .end = walk->end, .p = walk->p, .checked = true };

	if (!skip_value(&s, element))
		return false;
	if (!skip_comma(&s))
		s.p = s.end;
	walk->p = s.p;
	return true;
}

bool wire_walk_body(struct wire_walk *walk, const struct wire_names *names, struct wire_value *out)
{
	struct skip s = { .start = walk->p, .end = walk->end, .p = walk->p, .checked = true };

	if (s.p == s.end || *s.p != '{')
		return false;
	read_members(names, &s, out);
	s.p++;
	if (!skip_comma(&s))
		s.p = s.end;
	walk->p = s.p;
	return true;
}

bool wire_walk_ended(const struct wire_walk *walk)
{
	return walk->p == walk->end;
}
