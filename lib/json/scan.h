/*
 * scan: one pass over a JSON line, to find the value at a path without
 * building a tree, and to write one back without printing the rest anew.
 *
 * The pass checks the whole line as strictly as jansson does (RFC 8259, UTF-8,
 * no duplicate member in any object, depth at most JSON_DEPTH_MAX): a line is
 * taken by both or by neither, which a differential fuzz target holds.  Bytes
 * outside the value that is set stay as they came: numbers beyond 2^53 too.
 */
#ifndef JSON_SCAN_H
#define JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>

enum { JSON_DEPTH_MAX = 1024, JSON_PATH_PARTS_MAX = 16 };

/* A path as "user.id": member names parted by dots; "\." is a dot in a name. */
struct json_path {
	size_t parts;
	const char *name[JSON_PATH_PARTS_MAX];  /* decoded; not NUL-terminated */
	size_t name_len[JSON_PATH_PARTS_MAX];
	char *text;                             /* owns the names */
};

/* 0, or -1 where a part is empty, is no UTF-8 or there are too many; errno ENOMEM otherwise. */
__attribute__((warn_unused_result))
int json_path_init(struct json_path *, const char *text);
void json_path_release(struct json_path *);

enum json_kind { JSON_NONE, JSON_IS_STRING, JSON_IS_NUMBER, JSON_IS_OTHER };

struct json_found {
	enum json_kind kind;            /* JSON_NONE: the path leads nowhere */
	const char *p;                  /* the value as it stands, quotes included */
	size_t len;
	bool escaped;                   /* a string with a backslash */
	size_t depth;                   /* how many parts of the path led to objects */
	const char *object_end;         /* '}' of the deepest object on the path: where a member could be added */
	bool object_empty;
};

struct json_scan {
	const char *error;              /* one clause, after a return of -1 */
	size_t at;                      /* the byte, from 0 */
};

/*
 * Scans the line for `paths` paths at once.  0, or -1 where the line is not one JSON object
 * with white space around it at the most; then `scan` says what and where.
 */
__attribute__((warn_unused_result))
int json_scan(struct json_scan *scan, const char *line, size_t len,
	      const struct json_path *const *path, size_t paths, struct json_found *found);

/*
 * The characters of a found string without escapes, into out (room for
 * found->len bytes).  Returns the length.
 */
size_t json_unescape(const struct json_found *, char *out);

/* Appends s as a JSON string, quotes included; out has room for 6 * len + 2.  s is UTF-8. */
size_t json_escape(const char *s, size_t len, char *out);

/* Is this UTF-8 (no surrogates, no overlong form, at most U+10FFFF)? */
bool json_utf8(const char *s, size_t len);

#endif
