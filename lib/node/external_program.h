/*
 * external_program: inside the external machine, the process: started, fed with lines, read line by line, watched,
 * ended.  Of the lines it knows that each that is sent has one answer, in order, and no more.
 *
 * A program that ends, that answers nothing for too long, that says what nobody asked for or too much,
 * ends the node: node_die, exit 4, as the machine of a node is the node.
 *
 * The program never outlives the node: it is killed with it, however that ends, and so is all in its process group.
 */
#ifndef NODE_EXTERNAL_PROGRAM_H
#define NODE_EXTERNAL_PROGRAM_H

#include "lib/base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PROGRAM_LINE_BYTES_MAX = 60 << 20 };     /* that it says: below STORE_RECORD_BYTES_MAX */

struct program_options {
	const char *command;            /* for sh -c; copied */
	uint64_t deadline_ns;           /* between a line and its answer, or between two answers; 0: any time */
	bool blocking;                  /* no event loop: answers come in program_wait alone */
	/* An answer, without its newline: valid during the call.  Neither may stop the program. */
	void (*answered)(void *ctx, const char *line, size_t len);
	/* In the loop: after the last of those that came together. */
	void (*all_answered)(void *ctx);
	void *ctx;
};

struct program;

struct program *program_start(const struct program_options *);

/* Kills it.  politely: first its stdin ends, and it has a moment to end by itself. */
void program_stop(struct program *, bool politely);

/* Append a whole line with its newline, then program_asked. */
struct buf *program_out(struct program *);
void program_asked(struct program *);

/* BLOCKING: returns once every line has its answer. */
void program_wait(struct program *);

/* `machine 'COMMAND': WHY`, and the end of the node. */
__attribute__((format(printf, 2, 3), noreturn))
void program_die(struct program *, const char *fmt, ...);

#endif
