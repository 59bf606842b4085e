/* nodes: parsing and checking a list of nodes.  See nodes.h and hashring-nodes(5). */
#include "lib/shard/nodes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "lib/base/err.h"
#include "lib/json/scan.h"
#include "lib/ring/hash.h"

static int fail(struct nodes_fault *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static int fail(struct nodes_fault *f, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(f->why, sizeof f->why, fmt, ap);
	va_end(ap);
	return -1;
}

static uint64_t name_hash(const char *name, size_t len)
{
	static const uint8_t key[16];

	return siphash(key, name, len);
}

/* Takes the first free place at or after the one that the slot's hash says. */
static void index_put(struct nodes_index *x, uint64_t slot)
{
	uint64_t i = slot >> 32 & x->mask;

	while (x->slot[i])
		i = (i + 1) & x->mask;
	x->slot[i] = slot;
}

/* Room for n; places follow from the slots, so no name is read again. */
static void index_reserve(struct nodes_index *x, uint32_t n)
{
	struct nodes_index grown = { .mask = x->slot ? x->mask : 15 };

	if (x->slot && x->mask >= 2 * (uint64_t)n)
		return;
	while (grown.mask < 2 * (uint64_t)n)
		grown.mask = 2 * grown.mask + 1;
	grown.slot = must_calloc(grown.mask + 1, sizeof *grown.slot);
	for (uint64_t i = 0; x->slot && i <= x->mask; i++)
		if (x->slot[i])
			index_put(&grown, x->slot[i]);
	free(x->slot);
	*x = grown;
}

/* The position of the node with that name and that hash, or RING_NONE. */
static uint32_t index_find(const struct nodes_index *x, const struct ring_node *nodes, const char *name, size_t len,
			   uint64_t hash)
{
	for (uint64_t i = hash >> 32 & x->mask; x->slot[i]; i = (i + 1) & x->mask) {
		uint32_t at = (uint32_t)x->slot[i] - 1;

		if (x->slot[i] >> 32 == hash >> 32 && nodes[at].name_len == len && !memcmp(nodes[at].name, name, len))
			return at;
	}
	return RING_NONE;
}

static uint64_t index_slot(uint64_t hash, uint32_t at)
{
	return (hash >> 32 << 32) | (at + (uint64_t)1);
}

static char *keep_text(struct nodes *nodes, const char *text, size_t len)
{
	char *copy = must_malloc(len + NODES_SLACK);

	memcpy(copy, text, len);
	memset(copy + len, 0, NODES_SLACK);
	nodes->text = must_realloc(nodes->text, (nodes->texts + 1) * sizeof *nodes->text);
	nodes->text[nodes->texts++] = copy;
	return copy;
}

static int zone_id(struct nodes *nodes, const char *zone, size_t len, uint16_t *id, struct nodes_fault *f)
{
	uint64_t hash = zone ? name_hash(zone, len) : 0;
	uint32_t at;

	*id = 0;
	if (!zone)
		return 0;
	index_reserve(&nodes->zone_index, nodes->zones + 1);
	at = index_find(&nodes->zone_index, nodes->zone, zone, len, hash);
	if (at == RING_NONE) {
		if (nodes->zones == RING_ZONES_MAX)
			return fail(f, "more than %d zones", RING_ZONES_MAX);
		if (nodes->zones == nodes->zones_cap) {
			nodes->zones_cap = nodes->zones_cap ? 2 * nodes->zones_cap : 16;
			nodes->zone = must_realloc(nodes->zone, nodes->zones_cap * sizeof *nodes->zone);
		}
		at = nodes->zones++;
		index_put(&nodes->zone_index, index_slot(hash, at));
		nodes->zone[at] = (struct ring_node){ .name = keep_text(nodes, zone, len), .name_len = (uint16_t)len };
	}
	*id = (uint16_t)(at + 1);
	return 0;
}

/* A name stands in lists, in tab-separated output and in JSON: so no comma, space or control character. */
static int check_name(const char *what, const char *name, size_t len, struct nodes_fault *f)
{
	if (!len)
		return fail(f, "a %s is empty", what);
	if (len > RING_NAME_BYTES_MAX)
		return fail(f, "a %s has %zu bytes: at most %d", what, len, RING_NAME_BYTES_MAX);
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)name[i] <= ' ' || name[i] == 0x7f || name[i] == ',')
			return fail(f, "a %s has %s in it", what,
				    name[i] == ',' ? "a comma" : name[i] == ' ' ? "a space" : "a control character");
	if (!json_utf8(name, len))
		return fail(f, "a %s is not UTF-8", what);
	return 0;
}

int nodes_add(struct nodes *nodes, const char *name, size_t name_len, uint64_t weight, const char *zone,
	      size_t zone_len, struct nodes_fault *f)
{
	uint64_t hash = name_hash(name, name_len);
	uint16_t id;

	if (zone && zone_len == 1 && *zone == '-')      /* a column that says none */
		zone = NULL;
	if (check_name("name", name, name_len, f) || (zone && check_name("zone", zone, zone_len, f)))
		return -1;
	if (weight > RING_WEIGHT_MAX)
		return fail(f, "the weight of '%.*s' must be a whole number from 0 to %d", (int)name_len, name,
			    RING_WEIGHT_MAX);
	if (nodes->n == RING_NODES_MAX)
		return fail(f, "more than %d nodes", RING_NODES_MAX);
	if (zone_id(nodes, zone, zone_len, &id, f))
		return -1;
	if (nodes->n == nodes->cap) {
		nodes->cap = nodes->cap ? nodes->cap + nodes->cap / 2 : 16;
		nodes->at = must_realloc(nodes->at, nodes->cap * sizeof *nodes->at);
	}
	index_reserve(&nodes->index, nodes->n + 1);
	if (index_find(&nodes->index, nodes->at, name, name_len, hash) != RING_NONE)
		return fail(f, "node '%.*s' is listed twice", (int)name_len, name);
	index_put(&nodes->index, index_slot(hash, nodes->n));
	nodes->at[nodes->n++] = (struct ring_node){
		.name = name, .weight = (uint32_t)weight, .name_len = (uint16_t)name_len, .zone = id,
	};
	return 0;
}

/* A whole number without sign; UINT64_MAX (over every limit) for anything else. */
static uint64_t parse_weight(const char *s, size_t len)
{
	uint64_t v = 0;

	if (!len || len > 18)
		return UINT64_MAX;
	for (size_t i = 0; i < len; i++) {
		if (s[i] < '0' || s[i] > '9')
			return UINT64_MAX;
		v = 10 * v + (uint64_t)(s[i] - '0');
	}
	return v;
}

int nodes_parse_list(struct nodes *nodes, const char *text, struct nodes_fault *f)
{
	const char *at = keep_text(nodes, text, strlen(text));

	f->line = 0;
	for (;;) {
		size_t len = strcspn(at, ","), name = len;
		const char *equals = memrchr(at, '=', len);
		uint64_t weight = 1;

		if (equals) {
			name = (size_t)(equals - at);
			weight = parse_weight(equals + 1, len - name - 1);
		}
		if (nodes_add(nodes, at, name, weight, NULL, 0, f))
			return -1;
		if (!at[len])
			return 0;
		at += len + 1;
	}
}

static size_t word(const char **at, const char *end)
{
	const char *p = *at;

	while (p < end && (*p == ' ' || *p == '\t' || *p == '\r'))
		p++;
	*at = p;
	while (p < end && *p != ' ' && *p != '\t' && *p != '\r')
		p++;
	return (size_t)(p - *at);
}

/* The head of a state file, without the rest that made it one, would pass for a node. */
static bool is_state_head(const char *name, size_t len)
{
	static const char head[] = "hashring-state";

	return len >= 8 && len <= sizeof head - 1 && !memcmp(name, head, len);
}

static int parse_words(struct nodes *nodes, const char *line, const char *end, struct nodes_fault *f)
{
	const char *part[4];
	size_t len[4], parts = 0;

	for (const char *at = line; parts < 4; parts++) {
		len[parts] = word(&at, end);
		part[parts] = at;
		if (!len[parts] || *at == '#')
			break;
		at += len[parts];
	}
	if (!parts)
		return 0;
	if (!nodes->n && is_state_head(part[0], len[0]))
		return fail(f, "a state file that was cut off");
	if (parts > 3)
		return fail(f, "more than a name, a weight and a zone: '%.*s'", (int)(len[3] < 99 ? len[3] : 99), part[3]);
	return nodes_add(nodes, part[0], len[0], parts > 1 ? parse_weight(part[1], len[1]) : 1,
			 parts > 2 ? part[2] : NULL, parts > 2 ? len[2] : 0, f);
}

static int parse_object(struct nodes *nodes, const char *line, const char *end, struct nodes_fault *f)
{
	json_error_t error;
	json_t *node = json_loadb(line, (size_t)(end - line), JSON_REJECT_DUPLICATES, &error);
	json_t *name = json_object_get(node, "name"), *weight = json_object_get(node, "weight");
	json_t *zone = json_object_get(node, "zone");
	json_int_t w = weight ? -1 : 1;
	int rc;

	if (weight && json_is_integer(weight))
		w = json_integer_value(weight);
	if (!node)
		rc = fail(f, "byte %d: %s", error.position, error.text);
	else if (!json_is_string(name))
		rc = fail(f, "no string \"name\" in the object");
	else if (zone && !json_is_string(zone) && !json_is_null(zone))
		rc = fail(f, "\"zone\" is not a string");
	else
		rc = nodes_add(nodes, keep_text(nodes, json_string_value(name), json_string_length(name)),
			       json_string_length(name), w < 0 ? UINT64_MAX : (uint64_t)w,
			       json_is_string(zone) ? json_string_value(zone) : NULL, json_string_length(zone), f);
	json_decref(node);
	return rc;
}

int nodes_parse_file(struct nodes *nodes, const char *text, size_t len, struct nodes_fault *f)
{
	const char *at = keep_text(nodes, text, len), *end = at + len;

	for (f->line = 1; at < end; f->line++) {
		const char *newline = memchr(at, '\n', (size_t)(end - at)), *stop = newline ? newline : end;
		const char *first = at;
		size_t n = word(&first, stop);

		if (memchr(at, '\0', (size_t)(stop - at)))
			return fail(f, "a NUL byte");
		if (n && *first == '{' ? parse_object(nodes, first, stop, f) : parse_words(nodes, at, stop, f))
			return -1;
		at = stop + 1;
	}
	f->line = 0;
	return 0;
}

int nodes_end(struct nodes *nodes, struct nodes_fault *f)
{
	f->line = 0;
	free(nodes->index.slot);
	free(nodes->zone_index.slot);
	nodes->index = nodes->zone_index = (struct nodes_index){ 0 };
	nodes->at = must_realloc(nodes->at, (nodes->n + (size_t)1) * sizeof *nodes->at);
	return nodes->n ? 0 : fail(f, "no nodes");
}

static int compare(const void *a, const void *b)
{
	return ring_node_cmp(a, b);
}

void nodes_sort(struct nodes *nodes)
{
	uint32_t i = 1;

	while (i < nodes->n && ring_node_cmp(&nodes->at[i - 1], &nodes->at[i]) < 0)
		i++;
	if (i < nodes->n)
		qsort(nodes->at, nodes->n, sizeof *nodes->at, compare);
}

uint32_t nodes_find(const struct nodes *nodes, const char *name, size_t len)
{
	for (uint32_t i = 0; i < nodes->n; i++)
		if (nodes->at[i].name_len == len && !memcmp(nodes->at[i].name, name, len))
			return i;
	return RING_NONE;
}

uint32_t *nodes_kept(const struct nodes *was, const struct nodes *is)
{
	struct nodes_index x = { 0 };
	uint32_t *kept = must_malloc((was->n + (size_t)1) * sizeof *kept);

	index_reserve(&x, is->n + 1);
	for (uint32_t i = 0; i < is->n; i++)
		index_put(&x, index_slot(name_hash(is->at[i].name, is->at[i].name_len), i));
	for (uint32_t i = 0; i < was->n; i++)
		kept[i] = index_find(&x, is->at, was->at[i].name, was->at[i].name_len,
				     name_hash(was->at[i].name, was->at[i].name_len));
	free(x.slot);
	return kept;
}

bool nodes_equal(const struct nodes *a, const struct nodes *b)
{
	uint32_t *kept;
	bool equal = a->n == b->n;

	if (!equal)
		return false;
	kept = nodes_kept(a, b);
	for (uint32_t i = 0; i < a->n && equal; i++)
		equal = kept[i] != RING_NONE && a->at[i].weight == b->at[kept[i]].weight
			&& !strcmp(nodes_zone(a, i), nodes_zone(b, kept[i]));
	free(kept);
	return equal;
}

const char *nodes_zone(const struct nodes *nodes, uint32_t node)
{
	return nodes->at[node].zone ? nodes->zone[nodes->at[node].zone - 1].name : "";
}

void nodes_release(struct nodes *nodes)
{
	for (size_t i = 0; i < nodes->texts; i++)
		free(nodes->text[i]);
	free(nodes->index.slot);
	free(nodes->zone_index.slot);
	free(nodes->zone);
	free(nodes->text);
	free(nodes->at);
	*nodes = (struct nodes){ 0 };
}
