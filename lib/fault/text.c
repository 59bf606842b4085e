/* text: names put together. */
#include "lib/fault/inside.h"

#include <stdlib.h>
#include <string.h>

void fault_text_add(struct fault_text *t, const char *text, size_t len)
{
	if (t->failed)
		return;
	if (t->room - t->len <= len) {
		size_t room = 2 * t->room + len + 16;
		char *at = realloc(t->at, room);

		if (!at) {
			t->failed = true;
			return;
		}
		t->at = at;
		t->room = room;
	}
	memcpy(t->at + t->len, text, len);
	t->len += len;
	t->at[t->len] = '\0';
}

static size_t put(char *to, size_t at, const char *text, size_t len)
{
	if (len > FAULT_WHY_BYTES - 1 - at)
		len = FAULT_WHY_BYTES - 1 - at;
	memcpy(to + at, text, len);
	to[at + len] = '\0';
	return at + len;
}

const char *fault_clause(char *why, const char *before, const char *name, size_t len, const char *after)
{
	size_t at = put(why, 0, before, strlen(before));

	at = put(why, at, name, len < FAULT_WHY_BYTES / 2 ? len : FAULT_WHY_BYTES / 2);
	put(why, at, after, strlen(after));
	return why;
}
