/*
 * state: the numbering of anchor, jump and slots: made, changed, judged.
 *
 * A numbering is history, not a function of the list, and a state file keeps
 * it.  So a file is believed only if every rule that init and change keep holds
 * in it: whatever passes ring_state_fault can be built, looked up and changed.
 */
#include "lib/ring/state.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/*
 * AnchorHash draws among `capacity` buckets, so spare ones cost a second draw:
 * a tenth of them costs it to one key in eleven.  That alone would leave a list
 * of a few nodes no room, so at least 118 are spare: ten nodes may grow to 129,
 * and their look-ups take four draws instead of one.
 */
static uint64_t anchor_capacity(uint64_t wants, uint64_t most)
{
	uint64_t capacity = wants + wants / 10 + 118;

	return capacity < most ? capacity : most;
}

int32_t *state_needs(const struct ring_state *s, const struct renumber *to)
{
	int32_t *need = malloc((to->n + (size_t)1) * sizeof(*need));

	if (!need)
		return NULL;
	for (uint32_t i = 0; i < to->n; i++)
		need[i] = (int32_t)to->nodes[i].weight;
	for (uint32_t b = 0; b < s->buckets; b++) {
		uint32_t node = s->bucket[b] == RING_NONE ? RING_NONE : to->kept[s->bucket[b]];

		if (node != RING_NONE)
			need[node]--;
	}
	return need;
}

uint64_t state_wants(const struct renumber *to)
{
	uint64_t wants = 0;

	for (uint32_t i = 0; i < to->n; i++)
		wants += to->nodes[i].weight;
	return wants;
}

static int renumber(struct ring_state *s, const struct ring_algo *algo, const struct renumber *to)
{
	int rc;

	assert(algo->traits & RING_NUMBERED);
	if (algo == &ring_algo_anchor)
		rc = anchor_renumber(s, to);
	else if (algo == &ring_algo_jump)
		rc = jump_renumber(s, to);
	else
		rc = slots_renumber(s, to);
	if (rc != RING_OK)
		ring_state_release(s);
	return rc;
}

/* Room for `buckets`, none of them owned; anchor's go from the highest down. */
static int state_empty(struct ring_state *s, const struct ring_algo *algo, uint32_t buckets)
{
	size_t bytes = ((size_t)buckets + 1) * sizeof(uint32_t);

	*s = (struct ring_state){ .buckets = buckets };
	s->bucket = malloc(bytes);
	if (algo == &ring_algo_anchor)
		s->removed = malloc(bytes);
	if (!s->bucket || (algo == &ring_algo_anchor && !s->removed)) {
		ring_state_release(s);
		return RING_ENOMEM;
	}
	memset(s->bucket, 0xff, bytes);
	if (algo == &ring_algo_anchor)
		while (s->removed_n < buckets) {
			s->removed[s->removed_n] = buckets - 1 - s->removed_n;
			s->removed_n++;
		}
	return RING_OK;
}

/* A slot more or less is then at most a thousandth of a node's share. */
static uint64_t slots_capacity(const struct ring_node *nodes, uint32_t n)
{
	uint64_t live = 0, slots = RING_SLOTS_DEFAULT;

	for (uint32_t i = 0; i < n; i++)
		live += nodes[i].weight > 0;
	while (slots < RING_SLOTS_A_NODE * live && slots < RING_SLOTS_MAX)
		slots *= 2;
	return slots;
}

int ring_state_init(struct ring_state *s, const struct ring_algo *algo, const struct ring_node *nodes,
		    uint32_t n, uint32_t capacity)
{
	struct renumber to = { .nodes = nodes, .n = n };
	uint64_t wants = state_wants(&to), buckets = 0;
	bool slots = algo == &ring_algo_slots;
	uint64_t most = slots ? RING_SLOTS_MAX : RING_BUCKETS_MAX;
	int rc;

	if (slots)
		buckets = capacity ? capacity : slots_capacity(nodes, n);
	if (algo == &ring_algo_anchor)
		buckets = capacity ? capacity : anchor_capacity(wants, most);
	if (buckets > most || (!slots && wants > most))
		return RING_ETOOBIG;
	rc = state_empty(s, algo, (uint32_t)buckets);
	return rc == RING_OK ? renumber(s, algo, &to) : rc;
}

int ring_state_change(struct ring_state *next, const struct ring_algo *algo, const struct ring_state *was,
		      const uint32_t *kept, uint32_t was_n, const struct ring_node *nodes, uint32_t n)
{
	struct renumber to = { .kept = kept, .nodes = nodes, .n = n };
	int rc = state_empty(next, algo, was->buckets);

	if (rc != RING_OK)
		return rc;
	for (uint32_t i = 0; i < was_n; i++)
		assert(kept[i] == RING_NONE || kept[i] < n);
	memcpy(next->bucket, was->bucket, was->buckets * sizeof(*was->bucket));
	next->removed_n = was->removed_n;
	if (was->removed_n > 0)
		memcpy(next->removed, was->removed, was->removed_n * sizeof(*was->removed));
	return renumber(next, algo, &to);
}

void ring_state_release(struct ring_state *s)
{
	free(s->bucket);
	free(s->removed);
	*s = (struct ring_state){ 0 };
}

/* The answer of ring_state_fault, until the next one in this thread. */
struct clause {
	char text[2 * RING_NAME_BYTES_MAX + 130];
	size_t len;
};

static void put(struct clause *c, const char *p, size_t n)
{
	for (size_t i = 0; i < n && c->len + 1 < sizeof(c->text); i++)
		c->text[c->len++] = (unsigned char)p[i] < ' ' ? '?' : p[i];
	c->text[c->len] = '\0';
}

static void put_number(struct clause *c, uint32_t number)
{
	char digit[10];
	size_t n = sizeof(digit);

	do
		digit[--n] = (char)('0' + number % 10);
	while (number /= 10);
	put(c, digit + n, sizeof(digit) - n);
}

/* %u: a uint32_t; %n: a struct ring_node, by its name. */
static const char *clause(const char *form, ...)
{
	static _Thread_local struct clause c;
	va_list args;

	c.len = 0;
	va_start(args, form);
	for (; *form; form++) {
		if (*form != '%') {
			put(&c, form, 1);
		} else if (*++form == 'u') {
			put_number(&c, va_arg(args, uint32_t));
		} else {
			const struct ring_node *node = va_arg(args, const struct ring_node *);

			put(&c, "'", 1);
			put(&c, node->name, node->name_len);
			put(&c, "'", 1);
		}
	}
	va_end(args);
	return c.text;
}

static const char *owner_fault(const struct ring_state *s, const struct ring_node *nodes, uint32_t n)
{
	for (uint32_t b = 0; b < s->buckets; b++) {
		uint32_t node = s->bucket[b];

		if (node == RING_NONE)
			continue;
		if (node >= n)
			return clause("bucket %u is owned by node %u, and there are %u nodes", b, node, n);
		if (nodes[node].weight == 0)
			return clause("bucket %u is owned by %n, which is drained", b, &nodes[node]);
	}
	return NULL;
}

/* anchor and jump: a bucket for every unit of weight. */
static const char *weight_fault(const struct ring_node *nodes, uint32_t n, const uint32_t *have)
{
	for (uint32_t i = 0; i < n; i++)
		if (have[i] != nodes[i].weight)
			return clause("%n weighs %u and owns %u of the buckets", &nodes[i], nodes[i].weight, have[i]);
	return NULL;
}

/* anchor: a bucket is either owned or, once, in the list of the removed ones. */
static const char *removed_fault(const struct ring_state *s)
{
	uint8_t *gone = calloc((size_t)s->buckets + 1, 1);
	const char *fault = NULL;

	if (!gone)
		return "there is not the memory to check it";
	for (uint32_t i = 0; i < s->removed_n && !fault; i++) {
		uint32_t b = s->removed[i];

		if (b >= s->buckets)
			fault = clause("bucket %u is removed, and there are %u buckets", b, s->buckets);
		else if (gone[b])
			fault = clause("bucket %u is removed twice", b);
		else if (s->bucket[b] != RING_NONE)
			fault = clause("bucket %u is both removed and owned", b);
		else
			gone[b] = 1;
	}
	for (uint32_t b = 0; b < s->buckets && !fault; b++)
		if (s->bucket[b] == RING_NONE && !gone[b])
			fault = clause("bucket %u is neither removed nor owned", b);
	free(gone);
	return fault;
}

/* slots: every slot dealt, and no pair of nodes that a move would even. */
static const char *table_fault(const struct ring_state *s, const struct ring_node *nodes, uint32_t n,
			       const uint32_t *have)
{
	uint32_t live = 0, most = 0, least = 0;

	for (uint32_t i = 0; i < n; i++) {
		if (nodes[i].weight == 0)
			continue;
		if (live++ == 0)
			most = least = i;
		if ((uint64_t)have[i] * nodes[most].weight > (uint64_t)have[most] * nodes[i].weight)
			most = i;
		if ((have[i] + UINT64_C(1)) * nodes[least].weight < (have[least] + UINT64_C(1)) * nodes[i].weight)
			least = i;
	}
	if (live > s->buckets)
		return clause("a table of %u has no slot for each of %u nodes", s->buckets, live);
	for (uint32_t i = 0; live > 0 && i < s->buckets; i++)
		if (s->bucket[i] == RING_NONE)
			return clause("slot %u is not owned", i);
	if (live > 0 && slots_uneven(have[most], nodes[most].weight, have[least], nodes[least].weight))
		return clause("%n owns %u of the slots and %n %u, which is not even by their weights",
			      &nodes[most], have[most], &nodes[least], have[least]);
	return NULL;
}

static const char *jump_fault(const struct ring_state *s, const struct renumber *to)
{
	if (s->buckets > 0 && state_wants(to) == 0)
		return "there are buckets, and no node has weight";
	return NULL;
}

const char *ring_state_fault(const struct ring_state *s, const struct ring_algo *algo,
			     const struct ring_node *nodes, uint32_t n)
{
	struct renumber to = { .nodes = nodes, .n = n };
	bool slots = algo == &ring_algo_slots, anchor = algo == &ring_algo_anchor;
	uint32_t most = slots ? RING_SLOTS_MAX : RING_BUCKETS_MAX, *have;
	const char *fault;

	if (s->buckets > most)
		return clause("there are %u buckets, and %u is the limit", s->buckets, most);
	if (s->buckets == 0 && (slots || anchor))
		return "there are no buckets";
	if (s->removed_n > (anchor ? s->buckets : 0))
		return clause("the removed buckets are %u, and there can be %u", s->removed_n, anchor ? s->buckets : 0);
	fault = owner_fault(s, nodes, n);
	if (fault)
		return fault;
	have = calloc(n + (size_t)1, sizeof(*have));
	if (!have)
		return "there is not the memory to check it";
	for (uint32_t b = 0; b < s->buckets; b++)
		if (s->bucket[b] != RING_NONE)
			have[s->bucket[b]]++;
	fault = slots ? table_fault(s, nodes, n, have) : weight_fault(nodes, n, have);
	free(have);
	if (!fault && anchor)
		fault = removed_fault(s);
	if (!fault && !slots && !anchor)
		fault = jump_fault(s, &to);
	return fault;
}
