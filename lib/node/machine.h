/*
 * machine: the replicated state machine as the runtime drives it: lib/kv, or any program (--machine).
 *
 * Commands are applied in the order of the log.  A machine answers at once or later, always in order.
 */
#ifndef NODE_MACHINE_H
#define NODE_MACHINE_H

#include "lib/wire/wire.h"

#include <jansson.h>

struct node;

enum machine_class { MACHINE_READ, MACHINE_WRITE, MACHINE_UNKNOWN };

enum machine_more {
	MACHINE_MORE,           /* there is more of the snapshot: call again */
	MACHINE_WAIT,           /* there will be: node_machine_ready says when */
	MACHINE_END,
	MACHINE_NONE,           /* this machine gives no snapshots */
};

struct machine {
	/* *error: NULL, or why the request is malformed. */
	enum machine_class (*classify)(void *, struct wire_text type, struct wire_text body, const char **error);
	/* True: answered.  False: node_applied comes later. */
	bool (*apply)(void *, uint64_t index, struct wire_text command, struct buf *answer);
	void (*read)(void *, struct wire_text body, struct buf *answer);
	/* May another command be given now? */
	bool (*ready)(void *);

	/* The state as it is after the last applied command, in JSON texts each followed by a newline. */
	void (*snapshot_begin)(void *);
	enum machine_more (*snapshot_next)(void *, size_t bytes, struct buf *lines);
	void (*snapshot_abandon)(void *);
	/* Forgets everything; then load each line; then loaded. */
	void (*reset)(void *);
	bool (*load)(void *, const char *line, size_t len);
	void (*loaded)(void *, uint64_t index);

	/* Tells node_event of every change while on. */
	void (*watch)(void *, bool on);
	bool (*prefix_matches)(struct wire_text body, struct wire_text key);
	void (*status)(void *, json_t *);
	void (*close)(void *);
};

/* For a machine. */
void node_applied(struct node *, uint64_t index, struct wire_text answer);
/* After answers came from outside of a turn, or a snapshot, or room for more commands: a turn is due now. */
void node_machine_ready(struct node *);
void node_event(struct node *, uint64_t index, struct wire_text key, struct wire_text value);   /* value.p NULL: deleted */

/* The two there are. */
extern const struct machine kv_machine, external_machine;
void *kv_machine_open(struct node *, uint64_t seed);
/*
 * The program is started by sh -c; deadline_ns: without an answer for so long it hangs (0: never).  In lockstep every call
 * waits for the program's answer, so that apply always returns true; else the loop has to run.
 */
void *external_machine_open(struct node *, const char *command, uint64_t deadline_ns, bool lockstep);

#endif
