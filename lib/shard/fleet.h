/*
 * fleet: nodes with the ring over them, made from what the command line says:
 * a list, a file or a state file.  Ends the process with a message where that
 * cannot be done.
 */
#ifndef SHARD_FLEET_H
#define SHARD_FLEET_H

#include "lib/shard/state.h"

struct fleet_conf {
	const struct ring_algo *algo;   /* NULL: none was named */
	struct ring_conf ring;
	const char *list;               /* -n */
	const char *list_name;          /* what a message calls it; NULL: --nodes */
	const char *file;               /* -f */
	const char *state;              /* --state */
	uint32_t capacity;              /* of a new numbering; 0 chooses */
	bool numbered;                  /* the list's order is the numbering */
	bool warn_size;
};

struct fleet {
	struct state state;             /* algorithm, nodes and, where there is one, the numbering */
	struct ring *ring;
};

/* Which instructions this machine has, less those that FAULTLINE_CPU (scalar, avx2) forbids. */
unsigned fleet_cpu(void);

/* The SipHash key that a file of 16 to 4096 bytes stands for. */
void fleet_key(const char *path, uint8_t key[16]);

/* From the conf's list, file and state. */
void fleet_load(struct fleet *, const struct fleet_conf *);

/*
 * OLD and NEW of --diff: each a list, a file of nodes or a state file.  A new list
 * of a numbered algorithm takes its numbering from the old one.
 */
void fleet_load_two(struct fleet *was, struct fleet *is, const struct fleet_conf *, const char *was_text,
		    const char *is_text);

/* Makes or changes the state file and says what it did on stderr. */
void fleet_update(const struct fleet_conf *);

void fleet_release(struct fleet *);

#endif
