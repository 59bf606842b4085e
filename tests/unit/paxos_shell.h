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
	uint64_t reserved, synced, incarnation;
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

#define SHELL_CONFIG struct paxos_config
#define SHELL_SNAPSHOT struct paxos_snapshot
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
		if (s->count == s->room) {
			s->room = s->room ? 2 * s->room : 64;
			s->item = realloc(s->item, s->room * sizeof(*s->item));
			assert(s->item);
		}
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

static struct reg *store_reg(struct store *s, const char *instance)
{
	for (size_t i = 0; i < s->regs; i++)
		if (strcmp(s->reg[i].instance, instance) == 0)
			return &s->reg[i];
	assert(s->regs < SHELL_REGISTERS_MAX);
	memset(&s->reg[s->regs], 0, sizeof(s->reg[s->regs]));
	snprintf(s->reg[s->regs].instance, sizeof(s->reg[s->regs].instance), "%s", instance);
	s->reg[s->regs].value = -1;
	return &s->reg[s->regs++];
}

static long store_value(const struct store *s, const char *instance)
{
	for (size_t i = 0; i < s->regs; i++)
		if (strcmp(s->reg[i].instance, instance) == 0)
			return s->reg[i].value;
	return -1;
}

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

static void *copied(const void *from, size_t size)
{
	void *copy = from ? malloc(size ? size : 1) : NULL;

	assert(copy || !from);
	return from ? memcpy(copy, from, size) : NULL;
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

static struct request *shell_request(struct shell *s, uint64_t number)
{
	struct request *r = &s->request[number % SHELL_REQUESTS_MAX];

	assert(r->number == number);
	return r;
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

static void pack_register(struct shell *s, const struct paxos_message *m, struct packet *p)
{
	snprintf(p->instance, sizeof(p->instance), "%s", m->instance);
	p->value = -1;
	if (m->request)
		p->value = shell_request(s, m->request)->to;
	else if (m->type == PAXOS_CHOSEN || (m->type == PAXOS_PROMISE && m->accepted.accepted.round))
		p->value = store_value(&s->memory, m->instance);
}

/* What the shell adds to a message: texts, or a chunk of a snapshot. */
static struct packet *shell_pack(struct shell *s, const struct paxos_message *m)
{
	struct packet *p = calloc(1, sizeof(*p));

	assert(p);
	p->from = s->number;
	p->to = shell_number(m->peer);
	p->m = *m;
	if (m->instance)
		pack_register(s, m, p);
	else if ((m->type == PAXOS_ACCEPT || m->type == PAXOS_CHOSEN_VALUES || m->type == PAXOS_PROMISE) && m->count)
		pack_slots(s, m, p);
	if (m->after)
		snprintf(p->after, sizeof(p->after), "%s", m->after);
	if (m->type == PAXOS_SYNC_OK) {
		p->regs = calloc(m->count + 1, sizeof(*p->regs));
		assert(p->regs);
		for (uint32_t i = 0; i < m->count; i++)
			p->regs[i] = *store_reg(&s->memory, m->registers[i].instance);
	}
	if (m->type == PAXOS_INSTALL_SNAPSHOT) {
		bool current = m->last_included_index == s->memory.snapshot.index;
		uint64_t bytes = current ? s->memory.snapshot.bytes : s->memory.before.bytes;
		uint64_t left = bytes - m->offset;

		assert(current || m->last_included_index == s->memory.before.index);
		assert(m->offset < bytes);
		p->config = current ? s->memory.snapshot_config : s->memory.before_config;
		p->image = current ? s->memory.image : s->memory.before_image;
		p->m.data_bytes = left < s->chunk_bytes ? (uint32_t)left : s->chunk_bytes;
		p->m.done = p->m.data_bytes == left;
	}
	return p;
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

static void shell_registers(struct shell *, const struct paxos_in *, const struct paxos_out *, const struct packet *);
static void shell_decide(struct shell *, const struct paxos_register_out *);

/* In the order that paxos.h asks for; `items` are the texts of in's values, `packet` what in's message is of. */
static void shell_step(struct shell *s, const struct paxos_in *in, const struct item *items, const struct packet *packet)
{
	struct paxos_out out;
	struct packets sent = { NULL, NULL };
	struct packet *p;

	paxos_step(s->paxos, in, &out);
	shell_persist(s, in, &out, items);
	shell_registers(s, in, &out, packet);
	if (out.synced)
		shell_record(s, &(struct record){ .kind = RECORD_SYNCED, .number = paxos_synced_epoch(s->paxos) });
	if (paxos_first_slot(s->paxos) > s->memory.base + 1)
		shell_record(s, &(struct record){ .kind = RECORD_FIRST, .number = paxos_first_slot(s->paxos) });
	assert(paxos_first_slot(s->paxos) == s->memory.base + 1);
	s->deadline_ns = out.deadline_ns;
	s->refused = out.refused;
	if (out.chunk && in->message->done) {
		s->loading.index = in->message->last_included_index;
		s->loading.bytes = in->message->offset + in->message->data_bytes;
		s->loading_config = in->config;
		s->loading_image = s->taking->image;
	}
	for (size_t i = 0; i < out.message_count; i++)
		packets_push(&sent, shell_pack(s, &out.messages[i]));
	on_step(s, in, &out);
	while ((p = packets_pop(&sent))) {
		if (p->m.after_persist)
			packets_push(&s->held, p);
		else
			on_send(p);
	}
	while (s->decides > 0) {
		struct paxos_register_out decide = s->decide[--s->decides];

		shell_decide(s, &decide);
	}
}

static void shell_input(struct shell *s, enum paxos_in_kind kind, const char *name)
{
	struct paxos_in in = { .kind = kind, .now_ns = s->now_ns, .name = name };

	shell_step(s, &in, NULL, NULL);
}

static void shell_propose(struct shell *s, const struct item *items, uint32_t count)
{
	struct paxos_value value[256];
	struct paxos_in in = { .kind = PAXOS_PROPOSE, .now_ns = s->now_ns, .values = value, .count = count };

	assert(count <= 256);
	for (uint32_t i = 0; i < count; i++)
		value[i] = (struct paxos_value){ .bytes = items[i].bytes };
	shell_step(s, &in, items, NULL);
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
	shell_step(s, &in, p->items, p);
	s->taking = NULL;
	free(value);
	free(reg);
	packet_free(p);
}

/* --- Registers --- */

static void shell_decide(struct shell *s, const struct paxos_register_out *o)
{
	struct request *r = shell_request(s, o->request);
	struct paxos_in in = { .kind = PAXOS_REGISTER_VALUE, .now_ns = s->now_ns, .request = r->number };
	struct request copy;

	/* A synod's adopts; a change of what is not as expected, or of a synod, proposes it again and then says no. */
	if (o->exists && r->change && o->change && !o->own && !o->unsure && r->adopted == r->from) {
		;
	} else if (o->exists) {
		in.keep = true;
		r->unknown |= r->change && o->change && o->unsure;   /* for good: what is kept goes in a ballot of ours */
		r->absent = r->change ? !(o->change && o->own) : o->change;
		r->to = r->adopted;
	} else if (r->change && r->from != -1) {
		in.kind = PAXOS_REGISTER_END;
		copy = *r;
		r->number = 0;
		shell_step(s, &in, NULL, NULL);
		on_answer(s, &copy, false, -1);
		return;
	}
	shell_step(s, &in, NULL, NULL);
}

static void shell_persist_register(struct shell *s, const struct paxos_in *in, const struct paxos_register_out *o,
				   const struct packet *p)
{
	struct record r = { .kind = RECORD_REGISTER, .reg = *store_reg(&s->memory, o->instance) };

	r.reg.promised = o->promised;
	r.reg.accepted = o->accepted;
	r.reg.change = o->change;
	r.reg.chosen = o->chosen;
	if (o->take && o->request)
		r.reg.value = shell_request(s, o->request)->to;
	else if (o->take)
		r.reg.value = in->message->type == PAXOS_SYNC_OK ? p->regs[o->at].value : p->value;
	shell_record(s, &r);
}

static void shell_answer(struct shell *s, const struct paxos_register_out *o)
{
	struct request *r = shell_request(s, o->request), copy = *r;

	r->number = 0;
	if (o->kind == PAXOS_REGISTER_IS) {
		copy.to = store_value(&s->memory, o->instance);
		copy.absent = copy.change;
	}
	if (!copy.unknown)
		on_answer(s, &copy, !copy.absent, copy.to);
}

static void shell_registers(struct shell *s, const struct paxos_in *in, const struct paxos_out *out, const struct packet *p)
{
	for (size_t i = 0; i < out->register_count; i++) {
		const struct paxos_register_out *o = &out->registers[i];

		switch (o->kind) {
		case PAXOS_REGISTER_PERSIST:
			shell_persist_register(s, in, o, p);
			break;
		case PAXOS_REGISTER_ADOPT:
			shell_request(s, o->request)->adopted =
				o->own ? store_value(&s->memory, o->instance) : p->value;
			break;
		case PAXOS_REGISTER_DECIDE:
			assert(s->decides < SHELL_REQUESTS_MAX);
			s->decide[s->decides++] = *o;
			break;
		default:
			shell_answer(s, o);
		}
	}
}

static uint64_t shell_register(struct shell *s, const char *instance, bool change, long from, long to)
{
	uint64_t number = ++s->requests;
	struct request *r = &s->request[number % SHELL_REQUESTS_MAX];
	struct paxos_in in = {
		.kind = PAXOS_REGISTER, .now_ns = s->now_ns, .instance = instance, .change = change, .request = number,
	};

	if (r->number)
		return 0;
	*r = (struct request){ .number = number, .change = change, .from = from, .to = to, .adopted = -1, .tag = s->tag };
	snprintf(r->instance, sizeof(r->instance), "%s", instance);
	s->refused = PAXOS_TAKEN;
	shell_step(s, &in, NULL, NULL);
	if (s->refused == PAXOS_TAKEN)
		return number;
	r->number = 0;
	return 0;
}

/* --- The disk --- */

/* All that was asked for until now becomes durable: at once, or when the flush has ended. */
static void shell_flush_began(struct shell *s)
{
	s->flushing_records = s->pending.count;
	s->flushing = s->record;
}

static void shell_flushed(struct shell *s, struct packets *freed)
{
	struct paxos_in in = { .kind = PAXOS_PERSISTED, .now_ns = s->now_ns, .record = s->flushing };
	struct packet *p;

	shell_settle(s, s->flushing_records);
	s->flushing_records = 0;
	shell_step(s, &in, NULL, NULL);
	while ((p = packets_pop(freed)))
		on_send(p);
}

static void shell_snapshot(struct shell *s, paxos_slot slot, paxos_slot first, uint64_t bytes, const void *image)
{
	struct paxos_in in = { .kind = PAXOS_COMPACTED, .now_ns = s->now_ns, .first_slot = first };

	in.snapshot = (struct paxos_snapshot){ slot, bytes };
	shell_set_snapshot(s, &in.snapshot, shell_config(paxos_config_at(s->paxos, slot)), image);
	if (first > s->memory.base + 1)
		shell_record(s, &(struct record){ .kind = RECORD_FIRST, .number = first });
	shell_step(s, &in, NULL, NULL);
}

/* The snapshot is durable at once, the log gives way with the next flush. */
static void shell_install(struct shell *s)
{
	struct paxos_in in = { .kind = PAXOS_INSTALLED, .now_ns = s->now_ns, .snapshot = s->loading };

	in.config = s->loading_config;
	assert(s->loading.index > s->applied);
	shell_set_snapshot(s, &s->loading, s->loading_config, s->loading_image);
	s->applied = s->loading.index;
	if (s->loading.index > s->memory.base)
		shell_record(s, &(struct record){ .kind = RECORD_FIRST, .number = s->loading.index + 1 });
	s->loading.index = 0;
	shell_step(s, &in, NULL, NULL);
}

/* --- Life --- */

/* The first so many of what is pending reached the disk all the same. */
static void shell_crash(struct shell *s, size_t kept)
{
	struct packet *p;

	shell_settle(s, kept);
	s->pending.count = s->flushing_records = 0;

	while ((p = packets_pop(&s->held)))
		packet_free(p);
	paxos_free(s->paxos);
	s->paxos = NULL;
	s->alive = false;
	s->loading.index = 0;
	memset(s->request, 0, sizeof(s->request));
}

static void shell_load(struct shell *s)
{
	struct store *d = &s->disk;

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

static void shell_start(struct shell *s)
{
	s->options.fresh = !s->disk.votes;
	s->options.incarnation = s->disk.incarnation;
	s->paxos = paxos_new(&s->options, s->now_ns);
	s->alive = true;
	shell_load(s);
	store_copy(&s->memory, &s->disk);
	s->applied = s->disk.snapshot.index;
	s->flushing = s->record = 0;
	s->deadline_ns = s->now_ns;
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

static void shell_init(struct shell *s, int number, const struct paxos_options *options)
{
	memset(s, 0, sizeof(*s));
	s->number = number;
	shell_name(s->name, number);
	s->options = *options;
	s->options.id = s->name;
	s->chunk_bytes = 40;
	shell_wipe(s, (uint64_t)number);
}

static void shell_release(struct shell *s)
{
	if (s->alive)
		shell_crash(s, 0);
	free(s->memory.item);
	free(s->disk.item);
	free(s->pending.at);
}

#endif
