/*
 * lists: the order of a list's versions.
 *
 * Every list that was read is a beginning of the longest one, or there is no order; so the longest tells the order of all versions
 * that were seen.  What was appended and never seen comes after them all, in any order that fits: nobody knows better, unless
 * a transaction read the longest before it appended, which is then the next.
 */
#include "lib/serial/inside.h"

#include <string.h>

/* The versions of a key: writes, in order. */
struct versions {
	uint32_t *seen;
	uint32_t count, room;
};

static uint32_t writer(const struct serial *s, uint32_t key, uint32_t value)
{
	uint32_t v = value_find(s, key, value);

	return v == NONE ? NONE : s->values[v].first_write;
}

/* Of a part: what others wrote is left out of lists. */
static bool is_outside(const struct serial *s, uint32_t key, uint32_t value)
{
	uint32_t of_whole;

	if (!s->whole || writer(s, key, value) != NONE)
		return false;
	of_whole = lookup_find(&s->whole->key_index, s->keys[key].number);
	return writer(s->whole, of_whole, value) != NONE;
}

static uint32_t length(const struct serial *s, const struct list *l, uint32_t count)
{
	uint32_t n = 0;

	if (!s->whole)
		return count;
	for (uint32_t i = 0; i < count; i++)
		n += !is_outside(s, l->key, l->value[i]);
	return n;
}

/* How many values there were when the transaction came. */
static uint32_t version_of(const struct serial *s, const struct list *l)
{
	return length(s, l, l->others);
}

/* --- Do the lists agree? --- */

/* Its own values are the last of the list, in their order. */
static bool compare_own(struct serial *s, struct list *l)
{
	uint32_t missing = l->own, w = l->append, i;

	for (l->others = l->count; missing && l->others; l->others--)
		missing -= !is_outside(s, l->key, l->value[l->others - 1]);
	for (i = l->others; !missing && i < l->count; i++) {
		if (is_outside(s, l->key, l->value[i]))
			continue;
		if (l->value[i] != s->writes[w].number)
			break;
		w = s->writes[w].next;
	}
	return (!missing && i == l->count) || step_add(s, l->txn, SERIAL_MISSED_ITS_OWN, l->key, s->writes[w].number);
}

static bool differ_at(struct serial *s, const struct list *l, uint32_t i, const struct list *longest, uint32_t j)
{
	uint32_t w = writer(s, l->key, l->value[i]);

	if (w == NONE)
		return step_add(s, l->txn, SERIAL_SAW_NOTHING_WRITTEN, l->key, l->value[i]);
	if (s->writes[w].place && s->writes[w].place <= j)
		return step_add(s, l->txn, SERIAL_SAW_TWICE, l->key, l->value[i]);
	return step_add(s, l->txn, SERIAL_SAW_OTHER_ORDER, l->key, l->value[i]) &&
	       step_add(s, longest->txn, SERIAL_WAS_SEEN, l->key, longest->value[j]);
}

static bool compare(struct serial *s, const struct list *l, const struct list *longest)
{
	uint32_t i = 0, j = 0;

	if (l->value == longest->value || !l->count)
		return true;
	if (l->count <= longest->count && !memcmp(l->value, longest->value, l->count * sizeof(*l->value)))
		return true;
	for (;; i++, j++) {
		while (i < l->count && is_outside(s, l->key, l->value[i]))
			i++;
		while (j < longest->count && is_outside(s, l->key, longest->value[j]))
			j++;
		if (i == l->count)
			return true;
		assert(j < longest->count);
		if (l->value[i] != longest->value[j])
			return differ_at(s, l, i, longest, j);
	}
}

/* The places of the values, and that they were written: so who wrote them happened. */
static bool place_values(struct serial *s, const struct list *longest)
{
	for (uint32_t i = 0; i < longest->count; i++) {
		uint32_t w = writer(s, longest->key, longest->value[i]);

		if (is_outside(s, longest->key, longest->value[i]))
			continue;
		if (w == NONE)
			return step_add(s, longest->txn, SERIAL_SAW_NOTHING_WRITTEN, longest->key, longest->value[i]);
		if (s->writes[w].place)
			return step_add(s, longest->txn, SERIAL_SAW_TWICE, longest->key, longest->value[i]);
		s->writes[w].place = i + 1;
		s->life[s->writes[w].txn] = LIFE_CERTAIN;
	}
	return true;
}

/* What a transaction appended is there in the order in which it did, and nothing after what is not. */
static bool own_order(struct serial *s, const struct list *longest)
{
	for (uint32_t i = s->keys[longest->key].first_write; i != NONE; i = s->writes[i].next_of_key) {
		const struct write *w = &s->writes[i];
		uint32_t next = w->next == NONE ? 0 : s->writes[w->next].place;

		if (next && (!w->place || w->place > next))
			return step_add(s, longest->txn, SERIAL_SAW_OTHER_ORDER, w->key, s->writes[w->next].number) &&
			       step_add(s, w->txn, SERIAL_WAS_SEEN, w->key, w->number);
	}
	return true;
}

/* Of a part, the longest is that of most values that are not others'. */
static void find_longest(struct serial *s, struct key *k)
{
	uint32_t most = 0;

	for (uint32_t l = k->first_list; l != NONE; l = s->lists[l].next_of_key) {
		uint32_t n = length(s, &s->lists[l], s->lists[l].count);

		if (n > most || l == k->first_list) {
			most = n;
			k->longest = l;
		}
	}
}

bool lists_compare(struct serial *s, uint32_t key)
{
	struct key *k = &s->keys[key];
	const struct list *longest;

	if (k->longest == NONE)
		return true;
	for (uint32_t l = k->first_list; l != NONE; l = s->lists[l].next_of_key)
		if (!compare_own(s, &s->lists[l]) || s->step_count)
			return s->step_count;
	if (s->whole)
		find_longest(s, k);
	longest = &s->lists[k->longest];
	if (!place_values(s, longest))
		return false;
	for (uint32_t l = k->first_list; !s->step_count && l != NONE; l = s->lists[l].next_of_key)
		if (!compare(s, &s->lists[l], longest))
			return false;
	return s->step_count || own_order(s, longest);
}

/* --- Edges --- */

static bool versions_make(struct serial *s, const struct key *k, struct versions *v)
{
	const struct list *longest = &s->lists[k->longest];

	v->room = longest->count;
	v->seen = memory_get(s->memory, v->room, sizeof(*v->seen));
	if (!v->seen)
		return false;
	for (uint32_t i = 0; i < longest->count; i++) {
		uint32_t w = writer(s, longest->key, longest->value[i]);

		if (w != NONE)
			v->seen[v->count++] = w;
	}
	return true;
}

static bool order_edges(struct serial *s, const struct versions *v)
{
	for (uint32_t i = 1; i < v->count; i++) {
		uint32_t from = s->writes[v->seen[i - 1]].txn, to = s->writes[v->seen[i]].txn;

		if (from != to && !edge_add(s, from, to, SERIAL_WW, v->seen[i]))
			return false;
	}
	return true;
}

/* Of the version of so many values, to the next one. */
static bool read_edges(struct serial *s, const struct versions *v, const struct list *l)
{
	uint32_t upto = version_of(s, l), w = upto ? v->seen[upto - 1] : NONE;
	uint32_t next = upto < v->count ? v->seen[upto] : NONE;

	if (w != NONE && s->writes[w].txn == l->txn)
		return step_add(s, l->txn, SERIAL_SAW_ITS_FUTURE, l->key, s->writes[w].number);
	if (w != NONE && s->writes[w].next != NONE)
		return step_add(s, l->txn, SERIAL_SAW_MIDST, l->key, s->writes[w].number) &&
		       step_add(s, s->writes[w].txn, SERIAL_WAS_SEEN, l->key, s->writes[s->writes[w].next].number);
	if (w != NONE && !edge_add(s, s->writes[w].txn, l->txn, SERIAL_WR, w))
		return false;
	return next == NONE || s->writes[next].txn == l->txn || edge_add(s, l->txn, s->writes[next].txn, SERIAL_RW, next);
}

static bool is_tail(const struct serial *s, const struct write *w)
{
	return !w->index && !w->place && s->life[w->txn] >= LIFE_OPTIONAL;
}

static bool is_whole(const struct serial *s, const struct versions *v, const struct list *l)
{
	return version_of(s, l) == v->count;
}

/* From the last version, and who read it, to `node`: the transaction of the write that is next, or a node of its own. */
static bool edges_of_last(struct serial *s, const struct key *k, const struct versions *v, uint32_t node, uint32_t write)
{
	if (v->count && !edge_add(s, s->writes[v->seen[v->count - 1]].txn, node, SERIAL_WW, write))
		return false;
	for (uint32_t l = k->first_list; l != NONE; l = s->lists[l].next_of_key)
		if (is_whole(s, v, &s->lists[l]) && s->lists[l].txn != node &&
		    !edge_add(s, s->lists[l].txn, node, SERIAL_RW, write))
			return false;
	return true;
}

/* A write that was never seen, of a transaction that had read all that was. */
static uint32_t find_next(const struct serial *s, const struct key *k, const struct versions *v)
{
	for (uint32_t l = k->first_list; l != NONE; l = s->lists[l].next_of_key) {
		uint32_t append = s->lists[l].append;

		if (append != NONE && is_tail(s, &s->writes[append]) && is_whole(s, v, &s->lists[l]))
			return append;
	}
	return NONE;
}

static bool tail_edges(struct serial *s, const struct key *k, const struct versions *v)
{
	uint32_t next = find_next(s, k, v), node = NONE;

	if (next != NONE && !edges_of_last(s, k, v, s->writes[next].txn, next))
		return false;
	for (uint32_t i = k->first_write; i != NONE; i = s->writes[i].next_of_key) {
		const struct write *w = &s->writes[i];

		if (i == next || !is_tail(s, w))
			continue;
		if (node == NONE) {
			node = node_add(s);
			if (next != NONE && !edge_add(s, s->writes[next].txn, node, SERIAL_WW, LABEL_NO_WRITE))
				return false;
			if (next == NONE && !edges_of_last(s, k, v, node, LABEL_NO_WRITE))
				return false;
		}
		if (!edge_add(s, node, w->txn, SERIAL_WW, i))
			return false;
	}
	return true;
}

/* What a transaction appended after what was seen of it comes after all that was seen. */
static bool rest_edges(struct serial *s, const struct key *k, const struct versions *v)
{
	uint32_t last = v->count ? s->writes[v->seen[v->count - 1]].txn : NONE;

	for (uint32_t i = k->first_write; i != NONE; i = s->writes[i].next_of_key) {
		const struct write *w = &s->writes[i];

		if (w->place && w->next != NONE && !s->writes[w->next].place && w->txn != last &&
		    !edge_add(s, last, w->txn, SERIAL_WW, w->next))
			return false;
	}
	return true;
}

bool lists_edges(struct serial *s, uint32_t key)
{
	const struct key *k = &s->keys[key];
	struct versions v = { 0 };
	bool done = true;

	if (k->longest == NONE)
		return true;
	done = versions_make(s, k, &v) && order_edges(s, &v);
	for (uint32_t l = k->first_list; done && !s->step_count && l != NONE; l = s->lists[l].next_of_key)
		done = read_edges(s, &v, &s->lists[l]);
	done = done && rest_edges(s, k, &v) && tail_edges(s, k, &v);
	memory_drop(s->memory, v.seen, v.room, sizeof(*v.seen));
	return done;
}
