/*
 * damage: bytes of a line changed, or its end cut off, as a copy's draws say.
 *
 * A changed byte is another one than before and no newline, and no byte is changed twice: so what is damaged differs,
 * and is one line still.
 */
#include "lib/fault/inside.h"

#include <assert.h>

enum { CHANGES_MAX = 8 };       /* bytes of a line */

/* Half of them have a bit flipped, as by a wire; half are any other byte, as by a memory. */
static char changed(char was, uint64_t bits)
{
	unsigned char old = (unsigned char)was, new;

	if (bits & 1) {
		new = old ^ (unsigned char)(1u << (bits >> 1 & 7));
		/* Of two bits just one can make a newline. */
		return (char)(new != '\n' ? new : old ^ (unsigned char)(1u << (((bits >> 1) + 1) & 7)));
	}
	new = (unsigned char)(bits >> 8);
	while (new == old || new == '\n')
		new++;
	return (char)new;
}

static void corrupt(uint64_t drawn, char *line, size_t len)
{
	struct fault_stream stream = { drawn };
	size_t place[CHANGES_MAX], places = 0;
	uint64_t count = 1 + fault_below(stream, 0, len < CHANGES_MAX ? len : CHANGES_MAX);

	for (uint64_t i = 1; i <= count; i++) {
		size_t at = (size_t)fault_below(stream, 2 * i, len), seen = 0;

		while (seen < places && place[seen] != at)
			seen++;
		if (seen < places)
			continue;
		place[places++] = at;
		line[at] = changed(line[at], fault_bits(stream, 2 * i + 1));
	}
}

size_t fault_damage(const struct fault_copy *c, char *line, size_t len)
{
	if (c->truncate && len)
		len = (size_t)fault_below((struct fault_stream){ c->truncate }, 0, len);
	if (c->corrupt && len)
		corrupt(c->corrupt, line, len);
	return len;
}
