/*
 * UTF-8 is judged by table 3-7 of the Unicode Standard, an escape by section 7 of
 * RFC 8259, where a character beyond U+FFFF is a pair of surrogates and half a pair
 * is none.
 *
 * Invariant: a character is checked once, and whole, by json_special_end or json_utf8;
 * what they let pass is decoded and written without another look.
 */
#include "lib/json/text.h"
#include "lib/json/block.h"

#include <stdint.h>
#include <string.h>

static inline bool between(char c, unsigned char low, unsigned char high)
{
	return (unsigned char)c >= low && (unsigned char)c <= high;
}

/* --- UTF-8 --- */

/* The length of the sequence of 2 to 4 bytes at p, or 0. */
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

/* Beyond the characters beyond ASCII at p: at ASCII, the end, or what is not UTF-8. */
static inline const char *sequences_end(const char *p, const char *end)
{
	size_t len;

	while (p != end && *p & 0x80 && (len = utf8_sequence(p, end)))
		p += len;
	return p;
}

bool json_utf8(const char *s, size_t len)
{
	const char *end = s + len, *start = s;

	while (s != end) {
		s = plain_end(s, start, end);
		if (s == end)
			break;
		if (!(*s & 0x80)) {
			s++;
			continue;
		}
		s = sequences_end(s, end);
		if (s != end && *s & 0x80)
			return false;
	}
	return true;
}

/* --- Escapes --- */

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

__attribute__((noinline, cold))
static const char *refuse(struct json_wrong *wrong, const char *at, const char *what)
{
	*wrong = (struct json_wrong){ .what = what, .at = at };
	return NULL;
}

static inline const char *escape_end(const char *p, const char *end, struct json_wrong *wrong)
{
	int unit;

	if (p + 1 == end || p[1] != 'u') {
		if (p + 1 == end || !memchr("\"\\/bfnrt", p[1], 8))
			return refuse(wrong, p, "no such escape");
		return p + 2;
	}
	unit = escaped_unit(p, end);
	if (unit < 0)
		return refuse(wrong, p, "an escape of four hexadecimal digits expected");
	if (is_low_surrogate(unit))
		return refuse(wrong, p, "half of a surrogate pair");
	if (!is_high_surrogate(unit))
		return p + 6;
	if (!is_low_surrogate(escaped_unit(p + 6, end)))
		return refuse(wrong, p, "half of a surrogate pair");
	return p + 12;
}

const char *json_special_end(const char *p, const char *end, bool *escaped, struct json_wrong *wrong)
{
	if (*p == '\\') {
		*escaped = true;
		return escape_end(p, end, wrong);
	}
	if (!(*p & 0x80))
		return refuse(wrong, p, "a control character in a string");
	p = sequences_end(p, end);
	return p == end || !(*p & 0x80) ? p : refuse(wrong, p, "not UTF-8");
}

size_t json_escape_decode(const char **p, unsigned char out[4])
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
