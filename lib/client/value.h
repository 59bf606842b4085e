/*
 * value: keys and values, as words of a command line and as JSON.
 */
#ifndef CLIENT_VALUE_H
#define CLIENT_VALUE_H

#include "lib/base/buf.h"
#include "lib/wire/wire.h"

#include <stdbool.h>

/* The one JSON value that the text is, white space around it left out; absent if it is none. */
struct wire_value value_read(const char *text, size_t len);

/*
 * Appends the word as JSON: itself where it is JSON and may be, else as a string.  A word that is not UTF-8 is a usage
 * error.
 */
void value_put(struct buf *, const char *word, bool may_be_json);

/*
 * On stdout: a string as its characters, anything else (or all, if json) as it stands.  one_line: a string that would not
 * stay within its field of a line is printed as it stands too.
 */
void value_print(const struct wire_value *, bool json, bool one_line);

#endif
