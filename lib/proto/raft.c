/*
 * raft: see raft.h.  Every function makes one step of the core and hands on what comes out, in its order.
 *
 * Records in the log:
 *
 *     {"index":7,"term":2,"command":{...}}            an entry; one at an index that was there replaces it and all after it
 *     {"term":2,"voted_for":"n1"}                     the hard state; voted_for null: for none
 *     {"truncate":8}                                  entries from there on are gone: a snapshot took their place
 */
#include "lib/proto/raft.h"
#include "lib/base/err.h"
#include "lib/proto/raft_coat.h"
#include "lib/proto/text.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

/* --- Persist --- */

static void put_state(struct coat *c)
{
	const char *vote = raft_voted_for(c->core);
	struct buf b = { 0 };

	buf_puts(&b, "{\"term\":");
	buf_u64(&b, raft_current_term(c->core));
	buf_puts(&b, ",\"voted_for\":");
	if (*vote)
		wire_put_string(&b, vote, strlen(vote));
	else
		buf_puts(&b, "null");
	buf_putc(&b, '}');
	node_record(c->node, &(struct store_part){ b.at, b.len }, 1);
	buf_release(&b);
}

static void put_truncation(struct coat *c, raft_index from)
{
	char text[48];
	int len = snprintf(text, sizeof(text), "{\"truncate\":%llu}", (unsigned long long)from);

	node_record(c->node, &(struct store_part){ text, (size_t)len }, 1);
}

static void put_entry(struct coat *c, raft_index index, raft_term term, struct wire_text command)
{
	char begin[RAFT_RECORD_BEGIN_BYTES];
	struct store_part part[3] = {
		{ begin, raft_record_begin(begin, index, term) }, { command.p, command.len }, { "}", 1 },
	};

	node_append(c->node, index, part, 3, 1);
}

static void put_entries(struct coat *c, const struct raft_out *out, const struct raft_texts *texts, bool proposed)
{
	for (uint32_t i = 0; i < out->append_count; i++) {
		size_t at = out->append_offset + i;

		put_entry(c, out->append_first + i, proposed ? out->append_term : texts->entry[at].term, texts->text[at]);
	}
}

static void persist(struct coat *c, const struct raft_in *in, const struct raft_out *out)
{
	if (out->hard_state)
		put_state(c);
	/* After a snapshot was installed the whole log is another one: installed() says so. */
	if (out->truncate_from && in->kind != RAFT_INSTALLED) {
		node_truncate(c->node, out->truncate_from);
		c->entries_count = 0;
	}
	switch (out->append) {
	case RAFT_APPEND_NONE:
		return;
	case RAFT_APPEND_INPUT:
		put_entries(c, out, in->kind == RAFT_PROPOSE ? &c->own : &c->in, in->kind == RAFT_PROPOSE);
		return;
	case RAFT_APPEND_NOOP:
		put_entry(c, out->append_first, out->append_term, (struct wire_text){ "{\"type\":\"noop\"}", 15 });
		return;
	case RAFT_APPEND_CONFIG:
		c->command.len = 0;
		raft_config_write(&c->command, out->append_config);
		put_entry(c, out->append_first, out->append_term, (struct wire_text){ c->command.at, c->command.len });
		return;
	}
}

/* --- Send --- */

static void make_entries(struct coat *c, raft_index prev, uint32_t count)
{
	struct buf *b = &c->entries;

	if (c->entries_count == count && c->entries_prev == prev)
		return;
	b->len = 0;
	for (uint32_t i = 1; i <= count; i++) {
		struct wire_text text = node_entry(c->node, prev + i);

		buf_puts(b, i > 1 ? ",{\"term\":" : "{\"term\":");
		buf_u64(b, raft_term_at(c->core, prev + i));
		buf_puts(b, ",\"command\":");
		buf_add(b, text.p, text.len);
		buf_putc(b, '}');
	}
	c->entries_prev = prev;
	c->entries_count = count;
}

static void send_message(struct coat *c, const struct raft_message *m)
{
	struct buf *b = node_send(c->node, m->peer, m->after_persist);
	bool done = false;

	raft_body_write(b, m, node_id(c->node));
	if (m->type == RAFT_APPEND_ENTRIES && m->count) {
		make_entries(c, m->prev_log_index, m->count);
		buf_puts(b, ",\"entries\":[");
		buf_add(b, c->entries.at, c->entries.len);
		buf_putc(b, ']');
	}
	if (m->type == RAFT_INSTALL_SNAPSHOT) {
		buf_puts(b, ",\"data\":");
		if (!node_snapshot_send(c->node, m->last_included_index, m->offset, b, &done))
			buf_puts(b, "\"\"");
		buf_puts(b, done ? ",\"done\":true" : ",\"done\":false");
	}
	node_send_end(c->node, b);
}

/* --- A step --- */

static void step(struct coat *c, struct raft_in *in, struct raft_out *out)
{
	bool leading;

	in->now_ns = node_now(c->node);
	raft_step(c->core, in, out);
	persist(c, in, out);
	for (size_t i = 0; i < out->message_count; i++)
		send_message(c, &out->messages[i]);
	node_committed(c->node, out->commit_index);
	if (out->reads_confirmed)
		node_reads_confirmed(c->node, out->reads_confirmed, out->read_index);
	if (out->reads_lost)
		node_reads_lost(c->node, out->reads_lost);
	leading = raft_role(c->core) == RAFT_LEADER;
	if (out->config_changed || out->transfer_failed || leading != c->leading)
		node_changed(c->node);
	c->leading = leading;
	c->transferring &= leading && !out->transfer_failed;
	c->deadline_ns = out->deadline_ns;
}

static void simple(void *p, enum raft_in_kind kind)
{
	struct raft_out out;

	step(p, &(struct raft_in){ .kind = kind }, &out);
}

static void tick(void *p)
{
	simple(p, RAFT_TICK);
}

static bool header_fits(const struct coat *c, const struct raft_message *m)
{
	struct wire_text header = chunk_header(&c->chunk);
	struct raft_snapshot snapshot;
	struct raft_config config;

	return header.len && raft_header_read(header.p, header.len, &snapshot, &config) &&
	       snapshot.index == m->last_included_index && snapshot.term == m->last_included_term;
}

static bool message(void *p, const struct wire_line *line, const char **why)
{
	struct coat *c = p;
	struct raft_message m;
	struct wire_value data = { 0 };
	struct raft_out out;

	if (!raft_body_read(c->names, line, &m, &c->in, &data, why))
		return false;
	if (*why)
		return true;
	chunk_decode(&c->chunk, &data);
	m.data_bytes = (uint32_t)c->chunk.len;
	step(c, &(struct raft_in){ .kind = RAFT_RECV, .message = &m }, &out);
	if (!out.chunk)
		return true;
	if (!m.offset && !header_fits(c, &m)) {
		simple(c, RAFT_INSTALL_FAILED);
		return true;
	}
	/* The log makes room for the snapshot before it has its name: entries behind one that it contradicts. */
	if (m.done && raft_last_index(c->core) > m.last_included_index &&
	    (raft_first_index(c->core) > m.last_included_index + 1 ||
	     raft_term_at(c->core, m.last_included_index) != m.last_included_term))
		put_truncation(c, m.last_included_index + 1);
	node_snapshot_receive(c->node, m.last_included_index, m.offset, (struct wire_text){ c->chunk.at, c->chunk.len },
			      m.done);
	return true;
}

static struct refusal refusal_of(enum raft_refusal refused)
{
	static const struct refusal no[] = {
		[RAFT_TAKEN] = { WIRE_TIMEOUT, NULL, false },
		[RAFT_ALREADY] = { WIRE_TIMEOUT, NULL, false },
		[RAFT_NOT_LEADER] = { WIRE_UNAVAILABLE, "this node does not lead", true },
		[RAFT_TRANSFERRING] = { WIRE_UNAVAILABLE, "leadership is being handed over", true },
		[RAFT_TOO_EARLY] = { WIRE_UNAVAILABLE, "no entry of this term is committed yet", true },
		[RAFT_CHANGE_PENDING] = { WIRE_UNAVAILABLE, "the change before is not committed yet", true },
		[RAFT_NO_SUCH_MEMBER] = { WIRE_ABORT, "no such voter", false },
		[RAFT_LAST_VOTER] = { WIRE_ABORT, "the last voter cannot leave", false },
		[RAFT_TOO_MANY] = { WIRE_ABORT, "a cluster has at most 64 members", false },
		[RAFT_NO_TARGET] = { WIRE_ABORT, "there is no other voter", false },
		[RAFT_LOG_FULL] = { WIRE_ABORT, "the log has reached index 2^53", false },
	};

	return no[refused];
}

static uint64_t propose(void *p, const struct wire_text *commands, size_t count, struct refusal *no)
{
	struct coat *c = p;
	struct raft_out out;

	raft_texts_clear(&c->own);
	for (size_t i = 0; i < count; i++)
		raft_texts_add_command(&c->own, commands[i]);
	step(c, &(struct raft_in){ .kind = RAFT_PROPOSE, .entries = c->own.entry, .count = (uint32_t)count }, &out);
	*no = refusal_of(out.refused);
	return out.refused ? 0 : out.append_first;
}

static uint64_t read_batch(void *p, struct refusal *no)
{
	struct raft_out out;

	step(p, &(struct raft_in){ .kind = RAFT_READ }, &out);
	*no = refusal_of(out.refused);
	return out.refused ? 0 : out.read;
}

static void persisted(void *p, uint64_t index)
{
	struct raft_out out;

	step(p, &(struct raft_in){ .kind = RAFT_PERSISTED, .index = index }, &out);
}

static struct refusal change(void *p, enum raft_in_kind kind, const char *name)
{
	struct coat *c = p;
	struct raft_out out;

	step(c, &(struct raft_in){ .kind = kind, .name = name }, &out);
	if (kind == RAFT_TRANSFER && !out.refused)
		c->transferring = raft_role(c->core) == RAFT_LEADER;
	return refusal_of(out.refused);
}

static struct refusal join(void *p, const char *name)
{
	return change(p, RAFT_JOIN, name);
}

static struct refusal leave(void *p, const char *name)
{
	return change(p, RAFT_LEAVE, name);
}

static struct refusal transfer(void *p, const char *name)
{
	return change(p, RAFT_TRANSFER, name);
}

static void peer_down(void *p, const char *name)
{
	struct raft_out out;

	step(p, &(struct raft_in){ .kind = RAFT_PEER_DOWN, .name = name }, &out);
}

/* --- Snapshots --- */

static bool snapshot_header(void *p, uint64_t index, struct buf *b)
{
	struct coat *c = p;
	const struct raft_config *config = raft_config_at(c->core, index);

	buf_puts(b, "\"last_included_index\":");
	buf_u64(b, index);
	buf_puts(b, ",\"last_included_term\":");
	buf_u64(b, raft_term_at(c->core, index));
	buf_putc(b, ',');
	raft_config_lists(b, config);
	return config->count > 0;
}

static void compacted(void *p, uint64_t index, uint64_t bytes, uint64_t first)
{
	struct coat *c = p;
	struct raft_out out;
	struct raft_in in = {
		.kind = RAFT_COMPACTED, .first_index = first,
		.snapshot = { .index = index, .term = raft_term_at(c->core, index), .bytes = bytes },
	};

	step(c, &in, &out);
}

static void installed(void *p, const char *header, size_t len, uint64_t bytes)
{
	struct coat *c = p;
	struct raft_config config;
	struct raft_out out;
	struct raft_in in = { .kind = RAFT_INSTALLED, .snapshot.bytes = bytes, .config = &config };

	if (!raft_header_read(header, len, &in.snapshot, &config)) {
		simple(p, RAFT_INSTALL_FAILED);
		return;
	}
	step(c, &in, &out);
	c->entries_count = 0;
	if (raft_first_index(c->core) > raft_last_index(c->core))
		node_reset(c->node, raft_last_index(c->core));
}

static void install_failed(void *p)
{
	simple(p, RAFT_INSTALL_FAILED);
}

static void state_record(void *p)
{
	put_state(p);
}

static uint64_t deadline(void *p)
{
	return ((struct coat *)p)->deadline_ns;
}

const struct protocol raft_protocol = {
	.name = "raft",
	.open = raft_coat_open, .close = raft_coat_close, .load_snapshot = raft_coat_load_snapshot, .load_record = raft_coat_load_record,
	.start = tick, .entry_of = raft_coat_entry_of,
	.message = message, .tick = tick, .propose = propose, .read = read_batch, .persisted = persisted,
	.join = join, .leave = leave, .transfer = transfer, .peer_down = peer_down, .state_record = state_record,
	.snapshot_header = snapshot_header, .compacted = compacted, .installed = installed,
	.install_failed = install_failed,
	.deadline = deadline, .leader = raft_coat_leader, .leading = raft_coat_leading, .epoch = raft_coat_epoch, .member = raft_coat_member,
	.status = raft_coat_status,
};
