/*
 * paxos_body: see paxos_body.h
 *
 * One table says which members a message has, in the order of the page.  A message that has an `instance` is of a register,
 * any other is of the log; members of the one are not read and not written for the other.
 */
#include "lib/proto/paxos_body.h"
#include "lib/base/err.h"

#include <stddef.h>
#include <stdlib.h>

enum { TYPES = PAXOS_SYNC_OK + 1 };

enum field_kind {
	END, BALLOT,
	ANY_BALLOT,                     /* or null, round 0 */
	OPTIONAL_BALLOT,                /* round 0 where it is missing */
	NAME,                           /* of a register */
	NUMBER,                         /* has to be there */
	OPTIONAL,                       /* a number that is 0 where it is missing */
	FLAG,                           /* false where it is missing */
	VALUES, FOUND,                  /* [VALUE...]; [{slot, ballot, value}...] */
	VALUE, ACCEPTED, REGISTERS,     /* of a register; null or {ballot, value}; [{instance, promised, accepted, chosen}...] */
	DATA,
};
enum { LOG = 1, REGISTER = 2, BOTH = 3 };

struct field { const char *name; enum field_kind kind; int of; size_t at; };
struct kind { const char *type; struct field field[WIRE_FIELDS_MAX + 1]; };

#define AT(member) offsetof(struct paxos_message, member)
#define THE_BALLOT { "ballot", BALLOT, BOTH, AT(ballot) }
#define THE_INSTANCE { "instance", NAME, REGISTER, AT(instance) }
#define THE_SENDER { "epoch", OPTIONAL, BOTH, AT(epoch) }, { "incarnation", OPTIONAL, BOTH, AT(incarnation) }

static const struct kind kinds[TYPES] = {
	[PAXOS_PREPARE] = { "prepare", {
		THE_BALLOT, THE_INSTANCE, { "from", NUMBER, LOG, AT(from) }, { "slot", OPTIONAL, LOG, AT(slot) },
		{ "pre", FLAG, LOG, AT(pre) }, { "transfer", FLAG, LOG, AT(transfer) },
		{ "promised", OPTIONAL_BALLOT, LOG, AT(promised) }, THE_SENDER } },
	[PAXOS_PROMISE] = { "promise", {
		THE_BALLOT, THE_INSTANCE, { "from", NUMBER, LOG, AT(from) }, { "chosen", NUMBER, LOG, AT(upto) },
		{ "pre", FLAG, LOG, AT(pre) }, { "more", FLAG, LOG, AT(more) }, { "learner", FLAG, BOTH, AT(learner) }, THE_SENDER,
		{ "accepted", FOUND, LOG, 0 }, { "accepted", ACCEPTED, REGISTER, 0 } } },
	[PAXOS_ACCEPT] = { "accept", {
		THE_BALLOT, THE_INSTANCE, { "slot", NUMBER, LOG, AT(slot) }, { "from", OPTIONAL, LOG, AT(from) },
		{ "upto", OPTIONAL, LOG, AT(upto) }, { "change", FLAG, REGISTER, AT(change) }, THE_SENDER,
		{ "values", VALUES, LOG, 0 }, { "value", VALUE, REGISTER, 0 } } },
	[PAXOS_ACCEPTED] = { "accepted", {
		THE_BALLOT, THE_INSTANCE, { "slot", OPTIONAL, LOG, AT(slot) }, { "count", OPTIONAL, LOG, AT(count) },
		{ "chosen", OPTIONAL, LOG, AT(upto) }, { "round", OPTIONAL, LOG, AT(round) },
		{ "learner", FLAG, BOTH, AT(learner) }, THE_SENDER } },
	[PAXOS_NACK] = { "nack", {
		THE_BALLOT, { "promised", ANY_BALLOT, BOTH, AT(promised) }, THE_INSTANCE, { "from", OPTIONAL, LOG, AT(from) },
		{ "slot", OPTIONAL, LOG, AT(slot) }, { "chosen", OPTIONAL, LOG, AT(upto) }, { "pre", FLAG, LOG, AT(pre) }, THE_SENDER } },
	[PAXOS_CHOSEN] = { "chosen", {
		{ "ballot", BALLOT, LOG, AT(ballot) }, THE_INSTANCE, { "upto", NUMBER, LOG, AT(upto) },
		{ "round", OPTIONAL, LOG, AT(round) }, { "change", FLAG, REGISTER, AT(change) }, THE_SENDER,
		{ "value", VALUE, REGISTER, 0 } } },
	[PAXOS_CATCHUP] = { "catchup", { { "from", NUMBER, LOG, AT(from) } } },
	[PAXOS_CHOSEN_VALUES] = { "chosen_values", {
		THE_BALLOT, { "from", NUMBER, LOG, AT(from) }, { "upto", OPTIONAL, LOG, AT(upto) }, { "values", VALUES, LOG, 0 } } },
	[PAXOS_INSTALL_SNAPSHOT] = { "install_snapshot", {
		THE_BALLOT, { "last_included_index", NUMBER, LOG, AT(last_included_index) }, { "offset", NUMBER, LOG, AT(offset) },
		{ "data", DATA, LOG, 0 }, { "done", FLAG, LOG, AT(done) } } },
	[PAXOS_INSTALL_SNAPSHOT_OK] = { "install_snapshot_ok", {
		{ "last_included_index", NUMBER, LOG, AT(last_included_index) }, { "offset", NUMBER, LOG, AT(offset) } } },
	[PAXOS_PREPARE_NOW] = { "prepare_now", { THE_BALLOT } },
	[PAXOS_HELLO] = { "hello", { { "known", FLAG, LOG, AT(known) }, { "incarnation", OPTIONAL, LOG, AT(incarnation) } } },
	[PAXOS_HELLO_OK] = { "hello_ok", {
		{ "asked", OPTIONAL, LOG, AT(round) }, { "fresh", FLAG, LOG, AT(fresh) }, { "unsure", FLAG, LOG, AT(unsure) },
		{ "forgot", FLAG, LOG, AT(forgot) }, { "known", FLAG, LOG, AT(known) },
		{ "incarnation", OPTIONAL, LOG, AT(incarnation) } } },
	[PAXOS_SYNC] = { "sync", { { "epoch", OPTIONAL, LOG, AT(epoch) }, { "after", NAME, LOG, AT(after) } } },
	[PAXOS_SYNC_OK] = { "sync_ok", {
		{ "epoch", OPTIONAL, LOG, AT(epoch) }, { "after", NAME, LOG, AT(after) }, { "more", FLAG, LOG, AT(more) },
		{ "complete", FLAG, LOG, AT(complete) }, { "known", FLAG, LOG, AT(known) }, { "learner", FLAG, LOG, AT(learner) },
		{ "incarnation", OPTIONAL, LOG, AT(incarnation) }, { "registers", REGISTERS, LOG, 0 } } },
};

struct paxos_names {
	struct wire_names *kind[TYPES], *found, *accepted, *reg;
	uint8_t place[TYPES][WIRE_FIELDS_MAX];  /* of a field's name among the names asked for: two may share one */
	size_t type_len[TYPES];
};

static void add_names(struct paxos_names *names, int type)
{
	const char *list[WIRE_FIELDS_MAX + 1];
	uint8_t count = 0;

	for (size_t i = 0; kinds[type].field[i].kind; i++) {
		uint8_t at = 0;

		while (at < count && strcmp(list[at], kinds[type].field[i].name))
			at++;
		if (at == count)
			list[count++] = kinds[type].field[i].name;
		names->place[type][i] = at;
	}
	list[count] = NULL;
	names->kind[type] = wire_names_new(list);
	names->type_len[type] = strlen(kinds[type].type);
}

struct paxos_names *paxos_names_new(void)
{
	static const char *const found[] = { "slot", "ballot", "value", NULL };
	static const char *const accepted[] = { "ballot", "value", "change", NULL };
	static const char *const reg[] = { "instance", "promised", "accepted", "chosen", NULL };
	struct paxos_names *names = must_calloc(1, sizeof(*names));

	for (int i = 0; i < TYPES; i++)
		add_names(names, i);
	names->found = wire_names_new(found);
	names->accepted = wire_names_new(accepted);
	names->reg = wire_names_new(reg);
	return names;
}

void paxos_names_free(struct paxos_names *names)
{
	for (int i = 0; i < TYPES; i++)
		wire_names_free(names->kind[i]);
	wire_names_free(names->found);
	wire_names_free(names->accepted);
	wire_names_free(names->reg);
	free(names);
}

/* --- Ballots --- */

void paxos_ballot_write(struct buf *b, const struct paxos_ballot *ballot)
{
	if (!ballot->round) {
		buf_puts(b, "null");
		return;
	}
	buf_putc(b, '[');
	buf_u64(b, ballot->round);
	buf_putc(b, ',');
	wire_put_string(b, ballot->node, strlen(ballot->node));
	buf_putc(b, ']');
}

bool paxos_ballot_read(const struct wire_value *v, struct paxos_ballot *ballot)
{
	struct wire_value round, node;
	struct wire_walk walk;

	*ballot = (struct paxos_ballot){ 0 };
	return v->kind == WIRE_OTHER && wire_walk_init(&walk, v->json) && wire_walk_next(&walk, &round) &&
	       wire_u64(&round, &ballot->round) && wire_walk_next(&walk, &node) &&
	       wire_string(&node, ballot->node, PAXOS_NAME_BYTES_MAX) && *ballot->node && wire_walk_ended(&walk);
}

/* --- Values --- */

static bool is_command(const struct wire_value *v)
{
	return v->kind == WIRE_OTHER && *v->json.p == '{';
}

static bool open_list(const struct wire_value *list, struct wire_walk *walk)
{
	return list->kind == WIRE_OTHER && wire_walk_init(walk, list->json);
}

static bool read_values(const struct wire_value *list, struct paxos_texts *out)
{
	struct wire_value item;
	struct wire_walk walk;

	if (!open_list(list, &walk))
		return false;
	while (wire_walk_next(&walk, &item)) {
		if (!is_command(&item))
			return false;
		paxos_texts_add(out, item.json);
	}
	paxos_texts_end(out);
	return true;
}

static bool read_found(const struct paxos_names *names, const struct wire_value *list, struct paxos_texts *out)
{
	struct wire_value field[3];
	struct wire_walk walk;

	if (!open_list(list, &walk))
		return false;
	while (wire_walk_body(&walk, names->found, field)) {
		struct paxos_ballot ballot;
		struct paxos_value *v;
		uint64_t slot;

		if (!wire_u64(&field[0], &slot) || !slot || !paxos_ballot_read(&field[1], &ballot) || !is_command(&field[2]))
			return false;
		v = paxos_texts_add(out, field[2].json);
		v->slot = slot;
		v->ballot = ballot;
	}
	paxos_texts_end(out);
	return wire_walk_ended(&walk);
}

/* null, or what a register's acceptor has accepted last. */
static bool read_accepted(const struct paxos_names *names, const struct wire_value *v, struct paxos_register *r,
			  struct wire_text *text)
{
	struct wire_value field[3];

	*text = (struct wire_text){ 0 };
	if (v->kind == WIRE_ABSENT || wire_null(v))
		return true;
	if (!is_command(v))
		return false;
	wire_body(names->accepted, v->json, field);
	*text = field[1].json;
	r->change = wire_true(&field[2]);
	/* null: it was told what is chosen, and has accepted nothing. */
	return field[1].kind != WIRE_ABSENT && (wire_null(&field[0]) || (paxos_ballot_read(&field[0], &r->accepted) &&
								     r->accepted.round));
}

static bool read_register(const struct paxos_names *names, const struct wire_value *v, struct paxos_texts *out)
{
	struct wire_value field[4];
	struct wire_text text;
	struct paxos_reg *r;

	if (out->regs == out->reg_room) {
		out->reg_room = out->reg_room ? 2 * out->reg_room : 16;
		out->reg = must_realloc(out->reg, out->reg_room * sizeof(*out->reg));
	}
	r = &out->reg[out->regs];
	*r = (struct paxos_reg){ 0 };
	wire_body(names->reg, v->json, field);
	if (!wire_string(&field[0], r->instance, PAXOS_INSTANCE_BYTES_MAX) || !*r->instance ||
	    (!wire_null(&field[1]) && !paxos_ballot_read(&field[1], &r->is.promised)) || !read_accepted(names, &field[2], &r->is, &text))
		return false;
	r->is.chosen = wire_true(&field[3]);
	out->regs++;
	paxos_texts_add_command(out, text);
	return true;
}

static bool read_registers(const struct paxos_names *names, const struct wire_value *list, struct paxos_texts *out)
{
	struct wire_value item;
	struct wire_walk walk;

	if (!open_list(list, &walk))
		return false;
	while (wire_walk_next(&walk, &item))
		if (!is_command(&item) || !read_register(names, &item, out))
			return false;
	/* The core's view of them. */
	out->registers = must_realloc(out->registers, (out->regs + 1) * sizeof(*out->registers));
	for (size_t i = 0; i < out->regs; i++) {
		out->registers[i] = out->reg[i].is;
		out->registers[i].instance = out->reg[i].instance;
	}
	return true;
}

/* --- Bodies --- */

static bool read_field(const struct paxos_names *names, const struct field *f, const struct wire_value *v,
		       struct paxos_message *m, struct paxos_texts *texts, struct wire_value *data)
{
	char *at = (char *)m + f->at, *name = f->at == AT(after) ? texts->after : texts->instance;
	uint64_t number = 0;
	struct wire_text text;

	switch (f->kind) {
	case ANY_BALLOT:
		return wire_null(v) || paxos_ballot_read(v, (struct paxos_ballot *)(void *)at);
	case OPTIONAL_BALLOT:
		return v->kind == WIRE_ABSENT || wire_null(v) || paxos_ballot_read(v, (struct paxos_ballot *)(void *)at);
	case BALLOT:
		return paxos_ballot_read(v, (struct paxos_ballot *)(void *)at);
	case NAME:
		*(const char **)(void *)at = name;
		return wire_string(v, name, PAXOS_INSTANCE_BYTES_MAX);
	case NUMBER:
	case OPTIONAL:
		if (!wire_u64(v, &number) && (f->kind == NUMBER || (v->kind != WIRE_ABSENT && !wire_null(v))))
			return false;
		if (f->at == AT(count))
			m->count = (uint32_t)(number <= UINT32_MAX ? number : 0);
		else
			*(uint64_t *)(void *)at = number;
		return true;
	case FLAG:
		*(bool *)at = wire_true(v);
		return v->kind == WIRE_ABSENT || v->kind == WIRE_OTHER;
	case VALUES:
		return read_values(v, texts);
	case FOUND:
		return read_found(names, v, texts);
	case VALUE:
		if (v->kind != WIRE_ABSENT)
			paxos_texts_add_command(texts, v->json);
		return v->kind != WIRE_ABSENT;
	case ACCEPTED:
		if (!read_accepted(names, v, &m->accepted, &text))
			return false;
		if (text.p)
			paxos_texts_add_command(texts, text);
		return true;
	case REGISTERS:
		return read_registers(names, v, texts);
	case DATA:
		*data = *v;
		return v->kind == WIRE_STRING;
	case END:
		break;
	}
	return false;
}

static bool read_fields(const struct paxos_names *names, const struct wire_value *found, struct paxos_message *m,
			struct paxos_texts *texts, struct wire_value *data)
{
	const struct field *field = kinds[m->type].field;
	int of = LOG;

	for (size_t i = 0; field[i].kind; i++)
		if (field[i].at == AT(instance) && found[names->place[m->type][i]].kind != WIRE_ABSENT)
			of = REGISTER;
	for (size_t i = 0; field[i].kind; i++)
		if (field[i].of & of && !read_field(names, &field[i], &found[names->place[m->type][i]], m, texts, data))
			return false;
	/* `count` is of what is in the message, but where it is a field of its own. */
	if (m->type != PAXOS_ACCEPTED)
		m->count = (uint32_t)texts->count;
	m->values = texts->value;
	m->registers = texts->registers;
	return of == LOG || *texts->instance;
}

bool paxos_body_read(const struct paxos_names *names, const struct wire_line *line, struct paxos_message *m,
		     struct paxos_texts *texts, struct wire_value *data, const char **why)
{
	struct wire_value field[WIRE_FIELDS_MAX];
	int type = 0;

	while (type < TYPES && !(names->type_len[type] == line->type.len &&
				 !memcmp(kinds[type].type, line->type.p, line->type.len)))
		type++;
	if (type == TYPES)
		return false;
	*m = (struct paxos_message){ .type = (enum paxos_message_type)type };
	memcpy(m->peer, line->src.p, line->src.len);
	paxos_texts_clear(texts);
	wire_body(names->kind[type], line->body, field);
	if (!read_fields(names, field, m, texts, data))
		*why = "a field of this message is missing or is not what it should be";
	return true;
}

static void put_name(struct buf *b, const char *name)
{
	buf_puts(b, ",\"");
	buf_puts(b, name);
	buf_puts(b, "\":");
}

static void write_field(struct buf *b, const struct field *f, const struct paxos_message *m)
{
	const char *at = (const char *)m + f->at, *text;
	uint64_t number;

	switch (f->kind) {
	case OPTIONAL_BALLOT:
	case BALLOT:
	case ANY_BALLOT:
		if (f->kind == OPTIONAL_BALLOT && !((const struct paxos_ballot *)(const void *)at)->round)
			return;
		put_name(b, f->name);
		paxos_ballot_write(b, (const struct paxos_ballot *)(const void *)at);
		return;
	case NAME:
		text = *(const char *const *)(const void *)at;
		put_name(b, f->name);
		wire_put_string(b, text ? text : "", text ? strlen(text) : 0);
		return;
	case NUMBER:
	case OPTIONAL:
		number = f->at == AT(count) ? m->count : *(const uint64_t *)(const void *)at;
		if (f->kind == OPTIONAL && !number)
			return;
		put_name(b, f->name);
		buf_u64(b, number);
		return;
	case FLAG:
		if (!*(const bool *)at || f->at == AT(done))
			return;
		put_name(b, f->name);
		buf_puts(b, "true");
		return;
	default:
		return;         /* the texts are the caller's to add */
	}
}

void paxos_body_write(struct buf *b, const struct paxos_message *m)
{
	int of = m->instance ? REGISTER : LOG;

	buf_puts(b, "\"type\":\"");
	buf_puts(b, kinds[m->type].type);
	buf_putc(b, '"');
	for (const struct field *f = kinds[m->type].field; f->kind; f++)
		if (f->of & of)
			write_field(b, f, m);
}
