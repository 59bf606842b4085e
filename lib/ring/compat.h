/*
 * compat: what the layouts of other programs share.
 */
#ifndef RING_COMPAT_H
#define RING_COMPAT_H

#include "lib/ring/algo.h"

enum { DECIMAL_BYTES_MAX = 20 };

/* Writes n in decimal to `to`, which has room; returns how many bytes. */
static inline size_t put_decimal(char *to, uint64_t n)
{
	char digits[DECIMAL_BYTES_MAX];
	size_t len = 0;

	do
		digits[len++] = (char)('0' + n % 10);
	while (n /= 10);
	for (size_t i = 0; i < len; i++)
		to[i] = digits[len - 1 - i];
	return len;
}

/*
 * The length of the host in "host:port": a port is one or more digits after
 * the last colon.  The whole name where there is none.
 */
static inline size_t host_len(const struct ring_node *node)
{
	size_t at = node->name_len;

	while (at && node->name[at - 1] >= '0' && node->name[at - 1] <= '9')
		at--;
	return at && at < node->name_len && node->name[at - 1] == ':' ? at - 1 : node->name_len;
}

#endif
