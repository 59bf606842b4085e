/*
 * answer: a line that answers a request of ours.
 *
 * Lines as faultline's own nodes write them are read at a glance; any other one by lib/wire, which checks
 * all of it.
 */
#ifndef LOAD_ANSWER_H
#define LOAD_ANSWER_H

#include "lib/wire/wire.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ANSWER_OK = -1 };

struct answer {
	uint32_t client;                /* the number behind the prefix of its name */
	uint64_t msg_id;                /* that of the request */
	int code;                       /* ANSWER_OK, or that of an error */
	struct wire_text read;          /* where that is wanted: JSON of the member `value`, or `txn`; p NULL: there is none */
};

/* Clients are PREFIX0, PREFIX1, ...  False: the line is no answer to any of them. */
bool answer_read(struct answer *, const char *line, size_t len, const char *prefix, size_t prefix_len, bool want_read);

/* The member `at` beside src and dest, of a line in lockstep; false: there is none. */
bool answer_time(const char *line, size_t len, uint64_t *at);

/* The member `leader` of status_ok: its length, at most WIRE_NAME_BYTES_MAX, or 0 where there is none. */
size_t answer_leader(const char *line, size_t len, char leader[static WIRE_NAME_BYTES_MAX + 1]);

#endif
