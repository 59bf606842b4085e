/* duration: an option's argument as a time: a number with a unit, as 50ms, 1.5s, 2m. */
#ifndef BASE_DURATION_H
#define BASE_DURATION_H

#include "lib/base/opt.h"

#include <stdint.h>

/*
 * Nanoseconds of the current option's argument: decimals and ns, us, ms, s, m or h.  Anything else, or
 * what is not in min .. max, ends the process with status 2 and names option and range.
 */
uint64_t duration_option(const struct opt_state *, uint64_t min_ns, uint64_t max_ns);

#endif
