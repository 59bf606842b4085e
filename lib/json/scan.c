/*
 * A line is read from left to right once, with a stack of open containers in
 * place of recursion; its strings are skipped in blocks (block.h), its members'
 * names kept while their object is open (names.h).  What makes it fast besides:
 *
 * - The line has to end in '}', which ends every number, word and stretch of
 *   white space: so only a string, and what follows a '}', is tested for the end.
 * - The hash that tells names apart finds the parts of a path too, so a name is
 *   compared with a part only where it almost surely is that part.
 *
 * Invariant: `hit` is 0 but between a name that a path waits for and its value.
 */
#include "lib/json/scan.h"
#include "lib/json/block.h"
#include "lib/json/names.h"

#include <assert.h>
#include <string.h>

/* An open container. */
struct level {
	struct names_object names;
	char close;             /* '}' or ']' */
};

/* How far a path has come. */
struct track {
	const struct level *watch;      /* the object whose member is waited for; NULL once it is closed */
	const struct level *value;      /* the container that is the path's value, while open */
	uint32_t hash;                  /* of the part waited for */
};

struct walk {
	const char *line, *end;
	struct level *top;
	const struct json_path *const *path;
	struct json_found *found;
	size_t paths;
	uint32_t hit;                   /* a bit a path: the name just read is the part it waits for */
	struct json_wrong wrong;        /* of a line that is refused */
	struct track track[JSON_PATHS_MAX];
	struct names names;             /* of all open objects */
	struct level level[JSON_DEPTH_MAX + 1]; /* level[0] is the line */
};

__attribute__((noinline, cold))
static const char *fail(struct walk *w, const char *p, const char *error)
{
	w->wrong = (struct json_wrong){ .what = error, .at = p };
	return NULL;
}

static inline bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static inline bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Beyond white space; there is something else before the end. */
static inline const char *space(const char *p)
{
	while (UNLIKELY((unsigned char)*p <= ' ') && is_space(*p))
		p++;
	return p;
}

/* --- Paths --- */

/* Marks the path, which waits for a name of this hash, if it is this name. */
__attribute__((noinline))
static void path_meet_name(struct walk *w, size_t i, const struct name *name)
{
	const struct json_path *path = w->path[i];
	size_t depth = w->found[i].depth;
	struct name part = { .p = path->name[depth], .len = path->name_len[depth] };

	if (!name_compare(&part, name))
		w->hit |= 1u << i;
}

static inline void paths_meet_name(struct walk *w, const struct name *name)
{
	for (size_t i = 0; i < w->paths; i++)
		if (w->track[i].hash == name->hash && w->track[i].watch == w->top)
			path_meet_name(w, i, name);
}

/* A scalar is the value of the name that was hit. */
__attribute__((noinline))
static void paths_meet_scalar(struct walk *w, const char *p, size_t len, bool escaped)
{
	for (size_t i = 0; i < w->paths; i++) {
		struct json_found *found = &w->found[i];

		if (!(w->hit >> i & 1))
			continue;
		if (found->depth + 1 < w->path[i]->parts) {
			found->blocked = true;
			continue;
		}
		found->kind = *p == '"' ? JSON_IS_STRING :
			*p == '-' || is_digit(*p) ? JSON_IS_NUMBER : JSON_IS_OTHER;
		found->p = p;
		found->len = len;
		found->escaped = escaped;
	}
	w->hit = 0;
}

/* The container on top, opened at p, is the value of the name that was hit. */
__attribute__((noinline))
static void paths_meet_container(struct walk *w, const char *p)
{
	for (size_t i = 0; i < w->paths; i++) {
		struct json_found *found = &w->found[i];

		if (!(w->hit >> i & 1))
			continue;
		if (found->depth + 1 == w->path[i]->parts) {
			found->kind = JSON_IS_OTHER;
			found->p = p;
			w->track[i].value = w->top;
		} else if (*p == '{') {
			found->depth++;
			w->track[i].watch = w->top;
			w->track[i].hash = w->path[i]->name_hash[found->depth];
		} else {
			found->blocked = true;
		}
	}
	w->hit = 0;
}

/* --- The walk --- */

/* The closing quote of the string whose text starts at p, or NULL. */
static inline const char *string_end(struct walk *w, const char *p, bool *escaped)
{
	for (;;) {
		p = plain_end(p, w->line, w->end);
		if (UNLIKELY(p == w->end))
			return fail(w, p, "the line ends in a string");
		if (LIKELY(*p == '"'))
			return p;
		p = json_special_end(p, w->end, escaped, &w->wrong);
		if (!p)
			return NULL;
	}
}

static inline const char *digits_end(const char *p)
{
	while (is_digit(*p))
		p++;
	return p;
}

static inline const char *number_end(struct walk *w, const char *p)
{
	const char *digits = p + (*p == '-');

	p = *digits == '0' ? digits + 1 : digits_end(digits);
	if (UNLIKELY(p == digits))
		return fail(w, p, "a digit expected");
	if (*p == '.') {
		digits = p + 1;
		p = digits_end(digits);
		if (p == digits)
			return fail(w, p, "a digit expected");
	}
	if ((*p | 0x20) == 'e') {
		digits = p + 1;
		if (*digits == '+' || *digits == '-')
			digits++;
		p = digits_end(digits);
		if (p == digits)
			return fail(w, p, "a digit expected");
	}
	return p;
}

static inline const char *literal_end(struct walk *w, const char *p)
{
	size_t left = (size_t)(w->end - p);

	if (left >= 4 && (!memcmp(p, "true", 4) || !memcmp(p, "null", 4)))
		return p + 4;
	if (left >= 5 && !memcmp(p, "false", 5))
		return p + 5;
	return fail(w, p, "a value expected");
}

/* Beyond the value at p, which is no container, or NULL. */
static inline const char *scalar(struct walk *w, const char *p)
{
	const char *start = p;
	bool escaped = false;

	if (*p == '"') {
		p = string_end(w, p + 1, &escaped);
		if (LIKELY(p))
			p++;
	} else if (is_digit(*p) || *p == '-') {
		p = number_end(w, p);
	} else {
		p = literal_end(w, p);
	}
	if (UNLIKELY(w->hit) && p)
		paths_meet_scalar(w, start, (size_t)(p - start), escaped);
	return p;
}

/* Reads the name at p and its colon; returns where the value should be, or NULL. */
static inline const char *member(struct walk *w, const char *p)
{
	const struct name *name;
	const char *text;
	bool escaped = false;

	if (UNLIKELY(*p != '"'))
		return fail(w, p, "a member's name expected");
	text = p + 1;
	p = string_end(w, text, &escaped);
	if (UNLIKELY(!p))
		return NULL;
	name = names_add(&w->names, &w->top->names, text, (size_t)(p - text), escaped, w->end);
	if (UNLIKELY(!name))
		return fail(w, text - 1, w->names.error);
	paths_meet_name(w, name);
	if (UNLIKELY(*++p != ':'))
		p = space(p);
	if (UNLIKELY(*p != ':'))
		return fail(w, p, "':' expected");
	return space(p + 1);
}

/* Opens the container at p; returns what follows the bracket, or NULL. */
static inline const char *open_container(struct walk *w, const char *p)
{
	if (UNLIKELY(w->top == &w->level[JSON_DEPTH_MAX]))
		return fail(w, p, "nested too deep");
	w->top++;
	names_open(&w->top->names);
	w->top->close = *p == '{' ? '}' : ']';
	if (UNLIKELY(w->hit))
		paths_meet_container(w, p);
	return space(p + 1);
}

/* Closes the container on top, whose bracket is at p; returns what follows it, or NULL. */
static inline const char *close_container(struct walk *w, const char *p, bool empty)
{
	const struct name *twice = names_close(&w->names, &w->top->names);

	if (UNLIKELY(twice))
		return fail(w, twice->p - 1, w->names.error);
	for (size_t i = 0; i < w->paths; i++) {
		if (w->track[i].watch == w->top) {
			w->found[i].object_end = p;
			w->found[i].object_empty = empty;
			w->track[i].watch = NULL;
		}
		if (w->track[i].value == w->top) {
			w->found[i].len = (size_t)(p + 1 - w->found[i].p);
			w->track[i].value = NULL;
		}
	}
	w->top--;
	return p + 1;
}

/* Beyond the brackets and the comma after a value, or beyond the line's object, or NULL. */
static inline const char *after_value(struct walk *w, const char *p)
{
	while (LIKELY(w->top != w->level)) {
		if (UNLIKELY(p == w->end))
			return fail(w, p, "the line ends in the object");
		if (UNLIKELY(*p != ','))
			p = space(p);
		if (*p == ',')
			return space(p + 1);
		if (UNLIKELY(*p != w->top->close))
			return fail(w, p, w->top->close == '}' ? "',' or '}' expected" : "',' or ']' expected");
		p = close_container(w, p, false);
		if (UNLIKELY(!p))
			return NULL;
	}
	return p;
}

/* Beyond the object at p, or NULL.  Each turn reads a value, with its name where it has one. */
static const char *walk_object(struct walk *w, const char *p)
{
	do {
		if (w->top->close == '}' && !(p = member(w, p)))
			return NULL;
		if (*p == '{' || *p == '[') {
			p = open_container(w, p);
			if (!p || *p != w->top->close)
				continue;
			p = close_container(w, p, true);
		} else {
			p = scalar(w, p);
		}
		if (LIKELY(p))
			p = after_value(w, p);
	} while (LIKELY(p) && w->top != w->level);
	return p;
}

/* Beyond the object that is the whole line, or NULL. */
static const char *walk_line(struct walk *w)
{
	const char *p = w->line;

	while (w->end != p && is_space(w->end[-1]))
		w->end--;
	if (UNLIKELY(p == w->end))
		return fail(w, p, "an object expected");
	while (is_space(*p))
		p++;
	if (UNLIKELY(*p != '{'))
		return fail(w, p, "an object expected");
	if (UNLIKELY(w->end[-1] != '}'))
		return fail(w, w->end, "the line does not end in '}'");
	p = walk_object(w, p);
	if (UNLIKELY(p && p != w->end))
		return fail(w, space(p), "something after the object");
	return p;
}

int json_scan(struct json_scan *scan, const char *line, size_t len,
	      const struct json_path *const *path, size_t paths, struct json_found *found)
{
	struct walk w;
	const char *p;

	assert(paths <= JSON_PATHS_MAX);
	w.line = line;
	w.end = line + len;
	w.top = w.level;
	w.level[0].close = 0;
	w.path = path;
	w.found = found;
	w.paths = paths;
	w.hit = 0;
	names_init(&w.names);
	for (size_t i = 0; i < paths; i++) {
		found[i] = (struct json_found){ .kind = JSON_NONE };
		w.track[i] = (struct track){ .watch = &w.level[1], .hash = path[i]->name_hash[0] };
	}
	p = walk_line(&w);
	names_release(&w.names);
	if (LIKELY(p))
		return 0;
	scan->error = w.wrong.what;
	scan->at = (size_t)(w.wrong.at - line);
	return w.names.no_memory ? -2 : -1;
}

size_t json_unescape(const struct json_found *found, char *out)
{
	struct json_text t = { .p = found->p + 1, .end = found->p + found->len - 1, .escaped = true };
	char *start = out;
	int c;

	assert(found->kind == JSON_IS_STRING);
	if (!found->escaped) {
		memcpy(out, t.p, found->len - 2);
		return found->len - 2;
	}
	while ((c = json_text_next(&t)) >= 0)
		*out++ = (char)c;
	return (size_t)(out - start);
}
