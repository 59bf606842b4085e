/* duration: see duration.h */
#include "lib/base/duration.h"
#include "lib/base/err.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const struct unit { const char *name; uint64_t ns; } units[] = {
	{ "h", UINT64_C(3600000000000) }, { "m", UINT64_C(60000000000) }, { "s", UINT64_C(1000000000) },
	{ "ms", UINT64_C(1000000) }, { "us", UINT64_C(1000) }, { "ns", 1 },
};
enum { UNITS = sizeof(units) / sizeof(*units) };

static const struct unit *unit_named(const char *name)
{
	for (size_t i = 0; i < UNITS; i++)
		if (!strcmp(units[i].name, name))
			return &units[i];
	return NULL;
}

/* Digits, perhaps a point and digits, and a unit; what is less than a nanosecond is cut off. */
static bool read_duration(const char *text, uint64_t *ns)
{
	const char *digits = "0123456789", *c = text, *number_end = text + strspn(text, "0123456789.");
	const struct unit *unit = unit_named(number_end);
	size_t whole = strspn(text, digits);
	uint64_t place;

	if (!unit || !whole || (text[whole] == '.' && !strspn(text + whole + 1, digits)))
		return false;
	for (*ns = 0; c < text + whole; c++)
		if (__builtin_mul_overflow(*ns, 10, ns) || __builtin_add_overflow(*ns, (uint64_t)(*c - '0'), ns))
			return false;
	if (__builtin_mul_overflow(*ns, unit->ns, ns))
		return false;
	if (*c == '.')
		c++;
	for (place = unit->ns / 10; c < number_end; c++, place /= 10) {
		if (*c == '.' || __builtin_add_overflow(*ns, (uint64_t)(*c - '0') * place, ns))
			return false;
	}
	return true;
}

/* In the largest unit that leaves a whole number. */
static void write_duration(char text[static 32], uint64_t ns)
{
	size_t i = ns ? 0 : 2;

	while (ns % units[i].ns)
		i++;
	snprintf(text, 32, "%ju%s", (uintmax_t)(ns / units[i].ns), units[i].name);
}

uint64_t duration_option(const struct opt_state *o, uint64_t min_ns, uint64_t max_ns)
{
	uint64_t ns;
	char from[32], to[32];

	if (read_duration(o->argument, &ns) && ns >= min_ns && ns <= max_ns)
		return ns;
	write_duration(from, min_ns);
	write_duration(to, max_ns);
	die_usage("%s '%s': must be a time from %s to %s, as 50ms or 1.5s", o->given, o->argument, from, to);
}
