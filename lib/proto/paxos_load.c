/*
 * paxos_load: a Paxos node as its options and its disk make it.
 *
 * The snapshot comes first; of the log only the slots behind it count.  Of a slot's records the one of the highest ballot
 * does, wherever it is.
 */
#include "lib/base/err.h"
#include "lib/proto/paxos.h"
#include "lib/proto/paxos_coat.h"

#include <stdio.h>
#include <stdlib.h>

enum { WINDOW_BYTES = 8 << 20, WINDOW_MESSAGES = 256, MESSAGE_BYTES = 256 << 10 };

bool paxos_header_read(const char *header, size_t len, struct paxos_snapshot *s, struct paxos_config *config)
{
	static const char *const fields[] = { "last_included_index", NULL };
	struct wire_names *names = wire_names_new(fields);
	struct wire_text text = { header, len };
	struct wire_value field;

	wire_body(names, text, &field);
	wire_names_free(names);
	return wire_u64(&field, &s->index) && paxos_config_read(text, config);
}

/* One seed serves a whole cluster, whose nodes must not draw the same timeouts: FNV-1a of the name on top of it. */
static uint64_t seed_of(uint64_t seed, const char *id)
{
	seed ^= UINT64_C(0xcbf29ce484222325);
	for (; *id; id++)
		seed = (seed ^ (unsigned char)*id) * UINT64_C(0x100000001b3);
	return seed;
}

/*
 * Another one for each directory that a node of this name and seed ever has: the clock tells them apart, which in lockstep is
 * that of the lines.
 */
uint64_t paxos_coat_incarnation(const struct coat *c)
{
	uint64_t x = c->seed ^ (node_now(c->node) * UINT64_C(0x9e3779b97f4a7c15));

	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return ((x ^ x >> 31) & (PAXOS_SLOT_MAX - 1)) + 1;
}

/* One count alone is met by the least other that it needs. */
static void complete_quorums(struct paxos_quorums *q, uint32_t members)
{
	if (q->count1 && !q->count2 && q->count1 <= members)
		q->count2 = members + 1 - q->count1;
	else if (q->count2 && !q->count1 && q->count2 <= members)
		q->count1 = members + 1 - q->count2;
}

static const char *take_members(struct paxos_options *o, const char *const *members, size_t count)
{
	bool mine = !count;

	if (count > PAXOS_MEMBERS_MAX)
		return "more than 64 nodes";
	for (size_t i = 0; i < count; i++) {
		struct paxos_member *m = &o->initial.member[o->initial.count++];

		snprintf(m->name, sizeof(m->name), "%s", members[i]);
		m->voter = true;
		mine |= !strcmp(m->name, o->id);
	}
	if (!mine)
		return "the list of nodes does not have this one (a joiner starts with --join)";
	complete_quorums(&o->quorums, (uint32_t)count);
	return count ? paxos_quorums_wrong(&o->quorums, &o->initial) : NULL;
}

void *paxos_coat_open(struct node *node, const struct node_options *o, const char *const *members, size_t count,
		      const char **why)
{
	static const char *const request_names[] = { "instance", "value", "from", "to", NULL };
	const struct paxos_own *own = o->own;
	struct coat *c;
	struct paxos_options options = {
		.id = node_id(node), .quorums = own->quorums, .roles = own->roles,
		.election_min_ns = o->election_min_ns, .election_max_ns = o->election_max_ns,
		.heartbeat_ns = o->heartbeat_ns, .window_bytes = WINDOW_BYTES, .window_messages = WINDOW_MESSAGES,
		.message_bytes = MESSAGE_BYTES, .lease_reads = o->lease_reads,
		.fresh = true, .founding = own->founding, .seed = seed_of(o->seed, node_id(node)),
	};

	*why = take_members(&options, members, count);
	if (!*why && own->founding && !node_fresh(node))
		*why = "--founding makes a new directory, and this one is not";
	if (*why)
		return NULL;
	c = must_calloc(1, sizeof(*c));
	c->node = node;
	c->seed = options.seed;
	options.incarnation = c->incarnation = paxos_coat_incarnation(c);
	c->names = paxos_names_new();
	c->request_names = wire_names_new(request_names);
	c->request_timeout_ns = o->request_timeout_ns;
	c->founding = own->founding;
	c->segment_bytes = o->segment_bytes ? o->segment_bytes : STORE_SEGMENT_BYTES;
	c->core = paxos_new(&options, node_now(node));
	return c;
}

void paxos_coat_close(void *p)
{
	struct coat *c = p;

	paxos_free(c->core);
	paxos_names_free(c->names);
	wire_names_free(c->request_names);
	paxos_texts_release(&c->in);
	paxos_texts_release(&c->own);
	gaps_release(&c->gaps);
	regs_release(&c->regs);
	paxos_coat_proposals_release(c);
	buf_release(&c->stones);
	buf_release(&c->text);
	buf_release(&c->answer);
	buf_release(&c->chunk);
	buf_release(&c->values);
	buf_release(&c->change_text);
	free(c);
}

const char *paxos_coat_load_snapshot(void *p, const char *header, size_t len, uint64_t bytes)
{
	struct coat *c = p;
	struct paxos_snapshot snapshot = { .bytes = bytes };
	struct paxos_config config;

	if (!paxos_header_read(header, len, &snapshot, &config))
		return "its first record is no header of a Paxos snapshot";
	paxos_load_snapshot(c->core, &snapshot, &config);
	c->last = snapshot.index;
	return NULL;
}

static const char *load_slot(struct coat *c, paxos_slot slot, const struct paxos_ballot *ballot, struct wire_text value,
			     struct store_pos pos)
{
	struct paxos_value *v;
	struct store_pos was;
	bool ours;

	if (slot <= paxos_snapshot_index(c->core))
		return NULL;
	paxos_texts_clear(&c->own);
	v = paxos_texts_add(&c->own, value);
	v->slot = slot;
	v->ballot = *ballot;
	paxos_texts_end(&c->own);
	ours = paxos_load_accepted(c->core, slot, v);
	if (!ours)
		return NULL;
	if (slot == c->last + 1 && !gaps_find(&c->gaps, slot)) {
		node_loaded(c->node, slot, value, pos);
		c->last = slot;
	} else if (slot <= c->last) {
		node_place(c->node, slot, value, pos);
	} else {
		gaps_put(&c->gaps, slot, value, pos, &was);
	}
	paxos_coat_fill(c);
	return NULL;
}

/* A register's; the newest record is the last. */
static const char *load_register(struct coat *c, const struct wire_value *field, struct store_pos pos)
{
	char instance[PAXOS_INSTANCE_BYTES_MAX + 1];
	struct reg *r;

	if (!wire_string(&field[0], instance, PAXOS_INSTANCE_BYTES_MAX) || !*instance)
		return "not a record of Paxos";
	r = regs_put(&c->regs, instance, pos);
	if ((!wire_null(&field[1]) && !paxos_ballot_read(&field[1], &r->promised)) ||
	    (!wire_null(&field[2]) && !paxos_ballot_read(&field[2], &r->accepted)))
		return "not a record of Paxos";
	r->change = wire_true(&field[3]);
	r->chosen = wire_true(&field[4]);
	if (field[5].kind != WIRE_ABSENT)
		reg_text(r, field[5].json);
	if ((r->accepted.round || r->chosen) && !r->text)
		return "a register without its value";
	paxos_load_register(c->core, r->instance, &r->promised, &r->accepted, r->change, r->chosen);
	return NULL;
}

static const char *load_other(struct coat *c, const struct wire_value *field)
{
	char name[PAXOS_NAME_BYTES_MAX + 1];
	struct paxos_ballot ballot;
	uint64_t number = 0;

	enum { PROMISED, RESERVED, COUNTED, INCARNATION, VOTES, SYNCED, LAST };
	if (paxos_ballot_read(&field[PROMISED], &ballot)) {
		paxos_load_promise(c->core, &ballot);
	} else if (wire_u64(&field[RESERVED], &number)) {
		paxos_load_reserved(c->core, number);
	} else if (wire_string(&field[COUNTED], name, PAXOS_NAME_BYTES_MAX) && wire_u64(&field[INCARNATION], &number)) {
		paxos_load_counted(c->core, name, number);
	} else if (wire_u64(&field[INCARNATION], &number)) {
		c->incarnation = number;
		c->named = true;
		paxos_load_incarnation(c->core, number);
	} else if (wire_true(&field[VOTES])) {
		c->votes = true;
		paxos_load_votes(c->core);
	} else if (wire_u64(&field[SYNCED], &number)) {
		paxos_load_synced(c->core, number);
	} else if (wire_u64(&field[LAST], &number)) {
		return number > c->last ? "slots before this record are missing" : NULL;
	} else {
		return "not a record of Paxos";
	}
	return NULL;
}

const char *paxos_coat_load_record(void *p, const char *json, size_t len, struct store_pos pos)
{
	static const char *const of_register[] = {
		"instance", "promised", "accepted", "change", "chosen", "value", NULL,
	};
	static const char *const others[] = { "promised", "reserved", "counted", "incarnation", "votes", "synced", "last", NULL };
	struct wire_text text = { json, len }, value;
	struct wire_value field[7];
	struct wire_names *names;
	struct paxos_ballot ballot;
	paxos_slot slot;
	bool reg = len > 12 && !memcmp(json, "{\"instance\":", 12);

	if (paxos_record_is_entry(json, len, &slot, &ballot, &value))
		return load_slot(p, slot, &ballot, value, pos);
	names = wire_names_new(reg ? of_register : others);
	wire_body(names, text, field);
	wire_names_free(names);
	return reg ? load_register(p, field, pos) : load_other(p, field);
}

bool paxos_coat_entry_of(const char *json, size_t len, uint64_t *index, struct wire_text *command)
{
	struct paxos_ballot ballot;

	return paxos_record_is_entry(json, len, index, &ballot, command);
}
