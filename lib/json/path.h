/*
 * path: where a value stands in a line, as "user.id".
 *
 * Member names parted by dots; "\." is a dot in a name, "\\" a backslash.
 */
#ifndef JSON_PATH_H
#define JSON_PATH_H

#include <stddef.h>
#include <stdint.h>

enum { JSON_PATH_PARTS_MAX = 16 };

struct json_path {
	size_t parts;
	const char *name[JSON_PATH_PARTS_MAX];  /* decoded; not NUL-terminated */
	size_t name_len[JSON_PATH_PARTS_MAX];
	uint32_t name_hash[JSON_PATH_PARTS_MAX];
	char *text;                             /* owns the names */
};

/*
 * 0, or -1 and errno: EINVAL where a part is empty, is no UTF-8, has a backslash before
 * anything else, or where there are too many; ENOMEM.  After -1 there is nothing to release.
 */
__attribute__((warn_unused_result))
int json_path_init(struct json_path *, const char *text);
void json_path_release(struct json_path *);

#endif
