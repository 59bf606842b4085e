/*
 * names: the nodes that an order names: checked, drawn, and read.
 *
 * Names are parted by ',' and groups of them by '|'; "?" and "?3" are drawn of the nodes that are not named, and
 * "*" is all that are then left.
 */
#include "lib/fault/inside.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct word {
	const char *at;
	size_t len;
	char after;             /* ',', '|', or '\0' at the end */
};

static bool next_word(const char **text, struct word *w)
{
	if (!*text)
		return false;
	w->at = *text;
	w->len = 0;
	while (w->at[w->len] && w->at[w->len] != ',' && w->at[w->len] != '|')
		w->len++;
	w->after = w->at[w->len];
	*text = w->after ? w->at + w->len + 1 : NULL;
	return true;
}

static bool is_star(const struct word *w)
{
	return w->len == 1 && *w->at == '*';
}

/* How many "?" and "?3" draw; 0: it is none of them, or asks for none. */
static size_t drawn_by(const struct word *w)
{
	size_t count = 0;

	if (*w->at != '?')
		return 0;
	if (w->len == 1)
		return 1;
	for (size_t i = 1; i < w->len; i++) {
		if (w->at[i] < '0' || w->at[i] > '9')
			return 0;
		if (count <= FAULT_NODES_MAX)
			count = 10 * count + (size_t)(w->at[i] - '0');
	}
	return count;
}

static bool of_processes(const struct fault_order *o)
{
	return o->kind >= FAULT_ORDER_CRASH && o->kind <= FAULT_ORDER_SKEW;
}

/* How many nodes, from the first, the order may be about. */
static size_t candidates(const struct fault_net *net, const struct fault_order *o)
{
	return of_processes(o) ? net->options.local_count : net->options.node_count;
}

static bool marked(const uint64_t *row, size_t i)
{
	return row[i / 64] >> i % 64 & 1;
}

static void mark(uint64_t *row, size_t i)
{
	row[i / 64] |= UINT64_C(1) << i % 64;
}

/* A word that is a name, marked in net->named; or what is wrong with it. */
static const char *check_name(struct fault_net *net, const struct fault_order *o, const struct word *w)
{
	int node = fault_net_node(net, w->at, w->len);

	if (!w->len)
		return "a node's name is missing";
	if (node < 0)
		return fault_clause(net->why, "there is no node '", w->at, w->len, "'");
	if ((size_t)node >= candidates(net, o))
		return fault_clause(net->why, "the node '", w->at, w->len, "' runs elsewhere");
	if (marked(net->named, (size_t)node))
		return fault_clause(net->why, "the node '", w->at, w->len, "' is named twice");
	mark(net->named, (size_t)node);
	return NULL;
}

static const char *check_names(struct fault_net *net, const struct fault_order *o, bool groups)
{
	size_t left = candidates(net, o), drawn = 0, stars = 0;
	const char *text = o->nodes, *wrong;
	struct word w;

	if (!text || !*text)
		return "it names no node";
	memset(net->named, 0, net->words * sizeof *net->named);
	while (next_word(&text, &w)) {
		size_t draws = w.len ? drawn_by(&w) : 0;

		if (w.after == '|' && !groups)
			return "groups, parted by '|', are for partitions alone";
		drawn += draws;
		stars += is_star(&w);
		if (draws || is_star(&w))
			continue;
		wrong = check_name(net, o, &w);
		if (wrong)
			return wrong;
		left--;
	}
	if (drawn > left)
		return "it draws more nodes than there are";
	if (stars > 1)
		return "'*' stands twice";
	if (stars && drawn == left)
		return "no node is left for '*'";
	return NULL;
}

static const char *check_partition(struct fault_net *net, const struct fault_order *o)
{
	size_t least = o->shape == FAULT_BRIDGE ? 3 : 2, groups = 1;
	const char *wrong;

	if (o->shape >= FAULT_SHAPES)
		return "there is no such shape";
	if (o->shape != FAULT_GROUPS && (!o->nodes || !*o->nodes)) {
		if (net->options.node_count < least)
			return least == 3 ? "a bridge needs three nodes" : "a partition needs two nodes";
		return NULL;
	}
	wrong = check_names(net, o, true);
	if (wrong)
		return wrong;
	for (const char *at = o->nodes; *at; at++)
		groups += *at == '|';
	if (o->shape == FAULT_BRIDGE && groups != 3)
		return "a bridge has three groups, the one in the middle sees both others";
	if (o->shape == FAULT_RING && groups != 1)
		return "a ring is one group";
	return NULL;
}

static bool known_client(const struct fault_net *net, const struct fault_side *s)
{
	for (size_t i = 0; i < net->options.clients_known_count; i++) {
		const char *name = net->options.clients_known[i];

		if (strlen(name) == s->len && !memcmp(name, s->at, s->len))
			return true;
	}
	return false;
}

static const char *check_side(struct fault_net *net, const struct fault_side *s)
{
	if (s->kind == FAULT_SIDE_CLIENT || known_client(net, s) || (s->kind == FAULT_SIDE_GLOB && net->options.open))
		return NULL;
	if (s->kind == FAULT_SIDE_NAME)
		return fault_net_node(net, s->at, s->len) >= 0 ? NULL :
		       fault_clause(net->why, "there is no node '", s->at, s->len, "'");
	for (size_t i = 0; i < net->options.node_count; i++)
		if (fault_glob(s->at, s->len, net->options.nodes[i], net->name_len[i]))
			return NULL;
	return fault_clause(net->why, "no node matches '", s->at, s->len, "'");
}

static const char *check_link(struct fault_net *net, const struct fault_order *o)
{
	const char *text = o->nodes ? o->nodes : "", *wrong;
	struct fault_pattern p;

	if (!fault_pattern_read(&p, text))
		return fault_clause(net->why, "'", text, strlen(text), "' is no link, as n1>n2 or n1<>n2");
	wrong = check_side(net, &p.from);
	return wrong ? wrong : check_side(net, &p.to);
}

const char *fault_check(struct fault_net *net, const struct fault_order *o)
{
	switch (o->kind) {
	case FAULT_ORDER_LINK:
		return check_link(net, o);
	case FAULT_ORDER_PARTITION:
		return check_partition(net, o);
	case FAULT_ORDER_HEAL:
	case FAULT_ORDER_CALM:
		return NULL;
	case FAULT_ORDER_SKEW:
		if (!net->options.skew)
			return "clocks can be skewed in virtual time alone";
		if (!(o->drift > 0))
			return "a clock's drift is above 0";
		return check_names(net, o, false);
	case FAULT_ORDER_ISOLATE:
	case FAULT_ORDER_CRASH:
	case FAULT_ORDER_RESTART:
	case FAULT_ORDER_PAUSE:
	case FAULT_ORDER_RESUME:
		return check_names(net, o, false);
	case FAULT_ORDERS:
		break;
	}
	return "there is no such fault";
}

/* The first `count` of a pool of `of` become an even draw, without repetition, from all of it (Fisher and Yates). */
static void shuffle(struct fault_net *net, size_t of, size_t count, struct fault_stream s, uint64_t n)
{
	assert(count <= of);
	for (size_t i = 0; i < count && i + 1 < of; i++) {
		size_t other = i + (size_t)fault_below(s, n + i, of - i);
		uint16_t was = net->pool[i];

		net->pool[i] = net->pool[other];
		net->pool[other] = was;
	}
}

void fault_names_pick(struct fault_net *net, size_t of, size_t count, struct fault_stream s, uint64_t n)
{
	for (size_t i = 0; i < of; i++)
		net->pool[i] = (uint16_t)i;
	shuffle(net, of, count, s, n);
}

static void add_node(struct fault_net *net, struct fault_text *t, size_t node)
{
	if (t->len && t->at[t->len - 1] != '|')
		fault_text_add(t, ",", 1);
	fault_text_add(t, net->options.nodes[node], net->name_len[node]);
}

char *fault_names_of_pool(struct fault_net *net, size_t count)
{
	struct fault_text t = { 0 };

	for (size_t i = 0; i < count; i++)
		add_node(net, &t, net->pool[i]);
	if (!t.failed)
		return t.at;
	free(t.at);
	return NULL;
}

/* Those that are named are marked, and those to be drawn drawn into the pool's beginning and marked too. */
static void draw(struct fault_net *net, const struct fault_order *o, struct fault_stream s)
{
	size_t of = 0, count = 0;
	const char *text = o->nodes;
	struct word w;

	memset(net->named, 0, net->words * sizeof *net->named);
	while (next_word(&text, &w)) {
		int node = fault_net_node(net, w.at, w.len);

		count += drawn_by(&w);
		if (node >= 0)
			mark(net->named, (size_t)node);
	}
	for (size_t i = 0; i < candidates(net, o); i++)
		if (!marked(net->named, i))
			net->pool[of++] = (uint16_t)i;
	shuffle(net, of, count, s, 0);
	for (size_t i = 0; i < count; i++)
		mark(net->named, net->pool[i]);
}

char *fault_names_drawn(struct fault_net *net, const struct fault_order *o, struct fault_stream s)
{
	struct fault_text t = { 0 };
	const char *text = o->nodes;
	size_t taken = 0;
	struct word w;

	draw(net, o, s);
	while (next_word(&text, &w)) {
		size_t draws = drawn_by(&w);

		if (is_star(&w)) {
			for (size_t i = 0; i < candidates(net, o); i++)
				if (!marked(net->named, i))
					add_node(net, &t, i);
		} else if (draws) {
			while (draws-- > 0)
				add_node(net, &t, net->pool[taken++]);
		} else {
			add_node(net, &t, (size_t)fault_net_node(net, w.at, w.len));
		}
		if (w.after == '|')
			fault_text_add(&t, "|", 1);
	}
	if (!t.failed)
		return t.at;
	free(t.at);
	return NULL;
}

size_t fault_names_read(struct fault_net *net, const char *nodes)
{
	size_t count = 0;
	uint16_t group = 0;
	struct word w;

	while (next_word(&nodes, &w)) {
		int node = fault_net_node(net, w.at, w.len);

		assert(node >= 0 && count < net->options.node_count);
		net->member[count] = (uint16_t)node;
		net->group[count++] = group;
		group += w.after == '|';
	}
	return count;
}

bool fault_names_remove(char *nodes, const char *name, size_t len)
{
	const char *text = nodes;
	struct word w;

	while (next_word(&text, &w)) {
		char *at = nodes + (w.at - nodes);

		if (w.len != len || memcmp(w.at, name, len))
			continue;
		if (w.after)
			memmove(at, at + len + 1, strlen(at + len + 1) + 1);
		else
			*(at > nodes ? at - 1 : at) = '\0';
		break;
	}
	return *nodes;
}
