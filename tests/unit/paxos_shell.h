/*
 * paxos_shell: a model of what stands around a Paxos core, for its tests: a log whose texts are labels, registers whose
 * texts are numbers, a disk that is behind until it is flushed, and messages that wait for it.
 *
 *	core  --out-->  records --> memory
 *	        |          \--> pending --flush--> disk      a crash leaves the disk, and of what is pending some of the first
 *	        \--> held until the flush --> on_send
 *
 * Who includes this defines on_step, on_send and on_answer.
 */
#ifndef TESTS_UNIT_PAXOS_SHELL_H
#define TESTS_UNIT_PAXOS_SHELL_H

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/paxos/paxos.h"

enum {
	SHELL_NODES_MAX = 10, SHELL_LABEL_BYTES = 24, SHELL_SNAPSHOT_BYTES = 100, SHELL_REGISTERS_MAX = 16,
	SHELL_REQUESTS_MAX = 64, SHELL_COUNTED_MAX = 32,
};

struct item {
	struct paxos_ballot ballot;             /* round 0: not accepted */
	uint64_t id;                            /* of this value and no other; 1: a no-op; of a proposal: 0 to get one */
	uint32_t bytes;
	const struct paxos_config *config;      /* kept for good */
	char label[SHELL_LABEL_BYTES];
};

/* A text is a number: -1 none. */
struct reg {
	char instance[16];
	struct paxos_ballot promised, accepted;
	bool change, chosen;
	long value;
};

/* item[i] is slot base + 1 + i. */
struct store {
	struct paxos_ballot promised;
	uint64_t reserved, synced;
	uint64_t incarnation;                   /* 0: the first, which is the node's number */
	bool votes;
	struct paxos_member counted[SHELL_COUNTED_MAX];
	size_t counteds;
	paxos_slot base, chosen;
	struct item *item;
	size_t count, room;
	struct paxos_snapshot snapshot, before;
	const struct paxos_config *snapshot_config, *before_config;
	const void *image, *before_image;       /* what is in them, the owner's */
	struct reg reg[SHELL_REGISTERS_MAX];
	size_t regs;
};

/* A change of a store, all of it on the disk or nothing. */
struct record {
	enum {
		RECORD_PROMISE, RECORD_ROUND, RECORD_VOTES, RECORD_SYNCED, RECORD_COUNTED, RECORD_ACCEPTED, RECORD_CHOSEN,
		RECORD_REGISTER, RECORD_FIRST,
	} kind;
	uint64_t number;                        /* the slot, round or epoch */
	union {
		struct paxos_ballot promised;
		struct paxos_member counted;
		struct item item;
		struct reg reg;
	};
};

struct records {
	struct record *at;
	size_t count, room;
};

struct packet {
	int from, to;
	struct paxos_message m;
	char instance[16], after[16];
	struct item *items;
	paxos_slot *slots;                      /* of a promise's */
	struct reg *regs;                       /* of a sync_ok's */
	long value;                             /* of a register's */
	const struct paxos_config *config;      /* of a snapshot */
	const void *image;
	struct packet *next;
};

/* All zeros is an empty one. */
struct packets {
	struct packet *first, *last;
};

/* What a client asks of a register: propose `to`, or change from `from` (-1: absent). */
struct request {
	uint64_t number;
	char instance[16];
	bool change, absent, unknown;
	long from, to, adopted;
	uint64_t tag;                   /* the owner's */
};

struct shell {
	int number;
	bool alive;
	struct paxos *paxos;
	struct paxos_options options;
	char name[8];
	struct store memory, disk;
	struct records pending;
	size_t flushing_records;        /* so many of them are of the flush under way */
	uint64_t record, flushing;      /* of the last step; what the flush under way covers */
	struct packets held;
	paxos_slot applied;
	uint64_t now_ns, deadline_ns;
	uint32_t chunk_bytes;
	struct paxos_snapshot loading;  /* a whole one came in; index 0: none */
	const struct paxos_config *loading_config;
	const void *loading_image;
	const struct packet *taking;    /* while its step runs */
	struct request request[SHELL_REQUESTS_MAX];
	uint64_t requests, tag;         /* the last one's number; the next one's tag */
	struct paxos_register_out decide[SHELL_REQUESTS_MAX];   /* of the step that runs */
	size_t decides;
	enum paxos_refusal refused;
};

static void on_step(struct shell *, const struct paxos_in *, const struct paxos_out *);
static void on_send(struct packet *);           /* takes it */
/* The value, -1: it was not there; ok: a change was made, or a value chosen. */
static void on_answer(struct shell *, const struct request *, bool ok, long value);

static uint64_t shell_next_id = 2;

#define PROTOCOL paxos
#define CORE(word) paxos_##word
#define IN(word) PAXOS_##word
#include "tests/unit/shell_parts.h"

/* --- Store --- */

static struct item *store_at(const struct store *s, paxos_slot slot)
{
	assert(slot > s->base && slot <= s->base + s->count);
	return &s->item[slot - s->base - 1];
}

static void store_put(struct store *s, paxos_slot slot, const struct item *item)
{
	assert(slot > s->base);
	while (slot > s->base + s->count) {
		store_room(s);
		memset(&s->item[s->count++], 0, sizeof(*s->item));
	}
	*store_at(s, slot) = *item;
}

static void store_cut_before(struct store *s, paxos_slot first)
{
	size_t gone = first - 1 - s->base;

	if (first <= s->base + 1)
		return;
	if (gone > s->count)
		gone = s->count;
	if (gone)
		memmove(s->item, s->item + gone, (s->count - gone) * sizeof(*s->item));
	s->count -= gone;
	s->base = first - 1;
}

#include "tests/unit/paxos_registers.h"

static void store_apply(struct store *s, const struct record *r)
{
	switch (r->kind) {
	case RECORD_PROMISE:
		s->promised = r->promised;
		break;
	case RECORD_ROUND:
		s->reserved = r->number;
		break;
	case RECORD_VOTES:
		s->votes = true;
		break;
	case RECORD_SYNCED:
		s->synced = r->number;
		break;
	case RECORD_COUNTED:
		assert(s->counteds < SHELL_COUNTED_MAX);
		s->counted[s->counteds++] = r->counted;
		break;
	case RECORD_ACCEPTED:
		if (r->number > s->base)        /* else a snapshot has it */
			store_put(s, r->number, &r->item);
		break;
	case RECORD_CHOSEN:
		s->chosen = r->number;
		break;
	case RECORD_REGISTER:
		*store_reg(s, r->reg.instance) = r->reg;
		break;
	default:
		store_cut_before(s, r->number);
	}
}

/* --- Packets --- */

static void packet_free(struct packet *p)
{
	free(p->items);
	free(p->slots);
	free(p->regs);
	free(p);
}

static struct packet *packet_copy(const struct packet *p)
{
	struct packet *copy = copied(p, sizeof(*p));

	copy->next = NULL;
	copy->items = copied(p->items, p->m.count * sizeof(*p->items));
	copy->slots = copied(p->slots, p->m.count * sizeof(*p->slots));
	copy->regs = copied(p->regs, p->m.count * sizeof(*p->regs));
	return copy;
}

static void pack_slots(const struct shell *s, const struct paxos_message *m, struct packet *p)
{
	p->items = calloc(m->count + 1, sizeof(*p->items));
	p->slots = calloc(m->count + 1, sizeof(*p->slots));
	assert(p->items && p->slots);
	for (uint32_t i = 0; i < m->count; i++) {
		paxos_slot slot = m->type == PAXOS_PROMISE ? m->values[i].slot :
				  m->type == PAXOS_CHOSEN_VALUES ? m->from + i : m->slot + i;

		p->slots[i] = slot;
		p->items[i] = *store_at(&s->memory, slot);
		assert(p->items[i].ballot.round);
		if (m->type == PAXOS_PROMISE)
			assert(paxos_ballot_cmp(&m->values[i].ballot, &p->items[i].ballot) == 0);
		if (m->type == PAXOS_ACCEPT)
			assert(paxos_ballot_cmp(&m->ballot, &p->items[i].ballot) == 0);
	}
}

static void shell_pack_texts(struct shell *s, struct packet *p)
{
	const struct paxos_message *m = &p->m;

	if (m->instance)
		pack_register(s, m, p);
	else if ((m->type == PAXOS_ACCEPT || m->type == PAXOS_CHOSEN_VALUES || m->type == PAXOS_PROMISE) && m->count)
		pack_slots(s, m, p);
	if (m->after)
		snprintf(p->after, sizeof(p->after), "%s", m->after);
	if (m->type == PAXOS_SYNC_OK)
		pack_registers(s, m, p);
}

/* --- Steps --- */

static void shell_accept(struct shell *s, const struct paxos_in *in, const struct paxos_acceptance *a,
			 const struct item *items)
{
	for (uint32_t i = 0; i < a->count; i++) {
		struct item item = { .bytes = 8, .id = 1 };

		if (a->kind == PAXOS_ACCEPT_INPUT)
			item = items[a->at + i];
		if (a->kind == PAXOS_ACCEPT_OWN)
			item = *store_at(&s->memory, a->slot + i);
		if (a->kind == PAXOS_ACCEPT_INPUT && in->kind == PAXOS_PROPOSE && !item.id)
			item.id = shell_next_id++;
		if (a->kind == PAXOS_ACCEPT_NOOP)
			strcpy(item.label, "noop");
		if (a->kind == PAXOS_ACCEPT_CONFIG) {
			strcpy(item.label, "config");
			item.id = shell_next_id++;
			item.config = shell_config(a->config);
		}
		item.ballot = a->ballot;
		if (a->slot + i <= s->memory.base + s->memory.count && store_at(&s->memory, a->slot + i)->ballot.round) {
			const struct item *was = store_at(&s->memory, a->slot + i);
			int than = paxos_ballot_cmp(&a->ballot, &was->ballot);

			assert(than > 0 || (than == 0 && was->id == item.id));
		}
		shell_record(s, &(struct record){ .kind = RECORD_ACCEPTED, .number = a->slot + i, .item = item });
	}
}

static void shell_persist(struct shell *s, const struct paxos_in *in, const struct paxos_out *out, const struct item *items)
{
	if (out->promise)
		shell_record(s, &(struct record){ .kind = RECORD_PROMISE, .promised = paxos_promised(s->paxos) });
	if (out->reserve_round)
		shell_record(s, &(struct record){ .kind = RECORD_ROUND, .number = out->reserve_round });
	for (size_t i = 0; i < out->counted_count; i++)
		shell_record(s, &(struct record){ .kind = RECORD_COUNTED, .counted = out->counted[i] });
	if (out->votes)
		shell_record(s, &(struct record){ .kind = RECORD_VOTES });
	for (size_t i = 0; i < out->accepted_count; i++)
		shell_accept(s, in, &out->accepted[i], items);
	if (out->chosen_upto != s->memory.chosen)
		shell_record(s, &(struct record){ .kind = RECORD_CHOSEN, .number = out->chosen_upto });
	if (out->record)
		s->record = out->record;
}

/* In the order that paxos.h asks for; `items` are the texts of in's values. */
static void shell_step(struct shell *s, const struct paxos_in *in, const struct item *items)
{
	struct paxos_out out;
	struct packets sent;

	paxos_step(s->paxos, in, &out);
	shell_persist(s, in, &out, items);
	shell_registers(s, in, &out);
	if (out.synced)
		shell_record(s, &(struct record){ .kind = RECORD_SYNCED, .number = paxos_synced_epoch(s->paxos) });
	if (paxos_first_slot(s->paxos) > s->memory.base + 1)
		shell_record(s, &(struct record){ .kind = RECORD_FIRST, .number = paxos_first_slot(s->paxos) });
	assert(paxos_first_slot(s->paxos) == s->memory.base + 1);
	s->deadline_ns = out.deadline_ns;
	s->refused = out.refused;
	if (out.chunk && in->message->done)
		shell_take_snapshot(s, in);
	sent = shell_pack_all(s, &out);
	on_step(s, in, &out);
	shell_send(s, &sent);
	while (s->decides > 0) {
		struct paxos_register_out decide = s->decide[--s->decides];

		shell_decide(s, &decide);
	}
}

static void shell_propose(struct shell *s, const struct item *items, uint32_t count)
{
	struct paxos_value value[256];
	struct paxos_in in = { .kind = PAXOS_PROPOSE, .now_ns = s->now_ns, .values = value, .count = count };

	assert(count <= 256);
	for (uint32_t i = 0; i < count; i++)
		value[i] = (struct paxos_value){ .bytes = items[i].bytes };
	shell_step(s, &in, items);
}

/* Takes the packet. */
static void shell_deliver(struct shell *s, struct packet *p)
{
	struct paxos_value *value = calloc(p->m.count + 1, sizeof(*value));
	struct paxos_register *reg = calloc(p->m.count + 1, sizeof(*reg));
	struct paxos_in in = { .kind = PAXOS_RECV, .now_ns = s->now_ns, .message = &p->m, .config = p->config };

	assert(value && reg);
	for (uint32_t i = 0; i < p->m.count && p->items; i++)
		value[i] = (struct paxos_value){
			p->items[i].ballot, p->slots ? p->slots[i] : 0, p->items[i].bytes, p->items[i].config,
		};
	for (uint32_t i = 0; i < p->m.count && p->regs; i++)
		reg[i] = (struct paxos_register){
			p->regs[i].instance, p->regs[i].promised, p->regs[i].accepted, p->regs[i].change, p->regs[i].chosen,
		};
	p->m.values = value;
	p->m.registers = reg;
	p->m.after_persist = false;
	p->m.instance = p->instance[0] ? p->instance : NULL;
	p->m.after = p->after;
	p->m.request = 0;
	shell_name(p->m.peer, p->from);
	s->taking = p;
	shell_step(s, &in, p->items);
	s->taking = NULL;
	free(value);
	free(reg);
	packet_free(p);
}

/* --- The disk --- */

/* All that was asked for until now becomes durable: at once, or when the flush has ended. */
static void shell_flush_began(struct shell *s)
{
	s->flushing_records = s->pending.count;
	s->flushing = s->record;
}

static void shell_persisted(struct shell *s)
{
	struct paxos_in in = { .kind = PAXOS_PERSISTED, .now_ns = s->now_ns, .record = s->flushing };

	shell_step(s, &in, NULL);
}

static void shell_snapshot(struct shell *s, paxos_slot slot, paxos_slot first, uint64_t bytes, const void *image)
{
	struct paxos_in in = { .kind = PAXOS_COMPACTED, .now_ns = s->now_ns, .first_slot = first };

	in.snapshot = (struct paxos_snapshot){ slot, bytes };
	shell_set_snapshot(s, &in.snapshot, shell_config(paxos_config_at(s->paxos, slot)), image);
	if (first > s->memory.base + 1)
		shell_record(s, &(struct record){ .kind = RECORD_FIRST, .number = first });
	shell_step(s, &in, NULL);
}

/* The log gives way with the next flush. */
static void shell_install(struct shell *s)
{
	struct paxos_in in = shell_loaded(s);

	if (in.snapshot.index > s->memory.base)
		shell_record(s, &(struct record){ .kind = RECORD_FIRST, .number = in.snapshot.index + 1 });
	shell_step(s, &in, NULL);
}

/* --- Life --- */

static void shell_load(struct shell *s)
{
	struct store *d = &s->disk;

	s->options.fresh = !d->votes;
	s->options.incarnation = d->incarnation ? d->incarnation : (uint64_t)s->number;
	s->paxos = paxos_new(&s->options, s->now_ns);
	s->record = 0;
	memset(s->request, 0, sizeof(s->request));
	if (d->snapshot.index) {
		paxos_load_snapshot(s->paxos, &d->snapshot, d->snapshot_config);
		if (d->base < d->snapshot.index)
			paxos_load_first(s->paxos, d->base + 1);
	}
	paxos_load_promise(s->paxos, &d->promised);
	paxos_load_reserved(s->paxos, d->reserved);
	paxos_load_synced(s->paxos, d->synced);
	if (d->votes)
		paxos_load_votes(s->paxos);
	for (size_t i = 0; i < d->counteds; i++)
		paxos_load_counted(s->paxos, d->counted[i].name, d->counted[i].incarnation);
	for (size_t i = 0; i < d->count; i++) {
		const struct item *item = &d->item[i];

		if (item->ballot.round)
			paxos_load_accepted(s->paxos, d->base + 1 + i, &(struct paxos_value){ .ballot = item->ballot,
					    .bytes = item->bytes, .config = item->config });
	}
	paxos_load_chosen(s->paxos, d->chosen);
	for (size_t i = 0; i < d->regs; i++)
		paxos_load_register(s->paxos, d->reg[i].instance, &d->reg[i].promised, &d->reg[i].accepted,
				    d->reg[i].change, d->reg[i].chosen);
}

/* An empty directory. */
static void shell_wipe(struct shell *s, uint64_t incarnation)
{
	struct store *both[] = { &s->memory, &s->disk };

	for (int i = 0; i < 2; i++) {
		struct item *item = both[i]->item;
		size_t room = both[i]->room;

		memset(both[i], 0, sizeof(*both[i]));
		both[i]->item = item;
		both[i]->room = room;
		both[i]->incarnation = incarnation;
	}
}

#endif
