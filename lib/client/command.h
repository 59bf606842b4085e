/*
 * command: the commands of the tool kv.  They print: answers on stdout, what went wrong on stderr.
 */
#ifndef CLIENT_COMMAND_H
#define CLIENT_COMMAND_H

#include "lib/base/err.h"
#include "lib/client/client.h"

enum {
	COMMAND_ADDRESSES_MAX = 64,
	COMMAND_TEXT_BYTES = 512,       /* of an error */
};

/* What the options and operands say. */
struct command {
	const char *name;
	char **operand;
	size_t operands;
	struct address address[COMMAND_ADDRESSES_MAX];
	size_t addresses;               /* none: standard input and output */
	const char *servers;            /* as they were given, for messages */
	const char *to;                 /* NULL: any node */
	const char *timeout;            /* as it was given, for messages */
	uint64_t timeout_ns;
	bool raw, json, json_keys, stale, create, watch;
	const char *about;              /* the operand that messages name, or NULL */
	struct client client;
};

typedef enum exit_status command_run(struct command *);

command_run command_get, command_put, command_cas, command_delete, command_list, command_txn, command_apply;
command_run command_watch, command_status, command_wait;
command_run command_join, command_leave, command_transfer, command_snapshot;
command_run command_net;
command_run command_propose, command_change;

/* --- For the commands --- */

/* Asks and waits; where nothing answers, the end: exit 4. */
void command_ask(struct command *, const struct request *, struct wire_line *answer);
__attribute__((noreturn))
void command_no_answer(const struct command *, const char *why);

/*
 * Whether the answer is of that type: EXIT_DONE.  If not, says why on stderr, and gives the status: the answer is
 * no, the request is wrong, or the system failed.
 */
__attribute__((warn_unused_result))
enum exit_status command_expect(const struct command *, const struct wire_line *answer, const char *type);

/* The code of an error answer, and its text; any other answer than that is strange. */
uint64_t command_code(const struct command *, const struct wire_line *answer, char text[static COMMAND_TEXT_BYTES]);

/* An answer that is not what its type promises: the end, exit 4. */
__attribute__((noreturn))
void command_strange(const struct command *, const struct wire_line *answer);

#endif
