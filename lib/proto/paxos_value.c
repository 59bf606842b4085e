/*
 * paxos_value: values with their texts, and the configurations among them: see paxos_body.h
 */
#include "lib/base/err.h"
#include "lib/proto/paxos_body.h"
#include "lib/proto/text.h"

#include <jansson.h>
#include <stdlib.h>

/* --- Configurations --- */

static void put_list(struct buf *b, const struct paxos_config *c, bool voters)
{
	bool first = true;

	buf_putc(b, '[');
	for (uint32_t i = 0; i < c->count; i++) {
		if (c->member[i].voter != voters)
			continue;
		if (!first)
			buf_putc(b, ',');
		first = false;
		wire_put_string(b, c->member[i].name, strlen(c->member[i].name));
	}
	buf_putc(b, ']');
}

static void put_changed(struct buf *b, const struct paxos_member *m)
{
	if (!*m->name)
		return;
	buf_puts(b, ",\"changed\":{\"node\":");
	wire_put_string(b, m->name, strlen(m->name));
	buf_puts(b, m->voter ? ",\"voter\":true" : ",\"voter\":false");
	if (m->incarnation) {
		buf_puts(b, ",\"incarnation\":");
		buf_u64(b, m->incarnation);
	}
	buf_putc(b, '}');
}

void paxos_config_lists(struct buf *b, const struct paxos_config *c)
{
	bool first = true;

	buf_puts(b, "\"voters\":");
	put_list(b, c, true);
	buf_puts(b, ",\"learners\":");
	put_list(b, c, false);
	if (c->version) {
		buf_puts(b, ",\"version\":");
		buf_u64(b, c->version);
	}
	if (c->epoch) {
		buf_puts(b, ",\"epoch\":");
		buf_u64(b, c->epoch);
	}
	for (uint32_t i = 0; i < c->count; i++) {
		if (!c->member[i].incarnation)
			continue;
		buf_puts(b, first ? ",\"incarnations\":{" : ",");
		first = false;
		wire_put_string(b, c->member[i].name, strlen(c->member[i].name));
		buf_putc(b, ':');
		buf_u64(b, c->member[i].incarnation);
	}
	if (!first)
		buf_putc(b, '}');
	put_changed(b, &c->changed);
}

void paxos_config_write(struct buf *b, const struct paxos_config *c)
{
	buf_puts(b, "{\"type\":\"config\",");
	paxos_config_lists(b, c);
	buf_putc(b, '}');
}

static bool read_list(const json_t *list, bool voters, struct paxos_config *c)
{
	json_t *name;
	size_t i;

	json_array_foreach(list, i, name) {
		size_t len = json_string_length(name);

		if (c->count == PAXOS_MEMBERS_MAX || !len || len > PAXOS_NAME_BYTES_MAX)
			return false;
		memcpy(c->member[c->count].name, json_string_value(name), len + 1);
		c->member[c->count++].voter = voters;
	}
	return true;
}

static bool read_changed(const json_t *changed, struct paxos_member *m)
{
	const char *name = json_string_value(json_object_get(changed, "node"));

	if (!changed)
		return true;
	if (!name || !*name || strlen(name) > PAXOS_NAME_BYTES_MAX)
		return false;
	memcpy(m->name, name, strlen(name) + 1);
	m->voter = json_is_true(json_object_get(changed, "voter"));
	m->incarnation = (uint64_t)json_integer_value(json_object_get(changed, "incarnation"));
	return true;
}

/* Rare: the one place where a tree is built. */
bool paxos_config_read(struct wire_text value, struct paxos_config *c)
{
	json_t *tree = json_loadb(value.p, value.len, 0, NULL), *incarnations = json_object_get(tree, "incarnations");
	bool good;

	*c = (struct paxos_config){ 0 };
	good = read_list(json_object_get(tree, "voters"), true, c) && read_list(json_object_get(tree, "learners"), false, c) &&
	       read_changed(json_object_get(tree, "changed"), &c->changed);
	c->version = (uint64_t)json_integer_value(json_object_get(tree, "version"));
	c->epoch = (uint64_t)json_integer_value(json_object_get(tree, "epoch"));
	for (uint32_t i = 0; i < c->count; i++)
		c->member[i].incarnation = (uint64_t)json_integer_value(json_object_get(incarnations, c->member[i].name));
	json_decref(tree);
	return good;
}

/* --- Values --- */

void paxos_texts_release(struct paxos_texts *t)
{
	free(t->value);
	free(t->text);
	free(t->config);
	free(t->reg);
	free(t->registers);
	*t = (struct paxos_texts){ 0 };
}

void paxos_texts_clear(struct paxos_texts *t)
{
	t->count = t->configs = t->regs = 0;
}

struct paxos_value *paxos_texts_add_command(struct paxos_texts *t, struct wire_text text)
{
	if (t->count == t->room) {
		t->room = t->room ? 2 * t->room : 256;
		t->value = must_realloc(t->value, t->room * sizeof(*t->value));
		t->text = must_realloc(t->text, t->room * sizeof(*t->text));
	}
	t->text[t->count] = text;
	t->value[t->count] = (struct paxos_value){ .bytes = (uint32_t)text.len };
	return &t->value[t->count++];
}

struct paxos_value *paxos_texts_add(struct paxos_texts *t, struct wire_text text)
{
	struct paxos_value *v = paxos_texts_add_command(t, text);
	struct paxos_config config;

	if (!text_is_config(text) || !paxos_config_read(text, &config) || !config.count)
		return v;
	if (t->configs == t->config_room) {
		t->config_room = t->config_room ? 2 * t->config_room : 4;
		t->config = must_realloc(t->config, t->config_room * sizeof(*t->config));
	}
	t->config[t->configs++] = config;
	v->config = t->config;          /* that it has one: the array may move yet */
	return v;
}

void paxos_texts_end(struct paxos_texts *t)
{
	size_t config = 0;

	for (size_t i = 0; config < t->configs; i++)
		if (t->value[i].config)
			t->value[i].config = &t->config[config++];
}
