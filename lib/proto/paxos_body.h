/*
 * paxos_body: the messages and configurations between Paxos nodes as JSON (faultline-protocol(7)).
 *
 * A body is read into struct paxos_message and a list of values whose texts are slices of it; nothing is kept.
 */
#ifndef PROTO_PAXOS_BODY_H
#define PROTO_PAXOS_BODY_H

#include "lib/paxos/paxos.h"
#include "lib/wire/wire.h"

/* A register of a sync_ok. */
struct paxos_reg {
	char instance[PAXOS_INSTANCE_BYTES_MAX + 1];
	struct paxos_register is;
};

/* What a message has besides its plain members: values and their texts, in arrays that grow. */
struct paxos_texts {
	char instance[PAXOS_INSTANCE_BYTES_MAX + 1], after[PAXOS_INSTANCE_BYTES_MAX + 1];
	struct paxos_reg *reg;          /* register i has text i */
	struct paxos_register *registers;
	size_t regs, reg_room;
	struct paxos_value *value;
	struct wire_text *text;
	struct paxos_config *config;    /* of the values that have one */
	size_t count, room, configs, config_room;
};

void paxos_texts_release(struct paxos_texts *);
/* Empties it, then adds one by one: commands of clients, which are no configurations; or whatever is in the log. */
void paxos_texts_clear(struct paxos_texts *);
struct paxos_value *paxos_texts_add_command(struct paxos_texts *, struct wire_text);
struct paxos_value *paxos_texts_add(struct paxos_texts *, struct wire_text);
/* When all are added: sets the values' pointers to their configurations. */
void paxos_texts_end(struct paxos_texts *);

struct paxos_names;
struct paxos_names *paxos_names_new(void);
void paxos_names_free(struct paxos_names *);

/* False: the type is none of Paxos's.  *why: a field is missing or wrong.  `data`: of a chunk. */
bool paxos_body_read(const struct paxos_names *, const struct wire_line *, struct paxos_message *, struct paxos_texts *,
		     struct wire_value *data, const char **why);

/* The members of a message's body but the texts, `data` and `done`, from "type" on. */
void paxos_body_write(struct buf *, const struct paxos_message *);

/* `[2,"n1"]`, null for round 0; and back, false if it is none. */
void paxos_ballot_write(struct buf *, const struct paxos_ballot *);
bool paxos_ballot_read(const struct wire_value *, struct paxos_ballot *);

/* `{"type":"config","voters":[...],"learners":[...]}`; the two lists alone; and back: false if it is none. */
void paxos_config_write(struct buf *, const struct paxos_config *);
void paxos_config_lists(struct buf *, const struct paxos_config *);
bool paxos_config_read(struct wire_text value, struct paxos_config *);

#endif
