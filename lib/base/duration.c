/* duration: see duration.h */
#include "lib/base/duration.h"
#include "lib/base/err.h"

#include <stdio.h>
#include <string.h>

static const struct unit { const char *name; uint64_t ns; } units[] = {
	{ "h", UINT64_C(3600000000000) }, { "m", UINT64_C(60000000000) }, { "s", UINT64_C(1000000000) },
	{ "ms", UINT64_C(1000000) }, { "us", UINT64_C(1000) }, { "ns", 1 },
};
enum { UNITS = sizeof(units) / sizeof(*units) };

static const struct unit *unit_named(const char *name, size_t len)
{
	for (size_t i = 0; i < UNITS; i++)
		if (strlen(units[i].name) == len && !memcmp(units[i].name, name, len))
			return &units[i];
	return NULL;
}

/* Where the digits that begin at c end. */
static const char *digits_end(const char *c, const char *end)
{
	while (c < end && *c >= '0' && *c <= '9')
		c++;
	return c;
}

bool duration_read(const char *text, size_t len, uint64_t *ns)
{
	const char *end = text + len, *c = text, *whole = digits_end(text, end), *number_end = whole;
	const struct unit *unit;
	uint64_t place;

	if (whole < end && *whole == '.')
		number_end = digits_end(whole + 1, end);
	unit = unit_named(number_end, (size_t)(end - number_end));
	if (!unit || whole == text || number_end == whole + 1)
		return false;
	for (*ns = 0; c < whole; c++)
		if (__builtin_mul_overflow(*ns, 10, ns) || __builtin_add_overflow(*ns, (uint64_t)(*c - '0'), ns))
			return false;
	if (__builtin_mul_overflow(*ns, unit->ns, ns))
		return false;
	for (place = unit->ns / 10, c = whole + 1; c < number_end; c++, place /= 10)
		if (__builtin_add_overflow(*ns, (uint64_t)(*c - '0') * place, ns))
			return false;
	return true;
}

void duration_write(char text[static DURATION_BYTES], uint64_t ns)
{
	size_t i = ns ? 0 : 2;

	while (ns % units[i].ns)
		i++;
	snprintf(text, DURATION_BYTES, "%ju%s", (uintmax_t)(ns / units[i].ns), units[i].name);
}

uint64_t duration_option(const struct opt_state *o, uint64_t min_ns, uint64_t max_ns)
{
	uint64_t ns;
	char from[DURATION_BYTES], to[DURATION_BYTES];

	if (duration_read(o->argument, strlen(o->argument), &ns) && ns >= min_ns && ns <= max_ns)
		return ns;
	duration_write(from, min_ns);
	duration_write(to, max_ns);
	die_usage("%s '%s': must be a time from %s to %s, as 50ms or 1.5s", o->given, o->argument, from, to);
}
