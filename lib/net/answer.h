/*
 * answer: what an answer says of the node that gave it.
 */
#ifndef NET_ANSWER_H
#define NET_ANSWER_H

#include <stdbool.h>
#include <stddef.h>

/* Is it error 11: the node cannot serve now, and another one may? */
bool answer_declines(const char *line, size_t len);

#endif
