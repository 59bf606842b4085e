/*
 * raft_body: Raft's messages, records and configurations as JSON (faultline-protocol(7), faultline-log(5)).
 *
 * A body is read into struct raft_message and a list of entries whose texts are slices of it; nothing is kept.
 */
#ifndef PROTO_RAFT_BODY_H
#define PROTO_RAFT_BODY_H

#include "lib/raft/raft.h"
#include "lib/wire/wire.h"

/* The entries of one append, in two arrays that grow. */
struct raft_texts {
	struct raft_entry *entry;
	struct wire_text *text;
	struct raft_config *config;     /* of the entries that have one */
	size_t count, room, configs, config_room;
};

void raft_texts_release(struct raft_texts *);
/* Empties it, then adds entries one by one, reading configurations; or commands of clients, which are none. */
void raft_texts_clear(struct raft_texts *);
void raft_texts_add_command(struct raft_texts *, struct wire_text command);
void raft_texts_add(struct raft_texts *, uint64_t term, struct wire_text command);
/* When all are added: sets the entries' pointers to their configurations. */
void raft_texts_end(struct raft_texts *);

struct raft_names;
struct raft_names *raft_names_new(void);
void raft_names_free(struct raft_names *);

/* False: the type is none of Raft's.  *why: a field is missing or wrong.  `data`: of a chunk. */
bool raft_body_read(const struct raft_names *, const struct wire_line *, struct raft_message *, struct raft_texts *,
		    struct wire_value *data, const char **why);

/* The members of a message's body but entries, data and done, from "type" on. */
void raft_body_write(struct buf *, const struct raft_message *, const char *self);
const char *raft_body_type(enum raft_message_type);

/* `{"type":"config","voters":[...],"learners":[...]}`; the two lists alone; and back: false if it is none. */
void raft_config_write(struct buf *, const struct raft_config *);
void raft_config_lists(struct buf *, const struct raft_config *);
bool raft_config_read(struct wire_text command, struct raft_config *);

/* A record of the log: `{"index":7,"term":2,"command":{...}}`, in two pieces around the command. */
size_t raft_record_begin(char *out, uint64_t index, uint64_t term);
enum { RAFT_RECORD_BEGIN_BYTES = 80 };
bool raft_record_entry(const char *json, size_t len, uint64_t *index, uint64_t *term, struct wire_text *command);

#endif
