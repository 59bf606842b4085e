/* emit: see emit.h.  The plain line is the hot path: two copies of fixed steps, no call. */
#include "lib/shard/emit.h"

#include <stdlib.h>
#include <string.h>

enum {
	LABEL_BYTES = 32,
	LABEL_NODES_MAX = 1 << 16,      /* beyond, a table of labels costs more than it saves */
};

/* "\tNAME\n", copied whole; the last byte is its length. */
struct label {
	char text[LABEL_BYTES];
};

static void make_labels(struct emit *e)
{
	const struct nodes *nodes = e->route->nodes;

	if (nodes->n > LABEL_NODES_MAX)
		return;
	for (uint32_t i = 0; i < nodes->n; i++)
		if (nodes->at[i].name_len > LABEL_BYTES - 3)
			return;
	e->label = must_calloc(nodes->n, sizeof *e->label);
	for (uint32_t i = 0; i < nodes->n; i++) {
		uint16_t len = nodes->at[i].name_len;

		e->label[i].text[0] = '\t';
		memcpy(e->label[i].text + 1, nodes->at[i].name, len);
		e->label[i].text[len + 1] = e->end;
		e->label[i].text[LABEL_BYTES - 1] = (char)(len + 2);
	}
}

void emit_init(struct emit *e)
{
	e->label = NULL;
	if (e->format == EMIT_TEXT && e->only == RING_NONE && e->route->replicas == 1)
		make_labels(e);
}

void emit_release(struct emit *e)
{
	free(e->label);
}

/* Copies in steps of 16: reads and writes up to 15 bytes beyond, which FLOW_SLACK allows. */
static inline char *copy_over(char *o, const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i += 16)
		memcpy(o + i, p + i, 16);
	return o + len;
}

static void put_labelled(const struct emit *e, const struct route_work *r, struct flow_work *w,
			 const struct ring_key *record, size_t n)
{
	size_t room = n * LABEL_BYTES;
	char *o;

	for (size_t i = 0; i < n; i++)
		room += record[i].len;
	o = flow_room(w, room);
	for (size_t i = 0; i < n; i++) {
		const struct label *label = &e->label[r->owner[i]];

		o = copy_over(o, record[i].p, record[i].len);
		memcpy(o, label->text, LABEL_BYTES);
		o += label->text[LABEL_BYTES - 1];
	}
	w->out_len = (size_t)(o - w->out);
}

/*
 * The same for nodes too many for labels.  A node and its name are two misses
 * far apart, so the whole batch asks for the one and then for the other.
 */
static void put_named(const struct emit *e, const struct route_work *r, struct flow_work *w,
		      const struct ring_key *record, size_t n)
{
	const struct ring_node *nodes = e->route->nodes->at;
	size_t room = 0;
	char *o;

	for (size_t i = 0; i < n; i++)
		__builtin_prefetch(&nodes[r->owner[i]], 0, 2);
	for (size_t i = 0; i < n; i++) {
		const struct ring_node *node = &nodes[r->owner[i]];

		__builtin_prefetch(node->name, 0, 2);
		__builtin_prefetch(node->name + node->name_len - 1, 0, 2);
		room += record[i].len + node->name_len + 2;
	}
	o = flow_room(w, room);
	for (size_t i = 0; i < n; i++) {
		const struct ring_node *node = &nodes[r->owner[i]];

		o = copy_over(o, record[i].p, record[i].len);
		*o++ = '\t';
		o = copy_over(o, (const uint8_t *)node->name, node->name_len);
		*o++ = e->end;
	}
	w->out_len = (size_t)(o - w->out);
}

char *emit_names(char *o, const struct ring_node *nodes, const uint32_t *owner, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		if (i)
			*o++ = ',';
		memcpy(o, nodes[owner[i]].name, nodes[owner[i]].name_len);
		o += nodes[owner[i]].name_len;
	}
	return o;
}

char *emit_json_name(char *o, const struct ring_node *node)
{
	return o + json_escape(node->name, node->name_len, o);
}

char *emit_json_names(char *o, const struct ring_node *nodes, const uint32_t *owner, uint32_t n, bool list)
{
	if (!list)
		return emit_json_name(o, &nodes[owner[0]]);
	*o++ = '[';
	for (uint32_t i = 0; i < n; i++) {
		if (i)
			*o++ = ',';
		o = emit_json_name(o, &nodes[owner[i]]);
	}
	*o++ = ']';
	return o;
}

static char *append(char *o, const char *s, size_t len)
{
	memcpy(o, s, len);
	return o + len;
}

static bool put_json(const struct emit *e, struct flow_work *w, const struct ring_key *key, const uint32_t *owner,
		     uint32_t owners)
{
	bool many = e->route->replicas > 1;
	char *o;

	if (!json_utf8((const char *)key->p, key->len)) {
		flow_fail(w, EXIT_DATA, "the key is not UTF-8, which --json needs");
		return false;
	}
	o = flow_room(w, 6 * key->len + 32 + (size_t)owners * EMIT_JSON_NAME_MAX);
	o = append(o, "{\"key\":", 7);
	o += json_escape((const char *)key->p, key->len, o);
	o = many ? append(o, ",\"nodes\":", 9) : append(o, ",\"node\":", 8);
	o = emit_json_names(o, e->route->nodes->at, owner, owners, e->route->replicas > 1);
	*o++ = '}';
	*o++ = e->end;
	w->out_len = (size_t)(o - w->out);
	return true;
}

/* The record with the owner at the path: in place of what stands there, or as a new last member. */
static bool put_set(const struct emit *e, struct flow_work *w, const struct ring_key *record,
		    const struct json_found *found, const uint32_t *owner, uint32_t owners)
{
	const struct json_path *path = e->route->keys.set;
	const char *line = (const char *)record->p, *end = line + record->len;
	bool there = found->kind != JSON_NONE;
	const char *cut = there ? found->p : found->object_end;
	size_t room = record->len + 64 + (size_t)owners * EMIT_JSON_NAME_MAX;
	char *o;

	if (found->blocked) {
		flow_fail(w, EXIT_DATA, "a value that is no object stands in the path of --json-set");
		return false;
	}
	for (size_t i = 0; i < path->parts; i++)
		room += 6 * path->name_len[i] + 8;
	o = flow_room(w, room);
	o = append(o, line, (size_t)(cut - line));
	if (!there) {
		if (!found->object_empty)
			*o++ = ',';
		for (size_t i = found->depth; i < path->parts; i++) {
			if (i > found->depth)
				*o++ = '{';
			o += json_escape(path->name[i], path->name_len[i], o);
			*o++ = ':';
		}
	}
	o = emit_json_names(o, e->route->nodes->at, owner, owners, e->route->replicas > 1);
	for (size_t i = found->depth + 1; !there && i < path->parts; i++)
		*o++ = '}';
	if (there)
		cut += found->len;
	o = append(o, cut, (size_t)(end - cut));
	*o++ = e->end;
	w->out_len = (size_t)(o - w->out);
	return true;
}

static void put_line(const struct emit *e, struct flow_work *w, const struct ring_key *record, const uint32_t *owner,
		     uint32_t owners)
{
	char *o = flow_room(w, record->len + 2 + (size_t)owners * (RING_NAME_BYTES_MAX + 1));

	o = append(o, (const char *)record->p, record->len);
	if (e->only == RING_NONE) {
		*o++ = '\t';
		o = emit_names(o, e->route->nodes->at, owner, owners);
	}
	*o++ = e->end;
	w->out_len = (size_t)(o - w->out);
}

static bool wanted(uint32_t only, const uint32_t *owner, uint32_t owners)
{
	for (uint32_t i = 0; i < owners; i++)
		if (owner[i] == only)
			return true;
	return only == RING_NONE;
}

static size_t emit_batch(void *self, struct flow_work *w, const struct ring_key *record, size_t n)
{
	const struct emit *e = self;
	struct route_work *r = w->scratch;
	const uint32_t replicas = e->route->replicas;
	size_t done = route_batch(e->route, r, w, record, n);

	if (e->label) {
		put_labelled(e, r, w, record, done);
		return done;
	}
	if (e->format == EMIT_TEXT && e->only == RING_NONE && !r->picker) {
		put_named(e, r, w, record, done);
		return done;
	}
	for (size_t i = 0; i < done; i++) {
		const uint32_t *owner = r->owner + i * replicas;
		uint32_t owners = r->picker ? r->owners[i] : 1;

		if (!wanted(e->only, owner, owners))
			continue;
		if (e->format == EMIT_TEXT)
			put_line(e, w, &record[i], owner, owners);
		else if (e->format == EMIT_JSON && !put_json(e, w, &r->keys.key[i], owner, owners))
			return i;
		else if (e->format == EMIT_SET && !put_set(e, w, &record[i], &r->keys.set[i], owner, owners))
			return i;
	}
	return done;
}

static void *emit_open(void *self)
{
	return route_open(((struct emit *)self)->route);
}

static void emit_close(void *self, void *scratch)
{
	(void)self;
	route_close(scratch);
}

struct flow_sink emit_sink(struct emit *e)
{
	return (struct flow_sink){ .self = e, .open = emit_open, .close = emit_close, .batch = emit_batch };
}
