/* duration: times as text: a number with a unit, as 50ms, 1.5s, 2m. */
#ifndef BASE_DURATION_H
#define BASE_DURATION_H

#include "lib/base/opt.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DURATION_BYTES = 32 };           /* room for one that is written */

/*
 * Digits, perhaps a point and digits, and ns, us, ms, s, m or h; what is less than a nanosecond is cut off.  False if
 * it is something else, or too long for 64 bits of nanoseconds.
 */
__attribute__((warn_unused_result))
bool duration_read(const char *text, size_t len, uint64_t *ns);

/* In the largest unit that leaves a whole number. */
void duration_write(char text[static DURATION_BYTES], uint64_t ns);

/*
 * Nanoseconds of the current option's argument: decimals and ns, us, ms, s, m or h.  Anything else, or
 * what is not in min .. max, ends the process with status 2 and names option and range.
 */
uint64_t duration_option(const struct opt_state *, uint64_t min_ns, uint64_t max_ns);

#endif
