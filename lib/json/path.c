/*
 * A path's text is read once, its parts decoded into a copy.
 *
 * Invariant: every part is a name that a member can have, with the hash of such a
 * member's name, so that a scan compares only what almost surely is equal.
 */
#include "lib/json/path.h"
#include "lib/json/names.h"
#include "lib/json/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

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
