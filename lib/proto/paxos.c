/*
 * paxos: see paxos.h.  Every function makes one step of the core and hands on what comes out, in its order.
 */
#include "lib/proto/paxos.h"
#include "lib/base/err.h"
#include "lib/proto/paxos_coat.h"
#include "lib/proto/text.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

static const uint64_t WAITING_NS = 3 * UINT64_C(1000000000);    /* of a new node, before it says whom it waits for */

/* --- Persist --- */

struct store_pos paxos_coat_record(struct coat *c, struct buf *begin, struct wire_text text)
{
	struct store_part part[3] = { { begin->at, begin->len }, { text.p, text.len }, { "}", 1 } };

	return node_record(c->node, part, 3);
}

void paxos_coat_hold(struct coat *c, struct store_pos pos)
{
	c->held = store_pos_older(c->held, pos);
	c->held_until = node_records(c->node);
}

struct wire_text paxos_coat_text(struct coat *c, paxos_slot slot)
{
	struct gap *gap;

	if (slot <= c->last)
		return node_entry(c->node, slot);
	gap = gaps_find(&c->gaps, slot);
	assert(gap);
	return (struct wire_text){ gap->text, gap->len };
}

void paxos_coat_fill(struct coat *c)
{
	struct gap *gap;

	while ((gap = gaps_front(&c->gaps)) && gap->slot <= c->last + 1) {
		if (gap->slot == c->last + 1)
			node_place(c->node, ++c->last, (struct wire_text){ gap->text, gap->len }, gap->pos);
		gaps_pop(&c->gaps);
	}
}

static void put_slot(struct coat *c, paxos_slot slot, const struct paxos_ballot *ballot, struct wire_text text)
{
	bool is_next = slot == c->last + 1 && !gaps_find(&c->gaps, slot);
	struct store_pos pos, was = { 0 };

	paxos_record_entry(&c->text, slot, ballot);
	if (is_next) {
		struct store_part part[3] = { { c->text.at, c->text.len }, { text.p, text.len }, { "}", 1 } };

		node_append(c->node, slot, part, 3, 1);
		c->last = slot;
		return;
	}
	pos = paxos_coat_record(c, &c->text, text);
	if (slot > c->last) {
		gaps_put(&c->gaps, slot, text, pos, &was);
		if (was.segment)
			paxos_coat_hold(c, was);
		return;
	}
	node_place(c->node, slot, text, pos);
}

static struct wire_text text_of(struct coat *c, const struct paxos_in *in, const struct paxos_acceptance *a, uint32_t i)
{
	const struct paxos_texts *texts = in->kind == PAXOS_PROPOSE ? &c->own : &c->in;

	switch (a->kind) {
	case PAXOS_ACCEPT_INPUT:
		return texts->text[a->at + i];
	case PAXOS_ACCEPT_OWN:
		return paxos_coat_text(c, a->slot + i);
	case PAXOS_ACCEPT_NOOP:
		return (struct wire_text){ "{\"type\":\"noop\"}", 15 };
	case PAXOS_ACCEPT_CONFIG:
		c->answer.len = 0;
		paxos_config_write(&c->answer, a->config);
		return (struct wire_text){ c->answer.at, c->answer.len };
	}
	assert(false);
	return (struct wire_text){ 0 };
}

static void persist_slots(struct coat *c, const struct paxos_in *in, const struct paxos_out *out)
{
	for (size_t i = 0; i < out->accepted_count; i++) {
		const struct paxos_acceptance *a = &out->accepted[i];

		for (uint32_t j = 0; j < a->count; j++) {
			put_slot(c, a->slot + j, &a->ballot, text_of(c, in, a, j));
			paxos_coat_fill(c);
		}
		/* Another text may be where the last message took its own from. */
		if (a->slot < c->values_slot + c->values_count)
			c->values_count = 0;
	}
	assert(c->last == paxos_last_slot(c->core));
}

static void persist(struct coat *c, const struct paxos_in *in, const struct paxos_out *out)
{
	if (out->promise)
		paxos_record_promised(c);
	if (out->reserve_round)
		paxos_record_reserved(c, out->reserve_round);
	for (size_t i = 0; i < out->counted_count; i++)
		paxos_record_counted(c, &out->counted[i]);
	if (out->votes) {
		c->votes = true;
		paxos_record_votes(c);
	}
	persist_slots(c, in, out);
	for (size_t i = 0; i < out->register_count; i++)
		if (out->registers[i].kind == PAXOS_REGISTER_PERSIST)
			paxos_coat_register_persist(c, in, &out->registers[i]);
	/* Behind them: a disk that lost the end of this must not have it alone. */
	if (out->synced)
		paxos_record_synced(c);
	if (out->record)
		buf_add(&c->stones, &(struct stone){ out->record, node_records(c->node) }, sizeof(struct stone));
}

/* --- A step --- */

/* Said once: whoever starts some of the first members only wants to know what they wait for. */
static void tell_of_waiting(struct coat *c)
{
	const char *name = paxos_unheard(c->core, 0);

	if (!name || node_now(c->node) - c->begun_ns < WAITING_NS)
		return;
	c->told_waiting = true;
	c->text.len = 0;
	for (size_t i = 0; name; name = paxos_unheard(c->core, ++i)) {
		buf_puts(&c->text, i ? ", '" : "'");
		buf_puts(&c->text, name);
		buf_putc(&c->text, '\'');
	}
	warn("node '%s' is new and does not vote before it has heard %.*s, who might remember it; --founding says that none can",
	     node_id(c->node), (int)c->text.len, c->text.at);
}

/* Said once: an operator who lost a disk wants to know why the node only listens. */
static void tell_of_votes(struct coat *c)
{
	bool forgot = paxos_forgot(c->core);

	if (forgot && !c->forgot)
		warn("node '%s' has taken part before and its directory is empty: it does not vote until the others take it in anew",
		     node_id(c->node));
	c->forgot = forgot;
	if (!c->told_waiting && !c->votes)
		tell_of_waiting(c);
}

/* A new directory's number is in the state that goes before the first other record: before that nobody counts it. */
static void begin(struct coat *c)
{
	if (!c->named) {
		c->incarnation = paxos_coat_incarnation(c);
		paxos_load_incarnation(c->core, c->incarnation);
	}
	c->begun = true;
	c->begun_ns = node_now(c->node);
}

/* It may be void, or another value may be chosen in its slot.  What a snapshot took the place of is not known. */
static void watch_change(struct coat *c, const struct paxos_out *out)
{
	paxos_slot slot = c->change_slot;

	if (!slot || out->chosen_upto < slot)
		return;
	c->change_slot = 0;
	c->answer.len = 0;
	if (paxos_snapshot_index(c->core) > slot)
		return;
	paxos_config_lists(&c->answer, paxos_config_at(c->core, slot));
	if (c->answer.len != c->change_text.len || memcmp(c->answer.at, c->change_text.at, c->answer.len))
		node_change_lost(c->node);
}

void paxos_coat_step(struct coat *c, struct paxos_in *in, struct paxos_out *out)
{
	bool leading;

	if (!c->begun)
		begin(c);
	in->now_ns = node_now(c->node);
	paxos_step(c->core, in, out);
	persist(c, in, out);
	for (size_t i = 0; i < out->message_count; i++)
		paxos_coat_send(c, &out->messages[i]);
	node_committed(c->node, out->chosen_upto);
	if (out->reads_confirmed)
		node_reads_confirmed(c->node, out->reads_confirmed, out->read_slot);
	if (out->reads_lost)
		node_reads_lost(c->node, out->reads_lost);
	leading = paxos_role(c->core) == PAXOS_IS_LEADER;
	if (out->config_changed || out->transfer_failed || leading != c->leading)
		node_changed(c->node);
	watch_change(c, out);
	c->leading = leading;
	c->transferring &= leading && !out->transfer_failed;
	c->deadline_ns = out->deadline_ns;
	for (size_t i = 0; i < out->register_count; i++)
		if (out->registers[i].kind != PAXOS_REGISTER_PERSIST)
			paxos_coat_propose_told(c, in, &out->registers[i]);
	tell_of_votes(c);
	/* These make steps of their own: what of `out` the caller looks at is in it by value. */
	paxos_coat_propose_decide(c);
}

static void simple(void *p, enum paxos_in_kind kind)
{
	struct paxos_out out;

	paxos_coat_step(p, &(struct paxos_in){ .kind = kind }, &out);
}

static void tick(void *p)
{
	paxos_coat_propose_expire(p);
	simple(p, PAXOS_TICK);
}

/* In lockstep there is no time before the first line, and a new directory's number is drawn from it; founding has no lines. */
static void start(void *p)
{
	const struct coat *c = p;

	if (c->founding || node_now(c->node))
		simple(p, PAXOS_TICK);
}

/* --- Messages --- */

static bool header_fits(const struct coat *c, const struct paxos_message *m)
{
	struct wire_text header = chunk_header(&c->chunk);
	struct paxos_snapshot snapshot;
	struct paxos_config config;

	return header.len && paxos_header_read(header.p, header.len, &snapshot, &config) &&
	       snapshot.index == m->last_included_index && config.count > 0;
}

static bool message(void *p, const struct wire_line *line, const char **why)
{
	struct coat *c = p;
	struct paxos_message m;
	struct wire_value data = { 0 };
	struct paxos_out out;

	if (!paxos_body_read(c->names, line, &m, &c->in, &data, why))
		return false;
	if (*why)
		return true;
	chunk_decode(&c->chunk, &data);
	m.data_bytes = (uint32_t)c->chunk.len;
	paxos_coat_step(c, &(struct paxos_in){ .kind = PAXOS_RECV, .message = &m }, &out);
	if (!out.chunk)
		return true;
	if (!m.offset && !header_fits(c, &m)) {
		simple(c, PAXOS_INSTALL_FAILED);
		return true;
	}
	node_snapshot_receive(c->node, m.last_included_index, m.offset, (struct wire_text){ c->chunk.at, c->chunk.len },
			      m.done);
	return true;
}

static struct refusal refusal_of(enum paxos_refusal refused)
{
	static const struct refusal no[] = {
		[PAXOS_TAKEN] = { WIRE_TIMEOUT, NULL, false },
		[PAXOS_ALREADY] = { WIRE_TIMEOUT, NULL, false },
		[PAXOS_NOT_LEADER] = { WIRE_UNAVAILABLE, "this node does not lead", true },
		[PAXOS_TRANSFERRING] = { WIRE_UNAVAILABLE, "leadership is being handed over", true },
		[PAXOS_TOO_EARLY] = { WIRE_UNAVAILABLE, "nothing of this ballot is chosen yet", true },
		[PAXOS_CHANGE_PENDING] = { WIRE_UNAVAILABLE, "the change before is not chosen yet", true },
		[PAXOS_NO_SUCH_MEMBER] = { WIRE_ABORT, "no such voter", false },
		[PAXOS_LAST_VOTER] = { WIRE_ABORT, "the last voter cannot leave", false },
		[PAXOS_TOO_MANY] = { WIRE_ABORT, "a cluster has at most 64 members", false },
		[PAXOS_NO_TARGET] = { WIRE_ABORT, "there is no other voter", false },
		[PAXOS_LOG_FULL] = { WIRE_ABORT, "the log has reached slot 2^53", false },
		[PAXOS_QUORUMS] = { WIRE_ABORT, "the quorums that were given would not meet", false },
		[PAXOS_NO_PROPOSER] = { WIRE_UNAVAILABLE, "this node proposes nothing", true },
	};

	return no[refused];
}

static uint64_t propose(void *p, const struct wire_text *commands, size_t count, struct refusal *no)
{
	struct coat *c = p;
	struct paxos_out out;

	paxos_texts_clear(&c->own);
	for (size_t i = 0; i < count; i++)
		paxos_texts_add_command(&c->own, commands[i]);
	paxos_coat_step(c, &(struct paxos_in){
		.kind = PAXOS_PROPOSE, .values = c->own.value, .count = (uint32_t)count }, &out);
	*no = refusal_of(out.refused);
	return out.refused ? 0 : out.propose_first;
}

static uint64_t read_batch(void *p, struct refusal *no)
{
	struct paxos_out out;

	paxos_coat_step(p, &(struct paxos_in){ .kind = PAXOS_READ }, &out);
	*no = refusal_of(out.refused);
	return out.refused ? 0 : out.read;
}

static void persisted(void *p, uint64_t index)
{
	struct coat *c = p;
	struct stone stone;
	struct paxos_out out;
	uint64_t record = 0;

	(void)index;    /* slots are accepted in any order, and again: records say more */
	while (c->stones.len) {
		memcpy(&stone, c->stones.at, sizeof(stone));
		if (stone.count > node_records_durable(c->node))
			break;
		record = stone.record;
		buf_drop(&c->stones, sizeof(stone));
	}
	if (c->held_until <= node_records_durable(c->node))
		c->held = (struct store_pos){ 0 };
	if (record)
		paxos_coat_step(c, &(struct paxos_in){ .kind = PAXOS_PERSISTED, .record = record }, &out);
}

static struct refusal change(void *p, enum paxos_in_kind kind, const char *name)
{
	struct coat *c = p;
	struct paxos_out out;

	paxos_coat_step(c, &(struct paxos_in){ .kind = kind, .name = name }, &out);
	if (kind == PAXOS_TRANSFER && !out.refused)
		c->transferring = paxos_role(c->core) == PAXOS_IS_LEADER;
	if (kind != PAXOS_TRANSFER && out.accepted_count) {
		c->change_slot = paxos_last_slot(c->core);
		c->change_text.len = 0;
		paxos_config_lists(&c->change_text, paxos_config_latest(c->core));
	}
	return refusal_of(out.refused);
}

static struct refusal join(void *p, const char *name)
{
	return change(p, PAXOS_JOIN, name);
}

static struct refusal leave(void *p, const char *name)
{
	return change(p, PAXOS_LEAVE, name);
}

static struct refusal transfer(void *p, const char *name)
{
	return change(p, PAXOS_TRANSFER, name);
}

static void peer_down(void *p, const char *name)
{
	struct paxos_out out;

	paxos_coat_step(p, &(struct paxos_in){ .kind = PAXOS_PEER_DOWN, .name = name }, &out);
}

/* --- Snapshots, segments --- */

static bool snapshot_header(void *p, uint64_t index, struct buf *b)
{
	const struct paxos_config *config = paxos_config_at(((struct coat *)p)->core, index);

	buf_puts(b, "\"last_included_index\":");
	buf_u64(b, index);
	buf_putc(b, ',');
	paxos_config_lists(b, config);
	return config->count > 0;
}

static void compacted(void *p, uint64_t index, uint64_t bytes, uint64_t first)
{
	struct paxos_out out;

	paxos_coat_step(p, &(struct paxos_in){
		.kind = PAXOS_COMPACTED, .first_slot = first, .snapshot = { .index = index, .bytes = bytes } }, &out);
}

static void installed(void *p, const char *header, size_t len, uint64_t bytes)
{
	struct coat *c = p;
	struct paxos_config config;
	struct paxos_out out;
	struct paxos_in in = { .kind = PAXOS_INSTALLED, .snapshot.bytes = bytes, .config = &config };

	if (!paxos_header_read(header, len, &in.snapshot, &config)) {
		simple(p, PAXOS_INSTALL_FAILED);
		return;
	}
	if (c->last < in.snapshot.index) {
		node_reset(c->node, in.snapshot.index);
		c->last = in.snapshot.index;
	}
	paxos_coat_fill(c);
	c->values_count = 0;
	paxos_coat_step(c, &in, &out);
}

static void install_failed(void *p)
{
	simple(p, PAXOS_INSTALL_FAILED);
}

static void state_record(void *p)
{
	paxos_record_state(p);
	paxos_coat_register_move(p);
}

static struct store_pos keep_from(void *p)
{
	const struct coat *c = p;
	struct store_pos pos = store_pos_older(gaps_oldest(&c->gaps), c->held);

	return c->regs.oldest ? store_pos_older(pos, c->regs.oldest->pos) : pos;
}

static uint64_t deadline(void *p)
{
	const struct coat *c = p;
	uint64_t other = paxos_coat_propose_deadline(c);

	return other < c->deadline_ns ? other : c->deadline_ns;
}

const struct protocol paxos_protocol = {
	.name = "paxos",
	.open = paxos_coat_open, .close = paxos_coat_close, .load_snapshot = paxos_coat_load_snapshot,
	.load_record = paxos_coat_load_record, .start = start, .entry_of = paxos_coat_entry_of,
	.message = message, .tick = tick, .propose = propose, .read = read_batch, .persisted = persisted,
	.join = join, .leave = leave, .transfer = transfer, .peer_down = peer_down, .request = paxos_coat_request,
	.state_record = state_record, .keep_from = keep_from,
	.snapshot_header = snapshot_header, .compacted = compacted, .installed = installed,
	.install_failed = install_failed,
	.deadline = deadline, .leader = paxos_coat_leader, .leading = paxos_coat_leading, .epoch = paxos_coat_epoch,
	.member = paxos_coat_member, .status = paxos_coat_status,
};
