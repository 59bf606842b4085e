/* plan: see plan.h */
#include "lib/shard/plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/shard/emit.h"

enum { MATRIX_NODES_MAX = 12 };

struct move {
	uint32_t from, to;              /* positions in the old and in the new list */
	uint64_t keys;                  /* 0: a free place */
};

/* Moves counted by (from, to), an open hash table, and the totals. */
struct moves {
	struct move *at;
	uint64_t mask, used;
	uint64_t owned, moved;          /* owners in the old fleet, and how many of them are others now */
};

struct planning {
	struct route_work *was, *is;
	struct moves moves;
};

static struct move *find(const struct moves *m, uint32_t from, uint32_t to)
{
	uint64_t i = ((uint64_t)from << 32 | to) * UINT64_C(0x9e3779b97f4a7c15) >> 20;

	for (i &= m->mask; m->at[i].keys; i = (i + 1) & m->mask)
		if (m->at[i].from == from && m->at[i].to == to)
			break;
	return &m->at[i];
}

static void count(struct moves *m, uint32_t from, uint32_t to, uint64_t keys)
{
	struct move *move;

	if (2 * m->used >= m->mask) {
		struct moves grown = { .mask = 2 * m->mask + 1023 };

		grown.at = must_calloc(grown.mask + 1, sizeof *grown.at);
		for (uint64_t i = 0; m->at && i <= m->mask; i++)
			if (m->at[i].keys)
				*find(&grown, m->at[i].from, m->at[i].to) = m->at[i];
		free(m->at);
		m->at = grown.at;
		m->mask = grown.mask;
	}
	move = find(m, from, to);
	m->used += !move->keys;
	move->from = from;
	move->to = to;
	move->keys += keys;
	m->moved += keys;
}

void plan_init(struct plan *p)
{
	p->kept = nodes_kept(p->was->nodes, p->is->nodes);
	p->back = nodes_kept(p->is->nodes, p->was->nodes);
	p->moves = must_calloc(1, sizeof *p->moves);
}

void plan_release(struct plan *p)
{
	free(p->kept);
	free(p->back);
	free(p->moves->at);
	free(p->moves);
}

static void *plan_open(void *self)
{
	const struct plan *p = self;
	struct planning *x = must_calloc(1, sizeof *x);

	x->was = route_open(p->was);
	x->is = route_open(p->is);
	return x;
}

static void plan_close(void *self, void *scratch)
{
	struct plan *p = self;
	struct planning *x = scratch;

	for (uint64_t i = 0; x->moves.at && i <= x->moves.mask; i++)
		if (x->moves.at[i].keys)
			count(p->moves, x->moves.at[i].from, x->moves.at[i].to, x->moves.at[i].keys);
	p->moves->owned += x->moves.owned;
	free(x->moves.at);
	route_close(x->was);
	route_close(x->is);
	free(x);
}

/* Is the new position `node` among the old owners? */
static bool owned_before(const struct plan *p, const uint32_t *was, uint32_t was_n, uint32_t node)
{
	for (uint32_t i = 0; i < was_n; i++)
		if (p->kept[was[i]] == node)
			return true;
	return false;
}

static bool owns_now(const struct plan *p, const uint32_t *is, uint32_t is_n, uint32_t was)
{
	for (uint32_t i = 0; i < is_n; i++)
		if (p->kept[was] == is[i])
			return true;
	return false;
}

/*
 * Counts each owner that is new, against an owner that is no more; returns how
 * many there are.  (With replicas, the n-th of the ones goes with the n-th of
 * the others: a copy to make, and one to drop.)
 */
static uint32_t compare(const struct plan *p, struct moves *m, const uint32_t *was, uint32_t was_n, const uint32_t *is,
			uint32_t is_n)
{
	uint32_t moved = 0, gone = 0;

	m->owned += was_n;
	for (uint32_t i = 0; i < is_n; i++) {
		if (owned_before(p, was, was_n, is[i]))
			continue;
		while (gone < was_n && owns_now(p, is, is_n, was[gone]))
			gone++;
		if (p->summary)
			count(m, gone < was_n ? was[gone] : was[was_n - 1], is[i], 1);
		moved++;
		gone++;
	}
	return moved;
}

/* {"key":"k","from":"a","to":"b"}; with replicas, lists of names */
static bool put_json_move(const struct plan *p, struct flow_work *w, const struct ring_key *key, const uint32_t *was,
			  uint32_t was_n, const uint32_t *is, uint32_t is_n)
{
	bool list = p->is->replicas > 1;
	char *o;

	if (!json_utf8((const char *)key->p, key->len)) {
		flow_fail(w, EXIT_DATA, "the key is not UTF-8, which --json needs");
		return false;
	}
	o = flow_room(w, 6 * key->len + 48 + ((size_t)was_n + is_n) * EMIT_JSON_NAME_MAX);
	o = stpcpy(o, "{\"key\":");
	o += json_escape((const char *)key->p, key->len, o);
	o = stpcpy(o, ",\"from\":");
	o = emit_json_names(o, p->was->nodes->at, was, was_n, list);
	o = stpcpy(o, ",\"to\":");
	o = emit_json_names(o, p->is->nodes->at, is, is_n, list);
	*o++ = '}';
	*o++ = p->end;
	w->out_len = (size_t)(o - w->out);
	return true;
}

static void put_move(const struct plan *p, struct flow_work *w, const struct ring_key *key, const uint32_t *was,
		     uint32_t was_n, const uint32_t *is, uint32_t is_n)
{
	char *o = flow_room(w, key->len + 3 + ((size_t)was_n + is_n) * (RING_NAME_BYTES_MAX + 1));

	memcpy(o, key->p, key->len);
	o += key->len;
	*o++ = '\t';
	o = emit_names(o, p->was->nodes->at, was, was_n);
	*o++ = '\t';
	o = emit_names(o, p->is->nodes->at, is, is_n);
	*o++ = p->end;
	w->out_len = (size_t)(o - w->out);
}

/* One algorithm and one key of the hash: what one fleet hashes holds for the other. */
static size_t plan_batch(void *self, struct flow_work *w, const struct ring_key *record, size_t n)
{
	const struct plan *p = self;
	struct planning *x = w->scratch;
	const uint32_t replicas = p->is->replicas;
	size_t done = route_batch(p->is, x->is, w, record, n);

	memcpy(x->was->hash, x->is->hash, done * sizeof *x->is->hash);
	route_hashes(p->was, x->was, w, done);
	for (size_t i = 0; i < done; i++) {
		const uint32_t *was = x->was->owner + i * replicas, *is = x->is->owner + i * replicas;
		uint32_t was_n = x->was->picker ? x->was->owners[i] : 1, is_n = x->is->picker ? x->is->owners[i] : 1;

		if (!compare(p, &x->moves, was, was_n, is, is_n) || p->summary)
			continue;
		if (!p->json)
			put_move(p, w, &x->is->keys.key[i], was, was_n, is, is_n);
		else if (!put_json_move(p, w, &x->is->keys.key[i], was, was_n, is, is_n))
			return i;
	}
	return done;
}

struct flow_sink plan_sink(struct plan *p)
{
	return (struct flow_sink){ .self = p, .open = plan_open, .close = plan_close, .batch = plan_batch };
}

static bool has_cause(const struct plan *p, const struct move *m)
{
	const struct ring_node *old = &p->was->nodes->at[m->from], *new = &p->is->nodes->at[m->to];
	uint32_t was_to = p->back[m->to];

	if (p->kept[m->from] == RING_NONE || p->is->nodes->at[p->kept[m->from]].weight < old->weight)
		return true;
	return was_to == RING_NONE || p->was->nodes->at[was_to].weight < new->weight;
}

static int by_position(const void *a, const void *b)
{
	const struct move *x = a, *y = b;

	if (x->from != y->from)
		return x->from < y->from ? -1 : 1;
	return (x->to > y->to) - (x->to < y->to);
}

/* The moves in order; the caller frees them. */
static struct move *sorted_moves(const struct moves *m)
{
	struct move *list = must_malloc((m->used + 1) * sizeof *list);
	uint64_t n = 0;

	for (uint64_t i = 0; m->at && i <= m->mask; i++)
		if (m->at[i].keys)
			list[n++] = m->at[i];
	qsort(list, n, sizeof *list, by_position);
	return list;
}

/* The least share that must move: what each node gains in its share of the weight. */
static double ideal_share(const struct plan *p)
{
	const struct nodes *was = p->was->nodes, *is = p->is->nodes;
	double was_weight = 0, is_weight = 0, gain = 0;

	for (uint32_t i = 0; i < was->n; i++)
		was_weight += was->at[i].weight;
	for (uint32_t i = 0; i < is->n; i++)
		is_weight += is->at[i].weight;
	for (uint32_t i = 0; i < is->n; i++) {
		double before = p->back[i] == RING_NONE ? 0 : was->at[p->back[i]].weight / was_weight;
		double after = is->at[i].weight / is_weight;

		gain += after > before ? after - before : 0;
	}
	return gain;
}

static void print_pair_json(FILE *out, const struct plan *p, const struct move *m, bool excess)
{
	char text[12 * RING_NAME_BYTES_MAX + 80], *o = text;

	memcpy(o, "{\"from\":", 8);
	o = emit_json_name(o + 8, &p->was->nodes->at[m->from]);
	memcpy(o, ",\"to\":", 6);
	o = emit_json_name(o + 6, &p->is->nodes->at[m->to]);
	fwrite(text, 1, (size_t)(o - text), out);
	fprintf(out, ",\"keys\":%llu,\"excess\":%s}\n", (unsigned long long)m->keys, excess ? "true" : "false");
}

static int name_width(const struct nodes *nodes)
{
	int width = 8;

	for (uint32_t i = 0; i < nodes->n; i++)
		width = nodes->at[i].name_len > width ? nodes->at[i].name_len : width;
	return width;
}

/* Rows are the old nodes, columns the new ones. */
static void print_matrix(FILE *out, const struct plan *p, int width)
{
	const struct nodes *was = p->was->nodes, *is = p->is->nodes;

	fprintf(out, "%*s", width, "old\\new");
	for (uint32_t c = 0; c < is->n; c++)
		fprintf(out, " %*.*s", width, (int)is->at[c].name_len, is->at[c].name);
	putc('\n', out);
	for (uint32_t r = 0; r < was->n; r++) {
		fprintf(out, "%*.*s", width, (int)was->at[r].name_len, was->at[r].name);
		for (uint32_t c = 0; c < is->n; c++) {
			const struct move *m = p->moves->at ? find(p->moves, r, c) : NULL;

			if (m && m->keys)
				fprintf(out, " %*llu", width, (unsigned long long)m->keys);
			else
				fprintf(out, " %*s", width, p->kept[r] == c ? "-" : "0");
		}
		putc('\n', out);
	}
}

static void print_pair(FILE *out, const struct plan *p, const struct move *m, int width, bool excess)
{
	const struct ring_node *from = &p->was->nodes->at[m->from], *to = &p->is->nodes->at[m->to];

	fprintf(out, "%-*.*s -> %-*.*s %12llu%s\n", width, (int)from->name_len, from->name, width, (int)to->name_len, to->name,
	       (unsigned long long)m->keys, excess ? "  excess" : "");
}

uint64_t plan_report(FILE *out, const struct plan *p, unsigned columns)
{
	const struct moves *m = p->moves;
	struct move *list = sorted_moves(m);
	double owned = m->owned ? (double)m->owned : 1;
	int width = name_width(p->is->nodes), old_width = name_width(p->was->nodes);
	bool matrix;
	uint64_t excess = 0;

	width = old_width > width ? old_width : width;
	matrix = columns && p->is->nodes->n <= MATRIX_NODES_MAX && (p->is->nodes->n + 1) * (unsigned)(width + 1) <= columns;
	if (matrix)
		print_matrix(out, p, width);
	for (uint64_t i = 0; i < m->used; i++) {
		bool more = !has_cause(p, &list[i]);

		excess += more ? list[i].keys : 0;
		if (!columns)
			print_pair_json(out, p, &list[i], more);
		else if (!matrix)
			print_pair(out, p, &list[i], width, more);
	}
	free(list);
	if (columns)
		fprintf(out, "\n%llu of %llu moved: %.4f %%, ideal %.4f %%; excess %llu (%.4f %%)\n", (unsigned long long)m->moved,
		       (unsigned long long)m->owned, 100 * (double)m->moved / owned, 100 * ideal_share(p),
		       (unsigned long long)excess, 100 * (double)excess / owned);
	else
		fprintf(out, "{\"summary\":true,\"keys\":%llu,\"moved\":%llu,\"moved_share\":%.6f,\"ideal_share\":%.6f,"
		       "\"excess\":%llu,\"excess_share\":%.6f}\n", (unsigned long long)m->owned,
		       (unsigned long long)m->moved, (double)m->moved / owned, ideal_share(p),
		       (unsigned long long)excess, (double)excess / owned);
	return excess;
}
