/*
 * raft_body: see raft_body.h
 *
 * The fields are named as in Figures 2 and 13 of the extended paper; `round`, `transfer` and `pre_vote` are
 * only there where they say something.
 */
#include "lib/proto/raft_body.h"
#include "lib/base/err.h"
#include "lib/proto/text.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

enum { TYPES = RAFT_TIMEOUT_NOW + 1, FIELDS_MAX = 8 };

struct kind { const char *type; const char *fields[FIELDS_MAX + 1]; };

static const struct kind kinds[TYPES] = {
	[RAFT_REQUEST_VOTE] = { "request_vote", { "term", "last_log_index", "last_log_term", "pre_vote", "transfer" } },
	[RAFT_REQUEST_VOTE_OK] = { "request_vote_ok", { "term", "vote_granted", "pre_vote" } },
	[RAFT_APPEND_ENTRIES] = { "append_entries",
		{ "term", "prev_log_index", "prev_log_term", "leader_commit", "round", "entries" } },
	[RAFT_APPEND_ENTRIES_OK] = { "append_entries_ok",
		{ "term", "success", "match_index", "conflict_index", "conflict_term", "round" } },
	[RAFT_INSTALL_SNAPSHOT] = { "install_snapshot",
		{ "term", "last_included_index", "last_included_term", "offset", "data", "done" } },
	[RAFT_INSTALL_SNAPSHOT_OK] = { "install_snapshot_ok", { "term", "offset" } },
	[RAFT_TIMEOUT_NOW] = { "timeout_now", { "term" } },
};

struct raft_names {
	struct wire_names *kind[TYPES], *entry;
	size_t type_len[TYPES];
};

struct raft_names *raft_names_new(void)
{
	static const char *const entry[] = { "term", "command", NULL };
	struct raft_names *names = must_calloc(1, sizeof(*names));

	for (int i = 0; i < TYPES; i++) {
		names->kind[i] = wire_names_new(kinds[i].fields);
		names->type_len[i] = strlen(kinds[i].type);
	}
	names->entry = wire_names_new(entry);
	return names;
}

void raft_names_free(struct raft_names *names)
{
	for (int i = 0; i < TYPES; i++)
		wire_names_free(names->kind[i]);
	wire_names_free(names->entry);
	free(names);
}

/* --- Configurations --- */

static void put_list(struct buf *b, const struct raft_config *c, bool voters)
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

void raft_config_lists(struct buf *b, const struct raft_config *c)
{
	buf_puts(b, "\"voters\":");
	put_list(b, c, true);
	buf_puts(b, ",\"learners\":");
	put_list(b, c, false);
}

void raft_config_write(struct buf *b, const struct raft_config *c)
{
	buf_puts(b, "{\"type\":\"config\",");
	raft_config_lists(b, c);
	buf_putc(b, '}');
}

static bool read_list(const struct wire_value *list, bool voters, struct raft_config *c)
{
	struct wire_value item;
	struct wire_walk walk;

	if (list->kind == WIRE_ABSENT)
		return true;
	if (list->kind != WIRE_OTHER || !wire_walk_init(&walk, list->json))
		return false;
	while (wire_walk_next(&walk, &item)) {
		if (c->count == RAFT_MEMBERS_MAX ||
		    !wire_string(&item, c->member[c->count].name, RAFT_NAME_BYTES_MAX))
			return false;
		c->member[c->count++].voter = voters;
	}
	return true;
}

bool raft_config_read(struct wire_text command, struct raft_config *c)
{
	static const char *const fields[] = { "voters", "learners", NULL };
	struct wire_names *names = wire_names_new(fields);
	struct wire_value list[2];

	*c = (struct raft_config){ 0 };
	wire_body(names, command, list);
	wire_names_free(names);
	return read_list(&list[0], true, c) && read_list(&list[1], false, c);
}

/* --- Entries --- */

void raft_texts_release(struct raft_texts *t)
{
	free(t->entry);
	free(t->text);
	free(t->config);
	*t = (struct raft_texts){ 0 };
}

void raft_texts_clear(struct raft_texts *t)
{
	t->count = t->configs = 0;
}

static struct raft_entry *add(struct raft_texts *t, uint64_t term, struct wire_text command)
{
	if (t->count == t->room) {
		t->room = t->room ? 2 * t->room : 256;
		t->entry = must_realloc(t->entry, t->room * sizeof(*t->entry));
		t->text = must_realloc(t->text, t->room * sizeof(*t->text));
	}
	t->entry[t->count] = (struct raft_entry){ .term = term, .bytes = (uint32_t)command.len };
	t->text[t->count] = command;
	return &t->entry[t->count++];
}

void raft_texts_add_command(struct raft_texts *t, struct wire_text command)
{
	add(t, 0, command);
}

void raft_texts_add(struct raft_texts *t, uint64_t term, struct wire_text command)
{
	struct raft_entry *e = add(t, term, command);
	struct raft_config config;

	if (!text_is_config(command) || !raft_config_read(command, &config) || !config.count)
		return;
	if (t->configs == t->config_room) {
		t->config_room = t->config_room ? 2 * t->config_room : 4;
		t->config = must_realloc(t->config, t->config_room * sizeof(*t->config));
	}
	t->config[t->configs++] = config;
	e->config = t->config;          /* that it has one: the array may move yet */
}

void raft_texts_end(struct raft_texts *t)
{
	size_t config = 0;

	for (size_t i = 0; config < t->configs; i++)
		if (t->entry[i].config)
			t->entry[i].config = &t->config[config++];
}

static bool read_entries(const struct raft_names *names, const struct wire_value *list, struct raft_texts *out)
{
	struct wire_value field[2];
	struct wire_walk walk;
	uint64_t term;

	if (list->kind == WIRE_ABSENT)
		return true;
	if (list->kind != WIRE_OTHER || *list->json.p != '[' || !wire_walk_init(&walk, list->json))
		return false;
	while (wire_walk_body(&walk, names->entry, field)) {
		if (!wire_u64(&field[0], &term) || field[1].kind != WIRE_OTHER || *field[1].json.p != '{')
			return false;
		raft_texts_add(out, term, field[1].json);
	}
	raft_texts_end(out);
	return wire_walk_ended(&walk);
}

/* --- Bodies --- */

static bool number(const struct wire_value *v, uint64_t *to)
{
	return wire_u64(v, to);
}

static bool optional(const struct wire_value *v, uint64_t *to)
{
	*to = 0;
	return v->kind == WIRE_ABSENT || wire_null(v) || wire_u64(v, to);
}

static bool flag(const struct wire_value *v, bool *to)
{
	*to = wire_true(v);
	return *to || v->kind == WIRE_ABSENT || v->kind == WIRE_OTHER;
}

static bool read_fields(const struct raft_names *names, const struct wire_value *f, struct raft_message *m,
			struct raft_texts *texts, struct wire_value *data)
{
	if (!number(&f[0], &m->term))
		return false;
	switch (m->type) {
	case RAFT_REQUEST_VOTE:
		return number(&f[1], &m->last_log_index) && number(&f[2], &m->last_log_term) &&
		       flag(&f[3], &m->pre_vote) && flag(&f[4], &m->transfer);
	case RAFT_REQUEST_VOTE_OK:
		return flag(&f[1], &m->vote_granted) && f[1].kind != WIRE_ABSENT && flag(&f[2], &m->pre_vote);
	case RAFT_APPEND_ENTRIES:
		if (!number(&f[1], &m->prev_log_index) || !number(&f[2], &m->prev_log_term) ||
		    !number(&f[3], &m->leader_commit) || !optional(&f[4], &m->round) ||
		    !read_entries(names, &f[5], texts))
			return false;
		m->entries = texts->entry;
		m->count = (uint32_t)texts->count;
		return true;
	case RAFT_APPEND_ENTRIES_OK:
		return flag(&f[1], &m->success) && f[1].kind != WIRE_ABSENT && optional(&f[2], &m->match_index) &&
		       optional(&f[3], &m->conflict_index) && optional(&f[4], &m->conflict_term) &&
		       optional(&f[5], &m->round);
	case RAFT_INSTALL_SNAPSHOT:
		*data = f[4];
		return number(&f[1], &m->last_included_index) && number(&f[2], &m->last_included_term) &&
		       number(&f[3], &m->offset) && data->kind == WIRE_STRING && flag(&f[5], &m->done);
	case RAFT_INSTALL_SNAPSHOT_OK:
		return number(&f[1], &m->offset);
	case RAFT_TIMEOUT_NOW:
		return true;
	}
	return false;
}

bool raft_body_read(const struct raft_names *names, const struct wire_line *line, struct raft_message *m,
		    struct raft_texts *texts, struct wire_value *data, const char **why)
{
	struct wire_value field[FIELDS_MAX];
	int type = 0;

	while (type < TYPES && !(names->type_len[type] == line->type.len &&
				 !memcmp(kinds[type].type, line->type.p, line->type.len)))
		type++;
	if (type == TYPES)
		return false;
	*m = (struct raft_message){ .type = (enum raft_message_type)type };
	memcpy(m->peer, line->src.p, line->src.len);
	raft_texts_clear(texts);
	wire_body(names->kind[type], line->body, field);
	if (!read_fields(names, field, m, texts, data))
		*why = "a field of this message is missing or is not what it should be";
	return true;
}

const char *raft_body_type(enum raft_message_type type)
{
	return kinds[type].type;
}

static void put(struct buf *b, const char *name, uint64_t value)
{
	buf_puts(b, name);
	buf_u64(b, value);
}

static void put_self(struct buf *b, const char *name, const char *self)
{
	buf_puts(b, name);
	wire_put_string(b, self, strlen(self));
}

void raft_body_write(struct buf *b, const struct raft_message *m, const char *self)
{
	buf_puts(b, "\"type\":\"");
	buf_puts(b, kinds[m->type].type);
	put(b, "\",\"term\":", m->term);
	switch (m->type) {
	case RAFT_REQUEST_VOTE:
		put_self(b, ",\"candidate_id\":", self);
		put(b, ",\"last_log_index\":", m->last_log_index);
		put(b, ",\"last_log_term\":", m->last_log_term);
		buf_puts(b, m->pre_vote ? ",\"pre_vote\":true" : "");
		buf_puts(b, m->transfer ? ",\"transfer\":true" : "");
		return;
	case RAFT_REQUEST_VOTE_OK:
		buf_puts(b, m->vote_granted ? ",\"vote_granted\":true" : ",\"vote_granted\":false");
		buf_puts(b, m->pre_vote ? ",\"pre_vote\":true" : "");
		return;
	case RAFT_APPEND_ENTRIES:
		put_self(b, ",\"leader_id\":", self);
		put(b, ",\"prev_log_index\":", m->prev_log_index);
		put(b, ",\"prev_log_term\":", m->prev_log_term);
		put(b, ",\"leader_commit\":", m->leader_commit);
		break;
	case RAFT_APPEND_ENTRIES_OK:
		buf_puts(b, m->success ? ",\"success\":true" : ",\"success\":false");
		put(b, ",\"match_index\":", m->match_index);
		if (!m->success && m->conflict_index)
			put(b, ",\"conflict_index\":", m->conflict_index);
		if (!m->success && m->conflict_term)
			put(b, ",\"conflict_term\":", m->conflict_term);
		break;
	case RAFT_INSTALL_SNAPSHOT:
		put_self(b, ",\"leader_id\":", self);
		put(b, ",\"last_included_index\":", m->last_included_index);
		put(b, ",\"last_included_term\":", m->last_included_term);
		put(b, ",\"offset\":", m->offset);
		return;
	case RAFT_INSTALL_SNAPSHOT_OK:
		put(b, ",\"offset\":", m->offset);
		return;
	case RAFT_TIMEOUT_NOW:
		put_self(b, ",\"leader_id\":", self);
		return;
	}
	if (m->round)
		put(b, ",\"round\":", m->round);
}

/* --- Records --- */

size_t raft_record_begin(char *out, uint64_t index, uint64_t term)
{
	struct buf b = { .at = out, .room = RAFT_RECORD_BEGIN_BYTES };

	buf_puts(&b, "{\"index\":");
	buf_u64(&b, index);
	buf_puts(&b, ",\"term\":");
	buf_u64(&b, term);
	buf_puts(&b, ",\"command\":");
	assert(b.at == out);
	return b.len;
}

static const char *skip_text(const char *p, const char *end, const char *text)
{
	size_t len = strlen(text);

	return p && (size_t)(end - p) >= len && !memcmp(p, text, len) ? p + len : NULL;
}

static const char *read_digits(const char *p, const char *end, uint64_t *x)
{
	const char *start = p;

	*x = 0;
	while (p && p < end && *p >= '0' && *p <= '9' && p - start < 17)
		*x = *x * 10 + (uint64_t)(*p++ - '0');
	return p != start ? p : NULL;
}

bool raft_record_entry(const char *json, size_t len, uint64_t *index, uint64_t *term, struct wire_text *command)
{
	const char *end = json + len, *p = skip_text(json, end, "{\"index\":");

	p = read_digits(p, end, index);
	p = skip_text(p, end, ",\"term\":");
	p = read_digits(p, end, term);
	p = skip_text(p, end, ",\"command\":");
	if (!p || end - p < 3 || end[-1] != '}' || !*index || *index > RAFT_INDEX_MAX || *term > RAFT_INDEX_MAX)
		return false;
	*command = (struct wire_text){ p, (size_t)(end - 1 - p) };
	return true;
}
