/*
 * scan: the transactions' micro-operations are taken apart.
 *
 * Of a register only the last write of a transaction is a version that others may see, and only what was read before the
 * transaction's first write is of others; of a list, the values read are others' up to where its own begin.  What a
 * transaction reads of its own is compared here.
 */
#include "lib/serial/inside.h"

#include <string.h>

static uint32_t key_find(const struct serial *s, uint32_t number)
{
	return lookup_find(&s->key_index, number);
}

static bool is_list_kind(const struct serial_micro *m)
{
	return m->kind == SERIAL_APPEND || (m->kind == SERIAL_READ_LIST && m->count);
}

static bool is_register_kind(const struct serial_micro *m)
{
	return m->kind != SERIAL_APPEND && m->kind != SERIAL_READ_LIST && !(m->kind == SERIAL_READ && m->value == SERIAL_MISSING);
}

static bool key_add(struct serial *s, const struct serial_micro *m)
{
	uint32_t *id = lookup_add(&s->key_index, s->memory, m->key);
	struct key *k;

	if (!id)
		return false;
	if (*id == NONE) {
		if (s->key_count == s->key_room) {
			void *p = memory_grow(s->memory, s->keys, &s->key_room, sizeof(*s->keys));

			if (!p)
				return false;
			s->keys = p;
		}
		*id = s->key_count++;
		s->keys[*id] = (struct key){
			.number = m->key, .first_write = NONE, .last_write = NONE, .first_read = NONE, .first_list = NONE,
			.longest = NONE, .init = NONE, .init_next = NONE,
		};
	}
	k = &s->keys[*id];
	if (m->unknown)
		return true;
	k->is_list |= is_list_kind(m);
	k->is_register |= is_register_kind(m);
	assert(!k->is_list || !k->is_register);
	return true;
}

bool scan_keys(struct serial *s, uint32_t txn)
{
	const struct serial_txn *t = txn_at(s, txn);

	s->life[txn] = t->certain ? LIFE_CERTAIN : LIFE_UNSEEN;
	for (const struct serial_micro *m = t->micro; m < t->micro + t->count; m++)
		if (!key_add(s, m))
			return false;
	return true;
}

uint32_t value_find(const struct serial *s, uint32_t key, uint32_t number)
{
	return lookup_find(&s->value_index, (uint64_t)key << 32 | number);
}

static struct value *value_add(struct serial *s, uint32_t key, uint32_t number)
{
	uint32_t *id = lookup_add(&s->value_index, s->memory, (uint64_t)key << 32 | number);

	if (!id)
		return NULL;
	if (*id == NONE) {
		if (s->value_count == s->value_room) {
			void *p = memory_grow(s->memory, s->values, &s->value_room, sizeof(*s->values));

			if (!p)
				return NULL;
			s->values = p;
		}
		*id = s->value_count++;
		s->values[*id] = (struct value){ .key = key, .number = number, .first_write = NONE, .midst = NONE };
	}
	return &s->values[*id];
}

static struct write *write_new(struct serial *s, uint32_t txn, uint32_t key, struct value *v)
{
	struct key *k = &s->keys[key];
	struct write *w;

	if (s->write_count == s->write_room) {
		void *p = memory_grow(s->memory, s->writes, &s->write_room, sizeof(*s->writes));

		if (!p)
			return NULL;
		s->writes = p;
	}
	w = &s->writes[s->write_count];
	*w = (struct write){
		.txn = txn, .key = key, .number = v->number, .next_of_key = NONE, .next_of_value = v->first_write,
		.next = NONE, .block = NONE,
	};
	if (k->last_write == NONE)
		k->first_write = s->write_count;
	else
		s->writes[k->last_write].next_of_key = s->write_count;
	k->last_write = v->first_write = s->write_count++;
	k->writes++;
	v->writes++;
	return w;
}

/* This transaction's writes are the last of all: its one of the key, or NONE. */
static uint32_t own_write(const struct serial *s, uint32_t txn, uint32_t key)
{
	uint32_t w = s->keys[key].last_write;

	return w != NONE && s->writes[w].txn == txn ? w : NONE;
}

/* The first is shown; the others are scanned nevertheless, so that it is known what was written. */
static bool missed_own(struct serial *s, uint32_t txn, uint32_t key, uint32_t value)
{
	return s->step_count || step_add(s, txn, SERIAL_MISSED_ITS_OWN, key, value);
}

/* --- Registers --- */

/* A later write of the transaction takes the place of the former one, which is then one in the midst. */
static bool scan_write(struct serial *s, uint32_t txn, uint32_t key, const struct serial_micro *m)
{
	uint32_t own = own_write(s, txn, key), former;
	struct value *v = value_add(s, key, m->value);

	if (!v)
		return false;
	v->micros++;
	s->keys[key].micros++;
	if (own == NONE) {
		for (uint32_t r = s->first_read[txn]; r != NONE; r = s->reads[r].next_of_txn)
			if (s->reads[r].key == key)
				s->reads[r].write = s->write_count;
		return write_new(s, txn, key, v);
	}
	if (s->writes[own].number == m->value)
		return true;
	former = value_find(s, key, s->writes[own].number);
	assert(s->values[former].first_write == own);
	s->values[former].first_write = s->writes[own].next_of_value;
	s->values[former].midst = txn;
	s->values[former].writes--;
	v->writes++;
	s->writes[own].number = m->value;
	s->writes[own].next_of_value = v->first_write;
	v->first_write = own;
	return true;
}

static bool scan_read(struct serial *s, uint32_t txn, uint32_t key, const struct serial_micro *m)
{
	uint32_t own = own_write(s, txn, key);
	struct read *r;

	if (own != NONE && read_fits(m->kind, m->value, s->writes[own].number))
		return true;
	if (own != NONE)
		return !txn_at(s, txn)->certain || missed_own(s, txn, key, m->value);
	for (uint32_t i = s->first_read[txn]; i != NONE; i = s->reads[i].next_of_txn)
		if (s->reads[i].key == key && s->reads[i].number == m->value && s->reads[i].kind == m->kind)
			return true;
	if (s->read_count == s->read_room) {
		void *p = memory_grow(s->memory, s->reads, &s->read_room, sizeof(*s->reads));

		if (!p)
			return false;
		s->reads = p;
	}
	r = &s->reads[s->read_count];
	*r = (struct read){
		.txn = txn, .key = key, .number = m->value, .kind = m->kind, .of = READ_OPEN, .write = NONE, .more = NONE,
		.next_of_key = s->keys[key].first_read, .next_of_txn = s->first_read[txn],
	};
	s->keys[key].first_read = s->first_read[txn] = s->read_count++;
	return true;
}

/* --- Lists --- */

static bool scan_append(struct serial *s, uint32_t txn, uint32_t key, const struct serial_micro *m)
{
	uint32_t own = own_write(s, txn, key);
	struct value *v = value_add(s, key, m->value);
	struct write *w;

	if (!v)
		return false;
	assert(v->first_write == NONE);
	v->micros++;
	s->keys[key].micros++;
	w = write_new(s, txn, key, v);
	if (!w)
		return false;
	if (own != NONE) {
		w->index = s->writes[own].index + 1;
		s->writes[own].next = s->write_count - 1;
		return true;
	}
	s->keys[key].own_first = s->write_count - 1;
	for (uint32_t l = s->keys[key].first_list; l != NONE && s->lists[l].txn == txn; l = s->lists[l].next_of_key)
		s->lists[l].append = s->write_count - 1;
	return true;
}

static bool scan_list(struct serial *s, uint32_t txn, uint32_t key, const struct serial_micro *m)
{
	struct key *k = &s->keys[key];
	struct list *l;

	if (!txn_at(s, txn)->certain)
		return true;
	if (s->list_count == s->list_room) {
		void *p = memory_grow(s->memory, s->lists, &s->list_room, sizeof(*s->lists));

		if (!p)
			return false;
		s->lists = p;
	}
	l = &s->lists[s->list_count];
	*l = (struct list){ .txn = txn, .key = key, .value = m->list, .append = NONE, .next_of_key = k->first_list };
	/* READ of missing is the list of none. */
	l->count = l->others = m->kind == SERIAL_READ_LIST ? m->count : 0;
	if (own_write(s, txn, key) != NONE) {
		l->own = s->writes[own_write(s, txn, key)].index + 1;
		l->append = k->own_first;
	}
	if (k->longest == NONE || s->lists[k->longest].count < l->count)
		k->longest = s->list_count;
	k->first_list = s->list_count++;
	return true;
}

/* --- */

static bool scan_micro(struct serial *s, uint32_t txn, const struct serial_micro *m)
{
	uint32_t key = key_find(s, m->key);
	struct serial_micro missing = { .kind = SERIAL_READ, .key = m->key, .value = SERIAL_MISSING };

	switch (m->kind) {
	case SERIAL_WRITE:
		return scan_write(s, txn, key, m);
	case SERIAL_APPEND:
		return scan_append(s, txn, key, m);
	case SERIAL_READ:
	case SERIAL_READ_OTHER:
	case SERIAL_READ_OR_MISSING:
	case SERIAL_READ_LIST:
		if (m->unknown)
			return true;
		if (s->keys[key].is_list)
			return scan_list(s, txn, key, m);
		return scan_read(s, txn, key, m->kind == SERIAL_READ_LIST ? &missing : m);
	default:
		assert(!"a kind of micro-operation");
		return false;
	}
}

bool scan_txn(struct serial *s, uint32_t txn)
{
	const struct serial_txn *t = txn_at(s, txn);

	s->first_read[txn] = NONE;
	for (const struct serial_micro *m = t->micro; m < t->micro + t->count; m++)
		if (!scan_micro(s, txn, m))
			return false;
	return true;
}
