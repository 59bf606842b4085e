/*
 * raft_shell: a model of what stands around a Raft core, for its tests: a log whose texts are labels, a
 * disk that is behind until it is flushed, and messages that wait for it.
 *
 *	core  --out-->  memory  --flush-->  disk            a crash leaves the disk alone
 *	        \--> held until the flush --> on_send
 *
 * Who includes this defines on_step and on_send.
 */
#ifndef TESTS_UNIT_RAFT_SHELL_H
#define TESTS_UNIT_RAFT_SHELL_H

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/raft/raft.h"

enum { SHELL_NODES_MAX = 10, SHELL_LABEL_BYTES = 24, SHELL_SNAPSHOT_BYTES = 100 };

struct item {
	raft_term term;
	uint64_t id;                            /* of this entry and no other */
	uint32_t bytes;
	const struct raft_config *config;       /* kept for good */
	char label[SHELL_LABEL_BYTES];
};

/* item[i] is entry base + 1 + i. */
struct store {
	raft_term term;
	char vote[RAFT_NAME_BYTES_MAX + 1];
	raft_index base;
	raft_term base_term;
	struct item *item;
	size_t count, room;
	struct raft_snapshot snapshot, before;
	const struct raft_config *snapshot_config, *before_config;
};

struct packet {
	int from, to;
	struct raft_message m;
	struct item *items;
	const struct raft_config *config;       /* of a snapshot */
	struct packet *next;
};

/* All zeros is an empty one. */
struct packets {
	struct packet *first, *last;
};

struct shell {
	int number;
	bool alive;
	struct raft *raft;
	struct raft_options options;
	char name[8];
	struct store memory, disk;
	raft_index flushing;            /* what the flush under way covers, cut where the log was cut since */
	struct packets held;
	raft_index applied;
	uint64_t now_ns, deadline_ns;
	uint32_t chunk_bytes;
	struct raft_snapshot loading;   /* a whole one came in; index 0: none */
	const struct raft_config *loading_config;
};

static void on_step(struct shell *, const struct raft_in *, const struct raft_out *);
static void on_send(struct packet *);           /* takes it */

static uint64_t shell_next_id = 1;

/* --- Configurations are few, and are kept to the end of the process. --- */

static const struct raft_config *shell_config(const struct raft_config *config)
{
	static struct kept { struct raft_config config; struct kept *next; } *all;
	struct kept *k;

	for (k = all; k; k = k->next)
		if (memcmp(&k->config, config, sizeof(*config)) == 0)
			return &k->config;
	k = malloc(sizeof(*k));
	assert(k);
	k->config = *config;
	k->next = all;
	all = k;
	return &k->config;
}

static void shell_name(char *name, int number)
{
	name[0] = 'n';
	name[1] = (char)('0' + number);
	name[2] = '\0';
}

static int shell_number(const char *name)
{
	assert(name[0] == 'n' && name[1] > '0' && name[1] <= '9' && !name[2]);
	return name[1] - '0';
}

/* --- Store --- */

static raft_index store_last(const struct store *s)
{
	return s->base + s->count;
}

static const struct item *store_at(const struct store *s, raft_index index)
{
	assert(index > s->base && index <= store_last(s));
	return &s->item[index - s->base - 1];
}

static void store_push(struct store *s, const struct item *item)
{
	if (s->count == s->room) {
		s->room = s->room ? 2 * s->room : 64;
		s->item = realloc(s->item, s->room * sizeof(*s->item));
		assert(s->item);
	}
	s->item[s->count++] = *item;
}

static void store_cut_before(struct store *s, raft_index first)
{
	size_t gone = first - 1 - s->base;

	if (first <= s->base + 1)
		return;
	assert(gone <= s->count);
	s->base_term = s->item[gone - 1].term;
	memmove(s->item, s->item + gone, (s->count - gone) * sizeof(*s->item));
	s->count -= gone;
	s->base = first - 1;
}

static void store_copy(struct store *to, const struct store *from)
{
	struct item *item = to->item;
	size_t room = to->room;

	if (room < from->count) {
		room = from->room;
		item = realloc(item, room * sizeof(*item));
		assert(item);
	}
	*to = *from;
	to->item = item;
	to->room = room;
	if (from->count)
		memcpy(item, from->item, from->count * sizeof(*item));
}

/* --- Packets --- */

static void packets_push(struct packets *q, struct packet *p)
{
	p->next = NULL;
	if (q->first)
		q->last->next = p;
	else
		q->first = p;
	q->last = p;
}

static struct packet *packets_pop(struct packets *q)
{
	struct packet *p = q->first;

	if (p)
		q->first = p->next;
	return p;
}

static struct packets packets_take(struct packets *q)
{
	struct packets taken = *q;

	q->first = NULL;
	return taken;
}

static void packet_free(struct packet *p)
{
	free(p->items);
	free(p);
}

static struct packet *packet_copy(const struct packet *p)
{
	struct packet *copy = malloc(sizeof(*copy));

	assert(copy);
	*copy = *p;
	copy->next = NULL;
	if (p->m.count) {
		copy->items = malloc(p->m.count * sizeof(*copy->items));
		assert(copy->items);
		memcpy(copy->items, p->items, p->m.count * sizeof(*copy->items));
	}
	return copy;
}

/* What the shell adds to a message: entries, or a chunk of a snapshot. */
static struct packet *shell_pack(const struct shell *s, const struct raft_message *m)
{
	struct packet *p = calloc(1, sizeof(*p));

	assert(p);
	p->from = s->number;
	p->to = shell_number(m->peer);
	p->m = *m;
	if (m->type == RAFT_APPEND_ENTRIES && m->count) {
		p->items = malloc(m->count * sizeof(*p->items));
		assert(p->items);
		for (uint32_t i = 0; i < m->count; i++)
			p->items[i] = *store_at(&s->memory, m->prev_log_index + 1 + i);
	}
	if (m->type == RAFT_INSTALL_SNAPSHOT) {
		bool current = m->last_included_index == s->memory.snapshot.index;
		uint64_t left = SHELL_SNAPSHOT_BYTES - m->offset;

		assert(current || m->last_included_index == s->memory.before.index);
		assert(m->offset < SHELL_SNAPSHOT_BYTES);
		p->config = current ? s->memory.snapshot_config : s->memory.before_config;
		p->m.data_bytes = left < s->chunk_bytes ? (uint32_t)left : s->chunk_bytes;
		p->m.done = p->m.data_bytes == left;
	}
	return p;
}

/* --- Steps --- */

static void shell_append(struct shell *s, const struct raft_in *in, const struct raft_out *out,
			 const struct item *items)
{
	for (uint32_t i = 0; i < out->append_count; i++) {
		struct item item = { .term = out->append_term, .bytes = 8 };

		if (out->append == RAFT_APPEND_INPUT)
			item = items[out->append_offset + i];
		if (in->kind != RAFT_RECV || out->append != RAFT_APPEND_INPUT) {
			item.term = out->append_term;
			item.id = shell_next_id++;
		}
		if (out->append == RAFT_APPEND_NOOP)
			strcpy(item.label, "noop");
		if (out->append == RAFT_APPEND_CONFIG) {
			strcpy(item.label, "config");
			item.config = shell_config(out->append_config);
		}
		assert(store_last(&s->memory) + 1 == out->append_first + i);
		store_push(&s->memory, &item);
	}
}

/* In the order that raft.h asks for; `items` are the texts of in's entries. */
static void shell_step(struct shell *s, const struct raft_in *in, const struct item *items)
{
	struct store *m = &s->memory;
	struct raft_out out;

	raft_step(s->raft, in, &out);
	if (out.hard_state) {
		m->term = raft_current_term(s->raft);
		strcpy(m->vote, raft_voted_for(s->raft));
	}
	if (out.truncate_from) {
		assert(out.truncate_from > m->base && out.truncate_from <= store_last(m));
		m->count = out.truncate_from - m->base - 1;
		if (s->flushing >= out.truncate_from)
			s->flushing = out.truncate_from - 1;
	}
	if (m->count == 0 && m->base + 1 != raft_first_index(s->raft)) {
		m->base = m->snapshot.index;
		m->base_term = m->snapshot.term;
	}
	shell_append(s, in, &out, items);
	assert(raft_last_index(s->raft) == store_last(m));
	assert(raft_first_index(s->raft) == m->base + 1);
	s->deadline_ns = out.deadline_ns;
	if (out.chunk && in->message->done) {
		s->loading.index = in->message->last_included_index;
		s->loading.term = in->message->last_included_term;
		s->loading.bytes = SHELL_SNAPSHOT_BYTES;
		s->loading_config = in->config;
	}
	on_step(s, in, &out);
	for (size_t i = 0; i < out.message_count; i++) {
		struct packet *p = shell_pack(s, &out.messages[i]);

		if (p->m.after_persist)
			packets_push(&s->held, p);
		else
			on_send(p);
	}
}

static void shell_input(struct shell *s, enum raft_in_kind kind, const char *name)
{
	struct raft_in in = { .kind = kind, .now_ns = s->now_ns, .name = name };

	shell_step(s, &in, NULL);
}

static void shell_propose(struct shell *s, const struct item *items, uint32_t count)
{
	struct raft_entry entry[256];
	struct raft_in in = { .kind = RAFT_PROPOSE, .now_ns = s->now_ns, .entries = entry, .count = count };

	assert(count <= 256);
	for (uint32_t i = 0; i < count; i++)
		entry[i] = (struct raft_entry){ 0, items[i].bytes, NULL };
	shell_step(s, &in, items);
}

/* Takes the packet. */
static void shell_deliver(struct shell *s, struct packet *p)
{
	struct raft_entry *entry = calloc(p->m.count + 1, sizeof(*entry));
	struct raft_in in = { .kind = RAFT_RECV, .now_ns = s->now_ns, .message = &p->m, .config = p->config };

	assert(entry);
	for (uint32_t i = 0; i < p->m.count; i++)
		entry[i] = (struct raft_entry){ p->items[i].term, p->items[i].bytes, p->items[i].config };
	p->m.entries = entry;
	p->m.after_persist = false;
	shell_name(p->m.peer, p->from);
	shell_step(s, &in, p->items);
	free(entry);
	packet_free(p);
}

/* --- The disk --- */

/*
 * All that was asked for until now is durable: in one go, or with a flush that began at `memory` as it was.
 */
static void shell_flush_began(struct shell *s)
{
	s->flushing = store_last(&s->memory);
}

static void shell_flushed(struct shell *s, const struct store *durable, struct packets *freed)
{
	struct raft_in in = { .kind = RAFT_PERSISTED, .now_ns = s->now_ns, .index = s->flushing };
	struct packet *p;

	store_copy(&s->disk, durable);
	shell_step(s, &in, NULL);
	while ((p = packets_pop(freed)))
		on_send(p);
}

static void shell_snapshot(struct shell *s, raft_index index, raft_index first)
{
	struct raft_in in = { .kind = RAFT_COMPACTED, .now_ns = s->now_ns, .first_index = first };
	struct store *both[] = { &s->memory, &s->disk };

	in.snapshot = (struct raft_snapshot){ index, raft_term_at(s->raft, index), SHELL_SNAPSHOT_BYTES };
	for (int i = 0; i < 2; i++) {
		both[i]->before = both[i]->snapshot;
		both[i]->before_config = both[i]->snapshot_config;
		both[i]->snapshot = in.snapshot;
		both[i]->snapshot_config = shell_config(raft_config_at(s->raft, index));
	}
	store_cut_before(&s->memory, first);
	shell_step(s, &in, NULL);
}

/* The snapshot is durable at once, the log gives way with the next flush. */
static void shell_install(struct shell *s)
{
	struct raft_in in = { .kind = RAFT_INSTALLED, .now_ns = s->now_ns, .snapshot = s->loading };
	struct store *both[] = { &s->memory, &s->disk };

	in.config = s->loading_config;
	assert(s->loading.index > s->applied);
	for (int i = 0; i < 2; i++) {
		both[i]->before = both[i]->snapshot;
		both[i]->before_config = both[i]->snapshot_config;
		both[i]->snapshot = s->loading;
		both[i]->snapshot_config = s->loading_config;
	}
	s->applied = s->loading.index;
	s->loading.index = 0;
	shell_step(s, &in, NULL);
}

/* --- Life --- */

static void shell_crash(struct shell *s)
{
	struct packet *p;

	while ((p = packets_pop(&s->held)))
		packet_free(p);
	raft_free(s->raft);
	s->raft = NULL;
	s->alive = false;
	s->loading.index = 0;
}

static void shell_start(struct shell *s)
{
	struct store *d = &s->disk;

	s->raft = raft_new(&s->options, s->now_ns);
	s->alive = true;
	if (d->snapshot.index) {
		raft_load_snapshot(s->raft, &d->snapshot, d->snapshot_config);
		if (d->base < d->snapshot.index)
			raft_load_base(s->raft, d->base, d->base_term);
	}
	raft_load_state(s->raft, d->term, d->vote);
	for (size_t i = 0; i < d->count; i++) {
		struct raft_entry entry = { d->item[i].term, d->item[i].bytes, d->item[i].config };

		raft_load_entry(s->raft, &entry);
	}
	store_copy(&s->memory, d);
	s->applied = d->snapshot.index;
	s->flushing = 0;
	s->deadline_ns = s->now_ns;
}

static void shell_init(struct shell *s, int number, const struct raft_options *options)
{
	memset(s, 0, sizeof(*s));
	s->number = number;
	shell_name(s->name, number);
	s->options = *options;
	s->options.id = s->name;
	s->chunk_bytes = 40;
}

static void shell_release(struct shell *s)
{
	if (s->alive)
		shell_crash(s);
	free(s->memory.item);
	free(s->disk.item);
}

#endif
