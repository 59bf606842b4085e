/*
 * raft_shell: a model of what stands around a Raft core, for its tests: a log whose texts are labels, a
 * disk that is behind until it is flushed, and messages that wait for it.
 *
 *	core  --out-->  records --> memory
 *	        |          \--> pending --flush--> disk      a crash leaves the disk, and of what is pending some of the first
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
	uint64_t id;                            /* of this entry and no other; of a proposal: 0 to get one */
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
	const void *image, *before_image;       /* what is in them, the owner's */
};

/* A change of a store, all of it on the disk or nothing. */
struct record {
	enum { RECORD_STATE, RECORD_TRUNCATE, RECORD_ENTRY, RECORD_FIRST } kind;
	raft_index index;                       /* TRUNCATE: the first that goes; FIRST: that stays */
	raft_term term;                         /* STATE; FIRST: of the entry before */
	char vote[RAFT_NAME_BYTES_MAX + 1];
	struct item item;
};

struct records {
	struct record *at;
	size_t count, room;
};

struct packet {
	int from, to;
	struct raft_message m;
	struct item *items;
	const struct raft_config *config;       /* of a snapshot */
	const void *image;
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
	struct records pending;
	size_t flushing_records;        /* so many of them are of the flush under way */
	raft_index flushing;            /* what it covers, cut where the log was cut since */
	struct packets held;
	raft_index applied;
	uint64_t now_ns, deadline_ns;
	uint32_t chunk_bytes;
	struct raft_snapshot loading;   /* a whole one came in; index 0: none */
	const struct raft_config *loading_config;
	const void *loading_image;
	const struct packet *taking;    /* while its step runs */
};

static void on_step(struct shell *, const struct raft_in *, const struct raft_out *);
static void on_send(struct packet *);           /* takes it */

static uint64_t shell_next_id = 1;

#define PROTOCOL raft
#define CORE(word) raft_##word
#define IN(word) RAFT_##word
#include "tests/unit/shell_parts.h"

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
	store_room(s);
	s->item[s->count++] = *item;
}

/* An empty log goes on where `first` says. */
static void store_first(struct store *s, raft_index first, raft_term before)
{
	size_t gone = first - 1 - s->base;

	assert(first > s->base && (gone <= s->count || s->count == 0));
	if (s->count) {
		memmove(s->item, s->item + gone, (s->count - gone) * sizeof(*s->item));
		s->count -= gone;
	}
	s->base = first - 1;
	s->base_term = before;
}

static void store_apply(struct store *s, const struct record *r)
{
	switch (r->kind) {
	case RECORD_STATE:
		s->term = r->term;
		memcpy(s->vote, r->vote, sizeof(s->vote));
		break;
	case RECORD_TRUNCATE:
		assert(r->index > s->base && r->index <= store_last(s));
		s->count = r->index - s->base - 1;
		break;
	case RECORD_ENTRY:
		store_push(s, &r->item);
		break;
	default:
		store_first(s, r->index, r->term);
	}
}

/* --- Packets --- */

static void packet_free(struct packet *p)
{
	free(p->items);
	free(p);
}

static struct packet *packet_copy(const struct packet *p)
{
	struct packet *copy = copied(p, sizeof(*p));

	copy->next = NULL;
	copy->items = copied(p->items, p->m.count * sizeof(*p->items));
	return copy;
}

static void shell_pack_texts(struct shell *s, struct packet *p)
{
	if (p->m.type != RAFT_APPEND_ENTRIES || !p->m.count)
		return;
	p->items = malloc(p->m.count * sizeof(*p->items));
	assert(p->items);
	for (uint32_t i = 0; i < p->m.count; i++)
		p->items[i] = *store_at(&s->memory, p->m.prev_log_index + 1 + i);
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
			if (!item.id)
				item.id = shell_next_id++;
		}
		if (out->append == RAFT_APPEND_NOOP)
			strcpy(item.label, "noop");
		if (out->append == RAFT_APPEND_CONFIG) {
			strcpy(item.label, "config");
			item.config = shell_config(out->append_config);
		}
		assert(store_last(&s->memory) + 1 == out->append_first + i);
		shell_record(s, &(struct record){ .kind = RECORD_ENTRY, .item = item });
	}
}

static void shell_persist(struct shell *s, const struct raft_in *in, const struct raft_out *out, const struct item *items)
{
	struct store *m = &s->memory;
	raft_index first = raft_first_index(s->raft);

	if (out->hard_state) {
		struct record r = { .kind = RECORD_STATE, .term = raft_current_term(s->raft) };

		strcpy(r.vote, raft_voted_for(s->raft));
		shell_record(s, &r);
	}
	if (out->truncate_from) {
		shell_record(s, &(struct record){ .kind = RECORD_TRUNCATE, .index = out->truncate_from });
		if (s->flushing >= out->truncate_from)
			s->flushing = out->truncate_from - 1;
	}
	/* An entry may be appended to it in the same step. */
	if (m->count == 0 && m->base < m->snapshot.index && m->base + 1 != first)
		shell_record(s, &(struct record){ .kind = RECORD_FIRST, .index = m->snapshot.index + 1, .term = m->snapshot.term });
	shell_append(s, in, out, items);
}

/* In the order that raft.h asks for; `items` are the texts of in's entries. */
static void shell_step(struct shell *s, const struct raft_in *in, const struct item *items)
{
	struct store *m = &s->memory;
	struct raft_out out;
	struct packets sent;

	raft_step(s->raft, in, &out);
	shell_persist(s, in, &out, items);
	assert(raft_last_index(s->raft) == store_last(m));
	assert(raft_first_index(s->raft) == m->base + 1);
	s->deadline_ns = out.deadline_ns;
	if (out.chunk && in->message->done) {
		shell_take_snapshot(s, in);
		s->loading.term = in->message->last_included_term;
	}
	sent = shell_pack_all(s, &out);
	on_step(s, in, &out);
	shell_send(s, &sent);
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
	s->taking = p;
	shell_step(s, &in, p->items);
	s->taking = NULL;
	free(entry);
	packet_free(p);
}

/* --- The disk --- */

/* All that was asked for until now becomes durable: at once, or when the flush has ended. */
static void shell_flush_began(struct shell *s)
{
	s->flushing_records = s->pending.count;
	s->flushing = store_last(&s->memory);
}

static void shell_persisted(struct shell *s)
{
	struct raft_in in = { .kind = RAFT_PERSISTED, .now_ns = s->now_ns, .index = s->flushing };

	shell_step(s, &in, NULL);
}

static void shell_snapshot(struct shell *s, raft_index index, raft_index first, uint64_t bytes, const void *image)
{
	struct raft_in in = { .kind = RAFT_COMPACTED, .now_ns = s->now_ns, .first_index = first };

	in.snapshot = (struct raft_snapshot){ index, raft_term_at(s->raft, index), bytes };
	shell_set_snapshot(s, &in.snapshot, shell_config(raft_config_at(s->raft, index)), image);
	if (first > s->memory.base + 1)
		shell_record(s, &(struct record){ .kind = RECORD_FIRST, .index = first, .term = raft_term_at(s->raft, first - 1) });
	shell_step(s, &in, NULL);
}

/* The log gives way with the next flush. */
static void shell_install(struct shell *s)
{
	struct raft_in in = shell_loaded(s);

	shell_step(s, &in, NULL);
}

static void shell_load(struct shell *s)
{
	struct store *d = &s->disk;

	s->raft = raft_new(&s->options, s->now_ns);
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
}

#endif
