/*
 * scan: one pass over a JSON line, to find the value at a path without
 * building a tree, and to write one back without printing the rest anew.
 *
 * The pass checks the whole line as strictly as jansson does (RFC 8259, UTF-8,
 * no duplicate member in any object, no NUL in a member's name): a line is taken
 * by both or by neither, which a differential fuzz target holds, but for these:
 * numbers of any size are taken (jansson wants 64 bits and finite doubles), more
 * than JSON_DEPTH_MAX containers in each other are not (jansson: 2048 values),
 * nor is a raw NUL (jansson 2.14 skips one after a number or a literal), nor an
 * array on the top.  Bytes outside the value that is set stay as they came:
 * numbers beyond 2^53 too.
 */
#ifndef JSON_SCAN_H
#define JSON_SCAN_H

#include "lib/json/path.h"
#include "lib/json/text.h"

#include <stdbool.h>
#include <stddef.h>

enum { JSON_DEPTH_MAX = 1024, JSON_PATHS_MAX = 8 };

enum json_kind { JSON_NONE, JSON_IS_STRING, JSON_IS_NUMBER, JSON_IS_OTHER };

/* Pointers lead into the scanned line. */
struct json_found {
	enum json_kind kind;            /* JSON_NONE: the path leads nowhere */
	const char *p;                  /* the value as it stands, quotes included */
	size_t len;
	bool escaped;                   /* a string with a backslash */
	size_t depth;                   /* how many parts, the last not counted, led to objects: 0 .. parts - 1 */
	const char *object_end;         /* '}' of the deepest of them (of the line's object where depth is 0):
	                                   where the member name[depth] could be added */
	bool object_empty;              /* that object has no member yet */
	bool blocked;                   /* JSON_NONE, and name[depth] is a member of it that is no object: */
	                                /* nothing can be added */
};

struct json_scan {
	const char *error;              /* one clause, after a return of -1 or -2; a constant */
	size_t at;                      /* the byte, from 0 */
};

/*
 * Scans the line for `paths` (at most JSON_PATHS_MAX) paths at once.  0, or -1 where the line is
 * not one JSON object with white space around it at the most, or -2 where memory ran out (only
 * a line with more than 128 members, counting one object and those around it, asks for any);
 * then `scan` says what and where and `found` says nothing.  Neither reads nor needs a
 * byte after the line.
 */
__attribute__((warn_unused_result))
int json_scan(struct json_scan *scan, const char *line, size_t len,
	      const struct json_path *const *path, size_t paths, struct json_found *found);

/*
 * The characters of a found string without quotes and escapes, into out (room for
 * found->len bytes).  Returns the length.  The text may hold NUL, from \u0000.
 */
size_t json_unescape(const struct json_found *, char *out);

#endif
