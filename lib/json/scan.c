/*
 * A line is read from left to right once, with a stack of open containers in
 * place of recursion.  What makes it fast:
 *
 * - Strings are skipped in blocks of 16 bytes (SSE2) or 8 (any word): a block's
 *   bits mark the bytes that end or interrupt plain ASCII.  The last block of a
 *   line is loaded so that it ends where the line does, and shifted: nothing is
 *   read beyond the line, and only lines shorter than a block go byte by byte.
 * - The line has to end in '}', which ends every number, word and stretch of
 *   white space: so only a string, and what follows a '}', is tested for the end.
 * - A member's name is hashed from its first and last 8 bytes and its length.  64
 *   bits an object say "surely new" of most names; else the names of the open
 *   objects, kept on a stack of their own, are compared.  An object of more than
 *   NAMES_NEAR members is sorted when it closes instead, so that no line costs
 *   a time quadratic in its length.
 * - The same hash finds the parts of a path, so a name is compared with a part
 *   only where it almost surely is that part.
 *
 * Invariant: `hit` is 0 but between a name that a path waits for and its value.
 */
#include "lib/json/scan.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

enum { NAMES_NEAR = 128 };

struct name {
	const char *p;          /* after the opening quote */
	size_t len;             /* as it stands */
	uint32_t hash;          /* of the decoded name */
	bool escaped;
};

/* An open container. */
struct level {
	uint64_t bloom;         /* a bit a name */
	struct name *outer;     /* the newest name outside it: its own follow */
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
	struct json_scan *scan;
	struct level *top;
	const struct json_path *const *path;
	struct json_found *found;
	size_t paths;
	uint32_t hit;                   /* a bit a path: the name just read is the part it waits for */
	bool no_memory;
	struct name *names;             /* of all open objects, outer ones first; names[0] is none */
	struct name *newest, *names_last;
	struct track track[JSON_PATHS_MAX];
	struct name near[NAMES_NEAR + 1];
	struct level level[JSON_DEPTH_MAX + 1]; /* level[0] is the line */
};

__attribute__((noinline, cold))
static const char *fail(struct walk *w, const char *p, const char *error)
{
	w->scan->error = error;
	w->scan->at = (size_t)(p - w->line);
	return NULL;
}

static inline bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Beyond white space; there is something else before the end. */
static inline const char *space(const char *p)
{
	while (UNLIKELY((unsigned char)*p <= ' ') && is_space(*p))
		p++;
	return p;
}

static inline uint64_t load64(const char *p)
{
	uint64_t x;

	memcpy(&x, p, sizeof(x));
	return le64toh(x);
}

/* --- Plain text: printable ASCII but quote and backslash --- */

static inline bool is_plain(char c)
{
	return (unsigned char)(c - 0x20) < 0x60 && c != '"' && c != '\\';
}

#ifdef __SSE2__

enum { BLOCK = 16, BLOCK_BITS = 1 };   /* bytes, and bits a byte in what interrupts() gives */

static inline uint64_t interrupts(const char *p)
{
	__m128i x = _mm_loadu_si128((const __m128i *)(const void *)p);
	__m128i quote = _mm_cmpeq_epi8(x, _mm_set1_epi8('"'));
	__m128i backslash = _mm_cmpeq_epi8(x, _mm_set1_epi8('\\'));
	/* Signed, so that bytes from 0x80 on are below too. */
	__m128i other = _mm_cmplt_epi8(x, _mm_set1_epi8(0x20));

	return (uint64_t)_mm_movemask_epi8(_mm_or_si128(_mm_or_si128(quote, backslash), other));
}

#else

enum { BLOCK = 8, BLOCK_BITS = 8 };

#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

/* 0x80 in each byte that is 0 and nothing elsewhere: no carry leaves its byte. */
static inline uint64_t zero_bytes(uint64_t x)
{
	return ~(((x & EACH(0x7f)) + EACH(0x7f)) | x) & EACH(0x80);
}

static inline uint64_t interrupts(const char *p)
{
	uint64_t x = load64(p);

	return zero_bytes(x ^ EACH('"')) | zero_bytes(x ^ EACH('\\')) |
	       zero_bytes(x & EACH(0xe0)) | (x & EACH(0x80));
}

#endif

/* The first byte from p on that is not plain, or end; line .. end can be read. */
static inline const char *plain_end(const char *p, const char *line, const char *end)
{
	uint64_t bits;

	while (LIKELY(end - p >= BLOCK)) {
		bits = interrupts(p);
		if (LIKELY(bits))
			return p + __builtin_ctzll(bits) / BLOCK_BITS;
		p += BLOCK;
	}
	if (LIKELY(end - line >= BLOCK)) {
		if (p == end)
			return end;
		bits = interrupts(end - BLOCK) >> (p - (end - BLOCK)) * BLOCK_BITS;
		return bits ? p + __builtin_ctzll(bits) / BLOCK_BITS : end;
	}
	while (p != end && is_plain(*p))
		p++;
	return p;
}

/* --- UTF-8 and escapes --- */

static inline bool between(char c, unsigned char low, unsigned char high)
{
	return (unsigned char)c >= low && (unsigned char)c <= high;
}

/* The length of the sequence of 2 to 4 bytes at p, or 0: table 3-7 of the Unicode Standard. */
static size_t utf8_sequence(const char *p, const char *end)
{
	unsigned char lead = (unsigned char)*p;
	size_t len = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
	unsigned char low = 0x80, high = 0xbf;

	if (lead < 0xc2 || lead > 0xf4 || (size_t)(end - p) < len)
		return 0;
	switch (lead) {
	case 0xe0: low = 0xa0; break;   /* overlong below */
	case 0xed: high = 0x9f; break;  /* surrogates above */
	case 0xf0: low = 0x90; break;   /* overlong below */
	case 0xf4: high = 0x8f; break;  /* beyond U+10FFFF above */
	}
	if (!between(p[1], low, high))
		return 0;
	for (size_t i = 2; i < len; i++)
		if (!between(p[i], 0x80, 0xbf))
			return 0;
	return len;
}

static inline int hex_digit(char c)
{
	unsigned char lower = (unsigned char)c | 0x20;

	if (between(c, '0', '9'))
		return c - '0';
	return between((char)lower, 'a', 'f') ? lower - 'a' + 10 : -1;
}

/* The value of "\uXXXX" at p, or -1. */
static int escaped_unit(const char *p, const char *end)
{
	int unit = 0;

	if (end - p < 6 || p[0] != '\\' || p[1] != 'u')
		return -1;
	for (int i = 2; i < 6; i++) {
		int digit = hex_digit(p[i]);

		if (digit < 0)
			return -1;
		unit = unit << 4 | digit;
	}
	return unit;
}

static inline bool is_high_surrogate(int unit)
{
	return unit >= 0xd800 && unit <= 0xdbff;
}

static inline bool is_low_surrogate(int unit)
{
	return unit >= 0xdc00 && unit <= 0xdfff;
}

/* The end of the escape at p, or NULL. */
static const char *escape_end(struct walk *w, const char *p)
{
	int unit;

	if (p + 1 == w->end || p[1] != 'u') {
		if (p + 1 == w->end || !memchr("\"\\/bfnrt", p[1], 8))
			return fail(w, p, "no such escape");
		return p + 2;
	}
	unit = escaped_unit(p, w->end);
	if (unit < 0)
		return fail(w, p, "an escape of four hexadecimal digits expected");
	if (is_low_surrogate(unit))
		return fail(w, p, "half of a surrogate pair");
	if (!is_high_surrogate(unit))
		return p + 6;
	if (!is_low_surrogate(escaped_unit(p + 6, w->end)))
		return fail(w, p, "half of a surrogate pair");
	return p + 12;
}

/* The character of the valid escape at *p in UTF-8; moves *p beyond it, returns the length. */
static size_t escape_decode(const char **p, unsigned char out[4])
{
	static const char letters[] = "bfnrt", meant[] = "\b\f\n\r\t";
	uint32_t c;
	const char *letter;

	if ((*p)[1] != 'u') {
		letter = memchr(letters, (*p)[1], sizeof(letters) - 1);
		out[0] = (unsigned char)(letter ? meant[letter - letters] : (*p)[1]);
		*p += 2;
		return 1;
	}
	c = (uint32_t)escaped_unit(*p, *p + 6);
	*p += 6;
	if (is_high_surrogate((int)c)) {
		c = 0x10000 + ((c - 0xd800) << 10) + ((uint32_t)escaped_unit(*p, *p + 6) - 0xdc00);
		*p += 6;
		out[0] = (unsigned char)(0xf0 | c >> 18);
		out[1] = (unsigned char)(0x80 | (c >> 12 & 0x3f));
		out[2] = (unsigned char)(0x80 | (c >> 6 & 0x3f));
		out[3] = (unsigned char)(0x80 | (c & 0x3f));
		return 4;
	}
	if (c < 0x80) {
		out[0] = (unsigned char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (unsigned char)(0xc0 | c >> 6);
		out[1] = (unsigned char)(0x80 | (c & 0x3f));
		return 2;
	}
	out[0] = (unsigned char)(0xe0 | c >> 12);
	out[1] = (unsigned char)(0x80 | (c >> 6 & 0x3f));
	out[2] = (unsigned char)(0x80 | (c & 0x3f));
	return 3;
}

/* Beyond the bytes at p that are not plain (not a quote), or NULL. */
__attribute__((noinline))
static const char *not_plain(struct walk *w, const char *p, bool *escaped)
{
	if (*p == '\\') {
		*escaped = true;
		return escape_end(w, p);
	}
	if (!(*p & 0x80))
		return fail(w, p, "a control character in a string");
	while (p != w->end && *p & 0x80) {
		size_t len = utf8_sequence(p, w->end);

		if (!len)
			return fail(w, p, "not UTF-8");
		p += len;
	}
	return p;
}

/* The closing quote of the string whose text starts at p, or NULL. */
static inline const char *string_end(struct walk *w, const char *p, bool *escaped)
{
	for (;;) {
		p = plain_end(p, w->line, w->end);
		if (UNLIKELY(p == w->end))
			return fail(w, p, "the line ends in a string");
		if (LIKELY(*p == '"'))
			return p;
		p = not_plain(w, p, escaped);
		if (!p)
			return NULL;
	}
}

/* --- Names --- */

/* The bytes of a valid string's text, decoded one by one. */
struct text {
	const char *p, *end;
	bool escaped;           /* else a backslash is itself: a path's part may hold one */
	unsigned char byte[4];  /* of the escape before p */
	size_t at, len;
};

/* The next byte, or -1 at the end. */
static int text_next(struct text *t)
{
	if (t->at < t->len)
		return t->byte[t->at++];
	if (t->p == t->end)
		return -1;
	if (*t->p != '\\' || !t->escaped)
		return (unsigned char)*t->p++;
	t->len = escape_decode(&t->p, t->byte);
	t->at = 1;
	return t->byte[0];
}

static inline uint32_t name_mix(uint64_t first, uint64_t last, size_t len)
{
	uint64_t x = (first ^ len) * UINT64_C(0x9e3779b97f4a7c15);

	x ^= last * UINT64_C(0xc2b2ae3d27d4eb4f);
	return (uint32_t)(x >> 32);     /* all bytes reach the upper half of a product, not the lower */
}

/* Of a name without escapes; bytes up to `end` can be read. */
static inline uint32_t name_hash(const char *p, size_t len, const char *end)
{
	uint64_t first = 0;

	if (len >= 8)
		return name_mix(load64(p), load64(p + len - 8), len);
	if (LIKELY(end - p >= 8))
		return name_mix(load64(p) & ((UINT64_C(1) << 8 * len) - 1), 0, len);
	for (size_t i = 0; i < len; i++)
		first |= (uint64_t)(unsigned char)p[i] << 8 * i;
	return name_mix(first, 0, len);
}

/* What name_hash gives for the decoded name. */
static uint32_t name_hash_escaped(const char *p, size_t len, bool *has_nul)
{
	struct text t = { .p = p, .end = p + len, .escaped = true };
	uint64_t first = 0, last = 0;
	size_t n = 0;
	int c;

	while ((c = text_next(&t)) >= 0) {
		*has_nul |= !c;
		if (n < 8)
			first |= (uint64_t)c << 8 * n;
		last = last >> 8 | (uint64_t)c << 56;
		n++;
	}
	return name_mix(first, n < 8 ? 0 : last, n);
}

__attribute__((noinline))
static int name_compare_decoded(const struct name *a, const struct name *b)
{
	struct text x = { .p = a->p, .end = a->p + a->len, .escaped = a->escaped };
	struct text y = { .p = b->p, .end = b->p + b->len, .escaped = b->escaped };
	int c, d;

	do {
		c = text_next(&x);
		d = text_next(&y);
	} while (c == d && c >= 0);
	return c - d;
}

/* As memcmp of the decoded names, the shorter first. */
static inline int name_compare(const struct name *a, const struct name *b)
{
	int c;

	if (UNLIKELY(a->escaped | b->escaped))
		return name_compare_decoded(a, b);
	c = memcmp(a->p, b->p, a->len < b->len ? a->len : b->len);
	return c ? c : (a->len > b->len) - (a->len < b->len);
}

/* Equal names become neighbours, in the order of the line. */
static int name_order(const void *va, const void *vb)
{
	const struct name *a = va, *b = vb;
	int c;

	if (a->hash != b->hash)
		return a->hash < b->hash ? -1 : 1;
	c = name_compare(a, b);
	return c ? c : (a->p > b->p) - (a->p < b->p);
}

static bool refuse_duplicate(struct walk *w, const struct name *name)
{
	fail(w, name->p - 1, "a member's name is there twice");
	return false;
}

/* Is the newest name new in its object?  In an object that will be sorted, it is for now. */
__attribute__((noinline))
static bool name_is_new(struct walk *w)
{
	const struct name *name = w->newest, *old = w->top->outer + 1;

	if (name - old >= NAMES_NEAR)
		return true;
	for (; old < name; old++)
		if (old->hash == name->hash && !name_compare(old, name))
			return refuse_duplicate(w, name);
	return true;
}

/* Are the names of the object that closes all different? */
__attribute__((noinline))
static bool names_differ(struct walk *w)
{
	struct name *name = w->top->outer + 1;
	size_t n = (size_t)(w->newest - w->top->outer);

	qsort(name, n, sizeof(*name), name_order);
	for (size_t i = 1; i < n; i++)
		if (name[i - 1].hash == name[i].hash && !name_compare(&name[i - 1], &name[i]))
			return refuse_duplicate(w, &name[i]);
	return true;
}

__attribute__((noinline, cold))
static bool names_grow(struct walk *w)
{
	size_t count = (size_t)(w->names_last - w->names) + 1;
	struct name *names = malloc(2 * count * sizeof(*names));

	if (!names) {
		w->no_memory = true;
		fail(w, w->newest->p, "out of memory");
		return false;
	}
	memcpy(names + 1, w->names + 1, (count - 1) * sizeof(*names));
	for (struct level *level = w->top; level != w->level; level--)
		level->outer = names + (level->outer - w->names);
	w->newest = names + (w->newest - w->names);
	w->names_last = names + 2 * count - 1;
	if (w->names != w->near)
		free(w->names);
	w->names = names;
	return true;
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

static inline void paths_meet_name(struct walk *w, const struct name *name, uint32_t hash)
{
	for (size_t i = 0; i < w->paths; i++)
		if (w->track[i].hash == hash && w->track[i].watch == w->top)
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
			*p == '-' || between(*p, '0', '9') ? JSON_IS_NUMBER : JSON_IS_OTHER;
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

static inline const char *digits_end(const char *p)
{
	while (between(*p, '0', '9'))
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
	} else if (between(*p, '0', '9') || *p == '-') {
		p = number_end(w, p);
	} else {
		p = literal_end(w, p);
	}
	if (UNLIKELY(w->hit) && p)
		paths_meet_scalar(w, start, (size_t)(p - start), escaped);
	return p;
}

/* Remembers the name from `text` to the quote at `end`; false where it may not stand there. */
static inline bool name_add(struct walk *w, const char *text, const char *end, bool escaped)
{
	struct name *name;
	bool has_nul = false;
	size_t len = (size_t)(end - text);
	uint32_t hash;
	uint64_t bit;

	hash = UNLIKELY(escaped) ? name_hash_escaped(text, len, &has_nul) : name_hash(text, len, w->end);
	bit = UINT64_C(1) << (hash >> 26);
	if (UNLIKELY(has_nul)) {
		fail(w, text - 1, "a NUL in a member's name");
		return false;
	}
	if (UNLIKELY(w->newest == w->names_last) && !names_grow(w))
		return false;
	name = ++w->newest;
	*name = (struct name){ .p = text, .len = len, .hash = hash, .escaped = escaped };
	if (UNLIKELY(w->top->bloom & bit) && !name_is_new(w))
		return false;
	w->top->bloom |= bit;
	paths_meet_name(w, name, hash);
	return true;
}

/* Reads the name at p and its colon; returns where the value should be, or NULL. */
static inline const char *member(struct walk *w, const char *p)
{
	const char *text;
	bool escaped = false;

	if (UNLIKELY(*p != '"'))
		return fail(w, p, "a member's name expected");
	text = p + 1;
	p = string_end(w, text, &escaped);
	if (UNLIKELY(!p) || UNLIKELY(!name_add(w, text, p, escaped)))
		return NULL;
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
	w->top->bloom = 0;
	w->top->outer = w->newest;
	w->top->close = *p == '{' ? '}' : ']';
	if (UNLIKELY(w->hit))
		paths_meet_container(w, p);
	return space(p + 1);
}

/* Closes the container on top, whose bracket is at p; returns what follows it, or NULL. */
static inline const char *close_container(struct walk *w, const char *p, bool empty)
{
	if (UNLIKELY(w->newest - w->top->outer > NAMES_NEAR) && !names_differ(w))
		return NULL;
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
	w->newest = w->top->outer;
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
	w.scan = scan;
	w.top = w.level;
	w.level[0].close = 0;
	w.path = path;
	w.found = found;
	w.paths = paths;
	w.hit = 0;
	w.no_memory = false;
	w.newest = w.names = w.near;
	w.names_last = &w.near[NAMES_NEAR];
	for (size_t i = 0; i < paths; i++) {
		found[i] = (struct json_found){ .kind = JSON_NONE };
		w.track[i] = (struct track){ .watch = &w.level[1], .hash = path[i]->name_hash[0] };
	}
	p = walk_line(&w);
	if (UNLIKELY(w.names != w.near))
		free(w.names);
	return LIKELY(p) ? 0 : w.no_memory ? -2 : -1;
}

/* --- Paths and strings by themselves --- */

/* Reads the part at *text into out; 0, or -1 where it is no name. */
static int part_read(struct json_path *path, const char **text, char **out)
{
	const char *p = *text;
	char *start = *out;

	for (; *p && *p != '.'; p++) {
		if (*p == '\\' && *++p != '.' && *p != '\\')
			return -1;
		*(*out)++ = *p;
	}
	*text = p;
	if (*out == start || path->parts == JSON_PATH_PARTS_MAX || !json_utf8(start, (size_t)(*out - start)))
		return -1;
	path->name[path->parts] = start;
	path->name_len[path->parts] = (size_t)(*out - start);
	path->name_hash[path->parts] = name_hash(start, (size_t)(*out - start), *out);
	path->parts++;
	return 0;
}

int json_path_init(struct json_path *path, const char *text)
{
	char *out = malloc(strlen(text) + 1);

	*path = (struct json_path){ .text = out };
	if (!out)
		return -1;
	for (;; text++) {
		if (part_read(path, &text, &out)) {
			json_path_release(path);
			errno = EINVAL;
			return -1;
		}
		if (!*text)
			return 0;
	}
}

void json_path_release(struct json_path *path)
{
	free(path->text);
	*path = (struct json_path){ .parts = 0 };
}

size_t json_unescape(const struct json_found *found, char *out)
{
	struct text t = { .p = found->p + 1, .end = found->p + found->len - 1, .escaped = true };
	char *start = out;
	int c;

	assert(found->kind == JSON_IS_STRING);
	if (!found->escaped) {
		memcpy(out, t.p, found->len - 2);
		return found->len - 2;
	}
	while ((c = text_next(&t)) >= 0)
		*out++ = (char)c;
	return (size_t)(out - start);
}

size_t json_escape(const char *s, size_t len, char *out)
{
	static const char hex[] = "0123456789ABCDEF", letter[] = "btn_fr";
	const char *end = s + len, *start = s;
	char *o = out;

	*o++ = '"';
	while (s != end) {
		const char *stop = plain_end(s, start, end);
		unsigned char c;

		memcpy(o, s, (size_t)(stop - s));
		o += stop - s;
		s = stop;
		if (s == end)
			break;
		c = (unsigned char)*s++;
		if (c < 0x20 || c == '"' || c == '\\')
			*o++ = '\\';
		if (c >= 0x20) {
			*o++ = (char)c;
		} else if (c >= '\b' && c <= '\r' && c != '\v') {
			*o++ = letter[c - '\b'];
		} else {
			memcpy(o, "u00", 3);
			o[3] = hex[c >> 4];
			o[4] = hex[c & 15];
			o += 5;
		}
	}
	*o++ = '"';
	return (size_t)(o - out);
}

bool json_utf8(const char *s, size_t len)
{
	const char *end = s + len, *start = s;

	while (s != end) {
		size_t n;

		s = plain_end(s, start, end);
		if (s == end)
			break;
		n = *s & 0x80 ? utf8_sequence(s, end) : 1;
		if (!n)
			return false;
		s += n;
	}
	return true;
}
