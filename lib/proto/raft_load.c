/*
 * raft_load: a Raft node as its options and its disk make it.
 *
 * The snapshot comes first; of the log only what is behind it counts.  An entry at an index that is there already was written
 * by a later leader: it and what follows take the place of what was there.
 */
#include "lib/base/err.h"
#include "lib/proto/raft_coat.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WINDOW_BYTES = 8 << 20, WINDOW_MESSAGES = 256, MESSAGE_BYTES = 256 << 10 };

bool raft_header_read(const char *header, size_t len, struct raft_snapshot *s, struct raft_config *config)
{
	static const char *const fields[] = { "last_included_index", "last_included_term", NULL };
	struct wire_names *names = wire_names_new(fields);
	struct wire_text text = { header, len };
	struct wire_value field[2];

	wire_body(names, text, field);
	wire_names_free(names);
	return wire_u64(&field[0], &s->index) && wire_u64(&field[1], &s->term) && raft_config_read(text, config);
}

/* One seed serves a whole cluster, whose nodes must not draw the same timeouts: FNV-1a of the name on top of it. */
static uint64_t seed_of(uint64_t seed, const char *id)
{
	seed ^= UINT64_C(0xcbf29ce484222325);
	for (; *id; id++)
		seed = (seed ^ (unsigned char)*id) * UINT64_C(0x100000001b3);
	return seed;
}

void *raft_coat_open(struct node *node, const struct node_options *o, const char *const *members, size_t count,
		       const char **why)
{
	struct coat *c = must_calloc(1, sizeof(*c));
	struct raft_options options = {
		.id = node_id(node), .election_min_ns = o->election_min_ns, .election_max_ns = o->election_max_ns,
		.heartbeat_ns = o->heartbeat_ns, .window_bytes = WINDOW_BYTES, .window_messages = WINDOW_MESSAGES,
		.message_bytes = MESSAGE_BYTES, .pre_vote = true, .check_quorum = true, .lease_reads = o->lease_reads,
		.seed = seed_of(o->seed, node_id(node)),
	};
	bool mine = !count;

	if (count > RAFT_MEMBERS_MAX) {
		*why = "more than 64 nodes";
		free(c);
		return NULL;
	}
	for (size_t i = 0; i < count; i++) {
		struct raft_member *m = &options.initial.member[options.initial.count++];

		snprintf(m->name, sizeof(m->name), "%s", members[i]);
		m->voter = true;
		mine |= !strcmp(m->name, options.id);
	}
	if (!mine) {
		*why = "the list of nodes does not have this one (a joiner starts with --join)";
		free(c);
		return NULL;
	}
	c->node = node;
	c->names = raft_names_new();
	c->core = raft_new(&options, node_now(node));
	return c;
}

void raft_coat_close(void *p)
{
	struct coat *c = p;

	raft_free(c->core);
	raft_names_free(c->names);
	raft_texts_release(&c->in);
	raft_texts_release(&c->own);
	buf_release(&c->command);
	buf_release(&c->chunk);
	buf_release(&c->entries);
	free(c);
}

const char *raft_coat_load_snapshot(void *p, const char *header, size_t len, uint64_t bytes)
{
	struct coat *c = p;
	struct raft_snapshot snapshot = { .bytes = bytes };
	struct raft_config config;

	if (!raft_header_read(header, len, &snapshot, &config))
		return "its first record is no header of a Raft snapshot";
	raft_load_snapshot(c->core, &snapshot, &config);
	c->loaded_last = snapshot.index;
	return NULL;
}

/*
 * Terms do not fall along a log, so an entry behind the snapshot that is of an older term than its last one was replaced: by
 * what the snapshot includes, whose own records come later in the log or were not flushed when the snapshot was.
 */
static bool is_replaced(const struct coat *c, raft_index index, raft_term term)
{
	raft_index included = raft_snapshot_index(c->core);

	return included && index > included && term < raft_term_at(c->core, included);
}

static const char *load_entry(struct coat *c, raft_index index, raft_term term, struct wire_text command,
			      struct store_pos pos)
{
	if (index <= raft_snapshot_index(c->core) || is_replaced(c, index, term))
		return NULL;
	if (index > c->loaded_last + 1)
		return "entries before this one are missing";
	if (term < raft_term_at(c->core, index - 1))
		return "its term is below that of the entry before";
	if (index <= c->loaded_last)
		raft_load_truncate(c->core, index);
	raft_texts_clear(&c->own);
	raft_texts_add(&c->own, term, command);
	raft_texts_end(&c->own);
	raft_load_entry(c->core, c->own.entry);
	node_loaded(c->node, index, command, pos);
	c->loaded_last = index;
	return NULL;
}

static const char *load_other(struct coat *c, struct wire_text json)
{
	static const char *const fields[] = { "term", "voted_for", "truncate", NULL };
	struct wire_names *names = wire_names_new(fields);
	char vote[RAFT_NAME_BYTES_MAX + 1] = "";
	struct wire_value field[3];
	uint64_t term, from;

	wire_body(names, json, field);
	wire_names_free(names);
	if (wire_u64(&field[2], &from)) {
		if (from > raft_snapshot_index(c->core) && from <= c->loaded_last) {
			raft_load_truncate(c->core, from);
			node_truncate(c->node, from);
			c->loaded_last = from - 1;
		}
		return NULL;
	}
	if (!wire_u64(&field[0], &term) ||
	    (!wire_null(&field[1]) && !wire_string(&field[1], vote, RAFT_NAME_BYTES_MAX)))
		return "not a record of Raft";
	raft_load_state(c->core, term, vote);
	return NULL;
}

const char *raft_coat_load_record(void *p, const char *json, size_t len, struct store_pos pos)
{
	struct wire_text command;
	raft_index index;
	raft_term term;

	if (raft_record_entry(json, len, &index, &term, &command))
		return load_entry(p, index, term, command, pos);
	return load_other(p, (struct wire_text){ json, len });
}

bool raft_coat_entry_of(const char *json, size_t len, uint64_t *index, struct wire_text *command)
{
	raft_term term;

	return raft_record_entry(json, len, index, &term, command);
}
