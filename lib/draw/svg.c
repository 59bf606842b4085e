/* svg: see svg.h */
#include "lib/draw/svg.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum { REPLACEMENT = 0xfffd, ELLIPSIS = 0x2026 };

struct svg_num svg_fixed(double x, unsigned decimals)
{
	static const long long scale[] = { 1, 10, 100, 1000, 10000, 100000, 1000000 };
	struct svg_num num;
	long long n;

	assert(decimals <= 6);
	assert(fabs(x) < 1e12);
	n = llround(fabs(x) * (double)scale[decimals]);
	if (decimals)
		snprintf(num.s, sizeof num.s, "%s%lld.%0*lld", x < 0 && n ? "-" : "", n / scale[decimals], (int)decimals,
			 n % scale[decimals]);
	else
		snprintf(num.s, sizeof num.s, "%s%lld", x < 0 && n ? "-" : "", n);
	return num;
}

struct svg_num svg_num(double x)
{
	struct svg_num num = svg_fixed(x, 2);
	size_t end = strlen(num.s);

	while (num.s[end - 1] == '0')
		end--;
	if (num.s[end - 1] == '.')
		end--;
	num.s[end] = '\0';
	return num;
}

struct svg_num svg_percent(double share)
{
	double percent = 100 * share;
	struct svg_num num = svg_fixed(percent, percent >= 9.995 ? 1 : percent >= 0.9995 ? 2 : percent > 0 ? 3 : 0);

	strcat(num.s, " %");
	return num;
}

/* The character at *s, which moves on; any byte that does not begin a valid one is U+FFFD by itself. */
static uint32_t next_char(const char **s, const char *end)
{
	const uint8_t *p = (const uint8_t *)*s;
	size_t room = (size_t)(end - *s), more;
	uint32_t c = *p, least;

	(*s)++;
	if (c < 0x80)
		return c;
	if (c < 0xc2 || c > 0xf4)
		return REPLACEMENT;
	more = c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
	least = more == 1 ? 0x80 : more == 2 ? 0x800 : 0x10000;
	if (room <= more)
		return REPLACEMENT;
	c &= 0x3f >> more;
	for (size_t i = 1; i <= more; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return REPLACEMENT;
		c = c << 6 | (p[i] & 0x3f);
	}
	if (c < least || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return REPLACEMENT;
	*s += more;
	return c;
}

/* Controls, what turns the direction of a line, and what XML has no place for. */
static uint32_t printable(uint32_t c)
{
	if (c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) ||
	    (c & 0xfffe) == 0xfffe)
		return REPLACEMENT;
	return c;
}

/* Of ' ' to '~' in DejaVu Sans, in hundredths of an em. */
static const uint8_t ascii_width[] = {
	32, 41, 46, 84, 64, 96, 78, 28, 40, 40, 50, 84, 32, 37, 32, 34, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 34, 34,
	84, 84, 84, 54, 100, 69, 69, 70, 77, 64, 58, 78, 76, 30, 30, 66, 56, 87, 75, 79, 61, 79, 70, 64, 62, 74, 69, 99,
	69, 62, 69, 40, 34, 40, 84, 50, 50, 62, 64, 55, 64, 62, 36, 64, 64, 28, 28, 58, 28, 98, 64, 62, 64, 64, 42, 53,
	40, 64, 60, 82, 60, 60, 53, 64, 34, 64, 84,
};

static unsigned char_width(uint32_t c)
{
	c = printable(c);
	if (c < 0x7f)
		return ascii_width[c - 0x20];
	if ((c >= 0x300 && c < 0x370) || (c >= 0x200b && c <= 0x200f) || (c >= 0xfe00 && c < 0xfe10))
		return 0;
	return c >= 0x1100 ? 104 : 80;
}

static void put_char(FILE *out, uint32_t c)
{
	c = printable(c);
	if (c == '&')
		fputs("&amp;", out);
	else if (c == '<')
		fputs("&lt;", out);
	else if (c == '>')
		fputs("&gt;", out);
	else if (c < 0x80)
		putc((int)c, out);
	else if (c < 0x800)
		fprintf(out, "%c%c", (int)(0xc0 | c >> 6), (int)(0x80 | (c & 0x3f)));
	else if (c < 0x10000)
		fprintf(out, "%c%c%c", (int)(0xe0 | c >> 12), (int)(0x80 | (c >> 6 & 0x3f)), (int)(0x80 | (c & 0x3f)));
	else
		fprintf(out, "%c%c%c%c", (int)(0xf0 | c >> 18), (int)(0x80 | (c >> 12 & 0x3f)),
			(int)(0x80 | (c >> 6 & 0x3f)), (int)(0x80 | (c & 0x3f)));
}

void svg_text(FILE *out, const char *s, size_t len)
{
	for (const char *end = s + len; s < end;)
		put_char(out, next_char(&s, end));
}

unsigned svg_width(const char *s, size_t len)
{
	unsigned width = 0;

	for (const char *end = s + len; s < end;)
		width += char_width(next_char(&s, end));
	return width;
}

/* The part of a text from one distance of its begin to another, in whole characters. */
static void put_part(FILE *out, const char *s, size_t len, unsigned from, unsigned to)
{
	unsigned at = 0;

	for (const char *end = s + len; s < end && at < to;) {
		uint32_t c = next_char(&s, end);
		unsigned before = at;

		at += char_width(c);
		if (before >= from && at <= to)
			put_char(out, c);
	}
}

/* Where the character at byte `keep` ends, as a distance. */
static unsigned end_of_char(const char *s, size_t len, size_t keep)
{
	const char *p = s + keep;

	if (keep < len)
		next_char(&p, s + len);
	return svg_width(s, (size_t)(p - s));
}

void svg_text_within(FILE *out, const char *s, size_t len, unsigned width, size_t keep)
{
	unsigned all = svg_width(s, len), room = width - char_width(ELLIPSIS), front = room / 2, at, told;
	const unsigned lead = 200;      /* of what is before the byte to keep */

	assert(width >= 300 && keep <= len);
	at = svg_width(s, keep);
	told = end_of_char(s, len, keep);
	if (told > front && told <= room / 4 * 3)
		front = told;
	if (all <= width) {
		svg_text(out, s, len);
	} else if (told <= front || at >= all - (room - front)) {
		put_part(out, s, len, 0, front);
		put_char(out, ELLIPSIS);
		put_part(out, s, len, all - (room - front), all);
	} else {
		front = room / 4;
		room -= front + char_width(ELLIPSIS);
		at = at > front + lead ? at - lead : front;
		put_part(out, s, len, 0, front);
		put_char(out, ELLIPSIS);
		put_part(out, s, len, at, at + room);
		if (at + room < all)
			put_char(out, ELLIPSIS);
	}
}

static void arc_to(FILE *out, double radius, double turn)
{
	double angle = 2 * M_PI * turn;

	fprintf(out, "A%s %s 0 0 1 %s %s", svg_num(radius).s, svg_num(radius).s, svg_num(radius * sin(angle)).s,
		svg_num(-radius * cos(angle)).s);
}

/* In thirds where it is long: the ends of one arc must not meet, nor be opposite. */
void svg_arc(FILE *out, double radius, double from, double to)
{
	double angle = 2 * M_PI * from;
	int pieces = to - from > 0.4 ? 3 : 1;

	fprintf(out, "M%s %s", svg_num(radius * sin(angle)).s, svg_num(-radius * cos(angle)).s);
	for (int i = 1; i <= pieces; i++)
		arc_to(out, radius, from + (to - from) * i / pieces);
}
