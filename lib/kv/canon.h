/*
 * canon: inside the kv module, the canonical form of a JSON text: two texts mean the same exactly if
 * their canonical forms are the same bytes.
 *
 * - A string has the escapes json_escape writes and no others.
 * - A number without point and exponent is an integer and stays as it is; -0 is 0.  Any other is a real, in
 *   the fewest of 15 to 17 digits that give the same double, with a point or an exponent; one no
 *   double can hold stays as it is.  So 1 and 1.0 differ, and 1.0, 1e0 and 10E-1 are one.
 * - An object's members stand in the order of their names (canon_order), and no white space is between tokens.
 *
 * All texts are JSON that a scan has taken, slices that begin and end with the value.
 */
#ifndef KV_CANON_H
#define KV_CANON_H

#include "lib/base/buf.h"
#include "lib/wire/wire.h"

#include <stdbool.h>

/* Surely in canonical form, told at a glance: what most keys and values are. */
static inline bool canon_is_plain(struct wire_text json)
{
	switch (*json.p) {
	case '"':
		return !memchr(json.p, '\\', json.len);
	case '[':
	case '{':
		return false;
	case 't':
	case 'f':
	case 'n':
		return true;
	default:
		for (size_t i = 0; i < json.len; i++)
			if (json.p[i] == '.' || (json.p[i] | 0x20) == 'e')
				return false;
		return *json.p != '-' || json.p[1] != '0';
	}
}

/* Appends the canonical form. */
void canon_add(struct buf *, struct wire_text json);

/* The canonical form, in `scratch` (empty before) where it is not the text itself. */
static inline struct wire_text canon(struct wire_text json, struct buf *scratch)
{
	if (canon_is_plain(json))
		return json;
	canon_add(scratch, json);
	return (struct wire_text){ .p = scratch->at, .len = scratch->len };
}

/* Do they mean the same? */
bool canon_equal(struct wire_text a, struct wire_text b);

/* How many containers are in each other, 0 for a scalar. */
size_t canon_depth(struct wire_text json);

/*
 * The order of keys, which are in canonical form: that of their bytes, without the closing quote of a
 * string, so that "a" is before "a b".  Strings come first, then numbers (as text: 10 before 9), arrays, false,
 * null, true, objects.
 */
static inline int canon_order(struct wire_text a, struct wire_text b)
{
	size_t a_len = a.len - (*a.p == '"'), b_len = b.len - (*b.p == '"');
	int c = memcmp(a.p, b.p, a_len < b_len ? a_len : b_len);

	return c ? c : (a_len > b_len) - (a_len < b_len);
}

/* Both in canonical form, the prefix a string: is the key a string that begins with it? */
static inline bool canon_begins(struct wire_text key, struct wire_text prefix)
{
	return key.len >= prefix.len && !memcmp(key.p, prefix.p, prefix.len - 1);
}

#endif
